"""A run directory behind a Hadoop URI holds what a local one holds, and resumes."""

import json
from pathlib import Path
from typing import Any

import pytest
from spark.training import recipe_of

from nnspark.runs.run import run
from nnspark.runs.storage import HadoopFolder, LocalFolder, open_folder


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
