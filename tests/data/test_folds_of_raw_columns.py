"""Folds of raw columns: what is the same in every fold is encoded, what each would learn is refused."""

import numpy as np
import pytest
from helpers import make_recipe, one_line_error
from raw_tables import made_rows
from sklearn.preprocessing import StandardScaler

import nnspark
from nnspark.data.dataset import make_dataset
from nnspark.data.folds import shared_recipe
from nnspark.engines.folds import Folds
from nnspark.engines.local import LocalShards
from nnspark.errors import DataError, RecipeError
from nnspark.evaluation.evaluate import evaluate_model
from nnspark.recipe.reading import check_sweep_of
from nnspark.runs.data import load_shards
from nnspark.runs.sweeps.candidates import candidates_of
from nnspark.sources.memory import read_memory

FOLDS = "data.split={folds = 4, test = 0.2}"
SAME = (
    "data.missing=-1.5", 'data.dates=["day"]', "data.categorical.hash={zip = 8}", "data.scale=standard",
    'data.exclude=["city", "flag"]',
)  # fmt: skip
LEARNED = [
    ('data.categorical="auto"', "data.categorical: expected none with data.split.folds"),
    ('data.categorical=["city"]', "data.categorical: expected none with data.split.folds"),
    ("data.missing=median", "data.missing: expected"),
    ("data.missing=mean", "data.missing: expected"),
    ("data.missing={fill = 0, indicator = true}", "data.missing: expected"),
]
LOG = ("data.task=regression", "data.target_scale=log")


def folds_of(rows, *options):
    """The folds of a pandas table, without Spark."""
    recipe = make_recipe(FOLDS, "training.block_rows=16", *options, source="memory")
    shared = shared_recipe(recipe)
    return Folds(LocalShards(make_dataset(read_memory(rows, shared.data), shared)), recipe)


def held(shards, part):
    """Features and targets of a part as a run has them."""
    found = []

    class Nothing:
        def merge(self, other):
            return self

    def look(sets, value):
        for blocks in sets:
            found.extend((np.array(one.X), np.array(one.y)) for one in blocks.blocks((part,)))
        return Nothing()

    shards.run(look, None, Nothing)
    return tuple(np.concatenate(pieces) for pieces in zip(*found, strict=True))


@pytest.mark.parametrize(("option", "words"), LEARNED)
def test_what_each_fold_would_learn_is_refused(option, words):
    """In a recipe with folds, and in a sweep that asks for them; not without."""
    advice = ("encode them before", "the recipe's own split")
    with one_line_error(words, *advice, kind=RecipeError):
        make_recipe(FOLDS, option)
    recipe = make_recipe(option)
    section = {"folds": 3, "grid": {"training.l2": [0.1, 1.0]}}
    with one_line_error(words, *advice, kind=RecipeError):
        candidates_of(recipe, check_sweep_of(section, recipe))
    candidates_of(recipe, check_sweep_of({**section, "folds": 0}, recipe))


def test_dates_fills_and_hashes_are_scaled_by_the_folds_training_rows():
    """As scikit-learn's StandardScaler on the rows as they are read; features of 0 and 1 stay so."""
    rows = made_rows()
    raw, folds = folds_of(rows, *SAME, "data.scale=none"), folds_of(rows, *SAME)
    for fold in (0, 3, -1):
        plan = folds.shards(fold).plan
        numbers = [plan.feature_names.index(name) for name in ("age", "height", "day")]
        hashed = [at for at in range(plan.num_features) if at not in numbers]
        assert len(hashed) == 8
        before, after = held(raw.shards(fold), "train")[0], held(folds.shards(fold), "train")[0]
        assert (before[:, numbers] == -1.5).any()
        scaler = StandardScaler().fit(before[:, numbers])
        for part in ("train", "test") if fold < 0 else ("train", "validation", "test"):
            before, after = held(raw.shards(fold), part)[0], held(folds.shards(fold), part)[0]
            np.testing.assert_allclose(after[:, numbers], scaler.transform(before[:, numbers]), rtol=1e-9)
            np.testing.assert_array_equal(after[:, hashed], before[:, hashed])
            np.testing.assert_array_equal(after[:, hashed].sum(axis=1), np.ones(len(after)))


def test_the_logarithm_of_targets_is_scaled_by_the_folds_training_rows():
    """As scikit-learn's StandardScaler on log(1 + y), and kept in the model of the fold."""
    rng = np.random.default_rng(1)
    rows = {"x": rng.normal(size=300), "label": np.expm1(rng.normal(size=300) ** 2)}
    rows = made_rows(300)[["age", "height"]].fillna(1.0).assign(**rows)
    raw, folds = folds_of(rows, *LOG[:1]), folds_of(rows, *LOG)
    for fold in (1, -1):
        shards = folds.shards(fold)
        scaler = StandardScaler().fit(np.log1p(held(raw.shards(fold), "train")[1]))
        for part in ("train", "test"):
            expected = scaler.transform(np.log1p(held(raw.shards(fold), part)[1]))
            np.testing.assert_allclose(held(shards, part)[1], expected, rtol=1e-9, atol=1e-12)
        assert shards.plan.target_scaling.log
        assert shards.plan.target_scaling.center[0] == pytest.approx(scaler.mean_[0], rel=1e-12)


def test_targets_without_a_logarithm_are_refused_in_folds_too():
    """With the row, though rows are laid out before anything is scaled."""
    rows = {"x": np.arange(40.0), "label": np.append(np.arange(39.0), -1.0)}
    recipe = make_recipe(FOLDS, *LOG, source="memory")
    with one_line_error("above -1", "1 row", "row 39", kind=DataError):
        load_shards(recipe, None, (rows["x"][:, None], rows["label"]))


def test_a_fold_says_nothing_of_scaling_that_is_asked_for():
    """The hint at features of unlike magnitude is for runs that do not scale."""
    rows = made_rows()[["height", "label"]].assign(small=np.linspace(0.0, 1e-4, 600))
    assert any("data.scale" in hint for hint in folds_of(rows.fillna(1.0)).shards(0).plan.hints)
    scaled = folds_of(rows.fillna(1.0), "data.scale=standard")
    assert not any("data.scale" in hint for hint in scaled.shards(0).plan.hints)


def test_raw_rows_go_into_the_model_of_a_fold():
    """It has the encoding; what evaluate says of its validation part is what the run said."""
    rows = made_rows()
    recipe = make_recipe(FOLDS, *SAME, "training.epochs=3", source="memory")
    model = nnspark.train(recipe, rows, progress=False)
    assert set(model.predict(rows)) <= {0, 1, 2}
    reported = model.metrics["validation"]
    figures = evaluate_model(model.artifact(), recipe, part="validation", data=rows)
    assert figures["num_samples"] == reported["num_samples"]
    assert figures["loss"] == pytest.approx(reported["loss"], rel=1e-12)
