"""The training job: what a run leaves behind, its exit codes, and that bad input leaves nothing."""

import errno
import hashlib
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnspark.model import Model
from nnspark.runs.command import run_job
from nnspark.runs.local_folder import LocalFolder

ROOT = Path(__file__).parents[2]
QUICK = ("--set", "training.engine=local", "--set", "report.html=false", "--set", "training.epochs=5")


def run_train(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Any:
    """Exit code, standard output and standard error of the job, run in this process."""
    monkeypatch.setattr(sys, "argv", ["train.py", *arguments])
    with pytest.raises(SystemExit) as stop:
        run_job(runpy.run_path(str(ROOT / "jobs" / "train.py"))["main"])
    captured = capsys.readouterr()
    return stop.value.code, captured.out, captured.err


@pytest.fixture
def job(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The job as a function of its arguments."""
    return lambda *arguments: run_train(capsys, monkeypatch, *map(str, arguments))


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """A recipe file."""
    path = tmp_path / "digits.toml"
    path.write_text((ROOT / "conf" / "digits.toml").read_text())
    return path


def test_a_run_leaves_what_the_contract_says(job: Any, digits: Path, tmp_path: Path) -> None:
    """The files, the last line of standard output, one history line an epoch, the weights' hash."""
    out = tmp_path / "run"
    code, stdout, stderr = job(digits, "--out", out, *QUICK[:2], *QUICK[4:])
    assert code == 0, stderr
    assert stdout.splitlines()[-1] == str(out / "metrics.json")
    names = {path.name for path in out.iterdir()}
    assert names == {
        "recipe.toml", "history.jsonl", "metrics.json", "model.safetensors", "report.html", "checkpoints"
    }  # fmt: skip
    metrics = json.loads((out / "metrics.json").read_text())
    assert {
        "train",
        "validation",
        "test",
        "epochs",
        "evaluations",
        "seconds",
        "weights_sha256",
        "spark",
    } <= set(metrics)
    history = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5]
    wanted = {"cost", "loss", "accuracy", "mean_error", "seconds", "learning_rate", "grad_norm"}
    assert wanted | {"validation_loss", "validation_accuracy", "validation_mean_error"} <= set(history[0])
    model = Model.from_bytes((out / "model.safetensors").read_bytes())
    digest = hashlib.sha256(b"".join(W.astype("<f8").tobytes() for W in model.weights)).hexdigest()
    assert metrics["weights_sha256"] == digest
    assert "epoch 5/5" in stderr


def test_the_resolved_recipe_gives_the_same_run_again(job: Any, digits: Path, tmp_path: Path) -> None:
    """recipe.toml of a run is a recipe."""
    job(digits, "--out", tmp_path / "one", *QUICK)
    code, _, stderr = job(tmp_path / "one" / "recipe.toml", "--out", tmp_path / "two")
    assert code == 0, stderr
    one, two = (json.loads((tmp_path / run / "metrics.json").read_text()) for run in ("one", "two"))
    assert one["weights_sha256"] == two["weights_sha256"]


def _csv(text: str) -> Callable[[Path], list[str]]:
    def make(folder: Path) -> list[str]:
        (folder / "rows.csv").write_text(text)
        return ["data.source=csv", f"data.path={folder / 'rows.csv'}"]

    return make


def _npy(X: Any, y: Any) -> Callable[[Path], list[str]]:
    def make(folder: Path) -> list[str]:
        np.save(folder / "X.npy", X, allow_pickle=True)
        np.save(folder / "y.npy", y, allow_pickle=True)
        return ["data.source=npy", f"data.features={folder / 'X.npy'}", f"data.labels={folder / 'y.npy'}"]

    return make


def _with(X: Any, at: tuple[int, int], value: float) -> Any:
    X = X.copy()
    X[at] = value
    return X


SQUARE = np.arange(60.0).reshape(20, 3)
TWO = np.arange(20) % 2
BAD: dict[str, tuple[Callable[[Path], list[str]], str]] = {
    "missing file": (lambda folder: ["data.source=csv", f"data.path={folder / 'none.csv'}"], "none.csv"),
    "unknown key": (lambda folder: ["training.epoch=3"], "did you mean 'training.epochs'"),
    "wrong type": (lambda folder: ['training.epochs="many"'], "training.epochs: expected a whole number"),
    "hidden 0": (lambda folder: ["network.hidden=[0]"], "network.hidden"),
    "nan": (_npy(_with(SQUARE, (7, 1), np.nan), TWO), "row 7"),
    "inf": (_npy(_with(SQUARE, (3, 2), np.inf), TWO), "row 3"),
    "ragged": (_csv("a,b,label\n1,2,0\n1,2\n3,4,1\n"), "line 3"),
    "no label": (_csv("a,b,label\n1,2,0\n1,2,\n3,4,1\n"), "label"),
    "one class": (_npy(SQUARE, TWO * 0), "only one class"),
    "all class weights 0": (
        lambda folder: [*_npy(SQUARE, TWO)(folder), 'training.class_weight={"0" = 0, "1" = 0.0}'],
        "training.class_weight",
    ),
    "fewer rows than classes": (_npy(SQUARE, np.arange(20)), "fewer training rows"),
    "lengths": (_npy(SQUARE, TWO[:-1]), "20 rows but"),
    "objects": (_npy(SQUARE.astype(object), TWO), "object"),
    "override": (lambda folder: ["epochs=3"], "section.key=value"),
    "source": (lambda folder: ["data.source=digitz"], "did you mean"),
    "optimizer": (lambda folder: ["training.optimizer=adm"], "adam"),
    "loss": (lambda folder: ['network.output="identity"'], "squared_error"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_one_line_and_leaves_nothing(job: Any, digits: Path, tmp_path: Path, kind: str) -> None:
    """Exit 2, one line that says what came, no run directory, no traceback."""
    make, message = BAD[kind]
    overrides = [part for override in make(tmp_path) for part in ("--set", override)]
    out = tmp_path / "run"
    code, stdout, stderr = job(digits, "--out", out, *QUICK, *overrides)
    assert code == 2
    assert stdout == ""
    lines = stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert message in lines[0]
    assert not out.exists()


@pytest.mark.parametrize("below", ["", "/run", "/above/run"])
def test_an_out_that_is_no_directory_is_refused_before_the_data_are_read(
    job: Any, digits: Path, tmp_path: Path, below: str
) -> None:
    """A file, or something below one: one line, and the data, which are missing too, are not looked for."""
    (tmp_path / "file").write_text("mine")
    missing = ["--set", "data.source=csv", "--set", f"data.path={tmp_path / 'none.csv'}"]
    code, stdout, stderr = job(digits, "--out", f"{tmp_path / 'file'}{below}", *QUICK, *missing)
    assert (code, stdout) == (2, "")
    (line,) = stderr.splitlines()
    assert line.startswith(f"error: {tmp_path / 'file'}{below} cannot be a run directory: ")
    assert "--out" in line
    assert (tmp_path / "file").read_text() == "mine"


def test_an_out_that_cannot_be_written_to_is_refused_before_the_data_are_read(
    job: Any, digits: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A read-only disk: one line, and nothing is left of the directory."""

    def read_only(path: Path, *args: Any, **options: Any) -> Any:
        if "run" in path.parts and args and "x" in args[0]:
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        return plain_open(path, *args, **options)

    plain_open = Path.open
    monkeypatch.setattr(Path, "open", read_only)
    missing = ["--set", "data.source=csv", "--set", f"data.path={tmp_path / 'none.csv'}"]
    code, _, stderr = job(digits, "--out", tmp_path / "new/run", *QUICK, *missing)
    assert code == 2
    assert stderr.splitlines()[0].endswith(
        "Read-only file system; pass --out a directory that can be written to"
    )
    assert not (tmp_path / "new").exists()


def test_a_disk_that_is_full_at_the_end_is_one_line(
    job: Any, digits: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The model cannot be written: what to do is said, and doing it ends the run."""
    plain = LocalFolder.write

    def full(folder: LocalFolder, name: str, content: bytes) -> None:
        if name == "model.safetensors":
            raise OSError(errno.ENOSPC, "No space left on device", folder.path(name))
        plain(folder, name, content)

    with monkeypatch.context() as patched:
        patched.setattr(LocalFolder, "write", full)
        code, _, stderr = job(digits, "--out", tmp_path / "run", *QUICK)
    assert code == 2
    assert "model.safetensors cannot be used: No space left on device" in stderr.splitlines()[-1]
    assert job(digits, "--out", tmp_path / "run", *QUICK, "--resume")[0] == 0


def test_more_seconds_let_a_run_go_on_and_the_same_do_not(job: Any, digits: Path, tmp_path: Path) -> None:
    """max_seconds counts the seconds of all resumes, as the checkpoint keeps them."""
    out, options = tmp_path / "run", [*QUICK[:4], "--set", "training.epochs=8", "--resume"]
    epochs = []
    for seconds in ("1e-9", "1e-9", "2e-9", "1000", "0"):
        code, _, stderr = job(digits, "--out", out, *options, "--set", f"stopping.max_seconds={seconds}")
        assert code == 0, stderr
        metrics = json.loads((out / "metrics.json").read_text())
        epochs.append((metrics["epochs"], metrics["stopped_because"]))
    assert epochs[:3] == [(1, "1e-09 s were up")] * 3
    assert epochs[3:] == [(8, "all 8 epochs were done")] * 2


def test_an_existing_run_is_not_overwritten_by_accident(job: Any, digits: Path, tmp_path: Path) -> None:
    """A run directory that holds something needs --resume or --overwrite."""
    out = tmp_path / "run"
    job(digits, "--out", out, *QUICK)
    before = (out / "metrics.json").read_bytes()
    code, _, stderr = job(digits, "--out", out, *QUICK)
    assert code == 2
    assert "--resume" in stderr
    assert "--overwrite" in stderr
    assert (out / "metrics.json").read_bytes() == before
    assert job(digits, "--out", out, *QUICK, "--overwrite")[0] == 0


def test_a_diverging_run_exits_3_and_says_what_to_try(job: Any, digits: Path, tmp_path: Path) -> None:
    """The epoch, the learning rate, scaling."""
    diverge = ["network.activation=relu", "network.output=identity", "network.loss=squared_error",
               "training.learning_rate=1e6", "training.epochs=100"]  # fmt: skip
    overrides = [part for override in diverge for part in ("--set", override)]
    code, _, stderr = job(digits, "--out", tmp_path / "run", *QUICK, *overrides)
    assert code == 3
    last = stderr.strip().splitlines()[-1]
    assert last.startswith("error: the cost is no longer finite at epoch ")
    assert "learning_rate" in last
    assert "data.scale" in last


@pytest.mark.parametrize("optimizer", ["gd", "adam", "lbfgs", "rounds"])
def test_a_resumed_run_equals_an_uninterrupted_one(
    job: Any, digits: Path, tmp_path: Path, optimizer: str
) -> None:
    """Weights, history and metrics are the same to the last bit, seconds aside."""
    options = [*QUICK[:4], "--set", "checkpoint.every=3", "--set", "training.learning_rate=0.01"]
    if optimizer == "rounds":
        options += [
            "--set",
            "rounds.batch_size=64",
            "--set",
            "rounds.replicas=2",
            "--set",
            "training.optimizer=adam",
        ]
    else:
        options += ["--set", f"training.optimizer={optimizer}"]
    job(digits, "--out", tmp_path / "whole", *options, "--set", "training.epochs=12")
    job(digits, "--out", tmp_path / "parts", *options, "--set", "training.epochs=7")
    code, _, stderr = job(
        digits, "--out", tmp_path / "parts", *options, "--set", "training.epochs=12", "--resume"
    )
    assert code == 0, stderr
    assert "resuming after epoch 7" in stderr
    found = [_comparable(tmp_path / run) for run in ("whole", "parts")]
    assert found[0] == found[1]


def _comparable(run: Path) -> Any:
    metrics = json.loads((run / "metrics.json").read_text())
    history = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    return (
        {key: value for key, value in metrics.items() if key not in ("seconds", "spark")},
        [{key: value for key, value in row.items() if key != "seconds"} for row in history],
    )


def test_resuming_another_recipe_names_what_differs(job: Any, digits: Path, tmp_path: Path) -> None:
    """Exit 2 and the key; other data likewise."""
    out = tmp_path / "run"
    job(digits, "--out", out, *QUICK)
    code, _, stderr = job(digits, "--out", out, *QUICK, "--set", "training.l2=3.0", "--resume")
    assert code == 2
    assert "training.l2 was 1.0 and is 3.0" in stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_interrupted_run_keeps_its_checkpoint(digits: Path, tmp_path: Path, number: int) -> None:
    """Exit 130, a checkpoint, the model and metrics so far; --resume goes on from there."""
    out = tmp_path / "run"
    options = [*QUICK[:4], "--set", "checkpoint.every=1000000", "--set", "training.epochs=1000000"]
    command = [sys.executable, str(ROOT / "jobs" / "train.py"), str(digits), "--out", str(out), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        deadline = time.monotonic() + 60
        while not (out / "history.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    epochs = json.loads((out / "metrics.json").read_text())["epochs"]
    assert epochs > 0
    assert [path.name for path in (out / "checkpoints").iterdir()] == [f"epoch-{epochs:08}.ckpt"]
    assert (out / "model.safetensors").exists()
