"""Pairs gathered in batches, and searches at the limits of queues, buckets and cutoffs."""

from __future__ import annotations

import sys
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_reach import ORIGIN, dense, places, roads
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial.distance import cdist

import siting
from siting import pairs
from siting.errors import InputError
from siting.network import build_network
from siting.reach import Snap, search, snap, straight_reach

reach = sys.modules["siting.reach"]
DRAWN = settings(max_examples=40, deadline=None, derandomize=True, database=None)


def town(n: int, seed: int) -> siting.network.Network:
    """Return a grid of streets, corners moved, some streets missing, and one very long road."""
    rng = np.random.default_rng(seed)
    xy = np.array(list(product(range(n), repeat=2))) * 50.0 + rng.uniform(-12, 12, (n * n, 2))
    at = np.arange(n * n).reshape(n, n)
    ends = np.vstack([
        np.column_stack([at[:, :-1].ravel(), at[:, 1:].ravel()]),
        np.column_stack([at[:-1].ravel(), at[1:].ravel()]),
    ])  # fmt: skip
    lines = [xy[pair] for pair in ends[rng.random(len(ends)) > 0.15]]
    return build_network(roads(*lines, [xy[0], (-9000, -9000), xy[-1]]))


def expected(
    network: siting.network.Network, sites: Snap, demand: Snap, cutoff_m: float
) -> np.ndarray:
    """Return the distances by SciPy's Dijkstra between all nodes, infinite beyond the cutoff."""
    a, b = network.edge_nodes.T
    n = network.n_nodes
    graph = coo_array((network.edge_length_m, (a, b)), shape=(n, n)).tocsr()
    ways = dijkstra(graph, directed=False)
    far = np.full((len(sites.edge), len(demand.edge)), np.inf)
    for s, d in product(range(len(sites.edge)), range(len(demand.edge))):
        e, f = sites.edge[s], demand.edge[d]
        if e < 0 or f < 0:
            continue
        for i, j in product(range(2), repeat=2):
            start = sites.offset_m[s] if i == 0 else network.edge_length_m[e] - sites.offset_m[s]
            end = demand.offset_m[d] if j == 0 else network.edge_length_m[f] - demand.offset_m[d]
            way = ways[network.edge_nodes[e, i], network.edge_nodes[f, j]]
            far[s, d] = min(far[s, d], start + way + end)
        if e == f:
            far[s, d] = min(far[s, d], abs(sites.offset_m[s] - demand.offset_m[d]))
        far[s, d] += sites.leg_m[s] + demand.leg_m[d]
    return np.where(far <= cutoff_m + 1e-6, far, np.inf)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("per_batch", [1, 40, 10**9])
@pytest.mark.parametrize("cutoff_m", [0.0, 35.0, 180.0, 1e6])
def test_batches_and_threads_change_nothing(
    monkeypatch: pytest.MonkeyPatch, threads: int, per_batch: int, cutoff_m: float
) -> None:
    monkeypatch.setattr(pairs, "PAIRS_PER_BATCH", per_batch)
    monkeypatch.setattr(pairs, "LEAST_SITES", 7)
    monkeypatch.setattr(pairs, "WORTH_THREADS", 4)
    network = town(8, 5)
    rng = np.random.default_rng(6)
    sites, demand = (
        snap(network, ORIGIN + rng.uniform(-30, 400, (n, 2)), max_snap_m=40, threads=threads)
        for n in (60, 45)
    )
    assert (sites.edge < 0).any()
    found = search(network, sites, demand, cutoff_m=cutoff_m, threads=threads)
    right = expected(network, sites, demand, cutoff_m)
    assert found.nnz == np.isfinite(right).sum()
    np.testing.assert_allclose(dense(found), right, rtol=0, atol=1e-6)
    for row in range(60):
        columns = found.indices[found.indptr[row] : found.indptr[row + 1]]
        assert (np.diff(columns) > 0).all()


@DRAWN
@given(st.integers(2, 6), st.integers(0, 10**6), st.floats(0, 900), st.integers(1, 64))
def test_any_width_of_bucket_gives_the_same(
    n: int, seed: int, cutoff_m: float, buckets: int
) -> None:
    """Few wide buckets make many nodes be looked at again; the distances are the same."""
    network = town(n, seed)
    rng = np.random.default_rng(seed)
    sites, demand = (snap(network, ORIGIN + rng.uniform(-30, 300, (k, 2))) for k in (5, 12))
    right = expected(network, sites, demand, cutoff_m)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reach, "MOST_BUCKETS", buckets)
        found = search(network, sites, demand, cutoff_m=cutoff_m)
    np.testing.assert_allclose(dense(found), right, rtol=0, atol=1e-6)


def test_a_square_with_more_ways_than_the_queue_first_holds() -> None:
    """5,000 roads from one place: each end is as far as its road is long, by the hub."""
    n = 5000
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    ends = 400.0 * np.column_stack([np.cos(angle), np.sin(angle)])
    network = build_network(roads(*[[(0, 0), tuple(end)] for end in ends]), tolerance_m=0.01)
    sites = np.vstack([places((0, 0)), ORIGIN + ends[:2] / 2])
    found = siting.reach(network, sites, ORIGIN + ends, cutoff_m=650)
    right = np.array([400.0, 600.0, 600.0])[:, None] * np.ones(n)
    right[[1, 2], [0, 1]] = 200.0
    np.testing.assert_allclose(dense(found.distances), right, rtol=0, atol=1e-6)


@pytest.mark.parametrize("turn", [1, -1])
def test_points_up_to_the_cutoff_on_a_road_that_ends_beyond_it(turn: int) -> None:
    """Along one street, to both sides: the far end of the last piece is out of reach."""
    street = [(turn * x, 0) for x in (-300, -100, 100, 300)]
    stops = places(*[(x, 3) for x in (-258, -256, -99, 99, 256, 258)])
    network = build_network(roads(street))
    found = dense(siting.reach(network, places((0, 1)), stops, cutoff_m=260).distances)
    assert np.isfinite(found[0]).tolist() == [False, True, True, True, True, False]
    np.testing.assert_allclose(found[0, 1:5], [260, 103, 103, 260], rtol=0, atol=1e-9)


# ------------------------------------------------------------------------------ straight lines


@DRAWN
@given(
    st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), max_size=30),
    st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), max_size=60),
    st.sampled_from([0, 1, 5, 13, 1000]),
    st.sampled_from([1.0, 1e-3, 1e4]),
)
def test_straight_distances_are_all_those_within_the_cutoff(
    sites: list, demand: list, cutoff: int, scale: float
) -> None:
    """Whole coordinates, so that 3-4-5 and 5-12-13 lie exactly at the cutoff."""
    here, there = (np.array(each, float).reshape(-1, 2) * scale for each in (sites, demand))
    found = straight_reach(here, there, cutoff_m=cutoff * scale).distances
    right = cdist(here, there) if len(here) and len(there) else np.empty((len(here), len(there)))
    right = np.where(right <= cutoff * scale + 1e-6, right, np.inf)
    assert found.shape == right.shape
    np.testing.assert_allclose(dense(found), right, rtol=1e-12, atol=0)


def test_straight_sites_far_outside_reach_nothing() -> None:
    demand = np.random.default_rng(1).uniform(0, 100, (50, 2))
    far = np.array([[1e7, 50], [-1e7, 50], [50, 1e7], [50, -1e7], [101, 101]])
    found = straight_reach(far, demand, cutoff_m=30).distances
    np.testing.assert_array_equal(found.getnnz(axis=1)[:4], 0)
    np.testing.assert_array_equal(
        np.isfinite(dense(found)), cdist(far, demand) <= 30
    )  # the last one reaches some
    assert found[4].nnz > 0


# ------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("cutoff_m", [-1.0, np.nan, np.inf, -np.inf])
def test_every_way_to_search_wants_a_length(cutoff_m: float) -> None:
    network = build_network(roads([(0, 0), (100, 0)]))
    here = places((0, 0))
    snapped = snap(network, here)
    with pytest.raises(InputError, match="cutoff_m"):
        search(network, snapped, snapped, cutoff_m=cutoff_m)
    with pytest.raises(InputError, match="cutoff_m"):
        straight_reach(here, here, cutoff_m=cutoff_m)
    with pytest.raises(InputError, match="cutoff_m"):
        siting.reach(network, here, here, cutoff_m=cutoff_m)


def test_a_cutoff_that_nothing_reaches_gives_an_empty_matrix() -> None:
    network = build_network(roads([(0, 0), (100, 0)]))
    found = siting.reach(network, places((0, 0), (3, 0)), places((50, 0)), cutoff_m=20)
    assert found.distances.shape == (2, 1)
    assert found.distances.nnz == 0
    assert len(found.to_frame()) == 0


def test_more_rows_than_positions_can_tell_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "MOST_ROWS", 3)
    network = build_network(roads([(0, 0), (100, 0)]))
    few, many = places(*[(k, 0) for k in range(3)]), places(*[(k, 0) for k in range(4)])
    assert siting.reach(network, few, few, cutoff_m=10).distances.nnz == 9
    for sites, demand in ((few, many), (many, few)):
        with pytest.raises(InputError, match=r"3.*4"):
            siting.reach(network, sites, demand, cutoff_m=10)
        with pytest.raises(InputError, match=r"3.*4"):
            straight_reach(sites, demand, cutoff_m=10)
    with pytest.raises(InputError, match=r"3.*4"):
        build_network(roads([(0, 0), (1, 0), (2, 0), (3, 0)]))


def test_memory_that_ends_is_told_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four of eight sites measured with four pairs each, and no room for the next batch."""
    monkeypatch.setattr(pairs, "PAIRS_PER_BATCH", 4)
    monkeypatch.setattr(pairs, "LEAST_SITES", 4)
    left = iter([10**9, 10**2])
    monkeypatch.setattr(
        pairs.psutil, "virtual_memory", lambda: SimpleNamespace(available=next(left))
    )
    points = np.zeros((8, 2))
    with pytest.raises(InputError) as told:
        straight_reach(points, points[:4], cutoff_m=1)
    (fault,) = told.value.faults
    assert fault.code == "reach_memory"
    assert (fault.values["done"], fault.values["sites"], fault.values["pairs"]) == (4, 8, 16)
    assert fault.values["needed"] == pytest.approx(32 * 12 / 2**30)
