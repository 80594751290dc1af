"""The parts of the page one by one: words, intervals, thinning, pictures, heat map."""

import io
import math

import numpy as np
import pytest

from nnspark.report import pick_samples, write_report
from nnspark.report.confusion import draw_confusion
from nnspark.report.outcome import interval, outcome
from nnspark.report.samples import draw_samples, png
from nnspark.report.series import column, even_rows, thin
from nnspark.report.text import duration, number, percent, plural


@pytest.mark.parametrize(
    ("share", "said"),
    [(175 / 180, "97.2 %"), (1, "100 %"), (0, "0.0 %"), (0.99996, "99.996 %"), (1e-5, "0.001 %"), (None, "–"),
     (math.nan, "NaN"), (-0.25, "−25.0 %"), (np.float32(0.5), "50.0 %")],
)  # fmt: skip
def test_a_share_never_rounds_to_all_or_nothing(share, said):
    """99.996 % right is not 100 %: one row was wrong."""
    assert percent(share) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0321, "32.1 ms"), (14.31, "14.3 s"), (119.99, "2 min 0 s"), (725, "12 min 5 s"),
     (11_540, "3 h 12 min"), (None, "–"), (math.inf, "∞")],
)  # fmt: skip
def test_durations_read_as_a_person_says_them(seconds, said):
    """Milliseconds, seconds, minutes, hours."""
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(1437, "1,437"), (180.0, "180"), (0.012346, "0.01235"), (-2, "−2"), (np.int64(5), "5"),
     (math.nan, "NaN"), (-math.inf, "−∞"), (True, "yes"), ("<", "&lt;"), (10**400, "∞"), (None, "–")],
)  # fmt: skip
def test_numbers_read_alike_whatever_their_type(value, said):
    """Python and NumPy numbers, text and nothing."""
    assert number(value) == said


def test_one_row_is_singular():
    """1 row, 2 rows."""
    assert (plural(1, "row"), plural(2, "row")) == ("1 row", "2 rows")


def test_the_interval_is_wilsons():
    """SciPy's exact same interval."""
    from scipy.stats import binomtest

    for right, rows in ((175, 180), (0, 7), (7, 7), (50, 100), (9_999, 10_000)):
        theirs = binomtest(right, rows).proportion_ci(0.95, method="wilson")
        assert interval(right / rows, rows) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_training_rows_get_no_interval(make_run):
    """A rate on the rows it was fitted to says nothing of others."""
    assert write_report(make_run()).count("95 % interval") == 2


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ({"test": {"num_samples": 5, "rmse": 0.25, "r2": 0.99, "loss": 0.1}, "epochs": 1},
         "R² 0.99, RMSE 0.25 on 5 test rows after 1 epoch"),
        ({"validation": {"num_samples": 9, "accuracy": 1.0}, "epochs": 3, "seconds": 0.5},
         "100 % of 9 validation rows right after 3 epochs in 500 ms"),
        ({"train": {"num_samples": 4, "loss": 0.5}, "test": {}, "epochs": 3},
         "Loss 0.5 on 4 training rows after 3 epochs"),
    ],
)  # fmt: skip
def test_the_outcome_is_of_the_best_part_there_is(make_run, metrics, said):
    """Test rows first, then validation, then training; regression by R² and RMSE."""
    assert outcome(make_run(metrics=metrics)) == said


def test_thinning_keeps_ends_spikes_and_gaps():
    """What the eye would see of 100,000 values is in the few hundred that are drawn."""
    values = np.sin(np.arange(100_000) / 9_000)
    values[[41_234, 77_777]] = 50, -50
    values[60_001] = np.nan
    kept = thin(values)
    assert len(kept) <= 3 * 300 + 2
    assert {0, 99_999, 41_234, 77_777, 60_001} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()
    assert np.diff(kept).max() < 700


def test_short_histories_are_drawn_whole():
    """No point of 600 is dropped."""
    assert thin(np.arange(600.0)).tolist() == list(range(600))


def test_a_column_is_nan_where_there_is_no_number():
    """Missing, None, text, infinite and overlarge values are gaps."""
    rows = [{"a": 1}, {}, {"a": None}, {"a": "1"}, {"a": math.inf}, {"a": 1e200}, {"a": np.float32(2)}]
    np.testing.assert_array_equal(column(rows, "a"), [1] + 5 * [np.nan] + [2])


def test_chosen_rows_are_even_and_include_both_ends():
    """About 20 of many, all of few."""
    chosen = even_rows(1_000)
    assert (len(chosen), chosen[0], chosen[-1]) == (20, 0, 999)
    assert np.ptp(np.diff(chosen)) <= 1
    assert even_rows(3) == [0, 1, 2]


def test_pictures_are_the_pixels():
    """Pillow reads back every grey level."""
    from PIL import Image

    grey = np.random.default_rng(0).integers(0, 256, (20, 13)).astype(np.uint8)
    for layout in (grey, np.asfortranarray(grey), grey[::2, ::3]):
        with Image.open(io.BytesIO(png(layout))) as image:
            np.testing.assert_array_equal(np.asarray(image), layout)


def test_mistakes_are_picked_and_shown_first():
    """The rows worth a look come before the right ones."""
    images, true, predicted = pick_samples(np.arange(48.0).reshape(3, 16), ["a", "b", "c"], ["a", "x", "c"])
    assert (true, predicted) == (["b", "a", "c"], ["x", "a", "c"])
    np.testing.assert_array_equal(images[0].ravel(), np.arange(16.0, 32.0))
    drawn = draw_samples((images, true, predicted))
    assert drawn.index("Wrong") < drawn.index("b → <b>x</b>") < drawn.index("Right") < drawn.index(">a</fig")


def test_rows_that_are_no_square_image_are_not_pictured():
    """Four flower measures are not a 2×2 image, and 17 features are no square."""
    for width in (4, 17):
        assert pick_samples(np.zeros((2, width)), [0, 1], [0, 1]) is None


@pytest.mark.parametrize("fill", [0.0, math.nan, math.inf, 1e308])
def test_blank_or_broken_pictures_are_survived(fill):
    """No division by an empty range, no overflow."""
    images = np.full((2, 4, 4), fill)
    images[0, 0, 0] = -1e308 if fill == 1e308 else fill
    assert draw_samples((images, [0, 1], [1, 1])).count("<img") == 2


def test_an_empty_class_and_odd_counts_are_survived():
    """A class without rows, weighted counts, NaN, and names that do not fit the matrix."""
    drawn = draw_confusion(np.array([[0, 0, 0], [1.5, 2, 0], [0, math.nan, 3]]), ["a"])
    assert ">1.5</td>" in drawn
    assert "1 taken for 0 (1.5)" in drawn
    assert "No row was taken" in draw_confusion(np.eye(2), ["a", "b"])


def test_a_rare_mistake_is_still_seen():
    """One in fifty is shaded by its square root, 0.14, over a floor."""
    assert 'class="miss" style="--a:0.244">1<' in draw_confusion(np.array([[49, 1], [0, 50]]), ["a", "b"])
