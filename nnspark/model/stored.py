"""What a model is made of, and its file.

One safetensors file holds it: the weights as ``W1``, ``W2``, ..., the scaling vectors, and JSON in the
metadata. It is of the format 2 where rows are encoded, or a target's logarithm is predicted, which readers of
format 1 would pass over.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nnspark.data.affine import Scaling
from nnspark.data.encoding import Encoding
from nnspark.errors import ModelError, NNSparkError
from nnspark.model.tensors import read_safetensors, write_safetensors
from nnspark.net import weights as weights_module
from nnspark.net.network import Network
from nnspark.objective.decision import PLAIN, Decision
from nnspark.objective.problems import PROBLEMS

__all__ = ["Stored", "write_model"]

Array = NDArray[Any]
FORMAT, RAW_FORMAT = "nnspark-model-1", "nnspark-model-2"


@dataclass(frozen=True)
class Stored:
    """A trained network, the scaling of its inputs and the meaning of its outputs.

    ``classes`` (num_classes,) in the order of the outputs, None for other tasks; ``recipe`` TOML;
    ``decision`` its calibration and threshold; ``encoding`` makes the features of raw columns, where those
    are not the same.
    """

    network: Network
    weights: Sequence[Array]
    scaling: Scaling
    task: str
    feature_names: tuple[str, ...]
    classes: Array | None = None
    target_scaling: Scaling | None = None
    recipe: str = ""
    decision: Decision = PLAIN
    encoding: Encoding | None = None

    def to_bytes(self) -> bytes:
        """The model as a safetensors file."""
        tensors = {f"W{layer}": W for layer, W in enumerate(self.weights, 1)}
        tensors["scaling.center"], tensors["scaling.divide"] = self.scaling.center, self.scaling.divide
        if self.target_scaling is not None:
            tensors["target_scaling.center"] = self.target_scaling.center
            tensors["target_scaling.divide"] = self.target_scaling.divide
        about = {
            "layers": list(self.network.layers),
            "activation": self.network.activation,
            "output": self.network.output,
            "loss": self.network.loss,
            "task": self.task,
            "feature_names": list(self.feature_names),
            "classes": None if self.classes is None else self.classes.tolist(),
        }
        if self.decision != PLAIN:
            about["decision"] = asdict(self.decision)
        if self.encoding is not None:
            about["encoding"] = self.encoding.to_dict()
        log = self.target_scaling is not None and self.target_scaling.log
        about |= {"target_log": True} if log else {}
        metadata = {
            "format": RAW_FORMAT if log or self.encoding is not None else FORMAT,
            "model": json.dumps(about),
            "recipe": self.recipe,
        }
        return write_safetensors(tensors, metadata)

    @classmethod
    def from_bytes(cls, content: bytes, name: str = "model") -> Self:
        """Read a model; ModelError says what is wrong with a file that is not one."""
        tensors, metadata = read_safetensors(content, name)
        if metadata.get("format") not in (FORMAT, RAW_FORMAT):
            raise ModelError(
                f"{name} is not an nnspark model: its format is {metadata.get('format')!r}, not {FORMAT!r}"
            )
        try:
            about = json.loads(metadata["model"])
            network = Network(
                tuple(int(units) for units in about["layers"]),
                about["activation"],
                about["output"],
                about["loss"],
            )
            weights = [tensors[f"W{layer}"] for layer in range(1, len(network.layers))]
            classes = None if about["classes"] is None else np.array(about["classes"])
            target = None
            if "target_scaling.center" in tensors:
                vectors = (tensors[f"target_scaling.{what}"] for what in ("center", "divide"))
                target = Scaling(*vectors, log=bool(about.get("target_log", False)))
            model = cls(
                network,
                weights,
                Scaling(tensors["scaling.center"], tensors["scaling.divide"]),
                str(about["task"]),
                tuple(str(feature) for feature in about["feature_names"]),
                classes,
                target,
                metadata.get("recipe", ""),
                Decision(**about.get("decision", {})),
                Encoding.from_dict(about["encoding"]) if "encoding" in about else None,
            )
            model._check()
        except (RecursionError, KeyError, TypeError, ValueError, OverflowError, NNSparkError) as error:
            raise ModelError(
                f"{name} is damaged: {' '.join(str(error).split())}; train again or use a copy"
            ) from None
        return model

    def _check(self) -> None:
        if self.task not in PROBLEMS:
            raise ValueError(f"its task {self.task!r} is not one of {', '.join(PROBLEMS)}")
        columns = (self.network.layers[0],)
        for W, shape in zip(self.weights, weights_module.shapes(self.network.layers), strict=True):
            if W.shape != shape or W.dtype.kind != "f":
                raise ValueError(f"weights of shape {W.shape} where {shape} was expected")
        if self.scaling.center.shape != columns or self.scaling.divide.shape != columns:
            raise ValueError("the scaling does not fit the features")
        if len(self.feature_names) != columns[0]:
            raise ValueError("the feature names do not fit the features")
        if self.encoding is not None and self.encoding.names != self.feature_names:
            raise ValueError("the encoding does not fit the features")
        units = self.network.layers[-1]
        if self.classes is not None and (self.classes.ndim != 1 or max(units, 2) != len(self.classes)):
            raise ValueError("the classes do not fit the outputs")
        if self.decision.threshold is not None and (self.classes is None or len(self.classes) != 2):
            raise ValueError("it has a threshold, but not two classes")
        if self.target_scaling is not None and (
            self.target_scaling.center.shape != (units,) or self.target_scaling.divide.shape != (units,)
        ):
            raise ValueError("the target scaling does not fit the outputs")


def write_model(path: str | Path, content: bytes) -> None:
    """Write a model's file; ModelError where there can be none at that path."""
    if not isinstance(path, str | Path):
        raise ModelError(f"path: expected that of a file to write the model to, got {path!r}")
    try:
        Path(path).write_bytes(content)
    except (OSError, ValueError) as error:  # ValueError: of characters that no path can have
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(f"cannot write the model to {path}: {reason}; name a file in a directory") from None
