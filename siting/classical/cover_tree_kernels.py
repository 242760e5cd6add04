"""Compiled search of all choices of sites of a cover, branching by what branches brought."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from siting.classical.dual_kernels import FREE, HELD, OUT
from siting.classical.simplex_kernels import Region, Table, close, copied, optimize, reduced, set_up
from siting.classical.window_kernels import (
    Levels,
    at,
    back,
    by_classes,
    decide,
    deeper,
    shares,
    tried,
)  # fmt: skip

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.tree_kernels import Nodes

__all__ = ["explore_covers"]

compiled = njit(nogil=True, cache=True, error_model="numpy")

MANY: Any = np.int64(1_000_000_000)
WHOLE = 1e-6
"""How near to 0 or 1 a site is taken to be closed or open."""

RELIABLE = 4
"""Branches of a site that have to be known each way before they are trusted."""

EXCHANGES: Any = np.int64(30)
"""Exchanges of a trial branch. (A plain number would have what it is given to compiled twice.)"""

PATIENCE = 4
"""Trials in a row that are no better than the best before the best is taken."""

LITTLE = 1e-6
"""What a branch is taken to bring at the least."""

KINDS: Any = np.arange(3, dtype=np.int64)
START, DEEPER, BACK = KINDS
"""How a part was come to."""


@compiled
def _rule_out(region: Region, table: Table, price: NDArray[np.float64], room: float) -> None:
    """
    Rule out sites whose opening would cost as much as there is room for, or more.

    The room is what these prices leave, not a bound known before: reduced costs are theirs.
    """
    for j in range(len(region.cost)):
        if table.state[j] == FREE and reduced(region, price, j) >= room:
            close(table, j)


@compiled
def _mean(known: NDArray[np.float64], way: int) -> float:
    """Return what branches of all sites one way brought in the mean; 1 where none is known."""
    total, sites = 0.0, 0
    for j in range(known.shape[2]):
        if known[way, 1, j] > 0:
            total += known[way, 0, j] / known[way, 1, j]
            sites += 1
    return total / sites if sites else 1.0


@compiled
def _score(
    region: Region, known: NDArray[np.float64], mean: NDArray[np.float64], site: int, share: float,
    room: float,
) -> float:  # fmt: skip
    """Return what both branches of a site should bring, multiplied."""
    score = 1.0
    for way in range(2):
        count = known[way, 1, site]
        rate = known[way, 0, site] / count if count > 0 else mean[way]
        score *= max(min(rate * (1.0 - share if way == 1 else share), room), LITTLE)
    if known[0, 1, site] == 0 and known[1, 1, site] == 0:
        score *= 0.1 * (region.site_start[site + 1] - region.site_start[site])
    return score


@compiled
def _note(known: NDArray[np.float64], site: int, way: int, gain: float, share: float) -> None:
    """Note what a branch of a site brought, for the whole way to open or closed."""
    if WHOLE < share < 1.0 - WHOLE:
        known[way, 0, site] += gain / (1.0 - share if way == 1 else share)
        known[way, 1, site] += 1.0


@compiled
def _tested(
    region: Region, levels: Levels, k: int, known: NDArray[np.float64], site: int, share: float,
    price: NDArray[np.float64], here: float, room: float, halt: NDArray[np.bool_],
) -> tuple[float, int]:  # fmt: skip
    """Try both branches of a site for a while; return its score, and the exchanges."""
    score, turns = 1.0, 0
    for way in range(2):
        table = at(levels, k + 1)
        copied(at(levels, k), table)
        decide(region, table, site, HELD if way == 1 else OUT)
        bound, took = optimize(region, table, price, here + room, EXCHANGES, halt)
        gain = min(max(bound - here, 0.0), room)
        _note(known, site, way, gain, share)
        score *= max(gain, LITTLE)
        turns += took + 1
    return score, turns


@compiled
def _branching(
    region: Region, levels: Levels, k: int, known: NDArray[np.float64], share: NDArray[np.float64],
    price: NDArray[np.float64], here: float, room: float, halt: NDArray[np.bool_],
) -> tuple[int, int]:  # fmt: skip
    """
    Return the site to branch on, and the exchanges of trials; -1 where every site is decided.

    Where none is open by parts, it is any that is not decided, open ones first.
    """
    table, n, any_site, left = at(levels, k), len(share), -1, 0
    mean = np.array([_mean(known, 0), _mean(known, 1)])
    scores = np.zeros(n)
    for j in range(n):
        if table.state[j] != FREE:
            continue
        if any_site < 0 or share[j] > share[any_site]:
            any_site = j
        if WHOLE < share[j] < 1.0 - WHOLE:
            scores[j] = _score(region, known, mean, j, share[j], room)
            left += 1
    best, site, idle, turns = -1.0, any_site, 0, 0
    while left > 0 and idle < PATIENCE:
        j = int(np.argmax(scores))
        score, scores[j], left = scores[j], 0.0, left - 1
        if min(known[0, 1, j], known[1, 1, j]) < RELIABLE and k + 1 < len(levels.bound):
            score, took = _tested(region, levels, k, known, j, share[j], price, here, room, halt)
            turns += took
        idle += 1
        if score > best:
            best, site, idle = score, j, 0
    return site, turns


@compiled
def _learn(
    known: NDArray[np.float64], levels: Levels, parts: NDArray[np.float64], k: int, came: int,
    bound: float,
) -> None:  # fmt: skip
    """Note what the last decision brought, made one level up or, after going back, on this one."""
    if came == START:
        return
    i = k - 1 if came == DEEPER else k
    held = (levels.way[i] == HELD) != (came == DEEPER)
    _note(known, levels.site[i], 1 if held else 0, max(bound - levels.bound[i], 0.0), parts[i])


@compiled
def _push(
    stack: Nodes, top: int, state: NDArray[np.int8], known: NDArray[np.float64], bound: float
) -> int:
    """Put a part on the stack, and return the number of parts on it."""
    stack.bound[top], n = bound, len(state)
    for j in range(n):
        stack.state[top, j] = state[j]
        for i in range(4):
            stack.price[top, i * n + j] = known[i // 2, i % 2, j]
    return top + 1


@compiled
def _left(
    region: Region, levels: Levels, k: int, stack: Nodes, top: int, known: NDArray[np.float64],
    here: float, enough: float,
) -> int:  # fmt: skip
    """Put what is still to be searched on the stack, and return the number of parts on it."""
    if k >= 0:
        top = _push(stack, top, at(levels, k).state, known, here)
    for i in range(k):
        if levels.bound[i] < enough:
            decide(region, at(levels, i), levels.site[i], levels.way[i])
            top = _push(stack, top, at(levels, i).state, known, levels.bound[i])
    return top


@compiled
def explore_covers(
    region: Region, levels: Levels, most: int, halt: NDArray[np.bool_], stack: Nodes,
    target: float, value: float, best: NDArray[np.bool_],
    plain: int,
) -> tuple[int, float, int]:  # fmt: skip
    """
    Search a part of the choices, deepest first, for a while.

    Parameters
    ----------
    region
        Sites and classes, maybe with a limit.
    levels
        Room to work in.
    most
        Numbers of tables that may be touched, about.
    halt
        (1,) True ends the search soon.
    stack
        The part in its first place, with what branches brought so far as its price; what is left
        of it is put there, from the first place on.
    target
        Bound from which on a part holds nothing better.
    value
        Of the best choice known.
    best
        A better one is kept there.
    plain
        Parts that are branched by the number of classes before trial branches are worth while.

    Returns
    -------
    top, value, steps
        Number of parts that are left, the best value, and the numbers touched.
    """
    n, m, step = len(region.cost), len(region.loss), value - target
    known, parts = stack.price[0].copy().reshape((2, 2, n)), np.empty(len(levels.bound))
    share, price, looked = np.zeros(n), np.zeros(m), 0
    nothing: Any = np.zeros(4, np.int64)  # plain numbers would have all compiled twice
    top, k, steps, came = nothing
    here = stack.bound[0]
    set_up(region, at(levels, 0), stack.state[0])
    while k >= 0 and steps < most and not halt[0] and top + k + 2 < len(stack.bound):
        table, site = at(levels, k), -1
        bound, turns = optimize(region, table, price, value - step, MANY, halt)
        _learn(known, levels, parts, k, came, bound)
        here = max(here, bound)
        if here < value - step:
            shares(table, m, share)
            value = tried(region, share, best, value)
        room = value - step - here
        if room > 0:
            _rule_out(region, table, price, value - step - bound)
            site = by_classes(region, table, share) if looked < plain else -1
            if site < 0:
                site, more = _branching(region, levels, k, known, share, price, here, room, halt)
                turns += more
        looked += 1
        steps += (turns + 1) * table.size[0] * table.size[1]
        if site >= 0 and k == len(levels.bound) - 1:
            top, site = _push(stack, top, table.state, known, here), -1
        if site >= 0:
            levels.bound[k], parts[k] = here, share[site]
            deeper(region, levels, k, site, share[site])
            k, came = k + 1, DEEPER
        else:
            k, came = back(region, levels, k, value - step), BACK
            here = levels.bound[max(k, 0)]
    return _left(region, levels, k, stack, top, known, here, value - step), value, steps
