"""A planner's files as they come: formats, encodings, coordinate systems; read as they are."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely
from pyproj import CRS, Transformer
from tiny import CORNER, change_scenario, elders, homes, write_geojson, write_tiny, zones
from tiny import CRS as WORKING

import siting
from siting.demand import read_demand, read_zones
from siting.errors import CrsError, EmptyInputError, EncodingError, InputError
from siting.homes import read_existing
from siting.inputs.coordinates import as_working_crs, project_points, read_crs, working_crs
from siting.inputs.foreign import quiet
from siting.inputs.layers import read_layer
from siting.inputs.layout import read_layout
from siting.inputs.table_files import read_table
from siting.sites import read_candidates
from siting.tables import DataCheck, numbers

if TYPE_CHECKING:
    from pathlib import Path

NEAR_M = 1e-3
NAMES = ["滨江社区", "长河社区", "浦沿社区"]


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    return write_tiny(tmp_path / "county")


def zone_layer(crs: str = WORKING) -> gpd.GeoDataFrame:
    """Return the communities with Chinese columns and names, in a system."""
    layer = gpd.GeoDataFrame.from_features(zones(), crs=WORKING)
    layer = layer.rename(columns={"elders": "老年人", "street": "街道"}).assign(name=NAMES)
    return layer.to_crs(crs)


def zones_of(scenario: Path, **settings: Any) -> Any:
    """Read the zones of the county with some settings changed."""
    change_scenario(scenario, {f"zones.{key}": value for key, value in settings.items()})
    return read_zones(siting.read_scenario(scenario), check=DataCheck())


def assert_zones(found: Any) -> None:
    """Fail unless the communities came through whole."""
    assert found.name.tolist() == NAMES
    assert found.elders.tolist() == [4000.0, 2000.0, 500.0]
    assert found.area_m2 == pytest.approx([1e6] * 3, abs=1.0)
    west = [CORNER[0] + 1000 * k for k in range(3)]
    assert found.shapes.bounds["minx"].tolist() == pytest.approx(west, abs=NEAR_M)


# ------------------------------------------------------------------------------- layers


@pytest.mark.parametrize("name", ["zones.gpkg", "社区 2025.gpkg", "zones.geojson"])
def test_layers_of_any_format_are_read(scenario: Path, name: str) -> None:
    zone_layer().to_file(scenario.parent / name)
    assert_zones(zones_of(scenario, path=name, elders="老年人", street="街道"))


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
@pytest.mark.parametrize("beside", ["with .cpg", "without"])
def test_shapefiles_in_gbk_and_utf_8_are_read_with_and_without_cpg(
    scenario: Path, encoding: str, beside: str
) -> None:
    path = scenario.parent / "社区.shp"
    zone_layer().to_file(path, encoding=encoding)
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if beside == "with .cpg":
        path.with_suffix(".cpg").write_text({"gb18030": "GBK", "utf-8": "UTF-8"}[encoding])
    assert_zones(zones_of(scenario, path="社区.shp", elders="老年人", street="街道"))


def test_a_shapefile_whose_cpg_lies_is_read_all_the_same(scenario: Path) -> None:
    path = scenario.parent / "zones.shp"
    zone_layer().to_file(path, encoding="gb18030")
    path.with_suffix(".cpg").write_text("UTF-8")
    assert_zones(zones_of(scenario, path="zones.shp", elders="老年人", street="街道"))


def test_a_column_name_cut_within_a_character_is_known_by_what_is_left(scenario: Path) -> None:
    """The format keeps ten bytes of a name: in UTF-8 three Chinese characters and a third."""
    path = scenario.parent / "zones.shp"
    zone_layer().rename(columns={"老年人": "老年人X"}).to_file(path, encoding="utf-8")
    table = path.with_suffix(".dbf")
    table.write_bytes(table.read_bytes().replace("老年人X".encode(), "老年人口".encode()[:10]))
    assert_zones(zones_of(scenario, path="zones.shp", elders="老年人", street="街道"))
    with pytest.raises(InputError, match="是否应为“老年人”"):
        zones_of(scenario, elders="老年人口")


def test_a_shapefile_that_no_encoding_reads_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "zones.shp"
    gpd.GeoDataFrame({"name": ["abcd"]}, geometry=[shapely.Point(0, 0)], crs=WORKING).to_file(
        path, encoding="utf-8"
    )
    table = path.with_suffix(".dbf")
    table.write_bytes(table.read_bytes().replace(b"abcd", b"\xff\xff\xff\xff"))
    with pytest.raises(EncodingError, match=r"\.cpg"):
        read_layer(path)


def test_a_layer_is_chosen_by_name_and_tables_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "all.gpkg"
    styles = pd.DataFrame({"style": ["x"]})
    pyogrio.write_dataframe(styles, path, layer="layer_styles", driver="GPKG")
    zone_layer().to_file(path, layer="社区", mode="a")
    zone_layer().iloc[:1].to_file(path, layer="旧社区", mode="a")
    check = DataCheck()
    assert len(read_layer(path, check=check)) == 3
    assert [(line.code, line.count) for line in check.lines] == [("first_layer", 2)]
    assert len(read_layer(path, layer="旧社区")) == 1


def test_what_a_reader_warns_of_is_listed_once_and_not_shown(tmp_path: Path) -> None:
    check, path = DataCheck(), tmp_path / "roads.gpkg"
    with quiet(check, path):
        for _ in range(2):
            warnings.warn(f"{path}: odd geometry; It might help to look", stacklevel=1)
    assert [(line.code, line.where) for line in check.lines] == [("reader_said", "roads.gpkg")]
    assert "roads.gpkg: odd geometry。" in check.lines[0].render("zh")


def test_multipoints_of_one_point_are_points_and_others_are_refused(scenario: Path) -> None:
    one = shapely.MultiPoint([(CORNER[0] + 300, CORNER[1] + 300)])
    layer = gpd.GeoDataFrame({"id": ["C1"]}, geometry=[one], crs=WORKING)
    settings = {"candidates.0": {"path": "candidates.gpkg", "id": "id", "max_beds": 50.0}}
    change_scenario(scenario, settings)
    layer.to_file(scenario.parent / "candidates.gpkg")
    read = siting.read_scenario(scenario)
    sites, _ = read_candidates(read, read.candidates[0], "candidates.0", check=DataCheck())
    assert sites.xy.tolist() == [[CORNER[0] + 300, CORNER[1] + 300]]
    two = shapely.MultiPoint([(CORNER[0], CORNER[1]), (CORNER[0] + 9, CORNER[1])])
    layer.assign(geometry=[two]).to_file(scenario.parent / "candidates.gpkg")
    with pytest.raises(InputError, match="MultiPoint"):
        read_candidates(read, read.candidates[0], "candidates.0", check=DataCheck())


def test_a_polygon_stands_at_its_representative_point(scenario: Path) -> None:
    """An L whose centroid lies outside it."""
    x, y = CORNER
    corner = [(x, y), (x + 900, y), (x + 900, y + 10), (x + 10, y + 10), (x + 10, y + 900),
              (x, y + 900)]  # fmt: skip
    layer = gpd.GeoDataFrame({"id": ["L"], "n": [5]}, geometry=[shapely.Polygon(corner)],
                             crs=WORKING)  # fmt: skip
    layer.to_file(scenario.parent / "l.gpkg")
    change_scenario(scenario, {"demand": {"path": "l.gpkg", "id": "id", "elders": "n"}})
    demand = read_demand(siting.read_scenario(scenario), check=DataCheck())
    assert shapely.contains_xy(layer.geometry[0], *demand.xy[0])
    assert not layer.geometry[0].contains(layer.geometry[0].centroid)


# ------------------------------------------------------------------------------- tables


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_csv_tables_in_chinese_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "机构.csv"
    path.write_text("编号,名称\n1,“滨江”养老院\n2,长河院\n", encoding=encoding)
    table = read_table(path)
    assert list(table.columns) == ["编号", "名称"]
    assert table["名称"].tolist() == ["“滨江”养老院", "长河院"]


def test_cells_stay_what_they_say(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('code,n,note\n0702,"1,234","two\nlines"\nNA, 5 ,\n', encoding="utf-8")
    table = read_table(path)
    assert table["code"].tolist() == ["0702", "NA"]
    assert table["note"].tolist() == ["two\nlines", None]
    found = numbers(table, "n", where="a.csv", ids=["a", "b"], file_rows=np.array([2, 3]))
    assert found.tolist() == [1234.0, 5.0]


@pytest.mark.parametrize(
    "cell", ["12,5", "1,23", "1,2345", "12.5.1", "1 234", "１２", "1e999", "0x1F"]
)
def test_what_might_be_a_number_is_not_guessed(cell: str) -> None:
    table = pd.DataFrame({"n": pd.Series([cell], dtype=object)})
    where = {"where": "a.csv", "ids": ["a"], "file_rows": np.array([2])}
    with pytest.raises(InputError, match=r"a \(2\)"):
        numbers(table, "n", **where)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cell", "value"), [("1,234,567.5", 1234567.5), ("+7", 7.0), ("-0", 0.0), ("3.0", 3.0), (7, 7)]
)
def test_what_is_a_number_is_read(cell: object, value: float) -> None:
    table = pd.DataFrame({"n": pd.Series([cell], dtype=object)})
    found = numbers(table, "n", where="a", ids=["a"], file_rows=np.array([2]), whole=False)
    assert found.tolist() == [value]


def test_blank_rows_and_blank_columns_are_nothing_and_rows_keep_their_numbers(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,n,,\na,1,,\n,,,\n\nb,2,,\n", encoding="utf-8")
    table = read_table(path)
    assert list(table.columns) == ["id", "n"]
    assert table.index.tolist() == [2, 5]


def test_codes_kept_as_text_in_a_workbook_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "地块.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["用地代码", "床位", "编号", "名称"])
    book.active.append(["0702", 60, 12.0, "NA"])
    book.active.append([None, None, None, None])
    book.active.append(["0803", 80.0, "13", " 甲 "])
    book.create_sheet("说明").append(["无"])
    book.save(path)
    table = read_table(path)
    assert table["用地代码"].tolist() == ["0702", "0803"]
    assert table["名称"].tolist() == ["NA", " 甲 "]
    assert table.index.tolist() == [2, 4]
    with pytest.raises(EmptyInputError):
        read_table(path, sheet="说明")


def test_a_workbook_reads_like_the_csv_of_its_rows(scenario: Path) -> None:
    elders().to_excel(scenario.parent / "elders.xlsx", index=False)
    from_csv = read_demand(siting.read_scenario(scenario), check=DataCheck())
    change_scenario(scenario, {"demand.path": "elders.xlsx"})
    from_book = read_demand(siting.read_scenario(scenario), check=DataCheck())
    assert from_book.id.tolist() == from_csv.id.tolist()
    assert from_book.elders.tolist() == from_csv.elders.tolist()
    assert from_book.xy.tolist() == from_csv.xy.tolist()


def test_ids_are_text_whatever_a_file_keeps_them_as(scenario: Path) -> None:
    table = elders().head(3).assign(id=[101.0, 102.0, 103.0])
    table.to_excel(scenario.parent / "elders.xlsx", index=False)
    change_scenario(scenario, {"demand.path": "elders.xlsx"})
    demand = read_demand(siting.read_scenario(scenario), check=DataCheck())
    assert demand.id.tolist() == ["101", "102", "103"]
    change_scenario(scenario, {"demand.id": ...})
    demand = read_demand(siting.read_scenario(scenario), check=DataCheck())
    assert demand.id.tolist() == ["elders-1", "elders-2", "elders-3"]


def test_a_unit_code_kept_as_a_number_reads_as_the_code(scenario: Path) -> None:
    """A column of numbers with one empty cell comes back from any layer as 330106.0."""
    layer = zone_layer().assign(code=[330106.0, 330108.0, np.nan])
    layer.to_file(scenario.parent / "zones.gpkg")
    found = zones_of(scenario, path="zones.gpkg", elders="老年人", street="街道")
    assert found.source.texts("code").tolist() == ["330106", "330108", ""]


# ------------------------------------------------------------------------------- rasters


def test_raster_cells_are_demand_points_at_their_centres(scenario: Path) -> None:
    values = np.zeros((4, 6), dtype="float32")
    values[1, 2], values[3, 5], values[0, 0] = 12.5, 7.0, -1.0
    place = rasterio.Affine(100, 0, CORNER[0], 0, -100, CORNER[1] + 400)
    with rasterio.open(
        scenario.parent / "elders.tif", "w", driver="GTiff", height=4, width=6, count=1,
        dtype="float32", crs=WORKING, transform=place, nodata=-1,
    ) as out:  # fmt: skip
        out.write(values, 1)
    change_scenario(scenario, {"demand": {"path": "elders.tif", "elders": 1}})
    check = DataCheck()
    demand = read_demand(siting.read_scenario(scenario), check=check)
    assert demand.id.tolist() == ["elders-1-2", "elders-3-5"]
    assert demand.elders.tolist() == [12.5, 7.0]
    expected = np.array([[250.0, 250.0], [550.0, 50.0]]) + CORNER
    assert demand.xy == pytest.approx(expected, abs=NEAR_M)
    assert demand.shapes.area.tolist() == pytest.approx([1e4, 1e4], abs=NEAR_M)
    line = check.lines[0]
    assert (line.code, line.count) == ("raster_cells", 2)
    assert "21 个像元为 0、1 个无数据" in line.render("zh")


def test_a_raster_in_degrees_lies_where_pyproj_says(scenario: Path) -> None:
    place = rasterio.Affine(0.001, 0, 120.0, 0, -0.001, 30.28)
    with rasterio.open(
        scenario.parent / "elders.tif", "w", driver="GTiff", height=3, width=3, count=1,
        dtype="float32", crs="EPSG:4326", transform=place,
    ) as out:  # fmt: skip
        out.write(np.ones((3, 3), dtype="float32"), 1)
    change_scenario(scenario, {"demand": {"path": "elders.tif", "elders": 1}})
    demand = read_demand(siting.read_scenario(scenario), check=DataCheck())
    x, y = Transformer.from_crs("EPSG:4326", WORKING, always_xy=True).transform(120.0025, 30.2785)
    assert demand.xy[5] == pytest.approx([x, y], abs=NEAR_M)  # row 1, column 2


# ------------------------------------------------------------------------------- systems


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4490", "EPSG:4549", "EPSG:4528", "EPSG:32651"])
def test_tables_in_any_system_come_to_the_working_one(scenario: Path, crs: str) -> None:
    there = Transformer.from_crs(WORKING, crs, always_xy=True)
    table = elders()
    expected = table[["x", "y"]].to_numpy()
    table["x"], table["y"] = there.transform(*expected.T)
    table.to_csv(scenario.parent / "elders.csv", index=False)
    change_scenario(scenario, {"demand.crs": crs})
    demand = read_demand(siting.read_scenario(scenario), check=DataCheck())
    back = Transformer.from_crs(crs, WORKING, always_xy=True)
    assert demand.xy == pytest.approx(np.column_stack(back.transform(table["x"], table["y"])),
                                      abs=NEAR_M)  # fmt: skip
    assert demand.xy == pytest.approx(expected, abs=NEAR_M)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4490", "EPSG:4528", "EPSG:4548"])
def test_layers_in_any_system_come_to_the_working_one(scenario: Path, crs: str) -> None:
    zone_layer(crs).to_file(scenario.parent / "zones.gpkg")
    assert_zones(zones_of(scenario, path="zones.gpkg", elders="老年人", street="街道"))


def test_x_is_east_whatever_the_axis_order_of_the_system(scenario: Path) -> None:
    """EPSG:4490 and EPSG:4549 both name north first; columns and layers are still x, then y."""
    assert CRS("EPSG:4549").axis_info[0].direction == "north"
    homes().to_csv(scenario.parent / "homes.csv", index=False)
    found = read_existing(siting.read_scenario(scenario), check=DataCheck())
    assert found is not None
    expected = np.array([[500.0, 500.0], [1500.0, 500.0], [2500.0, 500.0]]) + CORNER
    assert found[0].xy == pytest.approx(expected, abs=NEAR_M)


def test_cgcs2000_by_its_esri_name_is_the_system_that_the_scenario_declares(scenario: Path) -> None:
    path = scenario.parent / "zones.shp"
    zone_layer().to_file(path, encoding="utf-8")
    path.with_suffix(".prj").write_text(CRS(WORKING).to_wkt("WKT1_ESRI"))
    found = zones_of(scenario, path="zones.shp", elders="老年人", street="街道", crs=WORKING)
    assert_zones(found)


def test_a_geojson_that_names_no_system_takes_the_declared_one(scenario: Path) -> None:
    write_geojson(scenario.parent / "zones.geojson", zones(), crs=None)
    with pytest.raises(CrsError, match="EPSG:4326"):
        zones_of(scenario)
    found = zones_of(scenario, crs=WORKING)
    assert found.area_m2 == pytest.approx([1e6] * 3, abs=1.0)


def test_wgs_84_may_be_declared_as_cgcs2000(scenario: Path) -> None:
    zone_layer("EPSG:4326").to_file(scenario.parent / "zones.gpkg")
    settings = {"path": "zones.gpkg", "elders": "老年人", "street": "街道"}
    assert_zones(zones_of(scenario, crs="EPSG:4490", **settings))


@pytest.mark.parametrize(("east", "margin"), [(121.4, None), (123.0, "crs_margin")])
def test_a_little_outside_the_area_of_use_is_warned_of(east: float, margin: str | None) -> None:
    """EPSG:4549 is for 118.5 to 121.5 degrees east; 123 is 1.5 outside, 125 more than 3."""
    x, y = Transformer.from_crs(4490, WORKING, always_xy=True).transform(east, 30.0)
    check = DataCheck()
    system = CRS(WORKING)
    project_points([x], [y], crs=system, target=system, where="a.csv", check=check)
    assert [line.code for line in check.lines] == ([margin] if margin else [])


def test_far_outside_the_area_of_use_is_refused_row_by_row() -> None:
    x, y = Transformer.from_crs(4490, WORKING, always_xy=True).transform([120.0, 125.0], [30.0] * 2)
    system = CRS(WORKING)
    with pytest.raises(CrsError, match=r"共 1 处，前几处：2"):
        project_points(x, y, crs=system, target=system, where="a.csv")
    layer = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=WORKING)
    with pytest.raises(CrsError, match=r"共 1 处，前几处：2"):
        as_working_crs(layer, WORKING, where="a.gpkg")


@pytest.mark.parametrize(
    "name", ["GCJ-02", "gcj02", "BD-09", "BD09MC", "百度坐标", "火星坐标系", "Mars"]
)
def test_shifted_systems_are_refused_by_every_name(name: str) -> None:
    with pytest.raises(CrsError, match="EPSG:4490"):
        read_crs(name, where="homes.csv")


@pytest.mark.parametrize(
    ("name", "word"),
    [("EPSG:4490", "度不是距离"), ("EPSG:3857", "墨卡托"), ("EPSG:900913", "墨卡托|可识别"),
     ("EPSG:2264", "不是米"), ("EPSG:0", "可识别"), ("", "可识别")],
)  # fmt: skip
def test_only_a_projected_system_in_metres_is_worked_in(name: str, word: str) -> None:
    with pytest.raises(CrsError, match=word):
        working_crs(name)


# ------------------------------------------------------------------------------- layouts


def test_a_layout_is_read_with_its_coordinates_checked(tmp_path: Path) -> None:
    path = tmp_path / "布局.csv"
    path.write_text("id,beds,x,y,status\nH1,60,500500,3350500,existing\nC1,30,,,closed\n", "gbk")
    table = read_layout(path, crs=WORKING)
    assert table.to_dict("records") == [{"id": "H1", "beds": 60, "x": 500500.0, "y": 3350500.0}]
    path.write_text("id,beds,x,y\nH1,60,120.005,30.27\n", "gbk")
    with pytest.raises(CrsError, match=r"H1 \(2\)"):
        read_layout(path, crs=WORKING)
