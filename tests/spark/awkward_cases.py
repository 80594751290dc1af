"""The table of awkward inputs: numbers, columns, parts, labels, weights, CSV text."""

import datetime
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pyarrow as pa
from spark.awkward import Case, of_table, of_text

from nnspark.errors import RecipeError, ShapeError

FRAMES = ("array", "DataFrame", "DataFrame of a file")
NO_NULLS = "an array of numbers has no nulls"
NO_TEXT = "text is no array of numbers"
NO_NESTING = "an array of numbers has no nested columns"
NO_TWINS = "an array's columns have positions, not names"
NO_FILE = "only a file can be so"
NO_ARROW = "Spark's Arrow conversion does not know the type"
NO_WRITE = "Spark does not write it"
NO_DATES = "an array of dates is refused by its dtype"

Y = [0, 1, 0, 1, 1]
X = [0.5, -1.25, 3.0, 0.1, 2.0]
BIG = 2**53


def decimals(scale: int, precision: int = 28) -> pa.Array:
    """Decimals that a division by a power of ten rounds wrongly."""
    texts = ["0.1", "-1234567890123.456789", "0.3", "9007199254740993.25", "7.7"]
    with localcontext(prec=60):
        values = [Decimal(text).quantize(Decimal(1).scaleb(-scale)) for text in texts]
    return pa.array(values, pa.decimal128(precision, scale))


def vectors(spark: Any) -> Any:
    """Dense and sparse vectors in one column."""
    from pyspark.ml.linalg import Vectors

    made = [
        Vectors.dense([x, 0.0, 1.5]) if at % 2 else Vectors.sparse(3, [0, 2], [x, 1.5])
        for at, x in enumerate(X)
    ]
    return spark.createDataFrame(list(zip(made, Y, strict=True)), ["v", "label"])


def twins(*names: str) -> pa.Table:
    """Columns of these names, and a label."""
    return pa.Table.from_arrays([pa.array(X)] * len(names) + [pa.array(Y)], [*names, "label"])


WIDE = [[x, 1.5, -x] for x in X]
VECTORS = {"v": [[x, 0.0, 1.5] for x in X], "label": Y}
BLANKS = ["a", " a", "a ", "\ta\t", "b", "b\u00a0", "\u3000b", "a\u2003", "\x0bb", "b\x1c\x85"]
TENS = [float(at) for at in range(10)]
NAMES = {"a b": X, "x.y": X[::-1], "`q`": X, "Größe": X, "": X, "Mixed": X, "'": X, "e,f": X}

CASES: dict[str, Case] = {
    # Numbers
    "numbers of every type": of_table(
        {
            "decimal": decimals(12),
            "long decimal": decimals(20, 38),
            "whole decimal": decimals(0),
            "boolean": [True, False, True, True, False],
            "int8": pa.array([1, -128, 127, 0, 5], pa.int8()),
            "float32": pa.array([0.1, 1e-45, 3.4e38, -0.0, 2.5], pa.float32()),
            "beyond 2**53": pa.array([BIG + 1, BIG + 3, -BIG - 1, 2**63 - 1, -(2**63)]),
            "extreme": [5e-324, 1.7976931348623157e308, -0.0, 2.2250738585072014e-308, 1e-300],
            "label": Y,
        }
    ),
    "unsigned integers": of_table(
        {
            "a": pa.array([1, 255, 0, 3, 4], pa.uint8()),
            "b": pa.array([1, 65535, 0, 3, 4], pa.uint16()),
            "c": pa.array([2**32 - 1, 1, 2, 3, 4], pa.uint32()),
            "u": pa.array([2**64 - 1, 2**63 + 1025, BIG + 1, 1, 0], pa.uint64()),
            "label": Y,
        },
        absent={"DataFrame": NO_ARROW, "DataFrame of a file": NO_ARROW},
    ),
    "float16": of_table(
        {"h": pa.array(np.array(X, np.float16)), "label": Y},
        says=("column 'h' of", "rows.parquet is float16, which Spark does not have: write it as double"),
        absent={
            "array": "an array of float16 is read",
            "DataFrame": NO_ARROW,
            "DataFrame of a file": NO_ARROW,
        },
    ),
    "times of day": of_table(
        {"t": [datetime.time(1, 2, 3)] * 5, "x": X, "label": Y},
        says=("column 't' of", "rows.parquet is time, which Spark does not have: write it as double"),
        absent=dict.fromkeys(FRAMES, "only a file's readers say so"),
    ),
    "arrays of times": of_table(
        {"t": pa.array([[1, 2]] * 5, pa.list_(pa.time64("us"))), "x": X, "label": Y},
        says=("column 't' of", "rows.parquet is time, which Spark does not have"),
        absent=dict.fromkeys(FRAMES, "only a file's readers say so"),
    ),
    "durations": of_table(
        {"d": [datetime.timedelta(seconds=at) for at in range(5)], "x": X, "label": Y},
        says="feature column 'd' is duration, not a number",
        absent={"array": NO_DATES, "DataFrame of a file": "Spark writes what it is"},
    ),
    "arrays of durations": of_table(
        {"d": pa.array([[1, 2]] * 5, pa.list_(pa.duration("ms"))), "x": X, "label": Y},
        says="feature column 'd' is array of duration, not of numbers",
        absent={"array": NO_DATES, "DataFrame of a file": "Spark writes what it is"},
    ),
    "durations as labels": of_table(
        {"x": X, "label": [datetime.timedelta(seconds=at) for at in Y]},
        says="label column 'label' is duration, not a number or text",
        absent={"array": NO_DATES},
    ),
    "durations left out": of_table(
        {"d": [datetime.timedelta(seconds=at) for at in range(5)], "x": X, "label": Y},
        "data.exclude=['d']",
    ),
    "decimals of more than 38 digits": of_table(
        {"d": pa.array([Decimal(n) for n in range(5)], pa.decimal256(50, 2)), "label": Y},
        says="more than 38 digits",
        absent={
            "array": "an array holds no decimals",
            "DataFrame": NO_ARROW,
            "DataFrame of a file": NO_ARROW,
        },
    ),
    "minus zero beside zero": of_table({"x": [0.0, -0.0, 0.0, -0.0, 1.0], "label": Y}),
    "one value in every row": of_table({"x": [7.0] * 5, "label": Y}, 'data.scale="standard"'),
    "equal rows": of_table({"x": [1.0] * 40, "label": [0, 1] * 20}),
    "split, strata, scale, weights": of_table(
        {
            "x": np.arange(60.0),
            "d": pa.array([Decimal(n) / 10 for n in range(60)], pa.decimal128(28, 12)),
            "w": [0.5, 1.0, 2.0] * 20,
            "label": ["a ", "b", "a"] * 20,
        },
        "data.split={train=0.6,validation=0.2,test=0.2,stratify=true}",
        'data.scale="standard"',
        "data.weight=w",
    ),
    "NaN": of_table(
        {"x": [1.0, np.nan, 2.0, np.nan, 3.0], "label": Y}, says="column 'x' is NaN or infinite 2 times"
    ),
    "infinity": of_table(
        {"x": [1.0, np.inf, 2.0, 4.0, 3.0], "label": Y}, says="column 'x' is NaN or infinite 1 times"
    ),
    "null": of_table(
        {"x": [1.0, None, 2.0, None, 3.0], "label": Y},
        says="column 'x' is null in 2 rows",
        absent={"array": NO_NULLS},
    ),
    "all null": of_table(
        {"x": pa.nulls(5, pa.float64()), "label": Y},
        says="column 'x' is null in 5 rows",
        absent={"array": NO_NULLS},
    ),
    "all null, of no type": of_table(
        {"x": pa.nulls(5), "label": Y},
        says="column 'x' is null in 5 rows",
        absent={"array": NO_NULLS, "DataFrame of a file": "Spark does not write such a column"},
    ),
    # Columns
    "names of every kind": of_table({**NAMES, "label": Y}),
    "dates": of_table(
        {"x": X, "d": [datetime.date(2026, 1, 1)] * 5, "label": Y},
        says="feature column 'd' is date, not a number",
        absent={"array": NO_DATES},
    ),
    "timestamps": of_table(
        {"x": X, "t": [datetime.datetime(2026, 1, 1)] * 5, "label": Y},
        says="feature column 't' is timestamp, not a number",
        absent={"array": NO_DATES},
    ),
    "text as a feature": of_table(
        {"x": ["1"] * 5, "label": Y},
        says="feature column 'x' is string, not a number",
        absent={"array": NO_TEXT},
    ),
    "several columns that are no numbers": of_table(
        {"x": X, "job": ["clerk"] * 5, "day": [datetime.date(2026, 1, 1)] * 5, "label": Y},
        says=(
            "2 feature columns are not numbers: 'job' is string, 'day' is date",
            'leave them out with data.exclude = ["job", "day"], or encode them',
        ),
        absent={"array": NO_TEXT},
    ),
    "columns left out": of_table(
        {"id": ["a1"] * 5, "x": X, "day": [datetime.date(2026, 1, 1)] * 5, "label": Y},
        "data.exclude=['id', 'day']",
    ),
    "columns left out by a minus": of_table({"id": ["a1"] * 5, "x": X, "label": Y}, "data.columns=['-id']"),
    "a column left out that there is not": of_table(
        {"idx": [1, 2, 3, 4, 5], "x": X, "label": Y},
        "data.exclude=['id']",
        says="data.exclude = 'id' is not a column of",
        absent={"array": NO_TWINS},
    ),
    "a label left out": of_table(
        {"x": X, "label": Y},
        "data.exclude=['label']",
        says="column 'label' is to be left out but is also the label or the weight",
        absent={"array": NO_TWINS},
        kind=RecipeError,
    ),
    "a struct": of_table(
        {"s": [{"a": x} for x in X], "label": Y},
        says="feature column 's' is struct, not a number",
        absent={"array": NO_NESTING},
    ),
    "a map": of_table(
        {"m": pa.array([[("a", x)] for x in X], pa.map_(pa.string(), pa.float64())), "label": Y},
        says="feature column 'm' is map, not a number",
        absent={"array": NO_NESTING},
    ),
    "an array": of_table({"v": WIDE, "label": Y}),
    "an array beside numbers": of_table(
        {
            "x": X,
            "v": WIDE,
            "u": pa.array([[1, 2]] * 5, pa.list_(pa.int32())),
            "d": [[x] for x in decimals(12).to_pylist()],
            "b": [[True, False]] * 5,
            "label": Y,
        }
    ),
    "arrays of decimals and booleans": of_table(
        {"d": [[x] for x in decimals(12).to_pylist()], "b": [[True, False]] * 5, "label": Y}
    ),
    "an array of arrays": of_table(
        {"v": [[[1.0]]] * 5, "label": Y},
        says="feature column 'v' is array of array of double, not of numbers",
        absent={"array": NO_NESTING},
    ),
    "ragged arrays": of_table(
        {"v": [[1.0, 2.0]] * 3 + [[1.0]] * 2, "label": Y},
        says="column 'v' must have arrays of one length",
        kind=ShapeError,
        absent={"array": NO_NESTING},
    ),
    "nulls in arrays": of_table(
        {"v": [[1.0, 2.0]] * 3 + [[1.0, None]] * 2, "label": Y},
        says="column 'v' has 2 nulls inside its arrays",
        absent={"array": NO_NULLS},
    ),
    "null arrays": of_table(
        {"v": [[1.0, 2.0]] * 3 + [None] * 2, "label": Y},
        says="column 'v' is null in 2 rows",
        absent={"array": NO_NULLS},
    ),
    "dense and sparse vectors": Case((b"",), pa.table(VECTORS), frame=vectors),
    "a column twice": of_table(
        twins("x", "y", "x"),
        says="more than one column named 'x'",
        absent={"array": NO_TWINS, "DataFrame of a file": NO_WRITE},
    ),
    "columns a and A": of_table(
        twins("a", "A"),
        says=("'a' and 'A'", "differ only in case"),
        absent={"array": NO_TWINS, "DataFrame of a file": NO_WRITE},
    ),
    "label and LABEL": of_table(
        twins("x", "LABEL"),
        says=("'LABEL' and 'label'", "differ only in case"),
        absent={"array": NO_TWINS, "DataFrame of a file": NO_WRITE},
    ),
    "no such label, but its like": of_table(
        {"x": X, "Label": Y}, says=("'label'", "did you mean 'Label'"), absent={"array": NO_TWINS}
    ),
    "only the label": of_table(
        {"label": Y}, says="no feature column besides the label", absent={"array": NO_TWINS}
    ),
    "no rows": of_table(
        {"x": pa.array([], pa.float64()), "label": pa.array([], pa.int64())},
        says="has no data rows",
        absent={"array": "an array of no rows is refused by its shape"},
    ),
    "one row": of_table({"x": [1.0], "label": [1]}, says="there is only one class, 1"),
    "one row of regression": of_table({"x": [1.0], "label": [1.5]}, "data.task=regression"),
    # Parts of a folder
    "parts with columns in another order": Case(
        (pa.table({"x": X, "y": Y, "label": Y}), pa.table({"label": Y, "y": Y, "x": X})),
        pa.table({"x": X * 2, "y": Y * 2, "label": Y * 2}),
    ),
    "parts with columns in another case": Case(
        (pa.table({"x": X, "label": Y}), pa.table({"Label": Y, "z": Y, "X": X})),
        pa.table({"x": X * 2, "label": Y * 2}),
    ),
    "parts with a column more": Case(
        (pa.table({"x": X, "label": Y}), pa.table({"x": X, "z": Y, "label": Y})),
        pa.table({"x": X * 2, "label": Y * 2}),
    ),
    "parts with a column less": Case(
        (pa.table({"x": X, "y": X, "label": Y}), pa.table({"x": X, "label": Y})),
        says=("'y'",),
        absent=dict.fromkeys(FRAMES, NO_FILE),
    ),
    "parts of wider types": Case(
        (
            pa.table({"x": X, "label": Y}),
            pa.table({"x": pa.array(X, pa.float32()), "label": pa.array(Y, pa.int32())}),
        ),
        pa.table({"x": X + np.array(X, np.float32).tolist(), "label": Y * 2}),
    ),
    "parts of other types": Case(
        (pa.table({"x": X, "label": Y}), pa.table({"x": Y, "label": Y})),
        says=("part-1.parquet", "column 'x'", "double"),
        absent=dict.fromkeys(FRAMES, NO_FILE),
    ),
    # Labels
    "labels beyond 2**53": of_table({"x": X, "label": [BIG, BIG + 1, BIG, BIG + 1, -(2**63)]}),
    "whole decimal labels beyond 2**53": of_table(
        {"x": X, "label": pa.array([Decimal(BIG + y) for y in Y], pa.decimal128(20, 0))}
    ),
    "decimal labels": of_table({"x": X, "label": pa.array([Decimal(y) for y in Y], pa.decimal128(28, 12))}),
    "unsigned labels beyond 2**53": of_table(
        {"x": X, "label": pa.array([BIG + y for y in Y], pa.uint64())},
        absent={"DataFrame": NO_ARROW, "DataFrame of a file": NO_ARROW},
    ),
    "labels beyond 2**63": of_table(
        {"x": X, "label": pa.array([2**63 + y for y in Y], pa.uint64())},
        says="do not fit in 64 signed bits",
        absent={"DataFrame": NO_ARROW, "DataFrame of a file": NO_ARROW},
    ),
    "float labels": of_table({"x": X, "label": pa.array([0.0, -1.0, -0.0, -1.0, 1e9], pa.float32())}),
    "float labels beyond 2**63": of_table(
        {"x": X, "label": [1e19 + 1e6 * y for y in Y]}, says="do not fit in 64 signed bits"
    ),
    "boolean labels": of_table({"x": X, "label": [y == 1 for y in Y]}),
    "fractional labels": of_table(
        {"x": X, "label": [0.0, 1.5, 0.0, 1.5, 1.5]}, says="label 1.5 is not a whole number"
    ),
    "infinite labels": of_table(
        {"x": X, "label": [0.0, np.inf, 0.0, 1.0, 1.0]},
        says=("labels must be finite, but 1 row has an infinite one", "'label'"),
    ),
    "NaN labels": of_table(
        {"x": X, "label": [0.0, np.nan, 0.0, np.nan, 1.0]},
        says=("every row needs a label, but 2 rows have none", "'label'"),
    ),
    "null labels": of_table(
        {"x": X, "label": [0, None, 0, None, 1]},
        says=("every row needs a label, but 2 rows have none", "'label'"),
        absent={"array": NO_NULLS},
    ),
    "null text labels": of_table(
        {"x": X, "label": ["a", None, "b", None, "a"]},
        says=("every row needs a label, but 2 rows have none", "'label'"),
        absent={"array": NO_NULLS},
    ),
    "empty text labels": of_table(
        {"x": X, "label": ["a", "", "b", " ", "a"]},
        says=("every row needs a label, but 2 rows have none", "'label'"),
    ),
    "blanks around text labels": of_table({"x": TENS, "label": BLANKS}),
    "text labels that spell numbers": of_table({"x": X, "label": ["1", "1.0", "01", "1", "1.0"]}),
    "text labels in another case": of_table({"x": X, "label": ["a", "A", "ä", "Ä", "a"]}),
    "one class": of_table(
        {"x": X, "label": ["a", "a ", " a", "a", "a"]}, says="there is only one class, 'a'"
    ),
    "a class of weight 0": of_table(
        {"x": X, "label": [*Y[:4], 7], "w": [1.0, 1.0, 1.0, 1.0, 0.0]}, "data.weight=w"
    ),
    "only weight 0": of_table(
        {"x": X, "label": Y, "w": [0.0] * 5}, "data.weight=w", says="all 5 weights are zero"
    ),
    "declared classes": of_table({"x": X, "label": ["b ", "c", "b", "c", "c"]}, 'data.classes=["a","b","c"]'),
    "a class that is not declared": of_table(
        {"x": X, "label": Y}, "data.classes=[0,2]", says="label 1 is not among data.classes"
    ),
    "date labels": of_table(
        {"x": X, "label": [datetime.date(2026, 1, 1)] * 5},
        says="label column 'label' is date, not a number or text",
        absent={"array": NO_DATES},
    ),
    "text targets": of_table(
        {"x": X, "label": ["a"] * 5}, "data.task=regression", says=("regression", "'label'")
    ),
    "decimal targets": of_table(
        {"x": X, "label": decimals(12)}, "data.task=regression", "training.learning_rate=1e-30"
    ),
    "NaN targets": of_table(
        {"x": X, "label": [1.0, np.nan, 2.0, 3.0, 4.0]},
        "data.task=regression",
        says=("every row needs a label, but 1 row has none", "'label'"),
    ),
    "infinite targets": of_table(
        {"x": X, "label": [1.0, np.inf, 2.0, 3.0, 4.0]},
        "data.task=regression",
        says=("labels must be finite, but 1 row has an infinite one", "'label'"),
    ),
    "multilabel": of_table(
        {"x": X, "p": Y, "q": [y == 0 for y in Y]}, "data.task=multilabel", "data.label=['p','q']"
    ),
    "multilabel values other than 0 and 1": of_table(
        {"x": X, "p": Y, "q": [0, 2, 1, 2, 0]},
        "data.task=multilabel",
        "data.label=['p','q']",
        says=("multilabel needs labels 0 or 1, but 2 rows have another in column 'q'; the first is 2",),
    ),
    # Weights
    "decimal weights": of_table(
        {"x": X, "label": Y, "w": pa.array([Decimal("0.1")] * 5, pa.decimal128(28, 12))}, "data.weight=w"
    ),
    "negative weights": of_table(
        {"x": X, "label": Y, "w": [1.0, -1.0, 1.0, np.nan, 1.0]},
        "data.weight=w",
        says=("weights must be finite and not negative, but 2 rows have another", "'w'"),
    ),
    "text weights": of_table(
        {"x": X, "label": Y, "w": ["1"] * 5},
        "data.weight=w",
        says="weight column 'w' is string, not a number",
        absent={"array": NO_TEXT},
    ),
    # CSV text
    "csv: plain": of_text(
        "x,label\n0.1,a\n2,b\n-0,a\n1e23,b\n5.,a\n.5,b\n+7,a\n0,b\n0,a\n-0,b\n",
        like={"x": [0.1, 2.0, -0.0, 1e23, 5.0, 0.5, 7.0, 0.0, 0.0, -0.0], "label": list("ababababab")},
    ),
    "csv: byte order mark, CRLF, blank lines": of_text(
        "\ufeffx,label\r\n\r\n1,a\r\n   \r\n2,b\r\n\r\n", like={"x": [1.0, 2.0], "label": ["a", "b"]}
    ),
    "csv: carriage returns": of_text("x,label\r1,a\r2,b\r", like={"x": [1.0, 2.0], "label": ["a", "b"]}),
    "csv: quoted cells": of_text(
        '"x","label"\n"1","a, b"\n"2","a ""b"""\n3,a\\\n4,"a, b"\n5,#a\n',
        like={"x": [1.0, 2.0, 3.0, 4.0, 5.0], "label": ["a, b", 'a "b"', "a\\", "a, b", "#a"]},
    ),
    "csv: cells with line breaks": of_text(
        'x,label\n1,"a\nb"\n2,"c\r\nd"\n3,"a\nb"\n',
        like={"x": [1.0, 2.0, 3.0], "label": ["a\nb", "c\r\nd", "a\nb"]},
    ),
    "csv: a header with line breaks": of_text(
        '"x\ny",label\n1,a\n2,b\n', like={"x\ny": [1.0, 2.0], "label": ["a", "b"]}
    ),
    "csv: a header below a hundred blank lines": of_text(
        "\n" * 100 + 'x,"la\nbel"\n1,a\n2,b\n',
        options=(r'data.label="la\nbel"',),
        like={"x": [1.0, 2.0], "la\nbel": ["a", "b"]},
    ),
    "csv: a header below twelve hundred blank lines": of_text(
        "\n" * 1200 + "x,label\n1,a\n2,b\n", like={"x": [1.0, 2.0], "label": ["a", "b"]}
    ),
    "csv: a header with nine hundred line breaks": of_text(
        "\n" * 200 + '"x' + "\n" * 900 + 'y",label\n1,a\n2,b\n',
        like={"x" + "\n" * 900 + "y": [1.0, 2.0], "label": ["a", "b"]},
    ),
    "csv: text like a comment": of_text(
        "x,label\n1,#a\n2,#b\n", like={"x": [1.0, 2.0], "label": ["#a", "#b"]}
    ),
    "csv: blanks around everything": of_text(
        ' x ,\tlabel\n 1 ,a\n\t2,\ta\t\n3 ,\u00a0a\n4,b\u2003\n5,\x0bb\n6," b "\n',
        like={"x": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "label": ["a", "a", "a", "b", "b", "b"]},
    ),
    "csv: control characters in labels": of_text(
        "x,label\n1,\x01a\n2,a\n3,a\x1f\n", like={"x": [1.0, 2.0, 3.0], "label": ["\x01a", "a", "a"]}
    ),
    "csv: integer labels beyond 2**53": of_text(
        f"x,label\n1,{BIG}\n2,{BIG + 1}\n3, {BIG + 1}\n",
        like={"x": [1.0, 2.0, 3.0], "label": [BIG, BIG + 1, BIG + 1]},
    ),
    "csv: integer labels beyond 2**63": of_text(
        f"x,label\n1,{2**63}\n2,{2**63 + 1}\n", says="do not fit in 64 signed bits"
    ),
    "csv: labels spelled in several ways": of_text(
        "x,label\n1,1\n2,1.0\n3,01\n4,1e0\n5, +2\n6,2.\n",
        like={"x": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "label": [1, 1, 1, 1, 2, 2]},
    ),
    "csv: an index without a name": of_text(
        ",x,label\n0,1,a\n1,2,b\n", like={"0": [0, 1], "x": [1.0, 2.0], "label": ["a", "b"]}
    ),
    "csv: no header": of_text("1,2,a\n3,4,b\n", options=("data.label=-1",), like=None),
    "csv: no header, a label's name": of_text(
        "1,2,0\n3,4,1\n", says=("data.label = 'label'", "rows.csv (which has no header) have no names")
    ),
    "csv: a missing label among numbers": of_text(
        "x,label\n1,1\n2,NA\n3,0\n4,NA\n", says=("every row needs a label, but 2 rows have none", "'NA'")
    ),
    "csv: an empty label": of_text("x,label\n1,1\n2,\n3,0\n", says=("every row needs a label", "'label'")),
    "csv: an empty cell": of_text(
        "x,label\n1,a\n,b\n3,a\n", says="column 'x': expected a number, but the cell is empty"
    ),
    "csv: not a number": of_text("x,label\n1,a\noops,b\n3,a\n", says=("rows.csv line 3", "oops")),
    "csv: text and dates": of_text(
        "job,x,day,member,label\nclerk,1,2026-01-02,yes,a\nbaker,2,2026-01-03,no,b\n",
        says=(
            "3 feature columns are not numbers: 'job' is text, 'day' is date, 'member' is true/false",
            'data.exclude = ["job", "day", "member"]',
        ),
    ),
    "csv: one column of text, some of it missing": of_text(
        "job,x,label\nclerk,1,a\n,2,b\nNA,3,a\nbaker,4,b\n",
        says=("feature column 'job' is text, not a number", 'leave it out with data.exclude = ["job"]'),
    ),
    "csv: missing numbers are no text": of_text(
        "x,y,label\n1,NA,a\n2,NA,b\n3,5,a\n", says=("rows.csv line 2", "column 'y'", "'NA'")
    ),
    "csv: text left out": of_text(
        "job,x,label\nclerk,1,a\nbaker,2,b\n",
        options=("data.exclude=['job']",),
        like={"job": ["clerk", "baker"], "x": [1.0, 2.0], "label": ["a", "b"]},
    ),
    "csv: nan": of_text("x,label\n1,a\nnan,b\n3,a\n", says="column 'x' is NaN or infinite 1 times"),
    "csv: inf": of_text("x,label\n1,a\n-inf,b\n3,a\n", says="column 'x' is NaN or infinite 1 times"),
    "csv: 1e999": of_text("x,label\n1,a\n1e999,b\n3,a\n", says="column 'x' is NaN or infinite 1 times"),
    "csv: Java's own numbers": of_text("x,label\n1,a\n1d,b\n3,a\n", says=("rows.csv line 3", "1d")),
    "csv: a cell too many": of_text("x,label\n1,a\n1,b,2\n3,a\n", says="rows.csv line 3"),
    "csv: a cell too few": of_text("x,y,label\n1,2,a\n1,b\n3,2,a\n", says="rows.csv line 3"),
    "csv: not UTF-8": of_text("x,label\n1,Ä\n2,Ö\n".encode("latin-1"), says="not UTF-8"),
    "csv: multilabel": of_text(
        "x,p,q\n1,0,1\n2,2,1\n3,1,1\n",
        options=("data.task=multilabel", "data.label=['p','q']"),
        says="multilabel needs labels 0 or 1, but 1 row has another in column 'p'; the first is 2",
    ),
    "csv: columns a and A": of_text("a,A,label\n1,2,0\n3,4,1\n", says=("'a' and 'A'", "differ only in case")),
    "csv: a column twice": of_text("x,x,label\n1,2,0\n3,4,1\n", says="more than one column named 'x'"),
    "csv: empty": of_text("", says="is empty (0 bytes)"),
    "csv: only blank lines": of_text("\n  \n\n", says="has no rows: only blank lines"),
    "csv: only a header": of_text("x,label\n", says="has no data rows"),
    "csv: semicolons": of_text("x;label\n1;2\n", options=("data.label=0",), says='set data.separator = ";"'),
    "csv: bars": of_text("x|label\n1|2\n", says='set data.separator = "|"'),
    "csv: tabs": of_text("x\tlabel\n1\t2\n", says=r'set data.separator = "\t"'),
    "csv: commas, where the recipe says bars": of_text(
        "x,label\n1,2\n", options=("data.separator=|",), says='set data.separator = ","'
    ),
    "csv: separated by semicolons": of_text(
        'x;y;label\n1;"2";a, b\n3;4;"c;d"\n',
        options=("data.separator=;",),
        like={"x": [1.0, 3.0], "y": [2.0, 4.0], "label": ["a, b", "c;d"]},
    ),
    "csv: separated by bars": of_text(
        "x|y|label\n1|2|a\n3 | 4|b\n",
        options=("data.separator=|",),
        like={"x": [1.0, 3.0], "y": [2.0, 4.0], "label": ["a", "b"]},
    ),
    "csv: separated by tabs": of_text(
        "x\ty\tlabel\n\n1\t2\ta\n\t\t\n3\t 4\tb\n",
        options=(r'data.separator="\t"',),
        like={"x": [1.0, 3.0], "y": [2.0, 4.0], "label": ["a", "b"]},
    ),
    "csv: separated by bars, Java's own numbers": of_text(
        "x|label\n1|a\n1d|b\n", options=("data.separator=|",), says=("rows.csv line 3", "1d")
    ),
    "csv: separated by bars, a cell too many": of_text(
        "x|label\n1|a\n1|b|2\n", options=("data.separator=|",), says="rows.csv line 3"
    ),
    "csv: separated by bars, another header": of_text(
        "x|y|label\n1|2|0\n",
        "y|x|label\n3|4|1\n",
        options=("data.separator=|",),
        says=("part-1.csv", "expected the same header"),
    ),
    "csv: a header that is not UTF-8": of_text(
        "Größe,label\n1,0\n2,1\n".encode("latin-1"), says="is not UTF-8 text"
    ),
    "csv: parts": of_text(
        *("x,label\n1,a\n", "x,label\n2,b\n", "", "x,label\n", "X,Label\n3,b\n"),
        like={"x": [1.0, 2.0, 3.0], "label": ["a", "b", "b"]},
    ),
    "csv: parts in another case": of_text(
        "x,label\n1,a\n", "X,Label\n2,b\n", like={"x": [1.0, 2.0], "label": ["a", "b"]}
    ),
    "csv: parts with columns in another order": of_text(
        "x,y,label\n1,2,0\n", "y,x,label\n3,4,1\n", says=("part-1.csv", "expected the same header")
    ),
    "csv: parts with a column less": of_text(
        "x,y,label\n1,2,0\n", "x,label\n4,1\n", says=("part-1.csv", "expected the same header")
    ),
    "csv: parts with an index in another order": of_text(
        ",x,label\n1,2,0\n", "x,,label\n3,4,1\n", says=("part-1.csv", "expected the same header")
    ),
    "csv: parts without a header in one": of_text(
        "x,label\n1,a\n", "2,b\n", says=("part-1.csv", "expected the same header")
    ),
}
