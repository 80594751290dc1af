"""Sums that do not depend on order or grouping: same bits, close to math.fsum, never silently wrong."""

import math
import pickle
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnspark.sums.exact import FLOAT32_BITS, SEGMENT, TIDY, ExactVector, exact, from_exact
from nnspark.sums.packing import pack, unpack

MAGNITUDES = st.one_of(st.just(0.0), st.floats(1e-12, 1e12), st.floats(-1e12, -1e-12))
SINGLES = MAGNITUDES.map(lambda value: float(np.float32(value)))
FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)
WIDTH = 3


def vectors_of(values):
    """Lists of vectors of WIDTH values."""
    return st.lists(st.lists(values, min_size=WIDTH, max_size=WIDTH), min_size=1, max_size=100)


def grouped(vectors, random, dtype, terms=None):
    """The sum of vectors added in random order, in random groups merged in random order and pickled."""
    terms = terms or len(vectors)
    order = random.sample(range(len(vectors)), len(vectors))
    parts = [ExactVector(len(vectors[0]), terms, dtype) for _ in range(random.randint(1, len(vectors)))]
    for i in order:
        random.choice(parts).add(np.array(vectors[i], dtype))
    while len(parts) > 1:
        random.shuffle(parts)
        other = parts.pop()
        parts[0].merge(pickle.loads(pickle.dumps(other)) if random.random() < 0.5 else other)
    return parts[0].value()


@given(vectors_of(MAGNITUDES), st.randoms(use_true_random=False))
def test_float64_sums_have_the_same_bits_in_any_order_and_grouping(vectors, random):
    """And equal math.fsum to 1 part in 10^12 of the largest magnitude involved."""
    total = grouped(vectors, random, "float64")
    assert total.tobytes() == grouped(vectors, random, "float64").tobytes()
    largest = np.abs(vectors).max()
    for k, value in enumerate(total):
        assert abs(value - math.fsum(row[k] for row in vectors)) <= 1e-12 * largest


@given(vectors_of(SINGLES), st.randoms(use_true_random=False))
def test_float32_sums_have_the_same_bits_in_any_order_and_grouping(vectors, random):
    """And keep what 40 bits under a grid of 2^8 promise: 2^-33 of the largest magnitude for each addend."""
    total = grouped(vectors, random, "float32")
    assert total.tobytes() == grouped(vectors, random, "float32").tobytes()
    allowed = len(vectors) * 2.0**-33 * np.abs(vectors).max()
    for k, value in enumerate(total):
        assert abs(value - math.fsum(row[k] for row in vectors)) <= allowed


UNEVEN = st.builds(
    lambda sign, digits, exponent: sign * digits * 2.0**exponent,
    st.sampled_from([-1.0, 0.0, 1.0]),
    st.floats(1.0, 2.0),
    st.integers(-120, 120),
)


@settings(max_examples=200)
@given(
    st.lists(st.lists(UNEVEN, min_size=2 * WIDTH, max_size=2 * WIDTH), min_size=1, max_size=30),
    st.lists(st.integers(-100, 100), min_size=2 * WIDTH, max_size=2 * WIDTH),
    st.sampled_from(["float32", "float64"]),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_every_sum_is_right_on_its_own_scale(vectors, shifts, dtype, near, random):
    """Against math.fsum: for each addend 2^(15 - bits) of the weight's own largest, whatever lies beside it.

    Magnitudes from 1e-36 to 1e36, in each column about one of its own or all over the place.
    """
    if near:
        vectors = [[math.frexp(v)[0] * 2.0**s for v, s in zip(row, shifts, strict=True)] for row in vectors]
    vectors = np.array(vectors, dtype).astype(np.float64)
    total = grouped(vectors, random, dtype)
    assert total.tobytes() == grouped(vectors, random, dtype).tobytes()
    bits = ExactVector(1, len(vectors), dtype).bits
    for value, column in zip(total, vectors.T, strict=True):
        allowed = len(vectors) * (2.0 ** (15.01 - bits) + 2.0**-51) * np.abs(column).max()
        assert abs(value - math.fsum(column)) <= allowed


@given(
    st.lists(st.lists(UNEVEN, min_size=2 * WIDTH, max_size=2 * WIDTH), min_size=1, max_size=30),
    st.sampled_from(["float32", "float64"]),
    st.randoms(use_true_random=False),
)
def test_addends_of_few_values_have_the_same_bits_one_at_a_time(vectors, dtype, random):
    """As when some are added in one go, which is for vectors that fit ``TOGETHER`` times into a segment."""
    found = grouped(vectors, random, dtype)
    with patch("nnspark.sums.exact.TOGETHER", SEGMENT):
        assert found.tobytes() == grouped(vectors, random, dtype).tobytes()


@pytest.mark.parametrize(("dtype", "digits"), [("float32", 2e-7), ("float64", 1e-14)])
@pytest.mark.parametrize("small", [1e-5, 1e-30])
def test_a_small_weight_beside_a_large_one_keeps_its_digits(dtype, digits, small):
    """A thousand times [1e6, small]."""
    total = ExactVector(2, 1000, dtype)
    for _ in range(1000):
        total.add(np.array([1e6, small], dtype))
    np.testing.assert_allclose(total.value(), [1e9, 1000 * small], rtol=digits)


def test_a_weight_that_cancels_at_a_large_scale_is_summed_at_that_scale():
    """What is dropped follows from all addends, not from what is left of them: 1 - 1 + 1e-13 in any order."""
    found = set()
    for order in ([0, 1, 2], [2, 1, 0], [0, 2, 1]):
        for cut in (1, 2):
            one, two = ExactVector(2, 3, "float32"), ExactVector(2, 3, "float32")
            for number, which in enumerate(order):
                addend = np.array([[8.0, 1.0], [8.0, -1.0], [8.0, 1e-13]][which], np.float32)
                (one if number < cut else two).add(addend)
            one.merge(pickle.loads(pickle.dumps(two)))
            found.add(pickle.loads(pickle.dumps(one)).value().tobytes())
    assert len(found) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("terms", [300, 2**20])
def test_dropping_early_or_late_gives_the_same_bits(dtype, terms):
    """More addends than between two tidyings of finer grids; some weights get large ones late or never."""
    rng, size, count = np.random.default_rng(3), 500, 2 * TIDY + 20
    vectors = rng.normal(size=(count, size)) * 10.0 ** rng.integers(-12, 1, size)
    late = rng.random(size) < 0.3
    vectors[-5:, late] *= 1e9
    vectors[:, rng.random(size) < 0.1] = 0.0
    vectors = vectors.astype(dtype)
    found = set()
    for cuts in ([count], range(1, count + 1), [TIDY - 1, TIDY, TIDY + 1, count], [3, 2 * TIDY + 1, count]):
        total, start = ExactVector(size, terms, dtype), 0
        for cut in cuts:
            part = ExactVector(size, terms, dtype)
            for vector in vectors[start:cut][::-1]:
                part.add(vector)
            total.merge(pickle.loads(pickle.dumps(part)) if cut % 2 else part)
            start = cut
        found.add(total.value().tobytes())
    assert len(found) == 1
    expected = [math.fsum(column) for column in vectors.T.astype(np.float64)]
    allowed = (
        count * (2.0 ** (15.01 - total.bits) + 2.0**-51) * np.abs(vectors.astype(np.float64)).max(axis=0)
    )
    assert (np.abs(total.value() - expected) <= allowed).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_long_vectors_segments_are_summed_apart(dtype):
    """Segments of different magnitude keep their own precision."""
    size = 2 * SEGMENT + 17
    scale = np.repeat([1e-9, 1.0, 1e9], [SEGMENT, SEGMENT, 17])
    vectors = (np.random.default_rng(0).normal(size=(20, size)) * scale).astype(dtype)
    one, two = ExactVector(size, 20, dtype), ExactVector(size, 20, dtype)
    for vector in vectors:
        one.add(vector)
    for start in (15, 0, 10, 5):
        part = ExactVector(size, 20, dtype)
        for vector in vectors[start : start + 5]:
            part.add(vector)
        two.merge(part)
    assert one.value().tobytes() == two.value().tobytes()
    error = np.abs(one.value() - vectors.astype(np.float64).sum(axis=0))
    assert (error <= (20 * 2.0**-33 if dtype == "float32" else 1e-14) * 6 * scale).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("terms", [1, 2, 3, 1000, 2 ** (53 - FLOAT32_BITS) + 1])
def test_as_many_of_the_largest_addends_as_promised_fit(terms, dtype):
    """The value just below a grid's end, ``terms`` times: no integer overflows."""
    for sign in (1.0, -1.0):
        largest = np.full(2, sign * np.nextafter(np.array(256.0, dtype), np.array(0.0, dtype)), dtype)
        total = ExactVector(2, terms, dtype)
        for _ in range(terms):
            total.add(largest)
        np.testing.assert_allclose(total.value(), terms * largest.astype(np.float64), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_ends_of_the_range_are_summed_without_warnings(dtype):
    """The largest and the smallest floats; where the sum is below the grid it is 0."""
    info = np.finfo(dtype)
    values = np.array([[info.max, 0.0], [-info.max / 2, 0.0]], dtype)
    total = ExactVector(2, 2, dtype)
    for vector in values:
        total.add(vector)
    np.testing.assert_allclose(total.value(), values.astype(np.float64).sum(axis=0), rtol=1e-9)
    tiny = ExactVector(1, 1, dtype)
    tiny.add(np.array([info.smallest_subnormal]))
    assert 0.0 <= tiny.value()[0] <= info.tiny


def test_every_addend_is_rounded_to_the_nearest_point_of_its_grid():
    """At most half of 2^(8 - 32) off for values below 2^8 and 2^30 terms: no drift towards zero."""
    values = np.random.default_rng(0).uniform(128, 256, 1000)
    total = ExactVector(1000, 2**30, "float64")
    for count in (1, 2):
        total.add(values)
        assert np.abs(total.value() - count * values).max() <= count * 2.0**-25


def test_a_sum_beyond_float64_is_infinite_without_a_warning():
    """The cost function has to be able to say inf, never to raise."""
    total = ExactVector(1, 4, "float64")
    for _ in range(4):
        total.add(np.array([1.7e308]))
    assert total.value()[0] == math.inf


def test_more_terms_than_promised_raise():
    """By adding and by merging."""
    total = ExactVector(1, 2, "float64")
    total.add(np.ones(1))
    total.add(np.ones(1))
    with pytest.raises(OverflowError, match="made for 2 terms was given 3"):
        total.add(np.ones(1))
    parts = [ExactVector(1, 3, "float64") for _ in range(2)]
    for part in parts:
        part.add(np.ones(1))
        part.add(np.zeros(1))
    with pytest.raises(OverflowError, match="made for 3 terms was given 4"):
        parts[0].merge(parts[1])


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_and_infinity_poison_the_sum(bad, dtype):
    """Wherever they come in, through merges and pickles."""
    poisoned, total = ExactVector(3, 3, dtype), ExactVector(3, 3, dtype)
    poisoned.add(np.array([1.0, bad, -2.0], dtype))
    total.add(np.ones(3, dtype))
    total.merge(pickle.loads(pickle.dumps(poisoned)))
    total.add(np.ones(3, dtype))
    assert np.isnan(total.value()).all()


def test_sums_of_other_vectors_are_not_merged():
    """Another length, another number of terms."""
    for other in (ExactVector(3, 4, "float64"), ExactVector(2, 5, "float64"), ExactVector(2, 4, "float32")):
        with pytest.raises(ValueError, match="can be merged"):
            ExactVector(2, 4, "float64").merge(other)
    with pytest.raises(ValueError, match="length 2"):
        ExactVector(2, 4, "float64").add(np.ones(3))


def test_an_addend_is_left_as_it_was():
    """The kernel's gradient is scratch, but others may read it."""
    vector = np.array([1e-3, 2.5, -7.0])
    ExactVector(3, 1, "float64").add(vector)
    assert vector.tolist() == [1e-3, 2.5, -7.0]


WIDTHS = (7, 30, 31, 32, 37, 38, 39, 45, 46, 47, 54, 55, 56, 62)


@given(
    st.sampled_from(WIDTHS).flatmap(lambda b: st.lists(st.integers(-(2**b), 2**b), min_size=1, max_size=8))
)
def test_packing_is_lossless_for_sums_of_every_width(values):
    """One plane or two, and nothing lost."""
    total = np.array(values, np.int64)
    assert unpack(pack(total), total.size, np.int64).tolist() == values


@pytest.mark.parametrize("bits", WIDTHS)
def test_packing_is_lossless_at_the_ends_of_every_width(bits):
    """±2^b, one less and one more."""
    values = [sign * 2**bits + off for sign in (1, -1) for off in (-1, 0, 1)]
    assert unpack(pack(np.array(values, np.int64)), len(values), np.int64).tolist() == values


@given(vectors_of(MAGNITUDES))
def test_pickling_loses_nothing(vectors):
    """The same bits, and the copy goes on adding."""
    total = ExactVector(WIDTH, 2 * len(vectors), "float64")
    for vector in vectors:
        total.add(np.array(vector))
    copy = pickle.loads(pickle.dumps(total))
    assert copy.value().tobytes() == total.value().tobytes()
    for vector in vectors:
        total.add(np.array(vector))
        copy.add(np.array(vector))
    assert copy.value().tobytes() == total.value().tobytes()


def test_a_float32_gradient_travels_in_six_bytes_a_value():
    """What treeAggregate moves, where the values are of similar size."""
    total = ExactVector(10_000, 60, "float32")
    rng = np.random.default_rng(0)
    for _ in range(60):
        total.add(rng.normal(size=10_000).astype(np.float32))
    assert len(pickle.dumps(total)) < 6.1 * 10_000


@pytest.mark.parametrize("zeros", [0.0, 0.3])
def test_the_finer_grids_cost_few_bytes_where_values_are_of_similar_size(zeros):
    """Scales over three decades, whether or not some weights' gradients are always zero."""
    rng, size = np.random.default_rng(0), 40_000
    scale = np.exp(rng.normal(scale=0.8, size=size)) * (rng.random(size) >= zeros)
    total = ExactVector(size, 60, "float32")
    for _ in range(20):
        total.add((rng.normal(size=size) * scale).astype(np.float32))
    assert len(pickle.dumps(total)) < 6.6 * size


@settings(max_examples=200)
@given(st.lists(FINITE, max_size=50), st.randoms(use_true_random=False))
def test_scalar_sums_equal_fsum(values, random):
    """Every finite float is added without any rounding; the total is rounded once."""
    shuffled = random.sample(values, len(values))
    assert from_exact(sum(map(exact, shuffled))) == math.fsum(values)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_one_scalar_comes_back_as_it_went_in(value):
    """Subnormals and the largest floats too."""
    assert from_exact(exact(value)) == value
