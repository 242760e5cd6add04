"""Demand points: density classes in exact arithmetic, areal supports, zones, rasters, spreading."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import case_files
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

import siting
from siting.demand import DensityReading, classify, density_readings
from siting.errors import InputError
from siting.prepare import prepare
from siting.scenario import Density

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Prepare = Callable[..., siting.Prepared]

CRS = "EPSG:4549"
EAST, NORTH = case_files.CORNER
STANDARD = siting.read_standard("hangzhou-2021", year=2025)
HIGH, MEDIUM, LOW = 2, 1, 0
QUICK = settings(max_examples=300, deadline=None, derandomize=True)


# -- classes ----------------------------------------------------------------------------------


def class_of(elders: int, area_km2: Fraction) -> int:
    """Return the density class in exact arithmetic: high above 3,000, medium from 1,000 on."""
    density = Fraction(elders) / area_km2
    return HIGH if density > 3000 else MEDIUM if density >= 1000 else LOW


def read_class(elders: int, area_km2: str) -> int:
    """Return the class that Siting reads, from floats as a planner's table gives them."""
    reading = DensityReading("zone", np.array([float(elders)]), np.array([float(area_km2) * 1e6]))
    return int(classify(reading, STANDARD)[0])


def decimals(places: int, most: int) -> st.SearchStrategy[str]:
    return st.integers(1, most).map(lambda n: f"{n // 10**places}.{n % 10**places:0{places}d}")


@QUICK
@given(elders=st.integers(0, 60_000), area=decimals(4, 500_000))
@example(elders=6900, area="2.3000")  # 6900 / 2.3 is 3000.0000000000005 in floats
@example(elders=3300, area="1.1000")
@example(elders=3001, area="1.0000")
@example(elders=999, area="1.0000")
def test_a_class_is_that_of_exact_arithmetic(elders: int, area: str) -> None:
    assert read_class(elders, area) == class_of(elders, Fraction(area))


@QUICK
@given(area=st.integers(1, 2_000_000), limit=st.sampled_from([1000, 3000]),
       step=st.sampled_from([-1, 0, 1]))  # fmt: skip
def test_a_class_is_exact_at_its_limits_and_one_elder_beside_them(
    area: int, limit: int, step: int
) -> None:
    elders = area * limit // 1000 + step  # on area / 1000 km2: exactly the limit, or one beside
    expected = {(1000, -1): LOW, (1000, 0): MEDIUM, (1000, 1): MEDIUM,
                (3000, -1): MEDIUM, (3000, 0): MEDIUM, (3000, 1): HIGH}  # fmt: skip
    text = f"{area // 1000}.{area % 1000:03d}"
    assert read_class(elders, text) == expected[limit, step]
    assert read_class(elders, text) == class_of(elders, Fraction(area, 1000))


def test_a_reading_in_float_division_would_have_been_wrong() -> None:
    assert 6900 / 2.3 > 3000  # what the example above guards against


def test_density_is_elders_over_area() -> None:
    reading = DensityReading("zone", np.array([6900.0, 0.0]), np.array([2.3e6, 5e5]))
    assert reading.per_km2.tolist() == [3000.0, 0.0]


# -- supports against brute force -------------------------------------------------------------


@pytest.fixture
def prepared(tmp_path: Path) -> Prepare:
    """Prepare given tables (as in the acceptance cases), in a straight line, without sites."""

    def made(tables: dict[str, Any], **settings_: Any) -> siting.Prepared:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        changes = {"distance": "straight"} | {k.replace("__", "."): v for k, v in settings_.items()}
        path = case_files.write_case(tables, {}, folder)
        return prepare(siting.read_scenario(path, changes=changes))

    return made


def scattered(seed: int, n: int = 300) -> dict[str, Any]:
    """Return points over nine zones of 600 m and a strip beside them that no zone holds."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform((5, 5), (2095, 1795), (n, 2)).round(1)
    elders = rng.gamma(1.2, 25, n).round(2)
    rows = zip(xy.tolist(), elders.tolist(), strict=True)
    points = [{"id": f"e{k}", "x": x, "y": y, "elders": each}
              for k, ((x, y), each) in enumerate(rows)]  # fmt: skip
    zones = [{"id": f"z{c}{r}", "elders": float(rng.integers(100, 2000)),
              "x": [600 * c, 600 * c + 600], "y": [600 * r, 600 * r + 600]}
             for c in range(3) for r in range(3)]  # fmt: skip
    return {"elders": points, "zones": zones}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_support_gives_each_point_the_density_of_brute_force(
    prepared: Prepare, seed: int
) -> None:
    tables = scattered(seed)
    density = {"window_m2": 0.5e6, "grid_m": 250.0}
    done = prepared(tables, density=density | {"support": "grid"})
    points = tables["elders"]
    radius = math.sqrt(0.5e6 / math.pi)
    for k, here in enumerate(points):
        near = [p["elders"] for p in points
                if math.hypot(p["x"] - here["x"], p["y"] - here["y"]) <= radius]  # fmt: skip
        window = sum(near) / 0.5
        assert done.readings["window"].per_km2[k] == pytest.approx(window, rel=1e-9)
        square = [p["elders"] for p in points if all(p[c] // 250 == here[c] // 250 for c in "xy")]
        assert done.readings["grid"].per_km2[k] == pytest.approx(sum(square) / 0.0625, rel=1e-9)
        mine = [z for z in tables["zones"] if all(z[c][0] <= here[c] <= z[c][1] for c in "xy")]
        zone = mine[0]["elders"] / 0.36 if mine else window
        assert done.readings["zone"].per_km2[k] == pytest.approx(zone, rel=1e-9)
    grid = done.readings["grid"].per_km2
    assert done.problem.density_per_km2 == pytest.approx(grid)
    assert done.problem.density_class.tolist() == [
        HIGH if each > 3000 else MEDIUM if each >= 1000 else LOW for each in grid
    ]


@pytest.mark.parametrize("at_m", [-0.001, 0.0, 0.001])
def test_a_window_includes_a_point_on_its_edge(prepared: Prepare, at_m: float) -> None:
    radius = math.sqrt(1e6 / math.pi)
    points = [{"id": "a", "x": 0, "y": 0, "elders": 600},
              {"id": "b", "x": radius + at_m, "y": 0, "elders": 400}]  # fmt: skip
    done = prepared({"elders": points})
    assert done.support == "window"
    assert done.problem.density_per_km2[0] == (1000 if at_m <= 0 else 600)
    assert done.problem.density_class[0] == (MEDIUM if at_m <= 0 else LOW)


def test_squares_of_the_grid_start_at_multiples_of_their_side(prepared: Prepare) -> None:
    points = [{"id": "a", "x": 499.9, "y": 10, "elders": 300},
              {"id": "b", "x": 500, "y": 10, "elders": 400},
              {"id": "c", "x": 999.9, "y": 499.9, "elders": 500}]  # fmt: skip
    done = prepared({"elders": points}, density__support="grid")
    assert done.problem.density_per_km2.tolist() == [1200, 3600, 3600]


def test_a_reading_by_hand_takes_any_points() -> None:
    demand = siting.demand.Demand(
        id=np.array(["a", "b"], dtype=object), xy=np.array([[0.0, 0.0], [300.0, 0.0]]),
        elders=np.array([100.0, 50.0]), shapes=gpd.GeoSeries([None, None], crs=CRS),
        zone=np.array([-1, -1]), source=None,  # type: ignore[arg-type]
    )  # fmt: skip
    readings = density_readings(demand, None, Density(support="window", window_m2=1e5, grid_m=200))
    assert set(readings) == {"window", "grid"}
    assert readings["window"].elders.tolist() == [100.0, 50.0]  # radius 178 m
    assert readings["grid"].per_km2.tolist() == pytest.approx([2500.0, 1250.0])


# -- zones ------------------------------------------------------------------------------------


def test_a_point_outside_every_zone_is_classed_by_the_window_and_noted(tmp_path: Path) -> None:
    tables = {
        "elders": [{"id": "in", "x": 100, "y": 100, "elders": 500},
                   {"id": "out", "x": 300, "y": 100, "elders": 700}],
        "zones": [{"id": "z", "elders": 500, "x": [0, 200], "y": [0, 200]}],
        "scenario": {"distance": "straight"},
    }  # fmt: skip
    done = case_files.plan_case(tables, {"audit": True}, tmp_path)
    table = done.tables.demand.set_index("id")
    assert table["density_per_km2"].to_dict() == {"in": 12_500, "out": 1200}  # 1,200 in 1 km2
    assert table["density_class"].to_dict() == {"in": "high", "out": "medium"}
    assert table["note"].to_dict() == {"in": "", "out": "no_zone"}
    (line,) = [each for each in done.prepared.check.lines if each.code == "no_zone"]
    assert (line.count, line.elders, line.examples) == (1, 700, ("out",))
    assert done.record["elders"]["total"] == 1200
    whole = [x for x in done.audit.findings if x.rule_id == "HZ-04" and x.scope == "all"]
    assert whole[0].verdict == "unmet"
    assert not [x for x in done.audit.findings if x.rule_id == "HZ-04" and x.scope == "zone"]


@pytest.mark.parametrize(("count", "listed"), [(990, False), (989.9, True), (1010, False),
                                               (1010.1, True), (1000, False)])  # fmt: skip
def test_a_zone_that_differs_from_its_points_by_more_than_one_percent_is_listed(
    prepared: Prepare, count: float, *, listed: bool
) -> None:
    done = prepared({
        "elders": [{"id": "a", "x": 10, "y": 10, "elders": count / 2},
                   {"id": "b", "x": 90, "y": 90, "elders": count / 2}],
        "zones": [{"id": "z", "elders": 1000, "x": [0, 100], "y": [0, 100]}],
    })  # fmt: skip
    lines = [each for each in done.check.lines if each.code == "zone_differs"]
    assert len(lines) == int(listed)
    if listed:
        assert lines[0].severity == "warning"
        assert lines[0].elders == pytest.approx(count - 1000)
        assert lines[0].examples[0].startswith("z (1000 / ")
    assert done.problem.elders.sum() == count  # everything but density sums the points


def test_a_zone_of_no_elders_with_a_point_inside_is_listed(prepared: Prepare) -> None:
    done = prepared({
        "elders": [{"id": "a", "x": 10, "y": 10, "elders": 3}],
        "zones": [{"id": "z", "elders": 0, "x": [0, 100], "y": [0, 100]}],
    })  # fmt: skip
    assert [each.count for each in done.check.lines if each.code == "zone_differs"] == [1]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("names", ["abcd", "dcba", "cadb"])
def test_a_point_on_shared_borders_belongs_to_the_zone_with_the_smallest_id(
    prepared: Prepare, names: str, *, reverse: bool
) -> None:
    corners = zip(names, (0, 100, 0, 100), (0, 0, 100, 100), strict=True)
    zones = [{"id": name, "elders": 20, "x": [x, x + 100], "y": [y, y + 100]}
             for name, x, y in corners]  # fmt: skip
    points = [("corner", 100, 100), ("south", 100, 50), ("north", 100, 150), ("west", 50, 100)]
    done = prepared({"elders": [{"id": n, "x": x, "y": y, "elders": 20} for n, x, y in points],
                     "zones": zones[::-1] if reverse else zones})  # fmt: skip
    found = done.problem.zone_id[done.problem.demand_zone].tolist()
    (sw, se, nw, ne) = names
    assert found == ["a", min(sw, se), min(nw, ne), min(sw, nw)]


def test_a_point_without_elders_makes_no_duty(tmp_path: Path) -> None:
    tables = {
        "elders": [{"id": "empty", "x": 10, "y": 10, "elders": 0},
                   {"id": "full", "x": 90, "y": 90, "elders": 400}],
        "zones": [{"id": "z", "elders": 400, "x": [0, 100], "y": [0, 100]}],
        "scenario": {"distance": "straight"},
    }  # fmt: skip
    table = case_files.plan_case(tables, {}, tmp_path).tables.demand.set_index("id")
    assert table.loc["empty", "density_class"] == "high"
    assert pd.isna(table.loc["empty", "standard_m"])
    assert pd.isna(table.loc["empty", "covered"])
    assert table.loc["empty", "reason"] == ""
    assert table.loc["full", "reason"] == "no_candidate_in_reach"


# -- polygons and rasters ---------------------------------------------------------------------


def scenario(folder: Path, demand: dict[str, Any], **more: Any) -> siting.Scenario:
    """Return a scenario over files that already lie in a folder."""
    (folder / "scenario.yaml").write_text("{}", encoding="utf-8")
    built = siting.Scenario.model_validate(
        {"name": "demand", "standard": "hangzhou-2021", "year": 2025, "crs": CRS,
         "distance": "straight", "demand": demand} | more
    )  # fmt: skip
    return built.attach(root=folder, origin=folder / "scenario.yaml", changes=())


def test_polygons_stand_at_their_representative_point(tmp_path: Path) -> None:
    horseshoe = shapely.Polygon(
        [(0, 0), (300, 0), (300, 300), (200, 300), (200, 100), (100, 100), (100, 300), (0, 300)]
    )
    shapes = [shapely.transform(each, lambda xy: xy + case_files.CORNER)
              for each in (horseshoe, shapely.box(1000, 0, 1100, 60))]  # fmt: skip
    assert not shapes[0].contains(shapes[0].centroid)
    frame = gpd.GeoDataFrame({"n": ["shoe", "box"], "e": [40, 2]}, geometry=shapes, crs=CRS)
    frame.to_file(tmp_path / "blocks.gpkg")
    done = prepare(scenario(tmp_path, {"path": "blocks.gpkg", "id": "n", "elders": "e"}))
    for shape, xy in zip(shapes, done.problem.demand_xy, strict=True):
        assert shape.contains(shapely.Point(xy))
    assert done.problem.demand_xy[1].tolist() == [EAST + 1050, NORTH + 30]
    assert done.problem.elders.tolist() == [40, 2]


def write_raster(path: Path, values: list[list[float]], nodata: float | None) -> None:
    """Write a raster of 100 m cells whose north-west corner is 300 m north of the map's corner."""
    band = np.array(values, dtype="float32")
    north_west = rasterio.Affine(100, 0, EAST, 0, -100, NORTH + 300)
    with rasterio.open(
        path, "w", driver="GTiff", height=band.shape[0], width=band.shape[1], count=1,
        dtype="float32", crs=CRS, transform=north_west, nodata=nodata,
    ) as raster:  # fmt: skip
        raster.write(band, 1)


def test_cells_of_a_raster_that_hold_elders_are_points_at_their_centre(tmp_path: Path) -> None:
    write_raster(tmp_path / "grid.tif", [[0, 2.5, -9999], [7, 0, 0], [-9999, -9999, 1]], -9999)
    done = prepare(scenario(tmp_path, {"path": "grid.tif", "elders": 1}))
    points = dict(zip(done.problem.demand_id, done.problem.elders.tolist(), strict=True))
    assert points == {"grid-0-1": 2.5, "grid-1-0": 7, "grid-2-2": 1}
    offset = done.problem.demand_xy - case_files.CORNER
    assert offset.tolist() == [[150, 250], [50, 150], [250, 50]]
    assert [each.area for each in done.demand.shapes] == pytest.approx([1e4] * 3)
    assert [each.centroid.x - EAST for each in done.demand.shapes] == pytest.approx([150, 50, 250])
    (line,) = [each for each in done.check.lines if each.code == "raster_cells"]
    assert vars(line) | {"count": 3, "values": {"zero": 3, "nodata": 3}} == vars(line)


@pytest.mark.parametrize("bad", [-0.5, -9999, math.nan, math.inf])
def test_a_negative_or_endless_cell_of_a_raster_is_refused(tmp_path: Path, bad: float) -> None:
    write_raster(tmp_path / "grid.tif", [[1, 2], [3, bad]], None)
    with pytest.raises(InputError, match=r"grid\.tif.*grid-1-1"):
        prepare(scenario(tmp_path, {"path": "grid.tif", "elders": 1}))


def test_a_band_that_the_raster_does_not_have_is_refused(tmp_path: Path) -> None:
    write_raster(tmp_path / "grid.tif", [[1, 2]], None)
    with pytest.raises(InputError, match=r"grid\.tif"):
        prepare(scenario(tmp_path, {"path": "grid.tif", "elders": 2}))


# -- spreading --------------------------------------------------------------------------------

ROADS = [
    {"id": "long", "line": [[10, 110], [1990, 130]]},
    {"id": "short", "line": [[310, 110.5], [320, 880]]},
    {"id": "across", "line": [[1210, 120], [2300, 940]]},
]
DISTRICTS = [
    {"id": "west", "elders": 4321.5, "x": [0, 1000], "y": [0, 1000]},
    {"id": "east", "elders": 1234.25, "x": [1000, 2500], "y": [0, 1000]},
    {"id": "bare", "elders": 77.0, "x": [3000, 3500], "y": [0, 500]},
    {"id": "nobody", "elders": 0.0, "x": [2500, 3000], "y": [0, 1000]},
]


def spread(folder: Path, **how: Any) -> siting.Prepared:
    """Prepare districts whose elders are spread."""
    shapes = [case_files._box(each, case_files.CORNER) for each in DISTRICTS]
    rows = pd.DataFrame([{"id": x["id"], "elders": x["elders"]} for x in DISTRICTS])
    gpd.GeoDataFrame(rows, geometry=shapes, crs=CRS).to_file(folder / "districts.geojson")
    case_files.write_case({"roads": ROADS, "elders": []}, {}, folder)
    demand = {"path": "districts.geojson", "id": "id", "elders": "elders", "spread": how}
    return prepare(scenario(folder, demand, network={"path": "roads.gpkg"}, units={"by": "id"}))


@pytest.mark.parametrize("how", [
    {"method": "road_length", "grid_m": 250.0},
    {"method": "road_length", "grid_m": 90.0},
    {"method": "road_served", "grid_m": 100.0, "within_m": 120.0},
], ids=["by road length", "by road length, finer", "where roads serve"])  # fmt: skip
def test_spreading_keeps_the_elders_of_every_district(tmp_path: Path, how: dict[str, Any]) -> None:
    done = spread(tmp_path, **how)
    expected = {each["id"]: each["elders"] for each in DISTRICTS}
    by_unit = dict(zip(done.problem.unit_id, done.problem.unit_elders(), strict=True))
    assert by_unit == pytest.approx(expected, rel=1e-12)
    by_row = np.bincount(done.demand.spread_from, done.demand.elders, minlength=4)
    assert by_row.tolist() == pytest.approx([each["elders"] for each in DISTRICTS], rel=1e-12)
    assert (done.problem.elders > 0).all()
    assert len(done.problem.elders) > 8


def test_spreading_by_road_length_gives_each_cell_its_share_of_the_roads(tmp_path: Path) -> None:
    done = spread(tmp_path, method="road_length", grid_m=250.0)
    lines = shapely.union_all([shapely.LineString(each["line"]) for each in ROADS])
    for row, district in enumerate(DISTRICTS[:2]):
        area = case_files._box(district, (0, 0))
        total = area.intersection(lines).length
        mine = done.demand.spread_from == row
        shares, lengths = [], []
        for xy, elders in zip(done.demand.xy[mine], done.demand.elders[mine], strict=True):
            x, y = xy - case_files.CORNER
            cell = shapely.box(x - 125, y - 125, x + 125, y + 125).intersection(area)
            shares.append(elders / district["elders"])
            lengths.append(cell.intersection(lines).length / total)
        assert sum(lengths) == pytest.approx(1, abs=0.02)
        assert shares == pytest.approx(lengths, abs=0.02)  # pieces of 25 m stand for the roads


def test_spreading_where_roads_serve_gives_equal_shares_to_cells_near_a_road(
    tmp_path: Path,
) -> None:
    done = spread(tmp_path, method="road_served", grid_m=100.0, within_m=120.0)
    lines = shapely.union_all([shapely.LineString(each["line"]) for each in ROADS])
    for row, district in enumerate(DISTRICTS[:2]):
        mine = done.demand.spread_from == row
        elders, xy = done.demand.elders[mine], done.demand.xy[mine] - case_files.CORNER
        assert elders == pytest.approx(np.full(len(elders), district["elders"] / len(elders)))
        (west, east), (south, north) = district["x"], district["y"]
        centres = {(x + 50.0, y + 50.0) for x in range(west, east, 100)
                   for y in range(south, north, 100)}  # fmt: skip
        found = {(round(x, 6), round(y, 6)) for x, y in xy.tolist()}
        assert found <= centres
        away = {each: lines.distance(shapely.Point(each)) for each in centres}
        assert {each for each in centres if away[each] <= 119} <= found
        assert found <= {each for each in centres if away[each] <= 121}


def test_a_district_without_roads_keeps_its_elders_where_it_stands(tmp_path: Path) -> None:
    done = spread(tmp_path, method="road_length", grid_m=250.0)
    (bare,) = np.flatnonzero(done.demand.id == "bare")
    assert done.demand.elders[bare] == 77
    assert done.demand.xy[bare].tolist() == [EAST + 3250, NORTH + 250]
    codes = {line.code: line for line in done.check.lines}
    assert codes["spread_bare"].examples == ("bare",)
    assert codes["spread"].elders == pytest.approx(4321.5 + 1234.25)
    assert done.demand.estimate == "road_length"


def test_the_order_of_districts_and_roads_changes_nothing(tmp_path: Path) -> None:
    one = spread(tmp_path, method="road_length", grid_m=250.0)
    frame = gpd.read_file(tmp_path / "districts.geojson").iloc[::-1]
    frame.to_file(tmp_path / "districts.geojson")
    roads = gpd.read_file(tmp_path / "roads.gpkg").iloc[::-1]
    (tmp_path / "roads.gpkg").unlink()
    roads.to_file(tmp_path / "roads.gpkg")
    other = prepare(one.scenario)
    pairs = [dict(zip(x.demand.id, x.demand.elders, strict=True)) for x in (one, other)]
    assert pairs[0] == pytest.approx(pairs[1], rel=1e-12)
