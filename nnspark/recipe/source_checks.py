"""Do the keys that say where rows come from, and which part each is of, go together?"""

from collections.abc import Mapping
from typing import Any

from nnspark.recipe.data_section import PARTS, Data
from nnspark.recipe.text import require

__all__ = ["OF_SPARK", "check_source", "of_own_parts", "require_validation"]

OF_FILES = ("csv", "libsvm", "orc", "parquet")
OF_SPARK = {"spark": "format", "table": "table", "query": "query"}
OF_MAKERS = ("bank", "digit_images", "houses", "random_regression", "words")
WITHOUT_FILES = ("digits", "iris", *OF_MAKERS)
SECRETS = ("password", "secret", "token")
WITHOUT_NAMES = (
    "digit_images",
    "digits",
    "idx",
    "iris",
    "libsvm",
    "npy",
    "npz",
    "random_regression",
    "words",
)


def of_own_parts(sections: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's table, with fractions of 0 where its rows have parts of their own and it gives none."""
    data = sections.get("data")
    split = data.get("split", {}) if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(split, Mapping):
        return dict(sections)
    if not (split.get("column") or any(data.get(part) for part in PARTS)):
        return dict(sections)
    return {**sections, "data": {**data, "split": {**dict.fromkeys(PARTS, 0.0), **split}}}


def check_source(data: Data) -> None:
    """Raise RecipeError at the first key that does not go with ``data.source`` or with another."""
    source = f"data.source = {data.source!r}"
    several = data.source in (*OF_FILES, "spark") or isinstance(data.path, str)
    require(several, "data.path", f"one path with {source}", data.path)
    for owner, key in OF_SPARK.items():
        value = getattr(data, key)
        expected = f"what to read, with {source}" if owner == data.source else f"none with {source}"
        require(bool(value) == (owner == data.source), f"data.{key}", expected, value)
    has_options = data.source in ("spark", *OF_MAKERS)
    require(not data.options or has_options, "data.options", f"none with {source}", data.options)
    for key, value in data.options.items():
        (_check_maker if data.source in OF_MAKERS else _check_option)(key, value)
    if data.source in WITHOUT_FILES:
        expected = f"none with {source}, which has no file; set data.source too (csv, parquet, ...)"
        require(not data.path, "data.path", expected, data.path)
    for key in ("path", *PARTS):
        paths = getattr(data, key)
        none_empty = isinstance(paths, str) or "" not in paths
        require(none_empty, f"data.{key}", "paths that are not empty", paths)
    for part in data.paths_of_parts:
        require(data.source in OF_FILES, f"data.{part}", f"none with {source}", getattr(data, part))
        require(not data.path, "data.path", f"none with data.{part}, which names files itself", data.path)
        require(
            bool(data.train), "data.train", f"the paths of the training rows, with data.{part}", data.train
        )
    if data.own_parts:
        _check_own_parts(data)


def _check_option(key: str, value: Any) -> None:
    """A value, or where it is; the recipe is kept with the run, so no secret may stand in it."""
    expected = 'text, a number, true or false, or {env = "NAME"}'
    is_named = isinstance(value, Mapping)
    fits = set(value) == {"env"} and bool(value["env"]) if is_named else isinstance(value, str | int | float)
    require(fits, f"data.options.{key}", expected, value)
    if any(word in key.lower() for word in SECRETS):
        require(is_named, f"data.options.{key}", '{env = "NAME"}, as runs keep their recipe', "a plain value")


def _check_maker(key: str, value: Any) -> None:
    """How many rows are made, and of which seed."""
    require(key in ("rows", "seed"), f"data.options.{key}", "rows or seed of a made table", value)
    low = 1 if key == "rows" else 0
    fits = isinstance(value, int) and not isinstance(value, bool) and value >= low
    require(fits, f"data.options.{key}", f"a whole number of {low} or more", value)


def _check_own_parts(data: Data) -> None:
    """Nothing else may decide a row's part."""
    split = data.split
    named = "data.train" if data.paths_of_parts else "data.split.column"
    if data.paths_of_parts:
        require(not split.column, "data.split.column", "none with data.train", split.column)
    else:
        named_columns = data.source not in WITHOUT_NAMES
        expected = f"none with data.source = {data.source!r}, whose columns have no names"
        require(named_columns, "data.split.column", expected, split.column)
    for part in PARTS:
        expected = f"no fraction with {named}, which says each row's part"
        require(getattr(split, part) == 0, f"data.split.{part}", expected, getattr(split, part))
    expected = f"0 with {named}: folds cut rows that have no part yet"
    require(split.folds == 0, "data.split.folds", expected, split.folds)
    require(not split.stratify, "data.split.stratify", f"false with {named}", split.stratify)


def require_validation(data: Data, purpose: str) -> None:
    """Raise RecipeError unless some rows are meant to validate."""
    split = data.split
    if data.own_parts:
        require(data.validates, "data.validation", f"paths of rows {purpose}", data.validation)
    elif split.folds:
        require(split.validates, "data.split.fold", f"0 or more {purpose}", split.fold)
    else:
        require(split.validates, "data.split.validation", f"more than 0 {purpose}", split.validation)
