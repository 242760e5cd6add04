"""Build the tables that every output reads, from the audits of the existing state and the plan."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.audit import Audit, covered_shares, reachable, reasons
from siting.classical import ModelSolution
from siting.conflicts import find_conflicts
from siting.demand import CLASSES, DensityReading, classify
from siting.outputs.facilities import facilities_frame, phase_sites_frame, site_counts
from siting.outputs.frames import Frames
from siting.outputs.money import empty_shares, money_totals, phase_records, phases_frame
from siting.outputs.places import open_points_frame, places_frame, reasons_frame
from siting.outputs.rules import rules_frame
from siting.outputs.service_areas import service_areas
from siting.outputs.services import circle_counts, circles_frame, conflicts_frame, staff_frame
from siting.study.curve import CURVE_COLUMNS
from siting.study.phases import first_year
from siting.units import NO_UNIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from siting.access import Access
    from siting.prepare import Prepared
    from siting.problem import Layout, Problem
    from siting.scenario import Scenario
    from siting.solve import Solution
    from siting.study.phases import PhasePlan

__all__ = ["build_frames", "density_frame", "record_of"]


def build_frames(
    prepared: Prepared,
    layout: Layout,
    *,
    existing: Audit,
    plan: Audit,
    curve: pd.DataFrame | None,
    phases: Sequence[PhasePlan],
    money: pd.DataFrame,
    access: Access,
    record: dict[str, Any],
) -> Frames:
    """
    Return the tables of one run.

    Parameters
    ----------
    prepared
        The problem and the tables behind it.
    layout
        The layout that ``plan`` judges.
    existing, plan
        Audits of the existing state and of the layout.
    curve
        Coverage–cost curve, or None where nothing was planned.
    phases, money
        Every phase, the last one with ``layout``, and what is paid in them.
    access
        Access and equity of both states.
    record
        What ``run.json`` holds.
    """
    planned = curve is not None
    curve = curve if curve is not None else pd.DataFrame(columns=CURVE_COLUMNS)
    crs = prepared.demand.shapes.crs
    roads = prepared.roads if prepared.roads is not None else _no_roads(crs)
    demand = _demand(prepared, existing, plan, access, planned=planned)
    places = places_frame(prepared, existing, plan)
    return Frames(
        facilities=facilities_frame(prepared, layout, plan, curve, first_year(phases)),
        demand=demand,
        demand_shapes=prepared.demand.shapes,
        units=_units(prepared, existing, plan),
        zones=_zones(prepared),
        audit=pd.concat([existing.to_frame(), plan.to_frame()], ignore_index=True),
        density=density_frame(prepared),
        curve=curve.assign(**dict.fromkeys(empty_shares(prepared.problem), np.nan)),
        roads=roads,
        service_areas=_service_areas(prepared, plan),
        exclusions=prepared.exclusions,
        study_area=prepared.study_area,
        circles=circles_frame(prepared, plan),
        staff=staff_frame(prepared, plan),
        conflicts=conflicts_frame(record["conflicts"]),
        info=_info(prepared, record),
        record=record,
        phases=phases_frame(record["phases"], phases),
        money=money,
        places=places,
        reasons=reasons_frame(prepared, demand),
        open_points=open_points_frame(prepared, plan, places),
        phase_sites=phase_sites_frame(phases),
        service_areas_existing=_service_areas(prepared, existing),
        rules=rules_frame(prepared),
        access=access.table,
        lorenz=access.lorenz,
    )


def _no_roads(crs: Any) -> gpd.GeoDataFrame:
    """Return an empty table of lines."""
    return gpd.GeoDataFrame(geometry=gpd.GeoSeries([], crs=crs))


def _demand(
    prepared: Prepared, existing: Audit, plan: Audit, access: Access, *, planned: bool
) -> gpd.GeoDataFrame:
    """Return one row per demand point."""
    problem, judged = prepared.problem, plan.judged
    duty = ~np.isnan(problem.standard_m)
    on_foot = prepared.scenario.distance == "network"
    reason, blocked = reasons(problem, judged, planned=planned, on_foot=on_foot)
    nearest = judged.nearest_site
    names = np.array([*problem.sites.id, None], dtype=object)[nearest]
    note = np.where((problem.demand_zone < 0) & (prepared.zones is not None), "no_zone", "").astype(
        object
    )
    table = {
        "id": problem.demand_id,
        "elders": problem.elders,
        "density_per_km2": problem.density_per_km2,
        "density_class": np.array(CLASSES, dtype=object)[problem.density_class],
        "unit_id": problem.unit_id[problem.demand_unit],
        "nearest_facility_id": names,
        "nearest_network_m": judged.network_m,
        "nearest_straight_m": judged.straight_m,
        "standard_m": problem.standard_m,
        "covered": _yes_no(judged.covered, duty),
        "reason": reason,
        "covered_existing": _yes_no(existing.judged.covered, duty),
        "note": note,
        "blocked_by": blocked,
        "accessible_beds_existing": access.accessible["existing"],
        "accessible_beds": access.accessible["plan"],
    }
    points = gpd.GeoSeries(shapely.points(problem.demand_xy), crs=prepared.demand.shapes.crs)
    return gpd.GeoDataFrame(table, geometry=points)


def _yes_no(covered: NDArray[np.bool_], duty: NDArray[np.bool_]) -> Any:
    """Return true or false, missing without a duty."""
    return pd.array(
        [yes if here else None for yes, here in zip(covered, duty, strict=True)], dtype="boolean"
    )


def _units(prepared: Prepared, existing: Audit, plan: Audit) -> gpd.GeoDataFrame:
    """Return one row per planning unit."""
    problem = prepared.problem
    required = {
        each.scope_id: each.required
        for each in plan.findings
        if each.scope == "unit" and each.unit == "beds"
    }
    need = np.array([required.get(str(unit), 0.0) for unit in problem.unit_id]).astype(np.int64)
    stands = [_by_unit(problem, each.judged.counted_beds) for each in (existing, plan)]
    sites = _by_unit(problem, plan.judged.qualifies.astype(np.int64))
    table = {
        "id": problem.unit_id,
        "elders": problem.unit_elders(),
        "beds_required": need,
        "beds_existing": stands[0],
        "beds_planned": stands[1],
        "shortfall": np.where(problem.unit_id == NO_UNIT, 0, np.maximum(need - stands[1], 0)),
        "sites": sites,
        "note": prepared.units.note if prepared.units.note is not None else "",
    }
    return gpd.GeoDataFrame(
        table, geometry=prepared.units.shapes.to_numpy(), crs=prepared.units.shapes.crs
    )


def _by_unit(problem: Problem, values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return values summed over the sites of each unit."""
    inside = problem.site_unit >= 0
    total = np.bincount(
        problem.site_unit[inside], weights=values[inside], minlength=len(problem.unit_id)
    )
    return np.round(total).astype(np.int64)


def _zones(prepared: Prepared) -> gpd.GeoDataFrame | None:
    """Return one row per zone with its density and class, or None without zones."""
    zones = prepared.zones
    if zones is None:
        return None
    reading = DensityReading("zone", zones.elders, zones.area_m2)
    classes = classify(reading, prepared.standard)
    table = {
        "id": zones.id,
        "name": zones.name,
        "elders": zones.elders,
        "area_km2": zones.area_m2 / 1e6,
        "density_per_km2": reading.per_km2,
        "density_class": np.array(CLASSES, dtype=object)[classes],
    }
    return gpd.GeoDataFrame(table, geometry=zones.shapes.to_numpy(), crs=zones.shapes.crs)


def density_frame(prepared: Prepared) -> pd.DataFrame:
    """Return the elders by class under each areal support, and the share whose class changes."""
    elders = prepared.problem.elders
    used = prepared.problem.density_class
    rows = []
    for name, reading in prepared.readings.items():
        classes = classify(reading, prepared.standard)
        by_class = np.bincount(classes, weights=elders, minlength=3)
        rows.append(
            {
                "support": name,
                "elders_high": float(by_class[2]),
                "elders_medium": float(by_class[1]),
                "elders_low": float(by_class[0]),
                "changed_share": float(elders[classes != used].sum() / elders.sum()),
                "used": name == prepared.support,
            }
        )
    return pd.DataFrame(rows)


def _service_areas(prepared: Prepared, audited: Audit) -> gpd.GeoDataFrame:
    """Return the area within each standard of a qualifying facility."""
    problem = prepared.problem
    on_foot = prepared.scenario.distance == "network"
    on = audited.judged.qualifies & (problem.site_on_network | (not on_foot))
    network = prepared.network if on_foot else None
    metres = sorted({rule.parameters.distance_m for rule in problem.distance_rules})
    shapes = service_areas(network, problem.sites.xy[on], metres)
    crs = prepared.demand.shapes.crs
    return gpd.GeoDataFrame(
        {"distance_m": np.array(metres, dtype=float)}, geometry=gpd.GeoSeries(shapes, crs=crs)
    )


def _info(prepared: Prepared, record: dict[str, Any]) -> dict[str, Any]:
    """Return what outputs say about the run as a whole."""
    scenario, standard = prepared.scenario, prepared.standard
    distances = {
        rule.parameters.density_class: rule.parameters.distance_m
        for rule in standard.distance_rules
    }
    return {
        "name": scenario.name,
        "language": scenario.language,
        "standard": standard.id,
        "standard_name": standard.name[scenario.language],
        "year": scenario.year,
        "date": datetime.now(UTC).astimezone().date().isoformat(),
        "crs": scenario.crs,
        "sources": [each["path"].replace("\\", "/").rsplit("/", 1)[-1] for each in prepared.inputs],
        "estimate": prepared.demand.estimate,
        "status": record.get("status"),
        "distance": scenario.distance,
        "distance_high_m": distances.get("high"),
        "distance_medium_m": distances.get("medium"),
        "beds_by_unit": bool(prepared.problem.bed_rules),
        "objective": _words_of(scenario),
        "atlas": scenario.atlas.model_dump(mode="json"),
        "extent": _extent(prepared),
    }


def _extent(prepared: Prepared) -> dict[str, float]:
    """Return the area of the study area and its bounds in degrees; empty without one."""
    area = prepared.study_area
    if area is None or area.is_empty:
        return {}
    whole = gpd.GeoSeries([area], crs=prepared.demand.shapes.crs)
    west, south, east, north = whole.to_crs(4326).total_bounds.tolist()
    return {"area_km2": float(area.area) / 1e6, "west": west, "south": south, "east": east,
            "north": north}  # fmt: skip


def _words_of(scenario: Scenario) -> str:
    """Return the classical model that a scenario asks for, in words; empty without."""
    asked = scenario.objective
    return "" if asked is None else asked.in_words(scenario.language)


def _objective(prepared: Prepared, solution: Solution | None) -> dict[str, Any]:
    """Return what a classical model was asked and what was measured; empty without one."""
    objective = prepared.scenario.objective
    asked = {} if objective is None else objective.asked
    return asked | (solution.figures if isinstance(solution, ModelSolution) else {})


def record_of(
    prepared: Prepared,
    layout: Layout,
    *,
    existing: Audit,
    plan: Audit,
    solution: Solution | None,
    phases: Sequence[PhasePlan],
    money: pd.DataFrame,
    access: Access,
    seconds: float,
    peak_memory_mb: float,
    versions: dict[str, str],
) -> dict[str, Any]:
    """Return what ``run.json`` holds; every figure is the audit's, stages are the solver's."""
    problem = prepared.problem
    by_class = np.bincount(problem.density_class, weights=problem.elders, minlength=3)
    units = _units(prepared, existing, plan)
    inside = problem.site_unit >= 0
    scenario = prepared.scenario
    return {
        "name": scenario.name,
        "standard": prepared.standard.id,
        "year": scenario.year,
        "status": solution.status if solution is not None else "audited",
        "estimate": prepared.demand.estimate,
        "stages": [vars(stage) for stage in solution.stages] if solution is not None else [],
        "objective": _objective(prepared, solution),
        "elders": {
            "total": float(problem.elders.sum()),
            "high": float(by_class[2]),
            "medium": float(by_class[1]),
            "low": float(by_class[0]),
        },
        "coverage": {
            "existing": covered_shares(problem, existing.judged.covered),
            "plan": covered_shares(problem, plan.judged.covered),
            "reachable": covered_shares(problem, reachable(problem)),
        },
        "beds": {
            "required": int(units["beds_required"].sum()),
            "existing": int(existing.judged.counted_beds[inside].sum()),
            "plan": int(plan.judged.counted_beds[inside].sum()),
            "shortfall": int(units["shortfall"].sum()),
        },
        "sites": site_counts(problem, layout),
        "cost_wan_yuan": float(problem.cost(layout).sum()),
        "money": money_totals(money, phases),
        "phases": phase_records(phases, money),
        "audit": {"existing": existing.counts(), "plan": plan.counts()},
        "access": {state: access.totals(state) for state in ("existing", "plan")},
        "circles": circle_counts(prepared, plan),
        "conflicts": [
            each.to_record(scenario.language) for each in find_conflicts(prepared, existing, plan)
        ],
        "density": density_frame(prepared).to_dict("records"),
        "settings": _settings(prepared),
        "reduction": solution.removed if solution is not None else {},
        "inputs": prepared.inputs,
        "cache": prepared.cache,
        "versions": versions,
        "seconds": seconds,
        "peak_memory_mb": peak_memory_mb,
    }


def _settings(prepared: Prepared) -> dict[str, Any]:
    """Return every setting of the run, the changes made to it, and those to the standard."""
    scenario = prepared.scenario
    return {
        "scenario": scenario.model_dump(mode="json", exclude_none=True),
        "changes": [{"key": key, "value": value} for key, value in scenario.changes],
        "rules": {
            rule.id: rule.numbers() | {"enforce": rule.enforce} for rule in prepared.standard.rules
        },
        "rules_changed": {
            rule.id: [{"key": key, "standard": value} for key, value in rule.changed]
            for rule in prepared.standard.rules
            if rule.changed
        },
        "problem": prepared.problem.digest(),
    }
