"""The rows of a DataFrame that is small enough, in the driver: what the engine without Spark trains on.

They come by Arrow from Spark; of plain Parquet files this process reads them itself, which is several times
as quick (``engines/frames/parquet_files.py``). Each batch is put where it belongs and let go.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.fold_numbers import NAMED
from nnspark.engines.frames.parquet_batches import Columns
from nnspark.engines.frames.parquet_files import plain_files
from nnspark.errors import DataError
from nnspark.ml.columns import Source
from nnspark.net.blas import cores
from nnspark.sources.table import Table

__all__ = ["fetch"]

Array = NDArray[Any]
Given = NDArray[np.int8] | None
FEATURES, LABEL, WEIGHT, GIVEN = "f0", "t0", "w", "g"


def fetch(source: Source) -> tuple[Table, Given]:
    """All rows, and what a column gives of their parts, if one does; see ``Plan.parts``.

    Raises
    ------
    DataError : rows that cannot be used (whoever asked finds out which), or more or fewer than were counted.
    """
    features = np.empty((source.rows, source.width))
    target = np.empty(source.rows)
    weight = np.empty(source.rows) if source.weight else None
    given = np.empty(source.rows, np.int8) if source.validation or source.fold else None
    at = 0
    for batch in _batches(source):
        rows = slice(at, at + batch.num_rows)
        at = rows.stop
        if at > source.rows:
            break
        _put_features(batch.column(FEATURES), features[rows])
        for name, values in ((LABEL, target), (WEIGHT, weight), (GIVEN, given)):
            if values is not None:
                values[rows] = batch.column(name).to_numpy(zero_copy_only=False)
    if at != source.rows:
        raise DataError(
            f"the DataFrame has {at} rows or more where {source.rows} were counted before: it changes from "
            "query to query; write it to a table, or cache it, and train on that"
        )
    return Table(features, target, weight, source.names), given


def _put_features(lists: Any, place: Array) -> None:
    """Write a batch's lists into ``place`` (n, num_features)."""
    values = lists.flatten().to_numpy(zero_copy_only=False)
    if lists.null_count or (np.diff(lists.offsets.to_numpy()) != place.shape[1]).any():
        raise DataError("features that cannot be used")
    place[...] = values.reshape(place.shape)
    if not np.isfinite(place).all():
        raise DataError("features that cannot be used")


def _batches(source: Source) -> Iterable[Any]:
    """Batches of the columns ``f0``, ``t0``, ``w`` and ``g``, as far as they are there."""
    types = dict(source.stored.dtypes)
    made = {
        FEATURES: (source.features.name, "vector" if types[source.features.name] == "vector" else "array"),
        LABEL: (source.label, "number"),
    }
    if source.weight:
        made[WEIGHT] = source.weight, "number"
    if source.validation:
        made[GIVEN] = source.validation, "validates"
    if source.fold:
        made[GIVEN] = source.fold, "fold"
    files = plain_files(source.stored, Columns(made, source.width))
    return _by_spark(source) if files is None else files.batches(cores())


def _by_spark(source: Source) -> Iterable[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    own = {FEATURES: source.features.name, LABEL: source.label, WEIGHT: source.weight}
    for batch in source.frame.toArrow().to_batches():
        found = {alias: batch.column(name) for alias, name in own.items() if name}
        if source.validation:
            validates = pc.if_else(
                batch.column(source.validation), pa.scalar(1, pa.int8()), pa.scalar(-1, pa.int8())
            )
            found[GIVEN] = validates
        if source.fold:
            found[GIVEN] = pc.add(batch.column(source.fold), NAMED).cast(pa.int8())
        yield pa.RecordBatch.from_pydict(found)
