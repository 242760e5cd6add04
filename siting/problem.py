"""The problem, free of any solver: demand points, sites, reach, units, rules; and layouts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from siting.reach import DISTANCE_TOLERANCE_M
from siting.sites import QUALIFYING_BEDS, Sites

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csc_matrix, csr_matrix

    from siting.scenario import Limits
    from siting.standards import Rule

__all__ = ["DISTANCE_CAP_M", "Layout", "Problem", "beds_required", "places"]

DISTANCE_CAP_M = 1000.0
"""Longest distance that the last objective counts, metres."""


@dataclass(frozen=True)
class Layout:
    """
    What stands where; complete by itself for the sites of one problem.

    Attributes
    ----------
    is_open
        (n_sites,) whether a facility stands there.
    beds
        (n_sites,) its beds, whole numbers; 0 where nothing stands.
    """

    is_open: NDArray[np.bool_]
    beds: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Refuse beds where nothing stands, and negative beds."""
        if self.is_open.shape != self.beds.shape or (self.beds[~self.is_open] != 0).any():
            raise ValueError("beds stand only at open sites")
        if (self.beds < 0).any():
            raise ValueError("beds are at least 0")


@dataclass(frozen=True)
class Problem:
    """
    Everything that a layout is planned for and judged by.

    Demand points and sites are in sorted order of their ids' files; positions are used inside, ids
    at the edges.

    Attributes
    ----------
    demand_id, demand_xy, elders
        (n_demand,) ids, (n_demand, 2) coordinates, (n_demand,) elders, finite and at least 0.
    density_per_km2, density_class
        (n_demand,) density under the support in use and its class: 2 high, 1 medium, 0 low.
    standard_m
        (n_demand,) longest distance to a facility, metres, inclusive; NaN where there is no duty.
    demand_unit, demand_zone
        (n_demand,) planning unit, and zone or -1.
    demand_on_network
        (n_demand,) near enough to a road.
    sites
        Homes and candidates.
    site_unit
        (n_sites,) planning unit, -1 outside the study area.
    site_on_network, site_excluded
        (n_sites,) near enough to a road; where nothing new may stand.
    locked_open, forbidden, locked_beds
        (n_sites,) decisions already taken; ``locked_beds`` -1 where there is none.
    reach
        (n_sites, n_demand) metres within the cutoff, CSR with sorted indices.
    unit_id, zone_id
        Ids of planning units and zones.
    rules
        Rules in force.
    limits
        Budget, number of sites, fewest elders of a new site.
    notes
        What may be kept beside it; no part of its hash.
    """

    demand_id: NDArray[np.object_]
    demand_xy: NDArray[np.float64]
    elders: NDArray[np.float64]
    density_per_km2: NDArray[np.float64]
    density_class: NDArray[np.int8]
    standard_m: NDArray[np.float64]
    demand_unit: NDArray[np.int64]
    demand_zone: NDArray[np.int64]
    demand_on_network: NDArray[np.bool_]
    sites: Sites
    site_unit: NDArray[np.int64]
    site_on_network: NDArray[np.bool_]
    site_excluded: NDArray[np.bool_]
    locked_open: NDArray[np.bool_]
    forbidden: NDArray[np.bool_]
    locked_beds: NDArray[np.int64]
    reach: csr_matrix
    unit_id: NDArray[np.object_]
    zone_id: NDArray[np.object_]
    rules: tuple[Rule, ...]
    limits: Limits
    notes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together, and elders that are no numbers."""
        n_sites, n_demand = self.reach.shape
        if n_demand != len(self.elders) or n_sites != self.sites.n:
            raise ValueError("reach, demand and sites do not fit together")
        if not np.isfinite(self.elders).all() or (self.elders < 0).any():
            raise ValueError("elders are finite and at least 0")

    @property
    def covers(self) -> csc_matrix:
        """(n_sites, n_demand) True where a facility at the site is within the point's standard."""
        pairs = self.reach.tocoo()
        within = pairs.data <= self.standard_m[pairs.col] + DISTANCE_TOLERANCE_M
        kept = within & (self.elders[pairs.col] > 0)
        pairs.data = kept
        matrix = pairs.tocsc()
        matrix.eliminate_zeros()
        return matrix.astype(bool)

    def qualifies(self, layout: Layout) -> NDArray[np.bool_]:
        """Return which open sites count: institution, registered, at least 10 beds."""
        enough = layout.beds >= QUALIFYING_BEDS
        return np.asarray(layout.is_open & self.sites.institution & enough)

    def elders_within_standard(self) -> NDArray[np.float64]:
        """Return the elders whom a facility at each site would be within the standard of."""
        return np.asarray(self.covers @ self.elders)

    def usable(self) -> NDArray[np.bool_]:
        """Return the candidates that may open: not forbidden, excluded, too small or too lonely."""
        least = self.limits.min_elders_per_new_site
        enough = True if least is None else self.elders_within_standard() >= least
        fits = self.sites.max_beds >= self.sites.min_beds
        fits &= self.sites.max_beds >= QUALIFYING_BEDS
        free = ~(self.sites.is_existing | self.forbidden | self.site_excluded)
        return np.asarray(free & fits & (enough | self.locked_open))

    def existing_layout(self) -> Layout:
        """Return what stands today."""
        here = self.sites.is_existing.copy()
        return Layout(here, np.where(here, self.sites.beds, 0))

    def cost(self, layout: Layout) -> NDArray[np.float64]:
        """Return what each site costs in a layout: opening or extending, and its added beds."""
        added = np.where(layout.is_open, layout.beds - self.sites.beds, 0)
        changed = layout.is_open & (~self.sites.is_existing | (added > 0))
        amount = self.sites.fixed_cost + self.sites.cost_per_bed * np.maximum(added, 0)
        return np.where(changed, amount, 0.0)

    def rule(self, rule_id: str) -> Rule | None:
        """Return the rule in force of an id, or None."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def of_kind(self, kind: str) -> tuple[Rule, ...]:
        """Return the rules in force of one kind."""
        return tuple(rule for rule in self.rules if rule.kind == kind)

    def unit_elders(self) -> NDArray[np.float64]:
        """Return the elders of each planning unit."""
        total = np.bincount(self.demand_unit, weights=self.elders, minlength=len(self.unit_id))
        return np.asarray(total, dtype=np.float64)

    def digest(self) -> str:
        """Return a hash of all that the problem holds but its notes; equal problems share it."""
        state = hashlib.sha256()
        held = {each.name: getattr(self, each.name) for each in fields(self)}
        del held["notes"]
        held |= {f"sites.{key}": value for key, value in vars(held.pop("sites")).items()}
        matrix = held.pop("reach")
        held |= {key: getattr(matrix, key) for key in ("indptr", "indices", "data")}
        for key, value in held.items():
            array = np.asarray(value) if isinstance(value, np.ndarray) else np.array(repr(value))
            if array.dtype.kind in "iu":
                array = array.astype(np.int64)  # as wide on every machine
            plain = array.dtype.kind in "biuf"
            content = array.tobytes() if plain else repr(array.tolist()).encode()
            state.update(f"{key} {array.shape} ".encode() + content)
        return state.hexdigest()


def beds_required(elders: NDArray[np.float64] | float, per_10000: float) -> NDArray[np.int64]:
    """
    Return the beds that elders need, rounded up.

    Elders are rounded to 1e-6 first, then all is done in whole numbers, so that 700 elders at 300
    per 10,000 need 21 beds and not 22 (semantics, section 1).

    Examples
    --------
    >>> beds_required(np.array([10000.0, 10001.0, 9999.0, 700.0, 0.0]), 300).tolist()
    [300, 301, 300, 21, 0]
    """
    millionths = [round(each * 1e6) for each in np.atleast_1d(elders).tolist()]
    rate = round(per_10000 * 1e6)
    need = [-(-(count * rate) // 10**16) for count in millionths]
    return np.array(need, dtype=np.int64)


def places(xy: NDArray[np.float64], same_site_m: float) -> NDArray[np.int64]:
    """
    Return the place of each facility: those closer than a distance are one (single linkage).

    Parameters
    ----------
    xy
        (n, 2) coordinates.
    same_site_m
        Facilities nearer to each other than this are one place; exactly this far apart are two.
    """
    n = len(xy)
    if n == 0:
        return np.empty(0, dtype=np.int64)
    pairs = close_pairs(xy, same_site_m)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def close_pairs(xy: NDArray[np.float64], same_site_m: float) -> NDArray[np.int64]:
    """Return the pairs of points nearer to each other than a distance (exclusive): (k, 2)."""
    if len(xy) == 0 or same_site_m <= 0:
        return np.empty((0, 2), dtype=np.int64)
    pairs = cKDTree(xy).query_pairs(same_site_m, output_type="ndarray")
    gap = np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T)
    return np.asarray(pairs[gap < same_site_m - DISTANCE_TOLERANCE_M], dtype=np.int64)
