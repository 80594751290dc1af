"""Every key of a recipe, its default and what it means, as Markdown: ``python -m nnspark.recipe.keys``.

The meanings are the entries of the sections' docstrings, one ``key : text`` a line.
"""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any, get_type_hints

from nnspark.recipe.sections import Recipe
from nnspark.recipe.sweep import Sweep
from nnspark.recipe.text import to_toml

__all__ = ["as_markdown", "meanings"]

ENTRY = re.compile(r"^ *(\w+) : (.+)$", re.MULTILINE)


def meanings(section: type) -> dict[str, str]:
    """What each key of a section means."""
    return dict(ENTRY.findall(section.__doc__ or ""))


def as_markdown() -> str:
    """One table a section."""
    lines: list[str] = []
    for name, section in (*_sections(Recipe, ""), ("sweep", Sweep)):
        about = (section.__doc__ or "").split("\n\n")[0]
        lines += [f"### `[{name}]`", "", about, "", "| key | default | meaning |", "|---|---|---|"]
        said = meanings(section)
        for field in dataclasses.fields(section):
            lines.append(f"| `{field.name}` | {_default(field)} | {said[field.name].replace('|', 'or')} |")
        lines.append("")
    return "\n".join(lines)


def _sections(cls: type, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, kind in get_type_hints(cls).items():
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            yield prefix + name, kind
            yield from _sections(kind, f"{prefix}{name}.")


def _default(field: "dataclasses.Field[Any]") -> str:
    if field.default is not dataclasses.MISSING:
        return f"`{to_toml(field.default)}`"
    if field.default_factory is dataclasses.MISSING:
        return "none: has to be set"
    value = field.default_factory()
    return "see below" if dataclasses.is_dataclass(value) else f"`{to_toml(value)}`"


if __name__ == "__main__":
    print(as_markdown(), end="")
