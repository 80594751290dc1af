"""From a table to blocks: split, scaling and order follow from the set of rows alone."""

import numpy as np
import pytest
from helpers import fit, make_recipe, one_line_error, same_blocks, table_of
from sklearn.datasets import load_digits, load_iris

from nnspark.data import dataset as dataset_module
from nnspark.data import plan as plan_module
from nnspark.data.dataset import make_dataset
from nnspark.data.rows import hash_rows
from nnspark.errors import DataError
from nnspark.net.weights import sha256
from nnspark.sources import load_table

DIGITS = load_digits(return_X_y=True)


def permuted(table, seed):
    """The same rows in another order."""
    order = np.random.default_rng(seed).permutation(len(table.features))
    return table_of(
        table.features[order], table.target[order], None if table.weight is None else table.weight[order]
    )


def part_sizes(dataset):
    """Rows in train, validation, test."""
    sizes = dict.fromkeys(("train", "validation", "test"), 0)
    for span in dataset.blocks.spans:
        sizes[span.part] += span.stop - span.start
    return tuple(sizes.values())


@pytest.mark.parametrize(
    "options",
    [
        ["data.scale=standard"],
        ["data.scale=minmax", "training.dtype=float32", "data.split.stratify=true"],
        ["rounds.batch_size=10", "rounds.replicas=3", "training.class_weight=balanced"],
    ],
    ids=["standard", "minmax", "replicas"],
)
def test_permuted_rows_give_the_same_blocks_bit_for_bit(options):
    """Scaling, split, order and fingerprint."""
    recipe = make_recipe("training.block_rows=100", *options)
    table = table_of(*DIGITS, np.random.default_rng(0).choice([0.5, 1.0, 2.0], 1797))
    expected = make_dataset(table, recipe)
    for seed in range(3):
        found = make_dataset(permuted(table, seed), recipe)
        assert same_blocks(found.blocks, expected.blocks)
        assert found.plan.fingerprint == expected.plan.fingerprint
        assert found.plan.scaling.center.tobytes() == expected.plan.scaling.center.tobytes()
        assert found.plan.num_samples == expected.plan.num_samples


def test_1797_digits_split_into_exactly_80_10_10():
    """1,437 + 180 + 180, and the plan says so."""
    dataset = make_dataset(table_of(*DIGITS), make_recipe())
    assert part_sizes(dataset) == dataset.plan.num_samples == (1437, 180, 180)


def test_a_stratified_split_takes_the_same_share_of_every_class():
    """Iris: 40 of each class train and 10 are held out."""
    recipe = make_recipe("data.split={train = 0.8, validation = 0.0, test = 0.2, stratify = true}")
    features, target = load_iris(return_X_y=True)
    dataset = make_dataset(table_of(features, target), recipe)
    counts = {part: np.zeros(3, int) for part in ("train", "test")}
    for block in dataset.blocks.blocks(("train", "test")):
        counts[block.part] += np.bincount(block.y, minlength=3)
    assert counts["train"].tolist() == [40, 40, 40]
    assert counts["test"].tolist() == [10, 10, 10]


def test_another_split_seed_gives_another_split():
    """Of the same sizes."""
    one, two = (make_dataset(table_of(*DIGITS), make_recipe(f"data.split.seed={seed}")) for seed in (1, 2))
    assert part_sizes(one) == part_sizes(two)
    assert not same_blocks(one.blocks, two.blocks)
    assert one.plan.fingerprint == two.plan.fingerprint


def test_scaling_is_fitted_to_the_training_rows_only():
    """Their scaled mean is 0 and deviation 1; those of all rows are not."""
    dataset = make_dataset(table_of(*DIGITS), make_recipe("data.scale=standard"))
    train = np.concatenate([block.X for block in dataset.blocks.blocks(("train",))])
    varying = train.std(axis=0) > 0
    np.testing.assert_allclose(train.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(train[:, varying].std(axis=0), 1.0, rtol=1e-12)
    assert np.abs(dataset.blocks.X.mean(axis=0)).max() > 1e-4


def test_equal_rows_share_a_part():
    """Every row five times: no row is both trained on and tested on."""
    X, y = DIGITS[0][:300], DIGITS[1][:300]
    recipe = make_recipe("data.split={train = 0.6, validation = 0.2, test = 0.2}")
    dataset = make_dataset(table_of(np.repeat(X, 5, axis=0), np.repeat(y, 5)), recipe)
    parts = {}
    for block in dataset.blocks.blocks(("train", "validation", "test")):
        for row in block.X:
            parts.setdefault(row.tobytes(), set()).add(block.part)
    assert len(parts) == 300
    assert all(len(found) == 1 for found in parts.values())
    assert all(
        abs(size - share) <= 5 for size, share in zip(part_sizes(dataset), (900, 300, 300), strict=True)
    )


def test_equal_features_with_different_labels_are_kept_apart():
    """Other hashes, both present, both trained on."""
    X, y = np.ones((2, 3)), np.array([0, 1])
    hashes = hash_rows(X, y, None)
    assert hashes[0].tolist() != hashes[1].tolist()
    recipe = make_recipe("data.split={train = 1.0, validation = 0.0, test = 0.0}")
    dataset = make_dataset(table_of(X, y), recipe)
    assert sorted(np.concatenate([block.y for block in dataset.blocks.blocks(("train",))])) == [0, 1]


ALL_TRAIN = "data.split={train = 1.0, validation = 0.0, test = 0.0}"


def test_one_repeated_row_trains_in_blocks_of_bounded_size():
    """1,000 copies with two labels: the same bits in any order."""
    X, y = np.tile([1.0, 2.0, 3.0], (1000, 1)), np.arange(1000) % 2
    settings = [ALL_TRAIN, "training.block_rows=64", "training.epochs=3", "data.scale=standard"]
    dataset = make_dataset(table_of(X, y), make_recipe(*settings))
    assert part_sizes(dataset) == (1000, 0, 0)
    assert max(span.stop - span.start for span in dataset.blocks.spans) <= 2 * 64
    hashes = {sha256([fit(permuted(table_of(X, y), seed), *settings).theta]) for seed in range(2)}
    assert len(hashes) == 1


@pytest.mark.parametrize("scale", ["none", "standard", "minmax"])
def test_all_zero_features_train(scale):
    """Scaling leaves them 0."""
    table = table_of(np.zeros((50, 4)), np.arange(50) % 2)
    trained = fit(table, ALL_TRAIN, f"data.scale={scale}", "training.epochs=2")
    assert np.isfinite(trained.theta).all()
    assert not make_dataset(table, make_recipe(ALL_TRAIN, f"data.scale={scale}")).blocks.X.any()


def test_rows_of_weight_0_equal_absent_rows():
    """Blocks, fingerprint, classes, scaling: a label seen only with weight 0 is no class."""
    features, target = DIGITS[0][:400], DIGITS[1][:400].copy()
    weight = np.random.default_rng(0).choice([0.0, 1.0, 2.0], 400)
    target[weight == 0] = 99
    present = weight > 0
    recipe = make_recipe("data.scale=standard")
    one = make_dataset(table_of(features, target, weight), recipe)
    two = make_dataset(table_of(features[present], target[present], weight[present]), recipe)
    assert same_blocks(one.blocks, two.blocks)
    assert one.plan.fingerprint == two.plan.fingerprint
    assert one.plan.classes.tolist() == two.plan.classes.tolist()


def test_rows_of_weight_0_do_not_move_a_given_test_part():
    """The test rows are those the source named, wherever they stand once others are gone."""
    weight = np.array([0.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    table = table_of(np.arange(6.0)[:, None], np.arange(6) % 2, weight, test_rows=slice(4, 6))
    dataset = make_dataset(table, make_recipe("data.split={train = 1.0, validation = 0.0, test = 0.0}"))
    assert sorted(np.concatenate([block.X[:, 0] for block in dataset.blocks.blocks(("test",))])) == [4.0, 5.0]


def test_weights_of_1_equal_no_weights():
    """The same hashes, so the same blocks, and the same trained bits."""
    table, weighted = table_of(*DIGITS), table_of(*DIGITS, np.ones(1797))
    one, two = (fit(t, "training.epochs=3", "training.block_rows=500") for t in (table, weighted))
    assert sha256([one.theta]) == sha256([two.theta])
    assert one.metrics == two.metrics


@pytest.mark.parametrize("block_rows", [1, 7, 100, 5000])
@pytest.mark.parametrize("replicas", [1, 3])
def test_block_rows_and_replicas_are_respected(block_rows, replicas):
    """No block above twice block_rows; the number of blocks is a multiple of the replicas."""
    recipe = make_recipe(
        f"training.block_rows={block_rows}", f"rounds.replicas={replicas}", "rounds.batch_size=8"
    )
    dataset = make_dataset(table_of(*DIGITS), recipe)
    plan, spans = dataset.plan, dataset.blocks.spans
    assert max(span.stop - span.start for span in spans) <= 2 * block_rows
    assert plan.blocks[0] % replicas == 0
    assert sum(span.part == "train" for span in spans) <= plan.terms
    joined = list(dataset.blocks.replicas(replicas, plan.blocks[0]))
    assert [block.index for block in joined] == list(range(replicas))
    train = np.concatenate([block.X for block in dataset.blocks.blocks(("train",))])
    assert np.concatenate([block.X for block in joined]).tobytes() == train.tobytes()


def test_a_given_test_part_is_kept_and_the_rest_is_split():
    """Its rows are the test; validation's share is taken of the others."""
    table = table_of(*DIGITS, test_rows=slice(1500, 1797))
    dataset = make_dataset(table, make_recipe())
    assert part_sizes(dataset) == (1333, 167, 297)
    test = np.concatenate([block.X for block in dataset.blocks.blocks(("test",))])
    assert {row.tobytes() for row in test} == {row.tobytes() for row in DIGITS[0][1500:]}


def test_regression_targets_are_scaled_and_classes_absent():
    """Standardised over the training rows, shape (n, outputs)."""
    features = np.random.default_rng(0).normal(size=(60, 2))
    recipe = make_recipe("data.task=regression", "data.target_scale=standard", "training.l2=0.0")
    dataset = make_dataset(table_of(features, features @ [[1.0, 50.0], [2.0, 0.0]] + 1e3), recipe)
    train = np.concatenate([block.y for block in dataset.blocks.blocks(("train",))])
    assert train.shape == (48, 2)
    np.testing.assert_allclose(train.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(train.std(axis=0), 1.0, rtol=1e-12)
    assert dataset.plan.classes is None


def test_a_fingerprint_tells_data_sets_apart():
    """One value changed, one row less, one label changed."""
    X, y = DIGITS[0][:100], DIGITS[1][:100]
    changed, other = X.copy(), y.copy()
    changed[50, 20] += 1.0
    other[50] = (other[50] + 1) % 10
    tables = [table_of(X, y), table_of(changed, y), table_of(X[1:], y[1:]), table_of(X, other)]
    assert len({make_dataset(table, make_recipe()).plan.fingerprint for table in tables}) == 4


@pytest.mark.parametrize(
    ("features", "target", "weight", "parts"),
    [
        (np.ones((5, 2)), [1] * 5, None, ["only one class"]),
        (np.arange(24.0).reshape(12, 2), range(12), None, ["fewer training rows"]),
        (np.ones((4, 2)), [0, 1, 0, 1], np.zeros(4), ["all 4 weights are zero"]),
    ],
    ids=["one class", "fewer rows than classes", "no weight"],
)
def test_data_that_cannot_be_trained_is_refused(features, target, weight, parts):
    """One line each."""
    with one_line_error(*parts, kind=DataError):
        make_dataset(table_of(features, target, weight), make_recipe())


def test_parts_and_classes_without_rows_are_warned_of():
    """Training goes on, but the run says so."""
    dataset = make_dataset(table_of(np.arange(8.0).reshape(4, 2), [0, 1, 0, 1]), make_recipe())
    assert any("validation" in warning for warning in dataset.plan.warnings)
    assert any("test" in warning for warning in dataset.plan.warnings)


def test_declared_classes_may_outnumber_the_rows():
    """A row of one of two classes is enough where the recipe says that there are two."""
    table = table_of([[1.0, 2.0]], [0])
    dataset = make_dataset(
        table,
        make_recipe(
            "data.classes=[0, 1]", "data.split.train=1", "data.split.validation=0", "data.split.test=0"
        ),
    )
    assert dataset.plan.num_samples == (1, 0, 0)
    with one_line_error("fewer training rows (1) than classes (2)"):
        make_dataset(
            table_of(np.arange(4.0).reshape(2, 2), [0, 1]),
            make_recipe("data.split.train=0.5", "data.split.validation=0.5", "data.split.test=0"),
        )


def test_given_parts_win_over_the_split():
    """Rows of a given part are in it; the others are split without it; -1 everywhere is no given part."""
    X, y = DIGITS
    given = np.where(np.arange(len(X)) % 5 == 0, 1, -1).astype(np.int8)
    split = "data.split={train=0.8,validation=0.1,test=0.1}"
    dataset = make_dataset(table_of(X, y), make_recipe(split), given=given)
    train, validation, test = dataset.plan.num_samples
    assert validation == (given == 1).sum()
    assert test == round((given == -1).sum() / 9)
    assert train + validation + test == len(X)
    free = make_dataset(table_of(X, y), make_recipe(split), given=np.full(len(X), -1, np.int8))
    assert same_blocks(free.blocks, make_dataset(table_of(X, y), make_recipe(split)).blocks)


def test_a_given_row_of_weight_0_is_not_there():
    """Given parts are cut with the rows."""
    X = np.arange(6.0)[:, None]
    weight, given = np.array([1.0, 0, 1, 1, 0, 1]), np.array([-1, -1, -1, -1, 1, 1], np.int8)
    plan = make_dataset(table_of(X, np.arange(6) % 2, weight), make_recipe(), given=given).plan
    assert plan.num_samples[1] == 1


@pytest.mark.parametrize("scale", ["none", "standard"])
def test_rows_are_scaled_piece_by_piece_to_the_same_bits(monkeypatch, scale):
    """Pieces of one row, of some, of all; by one thread or three."""
    recipe = make_recipe(f'data.scale="{scale}"', 'training.dtype="float32"')
    table = load_table(recipe.data)
    whole = make_dataset(table, recipe).blocks.X.tobytes()
    for values, threads in ((1, 1), (1000, 1), (1000, 3)):
        monkeypatch.setattr(plan_module, "CHUNK_VALUES", values)
        monkeypatch.setattr(dataset_module, "cores", lambda threads=threads: threads)
        assert make_dataset(table, recipe).blocks.X.tobytes() == whole


def test_a_warning_names_a_few_of_many_classes():
    """Of 15 that no training row has, ten, and how many more there are."""
    recipe = make_recipe(f"data.classes={list(range(25))}")
    (warning,) = make_dataset(load_table(recipe.data), recipe).plan.warnings
    assert warning.startswith("no training row has class 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 and 5 more")
