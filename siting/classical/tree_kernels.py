"""Compiled kernels of a search of choices of sites: parts of them, each bounded by prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from siting.classical.dual_kernels import (
    BAD,
    BOUND,
    FACTOR,
    FREE,
    HELD,
    OUT,
    TURN,
    VALUE,
    Dual,
    Lists,
    ascend,
    copy,
    cost_of,
)  # fmt: skip

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Nodes", "branching", "explore", "set_out"]

compiled = njit(nogil=True, cache=True, error_model="numpy")

OFTEN = 0.7
"""Share of turns at which a site is picked that is best to branch on."""


class Nodes(NamedTuple):
    """
    Parts of the choices that are still to be searched.

    Attributes
    ----------
    state
        (k, n_sites) FREE, HELD or OUT.
    price
        (k, n) prices to start from.
    bound
        (k,) proven: no choice in the part is below it.
    """

    state: NDArray[np.int8]
    price: NDArray[np.float64]
    bound: NDArray[np.float64]


@compiled
def _served(lists: Lists, state: NDArray[np.int8], price: NDArray[np.float64]) -> bool:
    """Lower prices to the cost of the nearest held site; return whether each point has a site."""
    for i in range(len(price)):
        some = False
        for k in range(lists.start[i], lists.start[i + 1]):
            at = state[lists.site[k]]
            some = some or at != OUT
            if at == HELD:
                price[i] = min(price[i], lists.cost[k])
            if some and lists.cost[k] >= price[i]:
                break
        if not some:
            return False
    return True


@compiled
def branching(state: NDArray[np.int8], mean: NDArray[np.float64]) -> int:
    """Return the free site picked often, but not nearly always; -1 where none is free."""
    site, most = -1, -1.0
    for j in range(len(state)):
        if state[j] != FREE:
            continue
        score = mean[j] if mean[j] <= OFTEN else OFTEN * (1.0 - mean[j]) / (1.0 - OFTEN)
        if score > most:
            site, most = j, score
    return site


@compiled
def _held(state: NDArray[np.int8], held: NDArray[np.bool_]) -> int:
    """Mark the sites that are held; return how many."""
    count = 0
    for j in range(len(state)):
        held[j] = state[j] == HELD
        count += held[j]
    return count


@compiled
def set_out(dual: Dual, factor: float, value: float) -> None:
    """Set out anew from the prices, with nothing known of a direction."""
    copy(dual.price, dual.trial)
    for i in range(len(dual.slope)):
        dual.slope[i] = 0.0
    for j in range(len(dual.mean)):
        dual.mean[j] = 0.0
    dual.pace[FACTOR], dual.pace[BAD], dual.pace[TURN] = factor, 0.0, 0.0
    dual.pace[BOUND], dual.pace[VALUE] = -np.inf, value


@compiled
def explore(
    lists: Lists, p: int, most_steps: int, rounds: int, factor: float, stack: Nodes,
    target: float, aim: float, value: float, best: NDArray[np.bool_],
) -> tuple[int, float, int]:  # fmt: skip
    """
    Search the part at the foot of a stack, deepest first, until it is done or steps run out.

    The stack is worked on in place; it is left early where it is full, or a value below the target
    is found.

    Returns
    -------
    top, value, steps
        How much of the stack is left, the best value, its sites being in ``best``, and the steps
        taken.
    """
    m, n, depth = stack.state.shape[1], stack.price.shape[1], len(stack.bound)
    dual = Dual(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(m), np.zeros(5))
    state, held = np.zeros(m, np.int8), np.zeros(m, np.bool_)
    top, steps = 1, 0
    while top > 0 and steps < most_steps and top < depth and value > target:
        top -= 1
        copy(stack.state[top], state)
        copy(stack.price[top], dual.price)
        steps += m + n
        if stack.bound[top] >= target or not _served(lists, state, dual.price):
            continue
        set_out(dual, factor, value)
        steps += ascend(lists, state, p, dual, target, aim, rounds, best)[0]
        value, bound = dual.pace[VALUE], max(dual.pace[BOUND], stack.bound[top])
        site = branching(state, dual.mean)
        if bound >= target:
            continue
        if _held(state, held) == p or site < 0:
            reached = cost_of(lists, held)
            if reached < value and _held(state, held) == p:
                value = reached
                copy(held, best)
            continue
        likely = HELD if dual.mean[site] > 0.5 else OUT  # noqa: PLR2004
        for way in (HELD + OUT - likely, likely):
            copy(state, stack.state[top])
            copy(dual.price, stack.price[top])
            stack.bound[top], stack.state[top, site] = bound, way
            top += 1
    return top, value, steps
