"""What must hold of every solution, however early its solve stopped, judged by the oracle."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import oracle

from siting.decisions import find_decisions
from siting.reduce import components, cover_groups

if TYPE_CHECKING:
    from siting.problem import Problem
    from siting.solve import Solution

NEAR = 1e-6


def values_of(solution: Solution) -> tuple[float, ...]:
    """Return the values of all stages."""
    assert tuple(stage.name for stage in solution.stages) == oracle.STAGES
    return tuple(stage.value for stage in solution.stages)


def near(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Return whether two sets of values are the same within the tolerance of a stage."""
    pairs = zip(a, b, strict=True)
    return all(math.isclose(x, y, rel_tol=NEAR, abs_tol=NEAR) for x, y in pairs)


def check_honest(problem: Problem, found: oracle.Oracle, solution: Solution) -> bool:
    """
    Check all that must hold however early a solve stopped; return whether its plan is a best one.

    The layout is allowed, its values are its own, no bound lies above what some layout reaches
    that keeps the earlier values, and only a best plan is called optimal.
    """
    beds = oracle.beds_of(solution.layout)
    assert beds in found.reached, f"{beds} is not allowed"
    mine, best = found.reached[beds], found.best()
    assert near(values_of(solution), mine)
    decisions = find_decisions(problem)
    parts = components(problem, decisions, cover_groups(problem, decisions))
    for number, stage in enumerate(solution.stages):
        assert math.isfinite(stage.bound)
        assert math.isfinite(stage.gap)
        assert stage.gap >= 0
        assert stage.bound <= stage.value
        # Sets of sites that do not touch keep their values each by itself, so one could only be
        # compared with layouts that do the same; all together where the earlier stages are best.
        if len(parts) <= 1 or near(mine[:number], best[:number]):
            least = found.least_keeping(number, mine)
            assert stage.bound <= least + NEAR * max(least, 1.0), f"{stage}: {least} can be reached"
    is_best = near(mine, best)
    assert is_best or solution.status != "optimal"
    return is_best
