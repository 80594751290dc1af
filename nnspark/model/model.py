"""The trained artifact: all that is needed to turn raw rows into answers, with NumPy alone."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.plan import Plan
from nnspark.errors import ModelError, NNSparkError, ShapeError
from nnspark.model.answers import shares_of, steady_outputs
from nnspark.model.raw_rows import raw_rows
from nnspark.model.rows import model_rows
from nnspark.model.stored import Stored
from nnspark.net import weights as weights_module
from nnspark.net.network import Network
from nnspark.objective.decision import PLAIN, Decision
from nnspark.recipe import Data, loads

__all__ = ["Model"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Model(Stored):
    """A trained network, the scaling of its inputs and the meaning of its outputs; see ``stored.py``."""

    @staticmethod
    def of(
        plan: Plan, network: Network, theta: Array, recipe: str, decision: Decision | None = None
    ) -> "Model":
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
            decision or PLAIN,
            plan.encoding,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the raw columns: what rows are made of. The features, unless rows are encoded."""
        return self.feature_names if self.encoding is None else self.encoding.raw_names

    def outputs(self, features: Array) -> NDArray[np.float64]:
        """Output activations of raw values (n, columns), shape (n, units); see ``model/answers.py``.

        Columns of a pandas or Arrow table go by name (``model/rows.py``, ``model/raw_rows.py``). Those of an
        array go by position; where rows are encoded it holds float64 as ``raw_rows`` makes them of rows.
        """
        if not hasattr(features, "columns"):
            features = np.asarray(features)
        elif self.encoding is None:
            features = model_rows(features, self.feature_names)
        else:
            features = raw_rows(features, self.encoding)
        width = len(self.columns)
        if features.ndim != 2 or features.shape[1] != width:
            raise ShapeError(f"the model takes {width} features but the rows have shape {features.shape}")
        return steady_outputs(self.network, self.weights, self.scaling, features, self.encoding)

    def raw_outputs(self, features: Array) -> NDArray[np.float64]:
        """What the output function is applied to: the last layer's z, shape (n, units)."""
        linear = replace(self.network, output="identity", loss="squared_error")
        return replace(self, network=linear).outputs(features)

    def predict_proba(self, features: Any) -> NDArray[np.float64]:
        """One column a class (n, num_classes), rows adding up to 1; of a multilabel model one a label."""
        if self.task == "regression":
            raise ModelError("a regression model has no probabilities; use predict")
        outputs = self._calibrated(features)
        return outputs if self.task == "multilabel" else shares_of(outputs)

    def _calibrated(self, features: Array) -> NDArray[np.float64]:
        """Outputs (n, units) as probabilities: the network's own, unless the model has a calibration."""
        if not self.decision.calibrates:
            return self.outputs(features)
        return self.decision.calibrated(self.task, self.network.output, self.raw_outputs(features))

    def predict(self, features: Any) -> Array:
        """Labels (n,), label indicators (n, labels) or target values (n, outputs) in their own units."""
        outputs = self._calibrated(features)
        if self.classes is not None:
            return np.asarray(self.classes[self.decision.classes(outputs)])
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
        outputs = self._calibrated(features)
        if self.classes is not None:
            return [self.classes[self.decision.classes(outputs)], *shares_of(outputs).T]
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
