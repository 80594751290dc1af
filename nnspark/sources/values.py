"""One value of a category, a date or a number, whatever Python holds it in: its spelling, its code, its days.

A category's spelling is its text without blanks around it; whole numbers have no fraction ("1.0" and 1.0 are
"1"), booleans are "true" and "false". Its code is 53 bits of the spelling's hash. (Two of 10,000 spellings
have one code once in 2e8 columns: refused where it is seen.)
"""

import datetime
import re
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DAY",
    "code_of",
    "days_of",
    "days_of_micros",
    "is_missing",
    "number_of",
    "spelling",
    "type_of_value",
]

WHOLE = re.compile(r"(-?(?:0|[1-9]\d*))\.0+")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?")
CODE_BITS, EXACT = 53, 2.0**53
EPOCH, DAY = datetime.datetime(1970, 1, 1), 86_400_000_000
MISFIT = np.inf


def spelling(value: Any) -> str | None:
    """The one text of a category's value; None where it is missing."""
    if type(value) is str:
        return _of_text(value)
    if is_missing(value):
        return None
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        number = float(value)
        whole = abs(number) < EXACT and number == int(number)
        return str(int(number)) if whole else repr(number)
    if isinstance(value, Decimal):
        return str(int(value)) if value == value.to_integral_value() else format(value.normalize(), "f")
    if isinstance(value, datetime.datetime):
        raise TypeError("a moment is no category")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, str):
        return _of_text(value)
    raise TypeError(f"{type(value).__name__} is no category")


def _of_text(value: str) -> str | None:
    text = value.strip()
    if len(text) in (4, 5) and text.lower() in ("true", "false"):
        return text.lower()
    if text[-1:] == "0":
        whole = WHOLE.fullmatch(text)
        text = whole[1] if whole else text
        return "0" if text == "-0" else text
    return text or None


def code_of(text: str) -> float:
    """The code of a spelling."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return float(int.from_bytes(digest, "little") >> (64 - CODE_BITS))


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, NaT or pandas' NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating | Decimal | np.datetime64) and bool(value != value)


def number_of(value: Any) -> float | None:
    """A number; None where it is missing, TypeError for text."""
    if is_missing(value):
        return None
    if isinstance(value, str | bytes):
        raise TypeError("text is no number")
    return float(value)


def days_of(value: Any) -> float | None:
    """Days since the epoch of a date, a moment or its text in ISO 8601; infinity of other text."""
    if is_missing(value):
        return None
    if isinstance(value, np.datetime64):
        return float(days_of_micros(np.array([value], "datetime64[us]"))[0])
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        if not MOMENT.fullmatch(text):
            return MISFIT
        try:
            value = datetime.datetime.fromisoformat(text)
        except ValueError:
            return MISFIT
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.UTC).replace(tzinfo=None)
        past = value - EPOCH
        micros: int = past.days * DAY + past.seconds * 1_000_000 + past.microseconds
        return micros / DAY
    if isinstance(value, datetime.date):
        return float((value - EPOCH.date()).days)
    raise TypeError(f"{type(value).__name__} is no date")


def days_of_micros(values: NDArray[Any]) -> NDArray[np.float64]:
    """Days of an array of datetime64[us]; NaN of NaT."""
    return np.where(np.isnat(values), np.nan, values.astype(np.int64) / DAY)


def type_of_value(value: Any) -> str:
    """The type of a value as ``raw_kinds.py`` calls it."""
    kinds = (
        ("boolean", bool | np.bool_),
        ("text", str),
        ("number", int | float | np.number | Decimal),
        ("date", datetime.date | np.datetime64),
    )
    return next((name for name, kind in kinds if isinstance(value, kind)), "")
