"""TOML text and the recipe's dataclasses: overrides, tables to instances with every type checked, and back.

Nothing here knows which sections there are: ``build`` follows the annotations of the class it is given.
"""

import dataclasses
import difflib
import json
import math
import tomllib
from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from nnspark.errors import RecipeError

__all__ = ["apply_override", "build", "is_number", "require", "to_toml"]

Table = dict[str, Any]


def apply_override(table: Table, override: str) -> None:
    """Set one key of a recipe's table from ``section.key=value``, value as in TOML or else plain text."""
    path, equals, text = override.partition("=")
    keys = path.strip().split(".")
    if not equals or len(keys) < 2 or not all(keys):
        raise RecipeError(f"--set {override!r}: expected section.key=value, like training.epochs=100")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        value = text.strip()
    for key in keys[:-1]:
        below = table.setdefault(key, {})
        if not isinstance(below, dict):
            below = table[key] = {}
        table = below
    table[keys[-1]] = value


def require(ok: bool, key: str, expected: str, value: Any) -> None:
    """Raise RecipeError, naming the key, what was expected and what came, unless ``ok``."""
    if not ok:
        raise RecipeError(f"{' '.join(key.splitlines())}: expected {expected}, got {value!r}")


def build(cls: type, table: Any, prefix: str = "", whole: type | None = None) -> Any:
    """An instance of a dataclass from a TOML table, or a RecipeError that names the key.

    ``whole`` is the outermost class, in which the right place of a misplaced key is looked for.
    """
    whole = whole or cls
    if not isinstance(table, Mapping):
        raise RecipeError(f"{prefix.rstrip('.')}: expected a table, got {table!r}")
    known = {f.name: f for f in dataclasses.fields(cls)}
    for key in table:
        if key not in known:
            raise RecipeError(_unknown_key(f"{prefix}{key}", [prefix + name for name in known], whole))
    hints = _hints(cls)
    for name, f in known.items():
        required = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if required and name not in table:
            hint = ', like source = "digits"' if name == "source" else ""
            raise RecipeError(f"{prefix}{name} is missing: every recipe has to set it{hint}")
    return cls(**{key: _value(hints[key], value, prefix + key, whole) for key, value in table.items()})


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _unknown_key(key: str, known: list[str], whole: type) -> str:
    everywhere = known + [
        f"{section.name}.{f.name}"
        for section in dataclasses.fields(whole)
        for f in dataclasses.fields(_hints(whole)[section.name])
    ]
    near = difflib.get_close_matches(key, known, 1, 0.6) or difflib.get_close_matches(key, everywhere, 1, 0.6)
    advice = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(sorted(known))}"
    return f"unknown recipe key '{' '.join(key.splitlines())}'; {advice}"


def _value(expected: Any, value: Any, key: str, whole: type) -> Any:
    if dataclasses.is_dataclass(expected):
        return build(expected, value, key + ".", whole)  # type: ignore[arg-type]
    if not _fits(expected, value):
        named = isinstance(value, str) and get_origin(expected) is dict
        like = f'; write {{name = "{value}"}}' if named and value.isidentifier() else ""
        raise RecipeError(f"{key}: expected {_describe(expected)}, got {value!r}{like}")
    return float(value) if expected is float else value


def _fits(expected: Any, value: Any) -> bool:
    origin = get_origin(expected)
    if origin in (Union, UnionType):
        return any(_fits(option, value) for option in get_args(expected))
    if origin is list:
        return isinstance(value, list) and all(_fits(get_args(expected)[0], item) for item in value)
    if origin is dict:
        return isinstance(value, dict)
    if expected is bool or isinstance(value, bool):
        return expected is bool and isinstance(value, bool)
    return is_number(value) if expected is float else isinstance(value, expected)


def is_number(value: Any) -> bool:
    """Whether a TOML value is a number that a float can hold; infinities and NaN are."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) < 2**1023


def _describe(expected: Any) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}
    origin = get_origin(expected)
    if origin in (Union, UnionType):
        return " or ".join(_describe(option) for option in get_args(expected))
    if origin is list:
        return f"a list of [{_describe(get_args(expected)[0])}]"
    return "a table" if origin is dict else names[expected]


def to_toml(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{to_toml(str(key))} = {to_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(to_toml, value)) + "]"
    if isinstance(value, float) and math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return f"{value:.1f}"
    if isinstance(value, str | bool):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
