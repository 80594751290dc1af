"""The reference systems: their recipes, what was published, what ours must show, and how that is judged."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DivergedError
from nnspark.model import Model
from nnspark.recipe import Recipe, read
from nnspark.runs.data import load_shards
from nnspark.training.loop import Trained, train
from nnspark.training.state import Epoch

__all__ = ["CONF", "SYSTEMS", "Fit", "System", "coefficients", "fit"]

CONF = Path(__file__).resolve().parents[2] / "conf"


class Fit(NamedTuple):
    """A trained recipe."""

    recipe: Recipe
    trained: Trained
    model: Model
    history: list[dict[str, Any]]
    seconds: float


class Outcome(NamedTuple):
    """Ours in words, whether it is what the system must show, and the figure that seeds spread."""

    ours: str
    met: bool
    score: float


@dataclass(frozen=True)
class System:
    """A reference system: its recipe, what was published, what ours must show.

    ``seeds`` : how many more seeds to try; ``worst`` : what the worst of them must reach. ``data`` : the key
    in ``write_data`` of the files it needs.
    """

    name: str
    recipe: str
    published: str
    must_show: str
    check: Callable[[Fit], Outcome]
    seeds: int = 0
    worst: float = 0.0
    data: str = ""


def fit(recipe_name: str, overrides: Sequence[str], session: Any = None) -> Fit:
    """Train a recipe of conf/, on the local engine without a session."""
    recipe = read(CONF / recipe_name, overrides)
    shards = load_shards(recipe, session)
    history: list[dict[str, Any]] = []

    def remember(epoch: Epoch) -> None:
        history.append(epoch.row)

    began = time.perf_counter()
    trained = train(recipe, shards, callbacks=[remember])
    seconds = time.perf_counter() - began
    model = Model.of(shards.plan, trained.network, trained.theta, "")
    shards.close()
    return Fit(recipe, trained, model, history, seconds)


def coefficients(model: Model) -> tuple[float, NDArray[np.float64]]:
    """Intercept and slopes of a linear model of one target, in the data's own units: probed, not derived."""
    probes = np.vstack([np.zeros(model.network.layers[0]), np.eye(model.network.layers[0])])
    values = model.predict(probes)[:, 0]
    return float(values[0]), values[1:] - values[0]


def held_out(least: float) -> Callable[[Fit], Outcome]:
    """Accuracy on the test part."""

    def check(fitted: Fit) -> Outcome:
        accuracy = fitted.trained.metrics["test"]["accuracy"]
        return Outcome(f"{accuracy:.2%} held out", accuracy >= least, accuracy)

    return check


def check_r0(fitted: Fit) -> Outcome:
    """``mean_error`` in the history (published at epochs 1, 11, ... 231); classes from labels 1..10."""
    errors = [row["mean_error"] for row in fitted.history]
    accuracy = fitted.trained.metrics["test"]["accuracy"]
    classes = [] if fitted.model.classes is None else fitted.model.classes.tolist()
    ours = f"{accuracy:.2%} test, mean_error {errors[0]:.3f} to {errors[230]:.3f}"
    return Outcome(ours, classes == list(range(1, 11)) and errors[230] < errors[0], accuracy)


def check_r2(fitted: Fit) -> Outcome:
    """Train and test accuracy."""
    on_train, on_test = (fitted.trained.metrics[part]["accuracy"] for part in ("train", "test"))
    met = on_train >= 0.9333 and on_test >= 29 / 30
    return Outcome(f"{on_train:.2%} train, {on_test:.2%} test", met, on_test)


def check_r3(fitted: Fit) -> Outcome:
    """Four rows right, the loss falling."""
    accuracy, losses = fitted.trained.metrics["train"]["accuracy"], [row["loss"] for row in fitted.history]
    ours = f"{4 * accuracy:.0f} of 4 rows, loss {losses[0]:.3f} to {losses[-1]:.3f}"
    return Outcome(ours, accuracy == 1.0 and falls(losses), accuracy)


def check_r5(fitted: Fit) -> Outcome:
    """The loss falls below 1e-3, coefficients are (0, 0, 1), and the raw data diverge with one clear line."""
    losses = [row["loss"] for row in fitted.history]
    intercept, slopes = coefficients(fitted.model)
    close = np.allclose([intercept, *slopes], [0.0, 0.0, 1.0], rtol=0, atol=1e-2)
    raw = ["data.scale=none", "data.target_scale=none", f"data.path={fitted.recipe.data.path}"]
    try:
        fit("r5-quadratic.toml", [*raw, "training.engine=local"])
        told = "raw data did not diverge"
    except DivergedError as error:
        told = str(error)
    clear = "at epoch " in told and "scale" in told
    ours = (
        f"loss {losses[-1]:.0e}, y = {intercept:.4f} + {slopes[0]:.4f} x + {slopes[1]:.4f} x²; "
        f"raw: diverged at epoch {told.partition('at epoch ')[2].partition(':')[0] or '?'}"
    )
    return Outcome(ours, falls(losses) and losses[-1] < 1e-3 and close and clear, losses[-1])


def below_descent(least: float) -> Callable[[Fit], Outcome]:
    """A lower cost than 400 epochs of gradient descent from the same start, and held-out accuracy."""

    def check(fitted: Fit) -> Outcome:
        recipe = fitted.recipe
        seeds = [f"data.split.seed={recipe.data.split.seed}", f"training.seed={recipe.training.seed}"]
        descent = fit("digits.toml", [*seeds, "training.engine=local"])
        cost, limit = fitted.history[-1]["cost"], descent.history[-1]["cost"]
        accuracy = fitted.trained.metrics["test"]["accuracy"]
        evaluations = fitted.trained.progress.evaluations
        ours = f"{accuracy:.2%} held out, cost {cost:.4f} against {limit:.4f}, {evaluations} evaluations"
        return Outcome(ours, cost < limit and accuracy >= least, accuracy)

    return check


def check_r7(fitted: Fit) -> Outcome:
    """How many times smaller the sum of squared errors became."""
    fell = fitted.history[0]["loss"] / fitted.trained.metrics["train"]["loss"]
    return Outcome(f"sum of squared errors fell {fell:.0e} times", fell >= 1e6, fell)


def check_r1_rule(fitted: Fit) -> Outcome:
    """The author's rule ends the run after epoch 10 and before the last."""
    epochs, accuracy = fitted.trained.progress.epoch, fitted.trained.metrics["test"]["accuracy"]
    return Outcome(f"stopped at epoch {epochs}, {accuracy:.2%} held out", 10 < epochs < 5000, accuracy)


def falls(values: Sequence[float]) -> bool:
    """Whether each value is below the one before."""
    return all(after < before for before, after in pairwise(values))


SYSTEMS = (
    System("R0", "r0-digits-400.toml", "91.26 % test, mean_error 0.483 to 0.306", "mean_error in history",
           check_r0, data="r0"),
    System("R0 digits", "digits.toml", "", ">= 95 %", held_out(0.95), seeds=5),
    System("R1", "r1-digits-squared-error.toml", "a curve", ">= 96 %", held_out(0.96), seeds=5),
    System("R1 rule", "r1-digits-squared-error.toml", "stops", "the rule stops", check_r1_rule, data="rule"),
    System("R2", "r2-iris-sgd.toml", "93.33 % train, 96.67 % test", ">= 93.33 % and >= 96.67 %", check_r2,
           seeds=8),
    System("R3", "r3-or-gate.toml", "nothing that worked", "4 rows right, loss falls", check_r3, data="r3"),
    System("R4", "r4-digits-relu.toml", "", ">= 96 %", held_out(0.96), seeds=5),
    System("R5", "r5-quadratic.toml", "diverged to 1e21", "loss < 1e-3, 0 0 1, an error", check_r5,
           data="r5"),
    System("R6", "r6-digits-cg.toml", "stalled", ">= 96 %, cost below 400 epochs of gd", below_descent(0.96),
           seeds=5),
    System("R7", "r7-random-regression.toml", "", "falls 1e6 times", check_r7, seeds=5, worst=1e6),
    System("R8 digits", "r8-digits-minibatch.toml", "", ">= 95 %, worst >= 93 %", held_out(0.95), seeds=5,
           worst=0.93),
    System("R8 MNIST", "r8-mnist-minibatch.toml", "about 95 %", ">= 95 %", held_out(0.95), data="mnist"),
    System("MNIST", "mnist.toml", "", ">= 97 % in 10 rounds", held_out(0.97), data="mnist"),
    System("rounds", "digits-rounds.toml", "", ">= 97 % in 15 rounds", held_out(0.97), seeds=5),
    System("L-BFGS", "digits-lbfgs.toml", "", "cost below 400 epochs of gd", below_descent(0.95), seeds=5),
)  # fmt: skip
