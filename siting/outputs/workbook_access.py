"""The page of access and equity: one row per place and state, one column per measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siting.access import MEASURES
from siting.outputs.workbook_cells import head, put, put_share, widen
from siting.texts import text

if TYPE_CHECKING:
    import pandas as pd
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["access_matrix", "write_access"]

ABOUT = ["scope", "scope_id", "density_class", "state"]
WORDS = {"scope": "scope", "density_class": "class", "state": "state"}
FORMATS = {
    "persons": "#,##0.0", "m": "#,##0.0", "per_1000": "#,##0.00", "gini": "0.000",
}  # fmt: skip


def access_matrix(access: pd.DataFrame) -> pd.DataFrame:
    """Return one row per place, class and state in the table's order, one column per measure."""
    keys = access[ABOUT].drop_duplicates()
    # Not pivot_table: it would drop places without a value.
    wide = access.set_index([*ABOUT, "measure"])["value"].unstack("measure")  # noqa: PD010
    wide = wide.reindex(columns=[name for name in MEASURES if name in wide.columns])
    wide = wide.reindex(keys.set_index(ABOUT).index).reset_index()
    return wide.assign(estimate=True) if "estimate" in access else wide


def write_access(sheet: Worksheet, access: pd.DataFrame, language: str) -> None:
    """Write the matrix with measures and their units as headings, frozen, as wide as they print."""
    table = access_matrix(access)
    head(sheet, 1, [_heading(each, language) for each in table.columns])
    for column, name in enumerate(table.columns, start=1):
        values = table[name].tolist()
        if name in WORDS:
            values = [text(f"tables.{WORDS[name]}_{each}", language) if each else None
                      for each in values]  # fmt: skip
        elif name == "estimate":
            values = [text("workbook.yes", language)] * len(values)
        for row, value in enumerate(values, start=2):
            if MEASURES.get(name) == "share":
                put_share(sheet.cell(row, column), value)
            else:
                put(sheet.cell(row, column), value, FORMATS.get(MEASURES.get(name, ""), "#,##0"))
        widen(sheet, column, [*(str(each) for each in values if isinstance(each, str)), " " * 12])
    sheet.freeze_panes, sheet.print_title_rows = "E2", "1:1"
    sheet.auto_filter.ref = sheet.dimensions


def _heading(measure: str, language: str) -> str:
    """Return the heading of a column: a measure in words with its unit, or a field."""
    if measure not in MEASURES:
        return text(f"tables.field_{measure}", language)
    unit = text(f"tables.measure_{MEASURES[measure]}", language)
    words = text(f"tables.access_{measure}", language)
    if MEASURES[measure] in {"share", "gini"}:
        return words
    return text("tables.access_in", language, measure=words, unit=unit)
