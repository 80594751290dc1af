"""Scaling against scikit-learn's scalers, and its bits under any chunking."""

import numpy as np
import pytest
from helpers import one_line_error
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.class_weight import compute_class_weight

from nnspark.data.scaling import class_weights, fit_scaling, fit_target_scaling
from nnspark.errors import RecipeError

TABLES = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements=st.integers(-(10**6), 10**6).map(float),
)


@pytest.fixture
def columns():
    """500 rows: ordinary, far from 0, tiny, huge, constant, constant 0 columns."""
    rng = np.random.default_rng(0)
    scales, centres = [1.0, 1.0, 1e-9, 1e9, 0.0, 0.0], [0.0, 1e4, 0.0, -1e9, 3.5, 0.0]
    return rng.normal(size=(500, 6)) * scales + centres


def test_standard_equals_scikit_learns(columns):
    """Mean and population deviation, 1e-12; a constant column is only centred."""
    oracle = StandardScaler().fit(columns)
    scaling = fit_scaling("standard", [columns], 6)
    assert (np.abs(scaling.center - oracle.mean_) <= 1e-12 * np.abs(columns).max(axis=0)).all()
    np.testing.assert_allclose(scaling.divide, oracle.scale_, rtol=1e-12)
    np.testing.assert_allclose(scaling.apply(columns), oracle.transform(columns), rtol=1e-11, atol=1e-11)


def test_minmax_equals_scikit_learns(columns):
    """To 0..1, 1e-12; a constant column is only centred."""
    scaling, oracle = fit_scaling("minmax", [columns], 6), MinMaxScaler().fit(columns)
    np.testing.assert_allclose(scaling.divide, 1.0 / oracle.scale_, rtol=1e-12)
    np.testing.assert_allclose(scaling.apply(columns), oracle.transform(columns), rtol=1e-12, atol=1e-12)


@given(TABLES)
def test_standard_equals_scikit_learns_for_any_whole_numbers(table):
    """Few rows, ties, single columns."""
    oracle = StandardScaler().fit(table)
    scaling = fit_scaling("standard", [table], table.shape[1])
    np.testing.assert_allclose(scaling.center, oracle.mean_, rtol=1e-12, atol=1e-12 * np.abs(table).max())
    np.testing.assert_allclose(scaling.divide, oracle.scale_, rtol=1e-12)


@settings(max_examples=50)
@given(st.sampled_from(["standard", "minmax"]), st.lists(st.integers(1, 499), max_size=9), st.integers(0, 99))
def test_any_chunking_and_permutation_gives_the_same_bits(spec, cuts, seed):
    """Sums are exact, so the order of rows cannot matter."""
    table = np.random.default_rng(1).normal(size=(500, 3)) * [1e-5, 1.0, 1e7]
    whole = fit_scaling(spec, [table], 3)
    shuffled = np.random.default_rng(seed).permutation(table)
    parts = fit_scaling(spec, np.split(shuffled, sorted(cuts)), 3)
    assert parts.center.tobytes() == whole.center.tobytes()
    assert parts.divide.tobytes() == whole.divide.tobytes()


def test_standard_of_numbers_whose_squares_overflow():
    """As scikit-learn has it of the numbers divided by a power of two; columns beside them are as ever."""
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(40, 1))
    for size in (2.0**-20, 2.0**500, 2.0**900, 2.0**1022):
        X = np.hstack([rng.normal(size=(40, 2)).clip(-1.9, 1.9) * size, plain])
        X[:2, 0] = 1.9 * size, -1.9 * size
        found = fit_scaling("standard", [X[:7], X[7:]], 3)
        wanted = StandardScaler().fit(X[:, :2] / size)
        np.testing.assert_allclose(found.center[:2] / size, wanted.mean_, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(found.divide[:2] / size, wanted.scale_, rtol=1e-12)
        assert found.divide[2] == fit_scaling("standard", [plain], 1).divide[0]


def test_fixed_and_no_scaling():
    """As written in the recipe."""
    fixed = fit_scaling({"center": 8, "divide": 4}, [], 2)
    assert fixed.apply(np.array([[16.0, 0.0]])).tolist() == [[2.0, -2.0]]
    assert fit_scaling("none", [], 2).apply(np.array([[16.0, 0.0]])).tolist() == [[16.0, 0.0]]
    assert fit_target_scaling("none", [], 1) is None


def test_balanced_class_weights_equal_scikit_learns():
    """n / (classes · count)."""
    y = np.array([0, 0, 0, 1, 2, 2])
    ours = class_weights("balanced", np.array([0, 1, 2]), np.bincount(y))
    np.testing.assert_allclose(ours, compute_class_weight("balanced", classes=np.arange(3), y=y), rtol=1e-15)


def test_a_table_of_class_weights_names_classes():
    """Those it leaves out weigh 1."""
    assert class_weights({"10": 2.5}, np.array([1, 10]), np.array([5, 5])).tolist() == [1.0, 2.5]
    assert class_weights("none", None, None) is None


def test_class_weights_need_the_classes_they_name():
    """The message names the class, or the task."""
    with one_line_error("training.class_weight", "'7'", "1, 10", kind=RecipeError):
        class_weights({"7": 2.5}, np.array([1, 10]), np.array([5, 5]))
    with one_line_error("training.class_weight", "classification", kind=RecipeError):
        class_weights("balanced", None, None)
