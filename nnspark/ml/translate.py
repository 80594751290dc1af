"""Params to a recipe: names only, and the recipe's errors back in the names of Params."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from nnspark.errors import DataError, DivergedError, RecipeError, ShapeError
from nnspark.ml.columns import Source
from nnspark.ml.params import PerceptronParams
from nnspark.recipe import Data, Network, Recipe, Rounds, Split, Stopping, Training
from nnspark.recipe.checks import check, one_of
from nnspark.training.choices import check_choices

__all__ = ["in_params", "recipe_of", "renamed", "with_mean_penalty"]

SOLVERS = {"l-bfgs": "lbfgs"}
SEEDS = 2**63
FLAT_ITERATIONS = 20  # as many as Breeze's L-BFGS, which is Spark's, looks back on
PARAMS = {
    "training.optimizer": "solver",
    "training.learning_rate": "stepSize",
    "training.epochs": "maxIter",
    "training.block_rows": "blockSize",
    "training.l2": "regParam",
    "training.dtype": "dtype",
    "network.activation": "activation",
    "network.output": "output",
    "network.loss": "loss",
    "network.hidden": "hiddenLayers",
    "rounds.batch_size": "batchSize",
    "rounds.replicas": "replicas",
    "stopping.tolerance": "tol",
    "stopping.patience": "earlyStoppingPatience",
    "stopping.min_delta": "earlyStoppingMinDelta",
    "stopping.monitor": "earlyStoppingMonitor",
    "data.split.validation": "validationFraction",
    "; try data.split.stratify = true": "",
    ", or data.split.stratify = true where there are rows enough": "",
    "; make data.split.train larger": "; have fewer validate, or weigh more than 0",
    "data.scale = 'standard'": "standardization = True",
}


def recipe_of(params: PerceptronParams, source: Source) -> Recipe:
    """The recipe that trains what the Params say; l2 is still regParam, a factor of the mean cost.

    Raises
    ------
    RecipeError : a value that cannot be trained with, by its Param's name.
    """
    get = params.getOrDefault
    classification = source.num_classes > 0
    layers, output = layers_of(params, source), get(params.output)
    one_of("engine", get(params.engine), ("auto", "spark", "local"))
    solver = get(params.solver)
    optimizer = params.optional(params.optimizer) or SOLVERS.get(solver, solver)
    patience, monitor = get(params.earlyStoppingPatience), get(params.earlyStoppingMonitor)
    holds_out = bool(source.validation) or (patience > 0 and monitor.startswith("validation"))
    fraction = get(params.validationFraction) if holds_out else 0.0
    if not 0 <= fraction < 1:
        raise RecipeError(f"validationFraction: expected a fraction from 0 to below 1, got {fraction:g}")
    tol = get(params.tol)
    recipe = Recipe(
        Data(
            source="dataframe",
            label=source.label,
            weight=source.weight,
            columns=[source.features.name],
            task="classification" if classification else "regression",
            scale="standard" if get(params.standardization) else "none",
            classes=list(range(source.num_classes)),
            split=Split(train=1.0 - fraction, validation=fraction, test=0.0),
        ),
        Network(
            hidden=layers[1:-1],
            activation=get(params.activation),
            output=output,
            loss=get(params.loss),
            output_units=layers[-1] if classification and output == "sigmoid" else 0,
            init={"name": "fan_in"},
        ),
        Training(
            optimizer={"name": optimizer, **get(params.optimizerOptions)},
            learning_rate=get(params.stepSize),
            l2=get(params.regParam),
            epochs=get(params.maxIter),
            seed=get(params.seed) % SEEDS,
            dtype=get(params.dtype),
            block_rows=get(params.blockSize),
        ),
        Rounds(batch_size=get(params.batchSize), replicas=get(params.replicas)),
        Stopping(
            monitor=monitor,
            patience=patience,
            min_delta=get(params.earlyStoppingMinDelta),
            tolerance=tol,
            tolerance_epochs=FLAT_ITERATIONS,
        ),
    )
    with in_params():
        check(recipe)
        check_choices(recipe)
    if source.validation:  # then the column says which rows validate, if any does
        recipe = replace(recipe, data=replace(recipe.data, split=Split(train=1.0, validation=0.0, test=0.0)))
    return recipe


def layers_of(params: PerceptronParams, source: Source) -> list[int]:
    """All layers: as they are said, or the hidden ones between those that the data ask for."""
    layers: list[int] | None = params.optional(params.layers)
    hidden: list[int] | None = params.optional(params.hiddenLayers)
    output = params.getOrDefault(params.output)
    few = source.num_classes == 2 and output == "sigmoid"
    outputs = source.num_classes or 1
    if layers is None:
        if hidden is None:
            raise RecipeError(
                "layers: expected sizes from input to output, like "
                f"[{source.width}, 10, {outputs}], or hiddenLayers, like [10]"
            )
        return [source.width, *hidden, 1 if few else outputs]
    if hidden is not None and hidden != layers[1:-1]:
        raise RecipeError(f"layers and hiddenLayers say different things: {layers} and {hidden}; set one")
    if layers[-1] != outputs and not (few and layers[-1] == 1):
        what = "one output" if not source.num_classes else "at least two classes"
        raise ShapeError(f"layers: expected {what} at the end, got {layers}")
    return layers


@contextmanager
def in_params() -> Iterator[None]:
    """What a recipe's errors call keys, by the names of Params."""
    try:
        yield
    except (DataError, RecipeError, DivergedError) as error:
        raise type(error)(renamed(str(error))) from None


def renamed(message: str) -> str:
    """A message with the names of Params for those of the recipe's keys."""
    for key in sorted(PARAMS, key=len, reverse=True):
        message = message.replace(key, PARAMS[key])
    return message


def with_mean_penalty(recipe: Recipe, total_weight: float) -> Recipe:
    """The recipe whose l2 / m is regParam, m being the weight of all training rows."""
    return replace(recipe, training=replace(recipe.training, l2=recipe.training.l2 * total_weight))
