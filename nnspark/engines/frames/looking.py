"""What a DataFrame's columns look like, before training: see ``data/hints.py``."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from nnspark.data.hints import Sample, hints
from nnspark.data.plan import Plan
from nnspark.engines.frames.columns import Layout

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["with_hints"]


def with_hints(plan: Plan, df: "DataFrame", layout: Layout, sample: Sample, scale: Any) -> Plan:
    """The plan with what its rows' sample hints at; a pass of the JVM's for each column that may be an id."""
    found = hints(sample, layout.names, layout.kinds, scale, partial(_all_differ, df, layout))
    return replace(plan, hints=plan.hints + found)


def _all_differ(df: "DataFrame", layout: Layout, column: int) -> bool:
    """Whether all values of a feature differ: a pass of the JVM's."""
    from pyspark.sql import functions as F

    at = next((at for at, name in enumerate(layout.columns) if name == layout.names[column]), None)
    if at is None or layout.widths[at] is not None:
        return False
    value = F.col(f"f{at}")
    counted = F.count(value) == F.count_distinct(value)
    rows = df.where("w > 0") if layout.weight else df
    found = rows.where(~F.isnan(value)).agg(counted.alias("differ")).head()
    return bool(found and found["differ"])
