"""Thresholds and calibrations: SciPy's and scikit-learn's numbers, the same bits in any pieces."""

import numpy as np
import pytest
from helpers import InPieces, fit, make_recipe, one_line_error, shards_of, table_of
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax
from sklearn import metrics as sk
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from nnspark.errors import DataError, RecipeError
from nnspark.model import Model
from nnspark.net import weights as weights_module
from nnspark.net.network import Network
from nnspark.objective.objective import Objective
from nnspark.recipe import Prediction
from nnspark.training import calibration as calibration_module
from nnspark.training import decide as decide_module
from nnspark.training.calibration import calibrate
from nnspark.training.decide import decide

ROWS = 700


class Scores(ClassifierMixin, BaseEstimator):
    """A fitted classifier of two classes, whose score is its only feature."""

    classes_ = np.array([0, 1])
    n_features_in_ = 1

    def fit(self, X, y):
        """Nothing to learn."""
        self.fitted_ = True
        return self

    def decision_function(self, X):
        """The feature."""
        return np.asarray(X)[:, 0]

    def predict(self, X):
        """By its sign."""
        return (np.asarray(X)[:, 0] > 0).astype(int)


def scored(units=1, task="classification", output="sigmoid", *, weight=None, dtype="float64", block_rows=64):
    """A network whose z are its features: overconfident and shifted; with shards of the validation part."""
    rng = np.random.default_rng(units)
    z = rng.normal(size=(ROWS, units)) * 4
    if task == "multilabel":
        y = (rng.random(z.shape) < expit(z / 3)).astype(float)
    elif units == 1:
        y = (rng.random(ROWS) < expit(z[:, 0] / 3 - 0.7)).astype(int)
    else:
        y = (z / 3 + rng.gumbel(size=z.shape)).argmax(axis=1)
    network = Network((units, units), "identity", output, "cross_entropy")
    theta = weights_module.flatten([np.hstack([np.zeros((units, 1)), np.eye(units)])]).astype(dtype)
    shards = shards_of(z, y, task=task, weight=weight, part="validation", block_rows=block_rows, dtype=dtype)
    return Objective(network, task, dtype, shards.plan.terms), shards, theta, z, y


@pytest.mark.filterwarnings("ignore:Since FrozenEstimator does not appear to accept sample_weight")
@pytest.mark.parametrize("weighted", [False, True])
def test_platt_is_scikit_learns_calibrated_classifier(weighted):
    """And what SciPy finds for the same targets, to 1e-6."""
    weight = np.random.default_rng(5).integers(1, 4, ROWS).astype(float) if weighted else None
    objective, shards, theta, z, y = scored(weight=weight)
    found = calibrate("platt", objective, shards, theta, "validation")
    theirs = CalibratedClassifierCV(FrozenEstimator(Scores().fit(z, y)), method="sigmoid", ensemble=False)
    theirs.fit(z, y, sample_weight=weight)
    expected = theirs.predict_proba(z)[:, 1]
    np.testing.assert_allclose(expit(found.slope * z[:, 0] + found.offset), expected, atol=1e-4)
    w = np.ones(ROWS) if weight is None else weight
    first, second = w[y == 0].sum(), w[y == 1].sum()
    target = np.where(y == 1, (second + 1) / (second + 2), 1 / (first + 2))

    def loss(numbers):
        linear = numbers[0] * z[:, 0] + numbers[1]
        return w @ (np.logaddexp(0, linear) - target * linear)

    best = minimize(loss, [0.0, 0.0], tol=1e-12, method="BFGS")
    assert (found.slope, found.offset) == pytest.approx(best.x, abs=1e-6)


@pytest.mark.parametrize(
    ("units", "task", "output"),
    [(1, "classification", "sigmoid"), (3, "classification", "softmax"), (3, "classification", "sigmoid"),
     (2, "classification", "softmax"), (3, "multilabel", "sigmoid")],
)  # fmt: skip
def test_temperature_is_what_scipy_finds(units, task, output):
    """To 1e-6; and the part's log loss is the least."""
    objective, shards, theta, z, y = scored(units, task, output)
    found = calibrate("temperature", objective, shards, theta, "validation")

    def loss(slope):
        if task == "multilabel" or units == 1:
            linear, target = slope * z, y.reshape(z.shape)
            return (np.logaddexp(0, linear) - target * linear).sum()
        logs = log_softmax(z if output == "softmax" else np.log(expit(z)), axis=1)
        return -log_softmax(slope * logs, axis=1)[np.arange(ROWS), y].sum()

    best = minimize_scalar(loss, bounds=(0.01, 100), method="bounded", options={"xatol": 1e-12})
    assert found.slope == pytest.approx(best.x, abs=1e-6)
    assert found.offset == 0
    assert 0.2 < found.slope < 0.8


@pytest.mark.parametrize(
    ("name", "units", "output"),
    [("temperature", 1, "sigmoid"), ("temperature", 3, "softmax"), ("platt", 1, "sigmoid")],
)
def test_a_calibration_takes_a_few_passes(name, units, output, monkeypatch):
    """Each is a job: Newton's steps, not a search."""
    passes, look = [], calibration_module.look
    monkeypatch.setattr(calibration_module, "look", lambda *given: passes.append(1) or look(*given))
    objective, shards, theta, _, _ = scored(units, output=output)
    calibrate(name, objective, shards, theta, "validation")
    assert 3 <= len(passes) <= 12


@pytest.mark.parametrize("name", ["temperature", "platt"])
def test_separable_rows_end_in_finite_numbers(name):
    """Nothing stops a slope there but the bound, or Platt's targets."""
    network = Network((1, 1), "identity", "sigmoid", "cross_entropy")
    X = np.linspace(-3, 3, 40)[:, None] + 0.01
    shards = shards_of(X, (X[:, 0] > 0).astype(int), part="validation")
    found = calibrate(
        name, Objective(network, "classification", "float64", 4), shards, np.array([0.0, 1.0]), "validation"
    )
    assert 1 < found.slope <= 100


@pytest.mark.parametrize("prediction", [
    Prediction(threshold="f1"), Prediction(calibration="platt", threshold={"recall": 0.9}),
    Prediction(calibration="temperature"),
], ids=str)  # fmt: skip
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_decision_has_the_same_bits_in_any_pieces(prediction, dtype):
    """In 1, 2 and 7 pieces, merged in another order each time."""
    objective, shards, theta, _, _ = scored(dtype=dtype)
    found = {decide(prediction, objective, InPieces(shards, pieces), theta) for pieces in (1, 2, 7)}
    assert len(found) == 1
    assert found.pop() == decide(prediction, objective, shards, theta)


@pytest.mark.parametrize("at_once", [10, 10_000])
def test_f1_of_the_chosen_threshold_is_the_best_there_is(at_once, monkeypatch):
    """Where there are too many scores to hold all, nearly so."""
    monkeypatch.setattr(decide_module, "AT_ONCE", at_once)
    objective, shards, theta, z, y = scored()
    found = decide(Prediction(threshold="f1"), objective, shards, theta)
    p = expit(z[:, 0])
    precision, recall, _ = sk.precision_recall_curve(y, p)
    best = max(2 * precision[:-1] * recall[:-1] / (precision + recall)[:-1])
    own = sk.f1_score(y, p >= found.decision.threshold)
    assert own == pytest.approx(best, abs=1e-12 if at_once > 10 else 5e-3)
    assert found.part == "validation"


DATA = np.random.default_rng(9)
X = DATA.normal(size=(400, 3))
Y = (X[:, 0] + DATA.normal(size=400) > 0.8).astype(int)
SMALL = ["training.epochs=5", "network.hidden=[3]", "training.learning_rate=3.0"]


def test_the_threshold_is_that_of_metrics_and_of_the_model():
    """Figures of the trained network are scikit-learn's of the model's own predictions."""
    recipe = make_recipe(*SMALL, "prediction.threshold=0.3", "data.split={train=0.5,validation=0.5,test=0.0}")
    trained = fit(table_of(X, Y), *SMALL, "prediction.threshold=0.3",
                  "data.split={train=0.5,validation=0.5,test=0.0}")  # fmt: skip
    from nnspark.data.dataset import make_dataset

    dataset = make_dataset(table_of(X, Y), recipe)
    model = Model.of(dataset.plan, trained.network, trained.theta, "", trained.decided.decision)
    rows = dataset.blocks
    for part in ("train", "validation"):
        blocks = list(rows.blocks((part,)))
        features, y = np.vstack([b.X for b in blocks]), np.concatenate([b.y for b in blocks])
        figures, guess = trained.metrics[part], model.predict(features)
        assert figures["accuracy"] == pytest.approx(sk.accuracy_score(y, guess), rel=1e-14)
        assert figures["f1_macro"] == pytest.approx(sk.f1_score(y, guess, average="macro"), rel=1e-14)
        assert figures["mcc"] == pytest.approx(sk.matthews_corrcoef(y, guess), rel=1e-12)
        p = model.predict_proba(features)[:, 1]
        np.testing.assert_array_equal(guess, (p >= 0.3).astype(int))
        assert figures["roc_auc"] == pytest.approx(sk.roc_auc_score(y, p), rel=1e-9)
    assert 0 < guess.mean() != (p >= 0.5).mean()


def test_the_weights_do_not_depend_on_the_decision():
    """And figures of probabilities change with the calibration alone."""
    options = [[], ["prediction.threshold=f1"], ["prediction.calibration=platt"]]
    runs = [fit(table_of(X, Y), *SMALL, *one) for one in options]
    assert len({run.theta.tobytes() for run in runs}) == 1
    losses = [run.metrics["validation"]["log_loss"] for run in runs]
    assert losses[0] == losses[1] > losses[2]
    assert len({run.metrics["validation"]["loss"] for run in runs}) == 1


def test_without_a_validation_part_the_training_part_gives_the_threshold():
    """But no calibration, which it would make look right."""
    split = "data.split={train=1.0,validation=0.0,test=0.0}"
    found = fit(table_of(X, Y), *SMALL, "prediction.threshold=f1", split).decided
    assert found.part == "train"
    with one_line_error("prediction.calibration", "validation", "no rows", kind=DataError):
        fit(table_of(X, Y), *SMALL, "prediction.calibration=platt", split)


def test_a_part_of_one_class_gives_no_threshold_and_says_so():
    """The rest of the run stands."""
    objective, shards, theta, z, _ = scored()
    shards = shards_of(z, np.zeros(ROWS, int), part="validation")
    found = decide(Prediction(threshold="f1"), objective, shards, theta)
    assert found.decision.threshold is None
    assert "all rows of the validation part are of the first class" in found.warnings[0]


def test_a_precision_out_of_reach_is_told():
    """With the best there is."""
    objective, shards, theta, z, _ = scored()
    y = (np.abs(z[:, 0]) < 1).astype(int)
    shards = shards_of(z, y, part="validation")
    found = decide(Prediction(threshold={"precision": 0.99}), objective, shards, theta)
    assert "no threshold has a precision of 0.99" in found.warnings[0]


@pytest.mark.parametrize(
    ("option", "said"),
    [("prediction.threshold=0.3", "two classes"), ("prediction.threshold=f1", "two classes"),
     ("prediction.calibration=platt", "two classes")],
)  # fmt: skip
def test_what_three_classes_do_not_have_is_refused_before_the_first_epoch(option, said):
    """The number of classes is known once the rows are."""
    with one_line_error(option.partition("=")[0], said, "3", kind=RecipeError):
        fit(table_of(X, np.arange(400) % 3), *SMALL, option, callbacks=[lambda _: pytest.fail("trained")])


def test_outputs_that_are_no_probabilities_are_not_calibrated():
    """Of a linear output with squared error."""
    with one_line_error("prediction.calibration", "identity", kind=RecipeError):
        fit(table_of(X, Y), *SMALL, "network.output=identity", "network.loss=squared_error",
            "prediction.calibration=temperature")  # fmt: skip
