"""Compiled kernels of straight lines: which sites lie within a cutoff of each point."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Boxes", "are_same", "class_sites", "keys_of", "nearest_of"]


class Boxes(NamedTuple):
    """
    Sites sorted into square boxes, as the kernels take them.

    Attributes
    ----------
    xy
        (n, 2) coordinates of the sites.
    low, size, shape
        Corner of the first box, side of each, and how many there are across and along.
    start, item
        CSR of the sites by box.
    """

    xy: NDArray[np.float64]
    low: NDArray[np.float64]
    size: float
    shape: NDArray[np.int64]
    start: NDArray[np.int64]
    item: NDArray[np.int64]


compiled = njit(nogil=True, cache=True, error_model="numpy")

BAND = 1e-12
"""Relative width around the cutoff in which a distance is worked out to the last digit."""


@compiled
def _is_near(dx: float, dy: float, cutoff: float) -> bool:
    """Return whether a distance is no longer than the cutoff, exactly as ``hypot`` has it."""
    apart, most = dx * dx + dy * dy, cutoff * cutoff
    if apart < most * (1.0 - BAND):
        return True
    return apart <= most * (1.0 + BAND) and math.hypot(dx, dy) <= cutoff


@compiled
def _near(
    boxes: Boxes,
    x: float,
    y: float,
    cutoff: float,
    found: NDArray[np.int64],
) -> int:
    """Write the sites within the cutoff of a place, and return how many they are."""
    n = 0
    low, shape, start = boxes.low, boxes.shape, boxes.start
    across, along = np.floor((x - low[0]) / boxes.size), np.floor((y - low[1]) / boxes.size)
    if across < -1 or along < -1 or across > shape[0] or along > shape[1]:
        return 0
    i, j = int(across), int(along)
    for a in range(i - 1, i + 2):
        if a < 0 or a >= shape[0]:
            continue
        row = a * shape[1]
        for k in range(start[row + max(j - 1, 0)], start[row + min(j + 2, shape[1])]):
            s = boxes.item[k]
            if _is_near(boxes.xy[s, 0] - x, boxes.xy[s, 1] - y, cutoff):
                found[n] = s
                n += 1
    return n


@compiled
def keys_of(
    boxes: Boxes,
    points: NDArray[np.float64],
    cutoff: float,
    words: NDArray[np.uint64],
    key: NDArray[np.uint64],
    count: NDArray[np.int64],
) -> None:
    """Add up the words of the sites over each point, and count them."""
    found = np.empty(len(boxes.xy), np.int64)
    for p in range(len(points)):
        n = _near(boxes, points[p, 0], points[p, 1], cutoff, found)
        count[p] = n
        for k in range(n):
            key[p, 0] += words[0, found[k]]
            key[p, 1] += words[1, found[k]]


@compiled
def class_sites(
    boxes: Boxes,
    points: NDArray[np.float64],
    cutoff: float,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return CSR of the sites over each point, ascending."""
    found, ends = np.empty(len(boxes.xy), np.int64), np.zeros(len(points) + 1, np.int64)
    for p in range(len(points)):
        ends[p + 1] = ends[p] + _near(boxes, points[p, 0], points[p, 1], cutoff, found)
    site = np.empty(ends[-1], np.int32)
    for p in range(len(points)):
        n = _near(boxes, points[p, 0], points[p, 1], cutoff, found)
        listed = np.sort(found[:n])
        for k in range(n):
            site[ends[p] + k] = listed[k]
    return ends, site


@compiled
def are_same(
    boxes: Boxes,
    points: NDArray[np.float64],
    cutoff: float,
    class_start: NDArray[np.int64],
    class_site: NDArray[np.int32],
    group: NDArray[np.int64],
) -> bool:
    """Return whether the sites over each point are those of its class."""
    found = np.empty(len(boxes.xy), np.int64)
    for p in range(len(points)):
        if group[p] < 0:
            continue
        n = _near(boxes, points[p, 0], points[p, 1], cutoff, found)
        first, last = class_start[group[p]], class_start[group[p] + 1]
        if last - first != n:
            return False
        listed = class_site[first:last]
        for k in range(n):
            place = np.searchsorted(listed, found[k])
            if place == n or listed[place] != found[k]:
                return False
    return True


@compiled
def nearest_of(
    boxes: Boxes,
    points: NDArray[np.float64],
    cutoff: float,
    site: NDArray[np.int64],
    metres: NDArray[np.float64],
) -> None:
    """Write the nearest site within the cutoff of each point, the first among equals."""
    found = np.empty(len(boxes.xy), np.int64)
    for p in range(len(points)):
        n = _near(boxes, points[p, 0], points[p, 1], cutoff, found)
        for k in range(n):
            s = found[k]
            apart = math.hypot(boxes.xy[s, 0] - points[p, 0], boxes.xy[s, 1] - points[p, 1])
            if apart < metres[p] or (apart == metres[p] and s < site[p]):
                site[p], metres[p] = s, apart
