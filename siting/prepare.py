"""From a scenario's files to the problem: read, check, place, measure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from siting.demand import (
    CLASSES, Demand, DensityReading, Zones, classify, density_readings, place_in_zones,
    read_demand, read_zones, spread_elders,
)  # fmt: skip
from siting.errors import Fault, InputError, ScenarioError, nearest_name
from siting.inputs.layers import working_crs
from siting.inputs.roads import read_roads
from siting.inputs.sources import read_polygons, sha256
from siting.network import Network, build_network
from siting.problem import DISTANCE_CAP_M, Problem
from siting.reach import Reach, Snap, search, snap, straight_reach
from siting.sites import (
    QUALIFYING_BEDS, Sites, drawn_sites, generate_candidates, join_sites, no_sites, read_candidates,
    read_existing,
)  # fmt: skip
from siting.standards import Standard, read_standard
from siting.tables import DataCheck
from siting.units import PlanningUnits, assign_units, read_unit_layer, study_area

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray
    from pandas import DataFrame
    from shapely.geometry.base import BaseGeometry

    from siting.scenario import Scenario

__all__ = ["Prepared", "prepare"]

LONG_LEG_M = 200.0


@dataclass(frozen=True)
class Prepared:
    """
    What one scenario's files become.

    Attributes
    ----------
    scenario, standard
        What was asked, and the rules in force with the study's changes.
    problem
        What is planned for and judged by.
    demand, zones, units, network, roads
        Tables behind the problem; ``network`` and ``roads`` may be None with straight distances.
    readings
        Density under each support.
    support
        Support in use.
    site_snap, demand_snap
        Where sites and demand points meet the network.
    study_area, exclusions
        Areas in the working system.
    check
        What was found in the files.
    inputs
        One entry per file: ``path, sha256, rows, dropped``.
    """

    scenario: Scenario
    standard: Standard
    problem: Problem
    demand: Demand
    zones: Zones | None
    units: PlanningUnits
    network: Network | None
    roads: GeoDataFrame | None
    readings: dict[str, DensityReading]
    support: str
    site_snap: Snap | None
    demand_snap: Snap | None
    study_area: BaseGeometry | None
    exclusions: GeoDataFrame | None
    check: DataCheck
    inputs: list[dict[str, Any]]


@dataclass
class _Files:
    """What the files of a scenario hold, before anything is put together."""

    demand: Demand | None = None
    zones: Zones | None = None
    unit_layer: Any = None
    roads: GeoDataFrame | None = None
    network: Network | None = None
    homes: Any = None
    listed: dict[int, Any] = field(default_factory=dict)
    exclusions: GeoDataFrame | None = None
    inputs: list[dict[str, Any]] = field(default_factory=list)


def prepare(
    scenario: Scenario, *, check: DataCheck | None = None, drawn: DataFrame | None = None
) -> Prepared:
    """
    Return the problem of a scenario, with everything that outputs show around it.

    Parameters
    ----------
    scenario
        As read.
    check
        Takes the lines of the data check, also when an error ends the reading.
    drawn
        Facilities of a given layout (``id, beds, x, y``); those that the scenario does not know
        become sites of their own.

    Raises
    ------
    InputError, ScenarioError, StandardError
        With every fault of the files that can be told apart.
    """
    check = check if check is not None else DataCheck()
    working_crs(scenario.crs)
    standard = read_standard(
        scenario.standard, year=scenario.year, folder=scenario.locate("")
    ).change(scenario.rules, where="rules")
    files = _read_files(scenario, check)
    demand = _placed_demand(scenario, files, check)
    area = study_area(files.zones, files.unit_layer)
    sites = _all_sites(scenario, files, area)
    if drawn is not None:
        sites = join_sites([sites, drawn_sites(drawn, set(sites.id), check=check)])
    inside = _inside(area, sites.xy)
    units = assign_units(
        scenario, demand, files.zones, files.unit_layer, sites.xy, inside=inside, check=check
    )
    readings = density_readings(demand, files.zones, scenario.density)
    support = scenario.density.support if scenario.density.support in readings else "window"
    if support != scenario.density.support:
        check.add("info", "support_fallback", "density", count=1)
    classes = {name: classify(reading, standard) for name, reading in readings.items()}
    _report_classes(demand, classes, support, check)
    cutoff = max([DISTANCE_CAP_M, *(r.parameters.distance_m for r in standard.of_kind("coverage"))])
    snaps = _snaps(scenario, files.network, sites, demand)
    reach = _reach(scenario, files.network, snaps, sites, demand, cutoff)
    excluded = _excluded(files.exclusions, sites)
    locks = _locks(scenario, sites, excluded)
    problem = Problem(
        demand_id=demand.id,
        demand_xy=demand.xy,
        elders=demand.elders,
        density_per_km2=readings[support].per_km2,
        density_class=classes[support],
        standard_m=_standards(classes[support], demand.elders, standard),
        demand_unit=units.of_demand,
        demand_zone=demand.zone,
        demand_on_network=_on_network(snaps[1], len(demand.id)),
        sites=sites,
        site_unit=units.of_site,
        site_on_network=_on_network(snaps[0], sites.n),
        site_excluded=excluded,
        **locks,
        reach=reach.distances,
        unit_id=units.id,
        zone_id=files.zones.id if files.zones is not None else np.empty(0, dtype=object),
        rules=standard.rules,
        limits=scenario.limits,
    )
    _report_places(problem, snaps, files, inside, check)
    return Prepared(
        scenario, standard, problem, demand, files.zones, units, files.network, files.roads,
        readings, support, snaps[0], snaps[1], area, files.exclusions, check, files.inputs,
    )  # fmt: skip


def _read_files(scenario: Scenario, check: DataCheck) -> _Files:
    """Return what all files hold; every fault of every file is told at once."""
    files = _Files()
    with check.collecting():
        files.demand = read_demand(scenario, check=check)
    with check.collecting():
        files.zones = read_zones(scenario, check=check)
    with check.collecting():
        files.unit_layer = read_unit_layer(scenario, check=check)
    with check.collecting():
        files.homes = read_existing(scenario, check=check)
    for number, part in enumerate(scenario.candidates):
        with check.collecting():
            if part.path is not None:
                files.listed[number] = read_candidates(
                    scenario, part, f"candidates.{number}", check=check
                )
    with check.collecting():
        _read_network(scenario, files, check)
    with check.collecting():
        _read_exclusions(scenario, files, check)
    check.raise_collected()
    sources = [
        each
        for each in (
            files.demand.source if files.demand else None,
            files.zones.source if files.zones else None,
            files.unit_layer,
            files.homes[1] if files.homes else None,
            *(source for _, source in files.listed.values()),
        )
        if each is not None
    ]
    files.inputs = [
        {"path": s.path, "sha256": s.sha256, "rows": len(s.ids), "dropped": 0} for s in sources
    ] + files.inputs
    return files


def _read_network(scenario: Scenario, files: _Files, check: DataCheck) -> None:
    """Read the roads of a scenario, if it has any."""
    part = scenario.network
    if part is None:
        return
    path = scenario.locate(part.path)
    lines, closed = read_roads(
        path, crs=scenario.crs, layer=part.layer, declared=part.crs, check=check
    )
    files.roads = lines
    files.network = build_network(
        lines, tolerance_m=part.tolerance_m, node_crossings=part.node_crossings
    )
    if closed:
        check.add("info", "not_walkable", path.name, count=closed)
    if files.network.dropped_pieces:
        check.add("info", "zero_length", path.name, count=files.network.dropped_pieces)
    files.inputs.append(
        {"path": part.path, "sha256": sha256(path), "rows": len(lines) + closed, "dropped": closed}
    )


def _read_exclusions(scenario: Scenario, files: _Files, check: DataCheck) -> None:
    """Read the areas where nothing new may stand, kept at their distance."""
    shapes, names = [], []
    for number, part in enumerate(scenario.exclude):
        source = read_polygons(scenario, part, f"exclude.{number}", columns={}, check=check)
        area = shapely.union_all(np.asarray(source.frame.geometry))
        shapes.append(area.buffer(part.buffer_m) if part.buffer_m else area)
        names.append(part.name)
        files.inputs.append(
            {"path": part.path, "sha256": source.sha256, "rows": len(source.ids), "dropped": 0}
        )
    if shapes:
        files.exclusions = gpd.GeoDataFrame(
            {"name": names}, geometry=shapes, crs=working_crs(scenario.crs)
        )


def _placed_demand(scenario: Scenario, files: _Files, check: DataCheck) -> Demand:
    """Return the demand points in their zones, spread first where the scenario says so."""
    demand = files.demand
    if demand is None:  # pragma: no cover - read or raised
        raise InputError.of("empty_layer", "demand")
    if scenario.demand.spread is not None and files.network is not None:
        areas = demand.source.frame.geom_type.isin(["Polygon", "MultiPolygon"])
        if not areas.all():
            raise InputError.of("spread_needs_polygons", demand.source.name)
        demand = spread_elders(demand, files.network, scenario.demand.spread, check=check)
    if not demand.elders.sum() > 0:
        raise InputError.of("no_elders", demand.source.name)
    return place_in_zones(demand, files.zones, check=check)


def _all_sites(scenario: Scenario, files: _Files, area: BaseGeometry | None) -> Sites:
    """Return homes, listed candidates and generated ones."""
    parts = [files.homes[0]] if files.homes else []
    parts += [sites for sites, _ in files.listed.values()]
    made = 0
    for part in scenario.candidates:
        if part.generate is None or files.network is None:
            continue
        taken = np.vstack([np.empty((0, 2)), *(each.xy for each in parts)])
        new = generate_candidates(
            part, part.generate, files.network, study_area=area, taken=taken, first=made + 1
        )
        made += new.n
        parts.append(new)
    return join_sites(parts) if parts else no_sites()


def _inside(area: BaseGeometry | None, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which points lie inside the study area, its border included."""
    if area is None:
        return np.ones(len(xy), dtype=bool)
    shapely.prepare(area)
    return np.asarray(shapely.intersects_xy(area, *xy.T), dtype=bool)


def _snaps(
    scenario: Scenario, network: Network | None, sites: Sites, demand: Demand
) -> tuple[Snap | None, Snap | None]:
    """Return where sites and demand points meet the network."""
    if network is None or scenario.network is None:
        return None, None
    limits = {"max_snap_m": scenario.network.max_snap_m, "threads": scenario.solve.threads}
    return snap(network, sites.xy, **limits), snap(network, demand.xy, **limits)  # type: ignore[arg-type]


def _reach(
    scenario: Scenario,
    network: Network | None,
    snaps: tuple[Snap | None, Snap | None],
    sites: Sites,
    demand: Demand,
    cutoff_m: float,
) -> Reach:
    """Return the distances that bind: along the roads, or straight."""
    if scenario.distance == "straight":
        return straight_reach(sites.xy, demand.xy, cutoff_m=cutoff_m)
    if network is None or snaps[0] is None or snaps[1] is None:
        raise ScenarioError.of("needs", "network", names="network", key="network")
    matrix = search(network, *snaps, cutoff_m=cutoff_m, threads=scenario.solve.threads)  # type: ignore[arg-type]
    return Reach(matrix, cutoff_m)


def _on_network(found: Snap | None, n: int) -> NDArray[np.bool_]:
    """Return which points are near enough to a road."""
    return np.ones(n, dtype=bool) if found is None else found.edge >= 0


def _standards(
    classes: NDArray[np.int8], elders: NDArray[np.float64], standard: Standard
) -> NDArray[np.float64]:
    """Return each point's longest distance; NaN where there is no duty."""
    metres = np.full(len(classes), np.nan)
    for rule in standard.of_kind("coverage"):
        metres[classes == CLASSES.index(rule.parameters.density_class)] = rule.parameters.distance_m
    metres[elders <= 0] = np.nan
    return metres


def _excluded(exclusions: GeoDataFrame | None, sites: Sites) -> NDArray[np.bool_]:
    """Return which candidates lie where nothing new may stand."""
    if exclusions is None:
        return np.zeros(sites.n, dtype=bool)
    area = shapely.union_all(np.asarray(exclusions.geometry))
    shapely.prepare(area)
    return np.asarray(shapely.intersects_xy(area, *sites.xy.T)) & ~sites.is_existing


def _locks(
    scenario: Scenario, sites: Sites, excluded: NDArray[np.bool_]
) -> dict[str, NDArray[Any]]:
    """Return the decisions already taken, refused where they name no site or contradict."""
    where = {name: k for k, name in enumerate(sites.id)}
    locks = scenario.locks
    faults = []
    for key, names in (("open", locks.open), ("forbid", locks.forbid), ("beds", tuple(locks.beds))):
        for name in names:
            if name not in where:
                guess = nearest_name(name, list(where))
                code = "lock_unknown_near" if guess else "lock_unknown"
                faults.append(Fault(code, f"locks.{key}", {"found": name, "guess": guess}))
    if faults:
        raise ScenarioError(*faults)
    is_open, closed = np.zeros(sites.n, dtype=bool), np.zeros(sites.n, dtype=bool)
    beds = np.full(sites.n, -1, dtype=np.int64)
    for name in (*locks.open, *locks.beds):
        is_open[where[name]] = True
    for name in locks.forbid:
        closed[where[name]] = True
    for name, count in locks.beds.items():
        beds[where[name]] = count
    _refuse_contradictions(sites, is_open, closed, excluded, beds)
    return {"locked_open": is_open, "forbidden": closed, "locked_beds": beds}


def _refuse_contradictions(
    sites: Sites,
    is_open: NDArray[np.bool_],
    closed: NDArray[np.bool_],
    excluded: NDArray[np.bool_],
    beds: NDArray[np.int64],
) -> None:
    """Refuse locks that contradict each other, an excluded area or what a site can hold."""
    least = np.where(sites.is_existing, sites.beds, sites.min_beds)
    small = is_open & ~sites.is_existing & (sites.max_beds < np.maximum(least, QUALIFYING_BEDS))
    out = (beds >= 0) & ((beds < least) | (beds > sites.max_beds))
    tests = {
        "lock_both": is_open & closed,
        "lock_excluded": is_open & excluded,
        "lock_too_small": small,
        "lock_beds": out & ~small,
    }
    faults = []
    for code, bad in tests.items():
        rows = np.flatnonzero(bad).tolist()
        if rows:
            k = rows[0]
            values = {"found": beds[k], "low": least[k], "high": sites.max_beds[k]}
            faults.append(Fault(code, "locks", values, tuple(str(sites.id[k]) for k in rows)))
    if faults:
        raise ScenarioError(*faults)


def _report_classes(
    demand: Demand, classes: dict[str, NDArray[np.int8]], support: str, check: DataCheck
) -> None:
    """List the elders by class under each support, and warn where the reading matters."""
    total = float(demand.elders.sum())
    for name, each in classes.items():
        by_class = np.bincount(each, weights=demand.elders, minlength=3)
        changed = float(demand.elders[each != classes[support]].sum())
        check.add(
            "warning" if changed > 0.05 * total else "info",
            "density_support" if name != support else "density_support_used",
            "density", count=len(demand.id), elders=changed, support=name,
            high=float(by_class[2]), medium=float(by_class[1]), low=float(by_class[0]),
            share=changed / total,
        )  # fmt: skip


def _report_places(
    problem: Problem,
    snaps: tuple[Snap | None, Snap | None],
    files: _Files,
    inside: NDArray[np.bool_],
    check: DataCheck,
) -> None:
    """List what is off the network or outside the study area, and the pieces of the network."""
    existing = problem.sites.is_existing
    groups = {"homes": existing, "candidates": ~existing}
    for name, group in groups.items():
        for code, bad in (
            (f"{name}_off_network", ~problem.site_on_network),
            (f"{name}_outside", ~inside),
            (f"{name}_excluded", problem.site_excluded),
        ):
            rows = np.flatnonzero(group & bad)
            if len(rows):
                found = problem.sites.id[rows]
                severity = "info" if code == "candidates_excluded" else "warning"
                check.add(severity, code, name, count=len(rows), examples=found)
    lonely = ~existing & ~problem.forbidden & ~problem.site_excluded
    lonely &= problem.sites.max_beds >= QUALIFYING_BEDS
    lonely &= ~problem.usable()
    if lonely.any():
        rows = np.flatnonzero(lonely)
        check.add("info", "too_few_elders", "limits", count=len(rows), examples=problem.sites.id[rows])
    if files.network is None or snaps[1] is None:
        return
    leg = snaps[1].leg_m
    for code, severity, rows in (
        ("demand_off_network", "warning", np.flatnonzero(~problem.demand_on_network)),
        ("long_leg", "info", np.flatnonzero((leg > LONG_LEG_M) & problem.demand_on_network)),
    ):
        if len(rows):
            check.add(
                severity, code, "demand", count=len(rows),  # type: ignore[arg-type]
                elders=float(problem.elders[rows].sum()), examples=problem.demand_id[rows],
            )  # fmt: skip
    _report_pieces(problem, files.network, snaps[1], check)


def _report_pieces(problem: Problem, network: Network, found: Snap, check: DataCheck) -> None:
    """List the pieces of the network with the share of elders on each."""
    on = found.edge >= 0
    piece = network.component_of_node[network.edge_nodes[found.edge[on], 0]]
    elders = np.bincount(piece, weights=problem.elders[on], minlength=network.n_components)
    total = float(problem.elders.sum())
    shown = np.argsort(-elders, kind="stable")[:10].tolist()
    if network.n_components == 1:
        check.add("info", "one_piece", "network", count=1, km=network.component_length_m[0] / 1000)
        return
    check.add(
        "warning", "pieces", "network", count=network.n_components,
        elders=float(elders.sum() - elders[0]),
        examples=[f"{network.component_length_m[k] / 1000:.1f} km: {elders[k] / total:.2%}" for k in shown],
    )  # fmt: skip

