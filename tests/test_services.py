"""Circles and staff: the table of functions by circle, and what every rule of staff asks for."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
from frames_sample import sample_frames
from shapely.geometry import box
from tiny_mix import Point, Site, Zone, build, prepared, rule

from siting.audit import audit
from siting.conflict import Conflict
from siting.outputs.services import (
    CONFLICT_COLUMNS,
    circle_counts,
    circles_frame,
    conflicts_frame,
    functions_of,
    name_words,
    staff_frame,
    status_words,
)
from siting.outputs.tables import csv_tables, write_workbook
from siting.outputs.tables import word_of as code_words
from siting.problem import Layout
from siting.texts import LANGUAGES, text

if TYPE_CHECKING:
    from pathlib import Path

    from siting.problem import Problem

CRS = "EPSG:4549"
ZONES = [
    Zone("z0", "甲街道", residents=10_000.0),
    Zone("z1", "甲街道", residents=10_000.0),
    Zone("z2", "乙镇", residents=50_000.0),
    Zone("z3", "丙镇", residents=10_000.0),
]
POINTS = [Point(1000.0, zone=0), Point(1000.0, zone=1), Point(3000.0, zone=2), Point(900.0, zone=3)]
"""甲 has 2,000 elders of 20,000, 10 % (not low); 乙 3,000 of 50,000, 6 %; 丙 900 of 10,000, 9 %."""
EIGHT = ("care_centre", "memory_home", "consortium", "canteen", "home_care_centre", "device_point",
         "family_centre", "adviser_point")  # fmt: skip


def has(*functions: str) -> frozenset[str]:
    return frozenset(functions)


def asks(name: str, function: str, **more: Any) -> Any:
    return rule(name, "presence", function=function, reserve_below_ageing_share=0.1, **more)


def around(problem: Problem) -> Any:
    """Return the problem with shapes: zones are squares of 1 km side by side, one unit."""
    squares = [box(1000.0 * k, 0.0, 1000.0 * k + 1000.0, 1000.0) for k in range(len(ZONES))]
    shapes = gpd.GeoSeries(squares, crs=CRS)
    unit = gpd.GeoSeries([box(0.0, 0.0, 4000.0, 1000.0)], crs=CRS)
    made = prepared(problem)
    made.scenario = SimpleNamespace(circles=None, zones=SimpleNamespace(street="street"))
    made.zones = None
    if "zone" in problem.areas:
        streets = np.array([zone.street for zone in ZONES], dtype=object)
        source = SimpleNamespace(
            name="zones", texts=lambda _: streets, frame=pd.DataFrame({"street": streets})
        )
        made.zones = SimpleNamespace(shapes=shapes, source=source)
    made.units = SimpleNamespace(shapes=unit, id=problem.unit_id)
    return made


def circles(problem: Problem, layout: Layout | None = None) -> Any:
    plan = audit(prepared(problem), layout or problem.existing_layout())
    return circles_frame(around(problem), plan)


def town(rules: list[Any], sites: list[Site]) -> Problem:
    return build(sites, rules, points=POINTS, zones=ZONES, functions={"canteen": 1.0})


def test_every_status_of_a_function_stands_in_its_circle() -> None:
    sites = [
        Site(home=True, beds=20, zone=0, functions=has("canteen")),
        Site(high=20, zone=2),
        Site(high=20, zone=3, facts={"reserved": True}),
    ]
    problem = town([asks("R", "canteen"), asks("S", "memory_home")], sites)
    beds = np.array([20, 20, 0], dtype=np.int64)
    functions = np.array([has("canteen"), has("canteen"), None], dtype=object)
    table = circles(problem, Layout(beds > 0, beds, functions=functions)).set_index("id")
    assert table["canteen"].to_dict() == {
        "甲街道": "built", "乙镇": "planned", "丙镇": "reserved:C2",
    }  # fmt: skip
    assert table.loc["甲街道", "memory_home"] == "missing"
    assert table.loc["丙镇", "memory_home"] == "reserved:C2"


def test_elders_and_their_share_are_those_of_the_circle() -> None:
    problem = town([asks("R", "canteen")], [Site(home=True, beds=20)])
    table = circles(problem).set_index("id")
    assert table["elders"].to_dict() == {"甲街道": 2000.0, "乙镇": 3000.0, "丙镇": 900.0}
    assert table["residents"].to_dict() == {"甲街道": 20_000.0, "乙镇": 50_000.0, "丙镇": 10_000.0}
    assert table["ageing_share"].tolist() == pytest.approx(
        [{"甲街道": 0.1, "乙镇": 0.06, "丙镇": 0.09}[name] for name in table.index]
    )


def test_functions_that_no_file_tells_of_are_unknown() -> None:
    problem = town([asks("R", "canteen")], [Site(home=True, beds=20, functions=None)])
    assert circles(problem).set_index("id")["canteen"].to_dict() == {
        "甲街道": "unknown", "乙镇": "missing", "丙镇": "missing",
    }  # fmt: skip


def test_what_is_only_encouraged_is_not_called_missing() -> None:
    problem = town([asks("R", "canteen", strength="encouraged")], [Site(home=True, beds=20)])
    assert set(circles(problem)["canteen"]) == {"not_applicable"}


def test_of_two_rules_for_one_function_the_one_that_asks_for_more_is_shown() -> None:
    sites = [Site(home=True, beds=20, zone=0, functions=has("canteen"))]
    one, two = asks("ONE", "canteen"), asks("TWO", "canteen", min_count=2)
    for rules in ([one, two], [two, one]):
        table = circles(town(rules, sites)).set_index("id")
        assert table.loc["甲街道", "canteen"] == "missing"
    assert circles(town([one], sites)).set_index("id").loc["甲街道", "canteen"] == "built"


def test_the_eight_functions_stand_in_their_order_and_one_of_ones_own_comes_last() -> None:
    rules = [asks(f"R{k}", name) for k, name in enumerate([*reversed(EIGHT), "tea_house"])]
    table = circles(town(rules, [Site(home=True, beds=20)]))
    assert functions_of(table) == [*EIGHT, "tea_house"]


def test_several_functions_any_of_which_will_do_are_one_column_and_other_areas_none() -> None:
    either = rule("E", "presence", any_of=["station", "canteen"])
    town_rule = rule("T", "presence", function="memory_home", per="town")
    sites = [Site(home=True, beds=20, zone=0, functions=has("canteen"))]
    table = circles(town([either, town_rule], sites)).set_index("id")
    assert functions_of(table) == ["station|canteen"]
    assert table["station|canteen"].to_dict() == {
        "甲街道": "built", "乙镇": "missing", "丙镇": "missing",
    }  # fmt: skip
    assert name_words("station|canteen", "en") == "service station / elder canteen"
    assert circles(town([town_rule], sites)) is None


def test_a_circle_that_a_rule_is_not_about_has_nothing_to_show() -> None:
    only = rule("O", "presence", function="canteen", only=["乙镇"])
    table = circles(town([only], [Site(home=True, beds=20)])).set_index("id")
    assert table["canteen"].to_dict() == {
        "甲街道": "not_applicable", "乙镇": "missing", "丙镇": "not_applicable",
    }  # fmt: skip


def test_the_shape_of_a_circle_that_is_a_planning_unit_is_that_of_the_unit() -> None:
    problem = build([Site(home=True, beds=20)], [asks("R", "canteen")], points=POINTS, zones=ZONES)
    problem.areas["circle"] = problem.areas["unit"]
    made = around(problem)
    made.scenario.circles = SimpleNamespace(by="unit", list=())
    table = circles_frame(made, audit(prepared(problem), problem.existing_layout()))
    assert table is not None
    assert table.geometry[0].equals(box(0.0, 0.0, 4000.0, 1000.0))


def test_the_shape_of_a_circle_is_its_zones_together() -> None:
    table = circles(town([asks("R", "canteen")], [Site(home=True, beds=20)])).set_index("id")
    assert table.crs == CRS
    assert table.geometry["甲街道"].equals(box(0.0, 0.0, 2000.0, 1000.0))
    assert table.geometry["乙镇"].equals(box(2000.0, 0.0, 3000.0, 1000.0))


def test_without_circles_or_rules_about_them_there_is_no_table() -> None:
    bare = build([Site(home=True, beds=20)], [asks("R", "canteen")], points=[Point(100.0)])
    assert circles(bare) is None
    no_rule = town([rule("B", "ratio", beds_per_10000=300)], [Site(home=True, beds=20)])
    assert circles(no_rule) is None
    plan = audit(prepared(no_rule), no_rule.existing_layout())
    assert circle_counts(around(no_rule), plan) == {}


def test_the_record_counts_the_circles_of_each_status() -> None:
    sites = [Site(home=True, beds=20, zone=0, functions=has("canteen")),
             Site(high=20, zone=3, facts={"reserved": True})]  # fmt: skip
    problem = town([asks("R", "canteen")], sites)
    plan = audit(prepared(problem), problem.existing_layout())
    counts = circle_counts(around(problem), plan)
    assert counts == {"canteen": {"built": 1, "reserved": 1, "missing": 1}}


# Staff


def staff(sites: list[Site], rules: list[Any], points: list[Point] | None = None) -> Any:
    problem = build(sites, rules, points=points or [Point(10_000.0)])
    layout = problem.existing_layout()
    return staff_frame(prepared(problem), audit(prepared(problem), layout))


def home(beds: int = 120, **facts: float) -> Site:
    return Site(home=True, beds=beds, high=beds, facts=facts)


HEADS = rule("HEADS", "ratio", staff_per_10000=25, staff="care_workers")
BY_BEDS = rule("BEDS", "ratio", beds_per_staff=60, staff="social_workers", per="all")


def one(table: Any) -> Any:
    (row,) = table.to_dict("records")
    return row


def test_staff_that_is_told_is_compared_with_what_is_asked_for() -> None:
    row = one(staff([home(care_workers=24.0)], [HEADS]))
    assert (row["staff"], row["unit"]) == ("care_workers", "persons")
    assert (row["required"], row["measured"], row["verdict"]) == (25.0, 24.0, "unmet")
    assert one(staff([home(care_workers=25.0)], [HEADS]))["verdict"] == "met"


def test_what_is_asked_for_stands_there_also_where_no_file_tells_of_staff() -> None:
    row = one(staff([home()], [HEADS]))
    assert (row["required"], row["verdict"], row["note"]) == (
        25.0, "unknown", "needs:facts.care_workers",
    )  # fmt: skip
    assert np.isnan(row["measured"])
    assert one(staff([home(121)], [BY_BEDS]))["required"] == 3.0


def test_without_residents_nothing_can_be_said_to_be_asked_for() -> None:
    asked = rule("R", "ratio", residents_per_staff=60, staff="social_workers", per="all")
    assert np.isnan(one(staff([home()], [asked]))["required"])
    assert one(staff([home(residents=61.0)], [asked]))["required"] == 2.0


def test_ratios_of_homes_shares_and_thresholds_of_staff_are_there_too() -> None:
    rules = [
        rule("HOME", "ratio", residents_per_staff=60, staff="social_workers", per="facility"),
        rule("SHARE", "share", part="senior_care_workers", of="care_workers", min_share=0.2),
        rule("NURSE", "threshold", from_residents=100, needs="nurses", at_least=1.0),
        rule("ROOM", "threshold", from_beds=100, needs="rehab_room"),
        rule("B", "ratio", beds_per_10000=300),
    ]
    facts = {"residents": 100.0, "social_workers": 1.0, "care_workers": 10.0,
             "senior_care_workers": 2.0, "nurses": 1.0}  # fmt: skip
    table = staff([home(**facts)], rules).set_index("rule_id")
    assert list(table.index) == ["HOME", "SHARE", "NURSE"]
    assert table.loc["HOME", ["scope", "scope_id", "required", "measured", "verdict"]].tolist() == [
        "facility", "H0", 2.0, 1.0, "unmet",
    ]  # fmt: skip
    assert table.loc["SHARE", ["required", "measured", "unit"]].tolist() == [0.2, 0.2, "share"]
    assert table.loc["NURSE", ["required", "measured", "verdict"]].tolist() == [1.0, 1.0, "met"]
    dark = staff([home()], rules).set_index("rule_id")
    assert dark.loc["SHARE", "required"] == 0.2
    assert dark.loc["NURSE", "required"] == 1.0


def test_without_a_rule_of_staff_there_is_no_table() -> None:
    assert staff([home()], [rule("B", "ratio", beds_per_10000=300)]) is None


# Conflicts as a table, and pages of the workbook


def test_no_conflict_is_a_table_of_headings() -> None:
    table = conflicts_frame([])
    assert list(table.columns) == CONFLICT_COLUMNS
    assert table.empty


def test_a_conflict_keeps_its_numbers_in_the_table() -> None:
    found = Conflict("over_supply", "A", "1", scope="unit", scope_id="u", required=30.0,
                     other_required=1.5, measured=46.0, examples=("a", "b"))  # fmt: skip
    row = one(conflicts_frame([found.to_record("en")]))
    assert (row["conflict"], row["required"], row["examples"]) == ("over_supply", 30.0, "a; b")
    assert np.isnan(row["possible"])
    assert row["message"] == found.render("en")


def test_tables_that_a_study_has_no_use_for_are_left_out() -> None:
    full = sample_frames()
    assert {"circles", "staff", "conflicts"} <= set(csv_tables(full))
    bare = replace(full, circles=None, staff=None, conflicts=None)
    assert not {"circles", "staff", "conflicts"} & set(csv_tables(bare))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_circles_has_marks_words_and_shades(language: str, tmp_path: Path) -> None:
    write_workbook(sample_frames(language), tmp_path / "tables.xlsx")
    page = openpyxl.load_workbook(tmp_path / "tables.xlsx")[text("tables.sheet_circles", language)]
    heads = [cell.value for cell in page[1]]
    place = heads.index(text("names.care_centre", language)) + 1
    assert [page.cell(row, place).value for row in (2, 3)] == [
        text("services.status_built", language), f"{text('services.status_reserved', language)} c9",
    ]  # fmt: skip
    share = page.cell(2, heads.index(text("tables.field_ageing_share", language)) + 1)
    assert (share.value, share.number_format) == (0.15, "0.0%")


def test_every_status_has_a_mark_and_a_shade_of_its_own(tmp_path: Path) -> None:
    words = ["built", "planned", "reserved", "missing", "not_applicable", "unknown"]
    full = sample_frames()
    marks = {status_words(each, "zh")[0] for each in words}
    assert len(marks) == len(words)
    assert not any(mark.isalnum() for mark in marks)
    assert full.circles is not None
    shown = full.circles.iloc[[0] * len(words)].assign(care_centre=words)
    write_workbook(replace(full, circles=shown), tmp_path / "tables.xlsx")
    page = openpyxl.load_workbook(tmp_path / "tables.xlsx")[text("tables.sheet_circles", "zh")]
    cells = [page.cell(row, 5) for row in range(2, 2 + len(words))]
    fills = {(cell.fill.fill_type, cell.fill.fgColor.rgb) for cell in cells}
    assert len(fills) == len(words)
    grey = [_grey(cell.fill.fgColor.rgb) for cell in cells[:4]]
    assert all(abs(a - b) > 8 for k, a in enumerate(grey) for b in grey[:k])


def _grey(colour: str) -> float:
    """Return the lightness of a colour such as ``009DB8CF`` on paper without colour, 0 to 255."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (2, 4, 6))
    return 0.299 * red + 0.587 * green + 0.114 * blue


def test_the_page_of_conflicts_says_the_sentence_first_and_shows_shares(tmp_path: Path) -> None:
    write_workbook(sample_frames(), tmp_path / "tables.xlsx")
    page = openpyxl.load_workbook(tmp_path / "tables.xlsx")[text("tables.sheet_conflicts", "zh")]
    heads = [cell.value for cell in page[1]]
    assert heads[:2] == [text("tables.field_conflict", "zh"), text("tables.field_message", "zh")]
    assert page.cell(2, 1).value == text("conflicts.kind_occupancy", "zh")
    asked = page.cell(2, heads.index(text("tables.field_other_required", "zh")) + 1)
    beds = page.cell(2, heads.index(text("tables.field_required", "zh")) + 1)
    times = page.cell(3, heads.index(text("tables.field_other_required", "zh")) + 1)
    assert (asked.value, asked.number_format) == (0.6, "0.0%")
    assert (beds.value, beds.number_format) == (40, "#,##0")
    assert (times.value, times.number_format) == (1.5, "0.00")


def test_codes_are_in_words_and_a_kind_of_ones_own_stays_though_it_is_a_word_of_ours() -> None:
    assert code_words("note", "facts.nurses", "en") == "nurses (facts.nurses)"
    assert code_words("note", "reserved:c9", "en") == "reserved c9"
    assert code_words("measure", "social_workers", "en") == "social workers"
    assert code_words("kind", "stars", "en") == "stars"
    assert code_words("kind", "home", "zh") == "home"
    assert code_words("scope", "town", "zh") == "乡镇"
    assert code_words("note", "", "zh") == ""


def test_notes_are_in_words_on_the_page_of_staff(tmp_path: Path) -> None:
    write_workbook(sample_frames("en"), tmp_path / "tables.xlsx")
    page = openpyxl.load_workbook(tmp_path / "tables.xlsx")["Staff"]
    said = [cell.value for cell in page[3]]
    assert "input missing: certified care workers (facts.care_workers)" in said
    assert "certified care workers" in said
    assert pd.isna(page.cell(3, 7).value)
