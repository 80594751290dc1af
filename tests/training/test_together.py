"""Trainings side by side: each ends where it would alone, and what happens to one happens to it alone."""

import functools
import threading

import numpy as np
import pytest
from helpers import make_recipe

from nnspark.data.dataset import make_dataset
from nnspark.engines.local import LocalShards
from nnspark.errors import DivergedError
from nnspark.sources import load_table
from nnspark.training.loop import train
from nnspark.training.together import Together

METHODS = {
    "gd": (),
    "adam": ('training.optimizer="adam"', "training.learning_rate=0.01"),
    "cg": ('training.optimizer="cg"',),
    "lbfgs": ('training.optimizer="lbfgs"',),
    "rounds": ("rounds.batch_size=32", "rounds.replicas=3", "training.learning_rate=0.1"),
}


class Counting(LocalShards):
    """Shards that count the passes over them."""

    passes = 0

    def run(self, function, value, zero):
        """One more."""
        self.passes += 1
        return super().run(function, value, zero)


def shards_of(recipe):
    """Digits, laid out."""
    return Counting(make_dataset(load_table(recipe.data), recipe))


def together(recipes, shards, at_once=100):
    """Members by name, once all have ended."""
    works = [(name, lambda member, recipe=recipe: train(recipe, member)) for name, recipe in recipes.items()]
    return {member.name: member for member in Together(shards, at_once).run(works)}


@functools.cache
def alone_of(method):
    """Five recipes of a method by name, and what each ends at by itself."""
    common = (*METHODS[method], "training.epochs=4", 'data.scale="standard"', "training.block_rows=128")
    recipes = {
        (hidden, l2): make_recipe(*common, f"network.hidden={hidden}", f"training.l2={l2}")
        for hidden in ("[10]", "[5, 5]")
        for l2 in (0.0, 1.0)
    }
    recipes["longer"] = make_recipe(*common, "training.epochs=6")
    return recipes, {name: train(recipe, shards_of(recipe)) for name, recipe in recipes.items()}


@pytest.mark.parametrize("at_once", [pytest.param(1, marks=pytest.mark.slow), 2, 100])  # 2: waves, as 1 has
@pytest.mark.parametrize("method", METHODS)
def test_company_does_not_change_a_bit(method, at_once):
    """Weights, history and metrics, whatever the others ask for, and in waves too."""
    recipes, by_itself = alone_of(method)
    first = next(iter(recipes.values()))
    found = together(recipes, shards_of(first), at_once)
    for name, alone in by_itself.items():
        own = found[name].outcome
        assert own.theta.tobytes() == alone.theta.tobytes()
        assert own.metrics == alone.metrics
        assert own.progress.evaluations == alone.progress.evaluations


def test_an_epoch_of_all_is_one_pass():
    """5 models of 4 epochs: 4 passes, and the two of the last figures."""
    recipes = {i: make_recipe("training.epochs=4", f"training.l2={i}") for i in range(5)}
    shards = shards_of(recipes[0])
    members = together(recipes, shards)
    assert shards.passes == 6
    assert all(member.seconds > 0 for member in members.values())


def test_one_that_diverges_leaves_the_others_alone():
    """It ends with its error; they end as they would."""
    recipes = {
        "calm": make_recipe("training.epochs=5"),
        "wild": make_recipe("training.epochs=5", "training.learning_rate=1e300"),
    }
    found = together(recipes, shards_of(recipes["calm"]))
    assert isinstance(found["wild"].error, DivergedError)
    alone = train(recipes["calm"], shards_of(recipes["calm"]))
    assert found["calm"].outcome.theta.tobytes() == alone.theta.tobytes()


def test_an_interrupt_calls_all_off():
    """No thread is left waiting."""
    recipe = make_recipe("training.epochs=50")
    shards, before = shards_of(recipe), threading.active_count()

    def stopped(function, value, zero):
        raise KeyboardInterrupt

    shards.run = stopped
    with pytest.raises(KeyboardInterrupt):
        list(Together(shards, 3).run([(i, lambda member: train(recipe, member)) for i in range(5)]))
    for thread in threading.enumerate():
        if thread.name.startswith("nnspark training"):
            thread.join(5)
    assert threading.active_count() <= before


def test_all_that_are_alive_meet_at_a_pause():
    """Also those that begin later, as a training that waits there makes room."""
    seen, met = [], []

    def work(member):
        seen.append(member.name)
        member.pause()
        return member.name

    def meet(members):
        met.append(sorted(member.name for member in members))

    shards = shards_of(make_recipe())
    ended = [
        member.outcome for member in Together(shards, 2).run([(i, work) for i in range(5)], at_pause=meet)
    ]
    assert met == [[0, 1, 2, 3, 4]]
    assert sorted(ended) == [0, 1, 2, 3, 4]
    assert np.all(np.sort(seen) == np.arange(5))
