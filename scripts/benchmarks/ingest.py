"""Ingest: from Parquet files and from NumPy arrays to resident shards and a first evaluation.

MLlib's counterpart is a fit with maxIter = 1 on the same, uncached, Parquet files, or on a DataFrame
made from the arrays.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import _common
from benchmarks._common import CORES, Contestant, Ratio, Shape, race, ratio_table
from benchmarks._data import rows_of, table_of, vector_frame, write_parquet
from benchmarks._nnspark import Epochs, recipe_for
from benchmarks._peers import Mllib
from nnspark.data.dataset import make_dataset
from nnspark.engines.base import Shards
from nnspark.engines.frames import frame_shards
from nnspark.engines.layout import make_shards

Array = NDArray[Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many times."""
    parser.add_argument("--epochs", type=int, default=0, help="times each (default 5)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Race the ways in."""
    spark = _common.session("ingest")
    sizes = []
    for name, shape in _common.shapes_of(args, "M").items():
        with tempfile.TemporaryDirectory(prefix="nnspark-bench-") as folder:
            contestants = contestants_of(spark, shape, Path(folder))
            race(contestants, args.epochs or (2 if args.quick else 5))
        rates = {one.name: shape.rows / one.median for one in contestants}
        found = [
            {
                "contestant": one.name,
                "seconds": round(one.median, 3),
                "rows_per_second": round(rates[one.name]),
            }
            for one in contestants
        ]
        ratios = [
            Ratio(f"nnspark / MLlib, from {source}", rates[f"nnspark, {source}"] / rates[f"MLlib, {source}"])
            for source in ("Parquet", "NumPy")
        ]
        sizes.append({"shape": name, "size": str(shape), "rates": found, "ratios": ratio_table(ratios)})
    return {"shapes": sizes}


def contestants_of(spark: Any, shape: Shape, folder: Path) -> list[Contestant]:
    """nnspark (float32) and MLlib, each from Parquet and from NumPy."""
    recipe = recipe_for(shape, "float32")
    X, y = rows_of(shape)
    path = write_parquet(folder / "rows", X, y, 2 * CORES)

    def lay_out(make: Callable[[], Shards]) -> Callable[[], list[float]]:
        def sample() -> list[float]:
            began = time.perf_counter()
            shards = make()
            Epochs(recipe, shards)()
            seconds = time.perf_counter() - began
            shards.close()
            return [seconds]

        return sample

    def fit(frame: Callable[[], Any]) -> Callable[[], list[float]]:
        def sample() -> list[float]:
            began = time.perf_counter()
            Mllib(frame(), shape.layers, "l-bfgs", block_size=128, iterations=(1, 1)).fit(1)
            return [time.perf_counter() - began]

        return sample

    def array_frame() -> Any:
        return _array_frame(spark, X, y)

    return [
        Contestant(
            "nnspark, Parquet", lay_out(lambda: frame_shards(spark.read.parquet(path), recipe)), warmup=1
        ),
        Contestant("MLlib, Parquet", fit(lambda: vector_frame(spark, path)), warmup=1),
        Contestant(
            "nnspark, NumPy",
            lay_out(lambda: make_shards(make_dataset(table_of(X, y), recipe), spark.sparkContext)),
            warmup=1,
        ),
        Contestant("MLlib, NumPy", fit(array_frame), warmup=1),
    ]


def _array_frame(spark: Any, X: Array, y: Array) -> Any:
    """A DataFrame of arrays, through Arrow, as MLlib wants it."""
    import pyarrow as pa
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql.functions import col

    offsets = np.arange(0, X.size + 1, X.shape[1], dtype=np.int32)
    lists = pa.ListArray.from_arrays(offsets, pa.array(X.ravel()))
    frame = spark.createDataFrame(pa.table({"features": lists, "label": pa.array(y)}))
    return frame.select(array_to_vector("features").alias("features"), col("label").cast("double"))


def table(results: dict[str, Any]) -> str:
    """Rates and their ratios."""
    return "\n\n".join(
        f"\n{one['shape']}: {one['size']}\n\n{_common.format_table(one['rates'])}\n\n"
        f"{_common.format_table(one['ratios'])}"
        for one in results["shapes"]
    )
