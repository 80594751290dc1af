"""Shards over Spark Connect without a server: what is tried again, laid out again, and refused."""

import pickle
import shutil
from collections import OrderedDict
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from helpers import make_recipe, one_line_error

from nnspark.data.dataset import Dataset, make_dataset
from nnspark.engines import resident, settling
from nnspark.engines.connect import ConnectShards
from nnspark.engines.connect_kept import VIEWS
from nnspark.engines.fold_jobs import Counts, count_rows
from nnspark.engines.layout import _sets, _store_sent, make_shards
from nnspark.errors import DataError, InternalError, NNSparkError
from nnspark.sources import load_table


class Frame:
    """A DataFrame as far as shards use one; partition i is computed on executor i + ``session.shift``."""

    storageLevel = SimpleNamespace(useMemory=True, useDisk=True)  # noqa: N815

    def __init__(self, session: Any, source: Any, function: Any = None) -> None:
        self.sparkSession, self.source, self.function = session, source, function
        self.columns: list[str] = ["shard"]

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

    def coalesce(self, tasks: int) -> "Frame":
        """The same, in as many partitions."""
        return self

    def unionAll(self, other: "Frame") -> "Frame":  # noqa: N802
        """The partitions of both."""
        return Frame(self.sparkSession, [*self.parts(), *other.parts()])

    def __getitem__(self, name: str) -> Any:
        return SimpleNamespace(isin=lambda values: pc.field(name).isin(values))

    def where(self, condition: Any) -> "Frame":
        """The rows that a condition holds for."""
        return Frame(self.sparkSession, [[one.filter(condition) for one in part] for part in self.parts()])

    def select(self, *names: str) -> "Frame":
        """Some of the columns."""
        return Frame(self.sparkSession, [[one.select(list(names)) for one in part] for part in self.parts()])

    @property
    def write(self) -> Any:
        """Writes Parquet files, in place of what there is."""

        def parquet(folder: str) -> None:
            written = [pa.Table.from_batches(part) for part in self.parts() if part]
            shutil.rmtree(folder, ignore_errors=True)
            Path(folder).mkdir(parents=True)
            for at, table in enumerate(written):
                pq.write_table(table, f"{folder}/part-{at}.parquet")

        return SimpleNamespace(parquet=parquet, mode=lambda mode: SimpleNamespace(parquet=parquet))


def read_parquet(session: Any, folder: str) -> Frame:
    """A DataFrame of a folder's files, one a partition."""
    files = sorted(Path(folder).glob("*.parquet"))
    return Frame(session, [pq.read_table(file).to_batches() for file in files])


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two executors with directories of their own, and workers that are as they were afterwards."""
    monkeypatch.setattr(settling, "_settled", True)
    monkeypatch.setattr(resident, "_others", ())
    monkeypatch.setattr(resident, "_kept", OrderedDict())
    views: dict[str, Frame] = {}
    found = SimpleNamespace(
        views=views,
        range=lambda *about: Frame(found, [[] for _ in range(4)]),
        read=SimpleNamespace(
            schema=lambda schema: SimpleNamespace(parquet=lambda folder: read_parquet(found, folder))
        ),
        table=views.__getitem__,
        catalog=SimpleNamespace(dropTempView=views.pop),
        executors=[tmp_path / "one", tmp_path / "two"],
        shift=0,
        setenv=monkeypatch.setenv,
        addTag=lambda tag: None,
        removeTag=lambda tag: None,
        interruptTag=lambda tag: None,
    )
    return found


def digits() -> Dataset:
    """The digits in blocks of 100."""
    recipe = make_recipe("training.block_rows=100")
    return make_dataset(load_table(recipe.data), recipe)


def laid_out(session: Any, dataset: Dataset, scratch: str = "") -> ConnectShards:
    """Digits in four shards, one a partition."""
    rows = [
        [pa.RecordBatch.from_pydict({"shard": pa.array([at], pa.int32()), "blocks": [pickle.dumps(one)]})]
        for at, one in enumerate(_sets(dataset, 4))
    ]
    sent: Any = Frame(session, rows)
    return ConnectShards(dataset.plan, sent, _store_sent, shards=4, tasks=4, scratch=scratch)


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
    assert len(session.views) == 2  # of the half that lay there
    shutil.rmtree(session.executors[1])  # where all lie now
    assert counted(shards, 10) == here
    assert len(session.views) == 1  # of all, anew
    shards.close()
    assert not session.views
    assert not [path for one in session.executors for path in one.glob("nnspark/*/*")]


def test_shards_that_are_lost_one_by_one_are_laid_out_by_themselves_only_so_often(session: Any) -> None:
    """Each time in a view of their own; then all together."""
    dataset = digits()
    shards = laid_out(session, dataset)
    here, views = counted(shards, 10), []
    for _ in range(VIEWS + 1):
        for executor in session.executors:
            for lost in executor.glob("nnspark/*/shard-2*"):
                shutil.rmtree(lost)
        assert counted(shards, 10) == here
        views.append(len(session.views))
    assert views == [*range(2, VIEWS + 1), 1, 2]
    shards.close()


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
        kept = shards._kept
        kept.handles = {at: one._replace(rows=(1, 2, 3)) for at, one in kept.handles.items()}
        with one_line_error("the rows changed between", "6 rows in shard", kind=DataError):
            counted(shards, 10)


def refuse(frame: Frame) -> None:
    """As serverless compute does."""
    raise RuntimeError("[NOT_SUPPORTED_WITH_SERVERLESS] PERSIST TABLE is not supported\nand a stack")


def test_a_server_that_keeps_nothing_is_refused_in_one_line(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no folder is named: it says how to."""
    monkeypatch.setattr(Frame, "persist", refuse)
    with one_line_error(
        "keeps no DataFrame", "PERSIST TABLE", "spark.scratch", "training.engine = 'local'", kind=NNSparkError
    ):
        laid_out(session, digits())
    assert not session.views


def test_a_server_that_keeps_nothing_is_given_files(
    session: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every row counts once where shards are at hand, where half of them are and where none is; said once."""
    dataset, scratch = digits(), tmp_path / "packed"
    before = counted(make_shards(dataset, None), 10)
    monkeypatch.setattr(Frame, "persist", refuse)
    shards = laid_out(session, dataset, str(scratch))
    assert counted(shards, 10) == before
    for lost in (session.executors[:1], session.executors):
        for executor in lost:
            shutil.rmtree(executor)
            executor.mkdir()
        assert counted(shards, 10) == before
    assert len(list(scratch.glob("nnspark-*/part-*"))) == 4
    shards.close()
    assert not list(scratch.glob("*"))
    assert not session.views
    (line,) = capsys.readouterr().err.splitlines()
    assert "keeps no DataFrame" in line
    assert str(scratch) in line


def test_shards_that_are_lost_again_and_again_are_moved_into_files(
    session: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On executors that forget what they wrote, as soon as a task has ended."""
    dataset = digits()
    before = counted(make_shards(dataset, None), 10)
    monkeypatch.setattr("nnspark.engines.connect_tasks.SCARCE", 1.1)
    shards = laid_out(session, dataset, str(tmp_path / "packed"))
    ask = Frame.toArrow

    def forget(frame: Frame) -> pa.Table:
        for executor in session.executors:
            shutil.rmtree(executor, ignore_errors=True)
            executor.mkdir()
        return ask(frame)

    with shards, monkeypatch.context() as patched:
        patched.setattr(Frame, "toArrow", forget)
        assert counted(shards, 10) == before
    assert "loses its shards, 5 times" in capsys.readouterr().err
    assert not list((tmp_path / "packed").glob("*"))


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
