"""Which task reads which shards: shards stay with the executor that holds them, tasks follow the cores."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from nnspark.engines.resident import Handle

__all__ = ["Group", "group", "runs_of"]

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
        groups += [(place, run) for run in runs_of(here, share)]
    return groups


def runs_of(handles: Sequence[Handle], most: int) -> list[list[Handle]]:
    """The handles in runs of about as many, ``most`` of them, none empty."""
    count = min(most, len(handles))
    ends = [len(handles) * i // count for i in range(count + 1)]
    return [list(handles[start:stop]) for start, stop in pairwise(ends)]


def _shares(rows: Sequence[int], tasks: int) -> list[int]:
    """Whole numbers of at least 1 in proportion to ``rows``: the next one goes where a share is largest."""
    shares = [1] * len(rows)
    for _ in range(tasks - len(rows)):
        most = max(range(len(rows)), key=lambda i: rows[i] / shares[i])
        shares[most] += 1
    return shares
