"""Tables that are made from a seed: the same rows as ever, and the same as from a file."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from sources.spec import refused

from nnspark import recipe as recipes
from nnspark.data.dataset import make_dataset
from nnspark.errors import RecipeError
from nnspark.sources import load_table, made, makers

SOURCES = {"bank": "csv", "houses": "parquet", "words": "libsvm"}


def recipe_of(name: str, *overrides: str) -> recipes.Recipe:
    """The bundled recipe of a table."""
    return recipes.read(name, overrides)


@pytest.mark.parametrize("name", SOURCES)
def test_rows_are_those_of_a_file_that_has_them(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CSV, Parquet and libsvm as the benchmark writes them: same features, hashes, parts, blocks."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "scripts"))
    from benchmarks._tables import FILES, write_tables

    write_tables(tmp_path, 700, 5)
    here = recipe_of(name, "data.options={rows = 700, seed = 5}")
    path = f"data.path={tmp_path / FILES[name]}"
    there = recipe_of(name, f"data.source={SOURCES[name]}", path)
    plans = [make_dataset(load_table(one.data), one).plan for one in (here, there)]
    assert plans[0].fingerprint == plans[1].fingerprint
    assert plans[0].feature_names == plans[1].feature_names
    assert plans[0].num_samples == plans[1].num_samples
    assert sum(plans[0].num_samples) == 700


FIRST = {
    "bank": ["C0000001", "2021-12-29", 46.0, 9802.56, 2880.59, 1, "pensioner", "Altfeld", "branch", True],
    "houses": [0, "2023-11-27", 58.4, 1994.0, "nan", 146.0, "flat", "North berg", "gas"],
}


@pytest.mark.parametrize("name", FIRST)
def test_the_first_row_is_what_it_has_always_been(name: str) -> None:
    """Published figures name makers' seeds, so that no value may change."""
    columns = makers.MAKERS[name](2, 3).features
    assert isinstance(columns, dict)
    found = [values.tolist()[0] for values in columns.values()]
    assert [str(value) for value in found] == [str(value) for value in FIRST[name]]


def test_texts_made_a_few_at_a_time_are_those_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random numbers are drawn in the rows' order, whatever is drawn at a time."""
    whole = makers.words(100, 2)
    monkeypatch.setattr(makers, "TEXTS_AT_ONCE", 7)
    parts = makers.words(100, 2)
    assert (parts.features == whole.features).all()
    assert (parts.truth == whole.truth).all()


def test_truth_is_of_the_rows() -> None:
    """Probabilities that add up; three frauds of a hundred; prices near their median."""
    for make in (makers.bank, makers.words):
        np.testing.assert_allclose(make(500).truth.sum(axis=1), 1)
    assert makers.bank().truth[:, 1].mean() == pytest.approx(0.03, abs=1e-6)
    houses = makers.houses(2_000)
    assert np.std(np.log(houses.target / houses.truth)) == pytest.approx(0.15, abs=0.01)


REFUSED = {
    "data.options.rows=0": "data.options.rows: expected a whole number of 1 or more, got 0",
    "data.options.rows=true": "data.options.rows: expected a whole number of 1 or more, got True",
    "data.options.seed=-1": "data.options.seed: expected a whole number of 0 or more, got -1",
    "data.options.row=5": "data.options.row: expected rows or seed of a made table, got 5",
    "data.path=mine.csv": "data.path: expected none with data.source = 'bank', which has no file",
    "data.source=csv": "",
}


@pytest.mark.parametrize(("override", "words"), REFUSED.items())
def test_keys_that_do_not_fit_are_refused(override: str, words: str) -> None:
    """A path alone would be passed over in silence; with a source of files it is taken."""
    if not words:
        assert recipe_of("bank", override, "data.path=mine.csv").data.path == "mine.csv"
        return
    with refused(words, kind=RecipeError):
        recipe_of("bank", override)


@pytest.mark.parametrize("name", makers.MAKERS)
def test_more_rows_than_the_driver_holds_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any is made; as many as it holds are not."""
    monkeypatch.setitem(made.MOST_ROWS, name, 30)
    data = recipes.loads(f'data = {{source = "{name}", options = {{rows = 31}}}}').data
    with refused(f"data.options.rows: source {name!r} is made on the driver, 30 rows at most, not 31"):
        load_table(data)
    recipe = recipe_of(name if name in SOURCES else "r7-random-regression", "data.options.rows=30")
    assert len(load_table(recipe.data).target) == 30


def test_a_column_that_is_not_there_and_a_hole_are_named() -> None:
    """By the table's name, as a file's by its path."""
    data = recipe_of("bank", "data.options.rows=50").data
    with refused("'fraude' is not a column of bank; did you mean 'fraud'?"):
        load_table(dataclasses.replace(data, label="fraude"))
    with refused("bank row"):
        load_table(dataclasses.replace(data, missing="error"))
