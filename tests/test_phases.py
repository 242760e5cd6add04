"""Phases: each earlier year is the best there is within what stands later."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import oracle_mix
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from shapely.geometry import Point as Spot
from shapely.geometry import box
from strategies_mix import towns
from tiny_mix import HIGH, Point, Site, Zone, build, prepared, rule, today

import siting
from siting.cli import main
from siting.decisions import find_decisions
from siting.errors import ScenarioError, StandardError
from siting.phasing import money_until
from siting.scenario import Limits, Mix, Solve
from siting.solve import Solution, solve
from siting.standards import read_standard
from siting.study.phases import PhasePlan, first_year, hurried, under_ceiling

if TYPE_CHECKING:
    from pathlib import Path

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


def packaged(standard: str, name: str, year: int) -> list[Rule]:
    """Return one rule of a packaged standard as it is in force in a year."""
    found = read_standard(standard, year=year).rule(name)
    assert found is not None
    assert found.enforce
    return [found]


def test_nursing_beds_follow_the_share_of_each_year_in_hangzhou() -> None:
    # 20 beds: 60 % is 12, 65 % is 13; 5 stand today, and each turned bed costs 0.5.
    home = Site(home=True, beds=20, nursing=5, convert=0.5)
    far = Site(low=10, high=10, fixed=100.0)
    problem = build([home, far], packaged("hangzhou-2021", "HZ-25", 2025))
    last = solve(problem, settings=ONE).layout
    before = best_of(earlier(problem, last, packaged("hangzhou-2021", "HZ-25", 2022))).layout
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


def test_a_phase_has_no_dementia_bed_that_the_next_has_not_among_its_nursing_beds() -> None:
    # In the end 6 of 20 beds are nursing beds and 2 of these dementia beds; 5 were asked before.
    home = Site(home=True, beds=20, convert=0.5)
    nursing = rule("N", "share", **NURSING, min_share=0.3)
    rules = [nursing, rule("D", "ratio", dementia_beds_per_10000=20.0)]
    problem = build([home], rules, points=[Point(1000.0)])
    last = solve(problem, settings=ONE).layout
    assert (last.nursing_beds[0], last.dementia_beds[0]) == (6, 2)
    asks = [nursing, rule("D", "ratio", dementia_beds_per_10000=50.0)]
    solution = best_of(earlier(problem, last, asks))
    assert {each.name: each.value for each in solution.stages}["unmet_minima"] == 1.0
    assert solution.layout.dementia_beds[0] <= 2


def test_the_towns_with_a_centre_rise_with_the_years_in_wendeng() -> None:
    # Of three towns 50 % is two in 2021, the cheaper ones, and 100 % all three in 2022.
    sites = [Site(low=10, high=10, fixed=5.0 + k, each=0.0, zone=k) for k in range(3)]
    zones = [Zone(f"z{k}", street=f"{name}镇") for k, name in enumerate("甲乙丙")]
    problem = build(
        sites, packaged("wendeng-2021", "WD-15", 2022), zones=zones,
        functions={"street_centre": 3.0},
    )  # fmt: skip
    last = solve(problem, settings=ONE).layout
    before = best_of(earlier(problem, last, packaged("wendeng-2021", "WD-15", 2021))).layout
    assert last.is_open.tolist() == [True, True, True]
    assert before.is_open.tolist() == [True, True, False]
    assert problem.cost(before).sum() == 5.0 + 6.0 + 2 * 3.0


def test_a_limit_on_new_sites_holds_in_every_phase() -> None:
    sites = [Site(low=10, high=10, xy=(1.0 + k, 0.0)) for k in range(3)]
    beds = [rule("B", "ratio", beds_per_10000=300.0)]
    problem = build(sites, beds, points=[Point(1000.0)], limits=Limits(max_new_sites=2))
    last = solve(problem, settings=ONE).layout
    layout = best_of(earlier(problem, last)).layout
    assert (last.is_open.sum(), layout.is_open.sum()) == (2, 2)
    assert never_shrinks(layout, last)


def test_a_phase_without_time_stays_within_its_ceiling() -> None:
    sites = [Site(low=10, high=30, xy=(1.0 + 300 * k, 0.0)) for k in range(4)]
    beds = [rule("B", "ratio", beds_per_10000=300.0)]
    problem = build(sites, beds, points=[Point(2000.0)])
    last = solve(problem, settings=ONE).layout
    phase = earlier(problem, last, budget=35.0)
    ticks: Any = iter([0.0, *[1e9] * 10_000])
    layout = solve(phase, settings=ONE, clock=lambda: next(ticks)).layout
    assert never_shrinks(layout, last)
    assert problem.cost(layout).sum() <= 35.0


def test_once_interrupted_the_phases_that_are_left_are_hurried() -> None:
    asked = Solve(time_limit_s=300.0, gap=0.01)
    stopped = Solution(today(build([Site(home=True, beds=10)], [])), (), "interrupted")
    assert hurried(asked, stopped).time_limit_s == 1.0
    assert hurried(asked, stopped).gap == 0.01
    assert hurried(asked, replace(stopped, status="time_limit")) is asked
    assert hurried(Solve(time_limit_s=0.5), stopped).time_limit_s == 0.5


def test_a_site_changes_first_with_its_first_bed_of_any_kind_or_function() -> None:
    home = Site(home=True, beds=10)
    problem = build([home, home, home, home, Site(high=20), Site(high=20)], [])
    now = today(problem)

    def in_a_year(year: int, functions: list[set[str]], **beds: list[int]) -> PhasePlan:
        has = np.empty(6, dtype=object)
        has[:] = [frozenset(each) for each in functions]
        kinds = {name: np.array(each) for name, each in beds.items()}
        layout = replace(now, is_open=kinds["beds"] > 0, functions=has, **kinds)
        none: Any = None
        return PhasePlan(year, prepared(problem), layout, None, none)

    first = in_a_year(
        2022, [{"canteen"}, set(), set(), set(), set(), set()],
        beds=[10, 10, 10, 10, 20, 0], nursing_beds=[0, 1, 0, 0, 0, 0],
    )  # fmt: skip
    second = in_a_year(
        2025, [{"canteen", "station"}, set(), set(), set(), {"canteen"}, set()],
        beds=[10, 10, 10, 10, 20, 0], nursing_beds=[0, 2, 1, 0, 0, 0],
        dementia_beds=[0, 1, 1, 0, 0, 0],
    )  # fmt: skip
    assert first_year([first, second]).tolist() == [2022, 2022, 2025, 0, 2022, 0]


# From files: 400 beds of which 200 are nursing beds; C has 300 beds in the end (T7 of the design).
# 60 % of 700 is 420, that is 220 new ones; 65 % is 455, that is 240 new ones and 15 turned.
# 2022: 10 + 300 + 220 x 0.5 = 420. 2025: 20 x 0.5 + 15 x 2 = 40.


def written(folder: Path, **changes: Any) -> Path:
    """Write a town of one home and one candidate, planned in two phases."""
    zones = {"id": ["z1"], "elders": [23_334.0]}
    square = [box(500_000, 3_000_000, 503_000, 3_003_000)]
    gpd.GeoDataFrame(zones, geometry=square, crs=4549).to_file(folder / "z.gpkg")
    spot = [Spot(501_000, 3_001_000)]
    gpd.GeoDataFrame(zones, geometry=spot, crs=4549).to_file(folder / "d.gpkg")
    place = {"x": [501_100], "y": [3_001_000]}
    homes = {"id": ["H"], "beds": [400], "nursing": [200], "runs": [2.0]}
    pd.DataFrame(homes | place).to_csv(folder / "h.csv", index=False)
    pd.DataFrame({"id": ["C"]} | place).to_csv(folder / "c.csv", index=False)
    crs = {"crs": "EPSG:4549", "x": "x", "y": "y", "id": "id"}
    scenario = {
        "name": "t", "standard": "std.yaml", "year": 2025, "crs": "EPSG:4549",
        "distance": "straight", "demand": {"path": "d.gpkg", "id": "id", "elders": "elders"},
        "zones": {"path": "z.gpkg", "id": "id", "elders": "elders"},
        "existing": crs | {"path": "h.csv", "beds": "beds", "nursing_beds": "nursing",
                           "convert_cost_per_bed": 2.0, "running_cost_per_bed": "runs"},
        "candidates": [crs | {"path": "c.csv", "min_beds": 10, "max_beds": 400, "fixed_cost": 10,
                              "cost_per_bed": 1, "running_cost_per_bed": 1.5}],
        "locks": {"beds": {"C": 300}},
        "mix": {"most_nursing_share": 0.8, "nursing_cost_per_bed": 0.5},
        "phases": [{"year": 2022, "budget_wan_yuan": 420}, {"year": 2025, "budget_wan_yuan": 40}],
        "outputs": {"map": False, "tables": True, "geopackage": False, "sheet": False,
                    "report": False},
    } | changes  # fmt: skip
    for name, content in (("std.yaml", own_standard()), ("s.yaml", scenario)):
        YAML(typ="safe", pure=True).dump(content, folder / name)
    return folder / "s.yaml"


def own_standard() -> dict[str, Any]:
    """Return a standard of beds, a share of nursing beds that rises, and a subsidy."""
    both = {"zh": "试", "en": "t"}
    common = {"clause": "1", "legal_status": "issued_plan", "strength": "required", "tier": 1,
              "enforce": True, "summary": both, "reading": both}  # fmt: skip
    shares = {year: NURSING | {"min_share": share} for year, share in ((2022, 0.6), (2025, 0.65))}
    money = {"basis": "investment", "share": 0.5, "cap_wan_yuan": 200, "payer": "county"}
    rules = [
        common | {"id": "A", "kind": "ratio", "values": {2021: {"beds_per_10000": 300}}},
        common | {"id": "B", "kind": "share", "values": shares},
        common | {"id": "M", "kind": "money", "values": {2021: money}, "clause": "2"},
        common | {"id": "L", "kind": "count", "enforce": False,
                  "values": {2025: {"min_beds": 500, "min_count": 1, "per": "all"}}},
    ]  # fmt: skip
    return {"id": "t", "name": both, "jurisdiction": both, "source": both, "rules": rules}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[siting.Plan, Path]:
    """Return the plan in two phases, and its result folder."""
    folder = tmp_path_factory.mktemp("phases")
    plan = siting.plan(siting.read_scenario(written(folder)))
    return plan, siting.write_plan(plan, folder / "out")


def test_each_phase_has_the_share_of_its_year(done: tuple[siting.Plan, Path]) -> None:
    plan, _ = done
    assert [each.year for each in plan.phases] == [2022, 2025]
    nursing = [each.layout.nursing_beds.tolist() for each in plan.phases]
    assert nursing == [[200, 220], [215, 240]]
    assert plan.layout is plan.phases[-1].layout
    for phase, share in zip(plan.phases, (0.6, 0.65), strict=True):
        found = next(each for each in phase.audit.findings if each.rule_id == "B")
        assert (found.required, found.measured, found.verdict) == (share, share, "met")


def test_densities_and_distances_are_those_of_each_year(tmp_path: Path) -> None:
    # 23,334 elders on 9 km2 are 2,593 for each: medium from 1,000, low from 3,000 on.
    values = {
        2021: {"distance_m": 1000.0, "density_from_per_km2": 1000.0},
        2023: {"distance_m": 700.0, "density_from_per_km2": 2000.0},
        2025: {"distance_m": 700.0, "density_from_per_km2": 3000.0},
    }
    years = [{"year": year} for year in (2022, 2024, 2025)]
    file, standard = written(tmp_path, phases=years), own_standard()
    standard["rules"].append(
        standard["rules"][0] | {"id": "D", "kind": "coverage", "values": values}
    )
    YAML(typ="safe", pure=True).dump(standard, tmp_path / "std.yaml")
    phases = siting.plan(siting.read_scenario(file)).phases
    assert [each.problem.density_class.tolist() for each in phases] == [[1], [1], [0]]
    assert [each.problem.standard_m.tolist() for each in phases[:2]] == [[1000.0], [700.0]]
    assert np.isnan(phases[2].problem.standard_m).all()


def test_the_table_of_phases_says_what_each_adds(done: tuple[siting.Plan, Path]) -> None:
    table = pd.read_csv(done[1] / "phases.csv")
    told = ["year", "beds", "new_sites", "extended_sites", "cost_wan_yuan", "budget_wan_yuan"]
    assert table[told].to_numpy().tolist() == [
        [2022, 700, 1, 0, 420, 420],
        [2025, 700, 0, 0, 40, 40],
    ]
    # In 2022 only C is new; in 2025 H turns 15 beds and C 20, neither has a bed more.
    assert table["upgraded_sites"].tolist() == [0, 2]
    assert table["run_status"].tolist() == ["optimal", "optimal"]
    # B is met in both; of the 701 beds one is missing, and no home of 500 beds is asked for before.
    assert table[["rules_met", "rules_unmet"]].to_numpy().tolist() == [[1, 1], [1, 2]]
    record = json.loads((done[1] / "run.json").read_text(encoding="utf-8"))
    assert [each["year"] for each in record["phases"]] == [2022, 2025]
    assert record["phases"][1]["stages"] == record["stages"]
    assert {each["name"] for each in record["phases"][0]["stages"]} == set(oracle_mix.STAGES)
    assert all(each["gap"] <= 1e-6 for each in record["phases"])


def test_without_rules_of_distance_phases_have_no_shares(done: tuple[siting.Plan, Path]) -> None:
    shares = ["covered_share_high", "covered_share_medium"]
    assert pd.read_csv(done[1] / "phases.csv")[shares].isna().to_numpy().all()
    assert done[0].tables.curve[shares].isna().to_numpy().all()
    record = json.loads((done[1] / "run.json").read_text(encoding="utf-8"))
    assert [each[name] for each in record["phases"] for name in shares] == [1.0] * 4
    assert record["coverage"]["plan"] == {"high": 1.0, "medium": 1.0}
    assert record["sites"] == {
        "existing": 1, "new": 1, "extended": 0, "upgraded": 1, "candidates": 1,
    }  # fmt: skip


def test_each_facility_has_the_year_of_its_first_change(done: tuple[siting.Plan, Path]) -> None:
    table = pd.read_csv(done[1] / "facilities.csv").set_index("id")
    assert table["phase"].to_dict() == {"H": 2025, "C": 2022}


def test_a_subsidy_is_paid_in_each_phase_up_to_its_cap_over_all(
    done: tuple[siting.Plan, Path],
) -> None:
    # Half of 420 is 210, of which 200 are paid; C has nothing left to get, H half of 30.
    table = pd.read_csv(done[1] / "money.csv", keep_default_na=False)
    rows = [
        ("H", 2022, "running", "operator", 800.0), ("C", 2022, "capital", "operator", 420.0),
        ("C", 2022, "running", "operator", 450.0), ("C", 2022, "subsidy_once", "county", 200.0),
        ("H", 2025, "capital", "operator", 30.0), ("H", 2025, "running", "operator", 800.0),
        ("H", 2025, "subsidy_once", "county", 15.0), ("C", 2025, "capital", "operator", 10.0),
        ("C", 2025, "running", "operator", 450.0),
    ]  # fmt: skip
    columns = ["facility_id", "year", "item", "payer", "amount_wan_yuan"]
    assert list(table[columns].itertuples(index=False, name=None)) == rows
    record = json.loads((done[1] / "run.json").read_text(encoding="utf-8"))
    assert record["money"] == {
        "capital": 460.0, "subsidy": 215.0, "net": 245.0, "running": 1250.0,
        "subsidy_yearly": 0.0, "running_unknown": 0,
    }  # fmt: skip
    assert record["cost_wan_yuan"] == record["money"]["capital"]


def codes(plan: siting.Plan) -> dict[str, str]:
    """Return the sentences of the data check about phases."""
    lines = plan.prepared.check.lines
    return {each.code: each.render("en") for each in lines if each.where in {"phases", "rules"}}


def test_the_check_says_whose_elders_and_whose_money(done: tuple[siting.Plan, Path]) -> None:
    said = codes(done[0])
    assert "the elders of 2025 stand in all of them" in said["phases_elders"]
    assert "460.0" in said["phases_budget"]
    assert set(said) == {"phases_elders", "phases_budget"}


def test_the_year_of_the_plan_is_appended_where_the_phases_end_before(tmp_path: Path) -> None:
    path = written(tmp_path, phases=[{"year": 2022, "budget_wan_yuan": 60}])
    plan = siting.plan(siting.read_scenario(path))
    assert [each.year for each in plan.phases] == [2022, 2025]
    assert set(codes(plan)) == {"phases_elders", "phase_appended"}
    # 60 pays for opening and 50 beds; the last phase has no limit.
    assert [each.layout.beds[1] for each in plan.phases] == [50, 300]
    assert plan.phases[-1].layout.nursing_beds.tolist() == [215, 240]


def test_the_command_tells_what_each_phase_adds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, language="en")
    with pytest.raises(SystemExit) as left:
        main(["run", str(path), "--out", str(tmp_path / "out"), "--quiet"])
    assert left.value.code == 0
    assert capsys.readouterr().out == ""
    with pytest.raises(SystemExit):
        main(["run", str(path), "--out", str(tmp_path / "out")])
    said = capsys.readouterr().out
    assert (
        "2022: 1 new, 0 extended, 0 upgraded, 700 beds, cost of the phase 420.0 and subsidy 200.0"
        in said
    )
    assert (
        "2025: 0 new, 0 extended, 2 upgraded, 700 beds, cost of the phase 40.0 and subsidy 15.0"
        in said
    )


def test_a_change_of_a_rule_that_starts_later_is_counted(tmp_path: Path) -> None:
    path = written(tmp_path, rules={"L": {"min_beds": 300}})
    plan = siting.plan(siting.read_scenario(path))
    assert "1 rules" in codes(plan)["phase_rule_later"]
    ids = [[each.id for each in phase.problem.rules] for phase in plan.phases]
    assert ids == [["A", "B", "M"], ["A", "B", "M", "L"]]
    assert plan.problem.rule("L").parameters.min_beds == 300


def test_without_phases_the_plan_is_the_only_one(tmp_path: Path) -> None:
    path = written(tmp_path, phases=[])
    plan = siting.plan(siting.read_scenario(path))
    assert [each.year for each in plan.phases] == [2025]
    assert set(plan.tables.facilities["phase"]) == {2025}
    assert set(plan.tables.money["year"]) == {2025}
    assert codes(plan) == {}


def test_an_audit_alone_plans_no_phase(tmp_path: Path) -> None:
    judged = siting.audit_layout(siting.read_scenario(written(tmp_path)))
    assert [each.year for each in judged.phases] == [2025]
    assert judged.record["phases"][0]["run_status"] == "audited"
    assert judged.tables.facilities["phase"].isna().all()


@pytest.mark.parametrize(
    ("phases", "code"),
    [
        ([{"year": 2025}, {"year": 2022}], "phases_not_rising"),
        ([{"year": 2022}, {"year": 2022}], "phases_not_rising"),
        ([{"year": 2022}, {"year": 2026}], "phases_after_year"),
        ([{"year": 2022}, {"year": 2025, "budget_wan_yuan": 9}], "phase_budget_missing"),
        ([{"year": 2022, "budget_wan_yuan": -1}], "wrong_value"),
        ([{"year": 2022, "budget": 1}], "unknown_key_near"),
        ([{"budget_wan_yuan": 1}], "missing_key"),
    ],
)
def test_phases_that_contradict_are_refused_in_one_message(
    tmp_path: Path, phases: list[dict[str, Any]], code: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        siting.read_scenario(written(tmp_path, phases=phases))
    assert [each.code for each in caught.value.faults] == [code]
    assert "phase" in caught.value.render("en")
    assert caught.value.faults[0].where.startswith("s.yaml")


def test_a_phase_before_every_rule_is_refused(tmp_path: Path) -> None:
    scenario = siting.read_scenario(written(tmp_path, phases=[{"year": 1999}]))
    with pytest.raises(StandardError) as caught:
        siting.plan(scenario)
    assert [each.code for each in caught.value.faults] == ["year_before_first"]


@pytest.mark.parametrize(
    ("budgets", "limit", "told"),
    [
        ((3000.0, 5000.0), None, (3000.0, 8000.0)),
        ((3000.0, 5000.0), 7000.0, (3000.0, 7000.0)),
        ((3000.0, 5000.0), 9000.0, (3000.0, 8000.0)),
        ((3000.0, None), None, (3000.0, None)),
        ((3000.0, None), 4000.0, (3000.0, 4000.0)),
        ((None, None), 4000.0, (None, 4000.0)),
    ],
)
def test_money_is_counted_up_and_the_lower_limit_holds(
    tmp_path: Path,
    budgets: tuple[float | None, ...],
    limit: float | None,
    told: tuple[float | None, ...],
) -> None:
    phases = [
        {"year": year} | ({} if money is None else {"budget_wan_yuan": money})
        for year, money in zip((2022, 2025), budgets, strict=True)
    ]
    limits = {} if limit is None else {"budget_wan_yuan": limit}
    scenario = siting.read_scenario(written(tmp_path, phases=phases, limits=limits))
    assert money_until(scenario) == told
