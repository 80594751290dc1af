"""An ONNX file as a model: one that nnspark wrote, or a plain multilayer perceptron of any program.

The graph is walked from its input (``onnx_walk.py``). What comes after the output decides labels: nnspark
writes the model that it has read and compares the graphs, so that a file is understood to its last node, or
refused.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nnspark.data.plan import Scaling
from nnspark.errors import ModelError, NNSparkError
from nnspark.interop.building import model_of
from nnspark.interop.extras import of_extra
from nnspark.interop.onnx_export import FORMAT, write_graph
from nnspark.interop.onnx_tail import read_tail
from nnspark.interop.onnx_walk import Walk, scaling_of
from nnspark.model import Model

__all__ = ["read_onnx"]


def read_onnx(
    source: Any,
    *,
    task: str | None = None,
    classes: Sequence[Any] | None = None,
    feature_names: Sequence[str] | None = None,
) -> Model:
    """The model of a path, a file's bytes or a ``ModelProto``; see ``nnspark.interop.from_onnx``."""
    proto = _proto(source)
    try:
        return _read(proto, task, classes, feature_names)
    except NNSparkError:
        raise
    except (IndexError, KeyError, ValueError) as error:
        raise ModelError(f"the ONNX graph is not a valid one: {' '.join(str(error).split())}") from None


def _read(
    proto: Any, task: str | None, classes: Sequence[Any] | None, feature_names: Sequence[str] | None
) -> Model:
    about = {one.key: one.value for one in proto.metadata_props}
    walk = Walk(proto.graph)
    center, divide = walk.scaling()
    weights, activation = walk.layers()
    network: dict[str, Any] = {
        "activation": activation,
        "output": walk.output(),
        "scaling": scaling_of(center, divide, weights[0].shape[1] - 1),
    }
    if about.get("nnspark.format") != FORMAT:
        found = read_tail(walk, len(weights[-1]))
        if found is not None and (task, classes) != (None, None):
            raise ModelError(
                f"the graph says what the classes are, {found.tolist()}; leave task and classes out"
            )
        if found is not None and network["output"] == "identity":
            raise ModelError(
                "expected Softmax or Sigmoid before the labels, but they come from the last layer"
            )
        if found is not None:
            task, classes = "classification", found.tolist()
        return model_of(weights, task=task, classes=classes, feature_names=feature_names, **network)
    if (task, classes, feature_names) != (None, None, None):
        raise ModelError("the file says itself what task, classes and feature_names are; leave them out")
    try:
        network["activation"] = about["activation"]  # a network without hidden layers does not show it
        model = _completed(
            model_of(
                weights,
                task=about["task"],
                classes=json.loads(about["classes"]),
                feature_names=json.loads(about["feature_names"]),
                **network,
            ),
            about,
            walk,
        )
        again = write_graph(model)
    except (KeyError, TypeError, ValueError, NNSparkError) as error:
        raise ModelError(f"the ONNX file is damaged: {' '.join(str(error).split())}; export again") from None
    for node, own in zip(proto.graph.node, again.node, strict=False):
        if node != own:
            raise ModelError(
                f"operator {node.op_type} ({node.name}) is not where nnspark wrote it: the file was changed; "
                "export again"
            )
    if again != proto.graph:
        raise ModelError("the ONNX file was changed after nnspark wrote it; export again")
    return model


def _proto(source: Any) -> Any:
    onnx = of_extra("onnx", "onnx")
    if isinstance(source, onnx.ModelProto):
        return source
    name = "the content" if isinstance(source, bytes) else str(source)
    try:
        content = source if isinstance(source, bytes) else Path(source).read_bytes()
    except OSError as error:
        raise ModelError(f"{name} cannot be read: {error.strerror or error}") from None
    try:
        proto = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's own, which differ between its versions
        raise ModelError(f"{name} is not an ONNX file: {' '.join(str(error).split())}") from None
    if not proto.graph.node:
        raise ModelError(f"{name} is not an ONNX file: it has no graph")
    return proto


def _completed(model: Model, about: Mapping[str, str], walk: Walk) -> Model:
    """The model with what the walk does not reach: loss, target's scaling, recipe."""
    target = None
    if "target_scaling.center" in walk.constants:
        target = Scaling(*(walk.constants[f"target_scaling.{what}"] for what in ("center", "divide")))
    network = replace(model.network, loss=about["loss"])
    return replace(model, network=network, target_scaling=target, recipe=about["recipe"])
