"""
The solve against exhaustive search: values, bounds and status, stopped at every possible moment.

Hypothesis draws the problems (``strategies.py``), ``oracle.py`` judges every layout of each. The
short runs are the same each time; the long ones (``-m slow``) draw anew, and print how to repeat
what fails.
"""

from __future__ import annotations

import math
import signal
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    HIGH,
    LONG,
    LOW,
    MEDIUM,
    SHORT,
    Point,
    Site,
    build,
    problems,
    reordered,
    rules,
)
from verdict import check_honest, near, values_of

from siting.decisions import find_decisions
from siting.errors import ScenarioError
from siting.problem import DISTANCE_CAP_M
from siting.reduce import components, cover_groups
from siting.scenario import Limits, Solve
from siting.shorten import NEAR
from siting.solve import PROVEN_GAP, Solution, Stage, gap_of, solve, status_of
from siting.solvers import Ask, End, HighsSolver, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from siting.linear import LinearModel
    from siting.problem import Problem

ONE = Solve(threads=1)


# Stopped early, at every moment and in every way.


class Tired:
    """HiGHS for a number of calls; after them it stops early, in one of several ways."""

    def __init__(self, calls: int, how: str) -> None:
        self.calls, self.how, self.solver = calls, how, HighsSolver()

    def __call__(self, model: LinearModel, ask: Ask) -> Outcome:
        self.calls -= 1
        if self.calls >= 0:
            return self.solver(model, ask)
        if self.how == "start":
            return Outcome(End.TIME_LIMIT, ask.start, -np.inf)
        if self.how == "weak":
            found = self.solver(model, ask)
            return Outcome(End.TIME_LIMIT, found.values, found.bound * 0.9)
        if self.how == "once":
            self.calls = 10**9
        return Outcome(End.TIME_LIMIT, None, -np.inf)


def stopped(problem: Problem, calls: int, how: str) -> Solution:
    """Solve, stopped after so many calls of the solver, the clock or the progress."""
    count = iter(range(10**9))
    if how == "clock":
        return solve(problem, settings=ONE, clock=lambda: 0.0 if next(count) <= 3 * calls else 1e9)
    if how == "Ctrl-C":

        def press(*_: object) -> None:
            if next(count) == calls:
                signal.raise_signal(signal.SIGINT)

        return solve(problem, settings=ONE, progress=press)
    return solve(problem, settings=ONE, solver=Tired(calls, how))


WAYS = ("nothing", "start", "weak", "once", "clock", "Ctrl-C")


def check_stopped(
    problem: Problem, calls: int, how: str, found: oracle.Oracle | None = None
) -> None:
    """Check a solve that is stopped after some calls."""
    found = found or oracle.search(problem)
    if not found.reached:
        return
    solution = stopped(problem, calls, how)
    check_honest(problem, found, solution)
    allowed = {"optimal", "interrupted" if how == "Ctrl-C" else "time_limit", "gap"}
    assert solution.status in allowed
    if solution.status == "gap":
        assert all(stage.gap <= ONE.gap for stage in solution.stages)
    if solution.status == "time_limit":
        assert any(stage.gap > ONE.gap for stage in solution.stages)


def islands() -> Problem:
    """
    Return two islands, each with four groups of elders in a row, where greedy choice is dear.

    On each, of 1000, 2000, 2000 and 1000 elders, one site covers the first two, one the last two:
    15 each, together 30. Greedy choice takes the one that covers the middle two, for 15 too, and
    then one for each end, for 11 each: 37.
    """
    off = {"enforce": False}
    sites, elders = [], []
    for unit in (0, 1):
        for covered, fixed in (("ab", 5.0), ("cd", 5.0), ("bc", 5.0), ("a", 1.0), ("d", 1.0)):
            here = [100.0 if name in covered else None for name in "abcd"]
            metres = [None] * 4 * unit + here + [None] * 4 * (1 - unit)
            sites.append(Site(tuple(metres), high=10, fixed=fixed, unit=unit))
        elders += [Point(count, unit=unit) for count in (1000.0, 2000.0, 2000.0, 1000.0)]
    return build(elders, sites, in_force=rules(HZ_01=off, HZ_02=off), units=("a", "b"))


@pytest.mark.parametrize("how", WAYS)
def test_what_was_proven_of_one_island_is_not_claimed_of_both(how: str) -> None:
    problem = islands()
    decisions = find_decisions(problem)
    assert len(components(problem, decisions, cover_groups(problem, decisions))) == 2
    found = oracle.search(problem)
    for calls in range(12):
        check_stopped(problem, calls, how, found)


def test_greedy_choice_is_dear_on_the_islands_so_that_stopping_shows() -> None:
    at_once = stopped(islands(), 0, "nothing")
    assert values_of(at_once)[4] == pytest.approx(74.0)
    assert at_once.status == "time_limit"
    assert values_of(solve(islands(), settings=ONE))[4] == pytest.approx(60.0)


def chain(asked: int) -> Problem:
    """Return three candidates 60 m apart in a row, of which the outer two make two places."""
    sites = [
        Site((100.0,), high=20, fixed=fixed, xy=(60.0 * n, 0.0))
        for n, fixed in enumerate([20.0, 1.0, 20.0])
    ]
    return build([Point(1000.0)], sites, in_force=rules(HZ_02={"min_sites": asked}))


@pytest.mark.parametrize("how", WAYS)
def test_separate_places_are_kept_by_a_plan_that_is_stopped_at_once(how: str) -> None:
    """The cheapest site alone covers all, so a later stage must not undo the earlier one."""
    problem = chain(2)
    found = oracle.search(problem)
    for calls in range(8):
        check_stopped(problem, calls, how, found)


def test_separate_places_are_found_in_a_chain_of_sites() -> None:
    solution = solve(chain(2), settings=ONE)
    assert oracle.beds_of(solution.layout)[1] is None
    assert values_of(solution) == (0.0, 0.0, 0.0, 0.0, 70.0, 100_000.0)
    assert values_of(solve(chain(3), settings=ONE))[3] == 1.0


def test_a_time_limit_of_nothing_still_gives_a_plan() -> None:
    ended = Solve.model_construct(**(ONE.model_dump() | {"time_limit_s": 0.0}))
    for problem in (islands(), chain(2), t6()):
        found = oracle.search(problem) if oracle.size(problem) < 1e5 else None
        solution = solve(problem, settings=ended)
        assert solution.status in {"optimal", "gap", "time_limit"}
        if found is not None:
            check_honest(problem, found, solution)


def test_a_large_model_is_searched_for_the_gap_only() -> None:
    """With ``exact_below`` of 0 every model is large: no search for a gap of 0 comes first."""
    asked: list[Ask] = []
    solver = HighsSolver()

    def watched(model: LinearModel, ask: Ask) -> Outcome:
        asked.append(ask)
        return solver(model, ask)

    solution = solve(islands(), settings=replace_settings(exact_below=0, gap=0.01), solver=watched)
    assert check_honest(islands(), oracle.search(islands()), solution) is True
    whole = [ask for ask in asked if not ask.relax]
    assert whole
    assert all(ask.gap > 0 for ask in whole)


def watched_again(problem: Problem, **changes: object) -> tuple[Solution, list[Ask]]:
    """Solve again from the best plan; return what was reached and what was asked of the solver."""
    older = solve(problem, settings=ONE).layout
    asked: list[Ask] = []
    solver = HighsSolver()

    def watched(model: LinearModel, ask: Ask) -> Outcome:
        asked.append(ask)
        return solver(model, ask)

    solution = solve(problem, settings=replace_settings(**changes), start=older, solver=watched)
    return solution, [ask for ask in asked if not ask.relax]


def test_planning_again_stops_at_the_gap_where_there_are_many_whole_numbers() -> None:
    """Three yes-or-no decisions, with their beds and groups some more whole numbers."""
    problem = chain(2)
    found = oracle.search(problem)
    for exact_below, is_exact in ((3, False), (100, True)):
        solution, asked = watched_again(problem, exact_below=exact_below, gap=0.01)
        check_honest(problem, found, solution)
        assert values_of(solution) == pytest.approx(found.best())
        assert all(ask.near for ask in asked)
        assert [ask.max_nodes is not None for ask in asked] == [is_exact] * len(asked)
        assert [ask.gap < 0.001 for ask in asked] == [is_exact] * len(asked)


def test_the_gap_asked_for_is_one_of_the_whole_distance() -> None:
    """A home 900 m away serves 9,000 elders whom nothing comes nearer; 2,000 have none at all."""
    elders = [Point(9000.0, LOW), Point(1000.0, LOW), Point(1000.0, LOW)]
    sites = [Site((900.0, None, None), home=True, beds=400),
             Site((None, 300.0, 500.0)), Site((None, 500.0, 200.0))]  # fmt: skip
    off = {"enforce": False}
    problem = build(elders, sites, in_force=rules(HZ_01=off, HZ_02=off))
    solution, asked = watched_again(problem, exact_below=2, gap=0.02)
    assert check_honest(problem, oracle.search(problem), solution) is True
    assert values_of(solution)[5] == 9000 * 900 + 2000 * 1000
    thousands = [ask.absolute_gap for ask in asked if ask.absolute_gap > 1.0]
    assert thousands == [pytest.approx(NEAR * 0.02 * 10_100)]


def replace_settings(**changes: object) -> Solve:
    """Return settings for one thread with changes."""
    return Solve(**(ONE.model_dump() | changes))  # type: ignore[arg-type]


# The tiny plan by hand (semantics, T6).


def t6(c_most: int = 200, *, a_forbidden: bool = False) -> Problem:
    """Return one straight road with four groups of elders and the candidates A, B, C and D."""
    at = [0.0, 600.0, 1200.0, 2000.0]
    elders = [Point(3000.0), Point(3000.0), Point(3000.0), Point(1000.0, MEDIUM)]
    rows = [(300.0, 120, 10.0, 0.10), (900.0, 120, 10.0, 0.15), (1500.0, c_most, 12.0, 0.12),
            (2600.0, 300, 4.0, 0.15)]  # fmt: skip
    sites = [
        Site(
            tuple(d if (d := abs(x - place)) <= 1000 else None for place in at),
            low=10, high=most, fixed=fixed, each=each, xy=(x, 0.0),
            forbidden=a_forbidden and x == 300.0,
        )
        for x, most, fixed, each in rows
    ]  # fmt: skip
    return build(elders, sites)


@pytest.mark.parametrize("solver", ["highs", "cbc"])
def test_the_tiny_plan_is_the_one_found_by_hand(solver: str) -> None:
    asked = Solve(threads=1, solver=solver)
    base = solve(t6(), settings=asked)
    assert oracle.beds_of(base.layout) == (120, None, 180, None)
    assert values_of(base)[:5] == pytest.approx((0.0, 0.0, 0.0, 0.0, 55.6))
    limited = solve(t6(c_most=150), settings=asked)
    assert oracle.beds_of(limited.layout) == (120, None, 150, 30)
    assert values_of(limited)[4] == pytest.approx(60.5)
    without = solve(t6(a_forbidden=True), settings=asked)
    assert without.layout.is_open.tolist() == [False, True, False, True]
    assert without.layout.beds.sum() == 300
    assert values_of(without)[:5] == pytest.approx((3000.0, 0.0, 0.0, 0.0, 59.0))
    assert {base.status, limited.status, without.status} == {"optimal"}


# One stage before the other.


def test_high_density_comes_before_medium_however_many_are_medium() -> None:
    problem = build(
        [Point(100.0, HIGH), Point(9000.0, MEDIUM)],
        [Site((100.0, None), each=9.0), Site((None, 100.0), each=1.0)],
        limits=Limits(max_new_sites=1),
    )
    solution = solve(problem, settings=ONE)
    assert solution.layout.is_open.tolist() == [True, False]
    assert values_of(solution)[:2] == (0.0, 9000.0)


def test_cover_comes_before_beds_and_beds_before_places_and_places_before_cost() -> None:
    """A covers 1 elder, B alone holds the 30 beds; each is dearer than the next."""
    a = Site((100.0, None), low=10, high=10, fixed=90.0, each=9.0, xy=(0.0, 0.0))
    b = Site((None, None), low=10, high=30, fixed=80.0, each=8.0, xy=(500.0, 0.0))
    c = Site((None, None), low=10, high=20, fixed=1.0, each=1.0, xy=(900.0, 0.0))
    elders = [Point(1.0), Point(999.0, LOW)]
    one = Limits(max_new_sites=1)
    layouts = [
        solve(build(elders, sites, limits=limits), settings=ONE).layout
        for sites, limits in (
            ([a, b, c], one), ([b, c], one), ([a, b, c], Limits()), ([b, c], Limits())
        )
    ]  # fmt: skip
    assert [each.is_open.tolist() for each in layouts] == [
        [True, False, False], [True, False], [True, False, True], [True, True]
    ]  # fmt: skip


def test_distance_is_shortened_only_at_no_cost() -> None:
    elders = [Point(1000.0, LOW)]
    dear, cheap = Site((10.0,), fixed=10.25), Site((900.0,), fixed=10.0)
    off = {"HZ_02": {"enforce": False}, "HZ_01": {"beds_per_10000": 100.0}}
    for first, expected in ((dear, [False, True]), (replace(dear, fixed=10.0), [True, False])):
        solution = solve(build(elders, [first, cheap], in_force=rules(**off)), settings=ONE)
        assert solution.layout.is_open.tolist() == expected


def test_distance_beyond_the_cap_counts_as_the_cap() -> None:
    elders = [Point(10.0, MEDIUM)]
    far = {"HZ_04": {"distance_m": 1500.0}, "HZ_01": {"enforce": False}}
    solution = solve(build(elders, [Site((1400.0,))], in_force=rules(**far)), settings=ONE)
    assert values_of(solution)[0:2] == (0.0, 0.0)
    assert values_of(solution)[5] == 10.0 * DISTANCE_CAP_M


def test_a_home_below_ten_beds_is_extended_until_it_counts() -> None:
    home = Site((100.0,), beds=7, low=0, high=12, fixed=3.0, each=2.0, home=True)
    problem = build([Point(10.0)], [home])
    solution = solve(problem, settings=ONE)
    assert oracle.beds_of(solution.layout) == (10,)
    assert values_of(solution) == (0.0, 0.0, 0.0, 0.0, 3.0 + 3 * 2.0, 1000.0)


@pytest.mark.parametrize(("beds", "institution"), [(8, True), (12, True), (12, False)])
def test_locked_beds_of_a_home_hold_even_where_they_count_for_nothing(
    beds: int, institution: bool  # noqa: FBT001
) -> None:  # fmt: skip
    home = Site((100.0,), beds=7, low=0, high=12, home=True, locked_beds=beds,
                institution=institution)  # fmt: skip
    problem = build([Point(1000.0)], [home, Site((200.0,), high=40, xy=(500.0, 0.0))])
    solution = solve(problem, settings=ONE)
    counted = beds if beds >= 10 and institution else 0
    assert oracle.beds_of(solution.layout) == (beds, 30 - counted)
    assert values_of(solution)[3] == float(counted == 0)


# Nothing to plan, or nothing that helps.


def test_a_problem_without_candidates_is_optimal_as_it_stands() -> None:
    problem = build([Point(1000.0), Point(500.0, MEDIUM)], [])
    solution = solve(problem, settings=ONE)
    assert solution.status == "optimal"
    assert values_of(solution) == (1000.0, 500.0, 45.0, 1.0, 0.0, 1500.0 * DISTANCE_CAP_M)


def test_nothing_feasible_is_an_answer_and_not_an_error() -> None:
    useless = [
        Site((None,), forbidden=True), Site((100.0,), excluded=True), Site((100.0,), high=9),
        Site((100.0,), low=11, high=10), Site((100.0,), fixed=1000.0),
    ]  # fmt: skip
    limits = Limits(budget_wan_yuan=0.0, max_new_sites=0, min_elders_per_new_site=1e9)
    solution = solve(build([Point(1000.0)], useless, limits=limits), settings=ONE)
    assert solution.status == "optimal"
    assert not solution.layout.is_open.any()
    assert values_of(solution)[:4] == (1000.0, 0.0, 30.0, 1.0)


def test_rules_that_are_only_audited_leave_their_stages_out() -> None:
    off = {"enforce": False}
    in_force = rules(HZ_01=off, HZ_02=off, HZ_03=off, HZ_04=off)
    problem = build([Point(3000.0), Point(3000.0, MEDIUM)], [Site((1.0, 1.0))], in_force=in_force)
    solution = solve(problem, settings=ONE)
    assert [stage.skipped for stage in solution.stages] == [True] * 4 + [False] * 2
    assert all(stage.gap == 0 and stage.bound == stage.value for stage in solution.stages)
    assert not solution.layout.is_open.any()


@pytest.mark.parametrize("limits", [Limits(budget_wan_yuan=19.9), Limits(max_new_sites=0)])
def test_locks_that_break_a_limit_are_refused(limits: Limits) -> None:
    problem = build([Point(1.0)], [Site((1.0,), locked_open=True), Site((1.0,))], limits=limits)
    with pytest.raises(ScenarioError, match="锁定"):
        solve(problem, settings=ONE)


def test_locks_that_just_fit_their_limits_are_kept() -> None:
    limits = Limits(budget_wan_yuan=20.0, max_new_sites=1)
    problem = build([Point(1.0)], [Site((1.0,), locked_open=True), Site((1.0,))], limits=limits)
    assert solve(problem, settings=ONE).layout.is_open.tolist() == [True, False]


# Progress and Ctrl-C.


def test_progress_tells_stage_gap_and_time_left_in_order() -> None:
    told: list[tuple[str, float | None, float]] = []
    solve(chain(2), settings=ONE, progress=lambda *each: told.append(each))
    names = list(dict.fromkeys(name for name, _, _ in told))
    assert names == [name for name in oracle.STAGES if name in names]
    assert {"cost", "distance"} <= set(names)
    assert all(gap is None or (math.isfinite(gap) and gap >= 0) for _, gap, _ in told)
    assert all(0 <= left <= ONE.time_limit_s for _, _, left in told)


def pressing(times: int) -> Callable[..., None]:
    """Return a progress that presses Ctrl-C the first times it is called."""
    left = [times]

    def press(*_: object) -> None:
        left[0] -= 1
        if left[0] >= 0:
            signal.raise_signal(signal.SIGINT)

    return press


@pytest.fixture
def handler() -> Callable[[int, object], None]:
    """Return a handler of Ctrl-C that stands while the test runs."""

    def mine(number: int, frame: object) -> None:
        raise AssertionError(number, frame)

    before = signal.signal(signal.SIGINT, mine)
    yield mine
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_keeps_the_plan_so_far_and_gives_the_handler_back(
    handler: Callable[[int, object], None],
) -> None:
    solution = solve(islands(), settings=ONE, progress=pressing(1))
    assert solution.status == "interrupted"
    assert signal.getsignal(signal.SIGINT) is handler
    check_honest(islands(), oracle.search(islands()), solution)


def test_a_second_ctrl_c_ends_at_once_and_gives_the_handler_back(
    handler: Callable[[int, object], None],
) -> None:
    with pytest.raises(KeyboardInterrupt):
        solve(islands(), settings=ONE, progress=lambda *_: [pressing(1)(), pressing(1)()])
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_refused_problem_leaves_the_handler_alone(
    handler: Callable[[int, object], None],
) -> None:
    locked = Site((1.0,), locked_open=True)
    with pytest.raises(ScenarioError):
        solve(build([Point(1.0)], [locked], limits=Limits(max_new_sites=0)), settings=ONE)
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_solve_in_another_thread_touches_no_handler(
    handler: Callable[[int, object], None],
) -> None:
    found: list[object] = []

    def watch(*_: object) -> None:
        found.append(signal.getsignal(signal.SIGINT))

    def work() -> None:
        found.append(solve(islands(), settings=ONE, progress=watch).status)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found.pop() == "optimal"
    assert found
    assert set(found) == {handler}


# Gap and status in numbers.


def test_the_gap_of_coverage_is_a_share_of_the_elders_and_else_of_the_value() -> None:
    problem = build([Point(400.0), Point(50.0, MEDIUM)], [Site((None, None))])
    assert gap_of(problem, "uncovered_high", 100.0, 60.0) == pytest.approx(40 / 400)
    assert gap_of(problem, "uncovered_medium", 20.0, 10.0) == pytest.approx(10 / 50)
    assert gap_of(problem, "cost", 200.0, 150.0) == pytest.approx(0.25)
    assert gap_of(problem, "cost", 0.0, 0.0) == 0.0
    empty = build([Point(400.0)], [Site((None,))])
    assert gap_of(empty, "uncovered_medium", 0.0, 0.0) == 0.0


@pytest.mark.parametrize(
    ("gaps", "status"),
    [
        ([], "optimal"), ([0.0, 1e-6], "optimal"), ([0.0, 1.1e-6], "gap"), ([0.005, 0.0], "gap"),
        ([0.0, 0.0051], "time_limit"), ([0.0, math.nan], "time_limit"),
        ([math.nan, 0.0], "time_limit"),
    ],
)  # fmt: skip
def test_the_status_is_that_of_the_worst_stage(gaps: list[float], status: str) -> None:
    stages = tuple(Stage("cost", 1.0, 1.0, gap, 0.0) for gap in gaps)
    assert status_of(stages, 0.005) == status


# Drawn problems, left alone and stopped.


def check_solved(problem: Problem, solver: str) -> None:
    """Check that a solve which is left alone finds and proves a best plan."""
    found = oracle.search(problem)
    asked = Solve(threads=1, solver=solver)
    if not found.reached:
        with pytest.raises(ScenarioError):
            solve(problem, settings=asked)
        return
    solution = solve(problem, settings=asked)
    assert check_honest(problem, found, solution)
    assert solution.status == "optimal"
    assert all(stage.gap <= PROVEN_GAP for stage in solution.stages)


@settings(SHORT, max_examples=120)
@given(problems())
def test_every_stage_reaches_what_exhaustive_search_finds(problem: Problem) -> None:
    check_solved(problem, "highs")


@settings(SHORT, max_examples=40)
@given(problems())
def test_cbc_reaches_what_exhaustive_search_finds(problem: Problem) -> None:
    check_solved(problem, "cbc")


@pytest.mark.slow
@settings(LONG)
@given(problems())
def test_every_stage_reaches_what_exhaustive_search_finds_in_a_long_hunt(problem: Problem) -> None:
    check_solved(problem, "highs")


@pytest.mark.slow
@settings(LONG, max_examples=300)
@given(problems())
def test_cbc_reaches_what_exhaustive_search_finds_in_a_long_hunt(problem: Problem) -> None:
    check_solved(problem, "cbc")


@settings(SHORT, max_examples=120)
@given(problems(), st.integers(0, 12), st.sampled_from(WAYS))
def test_a_stopped_solve_tells_nothing_but_the_truth(
    problem: Problem, calls: int, how: str
) -> None:
    check_stopped(problem, calls, how)


@pytest.mark.slow
@settings(LONG)
@given(problems(), st.integers(0, 12), st.sampled_from(WAYS))
def test_a_stopped_solve_tells_nothing_but_the_truth_in_a_long_hunt(
    problem: Problem, calls: int, how: str
) -> None:
    check_stopped(problem, calls, how)


@settings(SHORT, max_examples=40)
@given(problems(), st.randoms(use_true_random=False))
def test_the_same_problem_gives_the_same_plan_and_in_any_order_the_same_values(
    problem: Problem, random: object
) -> None:
    if not oracle.search(problem).reached:
        return
    first, second = (solve(problem, settings=ONE) for _ in range(2))
    assert oracle.beds_of(first.layout) == oracle.beds_of(second.layout)
    assert values_of(first) == values_of(second)
    points, sites = list(range(len(problem.elders))), list(range(problem.sites.n))
    random.shuffle(points)  # type: ignore[attr-defined]
    random.shuffle(sites)  # type: ignore[attr-defined]
    other = solve(reordered(problem, points, sites), settings=ONE)
    assert near(values_of(first), values_of(other))
    assert first.status == other.status
