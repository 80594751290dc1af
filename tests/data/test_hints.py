"""What a run says of its columns before it starts: ids, magnitudes; a sample of the rows alone."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers import make_recipe
from raw_tables import made_rows

from nnspark.data.dataset import make_dataset
from nnspark.data.encoding import Column, Encoding
from nnspark.data.hints import Sample, sample_rows
from nnspark.data.rows import hash_rows
from nnspark.runs.used import columns_used, used_lines
from nnspark.sources.memory import read_memory

ROWS = 300


def plan_of(rows, *overrides):
    """The plan of a pandas table."""
    recipe = make_recipe(*overrides, source="memory")
    return make_dataset(read_memory(rows, recipe.data), recipe).plan


def some(**columns):
    """Rows with a label."""
    return pd.DataFrame({**columns, "label": [0, 1] * (ROWS // 2)})


def test_whole_numbers_that_all_differ_look_like_an_id():
    """One that comes twice, anywhere, is none; fractions are none."""
    ids = np.random.default_rng(0).permutation(ROWS)
    rows = some(id=ids, twice=np.append(ids[:-1], ids[0]), x=ids / 7)
    (said,) = plan_of(rows).hints
    assert "'id'" in said
    assert 'data.exclude = ["id"]' in said
    assert not plan_of(rows.drop(columns="id")).hints
    assert not plan_of(rows.iloc[:40]).hints


def test_texts_that_all_differ_look_like_an_id():
    """Of the training rows, whose categories are counted."""
    rows = some(name=[f"row {at}" for at in range(ROWS)], x=np.arange(ROWS) / 7)
    (said,) = plan_of(rows, "data.categorical=auto").hints
    assert "'name'" in said
    assert not plan_of(rows.assign(name="one"), "data.categorical=auto").hints


def test_unlike_magnitudes_want_a_scale():
    """Above a thousand to one, and only without a scale."""
    rng = np.random.default_rng(0)
    rows = some(income=rng.normal(5e4, 1e4, ROWS), share=rng.random(ROWS), none=0.0)
    (said,) = plan_of(rows).hints
    assert "'income'" in said
    assert "'share'" in said
    assert 'data.scale = "standard"' in said
    assert not plan_of(rows, "data.scale=standard").hints
    assert not plan_of(rows.assign(income=rows.income / 1e3)).hints


def test_days_are_of_a_magnitude_too():
    """Some 19,000 of them saturate a unit, as other large numbers do."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2022-01-01", periods=ROWS).strftime("%Y-%m-%d")
    (said,) = plan_of(some(day=days, share=rng.random(ROWS)), 'data.dates=["day"]').hints
    assert "'day'" in said
    assert 'data.scale = "standard"' in said


def test_a_sample_does_not_depend_on_pieces_or_order():
    """Nor on how often a row comes."""
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(3_000, 2)), rng.integers(1, 4, 3_000), axis=0)
    hashes = hash_rows(X, np.zeros(len(X)), None)
    whole = Sample(100, 2).add(hashes, X)
    assert len(whole.rows) == 100
    for count in (2, 7, 900):
        order = rng.permutation(len(X))
        merged = Sample(100, 2)
        for piece in np.array_split(order, count):
            merged.merge(pickle.loads(pickle.dumps(Sample(100, 2).add(hashes[piece], X[piece]))))
        np.testing.assert_array_equal(merged.rows, whole.rows)
        np.testing.assert_array_equal(merged.hashes, whole.hashes)


def test_a_sample_is_bounded():
    """8 bytes a value, 16 a row, and some; of very wide rows there is none."""
    for columns in (1, 784, 5_000):
        limit = sample_rows(columns)
        X = np.random.default_rng(0).normal(size=(300, columns))
        sent = pickle.dumps(Sample(limit, columns).add(hash_rows(X, np.zeros(300), None), X), 5)
        assert len(sent) <= limit * (8 * columns + 16) + 600
        assert limit * columns <= 1 << 16
    assert sample_rows(5_000) == 0


def test_what_was_used_is_said():
    """A line a kind; a word a column."""
    options = (
        'data.categorical={columns = "auto", least = 20, hash = {zip = 8}}', 'data.exclude=["day"]',
        "data.missing={fill = 'median', indicator = true}",
    )  # fmt: skip
    recipe = make_recipe(*options, source="memory")
    plan = make_dataset(read_memory(made_rows(), recipe.data), recipe).plan
    assert used_lines(plan, recipe.data) == [
        "numbers: age, height; missing ones filled with their median",
        "categories: city (3 values, 1 rare joined), flag (2 values), zip (hashed to 8 features)",
        "features say where these were missing: age, city, height",
        "left out: day",
    ]
    said = columns_used(plan)
    assert list(said) == ["age", "city", "flag", "height", "zip"]
    assert said["age"].startswith("number; a missing one is ")
    assert said["flag"] == "category: 2 values"


@pytest.mark.parametrize(
    ("fill", "date"),
    [(0.0, "1970-01-01"), (17_882.0, "2018-12-17"), (18_000.25, "2019-04-14 06:00:00"), (1e9, "1e+09")],
)
def test_a_missing_date_is_said_as_a_date(fill, date):
    """Days since 1970 are what the network gets, not what a person reads."""
    plan = plan_of(some(x=range(ROWS)))
    said = columns_used(replace(plan, encoding=Encoding((Column("opened", "date", fill=fill),), True)))
    assert said == {"opened": f"days since 1970-01-01; a missing one is {date}"}


def test_columns_without_names_are_not_listed():
    """Pixels of digits are numbers from 0."""
    recipe = make_recipe(source="memory")
    X = np.random.default_rng(0).normal(size=(20, 3))
    plan = make_dataset(read_memory((X, np.arange(20) % 2), recipe.data), recipe).plan
    assert used_lines(plan, recipe.data) == []
    assert columns_used(plan) == {}
