"""What is left of a covering problem once some sites are held, as one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack
from scipy.sparse import eye_array as unit_matrix

from siting.classical.answer import step_below
from siting.classical.classes import Cover, merged_again
from siting.classical.cover_tree import Choices, fits, search_covers
from siting.classical.program import Program
from siting.solvers import End

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.effort import Effort
    from siting.classical.program import Relaxed
    from siting.classical.task import Task

__all__ = ["Left", "keep_bound"]

HALF = 0.5


@dataclass(frozen=True)
class Left:
    """
    Sites to choose from, others being held or closed, and the classes that those leave open.

    Columns of its model are sites, then the share of each class that stays uncovered.

    Attributes
    ----------
    task
        The whole problem.
    held
        (n_sites,) sites that are open in any case.
    sites
        Numbers of the sites to choose from.
    cover
        Classes that they cover and the held ones do not.
    """

    task: Task
    held: NDArray[np.bool_]
    sites: NDArray[np.int64]
    cover: Cover

    @classmethod
    def of(cls, task: Task, free: NDArray[np.bool_], held: NDArray[np.bool_]) -> Left:
        """Return what some free sites leave to choose beside those held."""
        choice = free & ~held
        cover = merged_again(task.cover, choice, ~task.cover.covered(np.flatnonzero(held)))
        return cls(task, held.copy(), np.flatnonzero(choice), cover)

    @property
    def unit(self) -> float:
        """Elders that the model counts as one."""
        return max(float(self.task.cover.weight.sum()) / 1000.0, 1e-12)

    @property
    def scale(self) -> float:
        """What one unit of the objective is worth."""
        return self.unit if self.task.need is None else 1.0

    @property
    def fixed(self) -> float:
        """What is added to the objective."""
        if self.task.need is not None:
            return float(self.task.costs[self.held].sum())
        return -self.task.elders(self.held) - float(self.cover.weight.sum())

    def terms(self) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Return the cost of each column, its term in the row of money or elders, and its side."""
        n, weight = len(self.sites), self.cover.weight / self.unit
        costs, task = self.task.costs[self.sites], self.task
        first, second = np.zeros(n), np.zeros(len(weight))
        if task.need is None:
            money = task.money - float(task.costs[self.held].sum())
            return np.concatenate([first, weight]), np.concatenate([costs, second]), money
        spare = task.elders(self.held) + float(self.cover.weight.sum()) - task.need_row
        return np.concatenate([costs, second]), np.concatenate([first, weight]), spare / self.unit

    def rows(self) -> csr_array:
        """Return classes by sites to choose from."""
        return csr_array(self.cover.by_class[:, self.sites])

    def program(self, effort: Effort) -> Program:
        """Return the model: each class has a site or stays uncovered; first row: money, elders."""
        cost, row, side = self.terms()
        m, some = self.cover.n_classes, len(cost)
        program = Program(cost, np.zeros(some), np.ones(some), effort)
        program.add(csr_array(row[None, :]), np.array([-np.inf]), np.array([side]))
        links = csr_array(hstack([self.rows(), unit_matrix(m)], format="csr"))
        program.add(links, np.ones(m), np.full(m, np.inf))
        return program

    def search(
        self, effort: Effort, limit_s: float, gap: float, *, tells: bool
    ) -> tuple[End, float]:
        """Search the choices and keep what is better; return how it ended and its bound."""
        task, n = self.task, len(self.sites)
        chosen = task.chosen[self.sites].astype(np.float64)
        start = np.concatenate([chosen, 1.0 - np.minimum(self.rows() @ chosen, 1.0)])
        scale, fixed = self.scale, self.fixed
        close = step_below(task.value(task.chosen), exact=task.exact) / scale

        def tell(value: float, bound: float) -> None:
            """Tell what the search reached, in the terms of the whole problem."""
            effort.tell(value * scale + fixed, max(bound * scale + fixed, task.low))

        outcome = self.program(effort).search(
            np.arange(n), limit_s=limit_s, gap=0.0, absolute_gap=close, start=start,
            enough=lambda value, bound: value - bound <= gap * abs(value + fixed / scale),
            tell=tell if tells else None,
        )  # fmt: skip
        if outcome.values is not None:
            picked = self.held.copy()
            picked[self.sites[outcome.values[:n] > HALF]] = True
            task.adopt(picked)
        return outcome.end, outcome.bound * scale + fixed

    def rule_out(self, relaxed: Relaxed) -> None:
        """Rule out sites, or hold them, where the relaxation shows no better choice differs."""
        task, reduced = self.task, relaxed.reduced[: len(self.sites)]
        value = task.value(task.chosen)
        goal = value - step_below(value, exact=task.exact)
        room = (goal - self.fixed) / self.scale - relaxed.bound
        task.free[self.sites[reduced > room]] = False
        task.held[self.sites[reduced < -room]] = True

    def settle(self, effort: Effort, relaxed: Relaxed | None) -> None:
        """Search all that is left, here where its table is small, and keep what is proven."""
        n_classes, n_sites = self.cover.n_classes, len(self.sites)
        if relaxed is not None and self.task.need is None and fits(n_classes, n_sites):
            self._search_here(effort, min(float(relaxed.duals[0]), 0.0))
            return
        value = self.task.value(self.task.chosen)
        end, bound = self.search(effort, effort.left(), effort.gap, tells=True)
        if end is End.INFEASIBLE:
            self.task.raise_bound(value - step_below(value, exact=self.task.exact))
        else:
            keep_bound(self.task, bound, value)

    def _search_here(self, effort: Effort, dual: float) -> None:
        """Search all that is left; the row of money has a dual in the relaxation."""
        task, scale, fixed = self.task, self.scale, self.fixed
        value, n = task.value(task.chosen), len(self.sites)
        cost, row, side = self.terms()

        def keep(best: NDArray[np.bool_] | None, low: float) -> bool:
            """Keep better sites, if any, and a bound; return whether that is enough."""
            if best is not None:
                picked = self.held.copy()
                picked[self.sites[best]] = True
                task.adopt(picked)
            now = task.value(task.chosen)
            keep_bound(task, low * scale + fixed, now)
            effort.tell(now, task.low)
            return task.is_close(effort.gap) or effort.left() <= 0

        search_covers(
            Choices(self.rows(), cost[:n], cost[n:], row[:n], side, -dual),
            (value - fixed) / scale, step_below(value, exact=task.exact) / scale, effort,
            effort.left(), keep,
        )  # fmt: skip


def keep_bound(task: Task, bound: float, value: float) -> None:
    """
    Keep a bound on what was left when the best had a value.

    Sites were ruled out because no choice with them is better than the best then known: the bound
    on all choices is the lesser of that best's value and the bound on what was left.
    """
    if np.isfinite(bound):
        task.raise_bound(min(bound, value))
