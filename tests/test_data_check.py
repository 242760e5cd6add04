"""What the data check counts without stopping a run: listed, and kept in every denominator."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pytest
from pyproj import Transformer
from tiny import (
    CORNER,
    CRS,
    change_geojson,
    change_scenario,
    change_table,
    feature,
    write_tiny,
    zones,
)

import siting
from siting.check import check_inputs

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

ALL = 25 * (160 + 80 + 20)
"""Elders of the tiny county."""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    return write_tiny(tmp_path / "county", language="en")


def lines(scenario: Path) -> dict[str, dict[str, str]]:
    """Return the lines of check.csv by their code."""
    found = check_inputs(scenario, scenario.parent / "checked")
    assert found.error is None
    with (scenario.parent / "checked" / "check.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["code"] for row in rows}) == len(rows) - 1  # density is compared twice
    return {row["code"]: row for row in rows}


def planned(scenario: Path) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """Run a scenario; return run.json and demand.csv by id."""
    folder = siting.write_plan(
        siting.plan(siting.read_scenario(scenario)), scenario.parent / "result"
    )
    with (folder / "demand.csv").open(encoding="utf-8-sig", newline="") as file:
        demand = {row["id"]: row for row in csv.DictReader(file)}
    return json.loads((folder / "run.json").read_text(encoding="utf-8")), demand


def add_row(table: pd.DataFrame, **cells: object) -> None:
    """Append a row that differs from the last in some cells."""
    table.loc[len(table)] = table.iloc[-1].to_dict() | cells


def total(record: dict[str, Any]) -> float:
    """Return the elders of all density classes."""
    return sum(record["elders"][name] for name in ("high", "medium", "low"))


def shorten_roads(layer: dict[str, Any]) -> None:
    """Leave out every road east of Z2."""
    for each in layer["features"]:
        line = each["geometry"]["coordinates"]
        each["geometry"]["coordinates"] = [xy for xy in line if xy[0] < CORNER[0] + 2000]
    layer["features"] = [
        each for each in layer["features"] if len(each["geometry"]["coordinates"]) > 1
    ]


def cut_roads(layer: dict[str, Any]) -> None:
    """Cut every road between Z1 and Z2."""
    border, parts = CORNER[0] + 1000, []
    for each in layer["features"]:
        line = each["geometry"]["coordinates"]
        sides = [xy for xy in line if xy[0] < border], [xy for xy in line if xy[0] > border]
        parts += [feature("LineString", side, {"name": "R"}) for side in sides if len(side) > 1]
    layer["features"] = parts


def test_a_clean_county_has_no_warning_but_those_on_readings_of_density(scenario: Path) -> None:
    warned = {code for code, line in lines(scenario).items() if line["severity"] == "warning"}
    assert warned == {"density_support"}


def test_elders_outside_every_zone_are_counted_and_planned_for(scenario: Path) -> None:
    west, north = CORNER[0] - 100, CORNER[1] + 500
    change_table(
        scenario.parent / "elders.csv",
        lambda table: add_row(table, id="stray", elders="40", x=f"{west}", y=f"{north}"),
    )
    line = lines(scenario)["no_zone"]
    assert (line["severity"], line["where"]) == ("warning", "elders.csv")
    assert (int(line["count"]), float(line["elders"]), line["examples"]) == (1, 40.0, "stray")
    record, demand = planned(scenario)
    assert record["elders"]["total"] == total(record) == ALL + 40
    assert demand["stray"]["note"] == "no_zone"


def test_what_is_off_the_roads_is_counted_and_stays_in_the_denominators(scenario: Path) -> None:
    change_geojson(scenario.parent / "roads.geojson", shorten_roads)
    found = lines(scenario)
    points = found["demand_off_network"]  # columns at 2300, 2500, 2700 and 2900 m
    assert (int(points["count"]), float(points["elders"])) == (20, 400.0)
    assert points["examples"].split(", ")[0] == "Z3-1-0"
    assert (found["homes_off_network"]["count"], found["homes_off_network"]["examples"]) == (
        "1",
        "H3",
    )
    sites = found["candidates_off_network"]
    assert (sites["severity"], sites["count"], sites["examples"]) == ("warning", "1", "C4")
    assert "long_leg" not in found  # 200 m is not more than 200 m
    record, demand = planned(scenario)
    assert record["elders"]["total"] == total(record) == ALL
    assert demand["Z3-1-0"]["nearest_network_m"] == ""
    assert demand["Z3-0-0"]["nearest_network_m"] != ""


def test_a_point_just_beyond_the_longest_leg_is_off_the_network(scenario: Path) -> None:
    change_geojson(scenario.parent / "roads.geojson", shorten_roads)
    change_scenario(scenario, {"network.max_snap_m": 600.0})
    found = lines(scenario)
    assert int(found["demand_off_network"]["count"]) == 10  # 2700 and 2900 m, 800 and 1000 m away
    assert int(found["long_leg"]["count"]) == 10  # 2300 and 2500 m, 400 and 600 m away
    assert float(found["long_leg"]["elders"]) == 200.0


def test_homes_and_candidates_outside_the_study_area_are_counted(scenario: Path) -> None:
    to_degrees = Transformer.from_crs(CRS, "EPSG:4490", always_xy=True)
    lon, lat = to_degrees.transform(CORNER[0] + 3100, CORNER[1] + 500)
    change_table(
        scenario.parent / "homes.csv",
        lambda table: add_row(
            table, 编号="H4", 类型="养老机构", 床位="70", 经度=str(lon), 纬度=str(lat)
        ),
    )
    change_table(
        scenario.parent / "candidates.csv",
        lambda table: add_row(table, id="C5", x=str(CORNER[0] + 3100)),
    )
    found = lines(scenario)
    assert (found["homes_outside"]["count"], found["homes_outside"]["examples"]) == ("1", "H4")
    assert (found["candidates_outside"]["count"], found["candidates_outside"]["examples"]) == (
        "1",
        "C5",
    )
    record, _ = planned(scenario)
    assert record["beds"]["existing"] == 60  # H1 alone: H2 is too small, H3 a canteen, H4 outside


def test_roads_in_pieces_are_listed_with_the_share_of_elders_on_each(scenario: Path) -> None:
    change_geojson(scenario.parent / "roads.geojson", cut_roads)
    line = lines(scenario)["pieces"]
    assert (line["severity"], line["count"]) == ("warning", "2")
    assert float(line["elders"]) == 4000.0  # not on the longest piece, that of Z2 and Z3
    assert line["examples"] == "8.0 km: 61.5%, 17.0 km: 38.5%"  # 4000 and 2500 of 6500
    record, _ = planned(scenario)
    assert total(record) == ALL


def test_zones_that_differ_from_their_points_are_listed(scenario: Path) -> None:
    def count_anew(layer: dict[str, Any]) -> None:
        layer["features"][0]["properties"]["elders"] = 4100  # 2.5 % more than its points
        layer["features"][1]["properties"]["elders"] = 2010  # 0.5 % more

    change_geojson(scenario.parent / "zones.geojson", count_anew)
    line = lines(scenario)["zone_differs"]
    assert (line["count"], float(line["elders"])) == ("1", -100.0)
    assert line["examples"] == "Z1 (4100 / 4000.0)"


def test_homes_that_do_not_count_are_listed_by_reason_in_words(scenario: Path) -> None:
    def unregister(table: pd.DataFrame) -> None:
        table.loc[0, "已备案"] = "否"
        table.loc[1, "类型"] = None

    change_table(scenario.parent / "homes.csv", unregister)
    found = lines(scenario)
    assert found["unregistered"]["examples"] == "H1"
    assert found["kind_missing"]["examples"] == "H2"
    assert found["small_homes"]["examples"] == "H2"
    assert found["not_institution"]["examples"] == "H3"
    assert "(canteen)" in found["not_institution"]["message"]
    change_scenario(scenario, {"language": "zh"})
    assert "（老年食堂）" in lines(scenario)["not_institution"]["message"]


def test_readings_of_density_are_told_in_words(scenario: Path) -> None:
    english = lines(scenario)
    assert english["density_support_used"]["message"].startswith("Density by zone (used here)")
    assert "square of a grid" in english["density_support"]["message"]
    change_scenario(scenario, {"language": "zh"})
    chinese = lines(scenario)
    assert "社区（村）范围" in chinese["density_support_used"]["message"]
    assert "方格网" in chinese["density_support"]["message"]
    assert not {"zone", "window", "grid"} & set(chinese["density_support"]["message"].split())


def test_the_way_elders_are_spread_is_told_in_words(scenario: Path) -> None:
    settings = {"path": "zones.geojson", "id": "id", "elders": "elders",
                "spread": {"method": "road_length", "grid_m": 200.0}}  # fmt: skip
    change_scenario(scenario, {"demand": settings, "language": "zh"})
    message = lines(scenario)["spread"]["message"]
    assert "按道路长度分摊" in message
    assert "road_length" not in message


def test_the_first_of_several_layers_is_taken_and_said(scenario: Path) -> None:
    layer = gpd.GeoDataFrame.from_features(zones(), crs=CRS)
    for name in ("社区", "旧社区"):
        layer.to_file(scenario.parent / "zones.gpkg", layer=name)
    change_scenario(scenario, {"zones.path": "zones.gpkg"})
    line = lines(scenario)["first_layer"]
    assert (line["count"], line["examples"]) == ("2", "社区, 旧社区")
    assert "'社区'" in line["message"]
    change_scenario(scenario, {"zones.layer": "旧社区"})
    assert "first_layer" not in lines(scenario)


def test_rows_a_little_outside_an_area_of_use_are_counted(scenario: Path) -> None:
    """120 degrees east lies 1.5 degrees outside the zone of EPSG:4548, 115.5 to 118.5."""
    to_zone = Transformer.from_crs(CRS, "EPSG:4548", always_xy=True)

    def move(table: pd.DataFrame) -> None:
        x, y = to_zone.transform(table["x"].astype(float), table["y"].astype(float))
        table["x"], table["y"] = [str(each) for each in x], [str(each) for each in y]

    before = planned(scenario)[0]["coverage"]
    change_table(scenario.parent / "elders.csv", move)
    change_scenario(scenario, {"demand.crs": "EPSG:4548"})
    line = lines(scenario)["crs_margin"]
    assert (line["where"], line["count"]) == ("elders.csv", "75")
    assert "EPSG:4548" in line["message"]
    assert planned(scenario)[0]["coverage"] == before


def test_rows_outside_the_working_system_are_counted(scenario: Path) -> None:
    change_scenario(scenario, {"crs": "EPSG:4548"})
    found = check_inputs(scenario, scenario.parent / "checked")
    told = [line for line in found.lines if line.code == "crs_working_margin"]
    counts = {line.where: line.count for line in told}
    assert counts == {"elders.csv": 75, "zones.geojson": 3, "homes.csv": 3, "candidates.csv": 4,
                      "roads.geojson": 20}  # fmt: skip
