"""One budget over many places: the exact choice over curves, and what no division can pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from siting.errors import UnsolvedError
from siting.linear import LinearModel
from siting.solvers import Ask, End, HighsSolver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["KEEP", "LEVELS", "Curve", "Division", "divide"]

LEVELS = ("uncovered_high", "uncovered_medium", "missing_beds", "unmet_minima")
"""What is made least, in this order, as in a plan; cost comes last."""

KEEP = 1e-6
"""How far a later level may leave the value of an earlier one, relative."""

NOISE = 1e-5
"""How far a solver's bound may lie above a value before it is not believed, relative."""

TIGHT = 1e-9
"""How far a choice may pass the budget, relative: noise of sums."""

TIME_LIMIT_S = 120.0


@dataclass(frozen=True)
class Curve:
    """
    Plans of one place at several budgets.

    Attributes
    ----------
    budgets
        (n,) most money of each plan, 万元, rising; the last is the most that the place could get.
    costs
        (n,) what each plan costs, at most its budget.
    reached
        (n, n_levels) what each plan reaches, in the order of ``LEVELS``.
    bounds
        (n, n_levels) proven: within its budget no plan is below that keeps the values of the levels
        before.
    """

    budgets: NDArray[np.float64]
    costs: NDArray[np.float64]
    reached: NDArray[np.float64]
    bounds: NDArray[np.float64]

    def from_budget(self) -> NDArray[np.float64]:
        """(n,) the money from which on each bound is needed: the budget before, inclusive."""
        return np.concatenate([self.budgets[:1], self.budgets[:-1]])

    def least(self) -> NDArray[np.float64]:
        """
        (n, n_levels) the least that a plan can reach with more than the budget before.

        A bound for more money holds for less as well. A bound of a later level holds where the
        earlier values are proven; elsewhere nothing is known, so it is 0.
        """
        least = np.maximum(self.bounds, 0.0)
        least[:, 0] = np.maximum.accumulate(least[::-1, 0])[::-1]
        known = np.ones(len(least), dtype=bool)
        for level in range(1, least.shape[1]):
            before = self.reached[:, level - 1]
            known &= before <= least[:, level - 1] + KEEP * np.maximum(np.abs(before), 1.0)
            least[~known, level] = 0.0
        return least


@dataclass(frozen=True)
class Division:
    """
    A budget divided.

    Attributes
    ----------
    chosen
        (n_places,) which plan of its curve each place gets.
    reached
        (n_levels,) what the plans reach together.
    choice_bounds
        (n_levels,) proven: no other choice of plans from the curves is below that keeps the values
        of the levels before.
    bounds
        (n_levels,) proven: no division at all, whatever the shares and plans, is below that keeps
        the values of the levels before; minus infinity where an earlier level is not closed.
    cost
        What the plans cost together, 万元.
    wide
        (n_places,) for each place the plan of its curve below which the bound of the first level
        that is not closed takes its share: a budget between it and the one before makes the bound
        tighter.
    """

    chosen: NDArray[np.int64]
    reached: NDArray[np.float64]
    choice_bounds: NDArray[np.float64]
    bounds: NDArray[np.float64]
    cost: float
    wide: NDArray[np.int64]


def divide(curves: Sequence[Curve], budget: float) -> Division:
    """
    Return the best choice of one plan for each place within one budget, with proof.

    Exact: a multiple-choice knapsack, level by level, each keeping the values of those before.

    Parameters
    ----------
    curves
        Plans of each place.
    budget
        Money for all, 万元.

    Returns
    -------
    division
        The choice, what it reaches, the bound over the curves, and the bound over any division.

    Raises
    ------
    UnsolvedError
        If even the cheapest plans cost more than the budget, or the solver contradicts itself.
    """
    costs = [each.costs for each in curves]
    values = [each.reached for each in curves]
    choice = _Choice(costs, budget)
    reached, choice_bounds = [], []
    for level in range(len(LEVELS)):
        bound = choice.least([each[:, level] for each in values], keep=True)
        reached.append(
            sum(float(each[k, level]) for each, k in zip(values, choice.taken, strict=True))
        )
        choice_bounds.append(min(bound, reached[-1]))
    choice.least(costs, keep=False)
    chosen = np.array(choice.taken, dtype=np.int64)
    reached = [
        sum(float(each[k, level]) for each, k in zip(values, chosen, strict=True))
        for level in range(len(LEVELS))
    ]
    bounds, wide = _over_any_division(curves, budget, reached)
    cost = sum(float(each[k]) for each, k in zip(costs, chosen, strict=True))
    return Division(
        chosen, np.array(reached), np.minimum(choice_bounds, reached), bounds, cost, wide
    )


def _over_any_division(
    curves: Sequence[Curve], budget: float, reached: list[float]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """
    Return what no division can be below, level by level, and where the first open bound is wide.

    A share between two budgets of a curve reaches no more than the bound of the larger, and costs
    more than the smaller: choosing so for every place bounds every division.
    """
    shares = _Choice([each.from_budget() for each in curves], budget)
    least = [each.least() for each in curves]
    bounds = np.full(len(reached), -np.inf)
    wide = None
    for level, value in enumerate(reached):
        bound = shares.least([each[:, level] for each in least], keep=False)
        bounds[level] = min(bound, value)
        if value - bounds[level] > KEEP * max(abs(value), 1.0):
            wide = list(shares.taken)
            break
        shares.keep([each[:, level] for each in least], value)
    return bounds, np.array(wide if wide is not None else shares.taken, dtype=np.int64)


class _Choice:
    """One of several for each place, within one budget."""

    def __init__(self, weights: Sequence[NDArray[np.float64]], budget: float) -> None:
        self.model = LinearModel("division")
        self.solver = HighsSolver()
        self.rows: list[list[int]] = []
        for place, each in enumerate(weights):
            row = [
                self.model.variable(f"x_{place}_{k}", 0.0, 1.0, whole=True)
                for k in range(len(each))
            ]
            self.model.row(f"one_{place}", dict.fromkeys(row, 1.0), "==", 1.0)
            self.rows.append(row)
        self.weights, self.budget = weights, budget
        scale = max(budget, 1.0)
        self.model.row(
            "budget", self._terms([each / scale for each in weights]), "<=", budget / scale
        )
        self.taken: list[int] = []
        self.kept = 0

    def _terms(self, amounts: Sequence[NDArray[np.float64]]) -> dict[int, float]:
        """Return an amount for every choice, by variable."""
        return {
            variable: float(amount)
            for row, each in zip(self.rows, amounts, strict=True)
            for variable, amount in zip(row, each, strict=True)
            if amount != 0.0
        }

    def least(self, amounts: Sequence[NDArray[np.float64]], *, keep: bool) -> float:
        """Choose so that a sum is least, keep it if asked, and return its proven bound."""
        self.model.minimise(self._terms(amounts))
        bound = self._solved()
        while self._sum(self.weights) > self.budget * (1 + TIGHT) + TIGHT:
            self.kept += 1
            taken = [row[k] for row, k in zip(self.rows, self.taken, strict=True)]
            side = len(taken) - 1.0
            self.model.row(f"not_{self.kept}", dict.fromkeys(taken, 1.0), "<=", side)
            bound = self._solved()
        value = self._sum(amounts)
        if bound > value + NOISE * max(abs(value), 1.0):
            raise UnsolvedError.of("bound_above_value", "division", value=value, bound=bound)
        if keep:
            self.keep(amounts, value)
        return min(bound, value)

    def _solved(self) -> float:
        """Solve, note what is taken and return the bound; ask anew where the two lie apart."""
        ask = Ask(TIME_LIMIT_S, threads=1)
        outcome = self.solver(self.model, ask)
        terms = self.model.objective
        if outcome.end is End.PROVEN and outcome.values is not None:
            value = sum(outcome.values[k] * factor for k, factor in terms.items())
            if value - outcome.bound > NOISE * max(abs(value), 1.0):
                outcome = HighsSolver()(self.model, ask)
        if outcome.values is None or outcome.end in {End.INFEASIBLE, End.FAILED}:
            raise UnsolvedError.of("solver_failed", "division", found=outcome.end.value)
        self.taken = [int(np.argmax(outcome.values[row])) for row in self.rows]
        return outcome.bound

    def _sum(self, amounts: Sequence[NDArray[np.float64]]) -> float:
        """Return what is taken of an amount."""
        return sum(float(each[k]) for each, k in zip(amounts, self.taken, strict=True))

    def keep(self, amounts: Sequence[NDArray[np.float64]], value: float) -> None:
        """Let no later choice have a larger sum."""
        self.kept += 1
        scale = max(abs(value), 1.0)
        terms = self._terms([each / scale for each in amounts])
        self.model.row(f"keep_{self.kept}", terms, "<=", value / scale + KEEP)
