"""What a pass over a DataFrame sends: merged in any way it is the same, and never above its bound."""

import pickle
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa
import pytest

from nnspark import recipe as recipe_module
from nnspark.data.crowded import Common, kinds
from nnspark.data.hints import Sample, sample_rows
from nnspark.data.plan import thresholds
from nnspark.data.rows import hash_rows, split_keys
from nnspark.data.scaling import ColumnSums, Ranges
from nnspark.engines.frames import boundaries as boundaries_module
from nnspark.engines.frames import survey as survey_module
from nnspark.engines.frames.boundaries import (
    Boundaries,
    NarrowCounts,
    Near,
    boundaries_of,
    collect_near,
    count_inside,
    near_of,
    nothing_near,
    rows_of_parts,
)
from nnspark.engines.frames.columns import Layout
from nnspark.engines.frames.few_keys import FEW_ROWS, FewKeys, Keys
from nnspark.engines.frames.merging import merge_all
from nnspark.engines.frames.survey import Survey, bits_for, survey_batches

SPLITS = {
    "plain": {"train": 0.7, "validation": 0.2, "test": 0.1},
    "stratified": {"train": 0.7, "validation": 0.2, "test": 0.1, "stratify": True},
    "nothing held out": {"train": 1.0, "validation": 0.0, "test": 0.0},
    "no test": {"train": 0.5, "validation": 0.5, "test": 0.0, "stratify": True},
}


TABLES = ("histogram", "by_class", "given")


def split_of(name):
    """A split by its name above."""
    return replace(recipe_module.loads('[data]\nsource = "iris"\n').data.split, seed=5, **SPLITS[name])


def layout_of(classes):
    """One feature, one label."""
    known = np.arange(classes)
    labels = {"classes": known, "spellings": tuple(known.tolist()), "codes": known}
    return Layout(("x",), ("x",), (None,), ("y",), "", "classification", **labels)


def partitions_of(X, y, count):
    """Arrow batches of the rows, a few a partition."""
    cuts = np.array_split(np.arange(len(X)), count)
    return [
        [
            pa.RecordBatch.from_pydict({"f0": X[part, 0], "t0": y[part].astype(np.int64)})
            for part in np.array_split(cut, 3)
        ]
        for cut in cuts
    ]


def over(partitions, function):
    """Merged as the workers and the driver do, by way of pickles, in some order."""
    results = [pickle.dumps(function(batches)) for batches in partitions]
    return merge_all(map(pickle.loads, reversed(results)))


def surveyed(partitions, layout, split, few_rows=0):
    """What a survey of them finds."""
    return over(partitions, partial(survey_batches, layout=layout, split=split, few_rows=few_rows))


def split_by_passes(partitions, layout, split):
    """Cuts and counts as ``frames/build.py`` finds them, and the number of narrowing passes."""
    survey = surveyed(partitions, layout, split)
    boundaries, passes = boundaries_of(survey, split), 0
    while boundaries.rows > boundaries_module.NEAR_ROWS and boundaries.bits < 64:
        worker = partial(count_inside, layout=layout, split=split, boundaries=boundaries)
        boundaries, passes = boundaries.narrowed(over(partitions, worker)), passes + 1
    near = nothing_near(boundaries, survey.by_class)
    if boundaries.open.any():
        near = over(partitions, partial(collect_near, layout=layout, split=split, boundaries=boundaries))
        assert near.inside.times.sum() == boundaries.rows
    cuts, below, _ = near.thresholds(boundaries)
    return cuts, rows_of_parts(survey.by_class, below, split), passes


@pytest.mark.parametrize("near_rows", [1 << 20, 10, 0], ids=["at once", "narrowed", "to the last bit"])
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("rows", ["different", "repeated"])
def test_thresholds_are_those_of_the_sorted_keys(monkeypatch, rows, split, near_rows):
    """However few rows the driver may hold, and however many rows are equal."""
    monkeypatch.setattr(survey_module, "CELLS", 64)
    monkeypatch.setattr(boundaries_module, "NEAR_ROWS", near_rows)
    rng = np.random.default_rng(1)
    X = rng.normal(size=(900, 1)) if rows == "different" else rng.integers(0, 6, (900, 1)).astype(float)
    y = np.minimum(rng.integers(0, 7, 900), 4)
    layout, split = layout_of(5), split_of(split)
    cuts, counts, passes = split_by_passes(partitions_of(X, y, 4), layout, split)
    keys = split_keys(hash_rows(X, y, None), split.seed)
    strata = [y == c for c in range(5)] if split.stratify else [y >= 0]
    expected = thresholds([np.sort(keys[stratum]) for stratum in strata], split)
    assert cuts.tolist() == expected.tolist()
    mine = cuts[y] if split.stratify else cuts[np.zeros_like(y)]
    part = np.where(keys < mine[:, 0], 2, np.where(keys < mine[:, 1], 1, 0))
    assert counts.tolist() == [np.bincount(y[part == p], minlength=5).tolist() for p in range(3)]
    if split.train == 1:  # no key need be known
        assert passes == 0
        assert not boundaries_of(surveyed(partitions_of(X, y, 4), layout, split), split).open.any()
    else:
        assert (passes > 0) == (near_rows < 900)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("rows", ["different", "repeated"])
def test_a_survey_that_keeps_all_keys_spares_the_pass(rows, split):
    """As many rows as may be kept, and one more: the keys near the boundaries are those that a pass finds."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(900, 1)) if rows == "different" else rng.integers(0, 6, (900, 1)).astype(float)
    y = rng.integers(0, 5, 900)
    partitions, layout, split = partitions_of(X, y, 4), layout_of(5), split_of(split)
    assert not surveyed(partitions, layout, split, 899).few.all_known
    survey = surveyed(partitions, layout, split, 900)
    assert survey.few.all_known
    assert survey.few.keys.times.sum() == survey.rows == 900
    boundaries = boundaries_of(survey, split)
    near = near_of(survey.few.keys, boundaries, 5)
    passed = nothing_near(boundaries, survey.by_class)
    if boundaries.open.any():
        passed = over(partitions, partial(collect_near, layout=layout, split=split, boundaries=boundaries))
    found, expected = near.thresholds(boundaries), passed.thresholds(boundaries)
    assert [one.tolist() for one in found] == [one.tolist() for one in expected]


@pytest.mark.parametrize("rows", [FEW_ROWS, FEW_ROWS + 1])
def test_keys_of_more_rows_than_are_few_are_dropped(rows):
    """However they come: in one piece, in several, merged either way round."""
    label, keys = np.arange(rows) % 3, np.arange(rows, dtype=np.uint64)
    pieces = [slice(0, rows // 2), slice(rows // 2, rows)]
    whole = FewKeys(FEW_ROWS).add(label, keys)
    one, other = (FewKeys(FEW_ROWS).add(label[piece], keys[piece]) for piece in pieces)
    merged = (whole, pickle.loads(pickle.dumps(one)).merge(other), FewKeys(FEW_ROWS).merge(whole))
    for few in merged:
        assert (few.rows, few.all_known) == (rows, rows <= FEW_ROWS)
        assert len(few.keys.keys) == (rows if rows <= FEW_ROWS else 0)
    assert FewKeys(FEW_ROWS).add(label, keys).add(label[:1], keys[:1]).all_known is False


@pytest.mark.parametrize(("classes", "stratify"), [(1, False), (10_000, False), (10_000, True)])
def test_results_of_ten_billion_rows_and_ten_thousand_classes_are_bounded(classes, stratify):
    """A pickled result is no larger than the formula of its docstring, and a few hundred bytes."""
    strata, some = classes if stratify else 1, 1_200
    buckets = 1 << bits_for(strata)
    common = Common(kinds(1))
    common.words, common.counts = np.zeros(common.size, np.uint64), np.full(common.size, 10**10)
    shapes = ((strata, buckets), (classes,), (3, classes))
    tables = [np.full(shape, 10**10, np.int64) for shape in shapes]
    rows = sample_rows(600)
    sample = Sample(rows, 600).add(np.arange(2 * rows, dtype=np.uint64).reshape(-1, 2), np.ones((rows, 600)))
    survey = Survey(*tables, common, sample, FewKeys(FEW_ROWS))
    few = FewKeys(FEW_ROWS).add(np.arange(FEW_ROWS) % classes, np.arange(FEW_ROWS, dtype=np.uint64))
    small = replace(survey, **{name: getattr(survey, name) * 0 + FEW_ROWS for name in TABLES}, few=few)
    cells = max(survey_module.CELLS, 16 * strata) + 4 * classes
    bound = 16 * common.size + len(pickle.dumps(sample, 5)) + some
    assert len(pickle.dumps(survey, 5)) <= 8 * cells + bound
    assert len(pickle.dumps(small, 5)) <= 4 * cells + 24 * FEW_ROWS + bound
    bits = bits_for(2 * strata)
    inside = NarrowCounts(bits, np.zeros((strata, 2, 1 << bits), np.int64) + 10**10)
    assert len(pickle.dumps(inside, 5)) <= 8 * max(survey_module.CELLS, 32 * strata) + some
    most = boundaries_module.NEAR_ROWS
    near = Near(Keys(*np.zeros((3, most), np.int64)), np.zeros((2, classes), np.int64))
    assert len(pickle.dumps(near, 5)) <= 24 * most + 24 * classes + some
    total = max(map(len, (pickle.dumps(one, 5) for one in (survey, small, inside))))
    assert 64 * total < 200e6  # what the driver may hold of a pass: 64 results, or 16 merged ones


def test_few_passes_narrow_ten_billion_rows_of_ten_thousand_classes():
    """Evenly spread keys, 10,000 strata of a million rows: three passes leave a million keys."""
    strata, rows = 10_000, 1_000_000
    boundaries, passes = (
        Boundaries(
            bits_for(strata),
            np.ones((strata, 2), bool),
            np.tile(np.array([1, 4], np.uint64), (strata, 1)),
            np.full((strata, 2), 100),
            np.full((strata, 2), rows >> bits_for(strata)),
        ),
        0,
    )
    assert boundaries.rows > 1e9
    while boundaries.rows > boundaries_module.NEAR_ROWS:
        bits = bits_for(2 * strata)
        even = np.full((strata, 2, 1 << bits), boundaries.inside.max() >> bits)
        boundaries, passes = boundaries.narrowed(NarrowCounts(bits, even)), passes + 1
    assert passes == 3


def test_scaling_sends_sixteen_bytes_a_column_a_partition():
    """Whatever the number of rows and batches."""
    chunk = np.random.default_rng(0).normal(size=(50, 1_000))
    one, many = Ranges(chunk), merge_all(Ranges(chunk + at) for at in range(100))
    sums = ColumnSums(np.abs(chunk).max(axis=0), 10**10).add(chunk)
    for result in (one, many, sums):
        assert len(pickle.dumps(result, 5)) <= 16 * 1_000 + 400


def test_the_range_of_a_column_does_not_depend_on_the_order_of_zeros():
    """-0.0 and 0.0 are one value, in the model's file too."""
    one, other = Ranges(np.array([[0.0], [-0.0]])), Ranges(np.array([[-0.0], [0.0]]))
    assert one.low.tobytes() == other.low.tobytes() == one.merge(other).high.tobytes()
