"""What the two estimators share: their arguments, and a fit from checked rows to weights."""

import copy
import warnings
from typing import Any, Self

from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import validate_data

from nnspark.net import weights as weights_module
from nnspark.sklearn.course import Outcome
from nnspark.sklearn.fitted import FLOATS, FittedMLP
from nnspark.sklearn.fitting import Before, Fitted, Task, fit_task, seed_of
from nnspark.sklearn.params import STOCHASTIC, check_params
from nnspark.sklearn.rows import weights_of
from nnspark.sources.table import numbered

__all__ = ["BaseMLP"]

Array = NDArray[Any]


class BaseMLP(FittedMLP):
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
        block_rows: int = 0,
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
        before = None if first else self._before()
        seed = before.seed if before and incremental else seed_of(self.random_state)
        names = tuple(getattr(self, "feature_names_in_", numbered(X.shape[1])))
        fitted = fit_task(
            type(self).__name__,
            params,
            task,
            X,
            weights_of(sample_weight, X),
            names,
            seed,
            before,
            incremental=incremental,
        )
        self._keep(fitted, task, first=first, incremental=incremental)
        self._warn(fitted.outcome, incremental=incremental)
        return self

    def _before(self) -> Before:
        """Where an earlier fit ended, or where whoever set the weights has begun."""
        scored = getattr(self, "validation_scores_", None) is not None
        return Before(
            weights_module.flatten(self._weights()),
            getattr(self, "_progress", None),
            getattr(self, "_rate", self.learning_rate_init),
            getattr(self, "_seed", 0),
            getattr(self, "t_", 0),
            self.solver in STOCHASTIC and self.early_stopping == scored,
        )

    def _keep(self, fitted: Fitted, task: Task, *, first: bool, incremental: bool) -> None:
        outcome, epochs = fitted.outcome, len(fitted.outcome.losses)
        weights = weights_module.unflatten(outcome.theta, fitted.network.layers)
        self.n_layers_, self.n_outputs_ = len(fitted.network.layers), fitted.network.layers[-1]
        self.out_activation_ = "logistic" if fitted.network.output == "sigmoid" else fitted.network.output
        self.coefs_ = [W[:, 1:].T.copy() for W in weights]
        self.intercepts_ = [W[:, 0].copy() for W in weights]
        self.n_iter_ = epochs
        self.t_ = (0 if first else getattr(self, "t_", 0)) + epochs * fitted.rows
        self.loss_curve_ = ([] if first else getattr(self, "loss_curve_", [])) + outcome.losses
        self.loss_ = outcome.losses[-1]
        scored = [] if first else getattr(self, "validation_scores_", None) or []
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
            "evaluations": f"Maximum evaluations ({self.max_fun}) reached before the optimization converged.",
            "diverged": f"training diverged after {self.n_iter_} epochs: the best weights before are kept",
            "interrupted": "Training interrupted by user.",
        }.get(outcome.ended, "")
        if text:
            kind = UserWarning if outcome.ended == "interrupted" else ConvergenceWarning
            warnings.warn(text, kind, stacklevel=4)

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
