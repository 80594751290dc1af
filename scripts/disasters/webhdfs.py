"""Files in HDFS over WebHDFS: quick enough to look at a run again and again, without a JVM."""

import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

__all__ = ["WebHdfs"]

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class WebHdfs:
    """A NameNode's files by their paths in HDFS. OSError where the NameNode or a file is not there."""

    def __init__(self, web: str) -> None:
        self._root = f"{web}/webhdfs/v1"

    def put(self, local: Path, path: str) -> None:
        """Copy a local file, or a folder of files, to a path."""
        for file in sorted(local.iterdir()) if local.is_dir() else [local]:
            target = f"{path}/{file.name}" if local.is_dir() else path
            there = self._ask("PUT", target, "CREATE&overwrite=true&noredirect=true")
            self._open(urllib.request.Request(json.loads(there)["Location"], file.read_bytes(), method="PUT"))

    def get(self, path: str) -> bytes:
        """A file's content, of a DataNode that answers: the NameNode names one that is gone for minutes."""
        gone: list[str] = []
        while True:
            excluded = f"&excludedatanodes={','.join(gone)}" if gone else ""
            there = json.loads(self._ask("GET", path, f"OPEN&noredirect=true{excluded}"))["Location"]
            try:
                return self._open(urllib.request.Request(there))
            except urllib.error.URLError:
                node = urllib.parse.urlsplit(there).netloc
                if node in gone:
                    raise
                gone.append(node)

    def names(self, path: str) -> list[str]:
        """Names in a folder, sorted; none of a folder that is not there."""
        try:
            found: dict[str, Any] = json.loads(self._ask("GET", path, "LISTSTATUS"))
        except urllib.error.HTTPError:
            return []
        return sorted(one["pathSuffix"] for one in found["FileStatuses"]["FileStatus"])

    def copy(self, path: str, local: Path) -> Path:
        """Copy a folder of files, and those in it, to this machine."""
        local.mkdir(parents=True)
        found = json.loads(self._ask("GET", path, "LISTSTATUS"))["FileStatuses"]["FileStatus"]
        for one in found:
            name = one["pathSuffix"]
            if one["type"] == "DIRECTORY":
                self.copy(f"{path}/{name}", local / name)
            else:
                (local / name).write_bytes(self.get(f"{path}/{name}"))
        return local

    def _ask(self, method: str, path: str, operation: str) -> bytes:
        url = f"{self._root}{path}?op={operation}&user.name=root"
        return self._open(urllib.request.Request(url, method=method))

    def _open(self, request: urllib.request.Request) -> bytes:
        with DIRECT.open(request, timeout=120) as answer:
            content: bytes = answer.read()
        return content
