"""Patterns of paths: against Python's own glob, and what they add to it."""

import glob
import os
from pathlib import Path

import pytest

from nnspark.errors import RecipeError
from nnspark.recipe.patterns import expand, is_pattern

FILES = ("a/1.csv", "a/2.csv", "a/2.txt", "b/1.csv", "b/x[1].csv", "b/_1.csv", "b/.1.csv", "c/d/1.csv")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A few folders of files, the current one."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names_in(folder: str) -> list[str]:
    """The names in a folder, none of a file."""
    return os.listdir(folder or ".") if os.path.isdir(folder or ".") else []


@pytest.mark.parametrize(
    "pattern",
    ["*", "*/*", "?/1.csv", "[ab]/*.csv", "[!a]/?.csv", "*/*/1.csv", "a/[1-2].*", "*/x[[]1].csv", "z*", "*/"],
)
def test_patterns_are_those_of_glob(folder: Path, pattern: str) -> None:
    """From here and from the root; glob too passes over names with a dot, but not over those with a _."""
    for start in ("", f"{folder}/"):
        wanted = sorted(found.rstrip("/") for found in glob.glob(f"{start}{pattern}") if "/_" not in found)
        assert expand(f"{start}{pattern}", names_in) == wanted


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("{a,b}/1.csv", ["a/1.csv", "b/1.csv"]),
        ("{a/{1,2},c/d/1}.csv", ["a/1.csv", "a/2.csv", "c/d/1.csv"]),
        ("{a,z}/2.{csv,txt}", ["a/2.csv", "a/2.txt"]),
        ("[^a]/1.csv", ["b/1.csv"]),
        ("b/_*", ["b/_1.csv"]),
        ("{a", []),
    ],
)
def test_patterns_have_hadoops_braces_too(folder: Path, pattern: str, found: list[str]) -> None:
    """Each way once, sorted; what is no data only where the pattern says so."""
    assert is_pattern(pattern)
    assert expand(pattern, names_in) == found


def test_uris_keep_their_root() -> None:
    """The folder that is asked for is whole."""
    asked = []

    def none(folder: str) -> list[str]:
        asked.append(folder)
        return []

    for pattern in ("hdfs:///*", "file:/*", "s3a://bucket/x-*/y", "/*"):
        assert expand(pattern, none) == []
    assert asked == ["hdfs:///", "file:/", "s3a://bucket", "/"]


def test_two_stars_are_refused() -> None:
    """Readers differ in them."""
    with pytest.raises(RecipeError, match="name each level"):
        expand("a/**/b", names_in)
