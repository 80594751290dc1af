"""Turn what a file says about each row's label into the target array of the task.

classification : (n,) int64, float64 or str; 1 and 1.0 are the same class
regression : (n,) float64, or (n, k) with several targets
multilabel : (n, k) float64 of zeros and ones
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import DataError, RecipeError, ShapeError
from nnspark.sources import refusals
from nnspark.sources.checks import Locate, check_label_present

__all__ = ["class_labels", "clean_target", "parse_labels", "parse_number"]

TASKS = ("classification", "regression", "multilabel")
EXACT_INTEGERS = 2.0**53
MISSING_MARKS = frozenset({"", "?", "-", "na", "n/a", "nan", "none", "null"})


def clean_target(
    values: NDArray[Any], task: str, locate: Locate, *, where: str, columns: Sequence[str] = ()
) -> NDArray[Any]:
    """Check labels and give them the one shape and dtype of `task`.

    Parameters
    ----------
    values : (n,), (n, 1) or (n, k) array of numbers or strings
    task : "classification", "regression" or "multilabel"
    locate : names a row in errors
    where : names the array in errors, e.g. "y.npy"
    columns : the labels' own names, where they have some
    """
    if task not in TASKS:
        raise RecipeError(f"data.task must be one of {', '.join(TASKS)}, not {task!r}")
    if values.ndim not in (1, 2) or (values.ndim == 2 and values.shape[1] == 0):
        raise ShapeError(f"{where} must have the shape (rows,) or (rows, outputs), but has {values.shape}")
    if values.dtype.kind == "S":
        values = _decoded(values, where)
    if values.dtype.kind not in "buifU":
        raise DataError(f"{where} must hold numbers or strings as labels, but its dtype is {values.dtype}")
    check_label_present(values, locate, where)
    if task == "classification":
        return class_labels(values, where)
    if values.dtype.kind == "U":
        raise DataError(
            f"{task} needs numbers as labels, but {where} holds strings such as {str(values.flat[0])!r}"
        )
    numbers = np.ascontiguousarray(values, dtype=np.float64)
    if task == "regression":
        return numbers.reshape(-1) if numbers.ndim == 2 and numbers.shape[1] == 1 else numbers
    numbers = numbers.reshape(len(numbers), -1)
    outside = (numbers != 0) & (numbers != 1)
    if outside.any():
        row, column = np.argwhere(outside)[0]
        name = f"column {columns[column]!r}" if columns else f"label {column}"
        place = f"{numbers[row, column]:g} at {locate(int(row))}"
        raise refusals.not_binary(name, int(outside[:, column].sum()), place)
    return numbers


def parse_labels(
    cells: Sequence[str], locate: Locate, *, where: str = "", rows: Sequence[int] | None = None
) -> NDArray[Any]:
    """Parse text labels of one column: numbers if every one is a number, else strings.

    A lone "NA" or "?" among numbers is a missing label, not one more class. ``rows`` says how many rows have
    each cell, where a cell stands for several.
    """
    broken = [row for row, cell in enumerate(cells) if "\ufffd" in cell]
    if broken:
        raise refusals.not_utf8(cells[broken[0]], locate(broken[0]))
    numbers = [parse_number(cell) for cell in cells]
    odd = [row for row, number in enumerate(numbers) if number is None]
    if odd and (len(odd) < len(cells)) and all(cells[row].strip().lower() in MISSING_MARKS for row in odd):
        count = len(odd) if rows is None else sum(rows[row] for row in odd)
        raise refusals.no_label(where, count, f"{cells[odd[0]].strip()!r} at {locate(odd[0])}")
    if odd:
        return np.array([cell.strip() for cell in cells], dtype=np.str_)
    try:
        return np.array([int(cell) for cell in cells], dtype=np.int64)
    except (ValueError, OverflowError):
        return np.array(numbers, dtype=np.float64)


def parse_number(cell: str) -> float | None:
    """Return the correctly rounded double a cell spells, or None; Python's `1_000` is no number here."""
    if "_" in cell or not cell.isascii():
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def class_labels(values: NDArray[Any], where: str) -> NDArray[Any]:
    """Labels of one column as int64 or stripped text: what two spellings of a class have in common.

    Blanks around text are those of Python's ``str.strip``. Floats that are no classes stay floats.
    """
    if values.ndim == 2 and values.shape[1] > 1:
        raise ShapeError(
            f"classification needs one label a row, but {where} has the shape {values.shape}; "
            'for several outputs set data.task = "multilabel" or "regression"'
        )
    labels = values.reshape(-1)
    if labels.dtype.kind == "U":
        return np.char.strip(labels)
    if labels.dtype.kind == "f":
        numbers = labels.astype(np.float64)
        whole = bool((np.abs(numbers) < EXACT_INTEGERS).all() and (numbers == np.floor(numbers)).all())
        return numbers.astype(np.int64) if whole else numbers
    if labels.dtype.kind == "u" and len(labels) and labels.max() > np.iinfo(np.int64).max:
        raise refusals.too_large_label(where)
    return labels.astype(np.int64)


def _decoded(values: NDArray[Any], where: str) -> NDArray[np.str_]:
    try:
        return np.char.decode(values, "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{where} holds byte-string labels that are not UTF-8: {error}") from error
