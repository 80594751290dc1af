"""The part of a recipe's text that a person wrote: the keys whose values are not the defaults."""

import dataclasses
import tomllib
from collections.abc import Mapping
from typing import Any, get_type_hints

from nnspark.recipe import Recipe
from nnspark.recipe.text import to_toml

__all__ = ["in_rounds", "own_keys"]


def in_rounds(text: str) -> bool:
    """Whether the recipe, TOML, trains by mini-batches."""
    try:
        rounds = tomllib.loads(text).get("rounds")
    except ValueError:
        return False
    return isinstance(rounds, Mapping) and bool(rounds.get("batch_size"))


def own_keys(text: str) -> str | None:
    """Return the sections and keys of a resolved recipe, TOML, that say something of their own.

    None where all keys are, or the text is no recipe.
    """
    try:
        table = tomllib.loads(text)
    except ValueError:
        return None
    lines: list[str] = []
    kept: dict[str, Any] = {}
    for section, values in table.items():
        if not isinstance(values, Mapping):
            return None
        own = _own(values, get_type_hints(Recipe).get(section))
        kept |= {section: own} if own else {}
        if own:
            lines += [f"[{section}]", *(f"{key} = {to_toml(value)}" for key, value in own.items()), ""]
    return None if kept == table else "\n".join(lines)


def _own(values: Mapping[str, Any], section: Any) -> dict[str, Any]:
    """The keys of a section, or of a section in it, whose values are not its defaults."""
    if not dataclasses.is_dataclass(section):
        return dict(values)
    hints = get_type_hints(section)
    defaults = {field.name: _default(field) for field in dataclasses.fields(section)}
    own: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and dataclasses.is_dataclass(hints.get(key)):
            inner = _own(value, hints[key])
            own |= {key: inner} if inner else {}
        elif key not in defaults or defaults[key] != value:
            own[key] = value
    return own


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    return None if field.default_factory is dataclasses.MISSING else field.default_factory()
