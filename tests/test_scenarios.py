"""Every scenario on the sample county, under the standards of four places: planned and read."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

import siting
from siting.areas import some_areas
from siting.audit import REASONS
from siting.conflict import input_words
from siting.standards import read_standard
from siting.texts import LANGUAGES, catalogue

if TYPE_CHECKING:
    from siting.standards import Rule

ROOT = Path(__file__).parents[1]
SCENARIOS, SAMPLE = ROOT / "scenarios", ROOT / "data" / "sample"
ON_THE_SAMPLE = sorted(path.stem for path in SCENARIOS.glob("sample*.yaml"))
CIRCLES = ["城东街道", "山前镇", "江南街道", "沙洲镇", "田畈镇", "老城街道"]
SITE_OF_THE_ISLAND = 335 + 10 * 11.6
"""Opening DK122 with ten beds, 万元: the row of the parcels' table."""


@cache
def planned(name: str) -> siting.Plan:
    """Return the plan of a scenario, made once; the long search of the budget stops at its gap."""
    changes = {"solve.exact_below": 0} if name == "sample-budget" else {}
    return siting.plan(siting.read_scenario(SCENARIOS / f"{name}.yaml", changes=changes))


def found(name: str, rule: str, *, state: str = "plan") -> dict[str, tuple[str, float, float]]:
    """Return place to verdict, required and measured, as one rule finds them."""
    done = planned(name)
    judged = done.audit if state == "plan" else done.existing_audit
    rows = [each for each in judged.findings if each.rule_id == rule]
    return {each.scope_id: (each.verdict, each.required, each.measured) for each in rows}


def with_function(name: str, function: str) -> set[str]:
    """Return the facilities of a plan that have a function."""
    done = planned(name)
    sites = zip(done.problem.sites.id, done.layout.functions, strict=True)
    return {str(site) for site, functions in sites if function in (functions or ())}


def test_there_is_a_scenario_for_every_packaged_standard() -> None:
    read = [siting.read_scenario(SCENARIOS / f"{name}.yaml") for name in ON_THE_SAMPLE]
    assert {each.standard for each in read} == set(siting.packaged_standards())


def test_the_sample_tells_of_nothing_that_no_rule_asks_for() -> None:
    asked: set[str] = set()
    for standard in siting.packaged_standards():
        for rule in read_standard(standard, year=2025).rules:
            for held in rule.parameters.model_dump().values():
                asked |= set(held) if isinstance(held, tuple) else {str(held)}
    told = planned("sample").scenario
    assert told.existing is not None
    facts = {*told.existing.facts, *told.candidates[0].facts}
    assert facts - asked == set()
    written = (SCENARIOS / "sample.yaml").read_text(encoding="utf-8")
    for column in pd.read_csv(SAMPLE / "homes.csv", encoding="gb18030", nrows=0).columns:
        assert f": {column}" in written, column


# All of them


@pytest.mark.parametrize("name", ON_THE_SAMPLE)
def test_a_scenario_is_planned_and_every_rule_of_its_standard_is_judged(name: str) -> None:
    done = planned(name)
    assert done.record["status"] in {"optimal", "gap"}
    rules = {rule.id for rule in done.problem.rules}
    for judged in (done.existing_audit, done.audit):
        assert {each.rule_id for each in judged.findings} == rules
    assert len(rules) > 20


@pytest.mark.parametrize("name", ON_THE_SAMPLE)
def test_every_note_of_a_finding_has_words(name: str) -> None:
    done = planned(name)
    notes = {each.note for judged in (done.existing_audit, done.audit) for each in judged.findings}
    for note in notes - {""}:
        code, _, rest = note.partition(":")
        assert f"tables.note_{code}" in catalogue(), note
        if code == "needs":
            assert all(input_words(rest, each) != rest for each in LANGUAGES), note


@pytest.mark.parametrize("name", ON_THE_SAMPLE)
def test_every_enforced_rule_that_is_unmet_says_why(name: str) -> None:
    done = planned(name)
    rules = {rule.id: rule for rule in done.problem.rules}
    limited = done.scenario.limits.budget_wan_yuan is not None
    limited |= done.scenario.objective is not None  # rules are audited, not planned for
    demand = done.tables.demand
    for each in done.audit.unmet(enforced_only=True):
        rule = rules[each.rule_id]
        if rule.kind != "coverage":
            assert each.note or limited, each
        elif rule.parameters.distance_m is not None:
            duty = demand["standard_m"] == rule.parameters.distance_m
            reasons = set(demand.loc[duty & ~done.audit.judged.covered, "reason"])
            assert reasons
            assert reasons <= set(REASONS), each
        else:
            assert each.measured == areas_with_a_site(done, rule), each


def areas_with_a_site(done: siting.Plan, rule: Rule) -> int:
    """Return in how many areas of a rule a site could have its function, or has it."""
    problem, function = done.problem, rule.parameters.what
    areas = some_areas(problem.areas, rule.parameters.per, rule.parameters.only)
    assert areas is not None
    could = {
        areas.of_site[site]
        for site in range(problem.sites.n)
        if function in problem.sites.can_host[site] | problem.sites.functions[site]
        and (problem.sites.is_existing[site] or not problem.site_excluded[site])
    }
    return len(could - {-1})


@pytest.mark.parametrize("name", ON_THE_SAMPLE)
def test_no_site_takes_a_function_that_its_table_does_not_allow(name: str) -> None:
    done = planned(name)
    sites = done.problem.sites
    for number, functions in enumerate(done.layout.functions):
        allowed = (sites.functions[number] or frozenset()) | (sites.can_host[number] or frozenset())
        assert (functions or frozenset()) <= allowed, sites.id[number]


# Hangzhou


def test_the_quick_start_tells_of_functions_and_pays_for_beds_alone() -> None:
    plain = planned("sample")
    assert plain.problem.functions == {}
    parcels = pd.read_excel(SAMPLE / "candidates.xlsx").set_index("地块编号")
    stands = plain.tables.facilities.set_index("id")
    new = stands[stands["status"] == "new"]
    prices = parcels.loc[new.index]
    parcels_cost = (prices["固定费用_万元"] + new["beds"] * prices["每床费用_万元"]).sum()
    extended = 40 + 12 * 8  # YL03 from 8 to 20 beds
    assert plain.record["cost_wan_yuan"] == pytest.approx(parcels_cost + extended)


def test_functions_of_circles_are_those_of_the_homes_table_and_the_rest_is_planned() -> None:
    circles = planned("sample-full").tables.circles.set_index("id")
    assert sorted(circles.index) == sorted(CIRCLES)
    built = {
        "care_centre": {"老城街道"}, "memory_home": {"江南街道"},
        "consortium": {"老城街道", "江南街道"}, "canteen": {"老城街道", "山前镇"},
        "home_care_centre": {"老城街道", "山前镇"}, "device_point": {"江南街道"},
        "family_centre": {"城东街道"}, "adviser_point": {"老城街道", "山前镇"},
    }  # fmt: skip
    for function, where in built.items():
        statuses = circles[function].to_dict()
        assert statuses == {each: "built" if each in where else "planned" for each in CIRCLES}


def test_beds_of_a_kind_and_staff_follow_from_71_324_elders() -> None:
    assert found("sample-full", "HZ-26")["all"][:2] == ("met", 143.0)  # 20 x 7.1324 = 142.65
    assert found("sample-full", "HZ-29")["all"][1] == 179.0  # 25 x 7.1324 = 178.3
    assert found("sample-full", "HZ-25")["all"][0] == "met"
    assert found("sample-full", "HZ-42", state="existing")["YL01"] == ("met", 1.0, 3.0)


def test_a_care_centre_that_is_planned_has_rooms_and_a_door_of_its_own() -> None:
    verdicts = {site: each[0] for site, each in found("sample-full", "HZ-17").items()}
    assert verdicts.pop("YL01") == "unknown"  # its table does not tell of the door
    assert set(verdicts.values()) == {"met"}


def test_each_phase_keeps_to_its_money_and_nothing_is_given_up() -> None:
    early, late = planned("sample-full").phases
    assert (early.year, late.year) == (2022, 2025)
    assert early.prepared.problem.cost(early.layout).sum() <= 12000
    assert late.prepared.problem.cost(late.layout).sum() <= 28000
    assert (early.layout.beds <= late.layout.beds).all()
    assert not {each.id for each in early.prepared.standard.rules} & {"HZ-14", "HZ-15b"}


# Pingyang


def test_the_demonstration_town_of_pingyang_needs_206_beds_of_which_one_home_has_200() -> None:
    stand, large, small = 54 + 70, 200, 4 * 10  # small: in four more villages, PYA-11
    beds = float(stand + large + small)
    assert found("sample-pingyang", "PYA-03") == {"山前镇": ("met", 206.0, beds)}
    assert found("sample-pingyang", "PYA-03", state="existing")["山前镇"][2] == stand
    assert found("sample-pingyang", "PYA-01") == {"山前镇": ("met", 1.0, 1.0)}
    told = planned("sample-pingyang").record["conflicts"]
    clash = [each for each in told if each["kind"] == "occupancy"]
    assert [(each["rule_id"], each["other_id"]) for each in clash] == [("PYA-03", "PYA-06")] * 2
    assert [each["note"] for each in clash] == ["", "planned"]
    assert clash[0]["possible"] == pytest.approx((38 + 31) / 206, abs=1e-6)
    assert clash[1]["possible"] == pytest.approx((38 + 31) / beds, abs=1e-6)


def test_twenty_micro_homes_are_small_and_none_is_a_large_home_that_stands() -> None:
    micro = with_function("sample-pingyang", "micro_home")
    assert len(micro) == 20
    assert micro & {f"YL{number:02d}" for number in range(1, 14)} == {"YL03"}
    assert len(with_function("sample-pingyang", "consortium")) == 10


def test_the_six_villages_with_a_site_have_a_home_care_centre_and_two_of_eight_lack_one() -> None:
    assert found("sample-pingyang", "PYA-11") == {"山前镇": ("unmet", 8.0, 6.0)}
    assert found("sample-pingyang", "PYA-11", state="existing")["山前镇"][2] == 1.0
    zones = planned("sample-pingyang").prepared.zones
    assert zones is not None
    names = dict(zip(zones.id, zones.source.texts("社区名称"), strict=True))
    assert {names[each] for each in lacking("sample-pingyang", "PYA-11")} == {"岭脚村", "桑园村"}


def lacking(name: str, rule: str) -> list[str]:
    """Return the areas that the finding of a rule says to lack something."""
    (each,) = [each for each in planned(name).audit.findings if each.rule_id == rule]
    code, _, rest = each.note.partition(":")
    assert code == "lacks"
    return rest.split(", ")


def test_nothing_is_paid_to_the_home_outside_the_county() -> None:
    # PY-27 by stars: YL13 lies outside and has three.
    assert found("sample-pingyang", "PY-27")["all"][2] == 51.0
    paid = planned("sample-pingyang").tables.money
    assert "YL13" not in set(paid.loc[paid["item"].str.startswith("subsidy"), "facility_id"])


def test_new_homes_are_not_listed_one_by_one_where_nothing_can_be_asked_of_them() -> None:
    done = planned("sample-pingyang")
    new = set(done.tables.facilities.query("status == 'new'")["id"])
    for rule in ("PY-16", "PY-16b"):
        rows = [each for each in done.audit.findings if each.rule_id == rule]
        assert not new & {each.scope_id for each in rows}
        assert [e.note for e in rows if e.note.startswith("to_build")] == ["to_build:21"]


def test_home_care_centres_of_four_and_three_stars_get_8_and_3_a_year() -> None:
    assert found("sample-pingyang", "PY-26")["all"][2] == 8 + 3


# Zhoushan


def test_zhoushan_costs_what_its_functions_and_the_island_cost() -> None:
    centres, zone, consortia, station = 4 * 80, 30, 2 * 40, 30
    cost = planned("sample-zhoushan").record["cost_wan_yuan"]
    assert cost == pytest.approx(centres + zone + consortia + station + SITE_OF_THE_ISLAND)
    assert {each[0] for each in found("sample-zhoushan", "ZS-01").values()} == {"met"}
    assert len(found("sample-zhoushan", "ZS-01")) == 6


def test_the_island_gets_a_station_and_is_the_only_one() -> None:
    assert found("sample-zhoushan", "ZS-12") == {"江心洲": ("met", 1.0, 1.0)}
    assert "DK122" in with_function("sample-zhoushan", "station")


def test_dementia_beds_of_zhoushan_are_counted_by_district() -> None:
    shares = found("sample-zhoushan", "ZS-02")
    assert shares["江北片区"][2] == pytest.approx(20 / (120 + 46 + 90 + 54 + 70))
    assert shares["江南片区"][2] == pytest.approx(34 / (160 + 60 + 48 + 40 + 10))


# Wendeng


def test_half_of_the_towns_of_wendeng_come_first_and_all_a_year_later() -> None:
    asked = {}
    for phase in planned("sample-wendeng").phases:
        rule = next(each for each in phase.audit.findings if each.rule_id == "WD-15")
        asked[phase.year] = rule.required
        assert rule.verdict == "met"
    assert asked == {2021: 2.0, 2022: 3.0, 2023: 3.0}  # half of three, rounded up; all


@pytest.mark.parametrize(
    ("rule", "least"),
    [
        ("WD-11b", 32),  # every community of the city: 14 + 8 + 10
        ("WD-12b", 29),  # 90 % of 32 is 28.8
        ("WD-17", 15),
        ("WD-17b", 25),  # 40 % of all 62 is 24.8
    ],
)
def test_what_wendeng_asks_for_by_2023_is_there(rule: str, least: int) -> None:
    assert found("sample-wendeng", rule)["all"] == ("met", least, least)


def test_nursing_beds_in_the_home_of_one_star_are_told() -> None:
    assert found("sample-wendeng", "WD-18")["YL11"] == ("unmet", 0.0, 16.0)
