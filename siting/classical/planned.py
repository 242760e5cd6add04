"""A scenario's classical model: asked, its layout made, and what the layout reaches measured."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from siting.classical.answer import MAXIMISED
from siting.classical.ask import ASK, Found
from siting.classical.case import Case, case_of
from siting.classical.reached import figures, idle_rows, measured, refuse_overfull
from siting.classical.stopgap import stopgap
from siting.errors import InputError, ScenarioError, UnsolvedError
from siting.solve import Solution, Stage, status_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from siting.classical.answer import ClassicalSolution
    from siting.prepare import Prepared
    from siting.solve import Progress

__all__ = ["ModelSolution", "plan_objective", "refuse_objective"]

KILOMETRE = 1000.0
FIRST_TRY = 0.2
"""Part of the time in which a small model is searched for a gap of 0."""
NOISE = 1e-6
"""How far a bound may pass the value measured before the two contradict each other, relative."""


@dataclass(frozen=True)
class ModelSolution(Solution):
    """
    The layout of a classical model and how good it is: a solution of one stage, named after it.

    Attributes
    ----------
    layout, stages, status, removed
        As of any solution; the bound of a model that maximises lies above its value.
    model
        What the model returned on the inputs that it was given; None where nothing was left to
        choose, or it was stopped.
    figures
        What was measured beside the value: elders in reach, out of reach, covered, without room.
    """

    model: ClassicalSolution | None = None
    figures: dict[str, Any] = field(default_factory=dict)


def refuse_objective(prepared: Prepared) -> Case:
    """
    Return what a scenario's objective asks, with what there is to say of it added to the check.

    Raises
    ------
    ScenarioError
        If the sites cannot give what is asked.
    """
    case = case_of(prepared)
    check, model = prepared.check, case.objective.model
    check.add("info", "objective_asked", "objective", count=len(case.free), model=model)
    out = np.flatnonzero(~case.reached & (case.problem.elders > 0))
    if len(out):
        check.add(
            "warning", "objective_out_of_reach", "objective", count=len(out),
            elders=float(case.problem.elders[out].sum()), examples=case.problem.demand_id[out],
        )  # fmt: skip
    if case.problem.money_rules:
        rules = [rule.id for rule in case.problem.money_rules]
        check.add("info", "objective_no_subsidy", "objective", count=len(rules), examples=rules)
    return case


def plan_objective(prepared: Prepared, *, progress: Progress | None = None) -> ModelSolution:
    """
    Return the layout of the classical model that a scenario names as its objective.

    Parameters
    ----------
    prepared
        The scenario's problem.
    progress
        Called with the model, its gap and the seconds left.

    Returns
    -------
    solution
        A layout within the locks, with one stage named after the model; its value is measured on
        the layout.

    Raises
    ------
    ScenarioError
        If the sites cannot give what is asked.
    UnsolvedError
        If the solver contradicts itself.
    """
    begun = perf_counter()
    case, halted = refuse_objective(prepared), ""
    try:
        found = _asked(case, progress)
    except KeyboardInterrupt:
        instead, halted = stopgap(case), "interrupted"
        if instead is None:
            raise
        found = instead
    except UnsolvedError as error:
        instead, halted = stopgap(case), "time_limit"
        if not _is_late(error) or instead is None:
            raise
        found = instead
    return _judged(case, found, begun, halted)


def _asked(case: Case, progress: Progress | None) -> Found:
    """Return what the model chose: a small one is tried for a gap of 0 first, for a while."""
    settings = case.prepared.scenario.solve
    options = {
        "time_limit_s": settings.time_limit_s, "gap": settings.gap, "threads": settings.threads,
        "random_seed": settings.random_seed, "progress": progress,
    }  # fmt: skip
    ask, begun = ASK[case.objective.model], perf_counter()
    if progress is not None:
        progress(case.objective.model, None, settings.time_limit_s)
    with _told(case):
        if len(case.free) <= settings.exact_below:
            first = {"gap": 0.0, "time_limit_s": FIRST_TRY * settings.time_limit_s}
            try:
                found = ask(case, options | first)
            except UnsolvedError as error:
                if not _is_late(error):
                    raise
            else:
                if found.answer is None or found.answer.gap <= settings.gap:
                    return found
        left = settings.time_limit_s - (perf_counter() - begun)
        return ask(case, options | {"time_limit_s": max(left, 0.1)})


def _is_late(error: UnsolvedError) -> bool:
    """Return whether time was over before anything was found."""
    return [each.code for each in error.faults] == ["classical_time"]


@contextmanager
def _told(case: Case) -> Iterator[None]:
    """Tell a planner what keeps a capacitated model from an answer, with the ids of points."""
    try:
        yield
    except InputError as error:
        codes = {each.code for each in error.faults}
        if "classical_no_assignment" in codes:
            raise ScenarioError.of("objective_no_assignment", "objective") from error
        if "classical_one_site" in codes:
            room = float(case.given.capacities.max())
            large = case.reached & (case.given.elders > room)
            names = case.problem.demand_id[large]
            raise ScenarioError.of(
                "objective_one_site", "objective.single_source", names, found=room
            ) from error
        raise


def _judged(case: Case, found: Found, begun: float, halted: str) -> ModelSolution:
    """Return a solution: the layout, and value, bound and figures measured on it."""
    layout = case.with_sites(found.rows)
    if found.flow is not None:
        refuse_overfull(case, layout, found.flow)
    value = measured(case, layout, found.flow)
    stage = _stage(case, found, value, perf_counter() - begun, halted=bool(halted))
    status = status_of((stage,), case.prepared.scenario.solve.gap)
    status = "interrupted" if halted == "interrupted" else status
    none = np.empty(0, dtype=np.int64)
    idle = idle_rows(case, found.rows, found.flow, value) if case.objective.p else none
    new = case.problem.qualifies(layout) & ~case.problem.sites.is_existing
    more = {"sites_opened": int(new.sum()), "sites_without_effect": len(idle)}
    if len(idle):
        names = case.given.id[idle]
        case.prepared.check.add(
            "info", "objective_idle", "objective.p", count=len(idle), examples=names
        )
    return ModelSolution(
        layout, (stage,), status, {"candidates": len(case.free)}, found.answer,
        figures(case, layout, found.flow) | more,
    )  # fmt: skip


def _stage(case: Case, found: Found, value: float, seconds: float, *, halted: bool) -> Stage:
    """
    Return the stage of a model.

    Raises
    ------
    UnsolvedError
        If the value measured is better than what is proven to be the best.
    """
    model = case.objective.model
    sign = -1.0 if model in MAXIMISED else 1.0
    low, proof = sign * _were_all_open(case), "inspection"
    if found.bound is not None and sign * found.bound >= low:
        low, proof = sign * found.bound, "search"
    elif found.bound is None and not halted:
        low = max(low, sign * value)
    if low > sign * value + NOISE * max(abs(value), 1.0):
        raise UnsolvedError.of("objective_out_of_step", model, value=value, found=sign * low)
    bound = sign * min(low, sign * value) + 0.0
    gap = abs(value - bound) / max(abs(value), 1e-9)
    return Stage(model, value, bound, gap, seconds, proof)


def _were_all_open(case: Case) -> float:
    """Return what no choice can beat: every candidate open, or none where that costs least."""
    objective, elders = case.objective, case.given.elders
    model, cutoff = objective.model, objective.cutoff_m
    if model in {"set_covering", "partial_set_covering"} and objective.minimise == "sites":
        return float(case.opened_by_locks.sum())
    there = float(elders[case.reached].sum())
    stand = float(case.given.capacities[: case.given.n_stand].sum())
    if model in {"set_covering", "partial_set_covering", "capacitated"}:
        fixed = float(case.problem.cost(case.base).sum())
        return fixed + (_least_cost(case, there - stand) if model == "capacitated" else 0.0)
    if model == "capacitated_maximal_covering":
        largest = np.sort(case.given.capacities[case.free])[::-1][: max(case.p_left, 0)]
        return min(there, stand + float(largest.sum()))
    if model == "maximal_covering":
        return there
    if model == "p_center":
        return float(case.at_best[case.reached].max(initial=0.0))
    counted = case.reached if cutoff is None else elders > 0
    return float(elders[counted] @ np.minimum(case.at_best[counted], cutoff or np.inf))


def _least_cost(case: Case, lack: float) -> float:
    """Return the least that room for so many elders costs, parts of sites allowed, and the way."""
    given = case.given
    order = case.free[np.argsort(
        given.costs[case.free] / np.maximum(given.capacities[case.free], 1e-9), kind="stable"
    )]  # fmt: skip
    room = given.capacities[order]
    before = np.concatenate([[0.0], np.cumsum(room)[:-1]])
    part = np.clip((lack - before) / np.maximum(room, 1e-9), 0.0, 1.0)
    metres = float(given.elders[case.reached] @ case.at_best[case.reached])
    way = metres / KILOMETRE * float(case.objective.wan_yuan_per_elder_km or 0.0)
    return float(part @ given.costs[order]) + way
