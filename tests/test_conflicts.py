"""Conflicts: each kind found where it is, and not found just beside; every number by hand."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tiny
from tiny_mix import Point, Site, Zone, build, rule

import siting
from siting.audit import audit
from siting.conflict import KINDS, NUMBERS, Conflict, input_words
from siting.conflicts import find_conflicts
from siting.outputs.tables import csv_tables
from siting.problem import Layout, Problem
from siting.run import audit_layout
from siting.standards import read_standard
from siting.texts import LANGUAGES, catalogue

if TYPE_CHECKING:
    from pathlib import Path

TOWN = Zone("z1", "甲镇", "东")
FLOOR = rule("FLOOR", "ratio", beds_per_10000=400, per="town")
TAKEN = rule("TAKEN", "share", part="residents", of="beds", min_share=0.6, per="town")
BEDS = rule("BEDS", "ratio", beds_per_10000=300)
NEAR = rule("NEAR", "coverage", distance_m=500, density_above_per_km2=3000)


@dataclass(frozen=True)
class Tiny:
    """As much of a prepared scenario as conflicts are found from."""

    problem: Problem
    scenario: Any
    network: None = None
    site_snap: None = None
    demand_snap: None = None


def conflicts(
    problem: Problem, layout: Layout | None = None, *, times: float = 1.5
) -> list[Conflict]:
    """Return the conflicts of a layout, of today's without one."""
    report = SimpleNamespace(beds_over_need=times)
    prepared: Any = Tiny(problem, SimpleNamespace(distance="straight", report=report))
    existing = audit(prepared, problem.existing_layout(), state="existing")
    plan = audit(prepared, layout or problem.existing_layout())
    return find_conflicts(prepared, existing, plan)


def of_kind(kind: str, *found: Any, **more: Any) -> list[Conflict]:
    """Return the conflicts of one kind."""
    return [each for each in conflicts(*found, **more) if each.kind == kind]


def layout(problem: Problem, beds: dict[str, int]) -> Layout:
    """Return the layout that stands with so many beds at some sites, none elsewhere."""
    numbers = np.array([beds.get(str(name), 0) for name in problem.sites.id], dtype=np.int64)
    return Layout(numbers > 0, numbers)


def home(beds: int = 40, **more: Any) -> Site:
    return Site(home=True, beds=beds, high=beds, **more)


# Beds against occupancy: 1,000 elders need 40 beds, and 60 % of 40 is 24


def residents(number: float | None) -> Problem:
    """Return a town of 1,000 elders whose home of 20 beds tells of so many residents."""
    facts = {} if number is None else {"residents": number}
    return build([home(20, facts=facts)], [FLOOR, TAKEN], points=[Point(1000.0)], zones=[TOWN])


def test_residents_too_few_for_the_beds_asked_for_are_a_conflict() -> None:
    (found,) = of_kind("occupancy", residents(23.0))
    assert (found.rule_id, found.other_id) == ("FLOOR", "TAKEN")
    assert (found.scope, found.scope_id) == ("town", "甲镇")
    assert (found.required, found.other_required, found.measured) == (40.0, 0.6, 23.0)
    assert found.possible == pytest.approx(23 / 40)


def test_just_enough_residents_are_none() -> None:
    assert of_kind("occupancy", residents(24.0)) == []


def test_residents_that_are_not_told_are_thin_data() -> None:
    found = conflicts(residents(None))
    assert [each.kind for each in found] == ["thin_data", "thin_data"]
    both = [(each.rule_id, each.other_id, each.note) for each in found]
    assert both == [("FLOOR", "TAKEN", "facts.residents"), ("TAKEN", "", "facts.residents")]


def test_towns_without_their_residents_share_one_line() -> None:
    zones = [Zone(f"z{k}", f"{name}镇") for k, name in enumerate("甲乙丙")]
    sites = [home(20, zone=0), home(20, zone=1), home(20, zone=2, facts={"residents": 10.0})]
    points = [Point(1000.0, zone=k) for k in range(3)]
    found = conflicts(build(sites, [FLOOR, TAKEN], points=points, zones=zones))
    (thin,) = [each for each in found if each.other_id and each.kind == "thin_data"]
    (clash,) = [each for each in found if each.kind == "occupancy"]
    assert (thin.count, thin.scope_id) == (2, "乙镇")  # the first in the order of ids
    assert (clash.scope_id, clash.measured) == ("丙镇", 10.0)


def test_only_towns_that_both_rules_name_are_compared() -> None:
    zones = [Zone("z0", "甲镇"), Zone("z1", "乙镇")]
    sites = [home(20, zone=k, facts={"residents": 1.0}) for k in range(2)]
    points = [Point(1000.0, zone=k) for k in range(2)]
    floor = rule("F", "ratio", beds_per_10000=400, per="town", only=["甲镇"])
    asked = {"part": "residents", "of": "beds", "min_share": 0.6, "per": "town"}
    taken = rule("T", "share", only=["乙镇"], **asked)
    here = rule("T", "share", only=["甲镇"], **asked)
    assert of_kind("occupancy", build(sites, [floor, taken], points=points, zones=zones)) == []
    (found,) = of_kind("occupancy", build(sites, [floor, here], points=points, zones=zones))
    assert found.scope_id == "甲镇"


def test_a_share_of_all_beds_is_compared_with_the_beds_of_all_units() -> None:
    taken = rule("T", "share", part="residents", of="beds", min_share=0.5)
    for number, many in ((14.0, 1), (15.0, 0)):
        problem = build([home(20, facts={"residents": number})], [BEDS, taken],
                        points=[Point(1000.0)])  # fmt: skip
        assert len(of_kind("occupancy", problem)) == many


@pytest.mark.parametrize(("number", "many"), [(23.0, 1), (24.0, 0)])
def test_the_demonstration_towns_of_pingyang_need_24_residents_for_every_1000_elders(
    number: float, many: int
) -> None:
    standard = read_standard("pingyang-2021", year=2025)
    rules = [each for each in standard.rules if each.id in {"PYA-03", "PYA-06"}]
    sites = [home(40, facts={"residents": number})]
    found = of_kind("occupancy", build(sites, rules, points=[Point(1000.0)], zones=[TOWN]))
    assert [(each.rule_id, each.other_id, each.required) for each in found] == [
        ("PYA-03", "PYA-06", 40.0)
    ] * many


@pytest.mark.parametrize(
    ("number", "beds", "clashes"),
    [
        (30.0, 50, []),  # 60 % of 50
        (29.0, 50, [(50.0, "planned", 29 / 50)]),
        (23.0, 50, [(40.0, "", 23 / 40), (50.0, "planned", 23 / 50)]),
        (23.0, 40, [(40.0, "", 23 / 40)]),
        (24.0, 40, []),
    ],
)
def test_beds_of_the_plan_above_those_required_must_be_taken_too(
    number: float, beds: int, clashes: list[tuple[float, str, float]]
) -> None:
    sites = [home(20, facts={"residents": number}), Site(high=30)]
    problem = build(sites, [FLOOR, TAKEN], points=[Point(1000.0)], zones=[TOWN])
    found = of_kind("occupancy", problem, layout(problem, {"H0": 20, "C1": beds - 20}))
    assert [(each.required, each.note) for each in found] == [each[:2] for each in clashes]
    assert [each.possible for each in found] == pytest.approx([each[2] for each in clashes])
    assert {(each.rule_id, each.other_id, each.measured) for each in found} <= {
        ("FLOOR", "TAKEN", number)
    }


def test_beds_planned_for_nobody_are_no_matter_of_occupancy() -> None:
    sites = [home(20, facts={"residents": 1.0})]
    problem = build(sites, [FLOOR, TAKEN], points=[Point(0.0)], zones=[TOWN])
    assert of_kind("occupancy", problem) == []


def test_homes_that_are_still_to_be_built_have_no_residents_to_count() -> None:
    sites = [home(20, facts={"residents": 23.0}), Site(high=20)]
    problem = build(sites, [FLOOR, TAKEN], points=[Point(1000.0)], zones=[TOWN])
    (found,) = of_kind("occupancy", problem, layout(problem, {"H0": 20, "C1": 20}))
    assert found.measured == 23.0


def test_residents_of_homes_that_do_not_count_fill_no_beds_that_are_asked_for() -> None:
    sites = [home(20, facts={"residents": 23.0}), home(9, facts={"residents": 9.0})]
    problem = build(sites, [FLOOR, TAKEN], points=[Point(1000.0)], zones=[TOWN])
    (found,) = of_kind("occupancy", problem)
    assert found.measured == 23.0


@pytest.mark.parametrize("only", [{"owners": ["public"]}, {"from_beds": 20}])
def test_how_full_some_homes_are_is_not_compared_with_the_beds_of_all(only: dict[str, Any]) -> None:
    asked = {"part": "residents", "of": "beds", "min_share": 0.6, "per": "town"}
    some = rule("S", "share", **asked, **only)
    sites = [home(20, facts={"residents": 1.0})]
    problem = build(sites, [FLOOR, some], points=[Point(1000.0)], zones=[TOWN])
    assert of_kind("occupancy", problem) == []


# Locks: 1,000 elders need 30 beds


def locked(**lock: Any) -> Problem:
    """Return a unit whose one candidate has room for 30 beds, with a lock on it."""
    return build([Site(high=30, **lock)], [BEDS], points=[Point(1000.0)], zones=[TOWN])


def test_a_candidate_that_is_forbidden_and_would_do_is_a_conflict() -> None:
    found = of_kind("locks", locked(forbidden=True))
    assert {each.scope for each in found} == {"unit", "all"}
    assert {each.note for each in found} == {"forbid"}
    assert {(each.required, each.measured, each.possible) for each in found} == {(30.0, 0.0, 30.0)}
    assert {each.examples for each in found} == {("C0",)}


def test_a_candidate_that_would_not_do_either_way_is_none() -> None:
    problem = build([Site(high=29, forbidden=True)], [BEDS], points=[Point(1000.0)])
    assert of_kind("locks", problem) == []


def test_beds_that_are_fixed_below_the_need_are_a_conflict() -> None:
    problem = locked(locked_beds=20)
    found = of_kind("locks", problem, layout(problem, {"C0": 20}))
    assert {(each.note, each.measured, each.possible) for each in found} == {("beds", 20.0, 30.0)}
    enough = build([Site(high=30, locked_beds=20), Site(high=10)], [BEDS], points=[Point(1000.0)])
    assert of_kind("locks", enough, layout(enough, {"C0": 20})) == []


def test_an_excluded_area_is_told_apart_from_a_lock() -> None:
    problem = replace(locked(), site_excluded=np.array([True]))
    assert {each.note for each in of_kind("locks", problem)} == {"exclude"}


def test_two_bars_that_only_together_matter_are_named_together() -> None:
    sites = [Site(high=15, forbidden=True), Site(high=15)]
    problem = replace(
        build(sites, [BEDS], points=[Point(1000.0)]), site_excluded=np.array([False, True])
    )
    found = of_kind("locks", problem)
    assert {each.note for each in found} == {"forbid exclude"}
    assert {each.examples for each in found} == {("C0", "C1")}


def test_two_bars_of_which_either_would_do_are_both_named() -> None:
    sites = [Site(high=30, forbidden=True), Site(high=30)]
    problem = replace(
        build(sites, [BEDS], points=[Point(1000.0)]), site_excluded=np.array([False, True])
    )
    found = of_kind("locks", problem)
    assert {(each.note, each.examples) for each in found} == {
        ("forbid", ("C0",)), ("exclude", ("C1",)),
    }  # fmt: skip


def test_a_rule_that_is_only_audited_clashes_with_no_lock() -> None:
    audited = replace(BEDS, enforce=False)
    problem = build([Site(high=30, forbidden=True)], [audited], points=[Point(1000.0)])
    assert of_kind("locks", problem) == []


def test_what_another_site_could_still_do_is_no_clash_with_a_lock() -> None:
    problem = build([Site(high=30, forbidden=True), Site(high=30)], [BEDS], points=[Point(1000.0)])
    assert of_kind("locks", problem) == []


def test_coverage_that_a_lock_takes_away_is_a_conflict() -> None:
    points = [Point(100.0, density=2)]
    for metres, many in ((500.0, 1), (500.01, 0)):
        problem = build([Site(high=30, forbidden=True, xy=(metres, 0.0))], [NEAR], points=points)
        found = of_kind("locks", problem)
        assert len(found) == many
        assert all((each.unit, each.required, each.possible) == ("share", 1.0, 1.0)
                   for each in found)  # fmt: skip


def test_a_run_tells_of_its_conflicts_in_the_record_and_in_its_tables(tmp_path: Path) -> None:
    """东街 has 6,000 elders, 180 beds; H1 has 60 and room for 120, each of C1 to C3 for 100."""
    path = tiny.write_tiny(tmp_path, locks__forbid=["C1", "C2", "C3"], distance="straight")
    done = audit_layout(siting.read_scenario(path))
    record = json.loads(json.dumps(done.record, allow_nan=False))["conflicts"]
    (found,) = [each for each in record if (each["rule_id"], each["scope_id"]) == ("HZ-01", "东街")]
    assert (found["kind"], found["note"]) == ("locks", "forbid")
    assert found["examples"] == ["C1", "C2", "C3"]
    assert (found["required"], found["measured"], found["possible"]) == (180.0, 60.0, 420.0)
    table = csv_tables(done.tables)["conflicts"]
    assert table["message"].tolist() == [each["message"] for each in record]
    assert done.scenario.report.beds_over_need == 1.5


# Thin data


def test_rules_that_lack_one_input_are_one_line() -> None:
    rules = [
        rule("A", "ratio", staff_per_10000=25, staff="care_workers"),
        rule("B", "share", part="senior_care_workers", of="care_workers", min_share=0.2),
        rule("C", "note", needs="carer_register"),
        rule("D", "threshold", from_beds=40, needs="rehab_room"),
    ]
    found = conflicts(build([home()], rules))
    assert [(each.kind, each.rule_id, each.count, each.note) for each in found] == [
        ("thin_data", "A B", 2, "facts.care_workers"),
        ("thin_data", "C", 1, "carer_register"),
        ("thin_data", "D", 1, "facts.rehab_room"),
    ]


def test_what_is_told_is_no_thin_data() -> None:
    rules = [rule("D", "threshold", from_beds=40, needs="rehab_room")]
    assert conflicts(build([home(facts={"rehab_room": False})], rules)) == []


def test_a_rule_is_counted_once_however_many_homes_lack_the_input() -> None:
    asked = rule("D", "threshold", from_beds=40, needs="rehab_room")
    (found,) = conflicts(build([home(), home(), home()], [asked]))
    assert (found.rule_id, found.count) == ("D", 1)


def test_homes_to_be_built_are_a_line_of_their_own() -> None:
    asked = rule("D", "threshold", from_beds=40, needs="rehab_room")
    problem = build([Site(high=40)], [asked])
    (found,) = conflicts(problem, layout(problem, {"C0": 40}))
    assert found.note == "to_build"


def test_a_number_of_homes_to_be_built_is_no_input_of_its_own() -> None:
    asked = rule("D", "ratio", residents_per_staff=4, staff="nurses", per="facility")
    problem = build([Site(high=40), Site(high=40)], [asked])
    (found,) = conflicts(problem, layout(problem, {"C0": 40, "C1": 40}))
    assert (found.kind, found.note, found.count) == ("thin_data", "to_build", 1)


# Over-supply: 1,000 elders need 30 beds, 1.5 times that is 45


def town(*elders_at: float, density: int = 0) -> list[Point]:
    """Return 1,000 elders, in equal parts at some metres along a line."""
    return [Point(1000.0 / len(elders_at), (x, 0.0), density=density) for x in elders_at]


@pytest.mark.parametrize(("beds", "many"), [(45, 0), (46, 1)])
def test_beds_above_one_and_a_half_times_the_need_are_over_supply(beds: int, many: int) -> None:
    problem = build([Site(high=100)], [BEDS], points=town(0.0))
    found = of_kind("over_supply", problem, layout(problem, {"C0": beds}))
    assert [(each.required, each.measured, each.note) for each in found] == [
        (30.0, float(beds), "no_reason")
    ] * many


def test_how_many_times_the_need_is_a_setting() -> None:
    problem = build([Site(high=100)], [BEDS], points=town(0.0))
    beds = layout(problem, {"C0": 61})
    assert len(of_kind("over_supply", problem, beds, times=2.0)) == 1
    assert of_kind("over_supply", problem, beds, times=61 / 30) == []


@pytest.mark.parametrize(("apart", "note"), [(1000.0, "no_reason"), (1000.1, "coverage")])
def test_several_sites_that_coverage_needs_are_the_reason(apart: float, note: str) -> None:
    sites = [Site(high=50, xy=(x, 0.0)) for x in (0.0, apart / 2, apart)]
    problem = build(sites, [BEDS, NEAR], points=town(0.0, apart, density=2))
    found = of_kind("over_supply", problem, layout(problem, {"C0": 25, "C2": 25}))
    assert [each.note for each in found] == [note]


def test_beds_that_stand_are_told_apart() -> None:
    problem = build([home(100), Site(high=50)], [BEDS], points=town(0.0))
    (found,) = of_kind("over_supply", problem)
    assert (found.note, found.measured, found.possible) == ("standing", 100.0, 100.0)
    (grown,) = of_kind("over_supply", problem, layout(problem, {"H0": 100, "C1": 10}))
    assert (grown.note, grown.measured, grown.possible) == ("no_reason", 110.0, 100.0)


def test_each_unit_is_measured_by_the_rule_that_asks_for_most() -> None:
    more = rule("MORE", "ratio", beds_per_10000=400)
    problem = build([Site(high=100)], [BEDS, more], points=town(0.0))
    assert of_kind("over_supply", problem, layout(problem, {"C0": 60})) == []
    (found,) = of_kind("over_supply", problem, layout(problem, {"C0": 61}))
    assert (found.rule_id, found.required) == ("MORE", 40.0)


# Two numbers for one thing


def test_of_two_bed_ratios_the_larger_binds() -> None:
    more = rule("MORE", "ratio", beds_per_10000=400)
    found = of_kind("two_numbers", build([home()], [BEDS, more], points=[Point(1000.0)]))
    assert [(each.rule_id, each.other_id, each.scope) for each in found] == [
        ("MORE", "BEDS", "unit"), ("MORE", "BEDS", "all"),
    ]  # fmt: skip
    assert {(each.required, each.other_required, each.unit) for each in found} == {
        (40.0, 30.0, "beds")
    }


def test_two_rules_with_one_number_are_no_conflict() -> None:
    same = rule("SAME", "ratio", beds_per_10000=300)
    assert of_kind("two_numbers", build([home()], [BEDS, same], points=[Point(1000.0)])) == []


def test_beds_of_other_kinds_or_other_owners_are_other_things() -> None:
    rules = [
        BEDS,
        rule("N", "ratio", nursing_beds_per_10000=100),
        rule("S", "share", part="nursing_beds", of="beds", min_share=0.65),
        rule("P", "share", part="nursing_beds", of="beds", min_share=0.68, owners=["public"]),
    ]
    assert of_kind("two_numbers", build([home()], rules, points=[Point(1000.0)])) == []


def test_other_areas_are_not_compared() -> None:
    zones = [Zone("z0", "甲镇"), Zone("z1", "乙镇")]
    points = [Point(1000.0, zone=0), Point(1000.0, zone=1)]
    rules = [rule(name, "ratio", beds_per_10000=rate, per="town", only=[where])
             for name, rate, where in (("A", 300, "甲镇"), ("B", 400, "乙镇"))]  # fmt: skip
    assert of_kind("two_numbers", build([home()], rules, points=points, zones=zones)) == []


def test_several_places_are_one_line_with_the_largest_difference() -> None:
    zones = [Zone("z0", "甲镇"), Zone("z1", "乙镇")]
    points = [Point(1000.0, zone=0), Point(3000.0, zone=1)]
    rules = [rule("A", "ratio", beds_per_10000=300, per="town"),
             rule("B", "ratio", beds_per_10000=400, per="town")]  # fmt: skip
    (found,) = of_kind("two_numbers", build([home()], rules, points=points, zones=zones))
    assert (found.count, found.scope_id) == (2, "乙镇")
    assert (found.required, found.other_required) == (120.0, 90.0)


def test_which_staff_ratio_binds_may_depend_on_the_place() -> None:
    zones = [Zone("z0", "甲镇"), Zone("z1", "乙镇")]
    points = [Point(1000.0, zone=0), Point(1000.0, zone=1)]
    sites = [home(600, zone=0), home(20, zone=1)]
    rules = [rule("BY_BEDS", "ratio", beds_per_staff=60, staff="social_workers", per="town"),
             rule("BY_HEADS", "ratio", staff_per_10000=30, staff="social_workers", per="town"),
             ]  # fmt: skip
    found = of_kind("two_numbers", build(sites, rules, points=points, zones=zones))
    told = [(each.rule_id, each.scope_id, each.required, each.other_required) for each in found]
    assert told == [("BY_BEDS", "甲镇", 10.0, 3.0), ("BY_HEADS", "乙镇", 3.0, 1.0)]


def test_shares_are_compared_also_where_no_file_tells_of_the_beds() -> None:
    rules = [rule(name, "share", part="nursing_beds", of="beds", min_share=share)
             for name, share in (("A", 0.6), ("B", 0.65))]  # fmt: skip
    (found,) = of_kind("two_numbers", build([home(nursing=None)], rules))
    assert (found.rule_id, found.required, found.other_required) == ("B", 0.65, 0.6)


def test_a_binding_rule_that_is_only_audited_is_said_so() -> None:
    more = rule("MORE", "ratio", beds_per_10000=400, enforce=False)
    found = of_kind("two_numbers", build([home()], [BEDS, more], points=[Point(1000.0)]))
    assert {each.note for each in found} == {"audited_only"}


def test_two_numbers_of_homes_and_of_functions_are_compared() -> None:
    zones = [Zone("z0", "甲街道", "东")]
    for one, other in (
        ({"kind": "count", "what": "smart", "min_count": 2, "per": "district"}, {"min_count": 1}),
        ({"kind": "presence", "function": "canteen", "min_count": 2}, {"min_count": 1}),
        ({"kind": "coverage", "what": "canteen", "min_share": 1.0, "per": "zone"},
         {"min_share": 0.0}),
    ):  # fmt: skip
        rules = [rule("A", **one), rule("B", **(one | other))]
        (found,) = of_kind("two_numbers", build([home()], rules, zones=zones))
        assert (found.rule_id, found.other_id) == ("A", "B")


# In words


EVERY = [
    Conflict("occupancy", "A", "1", "B", "2", "town", "甲镇", required=40.0, other_required=0.6,
             measured=23.0, possible=0.575, unit="beds"),
    Conflict("occupancy", "A", "1", "B", "2", "town", "甲镇", required=50.0, other_required=0.6,
             measured=23.0, possible=0.46, unit="beds", note="planned"),
    *(Conflict("locks", "A", "1", scope="unit", scope_id="u", required=30.0, measured=0.0,
               possible=30.0, unit="beds", note=note, examples=("C0",))
      for note in ("forbid", "beds", "exclude", "forbid exclude")),
    *(Conflict("two_numbers", "A", "1", "B", "2", required=0.65, other_required=0.6, unit="share",
               note=note) for note in ("", "audited_only")),
    *(Conflict("over_supply", "A", "1", scope="unit", scope_id="u", required=30.0,
               other_required=1.5, measured=46.0, possible=0.0, unit="beds", note=note)
      for note in ("coverage", "standing", "no_reason")),
    Conflict("thin_data", "A B", count=2, note="facts.nurses"),
    Conflict("thin_data", "A B", count=2, note="to_build"),
    Conflict("thin_data", "A B", count=2, note="functions.canteen"),
    Conflict("thin_data", "A", "1", "B", "2", "town", "甲镇", count=2, note="facts.residents"),
]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_conflict_is_said_with_its_numbers(language: str) -> None:
    assert {each.kind for each in EVERY} == set(KINDS)
    said = [each.render(language) for each in EVERY]
    assert len(set(said)) == len(said)
    for sentence in said:
        assert "nan" not in sentence
        assert "{" not in sentence
    assert all(part in said[0] for part in ("A", "B", "40", "60.0%", "23", "57.5%", "甲镇"))
    assert all(part in said[1] for part in ("A", "B", "50", "60.0%", "23", "46.0%", "甲镇"))
    assert all(part in said[6] for part in ("65.0%", "60.0%"))
    assert all(part in said[8] for part in ("46", "1.5", "30"))


def test_the_record_is_plain_and_has_no_numbers_that_are_none() -> None:
    for each in EVERY:
        record = each.to_record("en")
        assert record["message"] == each.render("en")
        for key in NUMBERS:
            value = getattr(each, key)
            assert record[key] == (None if math.isnan(value) else value)


def test_every_input_that_a_packaged_rule_may_lack_has_words() -> None:
    for language in LANGUAGES:
        for part in ("functions", "ownership", "nursing_beds", "dementia_beds"):
            assert input_words(f"existing.{part}", language) != f"existing.{part}"
        for area in ("street", "town", "urban_street", "circle", "village", "district", "zone",
                     "residents"):  # fmt: skip
            assert input_words(f"zones.{area}", language) != f"zones.{area}"
    assert input_words("facts.of_my_own", "zh") == "facts.of_my_own"
    assert input_words("functions.canteen", "en") == (
        "a function that the scenario's functions do not list: elder canteen (functions.canteen)"
    )


def test_kinds_and_notes_have_words() -> None:
    written = {key for key in catalogue() if key.startswith("conflicts.kind_")}
    assert written == {f"conflicts.kind_{kind}" for kind in KINDS}
