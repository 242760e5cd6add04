"""Planning units: which unit each demand point and each site belongs to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely
from scipy.spatial import cKDTree

from siting.demand import Demand, Zones, contains
from siting.errors import Fault, InputError, MissingColumnError, nearest_name
from siting.inputs.sources import Source, read_polygons
from siting.regions import BuiltUnits, build_units
from siting.texts import percent

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from siting.scenario import Scenario
    from siting.tables import DataCheck

__all__ = [
    "NO_UNIT",
    "WHOLE",
    "PlanningUnits",
    "assign_units",
    "column_values",
    "named_column",
    "read_unit_layer",
    "require_column",
    "study_area",
]

WHOLE = "all"
"""Id of the one unit of a scenario without planning units."""

NO_UNIT = "no_unit"
ELSEWHERE = -2
"""Id of the row that keeps the elders and beds inside the study area but outside every unit."""

ROLES = ("street", "district", "island", "id")


@dataclass(frozen=True)
class PlanningUnits:
    """
    Planning units.

    Attributes
    ----------
    id
        (n,) ids, sorted.
    shapes
        (n,) polygons; None where the unit is no area.
    of_demand, of_site
        Unit of each demand point and site; -1 for a site outside the study area.
    source
        Layer that the units come from, or None.
    note
        (n,) what is to be said of each built unit, as ``siting.regions.BuiltUnits.note``; None
        where units were not built.
    """

    id: NDArray[np.object_]
    shapes: gpd.GeoSeries
    of_demand: NDArray[np.int64]
    of_site: NDArray[np.int64]
    source: Source | None = None
    note: NDArray[np.object_] | None = None


def study_area(
    scenario: Scenario, demand: Demand, zones: Zones | None, layer: Source | None
) -> BaseGeometry | None:
    """
    Return the union of the zones, else of the units, else None: no limit.

    Units that a column of the demand file names are areas where the file has polygons.
    """
    if zones is not None:
        return shapely.union_all(np.asarray(zones.shapes))
    if layer is not None:
        return shapely.union_all(np.asarray(layer.frame.geometry))
    frame = demand.source.frame
    named = scenario.units is not None and scenario.units.by is not None
    if named and frame.geom_type.isin(["Polygon", "MultiPolygon"]).all():
        return shapely.union_all(np.asarray(frame.geometry))
    return None


def read_unit_layer(scenario: Scenario, *, check: DataCheck) -> Source | None:
    """Return the layer of planning units, or None where units are no layer."""
    part = scenario.units
    if part is None or part.path is None:
        return None
    return read_polygons(scenario, part, "units", columns={"id": part.id}, check=check)


def assign_units(
    scenario: Scenario,
    demand: Demand,
    zones: Zones | None,
    layer: Source | None,
    site_xy: NDArray[np.float64],
    *,
    inside: NDArray[np.bool_],
    check: DataCheck,
) -> PlanningUnits:
    """
    Return the planning unit of every demand point and site.

    Parameters
    ----------
    scenario
        Says where units come from; without ``units`` the whole area is one.
    demand, zones, layer
        What units are read from.
    site_xy
        (n, 2) sites.
    inside
        Sites inside the study area; others belong to no unit.
    check
        Takes what lies outside every unit, and how sites found theirs.

    Raises
    ------
    InputError, ScenarioError
        If units are to be built and zones overlap, or a ferry names no zone; if more of the elders
        live outside every unit than ``units.max_outside_share``.
    MissingColumnError
        If the column is neither a role under zones nor in the file.
    """
    part = scenario.units
    crs = demand.shapes.crs
    if part is None:
        check.add("info", "one_unit", "units", count=1, elders=float(demand.elders.sum()))
        nothing = gpd.GeoSeries([study_area(scenario, demand, zones, layer)], crs=crs)
        everywhere = np.zeros(len(demand.id), dtype=np.int64)
        whole = np.array([WHOLE], dtype=object)
        return PlanningUnits(whole, nothing, everywhere, np.where(inside, 0, -1))
    if part.build is not None:
        return _built_units(scenario, demand, zones, site_xy, inside=inside, check=check)
    if layer is not None:
        of_demand = contains(layer.frame.geometry, layer.ids, demand.xy)
        of_site = contains(layer.frame.geometry, layer.ids, site_xy)
        names, shapes = layer.ids, layer.frame.geometry
    elif zones is not None:
        names, shapes, of_zone = _by_zone_column(scenario, zones)
        of_demand = np.append(of_zone, -1)[demand.zone]
        of_site = np.append(of_zone, -1)[contains(zones.shapes, zones.id, site_xy)]
    else:
        names, shapes, of_demand = _by_demand_column(str(part.by), demand)
        of_site = _site_units(demand, shapes, names, of_demand, site_xy, check)
    _refuse_empty(scenario, demand, of_demand, layer)
    return _tidy(
        names, shapes, of_demand, np.where(inside, of_site, ELSEWHERE), demand, layer, check
    )


def _refuse_empty(
    scenario: Scenario, demand: Demand, of_demand: NDArray[np.int64], layer: Source | None
) -> None:
    """Refuse units that most of the elders live outside of."""
    total, out = float(demand.elders.sum()), float(demand.elders[of_demand < 0].sum())
    limit = scenario.units.max_outside_share  # type: ignore[union-attr]
    if out > limit * total * (1 + 1e-9):
        values = {
            "found": f"{out:,.0f}", "total": f"{total:,.0f}", "limit": percent(limit),
            "key": "units.max_outside_share",
        }  # fmt: skip
        where = "units" if layer is None else layer.name
        outside = tuple(str(each) for each in demand.id[of_demand < 0])
        raise InputError(Fault("elders_outside_units", where, values, outside))


def _built_units(
    scenario: Scenario,
    demand: Demand,
    zones: Zones | None,
    site_xy: NDArray[np.float64],
    *,
    inside: NDArray[np.bool_],
    check: DataCheck,
) -> PlanningUnits:
    """Return units built from zones with the elders of their demand points, or from the points."""
    if zones is None or scenario.zones is None:
        points = gpd.GeoDataFrame(
            {"elders": demand.elders}, geometry=gpd.points_from_xy(*demand.xy.T),
            crs=demand.shapes.crs,
        )  # fmt: skip
        built = build_units(
            points, elders="elders", settings=scenario.units.build,  # type: ignore[union-attr]
            where=demand.source.name, check=check,
        )  # fmt: skip
        of_demand = built.of_row
        of_site = _nearest_units(demand, of_demand, site_xy)
    else:
        built = _built_of_zones(scenario, demand, zones, check)
        of_demand = np.append(built.of_row, -1)[demand.zone]
        of_site = np.append(built.of_row, -1)[contains(zones.shapes, zones.id, site_xy)]
    _refuse_empty(scenario, demand, of_demand, None)
    of_site = np.where(inside, of_site, ELSEWHERE)
    units = _tidy(built.id, built.shapes, of_demand, of_site, demand, None, check)
    said = dict(zip(built.id, built.note, strict=True))
    return replace(units, note=np.array([said.get(each, "") for each in units.id], dtype=object))


def _built_of_zones(
    scenario: Scenario, demand: Demand, zones: Zones, check: DataCheck
) -> BuiltUnits:
    """Return units built from zones, each with the elders of its demand points."""
    known = demand.zone >= 0
    elders = np.bincount(demand.zone[known], weights=demand.elders[known], minlength=len(zones.id))
    table = gpd.GeoDataFrame({"code": zones.id, "elders": elders}, geometry=zones.shapes.to_numpy(),
                             crs=zones.shapes.crs)  # fmt: skip
    columns = {role: getattr(scenario.zones, role) for role in ("street", "district")}
    for role, column in columns.items():
        table[role] = zones.source.texts(column)
    return build_units(
        table, elders="elders", code="code", settings=scenario.units.build,  # type: ignore[union-attr]
        district="district" if columns["district"] else None,
        street="street" if columns["street"] else None,
        where=zones.source.name, check=check,
    )  # fmt: skip


def column_values(source: Source, column: str) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return the distinct values of a column, sorted, and each row's, -1 where empty."""
    texts = source.texts(column)
    names = np.array(sorted({each for each in texts if each}), dtype=object)
    number = {name: k for k, name in enumerate(names)}
    return names, np.array([number.get(each, -1) for each in texts], dtype=np.int64)


def named_column(scenario: Scenario, by: str) -> str:
    """Return the column that a role under ``zones`` stands for, else the name as it is."""
    return (getattr(scenario.zones, by) if by in ROLES else None) or by


def require_column(source: Source, column: str, key: str) -> None:
    """
    Refuse a column that the file does not have.

    Raises
    ------
    MissingColumnError
        With the nearest name and those that there are.
    """
    columns = [str(name) for name in source.frame.columns if name != "geometry"]
    if column not in columns:
        guess = nearest_name(column, columns)
        code = "missing_column_near" if guess else "missing_column"
        raise MissingColumnError.of(
            code, source.name, key=key, column=column, guess=guess, found=", ".join(columns)
        )


def _by_zone_column(
    scenario: Scenario, zones: Zones
) -> tuple[NDArray[np.object_], gpd.GeoSeries, NDArray[np.int64]]:
    """Return units made of zones that share a role or a column."""
    column = named_column(scenario, str(scenario.units.by))  # type: ignore[union-attr]
    require_column(zones.source, column, "units.by")
    names, of_zone = column_values(zones.source, column)
    shapes = [shapely.union_all(np.asarray(zones.shapes)[of_zone == k]) for k in range(len(names))]
    return names, gpd.GeoSeries(shapes, crs=zones.shapes.crs), of_zone


def _by_demand_column(
    by: str, demand: Demand
) -> tuple[NDArray[np.object_], gpd.GeoSeries, NDArray[np.int64]]:
    """Return units that a column of the demand file names; areas where the file has polygons."""
    require_column(demand.source, by, "units.by")
    names, of_row = column_values(demand.source, by)
    of_demand = of_row if demand.spread_from is None else of_row[demand.spread_from]
    frame = demand.source.frame
    is_area = bool(frame.geom_type.isin(["Polygon", "MultiPolygon"]).all())
    shapes = [
        shapely.union_all(np.asarray(frame.geometry)[of_row == k]) if is_area else None
        for k in range(len(names))
    ]
    return names, gpd.GeoSeries(shapes, crs=frame.crs), of_demand


def _site_units(
    demand: Demand,
    shapes: gpd.GeoSeries,
    names: NDArray[np.object_],
    of_demand: NDArray[np.int64],
    site_xy: NDArray[np.float64],
    check: DataCheck,
) -> NDArray[np.int64]:
    """Return the unit that contains each site; without areas, that of the nearest demand point."""
    if shapes.notna().all():
        return contains(shapes, names, site_xy)
    if len(site_xy):
        check.add("info", "unit_by_nearest", "units.by", count=len(site_xy))
    return _nearest_units(demand, of_demand, site_xy)


def _nearest_units(
    demand: Demand, of_demand: NDArray[np.int64], site_xy: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the unit of the demand point nearest to each site."""
    if not len(site_xy):
        return np.empty(0, dtype=np.int64)
    order = np.argsort(demand.id.astype(str), kind="stable")
    nearest = cKDTree(demand.xy[order]).query(site_xy)[1]
    return np.asarray(of_demand[order][nearest], dtype=np.int64)


def _tidy(
    names: NDArray[np.object_],
    shapes: gpd.GeoSeries,
    of_demand: NDArray[np.int64],
    of_site: NDArray[np.int64],
    demand: Demand,
    layer: Source | None,
    check: DataCheck,
) -> PlanningUnits:
    """Return units sorted by id, with a row for what lies inside the study area but in no unit."""
    order = np.argsort(names.astype(str), kind="stable")
    rank = np.argsort(order)
    out = np.flatnonzero(of_demand < 0)
    elders_out = float(demand.elders[out].sum())
    stray_sites = int((of_site == -1).sum())
    if len(out) or stray_sites:
        check.add(
            "warning", "no_unit", "units", count=len(out), elders=elders_out,
            examples=demand.id[out], sites=stray_sites,
        )  # fmt: skip
    n = len(names)
    ids = names[order]
    geometry: list[Any] = list(np.asarray(shapes)[order])
    if len(out) or stray_sites:
        ids = np.append(ids, NO_UNIT)
        geometry.append(None)
    place = np.concatenate([rank, [-1, n]])
    return PlanningUnits(
        id=ids,
        shapes=gpd.GeoSeries(geometry, crs=shapes.crs),
        of_demand=place[np.where(of_demand < 0, n + 1, of_demand)],
        of_site=place[np.where(of_site == ELSEWHERE, n, np.where(of_site == -1, n + 1, of_site))],
        source=layer,
    )
