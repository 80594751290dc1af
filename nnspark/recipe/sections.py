"""The recipe: everything that decides the result of a run, read from TOML into frozen dataclasses.

A recipe and a data set give one set of weights. Only ``[spark]``, ``[checkpoint]``, ``[report]`` and
``training.engine`` may differ between two runs that must agree. Every key has a default but ``data.source``.
"""

import dataclasses
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnspark.errors import RecipeError
from nnspark.recipe.text import apply_override, build, to_toml

__all__ = [
    "Checkpoint",
    "Data",
    "Network",
    "Recipe",
    "Report",
    "Rounds",
    "Spark",
    "Split",
    "Stopping",
    "Training",
    "dumps",
    "loads",
    "read",
]  # fmt: skip

Table = dict[str, Any]


@dataclass(frozen=True)
class Split:
    """Fractions of the rows in each part; they add up to 1. The hash of a row decides its part."""

    train: float = 0.8
    validation: float = 0.1
    test: float = 0.1
    seed: int = 42
    stratify: bool = False


@dataclass(frozen=True)
class Data:
    """Where the rows come from and how they are read, scaled and split."""

    source: str
    path: str = ""
    features: str = ""
    labels: str = ""
    label: str | int | list[str | int] = "label"
    weight: str = ""
    header: bool | str = "auto"
    columns: list[str] = field(default_factory=list)
    task: str = "classification"
    scale: str | Table = "none"
    target_scale: str = "none"
    classes: list[str | int | float] = field(default_factory=list)
    split: Split = field(default_factory=Split)


@dataclass(frozen=True)
class Network:
    """The architecture. ``output`` and ``loss`` default to what suits the task."""

    hidden: list[int] = field(default_factory=lambda: [25])
    activation: str = "sigmoid"
    output: str = "auto"
    loss: str = "auto"
    output_units: int = 0
    init: Table = field(default_factory=lambda: {"name": "uniform", "limit": 0.12})


@dataclass(frozen=True)
class Training:
    """How the cost is minimised."""

    optimizer: str | Table = "gd"
    learning_rate: float = 1.0
    bias_learning_rate: float = 0.0
    schedule: str | Table = "constant"
    l2: float = 1.0
    epochs: int = 400
    seed: int = 42
    dtype: str = "float64"
    engine: str = "spark"
    block_rows: int = 1024
    class_weight: str | Table = "none"
    label_smoothing: float = 0.0


@dataclass(frozen=True)
class Rounds:
    """Mini-batch SGD inside logical replicas, averaged once a round. Off while ``batch_size`` is 0."""

    batch_size: int = 0
    replicas: int = 1
    local_epochs: int = 1
    local_steps: int = 0
    outer: str | Table = "average"

    @property
    def groups(self) -> int:
        """Groups of training rows that have to stay together: the replicas, 0 without rounds."""
        return self.replicas if self.batch_size else 0


@dataclass(frozen=True)
class Stopping:
    """When to stop before the last epoch. Off while ``patience`` and the others are 0."""

    monitor: str = "validation_loss"
    patience: int = 0
    min_delta: float = 0.0
    restore_best: bool = True
    tolerance: float = 0.0
    tolerance_epochs: int = 1
    min_epochs: int = 0
    max_seconds: float = 0.0


@dataclass(frozen=True)
class Spark:
    """How the work is laid out on the cluster. Never changes the result."""

    partitions: int = 0
    depth: int = 0


@dataclass(frozen=True)
class Checkpoint:
    """How often the run is saved, and how many checkpoints are kept."""

    every: int = 10
    seconds: float = 60.0
    keep: int = 2


@dataclass(frozen=True)
class Report:
    """What is printed while training and drawn at the end."""

    every: int = 10
    html: bool = True


@dataclass(frozen=True)
class Recipe:
    """A whole recipe."""

    data: Data
    network: Network = field(default_factory=Network)
    training: Training = field(default_factory=Training)
    rounds: Rounds = field(default_factory=Rounds)
    stopping: Stopping = field(default_factory=Stopping)
    spark: Spark = field(default_factory=Spark)
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    report: Report = field(default_factory=Report)

    def to_dict(self) -> Table:
        """Nested plain dicts, every key resolved."""
        return dataclasses.asdict(self)


def read(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe file; ``overrides`` are ``section.key=value`` strings, value as in TOML."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError(
            f"cannot read recipe {path}: {error.strerror}; the recipes that come with nnspark are in conf/"
        ) from None
    except UnicodeDecodeError:
        raise RecipeError(f"{path} is not a text file; a recipe is TOML, see conf/digits.toml") from None
    return _beside(loads(text, overrides, name=str(path)), Path(path).parent)


def _beside(recipe: Recipe, folder: Path) -> Recipe:
    """Take a ``data.path`` that is not in the current folder from the recipe's folder, if it is there."""
    path = recipe.data.path
    if path and not Path(path).exists() and (folder / path).exists():
        return dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, path=str(folder / path)))
    return recipe


def loads(text: str, overrides: Sequence[str] = (), *, name: str = "recipe") -> Recipe:
    """A recipe from TOML text, with overrides applied and every value checked."""
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{name} is not valid TOML: {' '.join(str(error).split())}") from None
    for override in overrides:
        apply_override(table, override)
    recipe: Recipe = build(Recipe, table)
    from nnspark.recipe.checks import check

    check(recipe)
    return recipe


def dumps(recipe: Recipe) -> str:
    """The recipe as TOML; ``loads`` gives the same recipe back."""
    lines: list[str] = []
    for section, table in recipe.to_dict().items():
        lines += [f"[{section}]", *(f"{key} = {to_toml(value)}" for key, value in table.items()), ""]
    return "\n".join(lines)
