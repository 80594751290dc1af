"""About how many rows files have, and how many values each, by their footers or their first lines."""

import zlib
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from nnspark.sources.found import files_of
from nnspark.sources.table import DataRequest

__all__ = ["extent_of_files"]

LOOKED_AT = 16  # files
SAMPLE = 1 << 16  # bytes of text
PACKED = {".gz", ".bz2", ".zst", ".lz4"}


def extent_of_files(request: DataRequest) -> tuple[int, int]:
    """Rows and values of a row of csv, libsvm, parquet or orc files on this machine, the target's among them.

    Of many files the first ones are looked at. Raises what a damaged file makes its reader raise.
    """
    _, files, _ = files_of(request)
    sizes = [file.stat().st_size for file in files]
    looked = EXTENTS[request.source](files[:LOOKED_AT], request)
    rows = looked[0] * sum(sizes) / max(1, sum(sizes[:LOOKED_AT]))
    return round(rows), max(1, looked[1])


def _of_parquet(files: Sequence[Path], request: DataRequest) -> tuple[float, int]:
    """A list column has more values than rows."""
    from pyarrow import parquet

    rows = values = 0
    for file in files:
        footer = parquet.read_metadata(file)
        rows += footer.num_rows
        for number in range(footer.num_row_groups):
            group = footer.row_group(number)
            values += sum(group.column(at).num_values for at in range(group.num_columns))
    return rows, round(values / max(1, rows))


def _of_orc(files: Sequence[Path], request: DataRequest) -> tuple[float, int]:
    from pyarrow import orc

    opened = [orc.ORCFile(str(file)) for file in files]
    return sum(one.nrows for one in opened), len(opened[0].schema)


def _of_csv(files: Sequence[Path], request: DataRequest) -> tuple[float, int]:
    sample, rows = _of_lines(files)
    return rows, 1 + max((line.count(request.separator.encode()) for line in sample), default=0)


def _of_libsvm(files: Sequence[Path], request: DataRequest) -> tuple[float, int]:
    """As wide as the highest index."""
    sample, rows = _of_lines(files)
    found = (pair.partition(b":") for line in sample for pair in line.split()[1:])
    return rows, max((int(index) for index, colon, _ in found if colon and index.isdigit()), default=1)


def _of_lines(files: Sequence[Path]) -> tuple[list[bytes], float]:
    """The first lines of the first file, and how many there are in all: packed ones by how these pack."""
    import pyarrow as pa

    with pa.input_stream(str(files[0]), compression="detect") as stream:
        sample = stream.read(SAMPLE)
    lines = sample.splitlines()
    packing = len(sample) / max(1, len(zlib.compress(sample)))
    size = sum(file.stat().st_size * (packing if file.suffix in PACKED else 1) for file in files)
    return list(islice(lines, 1000)), max(len(lines), size * len(lines) / max(1, len(sample))) if lines else 0


EXTENTS: dict[str, Callable[[Sequence[Path], DataRequest], tuple[float, int]]] = {
    "csv": _of_csv,
    "libsvm": _of_libsvm,
    "orc": _of_orc,
    "parquet": _of_parquet,
}
