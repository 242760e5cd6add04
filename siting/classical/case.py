"""A scenario's objective over its problem: what stands, what may open, who is in reach."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from siting.classical.matrices import distances_of, layout_with, matrices
from siting.errors import ScenarioError
from siting.solve import refuse_locks_over_limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.matrices import Matrices
    from siting.prepare import Prepared
    from siting.problem import Layout, Problem
    from siting.scenario import Objective

__all__ = ["WITH_ROOM", "Case", "case_of"]

WITH_ROOM = frozenset({"capacitated", "capacitated_maximal_covering"})
"""Models in which capacities count."""


@dataclass(frozen=True)
class Case:
    """
    What a scenario asks of a classical model.

    Attributes
    ----------
    prepared, objective
        The scenario's problem, and the model that it names.
    given
        Sites that stand, then candidates; distances within the cutoff.
    """

    prepared: Prepared
    objective: Objective
    given: Matrices

    @property
    def problem(self) -> Problem:
        """The problem."""
        return self.prepared.problem

    @property
    def has_room(self) -> bool:
        """Whether capacities count; then what opens has its most beds."""
        return self.objective.model in WITH_ROOM

    @cached_property
    def base(self) -> Layout:
        """What stands whatever is decided."""
        return self.with_sites(np.empty(0, dtype=np.int64))

    def with_sites(self, rows: NDArray[np.int64]) -> Layout:
        """Return the layout with the candidates of some rows opened."""
        return layout_with(self.problem, self.given.site[rows], fullest=self.has_room)

    @cached_property
    def free(self) -> NDArray[np.int64]:
        """Rows of the candidates, the cheapest of those in reach of someone first."""
        rows = np.arange(self.given.n_stand, len(self.given.site))
        lonely = np.diff(self.given.distances.indptr)[rows] == 0
        return np.asarray(rows[np.lexsort((rows, self.given.costs[rows], lonely))])

    @cached_property
    def standing(self) -> NDArray[np.float64]:
        """(n_demand,) metres to the nearest site that stands, infinite where there is none."""
        return self.nearest(np.arange(self.given.n_stand))

    @cached_property
    def at_best(self) -> NDArray[np.float64]:
        """(n_demand,) metres to the nearest site were all open, infinite where there is none."""
        return self.nearest(np.arange(len(self.given.site)))

    @property
    def reached(self) -> NDArray[np.bool_]:
        """(n_demand,) points with elders whom some site could serve."""
        return np.isfinite(self.at_best) & (self.given.elders > 0)

    @cached_property
    def opened_by_locks(self) -> NDArray[np.bool_]:
        """(n_sites,) candidates that count and are open by a lock."""
        base = self.base
        return self.problem.qualifies(base) & ~self.problem.sites.is_existing

    @property
    def p_left(self) -> int:
        """Sites that are still to be opened."""
        return int(self.objective.p or 0) - int(self.opened_by_locks.sum())

    def nearest(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the distance of each demand point to the nearest of some rows."""
        pairs = csr_array(self.given.distances[rows]).tocoo()
        best = np.full(len(self.given.elders), np.inf)
        np.minimum.at(best, pairs.col, pairs.data)
        return best


def case_of(prepared: Prepared) -> Case:
    """
    Return what the scenario's objective asks, refused where the sites cannot give it.

    Raises
    ------
    ScenarioError
        If more sites are asked for than may open, the locks alone open or cost more than is asked
        for, or there are too many pairs to do without a cutoff.
    """
    objective = prepared.scenario.objective
    if objective is None:
        raise ScenarioError.of("needs", "objective", names="objective", key="objective")
    refuse_locks_over_limits(prepared.problem)
    given = matrices(
        prepared.problem, distances=distances_of(prepared, cutoff_m=objective.cutoff_m),
        existing=objective.existing, beds_per_10000=objective.beds_per_10000,
        fullest=objective.model in WITH_ROOM,
    )  # fmt: skip
    case = Case(prepared, objective, given)
    _refuse_p(case)
    _refuse_budget(case)
    return case


def _refuse_p(case: Case) -> None:
    """Refuse more sites than may open, and fewer than the locks open."""
    p, locked = case.objective.p, int(case.opened_by_locks.sum())
    if p is None:
        return
    usable = locked + len(case.free)
    if p > usable:
        raise ScenarioError.of("objective_no_candidates", "objective.p", p=p, found=usable)
    if p < locked:
        raise ScenarioError.of("objective_p_locks", "objective.p", p=p, found=locked)


def _refuse_budget(case: Case) -> None:
    """Refuse a budget that the locks alone exceed."""
    budget = case.objective.budget_wan_yuan
    spent = float(case.problem.cost(case.base).sum())
    if budget is not None and spent > budget * (1 + 1e-9):
        raise ScenarioError.of(
            "objective_budget_locks", "objective.budget_wan_yuan", found=spent, limit=budget
        )
