"""Predict the rows of files: CSV, Parquet, .npy or .npz in; the same rows with answers, CSV or Parquet, out.

The output appears by one rename when every row was predicted, or not at all.
"""

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nnspark.engines.hadoop import Hadoop
from nnspark.engines.session import case_sensitive
from nnspark.errors import DataError
from nnspark.model import Model
from nnspark.scoring.columns import FeatureColumns, choose_features
from nnspark.scoring.frame import quoted, score
from nnspark.scoring.inputs import CutRecordsError, Input, Reading, format_of, open_input

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["OUTPUT_FORMATS", "predict_files", "refuse_existing"]

OUTPUT_FORMATS = ("csv", "parquet")


def predict_files(
    session: "SparkSession",
    model: Model,
    source: str,
    out: str,
    *,
    output_format: str = "",
    input_format: str = "",
    header: str = "auto",
    separator: str = "",
    columns: Sequence[str] = (),
    overwrite: bool = False,
    on_bad_row: str = "error",
) -> tuple[int, int]:
    """Predict the rows of ``source`` into the folder ``out``; returns the numbers of rows and of bad ones.

    Parameters
    ----------
    output_format : "csv" or "parquet"; empty: by the suffix of out, else like the input.
    input_format : "csv", "parquet", "npy" or "npz"; empty: by the suffix of the input or of a file in it.
    header : "true", "false" or "auto": whether CSV input starts with column names.
    separator : what separates the fields of CSV input, and of output then; empty: as in the model's recipe.
    columns : the feature columns' names in the input, in the model's order, if they are not the model's.
    overwrite : replace an existing out.
    on_bad_row : "error", or "null": null answers for rows that cannot be predicted.

    Raises
    ------
    DataError : input that cannot be predicted, or an out that exists; nothing is left behind.
    """
    target = _Target(session, out)
    refuse_existing(out, overwrite=overwrite, exists=target.exists())
    with case_sensitive(session):
        for multi_line in (False, True):
            reading = Reading(header, separator or model.data.separator, multi_line)
            rows = open_input(session, model, source, input_format, reading)
            chosen = output_format or format_of(out) or rows.format
            chosen = chosen if chosen in OUTPUT_FORMATS else "csv"
            text = rows.format == "csv"
            features = choose_features(
                rows.frame, model, columns=columns, named=rows.named, text=text, where=source
            )
            try:
                return _predict(model, rows, features, target, source, chosen, reading.separator, on_bad_row)
            except CutRecordsError:
                continue
    raise AssertionError("unreachable")


def refuse_existing(out: str, *, overwrite: bool, exists: bool) -> None:
    """DataError for an output that is there already and may not be replaced."""
    if exists and not overwrite:
        raise DataError(f"{out} exists already; pass --overwrite to replace it, or another --out")


def _predict(
    model: Model,
    rows: Input,
    features: FeatureColumns,
    target: "_Target",
    source: str,
    chosen: str,
    separator: str,
    on_bad_row: str,
) -> tuple[int, int]:
    """Write the answers and see that every row has one; nothing is published else."""
    scored = score(rows.frame, model, features)
    try:
        _write(
            _typed(scored.frame, rows, chosen),
            target.temporary,
            chosen,
            separator if rows.format == "csv" else ",",
        )
        rows.check()
        if on_bad_row == "error":
            scored.check(source)
        count, bad = scored.counts()
        if not count:
            raise DataError(f"{source} has no rows to predict")
        target.publish()
    except Exception as error:
        raise _as_data_error(error, source) from error
    finally:
        scored.model_bc.destroy()
        target.discard()
    return count, bad


def _typed(frame: "DataFrame", rows: Input, output_format: str) -> "DataFrame":
    """Text that is numbers as numbers, where the format has types."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    kept: list[Any] = []
    types = rows.inferred() if output_format == "parquet" else {}
    for field in frame.schema.fields:
        if output_format == "csv" and not isinstance(field.dataType, T.AtomicType):
            raise DataError(
                f"column {field.name!r} is {field.dataType.simpleString()}, which CSV cannot hold; write "
                "--format parquet"
            )
        column = F.col(quoted(field.name))
        kept.append(column.cast(types[field.name]).alias(field.name) if field.name in types else column)
    return frame.select(*kept)


def _write(frame: "DataFrame", path: str, output_format: str, separator: str) -> None:
    writer = frame.write.mode("errorifexists")
    if output_format == "parquet":
        writer.parquet(path)
    else:
        writer.csv(
            path,
            sep=separator,
            header=True,
            escape='"',
            ignoreLeadingWhiteSpace=False,
            ignoreTrailingWhiteSpace=False,
        )


class _Target:
    """The output folder, written under a hidden name beside it and renamed at the end."""

    def __init__(self, session: "SparkSession", out: str) -> None:
        hadoop = Hadoop(session.sparkContext)
        self._path = hadoop.path(out.rstrip("/") or out)
        self._fs = hadoop.file_system(self._path)
        name = f".{self._path.getName()}.{uuid.uuid4().hex}.tmp"
        self._temporary = hadoop.path(self._path.getParent() or ".", name)
        self.temporary = str(self._temporary)

    def exists(self) -> bool:
        return bool(self._fs.exists(self._path))

    def publish(self) -> None:
        if self.exists():
            self._fs.delete(self._path, True)
        if not self._fs.rename(self._temporary, self._path):
            raise DataError(f"the predictions could not be moved to {self._path}; is the place writable?")

    def discard(self) -> None:
        self._fs.delete(self._temporary, True)


def _as_data_error(error: Exception, source: str) -> Exception:
    """What Spark says of a damaged file, or of files whose headers differ, as one line."""
    text = str(error)
    if "CSV header does not conform" in text:
        return DataError(f"{source} has files with different headers; predict them one by one")
    for sign in ("FAILED_READ_FILE", "CANNOT_READ_FILE", "CANNOT_DECODE"):
        if sign in text:
            line = next(line for line in text.splitlines() if sign in line)
            return DataError(f"{source} cannot be read: {line.strip()[:200]}")
    return error
