"""Classes, thresholds and numbers of blocks: what is fixed before the first epoch."""

import numpy as np
import pytest
from helpers import one_line_error
from hypothesis import given
from hypothesis import strategies as st

from nnspark.data.classes import class_table, encode_labels
from nnspark.data.plan import Scaling, num_blocks, part_counts, thresholds
from nnspark.errors import DataError
from nnspark.recipe import Split


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array([3, 1, 10, 1]), [1, 3, 10]),
        (np.array(["setosa", "virginica", "a"]), ["a", "setosa", "virginica"]),
        (np.array([2.0, -1.0, 2.0]), [-1, 2]),
    ],
    ids=["integers", "strings", "whole floats"],
)
def test_labels_of_any_kind_become_sorted_classes_and_back(labels, classes):
    """Indices into the table give the labels again."""
    table = class_table(labels, [])
    assert table.tolist() == classes
    assert table[encode_labels(labels, table)].tolist() == labels.tolist()


def test_declared_classes_need_not_all_occur():
    """The table is theirs; indices follow it."""
    table = class_table(np.array([2, 7]), [7, 5, 2])
    assert table.tolist() == [2, 5, 7]
    assert encode_labels(np.array([7, 2]), table).tolist() == [2, 0]


@pytest.mark.parametrize(
    ("labels", "declared", "parts"),
    [
        ([1, 1, 1], [], ["only one class", "1"]),
        ([1.0, 2.5], [], ["2.5", "whole number", "regression"]),
        ([1, 2, 9], [1, 2], ["9", "data.classes"]),
        (["a", "b"], ["a", "c"], ["'b'", "data.classes"]),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, declared, parts):
    """The message names the label."""
    with one_line_error(*parts, kind=DataError):
        class_table(np.array(labels), declared)


@given(
    st.integers(1, 5000),
    st.sampled_from([(0.8, 0.1, 0.1), (0.6, 0.2, 0.2), (1.0, 0.0, 0.0), (0.5, 0.0, 0.5)]),
)
def test_parts_have_the_rows_their_fractions_say(rows, fractions):
    """Distinct keys: round(rows · fraction) rows each, the rest trains."""
    split = Split(*fractions)
    keys = np.arange(rows, dtype=np.uint64) * np.uint64(2**40) + np.uint64(1)
    (cuts,) = thresholds([keys], split)
    test, validation = (keys < cuts[0]).sum(), ((keys >= cuts[0]) & (keys < cuts[1])).sum()
    assert test == round(rows * fractions[2])
    assert abs(validation - rows * fractions[1]) <= 0.5
    assert part_counts(rows, split) == (test, test + validation)


def test_rows_with_equal_keys_share_a_part():
    """A cut never goes through a tie: the part before it is smaller by the tie."""
    keys = np.array([1, 5, 5, 5, 5, 9, 10, 11, 12, 13], np.uint64)
    (cuts,) = thresholds([keys], Split(train=0.5, validation=0.2, test=0.3))
    part = np.where(keys < cuts[0], 2, np.where(keys < cuts[1], 1, 0))
    assert part.tolist() == [2, 1, 1, 1, 1, 0, 0, 0, 0, 0]


@given(st.integers(0, 10**6), st.integers(1, 5000), st.integers(1, 9))
def test_numbers_of_blocks_are_multiples_of_the_replicas(rows, block_rows, replicas):
    """At least one a replica, and on average no block above block_rows."""
    count = num_blocks(rows, block_rows, replicas)
    assert count % replicas == 0
    assert count >= replicas
    assert count * block_rows >= rows


def test_more_than_two_blocks_come_in_fours():
    """Even shares on 2 and 4 cores; small data sets keep their few blocks."""
    assert [num_blocks(rows, 1000) for rows in (0, 900, 1900, 2100, 4100, 60_000)] == [1, 1, 2, 4, 8, 60]


def test_scaling_is_undone_exactly_enough():
    """There and back."""
    scaling = Scaling(np.array([8.0, -3.0]), np.array([8.0, 0.25]))
    values = np.random.default_rng(0).normal(size=(10, 2))
    np.testing.assert_allclose(scaling.undo(scaling.apply(values)), values, rtol=1e-14)
    assert scaling.apply(np.array([[16.0, -3.0]])).tolist() == [[1.0, 0.0]]
