"""Calibrated probabilities by their formulas, and classes by the threshold."""

import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax

from nnspark.net.activations import OUTPUTS
from nnspark.objective.decision import Decision, log_scores
from nnspark.objective.problems import shares_of

Z = np.random.default_rng(0).normal(size=(50, 4)) * 3


def plain(output, z):
    """The network's own probabilities."""
    return shares_of(OUTPUTS[output](z.copy()))


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
@pytest.mark.parametrize("units", [1, 2, 4])
def test_slope_1_leaves_probabilities_as_they_are(units, output):
    """To within rounding, when the formula is used; whoever has no calibration does not use it."""
    if (units, output) == (1, "softmax"):
        return
    found = Decision().calibrated("classification", output, Z[:, :units])
    np.testing.assert_allclose(shares_of(found), plain(output, Z[:, :units]), rtol=1e-12)
    assert not Decision(threshold=0.3).calibrates


def test_temperature_divides_the_softmaxs_scores():
    """Guo et al. 2017, eq. 9."""
    found = Decision(slope=1 / 2.5).calibrated("classification", "softmax", Z)
    np.testing.assert_allclose(found, softmax(Z / 2.5, axis=1), rtol=1e-13)


def test_several_sigmoids_for_classes_are_calibrated_as_their_shares():
    """Whose logarithms are what the slope multiplies."""
    logs = np.log(expit(Z))
    found = Decision(slope=0.7).calibrated("classification", "sigmoid", Z)
    np.testing.assert_allclose(found, softmax(0.7 * log_softmax(logs, axis=1), axis=1), rtol=1e-12)


@pytest.mark.parametrize(("units", "output"), [(1, "sigmoid"), (2, "softmax"), (2, "sigmoid")])
def test_platt_is_a_sigmoid_of_the_log_odds(units, output):
    """However the network says two classes."""
    p = plain(output, Z[:, :units])[:, 1]
    expected = expit(1.7 * np.log(p / (1 - p)) - 0.4)
    found = Decision(slope=1.7, offset=-0.4).calibrated("classification", output, Z[:, :units])
    np.testing.assert_allclose(shares_of(found)[:, 1], expected, rtol=1e-9)


def test_labels_are_calibrated_one_by_one():
    """By one slope."""
    found = Decision(slope=0.5).calibrated("multilabel", "sigmoid", Z)
    np.testing.assert_allclose(found, expit(Z / 2), rtol=1e-13)


@pytest.mark.parametrize(("units", "output"), [(1, "sigmoid"), (2, "softmax"), (2, "sigmoid")])
def test_the_second_class_is_predicted_from_the_threshold_on(units, output):
    """Its probability equal to the threshold included."""
    outputs = OUTPUTS[output](Z[:, :units].copy())
    p = shares_of(outputs)[:, 1]
    threshold = float(p[7])
    decided = Decision(threshold=threshold)
    np.testing.assert_array_equal(decided.classes(outputs), (p >= threshold).astype(int))
    assert decided.classes(outputs)[7] == 1
    assert decided.decided(outputs).shape == outputs.shape


def test_without_a_threshold_outputs_are_the_same_array():
    """So that nothing changes by a bit."""
    assert Decision(slope=2.0).decided(Z) is Z


def test_scores_stay_finite_however_sure_the_network_is():
    """Where a is 0 in float64."""
    z = np.array([[-800.0, 900.0, 0.0]])
    assert np.isfinite(log_scores("classification", "sigmoid", z)).all()
    assert Decision(slope=0.5).calibrated("classification", "sigmoid", z).sum() == pytest.approx(1)


def test_a_decision_needs_finite_numbers():
    """A file that says otherwise is damaged."""
    with pytest.raises(ValueError, match="finite"):
        Decision(slope=float("nan"))
