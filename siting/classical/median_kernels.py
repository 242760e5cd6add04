"""Compiled kernels of the p-median: greedy choice and interchange."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["interchange", "take"]

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
    for j in range(len(base)):
        base[j] = 0.0
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
def _least(loss: NDArray[np.float64], opened: NDArray[np.int64]) -> int:
    """Return the place of the open site whose closing loses least."""
    best = 0
    for place in range(1, len(opened)):
        if loss[opened[place]] < loss[opened[best]]:
            best = place
    return best


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
    chosen: NDArray[np.bool_],
    first_site: int,
    most_steps: int,
) -> tuple[int, bool]:
    """
    Swap one site for another as long as that shortens, in place (Whitaker 1983).

    Returns
    -------
    next_site, over
        Where to go on, and whether no swap of two sites shortens any more.
    """
    n, n_sites = len(weight), len(chosen)
    first, second = np.empty(n, np.int64), np.empty(n, np.int64)
    near, next_near = np.empty(n), np.empty(n)
    base, loss = np.zeros(n_sites), np.zeros(n_sites)
    for i in range(n):
        _two_nearest(i, start, site, metres, chosen, far, first, near, second, next_near)
    _losses(weight, first, near, next_near, base)
    opened = np.flatnonzero(chosen)
    idle, s, steps = 0, first_site, 0
    total = (weight * near).sum()
    while idle < n_sites and steps < most_steps and len(opened) > 0:
        idle += 1
        if allowed[s] and not chosen[s]:
            steps += site_start[s + 1] - site_start[s] + 2 * len(opened)
            for place in range(len(opened)):
                loss[opened[place]] = base[opened[place]]
            gain = _saved(
                s, site_start, site_demand, site_metres, weight, first, near, next_near, loss
            )
            place = _least(loss, opened)
            out = opened[place]
            if gain - loss[out] > 1e-9 * max(total, 1e-9):
                chosen[s], chosen[out], opened[place] = True, False, s
                _swapped(
                    s, out, start, site, metres, site_start, site_demand, site_metres, chosen, far,
                    first, near, second, next_near,
                )  # fmt: skip
                _losses(weight, first, near, next_near, base)
                total = (weight * near).sum()
                steps += 4 * n
                idle = 0
        s = (s + 1) % n_sites
    return s, idle >= n_sites
