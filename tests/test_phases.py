"""Phases: each earlier year is the best there is within what stands later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import oracle_mix
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies_mix import towns
from tiny_mix import HIGH, Point, Site, Zone, build, rule, today

from siting.decisions import find_decisions
from siting.errors import ScenarioError
from siting.scenario import Limits, Mix, Solve
from siting.solve import Solution, solve
from siting.study.phases import under_ceiling

if TYPE_CHECKING:
    from siting.problem import Layout, Problem
    from siting.standards import Rule

ONE = Solve(threads=1)
CLOSE = {"rtol": 1e-6, "atol": 1e-6}
FEW = settings(
    max_examples=25, derandomize=True, deadline=None, database=None, print_blob=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
NURSING = {"part": "nursing_beds", "of": "beds"}


def earlier(
    problem: Problem, later: Layout, rules: list[Rule] | None = None, budget: float | None = None
) -> Problem:
    """Return the problem of a phase before a layout, by rules of its own."""
    limits = problem.limits.model_copy(update={"budget_wan_yuan": budget})
    found = under_ceiling(problem, later, limits)
    return found if rules is None else replace(found, rules=tuple(rules))


def best_of(problem: Problem) -> Solution:
    """Solve a phase and hold it against every layout that its ceiling allows."""
    every = oracle_mix.search(problem)
    solution = solve(problem, settings=ONE)
    np.testing.assert_allclose([each.value for each in solution.stages], every.best(), **CLOSE)
    assert solution.status == "optimal"
    chosen = every.town.read(solution.layout)
    np.testing.assert_allclose(every.town.reached(chosen), every.best(), **CLOSE)
    return solution


def never_shrinks(before: Layout, after: Layout) -> bool:
    """Return whether nothing that stands in a layout is missing in a later one."""
    functions = zip(before.functions, after.functions, strict=True)
    return (
        not (before.is_open & ~after.is_open).any()
        and (before.beds <= after.beds).all()
        and (before.nursing_beds <= after.nursing_beds).all()
        and (before.dementia_beds <= after.dementia_beds).all()
        and all((one or frozenset()) <= (other or frozenset()) for one, other in functions)
    )  # fmt: skip


# Every layout under a ceiling.


@st.composite
def steps(draw: st.DrawFn) -> tuple[Problem, list[list[Rule]], list[float | None]]:
    """Draw a town, and for two earlier years which rules are enforced and the money."""
    problem = draw(towns(most_sums=20_000))
    years = [
        [replace(each, enforce=each.enforce and draw(st.booleans())) for each in problem.rules]
        for _ in range(2)
    ]
    money = [draw(st.one_of(st.none(), st.integers(0, 40).map(float))) for _ in range(2)]
    return problem, years, money


@FEW
@given(steps())
def test_each_phase_is_the_best_within_the_next_and_nothing_shrinks(
    drawn: tuple[Problem, list[list[Rule]], list[float | None]],
) -> None:
    problem, years, money = drawn
    try:
        later = solve(problem, settings=ONE).layout
    except ScenarioError:
        return
    spent = problem.cost(later)
    for rules, budget in zip(years, money, strict=True):
        phase = earlier(problem, later, rules, budget)
        layout = best_of(phase).layout
        assert never_shrinks(layout, later)
        assert never_shrinks(today(problem), layout) or problem.forbidden.any()
        cost = phase.cost(layout)
        assert (cost <= spent + 1e-9).all()
        assert budget is None or cost.sum() <= budget * (1 + 1e-6) + 1e-6
        later, spent = layout, cost


@FEW
@given(towns(most_sums=20_000))
def test_a_phase_with_the_rules_and_the_money_of_the_next_has_all_of_it(problem: Problem) -> None:
    free = replace(
        problem,
        locked_open=np.zeros(problem.sites.n, dtype=bool),
        locked_beds=np.full(problem.sites.n, -1),
    )
    last = solve(free, settings=ONE)
    phase = earlier(free, last.layout, budget=free.limits.budget_wan_yuan)
    values = [each.value for each in best_of(phase).stages]
    np.testing.assert_allclose(values, [each.value for each in last.stages], **CLOSE)


# By hand.


def test_a_ceiling_bounds_what_is_left_to_decide() -> None:
    # Of three candidates two are open later, one with 15 of 30 beds; the home grows to 14 of 20.
    sites = [
        Site(home=True, beds=10, high=20),
        Site(low=10, high=30, xy=(1.0, 0.0)),
        Site(low=10, high=30, xy=(2.0, 0.0)),
        Site(low=10, high=30, xy=(3.0, 0.0)),
    ]
    problem = build(sites, [rule("B", "ratio", beds_per_10000=100.0)], points=[Point(1.0)])
    later = replace(
        today(problem),
        is_open=np.array([True, True, True, False]),
        beds=np.array([14, 15, 30, 0]),
    )
    decisions = find_decisions(earlier(problem, later))
    assert decisions.site.tolist() == [0, 1, 2]
    assert decisions.high.tolist() == [4, 15, 30]
    assert decisions.low.tolist() == [1, 10, 10]


def test_locks_hold_in_the_last_phase_only() -> None:
    # The planner decides on C for the end; ten elders need no bed before.
    locked = Site(low=10, high=20, fixed=5.0, locked_beds=12)
    problem = build([locked], [rule("B", "ratio", beds_per_10000=100.0)], points=[Point(0.0)])
    last = solve(problem, settings=ONE).layout
    assert last.beds.tolist() == [12]
    assert best_of(earlier(problem, last)).layout.beds.tolist() == [0]


def test_of_two_homes_the_money_of_the_first_phase_builds_the_better() -> None:
    # A covers 300 elders for 10 + 10, B 200 for 5 + 10; 16 does for B, 25 for A, 36 for both.
    sites = [
        Site(low=10, high=10, fixed=10.0, xy=(0.0, 0.0)),
        Site(low=10, high=10, fixed=5.0, xy=(900.0, 0.0)),
    ]
    points = [
        Point(300.0, xy=(0.0, 0.0), density=HIGH),
        Point(200.0, xy=(900.0, 0.0), density=HIGH),
    ]
    near = rule("D", "coverage", distance_m=100.0, density_above_per_km2=3000.0)
    problem = build(sites, [near], points=points)
    last = solve(problem, settings=ONE).layout
    assert last.is_open.tolist() == [True, True]
    for budget, stands in ((16.0, [False, True]), (25.0, [True, False]), (36.0, [True, True])):
        phase = earlier(problem, last, budget=budget)
        assert best_of(phase).layout.is_open.tolist() == stands


def test_nursing_beds_follow_the_share_of_each_year() -> None:
    # 20 beds: 60 % is 12, 65 % is 13; 5 stand today, and each turned bed costs 0.5.
    home = Site(home=True, beds=20, nursing=5, convert=0.5)
    far = Site(low=10, high=10, fixed=100.0)
    then = [rule("N", "share", **NURSING, min_share=0.6)]
    problem = build([home, far], [rule("N", "share", **NURSING, min_share=0.65)])
    last = solve(problem, settings=ONE).layout
    before = best_of(earlier(problem, last, then)).layout
    assert (before.nursing_beds[0], last.nursing_beds[0]) == (12, 13)
    assert problem.cost(before).sum() == 7 * 0.5
    assert problem.cost(last).sum() == 8 * 0.5


def test_a_bed_is_not_turned_where_the_later_layout_adds_a_new_one() -> None:
    # In the end 3 new nursing beds do; turning 3 before would be money for nothing.
    home = Site(home=True, beds=10, nursing=4, high=20, fixed=0.0, each=1.0, convert=2.0)
    beds = rule("B", "ratio", beds_per_10000=400.0)
    share = rule("N", "share", **NURSING, min_share=0.35)
    problem = build([home], [beds, share], points=[Point(500.0)])
    last = solve(problem, settings=ONE).layout
    assert (last.beds[0], last.nursing_beds[0]) == (20, 7)
    asks = [rule("N", "share", **NURSING, min_share=0.6)]
    phase = earlier(problem, last, asks, budget=8.0)
    solution = best_of(phase)
    assert solution.layout.nursing_beds[0] == 4
    values = {each.name: each.value for each in solution.stages}
    assert values["unmet_minima"] == 1.0


def test_what_the_later_layout_has_of_beds_turned_may_be_turned_before() -> None:
    home = Site(home=True, beds=10, nursing=4, convert=2.0, high=10)
    share = rule("N", "share", **NURSING, min_share=0.7)
    problem = build([home, Site(low=10, high=10, fixed=99.0)], [share])
    last = solve(problem, settings=ONE).layout
    layout = best_of(earlier(problem, last, [rule("N", "share", **NURSING, min_share=0.6)])).layout
    assert (layout.nursing_beds[0], last.nursing_beds[0]) == (6, 7)


def test_dementia_beds_and_functions_are_no_more_than_later() -> None:
    home = Site(home=True, beds=20, nursing=0, convert=0.5)
    zones = [Zone(street="甲街道")]
    last_rules = [
        rule("D", "ratio", dementia_beds_per_10000=20.0),
        rule("C", "presence", function="canteen"),
    ]
    problem = build(
        [home, Site(low=10, high=10, fixed=99.0)], last_rules, points=[Point(1000.0)],
        zones=zones, functions={"canteen": 1.0, "care_centre": 1.0}, mix=Mix(),
    )  # fmt: skip
    last = solve(problem, settings=ONE).layout
    assert last.dementia_beds[0] == 2
    asks = [
        rule("D", "ratio", dementia_beds_per_10000=50.0),
        rule("C", "presence", function="canteen"),
        rule("E", "presence", function="care_centre"),
    ]
    solution = best_of(earlier(problem, last, asks))
    values = {each.name: each.value for each in solution.stages}
    assert values["unmet_minima"] == 2.0
    assert solution.layout.functions[0] == frozenset({"canteen"})


def test_a_share_of_streets_rises_with_the_years() -> None:
    # Two streets; 50 % is one of them, the cheaper, 100 % both (Wendeng WD-15).
    sites = [
        Site(home=True, beds=10, zone=0),
        Site(home=True, beds=10, zone=1, can_host=frozenset({"day_care"})),
    ]
    zones = [Zone("z0", street="甲街道"), Zone("z1", street="乙街道")]

    def asks(share: float) -> list[Rule]:
        return [rule("S", "coverage", what="day_care", per="urban_street", min_share=share)]

    problem = build(sites, asks(1.0), zones=zones, functions={"day_care": 3.0})
    last = solve(problem, settings=ONE).layout
    before = best_of(earlier(problem, last, asks(0.5))).layout
    assert sum("day_care" in each for each in last.functions) == 2
    assert sum("day_care" in each for each in before.functions) == 1


def test_a_limit_on_new_sites_holds_in_every_phase() -> None:
    sites = [Site(low=10, high=10, xy=(1.0 + k, 0.0)) for k in range(3)]
    beds = [rule("B", "ratio", beds_per_10000=300.0)]
    problem = build(sites, beds, points=[Point(1000.0)], limits=Limits(max_new_sites=2))
    last = solve(problem, settings=ONE).layout
    layout = best_of(earlier(problem, last)).layout
    assert (last.is_open.sum(), layout.is_open.sum()) == (2, 2)
    assert never_shrinks(layout, last)


@pytest.mark.parametrize("stop", [0.0])
def test_a_phase_without_time_stays_within_its_ceiling(stop: float) -> None:
    sites = [Site(low=10, high=30, xy=(1.0 + 300 * k, 0.0)) for k in range(4)]
    beds = [rule("B", "ratio", beds_per_10000=300.0)]
    problem = build(sites, beds, points=[Point(2000.0)])
    last = solve(problem, settings=ONE).layout
    phase = earlier(problem, last, budget=35.0)
    ticks: Any = iter([stop, *[1e9] * 10_000])
    layout = solve(phase, settings=ONE, clock=lambda: next(ticks)).layout
    assert never_shrinks(layout, last)
    assert problem.cost(layout).sum() <= 35.0
