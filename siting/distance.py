"""Cuts for the last stage: elder-weighted distance to the nearest facility, each point capped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from siting.objective import capped_distance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.decisions import Decisions
    from siting.problem import Problem

__all__ = ["Cut", "DistanceTerms", "distance_terms"]

MOST_TERMS = 6000
SMALL = 1e-3
"""Elder-metres below which a cut leaves a decision out."""
ONE = 1.0 - 1e-9


@dataclass(frozen=True)
class Cut:
    """A row ``distance of a term + Σ factor × decision ≥ side``."""

    term: int
    decisions: NDArray[np.int64]
    factors: NDArray[np.float64]
    side: float


@dataclass(frozen=True)
class DistanceTerms:
    """
    Demand points that a decision could bring nearer to a facility, with the decisions by distance.

    Points are gathered into terms, one variable each: a point each as long as there are few, else
    those whose nearest decision is the same.

    Attributes
    ----------
    start, column, metres
        CSR by point: decisions nearer than the facility that is there anyway, ascending distance.
    farthest_m
        (n,) distance without any of them.
    elders
        (n,) elders.
    term
        (n,) term of each point.
    """

    start: NDArray[np.int64]
    column: NDArray[np.int64]
    metres: NDArray[np.float64]
    farthest_m: NDArray[np.float64]
    elders: NDArray[np.float64]
    term: NDArray[np.int64]

    @property
    def n_terms(self) -> int:
        """Number of terms."""
        return int(self.term.max(initial=-1)) + 1

    def values(self, chosen: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the elder-metres of each term for decisions taken in part or whole."""
        point, before, taken = self._fill(chosen)
        used = np.clip(1.0 - before, 0.0, taken)
        n = len(self.elders)
        served = np.bincount(point, weights=used, minlength=n)
        metres = np.bincount(point, weights=used * self.metres, minlength=n)
        metres += np.maximum(1.0 - served, 0.0) * self.farthest_m
        total = np.bincount(self.term, weights=metres * self.elders, minlength=self.n_terms)
        return np.asarray(total, dtype=np.float64)

    def cuts(
        self, chosen: NDArray[np.float64], claimed: NDArray[np.float64], tolerance: float
    ) -> list[Cut]:
        """
        Return the cuts that a point of the relaxation violates by more than a tolerance.

        With D the distance at which the decisions taken first add up to 1, a point's distance is at
        least D − Σ (D − d_j) y_j over the decisions nearer than D: true for every choice y, and
        tight at this one (Duran-Mateluna, Ales & Elloumi 2023).
        """
        point, before, taken = self._fill(chosen)
        wrong = self.values(chosen) > claimed + tolerance
        reached = before + taken >= ONE
        first = np.full(len(self.elders), len(self.column), dtype=np.int64)
        np.minimum.at(first, point[reached], np.flatnonzero(reached))
        bounded = first < len(self.column)
        level = self.farthest_m.copy()
        level[bounded] = self.metres[first[bounded]]
        saved = level[point] - self.metres
        kept = (saved > 0) & wrong[self.term[point]]
        shape = (self.n_terms, int(self.column.max(initial=0)) + 1)
        weight = (saved * self.elders[point])[kept]
        matrix = csr_matrix((weight, (self.term[point[kept]], self.column[kept])), shape=shape)
        matrix.sum_duplicates()
        side = np.bincount(self.term, weights=level * self.elders, minlength=self.n_terms)
        # A factor too small for a solver is taken off the side: no choice saves more than that.
        small = matrix.data < SMALL
        row = np.repeat(np.arange(self.n_terms), np.diff(matrix.indptr))
        side -= np.bincount(row[small], weights=matrix.data[small], minlength=self.n_terms)
        matrix.data[small] = 0.0
        matrix.eliminate_zeros()
        return [
            Cut(
                term,
                matrix.indices[matrix.indptr[term] : matrix.indptr[term + 1]].astype(np.int64),
                matrix.data[matrix.indptr[term] : matrix.indptr[term + 1]],
                float(side[term]),
            )
            for term in np.flatnonzero(wrong).tolist()
        ]

    def _fill(
        self, chosen: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return, along each point's decisions, the point, what nearer ones add up to, and each."""
        point = np.repeat(np.arange(len(self.elders)), np.diff(self.start))
        taken = chosen[self.column]
        total = np.concatenate([[0.0], np.cumsum(taken)])
        before = total[:-1] - total[self.start[:-1]][point]
        return point, before, taken


def distance_terms(
    problem: Problem, decisions: Decisions, part: NDArray[np.int64]
) -> DistanceTerms:
    """Return the points that decisions could bring nearer, with those decisions by distance."""
    farthest = capped_distance(problem, decisions.open_anyway)
    mine = part[decisions.covers[part] & ~decisions.must[part]]
    pairs = problem.reach[decisions.site[mine]].tocoo()
    kept = (pairs.data < farthest[pairs.col]) & (problem.elders[pairs.col] > 0)
    point, column, metres = pairs.col[kept], mine[pairs.row[kept]], pairs.data[kept]
    order = np.lexsort((column, metres, point))
    points, count = np.unique(point, return_counts=True)
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    column, metres = column[order].astype(np.int64), metres[order]
    nearest = column[start[:-1]] if len(points) else np.empty(0, dtype=np.int64)
    few = len(points) <= MOST_TERMS
    term = np.arange(len(points)) if few else np.unique(nearest, return_inverse=True)[1]
    return DistanceTerms(
        start, column, metres, farthest[points], problem.elders[points], term.astype(np.int64)
    )
