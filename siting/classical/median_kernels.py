"""Compiled kernels of the p-median: greedy choice, interchange, and cuts on sorted distances."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["cut_terms", "interchange", "levels", "take"]

compiled = njit(nogil=True, cache=True, error_model="numpy")


@compiled
def take(
    site_start: NDArray[np.int64],
    site_demand: NDArray[np.int32],
    site_metres: NDArray[np.float64],
    weight: NDArray[np.float64],
    far: float,
    start: NDArray[np.bool_],
    p: int,
) -> NDArray[np.bool_]:
    """Return p sites: some that are given, then each time the one that shortens most."""
    n_sites, chosen = len(start), start.copy()
    nearest = np.full(len(weight), far)
    for s in range(n_sites):
        if not chosen[s]:
            continue
        for k in range(site_start[s], site_start[s + 1]):
            nearest[site_demand[k]] = min(nearest[site_demand[k]], site_metres[k])
    heap = [(-1e300, s) for s in range(n_sites) if not chosen[s]]
    count = chosen.sum()
    while count < p and len(heap) > 0:
        s = heapq.heappop(heap)[1]
        saved = 0.0
        for k in range(site_start[s], site_start[s + 1]):
            i = site_demand[k]
            saved += weight[i] * max(nearest[i] - site_metres[k], 0.0)
        if len(heap) > 0 and -saved > heap[0][0]:
            heapq.heappush(heap, (-saved, s))
            continue
        chosen[s] = True
        count += 1
        for k in range(site_start[s], site_start[s + 1]):
            nearest[site_demand[k]] = min(nearest[site_demand[k]], site_metres[k])
    return chosen


@compiled
def _two_nearest(
    i: int,
    start: NDArray[np.int64],
    site: NDArray[np.int32],
    metres: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    far: float,
    first: NDArray[np.int64],
    near: NDArray[np.float64],
    second: NDArray[np.int64],
    next_near: NDArray[np.float64],
) -> None:
    """Note the nearest open site of a point, the one after it, and how far they are."""
    first[i], second[i], near[i], next_near[i] = -1, -1, far, far
    for k in range(start[i], start[i + 1]):
        if not chosen[site[k]]:
            continue
        if first[i] < 0:
            first[i], near[i] = site[k], metres[k]
        else:
            second[i], next_near[i] = site[k], metres[k]
            return


@compiled
def _saved(
    s: int,
    site_start: NDArray[np.int64],
    site_demand: NDArray[np.int32],
    site_metres: NDArray[np.float64],
    weight: NDArray[np.float64],
    first: NDArray[np.int64],
    near: NDArray[np.float64],
    next_near: NDArray[np.float64],
    loss: NDArray[np.float64],
) -> float:
    """Return what opening a site saves; lessen the loss of closing each other one."""
    gain = 0.0
    for k in range(site_start[s], site_start[s + 1]):
        i = site_demand[k]
        metres = site_metres[k]
        if metres >= next_near[i]:
            continue
        gain += weight[i] * max(near[i] - metres, 0.0)
        if first[i] >= 0:
            loss[first[i]] -= weight[i] * (next_near[i] - max(metres, near[i]))
    return gain


@compiled
def _losses(
    weight: NDArray[np.float64],
    first: NDArray[np.int64],
    near: NDArray[np.float64],
    next_near: NDArray[np.float64],
    base: NDArray[np.float64],
) -> None:
    """Note what closing each open site loses."""
    base[:] = 0.0
    for i in range(len(weight)):
        if first[i] >= 0:
            base[first[i]] += weight[i] * (next_near[i] - near[i])


@compiled
def _swapped(
    s: int,
    out: int,
    start: NDArray[np.int64],
    site: NDArray[np.int32],
    metres: NDArray[np.float64],
    site_start: NDArray[np.int64],
    site_demand: NDArray[np.int32],
    site_metres: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    far: float,
    first: NDArray[np.int64],
    near: NDArray[np.float64],
    second: NDArray[np.int64],
    next_near: NDArray[np.float64],
) -> None:
    """Note the two nearest anew where one site was opened and one closed."""
    for i in range(len(first)):
        if out in (first[i], second[i]):
            _two_nearest(i, start, site, metres, chosen, far, first, near, second, next_near)
    for k in range(site_start[s], site_start[s + 1]):
        i = site_demand[k]
        if first[i] != s and site_metres[k] < next_near[i]:
            _two_nearest(i, start, site, metres, chosen, far, first, near, second, next_near)


@compiled
def interchange(
    start: NDArray[np.int64],
    site: NDArray[np.int32],
    metres: NDArray[np.float64],
    site_start: NDArray[np.int64],
    site_demand: NDArray[np.int32],
    site_metres: NDArray[np.float64],
    weight: NDArray[np.float64],
    far: float,
    allowed: NDArray[np.bool_],
    given: NDArray[np.bool_],
    most_swaps: int,
) -> NDArray[np.bool_]:
    """Return sites after one was swapped for another as long as that shortens (Whitaker 1983)."""
    n, n_sites = len(weight), len(given)
    chosen = given.copy()
    first, second = np.empty(n, np.int64), np.empty(n, np.int64)
    near, next_near = np.empty(n), np.empty(n)
    base = np.zeros(n_sites)
    for i in range(n):
        _two_nearest(i, start, site, metres, chosen, far, first, near, second, next_near)
    _losses(weight, first, near, next_near, base)
    opened = np.flatnonzero(chosen)
    idle, s, swaps = 0, 0, 0
    total = (weight * near).sum()
    while idle < n_sites and swaps < most_swaps:
        idle += 1
        if allowed[s] and not chosen[s]:
            loss = base.copy()
            gain = _saved(
                s, site_start, site_demand, site_metres, weight, first, near, next_near, loss
            )
            place = np.argmin(loss[opened])
            out = opened[place]
            if gain - loss[out] > 1e-9 * max(total, 1e-9):
                chosen[s], chosen[out], opened[place] = True, False, s
                _swapped(
                    s, out, start, site, metres, site_start, site_demand, site_metres, chosen, far,
                    first, near, second, next_near,
                )  # fmt: skip
                _losses(weight, first, near, next_near, base)
                total = (weight * near).sum()
                idle, swaps = 0, swaps + 1
        s = (s + 1) % n_sites
    return chosen


@compiled
def levels(
    start: NDArray[np.int64],
    site: NDArray[np.int32],
    metres: NDArray[np.float64],
    farthest: NDArray[np.float64],
    taken: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return, for each point, the metres at which sites add up to 1, and the metres on the way."""
    n = len(farthest)
    level, mean = farthest.copy(), np.zeros(n)
    for i in range(n):
        total, way = 0.0, 0.0
        for k in range(start[i], start[i + 1]):
            if metres[k] >= farthest[i]:
                break
            part = min(taken[site[k]], 1.0 - total)
            total += part
            way += part * metres[k]
            if total >= 1.0 - 1e-9:
                level[i] = metres[k]
                break
        mean[i] = way + max(1.0 - total, 0.0) * level[i]
    return level, mean


@compiled
def cut_terms(
    start: NDArray[np.int64],
    site: NDArray[np.int32],
    metres: NDArray[np.float64],
    weight: NDArray[np.float64],
    level: NDArray[np.float64],
    wanted: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Return CSR of what each nearer site saves for some points against their level."""
    ends = np.zeros(len(wanted) + 1, np.int64)
    for w in range(len(wanted)):
        k = start[wanted[w]]
        while k < start[wanted[w] + 1] and metres[k] < level[wanted[w]]:
            k += 1
        ends[w + 1] = ends[w] + k - start[wanted[w]]
    item, saved = np.empty(ends[-1], np.int32), np.empty(ends[-1])
    for w in range(len(wanted)):
        i = wanted[w]
        for k in range(ends[w + 1] - ends[w]):
            item[ends[w] + k] = site[start[i] + k]
            saved[ends[w] + k] = weight[i] * (level[i] - metres[start[i] + k])
    return ends, item, saved
