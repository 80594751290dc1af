"""``MLPRegressor``: scikit-learn's names, nnspark's training."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from nnspark.sklearn.base import BaseMLP
from nnspark.sklearn.fitting import Task
from nnspark.sklearn.rows import dense

__all__ = ["MLPRegressor"]

Array = NDArray[Any]


class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]
    """A multilayer perceptron that minimises half the squared error, summed over the outputs.

    The arguments, attributes and methods are those of ``sklearn.neural_network.MLPRegressor``; what differs
    is told in ``nnspark.sklearn``. ``loss`` is "squared_error". Targets are (n,) or (n, outputs).

    Attributes
    ----------
    coefs_, intercepts_ : weights (fan_in, units) and biases (units,) of each layer
    weights_sha256_ : as in a job's ``metrics.json``
    recipe_ : the recipe that was trained; model_ : the network as nnspark's ``Model``
    n_iter_, loss_, loss_curve_, best_loss_, validation_scores_, best_validation_score_, t_, n_layers_,
    n_outputs_, out_activation_, n_features_in_, feature_names_in_ : as in scikit-learn
    """

    _y_numeric = True

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        block_rows: int = 0,
        engine: str = "auto",
        spark: Any = None,
    ) -> None:
        self.loss = loss
        super().__init__(
            hidden_layer_sizes,
            activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
            block_rows=block_rows,
            engine=engine,
            spark=spark,
        )

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows X (n, features), targets y and, maybe, weights (n,), in whatever order they come."""
        return self._fit(X, y, sample_weight, incremental=False)

    @available_if(BaseMLP._check_solver)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch more."""
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """Values (n,), or (n, outputs)."""
        outputs = self._outputs(X)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def _task(self, y: Any, *, incremental: bool) -> Task:
        y = dense(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return Task("regression", np.asarray(y, dtype=np.float64))

    def _meaning(self) -> tuple[str, Array | None]:
        return "regression", None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
