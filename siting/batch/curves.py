"""The curve of one place: what plans reach at several budgets, each with its bound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from siting.batch.claims import part_of
from siting.batch.division import KEEP, LEVELS, Curve
from siting.batch.job import Job, Outcome, Tell, read_job, tried
from siting.decisions import find_decisions
from siting.drawn import older_plan
from siting.errors import ScenarioError
from siting.inputs.layout import read_layout
from siting.objective import denominators, measure
from siting.prepare import prepare
from siting.solve import solve

if TYPE_CHECKING:
    from pathlib import Path

    from siting.problem import Layout, Problem
    from siting.scenario import Solve
    from siting.solve import Solution

__all__ = ["CURVE_POINT_COLUMNS", "Point", "curve_job", "curve_of"]

CURVE_POINT_COLUMNS = [
    "scenario", "budget_wan_yuan", "cost_wan_yuan", *LEVELS, *(f"bound_{name}" for name in LEVELS),
    "status", "seconds", "chosen",
]  # fmt: skip
"""Columns of ``curves.csv``, in order."""


@dataclass(frozen=True)
class Point:
    """
    One plan of a place.

    Attributes
    ----------
    budget, cost
        The most that it may cost, and what it costs, 万元.
    reached, bounds
        What it reaches on each of ``LEVELS``, and the proven least.
    status
        Status of the plan.
    seconds
        Time that it took.
    layout
        File that holds it; None where nothing stands.
    """

    budget: float
    cost: float
    reached: tuple[float, ...]
    bounds: tuple[float, ...]
    status: str
    seconds: float
    layout: Path | None


def curve_job(job: Job, tell: Tell) -> Outcome:
    """
    Plan one place at several budgets.

    Parameters
    ----------
    job
        The place; the first of its budgets is the most that it could get.
    tell
        Called with stage, gap and seconds left.

    Returns
    -------
    outcome
        With ``points``, ``least_cost`` (of what is locked, 万元), ``elders_high`` and
        ``elders_medium``.
    """
    return tried(job, lambda: _curve(job, tell))


def _curve(job: Job, tell: Tell) -> Outcome:
    """Read a place once and plan it for each budget."""
    scenario = read_job(job)
    if scenario.objective is not None:
        raise ScenarioError.of("province_objective", job.scenario.name)
    tell("prepare", None, scenario.solve.time_limit_s)
    prepared = prepare(scenario)
    problem = prepared.problem
    elders = denominators(problem)
    least = _least_cost(problem)
    facts: dict[str, Any] = {
        "name": scenario.name, "least_cost": least, "elders_high": elders["uncovered_high"],
        "elders_medium": elders["uncovered_medium"],
    }  # fmt: skip
    if job.between and least > job.budgets[0]:
        return Outcome("done", facts | {"points": []})
    table = None if job.start is None else read_layout(job.start, where="start")
    plans = _Plans(job, problem, scenario.solve, tell)
    plans.first = None if table is None else older_plan(prepared, table)
    for budget in job.budgets:
        plans.add(max(budget, least))
    enough = min(point.cost for point in plans.points)
    if job.between and enough > least:
        for budget in np.linspace(least, enough, job.between + 1)[:-1].tolist():
            plans.add(budget)
    return Outcome("done", facts | {"points": plans.points, "budgets_planned": plans.budgets})


def _least_cost(problem: Problem) -> float:
    """Return what everything costs that must be built, 万元."""
    decisions = find_decisions(problem)
    cost = decisions.fixed_cost + decisions.cost_per_bed * decisions.low
    return float(cost[decisions.must].sum())


class _Plans:
    """
    Plans of one place, each started from the dearest one before that it can pay for.

    For each budget there are two: the plan for that money, beds and all, and the cheapest one that
    covers as many elders, beds aside. The second says where the money for coverage ends.
    """

    def __init__(self, job: Job, problem: Problem, settings: Solve, tell: Tell) -> None:
        self.job, self.problem, self.settings, self.tell = job, problem, settings, tell
        self.first: Layout | None = None
        self.points: list[Point] = []
        self.layouts: list[Layout] = []
        self.budgets = 0

    def add(self, budget: float) -> None:
        """Plan for a budget, or for the place's own limit where that is lower."""
        limits = self.problem.limits
        own = limits.budget_wan_yuan
        most = budget if own is None else min(budget, own)
        problem = replace(self.problem, limits=limits.model_copy(update={"budget_wan_yuan": most}))
        paid = [k for k, each in enumerate(self.points) if each.cost <= most]
        start = self.layouts[max(paid, key=lambda k: self.points[k].cost)] if paid else self.first
        whole = self._solve(problem, start)
        bounds = tuple(stage.bound for stage in whole.stages if stage.name in LEVELS)
        self._note(budget, whole, bounds)
        lean = self._solve(_coverage_alone(problem), whole.layout)
        covered = self._note(None, lean, bounds)
        if covered.reached[:2] > tuple(np.add(self.points[-2].reached[:2], KEEP)):
            self.points.pop()
            self.layouts.pop()
        self.budgets += 1

    def _solve(self, problem: Problem, start: Layout | None) -> Solution:
        """Plan once."""
        return solve(problem, settings=self.settings, start=start, progress=self.tell)

    def _note(self, budget: float | None, solution: Solution, bounds: tuple[float, ...]) -> Point:
        """Note a plan; without a budget of its own it is one for what it costs."""
        layout, path = solution.layout, None
        if layout.is_open.any():
            path = part_of(self.job.desk, self.job.key) / "layout.csv"
            _write_layout(self.problem, layout, path)
        cost, reached = float(self.problem.cost(layout).sum()), measure(self.problem, layout)
        point = Point(
            cost if budget is None else budget, cost, tuple(reached[name] for name in LEVELS),
            bounds, solution.status, sum(stage.seconds for stage in solution.stages), path,
        )  # fmt: skip
        self.points.append(point)
        self.layouts.append(layout)
        return point


def _coverage_alone(problem: Problem) -> Problem:
    """Return a problem of which the plan covers elders at the least cost, and nothing else."""
    by_distance = {rule.id for rule in problem.distance_rules}
    return replace(
        problem,
        rules=tuple(
            rule if rule.id in by_distance else replace(rule, enforce=False)
            for rule in problem.rules
        ),
    )


def _write_layout(problem: Problem, layout: Layout, path: Path) -> None:
    """Write what stands, to start a later search from."""
    rows = np.flatnonzero(layout.is_open)
    functions = [", ".join(sorted(each or ())) for each in layout.functions[rows]]
    pd.DataFrame(
        {
            "id": problem.sites.id[rows], "beds": layout.beds[rows],
            "nursing_beds": layout.nursing_beds[rows],
            "dementia_beds": layout.dementia_beds[rows], "functions": functions,
        }
    ).to_csv(path, index=False, encoding="utf-8")  # fmt: skip


def curve_of(points: list[Point]) -> Curve:
    """Return plans of one place as a curve, by rising budget."""
    ordered = sorted(points, key=lambda point: point.budget)
    return Curve(
        np.array([each.budget for each in ordered]),
        np.array([each.cost for each in ordered]),
        np.array([each.reached for each in ordered]),
        np.array([each.bounds for each in ordered]),
    )
