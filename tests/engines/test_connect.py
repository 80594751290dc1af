"""Shards over Spark Connect without a server: what is tried again, laid out again, and refused."""

import pickle
import shutil
from collections import OrderedDict
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from helpers import make_recipe, one_line_error

from nnspark.data.dataset import Dataset, make_dataset
from nnspark.engines import resident
from nnspark.engines.connect import ConnectShards
from nnspark.engines.fold_jobs import Counts, count_rows
from nnspark.engines.layout import _sets, _store_sent
from nnspark.errors import DataError, InternalError, NNSparkError
from nnspark.sources import load_table


class Frame:
    """A DataFrame as far as shards use one; partition i is computed on executor i + ``session.shift``."""

    def __init__(self, session: Any, source: Any, function: Any = None) -> None:
        self.sparkSession, self.source, self.function = session, source, function
        self.columns: list[str] = []

    def parts(self) -> list[list[pa.RecordBatch]]:
        """Batches of each partition."""
        if isinstance(self.source, list):
            return self.source
        found = []
        for at, part in enumerate(self.source.parts()):
            executor = self.sparkSession.executors[(at + self.sparkSession.shift) % 2]
            self.sparkSession.setenv("SPARK_LOCAL_DIRS", str(executor))
            found.append(list(self.function(iter(part))))
        return found

    def mapInArrow(self, function: Any, schema: Any) -> "Frame":  # noqa: N802
        """The rows that a function makes of these."""
        return Frame(self.sparkSession, self, function)

    def toArrow(self) -> pa.Table:  # noqa: N802
        """All rows."""
        return pa.Table.from_batches([batch for part in self.parts() for batch in part])

    def createOrReplaceTempView(self, name: str) -> None:  # noqa: N802
        """Give it a name."""
        self.sparkSession.views[name] = self

    def persist(self) -> None:
        """Keep what is computed; here that is at once."""
        self.source = self.parts()

    def unpersist(self) -> None:
        """Nothing to do."""


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two executors with directories of their own, and workers that are as they were afterwards."""
    monkeypatch.setattr(resident, "_settled", True)
    monkeypatch.setattr(resident, "_others", ())
    monkeypatch.setattr(resident, "_kept", OrderedDict())
    views: dict[str, Frame] = {}
    return SimpleNamespace(
        views=views,
        table=views.__getitem__,
        catalog=SimpleNamespace(dropTempView=views.pop),
        executors=[tmp_path / "one", tmp_path / "two"],
        shift=0,
        setenv=monkeypatch.setenv,
        addTag=lambda tag: None,
        removeTag=lambda tag: None,
        interruptTag=lambda tag: None,
    )


def digits() -> Dataset:
    """The digits in blocks of 100."""
    recipe = make_recipe("training.block_rows=100")
    return make_dataset(load_table(recipe.data), recipe)


def laid_out(session: Any, dataset: Dataset) -> ConnectShards:
    """Digits in four shards, one a partition."""
    rows = [
        [pa.RecordBatch.from_pydict({"shard": pa.array([at], pa.int32()), "blocks": [pickle.dumps(one)]})]
        for at, one in enumerate(_sets(dataset, 4))
    ]
    sent = Frame(session, rows)

    def stored(data_set: str) -> Any:
        return sent.mapInArrow(partial(_store_sent, data_set), None)

    return ConnectShards(dataset.plan, stored, shards=4, tasks=4)


def counted(shards: Any, classes: int) -> list[list[int]]:
    """Training rows by class."""
    found: list[list[int]] = shards.run(
        count_rows, (1, classes), partial(Counts.of, (1, classes))
    ).rows.tolist()
    return found


def test_tasks_on_other_executors_and_lost_files_count_every_row_once(session: Any) -> None:
    """Shards lie with the other executor, then half of them nowhere; closing deletes all that is left."""
    dataset = digits()
    assert dataset.plan.classes is not None
    expected = [sum(dataset.plan.num_samples[:1])]
    shards = laid_out(session, dataset)
    session.shift = 1
    here = counted(shards, 10)
    assert [sum(here[0])] == expected
    assert len(session.views) == 1
    shutil.rmtree(session.executors[0])
    assert counted(shards, 10) == here
    assert len(session.views) == 1
    shards.close()
    assert not session.views
    assert not [path for one in session.executors for path in one.glob("nnspark/*/*")]


def test_shards_that_are_lost_again_and_again_end_the_run(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bound, and one line."""
    monkeypatch.setattr("nnspark.engines.resident.find", lambda handle: None)
    with (
        laid_out(session, digits()) as shards,
        one_line_error("were lost 5 times", "--resume", kind=InternalError),
    ):
        counted(shards, 10)


def test_a_shard_that_spark_made_again_of_other_rows_is_noticed(session: Any) -> None:
    """Handles that it lost and computed from a source that is not the same twice."""
    with laid_out(session, digits()) as shards:
        shards._handles = {at: one._replace(rows=(1, 2, 3)) for at, one in shards._handles.items()}
        with one_line_error("the rows changed between", "6 rows in shard", kind=DataError):
            counted(shards, 10)


def test_a_server_that_keeps_nothing_is_refused_in_one_line(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As serverless compute."""

    def refuse(frame: Frame) -> None:
        raise RuntimeError("[NOT_SUPPORTED_WITH_SERVERLESS] PERSIST TABLE is not supported\nand a stack")

    monkeypatch.setattr(Frame, "persist", refuse)
    with one_line_error(
        "keeps no DataFrame", "PERSIST TABLE", "training.engine = 'local'", kind=NNSparkError
    ):
        laid_out(session, digits())
    assert not session.views


def test_an_interrupt_ends_the_query_on_the_server(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its tag, before it is passed on; and the tag is taken off again."""
    told: list[str] = []
    session.addTag = lambda tag: told.append(f"add {tag}")
    session.interruptTag = lambda tag: told.append(f"interrupt {tag}")
    session.removeTag = lambda tag: told.append(f"remove {tag}")

    def interrupt(frame: Frame) -> None:
        raise KeyboardInterrupt

    with laid_out(session, digits()) as shards:
        with monkeypatch.context() as patched:
            patched.setattr(Frame, "toArrow", interrupt)
            with pytest.raises(KeyboardInterrupt):
                counted(shards, 10)
        tag = told[0].removeprefix("add ")
        assert told == [f"add {tag}", f"interrupt {tag}", f"remove {tag}"]
