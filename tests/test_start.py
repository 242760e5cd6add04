"""The first plan: greedy, so not the best, but always one that the limits and locks allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import oracle
from hypothesis import assume, given, settings
from strategies import MEDIUM, SHORT, Point, Site, build, problems

from siting.decisions import find_decisions
from siting.extras import layout_of
from siting.model import build_model
from siting.plan_model import Hard
from siting.reduce import cover_groups
from siting.scenario import Limits
from siting.start import first_plan

if TYPE_CHECKING:
    from siting.problem import Problem


def plan(problem: Problem) -> oracle.Beds:
    """Return the beds of the first plan."""
    decisions = find_decisions(problem)
    taken, added = first_plan(problem, decisions, cover_groups(problem, decisions))
    return oracle.beds_of(layout_of(problem, decisions, taken, added))


@settings(SHORT, max_examples=60)
@given(problems())
def test_the_first_plan_is_allowed_and_fits_the_model(problem: Problem) -> None:
    found = oracle.search(problem)
    assume(found.reached)
    assert plan(problem) in found.reached
    decisions = find_decisions(problem)
    groups = cover_groups(problem, decisions)
    model = build_model(problem, decisions, groups, np.arange(decisions.n), Hard())
    taken, added = first_plan(problem, decisions, groups)
    assert (added[~taken] == 0).all()
    assert (added[taken] >= decisions.low[taken]).all()
    assert (added[taken] <= decisions.high[taken]).all()
    assert model.linear.holds(model.values_of(taken, added), 1e-9)


@settings(SHORT, max_examples=60)
@given(problems())
def test_without_limits_the_first_plan_covers_and_beds_all_that_can_be(problem: Problem) -> None:
    free = problem.limits.budget_wan_yuan is None and problem.limits.max_new_sites is None
    found = oracle.search(problem)
    assume(free and found.reached)
    reached, best = found.reached[plan(problem)], found.best()
    assert reached[:3] == best[:3]


def test_elders_for_the_money_decide_who_opens() -> None:
    sites = [Site((1.0, 1.0), fixed=90.0, each=1.0), Site((1.0, None), fixed=0.0, each=1.0)]
    problem = build([Point(50.0), Point(1.0)], sites, limits=Limits(max_new_sites=1))
    assert plan(problem) == (None, 10)
    both = build([Point(50.0), Point(1.0)], sites)
    assert plan(both) == (10, None)  # the second is not needed any more


def test_high_density_is_covered_before_medium_when_money_is_short() -> None:
    sites = [Site((None, 1.0), each=0.1), Site((1.0, None), each=9.0)]
    points = [Point(1.0), Point(900.0, MEDIUM)]
    limits = Limits(budget_wan_yuan=101.0)
    assert plan(build(points, sites, limits=limits)) == (None, 10)


def test_money_buys_whole_beds_and_no_more() -> None:
    site = Site((1.0,), low=10, high=40, fixed=10.0, each=0.1)
    for budget, beds in ((10.99, None), (11.0, 10), (11.29, 12), (11.3, 13), (99.0, 30)):
        limits = Limits(budget_wan_yuan=budget)
        assert plan(build([Point(1000.0)], [site], limits=limits)) == (beds,), budget


def test_locks_are_paid_first() -> None:
    sites = [Site((None,), locked_beds=12, fixed=5.0), Site((1.0,), fixed=5.0)]
    for budget, expected in ((17.0, (12, None)), (31.9, (12, None)), (32.0, (12, 10))):
        limits = Limits(budget_wan_yuan=budget)
        assert plan(build([Point(100.0)], sites, limits=limits)) == expected, budget
