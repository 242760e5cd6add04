"""
The best choice of units from the list of all connected sets that could be units.

A set partitioning problem: each set has its deviation, each zone is in one chosen set, and the
number of sets is known. SciPy's HiGHS solves it; effort is limited by sizes and nodes, never by
the clock, so that the answer is the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_matrix, hstack, identity, vstack

from siting.partition.sets import Aim, Part, connected_sets

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PROVEN", "choose_sets", "deviation_of"]

PROVEN = 1e-6
"""Gap up to which a deviation is proven, as everywhere in Siting."""

MOST_SETS = 120_000
MOST_CHOICES = 5_000
MOST_NODES = 500
SHORTER = (2.0, 1.5, 1.25)
"""Elders over the target at which a list of sets may end."""

ROUNDING = 0.5


def deviation_of(part: Part, aim: Aim, unit: NDArray[np.int64]) -> int:
    """Return the sum of |elders - target| over units, in millionths."""
    elders = np.zeros(int(unit.max()) + 1, dtype=np.int64)
    np.add.at(elders, unit, part.elders)
    return int(np.abs(elders - aim.target).sum())


def choose_sets(
    part: Part, aim: Aim, n_units: int, deviation: int
) -> tuple[int, NDArray[np.int64] | None]:
    """
    Return a bound on the deviation, and units that deviate less than those known, if there are.

    Units deviate by ``deviation`` at most, and by how much surpluses exceed deficits is known: so
    none lies outside a window of elders. The connected sets in the window are listed, and the
    cheapest choice that holds each zone once is sought: first with fractions, which bounds it,
    then whole, among the sets whose reduced cost leaves room. Where the list would be too long it
    ends at fewer elders, and zones may also be in larger units of which only the elders count.
    """
    surplus = int(part.elders.sum()) - n_units * aim.target
    low = max(aim.target - (deviation - surplus) // 2, 0)
    high = aim.target + (deviation + surplus) // 2
    for most in (high, *(int(share * aim.target) for share in SHORTER)):
        if most > high:
            continue
        starts, zones, is_all = connected_sets(part, low, most, aim.area_limit, MOST_SETS)
        if is_all:
            choice = _choice(part, aim, n_units, starts, zones, most if most < high else None)
            return _solved(part, aim, choice, deviation)
    return 0, None


@dataclass(frozen=True)
class _Choice:
    """Cost of each set, rows that a choice must meet, and the zones of each set."""

    cost: NDArray[np.float64]
    rows: csr_matrix
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    member: csr_matrix


def _choice(
    part: Part,
    aim: Aim,
    n_units: int,
    starts: NDArray[np.int64],
    zones: NDArray[np.int64],
    most: int | None,
) -> _Choice:
    """Return the choice among sets; beyond ``most`` elders units are known by their elders only."""
    n, count = len(part.elders), len(starts) - 1
    elders, target = part.elders / 1e6, aim.target / 1e6
    member = csr_matrix((np.ones(len(zones)), zones, starts), shape=(count, n))
    cost = np.abs(member @ elders - target)
    rows = vstack([member.T, np.ones((1, count))]).tocsr()
    side = np.append(np.ones(n), n_units)
    if most is None:
        return _Choice(cost, rows, side, side, member)
    # one column a zone: in a larger unit; one column: how many of these
    larger = vstack([identity(n), np.zeros((1, n))])
    number = csr_matrix(np.append(np.zeros(n), 1.0)[:, None])
    bottom = np.concatenate([np.zeros(count), elders, [-most / 1e6]])
    wide = vstack([hstack([rows, larger, number]), bottom[None, :]]).tocsr()
    return _Choice(
        np.concatenate([cost, elders, [-target]]), wide, np.append(side, 0.0),
        np.append(side, np.inf), member,
    )  # fmt: skip


def _solved(
    part: Part, aim: Aim, choice: _Choice, deviation: int
) -> tuple[int, NDArray[np.int64] | None]:
    """Return a bound on a choice's cost, and the units of a cheaper choice than one known."""
    count, n = choice.member.shape
    exact = choice.low == choice.high
    relaxed = linprog(
        choice.cost, A_eq=choice.rows[exact], b_eq=choice.low[exact], bounds=(0, None),
        A_ub=-choice.rows[~exact] if not exact.all() else None,
        b_ub=-choice.low[~exact] if not exact.all() else None, method="highs",
    )  # fmt: skip
    if relaxed.status != 0:
        return 0, None
    dual = np.zeros(len(exact))
    dual[exact] = relaxed.eqlin.marginals
    dual[~exact] = -relaxed.ineqlin.marginals
    reduced = choice.cost - choice.rows.T @ dual
    kept = np.flatnonzero(reduced <= deviation / 1e6 - relaxed.fun + PROVEN)
    bound = _least(relaxed.fun)
    if len(kept) > MOST_CHOICES:
        return bound, None
    whole = milp(
        choice.cost[kept], integrality=np.ones(len(kept)), bounds=Bounds(0, np.inf),
        constraints=LinearConstraint(choice.rows[:, kept], choice.low, choice.high),
        options={"node_limit": MOST_NODES, "mip_rel_gap": 0.0},
    )  # fmt: skip
    if whole.mip_dual_bound is not None:
        bound = max(bound, _least(whole.mip_dual_bound))
    if whole.x is None:
        return bound, None
    chosen = kept[whole.x > ROUNDING]
    if len(chosen) and chosen.max() >= count:
        return bound, None
    unit = np.full(n, -1, dtype=np.int64)
    for k, each in enumerate(chosen):
        member = choice.member
        unit[member.indices[member.indptr[each] : member.indptr[each + 1]]] = k
    return bound, unit if deviation_of(part, aim, unit) < deviation else None


def _least(value: float) -> int:
    """Return a bound in millionths, less what a solver may be off by."""
    return int(np.floor(value * 1e6 - 1.0))
