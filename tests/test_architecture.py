"""The rooms: arrows point down, there is no circle, and pyspark is named only where Spark is used."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "nnspark"
FLOORS = [
    {"errors", "log"},
    {"recipe"},
    {"net", "sums", "optimizers", "sources"},
    {"data"},
    {"objective"},
    {"model", "report"},
    {"engines"},
    {"training", "scoring"},
    {"evaluation", "ml", "sklearn"},
    {"runs"},
    {"interop"},
]
SPARK_ROOMS = {"engines", "scoring", "ml"}
SPARK_SEAMS = {"runs.run"}
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """A module's name below nnspark; the package of that name for an ``__init__``."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


@functools.cache
def imports(path: Path) -> tuple[tuple[str, bool], ...]:
    """Full names of what a module imports, and whether at the moment it is imported itself."""
    return tuple(found_imports(path))


def found_imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Those, as they stand in the file."""
    tree = ast.parse(path.read_text())
    lazily = {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    typing = {
        node
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.dump(test.test)
        for node in ast.walk(test)
    }
    for node in ast.walk(tree):
        at_once = node not in lazily and node not in typing
        if isinstance(node, ast.Import):
            yield from ((alias.name, at_once) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inside = PACKAGE.parent.joinpath(*node.module.split("."), alias.name)
                is_module = inside.with_suffix(".py").exists() or inside.is_dir()
                yield (f"{node.module}.{alias.name}" if is_module else node.module), at_once


def ours() -> Iterator[tuple[str, str]]:
    """Names below nnspark of a module and of one that it imports."""
    for path in MODULES:
        for imported, _ in imports(path):
            if imported.startswith("nnspark."):
                yield name_of(path), imported.removeprefix("nnspark.")


def room_of(module: str) -> str:
    """The first part of a module's name."""
    return module.split(".")[0]


def floor_of(room: str) -> int:
    """Floors are numbered from the ground."""
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def test_arrows_point_down() -> None:
    """A module imports from its own room and from lower floors, lazily and for types too."""

    def is_below(here: str, there: str) -> bool:
        return there == here or here in ("", "__init__", "__main__") or floor_of(there) < floor_of(here)

    assert [
        f"{module} imports {there}, which is not below it"
        for module, there in ours()
        if not is_below(room_of(module), room_of(there))
    ] == []


def test_interop_needs_what_a_model_needs() -> None:
    """Neither engines nor training: above the model's room the class it returns and scikit-learn's."""
    low = {room for rooms in FLOORS[: floor_of("model") + 1] for room in rooms} | {"interop", "sklearn"}
    above = [pair for pair in ours() if room_of(pair[0]) == "interop" and room_of(pair[1]) not in low]
    assert {there for _, there in above} == {"runs.trained"}


def test_pyspark_is_named_only_in_its_rooms() -> None:
    """And imported lazily there, but in ``ml``, whose classes are pyspark's."""
    found = [
        (name_of(path), imported, at_once)
        for path in MODULES
        for imported, at_once in imports(path)
        if imported.split(".")[0] in ("pyspark", "py4j")
    ]
    assert found
    assert [one for one in found if room_of(one[0]) not in SPARK_ROOMS and one[0] not in SPARK_SEAMS] == []
    assert [one for one in found if one[2] and room_of(one[0]) != "ml"] == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Within the rooms too; an import inside a function counts."""
    graph: dict[str, set[str]] = {}
    for module, there in ours():
        graph.setdefault(module, set()).update({there} - {module})
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join([*above[above.index(module) :], module])
        if module not in done:
            for below in sorted(graph.get(module, ())):
                visit(below, (*above, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_a_file_is_short() -> None:
    """250 lines at most, and above 200 the docstring says why."""

    def is_short(text: str) -> bool:
        lines = len(text.splitlines())
        return lines <= 200 or (lines <= 250 and "bove 200 lines" in text)

    assert [name_of(path) for path in MODULES if not is_short(path.read_text())] == []
