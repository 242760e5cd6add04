"""Time a re-solve of Taipei from the old plan: after a lock, a moved site, another price."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rows import keep, row

import siting

if TYPE_CHECKING:
    from siting import Layout, Problem

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Plan Taipei, change one thing at a time, and solve again from the plan and from nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "cases" / "taipei")
    parser.add_argument("--json", type=Path, help="append the rows to this file, one a line")
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"no data at {options.data.name}: nothing measured")
        keep(options.json, row("re-solve", "Taipei", "-", None, note="no data"))
        return
    for name in ("taipei", "taipei-full"):
        scenario = siting.read_scenario(ROOT / "scenarios" / f"{name}.yaml", data=options.data)
        problem = siting.prepare(scenario).problem
        before = siting.solve(problem, settings=scenario.solve)
        for work, changed in _changes(problem, before.layout).items():
            begun = time.perf_counter()
            cold = siting.solve(changed, settings=scenario.solve)
            middle = time.perf_counter()
            warm = siting.solve(changed, settings=scenario.solve, start=before.layout)
            ours, theirs = time.perf_counter() - middle, middle - begun
            worst = max(stage.gap for stage in warm.stages)
            print(
                f"{name}, {work}: {ours:.1f} s from the plan, {theirs:.1f} s from nothing, "
                f"worst gap {worst:.1e}, {warm.status} ({cold.status})"
            )
            keep(
                options.json,
                row(
                    "re-solve", work, name, ours, peer="from nothing", theirs=theirs,
                    note=f"worst gap {worst:.1e}",
                ),
            )  # fmt: skip


def _changes(problem: Problem, layout: Layout) -> dict[str, Problem]:
    """Return the problem with one thing changed, by what was changed."""
    new = np.flatnonzero(layout.is_open & ~problem.sites.is_existing)
    closed = np.flatnonzero(~layout.is_open & problem.usable())
    forbidden, locked = problem.forbidden.copy(), problem.locked_open.copy()
    forbidden[new[len(new) // 2]] = True
    locked[closed[len(closed) // 2]] = True
    dearer = problem.sites.fixed_cost.copy()
    dearer[new[0]] *= 1.5
    moved = problem.reach.copy()  # as if the site stood 60 m farther from every point
    ends = moved.indptr[new[-1]], moved.indptr[new[-1] + 1]
    moved.data[ends[0] : ends[1]] += 60.0
    return {
        "a site of the plan forbidden": replace(problem, forbidden=forbidden),
        "another site locked open": replace(problem, locked_open=locked),
        "a price half as high again": replace(
            problem, sites=replace(problem.sites, fixed_cost=dearer)
        ),
        "a site moved": replace(problem, reach=moved),
    }


if __name__ == "__main__":
    main()
