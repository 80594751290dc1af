"""Helpers: the sums that this process has, whichever process takes a request, and none left behind."""

import os
import signal
import time
from functools import partial

import pytest
from helpers import make_recipe

from nnspark.data.dataset import make_dataset
from nnspark.engines import processes
from nnspark.engines.local import LocalShards
from nnspark.objective.metrics import METRICS
from nnspark.objective.totals import Totals
from nnspark.sources import load_table
from nnspark.training.cost import _totals
from nnspark.training.steps import first_state, objective_for


def requests_of(shards, recipe, count):
    """Evaluations at several weights."""
    function = partial(_totals, objective_for(recipe, shards.plan), ("train", "validation"), True)
    theta = first_state(recipe, shards).theta
    return [(function, theta * (1.0 + number / 8)) for number in range(count)]


def bits(totals):
    """All that was added up."""
    return totals.gradient.value().tobytes(), totals.sums


def raising(sets, value):
    """A worker function that fails."""
    raise ZeroDivisionError(value)


@pytest.fixture
def shards():
    """Digits in this process, for two threads at most."""
    recipe = make_recipe("training.block_rows=128")
    return LocalShards(make_dataset(load_table(recipe.data), recipe), 2)


def test_helpers_have_the_sums_of_this_process(shards, monkeypatch):
    """One is killed in between; a function that cannot be sent and one that raises are done here."""
    assert processes.helpers_for(shards, 1) is None
    monkeypatch.setattr(shards, "most", 1)
    assert processes.helpers_for(shards, 9) is None
    monkeypatch.setattr(shards, "most", 2)
    helpers = processes.helpers_for(shards, 9)
    asked = requests_of(shards, make_recipe("training.block_rows=128"), 7)
    expected = [bits(shards.run(*request, Totals)) for request in asked]
    ids, deadline = [one.process.pid for one in helpers._starting], time.monotonic() + 60
    assert len(ids) == 2
    while not helpers.ready and time.monotonic() < deadline:
        time.sleep(0.02)
    monkeypatch.setattr(helpers, "_here", lambda request: pytest.fail("done here"))
    assert {number: bits(found) for number, found in helpers.sums(asked)} == dict(enumerate(expected))
    monkeypatch.undo()
    assert [found for _, found in helpers.sums([(lambda sets, value: value, 3)])] == [3]
    with pytest.raises(ZeroDivisionError, match="7"):
        list(helpers.sums([(raising, 7)]))
    found = {}
    for number, one in helpers.sums(asked):
        if not found:
            os.kill(ids[0], signal.SIGKILL)
        found[number] = bits(one)
    assert found == dict(enumerate(expected))
    os.kill(ids[1], signal.SIGKILL)
    assert {number: bits(one) for number, one in helpers.sums(asked)} == dict(enumerate(expected))
    assert not helpers.ready
    helpers.close()
    for one in ids:
        with pytest.raises(ProcessLookupError):
            os.kill(one, 0)


def test_as_many_helpers_and_requests_ahead_as_the_bounds_say(shards, monkeypatch):
    """Two helpers of three, of up to three requests each: the same sums."""
    monkeypatch.setattr(shards, "most", 3)
    monkeypatch.setattr(processes, "MOST", 2)
    monkeypatch.setattr(processes, "AHEAD", 3)
    asked = requests_of(shards, make_recipe("training.block_rows=128"), 7)
    expected = [bits(shards.run(*request, Totals)) for request in asked]
    helpers, deadline = processes.helpers_for(shards, 9), time.monotonic() + 60
    assert len(helpers._starting) == 2
    while not helpers.ready and time.monotonic() < deadline:
        time.sleep(0.02)
    monkeypatch.setattr(helpers, "_here", lambda request: pytest.fail("done here"))
    assert {number: bits(found) for number, found in helpers.sums(asked)} == dict(enumerate(expected))
    helpers.close()


def test_a_program_with_a_metric_of_its_own_has_no_helpers(shards, monkeypatch):
    """A new Python would not know it."""
    monkeypatch.setitem(METRICS, "own", METRICS["accuracy"])
    helpers, deadline = processes.Helpers(shards.blocks, 1), time.monotonic() + 60
    (one,) = helpers._starting
    while helpers._starting and time.monotonic() < deadline:
        assert not helpers.ready
        time.sleep(0.02)
    assert one.process.poll() == -signal.SIGKILL
    helpers.close()
