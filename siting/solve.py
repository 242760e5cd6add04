"""Solve a problem stage by stage, and say of every stage how good it is."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from siting.decisions import Decisions, find_decisions
from siting.errors import ScenarioError
from siting.extras import Extras, everything_open, fullest_mix, layout_of, mix_like
from siting.large import search_large
from siting.model import build_model
from siting.objective import STAGES, denominators, has_work, measure
from siting.plan_model import Hard, PlanModel
from siting.reduce import components, cover_groups, settle_essential
from siting.search import ROW_TOLERANCE, Progress, Run, checked_bound, search, total
from siting.shorten import PROVEN_GAP, shorten
from siting.solvers import HighsSolver, Solver, cbc
from siting.start import first_plan
from siting.trim import trim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from siting.problem import Layout, Problem
    from siting.scenario import Solve

__all__ = [
    "PROVEN_GAP",
    "Progress",
    "Solution",
    "Stage",
    "gap_of",
    "refuse_locks_over_limits",
    "solve",
    "status_of",
]

KEEP = 1e-6
"""How far a later stage may leave the value of an earlier one, relative."""

SHARE_OF_TIME = {"cost": 0.6, "distance": 1.0}
OTHER_SHARE = 0.4


@dataclass(frozen=True)
class Stage:
    """
    What one stage reached.

    Attributes
    ----------
    name
        One of ``siting.objective.STAGES``.
    value
        What the layout reaches, measured on the layout.
    bound
        Proven: no layout can be below that keeps the earlier stages' values, in each set of sites
        that hang together.
    gap
        ``|value - bound| / max(|value|, 1e-9)``; for coverage, relative to the class's elders.
    seconds
        Time that the stage took.
    proof
        ``inspection`` (taking every decision reaches the value), ``search``, ``none``.
    skipped
        True where no rule gives the stage anything to do.
    """

    name: str
    value: float
    bound: float
    gap: float
    seconds: float
    proof: str = "search"
    skipped: bool = False


@dataclass(frozen=True)
class Solution:
    """
    A layout and how good it is.

    Attributes
    ----------
    layout
        What stands where.
    stages
        Value, bound and gap of every stage, in order.
    status
        ``optimal``: every stage proven; ``gap``: every stage within the gap asked for;
        ``time_limit``: one is not; ``interrupted``: stopped by hand.
    removed
        What reduction removed, step by step.
    """

    layout: Layout
    stages: tuple[Stage, ...]
    status: str
    removed: dict[str, int] = field(default_factory=dict)


@dataclass
class _Reached:
    """What one model reached: decisions, and per stage how far value and bound are apart."""

    taken: NDArray[np.bool_]
    added: NDArray[np.int64]
    extras: Extras
    apart: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def solve(
    problem: Problem,
    *,
    settings: Solve,
    start: Layout | None = None,
    solver: Solver | None = None,
    progress: Progress | None = None,
    clock: Callable[[], float] = monotonic,
) -> Solution:
    """
    Return the best layout found, with value, bound and gap of every stage.

    Stages are lexicographic: each keeps the value that the earlier ones reached. A time limit is on
    the whole solve. Ctrl-C stops the search and keeps the best plan so far.

    Parameters
    ----------
    problem
        What to plan.
    settings
        Time limit, gap, threads, seed, solver.
    start
        An older plan of the same sites to start from; any, within the limits or not. It changes
        the way to the answer, not what is proven of it.
    solver
        Takes the place of the solver in the settings.
    progress
        Called with stage, gap and seconds left.
    clock
        Seconds that only grow.

    Returns
    -------
    solution
        A layout within locks and limits, with its stages and status.

    Raises
    ------
    ScenarioError
        If the locks alone break a limit.
    UnsolvedError
        If the solver stops with nothing that can be used, or contradicts itself.
    """
    begun = clock()
    chosen = solver or (HighsSolver() if settings.solver == "highs" else cbc)
    run = Run(
        settings, chosen, progress or _silent, threading.Event(),
        begun + settings.time_limit_s, clock, start is not None,
    )  # fmt: skip
    refuse_locks_over_limits(problem)
    decisions = find_decisions(problem)
    groups = cover_groups(problem, decisions)
    everything = measure(problem, everything_open(problem, decisions))
    hard = _hard(problem, decisions, everything)
    if hard.cover:
        decisions, groups = settle_essential(decisions, groups)
    parts = components(problem, decisions, groups)
    with _listening(run.stop):
        taken, added = first_plan(problem, decisions, groups, like=start)
        extras = fullest_mix(problem, decisions, taken, added)
        if start is not None:
            extras = mix_like(problem, extras, start)
        reached = _Reached(taken.copy(), added.copy(), extras)
        removed = groups.removed | {"decisions": decisions.n, "components": len(parts)}
        done = 0
        for part in sorted(parts, key=len):
            model = build_model(problem, decisions, groups, part, hard)
            share = len(part) / max(decisions.n - done, 1) if len(parts) > 1 else 1.0
            done += len(part)
            _solve_part(run, model, reached, share=share, many=len(parts))
    layout = layout_of(problem, decisions, reached.taken, reached.added, reached.extras)
    stages = _stages(problem, layout, everything, hard, reached)
    interrupted = run.stop.is_set()
    status = "interrupted" if interrupted else status_of(stages, settings.gap)
    return Solution(layout, stages, status, removed)


def _silent(stage: str, gap: float | None, left: float) -> None:
    """Tell no one."""


@contextmanager
def _listening(stop: threading.Event) -> Iterator[None]:
    """Take the first Ctrl-C as the wish to stop and keep the best plan; a second ends at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def hear(number: int, frame: object) -> None:
        del number, frame
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


def refuse_locks_over_limits(problem: Problem) -> None:
    """
    Refuse locks that alone cost more than the budget or open more than the limit.

    Raises
    ------
    ScenarioError
        If they do.
    """
    decisions = find_decisions(problem)
    limits, must = problem.limits, decisions.must
    cost = (decisions.fixed_cost + decisions.cost_per_bed * decisions.low)[must].sum()
    new = int((must & decisions.is_new).sum())
    if limits.budget_wan_yuan is not None and cost > limits.budget_wan_yuan * (1 + 1e-9):
        raise ScenarioError.of(
            "locks_over_budget", "locks", found=cost, limit=limits.budget_wan_yuan
        )
    if limits.max_new_sites is not None and new > limits.max_new_sites:
        raise ScenarioError.of("locks_over_sites", "locks", found=new, limit=limits.max_new_sites)


def _hard(problem: Problem, decisions: Decisions, everything: dict[str, float]) -> Hard:
    """
    Return what taking every decision proves to be reached in full.

    More facilities never cover fewer elders and more beds are never fewer, so taking every decision
    bounds these stages from below; where the limits allow all of it, the bound is reached.
    """
    limits = problem.limits
    most = everything_open(problem, decisions)
    budget, sites = limits.budget_wan_yuan, limits.max_new_sites
    fits = budget is None or problem.cost(most).sum() <= budget
    fits &= sites is None or int(decisions.is_new.sum()) <= sites
    return Hard(bool(fits), bool(fits), bool(fits) and everything["unmet_minima"] == 0)


def _solve_part(run: Run, model: PlanModel, reached: _Reached, *, share: float, many: int) -> None:
    """Take the decisions of one model through all stages, each from the last one's answer."""
    start, distances_from = _start(model, reached), len(model.linear.variables)
    reference = denominators(model.problem)
    for stage in STAGES:
        begun = run.clock()
        terms = model.stages.get(stage, {})
        limit = run.left() * share * SHARE_OF_TIME.get(stage, OTHER_SHARE)
        if not terms and stage != "distance":
            apart = 0.0
        elif run.stop.is_set():
            apart = np.inf
        elif stage == "distance":
            apart, start = shorten(run, model, start, limit, many=many)
        else:
            absolute = run.settings.gap * reference.get(stage, 0.0) / many
            apart, start = _minimise(run, model, stage, terms, start, limit, absolute)
        if stage == "unmet_minima" and total(terms, start) > 0 and not run.stop.is_set():
            far, start = _come_near(run, model, start, limit)
            apart = max(apart, min(far, 1.0))
        _take(model, reached, start)
        reached.apart[stage] = reached.apart.get(stage, 0.0) + apart
        reached.seconds[stage] = reached.seconds.get(stage, 0.0) + run.clock() - begun
    _take(model, reached, trim(run, model, start, distances_from=distances_from))


def _start(model: PlanModel, reached: _Reached) -> NDArray[np.float64]:
    """
    Return values of the first plan.

    Where it breaks a hard row, the most of beds of a kind and functions is added to it; where the
    money does not reach for that, nothing; else all is taken that can be.
    """
    start = model.values_of(reached.taken, reached.added, reached.extras)
    if not model.linear.holds(start, ROW_TOLERANCE):
        most = fullest_mix(model.problem, model.decisions, reached.taken, reached.added)
        start = model.values_of(reached.taken, reached.added, most)
    if not model.linear.holds(start, ROW_TOLERANCE):
        start = model.values_of(reached.taken, reached.added)
    if not model.linear.holds(start, ROW_TOLERANCE):
        every = np.ones(model.decisions.n, dtype=bool)
        most = fullest_mix(model.problem, model.decisions, every, model.decisions.high)
        start = model.values_of(every, model.decisions.high, most)
    return start


def _take(model: PlanModel, reached: _Reached, values: NDArray[np.float64]) -> None:
    """Note the decisions of one model's values."""
    taken, added = model.read(values)
    reached.taken[model.part], reached.added[model.part] = taken[model.part], added[model.part]
    if model.plans_mix:
        reached.extras = model.read_extras(values)


def _come_near(
    run: Run, model: PlanModel, start: NDArray[np.float64], limit: float
) -> tuple[float, NDArray[np.float64]]:
    """
    Come as near as can be to the minima that stay unmet; return value less bound, and the values.

    What is missing is summed, beds, homes and areas alike, and kept by a row as a stage's value is.
    """
    if not model.missing:
        return 0.0, start
    return _minimise(run, model, "unmet_minima", model.missing, start, limit, 0.0, kept="missing")


def _minimise(
    run: Run,
    model: PlanModel,
    stage: str,
    terms: dict[int, float],
    start: NDArray[np.float64],
    limit: float,
    absolute: float,
    *,
    kept: str | None = None,
) -> tuple[float, NDArray[np.float64]]:
    """
    Minimise one stage, keep its value by a row, and return value less bound, and the values.

    What the solver found is rounded and completed first. Where it then breaks a row it is left
    aside with its bound; where it is no better than the start, the start stays.
    """
    model.linear.minimise(terms)
    find = search_large if model.decisions.n > run.settings.exact_below else search
    outcome = find(run, model, stage, start, limit, absolute)
    values, value, bound = start, total(terms, start), outcome.bound
    if outcome.values is not None:
        found = model.completed(outcome.values)
        if not model.linear.holds(found, ROW_TOLERANCE):
            bound = -np.inf
        elif total(terms, found) < value:
            values, value = found, total(terms, found)
    scale = max(0.01 * sum(map(abs, terms.values())), 1.0)
    bound = checked_bound(stage, value, bound, scale)
    model.linear.row(f"keep_{kept or stage}", terms, "<=", value + KEEP * max(abs(value), 1.0))
    return value - bound, values


def _stages(
    problem: Problem,
    layout: Layout,
    everything: dict[str, float],
    hard: Hard,
    reached: _Reached,
) -> tuple[Stage, ...]:
    """Return value, bound and gap of every stage, the value measured on the layout."""
    values = measure(problem, layout)
    settled = {
        "uncovered_high": hard.cover, "uncovered_medium": hard.cover, "missing_beds": hard.beds,
        "unmet_minima": hard.minima,
    }  # fmt: skip
    floor = everything | {"cost": 0.0, "unmet_minima": 0.0}
    stages = []
    for name in STAGES:
        seconds = reached.seconds.get(name, 0.0)
        if not has_work(problem, name):
            stages.append(
                Stage(name, values[name], values[name], 0.0, seconds, "none", skipped=True)
            )
            continue
        bound, proof = min(floor[name], values[name]), "inspection"
        by_search = values[name] - reached.apart.get(name, 0.0)
        if by_search >= bound and not settled.get(name, False):
            bound, proof = by_search, "search"
        stages.append(
            Stage(
                name,
                values[name],
                bound,
                gap_of(problem, name, values[name], bound),
                seconds,
                proof,
            )
        )
    return tuple(stages)


def gap_of(problem: Problem, stage: str, value: float, bound: float) -> float:
    """Return the gap of a stage as the contract defines it; always finite."""
    if value == bound:
        return 0.0
    scale = denominators(problem).get(stage, abs(value))
    return abs(value - bound) / max(scale, 1e-9)


def status_of(stages: tuple[Stage, ...], gap: float) -> str:
    """Return ``optimal``, ``gap`` or ``time_limit`` from the stages' gaps."""
    if all(stage.gap <= PROVEN_GAP for stage in stages):
        return "optimal"
    return "gap" if all(stage.gap <= gap for stage in stages) else "time_limit"
