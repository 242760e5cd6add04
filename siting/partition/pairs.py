"""Compiled kernels that split two units anew: all splits of a few zones, single moves of many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from siting.partition.sets import Aim, Part, before, bit, compiled, over

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["gather", "move_zones", "split_anew"]

LISTED = 6000  # most connected sets looked at in one go


@compiled
def gather(
    part: Part,
    unit: NDArray[np.int64],
    start: int,
    other: int,
    mark: NDArray[np.int64],
    stamp: int,
    members: NDArray[np.int64],
) -> int:
    """Write the zones of a zone's unit and another one, in order, and return their number."""
    own = unit[start]
    members[0], mark[start] = start, stamp
    count, k = 1, 0
    while k < count:
        z = members[k]
        k += 1
        for e in range(part.indptr[z], part.indptr[z + 1]):
            y = part.neighbours[e]
            if mark[y] != stamp and (unit[y] == own or unit[y] == other):
                mark[y] = stamp
                members[count] = y
                count += 1
    members[:count].sort()
    return count


@compiled
def _costs(first: int, second: int, target: int) -> tuple[int, int]:
    """Return the deviation of two units, and how unequal they are."""
    return abs(first - target) + abs(second - target), abs(first - second)


@compiled
def _pieces(s: np.uint64, rest: np.uint64, streets: NDArray[np.uint64]) -> int:
    """Return how many pieces of streets two units hold."""
    count = 0
    for each in streets:
        count += (each & s != 0) + (each & rest != 0)
    return count


@compiled
def _hangs_together(s: np.uint64, near: NDArray[np.uint64]) -> bool:
    """Return whether a set is connected."""
    reached = s & (~s + np.uint64(1))
    fresh = reached
    while fresh:
        v = fresh & (~fresh + np.uint64(1))
        fresh ^= v
        more = near[bit(v)] & s & ~reached
        reached |= more
        fresh |= more
    return bool(reached == s)


@compiled
def _as_bits(
    part: Part,
    members: NDArray[np.int64],
    place: NDArray[np.int64],
    inside: NDArray[np.int64],
    stamp: int,
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint64]]:
    """Return each zone's neighbours as bits and its border with them, and each street as bits."""
    m, one = len(members), np.uint64(1)
    near, within = np.zeros(m, np.uint64), np.zeros(m, np.int64)
    streets, n_streets = np.zeros(m, np.uint64), 0
    for k in range(m):
        place[members[k]] = k
    for k in range(m):
        z = members[k]
        for e in range(part.indptr[z], part.indptr[z + 1]):
            if inside[part.neighbours[e]] == stamp:
                near[k] |= one << np.uint64(place[part.neighbours[e]])
                within[k] += part.border[e]
        s = 0
        while s < n_streets:
            if part.street[members[bit(streets[s] & (~streets[s] + one))]] == part.street[z]:
                break
            s += 1
        streets[s] |= one << np.uint64(k)
        n_streets = max(n_streets, s + 1)
    return near, within, streets[:n_streets]


@compiled
def split_anew(
    part: Part,
    aim: Aim,
    unit: NDArray[np.int64],
    members: NDArray[np.int64],
    other: int,
    compact: bool,
    slack: int,
    place: NDArray[np.int64],
    inside: NDArray[np.int64],
    stamp: int,
) -> bool:
    """
    Look at the splits of two units into two, take the best, and return whether it is better.

    Without ``compact`` area above the limit counts, then deviation, then how unequal the two are,
    which lets a surplus flow to where it is wanted. With it pieces of streets and border count,
    among splits that deviate by at most ``slack`` more than now.

    The first zone starts a set; one by one the zones beside it are taken or left. A set whose rest
    hangs together is a split.
    """
    m, one, none = len(members), np.uint64(1), np.uint64(0)
    near, within, streets = _as_bits(part, members, place, inside, stamp)
    first = unit[members[0]]
    full, now = none, none
    total, total_area, sum_now, area_now, cut_now, size_now = 0, 0, 0, 0, 0, 0
    for k in range(m):
        z = members[k]
        full |= one << np.uint64(k)
        total += part.elders[z]
        total_area += part.area[z]
        if unit[z] == first:
            now |= one << np.uint64(k)
            sum_now += part.elders[z]
            area_now += part.area[z]
            size_now += 1
            for e in range(part.indptr[z], part.indptr[z + 1]):
                if unit[part.neighbours[e]] == other:
                    cut_now += part.border[e]
    over_now = over(area_now, size_now, aim.area_limit)
    over_now += over(total_area - area_now, m - size_now, aim.area_limit)
    allowed, unlike = _costs(sum_now, total - sum_now, aim.target)
    x, y, w, best = over_now, allowed, unlike, now
    if compact:
        allowed += slack
        y, w = _pieces(now, full ^ now, streets), cut_now
    # a stack of sets: taken, beside it, decided; elders, area, border, size
    sets = np.empty((2 * m + 4, 3), np.uint64)
    sums, areas = np.empty((2 * m + 4, 3), np.int64), np.empty(2 * m + 4, np.int64)
    sets[0, 0], sets[0, 1], sets[0, 2] = one, near[0] & ~one, one
    sums[0, 0], sums[0, 1], sums[0, 2] = part.elders[members[0]], within[0], 1
    areas[0] = part.area[members[0]]
    top, listed = 1, 0
    while top > 0 and listed < LISTED:
        top -= 1
        s, beside, decided = sets[top, 0], sets[top, 1], sets[top, 2]
        elders, cut, size, area = sums[top, 0], sums[top, 1], sums[top, 2], areas[top]
        if beside == none:
            listed += 1
            p = over(area, size, aim.area_limit)
            p += over(total_area - area, m - size, aim.area_limit)
            q, r = _costs(elders, total - elders, aim.target)
            if s == full or p > over_now or (compact and q > allowed):
                continue
            if compact:
                q, r = _pieces(s, full ^ s, streets), cut
            if before(p, q, r, x, y, w) and _hangs_together(full ^ s, near):
                x, y, w, best = p, q, r, s
                if not compact:
                    allowed = q
            continue
        v = beside & (~beside + one)
        k = bit(v)
        z = members[k]
        sets[top, 0], sets[top, 1], sets[top, 2] = s, beside ^ v, decided | v
        top += 1
        after = elders + part.elders[z]
        if over_now == 0 and max(after - aim.target, aim.target - total + after) > allowed:
            continue
        inner = 0
        for e in range(part.indptr[z], part.indptr[z + 1]):
            beyond = part.neighbours[e]
            if inside[beyond] == stamp and s >> np.uint64(place[beyond]) & one:
                inner += part.border[e]
        sets[top, 0], sets[top, 2] = s | v, decided | v
        sets[top, 1] = (beside ^ v) | (near[k] & ~(decided | beside))
        sums[top, 0], sums[top, 1], sums[top, 2] = after, cut + within[k] - 2 * inner, size + 1
        areas[top] = area + part.area[z]
        top += 1
    if best == now:
        return False
    for k in range(m):
        unit[members[k]] = first if best >> np.uint64(k) & one else other
    return True


@compiled
def _stays_whole(
    part: Part,
    unit: NDArray[np.int64],
    zone: int,
    size: int,
    mark: NDArray[np.int64],
    stamp: int,
    queue: NDArray[np.int64],
) -> bool:
    """Return whether a zone's unit of ``size`` zones hangs together without it."""
    count, own = 0, 0
    for e in range(part.indptr[zone], part.indptr[zone + 1]):
        y = part.neighbours[e]
        if unit[y] == unit[zone]:
            own += 1
            if count == 0:
                queue[0], mark[y] = y, stamp
                count = 1
    if own <= 1:
        return own == 1
    mark[zone] = stamp
    k = 0
    while k < count:
        x = queue[k]
        k += 1
        for e in range(part.indptr[x], part.indptr[x + 1]):
            y = part.neighbours[e]
            if unit[y] == unit[zone] and mark[y] != stamp:
                mark[y] = stamp
                queue[count] = y
                count += 1
    return count == size - 1


@compiled
def move_zones(
    part: Part,
    aim: Aim,
    unit: NDArray[np.int64],
    members: NDArray[np.int64],
    a: int,
    b: int,
    compact: bool,
    slack: int,
    held: NDArray[np.int64],
    mark: NDArray[np.int64],
    stamps: NDArray[np.int64],
    queue: NDArray[np.int64],
) -> bool:
    """Move single zones between two units while that makes them better; return whether any did."""
    elders, areas, sizes = np.zeros(2, np.int64), np.zeros(2, np.int64), np.zeros(2, np.int64)
    held[a, :] = 0
    held[b, :] = 0
    for z in members:
        side = 0 if unit[z] == a else 1
        elders[side] += part.elders[z]
        areas[side] += part.area[z]
        sizes[side] += 1
        held[unit[z], part.street[z]] += 1
    excess = over(areas[0], sizes[0], aim.area_limit) + over(areas[1], sizes[1], aim.area_limit)
    deviation, unlike = _costs(elders[0], elders[1], aim.target)
    allowed = deviation + slack
    moved, again = False, True
    while again:
        again = False
        for z in members:
            side = 0 if unit[z] == a else 1
            to = b if side == 0 else a
            gain, touches = 0, False
            for e in range(part.indptr[z], part.indptr[z + 1]):
                if unit[part.neighbours[e]] == unit[z]:
                    gain -= part.border[e]
                elif unit[part.neighbours[e]] == to:
                    gain += part.border[e]
                    touches = True
            if not touches or sizes[side] == 1:
                continue
            step = part.elders[z]
            p = over(areas[side] - part.area[z], sizes[side] - 1, aim.area_limit)
            p += over(areas[1 - side] + part.area[z], sizes[1 - side] + 1, aim.area_limit)
            q, r = _costs(elders[side] - step, elders[1 - side] + step, aim.target)
            if compact:
                more = int(held[to, part.street[z]] == 0) - int(held[unit[z], part.street[z]] == 1)
                better = p <= excess and q <= allowed and (more < 0 or (more == 0 and gain > 0))
            else:
                better = before(p, q, r, excess, deviation, unlike)
            if not better:
                continue
            stamps[0] += 1
            if not _stays_whole(part, unit, z, sizes[side], mark, stamps[0], queue):
                continue
            held[unit[z], part.street[z]] -= 1
            held[to, part.street[z]] += 1
            unit[z] = to
            elders[side] -= step
            elders[1 - side] += step
            areas[side] -= part.area[z]
            areas[1 - side] += part.area[z]
            sizes[side] -= 1
            sizes[1 - side] += 1
            excess, deviation, unlike = p, q, r
            moved, again = True, True
    return moved
