"""From scikit-learn's arguments to a recipe: the same words, nothing computed.

hidden_layer_sizes -> network.hidden            activation      -> network.activation (logistic: sigmoid)
solver             -> training.optimizer        alpha           -> training.l2
max_iter           -> training.epochs           random_state    -> training.seed, data.split.seed
learning_rate_init -> training.learning_rate    learning_rate   -> training.schedule
batch_size         -> rounds.batch_size, or full batches where it takes in all rows
tol, n_iter_no_change -> stopping.min_delta, stopping.patience on the cost, or on the validation score
validation_fraction   -> data.split.validation, stratified by class
max_fun            -> stopping.max_evaluations
"""

import math
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from nnspark.recipe import Data, Network, Recipe, Rounds, Split, Stopping, Training
from nnspark.recipe.checks import check
from nnspark.sklearn.params import ACTIVATIONS, STOCHASTIC, hidden_layers
from nnspark.training.choices import check_choices

__all__ = ["Problem", "recipe_of"]

AUTO_BATCH = 200
NEVER = 2**31
LBFGS_TOLERANCE = 1e7 * 2.0**-52  # the fall of the cost at which SciPy's L-BFGS-B stops


class Problem(NamedTuple):
    """What is to be learned from which rows.

    kind : classification, multilabel or regression. outputs : units of the output layer. classes : labels
    there are, as whole numbers from 0. rows : those of positive weight. pace : rows of an epoch, where the
    epochs before had others.
    """

    kind: str
    outputs: int
    classes: int
    rows: int
    dtype: str
    seed: int
    pace: float | None = None


def recipe_of(name: str, params: Mapping[str, Any], problem: Problem, *, epochs: int, rate: float) -> Recipe:
    """The recipe that trains as the arguments say, for ``epochs`` epochs, at the learning rate ``rate``."""
    stochastic = params["solver"] in STOCHASTIC
    early = bool(params["early_stopping"]) and stochastic
    validation = math.ceil(problem.rows * params["validation_fraction"]) / problem.rows if early else 0.0
    training_rows = problem.rows - round(problem.rows * validation)
    split = Split(1.0 - validation, validation, 0.0, problem.seed, early and problem.kind == "classification")
    recipe = Recipe(
        Data(
            "arrays",
            task=problem.kind,
            classes=list(range(problem.classes)),
            split=split,
        ),
        _network(name, params, problem),
        Training(
            optimizer=_optimizer(params),
            learning_rate=rate,
            schedule=_schedule(params, float(training_rows) if problem.pace is None else problem.pace),
            l2=float(params["alpha"]),
            epochs=epochs,
            seed=problem.seed,
            dtype=problem.dtype,
            engine="local" if params["spark"] is None and params["engine"] == "auto" else params["engine"],
            block_rows=int(params["block_rows"]),
        ),
        _rounds(params, training_rows) if stochastic else Rounds(),
        _stopping(params, problem, early) if stochastic else _tolerances(params),
    )
    check(recipe)
    check_choices(recipe)
    return recipe


def _network(name: str, params: Mapping[str, Any], problem: Problem) -> Network:
    """Glorot's bounds, biases drawn too; softmax over three classes or more, one sigmoid for two."""
    activation = ACTIVATIONS[params["activation"]]
    softmax = problem.kind == "classification" and problem.outputs > 1
    regression = problem.kind == "regression"
    return Network(
        hidden_layers(name, params["hidden_layer_sizes"]),
        activation,
        "identity" if regression else "softmax" if softmax else "sigmoid",
        "squared_error" if regression else "cross_entropy",
        init={"name": "glorot", "gain": 2.0 if activation == "sigmoid" else 6.0},
    )


def _optimizer(params: Mapping[str, Any]) -> str | dict[str, Any]:
    """scikit-learn's sgd is one of three of ours."""
    solver = params["solver"]
    if solver == "sgd":
        momentum = float(params["momentum"])
        rule = "nesterov" if params["nesterovs_momentum"] else "momentum"
        return {"name": rule, "momentum": momentum} if momentum else "gd"
    if solver in ("lbfgs", "cg"):
        return {"name": solver, "gradient_tolerance": float(params["tol"])}
    options = {"name": solver, "eps": float(params["epsilon"])}
    if solver != "rmsprop":
        options |= {"beta1": float(params["beta_1"]), "beta2": float(params["beta_2"])}
    return options


def _schedule(params: Mapping[str, Any], pace: float) -> str | dict[str, Any]:
    """As in scikit-learn, only sgd has one; "adaptive" is constant until training stops, see course.py."""
    if params["solver"] == "sgd" and params["learning_rate"] == "invscaling":
        return {"name": "inverse_scaling", "power": float(params["power_t"]), "pace": pace}
    return "constant"


def _rounds(params: Mapping[str, Any], training_rows: int) -> Rounds:
    batch = AUTO_BATCH if params["batch_size"] == "auto" else int(params["batch_size"])
    if batch > training_rows and params["batch_size"] != "auto":
        warnings.warn(
            f"batch_size {batch} is more than the {training_rows} training rows: it is clipped to them",
            stacklevel=2,
        )
    return Rounds() if batch >= training_rows else Rounds(batch, shuffle=bool(params["shuffle"]))


def _stopping(params: Mapping[str, Any], problem: Problem, early: bool) -> Stopping:
    score = "validation_r2" if problem.kind == "regression" else "validation_accuracy"
    patience = params["n_iter_no_change"]
    never = NEVER if early else 0  # early stopping keeps the best weights, whether or not it stops
    return Stopping(
        monitor=score if early else "cost",
        patience=never if math.isinf(patience) else int(patience),
        min_delta=float(params["tol"]),
        restore_best=False,
    )


def _tolerances(params: Mapping[str, Any]) -> Stopping:
    tolerance = LBFGS_TOLERANCE if params["tol"] else 0.0
    return Stopping(tolerance=tolerance, max_evaluations=int(params["max_fun"]))
