"""Turn values into page text: everything escaped, nothing non-finite printed raw, no false 100 %."""

import html
import math
import re
from numbers import Integral, Real
from typing import Any

from nnspark.report.templates import fill

MISSING = "–"
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def escape(value: Any) -> str:
    """Return `value` as HTML text; what cannot or must not be printed becomes U+FFFD."""
    return html.escape(_UNPRINTABLE.sub("\ufffd", str(value)), quote=True)


def shorten(value: Any, *, length: int = 24) -> str:
    """Return `value` escaped, cut to `length` characters with the whole of it in a tooltip."""
    whole = str(value)
    if len(whole) <= length:
        return escape(whole)
    return fill("cut", whole=escape(whole), start=escape(whole[: length - 1]))


def as_float(value: Any) -> float:
    """Return `value` as a float, NaN where it is missing, not a number, or too large for one."""
    if type(value) is float:
        return value
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def number(value: Any, *, digits: int = 4) -> str:
    """Return a value for a table cell: floats to `digits` significant, or to the unit; text escaped."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, Real):
        return escape(value)
    if isinstance(value, Integral) and abs(int(value)) < 10**15:
        return _minus(f"{int(value):,}")
    real = as_float(value)
    if math.isnan(real):
        return "NaN"
    if math.isinf(real):
        return "∞" if real > 0 else "−∞"
    if (real.is_integer() and abs(real) < 1e6) or 10**digits <= abs(real) < 1e9:
        return _minus(f"{real:,.0f}")
    return _minus(f"{real:.{digits}g}")


def percent(value: Any) -> str:
    """Return a share as "97.2 %"; a share below 1 never reads as 100 %, nor one above 0 as 0 %.

    >>> percent(0.9722), percent(0.99999), percent(1)
    ('97.2 %', '99.999 %', '100 %')
    """
    share = as_float(value)
    if not math.isfinite(share):
        return number(None if value is None else share)
    for decimals in range(1, 8):
        shown = f"{100 * share:.{decimals}f}"
        if (float(shown) == 100 and share < 1) or (float(shown) == 0 and share > 0):
            continue
        return "100 %" if share == 1 else _minus(f"{shown} %")
    return _minus(f"{shown} %")


def duration(value: Any) -> str:
    """Return seconds in the unit a person would use: ms, s, min, h.

    >>> duration(0.0123), duration(61), duration(3725)
    ('12.3 ms', '61.0 s', '62 min 5 s')
    """
    seconds = as_float(value)
    if not math.isfinite(seconds):
        return number(None if value is None else seconds)
    if abs(seconds) < 1:
        return f"{1000 * seconds:.3g} ms"
    if seconds < 119.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60:,} h {minutes % 60} min"


def plural(count: Any, noun: str) -> str:
    """Return "1 row", "180 rows"."""
    return f"{number(count)} {noun}" + ("" if as_float(count) == 1 else "s")


def _minus(shown: str) -> str:
    return shown.replace("-", "−")
