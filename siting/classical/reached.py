"""What a layout reaches in a classical model, measured from its facilities outward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import cKDTree

from siting.errors import UnsolvedError
from siting.reach import DISTANCE_TOLERANCE_M, Snap, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from siting.classical.case import Case
    from siting.problem import Layout

__all__ = ["figures", "idle_rows", "measured", "metres_to", "refuse_overfull"]

KILOMETRE = 1000.0
OVER = 1e-6
"""How far elders may pass the room of a site through rounding, relative."""


def metres_to(case: Case, layout: Layout) -> NDArray[np.float64]:
    """
    Return the distance of every demand point to the nearest facility that takes part.

    Measured anew over the whole network, or in a straight line, and not cut off; infinite where
    there is none.
    """
    problem, prepared = case.problem, case.prepared
    counts = problem.qualifies(layout)
    if case.objective.existing == "ignore":
        counts = counts & ~problem.sites.is_existing
    rows = np.flatnonzero(counts)
    if not len(rows):
        return np.full(len(problem.elders), np.inf)
    if prepared.scenario.distance == "straight":
        return np.asarray(cKDTree(problem.sites.xy[rows]).query(problem.demand_xy)[0])
    network, sites, demand = prepared.network, prepared.site_snap, prepared.demand_snap
    if network is None or sites is None or demand is None:  # pragma: no cover - refused before
        raise ValueError("distances along roads need roads")
    start = Snap(sites.edge[rows], sites.offset_m[rows], sites.leg_m[rows])
    metres = nearest(network, start, demand)[1]
    return np.where(np.isnan(metres), np.inf, metres)


def measured(case: Case, layout: Layout, flow: csr_array | None) -> float:
    """
    Return the value of the model that a layout reaches.

    Elders for the covering models, sites or 万元 for set covering, elder-metres, metres, or 万元
    with the way.

    Parameters
    ----------
    case
        What is asked.
    layout
        The layout.
    flow
        Elders by row and demand point where capacities count.
    """
    objective, elders, cost = case.objective, case.problem.elders, case.problem.cost(layout)
    model, cutoff = objective.model, objective.cutoff_m
    if model == "capacitated_maximal_covering":
        return float(flow.sum()) if flow is not None else 0.0
    if model == "capacitated":
        way = 0.0 if flow is None else float((flow * case.given.distances).sum())
        return float(cost.sum()) + way * float(objective.wan_yuan_per_elder_km or 0.0) / KILOMETRE
    if model in {"set_covering", "partial_set_covering"}:
        new = case.problem.qualifies(layout) & ~case.problem.sites.is_existing
        return float(cost.sum()) if objective.minimise == "cost" else float(new.sum())
    metres = metres_to(case, layout)
    if model == "maximal_covering":
        return float(elders[_within(metres, cutoff)].sum())
    if model == "p_center":
        return float(metres[case.reached & _within(metres, cutoff)].max(initial=0.0))
    counted = elders > 0 if cutoff is not None else case.reached & np.isfinite(metres)
    capped = np.minimum(metres, np.inf if cutoff is None else cutoff)
    return float(elders[counted] @ capped[counted])


def _within(metres: NDArray[np.float64], cutoff_m: float | None) -> NDArray[np.bool_]:
    """Return which distances are within a cutoff, inclusive; without one all that there are."""
    limit = np.inf if cutoff_m is None else cutoff_m + DISTANCE_TOLERANCE_M
    return np.isfinite(metres) & (metres <= limit)


def figures(case: Case, layout: Layout, flow: csr_array | None) -> dict[str, Any]:
    """Return what a planner asks next: who is out of reach, covered, how far, without room."""
    elders, reached = case.problem.elders, case.reached
    cutoff, out = case.objective.cutoff_m, ~case.reached & (case.problem.elders > 0)
    metres = metres_to(case, layout)
    before = metres_to(case, case.problem.existing_layout())
    covered, had = (float(elders[_within(each, cutoff)].sum()) for each in (metres, before))
    near = reached & np.isfinite(metres)
    there = float(elders[near].sum())
    found: dict[str, Any] = {
        "elders_in_reach": float(elders[reached].sum()),
        "elders_out_of_reach": float(elders[out].sum()),
        "points_out_of_reach": int(out.sum()),
        "elders_covered_existing": had,
        "elders_covered": covered,
        "mean_distance_m": float(elders[near] @ metres[near]) / there if there else 0.0,
        "longest_distance_m": float(metres[near].max(initial=0.0)),
    }
    if case.has_room:
        served = 0.0 if flow is None else float(flow.sum())
        found |= {
            "elders_served": served,
            "elders_without_room": max(found["elders_in_reach"] - served, 0.0),
        }
    return found


def idle_rows(
    case: Case, rows: NDArray[np.int64], flow: csr_array | None, value: float
) -> NDArray[np.int64]:
    """
    Return opened candidates without which the value would be the same, all of them left out.

    Parameters
    ----------
    case
        What is asked.
    rows
        Rows of the candidates opened.
    flow
        Elders by row and demand point where capacities count.
    value
        Value reached.
    """
    if flow is not None:
        return rows[np.asarray(flow.sum(axis=1)).ravel()[rows] <= 0]
    stand = np.arange(case.given.n_stand)
    if case.objective.model == "p_median":
        nearest_row = _nearest_rows(case, np.concatenate([stand, rows]))
        return rows[~np.isin(rows, nearest_row)]
    radius = value if case.objective.model == "p_center" else np.inf
    counted, idle = case.problem.elders > 0, []
    points = {row: _points(case, row, radius, counted) for row in [*stand.tolist(), *rows.tolist()]}
    times = np.zeros(len(counted), dtype=np.int64)
    for mine in points.values():
        times[mine] += 1
    for row in rows.tolist():
        if (times[points[row]] > 1).all():
            times[points[row]] -= 1
            idle.append(row)
    return np.array(idle, dtype=np.int64)


def _points(case: Case, row: int, radius: float, counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the demand points with elders that a row reaches within a radius."""
    matrix = case.given.distances
    mine = slice(matrix.indptr[row], matrix.indptr[row + 1])
    near = matrix.data[mine] <= radius + DISTANCE_TOLERANCE_M
    points = matrix.indices[mine][near]
    return np.asarray(points[counted[points]], dtype=np.int64)


def _nearest_rows(case: Case, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows that are the nearest of some to a point with elders; the first of equals."""
    matrix, counted = case.given.distances, case.problem.elders > 0
    best, who = np.full(len(counted), np.inf), np.full(len(counted), -1)
    for row in rows.tolist():
        points = _points(case, row, np.inf, counted)
        mine = slice(matrix.indptr[row], matrix.indptr[row + 1])
        metres = matrix.data[mine][counted[matrix.indices[mine]]]
        nearer = metres < best[points]
        best[points[nearer]], who[points[nearer]] = metres[nearer], row
    return np.unique(who)


def refuse_overfull(case: Case, layout: Layout, flow: csr_array) -> None:
    """
    Refuse an allocation that the beds of a layout have no room for, or of elders there are not.

    Raises
    ------
    UnsolvedError
        If it is so.
    """
    each_bed = 10_000.0 / case.objective.beds_per_10000
    room = layout.beds[case.given.site] * each_bed * layout.is_open[case.given.site]
    over = float((flow.sum(axis=1) - room).max(initial=0.0))
    more = float((flow.sum(axis=0) - case.problem.elders).max(initial=0.0))
    if over > OVER * float(room.max(initial=1.0)) or more > OVER:
        raise UnsolvedError.of("classical_broken", case.objective.model, over=over, left=more)
