"""Arrays to predict, in .npy and .npz files: read on the driver, a column a feature, named by position."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from nnspark.errors import ShapeError
from nnspark.model import Model
from nnspark.sources.files import existing, existing_file
from nnspark.sources.npy import read_npy_array, read_npz_array
from nnspark.sources.table import numbered

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["array_frame", "npy_features", "npz_features"]


def npy_features(model: Model, path: str) -> tuple[NDArray[Any], str]:
    """The array of a .npy file, or of the one in a folder that the model's recipe reads features from."""
    place = existing(path, "INPUT")
    if place.is_dir():
        name = model.data.features or "X"
        place /= name if Path(name).suffix == ".npy" else f"{name}.npy"
    return read_npy_array(existing_file(str(place), "INPUT")), str(place)


def npz_features(model: Model, path: str) -> tuple[NDArray[Any], str]:
    """The array that the model's recipe reads its features from, or the only one there is."""
    name = model.data.features or "X"
    return read_npz_array(existing_file(path, "INPUT"), name), f"{path}[{name}]"


def array_frame(
    session: "SparkSession", model: Model, array: NDArray[Any], where: str
) -> tuple["DataFrame", bool]:
    """The rows spread over the executors, and whether the model's features are columns by number.

    Raises
    ------
    ShapeError : what is no table of numbers.
    """
    import pyarrow as pa

    wanted = model.columns
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "buif":
        raise ShapeError(
            f"{where} must hold numbers of shape (rows, {len(wanted)}), but has shape {array.shape} and "
            f"dtype {array.dtype}"
        )
    names = numbered(array.shape[1])
    columns = [pa.array(column.astype(float)) for column in array.T]
    frame = session.createDataFrame(pa.Table.from_arrays(columns, list(names)))
    return frame, wanted != numbered(len(wanted)) and set(wanted) <= set(names)
