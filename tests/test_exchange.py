"""Shapefiles and GeoJSON: the layers of the GeoPackage, as other programs read them."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from frames_sample import CRS, sample_frames
from pyproj import Transformer

from siting.errors import OutputError
from siting.outputs.exchange import SHORT_NAMES, short_names, write_geojson, write_shapefiles
from siting.outputs.folder import refuse_foreign
from siting.outputs.geopackage import KINDS, layer_tables
from siting.outputs.tables import CSV_COLUMNS
from siting.standards import packaged_standards, read_standard

if TYPE_CHECKING:
    from pathlib import Path

    from siting.outputs.frames import Frames

PARTS = ("shp", "shx", "dbf", "prj", "cpg")
SHAPE_CODES = {"Point": 1, "MultiLineString": 3, "MultiPolygon": 5}


@pytest.fixture(scope="module")
def frames() -> Frames:
    return sample_frames()


@pytest.fixture(scope="module")
def folder(frames: Frames, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("成果")
    write_shapefiles(frames, made)
    write_geojson(frames, made)
    return made


def fields(folder: Path) -> pd.DataFrame:
    """Return the list of fields."""
    path = folder / "shp" / "fields.csv"
    return pd.read_csv(path, encoding="utf-8-sig", keep_default_na=False)


def columns_of(path: Path) -> list[str]:
    """Return the names of the columns of a dBASE table, read by its published layout."""
    data = path.read_bytes()
    (head,) = struct.unpack("<H", data[8:10])
    starts = range(32, head - 1, 32)
    return [data[start : start + 11].split(b"\0")[0].decode("ascii") for start in starts]


def test_there_is_a_whole_shapefile_and_a_geojson_for_every_layer(folder: Path) -> None:
    made = {item.name for item in (folder / "shp").iterdir()}
    assert made == {f"{name}.{part}" for name in KINDS for part in PARTS} | {"fields.csv"}
    assert {item.name for item in (folder / "geojson").iterdir()} == {f"{n}.geojson" for n in KINDS}
    refuse_foreign(folder)


def test_shapefiles_say_their_system_encoding_and_kind(folder: Path) -> None:
    for name, kind in KINDS.items():
        path = folder / "shp" / f"{name}.shp"
        assert pyogrio.read_info(path)["crs"] == CRS
        assert (folder / "shp" / f"{name}.cpg").read_text() == "UTF-8"
        assert struct.unpack("<i", path.read_bytes()[32:36])[0] == SHAPE_CODES[kind], name


def test_names_of_columns_are_those_of_the_list_and_the_list_is_whole(
    folder: Path, frames: Frames
) -> None:
    told = fields(folder)
    for name, table in layer_tables(frames).items():
        if name not in KINDS:
            assert name not in set(told["layer"])
            continue
        mine = told[told["layer"] == name]
        assert mine["field"].tolist() == [each for each in table if each != "geometry"]
        stored = columns_of(folder / "shp" / f"{name}.dbf")
        assert stored == (mine["short_name"].tolist() or ["FID"])  # a table needs one column
        assert (mine["short_name"].str.len() <= 10).all()
    assert (told["cut"] == 0).all()
    density = told.set_index(["layer", "field"]).loc[("zones", "density_per_km2")]
    assert density["short_name"] == "dens_km2"
    assert density["meaning_zh"] == "老年人口密度（人/平方公里）"
    assert density["meaning_en"] == "Elders per km²"
    assert (density["unit_zh"], density["unit_en"]) == ("人/平方公里", "persons per km²")


def test_numbers_in_metres_beds_and_money_have_their_unit(folder: Path) -> None:
    told = fields(folder)
    for ending, unit in (("_m", "m"), ("beds", "beds"), ("_wan_yuan", "10,000 yuan")):
        rows = told[told["field"].str.endswith(ending) & ~told["field"].str.startswith("access")]
        assert len(rows) >= 1
        assert set(rows["unit_en"]) == {unit}, ending


@pytest.mark.parametrize("name", list(KINDS))
def test_shapefiles_hold_what_the_geopackage_holds(name: str, folder: Path, frames: Frames) -> None:
    given = layer_tables(frames)[name]
    stored = pyogrio.read_dataframe(folder / "shp" / f"{name}.shp")
    short = fields(folder).query("layer == @name").set_index("field")["short_name"]
    assert len(stored) == len(given)
    for field, column in short.items():
        for was, now in zip(given[field], stored[column], strict=True):
            assert same(was, now), (field, was, now)
    assert shapely.equals(stored.geometry.to_numpy(), given.geometry.to_numpy()).all()


def same(was: Any, now: Any) -> bool:
    """Whether a cell of a Shapefile says what was given; nothing and empty text are one there."""
    if pd.isna(was) or was == "":
        return now is None or bool(pd.isna(now))
    if isinstance(was, bool | np.bool_):
        return bool(now == ("true" if was else "false"))
    if isinstance(was, str):
        return bool(now == was.rstrip(" "))
    return bool(np.isclose(now, was, rtol=1e-14, atol=0.0))


@pytest.mark.parametrize("letter", ["养", "é", "a", "𠮷"])
def test_text_that_is_too_long_is_cut_at_a_whole_letter_and_counted(
    letter: str, frames: Frames, tmp_path: Path
) -> None:
    size = len(letter.encode())
    fits, long = letter * (254 // size), letter * (254 // size + 1)
    names = [fits, long, long + "x"] + ["甲"] * (len(frames.facilities) - 3)
    write_shapefiles(replace(frames, facilities=frames.facilities.assign(name=names)), tmp_path)
    stored = pyogrio.read_dataframe(tmp_path / "shp" / "facilities.shp")["name"]
    assert stored.tolist() == [fits] * 3 + ["甲"] * (len(names) - 3)
    told = fields(tmp_path).set_index(["layer", "field"])["cut"]
    assert told[("facilities", "name")] == 2
    assert told.sum() == 2


def test_columns_of_every_layer_and_function_have_names_of_their_own() -> None:
    functions = {
        word
        for name in packaged_standards()
        for rule in read_standard(name, year=2030).rules
        if (word := getattr(rule.parameters, "function", None))
    }
    assert len(functions) > 5
    for columns in ([*CSV_COLUMNS["circles"], *sorted(functions)], *CSV_COLUMNS.values()):
        short = short_names([*columns, "estimate"])
        assert len({each.lower() for each in short.values()}) == len(columns) + 1
        assert all(len(each) <= 10 and each.isascii() for each in short.values())
    assert all(len(long) > 10 >= len(short) for long, short in SHORT_NAMES.items())
    assert len(set(SHORT_NAMES.values())) == len(SHORT_NAMES)


def test_names_of_the_planners_own_are_made_short_and_different() -> None:
    own = [
        "a_rather_long_name",
        "a_rather_long_one",
        "理发店",
        "食堂",
        "2fold",
        "A_RATHER_L",
        "SHOP",
        "shop",
    ]
    assert list(short_names(own).values()) == [
        "a_rather_l", "a_rather_2", "field", "field2", "field2fold", "A_RATHER_3", "SHOP",
        "shop2",
    ]  # fmt: skip


def test_the_same_frames_give_the_same_files(folder: Path, tmp_path: Path) -> None:
    write_shapefiles(sample_frames(), tmp_path)
    write_geojson(sample_frames(), tmp_path)
    for path in sorted(tmp_path.rglob("*.*")):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes(), path.name
    assert (folder / "shp" / "units.dbf").read_bytes()[1:4] == bytes([2026 - 1900, 11, 20])


def test_geojson_is_in_degrees_with_all_columns_whole(folder: Path, frames: Frames) -> None:
    turn = Transformer.from_crs(CRS, 4326, always_xy=True)
    content = json.loads((folder / "geojson" / "facilities.geojson").read_text(encoding="utf-8"))
    assert "crs" not in content
    assert len(content["features"]) == len(frames.facilities)
    for each, row in zip(content["features"], frames.facilities.itertuples(), strict=True):
        assert each["properties"]["name"] == row.name
        assert each["properties"]["qualifies"] is bool(row.qualifies)
        assert list(each["properties"]) == [*CSV_COLUMNS["facilities"], "estimate"]
        there = turn.transform(row.geometry.x, row.geometry.y)
        assert each["geometry"]["coordinates"] == pytest.approx(there, abs=6e-8)
    demand = json.loads((folder / "geojson" / "demand.geojson").read_text(encoding="utf-8"))
    said = [each["properties"]["covered"] for each in demand["features"]]
    assert said == [None if pd.isna(each) else bool(each) for each in frames.demand["covered"]]


def test_rings_of_geojson_turn_as_the_standard_says(folder: Path) -> None:
    areas = gpd.read_file(folder / "geojson" / "service_areas.geojson").explode()
    assert len(areas) > 1
    for area in areas.geometry:
        assert area.exterior.is_ccw
        assert not any(ring.is_ccw for ring in area.interiors)


def test_hostile_names_and_missing_layers(tmp_path: Path) -> None:
    full = sample_frames(hostile=True)
    blank = full.units.set_geometry(gpd.GeoSeries([None, None], crs=CRS))
    lean = replace(full, zones=None, circles=None, units=blank, roads=full.roads.iloc[:0])
    write_shapefiles(lean, tmp_path)
    write_geojson(lean, tmp_path)
    there = {path.stem for path in (tmp_path / "geojson").iterdir()}
    assert there == set(KINDS) - {"zones", "circles"}
    assert set(fields(tmp_path)["layer"]) == there - {"roads"}  # its columns are those of a file
    names = full.facilities["name"].tolist()
    for path in (tmp_path / "shp" / "facilities.shp", tmp_path / "geojson" / "facilities.geojson"):
        assert pyogrio.read_dataframe(path)["name"].tolist() == names
    assert pyogrio.read_dataframe(tmp_path / "shp" / "units.shp").geometry.isna().all()


def test_a_folder_that_cannot_be_written_is_our_error(frames: Frames, tmp_path: Path) -> None:
    for write in (write_shapefiles, write_geojson):
        with pytest.raises(OutputError, match="应可写入"):
            write(frames, tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name", ["shp/roads.qml", "shp/mine.shp", "shp/roads.shp.xml", "geojson/a.geojson", "shp/x/y"]
)
def test_what_was_laid_beside_the_layers_is_of_someone_else(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="有其他文件"):
        refuse_foreign(tmp_path)


def test_an_index_is_ours_and_a_lock_says_that_it_is_in_use(tmp_path: Path) -> None:
    (tmp_path / "shp").mkdir()
    (tmp_path / "shp" / "roads.qix").touch()
    refuse_foreign(tmp_path)
    (tmp_path / "shp" / "roads.shp.PC.12.34.sr.lock").touch()
    with pytest.raises(OutputError, match="被占用"):
        refuse_foreign(tmp_path)
