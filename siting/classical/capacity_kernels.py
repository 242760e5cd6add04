"""Compiled kernels of prices of elders: what sites with room save at them, and better prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from siting.classical.dual_kernels import (
    BOUND,
    FACTOR,
    FREE,
    HELD,
    LONGER,
    LONGEST,
    OUT,
    QUICK,
    SLOW,
    TURN,
    YOUNG,
    Dual,
    keep,
)  # fmt: skip

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.transport_kernels import Rooms

__all__ = ["ascend"]

compiled = njit(nogil=True, cache=True, error_model="numpy")

FLAT = 1e-9
"""Mean direction, as a share of all elders, below which no prices are better."""


@compiled
def _liking(
    rooms: Rooms, site: int, price: NDArray[np.float64], highest: float,
    gain: NDArray[np.float64], who: NDArray[np.int64],
) -> int:  # fmt: skip
    """Note the points that a site serves below their price, and by how much; return how many."""
    count = 0
    for at in range(rooms.start[site], rooms.start[site + 1]):
        if rooms.metres[at] >= highest:
            break
        j = rooms.point[at]
        below = price[j] - rooms.metres[at]
        if below > 0:
            gain[count], who[count] = below, j
            count += 1
    return count


@compiled
def _halved(
    gain: NDArray[np.float64], who: NDArray[np.int64], low: int, high: int
) -> tuple[int, int]:
    """Order so that gains up to the first place returned are no less than from the second on."""
    middle = gain[(low + high) // 2]
    a, b = low, high
    while a <= b:
        while gain[a] > middle:
            a += 1
        while gain[b] < middle:
            b -= 1
        if a <= b:
            gain[a], gain[b] = gain[b], gain[a]
            who[a], who[b] = who[b], who[a]
            a += 1
            b -= 1
    return b, a


@compiled
def _filled(
    elders: NDArray[np.float64], room: float, gain: NDArray[np.float64], who: NDArray[np.int64],
    count: int,
) -> tuple[float, int, float]:  # fmt: skip
    """
    Fill a site with those by whom it gains most.

    Returns
    -------
    saved, whole, part
        What it saves; how many points, now first, it serves whole; elders of the next one.
    """
    low, high, left, saved = 0, count - 1, room, 0.0
    while low <= high:
        first, second = _halved(gain, who, low, high) if low < high else (high, high + 1)
        asked = 0.0
        for k in range(low, first + 1):
            asked += elders[who[k]]
        if asked > left and low < first:
            high = first
            continue
        stop = second if asked <= left else first + 1
        for k in range(low, stop):
            some = min(elders[who[k]], left)
            saved += some * gain[k]
            left -= some
            if some < elders[who[k]]:
                return saved, k, some
        low = stop
    return saved, count, 0.0


@compiled
def _need(rooms: Rooms, state: NDArray[np.int8], sized: NDArray[np.float64]) -> tuple[float, int]:
    """Return the room that free sites must have, and how many of them that takes at least."""
    need, free = 0.0, 0
    for j in range(len(rooms.elders)):
        need += rooms.elders[j]
    for i in range(len(state)):
        if state[i] == HELD:
            need -= rooms.room[i]
        elif state[i] == FREE:
            sized[free] = -rooms.room[i]
            free += 1
    order, held, count = np.sort(sized[:free]), 0.0, 0
    while held < need and count < free:
        held -= order[count]
        count += 1
    return need, count if held >= need else free + 1


@compiled
def _enough(
    worth: NDArray[np.float64], size: NDArray[np.float64], need: float, state: NDArray[np.int8],
    taken: NDArray[np.float64],
) -> tuple[float, float]:  # fmt: skip
    """
    Take the free sites that cost least, in part too, until their sizes are what is needed.

    Returns
    -------
    cost, price
        Least cost, infinite where all are too few; what one unit of size more would cost.
    """
    m = len(worth)
    cost, left = 0.0, need
    rate = np.full(m, np.inf)
    for i in range(m):
        taken[i] = 0.0
        if state[i] == HELD or (state[i] == FREE and worth[i] <= 0):
            taken[i] = 1.0
            cost += worth[i]
            left -= size[i] if state[i] == FREE else 0.0
        elif state[i] == FREE and size[i] > 0:
            rate[i] = worth[i] / size[i]
    if left <= 0:
        return cost, 0.0
    for i in np.argsort(rate):
        if rate[i] == np.inf:
            return np.inf, 0.0
        taken[i] = min(left / size[i], 1.0)
        cost += taken[i] * worth[i]
        left -= size[i]
        if left <= 0:
            return cost, rate[i]
    return np.inf, 0.0


@compiled
def _few(
    worth: NDArray[np.float64], limit: int, state: NDArray[np.int8], taken: NDArray[np.float64]
) -> tuple[float, float, float]:
    """
    Take the free sites that save most, up to a limit of open ones.

    Returns
    -------
    cost, last, following
        Least cost, infinite where too many are held; the worth of the last site that is taken and
        of the next one that is not, 0 where there is none that saves.
    """
    m = len(worth)
    cost, left, last, following = 0.0, limit, 0.0, 0.0
    gains = np.zeros(m)
    for i in range(m):
        taken[i] = 1.0 if state[i] == HELD else 0.0
        cost += worth[i] if state[i] == HELD else 0.0
        left -= state[i] == HELD
        gains[i] = worth[i] if state[i] == FREE else 0.0
    if left < 0:
        return np.inf, 0.0, 0.0
    order = np.argsort(gains)
    for k in range(min(left, m)):
        if gains[order[k]] >= 0:
            return cost, 0.0, 0.0
        taken[order[k]], last = 1.0, gains[order[k]]
        cost += last
    if left < m:
        following = min(gains[order[left]], 0.0)
    return cost, last if left > 0 else following, following


@compiled
def _rule(
    worth: NDArray[np.float64], size: NDArray[np.float64], dear: float, cheap: float,
    state: NDArray[np.int8], room: float,
) -> None:  # fmt: skip
    """Hold free sites, or rule them out, where the other way costs as much as there is room."""
    for i in range(len(state)):
        if state[i] == FREE:
            if worth[i] - dear * size[i] >= room:
                state[i] = OUT
            elif cheap * size[i] - worth[i] >= room:
                state[i] = HELD


@compiled
def _open(
    rooms: Rooms, worth: NDArray[np.float64], need: float, fewest: int, state: NDArray[np.int8],
    room: float, taken: NDArray[np.float64],
) -> float:  # fmt: skip
    """
    Open sites at the least cost, by the room needed, by the number needed, or by the limit.

    Each of the three alone leaves all choices that there are, so that each bounds them; the
    highest counts, and rules sites out or holds them where it leaves less than ``room``.

    Returns
    -------
    cost
        Of the sites; infinite where there is no choice.
    """
    ones, other, third = np.ones(len(worth)), taken.copy(), taken.copy()
    cost, dear = _enough(worth, rooms.room, need, state, taken)
    size, cheap = rooms.room, dear
    by_count, price = _enough(worth, ones, float(fewest), state, other)
    by_limit, last, following = _few(worth, rooms.limit, state, third)
    if by_count > cost:
        cost, size, dear, cheap, taken[:] = by_count, ones, price, price, other
    if by_limit > cost:
        cost, size, dear, cheap, taken[:] = by_limit, ones, last, following, third
    if cost < np.inf:
        _rule(worth, size, dear, cheap, state, room - cost)
    return cost


@compiled
def _lean(
    rooms: Rooms, dual: Dual, taken: NDArray[np.float64], gain: NDArray[np.float64],
    who: NDArray[np.int64],
) -> tuple[float, float]:  # fmt: skip
    """
    Turn the mean direction to points that too few sites serve, from those that too many do.

    Returns
    -------
    length, along
        Of the new direction, and how far it goes along the mean one; both squared.
    """
    n, highest = len(dual.slope), dual.trial.max()
    missing = np.ones(n)
    for i in range(len(taken)):
        if taken[i] > 0:
            count = _liking(rooms, i, dual.trial, highest, gain, who)
            _, whole, part = _filled(rooms.elders, rooms.room[i], gain, who, count)
            for k in range(whole):
                missing[who[k]] -= taken[i]
            if part > 0:
                missing[who[whole]] -= taken[i] * part / rooms.elders[who[whole]]
    share = 1.0 if dual.pace[TURN] == 0 else QUICK if dual.pace[TURN] <= YOUNG else SLOW
    length, along = 0.0, 0.0
    for j in range(n):
        length += rooms.elders[j] * missing[j] * missing[j]
        along += rooms.elders[j] * missing[j] * dual.slope[j]
        dual.slope[j] += share * (missing[j] - dual.slope[j])
    for i in range(len(taken)):
        dual.mean[i] += share * (taken[i] - dual.mean[i])
    return length, along


@compiled
def _step(
    rooms: Rooms, dual: Dual, least: NDArray[np.float64], most: NDArray[np.float64], aim: float
) -> bool:
    """Set the prices to try next, along the mean direction; return whether there is one."""
    size, total = 0.0, 0.0
    for j in range(len(dual.slope)):
        size += rooms.elders[j] * dual.slope[j] * dual.slope[j]
        total += rooms.elders[j]
    if size < FLAT * total:
        return False
    bound = dual.pace[BOUND]
    near = min(aim, 1.05 * bound) if bound > 0 else aim
    step = dual.pace[FACTOR] * max(near - bound, 1e-4 * abs(near)) / size
    for j in range(len(dual.trial)):
        dual.trial[j] = min(max(dual.price[j] + step * dual.slope[j], least[j]), most[j])
    return True


@compiled
def ascend(
    rooms: Rooms, least: NDArray[np.float64], most: NDArray[np.float64], state: NDArray[np.int8],
    dual: Dual, target: float, aim: float, rounds: int,
) -> tuple[int, bool]:  # fmt: skip
    """
    Raise the bound by better prices, and rule sites out or hold them on the way.

    For any prices of elders, no choice costs less than all prices together and, of each open site,
    its cost less what it saves at most within its room. Prices stay between ``least`` and ``most``.

    Returns
    -------
    steps, on
        Steps taken; whether more turns may help.
    """
    m, n, steps = len(state), len(dual.price), 0
    gain, who, worth = np.zeros(n), np.zeros(n, np.int64), np.zeros(m)
    taken = np.zeros(m)
    for _ in range(rounds):
        need, fewest = _need(rooms, state, worth)
        highest, total = dual.trial.max(), 0.0
        for i in range(m):
            if state[i] != OUT:
                count = _liking(rooms, i, dual.trial, highest, gain, who)
                worth[i] = rooms.cost[i] - _filled(rooms.elders, rooms.room[i], gain, who, count)[0]
                steps += 8 * count + 8
        for j in range(n):
            total += rooms.elders[j] * dual.trial[j]
        bound = total + _open(rooms, worth, need, fewest, state, target - total, taken)
        if bound == np.inf:
            dual.pace[BOUND] = bound
            return steps, False
        better = keep(dual, bound)
        length, along = _lean(rooms, dual, taken, gain, who)
        if better and along > 0 and dual.pace[TURN] > 0:
            dual.pace[FACTOR] = min(dual.pace[FACTOR] * LONGER, LONGEST)
        dual.pace[TURN] += 1
        if dual.pace[BOUND] >= target or length == 0 or not _step(rooms, dual, least, most, aim):
            return steps, False
    return steps, True
