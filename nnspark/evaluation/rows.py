"""Labelled rows as a model sees them: its features in its order, its scaling, its classes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.block_rows import block_rows_of
from nnspark.data.classes import encode_labels
from nnspark.data.dataset import Dataset, fingerprint, make_dataset, to_blocks
from nnspark.data.plan import Plan, num_blocks
from nnspark.data.rows import PARTS, hash_rows
from nnspark.errors import DataError, ShapeError
from nnspark.model import Model
from nnspark.recipe import Recipe
from nnspark.sources import Table
from nnspark.sources.table import numbered

__all__ = [
    "as_model",
    "as_trained",
    "check_labels",
    "check_outputs",
    "evaluation_dataset",
    "feature_order",
    "one_part_plan",
    "plain_recipe",
    "refuse_empty",
]

Array = NDArray[Any]


def evaluation_dataset(model: Model, table: Table, recipe: Recipe, part: str) -> Dataset:
    """The table's rows, split as the recipe says, scaled and encoded as the model says.

    For part "all" every row is in the part "test", which is the only one then.
    """
    table = _rows_that_count(table)
    given = np.full(len(table.features), 2 if part == "all" else -1, dtype=np.int8)
    if table.given is not None and part != "all":
        given = table.given
    order = feature_order(model, table.feature_names)
    same = order == list(range(table.features.shape[1]))
    features = table.features if same else table.features[:, order]
    table = replace(table, features=features, feature_names=model.columns, kinds=(), spellings={})
    target = _encode(model, table.target)
    if part == "all":
        of_rows = fingerprint(hash_rows(table.features, target, table.weight))
        weighted = table.weight is not None
        plan = one_part_plan(model, recipe, len(table.features), of_rows, weighted=weighted)
    else:
        plan = make_dataset(table, _learning_nothing(plain_recipe(model, recipe))).plan
        refuse_empty(plan, part)
    plan = as_model(model, plan)
    rows = plan.prepare(table.features, target, table.weight, given)
    return Dataset(plan, to_blocks(plan, rows, by_hash=not plan.own_parts))


def refuse_empty(plan: Plan, part: str) -> None:
    """DataError if there is nothing to evaluate."""
    if not plan.num_samples[PARTS.index(part)]:
        raise DataError(f"the {part} part has no rows; evaluate another part, or all rows")


def one_part_plan(model: Model, recipe: Recipe, rows: int, fingerprint: str, *, weighted: bool) -> Plan:
    """The plan for an evaluation of all rows: every one is in the part "test", which is the only one."""
    units = model.network.layers[-1]
    block_rows = block_rows_of(recipe.training.block_rows, rows, model.network.layers[0])
    return Plan(
        task=model.task,
        feature_names=model.feature_names,
        scaling=model.scaling,
        dtype=model.weights[0].dtype.name,
        block_rows=block_rows,
        split_seed=recipe.data.split.seed,
        cuts=np.full((1, 2), np.iinfo(np.uint64).max),
        blocks=(1, 1, num_blocks(rows, block_rows)),
        classes=model.classes,
        num_targets=1 if model.classes is not None else units,
        target_scaling=model.target_scaling,
        num_samples=(0, 0, rows),
        weighted=weighted,
        fingerprint=fingerprint,
        encoding=model.encoding,
    )


def as_model(model: Model, plan: Plan) -> Plan:
    """The plan with what the model learned, in place of what its own rows would teach."""
    return replace(
        plan,
        scaling=model.scaling,
        target_scaling=model.target_scaling,
        encoding=model.encoding,
        feature_names=model.feature_names,
    )


def as_trained(model: Model, recipe: Recipe) -> Recipe:
    """The recipe that reads columns as the model does, whatever its own [data] says of them."""
    columns = () if model.encoding is None else model.encoding.columns
    hashed = {column.name: column.width for column in columns if column.width}
    named = [column.name for column in columns if column.kind == "category" and not column.width]
    may_miss = model.encoding is not None and model.encoding.may_miss
    log = model.target_scaling is not None and model.target_scaling.log
    data = replace(
        recipe.data,
        categorical={"columns": named, "hash": hashed} if named or hashed else [],
        dates=[column.name for column in columns if column.kind == "date"],
        missing=0.0 if may_miss else "error",
        target_scale="log" if log else "none",
    )
    return replace(recipe, data=data)


def _learning_nothing(recipe: Recipe) -> Recipe:
    """The recipe for the split alone: what else is learned of rows is the model's."""
    data = replace(recipe.data, scale="none", target_scale="none", categorical=[], missing="error", dates=[])
    return replace(recipe, data=data)


def plain_recipe(model: Model, recipe: Recipe) -> Recipe:
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
    given = None if table.given is None else table.given[kept]
    return replace(
        table,
        features=table.features[kept],
        target=table.target[kept],
        weight=table.weight[kept],
        given=given,
    )


def feature_order(model: Model, names: tuple[str, ...]) -> list[int]:
    """Where the model's features are among the data's: by name, or by position where one has no names."""
    wanted = model.columns
    missing = [name for name in wanted if name not in names]
    if not missing:
        return [names.index(name) for name in wanted]
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
    return list(range(len(names)))


def check_outputs(model: Model, targets: int) -> None:
    """ShapeError unless the data have a target for each of the model's outputs."""
    outputs = model.network.layers[-1]
    if targets != outputs:
        raise ShapeError(f"the model has {outputs} outputs but the data has {targets} targets")


def check_labels(model: Model, labels: Array, rows_with: Callable[[Array], int]) -> None:
    """DataError unless all labels are classes of the model; ``rows_with`` counts the rows of some labels."""
    assert model.classes is not None
    unknown = ~np.isin(labels, model.classes)
    if (labels.dtype.kind == "U") != (model.classes.dtype.kind == "U"):
        unknown[:] = True
    if unknown.any():
        label, others = labels[unknown].tolist()[0], rows_with(labels[unknown]) - 1
        raise DataError(
            f"label {label!r} is not a class of the model, nor are {others} labels of other rows: its "
            f"classes are {', '.join(map(str, model.classes[:20].tolist()))}"
        )


def _encode(model: Model, target: Array) -> Array:
    """Class indices, or targets of as many columns as the model has outputs."""
    if model.classes is None:
        values = np.asarray(target, dtype=np.float64).reshape(len(target), -1)
        check_outputs(model, values.shape[1])
        return values
    check_labels(model, target, len)
    return encode_labels(target, model.classes)
