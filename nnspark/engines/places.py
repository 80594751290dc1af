"""Which task reads which shards: shards stay with the executor that holds them, tasks follow the cores."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from nnspark.engines.resident import Handle

__all__ = ["Group", "group"]

Group = tuple[str | None, list[Handle]]


def group(handles: Sequence[Handle], places: Mapping[int, str | None], tasks: int) -> list[Group]:
    """Tasks as (place, handles): about ``tasks`` of them, one a place at least; each has shards of one place.

    Parameters
    ----------
    places : of each shard's number, where its executor is; None is anywhere.
    tasks : shared out among the places by their rows; neighbouring shards stay in one task.
    """
    held: dict[str | None, list[Handle]] = {}
    for handle in sorted(handles, key=lambda handle: handle.shard):
        held.setdefault(places.get(handle.shard), []).append(handle)
    rows = [sum(sum(handle.rows) for handle in here) for here in held.values()]
    groups: list[Group] = []
    for (place, here), share in zip(held.items(), _shares(rows, tasks), strict=True):
        count = min(share, len(here))
        ends = [len(here) * i // count for i in range(count + 1)]
        groups += [(place, here[start:stop]) for start, stop in pairwise(ends)]
    return groups


def _shares(rows: Sequence[int], tasks: int) -> list[int]:
    """Whole numbers of at least 1 in proportion to ``rows``: the next one goes where a share is largest."""
    shares = [1] * len(rows)
    for _ in range(tasks - len(rows)):
        most = max(range(len(rows)), key=lambda i: rows[i] / shares[i])
        shares[most] += 1
    return shares
