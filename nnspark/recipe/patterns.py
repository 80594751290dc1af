"""Patterns of paths: which files ``data/2025-*/part-[0-4].{csv,txt}`` names, alike on every file system.

    *  any text in a name      ?  one character      [a-c]  [!a-c]  [^a-c]  one of some      {a,b}  a or b

A name that starts with ``_`` or ``.`` (``_SUCCESS``, checksums) is no data: only a pattern that starts so too
has it. Nothing stands for several folders.
"""

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from nnspark.errors import RecipeError

__all__ = ["expand", "is_pattern"]

WILD = "*?["


def is_pattern(path: str) -> bool:
    """Whether a path has a character that stands for others."""
    return any(character in path for character in f"{WILD}{{")


def expand(pattern: str, names_in: Callable[[str], Iterable[str]]) -> list[str]:
    """The paths that a pattern names, sorted.

    ``names_in(folder)`` are the names in a folder, "" for the current one; none of what is no folder.

    Raises
    ------
    RecipeError : ``**``.
    """
    if "**" in pattern:
        raise RecipeError(
            f"{pattern!r}: ** stands for no folders here; name each level, like data/*/*.csv, or list them"
        )
    found = {path for one in _alternatives(pattern) for path in _matches(one, names_in)}
    return sorted(found)


def _alternatives(pattern: str) -> list[str]:
    """The patterns without braces that one with braces is short for."""
    start = pattern.find("{")
    depth, commas = 0, [start]
    for at in range(start, len(pattern)) if start >= 0 else ():
        depth += {"{": 1, "}": -1}.get(pattern[at], 0)
        if pattern[at] == "," and depth == 1:
            commas.append(at)
        elif depth == 0:
            edges = zip(commas, [*commas[1:], at], strict=True)
            made = (pattern[:start] + pattern[left + 1 : right] + pattern[at + 1 :] for left, right in edges)
            return [path for one in made for path in _alternatives(one)]
    return [pattern]


def _matches(pattern: str, names_in: Callable[[str], Iterable[str]]) -> list[str]:
    segments = pattern.rstrip("/").split("/")
    wild = (at for at, segment in enumerate(segments) if any(one in segment for one in WILD))
    first = next(wild, len(segments) - 1)
    base = "/".join(segments[:first])
    if first and (not base or base.endswith((":", "//"))):
        base += "/"
    found = [base]
    for segment in filter(None, segments[first:]):
        found = [
            _joined(folder, name) for folder in found for name in names_in(folder) if _fits(name, segment)
        ]
    return found


def _fits(name: str, segment: str) -> bool:
    if name.startswith(("_", ".")) and name[0] != segment[0]:
        return False
    return name == segment or fnmatchcase(name, segment.replace("[^", "[!"))


def _joined(folder: str, name: str) -> str:
    return f"{folder}{name}" if not folder or folder.endswith("/") else f"{folder}/{name}"
