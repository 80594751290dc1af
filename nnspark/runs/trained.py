"""The model as people hold it: the artifact, how it came about, and what it does to rows of every kind.

``nnspark.train`` and ``nnspark.load`` return it. Prediction from arrays needs NumPy alone; what needs Spark,
pandas or Arrow imports it where it is used.
"""

import dataclasses
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnspark import model as models
from nnspark.engines.types import Frame, Session
from nnspark.errors import DataError, ModelError, NNSparkError
from nnspark.model.stored import write_model
from nnspark.net import weights as weights_module
from nnspark.runs.failures import for_python

if TYPE_CHECKING:
    from pandas import DataFrame as PandasFrame

__all__ = ["Model", "Report"]


@dataclass(frozen=True, repr=False)
class Report:
    """The report of a run: an HTML page; a notebook shows it."""

    page: str

    def save(self, path: str | Path) -> None:
        """Write the page."""
        Path(path).write_text(self.page, encoding="utf-8")

    def __repr__(self) -> str:
        """A few words: the page is some 70 kB."""
        return f"Report of {len(self.page):,} characters: a notebook shows it, save(path) writes it"

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that neither's styles reach the other."""
        return f'<iframe srcdoc="{html.escape(self.page)}" style="width:100%;height:60em;border:0"></iframe>'


@dataclass(frozen=True, repr=False)
class Model(models.Model):
    """A trained model.

    history : one row an epoch, as in history.jsonl; empty for a model file alone.
    metrics : what metrics.json holds; empty for a model file alone.
    page : the report's HTML, if there is one.
    """

    history: Sequence[Mapping[str, Any]] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict)
    page: str = ""

    def __repr__(self) -> str:
        network = self.network
        layers = "-".join(map(str, network.layers))
        return f"<nnspark.Model {layers}, {network.activation} and {network.output}, {self.task}>"

    @classmethod
    def with_run(cls, model: models.Model, files: Mapping[str, bytes]) -> "Model":
        """The model with what a run directory's files say of the run."""
        own = {one.name: getattr(model, one.name) for one in dataclasses.fields(models.Model)}
        lines = files.get("history.jsonl", b"").splitlines()
        return cls(
            **own,
            history=tuple(json.loads(line) for line in lines),
            metrics=json.loads(files.get("metrics.json", b"{}")),
            page=files.get("report.html", b"").decode(),
        )

    def outputs(self, features: Any) -> NDArray[np.float64]:
        """Output activations of raw rows: an array, a pandas or Arrow table, a list of dicts.

        See ``model/rows.py``; ``model/raw_rows.py`` where the model encodes its columns.
        """
        if self.encoding is not None:
            return super().outputs(models.raw_rows(features, self.encoding))
        return super().outputs(models.model_rows(features, self.feature_names))

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights' little-endian bytes, layer by layer."""
        return weights_module.sha256(self.weights)

    def history_frame(self) -> "PandasFrame":
        """The history as a pandas DataFrame, a row an epoch; NNSparkError where pandas is not installed."""
        try:
            from pandas import DataFrame
        except ImportError:
            raise NNSparkError(
                "history_frame needs pandas, which is not installed here: pip install pandas, or use "
                "history, one dict an epoch"
            ) from None

        return DataFrame.from_records(list(self.history))

    def with_threshold(self, threshold: float) -> "Model":
        """The model that predicts the second of two classes from this probability on; its probabilities stay.

        Raises
        ------
        ModelError : another number of classes, or a threshold that is not from 0 to 1.
        """
        if self.classes is None or len(self.classes) != 2:
            raise ModelError(f"with_threshold needs a model of two classes, this is {self!r}")
        if not 0 <= threshold <= 1:
            raise ModelError(f"threshold: expected a number from 0 to 1, got {threshold!r}")
        decision = dataclasses.replace(
            self.decision, threshold=None if threshold == 0.5 else float(threshold)
        )
        return dataclasses.replace(self, decision=decision)

    def report(self) -> Report:
        """The run's report; ModelError if the model has none."""
        if not self.page:
            raise ModelError("there is no report: the model was loaded from a file, or report.html was false")
        return Report(self.page)

    def save(self, path: str | Path) -> None:
        """Write the model as one safetensors file; ``nnspark.load`` reads it."""
        write_model(path, self.to_bytes())

    def transform(self, frame: "Frame", *, columns: Sequence[str] = (), on_bad_row: str = "null") -> "Frame":
        """A Spark DataFrame with the answers as more columns: lazy, vectorised, in order of the rows.

        Features are found by name, or by position where the model's have none; ``columns`` names them where
        they are not called as in training. Rows that cannot be predicted have null answers, or, where
        ``on_bad_row`` is "error" in place of "null", end the job that asks for them.

        Raises
        ------
        ModelError : another word for ``on_bad_row``.
        DataError : a missing column, or one of another type than numbers, arrays or vectors of them; text is
            refused, as in training, also where it spells numbers, but in columns that the model encodes.
        """
        if not hasattr(frame, "sparkSession"):
            raise DataError(
                f"expected a Spark DataFrame, got {type(frame).__name__}; use predict for rows in memory"
            )
        if on_bad_row not in ("null", "error"):
            raise ModelError(f"on_bad_row: expected 'null' or 'error', got {on_bad_row!r}")
        from nnspark.scoring.columns import choose_features
        from nnspark.scoring.frame import answered

        with for_python():
            features = choose_features(frame, self, columns=columns, where="the DataFrame")
            return answered(frame, self.artifact(), features, strict=on_bad_row == "error")

    def register(self, session: "Session", name: str) -> None:
        """Make the model a function of SQL: ``SELECT name(x1, x2, ...)`` or ``name(array)``.

        Of a model that encodes its columns those are the arguments, ``model.columns`` in their order.

        Raises
        ------
        ModelError : a name that is no identifier of SQL, or that Spark's own functions have.
        """
        from nnspark.scoring.function import register

        register(session, name, self.artifact())

    def as_udf(self) -> Any:
        """A function of Spark columns, ``model.columns`` in their order or one array: the prediction."""
        from nnspark.scoring.function import as_udf

        return as_udf(self.artifact())

    def evaluate(self, data: Any, session: "Session | None" = None) -> dict[str, Any]:
        """All figures of the model on labelled rows: what ``nnspark.train`` takes as data.

        Raises
        ------
        DataError : rows that cannot be used, or labels that the model does not know.
        """
        if data is None:
            raise DataError("expected labelled rows, got None: a table or (X, y) arrays")
        from nnspark.evaluation.evaluate import evaluate_model
        from nnspark.recipe import loads

        with for_python():
            return evaluate_model(self, loads(self.recipe), part="all", session=session, data=data)

    def artifact(self) -> models.Model:
        """The model alone, to be sent to executors."""
        names = [one.name for one in dataclasses.fields(models.Model)]
        return models.Model(**{name: getattr(self, name) for name in names})
