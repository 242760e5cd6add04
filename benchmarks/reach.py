"""
Time `siting.reach` against SciPy's Dijkstra, per site, on the same network and in the same run.

The network is a grid of streets whose corners are shifted and of whose streets some are missing.
Ours counts everything after the network is read: snapping of all sites and demand points, the
search, and the sparse matrix of distances between points. SciPy's counts only the search from
some of the grid's nodes to all nodes; it knows nothing of points beside the road.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

import siting

CRS = "EPSG:32650"
ORIGIN = np.array([400_000.0, 3_300_000.0])
MISSING_SHARE = 0.1
SIDE_STEP_M = 25.0  # demand points and sites stand up to so far beside a corner


@dataclass(frozen=True)
class Grid:
    """Corners in metres, the streets between them, and the same as a SciPy graph."""

    xy: np.ndarray
    ends: np.ndarray
    graph: csr_array


def build_grid(n_nodes: int, spacing_m: float, rng: np.random.Generator) -> Grid:
    """Return about `n_nodes` shifted corners of a square grid, a tenth of the streets missing."""
    side = round(n_nodes**0.5)
    number = np.arange(side * side).reshape(side, side)
    xy = np.column_stack(np.divmod(number.ravel(), side)) * spacing_m + ORIGIN
    xy += rng.uniform(-spacing_m / 4, spacing_m / 4, xy.shape)
    across = np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()])
    down = np.column_stack([number[:-1].ravel(), number[1:].ravel()])
    ends = np.vstack([across, down])
    ends = ends[rng.random(len(ends)) >= MISSING_SHARE]
    lengths = np.linalg.norm(xy[ends[:, 0]] - xy[ends[:, 1]], axis=1)
    graph = coo_array((lengths, (ends[:, 0], ends[:, 1])), shape=(len(xy), len(xy))).tocsr()
    return Grid(xy, ends, graph + graph.T)


def time_siting(
    network: object, sites: np.ndarray, demand: np.ndarray, cutoff_m: float, repeats: int
) -> tuple[float, csr_array]:
    """Return the least seconds of all repeats, and the distances."""
    siting.reach(network, sites[:10], demand[:10], cutoff_m=cutoff_m)  # compiles, builds the index
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        found = siting.reach(network, sites, demand, cutoff_m=cutoff_m)
        seconds.append(time.perf_counter() - start)
    return min(seconds), found.distances


def time_scipy(grid: Grid, sources: np.ndarray, cutoff_m: float, chunk: int) -> float:
    """Return seconds of Dijkstra from the sources, `chunk` of them to a call."""
    dijkstra(grid.graph, indices=sources[:1], limit=cutoff_m)
    start = time.perf_counter()
    for first in range(0, len(sources), chunk):
        dijkstra(grid.graph, indices=sources[first : first + chunk], limit=cutoff_m)
    return time.perf_counter() - start


def check(grid: Grid, network: object, cutoff_m: float, rng: np.random.Generator) -> int:
    """Compare distances between corners with SciPy's; return the number of pairs compared."""
    used = np.unique(grid.ends)
    sources = rng.choice(used, 10, replace=False)
    around = np.abs(grid.xy[used] - grid.xy[sources[0]]).max(axis=1) < 2 * cutoff_m
    targets = np.concatenate([used[around], rng.choice(used, 500)])
    expected = dijkstra(grid.graph, indices=sources, limit=cutoff_m)[:, targets]
    found = siting.reach(network, grid.xy[sources], grid.xy[targets], cutoff_m=cutoff_m)
    entries = found.distances.tocoo()
    got = np.full(expected.shape, np.inf)
    got[entries.row, entries.col] = entries.data
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6)
    return int(np.isfinite(expected).sum())


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--sites", type=int, default=20_000)
    parser.add_argument("--demand", type=int, default=200_000)
    parser.add_argument("--cutoff", type=float, default=1000.0, help="metres (default: 1000)")
    parser.add_argument("--spacing", type=float, default=55.0, help="metres between corners")
    parser.add_argument("--sources", type=int, default=40, help="sources given to SciPy")
    parser.add_argument("--chunk", type=int, default=1, help="SciPy sources to a call (default: 1)")
    parser.add_argument("--repeats", type=int, default=2, help="runs of ours; the best counts")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    """Build, check, time, print."""
    options = read_options()
    rng = np.random.default_rng(options.seed)
    grid = build_grid(options.nodes, options.spacing, rng)
    streets = gpd.GeoDataFrame(geometry=shapely.linestrings(grid.xy[grid.ends]), crs=CRS)
    start = time.perf_counter()
    network = siting.read_network(streets, crs=CRS)
    print(f"network   {network.n_nodes:>10,} nodes {network.n_edges:>10,} edges, "
          f"read in {time.perf_counter() - start:.1f} s")  # fmt: skip
    print(f"agree     {check(grid, network, options.cutoff, rng):>10,} pairs with SciPy to 1e-6 m")

    sites, demand = (
        grid.xy[rng.integers(0, len(grid.xy), n)] + rng.uniform(-SIDE_STEP_M, SIDE_STEP_M, (n, 2))
        for n in (options.sites, options.demand)
    )
    seconds, distances = time_siting(network, sites, demand, options.cutoff, options.repeats)
    ours = seconds / max(len(sites), 1)
    print(f"siting    {ours * 1e3:>10.3f} ms/site   {len(sites):,} sites, {len(demand):,} demand "
          f"points, {distances.nnz:,} pairs, {seconds:.1f} s, snapping included")  # fmt: skip

    sources = rng.choice(np.unique(grid.ends), options.sources, replace=False)
    theirs = time_scipy(grid, sources, options.cutoff, options.chunk) / len(sources)
    print(f"scipy     {theirs * 1e3:>10.3f} ms/source {len(sources):,} sources, limit="
          f"{options.cutoff:g}, {options.chunk} to a call, to nodes only")  # fmt: skip
    print(f"ratio     {theirs / ours:>10.1f} times faster")


if __name__ == "__main__":
    main()
