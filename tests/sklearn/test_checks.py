"""scikit-learn's own checks of an estimator: all pass, none is expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from nnspark.sklearn import MLPClassifier, MLPRegressor


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
# Fewer iterations than scikit-learn gives its own perceptrons in these checks: L-BFGS needs no more.
@parametrize_with_checks([MLPClassifier(max_iter=25), MLPRegressor(max_iter=50)])
def test_scikit_learns_checks_pass(estimator, check):
    """What scikit-learn asks of every estimator."""
    check(estimator)
