"""Labelled rows and a model's answers: what figures are summed over, refused where there can be none."""

import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from pyspark.sql import functions as F

from nnspark.engines.asking import asked
from nnspark.engines.connections import has_stopped
from nnspark.engines.frames import reading, refuse_other, refuse_stream
from nnspark.errors import DataError
from nnspark.ml.columns import number_of
from nnspark.ml.counting import is_label, is_weight
from nnspark.ml.named import with_named
from nnspark.scoring.frame import quoted

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, Row

__all__ = ["Labelled"]


class Labelled:
    """Predictions of a model, with the Params that it has now, for labelled rows.

    ``dataset`` is None of a model that a search trained on a part of the rows, which Spark cannot tell: there
    are no predictions then. A model without a prediction column is given one, as figures are made of it.
    """

    def __init__(self, model: Any, dataset: "DataFrame | None") -> None:
        if dataset is not None:
            refuse_stream(dataset)
        self._model, self._dataset = model.copy(), dataset
        if not model.getPredictionCol():
            self._model._set(predictionCol=f"prediction_{uuid.uuid4().hex}")
        self.predictionCol: str = self._model.getPredictionCol()
        self.labelCol: str = model.getLabelCol()
        self.featuresCol: str = model.getFeaturesCol()
        self.weightCol: str = model.optional(model.weightCol) or ""

    @cached_property
    def predictions(self) -> "DataFrame":
        """The rows with the model's answers; planned when asked for, which Spark takes 70 ms for."""
        if self._dataset is None:
            raise RuntimeError(
                "a search's models have no figures on the rows of their folds: use evaluate(DataFrame)"
            )
        self._refuse_stopped()
        answered: DataFrame = self._model.transform(
            with_named(self._dataset, (self.labelCol, self.weightCol))
        )
        return answered

    def _refuse_stopped(self) -> None:
        """RuntimeError once nothing can be asked of the rows' session."""
        if self._dataset is not None and has_stopped(self._dataset.sparkSession):
            raise RuntimeError(
                "the Spark session of these rows has stopped, and figures are made of them: use "
                "evaluate(DataFrame) with rows of another"
            )

    def checked(self) -> Self:
        """Itself; DataError where it is no DataFrame, or a column is missing, or holds something else."""
        refuse_other(self._dataset)
        assert self._dataset is not None
        names = [*filter(None, (self.labelCol, self.weightCol))]
        for name in names:
            number_of(with_named(self._dataset, names), name)
        _ = self.predictions
        return self

    def _numbers(self) -> "tuple[Column, Column, Column]":
        """Label, prediction and weight, as columns of doubles."""
        self._refuse_stopped()
        label, prediction = (
            F.col(quoted(name)).cast("double") for name in (self.labelCol, self.predictionCol)
        )
        weight = F.col(quoted(self.weightCol)).cast("double") if self.weightCol else F.lit(1.0)
        return label, prediction, weight

    def _sums(self, sums: "dict[str, Column]", *by: "Column") -> "list[Row]":
        """Sums by group, one of them "w", of the weight; DataError where rows have no label or no weight."""
        label, _, weight = self._numbers()
        counts = {"unlabelled": ~is_label(label), "misweighted": ~is_weight(weight)}
        wanted = [F.sum(value).alias(name) for name, value in sums.items()]
        wanted += [F.count(F.when(wrong, 1)).alias(name) for name, wrong in counts.items()]
        grouped = self.predictions.groupBy(*by).agg(*wanted)

        def collected() -> "list[Row]":
            with reading("the DataFrame"):
                return grouped.collect()

        rows = asked(self._dataset, collected)
        missing, other = (sum(row[name] for row in rows) for name in counts)
        if missing:
            raise DataError(
                f"every row needs a finite label, but {_rows(missing)} none in column {self.labelCol!r}"
            )
        if other:
            raise DataError(
                f"weights must be finite and not negative, but {_rows(other)} another in column "
                f"{self.weightCol!r}"
            )
        if not any(row["w"] for row in rows):
            raise DataError("there is no row with weight, so there are no figures")
        return rows


def _rows(count: int) -> str:
    return f"{count:,} row has" if count == 1 else f"{count:,} rows have"
