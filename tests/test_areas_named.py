"""Circles, islands and other areas that a planner names; areas that overlap or leave elders out."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tiny import (
    CORNER,
    DEEP,
    ELDERS,
    SIDE,
    STEP,
    change_geojson,
    change_scenario,
    change_table,
    feature,
    write_geojson,
    write_tiny,
)
from tiny_mix import Point, Site, Zone, build, findings, rule

import siting
from siting.check import check_inputs
from siting.errors import InputError, MissingColumnError, ScenarioError
from siting.minima import unmet_minima
from siting.prepare import Prepared, prepare
from siting.scenario import Solve
from siting.solve import solve
from siting.standards import KINDS, read_standard

if TYPE_CHECKING:
    from pathlib import Path

F = frozenset
ONE = Solve(time_limit_s=20.0, gap=0.0, threads=1)
OF_ZONE = {zone: each * DEEP**2 for zone, each in ELDERS.items()}
"""Elders of the communities: 4000, 2000, 500."""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """Write the tiny county: Z1 and Z2 in 东街, Z3 in 西街; each with twenty times its elders."""
    path = write_tiny(tmp_path / "county", language="en")
    tell_zones(path, residents={zone: 20 * each for zone, each in OF_ZONE.items()})
    change_scenario(path, {"zones.residents": "residents"})
    return path


def tell_zones(path: Path, **columns: dict[str, Any]) -> None:
    """Add columns to the communities: name to zone to value."""

    def add(layer: dict[str, Any]) -> None:
        for each in layer["features"]:
            for name, values in columns.items():
                each["properties"][name] = values[each["properties"]["id"]]

    change_geojson(path.parent / "zones.geojson", add)


def ready(path: Path, **settings: Any) -> Prepared:
    """Return the prepared scenario with some settings; a dotted key as ``circles__by``."""
    change_scenario(path, {key.replace("__", "."): value for key, value in settings.items()})
    return prepare(siting.read_scenario(path))


def circles(prepared: Prepared) -> dict[str, tuple[float, float]]:
    """Return each circle with its elders and its residents."""
    table = prepared.problem.areas["circle"]
    rows = zip(table.id, table.elders.tolist(), table.residents.tolist(), strict=True)
    return {str(name): (elders, residents) for name, elders, residents in rows}


def refused(path: Path, error: type[siting.SitingError], **settings: Any) -> str:
    """Return what a planner reads when a scenario is refused."""
    with pytest.raises(error) as raised:
        ready(path, **settings)
    return raised.value.render("en")


def codes(prepared: Prepared) -> dict[str, Any]:
    """Return the lines of the check by code."""
    return {line.code: line for line in prepared.check.lines}


# Circles.


def test_every_street_is_a_circle_unless_the_scenario_says_otherwise(scenario: Path) -> None:
    both = {"东街": (6000.0, 120_000.0), "西街": (500.0, 10_000.0)}
    assert circles(ready(scenario)) == both
    assert circles(ready(scenario, circles={"by": "street"})) == both
    assert circles(ready(scenario, circles={})) == both


def test_circles_may_be_a_role_or_a_column_of_the_zones(scenario: Path) -> None:
    tell_zones(scenario, circle={"Z1": "甲圈", "Z2": "乙圈", "Z3": "乙圈"})
    found = ready(scenario, circles={"by": "circle"})
    assert circles(found) == {"乙圈": (2500.0, 50_000.0), "甲圈": (4000.0, 80_000.0)}
    by_id = circles(ready(scenario, circles={"by": "id"}))
    assert {name: each[0] for name, each in by_id.items()} == OF_ZONE
    change_scenario(scenario, {"zones.district": "circle"})
    assert circles(ready(scenario, circles={"by": "district"})) == circles(found)


def test_sites_lie_in_the_circle_of_their_zone(scenario: Path) -> None:
    prepared = ready(scenario, circles={"list": [{"name": "甲圈", "zones": ["Z2", "Z3"]},
                                                 {"name": "乙圈", "zones": ["Z1"]}]})  # fmt: skip
    table, sites = prepared.problem.areas["circle"], prepared.problem.sites
    inside = {str(sites.id[k]): str(table.id[c]) for k, c in enumerate(table.of_site.tolist())}
    # H1, C1 and C2 stand in Z1, H2 and C3 in Z2, H3 and C4 in Z3.
    assert inside == {"H1": "乙圈", "C1": "乙圈", "C2": "乙圈", "H2": "甲圈", "C3": "甲圈",
                      "H3": "甲圈", "C4": "甲圈"}  # fmt: skip


def test_a_listed_circle_is_made_of_streets_and_of_zones(scenario: Path) -> None:
    change_scenario(scenario, {"zones.street": "street"})
    listed = [{"name": "大圈", "streets": ["东街"]}, {"name": "小圈", "zones": ["Z3"]}]
    assert circles(ready(scenario, circles={"list": listed})) == {
        "大圈": (6000.0, 120_000.0), "小圈": (500.0, 10_000.0),
    }  # fmt: skip


def test_zones_in_no_circle_are_counted(scenario: Path) -> None:
    prepared = ready(scenario, circles={"list": [{"name": "甲圈", "zones": ["Z1", "Z3"]}]})
    assert circles(prepared) == {"甲圈": (4500.0, 90_000.0)}
    line = codes(prepared)["no_circle"]
    assert (line.severity, line.count, line.elders, line.examples) == (
        "warning",
        1,
        2000.0,
        ("Z2",),
    )
    assert "no_circle" not in codes(ready(scenario, circles={"by": "id"}))


def test_each_planning_unit_may_be_a_circle(scenario: Path) -> None:
    prepared = ready(scenario, circles={"by": "unit"}, units={"by": "id"})
    assert circles(prepared) == {k: (float(e), 20.0 * e) for k, e in OF_ZONE.items()}
    assert "circle_residents" not in codes(prepared)


def test_units_are_circles_where_zones_have_no_streets_and_without_zones(scenario: Path) -> None:
    layer = scenario.parent / "units.geojson"
    write_geojson(layer, [square("U1", 0, 1500), square("U2", 1500, 3000)])
    change_scenario(scenario, {"zones.street": ...})
    units = {"path": "units.geojson", "id": "id"}
    prepared = ready(scenario, circles={"by": "unit"}, units=units)
    # Of Z2's five columns of points those at 1100, 1300 and 1500 m lie in U1: 1200 of 2000; a point
    # on the border belongs to the smaller id.
    found = circles(prepared)
    assert {name: each[0] for name, each in found.items()} == {"U1": 5200.0, "U2": 1300.0}
    assert np.isnan([each[1] for each in found.values()]).all()
    assert codes(prepared)["circle_residents"].count == 2
    change_scenario(scenario, {"zones": ..., "density": {"support": "window"}})
    assert {name: each[0] for name, each in circles(ready(scenario)).items()} == {
        "U1": 5200.0, "U2": 1300.0,
    }  # fmt: skip


def square(name: str, west: float, east: float, north: float = SIDE) -> dict[str, Any]:
    """Return a polygon from west to east over the height of the county."""
    low, high = CORNER[1], CORNER[1] + north
    x0, x1 = CORNER[0] + west, CORNER[0] + east
    ring = [[x0, low], [x1, low], [x1, high], [x0, high], [x0, low]]
    return feature("Polygon", [ring], {"id": name})


def test_circles_that_the_planner_marks_are_low_in_elders(scenario: Path) -> None:
    prepared = ready(scenario, circles={"low_ageing": ["西街"]})
    marked = prepared.problem.areas["circle"].low_ageing
    assert marked is not None
    assert dict(zip(prepared.problem.areas["circle"].id, marked.tolist(), strict=True)) == {
        "东街": False, "西街": True,
    }  # fmt: skip
    assert ready(scenario, circles={}).problem.areas["circle"].low_ageing is None


@pytest.mark.parametrize("marked", [True, False])
def test_a_marked_circle_may_reserve_whatever_its_share_of_elders(marked: bool) -> None:  # noqa: FBT001
    # 3000 elders among 10,000 residents are 30 %, three times the limit.
    asked = rule("R", "presence", function="care_centre", reserve_below_ageing_share=0.1)
    plain = rule("P", "presence", function="care_centre")
    problem = build(
        [Site(high=20, facts={"reserved": True})], [asked, plain], points=[Point(3000.0)],
        zones=[Zone(residents=10_000.0)], functions={"care_centre": 5.0},
    )  # fmt: skip
    circle = problem.areas["circle"]
    circle = type(circle)(**(vars(circle) | {"low_ageing": np.array([marked])}))
    problem.areas["circle"] = circle
    found = {each.rule_id: (each.verdict, each.note) for each in findings(problem)}
    missing = ("unmet", "missing")
    assert found == {"R": ("met", "reserved:C0") if marked else missing, "P": missing}
    left = {("P", "甲街道")} if marked else {("R", "甲街道"), ("P", "甲街道")}
    assert set(unmet_minima(problem, problem.existing_layout())) == left
    named = replace(asked, parameters=asked.parameters.model_copy(update={"only": ("甲街道",)}))
    problem = replace(problem, rules=(named,))
    assert {each.verdict for each in findings(problem)} == {"met" if marked else "unmet"}


# Names that there are not.


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"list": [{"name": "甲圈", "streets": ["东街道"]}]},
         ["zones.geojson circles.list.0.streets", "'东街道'", "did you mean '东街'", "东街, 西街"]),
        ({"list": [{"name": "甲圈", "zones": ["Z1"]}, {"name": "乙圈", "zones": ["Z9", "Q"]}]},
         ["circles.list.1.zones", "'Z9'", "did you mean 'Z", "no 'Q'. There are 3", "Z1, Z2, Z3"]),
        ({"low_ageing": ["南街"]}, ["circles.low_ageing", "'南街'", "东街, 西街"]),
        ({"by": "unit", "low_ageing": ["东街坊"]}, ["circles.low_ageing", "did you mean '东街'"]),
        ({"list": [{"name": "甲圈", "zones": ["Z1", "Z2"]}, {"name": "乙圈", "streets": ["东街"]}]},
         ["circles.list", "2 in all", "Z1 (甲圈, 乙圈), Z2 (甲圈, 乙圈)"]),
        ({"list": [{"name": "甲圈", "zones": ["Z1"]}, {"name": "甲圈", "zones": ["Z2"]}]},
         ["circles.list", "甲圈", "stand twice"]),
        ({"list": [{"name": "甲圈"}]}, ["circles.list.0", "which streets or zones"]),
        ({"by": "street", "list": [{"name": "甲圈", "zones": ["Z1"]}]}, ["circles", "by, list"]),
    ],
)  # fmt: skip
def test_a_circle_that_cannot_be_is_told_with_key_and_names(
    scenario: Path, settings: dict[str, Any], words: list[str]
) -> None:
    said = refused(scenario, ScenarioError, circles=settings)
    for word in words:
        assert word in said, said


def test_circles_need_what_they_are_made_of(scenario: Path) -> None:
    said = refused(scenario, MissingColumnError, circles={"by": "stret"})
    assert "circles.by" in said
    assert "did you mean 'street'?" in said
    change_scenario(scenario, {"zones.street": ...})
    assert "zones.street" in refused(scenario, ScenarioError, circles={"low_ageing": ["东街"]})
    listed = {"list": [{"name": "甲圈", "streets": ["东街"]}]}
    assert "zones.street" in refused(scenario, ScenarioError, circles=listed)
    change_scenario(scenario, {"zones": ..., "units": ..., "density": {"support": "window"}})
    assert "need zones" in refused(scenario, ScenarioError, circles={"by": "district"})


def test_a_changed_rule_names_areas_that_there_are(scenario: Path) -> None:
    change: dict[str, Any] = {"HZ-21": {"only": ["东街"], "per": "street"}}
    assert ready(scenario, rules=change).standard.rule("HZ-21") is not None
    said = refused(
        scenario, ScenarioError, rules={"HZ-21": {"only": ["东接", "西街"], "per": "street"}}
    )
    assert said.startswith("rules.HZ-21.only: ")
    assert "'东接'; did you mean '东街'?" in said
    assert said.count("\n") == 0


OWN = """\
id: own
name: {zh: 标准, en: standard}
jurisdiction: {zh: 县, en: county}
source: {zh: 文件, en: document}
rules:
  - id: K-1
    kind: count
    clause: "1"
    legal_status: issued_plan
    strength: required
    tier: 1
    enforce: true
    summary: {zh: 一, en: one}
    reading: {zh: 一, en: one}
    values:
      2021: {what: canteen, min_count: 1, per: street, only: [NAMES]}
"""


def test_a_rule_of_ones_own_names_areas_that_there_are(scenario: Path) -> None:
    own = scenario.parent / "own.yaml"
    own.write_text(OWN.replace("NAMES", "西街"), encoding="utf-8")
    assert ready(scenario, standard="own.yaml").standard.rules[0].parameters.only == ("西街",)
    own.write_text(OWN.replace("NAMES", "西街, 北门, 南门"), encoding="utf-8")
    said = refused(scenario, ScenarioError).splitlines()
    assert [each.partition(":")[0] for each in said] == ["own.yaml K-1 only"] * 2
    assert "'北门'" in said[0]
    change_scenario(scenario, {"zones.street": ..., "units": {"by": "id"}})
    assert ready(scenario).problem.areas.keys().isdisjoint({"street"})


def test_a_packaged_rule_about_areas_elsewhere_finds_nothing_to_judge(scenario: Path) -> None:
    prepared = ready(scenario)
    first = prepared.standard.rules[0]
    far = KINDS["count"].model_validate(
        {"what": "canteen", "min_count": 1, "per": "street", "only": ["远街"]}
    )
    elsewhere = type(first)(**(vars(first) | {"kind": "count", "parameters": far}))
    standard = type(prepared.standard)(**(vars(prepared.standard) | {"rules": (elsewhere,)}))
    areas = prepared.problem.areas
    assert standard.packaged
    siting.areas.refuse_unknown_areas(standard, areas, "hangzhou-2021")
    own = type(standard)(**(vars(standard) | {"packaged": False}))
    with pytest.raises(ScenarioError, match="远街"):
        siting.areas.refuse_unknown_areas(own, areas, "own.yaml")
    problem = build([Site(home=True, beds=20)], [], zones=[Zone()])
    problem = type(problem)(**(vars(problem) | {"rules": (elsewhere,)}))
    assert [each.verdict for each in findings(problem)] == ["not_applicable"]


# Islands.


def test_an_island_is_a_column_of_the_zones(scenario: Path) -> None:
    tell_zones(scenario, island={"Z1": "", "Z2": None, "Z3": "小岛"})
    prepared = ready(scenario, zones__island="island")
    island = prepared.problem.areas["island"]
    assert [str(each) for each in island.id] == ["小岛"]
    assert island.elders.tolist() == [500.0]
    assert island.residents.tolist() == [10_000.0]
    line = codes(prepared)["islands"]
    assert (line.severity, line.count, line.elders) == ("info", 1, 500.0)
    assert "island" not in ready(scenario, zones__island=...).problem.areas


ISLANDS = [
    Zone("z0", residents=1000.0), Zone("z1", island="甲岛", residents=1000.0),
    Zone("z2", island="乙岛", residents=1000.0), Zone("z3", island="丙岛", residents=1000.0),
]  # fmt: skip


def on(zone: int, *functions: str, beds: int = 10) -> Site:
    """Return a home on an island with some functions."""
    return Site(home=True, beds=beds, zone=zone, functions=F(functions))


def zhoushan(rule_id: str) -> Any:
    """Return a packaged rule of Zhoushan."""
    found = read_standard("zhoushan-2021", year=2025).rule(rule_id)
    assert found is not None
    return found


def test_each_island_has_a_station_or_rounds_or_a_combined_institution() -> None:
    asked = zhoushan("ZS-12")
    sites = [on(1, "station"), on(2, "mobile_round", beds=5), on(3, "combined_institution", beds=9)]
    found = {each.scope_id: each for each in findings(build(sites, [asked], zones=ISLANDS))}
    assert {each.scope for each in found.values()} == {"island"}
    assert (found["甲岛"].verdict, found["甲岛"].note) == ("met", "built")
    assert found["乙岛"].verdict == "met"
    # Nine beds are no institution; what the text encourages is never unmet.
    assert (found["丙岛"].verdict, found["丙岛"].note) == ("not_applicable", "encouraged")
    ten = [*sites[:2], on(3, "combined_institution")]
    assert {each.verdict for each in findings(build(ten, [asked], zones=ISLANDS))} == {"met"}


def test_islands_that_no_file_tells_of_are_unknown() -> None:
    asked = zhoushan("ZS-12")
    bare = [Zone("z0")]
    found = findings(build([on(0, "station")], [asked], zones=bare))
    assert [(each.verdict, each.note) for each in found] == [("unknown", "needs:zones.island")]


@pytest.mark.parametrize(
    ("elders", "verdict", "note"),
    [
        (201.0, "not_applicable", "encouraged"),  # 20.1 % of 1000 are above a fifth: missing
        (200.0, "not_applicable", ""),  # exactly a fifth is not
    ],
)
def test_a_combined_institution_on_islands_whose_people_are_very_old(
    elders: float, verdict: str, note: str
) -> None:
    places = [Zone("z0", island="甲岛", residents=1000.0)]
    town = {"points": [Point(elders)], "zones": places}
    asked = zhoushan("ZS-13")
    found = findings(build([on(0, "station")], [asked], **town))
    assert [(each.verdict, each.note) for each in found] == [(verdict, note)]
    has = findings(build([on(0, "combined_institution")], [asked], **town))
    assert has[0].verdict == ("met" if note else verdict)


def test_the_share_of_elders_of_an_island_without_residents_is_unknown() -> None:
    found = findings(build([on(0)], [zhoushan("ZS-13")], zones=[Zone("z0", island="甲岛")]))
    assert [(each.verdict, each.note) for each in found] == [("unknown", "needs:zones.residents")]


def test_the_plan_gives_every_island_the_cheapest_way_of_service() -> None:
    asked = rule("R", "presence", any_of=["station", "mobile_round"], per="island")
    sites = [
        on(0, "station"), on(1, "station"), on(2),
        Site(zone=3, low=10, high=10, fixed=3.0, each=0.0, can_host=F({"station"})),
    ]  # fmt: skip
    problem = build(sites, [asked], zones=ISLANDS, functions={"station": 2.0, "mobile_round": 1.0})
    plan = solve(problem, settings=ONE)
    # 甲岛 has a station; rounds are cheaper on 乙岛; on 丙岛 a site opens (3) with a station (2).
    assert [sorted(each or ()) for each in plan.layout.functions] == [
        ["station"], ["station"], ["mobile_round"], ["station"],
    ]  # fmt: skip
    assert problem.cost(plan.layout).sum() == 6.0
    assert {each.verdict for each in findings(problem, plan.layout)} == {"met"}
    notes = {each.scope_id: each.note for each in findings(problem, plan.layout)}
    assert notes == {"甲岛": "built", "乙岛": "planned", "丙岛": "planned"}


def test_one_place_with_two_of_the_functions_is_one_place() -> None:
    asked = rule("R", "presence", any_of=["station", "mobile_round"], per="island", min_count=2)
    towns = {"zones": ISLANDS[:2], "functions": {"station": 2.0, "mobile_round": 1.0}}
    both = build([on(1, "station", "mobile_round")], [asked], **towns)
    assert [each.verdict for each in findings(both)] == ["unmet"]
    assert unmet_minima(both, both.existing_layout()) == [("R", "甲岛")]
    two = build([on(1), on(1)], [asked], **towns)
    plan = solve(two, settings=ONE)
    assert [sorted(each or ()) for each in plan.layout.functions] == [["mobile_round"]] * 2
    assert two.cost(plan.layout).sum() == 2.0


def test_two_of_the_functions_at_one_place_spare_no_second_place() -> None:
    asked = rule("R", "presence", any_of=["station", "mobile_round"], per="island", min_count=2)
    sites = [on(1), Site(zone=1, low=10, high=10, fixed=3.0, each=0.0)]
    functions = {"station": 2.0, "mobile_round": 1.0}
    problem = build(sites, [asked], zones=ISLANDS[:2], functions=functions)
    plan = solve(problem, settings=ONE)
    # Both at the home would cost 3 and be one place; rounds at two places cost 1 + 3 + 1.
    assert [sorted(each or ()) for each in plan.layout.functions] == [["mobile_round"]] * 2
    assert problem.cost(plan.layout).sum() == 5.0


def test_only_the_islands_that_a_rule_names() -> None:
    asked = rule("R", "presence", function="station", per="island", only=["乙岛"])
    problem = build([on(1), on(2)], [asked], zones=ISLANDS, functions={"station": 1.0})
    assert [(each.scope_id, each.verdict) for each in findings(problem)] == [("乙岛", "unmet")]
    plan = solve(problem, settings=ONE)
    assert [sorted(each or ()) for each in plan.layout.functions] == [[], ["station"]]


@pytest.mark.parametrize(
    ("per", "missing"), [("street", 2), ("town", 1), ("unit", 1), ("circle", 2), ("island", 1)]
)
def test_a_function_is_asked_for_in_areas_of_every_kind(per: str, missing: int) -> None:
    asked = rule("R", "presence", function="station", per=per)
    places = [Zone("z0"), Zone("z1", street="乙镇", unit=1, island="甲岛")]
    problem = build([on(0), on(1)], [asked], zones=places, units=("a", "b"),
                    functions={"station": 1.0})  # fmt: skip
    unmet = [each for each in findings(problem) if each.verdict == "unmet"]
    expected = 2 if per == "unit" else missing
    assert [each.scope for each in unmet] == [per] * expected
    assert len(unmet_minima(problem, problem.existing_layout())) == expected


def test_a_presence_rule_asks_for_one_function_or_for_any_of_some() -> None:
    for wrong in ({}, {"function": "canteen", "any_of": ["station"]}):
        with pytest.raises(ValueError, match="one_of:function, any_of"):
            KINDS["presence"].model_validate(wrong)


def test_a_plan_of_a_county_with_islands_says_so(scenario: Path) -> None:
    tell_zones(scenario, island={"Z1": "", "Z2": "", "Z3": "小岛"})
    change_scenario(
        scenario,
        {"standard": "zhoushan-2021", "zones.island": "island",
         "functions": {"station": {"cost": 4.0}}, "existing.functions": "功能",
         "rules": {"ZS-12": {"enforce": True}}},
    )  # fmt: skip
    change_table(scenario.parent / "homes.csv", lambda table: table.insert(1, "功能", ""))
    folder = siting.write_plan(
        siting.plan(siting.read_scenario(scenario)), scenario.parent / "result"
    )
    with (folder / "audit.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["rule_id"] == "ZS-12"]
    assert {(row["state"], row["scope_id"], row["verdict"], row["note"]) for row in rows} == {
        ("existing", "小岛", "not_applicable", "encouraged"), ("plan", "小岛", "met", "planned"),
    }  # fmt: skip
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["status"] == "optimal"


# Overlaps, gaps, elders outside.


def widen(path: Path, name: str, metres: float) -> None:
    """Move the west border of a community further west."""

    def move(layer: dict[str, Any]) -> None:
        for each in layer["features"]:
            if each["properties"]["id"] == name:
                ring = each["geometry"]["coordinates"][0]
                west = min(x for x, _ in ring)
                each["geometry"]["coordinates"] = [
                    [[x - metres if x == west else x, y] for x, y in ring]
                ]

    change_geojson(path.parent / "zones.geojson", move)


def test_elders_who_would_live_in_two_zones_are_refused(scenario: Path) -> None:
    widen(scenario, "Z2", 250.0)  # over the last column of Z1: 5 points of 160 at 900 m
    widen(scenario, "Z3", 150.0)  # over the last column of Z2: 5 points of 80 at 1900 m
    said = refused(scenario, InputError)
    assert said.startswith("zones.geojson: ")
    for word in ("1,200.0 elders", "2 in all", "Z1 + Z2 (250,000 m², 800.0)",
                 "Z2 + Z3 (150,000 m², 400.0)", "zones.overlap_m (now 1 m)"):  # fmt: skip
        assert word in said, said
    assert said.index("Z1 + Z2") < said.index("Z2 + Z3")
    assert ready(scenario, zones__overlap_m=250.0).problem.elders.sum() == 6500.0


def test_an_overlap_without_elders_is_listed_with_its_area(scenario: Path) -> None:
    widen(scenario, "Z2", 50.0)
    line = codes(ready(scenario))["areas_overlap"]
    assert (line.severity, line.count, line.examples) == ("warning", 1, ("Z1 + Z2",))
    assert line.values["km2"] == pytest.approx(0.05)
    assert line.where == "zones.geojson"


def test_a_strip_within_the_tolerance_is_left_alone(scenario: Path) -> None:
    widen(scenario, "Z2", 0.9)
    assert "areas_overlap" not in codes(ready(scenario))
    assert "areas_overlap" in codes(ready(scenario, zones__overlap_m=0.5))


def test_a_gap_that_zones_enclose_is_listed_with_its_elders(scenario: Path) -> None:
    # A hole of 200 m around the point at (500, 500) of Z1, in which 160 elders live.
    low = [CORNER[0] + 400, CORNER[1] + 400]
    hole = [low, [low[0], low[1] + STEP], [low[0] + STEP, low[1] + STEP], [low[0] + STEP, low[1]],
            low]  # fmt: skip

    def cut(layer: dict[str, Any]) -> None:
        layer["features"][0]["geometry"]["coordinates"].append(hole)

    change_geojson(scenario.parent / "zones.geojson", cut)
    found = codes(ready(scenario, existing=...))
    gap, out = found["area_gaps"], found["no_zone"]
    assert (gap.severity, gap.count, gap.elders) == ("warning", 1, 160.0)
    assert gap.values["km2"] == pytest.approx(0.04)
    assert (out.count, out.elders) == (1, 160.0)


def test_a_layer_of_units_must_hold_most_of_the_elders(scenario: Path) -> None:
    write_geojson(scenario.parent / "units.geojson", [square("U", 1000, 2000)])
    units = {"path": "units.geojson", "id": "id"}
    # 2000 of 6500 live inside: 4500 outside are 69.2 %.
    said = refused(scenario, InputError, units=units)
    for word in ("units.geojson: ", "4,500 of 6,500", "50.0%", "50 in all", "Z1-0-0",
                 "units.max_outside_share"):  # fmt: skip
        assert word in said, said
    prepared = ready(scenario, units__max_outside_share=0.7)
    line = codes(prepared)["no_unit"]
    assert (line.count, line.elders) == (50, 4500.0)
    assert "units.max_outside_share" in refused(scenario, InputError, units__max_outside_share=0.69)


def test_fewer_elders_outside_the_units_are_counted(scenario: Path) -> None:
    write_geojson(scenario.parent / "units.geojson", [square("U", 0, 2000)])
    prepared = ready(scenario, units={"path": "units.geojson", "id": "id"})
    assert codes(prepared)["no_unit"].elders == 500.0
    share = {"path": "units.geojson", "id": "id", "max_outside_share": 0.05}
    assert "500 of 6,500" in refused(scenario, InputError, units=share)  # 7.7 %


def test_units_that_overlap_where_elders_live_are_refused(scenario: Path) -> None:
    write_geojson(
        scenario.parent / "units.geojson", [square("U1", 0, 1200), square("U2", 1000, 3000)]
    )
    said = refused(scenario, InputError, units={"path": "units.geojson", "id": "id"})
    assert said.startswith("units.geojson: ")
    assert "U1 + U2 (200,000 m², 400.0)" in said  # the column of Z2 at 1100 m: 5 points of 80
    assert "units.overlap_m" in said


def test_a_check_lists_the_overlap_as_the_error(scenario: Path) -> None:
    widen(scenario, "Z2", 250.0)
    found = check_inputs(scenario, scenario.parent / "checked")
    assert found.error is not None
    text = (scenario.parent / "checked" / "check.csv").read_text(encoding="utf-8-sig")
    assert "elders_in_two_areas" in text
