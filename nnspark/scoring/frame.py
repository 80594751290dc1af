"""Predict the rows of a DataFrame on the executors, and see that every row could be predicted.

The JVM keeps the rows; only the features go to Python, as one Arrow array a batch, and come back as
answers. A row whose features are missing, not finite or of the wrong number gets a null answer, is
counted in the same pass (``Scored.check``) and explained by a second pass only when there is one.

The same row gets the same bits wherever it is. BLAS gives other bits when the number of rows in a
product changes, and some kernels give the last rows of a product other bits than the rest. So rows
are predicted in float64 in products of exactly 768 rows, the last one padded. Measured, as rows
moved through 250 random shapes, with OpenBLAS 0.3.31's SkylakeX, Haswell (also Zen), Sandybridge and
Nehalem kernels: no bit differs. (With 1,024 rows, 18 of 60 shapes differ on SkylakeX; in float32, 34
of 60 on Haswell with any number of rows.)
"""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError
from nnspark.model import Model
from nnspark.objective.problems import predicted_classes
from nnspark.scoring.columns import FeatureColumns, as_array, data_section
from nnspark.scoring.faults import explain

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark import Broadcast
    from pyspark.sql import DataFrame, Observation

__all__ = ["Scored", "answer_names", "answers", "score", "steady_outputs", "target_names"]

Array = NDArray[Any]
PRODUCT_ROWS = 768
ANSWERS = "nnspark answers"


class Scored(NamedTuple):
    """A DataFrame with its answers, not computed yet, and what has to be checked and freed after."""

    frame: "DataFrame"
    source: "DataFrame"
    features: FeatureColumns
    observed: "Observation"
    model_bc: "Broadcast[Model]"

    def check(self, name: str) -> int:
        """Once the frame was computed: the number of rows; DataError if one could not be predicted."""
        counts = self.observed.get
        if counts["unpredicted"]:
            raise DataError(explain(self.source, self.features, name))
        return int(counts["rows"])


def score(frame: "DataFrame", model: Model, features: FeatureColumns) -> Scored:
    """The frame's columns followed by the model's answers; one job, when it is written or collected."""
    from pyspark.sql import Observation
    from pyspark.sql import functions as F
    from pyspark.sql.pandas.functions import ArrowUDFType, arrow_udf

    names = answer_names(model)
    taken = [name for name, _ in names if name in frame.columns]
    if taken:
        raise DataError(f"the input already has a column {taken[0]!r}; rename or drop it")
    model_bc = frame.sparkSession.sparkContext.broadcast(in_float64(model))
    types = ", ".join(f"a{at}: {kind}" for at, (_, kind) in enumerate(names))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the type hints it asks for cannot be on a partial
        answer = arrow_udf(partial(_answer_batches, model_bc), f"struct<{types}>", ArrowUDFType.SCALAR_ITER)
    observed = Observation()
    answered = frame.withColumn(ANSWERS, answer(as_array(features))).observe(
        observed,
        F.count(F.lit(1)).alias("rows"),
        F.count_if(F.col(f"`{ANSWERS}`").isNull()).alias("unpredicted"),
    )
    columns = [F.col(f"`{ANSWERS}`").getField(f"a{at}").alias(name) for at, (name, _) in enumerate(names)]
    kept = [F.col(quoted(name)) for name in frame.columns]
    return Scored(answered.select(*kept, *columns), frame, features, observed, model_bc)


def answer_names(model: Model) -> list[tuple[str, str]]:
    """Name and Spark type of each column of answers."""
    if model.classes is not None:
        kind = "string" if model.classes.dtype.kind == "U" else "bigint"
        return [("prediction", kind), *((f"probability_{c}", "double") for c in model.classes.tolist())]
    names = target_names(model)
    if model.task == "multilabel":
        return [(f"prediction_{n}", "bigint") for n in names] + [
            (f"probability_{n}", "double") for n in names
        ]
    return [("prediction" if len(names) == 1 else f"prediction_{n}", "double") for n in names]


def target_names(model: Model) -> list[str]:
    """What the outputs are called: the label columns' names in the model's recipe, or numbers."""
    outputs = model.network.layers[-1]
    label = data_section(model).label
    names = [str(name) for name in label] if isinstance(label, list) else []
    return names if len(names) == outputs else [str(at) for at in range(outputs)]


def answers(model: Model, features: Array) -> list[Array]:
    """The columns of ``answer_names`` for raw rows, each of shape (n,)."""
    outputs = steady_outputs(model, features)
    if model.classes is not None:
        if outputs.shape[1] == 1:
            shares = np.hstack([1.0 - outputs, outputs])
        else:
            total = outputs.sum(axis=1, keepdims=True)
            even = np.full_like(outputs, 1 / outputs.shape[1])
            shares = np.divide(outputs, total, out=even, where=total > 0)
        return [model.classes[predicted_classes(outputs)], *shares.T]
    if model.task == "multilabel":
        return [*(outputs >= 0.5).astype(np.int64).T, *outputs.T]
    values = outputs if model.target_scaling is None else model.target_scaling.undo(outputs)
    return list(values.T)


def steady_outputs(model: Model, features: Array) -> NDArray[np.float64]:
    """Output activations whose bits depend on nothing but the row, shape (n, units)."""
    model = in_float64(model)
    outputs = np.empty((len(features), model.network.layers[-1]))
    padded = np.zeros((PRODUCT_ROWS, features.shape[1]))
    for start in range(0, len(features), PRODUCT_ROWS):
        rows = features[start : start + PRODUCT_ROWS]
        padded[: len(rows)] = rows
        outputs[start : start + len(rows)] = model.outputs(padded)[: len(rows)]
    return outputs


def in_float64(model: Model) -> Model:
    """The model with weights in float64."""
    if all(W.dtype == np.float64 for W in model.weights):
        return model
    return replace(model, weights=[W.astype(np.float64) for W in model.weights])


def quoted(name: str) -> str:
    """A column name that Spark takes literally."""
    return "`" + name.replace("`", "``") + "`"


def _answer_batches(model_bc: "Broadcast[Model]", batches: Iterator["pa.Array"]) -> Iterator["pa.Array"]:
    """Worker function: a struct of answers for each list of features."""
    model = model_bc.value
    for batch in batches:
        yield _answer_batch(model, batch)


def _answer_batch(model: Model, batch: "pa.Array") -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    width = model.network.layers[0]
    usable = np.asarray(pc.fill_null(pc.list_value_length(batch), -1)) == width
    values = batch.filter(pa.array(usable)).flatten().to_numpy(zero_copy_only=False)
    features = np.asarray(values, dtype=np.float64).reshape(-1, width)
    finite = np.isfinite(features).all(axis=1)
    usable[usable] = finite
    kinds = [pa.string() if kind == "string" else None for _, kind in answer_names(model)]
    columns = [
        pa.array(np.ascontiguousarray(column), type=kind)
        for column, kind in zip(answers(model, features[finite]), kinds, strict=True)
    ]
    found = pa.StructArray.from_arrays(columns, [f"a{at}" for at in range(len(columns))])
    if usable.all():
        return found
    positions = pa.array(np.cumsum(usable) - 1, mask=~usable)
    return found.take(positions)
