"""
Every figure in every output comes from one place: what a run wrote is read back and compared.

What is true is worked out here from the rows of facilities, demand points and payments, and by
hand; then every output, as a reader opens it, has to say the same to the digits that it shows.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
from contextlib import closing
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import docx
import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
from lxml import html
from pypdf import PdfReader
from tiny import change_table, write_tiny

import siting
from siting.texts import catalogue, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Figures = dict[str, Any]
Table = list[list[str]]
STANDARD = """\
extends: hangzhou-2021
id: own
name: {zh: 自定标准, en: own}
jurisdiction: {zh: 小县, en: a county}
source: {zh: 某文件, en: a document}
rules:
  - id: OWN-1
    kind: money
    clause: 补贴一
    legal_status: issued_plan
    strength: required
    tier: 4
    enforce: false
    summary: {zh: 投资补贴, en: a grant}
    reading: {zh: 按投资, en: on what is spent}
    values:
      2021: {basis: investment, share: 0.3, cap_wan_yuan: 77.7, payer: county}
"""
HOSTILE = "=cmd()|'/C calc'!A0 <script>alert(1)</script> \"&amp; 😀\t" + "很长的名字" * 10
PLACES = ("东街", "西街")
YEARS = (2022, 2025)
CLASSES = ("high", "medium")
ACCESS = {"nearest_mean_m": "m", "nearest_p90_m": "m", "walk_share": "share",
          "beds_per_1000": "per_1000", "accessible_mean": "per_1000"}  # fmt: skip
FUNCTIONS = ("care_centre", "memory_home", "canteen")
STATUSES = ("new", "extended", "existing")
STAGES = ("uncovered_high", "uncovered_medium", "missing_beds", "cost", "distance")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Plan a county with subsidies, phases, functions and odd numbers, and write all of it."""
    case = tmp_path_factory.mktemp("one") / "case"
    path = write_tiny(
        case, standard="own.yaml", circles={"by": "street"},
        functions={name: {"cost": 12.3, "area_m2": 50, "running_cost": 6.1} for name in FUNCTIONS},
        existing__functions="功能", existing__running_cost_per_bed=2.43,
        phases=[{"year": 2022, "budget_wan_yuan": 600}, {"year": 2025, "budget_wan_yuan": 900}],
        outputs={"atlas": True, "geojson": True}, atlas={"dpi": 50},
    )  # fmt: skip
    (case / "own.yaml").write_text(STANDARD, encoding="utf-8")
    change_table(case / "elders.csv", _odd_elders)
    change_table(case / "candidates.csv", _odd_prices)
    change_table(case / "homes.csv", _odd_homes)
    done = siting.plan(siting.read_scenario(path))
    return siting.write_plan(done, case.parent / "run")


def _odd_elders(points: pd.DataFrame) -> None:
    points["elders"] = [f"{float(e) + 0.37 * (k % 5):.2f}" for k, e in enumerate(points["elders"])]


def _odd_homes(homes: pd.DataFrame) -> None:
    homes["功能"] = ["canteen", "", ""]
    homes.loc[1, "名称"] = HOSTILE


def _odd_prices(sites: pd.DataFrame) -> None:
    sites["fixed_cost"] = [f"{float(x) + 0.63 * k:.2f}" for k, x in enumerate(sites["fixed_cost"])]
    sites["cost_per_bed"] = "10.17"


# What is true


def _csv(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", encoding="utf-8-sig", keep_default_na=False,
                       na_values=[""])  # fmt: skip


@pytest.fixture(scope="module")
def truth(folder: Path) -> Figures:
    """Return every figure by name, from the rows of the tables and by hand."""
    sites, points = _csv(folder, "facilities"), _csv(folder, "demand")
    return {
        **_true_demand(points), **_true_sites(sites, points), **_true_money(_csv(folder, "money")),
        **_true_stages(folder, points),
        **{f"circle.{place}.{name}": status for place, name, status in _true_circles(folder)},
    }  # fmt: skip


def _true_demand(points: pd.DataFrame) -> Figures:
    elders, metres = points["elders"], points["nearest_network_m"]
    found: Figures = {"elders.total": elders.sum(), "points": len(points)}
    left = points[points["reason"].notna()]
    found |= {"left.elders": left["elders"].sum(), "left.points": len(left)}
    for reason, mine in left.groupby("reason"):
        found[f"left.{reason}.elders"] = mine["elders"].sum()
        found[f"left.{reason}.points"] = len(mine)
    for state, column in (("existing", "covered_existing"), ("plan", "covered")):
        yes = points[column].astype(str).str.lower() == "true"
        for grade in CLASSES:
            mine = points["density_class"] == grade
            found[f"covered.{state}.{grade}"] = elders[mine & yes].sum() / elders[mine].sum()
        for place in PLACES:
            duty = (points["unit_id"] == place) & points["standard_m"].notna()
            share = elders[duty & yes].sum() / elders[duty].sum() if duty.any() else math.nan
            found[f"covered.{state}.{place}"] = share
    for grade in (*CLASSES, "low"):
        found[f"elders.{grade}"] = elders[points["density_class"] == grade].sum()
    for place in PLACES:
        found[f"elders.{place}"] = elders[points["unit_id"] == place].sum()
    order = np.argsort(metres, kind="stable")
    reached = elders.iloc[order].cumsum().to_numpy() >= 0.9 * elders.sum()
    return found | {
        "access.plan.nearest_mean_m": (elders * metres).sum() / elders.sum(),
        "access.plan.nearest_p90_m": metres.iloc[order].to_numpy()[reached.argmax()],
        "access.plan.accessible_mean": (elders * points["accessible_beds"]).sum() / elders.sum(),
        "access.existing.accessible_mean":
            (elders * points["accessible_beds_existing"]).sum() / elders.sum(),
    }  # fmt: skip


def _true_sites(sites: pd.DataFrame, points: pd.DataFrame) -> Figures:
    counts = sites[sites["qualifies"].astype(str).str.lower() == "true"]
    beds_now = {"东街": 60, "西街": 0}  # the one home of at least ten beds
    found: Figures = {
        "beds.existing": 60, "beds.plan": counts["beds"].sum(), "sites.candidates": 4,
        "cost": sites["cost_wan_yuan"].sum(), "homes": 3,
    }  # fmt: skip
    for place in PLACES:
        elders = points["elders"][points["unit_id"] == place].sum()
        need = math.ceil(round(elders * 300 / 10_000, 9))  # HZ-01
        have = int(counts["beds"][counts["unit_id"] == place].sum())
        found |= {
            f"required.{place}": need, f"existing.{place}": beds_now[place], f"plan.{place}": have,
            f"missing.{place}": max(need - have, 0),
            f"per_1000.{place}": have / elders * 1000,
            f"homes.{place}": int((counts["unit_id"] == place).sum()),
        }  # fmt: skip
    for status in STATUSES:
        found[f"status.{status}"] = int((sites["status"] == status).sum())
    for year in YEARS:
        found[f"built.{year}"] = int((sites["phase"] == year).sum())
    for each in sites.itertuples():
        found |= {f"site.{each.id}.beds": each.beds, f"site.{each.id}.cost": each.cost_wan_yuan}
    total = points["elders"].sum()
    return found | {
        "required": sum(found[f"required.{place}"] for place in PLACES),
        "missing": sum(found[f"missing.{place}"] for place in PLACES),
        "access.plan.beds_per_1000": found["beds.plan"] / total * 1000,
        "access.existing.beds_per_1000": found["beds.existing"] / total * 1000,
    }


def _true_money(paid: pd.DataFrame) -> Figures:
    def total(item: str, year: int | None = None) -> float:
        mine = (paid["item"] == item) & ((paid["year"] == year) | (year is None))
        return float(paid["amount_wan_yuan"][mine].sum())

    capital, once = total("capital"), total("subsidy_once")
    found = {"money.capital": capital, "money.subsidy": once, "money.net": capital - once,
             "money.running": total("running", YEARS[-1])}  # fmt: skip
    for year in YEARS:
        found |= {f"cost.{year}": total("capital", year),
                  f"subsidy.{year}": total("subsidy_once", year)}  # fmt: skip
    return found


def _true_stages(folder: Path, points: pd.DataFrame) -> Figures:
    """Return what the stages reach, measured here, with the bounds, which only the solver knows."""
    uncovered = points[points["reason"].notna()].groupby("density_class")["elders"].sum()
    far = np.minimum(points["nearest_network_m"], 1000.0)
    sites = _csv(folder, "facilities")
    values = {
        "uncovered_high": uncovered.get("high", 0.0),
        "uncovered_medium": uncovered.get("medium", 0.0),
        "missing_beds": _csv(folder, "units")["shortfall"].sum(),
        "cost": sites["cost_wan_yuan"].sum(),
        "distance": (points["elders"] * far).sum(),
    }
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    stages = {each["name"]: each for each in record["stages"]}
    return {f"stage.{name}.value": values[name] for name in STAGES} | {
        f"stage.{name}.{key}": stages[name][key] for name in STAGES for key in ("bound", "gap")
    }


def _true_circles(folder: Path) -> list[tuple[str, str, str]]:
    table = _csv(folder, "circles").set_index("id")
    return [(place, name, str(table.loc[place, name]).partition(":")[0])
            for place in PLACES for name in FUNCTIONS]  # fmt: skip


# How a figure reads


def _rounded(value: float, decimals: int) -> str:
    step = Decimal(1).scaleb(-decimals)
    return f"{Decimal(f'{value:.12g}').quantize(step, ROUND_HALF_UP):,}"


def _says(shown: Any, exact: Any) -> bool:
    """Tell whether what is shown is a figure to the digits that it shows."""
    if isinstance(exact, str):
        return str(shown) == exact
    if isinstance(exact, float) and math.isnan(exact):
        return shown is None or shown in {"—", "–", ""} or shown != shown  # noqa: PLR0124 - NaN
    if not isinstance(shown, str):
        return math.isclose(float(shown), float(exact), rel_tol=1e-7, abs_tol=1e-6)
    words = re.match(r"-?[\d,]+(?:\.(\d+))?(%?)", shown.strip())
    assert words is not None, shown
    decimals = len(words[1] or "")
    if words[2]:
        whole = round(float(exact), 12) in {0.0, 1.0}
        within = exact if whole or decimals > 1 else min(max(exact, 0.001), 0.999)
        assert decimals > 0 or whole, f"{shown} for {exact}"
        return words[0] == f"{_rounded(within * 100, decimals)}%"
    near = (float(exact) * (1 + noise) for noise in (0.0, 1e-9, -1e-9))  # CSV has six decimals
    return words[0] in {_rounded(each, decimals) for each in near}


def _named(key: str, **blanks: str) -> str:
    return text(key, "zh", **blanks)


def _sentence(key: str, lines: list[str]) -> dict[str, str]:
    """Return the values that stand in the one line that a text of the catalogue made."""
    template = catalogue()[key]["zh"]
    parts = re.split(r"\{(\w+)[^}]*\}", template)
    pattern = "".join(
        re.escape(part) if place % 2 == 0 else f"(?P<{part}>.+?)"
        for place, part in enumerate(parts)
    )
    found = [match for match in (re.fullmatch(pattern, line) for line in lines) if match]
    assert len(found) == 1, (key, len(found))
    return found[0].groupdict()


# What each output says


def _record(folder: Path) -> Figures:
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    found: Figures = {f"elders.{key}": value for key, value in record["elders"].items()}
    found |= {f"covered.{state}.{grade}": record["coverage"][state][grade]
              for state in ("existing", "plan") for grade in CLASSES}  # fmt: skip
    beds, sites = record["beds"], record["sites"]
    found |= {"required": beds["required"], "beds.existing": beds["existing"],
              "beds.plan": beds["plan"], "missing": beds["shortfall"],
              "status.new": sites["new"], "status.extended": sites["extended"],
              "homes": sites["existing"], "sites.candidates": sites["candidates"],
              "cost": record["cost_wan_yuan"]}  # fmt: skip
    money = ("capital", "subsidy", "net", "running")
    found |= {f"money.{key}": record["money"][key] for key in money}
    found |= {f"cost.{each['year']}": each["cost_wan_yuan"] for each in record["phases"]}
    found |= {f"subsidy.{each['year']}": each["subsidy_wan_yuan"] for each in record["phases"]}
    found |= {f"access.{state}.{name}": record["access"][state][name]
              for state in ("existing", "plan") for name in ACCESS}  # fmt: skip
    for name, counts in record["circles"].items():
        if name in FUNCTIONS:
            found |= {f"count.{name}.{status}": count for status, count in counts.items()}
    return found | {f"stage.{each['name']}.{key}": each[key] for each in record["stages"]
                    if each["name"] in STAGES for key in ("value", "bound", "gap")}  # fmt: skip


def _units(rows: Mapping[str, Any]) -> Figures:
    """Return figures of planning units: elders, required, existing, planned, missing, homes."""
    names = ("elders", "required", "existing", "plan", "missing", "homes")
    return {f"{name}.{place}": value for place in PLACES
            for name, value in zip(names, rows[place], strict=True)}  # fmt: skip


def _csv_files(folder: Path) -> Figures:
    units, phases = _csv(folder, "units").set_index("id"), _csv(folder, "phases").set_index("year")
    access = _csv(folder, "access")
    whole = access[(access["scope"] == "all") & access["density_class"].isna()]
    columns = ["elders", "beds_required", "beds_existing", "beds_planned", "shortfall", "sites"]
    found = _units({place: units.loc[place, columns] for place in PLACES})
    found |= {f"cost.{year}": phases.loc[year, "cost_wan_yuan"] for year in YEARS}
    found |= {f"subsidy.{year}": phases.loc[year, "subsidy_wan_yuan"] for year in YEARS}
    found |= {f"access.{each.state}.{each.measure}": each.value for each in whole.itertuples()
              if each.measure in ACCESS}  # fmt: skip
    curve = _csv(folder, "curve").iloc[-1]
    return found | {"cost": curve["cumulative_cost_wan_yuan"], "beds.plan": curve["beds_total"],
                    "missing": curve["beds_missing"],
                    "covered.plan.high": curve["covered_share_high"],
                    "covered.plan.medium": curve["covered_share_medium"]}  # fmt: skip


def _workbook(folder: Path) -> Figures:
    book = openpyxl.load_workbook(folder / "tables.xlsx", data_only=False)
    cells = {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()]
             for sheet in book}  # fmt: skip
    first = {row[0]: row[1] for row in cells[_named("tables.sheet_summary")]}
    names = {
        "elders_total": "elders.total", "elders_high": "elders.high",
        "elders_medium": "elders.medium", "elders_low": "elders.low",
        "beds_required": "required", "beds_existing": "beds.existing", "beds_plan": "beds.plan",
        "beds_shortfall": "missing", "sites_new": "status.new", "sites_extended": "status.extended",
        "sites_existing": "homes", "sites_candidates": "sites.candidates", "cost_wan_yuan": "cost",
        **{f"covered_{state}_{grade}": f"covered.{state}.{grade}"
           for state in ("existing", "plan") for grade in CLASSES},
    }  # fmt: skip
    found = {name: first[_named(f"tables.summary_{key}")] for key, name in names.items()}
    found |= _stage_rows(cells[_named("tables.sheet_summary")])
    found |= _units({row[0]: row[1:7] for row in cells[_named("tables.sheet_units")]})
    money = cells[_named("workbook.sheet_money")]
    net = money[[row[3] for row in money].index(_named("workbook.money_net")) :]
    found |= dict(zip(("money.capital", "money.subsidy", "money.net"), net[-1][1:4], strict=True))
    found |= {f"cost.{row[0]}": row[1] for row in net if row[0] in YEARS}
    for row in cells[_named("tables.sheet_facilities")][1:]:
        found |= {f"site.{row[0]}.beds": row[7], f"site.{row[0]}.cost": row[12]}
    circles = cells[_named("tables.sheet_circles")]
    return found | _marks(circles[0], {str(row[0]): row for row in circles})


def _stage_rows(rows: list[list[Any]]) -> Figures:
    by_name = {row[0]: row[1:4] for row in rows}
    found: Figures = {}
    for name in STAGES:
        values = by_name[_named(f"tables.stage_{name}")]
        keys = (f"stage.{name}.{key}" for key in ("value", "bound", "gap"))
        found |= dict(zip(keys, values, strict=True))
    return found


def _marks(heads: list[Any], rows: Mapping[str, list[Any]]) -> Figures:
    """Return the statuses of functions, read from their marks."""
    statuses = ("built", "planned", "reserved", "missing", "not_applicable", "unknown")
    marks = {_named(f"services.status_{each}")[0]: each for each in statuses}
    place_of = {name: heads.index(_named(f"names.{name}")) for name in FUNCTIONS}
    return {f"circle.{place}.{name}": marks[str(rows[place][column])[0]]
            for place in PLACES for name, column in place_of.items()}  # fmt: skip


def _geopackage(folder: Path) -> Figures:
    path = folder / "plan.gpkg"
    units = gpd.read_file(path, layer="units").set_index("id")
    columns = ["elders", "beds_required", "beds_existing", "beds_planned", "shortfall", "sites"]
    found = _units({place: units.loc[place, columns] for place in PLACES})
    for each in gpd.read_file(path, layer="facilities").itertuples():
        found |= {f"site.{each.id}.beds": each.beds, f"site.{each.id}.cost": each.cost_wan_yuan}
    circles = gpd.read_file(path, layer="circles").set_index("id")
    found |= {f"circle.{place}.{name}": str(circles.loc[place, name]).partition(":")[0]
              for place in PLACES for name in FUNCTIONS}  # fmt: skip
    with closing(sqlite3.connect(path)) as database:
        run = dict(database.execute("SELECT key, value FROM run").fetchall())
        (left,) = database.execute(
            "SELECT sum(elders) FROM demand WHERE reason IS NOT NULL AND reason <> ''"
        ).fetchone()
    names = {"cost_wan_yuan": "cost", "beds.required": "required", "beds.plan": "beds.plan",
             "sites.new": "status.new", "money.net": "money.net", "elders.total": "elders.total",
             "coverage.plan.high": "covered.plan.high"}  # fmt: skip
    return found | {"left.elders": left} | {name: float(run[key]) for key, name in names.items()}


def _geojson(folder: Path) -> Figures:
    units = json.loads((folder / "geojson" / "units.geojson").read_text(encoding="utf-8"))
    rows = {each["properties"]["id"]: each["properties"] for each in units["features"]}
    columns = ("elders", "beds_required", "beds_existing", "beds_planned", "shortfall", "sites")
    return _units({place: [rows[place][name] for name in columns] for place in PLACES})


BUILT = {"new": "status.new", "extended": "status.extended"}
SENTENCES = {
    "result_elders": {key: f"elders.{key}" for key in ("total", *CLASSES, "low")},
    "result_beds": {"required": "required", "existing": "beds.existing", "plan": "beds.plan",
                    "shortfall": "missing"},
    "result_sites": BUILT | {"cost": "cost", "net": "money.net"},
    "result_access": {"before": "access.existing.nearest_mean_m",
                      "after": "access.plan.nearest_mean_m",
                      "per_before": "access.existing.beds_per_1000",
                      "per_after": "access.plan.beds_per_1000"},
    "demand_opening": {"total": "elders.total", "points": "points"},
    "existing_opening": {"homes": "homes", "beds": "beds.existing"},
    "layout_opening": BUILT | {"candidates": "sites.candidates", "beds": "beds.plan"},
    "uncovered_opening": {"elders": "left.elders", "points": "left.points"},
    "money_opening": {"cost": "cost"} | {
        key: f"money.{key}" for key in ("capital", "subsidy", "net", "running")
    },
}  # fmt: skip
"""Sentences of the report with the figures that stand in them."""


def _report(lines: list[str], tables: list[Table]) -> Figures:
    """Return the figures of a report: its sentences, and its tables by their headings."""

    def table(*heads: str) -> Table:
        words = [_named(f"report.head_{each}") for each in heads]
        found = [each for each in tables if each[0][: len(words)] == words]
        assert len(found) == 1, heads
        return found[0]

    found: Figures = {
        f"{SENTENCES[key][blank]}@{key}": value
        for key in SENTENCES for blank, value in _sentence(f"report.{key}", lines).items()
        if blank in SENTENCES[key]
    }  # fmt: skip
    graded = {row[0]: row for row in table("figure", "today", "planned", "counts")}
    for grade in CLASSES:
        word = _named(f"tables.class_{grade}")
        row = graded[_named("report.figure_covered", grade=word)]
        found |= {f"covered.existing.{grade}": row[1], f"covered.plan.{grade}": row[2]}
    shown = {name: graded[_named(f"report.figure_{name}")]
             for name in ("beds", "shortfall", "sites", "cost")}  # fmt: skip
    new, extended, _ = shown["sites"][2].split(" / ")
    found |= {
        "beds.existing@first page": shown["beds"][1], "beds.plan@first page": shown["beds"][2],
        "missing@first page": shown["shortfall"][2], "cost@first page": shown["cost"][2],
        "status.new@first page": new, "status.extended@first page": extended,
    }  # fmt: skip
    found |= _stage_rows(table("stage", "value", "bound"))
    found |= _units({row[0]: row[1:7] for row in table("unit", "elders", "beds_required")})
    for row in table("street", "elders", "beds_today")[1:]:
        found[f"per_1000.{row[0]}"] = row[5]
    for row in table("year", "new", "extended")[1:]:
        found |= {f"cost.{row[0]}": row[5], f"subsidy.{row[0]}": row[6]}
    measures = [_named(f"report.head_{each}") for each in ("measure", "today", "planned")]
    for row in next(each for each in tables if each[0] == measures)[1:]:
        for name in ACCESS:
            if row[0] == _named(f"tables.access_{name}"):
                found |= {f"access.existing.{name}": row[1], f"access.plan.{name}": row[2]}
    reasons = {_named(f"tables.reason_{each}"): each for each in ("no_candidate_in_reach",)}
    for row in table("reason", "points")[1:]:
        found |= {f"left.{reasons[row[0]]}.points": row[1],
                  f"left.{reasons[row[0]]}.elders": row[4]}  # fmt: skip
    circles = table("circle")
    return found | _marks(circles[0], {row[0]: row for row in circles})


def _word(folder: Path) -> Figures:
    report = docx.Document(str(folder / "report.docx"))
    tables = [[[cell.text for cell in row.cells] for row in each.rows] for each in report.tables]
    return _report([each.text for each in report.paragraphs], tables)


def _page(folder: Path) -> Figures:
    page = html.fromstring((folder / "report.html").read_text(encoding="utf-8"))
    tables = [[[cell.text_content() for cell in row.iter("th", "td")] for row in each.iter("tr")]
              for each in page.iter("table")]  # fmt: skip
    return _report([each.text_content() for each in page.iter("p", "li")], tables)


def _after(lines: list[str], label: str, count: int) -> list[str]:
    """Return the figures behind a label, of the line that has that many."""
    rests = [line[len(label) :].strip() for line in lines if line.startswith(f"{label} ")]
    found = [each for each in (re.split(r" (?!/)(?<!/ )", rest) for rest in rests)
             if len(each) == count]  # fmt: skip
    assert len(found) == 1, (label, rests)
    return found[0]


def _sheet_figures(lines: list[str]) -> Figures:
    """Return the key figures as a sheet of the layout has them."""
    grades = _after(lines, _named("sheet.elders_classes"), 1)[0].split(" / ")
    found: Figures = {f"elders.{grade}": value
                      for grade, value in zip((*CLASSES, "low"), grades, strict=True)}  # fmt: skip
    found["elders.total"] = _after(lines, _named("sheet.elders"), 1)[0]
    for grade, metres in zip(CLASSES, (500.0, 1000.0), strict=True):
        label = catalogue()[f"sheet.covered_{grade}"]["zh"].format(distance=metres)
        before, after = _after(lines, label, 2)
        found |= {f"covered.existing.{grade}": before, f"covered.plan.{grade}": after}
    before, after = _after(lines, _named("sheet.beds"), 2)
    new, extended, _ = _after(lines, _named("sheet.sites_plan"), 1)[0].split(" / ")
    return found | {
        "beds.existing": before, "beds.plan": after, "status.new": new, "status.extended": extended,
        "left.elders": _after(lines, _named("sheet.uncovered_elders"), 2)[1],
        "required": _after(lines, _named("sheet.beds_required"), 1)[0],
        "missing": _after(lines, _named("sheet.beds_missing"), 2)[1],
        "homes": _after(lines, _named("sheet.sites"), 1)[0],
        "cost": _after(lines, _named("sheet.cost"), 2)[1],
    }  # fmt: skip


def _sheet(folder: Path) -> Figures:
    lines = PdfReader(folder / "sheet.pdf").pages[0].extract_text().splitlines()
    found = _sheet_figures(lines)
    for row in (line.split() for line in lines):
        if len(row) == 5 and row[0].isdigit() and row[1].startswith("地块"):
            found[f"site.{row[1].removeprefix('地块')}.cost"] = row[4]
    return found


def _atlas(folder: Path) -> Figures:
    pages = [page.extract_text().splitlines() for page in PdfReader(folder / "atlas.pdf").pages]
    keys = list(_csv(folder / "atlas", "index")["key"])
    of = {key: pages[keys.index(key)] for key in keys}
    found = _sheet_figures(of["coverage"])
    for page, key in zip(pages, keys, strict=True):
        if key == "guide":
            (place,) = [
                each for each in PLACES if any(line.endswith(f"{each}指引") for line in page)
            ]
            found |= {f"{name}@guide": value for name, value in _guide(place, page).items()}
    for place in PLACES:
        found |= {f"missing.{place}": _after(of["supply"], place, 5)[3],
                  f"per_1000.{place}": _after(of["supply"], place, 5)[4]}  # fmt: skip
        today = _after(of["units"], place, 3)
        found |= {f"existing.{place}": today[2], f"required.{place}": today[1]}
        shares = _after(of["coverage"], place, 2)
        found |= {f"covered.existing.{place}": shares[0], f"covered.plan.{place}": shares[1]}
    phases = next(page for page, key in zip(pages, keys, strict=True) if key == "phase")
    costs = _after(phases, _named("atlas.phase_cost"), 2)
    found |= {f"cost.{year}": cost for year, cost in zip(YEARS, costs, strict=True)}
    reason = _after(of["uncovered"], _named("tables.reason_no_candidate_in_reach"), 2)
    found["left.no_candidate_in_reach.points"] = reason[0]
    found["left.no_candidate_in_reach.elders"] = reason[1]
    found["sites.candidates"] = _after(of["location"], _named("atlas.candidates"), 1)[0]
    for name, unit in ACCESS.items():
        parts = 4 if unit == "m" else 2
        values = _after(of["coverage"], _named(f"tables.access_{name}"), parts)
        found |= {f"access.existing.{name}": values[0], f"access.plan.{name}": values[parts // 2]}
    for name in FUNCTIONS:
        row = next(line for line in of["functions"] if _named(f"names.{name}") in line)
        found[f"stands.{name}"], found[f"count.{name}.missing"] = row.split()[-2:]
    return found


def _guide(place: str, lines: list[str]) -> Figures:
    """Return the figures of the guide page of a street."""
    before, after = _after(lines, _named("sheet.beds"), 2)
    return {
        f"elders.{place}": _after(lines, _named("sheet.elders"), 1)[0],
        f"required.{place}": _after(lines, _named("sheet.beds_required"), 1)[0],
        f"existing.{place}": before, f"plan.{place}": after,
        f"missing.{place}": _after(lines, _named("sheet.beds_missing"), 1)[0],
        f"homes.{place}": _after(lines, _named("atlas.counting_sites"), 2)[1],
    }  # fmt: skip


def _map(folder: Path) -> Figures:
    page = (folder / "map.html").read_text(encoding="utf-8")
    data = json.loads(re.findall(r'id="siting-data">(.*?)</script>', page, re.DOTALL)[0])
    names = ("elders", "required", "existing", "planned", "shortfall", "sites")
    rows = {each["id"]: [f"{each[name]:,}" for name in names] for each in data["units"]}
    found = _units(rows)
    for each in data["facilities"]:
        found |= {f"site.{each['id']}.beds": each["beds"]}
    demand = data["demand"]
    left = [k for k, code in enumerate(demand["after"])
            if data["themes"]["after"]["entries"][code]["bad"]]  # fmt: skip
    found["left.points"] = len(left)
    tree = html.fromstring(page)
    table = {row[0].text_content(): [cell.text_content() for cell in row[1:]]
             for row in tree.xpath("//table//tr")}  # fmt: skip
    for grade in CLASSES:
        before, after, _ = table[_named(f"map.row_{grade}")]
        found |= {f"covered.existing.{grade}": before, f"covered.plan.{grade}": after}
    for label, value in zip(tree.xpath("//dl/dt"), tree.xpath("//dl/dd"), strict=True):
        for key, name in (("required", "required"), ("shortfall", "missing"), ("new", "status.new"),
                          ("extended", "status.extended"), ("cost", "cost")):  # fmt: skip
            if label.text_content() == _named(f"map.row_{key}"):
                found[name] = value.text_content()
    return found


READERS: dict[str, tuple[Callable[[Path], Figures], int]] = {
    "run.json": (_record, 50), "tables in CSV": (_csv_files, 30), "tables.xlsx": (_workbook, 55),
    "plan.gpkg": (_geopackage, 35), "geojson": (_geojson, 12), "report.docx": (_word, 65),
    "report.html": (_page, 65), "sheet.pdf": (_sheet, 18), "atlas.pdf": (_atlas, 55),
    "map.html": (_map, 25),
}  # fmt: skip
"""What reads each output, and at least how many figures it has to find there."""


@pytest.mark.parametrize("output", READERS)
def test_an_output_says_what_the_rows_add_up_to(output: str, folder: Path, truth: Figures) -> None:
    read, least = READERS[output]
    found = read(folder)
    known = truth | {f"count.{name}.{status}": sum(
        truth[f"circle.{place}.{name}"] == status for place in PLACES)
        for name in FUNCTIONS
        for status in ("built", "planned", "missing", "reserved", "unknown", "not_applicable")
    }  # fmt: skip
    known |= {f"stands.{name}": known[f"count.{name}.built"] + known[f"count.{name}.planned"]
              for name in FUNCTIONS}  # fmt: skip
    measured = {name: value for name, value in _record(folder).items()
                if name.startswith("access.")}  # fmt: skip
    known = measured | known  # what only the run can measure
    wrong = {name: (shown, known[name.partition("@")[0]]) for name, shown in found.items()
             if not _says(shown, known[name.partition("@")[0]])}  # fmt: skip
    assert wrong == {}
    assert len(found) >= least


def test_the_case_has_something_of_everything(truth: Figures) -> None:
    for name in ("left.elders", "missing", "status.new", "status.extended", "money.subsidy",
                 "built.2022", "built.2025", "cost.2022"):  # fmt: skip
        assert truth[name] > 0, name
    assert truth["money.subsidy"] < truth["cost"]
    assert len({truth[f"circle.{place}.{name}"] for place in PLACES for name in FUNCTIONS}) > 1
    assert 0 < truth["covered.plan.high"] < 1


def test_a_hostile_name_stands_everywhere_as_text(folder: Path) -> None:
    assert len(HOSTILE) > 80
    sites = _csv(folder, "facilities").set_index("id")
    assert sites.loc["H2", "name"].lstrip("'").startswith("=cmd()|")
    book = openpyxl.load_workbook(folder / "tables.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert any(str(cell.value).startswith("=cmd()|") for cell in cells)
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]
    for name in ("map.html", "report.html"):
        page = (folder / name).read_text(encoding="utf-8")
        assert "<script>alert" not in page
        assert "=cmd()|" in page
    named = gpd.read_file(folder / "plan.gpkg", layer="facilities").set_index("id")["name"]
    assert "<script>alert(1)</script>" in named["H2"]
    pages = "".join(page.extract_text() for page in PdfReader(folder / "atlas.pdf").pages)
    assert "=cmd()|" in pages
