"""
Planning units built from zones, or from points where there are no zones.

A unit holds about as many elders as asked (10,000), hangs together, and lies in one district.
What one line of the settings cannot say:

- A zone with more elders than the band allows, or larger than the area limit, is a unit by itself.
- The other zones of a district fall into pieces that hang together: zones side by side, or joined
  by a ferry that is listed. Every piece is split by itself. Its number of units is its elders over
  the target, rounded half up, at least one; more only where the area limit leaves no other way.
- The sum of |elders - target| is as small as can be; then units hold as few pieces of streets as
  can be; then the borders between them are as short as can be; then zones, in the order of their
  codes, take the smallest unit numbers. The last three are proven for pieces of up to 13 zones and
  else sought with a fixed seed.
- A unit outside the band is kept and listed, never forced.

Rows are sorted by code first, so their order changes nothing. Without zones neither water nor
districts are seen: points are put into squares, and squares whose centres lie far apart do not
hang together.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from siting.contiguity import (
    GRID_M,
    Contiguity,
    cells_around,
    components,
    ferry_pairs,
    shared_borders,
)
from siting.errors import EmptyInputError, Fault, InputError, ScenarioError
from siting.inputs.coordinates import working_crs
from siting.partition import METHODS, Aim, Method, make_part, split
from siting.scenario import Build
from siting.tables import DataCheck, ids, labels, numbers

if TYPE_CHECKING:
    from geopandas import GeoDataFrame, GeoSeries
    from numpy.typing import NDArray

__all__ = ["NOTES", "BuiltUnits", "DistrictUnits", "build_units"]

WHERE = "units.build"
UNNAMED = "unit"
"""What ids begin with where no district is named."""

WHOLE = "all"
"""Name of the study area in the check where no district is named."""

NOTES = ("below_band", "over_area", "above_band", "large_zone")
"""What is to be said of a unit; of several the last."""

EQUAL = 1 + 1e-9


@dataclass(frozen=True)
class DistrictUnits:
    """
    How the units of one district came about.

    Attributes
    ----------
    name
        Of the district; ``all`` where none is named.
    zones, pieces, units, in_band
        Zones, pieces that do not hang together, units, and units in the band.
    elders
        Of the district.
    deviation, bound
        Sum of |elders - target| over the units, and what no layout is below.
    method
        What is proven of the least proven piece, see ``siting.partition.Split``.
    """

    name: str
    zones: int
    pieces: int
    units: int
    in_band: int
    elders: float
    deviation: float
    bound: float
    method: Method


@dataclass(frozen=True)
class BuiltUnits:
    """
    Planning units.

    Attributes
    ----------
    id, district
        (n,) ``<district>-01`` and so on, numbered in the order of their first zones; and districts.
    elders, area_m2, zones
        (n,) elders, area, and number of zones (without zones: of squares).
    note
        (n,) ``large_zone``: one zone above the band; ``above_band``; ``over_area``: one zone above
        the area limit; ``below_band``; or empty.
    shapes
        (n,) polygons, their corners on a grid of a centimetre.
    of_row
        (m,) unit of each row given.
    districts
        How they came about, by name.
    """

    id: NDArray[np.object_]
    district: NDArray[np.object_]
    elders: NDArray[np.float64]
    area_m2: NDArray[np.float64]
    zones: NDArray[np.int64]
    note: NDArray[np.object_]
    shapes: GeoSeries
    of_row: NDArray[np.int64]
    districts: tuple[DistrictUnits, ...]

    @property
    def deviation(self) -> float:
        """Sum of |elders - target| over all units."""
        return float(sum(each.deviation for each in self.districts))

    @property
    def bound(self) -> float:
        """What no layout of units deviates less than."""
        return float(sum(each.bound for each in self.districts))

    @property
    def in_band_share(self) -> float:
        """Share of units whose elders lie in the band."""
        return sum(each.in_band for each in self.districts) / len(self.id)

    def to_frame(self) -> GeoDataFrame:
        """Return one row per unit: ``id, district, elders, zones, area_km2, note, geometry``."""
        table = {
            "id": self.id, "district": self.district, "elders": self.elders, "zones": self.zones,
            "area_km2": self.area_m2 / 1e6, "note": self.note,
        }  # fmt: skip
        return gpd.GeoDataFrame(table, geometry=self.shapes.to_numpy(), crs=self.shapes.crs)


@dataclass(frozen=True)
class _Zones:
    """Zones in the order of their codes."""

    id: NDArray[np.object_]
    elders: NDArray[np.float64]
    area_m2: NDArray[np.float64]
    district: NDArray[np.object_]
    street: NDArray[np.int64]
    shapes: NDArray[np.object_]
    contiguity: Contiguity


def build_units(
    layer: GeoDataFrame,
    *,
    elders: str,
    code: str | None = None,
    district: str | None = None,
    street: str | None = None,
    settings: Build | None = None,
    where: str = "zones",
    check: DataCheck | None = None,
) -> BuiltUnits:
    """
    Return planning units of about equal elders.

    Parameters
    ----------
    layer
        Zones (polygons), or points where there are no zones; projected, metres.
    elders, code, district, street
        Columns of elders, unique codes, districts and streets. Without codes rows count from 1,
        without districts all is one. Streets and districts are for zones only.
    settings
        Elders of a unit, band, area limit, ferries, tolerance; None: as a scenario has them.
    where
        What errors call the layer.
    check
        Takes what was found and how the units came about.

    Returns
    -------
    units
        Ids, elders, shapes and notes of the units, the unit of each row, and how each district's
        came about, with what is proven.

    Raises
    ------
    InputError
        If the layer mixes shapes, zones overlap, a code stands twice, or a district is empty.
    CrsError
        If the layer is not projected in metres.
    ScenarioError
        If a ferry names no zone.
    """
    settings = settings if settings is not None else Build()
    check = check if check is not None else DataCheck()
    working_crs(layer.crs, where=where)
    if layer.empty:
        raise EmptyInputError.of("empty_layer", where)
    rows = np.arange(1, len(layer) + 1)
    names = ids(layer, code, where=where, stem=where, file_rows=rows)
    people = numbers(layer, elders, where=where, ids=names, file_rows=rows)
    kind = layer.geom_type.to_numpy()
    if (kind == "Point").all():
        zones, of_row = _squares(layer, people, settings, check)
    elif np.isin(kind, ["Polygon", "MultiPolygon"]).all():
        groups = [_column(layer, each, names, where) for each in (district, street)]
        zones, of_row = _sorted_zones(layer, names, people, groups, settings, where, check)
    else:
        found = ", ".join(sorted({str(each) for each in kind}))
        odd = np.flatnonzero(~np.isin(kind, ["Polygon", "MultiPolygon"]))
        raise InputError(Fault("not_polygons", where, {"found": found}, labels(names, odd, rows)))
    built = _built(zones, of_row, settings, layer.crs, check)
    _report(built, settings, check)
    return built


def _column(
    layer: GeoDataFrame, column: str | None, names: NDArray[np.object_], where: str
) -> NDArray[np.object_]:
    """Return a column as text, all the same where none is named; an empty cell is refused."""
    if column is None:
        return np.full(len(layer), "", dtype=object)
    said = layer[column].astype(object)
    values = np.where(said.isna(), "", said.astype(str).str.strip()).astype(object)
    empty = np.flatnonzero(values == "")
    if len(empty):
        rows = labels(names, empty, np.arange(1, len(layer) + 1))
        raise InputError(Fault("empty_cell", where, {"column": column}, rows))
    return values


def _sorted_zones(
    layer: GeoDataFrame,
    names: NDArray[np.object_],
    people: NDArray[np.float64],
    groups: list[NDArray[np.object_]],
    settings: Build,
    where: str,
    check: DataCheck,
) -> tuple[_Zones, NDArray[np.int64]]:
    """Return zones in the order of their codes, side by side, and the place of each row."""
    order = np.argsort(names.astype(str), kind="stable")
    shapes = np.asarray(layer.geometry)[order]
    if (shapely.is_missing(shapes) | shapely.is_empty(shapes)).any():
        bad = np.flatnonzero(shapely.is_missing(shapes) | shapely.is_empty(shapes))
        raise InputError(Fault("empty_geometry", where, {}, labels(names[order], bad, order + 1)))
    district, street = (each[order] for each in groups)
    touching = shared_borders(
        shapes, names[order], tolerance_m=settings.border_tolerance_m, where=where, check=check
    )
    ferries = ferry_pairs(settings.ferries, names[order], where=f"{WHERE}.ferries")
    idle = np.flatnonzero(district[ferries[:, 0]] != district[ferries[:, 1]])
    if len(idle):
        pairs = [" + ".join(settings.ferries[k]) for k in idle.tolist()]
        check.add("warning", "ferry_between_districts", WHERE, count=len(idle), examples=pairs)
    zones = _Zones(
        names[order], people[order], shapely.area(shapes), district,
        np.unique(street.astype(str), return_inverse=True)[1], shapes, touching.join(ferries),
    )  # fmt: skip
    return zones, np.argsort(order)


def _squares(
    layer: GeoDataFrame, people: NDArray[np.float64], settings: Build, check: DataCheck
) -> tuple[_Zones, NDArray[np.int64]]:
    """Return squares that hold points with elders, and the square of each point."""
    if settings.ferries:
        raise ScenarioError.of("needs", f"{WHERE}.ferries", names="zones", key=f"{WHERE}.ferries")
    xy = np.column_stack([layer.geometry.x, layer.geometry.y])
    cells = cells_around(xy, grid_m=settings.grid_m, link_m=settings.link_m)
    n = len(cells.xy)
    check.add(
        "info", "units_from_points", WHERE, count=n, grid=settings.grid_m, link=settings.link_m
    )
    width = len(str(n))
    names = np.array([f"{k + 1:0{width}d}" for k in range(n)], dtype=object)
    zones = _Zones(
        names, _sums(cells.of_point, people, n),
        shapely.area(cells.shapes), np.full(n, "", dtype=object), np.zeros(n, dtype=np.int64),
        cells.shapes, cells.contiguity,
    )  # fmt: skip
    return zones, cells.of_point


def _built(
    zones: _Zones, of_row: NDArray[np.int64], settings: Build, crs: Any, check: DataCheck
) -> BuiltUnits:
    """Return the units of all districts."""
    unit = np.full(len(zones.id), -1, dtype=np.int64)
    names: list[str] = []
    found, apart = [], []
    districts = sorted(set(zones.district))
    members = [np.flatnonzero(zones.district == each) for each in districts]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # each by itself: the same in any order
        split_up = list(
            pool.map(partial(_district_units, zones, settings=settings), members, districts)
        )
    for district, inside, (own, result) in zip(districts, members, split_up, strict=True):
        unit[inside] = own + len(names)
        width = max(2, len(str(result.units)))
        names += [f"{district or UNNAMED}-{k + 1:0{width}d}" for k in range(result.units)]
        found.append(result)
        if result.pieces > 1:
            apart.append(f"{result.name} ({result.pieces})")
    if apart:
        pieces = sum(each.pieces - 1 for each in found)
        check.add("info", "units_apart", WHERE, count=pieces, examples=apart)
    n = len(names)
    elders = _sums(unit, zones.elders, n)
    size = np.bincount(unit, minlength=n)
    area = _sums(unit, zones.area_m2, n)
    shapes = [shapely.union_all(zones.shapes[unit == k], grid_size=GRID_M) for k in range(n)]
    first = np.unique(unit, return_index=True)[1]
    return BuiltUnits(
        id=np.array(names, dtype=object),
        district=zones.district[first],
        elders=elders,
        area_m2=area,
        zones=size,
        note=_notes(elders, size, area, settings),
        shapes=gpd.GeoSeries(shapes, crs=crs),
        of_row=unit[of_row],
        districts=tuple(found),
    )


def _district_units(
    zones: _Zones, inside: NDArray[np.int64], name: str, settings: Build
) -> tuple[NDArray[np.int64], DistrictUnits]:
    """Return the unit of each zone of a district, numbered by first zones, and how it came."""
    place = np.full(len(zones.id), -1, dtype=np.int64)
    place[inside] = np.arange(len(inside))
    pairs = place[zones.contiguity.pairs]
    both = (pairs >= 0).all(axis=1)
    pairs, border = pairs[both], zones.contiguity.border_m[both]
    elders, area = zones.elders[inside], zones.area_m2[inside]
    alone = (elders > settings.high * EQUAL) | (area > settings.max_area_km2 * 1e6 * EQUAL)
    free = ~alone[pairs].any(axis=1)
    piece = components(len(inside), pairs[free])
    aim = Aim(round(settings.elders * 1e6), int(settings.max_area_km2 * 1e8 * EQUAL))
    unit = np.empty(len(inside), dtype=np.int64)
    deviation, bound, n_units, method = 0, 0, 0, METHODS[0]
    for each in range(int(piece.max()) + 1):
        members = np.flatnonzero(piece == each)
        label = np.full(len(inside), -1)
        label[members] = np.arange(len(members))
        of_piece = free & (label[pairs] >= 0).all(axis=1)
        part = make_part(
            label[pairs[of_piece]], border[of_piece], elders[members], area[members],
            np.unique(zones.street[inside[members]], return_inverse=True)[1],
        )  # fmt: skip
        result = split(part, aim)
        unit[members] = result.unit + n_units
        n_units += int(result.unit.max()) + 1
        deviation += result.deviation
        bound += result.bound
        method = max(method, result.method, key=METHODS.index)
    first = np.unique(unit, return_index=True)[1]
    unit = np.argsort(np.argsort(first))[unit]
    sums = _sums(unit, elders, n_units)
    in_band = int((_below(sums, settings) | _above(sums, settings) == 0).sum())
    pieces = int(components(len(inside), pairs).max()) + 1
    return unit, DistrictUnits(
        name or WHOLE, len(inside), pieces, n_units, in_band, float(elders.sum()),
        deviation / 1e6, bound / 1e6, method,
    )  # fmt: skip


def _sums(unit: NDArray[np.int64], values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return values summed over units."""
    return np.bincount(unit, weights=values, minlength=n).astype(float)


def _below(elders: NDArray[np.float64], settings: Build) -> NDArray[np.bool_]:
    """Return which units hold fewer elders than the band; its ends are inside."""
    return np.asarray(elders * EQUAL < settings.low)


def _above(elders: NDArray[np.float64], settings: Build) -> NDArray[np.bool_]:
    """Return which units hold more elders than the band."""
    return np.asarray(elders > settings.high * EQUAL)


def _notes(
    elders: NDArray[np.float64],
    size: NDArray[np.int64],
    area: NDArray[np.float64],
    settings: Build,
) -> NDArray[np.object_]:
    """Return what is to be said of each unit."""
    above, wide = _above(elders, settings), area > settings.max_area_km2 * 1e6 * EQUAL
    notes = np.full(len(elders), "", dtype=object)
    true_of = (_below(elders, settings), wide, above, above & (size == 1))
    for note, rows in zip(NOTES, true_of, strict=True):
        notes[rows] = note
    return notes


def _report(built: BuiltUnits, settings: Build, check: DataCheck) -> None:
    """List how many units there are, how good they are, and which are outside the band."""
    deviation, bound = built.deviation, built.bound
    check.add(
        "info", "units_built", WHERE, count=len(built.id), elders=float(built.elders.sum()),
        share=built.in_band_share, low=settings.low, high=settings.high, deviation=deviation,
        bound=bound, gap=f"{(deviation - bound) / max(deviation, 1e-9):.2%}",
    )  # fmt: skip
    for each in built.districts:
        code = (
            "units_all_compared" if each.method == "all_compared"
            else "units_sets_compared" if each.method == "sets_compared"
            else "units_bound_reached" if each.method == "bound_reached"
            else "units_searched"
        )  # fmt: skip
        check.add(
            "info", code, WHERE, count=each.units, elders=each.elders, district=each.name,
            zones=each.zones, inside=each.in_band, deviation=each.deviation, bound=each.bound,
        )  # fmt: skip
    below, above = _below(built.elders, settings), _above(built.elders, settings)
    wide = built.area_m2 > settings.max_area_km2 * 1e6 * EQUAL
    for code, found, figure in (
        ("unit_below_band", below, built.elders),
        ("unit_above_band", above & (built.note != "large_zone"), built.elders),
        ("unit_large_zone", built.note == "large_zone", built.elders),
        ("unit_over_area", wide, built.area_m2 / 1e6),
    ):
        rows = np.flatnonzero(found)
        if len(rows):
            examples = [f"{built.id[k]} ({figure[k]:,.0f})" for k in rows.tolist()]
            check.add(
                "warning", code, WHERE, count=len(rows), elders=float(built.elders[rows].sum()),
                examples=examples, low=settings.low, high=settings.high,
                area=settings.max_area_km2,
            )  # fmt: skip
