"""
Time `siting.reach` against SciPy's Dijkstra and pandana, on the same network and in the same run.

The network is a grid of streets whose corners are shifted and of whose streets some are missing.

1. Against SciPy, per source. Ours counts everything after the network is read: snapping of all
   sites and demand points, the search, and the sparse matrix of distances between points. SciPy's
   counts only the search from some of the grid's nodes to all nodes; it knows nothing of points
   beside the road. Then the search alone on one thread.
2. Against pandana (where it is installed: see the readme), preparation included: ours from the
   table of lines, pandana's from nodes and edges, then all nodes within the cutoff of each source.
3. Growth: four sizes, points and sites in proportion, time and memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

import siting
from siting.reach import search, snap

CRS = "EPSG:32650"
ORIGIN = np.array([400_000.0, 3_300_000.0])
MISSING_SHARE = 0.1
TABLE = "reach"
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


def read_streets(grid: Grid) -> gpd.GeoDataFrame:
    """Return the streets as a table of lines."""
    return gpd.GeoDataFrame(geometry=shapely.linestrings(grid.xy[grid.ends]), crs=CRS)


def draw_points(grid: Grid, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return points a little beside corners."""
    beside = rng.uniform(-SIDE_STEP_M, SIDE_STEP_M, (n, 2))
    return grid.xy[rng.integers(0, len(grid.xy), n)] + beside


def least(work: object, repeats: int) -> float:
    """Return the least seconds of some runs."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


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


def row(work: str, size: str, ours: float, **more: object) -> dict[str, object]:
    """Return a row of the table, in the form that all benchmarks share."""
    theirs = more.get("theirs")
    told = {"table": TABLE, "work": work, "size": size, "ours": ours, "peer": "", "theirs": None}
    ratio = None if theirs is None else float(theirs) / ours
    return told | {"ratio": ratio, "unit": "s", "memory_gb": None, "note": ""} | more


def against_scipy(options: argparse.Namespace) -> list[dict[str, object]]:
    """Return the rows of the large network: all on two threads, the search alone on one."""
    rng = np.random.default_rng(options.seed)
    grid = build_grid(options.nodes, options.spacing, rng)
    network = siting.read_network(read_streets(grid), crs=CRS)
    same = check(grid, network, options.cutoff, rng)
    sites, demand = (draw_points(grid, n, rng) for n in (options.sites, options.demand))
    limit = options.cutoff
    siting.reach(network, sites[:10], demand[:10], cutoff_m=limit)  # compiles
    whole = least(
        lambda: siting.reach(network, sites, demand, cutoff_m=limit, threads=2), options.repeats
    )
    here, there = (snap(network, each, max_snap_m=limit) for each in (sites, demand))
    alone = least(lambda: search(network, here, there, cutoff_m=limit, threads=1), options.repeats)
    pairs = search(network, here, there, cutoff_m=limit).nnz
    sources = rng.choice(np.unique(grid.ends), options.sources, replace=False)
    theirs = time_scipy(grid, sources, limit, options.chunk) / len(sources)
    size = f"{network.n_nodes:,} nodes, {len(sites):,} sites, {len(demand):,} points, {limit:g} m"
    note = f"{pairs:,} pairs; {same:,} compared with SciPy's to 1e-6 m; per source"
    peer = {"peer": "SciPy dijkstra(limit=)", "theirs": theirs, "note": note}
    return [
        row("snapping and search, two threads", size, whole / len(sites), **peer),
        row("search alone, one thread", size, alone / len(sites), **peer),
    ]


def against_pandana(options: argparse.Namespace) -> list[dict[str, object]]:
    """Return the row against pandana: read or build, then all nodes within the cutoff."""
    rng = np.random.default_rng(options.seed)
    grid = build_grid(options.pandana_nodes, options.spacing, rng)
    streets = read_streets(grid)
    used = np.unique(grid.ends)
    sources = rng.choice(used, options.pandana_sources, replace=False)
    small = siting.read_network(streets.iloc[:500], crs=CRS)
    siting.reach(small, grid.xy[:2], grid.xy[:2], cutoff_m=options.cutoff)  # compiles

    def ours() -> object:
        """Read the lines, snap and search."""
        network = siting.read_network(streets, crs=CRS)
        return siting.reach(network, grid.xy[sources], grid.xy[used], cutoff_m=options.cutoff)

    seconds = least(ours, options.repeats)
    work = f"preparation and {len(sources):,} sources"
    size = f"{len(used):,} nodes, {options.cutoff:g} m"
    try:
        import pandana  # noqa: PLC0415 - AGPL: installed by hand, for this comparison alone
    except ImportError:
        return [row(work, size, seconds, peer="pandana", note="pandana is not installed")]
    some = sources[: options.pandana_some]
    start = time.perf_counter()
    x, y = (pd.Series(grid.xy[:, axis]) for axis in range(2))
    a, b = (pd.Series(grid.ends[:, side]) for side in range(2))
    metres = np.linalg.norm(grid.xy[grid.ends[:, 0]] - grid.xy[grid.ends[:, 1]], axis=1)
    net = pandana.Network(x, y, a, b, pd.DataFrame({"metres": metres}))
    prepared = time.perf_counter() - start
    start = time.perf_counter()
    net.nodes_in_range(list(some), options.cutoff)
    each = (time.perf_counter() - start) / len(some)
    note = (
        f"pandana {pandana.__version__}: {prepared:.1f} s to prepare, {each * 1e3:.0f} ms a source "
        f"(nodes_in_range), timed on {len(some)} and taken times {len(sources):,}"
    )
    theirs = prepared + each * len(sources)
    return [row(work, size, seconds, peer="pandana", theirs=theirs, note=note)]


def growth(options: argparse.Namespace) -> list[dict[str, object]]:
    """Return a row for each size, each measured in a process of its own for its memory."""
    rows = []
    for part in (8, 4, 2, 1):
        sizes = {"nodes": options.nodes, "sites": options.sites, "demand": options.demand}
        words = [f"--{name}={count // part}" for name, count in sizes.items()]
        words += [f"--cutoff={options.cutoff}", f"--spacing={options.spacing}", "--only=one"]
        done = subprocess.run(  # noqa: S603 - this file
            [sys.executable, __file__, *words, f"--repeats={options.repeats}"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    return rows


def one_size(options: argparse.Namespace) -> dict[str, object]:
    """Return time and memory of one size: everything after the network is read, two threads."""
    import resource  # noqa: PLC0415 - Windows has no such module

    rng = np.random.default_rng(options.seed)
    grid = build_grid(options.nodes, options.spacing, rng)
    sites, demand = (draw_points(grid, n, rng) for n in (options.sites, options.demand))
    start = time.perf_counter()
    network = siting.read_network(read_streets(grid), crs=CRS)
    read = time.perf_counter() - start
    limit = options.cutoff
    siting.reach(network, sites[:10], demand[:10], cutoff_m=limit)
    seconds = least(
        lambda: siting.reach(network, sites, demand, cutoff_m=limit, threads=2), options.repeats
    )
    pairs = siting.reach(network, sites, demand, cutoff_m=limit).distances.nnz
    size = f"{network.n_nodes:,} nodes, {len(sites):,} sites, {len(demand):,} points"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    note = f"{pairs:,} pairs; network read in {read:.1f} s; memory of the whole process"
    more = {"table": "reach, growth", "memory_gb": memory, "note": note}
    return row("snapping and search, two threads", size, seconds, **more)


def as_table(rows: list[dict[str, object]]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| work | size | ours | peer | theirs | ratio | memory | note |", "|---" * 8 + "|"]
    for each in rows:
        theirs = "" if each["theirs"] is None else f"{each['theirs']:.4g} s"
        ratio = "" if each["ratio"] is None else f"{each['ratio']:.0f}"
        memory = "" if each["memory_gb"] is None else f"{each['memory_gb']:.2f} GB"
        cells = (each["work"], each["size"], f"{each['ours']:.4g} s", each["peer"], theirs, ratio,
                 memory, each["note"])  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--sites", type=int, default=20_000)
    parser.add_argument("--demand", type=int, default=200_000)
    parser.add_argument("--cutoff", type=float, default=1000.0, help="metres (default: 1000)")
    parser.add_argument("--spacing", type=float, default=55.0, help="metres between corners")
    parser.add_argument("--sources", type=int, default=100, help="sources given to SciPy")
    parser.add_argument("--chunk", type=int, default=1, help="SciPy sources to a call (default: 1)")
    parser.add_argument("--pandana-nodes", type=int, default=90_000)
    parser.add_argument("--pandana-sources", type=int, default=2_000)
    parser.add_argument("--pandana-some", type=int, default=20, help="sources that it is timed on")
    parser.add_argument("--repeats", type=int, default=3, help="runs of ours; the best counts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("scipy", "pandana", "growth", "one"))
    parser.add_argument("--json", type=Path, help="append the rows to this file, one a line")
    return parser.parse_args()


def main() -> None:
    """Measure what was asked for, print the table."""
    options = read_options()
    if options.only == "one":
        print(json.dumps(one_size(options)))
        return
    parts = {"scipy": against_scipy, "pandana": against_pandana, "growth": growth}
    asked = [options.only] if options.only else list(parts)
    rows = [each for name in asked for each in parts[name](options)]
    print(as_table(rows))
    if options.json:
        with options.json.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in rows)


if __name__ == "__main__":
    main()
