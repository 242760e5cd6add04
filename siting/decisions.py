"""What is left to decide: opening a candidate, extending a home."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from siting.ceiling import room_for_beds
from siting.problem import Problem, beds_required
from siting.sites import QUALIFYING_BEDS
from siting.units import NO_UNIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Decisions", "find_decisions", "unit_beds"]


@dataclass(frozen=True)
class Decisions:
    """
    The yes-or-no decisions that are left: opening a candidate, extending a home.

    Attributes
    ----------
    site
        (n,) site of each decision, ascending.
    low, high
        (n,) fewest and most beds added if taken.
    bonus
        (n,) beds that begin to count if taken: those of a home that was too small to qualify.
    fixed_cost, cost_per_bed
        (n,) cost of taking it at all, and of each added bed, 万元.
    must
        (n,) taken in any case, by a lock.
    is_new
        (n,) opens a candidate.
    covers
        (n,) the site begins to qualify, so it begins to cover and to be a place.
    counts
        (n,) beds there count; not where a lock extends a home that does not qualify even so.
    always
        (n_sites,) facilities that qualify whatever is decided.
    stays
        (n_sites,) homes that stay, qualifying or not.
    """

    site: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    bonus: NDArray[np.int64]
    fixed_cost: NDArray[np.float64]
    cost_per_bed: NDArray[np.float64]
    must: NDArray[np.bool_]
    is_new: NDArray[np.bool_]
    covers: NDArray[np.bool_]
    counts: NDArray[np.bool_]
    always: NDArray[np.bool_]
    stays: NDArray[np.bool_]

    @property
    def n(self) -> int:
        """Number of decisions."""
        return len(self.site)

    @property
    def open_anyway(self) -> NDArray[np.bool_]:
        """(n_sites,) facilities that qualify in any plan: those of today, and decisions taken."""
        found = self.always.copy()
        found[self.site[self.must & self.covers]] = True
        return found


def find_decisions(problem: Problem) -> Decisions:
    """
    Return what is left to decide in a problem.

    A candidate that may open is a decision; so is a qualifying kind of home with room to extend.
    A home of fewer than 10 beds is extended to 10 or not at all, as fewer would count for nothing;
    a lock on its beds holds all the same.
    """
    sites = problem.sites
    stays = sites.is_existing & ~problem.forbidden
    always = stays & sites.institution & (sites.beds >= QUALIFYING_BEDS)
    locked = problem.locked_beds >= 0
    room = np.where(locked, problem.locked_beds, room_for_beds(problem)) - sites.beds
    counts = sites.institution & (sites.beds + room >= QUALIFYING_BEDS)
    small = stays & counts & ~always
    extendable = stays & (room > 0) & (counts | locked)
    candidates = problem.usable()
    chosen = np.flatnonzero(candidates | extendable)
    low = np.where(
        sites.is_existing,
        np.where(small, QUALIFYING_BEDS - sites.beds, 1),
        sites.min_beds,
    )
    low = np.where(locked, room, low)
    must = np.where(sites.is_existing, locked, problem.locked_open)
    return Decisions(
        site=chosen,
        low=low[chosen],
        high=room[chosen],
        bonus=np.where(small, sites.beds, 0)[chosen],
        fixed_cost=sites.fixed_cost[chosen],
        cost_per_bed=sites.cost_per_bed[chosen],
        must=must[chosen].astype(bool),
        is_new=candidates[chosen],
        covers=((candidates & sites.institution) | small)[chosen],
        counts=counts[chosen],
        always=always,
        stays=stays,
    )


def unit_beds(problem: Problem, decisions: Decisions) -> tuple[NDArray[np.int64], ...]:
    """
    Return, for each planning unit, the beds required, those that stand anyway, and the most.

    Required is what the enforced rules ask for, the most where there are several.
    Units outside every area have no duty: nothing could be told where their beds should stand.
    """
    n = len(problem.unit_id)
    need = np.zeros(n, dtype=np.int64)
    for rule in problem.bed_rules:
        if rule.enforce:
            rate = rule.parameters.beds_per_10000
            need = np.maximum(need, beds_required(problem.unit_elders(), rate))
    need[problem.unit_id == NO_UNIT] = 0
    stand = _sum_by_unit(problem, np.where(decisions.always, problem.sites.beds, 0))
    most = np.zeros(len(decisions.always), dtype=np.int64)
    most[decisions.site] = np.where(decisions.counts, decisions.bonus + decisions.high, 0)
    return need, stand, stand + _sum_by_unit(problem, most)


def _sum_by_unit(problem: Problem, beds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return beds summed over the sites of each unit."""
    inside = problem.site_unit >= 0
    total = np.bincount(
        problem.site_unit[inside], weights=beds[inside], minlength=len(problem.unit_id)
    )
    return np.asarray(np.round(total), dtype=np.int64)
