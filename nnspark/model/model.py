"""The trained artifact: weights with all that is needed to turn raw rows into answers, with NumPy alone.

One safetensors file holds it: the weights as ``W1``, ``W2``, ..., the scaling vectors, and JSON in the
metadata. It is of the format 2 where rows are encoded, or a target's logarithm is predicted, which readers of
format 1 would pass over.

(Above 200 lines, as what is written, read and applied must agree entry by entry.)
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.encoding import Encoding
from nnspark.data.plan import Plan, Scaling
from nnspark.errors import ModelError, NNSparkError, ShapeError
from nnspark.model.answers import shares_of, steady_outputs
from nnspark.model.tensors import read_safetensors, write_safetensors
from nnspark.net import weights as weights_module
from nnspark.net.network import Network
from nnspark.objective.problems import PROBLEMS, predicted_classes
from nnspark.recipe import Data, loads

__all__ = ["Model"]

Array = NDArray[Any]
FORMAT, RAW_FORMAT = "nnspark-model-1", "nnspark-model-2"


@dataclass(frozen=True)
class Model:
    """A trained network, the scaling of its inputs and the meaning of its outputs.

    ``classes`` (num_classes,) in the order of the outputs, None for other tasks; ``recipe`` TOML;
    ``encoding`` makes the features of raw columns, where those are not the same.
    """

    network: Network
    weights: Sequence[Array]
    scaling: Scaling
    task: str
    feature_names: tuple[str, ...]
    classes: Array | None = None
    target_scaling: Scaling | None = None
    recipe: str = ""
    encoding: Encoding | None = None

    @staticmethod
    def of(plan: Plan, network: Network, theta: Array, recipe: str) -> "Model":
        """The model that a plan's training gave."""
        return Model(
            network,
            weights_module.unflatten(theta.copy(), network.layers),
            plan.scaling,
            plan.task,
            plan.feature_names,
            plan.classes,
            plan.target_scaling,
            recipe,
            plan.encoding,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the raw columns: what rows are made of. The features, unless rows are encoded."""
        return self.feature_names if self.encoding is None else self.encoding.raw_names

    def outputs(self, features: Array) -> NDArray[np.float64]:
        """Output activations of raw values (n, columns), shape (n, units); see ``model/answers.py``.

        Raw values are float64 as ``model/rows.py`` makes them of rows.
        """
        features, width = np.asarray(features), len(self.columns)
        if features.ndim != 2 or features.shape[1] != width:
            raise ShapeError(f"the model takes {width} features but the rows have shape {features.shape}")
        return steady_outputs(self.network, self.weights, self.scaling, features, self.encoding)

    def raw_outputs(self, features: Array) -> NDArray[np.float64]:
        """What the output function is applied to: the last layer's z, shape (n, units)."""
        linear = replace(self.network, output="identity", loss="squared_error")
        return replace(self, network=linear).outputs(features)

    def predict_proba(self, features: Array) -> NDArray[np.float64]:
        """One column a class (n, num_classes), rows adding up to 1; of a multilabel model one a label."""
        if self.task == "regression":
            raise ModelError("a regression model has no probabilities; use predict")
        outputs = self.outputs(features)
        return outputs if self.task == "multilabel" else shares_of(outputs)

    def predict(self, features: Array) -> Array:
        """Labels (n,), label indicators (n, labels) or target values (n, outputs) in their own units."""
        outputs = self.outputs(features)
        if self.classes is not None:
            return np.asarray(self.classes[predicted_classes(outputs)])
        if self.task == "multilabel":
            return (outputs >= 0.5).astype(np.int64)
        return outputs if self.target_scaling is None else self.target_scaling.undo(outputs)

    @property
    def answer_names(self) -> list[str]:
        """Names of the columns of ``answers``: prediction, probability_<class>, ... or one a target."""
        if self.classes is not None:
            return ["prediction", *(f"probability_{label}" for label in self.classes.tolist())]
        names = self.target_names
        if self.task == "multilabel":
            return [f"{what}_{name}" for what in ("prediction", "probability") for name in names]
        return ["prediction"] if len(names) == 1 else [f"prediction_{name}" for name in names]

    def answers(self, features: Array) -> list[Array]:
        """All there is to say of raw rows, a column (n,) a name of ``answer_names``."""
        outputs = self.outputs(features)
        if self.classes is not None:
            return [self.classes[predicted_classes(outputs)], *shares_of(outputs).T]
        if self.task == "multilabel":
            return [*(outputs >= 0.5).astype(np.int64).T, *outputs.T]
        return list((outputs if self.target_scaling is None else self.target_scaling.undo(outputs)).T)

    @property
    def data(self) -> Data:
        """The data section of the model's recipe; the defaults if it has none that can be read."""
        try:
            return loads(self.recipe).data
        except NNSparkError:
            return Data(source="")

    @property
    def target_names(self) -> list[str]:
        """What the outputs are called: the label columns' names in the model's recipe, or numbers."""
        outputs, label = self.network.layers[-1], self.data.label
        names = [str(name) for name in label] if isinstance(label, list) else []
        return names if len(names) == outputs else [str(at) for at in range(outputs)]

    def coefficients(self) -> dict[str, list[float]] | None:
        """Of a linear model, each output's intercept and coefficients in the data's own units.

        Keys are "intercept" and the feature names; None for a network with hidden layers or another task.
        """
        log = self.target_scaling is not None and self.target_scaling.log
        if log or self.task != "regression" or len(self.weights) != 1 or self.network.output != "identity":
            return None
        W = self.weights[0].astype(np.float64)
        slopes = W[:, 1:] / self.scaling.divide
        intercepts = W[:, 0] - slopes @ self.scaling.center
        if self.target_scaling is not None:
            slopes *= self.target_scaling.divide[:, None]
            intercepts = self.target_scaling.undo(intercepts)
        columns = dict(zip(self.feature_names, slopes.T.tolist(), strict=True))
        return {"intercept": intercepts.tolist(), **columns}

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
        about |= {} if self.encoding is None else {"encoding": self.encoding.to_dict()}
        log = self.target_scaling is not None and self.target_scaling.log
        about |= {"target_log": True} if log else {}
        metadata = {
            "format": RAW_FORMAT if log or self.encoding is not None else FORMAT,
            "model": json.dumps(about),
            "recipe": self.recipe,
        }
        return write_safetensors(tensors, metadata)

    @staticmethod
    def from_bytes(content: bytes, name: str = "model") -> "Model":
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
            model = Model(
                network,
                weights,
                Scaling(tensors["scaling.center"], tensors["scaling.divide"]),
                str(about["task"]),
                tuple(str(feature) for feature in about["feature_names"]),
                classes,
                target,
                metadata.get("recipe", ""),
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
        if self.target_scaling is not None and (
            self.target_scaling.center.shape != (units,) or self.target_scaling.divide.shape != (units,)
        ):
            raise ValueError("the target scaling does not fit the outputs")
