"""The table of constants that change a path: each is there, and so is the test that crosses it."""

import importlib
import re
from pathlib import Path

TESTS = Path(__file__).parent
ROW = re.compile(r"^\| `([\w/]+)\.py` ([A-Z_, ]+) \|[^|]+\| (.+) \|$", re.MULTILINE)


def test_constants_and_their_tests_exist() -> None:
    """Every row names constants of a module and files of tests, to the last."""
    rows = ROW.findall((TESTS / "thresholds.md").read_text())
    assert len(rows) > 30
    for module, names, files in rows:
        found = importlib.import_module("nnspark." + module.replace("/", "."))
        assert all(hasattr(found, name) for name in names.split(", ")), (module, names)
        for file in re.findall(r"`([^`]+)`", files):
            assert (TESTS.parent / file).exists(), file
