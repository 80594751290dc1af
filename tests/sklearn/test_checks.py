"""scikit-learn's own checks of an estimator: all pass, none is expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from nnspark.sklearn import MLPClassifier, MLPRegressor


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks([MLPClassifier(), MLPRegressor()])
def test_scikit_learns_checks_pass(estimator, check):
    """What scikit-learn asks of every estimator."""
    check(estimator)
