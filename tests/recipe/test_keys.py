"""The table of keys: every key of every section, and the page holds what the sections say."""

import dataclasses
from pathlib import Path
from typing import get_type_hints

import pytest

from nnspark.recipe import Data, Recipe, Split, Sweep
from nnspark.recipe.keys import as_markdown, meanings

PAGE = Path(__file__).parents[2] / "conf/README.md"
SECTIONS = [*get_type_hints(Recipe).values(), Split, Sweep]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_key_says_what_it_means(section):
    """None is left out, and none is described that is not there."""
    assert list(meanings(section)) == [field.name for field in dataclasses.fields(section)]


def test_a_key_stands_with_its_default():
    """As TOML."""
    table = as_markdown()
    assert "| `epochs` | `400` | passes over all rows, at most |" in table
    assert "| `source` | none: has to be set |" in table
    assert meanings(Data)["task"] in table


def test_the_page_has_the_table():
    """``python -m nnspark.recipe.keys`` between its two marks."""
    inside = PAGE.read_text().split("<!-- keys -->\n")[1].split("<!-- end of keys -->")[0]
    assert inside == as_markdown()
