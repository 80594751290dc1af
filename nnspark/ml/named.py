"""Columns by Spark's other names for them: a struct's field, or a name in backticks."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException
from pyspark.sql import functions as F

from nnspark.engines.frames.locate import quiet_analysis
from nnspark.errors import DataError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["with_named"]


def with_named(df: "DataFrame", names: Iterable[str]) -> "DataFrame":
    """The DataFrame with a column of each name; one that Spark knows none by, either, is not added.

    What has a column of just that name has it, dots or not; else ``s.features`` is a field of the column
    ``s``, as in Spark. DataError where several could be meant.
    """
    for name in names:
        if name not in df.columns and ("." in name or "`" in name):
            try:
                with quiet_analysis():
                    there = df.withColumn(name, F.col(name))
                    _ = there.schema
            except AnalysisException as error:
                if (error.getCondition() or "").startswith("AMBIGUOUS"):
                    raise DataError(
                        f"column {name!r}: expected one column or field of that name, but the DataFrame has "
                        "several; rename all but one"
                    ) from None
                continue
            df = there
    return df
