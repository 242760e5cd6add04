"""The plan as a GeoPackage: layers and tables in the scenario's CRS, with styles for QGIS."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, GeometryError

from siting.errors import OutputError
from siting.outputs.map_themes import truth
from siting.outputs.qgis_styles import layer_styles
from siting.outputs.tables import csv_tables
from siting.texts import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from siting.outputs.frames import Frames
    from siting.outputs.qgis_styles import Style

__all__ = ["FLAGS", "KINDS", "NOT_WRITTEN", "WORDS", "layer_tables", "write_geopackage"]

KINDS = {
    "facilities": "Point",
    "units": "MultiPolygon",
    "circles": "MultiPolygon",
    "zones": "MultiPolygon",
    "roads": "MultiLineString",
    "exclusions": "MultiPolygon",
    "service_areas": "MultiPolygon",
    "demand": "Point",
    "demand_grid": "MultiPolygon",
}
"""Kind of geometry of each spatial layer, in the order of the file."""

GRID = ["id", "elders", "density_per_km2", "density_class", "covered", "covered_existing", "reason"]
ZONES = ["id", "name", "elders", "area_km2", "density_per_km2", "density_class"]
FLAGS = {"covered", "covered_existing", "qualifies", "enforced", "used", "estimate"}
"""Columns of yes and no."""

WORDS = {
    "id", "name", "status", "kind", "rules", "unit_id", "density_class", "nearest_facility_id",
    "reason", "note", "blocked_by", "rule_id", "clause", "legal_status", "scope", "scope_id",
    "unit", "verdict", "state", "action", "support", "highway", "key", "staff", "conflict",
    "other_id", "other_clause", "examples", "message", "facility_id", "item", "payer", "run_status",
    "functions", "added_functions", "measure", "of",
}  # fmt: skip
"""Columns of text, whatever they hold; they stay text when they are empty."""

PARTS = {"MultiPolygon": (3, 6), "MultiLineString": (1, 2, 5), "Point": (0,)}
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
VERSION = "1.2"  # read by every GIS in use; later versions add nothing that is needed here
MOMENT = "%Y-%m-%dT%H:%M:%S.000Z"
NOT_WRITTEN = (
    OSError, sqlite3.Error, DataSourceError, DataLayerError, FeatureError, GeometryError,
)  # fmt: skip
"""What a full disk or a folder without rights looks like from here."""

STYLE_TABLE = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256),
    f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
    useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
    update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
)
"""
STYLE_ROW = """
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column,
    styleName, styleQML, styleSLD, useAsDefault, description, owner, update_time)
VALUES ('', '', ?, 'geom', ?, ?, '', ?, ?, '', ?)
"""
STYLE_CONTENTS = """
INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change)
VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?)
"""


def write_geopackage(frames: Frames, path: Path) -> None:
    """
    Write the plan as layers and tables that QGIS opens with styles.

    Layers are those of ``KINDS``; circles, zones and exclusions only where there are any,
    ``demand_grid`` only where the demand has areas. Tables are ``audit``, ``staff``,
    ``conflicts``, ``phases``, ``money``, ``access`` and ``lorenz`` where there are any, ``curve``,
    ``density`` and ``run``. The columns are those of the CSV files. Where elders are an estimate,
    every layer and table that has figures says so in a column ``estimate``.

    Parameters
    ----------
    frames
        The tables of the run.
    path
        File to write; an old one is replaced. The same tables give the same bytes.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    language = frames.info["language"]
    tables = layer_tables(frames)
    columns = {
        name: [each for each in table.columns if each != "geometry"]
        for name, table in tables.items() if name in KINDS
    }  # fmt: skip
    styles = layer_styles(frames, columns, language)
    moment = datetime.fromisoformat(frames.info["date"]).replace(tzinfo=UTC)
    try:
        path.unlink(missing_ok=True)
        with _dated(moment):
            for name, table in tables.items():
                _write_layer(table, path, name, language)
        _write_styles(path, styles, language, moment)
    except NOT_WRITTEN as error:
        raise OutputError.of("out_not_writable", path.name, found=error) from error


@contextmanager
def _dated(moment: datetime) -> Iterator[None]:
    """Let GDAL note the date of the run as the time of change, not that of the clock."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": moment.strftime(MOMENT)})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _write_layer(table: pd.DataFrame, path: Path, name: str, language: str) -> None:
    """Add one layer or table to the file."""
    options: dict[str, Any] = {}
    if name in KINDS:
        options = {"geometry_type": KINDS[name], "promote_to_multi": KINDS[name] != "Point"}
    pyogrio.write_dataframe(
        table, path, layer=name, driver="GPKG", dataset_options={"VERSION": VERSION},
        layer_options={"DESCRIPTION": text(f"geopackage.layer_{name}", language)}, **options,
    )  # fmt: skip


def layer_tables(frames: Frames) -> dict[str, pd.DataFrame]:
    """
    Return the layers and tables as they are stored, by name, in order.

    Those named in ``KINDS`` are GeoDataFrames, in the scenario's CRS; flags, numbers and text are
    each of one type.
    """
    plain = csv_tables(frames)
    crs = frames.facilities.crs
    estimate = {"estimate": True} if frames.info.get("estimate") else {}
    zones, exclusions, areas = frames.zones, frames.exclusions, frames.service_areas
    ways = frames.roads
    shapes = {
        "facilities": (plain["facilities"], frames.facilities.geometry),
        "units": (plain["units"], frames.units.geometry),
        "roads": (ways[[each for each in ("name", "highway") if each in ways]], ways.geometry),
        "service_areas": (areas[["distance_m"]].assign(**estimate), areas.geometry),
        "demand": (plain["demand"], frames.demand.geometry),
    }
    if frames.circles is not None and len(frames.circles):
        shapes["circles"] = (plain["circles"], frames.circles.geometry)
    if zones is not None and len(zones):
        shapes["zones"] = (zones[ZONES].assign(**estimate), zones.geometry)
    if exclusions is not None and len(exclusions):
        shapes["exclusions"] = (exclusions[["name"]], exclusions.geometry)
    grid = np.array(list(frames.demand_shapes.geometry), dtype=object)
    flat = np.isin(shapely.get_type_id(grid), PARTS["MultiPolygon"])
    if flat.any():
        shapes["demand_grid"] = (frames.demand[GRID].assign(**estimate)[flat], grid[flat])
    layers: dict[str, pd.DataFrame] = {
        name: gpd.GeoDataFrame(
            _stored(pd.DataFrame(shapes[name][0])), geometry=_shaped(shapes[name][1], kind), crs=crs
        )
        for name, kind in KINDS.items() if name in shapes
    }  # fmt: skip
    names = (
        "audit", "staff", "conflicts", "phases", "money", "access", "lorenz", "curve", "density",
    )  # fmt: skip
    tables = {name: plain[name] for name in names if name in plain} | {"run": _run(frames)}
    return layers | {name: _stored(table) for name, table in tables.items()}


def _shaped(values: Iterable[Any], kind: str) -> list[Any]:
    """Return geometries of one kind, flat and without empty ones; of a mixture, the parts of it."""
    shapes = shapely.force_2d(np.array(list(values), dtype=object))
    shapes[shapely.is_empty(shapes)] = None
    types = shapely.get_type_id(shapes)
    for place in np.flatnonzero(~np.isin(types, [-1, *PARTS[kind]])):
        parts = shapely.get_parts(shapely.get_parts(shapes[place]))
        parts = parts[np.isin(shapely.get_type_id(parts), PARTS[kind])]
        shapes[place] = shapely.union_all(parts) if len(parts) else None
    return list(shapes)


def _stored(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with columns of the types that a GeoPackage has: flag, number or text."""
    return pd.DataFrame(
        {name: _column(table[name].reset_index(drop=True)) for name in table.columns},
        index=range(len(table)),
    )


def _column(values: pd.Series) -> NDArray[Any] | pd.arrays.BooleanArray:
    """Return a column as flags, numbers or text; what is missing stays missing."""
    if values.name in FLAGS or pd.api.types.is_bool_dtype(values):
        codes = truth(values)
        return pd.arrays.BooleanArray(codes == 1, codes < 0)
    if values.name in WORDS or not _numeric(values):
        return np.array([_words(each) for each in values], dtype=object)
    if pd.api.types.is_integer_dtype(values) and not values.hasnans:
        return values.to_numpy(dtype=np.int64)
    return pd.to_numeric(values).to_numpy(dtype=np.float64, na_value=np.nan)


def _numeric(values: pd.Series) -> bool:
    """Whether a column holds numbers, or nothing at all."""
    if pd.api.types.is_numeric_dtype(values):
        return True
    held = [each for each in values if not _missing(each)]
    return all(isinstance(each, int | float | np.number) for each in held)


def _missing(value: object) -> bool:
    """Whether a value is none of any sort; a list never is."""
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _words(value: object) -> str | None:
    """Return a value as text that can be stored; a list is joined by semicolons."""
    if isinstance(value, list | tuple | set | np.ndarray):
        value = "; ".join(str(each) for each in value)
    return None if _missing(value) else UNSTORABLE.sub("", str(value))


def _run(frames: Frames) -> pd.DataFrame:
    """Return the run as keys and values: its description, then every figure of ``run.json``."""
    rows = dict(_flat(frames.info)) | dict(_flat(frames.record))
    return pd.DataFrame({"key": list(rows), "value": list(rows.values())}, dtype=object)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield keys joined by dots, and their values; lists of plain values stay whole."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
            yield from _flat({str(n): each for n, each in enumerate(value)}, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _write_styles(
    path: Path, styles: Mapping[str, list[Style]], language: str, moment: datetime
) -> None:
    """
    Write styles where QGIS looks for them; the first of a layer is its default.

    Each has a time of its own: QGIS lists styles of one time several times.
    """
    rows: list[tuple[str, str, str, bool, str, str]] = []
    for layer, choices in styles.items():
        about = text(f"geopackage.layer_{layer}", language)
        for place, style in enumerate(choices):
            then = (moment - timedelta(seconds=len(rows))).strftime(MOMENT)
            rows.append((layer, style.name, style.qml, place == 0, about, then))
    contents = (moment.strftime(MOMENT),)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(STYLE_TABLE)
        database.execute(STYLE_CONTENTS, contents)
        database.executemany(STYLE_ROW, rows)
