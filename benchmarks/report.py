"""Run the benchmarks one after the other and write what they measured to docs/benchmarks.md."""

from __future__ import annotations

import argparse
import math
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from rows import KEYS, keep, read

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
ROWS = ROOT / "runs" / "benchmarks.jsonl"
Row = dict[str, Any]


class Part(NamedTuple):
    """A table of the page and the commands that measure its rows."""

    table: str
    says: str
    commands: tuple[str, ...]


PARTS = {
    "reach": Part(
        "reach", "Walking distances, seconds for one source; with pandana those of all sources.",
        ("reach.py --only scipy", "reach.py --only pandana"),
    ),
    "reach-growth": Part(
        "reach, growth", "Sites, points and nodes grow together; memory is that of the process.",
        ("reach.py --only growth",),
    ),
    "taipei": Part("taipei", "`siting run` from files to result folder.", ("taipei.py",)),
    "city": Part(
        "city, growth", "`siting run` on an invented city and on shares of its area.",
        ("city.py --share 0.04 0.2 0.5 1",),
    ),
    "city-finer": Part(
        "city, growth of points", "The same city, roads and sites, its cells cut up.",
        ("city.py --share 0.04 --finer 1 2 3 5",),
    ),
    "units": Part("units", "Planning units built from zones.", ("units.py",)),
    "classical": Part(
        "classical", "Published instances, and a million points drawn here; gap 0 where optimal.",
        ("classical.py --points 10000000 --peer 180",),
    ),
    "covering": Part(
        "covering", "From distances to a model that stands in the solver, then solving.",
        ("spopt_peer.py",),
    ),
    "covering-growth": Part(
        "maximal covering, growth", "Ever more points at the same sites, reach included.",
        ("classical.py --only growth",),
    ),
    "re-solve": Part(
        "re-solve", "The plan again after one change, from the old plan and from nothing.",
        ("resolve.py",),
    ),
    "batch": Part("batch", "`siting batch` with two workers beside one.", ("batch.py",)),
    "outputs": Part(
        "outputs", "Every output by itself, and all of them, beyond the plan.", ("outputs.py",)
    ),
}  # fmt: skip

READ_AS = (
    "Written by `make bench` (`benchmarks/report.py`): edits are lost. What is counted: "
    "[benchmarks/README.md](../benchmarks/README.md). *Ratio* is theirs divided by ours, of the "
    "same run; > where the peer was stopped at its limit. Memory is the most that the process had. "
    "*Of n log n*, in growth tables: time grown beyond the first row, divided by what n log n in "
    "the points would grow; 1 or less is no worse."
)
NO_PEER = {"none", "", "published"}  # published: a value, no time
LIBRARIES = (
    "siting", "numpy", "scipy", "numba", "highspy", "PuLP", "shapely", "geopandas", "distributed",
    "spopt", "pandana",
)  # fmt: skip


def main() -> None:
    """Run what was asked for, or nothing with --from, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, help="measure these, keep other rows")
    parser.add_argument(
        "--from", dest="files", type=Path, nargs="+", help="files of rows; run none"
    )
    parser.add_argument("--rows", type=Path, default=ROWS, help="file that the rows are kept in")
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    if not options.files:
        run(options.only, options.rows)
    found = [each for file in options.files or [options.rows] for each in read(file)]
    if not any("run" in each for each in found):
        found.append({"run": describe_machine()})
    options.page.write_text(as_page(found), encoding="utf-8")
    print(f"written: {options.page.name}")


def run(only: list[str] | None, file: Path) -> None:
    """Run the scripts of some parts or of all; an older file of all is kept beside the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not only and file.exists():
        file.replace(file.with_suffix(".before.jsonl"))
    keep(file, {"run": describe_machine()})
    for name in only or PARTS:
        for command in PARTS[name].commands:
            print(f"\n{command}", flush=True)
            script, *words = command.split()
            done = subprocess.run(  # noqa: S603 - scripts of this folder
                [sys.executable, str(Path(__file__).parent / script), *words, "--json", str(file)],
                check=False,
            )
            keep(file, {"command": command, "code": done.returncode})


def describe_machine() -> dict[str, Any]:
    """Return what figures depend on, without the name of the machine."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cores": os.cpu_count(),
        "memory_gb": psutil.virtual_memory().total / 2**30,
        "load": psutil.getloadavg()[0],
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": versions,
    }


def as_page(found: list[Row]) -> str:
    """Return the page: machine, a table of each part, and what was not run."""
    rows = latest(found)
    known = [part.table for part in PARTS.values()]
    told = {part.table: part.says for part in PARTS.values()}
    names = known + sorted({each["table"] for each in rows} - set(known))
    text = ["# Benchmarks", "", *_head(found), ""]
    for name in names:
        text += [f"## {name[0].upper()}{name[1:]}", "", told.get(name, ""), ""]
        text += [*as_table([each for each in rows if each["table"] == name]), ""]
    missing = not_run(found)
    text += ["## Not run", "", *(missing or ["Everything was run, with every peer."]), ""]
    return "\n".join(text)


def latest(found: list[Row]) -> list[Row]:
    """
    Return the rows of tables; of the same work, size and peer the last one.

    What was not measured is left out where the same work has been, of whatever size.
    """
    rows = {}
    for each in found:
        if "table" in each:
            whole = dict.fromkeys(KEYS) | {"peer": "none", "unit": "s", "note": ""} | each
            rows[tuple(str(whole[key]) for key in ("table", "work", "size", "peer"))] = whole
    measured = {(each["table"], each["work"]) for each in rows.values() if _is_number(each["ours"])}
    return [
        each
        for each in rows.values()
        if _is_number(each["ours"]) or (each["table"], each["work"]) not in measured
    ]


def _head(found: list[Row]) -> list[str]:
    """Return the lines on how to read the page and on the machine of the last run."""
    machine = [each["run"] for each in found if "run" in each][-1]
    versions = ", ".join(f"{k} {v}" for k, v in machine["versions"].items() if v)
    absent = ", ".join(name for name, version in machine["versions"].items() if not version)
    return [
        READ_AS, "",
        "| | |", "|---|---|",
        f"| date | {machine['date']} |",
        f"| machine | {machine['cores']} cores, {machine['memory_gb']:.0f} GB |",
        f"| system | {machine['system']} |",
        f"| other work when it began | {machine['load']:.1f} processes |",
        f"| versions | {versions} |",
        f"| not installed | {absent or '–'} |",
    ]  # fmt: skip


def as_table(rows: list[Row]) -> list[str]:
    """Return the lines of a Markdown table; of a growth table with one more column."""
    heads = ["work", "size", "ours", "peer", "theirs", "ratio", "memory", "note"]
    grows = any("growth" in each["table"] for each in rows)
    if grows:
        heads.insert(3, "of n log n")
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for each in rows:
        more = "> " if each.get("stopped") else ""
        cells = [
            each["work"], each["size"],
            _amount(each["ours"], each["unit"]) if _is_number(each["ours"]) else "not run",
            each["peer"], _amount(each["theirs"], each["unit"], more),
            _ratio(each["ratio"], more), _memory(each["memory_gb"]), each["note"],
        ]  # fmt: skip
        if grows:
            cells.insert(3, _growth(each, rows))
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return lines if rows else ["Not run."]


def not_run(found: list[Row]) -> list[str]:
    """Return a line for each thing that is not there: part, row, peer, script that ended badly."""
    rows, lines = latest(found), []
    for name, part in PARTS.items():
        if not any(each["table"] == part.table for each in rows):
            lines.append(f"- {part.table}: `python benchmarks/report.py --only {name}`")
    for each in rows:
        what = f"{each['table']}, {each['work']}, {each['size']}"
        if not _is_number(each["ours"]):
            lines.append(f"- {what}: {each['note'] or 'no figure'}")
        elif each["peer"] not in NO_PEER and not _is_number(each["theirs"]):
            lines.append(f"- {what}: without its peer, {each['note'] or each['peer']}")
    codes = {each["command"]: each["code"] for each in found if "command" in each}
    return lines + [f"- `{name}` ended with code {code}" for name, code in codes.items() if code]


def points_of(size: str) -> int | None:
    """Return the number of points that a size speaks of."""
    named = re.search(r"([\d,]+) points", size)
    return int(named[1].replace(",", "")) if named else None


def _growth(each: Row, rows: list[Row]) -> str:
    """Return how time grew beyond the first row, relative to n log n in the points."""
    first, n, before = rows[0], points_of(each["size"]), points_of(rows[0]["size"])
    if not (n and before and _is_number(each["ours"]) and _is_number(first["ours"])):
        return "–"
    expected = n * math.log(n) / (before * math.log(before))
    return f"{each['ours'] / first['ours'] / expected:.2f}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _amount(value: object, unit: str, more: str = "") -> str:
    """Return seconds in a form that fits them, anything else with its unit."""
    if not _is_number(value):
        return "–"
    if unit != "s":
        return f"{more}{value:.4g} {unit}"
    if value < 0.1:
        return f"{more}{value * 1e3:.3g} ms"
    return f"{more}{value:.{0 if value >= 120 else 1 if value >= 10 else 2}f} s"


def _ratio(value: object, more: str) -> str:
    if not _is_number(value):
        return "–"
    return f"{more}{value:,.0f}×" if value >= 10 else f"{more}{value:.1f}×"


def _memory(value: object) -> str:
    return f"{value:.2f} GB" if _is_number(value) else "–"


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", r"\|") or "–"


if __name__ == "__main__":
    main()
