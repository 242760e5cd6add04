"""The walking network: nodes where roads meet, straight edges, and a grid to find the nearest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from siting.errors import CrsError, EmptyInputError, InputError
from siting.pairs import refuse_too_many

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray
    from pyproj import CRS

__all__ = ["CROSSING_TAGS", "Network", "build_network"]

CROSSING_TAGS = ("bridge", "tunnel", "layer")
"""Plain crossings meet only where these are the same."""

NODING_GRID_M = 1e-3
"""Coordinates are rounded to this when crossings are looked for, metres."""


@dataclass(frozen=True)
class Network:
    """
    A walking network in a projected CRS; every edge is one straight piece of road.

    Nodes are in a canonical order that depends on coordinates alone, so the order of the rows of
    the road file changes nothing.

    Attributes
    ----------
    crs
        Projected coordinate system, metres.
    node_xy
        (n_nodes, 2) coordinates.
    edge_nodes
        (n_edges, 2) node positions, the smaller first.
    edge_length_m
        (n_edges,) lengths, finite and above 0.
    indptr, neighbours, edge_of
        Adjacency in CSR form: the neighbours of node ``v`` are
        ``neighbours[indptr[v]:indptr[v + 1]]``, reached over ``edge_of[...]``.
    component_of_node
        (n_nodes,) number of the connected piece, 0 for the longest.
    component_length_m
        (n_components,) road length of each piece, longest first.
    grid_origin, grid_cell_m, grid_shape, grid_indptr, grid_edges
        Square cells and the edges that touch each, for the search of the nearest road.
    rows, dropped_pieces
        Road lines read; straight pieces left out because they had no length.
    """

    crs: CRS
    node_xy: NDArray[np.float64]
    edge_nodes: NDArray[np.int32]
    edge_length_m: NDArray[np.float64]
    indptr: NDArray[np.int64]
    neighbours: NDArray[np.int32]
    edge_of: NDArray[np.int32]
    component_of_node: NDArray[np.int32]
    component_length_m: NDArray[np.float64]
    grid_origin: tuple[float, float]
    grid_cell_m: float
    grid_shape: tuple[int, int]
    grid_indptr: NDArray[np.int64]
    grid_edges: NDArray[np.int32]
    rows: int = 0
    dropped_pieces: int = 0

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.node_xy)

    @property
    def n_edges(self) -> int:
        """Number of straight edges."""
        return len(self.edge_length_m)

    @cached_property
    def arc_length_m(self) -> NDArray[np.float64]:
        """Length of the edge behind each entry of ``neighbours``, metres."""
        return np.asarray(self.edge_length_m[self.edge_of])

    @property
    def n_components(self) -> int:
        """Number of connected pieces."""
        return len(self.component_length_m)


def build_network(
    lines: GeoDataFrame, *, tolerance_m: float = 0.05, node_crossings: bool = False
) -> Network:
    """
    Return the network of a table of road lines.

    Lines meet where they share a vertex or an end. Two places closer than the tolerance are one
    (single linkage); the place with the smallest (x, y) stands for all. Plain crossings do not
    meet unless asked for.

    Parameters
    ----------
    lines
        LineStrings or MultiLineStrings in a projected CRS; columns ``bridge``, ``tunnel`` and
        ``layer`` are used, where present, by ``node_crossings``.
    tolerance_m
        Ends and vertices at most this far apart are one place, metres.
    node_crossings
        True: lines that cross also meet there, except where bridge, tunnel or layer differ.

    Raises
    ------
    CrsError
        If the lines have no projected CRS.
    EmptyInputError
        If no piece of road with a length above 0 is left.
    InputError
        If the tolerance is no number of at least 0, or there are 2^31 nodes or directed edges.
    """
    if not (np.isfinite(tolerance_m) and tolerance_m >= 0):
        raise InputError.of("tolerance", "network.tolerance_m", found=tolerance_m)
    if lines.crs is None or not lines.crs.is_projected:
        raise CrsError.of("crs_not_projected", "network", found=str(lines.crs))
    geometry = np.asarray(lines.geometry.array)
    if node_crossings:
        geometry = _node_crossings(lines, geometry)
    starts, ends = _pieces(geometry)
    place, xy = _places(np.vstack([starts, ends]), tolerance_m)
    pairs = np.sort(place.reshape(2, -1).T, axis=1)
    kept = pairs[pairs[:, 0] != pairs[:, 1]]
    if not len(kept):
        raise EmptyInputError.of("no_roads", "network")
    refuse_too_many(nodes=len(xy), edges=2 * len(kept))
    return _assemble(
        lines.crs, xy, _distinct(kept, len(xy)), rows=len(lines), dropped=len(pairs) - len(kept)
    )


def _distinct(pairs: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return each pair of numbers below n once, in order."""
    key = np.unique(pairs[:, 0] * n + pairs[:, 1])
    return np.column_stack(np.divmod(key, n))


def _pieces(geometry: NDArray[np.object_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the two ends of every straight piece."""
    is_one = shapely.get_num_geometries(geometry) <= 1
    parts = geometry if is_one.all() else shapely.get_parts(geometry)
    xy, line = shapely.get_coordinates(parts, return_index=True)
    same = line[1:] == line[:-1]
    return xy[:-1][same], xy[1:][same]


def _node_crossings(lines: GeoDataFrame, geometry: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the lines split where those of equal bridge, tunnel and layer cross."""
    key = np.zeros(len(lines), dtype=np.int64)
    for tag in CROSSING_TAGS:
        if tag in lines.columns:
            values = lines[tag].fillna("").astype(str).str.strip().str.lower()
            values = values.replace({"no": "", "0": "", "f": "", "false": "", "0.0": ""})
            key = key * (values.nunique() + 1) + values.factorize(sort=True)[0]
    groups = [
        shapely.union_all(geometry[key == each], grid_size=NODING_GRID_M) for each in np.unique(key)
    ]
    return np.asarray(groups, dtype=object)


def _places(
    xy: NDArray[np.float64], tolerance_m: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return for each vertex the position of its place, and the places in canonical order."""
    order = np.lexsort((xy[:, 1], xy[:, 0]))
    ordered = xy[order]
    new = np.empty(len(xy), dtype=bool)
    new[:1] = True
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    distinct = ordered[new]
    of_vertex = np.empty(len(xy), dtype=np.int64)
    of_vertex[order] = np.cumsum(new) - 1
    if tolerance_m > 0:
        near = cKDTree(distinct).query_pairs(tolerance_m, output_type="ndarray")
        if len(near):
            n = len(distinct)
            graph = coo_array((np.ones(len(near), dtype=np.int8), (near[:, 0], near[:, 1])), (n, n))
            label = connected_components(graph, directed=False)[1]
            first = np.full(label.max() + 1, n, dtype=np.int64)
            np.minimum.at(first, label, np.arange(n))
            kept, merged = np.unique(first[label], return_inverse=True)
            distinct, of_vertex = distinct[kept], merged[of_vertex]
    curve = np.argsort(_z_order(distinct), kind="stable")
    position = np.empty(len(distinct), dtype=np.int64)
    position[curve] = np.arange(len(distinct))
    return position[of_vertex], distinct[curve]


def _z_order(xy: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return a key that keeps neighbours together in memory: the bits of x and y interleaved."""
    low = xy.min(axis=0)
    span = max(float((xy.max(axis=0) - low).max()), 1.0)
    cell = ((xy - low) / span * 65535).astype(np.uint64)
    key = np.zeros(len(xy), dtype=np.uint64)
    for bit in range(16):
        for axis in (0, 1):
            taken = (cell[:, axis] >> np.uint64(bit)) & np.uint64(1)
            key |= taken << np.uint64(2 * bit + axis)
    return key


def _assemble(
    crs: CRS, xy: NDArray[np.float64], found: NDArray[np.int64], *, rows: int, dropped: int
) -> Network:
    """Return the frozen network of distinct undirected edges between places."""
    used = np.bincount(found.ravel(), minlength=len(xy)) > 0
    xy = xy[used]
    pairs: NDArray[np.int32] = (np.cumsum(used) - 1)[found].astype(np.int32)
    n, m = len(xy), len(pairs)
    length = np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T)
    tail = np.concatenate([pairs[:, 0], pairs[:, 1]])
    head = np.concatenate([pairs[:, 1], pairs[:, 0]])
    order = np.lexsort((head, tail))
    indptr = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(tail, minlength=n), out=indptr[1:])
    label, total = _components(pairs, length, n)
    origin, cell, shape, grid_indptr, grid_edges = _edge_grid(xy, pairs, length)
    network = Network(
        crs=crs,
        node_xy=np.ascontiguousarray(xy),
        edge_nodes=pairs,
        edge_length_m=length,
        indptr=indptr,
        neighbours=head[order].astype(np.int32),
        edge_of=(order % m).astype(np.int32),
        component_of_node=label,
        component_length_m=total,
        grid_origin=origin,
        grid_cell_m=cell,
        grid_shape=shape,
        grid_indptr=grid_indptr,
        grid_edges=grid_edges,
        rows=rows,
        dropped_pieces=dropped,
    )
    for array in vars(network).values():
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return network


def _components(
    pairs: NDArray[np.int32], length: NDArray[np.float64], n: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the piece of each node and the length of each piece, longest first."""
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), (n, n))
    count, label = connected_components(graph, directed=False)
    total = np.asarray(
        np.bincount(label[pairs[:, 0]], weights=length, minlength=count), dtype=np.float64
    )
    order = np.argsort(-total, kind="stable")
    rank = np.empty(count, dtype=np.int32)
    rank[order] = np.arange(count, dtype=np.int32)
    return np.asarray(rank[label]), total[order]


def _edge_grid(
    xy: NDArray[np.float64], pairs: NDArray[np.int32], length: NDArray[np.float64]
) -> tuple[tuple[float, float], float, tuple[int, int], NDArray[np.int64], NDArray[np.int32]]:
    """Return square cells over the network and, in CSR form, the edges whose box touches each."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    span = np.maximum(high - low, 1.0)
    cell = max(float(np.median(length)), float(np.sqrt(span.prod() / max(len(pairs), 1))), 1.0)
    shape = (int(span[0] // cell) + 1, int(span[1] // cell) + 1)
    ends = xy[pairs]
    first = ((ends.min(axis=1) - low) // cell).astype(np.int64)
    last = ((ends.max(axis=1) - low) // cell).astype(np.int64)
    wide = last - first + 1
    count = wide.prod(axis=1)
    edge = np.repeat(np.arange(len(pairs)), count)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    across = wide[edge, 0]
    column = first[edge, 0] + step % across
    row = first[edge, 1] + step // across
    inside = _touches(ends[edge], low, cell, column, row)
    place = (row * shape[0] + column)[inside]
    edge = edge[inside]
    order = np.argsort(place, kind="stable")
    indptr = np.zeros(shape[0] * shape[1] + 1, dtype=np.int64)
    np.cumsum(np.bincount(place, minlength=shape[0] * shape[1]), out=indptr[1:])
    origin = (float(low[0]), float(low[1]))
    return origin, cell, shape, indptr, edge[order].astype(np.int32)


def _touches(
    ends: NDArray[np.float64],
    low: NDArray[np.float64],
    cell: float,
    column: NDArray[np.int64],
    row: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Return whether each straight piece comes as near as half a diagonal to a cell's centre."""
    centre = np.column_stack([column, row]) * cell + low + cell / 2
    along = ends[:, 1] - ends[:, 0]
    where = ((centre - ends[:, 0]) * along).sum(axis=1) / (along**2).sum(axis=1)
    nearest = ends[:, 0] + np.clip(where, 0, 1)[:, None] * along
    return np.asarray(np.hypot(*(centre - nearest).T) <= cell * 0.7072)
