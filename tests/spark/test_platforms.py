"""Executors whose kernels are others than the driver's are noticed in the first evaluation."""

from typing import Any

import pytest
from spark.training import recipe_of

from nnspark.data.dataset import make_dataset
from nnspark.engines.layout import make_shards
from nnspark.engines.platforms import platform
from nnspark.sources import load_table
from nnspark.training.loop import train


@pytest.mark.parametrize("kernels", ["", "Nehalem"])
def test_executors_of_another_kind_are_named(
    spark: Any, kernels: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """OpenBLAS with another processor's kernels on the executors; without, not a word."""
    if "openblas" not in platform():
        pytest.skip("OPENBLAS_CORETYPE is OpenBLAS's")
    if kernels:
        monkeypatch.setitem(spark.sparkContext.environment, "OPENBLAS_CORETYPE", kernels)
    recipe = recipe_of("training.epochs=2")
    dataset = make_dataset(load_table(recipe.data), recipe)
    with make_shards(dataset, spark.sparkContext, partitions=2) as shards:
        train(recipe, shards)
        warned = capsys.readouterr().err
        assert len(shards.platforms) == (2 if kernels else 1)
        assert warned.count("compute differently") == (1 if kernels else 0)
        assert (f"({kernels})" in warned) == bool(kernels)
