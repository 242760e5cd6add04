"""Compiled steps of a search of choices: tables by level, decisions, rounding, and going back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from siting.classical.dual_kernels import FREE, HELD, OUT
from siting.classical.simplex_kernels import (
    Region,
    Table,
    close,
    copied,
    hold,
    rest,
)  # fmt: skip

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Levels", "at", "back", "better", "by_classes", "decide", "deeper", "shares", "spent", "tried",
]  # fmt: skip

compiled = njit(nogil=True, cache=True, error_model="numpy")

LIKELY = 2.0 / 3.0
"""Share of a site up to which it is the better to branch on the more of it is open."""

HALF, SLIP = 0.5, 1e-12


class Levels(NamedTuple):
    """
    The tables of a search, one for each level of its depth, and what is still to be done there.

    Attributes
    ----------
    tables
        Their arrays, with a level before all else.
    site, way
        (depth,) site that is decided next, and whether it is then HELD or OUT.
    bound
        (depth,) proven: nothing in what is still to be done there is below it.
    """

    tables: Table
    site: NDArray[np.int64]
    way: NDArray[np.int64]
    bound: NDArray[np.float64]


@compiled
def at(levels: Levels, k: int) -> Table:
    """Return the table of a level."""
    all_of = levels.tables
    return Table(
        all_of.entry[k], all_of.level[k], all_of.worth[k], all_of.basic[k], all_of.other[k],
        all_of.full[k], all_of.state[k], all_of.weight[k], all_of.size[k], all_of.kept[k],
    )  # fmt: skip


@compiled
def spent(region: Region, is_open: NDArray[np.bool_]) -> float:
    """Return what open sites and lost classes cost; infinite where sites pass a limit."""
    total, left, classes = 0.0, region.side, len(region.loss)
    for j in range(len(region.cost)):
        if is_open[j]:
            total += region.cost[j]
            left -= region.take[j]
    if region.side > 0:
        classes -= 1
        if left < -SLIP * region.side:
            return np.inf
        total += left * region.loss[classes]
    for i in range(classes):
        lost = True
        for k in range(region.row_start[i], region.row_start[i + 1]):
            lost = lost and not is_open[region.row_site[k]]
        if lost:
            total += region.loss[i]
    return total


@compiled
def _gain(region: Region, is_open: NDArray[np.bool_], count: NDArray[np.int64], site: int) -> float:
    """Return what opening a closed site saves, or closing an open one."""
    few = 1 if is_open[site] else 0
    total = 0.0
    for k in range(region.site_start[site], region.site_start[site + 1]):
        if count[region.site_row[k]] == few:
            total += region.loss[region.site_row[k]]
    saved: float = total - region.cost[site]
    return -saved if is_open[site] else saved


@compiled
def better(region: Region, is_open: NDArray[np.bool_]) -> None:
    """Open or close the site that saves most, as long as one saves anything."""
    count = np.zeros(len(region.loss), np.int64)
    for i in range(len(count)):
        for k in range(region.row_start[i], region.row_start[i + 1]):
            count[i] += is_open[region.row_site[k]]
    while True:
        site, most = -1, 1e-9
        for j in range(len(is_open)):
            gain = _gain(region, is_open, count, j)
            if gain > most:
                site, most = j, gain
        if site < 0:
            return
        is_open[site] = not is_open[site]
        for k in range(region.site_start[site], region.site_start[site + 1]):
            count[region.site_row[k]] += 1 if is_open[site] else -1


@compiled
def shares(table: Table, m: int, share: NDArray[np.float64]) -> None:
    """Note how far the relaxation opens each site; m classes."""
    for j in range(len(share)):
        share[j] = 1.0 if table.state[j] == HELD else 0.0
    for i in range(table.size[1]):
        site = table.other[i] - m
        if site >= 0 and table.state[site] == FREE:
            share[site] = min(max(-table.worth[i], 0.0), 1.0)


@compiled
def by_classes(region: Region, table: Table, share: NDArray[np.float64]) -> int:
    """Return the free site with most classes that is open by parts; -1 where none is."""
    site, most = -1, 0.0
    for j in range(len(share)):
        if table.state[j] != FREE or not 1e-6 < share[j] < 1.0 - 1e-6:  # noqa: PLR2004
            continue
        likely = share[j] * min(1.0, (1.0 - share[j]) / (1.0 - LIKELY))
        score = likely * (region.site_start[j + 1] - region.site_start[j])
        if score > most:
            site, most = j, score
    return site


@compiled
def decide(region: Region, table: Table, site: int, way: int) -> None:
    """Hold a site, and rule out those that no longer fit the limit; or rule it out."""
    if way != HELD:
        close(table, site)
        return
    hold(region, table, site)
    if region.side > 0:
        left = rest(region, table.state) + SLIP * region.side
        for j in range(len(table.state)):
            if table.state[j] == FREE and region.take[j] > left:
                close(table, j)


@compiled
def deeper(region: Region, levels: Levels, k: int, site: int, share: float) -> None:
    """Decide a site the likely way on the next level, and note the other way for later."""
    first = HELD if share >= HALF else OUT
    copied(at(levels, k), at(levels, k + 1))
    decide(region, at(levels, k + 1), site, first)
    levels.site[k], levels.way[k] = site, HELD + OUT - first


@compiled
def back(region: Region, levels: Levels, k: int, enough: float) -> int:
    """Go back to the last level where the other way may be better, and take it; -1 for none."""
    k -= 1
    while k >= 0 and levels.bound[k] >= enough:
        k -= 1
    if k >= 0:
        decide(region, at(levels, k), levels.site[k], levels.way[k])
    return k


@compiled
def _fitting(region: Region, share: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return sites within the limit, those that the relaxation opens most first."""
    left, is_open = region.side * (1.0 + SLIP), np.zeros(len(share), np.bool_)
    while True:
        site = -1
        for j in range(len(share)):
            may = share[j] > 0 and not is_open[j] and region.take[j] <= left
            if may and (site < 0 or share[j] > share[site]):
                site = j
        if site < 0:
            return is_open
        is_open[site] = True
        left -= region.take[site]


@compiled
def tried(
    region: Region, share: NDArray[np.float64], best: NDArray[np.bool_], value: float
) -> float:
    """Round what the relaxation opens, better it, and keep it where it costs less."""
    if region.side > 0:
        is_open = _fitting(region, share)
    else:
        is_open = share > HALF
        better(region, is_open)
    reached = spent(region, is_open)
    if reached < value:
        for j in range(len(best)):
            best[j] = is_open[j]
    return min(reached, value)
