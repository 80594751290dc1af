"""Predict the rows of a DataFrame on the executors, and see that every row could be predicted.

The JVM keeps the rows; only the features go to Python, as one Arrow array a batch, and come back as
answers. A row whose features are missing, not finite or of the wrong number gets a null answer, is
counted in the same pass (``Scored.check``) and explained by a second pass only when there is one.

The same row gets the same bits wherever it is (``model/answers.py``).
"""

import warnings
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.engines.connections import Held, held_by
from nnspark.engines.settling import settle_worker
from nnspark.errors import DataError
from nnspark.model import Model
from nnspark.scoring.batches import usable_rows
from nnspark.scoring.columns import FEATURES, FeatureColumns, as_array, refuse_taken, with_features
from nnspark.scoring.faults import explain, without_stack
from nnspark.scoring.raw_columns import raw_values

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark import Broadcast
    from pyspark.sql import DataFrame, Observation

__all__ = ["Scored", "answer_columns", "answered", "answers_of", "quoted", "score"]

Array = NDArray[Any]
ANSWERS = "nnspark answers"


class Scored(NamedTuple):
    """A DataFrame with its answers, not computed yet, and what has to be checked and freed after."""

    frame: "DataFrame"
    source: "DataFrame"
    features: FeatureColumns
    observed: "Observation"
    model_bc: "Broadcast[Model] | Held"

    def check(self, name: str) -> int:
        """Once the frame was computed: the number of rows; DataError if one could not be predicted."""
        rows, bad = self.counts()
        if bad:
            raise DataError(explain(self.source, self.features, name))
        return rows

    def counts(self) -> tuple[int, int]:
        """Once the frame was computed: the numbers of rows, and of those that could not be predicted."""
        counts = self.observed.get
        return int(counts["rows"]), int(counts["unpredicted"])


def score(frame: "DataFrame", model: Model, features: FeatureColumns) -> Scored:
    """The frame's columns followed by the model's answers; one job, when it is written or collected."""
    from pyspark.sql import Observation
    from pyspark.sql import functions as F

    with_answers, model_bc = _with_answers(frame, model, features)
    observed = Observation()
    watched = with_answers.observe(
        observed,
        F.count(F.lit(1)).alias("rows"),
        F.count_if(F.col(f"`{ANSWERS}`").isNull()).alias("unpredicted"),
    )
    return Scored(_laid_open(watched, model), frame, features, observed, model_bc)


def answered(
    frame: "DataFrame", model: Model, features: FeatureColumns, *, strict: bool = False
) -> "DataFrame":
    """The same without the check: null answers for rows that cannot be predicted; streaming frames too.

    ``strict``: such a row ends the job with a DataError, quoted.
    """
    return _laid_open(_with_answers(frame, model, features, strict=strict)[0], model)


def _with_answers(
    frame: "DataFrame", model: Model, features: FeatureColumns, *, strict: bool = False
) -> tuple["DataFrame", "Broadcast[Model] | Held"]:
    """The frame with all answers in the column ``ANSWERS``, a struct."""
    from pyspark.sql import functions as F
    from pyspark.sql.pandas.functions import ArrowUDFType, arrow_udf

    names = answer_columns(model)
    refuse_taken(frame, [name for name, _ in names])
    model_bc = held_by(frame.sparkSession, model)
    types = ", ".join(f"a{at}: {kind}" for at, (_, kind) in enumerate(names))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the type hints it asks for cannot be on a partial
        worker = partial(_strict_batches if strict else _answer_batches, model_bc)
        answer = arrow_udf(worker, f"struct<{types}>", ArrowUDFType.SCALAR_ITER)
    rows = with_features(frame, as_array(features), features)
    return rows.withColumn(ANSWERS, answer(F.col(f"`{FEATURES}`"))), model_bc


def _laid_open(rows: "DataFrame", model: Model) -> "DataFrame":
    """The frame's own columns, whatever their names, and a column an answer."""
    from pyspark.sql import functions as F

    names = [name for name, _ in answer_columns(model)]
    columns = [F.col(f"`{ANSWERS}`").getField(f"a{at}").alias(name) for at, name in enumerate(names)]
    return rows.select("*", *columns).drop(FEATURES, ANSWERS)


def answer_columns(model: Model) -> list[tuple[str, str]]:
    """Name and Spark type of each column of ``Model.answers``."""
    is_text = model.classes is not None and model.classes.dtype.kind == "U"
    labels = "string" if is_text else "bigint"
    whole = model.task in ("classification", "multilabel")
    return [
        (name, labels if whole and name.startswith("prediction") else "double") for name in model.answer_names
    ]


def quoted(name: str) -> str:
    """A column name that Spark takes literally."""
    return "`" + name.replace("`", "``") + "`"


def _answer_batches(
    model_bc: "Broadcast[Model] | Held", batches: Iterator["pa.Array"]
) -> Iterator["pa.Array"]:
    """Worker function: a struct of answers for each list of features."""
    settle_worker()
    model = model_bc.value
    for batch in batches:
        yield answers_of(model, batch)


def _strict_batches(
    model_bc: "Broadcast[Model] | Held", batches: Iterator["pa.Array"]
) -> Iterator["pa.Array"]:
    """Worker function: the same; DataError at a row that cannot be predicted."""
    for answers in _answer_batches(model_bc, batches):
        if answers.null_count:
            with without_stack():
                raise DataError(
                    f"{answers.null_count} of a batch of {len(answers)} rows cannot be predicted: a feature "
                    "is missing, infinite or of another type; fill or drop them, or set on_bad_row='null'"
                )
        yield answers


def answers_of(model: Model, batch: "pa.Array") -> "pa.Array":
    """A struct of answers for each list of features, or struct of raw columns; null for a row without."""
    import pyarrow as pa

    if model.encoding is None:
        features, usable = usable_rows(batch, model.network.layers[0])
    else:
        features, usable = raw_values(model.encoding, batch)
    kinds = [pa.string() if kind == "string" else None for _, kind in answer_columns(model)]
    columns = [
        pa.array(np.ascontiguousarray(column), type=kind)
        for column, kind in zip(model.answers(features), kinds, strict=True)
    ]
    found = pa.StructArray.from_arrays(columns, [f"a{at}" for at in range(len(columns))])
    if usable.all():
        return found
    positions = pa.array(np.cumsum(usable) - 1, mask=~usable)
    return found.take(positions)
