"""A training's side of a company (``together.py``): its place, what it asks for, and how it waits."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from nnspark.data.plan import Plan
from nnspark.engines.base import Function, Shards, Sum
from nnspark.engines.processes import Work

__all__ = ["CalledOff", "Company", "Member", "Request"]


class CalledOff(BaseException):
    """What a training's wait ends with where all are called off."""


@dataclass(eq=False)
class Request:
    """A sum that a training waits for: ``function(blocks, value)`` of all shards."""

    function: Function[Any]
    value: Any
    zero: Callable[[], Any]
    answered: threading.Event = field(default_factory=threading.Event)
    answer: Any = None
    error: BaseException | None = None

    def wait(self) -> Any:
        """The answer, once it is there."""
        self.answered.wait()
        if self.error is not None:
            raise self.error
        return self.answer


class Company(Protocol):
    """Those that train together."""

    shards: Shards

    def ask(self, member: "Member", request: Request) -> Any:
        """Put a training's request to the others', and wait for its answer."""

    def pause(self, member: "Member") -> None:
        """Wait for all that are alive."""

    @property
    def has_helpers(self) -> bool:
        """Whether helpers are ready."""

    def elsewhere(self, work: Work, value: Any, told: Callable[[Any], None]) -> Any:
        """Have a helper do it."""


class Member:
    """One training's place among those that run together, and the shards it trains on.

    ``seconds`` are its share of the time that the jobs took.
    """

    def __init__(self, together: Company, name: Any) -> None:
        self._together, self.name = together, name
        self.seconds, self.outcome, self.error = 0.0, None, None  # type: float, Any, BaseException | None

    @property
    def plan(self) -> Plan:
        """The plan of what all share."""
        return self._together.shards.plan

    @property
    def platforms(self) -> set[str]:
        """What the machines compute with."""
        return self._together.shards.platforms

    def run(self, function: Function[Sum], value: Any, zero: Callable[[], Sum]) -> Sum:
        """``function(blocks, value)`` of every shard, merged: in a job with what the others ask for."""
        total: Sum = self._together.ask(self, Request(function, value, zero))
        return total

    @property
    def is_helped(self) -> bool:
        """Whether there are helpers that could do what this training does next."""
        return self._together.has_helpers

    def elsewhere(self, work: Work, value: Any, told: Callable[[Any], None]) -> Any:
        """What a helper's ``work(shards, value, tell)`` gives; see ``Helpers.work``."""
        return self._together.elsewhere(work, value, told)

    def pause(self) -> None:
        """Wait until ``Together.go_on``: all that are alive wait there, or have asked for a sum first."""
        self._together.pause(self)

    def close(self) -> None:
        """The shards are not this training's to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *about: object) -> None:
        self.close()
