"""The sections of a recipe: everything that decides the result of a run, as frozen dataclasses.

A recipe and a data set give one set of weights. ``[prediction]``, ``[spark]``, ``[checkpoint]``, ``[report]``
and ``training.engine``, ``.threads`` may differ between runs that agree. Only ``data.source`` has no default.

Each class's docstring has one entry a key: ``conf/README.md``'s table is made of them (``recipe/keys.py``).
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from nnspark.recipe.data_section import Data, Split
from nnspark.recipe.prediction import Prediction

__all__ = [
    "Checkpoint",
    "Data",
    "Network",
    "Prediction",
    "Recipe",
    "Report",
    "Rounds",
    "Spark",
    "Split",
    "Stopping",
    "Training",
]

Table = dict[str, Any]


@dataclass(frozen=True)
class Network:
    """The architecture.

    hidden : units of each hidden layer; [] for none
    activation : of the hidden layers: sigmoid, tanh, relu, leaky_relu, silu, gelu, softplus, identity
    output : sigmoid, softmax or identity; auto is identity for regression, else sigmoid
    loss : cross_entropy or squared_error; auto is squared_error for regression, else cross_entropy
    output_units : 2 gives a sigmoid for each of two classes instead of one for both; 0 is automatic
    init : {name = uniform, limit} | {name = normal, scale} | {name = glorot, gain} | {name = fan_in, gain} | he | zeros, each with bias = "drawn" or "zero"
    """  # noqa: E501

    hidden: list[int] = field(default_factory=lambda: [25])
    activation: str = "sigmoid"
    output: str = "auto"
    loss: str = "auto"
    output_units: int = 0
    init: Table = field(default_factory=lambda: {"name": "uniform", "limit": 0.12})


@dataclass(frozen=True)
class Training:
    """How the cost is minimised: mean loss + l2/(2m) * sum(W[:, 1:]**2) over m training rows.

    optimizer : gd, momentum, nesterov, rmsprop, adam, adamw, cg or lbfgs; a table sets its options
    learning_rate : above 0; cg and lbfgs find their own step
    bias_learning_rate : the biases' own rate; 0 means the same as learning_rate
    schedule : constant, step, exponential, inverse_scaling or cosine; a table sets options and warmup
    l2 : the penalty's factor; biases are left out of it
    epochs : passes over all rows, at most
    seed : of the initial weights and of the batches
    dtype : float64 or float32, of the arithmetic and of the weights
    engine : spark, local (without Spark), or auto: the quicker of these, said in a line; to the same bits
    threads : how many compute without Spark; 0 is one a core; the same bits with any number
    block_rows : rows of a block; other last bits with another; 0 is 1024, or 4096 of a long, narrow table
    class_weight : none, balanced (as scikit-learn's) or a table of label = weight
    label_smoothing : moves targets towards an even share; 0 is off, below 1
    """

    optimizer: str | Table = "gd"
    learning_rate: float = 1.0
    bias_learning_rate: float = 0.0
    schedule: str | Table = "constant"
    l2: float = 1.0
    epochs: int = 400
    seed: int = 42
    dtype: str = "float64"
    engine: str = "spark"
    threads: int = 0
    block_rows: int = 0
    class_weight: str | Table = "none"
    label_smoothing: float = 0.0


@dataclass(frozen=True)
class Rounds:
    """Mini-batch SGD inside logical replicas, averaged once a round. Off while batch_size is 0.

    batch_size : rows of a step; 0 is full-batch training
    replicas : sets of rows that train side by side; part of the result, unlike partitions
    local_epochs : passes of a replica over its rows in a round
    local_steps : steps of a replica in a round instead of whole passes; 0 is off
    shuffle : false takes a replica's batches in the order of the rows' hashes, the same every epoch
    dropout : share of hidden units left out of each step at random; the training figures are without them
    outer : what averages: "average", or an optimizer that takes the averaged move as a gradient
    """

    batch_size: int = 0
    replicas: int = 1
    local_epochs: int = 1
    local_steps: int = 0
    shuffle: bool = True
    dropout: float = 0.0
    outer: str | Table = "average"

    @property
    def groups(self) -> int:
        """Groups of training rows that have to stay together: the replicas, 0 without rounds."""
        return self.replicas if self.batch_size else 0


@dataclass(frozen=True)
class Stopping:
    """When to stop before the last epoch. Off while patience, tolerance and the two limits are 0.

    monitor : what patience watches: cost, or a metric, or validation_ and a metric
    patience : epochs without improvement that are borne; 0 is off
    min_delta : an improvement is more than this
    restore_best : whether the weights of the best epoch are the result
    tolerance : stop when the cost fell by less; 0 is off
    tolerance_epochs : that many epochs running
    min_epochs : neither of the two stops before this epoch
    max_seconds : stop after so long, resumes included; 0 is off
    max_evaluations : stop after so many passes over the rows (cg, lbfgs: several an epoch); 0 is off
    """

    monitor: str = "validation_loss"
    patience: int = 0
    min_delta: float = 0.0
    restore_best: bool = True
    tolerance: float = 0.0
    tolerance_epochs: int = 1
    min_epochs: int = 0
    max_seconds: float = 0.0
    max_evaluations: int = 0


@dataclass(frozen=True)
class Spark:
    """How the work is laid out on the cluster. Never changes the result.

    partitions : tasks of an evaluation; 0 is one a core, or for each spark.task.cpus of them
    depth : of the sum of their results; 0 is automatic
    direct : whether workers read plain local Parquet files themselves, without the JVM: the same rows, sooner
    scratch : over Spark Connect, a folder for shards if the server keeps none; empty: spark.nnspark.scratch
    """

    partitions: int = 0
    depth: int = 0
    direct: bool = True
    scratch: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """How often the run is saved.

    every : epochs between two checkpoints; 0 is never
    seconds : a checkpoint is due after so long too; 0 is off
    keep : how many are kept
    """

    every: int = 10
    seconds: float = 60.0
    keep: int = 2


@dataclass(frozen=True)
class Report:
    """What is printed while training and drawn at the end.

    every : epochs between two lines where standard error is no terminal
    html : whether report.html is written
    importance : columns at most whose permutation importance is measured; 0 is off
    """

    every: int = 10
    html: bool = True
    importance: int = 100


@dataclass(frozen=True)
class Recipe:
    """A whole recipe: one attribute a section."""

    data: Data
    network: Network = field(default_factory=Network)
    training: Training = field(default_factory=Training)
    rounds: Rounds = field(default_factory=Rounds)
    stopping: Stopping = field(default_factory=Stopping)
    prediction: Prediction = field(default_factory=Prediction)
    spark: Spark = field(default_factory=Spark)
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    report: Report = field(default_factory=Report)

    def to_dict(self) -> Table:
        """Nested plain dicts, every key resolved."""
        return dataclasses.asdict(self)
