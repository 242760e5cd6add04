"""Broken inputs that are no plain text: each made by a function named after the mistake."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import openpyxl
import osmium
import pyogrio
import rasterio
from tiny import CORNER, CRS, SCENARIO, change_scenario, elders, zones

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["BUILDERS"]

OSM = """<?xml version="1.0" encoding="UTF-8"?>
<osm version="0.6" generator="test">
<node id="1" lon="120.001" lat="30.271" version="1"/>
<node id="2" lon="120.010" lat="30.271" version="1"/>
<way id="1" version="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/></way>
</osm>
"""


def layer_without_crs(folder: Path) -> None:
    """Give the communities as a Shapefile that lost its .prj file."""
    zone_layer().to_file(folder / "zones.shp", encoding="utf-8")
    (folder / "zones.prj").unlink()
    point_to(folder, "zones.path", "zones.shp")


def layer_in_another_crs_than_said(folder: Path) -> None:
    """Give communities in one system, and name another in the scenario."""
    zone_layer().to_file(folder / "zones.gpkg")
    point_to(folder, "zones.path", "zones.gpkg")
    point_to(folder, "zones.crs", "EPSG:4548")


def layer_without_shapes(folder: Path) -> None:
    """Give a GeoPackage that holds a table only."""
    table = zone_layer().drop(columns="geometry")
    pyogrio.write_dataframe(table, folder / "zones.gpkg", driver="GPKG")
    point_to(folder, "zones.path", "zones.gpkg")


def layer_that_is_not_there(folder: Path) -> None:
    """Name a layer that the GeoPackage does not have."""
    zone_layer().to_file(folder / "zones.gpkg", layer="社区")
    point_to(folder, "zones.path", "zones.gpkg")
    point_to(folder, "zones.layer", "社区面")


def shapefile_without_shx(folder: Path) -> None:
    """Send a Shapefile without the file that finds its rows."""
    zone_layer().to_file(folder / "zones.shp", encoding="utf-8")
    (folder / "zones.shx").unlink()
    point_to(folder, "zones.path", "zones.shp")


def truncated_shp(folder: Path) -> None:
    """Break off the upload of a Shapefile."""
    zone_layer().to_file(folder / "zones.shp", encoding="utf-8")
    cut(folder / "zones.shp")
    point_to(folder, "zones.path", "zones.shp")


def truncated_gpkg(folder: Path) -> None:
    """Break off the upload of a GeoPackage."""
    zone_layer().to_file(folder / "zones.gpkg")
    cut(folder / "zones.gpkg")
    point_to(folder, "zones.path", "zones.gpkg")


def truncated_xlsx(folder: Path) -> None:
    """Break off the upload of a workbook."""
    write_book(folder)
    cut(folder / "elders.xlsx")


def sheet_that_is_not_there(folder: Path) -> None:
    """Name a sheet that the workbook does not have."""
    write_book(folder)
    point_to(folder, "demand.layer", "老年人口表")


def text_among_numbers_in_a_book(folder: Path) -> None:
    """Write a note into a column of numbers of a workbook, below an empty row."""
    write_book(folder)
    book = openpyxl.load_workbook(folder / "elders.xlsx")
    book.active.insert_rows(3)
    book.active["B5"] = "不详"
    book.save(folder / "elders.xlsx")


def old_excel(folder: Path) -> None:
    """Give a workbook in the format of 1997."""
    (folder / "elders.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504))
    point_to(folder, "demand.path", "elders.xls")


def truncated_tif(folder: Path) -> None:
    """Break off the upload of a raster."""
    write_raster(folder, np.full((200, 200), 3.0))
    cut(folder / "elders.tif")


def band_out_of_range(folder: Path) -> None:
    """Ask for the third band of a raster that has one."""
    write_raster(folder, np.ones((10, 10)))
    point_to(folder, "demand.elders", 3)


def band_by_name(folder: Path) -> None:
    """Ask for a band of a raster by a name."""
    write_raster(folder, np.ones((10, 10)))
    point_to(folder, "demand.elders", "老年人")


def negative_cells(folder: Path) -> None:
    """Mark cells without data by a number that is not declared."""
    values = np.ones((10, 10))
    values[2, 3] = values[4, 5] = -9999
    write_raster(folder, values)


def raster_without_crs(folder: Path) -> None:
    """Give a raster that names no system."""
    write_raster(folder, np.ones((10, 10)), crs=None)


def raster_of_zeros(folder: Path) -> None:
    """Give a raster in which no one lives."""
    write_raster(folder, np.zeros((10, 10)))


def truncated_osm(folder: Path) -> None:
    """Break off the download of an OpenStreetMap extract in XML."""
    (folder / "roads.osm").write_text(OSM, encoding="utf-8")
    cut(folder / "roads.osm")
    point_to(folder, "network.path", "roads.osm")


def truncated_osm_gz(folder: Path) -> None:
    """Break off the download of a packed OpenStreetMap extract."""
    (folder / "roads.osm.gz").write_bytes(gzip.compress(OSM.encode()))
    cut(folder / "roads.osm.gz")
    point_to(folder, "network.path", "roads.osm.gz")


def truncated_pbf(folder: Path) -> None:
    """Break off the download of an OpenStreetMap extract in PBF."""
    with osmium.SimpleWriter(str(folder / "roads.osm.pbf")) as out:
        for thing in osmium.FileProcessor(osmium.io.FileBuffer(OSM.encode(), "osm")):
            out.add(thing)
    cut(folder / "roads.osm.pbf")
    point_to(folder, "network.path", "roads.osm.pbf")


def osm_without_roads(folder: Path) -> None:
    """Give an OpenStreetMap extract in which no way is a road."""
    (folder / "roads.osm").write_text(OSM.replace("highway", "waterway"), encoding="utf-8")
    point_to(folder, "network.path", "roads.osm")


def folder_for_a_file(folder: Path) -> None:
    """Name a folder where a file is expected."""
    (folder / "elders").mkdir()
    point_to(folder, "demand.path", "elders")


def folder_for_a_scenario(folder: Path) -> None:
    """Put a folder in the scenario's place."""
    (folder / "scenario.yaml").unlink()
    (folder / "scenario.yaml").mkdir()


def scenario_in_gbk(folder: Path) -> None:
    """Save the scenario as Notepad on Chinese Windows does by default."""
    (folder / "scenario.yaml").write_bytes(SCENARIO.encode("gbk"))


def scenario_that_is_no_text(folder: Path) -> None:
    """Name a picture where the scenario belongs."""
    (folder / "scenario.yaml").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))


def table_in_utf_16(folder: Path) -> None:
    """Save a table as what Excel calls Unicode text."""
    elders().to_csv(folder / "elders.csv", index=False, encoding="utf-16")


def zone_layer() -> gpd.GeoDataFrame:
    """Return the communities of the county."""
    return gpd.GeoDataFrame.from_features(zones(), crs=CRS)


def zones_that_overlap(folder: Path) -> None:
    """Draw one community 250 m into its neighbour."""
    layer = zone_layer()
    layer.loc[1, "geometry"] = layer.geometry[1].union(layer.geometry[1].buffer(250))
    (folder / "zones.geojson").unlink()
    layer.to_file(folder / "zones.geojson", driver="GeoJSON")


def units_beside_the_elders(folder: Path) -> None:
    """Give planning units of the next county."""
    layer = zone_layer()
    layer.geometry = layer.translate(50_000)
    layer.to_file(folder / "units.gpkg")
    point_to(folder, "units", {"path": "units.gpkg", "id": "id"})


def write_book(folder: Path) -> None:
    """Write the demand points as a workbook with the sheet 老年人口, and point to it."""
    elders().to_excel(folder / "elders.xlsx", index=False, sheet_name="老年人口")
    point_to(folder, "demand.path", "elders.xlsx")


def write_raster(folder: Path, values: np.ndarray, crs: str | None = CRS) -> None:
    """Write elders as a raster of 100 m cells over the county, and point to it."""
    height, width = values.shape
    place = rasterio.Affine(100, 0, CORNER[0], 0, -100, CORNER[1] + 1000)
    with rasterio.open(
        folder / "elders.tif", "w", driver="GTiff", height=height, width=width, count=1,
        dtype="float32", crs=crs, transform=place,
    ) as out:  # fmt: skip
        out.write(values.astype("float32"), 1)
    columns = ("id", "x", "y", "crs")
    settings = {"demand.path": "elders.tif", "demand.elders": 1}
    change_scenario(folder / "scenario.yaml", settings | {f"demand.{k}": ... for k in columns})


def point_to(folder: Path, key: str, value: object) -> None:
    """Write one setting into the scenario."""
    change_scenario(folder / "scenario.yaml", {key: value})


def cut(path: Path) -> None:
    """Leave the first six tenths of a file."""
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) * 6 // 10])


BUILDERS: dict[str, Callable[[Path], None]] = {
    each.__name__.replace("_", "-"): each
    for each in (
        layer_without_crs, layer_in_another_crs_than_said, layer_without_shapes,
        layer_that_is_not_there, shapefile_without_shx, truncated_shp, truncated_gpkg,
        truncated_xlsx, sheet_that_is_not_there, text_among_numbers_in_a_book, old_excel,
        truncated_tif, band_out_of_range, band_by_name, negative_cells, raster_without_crs,
        raster_of_zeros, truncated_osm, truncated_osm_gz, truncated_pbf, osm_without_roads,
        folder_for_a_file, folder_for_a_scenario, scenario_in_gbk, scenario_that_is_no_text,
        table_in_utf_16, zones_that_overlap, units_beside_the_elders,
    )
}  # fmt: skip
"""Mistake to the function that makes it in a copy of the tiny county."""
