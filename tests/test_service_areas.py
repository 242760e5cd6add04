"""Areas within a distance along the roads, held against shapes that are drawn by hand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

import siting
from siting.outputs.service_areas import WIDEST_M, service_areas

CRS = 4549
EAST, NORTH = 500_000.0, 3_300_000.0
ORIGIN = np.array([EAST, NORTH])


def network(*lines: list[tuple[float, float]]) -> siting.Network:
    """Return a walking network of lines near an origin."""
    shapes = [shapely.LineString(np.array(line) + ORIGIN) for line in lines]
    return siting.read_network(gpd.GeoDataFrame(geometry=shapes, crs=CRS), crs=CRS)


def at(*spots: tuple[float, float]) -> np.ndarray:
    """Return places near the origin."""
    return np.array(spots, dtype=float).reshape(-1, 2) + ORIGIN


def band(line: list[tuple[float, float]], width: float = WIDEST_M) -> shapely.Polygon:
    """Return a line near the origin, widened."""
    return shapely.LineString(np.array(line) + ORIGIN).buffer(width)


def assert_like(found: shapely.Geometry, expected: shapely.Geometry, share: float = 0.04) -> None:
    assert found.is_valid
    assert found.symmetric_difference(expected).area < share * expected.area


def test_an_area_is_a_band_along_the_road_that_narrows_to_its_end() -> None:
    road = network([(-2000, 0), (2000, 0)])
    [area] = service_areas(road, at((0, 0)), [500.0])
    assert_like(area, band([(-440, 0), (440, 0)]))
    west, south, east, north = area.bounds
    assert (east - EAST, EAST - west) == pytest.approx((500, 500), abs=15)
    assert (north - NORTH, NORTH - south) == pytest.approx((60, 60), abs=5)


def test_the_way_along_the_roads_counts_and_not_the_straight_line() -> None:
    hook = [(0, 0), (400, 0), (400, 300), (0, 300)]
    [area] = service_areas(network(hook), at((0, 0)), [500.0])
    assert_like(area, band([(0, 0), (400, 0), (400, 40)]))
    assert not area.contains(shapely.Point(EAST, NORTH + 300))


def test_a_leg_to_the_road_is_taken_off() -> None:
    [area] = service_areas(network([(-2000, 0), (2000, 0)]), at((0, 200)), [500.0])
    assert_like(area, band([(-240, 0), (240, 0)]))


def test_a_block_between_roads_stays_open_and_two_components_stay_apart() -> None:
    square = [(0, 0), (400, 0), (400, 400), (0, 400), (0, 0)]
    far = [(5000, 0), (5400, 0)]
    [area] = service_areas(network(square, far), at((0, 0), (5200, 0)), [2000.0])
    assert len(area.geoms) == 2
    assert sorted(len(part.interiors) for part in area.geoms) == [0, 1]
    assert not area.contains(shapely.Point(EAST + 200, NORTH + 200))
    assert_like(area, shapely.union(band(square), band(far)))


def test_each_distance_has_its_area_and_holds_the_smaller_ones() -> None:
    road = network([(-5000, 0), (0, 0), (5000, 0)], [(0, -5000), (0, 0), (0, 5000)])
    areas = service_areas(road, at((0, 0)), [300.0, 1000.0, 700.0])
    lengths = [area.bounds[2] - EAST for area in areas]
    assert lengths == pytest.approx([300, 1000, 700], abs=15)
    assert areas[1].buffer(10).contains(areas[2])
    assert areas[2].buffer(10).contains(areas[0])


def test_roads_of_a_whole_city_are_no_wider_than_those_of_a_town() -> None:
    # 40,000 km of roads: places stand farther apart, and areas keep to the roads
    lines = [[(0, 200.0 * k), (50_000, 200.0 * k)] for k in range(800)]
    [area] = service_areas(network(*lines), at((25_000, 0), (25_000, 80_000)), [1000.0])
    west, south, east, north = area.geoms[0].bounds
    assert north - south == pytest.approx(2 * WIDEST_M, abs=20)
    assert east - west == pytest.approx(2000, abs=60)


def test_nothing_stands_or_nothing_is_near() -> None:
    road = network([(0, 0), (100, 0)])
    assert service_areas(road, at(), [500.0])[0].is_empty
    assert service_areas(None, at(), [500.0])[0].is_empty
    assert service_areas(road, at((0, 0)), []) == []
    assert service_areas(road, at((0, 900)), [500.0])[0].is_empty
    assert service_areas(road, at((0, 499.9)), [500.0])[0].is_empty  # too little to draw


def test_without_roads_areas_are_circles() -> None:
    [area] = service_areas(None, at((0, 0), (600, 0)), [500.0])
    circles = shapely.union_all(shapely.buffer(shapely.points(at((0, 0), (600, 0))), 500))
    assert_like(area, circles, 0.01)
