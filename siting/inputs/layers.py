"""Vector layers and tables as files hold them: read, decoded, brought to the working system."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FieldError
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from siting.errors import (
    CrsError,
    EmptyInputError,
    EncodingError,
    Fault,
    InputError,
    MissingColumnError,
    nearest_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from geopandas import GeoDataFrame
    from pandas import DataFrame

    from siting.tables import DataCheck

__all__ = [
    "AREA_OF_USE_MARGIN_DEGREES", "UNSUPPORTED_CRS", "as_working_crs", "project_points",
    "read_crs", "read_layer", "read_table", "require_columns", "require_file", "working_crs",
]  # fmt: skip

UNSUPPORTED_CRS = frozenset({"GCJ02", "GCJ-02", "BD09", "BD-09", "BD09LL", "BD09MC"})
WEB_MERCATOR = frozenset({3857, 3785, 900913, 102100, 102113})
AREA_OF_USE_MARGIN_DEGREES = 3.0
TABLE_ENCODINGS = ("utf-8-sig", "gb18030")


def require_file(path: Path, key: str) -> Path:
    """Return the path, refused with the nearest name in its folder if no file is there."""
    if path.is_file() or (path.is_dir() and path.suffix.lower() == ".gdb"):
        return path
    beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
    guess = nearest_name(path.name, beside)
    code = "no_such_file_near" if guess else "no_such_file"
    raise InputError.of(code, key, path=path.as_posix(), guess=guess)


def read_crs(name: Any, *, where: str) -> CRS:
    """Return a coordinate system, refused with the reason if its name cannot be used."""
    if str(name).strip().upper().replace(" ", "") in UNSUPPORTED_CRS:
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


def read_layer(
    path: Path, *, layer: str | None = None, encoding: str | None = None
) -> GeoDataFrame:
    """
    Return a vector layer as the file holds it.

    A Shapefile's text is read in the encoding of its ``.cpg`` file, else as UTF-8, else as GB18030,
    whichever decodes without a fault.

    Raises
    ------
    InputError
        If the file cannot be read or has no such layer.
    EncodingError
        If no expected encoding decodes the text.
    EmptyInputError
        If the layer has no rows.
    """
    names = _layer_names(path)
    if layer is not None and layer not in names:
        raise InputError.of("no_such_layer", path.name, layer=layer, found=", ".join(names))
    chosen = layer if layer is not None else (names[0] if names else None)
    table = _decode(path, chosen, encoding)
    if not isinstance(table, gpd.GeoDataFrame):
        raise InputError.of("no_geometry", path.name)
    if table.empty:
        raise EmptyInputError.of("empty_layer", path.name)
    return table


def _layer_names(path: Path) -> list[str]:
    """Return the layers of a file."""
    try:
        return [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    except (DataSourceError, DataLayerError, OSError) as error:
        raise InputError.of("unreadable", path.name, found=_short(error, path)) from error


def _decode(path: Path, layer: str | None, encoding: str | None) -> Any:
    """Return the layer read in the first encoding that leaves no broken text."""
    is_shapefile = path.suffix.lower() == ".shp"
    tries: Iterable[str | None] = (encoding,)
    if is_shapefile and encoding is None:
        has_cpg = any(path.with_suffix(each).is_file() for each in (".cpg", ".CPG"))
        tries = (None, "utf-8", "gb18030") if has_cpg else ("utf-8", "gb18030")
    for each in tries:
        try:
            table = pyogrio.read_dataframe(path, layer=layer, encoding=each)
        except UnicodeDecodeError:
            continue
        except (DataSourceError, DataLayerError, FieldError, OSError, ValueError) as error:
            raise InputError.of("unreadable", path.name, found=_short(error, path)) from error
        if not (is_shapefile and _is_broken(table)):
            return table
    raise EncodingError.of("encoding", path.name, found=", ".join(str(each) for each in tries))


def _is_broken(table: DataFrame) -> bool:
    """Return whether names or values show the replacement character."""
    texts = table.select_dtypes(include=["object", "string"])
    if "geometry" in texts:
        texts = texts.drop(columns="geometry")
    values = (
        pd.concat([texts[name].dropna().astype(str) for name in texts], ignore_index=True)
        if len(texts.columns)
        else pd.Series([], dtype=str)
    )
    return any("\ufffd" in str(name) for name in table.columns) or bool(
        values.str.contains("\ufffd", regex=False).any()
    )


def _short(error: BaseException, path: Path) -> str:
    """Return the first line of a foreign error without the folder it names."""
    lines = str(error).strip().splitlines() or [""]
    return lines[0].replace(str(path), path.name)[:200]


def as_working_crs(
    table: GeoDataFrame,
    crs: Any,
    *,
    where: str,
    declared: Any = None,
    check: DataCheck | None = None,
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
        Takes a warning when the layer lies a little outside its system's area of use.

    Raises
    ------
    CrsError
        If the layer has no system, two that differ, or coordinates outside its area of use by
        more than 3 degrees.
    """
    target = working_crs(crs)
    source = table.crs
    if declared is not None:
        named = read_crs(declared, where=where)
        if source is not None and not CRS(source).equals(named, ignore_axis_order=True):
            raise CrsError.of("crs_conflict", where, file=str(source.to_string()), found=declared)
        source = named
    if source is None:
        raise CrsError.of("crs_missing", where)
    located = table.set_crs(source, allow_override=True)
    usable = located.geometry[located.geometry.notna() & ~located.geometry.is_empty]
    if len(usable):
        inside = check_area_of_use(usable.total_bounds, CRS(source), where=where)
        if check is not None and not inside:
            check.add("warning", "crs_margin", where, crs=CRS(source).to_string())
    return located.to_crs(target)


def check_area_of_use(bounds: Any, crs: CRS, *, where: str) -> bool:
    """
    Return whether bounds lie inside a system's area of use; refuse what lies far outside.

    Raises
    ------
    CrsError
        If a coordinate cannot be in the system, or lies more than 3 degrees outside its area.
    """
    west, south, east, north = (float(each) for each in bounds)
    found = f"x {west:g} … {east:g}, y {south:g} … {north:g}"
    if not np.isfinite([west, south, east, north]).all():
        raise CrsError.of("coordinates_not_finite", where)
    if crs.is_geographic and (abs(south) > 90 or abs(north) > 90 or east > 360 or west < -180):
        code = "lon_lat_swapped" if _fits_swapped(bounds) else "outside_crs"
        raise CrsError.of(code, where, crs=crs.to_string(), found=found)
    try:
        to_degrees = Transformer.from_crs(crs, crs.geodetic_crs or 4326, always_xy=True)
        degrees = to_degrees.transform_bounds(west, south, east, north, errcheck=True)
    except ProjError as error:
        raise CrsError.of("outside_crs", where, crs=crs.to_string(), found=found) from error
    area = crs.area_of_use
    if area is None:
        return True
    if not np.isfinite(degrees).all():
        raise CrsError.of("outside_crs", where, crs=crs.to_string(), found=found)
    away = max(
        area.west - degrees[0], area.south - degrees[1],
        degrees[2] - area.east, degrees[3] - area.north,
    )  # fmt: skip
    if away > AREA_OF_USE_MARGIN_DEGREES:
        raise CrsError.of("outside_crs", where, crs=crs.to_string(), found=found)
    return bool(away <= 0)


def _fits_swapped(bounds: Any) -> bool:
    """Return whether bounds would be degrees if their axes were exchanged."""
    west, south, east, north = (float(each) for each in bounds)
    return abs(west) <= 90 and abs(east) <= 90 and abs(south) <= 180 and abs(north) <= 180


def read_table(path: Path, *, sheet: str | None = None) -> DataFrame:
    """
    Return a CSV or Excel table with its first row as the heading, every value as text or number.

    Raises
    ------
    InputError
        If the file cannot be read, or two columns share a name.
    EncodingError
        If the text is neither UTF-8 nor GB18030.
    EmptyInputError
        If the table has no rows.
    """
    if path.suffix.lower() in {".xlsx", ".xlsm"}:
        try:
            table = pd.read_excel(path, sheet_name=sheet if sheet is not None else 0)
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise InputError.of("unreadable", path.name, found=_short(error, path)) from error
        except Exception as error:
            if type(error).__module__.split(".")[0] in {"zipfile", "openpyxl"}:
                raise InputError.of("unreadable", path.name, found=_short(error, path)) from error
            raise
        table = table.dropna(how="all")
    else:
        table = _read_csv(path)
    table.columns = [str(name).strip() for name in table.columns]
    twice = sorted({name for name in table.columns if list(table.columns).count(name) > 1})
    if twice:
        raise InputError.of("duplicate_column", path.name, twice)
    if table.empty:
        raise EmptyInputError.of("empty_layer", path.name)
    return table


def _read_csv(path: Path) -> DataFrame:
    """Return a CSV file, decoded as UTF-8 or else GB18030."""
    raw = path.read_bytes()
    for encoding in TABLE_ENCODINGS:
        try:
            lines = raw.decode(encoding).splitlines(keepends=True)
        except UnicodeDecodeError:
            continue
        rows = [row for row in csv.reader(lines) if row]
        if not rows:
            raise EmptyInputError.of("empty_layer", path.name)
        width = len(rows[0])
        ragged = [str(n) for n, row in enumerate(rows[1:], start=2) if len(row) != width]
        if ragged:
            raise InputError.of("ragged_rows", path.name, ragged, expected=width)
        frame = pd.DataFrame(rows[1:], columns=rows[0], dtype=object)
        return frame.replace({"": None})
    raise EncodingError.of("encoding", path.name, found=", ".join(TABLE_ENCODINGS))


def require_columns(table: DataFrame, needed: dict[str, str | None], *, where: str) -> None:
    """
    Refuse a table in which a column that the scenario names is missing.

    Parameters
    ----------
    table
        Any table.
    needed
        Scenario key to column name; None: not named, not needed.
    where
        File that an error names.
    """
    columns = [str(name) for name in table.columns if name != "geometry"]
    faults = []
    for key, name in needed.items():
        if name is None or name in columns:
            continue
        guess = nearest_name(name, columns)
        code = "missing_column_near" if guess else "missing_column"
        values = {"key": key, "column": name, "guess": guess, "found": ", ".join(columns)}
        faults.append(Fault(code, where, values))
    if faults:
        raise MissingColumnError(*faults)


def project_points(x: Any, y: Any, *, crs: CRS, target: CRS, where: str) -> gpd.GeoSeries:
    """Return points of coordinate columns in the working system; missing where x or y is."""
    xy = np.column_stack([np.asarray(x, dtype=float), np.asarray(y, dtype=float)])
    there = np.isfinite(xy).all(axis=1)
    if there.any():
        low, high = xy[there].min(axis=0), xy[there].max(axis=0)
        check_area_of_use((*low, *high), crs, where=where)
    points = np.full(len(xy), None, dtype=object)
    points[there] = shapely.points(xy[there])
    return gpd.GeoSeries(points, crs=crs).to_crs(target)
