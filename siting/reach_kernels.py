"""Compiled kernels that list the demand points within a cutoff, site by site."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ENTRY", "along_roads", "put", "straight"]

compiled = njit(nogil=True, cache=True, error_model="numpy")

ENTRY = np.dtype([("metres", np.float64), ("node", np.uint32), ("next", np.int32)])
"""A node in the queue of a search: its distance, and the next one in the same bucket."""

NONE, ONE, NEXT = np.uint64(0), np.uint64(1), np.uint32(1)
"""Positions without a sign spare the test whether they count from the end: a sixth of the time."""


@compiled
def _room(
    columns: NDArray[np.int32], metres: NDArray[np.float64], need: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the same arrays, half as long again until they have the room needed."""
    size = len(columns)
    while size < need:
        size += size // 2 + 1024
    more_columns, more_metres = np.empty(size, np.int32), np.empty(size)
    more_columns[: len(columns)] = columns
    more_metres[: len(metres)] = metres
    return more_columns, more_metres


@compiled
def _sort(columns: NDArray[np.int32], metres: NDArray[np.float64], first: int, last: int) -> None:
    """Put the pairs of one site in order of their demand points."""
    n = last - first
    key = np.empty(n, np.int64)
    old = metres[first:last].copy()
    for k in range(n):
        key[k] = (np.int64(columns[first + k]) << 32) | k
    key.sort()
    for k in range(n):
        columns[first + k] = key[k] >> 32
        metres[first + k] = old[key[k] & 0xFFFFFFFF]


@compiled
def _spread(
    near: int,
    far: int,
    near_metres: float,
    far_metres: float,
    limit: float,
    starts: NDArray[np.uint32],
    neighbours: NDArray[np.uint32],
    arc_length: NDArray[np.float64],
    width: float,
    distance: NDArray[np.float64],
    seen: NDArray[np.uint32],
    head: NDArray[np.int32],
    queue: NDArray[np.void],
) -> tuple[int, bool]:
    """
    Write the distances of the nodes within the limit from two first ones, and of their neighbours.

    The queue is a ring of buckets, each ``width`` metres of distance wide and a list of its own;
    a node that is improved while its bucket is worked on is looked at again, so the distances are
    exact whatever the width.

    Returns
    -------
    n_seen, enough
        Number of nodes written; False where the queue was too short, then nothing is right.
    """
    n_buckets = len(head) - 1  # the last takes what is not wanted: that is cheaper than a branch
    mask, per_metre = n_buckets - 1, 1.0 / width
    size, n_seen, waiting = NONE, ONE + ONE, 0
    distance[near], distance[far] = near_metres, far_metres
    seen[0], seen[1] = near, far
    for v in (near, far):
        d = distance[v]
        if d <= limit:
            b = int(d * per_metre) & mask
            queue[size].node, queue[size].metres, queue[size].next = v, d, head[b]
            head[b] = size
            size += ONE
            waiting += 1
    bucket = int(min(near_metres, far_metres) * per_metre)
    while waiting > 0:
        here = bucket & mask
        q = head[here]
        while q >= 0:
            head[here] = -1
            while q >= 0:
                v, d = queue[q].node, queue[q].metres
                q = queue[q].next
                waiting -= 1
                if d > distance[v]:
                    continue
                low, high = starts[v, 0], starts[v + NEXT, 0]
                if int(size) + int(high) - int(low) >= len(queue):
                    head[:] = -1
                    return int(n_seen), False
                for k in range(low, high):
                    w = neighbours[k]
                    further, was = d + arc_length[k], distance[w]
                    distance[w] = min(further, was)
                    seen[n_seen] = w
                    n_seen += ONE if was == np.inf else NONE
                    go = (further < was) & (further <= limit)
                    b = int(further * per_metre) & mask
                    b = b if go else n_buckets
                    queue[size].node, queue[size].metres = w, further
                    queue[size].next = head[b]
                    head[b] = size
                    size += ONE if go else NONE
                    waiting += go
            q = head[here]
        bucket += 1
    return int(n_seen), True


@compiled
def along_roads(
    order: NDArray[np.int64],
    site_edge: NDArray[np.int32],
    site_offset: NDArray[np.float64],
    site_leg: NDArray[np.float64],
    limit: float,
    starts: NDArray[np.uint32],
    neighbours: NDArray[np.uint32],
    arc_length: NDArray[np.float64],
    edge_nodes: NDArray[np.int32],
    edge_length: NDArray[np.float64],
    point: NDArray[np.int32],
    point_far: NDArray[np.int32],
    point_offset: NDArray[np.float64],
    point_rest: NDArray[np.float64],
    point_leg: NDArray[np.float64],
    width: float,
    distance: NDArray[np.float64],
    seen: NDArray[np.uint32],
    head: NDArray[np.int32],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """
    Return counts, demand positions and metres of all pairs within the limit, site by site.

    Points hang at the smaller node of their edge; ``starts`` says where the roads and the points
    of each node start.
    """
    counts = np.zeros(len(order), np.int64)
    columns, metres = np.empty(4096, np.int32), np.empty(4096)
    queue = np.empty(4096, ENTRY)
    total = 0
    for i in range(len(order)):
        s = order[i]
        start = site_edge[s]
        if start < 0:
            continue
        leg, offset, first = site_leg[s], site_offset[s], total
        near, far = edge_nodes[start, 0], edge_nodes[start, 1]
        n_seen, enough = 0, False
        while not enough:
            for j in range(n_seen):
                distance[seen[j]] = np.inf
            if n_seen > 0:
                queue = np.empty(2 * len(queue), ENTRY)
            n_seen, enough = _spread(
                near, far, leg + offset, leg + (edge_length[start] - offset), limit,
                starts, neighbours, arc_length, width, distance, seen, head, queue,
            )  # fmt: skip
        for j in range(n_seen):
            v = seen[j]
            low, high = starts[v, 1], starts[v + NEXT, 1]
            if low == high:
                continue
            need = total + int(high) - int(low)
            if need > len(columns):
                columns, metres = _room(columns, metres, need)
            d = distance[v]
            for k in range(low, high):
                reached = min(d + point_offset[k], distance[point_far[k]] + point_rest[k])
                if v == near and point_far[k] == far:
                    reached = min(reached, leg + abs(offset - point_offset[k]))
                reached += point_leg[k]
                columns[total], metres[total] = point[k], reached
                total += reached <= limit
        for j in range(n_seen):
            distance[seen[j]] = np.inf
        counts[i] = total - first
        if total - first > 1:
            _sort(columns, metres, first, total)
    return counts, columns[:total], metres[:total]


@compiled
def straight(
    order: NDArray[np.int64],
    sites: NDArray[np.float64],
    limit: float,
    low_x: float,
    low_y: float,
    cell: float,
    n_columns: int,
    n_rows: int,
    cell_start: NDArray[np.int64],
    point: NDArray[np.int32],
    point_xy: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Return counts, demand positions and straight metres within the limit, site by site."""
    counts = np.zeros(len(order), np.int64)
    columns, metres = np.empty(4096, np.int32), np.empty(4096)
    total = 0
    for i in range(len(order)):
        x, y = sites[order[i], 0], sites[order[i], 1]
        first = total
        left = int(min(max((x - limit - low_x) // cell, 0.0), n_columns * 1.0))
        right = int(min(max((x + limit - low_x) // cell, -1.0), n_columns - 1.0))
        below = int(min(max((y - limit - low_y) // cell, 0.0), n_rows * 1.0))
        above = int(min(max((y + limit - low_y) // cell, -1.0), n_rows - 1.0))
        if left > right:
            continue
        for r in range(below, above + 1):
            low, high = cell_start[r * n_columns + left], cell_start[r * n_columns + right + 1]
            if total + high - low > len(columns):
                columns, metres = _room(columns, metres, total + high - low)
            for k in range(low, high):
                d = np.hypot(point_xy[k, 0] - x, point_xy[k, 1] - y)
                columns[total], metres[total] = point[k], d
                total += d <= limit
        counts[i] = total - first
        if total - first > 1:
            _sort(columns, metres, first, total)
    return counts, columns[:total], metres[:total]


@compiled
def put(
    order: NDArray[np.int64],
    counts: NDArray[np.int64],
    columns: NDArray[np.int32],
    metres: NDArray[np.float64],
    starts: NDArray[np.int64],
    all_columns: NDArray[np.int32],
    all_metres: NDArray[np.float64],
) -> None:
    """Copy the pairs of some sites to where each site's pairs start."""
    k = 0
    for i in range(len(order)):
        at = starts[order[i]]
        for j in range(counts[i]):
            all_columns[at + j], all_metres[at + j] = columns[k + j], metres[k + j]
        k += counts[i]
