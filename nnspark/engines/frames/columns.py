"""What the columns of a normalised DataFrame mean, and Arrow batches of them as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.data.rows import hash_rows
from nnspark.engines.frames.csv import TextColumns
from nnspark.sources.given import part_numbers
from nnspark.sources.raw import Spellings, raw_of_arrow

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Arrays",
    "Layout",
    "arrays_of",
    "unknown_labels",
]

Array = NDArray[Any]


class Arrays(NamedTuple):
    """A batch as arrays: features (n, d) float64, target indices (n,) or float64 (n, k), weight (n,).

    ``features`` are raw values (``sources/raw.py``); ``spellings`` those of the codes of category columns, by
    position. ``given`` (n,) int8 is the part of each row, or its fold, or -1 where the split
    decides; see ``Plan.parts``.
    """

    features: Array
    target: Array
    weight: Array | None
    given: Array | None = None
    spellings: Mapping[int, Spellings] = {}

    def hashes(self) -> Array:
        """The rows' hashes; parts are not hashed."""
        return hash_rows(self.features, self.target, self.weight)

    def take(self, index: Any) -> "Arrays":
        """The rows at ``index``."""
        weight = None if self.weight is None else self.weight[index]
        given = None if self.given is None else self.given[index]
        return Arrays(self.features[index], self.target[index], weight, given, self.spellings)


@dataclass(frozen=True)
class Layout:
    """What the columns of a normalised DataFrame mean.

    The columns are ``f0``, ``f1``, ... (numbers, or arrays of them, or what ``raw`` says); ``t0``, ...
    (targets); ``w`` if weighted, ``g`` if parts are given, as text by the column ``part`` if that is named.
    ``names`` are the features' own names, ``columns`` those of the source columns, ``widths`` the lengths of
    their arrays (None for numbers); ``text`` is of a text file. A label ``spellings[i]`` is of class
    ``codes[i]``.

    ``raw`` are the kinds of the source columns, see ``sources/raw.py``; empty where all are numbers.
    ``may_miss``: whether values may be missing; ``log``: whether targets have to be above -1.
    """

    names: tuple[str, ...]
    columns: tuple[str, ...]
    widths: tuple[int | None, ...]
    targets: tuple[str, ...]
    weight: str
    task: str
    text: TextColumns | None = None
    given: bool = False
    classes: Array | None = None
    spellings: tuple[Any, ...] = ()
    codes: Array | None = None
    raw: tuple[str, ...] = ()
    may_miss: bool = False
    log: bool = False
    part: str = ""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kind of each feature; empty where all are numbers."""
        pairs = zip(self.raw, self.widths, strict=False)
        return tuple(kind for kind, width in pairs for _ in range(width or 1))

    def raw_of(self, column: str) -> str:
        """The kind of a normalised feature column."""
        return self.raw[int(column[1:])] if self.raw and column.startswith("f") else "number"

    def is_number(self, column: str) -> bool:
        """Whether a normalised column is a feature that is one number."""
        return column.startswith("f") and self.width_of(column) is None and self.raw_of(column) == "number"

    def source_of(self, column: str) -> str:
        """The user's name of a normalised column."""
        if column in ("w", "g", "corrupt"):
            return {"w": self.weight, "g": self.part}.get(column, "")
        names = self.columns if column.startswith("f") else self.targets
        return names[int(column[1:])]

    def width_of(self, column: str) -> int | None:
        """Length of the arrays in a normalised column; None where it holds numbers."""
        return self.widths[int(column[1:])] if column.startswith("f") else None


def arrays_of(batch: "pa.RecordBatch", layout: Layout) -> Arrays:
    """One Arrow batch as arrays; nulls that may not be must have been refused before."""
    spellings: dict[int, Spellings] = {}
    one_table = len(layout.widths) == 1 and layout.widths[0] is not None
    features = _table_of(batch, 0, layout) if one_table else np.empty((batch.num_rows, len(layout.names)))
    at = 0
    for i, width in enumerate(() if one_table else layout.widths):
        column = batch.column(batch.schema.get_field_index(f"f{i}"))
        if layout.raw and width is None:
            features[:, at], texts = raw_of_arrow(layout.raw[i], column, layout.columns[i])
            if layout.raw[i] == "category":
                spellings[at] = texts
        elif width is None:
            features[:, at] = column.to_numpy(zero_copy_only=False)
        else:
            features[:, at : at + width] = _table_of(batch, i, layout)
        at += width or 1
    labels = [batch.column(batch.schema.get_field_index(f"t{i}")) for i in range(len(layout.targets))]
    if layout.codes is not None:
        target = layout.codes[_spelling_of(labels[0], layout)]
    else:
        target = np.column_stack([label.to_numpy(zero_copy_only=False) for label in labels])
    weight, given = (batch.column(at) if at >= 0 else None for at in map(batch.schema.get_field_index, "wg"))
    return Arrays(
        features,
        target,
        None if weight is None else weight.to_numpy(zero_copy_only=False),
        None if given is None else _parts(given, layout),
        spellings,
    )


def _table_of(batch: "pa.RecordBatch", i: int, layout: Layout) -> Array:
    """A column of arrays as a table (n, width); a view, not to be written to."""
    column = batch.column(batch.schema.get_field_index(f"f{i}"))
    values = column.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(values.reshape(batch.num_rows, layout.widths[i]), np.float64)


def _parts(given: "pa.Array", layout: Layout) -> NDArray[np.int8]:
    return part_numbers(given) if layout.part else given.to_numpy(zero_copy_only=False)


def unknown_labels(label: "pa.Array", layout: Layout) -> int:
    """How many labels were not there when the classes were found."""
    return int((_spelling_of(label, layout) < 0).sum())


def _spelling_of(label: "pa.Array", layout: Layout) -> Array:
    """Index of each label among the spellings, -1 if it is none of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.index_in(label, value_set=pa.array(layout.spellings, label.type))
    return np.asarray(pc.fill_null(found, -1)).astype(np.int64)
