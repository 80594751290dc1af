"""Figures of a regression: errors of outputs and targets (n, outputs), both in the target's own units.

With e = output - target, several outputs counting alike::

    rmse   sqrt(mean e²), the mean over rows and outputs    mae   mean |e|
    mape   mean |e| / max(|target|, 2.2e-16)
    r2     1 - Σ e² / Σ (target - mean)²      explained_variance   1 - Var(e) / Var(target)
    median_absolute_error   the median of |e|, exactly, over the rows, whatever their weights
"""

import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from nnspark.objective.metric import Array, BlockSum, Metric, Sums, each
from nnspark.objective.tally import Tally, keys_of_magnitudes, median
from nnspark.sums.exact import UNIT, from_exact

__all__ = ["TARGET_METRICS"]

NOTHING = 1e-12  # of a variance explained
SMALLEST = float(np.finfo(np.float64).eps)  # as scikit-learn's mean_absolute_percentage_error


def _per_output(name: str, columns: Iterable[Array], w: Array) -> dict[str, BlockSum]:
    """A sum for each output, from its column of n values."""
    return {f"{name}[{k}]": float(np.dot(column, w)) for k, column in enumerate(columns)}


def _errors(outputs: Array, y: Array) -> Array:
    """Errors, a row an output."""
    return np.asarray((outputs - y.astype(np.float64)).T)


def _absolute_errors(outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    return _per_output("absolute_error", (np.abs(column) for column in _errors(outputs, y)), w)


def _squared_errors(outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    return _per_output("squared_error", (np.square(column) for column in _errors(outputs, y)), w)


def _signed_errors(outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    return _per_output("error", _errors(outputs, y), w)


def _relative_errors(outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    sizes = np.maximum(np.abs(y.astype(np.float64).T), SMALLEST)
    return _per_output("relative_error", np.abs(_errors(outputs, y)) / sizes, w)


def _error_tallies(outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    return {
        f"errors[{k}]": Tally.of(keys_of_magnitudes(column)) for k, column in enumerate(_errors(outputs, y))
    }


def _target_moments(outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    """Σ w t and Σ w t², as exact sums.

    Taken about the block's first target c, where nothing cancels, and put together exactly: with d = t - c,
    Σ w t² = Σ w d² + 2 c Σ w d + c² Σ w. So a spread of 1 about a mean of 1e6 keeps all its digits. Infinite
    where a square is: then nothing of these rows is finite, and the evaluation says so.
    """
    sums: dict[str, BlockSum] = {}
    for k, target in enumerate(y.astype(np.float64).T):
        apart = target - target[0]
        taken = [float(w.sum()), float(target[0]), *(float(np.dot(p, w)) for p in (apart, np.square(apart)))]
        if not np.isfinite(taken).all():
            sums[f"target[{k}]"] = math.inf
            continue
        weight, c, first, second = map(Fraction, taken)
        sums[f"target[{k}]"] = round((first + c * weight) * UNIT)
        sums[f"target_squared[{k}]"] = round((second + 2 * c * first + c * c * weight) * UNIT)
    return sums


def _rmse(sums: Sums) -> float:
    """The root of the mean squared error over rows and outputs, in the target's own units.

    Of several outputs scikit-learn's ``root_mean_squared_error`` is the mean of each one's root instead.
    """
    squared = each(sums, "squared_error")
    return math.sqrt(sum(squared) / Fraction(sums["weight"], UNIT) / len(squared))


def _mae(sums: Sums) -> float:
    """The mean absolute error of all outputs, in the target's own units."""
    names = [name for name in sums if name.startswith("absolute_error[")]
    return sum(from_exact(sums[name]) for name in names) / from_exact(sums["weight"]) / len(names)


def _mape(sums: Sums) -> float:
    """The mean of |error| / |target|, 0.1 for 10 %; very large where a target is 0."""
    shares = each(sums, "relative_error")
    return _as_float(sum(shares, Fraction(0)) / Fraction(sums["weight"], UNIT) / len(shares))


def _r2(sums: Sums) -> float:
    """The mean R² of the outputs."""
    squared = each(sums, "squared_error")
    return _explained(sums, squared)


def _explained_variance(sums: Sums) -> float:
    """As R², but for what all errors have in common."""
    weight = Fraction(sums["weight"], UNIT)
    pairs = zip(each(sums, "squared_error"), each(sums, "error"), strict=True)
    return _explained(sums, [squared - error**2 / weight for squared, error in pairs])


def _explained(sums: Sums, unexplained: Iterable[Fraction]) -> float:
    """The outputs' mean of 1 - unexplained / squared deviation from the mean.

    Not a number where the target is constant.
    """
    weight, shares = Fraction(sums["weight"], UNIT), []
    for rest, target, total in zip(
        unexplained, each(sums, "target"), each(sums, "target_squared"), strict=True
    ):
        spread = total - target**2 / weight
        share = 1.0 - _as_float(rest / spread) if spread > 0 else math.nan
        shares.append(0.0 if abs(share) < NOTHING else share)  # of a mean 1e-16 is left by rounding
    return sum(shares) / len(shares)


def _median_absolute_error(sums: Sums) -> float:
    """The outputs' mean of the median |error|, in the target's own units."""
    found = [sums[name] for name in sums if name.startswith("errors[")]
    medians = [median(one) if isinstance(one, Tally) else one for one in found]
    return sum(medians) / len(medians) if medians else math.nan


def _as_float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


REGRESSION = ("regression",)
TARGET_METRICS: dict[str, Metric] = {
    "rmse": Metric("RMSE", REGRESSION, (_squared_errors,), _rmse, unit="target"),
    "mae": Metric("MAE", REGRESSION, (_absolute_errors,), _mae, unit="target"),
    "mape": Metric("MAPE", REGRESSION, (_relative_errors,), _mape, format="share", every_epoch=False),
    "median_absolute_error": Metric(
        "median absolute error", REGRESSION, (_error_tallies,), _median_absolute_error,
        unit="target", every_epoch=False, ranked=True,
    ),
    "explained_variance": Metric(
        "explained variance", REGRESSION, (_squared_errors, _signed_errors, _target_moments),
        _explained_variance, higher_is_better=True, every_epoch=False,
    ),
    "r2": Metric(
        "R²", REGRESSION, (_squared_errors, _target_moments), _r2, higher_is_better=True, headline=True
    ),
}  # fmt: skip
