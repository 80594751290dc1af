"""Schedules: each against its formula, warm-up, and what a recipe is told when it gets one wrong."""

import math

import pytest

from nnspark.errors import RecipeError
from nnspark.optimizers.schedules import SCHEDULES, make_schedule

SPECS = {
    "constant": ("constant", lambda t: 1.0),
    "step": ({"name": "step", "factor": 0.1, "every": 3}, lambda t: 0.1 ** (t // 3)),
    "exponential": ({"name": "exponential", "factor": 0.95}, lambda t: 0.95**t),
    "inverse_scaling": ({"name": "inverse_scaling", "power": 0.5}, lambda t: 1 / math.sqrt(t + 1)),
    "cosine": (
        {"name": "cosine", "floor": 0.1},
        lambda t: 0.1 + 0.45 * (1 + math.cos(math.pi * min(t, 20) / 20)),
    ),
}


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_each_schedule_follows_its_formula(name):
    """From count 0, which is the full rate, past the last epoch; a Python float, so float32 stays float32."""
    spec, factor = SPECS[name]
    schedule = make_schedule(0.3, spec, epochs=20)
    assert schedule(0) == 0.3
    for t in range(30):
        assert schedule(t) == pytest.approx(0.3 * factor(t), rel=1e-14)
        assert type(schedule(t)) is float


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_warm_up_rises_linearly_to_the_full_rate_and_then_hands_over(name):
    """Three epochs at 1/4, 2/4 and 3/4 of the rate; the schedule's own count starts after them."""
    spec, _ = SPECS[name]
    spec = {"name": spec} if isinstance(spec, str) else spec
    plain = make_schedule(0.8, spec, epochs=20)
    warmed = make_schedule(0.8, {**spec, "warmup": 3}, epochs=23)
    assert [warmed(t) for t in range(4)] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert [warmed(t + 3) for t in range(25)] == [plain(t) for t in range(25)]


def test_inverse_scaling_is_scikit_learns():
    """Its `invscaling` after t counted rows, here epochs, through its public learning rate formula."""
    schedule = make_schedule(0.1, {"name": "inverse_scaling", "power": 0.7}, epochs=5)
    assert [schedule(t) for t in range(5)] == pytest.approx([0.1 / (t + 1) ** 0.7 for t in range(5)])


def test_inverse_scaling_at_a_pace_of_the_rows_is_scikit_learns():
    """Its `invscaling`: learning_rate_init / (rows seen + 1) ** power_t from the second epoch on."""
    schedule = make_schedule(0.1, {"name": "inverse_scaling", "power": 0.7, "pace": 150.0}, epochs=5)
    assert [schedule(t) for t in range(5)] == pytest.approx([0.1 / (150 * t + 1) ** 0.7 for t in range(5)])


def test_cosine_ends_at_its_floor():
    """And stays there, when a resumed run goes on for longer."""
    schedule = make_schedule(2.0, {"name": "cosine", "floor": 0.25, "warmup": 2}, epochs=10)
    assert schedule(10) == schedule(1000) == 0.5


@pytest.mark.parametrize(
    ("rate", "spec", "message"),
    [
        (
            0.1,
            "cosin",
            "unknown schedule 'cosin'; did you mean 'cosine'?.* known: constant, cosine, exponential",
        ),
        (0.1, {"name": "step", "facter": 0.1}, "step has no option 'facter'; did you mean 'factor'"),
        (0.1, {"name": "cosine", "epochs": 3}, "cosine has no option 'epochs'; known: floor, name, warmup"),
        (0.1, {"name": "exponential", "factor": 0}, r"factor: expected a number in \(0, 1\], got 0"),
        (0.1, {"name": "step", "every": 0}, "every: expected a whole number of 1 or more, got 0"),
        (0.1, {"name": "constant", "warmup": -1}, "warmup: expected a whole number of 0 or more, got -1"),
        (0.1, {"name": "inverse_scaling", "power": True}, "power: expected a number"),
        (0.0, "constant", "learning_rate: expected a number above 0, got 0.0"),
        (float("inf"), "constant", "learning_rate: expected a number above 0, got inf"),
    ],
)
def test_a_bad_schedule_is_an_error_naming_the_nearest(rate, spec, message):
    """One line, with all that is known."""
    with pytest.raises(RecipeError, match=message):
        make_schedule(rate, spec, epochs=10)
