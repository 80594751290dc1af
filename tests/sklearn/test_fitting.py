"""What the estimators learn and when they stop: scikit-learn's own cases (K3 to K7, K9 to K11)."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits, make_multilabel_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import MinMaxScaler, scale

from nnspark.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DIGITS, DIGIT_LABELS = load_digits(return_X_y=True)
REGRESSION = make_regression(n_samples=200, n_features=10, bias=20.0, noise=100.0, random_state=7)
ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]


def digits(classes, rows):
    """The first rows of the first classes, scaled to 0..1."""
    chosen = np.less(DIGIT_LABELS, classes)
    return MinMaxScaler().fit_transform(DIGITS[chosen])[:rows], DIGIT_LABELS[chosen][:rows]


def weights(estimator):
    """All weights and biases in one vector."""
    return np.concatenate([array.ravel() for array in estimator.coefs_ + estimator.intercepts_])


def test_k3_a_larger_alpha_gives_smaller_weights_in_every_layer():
    """Sums of absolute weights."""
    X, y = digits(2, 100)
    sums = [
        [np.abs(W).sum() for W in MLPClassifier(10, alpha=alpha, random_state=1).fit(X, y).coefs_]
        for alpha in (0.01, 10.0, 1000.0)
    ]
    assert all(one > two > three for one, two, three in zip(*sums, strict=True))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("classes", [2, 3])
def test_k4_lbfgs_learns_digits(classes, activation):
    """150 rows, 50 hidden units, 150 iterations: training accuracy above 0.95."""
    X, y = digits(classes, 150)
    net = MLPClassifier(50, activation, solver="lbfgs", max_iter=150, random_state=1).fit(X, y)
    assert net.score(X, y) > 0.95
    assert net.predict_proba(X).shape == (150, classes)
    np.testing.assert_allclose(net.predict_proba(X).sum(axis=1), 1.0)
    np.testing.assert_array_equal(
        net.predict_proba(X).argmax(axis=1), net.predict_log_proba(X).argmax(axis=1)
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_k5_lbfgs_learns_a_noisy_regression(activation):
    """R² above 0.98; of a linear net above 0.80."""
    X, y = REGRESSION[0], scale(REGRESSION[1])
    net = MLPRegressor("squared_error", 50, activation, solver="lbfgs", max_iter=200, random_state=1)
    assert net.fit(X, y).score(X, y) > (0.80 if activation == "identity" else 0.98)


def test_k6_several_outputs():
    """Five targets; labels that do not exclude each other, dense and sparse."""
    X, y = make_regression(n_samples=200, n_targets=5, random_state=11)
    net = MLPRegressor(hidden_layer_sizes=50, solver="lbfgs", max_iter=200, tol=1e-2, random_state=1)
    assert net.fit(X, y).score(X, y) > 0.9
    assert net.predict(X).shape == (200, 5)
    X, y = make_multilabel_classification(n_samples=50, random_state=0, return_indicator=True)
    labels = MLPClassifier(50, "logistic", solver="lbfgs", alpha=1e-5, max_iter=150, random_state=0).fit(X, y)
    assert labels.score(X, y) > 0.97
    assert labels.out_activation_ == "logistic"
    assert not np.allclose(labels.predict_proba(X).sum(axis=1), 1.0)
    again = MLPClassifier(50, "logistic", solver="lbfgs", alpha=1e-5, max_iter=150, random_state=0)
    assert again.fit(X, sparse.csr_matrix(y)).weights_sha256_ == labels.weights_sha256_


@pytest.mark.parametrize("batch_size", ["auto", 32])
@pytest.mark.parametrize(
    "params",
    [
        pytest.param(
            {"solver": "sgd", "momentum": 0.0}, marks=pytest.mark.slow
        ),  # the next without its state
        {"solver": "sgd"},
        {"solver": "adam"},
    ],
)
def test_k7_partial_fit_a_hundred_times_is_a_fit_of_a_hundred_epochs(params, batch_size):
    """Bit for bit, of mini-batches too: the permutations go on."""
    X, y = digits(3, 150)
    params |= {"hidden_layer_sizes": 5, "batch_size": batch_size, "random_state": 3}
    whole = MLPClassifier(**params, max_iter=100, n_iter_no_change=100).fit(X, y)
    parts = MLPClassifier(**params)
    for _ in range(100):
        parts.partial_fit(X, y, classes=[0, 1, 2])
    assert parts.weights_sha256_ == whole.weights_sha256_
    assert parts.loss_curve_ == whole.loss_curve_
    assert (parts.n_iter_, parts.t_, whole.n_iter_, whole.t_) == (1, 15000, 100, 15000)


@pytest.mark.filterwarnings("ignore:batch_size 64 is more than")
def test_partial_fit_takes_pieces_of_any_size():
    """Whole batches and small ones, rows of one class only, a class that comes late."""
    X, y = digits(4, 600)
    net = MLPClassifier(10, batch_size=64, random_state=0)
    for rows in (slice(0, 400), slice(400, 410), slice(410, 411), slice(411, 600)):
        net.partial_fit(X[rows], y[rows], classes=[0, 1, 2, 3, 9])
    assert net.t_ == 600
    assert net.n_outputs_ == 5
    with pytest.raises(ValueError, match="not the same as on last call"):
        net.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="classes not in"):
        net.partial_fit(X, y + 1)
    with pytest.raises(ValueError, match="first call"):
        MLPClassifier().partial_fit(X, y)
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")


@pytest.mark.parametrize("patience", [2, 5, 10])
def test_k9_stops_after_n_plus_one_epochs_without_a_lower_loss(patience):
    """Scikit-learn's rule, gone through again on the loss curve."""
    X, y = digits(2, 100)
    net = MLPClassifier(solver="sgd", tol=0.01, max_iter=3000, n_iter_no_change=patience, random_state=0)
    net.fit(X, y)
    assert net.n_iter_ == len(net.loss_curve_) < 3000
    assert unimproved([-loss for loss in net.loss_curve_], 0.01) == patience + 1
    assert net.best_loss_ == min(net.loss_curve_)
    assert net.validation_scores_ is None


def unimproved(scores, tol):
    """Epochs at the end in which no score was better than the best before by tol."""
    best, count = -np.inf, 0
    for score in scores:
        count = count + 1 if score < best + tol else 0
        best = max(best, score)
    return count


@pytest.mark.parametrize("patience", [2, 5, 10])
@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_k9_early_stopping_keeps_the_weights_of_the_best_score(estimator, patience):
    """The best score is the history's, the weights are those that have it, the rule is scikit-learn's."""
    X, y = digits(2, 200)
    params = {
        "early_stopping": True,
        "validation_fraction": 0.2,
        "learning_rate_init": 0.005,
        "max_iter": 300,
    }
    net = estimator(**params, n_iter_no_change=patience, tol=0.02, random_state=0).fit(X, y)
    assert len(net.validation_scores_) == len(net.loss_curve_) == net.n_iter_ < 300
    assert net.best_validation_score_ == max(net.validation_scores_)
    assert net.best_loss_ is None
    assert unimproved(net.validation_scores_, 0.02) == patience + 1
    best = int(np.argmax(net.validation_scores_)) + 1
    up_to_there = estimator(**params, n_iter_no_change=np.inf, random_state=0).set_params(max_iter=best)
    assert up_to_there.fit(X, y).weights_sha256_ == net.weights_sha256_
    assert up_to_there.validation_scores_ == net.validation_scores_[:best]


def test_early_stopping_says_what_it_lacks():
    """Rows to validate on; a second row of a class."""
    with pytest.raises(ValueError, match="least populated classes in y have only 1 member"):
        MLPClassifier(early_stopping=True).fit([[1, 2], [2, 3], [3, 4], [4, 5]], [0, 0, 0, 1])
    with pytest.raises(ValueError, match="validation set is too small"):
        MLPRegressor(early_stopping=True).fit([[1.0], [2.0], [3.0]], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="does not support early_stopping"):
        MLPRegressor(early_stopping=True).partial_fit([[1.0], [2.0]], [1.0, 2.0])


def test_an_adaptive_rate_falls_until_it_is_tiny():
    """By 5 whenever training would stop; the same weights as constant up to there, then lower losses."""
    X, y = [[3, 2], [1, 6]], [1, 0]
    params = {"tol": 0.5, "max_iter": 3000, "solver": "sgd", "random_state": 0}
    net = MLPClassifier(**params, learning_rate="adaptive").fit(X, y)
    constant = MLPClassifier(**params).fit(X, y)
    assert constant.n_iter_ < net.n_iter_ < 3000
    assert net.loss_curve_[: constant.n_iter_] == constant.loss_curve_
    rates = 1 + int(np.ceil(np.log(0.001 / 1e-6) / np.log(5)))
    assert net.n_iter_ == constant.n_iter_ + (rates - 1) * 11


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_k10_weights_of_rows(solver):
    """Ones are none, bit for bit; 2 is the row twice; 0 is the row absent, bit for bit."""
    X, y = digits(3, 60)
    rng = np.random.default_rng(0)
    sw = rng.integers(0, 3, 60)

    def fitted(X, y, sw=None):
        return MLPClassifier(5, "tanh", solver=solver, max_iter=15, tol=0.0, random_state=0).fit(X, y, sw)

    assert fitted(X, y, np.ones(60)).weights_sha256_ == fitted(X, y).weights_sha256_
    absent = fitted(X, y, (sw > 0).astype(float))
    assert absent.weights_sha256_ == fitted(X[sw > 0], y[sw > 0]).weights_sha256_
    weighted, repeated = fitted(X, y, sw), fitted(X.repeat(sw, axis=0), y.repeat(sw))
    np.testing.assert_allclose(weights(weighted), weights(repeated), rtol=0, atol=1e-12)


def test_k11_the_dtype_is_that_of_the_rows():
    """float32 in, float32 weights and answers; sparse is dense; neither is much different."""
    X, y = digits(3, 100)
    X = X.astype(np.float32)
    net = MLPClassifier(5, random_state=0, max_iter=30).fit(X, y)
    assert {array.dtype for array in net.coefs_ + net.intercepts_} == {np.dtype("float32")}
    assert net.predict_proba(X).dtype == np.float32
    values = MLPRegressor(hidden_layer_sizes=5, max_iter=5, random_state=0).fit(X, y)
    assert values.predict(X).dtype == np.float32
    for kind in (sparse.csr_matrix, sparse.csc_array):
        thin = MLPClassifier(5, random_state=0, max_iter=30).fit(kind(X), y)
        assert thin.weights_sha256_ == net.weights_sha256_
        np.testing.assert_array_equal(thin.predict_proba(kind(X)), net.predict_proba(X))


def test_k11_labels_are_what_they_are():
    """Strings, negative numbers, booleans: the same weights, answers in kind."""
    X, y = digits(2, 100)
    plain = MLPClassifier(5, random_state=0, max_iter=30).fit(X, y)
    for names in (
        np.array(["no", "yes"]),
        np.array([-7, 12]),
        np.array([False, True]),
        np.array(["a", "b"], object),
    ):
        net = MLPClassifier(5, random_state=0, max_iter=30).fit(X, names[y])
        assert net.weights_sha256_ == plain.weights_sha256_
        np.testing.assert_array_equal(net.classes_, names)
        np.testing.assert_array_equal(net.predict(X), names[plain.predict(X)])


def test_k11_one_class_only():
    """It is always the answer."""
    X, _ = digits(2, 20)
    net = MLPClassifier(5, solver="lbfgs", random_state=0, max_iter=30).fit(X, ["only"] * 20)
    assert net.classes_.tolist() == ["only"]
    assert set(net.predict(X)) == {"only"}
    assert net.predict_proba(X)[:, 0].min() > 0.5
    assert set(net.model_.predict(X)) == {"only"}


def test_k11_divergence_is_a_clear_error():
    """One line; with early stopping the best weights are kept and a NaN tells."""
    X, y = DIGITS[:100] * 1e3, DIGIT_LABELS[:100].astype(float)
    wild = {"activation": "identity", "solver": "sgd", "learning_rate_init": 1.0, "random_state": 0}
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights") as caught:
        MLPRegressor(**wild).fit(X, y)
    assert len(str(caught.value).splitlines()) == 1
    with pytest.warns(ConvergenceWarning, match="diverged"):
        net = MLPRegressor(**wild, early_stopping=True, max_iter=200).fit(X, y)
    assert np.isnan(net.validation_scores_[-1])
    assert len(net.validation_scores_) == net.n_iter_
    assert np.isfinite(weights(net)).all()


def test_the_order_of_rows_is_of_no_account():
    """Bit for bit, mini-batches too; ``shuffle=False`` is another sequence of batches."""
    X, y = digits(4, 300)
    order = np.random.default_rng(0).permutation(300)
    params = {"hidden_layer_sizes": 5, "batch_size": 32, "max_iter": 3, "random_state": 0}
    hashes = {MLPClassifier(**params).fit(X[rows], y[rows]).weights_sha256_ for rows in (slice(None), order)}
    assert len(hashes) == 1
    assert MLPClassifier(**params, shuffle=False).fit(X, y).weights_sha256_ not in hashes


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "rmsprop", "lbfgs", "cg"])
def test_a_warm_start_goes_on_from_the_weights(solver):
    """The first loss of the second fit is that of the weights; a fit stopped by max_iter warns."""
    X, y = digits(3, 100)
    net = MLPClassifier(
        5, solver=solver, warm_start=True, max_iter=5, random_state=0, learning_rate_init=0.01
    )
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        net.fit(X, y)
    before = net.loss_
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        net.fit(X, y)
    assert net.n_iter_ == 5
    assert net.loss_ < before
    with pytest.raises(ValueError, match="warm_start can only be used where"):
        net.fit(X, y % 2)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"alpha": -1}, "alpha: expected a number of at least 0, got -1"),
        ({"alpha": 10**400}, "alpha: expected a number of at least 0, got 1000"),
        ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes must be > 0"),
        ({"solver": "sag"}, "solver: expected one of sgd, adam"),
        ({"learning_rate": "fast"}, "learning_rate: expected one of constant, invscaling, adaptive"),
        ({"max_iter": True}, "max_iter: expected a whole number"),
        ({"loss": "poisson"}, "loss: expected one of squared_error"),
    ],
)
def test_a_bad_argument_is_one_line_that_names_it(params, words):
    """A ValueError, before anything is trained."""
    with pytest.raises(ValueError, match="MLPRegressor: ") as caught:
        MLPRegressor(**params).fit([[1.0], [2.0]], [1.0, 2.0])
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_batch_larger_than_the_rows_is_clipped_and_said():
    """As scikit-learn says it."""
    X, y = digits(2, 50)
    with pytest.warns(UserWarning, match="clipped"):
        MLPClassifier(5, batch_size=51, max_iter=2).fit(X, y)


def test_verbose_prints_every_iteration(capsys):
    """On standard output."""
    X, y = digits(2, 50)
    MLPClassifier(5, max_iter=2, verbose=True, random_state=0).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["Iteration 1", "Iteration 2"]


def test_an_adaptive_rate_falls_in_partial_fit_too():
    """Where ``fit`` lowers it: the same weights after as many epochs."""
    X, y = [[3, 2], [1, 6]], [1, 0]
    params = {"tol": 0.5, "solver": "sgd", "random_state": 0, "learning_rate": "adaptive"}
    whole = MLPClassifier(**params, max_iter=40).fit(X, y)
    parts = MLPClassifier(**params)
    for _ in range(40):
        parts.partial_fit(X, y, classes=[0, 1])
    assert parts.weights_sha256_ == whole.weights_sha256_
