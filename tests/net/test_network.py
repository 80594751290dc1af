"""Forward and backward: gradients against central differences, scikit-learn's step, shapes refused."""

import math

import numpy as np
import pytest
from helpers import cost_of, numeric_gradient, one_line_error, shards_of
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from nnspark.errors import RecipeError, ShapeError
from nnspark.net.activations import ACTIVATIONS
from nnspark.net.losses import HEADS
from nnspark.net.network import Network, Workspace, backward, forward, predict
from nnspark.net.weights import flatten, init_weights, unflatten
from nnspark.optimizers import make_optimizer
from nnspark.optimizers.schedules import make_schedule

ROWS, FEATURES, CLASSES = 6, 4, 3
PAIRS = sorted(HEADS)


def away_from_kinks(network, X):
    """The first seeded weights with no hidden pre-activation near 0, where ReLU has no derivative."""
    for seed in range(10_000):
        weights = init_weights(network.layers, {"name": "normal", "scale": 0.6}, seed=seed)
        a, nearest = X, math.inf
        for W in weights[:-1]:
            z = a @ W[:, 1:].T + W[:, 0]
            nearest = min(nearest, np.abs(z).min())
            a = ACTIVATIONS[network.activation].apply(z.copy())
        if nearest > 5e-3:
            return flatten(weights)
    raise AssertionError("no weights without a kink")


def check_gradient(network, *, weighted=False, smoothing=0.0, l2=0.0):
    """The cost function's gradient is that of central differences, rtol 1e-6."""
    rng = np.random.default_rng(11)
    X, y = rng.normal(size=(ROWS, FEATURES)), np.arange(ROWS) % CLASSES
    weight = rng.uniform(0.2, 3.0, ROWS) if weighted else None
    if network.output == "identity":
        shards = shards_of(
            X, rng.normal(size=(ROWS, CLASSES)), weight=weight, task="regression", block_rows=4
        )
    else:
        shards = shards_of(X, y, weight=weight, block_rows=4)
    cost_fn = cost_of(network, shards, l2=l2, smoothing=smoothing)
    theta = away_from_kinks(network, X)
    np.testing.assert_allclose(
        cost_fn(theta)[1], numeric_gradient(cost_fn, theta), rtol=1e-6, atol=1e-10, err_msg=str(network)
    )


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_stripes_do_not_change_a_bit(activation, monkeypatch):
    """Layers that are cut into many stripes, the last one short, and into one."""
    rng = np.random.default_rng(3)
    network = Network((FEATURES, 9, 5, CLASSES), activation)
    X, y, theta = (
        rng.normal(size=(50, FEATURES)),
        np.arange(50) % CLASSES,
        away_from_kinks(network, np.eye(4)),
    )
    whole = cost_of(network, shards_of(X, y))(theta)
    monkeypatch.setattr("nnspark.net.runs.STRIPE", 37)
    striped = cost_of(network, shards_of(X, y))(theta)
    assert striped[0] == whole[0]
    assert striped[1].tobytes() == whole[1].tobytes()


def is_held(activation, depth):
    """Whether other depths hold a case: without hidden layers the activation is of none, two are as three."""
    return depth == 2 or (depth == 0 and activation != "tanh")


GRADIENTS = [
    pytest.param(activation, pair, depth, marks=[pytest.mark.slow] if is_held(activation, depth) else [])
    for activation in sorted(ACTIVATIONS)
    for pair in PAIRS
    for depth in range(4)
]


@pytest.mark.parametrize(("activation", "pair", "depth"), GRADIENTS)
def test_gradient_equals_central_differences(activation, pair, depth):
    """Every activation, every output with every loss it goes with, no to three hidden layers."""
    check_gradient(Network((FEATURES, *[3] * depth, CLASSES), activation, *pair))


@pytest.mark.parametrize(
    "options",
    [{"weighted": True}, {"smoothing": 0.2}, {"l2": 1.7}, {"weighted": True, "smoothing": 0.2, "l2": 1.7}],
    ids=str,
)
@pytest.mark.parametrize("pair", PAIRS)
def test_gradient_of_weighted_smoothed_and_penalised_costs(pair, options):
    """One hidden layer; sample weights, label smoothing, l2, and all of them."""
    check_gradient(Network((FEATURES, 3, CLASSES), "tanh", *pair), **options)


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_gradient_of_a_single_output_unit(loss):
    """Two classes on one sigmoid unit."""
    X = np.random.default_rng(1).normal(size=(5, 2))
    cost_fn = cost_of(Network((2, 3, 1), "sigmoid", "sigmoid", loss), shards_of(X, [0, 1, 1, 0, 1]), l2=0.3)
    theta = flatten(init_weights((2, 3, 1), {"name": "normal"}, seed=1))
    np.testing.assert_allclose(cost_fn(theta)[1], numeric_gradient(cost_fn, theta), rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize(
    "pair",
    [(out, loss) for out in ("softmax", "sigmoid") for loss in ("cross_entropy", "squared_error")],
)
def test_m2_gradient_of_mllibs_own_check(pair):
    """x = (1, 1, 1), target (0, 1), 3-4-2: every weight within 1e-7."""
    cost_fn = cost_of(Network((3, 4, 2), "sigmoid", *pair), shards_of(np.ones((1, 3)), [1]))
    theta = flatten(init_weights((3, 4, 2), {"name": "normal"}, seed=2))
    assert np.abs(cost_fn(theta)[1] - numeric_gradient(cost_fn, theta)).max() < 1e-7


@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("labels", [2, 3])
def test_k2_gradient_of_scikit_learns_own_check(labels, activation):
    """5×10 random rows, 10 hidden units: seven decimals."""
    X = np.random.default_rng(42).normal(size=(5, 10))
    units = 1 if labels == 2 else labels
    network = Network((10, 10, units), activation, "sigmoid" if labels == 2 else "softmax", "cross_entropy")
    cost_fn = cost_of(network, shards_of(X, np.arange(5) % labels), l2=1e-5)
    theta = away_from_kinks(network, X)
    np.testing.assert_almost_equal(cost_fn(theta)[1], numeric_gradient(cost_fn, theta), 7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_huge_weights_give_a_finite_cost_without_warnings(activation, pair, dtype):
    """Pre-activations of ±1e4, forward and backward (warnings are errors here)."""
    network = Network((1, 2, 2), activation, *pair)
    X, Y = np.array([[1.0], [-1.0]], dtype), np.array([[1, 0], [0, 1]], dtype)
    weights = [np.array([[0, 1e4], [0, -1e4]], dtype), np.array([[1e4, 0, 0], [-1e4, 0, 0]], dtype)]
    work = Workspace(network, 2, dtype)
    hidden, z, outputs = forward(network, weights, [X], work)
    losses = HEADS[pair].loss(z, outputs, Y)
    gradient = backward(network, weights, [X], hidden, outputs, Y, None, work)[0]
    assert np.isfinite(losses).all()
    assert np.isfinite(gradient).all()
    assert gradient.dtype == dtype


@pytest.mark.parametrize("layers", [(), (1,), (0, 1), (1, 0)])
def test_m3_layers_that_are_no_network_are_refused(layers):
    """One line that names the layers."""
    with one_line_error(list(layers), kind=RecipeError):
        Network(layers)


def test_m3_the_smallest_network_is_accepted():
    """One input, one output."""
    assert Network((1, 1)).layers == (1, 1)


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "swish"},
        {"output": "relu"},
        {"loss": "hinge"},
        {"output": "identity", "loss": "cross_entropy"},
    ],
    ids=str,
)
def test_unknown_parts_of_a_network_are_refused(options):
    """The message names the bad value and what there is."""
    with one_line_error(next(reversed(options.values())), "use one of", kind=RecipeError):
        Network((2, 2), **options)


XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
MLLIB_WEIGHTS = [np.array([[4.0, 0.0, 2.0], [5.0, 1.0, 3.0]]), np.array([[10.0, 6.0, 8.0], [11.0, 7.0, 9.0]])]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [(MLLIB_WEIGHTS, 1.5423737562693773), ([np.zeros((2, 3))] * 2, math.log(2))],
    ids=["0..11", "zeros"],
)
def test_m8_initial_loss_is_mllibs(weights, expected):
    """2-2-2 softmax on XOR; MLlib's vector 0..11 is, layer by layer, W column by column, then b."""
    cost_fn = cost_of(Network((2, 2, 2), "sigmoid", "softmax"), shards_of(XOR, [0, 1, 1, 0]))
    assert cost_fn(flatten(weights))[0] == pytest.approx(expected, rel=1e-15)


def trained(network, shards, iterations, seed, **init):
    """Theta after L-BFGS iterations from normal weights."""
    optimizer = make_optimizer("lbfgs", schedule=make_schedule(1.0, "constant", iterations))
    theta = flatten(init_weights(network.layers, init or {"name": "normal"}, seed=seed))
    cost_fn, state = cost_of(network, shards), optimizer.init(theta)
    for _ in range(iterations):
        theta, state = optimizer.update(cost_fn, theta, state)
    return theta


@pytest.mark.parametrize("seed", [11, 12, 14])
def test_m1_xor_by_squared_error_and_lbfgs(seed):
    """2-5-1 sigmoid, 20 iterations: every rounded output is the label."""
    network = Network((2, 5, 1), "sigmoid", "sigmoid", "squared_error")
    weights = unflatten(trained(network, shards_of(XOR, [0, 1, 1, 0]), 20, seed), network.layers)
    assert predict(network, weights, XOR).round().ravel().tolist() == [0, 1, 1, 0]


def test_m4_xor_classifier_gets_four_of_four():
    """2-5-2 softmax, blocks of one row, 100 iterations."""
    network = Network((2, 5, 2), "sigmoid", "softmax")
    weights = unflatten(
        trained(network, shards_of(XOR, [0, 1, 1, 0], block_rows=1), 100, 123), network.layers
    )
    assert predict(network, weights, XOR).argmax(axis=1).tolist() == [0, 1, 1, 0]


def test_m5_probabilities_are_calibrated():
    """4-5-2: two rows that contradict each other come out at one half."""
    X = np.array([[1.0, 2, 3, 4], [4, 3, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1]])
    network = Network((4, 5, 2), "sigmoid", "softmax")
    weights = unflatten(trained(network, shards_of(X, [0, 1, 0, 1]), 100, 123), network.layers)
    expected = [[1, 0], [0, 1], [0.5, 0.5], [0.5, 0.5]]
    np.testing.assert_allclose(predict(network, weights, X), expected, atol=1e-3)


@pytest.mark.parametrize(("hidden", "activation"), [((5,), "identity"), ((7,), "tanh"), ((6, 5), "logistic")])
@pytest.mark.parametrize("num_classes", [2, 4])
def test_one_gd_step_equals_scikit_learns(num_classes, hidden, activation):
    """MLPClassifier's first weights, one full-batch step of both: 1e-12."""
    X, y = load_digits(return_X_y=True)
    X, y = X[y < num_classes] / 16, y[y < num_classes]
    mlp = MLPClassifier(
        hidden,
        activation=activation,
        solver="sgd",
        momentum=0.0,
        learning_rate_init=0.3,
        alpha=2.5,
        batch_size=len(X),
        shuffle=False,
        max_iter=1,
        random_state=0,
    )
    mlp.partial_fit(X, y, classes=np.arange(num_classes))
    ours = [np.column_stack([b, W.T]) for W, b in zip(mlp.coefs_, mlp.intercepts_, strict=True)]
    mlp.partial_fit(X, y)
    theirs = [np.column_stack([b, W.T]) for W, b in zip(mlp.coefs_, mlp.intercepts_, strict=True)]

    units = 1 if num_classes == 2 else num_classes
    name = "sigmoid" if activation == "logistic" else activation
    network = Network((64, *hidden, units), name, "sigmoid" if units == 1 else "softmax")
    gd = make_optimizer("gd", schedule=make_schedule(0.3, "constant", 1))
    theta = flatten(ours)
    moved, _ = gd.update(cost_of(network, shards_of(X, y, block_rows=100), l2=2.5), theta, gd.init(theta))
    assert np.abs(moved - theta).max() > 1e-3
    np.testing.assert_allclose(moved, flatten(theirs), rtol=0, atol=1e-12)


def test_predict_does_not_depend_on_how_many_rows_come():
    """More rows than a block, one row, none."""
    network = Network((3, 4, 2), "tanh", "softmax")
    weights = init_weights(network.layers, {"name": "normal"}, seed=0)
    X = np.random.default_rng(0).normal(size=(2500, 3))
    whole = predict(network, weights, X)
    assert whole.shape == (2500, 2)
    np.testing.assert_allclose(predict(network, weights, X[:1]), whole[:1], rtol=1e-14)
    assert predict(network, weights, X[:0]).shape == (0, 2)


def test_predict_refuses_a_bias_column():
    """The message says that nnspark adds it."""
    network = Network((3, 2))
    with one_line_error("leave the bias column out", "(5, 4)", kind=ShapeError):
        predict(network, init_weights(network.layers, {"name": "he"}, seed=0), np.ones((5, 4)))


def test_a_small_block_after_a_large_one_reuses_the_scratch():
    """The same workspace gives the same gradient for the same rows whatever came before."""
    network = Network((3, 4, 2), "relu", "softmax")
    weights = init_weights(network.layers, {"name": "normal"}, seed=0)
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(9, 3)), np.eye(2)[np.arange(9) % 2]
    work = Workspace(network, 9, "float64")

    def gradient(rows, work):
        hidden, _, outputs = forward(network, weights, [X[rows]], work)
        return backward(network, weights, [X[rows]], hidden, outputs, Y[rows], None, work)[0].copy()

    gradient(slice(0, 9), work)
    again = gradient(slice(2, 4), work)
    assert again.tobytes() == gradient(slice(2, 4), Workspace(network, 2, "float64")).tobytes()
