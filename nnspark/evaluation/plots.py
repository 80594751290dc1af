"""What a page draws of a finished model's answers, counted exactly over the rows of one part.

Of classes and labels one job: each class's curves, how honest the probabilities are, and, of two classes,
what each threshold gives. Of targets see ``targets.py``. Rows count as rows, whatever they weigh.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.data.rows import Block
from nnspark.engines.base import Shards
from nnspark.evaluation.targets import target_plots
from nnspark.objective.class_metrics import probabilities_of
from nnspark.objective.curves import POINTS, curve_of, thin
from nnspark.objective.metric import BlockSum
from nnspark.objective.objective import Objective
from nnspark.objective.tally import Tally, areas, keys_of_scores
from nnspark.sums.exact import from_exact
from nnspark.training.decide import shift_for
from nnspark.training.looking import look

__all__ = ["Plots", "plots"]

Array = NDArray[Any]
Figures = dict[str, Any]
BINS, MOST_CURVES = 10, 10
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


class Plots(NamedTuple):
    """Ready for JSON.

    figures : tables of a few lines, which stand in metrics.json and evaluation.json too: "calibration" and
        "thresholds", or "errors".
    drawn : points and cells: "curves", or "targets".
    """

    figures: Figures
    drawn: Figures


def plots(objective: Objective, shards: Shards, theta: Array, part: str, names: Sequence[Any]) -> Plots:
    """What there is to draw of a part that has rows; ``names`` of the classes, labels or targets."""
    if objective.problem == "regression":
        return Plots(*target_plots(objective, shards, theta, part, [str(name) for name in names]))
    chosen = objective.decision.threshold
    thresholds = tuple(sorted({*THRESHOLDS, 0.5 if chosen is None else chosen}))
    classes = max(objective.network.layers[-1], 2 if objective.problem == "classification" else 1)
    binary = objective.problem == "classification" and classes == 2
    of = (1,) if binary else tuple(range(classes)) if classes <= MOST_CURVES else ()
    shift = shift_for(shards.plan, part, max(len(of), 1))
    sums = look(objective, shards, theta, part, partial(_class_sums, of, thresholds if binary else (), shift))
    figures: Figures = {"calibration": _calibration(sums, objective.problem, classes)}
    if binary:
        figures["calibration"]["class"] = names[1]
        figures["thresholds"] = _thresholds(sums["beyond"], thresholds, sums["scores[1]"])
    curves = [_curve(sums[f"scores[{k}]"], names[k], shift, POINTS // len(of)) for k in of]
    return Plots(figures, {"curves": curves})


def _class_sums(
    of: Sequence[int], thresholds: Sequence[float], shift: int,
    objective: Objective, z: Array, outputs: Array, block: Block,
) -> Mapping[str, BlockSum]:  # fmt: skip
    """Scores by class, rows beyond each threshold, and rows, hits and probabilities in each bin."""
    answers, y = objective.answers(z, outputs, fine=True), block.y
    p = probabilities_of(answers.outputs if answers.precise is None else answers.precise, y)
    sums: dict[str, BlockSum] = {}
    for k in of:
        own = y[:, k] >= 0.5 if y.ndim == 2 else y == k
        sums[f"scores[{k}]"] = Tally.of(keys_of_scores(p[:, k]), own, 2).coarse(shift)
    if y.ndim == 2:
        said, hit = p.ravel(), (y >= 0.5).ravel()
    elif p.shape[1] == 2:
        said, hit = p[:, 1], y == 1
        beyond = said[:, None] >= np.asarray(thresholds)
        sums["beyond"] = np.stack([beyond[~hit].sum(axis=0), beyond[hit].sum(axis=0)]).astype(np.int64)
    else:
        said, hit = p.max(axis=1), p.argmax(axis=1) == y
    bins = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], said)
    counts = [np.bincount(one, minlength=BINS) for one in (bins, bins[hit])]
    sums["bins"] = np.stack(counts).astype(np.int64)
    sums.update({f"said[{at}]": float(said[bins == at].sum()) for at in range(BINS)})
    return sums


def _calibration(sums: Mapping[str, Any], problem: str, classes: int) -> Figures:
    """Bins of equal width (0, 0.1], (0.1, 0.2], ...; a bin without rows is left out.

    ``error`` is the expected calibration error: the mean over rows of a bin's |mean probability - share|.
    """
    rows, hits = sums["bins"].tolist()
    of = "labels" if problem == "multilabel" else "second class" if classes == 2 else "predicted class"
    bins, gaps = [], 0.0
    for at in range(BINS):
        if rows[at]:
            total = from_exact(sums[f"said[{at}]"])
            gaps += abs(total - hits[at])
            bins.append(
                {
                    "from": at / BINS,
                    "to": (at + 1) / BINS,
                    "rows": rows[at],
                    "mean_probability": total / rows[at],
                    "share": hits[at] / rows[at],
                }
            )
    return {"of": of, "error": gaps / sum(rows), "bins": bins}


def _thresholds(beyond: Array, thresholds: Sequence[float], tally: Tally) -> list[Figures]:
    """What predicting the second class from each threshold on gives."""
    negatives, positives = (int(count) for count in tally.read()[1].sum(axis=0))
    found = []
    for threshold, false, true in zip(thresholds, *beyond.tolist(), strict=True):
        found.append(
            {
                "threshold": threshold,
                "precision": true / (true + false) if true + false else None,
                "recall": true / positives if positives else None,
                "f1": 2 * true / (true + false + positives) if true + false + positives else None,
                "true_positives": true,
                "false_positives": false,
                "false_negatives": positives - true,
                "true_negatives": negatives - false,
            }
        )
    return found


def _curve(tally: Tally, name: Any, shift: int, points: int) -> Figures:
    """One class against the rest: points of both curves, from the highest score down.

    A point is a score, and how many rows of the class (true) and of the rest (false) score as much or more;
    ``rows`` are all of the rest, and all of the class.
    """
    curve, under = curve_of(tally, shift), areas(tally)
    shown = thin(curve, max(points, POINTS // 4))
    return {
        "class": name,
        "rows": [curve.negatives, curve.positives],
        "roc_auc": None if shift or np.isnan(under.roc) else under.roc,
        "pr_auc": None if shift or np.isnan(under.pr) else under.pr,
        "scores": shown.scores.tolist(),
        "true": shown.true.tolist(),
        "false": shown.false.tolist(),
    }
