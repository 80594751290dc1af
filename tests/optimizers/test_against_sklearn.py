"""First-order rules step for step against scikit-learn's MLPClassifier (CONFORMANCE K8), and by hand.

The network is 8-6-3, ReLU hidden, softmax output, cross-entropy and l2 > 0, full batch; its cost is below.
"""

import warnings

import numpy as np
import pytest
from optimizers.problems import make

ROWS, HIDDEN, CLASSES, L2 = 90, 6, 3, 0.5
SKLEARN = {
    "gd": {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False},
    "momentum": {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd", "momentum": 0.9, "nesterovs_momentum": True},
    "adam": {"solver": "adam"},
}


@pytest.fixture(scope="module")
def blobs():
    """Three seeded blobs in eight dimensions."""
    rng = np.random.default_rng(5)
    y = np.arange(ROWS) % CLASSES
    return rng.normal(size=(CLASSES, 8))[y] + rng.normal(size=(ROWS, 8)), y


def unflatten(theta):
    """The two layers, bias in column 0."""
    return theta[: HIDDEN * 9].reshape(HIDDEN, 9), theta[HIDDEN * 9 :].reshape(CLASSES, HIDDEN + 1)


def flatten(coefs, intercepts):
    """Scikit-learn's (fan_in, units) weights and intercepts as theta."""
    return np.concatenate([np.column_stack([b, W.T]).ravel() for W, b in zip(coefs, intercepts, strict=True)])


def cost_of(X, y):
    """The cost function of the network on these rows."""
    X1, Y = np.column_stack([np.ones(len(X)), X]), np.eye(CLASSES)[y]

    def cost_fn(theta):
        W1, W2 = unflatten(theta)
        a = np.maximum(X1 @ W1.T, 0)
        a1 = np.column_stack([np.ones(len(X)), a])
        z = a1 @ W2.T
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        cost = -(Y * np.log(p)).sum() / ROWS + L2 / (2 * ROWS) * sum((W[:, 1:] ** 2).sum() for W in (W1, W2))
        delta2 = (p - Y) / ROWS
        delta1 = (delta2 @ W2[:, 1:]) * (a > 0)
        grads = [delta1.T @ X1, delta2.T @ a1]
        for grad, W in zip(grads, (W1, W2), strict=True):
            grad[:, 1:] += L2 / ROWS * W[:, 1:]
        return float(cost), np.concatenate([grad.ravel() for grad in grads])

    return cost_fn


@pytest.mark.parametrize("name", sorted(SKLEARN))
def test_twenty_steps_equal_scikit_learns(name, blobs):
    """Every one of 20 full-batch steps from the same weights, within 1e-10."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    X, y = blobs
    classifier = MLPClassifier(
        (HIDDEN,),
        alpha=L2,
        batch_size=ROWS,
        shuffle=False,
        learning_rate_init=0.05,
        max_iter=1,
        warm_start=True,
        **SKLEARN[name],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(X, y)
        theta = np.random.default_rng(1).uniform(-0.5, 0.5, HIDDEN * 9 + CLASSES * (HIDDEN + 1))
        classifier.coefs_ = [W[:, 1:].T.copy() for W in unflatten(theta)]
        classifier.intercepts_ = [W[:, 0].copy() for W in unflatten(theta)]
        classifier.fit(X, y)

    optimizer, cost_fn = make(name, learning_rate=0.05), cost_of(X, y)
    start, state = theta, optimizer.init(theta)
    for step in range(20):
        if step:
            classifier.partial_fit(X, y)
        theta, state = optimizer.update(cost_fn, theta, state)
        theirs = flatten(classifier.coefs_, classifier.intercepts_)
        np.testing.assert_allclose(theta, theirs, rtol=0, atol=1e-10)
    assert np.abs(theta - start).max() > 0.05


def test_rmsprop_by_hand():
    """Two steps on gradients 3 and 4: 0.9 of the mean square is kept.

    square = 0.1 * 9 = 0.9;               theta = 1 - 0.5 * 3 / sqrt(0.9)   = -0.5811388300841898
    square = 0.9 * 0.9 + 0.1 * 16 = 2.41; theta -= 0.5 * 4 / sqrt(2.41)     -> -1.8694337259
    """
    from nnspark.optimizers.rmsprop import rmsprop

    rule = rmsprop(eps=0.0)
    theta = np.array([1.0])
    theta, state = rule.step(theta, np.array([3.0]), rule.init(theta), 0.5)
    np.testing.assert_allclose(theta, -0.5811388300841898, rtol=1e-15)
    theta, state = rule.step(theta, np.array([4.0]), state, 0.5)
    np.testing.assert_allclose(state.square, 2.41, rtol=1e-15)
    np.testing.assert_allclose(theta, -0.5811388300841898 - 2 / np.sqrt(2.41), rtol=1e-15)


def test_adamw_is_adam_on_weights_that_shrink_apart_from_it():
    """Against the textbook form with bias-corrected means; a bias does not shrink."""
    rng = np.random.default_rng(2)
    mask = np.array([True, False, False])
    ours = make("adamw", learning_rate=0.1, weight_decay=0.3, eps=0.0, bias_mask=mask)
    grads = rng.normal(size=(6, 3))
    theta = expected = rng.normal(size=3)
    state = ours.init(theta)
    mean = square = np.zeros(3)
    for t, grad in enumerate(grads, start=1):
        theta, state = ours.update(lambda _, grad=grad: (0.0, grad), theta, state)
        mean, square = 0.9 * mean + 0.1 * grad, 0.999 * square + 0.001 * grad**2
        corrected = (mean / (1 - 0.9**t)) / np.sqrt(square / (1 - 0.999**t))
        expected = expected * (1 - 0.1 * 0.3 * ~mask) - 0.1 * corrected
        np.testing.assert_allclose(theta, expected, rtol=1e-12)


def test_adamw_without_decay_is_adam_bit_for_bit():
    """The decay is the only difference."""
    grad = np.linspace(-1, 1, 7)
    ours, plain = (
        make(name, **options) for name, options in [("adamw", {"weight_decay": 0.0}), ("adam", {})]
    )
    a = b = np.linspace(0, 3, 7)
    state_a, state_b = ours.init(a), plain.init(b)
    for _ in range(5):
        a, state_a = ours.update(lambda theta: (0.0, grad * theta), a, state_a)
        b, state_b = plain.update(lambda theta: (0.0, grad * theta), b, state_b)
    np.testing.assert_array_equal(a, b)
