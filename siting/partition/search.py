"""
Compiled search for units of equal elders among many zones.

A layout is judged by four numbers, the earlier the weightier: area above its limit, deviation
from the target, pieces of streets, and border between units. Nothing here asks the clock: the
same part, seed and rounds give the same units everywhere.

References
----------
DeFord, Duchin & Solomon (2021), Recombination: two units are merged and split anew along a
random spanning tree. Here small pairs are split anew in the best way there is, and trees only
disturb.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from siting.partition.sets import NO_LIMIT, Aim, Part, compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["cut_up", "judge", "search"]

TREES = 12  # random trees tried for one cut
EVEN = 0.25  # least share of the units on the smaller side of a cut, where that is possible
CLUSTER = 4  # most units cut up at once to disturb; with more, cuts are kept even
STEPS = 20_000  # zones taken or left in one go, at most
ENUMERATED = 24  # most zones of two units whose splits are listed
ALL_SPLITS = 16  # with more, single zones are moved too: the list may be cut short
ALIKE = 50  # parts of the target in which units are told apart by how unequal they are
AIMED = 0.5  # share of the disturbances that begin where elders are wrong

DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
PLACES = np.zeros(64, np.int64)
PLACES[[((int(DE_BRUIJN) << k) % 2**64) >> 58 for k in range(64)]] = np.arange(64)
"""Position of the only bit of a mask, by the first six bits of its product with a sequence in
which every six bits stand once (Leiserson, Prokop & Randall 1998)."""


@compiled
def _before(a: int, b: int, c: int, x: int, y: int, z: int) -> bool:
    """Return whether the first of three numbers that differs is less."""
    if a != x:
        return a < x
    if b != y:
        return b < y
    return c < z


@compiled
def _bit(mask: np.uint64) -> int:
    """Return the position of the only bit of a mask."""
    return int(PLACES[(mask * DE_BRUIJN) >> np.uint64(58)])


@compiled
def _over(area: int, size: int, limit: int) -> int:
    """Return the area above the limit of a unit; a single zone has no limit."""
    return max(area - limit, 0) if size > 1 else 0


@compiled
def _random(state: NDArray[np.uint64]) -> float:
    """Return the next number of a xorshift generator, in [0, 1)."""
    x = state[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    state[0] = x
    return float(x >> np.uint64(11)) / 9007199254740992.0


@compiled
def judge(part: Part, aim: Aim, unit: NDArray[np.int64], n_units: int) -> NDArray[np.int64]:
    """Return the four numbers of a layout: area above the limit, deviation, pieces, border."""
    n_streets = part.street.max() + 1
    elders, area = np.zeros(n_units, np.int64), np.zeros(n_units, np.int64)
    size, held = np.zeros(n_units, np.int64), np.zeros(n_units * n_streets, np.bool_)
    border = 0
    for z in range(len(unit)):
        u = unit[z]
        elders[u] += part.elders[z]
        area[u] += part.area[z]
        size[u] += 1
        held[u * n_streets + part.street[z]] = True
        for e in range(part.indptr[z], part.indptr[z + 1]):
            if unit[part.neighbours[e]] != u:
                border += part.border[e]
    result = np.zeros(4, np.int64)
    for u in range(n_units):
        result[0] += _over(area[u], size[u], aim.area_limit)
        result[1] += abs(elders[u] - aim.target)
    result[2], result[3] = held.sum(), border // 2
    return result


@compiled
def _gather(
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
    """Return the deviation of two units, and how unequal they are, in parts of the target."""
    unlike = abs(first - second) * ALIKE // max(target, 1)
    return abs(first - target) + abs(second - target), unlike


@compiled
def _pieces(s: np.uint64, rest: np.uint64, streets: NDArray[np.uint64]) -> int:
    """Return how many pieces of streets two units hold; streets stand at their first zone."""
    count = 0
    for each in streets:
        count += (each & s != 0) + (each & rest != 0)
    return count


@compiled
def _in_one_piece(some: np.uint64, rest: np.uint64, near: NDArray[np.uint64]) -> bool:
    """Return whether some zones of a set are in one piece of it."""
    reached = some & (~some + np.uint64(1))
    fresh = reached
    while fresh and some & ~reached:
        v = fresh & (~fresh + np.uint64(1))
        fresh ^= v
        more = near[_bit(v)] & rest & ~reached
        reached |= more
        fresh |= more
    return bool(some & ~reached == 0)


@compiled
def _least(low: int, high: int, total: int, target: int) -> tuple[int, int]:
    """Return the least that ``_costs`` may be if one of two units has from low to high."""
    elders = min(max(low, min(target, total - target)), high)
    twice = min(max(2 * low, total), 2 * high)
    unlike = abs(twice - total) * ALIKE // max(target, 1)
    return abs(elders - target) + abs(total - elders - target), unlike


@compiled
def _as_bits(
    part: Part,
    members: NDArray[np.int64],
    place: NDArray[np.int64],
    inside: NDArray[np.int64],
    stamp: int,
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]:
    """Return neighbours as bits, borders, the zones of each street as bits, and its first zone."""
    m, one = len(members), np.uint64(1)
    near, border = np.zeros(m, np.uint64), np.zeros((m, m), np.int64)
    streets, first = np.zeros(m, np.uint64), np.empty(m, np.int64)
    for k in range(m):
        place[members[k]] = k
    for k in range(m):
        z = members[k]
        for e in range(part.indptr[z], part.indptr[z + 1]):
            if inside[part.neighbours[e]] == stamp:
                near[k] |= one << np.uint64(place[part.neighbours[e]])
                border[k, place[part.neighbours[e]]] = part.border[e]
        first[k] = k
        for other in range(k):
            if part.street[members[other]] == part.street[z]:
                first[k] = first[other]
                break
        streets[first[k]] |= one << np.uint64(k)
    return near, border, streets, first


@compiled
def _split_anew(
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

    The first zone starts a set; one by one the zones beside it are taken or left. All that counts
    only grows with what is taken and left, and what is left must stay in one piece: where no set
    can come of it that is better than the best so far, nothing is built on.
    """
    m, one, none = len(members), np.uint64(1), np.uint64(0)
    near, border, streets, street_of = _as_bits(part, members, place, inside, stamp)
    first, full, now = unit[members[0]], none, none
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
    over_now = _over(area_now, size_now, aim.area_limit)
    over_now += _over(total_area - area_now, m - size_now, aim.area_limit)
    allowed, unlike = _costs(sum_now, total - sum_now, aim.target)
    x, y, w, best = over_now, allowed, unlike, now
    if compact:
        allowed += slack
        y, w = _pieces(now, full ^ now, streets), cut_now
    # a stack of zones taken, beside them, left; and of elders, area, zones of both sides (left
    # first), pieces of streets, and border between the two
    sets, sums = np.empty((m + 2, 3), np.uint64), np.zeros((m + 2, 8), np.int64)
    sets[0, 0], sets[0, 1], sets[0, 2] = one, near[0] & ~one, none
    sums[0, 1], sums[0, 3] = part.elders[members[0]], part.area[members[0]]
    sums[0, 5], sums[0, 6] = 1, 1
    held, top, steps = np.empty(8, np.int64), 1, 0
    while top > 0 and steps < STEPS:
        steps += 1
        top -= 1
        s, beside, left = sets[top, 0], sets[top, 1], sets[top, 2]
        held[:] = sums[top]
        if beside == none:
            p = _over(held[3], held[5], aim.area_limit)
            p += _over(total_area - held[3], m - held[5], aim.area_limit)
            q, r = _costs(held[1], total - held[1], aim.target)
            if s == full or (compact and q > allowed):
                continue
            if compact:
                q, r = _pieces(s, full ^ s, streets), held[7]
            if _before(p, q, r, x, y, w):
                x, y, w, best = p, q, r, s
            continue
        v = beside & (~beside + one)
        k = _bit(v)
        z = members[k]
        for side in range(2):
            if side == 0:
                own, others, rest, kept = left, s, full ^ s, left | v
                is_safe = left == none or near[k] & left != none
            else:
                own, others, rest, kept = s, left, full ^ s ^ v, left
                is_safe = near[k] & rest & ((near[k] & rest) - one) == none
            row = sums[top]
            row[:] = held
            row[side] += part.elders[z]
            row[2 + side] += part.area[z]
            row[4 + side] += 1
            row[6] += own & streets[street_of[k]] == none
            met = near[k] & others
            while met:
                u = met & (~met + one)
                met ^= u
                row[7] += border[k, _bit(u)]
            p = _over(row[2], row[4], aim.area_limit) + _over(row[3], row[5], aim.area_limit)
            q, r = _least(row[1], total - row[0], total, aim.target)
            if compact and q > allowed:
                continue
            if compact:
                q, r = row[6], row[7]
            if not _before(p, q, r, x, y, w):
                continue
            if not is_safe and not _in_one_piece(kept, rest, near):
                continue
            sets[top, 2] = kept
            if side == 0:
                sets[top, 0], sets[top, 1] = s, beside ^ v
            else:
                sets[top, 0] = s | v
                sets[top, 1] = (beside ^ v) | (near[k] & ~(s | left | beside))
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
def _move_zones(
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
    excess = _over(areas[0], sizes[0], aim.area_limit) + _over(areas[1], sizes[1], aim.area_limit)
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
            p = _over(areas[side] - part.area[z], sizes[side] - 1, aim.area_limit)
            p += _over(areas[1 - side] + part.area[z], sizes[1 - side] + 1, aim.area_limit)
            q, r = _costs(elders[side] - step, elders[1 - side] + step, aim.target)
            if compact:
                more = int(held[to, part.street[z]] == 0) - int(held[unit[z], part.street[z]] == 1)
                better = p <= excess and q <= allowed and (more < 0 or (more == 0 and gain > 0))
            else:
                better = _before(p, q, r, excess, deviation, unlike)
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


@compiled
def _pairs(
    part: Part, unit: NDArray[np.int64], n_units: int, stale: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the pairs of units side by side of which one is stale, as first * n_units + second."""
    pairs, count = np.empty(len(part.neighbours) // 2, np.int64), 0
    for z in range(len(unit)):
        for e in range(part.indptr[z], part.indptr[z + 1]):
            a, b = unit[z], unit[part.neighbours[e]]
            if a < b and (stale[a] or stale[b]):
                pairs[count] = a * n_units + b
                count += 1
    return np.unique(pairs[:count])


@compiled
def _recount(
    part: Part,
    aim: Aim,
    unit: NDArray[np.int64],
    members: NDArray[np.int64],
    a: int,
    b: int,
    elders: NDArray[np.int64],
    anchor: NDArray[np.int64],
) -> int:
    """Count the elders of two units anew, and return by how much more they deviate."""
    old = abs(elders[a] - aim.target) + abs(elders[b] - aim.target)
    elders[a], elders[b] = 0, 0
    for z in members:
        elders[unit[z]] += part.elders[z]
        anchor[unit[z]] = z
    return int(abs(elders[a] - aim.target) + abs(elders[b] - aim.target) - old)


@compiled
def _settle(
    part: Part,
    aim: Aim,
    unit: NDArray[np.int64],
    n_units: int,
    stale: NDArray[np.bool_],
    bound: int,
    compact: bool,
    allowed: int,
) -> None:
    """
    Split units that lie side by side anew, pair by pair, until no pair gets better.

    Only pairs with a stale unit are looked at. ``allowed`` is the most that all units together may
    deviate while they get compacter; what deviates by ``bound`` needs no equalling.
    """
    n = len(unit)
    mark, members = np.full(n, -1, np.int64), np.empty(n, np.int64)
    place, queue, stamps = np.zeros(n, np.int64), np.empty(n, np.int64), np.zeros(1, np.int64)
    held = np.zeros((n_units, part.street.max() + 1), np.int64)
    elders, anchor = np.zeros(n_units, np.int64), np.zeros(n_units, np.int64)
    for z in range(n):
        elders[unit[z]] += part.elders[z]
        anchor[unit[z]] = z
    deviation = np.abs(elders - aim.target).sum()
    stale = stale.copy()
    while stale.any():
        pairs = _pairs(part, unit, n_units, stale)
        stale[:] = False
        for pair in pairs:
            a, b = pair // n_units, pair % n_units
            if not compact and deviation == bound and aim.area_limit == NO_LIMIT:
                return
            stamps[0] += 1
            stamp = stamps[0]
            m = _gather(part, unit, anchor[a], b, mark, stamp, members)
            if mark[anchor[b]] != stamp:
                continue
            pair_zones = members[:m]
            better = False
            if m <= ENUMERATED:
                first = unit[pair_zones[0]]
                better = _split_anew(
                    part, aim, unit, pair_zones, a + b - first, compact, allowed - deviation,
                    place, mark, stamp,
                )  # fmt: skip
                deviation += _recount(part, aim, unit, pair_zones, a, b, elders, anchor)
            if m > ALL_SPLITS:
                better |= _move_zones(
                    part, aim, unit, pair_zones, a, b, compact, allowed - deviation,
                    held, mark, stamps, queue,
                )  # fmt: skip
                deviation += _recount(part, aim, unit, pair_zones, a, b, elders, anchor)
            if better:
                stale[a], stale[b] = True, True


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
                keys[count] = _random(state)
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


@compiled
def _first_of_cluster(
    part: Part,
    aim: Aim,
    unit: NDArray[np.int64],
    n_units: int,
    state: NDArray[np.uint64],
    at_bound: bool,
) -> int:
    """Choose a unit: any, or half the time one on the wrong side of the target."""
    if not at_bound and _random(state) < AIMED:
        elders, wrong, count = np.zeros(n_units, np.int64), np.empty(n_units, np.int64), 0
        for z in range(len(unit)):
            elders[unit[z]] += part.elders[z]
        surplus = elders.sum() - n_units * aim.target
        for k in range(n_units):
            if (elders[k] < aim.target and surplus >= 0) or (
                elders[k] > aim.target and surplus <= 0
            ):
                wrong[count] = k
                count += 1
        if count:
            return int(wrong[int(_random(state) * count)])
    return int(unit[int(_random(state) * len(unit))])


@compiled
def _cluster(
    part: Part, unit: NDArray[np.int64], first: int, state: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """Return two to four units that touch, the first one given; or it alone."""
    chosen, count = np.empty(CLUSTER, np.int64), 1
    wanted = 2 + int(_random(state) * (CLUSTER - 1.7))
    chosen[0] = first
    beside = np.empty(len(part.neighbours), np.int64)
    while count < wanted:
        found = 0
        for z in range(len(unit)):
            if not (chosen[:count] == unit[z]).any():
                continue
            for e in range(part.indptr[z], part.indptr[z + 1]):
                other = unit[part.neighbours[e]]
                if not (chosen[:count] == other).any():
                    beside[found] = other
                    found += 1
        if found == 0:
            break
        options = np.unique(beside[:found])
        chosen[count] = options[int(_random(state) * len(options))]
        count += 1
    return chosen[:count]


@compiled
def search(
    part: Part,
    aim: Aim,
    start: NDArray[np.int64],
    n_units: int,
    bound: int,
    rounds: int,
    state: NDArray[np.uint64],
) -> NDArray[np.int64]:
    """
    Return units no worse than those given.

    Units side by side are split anew in the best way until no pair gets better. Then, round by
    round, two to four units that touch are cut up along random trees and settled again; what is no
    worse than the best so far is kept.

    Parameters
    ----------
    part, aim
        The zones, and what units should be.
    start, n_units
        Unit of each zone, each unit connected, and their number.
    bound
        Deviation that nothing is below.
    rounds
        How often to disturb.
    state
        Of the random numbers; moves on.
    """
    best, every = start.copy(), np.ones(n_units, np.bool_)
    _settle(part, aim, best, n_units, every, bound, False, 0)
    key = judge(part, aim, best, n_units)
    _settle(part, aim, best, n_units, every, bound, True, key[1])
    key = judge(part, aim, best, n_units)
    zones = np.empty(len(start), np.int64)
    for _ in range(rounds if n_units > 1 else 0):
        unit = best.copy()
        first = _first_of_cluster(part, aim, unit, n_units, state, key[1] <= bound)
        chosen = _cluster(part, unit, first, state)
        if len(chosen) == 1:
            continue
        stale, m = np.zeros(n_units, np.bool_), 0
        stale[chosen] = True
        for z in range(len(unit)):
            if stale[unit[z]]:
                zones[m] = z
                m += 1
        cut_up(part, zones[:m], chosen, unit, state)
        _settle(part, aim, unit, n_units, stale, bound, False, 0)
        now = judge(part, aim, unit, n_units)
        if now[0] > key[0] or (now[0] == key[0] and now[1] > key[1]):
            continue
        for z in range(len(unit)):
            if unit[z] != best[z]:
                stale[unit[z]], stale[best[z]] = True, True
        _settle(part, aim, unit, n_units, stale, bound, True, now[1])
        now = judge(part, aim, unit, n_units)
        if now[0] < key[0] or (
            now[0] == key[0] and not _before(key[1], key[2], key[3], now[1], now[2], now[3])
        ):
            best, key = unit, now
    return best
