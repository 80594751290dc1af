"""Rows of a block where the recipe leaves them open: by the table alone."""

import json

import pytest
from helpers import make_recipe, one_line_error, table_of
from sklearn.datasets import load_iris

import nnspark
from nnspark.data import block_rows as rule
from nnspark.data.block_rows import block_rows_of
from nnspark.data.dataset import make_dataset


@pytest.mark.parametrize(
    ("wanted", "rows", "features", "expected"),
    [
        (0, 262_143, 128, 1024),
        (0, 262_144, 128, 4096),
        (0, 262_144, 129, 1024),
        (0, 150, 4, 1024),
        (500, 262_144, 4, 500),
    ],
)
def test_a_block_of_a_long_and_narrow_table_has_more_rows(wanted, rows, features, expected):
    """At both ends of both limits; what the recipe says goes before."""
    assert block_rows_of(wanted, rows, features) == expected


def test_training_rows_count_and_features_after_encoding(monkeypatch):
    """Of iris 105 rows train, of 4 features."""
    monkeypatch.setattr(rule, "PLAIN", 16)
    monkeypatch.setattr(rule, "MANY", 50)
    for least, narrow, expected in ((2, 4, 50), (3, 4, 16), (2, 3, 16)):
        monkeypatch.setattr(rule, "LEAST_BLOCKS", least)
        monkeypatch.setattr(rule, "NARROW", narrow)
        recipe = make_recipe("data.split={train = 0.7, validation = 0.3, test = 0}")
        plan = make_dataset(table_of(*load_iris(return_X_y=True)), recipe).plan
        assert plan.num_samples[0] == 105
        assert plan.block_rows == expected
        assert plan.blocks[0] == (4 if expected == 50 else 8)


@pytest.mark.parametrize(("first", "then"), [(0, 1024), (1024, 0)])
def test_a_run_says_what_it_took_and_goes_on_with_either(tmp_path, first, then):
    """Left open, or the number that this came to: one run."""
    recipe = {"training": {"engine": "local", "epochs": 2, "block_rows": first}, "checkpoint": {"every": 1}}
    data = load_iris(return_X_y=True)
    nnspark.train(recipe, data, out=str(tmp_path / "run"), progress=False)
    assert "block_rows = 1024" in (tmp_path / "run/recipe.toml").read_text()
    recipe["training"] |= {"block_rows": then, "epochs": 4}
    nnspark.train(recipe, data, out=str(tmp_path / "run"), resume=True, progress=False)
    assert json.loads((tmp_path / "run/metrics.json").read_text())["epochs"] == 4
    recipe["training"] |= {"block_rows": 16}
    with one_line_error("training.block_rows was 1024 and is 16 now"):
        nnspark.train(recipe, data, out=str(tmp_path / "run"), resume=True, progress=False)
