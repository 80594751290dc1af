"""Raw columns: one spelling, one day, one NaN, whatever holds the value."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from helpers import one_line_error

from nnspark.errors import DataError
from nnspark.sources import DataRequest, load_table
from nnspark.sources.raw import merge_spellings, raw_column, raw_of_arrow, type_of_values
from nnspark.sources.values import code_of, spelling


def objects(*values):
    """An array of objects."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1", [1, 1.0, "1", " 1.0 ", "1.000", np.int8(1), np.float32(1), Decimal("1.00"), "1\t"]),
        ("0", [0, -0.0, "-0.0", "-0", Decimal(0)]),
        ("0.1", [0.1, "0.1", Decimal("0.10")]),
        ("01", ["01", " 01"]),
        ("1e3", ["1e3"]),
        ("true", [True, np.True_, "TRUE", "True"]),
        ("-7", [-7, "-7.0"]),
        ("18446744073709551615", [2**64 - 1]),
        ("2024-02-29", [datetime.date(2024, 2, 29), "2024-02-29"]),
        (None, [None, np.nan, pd.NA, pd.NaT, "", " \t", np.float32("nan"), Decimal("nan")]),
    ],
)
def test_what_is_one_value_has_one_spelling(text, values):
    """Numbers, booleans, text."""
    assert [spelling(value) for value in values] == [text] * len(values)


def test_a_code_is_a_whole_number_that_a_double_holds():
    """A function of the text alone: these are in model files and in the hashes of rows."""
    assert code_of("Paris") == 1286527320247548.0  # b2sum -l 64, 53 bits
    codes = [code_of(str(at)) for at in range(10_000)]
    assert len(set(codes)) == 10_000
    assert all(0 <= code < 2**53 and code == int(code) for code in codes)


CATEGORIES = [
    pa.array(["a", None, "b ", "a", ""]),
    pa.array(["x", "y", "x", None, "z"]).dictionary_encode(),
    pa.chunked_array([["a", "b"], [], ["c", None, "a"]]),
    pa.array([True, None, False, True, True]),
    pa.array([1.5, 2.0, None, -0.0, 1e300]),
    pa.array([1, 2, None, 2, 10**15]),
    pa.array([Decimal("1.50"), None, Decimal("2.00"), Decimal("0.00"), Decimal("1.50")]),
    pa.array([datetime.date(2024, 1, 2), None] * 2 + [datetime.date(1999, 12, 31)]),
    pa.nulls(5),
]


@pytest.mark.parametrize("column", CATEGORIES, ids=lambda column: str(column.type))
def test_arrow_and_python_make_the_same_codes(column):
    """Of every type that a category may have."""
    found = raw_of_arrow("category", column, "c")
    expected = raw_column("category", objects(*column.to_pylist()), "c")
    assert found.values.tobytes() == expected.values.tobytes()
    assert found.spellings == expected.spellings


DAYS = {
    "1970-01-02": 1.0,
    "1969-12-31": -1.0,
    "2024-02-29 06:00": 19782.25,
    "2024-02-29T06:00:00Z": 19782.25,
    "2024-02-29T07:00:00+01:00": 19782.25,
    "2024-02-29T06:00:00.000001": (19782.25 * 86400e6 + 1) / 86400e6,
}


@pytest.mark.parametrize(("text", "days"), DAYS.items())
def test_days_of_text_are_those_of_numpy(text, days):
    """ISO 8601; a zone counts."""
    assert raw_column("date", objects(text), "d").values[0] == days
    assert raw_of_arrow("date", pa.array([text, None]), "d").values[0] == days
    plain = np.datetime64(
        pd.Timestamp(text).tz_localize(None) if "+" not in text else pd.Timestamp(text).tz_convert(None)
    )
    for values in (np.array([plain], "datetime64[us]"), objects(pd.Timestamp(plain).to_pydatetime())):
        assert raw_column("date", values, "d").values[0] == days
    for unit in ("us", "ns"):
        moments = pa.array([plain.astype(f"datetime64[{unit}]"), None])
        found = raw_of_arrow("date", moments, "d").values
        assert found[0] == days
        assert np.isnan(found[1])


def test_text_that_is_no_date_is_a_misfit():
    """Infinity, which every route refuses."""
    odd = ("31.01.2024", "2024-02-30", "2024-1-1", "yesterday", "2024-01-01 25:00")
    assert np.isinf(raw_column("date", objects(*odd), "d").values).all()


def test_missing_numbers_are_one_nan():
    """Bits of every NaN are those of NumPy's."""
    odd = np.array([0x7FF8000000000123, 0xFFF8000000000000], np.uint64).view(np.float64)
    for values in (raw_column("number", odd, "x").values, raw_of_arrow("number", pa.array(odd), "x").values):
        assert values.tobytes() == np.array([np.nan, np.nan]).tobytes()
    holes = raw_of_arrow("number", pa.array([1, None]), "x").values
    assert holes.tobytes() == raw_column("number", objects(1, None), "x").values.tobytes()


def test_a_value_of_another_kind_is_named():
    """With its row."""
    with one_line_error("'x'", "row 1", "'abc'", "numbers", kind=DataError):
        raw_column("number", objects(1.0, "abc"), "x")
    with one_line_error("'c'", "row 0", kind=DataError):
        raw_column("category", objects([1, 2]), "c")
    with one_line_error("'x'", "numbers", "string", kind=DataError):
        raw_of_arrow("number", pa.array(["1"]), "x")
    with one_line_error("'c'", "'a'", "'b'", "one code", kind=DataError):
        merge_spellings("c", [{1.0: "a"}, {1.0: "b"}])


@pytest.mark.parametrize("cell", ["  ", "NA", "NAN", "-nan", "inf"])
def test_an_empty_cell_is_missing_and_no_other_is(tmp_path, cell):
    """Nothing, nan and NaN, which Spark's reader takes too; anything else is refused with its line."""
    path = tmp_path / "rows.csv"
    request = DataRequest("csv", str(path), missing="mean")
    path.write_text("x,z,label\n1,5,0\n,6,1\nnan,7,0\nNaN,8,1\n")
    assert np.isnan(load_table(request).features[:, 0]).tolist() == [False, True, True, True]
    path.write_text(f"x,z,label\n1,5,0\n{cell},6,1\n")
    with one_line_error("line 3", "'x'", kind=DataError):
        load_table(request)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (objects("a", None), "text"),
        (objects(True, np.nan), "boolean"),
        (objects(1, 2.5, None), "number"),
        (objects(datetime.date(2024, 1, 1)), "date"),
        (objects(1, "a"), ""),
        (objects(None), "number"),
        (np.array([1.0]), "number"),
        (np.array(["a"]), "text"),
        (np.array([True]), "boolean"),
    ],
)
def test_the_type_of_a_column_of_objects_is_that_of_its_values(values, kind):
    """Missing ones aside."""
    assert type_of_values(values) == kind
