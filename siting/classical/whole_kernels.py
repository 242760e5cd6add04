"""Compiled kernel that moves whole points between open sites with room, or swaps two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numba import njit

from siting.classical.transport_kernels import NONE, Rooms, Served

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["settle"]

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
def _go(rooms: Rooms, made: Served, at: NDArray[np.int64], point: int, place: int) -> None:
    """Take a point to another place."""
    made.spare[made.site[at[point]]] += rooms.elders[point]
    made.spare[made.site[place]] -= rooms.elders[point]
    at[point] = place


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
