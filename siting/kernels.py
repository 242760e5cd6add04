"""Compiled kernels: nearest road by a grid, many-source Dijkstra search, thinning, widening."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["nearest", "snap", "thin", "widen"]

compiled = njit(nogil=True, cache=True, error_model="numpy")

SLACK_M = 1e-6
"""A cell counts as so much nearer than it is, lest rounding hides the nearest road."""


@compiled
def snap(
    order: NDArray[np.int64],
    points: NDArray[np.float64],
    node_xy: NDArray[np.float64],
    edge_nodes: NDArray[np.int32],
    low_x: float,
    low_y: float,
    cell: float,
    n_columns: int,
    n_rows: int,
    cell_start: NDArray[np.int64],
    cell_edges: NDArray[np.int32],
    limit: float,
    edge: NDArray[np.int32],
    offset: NDArray[np.float64],
    leg: NDArray[np.float64],
) -> None:
    """Write edge, offset along it and leg of some points that have a road within the limit."""
    for i in order:
        x, y = points[i, 0], points[i, 1]
        column, row = int((x - low_x) // cell), int((y - low_y) // cell)
        inner_x, inner_y = x - low_x - column * cell, y - low_y - row * cell
        margin = max(min(inner_x, cell - inner_x, inner_y, cell - inner_y), 0.0)
        ring = max(-column, column - n_columns + 1, -row, row - n_rows + 1, 0)
        farthest = max(abs(column), abs(n_columns - 1 - column), abs(row), abs(n_rows - 1 - row))
        best, best_edge, best_offset = np.inf, -1, 0.0  # the square of the leg
        while ring <= farthest:
            for r in range(max(row - ring, 0), min(row + ring, n_rows - 1) + 1):
                step = 1 if abs(r - row) == ring else max(2 * ring, 1)
                up = max((r - row) * cell - inner_y, inner_y - (r - row + 1) * cell, SLACK_M)
                for c in range(column - ring, column + ring + 1, step):
                    if c < 0 or c >= n_columns:
                        continue
                    aside = (c - column) * cell - inner_x
                    aside = max(aside, -aside - cell, SLACK_M)
                    if (aside - SLACK_M) ** 2 + (up - SLACK_M) ** 2 > best:
                        continue
                    place = r * n_columns + c
                    for k in range(cell_start[place], cell_start[place + 1]):
                        e = cell_edges[k]
                        a, b = edge_nodes[e, 0], edge_nodes[e, 1]
                        dx = node_xy[b, 0] - node_xy[a, 0]
                        dy = node_xy[b, 1] - node_xy[a, 1]
                        px, py = x - node_xy[a, 0], y - node_xy[a, 1]
                        squared = dx * dx + dy * dy
                        t = min(max((px * dx + py * dy) / squared, 0.0), 1.0)
                        px, py = px - t * dx, py - t * dy
                        gap = px * px + py * py
                        if gap < best or (gap == best and e < best_edge):
                            best, best_edge = gap, e
                            best_offset = t * np.sqrt(squared)
            sure = ring * cell + margin
            if best <= sure * sure or sure > limit:
                break
            ring += 1
        if np.sqrt(best) <= limit:
            edge[i], offset[i], leg[i] = best_edge, best_offset, np.sqrt(best)


@compiled
def _push(
    key: NDArray[np.float64], item: NDArray[np.int32], size: int, distance: float, node: int
) -> int:
    """Add to a binary heap and return its new size."""
    k = size
    while k > 0:
        parent = (k - 1) >> 1
        if key[parent] <= distance:
            break
        key[k], item[k] = key[parent], item[parent]
        k = parent
    key[k], item[k] = distance, node
    return size + 1


@compiled
def _pop(key: NDArray[np.float64], item: NDArray[np.int32], size: int) -> int:
    """Take the least off a binary heap and return its new size; read the least before."""
    size -= 1
    distance, node = key[size], item[size]
    k = 0
    while True:
        child = 2 * k + 1
        if child >= size:
            break
        if child + 1 < size and key[child + 1] < key[child]:
            child += 1
        if key[child] >= distance:
            break
        key[k], item[k] = key[child], item[child]
        k = child
    key[k], item[k] = distance, node
    return size


@compiled
def nearest(
    site_edge: NDArray[np.int32],
    site_offset: NDArray[np.float64],
    site_leg: NDArray[np.float64],
    indptr: NDArray[np.int64],
    neighbours: NDArray[np.int32],
    edge_of: NDArray[np.int32],
    length: NDArray[np.float64],
    edge_nodes: NDArray[np.int32],
    on_edge: NDArray[np.int64],
    site_of: NDArray[np.int32],
    point_edge: NDArray[np.int32],
    point_offset: NDArray[np.float64],
    point_leg: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return each point's nearest site (-1: none) and its distance by one many-source search."""
    n_nodes = len(indptr) - 1
    distance = np.full(n_nodes, np.inf)
    owner = np.full(n_nodes, -1, np.int64)
    key = np.empty(2 * len(length) + 2 * len(site_edge) + 4)
    item = np.empty(len(key), np.int32)
    size = 0
    for s in range(len(site_edge)):
        start = site_edge[s]
        if start < 0:
            continue
        for side in range(2):
            v = edge_nodes[start, side]
            along = site_offset[s] if side == 0 else length[start] - site_offset[s]
            d = site_leg[s] + along
            if d < distance[v]:
                distance[v], owner[v] = d, s
                size = _push(key, item, size, d, v)
    while size > 0:
        d, v = key[0], item[0]
        size = _pop(key, item, size)
        if d > distance[v]:
            continue
        for k in range(indptr[v], indptr[v + 1]):
            w = neighbours[k]
            further = d + length[edge_of[k]]
            if further < distance[w]:
                distance[w], owner[w] = further, owner[v]
                size = _push(key, item, size, further, w)
    who = np.full(len(point_edge), -1, np.int64)
    metres = np.full(len(point_edge), np.inf)
    for p in range(len(point_edge)):
        e = point_edge[p]
        if e < 0:
            continue
        for side in range(2):
            v = edge_nodes[e, side]
            along = point_offset[p] if side == 0 else length[e] - point_offset[p]
            d = distance[v] + along + point_leg[p]
            if d < metres[p] or (d == metres[p] and owner[v] < who[p]):
                metres[p], who[p] = d, owner[v]
        for k in range(on_edge[e], on_edge[e + 1]):
            s = site_of[k]
            d = site_leg[s] + abs(site_offset[s] - point_offset[p]) + point_leg[p]
            if d < metres[p] or (d == metres[p] and s < who[p]):
                metres[p], who[p] = d, s
    return who, metres


@compiled
def thin(
    places: NDArray[np.float64], taken: NDArray[np.float64], spacing: float
) -> NDArray[np.int64]:
    """Return the places kept, in order: each at least the spacing from all kept and taken."""
    low_x = low_y = np.inf
    high_x = high_y = -np.inf
    for i in range(len(places)):
        low_x, high_x = min(low_x, places[i, 0]), max(high_x, places[i, 0])
        low_y, high_y = min(low_y, places[i, 1]), max(high_y, places[i, 1])
    kept = np.empty(len(places), np.int64)
    n_kept = 0
    if len(places) == 0:
        return kept
    cell = max(spacing, np.sqrt(max(high_x - low_x, 1.0) * max(high_y - low_y, 1.0) / 4e6))
    n_columns, n_rows = int((high_x - low_x) // cell) + 3, int((high_y - low_y) // cell) + 3
    head = np.full(n_columns * n_rows, -1, np.int64)
    following = np.empty(len(places) + len(taken), np.int64)
    held = np.empty((len(places) + len(taken), 2))
    n_held = 0
    least = spacing * spacing * (1 - 1e-12)
    for i in range(len(taken) + len(places)):
        mine = i < len(taken)
        x = taken[i, 0] if mine else places[i - len(taken), 0]
        y = taken[i, 1] if mine else places[i - len(taken), 1]
        column, row = int((x - low_x) // cell) + 1, int((y - low_y) // cell) + 1
        if column < 0 or row < 0 or column >= n_columns or row >= n_rows:
            continue
        clear = True
        if not mine:
            for r in range(max(row - 1, 0), min(row + 2, n_rows)):
                for c in range(max(column - 1, 0), min(column + 2, n_columns)):
                    k = head[r * n_columns + c]
                    while k >= 0 and clear:
                        dx, dy = held[k, 0] - x, held[k, 1] - y
                        clear = dx * dx + dy * dy >= least
                        k = following[k]
            if not clear:
                continue
            kept[n_kept] = i - len(taken)
            n_kept += 1
        held[n_held, 0], held[n_held, 1] = x, y
        following[n_held] = head[row * n_columns + column]
        head[row * n_columns + column] = n_held
        n_held += 1
    return kept[:n_kept]


@compiled
def widen(
    places: NDArray[np.float64],
    width: NDArray[np.float64],
    low_x: float,
    low_y: float,
    cell: float,
    inside: NDArray[np.float64],
) -> None:
    """
    Raise each cell to how deep its centre is within the discs around some places, metres.

    Outside it is below 0; farther than two cells from all discs cells stay as they are.
    """
    n_rows, n_columns = inside.shape
    for i in range(len(places)):
        x, y = (places[i, 0] - low_x) / cell, (places[i, 1] - low_y) / cell
        far = width[i] / cell + 2.0
        for r in range(max(int(y - far), 0), min(int(y + far) + 2, n_rows)):
            for c in range(max(int(x - far), 0), min(int(x + far) + 2, n_columns)):
                deep = width[i] - cell * np.sqrt((r - y) ** 2 + (c - x) ** 2)
                inside[r, c] = max(inside[r, c], deep)
