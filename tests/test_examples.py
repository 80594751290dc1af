"""The example notebooks run, and say what they claim; pipeline.ipynb's turn is in ml/test_notebook.py."""

import ast
from pathlib import Path

import pytest
from examples import NAMES, code_of, read_notebook, run_cells

PAGE = Path(__file__).parents[1] / "jobs/README.md"


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_small_clean_and_named_on_the_page(name: str) -> None:
    """Format 4.5, cells with names of their own, no outputs, Python that compiles, at most 8 kB."""
    notebook = read_notebook(name)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(set(names)) == len(names)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert all(ast.parse(text) for text in code_of(name))
    assert (PAGE.parent / f"examples/{name}.ipynb").stat().st_size < 8_000
    assert f"examples/{name}.ipynb" in PAGE.read_text()


def test_serving_answers_in_a_process_with_numpy_alone() -> None:
    """The other process and the endpoint say what the model says, with none of the large libraries."""
    left = run_cells("serving")
    assert left["said"] == "0 []\n"
    assert left["answered"]["prediction"] == left["model"].predict(left["X"][:2]).tolist() == [0, 0]


@pytest.mark.slow
def test_a_first_run_and_a_sweep(spark: object) -> None:
    """On one session; the cells themselves compare the hashes of the weights."""
    assert run_cells("first-run")["share_right"] > 0.97
    found = run_cells("sweep")["found"]
    assert len(found.results) == 12
    assert found.best.metrics["test"]["roc_auc"] > 0.95
