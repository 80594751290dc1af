"""Rows of text and holes for a model that encodes them; its file."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers import make_recipe, one_line_error
from raw_tables import made_rows

import nnspark
from nnspark.errors import DataError, ModelError, ShapeError
from nnspark.interop import to_mllib, to_onnx, to_sklearn
from nnspark.interop.mlflow import Answers
from nnspark.model import Model
from nnspark.model.tensors import read_safetensors, write_safetensors

RECIPE = (
    'data.categorical={columns = "auto", least = 20, hash = {zip = 4}}',
    'data.dates=["day"]',
    "training.epochs=3",
)
FILLED = "data.missing={fill = 'mean', indicator = true}"


@pytest.fixture(scope="module")
def filled():
    """A model that fills what is missing."""
    return nnspark.train(make_recipe(*RECIPE, FILLED, source="memory"), made_rows(), progress=False)


@pytest.fixture(scope="module")
def strict():
    """A model trained on whole rows."""
    return nnspark.train(make_recipe(*RECIPE, source="memory"), made_rows().dropna(), progress=False)


def test_a_model_file_holds_the_encoding(filled):
    """Equal after a round trip, of the format that older readers refuse; other models are of the old one."""
    content = filled.to_bytes()
    back = Model.from_bytes(content)
    assert back.encoding == filled.encoding
    assert back.columns == ("age", "city", "flag", "height", "day", "zip")
    assert back.to_bytes() == content
    assert read_safetensors(content, "m")[1]["format"] == "nnspark-model-2"
    plain = nnspark.train(
        make_recipe("training.epochs=1", source="memory"), made_rows()[["zip", "label"]], progress=False
    )
    assert read_safetensors(plain.to_bytes(), "m")[1]["format"] == "nnspark-model-1"


def test_a_damaged_encoding_is_refused(filled):
    """Columns that do not make the features, kinds that there are not."""
    tensors, metadata = read_safetensors(filled.to_bytes(), "m")
    for spoil in (
        {"columns": []},
        {"columns": [{"name": "age", "kind": "odd"}]},
        {"columns": [{"nam": "age"}]},
        3,
    ):
        about = json.loads(metadata["model"])
        about["encoding"] = spoil if isinstance(spoil, int) else about["encoding"] | spoil
        content = write_safetensors(tensors, metadata | {"model": json.dumps(about)})
        with one_line_error("damaged", kind=ModelError):
            Model.from_bytes(content)


@pytest.mark.parametrize(
    ("change", "words", "kind"),
    [
        (lambda rows: rows.drop(columns="city"), ("lack", "'city'"), DataError),
        (lambda rows: rows.assign(age="old"), ("'age'", "'old'", "row 0"), DataError),
        (lambda rows: rows.assign(age=np.inf), ("row 0", "infinite", "'age'"), DataError),
        (lambda rows: rows.assign(day="someday"), ("row 0", "no date", "'day'"), DataError),
        (lambda rows: rows.to_numpy()[:, :5], ("6 columns", "(9, 5)"), ShapeError),
        (lambda rows: pd.concat([rows, rows[["age"]]], axis=1), ("2 columns", "'age'"), DataError),
    ],
)
def test_rows_that_cannot_be_encoded_are_named(filled, change, words, kind):
    """Column and row."""
    rows = made_rows(9).drop(columns="label")
    with one_line_error(*words, kind=kind):
        filled.predict(change(rows))


def test_a_dict_is_answered_whatever_company_it_has(filled, strict):
    """What is not there is missing, alone and among others; a dict with none of the columns is refused."""
    rows = made_rows().dropna().drop(columns="label").astype(object).iloc[:2]
    one, whole = rows.to_dict("records")
    del one["city"]
    alone = filled.predict_proba([one])
    np.testing.assert_array_equal(alone[0], filled.predict_proba([one, whole])[0])
    np.testing.assert_array_equal(alone[0], filled.predict_proba([one | {"city": None}])[0])
    with one_line_error("row 0", "no value", "'city'", kind=DataError):
        strict.predict([one])
    with one_line_error("lack", "'town'", kind=DataError):
        filled.predict([whole, {"town": "Rome"}])
    with one_line_error("'age' is one value", "[row]", kind=ShapeError):
        filled.predict(whole)


def test_a_model_of_whole_rows_refuses_holes(strict, filled):
    """A number, a text, a date; the filling one does not."""
    whole = made_rows().dropna().drop(columns="label").iloc[:5].astype(object)
    for name in ("age", "city", "day"):
        rows = whole.copy()
        rows.loc[rows.index[2], name] = None
        with one_line_error("row 2", "no value", repr(name), kind=DataError):
            strict.predict(rows)
        assert len(filled.predict(rows)) == 5


def test_names_and_coefficients_are_those_of_the_features(filled):
    """A linear model of a category has one coefficient a value."""
    options = ("data.task=regression", "network.hidden=[]", "training.epochs=3", 'data.categorical=["city"]')
    rows = made_rows()[["city", "height"]].dropna().rename(columns={"height": "label"})
    model = nnspark.train(make_recipe(*options, source="memory"), rows, progress=False)
    assert list(model.coefficients()) == [
        "intercept",
        "city=Bonn, DE",
        "city=Paris",
        "city=Rome",
        "city=Zürich",
    ]
    assert filled.feature_names[:3] == ("age", "age=(missing)", "city=Paris")


def test_mlflows_function_takes_raw_rows(filled):
    """All answers, under the rows' index."""
    rows = made_rows(9).drop(columns="label").set_index(np.arange(5, 14))
    found = Answers(filled).predict(rows)
    assert found.index.tolist() == list(range(5, 14))
    np.testing.assert_array_equal(found["prediction"], filled.predict(rows))


@pytest.mark.parametrize("export", [to_sklearn, to_mllib, to_onnx])
def test_what_takes_numbers_alone_is_refused(filled, export):
    """Other programs' networks have no columns of text."""
    with one_line_error("encodes its columns", "Model.save", kind=ModelError):
        export(filled)
