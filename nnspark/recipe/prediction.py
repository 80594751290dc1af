"""The section of a recipe that says how a trained network's outputs become answers."""

from dataclasses import dataclass
from typing import Any

__all__ = ["Prediction"]

Table = dict[str, Any]


@dataclass(frozen=True)
class Prediction:
    """How outputs become answers: found after training, kept in the model. The weights do not depend on it.

    threshold : two classes: the second is predicted from this probability on; a number, or found on the validation part (the training part without one): "f1", {precision = p}, {recall = r}, {costs = {false_positive = a, false_negative = b}}
    calibration : none, temperature or platt (two classes): fits the probabilities to the validation part
    """  # noqa: E501

    threshold: float | str | Table = 0.5
    calibration: str = "none"
