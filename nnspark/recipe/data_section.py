"""The sections ``[data]`` and ``[data.split]`` of a recipe; see ``sections.py``."""

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Data", "Split"]

Table = dict[str, Any]


@dataclass(frozen=True)
class Split:
    """Which rows train, validate and test: the hash of a row decides its part.

    train : fraction of the rows, above 0; the three fractions add up to 1
    validation : fraction of the rows
    test : fraction of the rows
    seed : another seed, another split of the same rows
    stratify : true keeps the classes' shares equal in the parts
    folds : 2 or more cut the rows that are no test rows in so many folds, in place of train and validation
    fold : the fold that validates, from 0; -1 for none: all folds train
    """

    train: float = 0.8
    validation: float = 0.1
    test: float = 0.1
    seed: int = 42
    stratify: bool = False
    folds: int = 0
    fold: int = 0

    @property
    def validates(self) -> bool:
        """Whether any row is meant to validate."""
        return self.fold >= 0 if self.folds else self.validation > 0


@dataclass(frozen=True)
class Data:
    """Where the rows come from and how they are read, scaled and split.

    source : digits, iris, npy, npz, csv, libsvm, parquet or idx; the only key without a default
    path : file, folder or Hadoop URI; a relative path is looked for beside the recipe too
    features : npy: path of the features (default X.npy); npz: name of the array
    labels : npy: path of the labels (default y.npy); npz: name of the array
    label : column(s) of the target by name, or by number from 0, negative from the end
    weight : column of row weights; a row of weight 2 counts twice, of weight 0 not at all
    header : whether a CSV file starts with names; "auto" looks at its first record
    separator : what separates a CSV file's fields, such as ";" or "\\t"
    columns : features in the model's order (initial weights follow it); empty: all others, ["-id"]: but id
    exclude : names of columns that are no features, such as ids
    task : classification, regression or multilabel: the kind of target
    categorical : columns to one-hot: names, "auto" (text and booleans) or {columns, least = 10 joins rarer values, hash = {zip = 64}}
    missing : error, mean, median or a number to fill with; {fill, indicator = true} adds a column that says where; for null, NaN, empty cells
    dates : columns of dates or timestamps to take as days since 1970-01-01 (UTC)
    scale : none, standard, minmax or {center = c, divide = d} of numbers; fitted on the training rows, kept in the model
    target_scale : regression: none, standard or log; predictions and figures stay in the target's own units
    classes : the labels there are, where the data may lack some; empty means those found
    split : the three parts, see below
    """  # noqa: E501

    source: str
    path: str = ""
    features: str = ""
    labels: str = ""
    label: str | int | list[str | int] = "label"
    weight: str = ""
    header: bool | str = "auto"
    separator: str = ","
    columns: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    task: str = "classification"
    categorical: str | list[str] | Table = field(default_factory=list)
    missing: str | float | Table = "error"
    dates: list[str] = field(default_factory=list)
    scale: str | Table = "none"
    target_scale: str = "none"
    classes: list[str | int | float] = field(default_factory=list)
    split: Split = field(default_factory=Split)
