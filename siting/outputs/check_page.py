"""The data check as a table and as one page to read, print or send."""

from __future__ import annotations

import os
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pandas as pd
from jinja2 import Environment

from siting.errors import OutputError
from siting.tables import DataCheck
from siting.texts import figure, percent, text

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

__all__ = ["check_page", "write_check"]

SEVERITIES = ("error", "warning", "info")
WORDS = (
    "title", "findings", "nothing", "severity", "where", "message", "count", "elders", "examples",
    "density", "density_note", "support", "high", "medium", "low", "changed", "used", "sensitive",
)  # fmt: skip
SENSITIVE_SHARE = 0.05
"""Share of elders whose class may change with the reading before the page says so."""


def write_check(
    lines: pd.DataFrame | DataCheck,
    folder: Path,
    *,
    name: str,
    language: str,
    density: pd.DataFrame | None,
) -> None:
    """
    Write ``check.csv`` and ``check.html``; other files in the folder are left alone.

    Parameters
    ----------
    lines
        The data check, or its table as ``DataCheck.to_frame`` returns it.
    folder
        Created if missing. Each file is complete before it takes its name.
    name
        Name of the scenario.
    language
        ``zh`` or ``en``.
    density
        Elders by class under each areal support, as ``density_frame`` returns them; None where
        the inputs did not get so far.

    Raises
    ------
    OutputError
        If the folder is a file or cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError.of("out_is_file", folder.name)
    table = lines.to_frame(language) if isinstance(lines, DataCheck) else lines
    page = check_page(table, name=name, language=language, density=density)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _put(folder / "check.csv", table.to_csv(index=False).encode("utf-8-sig"))
        _put(folder / "check.html", page.encode("utf-8"))
    except OSError as error:
        raise OutputError.of("out_not_writable", folder.name, found=error.strerror) from error


def _put(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there."""
    part = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        part.write_bytes(content)
        os.replace(part, path)  # noqa: PTH105
    finally:
        part.unlink(missing_ok=True)


def check_page(
    lines: pd.DataFrame, *, name: str, language: str, density: pd.DataFrame | None
) -> str:
    """
    Return the page: counts, findings with the gravest first, readings of density.

    The page asks nothing of any network; whatever comes from data is escaped.

    Parameters
    ----------
    lines
        Columns ``severity, where, count, elders, examples, message``.
    name, language, density
        As for ``write_check``.
    """
    words = {word: text(f"check.page_{word}", language) for word in WORDS}
    found = [int((lines["severity"] == each).sum()) for each in SEVERITIES]
    stand = "stop" if found[0] else "look" if found[1] else "ready"
    readings = _readings(density, language)
    template = files("siting.outputs").joinpath("templates", "check.html")
    return (
        Environment(autoescape=True)
        .from_string(template.read_text(encoding="utf-8"))
        .render(
            language={"zh": "zh-CN"}.get(language, language),
            name=name,
            words=words,
            stand=stand,
            verdict=text(f"check.page_{stand}", language),
            counts=[
                (each, text(f"check.page_{each}s", language), count)
                for each, count in zip(SEVERITIES, found, strict=True)
            ],
            rows=_rows(lines, language),
            readings=readings,
            is_sensitive=any(each["share"] > SENSITIVE_SHARE for each in readings),
        )
    )


def _rows(lines: pd.DataFrame, language: str) -> list[dict[str, Any]]:
    """Return the findings as the page shows them, the gravest first, else in order."""
    colon = text("errors.colon", language)
    order = lines["severity"].map({each: k for k, each in enumerate(SEVERITIES)})
    rows = []
    for line in lines.iloc[order.argsort(kind="stable")].to_dict("records"):
        where = str(line["where"])
        rows.append(
            {
                "code": line["severity"],
                "severity": text(f"tables.severity_{line['severity']}", language),
                "where": where,
                "message": str(line["message"]).removeprefix(f"{where}{colon}"),
                "count": _count(line),
                "elders": "" if pd.isna(line["elders"]) else figure(line["elders"], 1),
                "examples": line["examples"],
            }
        )
    return rows


def _count(line: dict[Hashable, Any]) -> str:
    """Return the count, blank where there is nothing to count."""
    return "" if pd.isna(line["count"]) or line["count"] == 0 else f"{line['count']:,}"


def _readings(density: pd.DataFrame | None, language: str) -> list[dict[str, Any]]:
    """Return the elders by class under each support as the page shows them."""
    if density is None:
        return []
    return [
        {
            "support": text(f"tables.support_{each['support']}", language),
            "elders": [figure(each[f"elders_{name}"], 1) for name in ("high", "medium", "low")],
            "share": each.get("changed_share", 0.0),
            "changed": percent(each["changed_share"]) if "changed_share" in each else "",
            "used": bool(each.get("used", False)),
        }
        for each in density.to_dict("records")
    ]
