"""Classes: the table of a data set's labels, and labels as indices into it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError
from nnspark.sources import refusals

__all__ = ["MOST_CLASSES", "class_table", "encode_labels"]

Array = NDArray[Any]
MOST_CLASSES = 10_000


def class_table(labels: Array, declared: Sequence[Any]) -> Array:
    """The sorted distinct labels, or the declared classes after checking that they cover the labels.

    DataError above ``MOST_CLASSES``: such labels are numbers or names.
    """
    found = np.unique(labels)
    if len(found) > MOST_CLASSES:
        raise refusals.too_many_classes(MOST_CLASSES)
    if declared:
        classes = np.unique(np.asarray(declared))
        extra = [label for label in found.tolist() if label not in set(classes.tolist())]
        if extra:
            raise DataError(
                f"label {extra[0]!r} is not among data.classes {classes.tolist()}; add it or drop those rows"
            )
        found = classes
    if found.dtype.kind == "f":
        if (found != np.floor(found)).any():
            value = found[found != np.floor(found)][0].item()
            raise DataError(
                f"label {value!r} is not a whole number: classes are whole numbers or strings; "
                "set data.task = 'regression' to predict numbers"
            )
        if (np.abs(found) >= 2.0**63).any():
            raise refusals.too_large_label("data.label")
        found = found.astype(np.int64)
    if len(found) < 2:
        raise DataError(
            f"there is only one class, {found.tolist()[0]!r}: expected at least two different labels; "
            "check data.label"
        )
    return found


def encode_labels(labels: Array, classes: Array) -> NDArray[np.int64]:
    """Index of each label among the sorted classes."""
    return np.searchsorted(classes, labels.astype(classes.dtype)).astype(np.int64)
