"""The recipes that come with nnspark, by name: the files of ``conf/``, which the wheel carries."""

import tomllib
from difflib import get_close_matches
from pathlib import Path

from nnspark.errors import RecipeError

__all__ = ["FOLDER", "bundled", "find", "that_reads"]

FOLDER = Path(__file__).parents[1] / "recipes"


def bundled() -> dict[str, Path]:
    """Name and file of each recipe, in order of their names."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def that_reads(key: str, path: str) -> str:
    """The name of the first recipe whose ``key``, such as data.path, is that path; empty if none's."""
    for name, file in bundled().items():
        data = tomllib.loads(file.read_text(encoding="utf-8"))["data"]
        if data.get(key.removeprefix("data.")) == path:
            return name
    return ""


def find(name: str) -> Path:
    """The file of a recipe; RecipeError with the nearest name where there is none."""
    recipes = bundled()
    if name in recipes:
        return recipes[name]
    near = get_close_matches(name, recipes, 1)
    hint = f"did you mean {near[0]!r}? T" if near else "t"
    raise RecipeError(
        f"there is no file {name!r} and no recipe of that name; {hint}hose that come with nnspark are "
        f"{', '.join(recipes) or 'not installed here'}"
    )
