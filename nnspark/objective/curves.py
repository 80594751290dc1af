"""What each threshold gives: the ROC and precision-recall curves of a tally of scores, and the choice of one.

A curve has a point a score that occurs, from the highest down: the rows that score as much or more, of the
second class (true) and of the first (false). They are counts, hence exact and independent of the rows' order.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.objective.tally import HALF, ONE, Tally

__all__ = ["Curve", "choose_threshold", "curve_of", "scores_of_keys", "thin"]

Array = NDArray[Any]
POINTS = 256
"""A thinned curve has about so many points."""


def scores_of_keys(keys: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Scores (n,) of keys (n,), what ``keys_of_scores`` makes of them undone."""
    low = keys <= np.uint64(HALF)
    bits = np.where(low, keys, np.uint64(ONE) - keys).astype(np.uint32)
    small = bits.view(np.float32).astype(np.float64)
    return np.asarray(np.where(low, small, 1.0 - small))


class Curve(NamedTuple):
    """Points from the highest score down: all (n,).

    scores : the lowest score that counts as of the second class, and ``cuts`` a threshold halfway to the next
        score below, so that rounding moves no row across; 0 at the last.
    true, false : rows of the second and of the first class that score as much or more.
    """

    scores: NDArray[np.float64]
    cuts: NDArray[np.float64]
    true: NDArray[np.int64]
    false: NDArray[np.int64]

    @property
    def positives(self) -> int:
        """Rows of the second class."""
        return int(self.true[-1]) if len(self.true) else 0

    @property
    def negatives(self) -> int:
        """Rows of the first class."""
        return int(self.false[-1]) if len(self.false) else 0

    def take(self, index: Array) -> "Curve":
        """The points at ``index``."""
        return Curve(self.scores[index], self.cuts[index], self.true[index], self.false[index])


def curve_of(tally: Tally, shift: int = 0) -> Curve:
    """The curve of a tally of negatives and positives, whose keys lack their last ``shift`` bits."""
    keys, counts = tally.read()
    keys, counts = keys[::-1], counts[::-1]
    scores = scores_of_keys(keys)
    below = scores_of_keys(np.minimum(keys[1:] + np.uint64((1 << shift) - 1), np.uint64(ONE)))
    cuts = np.concatenate([(scores[:-1] + below) / 2, np.zeros(min(len(keys), 1))])
    false, true = np.cumsum(counts, axis=0).T if len(keys) else np.zeros((2, 0), np.int64)
    return Curve(scores, cuts, true, false)


def thin(curve: Curve, points: int = POINTS) -> Curve:
    """Some of the curve's points, those that a plot needs: evenly along the ROC curve, and the first ones.

    The precision-recall curve moves most at its first points, where few rows are counted.
    """
    size = len(curve.scores)
    if size <= points:
        return curve
    length = curve.false / max(curve.negatives, 1) + curve.true / max(curve.positives, 1)
    even = np.searchsorted(length, np.linspace(0, length[-1], points - points // 4)).clip(0, size - 1)
    first = np.geomspace(1, size, points // 4).astype(int) - 1
    return curve.take(np.union1d(np.union1d(even, first), [0, size - 1]))


def choose_threshold(curve: Curve, rule: str | Mapping[str, Any]) -> tuple[float, bool]:
    """The threshold that a rule asks for, and whether it can be had.

    Parameters
    ----------
    rule : "f1", the largest F1; {"precision": p}, the largest recall of those with at least that precision,
        or the most precise where none has; {"recall": r}, the highest threshold with at least that recall;
        {"costs": {"false_positive": a, "false_negative": b}}, the least cost, where predicting the second
        class for no row is a choice too. Of equals the highest threshold.
    """
    true, false = curve.true, curve.false
    precision = true / np.maximum(true + false, 1)
    if rule == "f1":
        return float(curve.cuts[np.argmax(2 * true / (true + false + curve.positives))]), True
    assert isinstance(rule, Mapping)
    if "precision" in rule:
        enough = precision >= rule["precision"]
        if not enough.any():
            return float(curve.cuts[np.argmax(precision)]), False
        return float(curve.cuts[np.argmax(np.where(enough, true, -1))]), True
    if "recall" in rule:
        return float(curve.cuts[np.argmax(true / max(curve.positives, 1) >= rule["recall"])]), True
    costs = rule["costs"]
    cost = costs["false_positive"] * false + costs["false_negative"] * (curve.positives - true)
    at = int(np.argmin(cost))
    if costs["false_negative"] * curve.positives <= cost[at]:
        return float((1.0 + curve.scores[0]) / 2) if curve.scores[0] < 1.0 else float(curve.cuts[0]), True
    return float(curve.cuts[at]), True
