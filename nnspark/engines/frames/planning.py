"""The plan of a DataFrame's rows: the passes over them that decide all that is decided before packing."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.finishing import finish_plan, split_of_the_rest
from nnspark.data.folds import scales_of
from nnspark.data.learning import RawRows, with_encoding
from nnspark.data.plan import Plan, Scaling
from nnspark.data.rows import split_keys
from nnspark.data.scaling import fit_over, fit_scaling, only_measured
from nnspark.engines.conservation import changed
from nnspark.engines.frames import boundaries as split_boundaries
from nnspark.engines.frames import few_keys
from nnspark.engines.frames import survey as surveys
from nnspark.engines.frames.bad_values import corrupt_records, refuse_bad
from nnspark.engines.frames.begun import begin_plan
from nnspark.engines.frames.columns import Arrays, Layout, arrays_of
from nnspark.engines.frames.crowding import CrowdedRows, crowded_rows
from nnspark.engines.frames.locate import first_bad
from nnspark.engines.frames.looking import with_hints
from nnspark.engines.frames.merging import merge_all, merged
from nnspark.engines.frames.scan import Scan
from nnspark.errors import DataError
from nnspark.recipe import Data, Recipe, Split
from nnspark.sources import refusals

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["checked", "make_plan", "refuse_corrupt", "survey_of"]

Array = NDArray[Any]
Batches = Iterable[Any]


def survey_of(source: "DataFrame", scan: Scan, layout: Layout, data: Data) -> surveys.Survey:
    """Survey the rows; DataError where values cannot be used or there are none."""
    worker = partial(surveys.survey_batches, layout=layout, split=data.split, few_rows=few_keys.FEW_ROWS)
    return checked(merged(scan, worker), source, scan, layout, data)


def checked(
    survey: surveys.Survey | None, source: "DataFrame", scan: Scan, layout: Layout, data: Data
) -> surveys.Survey:
    """The survey; DataError where values cannot be used or there are no rows."""
    if survey is not None:
        refuse_bad(survey.bad, layout, partial(first_bad, source, scan.df, layout))
    if survey is None or not survey.rows:
        raise no_rows(scan.df, layout, data.place or "the DataFrame")
    return survey


def refuse_corrupt(source: "DataFrame", scan: Scan, layout: Layout) -> None:
    """Raise DataError if there are records of a text file that do not fit."""
    found = merged(scan, corrupt_records)
    if found is not None and found.count:
        refuse_bad({("corrupt", "corrupt"): found.count}, layout, partial(first_bad, source, scan.df, layout))


def no_rows(df: "DataFrame", layout: Layout, where: str) -> DataError:
    """The error for a DataFrame none of whose rows counts."""
    rows = df.count() if layout.weight else 0
    return refusals.no_weight(rows) if rows else refusals.no_data_rows(where)


def make_plan(
    source: "DataFrame",
    scan: Scan,
    layout: Layout,
    recipe: Recipe,
    scalings: tuple[Scaling, Scaling | None] | None = None,
    survey: surveys.Survey | None = None,
) -> tuple[Plan, CrowdedRows | None]:
    """Survey the rows and decide all that is decided before they are packed; and rows that come often.

    ``scalings`` of features and targets are a model's own; without them they are fitted as the recipe says.
    ``survey`` is that of the rows, where it has been made.
    """
    survey = survey or survey_of(source, scan, layout, recipe.data)
    split = split_of_the_rest(recipe.data.split, np.flatnonzero(survey.given.any(axis=1)).tolist())
    cuts, counts = _split(scan, layout, split, survey)
    counts += survey.given
    plan = begin_plan(layout, recipe, split, cuts, survey.fingerprint)
    train = int(counts[0].sum())
    if scalings is None and train:
        plan = with_encoding(plan, recipe, layout.kinds, _passes(scan, layout, plan, train, _raw))
    scaling, target_scaling = scalings or _fit(scan, layout, recipe, plan, train)
    class_counts = None if layout.classes is None else counts[0]
    plan = finish_plan(plan, recipe, counts.sum(axis=1), class_counts, scaling, target_scaling)
    if scalings is None:
        plan = with_hints(plan, scan.df, layout, survey.sample, recipe.data.scale)
    return plan, crowded_rows(scan, layout, survey, plan.block_rows)


def _split(scan: Scan, layout: Layout, split: Split, survey: surveys.Survey) -> tuple[Array, Array]:
    """Cuts (strata, boundaries), and rows of each part and class (3, classes), by few passes, or none."""
    boundaries = split_boundaries.boundaries_of(survey, split)
    while boundaries.rows > split_boundaries.NEAR_ROWS and boundaries.bits < 64:
        count = partial(split_boundaries.count_inside, layout=layout, split=split, boundaries=boundaries)
        inside = merged(scan, count)
        _check_same(boundaries, 0 if inside is None else inside.counts.sum(axis=2))
        assert inside is not None
        boundaries = boundaries.narrowed(inside)
    near: split_boundaries.Near | None
    if survey.few.all_known:
        near = split_boundaries.near_of(survey.few.keys, boundaries, len(survey.by_class))
    elif boundaries.open.any():
        collect = partial(split_boundaries.collect_near, layout=layout, split=split, boundaries=boundaries)
        near = merged(scan, collect)
    else:
        near = split_boundaries.nothing_near(boundaries, survey.by_class)
    if near is None:
        raise changed("the survey and the split", f"{survey.rows} rows", "none")
    cuts, below, found = near.thresholds(boundaries)
    _check_same(boundaries, found)
    return cuts, split_boundaries.rows_of_parts(survey.by_class, below, split)


def _check_same(boundaries: split_boundaries.Boundaries, found: Any) -> None:
    """See that as many rows are near each boundary as a pass before counted."""
    wanted = np.where(boundaries.open, boundaries.inside, 0)
    found = np.where(boundaries.open, found, 0)
    if (wanted != found).any():
        at = np.flatnonzero(wanted != found)[0]
        raise changed(
            "the survey and the split",
            f"{wanted.flat[at]} rows near a boundary of the split",
            str(found.flat[at]),
        )


def _fit(scan: Scan, layout: Layout, recipe: Recipe, plan: Plan, rows: int) -> tuple[Scaling, Scaling | None]:
    """The scaling of features and targets, fitted to the ``rows`` training rows where the recipe says so."""
    scale, target_scale = scales_of(recipe)
    fitted = scale in ("standard", "minmax") and rows
    passes = partial(_passes, scan, layout, plan, rows)
    scaling = fit_over(str(scale), passes(_features)) if fitted else fit_scaling(scale, [], plan.num_features)
    target_scaling = None if target_scale == "none" or not rows else fit_over(target_scale, passes(_target))
    return only_measured(scaling, plan.measured), target_scaling


def _passes(
    scan: Scan, layout: Layout, plan: Plan, rows: int, of: Callable[[Plan, Arrays], Any]
) -> Callable[[Callable[[Any], Any]], Any]:
    """What runs a function over ``of`` the ``rows`` training rows, merged: one pass."""

    def run(function: Callable[[Any], Any]) -> Any:
        found = merged(scan, partial(_over_train, plan=plan, layout=layout, of=of, function=function))
        if found is None:
            raise changed("the survey and the scaling", f"{rows} training rows", "none")
        return found

    return run


def _raw(plan: Plan, rows: Arrays) -> RawRows:
    return RawRows(rows.features, rows.spellings)


def _features(plan: Plan, rows: Arrays) -> Array:
    return plan.encoded(rows.features)


def _target(plan: Plan, rows: Arrays) -> Array:
    return rows.target


def _over_train(
    batches: Batches,
    plan: Plan,
    layout: Layout,
    of: Callable[[Plan, Arrays], Any],
    function: Callable[[Any], Any],
) -> Any:
    """Worker function: a function of the training rows, merged over the batches."""

    def results() -> Iterator[Any]:
        for batch in batches:
            rows = surveys.present(arrays_of(batch, layout))
            keys = split_keys(rows.hashes(), plan.split_seed)
            train = plan.parts(keys, rows.target, rows.given) == 0
            if train.any():
                yield function(of(plan, rows.take(train)))

    return merge_all(results())
