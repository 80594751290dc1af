"""A run directory on a local disk: whole-file atomic writes."""

import errno
import os
import stat

import pytest
from helpers import one_line_error

from nnspark.errors import CheckpointError
from nnspark.runs.local_folder import LocalFolder
from nnspark.runs.storage import is_uri, open_folder


@pytest.fixture
def folder(tmp_path):
    """A folder that does not exist yet."""
    return LocalFolder(str(tmp_path / "run"))


def test_files_are_written_read_listed_and_deleted(folder):
    """Names with slashes are files in folders; what is not there is listed as nothing."""
    assert folder.names() == []
    folder.write("b.txt", b"one")
    folder.write("below/a.bin", b"\x00\xff")
    folder.write("b.txt", b"two")
    assert folder.names() == ["b.txt", "below"]
    assert folder.names("below") == ["a.bin"]
    assert (folder.read("b.txt"), folder.read("below/a.bin")) == (b"two", b"\x00\xff")
    folder.delete("below")
    folder.delete("b.txt")
    folder.delete("never there")
    assert folder.names() == []
    with pytest.raises(FileNotFoundError):
        folder.read("b.txt")


def test_appends_add_to_the_end(folder):
    """Of a new file too."""
    for line in (b"1\n", b"2\n"):
        folder.append("history.jsonl", line)
    assert folder.read("history.jsonl") == b"1\n2\n"


def full_disk(*args, **kwargs):
    """What a full disk does."""
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_no_other(folder, monkeypatch, call):
    """Whichever step of it fails; a first write leaves nothing."""
    folder.write("model", b"old")
    monkeypatch.setattr(os, call, full_disk)
    for name in ("model", "other"):
        with pytest.raises(OSError, match="No space"):
            folder.write(name, b"new")
    monkeypatch.undo()
    assert folder.read("model") == b"old"
    assert folder.names() == ["model"]


def test_the_bytes_are_on_disk_before_the_file_has_its_name(folder, monkeypatch):
    """fsync of the file, then the rename, then fsync of the directory."""
    calls = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor):
        calls.append("directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def noted_replace(*args, **kwargs):
        calls.append("rename")
        replace(*args, **kwargs)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    folder.write("model", b"content")
    assert calls == ["file", "rename", "directory"]


def test_what_is_a_uri():
    """Anything with a scheme; a local path is not."""
    assert all(map(is_uri, ("hdfs://host/run", "s3a://bucket/run", "file:/tmp/run", "file:///tmp/run")))
    assert not any(map(is_uri, ("/tmp/run", "run", "runs/a:b")))


def test_a_uri_without_spark_is_refused():
    """The message says what to do."""
    assert isinstance(open_folder("runs/one", None), LocalFolder)
    with one_line_error("hdfs://host/run", "local path", kind=CheckpointError):
        open_folder("hdfs://host/run", None)
