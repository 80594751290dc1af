"""The data sets that come with scikit-learn."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sources.spec import Spec

from nnspark.sources import load_table


@pytest.mark.parametrize(("source", "load"), [("digits", load_digits), ("iris", load_iris)])
def test_they_are_scikit_learn_s(source: str, load: object) -> None:
    """Values, labels and names are the originals."""
    table, bunch = load_table(Spec(source)), load()
    assert np.array_equal(table.features, bunch.data)
    assert np.array_equal(table.target, bunch.target)
    assert table.feature_names == tuple(bunch.feature_names)
    assert table.target.dtype == np.int64


def test_columns_pick_features() -> None:
    """The recipe's columns and their order are kept."""
    table = load_table(Spec("iris", columns=("petal width (cm)", "sepal length (cm)")))
    assert np.array_equal(table.features, load_iris().data[:, [3, 0]])


def test_importing_the_readers_imports_nothing_heavy() -> None:
    """Executors that import the checks need NumPy only."""
    code = (
        "import sys, nnspark.sources.checks; "
        "print([m for m in ('sklearn', 'pandas', 'pyarrow', 'pyspark') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
