"""A bound by parts: rows that tie parts are priced, and each part is solved exactly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from siting.neighbourhood import OVERALL, windows
from siting.solvers import End

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from scipy.sparse import coo_matrix, csr_matrix

    from siting.neighbourhood import Neighbourhoods
    from siting.plan_model import PlanModel
    from siting.search import Run
    from siting.solvers import Ask

__all__ = ["Parts", "Priced"]

LINKS = 4
"""Through how many rows a variable that follows from others is put into a part."""
STEP, LONGER, SHORTER = 0.3, 1.3, 0.7
"""
First step of moving prices, as a share of Polyak's, and by how much it grows after a round that
lifts the bound and shrinks after one that does not.
"""
NEWEST = 0.3
"""Weight of the last answers in the mean that says where prices go."""


@dataclass(frozen=True)
class Priced:
    """
    What prices on the rows between parts prove.

    Attributes
    ----------
    prices
        (n_rows,) with which it was proven; 0 for rows inside parts.
    bound
        Proven lower bound on the objective; minus infinity where a part has none.
    values
        The parts' answers put together; rows between parts may be broken.
    """

    prices: NDArray[np.float64]
    bound: float
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Parts:
    """
    A model cut into parts: some neighbouring planning units each, and the rows between them.

    Rows inside a part are kept; a row that ties parts is taken out, and what breaks it is charged
    its price: for any prices of the right sign the parts' least values then add up to a bound
    (Lagrange). With the prices of the relaxation it is never below the relaxation's, and above it
    by what whole numbers cost inside the parts.

    Attributes
    ----------
    run, model
        The solve, and a model with its objective set.
    matrix, low, high
        Rows of the model and their sides.
    part
        (n_variables,) part of each variable.
    first
        (n_rows,) first part that a row has variables of.
    between
        (n_rows,) whether a row ties parts.
    """

    run: Run
    model: PlanModel
    matrix: csr_matrix
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    part: NDArray[np.int64]
    first: NDArray[np.int64]
    between: NDArray[np.bool_]

    @classmethod
    def of(cls, run: Run, model: PlanModel, around: Neighbourhoods, size: int) -> Parts:
        """Return a model cut into parts of at most so many planning units."""
        matrix, (low, high) = model.linear.matrix(), model.linear.sides()
        part = _part_of_variables(model, around, size)
        first, last = _ends_of_rows(matrix.tocoo(), part)
        return cls(run, model, matrix, low, high, part, first, first != last)

    def priced(self, ask: Ask, prices: NDArray[np.float64]) -> Priced:
        """
        Return a bound and an answer from parts that are solved by themselves.

        Parameters
        ----------
        ask
            Time limit of each part, gap, seed; ``start`` is a plan that keeps the rows inside.
        prices
            Of the rows, those of rows added since left out; signs that prove nothing count as 0.
        """
        linear, charged = self.model.linear, self._charged(prices)
        sides = np.where(charged > 0, self.low, np.where(charged < 0, self.high, 0.0))
        costs = linear.costs() - self.matrix.T @ charged
        whole = np.zeros(len(costs)) if ask.start is None else ask.start

        def least(number: int) -> tuple[float, NDArray[np.bool_], NDArray[np.float64] | None]:
            """Return the least of one part, its variables, and values."""
            mine = self.part == number
            rows = ~self.between & (self.first == number)
            start = np.where(mine, whole, 0.0)
            asked = replace(ask, start=start, free=mine, rows=rows, costs=costs)
            outcome = self.run.solver(linear, asked)
            believed = outcome.end not in {End.INFEASIBLE, End.FAILED}
            return outcome.bound if believed else -np.inf, mine, outcome.values

        bound, values = float(charged @ sides), whole.copy()
        with ThreadPoolExecutor(max(self.run.settings.threads, 1)) as pool:
            for value, mine, found in pool.map(least, range(int(self.part.max()) + 1)):
                bound += value
                if found is not None:
                    values[mine] = found[mine]
        return Priced(charged, bound if np.isfinite(bound) else -np.inf, values)

    def lifted(
        self, ask: Ask, best: Priced, target: float, may_go_on: Callable[[Priced], bool]
    ) -> Priced:
        """
        Move the prices of short rows to where the parts' answers break them less.

        Volume algorithm (Barahona & Anbil 2000): a step goes along what a mean of the answers so
        far misses, and starts from the prices with the highest bound.

        Parameters
        ----------
        ask
            As in ``priced``.
        best
            What the first prices prove.
        target
            Value of a plan, which steps are measured by.
        may_go_on
            Whether to go on from the best so far; asked before each round.
        """
        short = self.between & (np.diff(self.matrix.indptr) <= OVERALL)
        length = np.sqrt(np.maximum(self.matrix.power(2).sum(axis=1).A1, 1e-9))
        step, mean = STEP, best.values
        while np.isfinite(best.bound) and may_go_on(best):
            missed = np.where(short, self._missed(mean, best.prices) / length, 0.0)
            far = float(missed @ missed)
            if far <= 0.0:
                break
            moved = best.prices + step * (target - best.bound) / far * missed / length
            now = self.priced(ask, moved)
            mean = NEWEST * now.values + (1.0 - NEWEST) * mean
            step *= LONGER if now.bound > best.bound else SHORTER
            best = max(best, now, key=lambda each: each.bound)
        return best

    def _charged(self, prices: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return prices of rows between parts, of the sign that their sides allow."""
        prices = np.pad(prices, (0, len(self.low) - len(prices)))  # rows added since have none
        charged = np.where(np.isinf(self.low), np.minimum(prices, 0.0), prices)
        charged = np.where(np.isinf(self.high), np.maximum(charged, 0.0), charged)
        return np.where(self.between, charged, 0.0)

    def _missed(
        self, values: NDArray[np.float64], prices: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return how far rows are below the side that their price is charged for, or broken."""
        there = self.matrix @ values
        held = np.where(prices > 0, self.low, np.where(prices < 0, self.high, there))
        held = np.where(there < self.low, self.low, np.where(there > self.high, self.high, held))
        return np.asarray(held - there, dtype=np.float64)


def _part_of_variables(model: PlanModel, around: Neighbourhoods, size: int) -> NDArray[np.int64]:
    """Return the part of each variable: of its site's units; what fits into none is the last."""
    problem = model.problem
    unit = np.maximum(problem.site_unit, -1)
    places = np.array([problem.sites.xy[unit == k].mean(axis=0) for k in np.unique(unit)])
    of_unit = np.empty(len(places), dtype=np.int64)
    n_parts = 0
    for n_parts, some in enumerate(windows(places, size, 0), start=1):
        of_unit[some] = n_parts - 1
    owned = around.owner >= 0
    part = np.full(len(around.owner), -1, dtype=np.int64)
    position = np.searchsorted(np.unique(unit), unit[around.owner[owned]])
    part[owned] = of_unit[position]
    matrix = model.linear.matrix().tocoo()
    for _ in range(LINKS):
        first, last = _ends_of_rows(matrix, part)
        takes = (part[matrix.col] < 0) & (first == last)[matrix.row]
        part[matrix.col[takes]] = first[matrix.row[takes]]
    part[part < 0] = n_parts
    return part


def _ends_of_rows(
    matrix: coo_matrix, part: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the last part that each row has variables of; -1 counts as none."""
    of_term = part[matrix.col]
    known = of_term >= 0
    first = np.full(matrix.shape[0], np.iinfo(np.int64).max)
    last = np.full(matrix.shape[0], -1)
    np.minimum.at(first, matrix.row[known], of_term[known])
    np.maximum.at(last, matrix.row[known], of_term[known])
    return first, last
