"""Looking on at a run: what its files say, whether its driver lives, and nothing of it touched."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from helpers import make_recipe
from jobs.loading import finished_run

from nnspark.recipe import dumps
from nnspark.runs import lock
from nnspark.runs.commands import watch
from nnspark.runs.holder import Holder
from nnspark.runs.local_folder import LocalFolder
from nnspark.runs.lock import held
from nnspark.runs.onlooker import Onlooker
from nnspark.runs.watching import look_at_run

ROWS = [
    {"epoch": at, "loss": loss, "accuracy": 0.5, "validation_loss": val, "seconds": 0.25}
    for at, (loss, val) in enumerate([(0.9, 0.8), (0.5, 0.3), (0.25, 0.4)], 1)
]


@pytest.fixture
def at_work(tmp_path: Path) -> LocalFolder:
    """The directory of a run of 43 epochs after its third, the fourth line half written; no driver."""
    folder = LocalFolder(str(tmp_path / "one"))
    folder.write("recipe.toml", dumps(make_recipe("training.epochs=43")).encode())
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    folder.write("history.jsonl", (lines + '{"epoch": 4, "lo').encode())
    return folder


def contents(path: Path) -> dict[str, bytes]:
    """Every file below a directory."""
    return {str(file): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_a_look_shows_where_it_is_and_changes_nothing(
    at_work: LocalFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Now and best with its epoch, 40 epochs of 0.25 s to go, and a driver that is another process."""
    with held(at_work, "app-7"):
        before = contents(tmp_path)
        watch.main([at_work.path(), "--once"])
        assert contents(tmp_path) == before
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("epoch 3/43  loss 0.2500  accuracy 0.5000  val loss 0.4000  0.250 s an epoch  ")
    assert "about 10.0 s left" in line
    assert f"process {os.getpid()} on" in line
    assert line.endswith("is at work")
    block = look_at_run(at_work, Onlooker(at_work)).block()
    assert [row.split() for row in block[2:6]] == [
        ["now", "best", "at", "epoch"],
        ["loss", "0.2500", "0.2500", "3"],
        ["accuracy", "0.5000", "0.5000", "1"],
        ["val", "loss", "0.4000", "0.3000", "2"],
    ]
    assert block[-1] == "no driver is at work"


def test_a_driver_elsewhere_lives_while_its_beat_changes(
    at_work: LocalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unknown at first, alive after a beat, gone after a silence; a dead process of this machine at once."""
    far = Holder.me("far")._replace(machine="elsewhere", host="far")
    at_work.write("driver.lock", far.signature())
    onlooker = Onlooker(at_work)
    assert onlooker.look().lives is None
    at_work.write("driver.beat", b"1")
    assert onlooker.look().lives is True
    monkeypatch.setattr(lock, "PATIENCE", 0.0)
    assert onlooker.look().lives is False
    at_work.write("driver.lock", Holder.me("dead")._replace(pid=2**22 + 1).signature())
    at_work.write("error.txt", b"why")
    assert "is gone: --resume goes on" in onlooker.look().said
    at_work.delete("driver.lock")
    assert onlooker.look().said.endswith("error.txt says why it ended")


def test_it_ends_with_the_run(
    at_work: LocalFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not with an earlier interrupt's metrics while a driver goes on; the page loads itself till then."""
    at_work.write("metrics.json", b'{"interrupted": true}')
    page = tmp_path / "live.html"
    with held(at_work, "app"):
        thread = threading.Thread(
            target=watch.main, args=([at_work.path(), "--every", "0.05", "--html", str(page)],)
        )
        thread.start()
        until = time.monotonic() + 120
        while not page.exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert thread.is_alive()
        assert '<meta http-equiv="refresh" content="5">' in page.read_text()
        at_work.write("metrics.json", b'{"stopped_because": "", "test": {"accuracy": 0.975}}')
    thread.join(120)
    assert not thread.is_alive()
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].endswith("done; test part: accuracy 0.9750")
    assert lines[-1] == str(page)
    assert 'http-equiv="refresh"' not in page.read_text()
    assert "epoch 3/43" in page.read_text()


def test_a_finished_run_is_seen_as_it_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A real one: the last epoch, and its test figures."""
    finished_run(tmp_path / "run", 'data = {source = "iris"}\ntraining = {engine = "local", epochs = 2}')
    capsys.readouterr()
    watch.main([str(tmp_path / "run")])
    accuracy = json.loads((tmp_path / "run/metrics.json").read_text())["test"]["accuracy"]
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("epoch 2/2  ")
    assert f"done; test part: accuracy {accuracy:.4f}" in line


def test_a_terminal_is_drawn_over_and_an_interrupt_is_quiet(at_work: LocalFolder) -> None:
    """Exit code 0, nothing on standard error; a second look goes up by the first one's lines."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "nnspark", "watch", at_work.path(), "--every", "0.1"]
    shown, pressed = b"", 0
    env = {**os.environ, "COLUMNS": "60"}
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.PIPE, env=env) as process:
        os.close(theirs)
        try:
            with suppress(OSError):  # how a terminal tells that its last writer is gone
                while pressed < 10 and (some := os.read(ours, 65_536)):
                    shown += some
                    if shown.count(b"\x1b[7F\x1b[J") >= 2 + 20 * pressed:  # again, as a person would
                        process.send_signal(signal.SIGINT)
                        pressed += 1
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    os.close(ours)
    assert (process.returncode, said) == (0, b"")
    assert b"[#.......................]" in shown
    assert max(map(len, shown.replace(b"\x1b[7F\x1b[J", b"").splitlines())) == 59  # none wraps


def test_a_sweep_is_seen_by_its_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A real one, before and after its end."""
    from nnspark.recipe.reading import sweep_of_table
    from nnspark.runs.sweeps.sweep import run_sweep

    table: dict[str, Any] = {
        "data": {"source": "iris"}, "training": {"engine": "local", "epochs": 2}, "report": {"html": False},
        "sweep": {"grid": {"training.l2": [0.1, 1.0]}},
    }  # fmt: skip
    recipe, sweep = sweep_of_table(table)
    run_sweep(recipe, sweep, str(tmp_path / "many"), title="many")
    capsys.readouterr()
    watch.main([str(tmp_path / "many")])
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("2 of 2 models have ended  best validation_loss ")
    assert line.endswith("done")
    results = tmp_path / "many/results.jsonl"
    results.write_text(results.read_text().splitlines()[0] + '\n{"sett')
    (tmp_path / "many/results.csv").unlink()
    watch.main([str(tmp_path / "many"), "--once", "--html", str(tmp_path / "live.html")])
    assert capsys.readouterr().out.startswith("1 of 2 models have ended")
    assert "l2 0.1" in (tmp_path / "live.html").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing",), "nothing holds no run: expected the directory of one that has begun, or ended"),
        (("one", "--every", "0"), "expected seconds above 0, got '0'"),
        (("bad",), "is not valid TOML"),
        (("odd",), "odd/metrics.json is damaged: expected an object, got [1]"),
    ],
)
def test_bad_input_is_one_line(
    at_work: LocalFolder, monkeypatch: pytest.MonkeyPatch, capsys: Any, words: tuple[str, ...], said: str
) -> None:
    """Exit code 2."""
    from runs.test_cli import call

    monkeypatch.chdir(at_work.root.parent)
    (at_work.root.parent / "bad").mkdir()
    (at_work.root.parent / "bad/recipe.toml").write_text("[")
    (at_work.root.parent / "odd").mkdir()
    (at_work.root.parent / "odd/metrics.json").write_text("[1]")
    assert call(monkeypatch, "watch", *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
