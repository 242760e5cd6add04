"""Walking distances: leg to the nearest point on the nearest road, way along the roads, leg."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from geopandas import GeoDataFrame, GeoSeries
from scipy.sparse import csr_matrix

from siting import kernels, reach_kernels
from siting.errors import CrsError, InputError
from siting.pairs import gather, in_threads, refuse_too_many

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.network import Network

__all__ = [
    "DISTANCE_TOLERANCE_M",
    "Reach",
    "Snap",
    "nearest",
    "reach",
    "search",
    "snap",
    "straight_reach",
]

DISTANCE_TOLERANCE_M = 1e-6
CELLS_PER_TILE = 16
MOST_BUCKETS = 2**16

Points: TypeAlias = GeoDataFrame | GeoSeries | np.ndarray


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
    _refuse_no_length(cutoff_m)
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
    _refuse_no_length(cutoff_m)
    refuse_too_many(sites=len(sites.edge), demand=len(demand.edge))
    limit = cutoff_m + DISTANCE_TOLERANCE_M
    width, n_buckets = _buckets(network, limit)
    starts, *points = _by_node(demand, network)
    roads = (starts, network.neighbours.view(np.uint32), network.arc_length_m)
    edges = (network.edge_nodes, network.edge_length_m)

    def space() -> tuple[Any, ...]:
        """Return what one search after the other may write on."""
        nodes = network.n_nodes
        empty = np.full(n_buckets + 1, -1, np.int32)
        return np.full(nodes, np.inf), np.empty(nodes + 1, np.uint32), empty

    def work(order: NDArray[np.int64], mine: tuple[Any, ...]) -> Any:
        """Search from some of the sites."""
        snapped = (sites.edge, sites.offset_m, sites.leg_m)
        return reach_kernels.along_roads(  # type: ignore[call-arg]
            order, *snapped, limit, *roads, *edges, *points, width, *mine
        )

    return gather(work, sites.edge, len(demand.edge), threads=threads, space=space)


def _buckets(network: Network, limit: float) -> tuple[float, int]:
    """Return width and number (a power of two) of the buckets that distances are queued in."""
    longest = min(float(network.edge_length_m.max()), limit)
    width = max(float(network.edge_length_m.mean()) / 2, longest / MOST_BUCKETS, 1e-3)
    return width, 2 ** int(np.ceil(np.log2(longest / width + 4)))


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
    n = len(xy)
    refuse_too_many(points=n)
    limit = np.inf if max_snap_m is None else max_snap_m + DISTANCE_TOLERANCE_M
    grid = (*network.grid_origin, network.grid_cell_m, *network.grid_shape)
    order = np.argsort(_tiles(xy, network), kind="stable")
    found = Snap(np.full(n, -1, np.int32), np.zeros(n), np.full(n, np.inf))

    def part(first: int, last: int) -> tuple[()]:
        """Snap some of the points."""
        kernels.snap(
            order[first:last], xy, network.node_xy, network.edge_nodes, *grid,
            network.grid_indptr, network.grid_edges, limit,
            found.edge, found.offset_m, found.leg_m,
        )  # fmt: skip
        return ()

    in_threads(part, n, threads)
    return found


def _tiles(xy: NDArray[np.float64], network: Network) -> NDArray[np.int64]:
    """Return a key that keeps points of one square of some cells together."""
    side = network.grid_cell_m * CELLS_PER_TILE
    top = np.array(network.grid_shape) // CELLS_PER_TILE
    tile = np.clip((xy - np.array(network.grid_origin)) // side, 0, top).astype(np.int64)
    return np.asarray(tile[:, 1] * (top[0] + 1) + tile[:, 0])


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
    who, metres = kernels.nearest(
        start.edge, start.offset_m, start.leg_m,
        network.indptr, network.neighbours, network.edge_of, network.edge_length_m,
        network.edge_nodes, *_by_edge(start, network.n_edges),
        goal.edge, goal.offset_m, goal.leg_m,
    )  # fmt: skip
    return who, np.where(who < 0, np.nan, metres)


def straight_reach(
    sites: NDArray[np.float64],
    demand: NDArray[np.float64],
    *,
    cutoff_m: float,
    threads: int | None = None,
) -> Reach:
    """Return straight-line distances within a cutoff, inclusive, for (n, 2) coordinates."""
    _refuse_no_length(cutoff_m)
    refuse_too_many(sites=len(sites), demand=len(demand))
    if not (len(sites) and len(demand)):
        return Reach(csr_matrix((len(sites), len(demand)), dtype=np.float64), cutoff_m)
    limit = cutoff_m + DISTANCE_TOLERANCE_M
    low, span = demand.min(axis=0), np.ptp(demand, axis=0)
    cell = max(limit / 4, float(np.sqrt(span.prod() / len(demand))), float(span.max()) / 30_000)
    shape = (span // cell).astype(np.int64) + 1
    column, row = ((demand - low) // cell).astype(np.int64).T
    order = np.argsort(row * shape[0] + column, kind="stable")
    starts = np.zeros(shape.prod() + 1, dtype=np.int64)
    np.cumsum(np.bincount(row * shape[0] + column, minlength=shape.prod()), out=starts[1:])
    grid = (*low.tolist(), cell, *shape.tolist(), starts, order.astype(np.int32))
    here, there = np.ascontiguousarray(sites), np.ascontiguousarray(demand[order])

    def work(rows: NDArray[np.int64], _: None) -> Any:
        """Search from some of the sites."""
        return reach_kernels.straight(rows, here, limit, *grid, there)  # type: ignore[call-arg]

    places = (here[:, 1] - low[1]) // cell * shape[0] + (here[:, 0] - low[0]) // cell
    return Reach(gather(work, places, len(demand), threads=threads), cutoff_m)


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


def _refuse_no_length(cutoff_m: float) -> None:
    """Refuse a cutoff that is no finite length."""
    if not (np.isfinite(cutoff_m) and cutoff_m >= 0):
        raise InputError.of("cutoff", "reach", found=cutoff_m)


def _by_edge(points: Snap, n_edges: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the points on the network in CSR form by edge: starts and positions."""
    on = np.flatnonzero(points.edge >= 0)
    order = on[np.argsort(points.edge[on], kind="stable")]
    starts = np.zeros(n_edges + 1, dtype=np.int64)
    np.cumsum(np.bincount(points.edge[on], minlength=n_edges), out=starts[1:])
    return starts, order.astype(np.int32)


def _by_node(points: Snap, network: Network) -> tuple[Any, ...]:
    """
    Return the points in CSR form by the smaller node of their edge.

    Where roads and points of each node start; and of each point its position, the other node, the
    ways from both nodes and the leg.
    """
    on = np.flatnonzero(points.edge >= 0)
    order = on[np.argsort(points.edge[on], kind="stable")]  # edges are sorted by smaller node
    edge, offset = points.edge[order], points.offset_m[order]
    small, large = network.edge_nodes[edge].T
    starts = np.zeros((network.n_nodes + 1, 2), dtype=np.uint32)
    starts[:, 0] = network.indptr
    np.cumsum(np.bincount(small, minlength=network.n_nodes), out=starts[1:, 1])
    rest = network.edge_length_m[edge] - offset
    return (
        starts, order.astype(np.int32), np.ascontiguousarray(large), offset, rest,
        points.leg_m[order],
    )  # fmt: skip
