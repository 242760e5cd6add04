"""Compiled kernel of annealing: sites change places, at first also where elders are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from siting.classical.cover_kernels import drawn

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Lists", "anneal"]

NEARBY = 0.8
"""Share of steps in which the site that opens shares a class with the one that closes."""

SAME = 1e-12
FINE = 1 << 30
OPEN, CLOSE = 1, -1
compiled = njit(nogil=True, cache=True, error_model="numpy")


class Lists(NamedTuple):
    """
    Sites and classes as walks need them.

    Attributes
    ----------
    row_start, row_site
        Sites by class, CSR.
    start, classes
        Classes by site, CSR.
    weight
        (n_classes,) elders.
    costs
        (n_sites,) cost of each site.
    near_start, near, shared
        Sites that share classes with a site, in order, CSR, and the elders of those classes. Empty
        lists: not known.
    """

    row_start: NDArray[np.int64]
    row_site: NDArray[np.int32]
    start: NDArray[np.int64]
    classes: NDArray[np.int32]
    weight: NDArray[np.float64]
    costs: NDArray[np.float64]
    near_start: NDArray[np.int64]
    near: NDArray[np.int32]
    shared: NDArray[np.float64]


@compiled
def anneal(
    lists: Lists, chosen: NDArray[np.bool_], may: NDArray[np.bool_], money: float, steps: int,
    hot: float, cold: float, seed: int,
) -> NDArray[np.bool_]:  # fmt: skip
    """
    Return the best sites met on a walk of exchanges (Kirkpatrick, Gelatt & Vecchi 1983).

    A step closes one site and opens another, where money allows; it is kept where it covers no
    less, and else with a chance that falls with the loss and with time. What each site is worth is
    kept up to date, so that most steps that are not kept are seen at once.

    Parameters
    ----------
    lists
        Sites and classes.
    chosen
        (n_sites,) sites to begin with.
    may
        (n_sites,) sites that may open or close.
    money
        Most that sites may cost.
    steps
        Steps to go.
    hot, cold
        Loss, in elders, that is kept with a chance of 1/e at first and at last.
    seed
        Of the chances.
    """
    state = np.array([seed * 2654435761 + 88172645463325252], np.uint64)
    count, only, worth = _stands(lists, chosen)
    opened, closed = np.flatnonzero(chosen & may), np.flatnonzero(may & ~chosen)
    place = np.full(len(chosen), -1, np.int64)
    place[closed] = np.arange(len(closed))
    now, best = chosen.copy(), chosen.copy()
    spent, gained, most = lists.costs[chosen].sum(), 0.0, 0.0
    if len(opened) == 0 or len(closed) == 0:
        return best
    heat, cooler = hot, (cold / hot) ** (1.0 / max(steps, 1))
    for _ in range(steps):
        heat *= cooler
        out = drawn(state, len(opened))
        old = opened[out]
        into = _place(lists, state, place, len(closed), old)
        if into < 0:
            continue
        new = closed[into]
        least = heat * np.log((drawn(state, FINE) + 1.0) / FINE)
        change = worth[new] - worth[old]
        cost = lists.costs[new] - lists.costs[old]
        if change + min(_shared(lists, old, new), worth[old]) < least:
            continue
        change += _taken_over(lists, count, only, old, new)
        if change < least or spent + cost > money * (1.0 + SAME):
            continue
        _turn(lists, count, only, worth, old, CLOSE)
        _turn(lists, count, only, worth, new, OPEN)
        spent += cost
        opened[out], closed[into], place[new], place[old] = new, old, -1, into
        now[old], now[new] = False, True
        gained += change
        if gained > most:
            most = gained
            best[:] = now
    return best


@compiled
def _stands(
    lists: Lists, chosen: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]:
    """
    Return the open sites of each class, their numbers added up, and what each site is worth.

    An open site is worth the elders that it alone covers, a closed one those that none covers.
    """
    count, only = np.zeros(len(lists.weight), np.int32), np.zeros(len(lists.weight), np.int64)
    worth = np.zeros(len(chosen))
    for site in range(len(chosen)):
        for k in range(lists.start[site], lists.start[site + 1]):
            if chosen[site]:
                count[lists.classes[k]] += 1
                only[lists.classes[k]] += site
    for site in range(len(chosen)):
        for k in range(lists.start[site], lists.start[site + 1]):
            if count[lists.classes[k]] == (1 if chosen[site] else 0):
                worth[site] += lists.weight[lists.classes[k]]
    return count, only, worth


@compiled
def _place(
    lists: Lists, state: NDArray[np.uint64], place: NDArray[np.int64], n_closed: int, old: int
) -> int:
    """Return the place of a closed site to open for another one; -1 where an open one is drawn."""
    into = int(drawn(state, n_closed))
    first, end = lists.start[old], lists.start[old + 1]
    if end > first and drawn(state, FINE) < NEARBY * FINE:
        c = lists.classes[first + drawn(state, end - first)]
        k = lists.row_start[c] + drawn(state, lists.row_start[c + 1] - lists.row_start[c])
        into = place[lists.row_site[k]]
    return into


@compiled
def _shared(lists: Lists, one: int, other: int) -> float:
    """Return the elders of the classes that two sites share; infinite where it is not known."""
    if len(lists.near) == 0:
        return np.inf
    low, high = lists.near_start[one], lists.near_start[one + 1]
    end = high
    while low < high:
        middle = (low + high) >> 1
        if lists.near[middle] < other:
            low = middle + 1
        else:
            high = middle
    return lists.shared[low] if low < end and lists.near[low] == other else 0.0


@compiled
def _taken_over(
    lists: Lists, count: NDArray[np.int32], only: NDArray[np.int64], old: int, new: int
) -> float:
    """Return the elders that one site alone covers and another one would."""
    total = 0.0
    for k in range(lists.start[new], lists.start[new + 1]):
        c = lists.classes[k]
        if count[c] == 1 and only[c] == old:
            total += lists.weight[c]
    return total


@compiled
def _turn(
    lists: Lists, count: NDArray[np.int32], only: NDArray[np.int64], worth: NDArray[np.float64],
    site: int, way: int,
) -> None:  # fmt: skip
    """Open a site or close it, and note what others are worth then."""
    own, is_open = worth[site], 1 if way < 0 else 0
    for k in range(lists.start[site], lists.start[site + 1]):
        c = lists.classes[k]
        others = count[c] - is_open
        if others == 1:
            worth[only[c] - is_open * site] -= way * lists.weight[c]
        elif others == 0:
            for i in range(lists.row_start[c], lists.row_start[c + 1]):
                worth[lists.row_site[i]] -= way * lists.weight[c]
        count[c] += way
        only[c] += way * site
    worth[site] = own
