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
KINDS, SWAP, OPEN_ONE, CLOSE_ONE = 4, 1, 2, 3
"""Kinds of steps where money has a price; the first two are swaps."""

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
    lists: Lists, chosen: NDArray[np.bool_], may: NDArray[np.bool_], money: float, price: float,
    steps: int, hot: float, cold: float, seed: int,
) -> NDArray[np.bool_]:  # fmt: skip
    """
    Return the best sites met on a walk of exchanges (Kirkpatrick, Gelatt & Vecchi 1983).

    A step closes one site and opens another, where money allows; it is kept where it covers no
    less, and else with a chance that falls with the loss and with time. Where money has a price,
    half of the steps only open a site or only close one, and what is spent counts as a loss. What
    each site is worth is kept up to date, so that most steps that are not kept are seen at once.

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
    price
        Elders that a unit of money stands for; 0: there are always as many sites as at first.
    steps
        Steps to go.
    hot, cold
        Loss, in elders, that is kept with a chance of 1/e at first and at last.
    seed
        Of the chances.
    """
    state = np.array([seed * 2654435761 + 88172645463325252], np.uint64)
    n, n_open, order = len(chosen), int((chosen & may).sum()), np.flatnonzero(may)
    count, only, worth = _stands(lists, chosen)
    worth, costs = np.append(worth, 0.0), np.append(lists.costs, 0.0)
    order = np.concatenate((order[chosen[order]], order[~chosen[order]]))
    place = np.full(n, -1, np.int64)
    place[order] = np.arange(len(order))
    now, best = chosen.copy(), chosen.copy()
    spent, gained, most = lists.costs[chosen].sum(), 0.0, 0.0
    heat, cooler = hot, (cold / hot) ** (1.0 / max(steps, 1))
    for _ in range(steps):
        heat *= cooler
        kind = drawn(state, KINDS) if price > 0.0 else SWAP
        old = n if kind == OPEN_ONE or n_open == 0 else order[drawn(state, n_open)]
        new = n if kind == CLOSE_ONE else _drawn_closed(lists, state, order, place, n_open, old)
        if (old == n) != (kind == OPEN_ONE) or (new == n) != (kind == CLOSE_ONE):
            continue
        cost = costs[new] - costs[old]
        least = heat * np.log((drawn(state, FINE) + 1.0) / FINE) + price * cost
        change = worth[new] - worth[old]
        if kind <= SWAP:
            if change + min(_shared(lists, old, new), worth[old]) < least:
                continue
            change += _taken_over(lists, count, only, old, new)
        if change < least or spent + cost > money * (1.0 + SAME):
            continue
        n_open = _take(lists, count, only, worth, now, order, place, n_open, old, new)
        spent += cost
        gained += change
        if gained > most:
            most = gained
            best[:] = now
    return best


@compiled
def _drawn_closed(
    lists: Lists, state: NDArray[np.uint64], order: NDArray[np.int64], place: NDArray[np.int64],
    n_open: int, old: int,
) -> int:  # fmt: skip
    """Return a closed site to open, or to open for another one; as many as there are: none."""
    if len(order) == n_open:
        return len(place)
    new = order[n_open + drawn(state, len(order) - n_open)]
    if old < len(place):
        first, end = lists.start[old], lists.start[old + 1]
        if end > first and drawn(state, FINE) < NEARBY * FINE:
            c = lists.classes[first + drawn(state, end - first)]
            k = lists.row_start[c] + drawn(state, lists.row_start[c + 1] - lists.row_start[c])
            new = np.int64(lists.row_site[k])
    return new if place[new] >= n_open else len(place)


@compiled
def _take(
    lists: Lists, count: NDArray[np.int32], only: NDArray[np.int64], worth: NDArray[np.float64],
    now: NDArray[np.bool_], order: NDArray[np.int64], place: NDArray[np.int64], n_open: int,
    old: int, new: int,
) -> int:  # fmt: skip
    """Take a step: open sites stay first in their order; return how many there are."""
    n = len(now)
    if old < n:
        _turn(lists, count, only, worth, old, CLOSE)
        now[old] = False
    if new < n:
        _turn(lists, count, only, worth, new, OPEN)
        now[new] = True
    if old < n and new < n:
        _exchange(order, place, old, new)
    elif new < n:
        _exchange(order, place, order[n_open], new)
        n_open += 1
    else:
        n_open -= 1
        _exchange(order, place, old, order[n_open])
    return n_open


@compiled
def _exchange(order: NDArray[np.int64], place: NDArray[np.int64], one: int, other: int) -> None:
    """Have two sites change places in an order."""
    a, b = place[one], place[other]
    order[a], order[b], place[one], place[other] = other, one, b, a


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
