"""DataFrames to shards without a row on the driver: columns, survey, plan, pack.

``frame_shards`` is the whole way. The decisions are those of ``plan.py`` and ``rows.py``, so that a
DataFrame and an array of the same rows give the same blocks.
"""

from nnspark.engines.frames.build import frame_shards
from nnspark.engines.frames.catalog import SPARK_SOURCES
from nnspark.engines.frames.read import (
    FILE_SOURCES,
    FRAME_SOURCES,
    is_frame,
    read_frame,
    reading,
    refuse_other,
    refuse_stopped,
    refuse_stream,
)

__all__ = [
    "FILE_SOURCES",
    "FRAME_SOURCES",
    "SPARK_SOURCES",
    "frame_shards",
    "is_frame",
    "read_frame",
    "reading",
    "refuse_other",
    "refuse_stopped",
    "refuse_stream",
]
