"""A first plan, quickly: cover what pays most, drop what is not needed, fill the beds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from siting.decisions import Decisions, unit_beds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.problem import Layout, Problem
    from siting.reduce import CoverGroups

__all__ = ["first_plan"]

HIGH, MEDIUM = 2, 1


class _Purse:
    """What the limits still allow."""

    def __init__(self, problem: Problem) -> None:
        limits = problem.limits
        self.money = np.inf if limits.budget_wan_yuan is None else limits.budget_wan_yuan
        self.sites = np.inf if limits.max_new_sites is None else limits.max_new_sites

    def take(self, cost: float, *, new: bool) -> None:
        """Spend."""
        self.money -= cost
        self.sites -= new


def first_plan(
    problem: Problem, decisions: Decisions, groups: CoverGroups, *, like: Layout | None = None
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """
    Return a plan by greedy choice, within the limits: decisions taken and beds added.

    It is where the exact search starts from, and what stands if the search finds nothing; it claims
    no optimality. Separate places are not looked at.

    Parameters
    ----------
    problem, decisions, groups
        The problem, what is left to decide, and its merged demand points.
    like
        An older plan that is taken over as far as decisions and limits allow, then completed.
    """
    taken = decisions.must.copy()
    added = np.where(taken, decisions.low, 0)
    purse = _Purse(problem)
    price = decisions.fixed_cost + decisions.cost_per_bed * decisions.low
    for decision in np.flatnonzero(taken).tolist():
        purse.take(float(price[decision]), new=bool(decisions.is_new[decision]))
    if like is not None:
        _take_over(problem, decisions, like, taken, added, purse)
    for number in (HIGH, MEDIUM):
        _cover(number, decisions, groups, taken, added, price, purse)
    if like is None:
        _drop(decisions, groups, taken, added, price, purse)
    _fill(problem, decisions, taken, added, purse)
    return taken, added


def _take_over(
    problem: Problem,
    decisions: Decisions,
    like: Layout,
    taken: NDArray[np.bool_],
    added: NDArray[np.int64],
    purse: _Purse,
) -> None:
    """Take the decisions that an older plan took, with its beds, while the money lasts."""
    more = problem.added_beds(like)[decisions.site]
    fixed, each = decisions.fixed_cost, decisions.cost_per_bed
    for decision in np.flatnonzero(more > 0).tolist():
        beds = int(np.clip(more[decision], decisions.low[decision], decisions.high[decision]))
        is_new = not taken[decision]
        cost = float(each[decision] * (beds - added[decision]) + fixed[decision] * is_new)
        opens = bool(is_new and decisions.is_new[decision])
        if cost > purse.money or (opens and purse.sites < 1):
            continue
        taken[decision], added[decision] = True, beds
        purse.take(cost, new=opens)


def _cover(
    number: int,
    decisions: Decisions,
    groups: CoverGroups,
    taken: NDArray[np.bool_],
    added: NDArray[np.int64],
    price: NDArray[np.float64],
    purse: _Purse,
) -> None:
    """Take decisions in the order of elders newly covered for the money, while it lasts."""
    matrix = groups.covered_by
    weight = np.where(groups.density_class == number, groups.elders, 0.0)
    weight[np.asarray(matrix @ taken.astype(float)) > 0] = 0.0
    columns = matrix.T.tocsr()
    while True:
        gain = np.asarray(columns @ weight)
        gain[taken | (price > purse.money) | (decisions.is_new & (purse.sites < 1))] = 0.0
        best = int(np.argmax(gain / np.maximum(price, 1e-9))) if len(gain) else -1
        if best < 0 or gain[best] <= 0:
            return
        taken[best], added[best] = True, decisions.low[best]
        purse.take(float(price[best]), new=bool(decisions.is_new[best]))
        weight[columns.indices[columns.indptr[best] : columns.indptr[best + 1]]] = 0.0


def _drop(
    decisions: Decisions,
    groups: CoverGroups,
    taken: NDArray[np.bool_],
    added: NDArray[np.int64],
    price: NDArray[np.float64],
    purse: _Purse,
) -> None:
    """Give up decisions, the dearest first, whose groups others cover too."""
    matrix = groups.covered_by
    columns = matrix.T.tocsr()
    times = np.asarray(matrix @ taken.astype(float))
    for decision in np.argsort(-price, kind="stable").tolist():
        if not taken[decision] or decisions.must[decision]:
            continue
        mine = columns.indices[columns.indptr[decision] : columns.indptr[decision + 1]]
        if (times[mine] > 1).all():
            times[mine] -= 1
            taken[decision], added[decision] = False, 0
            purse.take(-float(price[decision]), new=False)
            purse.sites += bool(decisions.is_new[decision])


def _fill(
    problem: Problem,
    decisions: Decisions,
    taken: NDArray[np.bool_],
    added: NDArray[np.int64],
    purse: _Purse,
) -> None:
    """Add beds where units lack them: first to decisions taken, then by taking more."""
    need, stand, _ = unit_beds(problem, decisions)
    unit = problem.site_unit[decisions.site]
    per_bed = decisions.fixed_cost / np.maximum(decisions.high, 1) + decisions.cost_per_bed
    for number in range(len(need)):
        here = np.flatnonzero((unit == number) & decisions.counts)
        has = stand[number] + (added[here] + decisions.bonus[here] * taken[here]).sum()
        lack = int(need[number] - has)
        open_first = here[np.lexsort((decisions.cost_per_bed[here], ~taken[here]))]
        closed = here[~taken[here]]
        order = [
            *open_first[taken[open_first]],
            *closed[np.argsort(per_bed[closed], kind="stable")],
        ]
        for decision in order:
            if lack <= 0:
                break
            lack -= _add_beds(int(decision), lack, decisions, taken, added, purse)


def _add_beds(
    decision: int,
    lack: int,
    decisions: Decisions,
    taken: NDArray[np.bool_],
    added: NDArray[np.int64],
    purse: _Purse,
) -> int:
    """Add as many beds of those lacking as the site and the purse allow; return how many."""
    each = float(decisions.cost_per_bed[decision])
    if taken[decision]:
        most = int(decisions.high[decision] - added[decision])
        count = max(min(most, lack, _affordable(purse.money, each)), 0)
        added[decision] += count
        purse.take(count * each, new=False)
        return count
    fixed, low = float(decisions.fixed_cost[decision]), int(decisions.low[decision])
    wanted = min(max(lack - int(decisions.bonus[decision]), low), int(decisions.high[decision]))
    count = min(wanted, _affordable(purse.money - fixed, each))
    if count < low or (decisions.is_new[decision] and purse.sites < 1):
        return 0
    taken[decision], added[decision] = True, count
    purse.take(fixed + count * each, new=bool(decisions.is_new[decision]))
    return count + int(decisions.bonus[decision])


def _affordable(money: float, each: float) -> int:
    """Return how many beds the money buys; a billion where beds cost nothing."""
    if money < 0:
        return -1
    return 10**9 if each <= 0 or not np.isfinite(money) else int(money / each + 1e-9)
