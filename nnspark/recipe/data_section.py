"""The sections ``[data]`` and ``[data.split]`` of a recipe; see ``sections.py``."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

__all__ = ["MOST_FOLDS", "PARTS", "Data", "Paths", "Split", "as_paths", "shown_paths"]

Table = dict[str, Any]
Paths: TypeAlias = str | list[str]

PARTS = ("train", "validation", "test")
MOST_FOLDS = 10_000


@dataclass(frozen=True)
class Split:
    """Which rows train, validate and test: the hash of a row decides its part, or a column says it.

    train : fraction of the rows, above 0; the three fractions add up to 1
    validation : fraction of the rows
    test : fraction of the rows
    seed : another seed, another split of the same rows
    stratify : true keeps the classes' shares equal in the parts
    folds : 2 to 10000 cut the rows that are no test rows in so many folds, in place of train and validation
    fold : the fold that validates, from 0; -1 for none: all folds train
    column : a column of text that says each row's part: train, validation or test; in place of fractions
    """

    train: float = 0.8
    validation: float = 0.1
    test: float = 0.1
    seed: int = 42
    stratify: bool = False
    folds: int = 0
    fold: int = 0
    column: str = ""

    @property
    def validates(self) -> bool:
        """Whether any row is meant to validate."""
        return self.fold >= 0 if self.folds else self.validation > 0


@dataclass(frozen=True)
class Data:
    """Where the rows come from and how they are read, scaled and split.

    source : digits, iris; made from a seed: bank, houses, words, random_regression, digit_images; files: npy, npz, csv, libsvm, parquet, orc, idx; what only Spark reads: spark, table, query; the only key without a default
    path : file, folder or Hadoop URI; csv, libsvm, parquet, orc: also a pattern like "2025-*/part-*.csv", or a list of all these; a relative one is looked for beside the recipe too, and of a run in the folders above it
    train : csv, libsvm, parquet, orc: the paths of the training rows, each like path and in its place; fractions are not given then
    validation : the paths of the rows that validate; empty: none
    test : the paths of the rows to test on; empty: none
    format : spark: what spark.read.format takes: json, avro, delta, jdbc, ...; some need a package on the session
    options : spark: the options of that format; {env = "NAME"} is a value that the driver's environment has, as passwords must be; made tables: {rows = 20000, seed = 0}
    table : table: the name of a table or view, such as db.name
    query : query: SQL whose answer is the rows
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
    path: Paths = ""
    train: Paths = ""
    validation: Paths = ""
    test: Paths = ""
    format: str = ""
    options: Table = field(default_factory=dict)
    table: str = ""
    query: str = ""
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

    @property
    def place(self) -> str:
        """What errors call where the rows come from; empty where nothing here names it."""
        if self.table or self.query:
            return f"table {self.table!r}" if self.table else "the query"
        if self.format and not self.path:
            return f"format {self.format!r}"
        return shown_paths(
            [*as_paths(self.path), *(one for own in self.paths_of_parts.values() for one in own)]
        )

    @property
    def paths_of_parts(self) -> dict[str, list[str]]:
        """The paths of each part that has its own."""
        pairs = ((part, as_paths(getattr(self, part))) for part in PARTS)
        return {part: paths for part, paths in pairs if paths}

    @property
    def part_column(self) -> str:
        """The column that says each row's part; empty where none does."""
        return self.split.column

    @property
    def set_aside(self) -> str:
        """A column that is no feature where it is there."""
        return ""

    @property
    def own_parts(self) -> bool:
        """Whether each row has a part of its own, which no hash decides."""
        return bool(self.paths_of_parts or self.part_column)

    @property
    def validates(self) -> bool:
        """Whether any row is meant to validate."""
        return bool(self.validation or self.part_column) if self.own_parts else self.split.validates

    def together(self) -> "Data":
        """The section whose rows are all rows, whatever their parts."""
        if not self.own_parts:
            return self
        own = [path for paths in self.paths_of_parts.values() for path in paths]
        table = {one.name: getattr(self, one.name) for one in fields(self)}
        return _Together(**table | dict.fromkeys(PARTS, "") | {"path": own or self.path})


class _Together(Data):
    """A data section of rows that have parts, which do not count."""

    @property
    def part_column(self) -> str:
        return ""

    @property
    def set_aside(self) -> str:
        return self.split.column


def as_paths(path: Paths) -> list[str]:
    """One path or several as a list; empty for none."""
    return [path] * bool(path) if isinstance(path, str) else list(path)


def shown_paths(paths: Sequence[str]) -> str:
    """Paths as errors name them: the first, and how many more there are."""
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more}" if paths else ""
