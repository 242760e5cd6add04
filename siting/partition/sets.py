"""
Compiled kernels that list connected sets of zones, and the best units of a few zones.

Zones are numbered in the order of their codes. Elders are whole millionths, areas whole square
decimetres and borders whole centimetres, so that equal is equal on every machine.

Numba keeps compiled code until its own file changes, not when another does. So compiled functions
call only others of their file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NO_LIMIT", "Aim", "Part", "best_of_few", "compiled", "connected_sets"]

compiled = njit(nogil=True, cache=True, error_model="numpy")

NO_LIMIT = 1 << 62
"""Area limit that nothing reaches."""

WORST = np.iinfo(np.int64).max
ROOM = 8  # zones of a set for which room is made, on average
DEAD_ENDS = 20  # sets built in vain for each one kept, at most


class Part(NamedTuple):
    """
    Zones that hang together: one part of a district, whole numbers throughout.

    Attributes
    ----------
    indptr, neighbours, border
        The zones beside zone k are ``neighbours[indptr[k]:indptr[k + 1]]``, each with the
        centimetres of border shared.
    elders, area, street
        (n,) millionths of elders, square decimetres, and streets numbered from 0.
    """

    indptr: NDArray[np.int64]
    neighbours: NDArray[np.int64]
    border: NDArray[np.int64]
    elders: NDArray[np.int64]
    area: NDArray[np.int64]
    street: NDArray[np.int64]


class Aim(NamedTuple):
    """
    What units should be.

    Attributes
    ----------
    target
        Millionths of elders of a unit.
    area_limit
        Most square decimetres of a unit of several zones, or ``NO_LIMIT``.
    """

    target: int
    area_limit: int


@compiled
def best_of_few(part: Part, aim: Aim, low: int, high: int) -> tuple[NDArray[np.int64], int]:
    """
    Return the best units of a few zones and their number; 0: there are none.

    The first zone of every set of zones goes with each connected set in turn, and the rest has
    been solved before: all layouts are compared. Least deviation counts, then fewest pieces of
    streets, then the shortest border. Among equals the zones, in the order of their codes, take
    the smallest unit numbers: sets are tried in that order.

    Parameters
    ----------
    part
        At most some 15 zones.
    aim
        Elders of a unit and its largest area.
    low, high
        Fewest and most units; of equal deviations the fewest units are taken.
    """
    n = len(part.elders)
    size = 1 << n
    cost = _costs(part, aim)
    best = np.full((high + 1, size, 3), WORST, np.int64)
    choice = np.zeros((high + 1, size), np.int64)
    best[0, 0] = 0
    for mask in range(1, size):
        first = 1
        while first * 2 <= mask:
            first *= 2
        taken = mask
        while taken & first:
            if cost[taken, 0] != WORST:
                for k in range(1, high + 1):
                    rest, now = best[k - 1, mask ^ taken], best[k, mask]
                    if rest[0] == WORST:
                        continue
                    a = rest[0] + cost[taken, 0]
                    b = rest[1] + cost[taken, 1]
                    c = rest[2] + cost[taken, 2]
                    if a != now[0]:
                        is_less = a < now[0]
                    else:
                        is_less = b < now[1] if b != now[1] else c < now[2]
                    if is_less:
                        now[0], now[1], now[2] = a, b, c
                        choice[k, mask] = taken
            taken = (taken - 1) & mask
    units = 0
    for k in range(low, high + 1):
        found = best[k, size - 1, 0]
        if found != WORST and (units == 0 or found < best[units, size - 1, 0]):
            units = k
    unit, left = np.zeros(n, np.int64), size - 1
    for k in range(units, 0, -1):
        for zone in range(n):
            if choice[k, left] >> (n - 1 - zone) & 1:
                unit[zone] = units - k
        left ^= choice[k, left]
    return unit, units


@compiled
def _costs(part: Part, aim: Aim) -> NDArray[np.int64]:
    """
    Return what each set of zones costs as a unit: deviation, pieces of streets, border.

    Zone k is bit n - 1 - k, so that sets that hold the first zones are the greatest numbers. A set
    that does not hang together, or is too large, costs the most there is.
    """
    n = len(part.elders)
    near = np.zeros(n, np.int64)
    for k in range(n):
        for e in range(part.indptr[k], part.indptr[k + 1]):
            near[k] |= 1 << (n - 1 - part.neighbours[e])
    cost = np.full((1 << n, 3), WORST, np.int64)
    for mask in range(1, 1 << n):
        reached, grown = mask & -mask, 0
        while grown != reached:
            grown = reached
            for k in range(n):
                if grown >> (n - 1 - k) & 1:
                    reached |= near[k] & mask
        if reached != mask:
            continue
        elders, area, pieces, border, size = 0, 0, 0, 0, 0
        for k in range(n):
            if not mask >> (n - 1 - k) & 1:
                continue
            size += 1
            elders += part.elders[k]
            area += part.area[k]
            pieces += 1
            for other in range(k):
                if mask >> (n - 1 - other) & 1 and part.street[other] == part.street[k]:
                    pieces -= 1
                    break
            for e in range(part.indptr[k], part.indptr[k + 1]):
                if not mask >> (n - 1 - part.neighbours[e]) & 1:
                    border += part.border[e]
        if size == 1 or area <= aim.area_limit:
            cost[mask, 0], cost[mask, 1], cost[mask, 2] = abs(elders - aim.target), pieces, border
    return cost


@compiled
def connected_sets(
    part: Part, low: int, high: int, area_limit: int, most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    """
    Return all connected sets with low to high elders, and whether that is all.

    Each set is built once, from its first zone: the zones beside it are taken or left, one by one.
    Set k holds the zones ``zones[starts[k]:starts[k + 1]]``; beyond ``most`` sets nothing is
    listed.
    """
    n = len(part.elders)
    starts, zones = np.zeros(most + 1, np.int64), np.empty(most * ROOM, np.int64)
    queue, behind = np.empty(n, np.int64), np.empty(n, np.int64)
    taken, seen = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    count, built = 0, 0
    for root in range(n):
        if part.elders[root] > high:
            continue
        seen[:] = False
        seen[: root + 1] = True
        end = _look_around(part, root, queue, 0, seen)
        elders, area, depth, size = part.elders[root], part.area[root], 0, 1
        while True:
            while depth < end:
                z = queue[depth]
                behind[depth] = end
                fits = elders + part.elders[z] <= high and area + part.area[z] <= area_limit
                taken[depth] = fits
                if fits:
                    elders += part.elders[z]
                    area += part.area[z]
                    size += 1
                    end = _look_around(part, z, queue, end, seen)
                depth += 1
            built += 1
            if built > DEAD_ENDS * most:
                return starts[:1], zones[:0], False
            if elders >= low:
                used = starts[count]
                if count == most or used + size > len(zones):
                    return starts[:1], zones[:0], False
                zones[used] = root
                used += 1
                for k in range(depth):
                    if taken[k]:
                        zones[used] = queue[k]
                        used += 1
                count += 1
                starts[count] = used
            while depth > 0 and not taken[depth - 1]:
                depth -= 1
            if depth == 0:
                break
            z = queue[depth - 1]
            for k in range(behind[depth - 1], end):
                seen[queue[k]] = False
            end = behind[depth - 1]
            taken[depth - 1] = False
            elders -= part.elders[z]
            area -= part.area[z]
            size -= 1
    return starts[: count + 1].copy(), zones[: starts[count]].copy(), True


@compiled
def _look_around(
    part: Part, zone: int, queue: NDArray[np.int64], end: int, seen: NDArray[np.bool_]
) -> int:
    """Add the unseen zones beside a zone to a queue, and return its new end."""
    for e in range(part.indptr[zone], part.indptr[zone + 1]):
        y = part.neighbours[e]
        if not seen[y]:
            seen[y] = True
            queue[end] = y
            end += 1
    return end
