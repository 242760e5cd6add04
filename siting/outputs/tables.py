"""Tables as CSV and as a workbook for the plan document."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from openpyxl import Workbook
from openpyxl.styles import Alignment

from siting.access import ACCESS_COLUMNS, LORENZ_COLUMNS
from siting.conflict import input_words
from siting.outputs.money import MONEY_COLUMNS, PHASE_COLUMNS
from siting.outputs.services import (
    ABOUT_CIRCLES,
    CONFLICT_COLUMNS,
    STAFF_COLUMNS,
    function_words,
    functions_of,
)
from siting.outputs.workbook_access import write_access
from siting.outputs.workbook_cells import head, printed, put, put_share, widen
from siting.outputs.workbook_money import write_money
from siting.outputs.workbook_pages import (
    write_circles,
    write_fields,
    write_sources,
    write_summary,
)
from siting.texts import catalogue, text
from siting.units import NO_UNIT

if TYPE_CHECKING:
    from pathlib import Path

    from openpyxl.worksheet.worksheet import Worksheet

    from siting.outputs.frames import Frames

__all__ = ["CSV_COLUMNS", "csv_tables", "word_of", "write_csv_tables", "write_workbook"]

CSV_COLUMNS: dict[str, list[str]] = {
    "facilities": [
        "id", "name", "status", "x", "y", "lon", "lat", "beds", "added_beds", "nursing_beds",
        "dementia_beds", "unit_id", "cost_wan_yuan", "elders_within_standard", "kind", "qualifies",
        "rules", "rank", "phase", "functions", "added_functions",
    ],
    "demand": [
        "id", "elders", "density_per_km2", "density_class", "unit_id", "nearest_facility_id",
        "nearest_network_m", "nearest_straight_m", "standard_m", "covered", "reason",
        "covered_existing", "note", "blocked_by", "accessible_beds_existing", "accessible_beds",
    ],
    "units": [
        "id", "elders", "beds_required", "beds_existing", "beds_planned", "shortfall", "sites",
        "note",
    ],
    "audit": [
        "rule_id", "clause", "legal_status", "scope", "scope_id", "required", "measured", "unit",
        "verdict", "enforced", "note", "state",
    ],
    "circles": ABOUT_CIRCLES,
    "staff": STAFF_COLUMNS,
    "conflicts": CONFLICT_COLUMNS,
    "phases": PHASE_COLUMNS,
    "money": MONEY_COLUMNS,
    "access": ACCESS_COLUMNS,
    "lorenz": LORENZ_COLUMNS,
}  # fmt: skip
"""Columns of each table, in order; circles have one more for each function."""

CODES = {
    "status": "status", "density_class": "class", "reason": "reason", "verdict": "verdict",
    "legal_status": "legal", "state": "state", "scope": "scope", "unit": "measure",
    "action": "action", "support": "support", "kind": "kind", "severity": "severity",
    "note": "note", "staff": "measure", "conflict": "kind",
    "run_status": "run", "item": "item", "payer": "payer", "measure": "access", "of": "of",
}  # fmt: skip
"""Columns whose codes the workbook shows in words, and the group of texts for each."""

LISTS = {"functions", "added_functions"}
"""Columns that list functions, which the workbook shows in words."""

SHARES = {"covered_share_high", "covered_share_medium", "changed_share", "ageing_share",
          "elders_share", "amount_share"}  # fmt: skip
"""Columns of shares, 0 to 1."""

WHOLE, TENTHS, DEGREES = "#,##0", "#,##0.0", "0.000000"
FORMATS = {
    "x": "0.00", "y": "0.00", "lon": DEGREES, "lat": DEGREES,
    "beds": WHOLE, "added_beds": WHOLE, "nursing_beds": WHOLE, "dementia_beds": WHOLE,
    "beds_required": WHOLE, "beds_existing": WHOLE, "beds_planned": WHOLE, "shortfall": WHOLE,
    "beds_added": WHOLE, "beds_total": WHOLE, "beds_missing": WHOLE, "sites": WHOLE,
    "required": WHOLE, "measured": WHOLE, "elders_within_standard": TENTHS,
    "elders": TENTHS, "elders_high": TENTHS, "elders_medium": TENTHS, "elders_low": TENTHS,
    "elders_added_high": TENTHS, "elders_added_medium": TENTHS, "density_per_km2": TENTHS,
    "nearest_network_m": TENTHS, "nearest_straight_m": TENTHS, "standard_m": WHOLE,
    "value": WHOLE,
    "cost_wan_yuan": TENTHS, "cumulative_cost_wan_yuan": TENTHS, "subsidy_wan_yuan": TENTHS,
    "budget_wan_yuan": TENTHS, "amount_wan_yuan": "#,##0.00", "year": "0", "phase": "0",
    "gap": "0.0000%",
}  # fmt: skip
"""Number formats of the workbook, by column."""
MEASURES = ("required", "measured", "other_required", "possible", "value")
"""Columns whose numbers count what the column ``unit`` says."""
UNIT_FORMATS = {"gini": "0.000", "m": TENTHS, "wan_yuan": TENTHS, "per_1000": "#,##0.00"}
"""Number formats of those columns, by unit, where they are not whole."""

SENTENCES = {"message", "rule_id"}
"""Columns of the conflicts that take several lines."""

DECIMALS, FINE = 6, 12
PLACED = {"id", "unit_id", "scope_id"}
"""Columns that may name the unit of what is in none."""

MEASURED = 500  # rows whose contents decide how wide a column is


def csv_tables(frames: Frames) -> dict[str, pd.DataFrame]:
    """
    Return the tables that are written as CSV, by name; an estimate says so in every row.

    A table that a study has no use for is left out. Numbers have six decimals at most: a
    micrometre, a millionth of an elder. Degrees and shares have twelve.
    """
    tables: dict[str, pd.DataFrame] = {
        name: pd.DataFrame(getattr(frames, name)[columns])
        for name, columns in CSV_COLUMNS.items()
        if getattr(frames, name) is not None
    }
    if frames.circles is not None:
        columns = [*ABOUT_CIRCLES, *functions_of(frames.circles)]
        tables["circles"] = pd.DataFrame(frames.circles[columns])
    tables["curve"] = frames.curve
    tables["density"] = frames.density
    tables = {name: _rounded(each) for name, each in tables.items()}
    if frames.info.get("estimate"):
        tables = {name: each.assign(estimate=True) for name, each in tables.items()}
    return tables


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without the last digits of its floats, which are noise."""
    fine = {"lon", "lat", "measured", "value", *SHARES}
    decimals = {name: FINE if name in fine else DECIMALS for name in table.select_dtypes("float")}
    return table.round(decimals)


def write_csv_tables(frames: Frames, folder: Path) -> None:
    """Write every table of the run as CSV."""
    for name, table in csv_tables(frames).items():
        plain = table.copy()
        for column in plain.select_dtypes(include=["bool", "boolean"]):
            plain[column] = plain[column].map({True: "true", False: "false"})
        plain.to_csv(folder / f"{name}.csv", index=False, encoding="utf-8-sig")


def write_workbook(frames: Frames, path: Path, *, rows: int = 50_000) -> None:
    """
    Write the tables for the plan document: headings in words and frozen, numbers as numbers.

    The first page has the figures and their proof; after the tables come the sources and
    settings, and a list of the fields. Text from data is written as text: what begins like a
    formula stays text. Shares are numbers that show as ``siting.texts.percent`` writes them. Of a
    table with more rows than are asked for, the first are written, and a line below them says how
    many more there are and which CSV file has them all.
    """
    language = frames.info["language"]
    book, tables = Workbook(), csv_tables(frames)
    write_summary(book.active, frames)
    for name, table in tables.items():
        if name == "money":
            page = book.create_sheet(text("workbook.sheet_money", language))
            write_money(page, table, language)
        sheet = book.create_sheet(text(f"tables.sheet_{name}", language))
        if name == "access":
            write_access(sheet, table, language)
        elif name == "circles":
            write_circles(sheet, table, language)
        elif name == "conflicts":
            first = ["conflict", "message"]
            rest = [each for each in table.columns if each not in first]
            _write_table(sheet, table[[*first, *rest]], language)
        else:
            _write_table(sheet, table.head(rows), language)
            if len(table) > rows:
                more = {"n": len(table) - rows, "file": f"{name}.csv"}
                put(sheet.cell(rows + 3, 1), text("workbook.rows_left_out", language, **more))
    write_sources(book.create_sheet(text("workbook.sheet_sources", language)), frames)
    write_fields(book.create_sheet(text("tables.sheet_fields", language)), tables, language)
    for sheet in book:
        sheet.page_setup.paperSize, sheet.page_setup.orientation = sheet.PAPERSIZE_A4, "landscape"
        sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage = 0, True
    book.save(path)


def _worded(table: pd.DataFrame, language: str) -> pd.DataFrame:
    """Return a table with its codes, its yes and no in words."""
    shown = table.copy()
    yes = {True: text("workbook.yes", language), False: text("workbook.no", language)}
    words: list[str | None]
    for column in shown:
        if column in CODES:
            codes = shown[column].fillna("")
            words = [word_of(CODES[column], str(each), language) for each in codes]
        elif column in LISTS:
            words = [function_words(each, language) for each in shown[column]]
        elif pd.api.types.is_bool_dtype(shown[column]):
            words = [None if pd.isna(each) else yes[bool(each)] for each in shown[column]]
        elif column in PLACED:
            nowhere = text("workbook.no_unit", language)
            words = [nowhere if each == NO_UNIT else each for each in shown[column]]
        else:
            continue
        shown[column] = pd.Series(words, index=shown.index, dtype=object)
    return shown


def word_of(group: str, code: str, language: str) -> str:
    """Return a code in words; one without, such as a kind of the planner's own, as it is."""
    head, _, rest = code.partition(":")
    if rest and group == "note":
        said = input_words(rest, language) if head == "needs" else rest
        return f"{word_of(group, head, language)} {said}"
    for key in (f"tables.{group}_{code}", f"conflicts.{group}_{code}"):
        if key in catalogue():
            return text(key, language)
    return input_words(code, language) if group in {"measure", "note"} else code


def _write_table(sheet: Worksheet, table: pd.DataFrame, language: str) -> None:
    """Write a table with headings in words, frozen, with widths that print."""
    heads = [text(f"tables.field_{column}", language) for column in table.columns]
    head(sheet, 1, heads)
    shares = _shares(table)
    units = table["unit"].tolist() if "unit" in table else []
    shown = _worded(table, language)
    for number, name in enumerate(shown.columns, start=1):
        form, values = FORMATS.get(name), shown[name].tolist()
        for row, value in enumerate(values):
            cell = sheet.cell(row + 2, number)
            if name in shares and shares[name][row]:
                put_share(cell, value)
            elif name in MEASURES and units:
                put(cell, value, UNIT_FORMATS.get(units[row], form))
            else:
                put(cell, value, form)
            if name in SENTENCES and "message" in shown:
                cell.alignment = Alignment(wrap_text=True, vertical="top")
        contents = [printed(value, form) for value in values[:MEASURED]]
        widen(sheet, number, [heads[number - 1], *contents])
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = sheet.dimensions
    sheet.print_title_rows = "1:1"


def _shares(table: pd.DataFrame) -> dict[str, list[bool]]:
    """Return which cells of which columns are shares."""
    shares = {name: [True] * len(table) for name in table.columns if name in SHARES}
    if "measured" in table or "value" in table:
        is_share = table["unit"].eq("share")
        shares |= {name: is_share.tolist() for name in MEASURES if name in table}
    if "possible" in table:
        mixed = (is_share | table["conflict"].eq("occupancy")).tolist()
        shares |= {"other_required": mixed, "possible": mixed}
    return shares
