"""An HTTP server that passes requests on to another, sees each one, and has some of them go wrong."""

import http.client
import random
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

__all__ = ["WAYS", "Asked", "Proxy", "a_twentieth", "nothing"]

WAYS = {
    "refused": "answered 503 SlowDown, and not done",
    "dropped": "its connection is cut before the store has it",
    "unanswered": "done by the store; the connection is cut in place of the answer",
    "halved": "done by the store; of the answer's bytes half arrive",
    "slow": "answered a second late",
}
UNAVAILABLE = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


class Asked(NamedTuple):
    """A request."""

    method: str
    path: str

    @property
    def changes(self) -> bool:
        """Whether the store is another after it."""
        return self.method in ("PUT", "DELETE", "POST")


Fault = Callable[[Asked], str]


def nothing(asked: Asked) -> str:
    """All goes well."""
    return ""


def a_twentieth(*ways: str, seed: int = 1) -> Fault:
    """5 % of requests go wrong in one of the `WAYS`."""
    rng, lock = random.Random(seed), threading.Lock()

    def fault(asked: Asked) -> str:
        with lock:
            return rng.choice(ways) if rng.random() < 0.05 else ""

    return fault


class Proxy(ThreadingHTTPServer):
    """Passes on to a port of this machine.

    moto looks for a file and writes it in two steps, so that two requests that say ``If-None-Match`` may both
    be done; of Amazon's S3 one is. So these go on one at a time.

    fault : asked of each request before it goes on: one of `WAYS`, or nothing.
    after : told of each request once the store has done it, before the answer goes back.
    counts : how many there were, in all, of each way, and with a condition.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.port = port
        self.fault: Fault = nothing
        self.after: Callable[[Asked], object] = nothing
        self.counts: dict[str, int] = {}
        self.one_at_a_time = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def count(self, *keys: str) -> None:
        """One more of each."""
        for key in keys:
            self.counts[key] = self.counts.get(key, 0) + 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no fault of the proxy."""


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Proxy

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(self.command, self.path)
        way = self.server.fault(asked)
        self.server.count("requests", *filter(None, [way]))
        if way == "refused":
            self._answer(503, {"Content-Type": "application/xml"}, UNAVAILABLE)
            return
        if way == "dropped":
            self._cut()
            return
        if way == "slow":
            time.sleep(1)
        if "If-None-Match" in self.headers:
            self.server.count("conditional")
            with self.server.one_at_a_time:
                status, headers, content = self._ask(body)
        else:
            status, headers, content = self._ask(body)
        self.server.after(asked)
        if way == "unanswered":
            self._cut()
            return
        self._answer(status, headers, content, halved=way == "halved")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on  # noqa: N815 (names that http.server looks for)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=300)
        try:
            headers = {key: value for key, value in self.headers.items() if key.lower() != "expect"}
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], content: bytes, *, halved: bool = False) -> None:
        self.send_response_only(status)
        own = {"transfer-encoding", "connection", "keep-alive"}
        if self.command != "HEAD":
            own.add("content-length")
        for key, value in headers.items():
            if key.lower() not in own:
                self.send_header(key, value)
        if self.command != "HEAD" and status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if halved else content)
        if halved:
            self.wfile.flush()
            self._cut()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on standard error."""
