"""Decisions already taken: refused where they name no site or contradict each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from siting.errors import Fault, ScenarioError, nearest_name
from siting.sites import QUALIFYING_BEDS, Sites

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.scenario import Scenario

__all__ = ["read_locks"]


def read_locks(
    scenario: Scenario, sites: Sites, excluded: NDArray[np.bool_]
) -> dict[str, NDArray[Any]]:
    """Return the decisions already taken, refused where they name no site or contradict."""
    where = {name: k for k, name in enumerate(sites.id)}
    locks = scenario.locks
    faults = []
    for key, names in (("open", locks.open), ("forbid", locks.forbid), ("beds", tuple(locks.beds))):
        for name in names:
            if name not in where:
                guess = nearest_name(name, list(where))
                code = "lock_unknown_near" if guess else "lock_unknown"
                faults.append(Fault(code, f"locks.{key}", {"found": name, "guess": guess}))
    if faults:
        raise ScenarioError(*faults)
    is_open, closed = np.zeros(sites.n, dtype=bool), np.zeros(sites.n, dtype=bool)
    beds = np.full(sites.n, -1, dtype=np.int64)
    for name in (*locks.open, *locks.beds):
        is_open[where[name]] = True
    for name in locks.forbid:
        closed[where[name]] = True
    for name, count in locks.beds.items():
        beds[where[name]] = count
    _refuse_contradictions(sites, is_open, closed, excluded, beds)
    return {"locked_open": is_open, "forbidden": closed, "locked_beds": beds}


def _refuse_contradictions(
    sites: Sites,
    is_open: NDArray[np.bool_],
    closed: NDArray[np.bool_],
    excluded: NDArray[np.bool_],
    beds: NDArray[np.int64],
) -> None:
    """Refuse locks that contradict each other, an excluded area or what a site can hold."""
    least = np.where(sites.is_existing, sites.beds, sites.min_beds)
    small = is_open & ~sites.is_existing & (sites.max_beds < np.maximum(least, QUALIFYING_BEDS))
    small &= ~sites.for_functions
    out = (beds >= 0) & ((beds < least) | (beds > sites.max_beds))
    tests = {
        "lock_both": is_open & closed,
        "lock_excluded": is_open & excluded,
        "lock_too_small": small,
        "lock_beds": out & ~small,
    }
    faults = []
    for code, bad in tests.items():
        rows = np.flatnonzero(bad).tolist()
        if rows:
            k = rows[0]
            values = {"found": beds[k], "low": least[k], "high": sites.max_beds[k]}
            faults.append(Fault(code, "locks", values, tuple(str(sites.id[k]) for k in rows)))
    if faults:
        raise ScenarioError(*faults)
