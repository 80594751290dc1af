"""Fill in the page's HTML: the files beside this one hold it, Python only names its parts.

Values are HTML already: whoever fills a part has escaped what it shows.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from string import Template

__all__ = ["fill", "fill_page"]


def fill(part: str, **values: str | Iterable[str]) -> str:
    """Return the part of parts.html of that name; a value that is several texts is one after the other."""
    joined = {name: value if isinstance(value, str) else "".join(value) for name, value in values.items()}
    return _parts()[part].substitute(joined)


def fill_page(*, title: str, outcome: str, main: str, refresh: int = 0) -> str:
    """Return page.html with the style sheet and `main` in it; loaded again after `refresh` seconds."""
    page = Template(_text("page.html"))
    again = fill("refresh", seconds=str(refresh)) if refresh else ""
    return page.substitute(title=title, outcome=outcome, main=main, style=_text("style.css"), again=again)


@cache
def _parts() -> dict[str, Template]:
    found = re.findall(r'<template id="([^"]+)">(.*?)</template>', _text("parts.html"), flags=re.DOTALL)
    return {name: Template(re.sub(r"\n\s*", "", part)) for name, part in found}


def _text(name: str) -> str:
    return files("nnspark.report").joinpath(name).read_text("utf-8")
