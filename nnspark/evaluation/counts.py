"""Which class is taken for which, counted over the shards, and the figures that follow.

Counts are summed over the shards like gradients, as integers, so they do not depend on the cluster.
A confusion matrix has a row a true class and a column a predicted one; a multilabel model has one
2 × 2 matrix a label. Above ``MATRIX_CLASSES`` classes there is no matrix: the figures of each class need
only how often it is true, predicted and both, and mistakes are counted, in a second job, of the
``WEAK_CLASSES`` classes that are mistaken most often. With c classes a task's counts take at most
8 * MATRIX_CLASSES², or 24 c, or 8 c * WEAK_CLASSES bytes.

(Above 200 lines: the matrix and the two forms that replace it answer the same questions.)
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.rows import Block, BlockSet, most_rows
from nnspark.engines.base import Shards
from nnspark.net import weights as weights_module
from nnspark.net.network import forward
from nnspark.net.workspaces import workspace
from nnspark.objective.objective import Objective
from nnspark.objective.problems import predicted_classes

__all__ = [
    "Counts",
    "Mistakes",
    "averages",
    "class_figures",
    "count",
    "margins_of",
    "mistakes_of",
    "per_class",
]

Array = NDArray[Any]
Figures = dict[str, Any]
Mistakes = list[tuple[int, int, int]]
Counted = Callable[[Array, Block], "Counts"]

MATRIX_CLASSES, WEAK_CLASSES, MISTAKES = 512, 100, 1_000


@dataclass
class Counts:
    """The accumulator: confusion counts.

    ``confusion`` (classes, classes), or (labels, 2, 2), or (some true classes, classes); ``margins`` (3,
    classes) how often each class is both, true, predicted.
    """

    confusion: NDArray[np.int64] | None = None
    margins: NDArray[np.int64] | None = None

    def merge(self, other: "Counts") -> "Counts":
        """Add other rows' counts to these; returns self."""
        self.confusion = _added(self.confusion, other.confusion)
        self.margins = _added(self.margins, other.margins)
        return self


def count(objective: Objective, shards: Shards, theta: Array, part: str) -> Counts:
    """Counts of one part at theta: one job; none where there are no classes or labels."""
    counted = COUNTED.get(objective.problem)
    if counted is None:
        return Counts()
    return shards.run(partial(_count_blocks, objective, part, counted), theta, Counts)


def mistakes_of(counts: Counts, objective: Objective, shards: Shards, theta: Array, part: str) -> Mistakes:
    """Where there is no matrix, the commonest mistakes of the weakest classes, commonest first: one job.

    Each is (true class, predicted class, rows).
    """
    if counts.margins is None:
        return []
    right, true, _ = counts.margins
    weak = np.argsort(right - true, kind="stable")[:WEAK_CLASSES]
    counted = partial(_count_true_classes, weak)
    table = shards.run(partial(_count_blocks, objective, part, counted), theta, Counts).confusion
    if table is None:
        return []
    table[np.arange(len(weak)), weak] = 0
    cells = np.argsort(-table, axis=None, kind="stable")[:MISTAKES]
    found = zip(weak[cells // table.shape[1]], cells % table.shape[1], table.flat[cells], strict=True)
    return [(int(true), int(guess), int(rows)) for true, guess, rows in found if rows]


def per_class(confusion: NDArray[np.int64], classes: Sequence[Any]) -> list[Figures]:
    """Precision, recall, F1 and support of each class; 0 where there is nothing to divide by."""
    return class_figures(margins_of(confusion), classes)


def margins_of(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each class is true and predicted, true, and predicted: (3, classes)."""
    return np.stack([np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)])


def class_figures(margins: NDArray[np.int64], classes: Sequence[Any]) -> list[Figures]:
    """The same from how often each class is true and predicted, true, and predicted."""
    right, support, predicted = margins
    precision, recall = _ratio(right, predicted), _ratio(right, support)
    f1 = _ratio(2 * right, support + predicted)
    return [
        {
            "class": label,
            "precision": float(precision[c]),
            "recall": float(recall[c]),
            "f1": float(f1[c]),
            "support": int(support[c]),
        }
        for c, label in enumerate(classes)
    ]


def averages(figures: Sequence[Figures], occurs: Sequence[bool] | None = None) -> dict[str, Figures]:
    """Precision, recall and F1 averaged over the classes: each counting alike (macro), or by support.

    ``occurs`` says which classes are true or predicted anywhere; the others are left out, as in
    scikit-learn.
    """
    figures = [row for at, row in enumerate(figures) if occurs is None or occurs[at]]
    supports = [row["support"] for row in figures]
    total = sum(supports)
    return {
        "macro": {
            name: sum(row[name] for row in figures) / len(figures) for name in ("precision", "recall", "f1")
        },
        "weighted": {
            name: sum(row[name] * row["support"] for row in figures) / total if total else 0.0
            for name in ("precision", "recall", "f1")
        },
    }


def _count_blocks(
    objective: Objective,
    part: str,
    counted: Counted,
    sets: Iterable[BlockSet],
    theta: Array,
) -> Counts:
    """Worker function: the counts of one partition's blocks."""
    weights = weights_module.unflatten(theta, objective.network.layers)
    work = workspace(objective.network, objective.dtype, most_rows(sets))
    total = Counts()
    for blocks in sets:
        for block in blocks.blocks([part]):
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):
                _, z, outputs = forward(objective.network, weights, [block.X], work)
                fine = objective.decision.threshold is not None
                decided = objective.answers(z, outputs, fine=fine).decided
            total.merge(counted(decided, block))
    return total


def _count_classes(outputs: Array, block: Block) -> Counts:
    size, guess = max(outputs.shape[1], 2), predicted_classes(outputs)
    if size > MATRIX_CLASSES:
        of = (block.y[block.y == guess], block.y, guess)
        return Counts(margins=np.stack([np.bincount(classes, minlength=size) for classes in of]))
    return Counts(_table(block.y, guess, (size, size)))


def _count_true_classes(wanted: Array, outputs: Array, block: Block) -> Counts:
    """What the rows of some true classes are taken for, shape (wanted, classes)."""
    place = np.full(outputs.shape[1], -1)
    place[wanted] = np.arange(len(wanted))
    at = place[block.y]
    guess = predicted_classes(outputs)
    return Counts(_table(at[at >= 0], guess[at >= 0], (len(wanted), outputs.shape[1])))


def _table(rows: Array, columns: Array, shape: tuple[int, int]) -> NDArray[np.int64]:
    cells = rows.astype(np.int64) * shape[1] + columns
    return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)


def _count_labels(outputs: Array, block: Block) -> Counts:
    cells = 2 * (block.y >= 0.5) + (outputs >= 0.5)
    tables = [np.bincount(column, minlength=4).reshape(2, 2) for column in cells.T]
    return Counts(np.array(tables, dtype=np.int64))


COUNTED: dict[str, Counted] = {
    "classification": _count_classes,
    "multilabel": _count_labels,
}


def _added(one: NDArray[np.int64] | None, other: NDArray[np.int64] | None) -> NDArray[np.int64] | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    ratio: NDArray[np.float64] = np.divide(above, below, out=np.zeros(len(above)), where=below > 0)
    return ratio
