"""How a figure is called and shown, by its key: a metric as the registry says, the rest by a few rules."""

import math
from collections.abc import Mapping
from typing import Any

from nnspark.objective.metrics import METRICS, by_worth
from nnspark.report.text import as_float, duration, number, percent

__all__ = ["FORMATS", "baseline_of", "label_of", "scores", "show"]

FORMATS = {"share": percent, "number": number}
LABELS = {"num_samples": "rows", "f1": "F1", "grad_norm": "gradient norm", "seconds": "time"}
SHARES = ("precision", "recall", "f1")


def label_of(key: str) -> str:
    """Return what people call the figure: "R²", "validation R²", "learning rate"."""
    plain = key.removeprefix("validation_")
    if plain in METRICS:
        return key[: len(key) - len(plain)].replace("_", " ") + METRICS[plain].label
    return LABELS.get(key, key.replace("_", " "))


def show(key: str, value: Any) -> str:
    """Return a metric or history value in the way its name asks for."""
    if value is None or not math.isfinite(as_float(value)):
        return number(value)
    plain = key.removeprefix("validation_")
    if plain in METRICS:
        return FORMATS[METRICS[plain].format](value)
    if plain in SHARES:
        return percent(value)
    return duration(value) if plain == "seconds" else number(value)


def baseline_of(key: str, figures: Mapping[str, Any]) -> str:
    """Return " (baseline 97.0 %)", what the part's best constant answer scores; "" if unknown."""
    value = (figures.get("baseline") or {}).get(key)
    return "" if value is None else f" (baseline {show(key, value)})"


def scores(figures: Mapping[str, Any]) -> list[str]:
    """Return the metrics there are beside the loss, those worth most first."""
    return [name for name in by_worth(figures) if name != "loss" and figures.get(name) is not None]
