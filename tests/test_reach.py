"""Walking distances: hand cases, the oracle, SciPy, and changes that must change nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_reach import (
    CRS,
    ORIGIN,
    Bounds,
    as_points,
    assert_within,
    dense,
    places,
    roads,
    walking_distances,
)
from scipy.sparse import coo_array, csr_array, csr_matrix
from scipy.sparse.csgraph import dijkstra

import siting
from siting.errors import CrsError, InputError
from siting.reach import nearest

FAR_M = 1e7
ABSENT = np.inf
DRAWN = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def distances(
    lines: gpd.GeoDataFrame,
    sites: np.ndarray,
    demand: np.ndarray,
    *,
    cutoff_m: float = FAR_M,
    max_snap_m: float | None = None,
    **reading: object,
) -> np.ndarray:
    network = siting.read_network(lines, crs=CRS, **reading)
    found = siting.reach(network, sites, demand, cutoff_m=cutoff_m, max_snap_m=max_snap_m)
    return dense(found.distances)


# ------------------------------------------------------------------------------- hand cases


@dataclass(frozen=True)
class Case:
    """Roads, points and the distances worked out by hand."""

    name: str
    lines: gpd.GeoDataFrame
    sites: list[tuple[float, float]]
    demand: list[tuple[float, float]]
    expected: list[list[float]]
    reading: dict[str, float] = field(default_factory=dict)


AXES = [[(0, 0), (300, 0)], [(0, 400), (300, 400)], [(0, 0), (0, 190)], [(0, 210), (0, 400)]]
BRIDGE = [(300, 0), (300, 400)]
STREET = [(0, 0), (100, 0)]
RING = [(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)]
BOW = [(0, 0), (100, 100), (100, 0), (0, 100)]
ISLANDS = roads([(0, 0), (200, 0)], [(1000, 0), (1200, 0)])

CASES = [
    Case("T3 canal with bridge", roads(*AXES, BRIDGE), [(0, 400)], [(0, 0)], [[1000]]),
    Case("T3 canal, no bridge", roads(*AXES), [(0, 400)], [(0, 0)], [[ABSENT]]),
    Case(
        "T11 island",
        ISLANDS,
        [(1000, 0), (1100, 5)],
        [(200, 0), (100, 10), (1200, 0)],
        [[ABSENT, ABSENT, 200], [ABSENT, ABSENT, 105]],
    ),
    Case(
        "straight legs at both ends",
        roads([(0, 0), (100, 0), (100, 100)]),
        [(50, 20)],
        [(130, 40), (-3, -4), (100, 104)],
        [[20 + 50 + 40 + 30, 20 + 50 + 5, 20 + 50 + 100 + 4]],
    ),
    Case(
        "one edge, both directions, several on one place",
        roads(STREET),
        [(20, 0), (70, 3), (20, 0)],
        [(30, 4), (60, 0), (20, 7), (0, 0), (100, 0)],
        [[14, 40, 7, 20, 80], [47, 13, 60, 73, 33], [14, 40, 7, 20, 80]],
    ),
    Case(
        "same edge, but the way round is no shorter",
        roads(RING),
        [(10, 0)],
        [(90, 0), (0, 10), (0, 90), (100, 100)],
        [[80, 20, 100, 190]],
    ),
    Case(
        "same edge, where the way round is shorter",
        roads([(0, 0), (50, 300), (100, 0)], [(0, 0), (100, 0)]),
        [(50 / 3, 100)],
        [(250 / 3, 100)],
        [[2 * np.hypot(50 / 3, 100) + 100]],
    ),
    Case("on a node", roads(STREET, RING), [(100, 0), (0, 0)], [(100, 0)], [[0], [100]]),
    Case("the same place off the road", roads(STREET), [(40, 25)], [(40, 25)], [[50]]),
    Case("beyond the end of the road", roads(STREET), [(-30, 40)], [(130, 40)], [[200]]),
    Case(
        "opposite sides of a road", roads(STREET), [(40, 10)], [(40, -10), (41, -10)], [[20, 21]]
    ),
    Case(
        "a road twice, once backwards",
        roads(STREET, STREET, STREET[::-1]),
        [(20, 1), (80, -1)],
        [(60, -1), (30, 2)],
        [[42, 13], [22, 53]],
    ),
    Case(
        "a road of no length changes nothing",
        roads([(50, 20), (50, 20)], STREET, [(0, 0), (0, 0)]),
        [(50, 20)],
        [(0, 0)],
        [[70]],
    ),
    Case(
        "a vertex twice in a row",
        roads([(0, 0), (50, 0), (50, 0), (100, 0)]),
        [(10, 0)],
        [(50, 0), (90, 0)],
        [[40, 80]],
    ),
    Case("a line that crosses itself", roads(BOW), [(0, 0)], [(100, 0), (0, 100)],
         [[100 * 2**0.5 + 100, 200 * 2**0.5 + 100]]),
    Case(
        "a line that passes its own vertex again",
        roads([(0, 0), (50, 50), (100, 100), (100, 0), (50, 50), (0, 100)]),
        [(0, 0)],
        [(100, 0), (0, 100)],
        [[100 * 2**0.5, 100 * 2**0.5]],
    ),
    Case("a ring road", roads(RING), [(100, 50)], [(0, 50), (50, 0), (0, 0)], [[200, 100, 150]]),
    Case(
        "a ring road on its own component",
        roads(RING, [(500, 0), (600, 0)]),
        [(50, 0), (500, 0)],
        [(50, 100), (600, 0)],
        [[200, ABSENT], [ABSENT, 100]],
    ),
    Case(
        "multi-part roads",
        roads(shapely.MultiLineString([STREET, [(100, 0), (100, 50)], [(300, 0), (400, 0)]])),
        [(0, 0)],
        [(100, 50), (400, 0)],
        [[150, ABSENT]],
    ),
    Case(
        "heights are not walked",
        roads([(0, 0, 0), (100, 0, 500)], [(100, 0, 7), (100, 50, 9)]),
        [(0, 0)],
        [(100, 50)],
        [[150]],
    ),
    Case(
        "ends 0.04 m apart meet",
        roads(STREET, [(100.04, 0), (200, 0)]),
        [(0, 0)],
        [(200, 0)],
        [[200]],
    ),
    Case(
        "ends 0.06 m apart do not meet",
        roads(STREET, [(100.06, 0), (200, 0)]),
        [(0, 0)],
        [(200, 0)],
        [[ABSENT]],
    ),
    Case(
        "ends 0.06 m apart meet if they may",
        roads(STREET, [(100.06, 0), (200, 0)]),
        [(0, 0)],
        [(200, 0)],
        [[200]],
        {"tolerance_m": 0.1},
    ),
    Case(
        "a chain of ends is one place",
        roads(STREET, [(100.04, 0), (100.04, 80)], [(100.08, 0), (200, 0)]),
        [(0, 0)],
        [(200, 0), (100.04, 80)],
        [[200, 180]],
    ),
    Case(
        "an end meets a vertex inside a road",
        roads([(0, 0), (50, 0), (100, 0)], [(50, 0.04), (50, 60)]),
        [(50, 60)],
        [(0, 0), (100, 0)],
        [[110, 110]],
    ),
    Case(
        "tolerance joins across a grid line of any size",
        roads([(0, 0), (99.99, 0)], [(100.01, 0), (200, 0)], [(200, 0.02), (200, 99.98)]),
        [(0, 0)],
        [(200, 99.98)],
        [[300]],
    ),
    Case("plain crossings do not meet", roads([(0, 0), (100, 0)], [(50, -50), (50, 50)]), [(0, 0)],
         [(100, 0), (50, 50)], [[100, ABSENT]]),
    Case(
        "an end in the middle of a piece does not meet it",
        roads(STREET, [(50, 0), (50, 50)]),
        [(0, 0)],
        [(100, 0), (50, 50)],
        [[100, ABSENT]],
    ),
]  # fmt: skip
BY_NAME = [pytest.param(case, id=case.name) for case in CASES]


@pytest.mark.parametrize("case", BY_NAME)
def test_hand_cases(case: Case) -> None:
    got = distances(case.lines, places(*case.sites), places(*case.demand), **case.reading)
    np.testing.assert_allclose(got, case.expected, rtol=0, atol=_slack(case))


@pytest.mark.parametrize("case", BY_NAME)
def test_the_oracle_agrees_with_the_hand_cases(case: Case) -> None:
    sites, demand = places(*case.sites), places(*case.demand)
    got = walking_distances(case.lines, sites, demand, **case.reading).only
    np.testing.assert_allclose(got, case.expected, rtol=0, atol=_slack(case))


def _slack(case: Case) -> float:
    """Where ends apart are joined, the way across the gap may count or not."""
    gaps = "ends 0" in case.name or "meets a vertex" in case.name or "chain" in case.name
    return 0.2 if gaps or "any size" in case.name else 1e-6


@pytest.mark.parametrize("case", BY_NAME)
def test_there_and_back_are_equally_far(case: Case) -> None:
    sites, demand = places(*case.sites), places(*case.demand)
    there = distances(case.lines, sites, demand, **case.reading)
    back = distances(case.lines, demand, sites, **case.reading)
    np.testing.assert_allclose(there, back.T, rtol=0, atol=1e-6)


def test_canal_at_the_limits_of_the_standard() -> None:
    """T3: 500 m fails and 1,000 m passes, inclusive."""
    home, elders = places((0, 400)), places((0, 0))
    network = siting.read_network(roads(*AXES, BRIDGE), crs=CRS)
    for cutoff_m, n_pairs in ((500, 0), (999.999, 0), (1000, 1), (1001, 1)):
        found = siting.reach(network, home, elders, cutoff_m=cutoff_m).distances
        assert found.nnz == n_pairs


# ------------------------------------------------------------------------------- the result


def test_distances_are_a_clean_csr() -> None:
    network = siting.read_network(roads(STREET), crs=CRS)
    sites, demand = places((20, 0), (500, 0)), places((90, 0), (20, 0), (0, 0))
    found = siting.reach(network, sites, demand, cutoff_m=50).distances
    assert isinstance(found, csr_array | csr_matrix)
    assert found.shape == (2, 3)
    assert found.dtype == np.float64
    assert found.indptr.tolist() == [0, 2, 2]
    assert found.indices.tolist() == [1, 2]
    np.testing.assert_allclose(found.data, [0, 20], atol=1e-9)


def test_to_frame_lists_every_pair() -> None:
    network = siting.read_network(roads(STREET), crs=CRS)
    sites, demand = places((20, 0), (80, 0)), places((30, 0), (20, 0))
    frame = siting.reach(network, sites, demand, cutoff_m=55).to_frame()
    assert list(frame.columns) == ["site", "demand", "distance_m"]
    rows = sorted(zip(frame["site"], frame["demand"], frame["distance_m"].round(6), strict=True))
    assert rows == [(0, 0, 10.0), (0, 1, 0.0), (1, 0, 50.0)]


def test_arrays_and_geodataframes_give_the_same() -> None:
    network = siting.read_network(roads(RING), crs=CRS)
    sites, demand = places((3, 9), (70, 108)), places((50, 50.5), (101, 4))
    by_array = siting.reach(network, sites, demand, cutoff_m=FAR_M).distances
    frames = as_points(sites), as_points(demand).set_index(np.array([9, 4]))
    by_frame = siting.reach(network, *frames, cutoff_m=FAR_M).distances
    np.testing.assert_array_equal(by_array.toarray(), by_frame.toarray())


@pytest.mark.parametrize(("n_sites", "n_demand"), [(0, 3), (3, 0), (0, 0)])
def test_no_points_are_no_pairs(n_sites: int, n_demand: int) -> None:
    network = siting.read_network(roads(STREET), crs=CRS)
    some = places((0, 0), (1, 0), (2, 0))
    found = siting.reach(network, some[:n_sites], some[:n_demand], cutoff_m=100)
    assert found.distances.shape == (n_sites, n_demand)
    assert len(found.to_frame()) == 0


# ------------------------------------------------------------------------------- cutoff and snap


@pytest.mark.parametrize("leg", [0.0, 0.1, 12.3])
@pytest.mark.parametrize("along", [0.3, 33.3, 77.7])
def test_cutoff_is_inclusive(along: float, leg: float) -> None:
    network = siting.read_network(roads([(x / 10, 0) for x in range(0, 1001, 7)]), crs=CRS)
    sites, demand = places((0, leg)), places((along, -leg))
    exact = along + 2 * leg
    for cutoff_m, n_pairs in ((exact, 1), (exact - 1e-7, 1), (exact - 1e-3, 0), (exact + 1e-3, 1)):
        assert siting.reach(network, sites, demand, cutoff_m=cutoff_m).distances.nnz == n_pairs


def test_a_cutoff_of_zero_keeps_what_is_there() -> None:
    got = distances(roads(STREET), places((5, 0), (8, 1)), places((5, 0), (8, 1)), cutoff_m=0)
    np.testing.assert_allclose(got, [[0, ABSENT], [ABSENT, ABSENT]], atol=1e-9)


def test_legs_longer_than_the_cutoff_reach_nothing() -> None:
    got = distances(roads(STREET), places((5, 60)), places((5, 0), (5, 60)), cutoff_m=50)
    assert np.isinf(got).all()


@pytest.mark.parametrize(("max_snap_m", "kept"), [(None, 3), (50.0, 3), (30.0, 2), (29.999, 1)])
def test_points_far_from_every_road_are_off_the_network(
    max_snap_m: float | None, kept: int
) -> None:
    demand = places((10, 10), (20, 30), (30, 50))
    got = distances(roads(STREET), places((0, 0)), demand, max_snap_m=max_snap_m)
    expected = np.array([20.0, 50.0, 80.0])
    expected[kept:] = ABSENT
    np.testing.assert_allclose(got[0], expected, atol=1e-6)


def test_sites_far_from_every_road_are_off_the_network() -> None:
    demand = places((0, 0), (0, 40))
    got = distances(roads(STREET), places((0, 40), (0, 3)), demand, max_snap_m=20)
    np.testing.assert_allclose(got, [[ABSENT, ABSENT], [3, ABSENT]], atol=1e-6)


def test_the_nearest_road_counts_even_where_another_is_connected() -> None:
    """A point stands on its nearest road, on an island or not; never on the straight line."""
    lines = roads(STREET, [(50, 30), (60, 30)])
    got = distances(lines, places((0, 0)), places((55, 20), (55, 14)))
    np.testing.assert_allclose(got, [[ABSENT, 69]], atol=1e-6)


# ------------------------------------------------------------------------------- nearest


def test_nearest_finds_the_nearest_site_without_cutoff() -> None:
    network = siting.read_network(ISLANDS, crs=CRS)
    sites = places((0, 0), (150, 5), (60, 400))
    demand = places((10, 0), (149, 0), (70, -2), (1100, 0), (110, 3))
    which, how_far = nearest(network, sites, demand)
    assert np.issubdtype(which.dtype, np.integer)
    assert which.tolist() == [0, 1, 0, -1, 1]
    np.testing.assert_allclose(how_far, [10, 6, 72, np.nan, 48], atol=1e-6)


def test_nearest_leaves_out_points_off_the_network() -> None:
    network = siting.read_network(roads(STREET), crs=CRS)
    sites, demand = places((0, 90), (100, 1)), places((0, 0), (0, 80))
    which, how_far = nearest(network, sites, demand, max_snap_m=50)
    assert which.tolist() == [1, -1]
    np.testing.assert_allclose(how_far, [101, np.nan], atol=1e-6)


def test_nearest_of_no_sites_is_none() -> None:
    network = siting.read_network(roads(STREET), crs=CRS)
    which, how_far = nearest(network, places(), places((1, 0), (2, 0)))
    assert which.tolist() == [-1, -1]
    assert np.isnan(how_far).all()


# ------------------------------------------------------------------------------- the oracle

corner = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda c: (10.0 * c[0], 10.0 * c[1]))
street = st.lists(corner, min_size=2, max_size=5)
small_networks = st.lists(street, min_size=1, max_size=9).filter(
    lambda lines: any(len(set(line)) > 1 for line in lines)
)
ordinate = st.builds(
    lambda tens, rest: 10.0 * tens + rest,
    st.integers(-2, 11),
    st.sampled_from([0.0, 0.0, 1.7, 3.1, 5.0, 6.45]),
)
spots = st.lists(st.tuples(ordinate, ordinate), min_size=1, max_size=6)


@DRAWN
@given(small_networks, spots, spots)
def test_every_distance_equals_the_oracle(lines: list, sites: list, demand: list) -> None:
    network, here, there = roads(*lines), places(*sites), places(*demand)
    expected = walking_distances(network, here, there)
    got = distances(network, here, there)
    assert_within(got, expected)
    assert_never_shorter_than_the_straight_line(got, here, there)


def assert_never_shorter_than_the_straight_line(
    got: np.ndarray, sites: np.ndarray, demand: np.ndarray
) -> None:
    straight = np.linalg.norm(sites[:, None] - demand[None], axis=2)
    assert (got >= straight - 0.01).all()


@DRAWN
@given(small_networks, spots, spots, st.sampled_from([0.0, 4.0, 10.0, 37.5, 60.0]))
def test_cutoff_and_snap_limit_only_leave_out(
    lines: list, sites: list, demand: list, cutoff_m: float
) -> None:
    here, there, max_snap_m = places(*sites), places(*demand), 13.0
    network = siting.read_network(roads(*lines), crs=CRS)
    everything = dense(siting.reach(network, here, there, cutoff_m=FAR_M).distances)
    off = np.isinf(walking_distances(roads(*lines), here, here, max_snap_m=max_snap_m).low)
    off_there = np.isinf(walking_distances(roads(*lines), there, there, max_snap_m=max_snap_m).low)
    expected = np.where(everything <= cutoff_m + 1e-6, everything, np.inf)
    expected[off.diagonal()] = np.inf
    expected[:, off_there.diagonal()] = np.inf
    cut = siting.reach(network, here, there, cutoff_m=cutoff_m, max_snap_m=max_snap_m)
    np.testing.assert_allclose(dense(cut.distances), expected, rtol=0, atol=1e-6)


@DRAWN
@given(small_networks, spots, spots)
def test_every_distance_is_within_a_cutoff_of_itself(
    lines: list, sites: list, demand: list
) -> None:
    here, there = places(*sites), places(*demand)
    network = siting.read_network(roads(*lines), crs=CRS)
    everything = siting.reach(network, here, there, cutoff_m=FAR_M).distances.tocoo()
    for i, j, exact in zip(everything.row, everything.col, everything.data, strict=True):
        cut = siting.reach(network, here[[i]], there[[j]], cutoff_m=exact).distances
        assert cut.nnz == 1
        assert cut.data[0] == pytest.approx(exact, abs=1e-6)


@DRAWN
@given(small_networks, spots, spots)
def test_nearest_equals_the_least_distance(lines: list, sites: list, demand: list) -> None:
    here, there = places(*sites), places(*demand)
    network = siting.read_network(roads(*lines), crs=CRS)
    which, how_far = nearest(network, here, there)
    everything = dense(siting.reach(network, here, there, cutoff_m=FAR_M).distances)
    least = everything.min(axis=0)
    np.testing.assert_array_equal(which >= 0, np.isfinite(least))
    reached = which >= 0
    np.testing.assert_allclose(how_far[reached], least[reached], rtol=0, atol=1e-6)
    chosen = everything[which[reached], np.flatnonzero(reached)]
    np.testing.assert_allclose(chosen, least[reached], rtol=0, atol=1e-6)
    assert np.isnan(how_far[~reached]).all()


@DRAWN
@given(small_networks, spots, spots, st.randoms(use_true_random=False))
def test_ends_that_miss_each_other_by_a_little_meet(
    lines: list, sites: list, demand: list, random: object
) -> None:
    """Vertices up to 0.03 m beside their place: joined all the same, a few centimetres off."""
    shaken = [[(x + random.uniform(0, 0.02), y + random.uniform(0, 0.02)) for x, y in line]
              for line in lines]  # fmt: skip
    network, here, there = roads(*shaken), places(*sites), places(*demand)
    expected = walking_distances(network, here, there, tie_m=0.2)
    got = distances(network, here, there)
    finite = np.isfinite(got)
    assert (finite | np.isinf(expected.high)).all()
    assert (~finite | np.isfinite(expected.low)).all()
    assert (got >= expected.low - 1).all()
    assert (got[finite] <= expected.high[finite] + 1).all()


def test_legs_equal_shapely_on_streets_of_all_lengths() -> None:
    """There and back to itself is twice the leg: from a metre to 3 km long, near and far away."""
    rng = np.random.default_rng(41)
    start = rng.uniform(0, 5000, (400, 2)) * [1, 0.3] + ORIGIN
    turn, length = rng.uniform(0, 2 * np.pi, 400), 10 ** rng.uniform(0, 3.5, 400)
    stop = start + np.column_stack([np.cos(turn), np.sin(turn)]) * length[:, None]
    lines = gpd.GeoDataFrame(geometry=shapely.linestrings(np.stack([start, stop], 1)), crs=CRS)
    near = rng.uniform(-2000, 7000, (300, 2)) + ORIGIN
    points = np.vstack([near, start[:50], (start + stop)[:50] / 2, places((-9e4, 4e4), (0, 2e5))])
    network = siting.read_network(lines, crs=CRS)
    found = siting.reach(network, points, points, cutoff_m=FAR_M).distances
    legs = shapely.distance(shapely.points(points), shapely.union_all(lines.geometry.to_numpy()))
    np.testing.assert_allclose(found.diagonal(), 2 * legs, rtol=0, atol=1e-6)


def test_equals_scipy_on_a_random_grid() -> None:
    rng = np.random.default_rng(20250101)
    side = 45
    xy = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) * 50.0
    xy += rng.uniform(-18, 18, xy.shape)
    number = np.arange(side * side).reshape(side, side)
    across = np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()])
    ends = np.vstack([across, np.column_stack([number[:-1].ravel(), number[1:].ravel()])])
    ends = ends[rng.random(len(ends)) < 0.8]
    lengths = np.linalg.norm(xy[ends[:, 0]] - xy[ends[:, 1]], axis=1)
    graph = coo_array((lengths, ends.T), shape=(side**2, side**2)).tocsr()
    used = np.unique(ends)
    sites, demand = rng.choice(used, 150, replace=False), rng.choice(used, 700, replace=False)
    lines = gpd.GeoDataFrame(geometry=shapely.linestrings(xy[ends] + ORIGIN), crs=CRS)
    network = siting.read_network(lines, crs=CRS)
    expected = dijkstra(graph, directed=False, indices=sites)[:, demand]
    for cutoff_m in (FAR_M, 600.0):
        found = siting.reach(network, xy[sites] + ORIGIN, xy[demand] + ORIGIN, cutoff_m=cutoff_m)
        cut = np.where(expected <= cutoff_m, expected, np.inf)
        np.testing.assert_allclose(dense(found.distances), cut, rtol=0, atol=1e-6)
    which, how_far = nearest(network, xy[sites] + ORIGIN, xy[demand] + ORIGIN)
    least = expected.min(axis=0)
    np.testing.assert_allclose(how_far, np.where(np.isfinite(least), least, np.nan), atol=1e-6)
    assert which[np.isfinite(least)].tolist() == expected.argmin(axis=0)[
        np.isfinite(least)].tolist()  # fmt: skip


# ------------------------------------------------------------------------------- metamorphic

TOWN = [
    [(0, 0), (40, 10), (90, 0), (130, 20)],
    [(40, 10), (40, 70), (60, 100)],
    [(90, 0), (80, 50), (40, 70)],
    [(130, 20), (120, 90), (60, 100)],
    [(200, 0), (240, 40), (200, 80), (200, 0)],
]
SPOTS = np.random.default_rng(7).uniform(-10, 250, (40, 2)) * [1, 0.45]
HERE, THERE = places(*SPOTS[:15]), places(*SPOTS[15:])


def _permuted() -> gpd.GeoDataFrame:
    return roads(*[TOWN[i] for i in (3, 0, 4, 2, 1)])


def _reversed() -> gpd.GeoDataFrame:
    return roads(*[line[::-1] for line in TOWN])


def _split() -> gpd.GeoDataFrame:
    return roads(*[line[i : i + 2] for line in TOWN for i in range(len(line) - 1)])


def _with_more_vertices() -> gpd.GeoDataFrame:
    return roads(*[shapely.segmentize(shapely.LineString(line), 7.0) for line in TOWN])


def _ring_begun_elsewhere() -> gpd.GeoDataFrame:
    return roads(*TOWN[:4], [(200, 80), (200, 0), (240, 40), (200, 80)])


def _relabelled() -> gpd.GeoDataFrame:
    return roads(*TOWN, name=list("abcde")).set_index(np.array([7, 7, -1, 3, 0]))


def _doubled() -> gpd.GeoDataFrame:
    return roads(*TOWN, *[line[::-1] for line in TOWN])


def _as_one_multi() -> gpd.GeoDataFrame:
    return roads(shapely.MultiLineString(TOWN))


@pytest.mark.parametrize(
    "changed",
    [
        _permuted,
        _reversed,
        _split,
        _with_more_vertices,
        _ring_begun_elsewhere,
        _relabelled,
        _doubled,
        _as_one_multi,
    ],
)
def test_the_same_roads_written_otherwise_change_nothing(changed: object) -> None:
    expected = walking_distances(roads(*TOWN), HERE, THERE).only
    got = distances(changed(), HERE, THERE)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)


def test_moving_everything_changes_nothing() -> None:
    lines, vector = roads(*TOWN), np.array([12_345.678, -9_876.543])
    moved = lines.set_geometry(lines.translate(*vector))
    expected = distances(lines, HERE, THERE)
    got = distances(moved, HERE + vector, THERE + vector)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)


def test_reordering_the_points_reorders_the_distances() -> None:
    order = np.random.default_rng(3).permutation(len(THERE))
    expected = distances(roads(*TOWN), HERE, THERE)
    got = distances(roads(*TOWN), HERE[::-1], THERE[order])
    np.testing.assert_array_equal(got, expected[::-1][:, order])


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
def test_a_tie_between_roads_does_not_depend_on_their_order(
    order: tuple[int, ...],
    turned: bool,  # noqa: FBT001 - drawn by pytest
) -> None:
    """A point as far from one road as from another: any choice, but always the same."""
    lines = [[(0, 0), (100, 0)], [(0, 20), (100, 20)], [(0, 0), (0, 20)]]
    sites, demand = places((0, 10)), places((50, 10), (70, 10))
    expected = distances(roads(*lines), sites, demand)
    again = [lines[i][::-1] if turned else lines[i] for i in order]
    np.testing.assert_allclose(distances(roads(*again), sites, demand), expected, atol=1e-6)
    crossing = roads(lines[0], [(50, -10), (50, 10)])
    swapped = roads([(50, 10), (50, -10)], lines[0])
    at_crossing = places((50, 0))
    np.testing.assert_allclose(
        distances(crossing, places((0, 0)), at_crossing),
        distances(swapped, places((0, 0)), at_crossing),
        atol=1e-6,
    )


@DRAWN
@given(small_networks, spots, spots, st.randoms(use_true_random=False))
def test_order_and_direction_of_roads_change_nothing(
    lines: list, sites: list, demand: list, random: object
) -> None:
    here, there = places(*sites), places(*demand)
    again = [line[::-1] if random.random() < 0.5 else line for line in lines]
    random.shuffle(again)
    sure = walking_distances(roads(*lines), here, there).sure
    expected = np.where(sure, distances(roads(*lines), here, there), np.inf)
    got = np.where(sure, distances(roads(*again), here, there), np.inf)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)


# ------------------------------------------------------------------------------- bad inputs


def test_points_in_another_crs_are_refused() -> None:
    network = siting.read_network(roads(STREET), crs=CRS)
    right = as_points(places((0, 0)))
    for wrong in (right.to_crs("EPSG:4326"), right.to_crs("EPSG:3825")):
        with pytest.raises(CrsError):
            siting.reach(network, wrong, right, cutoff_m=100)
        with pytest.raises(CrsError):
            siting.reach(network, right, wrong, cutoff_m=100)
        with pytest.raises(CrsError):
            nearest(network, right, wrong)


def test_points_without_a_crs_are_refused() -> None:
    network = siting.read_network(roads(STREET), crs=CRS)
    right = as_points(places((0, 0)))
    with pytest.raises(CrsError):
        siting.reach(network, right, right.set_crs(None, allow_override=True), cutoff_m=100)


@pytest.mark.parametrize(
    "bad",
    [
        np.array([[ORIGIN[0], np.nan]]),
        np.array([[np.inf, ORIGIN[1]]]),
        np.zeros((2, 3)),
        np.zeros(4),
    ],
)
def test_points_that_are_no_places_are_refused(bad: np.ndarray) -> None:
    network = siting.read_network(roads(STREET), crs=CRS)
    with pytest.raises(InputError):
        siting.reach(network, bad, places((0, 0)), cutoff_m=100)
    with pytest.raises(InputError):
        siting.reach(network, places((0, 0)), bad, cutoff_m=100)


def test_empty_points_of_a_layer_are_refused() -> None:
    network = siting.read_network(roads(STREET), crs=CRS)
    empty = gpd.GeoDataFrame(geometry=[shapely.Point(), None], crs=CRS)
    with pytest.raises(InputError):
        siting.reach(network, empty, places((0, 0)), cutoff_m=100)


def test_areas_are_not_taken_for_points() -> None:
    network = siting.read_network(roads(STREET), crs=CRS)
    areas = as_points(places((0, 0))).buffer(5).to_frame("geometry")
    with pytest.raises(InputError):
        siting.reach(network, areas, places((0, 0)), cutoff_m=100)


@pytest.mark.parametrize("cutoff_m", [-1.0, np.nan])
def test_a_cutoff_must_be_a_length(cutoff_m: float) -> None:
    network = siting.read_network(roads(STREET), crs=CRS)
    with pytest.raises(ValueError, match="cutoff"):
        siting.reach(network, places((0, 0)), places((0, 0)), cutoff_m=cutoff_m)


def test_bounds_tell_ties() -> None:
    """The oracle itself: a point between two roads that meet nowhere has two answers."""
    lines = roads([(0, 0), (100, 0)], [(0, 20), (100, 20)])
    found = walking_distances(lines, places((0, 0)), places((50, 10), (50, 9)))
    assert isinstance(found, Bounds)
    assert found.sure.tolist() == [[False, True]]
    assert found.low.tolist() == [[60, 59]]
    assert np.isinf(found.high[0, 0])
