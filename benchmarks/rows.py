"""Rows of the tables in docs/benchmarks.md, as the scripts keep them: one JSON object a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

KEYS = (
    "table", "work", "size", "ours", "peer", "theirs", "ratio", "unit", "memory_gb", "note",
)  # fmt: skip


def row(table: str, work: str, size: str, ours: float | None, **more: object) -> dict[str, object]:
    """Return a row; `ours` None: not measured, and `note` says why."""
    theirs = more.get("theirs")
    ratio = float(theirs) / ours if isinstance(theirs, int | float) and ours else None
    told = {"table": table, "work": work, "size": size, "ours": ours, "peer": "none"}
    blank = {"theirs": None, "ratio": ratio, "unit": "s", "memory_gb": None, "note": ""}
    return told | blank | more


def keep(path: Path | None, *rows: dict[str, object]) -> None:
    """Append rows to a file; None: nowhere."""
    if path is None:
        return
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in rows)


def read(path: Path) -> list[dict[str, object]]:
    """Return the objects of a file, one of each line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]
