"""From outputs to answers: probabilities made honest by two numbers, and a threshold for the second class.

    l    log-odds of one unit, of the second of two classes, or of each label; of more classes log p_k
    p'   1 / (1 + exp(-(slope l + offset)));  of more classes  p_k^slope / Σ_j p_j^slope

With slope = 1/T and no offset that is temperature scaling (Guo et al., ICML 2017), with both it is Platt's
(1999). Of more than two classes the likeliest stays the likeliest. The threshold is of p', and changes none.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.net.activations import OUTPUTS
from nnspark.objective.problems import predicted_classes, shares_of

__all__ = ["PLAIN", "Decision", "log_scores"]

Array = NDArray[Any]


def log_scores(problem: str, output: str, z: Array) -> NDArray[np.float64]:
    """What a calibration is linear in, float64, of z (n, units), which sigmoid or softmax is applied to.

    Log-odds (n, 1) of two classes, or (n, labels); of more classes log p up to a constant (n, classes).
    """
    z = z.astype(np.float64)
    if problem == "multilabel" or z.shape[1] == 1:
        return z
    logs = z if output == "softmax" else np.asarray(-np.logaddexp(0.0, -z))
    return logs[:, 1:] - logs[:, :1] if z.shape[1] == 2 else logs


@dataclass(frozen=True)
class Decision:
    """How a model's outputs become probabilities and classes.

    threshold : the second of two classes is predicted from this probability on; None: the likelier one.
    slope, offset : of the calibration; 1 and 0 leave probabilities as they are, to the last bit.
    """

    threshold: float | None = None
    slope: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.slope, self.offset, 0.5 if self.threshold is None else self.threshold)
        if not np.isfinite(numbers).all():
            raise ValueError(f"a decision needs finite numbers, got {numbers}")

    @property
    def calibrates(self) -> bool:
        """Whether probabilities are other than the network's."""
        return (self.slope, self.offset) != (1.0, 0.0)

    def calibrated(self, problem: str, output: str, z: Array) -> NDArray[np.float64]:
        """Outputs (n, units) that are the calibrated probabilities, from the output layer's z (n, units)."""
        linear = log_scores(problem, output, z) * self.slope
        if linear.shape[1] == z.shape[1] and problem == "classification" and z.shape[1] > 1:
            return np.asarray(OUTPUTS["softmax"](linear))
        linear += self.offset
        if problem == "classification" and z.shape[1] == 2:
            linear = np.hstack([-linear, linear])
        return np.asarray(OUTPUTS["sigmoid"](linear))

    def decided(self, outputs: Array) -> Array:
        """Outputs (n, units) whose likeliest class is the one to predict; the same array without a threshold.

        Of one unit 1.0 or 0.0; of two one of each.
        """
        if self.threshold is None or outputs.shape[1] > 2:
            return outputs
        second = shares_of(outputs.astype(np.float64))[:, 1:] >= self.threshold
        chosen = second if outputs.shape[1] == 1 else np.hstack([~second, second])
        return chosen.astype(np.float64)

    def classes(self, outputs: Array) -> NDArray[np.intp]:
        """Class index of each row (n,) of outputs (n, units)."""
        return predicted_classes(self.decided(outputs))


PLAIN = Decision()
"""Probabilities as the network has them, the likeliest class."""
