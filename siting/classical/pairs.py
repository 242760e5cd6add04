"""Distances as they are given, dense or sparse, turned into pairs of site and demand point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array, issparse

from siting.classical.faults import LARGEST
from siting.errors import Fault
from siting.reach import Reach

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Pairs", "read_pairs", "whole"]

MOST_PAIRS = int(np.iinfo(np.int64).max)
LONG_LISTS = 64
"""Sites to a point from which its list is sorted alone."""

EXACT = 2.0**53
"""Whole numbers up to here are exact as floats."""


@dataclass(frozen=True)
class Pairs:
    """
    Sites with the demand points that they reach, by site.

    Attributes
    ----------
    start, demand, metres
        CSR by site: demand points, ascending, and how far each is. A distance of 0 is a pair.
    n_demand
        Number of demand points.
    """

    start: NDArray[np.int64]
    demand: NDArray[np.int32]
    metres: NDArray[np.float64]
    n_demand: int

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return len(self.start) - 1

    def within(self, cutoff_m: float) -> Pairs:
        """Return the pairs no farther apart than a cutoff, inclusive."""
        kept = self.metres <= cutoff_m
        if kept.all():
            return self
        start = np.concatenate([[0], np.cumsum(kept)])[self.start]
        return Pairs(start, self.demand[kept], self.metres[kept], self.n_demand)

    def by_demand(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
        """Return CSR by demand point: sites, nearest first and by number where as near, metres."""
        if len(self.metres) > LONG_LISTS * self.n_demand:
            return self._by_long_lists()
        site = np.repeat(np.arange(self.n_sites, dtype=np.int32), np.diff(self.start))
        order = np.lexsort((site, self.metres, self.demand))
        count = np.bincount(self.demand, minlength=self.n_demand)
        start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
        return start, site[order], self.metres[order]

    def _by_long_lists(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
        """Return the same, each list sorted alone: much faster where lists are long."""
        by_site = csr_array(
            (self.metres, self.demand, self.start), shape=(self.n_sites, self.n_demand)
        )
        turned = by_site.tocsc()
        site, metres = turned.indices.astype(np.int32), turned.data
        start = turned.indptr.astype(np.int64)
        for a, b in zip(start[:-1].tolist(), start[1:].tolist(), strict=True):
            order = np.argsort(metres[a:b], kind="stable")
            site[a:b], metres[a:b] = site[a:b][order], metres[a:b][order]
        return start, site, metres

    def reached(self) -> NDArray[np.bool_]:
        """Return which demand points any site reaches."""
        return np.bincount(self.demand, minlength=self.n_demand) > 0

    def nearest(self, sites: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """
        Return the nearest of some sites for every demand point, and its distance.

        Of sites as near, the first in order. A point that none reaches has the site -1 and an
        infinite distance.
        """
        best = np.full(self.n_demand, np.inf)
        site = np.full(self.n_demand, -1, dtype=np.int64)
        for each in np.sort(sites).tolist():
            mine = slice(self.start[each], self.start[each + 1])
            demand, metres = self.demand[mine], self.metres[mine]
            nearer = metres < best[demand]
            best[demand[nearer]] = metres[nearer]
            site[demand[nearer]] = each
        return site, best


def read_pairs(given: Any, where: str, faults: list[Fault]) -> Pairs:
    """
    Return pairs from a matrix of shape (n_sites, n_demand), faults added to those found so far.

    A missing entry of a sparse matrix and an infinite one of a dense array mean out of reach.

    Parameters
    ----------
    given
        NumPy array, SciPy sparse matrix or array, or ``siting.Reach``.
    where
        Name of the argument.
    faults
        What was found so far.
    """
    matrix = given.distances if isinstance(given, Reach) else given
    if not issparse(matrix):
        matrix = _numbers(matrix)
    fault = _not_a_matrix(matrix, where)
    if fault is not None:
        faults.append(fault)
        return Pairs(np.zeros(2, dtype=np.int64), np.empty(0, np.int32), np.empty(0), 1)
    pairs = _of_sparse(matrix, where, faults) if issparse(matrix) else _of_dense(matrix)
    values = pairs.metres
    wrong = ~(values >= 0) | ~np.isfinite(values)
    if wrong.any():
        site = np.repeat(np.arange(pairs.n_sites), np.diff(pairs.start))
        spots = np.column_stack([site, pairs.demand])
        for code, bad in (
            ("classical_not_finite", ~np.isfinite(values)), ("classical_negative", values < 0)
        ):  # fmt: skip
            shown = tuple(f"{a}, {b}" for a, b in spots[bad].tolist())
            if shown:
                faults.append(Fault(code, where, {}, shown))
    elif len(values) and float(values.max()) > LARGEST:
        faults.append(Fault("classical_too_large", where, {"most": LARGEST}))
    return pairs


def whole(*lists: NDArray[np.float64]) -> bool:
    """Return whether all numbers are whole, and small enough to be added without loss."""
    total = sum(float(np.abs(each).sum()) for each in lists)
    return total < EXACT and all(bool((each == np.rint(each)).all()) for each in lists)


def _numbers(given: Any) -> Any:
    """Return something as an array of floats, or as it is where it is none."""
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        return given


def _not_a_matrix(matrix: Any, where: str) -> Fault | None:
    """Return what keeps something from being a matrix of numbers, before any of it is copied."""
    shape = getattr(matrix, "shape", None)
    if shape is None or len(shape) != 2:  # noqa: PLR2004
        found = type(matrix).__name__ if shape is None else shape
        return Fault("classical_matrix", where, {"found": str(found)})
    if 0 in shape:
        return Fault("classical_empty", where, {"found": str(shape)})
    if shape[0] * shape[1] > MOST_PAIRS or max(shape) >= np.iinfo(np.int32).max:
        return Fault("classical_too_many", where, {"found": str(shape)})
    if matrix.dtype.kind not in "fiub":
        return Fault("classical_matrix", where, {"found": str(matrix.dtype)})
    return None


def _of_dense(matrix: NDArray[np.float64]) -> Pairs:
    """Return the pairs of a dense matrix that are not infinitely far."""
    kept = ~np.isposinf(matrix)
    start = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int64)
    demand = np.nonzero(kept)[1].astype(np.int32)
    return Pairs(start, demand, matrix[kept], matrix.shape[1])


def _of_sparse(given: Any, where: str, faults: list[Fault]) -> Pairs:
    """Return the pairs of a sparse matrix; an entry that stands twice is a fault, not a sum."""
    matrix = csr_array(given)
    if matrix.nnz < given.nnz or not matrix.has_canonical_format:
        pairs = given.tocoo()
        order = np.lexsort((pairs.col, pairs.row))
        row, column = pairs.row[order], pairs.col[order]
        twice = np.flatnonzero((np.diff(row) == 0) & (np.diff(column) == 0))
        if len(twice):
            shown = tuple(f"{row[k]}, {column[k]}" for k in twice.tolist())
            faults.append(Fault("classical_twice", where, {}, shown))
        matrix = matrix.copy()
        matrix.sum_duplicates()
    start = matrix.indptr.astype(np.int64)
    data = matrix.data.astype(np.float64, copy=False)
    return Pairs(start, matrix.indices.astype(np.int32, copy=False), data, matrix.shape[1])
