"""Large models: parts of a plan, bounds by priced rows, and the search made of them."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import oracle
import oracle_mix
import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from strategies import SHORT, Point, Site, build, problems, rules
from strategies_mix import towns
from verdict import check_honest, near, values_of

from siting.decisions import find_decisions
from siting.errors import ScenarioError
from siting.extras import everything_open, layout_of
from siting.large import Large
from siting.model import build_model
from siting.neighbourhood import Neighbourhoods, windows
from siting.objective import measure
from siting.plan_model import Hard
from siting.pricing import Parts, Priced
from siting.reduce import cover_groups, settle_essential
from siting.scenario import Solve
from siting.search import Run
from siting.solve import solve
from siting.solvers import Ask, End, HighsSolver, Outcome, cbc

if TYPE_CHECKING:
    from siting.plan_model import PlanModel
    from siting.problem import Problem

LARGE = Solve(threads=1, exact_below=0, gap=0.0)
"""Every model counts as large, and is searched to the end."""


# Parts of a plan.


@pytest.mark.parametrize("sweep", [0, 1, 5])
@pytest.mark.parametrize(("n", "size"), [(1, 5), (5, 5), (6, 5), (137, 10)])
def test_each_place_is_in_one_part_and_parts_are_small(n: int, size: int, sweep: int) -> None:
    xy = np.random.default_rng(n).uniform(0, 1000, (n, 2))
    parts = list(windows(xy, size, sweep))
    assert sorted(np.concatenate(parts).tolist()) == list(range(n))
    assert max(map(len, parts)) <= size
    assert len(parts) <= 2 * -(-n // size)


def test_parts_hold_what_lies_together() -> None:
    xy = np.array([[0.0, 0.0], [9000.0, 1.0], [1.0, 2.0], [9001.0, 0.0]])
    assert [part.tolist() for part in windows(xy, 2, 0)] == [[0, 2], [1, 3]]


def test_places_at_one_point_still_come_apart() -> None:
    assert sum(len(part) for part in windows(np.zeros((7, 2)), 2, 3)) == 7


def two_towns() -> PlanModel:
    """Return the model of two towns that nothing ties but the budget."""
    points = [Point(900.0), Point(900.0, unit=1)]
    sites = [
        Site((100.0, None), fixed=9.0, high=40),
        Site((200.0, None), fixed=3.0, high=40, xy=(50.0, 0.0)),
        Site((None, 300.0), fixed=4.0, high=40, unit=1, xy=(5000.0, 0.0)),
        Site((None, 400.0), fixed=5.0, high=40, unit=1, xy=(5050.0, 0.0)),
    ]
    problem = build(points, sites, in_force=rules(HZ_02={"min_sites": 2}), units=("a", "b"))
    decisions = find_decisions(problem)
    groups = cover_groups(problem, decisions)
    model = build_model(problem, decisions, groups, np.arange(decisions.n), Hard(cover=True))
    model.linear.minimise(model.stages["cost"])
    return model


def names(model: PlanModel, free: np.ndarray) -> set[str]:
    return {model.linear.variables[k].name for k in np.flatnonzero(free)}


def test_a_site_is_decided_with_what_follows_from_it_and_nothing_else() -> None:
    model = two_towns()
    assert names(model, Neighbourhoods.of(model).free(np.array([0]))) == {
        "choose_0", "beds_0", "missing_0", "place_rule1_0_0", "unmet_rule1_0",
    }  # fmt: skip


def test_a_row_of_the_whole_plan_ties_no_part_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    model = two_towns()
    n = len(model.linear.variables)
    model.linear.row("all", dict.fromkeys(range(n), 1.0), "<=", 1e6)
    together = names(model, Neighbourhoods.of(model).free(np.array([0])))
    monkeypatch.setattr("siting.neighbourhood.OVERALL", n - 1)
    apart = names(model, Neighbourhoods.of(model).free(np.array([0])))
    assert apart < together


def test_further_ties_are_followed() -> None:
    model = two_towns()
    extra = model.linear.variable("extra")
    tie = csr_matrix(([1.0, 1.0], ([0, 0], [model.choose[0], extra])), shape=(1, extra + 1))
    assert "extra" not in names(model, Neighbourhoods.of(model).free(np.array([0])))
    assert "extra" in names(model, Neighbourhoods.of(model, tie).free(np.array([0])))


# A neighbourhood asked of a solver.


@pytest.mark.parametrize("solver", [HighsSolver(), cbc])
def test_what_is_held_stays_and_what_is_free_becomes_best(solver: object) -> None:
    model = two_towns()
    start = model.values_of(np.ones(4, dtype=bool), np.full(4, 40))
    free = np.zeros(len(start), dtype=bool)
    free[[model.choose[0], model.beds[0]]] = True
    outcome = solver(model.linear, Ask(10.0, start=start, free=free))  # type: ignore[operator]
    assert outcome.end is End.PROVEN
    assert (outcome.values[~free] == start[~free]).all()
    costs = model.linear.costs()
    ways = []
    for taken, beds in itertools.product((0.0, 1.0), range(41)):
        values = start.copy()
        values[model.choose[0]], values[model.beds[0]] = taken, beds
        if model.linear.holds(values, 1e-9):
            ways.append(float(costs @ values))
    assert float(costs @ outcome.values) == pytest.approx(min(ways))
    assert outcome.bound == pytest.approx(min(ways))


# Bounds.


def run_of(settings: Solve) -> Run:
    """Return a run without a clock that ends."""

    def silent(stage: str, gap: float | None, left: float) -> None:
        """Tell no one."""

    return Run(settings, HighsSolver(), silent, threading.Event(), 1e9, lambda: 0.0)


@hypothesis_settings(SHORT, max_examples=60)
@given(problems(), st.integers(1, 3), st.integers(0, 3))
def test_priced_parts_bound_what_the_whole_reaches(problem: Problem, size: int, noise: int) -> None:
    """For the prices of the relaxation not below it; for any prices never above the optimum."""
    decisions = find_decisions(problem)
    assume(decisions.n)
    hard = Hard()
    groups = cover_groups(problem, decisions)
    model = build_model(problem, decisions, groups, np.arange(decisions.n), hard)
    model.linear.minimise(model.stages["cost"])
    most = model.values_of(np.ones(decisions.n, dtype=bool), decisions.high)
    assume(model.linear.holds(most, 1e-6))
    solver = HighsSolver()
    relaxed = solver(model.linear, Ask(10.0, relax=True))
    best = solver(model.linear, Ask(10.0))
    assert relaxed.prices is not None
    ask, around = Ask(10.0, start=most), Neighbourhoods.of(model)
    run = run_of(LARGE)
    parts = Parts.of(run, model, around, size)
    priced = parts.priced(ask, relaxed.prices)
    slack = 1e-6 * max(abs(best.bound), 1.0)
    assert relaxed.bound - slack <= priced.bound <= best.bound + slack
    shaken = relaxed.prices * np.random.default_rng(noise).uniform(-1, 2, len(relaxed.prices))
    poor = parts.priced(ask, shaken)
    assert poor.bound <= best.bound + slack
    rounds: list[Priced] = []

    def may_go_on(now: Priced) -> bool:
        rounds.append(now)
        return len(rounds) < 6

    moved = parts.lifted(ask, poor, float(model.linear.costs() @ most), may_go_on)
    assert poor.bound <= moved.bound <= best.bound + slack
    assert parts.priced(ask, moved.prices).bound == pytest.approx(moved.bound, abs=slack)


@pytest.mark.parametrize(("sites", "sense"), [((0, 3), ">="), ((1, 2), "<=")])
def test_moved_prices_prove_more_where_the_first_were_none(
    sites: tuple[int, int], sense: str
) -> None:
    """One town has to open its dearer site: six more in the first, one more in the second."""
    model, solver = two_towns(), HighsSolver()
    model.linear.row("tie", {model.choose[site]: 1.0 for site in sites}, sense, 1.0)
    best = solver(model.linear, Ask(10.0))
    assert best.values is not None
    parts = Parts.of(run_of(LARGE), model, Neighbourhoods.of(model), 1)
    ask = Ask(10.0, start=best.values)
    first = parts.priced(ask, np.zeros(len(parts.low)))
    assert first.bound == pytest.approx(best.bound - 1.0)
    rounds: list[float] = []

    def may_go_on(now: Priced) -> bool:
        rounds.append(now.bound)
        return len(rounds) <= 12

    moved = parts.lifted(ask, first, float(model.linear.costs() @ best.values), may_go_on)
    assert best.bound - 0.1 <= moved.bound <= best.bound + 1e-6
    rounds.clear()
    shot = parts.lifted(ask, first, 1e6, may_go_on)
    assert shot.bound == rounds[-1] >= first.bound
    assert rounds == sorted(rounds)


@pytest.mark.parametrize("end", [End.FAILED, End.INFEASIBLE])
def test_a_part_without_a_bound_leaves_none(end: End) -> None:
    model, solver = two_towns(), HighsSolver()
    best = solver(model.linear, Ask(10.0))
    answers = iter([Outcome(End.PROVEN, best.values, 3.0), Outcome(end, None, 5.0)] * 9)
    run = replace(run_of(LARGE), solver=lambda *_: next(answers))
    parts = Parts.of(run, model, Neighbourhoods.of(model), 1)
    assert parts.priced(Ask(10.0, start=best.values), np.zeros(len(parts.low))).bound == -np.inf


# The search.


def test_a_plan_is_taken_only_if_it_keeps_every_row_and_proven_only_if_it_is() -> None:
    model = two_towns()
    best = HighsSolver()(model.linear, Ask(10.0)).values
    assert best is not None
    most = best.copy()
    most[model.choose[0]], most[model.beds[0]] = 1.0, 40.0
    run, costs = run_of(LARGE), model.linear.costs()
    at = Large(run, model, "cost", 1e9, 0.0, most, costs, float(costs @ best))
    assert at.end_reached() is End.TIME_LIMIT
    nothing = np.zeros(len(best))
    assert float(costs @ nothing) < float(costs @ best)
    assert not at.take(nothing)
    assert (at.best == most).all()
    assert at.take(best)
    assert at.end_reached() is End.PROVEN
    assert not at.take(most)


@hypothesis_settings(SHORT, max_examples=60)
@given(problems())
def test_a_large_model_reaches_what_exhaustive_search_finds(problem: Problem) -> None:
    found = oracle.search(problem)
    if not found.reached:
        with pytest.raises(ScenarioError):
            solve(problem, settings=LARGE)
        return
    assert check_honest(problem, found, solve(problem, settings=LARGE))


@hypothesis_settings(SHORT, max_examples=30)
@given(problems())
def test_a_large_model_searched_for_a_gap_is_honest(problem: Problem) -> None:
    found = oracle.search(problem)
    assume(found.reached)
    asked = LARGE.model_copy(update={"gap": 0.2})
    solution = solve(problem, settings=asked)
    check_honest(problem, found, solution)
    assert solution.status in {"optimal", "gap"}


@hypothesis_settings(SHORT, max_examples=30)
@given(towns())
def test_a_large_town_with_mix_and_functions_is_solved_as_a_small_one(problem: Problem) -> None:
    assume(find_decisions(problem).n > 0)
    every = oracle_mix.search(problem)
    assume(len(every.values))
    solution = solve(problem, settings=LARGE)
    values = [stage.value for stage in solution.stages]
    np.testing.assert_allclose(values, every.best(), rtol=1e-6, atol=1e-6)
    for stage in solution.stages:
        assert stage.bound <= stage.value


# Decisions that are certain.


@hypothesis_settings(SHORT, max_examples=80)
@given(problems())
def test_what_is_essential_is_taken_by_every_plan_that_covers_all(problem: Problem) -> None:
    decisions = find_decisions(problem)
    groups = cover_groups(problem, decisions)
    assume(decisions.n)
    settled, left = settle_essential(decisions, groups)
    most = measure(problem, everything_open(problem, decisions))
    keys = ("uncovered_high", "uncovered_medium")
    for way in itertools.product([False, True], repeat=decisions.n):
        taken = np.array(way) | decisions.must
        layout = layout_of(problem, decisions, taken, np.where(taken, decisions.low, 0))
        reached = measure(problem, layout)
        covers = all(abs(reached[key] - most[key]) < 1e-9 for key in keys)
        has_all = bool(taken[settled.must].all())
        rows = np.asarray(left.covered_by @ taken.astype(int)) > 0
        assert covers == (has_all and bool(rows.all()))
    assert left.removed["essential"] == settled.must.sum() - decisions.must.sum()


def test_essential_decisions_are_followed_to_the_end() -> None:
    """A covers the first point alone; what A covers is done, which leaves B and C alike."""
    points = [Point(1.0), Point(2.0), Point(3.0)]
    sites = [Site((100.0, 100.0, None)), Site((None, 100.0, 100.0)), Site((None, None, 100.0))]
    problem = build(points, sites)
    decisions = find_decisions(problem)
    settled, left = settle_essential(decisions, cover_groups(problem, decisions))
    assert settled.must.tolist() == [True, False, False]
    assert left.covered_by.toarray().tolist() == [[False, True, True]]
    assert left.removed["essential"] == 1
    assert left.removed["rows_covered_by_essential"] == 2


def test_values_and_oracle_speak_of_the_same_stages() -> None:
    problem = build([Point(900.0)], [Site((100.0,), fixed=1.0, high=40)])
    solution = solve(problem, settings=LARGE)
    assert near(values_of(solution), oracle.search(problem).best())
