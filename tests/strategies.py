"""
Tiny problems: a builder for those written by hand, and Hypothesis strategies that draw them.

Distances are drawn freely, not from coordinates, so that no case is left out for being odd; sites
stand on a line where neighbours may be linked into chains. Costs are multiples of 0.25 and elders
of 0.5, so that no two different values are nearer than the tolerance of a stage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import oracle
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from siting.problem import Problem
from siting.scenario import Limits
from siting.sites import Sites
from siting.standards import Rule, read_standard
from siting.units import NO_UNIT

LOW, MEDIUM, HIGH = 0, 1, 2
MOST_LAYOUTS = 3000

TOO_BIG = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
SHORT = settings(deadline=None, derandomize=True, database=None, suppress_health_check=TOO_BIG)
LONG = settings(SHORT, derandomize=False, max_examples=2000)


@dataclass(frozen=True)
class Point:
    """A demand point."""

    elders: float
    density: int = HIGH
    unit: int = 0
    on_network: bool = True


@dataclass(frozen=True)
class Site:
    """A home (``home=True``) or candidate, with metres to each demand point (None: too far)."""

    metres: tuple[float | None, ...]
    beds: int = 0
    low: int = 10
    high: int = 12
    fixed: float = 10.0
    each: float = 1.0
    home: bool = False
    institution: bool = True
    unit: int = 0
    xy: tuple[float, float] = (0.0, 0.0)
    on_network: bool = True
    excluded: bool = False
    forbidden: bool = False
    locked_open: bool = False
    locked_beds: int = -1


CORE = ("HZ-01", "HZ-02", "HZ-03", "HZ-04")
"""The rules that beds, places and distances come from."""


def rules(**changes: dict[str, Any]) -> tuple[Rule, ...]:
    """
    Return Hangzhou's rules of beds, places and distances with changes.

    ``rules(HZ_02={"enforce": False})``. Their sentences are left out, to keep
    short what Hypothesis prints of a failure.
    """
    standard = read_standard("hangzhou-2021", year=2025)
    named = {key.replace("_", "-"): value for key, value in changes.items()}
    changed = standard.change(named, where="rules").rules
    plain = [replace(rule, summary={}, reading={}, changed=()) for rule in changed]
    return tuple(rule for rule in plain if rule.id in CORE)


def build(
    points: list[Point],
    sites: list[Site],
    *,
    in_force: tuple[Rule, ...] | None = None,
    limits: Limits | None = None,
    units: tuple[str, ...] = ("a",),
) -> Problem:
    """Return a problem; homes are put before candidates."""
    in_force = rules() if in_force is None else in_force
    sites = sorted(sites, key=lambda site: not site.home)
    density = np.array([p.density for p in points], dtype=np.int8)
    elders = np.array([p.elders for p in points], dtype=float)
    return Problem(
        demand_id=np.array([f"d{i}" for i in range(len(points))], dtype=object),
        demand_xy=np.zeros((len(points), 2)),
        elders=elders,
        density_per_km2=np.array([500.0, 2000.0, 4000.0])[density.astype(int)],
        density_class=density,
        standard_m=_standards(density, elders, in_force),
        demand_unit=np.array([p.unit for p in points], dtype=np.int64),
        demand_zone=np.full(len(points), -1, dtype=np.int64),
        demand_on_network=np.array([p.on_network for p in points], dtype=bool),
        sites=_sites(sites),
        site_unit=np.array([s.unit for s in sites], dtype=np.int64),
        site_on_network=np.array([s.on_network for s in sites], dtype=bool),
        site_excluded=np.array([s.excluded for s in sites], dtype=bool),
        locked_open=np.array([s.locked_open or s.locked_beds >= 0 for s in sites], dtype=bool),
        forbidden=np.array([s.forbidden for s in sites], dtype=bool),
        locked_beds=np.array([s.locked_beds for s in sites], dtype=np.int64),
        reach=_reach(points, sites),
        unit_id=np.array(units, dtype=object),
        zone_id=np.empty(0, dtype=object),
        rules=in_force,
        limits=limits or Limits(),
    )


def _standards(density: np.ndarray, elders: np.ndarray, in_force: tuple[Rule, ...]) -> np.ndarray:
    """Return each point's longest distance, NaN without a duty."""
    metres = np.full(len(density), np.nan)
    for rule in in_force:
        if rule.kind == "coverage":
            number = {"medium": MEDIUM, "high": HIGH}[rule.parameters.density_class]
            metres[(density == number) & (elders > 0)] = rule.parameters.distance_m
    return metres


def _reach(points: list[Point], sites: list[Site]) -> csr_matrix:
    """Return distances as stored: a distance of 0 is an entry, one that is too far is none."""
    data, columns, starts = [], [], [0]
    for site in sites:
        for i, point in enumerate(points):
            metres = site.metres[i]
            if metres is not None and site.on_network and point.on_network:
                data.append(float(metres))
                columns.append(i)
        starts.append(len(data))
    shape = (len(sites), len(points))
    return csr_matrix(
        (np.array(data, float), np.array(columns, np.int32), np.array(starts, np.int32)), shape
    )


def _sites(sites: list[Site]) -> Sites:
    """Return the table of sites."""
    names = np.array([f"s{j}" for j in range(len(sites))], dtype=object)
    zero = np.zeros(len(sites), dtype=np.int64)

    def whole(key: str) -> np.ndarray:
        return np.array([getattr(s, key) for s in sites], dtype=np.int64)

    return Sites(
        id=names,
        name=names,
        kind=np.array(["institution" if s.institution else "day_care" for s in sites], object),
        tenure=np.full(len(sites), "", dtype=object),
        xy=np.array([s.xy for s in sites], dtype=float).reshape(-1, 2),
        is_existing=np.array([s.home for s in sites], dtype=bool),
        institution=np.array([s.institution for s in sites], dtype=bool),
        beds=whole("beds"),
        nursing_beds=zero,
        dementia_beds=zero,
        min_beds=whole("low"),
        max_beds=whole("high"),
        fixed_cost=np.array([s.fixed for s in sites], dtype=float),
        cost_per_bed=np.array([s.each for s in sites], dtype=float),
        convert_cost_per_bed=np.full(len(sites), np.nan),
        owner=np.full(len(sites), "", dtype=object),
        knows_nursing=np.zeros(len(sites), dtype=bool),
        knows_dementia=np.zeros(len(sites), dtype=bool),
        functions=np.full(len(sites), None, dtype=object),
        can_host=np.full(len(sites), None, dtype=object),
        facts=np.array([{} for _ in sites], dtype=object),
    )


def reordered(problem: Problem, points: list[int], sites: list[int]) -> Problem:
    """Return the same problem with its rows in another order."""
    of_points = ("demand_id", "demand_xy", "elders", "density_per_km2", "density_class",
                 "standard_m", "demand_unit", "demand_zone", "demand_on_network")  # fmt: skip
    of_sites = ("site_unit", "site_on_network", "site_excluded", "locked_open", "forbidden",
                "locked_beds")  # fmt: skip
    changed = {key: getattr(problem, key)[points] for key in of_points}
    changed |= {key: getattr(problem, key)[sites] for key in of_sites}
    table = Sites(**{key: value[sites] for key, value in vars(problem.sites).items()})
    matrix = problem.reach[sites][:, points].tocsr()
    matrix.sort_indices()
    return replace(problem, **changed, sites=table, reach=matrix)


# What Hypothesis draws.

QUARTERS = st.integers(0, 200).map(lambda number: number / 4)
ELDERS = st.sampled_from([0.0, 0.5, 1.0, 40.0, 250.0, 333.5, 700.0, 1000.0, 1200.0, 3000.0])
RARELY = st.sampled_from([False] * 7 + [True])
METRES = st.one_of(
    st.none(),
    st.sampled_from(
        [0.0, 250.0, 499.5, 500.0, 500.0000005, 500.01, 999.5, 1000.0, 1000.01, 1400.0]
    ),
    st.integers(1, 1500).map(float),
)  # fmt: skip
SPOTS = st.tuples(
    st.sampled_from([0.0, 60.0, 80.0, 99.0, 100.0, 140.0, 160.0, 200.0, 260.0]),
    st.sampled_from([0.0, 0.0, 0.0, 60.0]),
)


@st.composite
def points(draw: st.DrawFn, units: int) -> Point:
    """Draw a demand point."""
    return Point(
        elders=draw(ELDERS),
        density=draw(st.sampled_from([HIGH, HIGH, MEDIUM, MEDIUM, LOW])),
        unit=draw(st.integers(0, units - 1)),
        on_network=draw(RARELY) is False,
    )


@st.composite
def homes(draw: st.DrawFn, n_points: int, units: int) -> Site:
    """Draw a home: big or too small to count, with or without room, closed, or its beds decided."""
    beds = draw(st.sampled_from([0, 7, 9, 10, 11, 25]))
    high = beds + draw(st.sampled_from([0, 1, 2, 4]))
    fate = draw(st.sampled_from(["free", "free", "free", "closed", "open", "beds"]))
    return Site(
        metres=tuple(draw(METRES) for _ in range(n_points)),
        beds=beds,
        low=0,
        high=high,
        fixed=draw(QUARTERS),
        each=draw(QUARTERS) if draw(st.booleans()) else 0.0,
        home=True,
        institution=draw(RARELY) is False,
        unit=draw(st.integers(-1, units - 1)),
        xy=draw(SPOTS),
        on_network=draw(RARELY) is False,
        forbidden=fate == "closed",
        locked_open=fate == "open",
        locked_beds=draw(st.integers(beds, high)) if fate == "beds" else -1,
    )


@st.composite
def candidates(draw: st.DrawFn, n_points: int, units: int) -> Site:
    """Draw a candidate: free, forbidden, excluded, locked open or with its beds decided."""
    low = draw(st.sampled_from([10, 10, 11, 14]))
    high = low + draw(st.sampled_from([-2, 0, 1, 1, 2, 5]))
    fates = ["free"] * 8 + ["forbidden", "excluded", "open", "beds"]
    fate = draw(st.sampled_from(fates if high >= low else ["free", "forbidden"]))
    return Site(
        metres=tuple(draw(METRES) for _ in range(n_points)),
        low=low,
        high=high,
        fixed=draw(QUARTERS),
        each=draw(QUARTERS),
        unit=draw(st.integers(0, units - 1)) if draw(RARELY) is False else -1,
        xy=draw(SPOTS),
        on_network=draw(RARELY) is False,
        excluded=fate == "excluded",
        forbidden=fate == "forbidden",
        locked_open=fate == "open",
        locked_beds=draw(st.integers(low, high)) if fate == "beds" else -1,
    )


@st.composite
def rule_sets(draw: st.DrawFn) -> tuple[Rule, ...]:
    """Draw the rules in force, with changed numbers and some of them only audited."""
    changes: dict[str, dict[str, Any]] = {
        "HZ_01": {"beds_per_10000": draw(st.sampled_from([60.0, 100.0, 100.0, 310.0]))},
        "HZ_02": {
            "min_sites": draw(st.sampled_from([1, 2, 2, 2, 3])),
            "min_site_beds": draw(st.sampled_from([1, 1, 5, 10])),
            "same_site_m": draw(st.sampled_from([0.0, 100.0, 100.0, 150.0])),
        },
        "HZ_03": {"distance_m": draw(st.sampled_from([500.0, 500.0, 300.0]))},
        "HZ_04": {"distance_m": draw(st.sampled_from([1000.0, 1000.0, 1200.0]))},
    }
    for change in changes.values():
        change["enforce"] = draw(RARELY) is False
    return rules(**changes)


@st.composite
def limit_sets(draw: st.DrawFn, sites: list[Site]) -> Limits:
    """Draw limits: often none, else such that not all may open."""
    if draw(st.booleans()):
        return Limits()
    dear = sum(s.fixed + s.each * (s.low or s.high - s.beds) for s in sites)
    shares = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
    budget = st.one_of(st.none(), shares.map(lambda share: round(dear * share * 4) / 4))
    least = st.sampled_from([None, None, 0.0, 250.0, 1000.0, 3000.0])
    return Limits(
        budget_wan_yuan=draw(budget),
        max_new_sites=draw(st.sampled_from([None, None, 0, 1, 2, 3])),
        min_elders_per_new_site=draw(least),
    )


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Draw a tiny problem: two to five sites, one to six demand points, up to three units."""
    units = draw(st.sampled_from([("a",), ("a", "b"), ("a", "b", NO_UNIT)]))
    n_points = draw(st.integers(1, 6))
    n_homes = draw(st.integers(0, 2))
    n_candidates = draw(st.integers(2, 5 - n_homes))
    drawn = [draw(points(len(units))) for _ in range(n_points)]
    sites = [
        *(draw(homes(n_points, len(units))) for _ in range(n_homes)),
        *(draw(candidates(n_points, len(units))) for _ in range(n_candidates)),
    ]
    if draw(st.booleans()):
        sites = [_on_its_island(site, drawn) for site in sites]
    limits = draw(limit_sets(sites))
    problem = build(drawn, sites, in_force=draw(rule_sets()), limits=limits, units=units)
    assume(oracle.size(problem) <= MOST_LAYOUTS)
    return problem


def _on_its_island(site: Site, of: list[Point]) -> Site:
    """Return a site that reaches only the points of its own unit."""
    metres = zip(site.metres, of, strict=True)
    return replace(site, metres=tuple(m if p.unit == site.unit else None for m, p in metres))
