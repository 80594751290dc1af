"""The history of a run as its checkpoints keep it: complete, whatever became of history.jsonl.

A checkpoint is written every few epochs for as long as the run lasts, so it must not hold all rows. Every
``CHUNK`` rows go to a file of their own, which is on disk before the first checkpoint that counts on it and
is not written again; the checkpoint holds the rows after them. All are JSON lines in gzip, whose CRC tells
whether they are whole. history.jsonl is what people read meanwhile, and the last resort if a file is lost.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Any

from nnspark.runs.storage import Folder

__all__ = [
    "CHUNK",
    "LINES",
    "Row",
    "as_lines",
    "pack",
    "readable_lines",
    "recover",
    "rows_after",
    "seal",
    "unpack",
    "whole_lines",
]

CHUNK = 1000  # rows
LINES = "history.jsonl"

Row = dict[str, Any]


def as_lines(rows: Iterable[Row]) -> bytes:
    """Rows as JSON lines."""
    return b"".join((json.dumps(row) + "\n").encode() for row in rows)


def pack(rows: Iterable[Row]) -> bytes:
    """Rows as compressed JSON lines."""
    return gzip.compress(as_lines(rows), compresslevel=1, mtime=0)


def unpack(content: bytes) -> list[Row]:
    """The rows that ``pack`` was given; ValueError if these are not the bytes that it returned."""
    if not content:
        raise ValueError("it is empty")
    try:
        return [json.loads(line) for line in gzip.decompress(content).splitlines()]
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(str(error)) from None


def seal(folder: Folder, rows: Sequence[Row], *, epochs: int, sealed: int) -> int:
    """Write the chunks of the first ``epochs`` epochs that are full, after the first ``sealed`` ones.

    Returns how many chunks there are then.
    """
    chunks = epochs // CHUNK
    for chunk in range(sealed, chunks):
        first, last = chunk * CHUNK, (chunk + 1) * CHUNK
        folder.write(_name(chunk), pack(row for row in rows_after(rows, first) if row["epoch"] <= last))
    return chunks


def rows_after(rows: Sequence[Row], epochs: int) -> list[Row]:
    """The rows of the epochs after the first ``epochs``."""
    return list(takewhile(lambda row: row["epoch"] > epochs, reversed(rows)))[::-1]


def recover(
    folder: Folder, rows: Sequence[Row], *, epochs: int, warn: Callable[[str], None]
) -> tuple[list[Row], int]:
    """All rows up to an epoch, given those of its checkpoint, and how many chunks need no writing.

    Rows that neither a chunk nor history.jsonl holds are lost, which is told, and training can go on.
    """
    found = {row["epoch"]: row for row in rows}
    whole = epochs // CHUNK
    for chunk in reversed(range(epochs // CHUNK)):
        try:
            found |= {row["epoch"]: row for row in unpack(folder.read(_name(chunk)))}
        except (OSError, ValueError):
            whole = chunk
    wanted = range(1, epochs + 1)
    if not found.keys() >= set(wanted):
        found = {row["epoch"]: row for row in readable_lines(folder)} | found
    lost = [epoch for epoch in wanted if epoch not in found]
    if lost:
        warn(f"the history of {len(lost)} epochs, {lost[0]} to {lost[-1]}, is lost; training goes on without")
    return [found[epoch] for epoch in wanted if epoch in found], whole


def _name(chunk: int) -> str:
    return f"checkpoints/history-{(chunk + 1) * CHUNK:08d}.jsonl.gz"


def readable_lines(folder: Folder) -> list[Row]:
    """The rows of history.jsonl that are whole; none if there is no such file, or it cannot be read."""
    return [row for row in whole_lines(folder, LINES) if isinstance(row.get("epoch"), int)]


def whole_lines(folder: Folder, name: str) -> list[Row]:
    """The objects of a file of JSON lines, without lines that a kill or a full disk has cut."""
    try:
        lines = folder.read(name).splitlines()
    except OSError:
        return []
    rows = []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows
