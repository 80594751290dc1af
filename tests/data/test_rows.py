"""What a row is wherever it arrives: hashes, blocks, replicas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnspark.data import rows as rows_module
from nnspark.data.order import sorted_order
from nnspark.data.rows import PARTS, Rows, assemble, hash_rows, split_keys

SMALL = st.integers(-1000, 1000)


def random_rows(count, *, columns=3, blocks=4, copies=1, seed=0, weighted=False):
    """Rows with parts and blocks taken from their hashes, each ``copies`` times."""
    rng = np.random.default_rng(seed)
    X = np.repeat(rng.normal(size=(count, columns)), copies, axis=0)
    y = np.repeat(rng.integers(0, 3, count), copies).astype(np.int32)
    weight = np.repeat(rng.uniform(0.1, 2.0, count), copies) if weighted else None
    hashes = hash_rows(X, y, weight)
    part = (split_keys(hashes, 7) % np.uint64(3)).astype(np.int8)
    return Rows(part, (hashes[:, 0] % np.uint64(blocks)).astype(np.int64), hashes, X, y, weight)


@given(
    st.lists(st.lists(SMALL, min_size=4, max_size=4), min_size=1, max_size=20),
    st.randoms(use_true_random=False),
)
def test_a_rows_hash_does_not_depend_on_its_place(values, random):
    """Permuted rows have permuted hashes."""
    table = np.array(values, dtype=float)
    order = random.sample(range(len(table)), len(table))
    whole = hash_rows(table[:, :3], table[:, 3], None)
    assert hash_rows(table[order, :3], table[order, 3], None).tolist() == whole[order].tolist()


@pytest.mark.parametrize("dtype", ["int16", "int64", "float32", "float64", ">f8"])
def test_a_rows_hash_does_not_depend_on_the_dtype(dtype):
    """Whole numbers and halves that every type holds; a target column or a vector."""
    X = np.arange(-30.0, 30.0).reshape(12, 5)
    y = np.arange(12) % 3
    expected = hash_rows(X, y, None).tolist()
    assert hash_rows(X.astype(dtype), y.astype(dtype), None).tolist() == expected
    assert hash_rows(np.asfortranarray(X), y[:, None], None).tolist() == expected
    if "f" in dtype:
        assert hash_rows((X / 2).astype(dtype), y, None).tolist() == hash_rows(X / 2, y, None).tolist()


def test_a_rows_hash_does_not_depend_on_chunking(monkeypatch):
    """Chunks of one row, of seven values, of everything."""
    X, y = np.random.default_rng(0).normal(size=(50, 4)), np.arange(50)
    whole = hash_rows(X, y, None).tolist()
    for values in (1, 7, 100):
        monkeypatch.setattr(rows_module, "HASHED_TOGETHER", values)
        assert hash_rows(X, y, None).tolist() == whole
        assert hash_rows(X, y, None, threads=3).tolist() == whole


def test_minus_zero_hashes_like_zero():
    """They are equal, so the rows are."""
    zero = hash_rows(np.zeros((1, 2)), np.zeros(1), None)
    assert hash_rows(np.array([[-0.0, 0.0]]), np.array([-0.0]), None).tolist() == zero.tolist()


def test_weight_1_hashes_like_no_weight():
    """And another weight makes another row."""
    X, y = np.ones((2, 2)), np.zeros(2)
    hashes = hash_rows(X, y, np.array([1.0, 2.0]))
    assert hashes[0].tolist() == hash_rows(X, y, None)[0].tolist()
    assert hashes[0].tolist() != hashes[1].tolist()


def test_no_rows_have_no_hashes():
    """An empty partition of a DataFrame is no error."""
    assert hash_rows(np.empty((0, 3)), np.empty(0), None).shape == (0, 2)


def test_different_rows_have_different_hashes():
    """In both words: any one value changed, columns swapped, feature and target swapped."""
    base = np.array([1.0, 2.0, 3.0, 4.0])
    variants = [base, *(base + delta * np.eye(4)[k] for k in range(4) for delta in (1e-15, -1.0, 1e300))]
    variants += [base[[1, 0, 2, 3]], base[[0, 1, 3, 2]], base[[2, 3, 0, 1]], np.zeros(4), np.ones(4)]
    distinct = np.unique(np.array(variants), axis=0)
    hashes = hash_rows(distinct[:, :3], distinct[:, 3], None)
    assert len(np.unique(hashes[:, 0])) == len(np.unique(hashes[:, 1])) == len(distinct)


def test_hashes_spread_evenly_over_blocks():
    """Rows that differ in one small whole number, as image pixels do: a chi-squared of 64 blocks."""
    X = np.stack(np.meshgrid(np.arange(256), np.arange(64)), axis=-1).reshape(-1, 2)
    hashes = hash_rows(X, np.zeros(len(X)), None)
    for word in (hashes[:, 0], hashes[:, 1], split_keys(hashes, 42)):
        counts = np.bincount((word % np.uint64(64)).astype(int), minlength=64)
        expected = len(X) / 64
        assert ((counts - expected) ** 2 / expected).sum() < 120  # 63 degrees of freedom: p < 1e-5 above


def test_every_split_seed_ranks_the_rows_differently():
    """Keys of two seeds are uncorrelated."""
    hashes = hash_rows(np.arange(3000.0)[:, None], np.zeros(3000), None)
    one, two = (np.argsort(np.argsort(split_keys(hashes, seed))) for seed in (1, 2))
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.1


@pytest.mark.parametrize("weighted", [False, True])
def test_blocks_depend_on_the_set_of_rows_only(weighted):
    """Permuted and taken in pieces; rows that come three times included."""
    rows = random_rows(200, copies=3, weighted=weighted)
    expected = assemble([rows], 64)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(rows.X))
        pieces = [rows.take(index) for index in np.array_split(order, 7)]
        found = assemble(pieces, 64)
        assert found.spans == expected.spans
        assert found.X.tobytes() == expected.X.tobytes()
        assert found.y.tobytes() == expected.y.tobytes()
        assert not weighted or found.weight.tobytes() == expected.weight.tobytes()


@given(st.integers(1, 60), st.integers(1, 4), st.integers(1, 9), st.integers(1, 6))
def test_every_row_is_in_exactly_one_block_of_its_part(count, copies, blocks, block_rows):
    """Spans follow each other without a gap, in the order of parts and blocks; none is too large."""
    rows = random_rows(count, copies=copies, blocks=blocks)
    found = assemble([rows], block_rows)
    assert [0, *(span.stop for span in found.spans)] == [*(span.start for span in found.spans), len(rows.X)]
    places = [(PARTS.index(span.part), span.number) for span in found.spans]
    assert places == sorted(places)
    assert all(0 < span.stop - span.start <= 2 * block_rows for span in found.spans)
    for part, name in enumerate(PARTS):
        blocks_of_part = list(found.blocks((name,)))
        assert sum(map(len, blocks_of_part)) == (rows.part == part).sum()
        values = np.concatenate([block.X[:, 0] for block in blocks_of_part] or [[]])
        assert sorted(values) == sorted(rows.X[rows.part == part, 0])


def test_threads_move_the_same_rows_to_the_same_places():
    """More threads than rows of a piece, too; several pieces."""
    rows = random_rows(300, blocks=6)
    pieces = [rows.take(slice(0, 2)), rows.take(slice(2, 300))]
    one = assemble(pieces, 20)
    for threads in (2, 5):
        several = assemble(pieces, 20, threads)
        assert several.X.tobytes() == one.X.tobytes()
        assert several.spans == one.spans


def test_a_replicas_rows_are_contiguous():
    """Joined blocks of one replica are exactly its rows, and every training row is in one replica."""
    rows = random_rows(300, blocks=6)
    blocks = assemble([rows], 20)
    replicas = list(blocks.replicas(3, 6))
    assert [replica.index for replica in replicas] == [0, 1, 2]
    for replica in replicas:
        own = [block.X for block in blocks.blocks(("train",)) if block.index // 2 == replica.index]
        assert replica.X.tobytes() == np.concatenate(own).tobytes()
    assert sum(map(len, replicas)) == (rows.part == 0).sum()


def test_a_subset_holds_copies_of_its_blocks():
    """Any blocks in any order; none is a subset too."""
    blocks = assemble([random_rows(100, weighted=True)], 10)
    chosen = [blocks.spans[i] for i in (3, 0, 5)]
    subset = blocks.subset(chosen)
    for before, after in zip(chosen, subset.spans, strict=True):
        one, two = blocks.block(before), subset.block(after)
        assert (one.part, one.index) == (two.part, two.index)
        assert (one.X.tobytes(), one.y.tobytes()) == (two.X.tobytes(), two.y.tobytes())
        assert one.weight.tobytes() == two.weight.tobytes()
    assert blocks.subset([]).spans == ()


@pytest.mark.parametrize("blocks", [3, 200, 100_000])
@pytest.mark.parametrize("copies", ["none", "of rows", "of first words"])
def test_rows_are_sorted_as_by_four_keys(blocks, copies):
    """NumPy's lexsort says how; few blocks or many; the first word need not tell rows apart."""
    rng = np.random.default_rng(blocks)
    hashes = rng.integers(0, 2**64, (5000, 2), dtype=np.uint64)
    part, block = rng.integers(0, 3, 5000).astype(np.int8), rng.integers(0, blocks, 5000)
    if copies != "none":
        part[1000:2000], block[1000:2000] = part[:1000], block[:1000]
        words = 1 if copies == "of first words" else 2
        hashes[1000:2000, :words] = hashes[:1000, :words]
    order, expected = sorted_order(part, block, hashes), np.lexsort((*hashes.T[::-1], block, part))
    assert sorted(order) == list(range(5000))
    for key in (part, block, *hashes.T):
        assert (key[order] == key[expected]).all()
