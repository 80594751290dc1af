"""The model file: what was trained comes back, and a damaged file gives one clear error."""

import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from helpers import fit, make_recipe, one_line_error, outcome, table_of
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from nnspark import recipe as recipes
from nnspark.data.dataset import make_dataset
from nnspark.data.plan import Scaling
from nnspark.engines.layout import make_shards
from nnspark.errors import ModelError, ShapeError
from nnspark.model import Model
from nnspark.net.network import Network
from nnspark.objective.decision import Decision
from nnspark.sources import Table
from nnspark.training.loop import train

RNG = np.random.default_rng(2)
X = RNG.normal(size=(60, 3)) * [1.0, 10.0, 0.1] + [0.0, 5.0, 1.0]
LABELS = np.array(["café", "no", "yes"])[RNG.integers(0, 3, 60)]
TABLES = {
    "classification": (table_of(X, LABELS), ["network.output=softmax"]),
    "binary": (table_of(X, RNG.integers(0, 2, 60) * 7), []),
    "regression": (
        table_of(X, X @ [[1.0, 2.0], [0.5, 0.0], [3.0, 9.0]] + 100.0),
        ["data.target_scale=standard"],
    ),
    "multilabel": (table_of(X, (X @ RNG.normal(size=(3, 4)) > 0).astype(float)), []),
}


def model_of(kind, *, dtype="float64"):
    """A model trained for three epochs."""
    table, options = TABLES[kind]
    task = "classification" if kind == "binary" else kind
    options = [
        *options,
        f"data.task={task}",
        "data.scale=standard",
        "training.epochs=3",
        "network.hidden=[4]",
        f"training.dtype={dtype}",
    ]
    recipe = make_recipe(*options)
    trained = fit(table, *options)
    return Model.of(make_dataset(table, recipe).plan, trained.network, trained.theta, recipes.dumps(recipe))


MODELS = {kind: model_of(kind) for kind in TABLES}


def ordered(content):
    """The same file with its header's keys sorted: safetensors puts them in another order every time."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8:end]), sort_keys=True).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + content[end:]


CONTENT = ordered(MODELS["classification"].to_bytes())
HEADER = 8 + int.from_bytes(CONTENT[:8], "little")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", sorted(TABLES))
def test_a_model_comes_back_as_it_was_saved(kind, dtype):
    """Weights, scaling, classes, names, recipe; the same predictions to the last bit."""
    model = model_of(kind, dtype=dtype)
    back = Model.from_bytes(model.to_bytes())
    assert back.network == model.network
    assert [W.tobytes() for W in back.weights] == [W.tobytes() for W in model.weights]
    assert back.weights[0].dtype == dtype
    assert (back.task, back.feature_names, back.recipe) == (model.task, model.feature_names, model.recipe)
    assert (back.classes is None) == (model.classes is None)
    assert back.classes is None or back.classes.tolist() == model.classes.tolist()
    assert back.predict(X).tolist() == model.predict(X).tolist()
    assert recipes.loads(back.recipe) == recipes.loads(model.recipe)


def test_predictions_are_labels_of_the_kind_that_came_in():
    """Strings, whole numbers, indicators, numbers in their own units."""
    assert set(MODELS["classification"].predict(X)) <= {"café", "no", "yes"}
    assert set(MODELS["binary"].predict(X)) <= {0, 7}
    assert MODELS["multilabel"].predict(X).shape == (60, 4)
    assert MODELS["regression"].predict(X).shape == (60, 2)
    assert abs(MODELS["regression"].predict(X).mean() - TABLES["regression"][0].target.mean()) < 20


def test_probabilities_have_a_column_a_class_and_add_up_to_one():
    """Softmax, a single sigmoid unit, and several sigmoid units scaled."""
    sigmoid = Model(
        Network((3, 3)),
        [np.ones((3, 4))],
        Scaling(np.zeros(3), np.ones(3)),
        "classification",
        ("a", "b", "c"),
        np.arange(3),
    )
    for model, columns in ((MODELS["classification"], 3), (MODELS["binary"], 2), (sigmoid, 3)):
        probabilities = model.predict_proba(X)
        assert probabilities.shape == (60, columns)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-12)
    answers = MODELS["binary"].predict_proba(X).argmax(axis=1)
    assert MODELS["binary"].predict(X).tolist() == [(0, 7)[answer] for answer in answers]


def test_probabilities_of_outputs_that_are_all_zero_are_equal_shares():
    """Sigmoids far below zero: nothing to scale."""
    weights = [np.array([[-1e4, 0.0, 0.0, 0.0]] * 3)]
    model = Model(
        Network((3, 3)),
        weights,
        Scaling(np.zeros(3), np.ones(3)),
        "classification",
        ("a", "b", "c"),
        np.arange(3),
    )
    np.testing.assert_allclose(model.predict_proba(X), 1 / 3)


def test_products_that_overflow_say_nothing(recwarn):
    """The answer is that of an infinite z, or none of a number; it is not NumPy's warning to make."""
    model = model_of("classification")
    assert model.predict(np.full((2, 3), 1e308)).shape == (2,)
    assert not recwarn.list


def test_rows_of_another_width_are_refused():
    """Both widths are named."""
    for rows in (X[:, :2], X[0]):
        with one_line_error("3 features", str(rows.shape), kind=ShapeError):
            MODELS["binary"].predict(rows)


def rewritten(**changes):
    """The model's file with changes to what its metadata says; None removes a key."""
    metadata = json.loads(CONTENT[8:HEADER])["__metadata__"]
    about = {
        key: value for key, value in {**json.loads(metadata["model"]), **changes}.items() if value is not None
    }
    return bytes(save(load(CONTENT), {**metadata, "model": json.dumps(about)}))


@pytest.mark.parametrize(
    "changes",
    [
        {"layers": [3, 5, 3]},
        {"layers": [3]},
        {"layers": None},
        {"layers": "abc"},
        {"layers": [3, 4, 3, 2]},
        {"layers": [1e400, 4, 3]},
        {"layers": [4, 3]},
        {"activation": "os.system"},
        {"activation": ["relu"]},
        {"output": "identity"},
        {"feature_names": ["a"]},
        {"feature_names": 3},
        {"classes": [1, 2]},
        {"classes": [[1], [2, 3], [4]]},
        {"classes": {"a": 1}},
        {"task": "clustering"},
    ],
    ids=str,
)
def test_metadata_that_does_not_fit_is_a_model_error(changes):
    """One line that names the file."""
    with one_line_error("digits.safetensors", kind=ModelError):
        Model.from_bytes(rewritten(**changes), "digits.safetensors")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "3", "null", '"x"', "{", "[" * 100_000, '{"layers": ' + "9" * 5000 + "}"],
    ids=lambda text: text[:14],
)
def test_metadata_that_is_no_description_is_a_model_error(text):
    """Other JSON, no JSON, JSON deeper than Python's stack or with a number of 5,000 digits."""
    metadata = json.loads(CONTENT[8:HEADER])["__metadata__"]
    with one_line_error(kind=ModelError):
        Model.from_bytes(bytes(save(load(CONTENT), {**metadata, "model": text})))


def test_other_files_are_model_errors():
    """Empty, text, another safetensors file, a pickle."""
    for content in (
        b"",
        b"\x80\x04K\x01.",
        b"PK\x03\x04" * 10,
        bytes(save({"a": np.zeros(2)})),
        struct.pack("<Q", 2**63),
    ):
        with one_line_error("model", kind=ModelError):
            Model.from_bytes(content)


def test_every_truncation_is_a_model_error():
    """At every length."""
    for length in range(len(CONTENT)):
        with pytest.raises(ModelError):
            Model.from_bytes(CONTENT[:length])


def only_model_errors(content):
    """Reading gives a model that predicts, or ModelError in one line."""
    model, refusal = outcome(Model.from_bytes, content, kind=ModelError)
    if refusal is None:
        with np.errstate(all="ignore"):
            assert len(model.predict(X)) == len(X)


FLIPS = st.lists(st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(0, 255)), min_size=1, max_size=4)
HEADER_FLIPS = st.lists(
    st.tuples(st.integers(0, HEADER - 1), st.sampled_from(b'0123456789[]{}",:nNaAF')), min_size=1, max_size=3
)


def mutated(flips):
    """The file with some bytes replaced."""
    content = bytearray(CONTENT)
    for place, byte in flips:
        content[place] = byte
    return bytes(content)


@settings(max_examples=300)
@given(st.one_of(FLIPS, HEADER_FLIPS))
def test_mutated_files_are_models_or_model_errors(flips):
    """Replaced bytes anywhere, and in the header where they matter most."""
    only_model_errors(mutated(flips))


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None)
@given(st.one_of(FLIPS.map(mutated), HEADER_FLIPS.map(mutated), st.binary(max_size=200)))
def test_ten_thousand_mutated_files_are_models_or_model_errors(content):
    """The long form."""
    only_model_errors(content)


def test_linear_coefficients_are_in_the_datas_own_units():
    """They are those of scikit-learn's LinearRegression on raw features and targets."""
    from sklearn.linear_model import LinearRegression

    rng = np.random.default_rng(3)
    features = rng.normal(size=(200, 3)) * [1.0, 50.0, 0.1] + [3.0, -7.0, 0.0]
    targets = features @ rng.normal(size=(3, 2)) * 5 + [1.0, -2.0] + rng.normal(size=(200, 2))
    recipe = recipes.loads(
        '[data]\nsource="npy"\ntask="regression"\nscale="standard"\ntarget_scale="standard"\n'
        "split={train=1.0,validation=0.0,test=0.0}\n[network]\nhidden=[]\n"
        '[training]\noptimizer="lbfgs"\nl2=0.0\nepochs=60\nengine="local"\n'
    )
    shards = make_shards(make_dataset(Table(features, targets, None, ("a", "b", "c")), recipe), None)
    trained = train(recipe, shards)
    found = Model.of(shards.plan, trained.network, trained.theta, "").coefficients()
    expected = LinearRegression().fit(features, targets)
    np.testing.assert_allclose(found["intercept"], expected.intercept_, rtol=1e-6)
    np.testing.assert_allclose([found[name] for name in "abc"], expected.coef_.T, rtol=1e-6)


def test_equal_models_are_equal_files():
    """The header's keys are in order, whatever order the library wrote them in."""
    rng = np.random.default_rng(0)
    scaling = Scaling(np.zeros(2), np.ones(2))
    model = Model(Network((2, 3)), [rng.normal(size=(3, 3))], scaling, "multilabel", ("a", "b"))
    assert len({model.to_bytes() for _ in range(20)}) == 1


def test_a_decision_is_kept_in_the_file_and_answers_follow_it():
    """The second class from its probability on; the outputs are the network's own."""
    plain = MODELS["binary"]
    z = plain.raw_outputs(X)[:, 0]
    threshold = float(1 / (1 + np.exp(-(0.7 * np.median(z) + 0.2))))
    decision = Decision(threshold=threshold, slope=0.7, offset=0.2)
    model = Model.from_bytes(replace(plain, decision=decision).to_bytes())
    assert model.decision == decision
    p = model.predict_proba(X)[:, 1]
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-(0.7 * z + 0.2))), rtol=1e-12)
    np.testing.assert_array_equal(model.predict(X), np.where(p >= threshold, 7, 0))
    answers = dict(zip(model.answer_names, model.answers(X), strict=True))
    np.testing.assert_array_equal(answers["prediction"], model.predict(X))
    np.testing.assert_array_equal(answers["probability_7"], p)
    np.testing.assert_array_equal(model.outputs(X), plain.outputs(X))
    assert len(set(model.predict(X))) == 2


def test_a_file_without_a_decision_is_one_of_before():
    """It is read as it always was, and a model without one is written so."""
    content = MODELS["binary"].to_bytes()
    assert b"decision" not in content
    assert Model.from_bytes(content).decision == Decision()


@pytest.mark.parametrize(
    ("kind", "decision"),
    [("classification", {"threshold": 0.3}), ("binary", {"slope": "steep"}), ("binary", {"cut": 1.0}),
     ("binary", {"slope": float("nan")})],
)  # fmt: skip
def test_a_decision_that_does_not_fit_is_a_damaged_file(kind, decision):
    """One line, as of any other damage."""
    tensors = load(MODELS[kind].to_bytes())
    about = {"layers": list(MODELS[kind].network.layers), "activation": "sigmoid",
             "output": MODELS[kind].network.output, "loss": "cross_entropy", "task": "classification",
             "feature_names": ["0", "1", "2"], "classes": MODELS[kind].classes.tolist(),
             "decision": decision}  # fmt: skip
    content = save(tensors, {"format": "nnspark-model-1", "model": json.dumps(about), "recipe": ""})
    with one_line_error("damaged", kind=ModelError):
        Model.from_bytes(content)
