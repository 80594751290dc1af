"""Where an unusable value is: executors name the file and the row or line that the driver's readers name."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from spark.awkward import Case, Refusal, of_table, of_text, take

X = [0.5, -1.25, 3.0, 0.1, 2.0]
Y = [0, 1, 0, 1, 1]

DATES = ('data.dates=["day"]', "data.missing=0")
CATEGORY = ('data.categorical=["city"]',)
FILLED = ("data.missing=mean",)
LOG = ("data.task=regression", "data.target_scale=log")

CASES: Mapping[str, Case] = {
    "null": of_table({"x": [0.5, 1.0, None, 2.0, None], "label": Y}),
    "NaN": of_table({"x": X, "y": [0.5, np.nan, 1.0, 2.0, np.inf], "label": Y}),
    "null arrays": of_table({"v": [[1.0, 2.0], [1.0, 2.0], None, [3.0, 4.0], None], "label": Y}),
    "nulls in arrays": of_table({"v": [[1.0, 2.0]] * 3 + [[1.0, None]] * 2, "label": Y}),
    "NaN in arrays": of_table({"v": [[1.0, 2.0]] * 4 + [[1.0, np.nan]], "label": Y}),
    "weights": of_table({"x": X, "label": Y, "w": [1.0, 1.0, 1.0, -2.5, np.nan]}, "data.weight=w"),
    "null labels": of_table({"x": X, "label": [0, 1, None, 1, None]}),
    "NaN labels": of_table({"x": X, "label": [0.0, 1.0, 0.0, np.nan, 1.0]}),
    "infinite labels": of_table({"x": X, "label": [0.0, 1.0, -np.inf, 1.0, np.inf]}),
    "empty text labels": of_table({"x": X, "label": ["a", "b", "a", " ", ""]}),
    "NaN targets": of_table({"x": X, "label": [1.0, 2.0, np.nan, 3.0, 4.0]}, "data.task=regression"),
    "infinite targets": of_table({"x": X, "label": [1.0, 2.0, np.inf, 3.0, 4.0]}, "data.task=regression"),
    "multilabel": of_table(
        {"x": X, "p": Y, "q": [0, 1, 1, 2, 3]}, "data.task=multilabel", "data.label=['p','q']"
    ),
    "the second part": Case(
        (pa.table({"x": X, "label": Y}), pa.table({"x": [*X[:4], np.nan], "label": Y})), says=("part-1",)
    ),
    "csv: NaN": of_text("y,x,label\n1,1,a\n\n2,-inf,b\n3,nan,a\n"),
    "csv: NaN below no header": of_text("1,1,a\n2,nan,b\n3,3,a\n", options=("data.label=-1",)),
    "csv: NaN in a quoted cell": of_text('x,label\n1,"a, b"\n"nan","c, d"\n'),
    "csv: weights": of_text("x,w,label\n1,1,a\n2,-0.5,b\n", options=("data.weight=w",)),
    "csv: weights, separated by tabs": of_text(
        "x\tw\tlabel\n1\t1\ta\n2\t-0.5\tb\n", options=("data.weight=w", r'data.separator="\t"')
    ),
    "csv: a missing label among numbers": of_text("x,label\n1,1\n2,0\n3, NA\n4,NA\n"),
    "csv: multilabel": of_text(
        "x,p,q\n1,0,1\n2,0,1\n3,2,1\n", options=("data.task=multilabel", "data.label=['p','q']")
    ),
    "csv: infinite targets": of_text("x,label\n1,1\n2,inf\n3,2\n", options=("data.task=regression",)),
    "no dates": of_table({"day": ["2024-01-31", "", "2024-02-30", "soon", "2024-01-31"], "label": Y}, *DATES),
    "csv: no dates": of_text("x,day,label\n1,2024-01-31,a\n2,,b\n3, 2024-02-30,b\n4,soon,a\n", options=DATES),
    "categories without a value": of_table({"city": ["a", "b", None, " ", "b"], "label": Y}, *CATEGORY),
    "numbers as categories": of_table({"city": [0.5, 1.0, np.nan, None, 1.0], "label": Y}, *CATEGORY),
    "csv: categories without a value": of_text(
        "x,city,label\n1,Paris,a\n2,\u00a0,b\n3,,a\n", options=CATEGORY
    ),
    "infinite beside missing": of_table({"x": [0.5, None, np.nan, np.inf, -np.inf], "label": Y}, *FILLED),
    "csv: infinite beside missing": of_text("x,label\n1,a\n,b\n-inf,a\ninf,b\n", options=FILLED),
    "no logarithms": of_table({"x": X, "label": [0.0, -0.5, 2.0, -1.0, -3.0]}, *LOG),
    "csv: no logarithms": of_text("x,label\n1,1\n2,-0.5\n3,-1.0\n4,-2\n", options=LOG),
}


# Lines are found as those of other cells of text are, what is unusable there as it is in Parquet.
LONG = ("csv: weights", "csv: infinite targets", "csv: infinite beside missing", "csv: no logarithms")
NAMES = [
    *(name for name in CASES if name not in LONG),
    *(pytest.param(x, marks=pytest.mark.slow) for x in LONG),
]


@pytest.mark.parametrize("name", NAMES)
def test_executors_name_the_place_that_the_driver_names(spark: Any, tmp_path: Path, name: str) -> None:
    """The words after "the first is", file and all."""
    places = []
    for route in ("file on the driver", "file on the executors"):
        (tmp_path / route).mkdir()
        found = take(route, spark, CASES[name], tmp_path / route)
        assert isinstance(found, Refusal), found
        said = re.search(r"; the first is ([^;]*)", found.message)
        assert said, found.message
        places.append(said[1].replace(str(tmp_path / route), ""))
    assert places[0] == places[1]
    assert " row " in places[1] or " line " in places[1]


NO_NAME = of_text(",x,label\n1,1,a\n,2,b\n")  # of a column: an empty cell as any


@pytest.mark.parametrize("route", ["file on the driver", "file on the executors"])
@pytest.mark.parametrize(
    ("case", "place"),
    [
        (of_text("a,x,label\n1,1,a\n2,2,b\n3,,a\n4,,b\n"), "rows.csv line 4"),
        pytest.param(NO_NAME, "rows.csv line 3", marks=pytest.mark.slow),
        (of_text("x,label\n1,1\n2,\n3,0\n"), "rows.csv line 3"),
        (of_text("x,label\n1,1.5\n2,\n3,0\n", options=("data.task=regression",)), "rows.csv line 3"),
        (of_table({"v": [[1.0, 2.0]] * 3 + [[1.0], [2.0]], "label": Y}), "row 3 (counted from 0)"),
    ],
    ids=["an empty cell", "in a column without a name", "no label", "no target", "ragged arrays"],
)
def test_the_place_is_said_where_the_words_around_it_differ(
    spark: Any, tmp_path: Path, case: Case, place: str, route: str
) -> None:
    """The driver stops at the first such value, executors count them all."""
    found = take(route, spark, case, tmp_path)
    assert isinstance(found, Refusal), found
    assert place in found.message


def test_a_dataframe_in_memory_has_no_places(spark: Any, tmp_path: Path) -> None:
    """Nothing is made up."""
    for name in ("null", "NaN in arrays", "weights", "null labels", "empty text labels"):
        found = take("DataFrame", spark, CASES[name], tmp_path)
        assert isinstance(found, Refusal), found
        assert not re.search(r"; the first is (at |[^;]*\brow\b)", found.message)
