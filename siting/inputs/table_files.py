"""Tables as files hold them: CSV and Excel, every cell as it stands, rows known by number."""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import openpyxl
import pandas as pd
from openpyxl.utils.exceptions import InvalidFileException

from siting.errors import EmptyInputError, EncodingError, Fault, InputError, nearest_name
from siting.inputs.foreign import first_line, quiet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pandas import DataFrame

__all__ = ["TABLES", "read_table"]

TABLES = frozenset({".csv", ".txt", ".xlsx", ".xlsm"})
OTHER_TABLES = frozenset({".xls", ".xlsb", ".ods", ".et", ".numbers", ".doc", ".docx", ".wps"})
"""Tables of office programs that cannot be read here and can be saved as CSV or .xlsx there."""

ENCODINGS = ("utf-8-sig", "gb18030")
NO_BOOK = (
    OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, SyntaxError, EOFError,
    zipfile.BadZipFile, zlib.error, InvalidFileException,
)  # fmt: skip
"""What reading a workbook that is none, or only half of one, ends in."""


def read_table(path: Path, *, sheet: str | None = None) -> DataFrame:
    """
    Return a CSV or Excel table with its first row as the heading.

    Cells of CSV files are text; cells of workbooks are what the workbook says, so that a code kept
    as text (0702) stays text. An empty cell is None. Rows and unnamed columns that are wholly empty
    are left out. The index holds the number of each row in the file, counted from 1 with the
    heading, as the file's own program shows it.

    Raises
    ------
    InputError
        If the file cannot be read, a sheet is not there, a row has more or fewer cells than the
        heading, or two columns share a name.
    EncodingError
        If the text is neither UTF-8 nor GB18030.
    EmptyInputError
        If the table has no rows.
    """
    if path.suffix.lower() in OTHER_TABLES:
        raise InputError.of("table_format", path.name, found=path.suffix)
    is_book = path.suffix.lower() in {".xlsx", ".xlsm"}
    if sheet is not None and not is_book:
        raise InputError.of("no_sheets", path.name, layer=sheet)
    rows = _book_rows(path, sheet) if is_book else _text_rows(path)
    numbered = [
        (number, row)
        for number, row in enumerate(rows, start=1)
        if any(cell is not None for cell in row)
    ]
    if not numbered:
        raise EmptyInputError.of("empty_layer", path.name)
    return _framed(numbered, path.name, whole=not is_book)


def _framed(numbered: list[tuple[int, list[Any]]], where: str, *, whole: bool) -> DataFrame:
    """Return numbered rows, the first of them the heading; ``whole``: each with all its cells."""
    heading, body = numbered[0][1], numbered[1:]
    width = len(heading)
    names = [str(name).strip() if name is not None else "" for name in heading]
    ragged = [
        str(number)
        for number, row in body
        if any(cell is not None for cell in row[width:]) or (whole and len(row) < width)
    ]
    if ragged:
        raise InputError.of("ragged_rows", where, ragged, expected=width)
    cells = [[*row[:width], *[None] * (width - len(row))] for _, row in body]
    used = [k for k in range(width) if names[k] or any(row[k] is not None for row in cells)]
    shown = [names[k] or f"#{k + 1}" for k in used]
    twice = sorted({name for name in shown if shown.count(name) > 1})
    if twice:
        raise InputError.of("duplicate_column", where, twice)
    if not body:
        raise EmptyInputError.of("empty_layer", where)
    columns = {
        name: pd.Series([row[k] for row in cells], dtype=object)
        for name, k in zip(shown, used, strict=True)
    }
    table = pd.DataFrame(columns)
    table.index = pd.Index(np.array([number for number, _ in body], dtype=np.int64))
    return table


def _text_rows(path: Path) -> Iterable[list[Any]]:
    """Return the rows of a CSV file, decoded as UTF-8 or else GB18030; blank cells are None."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError.of("unreadable", path.name, found=error.strerror) from error
    for encoding in ENCODINGS:
        try:
            content = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        try:
            rows = list(csv.reader(io.StringIO(content, newline="")))
        except csv.Error as error:
            raise InputError.of("unreadable", path.name, found=str(error)) from error
        return [[cell if cell.strip() else None for cell in row] for row in rows]
    raise EncodingError.of("encoding", path.name, found=", ".join(ENCODINGS))


def _book_rows(path: Path, sheet: str | None) -> list[list[Any]]:
    """Return the rows of a sheet of a workbook, the first sheet by default; blanks are None."""
    try:
        with quiet(), path.open("rb") as file:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            names = book.sheetnames
            chosen = sheet if sheet is not None else names[0]
            rows = list(_cells(book[chosen])) if chosen in names else None
    except NO_BOOK as error:
        raise InputError.of("unreadable", path.name, found=first_line(error, path)) from error
    if rows is None:
        raise InputError(_no_sheet(path.name, chosen, names))
    return rows


def _cells(page: Any) -> Iterator[list[Any]]:
    """Give the rows of a sheet as far as they are filled, whatever size the file claims."""
    page.reset_dimensions()
    for row in page.iter_rows(values_only=True):
        yield [None if isinstance(cell, str) and not cell.strip() else cell for cell in row]


def _no_sheet(where: str, name: str, known: list[str]) -> Fault:
    """Return the fault of a sheet that is not in the workbook."""
    guess = nearest_name(name, known)
    values = {"layer": name, "found": ", ".join(known), "guess": guess}
    return Fault("no_such_layer_near" if guess else "no_such_layer", where, values)
