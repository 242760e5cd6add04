"""The layers of the plan for other programs: Shapefiles with a list of fields, and GeoJSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd
import pyogrio

from siting.errors import OutputError
from siting.outputs.geopackage import FLAGS, KINDS, NOT_WRITTEN, layer_tables
from siting.outputs.qgis_styles import headings
from siting.texts import LANGUAGES, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from geopandas import GeoDataFrame

    from siting.outputs.frames import Frames

__all__ = ["SHORT_NAMES", "short_names", "write_geojson", "write_shapefiles"]

NAME_BYTES, TEXT_BYTES = 10, 254
"""Most bytes of a name and of a text in the tables of a Shapefile (dBASE)."""

SHORT_NAMES = {
    "dementia_beds": "dem_beds", "nursing_beds": "nurs_beds", "cost_wan_yuan": "cost_wan",
    "elders_within_standard": "eld_within", "added_functions": "added_func",
    "density_per_km2": "dens_km2", "density_class": "dens_class", "nearest_facility_id": "near_id",
    "nearest_network_m": "near_net_m", "nearest_straight_m": "near_str_m",
    "covered_existing": "cov_exist", "accessible_beds_existing": "acc_b_ex",
    "accessible_beds": "acc_beds", "beds_required": "beds_req", "beds_existing": "beds_exist",
    "beds_planned": "beds_plan", "ageing_share": "age_share", "care_centre": "care_cent",
    "memory_home": "mem_home", "memory_zone": "mem_zone", "home_care_centre": "homecare",
    "device_point": "device_pt", "family_centre": "family_cen", "adviser_point": "adviser_pt",
    "embedded_home": "embed_home", "street_centre": "street_cen",
    "mutual_aid_point": "mutual_aid", "mobile_round": "mobile_rd",
    "combined_institution": "comb_inst",
}  # fmt: skip
"""Short names of the columns that have more than ten letters."""

UNITS = {
    "x": "m", "y": "m", "lon": "degrees", "lat": "degrees", "beds": "beds", "added_beds": "beds",
    "nursing_beds": "beds", "dementia_beds": "beds", "beds_required": "beds",
    "beds_existing": "beds", "beds_planned": "beds", "shortfall": "beds",
    "cost_wan_yuan": "wan_yuan", "elders": "persons", "elders_within_standard": "persons",
    "residents": "persons", "ageing_share": "share", "density_per_km2": "per_km2",
    "nearest_network_m": "m", "nearest_straight_m": "m", "standard_m": "m", "distance_m": "m",
    "accessible_beds_existing": "per_1000", "accessible_beds": "per_1000", "area_km2": "km2",
    "sites": "places",
}  # fmt: skip
"""What the numbers of a column count, as in the catalogue."""

DICTIONARY = [
    "layer", "field", "short_name", "meaning_zh", "meaning_en", "unit_zh", "unit_en", "cut",
]  # fmt: skip


def write_shapefiles(frames: Frames, folder: Path) -> None:
    """
    Write each layer of the plan as a Shapefile in ``shp``, with a list of the fields.

    In the scenario's CRS, text in UTF-8 (``.cpg``). Names of columns have ten letters at most
    (``short_names``); flags are the texts ``true`` and ``false``; a text longer than 254 bytes is
    cut at a whole character. ``fields.csv`` gives for every column its layer, its name in the
    GeoPackage, its short name, its meaning, its unit, and how many of its texts were cut.

    Parameters
    ----------
    frames
        The tables of the run.
    folder
        Folder of the result, without a folder ``shp``. The same tables give the same bytes.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    place, rows = folder / "shp", []
    options = {"DBF_DATE_LAST_UPDATE": frames.info["date"]}
    try:
        place.mkdir()
        for name, table in _layers(frames):
            columns = [each for each in table.columns if each != "geometry"]
            short = short_names(columns)
            plain, cut = _fitted(table, columns)
            _write(plain.rename(columns=short), place / f"{name}.shp", name, options)
            rows += _told(name, short, cut)
        listed = pd.DataFrame(rows, columns=DICTIONARY)
        listed.to_csv(place / "fields.csv", index=False, encoding="utf-8-sig")
    except NOT_WRITTEN as error:
        raise OutputError.of("out_not_writable", place.name, found=error) from error


def write_geojson(frames: Frames, folder: Path) -> None:
    """
    Write each layer of the plan as GeoJSON (RFC 7946) in ``geojson``.

    In longitude and latitude, WGS 84, which is the only system that the format has; seven decimals
    of a degree, about a centimetre. The columns are those of the GeoPackage, ``x`` and ``y``
    still in the scenario's CRS.

    Parameters
    ----------
    frames
        The tables of the run.
    folder
        Folder of the result, without a folder ``geojson``.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    place = folder / "geojson"
    try:
        place.mkdir()
        for name, table in _layers(frames):
            path = place / f"{name}.geojson"
            _write(table.to_crs(4326), path, name, {"RFC7946": "YES"})
    except NOT_WRITTEN as error:
        raise OutputError.of("out_not_writable", place.name, found=error) from error


def short_names(columns: Iterable[str]) -> dict[str, str]:
    """
    Return a name of at most ten ASCII letters for each column, no two alike whatever their case.

    A long name is looked up in ``SHORT_NAMES``; one that is not there, such as a function of the
    planner's own, loses what is no letter or digit and what is too long, and is numbered where
    two would be alike.

    Examples
    --------
    >>> short_names(["beds_required", "理发店"])
    {'beds_required': 'beds_req', '理发店': 'field'}
    >>> list(short_names(["rehabilitation_a", "rehabilitation_b"]).values())
    ['rehabilita', 'rehabilit2']
    """
    names: dict[str, str] = {}
    for column in columns:
        plain = re.sub(r"[^A-Za-z0-9_]", "", SHORT_NAMES.get(column, column)).strip("_")
        plain = plain if plain[:1].isalpha() else f"field{plain}"
        taken = {each.lower() for each in names.values()}
        short, number = plain[:NAME_BYTES], 1
        while short.lower() in taken:
            number += 1
            short = f"{plain[: NAME_BYTES - len(str(number))]}{number}"
        names[column] = short
    return names


def _layers(frames: Frames) -> Iterator[tuple[str, GeoDataFrame]]:
    """Yield the spatial layers of the GeoPackage with their names."""
    for name, table in layer_tables(frames).items():
        if name in KINDS:
            yield name, table


def _write(table: GeoDataFrame, path: Path, name: str, options: dict[str, str]) -> None:
    """Write one layer to a file of its own."""
    shapefile = path.suffix == ".shp"
    pyogrio.write_dataframe(
        table, path, layer=name, driver="ESRI Shapefile" if shapefile else "GeoJSON",
        encoding="UTF-8" if shapefile else None, geometry_type=KINDS[name],
        promote_to_multi=KINDS[name] != "Point", layer_options=options,
    )  # fmt: skip


def _fitted(table: GeoDataFrame, columns: list[str]) -> tuple[GeoDataFrame, dict[str, int]]:
    """Return a layer with flags as text and no text too long, and the number of texts cut."""
    plain, cut = table.copy(), {}
    for name in columns:
        values = plain[name]
        if name in FLAGS or pd.api.types.is_bool_dtype(values):
            words = values.map({True: "true", False: "false"}).astype(object)
            plain[name] = words.where(words.notna(), None)
        elif not pd.api.types.is_numeric_dtype(values):
            shorter = [None if pd.isna(each) else _cut(each) for each in values]
            pairs = zip(shorter, values, strict=True)
            cut[name] = sum(now is not None and now != was for now, was in pairs)
            plain[name] = pd.Series(shorter, index=values.index, dtype=object)
    return plain, cut


def _cut(words: str) -> str:
    """Return the beginning of a text that fits a Shapefile, whole characters only."""
    return words.encode()[:TEXT_BYTES].decode(errors="ignore")


def _told(layer: str, short: dict[str, str], cut: dict[str, int]) -> list[list[object]]:
    """Return what the list of fields says of the columns of one layer."""
    words = [headings(short, language) for language in LANGUAGES]
    return [
        [layer, name, short[name], *(each.get(name, name) for each in words),
         *(text(f"geopackage.unit_{UNITS[name]}", language) if name in UNITS else ""
           for language in LANGUAGES), cut.get(name, 0)]
        for name in short
    ]  # fmt: skip
