"""Tasks read the shards of one executor, and share the rows out evenly."""

import pytest

from nnspark.engines.places import group
from nnspark.engines.resident import Handle


def handles(*rows: int) -> list[Handle]:
    """Shards 0, 1, ... of so many training rows each."""
    return [Handle("rows", shard, "", (count, 0, 0)) for shard, count in enumerate(rows)]


def shown(*arguments: object) -> list[tuple[str | None, list[int]]]:
    """Place and shard numbers of each task."""
    return [(place, [h.shard for h in here]) for place, here in group(*arguments)]  # type: ignore[arg-type]


def test_shards_stay_where_they_are_and_neighbours_together() -> None:
    """No task has shards of two executors."""
    places = {0: "a", 1: "a", 2: "b", 3: "b", 4: "a"}
    assert shown(handles(1, 1, 1, 1, 1), places, 3) == [("a", [0]), ("a", [1, 4]), ("b", [2, 3])]


def test_tasks_follow_the_rows() -> None:
    """An executor with three times the rows has three times the tasks."""
    places = dict.fromkeys(range(6), "a") | dict.fromkeys(range(6, 8), "b")
    assert [place for place, _ in shown(handles(*[10] * 8), places, 4)] == ["a", "a", "a", "b"]


@pytest.mark.parametrize("tasks", [1, 2, 5, 64])
def test_every_shard_is_in_one_task(tasks: int) -> None:
    """Whatever the number of tasks: at least one an executor, at most one a shard."""
    places = {shard: f"executor-{shard % 3}" for shard in range(9)}
    groups = shown(handles(*range(1, 10)), places, tasks)
    assert sorted(shard for _, here in groups for shard in here) == list(range(9))
    assert len(groups) == min(max(tasks, 3), 9)
