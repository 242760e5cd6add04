"""The first plan: greedy, so not the best, but always one that the limits and locks allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import oracle
import pandas as pd
from click.testing import CliRunner
from hypothesis import assume, given, settings
from strategies import MEDIUM, SHORT, Point, Site, build, problems
from tiny import change_table, write_tiny

import siting
from siting.cli import main
from siting.decisions import find_decisions
from siting.extras import layout_of
from siting.inputs.layout import read_layout
from siting.model import build_model
from siting.plan_model import Hard
from siting.problem import Layout
from siting.reduce import cover_groups
from siting.scenario import Limits, Solve
from siting.solve import solve
from siting.start import first_plan

if TYPE_CHECKING:
    from pathlib import Path

    from siting.problem import Problem

ONE = Solve(threads=1)


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


# From an older plan.


@settings(SHORT, max_examples=40)
@given(problems(), problems())
def test_any_older_plan_may_be_started_from_and_changes_no_value(
    problem: Problem, other: Problem
) -> None:
    """The older plan is of the same sites under other prices, locks and limits, or of nothing."""
    found = oracle.search(problem)
    assume(found.reached)
    n = problem.sites.n
    beds = np.resize(other.sites.max_beds, n) if other.sites.n else np.zeros(n, dtype=np.int64)
    older = Layout(beds > 0, beds.astype(np.int64))
    once = solve(problem, settings=ONE, start=older)
    values = [stage.value for stage in once.stages]
    np.testing.assert_allclose(values, found.best(), rtol=1e-6, atol=1e-6)
    assert once.status == "optimal"


def test_an_older_plan_is_taken_over_as_far_as_the_money_goes() -> None:
    # Each covers everyone; the greedy plan would take the cheapest, the older one the other two.
    sites = [Site((1.0,), fixed=1.0, each=0.0), Site((1.0,), high=30, fixed=5.0, each=1.0),
             Site((1.0,), fixed=9.0, each=1.0)]  # fmt: skip
    older = Layout(np.array([False, True, True]), np.array([0, 25, 12]))
    kept = {None: (None, 25, 12), 50.0: (None, 25, None), 22.0: (None, None, 12)}
    for budget, beds in kept.items():
        problem = build([Point(50.0)], sites, limits=Limits(budget_wan_yuan=budget))
        decisions = find_decisions(problem)
        groups = cover_groups(problem, decisions)
        taken, added = first_plan(problem, decisions, groups, like=older)
        assert oracle.beds_of(layout_of(problem, decisions, taken, added)) == beds


def test_a_site_that_must_open_keeps_the_beds_of_the_older_plan() -> None:
    """30 beds are needed. Filling would put ten where a bed costs half, and not where they are."""
    sites = [Site((1.0,), high=30, each=1.0, locked_open=True), Site((1.0,), high=30, each=0.5)]
    like = Layout(np.array([True, True]), np.array([20, 10]))
    kept = {None: (20, 10), 45.0: (20, 10), 44.0: (30, None), 29.0: (19, None)}
    for budget, beds in kept.items():
        problem = build([Point(1000.0)], sites, limits=Limits(budget_wan_yuan=budget))
        decisions = find_decisions(problem)
        assert decisions.must.tolist() == [True, False]
        groups = cover_groups(problem, decisions)
        taken, added = first_plan(problem, decisions, groups, like=like)
        assert oracle.beds_of(layout_of(problem, decisions, taken, added)) == beds


@settings(SHORT, max_examples=40)
@given(problems())
def test_the_best_plan_is_taken_over_whole(problem: Problem) -> None:
    assume(oracle.search(problem).reached)
    best = solve(problem, settings=ONE).layout
    decisions = find_decisions(problem)
    taken, added = first_plan(problem, decisions, cover_groups(problem, decisions), like=best)
    assert oracle.beds_of(layout_of(problem, decisions, taken, added)) == oracle.beds_of(best)


def test_the_command_starts_from_a_result_folder_and_counts_what_is_gone(tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "tiny")
    first = siting.plan(siting.read_scenario(path))
    folder = siting.write_plan(first, tmp_path / "old")
    old = read_layout(folder)
    gone = pd.concat([old, pd.DataFrame({"id": ["gone"], "beds": [10]})], ignore_index=True)
    again = siting.plan(siting.read_scenario(path), start=gone)
    assert again.layout.beds.tolist() == first.layout.beds.tolist()
    (line,) = [each for each in again.prepared.check.lines if each.code == "start_unknown"]
    assert (line.count, line.examples) == (1, ("gone",))
    told = CliRunner().invoke(
        main, ["run", str(path), "--out", str(tmp_path / "new"), "--start", str(folder), "--quiet"]
    )
    assert told.exit_code == 0, told.output
    new, before = (pd.read_csv(tmp_path / each / "facilities.csv") for each in ("new", "old"))
    assert new["beds"].tolist() == before["beds"].tolist()


def test_a_candidate_without_beds_is_listed_and_hosts_what_it_can(tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "tiny", functions={"station": {"cost": 2.0}})
    change_table(path.parent / "candidates.csv", lambda table: table.__setitem__(
        "max_beds", ["0", *table["max_beds"][1:]]))  # fmt: skip
    done = siting.plan(siting.read_scenario(path))
    (line,) = [each for each in done.prepared.check.lines if each.code == "for_functions"]
    assert (line.severity, line.count, line.examples) == ("info", 1, ("C1",))
    bare = siting.plan(siting.read_scenario(path, changes={"functions": {}}))
    assert [each.count for each in bare.prepared.check.lines if each.code == "too_small"] == [1]
