"""From a DataFrame and Params to a trained model, on the executors or in the driver: the same weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnspark.engines.base import Shards
from nnspark.engines.folds import View, whole_view
from nnspark.errors import DataError, RecipeError
from nnspark.log import warn
from nnspark.ml.columns import Source, read_source
from nnspark.ml.layout import lay_out, training_on
from nnspark.ml.params import PerceptronParams
from nnspark.ml.translate import in_params, recipe_of, renamed, with_mean_penalty
from nnspark.model import Model
from nnspark.net.blas import one_blas_thread
from nnspark.net.mllib import from_mllib
from nnspark.objective.objective import Objective
from nnspark.optimizers import RULES
from nnspark.recipe import Recipe, dumps
from nnspark.recipe.options import name_and_options
from nnspark.training.apart import train_in_company
from nnspark.training.cost import Cost
from nnspark.training.loop import train
from nnspark.training.members import Member
from nnspark.training.rounds import training_weight
from nnspark.training.state import Progress, Row
from nnspark.training.steps import first_state, objective_for
from nnspark.training.stopping import watches

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["Fit", "fit", "fit_on"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Fit:
    """A trained model and how it came about.

    ``history`` has one row an iteration; ``objective`` the cost before the first iteration and after each, of
    mini-batches the mean along each round's way instead, and then of the last weights;
    ``metrics`` all figures of the validation part, where there is one (a pass that Spark's ``fit`` does not
    make of the others either: its summary is of a DataFrame, when it is asked).
    """

    model: Model
    history: list[dict[str, Any]]
    objective: list[float]
    labels: tuple[str, ...]
    stopped_because: str
    metrics: Mapping[str, Any] = field(default_factory=dict)


def fit(params: PerceptronParams, df: "DataFrame", *, classification: bool) -> Fit:
    """Train on a DataFrame what the Params say.

    Raises
    ------
    RecipeError : Params that cannot be trained with; DataError : rows that cannot be trained on, counted;
    DivergedError : the cost is not finite any more.
    """
    source = read_source(params, df, classification=classification)
    recipe = recipe_of(params, source)
    with in_params(), lay_out(source, recipe, params.getOrDefault(params.engine)) as shards:
        for warning in shards.plan.warnings:
            warn(renamed(warning))
        return training_on(shards, df, lambda: fit_on(shards, params, source, recipe))


def fit_on(
    shards: Shards,
    params: PerceptronParams,
    source: Source,
    recipe: Recipe,
    *,
    view: View = whole_view,
    member: Member | None = None,
) -> Fit:
    """Train on a view of rows that are laid out, alone or as a ``member`` of those that train together."""
    shards = view(shards)
    rows: list[Row] = []
    ends: list[Progress] = []

    def remember(new: Sequence[Row], progress: Progress) -> None:
        rows.extend(new)
        ends[:] = [progress]

    if recipe.training.l2:
        recipe = with_mean_penalty(recipe, training_weight(shards))
    objective = objective_for(recipe, shards.plan)
    _refuse_to_watch_nothing(params, recipe, shards)
    given = params.optional(params.initialWeights)
    theta = None if given is None else from_mllib(given.toArray(), objective.network.layers)
    _refuse_infinite(theta, recipe.training.dtype)
    first = first_state(recipe, shards, theta)
    measured = ("validation",)
    if member is not None:
        trained = train_in_company(member, view, recipe, first, remember, measured=measured)
    else:
        each = [lambda epoch: remember([epoch.row], epoch.progress)]
        trained = train(recipe, shards, start=first, callbacks=each, measured=measured)
    costs = _costs(recipe, objective, shards, rows, first.theta, ends[-1].theta)
    plan = replace(shards.plan, feature_names=source.names)
    model = Model.of(plan, trained.network, trained.theta, dumps(recipe), trained.decided.decision)
    return Fit(model, rows, costs, source.labels, trained.stopped_because, trained.metrics)


def _refuse_to_watch_nothing(params: PerceptronParams, recipe: Recipe, shards: Shards) -> None:
    """DataError where a column says which rows validate, none does, and training is to stop by those."""
    column, watched = params.optional(params.validationIndicatorCol), recipe.stopping.monitor
    if (
        column
        and watches(recipe.stopping)
        and watched.startswith("validation")
        and not shards.plan.num_samples[1]
    ):
        raise DataError(
            f"earlyStoppingMonitor is {watched!r}, but column {column!r} is true in no row that has weight: "
            "mark those that validate, or monitor 'loss'"
        )


def _refuse_infinite(theta: Array | None, dtype: str) -> None:
    """RecipeError where initial weights are not finite in the type that is trained in."""
    if theta is None:
        return
    with np.errstate(over="ignore"):
        bad = int(np.count_nonzero(~np.isfinite(theta.astype(dtype))))
    if bad:
        raise RecipeError(
            f"initialWeights: expected numbers that are finite in {dtype}, but {bad} of {theta.size} are not"
        )


def _costs(
    recipe: Recipe,
    objective: Objective,
    shards: Shards,
    rows: list[dict[str, Any]],
    first: Array,
    last: Array,
) -> list[float]:
    """The cost at the start and after each iteration; history rows have one of the two, by the optimizer."""
    name, _ = name_and_options(recipe.training.optimizer)
    before = name in RULES
    with one_blas_thread():
        cost = Cost(objective, shards, l2=recipe.training.l2).at(last if before else first)
    costs = [float(row["cost"]) for row in rows]
    return [*costs, cost] if before else [cost, *costs]
