"""Straight lines within a cutoff, from coordinates to classes without ever listing the pairs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import cKDTree

from siting.classical.faults import LARGEST, places
from siting.classical.straight_kernels import Boxes, are_same, class_sites, keys_of, nearest_of
from siting.errors import Fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Near", "StraightReach", "read_coordinates"]

CHUNK = 250_000
WORKERS = 2


@dataclass(frozen=True)
class StraightReach:
    """
    Sites and demand points by their coordinates; reach is the straight line between them.

    Taken by the covering models in place of a matrix: ten million points need no list of pairs.

    Attributes
    ----------
    sites
        (n_sites, 2) x and y in metres, in a projected CRS.
    demand
        (n_demand, 2) likewise.
    """

    sites: Any
    demand: Any


@dataclass(frozen=True)
class Near:
    """
    Sites and demand points with the cutoff within which one covers the other.

    Attributes
    ----------
    sites, points
        (n, 2) coordinates.
    cutoff_m
        Longest distance that covers, inclusive.
    """

    sites: NDArray[np.float64]
    points: NDArray[np.float64]
    cutoff_m: float

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return len(self.sites)

    @property
    def n_demand(self) -> int:
        """Number of demand points."""
        return len(self.points)

    def keys(self, words: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Return two sums of the words of the sites over each point, and how many they are."""
        boxes = _boxes(self.sites, self.cutoff_m)
        key = np.zeros((self.n_demand, 2), dtype=np.uint64)
        count = np.zeros(self.n_demand, dtype=np.int64)

        def work(part: slice) -> None:
            """Do a chunk."""
            keys_of(boxes, self.points[part], self.cutoff_m, words, key[part], count[part])

        _in_chunks(work, self.n_demand)
        return key, count

    def leads(self, first: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return CSR of the sites over some points, ascending."""
        boxes = _boxes(self.sites, self.cutoff_m)
        return class_sites(boxes, self.points[first], self.cutoff_m)

    def hold_together(
        self, start: NDArray[np.int64], site: NDArray[np.int32], group: NDArray[np.int64]
    ) -> bool:
        """Return whether all points of a class lie within reach of the sites of its first."""
        boxes = _boxes(self.sites, self.cutoff_m)
        right = []

        def work(part: slice) -> None:
            """Do a chunk."""
            right.append(
                are_same(boxes, self.points[part], self.cutoff_m, start, site, group[part])
            )

        _in_chunks(work, self.n_demand)
        return all(right)

    def least(self) -> float:
        """Return the distance of the nearest pair."""
        return float(cKDTree(self.sites).query(self.points)[0].min())

    def reached(self) -> NDArray[np.bool_]:
        """Return which demand points any site reaches."""
        return self.nearest(np.arange(self.n_sites))[0] >= 0

    def nearest(self, sites: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """
        Return the nearest of some sites within the cutoff for every demand point, and how far.

        Of sites as near, the first in order. A point that none reaches has the site -1 and an
        infinite distance.
        """
        order = np.sort(sites)
        boxes = _boxes(self.sites[order], self.cutoff_m)
        site = np.full(self.n_demand, -1, dtype=np.int64)
        metres = np.full(self.n_demand, np.inf)

        def work(part: slice) -> None:
            """Do a chunk."""
            nearest_of(boxes, self.points[part], self.cutoff_m, site[part], metres[part])

        _in_chunks(work, self.n_demand)
        found = site >= 0
        site[found] = order[site[found]]
        return site, metres


def _boxes(xy: NDArray[np.float64], cutoff_m: float) -> Boxes:
    """Return sites in boxes no smaller than the cutoff, and no more than some for every site."""
    low = xy.min(axis=0)
    extent = float((xy.max(axis=0) - low).max())
    slack = cutoff_m * 1e-9 + 8 * np.finfo(float).eps * float(np.abs(xy).max())
    size = max(cutoff_m + slack, extent / (2.0 * np.sqrt(len(xy)) + 1.0), 1e-9)
    place = np.floor((xy - low) / size).astype(np.int64)
    shape = place.max(axis=0) + 1
    box = place[:, 0] * shape[1] + place[:, 1]
    count = np.bincount(box, minlength=int(shape.prod()))
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    return Boxes(xy, low, float(size), shape, start, np.argsort(box, kind="stable"))


def _in_chunks(work: Any, n: int) -> None:
    """Do a piece of work for chunks of points, some at a time."""
    parts = [slice(k, min(k + CHUNK, n)) for k in range(0, n, CHUNK)]
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(work, parts))


def read_coordinates(given: StraightReach, where: str, faults: list[Fault]) -> Near:
    """
    Return coordinates as arrays, cutoff 0; what is wrong with them is added to the faults.

    Parameters
    ----------
    given
        Sites and demand points.
    where
        Name of the argument.
    faults
        What was found so far.
    """
    return Near(
        _coordinates(given.sites, f"{where}.sites", faults),
        _coordinates(given.demand, f"{where}.demand", faults),
        0.0,
    )


def _coordinates(given: Any, where: str, faults: list[Fault]) -> NDArray[np.float64]:
    """Return one list of coordinates."""
    try:
        xy = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        xy = np.empty(0)
    if xy.ndim != 2 or xy.shape[1] != 2 or not len(xy) or len(xy) >= np.iinfo(np.int32).max:  # noqa: PLR2004
        found = str(getattr(given, "shape", None) or type(given).__name__)
        faults.append(Fault("classical_coordinates", where, {"found": found}))
        return np.zeros((1, 2))
    wrong = np.asarray(~np.isfinite(xy).all(axis=1))
    if wrong.any():
        faults.append(Fault("classical_not_finite", where, {}, places(wrong)))
        return np.zeros_like(xy)
    if float(np.abs(xy).max()) > LARGEST:
        faults.append(Fault("classical_too_large", where, {"most": LARGEST}))
    return np.ascontiguousarray(xy)
