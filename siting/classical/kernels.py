"""Compiled kernels of covering: equal columns, dominance, greedy choice and exchange."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "classes_by_key",
    "classes_of",
    "exchange",
    "greedy",
    "hold_together",
    "needless_columns",
    "needless_rows",
    "spare",
]

compiled = njit(nogil=True, cache=True, error_model="numpy")


@compiled
def _keys(
    start: NDArray[np.int64], demand: NDArray[np.int32], n: int, words: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return two sums of words for each point, and how many sites reach it."""
    key, count = np.zeros((n, 2), np.uint64), np.zeros(n, np.int64)
    for s in range(len(start) - 1):
        for k in range(start[s], start[s + 1]):
            key[demand[k], 0] += words[0, s]
            key[demand[k], 1] += words[1, s]
            count[demand[k]] += 1
    return key, count


@compiled
def classes_of(
    start: NDArray[np.int64], demand: NDArray[np.int32], n: int, words: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the class of each point, -1 where nothing reaches it, and the first of each class."""
    key, count = _keys(start, demand, n, words)
    return classes_by_key(key, count)


@compiled
def classes_by_key(
    key: NDArray[np.uint64], count: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the class of each point by its key, -1 where its count is 0, and the first of each."""
    n, size = len(count), 16
    while size < 2 * n:
        size *= 2
    table = np.full(size, -1, np.int64)
    group, first = np.full(n, -1, np.int64), np.empty(n, np.int64)
    found = 0
    for i in range(n):
        if count[i] == 0:
            continue
        place = np.int64((key[i, 0] >> np.uint64(3)) & np.uint64(size - 1))
        while table[place] >= 0:
            other = first[table[place]]
            if key[other, 0] == key[i, 0] and key[other, 1] == key[i, 1]:
                break
            place = (place + 1) & (size - 1)
        if table[place] < 0:
            table[place] = found
            first[found] = i
            found += 1
        group[i] = table[place]
    return group, first[:found].copy()


@compiled
def hold_together(
    start: NDArray[np.int64],
    demand: NDArray[np.int32],
    group: NDArray[np.int64],
    first: NDArray[np.int64],
) -> bool:
    """Return whether all points of a class are reached by the same sites as its first."""
    n, n_classes = len(group), len(first)
    leads, mark = np.zeros(n, np.bool_), np.full(n_classes, -1, np.int64)
    leads[first] = True
    size, count = np.zeros(n_classes, np.int64), np.zeros(n, np.int64)
    for s in range(len(start) - 1):
        for k in range(start[s], start[s + 1]):
            count[demand[k]] += 1
            if leads[demand[k]]:
                mark[group[demand[k]]] = s
                size[group[demand[k]]] += 1
        for k in range(start[s], start[s + 1]):
            if mark[group[demand[k]]] != s:
                return False
    inside = group >= 0
    return bool((count[inside] == size[group[inside]]).all())


@compiled
def _held(
    start: NDArray[np.int64], item: NDArray[np.int32], a: int, stamp: NDArray[np.int64]
) -> int:
    """Return how many items of a set bear the stamp of the set in hand."""
    found = 0
    for k in range(start[a], start[a + 1]):
        if stamp[item[k]] >= 0:
            found += 1
    return found


@compiled
def _live_sizes(
    start: NDArray[np.int64], item: NDArray[np.int32], live: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return how many live items each set has."""
    size = np.zeros(len(start) - 1, np.int64)
    for a in range(len(size)):
        for k in range(start[a], start[a + 1]):
            size[a] += live[item[k]]
    return size


@compiled
def _rarest(
    start: NDArray[np.int64],
    item: NDArray[np.int32],
    a: int,
    live: NDArray[np.bool_],
    other_start: NDArray[np.int64],
) -> int:
    """Return the live item of a set that the fewest sets hold; -1 where there is none."""
    best, fewest = -1, np.int64(1 << 62)
    for k in range(start[a], start[a + 1]):
        j = item[k]
        degree = other_start[j + 1] - other_start[j]
        if live[j] and degree < fewest:
            best, fewest = j, degree
    return best


@compiled
def needless_rows(
    row_start: NDArray[np.int64],
    row_item: NDArray[np.int32],
    column_start: NDArray[np.int64],
    column_item: NDArray[np.int32],
    live: NDArray[np.bool_],
    most_work: int,
) -> NDArray[np.bool_]:
    """Return which live rows stay when each that holds all columns of another is left out."""
    stay, work = live.copy(), np.int64(0)
    every = np.ones(len(column_start) - 1, np.bool_)
    stamp = np.full(len(column_start) - 1, -1, np.int64)
    for a in range(len(live)):
        if not stay[a] or work > most_work:
            continue
        size = row_start[a + 1] - row_start[a]
        rare = _rarest(row_start, row_item, a, every, column_start)
        for k in range(row_start[a], row_start[a + 1]):
            stamp[row_item[k]] = a
        for k in range(column_start[rare], column_start[rare + 1]):
            b = column_item[k]
            if b == a or not stay[b] or row_start[b + 1] - row_start[b] < size:
                continue
            work += row_start[b + 1] - row_start[b]
            if _held(row_start, row_item, b, stamp) == size:
                stay[b] = False
        for k in range(row_start[a], row_start[a + 1]):
            stamp[row_item[k]] = -1
    return stay


@compiled
def needless_columns(
    row_start: NDArray[np.int64],
    row_item: NDArray[np.int32],
    column_start: NDArray[np.int64],
    column_item: NDArray[np.int32],
    cost: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    live: NDArray[np.bool_],
    most_work: int,
) -> NDArray[np.bool_]:
    """Return which columns stay when each that another makes needless is left out."""
    size = _live_sizes(column_start, column_item, live)
    stay, work = allowed & (size > 0), np.int64(0)
    stamp = np.full(len(live), -1, np.int64)
    for b in range(len(stay)):
        if not stay[b] or work > most_work:
            continue
        rare = _rarest(column_start, column_item, b, live, row_start)
        for k in range(column_start[b], column_start[b + 1]):
            if live[column_item[k]]:
                stamp[column_item[k]] = b
        for k in range(row_start[rare], row_start[rare + 1]):
            a = row_item[k]
            if a == b or not stay[a] or size[a] < size[b] or cost[a] > cost[b]:
                continue
            work += column_start[a + 1] - column_start[a]
            if _held(column_start, column_item, a, stamp) == size[b]:
                stay[b] = False
                break
        for k in range(column_start[b], column_start[b + 1]):
            stamp[column_item[k]] = -1
    return stay


@compiled
def greedy(
    row_start: NDArray[np.int64],
    row_item: NDArray[np.int32],
    column_start: NDArray[np.int64],
    column_item: NDArray[np.int32],
    weight: NDArray[np.float64],
    cost: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    money: float,
    enough: float,
) -> NDArray[np.bool_]:
    """Return sites taken by most new weight for their cost, until money or need ends."""
    n_sites = len(cost)
    gain, done = np.zeros(n_sites), np.zeros(len(weight), np.bool_)
    for s in range(n_sites):
        for k in range(column_start[s], column_start[s + 1]):
            gain[s] += weight[column_item[k]]
    heap = [(-gain[s] / max(cost[s], 1e-12), s) for s in range(n_sites) if allowed[s]]
    heapq.heapify(heap)
    chosen, reached, spent = np.zeros(n_sites, np.bool_), 0.0, 0.0
    while len(heap) > 0 and reached < enough:
        key, s = heapq.heappop(heap)
        now = -gain[s] / max(cost[s], 1e-12)
        if gain[s] <= 0.0 or spent + cost[s] > money:
            continue
        if now > key + 1e-12 * abs(key):
            heapq.heappush(heap, (now, s))
            continue
        chosen[s] = True
        spent += cost[s]
        for k in range(column_start[s], column_start[s + 1]):
            c = column_item[k]
            if not done[c]:
                done[c] = True
                reached += weight[c]
                for m in range(row_start[c], row_start[c + 1]):
                    gain[row_item[m]] -= weight[c]
    return chosen


@compiled
def spare(
    column_start: NDArray[np.int64],
    column_item: NDArray[np.int32],
    n_rows: int,
    cost: NDArray[np.float64],
    chosen: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return chosen sites without those, dearest first, that cover nothing alone."""
    count, left = np.zeros(n_rows, np.int64), chosen.copy()
    for s in np.flatnonzero(chosen):
        for k in range(column_start[s], column_start[s + 1]):
            count[column_item[k]] += 1
    for s in np.argsort(-cost, kind="mergesort"):
        if not left[s]:
            continue
        needed = False
        for k in range(column_start[s], column_start[s + 1]):
            if count[column_item[k]] == 1:
                needed = True
                break
        if not needed:
            left[s] = False
            for k in range(column_start[s], column_start[s + 1]):
                count[column_item[k]] -= 1
    return left


@compiled
def _move(
    s: int,
    step: int,
    row_start: NDArray[np.int64],
    row_item: NDArray[np.int32],
    column_start: NDArray[np.int64],
    column_item: NDArray[np.int32],
    weight: NDArray[np.float64],
    count: NDArray[np.int64],
    gain: NDArray[np.float64],
) -> float:
    """Open (1) or close (-1) a site; keep what each site would add; return the change."""
    change = 0.0
    for k in range(column_start[s], column_start[s + 1]):
        c = column_item[k]
        before = count[c]
        count[c] = before + step
        if (before == 0) != (count[c] == 0):
            change += step * weight[c]
            for m in range(row_start[c], row_start[c + 1]):
                gain[row_item[m]] -= step * weight[c]
    return change


@compiled
def _most(
    gain: NDArray[np.float64],
    cost: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    sites: NDArray[np.bool_],
    money: float,
    t: int,
    lost: float,
) -> int:
    """Return the site that would add most and can be paid; the one closed where none adds more."""
    best, most = t, lost + 1e-9 * max(lost, 1.0)
    for s in range(len(cost)):
        if gain[s] > most and allowed[s] and not sites[s] and cost[s] <= money:
            best, most = s, gain[s]
    return best


@compiled
def exchange(
    row_start: NDArray[np.int64],
    row_item: NDArray[np.int32],
    column_start: NDArray[np.int64],
    column_item: NDArray[np.int32],
    weight: NDArray[np.float64],
    cost: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    money: float,
    chosen: NDArray[np.bool_],
    most_rounds: int,
) -> NDArray[np.bool_]:
    """Return sites after one was exchanged for another as long as that covers more."""
    count, gain = np.zeros(len(weight), np.int64), np.zeros(len(cost))
    sites, spent = chosen.copy(), 0.0
    for s in range(len(cost)):
        for k in range(column_start[s], column_start[s + 1]):
            gain[s] += weight[column_item[k]]
        if sites[s]:
            spent += cost[s]
    for s in range(len(cost)):
        if sites[s]:
            _move(s, 1, row_start, row_item, column_start, column_item, weight, count, gain)
    for _ in range(most_rounds):
        better = False
        for t in range(len(cost)):
            if not sites[t]:
                continue
            lost = -_move(
                t, -1, row_start, row_item, column_start, column_item, weight, count, gain
            )
            sites[t] = False
            money_left = money - spent + cost[t]
            best = _most(gain, cost, allowed, sites, money_left, t, lost)
            _move(best, 1, row_start, row_item, column_start, column_item, weight, count, gain)
            sites[best] = True
            spent += cost[best] - cost[t]
            better = better or best != t
        if not better:
            break
    return sites
