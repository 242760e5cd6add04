"""Compiled kernels of the p-center: swaps guided by weights of rows, and looks at some points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["columns_of", "reached_shares", "weighted_swaps"]

compiled = njit(nogil=True, cache=True, error_model="numpy")

A, C, MASK = 6364136223846793005, 1442695040888963407, 0x7FFFFFFF
"""Numbers of a linear congruential generator: the same draws on every machine."""


@compiled
def _draw(state: NDArray[np.uint64], most: int) -> int:
    """Return a number by chance, below a most."""
    state[0] = state[0] * np.uint64(A) + np.uint64(C)
    return int(np.int64((state[0] >> np.uint64(33)) & np.uint64(MASK)) % most)


@compiled
def _flip(
    s: int,
    step: int,
    row_start: NDArray[np.int64],
    row_site: NDArray[np.int32],
    site_start: NDArray[np.int64],
    site_row: NDArray[np.int32],
    weight: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    count: NDArray[np.int64],
    score: NDArray[np.float64],
) -> None:
    """Open (1) or close (-1) a site; keep what each site adds where closed, loses where open."""
    chosen[s] = step > 0
    for k in range(site_start[s], site_start[s + 1]):
        row = site_row[k]
        before = count[row]
        count[row] = before + step
        low = min(before, count[row])
        if low > 1:
            continue
        for m in range(row_start[row], row_start[row + 1]):
            other = row_site[m]
            if other != s and chosen[other] == (low == 1):
                score[other] -= step * weight[row]
    score[s] = 0.0
    for k in range(site_start[s], site_start[s + 1]):
        row = site_row[k]
        if count[row] == (1 if chosen[s] else 0):
            score[s] += weight[row]


@compiled
def _closing(
    chosen: NDArray[np.bool_], score: NDArray[np.float64], when: NDArray[np.int64], last: int
) -> int:
    """Return the open site that loses least, of such the longest open; the last only if alone."""
    best = -1
    for s in range(len(chosen)):
        if not chosen[s] or s == last:
            continue
        if best < 0 or score[s] < score[best] or (score[s] == score[best] and when[s] < when[best]):
            best = s
    return last if best < 0 else best


@compiled
def _opening(
    row: int,
    row_start: NDArray[np.int64],
    row_site: NDArray[np.int32],
    score: NDArray[np.float64],
    when: NDArray[np.int64],
    last: int,
) -> int:
    """Return the site of a row that adds most, of such the one that moved longest ago."""
    best = -1
    for k in range(row_start[row], row_start[row + 1]):
        s = row_site[k]
        if s == last and row_start[row + 1] - row_start[row] > 1:
            continue
        if best < 0 or score[s] > score[best] or (score[s] == score[best] and when[s] < when[best]):
            best = s
    return best


@compiled
def _note_missed(count: NDArray[np.int64], missed: NDArray[np.int64]) -> int:
    """Note the rows that no open site covers; return how many."""
    left = 0
    for row in range(len(count)):
        if count[row] == 0:
            missed[left] = row
            left += 1
    return left


@compiled
def _weigh(
    missed: NDArray[np.int64],
    row_start: NDArray[np.int64],
    row_site: NDArray[np.int32],
    weight: NDArray[np.float64],
    count: NDArray[np.int64],
    score: NDArray[np.float64],
) -> None:
    """Let rows that are still missed weigh more."""
    for k in range(len(missed)):
        row = missed[k]
        if count[row] == 0:
            weight[row] += 1.0
            for m in range(row_start[row], row_start[row + 1]):
                score[row_site[m]] += 1.0


@compiled
def weighted_swaps(
    row_start: NDArray[np.int64],
    row_site: NDArray[np.int32],
    site_start: NDArray[np.int64],
    site_row: NDArray[np.int32],
    given: NDArray[np.bool_],
    weight: NDArray[np.float64],
    seed: NDArray[np.uint64],
    most_swaps: int,
) -> tuple[NDArray[np.bool_], int]:
    """
    Swap sites until all rows are covered or enough swaps are made; return sites and rows missed.

    One that loses least is closed, and one opened that covers a missed row drawn by chance; missed
    rows then weigh more (row weighting, Gao, Weise & Li 2015). Weights and seed are kept in place.
    """
    n_rows, n_sites = len(row_start) - 1, len(given)
    chosen, count = np.zeros(n_sites, np.bool_), np.zeros(n_rows, np.int64)
    score, when = np.zeros(n_sites), np.zeros(n_sites, np.int64)
    parts = row_start, row_site, site_start, site_row
    for s in range(n_sites):
        for k in range(site_start[s], site_start[s + 1]):
            score[s] += weight[site_row[k]]
    for s in range(n_sites):
        if given[s]:
            _flip(s, 1, *parts, weight, chosen, count, score)
    missed, last = np.zeros(n_rows, np.int64), -1
    fewest, best = n_rows + 1, chosen.copy()
    for turn in range(most_swaps):
        left = _note_missed(count, missed)
        if left < fewest:
            fewest, best = left, chosen.copy()
        out = _closing(chosen, score, when, last)
        if left == 0 or out < 0:
            break
        row = missed[_draw(seed, left)]
        _flip(out, -1, *parts, weight, chosen, count, score)
        last = _opening(row, row_start, row_site, score, when, out)
        _flip(last, 1, *parts, weight, chosen, count, score)
        when[out], when[last] = turn, turn
        _weigh(missed[:left], row_start, row_site, weight, count, score)
    return best, fewest


@compiled
def _spot(demand: NDArray[np.int32], low: int, high: int, point: int) -> int:
    """Return the place of a point among ascending ones from low to high."""
    while low < high:
        middle = (low + high) // 2
        if demand[middle] < point:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def columns_of(
    start: NDArray[np.int64],
    demand: NDArray[np.int32],
    metres: NDArray[np.float64],
    points: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Return the sites of some points, which of the points each is for, and metres, by site."""
    n_sites, n = len(start) - 1, len(points)
    site, place = np.empty(n_sites * n, np.int32), np.empty(n_sites * n, np.int32)
    apart, found = np.empty(n_sites * n), 0
    for s in range(n_sites):
        for q in range(n):
            k = _spot(demand, start[s], start[s + 1], points[q])
            if k < start[s + 1] and demand[k] == points[q]:
                site[found], place[found], apart[found] = s, q, metres[k]
                found += 1
    return site[:found].copy(), place[:found].copy(), apart[:found].copy()


@compiled
def reached_shares(
    start: NDArray[np.int64],
    demand: NDArray[np.int32],
    metres: NDArray[np.float64],
    n: int,
    cutoff: float,
    shares: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the sum of the shares of the sites within a cutoff of each point."""
    total = np.zeros(n)
    for s in range(len(shares)):
        if shares[s] <= 0.0:
            continue
        for k in range(start[s], start[s + 1]):
            if metres[k] <= cutoff:
                total[demand[k]] += shares[s]
    return total
