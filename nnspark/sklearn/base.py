"""What the two estimators share: their arguments, rows in, the engine's training, weights out.

The fitted weights are ``coefs_`` and ``intercepts_``, nothing else: whoever sets them has set what predicts
and what training goes on from.
"""

import copy
import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from nnspark.data.plan import Scaling
from nnspark.model import Model
from nnspark.net import weights as weights_module
from nnspark.net.network import Network
from nnspark.recipe import dumps
from nnspark.sklearn.convert import from_sklearn, to_sklearn
from nnspark.sklearn.course import Outcome
from nnspark.sklearn.fitting import Before, Fitted, Task, fit_task, seed_of
from nnspark.sklearn.params import ACTIVATIONS, STOCHASTIC, check_params
from nnspark.sklearn.rows import dense_pieces, outputs_of, weights_of
from nnspark.sources.table import numbered

__all__ = ["BaseMLP"]

Array = NDArray[Any]
FLOATS = (np.float64, np.float32)


class BaseMLP(BaseEstimator):  # type: ignore[misc]
    """The arguments of both estimators, with scikit-learn's defaults, and ours after them."""

    _y_numeric = False
    t_: int
    loss_curve_: list[float]
    validation_scores_: list[float] | None

    def __init__(
        self,
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
        block_rows: int = 1024,
        engine: str = "auto",
        spark: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.block_rows = block_rows
        self.engine = engine
        self.spark = spark

    def _task(self, y: Array, *, incremental: bool) -> Task:
        """What is to be learned from these labels; sets ``classes_`` where they are new."""
        raise NotImplementedError

    def _check_solver(self) -> bool:
        if self.solver not in STOCHASTIC:
            raise AttributeError(
                f"partial_fit takes one of the solvers {', '.join(STOCHASTIC)}: "
                f"{self.solver} needs all rows at once"
            )
        return True

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool) -> Self:
        params = self.get_params(deep=False)
        check_params(type(self).__name__, params)
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True: it has no rows to set aside")
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            dtype=FLOATS,
            y_numeric=self._y_numeric,
            reset=first,
        )
        task = self._task(y, incremental=incremental)
        before = None if first else self._before(incremental=incremental)
        seed = before.seed if before and incremental else seed_of(self.random_state)
        names = tuple(getattr(self, "feature_names_in_", numbered(X.shape[1])))
        fitted = fit_task(
            type(self).__name__, params, task, X, weights_of(sample_weight, X), names, seed, before
        )
        self._keep(fitted, task, first=first, incremental=incremental)
        self._warn(fitted.outcome, incremental=incremental)
        return self

    def _before(self, *, incremental: bool) -> Before:
        """Where an earlier fit ended: with its optimizer's state if training simply goes on."""
        return Before(
            weights_module.flatten(self._weights()),
            getattr(self, "_progress", None),
            getattr(self, "_rate", self.learning_rate_init),
            getattr(self, "_seed", 0),
            getattr(self, "t_", 0),
            self.solver in STOCHASTIC and self.early_stopping == (self.validation_scores_ is not None),
            incremental,
        )

    def _keep(self, fitted: Fitted, task: Task, *, first: bool, incremental: bool) -> None:
        outcome, epochs = fitted.outcome, len(fitted.outcome.losses)
        weights = weights_module.unflatten(outcome.theta, fitted.network.layers)
        self.n_layers_, self.n_outputs_ = len(fitted.network.layers), fitted.network.layers[-1]
        self.out_activation_ = "logistic" if fitted.network.output == "sigmoid" else fitted.network.output
        self.coefs_ = [W[:, 1:].T.copy() for W in weights]
        self.intercepts_ = [W[:, 0].copy() for W in weights]
        self.n_iter_ = epochs
        self.t_ = (0 if first else self.t_) + epochs * fitted.rows
        self.loss_curve_ = ([] if first else self.loss_curve_) + outcome.losses
        self.loss_ = outcome.losses[-1]
        scored = [] if first else self.validation_scores_ or []
        self.validation_scores_ = None if outcome.scores is None else scored + outcome.scores
        self.best_validation_score_ = outcome.best_score
        self.best_loss_ = None if outcome.scores is not None else min(self.loss_curve_)
        self.recipe_ = task.in_own_labels(fitted.recipe)
        self._progress, self._rate, self._seed = outcome.progress, outcome.rate, fitted.recipe.training.seed

    def _warn(self, outcome: Outcome, *, incremental: bool) -> None:
        text = {
            "epochs": ""
            if incremental
            else f"Maximum iterations ({self.max_iter}) reached and the optimization hasn't converged yet.",
            "diverged": f"training diverged after {self.n_iter_} epochs: the best weights before are kept",
            "interrupted": "Training interrupted by user.",
        }.get(outcome.ended, "")
        if text:
            kind = UserWarning if outcome.ended == "interrupted" else ConvergenceWarning
            warnings.warn(text, kind, stacklevel=4)

    def _weights(self) -> list[Array]:
        """One W a layer, biases in column 0: the engine's layout of ``intercepts_`` and ``coefs_``."""
        check_is_fitted(self)
        return [
            np.column_stack([b, np.asarray(coef).T])
            for coef, b in zip(self.coefs_, self.intercepts_, strict=True)
        ]

    def _network(self, weights: list[Array]) -> Network:
        layers = (weights[0].shape[1] - 1, *(len(W) for W in weights))
        output = {"logistic": "sigmoid"}.get(self.out_activation_, self.out_activation_)
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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __getstate__(self) -> Any:
        """A pickle leaves the session behind: it trains without Spark where it wakes up, to the same bits."""
        return super().__getstate__() | {"spark": None}

    def __sklearn_clone__(self) -> Self:
        """A clone trains in the same session."""
        twin: Self = BaseEstimator.__sklearn_clone__(copy.copy(self))
        twin.spark = self.spark
        return twin
