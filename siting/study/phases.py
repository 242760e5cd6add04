"""Phases: the plan of the last year first, then each earlier year within what comes after it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from siting.audit import Audit, audit
from siting.demand import classify
from siting.phasing import step_limits
from siting.prepare import Prepared, longest_distances
from siting.solve import Progress, Solution, solve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from siting.problem import Layout, Problem
    from siting.scenario import Limits, Solve

__all__ = [
    "PhasePlan", "added_functions", "first_year", "hurried", "in_year", "plan_phases",
    "under_ceiling", "upgraded",
]  # fmt: skip

HURRY_S = 1.0
"""Time for each phase that is left once the search was interrupted, seconds."""


@dataclass(frozen=True)
class PhasePlan:
    """
    What stands in the year of one phase.

    Attributes
    ----------
    year
        Year of the phase.
    prepared
        The problem with the rules of that year.
    layout
        What stands where.
    solution
        Stages with value, bound and gap; None where a layout was only judged.
    audit
        Findings on the layout by the rules of that year.
    """

    year: int
    prepared: Prepared
    layout: Layout
    solution: Solution | None
    audit: Audit

    @property
    def problem(self) -> Problem:
        """The problem with the rules of the year."""
        return self.prepared.problem


def plan_phases(last: PhasePlan, *, progress: Progress | None = None) -> tuple[PhasePlan, ...]:
    """
    Return the phases of a plan, the first year first; the last one is given.

    Each earlier phase is the same problem with the rules of its year, the money up to it, and the
    layout of the phase after it as a ceiling: what stands once stays. Going backwards, no phase
    spends on what the plan does not need in the end.

    Parameters
    ----------
    last
        The plan of the scenario's year.
    progress
        Called with stage, gap and seconds left.

    Returns
    -------
    phases
        One for each phase of the scenario.

    Raises
    ------
    UnsolvedError
        If the solver stops with nothing that can be used, or contradicts itself.
    """
    scenario = last.prepared.scenario
    limits, phases = step_limits(scenario), [last]
    for number in reversed(range(len(scenario.steps) - 1)):
        later, year = phases[0], scenario.steps[number].year
        prepared = in_year(last.prepared, year)
        problem = under_ceiling(prepared.problem, later.layout, limits[number])
        settings = hurried(scenario.solve, later.solution)
        solution = solve(problem, settings=settings, progress=progress)
        prepared = replace(prepared, problem=problem)
        judged = audit(prepared, solution.layout, state="plan")
        phases.insert(0, PhasePlan(year, prepared, solution.layout, solution, judged))
    return tuple(phases)


def in_year(prepared: Prepared, year: int) -> Prepared:
    """Return a scenario with the rules of an earlier phase; its elders are those of the plan."""
    standard, problem = prepared.earlier[year], prepared.problem
    classes = classify(prepared.readings[prepared.support], standard)
    changed = replace(
        problem,
        rules=standard.rules,
        density_class=classes,
        standard_m=longest_distances(classes, problem.elders, standard),
    )
    return replace(prepared, standard=standard, problem=changed)


def under_ceiling(problem: Problem, later: Layout, limits: Limits) -> Problem:
    """Return a problem of which no layout exceeds a later one; locks hold in that one alone."""
    n = problem.sites.n
    return replace(
        problem,
        ceiling=later,
        limits=limits,
        locked_open=np.zeros(n, dtype=bool),
        locked_beds=np.full(n, -1, dtype=np.int64),
    )


def hurried(settings: Solve, later: Solution | None) -> Solve:
    """Return how hard to search for a phase: hardly, once the search was interrupted."""
    if later is None or later.status != "interrupted":
        return settings
    hurry = min(HURRY_S, settings.time_limit_s)
    return settings.model_copy(update={"time_limit_s": hurry})


def first_year(phases: Sequence[PhasePlan]) -> NDArray[np.int64]:
    """Return the year in which each site is first opened or changed; 0 where it never is."""
    years = np.zeros(phases[-1].problem.sites.n, dtype=np.int64)
    for phase in phases:
        years[(years == 0) & _changed(phase.problem, phase.layout)] = phase.year
    return years


def _changed(problem: Problem, layout: Layout) -> NDArray[np.bool_]:
    """Return the open sites with more beds of any kind or functions than today."""
    now = problem.existing_layout()
    return layout.is_open & ((layout.beds > now.beds) | _richer(now, layout))


def upgraded(before: Layout, after: Layout) -> NDArray[np.bool_]:
    """Return what stands in both layouts with beds turned or functions added, but no more beds."""
    stays = before.is_open & after.is_open & (after.beds <= before.beds)
    return stays & _richer(before, after)


def _richer(before: Layout, after: Layout) -> NDArray[np.bool_]:
    """Return the sites with more nursing or dementia beds or functions than before."""
    more = after.nursing_beds > before.nursing_beds
    more |= after.dementia_beds > before.dementia_beds
    added = [bool(each) for each in added_functions(before, after)]
    return np.asarray(more | np.array(added, dtype=bool))


def added_functions(before: Layout, after: Layout) -> list[frozenset[str]]:
    """Return the functions of each site that are not known to have stood there before."""
    pairs = zip(before.functions, after.functions, strict=True)
    return [(now or frozenset()) - (then or frozenset()) for then, now in pairs]
