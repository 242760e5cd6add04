"""What the auditor finds of every kind of rule: on both sides of each limit, and in the dark."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_mix import (
    HIGH,
    MEDIUM,
    Point,
    Site,
    Zone,
    build,
    findings,
    prepared,
    raw_findings,
    rule,
    today,
)

from siting.audit import CHECK, audit
from siting.audit_areas import circle_status
from siting.audit_homes import place_word
from siting.facts import owners, read_facts
from siting.model import CONSTRAIN
from siting.problem import Layout, Problem
from siting.standards import DESCRIBE, EXAMPLES, KINDS, Rule

TWO = [
    Zone("z0", street="甲街道", district="东", residents=10_000.0),
    Zone("z1", street="乙镇", district="西", residents=10_000.0),
]
NURSING = {"part": "nursing_beds", "of": "beds", "min_share": 0.65}
F = frozenset


def home(**told: Any) -> Site:
    """Return a home of ten beds unless told otherwise."""
    return Site(home=True, **({"beds": 10} | told))


def found(sites: list[Site], asked: Rule, **town: Any) -> list[tuple[str, str, str]]:
    """Return area, verdict and note of each finding of one rule on what stands."""
    problem = build(sites, [asked], **town)
    return [(each.scope_id, each.verdict, each.note) for each in findings(problem)]


def one(sites: list[Site], asked: Rule, **town: Any) -> tuple[str, str]:
    """Return verdict and note of the only finding."""
    verdicts = found(sites, asked, **town)
    assert len(verdicts) == 1
    return verdicts[0][1:]


def planned(problem: Problem, *, beds: list[int], functions: list[F[str] | None]) -> Layout:
    """Return a layout of some beds and functions; 0 beds: nothing stands."""
    has = np.empty(len(beds), dtype=object)
    has[:] = functions
    count = np.array(beds, dtype=np.int64)
    nursing = np.minimum(problem.sites.nursing_beds, count)
    dementia = np.minimum(problem.sites.dementia_beds, count)
    return Layout(count > 0, count, nursing, dementia, has)


def test_every_kind_of_rule_is_described_checked_and_planned_for() -> None:
    assert set(DESCRIBE) == set(EXAMPLES) == set(CHECK) == set(CONSTRAIN) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_every_kind_is_judged_on_an_empty_town(kind: str) -> None:
    asked = rule("R", kind, **EXAMPLES[kind])
    verdicts = found([], asked)
    assert verdicts
    assert {verdict for _, verdict, _ in verdicts} <= {"met", "unknown", "not_applicable"}


# Areas.

BY_AREA = [
    ("ratio", {"dementia_beds_per_10000": 20.0, "per": "town"}, "zones.town"),
    ("ratio", {"beds_per_staff": 10.0, "staff": "nurses", "per": "district"}, "zones.district"),
    ("share", NURSING | {"per": "district"}, "zones.district"),
    ("count", {"what": "canteen", "min_count": 1, "per": "street"}, "zones.street"),
    ("count", {"sum_of": "home_care_beds", "min_count": 1, "per": "town"}, "zones.town"),
    ("coverage", {"what": "canteen", "min_share": 0.5, "per": "village"}, "zones.village"),
    ("presence", {"function": "canteen"}, "zones.street"),
]


@pytest.mark.parametrize(("kind", "asked", "needs"), BY_AREA)
def test_a_rule_over_areas_that_no_file_tells_of_ends_unknown(
    kind: str, asked: dict[str, Any], needs: str
) -> None:
    stands = home(nursing=10, functions=F({"canteen"}), facts={"nurses": 5.0})
    assert one([stands], rule("R", kind, **asked)) == ("unknown", f"needs:{needs}")


@pytest.mark.parametrize(("kind", "asked", "needs"), BY_AREA)
def test_a_rule_over_areas_of_which_there_are_none_applies_to_nothing(
    kind: str, asked: dict[str, Any], needs: str
) -> None:
    facts = {"nurses": 5.0, "home_care_beds": 3.0}
    stands = home(nursing=10, functions=F({"canteen"}), facts=facts)
    del needs
    if "per" in asked:
        asked = asked | {"only": ["no such place"]}
        assert one([stands], rule("R", kind, **asked), zones=TWO) == ("not_applicable", "")


def test_a_rule_names_the_areas_it_is_about() -> None:
    asked = rule("R", "count", what="canteen", min_count=1, per="district", only=["西"])
    assert found([home()], asked, zones=TWO) == [("西", "unmet", "")]


# Beds and staff in proportion.


@pytest.mark.parametrize(("beds", "verdict"), [(40, "met"), (39, "unmet"), (41, "met")])
def test_beds_per_10000_of_an_area(beds: int, verdict: str) -> None:
    asked = rule("R", "ratio", beds_per_10000=400.0, per="town")
    sites = [home(beds=beds, zone=1), home(beds=500, zone=0)]
    points = [Point(1000.0, zone=1), Point(9000.0, zone=0)]
    assert found(sites, asked, points=points, zones=TWO) == [("乙镇", verdict, "")]


@pytest.mark.parametrize(("kind", "at_least"), [("nursing", 20), ("dementia", 20)])
def test_beds_of_a_kind_per_10000(kind: str, at_least: int) -> None:
    asked = rule("R", "ratio", **{f"{kind}_beds_per_10000": 20.0})
    for beds, verdict in ((at_least, "met"), (at_least - 1, "unmet")):
        stands = home(beds=50, nursing=25, dementia=0) if kind == "dementia" else home(beds=50)
        stands = replace(stands, **{kind: beds})
        assert one([stands], asked, points=[Point(10_000.0)]) == (verdict, "")
    silent = replace(home(beds=50), **{kind: None})
    note = f"needs:existing.{kind}_beds"
    assert one([silent], asked, points=[Point(10_000.0)]) == ("unknown", note)


def test_beds_of_a_home_that_does_not_count_are_not_counted() -> None:
    asked = rule("R", "ratio", dementia_beds_per_10000=20.0)
    sites = [home(beds=9, nursing=9, dementia=9), home(nursing=9, dementia=9, institution=False)]
    assert one(sites, asked, points=[Point(10.0)]) == ("unmet", "")


@pytest.mark.parametrize(
    ("staff", "verdict", "note"),
    [(3.0, "met", ""), (2.0, "unmet", ""), (None, "unknown", "needs:facts.care_workers"),
     ("some", "unknown", "needs:facts.care_workers"),
     (True, "unknown", "needs:facts.care_workers")],
)  # fmt: skip
def test_staff_per_10000(staff: Any, verdict: str, note: str) -> None:
    asked = rule("R", "ratio", staff_per_10000=25.0, staff="care_workers")
    facts = {} if staff is None else {"care_workers": staff}
    assert one([home(facts=facts)], asked, points=[Point(1001.0)]) == (verdict, note)


def test_staff_of_homes_still_to_be_built_are_neither_there_nor_missing() -> None:
    asked = rule("R", "ratio", staff_per_10000=25.0, staff="nurses")
    for nurses, verdict, note in ((3.0, "met", ""), (2.0, "unknown", "to_build")):
        sites = [home(facts={"nurses": nurses}), Site(low=10, high=20)]
        problem = build(sites, [asked], points=[Point(1001.0)])
        layout = planned(problem, beds=[10, 20], functions=[F(), F()])
        assert [(each.verdict, each.note) for each in findings(problem, layout)] == [
            (verdict, note)
        ]


@pytest.mark.parametrize(("nurses", "verdict"), [(4.0, "met"), (3.0, "unmet")])
def test_one_of_the_staff_for_so_many_beds(nurses: float, verdict: str) -> None:
    # 31 beds at one for 10 are 4.
    asked = rule("R", "ratio", beds_per_staff=10.0, staff="nurses", per="all")
    assert one([home(beds=31, facts={"nurses": nurses})], asked) == (verdict, "")


def test_staff_in_every_home_against_its_residents() -> None:
    asked = rule("R", "ratio", residents_per_staff=60.0, staff="nurses", per="facility")
    sites = [
        home(facts={"residents": 120.0, "nurses": 2.0}),
        home(facts={"residents": 121.0, "nurses": 2.0}),
        home(facts={"nurses": 2.0}),
        home(facts={"residents": 10.0}),
        home(beds=9, facts={"residents": 10.0}),
    ]
    assert found(sites, asked) == [
        ("H0", "met", ""),
        ("H1", "unmet", ""),
        ("H2", "unknown", "needs:facts.residents"),
        ("H3", "unknown", "needs:facts.nurses"),
    ]


def test_staff_only_in_homes_that_have_something() -> None:
    asked = rule(
        "R", "ratio", residents_per_staff=60.0, staff="nurses", per="facility", having="own_clinic"
    )
    enough = {"residents": 60.0, "nurses": 1.0}
    sites = [
        home(facts=enough | {"own_clinic": True}),
        home(facts=enough | {"own_clinic": 1.0}),
        home(facts=enough | {"own_clinic": False, "nurses": 0.0}),
        home(facts=enough),
    ]
    assert found(sites, asked) == [
        ("H0", "met", ""),
        ("H1", "met", ""),
        ("H3", "unknown", "needs:facts.own_clinic"),
    ]
    assert one([sites[2]], asked) == ("not_applicable", "")


def test_residents_of_one_home_in_the_dark_leave_all_in_the_dark() -> None:
    asked = rule("R", "ratio", residents_per_staff=60.0, staff="nurses", per="all")
    sites = [home(facts={"residents": 60.0, "nurses": 9.0}), home(facts={"nurses": 9.0})]
    assert one(sites, asked) == ("unknown", "needs:facts.residents")
    assert one(sites[:1], asked) == ("met", "")


# Shares.


@pytest.mark.parametrize(("nursing", "verdict"), [(13, "met"), (12, "unmet"), (14, "met")])
def test_a_share_of_nursing_beds_is_inclusive(nursing: int, verdict: str) -> None:
    assert one([home(beds=20, nursing=nursing)], rule("R", "share", **NURSING)) == (verdict, "")


def test_a_share_of_beds_is_unknown_without_its_column_and_nothing_without_homes() -> None:
    asked = rule("R", "share", **NURSING)
    silent = home(nursing=None)
    assert one([silent], asked) == ("unknown", "needs:existing.nursing_beds")
    assert one([], asked) == ("not_applicable", "")
    assert one([home(beds=9, nursing=0)], asked) == ("not_applicable", "")


def test_a_share_of_public_homes_needs_to_know_who_owns_each() -> None:
    asked = rule("R", "share", **NURSING, owners=["public", "public_private"])
    public = home(beds=20, nursing=13)
    private = home(beds=20, nursing=0, owner="private")
    nobody = home(beds=20, nursing=20, owner="")
    assert one([public, private], asked) == ("met", "")
    assert one([replace(public, nursing=12), private], asked) == ("unmet", "")
    assert one([public, nobody], asked) == ("unknown", "needs:existing.ownership")
    assert one([private], asked) == ("not_applicable", "")


def test_a_public_home_under_contract_is_an_owner_of_its_own() -> None:
    words = ["公办", "公建民营", "民办", "联营", ""]
    told = owners(np.array(words, dtype=object)).tolist()
    assert told == ["public", "public_private", "private", "", ""]


def test_a_cell_is_a_yes_a_no_a_finite_number_or_a_text() -> None:
    cells = np.array(["", "是", "无", "0", "12", "待定", "nan", "inf"], dtype=object)
    source: Any = SimpleNamespace(ids=cells, texts=lambda _: cells)
    told = [each.get("fact") for each in read_facts(source, {"fact": "c"})]
    assert told == [None, True, False, 0.0, 12.0, "待定", "nan", "inf"]


def test_a_share_per_district_judges_each() -> None:
    asked = rule("R", "share", **NURSING, per="district")
    sites = [home(nursing=7, zone=0), home(nursing=6, zone=1)]
    assert found(sites, asked, zones=TWO) == [("东", "met", ""), ("西", "unmet", "")]
    assert found(sites[:1], asked, zones=TWO) == [("东", "met", ""), ("西", "not_applicable", "")]


def test_a_share_in_every_home_of_a_size() -> None:
    asked = rule("R", "share", **NURSING, per="facility", from_beds=12)
    sites = [home(beds=12, nursing=8), home(beds=12, nursing=7), home(beds=11, nursing=0)]
    assert found(sites, asked) == [("H0", "met", ""), ("H1", "unmet", "")]


@pytest.mark.parametrize(
    ("facts", "verdict", "note"),
    [
        ([{"medical": True}, {"medical": 1.0}], "met", ""),
        ([{"medical": True}, {"medical": False}], "unmet", ""),
        ([{"medical": True}, {"medical": 0.0}], "unmet", ""),
        ([{"medical": True}, {}], "unknown", "needs:facts.medical"),
        ([{"medical": True}, {"medical": "planned"}], "unknown", "needs:facts.medical"),
    ],
)
def test_a_share_of_homes_with_something(
    facts: list[dict[str, Any]], verdict: str, note: str
) -> None:
    asked = rule("R", "share", part="medical", of="facilities", min_share=1.0)
    assert one([home(facts=each) for each in facts], asked) == (verdict, note)


def test_a_share_of_residents_in_beds() -> None:
    asked = rule("R", "share", part="residents", of="beds", min_share=0.6)
    assert one([home(facts={"residents": 6.0})], asked) == ("met", "")
    assert one([home(facts={"residents": 5.0})], asked) == ("unmet", "")
    assert one([home(facts={})], asked) == ("unknown", "needs:facts.residents")


def test_a_share_of_staff_in_staff() -> None:
    asked = rule("R", "share", part="senior_care_workers", of="care_workers", min_share=0.2)
    both = {"senior_care_workers": 2.0, "care_workers": 10.0}
    assert one([home(facts=both)], asked) == ("met", "")
    assert one([home(facts=both | {"care_workers": 11.0})], asked) == ("unmet", "")
    assert one([home(facts={"senior_care_workers": 2.0})], asked)[0] == "unknown"
    assert one([home(facts={"care_workers": 2.0})], asked)[1] == "needs:facts.senior_care_workers"


# Counts.


@pytest.mark.parametrize(("number", "verdict"), [(1, "unmet"), (2, "met"), (3, "met")])
def test_homes_with_a_function_in_every_district(number: int, verdict: str) -> None:
    asked = rule("R", "count", what="consortium", min_count=2, per="district", only=["东"])
    sites = [home(functions=F({"consortium"})) for _ in range(number)]
    others = [home(functions=F({"consortium"}), zone=1), home()]
    assert found([*sites, *others], asked, zones=TWO) == [("东", verdict, "")]


def test_homes_of_which_it_is_not_known_decide_only_what_they_could() -> None:
    asked = rule("R", "count", what="consortium", min_count=2, per="all")
    has, silent = home(functions=F({"consortium"})), home(functions=None)
    assert one([has, silent], asked) == ("unknown", "needs:existing.functions")
    assert one([has, has, silent], asked) == ("met", "")
    assert one([home(), silent], asked) == ("unmet", "")


def test_a_care_centre_is_only_what_a_home_that_counts_has() -> None:
    for function, verdict in (("care_centre", "unmet"), ("canteen", "met")):
        asked = rule("R", "count", what=function, min_count=1, per="all")
        for stands in (home(beds=9), home(institution=False)):
            assert one([replace(stands, functions=F({function}))], asked) == (verdict, "")


@pytest.mark.parametrize(
    ("value", "verdict", "note"),
    [(True, "met", ""), (1.0, "met", ""), (False, "unmet", ""), (0.0, "unmet", ""),
     (None, "unknown", "needs:facts.training_base"),
     ("soon", "unknown", "needs:facts.training_base")],
)  # fmt: skip
def test_homes_with_a_fact(value: Any, verdict: str, note: str) -> None:
    asked = rule("R", "count", what="training_base", min_count=1, per="all")
    facts = {} if value is None else {"training_base": value}
    assert one([home(facts=facts)], asked) == (verdict, note)


def test_homes_of_a_size_and_of_owners() -> None:
    asked = rule("R", "count", min_beds=200, min_count=1, per="town")
    for beds, verdict in ((200, "met"), (199, "unmet")):
        sites = [home(beds=beds, zone=1), home(beds=900, zone=0)]
        assert found(sites, asked, zones=TWO) == [("乙镇", verdict, "")]
    public = rule("R", "count", min_beds=200, min_count=1, per="all", owners=["public"])
    assert one([home(beds=200, owner="private")], public) == ("unmet", "")
    assert one([home(beds=200, owner="")], public) == ("unknown", "needs:existing.ownership")
    assert one([home(beds=199, owner="")], public) == ("unmet", "")
    assert one([home(beds=200, owner=""), home(beds=200)], public) == ("met", "")


def test_public_homes_with_a_function() -> None:
    asked = rule("R", "count", what="mainly_nursing", min_count=1, per="all", owners=["public"])
    yes = {"mainly_nursing": True}
    assert one([home(facts=yes)], asked) == ("met", "")
    assert one([home(facts=yes, owner="private")], asked) == ("unmet", "")
    assert one([home(facts=yes, owner="")], asked) == ("unknown", "needs:existing.ownership")
    assert one([home()], asked) == ("unknown", "needs:facts.mainly_nursing")
    assert one([home(owner="private")], asked) == ("unmet", "")


@pytest.mark.parametrize(
    ("dementia", "verdict", "note"),
    [(10, "met", ""), (9, "unmet", ""), (None, "unknown", "needs:existing.dementia_beds")],
)
def test_a_memory_home_of_enough_dementia_beds(
    dementia: int | None, verdict: str, note: str
) -> None:
    asked = rule("R", "count", what="memory_home", min_count=1, min_dementia_beds=10, per="all")
    stands = home(beds=20, nursing=20, dementia=dementia, functions=F({"memory_home"}))
    assert one([stands], asked) == (verdict, note)


def test_the_sum_of_a_fact_over_homes() -> None:
    asked = rule("R", "count", sum_of="home_care_beds", min_count=10, per="town")
    for beds, verdict in ((4.0, "met"), (3.0, "unmet")):
        sites = [
            home(zone=1, facts={"home_care_beds": 6.0}),
            home(zone=1, institution=False, facts={"home_care_beds": beds}),
            home(zone=0, facts={"home_care_beds": 90.0}),
        ]
        assert found(sites, asked, zones=TWO) == [("乙镇", verdict, "")]
    silent = [home(zone=1, facts={"home_care_beds": 60.0}), home(zone=1)]
    assert one(silent, asked, zones=TWO) == ("unknown", "needs:facts.home_care_beds")


# Shares of areas, and distances.


@pytest.mark.parametrize(
    ("share", "verdict"), [(0.25, "met"), (0.5, "met"), (0.51, "unmet"), (1.0, "unmet")]
)
def test_a_share_of_areas_with_a_function_is_rounded_up(share: float, verdict: str) -> None:
    zones = [Zone(f"z{k}", street=f"{k}镇") for k in range(4)]
    asked = rule("R", "coverage", what="station", min_share=share, per="town")
    sites = [home(zone=k, functions=F({"station"})) for k in (0, 1, 1)]
    note = "lacks:2镇, 3镇" if verdict == "unmet" else ""
    assert found(sites, asked, zones=zones) == [("all", verdict, note)]


def test_areas_in_the_dark_decide_only_what_they_could() -> None:
    zones = [Zone(f"z{k}", street=f"{k}镇") for k in range(4)]
    asked = rule("R", "coverage", what="station", min_share=0.5, per="town")
    has = home(functions=F({"station"}))
    dark = [home(zone=k, functions=None) for k in (1, 1, 2)]
    assert one([has, dark[0]], asked, zones=zones) == ("unknown", "needs:existing.functions")
    assert one([dark[0], dark[1]], asked, zones=zones) == ("unmet", "lacks:0镇, 2镇, 3镇")
    assert one([dark[0], dark[2]], asked, zones=zones)[0] == "unknown"


@pytest.mark.parametrize(
    ("density", "rate", "metres", "verdict"),
    [
        (HIGH, {"density_above_per_km2": 3000.0}, 500.0, "met"),
        (HIGH, {"density_above_per_km2": 3000.0}, 500.01, "unmet"),
        (MEDIUM, {"density_above_per_km2": 3000.0}, 900.0, "not_applicable"),
        (MEDIUM, {"density_from_per_km2": 1000.0}, 501.0, "unmet"),
    ],
)
def test_a_home_within_a_distance_of_elders(
    density: int, rate: dict[str, float], metres: float, verdict: str
) -> None:
    asked = rule("R", "coverage", distance_m=500.0, **rate)
    points = [Point(100.0, (metres, 0.0), density=density, zone=-1)]
    assert one([home()], asked, points=points) == (verdict, "")


# Circles.


def test_a_function_of_a_circle_is_built_planned_missing_or_unknown() -> None:
    asked = rule("R", "presence", function="canteen")
    zones = [Zone("z0", street="甲街道"), Zone("z1", street="乙镇"), Zone("z2", street="丙镇"),
             Zone("z3", street="丁镇")]  # fmt: skip
    sites = [
        home(functions=F({"canteen"})), home(zone=1), home(zone=2), home(zone=3, functions=None),
    ]  # fmt: skip
    problem = build(sites, [asked], zones=zones, functions={"canteen": 1.0})
    functions = [F({"canteen"}), F({"canteen"}), F(), None]
    layout = planned(problem, beds=[10] * 4, functions=functions)
    found_here = findings(problem, layout)
    assert {each.scope_id: (each.verdict, each.note) for each in found_here} == {
        "甲街道": ("met", "built"), "乙镇": ("met", "planned"), "丙镇": ("unmet", "missing"),
        "丁镇": ("unknown", "needs:existing.functions"),
    }  # fmt: skip
    assert circle_status(found_here) == {
        "甲街道": "built", "乙镇": "planned", "丙镇": "missing", "丁镇": "unknown",
    }  # fmt: skip


def test_a_function_that_goes_over_from_a_closed_home_is_planned() -> None:
    asked = rule("R", "presence", function="canteen")
    sites = [home(functions=F({"canteen"})), home()]
    problem = build(sites, [asked], zones=[Zone()], functions={"canteen": 1.0})
    layout = planned(problem, beds=[0, 10], functions=[None, F({"canteen"})])
    assert [(each.verdict, each.note) for each in findings(problem, layout)] == [("met", "planned")]


def test_a_function_that_the_scenario_does_not_price_is_unknown_in_a_new_home() -> None:
    asked = rule("R", "presence", function="canteen")
    problem = build([Site(low=10, high=10)], [asked], zones=[Zone()])
    layout = planned(problem, beds=[10], functions=[F()])
    assert findings(problem, layout)[0].verdict == "unknown"
    priced = build([Site(low=10, high=10)], [asked], zones=[Zone()], functions={"canteen": 1.0})
    assert findings(priced, layout)[0].verdict == "unmet"


def test_a_home_that_takes_on_one_function_does_not_thereby_lack_all_others() -> None:
    asked = rule("R", "presence", function="canteen")
    problem = build([home(functions=None)], [asked], zones=[Zone()], functions={"station": 1.0})
    layout = planned(problem, beds=[10], functions=[F({"station"})])
    assert findings(problem, layout)[0].verdict == "unknown"


@pytest.mark.parametrize(("share", "verdict"), [(0.0999, "met"), (0.1, "unmet"), (0.2, "unmet")])
def test_a_reserved_site_will_do_below_ten_per_cent(share: float, verdict: str) -> None:
    asked = rule("R", "presence", function="canteen", reserve_below_ageing_share=0.1)
    for told in (True, 1.0):
        site = Site(facts={"reserved": told})
        zones = [Zone(residents=10_000.0)]
        town = {"points": [Point(10_000 * share)], "zones": zones, "functions": {"canteen": 1.0}}
        assert one([site], asked, **town)[0] == verdict
        no = replace(site, facts={"reserved": False})
        assert one([no], asked, **town) == ("unmet", "missing")


def test_a_reserved_site_will_do_whatever_the_homes_there_may_have() -> None:
    asked = rule("R", "presence", function="canteen", reserve_below_ageing_share=0.1)
    sites = [home(functions=None), Site(facts={"reserved": True})]
    town = {"points": [Point(100.0)], "zones": [Zone(residents=10_000.0)]}
    assert one(sites, asked, **town) == ("met", "reserved:C1")


def test_two_of_a_function_in_every_circle() -> None:
    asked = rule("R", "presence", function="canteen", min_count=2)
    has = home(functions=F({"canteen"}))
    assert one([has], asked, zones=[Zone()]) == ("unmet", "missing")
    assert one([has, has], asked, zones=[Zone()]) == ("met", "built")
    problem = build([has, home()], [asked], zones=[Zone()], functions={"canteen": 1.0})
    layout = planned(problem, beds=[10, 10], functions=[F({"canteen"})] * 2)
    assert [(each.verdict, each.note) for each in findings(problem, layout)] == [("met", "planned")]


def test_a_care_centre_of_a_home_that_counts_only_in_the_plan_is_planned() -> None:
    asked = rule("R", "presence", function="care_centre")
    small = home(beds=9, high=10, functions=F({"care_centre"}))
    problem = build([small], [asked], zones=[Zone()], functions={"care_centre": 1.0})
    assert [each.verdict for each in findings(problem)] == ["unmet"]
    layout = planned(problem, beds=[10], functions=[F({"care_centre"})])
    assert [(each.verdict, each.note) for each in findings(problem, layout)] == [("met", "planned")]


# What homes must have.


@pytest.mark.parametrize(("beds", "verdict"), [(99, "not_applicable"), (100, "unmet")])
def test_a_threshold_of_beds_is_inclusive(beds: int, verdict: str) -> None:
    asked = rule("R", "threshold", from_beds=100, needs="rehab_room")
    assert one([home(beds=beds, facts={"rehab_room": False})], asked) == (verdict, "")


@pytest.mark.parametrize(
    ("fact", "verdict", "note"),
    [
        (True, "met", ""), (1.0, "met", ""), (False, "unmet", ""), (0.0, "unmet", ""),
        (None, "unknown", "needs:facts.rehab_room"),
        ("not yet", "unknown", "needs:facts.rehab_room"),
    ],
)  # fmt: skip
def test_what_is_not_told_of_a_home_does_not_count_as_there(
    fact: Any, verdict: str, note: str
) -> None:
    asked = rule("R", "threshold", from_beds=10, needs="rehab_room")
    facts = {} if fact is None else {"rehab_room": fact}
    assert found([home(facts=facts)], asked) == [("H0", verdict, note)]


def test_what_a_new_home_must_have_is_to_be_built() -> None:
    asked = rule("R", "threshold", from_beds=10, needs="rehab_room")
    problem = build([Site(low=10, high=10)], [asked])
    layout = planned(problem, beds=[10], functions=[F()])
    assert [(each.verdict, each.note) for each in findings(problem, layout)] == [
        ("unknown", "to_build")
    ]


@pytest.mark.parametrize(
    ("limits", "fact", "verdict"),
    [
        ({"at_least": 2.0}, 2.0, "met"), ({"at_least": 2.0}, 1.0, "unmet"),
        ({"at_least": 2.0}, True, "unknown"), ({"at_least": 2.0}, "many", "unknown"),
        ({"at_least": 2.0}, False, "unmet"), ({"at_most": 3.0}, 3.0, "met"),
        ({"at_most": 3.0}, 4.0, "unmet"), ({"at_most": 3.0}, True, "unknown"),
        ({"at_most": 0.0}, False, "met"), ({"at_least": 1.0, "at_most": 3.0}, 4.0, "unmet"),
        ({"at_least": 1.0, "at_most": 3.0}, 0.0, "unmet"),
        ({"at_least": 1.0, "at_most": 3.0}, 2.0, "met"),
    ],
)  # fmt: skip
def test_a_number_that_is_asked_for_is_not_met_by_a_yes(
    limits: dict[str, float], fact: Any, verdict: str
) -> None:
    asked = rule("R", "threshold", from_beds=10, needs="nurses", **limits)
    assert one([home(facts={"nurses": fact})], asked)[0] == verdict


@pytest.mark.parametrize(
    ("limit", "fact", "concerned"),
    [
        ({"from_residents": 100}, {"residents": 100.0}, True),
        ({"from_residents": 100}, {"residents": 99.0}, False),
        ({"from_stars": 5}, {"stars": 5.0}, True),
        ({"from_stars": 5}, {"stars": 4.0}, False),
        ({"below_stars": 2}, {"stars": 1.0}, True),
        ({"below_stars": 2}, {"stars": 2.0}, False),
    ],
)
def test_thresholds_of_residents_and_stars(
    limit: dict[str, int], fact: dict[str, float], concerned: bool,  # noqa: FBT001
) -> None:  # fmt: skip
    asked = rule("R", "threshold", **limit, needs="nurses", at_least=1.0)
    name = next(iter(fact))
    assert one([home(facts=fact | {"nurses": 0.0})], asked) == (
        ("unmet", "") if concerned else ("not_applicable", "")
    )
    assert one([home(facts={"nurses": 1.0})], asked) == ("unknown", f"needs:facts.{name}")
    known = home(facts={name: fact[name], "nurses": 1.0})
    both = found([known, home(facts={"nurses": 1.0})], asked)
    assert ("all", "unknown", f"needs:facts.{name}") in both
    assert (("H0", "met", "") in both) == concerned


def test_nursing_beds_of_a_home_are_a_number_only_where_the_file_says_them() -> None:
    asked = rule("R", "threshold", below_stars=2, needs="nursing_beds", at_most=0.0)
    facts = {"stars": 1.0}
    assert one([home(nursing=0, facts=facts)], asked) == ("met", "")
    assert one([home(nursing=1, facts=facts)], asked) == ("unmet", "")
    assert one([home(nursing=None, facts=facts)], asked) == (
        "unknown", "needs:existing.nursing_beds",
    )  # fmt: skip


@pytest.mark.parametrize("limit", [{"from_beds": 10}, {"from_stars": 3}])
def test_homes_that_have_something_must_have_something_else(limit: dict[str, int]) -> None:
    asked = rule("R", "threshold", **limit, having="own_clinic", needs="nurses")
    base = {"stars": 3.0, "nurses": 0.0}
    assert one([home(facts=base | {"own_clinic": True})], asked) == ("unmet", "")
    assert one([home(facts=base | {"own_clinic": 1.0})], asked) == ("unmet", "")
    assert one([home(facts=base | {"own_clinic": False})], asked) == ("not_applicable", "")
    assert one([home(facts=base)], asked) == ("unknown", "needs:facts.own_clinic")
    small = home(beds=9, facts={"stars": 2.0})
    assert one([small], asked) == ("not_applicable", "")


def test_a_home_that_has_a_function_is_asked_for_another() -> None:
    asked = rule("R", "threshold", from_beds=10, having="canteen", needs="station")
    assert one([home(functions=F({"canteen", "station"}))], asked) == ("met", "")
    assert one([home(functions=F({"canteen"}))], asked) == ("unmet", "")
    assert one([home(functions=F({"station"}))], asked) == ("not_applicable", "")
    assert one([home(functions=None)], asked)[0] == "unknown"


# What stands together.


def test_place_words_are_inclusive_on_both_limits() -> None:
    words = [place_word(each, 20.0, 100.0) for each in (0, 20, 20.001, 100, 100.001)]
    assert words == ["same", "same", "adjacent", "adjacent", "apart"]


def test_nearness_to_what_may_stand_in_the_dark_is_unknown() -> None:
    asked = rule("R", "colocation", what="station", beside="canteen")
    station = home(functions=F({"station"}))
    far = home(functions=F({"canteen"}), xy=(500.0, 0.0))
    dark = home(functions=None, xy=(100.0, 0.0))
    assert one([station, far], asked) == ("unmet", "apart")
    itself = ("all", "unknown", "needs:existing.functions")
    assert found([station, far, dark], asked) == [
        ("H0", "unknown", "needs:existing.functions"), itself,
    ]  # fmt: skip
    assert found([station, far, replace(dark, xy=(100.1, 0.0))], asked) == [
        ("H0", "unmet", "apart"), itself,
    ]  # fmt: skip
    assert found([station, dark], asked) == [("H0", "unknown", "needs:existing.functions"), itself]
    assert one([station], asked) == ("unmet", "apart")
    assert one([home(functions=F({"station", "canteen"}))], asked) == ("met", "same")


def test_without_the_function_itself_nothing_is_asked() -> None:
    asked = rule("R", "colocation", what="station", beside="canteen")
    assert one([home()], asked) == ("not_applicable", "")
    assert one([home(functions=None)], asked) == ("unknown", "needs:existing.functions")
    fact = rule("R", "colocation", what="town_home", beside="town_hospital")
    assert one([home()], fact) == ("unknown", "needs:facts.town_home")


def test_a_function_needs_one_of_its_hosts() -> None:
    asked = rule("R", "colocation", what="device_point", hosts=["home", "station"])
    point = F({"device_point"})
    assert one([home(functions=point)], asked) == ("met", "")
    assert one([home(beds=9, functions=point)], asked) == ("unmet", "")
    assert one([home(beds=9, functions=point | {"station"})], asked) == ("met", "")
    town = rule("R", "colocation", what="consortium_town", hosts=["home_care_centre"])
    told = {"consortium_town": True}
    assert one([home(functions=F({"home_care_centre"}), facts=told)], town) == ("met", "")
    assert one([home(facts=told)], town) == ("unmet", "")
    dark = home(functions=None, facts=told)
    assert one([dark], town) == ("unknown", "needs:existing.functions")
    assert one([home(facts={"consortium_town": False})], town) == ("not_applicable", "")


def test_a_function_alone_on_its_site_shares_with_nothing() -> None:
    asked = rule("R", "colocation", what="care_centre", needs=["own_entrance"])
    alone = home(functions=F({"care_centre"}), facts={"own_entrance": False})
    assert one([alone], asked) == ("not_applicable", "")
    shared = replace(alone, functions=F({"care_centre", "canteen"}))
    assert one([shared], asked) == ("unmet", "")


def test_homes_that_may_have_the_function_are_told_beside_those_that_have_it() -> None:
    asked = rule("R", "colocation", what="station", hosts=["canteen"])
    sites = [home(functions=F({"station", "canteen"})), home(functions=None)]
    assert found(sites, asked) == [
        ("H0", "met", ""),
        ("all", "unknown", "needs:existing.functions"),
    ]
    fact = rule("R", "colocation", what="town_home", hosts=["canteen"])
    both = F({"canteen"})
    sites = [home(functions=both, facts={"town_home": True}), home(functions=both)]
    assert found(sites, fact) == [("H0", "met", ""), ("all", "unknown", "needs:facts.town_home")]


def test_a_host_is_not_missed_where_no_file_tells_of_functions() -> None:
    asked = rule("R", "colocation", what="station", hosts=["canteen"])
    problem = build([home(functions=None)], [asked], functions={"station": 1.0})
    layout = planned(problem, beds=[10], functions=[F({"station"})])
    told = [(each.verdict, each.note) for each in findings(problem, layout)]
    assert told == [("unknown", "needs:existing.functions")]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"own_entrance": False}, ("unknown", "needs:existing.functions")),
        ({}, ("unknown", "needs:facts.own_entrance")),
        ({"own_entrance": True}, ("met", "")),
    ],
)
def test_a_function_may_share_its_site_where_no_file_tells_of_functions(
    facts: dict[str, Any], expected: tuple[str, str]
) -> None:
    asked = rule("R", "colocation", what="care_centre", needs=["own_entrance"])
    stands = home(functions=None, facts=facts)
    problem = build([stands], [asked], functions={"care_centre": 1.0})
    layout = planned(problem, beds=[10], functions=[F({"care_centre"})])
    assert [(each.verdict, each.note) for each in findings(problem, layout)] == [expected]


# What is preferred, paid, noted.


def test_a_preference_is_measured_on_new_sites() -> None:
    asked = rule("R", "preference", measure="fact", fact="tenure", values=["state"])
    sites = [Site(facts={"tenure": "state"}, high=10), Site(facts={"tenure": "rent"}, high=10)]
    problem = build(sites, [asked])
    both = findings(problem, planned(problem, beds=[10, 10], functions=[F(), F()]))
    assert [(each.measured, each.verdict) for each in both] == [(0.5, "not_applicable")]
    none = findings(problem, planned(problem, beds=[0, 0], functions=[None, None]))
    assert math.isnan(none[0].measured)


@pytest.mark.parametrize(("value", "share"), [(True, 1.0), (1.0, 1.0), (False, 0.0), (0.0, 0.0)])
def test_a_preferred_yes_may_be_written_as_1(value: Any, share: float) -> None:
    asked = rule("R", "preference", measure="fact", fact="idle_public")
    problem = build([Site(facts={"idle_public": value}, high=10)], [asked])
    layout = planned(problem, beds=[10], functions=[F()])
    assert [each.measured for each in findings(problem, layout)] == [share]


def test_upgrades_and_distances_are_measured() -> None:
    upgrades = rule("U", "preference", measure="extended")
    metres = rule("M", "preference", measure="elder_metres")
    sites = [home(high=20), home(), Site(high=10), Site(high=10)]
    problem = build(sites, [upgrades, metres], points=[Point(10.0, (300.0, 400.0))])
    layout = planned(problem, beds=[11, 10, 10, 0], functions=[F(), F(), F(), None])
    assert [each.measured for each in findings(problem, layout)] == [0.5, 500.0]
    empty = build(sites, [metres], points=[Point(0.0)])
    assert math.isnan(findings(empty)[0].measured)


def test_money_is_paid_by_class_to_its_owners() -> None:
    asked = rule(
        "R", "money", basis="stars", amounts_wan_yuan={"3": 9.0, "4": 15.0}, owners=["private"]
    )
    sites = [
        home(facts={"stars": 3.0}, owner="private"), home(facts={"stars": 4.0}, owner="private"),
        home(facts={"stars": 2.0}, owner="private"), home(facts={"stars": 4.0}),
    ]  # fmt: skip
    problem = build(sites, [asked])
    assert [each.measured for each in findings(problem)] == [24.0]
    dark = [*sites, home(owner="private")]
    assert one(dark, asked) == ("unknown", "needs:facts.stars")
    assert one([home()], asked) == ("not_applicable", "money")


def test_money_for_a_function_goes_where_it_stands() -> None:
    asked = rule("R", "money", basis="investment", share=0.5, what="canteen")
    problem = build([Site(fixed=10.0, high=10), Site(fixed=20.0, high=10)], [asked],
                    functions={"canteen": 4.0})  # fmt: skip
    layout = planned(problem, beds=[10, 10], functions=[F({"canteen"}), F()])
    assert [each.measured for each in findings(problem, layout)] == [(10.0 + 10.0 + 4.0) / 2]
    assert problem.subsidy(layout).tolist() == [0.0, 0.0]


def test_an_amount_that_is_no_number_leaves_the_money_unknown() -> None:
    asked = rule("R", "money", basis="equipment_investment", share=0.7, cap_wan_yuan=50.0)
    for facts in ({}, {"equipment_investment": "unclear"}, {"equipment_investment": True}):
        assert one([home(facts=facts)], asked) == ("unknown", "needs:facts.equipment_investment")


def test_a_note_is_on_record_or_says_what_would_be_needed() -> None:
    assert one([home()], rule("R", "note")) == ("not_applicable", "on_record")
    noted = rule("R", "note", needs="estate_premises")
    assert one([home()], noted) == ("unknown", "needs:estate_premises")


# Outside, and where the data lack.

SILENT = home(beds=20, nursing=None, dementia=None, functions=None, owner="")
TOLD = home(
    beds=20, nursing=13, dementia=4, functions=F({"canteen", "station"}),
    facts={"nurses": 3.0, "residents": 12.0, "medical": True, "home_care_beds": 9.0, "stars": 3.0},
)  # fmt: skip
OVER_AREAS: list[tuple[str, dict[str, Any], str]] = [
    ("ratio", {"dementia_beds_per_10000": 30.0}, "existing.dementia_beds"),
    ("ratio", {"staff_per_10000": 25.0, "staff": "nurses"}, "facts.nurses"),
    ("ratio", {"beds_per_staff": 10.0, "staff": "nurses"}, "facts.nurses"),
    ("ratio", {"residents_per_staff": 4.0, "staff": "nurses"}, "facts.nurses"),
    ("share", NURSING, "existing.nursing_beds"),
    ("share", NURSING | {"owners": ["public"]}, "existing.ownership"),
    ("share", {"part": "medical", "of": "facilities", "min_share": 1.0}, "facts.medical"),
    ("share", {"part": "residents", "of": "beds", "min_share": 0.6}, "facts.residents"),
    ("count", {"what": "canteen", "min_count": 1}, "existing.functions"),
    ("count", {"what": "medical", "min_count": 1}, "facts.medical"),
    ("count", {"what": "medical", "min_count": 1, "owners": ["public"]}, "existing.ownership"),
    ("count", {"what": "canteen", "min_count": 1, "min_dementia_beds": 4},
     "existing.dementia_beds"),
    ("count", {"sum_of": "home_care_beds", "min_count": 9}, "facts.home_care_beds"),
]  # fmt: skip
"""Rules that the told home meets for 1,000 elders, and what the silent one lacks."""


def put_outside(problem: Problem, *numbers: int) -> Problem:
    """Return a problem with some sites outside the study area."""
    away = np.isin(np.arange(problem.sites.n), numbers)
    areas = {
        kind: replace(each, of_site=np.where(away, -1, each.of_site))
        for kind, each in problem.areas.items()
    }
    return replace(problem, areas=areas, site_unit=np.where(away, -1, problem.site_unit))


@pytest.mark.parametrize(("kind", "asked", "needs"), OVER_AREAS)
def test_of_a_home_outside_nothing_has_to_be_known(
    kind: str, asked: dict[str, Any], needs: str
) -> None:
    rules = [rule("R", kind, per="all", **asked)]
    problem = build([TOLD, SILENT], rules, points=[Point(1000.0)])
    for town, verdict in ((problem, "unknown"), (put_outside(problem, 1), "met")):
        if verdict == "unknown" and kind == "count" and "sum_of" not in asked:
            continue  # one that is told is enough
        note = f"needs:{needs}" if verdict == "unknown" else ""
        assert [(each.verdict, each.note) for each in findings(town)] == [(verdict, note)]


@pytest.mark.parametrize(("kind", "asked", "needs"), OVER_AREAS)
def test_data_lack_only_in_the_town_whose_home_is_silent(
    kind: str, asked: dict[str, Any], needs: str
) -> None:
    zones = [Zone("z0", street="乙镇"), Zone("z1", street="丙镇")]
    points = [Point(1000.0), Point(1000.0, zone=1)]
    sites = [TOLD, replace(TOLD, zone=1), replace(SILENT, zone=-1)]
    town = rule("R", kind, per="town", **asked)
    assert found(sites, town, zones=zones, points=points) == [
        ("丙镇", "met", ""),
        ("乙镇", "met", ""),
    ]
    sites[1] = replace(SILENT, zone=1)
    assert found(sites, town, zones=zones, points=points) == [
        ("丙镇", "unknown", f"needs:{needs}"), ("乙镇", "met", ""),
    ]  # fmt: skip


BY_HOME: list[tuple[str, dict[str, Any]]] = [
    ("ratio", {"residents_per_staff": 4.0, "staff": "nurses", "per": "facility"}),
    ("share", NURSING | {"per": "facility"}),
    ("threshold", {"from_stars": 3, "needs": "medical"}),
    ("threshold", {"from_beds": 20, "having": "canteen", "needs": "medical"}),
    ("colocation", {"what": "canteen", "hosts": ["station"]}),
]


@pytest.mark.parametrize(("kind", "asked"), BY_HOME)
def test_a_home_outside_is_asked_for_nothing(kind: str, asked: dict[str, Any]) -> None:
    problem = build([TOLD, SILENT, TOLD], [rule("R", kind, **asked)])
    verdicts = {each.scope_id: each.verdict for each in findings(problem)}
    assert (verdicts["H0"], verdicts["H2"]) == ("met", "met")
    assert verdicts.get("H1", verdicts.get("all")) == "unknown"
    away = [(each.scope_id, each.verdict) for each in findings(put_outside(problem, 1, 2))]
    assert away == [("H0", "met")]


def test_shares_of_homes_in_the_dark_are_one_finding() -> None:
    asked = rule("R", "share", **NURSING, per="facility")
    assert found([TOLD, SILENT, SILENT], asked) == [
        ("H0", "met", ""), ("all", "unknown", "needs:existing.nursing_beds"),
    ]  # fmt: skip


# Homes to be built.

OF_NEW: list[tuple[str, dict[str, Any], str]] = [
    ("ratio", {"residents_per_staff": 4.0, "staff": "nurses", "per": "all"}, "to_build"),
    ("share", {"part": "residents", "of": "beds", "min_share": 0.6}, "to_build"),
    ("share", {"part": "medical", "of": "facilities", "min_share": 1.0}, "to_build"),
    ("count", {"what": "medical", "min_count": 2, "per": "all"}, "to_build"),
    ("count", {"what": "canteen", "min_count": 2, "per": "all"}, "needs:functions.canteen"),
    ("coverage", {"what": "canteen", "min_share": 1.0, "per": "zone"}, "needs:functions.canteen"),
    ("presence", {"function": "canteen", "min_count": 2}, "needs:functions.canteen"),
    ("presence", {"any_of": ["station", "canteen"], "min_count": 2}, "needs:functions.canteen"),
    ("threshold", {"from_beds": 30, "needs": "canteen"}, "needs:functions.canteen"),
    ("colocation", {"what": "meal_table", "hosts": ["station"]}, "needs:functions.meal_table"),
]


@pytest.mark.parametrize(("kind", "asked", "note"), OF_NEW)
def test_where_only_new_homes_are_in_the_dark_no_column_of_the_homes_is_missed(
    kind: str, asked: dict[str, Any], note: str
) -> None:
    zones = [Zone("z0"), Zone("z1")]
    problem = build(
        [TOLD, Site(low=30, high=30, zone=1)], [rule("R", kind, **asked)], zones=zones,
        functions={"station": 1.0},
    )  # fmt: skip
    layout = planned(problem, beds=[20, 30], functions=[TOLD.functions, F()])
    assert [(e.verdict, e.note) for e in findings(problem, layout)] == [("unknown", note)]


def test_homes_that_stand_are_named_before_those_to_be_built() -> None:
    asked = rule("R", "count", what="canteen", min_count=3, per="all")
    problem = build([TOLD, SILENT, Site(low=10, high=10)], [asked])
    layout = planned(problem, beds=[20, 20, 10], functions=[TOLD.functions, None, F()])
    assert [each.note for each in findings(problem, layout)] == ["needs:existing.functions"]
    staff = rule("R", "ratio", residents_per_staff=4.0, staff="nurses", per="all")
    dark = replace(TOLD, facts={"nurses": 3.0})
    problem = build([dark, Site(low=10, high=10)], [staff])
    layout = planned(problem, beds=[20, 10], functions=[F(), F()])
    assert [each.note for each in findings(problem, layout)] == ["needs:facts.residents"]


def test_nearness_to_what_a_new_home_may_have_is_a_matter_of_its_price() -> None:
    asked = rule("R", "colocation", what="station", beside="canteen")
    stands = home(functions=F({"station"}))
    problem = build([stands, Site(low=10, high=10)], [asked], functions={"station": 1.0})
    layout = planned(problem, beds=[10, 10], functions=[F({"station"}), F()])
    assert [(each.verdict, each.note) for each in findings(problem, layout)] == [
        ("unknown", "needs:functions.canteen")
    ]


def test_new_homes_of_which_nothing_can_be_asked_are_one_finding_with_their_number() -> None:
    by_heads = rule("H", "ratio", residents_per_staff=4.0, staff="nurses", per="facility")
    by_beds = rule("B", "ratio", beds_per_staff=10.0, staff="nurses", per="facility")
    problem = build([TOLD, Site(low=30, high=30), Site(low=10, high=10)], [by_heads, by_beds])
    layout = planned(problem, beds=[20, 30, 10], functions=[F(), F(), F()])
    told = [(e.rule_id, e.scope_id, e.required, e.note) for e in findings(problem, layout)]
    assert [each for each in told if each[0] == "B"] == [
        ("B", "H0", 2.0, ""), ("B", "C1", 3.0, "to_build"), ("B", "C2", 1.0, "to_build"),
    ]  # fmt: skip
    (home_told, new) = (each for each in told if each[0] == "H")
    assert home_told == ("H", "H0", 3.0, "")
    assert (new[1], math.isnan(new[2]), new[3]) == ("all", True, "to_build:2")


# What lacks, and where.


def test_areas_that_lack_are_named_the_first_five() -> None:
    zones = [Zone(f"z{k}", street="乙镇") for k in range(7)]
    asked = rule("R", "coverage", what="canteen", min_share=1.0, per="village")
    has = home(functions=F({"canteen"}), zone=0)
    dark = home(functions=None, zone=1)
    assert one([has, dark], asked, zones=zones) == ("unmet", "lacks:z2, z3, z4, z5, z6")
    assert one([has], asked, zones=zones) == ("unmet", "lacks:z1, z2, z3, z4, z5, …")


@pytest.mark.parametrize(
    ("only", "place"),
    [
        (["乙镇"], ("town", "乙镇")),
        (["z1"], ("village", "z1")),
        (["z1", "z2"], ("all", "all")),
        ([], ("all", "all")),
    ],
)
def test_a_share_of_the_areas_of_one_place_names_it(
    only: list[str], place: tuple[str, str]
) -> None:
    zones = [Zone("z1", street="乙镇"), Zone("z2", street="丙镇")]
    asked = rule("R", "coverage", what="canteen", min_share=1.0, per="village", only=only)
    (each,) = findings(build([home()], [asked], zones=zones))
    assert (each.scope, each.scope_id) == place


def test_a_rule_over_one_place_that_no_file_tells_of_names_it() -> None:
    asked = rule("R", "count", what="canteen", min_count=1, per="town", only=["乙镇"])
    assert found([home()], asked) == [("乙镇", "unknown", "needs:zones.town")]


# What holds of every kind.

STRICT: list[tuple[str, dict[str, Any]]] = [
    ("ratio", {"beds_per_10000": 5000.0}),
    ("ratio", {"nursing_beds_per_10000": 5000.0, "per": "district"}),
    ("ratio", {"staff_per_10000": 500.0, "staff": "nurses"}),
    ("ratio", {"beds_per_staff": 2.0, "staff": "nurses", "per": "facility"}),
    ("ratio", {"residents_per_staff": 2.0, "staff": "nurses", "per": "all"}),
    ("share", NURSING | {"min_share": 1.0, "per": "district"}),
    ("share", {"part": "medical", "of": "facilities", "min_share": 1.0}),
    ("share", {"part": "residents", "of": "beds", "min_share": 1.0}),
    ("count", {"min_sites": 2, "min_site_beds": 1, "same_site_m": 100.0}),
    ("count", {"what": "canteen", "min_count": 3, "per": "district"}),
    ("count", {"what": "training_base", "min_count": 2, "per": "all", "owners": ["public"]}),
    ("count", {"sum_of": "home_care_beds", "min_count": 99, "per": "all"}),
    ("coverage", {"distance_m": 100.0, "density_above_per_km2": 3000.0}),
    ("coverage", {"what": "canteen", "min_share": 1.0, "per": "street"}),
    ("presence", {"function": "care_centre"}),
    ("threshold", {"from_beds": 10, "needs": "rehab_room"}),
    ("threshold", {"from_stars": 1, "needs": "nurses", "at_least": 2.0}),
    ("threshold", {"from_beds": 10, "having": "medical", "needs": "nurses", "at_least": 2.0}),
    ("colocation", {"what": "station", "beside": "canteen"}),
    ("colocation", {"what": "station", "needs": ["own_entrance"]}),
    ("colocation", {"what": "station", "hosts": ["canteen"]}),
]
FACTS = {
    "nurses": [0.0, 1.0, 2.0, 20.0],
    "medical": [True, False, 1.0, 0.0],
    "residents": [0.0, 4.0, 10.0],
    "training_base": [True, False],
    "home_care_beds": [0.0, 50.0, 99.0],
    "rehab_room": [True, False],
    "stars": [0.0, 1.0, 5.0],
    "own_entrance": [True, False, 0.0],
}


@pytest.mark.parametrize(("kind", "asked"), STRICT)
def test_what_the_text_only_encourages_is_never_unmet(kind: str, asked: dict[str, Any]) -> None:
    facts = dict.fromkeys(FACTS, 0.0) | {"stars": 1.0, "medical": True, "residents": 9.0}
    stands = home(functions=F({"station", "meal_table"}), facts=facts)
    sites = [stands, home(facts=facts | {"medical": False})]
    beds = rule("B", "ratio", beds_per_10000=100.0)

    def verdicts(strength: str) -> list[tuple[str, str, str]]:
        rules = [rule("R", kind, strength=strength, **asked), beds]
        points = [Point(1000.0, (900.0, 0.0), density=HIGH)]
        every = findings(build(sites, rules, points=points, zones=TWO))
        return [(each.scope_id, each.verdict, each.note) for each in every if each.rule_id == "R"]

    hard = verdicts("required")
    assert "unmet" in {verdict for _, verdict, _ in hard}
    word = "apart" if "beside" in asked else "encouraged"
    assert verdicts("encouraged") == [
        (scope, "not_applicable", word) if verdict == "unmet" else (scope, verdict, note)
        for scope, verdict, note in hard
    ]


@pytest.mark.parametrize("strength", ["required", "target", "baseline"])
def test_anything_stronger_than_an_encouragement_can_be_unmet(strength: str) -> None:
    asked = rule("R", "threshold", strength=strength, from_beds=10, needs="rehab_room")
    assert one([home(facts={"rehab_room": False})], asked) == ("unmet", "")


@st.composite
def described_homes(draw: st.DrawFn) -> list[Site]:
    """Draw one to three homes of which everything is told."""
    return [
        home(
            beds=draw(st.sampled_from([9, 10, 20])),
            nursing=draw(st.integers(0, 9)),
            owner=draw(st.sampled_from(["public", "private"])),
            functions=draw(
                st.sets(st.sampled_from(["canteen", "station", "care_centre"])).map(frozenset)
            ),
            facts={name: draw(st.sampled_from(values)) for name, values in FACTS.items()},
            zone=draw(st.integers(0, 1)),
            xy=(draw(st.sampled_from([0.0, 15.0, 90.0, 500.0])), 0.0),
            institution=draw(st.integers(0, 4)) > 0,
        )
        for _ in range(draw(st.integers(1, 3)))
    ]


@settings(
    max_examples=60, derandomize=True, deadline=None, database=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(described_homes(), st.data())
def test_what_is_hidden_never_becomes_met(told: list[Site], data: Any) -> None:
    rules = [rule(f"R{k}", kind, **asked) for k, (kind, asked) in enumerate(STRICT)]
    points = [Point(20.0, density=HIGH)]
    hidden = [
        replace(
            each,
            nursing=data.draw(st.sampled_from([each.nursing, None])),
            owner=data.draw(st.sampled_from([each.owner, ""])),
            functions=data.draw(st.sampled_from([each.functions, None])),
            facts={name: value for name, value in each.facts.items() if data.draw(st.booleans())},
        )
        for each in told
    ]
    before, after = (
        findings(build(sites, rules, points=points, zones=TWO)) for sites in (told, hidden)
    )
    good = {(each.rule_id, each.scope, each.scope_id) for each in before if each.verdict == "met"}
    met = {(each.rule_id, each.scope, each.scope_id) for each in after if each.verdict == "met"}
    assert met <= good
    judged = {each.rule_id for each in after}
    assert judged == {each.id for each in rules}
    for each in after:
        assert (each.verdict == "unknown") == each.note.startswith("needs:")


@settings(
    max_examples=40, derandomize=True, deadline=None, database=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(described_homes(), st.data())
def test_what_is_hidden_never_becomes_unmet(told: list[Site], data: Any) -> None:
    rules = [rule(f"R{k}", kind, **asked) for k, (kind, asked) in enumerate(STRICT)]
    hidden = [
        replace(
            each,
            functions=data.draw(st.sampled_from([each.functions, None])),
            facts={name: value for name, value in each.facts.items() if data.draw(st.booleans())},
        )
        for each in told
    ]
    before, after = (
        findings(build(sites, rules, points=[Point(20.0, density=HIGH)], zones=TWO))
        for sites in (told, hidden)
    )
    bad = {(each.rule_id, each.scope, each.scope_id) for each in before if each.verdict == "unmet"}
    unmet = {(each.rule_id, each.scope, each.scope_id) for each in after if each.verdict == "unmet"}
    assert unmet <= bad


def test_a_rule_that_is_unknown_somewhere_is_not_counted_as_met() -> None:
    room, two = (
        rule("R", "threshold", from_beds=10, needs="rehab_room"),
        rule("B", "ratio", beds_per_10000=10.0),
    )
    told = home(facts={"rehab_room": True})
    for sites, many in (([told, told], 2), ([told, home()], 1)):
        problem = build(sites, [room, two], points=[Point(1000.0)])
        counts = audit(prepared(problem), today(problem)).counts()
        assert (counts["rules_met"], counts["rules_unmet"]) == (many, 0)


def test_every_rule_ends_in_a_finding_whatever_stands() -> None:
    rules = [rule(f"R{k}", kind, **asked) for k, (kind, asked) in enumerate(STRICT)]
    for sites in ([], [home()], [Site(high=10)], [home(beds=0, institution=False)]):
        for zones in (None, TWO, [Zone(street=None, district=None)]):
            problem = build(sites, rules, zones=zones)
            for each in rules:
                assert raw_findings(problem, each, today(problem)), (each.id, sites, zones)
