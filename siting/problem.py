"""The problem, free of any solver: demand points, sites, reach, units, rules; and layouts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from siting.facts import said_yes
from siting.reach import DISTANCE_TOLERANCE_M
from siting.scenario import Mix
from siting.sites import QUALIFYING_BEDS, Sites

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csc_matrix, csr_matrix

    from siting.areas import Areas
    from siting.scenario import Function, Limits
    from siting.standards import Rule

__all__ = ["DISTANCE_CAP_M", "Layout", "Problem", "beds_required", "is_bed_rule", "places"]

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
    nursing_beds, dementia_beds
        (n_sites,) those of its beds that are nursing beds, and dementia beds; not given: none.
    functions
        (n_sites,) functions that stand there, as frozen sets; None where that is not known.
        Not given: none known.
    """

    is_open: NDArray[np.bool_]
    beds: NDArray[np.int64]
    nursing_beds: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    dementia_beds: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    functions: NDArray[np.object_] = field(default_factory=lambda: np.empty(0, dtype=object))

    def __post_init__(self) -> None:
        """Fill in what is not given; refuse beds where nothing stands, parts above the whole."""
        n = len(self.beds)
        for name in ("nursing_beds", "dementia_beds"):
            if len(getattr(self, name)) != n:
                object.__setattr__(self, name, np.zeros(n, dtype=np.int64))
        if len(self.functions) != n:
            object.__setattr__(self, "functions", np.full(n, None, dtype=object))
        if self.is_open.shape != self.beds.shape or (self.beds[~self.is_open] != 0).any():
            raise ValueError("beds stand only at open sites")
        if (np.minimum(self.nursing_beds, self.dementia_beds) < 0).any() or (self.beds < 0).any():
            raise ValueError("beds are at least 0")
        if (np.maximum(self.nursing_beds, self.dementia_beds) > self.beds).any():
            raise ValueError("nursing and dementia beds are beds")


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
    areas
        Kind of area (district, street, …) to the areas that rules are counted in.
    mix
        What nursing and dementia beds cost, and how many a new home may hold.
    functions
        Functions that may be added, with their cost.
    ceiling
        A later layout that nothing here may exceed; None: no limit.
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
    areas: dict[str, Areas] = field(default_factory=dict)
    mix: Mix = field(default_factory=Mix)
    functions: dict[str, Function] = field(default_factory=dict)
    ceiling: Layout | None = None
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
        """
        Return the candidates that may open: not forbidden, excluded, too small or too lonely.

        Those for functions alone may open where the scenario has functions.
        """
        least = self.limits.min_elders_per_new_site
        enough = True if least is None else self.elders_within_standard() >= least
        fits = self.sites.max_beds >= self.sites.min_beds
        fits &= self.sites.max_beds >= QUALIFYING_BEDS
        free = ~(self.sites.is_existing | self.forbidden | self.site_excluded)
        if self.ceiling is not None:
            free &= self.ceiling.is_open
        alone = self.sites.for_functions & bool(self.functions)
        return np.asarray(free & (alone | (fits & (enough | self.locked_open))))

    def existing_layout(self) -> Layout:
        """Return what stands today."""
        sites = self.sites
        here = sites.is_existing.copy()
        stands = sites.functions.copy()
        stands[~here] = None
        return Layout(
            here, np.where(here, sites.beds, 0), np.where(here, sites.nursing_beds, 0),
            np.where(here, sites.dementia_beds, 0), stands,
        )  # fmt: skip

    def cost(self, layout: Layout) -> NDArray[np.float64]:
        """
        Return what each site costs in a layout, 万元.

        Opening or extending, each added bed, nursing and dementia beds among them, beds turned
        into nursing beds (the cheaper way where both are open), and functions added.
        """
        sites = self.sites
        added = self.added_beds(layout)
        changed = layout.is_open & (~sites.is_existing | (added > 0))
        amount = np.where(changed, sites.fixed_cost + sites.cost_per_bed * added, 0.0)
        amount += self._mix_cost(layout)
        if self.functions:
            amount += np.array(
                [
                    self._function_cost(*pair)
                    for pair in zip(layout.functions, sites.functions, strict=True)
                ]
            ).reshape(sites.n)
        return amount

    @property
    def money_rules(self) -> tuple[Rule, ...]:
        """
        Enforced rules that pay a share of what the plan spends at a facility.

        One that is paid only to facilities with some function is no part of the plan's cost.
        """
        return tuple(
            each
            for each in self.of_kind("money")
            if each.enforce and each.parameters.basis == "investment"
            and each.parameters.share and each.parameters.what is None
        )  # fmt: skip

    def is_paid(self, rule: Rule) -> NDArray[np.bool_]:
        """
        Return the sites that a subsidy is for.

        Those in the study area, of its owners, and not barred by a fact.
        """
        asked, sites = rule.parameters, self.sites
        barred = [
            any(said_yes(facts.get(each)) for each in asked.excludes) for facts in sites.facts
        ]
        paid = ~np.array(barred, dtype=bool) & (self.site_unit >= 0)
        return paid & np.isin(sites.owner.astype(str), asked.owners) if asked.owners else paid

    def subsidy(self, layout: Layout) -> NDArray[np.float64]:
        """Return what enforced rules pay towards the cost of each site, 万元; never above it."""
        cost = self.cost(layout)
        paid = np.zeros(self.sites.n)
        for rule in self.money_rules:
            amount = np.array([rule.parameters.amount(float(each)) for each in cost])
            paid += np.where(self.is_paid(rule), amount, 0.0)
        return np.minimum(paid, cost)

    def turnable_beds(self) -> NDArray[np.int64]:
        """
        Return how many beds of each home could be turned into nursing beds.

        Of homes that stay, count today and have a price for it: beds that are neither nursing nor
        dementia beds.
        """
        sites = self.sites
        fits = sites.is_existing & ~self.forbidden & sites.institution & sites.knows_nursing
        fits &= (sites.beds >= QUALIFYING_BEDS) & np.isfinite(sites.convert_cost_per_bed)
        return np.where(fits, sites.beds - np.maximum(sites.nursing_beds, sites.dementia_beds), 0)

    def added_beds(self, layout: Layout) -> NDArray[np.int64]:
        """Return how many beds each open site has more than today."""
        more = np.where(layout.is_open, layout.beds - self.sites.beds, 0)
        return np.asarray(np.maximum(more, 0), dtype=np.int64)

    def split_nursing(self, layout: Layout) -> tuple[NDArray[np.int64], ...]:
        """Return the new nursing beds and the turned ones, the cheaper way where both are open."""
        sites, mix = self.sites, self.mix
        stands = np.where(sites.is_existing, sites.nursing_beds, 0)
        more = np.maximum(np.where(layout.is_open, layout.nursing_beds - stands, 0), 0)
        fits = np.floor(mix.most_nursing_share * self.added_beds(layout) + 1e-9).astype(np.int64)
        turned = np.maximum(more - fits, 0)
        price = np.nan_to_num(sites.convert_cost_per_bed, nan=np.inf)
        cheaper = price < mix.nursing_cost_per_bed
        turned = np.where(cheaper, np.minimum(more, self.turnable_beds()), turned)
        return more - turned, turned

    def _mix_cost(self, layout: Layout) -> NDArray[np.float64]:
        """Return what nursing and dementia beds cost beyond plain beds."""
        sites, mix = self.sites, self.mix
        new, turned = self.split_nursing(layout)
        worth = np.where(turned > 0, np.nan_to_num(sites.convert_cost_per_bed), 0.0)
        stands = np.where(layout.is_open & sites.is_existing, sites.dementia_beds, 0)
        dementia = np.maximum(layout.dementia_beds - stands, 0)
        return np.asarray(
            turned * worth + new * mix.nursing_cost_per_bed + dementia * mix.dementia_cost_per_bed
        )

    def _function_cost(self, after: frozenset[str] | None, before: frozenset[str] | None) -> float:
        """Return what the functions cost that were added at one site."""
        new = (after or frozenset()) - (before or frozenset())
        return float(sum(self.functions[name].cost for name in new if name in self.functions))

    def rule(self, rule_id: str) -> Rule | None:
        """Return the rule in force of an id, or None."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def of_kind(self, kind: str) -> tuple[Rule, ...]:
        """Return the rules in force of one kind."""
        return tuple(rule for rule in self.rules if rule.kind == kind)

    @property
    def bed_rules(self) -> tuple[Rule, ...]:
        """Rules of beds per 10,000 elders in every planning unit."""
        return tuple(each for each in self.of_kind("ratio") if is_bed_rule(each))

    @property
    def place_rules(self) -> tuple[Rule, ...]:
        """Rules of several separate places in a planning unit."""
        return tuple(
            each for each in self.of_kind("count") if each.parameters.min_sites is not None
        )

    @property
    def distance_rules(self) -> tuple[Rule, ...]:
        """Rules of a facility within a distance of elders."""
        return tuple(
            each for each in self.of_kind("coverage") if each.parameters.distance_m is not None
        )

    def unit_elders(self) -> NDArray[np.float64]:
        """Return the elders of each planning unit."""
        total = np.bincount(self.demand_unit, weights=self.elders, minlength=len(self.unit_id))
        return np.asarray(total, dtype=np.float64)

    def digest(self) -> str:
        """Return a hash of all that the problem holds but its notes; equal problems share it."""
        state = hashlib.sha256()
        held = {each.name: getattr(self, each.name) for each in fields(self)}
        del held["notes"]
        if (ceiling := held.pop("ceiling")) is not None:
            held |= {f"ceiling.{key}": value for key, value in vars(ceiling).items()}
        held |= {f"sites.{key}": value for key, value in vars(held.pop("sites")).items()}
        for kind, area in held.pop("areas").items():
            held |= {f"areas.{kind}.{key}": value for key, value in vars(area).items()}
        matrix = held.pop("reach")
        held |= {key: getattr(matrix, key) for key in ("indptr", "indices", "data")}
        for key, value in held.items():
            array = np.asarray(value) if isinstance(value, np.ndarray) else np.array(repr(value))
            if array.dtype.kind in "iu":
                array = array.astype(np.int64)  # as wide on every machine
            plain = array.dtype.kind in "biuf"
            content = array.tobytes() if plain else repr(_in_order(array.tolist())).encode()
            state.update(f"{key} {array.shape} ".encode() + content)
        return state.hexdigest()


def _in_order(values: Any) -> Any:
    """Return values with each set as a sorted list, so that they read the same on every run."""
    if isinstance(values, list):
        return [sorted(each) if isinstance(each, frozenset) else each for each in values]
    return values


def is_bed_rule(rule: Rule) -> bool:
    """Return whether a rule asks for beds per 10,000 elders in every planning unit."""
    asked = rule.parameters
    return (
        rule.kind == "ratio" and asked.beds_per_10000 is not None
        and asked.area == "unit" and not asked.only
    )  # fmt: skip


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
