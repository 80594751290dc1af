"""The same arithmetic as scikit-learn's perceptrons, step by step through public attributes (K1, K2, K8)."""

import warnings

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning

from nnspark import sklearn as ours

RNG = np.random.default_rng(3)
X, CLASSES = RNG.normal(size=(60, 5)), RNG.integers(0, 3, 60)
LABELS = {
    "two classes": CLASSES % 2,
    "three classes": CLASSES,
    "labels": np.column_stack([CLASSES == 0, CLASSES != 1, X[:, 0] > 0]).astype(int),
    "numbers": X @ [1.0, -2.0, 0.5, 0.0, 3.0],
}
STEPS = {
    "sgd": {"solver": "sgd", "momentum": 0.0},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd"},
    "adam": {"solver": "adam"},
}


def pair(kind, **params):
    """scikit-learn's estimator and ours, after one step from the same weights, which ours are given."""
    name, y = "MLPRegressor" if kind == "numbers" else "MLPClassifier", LABELS[kind]
    theirs = getattr(neural_network, name)(**params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs.set_params(max_iter=1, warm_start=True).fit(X, y)
        mine = getattr(ours, name)(**params).set_params(max_iter=1, warm_start=True).fit(X, y)
        mine.coefs_, mine.intercepts_ = (
            [W.copy() for W in theirs.coefs_],
            [b.copy() for b in theirs.intercepts_],
        )
        theirs.fit(X, y)
        mine.fit(X, y)
    return theirs, mine, y


def weights(estimator):
    """All weights and biases in one vector."""
    return np.concatenate([array.ravel() for array in estimator.coefs_ + estimator.intercepts_])


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("name", STEPS)
def test_k8_twenty_full_batch_steps_are_scikit_learns(name, kind):
    """Within 1e-10, the losses too (scikit-learn's is the mean over outputs where there are several)."""
    params = {"hidden_layer_sizes": (7, 4), "activation": "tanh", "alpha": 0.3, "learning_rate_init": 0.05}
    theirs, mine, y = pair(kind, **params, **STEPS[name], batch_size=len(X), shuffle=False, random_state=0)
    begun = weights(mine)
    for _ in range(19):
        theirs.partial_fit(X, y)
        mine.partial_fit(X, y)
        np.testing.assert_allclose(weights(mine), weights(theirs), rtol=0, atol=1e-10)
        np.testing.assert_allclose(mine.loss_, theirs.loss_, rtol=0, atol=1e-10)
    assert np.abs(weights(mine) - begun).max() > 0.05


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("kind", ["two classes", "three classes"])
def test_k2_a_step_goes_down_the_numeric_gradient_of_the_loss(kind, activation):
    """Central differences of ``loss_`` with a step of 1e-5, 7 decimals; both read from public attributes."""
    rows, y = X[:5, :], LABELS[kind].copy()[:5]
    y[: y.max() + 1] = np.arange(y.max() + 1)
    net = ours.MLPClassifier(
        10, activation, solver="sgd", momentum=0.0, learning_rate_init=1.0, alpha=1e-5, random_state=1
    )
    net.partial_fit(rows, y, classes=np.unique(y))
    start = [array.copy() for array in net.coefs_ + net.intercepts_]

    def stepped(changed):
        arrays = [array.copy() for array in changed]
        net.coefs_, net.intercepts_ = arrays[:2], arrays[2:]
        return net.partial_fit(rows, y)

    after = stepped(start)
    slopes = [old - new for old, new in zip(start, after.coefs_ + after.intercepts_, strict=True)]
    for which, place in [(0, (0, 3)), (0, (4, 9)), (1, (2, 0)), (1, (9, -1)), (2, (5,)), (3, (0,))]:
        losses = []
        for nudge in (1e-5, -1e-5):
            moved = [array.copy() for array in start]
            moved[which][place] += nudge
            losses.append(stepped(moved).loss_)
        assert slopes[which][place] == pytest.approx((losses[0] - losses[1]) / 2e-5, abs=1e-7)


def test_k1_one_step_by_hand():
    """The worked example of scikit-learn's ``test_fit``: logistic, l2 0.1, rate 0.1, no momentum."""
    net = ours.MLPClassifier(
        2, "logistic", solver="sgd", learning_rate_init=0.1, alpha=0.1, momentum=0.0, random_state=1
    )
    X = np.array([[0.6, 0.8, 0.7]])
    net.partial_fit(X, [0], classes=[0, 1])
    net.coefs_ = [np.array([[0.1, 0.2], [0.3, 0.1], [0.5, 0]]), np.array([[0.1], [0.2]])]
    net.intercepts_ = [np.array([0.1, 0.1]), np.array([1.0])]
    assert net.predict_proba(X)[0, 1] == pytest.approx(0.76545202, abs=1e-7)
    net.partial_fit(X, [0])
    assert net.loss_ == pytest.approx(1.45009511 + 0.0225, abs=1e-7)
    W1 = [
        [0.097999271019, 0.195754546693],
        [0.295665694692, 0.096006062257],
        [0.493832482855, -0.002619695525],
    ]
    np.testing.assert_allclose(net.coefs_[0], W1, atol=1e-9)
    np.testing.assert_allclose(net.coefs_[1][:, 0], [0.047012129148, 0.154029181404], atol=1e-9)
    np.testing.assert_allclose(net.intercepts_[0], [0.098332118365, 0.096257577821], atol=1e-9)
    np.testing.assert_allclose(net.intercepts_[1], [0.923454797809], atol=1e-9)
    assert net.predict_proba(X)[0, 1] == pytest.approx(0.739491918049, abs=1e-9)


def test_invscaling_is_scikit_learns():
    """Its rate falls with the rows seen, an epoch at a time; ``fit`` and ``partial_fit`` agree on it."""
    params = {"hidden_layer_sizes": 4, "activation": "tanh", "solver": "sgd", "momentum": 0.0}
    params |= {"learning_rate": "invscaling", "power_t": 0.3, "learning_rate_init": 0.5, "batch_size": 60}
    y = LABELS["two classes"]
    theirs = neural_network.MLPClassifier(**params, random_state=0).partial_fit(X, y, classes=[0, 1])
    mine = ours.MLPClassifier(**params, random_state=0).partial_fit(X, y, classes=[0, 1])
    first = ours.MLPClassifier(**params, random_state=0).partial_fit(X, y, classes=[0, 1])
    mine.coefs_, mine.intercepts_ = theirs.coefs_.copy(), theirs.intercepts_.copy()
    for _ in range(9):
        first.partial_fit(X, y)
        np.testing.assert_allclose(
            weights(mine.partial_fit(X, y)), weights(theirs.partial_fit(X, y)), rtol=0, atol=1e-12
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        whole = ours.MLPClassifier(**params, random_state=0, max_iter=10, tol=0.0).fit(X, y)
    np.testing.assert_allclose(weights(first), weights(whole), rtol=0, atol=1e-13)
