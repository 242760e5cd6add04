"""The GeoPackage: layers and tables that equal the CSV files, with styles that QGIS opens."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from frames_sample import CRS, sample_frames

from siting.errors import OutputError
from siting.outputs.geopackage import KINDS, write_geopackage
from siting.outputs.qgis_styles import THEMES
from siting.outputs.tables import CSV_COLUMNS, write_csv_tables
from siting.texts import LANGUAGES, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from siting.outputs.frames import Frames

SPATIAL = list(KINDS)
TABLES = [
    "audit", "staff", "conflicts", "phases", "money", "access", "lorenz", "curve", "density", "run",
]  # fmt: skip
GEOMETRY_CODES = {"Point": "0", "MultiLineString": "1", "MultiPolygon": "2"}


@pytest.fixture(scope="module", autouse=True)
def _no_waiting_for_the_disk() -> Iterator[None]:
    pyogrio.set_gdal_config_options({"OGR_SQLITE_SYNCHRONOUS": "OFF"})
    yield
    pyogrio.set_gdal_config_options({"OGR_SQLITE_SYNCHRONOUS": None})


@pytest.fixture(scope="module")
def frames() -> Frames:
    return sample_frames()


@pytest.fixture(scope="module")
def path(frames: Frames, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("gpkg") / "plan.gpkg"
    write_geopackage(frames, made)
    return made


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Frames], Path]:
    def write(frames: Frames) -> Path:
        write_geopackage(frames, tmp_path / "plan.gpkg")
        return tmp_path / "plan.gpkg"

    return write


def layers(path: Path) -> list[str]:
    return [str(name) for name in pyogrio.list_layers(path)[:, 0]]


@dataclass(frozen=True)
class Stored:
    """One row of the table of styles."""

    layer: str
    name: str
    qml: ET.Element
    is_default: bool
    time: str


def styles(path: Path) -> list[Stored]:
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute(
            "SELECT f_table_name, styleName, styleQML, useAsDefault, update_time FROM layer_styles "
            "WHERE f_geometry_column = 'geom' ORDER BY id"
        ).fetchall()
    return [Stored(r[0], r[1], ET.fromstring(r[2]), bool(r[3]), r[4]) for r in rows]  # noqa: S314


def rows_of(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def test_layers_and_tables_stand_in_their_order(path: Path) -> None:
    assert layers(path) == [*SPATIAL, *TABLES, "layer_styles"]


def test_every_layer_has_the_crs_and_the_kind_of_the_contract(path: Path) -> None:
    for name, kind in KINDS.items():
        info = pyogrio.read_info(path, layer=name)
        assert info["crs"] == CRS, name
        assert info["geometry_type"] == kind, name
    for name in TABLES:
        assert pyogrio.read_info(path, layer=name)["geometry_type"] is None, name


def test_the_file_is_a_whole_geopackage_and_nothing_lies_beside_it(path: Path) -> None:
    assert [item.name for item in path.parent.iterdir()] == ["plan.gpkg"]
    assert rows_of(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows_of(path, "PRAGMA foreign_key_check") == []
    assert rows_of(path, "PRAGMA application_id") == [(int.from_bytes(b"GPKG", "big"),)]
    known = {name for (name,) in rows_of(path, "SELECT table_name FROM gpkg_contents")}
    assert known == {*SPATIAL, *TABLES, "layer_styles"}
    query = "SELECT table_name FROM gpkg_extensions WHERE extension_name LIKE '%rtree%'"
    indexed = rows_of(path, query)
    assert {name for (name,) in indexed} == set(SPATIAL)


@pytest.mark.parametrize(
    "name",
    [
        "facilities", "demand", "units", "circles", "audit", "staff", "conflicts", "phases",
        "money", "access", "lorenz", "curve", "density",
    ],
)  # fmt: skip
def test_each_layer_holds_what_its_csv_holds(
    name: str, path: Path, frames: Frames, tmp_path: Path
) -> None:
    write_csv_tables(frames, tmp_path)
    plain = pd.read_csv(tmp_path / f"{name}.csv", dtype=str, keep_default_na=False)
    layer = pyogrio.read_dataframe(path, layer=name, read_geometry=False)
    assert list(layer.columns) == list(plain.columns)
    assert len(layer) == len(plain)
    for column in plain:
        stored, given = layer[column], plain[column]
        if set(given) & {"true", "false"}:
            assert [_flag(each) for each in stored] == given.tolist(), column
        elif pd.api.types.is_numeric_dtype(stored):
            numbers = pd.to_numeric(given.replace("", None)).to_numpy(float)
            np.testing.assert_array_equal(stored.to_numpy(float), numbers, err_msg=column)
        else:
            assert stored.fillna("").tolist() == given.tolist(), column


def _flag(value: object) -> str:
    return "" if pd.isna(value) else {1: "true", 0: "false"}[int(value)]  # type: ignore[call-overload]


def test_geometry_stands_where_it_stood(path: Path, frames: Frames) -> None:
    for name, given in (
        ("facilities", frames.facilities.geometry), ("demand", frames.demand.geometry),
        ("units", frames.units.geometry), ("demand_grid", frames.demand_shapes),
        ("zones", frames.zones.geometry), ("service_areas", frames.service_areas.geometry),
        ("roads", frames.roads.geometry), ("exclusions", frames.exclusions.geometry),
    ):  # fmt: skip
        stored = pyogrio.read_dataframe(path, layer=name).geometry
        assert len(stored) == len(given), name
        assert shapely.equals(stored.to_numpy(), given.to_numpy()).all(), name


def test_zones_roads_areas_and_grid_have_their_columns(path: Path) -> None:
    found = {
        name: list(pyogrio.read_dataframe(path, layer=name, read_geometry=False))
        for name in ("zones", "exclusions", "service_areas", "demand_grid")
    }
    zone = ["id", "name", "elders", "area_km2", "density_per_km2", "density_class"]
    assert found["zones"] == [*zone, "estimate"]
    assert found["exclusions"] == ["name"]
    assert found["service_areas"] == ["distance_m", "estimate"]
    assert {"density_class", "covered", "covered_existing", "reason"} <= set(found["demand_grid"])


def test_chinese_names_come_back_whole(path: Path, frames: Frames) -> None:
    for name in ("facilities", "zones", "exclusions"):
        stored = pyogrio.read_dataframe(path, layer=name, read_geometry=False)["name"]
        assert stored.tolist() == getattr(frames, name)["name"].tolist()
    assert "望江养老院" in set(pyogrio.read_dataframe(path, layer="facilities")["name"])


def test_hostile_names_come_back_whole(written: Callable[[Frames], Path]) -> None:
    frames = sample_frames(hostile=True)
    made = written(frames)
    for name in ("facilities", "zones"):
        stored = pyogrio.read_dataframe(made, layer=name, read_geometry=False)["name"]
        assert stored.tolist() == getattr(frames, name)["name"].tolist()
    assert len(styles(made)) == len({(each.layer, each.name) for each in styles(made)})


def test_the_run_stands_as_keys_and_values(path: Path) -> None:
    run = pyogrio.read_dataframe(path, layer="run").set_index("key")["value"]
    assert run["name"] == "示例城区 2025"
    assert run["estimate"] == "road_length"
    assert run["coverage.reachable.high"] == "0.97"
    assert run["stages.0.name"] == "uncovered_high"
    assert run["sources"] == "小区.gpkg; 道路.gpkg; 养老机构.csv"
    assert run["settings.rules_changed.HZ-01.0.standard"] == "300.0"


def test_the_same_frames_give_the_same_file(path: Path, tmp_path: Path) -> None:
    write_geopackage(sample_frames(), tmp_path / "again.gpkg")
    assert (tmp_path / "again.gpkg").read_bytes() == path.read_bytes()
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None


def test_an_old_file_is_replaced_and_not_added_to(written: Callable[[Frames], Path]) -> None:
    full = sample_frames()
    written(full)
    made = written(replace(full, zones=None, facilities=full.facilities.iloc[:3]))
    assert "zones" not in layers(made)
    assert pyogrio.read_info(made, layer="facilities")["features"] == 3


def test_every_layer_has_one_default_style_and_listed_names(path: Path) -> None:
    found = styles(path)
    for layer in SPATIAL:
        mine = [each for each in found if each.layer == layer]
        assert [each.is_default for each in mine] == [True] + [False] * (len(mine) - 1), layer
        assert len({each.name for each in mine}) == len(mine)
    assert [each.name for each in found if each.layer == "demand_grid"] == [
        text(f"map.layer_{theme}", "zh") for theme in THEMES["demand_grid"]
    ]
    assert len({each.time for each in found}) == len(found)  # else QGIS lists them again and again


def attributes(style: Stored) -> set[str]:
    """Return the columns that a style asks for: renderer, expressions, labels, aliases."""
    renderer = style.qml.find("renderer-v2")
    assert renderer is not None
    attr = renderer.get("attr", "")
    expressions = [attr] if '"' in attr else []
    named = {attr} - {"", *expressions}
    expressions += [
        option.attrib["value"]
        for option in style.qml.iter("Option")
        if option.get("name") == "expression"
    ]
    expressions += [each.attrib["fieldName"] for each in style.qml.iter("text-style")]
    named |= {each.attrib["field"] for each in style.qml.iter("alias")}
    return named | {name for each in expressions for name in re.findall(r'"([^"]+)"', each)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_styles_name_only_columns_that_exist(
    language: str, written: Callable[[Frames], Path]
) -> None:
    made = written(sample_frames(language))
    asked = set()
    for style in styles(made):
        columns = set(pyogrio.read_info(made, layer=style.layer)["fields"])
        assert attributes(style) <= columns, (style.layer, style.name)
        asked |= attributes(style)
    assert {"status", "beds", "qualifies", "density_class", "density_per_km2", "covered",
            "covered_existing", "reason", "shortfall", "distance_m"} <= asked  # fmt: skip


def code(row: pd.Series, attr: str) -> str:
    """Return the value by which a renderer sorts a row; the one expression is worked out here."""
    if attr.isidentifier():
        value = row[attr]
        return f"{value:.15g}" if isinstance(value, float) else str(value)
    assert attr.startswith("CASE"), attr
    if "care_centre" in row:
        held = list(row[["care_centre", "memory_home", "canteen"]])
        return "some" if "missing" in held else "unknown" if "unknown" in held else "whole"
    if pd.isna(row["covered"]):
        return "none"
    if row["covered"]:
        return "kept" if row["covered_existing"] else "gained"
    return str(row["reason"])


def test_every_feature_has_its_category(path: Path) -> None:
    drawn = 0
    for style in styles(path):
        renderer = style.qml.find("renderer-v2")
        assert renderer is not None
        table = pyogrio.read_dataframe(path, layer=style.layer, read_geometry=False)
        symbols = {each.attrib["name"] for each in renderer.findall("symbols/symbol")}
        if renderer.get("type") == "categorizedSymbol":
            categories = renderer.findall("categories/category")
            known = {each.attrib["value"] for each in categories}
            found = {code(row, renderer.attrib["attr"]) for _, row in table.iterrows()}
            assert found <= known, (style.layer, style.name)
            assert len(found) > 1
            assert {each.attrib["symbol"] for each in categories} <= symbols
            drawn += 1
        elif renderer.get("type") == "graduatedSymbol":
            ranges = [(float(each.attrib["lower"]), float(each.attrib["upper"]))
                      for each in renderer.findall("ranges/range")]  # fmt: skip
            assert ranges[0][0] == 0.0
            assert all(high == low for (_, high), (low, _) in pairwise(ranges))
            assert table[renderer.attrib["attr"]].max() < ranges[-1][1]
            drawn += 1
        else:
            assert renderer.get("type") == "singleSymbol"
            assert symbols == {"0"}
    assert drawn == 3 + 2 * 3


def test_a_code_that_no_one_knows_has_a_category_of_its_own(
    written: Callable[[Frames], Path],
) -> None:
    full = sample_frames()
    odd = full.facilities.assign(status=full.facilities["status"].replace("planned", "dreamt"))
    demand = full.demand.assign(reason=full.demand["reason"].replace("excluded", "sunspots"))
    made = written(replace(full, facilities=odd, demand=demand))
    values = {
        (style.layer, each.attrib["value"])
        for style in styles(made)
        for each in style.qml.iter("category")
    }
    assert {("facilities", "dreamt"), ("demand", "sunspots"), ("demand_grid", "sunspots")} <= values


def test_styles_are_for_the_geometry_of_their_layer(path: Path) -> None:
    for style in styles(path):
        assert style.qml.findtext("layerGeometryType") == GEOMETRY_CODES[KINDS[style.layer]]
        assert style.qml.tag == "qgis"
        assert style.qml.get("labelsEnabled") == (
            "1" if style.layer in {"units", "circles", "facilities", "zones"} else "0"
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_headings_and_descriptions_are_in_the_language(
    language: str, written: Callable[[Frames], Path]
) -> None:
    made = written(sample_frames(language))
    (facilities,) = [each for each in styles(made) if each.layer == "facilities"]
    aliases = {each.attrib["field"]: each.attrib["name"] for each in facilities.qml.iter("alias")}
    assert list(aliases) == [*CSV_COLUMNS["facilities"], "estimate"]
    assert aliases["beds"] == {"zh": "床位数（张）", "en": "Beds"}[language]
    told = dict(rows_of(made, "SELECT table_name, description FROM gpkg_contents"))
    assert told["units"] == {"zh": "规划单元", "en": "Planning units"}[language]


def test_what_a_study_lacks_is_left_out_and_the_rest_is_there(
    written: Callable[[Frames], Path],
) -> None:
    full = sample_frames()
    blank = full.units.set_geometry(gpd.GeoSeries([None, None], crs=CRS))
    made = written(
        replace(
            full, zones=None, circles=None, exclusions=None, units=blank,
            demand_shapes=full.demand.geometry, roads=full.roads.iloc[:0],
            service_areas=full.service_areas.iloc[:0], curve=full.curve.iloc[:0],
            info=full.info | {"estimate": None},
        )
    )  # fmt: skip
    missing = {"zones", "circles", "exclusions", "demand_grid"}
    assert layers(made) == [*(n for n in SPATIAL if n not in missing), *TABLES, "layer_styles"]
    assert pyogrio.read_dataframe(made, layer="units").geometry.isna().all()
    for name in ("roads", "service_areas"):
        assert pyogrio.read_info(made, layer=name)["features"] == 0
    for name in layers(made):
        assert "estimate" not in pyogrio.read_info(made, layer=name)["fields"]


def test_mixed_and_raised_shapes_are_stored_as_their_layer_needs(
    written: Callable[[Frames], Path],
) -> None:
    full = sample_frames()
    assert full.exclusions is not None
    area = full.exclusions.geometry.iloc[0]
    mixed = shapely.GeometryCollection([shapely.force_3d(area, 5.0), shapely.Point(area.centroid)])
    made = written(replace(full, exclusions=full.exclusions.set_geometry([mixed])))
    (stored,) = pyogrio.read_dataframe(made, layer="exclusions").geometry
    assert stored.geom_type == "MultiPolygon"
    assert not stored.has_z
    assert stored.equals(area)


def test_a_place_that_cannot_be_written_to_is_our_error(frames: Frames, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"plan\.gpkg：应可写入"):
        write_geopackage(frames, tmp_path / "nowhere" / "plan.gpkg")
    (tmp_path / "plan.gpkg").mkdir()
    with pytest.raises(OutputError, match="系统不允许"):
        write_geopackage(frames, tmp_path / "plan.gpkg")
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None


# In QGIS


@pytest.fixture(scope="module")
def in_qgis(path: Path) -> dict[str, Any]:
    """Return what a real QGIS, without a screen, sees of the file."""
    python = shutil.which("python3", path=os.defpath)
    quiet = {"QT_QPA_PLATFORM": "offscreen", "PATH": os.defpath, "LANG": "C.UTF-8"}
    about: dict[str, Any] = {"capture_output": True, "text": True, "env": quiet}
    found = python and subprocess.run([python, "-c", "import qgis.core"], check=False, **about)  # noqa: S603
    if not found or found.returncode:
        pytest.skip("no QGIS with its Python here")
    command = [str(python), str(Path(__file__).with_name("in_qgis.py")), str(path), *SPATIAL]
    done = subprocess.run(command, check=True, **about)  # noqa: S603
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_qgis_opens_every_layer_with_its_style(in_qgis: dict[str, Any], path: Path) -> None:
    assert list(in_qgis["layers"]) == SPATIAL
    first = {each.layer: each.qml for each in reversed(styles(path))}
    for name, seen in in_qgis["layers"].items():
        renderer = first[name].find("renderer-v2")
        assert seen["renderer"] == renderer.get("type"), name
        assert seen["features"] > 0
        assert seen["missed"] == 0, name
        assert seen["colours"] > 1, name
        assert seen["crs"] == CRS
    legend = in_qgis["layers"]["facilities"]["legend"]
    assert text("map.facility_new", "zh") in legend
    assert text("tables.field_status", "zh") in in_qgis["layers"]["facilities"]["heads"]


def test_qgis_shows_names_of_units_and_circles_side_by_side(in_qgis: dict[str, Any]) -> None:
    alone = in_qgis["layers"]
    assert [each.split("\n")[0] for each in alone["units"]["labels"]] == ["u1", "u2"]
    assert any(text("map.unit_short", "zh") in each for each in alone["units"]["labels"])
    assert len(alone["circles"]["labels"]) > 1
    shared = set(alone["units"]["labels"]) | set(alone["circles"]["labels"])
    assert shared <= set(in_qgis["labels"])
