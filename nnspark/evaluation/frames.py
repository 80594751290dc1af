"""Labelled rows that executors read, as a model sees them: its columns, its scaling, its classes."""

from dataclasses import replace
from functools import partial

from nnspark.data.plan import Plan
from nnspark.engines.base import Shards
from nnspark.engines.frames.build import lay_out, understand
from nnspark.engines.frames.classes import find_labels
from nnspark.engines.frames.columns import Layout
from nnspark.engines.frames.crowding import CrowdedRows, crowded_rows
from nnspark.engines.frames.csv import CORRUPT
from nnspark.engines.frames.paths import PART
from nnspark.engines.frames.planning import make_plan, survey_of
from nnspark.engines.frames.read import reading
from nnspark.engines.frames.scan import Scan
from nnspark.engines.types import Frame
from nnspark.errors import ShapeError
from nnspark.evaluation.rows import (
    as_model,
    check_labels,
    check_outputs,
    feature_order,
    one_part_plan,
    plain_recipe,
    refuse_empty,
)
from nnspark.model import Model
from nnspark.recipe import Data, Recipe
from nnspark.sources.columns import choose_columns, listed

__all__ = ["evaluation_frame_shards"]


def evaluation_frame_shards(model: Model, recipe: Recipe, part: str, source: "Frame") -> Shards:
    """The rows of a DataFrame laid out for an evaluation; no row passes through the driver."""
    recipe = plain_recipe(model, recipe)
    read, spark = partial(reading, recipe.data.place or "the DataFrame"), recipe.spark
    with read():
        recipe = replace(recipe, data=_in_order(model, source, recipe.data))
        rows = understand(source, recipe, partial(_classes, model), partial(_plan, model, part))
        return lay_out(rows, read, partitions=spark.partitions, depth=spark.depth, scratch=spark.scratch)


def _in_order(model: Model, df: "Frame", data: Data) -> Data:
    """The data section with the model's columns in its order, unless one wide column holds them all.

    A wide column ``v`` among others is ``v[0]``, ``v[1]``, ... in the model.
    """
    columns = [name for name in df.columns if name not in (CORRUPT, PART)]
    chosen = choose_columns(columns, data, "the DataFrame")
    names, types = tuple(columns[at] for at in chosen.features), dict(df.dtypes)
    wide = [name for name in names if types[name] == "vector" or types[name].startswith("array<")]
    if len(names) == 1 and wide:
        return data
    if wide:
        heads = (name.rpartition("[")[0] for name in model.columns)
        wanted = [
            head if head in wide and name not in names else name
            for head, name in zip(heads, model.columns, strict=True)
        ]
        if set(wanted) <= set(names):
            return replace(data, columns=list(dict.fromkeys(wanted)), exclude=[])
    return replace(data, columns=[names[at] for at in feature_order(model, names)], exclude=[])


def _classes(model: Model, df: "Frame", layout: Layout, data: Data) -> Layout:
    """The model's classes for the labels, after the checks that rows on the driver have to pass too."""
    width = len(model.columns)
    is_wide = any(one is not None for one in layout.widths)
    in_order = not is_wide or feature_order(model, layout.names) == list(range(width))
    if not in_order and len(layout.widths) > 1:
        raise ShapeError(
            f"the data's wide columns hold {listed(layout.names)}, which is not what the model takes: "
            f"{listed(model.columns)}"
        )
    if not in_order:
        raise ShapeError(
            f"the model's {width} features are columns by name but the data have them in one column; name "
            "the model's columns"
        )
    if model.classes is None:
        check_outputs(model, len(layout.targets))
        return layout
    found = find_labels(df, layout, data)
    if found is None:
        return layout
    rows = dict(zip(found.labels.tolist(), found.rows.tolist(), strict=True))
    check_labels(
        model, found.labels[found.counts], lambda labels: sum(rows[label] for label in labels.tolist())
    )
    return found.as_classes(layout, model.classes)


def _plan(
    model: Model, part: str, source: "Frame", scan: Scan, layout: Layout, recipe: Recipe
) -> tuple[Plan, CrowdedRows | None]:
    """The plan of one part, with the model's scaling."""
    if part == "all":
        survey = survey_of(source, scan, layout, recipe.data)
        plan = one_part_plan(model, recipe, survey.rows, survey.fingerprint, weighted=bool(layout.weight))
        return plan, crowded_rows(scan, layout, survey, plan.block_rows)
    plan, crowded = make_plan(source, scan, layout, recipe, (model.scaling, model.target_scaling))
    plan = as_model(model, plan)
    refuse_empty(plan, part)
    return plan, crowded
