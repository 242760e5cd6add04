"""Cells of a workbook: numbers as numbers, text as text, shares as everything shown writes them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import pandas as pd
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from siting.texts import figure, percent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from openpyxl.cell.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["head", "printed", "put", "put_share", "widen"]

HEAD_FILL = PatternFill("solid", fgColor="E8EEF4")
LONGEST = 32_767
"""Characters that a cell holds."""
WIDEST, MARGIN = 60, 2
WIDE_FROM = "\u2e80"
"""First of the characters that print twice as wide as Latin ones."""


def put(cell: Cell, value: Any, form: str | None = None) -> None:
    """
    Write a value: numbers as numbers, text as text even if it begins like a formula.

    Parameters
    ----------
    cell
        Where to.
    value
        What is missing leaves the cell empty.
    form
        Number format; None: two decimals for a float, none for a whole number.
    """
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return
    if isinstance(value, str):
        cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST]
        cell.data_type = "s"
        return
    cell.value = value.item() if hasattr(value, "item") else value
    if form is not None:
        cell.number_format = form
    elif isinstance(cell.value, float):
        cell.number_format = "0.00"


def put_share(cell: Cell, share: Any) -> None:
    """Write a share (0 to 1) as a number that shows as ``siting.texts.percent`` writes it."""
    put(cell, share)
    if isinstance(cell.value, int | float):
        shown = percent(cell.value)
        if shown == f"{figure(cell.value * 100, 1)}%":
            cell.number_format = "0.0%"
        else:
            cell.number_format = "0%" if cell.value in {0, 1} else f'"{shown}"'


def head(sheet: Worksheet, row: int, words: Iterable[str]) -> None:
    """Write the headings of a table."""
    for number, each in enumerate(words, start=1):
        cell = sheet.cell(row, number)
        put(cell, each)
        cell.font, cell.fill = Font(bold=True), HEAD_FILL
        cell.alignment = Alignment(wrap_text=True, vertical="center")


def printed(value: Any, form: str | None = None) -> str:
    """Return a value about as it prints, to measure it."""
    if not isinstance(value, float):
        return str(value)
    decimals = re.search(r"\.(0+)", form if form is not None else "0.00")
    return f"{value:,.{len(decimals[1]) if decimals else 0}f}"


def widen(sheet: Worksheet, column: int, contents: Iterable[str]) -> None:
    """Make a column wide enough to print its contents, a Chinese character counting as two."""
    widest = max((sum(2 if c >= WIDE_FROM else 1 for c in each) for each in contents), default=0)
    sheet.column_dimensions[get_column_letter(column)].width = min(widest + MARGIN, WIDEST)
