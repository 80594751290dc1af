"""Recipes from TOML text and back: overrides applied, every type and value checked."""

import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nnspark.errors import RecipeError
from nnspark.recipe.bundled import find
from nnspark.recipe.checks import check
from nnspark.recipe.sections import Recipe
from nnspark.recipe.text import apply_override, build, to_toml

__all__ = ["dumps", "loads", "of_table", "read"]


def read(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe file, or a recipe that comes with nnspark by its name.

    ``overrides`` are ``section.key=value`` strings, value as in TOML.
    """
    path = Path(path)
    if path.name == str(path) and not path.suffix and not path.exists():
        path = find(path.name)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError(
            f"cannot read recipe {path}: {error.strerror}; give a TOML file's path, or a recipe that comes "
            "with nnspark by its name (`nnspark recipes` lists them)"
        ) from None
    except UnicodeDecodeError:
        raise RecipeError(
            f"{path} is not a text file; a recipe is TOML (`nnspark recipes digits` prints one)"
        ) from None
    return _beside(loads(text, overrides, name=str(path)), path.parent)


def _beside(recipe: Recipe, folder: Path) -> Recipe:
    """Take a ``data.path`` that is not in the current folder from the recipe's folder, if it is there."""
    path = recipe.data.path
    if path and not Path(path).exists() and (folder / path).exists():
        return dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, path=str(folder / path)))
    return recipe


def loads(text: str, overrides: Sequence[str] = (), *, name: str = "recipe") -> Recipe:
    """A recipe from TOML text, with overrides applied and every value checked."""
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{name} is not valid TOML: {' '.join(str(error).split())}") from None
    for override in overrides:
        apply_override(table, override)
    return of_table(table)


def of_table(table: Mapping[str, Any]) -> Recipe:
    """A recipe from a table of its sections, every value checked."""
    recipe: Recipe = build(Recipe, table)
    check(recipe)
    return recipe


def dumps(recipe: Recipe) -> str:
    """The recipe as TOML; ``loads`` gives the same recipe back."""
    lines: list[str] = []
    for section, table in recipe.to_dict().items():
        lines += [f"[{section}]", *(f"{key} = {to_toml(value)}" for key, value in table.items()), ""]
    return "\n".join(lines)
