"""What is told of a batch while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from siting.batch.job import Outcome

__all__ = ["Ended", "Event", "Staged", "Started"]


@dataclass(frozen=True)
class Started:
    """
    An attempt at a job has begun.

    Attributes
    ----------
    number, attempt
        The job, from 0, and which attempt it is, from 1.
    """

    number: int
    attempt: int


@dataclass(frozen=True)
class Staged:
    """
    A job has come to a stage.

    Attributes
    ----------
    number
        The job, from 0.
    stage, gap, left
        Stage, its gap so far and the seconds left.
    """

    number: int
    stage: str
    gap: float | None
    left: float


@dataclass(frozen=True)
class Ended:
    """
    A job is over: done, kept, failed, or given up after its last attempt.

    Attributes
    ----------
    number, attempts
        The job, from 0, and how many attempts were made.
    outcome
        What became of it.
    """

    number: int
    attempts: int
    outcome: Outcome


Event: TypeAlias = Started | Staged | Ended
