"""Conservation: no row is lost and none counts twice, from the survey to every evaluation.

Rows surveyed = rows in the shards' handles = rows that an evaluation went over, part by part. The numbers
travel anyway, so they are compared always, in production too. A mismatch stops the run.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nnspark.data.plan import Plan
from nnspark.data.rows import PARTS, fingerprint_of
from nnspark.errors import DataError, InternalError

if TYPE_CHECKING:
    from nnspark.engines.resident import Handle

__all__ = ["changed", "check_evaluated", "check_laid_out"]


def check_laid_out(plan: Plan, handles: Sequence["Handle"], step: str) -> None:
    """See that the shards hold the plan's rows: each shard once, all rows of each part, the same rows.

    Of a plan without a fingerprint, whose rows are surveyed on the way here, only that no shard is twice.

    Parameters
    ----------
    step : between what the rows may have changed, such as "the survey and the packing".

    Raises
    ------
    DataError : the executors' source gave other rows than before.
    InternalError : the rows came from the driver and do not add up, or a shard is there twice.
    """
    numbers = [handle.shard for handle in handles]
    if len(set(numbers)) < len(numbers):
        twice = sorted(number for number in set(numbers) if numbers.count(number) > 1)
        raise InternalError(f"shards {twice} were laid out twice: please report this")
    rows = tuple(sum(handle.rows[part] for handle in handles) for part in range(3))
    sums = [handle.hash_sums for handle in handles if handle.hash_sums is not None]
    if not plan.fingerprint and (sums or not handles):
        return
    if sums or not handles:
        first, second = (sum(words) % 2**64 for words in zip((0, 0), *sums, strict=True))
        found = fingerprint_of(sum(rows), (first, second))
        if found != plan.fingerprint:
            raise changed(step, _rows(plan.fingerprint), _rows(found))
    if rows != plan.num_samples:
        raise InternalError(
            f"the shards hold {_parts(rows)} rows but the plan has {_parts(plan.num_samples)}: "
            "please report this"
        )


def check_evaluated(plan: Plan, counted: Mapping[str, int], what: str = "an evaluation") -> None:
    """See that as many rows were gone over, in each of the parts counted, as the plan has.

    Raises InternalError with both numbers.
    """
    for part, rows in counted.items():
        expected = plan.num_samples[PARTS.index(part)]
        if rows != expected:
            raise InternalError(
                f"{what} went over {rows} {part} rows but the plan has {expected}: the result would be "
                "wrong; please report this"
            )


def changed(step: str, before: str, after: str) -> DataError:
    """The error for a source that is not the same twice."""
    return DataError(
        f"the rows changed between {step}: {before} then, {after} now; the source is not deterministic "
        "(rand(), an unseeded function) or was written to meanwhile: write it to Parquet once and train on "
        "that (cache() does not help, it goes with lost executors)"
    )


def _rows(fingerprint: str) -> str:
    count, _, sums = fingerprint.partition("-")
    return f"{count} rows with hash sums {sums}"


def _parts(rows: Sequence[int]) -> str:
    return ", ".join(f"{count} {part}" for count, part in zip(rows, PARTS, strict=True))
