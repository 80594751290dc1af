"""The page of runs that diverged, were cut short, very long, or have very many classes."""

import math
import re

import numpy as np
import pytest
from report.reading import read, words

from nnspark.report import RunRecord, write_report


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, 10**400, None, "x", True, 5e-324])
def test_any_value_in_the_history_is_survived(make_run, value):
    """A diverging run has the report it needs most."""
    history = [
        {"epoch": epoch, "cost": 1.0 / epoch, "loss": value if epoch > 3 else 1.0} for epoch in range(1, 9)
    ]
    page = write_report(make_run(history=history))
    read(page)
    noticed = "loss first stopped being a finite number in epoch 4." in page
    assert noticed == (isinstance(value, float) and not math.isfinite(value))


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "x"])
def test_any_value_in_the_metrics_is_survived(make_run, value):
    """A figure that is no number is shown as what it is."""
    part = dict.fromkeys(("num_samples", "loss", "accuracy", "r2", "rmse"), value)
    read(write_report(make_run(metrics={"test": part, "train": part, "seconds": value, "epochs": value})))


def test_a_column_of_nan_draws_no_panel(make_run):
    """Quantities that were not measured leave no empty frame and no warning."""
    history = [
        {"epoch": epoch, "loss": 1.0, "validation_loss": math.nan, "accuracy": None} for epoch in (1, 2)
    ]
    page = write_report(make_run(history=history, samples=None))
    assert re.findall(r"<figure><h3>(.*?)</h3>", page) == ["Loss"]
    assert "finite number" not in page


def test_an_empty_record_makes_a_page():
    """Nothing but a title is needed."""
    assert "No result measured after 0 epochs" in words(write_report(RunRecord("t", "", [], {})))


def test_a_hundred_thousand_epochs_make_a_small_page(make_run):
    """Curves are thinned, the table has about 20 rows."""
    history = [{"epoch": epoch, "loss": 1 / epoch, "seconds": epoch % 7} for epoch in range(1, 100_001)]
    page = write_report(make_run(history=history, samples=None))
    assert len(page) < 120_000
    assert "22 of 100,000 epochs" in page or "21 of 100,000 epochs" in page


def test_many_classes_stay_readable(make_run):
    """Beyond 30 classes the map has no numbers and the table names the weakest."""
    names = [f"class {index}" for index in range(200)]
    counts = np.full((200, 200), 1) + 50 * np.eye(200, dtype=int)
    weak = [
        {"class": name, "precision": 1, "recall": 1, "f1": at / 200, "support": 9}
        for at, name in enumerate(names)
    ]
    page = write_report(make_run(classes=names, confusion=counts, per_class=weak[::-1]))
    assert page.count("<rect class=") <= 5_000
    assert "The 30 weakest by F1, of 200 classes." in page
    assert '<th scope="row">class 29</th>' in page
    assert '<th scope="row">class 30</th>' not in page
