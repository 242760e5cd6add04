"""Column contracts and the data check: what each column must hold, and what was found in files."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from siting.errors import FIRST, DuplicateIdError, Fault, InputError, SitingError
from siting.texts import catalogue, percent, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from pandas import DataFrame

    Ids = Sequence[object] | NDArray[np.object_]

__all__ = ["CheckLine", "DataCheck", "id_text", "ids", "labels", "numbers", "unique_ids"]

Severity = Literal["error", "warning", "info"]
CODES = {
    "support": "tables.support", "method": "tables.estimate", "kinds": "tables.kind",
    "model": "tables.model",
}  # fmt: skip
"""Placeholders that hold codes, and where their words stand."""
THOUSANDS = r"([+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?)"
"""A number with a comma before every three digits, as spreadsheets write it."""
LONGEST_SHOWN = 40


@dataclass(frozen=True)
class CheckLine:
    """
    One line of the data check.

    Attributes
    ----------
    severity
        ``error`` stops a run, ``warning`` asks to be looked at, ``info`` says what was done.
    code
        Name of the sentence in ``texts/check.yaml``, or of the fault.
    where
        File or setting.
    count
        Rows, sites, points or pieces concerned.
    elders
        Elders concerned; None where the line is not about elders.
    examples
        Ids concerned.
    values
        What the sentence's placeholders stand for.
    fault
        The fault, on an error line.
    """

    severity: Severity
    code: str
    where: str
    count: int
    elders: float | None = None
    examples: tuple[str, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)
    fault: Fault | None = None

    def render(self, language: str) -> str:
        """Return the sentence in ``zh`` or ``en``."""
        if self.fault is not None:
            return self.fault.render(language)
        values = {"count": self.count, "elders": self.elders or 0.0} | self.values
        values |= {key: _in_words(key, values[key], language) for key in CODES if key in values}
        if "share" in values:
            values["share"] = percent(values["share"])
        return text(f"check.{self.code}", language, **values)


def _in_words(placeholder: str, codes: str, language: str) -> str:
    """Return codes of the data in words; what is no code stays as it is."""
    words = catalogue()
    keys = [(each, f"{CODES[placeholder]}_{each}") for each in codes.split(", ")]
    return ", ".join(text(key, language) if key in words else each for each, key in keys)


@dataclass
class DataCheck:
    """
    What reading and preparing the inputs found, in order.

    Readers add lines; nothing is dropped, filled or converted without one.
    """

    lines: list[CheckLine] = field(default_factory=list)
    errors: list[SitingError] = field(default_factory=list)

    def add(
        self,
        severity: Severity,
        code: str,
        where: str,
        *,
        count: int = 0,
        elders: float | None = None,
        examples: Iterable[object] = (),
        **values: object,
    ) -> None:
        """Add one line."""
        names = tuple(str(each) for each in examples)
        self.lines.append(CheckLine(severity, code, where, count, elders, names, values))

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep an error of one input until the others are read too."""
        try:
            yield
        except SitingError as error:
            self.errors.append(error)

    def raise_collected(self) -> None:
        """Raise what was kept: the one error, or one that holds every fault."""
        if not self.errors:
            return
        if len(self.errors) == 1:
            raise self.errors[0]
        raise InputError(*(fault for error in self.errors for fault in error.faults))

    def to_frame(self, language: str) -> DataFrame:
        """Return one row per line: severity, code, where, count, elders, examples, message."""
        rows = [
            {
                "severity": line.severity,
                "code": line.code,
                "where": line.where,
                "count": line.count,
                "elders": line.elders,
                "examples": ", ".join(line.examples[:FIRST]),
                "message": line.render(language),
            }
            for line in self.lines
        ]
        columns = ["severity", "code", "where", "count", "elders", "examples", "message"]
        return pd.DataFrame(rows, columns=columns)


def fault_lines(error: SitingError) -> list[CheckLine]:
    """Return the faults of an error as lines of the check."""
    return [
        CheckLine("error", each.code, each.where, len(each.examples), None, each.examples, {}, each)
        for each in error.faults
    ]


def labels(
    ids: Ids, rows: NDArray[Any] | Sequence[int], file_rows: NDArray[np.int64]
) -> tuple[str, ...]:
    """Return ``id (row)`` for some rows, the row numbered as the file's own program does."""
    return tuple(f"{ids[row]} ({file_rows[row]})" for row in np.asarray(rows, dtype=int).tolist())


def numbers(
    table: DataFrame,
    column: str,
    *,
    where: str,
    ids: Ids,
    file_rows: NDArray[np.int64],
    low: float | None = 0.0,
    whole: bool = False,
    missing: float | None = None,
) -> NDArray[np.float64]:
    """
    Return a column as numbers.

    Parameters
    ----------
    table, column
        Where the numbers stand.
    where
        File that an error names.
    ids, file_rows
        Id of each row and its number in the file, for the error's examples.
    low
        Least value allowed, inclusive; None: any finite number.
    whole
        True: only whole numbers.
    missing
        What an empty cell stands for; None: an empty cell is a fault.

    Raises
    ------
    InputError
        With one fault for each thing that is wrong: no number, empty, too low, not whole.
    """
    raw = table[column]
    said = raw.astype(str).str.strip()
    blank = (raw.isna() | said.eq("")).to_numpy(dtype=bool)
    said = said.where(~said.str.fullmatch(THOUSANDS), said.str.replace(",", "", regex=False))
    values = pd.to_numeric(said.where(~blank), errors="coerce").to_numpy(dtype=float)
    wrong = ~blank & ~np.isfinite(values)
    with np.errstate(invalid="ignore"):
        tests = {
            "not_a_number": wrong,
            "empty_cell": blank & (missing is None),
            "below": ~blank & ~wrong & (low is not None) & (values < (low or 0.0)),
            "not_whole": ~blank & ~wrong & (values != np.round(values)) & whole,
        }
    faults = []
    for code, bad in tests.items():
        rows = np.flatnonzero(bad)
        if len(rows):
            found = ", ".join(dict.fromkeys(_shown(raw.iloc[row]) for row in rows[:3].tolist()))
            told = {"column": column, "low": f"{low or 0.0:g}", "found": found}
            faults.append(Fault(code, where, told, labels(ids, rows, file_rows)))
    if faults:
        raise InputError(*faults)
    return np.where(blank, np.nan if missing is None else missing, values)


def _shown(value: Any) -> str:
    """Return a cell as an error shows it: text in quotes, at most 40 characters."""
    shown = id_text(value)
    shown = shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}…"
    return f'"{shown}"' if isinstance(value, str) else shown


def ids(
    table: DataFrame, column: str | None, *, where: str, stem: str, file_rows: NDArray[np.int64]
) -> NDArray[np.object_]:
    """
    Return the ids of a table: a column as text, or ``<stem>-<row>`` counted from 1.

    Raises
    ------
    InputError
        If an id is empty.
    DuplicateIdError
        If an id stands twice.
    """
    if column is None:
        return np.array([f"{stem}-{row + 1}" for row in range(len(table))], dtype=object)
    names = np.array(["" if pd.isna(each) else id_text(each) for each in table[column]], object)
    empty = np.flatnonzero(names == "")
    if len(empty):
        rows = tuple(str(file_rows[row]) for row in empty.tolist())
        raise InputError(Fault("empty_id", where, {"column": column}, rows))
    _refuse_twice(names, where, column, file_rows)
    return names


def id_text(value: Any) -> str:
    """Return a cell as text; 12.0 read from a spreadsheet is 12."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def unique_ids(
    names: NDArray[np.object_], *, where: str, first_row: int = 1, column: str = "id"
) -> None:
    """Refuse ids of which one stands twice, naming each and all its rows."""
    _refuse_twice(names, where, column, np.arange(len(names)) + first_row)


def _refuse_twice(
    names: NDArray[np.object_], where: str, column: str, file_rows: NDArray[np.int64]
) -> None:
    """Refuse ids of which one stands twice, naming each and all its rows."""
    twice = pd.Series(names).duplicated(keep=False).to_numpy()
    if twice.any():
        rows = pd.Series(file_rows[twice].astype(str))
        places = rows.groupby(names[twice], sort=False).agg(", ".join)
        found = tuple(f"{name} ({spots})" for name, spots in places.items())
        raise DuplicateIdError(Fault("duplicate_id", where, {"column": column}, found))
