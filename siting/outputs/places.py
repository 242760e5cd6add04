"""Places with a guide page each: streets and towns, else planning units; and what is open there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.demand import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from siting.areas import Areas
    from siting.audit import Audit
    from siting.finding import Finding
    from siting.prepare import Prepared
    from siting.problem import Problem

__all__ = [
    "OPEN_COLUMNS",
    "REASON_COLUMNS",
    "open_points_frame",
    "place_of_sites",
    "places_frame",
    "reasons_frame",
]

REASON_COLUMNS = ["place", "reason", "points", "elders_high", "elders_medium", "elders"]
OPEN_COLUMNS = [
    "place", "rule_id", "clause", "summary", "scope", "verdict", "enforced", "count", "examples",
    "required", "measured", "unit", "note",
]  # fmt: skip
SAME = frozenset({"street", "urban_street", "town", "circle", "unit"})
"""Scopes of findings that may bear the name of a place."""
ZONES = frozenset({"zone", "urban_zone", "village"})
EXAMPLES = 5


def _kind(problem: Problem) -> str:
    """Return what places are: streets and towns where the files tell of them, else units."""
    return "street" if "street" in problem.areas else "unit"


def _areas(problem: Problem) -> Areas:
    """Return the areas that are places."""
    return problem.areas[_kind(problem)]


def place_of_sites(problem: Problem) -> NDArray[np.object_]:
    """Return the place that each site lies in, empty where it lies in none."""
    areas = _areas(problem)
    return np.append(areas.id.astype(object), "")[areas.of_site]


def places_frame(prepared: Prepared, existing: Audit, plan: Audit) -> gpd.GeoDataFrame:
    """
    Return one row per street or town; without streets, one per planning unit.

    Columns: ``id, kind`` (street, unit), ``elders`` and those of each density class,
    ``area_km2, beds_required`` (of the rule on beds by unit or street; missing where none says),
    ``beds_existing, beds_planned, shortfall``, the shares of elders with a distance duty who are
    covered (``covered_existing, covered_planned``; missing without a duty), and how many
    facilities that count stand (``sites_existing, sites_planned``).
    """
    problem = prepared.problem
    areas = _areas(problem)
    size = len(areas.id)
    duty = ~np.isnan(problem.standard_m)
    weight = np.where(duty, problem.elders, 0.0)
    due = _sum(areas.of_demand, weight, size)
    shares = {}
    for state, judged in (("existing", existing.judged), ("planned", plan.judged)):
        reached = _sum(areas.of_demand, weight * judged.covered, size)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares[f"covered_{state}"] = np.where(due > 0, reached / due, np.nan)
    need = _required(plan, areas)
    beds = {
        name: _sum(areas.of_site, each.judged.counted_beds, size)
        for name, each in (("beds_existing", existing), ("beds_planned", plan))
    }
    table = {
        "id": areas.id,
        "kind": _kind(problem),
        "elders": areas.elders,
        **{
            f"elders_{grade}": _sum(
                areas.of_demand, problem.elders * (problem.density_class == number), size
            )
            for number, grade in reversed(list(enumerate(CLASSES)))
        },
        "beds_required": need,
        **beds,
        "shortfall": np.maximum(need - beds["beds_planned"], 0.0),
        **shares,
        "sites_existing": _sum(areas.of_site, existing.judged.qualifies, size),
        "sites_planned": _sum(areas.of_site, plan.judged.qualifies, size),
    }
    shapes = gpd.GeoSeries(_shapes(prepared, areas), crs=prepared.units.shapes.crs)
    frame = gpd.GeoDataFrame(table, geometry=shapes)
    return frame.assign(area_km2=frame.geometry.area / 1e6)


def _sum(place: NDArray[np.int64], values: Any, size: int) -> NDArray[np.float64]:
    """Return values summed by place; -1 is no place."""
    on = place >= 0
    weights = np.asarray(values, dtype=float)[on]
    return np.bincount(place[on], weights=weights, minlength=size).astype(np.float64)


def _required(plan: Audit, areas: Areas) -> NDArray[np.float64]:
    """Return the beds that a rule asks for in each place; missing where none does."""
    asked = {
        each.scope_id: each.required
        for each in plan.findings
        if each.scope in SAME and each.unit == "beds"
    }
    return np.array([asked.get(str(name), np.nan) for name in areas.id], dtype=float)


def _shapes(prepared: Prepared, areas: Areas) -> list[object]:
    """Return the area of each place: the zones of a street together, or the planning unit."""
    problem, zones, units = prepared.problem, prepared.zones, prepared.units
    if _kind(problem) == "unit" or zones is None:
        shape = dict(zip(units.id, units.shapes, strict=True))
        return [shape.get(name) for name in areas.id]
    street = problem.areas["zone"].street
    shapes = np.asarray(zones.shapes)
    street = np.full(len(shapes), -1) if street is None else street
    return [shapely.union_all(shapes[street == number]) for number in range(len(areas.id))]


def reasons_frame(prepared: Prepared, demand: pd.DataFrame) -> pd.DataFrame:
    """
    Return how many uncovered points and elders have each reason, over all and by place.

    ``place`` is empty for the whole. Only reasons that there are have a row.
    """
    problem = prepared.problem
    areas = _areas(problem)
    table = pd.DataFrame(
        {
            "place": np.array([*areas.id, None], dtype=object)[areas.of_demand],
            "reason": demand["reason"].to_numpy(),
            "points": 1,
            "elders_high": problem.elders * (problem.density_class == CLASSES.index("high")),
            "elders_medium": problem.elders * (problem.density_class == CLASSES.index("medium")),
            "elders": problem.elders,
        }
    )
    missed = table[table["reason"].fillna("").astype(bool)]
    rows = pd.concat([missed.assign(place=""), missed[missed["place"].notna()]])
    numbers = ["points", "elders_high", "elders_medium", "elders"]
    counted = rows.groupby(["place", "reason"], sort=True)[numbers].sum().reset_index()
    return counted[REASON_COLUMNS].sort_values(
        ["place", "elders"], ascending=[True, False], kind="stable", ignore_index=True
    )


def open_points_frame(prepared: Prepared, plan: Audit, places: gpd.GeoDataFrame) -> pd.DataFrame:
    """
    Return what stays open in each place: rules that are unmet, or that the files cannot judge.

    One row per place, rule, scope and verdict: how many findings, the first five names, and for a
    single one its two numbers. A zone belongs to the place that its inner point lies in.
    """
    language = prepared.scenario.language
    rules = {rule.id: rule for rule in prepared.standard.rules}
    groups: dict[tuple[str, str, str, str], list[tuple[str, Finding]]] = {}
    for place, name, found in _located(prepared, plan, places):
        key = (place, found.rule_id, found.scope, found.verdict)
        groups.setdefault(key, []).append((name, found))
    rows = []
    for (place, rule_id, scope, verdict), items in groups.items():
        first = items[0][1]
        single = len(items) == 1
        names = ", ".join(name for name, _ in items[:EXAMPLES] if name != place)
        rows.append([
            place, rule_id, first.clause, rules[rule_id].summary[language], scope, verdict,
            first.enforced, len(items), names, first.required if single else np.nan,
            first.measured if single else np.nan, first.unit, first.note if single else "",
        ])  # fmt: skip
    table = pd.DataFrame(rows, columns=OPEN_COLUMNS)
    order = table.assign(soft=~table["enforced"].astype(bool), unknown=table["verdict"] != "unmet")
    order = order.sort_values(["place", "unknown", "soft", "rule_id", "scope"], kind="stable")
    return table.loc[order.index].reset_index(drop=True)


def _located(
    prepared: Prepared, plan: Audit, places: gpd.GeoDataFrame
) -> Iterator[tuple[str, str, Finding]]:
    """Give place, name and finding for each finding that is open and lies in one place."""
    problem = prepared.problem
    ids = {str(each) for each in places["id"]}
    zone = _place_of_zones(prepared, places)
    of_site = place_of_sites(problem)
    site = dict(zip(map(str, problem.sites.id), of_site, strict=True))
    called = dict(zip(map(str, problem.sites.id), problem.sites.name, strict=True))
    for found in plan.findings:
        if found.verdict not in {"unmet", "unknown"}:
            continue
        name = str(found.scope_id)
        if found.scope in SAME and name in ids:
            yield name, name, found
        elif found.scope in ZONES and name in zone:
            yield *zone[name], found
        elif found.scope == "facility" and site.get(name):
            yield site[name], str(called[name]), found


def _place_of_zones(prepared: Prepared, places: gpd.GeoDataFrame) -> dict[str, tuple[str, str]]:
    """Return the place and the name of each zone whose inner point lies in a place."""
    zones = prepared.zones
    if zones is None or places.empty:
        return {}
    points = shapely.point_on_surface(np.asarray(zones.shapes))
    shapes = np.asarray(places.geometry)
    tree = shapely.STRtree(shapes)
    zone, place = tree.query(points, predicate="intersects")
    return {
        str(zones.id[z]): (str(places["id"].iloc[p]), str(zones.name[z]))
        for z, p in zip(zone.tolist(), place.tolist(), strict=True)
    }
