"""Tables as CSV and as a workbook for the plan document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from siting.texts import text

if TYPE_CHECKING:
    from pathlib import Path

    from openpyxl.worksheet.worksheet import Worksheet

    from siting.outputs.frames import Frames

__all__ = ["CSV_COLUMNS", "csv_tables", "write_csv_tables", "write_workbook"]

CSV_COLUMNS: dict[str, list[str]] = {
    "facilities": [
        "id", "name", "status", "x", "y", "lon", "lat", "beds", "added_beds", "nursing_beds",
        "dementia_beds", "unit_id", "cost_wan_yuan", "elders_within_standard", "kind", "qualifies",
        "rules", "rank",
    ],
    "demand": [
        "id", "elders", "density_per_km2", "density_class", "unit_id", "nearest_facility_id",
        "nearest_network_m", "nearest_straight_m", "standard_m", "covered", "reason",
        "covered_existing", "note", "blocked_by",
    ],
    "units": [
        "id", "elders", "beds_required", "beds_existing", "beds_planned", "shortfall", "sites",
    ],
    "audit": [
        "rule_id", "clause", "legal_status", "scope", "scope_id", "required", "measured", "unit",
        "verdict", "enforced", "note", "state",
    ],
}  # fmt: skip
"""Columns of each table, in order."""

CODES = {
    "status": "status", "density_class": "class", "reason": "reason", "verdict": "verdict",
    "legal_status": "legal", "state": "state", "scope": "scope", "unit": "measure",
    "action": "action", "support": "support", "kind": "kind", "severity": "severity",
    "note": "note",
}  # fmt: skip
"""Columns whose codes the workbook shows in words, and the group of texts for each."""

WIDEST = 60
HEAD_FILL = PatternFill("solid", fgColor="E8EEF4")


def csv_tables(frames: Frames) -> dict[str, pd.DataFrame]:
    """Return the tables that are written as CSV, by name; an estimate says so in every row."""
    tables: dict[str, pd.DataFrame] = {
        name: pd.DataFrame(getattr(frames, name)[columns]) for name, columns in CSV_COLUMNS.items()
    }
    tables["curve"] = frames.curve
    tables["density"] = frames.density
    if frames.info.get("estimate"):
        tables = {name: each.assign(estimate=True) for name, each in tables.items()}
    return tables


def write_csv_tables(frames: Frames, folder: Path) -> None:
    """Write ``facilities``, ``demand``, ``units``, ``audit``, ``curve`` and ``density`` as CSV."""
    for name, table in csv_tables(frames).items():
        plain = table.copy()
        for column in plain.select_dtypes(include=["bool", "boolean"]):
            plain[column] = plain[column].map({True: "true", False: "false"})
        plain.to_csv(folder / f"{name}.csv", index=False, encoding="utf-8-sig")


def write_workbook(frames: Frames, path: Path) -> None:
    """
    Write the tables for the plan document: headings in words and frozen, numbers as numbers.

    Text from data is written as text: what begins like a formula stays text.
    """
    language = frames.info["language"]
    book = Workbook()
    _summary(book.active, frames, language)
    for name, table in csv_tables(frames).items():
        sheet = book.create_sheet(text(f"tables.sheet_{name}", language))
        _fill(sheet, _worded(table, language), language)
    _dictionary(book.create_sheet(text("tables.sheet_fields", language)), frames, language)
    book.save(path)


def _worded(table: pd.DataFrame, language: str) -> pd.DataFrame:
    """Return a table with its codes in words."""
    shown = table.copy()
    for column, group in CODES.items():
        if column in shown:
            words = [_word(group, str(each), language) for each in shown[column].fillna("")]
            shown[column] = pd.Series(words, index=shown.index, dtype=object)
    return shown


def _word(group: str, code: str, language: str) -> str:
    """Return a code in words; a code without words, such as a kind of the planner's own, as it is."""
    try:
        return text(f"tables.{group}_{code}", language) if code else ""
    except KeyError:
        return code


def _fill(sheet: Worksheet, table: pd.DataFrame, language: str) -> None:
    """Write a table with headings in words, frozen, with widths that print."""
    for number, column in enumerate(table.columns, start=1):
        cell = sheet.cell(1, number)
        _put(cell, text(f"tables.field_{column}", language))
        cell.font, cell.fill = Font(bold=True), HEAD_FILL
        cell.alignment = Alignment(wrap_text=True, vertical="center")
    columns = [table[name].tolist() for name in table.columns]
    for row in range(len(table)):
        for number, values in enumerate(columns, start=1):
            _put(sheet.cell(row + 2, number), values[row])
    for number, values in enumerate(columns, start=1):
        letter = get_column_letter(number)
        head = _width(text(f"tables.field_{table.columns[number - 1]}", language))
        widest = max([head, *(_width(_shown(value)) for value in values[:500])])
        sheet.column_dimensions[letter].width = min(widest + 2, WIDEST)
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = sheet.dimensions
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"


def _width(words: str) -> int:
    """Return how wide text prints, a Chinese character counting as two."""
    return sum(2 if ord(each) > 0x2E7F else 1 for each in words)


def _shown(value: Any) -> str:
    """Return a value as it will print."""
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _put(cell: Cell, value: Any) -> None:
    """Write a value: numbers as numbers, text as text even if it begins like a formula."""
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return
    if isinstance(value, str):
        cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)
        cell.data_type = "s"
        return
    cell.value = value.item() if hasattr(value, "item") else value
    if isinstance(cell.value, float):
        cell.number_format = "0.00"


def _summary(sheet: Worksheet, frames: Frames, language: str) -> None:
    """Write the first page: the figures of the run, and every rule and setting behind them."""
    sheet.title = text("tables.sheet_summary", language)
    record, info = frames.record, frames.info
    rows: list[tuple[str, Any]] = [
        ("name", info["name"]),
        ("standard", info["standard_name"]),
        ("year", info["year"]),
        ("date", info["date"]),
        ("run_status", _word("run", str(record["status"]), language)),
        ("metric", _word("metric", info["distance"], language)),
    ]
    if info.get("estimate"):
        rows.append(("estimate", _word("estimate", info["estimate"], language)))
    rows += [
        (f"elders_{name}", record["elders"][name]) for name in ("total", "high", "medium", "low")
    ]
    for state in ("existing", "plan", "reachable"):
        rows += [
            (f"covered_{state}_{name}", record["coverage"][state][name])
            for name in ("high", "medium")
        ]
    rows += [(f"beds_{name}", each) for name, each in record["beds"].items()]
    rows += [(f"sites_{name}", each) for name, each in record["sites"].items()]
    rows.append(("cost_wan_yuan", record["cost_wan_yuan"]))
    for number, (key, value) in enumerate(rows, start=1):
        _put(sheet.cell(number, 1), text(f"tables.summary_{key}", language))
        _put(sheet.cell(number, 2), value)
        sheet.cell(number, 1).font = Font(bold=True)
        if key.startswith("covered_"):
            sheet.cell(number, 2).number_format = "0.00%"
    _stages(sheet, record, language, first=len(rows) + 2)
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 34, 40


def _stages(sheet: Worksheet, record: dict[str, Any], language: str, *, first: int) -> None:
    """Write value, bound and gap of every stage below the summary."""
    heads = ("stage", "value", "bound", "gap", "proof")
    for number, head in enumerate(heads, start=1):
        cell = sheet.cell(first, number)
        _put(cell, text(f"tables.field_{head}", language))
        cell.font, cell.fill = Font(bold=True), HEAD_FILL
    for row, stage in enumerate(record["stages"], start=first + 1):
        _put(sheet.cell(row, 1), text(f"tables.stage_{stage['name']}", language))
        for number, key in enumerate(("value", "bound", "gap"), start=2):
            _put(sheet.cell(row, number), stage[key])
        sheet.cell(row, 4).number_format = "0.0000%"
        proof = "skipped" if stage["skipped"] else stage["proof"]
        _put(sheet.cell(row, 5), _word("proof", proof, language))


def _dictionary(sheet: Worksheet, frames: Frames, language: str) -> None:
    """Write the field dictionary: table, field, heading."""
    heads = ("table", "field", "heading")
    for number, head in enumerate(heads, start=1):
        cell = sheet.cell(1, number)
        _put(cell, text(f"tables.field_{head}", language))
        cell.font, cell.fill = Font(bold=True), HEAD_FILL
    row = 2
    for name, table in csv_tables(frames).items():
        for column in table.columns:
            for number, value in enumerate(
                (name, column, text(f"tables.field_{column}", language)), 1
            ):
                _put(sheet.cell(row, number), value)
            row += 1
    for letter, width in (("A", 16), ("B", 28), ("C", 40)):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "A2"
