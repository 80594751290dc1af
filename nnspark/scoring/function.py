"""A model as a function of Spark columns, for SQL and expressions: features in, the prediction out."""

import re
import warnings
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nnspark.engines.settling import settle_worker
from nnspark.errors import DataError, ModelError, ShapeError
from nnspark.model import Model
from nnspark.scoring.faults import without_stack
from nnspark.scoring.frame import answer_columns, answers_of
from nnspark.scoring.raw_columns import struct_of_columns

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

__all__ = ["as_udf", "register"]

COLUMNAR = "spark.sql.execution.arrow.pythonUDF.columnarInput.enabled"
WORDS = ("all", "distinct")  # SELECT all(x) is x: SQL's own, and in no list of functions


def register(session: "SparkSession", name: str, model: Model) -> None:
    """Make the model the function ``name`` of the session's SQL; see ``as_udf`` for what it sets there.

    Raises
    ------
    ModelError : a name that SQL cannot call, or one of Spark's own functions, which SQL would run instead.
    """
    if not hasattr(session, "udf"):
        raise ModelError(f"session: expected a SparkSession to register the model in, got {session!r}")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise ModelError(
            f"name: expected letters, digits and underscores, a letter first, as in SQL, got {name!r}"
        )
    own = {row[0].lower() for row in session.sql("SHOW SYSTEM FUNCTIONS").collect()}
    if name.lower() in own or name.lower() in WORDS:
        raise ModelError(
            f"name: {name!r} is a word of Spark's own SQL, which would run instead of the model; "
            "take another name"
        )
    session.udf.register(name, as_udf(model))
    session.conf.set(COLUMNAR, "false")


def as_udf(model: Model) -> Any:
    """A function of one array column, or of as many columns as the model takes, raw ones too.

    It gives the prediction, or an array of them where the model has several; null for a row that cannot be
    predicted. The model travels in it, so it is for models of at most some megabytes.

    In the active session it turns ``COLUMNAR`` off: Spark (4.2, 4.3) hands the batches of a Parquet file to
    such functions with all their columns, and fails at a vector among them, whether it is an argument or not.
    """
    from pyspark.sql import SparkSession
    from pyspark.sql.pandas.functions import ArrowUDFType, arrow_udf

    if session := SparkSession.getActiveSession():
        session.conf.set(COLUMNAR, "false")
    kinds = [kind for name, kind in answer_columns(model) if name.startswith("prediction")]
    kind = kinds[0] if len(kinds) == 1 else f"array<{kinds[0]}>"
    worker = partial(_predict, model, len(kinds))
    worker.__name__ = "predict"  # type: ignore[attr-defined]  # what Spark calls the column
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the type hints it asks for cannot be on a partial
        return arrow_udf(worker, kind, ArrowUDFType.SCALAR)


def _predict(model: Model, count: int, *columns: "pa.Array") -> "pa.Array":
    """Worker function: the predictions of a batch."""
    import pyarrow as pa
    import pyarrow.compute as pc

    settle_worker()
    with without_stack():
        if model.encoding is None:
            rows = _as_lists(columns, model.network.layers[0])
        else:
            rows = struct_of_columns(model.encoding, columns)
        answers = answers_of(model, rows)
    found = [answers.field(at) for at in range(count)]
    if count == 1:
        return pc.if_else(answers.is_valid(), found[0], pa.scalar(None, found[0].type))
    flat = pa.concat_arrays(found).take(
        pa.array(np.arange(count * len(answers)).reshape(count, -1).T.ravel())
    )
    lists = pa.FixedSizeListArray.from_arrays(flat, count).cast(pa.list_(flat.type))
    return pc.if_else(answers.is_valid(), lists, pa.scalar(None, lists.type))


def _as_lists(columns: Sequence["pa.Array"], width: int) -> "pa.Array":
    """One list a row: the one array column there is, or numbers side by side."""
    import pyarrow as pa

    if len(columns) == 1 and pa.types.is_list(columns[0].type):
        if not _are_numbers(columns[0].type.value_type):
            raise DataError(
                f"the model takes an array of numbers, but got {columns[0].type}; cast it to array<double>"
            )
        return columns[0].cast(pa.list_(pa.float64()))
    if any(pa.types.is_struct(column.type) for column in columns):
        raise DataError(
            f"the model takes {width} numbers or one array of them, but got a vector or another struct; "
            "give it vector_to_array(column), of pyspark.ml.functions"
        )
    if len(columns) != width:
        raise ShapeError(f"the model takes {width} features or one array of them, got {len(columns)} columns")
    for at, column in enumerate(columns, 1):
        if not _are_numbers(column.type):
            raise DataError(
                f"argument {at} of the model must be a number, but is {column.type}; cast it to double"
            )
    values = [column.cast(pa.float64()).to_numpy(zero_copy_only=False) for column in columns]
    flat = pa.array(np.column_stack(values).ravel())
    return pa.ListArray.from_arrays(pa.array(np.arange(0, len(flat) + 1, width, dtype=np.int32)), flat)


def _are_numbers(kind: "pa.DataType") -> bool:
    """As training takes them: numbers, booleans, or nothing but nulls; no text, whatever it spells."""
    import pyarrow as pa

    of = pa.types
    return any(
        is_one(kind) for is_one in (of.is_integer, of.is_floating, of.is_decimal, of.is_boolean, of.is_null)
    )
