"""Labelled rows as a model sees them: its features in its order, its scaling, its classes."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.dataset import Dataset, fingerprint, make_dataset
from nnspark.data.plan import Plan, Scaling, encode_labels, num_blocks
from nnspark.data.rows import PARTS, assemble, hash_rows
from nnspark.engines.base import Shards
from nnspark.engines.layout import make_shards
from nnspark.errors import DataError, ShapeError
from nnspark.model import Model
from nnspark.recipe import Recipe
from nnspark.sources import Table, load_table
from nnspark.sources.table import numbered

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["evaluation_dataset", "evaluation_shards"]

Array = NDArray[Any]


def evaluation_shards(model: Model, recipe: Recipe, part: str, session: "SparkSession | None") -> Shards:
    """The rows laid out for an evaluation.

    The executors read what they can read, as in training, if it turns out to be what the model was
    trained on; other data, to be scaled as the model says, go through the driver.
    """
    spark = recipe.spark
    if session is not None and part != "all":
        from nnspark.engines.frames import FRAME_SOURCES, frame_shards, read_frame, reading

        if recipe.data.source in FRAME_SOURCES:
            with reading(recipe.data.path):
                frame = read_frame(session, recipe.data)
                shards = frame_shards(
                    frame, _plain(model, recipe), partitions=spark.partitions, depth=spark.depth
                )
            if _is_the_models(shards.plan, model):
                _refuse_empty(shards.plan, part)
                return shards
            shards.close()
    dataset = evaluation_dataset(model, load_table(recipe.data), recipe, part)
    sc = None if session is None else session.sparkContext
    return make_shards(dataset, sc, partitions=spark.partitions, depth=spark.depth)


def evaluation_dataset(model: Model, table: Table, recipe: Recipe, part: str) -> Dataset:
    """The table's rows, split as the recipe says, scaled and encoded as the model says.

    For part "all" every row is in the part "test", which is the only one then.
    """
    table = _rows_that_count(table)
    given_test = np.full(len(table.features), part == "all")
    if table.test_rows is not None:
        given_test[table.test_rows] = True
    table = replace(table, features=_in_order(model, table), feature_names=model.feature_names)
    target = _encode(model, table.target)
    if part == "all":
        plan = _one_part(model, table, target, recipe)
    else:
        plan = make_dataset(table, _plain(model, recipe)).plan
        _refuse_empty(plan, part)
    plan = replace(plan, scaling=model.scaling, target_scaling=model.target_scaling)
    rows = plan.prepare(table.features, target, table.weight, given_test)
    return Dataset(plan, assemble(rows, plan.block_rows))


def _is_the_models(plan: Plan, model: Model) -> bool:
    """Whether training on this plan's data would have given the model's columns, scaling and classes."""
    scalings = [(plan.scaling, model.scaling), (plan.target_scaling, model.target_scaling)]
    return (
        plan.feature_names == model.feature_names
        and all(_same_scaling(ours, theirs) for ours, theirs in scalings)
        and (plan.classes is None or np.array_equal(plan.classes, np.asarray(model.classes)))
    )


def _same_scaling(ours: Scaling | None, theirs: Scaling | None) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return np.array_equal(ours.center, theirs.center) and np.array_equal(ours.divide, theirs.divide)


def _refuse_empty(plan: Plan, part: str) -> None:
    if not plan.num_samples[PARTS.index(part)]:
        raise DataError(f"the {part} part has no rows; evaluate another part, or all rows")


def _one_part(model: Model, table: Table, target: Array, recipe: Recipe) -> Plan:
    rows, block_rows = len(table.features), recipe.training.block_rows
    return Plan(
        task=model.task,
        feature_names=model.feature_names,
        scaling=model.scaling,
        dtype=model.weights[0].dtype.name,
        block_rows=block_rows,
        split_seed=recipe.data.split.seed,
        cuts=np.zeros((1, 2), dtype=np.uint64),
        blocks=(1, 1, num_blocks(rows, block_rows)),
        classes=model.classes,
        num_targets=1 if target.ndim == 1 else target.shape[1],
        num_samples=(0, 0, rows),
        weighted=table.weight is not None,
        fingerprint=fingerprint(hash_rows(table.features, target, table.weight)),
    )


def _plain(model: Model, recipe: Recipe) -> Recipe:
    """The recipe with the model's classes, and no class weights: those are for training."""
    classes = [] if model.classes is None else model.classes.tolist()
    return replace(
        recipe,
        data=replace(recipe.data, task=model.task, classes=classes),
        training=replace(recipe.training, class_weight="none", dtype=model.weights[0].dtype.name),
    )


def _rows_that_count(table: Table) -> Table:
    """A row of weight 0 is a row that is not there."""
    if table.weight is None:
        return table
    kept = table.weight > 0
    return replace(table, features=table.features[kept], target=table.target[kept], weight=table.weight[kept])


def _in_order(model: Model, table: Table) -> Array:
    """The model's features: by name, or by position where the file or the model has no names."""
    names, wanted = table.feature_names, model.feature_names
    if names == wanted:
        return table.features
    missing = [name for name in wanted if name not in names]
    if not missing:
        return table.features[:, [names.index(name) for name in wanted]]
    if len(names) != len(wanted):
        raise ShapeError(
            f"the model takes {len(wanted)} features but the data has {len(names)}; set data.label and "
            "data.columns so that only the model's features are left"
        )
    if numbered(len(names)) not in (names, wanted):
        raise DataError(
            f"the data has no column {missing[0]!r}, which the model takes ({len(missing)} of its "
            f"{len(wanted)} features are missing); rename the columns"
        )
    return table.features


def _encode(model: Model, target: Array) -> Array:
    """Class indices, or targets of as many columns as the model has outputs."""
    if model.classes is None:
        values = np.asarray(target, dtype=np.float64).reshape(len(target), -1)
        outputs = model.network.layers[-1]
        if values.shape[1] != outputs:
            raise ShapeError(f"the model has {outputs} outputs but the data has {values.shape[1]} targets")
        return values
    unknown = ~np.isin(target, model.classes)
    if (target.dtype.kind == "U") != (model.classes.dtype.kind == "U"):
        unknown[:] = True
    if unknown.any():
        label = target[unknown].tolist()[0]
        raise DataError(
            f"label {label!r} is not a class of the model, nor are {int(unknown.sum()) - 1} labels of other "
            f"rows: its classes are {', '.join(map(str, model.classes[:20].tolist()))}"
        )
    return encode_labels(target, model.classes)
