"""Data for the benchmarks: rows of a shape, MNIST-sized images, and the same rows as Parquet files."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._common import Shape
from nnspark.sources.table import Table

__all__ = ["images", "rows_of", "table_of", "vector_frame", "write_columns", "write_parquet"]

Array = NDArray[Any]
SIDE = 28


def rows_of(shape: Shape, seed: int = 42) -> tuple[Array, NDArray[np.int64]]:
    """Features in 0..1, shape (rows, inputs), and the labels a random linear teacher gives them."""
    rng = np.random.default_rng(seed)
    features = rng.random((shape.rows, shape.layers[0]))
    teacher = rng.normal(size=(shape.layers[0], shape.layers[-1]))
    return features, (features @ (teacher - teacher.mean(axis=0))).argmax(axis=1)


def table_of(features: Array, labels: Array) -> Table:
    """A table as a reader returns it."""
    names = tuple(f"f{i}" for i in range(features.shape[1]))
    return Table(np.ascontiguousarray(features, dtype=np.float64), labels, None, names, None)


def write_parquet(folder: Path, features: Array, labels: Array, files: int) -> str:
    """Rows as Parquet files of a list column ``features`` and an integer ``label``; returns the folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True)
    for number, rows in enumerate(np.array_split(np.arange(len(features)), files)):
        flat = pa.array(features[rows].ravel(), pa.float64())
        lists = pa.FixedSizeListArray.from_arrays(flat, features.shape[1]).cast(pa.list_(pa.float64()))
        table = pa.table({"features": lists, "label": pa.array(labels[rows], pa.int64())})
        pq.write_table(table, folder / f"part-{number:04}.parquet")
    return str(folder)


def write_columns(folder: Path, features: Array, labels: Array, files: int) -> str:
    """Rows as Parquet files of numeric columns ``x0``, ``x1``, ... and ``label``; returns the folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True)
    for number, rows in enumerate(np.array_split(np.arange(len(features)), files)):
        columns = {f"x{at}": pa.array(column) for at, column in enumerate(features[rows].T)}
        pq.write_table(pa.table({**columns, "label": labels[rows]}), folder / f"part-{number:04}.parquet")
    return str(folder)


def vector_frame(spark: Any, path: str) -> Any:
    """The Parquet rows as MLlib wants them: a vector column and a double label."""
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql.functions import col

    return spark.read.parquet(path).select(
        array_to_vector("features").alias("features"), col("label").cast("double")
    )


def images(train: int, test: int, seed: int = 42) -> tuple[Array, Array, Array, Array]:
    """MNIST-sized stand-in: X_train, y_train, X_test, y_test; 784 pixels in 0..1, classes 0..9.

    scikit-learn's 1,797 digits of 8x8 pixels, enlarged to 20x20 by linear interpolation with a random
    stretch, slant and turn, put at a random place near the middle of 28x28, with noise. Test images
    come from other digits (every fifth) than training images.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    held_out = np.arange(len(digits.images)) % 5 == 0
    made = []
    for part, count, chosen in ((0, train, ~held_out), (1, test, held_out)):
        rng = np.random.default_rng([seed, part])
        pick = rng.integers(0, chosen.sum(), count)
        made += [_drawn(digits.images[chosen][pick] / 16.0, rng), digits.target[chosen][pick]]
    return made[0], made[1], made[2], made[3]


def _drawn(small: Array, rng: np.random.Generator, batch: int = 5_000) -> Array:
    """8x8 images through random affine maps onto 28x28, with noise."""
    from scipy.ndimage import map_coordinates

    grid = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij")).reshape(2, -1)
    pixels = np.empty((len(small), SIDE * SIDE))
    for start in range(0, len(small), batch):
        some = small[start : start + batch]
        count = len(some)
        turn, slant = rng.normal(0, 0.07, count), rng.normal(0, 0.07, count)
        stretch = 8 / 20 / rng.uniform(0.9, 1.1, (2, count, 1))
        dy = grid[0] - (SIDE - 1) / 2 - rng.uniform(-1.0, 1.0, (count, 1))
        dx = grid[1] - (SIDE - 1) / 2 - rng.uniform(-1.0, 1.0, (count, 1))
        cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
        y = (cos * dy - sin * dx) * stretch[0] + 3.5
        x = (sin * dy + cos * dx + slant[:, None] * dy) * stretch[1] + 3.5
        which = np.broadcast_to(np.arange(count)[:, None], y.shape)
        # Rows apart by two empty ones, so that one image's interpolation never reaches the next.
        stacked = np.zeros((count, 10, 10))
        stacked[:, 1:9, 1:9] = some
        y, x = np.clip(y + 1, 0, 9), np.clip(x + 1, 0, 9)
        values = map_coordinates(stacked.reshape(-1, 10), [which * 10 + y, x], order=1)
        pixels[start : start + count] = values
    pixels += rng.normal(0, 0.08, pixels.shape)
    return np.clip(pixels, 0.0, 1.0, out=pixels)
