"""The history of a run belongs to its checkpoints: whatever becomes of history.jsonl, a resume has it."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from helpers import make_recipe

from nnspark.runs import history
from nnspark.runs.history import pack, recover, rows_after, seal, unpack
from nnspark.runs.local_folder import LocalFolder
from nnspark.runs.run import run

QUICK = ("network.hidden=[3]", "report.html=false", "checkpoint.every=2")


def train(out: Path, epochs: int, *, resume: bool = False) -> None:
    """Some epochs of the irises without Spark."""
    run(make_recipe(*QUICK, f"training.epochs={epochs}", source="iris"), str(out), title="", resume=resume)


def timeless(out: Path) -> list[dict[str, Any]]:
    """The history without seconds."""
    rows = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


LINES: dict[str, Callable[[Path], Any]] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "shorter": lambda path: path.write_bytes(b"".join(path.read_bytes().splitlines(True)[:3])),
    "longer": lambda path: path.write_bytes(path.read_bytes() * 2),
    "torn": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "without its beginning": lambda path: path.write_bytes(path.read_bytes()[333:]),
    "of no text": lambda path: path.write_bytes(b"\xff\x00\n[1]\n3\n" + path.read_bytes()),
}


@pytest.mark.parametrize("chunk", [1000, 2, 4, 7])
@pytest.mark.parametrize("lines", LINES)
def test_a_resume_does_not_need_history_jsonl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, chunk: int
) -> None:
    """It is written again, each epoch once: from the checkpoint, from files of their own, and from both."""
    monkeypatch.setattr(history, "CHUNK", chunk)
    train(tmp_path / "whole", 9)
    train(tmp_path / "parts", 7)
    LINES[lines](tmp_path / "parts/history.jsonl")
    train(tmp_path / "parts", 9, resume=True)
    assert timeless(tmp_path / "parts") == timeless(tmp_path / "whole")
    assert [row["epoch"] for row in timeless(tmp_path / "whole")] == list(range(1, 10))


def test_a_checkpoint_does_not_grow_with_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds less than a chunk of rows, however many there were; each chunk is written once."""
    monkeypatch.setattr(history, "CHUNK", 10)
    written: list[str] = []
    write = LocalFolder.write

    def noted(folder: LocalFolder, name: str, content: bytes) -> None:
        written.append(name)
        write(folder, name, content)

    monkeypatch.setattr(LocalFolder, "write", noted)
    sizes = []
    for epochs in (9, 49):
        train(tmp_path / str(epochs), epochs)
        sizes.append((tmp_path / f"{epochs}/checkpoints/epoch-{epochs:08d}.ckpt").stat().st_size)
    assert sizes[1] < sizes[0] + 100
    chunks = [name for name in written if "history-" in name]
    assert chunks == [f"checkpoints/history-{last:08d}.jsonl.gz" for last in (10, 20, 30, 40)]


def test_a_chunk_is_on_disk_before_the_checkpoint_that_counts_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver that dies at any write resumes from what was written before, with all rows."""
    monkeypatch.setattr(history, "CHUNK", 3)
    train(tmp_path / "whole", 9)
    write = LocalFolder.write
    for last in range(3, 20):
        left = [last]

        def dying(folder: LocalFolder, name: str, content: bytes, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] <= 0:
                raise SystemExit
            write(folder, name, content)

        out = tmp_path / str(last)
        with monkeypatch.context() as patched:
            patched.setattr(LocalFolder, "write", dying)
            try:
                train(out, 9)
            except SystemExit:
                (out / "history.jsonl").unlink(missing_ok=True)
        train(out, 9, resume=True)
        assert timeless(out) == timeless(tmp_path / "whole")


ROWS = [{"epoch": epoch, "cost": 1 / epoch, "name": "ä"} for epoch in range(1, 12)]


def test_packed_rows_come_back_to_the_last_bit_and_damage_is_noticed() -> None:
    """Whichever byte is flipped or cut, unpack raises ValueError or returns the rows."""
    content = pack(ROWS)
    assert unpack(content) == ROWS
    assert unpack(pack([])) == []
    for place in range(len(content)):
        for damaged in (
            content[:place],
            content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :],
        ):
            with suppress(ValueError):
                assert unpack(damaged) == ROWS


def test_the_rows_after_an_epoch() -> None:
    """By number, also where earlier ones are lost."""
    assert [row["epoch"] for row in rows_after(ROWS, 8)] == [9, 10, 11]
    assert [row["epoch"] for row in rows_after(ROWS[4:], 2)] == list(range(5, 12))
    assert rows_after(ROWS, 11) == rows_after([], 0) == []


@pytest.mark.parametrize("also_lines", [True, False])
def test_a_lost_chunk_costs_rows_but_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, also_lines: bool
) -> None:
    """history.jsonl may have them still; if not, it is said which are lost. The chunk is written again."""
    monkeypatch.setattr(history, "CHUNK", 4)
    folder = LocalFolder(str(tmp_path))
    assert seal(folder, ROWS, epochs=11, sealed=0) == 2
    folder.write("checkpoints/history-00000004.jsonl.gz", b"not gzip")
    if also_lines:
        folder.write("history.jsonl", history.as_lines(ROWS[:9]))
    warnings: list[str] = []
    rows, sealed = recover(folder, ROWS[8:], epochs=11, warn=warnings.append)
    assert sealed == 0
    assert rows == (ROWS if also_lines else ROWS[4:])
    assert warnings == (
        [] if also_lines else ["the history of 4 epochs, 1 to 4, is lost; training goes on without"]
    )
    assert seal(folder, rows, epochs=11, sealed=sealed) == 2
    assert recover(folder, rows_after(rows, 8), epochs=11, warn=warnings.append) == (rows, 2)
