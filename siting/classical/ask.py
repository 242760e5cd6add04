"""Each model asked over a scenario's case: inputs transformed, the answer brought back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from siting.classical.capacity import capacitated
from siting.classical.center import p_center
from siting.classical.covering import set_covering
from siting.classical.maximal import maximal_covering, partial_set_covering
from siting.classical.median import p_median
from siting.classical.room import capacitated_maximal_covering
from siting.errors import Fault, InputError, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from siting.classical.answer import ClassicalSolution
    from siting.classical.case import Case

__all__ = ["ASK", "Found"]

KILOMETRE = 1000.0
ENOUGH = 1e-9
"""How far the elders covered may stay below the share asked for, relative to all elders."""


@dataclass(frozen=True)
class Found:
    """
    What a model chose.

    Attributes
    ----------
    rows
        Rows of the candidates to open.
    bound
        Proven for the whole objective, what stands included; None: there was nothing to choose, so
        that the value is its own bound.
    answer
        What the model returned; None where it was not asked.
    flow
        (n, n_demand) elders by row and demand point where capacities count.
    """

    rows: NDArray[np.int64]
    bound: float | None
    answer: ClassicalSolution | None = None
    flow: csr_array | None = None


def _rows_of(case: Case, sites: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of candidates by their numbers among the free ones; others left out."""
    return np.asarray(case.free[sites[sites < len(case.free)]], dtype=np.int64)


def _first(case: Case) -> NDArray[np.int64]:
    """Return as many candidates as are to be opened where it does not matter which."""
    return case.free[: max(case.p_left, 0)]


def _cover(case: Case, points: NDArray[np.bool_]) -> csr_array:
    """Return the distances from candidates to some demand points."""
    return csr_array(case.given.distances[case.free][:, np.flatnonzero(points)])


def ask_set_covering(case: Case, options: dict[str, Any]) -> Found:
    """Cover whomever the standing sites leave uncovered and some candidate could cover."""
    open_points = case.reached & ~np.isfinite(case.standing)
    if not open_points.any():
        return Found(np.empty(0, dtype=np.int64), None)
    solution = set_covering(
        _cover(case, open_points), cutoff_m=_cutoff(case), costs=_prices(case), **options
    )
    rows = _rows_of(case, solution.sites)
    return Found(rows, _stands_at(case) + solution.bound, solution)


def ask_maximal_covering(case: Case, options: dict[str, Any]) -> Found:
    """Cover most of those whom the standing sites leave uncovered."""
    objective, elders = case.objective, case.given.elders
    open_points = case.reached & ~np.isfinite(case.standing)
    covered = float(elders[np.isfinite(case.standing)].sum())
    budget = objective.budget_wan_yuan
    money = None if budget is None else budget - float(case.problem.cost(case.base).sum())
    prices = case.given.costs[case.free]
    if not open_points.any() or (case.p_left < 1 if money is None else _poor(prices, money)):
        return Found(_first(case), None)
    limit = {"p": case.p_left} if money is None else {"budget": money, "costs": prices}
    solution = maximal_covering(
        elders[open_points], _cover(case, open_points), cutoff_m=_cutoff(case), **limit, **options
    )
    return Found(_rows_of(case, solution.sites), covered + solution.bound, solution)


def _poor(prices: NDArray[np.float64], money: float) -> bool:
    """Return whether money buys no site at all."""
    return len(prices) == 0 or money < float(prices.min())


def ask_partial_set_covering(case: Case, options: dict[str, Any]) -> Found:
    """Cover a share of all elders; what stands is one more site that costs nothing."""
    elders, share = case.given.elders, float(case.objective.share or 0.0)
    total, there = float(elders.sum()), float(elders[case.reached].sum())
    if there < (share - ENOUGH) * total:
        raise ScenarioError.of(
            "objective_share", "objective.share", share=f"{share:.4g}",
            found=f"{there / total:.4g}",
        )  # fmt: skip
    stands = csr_array(np.isfinite(case.standing)[None, :].astype(float))
    if float(elders[np.isfinite(case.standing)].sum()) >= (share - ENOUGH) * total:
        return Found(np.empty(0, dtype=np.int64), None)
    stands.data[:] = 0.0
    reach = vstack([case.given.distances[case.free], stands], format="csr")
    solution = partial_set_covering(
        elders, reach, cutoff_m=_cutoff(case), share=share,
        costs=np.concatenate([_prices(case), [0.0]]), **options,
    )  # fmt: skip
    return Found(_rows_of(case, solution.sites), _stands_at(case) + solution.bound, solution)


def _cutoff(case: Case) -> float:
    """Return the cutoff, infinite without one."""
    cutoff = case.objective.cutoff_m
    return float(np.finfo(float).max) if cutoff is None else cutoff


def _prices(case: Case) -> NDArray[np.float64]:
    """Return what each candidate counts in set covering."""
    by_cost = case.objective.minimise == "cost"
    return case.given.costs[case.free] if by_cost else np.ones(len(case.free))


def _stands_at(case: Case) -> float:
    """Return what the locks alone count in set covering."""
    if case.objective.minimise == "cost":
        return float(case.problem.cost(case.base).sum())
    return float(case.opened_by_locks.sum())


def ask_p_median(case: Case, options: dict[str, Any]) -> Found:
    """
    Shorten the way of elders to the nearest facility.

    What stands is one more site, open in any case: a point of its own needs it. With a cutoff it is
    nowhere farther than that, so that no distance counts more.
    """
    elders, cutoff = case.given.elders, case.objective.cutoff_m
    counted = case.reached if cutoff is None else elders > 0
    limit = np.full(len(elders), np.inf if cutoff is None else cutoff)
    known = np.minimum(case.standing, limit)
    nearer = _nearer(case, known, counted)
    moved = np.diff(nearer.tocsc().indptr) > 0
    if case.p_left < 1 or not moved.any():
        _refuse_far(case, known[counted])
        return Found(_first(case), None)
    rest = counted & ~moved
    constant = float(elders[rest] @ known[rest])
    solution = _through(case, p_median, nearer, known, moved, elders, options)
    return Found(_rows_of(case, solution.sites), constant + solution.bound, solution)


def ask_p_center(case: Case, options: dict[str, Any]) -> Found:
    """Shorten the longest way; points that no candidate brings nearer are a floor."""
    known = case.standing
    nearer = _nearer(case, known, case.reached)
    moved = np.diff(nearer.tocsc().indptr) > 0
    if case.p_left < 1 or not moved.any():
        _refuse_far(case, known[case.reached])
        return Found(_first(case), None)
    rest = case.reached & ~moved
    floor = float(known[rest].max(initial=0.0))
    solution = _through(case, p_center, nearer, known, moved, None, options)
    return Found(_rows_of(case, solution.sites), max(floor, solution.bound), solution)


def _nearer(case: Case, known: NDArray[np.float64], counted: NDArray[np.bool_]) -> csr_array:
    """Return the distances from candidates that are shorter than those known already."""
    pairs = csr_array(case.given.distances[case.free]).tocoo()
    kept = (pairs.data < known[pairs.col]) & counted[pairs.col]
    shape = (len(case.free), len(known))
    return csr_array((pairs.data[kept], (pairs.row[kept], pairs.col[kept])), shape=shape)


def _through(
    case: Case, verb: Callable[..., ClassicalSolution], nearer: csr_array,
    known: NDArray[np.float64], moved: NDArray[np.bool_], elders: NDArray[np.float64] | None,
    options: dict[str, Any],
) -> ClassicalSolution:  # fmt: skip
    """Ask a model with what stands as one more site, and a point that needs just that one."""
    columns = np.flatnonzero(moved)
    near = known[columns]
    has = np.flatnonzero(np.isfinite(near))
    p, matrix = case.p_left, csr_array(nearer[:, columns])
    weight = None if elders is None else elders[columns]
    if len(has):
        row = csr_array((near[has], (np.zeros(len(has), int), has)), shape=(1, len(columns)))
        own = csr_array(([0.0], ([len(case.free)], [0])), shape=(len(case.free) + 1, 1))
        matrix = hstack([vstack([matrix, row]), own], format="csr")
        weight = None if weight is None else np.append(weight, 1.0)
        p += 1
    given = () if weight is None else (weight,)
    try:
        return verb(*given, matrix, p=p, **options)
    except InputError as error:
        few = next((each for each in error.faults if each.code == "classical_p_few"), None)
        if few is None:
            raise
        needed = int(few.values["needed"]) - bool(len(has)) + int(case.opened_by_locks.sum())
        raise _few(case, needed) from error


def _few(case: Case, needed: int) -> ScenarioError:
    """Return the error that p sites cannot reach everyone."""
    values = {"p": case.objective.p, "needed": needed}
    center = case.objective.model == "p_center"
    code = "objective_p_few_center" if center else "objective_p_few"
    return ScenarioError(Fault(code, "objective.p", values))


def _refuse_far(case: Case, metres: NDArray[np.float64]) -> None:
    """Refuse that elders whom a candidate could reach stay out of reach."""
    if np.isinf(metres).any():
        raise _few(case, int(case.objective.p or 0) + 1)


def ask_capacitated(case: Case, options: dict[str, Any]) -> Found:
    """Find room for everyone in reach at the least cost of sites and way."""
    objective, given = case.objective, case.given
    counted = np.flatnonzero(case.reached)
    elders, room = given.elders[counted], given.capacities
    if float(room.sum()) < float(elders.sum()):
        raise ScenarioError.of(
            "objective_capacity", "objective", elders=float(elders.sum()),
            found=float(room.sum()), rate=objective.beds_per_10000,
        )  # fmt: skip
    weight = float(objective.wan_yuan_per_elder_km or 0.0) / KILOMETRE
    way = csr_array(given.distances[:, counted]) * weight
    solution = capacitated(
        elders, way, room, costs=given.costs, single_source=objective.single_source, **options
    )
    chosen = solution.sites[solution.sites >= given.n_stand]
    flow = _wide(case, solution.allocation, elders, counted)
    fixed = float(case.problem.cost(case.base).sum())
    return Found(chosen, fixed + solution.bound, solution, flow)


def ask_capacitated_maximal_covering(case: Case, options: dict[str, Any]) -> Found:
    """Find room for most elders within the cutoff; a site without room stands in for p = 0."""
    given = case.given
    counted = np.flatnonzero(case.reached)
    if not len(counted):
        return Found(_first(case), None, None, csr_array(given.distances.shape))
    free = case.free if case.p_left > 0 else case.free[:0]
    order = np.concatenate([np.arange(given.n_stand), free]).astype(np.int64)
    distances, room = csr_array(given.distances[order][:, counted]), given.capacities[order]
    if case.p_left < 1:
        distances, room = csr_array(vstack([distances, distances[:1] * 0])), np.append(room, 0.0)
    solution = capacitated_maximal_covering(
        given.elders[counted], distances, room, cutoff_m=_cutoff(case), p=max(case.p_left, 1),
        already_open=np.arange(given.n_stand), single_source=case.objective.single_source,
        **options,
    )  # fmt: skip
    chosen = solution.sites[(solution.sites >= given.n_stand) & (solution.sites < len(order))]
    flow = _wide(case, solution.allocation, given.elders[counted], counted, order)
    return Found(order[chosen], solution.bound, solution, flow)


def _wide(
    case: Case, allocation: Any, elders: NDArray[np.float64], counted: NDArray[np.int64],
    order: NDArray[np.int64] | None = None,
) -> csr_array:  # fmt: skip
    """Return an allocation as elders by row and demand point of the case."""
    if isinstance(allocation, np.ndarray):
        served = np.flatnonzero(allocation >= 0)
        site, column, flow = allocation[served], served, elders[served]
    else:
        pairs = allocation.tocoo()
        site, column, flow = pairs.row, pairs.col, pairs.data
    rows = site if order is None else np.append(order, 0)[site]
    return csr_array((flow, (rows, counted[column])), shape=case.given.distances.shape)


ASK: dict[str, Callable[[Case, dict[str, Any]], Found]] = {
    "set_covering": ask_set_covering,
    "maximal_covering": ask_maximal_covering,
    "partial_set_covering": ask_partial_set_covering,
    "p_median": ask_p_median,
    "p_center": ask_p_center,
    "capacitated": ask_capacitated,
    "capacitated_maximal_covering": ask_capacitated_maximal_covering,
}
"""How each model is asked."""
