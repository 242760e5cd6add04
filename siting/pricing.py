"""A bound by parts: rows that tie parts are priced, and each part is solved exactly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from siting.neighbourhood import windows
from siting.solvers import End

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import coo_matrix

    from siting.neighbourhood import Neighbourhoods
    from siting.plan_model import PlanModel
    from siting.search import Run
    from siting.solvers import Ask

__all__ = ["Priced", "price_by_parts"]

LINKS = 4
"""Through how many rows a variable that follows from others is put into a part."""


@dataclass(frozen=True)
class Priced:
    """
    What prices on the rows between parts prove.

    Attributes
    ----------
    bound
        Proven lower bound on the objective; minus infinity where a part has none.
    values
        The parts' answers put together; rows between parts may be broken.
    """

    bound: float
    values: NDArray[np.float64]


def price_by_parts(
    run: Run,
    model: PlanModel,
    around: Neighbourhoods,
    ask: Ask,
    prices: NDArray[np.float64],
    size: int,
) -> Priced:
    """
    Return a bound and an answer from parts that are solved by themselves.

    A part is some neighbouring planning units. Rows inside a part are kept; a row that ties parts
    is taken out, and what breaks it is charged its price: for any prices of the right sign the
    parts' least values then add up to a bound (Lagrange). With the prices of the relaxation it is
    never below the relaxation's, and above it by what whole numbers cost inside the parts.

    Parameters
    ----------
    run, model, around
        The solve, a model with its objective set, and what belongs to its sites.
    ask
        Time limit of each part, gap, seed; ``start`` is a plan that keeps the rows inside parts.
    prices
        (n_rows,) of the relaxation.
    size
        Most planning units in a part.
    """
    linear = model.linear
    matrix, (low, high) = linear.matrix(), linear.sides()
    part = _part_of_variables(model, around, size)
    first, last = _ends_of_rows(matrix.tocoo(), part)
    between = first != last
    prices = np.pad(prices, (0, len(low) - len(prices)))  # rows added since have none
    charged = np.where(np.isinf(low), np.minimum(prices, 0.0), prices)
    charged = np.where(between, np.where(np.isinf(high), np.maximum(charged, 0.0), charged), 0.0)
    sides = np.where(charged > 0, low, np.where(charged < 0, high, 0.0))
    costs = linear.costs() - matrix.T @ charged
    whole = np.zeros(len(costs)) if ask.start is None else ask.start

    def least(number: int) -> tuple[float, NDArray[np.bool_], NDArray[np.float64] | None]:
        """Return the least of one part, its variables, and values."""
        mine = part == number
        rows = ~between & (first == number)
        start = np.where(mine, whole, 0.0)
        asked = replace(ask, start=start, free=mine, rows=rows, costs=costs)
        outcome = run.solver(linear, asked)
        believed = outcome.end not in {End.INFEASIBLE, End.FAILED}
        return outcome.bound if believed else -np.inf, mine, outcome.values

    bound, values = float(charged @ sides), whole.copy()
    with ThreadPoolExecutor(max(run.settings.threads, 1)) as pool:
        for value, mine, found in pool.map(least, range(int(part.max()) + 1)):
            bound += value
            if found is not None:
                values[mine] = found[mine]
    return Priced(bound if np.isfinite(bound) else -np.inf, values)


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
