"""Are these nodes of an ONNX graph an activation, as one of the known forms has it?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.interop.extras import of_extra
from nnspark.interop.onnx_graph import Form, Graph

__all__ = ["attributes", "is_silent", "match"]

Array = NDArray[Any]
FLOAT, DOUBLE = 1, 11  # of onnx.TensorProto
DEFAULTS = {"axis": -1, "alpha": 0.01, "approximate": b"none"}  # of Softmax, LeakyRelu, Gelu


def match(
    nodes: Sequence[Any], constants: Mapping[str, Array], value: str, form: Form
) -> tuple[int, str] | None:
    """How many of the first nodes are a form of ``value``, and the name of what they compute; None if not."""
    for dtype in ("float32", "float64"):
        wanted = Graph(dtype)
        result = form(wanted, value)
        here = nodes[: len(wanted.nodes)]
        names = {value: value}
        if len(here) == len(wanted.nodes) and all(
            _same(one, other, names, constants, wanted.constants)
            for one, other in zip(here, wanted.nodes, strict=True)
        ):
            return len(here), names[result]
    return None


def attributes(node: Any) -> dict[str, Any]:
    """A node's attributes by name."""
    helper = of_extra("onnx.helper", "onnx")
    return {one.name: helper.get_attribute_value(one) for one in node.attribute}


def is_silent(node: Any) -> bool:
    """Whether a node changes no value of a floating type but in its last digits."""
    to = attributes(node).get("to")
    return node.op_type == "Identity" or (node.op_type == "Cast" and to in (FLOAT, DOUBLE))


def _same(
    node: Any,
    wanted: Any,
    names: dict[str, str],
    constants: Mapping[str, Array],
    wanted_constants: Mapping[str, Array],
) -> bool:
    """Whether a node does what the wanted one does; ``names`` has this graph's for the wanted one's."""
    names[wanted.output[0]] = node.output[0]
    return (
        node.op_type == wanted.op_type
        and len(node.input) == len(wanted.input)
        and _same_attributes(attributes(node), attributes(wanted))
        and all(
            names[name] == here if name in names else _close(constants.get(here), wanted_constants[name])
            for here, name in zip(node.input, wanted.input, strict=True)
        )
    )


def _same_attributes(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether they are equal where defaults are filled in; the last axis is the second of two."""
    if set(one) - set(DEFAULTS) or set(other) - set(DEFAULTS):
        return dict(one) == dict(other)
    one, other = {**DEFAULTS, **one}, {**DEFAULTS, **other}
    return (
        one["axis"] % 2 == other["axis"] % 2
        and bool(np.isclose(one["alpha"], other["alpha"], rtol=1e-6))
        and one["approximate"] == other["approximate"]
    )


def _close(here: Array | None, wanted: Array) -> bool:
    """Whether a constant is the wanted number, to the last digits of float32."""
    return here is not None and here.size == 1 and bool(np.allclose(here, wanted, rtol=1e-6, atol=0))
