"""From scikit-learn's fitted perceptrons and to them: the same weights, and so the same predictions."""

import inspect
import warnings
from typing import Any

import numpy as np

from nnspark.errors import ModelError

__all__ = ["from_sklearn", "to_sklearn"]

FITTED = (
    "classes_",
    "n_features_in_",
    "feature_names_in_",
    "n_layers_",
    "n_outputs_",
    "out_activation_",
    "n_iter_",
    "t_",
    "loss_",
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
)
OUTPUTS = ("identity", "softmax", "logistic")


def from_sklearn(cls: Any, fitted: Any) -> Any:
    """Ours, of class ``cls``, with the arguments and weights of scikit-learn's.

    Raises
    ------
    ModelError : another estimator, one that is not fitted, or an output that nnspark does not have.
    """
    if type(fitted).__name__ != cls.__name__ or not hasattr(fitted, "coefs_"):
        raise ModelError(f"expected a fitted sklearn.neural_network.{cls.__name__}, got {fitted!r:.80}")
    if fitted.out_activation_ not in OUTPUTS:
        raise ModelError(
            f"expected an output activation of {', '.join(OUTPUTS)}, got {fitted.out_activation_!r}: "
            "nnspark has no such loss"
        )
    known = inspect.signature(cls).parameters
    params = fitted.get_params(deep=False)
    ours = cls(**{key: value for key, value in params.items() if key in known})
    _copy(fitted, ours)
    return ours


def to_sklearn(ours: Any) -> Any:
    """scikit-learn's, with the arguments and weights of ours.

    Raises
    ------
    ModelError : an activation that scikit-learn does not have.
    """
    from sklearn import neural_network

    cls = getattr(neural_network, type(ours).__name__)
    params = {key: value for key, value in ours.get_params(deep=False).items()
              if key in inspect.signature(cls).parameters}  # fmt: skip
    activation = {"sigmoid": "logistic"}.get(params["activation"], params["activation"])
    if activation not in ("identity", "logistic", "tanh", "relu"):
        raise ModelError(
            f"scikit-learn has no activation {activation!r}: expected identity, logistic, tanh or relu"
        )
    solver = params.pop("solver") if ours.solver in ("lbfgs", "sgd", "adam") else "adam"
    params |= {"activation": activation, "solver": "sgd", "early_stopping": False, "verbose": False}
    theirs = cls(**params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _one_step(theirs, ours)  # which sets up all that scikit-learn needs to predict
    vars(theirs).pop("_optimizer", None)
    theirs.set_params(solver=solver, early_stopping=ours.early_stopping, verbose=ours.verbose)
    _copy(ours, theirs)
    return theirs


def _one_step(theirs: Any, ours: Any) -> None:
    X = np.zeros((1, ours.n_features_in_), dtype=ours.coefs_[0].dtype)
    if not hasattr(ours, "classes_"):
        theirs.partial_fit(X, np.zeros((1, ours.n_outputs_)) if ours.n_outputs_ > 1 else [0.0])
    elif ours.n_outputs_ > 1 and ours.out_activation_ == "logistic":
        theirs.partial_fit(X, np.zeros((1, ours.n_outputs_), dtype=int), classes=ours.classes_)
    else:
        theirs.partial_fit(X, ours.classes_[:1], classes=ours.classes_)


def _best_loss(source: Any) -> float | None:
    """The least loss of a fit, which scikit-learn keeps of some solvers only; None where scores decided."""
    if getattr(source, "validation_scores_", None) is not None:
        return None
    losses = [*getattr(source, "loss_curve_", []), getattr(source, "loss_", np.inf)]
    return float(min(losses))


def _copy(source: Any, target: Any) -> None:
    target.coefs_ = [np.array(coef) for coef in source.coefs_]
    target.intercepts_ = [np.array(intercept) for intercept in source.intercepts_]
    target.loss_curve_, target.validation_scores_ = [], None
    target.best_loss_, target.best_validation_score_ = _best_loss(source), None
    for name in FITTED:
        if hasattr(source, name):
            value = getattr(source, name)
            setattr(target, name, list(value) if isinstance(value, list) else value)
