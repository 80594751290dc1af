"""Spark's vectors as arrays, without a copy where they are dense."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column

__all__ = ["is_read", "values_of"]

DENSE = 1  # in the field ``type`` of what a vector is stored as; 0 is sparse


def values_of(vector: "Column") -> "Column":
    """A vector column as array<double>; null where it is null.

    A dense vector is stored with its values as an array, which is taken as it is. Spark's own function copies
    them, value by value, to a vector and back; it is left with the sparse ones.
    """
    from pyspark.ml.functions import vector_to_array
    from pyspark.sql import functions as F

    stored = F.unwrap_udt(vector)
    dense = F.when(stored["type"] == DENSE, stored["values"])
    return dense.when(vector.isNotNull(), vector_to_array(vector))


def is_read(vector: "Column") -> "Column":
    """True of every row, null vectors too; no optimizer can tell without reading the vector."""
    from pyspark.sql import functions as F

    return F.coalesce(F.unwrap_udt(vector)["type"], F.lit(DENSE).cast("tinyint")) >= 0
