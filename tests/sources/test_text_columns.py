"""Columns that hold no numbers are named, with their kind and the key that leaves them out."""

import pandas as pd
import pyarrow as pa
import pytest

from nnspark.errors import DataError
from nnspark.sources import load_table
from nnspark.sources.columns import features_of
from nnspark.sources.memory import read_memory
from nnspark.sources.table import DataRequest
from nnspark.sources.text_columns import kind_of, sample_size


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2.5", "-3e4"], ""),
        (["clerk", "2", "baker"], "text"),
        (["clerk", "2"], ""),
        (["2026-01-02", "2026-1-3 10:00", "2026-01-02T03:04:05"], "date"),
        (["31.12.2026", "1/2/26"], "date"),
        (["yes", "No", "TRUE", "f"], "true/false"),
        (["yes", "2026-01-02", "clerk"], "text"),
        ([], ""),
    ],
)
def test_a_column_is_what_most_of_its_cells_are(cells, kind):
    """A number among text is text; one odd cell among numbers is not."""
    assert kind_of(cells) == kind


def test_very_wide_files_are_judged_by_few_records():
    """The sample has about as many cells whatever the width."""
    assert sample_size(3) == 1_000
    assert sample_size(1_000) == 100
    assert sample_size(1_000_000) == 10


def test_pandas_columns_are_refused_like_a_files():
    """Text, dates and categories of text; then the same table without them."""
    table = pd.DataFrame(
        {
            "age": [30.0, 40.0, 50.0],
            "job": ["clerk", "baker", "clerk"],
            "since": pd.to_datetime(["2026-01-01"] * 3),
            "city": pd.Categorical(["Bonn", "Ulm", "Ulm"]),
            "label": [0, 1, 1],
        }
    )
    with pytest.raises(DataError) as refused:
        read_memory(table, DataRequest("parquet"))
    assert (
        "3 feature columns are not numbers: 'job' is string, 'since' is timestamp, 'city' is category"
        in str(refused.value)
    )
    assert 'leave them out with data.exclude = ["job", "since", "city"]' in str(refused.value)
    read = read_memory(table, DataRequest("parquet", exclude=("job", "since", "city")))
    assert read.feature_names == ("age",)


def test_a_large_table_of_customers_names_its_columns_not_its_rows(tmp_path):
    """Every row would be refused: none of them is the example."""
    rows = [
        f"{number},clerk,2026-01-{1 + number % 28:02},{number / 7},{number % 2}" for number in range(3_000)
    ]
    path = tmp_path / "bank.csv"
    path.write_text("id,job,opened,balance,label\n" + "\n".join(rows) + "\n")
    with pytest.raises(DataError) as refused:
        load_table(DataRequest("csv", str(path)))
    assert "2 feature columns are not numbers: 'job' is text, 'opened' is date" in str(refused.value)
    assert "line" not in str(refused.value)
    read = load_table(DataRequest("csv", str(path), exclude=("job", "opened"), columns=("-id",)))
    assert read.feature_names == ("balance",)


def test_an_index_that_pandas_stored_is_no_feature(tmp_path):
    """By Arrow and in a file, as in pandas itself; unless it is asked for."""
    rows = pd.DataFrame({"x": [0.5, 1.5, 2.5, 3.5], "label": [0, 1, 0, 1]}).sample(frac=1, random_state=3)
    rows.to_parquet(tmp_path / "rows.parquet")
    stored = pa.Table.from_pandas(rows)
    assert "__index_level_0__" in stored.column_names
    file = DataRequest("parquet", path=str(tmp_path / "rows.parquet"))
    tables = [load_table(file), *(read_memory(form, DataRequest("memory")) for form in (rows, stored))]
    assert [table.feature_names for table in tables] == [("x",)] * 3
    assert features_of(["x", "__index_level_0__"], ["__index_level_0__"], [], "it") == (1,)


def test_a_column_that_no_key_encodes_is_not_said_to_be_encoded():
    """Text beside a duration: the text alone can be."""
    rows = pd.DataFrame({"part": ["a", "b"], "wait": pd.to_timedelta([1, 2], "s"), "label": [0, 1]})
    with pytest.raises(DataError, match=r"""encode 'part' with data.categorical = "auto"$"""):
        read_memory(rows, DataRequest("memory"))


def test_a_column_whose_name_begins_with_a_minus_is_that_column():
    """Only where there is none of that name does it mean all but."""
    names = ("-x", "x", "y")
    assert features_of(names, ["-x"], [], "here") == (0,)
    assert features_of(names, ["-y"], [], "here") == (0, 1)
    assert features_of(names, ["y", "x"], ["x"], "here") == (2,)
    with pytest.raises(ValueError, match="both columns to keep, such as 'y', and to leave out, '-q'"):
        features_of(names, ["y", "-q"], [], "here")
