"""The classes of a DataFrame's rows: the distinct labels, as the driver's readers would have them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.data import classes
from nnspark.data.classes import class_table, encode_labels
from nnspark.engines.frames.columns import Layout
from nnspark.engines.frames.labels import labels_of
from nnspark.engines.frames.locate import first_label
from nnspark.recipe import Data
from nnspark.sources import refusals

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["Classes", "Labels", "find_classes", "find_labels", "known_classes"]

Array = NDArray[Any]
Classes = Callable[["DataFrame", Layout, Data], Layout]
"""``classes(df, layout, data)``: the layout with the classes of the labels, if there are classes."""


class Labels(NamedTuple):
    """The distinct labels of a column.

    spellings : as they stand in the rows; labels : as the driver's readers would have them; rows : how many
    there are of each; counts : whether any of them has a weight.
    """

    spellings: tuple[Any, ...]
    labels: Array
    rows: NDArray[np.int64]
    counts: NDArray[np.bool_]

    def as_classes(self, layout: Layout, classes: Array) -> Layout:
        """The layout with these classes; labels without weight may be none of them."""
        codes = np.zeros(len(self.labels), dtype=np.int64)
        codes[self.counts] = encode_labels(self.labels[self.counts], classes)
        return replace(layout, classes=classes, spellings=self.spellings, codes=codes)


def find_classes(df: "DataFrame", layout: Layout, data: Data) -> Layout:
    """The layout with the classes and the class of every label as it stands in the rows, if there are any.

    One job, on the label only. What two spellings of a class have in common is decided here, by the functions
    that decide it for the driver's readers; the executors look spellings up.
    """
    found = find_labels(df, layout, data) if data.task == "classification" else None
    if found is None:
        return layout
    return found.as_classes(layout, class_table(found.labels[found.counts], data.classes))


def known_classes(df: "DataFrame", layout: Layout, data: Data) -> Layout:
    """The same without a job, of labels that are doubles and every one known to be of ``data.classes``."""
    if data.task != "classification":
        return layout
    spellings = tuple(map(float, data.classes))
    labels = labels_of(spellings, [1] * len(spellings), layout.targets[0], lambda _: "", is_text=False)
    there = np.ones(len(spellings), bool)
    found = Labels(spellings, labels, there.astype(np.int64), there)
    return found.as_classes(layout, class_table(labels, data.classes))


def find_labels(df: "DataFrame", layout: Layout, data: Data) -> Labels | None:
    """The distinct labels; None if there are none because no record of a text file fits."""
    from pyspark.sql import functions as F

    whole = df.where("corrupt is null") if layout.text else df
    counts = F.coalesce(F.col("w") != 0, F.lit(True)) if layout.weight else F.lit(True)
    groups = whole.groupBy("t0").agg(F.count(F.lit(1)).alias("rows"), F.max(counts).alias("counts"))
    found = groups.limit(classes.MOST_CLASSES + 1).collect()
    if not found:
        if layout.text and not df.isEmpty():
            return None  # the survey says so
        raise refusals.no_data_rows(data.place or "the DataFrame")
    if len(found) > classes.MOST_CLASSES:
        raise refusals.too_many_classes(classes.MOST_CLASSES)
    spellings, rows = tuple(row["t0"] for row in found), [row["rows"] for row in found]
    where, locate = f"column {layout.targets[0]!r}", partial(first_label, whole, layout)
    labels = labels_of(spellings, rows, where, locate, is_text=layout.text is not None)
    present = np.array([row["counts"] for row in found])
    if not present.any():
        raise refusals.no_weight(sum(rows))
    return Labels(spellings, labels, np.array(rows, dtype=np.int64), present)
