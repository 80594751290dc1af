"""The end of a run says what counts: the figures of a rare class, overfitting, why it stopped."""

import json

import numpy as np
import pytest
from helpers import make_recipe
from report.reading import words
from sklearn import metrics as sk

from nnspark.model import Model
from nnspark.report.text import number, percent
from nnspark.runs.run import run
from nnspark.runs.summary import overfitting, risen


def finished(folder, capsys, X, y, *overrides):
    """The metrics of a run on these rows, its page, and what was printed."""
    np.savez(folder / "d.npz", X=X, y=y)
    recipe = make_recipe(f"data.path={folder / 'd.npz'}", "data.scale=standard", *overrides, source="npz")
    run(recipe, str(folder / "run"), title="bank")
    metrics = json.loads((folder / "run/metrics.json").read_text())
    return metrics, (folder / "run/report.html").read_text(), capsys.readouterr().err


def test_a_rare_class_is_not_judged_by_accuracy(tmp_path, capsys):
    """95 to 5: the first card and the last line are balanced accuracy and the baseline's, as metrics.json."""
    rng = np.random.default_rng(0)
    y = (rng.random(900) < 0.05).astype(int)
    X = rng.normal(size=(900, 2)) + 2.5 * y[:, None]
    metrics, page, printed = finished(
        tmp_path, capsys, X, y, "training.optimizer=lbfgs", "training.epochs=15", "network.hidden=[3]"
    )
    test = metrics["test"]
    assert test["baseline"]["accuracy"] > 0.75
    lead = words(page[page.index('class="card lead"') :].split("</div>")[0])
    assert f"test balanced accuracy {percent(test['balanced_accuracy'])}" in lead
    assert "baseline 50.0 %" in lead
    assert f"PR-AUC {number(test['pr_auc'])}" in lead
    shown = words(page)
    for name in ("log_loss", "roc_auc", "brier", "mcc"):
        assert number(test[name]) in shown
        assert number(test["baseline"][name]) in shown
    assert "baseline (test)" in shown
    last = printed.strip().splitlines()[-1]
    said = [f"{name} {test[name]:.4f} (baseline {test['baseline'][name]:.4f})" for name in
            ("balanced_accuracy", "pr_auc")]  # fmt: skip
    assert last.endswith(f"test part: {', '.join(said)}")


def test_a_common_class_is(tmp_path, capsys):
    """Of even classes the accuracy, with the baseline's."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 300)
    metrics, _, printed = finished(
        tmp_path, capsys, rng.normal(size=(300, 2)) + y[:, None], y, "training.epochs=5"
    )
    test = metrics["test"]
    said = f"test part: accuracy {test['accuracy']:.4f} (baseline {test['baseline']['accuracy']:.4f})"
    assert said in printed.strip().splitlines()[-1]


@pytest.fixture
def noise():
    """Rows with nothing to learn: what fits them does not validate."""
    rng = np.random.default_rng(2)
    return rng.normal(size=(120, 5)), rng.integers(0, 2, 120)


LEARN = ("training.optimizer=adam", "training.learning_rate=0.05", "training.epochs=80", "training.l2=0.0")


def test_overfitting_is_said_on_the_console_and_the_page(tmp_path, capsys, noise):
    """At which epoch the validation loss was best, and the key that keeps those weights."""
    metrics, page, printed = finished(tmp_path, capsys, *noise, *LEARN)
    history = [json.loads(line) for line in (tmp_path / "run/history.jsonl").read_text().splitlines()]
    best = min(history, key=lambda row: row["validation_loss"])
    said = f"the validation loss was best at epoch {best['epoch']} ({best['validation_loss']:.4f})"
    assert said in printed
    assert said in words(page)
    assert "stopping.patience = 10 keeps the best weights" in printed.splitlines()[-2]
    assert metrics["best_epoch"] is None


def test_an_early_stop_says_why_and_whose_weights_are_kept(tmp_path, capsys, noise):
    """And is no overfitting any more."""
    metrics, page, printed = finished(tmp_path, capsys, *noise, *LEARN, "stopping.patience=10")
    stopped = f"stopped after epoch {metrics['epochs']}: validation_loss did not improve for 11 epochs"
    assert f"{stopped}; the weights are those of epoch {metrics['best_epoch']}" in printed
    assert "keeps the best weights" not in printed + page


def test_an_area_may_be_monitored(tmp_path, capsys, noise):
    """Each epoch has it then, exactly as scikit-learn; the best one's weights are the result's."""
    X, y = noise
    metrics, _, _ = finished(
        tmp_path, capsys, X, y, *LEARN, "stopping.monitor=validation_roc_auc", "stopping.patience=3"
    )
    history = [json.loads(line) for line in (tmp_path / "run/history.jsonl").read_text().splitlines()]
    best = max(row["validation_roc_auc"] for row in history)
    assert metrics["validation"]["roc_auc"] == best
    assert all("validation_pr_auc" not in row for row in history)
    model = Model.from_bytes((tmp_path / "run/model.safetensors").read_bytes())
    assert 0.5 < sk.roc_auc_score(y, model.predict_proba(X)[:, 1]) <= 1


@pytest.mark.parametrize(
    ("losses", "patience", "said"),
    [
        ([0.9, 0.5, *np.linspace(0.5, 0.8, 20)], 0, True),
        ([0.9, 0.5, *np.linspace(0.5, 0.8, 20)], 5, False),
        ([0.9, 0.5, *np.linspace(0.5, 0.504, 20)], 0, False),
        ([0.9, 0.5, 0.8, 0.9], 0, False),
        (np.linspace(0.9, 0.1, 40), 0, False),
        ([None] * 30, 0, False),
    ],
)
def test_only_a_clear_and_long_rise_is_overfitting(losses, patience, said):
    """A fifth of the epochs, 10 at least, and by more than 2 %."""
    history = [{"epoch": epoch, "validation_loss": loss} for epoch, loss in enumerate(losses, 1)]
    assert bool(overfitting(make_recipe(f"stopping.patience={patience}"), history)) == said


@pytest.mark.parametrize(
    ("rate", "scale", "told"),
    [(60.0, "none", True), (60.0, "standard", True), (0.5, "none", False)],
)
def test_a_loss_that_rose_is_warned_of_on_console_and_page(tmp_path, capsys, noise, rate, scale, told):
    """With both figures and what to do; the run ends well. Without progress too."""
    X, y = noise
    options = [f"training.learning_rate={rate}", "training.epochs=12", "network.activation=relu"]
    _, page, printed = finished(tmp_path, capsys, 3 * X, y, *options, f"data.scale={scale}")
    history = [json.loads(line) for line in (tmp_path / "run/history.jsonl").read_text().splitlines()]
    first, last = history[0]["loss"], history[-1]["loss"]
    said = f"the training loss rose from {number(first)} (epoch 1) to "
    assert (said in printed, said in words(page)) == (told, told)
    assert (last > 1.5 * first) == told
    if told:
        (line,) = [line for line in printed.splitlines() if said in line]
        assert line.startswith("warning: ")
        assert f"lower training.learning_rate = {rate:g}" in line
        assert ("data.scale" in line) == (scale == "none")
        assert "keeps the best weights" not in printed


@pytest.mark.parametrize(
    ("losses", "last", "said"),
    [
        ([0.7, 0.9, 1.5], 1.5, True),
        ([0.7, 0.9, 1.5], 0.7, False),  # patience has kept the first epoch's weights
        ([0.7, 9.0, 0.6], 0.6, False),
        ([0.7, 0.7, 0.7], 0.71, False),
        ([0.7], 1.5, False),
        ([None, None], 1.5, False),
    ],
)
def test_only_an_end_above_the_first_epoch_is_a_rise(losses, last, said):
    """By more than 2 %, of the weights that are kept."""
    history = [{"epoch": epoch, "loss": loss} for epoch, loss in enumerate(losses, 1)]
    assert bool(risen(make_recipe(), {"train": {"loss": last}}, history, None)) == said


def test_the_threshold_that_was_found_is_said(tmp_path, capsys, noise):
    """With the part it was found on; metrics.json and the model have it."""
    X, y = noise
    metrics, page, printed = finished(
        tmp_path, capsys, X + y[:, None], y, "training.epochs=5", "prediction.threshold=f1"
    )
    threshold = metrics["prediction"]["threshold"]
    assert metrics["prediction"]["found_on"] == "validation"
    assert f"the second class is predicted from {threshold:.6g} on, found on the validation part" in printed
    assert f"predicted from {number(threshold)} on" in words(page)
    model = Model.from_bytes((tmp_path / "run/model.safetensors").read_bytes())
    assert model.decision.threshold == threshold


@pytest.mark.parametrize(("calibration", "told"), [("none", True), ("platt", False)])
def test_class_weights_are_told_to_move_probabilities(tmp_path, capsys, noise, calibration, told):
    """Unless they are made shares again."""
    options = ["training.class_weight=balanced", f"prediction.calibration={calibration}", "training.epochs=2"]
    _, page, printed = finished(tmp_path, capsys, *noise, *options)
    said = "training.class_weight moves the probabilities"
    assert (said in printed, said in page) == (told, told)


def test_a_precision_out_of_reach_is_told_on_console_and_page(tmp_path, capsys, noise):
    """And the run ends well."""
    options = ["training.epochs=2", "prediction.threshold={precision = 1.0}"]
    options.append("data.split={train = 0.5, validation = 0.5, test = 0.0}")
    _, page, printed = finished(tmp_path, capsys, *noise, *options)
    assert ("no threshold has a precision of 1" in printed) == ("no threshold has a precision of 1" in page)
    assert "predicted from" in printed
