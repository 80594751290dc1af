"""Awkward inputs give the same bits, or the same refusal, by every route: array, file, DataFrame."""

from pathlib import Path
from typing import Any

import pytest
from spark.awkward import ROUTES, Refusal, Result, take
from spark.awkward_cases import CASES
from spark.test_places import CASES as PLACES

ROOT = Path(__file__).parents[2]
QUICK = {
    "numbers of every type",
    "an array beside numbers",
    "dense and sparse vectors",
    "whole decimal labels beyond 2**53",
    "blanks around text labels",
    "multilabel values other than 0 and 1",
}
# As DataFrames of Parquet files: which go the way of the files themselves, read on the executors.
IN_MEMORY = QUICK - {
    "whole decimal labels beyond 2**53"
}  # what the file's do; decimals are among the numbers
READ_BACK = QUICK - {
    "an array beside numbers",
    "dense and sparse vectors",  # test_direct_parquet.py::test_vectors_that_spark_wrote_are_read_too
    "whole decimal labels beyond 2**53",
}
FRAMES, DIRECT = "tests/spark/test_frames.py", "tests/spark/test_direct_parquet.py"
# On the executors these are slow, as another cell of that route, or another test, goes the same way there.
HELD_BY = {
    "durations left out": "columns left out",
    "columns left out by a minus": "columns left out",
    "one value in every row": "tests/spark/test_frames.py::test_files_and_partitions_do_not_change_a_bit",
    "equal rows": "tests/spark/test_frames.py::test_degenerate_rows_train_to_the_same_bits",
    "infinity": "tests/spark/test_frames.py::test_unusable_values_are_refused_by_name",
    "negative weights": "tests/spark/test_frames.py::test_unusable_values_are_refused_by_name",
    "fractional labels": "tests/spark/test_frames.py::test_unusable_values_are_refused_by_name",
    "one class": "tests/spark/test_frames.py::test_unusable_values_are_refused_by_name",
    "an array": "tests/spark/test_frames.py::test_wide_columns_and_targets_agree_with_arrays",
    "ragged arrays": "tests/spark/test_places.py::test_the_place_is_said_where_the_words_around_it_differ",
    "parts with columns in another order": "parts with columns in another case",
    "text labels in another case": "text labels that spell numbers",
    "csv: a header below a hundred blank lines": "csv: a header with nine hundred line breaks",
    "csv: a header with line breaks": "csv: a header with nine hundred line breaks",
    "csv: missing numbers are no text": "csv: not a number",
    "csv: 1e999": "tests/spark/test_places.py::test_executors_name_the_place_that_the_driver_names",
    "csv: inf": "tests/spark/test_places.py::test_executors_name_the_place_that_the_driver_names",
    "csv: an empty cell": "csv: not a number",
    "csv: control characters in labels": "csv: blanks around everything",
    "csv: separated by tabs": "csv: separated by bars",
    "csv: separated by bars, Java's own numbers": "csv: Java's own numbers",
    "decimal weights": "decimal targets",
    "unsigned labels beyond 2**53": "labels beyond 2**53",
    "all null": "all null, of no type",
    "minus zero beside zero": "csv: plain",
    "split, strata, scale, weights": f"{FRAMES}::test_files_and_partitions_do_not_change_a_bit",
    "arrays of decimals and booleans": "an array beside numbers",
    "dense and sparse vectors": f"{DIRECT}::test_both_ways_of_reading_give_the_same_bits",
    "parts with a column more": "parts with columns in another case",
    "decimal labels": "whole decimal labels beyond 2**53",
    "csv: text like a comment": "csv: quoted cells",
    "csv: text left out": "tests/spark/test_raw_folds.py::test_a_folds_run_has_the_same_bits_by_every_route",
    "csv: parts in another case": "csv: parts",
    "csv: separated by bars, another header": "csv: parts with columns in another order",
    "csv: nan": "tests/spark/test_places.py::test_executors_name_the_place_that_the_driver_names",
    "arrays of durations": "durations",
    "arrays of times": "times of day",
    "timestamps": "dates",
    "a map": "a struct",
    "csv: a cell too many": "csv: separated by bars, a cell too many",
    "csv: a cell too few": "tests/spark/test_frames.py::test_a_csv_record_that_does_not_fit_is_named_by_line",
    "csv: separated by semicolons": "csv: separated by bars",
    "csv: parts with a column less": "csv: parts with columns in another order",
    "csv: parts without a header in one": "csv: parts with columns in another order",
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
    held = name in HELD_BY or name in PLACES  # of which the executors' refusals are
    by_file = "file on the executors" not in case.absent and not held
    refused_early = bool(case.says) and not case.is_text and route == "DataFrame" and not by_file
    elsewhere = route == "file on the executors" and held
    quick = READ_BACK if route == "DataFrame of a file" else IN_MEMORY
    slow = (is_frame and not refused_early and name not in quick) or elsewhere
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


def test_what_is_slow_on_the_executors_is_held_by_what_is_not() -> None:
    """By a case of this table that is quick there, or by a test that there is."""
    for name, held_by in HELD_BY.items():
        file, _, test = held_by.partition("::")
        if test:
            assert f"def {test}(" in (ROOT / file).read_text(), name
        else:
            assert not marks(held_by, "file on the executors"), name
        assert not marks(name, "file on the driver"), name


def test_what_a_route_cannot_hold_is_said() -> None:
    """No cell is left out without a reason, and every case has two routes at least to compare."""
    for name, case in CASES.items():
        assert set(case.absent) <= set(ROUTES), name
        assert all(case.absent.values()), name
        assert len(ROUTES) - len(case.absent) >= 2, name
