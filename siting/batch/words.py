"""What the command line says at the end of a batch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from siting.texts import text

if TYPE_CHECKING:
    from siting.batch.driver import Batch
    from siting.batch.province import Province

__all__ = ["batch_lines", "province_lines"]


def batch_lines(done: Batch, language: str) -> list[str]:
    """Return how many scenarios came to what, each failure with its message, and where all is."""
    states = [entry.state for entry in done.entries]
    failed = len(done.failed)
    counts = {name: states.count(name) for name in ("done", "kept", "interrupted")}
    lines = [
        text(
            "batch.counts", language, count=len(states), failed=failed, seconds=done.seconds,
            **counts,
        )
    ]  # fmt: skip
    mark = text("cli.mark_error", language)
    lines += [f"{mark} {line}" for entry in done.failed for line in entry.message.splitlines()]
    if done.interrupted:
        lines.append(text("batch.interrupted_note", language))
    return [*lines, text("cli.wrote", language, path=_shown(done, "batch.csv"))]


def province_lines(done: Province, language: str) -> list[str]:
    """Return the share of each place, what all cover together, and what is proven of it."""
    *places, whole = done.proof["places"]
    if any(row.get("covered_high") is None for row in places):
        return batch_lines(done.batch, language)
    cost = whole["cost_wan_yuan"]
    told = {"budget": done.budget, "count": len(places), "cost": cost, "left": done.budget - cost}
    lines = [text("batch.shared", language, **told)]
    for row in places:
        numbers = {name: row[f"elders_{name}"] for name in ("high", "medium")}
        said = text(
            "batch.share", language, name=row["name"], cost=row["cost_wan_yuan"],
            high=row["covered_high"], elders_high=numbers["high"],
            medium=row["covered_medium"], elders_medium=numbers["medium"],
        )  # fmt: skip
        lines.append(f"  {said}")
    high, medium = done.proof["levels"]
    lines.append(text("batch.level_high", language, **_level(high)))
    key = "batch.level_open" if medium["gap"] is None else "batch.level_medium"
    lines.append(text(key, language, **_level(medium)))
    return [*lines, text("cli.wrote", language, path=_shown(done.batch, "province.csv"))]


def _level(level: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of a level as its sentence names them."""
    return {
        "covered": level["covered"], "most": level["most_of_any_division"], "gap": level["gap"]
    }  # fmt: skip


def _shown(done: Batch, name: str) -> str:
    """Return a file of a batch, from the current folder where it lies below it."""
    path, here = done.folder / name, Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
