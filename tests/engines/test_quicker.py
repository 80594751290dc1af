"""Which engine is quicker: by hand where the figures are round, and by what must never be chosen."""

import os

import pytest
from helpers import make_recipe

from nnspark.engines import quicker
from nnspark.engines.driver_memory import bytes_of, memory_left
from nnspark.engines.quicker import Extent, Means, Work, choice

GB = 1 << 30
HERE = Means(threads=2, slots=2, starts=False, rate=1e11, left=16 * GB, fetched=GB // 2)
M = make_recipe("network.hidden=[100]", 'training.dtype="float32"')


def test_the_work_of_m_is_that_of_its_formulas():
    """60,000 rows of 784-100-10: 2·784·100 twice and 2·100·10 three times, in 59 blocks, 400 epochs."""
    work = Work.of(M, Extent(60_000, 784, "here"))
    assert work.weights == 785 * 100 + 101 * 10
    assert work.operations == 60_000 * (2 * 2 * 784 * 100 + 3 * 2 * 100 * 10)
    assert (work.units, work.pieces, work.shares, work.passes) == (60_000 * 110, 59, 59, 400)
    assert work.bytes_here == 60_000 * 784 * 28


def test_rounds_and_line_searches_count_what_they_go_over():
    """Four replicas at a time; steps of a round make part of a pass; a search tries more than once."""
    rounds = make_recipe("rounds.batch_size=50", "rounds.replicas=4", "rounds.local_epochs=2")
    work = Work.of(rounds, Extent(1000, 8, "here"), models=3)
    assert (work.shares, work.pieces, work.passes) == (4, 20, 2 * 3 * 400)
    steps = make_recipe("rounds.batch_size=50", "rounds.replicas=4", "rounds.local_steps=1")
    assert Work.of(steps, Extent(1000, 8, "here")).passes == 0.2 * 400
    searched = Work.of(make_recipe('training.optimizer="lbfgs"'), Extent(1000, 8, "here"))
    assert searched.passes == quicker.SEARCH * 400


@pytest.mark.parametrize("where", ["here", "files", "frame"])
def test_few_rows_stay_and_a_cluster_takes_many(where):
    """150 rows of iris on any machine; 10 million of 784 on a hundred cores, which the driver could hold."""
    iris, many = Extent(150, 4, where), Extent(10_000_000, 784, where)
    cluster = HERE._replace(slots=100, left=1000 * GB, fetched=1000 * GB)
    assert choice(Work.of(M, iris), cluster).engine == "local"
    chosen = choice(Work.of(M, many), cluster)
    assert (chosen.engine, chosen.on_spark < chosen.here) == ("spark", True)
    assert "10,000,000 rows of 784 values" in chosen.line
    assert len(chosen.line.splitlines()) == 1


def test_what_has_no_room_goes_to_spark_however_long_that_takes():
    """Half of what is left; of a DataFrame what Spark lets through; rows that are here take none."""
    extent = Extent(100_000, 100, "frame")
    work = Work.of(M, extent)
    assert choice(work, HERE).engine == "local"
    assert choice(work, HERE._replace(left=2 * work.bytes_here)).engine == "local"
    tight = choice(work, HERE._replace(left=2 * work.bytes_here - 2))
    assert (tight.engine, tight.here < tight.on_spark) == ("spark", True)
    assert "are left" in tight.line
    assert choice(work, HERE._replace(fetched=8 * work.values)).engine == "local"
    assert choice(work, HERE._replace(fetched=8 * work.values - 1)).engine == "spark"
    assert choice(Work.of(M, extent._replace(where="here")), HERE._replace(left=0)).engine == "local"


def test_sizes_are_read_as_spark_writes_them():
    """Units of 1,024, in small letters or large; what is no size is none."""
    written = {"1g": GB, "512m": GB // 2, "64K": 1 << 16, "100": 100, "2gb": 2 * GB, "0": 0, "much": 0}
    assert {text: bytes_of(text) for text in written} == written


def test_memory_is_less_than_the_machine_has():
    """And there is some."""
    assert 0 < memory_left() <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
