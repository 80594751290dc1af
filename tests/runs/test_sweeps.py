"""A sweep's directory: what it holds, that every model is that of its single run, resuming, halving."""

import csv
import json
import threading

import numpy as np
import pytest
from helpers import one_line_error

import nnspark
from nnspark.errors import CheckpointError, DivergedError, NNSparkError, RecipeError
from nnspark.recipe import loads, read
from nnspark.recipe.reading import check_sweep_of
from nnspark.report.text import number
from nnspark.runs.run import run
from nnspark.runs.sweeps import models
from nnspark.runs.sweeps.sweep import run_sweep

GRID = {"network.hidden": [[4], [6]], "training.l2": [0.1, 1.0]}
IRIS = """[report]
html = false
[data]
source = "iris"
scale = "standard"
[training]
engine = "local"
epochs = 8
learning_rate = 0.5
"""


def swept(out, text=IRIS, *, resume=False, overwrite=False, **section):
    """Run a sweep; its results and the rows of its table."""
    recipe = loads(text)
    sweep = check_sweep_of({"grid": GRID, **section}, recipe)
    path = run_sweep(recipe, sweep, str(out), title="iris", resume=resume, overwrite=overwrite)
    assert path == str(out / "results.csv")
    results = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    with (out / "results.csv").open() as file:
        return results, list(csv.DictReader(file))


def single(text, result, folds):
    """The hash of a model's single run."""
    overrides = [f"{key}={json.dumps(value)}" for key, value in result["settings"].items()]
    if folds:
        overrides += [f"data.split.folds={folds}", f"data.split.fold={result['fold']}"]
    return nnspark.train(loads(text, overrides), progress=False).weights_sha256


@pytest.mark.parametrize("folds", [0, 3])
@pytest.mark.parametrize("method", ["gd", "lbfgs", "rounds"])
def test_every_model_is_that_of_its_single_run(tmp_path, method, folds):
    """Weights by their hash, and the figures of its validation rows."""
    more = {"gd": "", "lbfgs": 'optimizer = "lbfgs"\n', "rounds": "[rounds]\nbatch_size = 16\n"}[method]
    results, table = swept(tmp_path / "s", IRIS + more, folds=folds)
    assert len(results) == 4 * max(folds, 1)
    for result in results:
        assert single(IRIS + more, result, folds) == result["weights_sha256"]
        assert result["score"] == result["validation"]["loss"]
        assert result["epochs"] == 8
        assert result["evaluations"] >= 8
    assert [row["rank"] for row in table] == ["1", "2", "3", "4"]


def test_the_table_has_means_and_standard_errors(tmp_path):
    """Of each setting's folds; best first; the hashes of all its models."""
    results, table = swept(tmp_path / "s", folds=3)
    for row in table:
        mine = [one for one in results if one["setting"] == int(row["setting"])]
        scores = [one["score"] for one in mine]
        assert [float(row[f"fold_{fold}"]) for fold in range(3)] == scores
        assert float(row["mean"]) == pytest.approx(np.mean(scores), rel=1e-15)
        assert float(row["standard_error"]) == pytest.approx(np.std(scores, ddof=1) / np.sqrt(3), rel=1e-12)
        assert row["weights_sha256"].split() == [one["weights_sha256"] for one in mine]
        assert json.loads(row["network.hidden"]) == mine[0]["settings"]["network.hidden"]
    means = [float(row["mean"]) for row in table]
    assert means == sorted(means)


def test_a_metric_that_grows_ranks_the_other_way(tmp_path):
    """The best accuracy first."""
    _, table = swept(tmp_path / "s", folds=3, monitor="validation_accuracy")
    means = [float(row["mean"]) for row in table]
    assert means == sorted(means, reverse=True)


@pytest.mark.parametrize("folds", [0, 3])
def test_the_best_model_is_a_run_of_its_own(tmp_path, folds):
    """``best/`` is what jobs/train.py makes of its recipe; with folds it trains on all of them."""
    _, table = swept(tmp_path / "s", folds=folds)
    best = tmp_path / "s/best"
    recipe = read(best / "recipe.toml")
    assert json.dumps(recipe.network.hidden) == table[0]["network.hidden"]
    metrics = json.loads((best / "metrics.json").read_text())
    assert nnspark.train(recipe, progress=False).weights_sha256 == metrics["weights_sha256"]
    assert nnspark.load(str(best)).weights_sha256 == metrics["weights_sha256"]
    if folds:
        assert recipe.data.split.fold == -1
        assert metrics["train"]["num_samples"] == 135
    else:
        assert metrics["weights_sha256"] == table[0]["weights_sha256"]


def test_patience_gives_the_best_model_its_epochs(tmp_path):
    """No rows are left to stop on: the median of the folds' best epochs is taken."""
    text = IRIS.replace("epochs = 8", "epochs = 60") + "[stopping]\npatience = 3\n"
    results, table = swept(tmp_path / "s", text, folds=3, grid={"training.learning_rate": [3.0]})
    epochs = [one["best_epoch"] or one["epochs"] for one in results]
    recipe = read(tmp_path / "s/best/recipe.toml")
    assert recipe.stopping.patience == 0
    assert recipe.training.epochs == int(np.median(epochs))
    assert len(table) == 1


def test_waves_do_not_change_a_bit(tmp_path):
    """One model at a time, as many as there are, and all between."""
    whole, _ = swept(tmp_path / "a", folds=3)
    recipe = loads(IRIS)
    weights = 6 * 5 + 3 * 7
    for at_once in (1, 5):
        sweep = check_sweep_of({"grid": GRID, "folds": 3}, recipe)
        models.SUM_BYTES, before = (1 << 30) // (weights * at_once) - 8, models.SUM_BYTES
        try:
            out = tmp_path / f"b{at_once}"
            run_sweep(recipe, sweep, str(out), title="iris")
        finally:
            models.SUM_BYTES = before
        found = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
        assert [one["weights_sha256"] for one in found] == [one["weights_sha256"] for one in whole]


def test_no_more_models_than_threads_may_be(tmp_path, monkeypatch):
    """Two at a time whatever the memory, as each has a thread; one line where none can start any more."""
    whole, _ = swept(tmp_path / "a", folds=3)
    monkeypatch.setattr(models, "AT_ONCE", 2)
    started, plain, alive = [], threading.Thread.start, []

    def counted(thread):
        if thread.name.startswith("nnspark training"):
            started.append(thread)
            alive.append(sum(one.is_alive() for one in started) + 1)
        plain(thread)

    monkeypatch.setattr(threading.Thread, "start", counted)
    found, _ = swept(tmp_path / "b", folds=3)
    assert [one["weights_sha256"] for one in found] == [one["weights_sha256"] for one in whole]
    assert len(started) == len(whole)
    assert max(alive) <= 3  # one that has ended may still say so

    def cannot(thread):
        if thread.name.startswith("nnspark training"):
            raise RuntimeError("can't start new thread")
        plain(thread)

    monkeypatch.setattr(threading.Thread, "start", cannot)
    with one_line_error("expected a thread for each model", kind=NNSparkError):
        swept(tmp_path / "c", folds=3)


class _StopError(Exception):
    """What a test interrupts a sweep with."""


HALVING = {"search": "halving", "halving": {"first": 2}}
NO_CHECKPOINT, EACH_EPOCH = 60.0, 1e-9  # seconds between them


@pytest.mark.parametrize(
    ("section", "seconds"),
    [
        ({}, EACH_EPOCH),
        (HALVING, NO_CHECKPOINT),
        pytest.param(
            {}, NO_CHECKPOINT, marks=pytest.mark.slow
        ),  # each search and each way of going on: above
        pytest.param(HALVING, EACH_EPOCH, marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_sweep_goes_on_to_the_same_results(tmp_path, monkeypatch, section, seconds):
    """Stopped in its 3rd, 10th and 17th history row; each goes on with --resume."""
    text = IRIS + f"[checkpoint]\nseconds = {seconds}\n"
    expected, table = swept(tmp_path / "whole", text, folds=3, **section)
    out, rows = tmp_path / "s", [0]
    keep = models.Keeper.remember

    def stopping(self, some, progress):
        keep(self, some, progress)
        rows[0] += 1
        if rows[0] in (3, 25, 50):
            raise KeyboardInterrupt

    monkeypatch.setattr(models.Keeper, "remember", stopping)
    for attempt in range(4):
        try:
            found, rows_of_table = swept(out, text, folds=3, resume=attempt > 0, **section)
            break
        except KeyboardInterrupt:
            continue
    assert attempt >= 1
    for one, other in zip(found, expected, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert [{**row, "seconds": 0} for row in rows_of_table] == [{**row, "seconds": 0} for row in table]
    for one in expected:
        name = f"models/{one['setting']:04d}-{one['fold']}/history.jsonl"
        first, second = ((folder / name).read_text().splitlines() for folder in (out, tmp_path / "whole"))
        drop = {"seconds": 0}
        assert [json.loads(row) | drop for row in first] == [json.loads(row) | drop for row in second]


def test_a_torn_result_is_trained_again(tmp_path):
    """A line that a kill cut off."""
    expected, _ = swept(tmp_path / "s", folds=3)
    lines = (tmp_path / "s/results.jsonl").read_bytes()
    (tmp_path / "s/results.jsonl").write_bytes(lines[:-200])
    found, _ = swept(tmp_path / "s", folds=3, resume=True)
    assert [one["weights_sha256"] for one in found] == [one["weights_sha256"] for one in expected]
    assert len(found) == 12


def test_another_sweep_is_not_resumed(tmp_path):
    """Another grid, another recipe; a directory that is in use needs a word."""
    swept(tmp_path / "s")
    with one_line_error("its [sweep] section was another", "--overwrite", kind=CheckpointError):
        swept(tmp_path / "s", resume=True, folds=3)
    with one_line_error("its recipe was another", kind=CheckpointError):
        swept(tmp_path / "s", IRIS + "l2 = 0.5\n", resume=True)
    with one_line_error("is not empty", kind=CheckpointError):
        swept(tmp_path / "s")
    swept(tmp_path / "s", folds=3, overwrite=True)
    assert not (tmp_path / "s/models/0000").exists()


@pytest.mark.parametrize("damage", ["missing", "torn", "a folder"])
def test_what_is_of_no_sweep_that_can_be_read_is_not_gone_on_with(tmp_path, damage):
    """Nothing of it is deleted; with --overwrite it is."""
    swept(tmp_path / "s")
    about, before = tmp_path / "s/sweep.json", (tmp_path / "s/results.jsonl").read_bytes()
    about.unlink()
    if damage == "torn":
        about.write_text("{")
    elif damage == "a folder":
        about.mkdir()
    words = "results.jsonl, results.csv but no sweep.json" if damage == "missing" else "cannot be read"
    with one_line_error(words, "--overwrite", kind=CheckpointError):
        swept(tmp_path / "s", resume=True)
    assert (tmp_path / "s/results.jsonl").read_bytes() == before
    assert (tmp_path / "s/best/metrics.json").is_file()
    swept(tmp_path / "s", overwrite=True)


@pytest.mark.parametrize(
    ("start", "files"),
    [(swept, ["models/resnet.bin", "best/notes.txt", "results.csv"]),
     (lambda out, **more: run(loads(IRIS), str(out), title="run", **more),
      ["checkpoints/mine.txt", "history.jsonl"])],
    ids=["sweep", "run"],
)  # fmt: skip
def test_files_of_other_programs_are_not_gone_on_with(tmp_path, start, files):
    """Though their names are those of a run's or a sweep's files; others do not matter."""
    for file in files:
        (tmp_path / "s" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "s" / file).write_text("precious")
    with one_line_error("nothing there can be gone on with", "another --out", kind=CheckpointError):
        start(tmp_path / "s", resume=True)
    assert [(tmp_path / "s" / file).read_text() for file in files] == ["precious"] * len(files)
    (tmp_path / "t").mkdir()
    (tmp_path / "t/notes.txt").write_text("kept")
    start(tmp_path / "t", resume=True)
    assert (tmp_path / "t/notes.txt").read_text() == "kept"


def test_folds_of_the_split_and_of_the_sweep_are_the_same_or_one(tmp_path):
    """Two numbers are refused before anything is read."""
    text = IRIS.replace('scale = "standard"', 'scale = "standard"\nsplit = {folds = 4, fold = 1}')
    with one_line_error("data.split.folds: expected 0 beside sweep.folds = 3", "got 4", kind=RecipeError):
        swept(tmp_path / "s", text, folds=3)
    assert not (tmp_path / "s").exists()
    swept(tmp_path / "s", text, folds=4)


def test_a_sweep_and_a_run_do_not_share_a_directory(tmp_path):
    """Neither goes on in the other's nor replaces it; other epochs are another sweep."""
    swept(tmp_path / "s")
    run(loads(IRIS), str(tmp_path / "r"), title="run")
    for more in ({"resume": True}, {"overwrite": True}):
        with one_line_error("holds a sweep, not a single run", kind=CheckpointError):
            run(loads(IRIS), str(tmp_path / "s"), title="run", **more)
        with one_line_error("holds a single run, not a sweep", kind=CheckpointError):
            swept(tmp_path / "r", **more)
    with one_line_error("its training.epochs was another", kind=CheckpointError):
        swept(tmp_path / "s", IRIS.replace("epochs = 8", "epochs = 9"), resume=True)


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ({"training.l2": 0.1}, 'sweep.grid."training.l2": expected a list of at least one value, got 0.1'),
        ({"training.optimizer": "adam"}, "expected a list of at least one value, got 'adam'"),
        ([("training.l2", [0.1])], "grid: expected recipe keys with lists of values"),
        ({3: [1]}, "grid: expected recipe keys with lists of values"),
    ],
)
def test_a_grid_from_python_that_cannot_be_is_one_line(grid, said):
    """As on the command line."""
    with one_line_error(said, kind=RecipeError):
        nnspark.sweep(loads(IRIS), None, grid)


def test_a_grid_from_python_may_hold_numpys_values_and_tuples():
    """As a recipe may."""
    grid = {
        "training.epochs": np.array([2, 3]),
        "network.hidden": [(3,), (2, 2)],
        "training.l2": np.logspace(-1, 0, 2),
    }
    section = {"sweep": {"search": "random", "random": {"training.l2": [1.0]}}}
    recipe = {**loads(IRIS).to_dict(), **section}
    found = nnspark.sweep(recipe, None, grid, folds=np.int64(2), progress=False)
    assert len(found.ranked) == 8
    assert len(found.results) == 16


def test_halving_keeps_the_best_thirds(tmp_path):
    """9 settings, a third kept after 1 and 3 epochs: what goes on is what scored best there."""
    grid = {"training.learning_rate": [0.001 * 3**i for i in range(9)]}
    text = IRIS.replace("epochs = 8", "epochs = 9")
    results, table = swept(tmp_path / "s", text, search="halving", halving={"first": 1}, grid=grid)
    rungs = [json.loads(line) for line in (tmp_path / "s/rungs.jsonl").read_text().splitlines()]
    assert [(one["epochs"], one["of"], len(one["kept"])) for one in rungs] == [(1, 9, 3), (3, 3, 1)]
    assert sorted(one["epochs"] for one in results) == [1] * 6 + [3] * 2 + [9]
    first = {one["setting"]: one["score"] for one in results if one["epochs"] == 1}
    for one in results:
        if one["epochs"] == 1:
            overrides = [f"training.learning_rate={one['settings']['training.learning_rate']}"]
            alone = nnspark.train(loads(text.replace("epochs = 9", "epochs = 1"), overrides), progress=False)
            assert alone.weights_sha256 == one["weights_sha256"]
            assert alone.metrics["validation"]["loss"] == one["score"]
    winner = next(one for one in results if one["epochs"] == 9)
    assert int(table[0]["setting"]) == winner["setting"]
    assert rungs[1]["kept"] == [winner["setting"]]
    assert not set(first) & set(rungs[0]["kept"])
    assert "halving dropped it after epoch 1" in {one["stopped_because"] for one in results}


def test_a_setting_that_diverges_is_last(tmp_path):
    """Its line says so; where all diverge the sweep does."""
    grid = {"training.learning_rate": [1e300, 0.5]}
    results, table = swept(tmp_path / "s", grid=grid)
    assert results[0]["weights_sha256"] is None
    assert results[0]["stopped_because"].startswith("diverged: the cost is no longer finite at epoch")
    assert [row["setting"] for row in table] == ["1", "0"]
    with one_line_error("none of the 1 settings has a finite validation_loss", kind=DivergedError):
        swept(tmp_path / "t", grid={"training.learning_rate": [1e300]})


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"monitor": "validation_rmse"}, "sweep.monitor: expected one of loss, accuracy"),
        ({"grid": {"network.activation": ["tahn"]}}, "sweep: network.activation: expected one of"),
        ({"grid": {"training.optimizer": ["sgd"]}}, "sweep: training.optimizer: unknown optimizer 'sgd'"),
    ],
)
def test_bad_names_are_one_line_before_anything_is_read(tmp_path, section, said):
    """And no directory is made."""
    with one_line_error(said, kind=RecipeError):
        swept(tmp_path / "s", **section)
    assert not (tmp_path / "s").exists()


def test_the_page_shows_what_the_table_says(tmp_path):
    """Each setting, its mean, the picture, and the best one's curve."""
    _, table = swept(tmp_path / "s", IRIS.replace("false", "true"), folds=3)
    assert (tmp_path / "s/best/report.html").exists()
    page = (tmp_path / "s/report.html").read_text()
    assert "the best of 4 settings" in page
    for row in table:
        assert number(float(row["mean"])) in page
    assert page.count("<polyline") == 4
    assert "0.1" in page
    assert "<script" not in page


def test_from_python(tmp_path):
    """Arrays and a grid in; the best model, results and ranks out; nothing is left on disk."""
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    recipe = {"data": {"scale": "standard"}, "training": {"epochs": 8, "learning_rate": 0.5}}
    found = nnspark.sweep(recipe, (X, y), GRID, folds=3, progress=False)
    assert len(found.results) == 12
    assert len(found.ranked) == len(found.frame()) == 4
    assert found.best_settings == found.ranked[0]["settings"]
    assert found.best.predict(X).shape == (150,)
    assert "the best of 4 settings" in found.report().page
    with_section = {**recipe, "sweep": {"folds": 3, "grid": GRID}}
    again = nnspark.sweep(with_section, (X, y), progress=False, out=tmp_path / "kept")
    assert [one["weights_sha256"] for one in again.results] == [
        one["weights_sha256"] for one in found.results
    ]
    assert again.best.weights_sha256 == found.best.weights_sha256
    with one_line_error("sweep.grid: expected at least one recipe key", kind=RecipeError):
        nnspark.sweep(recipe, (X, y))
