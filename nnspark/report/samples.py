"""Show rows as pictures where the features form a square image: the mistakes first, then some right ones."""

import base64
import math
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.report.record import Samples
from nnspark.report.series import LARGEST_DRAWN
from nnspark.report.templates import fill
from nnspark.report.text import plural, shorten

WRONG_SHOWN, RIGHT_SHOWN, LARGEST_SIDE = 24, 12, 96


def pick_samples(features: NDArray[Any], true: Sequence[Any], predicted: Sequence[Any]) -> Samples | None:
    """Return the rows worth showing, wrong ones first, or None where a row is no square image of 4×4 or more.

    Parameters
    ----------
    features : (num_samples, num_features), scaled or not.
    true, predicted : num_samples labels each.
    """
    side = math.isqrt(features.shape[1]) if features.ndim == 2 else 0
    if side < 4 or side * side != features.shape[1] or len(features) == 0:
        return None
    wrong = [at for at, (y, guess) in enumerate(zip(true, predicted, strict=True)) if y != guess]
    right = sorted(set(range(len(features))) - set(wrong))
    rows = wrong[:WRONG_SHOWN] + right[:RIGHT_SHOWN]
    return features[rows].reshape(-1, side, side), [true[at] for at in rows], [predicted[at] for at in rows]


def draw_samples(samples: Samples) -> str:
    """Return the gallery; grey levels run over the range of all the images shown."""
    images, true, predicted = samples
    pixels = np.nan_to_num(np.asarray(images, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    pixels = pixels.clip(-LARGEST_DRAWN, LARGEST_DRAWN)
    triples = list(zip(_grey(pixels), true, predicted, strict=True))
    wrong = [triple for triple in triples if triple[1] != triple[2]]
    right = [triple for triple in triples if triple[1] == triple[2]]
    return _gallery("Wrong", wrong, WRONG_SHOWN) + _gallery("Right", right, RIGHT_SHOWN)


def png(grey: NDArray[np.uint8]) -> bytes:
    """Return a (h, w) image as an 8-bit greyscale PNG (ISO/IEC 15948)."""
    height, width = grey.shape
    lines = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(grey))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def _grey(pixels: NDArray[np.float64]) -> NDArray[np.uint8]:
    step = max(1, math.ceil(max(pixels.shape[1:]) / LARGEST_SIDE))
    pixels = pixels[:, ::step, ::step]
    if pixels.size == 0:
        return pixels.astype(np.uint8)
    low, high = float(pixels.min()), float(pixels.max())
    scale = 255 / (high - low) if 0 < high - low < math.inf else 0.0
    return np.rint((pixels - low) * scale).astype(np.uint8)


def _gallery(name: str, triples: Sequence[tuple[NDArray[np.uint8], Any, Any]], most: int) -> str:
    if not triples:
        return ""
    shown = triples[:most]
    count = (
        f"{len(shown)} of {plural(len(triples), 'row')}" if len(triples) > most else plural(len(shown), "row")
    )
    tiles = (_tile(*triple) for triple in shown)
    return fill("gallery", name=name, kind=name.lower(), count=count, tiles=tiles)


def _tile(grey: NDArray[np.uint8], true: Any, predicted: Any) -> str:
    data = base64.b64encode(png(grey)).decode("ascii")
    said = shorten(true, length=12)
    if true != predicted:
        said = fill("taken-for", true=said, predicted=shorten(predicted, length=12))
    return fill("tile", png=data, said=said)
