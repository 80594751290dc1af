"""The one thing every local reader returns: checked features, target and weights of the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError, RecipeError, ShapeError
from nnspark.recipe.data_section import Paths
from nnspark.recipe.raw_columns import Wishes, wishes_of
from nnspark.sources.checks import Locate, check_above, check_raw, check_same_length, check_weights
from nnspark.sources.columns import features_of
from nnspark.sources.labels import clean_target
from nnspark.sources.raw import Spellings

__all__ = [
    "DataRequest", "DataSpec", "Named", "Table", "make_table", "numbered", "refuse_weight", "select_columns",
]  # fmt: skip


class DataSpec(Protocol):
    """Any object with a `source` and, where they matter, the other attributes of `DataRequest`."""

    @property
    def source(self) -> str:
        """A key of SOURCES."""


@dataclass(frozen=True)
class DataRequest:
    """What to read, a recipe's data section with every default filled in.

    Attributes
    ----------
    source : a key of SOURCES
    path, paths_of_parts : see ``found.py``; for npy the folder that `features` and `labels` are relative to
    part_column, set_aside : a column that says each row's part; one that is no feature where it is there
    features, labels : npy: paths; npz: names of arrays. Empty means X and y
    label : column(s) by name or number from 0, negative from the end
    weight : column name; npy: path; npz: name of an array. Empty means none
    header : whether a CSV starts with column names; "auto" looks at its first record
    separator : what separates a CSV's fields
    columns : names of the feature columns; empty means all others; "-name" leaves one out
    exclude : names of columns that are no features
    task : "classification", "regression" or "multilabel"
    categorical, missing, dates : see ``recipe/raw_columns.py``
    target_scale : of a regression's targets, which "log" wants above -1; options : of a made table
    """

    source: str
    path: Paths = ""
    features: str = ""
    labels: str = ""
    label: str | int | Sequence[str | int] = "label"
    weight: str = ""
    header: bool | str = "auto"
    separator: str = ","
    columns: Sequence[str] = ()
    exclude: Sequence[str] = ()
    task: str = "classification"
    categorical: str | Sequence[str] | Mapping[str, Any] = ()
    missing: str | float | Mapping[str, Any] = "error"
    dates: Sequence[str] = ()
    target_scale: str = "none"
    paths_of_parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    part_column: str = ""
    set_aside: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def one_path(self) -> str:
        """The path of a source that takes one."""
        assert isinstance(self.path, str)  # the recipe's check saw to it
        return self.path

    @property
    def wishes(self) -> Wishes:
        """What is asked of columns that are no numbers, or not whole."""
        return wishes_of(self)

    @classmethod
    def of(cls, spec: DataSpec) -> "DataRequest":
        """Read the attributes that `spec` has; the others keep their defaults."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: getattr(spec, name) for name in names if hasattr(spec, name)})


@dataclass(frozen=True, eq=False)
class Table:
    """Rows ready to scale and split.

    Attributes
    ----------
    features : (n, num_features) float64, C-contiguous, every value finite, or NaN where it may be missing
    target : (n,) int64, float64 or str; (n, k) float64 for several outputs
    weight : (n,) float64, or None
    feature_names : num_features names; "0", "1", ... when the file has none
    given : (n,) int8, the part of each row, an index into PARTS, or -1 where the split decides; None: nowhere
    kinds : of each feature, see ``sources/raw.py``; empty where all are numbers
    spellings : of category features, by position, the spelling of each code
    """

    features: NDArray[np.float64]
    target: NDArray[Any]
    weight: NDArray[np.float64] | None
    feature_names: tuple[str, ...]
    given: NDArray[np.int8] | None = None
    kinds: tuple[str, ...] = ()
    spellings: Mapping[int, Spellings] = field(default_factory=dict)


class Named(NamedTuple):
    """An array as read, with what errors call it and how they name one of its rows."""

    values: NDArray[Any]
    name: str
    locate: Locate


def make_table(
    request: DataRequest,
    features: Named,
    target: Named,
    weight: Named | None = None,
    *,
    names: Sequence[str],
    shown_names: Sequence[str] | None = None,
    label_names: Sequence[str] = (),
    given: NDArray[np.int8] | None = None,
    kinds: Sequence[str] = (),
    spellings: Mapping[int, Spellings] | None = None,
) -> Table:
    """Check what a reader read and bring it to the shapes and dtypes of `Table`.

    `shown_names` are the columns' names in errors, where the file's own say more than `names`;
    `label_names` those of the labels' columns; `given`, `kinds` and `spellings` are as in `Table`.
    """
    _check_numeric(features)
    shape = features.values.shape
    if len(shape) != 2:
        raise ShapeError(
            f"{features.name} must be 2-D (rows, features), but its shape is {shape}; "
            + ("use reshape(-1, 1) for one feature" if len(shape) < 2 else "use reshape(len(X), -1)")
        )
    if 0 in shape:
        raise DataError(f"{features.name} is empty: its shape is {shape}")
    if target.values.ndim == 0:
        raise ShapeError(f"{target.name} must have one label a row, but is a single value")
    check_same_length(len(features.values), len(target.values), features=features.name, others=target.name)
    matrix = np.ascontiguousarray(features.values, dtype=np.float64)
    check_raw(matrix, shown_names or names, kinds, features.locate, may_miss=request.wishes.may_miss)
    cleaned = clean_target(target.values, request.task, target.locate, where=target.name, columns=label_names)
    if request.target_scale == "log":
        check_above(cleaned, target.locate, target.name)
    weights = None if weight is None else _clean_weight(weight, len(matrix), features.name)
    return Table(matrix, cleaned, weights, tuple(names), given, tuple(kinds), spellings or {})


def select_columns(
    request: DataRequest, features: NDArray[Any], names: Sequence[str], where: str
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Keep the feature columns that the recipe lists, in its order; all of them when it lists none."""
    if not (request.columns or request.exclude) or features.ndim != 2:
        return features, tuple(names)
    chosen = list(features_of(names, request.columns, request.exclude, where))
    return features[:, chosen], tuple(names[column] for column in chosen)


def numbered(count: int) -> tuple[str, ...]:
    """Name columns "0", "1", ... where a file has no names."""
    return tuple(map(str, range(count)))


def refuse_weight(request: DataRequest) -> None:
    """Raise RecipeError when a weight is asked of a source that has none."""
    if request.weight:
        raise RecipeError(
            f"data.source {request.source!r} has no weights; remove data.weight = {request.weight!r}"
        )


def _check_numeric(array: Named) -> None:
    if array.values.dtype.kind not in "buif":
        advice = '; data.categorical = "auto" encodes text' if array.values.dtype.kind in "OU" else ""
        raise DataError(f"{array.name} must hold numbers, but its dtype is {array.values.dtype}{advice}")


def _clean_weight(weight: Named, num_rows: int, features_name: str) -> NDArray[np.float64]:
    _check_numeric(weight)
    values = weight.values
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ShapeError(f"{weight.name} must have one weight a row, but its shape is {values.shape}")
    check_same_length(num_rows, len(values), features=features_name, others=weight.name)
    numbers: NDArray[np.float64] = np.ascontiguousarray(values, dtype=np.float64)
    check_weights(numbers, weight.locate, weight.name)
    return numbers
