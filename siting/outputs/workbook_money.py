"""The page of costs and subsidies: sums by year and payer, and what is left to pay in each year."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openpyxl.styles import Font

from siting.money import ITEMS
from siting.outputs.money import pivot_of
from siting.outputs.workbook_cells import head, put, widen
from siting.texts import catalogue, text

if TYPE_CHECKING:
    import pandas as pd
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["write_money"]

TENTHS = "#,##0.0"


def write_money(sheet: Worksheet, money: pd.DataFrame, language: str) -> None:
    """Write what is paid by year and payer, and below it building net of subsidies by year."""
    pivot = pivot_of(money)
    heads = [text("tables.field_year", language), text("tables.field_payer", language)]
    heads += [text(f"tables.item_{item}", language) for item in ITEMS]
    head(sheet, 1, heads)
    rows = pivot.to_numpy(dtype=object).tolist()
    for number, (year, payer, *amounts) in enumerate(rows, start=2):
        put(sheet.cell(number, 1), year, "0")
        key = f"tables.payer_{payer}"
        put(sheet.cell(number, 2), text(key, language) if key in catalogue() else payer)
        for column, amount in enumerate(amounts, start=3):
            put(sheet.cell(number, column), amount, TENTHS)
    _net(sheet, pivot, language, first=len(rows) + 4)
    put(sheet.cell(len(rows) + 3, 1), text("workbook.money_note", language))
    for column in range(1, len(heads) + 1):
        widen(sheet, column, [heads[column - 1], " " * 10])
    sheet.freeze_panes = "A2"


def _net(sheet: Worksheet, pivot: pd.DataFrame, language: str, *, first: int) -> None:
    """Write building, subsidies paid once and the difference, by year and in all."""
    keys = ("tables.field_year", "tables.item_capital", "tables.item_subsidy_once")
    head(sheet, first, [text(key, language) for key in (*keys, "workbook.money_net")])
    sums = pivot.groupby("year")[["capital", "subsidy_once"]].sum()
    rows = [(int(year), *each) for year, each in zip(sums.index, sums.to_numpy(), strict=True)]
    rows.append((text("workbook.money_all", language), *sums.sum().to_numpy()))
    for number, (year, capital, subsidy) in enumerate(rows, start=first + 1):
        put(sheet.cell(number, 1), year, "0" if isinstance(year, int) else None)
        for column, amount in enumerate((capital, subsidy, capital - subsidy), start=2):
            put(sheet.cell(number, column), float(amount), TENTHS)
    for column in range(1, 5):
        sheet.cell(first + len(rows), column).font = Font(bold=True)
