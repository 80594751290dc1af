"""A fitted estimator: its weights as the engine's network, which answers, and as other programs' models.

The fitted weights are ``coefs_`` and ``intercepts_``, nothing else: whoever sets them has set what predicts
and what training goes on from.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from nnspark.data.plan import Scaling
from nnspark.model import Model
from nnspark.net import weights as weights_module
from nnspark.net.network import Network
from nnspark.recipe import dumps
from nnspark.sklearn.convert import from_sklearn, to_sklearn
from nnspark.sklearn.params import ACTIVATIONS
from nnspark.sklearn.rows import dense_pieces, outputs_of
from nnspark.sources.table import numbered

__all__ = ["FLOATS", "FittedMLP"]

Array = NDArray[Any]
FLOATS = (np.float64, np.float32)


class FittedMLP(BaseEstimator):  # type: ignore[misc]
    """What both estimators can do once they are fitted."""

    def _weights(self) -> list[Array]:
        """One W a layer, biases in column 0: the engine's layout of ``intercepts_`` and ``coefs_``."""
        check_is_fitted(self)
        return [
            np.column_stack([b, np.asarray(coef).T])
            for coef, b in zip(self.coefs_, self.intercepts_, strict=True)
        ]

    def _network(self, weights: list[Array]) -> Network:
        layers = (weights[0].shape[1] - 1, *(len(W) for W in weights))
        output = "sigmoid" if self.out_activation_ == "logistic" else str(self.out_activation_)
        loss = "squared_error" if output == "identity" else "cross_entropy"
        return Network(layers, ACTIVATIONS[self.activation], output, loss)

    def _outputs(self, X: Any) -> Array:
        """Output activations of rows, shape (n, n_outputs_), in the weights' dtype."""
        weights = self._weights()
        X = validate_data(self, X, accept_sparse=["csr", "csc"], dtype=FLOATS, reset=False)
        return outputs_of(self._network(weights), weights, dense_pieces(X))

    @classmethod
    def from_sklearn(cls, fitted: Any) -> Self:
        """This estimator with the arguments and weights of scikit-learn's, fitted."""
        estimator: Self = from_sklearn(cls, fitted)
        return estimator

    def to_sklearn(self) -> Any:
        """scikit-learn's own estimator with these arguments and weights."""
        check_is_fitted(self)
        return to_sklearn(self)

    @property
    def weights_sha256_(self) -> str:
        """SHA-256 of the weights, as in a job's ``metrics.json``."""
        return weights_module.sha256(self._weights())

    @property
    def model_(self) -> Model:
        """The fitted network as nnspark's own model, which saves and predicts without scikit-learn."""
        weights = self._weights()
        names = tuple(map(str, getattr(self, "feature_names_in_", numbered(self.n_features_in_))))
        scaling = Scaling(np.zeros(len(names)), np.ones(len(names)))
        kind, classes = self._meaning()
        recipe = dumps(self.recipe_) if hasattr(self, "recipe_") else ""
        return Model(self._network(weights), weights, scaling, kind, names, classes, None, recipe)

    def _meaning(self) -> tuple[str, Array | None]:
        """The kind of target, and of a classification the class of each output."""
        raise NotImplementedError
