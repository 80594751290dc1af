"""What the benchmarks share: shapes, the race, tables of medians and ratios."""

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from benchmarks._blas import prefer_known_kernels

__all__ = ["CORES", "SHAPES", "Contestant", "Ratio", "Shape", "format_table", "markdown_table", "median",
           "progress", "race", "ratio_table", "session", "shapes_of", "timing_table"]  # fmt: skip

CORES = len(os.sched_getaffinity(0))
REST = 0.1  # seconds


class Shape(NamedTuple):
    """Rows, and layer sizes from the inputs to the outputs."""

    rows: int
    layers: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.rows:,}x" + "-".join(map(str, self.layers))


SHAPES = {
    "S": Shape(5_000, (400, 25, 10)),
    "M": Shape(60_000, (784, 100, 10)),
    "L": Shape(20_000, (784, 500, 10)),
    "XL": Shape(10_000, (784, 2500, 2000, 1500, 1000, 500, 10)),
    "T": Shape(2_000_000, (50, 20, 2)),
}


@dataclass
class Contestant:
    """A name and a function that runs and times one or more epochs, seconds each.

    ``every`` : it runs in every so many rounds of the race; ``first`` : in how many warm-up rounds.
    """

    name: str
    sample: Callable[[], Sequence[float]]
    every: int = 1
    warmup: int = 3
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Seconds an epoch."""
        return median(self.seconds)


class Ratio(NamedTuple):
    """A figure held against a limit: at least (``sign`` 1) or at most (-1) that much; 0: for information."""

    what: str
    value: float
    limit: float = 0.0
    sign: int = 0

    @property
    def verdict(self) -> str:
        """What was wanted, and whether it is so."""
        if not self.sign:
            return ""
        met = (self.value - self.limit) * self.sign >= 0
        return f"{'>=' if self.sign > 0 else '<='} {self.limit:g} {'yes' if met else 'NO'}"


def median(values: Iterable[float]) -> float:
    """The median; NaN of nothing."""
    values = list(values)
    return statistics.median(values) if values else float("nan")


def progress(text: str) -> None:
    """Say on standard error what is going on."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def race(contestants: Sequence[Contestant], epochs: int, *, warmup: bool = True) -> None:
    """Let the contestants take turns, A B C A B C ..., so that a noisy minute is shared by all.

    Between turns all rest: OpenBLAS's threads spin for 30 ms after their last product, on cores that
    the next contestant needs.
    """
    for contestant in contestants if warmup else ():
        progress(f"warming up {contestant.name}")
        for _ in range(contestant.warmup):
            contestant.sample()
    if warmup:
        progress(f"{epochs} rounds")
    for turn in range(epochs):
        for contestant in contestants:
            if turn % contestant.every == 0:
                time.sleep(REST)
                contestant.seconds.extend(contestant.sample())


def shapes_of(args: Any, default: str, known: Iterable[str] = ()) -> dict[str, Shape]:
    """The shapes asked for, of those ``known`` if not of all; with --quick, a tenth of their rows."""
    names = [name for name in (args.shapes or default).split(",") if name]
    known = list(known or SHAPES)
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"error: this benchmark has no shape {unknown[0]!r}; choose from {','.join(known)}")
    if not args.quick:
        return {name: SHAPES[name] for name in names}
    return {name: SHAPES[name]._replace(rows=SHAPES[name].rows // 10) for name in names}


def session(name: str) -> Any:
    """The SparkSession that every contestant shares, opened as a job opens it."""
    from nnspark.engines.session import open_session

    # MLlib's native BLAS in the JVM: a thread for each task, as Spark's tuning guide says.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    prefer_known_kernels()
    spark = open_session(f"nnspark bench {name}")
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def timing_table(contestants: Sequence[Contestant]) -> list[dict[str, Any]]:
    """A row of results a contestant: milliseconds an epoch."""
    return [
        {
            "contestant": one.name,
            "median_ms": round(1e3 * one.median, 3),
            "fastest_ms": round(1e3 * min(one.seconds), 3),
            "slowest_ms": round(1e3 * max(one.seconds), 3),
            "samples": len(one.seconds),
        }
        for one in contestants
        if one.seconds
    ]


def ratio_table(ratios: Iterable[Ratio]) -> list[dict[str, Any]]:
    """A row of results a ratio."""
    return [{"ratio": r.what, "value": round(r.value, 3), "wanted": r.verdict} for r in ratios]


def format_table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as aligned columns, numbers to the right."""
    if not rows:
        return ""
    head = list(rows[0])
    cells = [[_cell(row.get(name)) for name in head] for row in rows]
    widths = [max(len(line[i]) for line in [head, *cells]) for i in range(len(head))]
    number = [isinstance(rows[0].get(name), int | float) for name in head]
    lines = [
        "  ".join(
            t.rjust(w) if n else t.ljust(w) for t, w, n in zip(line, widths, number, strict=True)
        ).rstrip()
        for line in [head, ["-" * w for w in widths], *cells]
    ]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return (
        ""
        if value is None
        else f"{value:,.4g}"
        if isinstance(value, float) and abs(value) < 1e3
        else (f"{value:,.0f}" if isinstance(value, int | float) else str(value))
    )


def markdown_table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as a table for the README."""
    lines = [
        list(rows[0]),
        ["---"] * len(rows[0]),
        *([_cell(value) for value in row.values()] for row in rows),
    ]
    return "\n".join("| " + " | ".join(line).strip() + " |" for line in lines)
