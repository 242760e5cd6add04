"""Compiled kernels that cut zones up along random spanning trees."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from siting.partition.sets import Part, compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CLUSTER", "cut_up", "random"]

TREES = 12  # random trees tried for one cut
EVEN = 0.25  # least share of the units on the smaller side of a cut, where that is possible
CLUSTER = 4  # most units that are cut without regard to evenness


@compiled
def random(state: NDArray[np.uint64]) -> float:
    """Return the next number of a xorshift generator, in [0, 1)."""
    x = state[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    state[0] = x
    return float(x >> np.uint64(11)) / 9007199254740992.0


@compiled
def _random_tree(
    part: Part,
    members: NDArray[np.int64],
    place: NDArray[np.int64],
    inside: NDArray[np.int64],
    stamp: int,
    state: NDArray[np.uint64],
    order: NDArray[np.int64],
    parent: NDArray[np.int64],
) -> None:
    """Write a random spanning tree of connected zones: an order from the root, and parents."""
    m, count = len(members), 0
    for z in members:
        count += part.indptr[z + 1] - part.indptr[z]
    ends, keys = np.empty((count, 2), np.int64), np.empty(count)
    count = 0
    for k in range(m):
        for e in range(part.indptr[members[k]], part.indptr[members[k] + 1]):
            y = part.neighbours[e]
            if inside[y] == stamp and y > members[k]:
                ends[count, 0], ends[count, 1] = k, place[y]
                keys[count] = random(state)
                count += 1
    root_of, tree, used = np.arange(m), np.empty((m, 2), np.int64), 0
    start = np.zeros(m + 1, np.int64)
    for e in np.argsort(keys[:count], kind="mergesort"):
        x, y = ends[e, 0], ends[e, 1]
        while root_of[x] != x:
            root_of[x] = root_of[root_of[x]]
            x = root_of[x]
        while root_of[y] != y:
            root_of[y] = root_of[root_of[y]]
            y = root_of[y]
        if x != y:
            root_of[x] = y
            tree[used, 0], tree[used, 1] = ends[e, 0], ends[e, 1]
            start[ends[e, 0] + 1] += 1
            start[ends[e, 1] + 1] += 1
            used += 1
    start = np.cumsum(start)
    fill, beside = start.copy(), np.empty(2 * used, np.int64)
    for e in range(used):
        x, y = tree[e, 0], tree[e, 1]
        beside[fill[x]], beside[fill[y]] = y, x
        fill[x] += 1
        fill[y] += 1
    order[0], parent[0], count = 0, -1, 1
    for k in range(m):
        x = order[k]
        for e in range(start[x], start[x + 1]):
            if beside[e] != parent[x]:
                parent[beside[e]] = x
                order[count] = beside[e]
                count += 1


@compiled
def _best_cut(
    part: Part,
    members: NDArray[np.int64],
    n_units: int,
    place: NDArray[np.int64],
    inside: NDArray[np.int64],
    stamp: int,
    state: NDArray[np.uint64],
    below: NDArray[np.bool_],
) -> int:
    """
    Mark one side of the best cut of several random trees, and return its number of units.

    The best cut is the nearest to a whole number of shares, and not too uneven.
    """
    m, total = len(members), 0
    order, parent = np.empty(m, np.int64), np.empty(m, np.int64)
    elders, size = np.empty(m, np.int64), np.empty(m, np.int64)
    for z in members:
        total += part.elders[z]
    best, best_share = np.inf, 0
    for _ in range(TREES):
        _random_tree(part, members, place, inside, stamp, state, order, parent)
        size[:] = 1
        for k in range(m):
            elders[k] = part.elders[members[k]]
        for t in range(m - 1, 0, -1):
            x = order[t]
            elders[parent[x]] += elders[x]
            size[parent[x]] += size[x]
        for t in range(1, m):
            x = order[t]
            share = math.floor(n_units * (elders[x] / max(total, 1)) + 0.5)
            share = min(max(share, 1, n_units - m + size[x]), size[x], n_units - 1)
            off = abs(elders[x] - share * (total / n_units))
            if n_units > CLUSTER:
                off += max(0.0, EVEN - min(share, n_units - share) / n_units) * total
            if off < best:
                best, best_share = off, share
                below[:m] = False
                below[x] = True
                for u in range(t + 1, m):
                    below[order[u]] = below[parent[order[u]]]
    return best_share


@compiled
def cut_up(
    part: Part,
    zones: NDArray[np.int64],
    numbers: NDArray[np.int64],
    unit: NDArray[np.int64],
    state: NDArray[np.uint64],
) -> None:
    """
    Split connected zones into units of about equal elders by cutting random spanning trees.

    Parameters
    ----------
    part
        The zones.
    zones
        Those to split: connected, at least as many as ``numbers``.
    numbers
        Numbers that the units take.
    unit
        (n,) units; those of ``zones`` are written.
    state
        Of the random numbers.
    """
    n, n_units = len(unit), len(numbers)
    place, inside = np.zeros(n, np.int64), np.full(n, -1, np.int64)
    members, below = np.empty(len(zones), np.int64), np.empty(len(zones), np.bool_)
    owner, stack = np.zeros(n, np.int64), np.empty((n_units + 1, 2), np.int64)
    for z in zones:
        unit[z] = numbers[0]
    # zones that still stand for several units are known by the first of these
    stack[0, 0], stack[0, 1] = 0, n_units
    top, stamp = 1, 0
    while top > 0:
        top -= 1
        a, b = stack[top, 0], stack[top, 1]
        if b - a == 1:
            continue
        stamp += 1
        m = 0
        for z in zones:
            if owner[z] == a:
                members[m], inside[z], place[z] = z, stamp, m
                m += 1
        share = _best_cut(part, members[:m], b - a, place, inside, stamp, state, below)
        for k in range(m):
            if below[k]:
                owner[members[k]] = b - share
                unit[members[k]] = numbers[b - share]
        stack[top, 0], stack[top, 1] = a, b - share
        stack[top + 1, 0], stack[top + 1, 1] = b - share, b
        top += 2
