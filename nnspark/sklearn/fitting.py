"""One fit: from checked rows and arguments to a recipe, shards, training, and what came of it.

(Above 200 lines: a fit is told in the order in which it happens.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from nnspark.data.dataset import make_dataset
from nnspark.engines.base import Shards
from nnspark.engines.connections import context_of
from nnspark.engines.interrupts import interruptible
from nnspark.engines.layout import shards_in
from nnspark.engines.quicker import Extent, choose, say
from nnspark.engines.session import open_session
from nnspark.errors import DataError, DivergedError, RecipeError
from nnspark.net.network import Network
from nnspark.recipe import Recipe
from nnspark.sklearn.course import Outcome, follow
from nnspark.sklearn.rows import table_of
from nnspark.sklearn.translate import Problem, recipe_of
from nnspark.training.state import Progress
from nnspark.training.steps import first_state, network_for

__all__ = ["Before", "Fitted", "Task", "fit_task", "seed_of"]

Array = NDArray[Any]


class Task(NamedTuple):
    """What is to be learned: the kind of target, its values for the engine, the classes in its order.

    ``target`` is (n,) class indices, (n, labels) zeros and ones, or (n,) or (n, outputs) numbers.
    """

    kind: str
    target: Array
    classes: Array | None = None

    @property
    def outputs(self) -> int:
        """Units of the output layer."""
        if self.classes is not None and self.kind == "classification":
            return len(self.classes) if len(self.classes) > 2 else 1
        return 1 if self.target.ndim == 1 else self.target.shape[1]

    def in_own_labels(self, recipe: Recipe) -> Recipe:
        """The recipe for rows that carry their own labels, as a job reads them, not the labels' numbers."""
        if self.kind == "classification" and self.classes is not None and len(self.classes) > 1:
            labels = self.classes.tolist()
            if all(type(label) in (str, int) for label in labels):
                return replace(recipe, data=replace(recipe.data, classes=labels))
        return recipe


class Before(NamedTuple):
    """Where an earlier fit ended; ``watched`` if its best value is one of the kind that is watched now."""

    theta: Array
    progress: Progress | None
    rate: float
    seed: int
    rows_seen: int
    watched: bool


class Fitted(NamedTuple):
    """The recipe that ran, its network, the number of training rows, and the outcome."""

    recipe: Recipe
    network: Network
    rows: int
    outcome: Outcome


def seed_of(random_state: Any) -> int:
    """A whole number is the recipe's seed itself; a generator or None gives one."""
    if isinstance(random_state, int | np.integer):
        check_random_state(random_state)
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def fit_task(
    name: str,
    params: Mapping[str, Any],
    task: Task,
    X: Any,
    weight: Array | None,
    names: Sequence[str],
    seed: int,
    before: Before | None,
    *,
    incremental: bool,
) -> Fitted:
    """Train on these rows, from the beginning or from where an earlier fit ended.

    ``incremental`` is one epoch more, with the earlier optimizer's state.

    Raises
    ------
    RecipeError, DataError, DivergedError : each a ValueError of one line.
    """
    table = table_of(task.kind, X, task.target, weight, names)
    rows = len(table.features) if table.weight is None else int(np.count_nonzero(table.weight))
    epochs, rate, pace = int(params["max_iter"]), float(params["learning_rate_init"]), None
    if incremental:
        done = before.progress.epoch if before and before.progress else 0
        epochs = done + 1
        if before and done:
            rate, pace = before.rate, before.rows_seen / done
    problem = Problem(
        task.kind,
        task.outputs,
        max(2, len(task.classes)) if task.kind == "classification" and task.classes is not None else 0,
        rows,
        (X.dtype if before is None else before.theta.dtype).name,
        seed,
        pace,
    )
    if params["spark"] is not None and not type(params["spark"]).__module__.startswith("pyspark.sql."):
        raise RecipeError(f"spark: expected a SparkSession, or None, got {params['spark']!r}")
    if params["early_stopping"] and rows < 2:
        raise DataError("early stopping needs rows to train and rows to validate, but n_samples = 1")
    recipe = recipe_of(name, params, problem, epochs=epochs, rate=rate)
    _check_split(recipe, task)
    dataset = make_dataset(table, recipe)
    if recipe.data.split.validation and dataset.plan.num_samples[1] < 2:
        raise DataError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset: "
            f"{dataset.plan.num_samples[1]} of {rows} rows fell into it, expected at least 2"
        )
    if recipe.training.engine == "auto":
        extent = Extent(len(table.features), table.features.shape[1], "here")
        chosen = say(choose(recipe, extent, params["spark"], outputs=task.outputs))
        recipe = replace(recipe, training=replace(recipe.training, engine=chosen))
    session = _session(name, params, recipe)

    def work() -> Outcome:
        with shards_in(session, dataset) as shards:
            start = _start(recipe, shards, before, incremental=incremental)
            adaptive = params["solver"] == "sgd" and params["learning_rate"] == "adaptive"
            return follow(recipe, shards, start, adaptive=adaptive, trace=_trace(params, start.epoch))

    try:
        outcome = interruptible(context_of(session) or session, work)
    except DivergedError as error:
        raise _diverged(params, error) from None
    return Fitted(recipe, network_for(recipe, dataset.plan), dataset.plan.num_samples[0], outcome)


def _start(recipe: Recipe, shards: Shards, before: Before | None, *, incremental: bool) -> Progress:
    """The recipe's own weights, or the earlier ones: with a fresh optimizer, or with its state."""
    if before is None:
        return first_state(recipe, shards)
    fresh = first_state(recipe, shards, before.theta)
    if before.progress is None:
        return fresh
    stop = before.progress.stop._replace(reason="") if before.watched else fresh.stop
    if not incremental:
        return fresh._replace(stop=stop)
    epoch = before.progress.epoch
    return fresh._replace(
        epoch=epoch, optimizer=_continued(fresh.optimizer, before.progress.optimizer, epoch), stop=stop
    )


def _continued(fresh: Any, state: Any, epoch: int) -> Any:
    """The earlier rule's state, whether it took whole batches or small ones; another rule starts afresh."""
    if type(getattr(state, "rule", None)) is not type(fresh.rule):
        return fresh
    counter = "done" if "done" in fresh._fields else "steps"
    return fresh._replace(rule=state.rule, **{counter: epoch})


def _check_split(recipe: Recipe, task: Task) -> None:
    """A class has to have a row in either part."""
    if recipe.data.split.stratify and task.classes is not None:
        counts = np.bincount(task.target.astype(np.int64))
        least = int(counts[counts > 0].min())
        few = [str(label) for label, count in zip(task.classes, counts, strict=False) if count == least]
        if least < 2:
            raise DataError(
                f"The least populated classes in y have only {least} member, which is too few: "
                "early stopping sets rows of every class aside, expected at least 2. "
                f"Classes with too few members are: {few}"
            )


def _session(name: str, params: Mapping[str, Any], recipe: Recipe) -> Any:
    if recipe.training.engine == "local":
        return None
    return params["spark"] if params["spark"] is not None else open_session(f"nnspark {name}")


def _trace(params: Mapping[str, Any], done: int) -> Any:
    def trace(row: Mapping[str, Any]) -> None:
        if params["verbose"]:
            print(f"Iteration {row['epoch'] - done}, loss = {row['cost']:.8f}")

    return trace


def _diverged(params: Mapping[str, Any], error: DivergedError) -> DivergedError:
    what = str(error).split(":")[0]
    return DivergedError(
        "Solver produced non-finite parameter weights. The input data may contain large values and need to "
        "be preprocessed (StandardScaler), or learning_rate_init = "
        f"{params['learning_rate_init']:g} is too large: {what}"
    )
