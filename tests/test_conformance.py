"""tests/conformance.md: every case of the peers has a test, and every test it names is there."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = (TESTS / "conformance.md").read_text(encoding="utf-8")
CASES = [
    f"{peer}{number}" for peer, last in (("M", 10), ("K", 12), ("X", 4)) for number in range(1, last + 1)
]


def named(page: str) -> dict[str, list[str]]:
    """The tests of each case, by the rows of the table; a row without a case belongs to the one above."""
    found: dict[str, list[str]] = {}
    case = ""
    for row in re.findall(r"^\| *([MKX]\d+)? *\|[^|]*\| `([^`]+)` \|$", page, re.MULTILINE):
        case = row[0] or case
        found.setdefault(case, []).append(row[1])
    return found


def missing(tests: list[str]) -> list[str]:
    """Those that are no function of their file."""
    gone = []
    for test in tests:
        file, _, name = test.partition("::")
        path = TESTS.parent / file
        body = ast.parse(path.read_text(encoding="utf-8")).body if path.is_file() else []
        if name not in [one.name for one in body if isinstance(one, ast.FunctionDef)]:
            gone.append(test)
    return gone


def test_every_case_has_a_test_that_is_there() -> None:
    """In the table's order."""
    found = named(PAGE)
    assert list(found) == CASES
    assert missing([test for tests in found.values() for test in tests]) == []


def test_no_row_of_the_page_is_passed_over() -> None:
    """Each row of the table is read."""
    rows = [line for line in PAGE.splitlines() if line.startswith("|")][2:]
    assert sum(map(len, named(PAGE).values())) == len(rows)


def test_every_test_that_bears_a_cases_number_is_on_the_page() -> None:
    """As ``test_k3_...``."""
    listed = {test for tests in named(PAGE).values() for test in tests}
    for path in sorted(TESTS.rglob("test_*.py")):
        for name in re.findall(r"^def (test_[mkx]\d+_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert f"{path.relative_to(TESTS.parent).as_posix()}::{name}" in listed
