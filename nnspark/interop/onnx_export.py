"""A model as an ONNX file: raw rows in, answers out, for any program that runs ONNX.

The graph has one input, ``features`` (rows, num_features), in the weights' type, and computes in that type;
the scaling, and a target's, is in the graph and computed in float64. Its outputs:

classification   prediction (rows,): labels, int64 or strings   probabilities (rows, classes)
multilabel       prediction (rows, labels): 0 or 1, int64       probabilities (rows, labels)
regression       prediction (rows, outputs), in the target's own units

The file's metadata has what the graph has no place for: ``classes``, ``feature_names`` and ``target_names``
as JSON, ``task``, ``activation``, ``loss``, and the model's recipe. Operators are those of opset 17 (2022).
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import nnspark
from nnspark.data.plan import Scaling
from nnspark.errors import ModelError
from nnspark.interop.building import refuse_raw, undecided
from nnspark.interop.extras import of_extra
from nnspark.interop.onnx_graph import FORMS, OUTPUT_FORMS, Graph, exact_sigmoid
from nnspark.model import Model
from nnspark.model.stored import write_model

__all__ = ["FORMAT", "to_onnx", "write_graph"]

Array = NDArray[Any]
FORMAT = "nnspark-onnx-1"
OPSET, IR_VERSION = 17, 8
MOST_BYTES = 2**31 - 2**20  # of a protocol buffer, and something for the nodes


def to_onnx(model: Model, path: str | Path | None = None) -> Any:
    """The model as an ``onnx.ModelProto``; with a path, written there too. Needs the extra ``onnx``.

    Parameters
    ----------
    model : of ``nnspark.train`` or ``nnspark.load``.
    path : of the file to write, usually ``*.onnx``.

    Raises
    ------
    ModelError : a model that encodes its columns, an activation that has no form in ONNX, labels that ONNX
        has no type for, more than 2 GiB of weights, a path that cannot be written; NNSparkError : onnx is not
        installed.
    """
    refuse_raw(model, "the ONNX graph")
    helper = of_extra("onnx.helper", "onnx")
    model = undecided(model, "ONNX")
    if sum(W.nbytes for W in model.weights) > MOST_BYTES:
        raise ModelError("the weights take more than 2 GiB, which an ONNX file cannot hold; use Model.save")
    proto = helper.make_model(
        write_graph(model),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="nnspark",
        producer_version=nnspark.__version__,
    )
    about = {
        "nnspark.format": FORMAT,
        "task": model.task,
        "activation": model.network.activation,
        "loss": model.network.loss,
        "feature_names": json.dumps(list(model.feature_names)),
        "classes": json.dumps(None if model.classes is None else model.classes.tolist()),
        "target_names": json.dumps([] if model.classes is not None else model.target_names),
        "recipe": model.recipe,
    }
    helper.set_model_props(proto, about)
    if path is not None:
        write_model(path, proto.SerializeToString())
    return proto


def write_graph(model: Model) -> Any:
    """The ``onnx.GraphProto`` of a model."""
    network = model.network
    if network.activation not in FORMS or network.output not in OUTPUT_FORMS:
        raise ModelError(
            f"activation {network.activation!r} with output {network.output!r} has no form in ONNX here: "
            f"expected one of {', '.join(FORMS)} with one of {', '.join(OUTPUT_FORMS)}"
        )
    graph = Graph(model.weights[0].dtype.name)
    value = _scaled(graph, "features", model.scaling)
    last = len(model.weights) - 1
    for layer, W in enumerate(model.weights):
        slopes = graph.constant(np.ascontiguousarray(W[:, 1:]), f"layer{layer + 1}.weight")
        bias = graph.constant(np.ascontiguousarray(W[:, 0]), f"layer{layer + 1}.bias")
        value = graph.add("Gemm", value, slopes, bias, transB=1)
        value = FORMS[network.activation](graph, value) if layer < last else value
    if _shares_sigmoids(model):
        value = exact_sigmoid(graph, graph.cast(value, "float64"))
    else:
        value = OUTPUT_FORMS[network.output](graph, value)
    answers = {
        "classification": _classification,
        "multilabel": _multilabel,
        "regression": _regression,
    }[model.task](graph, value, model)
    to_type = graph.helper.np_dtype_to_tensor_dtype
    inputs = [("features", graph.dtype, ["rows", network.layers[0]])]
    infos = [
        [
            graph.helper.make_tensor_value_info(name, to_type(np.dtype(kind)), shape)
            for name, kind, shape in some
        ]
        for some in (inputs, answers)
    ]
    constants = [graph.numpy_helper.from_array(array, name) for name, array in graph.constants.items()]
    return graph.helper.make_graph(graph.nodes, "nnspark", *infos, initializer=constants)


def _scaled(graph: Graph, value: str, scaling: Scaling) -> str:
    """(value - center) / divide in float64, whatever the graph's own type: centers may be large."""
    if not scaling.center.any() and (scaling.divide == 1.0).all():
        return value
    narrow = graph.dtype != "float64"
    value = graph.cast(value, "float64") if narrow else value
    value = graph.add("Sub", value, graph.constant(scaling.center, "scaling.center"))
    value = graph.add("Div", value, graph.constant(scaling.divide, "scaling.divide"))
    return graph.cast(value, graph.dtype) if narrow else value


def _shares_sigmoids(model: Model) -> bool:
    """Whether classes have a sigmoid each, whose sum is divided by."""
    several = model.task == "classification" and model.network.layers[-1] > 1
    return several and model.network.output == "sigmoid"


Answers = list[tuple[str, Any, list[str | int]]]


def _classification(graph: Graph, outputs: str, model: Model) -> Answers:
    """Label and shares, as ``objective/problems.py`` and ``model/answers.py`` take them from outputs."""
    assert model.classes is not None
    units, classes = model.network.layers[-1], _labels(model.classes)
    if units == 1:
        above = graph.add("GreaterOrEqual", outputs, 0.5)
        index = graph.add("Squeeze", graph.cast(above, "int64"), np.array([1]))
        other = graph.add("Sub", graph.constant(1.0), outputs)
        graph.add("Concat", other, outputs, name="probabilities", axis=1)
    else:
        index = graph.add("ArgMax", outputs, axis=1, keepdims=0)
        if model.network.output == "softmax":
            graph.add("Identity", outputs, name="probabilities")
        else:
            wide = "float64" if _shares_sigmoids(model) else graph.dtype
            total = graph.add("ReduceSum", outputs, np.array([1]), keepdims=1)
            some = graph.add("Greater", total, np.array(0, wide))
            shares = graph.add("Where", some, graph.add("Div", outputs, total), np.array(1 / units, wide))
            graph.cast(shares, graph.dtype, name="probabilities")
    graph.add("Gather", graph.constant(classes, "classes"), index, name="prediction", axis=0)
    kind = np.dtype(object) if classes.dtype.kind == "O" else classes.dtype
    return [("prediction", kind, ["rows"]), ("probabilities", graph.dtype, ["rows", len(classes)])]


def _multilabel(graph: Graph, outputs: str, model: Model) -> Answers:
    graph.cast(graph.add("GreaterOrEqual", outputs, 0.5), "int64", name="prediction")
    graph.add("Identity", outputs, name="probabilities")
    shape: list[str | int] = ["rows", model.network.layers[-1]]
    return [("prediction", "int64", shape), ("probabilities", graph.dtype, shape)]


def _regression(graph: Graph, outputs: str, model: Model) -> Answers:
    """The target's own units: value * divide + center, in float64."""
    scaling, narrow = model.target_scaling, graph.dtype != "float64"
    if scaling is not None:
        outputs = graph.cast(outputs, "float64") if narrow else outputs
        outputs = graph.add("Mul", outputs, graph.constant(scaling.divide, "target_scaling.divide"))
        outputs = graph.add("Add", outputs, graph.constant(scaling.center, "target_scaling.center"))
        outputs = graph.cast(outputs, graph.dtype) if narrow else outputs
    graph.add("Identity", outputs, name="prediction")
    return [("prediction", graph.dtype, ["rows", model.network.layers[-1]])]


def _labels(classes: Array) -> Array:
    """Labels in one of ONNX's types: whole numbers, numbers, truth values or strings."""
    if classes.dtype.kind == "U" or all(isinstance(label, str) for label in classes.tolist()):
        return classes.astype(str).astype(object)
    if classes.dtype.kind in "iu":
        return classes.astype(np.int64)
    if classes.dtype.kind in "bf":
        return classes
    raise ModelError(f"expected labels that are numbers or strings, got {classes.tolist()!r:.60}")
