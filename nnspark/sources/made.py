"""Read a table that is made from a seed on the driver: no file (``makers.py``, ``digit_images.py``)."""

from functools import partial
from typing import TYPE_CHECKING

from nnspark.errors import DataError
from nnspark.sources.digit_images import digit_images
from nnspark.sources.files import row_in
from nnspark.sources.makers import MAKERS, Made
from nnspark.sources.memory import read_arrow
from nnspark.sources.table import (
    DataRequest,
    Named,
    Table,
    make_table,
    numbered,
    refuse_weight,
    select_columns,
)

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read_made"]

MOST_ROWS = {
    "bank": 5_000_000,
    "digit_images": 500_000,
    "houses": 5_000_000,
    "random_regression": 1_000_000,
    "words": 2_000_000,
}
"""What some 16 GB of the driver's memory should hold: training on a million of bank took 2.6."""


def read_made(request: DataRequest) -> Table:
    """The table that `request.source` names; `request.options` may say ``rows`` and ``seed``.

    Raises
    ------
    DataError : more rows than the driver should hold
    """
    name, most = request.source, MOST_ROWS[request.source]
    rows = request.options.get("rows", 0)
    if rows > most:
        raise DataError(
            f"data.options.rows: source {name!r} is made on the driver, {most:,} rows at most, not {rows:,}; "
            "more of them come in files, which executors read (csv, parquet, libsvm)"
        )
    made = {**MAKERS, "digit_images": digit_images}[name](**request.options)
    locate = partial(row_in, name)
    if isinstance(made.features, dict):
        return read_arrow(_as_arrow(made), request, name, locate)
    refuse_weight(request)
    features, names = select_columns(request, made.features, numbered(made.features.shape[1]), name)
    return make_table(
        request,
        Named(features, f"the features of {name}", locate),
        Named(made.target, f"the targets of {name}", locate),
        names=names,
    )


def _as_arrow(made: Made) -> "pa.Table":
    """The columns as a database's: what is not there is null."""
    import pyarrow as pa

    assert isinstance(made.features, dict)
    columns = {**made.features, made.target_name: made.target}
    return pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()})
