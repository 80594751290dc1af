"""Which engine takes less time: the cost model behind ``engine = "auto"``, and the line that says so.

All engines give the same bits, so the choice is one of seconds and of memory. Of r rows of v values, p
passes, each of f operations in products and u values through activations, in b pieces (blocks, or a replica's
batches), with w weights, t threads here and k tasks at a time there:

    here      bring + r v lay + p max(c / t, b piece)             c = f / rate + u unit + b (piece + w add)
    on Spark  start + survey + r v pack / k + p (job + task + c / k + w (broadcast + k gather))

The rate of products is measured (``net/rate.py``); the other constants are of the machine that
``scripts/benchmarks/README.md`` names. ``scripts/bench auto`` holds the choices against the clock.

(Above 200 lines: what is counted, what it costs and what is chosen are one model.)
"""

import math
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from nnspark.data.block_rows import block_rows_of
from nnspark.engines.connections import cores_of
from nnspark.engines.driver_memory import collectable, memory_left
from nnspark.engines.local import THREAD_BYTES
from nnspark.engines.types import Session
from nnspark.log import log
from nnspark.net.blas import cores
from nnspark.net.rate import product_rate
from nnspark.net.weights import count
from nnspark.optimizers import RULES
from nnspark.recipe import Recipe
from nnspark.recipe.options import name_and_options

__all__ = ["Choice", "Extent", "Means", "Where", "Work", "choice", "choose", "say"]

Where = Literal["here", "files", "frame"]

START, SURVEY, FETCH_JOB, JOB, TASK = 8.0, 1.5, 0.3, 24e-3, 8e-3  # seconds
LAY, PACK, READ, SEND, FETCH, FETCH_TASK = 50e-9, 250e-9, 30e-9, 30e-9, 10e-9, 40e-9  # seconds a value
PIECE, UNIT, ADD = 0.5e-3, 5e-9, 5e-9  # seconds a piece, a value of an activation, a weight of a piece
BROADCAST, GATHER = 5e-9, 12e-9  # seconds a weight
SEARCH = 1.5  # passes of an iteration that has a line search
COPIES = 3  # of the rows as float64 at a time: as they came, as a table, and what is made of them
SHARE = 0.5  # of the memory that is left


class Extent(NamedTuple):
    """How much there is: rows, values of a row; and where: in this process, in files, in a DataFrame."""

    rows: int
    features: int
    where: Where


class Work(NamedTuple):
    """What a training has to do; see above. ``shares``: what goes at a time at most, blocks or replicas."""

    extent: Extent
    weights: int
    passes: float
    operations: float
    units: float
    pieces: float
    shares: int
    itemsize: int

    @property
    def values(self) -> int:
        """Values of all rows."""
        return self.extent.rows * self.extent.features

    @property
    def bytes_here(self) -> int:
        """Memory of this process that the rows take at most while they are laid out here."""
        return self.values * (8 * COPIES + self.itemsize)

    @classmethod
    def of(cls, recipe: Recipe, extent: Extent, *, outputs: int = 10, models: int = 1) -> "Work":
        """What a recipe asks for, with as many output units, for so many models in company."""
        rows, rounds = extent.rows, recipe.rounds
        layers = (extent.features, *recipe.network.hidden, max(1, outputs))
        of_pieces = block_rows_of(recipe.training.block_rows, rows, extent.features)
        passes, shares = 1.0, math.ceil(rows / of_pieces)
        if rounds.batch_size:
            of_pieces, shares = rounds.batch_size, rounds.replicas
            passes = float(rounds.local_epochs)
            if rounds.local_steps:
                passes = rounds.local_steps * rounds.batch_size * rounds.replicas / max(rows, 1)
        name, _ = name_and_options(recipe.training.optimizer)
        passes *= models * recipe.training.epochs * (1.0 if name in RULES else SEARCH)
        products = [2 * fan_in * units for fan_in, units in pairwise(layers)]
        return cls(
            extent, count(layers), passes, rows * float(3 * sum(products) - products[0]),
            rows * float(sum(layers[1:])), math.ceil(rows / of_pieces), shares,
            np.dtype(recipe.training.dtype).itemsize,
        )  # fmt: skip

    def computing(self, rate: float) -> float:
        """Seconds of a pass on one core, c."""
        return self.operations / rate + self.units * UNIT + self.pieces * (PIECE + self.weights * ADD)


class Means(NamedTuple):
    """What there is to do it with.

    threads, slots : that compute at a time, here and on Spark. starts : whether Spark has to start first.
    rate : of products on a core, operations a second. left : bytes that this process may still take.
    fetched : bytes that a DataFrame may have which comes here.
    """

    threads: int
    slots: int
    starts: bool
    rate: float
    left: int
    fetched: int


class Choice(NamedTuple):
    """The engine, and the line that says why. The seconds that either would take, about."""

    engine: str
    line: str
    here: float = math.nan
    on_spark: float = math.nan


def choose(
    recipe: Recipe,
    extent: Extent,
    session: "Session | None",
    *,
    outputs: int = 10,
    models: int = 1,
    slots: int = 0,
) -> Choice:
    """The engine for a recipe and rows of this extent.

    ``session`` is the one that is there, if any; one that is not there yet has ``slots``, or as many as there
    are cores.
    """
    if session is not None:
        slots = recipe.spark.partitions or cores_of(session)
    means = Means(
        recipe.training.threads or cores(),
        slots or cores(),
        session is None,
        product_rate(recipe.training.dtype),
        memory_left(),
        0 if session is None else collectable(session),
    )
    return choice(Work.of(recipe, extent, outputs=outputs, models=models), means)


def choice(work: Work, means: Means) -> Choice:
    """Whichever takes less time, of those that have room; Spark where they take the same."""
    here, there = seconds_here(work, means), seconds_on_spark(work, means)
    framed, room = work.extent.where == "frame", int(SHARE * means.left)
    if work.extent.where != "here" and work.bytes_here > room:
        why = f"the rows would take {_size(work.bytes_here)} here, of {_size(means.left)} that are left"
        return Choice("spark", f"engine spark: {why}", here, there)
    if framed and 8 * work.values > means.fetched:
        why = f"the rows are {_size(8 * work.values)}, the driver takes in {_size(means.fetched)}"
        return Choice("spark", f"engine spark: {why}", here, there)
    sizes = f"{work.extent.rows:,} rows of {work.extent.features:,} values, {work.weights:,} weights"
    more = f"{sizes}, {work.passes:,.0f} passes; {means.threads} threads here, {means.slots} tasks there"
    if here < there:
        return Choice(
            "local", f"engine local, about {here:.2g} s; on Spark {there:.2g} ({more})", here, there
        )
    return Choice("spark", f"engine spark, about {there:.2g} s; without {here:.2g} ({more})", here, there)


def seconds_here(work: Work, means: Means) -> float:
    """What the engine without Spark takes."""
    bring = {
        "here": 0.0,
        "files": work.values * READ,
        "frame": FETCH_JOB + work.values * (FETCH + FETCH_TASK / means.slots),
    }[work.extent.where]
    threads = max(1, min(means.threads, work.shares, work.values * work.itemsize // THREAD_BYTES))
    each = max(work.computing(means.rate) / threads, work.pieces * PIECE)
    return bring + work.values * LAY + work.passes * each


def seconds_on_spark(work: Work, means: Means) -> float:
    """What Spark takes, with the rows' way to it."""
    tasks = max(1, min(means.slots, work.shares))
    bring = {
        "here": work.values * (LAY + SEND),
        "files": SURVEY + work.values * (PACK + READ) / means.slots,
        "frame": SURVEY + work.values * PACK / means.slots,
    }[work.extent.where]
    moved = work.weights * (BROADCAST + tasks * GATHER)
    each = JOB + TASK + work.computing(means.rate) / tasks + moved
    return START * means.starts + bring + work.passes * each


_said: set[str] = set()


def say(chosen: Choice) -> str:
    """Say what was chosen, once of the same; returns the engine."""
    if chosen.line not in _said:
        _said.add(chosen.line)
        log(chosen.line)
    return chosen.engine


def _size(size: float) -> str:
    return f"{size / 1e9:.3g} GB" if size >= 1e9 else f"{size / 1e6:.3g} MB"
