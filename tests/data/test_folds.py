"""Folds: which rows are in which, where their blocks lie, and what a run of one fold is fitted to."""

from collections import Counter

import numpy as np
import pytest
from helpers import make_recipe, one_line_error, table_of
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.class_weight import compute_class_weight

from nnspark.data.dataset import make_dataset
from nnspark.data.fold_numbers import fold_of, number_of
from nnspark.data.folds import shared_recipe
from nnspark.data.plan import num_blocks
from nnspark.engines.folds import Folds
from nnspark.engines.local import LocalShards
from nnspark.errors import DataError, RecipeError

RNG = np.random.default_rng(5)
X = RNG.normal(size=(600, 3)) * [1.0, 100.0, 0.01] + [0.0, 5.0, 1.0]
Y = RNG.integers(0, 3, 600)


def folds_of(*options, features=X, target=Y, weight=None, folds=5):
    """The folds of a table, without Spark."""
    recipe = make_recipe(f"data.split.folds={folds}", "training.block_rows=16", *options)
    shards = LocalShards(make_dataset(table_of(features, target, weight), shared_recipe(recipe)))
    return Folds(shards, recipe)


def rows_of(shards, part):
    """The rows of a part as a run has them, sorted: X, y and weights."""
    found = []

    class Nothing:
        def merge(self, other):
            return self

    def look(sets, value):
        for blocks in sets:
            found.extend(blocks.blocks((part,)))
        return Nothing()

    shards.run(look, None, Nothing)
    rows = [(*x, y, w) for b in found for x, y, w in zip(b.X, b.y.ravel(), _weights(b), strict=True)]
    return np.array(sorted(rows)).reshape(-1, X.shape[1] + 2)


def _weights(block):
    return np.ones(len(block)) if block.weight is None else block.weight


@given(st.integers(2, 40), st.integers(1, 60))
def test_every_block_has_a_number_of_its_own(folds, blocks):
    """And the number says the fold; the b-th blocks of all folds are neighbours."""
    pairs = [(fold, block) for fold in range(folds) for block in range(blocks)]
    numbers = [number_of(fold, block, folds) for fold, block in pairs]
    assert sorted(numbers) == list(range(folds * blocks))
    assert [fold_of(number, folds) for number in numbers] == [fold for fold, _ in pairs]
    assert all(number // folds == block for number, (_, block) in zip(numbers, pairs, strict=True))


@pytest.mark.parametrize("tasks", [2, 4, 5])
def test_no_task_has_the_blocks_of_one_fold_only(tasks):
    """As many tasks as folds among them: of 40 blocks each task has as many of every fold."""
    numbers = np.arange(5 * 40)
    for task in range(tasks):
        mine = Counter(fold_of(numbers[numbers % tasks == task], 5).tolist())
        assert len(mine) == 5
        assert max(mine.values()) - min(mine.values()) <= 1


@pytest.mark.parametrize("stratify", ["false", "true"])
def test_each_row_validates_in_one_fold_and_trains_in_the_others(stratify):
    """Folds are equal to within a row (a row a class, where stratified); the test part is nobody's."""
    folds = folds_of(f"data.split.stratify={stratify}")
    parts = [(rows_of(folds.shards(f), "train"), rows_of(folds.shards(f), "validation")) for f in range(5)]
    test = rows_of(folds.shards(0), "test")
    assert len(test) == (60 if stratify == "false" else len(test))
    sizes = [len(validation) for _, validation in parts]
    assert max(sizes) - min(sizes) <= (1 if stratify == "false" else 3)
    held = np.concatenate([validation for _, validation in parts] + [test])
    whole = np.array(sorted((*x, y, 1.0) for x, y in zip(X, Y, strict=True)))
    assert np.array_equal(np.array(sorted(map(tuple, held))), whole)
    for train, validation in parts:
        together = np.concatenate([train, validation, test])
        assert np.array_equal(np.array(sorted(map(tuple, together))), whole)
    if stratify == "true":
        shares = [np.bincount(validation[:, 3].astype(int)) for _, validation in parts]
        assert np.ptp(shares, axis=0).max() <= 1


@pytest.mark.parametrize(("scale", "scaler"), [("standard", StandardScaler()), ("minmax", MinMaxScaler())])
def test_scaling_is_fitted_to_the_folds_training_rows(scale, scaler):
    """As scikit-learn's on the same rows; the validation rows are scaled by it too."""
    raw = folds_of('data.scale="none"')
    folds = folds_of(f'data.scale="{scale}"')
    for fold in (0, 3, -1):
        rows = rows_of(raw.shards(fold), "train")[:, :3]
        scaler.fit(rows)
        for part in ("train", "test") if fold < 0 else ("train", "validation", "test"):
            expected = scaler.transform(rows_of(raw.shards(fold), part)[:, :3])
            found = rows_of(folds.shards(fold), part)[:, :3]
            assert np.allclose(np.sort(found, axis=0), np.sort(expected, axis=0), rtol=1e-9, atol=1e-12)


def test_targets_are_scaled_by_the_folds_training_rows():
    """Mean 0 and deviation 1 of the training rows' targets."""
    folds = folds_of('data.task="regression"', 'data.target_scale="standard"', target=X[:, 1] * 1e6)
    for fold in (0, 4):
        target = rows_of(folds.shards(fold), "train")[:, 3]
        assert target.mean() == pytest.approx(0.0, abs=1e-12)
        assert target.std() == pytest.approx(1.0, rel=1e-9)


def test_class_weights_are_those_of_the_folds_training_rows():
    """As scikit-learn's "balanced", times the rows' own."""
    weight = RNG.uniform(0.5, 2.0, 600)
    plain = folds_of(weight=weight).shards(2)
    folds = folds_of('training.class_weight="balanced"', weight=weight).shards(2)
    y = rows_of(plain, "train")[:, 3].astype(int)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=y)
    ratio = rows_of(folds, "train")[:, 4] / rows_of(plain, "train")[:, 4]
    assert np.allclose(ratio, expected[y], rtol=1e-12)


def test_rows_that_come_often_are_spread_over_their_folds_blocks():
    """60 copies all validate in one fold, over blocks of 16 rows."""
    features = np.concatenate([np.tile(X[:1], (59, 1)), X])
    target = np.concatenate([np.tile(Y[:1], 59), Y])
    folds = folds_of(features=features, target=target)
    copies = [int((rows_of(folds.shards(f), "validation")[:, 0] == X[0, 0]).sum()) for f in range(5)]
    assert sorted(copies) == [0, 0, 0, 0, 60]
    train = folds.shared.blocks[0].spans
    assert max(span.stop - span.start for span in train if span.part == "train") <= 48


def test_a_fold_has_blocks_for_its_own_rows():
    """A multiple of the replicas in every fold, so that each replica has a share of all."""
    folds = folds_of("rounds.batch_size=8", "rounds.replicas=3")
    plan, own = folds.shared.plan, num_blocks(108, 16, 3)
    assert plan.blocks[0] == 5 * own
    assert folds.shards(1).plan.blocks[:2] == (4 * own, own)
    replicas = [
        [r.index for blocks in map(folds.shards(fold).fold.seen, folds.shared.blocks)
         for r in blocks.replicas(3, 4 * own)]
        for fold in range(5)
    ]  # fmt: skip
    assert replicas == [[0, 1, 2]] * 5


def test_replicas_are_joined_in_the_order_of_their_blocks():
    """Without the fold's own blocks, which lie between them."""
    shards = folds_of("rounds.batch_size=8", "rounds.replicas=2").shards(1)
    for blocks in map(shards.fold.seen, shards._shards.blocks):
        (first, second) = blocks.replicas(2, shards.plan.blocks[0])
        half = shards.plan.blocks[0] // 2
        train = sorted((b for b in blocks.blocks(("train",))), key=lambda b: b.index)
        for replica, mine in ((first, train[:half]), (second, train[half:])):
            assert replica.X.tobytes() == np.concatenate([b.X for b in mine]).tobytes()
            assert replica.y.tobytes() == np.concatenate([b.y for b in mine]).tobytes()


def test_a_fold_without_rows_of_a_class_is_one_line():
    """It names the fold, the class and what to do."""
    target = np.zeros(600, int)
    target[:3] = 1
    with one_line_error("has no row of class 1", "3 in all", "fewer folds", kind=DataError):
        folds_of(target=target)
    with one_line_error("of 5 has no row", "use fewer folds", kind=DataError):
        folds_of('data.task="regression"', features=X[:4], target=X[:4, 0])


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("data.split.folds=1", "data.split.folds: expected 0 (no folds), or 2 to 10000, got 1"),
        ("data.split.folds=10001", "data.split.folds: expected 0 (no folds), or 2 to 10000, got 10001"),
        ("data.split.fold=5", "data.split.fold: expected -1 (none) to 4, got 5"),
        ("data.split.fold=-2", "data.split.fold: expected -1 (none) to 4, got -2"),
        ("data.split.test=1", "data.split.test: expected less than 1, got 1.0"),
    ],
)
def test_folds_that_cannot_be_are_one_line(option, said):
    """By the recipe's key."""
    with one_line_error(said, kind=RecipeError):
        make_recipe("data.split.folds=5", option)


def test_a_fold_needs_folds():
    """A fold of a split that has none says so; nor can a run without a validating fold stop on one."""
    with one_line_error("data.split.fold: expected 0 unless data.split.folds is set", kind=RecipeError):
        make_recipe("data.split.fold=1")
    with one_line_error("data.split.fold: expected 0 or more to stop on validation_loss", kind=RecipeError):
        make_recipe("data.split.folds=3", "data.split.fold=-1", "stopping.patience=2")
