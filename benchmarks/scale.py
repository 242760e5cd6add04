"""Take measured figures into docs/scale.md from docs/benchmarks.md, and compute its tables anew."""

from __future__ import annotations

import argparse
import re
from math import ceil
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
BEGIN, END = "<!-- computed by benchmarks/scale.py: edits are lost -->", "<!-- end of computed -->"
SOURCES = {
    "county, few rules": ("taipei", "whole command, rules on coverage and beds", ""),
    "county, whole standard": ("taipei", "whole command, whole Hangzhou standard", ""),
    "large city": ("city, growth", "whole command, Hangzhou rules with mix", "250,000 points"),
}
"""Table, work and begin of the size in docs/benchmarks.md, by the row of the figures."""

CORES = (2, 16, 64, 256)
Table = dict[str, dict[str, str]]


def main() -> None:
    """Write the page anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path, default=DOCS / "scale.md")
    parser.add_argument("--benchmarks", type=Path, default=DOCS / "benchmarks.md")
    options = parser.parse_args()
    text = options.page.read_text(encoding="utf-8")
    if options.benchmarks.is_file():
        text = with_measured(text, options.benchmarks.read_text(encoding="utf-8"))
    options.page.write_text(with_tables(text), encoding="utf-8")


def read_table(text: str, heading: str) -> Table:
    """Return the first table below a heading: cells by first cell of the row and by column."""
    after = re.split(rf"^## {re.escape(heading)}$", text, maxsplit=1, flags=re.MULTILINE)
    lines = [] if len(after) == 1 else after[1].split("\n## ")[0].splitlines()
    rows = [_cells(line) for line in lines if line.startswith("|")]
    return {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[2:]}


def with_measured(text: str, benchmarks: str) -> str:
    """Return the page with seconds and GB of the rows that the benchmarks have."""
    for name, (table, work, size) in SOURCES.items():
        heading = f"{table[0].upper()}{table[1:]}"
        found = next(iter(_rows(benchmarks, heading, work, size)), None)
        seconds, memory = found or ("", "")
        if not (seconds.endswith(" s") and memory.endswith(" GB")):
            continue
        old = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
        cells = _cells(old)
        cells[3:] = [seconds.removesuffix(" s"), memory.removesuffix(" GB"), "docs/benchmarks.md"]
        text = text.replace(old, _line(cells))
    return text


def _rows(text: str, heading: str, work: str, size: str) -> list[tuple[str, str]]:
    """Return time and memory of the rows of a work whose size begins so."""
    part = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [_cells(line) for line in part.splitlines() if line.startswith("|")]
    column = {name: k for k, name in enumerate(rows[0])} if rows else {}
    return [
        (row[column["ours"]], row[column["memory"]])
        for row in rows[2:]
        if row[0] == work and row[1].startswith(size)
    ]


def with_tables(text: str) -> str:
    """Return the page with its computed part written anew from the tables at its top."""
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    figures, given = read_table(text, "Figures"), read_table(text, "Given")
    number = {name: float(row["value"].replace(",", "")) for name, row in given.items()}
    parts = [_sizes(figures, number), _work(figures, number), _waiting(figures, number)]
    parts += [_memory(figures), _files(number)]
    return before + "\n\n".join([BEGIN, *parts, END]) + after


def _sizes(figures: Table, given: dict[str, float]) -> str:
    """Return how large a county is."""
    mean = given["elders of the country"] / given["counties of the country"]
    measured = _number(figures["county, whole standard"]["elders"])
    rows = [
        ["a county, mean", "elders of the country ÷ counties", f"{mean:,.0f} elders"],
        ["a province", "counties of a province × mean",
         f"{mean * given['counties of a province']:,.0f} elders"],
        ["the county measured", f"{measured:,.0f} ÷ mean", f"{measured / mean:.1f} mean counties"],
        ["townships of a county, mean", "townships ÷ counties",
         f"{given['townships of the country'] / given['counties of the country']:.1f}"],
        ["the country in counties as measured", f"elders of the country ÷ {measured:,.0f}",
         f"{given['elders of the country'] / measured:,.0f}"],
    ]  # fmt: skip
    return _table("Sizes", ["what", "from", "is"], rows)


def _work(figures: Table, given: dict[str, float]) -> str:
    """Return core-hours of each job."""
    few, whole, city = (figures[name] for name in SOURCES)
    province, country = given["counties of a province"], given["counties of the country"]
    cities = given["large cities planned whole"]
    alone = country - cities * given["districts of a large city"]
    plans = given["plans of a county's curve"] + 1
    like = given["elders of the country"] / _number(whole["elders"])
    jobs = [
        ("province, few rules", [(province, few)]),
        ("province, whole standard", [(province, whole)]),
        ("province, its budget shared", [(province * plans, whole)]),
        ("country, few rules", [(country, few)]),
        ("country, whole standard", [(country, whole)]),
        ("country, large cities whole", [(alone, whole), (cities, city)]),
        ("country, budgets of all provinces", [(country * plans, whole)]),
        ("country, by elders: the least", [(round(like), whole)]),
    ]
    rows = []
    for name, terms in jobs:
        seconds = sum(n * _number(row["seconds"]) * _number(row["threads"]) for n, row in terms)
        said = " + ".join(f"{n:,.0f} × {row['seconds']} s × {row['threads']}" for n, row in terms)
        rows.append([name, said, f"{seconds / 3600:,.1f}"])
    return _table("Core-hours", ["job", "runs × seconds × threads", "core-hours"], rows)


def _waiting(figures: Table, given: dict[str, float]) -> str:
    """Return how long one waits on clusters of some sizes, in rounds of whole runs."""
    row = figures["county, whole standard"]
    plans = given["plans of a county's curve"] + 1
    rows = []
    for cores in CORES:
        workers = cores // int(_number(row["threads"]))
        counties = (given[f"counties of {of}"] for of in ("a province", "the country"))
        once = [_hours(ceil(runs / workers) * _number(row["seconds"])) for runs in counties]
        shared = ceil(given["counties of a province"] / workers) * plans * _number(row["seconds"])
        rows.append([f"{cores}", f"{workers}", *once, _hours(shared)])
    heads = ["cores", "workers", "province", "country", "province, its budget shared"]
    return _table("Waiting, whole standard", heads, rows)


def _memory(figures: Table) -> str:
    """Return memory of all workers of a cluster."""
    row, city = figures["county, whole standard"], figures["large city"]
    rows = []
    for cores in CORES:
        workers = cores // int(_number(row["threads"]))
        every = [workers * _number(each["GB"]) for each in (row, city)]
        rows.append([f"{cores}", f"{workers}", *(f"{gb:,.1f} GB" for gb in every)])
    heads = ["cores", "workers", "every worker on a county", "every worker on a large city"]
    return _table("Memory", heads, rows)


def _files(given: dict[str, float]) -> str:
    """Return gigabytes read and written."""
    rows, kinds = [], ("read", "written", "written with the atlas", "written, tables alone")
    for name in ("counties of a province", "counties of the country"):
        sizes = (given[name] * given[f"MB {kind}"] / 1000 for kind in kinds)
        rows.append([name, *(f"{gb:,.1f} GB" for gb in sizes)])
    heads = ["runs", *kinds]
    return _table("Files", heads, rows)


def _hours(seconds: float) -> str:
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def _number(cell: str) -> float:
    return float(cell.replace(",", ""))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _table(heading: str, heads: list[str], rows: list[list[str]]) -> str:
    lines = [_line(heads), "|" + "---|" * len(heads), *map(_line, rows)]
    return f"## {heading}\n\n" + "\n".join(lines)


if __name__ == "__main__":
    main()
