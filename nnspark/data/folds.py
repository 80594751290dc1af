"""Folds: the same blocks for every fold of a cross-validation.

The rows that are no test rows are cut in F folds by their split keys, and every fold has blocks of its own.
A run of fold f trains on the blocks of the others and validates on those of f, so that the runs of all folds
can share blocks on disk and passes over them. What is fitted to a run's training rows differs from fold to
fold: where the recipe asks for it, blocks hold the rows as they were read, and a run sees them through its
``Fold``.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnspark.data.affine import Scaling
from nnspark.data.fold_numbers import fold_of
from nnspark.data.rows import Block, BlockSet, Span
from nnspark.recipe import Recipe

__all__ = ["Fold", "FoldSets", "is_fitted", "scales_of", "shared_recipe"]

Array = NDArray[Any]
FITTED = ("standard", "minmax", "log")


def is_fitted(recipe: Recipe) -> bool:
    """Whether features or targets are scaled by what the training rows are."""
    return recipe.data.scale in FITTED or recipe.data.target_scale in FITTED


def scales_of(recipe: Recipe) -> tuple[Any, str]:
    """How features and targets are scaled as rows are laid out: not yet where each fold has its own way."""
    if recipe.data.split.folds and is_fitted(recipe):
        return "none", "none"
    return recipe.data.scale, recipe.data.target_scale


def shared_recipe(recipe: Recipe) -> Recipe:
    """The recipe by which rows are laid out for all folds: nothing they hold depends on which rows train.

    It still says how data are scaled, as rows are read and refused by that; ``scales_of`` says what is done.
    """
    data, training = recipe.data, replace(recipe.training, class_weight="none")
    data = replace(data, split=replace(data.split, fold=0))
    if is_fitted(recipe):
        training = replace(training, dtype="float64")
    return replace(recipe, data=data, training=training)


@dataclass(frozen=True)
class Fold:
    """How a run of one fold sees blocks that all folds share.

    ``fold`` validates, -1 for none. Scalings are None where blocks hold scaled rows already; ``class_weight``
    (classes,) multiplies the training rows' weights.
    """

    folds: int
    fold: int
    dtype: str
    scaling: Scaling | None = None
    target_scaling: Scaling | None = None
    class_weight: NDArray[np.float64] | None = None

    def seen(self, blocks: BlockSet) -> "FoldSet":
        """The blocks as a run of this fold has them."""
        spans = blocks.spans if self.fold < 0 else _seen(blocks.spans, self.folds, self.fold)
        return FoldSet(blocks.X, blocks.y, blocks.weight, spans, self)

    def prepared(self, block: Block) -> Block:
        """A block's rows scaled and weighted for this run."""
        X, y, weight = block.X, block.y, block.weight
        if self.scaling is not None:
            X = self.scaling.apply(X).astype(self.dtype, copy=False)
        if y.dtype.kind == "f":
            y = y if self.target_scaling is None else self.target_scaling.apply(y)
            y = y.astype(self.dtype, copy=False)
        if self.class_weight is not None and block.part == "train":
            weight = self.class_weight[y] * (1.0 if weight is None else weight)
        return Block(block.part, block.index, X, y, weight)


@lru_cache(maxsize=256)  # every evaluation asks
def _seen(spans: tuple[Span, ...], folds: int, fold: int) -> tuple[Span, ...]:
    """Training blocks' parts and numbers in a run: numbers go on without the fold's own blocks."""

    def one(span: Span) -> Span:
        block, rest = divmod(span.number, folds)
        if fold_of(span.number, folds) == fold:
            return span._replace(part="validation", number=block)
        return span._replace(number=block * (folds - 1) + rest - (rest > (fold + block) % folds))

    return tuple(one(span) if span.part == "train" else span for span in spans)


@dataclass(frozen=True)
class FoldSet(BlockSet):
    """Blocks as one fold's run sees them, prepared as they are asked for."""

    fold: Fold

    def block(self, span: Span) -> Block:
        """One block, prepared."""
        return self.fold.prepared(super().block(span))

    def replicas(self, count: int, num_blocks: int) -> Iterator[Block]:
        """The training rows of each replica here, joined: the validating fold's blocks lie between them."""
        train = [span for span in self.spans if span.part == "train"]
        for replica, spans in groupby(train, lambda span: span.number * count // num_blocks):
            yield _joined(replica, [self.block(span) for span in spans])


class FoldSets:
    """Sets of blocks as one fold's run sees them, any number of times."""

    def __init__(self, fold: Fold, sets: Iterable[BlockSet]) -> None:
        self._fold, self._sets = fold, sets

    def __iter__(self) -> Iterator[BlockSet]:
        return map(self._fold.seen, self._sets)


def _joined(index: int, blocks: Sequence[Block]) -> Block:
    weight = None
    if blocks[0].weight is not None:
        weight = np.concatenate([block.weight for block in blocks])
    X, y = (np.concatenate(pieces) for pieces in zip(*((b.X, b.y) for b in blocks), strict=True))
    return Block("train", index, X, y, weight)
