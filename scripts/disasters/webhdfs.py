"""Files in HDFS over WebHDFS: quick enough to look at a run again and again, without a JVM."""

import json
import urllib.error
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

    def names(self, path: str) -> list[str]:
        """Names in a folder, sorted; none of a folder that is not there."""
        try:
            found: dict[str, Any] = json.loads(self._ask("GET", path, "LISTSTATUS"))
        except urllib.error.HTTPError:
            return []
        return sorted(one["pathSuffix"] for one in found["FileStatuses"]["FileStatus"])

    def _ask(self, method: str, path: str, operation: str) -> bytes:
        url = f"{self._root}{path}?op={operation}&user.name=root"
        return self._open(urllib.request.Request(url, method=method))

    def _open(self, request: urllib.request.Request) -> bytes:
        with DIRECT.open(request, timeout=120) as answer:
            content: bytes = answer.read()
        return content
