"""Names of Spark's classes, for rooms that pass its objects on and do not use them."""

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["Context", "Frame", "Session"]

Context: TypeAlias = "SparkContext"
Frame: TypeAlias = "DataFrame"
Session: TypeAlias = "SparkSession"
