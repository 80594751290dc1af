"""``MLPClassifier``: scikit-learn's names, nnspark's training."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d

from nnspark.objective.problems import predicted_classes
from nnspark.sklearn.base import BaseMLP
from nnspark.sklearn.fitting import Task
from nnspark.sklearn.rows import dense

__all__ = ["MLPClassifier"]

Array = NDArray[Any]


class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]
    """A multilayer perceptron that minimises the log loss.

    The arguments, attributes and methods are those of ``sklearn.neural_network.MLPClassifier``; what differs
    is told in ``nnspark.sklearn``. Labels are numbers or strings (n,), or 0 and 1 in several columns
    (n, labels) for labels that do not exclude each other.

    Attributes
    ----------
    classes_ : labels in the order of the outputs
    coefs_, intercepts_ : weights (fan_in, units) and biases (units,) of each layer
    weights_sha256_ : as in a job's ``metrics.json``
    recipe_ : the recipe that was trained; model_ : the network as nnspark's ``Model``
    n_iter_, loss_, loss_curve_, best_loss_, validation_scores_, best_validation_score_, t_, n_layers_,
    n_outputs_, out_activation_, n_features_in_, feature_names_in_ : as in scikit-learn
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows X (n, features), labels y and, maybe, weights (n,), in whatever order they come."""
        return self._fit(X, y, sample_weight, incremental=False)

    @available_if(BaseMLP._check_solver)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch more; the first time ``classes`` says which labels there will be."""
        known = getattr(self, "classes_", None)
        if classes is not None:
            if known is not None and not np.array_equal(known, unique_labels(classes)):
                raise ValueError(f"classes {classes!r} is not the same as on last call, which was {known!r}")
            if known is None:
                self.classes_ = unique_labels(classes)
        elif known is None:
            raise ValueError("classes must be passed on the first call to partial_fit")
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """Labels (n,), or zeros and ones (n, labels)."""
        outputs = self._outputs(X)
        if self._multilabel():
            return np.asarray(outputs >= 0.5, dtype=np.int64)
        return np.asarray(self.classes_[np.minimum(predicted_classes(outputs), len(self.classes_) - 1)])

    def predict_proba(self, X: Any) -> Array:
        """Probabilities (n, classes) in the order of ``classes_``."""
        outputs = self._outputs(X)
        return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs

    def predict_log_proba(self, X: Any) -> Array:
        """Logarithms of ``predict_proba``."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def _multilabel(self) -> bool:
        return bool(self.n_outputs_ > 1 and self.out_activation_ == "logistic")

    def _task(self, y: Any, *, incremental: bool) -> Task:
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind == "multiclass-multioutput":
            raise ValueError(
                f"y must have one label a row, or zeros and ones in several columns, but is {kind}"
            )
        several = kind == "multilabel-indicator"
        y = dense(y) if several else column_or_1d(y, warn=True)
        self._settle_classes(y, incremental=incremental)
        if several:
            return Task("multilabel", y.astype(np.float64), self.classes_)
        return Task("classification", np.searchsorted(self.classes_, y).astype(np.int64), self.classes_)

    def _settle_classes(self, y: Array, *, incremental: bool) -> None:
        """Labels of a new fit are its classes; those of a later one have to be among them."""
        found = unique_labels(y)
        warm = self.warm_start and hasattr(self, "coefs_")
        if not hasattr(self, "classes_") or not (warm or incremental):
            self.classes_ = found
        elif not incremental and set(found.tolist()) != set(self.classes_.tolist()):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes_}, `y` has {found}"
            )
        elif not set(found.tolist()) <= set(self.classes_.tolist()):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. "
                f"'y' has {found}."
            )

    def _meaning(self) -> tuple[str, Array | None]:
        if self._multilabel():
            return "multilabel", None
        return "classification", self.classes_ if len(self.classes_) > 1 else np.repeat(self.classes_, 2)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
