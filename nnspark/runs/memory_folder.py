"""A run directory that is not kept: its files in memory, for a run that was given no place."""

__all__ = ["MemoryFolder"]


class MemoryFolder:
    """Files by name; checkpoints are let go, as nobody could resume from them."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def path(self, name: str = "") -> str:
        """What messages call a file."""
        return f"(memory)/{name}" if name else "(memory)"

    def names(self, below: str = "") -> list[str]:
        """Names of the files in a folder, sorted."""
        prefix = f"{below}/" if below else ""
        found = (name.removeprefix(prefix) for name in self._files if name.startswith(prefix))
        return sorted({name.partition("/")[0] for name in found})

    def read(self, name: str) -> bytes:
        """A file's content."""
        try:
            return self._files[name]
        except KeyError:
            raise FileNotFoundError(name) from None

    def write(self, name: str, content: bytes) -> None:
        """Keep a file."""
        if not name.startswith("checkpoints/"):
            self._files[name] = content

    def create(self, name: str, content: bytes) -> bool:
        """Keep a file unless there is one; whether it was kept."""
        if name in self._files:
            return False
        self.write(name, content)
        return True

    def append(self, name: str, content: bytes) -> None:
        """Add to the end of a file."""
        self._files[name] = self._files.get(name, b"") + content

    def delete(self, name: str) -> None:
        """Delete a file, or all in a folder."""
        for one in [one for one in self._files if one == name or one.startswith(f"{name}/")]:
            del self._files[one]

    def mend(self, below: str = "") -> None:
        """Nothing is half written."""

    def make(self) -> int:
        """Nothing to make."""
        return 0

    def prune(self, made: int) -> None:
        """Nothing was made."""
