"""Load data on the driver: one reader a format, all returning a checked `Table` of NumPy arrays.

For small data and the local engine; Spark's executors read large csv, libsvm, parquet and orc themselves.
"""

from collections.abc import Callable
from difflib import get_close_matches

from nnspark.errors import DataError, RecipeError
from nnspark.recipe.source_checks import OF_SPARK
from nnspark.sources.bundled import read_bundled
from nnspark.sources.csv import read_csv
from nnspark.sources.files import one_line
from nnspark.sources.idx import read_idx
from nnspark.sources.libsvm import read_libsvm
from nnspark.sources.made import read_made
from nnspark.sources.npy import read_npy, read_npz
from nnspark.sources.parquet import read_parquet
from nnspark.sources.table import DataRequest, DataSpec, Table

__all__ = ["SOURCES", "DataRequest", "DataSpec", "Table", "load_table"]

SOURCES: dict[str, Callable[[DataRequest], Table]] = {
    "bank": read_made,
    "csv": read_csv,
    "digit_images": read_made,
    "digits": read_bundled,
    "houses": read_made,
    "idx": read_idx,
    "iris": read_bundled,
    "libsvm": read_libsvm,
    "npy": read_npy,
    "npz": read_npz,
    "orc": read_parquet,
    "parquet": read_parquet,
    "random_regression": read_made,
    "words": read_made,
}


def load_table(spec: DataSpec) -> Table:
    """Read the data a recipe's data section names.

    Raises
    ------
    RecipeError : an unknown source, or a key that the source does not have
    DataError : a file or row that cannot be used; the message names file and row, line or column
    ShapeError : features, labels or weights that do not fit each other
    """
    request = DataRequest.of(spec)
    if request.source not in SOURCES:
        known = sorted({*SOURCES, *OF_SPARK})
        near = get_close_matches(str(request.source), known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise RecipeError(f"data.source must be one of {', '.join(known)}, not {request.source!r}{hint}")
    try:
        return SOURCES[request.source](request)
    except OSError as error:
        raise DataError(f"source {request.source!r} cannot be read: {one_line(error)}") from error
