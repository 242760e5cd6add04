"""The pages of the workbook that are no tables of the run: summary, sources, list of fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openpyxl.styles import Font, PatternFill

from siting.outputs.services import functions_of, name_words, status_words
from siting.outputs.workbook_cells import head, put, put_share, widen
from siting.texts import catalogue, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd
    from openpyxl.worksheet.worksheet import Worksheet

    from siting.outputs.frames import Frames

__all__ = ["write_circles", "write_fields", "write_sources", "write_summary"]

SHADES = {
    "built": PatternFill("solid", fgColor="9DB8CF"),
    "planned": PatternFill("solid", fgColor="D3E0EB"),
    "reserved": PatternFill("solid", fgColor="EFE9D3"),
    "missing": PatternFill("solid", fgColor="E08E79"),
    "not_applicable": PatternFill(),
    "unknown": PatternFill("lightUp", fgColor="A0A0A0"),
}
"""Shades of the statuses of a function; each has a mark too, so that it reads in grey."""
WHY_NOT = "why not"
"""Form of a value that is the name of a text: why there is no figure."""
LEAST_WIDE = 12
WHOLE, TENTHS, GAP = "#,##0", "#,##0.0", "0.0000%"


def write_summary(sheet: Worksheet, frames: Frames) -> None:
    """Write the first page: what was planned, by which standard, its figures and its proof."""
    language = frames.info["language"]
    sheet.title = text("tables.sheet_summary", language)
    rows = [*_about(frames), *_figures(frames)]
    for number, (key, value, form) in enumerate(rows, start=1):
        label, cell = sheet.cell(number, 1), sheet.cell(number, 2)
        put(label, text(f"tables.summary_{key}", language))
        label.font = Font(bold=True)
        if form == WHY_NOT:
            put(cell, text(f"workbook.{value}", language))
        elif form == "share":
            put_share(cell, value)
        else:
            put(cell, value, form)
    _stages(sheet, frames.record, language, first=len(rows) + 2)
    for letter, width in zip("ABCDE", (44, 40, 16, 12, 34), strict=True):
        sheet.column_dimensions[letter].width = width


def _about(frames: Frames) -> Iterator[tuple[str, Any, str | None]]:
    """Yield what the run is: key, value and number format."""
    info, language = frames.info, frames.info["language"]
    yield "name", info["name"], None
    yield "standard", info["standard_name"], None
    yield "year", info["year"], "0"
    yield "date", info["date"], None
    yield "run_status", _word("run", frames.record["status"], language), None
    if info.get("objective"):
        yield "objective", info["objective"], None
    yield "metric", _word("metric", info["distance"], language), None
    if info.get("estimate"):
        yield "estimate", _word("estimate", info["estimate"], language), None


def _figures(frames: Frames) -> Iterator[tuple[str, Any, str | None]]:
    """Yield the figures of the record; where there is none, the reason."""
    record = frames.record
    elders = record["elders"]
    for name in ("total", "high", "medium", "low"):
        yield f"elders_{name}", elders[name], TENTHS
    for state in ("existing", "plan", "reachable"):
        for name in ("high", "medium"):
            key = f"covered_{state}_{name}"
            if name not in frames.distance_classes:
                yield key, "no_distance", WHY_NOT
            elif elders[name] > 0:
                yield key, record["coverage"][state][name], "share"
            else:
                yield key, "no_elders", WHY_NOT
    for name, each in record["beds"].items():
        if name in {"required", "shortfall"} and not frames.info["beds_by_unit"]:
            yield f"beds_{name}", "no_beds_required", WHY_NOT
        else:
            yield f"beds_{name}", each, WHOLE
    yield from ((f"sites_{name}", each, WHOLE) for name, each in record["sites"].items())
    yield "cost_wan_yuan", record["cost_wan_yuan"], TENTHS


def _word(group: str, code: str, language: str) -> str:
    """Return the words for a code, or the code itself where the catalogue has none."""
    key = f"tables.{group}_{code}"
    return text(key, language) if key in catalogue() else code


def _stages(sheet: Worksheet, record: Mapping[str, Any], language: str, *, first: int) -> None:
    """Write value, bound and gap of every stage below the summary."""
    if not record["stages"]:
        return
    keys = ("stage", "value", "bound", "gap", "proof")
    head(sheet, first, (text(f"tables.field_{key}", language) for key in keys))
    for row, stage in enumerate(record["stages"], start=first + 1):
        put(sheet.cell(row, 1), _word("stage", stage["name"], language))
        put(sheet.cell(row, 2), stage["value"], "#,##0.00")
        put(sheet.cell(row, 3), stage["bound"], "#,##0.00")
        put(sheet.cell(row, 4), stage["gap"], GAP)
        proof = "skipped" if stage.get("skipped") else stage.get("proof", "none")
        put(sheet.cell(row, 5), _word("proof", proof, language))


def write_sources(sheet: Worksheet, frames: Frames) -> None:
    """Write the files read, the numbers of the rules and every setting, with what was changed."""
    language, record = frames.info["language"], frames.record
    settings = record.get("settings", {})
    changed = {each["key"] for each in settings.get("changes", [])}
    files = [[each[key] for key in ("path", "rows", "dropped", "sha256")]
             for each in record.get("inputs", [])]  # fmt: skip
    scenario = [[key, value, True if key in changed else None]
                for key, value in _flat(settings.get("scenario", {}))]  # fmt: skip
    row = 1
    for title, heads, rows in (
        ("files", ("file_path", "file_rows", "file_dropped", "file_sha256"), files),
        ("rules", ("rule", "rule_key", "rule_value", "rule_standard"), _rules(settings)),
        ("settings", ("setting_key", "setting_value", "setting_changed"), scenario),
    ):
        put(sheet.cell(row, 1), text(f"workbook.{title}", language))
        sheet.cell(row, 1).font = Font(bold=True, size=12)
        head(sheet, row + 1, (text(f"workbook.{key}", language) for key in heads))
        for number, values in enumerate(rows, start=row + 2):
            for column, value in enumerate(values, start=1):
                put(sheet.cell(number, column), _plain(value, language), "General")
        row += len(rows) + 3
    for letter, width in zip("ABCD", (40, 34, 18, 68), strict=True):
        sheet.column_dimensions[letter].width = width


def _rules(settings: Mapping[str, Any]) -> list[list[Any]]:
    """Return one row per number of a rule: rule, name, value, the standard's own if changed."""
    changed = {
        (rule, each["key"]): each["standard"]
        for rule, changes in settings.get("rules_changed", {}).items()
        for each in changes
    }
    return [
        [rule, key, value, changed.get((rule, key))]
        for rule, values in settings.get("rules", {}).items()
        for key, value in _flat(values)
    ]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted keys as ``--set`` writes them, and plain values; nothing for what is empty."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, list):
            yield from _flat({str(place): each for place, each in enumerate(value)}, f"{name}.")
        else:
            yield name, value


def _plain(value: Any, language: str) -> Any:
    """Return a value as a cell holds it: yes and no in words."""
    if isinstance(value, bool):
        return text("workbook.yes" if value else "workbook.no", language)
    return value


def write_circles(sheet: Worksheet, table: pd.DataFrame, language: str) -> None:
    """Write the functions of every circle: a mark, a word and a shade for each status."""
    names = functions_of(table)
    heads = [_heading(each, language) for each in table.columns]
    head(sheet, 1, heads)
    for column, name in enumerate(table.columns, start=1):
        for row, value in enumerate(table[name].tolist(), start=2):
            cell = sheet.cell(row, column)
            if name in names:
                put(cell, status_words(value, language))
                cell.fill = SHADES[value.split(":")[0]]
            elif name == "ageing_share":
                put_share(cell, value)
            else:
                put(cell, _plain(value, language), WHOLE)
        shown = [status_words(each, language) for each in table[name]] if name in names else []
        widen(sheet, column, [*shown, " " * LEAST_WIDE])
    widen(sheet, 1, table["id"])
    sheet.freeze_panes, sheet.print_title_rows = "B2", "1:1"
    sheet.auto_filter.ref = sheet.dimensions


def _heading(column: str, language: str) -> str:
    """Return the heading of a column; of a function its name."""
    key = f"tables.field_{column}"
    return text(key, language) if key in catalogue() else name_words(column, language)


def write_fields(sheet: Worksheet, tables: Mapping[str, pd.DataFrame], language: str) -> None:
    """Write the field dictionary: table, field, heading."""
    rows = [
        (text(f"tables.sheet_{name}", language), f"{name}.csv", column, _heading(column, language))
        for name, table in tables.items() for column in table.columns
    ]  # fmt: skip
    heads = [text("workbook.file_path", language),
             *(text(f"tables.field_{key}", language) for key in ("field", "heading"))]  # fmt: skip
    head(sheet, 1, [text("tables.field_table", language), *heads])
    for number, values in enumerate(rows, start=2):
        for column, value in enumerate(values, start=1):
            put(sheet.cell(number, column), value)
    for column in range(1, 5):
        widen(sheet, column, (row[column - 1] for row in rows))
    sheet.freeze_panes = "A2"
