"""The [sweep] section: which settings it names, and what is refused in one line."""

import pytest
from helpers import one_line_error

from nnspark.errors import RecipeError
from nnspark.recipe import loads
from nnspark.recipe.reading import check_sweep_of
from nnspark.recipe.sweep import model_recipe, of_fold, rungs, settings_of

RECIPE = loads('[data]\nsource = "digits"\n[training]\nepochs = 27\n')


def sweep_of(**section):
    """A checked sweep."""
    return check_sweep_of(section, RECIPE)


def test_a_grid_is_every_combination_in_order():
    """The last key changes fastest; equal settings are tried once."""
    sweep = sweep_of(grid={"training.l2": [0.1, 1.0], "network.hidden": [[25], [50], [25]]})
    assert settings_of(sweep) == [
        {"training.l2": 0.1, "network.hidden": [25]},
        {"training.l2": 0.1, "network.hidden": [50]},
        {"training.l2": 1.0, "network.hidden": [25]},
        {"training.l2": 1.0, "network.hidden": [50]},
    ]


def test_random_settings_are_drawn_from_their_ranges():
    """The same for the same seed; whole numbers stay whole; log-uniform has as many below the middle."""
    table = {
        "number": 400,
        "seed": 7,
        "training.l2": {"low": 0.01, "high": 100.0, "log": True},
        "training.epochs": {"low": 5, "high": 9},
        "network.activation": ["tanh", "relu"],
    }
    found = settings_of(sweep_of(search="random", random=table))
    assert found == settings_of(sweep_of(search="random", random=table))
    assert found != settings_of(sweep_of(search="random", random={**table, "seed": 8}))
    l2 = [one["training.l2"] for one in found]
    assert 0.01 <= min(l2) < 0.02 < 50 < max(l2) <= 100.0
    assert 0.4 < sum(value < 1.0 for value in l2) / len(l2) < 0.6
    assert {one["training.epochs"] for one in found} == {5, 6, 7, 8, 9}
    assert {one["network.activation"] for one in found} == {"tanh", "relu"}


def test_a_models_recipe_has_its_setting_and_its_fold():
    """The rest is the recipe's own."""
    sweep = sweep_of(folds=5, grid={"training.learning_rate": [0.5], "network.hidden": [[3, 3]]})
    (setting,) = settings_of(sweep)
    made = of_fold(model_recipe(RECIPE, sweep, setting), 2)
    assert (made.training.learning_rate, made.network.hidden) == (0.5, [3, 3])
    assert (made.data.split.folds, made.data.split.fold) == (5, 2)
    assert made.training.epochs == 27


def test_rungs_multiply_by_what_is_kept():
    """81 settings, a third kept, 27 epochs: after 1, 3 and 9; none where one setting is left."""
    grid = {"training.l2": [float(i) for i in range(81)]}
    assert rungs(sweep_of(search="halving", grid=grid), 27) == [1, 3, 9]
    halving = {"first": 5, "keep": 0.5}
    assert rungs(sweep_of(search="halving", grid=grid, halving=halving), 27) == [5, 10, 20]
    few = {"training.l2": [0.1, 1.0]}
    assert rungs(sweep_of(search="halving", grid=few, halving=halving), 27) == [5]
    assert rungs(sweep_of(grid=few), 27) == []


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({}, "sweep.grid: expected at least one recipe key with a list of values"),
        ({"grid": {"training.l2": []}}, 'sweep.grid."training.l2": expected a list of at least one value'),
        ({"grid": {"training.l2": 1.0}}, 'sweep.grid."training.l2": expected a list'),
        ({"grid": {"training.lr": [1.0]}}, "sweep: unknown recipe key 'training.lr'; did you mean"),
        ({"grid": {"l2": [1.0]}}, "sweep.grid.l2: expected a recipe key, section.key"),
        ({"grid": {"training": {"l2": [1.0]}}}, "got 'training'; quote the whole key, \"training.l2\""),
        (
            {"search": "halving", "grid": {"training.l2": [1.0]}, "halving": {"first": 27}},
            "sweep.halving.first: expected epochs, from 1 to below training.epochs = 27, got 27",
        ),
        ({"grid": {"optimiser.l2": [1.0]}}, "sweep.grid.optimiser.l2: expected a recipe key"),
        ({"grid": {"training.l2": ["much"]}}, "sweep: training.l2: expected a number, got 'much'"),
        (
            {"grid": {"training.dtype": ["float32"]}},
            "training.dtype cannot be swept: all models of a sweep share",
        ),
        ({"grid": {"data.scale": ["none"]}}, "data.scale cannot be swept"),
        ({"grid": {"rounds.batch_size": [0, 8]}}, "expected all models to train on mini-batches, or none"),
        (
            {"folds": 1, "grid": {"training.l2": [1.0]}},
            "sweep.folds: expected 0 (the recipe's own split), or 2",
        ),
        ({"search": "all", "grid": {"training.l2": [1.0]}}, "sweep.search: expected one of grid, random"),
        ({"memory": 0, "grid": {"training.l2": [1.0]}}, "sweep.memory: expected 1 MB or more"),
        ({"search": "random"}, "sweep.random: expected at least one recipe key"),
        (
            {"search": "random", "random": {"tries": 3}},
            "sweep.random has no option 'tries'; known: number, seed",
        ),
        (
            {"search": "random", "random": {"number": 0, "training.l2": [1.0]}},
            "sweep.random.number: expected a whole number of 1 or more, got 0",
        ),
        (
            {"search": "random", "random": {"training.l2": {"low": 2.0, "high": 1.0}}},
            "expected numbers with low < high",
        ),
        (
            {"search": "random", "random": {"training.l2": {"low": -1e308, "high": 1e308}}},
            "expected numbers with low < high, less than 1.8e308 apart",
        ),
        (
            {"search": "random", "random": {"training.l2": {"low": 0.0, "high": 1.0, "log": True}}},
            "expected low above 0 where log = true",
        ),
        (
            {"grid": {"training.l2": [1.0]}, "random": {"number": 3}},
            "expected one of sweep.grid and sweep.random",
        ),
        ({"grid": {"training.l2": [1.0]}, "halving": {"keep": 0.5}}, "expected sweep.search = 'halving'"),
        (
            {"search": "halving", "grid": {"training.l2": [1.0]}, "halving": {"keep": 1.0}},
            "sweep.halving.keep: expected a fraction above 0 and below 1, got 1.0",
        ),
        (
            {"search": "halving", "grid": {"training.l2": [1.0]}, "halving": {"eta": 3}},
            "sweep.halving has no option 'eta'; known: first, keep",
        ),
        ({"grids": {}}, "unknown recipe key 'sweep.grids'; did you mean 'sweep.grid'?"),
    ],
)
def test_what_cannot_be_is_one_line(section, said):
    """It says what was expected, what came and what to do."""
    with one_line_error(said, kind=RecipeError):
        sweep_of(**section)


def test_ranking_by_validation_needs_validation_rows():
    """Unless there are folds."""
    recipe = loads('[data]\nsource = "digits"\nsplit = {train = 0.9, validation = 0.0, test = 0.1}\n')
    grid = {"training.l2": [1.0]}
    with one_line_error("data.split.validation: expected more than 0 to rank by validation_loss"):
        check_sweep_of({"grid": grid}, recipe)
    check_sweep_of({"grid": grid, "folds": 3}, recipe)
    check_sweep_of({"grid": grid, "monitor": "loss"}, recipe)
