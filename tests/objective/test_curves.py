"""Curves are scikit-learn's, thinned ones lie on them, and the threshold of a rule is the best there is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from nnspark.objective.curves import POINTS, choose_threshold, curve_of, scores_of_keys, thin
from nnspark.objective.quantiles import keys_of_numbers, quantiles
from nnspark.objective.tally import Tally, keys_of_scores


def scored(rows=2_000, seed=0, digits=2):
    """Scores with ties, at float32's own values, and classes that they tell something of."""
    rng = np.random.default_rng(seed)
    p = np.round(rng.beta(2, 2, rows), digits).astype(np.float32).astype(np.float64)
    p = np.where(p <= 0.5, p, 1.0 - (1.0 - p).astype(np.float32).astype(np.float64))
    return p, (rng.random(rows) < p).astype(int)


def tally_of(p, y, shift=0):
    """The tally of scores by class."""
    return Tally.of(keys_of_scores(p), y == 1, 2).coarse(shift)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_scores_come_back_from_their_keys(values):
    """To within float32's rounding, in order, and what came back has the same key."""
    p = np.array(values)
    back = scores_of_keys(keys_of_scores(p))
    assert np.abs(back - p).max() <= 2**-25
    assert (keys_of_scores(back) == keys_of_scores(p)).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_curves_are_scikit_learns(seed):
    """Point by point, those that it drops for lying on a line included."""
    p, y = scored(seed=seed)
    curve = curve_of(tally_of(p, y))
    fpr, tpr, thresholds = sk.roc_curve(y, p, drop_intermediate=False)
    np.testing.assert_allclose(curve.false / curve.negatives, fpr[1:], rtol=1e-15)
    np.testing.assert_allclose(curve.true / curve.positives, tpr[1:], rtol=1e-15)
    np.testing.assert_array_equal(curve.scores, thresholds[1:])
    precision, recall, thresholds = sk.precision_recall_curve(y, p)
    np.testing.assert_allclose(curve.true / (curve.true + curve.false), precision[:-1][::-1], rtol=1e-15)
    np.testing.assert_allclose(curve.true / curve.positives, recall[:-1][::-1], rtol=1e-15)


def test_a_cut_is_halfway_to_the_next_score_below():
    """So that no rounding moves a row across; from the last cut on every row is of the second class."""
    curve = curve_of(tally_of(np.array([0.25, 0.5, 0.5, 0.75]), np.array([0, 1, 0, 1])))
    assert curve.scores.tolist() == [0.75, 0.5, 0.25]
    assert curve.cuts.tolist() == [0.625, 0.375, 0.0]
    assert (curve.true.tolist(), curve.false.tolist()) == ([1, 2, 2], [0, 1, 2])


@pytest.mark.parametrize("shift", [0, 16])
def test_a_cut_counts_the_rows_that_the_curve_counts(shift):
    """Also where the scores' last bits are not known."""
    p, y = scored(digits=7)
    curve = curve_of(tally_of(p, y, shift), shift)
    for cut, true, false in list(zip(curve.cuts, curve.true, curve.false, strict=True))[::40]:
        assert (int((p[y == 1] >= cut).sum()), int((p[y == 0] >= cut).sum())) == (true, false)


def test_a_thinned_curve_has_a_few_hundred_points_of_the_whole():
    """Both ends, no gap wider than a hundredth along the way, and the first points."""
    p, y = scored(rows=50_000, digits=6)
    curve = curve_of(tally_of(p, y))
    shown = thin(curve)
    assert POINTS / 2 < len(shown.scores) <= POINTS + 2
    assert set(zip(*shown, strict=True)) <= set(zip(*curve, strict=True))
    assert (shown.scores[0], shown.scores[-1]) == (curve.scores[0], curve.scores[-1])
    fpr, tpr = shown.false / curve.negatives, shown.true / curve.positives
    assert np.diff(fpr).max() < 0.02
    assert np.diff(tpr).max() < 0.02
    assert shown.scores[1] == curve.scores[1]
    assert sk.auc([0, *fpr], [0, *tpr]) == pytest.approx(sk.roc_auc_score(y, p), abs=1e-4)


RULES = ["f1", {"precision": 0.8}, {"recall": 0.7}, {"costs": {"false_positive": 1, "false_negative": 4}}]


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(more, marks=pytest.mark.slow) for more in (2, 3, 4))])
def test_the_threshold_of_a_rule_is_the_best_of_all(rule, seed):
    """By trying every one with scikit-learn's figures."""
    p, y = scored(rows=150, seed=seed)
    cut, reached = choose_threshold(curve_of(tally_of(p, y)), rule)
    assert reached
    cuts = [*((np.unique(p)[1:] + np.unique(p)[:-1]) / 2), 0.0, 1.01]
    guesses = {one: (p >= one).astype(int) for one in [*cuts, cut]}

    def worth(guess):
        precision = sk.precision_score(y, guess, zero_division=0)
        recall = sk.recall_score(y, guess)
        if rule == "f1":
            return sk.f1_score(y, guess)
        if "precision" in rule:
            return recall if precision >= rule["precision"] else -1
        if "recall" in rule:
            return precision if recall >= rule["recall"] else -1
        return -((guess > y).sum() + 4 * (guess < y).sum())

    own, best = worth(guesses[cut]), max(worth(guess) for guess in guesses.values())
    if isinstance(rule, dict) and "recall" in rule:
        assert sk.recall_score(y, guesses[cut]) >= rule["recall"]
        assert all(sk.recall_score(y, guesses[one]) < rule["recall"] for one in cuts if one > cut)
    else:
        assert own == pytest.approx(best, rel=1e-12)


def test_a_precision_that_no_threshold_has_gives_the_best_and_says_so():
    """The surest rows are wrong."""
    p, y = np.array([0.9, 0.8, 0.7, 0.1]), np.array([0, 1, 1, 0])
    cut, reached = choose_threshold(curve_of(tally_of(p, y)), {"precision": 0.99})
    assert (not reached, (p >= cut).sum()) == (True, 3)


def test_costs_may_say_that_nobody_is_of_the_second_class():
    """A false alarm that costs a hundred misses."""
    p, y = np.array([0.9, 0.8, 0.7, 0.1]), np.array([0, 1, 1, 0])
    costs = {"false_positive": 100, "false_negative": 1}
    cut, _ = choose_threshold(curve_of(tally_of(p, y)), {"costs": costs})
    assert (p >= cut).sum() == 0


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60), st.lists(st.floats(0, 1), max_size=5))
def test_quantiles_are_numpys(values, shares):
    """Of either sign, with doubles."""
    found = quantiles(Tally.of(keys_of_numbers(np.array(values))), shares)
    assert found == pytest.approx([np.quantile(values, one, method="inverted_cdf") for one in shares])


def test_keys_of_numbers_are_in_their_order():
    """From minus infinity to infinity; -0.0 is 0.0."""
    values = np.array([-np.inf, -1e300, -1.0, -5e-324, 0.0, 5e-324, 1.0, np.inf])
    assert (np.diff(keys_of_numbers(values).astype(object)) > 0).all()
    assert keys_of_numbers(np.array([-0.0])) == keys_of_numbers(np.array([0.0]))
