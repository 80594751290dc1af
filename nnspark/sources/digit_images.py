"""Make images of digits, larger than scikit-learn's: stand-ins for sets that are not ours to give."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.sources.makers import Made

__all__ = ["digit_images", "drawn"]

DIGITS, SIDE = 1_797, 20


def digit_images(rows: int = 5_000, seed: int = 0) -> Made:
    """Images of 20×20 pixels in 0..1, flattened, labels 1..10 where 10 is the digit 0: the form of R0's set.

    Copies of a digit, moved and shaded otherwise, may be in several parts: held-out figures are too good.
    """
    pixels, digit = drawn(np.arange(DIGITS), rows, SIDE, seed=seed)
    return Made(pixels, np.where(digit == 0, 10, digit), "label", np.eye(10)[(digit - 1) % 10])


def drawn(
    digits: NDArray[np.int64], rows: int, side: int, *, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Pixels in 0..1, (rows, side²), and classes: digits enlarged to 18×18, somewhere near the middle.

    ``digits`` are row numbers of scikit-learn's set; each row of the result is one of them at random,
    moved by up to a pixel each way and 20 % paler or darker.
    """
    from sklearn.datasets import load_digits

    rng, bunch = np.random.default_rng(seed), load_digits()
    pick = digits[rng.integers(0, len(digits), rows)]
    at = np.linspace(0, 7, 18)
    enlarge = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(8)))
    shades = rng.uniform(0.8, 1.2, (rows, 1, 1)) / 16
    large = np.minimum(enlarge @ bunch.images[pick] @ enlarge.T * shades, 1)
    images = np.zeros((rows, side, side))
    corners = (side - 18) // 2 + rng.integers(-1, 2, (rows, 2))
    for image, digit, (top, left) in zip(images, large, corners, strict=True):
        image[top : top + 18, left : left + 18] = digit
    found: tuple[Any, Any] = (images.reshape(rows, -1), bunch.target[pick])
    return found
