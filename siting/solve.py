"""Solve a problem stage by stage, and say of every stage how good it is."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from siting.distance import DistanceTerms, distance_terms
from siting.errors import ScenarioError, UnsolvedError
from siting.model import Hard, PlanModel, build_model
from siting.objective import STAGES, denominators, has_work, measure
from siting.problem import Layout, Problem
from siting.reduce import (
    CoverGroups, Decisions, components, cover_groups, everything_open, find_decisions, layout_of,
)  # fmt: skip
from siting.solvers import Ask, End, HighsSolver, Outcome, Solver, cbc
from siting.start import first_plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.scenario import Solve

__all__ = ["PROVEN_GAP", "Progress", "Solution", "Stage", "gap_of", "solve", "status_of"]

PROVEN_GAP = 1e-6
KEEP = 1e-6
EXACT_NODES = 500
EXACT_ROUNDS = 8
RELAXED_ROUNDS = 60
KILO = 1000.0
SHARE_OF_TIME = {"cost": 0.6, "distance": 1.0}
OTHER_SHARE = 0.4

Progress = Callable[[str, float | None, float], None]
"""Called with the stage, its gap so far (None: not known yet) and the seconds left."""


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
        Proven: no layout that keeps the earlier stages' values can be below.
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
class _Run:
    """What the whole solve shares: the clock, the settings, who wants to know and who may stop."""

    settings: Solve
    solver: Solver
    progress: Progress
    stop: threading.Event
    end: float
    clock: Callable[[], float]

    def left(self) -> float:
        """Return the seconds left of the whole solve."""
        return max(self.end - self.clock(), 0.0)


@dataclass
class _Reached:
    """What one model reached: decisions, and per stage how far value and bound are apart."""

    taken: NDArray[np.bool_]
    added: NDArray[np.int64]
    apart: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def solve(
    problem: Problem,
    *,
    settings: Solve,
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
    solver
        Takes the place of the solver in the settings.
    progress
        Called with stage, gap and seconds left.
    clock
        Seconds that only grow.

    Raises
    ------
    ScenarioError
        If the locks alone break a limit.
    UnsolvedError
        If the solver contradicts itself.
    """
    begun = clock()
    chosen = solver or (HighsSolver() if settings.solver == "highs" else cbc)
    run = _Run(
        settings, chosen, progress or _silent, threading.Event(),
        begun + settings.time_limit_s, clock,
    )  # fmt: skip
    decisions = find_decisions(problem)
    _refuse_locks_over_limits(problem, decisions)
    groups = cover_groups(problem, decisions)
    parts = components(problem, decisions, groups)
    everything = measure(problem, everything_open(problem, decisions))
    hard = _hard(problem, decisions, everything)
    with _listening(run.stop):
        taken, added = first_plan(problem, decisions, groups)
        reached = _Reached(taken.copy(), added.copy())
        removed = groups.removed | {"decisions": decisions.n, "components": len(parts)}
        removed["rows_dominated"] = 0
        done = 0
        for number, part in enumerate(sorted(parts, key=len)):
            model = build_model(problem, decisions, groups, part, hard)
            removed["rows_dominated"] += model.removed_rows
            share = len(part) / (decisions.n - done)
            done += len(part)
            _solve_part(run, model, reached, share=share, many=len(parts), number=number)
    layout = layout_of(problem, decisions, reached.taken, reached.added)
    stages = _stages(problem, layout, everything, hard, reached, len(parts))
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
        signal.signal(signal.SIGINT, before)


def _refuse_locks_over_limits(problem: Problem, decisions: Decisions) -> None:
    """Refuse locks that alone cost more than the budget or open more than the limit."""
    limits, must = problem.limits, decisions.must
    cost = (decisions.fixed_cost + decisions.cost_per_bed * decisions.low)[must].sum()
    new = int((must & decisions.is_new).sum())
    if limits.budget_wan_yuan is not None and cost > limits.budget_wan_yuan * (1 + 1e-9):
        raise ScenarioError.of("locks_over_budget", "locks", found=cost, limit=limits.budget_wan_yuan)
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


def _solve_part(
    run: _Run, model: PlanModel, reached: _Reached, *, share: float, many: int, number: int
) -> None:
    """Take the decisions of one model through all stages, each from the last one's answer."""
    del number
    start = model.starting_values(reached.taken, reached.added)
    reference = denominators(model.problem)
    for stage in STAGES:
        begun = run.clock()
        terms = model.stages.get(stage, {})
        if run.stop.is_set() or (not terms and stage != "distance"):
            continue
        limit = run.left() * share * SHARE_OF_TIME.get(stage, OTHER_SHARE)
        if stage == "distance":
            apart, start = _shorten(run, model, start, limit)
        else:
            absolute = run.settings.gap * reference.get(stage, 0.0) / many
            apart, start = _minimise(run, model, stage, terms, start, limit, absolute)
        if start is not None:
            reached.taken[model.part], reached.added[model.part] = (
                each[model.part] for each in model.read(start)
            )
        reached.apart[stage] = reached.apart.get(stage, 0.0) + apart
        reached.seconds[stage] = reached.seconds.get(stage, 0.0) + run.clock() - begun


def _minimise(
    run: _Run,
    model: PlanModel,
    stage: str,
    terms: dict[int, float],
    start: NDArray[np.float64] | None,
    limit: float,
    absolute: float,
) -> tuple[float, NDArray[np.float64] | None]:
    """Minimise one stage, keep its value by a row, and return value less bound, and the values."""
    model.linear.minimise(terms)
    outcome = _search(run, model, stage, start, limit, absolute)
    values = outcome.values if outcome.values is not None else start
    if values is None:
        if outcome.end in {End.INFEASIBLE, End.FAILED}:
            raise UnsolvedError.of("solver_failed", stage, found=outcome.end.value)
        return np.inf, None
    value = _total(terms, values)
    bound = _checked_bound(stage, value, outcome.bound)
    model.linear.row(f"keep_{stage}", terms, "<=", value + KEEP * max(abs(value), 1.0))
    return value - bound, values


def _search(
    run: _Run,
    model: PlanModel,
    stage: str,
    start: NDArray[np.float64] | None,
    limit: float,
    absolute: float,
) -> Outcome:
    """
    Return what the solver reached for the objective that is set.

    A model with few decisions is first searched for a gap of 0, for a number of nodes that is the
    same on every machine; only if that leaves more than the gap asked for, it is searched on.
    """
    settings, end = run.settings, run.clock() + limit

    def tell(value: float, bound: float) -> None:
        known = np.isfinite(value) and np.isfinite(bound)
        run.progress(stage, abs(value - bound) / max(abs(value), 1e-9) if known else None, run.left())

    def ask(gap: float, absolute_gap: float, nodes: int | None) -> Outcome:
        left = max(end - run.clock(), 0.0)
        return run.solver(
            model.linear,
            Ask(
                left, gap, absolute_gap, settings.threads, settings.random_seed,
                max_nodes=nodes, start=start, stop=run.stop, progress=tell,
            ),
        )  # fmt: skip

    run.progress(stage, None, run.left())
    if model.decisions.n > settings.exact_below:
        return ask(settings.gap, max(absolute, 1e-9), None)
    first = ask(0.0, 1e-9, EXACT_NODES)
    if first.end is not End.EFFORT_LIMIT:
        return first
    if first.values is not None:
        value = _total(model.stages.get(stage, {}), first.values)
        if value - first.bound <= max(settings.gap * abs(value), absolute):
            return first
        start = first.values
    second = ask(settings.gap, max(absolute, 1e-9), None)
    if second.values is None or second.bound < first.bound:
        values = second.values if second.values is not None else first.values
        return Outcome(second.end, values, max(first.bound, second.bound))
    return second


def _total(terms: dict[int, float], values: NDArray[np.float64]) -> float:
    """Return the value of terms."""
    return float(sum(values[k] * factor for k, factor in terms.items()))


def _checked_bound(stage: str, value: float, bound: float) -> float:
    """Return a bound that fits its value; refuse one that lies above it."""
    if bound > value + 1e-5 * max(abs(value), 1.0):
        raise UnsolvedError.of("bound_above_value", stage, value=value, bound=bound)
    return min(max(bound, 0.0), value)


def _shorten(
    run: _Run, model: PlanModel, start: NDArray[np.float64] | None, limit: float
) -> tuple[float, NDArray[np.float64] | None]:
    """
    Minimise elder-weighted distance by cuts; return value less bound in elder-metres, and values.

    First the relaxation gathers cuts, then the whole-number model is solved and cut again until
    what it claims is what its layout reaches.
    """
    terms = distance_terms(model.problem, model.decisions, model.part)
    if terms.n_terms == 0:
        return 0.0, start
    end = run.clock() + limit
    linear = model.linear
    size = len(linear.variables)
    theta = [linear.variable(f"distance_{k}") for k in range(terms.n_terms)]
    linear.minimise(dict.fromkeys(theta, 1.0))
    bound = _relaxed_cuts(run, model, terms, theta, end)
    best, best_value = start, np.inf
    if start is not None:
        best_value = float(terms.values(_chosen(model, start)).sum())
    for turn in range(1000):
        left = end - run.clock()
        if left <= 0 or run.stop.is_set():
            break
        outcome = _distance_turn(run, model, terms, theta, best, left, exact=turn < EXACT_ROUNDS)
        bound = max(bound, outcome.bound * KILO)
        if outcome.values is None:
            break
        chosen = np.round(_chosen(model, outcome.values))
        value = float(terms.values(chosen).sum())
        if value < best_value:
            best, best_value = outcome.values[:size], value
        apart = best_value - bound
        run.progress("distance", apart / max(best_value, 1e-9), run.left())
        good = PROVEN_GAP if turn < EXACT_ROUNDS else run.settings.gap
        if apart <= good * best_value or (turn >= EXACT_ROUNDS and outcome.end is not End.PROVEN):
            break
        cuts = _add_cuts(model, terms, theta, chosen, outcome.values[theta], turn=f"m{turn}")
        if not cuts:
            break
    if best is None:
        return np.inf, None
    return best_value - _checked_bound("distance", best_value, bound), best


def _distance_turn(
    run: _Run,
    model: PlanModel,
    terms: DistanceTerms,
    theta: list[int],
    best: NDArray[np.float64] | None,
    left: float,
    *,
    exact: bool,
) -> Outcome:
    """Return the whole-number model's answer with the cuts so far."""
    start = None
    if best is not None:
        start = np.concatenate([best, terms.values(np.round(_chosen(model, best))) / KILO])
    few = exact and model.decisions.n <= run.settings.exact_below
    settings = run.settings
    return run.solver(
        model.linear,
        Ask(
            left, 1e-7 if few else settings.gap / 2, 1e-9, settings.threads, settings.random_seed,
            max_nodes=EXACT_NODES if few else None, start=start, stop=run.stop,
            progress=lambda value, bound: run.progress(
                "distance", abs(value - bound) / max(abs(value), 1e-9)
                if np.isfinite(value) and np.isfinite(bound) else None, run.left(),
            ),
        ),
    )  # fmt: skip


def _chosen(model: PlanModel, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each decision is taken, 0 to 1."""
    chosen = np.zeros(model.decisions.n)
    for decision, variable in model.choose.items():
        chosen[decision] = values[variable]
    return np.clip(chosen, 0.0, 1.0)


def _relaxed_cuts(
    run: _Run, model: PlanModel, terms: DistanceTerms, theta: list[int], end: float
) -> float:
    """Add the cuts that the relaxation violates until few are left; return its bound."""
    bound = 0.0
    chosen = np.zeros(model.decisions.n)
    claimed = np.zeros(terms.n_terms)
    for turn in range(RELAXED_ROUNDS):
        if not _add_cuts(model, terms, theta, chosen, claimed, turn=f"r{turn}"):
            break
        left = end - run.clock()
        if left <= 0 or run.stop.is_set():
            break
        settings = run.settings
        outcome = run.solver(
            model.linear,
            Ask(left, threads=settings.threads, seed=settings.random_seed, relax=True, stop=run.stop),
        )
        if outcome.values is None or outcome.end is not End.PROVEN:
            break
        bound = max(bound, outcome.bound * KILO)
        chosen, claimed = _chosen(model, outcome.values), outcome.values[theta]
        reached = float(terms.values(chosen).sum())
        run.progress("distance", abs(reached - bound) / max(reached, 1e-9), run.left())
        if reached - bound <= 1e-5 * max(reached, 1.0):
            break
    return bound


def _add_cuts(
    model: PlanModel,
    terms: DistanceTerms,
    theta: list[int],
    chosen: NDArray[np.float64],
    claimed: NDArray[np.float64],
    *,
    turn: str,
) -> int:
    """Add violated cuts to the model, in elder-kilometres; return how many."""
    cuts = terms.cuts(chosen, claimed * KILO, tolerance=1e-3)
    for cut in cuts:
        row = {
            model.choose[decision]: factor / KILO
            for decision, factor in zip(cut.decisions.tolist(), cut.factors.tolist(), strict=True)
        }
        row[theta[cut.term]] = 1.0
        model.linear.row(f"nearest_{turn}_{cut.term}", row, ">=", cut.side / KILO)
    return len(cuts)


def _stages(
    problem: Problem,
    layout: Layout,
    everything: dict[str, float],
    hard: Hard,
    reached: _Reached,
    parts: int,
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
            stages.append(Stage(name, values[name], values[name], 0.0, seconds, "none", skipped=True))
            continue
        bound, proof = min(floor[name], values[name]), "inspection"
        searched = name in reached.apart or parts == 0 or _nothing_left(name, reached)
        if searched and not settled.get(name, False):
            by_search = values[name] - reached.apart.get(name, 0.0)
            bound, proof = max(bound, by_search), "search"
        stages.append(Stage(name, values[name], bound, gap_of(problem, name, values[name], bound), seconds, proof))
    return tuple(stages)


def _nothing_left(name: str, reached: _Reached) -> bool:
    """Return whether a stage had no terms in any model although later stages were reached."""
    later = STAGES[STAGES.index(name) + 1 :]
    return any(each in reached.apart for each in later)


def gap_of(problem: Problem, stage: str, value: float, bound: float) -> float:
    """Return the gap of a stage as the contract defines it; always finite."""
    if value == bound:
        return 0.0
    scale = denominators(problem).get(stage, abs(value))
    return abs(value - bound) / max(scale, 1e-9)


def status_of(stages: tuple[Stage, ...], gap: float) -> str:
    """Return ``optimal``, ``gap`` or ``time_limit`` from the stages' gaps."""
    worst = max((stage.gap for stage in stages), default=0.0)
    if worst <= PROVEN_GAP:
        return "optimal"
    return "gap" if worst <= gap else "time_limit"
