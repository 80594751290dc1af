"""Named choices with options: is the name known, are the options its own, does each value fit?"""

import inspect
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from math import isfinite
from typing import Any, TypeVar

from nnspark.errors import RecipeError

__all__ = ["check_number", "check_whole", "choose", "name_and_options"]

T = TypeVar("T")


def choose(
    what: str,
    name: str,
    registry: Mapping[str, Callable[..., T]],
    options: Collection[str],
    *,
    given: Collection[str] = (),
    shared: Collection[str] = (),
) -> Callable[..., T]:
    """Return the factory of that name if it takes these options.

    Parameters
    ----------
    what : "optimizer", "schedule": how errors call it.
    name, registry : the choice and what there is to choose from.
    options : names of the options asked for.
    given : parameters of a factory that the caller fills in; no options.
    shared : options the caller has taken out already; only errors mention them.

    Raises
    ------
    RecipeError : unknown name or option; says the nearest and all that are known.
    """
    if name not in registry:
        raise RecipeError(f"unknown {what} {name!r}{known(name, registry)}")
    own = [option for option in inspect.signature(registry[name]).parameters if option not in given]
    for option in options:
        if option not in own:
            raise RecipeError(f"{what} {name} has no option {option!r}{known(option, [*own, *shared])}")
    return registry[name]


def name_and_options(spec: str | Mapping[str, Any], default: str = "") -> tuple[str, dict[str, Any]]:
    """A choice as a recipe has it, ``"adam"`` or ``{name = "adam", beta1 = 0.8}``, as name and options."""
    options = {"name": spec} if isinstance(spec, str) else dict(spec)
    return options.pop("name", default), options


def known(word: Any, words: Collection[str]) -> str:
    """The end of an error: the nearest word, if any is near, and all of them."""
    near = get_close_matches(str(word), words, 1, 0.6)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    return f"{hint} known: {', '.join(sorted(words)) or 'none'}"


def check_number(name: str, value: Any, valid: Callable[[float], bool], expected: str) -> None:
    """Raise a RecipeError naming the option unless `value` is a finite number that is `valid`."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not (isfinite(value) and valid(value))
    ):
        raise RecipeError(f"{name}: expected a number {expected}, got {value!r}")


def check_whole(name: str, value: Any, low: int) -> None:
    """Raise a RecipeError naming the option unless `value` is a whole number of at least `low`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise RecipeError(f"{name}: expected a whole number of {low} or more, got {value!r}")
