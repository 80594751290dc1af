"""The notebooks of jobs/examples, cell by cell in this process, without Jupyter."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "jobs/examples"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def read_notebook(name: str) -> dict[str, Any]:
    """A notebook as it is on disk."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    return found


def code_of(name: str) -> list[str]:
    """The text of each cell of code."""
    cells = read_notebook(name)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def run_cells(name: str, old: str = "", new: str = "") -> dict[str, Any]:
    """Run all cells in order, one text in them replaced by another; the names that they leave."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, code in enumerate(code_of(name), 1):
        exec(compile(code.replace(old, new) if old else code, f"{name}, cell {number}", "exec"), names)
    return names
