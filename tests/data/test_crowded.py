"""Rows that come many times are spread over blocks, by the set of rows alone and in bounded memory."""

import pickle
from collections import Counter

import numpy as np
import pytest
from helpers import fit, make_recipe, same_blocks, table_of
from hypothesis import given
from hypothesis import strategies as st

from nnspark.data import crowded as crowded_module
from nnspark.data.crowded import Common, crowded_of, find_crowded, kinds, limit, pieces
from nnspark.data.dataset import make_dataset
from nnspark.data.rows import hash_rows
from nnspark.engines.bins import place_of
from nnspark.engines.frames.columns import Arrays
from nnspark.engines.frames.crowding import Copies
from nnspark.net.weights import sha256

ALL_TRAIN = "data.split={train = 1.0, validation = 0.0, test = 0.0}"


def few_kinds(copies, number=8, others=0, seed=0):
    """Rows of a few kinds, and some others that come once."""
    rng = np.random.default_rng(seed)
    X = np.concatenate(
        [np.repeat(np.arange(1.0, number + 1)[:, None], copies, axis=0), rng.random((others, 1))]
    )
    order = rng.permutation(len(X))
    return table_of(X[order], (X[order, 0] > number / 2).astype(int))


@pytest.mark.parametrize(
    ("options", "shares"), [((), 2), ((), 3), ((), 16), (("rounds.replicas=4", "rounds.batch_size=10"), 4)]
)
def test_rows_of_eight_kinds_are_shared_evenly(options, shares):
    """Among tasks, and replicas: none has above 1.3 times the mean, where one had all rows of a kind."""
    options = (ALL_TRAIN, "training.block_rows=64", *options)
    dataset = make_dataset(few_kinds(4_000), make_recipe(*options))
    rows, plan = Counter(), dataset.plan
    for span in dataset.blocks.spans:
        place = place_of(plan, "train", span.number, shares, 1)
        rows[int(place)] += span.stop - span.start
    assert max(rows.values()) < 1.3 * 32_000 / shares
    assert max(span.stop - span.start for span in dataset.blocks.spans) <= 2 * 64


def test_permuted_crowded_rows_give_the_same_blocks_and_bits():
    """Beside rows that come once; scaled, split, weighted by class."""
    options = ("training.block_rows=32", "data.scale=standard", "training.epochs=2")
    recipe = make_recipe(*options)
    one, other = (few_kinds(300, others=500, seed=0) for _ in range(2))
    order = np.random.default_rng(3).permutation(len(one.features))
    other = table_of(one.features[order], one.target[order])
    first, second = make_dataset(one, recipe), make_dataset(other, recipe)
    assert same_blocks(first.blocks, second.blocks)
    assert sha256([fit(one, *options).theta]) == sha256([fit(other, *options).theta])
    sorted_rows = [
        np.sort(np.concatenate([b.X for b in d.blocks.blocks(("train", "validation", "test"))]))
        for d in (first, second)
    ]
    assert np.array_equal(*sorted_rows)
    assert sum(first.plan.num_samples) == len(one.features) == len(sorted_rows[0])


def test_rows_that_do_not_crowd_keep_their_blocks(monkeypatch):
    """As if nothing looked for crowded rows."""
    table = few_kinds(100, others=3_000)
    recipe = make_recipe("training.block_rows=64")
    found = make_dataset(table, recipe)
    monkeypatch.setattr("nnspark.data.dataset.spread", lambda rows, *_: rows)
    assert same_blocks(make_dataset(table, recipe).blocks, found.blocks)


@given(st.integers(0, 2**64 - 1), st.integers(1, 5_000), st.integers(1, 300), st.integers(1, 64))
def test_pieces_are_even_and_add_up(word, copies, blocks, block_rows):
    """Sizes differ by one at most, and so do the numbers of pieces of a block."""
    numbers, sizes = pieces(word, copies, blocks, block_rows)
    assert sizes.sum() == copies
    assert 0 < sizes.min() <= sizes.max() <= min(sizes.min() + 1, block_rows)
    assert numbers[0] == word % blocks
    counted = np.bincount(numbers, minlength=blocks)
    assert counted.max() - counted.min() <= 1


@given(st.lists(st.integers(0, 12), min_size=1, max_size=400), st.integers(1, 6), st.integers(1, 9))
def test_no_word_that_is_common_is_missed(words, size, parts):
    """Against plain counting, merged from any number of pieces: Misra and Gries's bound."""
    summaries = []
    for part in np.array_split(np.array(words, dtype=np.uint64), parts):
        summary = Common(size)
        summary.add(part)
        summaries.append(pickle.loads(pickle.dumps(summary.settle())))
    merged = summaries[0]
    for other in summaries[1:]:
        merged.merge(other)
    found = dict(zip(merged.words.tolist(), merged.counts.tolist(), strict=True))
    assert len(found) <= size
    for word, count in Counter(words).items():
        assert count - len(words) / (size + 1) <= found.get(word, 0) <= count


def test_a_summary_settles_as_it_goes(monkeypatch):
    """Its memory is bounded: no more words wait than fit the buffer."""
    monkeypatch.setattr(crowded_module, "BUFFER", 100)
    summary = Common(4)
    for _ in range(50):
        summary.add(np.arange(30, dtype=np.uint64))
        assert sum(map(len, summary._waiting)) < 100
    assert len(summary.words) <= 4


@pytest.mark.parametrize("num_features", [1, 1_000, 1_000_000])
def test_the_crowded_rows_take_bounded_memory(num_features):
    """Fewer kinds than the limit allows, and 8 MB of rows, or 16 rows."""
    most = kinds(num_features)
    assert limit(10**10, num_features, 1_024) >= 10**10 // most
    if num_features < 10_000:
        rows = Arrays(np.zeros((most, num_features)), np.zeros(most, np.int64), np.ones(most))
        copies = Copies(np.zeros((most, 2), np.uint64), np.zeros(most, np.int64), rows)
        assert len(pickle.dumps(copies, 5)) <= 8 * most * (num_features + 2) + 24 * most + 900
        assert 8 * most * num_features <= 8 << 20
    else:
        assert most == 16


def test_of_two_kinds_with_one_first_word_neither_is_crowded():
    """They cannot be told apart by it; once in 1e19 rows."""
    hashes = np.array([[5, 1], [7, 2], [5, 3]], dtype=np.uint64)
    found = crowded_of(hashes, np.array([100, 100, 100]), 10)
    assert found.hashes.tolist() == [[7, 2]]
    assert found.kind_of(hashes).tolist() == [-1, 0, -1]


def test_the_crowded_kinds_are_those_above_the_limit():
    """Counted exactly."""
    X = np.repeat(np.arange(4.0), [129, 128, 500, 1])[:, None]
    hashes = hash_rows(X, np.zeros(len(X)), None)
    assert sorted(find_crowded(hashes, 1, 64).copies.tolist()) == [129, 500]
