"""The plan of a data set: all that is learned from the rows before they become blocks.

Classes, scaling, split thresholds, numbers of blocks. It is small, fixed before the first epoch,
sent to the executors as it is, and the part of it that prediction needs is kept in the model.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark import recipe as recipe_module
from nnspark.data.affine import Scaling
from nnspark.data.encoding import Encoding
from nnspark.data.fold_numbers import NAMED, number_of, parts_of
from nnspark.data.rows import Rows, hash_rows, split_keys

__all__ = ["Plan", "Scaling", "part_counts", "thresholds"]

Array = NDArray[Any]
EVEN_SHARES = 4
CHUNK_VALUES = 1 << 20


@dataclass(frozen=True)
class Plan:
    """What turns raw rows into blocks, and output activations back into answers.

    ``cuts`` (strata, 2) uint64: a row is a test row below the first, a validation row below the
    second, of its stratum. Of a plan with ``folds`` there are as many cuts: a row is a test row below the
    first, then of fold 0, 1, ...; all folds are training rows (``folds.py``). ``blocks`` numbers of blocks
    of the three parts; ``replicas`` of training rows whose blocks have to stay together, 0 for none.
    ``encoding`` makes features of raw columns, where those are not the same. ``warnings`` are of what was
    asked, ``hints`` of what the rows look like. With ``own_parts`` every row has its part given.
    """

    task: str
    feature_names: tuple[str, ...]
    scaling: Scaling
    dtype: str
    block_rows: int
    split_seed: int
    cuts: NDArray[np.uint64]
    blocks: tuple[int, int, int]
    replicas: int = 0
    folds: int = 0
    classes: Array | None = None
    num_targets: int = 1
    target_scaling: Scaling | None = None
    class_weight: NDArray[np.float64] | None = None
    num_samples: tuple[int, int, int] = (0, 0, 0)
    weighted: bool = False
    fingerprint: str = ""
    warnings: tuple[str, ...] = field(default=())
    encoding: Encoding | None = None
    hints: tuple[str, ...] = ()
    own_parts: bool = False

    @property
    def num_features(self) -> int:
        """Number of features."""
        return len(self.feature_names)

    @property
    def more_validation(self) -> str:
        """What to do where too few rows validate."""
        if self.own_parts:
            return "give some the part 'validation'"
        return "raise data.split.validation"

    @property
    def num_columns(self) -> int:
        """Number of raw columns: those of a row as it is hashed."""
        return self.num_features if self.encoding is None else len(self.encoding.columns)

    @property
    def measured(self) -> NDArray[np.bool_] | None:
        """Which features are to be scaled, where not all are."""
        return None if self.encoding is None else self.encoding.measured

    def encoded(self, raw: Array) -> Array:
        """Features (n, num_features) of raw values (n, num_columns)."""
        return raw if self.encoding is None else self.encoding.apply(raw)

    @property
    def terms(self) -> int:
        """The most training blocks there can be: ``assemble`` may cut a crowded one in pieces."""
        return 2 * self.blocks[0] + 1 + self.num_samples[0] // self.block_rows

    def prepare(
        self,
        features: Array,
        target: Array,
        weight: NDArray[np.float64] | None,
        given: NDArray[np.int8] | None = None,
        hashes: NDArray[np.uint64] | None = None,
        threads: int = 1,
    ) -> Rows:
        """Decide part and block of each row, then encode, scale and cast it.

        ``features`` are raw values (n, num_columns), ``target`` holds class indices (n,) or float64 targets
        (n, outputs); ``given`` is as in ``parts``; ``hashes`` are the rows' own, where they are known. Class
        weights are for training: a training row's weight is multiplied by its class's. So many ``threads``
        share the features.
        """
        if hashes is None:
            hashes = hash_rows(features, target, weight)
        keys = split_keys(hashes, self.split_seed)
        part = self.parts(keys, target, given)
        counts = np.array(self.blocks, dtype=np.uint64)
        if self.folds:
            counts[0] //= self.folds
        block = (hashes[:, 0] % counts[part]).astype(np.int64)
        if self.folds:
            fold = self._ranks(keys, target) - 1
            if given is not None:
                fold = np.where(given >= NAMED, given - NAMED, fold)
            block = np.where(part == 0, number_of(fold, block, self.folds), block)
        if self.class_weight is not None:
            weight = np.where(part == 0, self.class_weight[target], 1.0) * (1.0 if weight is None else weight)
        if self.classes is not None:
            y: Array = target.astype(np.int32)
        else:
            scaled = target if self.target_scaling is None else self.target_scaling.apply(target)
            with np.errstate(over="ignore"):  # what has no room in the type is infinite, and so is the cost
                y = scaled.astype(self.dtype)
        return Rows(part, block, hashes, self._scaled(features, threads), y, weight)

    def _scaled(self, features: Array, threads: int) -> Array:
        """X of raw values, a piece at a time: what lies between the two is the size of a piece."""
        X = np.empty((len(features), self.num_features), self.dtype)
        step = max(1, CHUNK_VALUES // self.num_features)

        def scale(start: int) -> None:
            rows = slice(start, start + step)
            with np.errstate(over="ignore"):
                X[rows] = self.scaling.apply(self.encoded(features[rows]))

        with ThreadPoolExecutor(threads) as pool:  # NumPy lets other threads run
            list((pool.map if threads > 1 else map)(scale, range(0, len(features), step)))
        return X

    def parts(
        self, keys: NDArray[np.uint64], target: Array, given: NDArray[np.int8] | None = None
    ) -> NDArray[np.int8]:
        """Part of each row, an index into ``rows.PARTS``: by its split key where ``given`` is -1 or None.

        From ``NAMED`` on ``given`` names the fold of a training row.
        """
        after = [0] * self.folds or [1, 0]
        part = np.array([2, *after], np.int8)[self._ranks(keys, target)]
        return part if given is None else np.where(given < 0, part, parts_of(given))

    def _ranks(self, keys: NDArray[np.uint64], target: Array) -> NDArray[np.int64]:
        """How many of its stratum's cuts each key has reached."""
        cuts = self.cuts[target] if len(self.cuts) > 1 else self.cuts[:1]
        return np.asarray((keys[:, None] >= cuts).sum(axis=1))


def part_counts(rows: int, split: recipe_module.Split) -> tuple[int, ...]:
    """How many of ``rows`` rows are for test, and for test and validation together.

    Of a split with folds: for test, for test and fold 0 together, and so on, without the last fold.
    """
    test = round(rows * split.test)
    if split.folds:
        return tuple(test + (rows - test) * fold // split.folds for fold in range(split.folds))
    return test, min(test + round(rows * split.validation), rows)


def thresholds(sorted_keys: Sequence[NDArray[np.uint64]], split: recipe_module.Split) -> NDArray[np.uint64]:
    """Cuts for each stratum from its sorted split keys, shape (strata, 2), or (strata, folds).

    The cut is the key of the first row that belongs to the next part, so that equal rows always
    share a part (a part may come out smaller by the number of such ties). It is 0 where the part below has
    no rows, which no key need be known for.
    """
    cuts = np.zeros((len(sorted_keys), split.folds or 2), dtype=np.uint64)
    for stratum, keys in enumerate(sorted_keys):
        for column, rank in enumerate(part_counts(len(keys), split)):
            if rank:
                cuts[stratum, column] = keys[rank] if rank < len(keys) else np.iinfo(np.uint64).max
    return cuts


def num_blocks(rows: int, block_rows: int, replicas: int = 1) -> int:
    """Blocks for a part of ``rows`` rows: a multiple of the replicas.

    More than two come in fours, for even shares on 2 or 4 cores: 5 blocks on 2 take as long as 6.
    """
    least = max(1, math.ceil(rows / block_rows))
    together = math.lcm(replicas, EVEN_SHARES) if least > 2 else replicas
    return together * math.ceil(least / together)
