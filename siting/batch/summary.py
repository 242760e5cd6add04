"""The list of a batch: what became of each scenario, kept up to date while it runs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from siting.errors import OutputError
from siting.objective import STAGES

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "BATCH_COLUMNS",
    "STATES",
    "Entry",
    "write_csv",
    "write_json",
    "write_summary",
    "write_text",
]

STATES = ("waiting", "running", "done", "kept", "failed", "lost", "interrupted")
"""States of a scenario in a batch."""

BATCH_COLUMNS = [
    "scenario", "folder", "state", "name", "status", "gap", *(f"gap_{name}" for name in STAGES),
    "elders_high", "elders_medium", "covered_share_high", "covered_share_medium", "beds_missing",
    "new_sites", "cost_wan_yuan", "enforced_rules_unmet", "seconds", "memory_mb", "attempts",
    "message",
]  # fmt: skip
"""Columns of ``batch.csv``, in order."""


@dataclass
class Entry:
    """
    One scenario of a batch.

    Attributes
    ----------
    scenario
        Its file, as it was given.
    folder
        Name of its result folder.
    state
        One of ``STATES``.
    attempts
        How many attempts were made.
    facts
        Figures of the result, from its own files; empty without one.
    message
        What went wrong; empty if nothing.
    stage
        What it is at while it runs.
    """

    scenario: str
    folder: str
    state: str = "waiting"
    attempts: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    stage: tuple[str, float | None, float] | None = None

    def to_row(self) -> dict[str, Any]:
        """Return a row of ``batch.csv``."""
        own = {
            "scenario": self.scenario, "folder": self.folder, "state": self.state,
            "attempts": self.attempts, "message": self.message.replace("\n", " "),
        }  # fmt: skip
        row = self.facts | own
        return {name: row.get(name) for name in BATCH_COLUMNS}


def write_summary(out: Path, entries: list[Entry], about: dict[str, Any], *, last: bool) -> None:
    """
    Write ``batch.csv`` and ``batch.json``, each whole or not at all.

    Parameters
    ----------
    out
        Folder of the batch.
    entries
        What became of each scenario so far.
    about
        What is said of the batch as a whole.
    last
        False: a file that another program holds open is left as it is, to be written later.

    Raises
    ------
    OutputError
        If it is the last time and a file cannot be written.
    """
    rows = [entry.to_row() for entry in entries]
    content = about | {"scenarios": rows}
    try:
        write_json(out / "batch.json", content)
        write_csv(out / "batch.csv", rows, BATCH_COLUMNS)
    except OutputError:
        if last:
            raise


def write_csv(path: Path, rows: list[dict[str, Any]], columns: list[str]) -> None:
    """Write a table as CSV, whole or not at all."""
    table = pd.DataFrame(rows, columns=columns, dtype=object)
    write_text(path, table.to_csv(index=False, lineterminator="\n"), encoding="utf-8-sig")


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a record as JSON, whole or not at all."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def write_text(path: Path, content: str, *, encoding: str = "utf-8") -> None:
    """
    Write a file, whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written, or another program holds it open.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding=encoding, newline="") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError.of("batch_summary", path.name, found=error.strerror or error) from error
