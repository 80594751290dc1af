"""Trainings apart: in processes of their own they end where they would alone, and leave none behind."""

import json
import os
import signal
import threading
import time

import pytest
from helpers import make_recipe

import nnspark
from nnspark.data.dataset import make_dataset
from nnspark.engines.folds import whole_view
from nnspark.engines.local import LocalShards
from nnspark.engines.processes import end_idle
from nnspark.errors import DivergedError
from nnspark.sources import load_table
from nnspark.training import apart, helping
from nnspark.training.apart import train_in_company
from nnspark.training.loop import train
from nnspark.training.steps import first_state
from nnspark.training.together import Together

METHODS = {
    "gd": (),
    "adam": ('training.optimizer="adam"', "training.learning_rate=0.01"),
    "lbfgs": ('training.optimizer="lbfgs"',),
    "rounds": ("rounds.batch_size=32", "rounds.replicas=3", "training.learning_rate=0.1"),
}
EPOCHS = 12


@pytest.fixture
def started(monkeypatch):
    """Helpers at once and from the first epoch's end; what was started."""
    made, plain = [], helping.helpers_for

    def ready_ones(shards, models):
        helpers = plain(shards, models)
        deadline = time.monotonic() + 60
        while helpers is not None and not helpers.ready and time.monotonic() < deadline:
            time.sleep(0.02)
        made.append(helpers)
        return helpers

    monkeypatch.setattr(helping, "HELP_FROM", -1.0)
    monkeypatch.setattr(helping, "helpers_for", ready_ones)
    return made


def shards_of(recipe, threads=2):
    """Digits in this process."""
    return LocalShards(make_dataset(load_table(recipe.data), recipe), threads)


def in_company(recipes, shards, **options):
    """What each ended with, or its error, and its history; all in company."""
    found, rows = {}, {name: [] for name in recipes}

    def work(name, member):
        recipe = recipes[name]
        first = first_state(recipe, member)
        return train_in_company(
            member, whole_view, recipe, first, lambda new, progress: rows[name].extend(new), **options
        )

    works = [(name, lambda member, name=name: work(name, member)) for name in recipes]
    for member in Together(shards, 100).run(works):
        found[member.name] = member.error or member.outcome
        assert member.seconds > 0
    return found, rows


def alone(recipe, shards):
    """The same without company."""
    rows = []
    return train(recipe, shards, callbacks=[lambda epoch: rows.append(epoch.row)]), rows


def timeless(rows):
    """A history without what a clock says."""
    return [{**row, "seconds": 0} for row in rows]


def ended(helpers):
    """Whether none of the processes is left, once those at rest are ended too."""
    end_idle()
    for pid in helpers.pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    return True


@pytest.mark.parametrize("tell", [0.0, 60.0], ids=["each epoch told", "all told at the end"])
def test_training_apart_does_not_change_a_bit(started, monkeypatch, tell):
    """Weights, histories and metrics of full-batch methods and of rounds; one that diverges there."""
    monkeypatch.setattr(apart, "TELL_EVERY", tell)
    recipes = {name: make_recipe(f"training.epochs={EPOCHS}", *METHODS[name]) for name in METHODS}
    recipes["wild"] = make_recipe("training.epochs=9", "training.learning_rate=1e20", "training.l2=1e15")
    shards = shards_of(recipes["gd"])
    found, rows = in_company(recipes, shards)
    assert isinstance(found.pop("wild"), DivergedError)
    for name, own in found.items():
        lone, history = alone(recipes[name], shards)
        assert own.theta.tobytes() == lone.theta.tobytes(), name
        assert own.metrics == lone.metrics
        assert own.stopped_because == lone.stopped_because
        assert timeless(rows[name]) == timeless(history)
    assert len(started) == 1
    assert ended(started[0])


def test_a_training_goes_on_here_where_its_helpers_are_lost(started):
    """Killed after a few epochs, one by one and all: each epoch once, the same weights."""
    recipes = {i: make_recipe("training.epochs=150", f"training.l2={i}") for i in range(3)}
    shards = shards_of(recipes[0])

    def kill():
        deadline = time.monotonic() + 60
        while not started and time.monotonic() < deadline:
            time.sleep(0.01)
        for pid in started[0].pids:
            time.sleep(0.2)
            os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    found, rows = in_company(recipes, shards)
    killer.join()
    for name, own in found.items():
        lone, history = alone(recipes[name], shards)
        assert own.theta.tobytes() == lone.theta.tobytes()
        assert timeless(rows[name]) == timeless(history)


def test_stops_are_kept_here(started):
    """An epoch to stop after, before and after the helpers are there."""
    recipes = {i: make_recipe("training.epochs=9", f"training.l2={i}") for i in range(3)}
    shards, seen = shards_of(recipes[0]), []
    found, _ = in_company(recipes, shards, stops=[1, 4, 5], at_stop=seen.append)
    assert sorted(progress.epoch for progress in seen) == [1] * 3 + [4] * 3 + [5] * 3
    for name, own in found.items():
        assert own.theta.tobytes() == alone(recipes[name], shards)[0].theta.tobytes()


@pytest.mark.parametrize(
    "section", [{}, {"search": "halving", "halving": {"first": 2}}], ids=["grid", "halving"]
)
@pytest.mark.parametrize(
    "stops",
    [pytest.param([], marks=pytest.mark.slow), [40, 90]],  # the last of three attempts ends in peace
    ids=["in peace", "interrupted"],
)
def test_a_sweep_apart_is_the_sweep_together(tmp_path, monkeypatch, started, section, stops):
    """Folds, histories and the best model; interrupted and resumed as well."""
    recipe = {
        "data": {"source": "iris", "scale": "standard"},
        "training": {"epochs": 20, "learning_rate": 0.5, "engine": "local"},
        "report": {"html": False},
        "checkpoint": {"seconds": 0.0},
        "sweep": {"folds": 3, "grid": {"network.hidden": [[4], [6]], "training.l2": [0.1, 1.0]}, **section},
    }

    def swept(out, **options):
        found = nnspark.sweep(recipe, out=str(out), progress=False, **options)
        histories = sorted((out / "models").glob("*/history.jsonl"))
        rows = [timeless(map(json.loads, path.read_text().splitlines())) for path in histories]
        return [{**one, "seconds": 0} for one in found.results], found.best.weights_sha256, rows

    monkeypatch.setattr(helping, "HELP_FROM", 1e9)
    expected = swept(tmp_path / "together")
    assert started == []
    monkeypatch.setattr(helping, "HELP_FROM", -1.0)
    from nnspark.runs.sweeps.keeping import Keeper

    seen, remember = [0], Keeper.remember

    def stopping(self, rows, progress):
        remember(self, rows, progress)
        before, seen[0] = seen[0], seen[0] + len(rows)
        if any(before < at <= seen[0] for at in stops):
            raise KeyboardInterrupt

    monkeypatch.setattr(Keeper, "remember", stopping)
    for attempt in range(3):
        try:
            found = swept(tmp_path / "apart", resume=attempt > 0)
            break
        except KeyboardInterrupt:
            assert ended(started[-1])
    assert attempt == len(stops)
    assert found == expected
    assert started


@pytest.mark.parametrize(("passes", "wanted"), [(10**9, 1), (1, 0)], ids=["many passes", "one"])
def test_helpers_are_started_where_the_passes_will_take_a_while(monkeypatch, passes, wanted):
    """After the first pass, by how long that took and how many there will be."""
    asked = []
    monkeypatch.setattr(helping, "helpers_for", lambda shards, models: asked.append(models))
    monkeypatch.setattr(helping, "HELP_FROM", 60.0)
    monkeypatch.setattr(helping, "LEAST", 0.0)
    recipe = make_recipe("training.epochs=1")
    works = [(at, lambda member: train(recipe, member, measured=())) for at in range(2)]
    assert all(member.error is None for member in Together(shards_of(recipe), 2, passes).run(works))
    assert asked == [2] * wanted


@pytest.mark.parametrize(("least", "wanted"), [(31.0, 1), (29.0, 0)])
def test_helpers_start_before_the_first_pass_where_any_pass_takes_long_enough(monkeypatch, least, wanted):
    """The trainings times the least that an evaluation takes, times the passes: nothing is waited for."""
    asked, at_first = [], []
    monkeypatch.setattr(helping, "helpers_for", lambda shards, models: asked.append(models))
    monkeypatch.setattr(helping, "HELP_FROM", 60.0)
    monkeypatch.setattr(helping, "LEAST", least)
    recipe = make_recipe("training.epochs=1")

    def work(member):
        at_first.append(list(asked))
        return train(recipe, member, measured=())

    assert all(one.error is None for one in Together(shards_of(recipe), 2).run([(0, work), (1, work)]))
    assert at_first == [[2] * wanted] * 2


def test_helpers_are_for_few_rows_and_several_cores(monkeypatch):
    """None for one model, one core, or blocks that threads share; as many as the bounds say."""
    recipe = make_recipe()
    counts = []
    monkeypatch.setattr(helping, "Helpers", lambda state, count: counts.append(count))
    for shards, models in ((shards_of(recipe), 1), (shards_of(recipe, 1), 9)):
        helping.helpers_for(shards, models)
    shared = shards_of(recipe)
    shared.blocks = shared.blocks * 2
    helping.helpers_for(shared, 9)
    assert counts == []
    for models, count in ((2, 2), (5, 5), (9, 8)):
        helping.helpers_for(shards_of(recipe, 16), models)
        assert counts.pop() == count
