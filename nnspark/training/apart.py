"""Trainings apart: each in a process of its own, where all rows lie in this process and are few.

An evaluation of few rows is mostly Python, and threads take turns at that. So where the trainings of a search
will take ``HELP_FROM`` together (``together.py``), helpers are started that hold the same rows, and each
training goes on in one: from its progress to its next stop, or to its end. That is what a resume does, so
no bit changes.

    together, an epoch ──> are there helpers? ──no──> together, the next epoch
                                  └──yes──> a leg in a helper ──> a stop: ``at_stop`` here ──> the next leg
"""

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import NamedTuple

from nnspark.data.rows import PARTS
from nnspark.engines.base import Shards
from nnspark.engines.folds import View
from nnspark.engines.processes import LostError
from nnspark.recipe import Recipe
from nnspark.training.loop import Trained, train
from nnspark.training.members import Member
from nnspark.training.state import Epoch, Progress, Row

__all__ = ["Leg", "Told", "train_in_company", "train_leg"]

TELL_EVERY = 0.2  # seconds; progress has the optimizer's memory in it

After = Callable[[Sequence[Row], Progress], None]
"""Called with the history of an epoch or of several, and the progress after the last."""


class Leg(NamedTuple):
    """A part of a training; see ``train_in_company``."""

    recipe: Recipe
    view: View
    start: Progress
    seconds: float
    stops: Collection[int]
    measured: Sequence[str]
    tell_every: float


class Told(NamedTuple):
    """What a leg tells on its way: the history since it told last, and its progress."""

    rows: list[Row]
    progress: Progress


class Reached(NamedTuple):
    """How a leg ended: at a stop, where ``trained`` is None, or with its training. It took ``seconds``."""

    trained: Trained | None
    seconds: float


class _LeftError(Exception):
    """Ends a training where it stands: it goes on elsewhere."""


def train_in_company(
    member: Member,
    view: View,
    recipe: Recipe,
    start: Progress,
    after: After,
    *,
    seconds: float = 0.0,
    stops: Collection[int] = (),
    at_stop: Callable[[Progress], object] = lambda progress: None,
    measured: Sequence[str] = PARTS,
) -> Trained:
    """Train as ``train`` does, together with the others; apart, once there are helpers.

    Parameters
    ----------
    view : what it sees of the shards.
    start, seconds : where it begins, and the seconds of training up to there.
    after : called after each epoch, or with several, always in this process; the others wait meanwhile.
    stops : epochs after which ``at_stop`` is called, unless the training has ended there by itself.
    """
    here = view(member)
    last, began = start, time.monotonic() - seconds

    def remember(rows: Sequence[Row], progress: Progress) -> None:
        nonlocal last
        last = progress
        after(rows, progress)

    def after_each(epoch: Epoch) -> None:
        remember([epoch.row], epoch.progress)
        if not epoch.progress.stop.reason:
            if epoch.progress.epoch in stops:
                at_stop(epoch.progress)
            if member.is_helped:
                raise _LeftError

    def told(what: Told) -> None:
        remember(what.rows, what.progress)

    if start.epoch in stops and not start.stop.reason:  # a resume may begin where the others were waited for
        at_stop(start)
    try:
        return train(recipe, here, start=start, seconds=seconds, callbacks=[after_each], measured=measured)
    except _LeftError:
        seconds = time.monotonic() - began
    with suppress(LostError):
        while True:
            leg = Leg(recipe, view, last, seconds, stops, measured, TELL_EVERY)
            reached: Reached = member.elsewhere(train_leg, leg, told)
            seconds += reached.seconds
            member.seconds += reached.seconds
            if reached.trained is not None:
                return reached.trained
            at_stop(last)
    return train_in_company(
        member, view, recipe, last, after, seconds=seconds, stops=stops, at_stop=at_stop, measured=measured
    )


def train_leg(shards: Shards, leg: Leg, tell: Callable[[Told], None]) -> Reached:
    """Work of a helper: train to the next stop or to the end; all that happens is told before it returns."""
    began = told_at = time.monotonic()
    rows: list[Row] = []
    progress = leg.start

    def tell_all() -> None:
        nonlocal told_at
        if rows:
            tell(Told(rows.copy(), progress))
            rows.clear()
        told_at = time.monotonic()

    def after(epoch: Epoch) -> None:
        nonlocal progress
        progress = epoch.progress
        rows.append(epoch.row)
        if time.monotonic() - told_at >= leg.tell_every:
            tell_all()
        if progress.epoch in leg.stops and not progress.stop.reason:
            raise _LeftError

    trained = None
    try:
        trained = train(
            leg.recipe,
            leg.view(shards),
            start=leg.start,
            seconds=leg.seconds,
            callbacks=[after],
            measured=leg.measured,
        )
    except _LeftError:
        pass
    finally:
        tell_all()
    return Reached(trained, time.monotonic() - began)
