"""Time every output of the sample county and of the Taipei core, and weigh its files."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from rows import keep, row

import siting

ROOT = Path(__file__).parents[1]
TAIPEI = ROOT.parent / "shared" / "cases" / "taipei"
ALL = {f"outputs.{each}": True for each in ("atlas", "shapefile", "geojson")}
"""What is not written unless asked for."""
FILES = {
    "tables": ("*.csv", "check.html", "tables.xlsx"), "geopackage": ("plan.gpkg",),
    "shapefile": ("shp/*",), "geojson": ("geojson/*",), "map": ("map.html",),
    "sheet": ("sheet.*",), "atlas": ("atlas.pdf", "atlas/*"), "report": ("report.*",),
}  # fmt: skip
"""Names of the outputs as ``write_plan`` tells them, and their files."""
MEGABYTE, LEAST = 1e6, 0.05
"""Bytes of a megabyte, and below how many of them nothing is told."""


class Case(NamedTuple):
    """A scenario and what is said of its size."""

    scenario: str
    size: str
    data: Path | None


CASES = {
    "sample": Case("sample-full", "71,324 elders, 2,438 points, 17 sheets", None),
    "taipei": Case("taipei", "458,934 elders, 6,426 blocks, 19 sheets", TAIPEI),
    "taipei-full": Case("taipei-full", "458,934 elders, 6,426 blocks, 56 sheets", TAIPEI),
}


def main() -> None:
    """Plan each case once and write all its outputs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--json", type=Path, help="append the rows to this file, one a line")
    options = parser.parse_args()
    for name in options.only:
        case = CASES[name]
        if case.data is not None and not case.data.is_dir():
            print(f"{name}: no data at {case.data.name}, nothing measured")
            keep(options.json, row("outputs", f"{name}, all", case.size, None, note="no data"))
            continue
        keep(options.json, *measure(name, case))


def measure(name: str, case: Case) -> list[dict[str, object]]:
    """Return a row for each output of a case, and one for all: seconds beyond the plan, size."""
    path = ROOT / "scenarios" / f"{case.scenario}.yaml"
    begun = time.perf_counter()
    done = siting.plan(siting.read_scenario(path, data=case.data, changes=ALL))
    planned = time.perf_counter() - begun
    begins: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        siting.write_plan(
            done, Path(folder) / "run",
            progress=lambda stage, _gap, _left: begins.setdefault(stage, time.perf_counter()),
        )  # fmt: skip
        ends = [*list(begins.values())[1:], time.perf_counter()]
        sizes = {each: weigh(Path(folder) / "run", each) for each in begins}
        spent = dict(zip(begins, (b - a for a, b in zip(begins.values(), ends, strict=True)),
                         strict=True))  # fmt: skip
    print(f"{name}: planned in {planned:.1f} s")
    rows = [
        row("outputs", f"{name}, {each}", case.size, spent[each], note=sizes[each])
        for each in begins
    ]
    whole = sum(spent.values())
    rows.append(row("outputs", f"{name}, all", case.size, whole, note=f"plan {planned:.1f} s"))
    for each in rows:
        print(f"  {each['work']:<24} {each['ours']:>6.1f} s  {each['note']}")
    return rows


def weigh(folder: Path, output: str) -> str:
    """Return the sizes of the files of an output, those of one kind as a sum."""
    told = []
    for pattern in FILES[output]:
        files = sorted(folder.glob(pattern))
        ends = sorted({each.suffix for each in files})
        for end in ends:
            mine = [each for each in files if each.suffix == end]
            size = sum(each.stat().st_size for each in mine) / MEGABYTE
            if size < LEAST:
                continue
            what = mine[0].name if len(mine) == 1 else f"{len(mine)} {end[1:]}"
            told.append(f"{what} {size:.1f} MB")
    return ", ".join(told)


if __name__ == "__main__":
    main()
