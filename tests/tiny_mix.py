"""
Tiny towns with nursing and dementia beds, functions, owners and subsidies, built by hand.

Zones lie in streets, districts and planning units; points and sites stand in zones, and distances
are straight. Areas are put together here in the simplest way, not by ``siting.areas``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from siting.areas import Areas
from siting.audit import CHECK, audit, judge
from siting.problem import Layout, Problem
from siting.scenario import Function, Limits, Mix
from siting.sites import Sites
from siting.standards import KINDS, Rule

LOW, MEDIUM, HIGH = 0, 1, 2
FARTHEST_M = 1000.0
URBAN_END = "街道"


@dataclass(frozen=True)
class Zone:
    """A community or village; without a street, district or island it lies in none."""

    name: str = "z1"
    street: str | None = "甲街道"
    district: str | None = "东"
    unit: int = 0
    residents: float = math.nan
    island: str | None = None


@dataclass(frozen=True)
class Point:
    """Elders somewhere in a zone (-1: in none)."""

    elders: float
    xy: tuple[float, float] = (0.0, 0.0)
    zone: int = 0
    density: int = LOW


@dataclass(frozen=True)
class Site:
    """A home (``home=True``) or a candidate; ``nursing``, ``dementia`` None: the file is silent."""

    home: bool = False
    beds: int = 0
    nursing: int | None = 0
    dementia: int | None = 0
    low: int = 10
    high: int = 0
    fixed: float = 10.0
    each: float = 1.0
    convert: float = math.nan
    owner: str = "public"
    functions: frozenset[str] | None = frozenset()
    can_host: frozenset[str] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    institution: bool = True
    zone: int = 0
    xy: tuple[float, float] = (0.0, 0.0)
    forbidden: bool = False
    locked_open: bool = False
    locked_beds: int = -1
    floor: float = math.inf


def rule(
    name: str,
    kind: str,
    *,
    enforce: bool = True,
    strength: str = "required",
    **parameters: Any,
) -> Rule:
    """Return a rule of a kind, its parameters checked as a standard's are."""
    both = {"zh": name, "en": name}
    return Rule(
        id=name, kind=kind, clause="1", legal_status="issued_plan", strength=strength, tier=1,  # type: ignore[arg-type]
        enforce=enforce, parameters=KINDS[kind].model_validate(parameters), year_from=2025,
        summary=both, reading=both,
    )  # fmt: skip


def build(
    sites: list[Site],
    rules: list[Rule],
    *,
    points: list[Point] | None = None,
    zones: list[Zone] | None = None,
    functions: dict[str, float | Function] | None = None,
    mix: Mix | None = None,
    limits: Limits | None = None,
    units: tuple[str, ...] = ("a",),
) -> Problem:
    """Return a problem; homes are put before candidates. Without zones no file tells of areas."""
    points = [Point(0.0)] if points is None else points
    sites = sorted(sites, key=lambda site: not site.home)
    density = np.array([p.density for p in points], dtype=np.int8)
    elders = np.array([p.elders for p in points], dtype=float)
    of = _zone_of(zones)
    site_zone = [s.zone for s in sites]
    return Problem(
        demand_id=np.array([f"d{i}" for i in range(len(points))], dtype=object),
        demand_xy=np.array([p.xy for p in points], dtype=float).reshape(-1, 2),
        elders=elders,
        density_per_km2=np.array([500.0, 2000.0, 4000.0])[density.astype(int)],
        density_class=density,
        standard_m=_standards(density, elders, rules),
        demand_unit=np.array([of[p.zone].unit for p in points], dtype=np.int64),
        demand_zone=np.array([p.zone if zones else -1 for p in points], dtype=np.int64),
        demand_on_network=np.ones(len(points), dtype=bool),
        sites=_sites(sites),
        site_unit=np.array([of[z].unit for z in site_zone], dtype=np.int64),
        site_on_network=np.ones(len(sites), dtype=bool),
        site_excluded=np.zeros(len(sites), dtype=bool),
        locked_open=np.array([s.locked_open or s.locked_beds >= 0 for s in sites], dtype=bool),
        forbidden=np.array([s.forbidden for s in sites], dtype=bool),
        locked_beds=np.array([s.locked_beds for s in sites], dtype=np.int64),
        reach=_reach(points, sites),
        unit_id=np.array(units, dtype=object),
        zone_id=np.array([z.name for z in zones or []], dtype=object),
        rules=tuple(rules),
        limits=limits or Limits(),
        areas=areas_of(points, sites, zones, units),
        mix=mix or Mix(),
        functions={
            name: each if isinstance(each, Function) else Function(cost=each)
            for name, each in (functions or {}).items()
        },
    )


def _zone_of(zones: list[Zone] | None) -> dict[int, Zone]:
    """Return the zone of each number; -1 is none, and lies in the first unit."""
    return (
        dict(enumerate(zones or []))
        | {-1: Zone(street=None, district=None)}
        | ({} if zones else {0: Zone(street=None, district=None)})
    )


def areas_of(
    points: list[Point], sites: list[Site], zones: list[Zone] | None, units: tuple[str, ...]
) -> dict[str, Areas]:
    """Return the areas of every kind that the zones tell of."""
    of = _zone_of(zones)
    where = [[s.zone for s in sites], [p.zone for p in points]]
    elders = [p.elders for p in points]
    everything = math.fsum(z.residents for z in zones) if zones else math.nan
    found = {
        "all": _table(["all"], [[0] * len(each) for each in where], elders, [everything]),
        "unit": _table(
            list(units), [[of[z].unit for z in each] for each in where], elders,
            [math.nan] * len(units),
        ),
    }  # fmt: skip
    if not zones:
        return found
    streets = sorted({z.street for z in zones if z.street})
    street_of = [streets.index(z.street) if z.street else -1 for z in zones]
    found["zone"] = _table(
        [z.name for z in zones], where, elders, [z.residents for z in zones], street_of
    )
    for kind in ("district", "street", "island"):
        names = sorted({getattr(z, kind) for z in zones if getattr(z, kind)})
        if not names:
            continue
        place = {
            number: names.index(getattr(z, kind)) if getattr(z, kind) else -1
            for number, z in of.items()
        }
        live = [math.fsum(z.residents for z in zones if getattr(z, kind) == n) for n in names]
        found[kind] = _table(names, [[place[z] for z in each] for each in where], elders, live)
    if "street" in found:
        found["circle"] = found["street"]
        in_city = [bool(z.street) and str(z.street).endswith(URBAN_END) for z in zones]
        in_town = [bool(z.street) and not city for z, city in zip(zones, in_city, strict=True)]
        found["urban_zone"] = _some(found["zone"], in_city)
        found["village"] = _some(found["zone"], in_town)
        city = [name.endswith(URBAN_END) for name in streets]
        found["urban_street"] = _some(found["street"], city)
        found["town"] = _some(found["street"], [not each for each in city])
    return found


def _table(
    names: list[str],
    where: list[list[int]],
    elders: list[float],
    residents: list[float],
    street: list[int] | None = None,
) -> Areas:
    """Return areas from the number of the area of each site and of each point."""
    sums = [
        math.fsum(e for e, z in zip(elders, where[1], strict=True) if z == k)
        for k in range(len(names))
    ]
    return Areas(
        np.array(names, dtype=object),
        np.array(where[0], dtype=np.int64),
        np.array(where[1], dtype=np.int64),
        np.array(sums, dtype=float),
        np.array(residents, dtype=float),
        None if street is None else np.array(street, dtype=np.int64),
    )


def _some(table: Areas, keep: list[bool]) -> Areas:
    """Return some of the areas, renumbered."""
    kept = [k for k, each in enumerate(keep) if each]
    new = {old: k for k, old in enumerate(kept)}
    return Areas(
        table.id[kept],
        np.array([new.get(k, -1) for k in table.of_site.tolist()], dtype=np.int64),
        np.array([new.get(k, -1) for k in table.of_demand.tolist()], dtype=np.int64),
        table.elders[kept],
        table.residents[kept],
        None if table.street is None else table.street[kept],
    )


def _standards(density: np.ndarray, elders: np.ndarray, rules: list[Rule]) -> np.ndarray:
    """Return each point's longest distance, NaN without a duty."""
    metres = np.full(len(density), np.nan)
    for each in rules:
        if each.kind == "coverage" and each.parameters.distance_m is not None:
            number = {"medium": MEDIUM, "high": HIGH}[each.parameters.density_class]
            metres[(density == number) & (elders > 0)] = each.parameters.distance_m
    return metres


def _reach(points: list[Point], sites: list[Site]) -> csr_matrix:
    """Return straight distances of at most 1,000 m; a distance of 0 is an entry."""
    data, columns, starts = [], [], [0]
    for site in sites:
        for i, point in enumerate(points):
            metres = math.dist(site.xy, point.xy)
            if metres <= FARTHEST_M:
                data.append(metres)
                columns.append(i)
        starts.append(len(data))
    shape = (len(sites), len(points))
    return csr_matrix(
        (np.array(data, float), np.array(columns, np.int32), np.array(starts, np.int32)), shape
    )


def _objects(values: list[Any]) -> np.ndarray:
    """Return a list as an array of objects."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _sites(sites: list[Site]) -> Sites:
    """Return the table of sites."""
    names = _objects([f"{'H' if s.home else 'C'}{j}" for j, s in enumerate(sites)])

    def whole(values: list[Any]) -> np.ndarray:
        return np.array([int(each or 0) for each in values], dtype=np.int64)

    return Sites(
        id=names,
        name=names,
        kind=_objects(["institution" if s.institution else "day_care" for s in sites]),
        tenure=_objects([""] * len(sites)),
        xy=np.array([s.xy for s in sites], dtype=float).reshape(-1, 2),
        is_existing=np.array([s.home for s in sites], dtype=bool),
        institution=np.array([s.institution for s in sites], dtype=bool),
        beds=whole([s.beds for s in sites]),
        nursing_beds=whole([s.nursing for s in sites]),
        dementia_beds=whole([s.dementia for s in sites]),
        min_beds=whole([0 if s.home else s.low for s in sites]),
        max_beds=whole([max(s.beds, s.high) for s in sites]),
        fixed_cost=np.array([s.fixed for s in sites], dtype=float),
        cost_per_bed=np.array([s.each for s in sites], dtype=float),
        convert_cost_per_bed=np.array([s.convert for s in sites], dtype=float),
        owner=_objects([s.owner for s in sites]),
        knows_nursing=np.array([s.nursing is not None for s in sites], dtype=bool),
        knows_dementia=np.array([s.dementia is not None for s in sites], dtype=bool),
        functions=_objects([s.functions for s in sites]),
        can_host=_objects([s.can_host for s in sites]),
        facts=_objects([dict(s.facts) for s in sites]),
        floor_m2=np.array([s.floor for s in sites], dtype=float),
    )


def prepared(problem: Problem) -> Any:
    """Return as much of a prepared scenario as the auditor reads with straight distances."""
    return SimpleNamespace(
        problem=problem, scenario=SimpleNamespace(distance="straight"), network=None,
        site_snap=None, demand_snap=None,
    )  # fmt: skip


def today(problem: Problem) -> Layout:
    """Return what stands today."""
    return problem.existing_layout()


def findings(problem: Problem, layout: Layout | None = None) -> list[Any]:
    """Return what the audit finds of every rule, encouragements softened."""
    layout = today(problem) if layout is None else layout
    return list(audit(prepared(problem), layout).findings)


def raw_findings(problem: Problem, asked: Rule, layout: Layout | None = None) -> list[Any]:
    """Return what the check of one rule's kind finds."""
    layout = today(problem) if layout is None else layout
    judged = judge(prepared(problem), layout)
    return CHECK[asked.kind](problem, judged, asked)
