"""Compiled kernels that move whole points between open sites with room, or swap two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from siting.classical.transport_kernels import NONE, Rooms, Served

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["settle", "unload"]

compiled = njit(nogil=True, cache=True, error_model="numpy")

LEAST = 1e-9
"""Least gain, as a share of the way that is saved, for which a point moves."""


@compiled
def _at(made: Served, point: int, site: int) -> int:
    """Return the place of a point at a site, ``NONE`` where it is out of reach."""
    for place in range(made.start[point], made.start[point + 1]):
        if made.site[place] == site:
            return place
    return NONE


@compiled
def _go(rooms: Rooms, made: Served, at: NDArray[np.int64], point: int, place: int) -> None:
    """Take a point to another place."""
    made.spare[made.site[at[point]]] += rooms.elders[point]
    made.spare[made.site[place]] -= rooms.elders[point]
    at[point] = place


@compiled
def _relief(
    rooms: Rooms, made: Served, at: NDArray[np.int64], point: int, place: int
) -> tuple[float, int, int, int]:
    """
    Return how an overfull site is best relieved of a point that goes to another place.

    It goes alone, or in exchange for a smaller point that comes back.

    Returns
    -------
    price, other, there, steps
        Cost of the way for each elder that the site has less of what is too much, infinite where
        the other site has no room; the point that comes back, or ``NONE``, and its place; steps.
    """
    here, wanted = made.site[at[point]], made.site[place]
    over, size = -made.spare[here], rooms.elders[point]
    extra = size * (made.way[place] - made.way[at[point]])
    best, other, there, steps = np.inf, NONE, NONE, 0
    if made.spare[wanted] >= size:
        best = extra / min(size, over)
    for k in range(made.first[wanted], made.first[wanted + 1]):
        each, steps = made.point[made.place[k]], steps + 1
        less = size - rooms.elders[each]
        if at[each] != made.place[k] or less <= 0 or less > made.spare[wanted]:
            continue
        back = _at(made, each, here)
        steps += made.start[each + 1] - made.start[each]
        if back != NONE:
            cost = extra + rooms.elders[each] * (made.way[back] - made.way[at[each]])
            if cost / min(less, over) < best:
                best, other, there = cost / min(less, over), each, back
    return best, other, there, steps


@compiled
def unload(rooms: Rooms, made: Served, at: NDArray[np.int64], most_steps: int) -> bool:
    """
    Move or swap points until no site is overfull, each time what costs least for what it brings.

    Parameters
    ----------
    rooms, made, at, most_steps
        As in ``settle``; ``made.spare`` is below 0 at overfull sites.

    Returns
    -------
    fits
        Whether no site is overfull.
    """
    steps, here = 0, 0
    while here < len(made.spare) and steps < most_steps:
        if made.spare[here] >= 0:
            here += 1
            continue
        best, point, place, other, there = np.inf, NONE, NONE, NONE, NONE
        for k in range(made.first[here], made.first[here + 1]):
            each = made.point[made.place[k]]
            if at[each] != made.place[k]:
                continue
            for onto in range(made.start[each], made.start[each + 1]):
                if onto != at[each]:
                    price, back, goal, more = _relief(rooms, made, at, each, onto)
                    steps += more
                    if price < best:
                        best, point, place, other, there = price, each, onto, back, goal
        if point == NONE:
            return False
        if other != NONE:
            _go(rooms, made, at, other, there)
        _go(rooms, made, at, point, place)
    return bool(made.spare.min() >= 0)


@compiled
def _partner(
    rooms: Rooms, made: Served, at: NDArray[np.int64], point: int, place: int
) -> tuple[int, int, int]:
    """
    Return the point that changes sites with another one so that most is saved.

    Returns
    -------
    other, there, steps
        The point, ``NONE`` where none saves anything; its new place; steps taken.
    """
    here, wanted = made.site[at[point]], made.site[place]
    gain = rooms.elders[point] * (made.way[at[point]] - made.way[place])
    best, other, there, steps = LEAST * abs(gain), NONE, NONE, 0
    for k in range(made.first[wanted], made.first[wanted + 1]):
        each, steps = made.point[made.place[k]], steps + 1
        more = rooms.elders[each] - rooms.elders[point]
        if at[each] != made.place[k] or more > made.spare[here] or -more > made.spare[wanted]:
            continue
        back = _at(made, each, here)
        steps += made.start[each + 1] - made.start[each]
        if back != NONE:
            saved = gain + rooms.elders[each] * (made.way[at[each]] - made.way[back])
            if saved > best:
                best, other, there = saved, each, back
    return other, there, steps


@compiled
def settle(rooms: Rooms, made: Served, at: NDArray[np.int64], most_steps: int) -> None:
    """
    Move points to nearer sites, alone or in exchange for another one, as long as that saves way.

    Parameters
    ----------
    rooms
        Sites and points.
    made
        Open sites by point and by site; their spare room is kept up to date.
    at
        (n,) place of each point; changed in place.
    most_steps
        Steps after which to stop.
    """
    steps, idle, point = 0, 0, 0
    while idle < len(at) and steps < most_steps:
        idle += 1
        for place in range(made.start[point], made.start[point + 1]):
            steps += 1
            if made.way[place] >= made.way[at[point]] * (1.0 - LEAST):
                continue
            if made.spare[made.site[place]] >= rooms.elders[point]:
                _go(rooms, made, at, point, place)
                idle = 0
                continue
            other, there, more = _partner(rooms, made, at, point, place)
            steps += more
            if other != NONE:
                _go(rooms, made, at, other, there)
                _go(rooms, made, at, point, place)
                idle = 0
        point = (point + 1) % len(at)
