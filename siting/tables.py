"""Column contracts and the data check: what each column must hold, and what was found in files."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from siting.errors import FIRST, DuplicateIdError, Fault, InputError, SitingError
from siting.texts import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from pandas import DataFrame

    Ids = Sequence[object] | NDArray[np.object_]

__all__ = ["CheckLine", "DataCheck", "ids", "labels", "numbers", "unique_ids"]

Severity = Literal["error", "warning", "info"]


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
        return text(f"check.{self.code}", language, **values)


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


def labels(ids: Ids, rows: NDArray[Any], first_row: int) -> tuple[str, ...]:
    """Return ``id (row)`` for some rows, the row counted as the file counts it."""
    return tuple(f"{ids[row]} ({row + first_row})" for row in rows.tolist())


def numbers(
    table: DataFrame,
    column: str,
    *,
    where: str,
    ids: Ids,
    first_row: int,
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
    ids, first_row
        Id of each row and number of the first row in the file, for the error's examples.
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
    empty = raw.isna() | raw.astype(str).str.strip().eq("")
    cleaned = raw.astype(str).str.strip().str.replace(",", "", regex=False).where(~empty)
    values = pd.to_numeric(cleaned, errors="coerce").to_numpy(dtype=float)
    blank = empty.to_numpy()
    wrong = ~blank & ~np.isfinite(values)
    with np.errstate(invalid="ignore"):
        tests = {
            "not_a_number": wrong,
            "empty_cell": blank if missing is None else np.zeros(len(blank), bool),
            "below": ~blank & ~wrong & (values < low) if low is not None else ~blank & False,
            "not_whole": ~blank & ~wrong & (values != np.round(values)) & whole,
        }
    faults = []
    for code, bad in tests.items():
        rows = np.flatnonzero(bad)
        if len(rows):
            found = ", ".join(repr(raw.iloc[row]) for row in rows[:3].tolist())
            values_ = {
                "column": column,
                "low": f"{low:g}" if low is not None else "",
                "found": found,
            }
            faults.append(Fault(code, where, values_, labels(ids, rows, first_row)))
    if faults:
        raise InputError(*faults)
    return np.where(blank, np.nan if missing is None else missing, values)


def ids(
    table: DataFrame, column: str | None, *, where: str, stem: str, first_row: int
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
    raw = table[column]
    empty = (raw.isna() | raw.astype(str).str.strip().eq("")).to_numpy()
    if empty.any():
        rows = [str(row) for row in (np.flatnonzero(empty) + first_row).tolist()]
        raise InputError(Fault("empty_id", where, {"column": column}, tuple(rows)))
    names = np.array([_id_text(each) for each in raw], dtype=object)
    unique_ids(names, where=where, first_row=first_row, column=column)
    return names


def _id_text(value: Any) -> str:
    """Return an id as text; 12.0 read from a spreadsheet is 12."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def unique_ids(
    names: NDArray[np.object_], *, where: str, first_row: int = 1, column: str = "id"
) -> None:
    """Refuse ids of which one stands twice, naming each and its second row."""
    twice = np.flatnonzero(pd.Series(names).duplicated().to_numpy())
    if len(twice):
        raise DuplicateIdError(
            Fault("duplicate_id", where, {"column": column}, labels(names, twice, first_row))
        )
