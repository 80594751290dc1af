"""What an ONNX graph does with a network's outputs: nothing, or labels of classes as skl2onnx has them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.errors import ModelError
from nnspark.interop.onnx_match import attributes, is_silent
from nnspark.interop.onnx_walk import Walk

__all__ = ["read_tail"]

Array = NDArray[Any]
INTEGERS = (6, 7)  # int32 and int64 of onnx.TensorProto


def read_tail(walk: Walk, units: int) -> Array | None:
    """The classes where the graph says which there are, else None.

    Raises
    ------
    ModelError : a node that does anything but name the class of the largest probability, or an output that is
        neither the network's, nor probabilities, nor labels.
    """
    tail = Tail(walk.value, units)
    for node in walk.nodes[walk.at :]:
        step = STEPS.get(node.op_type)
        if step is None or not step(tail, node, walk.constants):
            raise walk.refused(node)
    known = tail.shares | tail.labels
    for output in walk.graph.output:
        if output.name not in known:
            raise ModelError(f"expected outputs that are the network's, or labels, got {output.name}")
    if not tail.shares & {output.name for output in walk.graph.output}:
        raise ModelError("expected the network's output among the graph's outputs")
    return tail.classes


class Tail:
    """Names of what is known: the network's outputs, and probabilities, indices and labels of classes."""

    def __init__(self, value: str, units: int) -> None:
        self.units, self.plain, self.shares = units, {value}, {value}
        self.others: set[str] = set()
        self.indices: set[str] = set()
        self.labels: set[str] = set()
        self.classes: Array | None = None


Constants = dict[str, Array]


def _pass(tail: Tail, node: Any, constants: Constants) -> bool:
    """Identity, and casts: of floating numbers, or of whole numbers among themselves."""
    (source,) = node.input
    if source in tail.labels:
        whole = tail.classes is not None and tail.classes.dtype.kind in "iu"
        ok = node.op_type == "Identity" or (whole and attributes(node).get("to") in INTEGERS)
        return ok and _add(tail.labels, node)
    for names in (tail.plain, tail.shares):
        if source in names and is_silent(node):
            tail.shares.add(node.output[0])
            return _add(names, node)
    return False


def _other(tail: Tail, node: Any, constants: Constants) -> bool:
    """1 - p."""
    one, p = node.input
    return p in tail.plain and _is(constants.get(one), [1.0]) and _add(tail.others, node)


def _both(tail: Tail, node: Any, constants: Constants) -> bool:
    """1 - p and p side by side: the two classes' probabilities, in place of p."""
    ok = len(node.input) == 2 and node.input[0] in tail.others and node.input[1] in tail.plain
    if ok and attributes(node).get("axis") in (1, -1):
        tail.shares = set(node.output)
        return True
    return False


def _index(tail: Tail, node: Any, constants: Constants) -> bool:
    given = {"axis": 0, "select_last_index": 0, **attributes(node)}
    ok = given["axis"] in (1, -1) and not given["select_last_index"] and node.input[0] in tail.shares
    return ok and _add(tail.indices, node)


def _label(tail: Tail, node: Any, constants: Constants) -> bool:
    table, index = node.input
    if table not in constants or constants[table].ndim != 1 or index not in tail.indices:
        return False
    return _take_classes(tail, constants[table]) and _add(tail.labels, node)


def _reshape(tail: Tail, node: Any, constants: Constants) -> bool:
    """Labels in a row, or outputs in the shape that they have."""
    source, shape = node.input
    if source in tail.plain and _is(constants.get(shape), [-1, tail.units]):
        return _add(tail.plain, node) and _add(tail.shares, node)
    return source in tail.labels and _is(constants.get(shape), [-1]) and _add(tail.labels, node)


def _by_name(tail: Tail, node: Any, constants: Constants) -> bool:
    """Probabilities as a table by class."""
    given = attributes(node)
    names = given.get("classlabels_int64s") or [
        name.decode() for name in given.get("classlabels_strings", [])
    ]
    ok = node.input[0] in tail.shares and _take_classes(tail, np.asarray(names))
    return ok and _add(tail.shares, node)


def _take_classes(tail: Tail, classes: Array) -> bool:
    if classes.dtype.kind == "O":
        classes = np.array([one.decode() if isinstance(one, bytes) else str(one) for one in classes])
    before, tail.classes = tail.classes, classes
    return before is None or before.tolist() == classes.tolist()


def _add(names: set[str], node: Any) -> bool:
    names.add(node.output[0])
    return True


def _is(constant: Array | None, wanted: list[float]) -> bool:
    return constant is not None and constant.ravel().tolist() == wanted


STEPS: dict[str, Callable[[Tail, Any, Constants], bool]] = {
    "ArgMax": _index,
    "ArrayFeatureExtractor": _label,
    "Cast": _pass,
    "Concat": _both,
    "Identity": _pass,
    "Reshape": _reshape,
    "Sub": _other,
    "ZipMap": _by_name,
}
