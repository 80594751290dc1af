"""A walk along an ONNX graph from its input to a network's output; what it cannot pass it refuses by name."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.plan import Scaling
from nnspark.errors import ModelError
from nnspark.interop.extras import of_extra
from nnspark.interop.onnx_graph import FORMS, OTHER_FORMS, OUTPUT_FORMS, Form, exact_sigmoid
from nnspark.interop.onnx_match import attributes, is_silent, match

__all__ = ["Walk", "scaling_of"]

Array = NDArray[Any]
DOMAINS = ("", "ai.onnx", "ai.onnx.ml")


class Walk:
    """How far a graph has been understood: the nodes before ``at`` compute ``value``."""

    def __init__(self, graph: Any) -> None:
        numpy_helper = of_extra("onnx.numpy_helper", "onnx")
        if any(one.data_location for one in graph.initializer):
            raise ModelError("the graph's weights are in another file; save the model as one file")
        self.graph, self.at = graph, 0
        self.constants: dict[str, Array] = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
        self.nodes = []
        for node in graph.node:
            if node.domain not in DOMAINS:
                raise self.refused(node)
            if node.op_type == "Constant" and [one.name for one in node.attribute] == ["value"]:
                self.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
            else:
                self.nodes.append(node)
        inputs = [one.name for one in graph.input if one.name not in self.constants]
        if len(inputs) != 1:
            raise ModelError(f"expected a graph with one input, got {len(inputs)}: {', '.join(inputs)}")
        self.value = inputs[0]

    def scaling(self) -> tuple[Array, Array]:
        """What is done to the input before the first layer, as center and divide: (x - center) / divide."""
        center, divide = np.zeros(1), np.ones(1)
        while (node := self._next()) is not None:
            if node.op_type in ("Sub", "Div"):
                k = self._vector(node, 1)
            elif node.op_type in ("Add", "Mul"):
                k = self._vector(node, int(node.input[0] == self.value))
            if node.op_type == "Sub":
                center = center + k * divide
            elif node.op_type == "Add":
                center = center - k * divide
            elif node.op_type == "Div":
                divide = divide * k
            elif node.op_type == "Mul":
                divide = divide / np.where(k == 0, np.nan, k)
            elif node.op_type == "Scaler":  # (x - offset) * scale
                given = attributes(node)
                center = center + np.array(given.get("offset", [0.0])) * divide
                divide = divide / np.array(given.get("scale", [1.0]))
            elif not is_silent(node):
                break
            self._take(node.output[0])
        return center, divide

    def layers(self) -> tuple[list[Array], str]:
        """Weights of all layers, and the one activation between them."""
        weights, names = [self._layer()], set[str]()
        while self.at < len(self.nodes):
            before = self.at, self.value
            name = self._form([*FORMS.items(), *OTHER_FORMS])
            following = self._next()
            if following is None or following.op_type not in ("Gemm", "MatMul"):
                self.at, self.value = before
                break
            names.add(name)
            weights.append(self._layer())
        if len(names) > 1:
            raise ModelError(
                f"expected one activation in all hidden layers, got {' and '.join(sorted(names))}"
            )
        return weights, names.pop() if names else "identity"

    def output(self) -> str:
        """The output function, by nnspark's name."""
        self._pass_silent()
        return self._form([*OUTPUT_FORMS.items(), ("sigmoid", exact_sigmoid)])

    @staticmethod
    def refused(node: Any) -> ModelError:
        """The error that names a node's operator."""
        return ModelError(
            f"operator {node.op_type} ({node.name or node.output[0]}) is no part of a multilayer perceptron "
            "as nnspark has it: expected scaling (Sub, Div, Add, Mul), layers (Gemm, or MatMul and Add), "
            f"activations ({', '.join(FORMS)}) and an output ({', '.join(OUTPUT_FORMS)})"
        )

    def _pass_silent(self) -> None:
        while (node := self._next()) is not None and is_silent(node):
            self._take(node.output[0])

    def _next(self) -> Any:
        """The next node, if it takes ``value``."""
        here = self.at < len(self.nodes) and self.value in self.nodes[self.at].input
        return self.nodes[self.at] if here else None

    def _take(self, value: str, count: int = 1) -> None:
        self.at, self.value = self.at + count, value

    def _constant(self, node: Any, place: int) -> Array:
        """A node's constant input; the other one has to be ``value``."""
        name, other = node.input[place], node.input[1 - place if place < 2 else 0]
        if name not in self.constants or other != self.value:
            raise self.refused(node)
        return self.constants[name]

    def _vector(self, node: Any, place: int) -> Array:
        """A node's constant input that is one number, or one a column."""
        values = self._constant(node, place)
        if values.ndim and values.size != values.shape[-1]:
            raise self.refused(node)
        return values.ravel()

    def _layer(self) -> Array:
        """W of a Gemm, or of a MatMul and an Add: (units, 1 + fan_in), biases in column 0."""
        node = self._next()
        if node is None or node.op_type not in ("Gemm", "MatMul"):
            if self.at < len(self.nodes):
                raise self.refused(self.nodes[self.at])
            raise ModelError("expected a layer (Gemm, or MatMul and Add), but the graph has no more nodes")
        slopes, bias = self._constant(node, 1), np.zeros(1)
        if node.op_type == "Gemm":
            given = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0, **attributes(node)}
            if (given["alpha"], given["beta"], given["transA"]) != (1.0, 1.0, 0):
                raise self.refused(node)
            slopes = slopes if given["transB"] else slopes.T
            bias = self._vector(node, 2) if len(node.input) > 2 else bias
            self._take(node.output[0])
        else:
            slopes = slopes.T
            self._take(node.output[0])
            following = self._next()
            if following is not None and following.op_type == "Add":
                bias = self._vector(following, int(following.input[0] == self.value))
                self._take(following.output[0])
        if slopes.ndim != 2 or slopes.dtype.name not in ("float32", "float64"):
            raise ModelError(
                f"operator {node.op_type}: expected weights in two dimensions, float32 or float64, "
                f"got {slopes.dtype} of shape {slopes.shape}"
            )
        if bias.size not in (1, len(slopes)):
            raise ModelError(f"operator {node.op_type}: {bias.size} biases for {len(slopes)} units")
        return np.column_stack([np.broadcast_to(bias, len(slopes)), slopes]).astype(slopes.dtype)

    def _form(self, forms: Iterable[tuple[str, Form]]) -> str:
        """Take the nodes of the longest form that is here; its name."""
        found = []
        for name, form in forms:
            taken = match(self.nodes[self.at :], self.constants, self.value, form)
            if taken is not None:
                found.append((*taken, name))
        count, value, name = max(found)
        self._take(value, count)
        return name


def scaling_of(center: Array, divide: Array, columns: int) -> Scaling:
    """Vectors (columns,) or single numbers as a Scaling; ModelError if they are of another size."""
    for vector in (center, divide):
        if vector.size not in (1, columns):
            raise ModelError(f"the scaling has {vector.size} values but the first layer takes {columns}")
        if not np.isfinite(vector).all():
            raise ModelError("the scaling multiplies or divides by 0, or is not finite")
    whole = [np.array(np.broadcast_to(one, columns), dtype=np.float64) for one in (center, divide)]
    return Scaling(*whole)
