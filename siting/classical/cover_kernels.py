"""Compiled local search for covers: rows left open too often weigh more and more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["drawn", "exchange_covers"]

compiled = njit(nogil=True, cache=True, error_model="numpy")

SAMPLE = 60
"""Sites looked at when one is to be closed, where more are open."""


@compiled
def drawn(state: NDArray[np.uint64], n: int) -> np.int64:
    """Return a number below n, and step the state on (xorshift)."""
    word = state[0]
    word ^= word << np.uint64(13)
    word ^= word >> np.uint64(7)
    word ^= word << np.uint64(17)
    state[0] = word
    return np.int64((word >> np.uint64(11)) % np.uint64(n))


@compiled
def _put(
    s: int, place: NDArray[np.int64], listed: NDArray[np.int64], size: NDArray[np.int64]
) -> None:
    """Add an item to a list that knows where each stands."""
    place[s], listed[size[0]] = size[0], s
    size[0] += 1


@compiled
def _take(
    s: int, place: NDArray[np.int64], listed: NDArray[np.int64], size: NDArray[np.int64]
) -> None:
    """Take an item out of such a list."""
    size[0] -= 1
    last = listed[size[0]]
    listed[place[s]], place[last], place[s] = last, place[s], -1


@compiled
def _shift(
    s: int,
    row_start: NDArray[np.int64],
    row_item: NDArray[np.int32],
    column_start: NDArray[np.int64],
    column_item: NDArray[np.int32],
    count: NDArray[np.int64],
    weight: NDArray[np.int64],
    score: NDArray[np.int64],
    is_open: NDArray[np.bool_],
    left_place: NDArray[np.int64],
    left: NDArray[np.int64],
    n_left: NDArray[np.int64],
    may: NDArray[np.bool_],
) -> None:
    """Open a closed site or close an open one; keep what each would add, or lose."""
    step = -1 if is_open[s] else 1
    is_open[s] = step > 0
    score[s] = -score[s]
    for k in range(column_start[s], column_start[s + 1]):
        c = column_item[k]
        before = count[c]
        count[c] = before + step
        after = count[c]
        if before + after == 1:
            if step > 0:
                _take(c, left_place, left, n_left)
            else:
                _put(c, left_place, left, n_left)
        few = before + after
        for m in range(row_start[c], row_start[c + 1]):
            t = row_item[m]
            if t == s:
                continue
            may[t] = True
            if few == 1:
                score[t] -= step * weight[c]
            elif few == 3 and is_open[t]:  # noqa: PLR2004
                score[t] += step * weight[c]


@compiled
def _to_close(
    cost: NDArray[np.float64],
    score: NDArray[np.int64],
    since: NDArray[np.int64],
    listed: NDArray[np.int64],
    n_listed: int,
    kept: int,
    state: NDArray[np.uint64],
) -> int:
    """Return the open site that loses least for its cost, the one longest so among equals."""
    best, looks = -1, min(n_listed, SAMPLE)
    for k in range(looks):
        s = listed[k if n_listed <= SAMPLE else drawn(state, n_listed)]
        if s == kept:
            continue
        if best < 0:
            best = s
            continue
        apart = score[s] * cost[best] - score[best] * cost[s]
        if apart > 0 or (apart == 0 and since[s] < since[best]):
            best = s
    return best


@compiled
def _to_open(
    c: int,
    row_start: NDArray[np.int64],
    row_item: NDArray[np.int32],
    cost: NDArray[np.float64],
    score: NDArray[np.int64],
    since: NDArray[np.int64],
    may: NDArray[np.bool_],
) -> int:
    """Return the site over a row that adds most for its cost, the one longest closed of equals."""
    best = -1
    for m in range(row_start[c], row_start[c + 1]):
        s = row_item[m]
        if not may[s]:
            continue
        if best < 0:
            best = s
            continue
        apart = score[s] * cost[best] - score[best] * cost[s]
        if apart > 0 or (apart == 0 and since[s] < since[best]):
            best = s
    return best


@compiled
def _weigh(
    row_start: NDArray[np.int64],
    row_item: NDArray[np.int32],
    left: NDArray[np.int64],
    n_left: int,
    weight: NDArray[np.int64],
    score: NDArray[np.int64],
) -> None:
    """Let every row that is left open weigh one more."""
    for k in range(n_left):
        c = left[k]
        weight[c] += 1
        for m in range(row_start[c], row_start[c + 1]):
            score[row_item[m]] += 1


@compiled
def exchange_covers(  # noqa: C901, PLR0912 - one loop, compiled
    row_start: NDArray[np.int64],
    row_item: NDArray[np.int32],
    column_start: NDArray[np.int64],
    column_item: NDArray[np.int32],
    cost: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    best: NDArray[np.bool_],
    weight: NDArray[np.int64],
    goal: float,
    steps: int,
    seed: int,
) -> None:
    """Walk on from the sites chosen; they, the cheapest cover met and the weights are kept."""
    n, n_rows = len(cost), len(weight)
    state = np.array([seed * 2654435761 + 88172645463325252], np.uint64)
    count, score = np.zeros(n_rows, np.int64), np.zeros(n, np.int64)
    since, may, is_open = np.zeros(n, np.int64), np.ones(n, np.bool_), np.zeros(n, np.bool_)
    place, listed, size = np.full(n, -1, np.int64), np.empty(n, np.int64), np.zeros(1, np.int64)
    left_place, left, n_left = np.arange(n_rows), np.arange(n_rows), np.full(1, n_rows, np.int64)
    for s in range(n):
        for k in range(column_start[s], column_start[s + 1]):
            score[s] += weight[column_item[k]]
    spent = 0.0
    for s in range(n):
        if not chosen[s]:
            continue
        _shift(
            s, row_start, row_item, column_start, column_item, count, weight, score, is_open,
            left_place, left, n_left, may,
        )  # fmt: skip
        _put(s, place, listed, size)
        spent += cost[s]
    least, kept = float(cost[best].sum()), -1
    for turn in range(1, steps + 1):
        while n_left[0] == 0 or spent >= least:
            if n_left[0] == 0 and spent < least:
                least = spent
                best[:] = is_open
                if least <= goal:
                    return
            if size[0] == 0:
                return
            s = _to_close(cost, score, since, listed, size[0], -1, state)
            _shift(
                s, row_start, row_item, column_start, column_item, count, weight, score, is_open,
                left_place, left, n_left, may,
            )  # fmt: skip
            _take(s, place, listed, size)
            spent -= cost[s]
            since[s], may[s] = turn, False
        if size[0] > 1:
            s = _to_close(cost, score, since, listed, size[0], kept, state)
            if s >= 0:
                _shift(
                    s, row_start, row_item, column_start, column_item, count, weight, score,
                    is_open, left_place, left, n_left, may,
                )  # fmt: skip
                _take(s, place, listed, size)
                spent -= cost[s]
                since[s], may[s] = turn, False
        while n_left[0] > 0:
            row = left[drawn(state, n_left[0])]
            s = _to_open(row, row_start, row_item, cost, score, since, may)
            if s < 0 or spent + cost[s] >= least:
                break
            _shift(
                s, row_start, row_item, column_start, column_item, count, weight, score, is_open,
                left_place, left, n_left, may,
            )  # fmt: skip
            _put(s, place, listed, size)
            spent += cost[s]
            since[s], kept = turn, s
            _weigh(row_start, row_item, left, n_left[0], weight, score)
        _weigh(row_start, row_item, left, n_left[0], weight, score)
    chosen[:] = is_open
