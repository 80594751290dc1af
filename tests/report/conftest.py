"""A small finished run to report on."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nnspark.report import RunRecord

RUN = RunRecord(
    title="digits",
    recipe_text='[data]\nsource = "digits"\n# a remark\n',
    history=[
        {
            "epoch": epoch, "cost": math.exp(-epoch / 9) + 0.01, "loss": math.exp(-epoch / 9),
            "accuracy": 1 - 0.5 / epoch, "validation_loss": math.exp(-epoch / 12),
            "validation_accuracy": 1 - 0.6 / epoch, "seconds": 0.03, "learning_rate": 0.95**epoch,
            "grad_norm": 1 / epoch, "evaluations": epoch,
        }
        for epoch in range(1, 41)
    ],
    metrics={
        "train": {"num_samples": 1437, "loss": 0.0123, "accuracy": 1430 / 1437},
        "validation": {"num_samples": 180, "loss": 0.0567, "accuracy": 174 / 180},
        "test": {"num_samples": 180, "loss": 0.0789, "accuracy": 175 / 180},
        "epochs": 400, "evaluations": 401, "seconds": 14.31, "weights_sha256": "0f" * 32,
        "spark": {"version": "4.3.0", "partitions": 3, "platforms": ["NumPy 2", "NumPy 3"]},
    },
    confusion=np.array([[88, 2], [3, 87]]),
    per_class=[
        {"class": "no", "precision": 88 / 91, "recall": 88 / 90, "f1": 0.9724, "support": 90},
        {"class": "yes", "precision": 87 / 89, "recall": 87 / 90, "f1": 0.9721, "support": 90},
    ],
    classes=["no", "yes"],
    samples=(np.arange(32.0).reshape(2, 4, 4), ["no", "yes"], ["no", "no"]),
    best_epoch=31,
    stopped_because="no better validation loss for 9 epochs",
)  # fmt: skip


@pytest.fixture
def make_run() -> Callable[..., RunRecord]:
    """Return a function that makes the run above with some of its fields replaced."""

    def make(**changes: Any) -> RunRecord:
        return replace(RUN, **changes)

    return make
