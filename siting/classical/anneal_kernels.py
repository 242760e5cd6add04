"""Compiled kernel of annealing: sites change places, at first also where elders are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from siting.classical.cover_kernels import drawn

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["anneal"]

NEARBY = 0.8
"""Share of steps in which the site that opens shares a class with the one that closes."""

SAME = 1e-12
FINE = 1 << 30
compiled = njit(nogil=True, cache=True, error_model="numpy")


@compiled
def anneal(
    row_start: NDArray[np.int64], row_site: NDArray[np.int32],
    start: NDArray[np.int64], classes: NDArray[np.int32],
    weight: NDArray[np.float64], costs: NDArray[np.float64],
    chosen: NDArray[np.bool_], may: NDArray[np.bool_], money: float,
    steps: int, hot: float, cold: float, seed: int,
) -> NDArray[np.bool_]:  # fmt: skip
    """
    Return the best sites met on a walk of exchanges (Kirkpatrick, Gelatt & Vecchi 1983).

    A step closes one site and opens another, where money allows; it is kept where it covers no
    less, and else with a chance that falls with the loss and with time.

    Parameters
    ----------
    row_start, row_site
        Sites by class, CSR.
    start, classes
        Classes by site, CSR.
    weight
        (n_classes,) elders.
    costs
        (n_sites,) cost of each site.
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
    count, place = np.zeros(len(weight), np.int32), np.full(len(costs), -1, np.int64)
    for site in range(len(costs)):
        if chosen[site]:
            _add(start, classes, count, site)
    opened, closed = np.flatnonzero(chosen & may), np.flatnonzero(may & ~chosen)
    place[closed] = np.arange(len(closed))
    now, best = chosen.copy(), chosen.copy()
    spent, gained, most = costs[chosen].sum(), 0.0, 0.0
    if len(opened) == 0 or len(closed) == 0:
        return best
    heat, cooler = hot, (cold / hot) ** (1.0 / max(steps, 1))
    for _ in range(steps):
        heat *= cooler
        out = drawn(state, len(opened))
        old = opened[out]
        into = drawn(state, len(closed))
        if start[old + 1] > start[old] and drawn(state, FINE) < NEARBY * FINE:
            c = classes[start[old] + drawn(state, start[old + 1] - start[old])]
            k = row_start[c] + drawn(state, row_start[c + 1] - row_start[c])
            into = place[row_site[k]]
            if into < 0:
                continue
        new = closed[into]
        if spent - costs[old] + costs[new] > money * (1.0 + SAME):
            continue
        change = -_remove(start, classes, count, weight, old)
        change += _gain(start, classes, count, weight, new)
        if change < 0.0 and drawn(state, FINE) >= np.exp(change / heat) * FINE:
            _add(start, classes, count, old)
            continue
        _add(start, classes, count, new)
        spent += costs[new] - costs[old]
        opened[out], closed[into], place[new], place[old] = new, old, -1, into
        now[old], now[new] = False, True
        gained += change
        if gained > most:
            most = gained
            best[:] = now
    return best


@compiled
def _add(
    start: NDArray[np.int64], classes: NDArray[np.int32], count: NDArray[np.int32], site: int
) -> None:
    """Count one site more over each of its classes."""
    for k in range(start[site], start[site + 1]):
        count[classes[k]] += 1


@compiled
def _remove(
    start: NDArray[np.int64], classes: NDArray[np.int32], count: NDArray[np.int32],
    weight: NDArray[np.float64], site: int,
) -> float:  # fmt: skip
    """Count one site less over each of its classes, and return the elders that lose their last."""
    loss = 0.0
    for k in range(start[site], start[site + 1]):
        count[classes[k]] -= 1
        if count[classes[k]] == 0:
            loss += weight[classes[k]]
    return loss


@compiled
def _gain(
    start: NDArray[np.int64], classes: NDArray[np.int32], count: NDArray[np.int32],
    weight: NDArray[np.float64], site: int,
) -> float:  # fmt: skip
    """Return the elders that a site would be the first to cover."""
    gain = 0.0
    for k in range(start[site], start[site + 1]):
        if count[classes[k]] == 0:
            gain += weight[classes[k]]
    return gain
