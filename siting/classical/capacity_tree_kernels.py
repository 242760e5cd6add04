"""Compiled kernels of a search of sites with room: exchanges of them, and parts of the choices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from siting.classical.capacity_kernels import ascend
from siting.classical.dual_kernels import BOUND, FREE, HELD, OUT, Dual, copy
from siting.classical.transport_kernels import Rooms, transport
from siting.classical.tree_kernels import Nodes, branching, set_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["exchange", "explore_rooms", "likely", "priced"]

compiled = njit(nogil=True, cache=True, error_model="numpy")

HALF = 0.5
A_PRICE = 200_000_000
"""Steps after which it is given up what some sites cost, less than a second."""


@compiled
def priced(
    rooms: Rooms, opened: NDArray[np.bool_], most: float, price: NDArray[np.float64]
) -> tuple[float, int]:
    """
    Return what it costs to serve all from some sites, and the steps taken.

    The cost is infinite where they have no room for all, it reaches ``most``, or it takes more than
    ``A_PRICE`` steps; ``price`` takes what one elder more at each point would cost.
    """
    cost, room, asked, count = 0.0, 0.0, 0.0, 0
    for i in range(len(opened)):
        if opened[i]:
            cost += rooms.cost[i]
            room += rooms.room[i]
            count += 1
    for j in range(len(rooms.elders)):
        asked += rooms.elders[j]
    if room < asked or cost >= most or count > rooms.limit:
        return np.inf, len(opened) + len(rooms.elders)
    way, _, steps = transport(rooms, np.flatnonzero(opened), most - cost, price, A_PRICE)
    return cost + way, steps


@compiled
def exchange(
    rooms: Rooms, opens: NDArray[np.bool_], closes: NDArray[np.bool_], opened: NDArray[np.bool_],
    value: float, place: int, idle: int, most_steps: int,
) -> tuple[float, int, int]:  # fmt: skip
    """
    Close a site, open another, or both, as long as that costs less, until steps run out.

    Parameters
    ----------
    rooms
        Sites and points.
    opens, closes
        (n_sites,) sites that may be opened, and closed.
    opened
        (n_sites,) open sites; changed in place.
    value
        What they cost.
    place
        Where to go on, 0 at first.
    idle
        Exchanges that brought nothing since the last one that did.
    most_steps
        Steps to take.

    Returns
    -------
    value, place, idle
        What the sites cost now; where to go on; the exchanges that brought nothing since: none
        costs less once they are (n_sites + 1)².
    """
    m, steps, count = len(opened), 0, int(opened.sum())
    price = np.zeros(len(rooms.elders))
    while idle < (m + 1) * (m + 1) and steps <= most_steps:
        off, on = place // (m + 1), place % (m + 1)
        place = (place + 1) % ((m + 1) * (m + 1))
        idle, steps = idle + 1, steps + 1
        if off < m and not (opened[off] and closes[off]):
            continue
        if on < m and (opened[on] or not opens[on]):
            continue
        if count - (off < m) + (on < m) > rooms.limit:
            continue
        if off < m:
            opened[off] = False
        if on < m:
            opened[on] = True
        cost, more = priced(rooms, opened, value, price)
        steps += more
        if cost < value:
            value, idle = cost, 0
            count += (on < m) - (off < m)
            continue
        if off < m:
            opened[off] = True
        if on < m:
            opened[on] = False
    return value, place, idle


@compiled
def _close_rest(rooms: Rooms, state: NDArray[np.int8]) -> None:
    """Rule the free sites out where as many are held as may be open."""
    if (state == HELD).sum() >= rooms.limit:
        for i in range(len(state)):
            if state[i] == FREE:
                state[i] = OUT


@compiled
def _reached(rooms: Rooms, state: NDArray[np.int8], missing: NDArray[np.bool_]) -> bool:
    """Return whether each point has a site that may be open."""
    left = len(missing)
    missing[:] = True
    for i in range(len(state)):
        if state[i] != OUT:
            for at in range(rooms.start[i], rooms.start[i + 1]):
                left -= missing[rooms.point[at]]
                missing[rooms.point[at]] = False
    return left == 0


@compiled
def likely(
    rooms: Rooms, state: NDArray[np.int8], mean: NDArray[np.float64], more: float,
    opened: NDArray[np.bool_],
) -> int:  # fmt: skip
    """
    Open the held sites, then free ones picked most until all have room; return the free ones.

    Sites that cost nothing are opened as long as the limit allows. Room is to be larger than is
    needed by a share ``more``.
    """
    need, free, count = 0.0, 0, 0
    for j in range(len(rooms.elders)):
        need += rooms.elders[j] * (1.0 + more)
    for i in range(len(state)):
        opened[i] = state[i] == HELD
        free += state[i] == FREE
        need -= rooms.room[i] if opened[i] else 0.0
        count += opened[i]
    for i in np.argsort(-mean):
        wanted = need > 0 or mean[i] > HALF or rooms.cost[i] == 0
        if state[i] == FREE and wanted and count < rooms.limit:
            opened[i] = True
            need -= rooms.room[i]
            count += 1
    return free


@compiled
def explore_rooms(
    rooms: Rooms, least: NDArray[np.float64], most: NDArray[np.float64], most_steps: int,
    rounds: int, factor: float, stack: Nodes, target: float, aim: float, value: float,
    best: NDArray[np.bool_],
) -> tuple[int, float, int]:  # fmt: skip
    """
    Search the part at the foot of a stack, deepest first, until it is done or steps run out.

    As ``explore`` of the p-median, with prices of elders at sites that have room.

    Returns
    -------
    top, value, steps
        How much of the stack is left, the best value, its sites being in ``best``, and the steps
        taken.
    """
    m, n, depth = stack.state.shape[1], stack.price.shape[1], len(stack.bound)
    dual = Dual(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(m), np.zeros(5))
    state, opened, spare = np.zeros(m, np.int8), np.zeros(m, np.bool_), np.zeros(n)
    missing = np.zeros(n, np.bool_)
    top, steps = 1, 0
    while top > 0 and steps < most_steps and top < depth and value > target:
        top -= 1
        copy(stack.state[top], state)
        copy(stack.price[top], dual.price)
        steps += m + n + len(rooms.point)
        _close_rest(rooms, state)
        if stack.bound[top] >= target or not _reached(rooms, state, missing):
            continue
        set_out(dual, factor, value)
        steps += ascend(rooms, least, most, state, dual, target, aim, rounds)[0]
        bound = max(dual.pace[BOUND], stack.bound[top])
        if bound >= target:
            continue
        free = likely(rooms, state, dual.mean, 0.0, opened)
        reached, more = priced(rooms, opened, value, spare)
        steps += more
        if reached < value:
            value = reached
            copy(opened, best)
        if free == 0 and reached == np.inf and more > A_PRICE:
            top += 1
            return top, value, most_steps
        if free == 0:
            continue
        site = branching(state, dual.mean)
        first = HELD if dual.mean[site] > HALF else OUT
        for way in (HELD + OUT - first, first):
            copy(state, stack.state[top])
            copy(dual.price, stack.price[top])
            stack.bound[top], stack.state[top, site] = bound, way
            top += 1
    return top, value, steps
