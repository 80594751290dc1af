"""Rows that do not add up stop the run with both numbers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers import cost_of, fit, make_recipe, shards_of, table_of

from nnspark.data.dataset import make_dataset
from nnspark.data.rows import fingerprint_of
from nnspark.engines.conservation import check_laid_out
from nnspark.engines.local import LocalShards
from nnspark.engines.resident import Handle
from nnspark.errors import DataError, InternalError
from nnspark.net.network import Network

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)


def plan_of(rows: tuple[int, int, int], sums: tuple[int, int]) -> Any:
    """A plan of so many rows with these wrapped sums of hashes."""
    plan = shards_of(X, Y).plan
    return replace(plan, num_samples=rows, fingerprint=fingerprint_of(sum(rows), sums))


def shard(number: int, rows: tuple[int, int, int], sums: tuple[int, int] | None = None) -> Handle:
    """A handle."""
    return Handle("rows", number, "", rows, sums)


def test_shards_that_hold_the_plans_rows_pass() -> None:
    """Sums of hashes wrap at 2**64."""
    plan = plan_of((30, 10, 5), (3, 7))
    check_laid_out(plan, [shard(0, (10, 10, 0), (2**64 - 1, 3)), shard(1, (20, 0, 5), (4, 4))], "a and b")


def test_other_rows_than_surveyed_are_refused_with_both_fingerprints() -> None:
    """The same number of rows, one of them changed: the source is not the same twice."""
    plan = plan_of((30, 10, 5), (3, 7))
    with pytest.raises(
        DataError, match=r"changed between the survey and the packing: 45 rows .* then, 45 rows"
    ):
        check_laid_out(plan, [shard(0, (30, 10, 5), (3, 8))], "the survey and the packing")


def test_a_shard_laid_out_twice_is_an_internal_error() -> None:
    """As when two bins of a task got one name."""
    plan = plan_of((40, 0, 0), (4, 4))
    with pytest.raises(InternalError, match=r"shards \[1\] were laid out twice"):
        check_laid_out(plan, [shard(1, (20, 0, 0), (2, 2)), shard(1, (20, 0, 0), (2, 2))], "a and b")


def test_rows_in_another_part_are_an_internal_error() -> None:
    """All rows are there, but one is in the wrong part."""
    with pytest.raises(InternalError, match="29 train, 11 validation, 5 test rows but the plan has 30 train"):
        check_laid_out(plan_of((30, 10, 5), (0, 0)), [shard(0, (29, 11, 5))], "a and b")


def test_blocks_of_other_rows_than_the_plans_are_refused_without_spark() -> None:
    """A data set whose blocks lost a span."""
    dataset = make_dataset(table_of(X, Y), make_recipe())
    blocks = replace(dataset.blocks, spans=dataset.blocks.spans[1:])
    with pytest.raises(InternalError, match="the plan has"):
        LocalShards(replace(dataset, blocks=blocks))


def test_an_evaluation_of_fewer_rows_is_never_trained_on() -> None:
    """By full-batch cost: both numbers are in the error."""
    shards = shards_of(X, Y, block_rows=20)
    shards.blocks = [replace(shards.blocks[0], spans=shards.blocks[0].spans[:2])]
    with pytest.raises(InternalError, match="an evaluation went over 40 train rows but the plan has 60"):
        cost_of(Network((3, 2)), shards)(np.zeros(8))


@pytest.mark.parametrize("spans", [slice(0, 2), slice(-1, None)], ids=["fewer train", "test only"])
def test_a_round_of_fewer_rows_is_never_trained_on(spans: slice, monkeypatch: pytest.MonkeyPatch) -> None:
    """By mini-batches inside replicas."""
    plain = LocalShards.__init__

    def losing(self: LocalShards, dataset: Any) -> None:
        plain(self, dataset)
        self.blocks = [replace(dataset.blocks, spans=dataset.blocks.spans[spans])]

    monkeypatch.setattr(LocalShards, "__init__", losing)
    with pytest.raises(InternalError, match=r"a round went over \d+ train rows but the plan has 48"):
        fit(table_of(X, Y), "rounds.batch_size=8", "rounds.replicas=4", "training.epochs=1")
