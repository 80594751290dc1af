"""The report of a run on raw columns says what became of them, and its figures are those of metrics.json."""

import json
import re

import pytest
from raw_tables import made_rows
from report.reading import words
from report.test_answers import section, table_rows

import nnspark
from nnspark.objective.metrics import METRICS
from nnspark.report import write_report

RAW = {"categorical": "auto", "missing": {"fill": "median", "indicator": True}, "dates": ["day"]}
TASKS = {
    "classification": {"data": {"scale": "standard"}, "prediction": {"threshold": "f1"}},
    "regression": {"data": {"scale": "standard", "task": "regression", "target_scale": "log"}},
}


def test_columns_are_listed_where_the_run_says_them(make_run):
    """Names and words, escaped; no section without them."""
    said = {"age": "number; a missing one is 49", "a<b": "category: 3 values"}
    run = make_run()
    page = write_report(make_run(metrics={**run.metrics, "columns": said}))
    assert "<h2>Columns</h2>" in page
    assert "a missing one is 49" in page
    assert "a&lt;b" in page
    assert "a<b" not in page
    assert "<h2>Columns</h2>" not in write_report(run)


def read_back(shown):
    """The number of a cell, and half a unit of its last digit."""
    plain = shown.replace(",", "").replace("−", "-").removesuffix(" %")
    unit = 10.0 ** -len(plain.partition("e")[0].partition(".")[2]) * 10.0 ** int(plain.partition("e")[2] or 0)
    scale = 0.01 if shown.endswith("%") else 1.0
    return float(plain) * scale, 0.501 * unit * scale


@pytest.mark.parametrize("task", TASKS)
def test_the_figures_of_a_raw_table_are_those_of_metrics_json(tmp_path, task):
    """Every figure of every part and of the baseline, to the last digit shown; every raw column."""
    rows = made_rows()
    if task == "regression":
        rows["label"] = 1e5 * rows.height.fillna(160) / (1 + rows.label)
    else:
        rows["label"] = (rows.label > 0).map({True: "yes", False: "no"})
    recipe = {"training": {"engine": "local", "epochs": 3}, **TASKS[task]}
    nnspark.train({**recipe, "data": {**RAW, **recipe["data"]}}, rows, out=str(tmp_path), progress=False)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    page = (tmp_path / "report.html").read_text()
    said = words(section(page, "Columns"))
    assert all(name in said for name in rows.columns[:-1])
    shown = {cells[0]: cells[1:] for cells in table_rows(section(page, "Results"))}
    columns = [metrics["test"], metrics["test"]["baseline"], metrics["validation"], metrics["train"]]
    names = [name for name in METRICS if metrics["test"].get(name) is not None]
    assert len(names) > 5
    for name in names:
        assert len(shown[METRICS[name].label]) == len(columns)
        for figures, cell in zip(columns, shown[METRICS[name].label], strict=True):
            if re.search(r"\d", cell):
                value, half = read_back(cell)
                assert figures[name] == pytest.approx(value, abs=half), name
            else:
                assert figures.get(name) is None
    assert [read_back(cell)[0] for cell in shown["rows"] if re.search(r"\d", cell)] == [
        metrics[part]["num_samples"] for part in ("test", "validation", "train")
    ]
