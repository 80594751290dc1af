"""The nodes of an ONNX graph, and each activation in terms of ONNX's operators.

``FORMS`` has an entry an activation: a function that adds its nodes to a graph and returns the name of what
they compute. Reading a graph matches its nodes with what these functions add, or those of ``OTHER_FORMS``.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.interop.extras import of_extra
from nnspark.net.activations import LEAK
from nnspark.net.normal import FLAT, P

__all__ = ["FORMS", "OTHER_FORMS", "OUTPUT_FORMS", "Form", "Graph", "exact_sigmoid"]

Array = NDArray[Any]


class Graph:
    """Nodes and constants as they are added; names are numbers in order, but for those that are given.

    ``dtype`` is that of the arithmetic: float32 or float64.
    """

    def __init__(self, dtype: str) -> None:
        self.helper: Any = of_extra("onnx.helper", "onnx")
        self.numpy_helper: Any = of_extra("onnx.numpy_helper", "onnx")
        self.dtype = dtype
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {}

    def add(self, operator: str, *inputs: str | float | Array, name: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its output; numbers and arrays among its inputs are constants."""
        output = name or f"{operator.lower()}_{len(self.nodes)}"
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        self.nodes.append(
            self.helper.make_node(operator, names, [output], name=f"{output}.node", **attributes)
        )
        return output

    def constant(self, value: float | Array, name: str = "") -> str:
        """Add a constant, a number in the graph's own dtype or an array in its own, and return its name."""
        array = np.asarray(value) if isinstance(value, np.ndarray) else np.asarray(value, dtype=self.dtype)
        name = name or f"constant_{len(self.constants)}"
        self.constants[name] = array
        return name

    def cast(self, value: str, dtype: str, name: str = "") -> str:
        """The value in another type."""
        return self.add("Cast", value, name=name, to=self.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


Form = Callable[[Graph, str], str]


def _leaky_relu(graph: Graph, z: str) -> str:
    """max(z, LEAK z), for LeakyRelu's own slope is a float32."""
    if graph.dtype == "float32":
        return graph.add("LeakyRelu", z, alpha=LEAK)
    return graph.add("Max", z, graph.add("Mul", z, LEAK))


def _softplus(graph: Graph, z: str) -> str:
    """max(z, 0) + log(1 + exp(-|z|)); ONNX Runtime has no Softplus for float64."""
    if graph.dtype == "float32":
        return graph.add("Softplus", z)
    small = graph.add("Exp", graph.add("Neg", graph.add("Abs", z)))
    return graph.add("Add", graph.add("Max", z, 0.0), graph.add("Log", graph.add("Add", small, 1.0)))


def _silu(graph: Graph, z: str) -> str:
    """z sigmoid(z)."""
    return graph.add("Mul", z, graph.add("Sigmoid", z))


def _gelu(graph: Graph, z: str) -> str:
    """z (1 + erf(z / sqrt(2))) / 2.

    ONNX Runtime has no Erf for float64: there Φ is written out as in ``net/normal.py``.
    """
    if graph.dtype == "float32":
        erf = graph.add("Erf", graph.add("Mul", z, math.sqrt(0.5)))
        return graph.add("Mul", graph.add("Mul", z, graph.add("Add", erf, 1.0)), 0.5)
    x = graph.add("Min", graph.add("Abs", z), FLAT)
    bell = graph.add("Exp", graph.add("Mul", graph.add("Mul", x, x), -0.5))
    s = graph.add("Div", graph.constant(4.0), graph.add("Add", x, 4.0))
    t = graph.add("Sub", graph.constant(1.0), graph.add("Mul", s, 2.0))
    *others, last = P[graph.dtype]
    tail = graph.add("Mul", t, last)
    for coefficient in reversed(others[1:]):
        tail = graph.add("Mul", graph.add("Add", tail, coefficient), t)
    tail = graph.add("Mul", graph.add("Mul", graph.add("Add", tail, others[0]), s), bell)
    above = graph.add("Sub", graph.constant(1.0), tail)
    return graph.add("Mul", z, graph.add("Where", graph.add("Less", z, 0.0), tail, above))


def _torch_gelu(graph: Graph, z: str) -> str:
    """As PyTorch writes it."""
    erf = graph.add("Erf", graph.add("Div", z, math.sqrt(2.0)))
    return graph.add("Mul", graph.add("Mul", z, graph.add("Add", erf, 1.0)), 0.5)


def exact_sigmoid(graph: Graph, z: str) -> str:
    """1 / (1 + exp(-z)) in float64, as ``net/activations.py`` has it: 0 only where exp overflows.

    ONNX Runtime's Sigmoid is 0 below z = -37 or so, where the ratio of two sigmoids still says which class.
    """
    one = np.array(1.0)
    return graph.add("Div", one, graph.add("Add", graph.add("Exp", graph.add("Neg", z)), one))


FORMS: dict[str, Form] = {
    "gelu": _gelu,
    "identity": lambda graph, z: z,
    "leaky_relu": _leaky_relu,
    "relu": lambda graph, z: graph.add("Relu", z),
    "sigmoid": lambda graph, z: graph.add("Sigmoid", z),
    "silu": _silu,
    "softplus": _softplus,
    "tanh": lambda graph, z: graph.add("Tanh", z),
}
OUTPUT_FORMS: dict[str, Form] = {
    "identity": lambda graph, z: z,
    "sigmoid": FORMS["sigmoid"],
    "softmax": lambda graph, z: graph.add("Softmax", z, axis=1),
}
OTHER_FORMS: list[tuple[str, Form]] = [
    ("gelu", lambda graph, z: graph.add("Gelu", z)),
    ("gelu", _torch_gelu),
]
