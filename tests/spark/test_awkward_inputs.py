"""Awkward inputs give the same bits, or the same refusal, by every route: array, file, DataFrame."""

from pathlib import Path
from typing import Any

import pytest
from spark.awkward import ROUTES, Refusal, Result, take
from spark.awkward_cases import CASES
from spark.test_places import CASES as PLACES

QUICK = {
    "numbers of every type",
    "an array beside numbers",
    "dense and sparse vectors",
    "whole decimal labels beyond 2**53",
    "blanks around text labels",
    "multilabel values other than 0 and 1",
}
EXPECTED: dict[str, Result | Refusal] = {}


def expected_of(spark: Any, name: str, folder: Path) -> Result | Refusal:
    """What the first route that can hold the input gives; without Spark."""
    if name not in EXPECTED:
        case = CASES[name]
        route = "array" if "array" not in case.absent else "file on the driver"
        (folder / "oracle").mkdir()
        EXPECTED[name] = take(route, spark, case, folder / "oracle")
    return EXPECTED[name]


def marks(name: str, route: str) -> tuple[Any, ...]:
    """DataFrames go the way of files on the executors: most of those cells are for the long run."""
    case = CASES[name]
    is_frame = route.startswith("DataFrame")
    refused_early = bool(case.says) and not case.is_text and route == "DataFrame"
    elsewhere = name in PLACES and route == "file on the executors"  # refused in test_places.py too
    slow = (is_frame and not refused_early and name not in QUICK) or elsewhere
    return (pytest.mark.slow,) if slow else ()


CELLS = [
    pytest.param(name, route, id=f"{name}-{route}", marks=marks(name, route))
    for name, case in CASES.items()
    for route in ROUTES
    if route not in case.absent
]


@pytest.mark.parametrize(("name", "route"), CELLS)
def test_every_route_says_the_same(spark: Any, tmp_path: Path, name: str, route: str) -> None:
    """The oracle's weights, history, rows, names and classes; or the refusal's class and words, one line."""
    case = CASES[name]
    found = take(route, spark, case, tmp_path)
    if not case.says:
        assert found == expected_of(spark, name, tmp_path)
        assert isinstance(found, Result)
        return
    assert isinstance(found, Refusal), found
    assert found.kind is case.kind
    assert len(found.message.splitlines()) == 1
    for words in case.says:
        assert words in found.message, f"{words!r} is not in: {found.message}"


def test_what_a_route_cannot_hold_is_said() -> None:
    """No cell is left out without a reason, and every case has two routes at least to compare."""
    for name, case in CASES.items():
        assert set(case.absent) <= set(ROUTES), name
        assert all(case.absent.values()), name
        assert len(ROUTES) - len(case.absent) >= 2, name
