"""The tables of one run as every output reads them: one place for each figure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from pandas import DataFrame
    from shapely.geometry.base import BaseGeometry

__all__ = ["Frames"]


@dataclass(frozen=True)
class Frames:
    """
    Everything that a map, a sheet, a workbook or a layer shows; all geometry in one projected CRS.

    Attributes
    ----------
    facilities
        Points, one row per existing or opened facility: the columns of ``facilities.csv`` and
        ``kind, qualifies, rules, rank`` (``rules``: ids of the rules it serves, joined by spaces;
        ``rank``: place in the order of building, missing for homes that are not changed),
        ``stands_today`` and ``beds_today``, ``tenure, land_code, area_m2`` of the land where a file
        tells of them, and ``place``, the
        id of the place that it lies in, empty where it lies in none.
    demand
        Points, one row per demand point: the columns of ``demand.csv`` and ``name``-free extras
        ``covered_existing`` (as ``covered``), ``note``, ``blocked_by``.
    demand_shapes
        One geometry per row of ``demand``: the polygon or the raster cell that the point stands
        for, or the point itself.
    units
        Polygons (geometry may be None), the columns of ``units.csv``.
    zones
        Polygons: ``id, name, elders, area_km2, density_per_km2, density_class``; None without any.
    audit
        The columns of ``audit.csv``.
    density
        One row per areal support: ``support, elders_high, elders_medium, elders_low,
        changed_share, used``; ``changed_share`` is the share of elders (0 to 1) whose class differs
        from the support that the scenario uses.
    curve
        Coverage–cost curve, one row per new or extended site in the order of what each adds:
        ``rank, id, name, action, beds_added, cost_wan_yuan, elders_added_high,
        elders_added_medium, cumulative_cost_wan_yuan, covered_share_high,
        covered_share_medium, beds_total, beds_missing``.
    roads
        Lines.
    service_areas
        Polygons with ``distance_m``: places within the standard of a qualifying open facility.
    exclusions
        Polygons with ``name``; None without.
    study_area
        One polygon or multipolygon; None where there is no limit.
    circles
        Polygons: ``id, elders, residents, ageing_share`` and the status of each function that a
        rule asks for; None without circles or such rules.
    staff
        What rules of staff ask for and what there is, the columns of ``staff.csv``; None without
        such rules.
    conflicts
        The columns of ``conflicts.csv``; None where nothing was looked for.
    phases, money
        The columns of ``phases.csv`` and ``money.csv``; None where nothing was counted.
    places
        Polygons, one row per street or town, without streets per planning unit: the columns of
        ``places_frame``; None where nothing was counted.
    reasons, open_points
        Uncovered points and elders by reason (``place`` empty: over all), and the findings that
        are open in each place.
    phase_sites
        What stands in each phase: ``year, id, status, beds, added_beds``.
    service_areas_existing
        As ``service_areas``, of what stands today.
    rules
        The rules in force, see ``siting.outputs.rules``; None where nobody asked.
    access, lorenz
        The columns of ``access.csv`` and ``lorenz.csv``; None where nothing was measured.
    info
        ``name, language, standard, standard_name, year, date, crs, sources, estimate, status,
        distance, distance_high_m, distance_medium_m, beds_by_unit, atlas, extent``; ``atlas`` is
        what the scenario says of title block and paper, ``extent`` the area of the study area and
        its bounds in degrees; ``sources`` is a list of file names, ``estimate`` is None or the name
        of the method by which elders were spread, a
        distance is None where no rule asks for one, ``beds_by_unit`` says whether a rule asks for
        beds in every planning unit.
    record
        What ``run.json`` holds.
    """

    facilities: GeoDataFrame
    demand: GeoDataFrame
    demand_shapes: Any
    units: GeoDataFrame
    zones: GeoDataFrame | None
    audit: DataFrame
    density: DataFrame
    curve: DataFrame
    roads: GeoDataFrame
    service_areas: GeoDataFrame
    exclusions: GeoDataFrame | None
    study_area: BaseGeometry | None
    circles: GeoDataFrame | None = None
    staff: DataFrame | None = None
    conflicts: DataFrame | None = None
    phases: DataFrame | None = None
    money: DataFrame | None = None
    places: GeoDataFrame | None = None
    reasons: DataFrame | None = None
    open_points: DataFrame | None = None
    phase_sites: DataFrame | None = None
    service_areas_existing: GeoDataFrame | None = None
    rules: DataFrame | None = None
    access: DataFrame | None = None
    lorenz: DataFrame | None = None
    info: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def distance_classes(self) -> list[str]:
        """Density classes for which a rule in force asks for a distance, ``high`` first."""
        return [
            each for each in ("high", "medium") if self.info.get(f"distance_{each}_m") is not None
        ]
