"""What is said of columns whose type holds no numbers: which, what they are, and the key to set."""

from collections.abc import Sequence

from nnspark.errors import DataError

__all__ = ["not_a_number", "not_numbers"]

MOST_NAMES = 20


def not_a_number(role: str, column: str, kind: str, where: str = "", *, text: bool = False) -> DataError:
    """A column of a type that holds no numbers.

    ``role`` is "feature", "label" or "weight"; ``text``: whether text would do as well.
    """
    advice = f"set data.{role} to another"
    if role == "feature":
        advice = f"{_leave_out([column])} or encode it{_by_auto([kind])}"
    wanted = "not a number or text" if text else "not a number"
    if kind.startswith("array of "):
        wanted = "not of numbers"
    return DataError(
        f"{role} column {column!r} is {kind}, {wanted}{f' ({where})' if where else ''}; {advice}"
    )


def not_numbers(columns: Sequence[tuple[str, str]], where: str = "") -> DataError:
    """Feature columns, each with its kind, that hold no numbers."""
    names = [name for name, _ in columns]
    if len(columns) == 1:
        return not_a_number("feature", *columns[0], where)
    shown = [f"{name!r} is {kind}" for name, kind in columns[:MOST_NAMES]]
    if len(columns) > MOST_NAMES:
        shown.append(f"{len(columns) - MOST_NAMES} more are not")
    place = f" ({where})" if where else ""
    some = [name for name, kind in columns if _by_auto([kind])]
    them = "them" if len(some) in (0, len(names)) else " and ".join(map(repr, some[:MOST_NAMES]))
    return DataError(
        f"{len(columns)} feature columns are not numbers: {', '.join(shown)}{place}; {_leave_out(names)}, or "
        f"encode {them}{_by_auto([kind for _, kind in columns])}"
    )


def _by_auto(kinds: Sequence[str]) -> str:
    """The keys that encode columns of such kinds, where there are."""
    by = {
        'data.categorical = "auto"': {"text", "string", "true/false", "category of string"},
        "data.dates": {"date", "timestamp"},
    }
    keys = [key for key, encoded in by.items() if encoded & {*kinds}]
    return f" with {' and '.join(keys)}" if keys else ""


def _leave_out(names: Sequence[str]) -> str:
    """The recipe's key that is without some columns, to be copied; the first few of very many."""
    listed = ", ".join(f'"{name}"' for name in names[:MOST_NAMES]) + ", ..." * (len(names) > MOST_NAMES)
    return f"leave {'it' if len(names) == 1 else 'them'} out with data.exclude = [{listed}]"
