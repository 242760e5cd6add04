"""The starter project that ``siting new`` writes."""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import pyogrio

from siting.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_starter"]

ZONE_COLUMNS = {"id": "str", "name": "str", "elders": "float", "street": "str", "district": "str"}
ROAD_COLUMNS = {"name": "str", "bridge": "str", "tunnel": "str", "layer": "str"}
TEMPLATE_CRS = "EPSG:4549"
REPORT_TEMPLATE = "report-template.docx"


def write_starter(folder: Path, *, language: str) -> list[Path]:
    """
    Write a commented scenario, a guide to the columns and empty templates; return their paths.

    The templates are those of the tables and layers, in ``data``, and the Word template of the
    report, which the scenario names in a comment.

    Parameters
    ----------
    folder
        New or empty folder.
    language
        ``zh`` or ``en``.

    Raises
    ------
    OutputError
        If the folder holds anything, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError.of("new_not_empty", folder.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with as_file(files("siting") / "starter_files") as source:
            shutil.copytree(source / language, folder, dirs_exist_ok=True)
            shutil.copytree(source / "templates", folder / "data", dirs_exist_ok=True)
        with as_file(files("siting.outputs") / "templates" / "report.docx") as report:
            shutil.copyfile(report, folder / REPORT_TEMPLATE)
        _empty_layer(folder / "data" / "zones.gpkg", "MultiPolygon", ZONE_COLUMNS)
        _empty_layer(folder / "data" / "roads.gpkg", "LineString", ROAD_COLUMNS)
    except OSError as error:
        raise OutputError.of("out_not_writable", folder.name, found=error.strerror) from error
    return sorted(item for item in folder.rglob("*") if item.is_file())


def _empty_layer(path: Path, geometry_type: str, columns: dict[str, str]) -> None:
    """Write a layer without rows, with the columns that the starter scenario names."""
    table = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
    layer = gpd.GeoDataFrame(table, geometry=gpd.GeoSeries([], crs=TEMPLATE_CRS))
    pyogrio.write_dataframe(layer, path, driver="GPKG", geometry_type=geometry_type)
