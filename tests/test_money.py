"""Money: who pays what in which year, counted by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
from test_phases import written
from tiny_mix import Site, build, findings, prepared, rule

import siting
from siting.audit import judge
from siting.errors import InputError
from siting.money import ITEMS, Payment, Stand, payments, running_cost
from siting.outputs.money import MONEY_COLUMNS, pivot_of
from siting.outputs.workbook_money import write_money
from siting.phasing import report_subsidies
from siting.problem import Layout, Problem
from siting.scenario import Function
from siting.standards import read_standard
from siting.tables import DataCheck
from siting.texts import text

if TYPE_CHECKING:
    from pathlib import Path

    from siting.standards import Rule


def stand(year: int, problem: Problem, beds: list[int], rules: list[Rule] | None = None) -> Stand:
    """Return what stands in a year: so many beds at each site."""
    if rules is not None:
        problem = replace(problem, rules=tuple(rules))
    count = np.array(beds, dtype=np.int64)
    functions = problem.existing_layout().functions
    layout = Layout(count > 0, count, functions=functions)
    return Stand(year, problem, judge(prepared(problem), layout))


def told(found: list[Payment], *items: str) -> list[tuple[Any, ...]]:
    """Return facility, year, item, rule and amount of each payment of some items."""
    return [
        (p.facility_id, p.year, p.item, p.rule_id, round(p.amount_wan_yuan, 6))
        for p in found
        if not items or p.item in items
    ]


def subsidy(name: str = "M", **asked: Any) -> Rule:
    """Return an enforced subsidy."""
    return rule(name, "money", **({"basis": "investment"} | asked))


# T14 of the design: what the drafts of Pingyang pay.

PINGYANG = [
    each
    for each in read_standard("pingyang-2021", year=2025).rules
    if each.id in {"PY-18", "PY-22", "PY-23"}
]


@pytest.mark.parametrize(("investment", "paid"), [(600, 200), (900, 300), (1200, 300)])
def test_t14_a_third_of_the_investment_up_to_300(investment: int, paid: int) -> None:
    site = Site(low=10, high=10, fixed=investment - 10.0, each=1.0)
    found = payments([stand(2025, build([site], PINGYANG), [10])])
    assert told(found) == [
        ("C0", 2025, "capital", "", investment),
        ("C0", 2025, "subsidy_once", "PY-22", paid),
    ]
    assert [(p.payer, p.clause) for p in found] == [("operator", ""), ("county", "三(五)18")]


@pytest.mark.parametrize(("spent", "paid"), [(60.0, 42.0), (71.43, 50.0), (80.0, 50.0)])
def test_t14_equipment_is_paid_for_up_to_50(spent: float, paid: float) -> None:
    home = Site(home=True, beds=10, facts={"equipment_investment": spent})
    found = payments([stand(2025, build([home], PINGYANG), [10])])
    assert told(found, "subsidy_once") == [("H0", 2025, "subsidy_once", "PY-23", paid)]


@pytest.mark.parametrize(("rent", "paid"), [(0.3, 0.15), (0.4, 0.2), (0.6, 0.2)])
def test_t14_half_the_rent_of_a_device_is_paid_every_year(rent: float, paid: float) -> None:
    home = Site(home=True, beds=10, facts={"device_rent_per_person": rent})
    problem = build([home], PINGYANG)
    found = payments([stand(2022, problem, [10]), stand(2025, problem, [10])])
    assert told(found) == [
        ("H0", 2022, "subsidy_yearly", "PY-18", paid),
        ("H0", 2025, "subsidy_yearly", "PY-18", paid),
    ]


# Phases.


def test_building_costs_what_the_phase_adds_and_the_cap_is_one_for_all_phases() -> None:
    # 600 in the first phase, 600 more in the second: 200 and then only 100 of the 300.
    problem = build([Site(low=10, high=600, fixed=0.0, each=2.0)], PINGYANG)
    found = payments([stand(2022, problem, [300]), stand(2025, problem, [600])])
    assert told(found) == [
        ("C0", 2022, "capital", "", 600.0),
        ("C0", 2022, "subsidy_once", "PY-22", 200.0),
        ("C0", 2025, "capital", "", 600.0),
        ("C0", 2025, "subsidy_once", "PY-22", 100.0),
    ]


def test_a_subsidy_that_starts_later_pays_nothing_for_what_was_spent_before() -> None:
    problem = build([Site(low=10, high=40, fixed=0.0, each=1.0)], [])
    money = subsidy(share=0.5)
    found = payments([stand(2022, problem, [10], []), stand(2025, problem, [40], [money])])
    assert told(found, "subsidy_once") == [("C0", 2025, "subsidy_once", "M", 15.0)]


def test_an_award_for_a_fact_is_paid_once_in_the_first_phase_that_has_it() -> None:
    home = Site(home=True, beds=10, facts={"stars": "4"})
    award = subsidy(basis="stars", amounts_wan_yuan={"4": 15.0})
    problem = build([home], [])
    years = [(2021, []), (2022, [award]), (2025, [award])]
    found = payments([stand(year, problem, [10], rules) for year, rules in years])
    assert told(found) == [("H0", 2022, "subsidy_once", "M", 15.0)]


def test_an_award_that_rises_is_paid_for_the_difference() -> None:
    home = Site(home=True, beds=10, facts={"stars": "4"})
    problem = build([home], [])
    awards = [subsidy(basis="stars", amounts_wan_yuan={"4": amount}) for amount in (15.0, 24.0)]
    found = payments(
        [stand(2022, problem, [10], awards[:1]), stand(2025, problem, [10], awards[1:])]
    )
    assert [each[-1] for each in told(found)] == [15.0, 9.0]


def test_subsidies_together_pay_no_more_than_is_spent_enforced_ones_first() -> None:
    rules = [replace(subsidy("A", share=0.7), enforce=False), subsidy("B", share=0.7)]
    problem = build([Site(low=10, high=10, fixed=0.0, each=1.0)], rules)
    found = payments([stand(2025, problem, [10])])
    assert told(found, "subsidy_once") == [
        ("C0", 2025, "subsidy_once", "A", 3.0),
        ("C0", 2025, "subsidy_once", "B", 7.0),
    ]


def test_the_enforced_subsidies_of_the_table_are_those_of_the_cost_stage() -> None:
    rules = [subsidy("A", share=0.6, cap_wan_yuan=30.0), subsidy("B", share=0.6)]
    sites = [Site(low=10, high=80, fixed=3.0, each=1.0), Site(home=True, beds=10, high=30)]
    problem = build(sites, rules)
    # For the candidate 73 in all: 30 by A and 43.8 by B, no more than 73. For the home 25: all.
    last = stand(2025, problem, [25, 70])
    found = payments([stand(2022, problem, [10, 10]), last])
    paid = sum(p.amount_wan_yuan for p in found if p.item == "subsidy_once")
    assert paid == pytest.approx(73.0 + 25.0)
    assert paid == pytest.approx(problem.subsidy(last.layout).sum())
    spent = sum(p.amount_wan_yuan for p in found if p.item == "capital")
    assert spent == pytest.approx(problem.cost(last.layout).sum())


def test_a_subsidy_on_what_no_file_tells_is_in_no_row() -> None:
    problem = build([Site(home=True, beds=10)], [subsidy(basis="equipment_investment", share=0.5)])
    assert payments([stand(2025, problem, [10])]) == []


def test_a_home_outside_the_study_area_gets_nothing() -> None:
    # 9 for three stars, a third of 30 for twenty more beds at 1 and 10 once: only inside.
    rules = [subsidy("S", basis="stars", amounts_wan_yuan={"3": 9.0}), subsidy("I", share=1 / 3)]
    sites = [Site(home=True, beds=10, high=30, facts={"stars": 3.0}) for _ in range(2)]
    problem = build(sites, rules)
    both = [("H0", "S", 9.0), ("H0", "I", 10.0), ("H1", "S", 9.0), ("H1", "I", 10.0)]
    for units, count in (([0, 0], 4), ([0, -1], 2)):
        town = replace(problem, site_unit=np.array(units))
        last = stand(2025, town, [30, 30])
        paid = [(p.facility_id, p.rule_id, round(p.amount_wan_yuan, 6))
                for p in payments([last]) if p.item == "subsidy_once"]  # fmt: skip
        assert paid == both[:count]
        assert town.subsidy(last.layout) == pytest.approx(
            [10.0, 10.0][: count // 2] + [0.0] * (2 - count // 2)
        )
        sums = [each.measured for each in findings(town, last.layout)]
        assert sums == pytest.approx([9.0 * count / 2, 10.0 * count / 2])


def test_of_a_home_outside_no_stars_have_to_be_told() -> None:
    award = subsidy(basis="stars", amounts_wan_yuan={"3": 9.0})
    sites = [Site(home=True, beds=10, facts={"stars": 3.0}), Site(home=True, beds=10)]
    problem = build(sites, [award])
    assert findings(problem)[0].verdict == "unknown"
    problem = replace(problem, site_unit=np.array([0, -1]))
    assert [each.measured for each in findings(problem)] == [9.0]


# Running.


def test_running_counts_beds_and_functions_that_stand() -> None:
    canteen = frozenset({"canteen", "own_word"})
    sites = [
        Site(home=True, beds=10, functions=canteen),
        Site(home=True, beds=20, functions=canteen),
        Site(home=True, beds=30, functions=None),
        Site(home=True, beds=40, functions=canteen),
    ]
    problem = build(sites, [])
    rate = np.array([2.0, math.nan, math.nan, 1.5])
    problem = replace(
        problem,
        sites=replace(problem.sites, running_cost_per_bed=rate),
        functions={"canteen": Function(running_cost=5.0)},
    )
    found = stand(2025, problem, [10, 20, 30, 0])
    # 10 x 2 + 5; the canteen alone; not known; closed.
    functions = found.layout.functions.copy()
    functions[3] = None
    layout = replace(found.layout, functions=functions)
    np.testing.assert_array_equal(running_cost(problem, layout), [25.0, 5.0, math.nan, 0.0])


@pytest.mark.parametrize(
    ("homes", "candidates", "running", "unknown"),
    [
        ("runs", 1.5, 400 * 2.0 + 300 * 1.5, 0),
        (1.0, None, 400.0, 1),
        (None, 2.0, 600.0, 1),
        (None, None, 0.0, 2),
    ],
)
def test_the_cost_of_running_is_a_column_a_number_or_not_known(
    tmp_path: Path, homes: Any, candidates: Any, running: float, unknown: int
) -> None:
    path = written(tmp_path, phases=[])
    changes = {
        "existing.running_cost_per_bed": homes,
        "candidates.0.running_cost_per_bed": candidates,
    }
    plan = siting.plan(siting.read_scenario(path, changes=changes))
    money = plan.record["money"]
    assert (money["running"], money["running_unknown"]) == (running, unknown)


def test_an_empty_cell_is_counted_and_not_taken_for_0(tmp_path: Path) -> None:
    path = written(tmp_path, phases=[])
    homes = pd.read_csv(tmp_path / "h.csv", dtype=str).assign(runs="")
    homes.to_csv(tmp_path / "h.csv", index=False)
    plan = siting.plan(siting.read_scenario(path))
    lines = {each.code: each for each in plan.prepared.check.lines}
    assert lines["running_cost_empty"].count == 1
    assert plan.record["money"]["running_unknown"] == 1
    assert plan.record["money"]["running"] == 300 * 1.5


def test_a_negative_cost_of_running_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, phases=[])
    homes = pd.read_csv(tmp_path / "h.csv", dtype=str).assign(runs="-1")
    homes.to_csv(tmp_path / "h.csv", index=False)
    with pytest.raises(InputError) as caught:
        siting.plan(siting.read_scenario(path))
    assert [each.where.split(" ")[0] for each in caught.value.faults] == ["h.csv"]


# Tables.

PAID = [
    ("A", 2022, "capital", "", "", "operator", 100.0),
    ("A", 2022, "running", "", "", "operator", 7.0),
    ("A", 2022, "subsidy_once", "M", "2", "county", 30.0),
    ("B", 2022, "subsidy_once", "M", "2", "county", 5.0),
    ("B", 2025, "capital", "", "", "operator", 50.0),
    ("B", 2025, "subsidy_yearly", "N", "3", "fund", 4.0),
]
TABLE = pd.DataFrame(PAID, columns=MONEY_COLUMNS)


def test_the_pivot_sums_by_year_and_payer() -> None:
    rows = pivot_of(TABLE).to_numpy(dtype=object).tolist()
    assert rows == [
        [2022, "county", 0.0, 0.0, 35.0, 0.0],
        [2022, "operator", 100.0, 7.0, 0.0, 0.0],
        [2025, "fund", 0.0, 0.0, 0.0, 4.0],
        [2025, "operator", 50.0, 0.0, 0.0, 0.0],
    ]
    assert pivot_of(TABLE)[list(ITEMS)].to_numpy().sum() == TABLE["amount_wan_yuan"].sum()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_of_costs_and_subsidies_shows_the_pivot_and_what_is_left(language: str) -> None:
    sheet = openpyxl.Workbook().active
    write_money(sheet, TABLE, language)
    rows = [list(each) for each in sheet.iter_rows(values_only=True)]
    assert rows[0][2:] == [text(f"tables.item_{item}", language) for item in ITEMS]
    assert rows[1][:2] == [2022, text("tables.payer_county", language)]
    assert rows[3][:2] == [2025, "fund"]
    assert rows[2][2:] == [100.0, 7.0, 0.0, 0.0]
    assert rows[6][0] == text("workbook.money_note", language)
    assert [each[:4] for each in rows[-3:]] == [
        [2022, 100.0, 35.0, 65.0],
        [2025, 50.0, 0.0, 50.0],
        [text("workbook.money_all", language), 150.0, 35.0, 115.0],
    ]


def test_a_page_without_payments_has_its_headings() -> None:
    sheet = openpyxl.Workbook().active
    write_money(sheet, TABLE[:0], "zh")
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][:2] == (text("tables.field_year", "zh"), text("tables.field_payer", "zh"))
    assert rows[-1][:4] == (text("workbook.money_all", "zh"), 0.0, 0.0, 0.0)


def test_the_workbook_has_pages_of_phases_payments_and_costs(tmp_path: Path) -> None:
    plan = siting.plan(siting.read_scenario(written(tmp_path)))
    folder = siting.write_plan(plan, tmp_path / "out")
    book = openpyxl.load_workbook(folder / "tables.xlsx")
    phases, money = (book[text(f"tables.sheet_{name}", "zh")] for name in ("phases", "money"))
    assert [row[0] for row in phases.iter_rows(min_row=2, values_only=True)] == [2022, 2025]
    heads = [cell.value for cell in phases[1]]
    column = heads.index(text("tables.field_run_status", "zh"))
    status = [row[column] for row in phases.iter_rows(min_row=2, values_only=True)]
    assert status == [text("tables.run_optimal", "zh")] * 2
    assert money.max_row == 1 + len(plan.tables.money)
    page = book[text("workbook.sheet_money", "zh")]
    # 420 and 40 to build, 200 and 15 of it paid by the county.
    last = [row[:4] for row in page.iter_rows(values_only=True)][-3:]
    assert last == [(2022, 420, 200, 220), (2025, 40, 15, 25), ("合计", 460, 215, 245)]


def test_the_geopackage_has_tables_of_phases_and_payments(tmp_path: Path) -> None:
    path = written(
        tmp_path, outputs={"map": False, "sheet": False, "tables": False, "report": False}
    )
    plan = siting.plan(siting.read_scenario(path))
    layer = siting.write_plan(plan, tmp_path / "out") / "plan.gpkg"
    for name in ("phases", "money"):
        stored = pyogrio.read_dataframe(layer, layer=name, read_geometry=False)
        table = pd.read_csv(tmp_path / "out" / f"{name}.csv")
        assert list(stored.columns) == list(table.columns)
        assert stored["year"].tolist() == table["year"].tolist()
    assert stored["amount_wan_yuan"].tolist() == table["amount_wan_yuan"].tolist()


def test_sums_of_the_record_are_those_of_the_table(tmp_path: Path) -> None:
    plan = siting.plan(siting.read_scenario(written(tmp_path)))
    table = SimpleNamespace(**plan.record["money"])
    sums = plan.tables.money.groupby("item")["amount_wan_yuan"].sum()
    assert (table.capital, table.subsidy) == (sums["capital"], sums["subsidy_once"])
    phases = plan.record["phases"]
    assert sum(each["cost_wan_yuan"] for each in phases) == table.capital
    assert sum(each["subsidy_wan_yuan"] for each in phases) == table.subsidy


# What is not told of a home.


def test_homes_of_which_it_is_not_told_whether_they_are_paid_are_listed() -> None:
    sites = [
        Site(home=True, beds=20, owner="", facts={"barred": False}),
        Site(home=True, beds=20, owner="private"),
        Site(home=True, beds=20, owner="public", facts={"barred": True}),
        Site(high=20, owner="private"),
    ]
    rules = [
        rule("M1", "money", basis="investment", share=0.5, owners=["private"]),
        rule("M2", "money", basis="investment", share=0.1, excludes=["barred"]),
    ]
    check = DataCheck()
    report_subsidies(build(sites, rules), check)
    assert [(line.code, line.count, line.examples) for line in check.lines] == [
        ("subsidy_bar_unknown", 1, ("H1",)),
        ("subsidy_owner_unknown", 1, ("H0",)),
    ]
    quiet = DataCheck()
    report_subsidies(build(sites[1:2], rules[:1]), quiet)
    assert quiet.lines == []
