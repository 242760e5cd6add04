"""Compiled kernels of the transportation problem: all elders to open sites that have room."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NONE", "Rooms", "Served", "transport"]

compiled = njit(nogil=True, cache=True, error_model="numpy")

NONE = -1


class Rooms(NamedTuple):
    """
    Sites with room and the points that they reach.

    Attributes
    ----------
    start, point, metres
        CSR by site: points, nearest first, and the cost of the way of one elder.
    elders
        (n,) elders of each point, above 0.
    room, cost
        (n_sites,) elders that each site can hold, and what it costs to open.
    limit
        Most sites that may be open.
    """

    start: NDArray[np.int64]
    point: NDArray[np.int32]
    metres: NDArray[np.float64]
    elders: NDArray[np.float64]
    room: NDArray[np.float64]
    cost: NDArray[np.float64]
    limit: int


class Served(NamedTuple):
    """
    Elders at open sites, which are named by their rank among these.

    Attributes
    ----------
    start, site, pair
        CSR by point: open sites that reach it, and the number of the pair in ``Rooms``.
    way, flow
        In the same order: cost of the way of one elder, and elders who go it.
    first, place
        CSR by open site: places in the arrays above.
    point
        Point of each place.
    spare
        (k,) room left; negative where a site is overfull.
    move
        (k, k) least cost of taking an elder from one site to another.
    away, onto
        (k, k) places of that elder before and after.
    beside, other
        CSR by open site: those that reach one of its points too.
    """

    start: NDArray[np.int64]
    site: NDArray[np.int64]
    pair: NDArray[np.int64]
    way: NDArray[np.float64]
    flow: NDArray[np.float64]
    first: NDArray[np.int64]
    place: NDArray[np.int64]
    point: NDArray[np.int64]
    spare: NDArray[np.float64]
    move: NDArray[np.float64]
    away: NDArray[np.int64]
    onto: NDArray[np.int64]
    beside: NDArray[np.int64]
    other: NDArray[np.int64]


@compiled
def _neighbours(
    start: NDArray[np.int64], site: NDArray[np.int64], first: NDArray[np.int64],
    place: NDArray[np.int64], point: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Return, as CSR by open site, the other ones that reach one of its points."""
    k = len(first) - 1
    seen, found = np.full(k, NONE, np.int64), [np.int64(0) for _ in range(0)]
    beside = np.zeros(k + 1, np.int64)
    for a in range(k):
        seen[a] = a
        for at in range(first[a], first[a + 1]):
            j = point[place[at]]
            for here in range(start[j], start[j + 1]):
                if seen[site[here]] != a:
                    seen[site[here]] = a
                    found.append(site[here])
        beside[a + 1] = len(found)
    other = np.zeros(len(found), np.int64)
    for each in range(len(found)):
        other[each] = found[each]
    return beside, other


@compiled
def _lists(rooms: Rooms, sites: NDArray[np.int64]) -> Served:
    """Return the pairs of open sites by point and by site, with nobody served."""
    k, n, count = len(sites), len(rooms.elders), 0
    start = np.zeros(n + 1, np.int64)
    for a in range(k):
        count += rooms.start[sites[a] + 1] - rooms.start[sites[a]]
        for at in range(rooms.start[sites[a]], rooms.start[sites[a] + 1]):
            start[rooms.point[at] + 1] += 1
    for j in range(n):
        start[j + 1] += start[j]
    filled, first = start.copy(), np.zeros(k + 1, np.int64)
    site, pair = np.zeros(count, np.int64), np.zeros(count, np.int64)
    way, flow = np.zeros(count), np.zeros(count)
    place, point = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for a in range(k):
        first[a + 1] = first[a]
        for at in range(rooms.start[sites[a]], rooms.start[sites[a] + 1]):
            j = rooms.point[at]
            here = filled[j]
            site[here], pair[here], way[here], point[here] = a, at, rooms.metres[at], j
            place[first[a + 1]] = here
            filled[j] += 1
            first[a + 1] += 1
    square = np.full((k, k), np.inf)
    away, onto = np.full((k, k), NONE, np.int64), np.full((k, k), NONE, np.int64)
    beside, other = _neighbours(start, site, first, place, point)
    return Served(
        start, site, pair, way, flow, first, place, point, np.zeros(k), square, away, onto,
        beside, other,
    )  # fmt: skip


@compiled
def _nearest(rooms: Rooms, sites: NDArray[np.int64], made: Served) -> float:
    """Send all to the nearest site, whatever its room; return what that costs."""
    for a in range(len(sites)):
        made.spare[a] = rooms.room[sites[a]]
    total = 0.0
    for j in range(len(rooms.elders)):
        if made.start[j] == made.start[j + 1]:
            return np.inf
        best = made.start[j]
        for at in range(made.start[j] + 1, made.start[j + 1]):
            if made.way[at] < made.way[best]:
                best = at
        made.flow[best] = rooms.elders[j]
        made.spare[made.site[best]] -= rooms.elders[j]
        total += rooms.elders[j] * made.way[best]
    return total


@compiled
def _moves_from(a: int, made: Served) -> None:
    """Note the least costs of moving someone from one site."""
    made.move[a] = np.inf
    for k in range(made.first[a], made.first[a + 1]):
        if made.flow[made.place[k]] > 0:
            _may_move(made.place[k], made)


@compiled
def _may_move(here: int, made: Served) -> None:
    """Note the costs of moving the elders of a place to other sites, where they are the least."""
    a, j = made.site[here], made.point[here]
    for there in range(made.start[j], made.start[j + 1]):
        extra, b = made.way[there] - made.way[here], made.site[there]
        if b != a and extra < made.move[a, b]:
            made.move[a, b], made.away[a, b], made.onto[a, b] = extra, here, there


@compiled
def _way_out(
    a: int, made: Served, relief: NDArray[np.float64], before: NDArray[np.int64]
) -> tuple[int, int]:
    """
    Find the cheapest chain of moves from an overfull site to spare room.

    Costs of moves are reduced by what one elder less costs at either end, which leaves none below
    0, so that the nearest sites come first and the search ends at the first room (Dijkstra).

    Parameters
    ----------
    a
        The overfull site.
    made
        Who goes where.
    relief
        (k,) what one elder less at each site saves, at least 0; kept up to date.
    before
        (k,) takes the site before each in its chain.

    Returns
    -------
    end, steps
        The site with room, ``NONE`` where none is reached; steps taken.
    """
    k, steps, end, count, passed = len(relief), 2 * len(relief), NONE, 1, 0
    far, done = np.full(k, np.inf), np.zeros(k, np.bool_)
    edge, behind = np.zeros(k, np.int64), np.zeros(k, np.int64)
    far[a], edge[0] = 0.0, a
    while count > 0 and end == NONE:
        least = 0
        for each in range(1, count):
            if far[edge[each]] < far[edge[least]]:
                least = each
        here = edge[least]
        count -= 1
        edge[least] = edge[count]
        done[here], behind[passed] = True, here
        passed += 1
        steps += count + made.beside[here + 1] - made.beside[here]
        if made.spare[here] > 0:
            end = here
            break
        for at in range(made.beside[here], made.beside[here + 1]):
            b = made.other[at]
            way = far[here] + max(made.move[here, b] - relief[here] + relief[b], 0.0)
            if way < far[b] and not done[b]:
                if far[b] == np.inf:
                    edge[count] = b
                    count += 1
                far[b], before[b] = way, here
    for each in range(passed):
        if end != NONE:
            relief[behind[each]] += far[end] - far[behind[each]]
    return end, steps


@compiled
def _push(a: int, end: int, before: NDArray[np.int64], made: Served) -> tuple[float, int]:
    """
    Take elders from an overfull site along a chain of moves to spare room.

    Returns
    -------
    amount, steps
        Elders taken, and the steps.
    """
    amount, there, steps = min(-made.spare[a], made.spare[end]), end, 0
    while there != a:
        amount = min(amount, made.flow[made.away[before[there], there]])
        there = before[there]
    made.spare[a] += amount
    made.spare[end] -= amount
    there = end
    while there != a:
        here = before[there]
        away, onto = made.away[here, there], made.onto[here, there]
        made.flow[away] -= amount
        made.flow[onto] += amount
        if made.flow[away] <= 0:
            made.flow[away] = 0.0
            _moves_from(here, made)
            steps += made.first[here + 1] - made.first[here]
        _may_move(onto, made)
        there = here
    return amount, steps


@compiled
def transport(
    rooms: Rooms, sites: NDArray[np.int64], most: float, price: NDArray[np.float64],
    most_steps: int,
) -> tuple[float, Served, int]:  # fmt: skip
    """
    Serve all elders from some sites, at the least cost of their ways.

    All go to the nearest site; what is too much goes on, along the cheapest chain of moves to
    spare room (successive shortest paths). Exact, and whole where elders and room are.

    Parameters
    ----------
    rooms
        Sites and points.
    sites
        The open ones.
    most
        Cost of the ways from which on the answer is of no use.
    price
        (n,) takes what one elder more at each point would cost.
    most_steps
        Steps after which to give up.

    Returns
    -------
    way, served, steps
        Cost of all ways, infinite where the sites have no room for all, it reaches ``most``, or
        more steps were taken than may be; who goes where; steps taken.
    """
    k, made = len(sites), _lists(rooms, sites)
    steps = 3 * len(made.way) + len(rooms.elders) + k * k
    way = _nearest(rooms, sites, made)
    if way >= most or made.spare.sum() < 0:
        return np.inf, made, steps
    for a in range(k):
        _moves_from(a, made)
    relief, before = np.zeros(k), np.zeros(k, np.int64)
    for a in range(k):
        while made.spare[a] < 0:
            end, more = _way_out(a, made, relief, before)
            if end == NONE or way >= most or steps > most_steps:
                return np.inf, made, steps + more
            amount, pushed = _push(a, end, before, made)
            way += amount * relief[a]
            steps += more + pushed
    way = 0.0
    for at in range(len(made.flow)):
        if made.flow[at] > 0:
            way += made.flow[at] * made.way[at]
            price[made.point[at]] = made.way[at] + relief[made.site[at]]
    return way if way < most else np.inf, made, steps
