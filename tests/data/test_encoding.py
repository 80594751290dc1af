"""Encodings: what is learned of raw training rows, in any order and any pieces, as scikit-learn has it."""

import copy
import json

import numpy as np
import pandas as pd
import pytest
from helpers import make_recipe, one_line_error, same_blocks
from hypothesis import given
from hypothesis import strategies as st
from raw_tables import made_rows
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from nnspark.data import learning
from nnspark.data.dataset import make_dataset
from nnspark.data.encoding import Encoding
from nnspark.data.learning import learn
from nnspark.data.medians import RawRows, medians
from nnspark.engines.frames.merging import merge_all
from nnspark.errors import DataError
from nnspark.recipe.raw_columns import Wishes
from nnspark.sources.memory import read_memory
from nnspark.sources.raw import raw_column

ALL_TRAIN = "data.split={train = 1.0, validation = 0.0, test = 0.0}"
LIKE_SKLEARN = (ALL_TRAIN, 'data.categorical="auto"', 'data.exclude=["day", "zip"]')


def dataset_of(rows, *overrides):
    """Rows of a pandas table, laid out."""
    recipe = make_recipe(*overrides, source="memory")
    return make_dataset(read_memory(rows, recipe.data), recipe)


def sorted_rows(X):
    """Rows in an order of their own."""
    return X[np.lexsort(X.T)]


@pytest.mark.parametrize("fill", ["mean", "median"])
def test_features_are_those_of_scikit_learn(fill):
    """OneHotEncoder, SimpleImputer and StandardScaler in a ColumnTransformer, of the same columns."""
    rows = made_rows()
    found = dataset_of(rows, *LIKE_SKLEARN, f'data.missing="{fill}"', 'data.scale="standard"')
    theirs = ColumnTransformer(
        [
            ("age", make_pipeline(SimpleImputer(strategy=fill), StandardScaler()), ["age"]),
            ("city", OneHotEncoder(sparse_output=False), ["city"]),
            ("flag", OneHotEncoder(sparse_output=False), ["flag"]),
            ("height", make_pipeline(SimpleImputer(strategy=fill), StandardScaler()), ["height"]),
        ]
    )
    X = theirs.fit_transform(rows)
    names = [name.partition("__")[2].replace("_", "=") for name in theirs.get_feature_names_out()]
    kept = [at for at, name in enumerate(names) if name != "city=None"]
    ours = [names[at].replace("True", "true").replace("False", "false") for at in kept]
    assert list(found.plan.feature_names) == ours
    np.testing.assert_allclose(sorted_rows(found.blocks.X), sorted_rows(X[:, kept]), rtol=1e-12, atol=1e-12)
    fills = {column.name: column.fill for column in found.plan.encoding.columns if column.fill is not None}
    imputer = SimpleImputer(strategy=fill).fit(rows[["age", "height"]])
    np.testing.assert_allclose([fills["age"], fills["height"]], imputer.statistics_, rtol=1e-14)


def test_rare_values_share_a_feature_as_in_scikit_learn():
    """OneHotEncoder's min_frequency; its one infrequent feature comes last, as here."""
    rows = made_rows().dropna(subset="city")
    table = '{columns = ["city"], least = 20}'
    found = dataset_of(rows[["city", "label"]], ALL_TRAIN, f"data.categorical={table}")
    theirs = OneHotEncoder(sparse_output=False, min_frequency=20)
    X = theirs.fit_transform(rows[["city"]])
    assert found.plan.feature_names == ("city=Paris", "city=Rome", "city=Zürich", "city=(rare)")
    np.testing.assert_array_equal(sorted_rows(found.blocks.X), sorted_rows(X))
    assert found.plan.encoding.columns[0].rare == ("Bonn, DE",)


def test_a_value_of_just_so_many_rows_is_not_rare():
    """``least`` rows are enough; one fewer is not."""
    rows = pd.DataFrame({"a": ["x"] * 5 + ["y"] * 4 + ["z"] * 3, "label": [0, 1] * 6})
    for least, names in (
        (4, ("a=x", "a=y", "a=(rare)")),
        (5, ("a=x", "a=(rare)")),
        (3, ("a=x", "a=y", "a=z")),
    ):
        found = dataset_of(rows, ALL_TRAIN, f"data.categorical={{columns = ['a'], least = {least}}}")
        assert found.plan.feature_names == names


def test_a_value_that_was_not_learned_has_zeros():
    """Whatever codes are next to its own."""
    rows = pd.DataFrame({"a": list("pqr") * 10, "label": [0, 1] * 15})
    encoding = dataset_of(rows, ALL_TRAIN, "data.categorical=auto").plan.encoding
    raw = raw_column("category", np.array([*"pqr", *map(str, range(50))], dtype=object), "a").values[:, None]
    np.testing.assert_array_equal(encoding.apply(raw), np.eye(53, 3))


def test_what_is_seen_of_columns_merges():
    """Least, largest, present and counts of all pieces, holes aside."""
    values = np.array([[5.0, 1.0], [np.nan, 1.0], [-3.0, 2.0], [7.0, np.nan]])
    pieces = [learning._Look([1])(RawRows(values[at : at + 1], {1: {1.0: "a", 2.0: "b"}})) for at in range(4)]
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]):
        seen = merge_all(copy.deepcopy(pieces[at]) for at in order)
        assert (seen.rows, seen.present.tolist()) == (4, [3, 3])
        assert (seen.low.tolist(), seen.high.tolist()) == ([-3.0, 1.0], [7.0, 2.0])
        assert seen.counts == {1: {"a": 2, "b": 1}}


def test_indicators_say_where_training_rows_had_holes():
    """As SimpleImputer's add_indicator: only columns that had some among the training rows."""
    rows = made_rows()[["age", "height", "zip", "label"]]
    found = dataset_of(rows, ALL_TRAIN, "data.missing={fill = 'mean', indicator = true}")
    X = SimpleImputer(strategy="mean", add_indicator=True).fit_transform(rows[["age", "height", "zip"]])
    assert found.plan.feature_names == ("age", "age=(missing)", "height", "height=(missing)", "zip")
    np.testing.assert_allclose(sorted_rows(found.blocks.X), sorted_rows(X[:, [0, 3, 1, 4, 2]]), rtol=1e-12)


def test_a_number_fills_as_it_is():
    """data.missing = -1."""
    found = dataset_of(made_rows()[["age", "label"]], ALL_TRAIN, "data.missing=-1")
    X = found.blocks.X[:, 0]
    assert (X == -1).sum() == made_rows().age.isna().sum()


def test_hashed_values_share_features():
    """Every row has one feature of the stated width; the same value the same one."""
    found = dataset_of(made_rows()[["zip", "label"]], ALL_TRAIN, "data.categorical.hash={zip = 16}")
    assert found.plan.feature_names == tuple(f"zip#{at}" for at in range(16))
    assert (found.blocks.X.sum(axis=1) == 1).all()
    assert (found.blocks.X.sum(axis=0) > 0).all()


def test_dates_are_days():
    """Since 1970-01-01, as NumPy counts them; a CSV's text and a timestamp at noon too."""
    rows = made_rows()[["day", "label"]]
    found = dataset_of(rows, ALL_TRAIN, 'data.dates=["day"]')
    days = np.sort(rows.day.to_numpy("datetime64[D]").astype(np.int64))
    np.testing.assert_array_equal(np.sort(found.blocks.X[:, 0]), days)
    noon = rows.assign(day=pd.to_datetime(rows.day) + pd.Timedelta("12h"))
    found = dataset_of(noon, ALL_TRAIN, 'data.dates=["day"]')
    np.testing.assert_array_equal(np.sort(found.blocks.X[:, 0]), days + 0.5)


def test_the_split_is_known_before_anything_is_learned():
    """Other encodings of the same columns leave every row in its part."""
    rows = made_rows()
    fills = ('"mean"', '"median"', "0", "{fill = 1, indicator = true}")
    options = ('data.categorical="auto"', 'data.exclude=["day"]')
    plans = [dataset_of(rows, *options, f"data.missing={fill}").plan for fill in fills]
    assert len({plan.cuts.tobytes() for plan in plans}) == 1
    assert len({plan.encoding for plan in plans}) == 4


def test_categories_and_fills_are_of_the_training_rows():
    """A value that only other rows have has no feature, and fills do not know their values."""
    rows = made_rows()
    found = dataset_of(
        rows, 'data.categorical=["city"]', 'data.missing="mean"', 'data.exclude=["day", "flag"]'
    )
    train = found.plan.num_samples[0]
    assert 0 < train < len(rows)
    age = next(column for column in found.plan.encoding.columns if column.name == "age")
    assert age.fill != pytest.approx(rows.age.mean(), rel=1e-9)


@pytest.mark.parametrize("fill", ["mean", "median", 0.0])
def test_pieces_and_order_of_rows_do_not_change_what_is_learned(monkeypatch, fill):
    """Chunks of any size, merged in any order; a median by passes of 4 bits."""
    monkeypatch.setattr("nnspark.data.medians.CELLS", 64)
    rng = np.random.default_rng(1)
    rows = made_rows()
    city = raw_column("category", rows.city.to_numpy(), "city")
    values = np.column_stack([rows.age, city.values, rows.height])
    wishes = Wishes(categorical=("city",), least=20, fill=fill, indicator=True)
    names, kinds = ("age", "city", "height"), ("number", "category", "number")

    def over(pieces):
        def run(function):
            return merge_all(function(RawRows(piece, {1: city.spellings})) for piece in pieces)

        return run

    whole, _ = learn(wishes, names, kinds, over([values]))
    for count in (2, 7, 50):
        mixed = np.array_split(values[rng.permutation(len(values))], count)
        assert learn(wishes, names, kinds, over(mixed))[0] == whole
    np.testing.assert_array_equal(whole.columns[1].categories, ["Paris", "Rome", "Zürich"])


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=1, max_size=40),
    st.integers(1, 5),
)
def test_medians_are_those_of_numpy(values, count):
    """Of values of any sign and magnitude, zeros of both signs among them."""
    column = np.array(values)[:, None]
    pieces = [piece for piece in np.array_split(column, count) if len(piece)]

    def over(function):
        return merge_all(function(RawRows(piece, {})) for piece in pieces)

    found = medians([0], np.array([len(values)]), over)[0]
    ordered = np.sort(column[:, 0])
    low, high = ordered[(len(values) - 1) // 2], ordered[len(values) // 2]
    assert found == (low if low == high else 0.5 * low + 0.5 * high)


def test_an_encoding_comes_back_from_json_as_it_was():
    """To the last bit."""
    found = dataset_of(
        made_rows(),
        'data.categorical={columns = "auto", least = 20, hash = {zip = 8}}',
        "data.missing={fill = 'mean', indicator = true}",
        'data.dates=["day"]',
    )
    encoding = found.plan.encoding
    assert Encoding.from_dict(json.loads(json.dumps(encoding.to_dict()))) == encoding


def test_nothing_changes_where_nothing_is_encoded():
    """Numbers without holes have the blocks they have without the keys."""
    rows = made_rows()[["zip", "label"]].assign(x=np.arange(600) / 7)
    plain = dataset_of(rows, 'data.scale="standard"')
    asked = dataset_of(rows, 'data.scale="standard"', 'data.missing="mean"', 'data.categorical="auto"')
    assert plain.plan.encoding is None
    assert asked.plan.fingerprint == plain.plan.fingerprint
    assert same_blocks(asked.blocks, plain.blocks)


def test_scaling_leaves_ones_and_zeros_alone():
    """Numbers are scaled, categories and indicators stay 0 or 1."""
    found = dataset_of(
        made_rows(), ALL_TRAIN, 'data.categorical="auto"', 'data.exclude=["day", "zip"]',
        "data.missing={fill = 'median', indicator = true}", "data.scale={center = 5, divide = 3}",
    )  # fmt: skip
    measured = found.plan.encoding.measured
    assert [name for name, own in zip(found.plan.feature_names, measured, strict=True) if own] == [
        "age",
        "height",
    ]
    assert set(np.unique(found.blocks.X[:, ~measured])) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (('data.categorical="auto"', 'data.exclude=["day"]'), ("age", "null", "data.missing")),
        (
            ('data.exclude=["day"]', 'data.missing="mean"'),
            ("city", 'data.categorical = "auto"', "data.exclude"),
        ),
        (('data.categorical="auto"', 'data.missing="mean"'), ("day", "data.dates")),
        (('data.categorical=["town"]',), ("data.categorical", "town", "city")),
        (('data.categorical=["label"]',), ("data.categorical", "label", "no feature")),
        (('data.dates=["flag"]', 'data.categorical="auto"'), ("data.dates", "flag", "boolean")),
    ],
)
def test_what_cannot_be_used_is_named_with_the_key_to_set(overrides, words):
    """Columns and keys."""
    with one_line_error(*words):
        dataset_of(made_rows(), *overrides)


def test_too_many_values_and_none_are_refused(monkeypatch):
    """With the key that hashes them; a column of holes has nothing to learn from."""
    rows = pd.DataFrame({"id": [f"row {at}" for at in range(200)], "label": [0, 1] * 100})
    monkeypatch.setattr(learning, "MOST_CATEGORIES", 50)
    with one_line_error("id", "more than 50", "data.categorical.hash.id", kind=DataError):
        dataset_of(rows, 'data.categorical="auto"')
    with one_line_error("x", "no value", "data.exclude", kind=DataError):
        dataset_of(rows.assign(x=np.nan)[["x", "label"]], 'data.missing="median"')


def test_features_of_one_name_are_refused():
    """A column may be called as another's feature is."""
    rows = pd.DataFrame({"a": ["b", "c"] * 50, "a=b": range(100), "label": [0, 1] * 50})
    with one_line_error("a=b", "rename"):
        dataset_of(rows, 'data.categorical="auto"')
