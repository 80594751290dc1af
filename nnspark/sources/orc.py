"""What ORC files hold otherwise than Parquet files: moments, which each reader takes in its own time zone."""

from collections.abc import Iterable

from nnspark.errors import DataError
from nnspark.recipe.raw_columns import Wishes

__all__ = ["refuse_moments"]


def refuse_moments(timestamps: Iterable[str], wishes: Wishes) -> None:
    """DataError where a column of timestamps is to be encoded: without a zone in the file, readers differ."""
    asked = {name for _, name in wishes.named}
    for name in timestamps:
        if name in asked:
            raise DataError(
                f"column {name!r} holds timestamps, which ORC files keep without a time zone, so that "
                "readers differ in what they are; write it as a date, or the rows as Parquet"
            )
