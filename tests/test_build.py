"""The tables that every output reads, worked out by other means from the county's own files."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import shapely
import tiny
from pyproj import Transformer

import siting
from siting.outputs.tables import CSV_COLUMNS
from siting.run import audit_layout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from siting.outputs.frames import Frames

EAST, NORTH = tiny.CORNER
STANDARD = {"Z1": 500.0, "Z2": 1000.0, "Z3": np.nan}
STANDS = {"H1": (500, 500), "C1": (300, 300), "X1": (-300, 500)}
"""What counts in the drawn layout: H1 grows to 100 beds, C1 opens with 20, X1 stands outside."""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> siting.Plan:
    """Judge a drawn layout in straight lines: H2 has 8 beds still, H3 is left out, so closed."""
    path = tiny.write_tiny(tmp_path_factory.mktemp("tiny"), distance="straight")
    drawn = pd.DataFrame(
        {"id": ["H1", "H2", "C1", "X1"], "beds": [100, 8, 20, 40],
         "x": [None, None, None, EAST - 300], "y": [None, None, None, NORTH + 500]}
    )  # fmt: skip
    return audit_layout(siting.read_scenario(path), layout=drawn)


@pytest.fixture(scope="module")
def frames(done: siting.Plan) -> Frames:
    return done.tables


@pytest.fixture(scope="module")
def points(frames: Frames) -> pd.DataFrame:
    """
    Return the demand points as the files have them, with zone, standard and straight lines.

    Some points lie at a limit, and a home's degrees hold a thirtieth of a millimetre less than
    its metres: lines are measured from where the table says that it stands.
    """
    places = frames.facilities.set_index("id")[["x", "y"]]
    table = tiny.elders()
    table["zone"] = table["id"].str[:2]
    table["standard"] = table["zone"].map(STANDARD)
    for name, (x, y) in STANDS.items():
        stated = places.loc[name].to_numpy()
        assert stated == pytest.approx([EAST + x, NORTH + y], abs=1e-3)
        table[name] = np.hypot(table["x"] - stated[0], table["y"] - stated[1])
    return table


def test_every_table_has_the_columns_that_are_written(frames: Frames) -> None:
    for name, columns in CSV_COLUMNS.items():
        assert set(columns) <= set(getattr(frames, name).columns), name
    assert len(frames.demand_shapes) == len(frames.demand)
    layers = [frames.facilities, frames.demand, frames.units, frames.zones, frames.roads,
              frames.service_areas, frames.demand_shapes]  # fmt: skip
    assert {layer.crs.to_string() for layer in layers} == {tiny.CRS}


def test_facilities_are_homes_and_opened_candidates_with_what_became_of_them(
    frames: Frames,
) -> None:
    table = frames.facilities.set_index("id")
    assert table["status"].to_dict() == {
        "H1": "extended", "H2": "existing", "H3": "closed", "C1": "new", "X1": "outside",
    }  # fmt: skip
    assert table["beds"].to_dict() == {"H1": 100, "H2": 8, "H3": 0, "C1": 20, "X1": 40}
    assert table["added_beds"].to_dict() == {"H1": 40, "H2": 0, "H3": 0, "C1": 20, "X1": 40}
    assert table["qualifies"].to_dict() == {
        "H1": True, "H2": False, "H3": False, "C1": True, "X1": True,
    }  # fmt: skip
    assert table["unit_id"].to_dict() == {
        "H1": "东街", "H2": "东街", "H3": "西街", "C1": "东街", "X1": "",
    }  # fmt: skip
    assert table.loc["H1", "name"] == "中心养老院"


def test_cost_is_the_fixed_cost_and_that_of_each_bed_added(frames: Frames) -> None:
    cost = frames.facilities.set_index("id")["cost_wan_yuan"]
    assert cost["H1"] == pytest.approx(50 + 8 * 40)
    assert cost["C1"] == pytest.approx(100 + 10 * 20)
    assert cost[["H2", "H3", "X1"]].tolist() == [0.0, 0.0, 0.0]
    assert frames.record["cost_wan_yuan"] == pytest.approx(370 + 300)


def test_degrees_and_metres_name_the_same_place(frames: Frames) -> None:
    table = frames.facilities
    to_degrees = Transformer.from_crs(tiny.CRS, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(table["x"], table["y"])
    np.testing.assert_allclose(table["lon"], lon, atol=1e-9)
    np.testing.assert_allclose(table["lat"], lat, atol=1e-9)
    assert shapely.get_coordinates(table.geometry).tolist() == table[["x", "y"]].to_numpy().tolist()
    home = table.set_index("id").loc["H1"]
    assert (home["x"], home["y"]) == pytest.approx((EAST + 500, NORTH + 500), abs=1e-3)


def test_elders_within_the_standard_are_those_of_the_points_in_reach(
    frames: Frames, points: pd.DataFrame
) -> None:
    stated = frames.facilities.set_index("id")["elders_within_standard"]
    for name in STANDS:
        near = points[name] <= points["standard"] + 1e-6
        assert stated[name] == pytest.approx(points.loc[near, "elders"].sum()), name
        assert stated[name] > 0
    assert stated[["H2", "H3"]].tolist() == [0.0, 0.0]


def test_each_point_has_its_class_its_standard_and_its_nearest_facility(
    frames: Frames, points: pd.DataFrame
) -> None:
    table = frames.demand
    assert table["id"].tolist() == points["id"].tolist()
    assert table["elders"].tolist() == points["elders"].tolist()
    classes = points["zone"].map({"Z1": "high", "Z2": "medium", "Z3": "low"})
    assert table["density_class"].tolist() == classes.tolist()
    np.testing.assert_array_equal(table["standard_m"], points["standard"])
    density = points["zone"].map({"Z1": 4000.0, "Z2": 2000.0, "Z3": 500.0})
    np.testing.assert_allclose(table["density_per_km2"], density, rtol=1e-9)
    nearest = points[list(STANDS)].min(axis=1)
    np.testing.assert_allclose(table["nearest_straight_m"], nearest, atol=1e-3)
    assert (table["nearest_network_m"] >= table["nearest_straight_m"] - 0.01).all()


def test_covered_is_empty_without_a_duty_and_follows_the_distance_else(
    frames: Frames, points: pd.DataFrame
) -> None:
    duty = points["standard"].notna()
    after = points[list(STANDS)].min(axis=1) <= points["standard"] + 1e-6
    before = points["H1"] <= points["standard"] + 1e-6
    for column, covered in (("covered", after), ("covered_existing", before)):
        stated = frames.demand[column]
        assert stated.dtype == "boolean"
        assert stated[~duty].isna().all()
        assert stated[duty].tolist() == covered[duty].tolist()
    assert after[duty].sum() > before[duty].sum()
    missed = duty & ~after
    assert (frames.demand.loc[missed, "reason"] != "").all()
    assert (frames.demand.loc[~missed, "reason"] == "").all()


def test_units_need_beds_pro_rata_and_count_only_what_qualifies(frames: Frames) -> None:
    table = frames.units.set_index("id")
    assert table["elders"].to_dict() == {"东街": 6000.0, "西街": 500.0}
    assert table["beds_required"].to_dict() == {"东街": 180, "西街": 15}
    assert table["beds_existing"].to_dict() == {"东街": 60, "西街": 0}
    assert table["beds_planned"].to_dict() == {"东街": 120, "西街": 0}
    assert table["shortfall"].to_dict() == {"东街": 60, "西街": 15}
    assert table["sites"].to_dict() == {"东街": 2, "西街": 0}
    assert table.geometry.area.to_dict() == pytest.approx({"东街": 2e6, "西街": 1e6})


def test_zones_have_their_density(frames: Frames) -> None:
    assert frames.zones is not None
    table = frames.zones.set_index("id")
    assert table["area_km2"].tolist() == pytest.approx([1.0, 1.0, 1.0])
    assert table["density_per_km2"].tolist() == pytest.approx([4000, 2000, 500])
    assert table["density_class"].tolist() == ["high", "medium", "low"]


def test_every_reading_of_density_holds_all_elders_and_one_is_used(frames: Frames) -> None:
    table = frames.density
    sums = table[["elders_high", "elders_medium", "elders_low"]].sum(axis=1)
    assert sums.tolist() == pytest.approx([6500.0] * len(table))
    used = table[table["used"]]
    assert used["support"].tolist() == ["zone"]
    assert used["elders_high"].tolist() == [4000.0]
    assert used["changed_share"].tolist() == [0.0]
    assert table["changed_share"].between(0, 1).all()


def test_service_areas_are_circles_around_what_counts(frames: Frames) -> None:
    table = frames.service_areas
    assert table["distance_m"].tolist() == [500.0, 1000.0]
    centres = shapely.points([(EAST + x, NORTH + y) for x, y in STANDS.values()])
    for distance, shape in zip(table["distance_m"], table.geometry, strict=True):
        circles = shapely.union_all(shapely.buffer(centres, distance))
        assert shape.symmetric_difference(circles).area < 0.01 * circles.area


def test_rules_served_are_those_that_a_facility_helps_to_meet(frames: Frames) -> None:
    rules = frames.facilities.set_index("id")["rules"]
    assert rules["H1"].split() == ["HZ-01", "HZ-02", "HZ-03", "HZ-04"]
    assert rules["X1"].split() == ["HZ-03"]  # beds outside count in no unit
    assert rules["H2"] == ""


def test_the_record_sums_up_the_tables(frames: Frames, points: pd.DataFrame) -> None:
    record = frames.record
    by_zone = points.groupby("zone")["elders"].sum()
    assert record["elders"] == {"total": 6500.0, "high": 4000.0, "medium": 2000.0, "low": 500.0}
    for state, names in (("existing", ["H1"]), ("plan", list(STANDS))):
        near = points[names].min(axis=1) <= points["standard"] + 1e-6
        for grade, zone in (("high", "Z1"), ("medium", "Z2")):
            here = near & (points["zone"] == zone)
            share = points.loc[here, "elders"].sum() / by_zone[zone]
            assert record["coverage"][state][grade] == pytest.approx(share)
    assert record["beds"] == {"required": 195, "existing": 60, "plan": 120, "shortfall": 75}
    assert record["sites"]["extended"] == 1
    assert record["sites"]["existing"] == 3
    assert record["status"] == "audited"
    assert record["stages"] == []
    assert record["estimate"] is None


def test_the_record_is_plain_json_with_numbers_as_numbers(frames: Frames) -> None:
    written = json.loads(json.dumps(frames.record, allow_nan=False))
    contract = {"name", "standard", "year", "status", "stages", "elders", "coverage", "beds",
                "sites", "cost_wan_yuan", "audit", "inputs", "versions", "seconds",
                "peak_memory_mb"}  # fmt: skip
    assert contract <= set(written)
    for key in ("elders", "coverage", "beds", "sites", "audit"):
        assert all(isinstance(each, int | float) for each in leaves(written[key])), key
    assert {"path", "sha256", "rows", "dropped"} == set(written["inputs"][0])
    rows = {each["path"]: each["rows"] for each in written["inputs"]}
    assert rows["elders.csv"] == 75
    assert rows["homes.csv"] == 3


def leaves(value: Any) -> Iterator[Any]:
    """Yield what stands at the ends of nested dictionaries."""
    if isinstance(value, dict):
        for each in value.values():
            yield from leaves(each)
    else:
        yield value


def test_what_is_said_of_the_run_names_files_without_their_folders(frames: Frames) -> None:
    info = frames.info
    assert info["sources"] == ["elders.csv", "zones.geojson", "homes.csv", "candidates.csv",
                               "roads.geojson"]  # fmt: skip
    assert (info["distance_high_m"], info["distance_medium_m"]) == (500.0, 1000.0)
    assert (info["crs"], info["year"], info["language"]) == (tiny.CRS, 2025, "zh")
    assert info["estimate"] is None


def test_what_was_only_judged_has_no_order_of_building(frames: Frames) -> None:
    assert frames.curve.empty
    assert frames.facilities["rank"].isna().all()


def test_both_states_are_audited(frames: Frames) -> None:
    assert set(frames.audit["state"]) == {"existing", "plan"}
    beds = frames.audit[(frames.audit["rule_id"] == "HZ-01") & (frames.audit["scope"] == "all")]
    assert dict(zip(beds["state"], beds["measured"], strict=True)) == {"existing": 60, "plan": 120}


def test_a_plan_ranks_what_it_adds_from_one_on(tmp_path: Any) -> None:
    frames = siting.plan(siting.read_scenario(tiny.write_tiny(tmp_path))).tables
    changed = frames.facilities[frames.facilities["status"].isin(["new", "extended"])]
    assert sorted(changed["rank"]) == list(range(1, len(changed) + 1))
    assert len(changed) > 1
    assert frames.facilities.loc[~frames.facilities.index.isin(changed.index), "rank"].isna().all()
    order = dict(zip(frames.curve["id"], frames.curve["rank"], strict=True))
    assert dict(zip(changed["id"], changed["rank"], strict=True)) == order


def test_what_is_turned_or_added_at_a_home_that_is_not_extended_is_counted(tmp_path: Any) -> None:
    path = tiny.write_tiny(tmp_path, distance="straight")
    drawn = pd.DataFrame(
        {"id": ["H1", "H2", "H3", "C1"], "beds": [60, 8, 60, 20],
         "functions": ["canteen, day_care", "", None, "canteen"]}
    )  # fmt: skip
    frames = audit_layout(siting.read_scenario(path), layout=drawn).tables
    table = frames.facilities.set_index("id")
    added = table["added_functions"].fillna("").to_dict()
    assert added == {"H1": "canteen, day_care", "H2": "", "H3": "", "C1": "canteen"}
    assert table["status"]["H1"] == "existing"
    assert frames.record["sites"]["upgraded"] == 1
    assert frames.phases["upgraded_sites"].tolist() == [1]


def test_what_is_asked_for_is_said_of_the_run(frames: Frames) -> None:
    assert frames.distance_classes == ["high", "medium"]
    assert frames.info["beds_by_unit"] is True
    silent = replace(frames, info=frames.info | {"distance_high_m": None})
    assert silent.distance_classes == ["medium"]


def test_without_roads_the_roads_are_an_empty_layer(tmp_path: Any) -> None:
    path = tiny.write_tiny(tmp_path, distance="straight", network=...)
    frames = audit_layout(siting.read_scenario(path)).tables
    assert len(frames.roads) == 0
    assert frames.roads.crs == tiny.CRS
    assert frames.demand["nearest_network_m"].isna().all()
    assert frames.service_areas.geometry.area.gt(0).all()
