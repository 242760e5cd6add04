"""
The solver seam: two solvers against counting by hand, and fakes that say every possible thing.

A fake may claim a bound that is false and cannot be seen to be; everything else that a solver may
say must end in a true status or in an ``UnsolvedError``.
"""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import monotonic, sleep
from typing import TYPE_CHECKING

import highspy
import numpy as np
import oracle
import pulp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import LONG, SHORT, Point, Site, build, problems, rules
from verdict import check_honest

from siting import solvers
from siting.errors import UnsolvedError
from siting.linear import LinearModel
from siting.scenario import Solve
from siting.solve import solve
from siting.solvers import (
    CBC_ENDS,
    HIGHS_ENDS,
    Ask,
    End,
    HighsSolver,
    Outcome,
    cbc,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from siting.problem import Problem

ONE = Solve(threads=1)
QUICK = Ask(20.0, threads=1)


# Two solvers and the description by PuLP, against counting by hand.


@dataclass
class Small:
    """A small minimisation of whole numbers, that can be counted through."""

    high: list[int]
    rows: list[tuple[list[int], str, int]]
    costs: list[list[int]]
    model: LinearModel = field(default_factory=lambda: LinearModel("small"))

    def add_variables(self) -> None:
        """Put the variables into the model."""
        for k, most in enumerate(self.high):
            self.model.variable(f"x_{k}", 0.0, float(most), whole=True)

    def add_row(self, number: int) -> None:
        """Put a row into the model."""
        factors, sense, side = self.rows[number]
        terms = {k: float(factor) for k, factor in enumerate(factors) if factor}
        self.model.row(f"r_{number}", terms, sense, float(side))

    def least(self, rows: int, costs: list[int]) -> float | None:
        """Return the least value under the first rows; None where nothing satisfies them."""
        found = [
            sum(c * x for c, x in zip(costs, point, strict=True))
            for point in itertools.product(*(range(most + 1) for most in self.high))
            if all(self._holds(row, point) for row in self.rows[:rows])
        ]
        return float(min(found)) if found else None

    @staticmethod
    def _holds(row: tuple[list[int], str, int], point: tuple[int, ...]) -> bool:
        """Return whether a point satisfies a row."""
        factors, sense, side = row
        reached = sum(factor * x for factor, x in zip(factors, point, strict=True))
        return {"<=": reached <= side, ">=": reached >= side, "==": reached == side}[sense]


@st.composite
def smalls(draw: st.DrawFn) -> Small:
    """Draw a small minimisation with one to four variables and some rows, each not empty."""
    n = draw(st.integers(1, 4))
    factors = st.lists(st.integers(-3, 3), min_size=n, max_size=n).filter(any)
    senses = st.sampled_from(["<=", ">=", ">=", "=="])
    return Small(
        high=draw(st.lists(st.integers(1, 4), min_size=n, max_size=n)),
        rows=draw(st.lists(st.tuples(factors, senses, st.integers(-4, 6)), min_size=2, max_size=4)),
        costs=draw(st.lists(st.lists(st.integers(0, 5), min_size=n, max_size=n), min_size=2,
                            max_size=2)),
    )  # fmt: skip


def check_answer(small: Small, rows: int, costs: list[int], outcome: Outcome) -> None:
    """Check one answer of a solver against counting."""
    least = small.least(rows, costs)
    if least is None:
        assert outcome.end is End.INFEASIBLE
        assert outcome.values is None
        return
    assert outcome.end is End.PROVEN
    assert outcome.values is not None
    reached = sum(c * x for c, x in zip(costs, outcome.values, strict=True))
    assert reached == pytest.approx(least, abs=1e-6)
    assert outcome.bound == pytest.approx(least, abs=1e-6)
    assert small.model.holds(outcome.values, 1e-6)


def check_growing(small: Small, solver: Callable[[LinearModel, Ask], Outcome]) -> None:
    """Check answers while rows are added and the objective changes, as the stages do it."""
    small.add_variables()
    for number in range(len(small.rows)):
        small.add_row(number)
        costs = small.costs[number % 2]
        small.model.minimise({k: float(c) for k, c in enumerate(costs)})
        if solver is not cbc:
            relaxed = solver(small.model, Ask(20.0, threads=1, relax=True))
            least = small.least(number + 1, costs)
            assert relaxed.bound <= (math.inf if least is None else least + 1e-6)
        check_answer(small, number + 1, costs, solver(small.model, QUICK))


@settings(SHORT, max_examples=100)
@given(smalls())
def test_highs_finds_what_counting_finds_while_the_model_grows(small: Small) -> None:
    check_growing(small, HighsSolver())


@settings(SHORT, max_examples=10)
@given(smalls())
def test_cbc_finds_what_counting_finds_while_the_model_grows(small: Small) -> None:
    check_growing(small, cbc)


@settings(SHORT, max_examples=40)
@given(smalls())
def test_the_description_by_pulp_is_the_model_that_highs_gets(small: Small) -> None:
    small.add_variables()
    for number in range(len(small.rows)):
        small.add_row(number)
    small.model.minimise({k: float(c) for k, c in enumerate(small.costs[0])})
    direct = HighsSolver()(small.model, QUICK)
    small.model.lp.solve(pulp.HiGHS(msg=False))
    if direct.values is None:
        assert small.model.lp.sol_status == pulp.LpSolutionInfeasible
    else:
        assert pulp.value(small.model.lp.objective) == pytest.approx(direct.bound, abs=1e-6)


def test_one_solver_may_be_asked_for_one_model_after_another() -> None:
    solver = HighsSolver()
    for high in (3.0, 5.0):
        model = LinearModel("m")
        model.variable("x", 0.0, high, whole=True)
        model.minimise({0: -1.0})
        assert solver(model, QUICK).values.tolist() == [high]


def test_a_row_holds_at_its_side_and_not_beyond_the_tolerance() -> None:
    model = LinearModel("m")
    model.variable("x", 0.0, 10.0)
    model.variable("y")
    for name, sense in (("a", "<="), ("b", ">="), ("c", "==")):
        model.row(name, {0: 1.0, 1: 2.0}, sense, 100.0)
    for x, holds in (
        (2.0, True),
        (2.00009, True),
        (1.99991, True),
        (2.0002, False),
        (1.9998, False),
    ):
        assert model.holds(np.array([x, 49.0]), 1e-6) == holds, x
    loose = LinearModel("l")
    loose.variable("x", 1.0, 2.0)
    for x, holds in ((1.0, True), (2.0, True), (0.99, False), (2.01, False)):
        assert loose.holds(np.array([x]), 1e-6) == holds, x


# What solvers say when they stop.


def split(seed: int = 7) -> LinearModel:
    """Return a model that takes minutes to prove (a market split), with an easy start."""
    model, random = LinearModel("split"), np.random.default_rng(seed)
    chosen = [model.variable(f"x_{k}", 0.0, 1.0, whole=True) for k in range(40)]
    apart = []
    for row in range(5):
        sizes = random.integers(1, 100, 40)
        over, under = model.variable(f"over_{row}"), model.variable(f"under_{row}")
        terms = {k: float(size) for k, size in zip(chosen, sizes, strict=True)}
        model.row(f"r_{row}", terms | {over: -1.0, under: 1.0}, "==", float(sizes.sum() // 2))
        apart += [over, under]
    model.minimise(dict.fromkeys(apart, 1.0))
    return model


def objective(model: LinearModel, values: np.ndarray) -> float:
    """Return the value of a model's objective."""
    return sum(values[k] * factor for k, factor in model.objective.items())


def test_highs_stops_in_time_and_says_so() -> None:
    model = split()
    outcome = HighsSolver()(model, Ask(0.3, threads=1))
    assert outcome.end is End.TIME_LIMIT
    if outcome.values is not None:
        assert outcome.bound <= objective(model, outcome.values)


def test_the_time_limit_is_on_each_call_and_not_on_their_sum() -> None:
    """HiGHS itself counts from the first call in some versions and from the last in others."""
    solver, model, took = HighsSolver(), split(), []
    for _ in range(4):
        begun = monotonic()
        assert solver(model, Ask(0.25, threads=1)).end is End.TIME_LIMIT
        took.append(monotonic() - begun)
    assert min(took) > 0.2
    assert max(took) < 1.2


class NeverBack:
    """HiGHS that hears nothing and does not come back until it is let go."""

    def __init__(self, highs: highspy.Highs) -> None:
        self.highs = highs
        self.let_go, self.is_back = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self.highs, name)

    def run(self) -> None:
        """Go round for ever, as seen in a presolve."""
        self.let_go.wait(60.0)
        self.highs.run()
        self.is_back.set()


@pytest.mark.parametrize("relax", [False, True])
def test_a_highs_that_never_comes_back_is_left_to_itself(
    *, relax: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call ends without an answer; the next one starts anew; what comes late is not read."""
    monkeypatch.setattr(solvers, "GRACE_S", 0.2)
    solver, model = HighsSolver(), toy()
    assert solver(model, QUICK).values.tolist() == [3.0]
    stuck = solver._highs = NeverBack(solver._highs)
    outcome = solver(model, Ask(0.1, threads=1, relax=relax))
    assert (outcome.end, outcome.values, outcome.bound) == (End.TIME_LIMIT, None, -math.inf)
    assert outcome.prices is None
    assert solver._highs is not stuck
    model.row("more", {0: 1.0}, ">=", 4.0)
    again = solver(model, QUICK)
    assert (again.end, again.values.tolist(), again.bound) == (End.PROVEN, [4.0], 12.0)
    stuck.let_go.set()
    assert stuck.is_back.wait(30.0)
    assert solver(model, QUICK).values.tolist() == [4.0]


def test_a_neighbourhood_whose_highs_never_comes_back_has_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[NeverBack] = []
    real = solvers.new_highs

    def new_highs() -> NeverBack | highspy.Highs:
        if made:
            return real()
        made.append(NeverBack(real()))
        return made[0]

    monkeypatch.setattr(solvers, "GRACE_S", 0.2)
    monkeypatch.setattr(solvers, "new_highs", new_highs)
    model, free = toy(), np.array([True])
    ask = Ask(0.1, threads=1, start=np.array([4.0]), free=free)
    outcome = solvers._in_neighbourhood(model, ask, free)
    assert (outcome.end, outcome.values, outcome.bound) == (End.TIME_LIMIT, None, -math.inf)
    made[0].let_go.set()
    assert made[0].is_back.wait(30.0)


def test_a_solver_that_was_stopped_goes_on_when_it_is_asked_again() -> None:
    stop, solver, model = threading.Event(), HighsSolver(), split()
    stop.set()
    assert solver(model, Ask(60.0, threads=1, stop=stop)).end is End.INTERRUPTED
    begun = monotonic()
    assert solver(model, Ask(0.25, threads=1)).end is End.TIME_LIMIT
    assert monotonic() - begun > 0.2


def test_highs_stops_after_some_nodes_and_says_so() -> None:
    outcome = HighsSolver()(split(), Ask(30.0, threads=1, max_nodes=3))
    assert outcome.end is End.EFFORT_LIMIT


def test_highs_is_stopped_from_outside_and_tells_progress() -> None:
    stop, told = threading.Event(), []

    def tell(value: float, bound: float) -> None:
        told.append((value, bound))
        stop.set()

    outcome = HighsSolver()(split(), Ask(60.0, threads=1, stop=stop, progress=tell))
    assert outcome.end is End.INTERRUPTED
    assert told
    assert all(bound <= value for value, bound in told)


def test_a_stop_that_was_set_before_ends_the_relaxation_too() -> None:
    stop = threading.Event()
    stop.set()
    for relax in (True, False):
        outcome = HighsSolver()(split(), Ask(60.0, threads=1, stop=stop, relax=relax))
        assert outcome.end in {End.INTERRUPTED, End.PROVEN}
        assert relax or outcome.end is End.INTERRUPTED
        assert outcome.bound <= 1e-6 or outcome.end is End.PROVEN


def test_highs_begins_where_it_is_told_to() -> None:
    model = split()
    start = np.zeros(len(model.variables))
    for row in range(5):
        start[41 + 2 * row] = -model.rows[row].constant
    assert model.holds(start, 1e-9)
    outcome = HighsSolver()(model, Ask(5.0, threads=1, max_nodes=0, start=start))
    assert outcome.values is not None
    assert objective(model, outcome.values) <= objective(model, start)


def test_near_a_good_plan_none_is_looked_for_around_the_relaxation() -> None:
    """The next call, of a start that may be poor, does look again."""
    model, solver = LinearModel("knapsack"), HighsSolver()
    taken = [model.variable(f"x_{k}", 0.0, 1.0, whole=True) for k in range(3)]
    model.row("room", dict.fromkeys(taken, 2.0), "<=", 3.0)
    model.minimise({taken[0]: -1.0, taken[1]: -3.0, taken[2]: -2.0})
    start = np.array([1.0, 0.0, 0.0])
    for near in (True, False):
        outcome = solver(model, replace(QUICK, start=start, near=near))
        assert (outcome.end, outcome.bound) == (End.PROVEN, -3.0)
        told = solver._highs.getOptionValue("mip_heuristic_run_rens")
        assert told[1] is not near


def test_highs_says_that_a_model_without_end_failed() -> None:
    model = LinearModel("m")
    model.variable("x", 0.0)
    model.minimise({0: -1.0})
    assert HighsSolver()(model, QUICK).end is End.FAILED


def test_a_model_without_rows_is_solved() -> None:
    model = LinearModel("m")
    model.variable("x", 2.0, 5.0)
    model.minimise({0: 1.0})
    outcome = HighsSolver()(model, QUICK)
    assert (outcome.end, outcome.values.tolist(), outcome.bound) == (End.PROVEN, [2.0], 2.0)


def test_every_status_of_highs_and_of_pulp_has_a_meaning() -> None:
    named = {name for name in highspy.HighsModelStatus.__members__ if name not in {"kMin", "kMax"}}
    assert named <= set(HIGHS_ENDS)
    assert set(pulp.LpSolution) <= set(CBC_ENDS)
    assert [name for name, end in HIGHS_ENDS.items() if end is End.PROVEN] == [
        "kOptimal", "kModelEmpty",
    ]  # fmt: skip
    assert [code for code, end in CBC_ENDS.items() if end is End.PROVEN] == [
        pulp.LpSolutionOptimal
    ]  # fmt: skip


# CBC, the fall-back.


def toy() -> LinearModel:
    """Return the least of 3 x under 2 x ≥ 5: x is 3."""
    model = LinearModel("toy")
    model.variable("x", 0.0, 9.0, whole=True)
    model.row("r", {0: 2.0}, ">=", 5.0)
    model.minimise({0: 3.0})
    return model


def test_cbc_tells_values_and_a_bound_no_better_than_the_gap_asked_for() -> None:
    outcome = cbc(toy(), Ask(20.0, gap=0.1, threads=1))
    assert (outcome.end, outcome.values.tolist()) == (End.PROVEN, [3.0])
    assert outcome.bound == pytest.approx(9.0 - 0.9)
    relaxed = cbc(toy(), Ask(20.0, relax=True, threads=1))
    assert relaxed.values.tolist() == [2.5]


@pytest.mark.parametrize("code", CBC_ENDS)
def test_what_cbc_says_is_believed_only_where_it_proves(
    code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = toy()

    def say(solver: object) -> None:
        del solver
        model.lp.sol_status = code
        model.variables[0].varValue = 4.0

    monkeypatch.setattr(model.lp, "solve", say)
    outcome = cbc(model, Ask(20.0, threads=1))
    assert outcome.end is CBC_ENDS[code]
    assert (outcome.bound > -math.inf) == (code == pulp.LpSolutionOptimal)
    has = code in {pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible}
    assert (outcome.values is not None) == has


def test_cbc_s_optimum_that_came_at_the_time_limit_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CBC through PuLP calls optimal what it had when its time was over."""
    clock = iter([0.0, 20.0])
    monkeypatch.setattr(solvers, "monotonic", lambda: next(clock))
    outcome = cbc(toy(), Ask(20.0, threads=1))
    assert (outcome.end, outcome.bound) == (End.TIME_LIMIT, -math.inf)
    assert outcome.values.tolist() == [3.0]


def test_cbc_that_was_stopped_says_so() -> None:
    stop = threading.Event()
    stop.set()
    outcome = cbc(toy(), Ask(20.0, threads=1, stop=stop))
    assert (outcome.end, outcome.bound) == (End.INTERRUPTED, -math.inf)


def test_a_machine_without_cbc_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulp.PULP_CBC_CMD, "pulp_cbc_path", os.devnull)
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(UnsolvedError, match="CBC") as caught:
        cbc(toy(), QUICK)
    assert "solve.solver" in caught.value.render("en")


# Fakes behind the seam.

Say = "Callable[[LinearModel, Ask, Outcome], Outcome]"


def pair() -> Problem:
    """Return two candidates: the dear one is nearer, the cheap one is the best plan."""
    sites = [
        Site((100.0,), high=10, fixed=20.0, xy=(0.0, 0.0)),
        Site((300.0,), high=10, fixed=5.0, xy=(500.0, 0.0)),
    ]
    off = {"enforce": False}
    return build([Point(300.0)], sites, in_force=rules(HZ_01=off, HZ_02=off))


def linked() -> Problem:
    """Return three sites in a chain, so that every kind of variable is in the model."""
    sites = [Site((100.0,), high=14, fixed=5.0 + k, xy=(60.0 * k, 0.0)) for k in range(3)]
    return build([Point(800.0)], sites)


def faked(problem: Problem, say: Say) -> tuple[oracle.Oracle, object]:
    """Solve with HiGHS, its answers twisted."""
    real = HighsSolver()
    found = oracle.search(problem)
    return found, solve(
        problem, settings=ONE, solver=lambda model, ask: say(model, ask, real(model, ask))
    )


def noisy(model: LinearModel, ask: Ask, true: Outcome) -> Outcome:
    """Return the answer with noise on every value."""
    del model
    noise = np.resize([9e-7, -9e-7], len(true.values))
    return true if ask.relax else Outcome(true.end, true.values + noise, true.bound)


@pytest.mark.parametrize("make", [pair, linked])
def test_noise_around_whole_numbers_changes_nothing(make: Callable[[], Problem]) -> None:
    found, solution = faked(make(), noisy)
    assert check_honest(make(), found, solution)
    assert solution.status == "optimal"
    assert (solution.layout.beds[solution.layout.is_open] >= 10).all()


NONSENSE = {
    "no values": lambda _: None,
    "too few": lambda v: v[:-1],
    "too many": lambda v: np.append(v, 0.0),
    "none at all": lambda v: v[:0],
    "a value that is no number": lambda v: np.append(v[:-1], math.nan),
    "a value without end": lambda v: np.append(v[:-1], math.inf),
}


@pytest.mark.parametrize("what", NONSENSE)
@pytest.mark.parametrize("make", [pair, linked])
def test_an_answer_called_proven_that_is_none_is_refused(
    make: Callable[[], Problem], what: str
) -> None:
    def say(model: LinearModel, ask: Ask, true: Outcome) -> Outcome:
        del model, ask
        return Outcome(End.PROVEN, NONSENSE[what](true.values), true.bound)

    with pytest.raises(UnsolvedError, match="求解器") as caught:
        faked(make(), say)
    assert "values for" in caught.value.render("en")


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_start_handed_back_as_proven_is_asked_for_again(*, stubborn: bool) -> None:
    """What HiGHS 1.16 was seen to do: the bound is true, the values are the start."""
    bare = 0

    def say(model: LinearModel, ask: Ask, true: Outcome) -> Outcome:
        nonlocal bare
        del model
        worst = ask.start
        if ask.relax or worst is None:
            bare += not ask.relax
            last = starts[-1] if stubborn and not ask.relax else true.values
            return Outcome(true.end, last, true.bound)
        starts.append(worst)
        return Outcome(End.PROVEN, worst, true.bound)

    starts: list[np.ndarray] = []
    found, solution = faked(linked(), say)
    best = check_honest(linked(), found, solution)
    assert bare > 0
    assert best != stubborn
    assert (solution.status == "optimal") != stubborn


def test_the_solver_says_nothing_on_the_console() -> None:
    code = "from siting.solvers import HighsSolver; HighsSolver(); print('end', flush=True)"
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert (done.stdout.split(), done.stderr) == (["end"], "")


@pytest.mark.parametrize("more", [1.0, 1e6, math.inf])
@pytest.mark.parametrize("end", [End.PROVEN, End.TIME_LIMIT, End.EFFORT_LIMIT, End.INTERRUPTED])
def test_a_bound_above_the_value_is_refused(end: End, more: float) -> None:
    def say(model: LinearModel, ask: Ask, true: Outcome) -> Outcome:
        del model
        return true if ask.relax else Outcome(end, true.values, true.bound + more)

    with pytest.raises(UnsolvedError, match="自相矛盾") as caught:
        faked(pair(), say)
    assert "contradicts itself" in caught.value.render("en")


@pytest.mark.parametrize("bound", [math.nan, -math.inf, -1e300])
@pytest.mark.parametrize("end", [End.PROVEN, End.TIME_LIMIT])
def test_an_answer_without_a_bound_is_not_called_optimal(end: End, bound: float) -> None:
    def say(model: LinearModel, ask: Ask, true: Outcome) -> Outcome:
        del model, ask
        return Outcome(end, true.values, bound)

    found, solution = faked(pair(), say)
    assert check_honest(pair(), found, solution)
    assert solution.status == "time_limit"
    cost = solution.stages[4]
    assert (cost.value, cost.bound, cost.gap) == (15.0, 0.0, 1.0)


@pytest.mark.parametrize("end", [End.INFEASIBLE, End.FAILED, End.TIME_LIMIT, End.EFFORT_LIMIT])
@pytest.mark.parametrize("bound", [-math.inf, 15.0, math.inf, math.nan])
@pytest.mark.parametrize("make", [pair, linked])
def test_a_solver_that_finds_nothing_leaves_the_first_plan(
    make: Callable[[], Problem], bound: float, end: End
) -> None:
    """Of one that gave up, no bound is believed either; of one that ran on, the bound may hold."""

    def say(model: LinearModel, ask: Ask, true: Outcome) -> Outcome:
        del model, ask, true
        return Outcome(end, None, bound)

    gave_up = end in {End.INFEASIBLE, End.FAILED}
    if not gave_up and bound > 0:
        bound = -math.inf
    found, solution = faked(make(), say)
    check_honest(make(), found, solution)
    assert solution.status == "time_limit"


WRONG = {
    "nothing taken": np.zeros_like,
    "everything at one": np.ones_like,
    "everything at a half": lambda v: np.full_like(v, 0.5),
    "less than nothing": lambda v: np.full_like(v, -1.0),
    "far too much": lambda v: np.full_like(v, 1e6),
}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("make", [pair, linked])
def test_values_that_break_the_model_are_no_plan(make: Callable[[], Problem], what: str) -> None:
    """They come with the bound that fits them: nothing but the rows shows that they are wrong."""

    def say(model: LinearModel, ask: Ask, true: Outcome) -> Outcome:
        del ask
        values = WRONG[what](true.values)
        return Outcome(End.PROVEN, values, objective(model, values))

    try:
        found, solution = faked(make(), say)
    except UnsolvedError as error:
        assert "contradict" in error.render("en")  # noqa: PT017
        return
    check_honest(make(), found, solution)


def test_values_worse_than_the_start_are_not_taken() -> None:
    dear = np.array([1.0, 10.0, 0.0, 0.0])

    def say(model: LinearModel, ask: Ask, true: Outcome) -> Outcome:
        values = np.append(dear, np.full(len(model.variables) - 4, 300.0))
        return true if ask.relax else Outcome(End.TIME_LIMIT, values, 0.0)

    _, solution = faked(pair(), say)
    assert solution.layout.is_open.tolist() == [False, True]
    assert solution.status == "time_limit"


# Every possible thing, drawn.

VALUES = {
    "true": lambda v, _: v,
    "noisy": lambda v, _: v + 5e-7,
    "none": lambda *_: None,
    "start": lambda v, start: v if start is None else start,
    **{name: (lambda v, _, make=make: make(v)) for name, make in WRONG.items()},
    **{name: (lambda v, _, make=make: make(v)) for name, make in NONSENSE.items()},
}
BOUNDS = {
    "true": lambda bound: bound,
    "weak": lambda bound: bound * 0.9,
    "nothing": lambda _: 0.0,
    "none": lambda _: -math.inf,
    "no number": lambda _: math.nan,
}
ANSWERS = st.tuples(
    st.sampled_from(list(End)), st.sampled_from(list(VALUES)), st.sampled_from(list(BOUNDS))
)


def check_liar(problem: Problem, answers: list[tuple[End, str, str]], *, true_first: int) -> None:
    """Check a solve whose solver is honest for some calls and then gives the answers drawn."""
    if not oracle.search(problem).reached:
        return
    script = itertools.chain([None] * true_first, itertools.cycle(answers))

    def say(model: LinearModel, ask: Ask, true: Outcome) -> Outcome:
        del model
        answer = next(script)
        if answer is None or true.values is None:
            return true
        end, values, bound = answer
        return Outcome(end, VALUES[values](true.values, ask.start), BOUNDS[bound](true.bound))

    try:
        found, solution = faked(problem, say)
    except UnsolvedError as error:
        assert error.render("en") != error.render("zh")  # noqa: PT017
        return
    check_honest(problem, found, solution)


@settings(SHORT, max_examples=120)
@given(problems(), st.lists(ANSWERS, min_size=1, max_size=3), st.integers(0, 4))
def test_whatever_a_solver_says_the_status_is_true_or_an_error(
    problem: Problem, answers: list[tuple[End, str, str]], true_first: int
) -> None:
    check_liar(problem, answers, true_first=true_first)


@pytest.mark.slow
@settings(LONG)
@given(problems(), st.lists(ANSWERS, min_size=1, max_size=3), st.integers(0, 4))
def test_whatever_a_solver_says_the_status_is_true_or_an_error_in_a_long_hunt(
    problem: Problem, answers: list[tuple[End, str, str]], true_first: int
) -> None:
    check_liar(problem, answers, true_first=true_first)


SOLVERS_AT_ONCE = """
from concurrent.futures import ThreadPoolExecutor
from siting.solvers import new_highs

with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda _: new_highs(), range(400)))
print("heard")
"""


def test_solvers_begun_at_once_say_nothing_and_leave_the_console_where_it_is() -> None:
    done = subprocess.run(  # noqa: S603 - Python itself
        [sys.executable, "-c", SOLVERS_AT_ONCE], check=True, capture_output=True, text=True
    )
    assert done.stdout == "heard\n"


def test_the_console_is_turned_away_once_and_by_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    entered, most = [], []

    @contextmanager
    def turned_away() -> Iterator[None]:
        entered.append(1)
        most.append(len(entered))
        sleep(0.05)
        yield
        entered.pop()

    monkeypatch.setattr(solvers, "_no_console", turned_away)
    monkeypatch.setattr(solvers, "_GREETED", threading.Event())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: solvers.new_highs(), range(8)))
    assert most == [1]
