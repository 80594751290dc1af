"""A run directory's files on this machine."""

import os
import shutil
import uuid
from pathlib import Path

__all__ = ["LocalFolder"]


class LocalFolder:
    """A directory on this machine."""

    def __init__(self, path: str) -> None:
        self.root = Path(path)

    def path(self, name: str = "") -> str:
        """The full path of a file."""
        return str(self.root / name) if name else str(self.root)

    def names(self, below: str = "") -> list[str]:
        """Names in a folder, sorted."""
        folder = self.root / below
        return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []

    def read(self, name: str) -> bytes:
        """A file's content."""
        return (self.root / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        """Replace a file atomically: write, fsync, rename, fsync of the directory."""
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        directory = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def create(self, name: str, content: bytes) -> bool:
        """Write a file unless there is one; whether it was written."""
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = target.open("xb")
        except FileExistsError:
            return False
        with file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return True

    def append(self, name: str, content: bytes) -> None:
        """Add to the end of a file."""
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("ab") as file:
            file.write(content)

    def delete(self, name: str) -> None:
        """Delete a file or a folder."""
        target = self.root / name
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)

    def mend(self, below: str = "") -> None:
        """Delete temporary files: the rename that would have given them their names is one step."""
        for name in self.names(below):
            if name.endswith(".tmp"):
                self.delete(f"{below}/{name}" if below else name)

    def make(self) -> int:
        """Make the directory and those above it; how many were made."""
        missing = [path for path in (self.root, *self.root.parents) if not path.exists()]
        self.root.mkdir(parents=True, exist_ok=True)
        return len(missing)

    def prune(self, made: int) -> None:
        """Undo ``make``, as far as its directories are still empty."""
        for path in (self.root, *self.root.parents)[:made]:
            try:
                path.rmdir()
            except OSError:
                return
