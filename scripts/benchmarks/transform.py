"""Transform: rows a second of ``nnspark.ml``'s model against MLlib's, with the same weights.

Both read the same Parquet files, a column of dense vectors or plain columns of numbers, and write prediction
and probability to Spark's ``noop`` sink; every pass counts its rows. MLlib needs a VectorAssembler for plain
columns, which is timed with it; nnspark's own ``Model.transform`` takes them as they are.

What a pass costs at least is timed beside: reading the rows alone, and the same plan with the arithmetic left
out (an Arrow function that answers what it drew once).

(Above 200 lines: each way to answer stands beside the others.)
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _common
from benchmarks._common import CORES, Contestant, Ratio, Shape, median, progress, race, ratio_table
from benchmarks._data import rows_of, vector_frame, write_columns, write_parquet
from benchmarks._machine import processor_times, used_since
from benchmarks._peers import mllib_blas

LEAST = 3.0
BOTH = ("prediction", "probability")
_drawn: dict[int, Any] = {}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many times."""
    parser.add_argument("--epochs", type=int, default=0, help="times each (default 7)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Race the models over the rows of each shape."""
    spark = _common.session("transform")
    turns = args.epochs or (2 if args.quick else 7)
    found = [run_shape(spark, name, shape, turns) for name, shape in _common.shapes_of(args, "M,T").items()]
    return {"mllib_blas": mllib_blas(spark), "shapes": found}


def run_shape(spark: Any, name: str, shape: Shape, turns: int) -> dict[str, Any]:
    """Race the models over one shape's rows."""
    with tempfile.TemporaryDirectory(prefix="nnspark-bench-") as folder:
        progress(f"writing shape {name}, {shape}")
        vectors, columns = write_rows(spark, shape, Path(folder))
        contestants = contestants_of(spark, shape, vectors, columns)
        race(list(contestants.values()), turns)
        partitions = vectors.rdd.getNumPartitions()
    rates = [
        {
            "contestant": name,
            "seconds": round(one.median, 3),
            "fastest_s": round(min(one.seconds), 3),
            "rows_per_s": round(shape.rows / one.median),
            "cpu_s": round(one.cpu, 3),
        }
        for name, one in contestants.items()
    ]
    size = f"{shape}, {partitions} partitions, {turns} turns"
    return {"shape": name, "size": size, "rates": rates, "ratios": ratio_table(ratios_of(contestants))}


def ratios_of(contestants: Mapping[str, "Pass"]) -> list[Ratio]:
    """MLlib's seconds over ours, on the clock and of the processor."""

    def ratios(what: str, over: str, under: str, limit: float) -> list[Ratio]:
        one, other = contestants[over], contestants[under]
        return [
            Ratio(f"{what}: {over} / {under}", one.median / other.median, limit, 1 if limit else 0),
            Ratio(f"{what}: processor's seconds", one.cpu / other.cpu),
        ]

    return [
        *ratios("vectors", "MLlib, vectors", "nnspark.ml, vectors", LEAST),
        *ratios("the most there can be", "MLlib, vectors", "no-op function, vectors", 0.0),
        *ratios("columns", "MLlib with assembler, columns", "nnspark.Model, columns", LEAST),
    ]


def write_rows(spark: Any, shape: Shape, folder: Path) -> tuple[Any, Any]:
    """The shape's rows as Parquet files of vectors, and of plain columns; DataFrames that read them."""
    X, y = rows_of(shape)
    lists = write_parquet(folder / "lists", X, y, 2 * CORES)
    columns = write_columns(folder / "columns", X, y, 2 * CORES)
    vector_frame(spark, lists).write.parquet(str(folder / "vectors"))
    return spark.read.parquet(str(folder / "vectors")), spark.read.parquet(columns)


def contestants_of(spark: Any, shape: Shape, vectors: Any, columns: Any) -> dict[str, "Pass"]:
    """MLlib's model and ours over vectors and over columns, and what they cannot do without."""
    from pyspark.ml import PipelineModel
    from pyspark.ml.feature import VectorAssembler

    import nnspark
    from nnspark.ml import MultilayerPerceptronClassificationModel

    mllib = mllib_model(vectors, shape.layers)
    names = tuple(name for name in columns.columns if name != "label")
    model = same_model(mllib, shape.layers, names)
    own = MultilayerPerceptronClassificationModel(model)
    assembled = PipelineModel([VectorAssembler(inputCols=list(names), outputCol="features"), mllib])
    check_alike(mllib, own, vectors)
    shares = [f"probability_{label}" for label in range(shape.layers[-1])]
    model_of_columns = nnspark.Model.with_run(model, {})
    ways: dict[str, tuple[Callable[[], Any], Sequence[str]]] = {
        "MLlib, vectors": (lambda: mllib.transform(vectors), BOTH),
        "nnspark.ml, vectors": (lambda: own.transform(vectors), BOTH),
        "no-op function, vectors": (lambda: idle_transform(own, vectors), BOTH),
        "reading alone, vectors": (lambda: vectors, ["features"]),
        "MLlib with assembler, columns": (lambda: assembled.transform(columns), BOTH),
        "nnspark.Model, columns": (lambda: model_of_columns.transform(columns), ["prediction", *shares]),
        "reading alone, columns": (lambda: columns, names),
    }
    return {name: Pass(name, make, wanted, shape.rows) for name, (make, wanted) in ways.items()}


class Pass(Contestant):
    """A contestant: some columns of a DataFrame of so many rows, written nowhere."""

    def __init__(self, name: str, make: Callable[[], Any], wanted: Sequence[str], rows: int) -> None:
        super().__init__(name, self.timed)
        self.make, self.wanted, self.rows = make, wanted, rows
        self.used: list[float] = []

    @property
    def cpu(self) -> float:
        """The processor's seconds of a pass, of the JVM and of the workers; the warm-up left out."""
        return median(self.used[self.warmup :])

    def timed(self) -> list[float]:
        """Seconds of one pass."""
        from pyspark.sql import Observation
        from pyspark.sql import functions as F

        observed = Observation()
        before, began = processor_times(), time.perf_counter()
        frame = self.make().select(*self.wanted).observe(observed, F.count(F.lit(1)).alias("rows"))
        frame.write.format("noop").mode("overwrite").save()
        seconds = time.perf_counter() - began
        self.used.append(used_since(before))
        if observed.get["rows"] != self.rows:
            raise SystemExit(f"bench: {observed.get['rows']} rows were answered where there are {self.rows}")
        return [seconds]


def mllib_model(vectors: Any, layers: tuple[int, ...]) -> Any:
    """MLlib's model of these layers, trained a little on some of the rows."""
    from pyspark.ml.classification import MultilayerPerceptronClassifier

    estimator = MultilayerPerceptronClassifier(layers=list(layers), maxIter=2, seed=42)
    return estimator.fit(vectors.limit(1_000).repartition(1))


def same_model(mllib: Any, layers: tuple[int, ...], names: tuple[str, ...]) -> Any:
    """nnspark's model with the weights of MLlib's."""
    from nnspark.data.plan import Scaling
    from nnspark.model import Model
    from nnspark.net.mllib import from_mllib
    from nnspark.net.network import Network
    from nnspark.net.weights import unflatten

    weights = unflatten(from_mllib(mllib.weights.toArray(), layers), layers)
    plain = Scaling(np.zeros(layers[0]), np.ones(layers[0]))
    network = Network(layers, "sigmoid", "softmax", "cross_entropy")
    return Model(network, weights, plain, "classification", names, np.arange(layers[-1]))


def check_alike(mllib: Any, own: Any, vectors: Any) -> None:
    """See that both models answer some rows alike."""
    some = vectors.limit(1_000).repartition(1).persist()
    pairs = zip(mllib.transform(some).collect(), own.transform(some).collect(), strict=True)
    worst = max(abs(one.probability.toArray() - two.probability.toArray()).max() for one, two in pairs)
    some.unpersist()
    if not worst < 1e-9:
        raise SystemExit(f"bench: the models' probabilities differ by {worst}")


def idle_transform(own: Any, vectors: Any) -> Any:
    """What ``own.transform`` plans, with a function that computes nothing."""
    from nnspark.ml import classifier

    computing = classifier.class_batches
    classifier.class_batches = idle_batches
    try:
        return own.transform(vectors)
    finally:
        classifier.class_batches = computing


def idle_batches(model: Any, thresholds: Any, column: str, batches: Iterator[Any]) -> Iterator[Any]:
    """Worker function: for each batch as many answers, which are computed only once."""
    from nnspark.scoring.raw import class_batches

    for batch in batches:
        if len(batch) not in _drawn:
            (_drawn[len(batch)],) = class_batches(model, thresholds, column, iter([batch]))
        yield _drawn[len(batch)]


def table(results: dict[str, Any]) -> str:
    """Rates and ratios of each shape."""
    parts = [f"MLlib's BLAS: {results['mllib_blas']}"]
    for one in results["shapes"]:
        tables = (_common.format_table(one[name]) for name in ("rates", "ratios"))
        parts.append(f"{one['shape']}: {one['size']}\n\n" + "\n\n".join(tables))
    return "\n\n\n".join(parts)
