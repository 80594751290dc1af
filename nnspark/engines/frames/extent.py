"""How many rows a DataFrame has, and how many values each, where that is known without much ado."""

from typing import TYPE_CHECKING, Any

from nnspark.engines.connections import is_connect

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["extent_of_frame"]

UNKNOWN = 1 << 60  # Spark's word for it is a size above this


def extent_of_frame(df: "DataFrame", most: int) -> tuple[int, int] | None:
    """Rows and values of a row; None where the optimizer estimates more than ``most`` bytes.

    Rows are counted, which of files takes their footers. A vector or array is as wide as the first row's.
    """
    if not is_connect(df.sparkSession):
        plan: Any = df._jdf
        estimate = int(str(plan.queryExecution().optimizedPlan().stats().sizeInBytes()))
        if most < estimate < UNKNOWN:
            return None
    lists = [one.name for one in df.schema if one.dataType.typeName() in ("array", "vectorudt")]
    quoted = ["`" + name.replace("`", "``") + "`" for name in lists]
    first: Any = df.select(*quoted).head() if lists else None
    within = sum(len(one) for one in first or () if one is not None)
    return df.count(), max(1, len(df.columns) - len(lists) + within)
