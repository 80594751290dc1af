"""Recipes from TOML text and back: overrides applied, every type and value checked."""

import dataclasses
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nnspark.errors import RecipeError
from nnspark.log import log
from nnspark.recipe.bundled import find
from nnspark.recipe.checks import check
from nnspark.recipe.data_section import PARTS, as_paths
from nnspark.recipe.patterns import expand, is_pattern
from nnspark.recipe.sections import Recipe
from nnspark.recipe.source_checks import of_own_parts
from nnspark.recipe.sweep import Sweep, check_sweep
from nnspark.recipe.text import apply_override, build, to_toml

__all__ = [
    "beside",
    "check_sweep_of",
    "dumps",
    "dumps_sweep",
    "loads",
    "loads_sweep",
    "of_table",
    "read",
    "read_sweep",
    "sweep_of_table",
    "sweep_section",
]

PATH_KEYS, NPY_KEYS = ("path", *PARTS), ("features", "labels", "weight")
OF_RUNS = ("history.jsonl", "results.jsonl")


def read(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe file, or a recipe that comes with nnspark by its name.

    ``overrides`` are ``section.key=value`` strings, value as in TOML.
    """
    path = _file(path)
    return beside(loads(_text(path), overrides, name=str(path)), path.parent)


def read_sweep(path: str | Path, overrides: Sequence[str] = ()) -> tuple[Recipe, Sweep]:
    """Read a recipe and its ``[sweep]`` section, both checked."""
    path = _file(path)
    recipe, sweep = sweep_of_table(_table(_text(path), overrides, str(path)))
    return beside(recipe, path.parent), sweep


def sweep_section(path: str | Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """The ``[sweep]`` section of a recipe file, not checked yet; empty without one."""
    path = _file(path)
    section = _table(_text(path), overrides, str(path)).get("sweep", {})
    if not isinstance(section, dict):
        raise RecipeError(f"sweep: expected a table, got {section!r}")
    return section


def _file(path: str | Path) -> Path:
    """The file of a path or of a bundled recipe's name."""
    path = Path(path)
    if path.name == str(path) and not path.suffix and not path.exists():
        return find(path.name)
    return path


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError(
            f"cannot read recipe {path}: {error.strerror}; give a TOML file's path, or a recipe that comes "
            "with nnspark by its name (`nnspark recipes` lists them)"
        ) from None
    except UnicodeDecodeError:
        raise RecipeError(
            f"{path} is not a text file; a recipe is TOML (`nnspark recipes digits` prints one)"
        ) from None


def beside(recipe: Recipe, folder: Path) -> Recipe:
    """Take paths of data that are not in the current folder from the recipe's folder, if they are there.

    A run keeps its recipe, whose paths counted from the folder that the run was started in: most often one of
    those above the run's, where they are looked for as well; a line says what was found.
    """
    npy = recipe.data.source == "npy" and not recipe.data.path
    found: dict[str, Any] = {}
    for key in (*PATH_KEYS, *(NPY_KEYS if npy else ())):
        paths = getattr(recipe.data, key)
        one = isinstance(paths, str)
        moved = [_path_beside(path, folder, f"data.{key}") for path in as_paths(paths)]
        found[key] = "".join(moved) if one else moved
    return dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, **found))


def _path_beside(path: str, folder: Path, key: str) -> str:
    if "://" in path or _is_there(path):
        return path
    if _is_there(str(folder / path)):
        return str(folder / path)
    if any((folder / name).is_file() for name in OF_RUNS):
        for above in folder.absolute().parents:
            if _is_there(str(above / path)):
                log(f"{key}: {path!r} is not in this folder; taken from {above}, above that of the run")
                return str(above / path)
    return path


def _is_there(path: str) -> bool:
    """Whether a path of this machine, or one that a pattern names, exists."""
    try:
        return Path(path).exists() or (is_pattern(path) and bool(expand(path, _names_in)))
    except RecipeError:
        return False


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder or ".")
    except OSError:
        return []


def loads(text: str, overrides: Sequence[str] = (), *, name: str = "recipe") -> Recipe:
    """A recipe from TOML text, with overrides applied and every value checked.

    >>> recipe = loads("data.source = 'digits'", ["training.epochs=5", "network.hidden=[50, 25]"])
    >>> recipe.training.epochs, recipe.network.hidden, recipe.training.optimizer
    (5, [50, 25], 'gd')
    >>> loads(dumps(recipe)) == recipe
    True
    """
    return of_table(_table(text, overrides, name))


def loads_sweep(text: str, *, name: str = "recipe") -> tuple[Recipe, Sweep]:
    """A recipe and its ``[sweep]`` section from TOML text, both checked."""
    return sweep_of_table(_table(text, (), name))


def _table(text: str, overrides: Sequence[str], name: str) -> dict[str, Any]:
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{name} is not valid TOML: {' '.join(str(error).split())}") from None
    for override in overrides:
        apply_override(table, override)
    return table


def of_table(table: Mapping[str, Any]) -> Recipe:
    """A recipe from a table of its sections, every value checked; a ``[sweep]`` is not part of one run."""
    sections = {name: section for name, section in table.items() if name != "sweep"}
    recipe: Recipe = build(Recipe, of_own_parts(sections))
    check(recipe)
    return recipe


def sweep_of_table(table: Mapping[str, Any]) -> tuple[Recipe, Sweep]:
    """A recipe and a sweep of it, every value of both checked."""
    if "sweep" not in table:
        raise RecipeError(
            'the recipe has no [sweep] section: add one, such as [sweep.grid] with "training.l2" = [0.1, 1.0]'
        )
    recipe = of_table(table)
    return recipe, check_sweep_of(table["sweep"], recipe)


def check_sweep_of(section: Mapping[str, Any], recipe: Recipe) -> Sweep:
    """The sweep of a ``[sweep]`` section, every value and every setting checked."""
    sweep: Sweep = build(Sweep, section, "sweep.", Recipe)
    check_sweep(sweep, recipe)
    return sweep


def dumps(recipe: Recipe) -> str:
    """The recipe as TOML; ``loads`` gives the same recipe back."""
    return _toml(recipe.to_dict())


def dumps_sweep(recipe: Recipe, sweep: Sweep) -> str:
    """A recipe and a sweep of it as TOML."""
    return _toml({**recipe.to_dict(), "sweep": dataclasses.asdict(sweep)})


def _toml(sections: Mapping[str, Any]) -> str:
    lines: list[str] = []
    for section, table in sections.items():
        lines += [f"[{section}]", *(f"{key} = {to_toml(value)}" for key, value in table.items()), ""]
    return "\n".join(lines)
