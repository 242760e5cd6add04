"""Coordinate systems: named, checked against the coordinates, and brought to the working one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from siting.errors import CrsError, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from geopandas import GeoDataFrame

    from siting.tables import DataCheck

__all__ = [
    "AREA_OF_USE_MARGIN_DEGREES", "as_working_crs", "project_points", "read_crs", "working_crs",
]  # fmt: skip

AREA_OF_USE_MARGIN_DEGREES = 3.0
UNSUPPORTED = re.compile(r"GCJ|MARS|BD[\s_-]*09|BAIDU|火星|百度|高德|腾讯", re.IGNORECASE)
"""Names of shifted systems that are refused, never read as WGS 84."""

WEB_MERCATOR = frozenset({3857, 3785, 900913, 102100, 102113})
RIGHT_ANGLE = 90.0
SAME_M, SAME_DEGREES = 1e-3, 1e-8
"""Two systems are one if coordinates differ by less than this."""

Rows: TypeAlias = NDArray[np.int64]
Label: TypeAlias = "Callable[[Rows], tuple[str, ...]]"
"""Names some rows, given by position, as an error shows them."""


def read_crs(name: Any, *, where: str) -> CRS:
    """Return a coordinate system, refused with the reason if its name cannot be used."""
    if UNSUPPORTED.search(str(name)):
        raise CrsError.of("crs_unsupported", where, found=name)
    try:
        return CRS.from_user_input(name)
    except CRSError as error:
        raise CrsError.of("crs_unknown", where, found=name) from error


def working_crs(name: Any, *, where: str = "crs") -> CRS:
    """Return the projected system in metres that every distance is measured in."""
    crs = read_crs(name, where=where)
    if crs.to_epsg() in WEB_MERCATOR:
        raise CrsError.of("crs_web_mercator", where, found=name)
    if not crs.is_projected:
        raise CrsError.of("crs_geographic", where, found=name)
    if {axis.unit_conversion_factor for axis in crs.axis_info} != {1.0}:
        raise CrsError.of("crs_not_metres", where, found=name)
    return crs


def as_working_crs(
    table: GeoDataFrame,
    crs: Any,
    *,
    where: str,
    declared: Any = None,
    check: DataCheck | None = None,
    label: Label | None = None,
) -> GeoDataFrame:
    """
    Return a layer in the working system.

    Parameters
    ----------
    table
        Layer in the system that its file names.
    crs
        Projected working system, metres.
    where
        What an error names.
    declared
        System that the scenario declares for a file that names none.
    check
        Takes a warning when the layer lies a little outside an area of use.
    label
        Names some rows, given by position, for an error; None: by number, counted from 1.

    Raises
    ------
    CrsError
        If the layer has no system, two that differ, or coordinates outside its area of use by
        more than 3 degrees; or if all of it lies as far outside that of the working system.
    """
    target = working_crs(crs)
    bounds = table.geometry.bounds.to_numpy(dtype=float)
    source = _agreed(table.crs, declared, bounds, where)
    _refuse_misplaced(bounds, source, target, where=where, check=check, label=label)
    return table.set_crs(source, allow_override=True).to_crs(target)


def project_points(
    x: Any,
    y: Any,
    *,
    crs: CRS,
    target: CRS,
    where: str,
    check: DataCheck | None = None,
    label: Label | None = None,
) -> gpd.GeoSeries:
    """
    Return points of coordinate columns in the working system; missing where x or y is.

    Parameters
    ----------
    x, y
        (n,) easting or longitude, northing or latitude, whatever the axis order of ``crs``.
    crs, target
        System of the columns and working system.
    where, check, label
        As for ``as_working_crs``.

    Raises
    ------
    CrsError
        As ``as_working_crs``.
    """
    xy = np.column_stack([np.asarray(x, dtype=float), np.asarray(y, dtype=float)])
    _refuse_misplaced(np.hstack([xy, xy]), crs, target, where=where, check=check, label=label)
    there = np.isfinite(xy).all(axis=1)
    points = np.full(len(xy), None, dtype=object)
    points[there] = shapely.points(xy[there])
    return gpd.GeoSeries(points, crs=crs).to_crs(target)


def _agreed(file: Any, declared: Any, bounds: NDArray[np.float64], where: str) -> CRS:
    """Return the system of a layer: the file's, or the declared one where they are the same."""
    source = None if file is None else CRS(file)
    if declared is None:
        if source is None:
            raise CrsError.of("crs_missing", where)
        return source
    named = read_crs(declared, where=where)
    if source is not None and not _is_same(source, named, bounds):
        raise CrsError.of("crs_conflict", where, file=_name(source), found=declared)
    return named


def _is_same(one: CRS, other: CRS, bounds: NDArray[np.float64]) -> bool:
    """Return whether two systems give the same coordinates where the layer lies."""
    if one.equals(other, ignore_axis_order=True):
        return True
    if one.is_geographic != other.is_geographic or not np.isfinite(bounds).any():
        return False
    x, y = _corners(np.array([_total(bounds)]))
    try:
        there = Transformer.from_crs(one, other, always_xy=True).transform(x, y)
    except ProjError:
        return False
    limit = SAME_DEGREES if one.is_geographic else SAME_M
    return bool(np.abs(np.array(there) - (x, y)).max() < limit)


def _refuse_misplaced(
    bounds: NDArray[np.float64],
    source: CRS,
    target: CRS,
    *,
    where: str,
    check: DataCheck | None,
    label: Label | None,
) -> None:
    """Refuse coordinates that cannot be in their system; warn of those a little outside."""
    there = np.flatnonzero(~np.isnan(bounds).all(axis=1))
    if not len(there):
        return
    known, asked = bounds[there], label or _numbered
    wrong = ~np.isfinite(known).all(axis=1)
    if wrong.any():
        raise CrsError(Fault("coordinates_not_finite", where, {}, asked(there[wrong])))
    away = _degrees_outside(known, source, source)
    from_target = _degrees_outside(known, source, target)
    far = away > AREA_OF_USE_MARGIN_DEGREES
    swapped = np.zeros(len(known), dtype=bool)
    if source.is_geographic:
        far |= np.abs(known[:, [1, 3]]).max(axis=1) > RIGHT_ANGLE
        swapped = far & (_degrees_outside(known[:, [1, 0, 3, 2]], source, source) <= 0)
    nowhere = (from_target > AREA_OF_USE_MARGIN_DEGREES).all() & ~far
    tests = {
        "lon_lat_swapped": swapped, "outside_crs": far & ~swapped, "outside_working_crs": nowhere,
    }  # fmt: skip
    for code, bad in tests.items():
        if bad.any():
            low, high = known[bad][:, :2].min(axis=0), known[bad][:, 2:].max(axis=0)
            found = f"x {low[0]:.9g} … {high[0]:.9g}, y {low[1]:.9g} … {high[1]:.9g}"
            values = {"crs": _name(target if bad is nowhere else source), "found": found}
            raise CrsError(Fault(code, where, values, asked(there[bad])))
    if check is not None:
        _warn(check, where, source, there[away > 0], asked)
        _warn_of_target(check, where, target, there[(from_target > 0) & (away <= 0)], asked)


def _warn(check: DataCheck, where: str, crs: CRS, rows: Rows, label: Label) -> None:
    """List rows that lie a little outside the area of use of their own system."""
    if len(rows):
        name, count = _name(crs), len(rows)
        check.add("warning", "crs_margin", where, count=count, examples=label(rows), crs=name)


def _warn_of_target(check: DataCheck, where: str, crs: CRS, rows: Rows, label: Label) -> None:
    """List rows that lie outside the area of use of the working system."""
    if len(rows):
        name, count = _name(crs), len(rows)
        check.add(
            "warning", "crs_working_margin", where, count=count, examples=label(rows), crs=name
        )


def _numbered(rows: Rows) -> tuple[str, ...]:
    """Return rows by number, counted from 1."""
    return tuple(str(row + 1) for row in rows.tolist())


def _degrees_outside(bounds: NDArray[np.float64], crs: CRS, area_crs: CRS) -> NDArray[np.float64]:
    """
    Return how far bounds lie outside a system's area of use, in degrees; 0 or less inside.

    The whole is looked at first, and row by row only where it reaches outside. What the system
    cannot hold at all is infinitely far away.
    """
    area = area_crs.area_of_use
    if area is None:
        return np.zeros(len(bounds))
    whole = _outside(np.array([_total(bounds)]), crs, area)
    return np.repeat(whole, len(bounds)) if whole[0] <= 0 else _outside(bounds, crs, area)


def _outside(bounds: NDArray[np.float64], crs: CRS, area: Any) -> NDArray[np.float64]:
    """Return how far the corners of each of some bounds lie outside an area, in degrees."""
    to_degrees = Transformer.from_crs(crs, crs.geodetic_crs or 4326, always_xy=True)
    lon, lat = to_degrees.transform(*_corners(bounds))
    east = area.east + 360 * (area.east < area.west)
    lon = np.where(lon < east - 360, lon + 360, lon)
    away = np.max([area.west - lon, lon - east, area.south - lat, lat - area.north], axis=0)
    away = np.where(np.isfinite(lon) & np.isfinite(lat), away, np.inf)
    return np.asarray(away.reshape(4, -1).max(axis=0))


def _corners(bounds: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x and y of the four corners of each of some bounds."""
    west, south, east, north = bounds.T
    return np.concatenate([west, east, east, west]), np.concatenate([south, south, north, north])


def _total(bounds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the bounds of all bounds."""
    return np.concatenate([np.nanmin(bounds[:, :2], axis=0), np.nanmax(bounds[:, 2:], axis=0)])


def _name(crs: CRS) -> str:
    """Return what a system is called: its code, else its name."""
    code = crs.to_authority()
    return ":".join(code) if code is not None else str(crs.name)
