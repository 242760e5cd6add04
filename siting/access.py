"""Access and equity of a layout: how far, how many beds for whom, how evenly; no rule asks it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from siting.audit_homes import gini
from siting.demand import CLASSES
from siting.finding import as_numbers, fact_of
from siting.reach import DISTANCE_TOLERANCE_M, Snap, nearest, search, straight_reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from siting.areas import Areas
    from siting.audit import Audit
    from siting.finding import Judged
    from siting.prepare import Prepared

__all__ = [
    "ACCESS_COLUMNS",
    "AREAS",
    "LORENZ_COLUMNS",
    "MEASURES",
    "Access",
    "floating_catchment",
    "gaussian",
    "lorenz",
    "measure_access",
    "share_reached",
]

AREAS = ("district", "street", "unit")
"""Kinds of areas that are measured one by one, where the files tell of them."""
ACCESS_COLUMNS = ["scope", "scope_id", "density_class", "state", "measure", "value", "unit"]
LORENZ_COLUMNS = ["state", "of", "elders_share", "amount_share"]
MEASURES: dict[str, str] = {
    "elders": "persons",
    "elders_off_network": "persons",
    "elders_without_way": "persons",
    "nearest_mean_m": "m",
    "nearest_p90_m": "m",
    "nearest_max_m": "m",
    "walk_share": "share",
    "walk_any_share": "share",
    "accessible_mean": "per_1000",
    "accessible_none_share": "share",
    "beds": "beds",
    "beds_per_1000": "per_1000",
    "residents": "persons",
    "homes_untold": "facilities",
    "occupancy": "share",
    "occupancy_expected": "share",
    "gini_beds_district": "gini",
    "gini_beds_street": "gini",
    "gini_beds_unit": "gini",
    "gini_accessible": "gini",
}
"""Every measure, in order, and what its value counts."""
NINE_TENTHS = 0.9
PER = 1000.0
CURVE_POINTS = 200
"""Most points of a Lorenz curve that are kept for drawing and tables."""


@dataclass(frozen=True)
class Access:
    """
    Access and equity of the existing state and of a layout.

    Attributes
    ----------
    table
        One row per place, class, state and measure: ``ACCESS_COLUMNS``. An empty ``density_class``
        means all classes; ``value`` is NaN where there is nothing to measure.
    lorenz
        Points of the Lorenz curves, those with the least per elder first: ``LORENZ_COLUMNS``;
        ``of`` is ``district``, ``street`` or ``unit`` for beds, ``point`` for accessible beds.
    accessible
        State to (n_demand,) accessible beds per 1,000 elders, by the floating catchment.
    """

    table: pd.DataFrame
    lorenz: pd.DataFrame
    accessible: dict[str, NDArray[np.float64]]

    def totals(self, state: str) -> dict[str, float | None]:
        """Return the measures of one state over everything; None where one has no value."""
        table = self.table
        mine = table[(table["scope"] == "all") & (table["density_class"] == "")]
        mine = mine[mine["state"] == state]
        pairs = zip(mine["measure"], mine["value"], strict=True)
        return {name: None if np.isnan(value) else float(value) for name, value in pairs}


def gaussian(metres: NDArray[np.float64], catchment_m: float) -> NDArray[np.float64]:
    """
    Return the weight of distances: 1 at the door, falling to 0 at the edge of the catchment.

    (exp(−½ (d/d₀)²) − exp(−½)) / (1 − exp(−½)) up to d₀, 0 beyond.

    References
    ----------
    Dai (2010), Health & Place 16(5): 1038–1052, eq. 3.

    Examples
    --------
    >>> gaussian(np.array([0.0, 1000.0, 1001.0]), 1000.0).tolist()
    [1.0, 0.0, 0.0]
    """
    edge = np.exp(-0.5)
    weight = (np.exp(-0.5 * (metres / catchment_m) ** 2) - edge) / (1.0 - edge)
    return np.where(metres <= catchment_m + DISTANCE_TOLERANCE_M, np.maximum(weight, 0.0), 0.0)


def floating_catchment(
    metres: csr_matrix,
    beds: NDArray[np.float64],
    elders: NDArray[np.float64],
    *,
    catchment_m: float,
) -> NDArray[np.float64]:
    """
    Return the accessible beds per elder of every demand point: two steps, Gaussian decay.

    First the beds of each site over the weighted elders of its catchment, then for each demand
    point the weighted sum of these over the sites in its own. Where every site has elders in its
    catchment, elders times the result sum to the beds.

    Parameters
    ----------
    metres
        (n_sites, n_demand) distances; a missing entry is farther than the catchment, a stored 0 is
        a distance of 0.
    beds
        (n_sites,) beds.
    elders
        (n_demand,) elders.
    catchment_m
        Where the weight becomes 0, metres.

    Returns
    -------
    beds_per_elder
        (n_demand,) 0 where no bed is within the catchment.

    References
    ----------
    Luo & Qi (2009), Health & Place 15(4): 1100–1107; Dai (2010) for the decay.
    """
    weights = csr_matrix(
        (gaussian(metres.data, catchment_m), metres.indices, metres.indptr), shape=metres.shape
    )
    wanted = np.asarray(weights @ elders, dtype=np.float64)
    ratio = np.divide(beds, wanted, out=np.zeros(len(wanted)), where=wanted > 0)
    return np.asarray(weights.T @ ratio, dtype=np.float64)


def lorenz(amount: NDArray[np.float64], people: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Return the Lorenz curve of an amount per head over groups of people.

    Groups without people are left out, as ``siting.audit_homes.gini`` leaves them out.

    Returns
    -------
    points
        (k, 2) cumulated share of people and of the amount, those with the least per head first,
        from (0, 0) to (1, 1); empty where there is no amount.

    Examples
    --------
    >>> lorenz(np.array([2000.0, 0.0]), np.array([10000.0, 10000.0])).tolist()
    [[0.0, 0.0], [0.5, 0.0], [1.0, 1.0]]
    """
    some = people > 0
    amount, people = amount[some], people[some]
    if not amount.sum() > 0:
        return np.empty((0, 2))
    order = np.argsort(amount / people, kind="stable")
    had = np.concatenate([[0.0], np.cumsum(amount[order]) / amount.sum()])
    share = np.concatenate([[0.0], np.cumsum(people[order]) / people.sum()])
    return np.column_stack([share, had])


def share_reached(metres: NDArray[np.float64], elders: NDArray[np.float64], share: float) -> float:
    """
    Return the distance within which a share of the elders with a distance have their nearest.

    The least of the distances that this holds for; NaN without any elders with a distance.

    Examples
    --------
    >>> share_reached(np.array([100.0, 300.0, 900.0]), np.array([8.0, 1.0, 1.0]), 0.9)
    300.0
    """
    some = ~np.isnan(metres) & (elders > 0)
    if not some.any():
        return float("nan")
    order = np.argsort(metres[some], kind="stable")
    reached = np.cumsum(elders[some][order])
    first = int(np.searchsorted(reached, share * reached[-1] * (1 - 1e-12)))
    return float(metres[some][order][first])


def measure_access(prepared: Prepared, existing: Audit, plan: Audit) -> Access:
    """
    Return access and equity of the existing state and of the layout that the plan's audit judged.

    Nothing is taken from the solver: distances and beds are the audit's, catchments are searched
    anew from the facilities of each layout.

    Parameters
    ----------
    prepared
        The problem with its network; the scenario's ``access`` has the settings.
    existing, plan
        Audits of the existing state and of the layout.
    """
    rows: list[tuple[Any, ...]] = []
    curves: list[pd.DataFrame] = []
    accessible: dict[str, NDArray[np.float64]] = {}
    for state, judged in (("existing", existing.judged), ("plan", plan.judged)):
        told = _measure(prepared, judged)
        accessible[state] = told.accessible * PER
        for scope, name, grade, measure, value in _rows(prepared, told):
            rows.append((scope, name, grade, state, measure, value, MEASURES[measure]))
        curves += [_curve(state, of, points) for of, points in _curves(prepared, told)]
    lines = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=LORENZ_COLUMNS)
    return Access(pd.DataFrame(rows, columns=ACCESS_COLUMNS), lines, accessible)


@dataclass(frozen=True)
class _Told:
    """What is measured of one layout, by demand point and by site."""

    metres: NDArray[np.float64]
    near: NDArray[np.bool_]
    near_any: NDArray[np.bool_]
    off: NDArray[np.bool_]
    accessible: NDArray[np.float64]
    beds: NDArray[np.float64]
    residents: NDArray[np.float64] | None
    untold: NDArray[np.bool_]


def _measure(prepared: Prepared, judged: Judged) -> _Told:
    """Return what is measured of one layout."""
    problem, asked = prepared.problem, prepared.scenario.access
    on_foot = prepared.scenario.distance == "network"
    metres = judged.network_m if on_foot else judged.straight_m
    walk = asked.walk_minutes * asked.walk_m_per_min + DISTANCE_TOLERANCE_M
    beds = judged.counted_beds.astype(np.float64)
    chosen = np.flatnonzero(judged.qualifies)
    pairs = _pairs(prepared, chosen, asked.catchment_m)
    reached = floating_catchment(pairs, beds[chosen], problem.elders, catchment_m=asked.catchment_m)
    homes = judged.qualifies & problem.sites.is_existing
    live = as_numbers(fact_of(problem, judged.layout, "residents"))
    is_told = any(each.get("residents") is not None for each in problem.sites.facts)
    with np.errstate(invalid="ignore"):
        near = metres <= walk
        near_any = _nearest_any(prepared, judged.layout.is_open) <= walk
    off = ~problem.demand_on_network if on_foot else np.zeros(len(metres), dtype=bool)
    return _Told(
        metres, near, near_any, off, reached, beds,
        np.where(homes, np.nan_to_num(live), 0.0) if is_told else None, homes & np.isnan(live),
    )  # fmt: skip


def _snapped(prepared: Prepared, chosen: NDArray[np.int64]) -> Snap:
    """Return where some sites meet the network."""
    sites = prepared.site_snap
    if sites is None:  # pragma: no cover - a network comes with its snaps
        return Snap(np.empty(0, np.int32), np.empty(0), np.empty(0))
    return Snap(sites.edge[chosen], sites.offset_m[chosen], sites.leg_m[chosen])


def _pairs(prepared: Prepared, chosen: NDArray[np.int64], catchment_m: float) -> csr_matrix:
    """Return the distances that bind, from some sites to the demand within a catchment."""
    problem, demand = prepared.problem, prepared.demand_snap
    if prepared.scenario.distance == "straight" or prepared.network is None or demand is None:
        xy = problem.sites.xy[chosen]
        return straight_reach(xy, problem.demand_xy, cutoff_m=catchment_m).distances
    return search(
        prepared.network, _snapped(prepared, chosen), demand, cutoff_m=catchment_m,
        threads=prepared.scenario.solve.threads,
    )  # fmt: skip


def _nearest_any(prepared: Prepared, is_open: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the distance that binds to the nearest open facility, whether it counts or not."""
    problem, demand = prepared.problem, prepared.demand_snap
    chosen = np.flatnonzero(is_open)
    if not len(chosen):
        return np.full(len(problem.elders), np.nan)
    if prepared.scenario.distance == "straight" or prepared.network is None or demand is None:
        return np.asarray(cKDTree(problem.sites.xy[chosen]).query(problem.demand_xy)[0])
    return nearest(prepared.network, _snapped(prepared, chosen), demand)[1]


def _rows(prepared: Prepared, told: _Told) -> Iterator[tuple[str, str, str, str, float]]:
    """Yield scope, its id, density class, measure and value."""
    problem = prepared.problem
    everyone, inside = np.arange(len(problem.elders)), np.flatnonzero(problem.site_unit >= 0)
    found = _of_points(problem.elders, told, everyone)
    found |= _of_beds(prepared, told, inside, found["elders"]) | _spread(prepared, told)
    for name, value in found.items():
        yield "all", "all", "", name, value
    for number in (2, 1, 0):
        points = np.flatnonzero((problem.density_class == number) & (problem.elders > 0))
        if len(points):
            for name, value in _of_points(problem.elders, told, points).items():
                yield "all", "all", CLASSES[number], name, value
    for kind, areas in _areas(prepared):
        points_of = _members(areas.of_demand, len(areas.id))
        sites_of = _members(areas.of_site, len(areas.id))
        for area, points, sites in zip(areas.id, points_of, sites_of, strict=True):
            found = _of_points(problem.elders, told, points)
            for name, value in (found | _of_beds(prepared, told, sites, found["elders"])).items():
                yield kind, str(area), "", name, value


def _areas(prepared: Prepared) -> Iterator[tuple[str, Areas]]:
    """Yield the areas that are measured one by one."""
    for kind in AREAS:
        if (areas := prepared.problem.areas.get(kind)) is not None:
            yield kind, areas


def _members(place: NDArray[np.int64], n: int) -> list[NDArray[np.int64]]:
    """Return the positions in each of ``n`` places; -1 is no place."""
    order = np.argsort(place, kind="stable")
    bounds = np.searchsorted(place[order], np.arange(n + 1))
    return [order[first:last] for first, last in pairwise(bounds.tolist())]


def _of_points(
    everyone: NDArray[np.float64], told: _Told, rows: NDArray[np.int64]
) -> dict[str, float]:
    """Return what is measured of some demand points, each by its elders."""
    elders, metres, reached = everyone[rows], told.metres[rows], told.accessible[rows]
    lost, off, some = np.isnan(metres), told.off[rows], ~np.isnan(metres) & (elders > 0)
    shares = {
        "walk_share": told.near[rows], "walk_any_share": told.near_any[rows],
        "accessible_mean": PER * reached, "accessible_none_share": reached <= 0,
    }  # fmt: skip
    return {
        "elders": float(elders.sum()),
        "elders_off_network": float(elders[off].sum()),
        "elders_without_way": float(elders[lost & ~off].sum()),
        "nearest_mean_m": _mean(metres[some], elders[some]),
        "nearest_p90_m": share_reached(metres, elders, NINE_TENTHS),
        "nearest_max_m": float(metres[some].max()) if some.any() else float("nan"),
    } | {name: _mean(np.asarray(each), elders) for name, each in shares.items()}


def _mean(values: NDArray[Any], elders: NDArray[np.float64]) -> float:
    """Return the mean over elders; NaN without any."""
    total = float(elders.sum())
    return float(values.astype(np.float64) @ elders / total) if total > 0 else float("nan")


def _of_beds(
    prepared: Prepared, told: _Told, sites: NDArray[np.int64], elders: float
) -> dict[str, float]:
    """Return beds that count at some sites, over elders, and who is said to live there."""
    beds = float(told.beds[sites].sum())
    found = {"beds": beds, "beds_per_1000": PER * beds / elders if elders > 0 else float("nan")}
    if told.residents is not None:
        live, dark = float(told.residents[sites].sum()), told.untold[sites]
        filled = float(told.beds[sites][~dark].sum())
        found["residents"], found["homes_untold"] = live, float(dark.sum())
        found["occupancy"] = live / filled if filled > 0 else float("nan")
    asked = prepared.scenario.access.residents_per_1000
    if asked is not None:
        found["occupancy_expected"] = asked * elders / PER / beds if beds > 0 else float("nan")
    return found


def _groups(prepared: Prepared, told: _Told) -> Iterator[tuple[str, Any, Any]]:
    """Yield name, amount and elders of the groups that evenness is measured over."""
    for kind, areas in _areas(prepared):
        on = areas.of_site >= 0
        beds = np.bincount(areas.of_site[on], told.beds[on], minlength=len(areas.id))
        yield kind, beds.astype(np.float64), areas.elders
    elders = prepared.problem.elders
    yield "point", told.accessible * elders, elders


def _spread(prepared: Prepared, told: _Told) -> dict[str, float]:
    """Return the Gini coefficients; NaN where there is nothing to spread."""
    found = {}
    for name, amount, elders in _groups(prepared, told):
        measure = "gini_accessible" if name == "point" else f"gini_beds_{name}"
        found[measure] = gini(amount, elders) if amount.sum() > 0 else float("nan")
    return found


def _curves(prepared: Prepared, told: _Told) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield the Lorenz curves."""
    for name, amount, elders in _groups(prepared, told):
        yield name, lorenz(amount, elders)


def _curve(state: str, of: str, points: NDArray[np.float64]) -> pd.DataFrame:
    """Return a curve as rows, with at most so many points of it."""
    if len(points) > CURVE_POINTS:
        at = np.linspace(0.0, 1.0, CURVE_POINTS)
        points = np.column_stack([at, np.interp(at, *points.T)])
    table = pd.DataFrame({"elders_share": points[:, 0], "amount_share": points[:, 1]})
    return table.assign(state=state, of=of)[LORENZ_COLUMNS]
