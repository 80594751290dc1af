"""What a finished run hands to its report: one frozen record, no Spark and no files in it."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnspark.report.earlier import Earlier

Samples: TypeAlias = tuple[NDArray[Any], Sequence[Any], Sequence[Any]]


@dataclass(frozen=True)
class RunRecord:
    """Everything the report shows. Missing parts are left out of the page; nothing here is computed again.

    Attributes
    ----------
    title : name of the run, usually the recipe's.
    recipe_text : the resolved recipe as TOML.
    history : one mapping an epoch: epoch, cost, the metrics by name and their ``validation_`` twins,
        seconds, learning_rate, grad_norm, evaluations. Absent, None and non-finite values are allowed;
        a key not named here is shown in the history table only.
    metrics : the content of metrics.json.
    confusion : (num_classes, num_classes) counts of the test part, row = true class, column = predicted.
    mistakes : where there are too many classes for that, (true, predicted, rows), commonest first.
    per_class : one mapping a class with class, precision, recall, f1, support.
    classes : class names in the order of `confusion`.
    samples : (images (k, h, w), k true labels, k predicted labels), see `samples.pick_samples`.
    warnings : sentences shown at the top of the page.
    best_epoch : the epoch whose weights were kept, where that is not simply the last.
    stopped_because : why training ended, in words.
    environment : names and versions to show beside the `spark` entry of `metrics`.
    commands : (what it does, command line) pairs; empty means those for `run_dir`.
    run_dir : the run directory as a reader of the page would type it.
    earlier : parts of an earlier page of the same run, shown where this record has nothing in their place.
    """

    title: str
    recipe_text: str
    history: Sequence[Mapping[str, Any]]
    metrics: Mapping[str, Any]
    confusion: NDArray[Any] | None = None
    mistakes: Sequence[tuple[str, str, int]] = ()
    per_class: Sequence[Mapping[str, Any]] = ()
    classes: Sequence[str] = ()
    samples: Samples | None = None
    warnings: Sequence[str] = ()
    best_epoch: int | None = None
    stopped_because: str = ""
    environment: Mapping[str, Any] = field(default_factory=dict)
    commands: Sequence[tuple[str, str]] = ()
    run_dir: str = "RUN_DIR"
    earlier: Earlier = field(default_factory=Earlier)


def describe_environment() -> dict[str, str]:
    """Return what decides a run's bits on this machine: Python, NumPy, its BLAS, the processor family."""
    build: Any = np.show_config(mode="dicts")  # type: ignore[no-untyped-call,unused-ignore]
    blas = build.get("Build Dependencies", {}).get("blas", {})
    return {
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "BLAS": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "machine": f"{platform.system()} {platform.machine()}",
    }
