"""A run directory behind a Hadoop URI holds what a local one holds, and resumes."""

import errno
import json
import os
import sys
import zlib
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from helpers import one_line_error
from spark import dying
from spark.dying import Dying, KilledError, Steps, Whole, lives_of
from spark.training import recipe_of

from nnspark.engines import hadoop
from nnspark.engines.frames.read import read_frame
from nnspark.engines.hadoop import root_cause
from nnspark.errors import CheckpointError, DataError
from nnspark.runs import lock
from nnspark.runs.hadoop_folder import HadoopFolder
from nnspark.runs.local_folder import LocalFolder
from nnspark.runs.lock import held
from nnspark.runs.run import run, run_in
from nnspark.runs.storage import open_folder

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from disasters import runs


@pytest.fixture
def folder(spark: Any, tmp_path: Path) -> HadoopFolder:
    """A folder reached through the Hadoop client."""
    found = open_folder(f"file://{tmp_path}/run", spark.sparkContext)
    assert isinstance(found, HadoopFolder)
    return found


def test_files_come_back_and_are_replaced(folder: HadoopFolder, tmp_path: Path) -> None:
    """Write, overwrite, read, list, delete; no temporary file is left."""
    assert folder.names() == []
    folder.write("a/one", b"first")
    folder.write("a/one", bytes(range(256)))
    assert folder.read("a/one") == bytes(range(256))
    assert LocalFolder(str(tmp_path / "run")).names("a") == [".one.crc", "one"]
    with pytest.raises(FileNotFoundError):
        folder.read("a/two")
    folder.delete("a")
    assert folder.names() == []


def test_appends_are_written_with_the_next_file(folder: HadoopFolder, tmp_path: Path) -> None:
    """Object stores cannot append, so lines wait for a checkpoint."""
    folder.append("lines", b"1\n")
    folder.append("lines", b"2\n")
    assert folder.read("lines") == b"1\n2\n"
    folder.write("checkpoint", b"")
    assert (tmp_path / "run" / "lines").read_bytes() == b"1\n2\n"


def test_a_write_that_fails_is_an_os_error(spark: Any, tmp_path: Path) -> None:
    """As with a local folder, so that a full disk is survived in the same way."""
    (tmp_path / "file").write_bytes(b"")
    folder = open_folder(f"file://{tmp_path}/file/below", spark.sparkContext)
    with pytest.raises(OSError, match="below/name"):
        folder.write("name", b"content")


def test_a_rename_whose_answer_was_lost_is_done(
    folder: HadoopFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a NameNode is started again in it: the file that it put there is not deleted."""
    rename = hadoop.Hadoop.rename_over

    def twice(self: hadoop.Hadoop, temporary: Any, final: Any) -> None:
        rename(self, temporary, final)
        rename(self, temporary, final)  # of nothing: Java's error

    folder.write("checkpoint", b"old")
    monkeypatch.setattr(hadoop.Hadoop, "rename_over", twice)
    folder.write("checkpoint", b"new")
    assert folder.read("checkpoint") == b"new"
    assert folder.names() == ["checkpoint"]


@pytest.mark.parametrize("length", [0, 1, 99, 100, 101, 100_000])
def test_more_than_fits_one_argument_goes_by_a_local_file(
    folder: HadoopFolder, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    """The same bytes there and back on either side of the size, and no local file is left."""
    monkeypatch.setattr(hadoop, "BY_DISK_BYTES", 100)
    content = bytes(range(256)) * (length // 256 + 1)
    left = sorted(os.listdir(folder._hadoop._sc._temp_dir))
    folder.write("checkpoint", content[:length])
    assert folder.read("checkpoint") == content[:length]
    assert sorted(os.listdir(folder._hadoop._sc._temp_dir)) == left
    assert folder.names() == ["checkpoint"]


@pytest.mark.parametrize(("cut", "fails"), [(hadoop.READS - 1, False), (hadoop.READS, True)])
def test_a_file_whose_bytes_do_not_all_arrive_is_read_again(
    folder: HadoopFolder, monkeypatch: pytest.MonkeyPatch, cut: int, fails: bool
) -> None:
    """A few times, as where a connection to a store is cut; then it is an OSError."""
    folder.write("checkpoint", b"content")
    read, times = hadoop.Hadoop._all_of, iter(range(cut))

    def cut_off(self: hadoop.Hadoop, stream: Any, length: int) -> bytes:
        if next(times, None) is not None:
            self._jvm.java.lang.Integer.parseInt("half of it")
        return read(self, stream, length)

    monkeypatch.setattr(hadoop.Hadoop, "_all_of", cut_off)
    with pytest.raises(OSError, match="half of it") if fails else nullcontext():
        assert folder.read("checkpoint") == b"content"


def flip(path: Path) -> None:
    """Another bit in the middle, behind the back of Hadoop's checksum."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_flipped_byte_behind_a_uri_sends_resume_to_the_checkpoint_before(
    spark: Any, tmp_path: Path, capsys: Any
) -> None:
    """Hadoop's own checksum refuses to read it: that is damage as any other, and said in one line."""
    recipe = recipe_of("training.epochs=4", "checkpoint.every=2", "report.html=false")
    uri = f"file://{tmp_path}/run"
    run(recipe, uri, title="whole")
    before = json.loads((tmp_path / "run/metrics.json").read_text())["weights_sha256"]
    flip(tmp_path / "run/checkpoints/epoch-00000004.ckpt")
    capsys.readouterr()
    run(recipe, uri, title="again", resume=True)
    lines = capsys.readouterr().err.splitlines()
    (warning,) = [line for line in lines if "epoch-00000004.ckpt" in line]
    assert "is damaged" in warning
    assert "Checksum error" in warning
    assert any("resuming after epoch 2" in line for line in lines)
    assert json.loads((tmp_path / "run/metrics.json").read_text())["weights_sha256"] == before


def without_rename_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file system renames over a file."""

    def refuse(self: hadoop.Hadoop, temporary: Any, final: Any) -> None:
        self._jvm.java.lang.Integer.parseInt("no such step")

    monkeypatch.setattr(hadoop.Hadoop, "rename_over", refuse)


@pytest.mark.parametrize(
    ("steps", "found"), [(0, b"old"), (1, b"old"), (2, b"old"), (3, b"new"), (4, b"new")]
)
def test_a_driver_killed_between_delete_and_rename_loses_nothing(
    spark: Any, folder: HadoopFolder, monkeypatch: pytest.MonkeyPatch, steps: int, found: bytes
) -> None:
    """A reader has the old bytes or the new ones; mending leaves one file, and no temporary one."""
    folder.write("a/one", b"old")
    with monkeypatch.context() as patched:
        without_rename_over(patched)
        patched.setattr(folder, "_fs", Dying(folder._fs, Steps(steps)))
        with suppress(KilledError):
            folder.write("a/one", b"new")
    reader = open_folder(folder.path(), spark.sparkContext)
    assert reader.read("a/one") == found
    reader.mend("a")
    assert reader.names("a") == ["one"]
    assert reader.read("a/one") == found


@pytest.mark.parametrize(("steps", "found"), [(0, b"old"), (1, b"old"), (2, b"new")])
def test_where_files_appear_whole_a_write_is_one_step(
    folder: HadoopFolder, monkeypatch: pytest.MonkeyPatch, steps: int, found: bytes
) -> None:
    """An object store has the old bytes until it has the new ones; there is nothing to mend."""
    folder.write("a/one", b"old")
    with monkeypatch.context() as patched:
        patched.setattr(folder, "_fs", Dying(Whole(folder._fs), Steps(steps)))
        with suppress(KilledError):
            folder.write("a/one", b"new")
    assert folder.names("a") == ["one"]
    assert folder.read("a/one") == found


def test_an_object_that_did_not_get_all_its_bytes_is_not_made(
    folder: HadoopFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing its stream would make it of what there is: the old one stays."""
    folder.write("one", b"old")
    with monkeypatch.context() as patched:
        patched.setattr(folder, "_fs", Whole(folder._fs))
        patched.setattr(dying._Late, "hasCapability", lambda late, name: name == hadoop.ABORTABLE or full())
        with pytest.raises(OSError, match="No space"):
            folder.write("one", b"new")
    assert folder.read("one") == b"old"


def full() -> bool:
    """What a full disk does."""
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    "kind", ["files appear whole", pytest.param("no rename over a file", marks=pytest.mark.slow)]
)
def test_a_run_killed_at_every_step_of_its_writes_ends_as_in_peace(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Two lives of one step, two of two and so on, each with --resume, in one directory."""
    words = ("training.epochs=4", "training.engine=local", "checkpoint.every=1", "report.html=false")
    recipe, plain = recipe_of(*words), hadoop.Hadoop.file_system
    monkeypatch.setattr(lock, "BEAT", 1e6)  # its writes are steps, too, and come by the clock

    def life(steps: Steps) -> None:
        def dying_store(self: hadoop.Hadoop, path: Any) -> Any:
            found = plain(self, path)
            return Dying(Whole(found) if kind == "files appear whole" else found, steps)

        with monkeypatch.context() as patched:
            patched.setattr(hadoop.Hadoop, "file_system", dying_store)
            without_rename_over(patched)
            folder = partial(open_folder, f"file://{tmp_path}/run", spark.sparkContext)
            run_in(folder, recipe, None, title="", resume=True, progress=False)

    assert lives_of(life) >= 20
    run(recipe, str(tmp_path / "peace"), title="")
    assert runs.compare(tmp_path / "run", tmp_path / "peace") == []


def test_what_was_only_half_written_is_not_taken_for_a_file(folder: HadoopFolder, tmp_path: Path) -> None:
    """A temporary file that is shorter or other than its name says; mending deletes it."""
    folder.write("other", b"")
    for content in (b"ne", b"nee", b"new!"):
        (tmp_path / f"run/one.3-{zlib.crc32(b'new')}-01234567.tmp").write_bytes(content)
        with pytest.raises(FileNotFoundError):
            folder.read("one")
    folder.mend()
    assert folder.names() == ["other"]


def test_a_run_whose_only_checkpoint_has_no_name_yet_resumes_from_it(
    spark: Any, tmp_path: Path, capsys: Any
) -> None:
    """The driver was killed after the write, before the rename."""
    uri = f"file://{tmp_path}/run"
    run(recipe_of("training.epochs=2", "report.html=false"), uri, title="short")
    content = (tmp_path / "run/checkpoints/epoch-00000002.ckpt").read_bytes()
    folder = open_folder(uri, spark.sparkContext)
    folder.delete("checkpoints")
    (tmp_path / "run/checkpoints").mkdir()
    name = f"epoch-00000002.ckpt.{len(content)}-{zlib.crc32(content)}-01234567.tmp"
    (tmp_path / "run/checkpoints" / name).write_bytes(content)
    capsys.readouterr()
    run(recipe_of("training.epochs=3", "report.html=false"), uri, title="", resume=True)
    assert "resuming after epoch 2" in capsys.readouterr().err
    assert not list((tmp_path / "run").rglob("*.tmp"))


def test_of_two_who_create_a_file_one_does(spark: Any, folder: HadoopFolder) -> None:
    """What is there is not touched; another Hadoop file system says so too."""
    for one in (folder, in_memory(spark)):
        assert one.create("driver.lock", b"first")
        assert not one.create("driver.lock", b"second")
        assert one.read("driver.lock") == b"first"
        one.delete("driver.lock")
        assert one.create("driver.lock", b"third")
        one.delete("driver.lock")


def on_store(spark: Any, store: type[Whole]) -> HadoopFolder:
    """A folder on such a store."""
    found = in_memory(spark)
    found._fs = store(found._fs)
    found.delete("driver.lock")
    return found


def test_of_two_who_look_at_the_same_time_one_creates(spark: Any) -> None:
    """A store that can look and write in one is asked to: it was another who wrote meanwhile."""
    other = in_memory(spark)

    class Contended(Whole):
        def before(self) -> None:
            other.write("driver.lock", b"the other's")

    one = on_store(spark, Contended)
    assert not one.create("driver.lock", b"mine")
    assert one.read("driver.lock") == b"the other's"
    one.delete("driver.lock")


def test_a_creation_whose_answer_was_lost_is_done(spark: Any) -> None:
    """The store's client asks again, and is told that there is such a file: its own."""

    class Unanswered(Whole):
        def after(self) -> None:
            raise OSError("412 Precondition Failed")

    one = on_store(spark, Unanswered)
    assert one.create("driver.lock", b"mine")
    assert not one.create("driver.lock", b"the other's")
    assert one.read("driver.lock") == b"mine"
    one.delete("driver.lock")


def in_memory(spark: Any) -> HadoopFolder:
    """A folder whose file system is not taken for that of this machine."""
    found = open_folder(f"file://{spark.sparkContext._temp_dir}/elsewhere", spark.sparkContext)
    assert isinstance(found, HadoopFolder)
    found._on_disk = None
    return found


def test_a_directory_is_made_and_undone(folder: HadoopFolder, tmp_path: Path) -> None:
    """With those above it, as far as they are empty."""
    deep = open_folder(f"{folder.path()}/below/it", folder._hadoop._sc)
    made = deep.make()
    assert made == 3
    (tmp_path / "run/mine").write_bytes(b"")
    deep.prune(made)
    assert folder.names() == ["mine"]
    assert folder.make() == 0


def test_a_second_driver_behind_a_uri_is_refused(spark: Any, tmp_path: Path) -> None:
    """And a file in the place of the directory, before any data are read."""
    uri = f"file://{tmp_path}/run"
    recipe = recipe_of("training.epochs=1", "report.html=false")
    refused = pytest.raises(CheckpointError, match=f"in use by process {os.getpid()} on .*application local-")
    with held(open_folder(uri, spark.sparkContext), spark.sparkContext.applicationId), refused:
        run(recipe, uri, title="", resume=True)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CheckpointError, match="cannot be a run directory"):
        run(recipe_of("data.source=csv", "data.path=none.csv"), f"file://{tmp_path}/file", title="")


UNREACHABLE = {
    "nosuch://host/run": 'No FileSystem for scheme "nosuch"',
    "hdfs:///run": "Incomplete HDFS URI, no host",
    "hdfs://nosuchhost:9000/run": "the host 'nosuchhost' is not known here",
    "s3a://bucket/run": "Spark has no S3AFileSystem: add the file system's package (spark.jars.packages)",
}


@pytest.mark.parametrize("uri", UNREACHABLE)
def test_a_uri_that_cannot_be_opened_is_one_line(spark: Any, uri: str) -> None:
    """Without its file system's classes, or without its host: the run directory, and the data, say why."""
    with one_line_error(uri, UNREACHABLE[uri], kind=CheckpointError):
        open_folder(uri, spark.sparkContext)
    for source in ("csv", "parquet"):
        data = recipe_of(f"data.source={source}", f"data.path={uri}").data
        with one_line_error(f"cannot read {uri}: ", UNREACHABLE[uri], kind=DataError):
            read_frame(spark, data)


def test_a_server_that_does_not_answer_is_one_line(spark: Any) -> None:
    """Nobody listens at port 1."""
    uri = "hdfs://127.0.0.1:1/rows.csv"
    with one_line_error(f"cannot read {uri}: ", "Connection refused", kind=DataError):
        read_frame(spark, recipe_of("data.source=csv", f"data.path={uri}").data)
    with one_line_error(uri, "Connection refused", kind=CheckpointError):
        run(recipe_of("training.epochs=1"), uri, title="")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (
            "An error occurred while calling o739.text.\n: org.a.b.SomeException: no such thing\n\tat x",
            "no such thing",
        ),
        (
            "job failed\nCaused by: java.io.IOException: outer\n\tat x\nCaused by: java.net.C: inner: why\n",
            "inner: why",
        ),
        (
            "An error occurred while calling o1.x.\n: java.lang.NullPointerException\n\tat x",
            "NullPointerException",
        ),
        ("plain words: and more", "plain words: and more"),
        ("", ""),
    ],
)
def test_the_cause_is_the_innermost_line_with_words(text: str, cause: str) -> None:
    """Neither py4j's own line nor a class's package."""
    assert root_cause(text) == cause


def test_a_run_behind_a_uri_resumes_to_the_same_weights(spark: Any, tmp_path: Path) -> None:
    """Three epochs, then three more, equal six; the history has each once."""
    short, long = (
        recipe_of(f"training.epochs={epochs}", "checkpoint.every=2", "report.html=false") for epochs in (3, 6)
    )
    uri = f"file://{tmp_path}/run"
    run(short, uri, title="short")
    run(long, uri, title="long", resume=True)
    run(
        recipe_of("training.epochs=6", "training.engine=local", "report.html=false"),
        str(tmp_path / "whole"),
        title="",
    )
    found = [json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("run", "whole")]
    assert found[0]["weights_sha256"] == found[1]["weights_sha256"]
    history = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5, 6]
