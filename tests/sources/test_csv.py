"""The CSV reader."""

import csv
import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sources.spec import Spec, refused

from nnspark.errors import DataError, RecipeError
from nnspark.sources import csv as reader
from nnspark.sources import load_table
from nnspark.sources.csv_header import has_header
from nnspark.sources.csv_records import records
from nnspark.sources.table import DataRequest

HARD = ["0.1", "2.2250738585072011e-308", "9007199254740993", "1.7976931348623157e308", "5e-324", "-0.0",
        "0.500000000000000166533453693773481063544750213623046875", "8.41e+21", "1e23"]  # fmt: skip


def write(folder: Path, text: str, name: str = "a.csv") -> str:
    """Write a file and return its path."""
    (folder / name).write_bytes(text.encode())
    return str(folder / name)


@pytest.mark.parametrize("careful", [False, True])
def test_a_header_names_features_label_and_weight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, careful: bool
) -> None:
    """Label and weight are taken out by name; the other columns keep their names and order."""
    if careful:
        monkeypatch.setattr(reader, "_read_fast", lambda path, layout: None)
    path = write(tmp_path, "a,label,w,b\n1,x,0.5,2\n3,y,2,4\n")
    table = load_table(Spec("csv", path, weight="w"))
    assert table.features.tolist() == [[1, 2], [3, 4]]
    assert table.feature_names == ("a", "b")
    assert table.target.tolist() == ["x", "y"]
    assert table.weight is not None
    assert table.weight.tolist() == [0.5, 2]


@pytest.mark.parametrize(
    ("label", "expected"), [(-1, ["x", "y"]), (2, ["x", "y"]), ("2", ["x", "y"]), (0, [1, 3])]
)
def test_without_header_the_label_is_a_number(tmp_path: Path, label: object, expected: list) -> None:
    """Numbers count from 0, negative ones from the end; features are named by position."""
    path = write(tmp_path, "1,2,x\n3,4,y\n")
    spec = Spec("csv", path, label=label, columns=("1",))
    assert load_table(spec).target.tolist() == expected
    assert load_table(spec).features.tolist() == [[2], [4]]
    if expected == ["x", "y"]:
        assert load_table(Spec("csv", path, label=label)).feature_names == ("0", "1")


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("separator", ["\n", "\r\n"])
def test_numbers_are_correctly_rounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, careful: bool, separator: str
) -> None:
    """Both ways through the reader give the doubles Python's float gives, at any spelling."""
    if careful:
        monkeypatch.setattr(reader, "_read_fast", lambda path, layout: None)
    path = write(tmp_path, separator.join(f'{text}," {text} ","{text}",1' for text in HARD))
    table = load_table(Spec("csv", path, label=-1))
    expected = np.array([[float(text)] * 3 for text in HARD])
    assert table.features.tobytes() == expected.tobytes()


@given(st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.integers(-9, 9)), min_size=1))
@settings(max_examples=50, deadline=None)
def test_repr_of_a_float_comes_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, int]]
) -> None:
    """What pandas and Python write with full precision is read to the same bits."""
    path = tmp_path_factory.getbasetemp() / "repr.csv"
    pd.DataFrame(rows, columns=["x", "label"]).to_csv(path, index=False)
    table = load_table(Spec("csv", str(path)))
    assert table.features.tobytes() == np.array([x for x, _ in rows]).tobytes()
    assert table.target.tolist() == [label for _, label in rows]


def test_spellings_pyarrow_does_not_know_are_read_anyway(tmp_path: Path) -> None:
    """A tab in a cell sends the file through the careful reader, with the same result."""
    table = load_table(Spec("csv", write(tmp_path, "x,label\n\t1.5,a\n2,b\n")))
    assert table.features.tolist() == [[1.5], [2]]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "1.0", " 2 "], [1, 1, 2]),
        (["1", "2.5"], [1.0, 2.5]),
        (["9007199254740993", "1"], [9007199254740993, 1]),
        (["1", "a"], ["1", "a"]),
        (["-1", "+1"], [-1, 1]),
        (["Österreich", "東京"], ["Österreich", "東京"]),
        (["nan", "pita"], ["nan", "pita"]),
        (["1_0", "1"], ["1_0", "1"]),
    ],
)
def test_labels_are_numbers_if_all_of_them_are(tmp_path: Path, cells: list[str], expected: list) -> None:
    """1 and 1.0 are one class; one word makes all of them words."""
    table = load_table(Spec("csv", write(tmp_path, "x,label\n" + "".join(f"0,{c}\n" for c in cells))))
    assert table.target.tolist() == expected


def test_quotes_commas_newlines_bom_and_blank_lines_are_understood(tmp_path: Path) -> None:
    """The file is CSV as Excel and pandas write it."""
    path = write(tmp_path, '\ufeffx,"the ""label"""\r\n\r\n1,"a, b"\r\n2,"c\r\nd"\r\n\r\n')
    table = load_table(Spec("csv", path, label='the "label"'))
    assert table.features.tolist() == [[1], [2]]
    assert table.target.tolist() == ["a, b", "c\r\nd"]


def test_gzip_is_unpacked(tmp_path: Path) -> None:
    """A .csv.gz reads like its content."""
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"x,label\n1,0\n2,1\n"))
    assert load_table(Spec("csv", str(tmp_path / "a.csv.gz"))).features.tolist() == [[1], [2]]
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"x,label\n1,0\n2,1\n" * 999)[:-20])
    with refused("b.csv.gz"):
        load_table(Spec("csv", str(tmp_path / "b.csv.gz")))


def test_a_folder_of_part_files_is_one_table(tmp_path: Path) -> None:
    """Parts are read by name; markers and empty parts are no data; one word among all labels makes words."""
    for name, text in {
        "part-1.csv": "x,label\n3,b\n",
        "part-0.csv": "x,label\n1,1\n2,2\n",
        "part-2.csv": "",
        "part-3.csv": "x,label\n",
        "_SUCCESS": "done",
        ".part-0.csv.crc": "?",
    }.items():
        write(tmp_path, text, name)
    table = load_table(Spec("csv", str(tmp_path)))
    assert table.features.tolist() == [[1], [2], [3]]
    assert table.target.tolist() == ["1", "2", "b"]
    write(tmp_path, "x,label\n5,b\nnan,b\n", "part-4.csv")
    with refused("part-4.csv line 3", "'x'"):
        load_table(Spec("csv", str(tmp_path)))
    write(tmp_path, "z,label\n5,b\n", "part-4.csv")
    with refused("part-4.csv line 1", "header", "'z,label'"):
        load_table(Spec("csv", str(tmp_path)))


@pytest.mark.parametrize(
    ("text", "label", "expected"),
    [
        ("a,b\n1,2\n", "b", True),
        ("1,2\n3,4\n", -1, False),
        ("1,setosa\n3,virginica\n", -1, False),
        ("x,y,kind\n1,2,s\n", -1, True),
        ("2019,2020,label\n1,2,3\n", "label", True),
        (",x,label\n0,1,2\n", "label", True),
    ],
)
def test_a_header_is_recognised(tmp_path: Path, text: str, label: object, expected: bool) -> None:
    """A first record with a named column, or without any number besides the label, is a header."""
    first = next(records(Path(write(tmp_path, text)))).cells
    assert has_header(first, DataRequest("csv", label=label)) is expected


def test_header_can_be_said_outright(tmp_path: Path) -> None:
    """header = true reads numbers as names, header = false reads them as data."""
    path = write(tmp_path, "1,2\n3,4\n")
    assert load_table(Spec("csv", path, label=-1, header=True)).feature_names == ("1",)
    assert len(load_table(Spec("csv", path, label=-1, header=False)).features) == 2
    with refused("header", kind=RecipeError):
        load_table(Spec("csv", path, label=-1, header="yes"))


@pytest.mark.parametrize(
    ("text", "spec", "parts"),
    [
        ("x,y,label\n1,2,0\n1,2\n", {}, ("a.csv line 3", "expected 3", "found 2")),
        ("x,y,label\n1,2,0\n1,2,3,4\n", {}, ("a.csv line 3", "expected 3", "found 4")),
        ('x,label\n1,"a\nb"\n\n2,"c\nd\ne"\n3\n', {}, ("a.csv line 8", "expected 2", "found 1")),
        ('x,label\n1,"a\nb"\n2,"c\nd",5\n', {}, ("a.csv line 4", "found 3")),
        ("x,label\n1,0\noops,1\n", {}, ("a.csv line 3", "'x'", "'oops'")),
        ("x,label\n1,0\n1_000,1\n", {}, ("a.csv line 3", "'1_000'")),
        ("x,label\n1,0\n,1\n", {}, ("a.csv line 3", "'x'", "empty")),
        ("x,label\n1,0\n2,\n", {}, ("a.csv line 3", "label is missing", "'label'")),
        ("x,label\n1,0\n2, \n", {}, ("a.csv line 3", "label is missing")),
        ("x,label\n1,0\n2,NA\n", {}, ("a.csv line 3", "label", "'NA'")),
        ("x,label\n1,0\n2,nan\n", {}, ("a.csv line 3", "label")),
        ('x,label\n1,"0\n"\n2,1\nnan,1\ninf,1\n', {}, ("a.csv line 5", "'x'", "2 values", "2 row")),
        ("x,label\n1,0\n1e999,1\n", {}, ("a.csv line 3",)),
        ("x,y,label\n1,2,3\n", {"label": "labl"}, ("'labl'", "did you mean 'label'", "'x', 'y', 'label'")),
        ("1,2,3\n", {}, ("'label'", "no names", "-1")),
        ("1,2,3\n", {"label": 3}, ("data.label = 3", "3 columns")),
        ("x,label\n1,2\n", {"weight": "w"}, ("data.weight", "'w'")),
        ("x,w,label\n1,-2,2\n", {"weight": "w"}, ("a.csv line 2", "-2.0")),
        ("x,w,label\n1,1,2\n1,nan,2\n", {"weight": "w"}, ("a.csv line 3", "nan")),
        ("x,label\n1,2\n", {"columns": ("z",)}, ("data.columns", "'z'")),
        ("x,x,label\n1,2,3\n", {}, ("'x'", "more than one")),
        ("label\n1\n", {}, ("no feature column",)),
        ("x;label\n1;2\n", {"label": 0}, ("a.csv has one column", 'data.separator = ";"')),
        ("x|y|label\n1|2|0\n", {}, ("'x|y|label'", 'if "," separates', 'set data.separator = "|"')),
        ("x\ty\tlabel\n1\t2\t0\n", {}, (r'set data.separator = "\t"',)),
        ("x,y,label\n1,2,0\n", {"separator": "|"}, ('if "|" separates', 'set data.separator = ","')),
        ("x|label\n1|0\n\n2\n", {"separator": "|"}, ("a.csv line 4", "expected 2", "found 1")),
        ("x|label\n1|0\n2,5|1\n", {"separator": "|"}, ("a.csv line 3", "'2,5'")),
        ("", {}, ("a.csv", "empty")),
        ("\n\n", {}, ("a.csv", "blank")),
        ("x,label\n", {}, ("a.csv", "no data rows")),
        ("1,x,2\n3,4,5\n", {"label": -1}, ("a.csv line 1", "'1'", "'x'", "header")),
        ("x,label\n1,a\n", {"task": "regression"}, ("regression", "'a'")),
    ],
)
def test_bad_files_name_line_and_column(tmp_path: Path, text: str, spec: dict, parts: tuple) -> None:
    """One line says where, what was expected and what came."""
    with refused(*parts):
        load_table(Spec("csv", write(tmp_path, text), **spec))


def test_other_bad_files_are_refused(tmp_path: Path) -> None:
    """Another encoding, a missing file, a folder without data, a feature twice or the label."""
    (tmp_path / "l.csv").write_bytes("x,label\n1,Österreich\n".encode("latin-1"))
    with refused("l.csv", "UTF-8"):
        load_table(Spec("csv", str(tmp_path / "l.csv")))
    with refused("nope.csv", str(tmp_path)):
        load_table(Spec("csv", str(tmp_path / "nope.csv")))
    (tmp_path / "empty").mkdir()
    with refused("empty", "no data"):
        load_table(Spec("csv", str(tmp_path / "empty")))
    with refused("folder 'empty'"):
        load_table(Spec("csv", str(tmp_path)))
    with refused("'x' twice", "data.columns", kind=RecipeError):
        load_table(Spec("csv", write(tmp_path, "x,label\n1,2\n"), columns=("x", "x")))
    with refused("'label'", "data.columns", kind=RecipeError):
        load_table(Spec("csv", write(tmp_path, "x,label\n1,2\n"), columns=("x", "label")))
    with refused("not a local path"):
        load_table(Spec("csv", "hdfs://host/a.csv"))


def test_several_labels_are_one_matrix(tmp_path: Path) -> None:
    """Multilabel and multi-output regression take a list of columns."""
    path = write(tmp_path, "x,p,q\n1,0,1\n2,1,1\n")
    for task in ("multilabel", "regression"):
        table = load_table(Spec("csv", path, label=["p", "q"], task=task))
        assert table.target.tolist() == [[0, 1], [1, 1]]
        assert table.feature_names == ("x",)


@pytest.mark.parametrize("separator", [",", ";", "|", "\t", ":"])
def test_fields_are_separated_as_the_recipe_says(tmp_path: Path, separator: str) -> None:
    """The same table, by either reader; cells in quotes hold separators, lines of tabs are blank."""
    rows = [
        ["a,b", "x", "label"],
        ["1", "0.1", "p;q|r,s\tt:u"],
        ["+2", " 5e-324", 'say "no"'],
        ["3", "4", "z"],
    ]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=separator, lineterminator="\n").writerows(rows)
    tables = []
    for name, text in (("fast", buffer.getvalue()), ("careful", buffer.getvalue().replace("\n", "\n\n", 1))):
        (tmp_path / name).mkdir()
        path = write(tmp_path / name, text + ("\t\t\n" if separator == "\t" and name == "careful" else ""))
        tables.append(load_table(Spec("csv", path, separator=separator)))
    for table in tables:
        assert table.feature_names == ("a,b", "x")
        assert table.features.tolist() == [[1.0, 0.1], [2.0, 5e-324], [3.0, 4.0]]
        assert table.target.tolist() == [row[2] for row in rows[1:]]


CELLS = st.text(st.sampled_from('ab ,"\n\r'), max_size=5)


@given(st.lists(st.tuples(st.integers(-99, 99), CELLS), min_size=1, max_size=8), st.integers(0, 99))
@example([(1, "\n"), (2, "a\r\nb")], 1)
@settings(max_examples=200, deadline=None)
def test_a_ragged_record_is_named_by_the_line_it_starts_on(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str]], at: int
) -> None:
    """Newlines inside quoted cells count as lines, whatever cells come before."""
    path = tmp_path_factory.getbasetemp() / "ragged.csv"
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["x", "label"])
    for number, (x, label) in enumerate(rows):
        if number == at % len(rows):
            text = buffer.getvalue().replace("\r\n", "\n").replace("\r", "\n")
            line = text.count("\n") + 1
            writer.writerow([x, "l" + label, "more"])
        else:
            writer.writerow([x, "l" + label])
    path.write_bytes(buffer.getvalue().encode())
    with refused(f"ragged.csv line {line}:", "found 3"):
        load_table(Spec("csv", str(path)))


TABLES = st.lists(
    st.lists(st.sampled_from(["1", "2.5", " 3", "+4", "\t8", "", "x",
                              '"5"', '"6\n"', '"a,b"', "nan", "NA", "7\r"]),
             min_size=2, max_size=3),
    min_size=1, max_size=5,
)  # fmt: skip


@given(TABLES, st.sampled_from(["\n", "\r\n", "\n\n"]))
@settings(max_examples=200, deadline=None)
def test_the_fast_reader_agrees_with_the_careful_one(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], separator: str
) -> None:
    """On any text both give the same table, or both refuse it."""
    path = tmp_path_factory.getbasetemp() / "agree.csv"
    path.write_bytes(separator.join(",".join(row) for row in rows).encode())

    def outcome() -> tuple | None:
        try:
            table = load_table(Spec("csv", str(path), label=-1, header=False))
        except DataError:
            return None
        return table.features.tobytes(), table.target.dtype.kind, table.target.tolist()

    fast = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_read_fast", lambda path, layout: None)
        assert outcome() == fast
