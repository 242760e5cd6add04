"""What stands in where the search for a scenario's model is stopped before it has an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from siting.classical.ask import Found

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.case import Case

__all__ = ["stopgap"]

ENOUGH = 1e-6


def stopgap(case: Case) -> Found | None:
    """
    Return sites chosen one by one, each with what gains most; it claims nothing.

    None where they do not do what the model has to: reach everyone in reach, or find room for them.
    """
    model, cutoff = case.objective.model, case.objective.cutoff_m
    if model == "capacitated":
        return _with_room_for_all(case)
    rows = _greedy(case)
    must_reach = model in {"p_center", "set_covering"} or (model == "p_median" and cutoff is None)
    near = np.isfinite(np.minimum(case.standing, case.nearest(rows)))
    if must_reach and not near[case.reached].all():
        return None
    return Found(rows, None, None, _by_distance(case, rows) if case.has_room else None)


def _with_room_for_all(case: Case) -> Found | None:
    """Return the cheapest candidates for their room, and more near those still without any."""
    given, asked = case.given, float(case.given.elders[case.reached].sum())
    price = np.maximum(given.costs, 1e-9)
    order = case.free[np.argsort(price[case.free] / given.capacities[case.free], kind="stable")]
    lack = max(asked - float(given.capacities[: given.n_stand].sum()), 0.0)
    rows = order[: int(np.searchsorted(np.cumsum(given.capacities[order]), lack)) + bool(lack)]
    flow = _by_distance(case, rows)
    opened = np.isin(np.arange(len(price)), rows) | given.stands
    pairs = given.distances.tocoo()
    while asked - float(flow.sum()) > ENOUGH * asked:
        left = np.where(case.reached, given.elders - flow.sum(axis=0), 0.0)
        near = np.bincount(pairs.row, weights=left[pairs.col], minlength=len(price))
        gain = np.where(opened, 0.0, np.minimum(near, given.capacities) / price)
        best = int(np.argmax(gain))
        added = _by_distance(case, np.array([best]), left)
        if gain[best] <= 0 or added.sum() <= 0:
            return None
        opened[best] = True
        flow = csr_array(flow + added)
    return Found(np.flatnonzero(opened & ~given.stands), None, None, flow)


def _greedy(case: Case) -> NDArray[np.int64]:
    """Return candidates in the order of what each gains for its price, while they may open."""
    objective = case.objective
    pairs = csr_array(case.given.distances[case.free]).tocoo()
    is_median = objective.model == "p_median"
    far = objective.cutoff_m or float(pairs.data.max(initial=0.0)) + 1.0
    data = pairs.data if is_median else np.zeros(len(pairs.data))
    known = np.minimum(case.standing, far) if is_median else np.isinf(case.standing).astype(float)
    price, money = _prices(case)
    most = case.p_left if objective.p is not None else len(case.free)
    rows: list[int] = []
    while len(rows) < most:
        worth = case.given.elders[pairs.col] * np.maximum(known[pairs.col] - data, 0.0)
        gain = np.bincount(pairs.row, weights=worth, minlength=len(case.free)) / price
        gain[price > money] = -1.0
        best = int(np.argmax(gain)) if len(gain) else -1
        if best < 0 or gain[best] <= 0:
            break
        rows.append(best)
        money -= price[best] if objective.budget_wan_yuan is not None else 0.0
        mine = pairs.row == best
        known[pairs.col[mine]] = np.minimum(known[pairs.col[mine]], data[mine])
    left = [row for row in range(len(case.free)) if row not in set(rows)]
    filled = rows + (left[: most - len(rows)] if objective.p is not None else [])
    return np.asarray(case.free[np.array(filled, dtype=np.int64)])


def _prices(case: Case) -> tuple[NDArray[np.float64], float]:
    """Return what each candidate costs where that counts, and the money that is left."""
    objective = case.objective
    costs = np.maximum(case.given.costs[case.free], 1e-9)
    if objective.budget_wan_yuan is not None:
        spent = float(case.problem.cost(case.base).sum())
        return costs, objective.budget_wan_yuan - spent
    by_cost = objective.minimise == "cost"
    return costs if by_cost else np.ones(len(costs)), np.inf


def _by_distance(
    case: Case, rows: NDArray[np.int64], those: NDArray[np.float64] | None = None
) -> csr_array:
    """
    Return elders by row and point, the shortest ways first, while there is room.

    Parameters
    ----------
    case
        What is asked.
    rows
        Candidates that are open.
    those
        Elders of each point who are without room, for these rows alone; None: all elders, and what
        stands is open too.
    """
    given = case.given
    stand = np.arange(given.n_stand if those is None else 0)
    pairs = given.distances.tocoo()
    kept = np.flatnonzero(np.isin(pairs.row, np.concatenate([stand, rows])))
    room = given.capacities.copy()
    left = (given.elders if those is None else those).copy()
    flow = np.zeros(len(pairs.data))
    for pair in kept[np.argsort(pairs.data[kept], kind="stable")].tolist():
        site, point = pairs.row[pair], pairs.col[pair]
        some = min(room[site], left[point])
        if some <= 0 or (case.objective.single_source and some < given.elders[point]):
            continue
        flow[pair] = some
        room[site] -= some
        left[point] -= some
    used = flow > 0
    return csr_array((flow[used], (pairs.row[used], pairs.col[used])), shape=given.distances.shape)
