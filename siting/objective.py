"""The lexicographic objective: its stages in order, and what a layout reaches in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from siting.demand import CLASSES
from siting.minima import plannable, unmet_minima
from siting.problem import DISTANCE_CAP_M, Layout, Problem, beds_required, places
from siting.units import NO_UNIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["STAGES", "count_duty", "denominators", "has_work", "measure", "units_without_minimum"]

STAGES = (
    "uncovered_high", "uncovered_medium", "missing_beds", "unmet_minima", "cost", "distance",
)  # fmt: skip
"""Stages in order; each keeps the value that the earlier ones reached."""


def measure(problem: Problem, layout: Layout) -> dict[str, float]:
    """
    Return what a layout reaches in every stage.

    Elders are counted in elders, beds in beds, minima in planning units, cost net of
    subsidy in 万元, distance in
    elder-metres to the nearest qualifying facility, each capped at 1,000 m.
    """
    qualifies = problem.qualifies(layout)
    uncovered = _uncovered(problem, qualifies)
    return {
        "uncovered_high": float(uncovered[2]),
        "uncovered_medium": float(uncovered[1]),
        "missing_beds": float(_missing_beds(problem, layout, qualifies)),
        "unmet_minima": float(
            len(units_without_minimum(problem, qualifies)) + len(unmet_minima(problem, layout))
        ),
        "cost": float((problem.cost(layout) - problem.subsidy(layout)).sum()),
        "distance": float((problem.elders * capped_distance(problem, qualifies)).sum()),
    }


def _uncovered(problem: Problem, qualifies: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the elders of each class whom an enforced coverage rule leaves uncovered."""
    covered = np.asarray(problem.covers[qualifies].sum(axis=0)).ravel() > 0
    open_points = ~covered & ~np.isnan(problem.standard_m)
    total = np.bincount(
        problem.density_class[open_points], weights=problem.elders[open_points], minlength=3
    )
    return np.asarray(np.where(np.isin(np.arange(3), _enforced_classes(problem)), total, 0.0))


def _enforced_classes(problem: Problem) -> list[int]:
    """Return the density classes that an enforced coverage rule is about."""
    return [
        CLASSES.index(rule.parameters.density_class)
        for rule in problem.distance_rules
        if rule.enforce
    ]


def _missing_beds(problem: Problem, layout: Layout, qualifies: NDArray[np.bool_]) -> int:
    """Return the beds that planning units lack under the enforced rules."""
    counted = np.where(qualifies, layout.beds, 0)
    inside = problem.site_unit >= 0
    stand = np.bincount(
        problem.site_unit[inside], weights=counted[inside], minlength=len(problem.unit_id)
    )
    lack = np.zeros(len(problem.unit_id))
    for rule in problem.bed_rules:
        if rule.enforce:
            need = beds_required(problem.unit_elders(), rule.parameters.beds_per_10000)
            lack = np.maximum(lack, np.where(problem.unit_id == NO_UNIT, 0, need - stand))
    return int(lack.sum())


def count_duty(problem: Problem, minimum: object) -> NDArray[np.bool_]:
    """Return which planning units must have several places: those that need enough beds."""
    need = np.zeros(len(problem.unit_id), dtype=np.int64)
    for rule in problem.bed_rules:
        rate = rule.parameters.beds_per_10000
        need = np.maximum(need, beds_required(problem.unit_elders(), rate))
    least = minimum.min_sites * minimum.min_site_beds  # type: ignore[attr-defined]
    return np.asarray((need >= least) & (problem.unit_id != NO_UNIT))


def units_without_minimum(problem: Problem, qualifies: NDArray[np.bool_]) -> list[tuple[str, int]]:
    """Return rule and unit of each enforced minimum of separate places that is not met."""
    unmet = []
    for rule in problem.place_rules:
        if not rule.enforce:
            continue
        duty = count_duty(problem, rule.parameters)
        for unit in np.flatnonzero(duty).tolist():
            here = qualifies & (problem.site_unit == unit)
            found = places(problem.sites.xy[here], rule.parameters.same_site_m)
            if len(np.unique(found)) < rule.parameters.min_sites:
                unmet.append((rule.id, unit))
    return unmet


def capped_distance(problem: Problem, qualifies: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return each point's distance to the nearest of some facilities, at most 1,000 m."""
    pairs = problem.reach[qualifies].tocoo()
    best = np.full(len(problem.elders), DISTANCE_CAP_M)
    np.minimum.at(best, pairs.col, pairs.data)
    return best


def denominators(problem: Problem) -> dict[str, float]:
    """Return the elders of a class for the coverage stages; other gaps are relative to values."""
    by_class = np.bincount(problem.density_class, weights=problem.elders, minlength=3)
    return {"uncovered_high": float(by_class[2]), "uncovered_medium": float(by_class[1])}


def has_work(problem: Problem, stage: str) -> bool:
    """Return whether a rule in force gives a stage anything to do."""
    if stage in {"uncovered_high", "uncovered_medium"}:
        number = CLASSES.index(stage.removeprefix("uncovered_"))
        concerned = problem.density_class[~np.isnan(problem.standard_m)] == number
        return number in _enforced_classes(problem) and bool(concerned.any())
    if stage == "missing_beds":
        return any(rule.enforce for rule in problem.bed_rules)
    if stage == "unmet_minima":
        return any(plannable(problem, rule) for rule in problem.rules) or any(
            rule.enforce and count_duty(problem, rule.parameters).any()
            for rule in problem.place_rules
        )
    return True
