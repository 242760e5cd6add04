"""Walking distances: leg to the nearest point on the nearest road, way along the roads, leg."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame, GeoSeries
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from siting import kernels
from siting.errors import CrsError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from siting.network import Network

__all__ = [
    "DISTANCE_TOLERANCE_M",
    "Reach",
    "Snap",
    "nearest",
    "reach",
    "search",
    "service_area",
    "snap",
    "straight_reach",
]

DISTANCE_TOLERANCE_M = 1e-6
CHUNKS_PER_THREAD = 4

Points: TypeAlias = GeoDataFrame | GeoSeries | np.ndarray
WORTH_THREADS = 64


@dataclass(frozen=True)
class Snap:
    """
    Where points meet the network.

    Attributes
    ----------
    edge
        (n,) edge of the nearest road, -1 where the point is off the network.
    offset_m
        (n,) way along that edge from its first node to the nearest point on it, metres.
    leg_m
        (n,) straight leg from the point to the road, metres; infinite where off the network.
    """

    edge: NDArray[np.int32]
    offset_m: NDArray[np.float64]
    leg_m: NDArray[np.float64]


@dataclass(frozen=True)
class Reach:
    """
    Distances from every site to every demand point within a cutoff.

    Attributes
    ----------
    distances
        (n_sites, n_demand) SciPy CSR matrix of metres with sorted indices; a missing entry means
        farther than the cutoff, a distance of 0 is a stored entry.
    cutoff_m
        Longest distance kept, inclusive.
    """

    distances: csr_matrix
    cutoff_m: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row per pair: ``site``, ``demand`` (row positions) and ``distance_m``."""
        pairs = self.distances.tocoo()
        return pd.DataFrame({"site": pairs.row, "demand": pairs.col, "distance_m": pairs.data})


def reach(
    network: Network,
    sites: Points,
    demand: Points,
    *,
    cutoff_m: float,
    max_snap_m: float | None = None,
    threads: int | None = None,
) -> Reach:
    """
    Return walking distances from every site to every demand point within a cutoff.

    A distance is the straight leg from the site to the nearest point on the nearest road, the
    shortest way along the roads, and the straight leg to the demand point. Two points on one
    straight edge go directly along it. A pair farther than the cutoff, or on another component
    of the network, is absent: there is no fall-back to the straight line. Nothing is dropped: a
    point that no site reaches has an empty column.

    Parameters
    ----------
    network
        Walking network in a projected CRS.
    sites, demand
        Points in the network's CRS: GeoDataFrame, or (n, 2) array of coordinates.
    cutoff_m
        Longest distance to keep, metres, inclusive (within 1e-6 m).
    max_snap_m
        A point farther than this from every road has no distances; None: no limit of its own.
    threads
        Threads to search with; None: one per processor. The result does not depend on it.

    Returns
    -------
    reach
        Sparse (n_sites, n_demand) metres.

    Raises
    ------
    CrsError
        If the points are not in the network's CRS.
    InputError
        If a coordinate is not finite, or the cutoff is not a number of at least 0.

    References
    ----------
    Church & Murray (2018), ch. 2: d_ij.
    """
    if max_snap_m is not None and not max_snap_m >= 0:
        raise InputError.of("cutoff", "reach max_snap_m", found=max_snap_m)
    if not (np.isfinite(cutoff_m) and cutoff_m >= 0):
        raise InputError.of("cutoff", "reach", found=cutoff_m)
    limit = cutoff_m if max_snap_m is None else min(cutoff_m, max_snap_m)
    from_sites = snap(network, sites, max_snap_m=limit, threads=threads)
    to_demand = snap(network, demand, max_snap_m=limit, threads=threads)
    distances = search(network, from_sites, to_demand, cutoff_m=cutoff_m, threads=threads)
    return Reach(distances, cutoff_m)


def search(
    network: Network,
    sites: Snap,
    demand: Snap,
    *,
    cutoff_m: float,
    threads: int | None = None,
) -> csr_matrix:
    """Return the CSR matrix of walking distances between snapped points, as ``reach`` does."""
    by_edge = _by_edge(demand, network.n_edges)
    roads = (network.indptr, network.neighbours, network.edge_of, network.edge_length_m)
    ends = network.edge_nodes

    def part(first: int, last: int) -> Any:
        """Search from some of the sites."""
        here = slice(first, last)
        return kernels.search(
            sites.edge[here], sites.offset_m[here], sites.leg_m[here],
            cutoff_m + DISTANCE_TOLERANCE_M, *roads, ends, *by_edge,
        )  # fmt: skip

    parts = _in_threads(part, len(sites.edge), threads)
    counts = np.concatenate([np.zeros(1, dtype=np.int64), *(each[0] for each in parts)])
    columns = np.concatenate([np.empty(0, np.int32), *(each[1] for each in parts)])
    metres = np.concatenate([np.empty(0, np.float64), *(each[2] for each in parts)])
    shape = (len(sites.edge), len(demand.edge))
    matrix = csr_matrix((metres, columns, np.cumsum(counts)), shape=shape)
    matrix.sort_indices()
    return matrix


def snap(
    network: Network,
    points: Points,
    *,
    max_snap_m: float | None = None,
    threads: int | None = None,
) -> Snap:
    """
    Return the nearest point on the nearest road for each point.

    Parameters
    ----------
    network
        Walking network.
    points
        Points in the network's CRS.
    max_snap_m
        A point farther than this from every road is off the network (inclusive, within 1e-6 m);
        None: no limit.
    threads
        Threads to search with; None: one per processor.

    Raises
    ------
    CrsError
        If the points are not in the network's CRS.
    """
    xy = coordinates(points, network)
    limit = np.inf if max_snap_m is None else max_snap_m + DISTANCE_TOLERANCE_M
    grid = (*network.grid_origin, network.grid_cell_m, *network.grid_shape)

    def part(first: int, last: int) -> tuple[Any, ...]:
        """Snap some of the points."""
        return kernels.snap(
            xy[first:last], network.node_xy, network.edge_nodes, *grid,
            network.grid_indptr, network.grid_edges, limit,
        )  # fmt: skip

    parts = _in_threads(part, len(xy), threads)
    if not parts:
        return Snap(np.empty(0, np.int32), np.empty(0), np.empty(0))
    edge, offset, leg = (np.concatenate([each[k] for each in parts]) for k in range(3))
    return Snap(edge, offset, leg)


def nearest(
    network: Network,
    sites: Points | Snap,
    demand: Points | Snap,
    *,
    max_snap_m: float | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """
    Return each demand point's nearest site on foot, however far.

    Returns
    -------
    site, distance_m
        (n_demand,) row of the nearest site, -1 where there is none; its distance in metres, NaN
        where there is none. Between equals the first site counts.
    """
    start = sites if isinstance(sites, Snap) else snap(network, sites, max_snap_m=max_snap_m)
    goal = demand if isinstance(demand, Snap) else snap(network, demand, max_snap_m=max_snap_m)
    who, metres = kernels.nearest(  # type: ignore[call-arg]
        start.edge, start.offset_m, start.leg_m,
        network.indptr, network.neighbours, network.edge_of, network.edge_length_m,
        network.edge_nodes, *_by_edge(start, network.n_edges)[:2],
        goal.edge, goal.offset_m, goal.leg_m,
    )  # fmt: skip
    return who, np.where(who < 0, np.nan, metres)


def straight_reach(
    sites: NDArray[np.float64], demand: NDArray[np.float64], *, cutoff_m: float
) -> Reach:
    """Return straight-line distances within a cutoff, inclusive, for (n, 2) coordinates."""
    shape = (len(sites), len(demand))
    if not (len(sites) and len(demand)):
        return Reach(csr_matrix(shape, dtype=np.float64), cutoff_m)
    found = cKDTree(sites).query_ball_tree(cKDTree(demand), cutoff_m + DISTANCE_TOLERANCE_M)
    counts = [len(each) for each in found]
    row = np.repeat(np.arange(len(sites)), counts)
    column = np.concatenate([np.sort(np.asarray(each, dtype=np.int64)) for each in found])
    metres = np.hypot(*(sites[row] - demand[column]).T)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return Reach(csr_matrix((metres, column, indptr), shape=shape), cutoff_m)


def coordinates(points: Points, network: Network) -> NDArray[np.float64]:
    """Return (n, 2) coordinates of points, checked to be finite and in the network's CRS."""
    if isinstance(points, GeoDataFrame | GeoSeries):
        if points.crs != network.crs:
            raise CrsError.of(
                "crs_differs", "reach", expected=str(network.crs), found=str(points.crs)
            )
        if not (points.geom_type == "Point").all():
            raise InputError.of("not_points", "reach", points.index[points.geom_type != "Point"])
        xy = np.column_stack([points.geometry.x, points.geometry.y])
    else:
        xy = np.asarray(points, dtype=np.float64)
        if xy.ndim != 2 or xy.shape[1] != 2:  # noqa: PLR2004
            raise InputError.of("not_xy", "reach", found=str(xy.shape))
    wrong = np.flatnonzero(~np.isfinite(xy).all(axis=1))
    if len(wrong):
        raise InputError.of("coordinates_not_finite", "reach", wrong)
    return np.ascontiguousarray(xy)


def _by_edge(points: Snap, n_edges: int) -> tuple[Any, ...]:
    """Return the points in CSR form by edge: starts, positions, offsets and legs."""
    on = np.flatnonzero(points.edge >= 0)
    order = on[np.argsort(points.edge[on], kind="stable")]
    starts = np.zeros(n_edges + 1, dtype=np.int64)
    np.cumsum(np.bincount(points.edge[on], minlength=n_edges), out=starts[1:])
    return (
        starts,
        order.astype(np.int32),
        points.offset_m[order],
        points.leg_m[order],
        len(points.edge),
    )


def _in_threads(
    work: Callable[[int, int], tuple[Any, ...]], n: int, threads: int | None
) -> list[tuple[Any, ...]]:
    """Return the work done on consecutive parts of ``range(n)``, in order."""
    workers = threads or os.cpu_count() or 1
    bounds = np.unique(np.linspace(0, n, workers * CHUNKS_PER_THREAD + 1).astype(int))
    if n == 0:
        return []
    pieces = list(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))
    if workers == 1 or n < WORTH_THREADS:
        return [work(0, n)]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda piece: work(*piece), pieces))


def service_area(
    network: Network | None,
    sites: NDArray[np.float64],
    *,
    distance_m: float,
    most_pieces: int = 20000,
) -> BaseGeometry:
    """
    Return the area within a distance of the nearest of some sites: for drawing, not for judging.

    Places along the roads that are near enough, each widened by what is left of the distance, at
    most 60 m; without a network, circles.
    """
    if not len(sites):
        return shapely.MultiPolygon()
    if network is None:
        return shapely.union_all(shapely.buffer(shapely.points(sites), distance_m))
    step = max(50.0, float(network.edge_length_m.sum()) / most_pieces)
    pieces = np.maximum(np.ceil(network.edge_length_m / step), 1).astype(np.int64)
    edge = np.repeat(np.arange(network.n_edges), pieces)
    nth = np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = ((nth + 0.5) / pieces[edge])[:, None]
    ends = network.node_xy[network.edge_nodes[edge]]
    places = ends[:, 0] * (1 - share) + ends[:, 1] * share
    _, metres = nearest(network, sites, np.ascontiguousarray(places))
    with np.errstate(invalid="ignore"):
        near = metres <= distance_m
    width = np.minimum(distance_m - metres[near], max(60.0, step))
    grown = shapely.buffer(shapely.points(places[near]), np.maximum(width, 1.0), quad_segs=3)
    return shapely.simplify(shapely.union_all(grown), 8.0)
