"""What a later layout leaves room for: an earlier one may not have more anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.problem import Problem

__all__ = ["Room", "room_for", "room_for_beds", "room_for_function"]


@dataclass(frozen=True)
class Room:
    """
    The most that may be added at each site.

    Attributes
    ----------
    nursing, turned, dementia
        (n_sites,) new nursing beds, beds turned into nursing beds, dementia beds.
    """

    nursing: NDArray[np.int64]
    turned: NDArray[np.int64]
    dementia: NDArray[np.int64]


def room_for_beds(problem: Problem) -> NDArray[np.int64]:
    """Return the most beds of each site in all: what it can hold, and no more than later."""
    most, later = problem.sites.max_beds, problem.ceiling
    return most if later is None else np.minimum(most, later.beds)


def room_for(problem: Problem) -> Room:
    """
    Return the most nursing and dementia beds that may be added at each site.

    Beds are turned only as far as the later layout turns them: else a bed that was paid for once
    would be paid for again as a new one.
    """
    sites, later = problem.sites, problem.ceiling
    if later is None:
        return Room(sites.max_beds, problem.turnable_beds(), sites.max_beds)
    new, turned = problem.split_nursing(later)
    dementia = later.dementia_beds - np.where(sites.is_existing, sites.dementia_beds, 0)
    return Room(new, turned, np.maximum(dementia, 0))


def room_for_function(problem: Problem, function: str) -> NDArray[np.bool_]:
    """Return the sites at which the later layout has a function; every site where there is none."""
    if problem.ceiling is None:
        return np.ones(problem.sites.n, dtype=bool)
    stands = problem.ceiling.functions
    return np.array([function in (each or ()) for each in stands], dtype=bool)
