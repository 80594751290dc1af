"""Which kind each feature column is, by its type and the recipe: the one decision, for every route.

Types, as every route calls them: "number", "boolean", "text", "date", "wide" (an array of numbers), "coded"
(a category of pandas that is no text); "" for any other, which nothing here can read.
"""

from collections.abc import Sequence

from nnspark.errors import RecipeError
from nnspark.recipe.raw_columns import Wishes
from nnspark.sources.columns import position_of
from nnspark.sources.odd_columns import not_numbers

__all__ = ["kinds_of"]

AUTOMATIC = ("text", "boolean")
CATEGORIES = ("text", "boolean", "number", "date", "coded")
NUMBERS = ("number", "boolean", "wide")
DATES = ("text", "date")


def kinds_of(
    features: Sequence[str],
    types: Sequence[str],
    shown: Sequence[str],
    wishes: Wishes,
    names: Sequence[str],
    where: str,
) -> tuple[str, ...]:
    """The kind of each feature column: "number", "category" or "date".

    Parameters
    ----------
    features, types, shown : names of the columns, their types, and what errors call those.
    names : of all columns there are, the label's too.

    Raises
    ------
    DataError : columns of other types than numbers that no key encodes; a key that names none of the columns;
    RecipeError : one that names the label, the weight, or what is left out.
    """
    for key, name in wishes.named:
        if name not in features:
            position_of(name, names, key, where)
            raise RecipeError(f"{key}: column {name!r} is no feature: it is label or weight, or left out")
    named = {*wishes.categorical, *wishes.hashed}
    kinds, odd = [], []
    for name, of_type, called in zip(features, types, shown, strict=True):
        if name in wishes.dates:
            fits, kind = of_type in DATES, "date"
        elif name in named:
            fits, kind = of_type in CATEGORIES, "category"
        elif wishes.auto and of_type in AUTOMATIC:
            fits, kind = True, "category"
        else:
            fits, kind = True, "number"
            if of_type not in NUMBERS:
                odd.append((name, called))
        if not fits:
            raise RecipeError(
                f"data.{'dates' if kind == 'date' else 'categorical'}: column {name!r} is {called}, which "
                f"is no {kind}"
            )
        kinds.append(kind)
    if odd:
        raise not_numbers(odd, where)
    return tuple(kinds)
