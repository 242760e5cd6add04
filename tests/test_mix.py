"""Nursing and dementia beds, functions and subsidies: the solver against every layout there is."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import oracle_mix
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, seed, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from shapely.geometry import Point as Spot
from shapely.geometry import box
from strategies_mix import towns
from tiny_mix import HIGH, Point, Site, Zone, build, findings, rule

import siting
from siting.decisions import find_decisions
from siting.errors import InputError, ScenarioError
from siting.extras import everything_open
from siting.minima import unmet_minima
from siting.objective import measure
from siting.problem import Layout, Problem, beds_required
from siting.scenario import Function, Limits, Mix, Solve
from siting.solve import Solution, solve
from siting.standards import read_standard

if TYPE_CHECKING:
    from pathlib import Path

ONE = Solve(threads=1)
CLOSE = {"rtol": 1e-6, "atol": 1e-6}
PROPERTY = settings(
    max_examples=60, derandomize=True, deadline=None, database=None, print_blob=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
HUNT = settings(
    PROPERTY, max_examples=2500, derandomize=False,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def agrees(problem: Problem) -> Solution | None:
    """Solve a town, hold it against every layout; return the solution, None where locks forbid."""
    every = oracle_mix.search(problem)
    try:
        solution = solve(problem, settings=ONE)
    except ScenarioError:
        assert len(every.values) == 0
        return None
    assert [stage.name for stage in solution.stages] == list(oracle_mix.STAGES)
    best = every.best()
    np.testing.assert_allclose([stage.value for stage in solution.stages], best, **CLOSE)
    assert solution.status == "optimal"
    chosen = every.town.read(solution.layout)
    np.testing.assert_allclose(every.town.reached(chosen), best, **CLOSE)
    return solution


def solved(problem: Problem) -> Layout:
    """Return the layout of a town that was solved and held against every layout."""
    solution = agrees(problem)
    assert solution is not None
    return solution.layout


def value(problem: Problem, stage: str) -> float:
    """Return what the plan of a town reaches in a stage."""
    solution = solve(problem, settings=ONE)
    return next(each.value for each in solution.stages if each.name == stage)


# Every layout.


@PROPERTY
@given(towns())
def test_no_layout_is_better_than_the_plan_in_any_stage(problem: Problem) -> None:
    assume(find_decisions(problem).n > 0)
    agrees(problem)


@PROPERTY
@given(towns(openings=False))
def test_the_plan_is_best_where_only_beds_are_turned_and_functions_added(problem: Problem) -> None:
    assert find_decisions(problem).n == 0
    agrees(problem)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4))
def test_no_layout_is_better_in_thousands_of_towns(number: int) -> None:
    @seed(number)
    @HUNT
    @given(towns(most_sums=250_000))
    def hunt(problem: Problem) -> None:
        agrees(problem)

    hunt()


def some_layout(problem: Problem, draw: Any) -> tuple[oracle_mix.Town, list[Any], Layout]:
    """Draw one of the layouts that may stand."""
    town = oracle_mix.Town(problem)
    chosen = [draw(st.sampled_from(town.choices(j))) for j in range(problem.sites.n)]
    functions = np.empty(problem.sites.n, dtype=object)
    functions[:] = [each.functions if each.is_open else None for each in chosen]
    layout = Layout(
        np.array([each.is_open for each in chosen], dtype=bool),
        *(np.array([getattr(each, key) for each in chosen], dtype=np.int64)
          for key in ("beds", "nursing", "dementia")),
        functions,
    )  # fmt: skip
    return town, chosen, layout


@PROPERTY
@given(towns(), st.data())
def test_any_layout_is_measured_as_it_is_counted_by_hand(problem: Problem, data: Any) -> None:
    town, chosen, layout = some_layout(problem, data.draw)
    got = measure(problem, layout)
    np.testing.assert_allclose(list(got.values()), town.reached(chosen), **CLOSE)
    np.testing.assert_allclose(problem.cost(layout), [each.cost for each in chosen], **CLOSE)


@PROPERTY
@given(towns(), st.data())
def test_the_auditor_finds_unmet_what_is_unmet_when_counted_by_hand(
    problem: Problem, data: Any
) -> None:
    town, chosen, layout = some_layout(problem, data.draw)
    duties = {
        (duty.rule_id, duty.area if isinstance(duty, oracle_mix.Duty) else "all")
        for duty in town.duties
    }
    found = findings(problem, layout)
    verdicts = {
        (each.rule_id, each.scope_id): each.verdict
        for each in found
        if (each.rule_id, each.scope_id) in duties
    }
    fails = town.failing(chosen)
    unclear = {(e.rule_id, e.scope_id) for e in found if e.note == "needs:zones.residents"}
    assert {pair for pair, verdict in verdicts.items() if verdict == "unmet"} <= fails
    for pair in fails & set(verdicts):
        assert verdicts[pair] in {"unmet", "unknown"}, pair
    told = all(each is not None for each in problem.sites.functions)
    if told and not (problem.sites.owner == "").any():
        assert {pair for pair, verdict in verdicts.items() if verdict == "unmet"} == fails - unclear


@PROPERTY
@given(towns())
def test_a_rule_that_is_only_audited_changes_nothing(problem: Problem) -> None:
    assume(find_decisions(problem).n > 0)
    enforced = tuple(each for each in problem.rules if each.enforce)
    audited = tuple(replace(each, id=f"{each.id}b", enforce=False) for each in problem.rules)
    classes = [each.parameters.density_class for each in problem.distance_rules]
    assume(len(set(classes)) == len(classes))
    one, other = replace(problem, rules=enforced), replace(problem, rules=enforced + audited)
    try:
        before = solve(one, settings=ONE)
    except ScenarioError:
        return
    after = solve(other, settings=ONE)
    assert [stage.value for stage in after.stages] == [stage.value for stage in before.stages]


# One rule at a time, counted by hand.

NURSING = {"part": "nursing_beds", "of": "beds"}
DEMENTIA = {"part": "dementia_beds", "of": "beds"}
TWO_DISTRICTS = [Zone("z0", district="东"), Zone("z1", street="乙镇", district="西")]


def test_a_share_of_nursing_beds_is_reached_at_the_least_cost() -> None:
    # 20 beds of which 13 must be nursing beds: 5 stand, 8 more at the price of turning.
    home = Site(home=True, beds=20, nursing=5, convert=0.5)
    far = Site(low=10, high=10, fixed=100.0)
    problem = build([home, far], [rule("R", "share", **NURSING, min_share=0.65)])
    layout = solved(problem)
    assert layout.nursing_beds.tolist() == [13, 0]
    assert value(problem, "cost") == 4.0


def test_new_nursing_beds_are_taken_where_they_are_cheaper_than_turned_ones() -> None:
    # 10 + 10 beds, 13 nursing: 10 new ones at 0.25, the other 3 turned at 0.5.
    home = Site(home=True, beds=10, nursing=0, convert=0.5)
    new = Site(low=10, high=10, fixed=1.0, each=0.0, locked_open=True)
    share = rule("R", "share", **NURSING, min_share=0.65)
    problem = build([home, new], [share], mix=Mix(nursing_cost_per_bed=0.25))
    assert solved(problem).nursing_beds.tolist() == [3, 10]
    assert value(problem, "cost") == 1.0 + 10 * 0.25 + 3 * 0.5


def test_a_new_home_holds_no_more_nursing_beds_than_its_share_allows() -> None:
    # At most 7 of the 10 new beds: 6 of the others are turned, though they cost more.
    home = Site(home=True, beds=10, nursing=0, convert=2.0)
    new = Site(low=10, high=10, fixed=1.0, each=0.0, locked_open=True)
    share = rule("R", "share", **NURSING, min_share=0.65)
    problem = build([home, new], [share], mix=Mix(most_nursing_share=0.7))
    assert solved(problem).nursing_beds.tolist() == [6, 7]
    assert value(problem, "cost") == 1.0 + 6 * 2.0


def test_without_a_price_no_bed_is_turned_and_the_share_stays_unmet() -> None:
    home = Site(home=True, beds=20, nursing=5)
    other = Site(low=10, high=10, fixed=100.0, forbidden=True)
    room = Site(home=True, beds=10, nursing=10, high=11)
    problem = build([home, other, room], [rule("R", "share", **NURSING, min_share=0.65)])
    solution = agrees(problem)
    assert solution is not None
    assert {s.name: s.value for s in solution.stages}["unmet_minima"] == 1.0
    assert solution.layout.nursing_beds.tolist()[:2] == [5, 10]


def test_a_share_per_district_is_not_made_up_for_in_another() -> None:
    # 65 % of 10 is 7 in each: the east has 10 and lends nothing, the west turns 4 of its own.
    homes = [
        Site(home=True, beds=10, nursing=10, convert=0.1, zone=0, high=11),
        Site(home=True, beds=10, nursing=3, convert=0.5, zone=1),
    ]
    share = rule("R", "share", **NURSING, min_share=0.65, per="district")
    problem = build(homes, [share], zones=TWO_DISTRICTS)
    assert solved(problem).nursing_beds.tolist() == [10, 7]
    whole = build(homes, [rule("R", "share", **NURSING, min_share=0.65)], zones=TWO_DISTRICTS)
    assert solved(whole).nursing_beds.tolist() == [10, 3]


def test_a_share_of_public_homes_leaves_private_ones_alone() -> None:
    homes = [
        Site(home=True, beds=10, nursing=0, convert=5.0, owner="public", high=11),
        Site(home=True, beds=10, nursing=0, convert=0.0, owner="private"),
    ]
    share = rule("R", "share", **NURSING, min_share=0.68, owners=["public", "public_private"])
    assert solved(build(homes, [share])).nursing_beds.tolist()[0] == 7


def test_dementia_beds_are_a_share_of_all_beds_and_lie_inside_the_nursing_beds_added() -> None:
    # 5 % of 30 beds is 2 (1.5 rounded up): two beds are turned, and both are dementia beds.
    home = Site(home=True, beds=30, nursing=10, convert=1.0, high=31)
    problem = build(
        [home], [rule("R", "share", **DEMENTIA, min_share=0.05)],
        mix=Mix(dementia_cost_per_bed=0.5),
    )  # fmt: skip
    layout = solved(problem)
    assert (layout.nursing_beds[0], layout.dementia_beds[0]) == (12, 2)
    assert value(problem, "cost") == 2 * (1.0 + 0.5)


def test_a_nursing_home_may_hold_dementia_beds_only_up_to_its_share() -> None:
    # 2 dementia beds, at most half of the nursing beds added: 4 beds are turned.
    home = Site(home=True, beds=12, nursing=0, convert=1.0, high=13)
    rate = rule("R", "ratio", dementia_beds_per_10000=20.0)
    problem = build([home], [rate], points=[Point(1000.0)], mix=Mix(most_dementia_share=0.5))
    layout = solved(problem)
    assert (layout.nursing_beds[0], layout.dementia_beds[0]) == (4, 2)


def test_dementia_beds_per_10000_are_rounded_up() -> None:
    new = Site(low=10, high=12, fixed=1.0)
    rate = rule("R", "ratio", dementia_beds_per_10000=20.0)
    for elders, beds in ((1000.0, 2), (1000.5, 3)):
        problem = build([new], [rate], points=[Point(elders)])
        assert solved(problem).dementia_beds.tolist() == [beds]


def test_a_bed_rate_per_town_asks_only_the_towns_it_names() -> None:
    # 400 per 10,000 of 300 elders is 12 beds in the town; the street has 10 of 12 and may keep so.
    zones = [Zone("z0", street="甲街道"), Zone("z1", street="乙镇"), Zone("z2", street="丙镇")]
    sites = [Site(home=True, beds=10, nursing=10, high=12, zone=z) for z in range(3)]
    points = [Point(300.0, zone=z) for z in range(3)]
    towns_only = rule("R", "ratio", beds_per_10000=400.0, per="town")
    assert solved(build(sites, [towns_only], points=points, zones=zones)).beds.tolist() == [
        10, 12, 12,
    ]  # fmt: skip
    one = rule("R", "ratio", beds_per_10000=400.0, per="town", only=["乙镇"])
    assert solved(build(sites, [one], points=points, zones=zones)).beds.tolist() == [10, 12, 10]


def test_beds_per_unit_of_named_units_are_not_asked_of_the_others() -> None:
    zones = [Zone("z0", unit=0), Zone("z1", unit=1)]
    sites = [Site(home=True, beds=10, high=14, zone=z) for z in range(2)]
    points = [Point(300.0, zone=z) for z in range(2)]
    named = rule("R", "ratio", beds_per_10000=400.0, per="unit", only=["b"])
    problem = build(sites, [named], points=points, zones=zones, units=("a", "b"))
    assert solved(problem).beds.tolist() == [10, 12]


def test_of_two_bed_rules_the_higher_binds_and_one_only_audited_does_not() -> None:
    site = Site(low=10, high=40, fixed=0.0)
    low, high = (rule(f"R{rate:g}", "ratio", beds_per_10000=rate) for rate in (200.0, 300.0))
    both = build([site], [low, high], points=[Point(1000.0)])
    assert solved(both).beds.tolist() == [30]
    audited = replace(high, enforce=False)
    assert solved(build([site], [low, audited], points=[Point(1000.0)])).beds.tolist() == [20]


def test_every_district_gets_its_memory_home_where_that_is_cheapest() -> None:
    homes = [
        Site(home=True, beds=10, nursing=10, zone=0, functions=frozenset({"memory_home"})),
        Site(home=True, beds=10, nursing=10, zone=1, high=11),
        Site(low=10, high=10, fixed=3.0, zone=1),
    ]
    count = rule("R", "count", what="memory_home", min_count=1, per="district")
    problem = build(homes, [count], zones=TWO_DISTRICTS, functions={"memory_home": 2.0})
    layout = solved(problem)
    assert [sorted(each or ()) for each in layout.functions] == [["memory_home"]] * 2 + [[]]
    assert value(problem, "cost") == 2.0


def test_a_memory_home_counts_only_with_enough_dementia_beds() -> None:
    # One stands with 2 dementia beds; three are asked for: one bed more is turned.
    home = Site(
        home=True, beds=12, nursing=4, dementia=2, convert=0.5, high=13,
        functions=frozenset({"memory_home"}),
    )  # fmt: skip
    count = rule("R", "count", what="memory_home", min_count=1, min_dementia_beds=3, per="all")
    layout = solved(build([home], [count], functions={"memory_home": 9.0}))
    assert (layout.nursing_beds[0], layout.dementia_beds[0]) == (5, 3)


def test_what_a_home_of_nine_beds_has_meets_no_minimum_of_homes() -> None:
    small = Site(home=True, beds=9, functions=frozenset({"memory_home", "canteen"}))
    rules = [
        rule("M", "count", what="memory_home", min_count=1, per="all"),
        rule("P", "count", what="canteen", min_count=1, per="all", owners=["public"]),
        rule("S", "count", min_beds=5, min_count=1, per="all"),
        rule("C", "count", what="canteen", min_count=1, per="all"),
    ]
    problem = build([small], rules, functions={"memory_home": 1.0, "canteen": 1.0})
    unmet = unmet_minima(problem, problem.existing_layout())
    assert unmet == [("M", "all"), ("P", "all"), ("S", "all")]


def test_a_home_of_a_size_is_reached_by_extending_the_cheapest() -> None:
    homes = [
        Site(home=True, beds=11, high=14, fixed=1.0, each=1.0),
        Site(home=True, beds=13, high=14, fixed=3.5, each=1.0),
        Site(low=10, high=14, fixed=0.0, each=1.0),
    ]
    # 14 beds: 1 + 3, or 3.5 + 1, or 14.
    problem = build(homes, [rule("R", "count", min_beds=14, min_count=1, per="all")])
    assert solved(problem).beds.tolist() == [14, 13, 0]


def test_a_size_below_ten_still_means_a_home_that_counts() -> None:
    home = Site(home=True, beds=8, high=10, fixed=1.0, each=1.0)
    problem = build([home], [rule("R", "count", min_beds=5, min_count=1, per="all")])
    assert solved(problem).beds.tolist() == [10]


def test_a_function_with_a_size_is_not_met_by_a_smaller_home() -> None:
    homes = [
        Site(home=True, beds=10, functions=frozenset({"canteen"})),
        Site(low=10, high=12, fixed=1.0, each=0.5),
    ]
    count = rule("R", "count", what="canteen", min_count=1, min_beds=12, per="all")
    layout = solved(build(homes, [count], functions={"canteen": 0.25}))
    assert layout.beds.tolist() == [10, 12]
    assert layout.functions[1] == frozenset({"canteen"})


def test_a_small_home_that_is_extended_brings_what_it_has() -> None:
    # 8 beds with a care centre count for nothing until 2 are added; cheaper than a new one.
    small = Site(
        home=True, beds=8, nursing=8, dementia=1, high=10, fixed=1.0, each=1.0,
        functions=frozenset({"care_centre"}),
    )  # fmt: skip
    new = Site(low=10, high=10, fixed=5.0, each=1.0)
    centre = rule("R", "presence", function="care_centre")
    share = rule("S", "share", **NURSING, min_share=0.8)
    dementia = rule("D", "ratio", dementia_beds_per_10000=10.0)
    problem = build(
        [small, new], [centre, share, dementia], points=[Point(1000.0)], zones=[Zone()],
        functions={"care_centre": 2.0}, mix=Mix(nursing_cost_per_bed=1.0),
    )  # fmt: skip
    layout = solved(problem)
    assert (layout.beds[0], layout.nursing_beds[0], layout.dementia_beds[0]) == (10, 8, 1)
    assert value(problem, "cost") == 3.0


def test_a_canteen_may_be_added_where_nothing_counts_but_not_a_care_centre() -> None:
    day_care = Site(home=True, beds=10, institution=False)
    new = Site(low=10, high=10, fixed=5.0, each=0.0)
    prices = {"canteen": 1.0, "care_centre": 1.0}
    for function, cost in (("canteen", 1.0), ("care_centre", 6.0)):
        needed = rule("R", "presence", function=function)
        problem = build([day_care, new], [needed], zones=[Zone()], functions=prices)
        solved(problem)
        assert value(problem, "cost") == cost


def test_a_site_takes_on_only_what_it_can_host() -> None:
    narrow = Site(home=True, beds=10, can_host=frozenset(), high=11)
    wide = Site(low=10, high=10, fixed=1.0, each=0.0, can_host=frozenset({"canteen"}))
    needed = rule("R", "presence", function="canteen")
    problem = build([narrow, wide], [needed], zones=[Zone()], functions={"canteen": 1.0})
    assert [sorted(each or ()) for each in solved(problem).functions] == [[], ["canteen"]]


def test_a_reserved_site_that_is_forbidden_spares_nothing() -> None:
    kept = Site(low=10, high=10, fixed=1.0, facts={"reserved": True})
    asked = rule("P", "presence", function="canteen", reserve_below_ageing_share=0.1)
    for forbidden, unmet in ((False, 0.0), (True, 1.0)):
        problem = build(
            [replace(kept, forbidden=forbidden)], [asked], points=[Point(50.0)],
            zones=[Zone(residents=1000.0)], functions={"canteen": 1.0},
        )  # fmt: skip
        assert value(problem, "unmet_minima") == unmet
        assert solved(problem).is_open.tolist() == [False]


def test_a_reserved_site_spares_only_a_circle_of_few_elders() -> None:
    few = Zone("z0", street="甲街道", residents=50_000.0)
    many = Zone("z1", street="乙街道", residents=15_000.0)
    site = Site(low=10, high=10, fixed=1.0, each=0.0, facts={"reserved": True})
    needed = rule("R", "presence", function="care_centre", reserve_below_ageing_share=0.1)
    problem = build(
        [site, replace(site, zone=1)], [needed],
        points=[Point(3000.0), Point(3000.0, zone=1)], zones=[few, many],
        functions={"care_centre": 1.0},
    )  # fmt: skip
    assert solved(problem).is_open.tolist() == [False, True]


@pytest.mark.parametrize(("share", "opened"), [(0.5, 2), (0.51, 3), (1.0, 4)])
def test_a_share_of_streets_is_rounded_up_to_whole_streets(share: float, opened: int) -> None:
    zones = [Zone(f"z{k}", street=f"{k}街道") for k in range(4)]
    sites = [Site(low=10, high=10, fixed=1.0 + k, each=0.0, zone=k) for k in range(4)]
    needed = rule("R", "coverage", what="street_centre", min_share=share, per="street")
    problem = build(sites, [needed], zones=zones, functions={"street_centre": 0.5})
    layout = solved(problem)
    assert layout.is_open.tolist() == [k < opened for k in range(4)]


def test_a_budget_is_kept_before_subsidies_and_buys_the_most_minima() -> None:
    # Turning 3 beds costs 3, a canteen 2; with 4 only one of the two can be had, the cheaper.
    home = Site(home=True, beds=10, nursing=4, convert=1.0, high=11)
    rules = [
        rule("R", "share", **NURSING, min_share=0.7),
        rule("C", "count", what="canteen", min_count=1, per="all"),
        rule("M", "money", basis="investment", share=0.5),
    ]
    for budget, unmet, cost in ((5.0, 0.0, 2.5), (4.0, 1.0, 1.0), (1.0, 2.0, 0.0)):
        problem = build(
            [home], rules, functions={"canteen": 2.0}, limits=Limits(budget_wan_yuan=budget)
        )
        solved(problem)
        assert (value(problem, "unmet_minima"), value(problem, "cost")) == (unmet, cost)


def test_a_site_takes_on_no_more_functions_than_its_floor_holds() -> None:
    # 100 + 60 m2 do not fit 150 m2: one function here, the other at the dearer site.
    small = Site(home=True, beds=20, floor=150.0)
    other = Site(low=10, high=10, fixed=5.0, each=0.0)
    rules = [
        rule("C", "count", what="canteen", min_count=1, per="all"),
        rule("S", "count", what="station", min_count=1, per="all"),
    ]
    functions = {
        "canteen": Function(cost=1.0, area_m2=100.0),
        "station": Function(cost=2.0, area_m2=60.0),
    }
    for floor, stands, cost in ((150.0, [True, True], 8.0), (160.0, [True, False], 3.0)):
        problem = build([replace(small, floor=floor), other], rules, functions=functions)
        layout = solved(problem)
        assert layout.is_open.tolist() == stands
        assert value(problem, "cost") == cost
        assert value(problem, "unmet_minima") == 0.0


def test_a_site_without_beds_takes_on_functions_and_counts_as_no_facility() -> None:
    # A station at the house costs 3 + 2; a home for it would cost 10 + 10 and more.
    house = Site(low=0, high=0, institution=False, fixed=3.0, each=0.0)
    other = Site(low=10, high=10, fixed=10.0, each=1.0)
    station = rule("S", "count", what="station", min_count=1, per="all")
    problem = build([house, other], [station], functions={"station": 2.0})
    layout = solved(problem)
    assert layout.is_open.tolist() == [True, False]
    assert layout.functions[0] == {"station"}
    assert value(problem, "cost") == 5.0
    assert not problem.qualifies(layout).any()
    centre = rule("S", "count", what="care_centre", min_count=1, per="all")
    problem = build([house, other], [centre], functions={"care_centre": 2.0})
    layout = solved(problem)
    assert layout.is_open.tolist() == [False, True]  # a care centre is an institution
    assert value(problem, "cost") == 22.0


def test_a_site_without_beds_is_no_home_of_an_owner() -> None:
    # Only homes count where owners are named, so a canteen at the house would be paid for nothing.
    house = Site(low=0, high=0, institution=False, fixed=0.0, each=0.0)
    canteen = rule("C", "count", what="canteen", min_count=1, owners=["public"], per="all")
    problem = build([house], [canteen], functions={"canteen": 0.25})
    assert solved(problem).is_open.tolist() == [False]
    assert (value(problem, "unmet_minima"), value(problem, "cost")) == (1.0, 0.0)


def test_a_number_out_of_reach_is_come_near_to_and_a_share_is_not() -> None:
    # Three canteens are asked for and two sites could have one; nine tenths of 30 beds
    # are 27 and at most 18 + 8 could be nursing beds: two canteens are built, and no bed is turned.
    homes = [
        Site(home=True, beds=20, nursing=2, convert=1.0),
        Site(home=True, beds=10, nursing=6, convert=math.nan),
    ]
    canteens = rule("C", "count", what="canteen", min_count=3, per="all")
    share = rule("R", "share", **NURSING, min_share=0.9)
    problem = build(homes, [canteens, share], functions={"canteen": 2.0})
    layout = solved(problem)
    assert [each >= {"canteen"} for each in layout.functions] == [True, True]
    assert layout.nursing_beds.tolist() == [2, 6]
    assert (value(problem, "unmet_minima"), value(problem, "cost")) == (2.0, 4.0)


def test_a_closed_home_brings_neither_beds_nor_functions() -> None:
    closed = Site(
        home=True, beds=20, nursing=20, functions=frozenset({"canteen"}), forbidden=True,
        convert=0.0,
    )  # fmt: skip
    new = Site(low=10, high=10, fixed=1.0, each=0.0)
    rules = [
        rule("C", "count", what="canteen", min_count=1, per="all"),
        rule("R", "share", **NURSING, min_share=0.6),
    ]
    layout = solved(build([closed, new], rules, functions={"canteen": 1.0}))
    assert layout.is_open.tolist() == [False, True]
    assert layout.nursing_beds.tolist() == [0, 6]


def test_a_subsidy_is_a_share_of_what_a_site_costs_up_to_its_cap() -> None:
    # 12 beds. One site for 20 pays 20 - 8, two public ones for 11 each pay 22 - 2 x 5.5 = 11.
    sites = [
        Site(low=12, high=12, fixed=20.0, each=0.0),
        Site(low=10, high=10, fixed=11.0, each=0.0),
        Site(low=10, high=10, fixed=11.0, each=0.0),
    ]
    beds = rule("B", "ratio", beds_per_10000=120.0)
    money = rule("M", "money", basis="investment", share=0.5, cap_wan_yuan=8.0)
    problem = build(sites, [beds, money], points=[Point(1000.0)])
    assert solved(problem).is_open.tolist() == [False, True, True]
    assert value(problem, "cost") == 11.0
    unpaid = build(sites, [beds, replace(money, enforce=False)], points=[Point(1000.0)])
    assert solved(unpaid).is_open.tolist() == [True, False, False]
    assert value(unpaid, "cost") == 20.0


def test_subsidies_go_to_the_owners_they_name_and_not_where_a_fact_bars_them() -> None:
    public = Site(low=12, high=12, fixed=20.0, each=0.0)
    private = replace(public, fixed=15.0, owner="private")
    barred = replace(public, fixed=16.0, facts={"barred": True})
    beds = rule("B", "ratio", beds_per_10000=120.0)
    money = rule(
        "M", "money", basis="investment", share=0.5, owners=["public"], excludes=["barred"]
    )
    problem = build([public, private, barred], [beds, money], points=[Point(1000.0)])
    assert solved(problem).is_open.tolist() == [True, False, False]
    assert value(problem, "cost") == 10.0


def test_a_subsidy_for_a_function_and_one_only_audited_lower_no_cost_of_the_plan() -> None:
    half = {"basis": "investment", "share": 0.5}
    rules = [
        rule("F", "money", **half, what="canteen"),
        rule("A", "money", enforce=False, **half),
        rule("M", "money", basis="investment", share=0.25),
    ]
    site = Site(low=10, high=10, fixed=2.0, each=1.0)
    problem = build([site], rules, functions={"canteen": 4.0})
    has = np.array([frozenset({"canteen"})], dtype=object)
    layout = Layout(np.array([True]), np.array([10]), functions=has)
    assert problem.cost(layout).tolist() == [16.0]
    assert problem.subsidy(layout).tolist() == [4.0]


def test_several_subsidies_together_never_pay_more_than_the_cost() -> None:
    site = Site(low=12, high=12, fixed=20.0, each=0.0)
    beds = rule("B", "ratio", beds_per_10000=120.0)
    money = [rule(f"M{k}", "money", basis="investment", share=0.7) for k in range(2)]
    problem = build([site], [beds, *money], points=[Point(1000.0)])
    solved(problem)
    assert value(problem, "cost") == 0.0


def test_beds_that_are_dementia_beds_already_are_not_turned() -> None:
    # The table calls 6 of 10 beds dementia beds but only 3 nursing beds: 4 beds are left to turn.
    home = Site(home=True, beds=10, nursing=3, dementia=6, convert=1.0, high=11)
    mix = Mix(nursing_cost_per_bed=5.0, dementia_cost_per_bed=1.0)
    for least, nursing, unmet in ((0.7, 7, 0.0), (0.8, 3, 1.0)):
        share = rule("R", "share", **NURSING, min_share=least)
        more = rule("D", "share", **DEMENTIA, min_share=0.6)
        extension = Limits(budget_wan_yuan=4.0)
        problem = build([home], [share, more], mix=mix, limits=extension)
        layout = solved(problem)
        assert (layout.nursing_beds[0], layout.dementia_beds[0]) == (nursing, 6)
        assert value(problem, "unmet_minima") == unmet


def test_only_homes_that_stay_and_count_and_tell_of_their_nursing_beds_have_beds_to_turn() -> None:
    turns = Site(home=True, beds=10, nursing=3, convert=0.0)
    others = [
        replace(turns, beds=9), replace(turns, nursing=None), replace(turns, forbidden=True),
        replace(turns, institution=False), replace(turns, convert=math.nan),
    ]  # fmt: skip
    assert build([turns, *others], []).turnable_beds().tolist() == [7, 0, 0, 0, 0, 0]
    share = rule("R", "share", **NURSING, min_share=0.4)
    problem = build([replace(turns, convert=1.0), replace(turns, beds=9)], [share])
    assert solved(problem).nursing_beds.tolist() == [4, 3]


def test_half_of_three_new_beds_are_one_nursing_bed_and_the_other_is_turned() -> None:
    home = Site(home=True, beds=10, nursing=4, high=13, fixed=1.0, each=1.0, convert=2.0)
    problem = build([home], [], mix=Mix(nursing_cost_per_bed=0.5, most_nursing_share=0.5))
    layout = replace(
        problem.existing_layout(), beds=np.array([13]), nursing_beds=np.array([6]),
    )  # fmt: skip
    assert [each.tolist() for each in problem.split_nursing(layout)] == [[1], [1]]
    assert problem.cost(layout).tolist() == [1.0 + 3 * 1.0 + 0.5 + 2.0]


def test_no_more_functions_are_added_than_needed_though_they_cost_nothing() -> None:
    homes = [Site(home=True, beds=10), Site(home=True, beds=10), Site(home=True, beds=10)]
    one = rule("R", "count", what="canteen", min_count=1, per="all")
    layout = solved(build(homes, [one], functions={"canteen": 0.0, "care_centre": 0.0}))
    assert [sorted(each) for each in layout.functions] == [["canteen"], [], []]


def test_everything_open_keeps_dementia_beds_within_nursing_beds() -> None:
    # Of 20 new beds half may be nursing beds, of those half dementia beds; 6 of 10 are turned.
    homes = [Site(home=True, beds=10, nursing=4, convert=1.0), Site(low=10, high=20)]
    share = rule("R", "share", part="dementia_beds", of="beds", min_share=0.05)
    problem = build(homes, [share], mix=Mix(most_nursing_share=0.5, most_dementia_share=0.5))
    layout = everything_open(problem, find_decisions(problem))
    assert layout.nursing_beds.tolist() == [10, 10]
    assert layout.dementia_beds.tolist() == [3, 5]


def test_everything_open_gives_what_is_for_homes_to_none_that_does_not_count() -> None:
    has = rule("R", "count", what="canteen", min_count=1, per="all")
    functions = {"canteen": 1.0, "care_centre": 1.0}
    problem = build([Site(home=True, beds=9), Site(home=True, beds=10)], [has], functions=functions)
    layout = everything_open(problem, find_decisions(problem))
    assert [sorted(each) for each in layout.functions] == [["canteen"], ["canteen", "care_centre"]]


def test_ids_of_rules_that_look_alike_do_not_meet_in_the_model() -> None:
    site = Site(low=10, high=12, fixed=1.0)
    rules = [
        rule("A-1", "share", **NURSING, min_share=0.5),
        rule("A_1", "share", **DEMENTIA, min_share=0.2),
        rule("A 1", "count", min_beds=10, min_count=1, per="all"),
    ]
    mix = Mix(nursing_cost_per_bed=1.0, dementia_cost_per_bed=1.0)
    layout = solved(build([site], rules, mix=mix))
    assert (layout.beds[0], layout.nursing_beds[0], layout.dementia_beds[0]) == (10, 5, 2)


def test_the_solver_does_not_prove_two_unmet_minima_where_one_is_possible() -> None:
    # Two canteens and a fifth of the beds as dementia beds can be had; only the 64 beds cannot, so
    # the 25 that can be are added: 13 and 12, 5 of them dementia beds, and two canteens.
    small = Site(home=True, beds=8, nursing=2, dementia=1, xy=(1000.0, 400.0))
    sites = [
        small,
        Site(low=11, high=13, fixed=8.0, each=1.75, xy=(700.0, 0.0)),
        Site(low=11, high=12, fixed=4.75, each=1.5, xy=(700.0, 0.0)),
    ]
    rules = [
        rule("B", "ratio", beds_per_10000=400.0, per="all"),
        rule("C", "presence", function="canteen", min_count=2),
        rule("D", "share", **DEMENTIA, min_share=0.2, per="district"),
    ]
    problem = build(
        sites, rules, points=[Point(1583.5, (300.0, 0.0))], zones=[Zone()],
        functions={"canteen": 1.0}, mix=Mix(nursing_cost_per_bed=0.25),
    )  # fmt: skip
    solved(problem)
    assert value(problem, "unmet_minima") == 1.0
    assert value(problem, "cost") == (8 + 13 * 1.75) + (4.75 + 12 * 1.5) + 2 * 1.0 + 5 * 0.25


# The acceptance cases of the design (semantics, section 9).


def seventh(most_nursing_share: float) -> Problem:
    """Return T7: 400 beds of which 200 are nursing beds, and 300 new ones."""
    home = Site(home=True, beds=400, nursing=200, convert=2.0)
    new = Site(low=10, high=300, fixed=10.0, locked_beds=300)
    mix = Mix(most_nursing_share=most_nursing_share, nursing_cost_per_bed=0.5)
    return build([home, new], [rule("R", "share", **NURSING, min_share=0.65)], mix=mix)


def test_t7_new_beds_alone_would_need_85_per_cent_nursing_beds() -> None:
    layout = solve(seventh(1.0), settings=ONE).layout
    assert layout.nursing_beds.tolist() == [200, 255]


def test_t7_exactly_15_beds_are_turned_where_new_homes_hold_80_per_cent() -> None:
    problem = seventh(0.8)
    solution = solve(problem, settings=ONE)
    assert solution.layout.nursing_beds.tolist() == [215, 240]
    assert solution.status == "optimal"
    assert problem.cost(solution.layout).tolist() == [15 * 2.0, 10.0 + 300.0 + 240 * 0.5]


def test_t7_from_files_to_plan(tmp_path: Path) -> None:
    written(tmp_path)
    done = siting.plan(siting.read_scenario(tmp_path / "s.yaml"))
    assert done.layout.nursing_beds.tolist() == [215, 240]
    assert done.solution is not None
    assert done.solution.status == "optimal"
    found = {each.rule_id: each for each in done.audit.findings if each.scope == "all"}
    assert (found["B"].verdict, found["B"].measured) == ("met", 0.65)
    now = {each.rule_id: each for each in done.existing_audit.findings if each.scope == "all"}
    assert (now["B"].verdict, now["B"].measured) == ("unmet", 0.5)


def test_an_empty_cell_of_nursing_beds_is_0_and_counted(tmp_path: Path) -> None:
    written(tmp_path)
    pd.read_csv(tmp_path / "h.csv").assign(nursing="").to_csv(tmp_path / "h.csv", index=False)
    done = siting.plan(siting.read_scenario(tmp_path / "s.yaml"))
    assert done.existing_audit.judged.layout.nursing_beds.tolist() == [0, 0]
    lines = {each.code: each for each in done.prepared.check.lines}
    assert (lines["part_empty"].count, list(lines["part_empty"].examples)) == (1, ["H"])


@pytest.mark.parametrize(("dementia", "count"), [(200, 0), (201, 1)])
def test_more_dementia_beds_than_nursing_beds_are_counted(
    tmp_path: Path, dementia: int, count: int
) -> None:
    written(tmp_path)
    homes = pd.read_csv(tmp_path / "h.csv").assign(dementia=dementia)
    homes.to_csv(tmp_path / "h.csv", index=False)
    drawn = pd.DataFrame({"id": ["C"], "beds": [10], "nursing_beds": [5], "dementia_beds": [6]})
    changes = {"existing.dementia_beds": "dementia"}
    scenario = siting.read_scenario(tmp_path / "s.yaml", changes=changes)
    done = siting.audit_layout(scenario, layout=drawn)
    lines = [each for each in done.prepared.check.lines if each.code == "dementia_outside_nursing"]
    told = [("h.csv", ("H",))] * count + [("layout", ("C",))]
    assert [(each.where.split(" ")[0], tuple(each.examples)) for each in lines] == told


@pytest.mark.parametrize(("nursing", "fits"), [(400, True), (401, False)])
def test_a_home_has_at_most_as_many_nursing_beds_as_beds(
    tmp_path: Path,
    nursing: int,
    fits: bool,  # noqa: FBT001
) -> None:
    written(tmp_path)
    homes = pd.read_csv(tmp_path / "h.csv").assign(nursing=nursing)
    homes.to_csv(tmp_path / "h.csv", index=False)
    scenario = siting.read_scenario(tmp_path / "s.yaml")
    if fits:
        assert siting.audit_layout(scenario).layout.nursing_beds.tolist() == [400, 0]
        return
    with pytest.raises(InputError) as caught:
        siting.audit_layout(scenario)
    assert [each.code for each in caught.value.faults] == ["more_than_all_beds"]


def test_a_home_drawn_smaller_keeps_its_nursing_beds_up_to_its_beds(tmp_path: Path) -> None:
    written(tmp_path)
    scenario = siting.read_scenario(tmp_path / "s.yaml")
    for beds, nursing in ((150, 150), (250, 200)):
        drawn = pd.DataFrame({"id": ["H"], "beds": [beds]})
        layout = siting.audit_layout(scenario, layout=drawn).layout
        assert layout.nursing_beds.tolist() == [nursing, 0]


def test_an_empty_cell_of_a_drawn_home_tells_no_functions_where_no_file_does(
    tmp_path: Path,
) -> None:
    written(tmp_path)
    scenario = siting.read_scenario(tmp_path / "s.yaml")
    drawn = pd.DataFrame({"id": ["H", "C"], "beds": [400, 10], "functions": ["", ""]})
    layout = siting.audit_layout(scenario, layout=drawn).layout
    assert layout.functions.tolist() == [None, frozenset()]
    layout = siting.audit_layout(scenario, layout=drawn.assign(functions="canteen")).layout
    assert layout.functions.tolist() == [frozenset({"canteen"})] * 2


def test_an_assumed_share_of_nursing_beds_is_rounded_down_and_known(tmp_path: Path) -> None:
    written(tmp_path)
    changes = {"existing.nursing_beds": None, "existing.nursing_share": 0.5012}
    done = siting.plan(siting.read_scenario(tmp_path / "s.yaml", changes=changes))
    # 0.5012 x 400 is 200.48.
    assert done.existing_audit.judged.layout.nursing_beds.tolist() == [200, 0]
    now = {each.rule_id: each for each in done.existing_audit.findings if each.scope == "all"}
    assert (now["B"].verdict, now["B"].measured) == ("unmet", 0.5)


def written(folder: Path) -> None:
    """Write T7 as a planner would: a grid, a table of homes, one of candidates, a standard."""
    points = [Spot(501_000, 3_001_000)]
    zones = {"id": ["z1"], "elders": [23_334.0]}
    square = [box(500_000, 3_000_000, 503_000, 3_003_000)]
    gpd.GeoDataFrame(zones, geometry=square, crs=4549).to_file(folder / "z.gpkg")
    gpd.GeoDataFrame(zones, geometry=points, crs=4549).to_file(folder / "d.gpkg")
    place = {"x": [501_100], "y": [3_001_000]}
    pd.DataFrame({"id": ["H"], "beds": [400], "nursing": [200]} | place).to_csv(
        folder / "h.csv", index=False
    )
    pd.DataFrame({"id": ["C"]} | place).to_csv(folder / "c.csv", index=False)
    both = {"zh": "试", "en": "t"}
    common = {"clause": "1", "legal_status": "issued_plan", "strength": "required", "tier": 1,
              "enforce": True, "summary": both, "reading": both}  # fmt: skip
    share = {"part": "nursing_beds", "of": "beds", "min_share": 0.65}
    rules = [
        common | {"id": "A", "kind": "ratio", "values": {2021: {"beds_per_10000": 300}}},
        common | {"id": "B", "kind": "share", "values": {2025: share}},
    ]
    standard = {"id": "t", "name": both, "jurisdiction": both, "source": both, "rules": rules}
    crs = {"crs": "EPSG:4549", "x": "x", "y": "y", "id": "id"}
    scenario = {
        "name": "t7", "standard": "std.yaml", "year": 2025, "crs": "EPSG:4549",
        "distance": "straight", "demand": {"path": "d.gpkg", "id": "id", "elders": "elders"},
        "zones": {"path": "z.gpkg", "id": "id", "elders": "elders"},
        "existing": crs | {"path": "h.csv", "beds": "beds", "nursing_beds": "nursing",
                           "convert_cost_per_bed": 2.0},
        "candidates": [crs | {"path": "c.csv", "min_beds": 10, "max_beds": 400,
                              "fixed_cost": 10, "cost_per_bed": 1}],
        "locks": {"beds": {"C": 300}},
        "mix": {"most_nursing_share": 0.8, "nursing_cost_per_bed": 0.5},
    }  # fmt: skip
    for name, content in (("std.yaml", standard), ("s.yaml", scenario)):
        YAML(typ="safe", pure=True).dump(content, folder / name)


@pytest.mark.parametrize(
    ("year", "elders", "beds"), [(2022, 25_000.0, 25), (2025, 25_000.0, 50), (2025, 24_999.0, 50)]
)
def test_t8_dementia_beds_of_the_hangzhou_plan(year: int, elders: float, beds: int) -> None:
    rate = read_standard("hangzhou-2021", year=year).rule("HZ-26")
    assert rate is not None
    assert beds_required(elders, rate.parameters.rate_per_10000).tolist() == [beds]
    new = Site(low=10, high=100, fixed=1.0)
    problem = build([new], [rate], points=[Point(elders)])
    assert solve(problem, settings=ONE).layout.dementia_beds.tolist() == [beds]


def test_t8_the_50_dementia_beds_lie_inside_the_488_nursing_beds() -> None:
    rules = [
        rule("B", "ratio", beds_per_10000=300.0),
        rule("N", "share", **NURSING, min_share=0.65),
        rule("D", "ratio", dementia_beds_per_10000=20.0),
    ]
    site = Site(low=10, high=800, fixed=1.0)
    mix = Mix(nursing_cost_per_bed=0.5, dementia_cost_per_bed=0.5)
    problem = build([site], rules, points=[Point(25_000.0)], mix=mix)
    solution = solve(problem, settings=ONE)
    layout = solution.layout
    assert solution.status == "optimal"
    got = (layout.beds[0], layout.nursing_beds[0], layout.dementia_beds[0])
    assert got == (750, 488, 50)


def test_t8_all_dementia_beds_in_one_district_pass_the_ratio_but_not_the_homes() -> None:
    stands = Site(
        home=True, beds=750, nursing=488, dementia=50, functions=frozenset({"memory_home"})
    )
    other = Site(home=True, beds=10, nursing=10, zone=1)
    rules = [
        rule("D", "ratio", dementia_beds_per_10000=20.0),
        rule("H", "count", what="memory_home", min_count=1, per="district"),
    ]
    points = [Point(12_500.0), Point(12_500.0, zone=1)]
    problem = build([stands, other], rules, points=points, zones=TWO_DISTRICTS)
    verdicts = {(each.rule_id, each.scope_id): each.verdict for each in findings(problem)}
    assert verdicts == {("D", "all"): "met", ("H", "东"): "met", ("H", "西"): "unmet"}


def circle(elders: float, residents: float, *, reserved: bool) -> tuple[str, str]:
    """Return verdict and note of T12: a circle without a care centre."""
    site = Site(facts={"reserved": True} if reserved else {}, high=10)
    needed = rule("R", "presence", function="care_centre", reserve_below_ageing_share=0.1)
    problem = build(
        [site], [needed], points=[Point(elders)], zones=[Zone(residents=residents)],
        functions={"care_centre": 1.0},
    )  # fmt: skip
    found = findings(problem)
    assert len(found) == 1
    return found[0].verdict, found[0].note


def test_t12_a_street_of_few_elders_may_reserve_a_site() -> None:
    assert circle(3000.0, 50_000.0, reserved=True) == ("met", "reserved:C0")
    assert circle(3000.0, 50_000.0, reserved=False) == ("unmet", "missing")
    assert circle(10_000.0, 50_000.0, reserved=True) == ("unmet", "missing")
    assert circle(5000.0, 50_000.0, reserved=True) == ("unmet", "missing")
    assert circle(4999.9, 50_000.0, reserved=True) == ("met", "reserved:C0")
    assert circle(3000.0, math.nan, reserved=True) == ("unknown", "needs:zones.residents")


def test_t12_ten_per_cent_stays_ten_per_cent_though_floats_lose_a_little() -> None:
    site = Site(facts={"reserved": True}, low=10, high=10)
    needed = rule("R", "presence", function="care_centre", reserve_below_ageing_share=0.1)
    problem = build(
        [site], [needed], points=[Point(5000.0)], zones=[Zone(residents=50_000.0)],
        functions={"care_centre": 1.0},
    )  # fmt: skip
    added_up = np.array([np.nextafter(5000.0, 0.0)])
    circles = replace(problem.areas["circle"], elders=added_up)
    assert circles.ageing_share[0] < 0.1
    problem = replace(problem, areas=problem.areas | {"circle": circles})
    assert [each.verdict for each in findings(problem)] == ["unmet"]
    assert solve(problem, settings=ONE).layout.is_open.tolist() == [True]


@pytest.mark.parametrize(("spent", "paid"), [(600.0, 200.0), (900.0, 300.0), (1200.0, 300.0)])
def test_t14_a_third_of_the_investment_up_to_300(spent: float, paid: float) -> None:
    money = read_standard("pingyang-2021", year=2025).rule("PY-22")
    assert money is not None
    assert money.parameters.amount(spent) == pytest.approx(paid, abs=1e-9)
    site = Site(low=10, high=10, fixed=spent - 10.0, locked_open=True)
    problem = build([site], [replace(money, enforce=True)])
    layout = solve(problem, settings=ONE).layout
    assert problem.subsidy(layout).tolist() == pytest.approx([paid])
    found = [each for each in findings(problem, layout) if each.rule_id == "PY-22"]
    assert found[0].measured == pytest.approx(paid)
    assert (found[0].verdict, found[0].note) == ("not_applicable", "money")


@pytest.mark.parametrize(
    ("rule_id", "fact", "spent", "paid"),
    [
        ("PY-23", "equipment_investment", 60.0, 42.0),
        ("PY-23", "equipment_investment", 71.43, 50.0),
        ("PY-23", "equipment_investment", 71.42, 49.994),
        ("PY-23", "equipment_investment", 80.0, 50.0),
        ("PY-18", "device_rent_per_person", 0.3, 0.15),
        ("PY-18", "device_rent_per_person", 0.4, 0.2),
        ("PY-18", "device_rent_per_person", 0.6, 0.2),
    ],
)
def test_t14_equipment_and_rent_are_paid_in_part_up_to_a_cap(
    rule_id: str, fact: str, spent: float, paid: float
) -> None:
    money = read_standard("pingyang-2021", year=2025).rule(rule_id)
    assert money is not None
    problem = build([Site(home=True, beds=10, facts={fact: spent})], [money])
    assert [each.measured for each in findings(problem)] == [pytest.approx(paid)]


@pytest.mark.parametrize(
    ("metres", "note", "verdict"),
    [
        (0.0, "same", "met"), (20.0, "same", "met"), (20.01, "adjacent", "met"),
        (80.0, "adjacent", "met"), (100.0, "adjacent", "met"), (100.01, "apart", "unmet"),
        (150.0, "apart", "unmet"),
    ],
)  # fmt: skip
def test_t15_entrances_are_on_one_site_adjacent_or_apart(
    metres: float, note: str, verdict: str
) -> None:
    centre = Site(home=True, beds=0, institution=False, functions=frozenset({"home_care_centre"}),
                  facts={"clinic": False})  # fmt: skip
    clinic = Site(home=True, beds=0, institution=False, xy=(metres, 0.0), facts={"clinic": True})
    near = rule("R", "colocation", what="home_care_centre", beside="clinic")
    found = findings(build([centre, clinic], [near]))
    assert [(each.scope_id, each.note, each.verdict) for each in found] == [("H0", note, verdict)]
    assert found[0].measured == pytest.approx(metres)


@pytest.mark.parametrize(
    ("facts", "verdict", "note"),
    [
        ({"separate_space": True, "own_entrance": True}, "met", ""),
        ({"separate_space": True, "own_entrance": False}, "unmet", ""),
        ({"separate_space": True, "own_entrance": 0.0}, "unmet", ""),
        ({"separate_space": 1.0, "own_entrance": 1.0}, "met", ""),
        ({"own_entrance": False}, "unmet", ""),
        ({"separate_space": True}, "unknown", "needs:facts.own_entrance"),
        ({"separate_space": True, "own_entrance": "later"}, "unknown", "needs:facts.own_entrance"),
        ({}, "unknown", "needs:facts.separate_space"),
    ],
)
def test_t15_a_shared_site_needs_its_own_entrance(
    facts: dict[str, Any], verdict: str, note: str
) -> None:
    shared = frozenset({"care_centre", "canteen"})
    home = Site(home=True, beds=10, functions=shared, facts=facts)
    needs = ["separate_space", "own_entrance"]
    apart = rule("R", "colocation", what="care_centre", needs=needs)
    found = findings(build([home], [apart]))
    assert [(each.verdict, each.note) for each in found] == [(verdict, note)]


def test_t9_beds_in_one_unit_alone_are_as_unequal_as_two_units_can_be() -> None:
    zones = [Zone("z0", unit=0), Zone("z1", unit=1)]
    points = [Point(10_000.0, density=HIGH), Point(10_000.0, zone=1, density=HIGH)]
    even = rule("R", "preference", measure="bed_gini")
    problem = build(
        [Site(home=True, beds=2000)], [even], points=points, zones=zones, units=("A", "B")
    )
    assert [each.measured for each in findings(problem)] == [0.5]
