"""
Walking distances the slow and obvious way, to judge `siting.reach` by.

Every vertex is a node, every straight piece of a road an edge. Every point is put into the graph
as a node of its own, where shapely says that the nearest piece is nearest; SciPy does the rest.
A point with several nearest pieces is put on each of them, so that a pair has a least and a
greatest distance; where these differ, the contract leaves the answer open.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

CRS = "EPSG:3826"
ORIGIN = np.array([300_000.0, 2_770_000.0])  # inside the area of use of the CRS


@dataclass(frozen=True)
class Bounds:
    """Least and greatest distance of every pair in metres, infinite where there is no way."""

    low: np.ndarray
    high: np.ndarray

    @property
    def sure(self) -> np.ndarray:
        """Pairs with one answer."""
        both_absent = np.isinf(self.low) & np.isinf(self.high)
        with np.errstate(invalid="ignore"):
            return both_absent | (self.high - self.low <= 1e-7)

    @property
    def only(self) -> np.ndarray:
        """The one distance of every pair, where all pairs have one."""
        assert self.sure.all()
        return self.low


def roads(*lines: object, crs: str = CRS, **columns: list[object]) -> gpd.GeoDataFrame:
    """Roads from lists of (x, y) or geometries, relative to `ORIGIN`."""
    shapes = [x if isinstance(x, shapely.Geometry) else shapely.LineString(x) for x in lines]
    moved = [shapely.transform(x, _move_to_origin, include_z=x.has_z) for x in shapes]
    return gpd.GeoDataFrame(columns, geometry=moved, crs=crs)


def _move_to_origin(xy: np.ndarray) -> np.ndarray:
    shift = np.zeros(xy.shape[1])
    shift[:2] = ORIGIN
    return xy + shift


def places(*xy: tuple[float, float]) -> np.ndarray:
    """Points relative to `ORIGIN`, as an (n, 2) array."""
    return np.array(xy, dtype=float).reshape(-1, 2) + ORIGIN


def as_points(xy: np.ndarray, crs: str = CRS) -> gpd.GeoDataFrame:
    """Return the (n, 2) array as points of a GeoDataFrame."""
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(xy[:, 0], xy[:, 1]), crs=crs)


def walking_distances(
    lines: gpd.GeoDataFrame,
    sites: np.ndarray,
    demand: np.ndarray,
    *,
    tolerance_m: float = 0.05,
    tie_m: float = 1e-7,
    max_snap_m: float = np.inf,
) -> Bounds:
    """Return all walking distances from sites to demand points, in metres, with no cutoff."""
    ends, pieces = _pieces(lines, tolerance_m)
    tree = shapely.STRtree(pieces)
    points = shapely.points(np.vstack([sites, demand]))
    legs = np.array([tree.query_nearest(p, return_distance=True)[1][0] for p in points])
    n_nodes = int(ends.max()) + 1
    stops: dict[int, list[tuple[float, int]]] = {}
    owners: list[int] = []
    nodes: list[int] = []
    for owner, (point, leg) in enumerate(zip(points, legs, strict=True)):
        if leg > max_snap_m:
            continue
        found = set()
        for piece in tree.query(point, predicate="dwithin", distance=leg + tie_m):
            along = shapely.line_locate_point(pieces[piece], point)
            length = shapely.length(pieces[piece])
            if along < 1e-9 or length - along < 1e-9:
                found.add(int(ends[piece, 0 if along < 1e-9 else 1]))
            else:
                stops.setdefault(int(piece), []).append((along, n_nodes))
                found.add(n_nodes)
                n_nodes += 1
        owners += [owner] * len(found)
        nodes += sorted(found)
    graph = _graph(ends, pieces, stops, n_nodes)
    return _bounds(graph, np.array(owners), np.array(nodes), legs, len(sites))


def _pieces(lines: gpd.GeoDataFrame, tolerance_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the two nodes and the geometry of every straight piece, each piece once."""
    singles = shapely.get_parts(shapely.force_2d(lines.geometry.to_numpy()))
    starts, stops = [], []
    for single in singles:
        for a, b in pairwise(shapely.get_coordinates(single)):
            starts.append(a)
            stops.append(b)
    xy = np.vstack([starts, stops])
    near = cKDTree(xy).query_pairs(tolerance_m, output_type="ndarray")
    ones = np.ones(len(near))
    links = coo_array((ones, (near[:, 0], near[:, 1])), shape=(len(xy), len(xy)))
    node = connected_components(links, directed=False)[1]
    ends = np.column_stack([node[: len(starts)], node[len(starts) :]])
    geometry = shapely.linestrings(np.stack([starts, stops], axis=1))
    kept = {}
    for i, (a, b) in enumerate(ends):
        if a != b:
            kept.setdefault((min(a, b), max(a, b)), i)
    rows = list(kept.values())
    return ends[rows], geometry[rows]


def _graph(
    ends: np.ndarray,
    pieces: np.ndarray,
    stops: dict[int, list[tuple[float, int]]],
    n_nodes: int,
) -> coo_array:
    edges: dict[tuple[int, int], float] = {}
    for i, (a, b) in enumerate(ends):
        inner = sorted(stops.get(i, []))
        chain = [(0.0, int(a)), *inner, (float(shapely.length(pieces[i])), int(b))]
        for (from_m, u), (to_m, v) in pairwise(chain):
            key = (min(u, v), max(u, v))
            edges[key] = min(edges.get(key, np.inf), to_m - from_m)
    index = np.array(list(edges), dtype=np.int64).reshape(-1, 2)
    return coo_array((list(edges.values()), (index[:, 0], index[:, 1])), shape=(n_nodes, n_nodes))


def _bounds(
    graph: coo_array, owners: np.ndarray, nodes: np.ndarray, legs: np.ndarray, n_sites: int
) -> Bounds:
    shape = (n_sites, len(legs) - n_sites)
    low, high = np.full(shape, np.inf), np.full(shape, np.inf)
    from_sites = owners < n_sites
    if from_sites.any() and not from_sites.all():
        ways = dijkstra(graph.tocsr(), directed=False, indices=nodes[from_sites])
        ways = ways[:, nodes[~from_sites]]
        site, first = np.unique(owners[from_sites], return_index=True)
        point, first_point = np.unique(owners[~from_sites], return_index=True)
        pairs = np.ix_(site, point - n_sites)
        both_legs = legs[site][:, None] + legs[point][None, :]
        for out, reduce in ((low, np.minimum.reduceat), (high, np.maximum.reduceat)):
            out[pairs] = reduce(reduce(ways, first, axis=0), first_point, axis=1) + both_legs
    return Bounds(low, high)


def dense(distances: object) -> np.ndarray:
    """Return a sparse matrix of metres as an array, infinite where no entry is stored."""
    entries = distances.tocoo()
    out = np.full(distances.shape, np.inf)
    out[entries.row, entries.col] = entries.data
    return out


def assert_within(got: np.ndarray, expected: Bounds, atol: float = 1e-6) -> None:
    """Fail unless sure pairs agree and the others lie between their bounds."""
    sure = expected.sure
    np.testing.assert_allclose(got[sure], expected.low[sure], rtol=0, atol=atol)
    assert (got >= expected.low - atol).all()
    assert (got <= expected.high + atol).all()
