"""Figures of classes and labels: of outputs (n, units) and y, class indices (n,) or labels (n, labels).

Probabilities are outputs scaled to add up to 1, as ``predict_proba`` has them; a single unit's or two units'
second class is the positive one. Means are weighted by the rows' weights. Figures made of counts (balanced
accuracy, F1, Matthews) and of ranks (the areas) are of rows, whatever they weigh. All are scikit-learn's by
its names; a class that a part lacks is left out of a mean over classes.

    log_loss   mean -ln p_true, p clipped to [2.2e-16, 1 - 2.2e-16]
    brier      mean (p - y)² of the positive class; of more than two classes, summed over them
    roc_auc    share of pairs in order, each class against the rest, mean
    pr_auc     average precision, likewise
    mcc        Gorodkin 2004, eq. 8
    top_k      share of rows whose class is among the k likeliest

(Above 200 lines: what is summed for a figure stands beside its value.)
"""

import math
from collections.abc import Callable

import numpy as np

from nnspark.objective.metric import Array, BlockSum, Metric, RowSum, Sums, Table, mean
from nnspark.objective.problems import places_of, predicted_classes, shares_of
from nnspark.objective.tally import Areas, Tally, areas, keys_of_scores

__all__ = ["CLASS_METRICS", "RANKED_CLASSES", "probabilities_of"]

RANKED_CLASSES = 100
"""Of more classes, or labels, there are no areas under curves."""
TOP, TOP_OF_FEW, FEW_CLASSES = 5, 2, 10


def _labels_right(outputs: Array, y: Array) -> Array:
    """Whether each output and its label (n, labels) are on the same side of one half."""
    return np.asarray((outputs >= 0.5) == (y >= 0.5))


def _is_right(outputs: Array, y: Array) -> Array:
    """Whether a row's class, or its every label, is right."""
    return np.asarray(
        predicted_classes(outputs) == y if y.ndim == 1 else _labels_right(outputs, y).all(axis=1)
    )


def _share_of_labels_right(outputs: Array, y: Array) -> Array:
    return np.asarray(_labels_right(outputs, y).mean(axis=1))


def _error_of_true_class(outputs: Array, y: Array) -> Array:
    """|a_true - 1|, a_true the output of the row's own class."""
    if outputs.shape[1] == 1:
        a_true = np.where(y == 1, outputs[:, 0], 1.0 - outputs[:, 0])
    else:
        a_true = np.take(outputs, places_of(y, outputs.shape[1]))
    return np.asarray(np.abs(a_true.astype(np.float64) - 1.0))


def probabilities_of(outputs: Array, y: Array) -> Array:
    """Of each class (n, classes), or of each label; float64, from 0 to 1 whatever the output function."""
    p = outputs.astype(np.float64)
    return np.clip(p if y.ndim == 2 else shares_of(p), 0.0, 1.0)


def _negative_log(outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    p, eps = probabilities_of(outputs, y), float(np.finfo(np.float64).eps)
    if y.ndim == 1:
        losses = -np.log(np.clip(p[np.arange(len(y)), y], eps, 1.0 - eps))
    else:
        losses = -np.log(np.clip(np.where(y >= 0.5, p, 1.0 - p), eps, 1.0 - eps)).mean(axis=1)
    return {"negative_log": float(np.dot(losses, w))}


def _squared_distance(outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    p = probabilities_of(outputs, y)
    if y.ndim == 2:
        squares = np.square(p - y).mean(axis=1)
    elif p.shape[1] == 2:
        squares = np.square(p[:, 1] - y)
    else:
        squares = np.square(p).sum(axis=1) - 2 * p[np.arange(len(y)), y] + 1.0
    return {"squared_distance": float(np.dot(squares, w))}


def _margins(outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    """How many rows of each class are predicted so, how many there are, how many are predicted: (3, classes).

    Of labels, the rows that have each of them, under a name of their own.
    """
    if y.ndim == 2:
        true, guess = y >= 0.5, outputs >= 0.5
        counts = [one.sum(axis=0, dtype=np.int64) for one in (true & guess, true, guess)]
        return {"label_margins": np.stack(counts)}
    size, classes = max(outputs.shape[1], 2), predicted_classes(outputs)
    counts = [np.bincount(one, minlength=size) for one in (y[y == classes], y, classes)]
    return {"margins": np.stack(counts)}


def _among_the_likeliest(outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    """Rows with fewer than k classes before the true one; of equal outputs the later class is before."""
    own = outputs[np.arange(len(y)), y][:, None] if outputs.shape[1] > 1 else outputs
    later = np.arange(outputs.shape[1]) > y[:, None]
    before = ((outputs > own) | ((outputs == own) & later)).sum(axis=1)
    return {"among_the_likeliest": float(np.dot(before < top_of(outputs.shape[1]), w))}


def top_of(classes: int) -> int:
    """The k of ``top_k``: 5, or 2 of at most 10 classes."""
    return TOP if classes > FEW_CLASSES else TOP_OF_FEW


def _scores(outputs: Array, y: Array, w: Array) -> dict[str, BlockSum]:
    """Scores of each class, or label, by whether the row is of it; of two classes those of the second."""
    p = probabilities_of(outputs, y)
    classes = p.shape[1]
    if classes > RANKED_CLASSES:
        return {}
    of = [1] if y.ndim == 1 and classes == 2 else range(classes)
    found = {k: (y[:, k] >= 0.5 if y.ndim == 2 else y == k) for k in of}
    return {f"scores[{k}]": Tally.of(keys_of_scores(p[:, k]), true, 2) for k, true in found.items()}


def _ratio(above: Table, below: Table) -> Array:
    return np.asarray(np.divide(above, below, out=np.zeros(len(above)), where=below > 0))


def _balanced_accuracy(sums: Sums) -> float:
    right, true, _ = sums["margins"]
    return float(_ratio(right, true)[true > 0].mean())


def _f1(margins: Table) -> tuple[Array, Array, Array]:
    """F1 and rows of each class, and whether it occurs, truly or predicted."""
    right, true, predicted = margins
    return _ratio(2 * right, true + predicted), true, true + predicted > 0


def _f1_macro(sums: Sums) -> float:
    """Of labels, all count; of classes, those that occur."""
    f1, _, occurs = _f1(sums["margins"] if "margins" in sums else sums["label_margins"])
    return float(f1.mean() if "margins" not in sums else f1[occurs].mean())


def _f1_weighted(sums: Sums) -> float:
    f1, true, _ = _f1(sums["margins"] if "margins" in sums else sums["label_margins"])
    return float(np.dot(f1, true) / true.sum()) if true.sum() else math.nan


def _mcc(sums: Sums) -> float:
    """Matthews' correlation; 0 where only one class is true, or predicted."""
    right, true, predicted = ([int(count) for count in row] for row in sums["margins"])
    rows = sum(true)
    both = sum(right) * rows - sum(t * p for t, p in zip(true, predicted, strict=True))
    spreads = (rows**2 - sum(p * p for p in predicted)) * (rows**2 - sum(t * t for t in true))
    return both / math.sqrt(spreads) if spreads else 0.0


def _top_k(sums: Sums) -> float:
    if len(sums["margins"][0]) < 3:
        return math.nan
    return float(sums["among_the_likeliest"] / sums["weight"])


def _areas(sums: Sums) -> list[Areas]:
    found = [sums[name] for name in sums if name.startswith("scores[")]
    return [one if isinstance(one, Areas) else areas(one) for one in found]


def _roc_auc(sums: Sums) -> float:
    return _mean_of([one.roc for one in _areas(sums)])


def _pr_auc(sums: Sums) -> float:
    return _mean_of([one.pr for one in _areas(sums)])


def _mean_of(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _of_counts(label: str, problems: tuple[str, ...], value: Callable[[Sums], float]) -> Metric:
    """A share that follows from the counts of each class."""
    return Metric(
        label, problems, (_margins,), value,
        format="share", higher_is_better=True, every_epoch=False, decides=True,
    )  # fmt: skip


CLASSES, LABELS = ("classification",), ("multilabel",)
BOTH = CLASSES + LABELS
CLASS_METRICS: dict[str, Metric] = {
    "accuracy": Metric(
        "accuracy", BOTH, (RowSum("rows_right", _is_right),), mean("rows_right"),
        format="share", higher_is_better=True, headline=True, decides=True,
    ),
    "mean_error": Metric(
        "mean error", CLASSES, (RowSum("error_of_true_class", _error_of_true_class),),
        mean("error_of_true_class"),
    ),
    "label_accuracy": Metric(
        "label accuracy", LABELS, (RowSum("labels_right", _share_of_labels_right),), mean("labels_right"),
        format="share", higher_is_better=True,
    ),
    "log_loss": Metric(
        "log loss", BOTH, (_negative_log,), mean("negative_log"), every_epoch=False, precise=True
    ),
    "brier": Metric(
        "Brier score", BOTH, (_squared_distance,), mean("squared_distance"), every_epoch=False, precise=True
    ),
    "roc_auc": Metric(
        "ROC-AUC", BOTH, (_scores,), _roc_auc,
        higher_is_better=True, every_epoch=False, ranked=True, precise=True,
    ),
    "pr_auc": Metric(
        "PR-AUC", BOTH, (_scores,), _pr_auc,
        higher_is_better=True, every_epoch=False, ranked=True, precise=True,
    ),
    "balanced_accuracy": _of_counts("balanced accuracy", CLASSES, _balanced_accuracy),
    "f1_macro": _of_counts("macro F1", BOTH, _f1_macro),
    "f1_weighted": _of_counts("weighted F1", BOTH, _f1_weighted),
    "mcc": _of_counts("Matthews correlation", CLASSES, _mcc)._replace(format="number"),
    "top_k": _of_counts("top-k accuracy", CLASSES, _top_k)._replace(
        sums=(_margins, _among_the_likeliest), decides=False
    ),
}  # fmt: skip
