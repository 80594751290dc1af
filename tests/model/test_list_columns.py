"""Rows whose features lie in columns of lists, as in training or as a pandas frame of Spark's has them."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.ml.linalg import Vectors

import nnspark
from nnspark.errors import DataError, NNSparkError

pd = pytest.importorskip("pandas")
RECIPE = {
    "data": {"label": "y"},
    "network": {"hidden": [3]},
    "training": {"epochs": 2},
    "report": {"html": False},
}
V = np.random.default_rng(5).normal(size=(60, 3))
A = np.random.default_rng(6).normal(size=60)
ROWS = pd.DataFrame({"y": (V[:, 0] > 0).astype(int), "v": V.tolist(), "a": A}, index=range(7, 67))


@pytest.fixture(scope="module")
def model() -> Any:
    """Of features v[0], v[1], v[2] and a."""
    return nnspark.train(RECIPE, ROWS, progress=False)


def forms() -> dict[str, Any]:
    """The same rows in every form."""
    arrow = pa.Table.from_pandas(ROWS, preserve_index=False)
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(V.ravel()), 3)
    return {
        "pandas": ROWS,
        "pandas, arrays": ROWS.assign(v=list(V)),
        "pandas, vectors": ROWS.assign(v=[Vectors.dense(one) for one in V]),
        "pandas, columns in another order": ROWS[["a", "y", "v"]],
        "pandas, a column called column_names": ROWS.assign(column_names=1),
        "pandas, a column of each": ROWS.drop(columns="v").assign(
            **{f"v[{at}]": V[:, at] for at in range(3)}
        ),
        "pandas, Arrow's types": arrow.to_pandas(types_mapper=pd.ArrowDtype),
        "Arrow": arrow,
        "Arrow, a batch": arrow.to_batches()[0],
        "Arrow, lists of one size": arrow.set_column(1, "v", fixed),
    }


@pytest.mark.parametrize("form", forms())
def test_lists_are_the_columns_that_they_were_in_training(model: Any, form: str) -> None:
    """The array's probabilities, bit for bit."""
    assert model.columns == ("v[0]", "v[1]", "v[2]", "a")
    expected = model.predict_proba(np.column_stack([V, A]))
    np.testing.assert_array_equal(model.predict_proba(forms()[form]), expected)


@pytest.mark.parametrize("form", ["pandas", "pandas, vectors", "Arrow", "Arrow, lists of one size"])
def test_a_model_of_unnamed_features_takes_the_one_column_of_lists(form: str) -> None:
    """As transform does."""
    model = nnspark.train(RECIPE, (V, ROWS["y"].to_numpy()), progress=False)
    np.testing.assert_array_equal(model.predict_proba(forms()[form]), model.predict_proba(V))


def test_lists_of_a_model_that_encodes_its_columns() -> None:
    """Beside text."""
    rows = ROWS.assign(word=["x", "y"] * 30)
    recipe = RECIPE | {"data": {"label": "y", "categorical": ["word"]}}
    model = nnspark.train(recipe, rows, progress=False)
    apart = rows.drop(columns="v").assign(**{f"v[{at}]": V[:, at] for at in range(3)})
    np.testing.assert_array_equal(model.predict_proba(rows), model.predict_proba(apart))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            [[1.0, 2.0, 3.0], [1.0, 2.0]],
            "row 1 has 2 values in column 'v'; expected a list of 3 values, as in",
        ),
        ([[1.0, 2.0, 3.0], None], "row 1 has None in column 'v'; expected a list of 3 values"),
        ([[1.0], [1.0, 2.0, 3.0]], "row 0 has 1 values in column 'v'; expected a list of 3 values"),
        ([[1.0, 2.0]] * 2, "row 0 has 2 values in column 'v'; expected a list of 3 values"),
        ([[1.0, 2.0, 3.0, 4.0]] * 2, "row 0 has 4 values in column 'v'; expected a list of 3 values"),
        ([[[1.0], [2.0], [3.0]]] * 2, "in column 'v'; expected a list of 3 values"),
        ([[1.0, 2.0, None], [1.0, 2.0, 3.0]], "row 0 has nan in feature 'v[2]'"),
        ([1.0, 2.0], "row 0 has 1.0 in column 'v'; expected a list of 3 values"),
        (["one", "two"], "row 0 has 'one' in column 'v'; expected a list of 3 values"),
        ([None, None], "row 0 has None in column 'v'; expected a list of 3 values"),
        ([[], []], "row 0 has 0 values in column 'v'; expected a list of 3 values"),
    ],
)
def test_lists_that_cannot_be_are_named(model: Any, values: list[Any], words: str) -> None:
    """By row and column; both kinds of table say the same."""
    rows = pd.DataFrame({"v": values, "a": [0.0, 1.0]})
    for form in (rows, pa.Table.from_pandas(rows)):
        with pytest.raises(NNSparkError) as raised:
            model.predict(form)
        assert isinstance(raised.value, DataError)
        assert words in str(raised.value)


@pytest.mark.parametrize(
    "value", ["abc", {0: 1.0, 1: 2.0, 2: 3.0}, np.zeros((3, 1)), np.array(3.0), float("nan")]
)
def test_what_is_no_list_is_named(model: Any, value: Any) -> None:
    """Wherever it is among lists."""
    for at in (0, 1):
        values: list[Any] = [[1.0, 2.0, 3.0]] * 2
        values[at] = value
        with pytest.raises(DataError, match=f"row {at} has .* in column 'v'; expected a list of 3 values"):
            model.predict(pd.DataFrame({"v": values, "a": [0.0, 1.0]}))


@pytest.mark.parametrize("form", ["pandas", "pandas, Arrow's types", "Arrow", "Arrow, lists of one size"])
def test_no_rows_have_no_answers(model: Any, form: str) -> None:
    """As of an array without rows."""
    assert model.predict_proba(forms()[form][:0]).shape == (0, 2)
    unnamed = nnspark.train(RECIPE, (V, ROWS["y"].to_numpy()), progress=False)
    assert unnamed.predict_proba(forms()[form][:0]).shape == (0, 2)
