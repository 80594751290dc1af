"""The value checks, shared with the Spark readers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sources.spec import refused

from nnspark.errors import ShapeError
from nnspark.sources import checks


def locate(row: int) -> str:
    """Name a row as the readers do."""
    return f"f.csv line {row + 1}"


@given(
    arrays(
        np.float64,
        st.tuples(st.integers(1, 9), st.integers(1, 5)),
        elements=st.sampled_from([0.0, 1e308, np.nan, np.inf, -np.inf]),
    ),
    st.integers(1, 12),
)
def test_non_finite_values_are_counted_and_the_first_is_found(features: np.ndarray, at_once: int) -> None:
    """Any block size gives what a scan in row order gives."""
    places = [place for place, value in np.ndenumerate(features) if not np.isfinite(value)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "VALUES_AT_ONCE", at_once)
        found = checks.find_non_finite(features)
    if not places:
        assert found is None
    else:
        assert found == (len(places), len({row for row, _ in places}), *places[0])


def test_the_first_bad_feature_is_named_and_the_rest_counted() -> None:
    """The line has the place, the column's name and both counts."""
    features = np.zeros((4, 3))
    features[[1, 1, 3], [2, 1, 0]] = np.nan, np.inf, np.nan
    with refused("3 values", "2 row", "f.csv line 2", "'b'"):
        checks.check_finite(features, ["a", "b", "c"], locate)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_weights_that_are_no_weights_are_refused(bad: float) -> None:
    """Negative, NaN and infinite weights name the first row."""
    with refused("f.csv line 3", str(bad), "2 rows"):
        checks.check_weights(np.array([1.0, 0.0, bad, bad]), locate)


def test_weights_may_be_zero_but_not_all() -> None:
    """A zero weight stands for an absent row; at least one row must be left."""
    checks.check_weights(np.array([0.0, 2.0]), locate)
    with refused("all 2 weights are zero"):
        checks.check_weights(np.zeros(2), locate)


@pytest.mark.parametrize(
    "target", [np.array([1.0, np.nan]), np.array(["a", " "]), np.array([[1.0, 2.0], [0.0, np.nan]])]
)
def test_a_row_without_label_is_named(target: np.ndarray) -> None:
    """NaN and blank strings are missing labels, in any column."""
    with refused("f.csv line 2", "1 row has none"):
        checks.check_label_present(target, locate)


def test_different_lengths_name_both() -> None:
    """The error says how long each array is."""
    with refused("X.npy has 5 rows", "y.npy has 4", kind=ShapeError):
        checks.check_same_length(5, 4, features="X.npy", others="y.npy")
