"""Compiled simplex of the prices of classes in a region, on one dense table a level."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from siting.classical.dual_kernels import FREE, HELD, OUT

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Region", "Table", "close", "copied", "hold", "optimize", "reduced", "rest", "set_up",
]  # fmt: skip

compiled = njit(nogil=True, cache=True, error_model="numpy")

TINY = 1e-9
TURNS = 20
"""Exchanges of one call at the most, for each site and class."""


class Region(NamedTuple):
    """
    Sites and classes of a region: each class has an open site, or is lost.

    Attributes
    ----------
    cost
        (n,) of each site.
    loss
        (m,) cost of a class without a site.
    row_start, row_site, site_start, site_row
        Sites of each class and classes of each site, CSR.
    take, side
        (n,) what each site takes of a limit, and the limit; a side of 0 stands for none. Where
        there is one, the last class is no class: it is in no list, each site covers it as often
        as it takes of the limit, it is asked for as often as there is of it, and its loss is the
        price of the limit at the most.
    """

    cost: NDArray[np.float64]
    loss: NDArray[np.float64]
    row_start: NDArray[np.int64]
    row_site: NDArray[np.int64]
    site_start: NDArray[np.int64]
    site_row: NDArray[np.int64]
    take: NDArray[np.float64]
    side: float


class Table(NamedTuple):
    """
    A condensed simplex table: most in prices of classes, a site's classes not above its cost.

    A price is between 0 and the loss of its class. Sites that are decided bind no more; the
    prices of classes that a held site serves are worth nothing. Variables are classes, then, from
    m on, what is left of each site's cost.

    Attributes
    ----------
    entry
        (n, m) how fast a basic variable falls as a nonbasic one grows.
    level
        (n,) values of the basic variables.
    worth
        (m,) reduced profit of each nonbasic variable.
    basic, other
        (n,), (m,) which variables are basic, and which are not.
    full
        (m,) whether a nonbasic one is at its upper limit.
    state
        (n,) whether a site is FREE, HELD or OUT.
    weight
        (m,) of each nonbasic variable, for choosing the next (Devex, Harris 1973).
    size
        (2,) basic and nonbasic variables that are still in the table, the first of each list.
    kept
        (m,) where each class stands as the table is set up; -1 where it is served.
    """

    entry: NDArray[np.float64]
    level: NDArray[np.float64]
    worth: NDArray[np.float64]
    basic: NDArray[np.int64]
    other: NDArray[np.int64]
    full: NDArray[np.bool_]
    state: NDArray[np.int8]
    weight: NDArray[np.float64]
    size: NDArray[np.int64]
    kept: NDArray[np.int64]


@compiled
def _is_served(region: Region, state: NDArray[np.int8], row: int) -> bool:
    """Return whether a class has a held site."""
    for k in range(region.row_start[row], region.row_start[row + 1]):
        if state[region.row_site[k]] == HELD:
            return True
    return False


@compiled
def rest(region: Region, state: NDArray[np.int8]) -> float:
    """Return what held sites leave of the limit."""
    left = region.side
    for j in range(len(state)):
        if state[j] == HELD:
            left -= region.take[j]
    return max(left, 0.0)


@compiled
def _set_row(region: Region, table: Table, site: int) -> None:
    """Put a site's cost below the others of the table, its classes in it."""
    n, m = table.size
    for i in range(m):
        table.entry[n, i] = 0.0
    for k in range(region.site_start[site], region.site_start[site + 1]):
        if table.kept[region.site_row[k]] >= 0:
            table.entry[n, table.kept[region.site_row[k]]] = 1.0
    if region.side > 0:
        table.entry[n, m - 1] = region.take[site]
    table.level[n], table.basic[n] = region.cost[site], len(region.loss) + site
    table.size[0] = n + 1


@compiled
def set_up(region: Region, table: Table, state: NDArray[np.int8]) -> None:
    """Start with all prices 0, some sites held or out; those that cost nothing are held."""
    m = 0
    for j in range(len(state)):
        table.state[j] = HELD if state[j] == FREE and region.cost[j] <= 0 else state[j]
    for i in range(len(region.loss)):
        table.kept[i] = -1
        if not _is_served(region, table.state, i):
            table.worth[m], table.other[m], table.full[m], table.kept[i] = 1.0, i, False, m
            m += 1
    if region.side > 0:
        table.worth[m - 1] = rest(region, table.state)
    table.size[0], table.size[1] = 0, m
    for j in range(len(state)):
        if table.state[j] == FREE:
            _set_row(region, table, j)


@compiled
def copied(source: Table, target: Table) -> None:
    """
    Copy a table without costs that bind no more.

    Served classes stay: to leave their columns out takes longer than it saves.
    """
    n, m, first = 0, source.size[1], len(source.kept)
    for j in range(len(source.state)):
        target.state[j] = source.state[j]
    for i in range(m):
        target.worth[i], target.other[i] = source.worth[i], source.other[i]
        target.full[i] = source.full[i]
    for j in range(source.size[0]):
        variable = source.basic[j]
        if variable >= first and source.state[variable - first] != FREE:
            continue
        old, new = source.entry[j], target.entry[n]
        for i in range(m):
            new[i] = old[i]
        target.level[n], target.basic[n] = source.level[j], variable
        n += 1
    target.size[0], target.size[1] = n, m


@compiled
def _less(table: Table, variable: int, amount: float) -> None:
    """Let the price of a class be worth so much less."""
    n, m = table.size[0], table.size[1]
    for i in range(m):
        if table.other[i] == variable:
            table.worth[i] -= amount
    for j in range(n):
        if table.basic[j] == variable:
            for i in range(m):
                table.worth[i] += amount * table.entry[j, i]


@compiled
def hold(region: Region, table: Table, site: int) -> None:
    """Hold a site: its cost binds no more, and the prices of its classes are worth nothing."""
    for k in range(region.site_start[site], region.site_start[site + 1]):
        row = region.site_row[k]
        if not _is_served(region, table.state, row):
            _less(table, row, 1.0)
    if region.side > 0:
        _less(table, len(region.loss) - 1, region.take[site])
    table.state[site] = HELD


@compiled
def close(table: Table, site: int) -> None:
    """Rule a site out: its cost binds no more."""
    table.state[site] = OUT


@compiled
def _entering(table: Table, first: int) -> int:
    """Return the nonbasic variable that is worth most to move; -1 where none is worth anything."""
    column, most = -1, 0.0
    for i in range(table.size[1]):
        gain, variable = table.worth[i], table.other[i]
        if variable >= first and table.state[variable - first] != FREE:
            gain = abs(gain)
        elif table.full[i]:
            gain = -gain
        if gain > TINY and gain * gain > most * table.weight[i]:
            column, most = i, gain * gain / table.weight[i]
    return column


@compiled
def _leaving(
    table: Table, loss: NDArray[np.float64], column: int, way: float, most: float
) -> tuple[int, float]:
    """Return the basic variable that stops another one first, -1 for none, and how far it goes."""
    row, pivot, m = -1, 0.0, len(loss)
    for j in range(table.size[0]):
        fall, variable = way * table.entry[j, column], table.basic[j]
        if abs(fall) <= TINY or (variable >= m and (fall < 0 or table.state[variable - m] != FREE)):
            continue
        room = table.level[j] if fall > 0 else loss[variable] - table.level[j]
        far = max(room, 0.0) / abs(fall)
        if far < most - 1e-12 or (far <= most + 1e-12 and row >= 0 and abs(fall) > pivot):
            row, pivot, most = j, abs(fall), min(far, most)
    return row, most


@compiled
def _exchange(table: Table, row: int, column: int) -> None:
    """Exchange a basic and a nonbasic variable in all rows of the table."""
    n, m = table.size
    own = 1.0 / table.entry[row, column]
    pivot = np.empty(m)  # a copy, so that lines of the table are known to lie apart from it
    for i in range(m):
        pivot[i] = table.entry[row, i] * own
    for j in range(n):
        factor = table.entry[j, column]
        if j == row or factor == 0.0:
            continue
        line = table.entry[j]
        for i in range(m):
            line[i] -= factor * pivot[i]
        line[column] = -factor * own
    factor = table.worth[column]
    for i in range(m):
        table.worth[i] -= factor * pivot[i]
    table.worth[column] = -factor * own
    first = table.weight[column]
    for i in range(m):
        table.weight[i] = max(table.weight[i], first * pivot[i] ** 2)
    table.weight[column] = max(first * own * own, 1.0)
    pivot[column] = own
    table.entry[row, :m] = pivot
    table.basic[row], table.other[column] = table.other[column], table.basic[row]


@compiled
def _forget_served(region: Region, state: NDArray[np.int8], price: NDArray[np.float64]) -> None:
    """Let the classes of held sites have no price."""
    for j in range(len(state)):
        if state[j] == HELD:
            for k in range(region.site_start[j], region.site_start[j + 1]):
                price[region.site_row[k]] = 0.0


@compiled
def _prices(region: Region, table: Table, price: NDArray[np.float64]) -> float:
    """Note the price of each class that no held site serves, 0 of others; return their sum."""
    m, total = len(region.loss), 0.0
    for i in range(m):
        price[i] = 0.0
    for i in range(table.size[1]):
        if table.other[i] < m and table.full[i]:
            price[table.other[i]] = region.loss[table.other[i]]
    for j in range(table.size[0]):
        if table.basic[j] < m:
            most = region.loss[table.basic[j]]
            price[table.basic[j]] = min(max(table.level[j], 0.0), most)
    _forget_served(region, table.state, price)
    for i in range(m):
        total += price[i]
    if region.side > 0:
        total += (rest(region, table.state) - 1.0) * price[m - 1]
    return total


@compiled
def reduced(region: Region, price: NDArray[np.float64], site: int) -> float:
    """Return what is left of a site's cost."""
    left: float = region.cost[site]
    for k in range(region.site_start[site], region.site_start[site + 1]):
        left -= price[region.site_row[k]]
    if region.side > 0:
        left -= region.take[site] * price[len(price) - 1]
    return left


@compiled
def _proven(region: Region, table: Table, price: NDArray[np.float64]) -> float:
    """Note the prices, and return the bound that they prove, worked out from them alone."""
    bound = _prices(region, table, price)
    for j in range(len(region.cost)):
        if table.state[j] == HELD:
            bound += region.cost[j]
        elif table.state[j] == FREE:
            bound += min(reduced(region, price, j), 0.0)
    return bound


@compiled
def optimize(
    region: Region, table: Table, price: NDArray[np.float64], target: float, most: int,
    halt: NDArray[np.bool_],
) -> tuple[float, int]:  # fmt: skip
    """
    Raise prices by exchanges until no more is to be gained, or a target is reached.

    Parameters
    ----------
    region, table
        Sites and classes, and where the exchanges stand.
    price
        (m,) the prices are noted there.
    target
        Bound that is enough.
    most
        Exchanges at the most.
    halt
        (1,) True ends them soon.

    Returns
    -------
    bound, turns
        What the prices prove, worked out from them alone, whatever the exchanges did, and how many
        those were.
    """
    n, m, turns = table.size[0], table.size[1], 0
    reached, first = _proven(region, table, price), len(region.loss)
    for i in range(m):
        table.weight[i] = 1.0
    while turns < min(most, TURNS * (n + m)) and not halt[0]:
        column = _entering(table, first)
        if column < 0 or reached > target:
            break
        variable, from_full = table.other[column], table.full[column]
        way = 1.0 if table.worth[column] > 0 else -1.0
        limit = region.loss[variable] if variable < first else np.inf
        row, far = _leaving(table, region.loss, column, way, limit)
        if far == np.inf:
            break
        turns += 1
        reached += abs(table.worth[column]) * far
        to_full = row >= 0 and way * table.entry[row, column] < 0
        for j in range(n):
            table.level[j] -= way * table.entry[j, column] * far
        if row < 0:
            table.full[column] = not from_full
            continue
        _exchange(table, row, column)
        table.level[row] = (limit if from_full else 0.0) + way * far
        table.full[column] = to_full
    return _proven(region, table, price), turns
