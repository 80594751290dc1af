"""categorical, missing and dates in a recipe."""

import pytest
from helpers import make_recipe, one_line_error

from nnspark.errors import RecipeError
from nnspark.recipe import dumps, loads
from nnspark.recipe.raw_columns import Wishes, wishes_of


@pytest.mark.parametrize(
    ("override", "wishes"),
    [
        ('data.categorical="auto"', Wishes(auto=True)),
        ("data.categorical=auto", Wishes(auto=True)),
        ('data.categorical=["a"]', Wishes(categorical=("a",))),
        ('data.categorical={columns = "auto", least = 5}', Wishes(auto=True, least=5)),
        ("data.categorical.hash={zip = 64}", Wishes(hashed={"zip": 64})),
        ('data.missing="median"', Wishes(fill="median")),
        ("data.missing=0", Wishes(fill=0.0)),
        ("data.missing={fill = 'mean', indicator = true}", Wishes(fill="mean", indicator=True)),
        ('data.dates=["day"]', Wishes(dates=("day",))),
    ],
)
def test_each_form_says_what_it_says(override, wishes):
    """And comes back from TOML."""
    recipe = make_recipe(override)
    assert wishes_of(recipe.data) == wishes
    assert loads(dumps(recipe)) == recipe


def test_nothing_is_asked_by_default():
    """As before there were these keys."""
    assert not wishes_of(make_recipe().data).wanted


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("data.categorical=city", ("data.categorical", '"auto"', "'city'")),
        ("data.categorical=[3]", ("data.categorical",)),
        ("data.categorical={column = []}", ("data.categorical.column", "columns, least, hash")),
        ("data.categorical={least = 0}", ("data.categorical.least", "0")),
        ("data.categorical={least = true}", ("data.categorical.least",)),
        ("data.categorical.hash={zip = 1}", ("data.categorical.hash.zip", "from 2")),
        ("data.categorical={hash = 64}", ("data.categorical.hash", "zip = 64")),
        ("data.missing=mode", ("data.missing", "mean, median", "'mode'")),
        ("data.missing=true", ("data.missing",)),
        ("data.missing=nan", ("data.missing", "nan")),
        ("data.missing={indicator = true}", ("data.missing", "fill")),
        ("data.missing={fill = 'error', indicator = true}", ("data.missing", "indicator")),
        ("data.missing={fill = 'mean', indicator = 1}", ("data.missing.indicator",)),
        ("data.missing={fil = 'mean'}", ("data.missing", "fill")),
        ("data.dates=day", ("data.dates", "list")),
    ],
)
def test_what_cannot_be_is_refused_by_its_key(override, words):
    """One line."""
    with one_line_error(*words, kind=RecipeError):
        make_recipe(override)


def test_a_column_is_read_in_one_way():
    """Not as a date and a category."""
    with one_line_error("data.dates", "'a'", "twice", kind=RecipeError):
        make_recipe('data.categorical=["a"]', 'data.dates=["a"]')
