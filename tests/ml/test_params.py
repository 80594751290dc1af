"""nnspark.ml Params: Spark's names and defaults, ours beside them, and errors in their names."""

import pytest
from helpers import one_line_error
from ml.data import XOR, frame_of

from nnspark.engines import quicker
from nnspark.errors import NNSparkError, RecipeError
from nnspark.ml import MultilayerPerceptronClassifier, MultilayerPerceptronRegressor

OURS = [
    "activation",
    "batchSize",
    "dtype",
    "earlyStoppingMinDelta",
    "earlyStoppingMonitor",
    "earlyStoppingPatience",
    "engine",
    "hiddenLayers",
    "loss",
    "optimizer",
    "optimizerOptions",
    "output",
    "regParam",
    "replicas",
    "standardization",
    "validationFraction",
    "validationIndicatorCol",
    "weightCol",
]


@pytest.fixture
def xor(spark):
    """The four rows."""
    return frame_of(spark, XOR)


def test_params_are_sparks_with_their_defaults_and_ours(spark):
    """But for the seed, as Spark's differs from process to process, and blocks, which its JVM wants small."""
    from pyspark.ml.classification import MultilayerPerceptronClassifier as Theirs

    ours, theirs = MultilayerPerceptronClassifier(), Theirs()
    assert sorted(p.name for p in ours.params) == sorted([*(p.name for p in theirs.params), *OURS])
    for param in theirs.params:
        if param.name not in ("seed", "blockSize"):
            assert ours.hasDefault(param.name) == theirs.hasDefault(param.name)
            assert not theirs.hasDefault(param.name) or ours.getOrDefault(param.name) == theirs.getOrDefault(
                param.name
            )
    assert (ours.getSeed(), ours.getBlockSize()) == (42, 0)
    assert all(f"{p.name}: " in ours.explainParams() and len(p.doc) > 10 for p in ours.params)


def test_every_setter_sets_its_param():
    """And the constructor takes every Param; a copy is independent."""
    for cls in (MultilayerPerceptronClassifier, MultilayerPerceptronRegressor):
        estimator = cls()
        for param in estimator.params:
            setter = getattr(estimator, f"set{param.name[0].upper()}{param.name[1:]}")
            if estimator.hasDefault(param):
                assert setter(estimator.getOrDefault(param)) is estimator
                assert estimator.isSet(param)
                cls(**{param.name: estimator.getOrDefault(param)})
        copy = estimator.copy({estimator.maxIter: 7})
        assert (copy.getMaxIter(), estimator.getMaxIter(), copy.uid) == (7, 100, estimator.uid)


@pytest.mark.parametrize("layers", [[], [1], [0, 1], [1, 0]])
def test_layers_that_are_no_network_are_refused_when_they_are_set(layers):
    """Naming the Param and what came."""
    with one_line_error("layers", layers, kind=RecipeError):
        MultilayerPerceptronClassifier(layers=layers)


def test_the_smallest_layers_are_accepted():
    """One input, one output."""
    assert MultilayerPerceptronClassifier(layers=[1, 1]).getLayers() == [1, 1]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"stepSize": -1.0}, ["stepSize", "-1.0"]),
        ({"maxIter": 0}, ["maxIter", "0"]),
        ({"blockSize": -1}, ["blockSize"]),
        ({"regParam": -0.5}, ["regParam", "-0.5"]),
        ({"activation": "swish"}, ["activation", "swish"]),
        ({"solver": "newton"}, ["solver", "newton"]),
        ({"optimizerOptions": {"beta": 1}}, ["solver", "beta"]),
        ({"engine": "gpu"}, ["engine", "gpu"]),
        ({"batchSize": 2}, ["solver", "lbfgs"]),
        ({"layers": [2, 5, 1]}, ["two classes", "[2, 5, 1]"]),
        ({"layers": [3, 5, 2]}, ["'features' must hold 3 ", "4 of 4 rows have 2; set layers[0] = 2"]),
        ({"layers": [2, 5, 2], "hiddenLayers": [4]}, ["layers and hiddenLayers", "[4]"]),
        ({"initialWeights": [1.0, 2.0]}, ["initialWeights", "27 weights", "got 2"]),
        ({"layers": [2, 10**11, 2]}, ["expected weights that fit into memory", "500,000,000,002"]),
        ({"labelCol": "y"}, ["'y'", "'label'"]),
        ({"labelCol": "features"}, ["a column each"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_values_that_cannot_be_trained_with_are_refused_by_their_param(xor, params, said):
    """One line, before any training."""
    with one_line_error(*said, kind=NNSparkError):
        MultilayerPerceptronClassifier(**{"layers": [2, 5, 2], **params}).fit(xor)


def test_without_layers_the_error_says_what_fits(xor):
    """Neither layers nor hiddenLayers."""
    with one_line_error("layers", "[2, 10, 2]", "hiddenLayers", kind=RecipeError):
        MultilayerPerceptronClassifier().fit(xor)


def test_auto_takes_the_quicker_engine_and_says_so(xor, capsys, monkeypatch):
    """Four rows are the driver's; with no room for them there, they are Spark's, to the same weights."""
    monkeypatch.setattr(quicker, "_said", set())
    estimator = MultilayerPerceptronClassifier(layers=[2, 5, 2], maxIter=2, seed=1)
    here = estimator.fit(xor).weights
    monkeypatch.setattr(quicker, "memory_left", lambda: 0)
    assert estimator.fit(xor).weights == here
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("engine")]
    assert [line.split(",")[0].split(":")[0] for line in said] == ["engine local", "engine spark"]
