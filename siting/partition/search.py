"""
Compiled search for units of equal elders among many zones.

A layout is judged by four numbers, the earlier the weightier: area above its limit,
deviation from the target, pieces of streets, and border between units. Nothing here asks the
clock: the same part, seed and rounds give the same units everywhere.

References
----------
Deford, Duchin & Solomon (2021), Recombination: two units are merged and split anew along a
random spanning tree. Here small pairs are split anew in the best way there is, and trees only
disturb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from siting.partition.pairs import gather, move_zones, split_anew
from siting.partition.sets import NO_LIMIT, Aim, Part, before, compiled, over
from siting.partition.trees import CLUSTER, cut_up, random

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["judge", "search"]

ENUMERATED = 24  # most zones of two units whose splits are listed
ALL_SPLITS = 16  # with more, single zones are moved too: the list may be cut short
AIMED = 0.5  # share of the disturbances that begin where elders are wrong


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
        result[0] += over(area[u], size[u], aim.area_limit)
        result[1] += abs(elders[u] - aim.target)
    result[2], result[3] = held.sum(), border // 2
    return result


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
            m = gather(part, unit, anchor[a], b, mark, stamp, members)
            if mark[anchor[b]] != stamp:
                continue
            pair_zones = members[:m]
            better = False
            if m <= ENUMERATED:
                first = unit[pair_zones[0]]
                better = split_anew(
                    part, aim, unit, pair_zones, a + b - first, compact, allowed - deviation,
                    place, mark, stamp,
                )  # fmt: skip
                deviation += _recount(part, aim, unit, pair_zones, a, b, elders, anchor)
            if m > ALL_SPLITS:
                better |= move_zones(
                    part, aim, unit, pair_zones, a, b, compact, allowed - deviation,
                    held, mark, stamps, queue,
                )  # fmt: skip
                deviation += _recount(part, aim, unit, pair_zones, a, b, elders, anchor)
            if better:
                stale[a], stale[b] = True, True


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
def _first_of_cluster(
    part: Part,
    aim: Aim,
    unit: NDArray[np.int64],
    n_units: int,
    state: NDArray[np.uint64],
    at_bound: bool,
) -> int:
    """Choose a unit: any, or half the time one on the wrong side of the target."""
    if not at_bound and random(state) < AIMED:
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
            return int(wrong[int(random(state) * count)])
    return int(unit[int(random(state) * len(unit))])


@compiled
def _cluster(
    part: Part, unit: NDArray[np.int64], first: int, state: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """Return two to four units that touch, the first one given; or it alone."""
    chosen, count = np.empty(CLUSTER, np.int64), 1
    wanted = 2 + int(random(state) * (CLUSTER - 1.7))
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
        chosen[count] = options[int(random(state) * len(options))]
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
            now[0] == key[0] and not before(key[1], key[2], key[3], now[1], now[2], now[3])
        ):
            best, key = unit, now
    return best
