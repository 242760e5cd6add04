"""Compiled kernels of prices of points: what sites save at them, and how prices are bettered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "BAD",
    "BOUND",
    "FACTOR",
    "FREE",
    "HELD",
    "LONGER",
    "LONGEST",
    "OUT",
    "QUICK",
    "SLOW",
    "TURN",
    "VALUE",
    "YOUNG",
    "Dual",
    "Lists",
    "ascend",
    "copy",
    "cost_of",
    "keep",
]

compiled = njit(nogil=True, cache=True, error_model="numpy")

FREE, HELD, OUT = 0, 1, 2
"""Whether a site may be open, must be, or must not be."""

FACTOR, BAD, TURN, BOUND, VALUE = 0, 1, 2, 3, 4
"""Places in ``Dual.pace``: size of a step, turns without gain, turns, best bound, best value."""

PATIENCE, SHORTER, LONGER, LONGEST = 8, 0.7, 1.1, 2.0
YOUNG, QUICK, SLOW = 10, 0.3, 0.1
FLAT = 1e-9
NEARBY = 0.02
"""How far below the best bound, relative, a bound may be that is still used to rule sites out."""


class Lists(NamedTuple):
    """
    Sites of each point, nearest first.

    Attributes
    ----------
    start, site, cost
        CSR by point: sites, and elders times distance.
    """

    start: NDArray[np.int64]
    site: NDArray[np.int32]
    cost: NDArray[np.float64]


class Dual(NamedTuple):
    """
    Where the ascent of the dual stands.

    Attributes
    ----------
    price, trial
        (n,) best prices of the points so far, and those to be tried next.
    slope
        (n,) mean direction of the last turns.
    mean
        (n_sites,) how often each site was picked in the last turns, 0 to 1.
    pace
        (5,) see ``FACTOR``, ``BAD``, ``TURN``, ``BOUND`` and ``VALUE``.
    """

    price: NDArray[np.float64]
    trial: NDArray[np.float64]
    slope: NDArray[np.float64]
    mean: NDArray[np.float64]
    pace: NDArray[np.float64]


@compiled
def copy(source: Any, target: Any) -> None:
    """Copy numbers, one by one: that compiles in a fraction of the time of a slice."""
    for k in range(len(target)):
        target[k] = source[k]


@compiled
def _worths(lists: Lists, price: NDArray[np.float64], worth: NDArray[np.float64]) -> int:
    """Note what each site saves below the prices; return the steps taken."""
    steps = 0
    for j in range(len(worth)):
        worth[j] = 0.0
    for i in range(len(price)):
        k, end = lists.start[i], lists.start[i + 1]
        while k < end and lists.cost[k] < price[i]:
            worth[lists.site[k]] += price[i] - lists.cost[k]
            k += 1
        steps += k - lists.start[i] + 1
    return steps


@compiled
def _order(sized: NDArray[np.float64], k: int) -> None:
    """Order numbers so far that the one in place k is as if sorted, none before it greater."""
    low, high = 0, len(sized) - 1
    while low < high:
        middle = sized[(low + high) // 2]
        a, b = low, high
        while a <= b:
            while sized[a] < middle:
                a += 1
            while middle < sized[b]:
                b -= 1
            if a <= b:
                sized[a], sized[b] = sized[b], sized[a]
                a += 1
                b -= 1
        if k <= b:
            high = b
        elif k >= a:
            low = a
        else:
            return


@compiled
def _free_worths(
    worth: NDArray[np.float64], state: NDArray[np.int8], p: int, sized: NDArray[np.float64]
) -> tuple[int, int]:
    """Note the worths of the free sites; return how many there are and how many are needed."""
    count, need = 0, p
    for j in range(len(state)):
        if state[j] == FREE:
            sized[count] = worth[j]
            count += 1
        elif state[j] == HELD:
            need -= 1
    return count, need


@compiled
def _pick(
    worth: NDArray[np.float64], state: NDArray[np.int8], p: int, sized: NDArray[np.float64],
    picked: NDArray[np.bool_],
) -> tuple[float, float, float]:  # fmt: skip
    """
    Mark the p sites that save most: all that are held, and free ones.

    Returns
    -------
    saved, least, most
        What they save, minus infinity where there are no p sites; the least of a free one that is
        marked, and the most of one that is not.
    """
    count, need = _free_worths(worth, state, p, sized)
    least, most, equal = np.inf, -np.inf, 0
    if need < 0 or need > count:
        return -np.inf, least, most
    if 0 < need < count:
        _order(sized[:count], count - need)
        least = sized[count - need]
    for k in range(count - need):
        most = max(most, sized[k])
    for k in range(count - need, count):
        equal += sized[k] == least
    saved = 0.0
    for j in range(len(state)):
        picked[j] = state[j] == HELD
        if state[j] == FREE and (need == count or worth[j] > least):
            picked[j] = True
        elif state[j] == FREE and worth[j] == least and equal > 0:
            picked[j] = True
            equal -= 1
        if picked[j]:
            saved += worth[j]
    return saved, least, most


@compiled
def _rule(
    worth: NDArray[np.float64], state: NDArray[np.int8], picked: NDArray[np.bool_],
    room: float, least: float, most: float,
) -> None:  # fmt: skip
    """Hold free sites, or rule them out, where the other way costs as much as there is room."""
    for j in range(len(state)):
        if state[j] != FREE:
            continue
        if picked[j]:
            if worth[j] - most >= room:
                state[j] = HELD
        elif least - worth[j] >= room:
            state[j] = OUT


@compiled
def cost_of(lists: Lists, picked: NDArray[np.bool_]) -> float:
    """Return what it costs to serve every point from the nearest of some sites."""
    total = 0.0
    for i in range(len(lists.start) - 1):
        k, end = lists.start[i], lists.start[i + 1]
        while k < end and not picked[lists.site[k]]:
            k += 1
        if k == end:
            return np.inf
        total += lists.cost[k]
    return total


@compiled
def _lean(lists: Lists, dual: Dual, picked: NDArray[np.bool_]) -> tuple[float, float]:
    """
    Turn the mean direction to points that too few sites serve, from those that too many do.

    Returns
    -------
    length, along
        Of the new direction, and how far it goes along the mean one; both squared.
    """
    first = dual.pace[TURN] == 0
    share = 1.0 if first else QUICK if dual.pace[TURN] <= YOUNG else SLOW
    length, along = 0.0, 0.0
    for i in range(len(dual.slope)):
        missing, k, end = 1.0, lists.start[i], lists.start[i + 1]
        while k < end and lists.cost[k] < dual.trial[i]:
            missing -= picked[lists.site[k]]
            k += 1
        length += missing * missing
        along += missing * dual.slope[i]
        dual.slope[i] += share * (missing - dual.slope[i])
    for j in range(len(picked)):
        dual.mean[j] += share * (picked[j] - dual.mean[j])
    return length, along


@compiled
def keep(dual: Dual, bound: float) -> bool:
    """Keep the prices just tried where they bound better, and set the pace; return whether."""
    if bound > dual.pace[BOUND]:
        dual.pace[BOUND], dual.pace[BAD] = bound, 0
        copy(dual.trial, dual.price)
        return True
    dual.pace[BAD] += 1
    if dual.pace[BAD] >= PATIENCE:
        dual.pace[FACTOR] *= SHORTER
        dual.pace[BAD] = 0
    return False


@compiled
def _step(lists: Lists, dual: Dual, aim: float) -> bool:
    """Set the prices to try next, along the mean direction; return whether there is one."""
    size = 0.0
    for i in range(len(dual.slope)):
        size += dual.slope[i] * dual.slope[i]
    if size < FLAT:
        return False
    bound = dual.pace[BOUND]
    near = min(aim, 1.05 * bound) if bound > 0 else aim
    step = dual.pace[FACTOR] * max(near - bound, 1e-4 * abs(aim)) / size
    for i in range(len(dual.trial)):
        least = lists.cost[lists.start[i]]
        dual.trial[i] = max(dual.price[i] + step * dual.slope[i], least)
    return True


@compiled
def ascend(
    lists: Lists, state: NDArray[np.int8], p: int, dual: Dual, target: float, aim: float,
    rounds: int, best: NDArray[np.bool_],
) -> tuple[int, bool]:  # fmt: skip
    """
    Raise the bound by better prices, and rule sites out or hold them on the way.

    For any prices, no p sites cost less than the sum of the prices, less what the p sites that
    save most below them save. A mean of the last directions is followed (volume algorithm,
    Barahona & Anbil 2000).

    Returns
    -------
    steps, on
        Steps taken; whether more turns may help.
    """
    worth, sized = np.zeros(len(state)), np.zeros(len(state))
    picked, steps = np.zeros(len(state), np.bool_), 0
    for _ in range(rounds):
        steps += 2 * _worths(lists, dual.trial, worth) + 4 * len(state)
        saved, least, most = _pick(worth, state, p, sized, picked)
        bound = dual.trial.sum() - saved
        if bound == np.inf:
            dual.pace[BOUND] = bound
            return steps, False
        if bound > dual.pace[BOUND] - NEARBY * abs(dual.pace[BOUND]):
            _rule(worth, state, picked, target - bound, least, most)
        better = keep(dual, bound)
        if better:
            value = cost_of(lists, picked)
            if value < dual.pace[VALUE]:
                dual.pace[VALUE] = value
                copy(picked, best)
        length, along = _lean(lists, dual, picked)
        if better and along > 0 and dual.pace[TURN] > 0:
            dual.pace[FACTOR] = min(dual.pace[FACTOR] * LONGER, LONGEST)
        dual.pace[TURN] += 1
        if dual.pace[BOUND] >= target or length == 0 or not _step(lists, dual, aim):
            return steps, False
    return steps, True
