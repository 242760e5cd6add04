"""
Plant one bug at a time in a copy of the package and see whether the tests catch it.

``python tests/plant_bugs.py`` prints a table and exits with 1 if a bug gets through, if the text
that a bug replaces is not found exactly once, or if the tests fail without any bug: then nothing
could be said to be caught. ``python tests/plant_bugs.py budget bound`` plants only the bugs whose
names hold one of the words.

Tests run as ``-x -q`` and without the shrinking of Hypothesis, as any failure will do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Queue

import pytest

ROOT = Path(__file__).parents[1]
AT_ONCE = 2
KEPT = ("siting", "tests", "data", "scenarios", "pyproject.toml")


@dataclass(frozen=True)
class Bug:
    """What goes wrong, where, how, and the tests that should notice."""

    name: str
    file: str
    right: str
    wrong: str
    tests: str


BUGS = (
    Bug(
        "a point exactly at the standard is not covered", "siting/audit.py",
        "covered = metres <= problem.standard_m + DISTANCE_TOLERANCE_M",
        "covered = metres < problem.standard_m - DISTANCE_TOLERANCE_M",
        "tests/test_audit.py tests/test_cases.py",
    ),
    Bug(
        "the model covers only below the standard", "siting/problem.py",
        "within = pairs.data <= self.standard_m[pairs.col] + DISTANCE_TOLERANCE_M",
        "within = pairs.data < self.standard_m[pairs.col] - DISTANCE_TOLERANCE_M",
        "tests/test_solve.py tests/test_objective.py",
    ),
    Bug(
        "3,000 elders per km2 read as high", "siting/demand.py",
        "classes[product > limit * (1 + EQUAL)] = 2", "classes[product >= limit] = 2",
        "tests/test_demand.py tests/test_cases.py",
    ),
    Bug(
        "beds rounded instead of rounded up", "siting/problem.py",
        "need = [-(-(count * rate) // 10**16) for count in millionths]",
        "need = [round(count * rate / 10**16) for count in millionths]",
        "tests/test_problem.py",
    ),
    Bug(
        "places exactly as far apart as the limit are one", "siting/problem.py",
        "pairs[gap < same_site_m - DISTANCE_TOLERANCE_M]", "pairs[gap <= same_site_m]",
        "tests/test_problem.py tests/test_audit.py",
    ),
    Bug(
        "extending a home costs nothing", "siting/problem.py",
        "changed = layout.is_open & (~self.sites.is_existing | (added > 0))",
        "changed = layout.is_open & ~self.sites.is_existing",
        "tests/test_objective.py tests/test_solve.py",
    ),
    Bug(
        "medium density before high", "siting/objective.py",
        '"uncovered_high", "uncovered_medium", "missing_beds"',
        '"uncovered_medium", "uncovered_high", "missing_beds"',
        "tests/test_solve.py tests/test_objective.py",
    ),
    Bug(
        "merged points lose their elders", "siting/reduce.py",
        "np.bincount(group, weights=problem.elders[points], minlength=len(first)),",
        "np.bincount(group, minlength=len(first)),",
        "tests/test_reduce.py tests/test_solve.py",
    ),
    Bug(
        "the leg to the demand point is forgotten", "siting/kernels.py",
        "reached = d + along + point_leg[q]", "reached = d + along",
        "tests/test_reach.py",
    ),
    Bug(
        "two points on one edge go by its end", "siting/kernels.py",
        "d = site_leg[s] + abs(site_offset[s] - point_offset[k]) + point_leg[k]",
        "d = site_leg[s] + site_offset[s] + point_offset[k] + point_leg[k]",
        "tests/test_reach.py",
    ),
    Bug(
        "a time limit is called optimal", "siting/solve.py",
        'return "gap" if all(stage.gap <= gap for stage in stages) else "time_limit"',
        'return "optimal"',
        "tests/test_solve.py",
    ),
    Bug(
        "the bound has the wrong sign", "siting/search.py",
        "return min(max(bound, 0.0), value)", "return min(max(-bound, 0.0), value)",
        "tests/test_solve.py",
    ),
    Bug(
        "homes of nine beds count", "siting/audit.py",
        "qualifies = layout.is_open & problem.sites.institution & (layout.beds >= QUALIFYING_BEDS)",
        "qualifies = layout.is_open & problem.sites.institution & (layout.beds > 8)",
        "tests/test_audit.py tests/test_cases.py",
    ),
    Bug(
        "closed homes stay in the plan", "siting/reduce.py",
        "stays = sites.is_existing & ~problem.forbidden", "stays = sites.is_existing.copy()",
        "tests/test_solve.py tests/test_reduce.py",
    ),
    Bug(
        "excluded areas are ignored", "siting/prepare.py",
        "return np.asarray(shapely.intersects_xy(area, *sites.xy.T)) & ~sites.is_existing",
        "return np.zeros(sites.n, dtype=bool)",
        "tests/test_audit.py tests/test_data_check.py",
    ),
    Bug(
        "x and y are exchanged in the study area", "siting/prepare.py",
        "return np.asarray(shapely.intersects_xy(area, *xy.T), dtype=bool)",
        "return np.asarray(shapely.intersects_xy(area, *xy.T[::-1]), dtype=bool)",
        "tests/test_audit.py tests/test_data_check.py",
    ),
    Bug(
        "the budget is forgotten", "siting/model.py",
        'model.linear.row("budget", cost, "<=", float(limits.budget_wan_yuan))',
        "pass",
        "tests/test_solve.py tests/test_model.py",
    ),
    Bug(
        "distance is not capped", "siting/objective.py",
        "best = np.full(len(problem.elders), DISTANCE_CAP_M)",
        "best = np.full(len(problem.elders), 10 * DISTANCE_CAP_M)",
        "tests/test_objective.py",
    ),
    Bug(
        "duplicate ids pass", "siting/tables.py",
        "twice = pd.Series(names).duplicated(keep=False).to_numpy()",
        "twice = np.zeros(len(names), dtype=bool)",
        "tests/test_bad_inputs.py",
    ),
    Bug(
        "a closed home still counts in the audit", "siting/audit.py",
        "counted_beds=np.where(qualifies, layout.beds, 0),",
        "counted_beds=np.where(qualifies, layout.beds, problem.sites.beds),",
        "tests/test_audit.py tests/test_cases.py",
    ),
    Bug(
        "several places are asked of units too small for them", "siting/objective.py",
        "least = minimum.min_sites * minimum.min_site_beds", "least = minimum.min_sites",
        "tests/test_objective.py",
    ),
    Bug(
        "several places are asked for in the audit of units too small for them", "siting/audit.py",
        "duty = need >= wanted * rule.parameters.min_site_beds", "duty = need >= wanted",
        "tests/test_audit.py tests/test_cases.py",
    ),
    Bug(
        "a chain of sites counts as sites that are all close", "siting/model.py",
        "if linked == len(members) * (len(members) - 1) // 2:", "if linked >= len(members) - 1:",
        "tests/test_model.py",
    ),
    Bug(
        "the number of new sites is forgotten", "siting/model.py",
        'model.linear.row("new_sites", terms, "<=", float(limits.max_new_sites))', "pass",
        "tests/test_model.py",
    ),
    Bug(
        "a later stage may undo an earlier one", "siting/solve.py",
        'model.linear.row(f"keep_{stage}", terms, "<=", value + KEEP * max(abs(value), 1.0))',
        "pass",
        "tests/test_solve.py",
    ),
    Bug(
        "what was proven of one island is claimed of both", "siting/solve.py",
        "            apart = np.inf\n", "            apart = 0.0\n",
        "tests/test_solve.py",
    ),
    Bug(
        "a bound above the value is cut down in silence", "siting/search.py",
        "if bound > value + 1e-5 * max(abs(value), scale):", "if False:",
        "tests/test_solvers.py",
    ),
    Bug(
        "the bound of a solver that gave up is believed", "siting/search.py",
        "believed = outcome.end not in {End.INFEASIBLE, End.FAILED} and",
        "believed =",
        "tests/test_solvers.py",
    ),
    Bug(
        "values that break the model are a plan", "siting/solve.py",
        "if not model.linear.holds(found, ROW_TOLERANCE):", "if False:",
        "tests/test_solvers.py",
    ),
    Bug(
        "noise around whole numbers changes the plan", "siting/model.py",
        "taken[decision] = round(values[self.choose[decision]]) == 1",
        "taken[decision] = values[self.choose[decision]] == 1",
        "tests/test_model.py",
    ),
    Bug(
        "the time limit is forgotten after the first call", "siting/solvers.py",
        "event.data_in.user_interrupt = halt.is_set() or monotonic() >= end",
        "event.data_in.user_interrupt = halt.is_set()",
        "tests/test_solvers.py",
    ),
    Bug(
        "locked beds are not kept", "siting/reduce.py",
        "    low = np.where(locked, room, low)\n", "",
        "tests/test_reduce.py",
    ),
    Bug(
        "a cut takes off a good layout", "siting/distance.py",
        "saved = level[point] - self.metres", "saved = 0.9 * (level[point] - self.metres)",
        "tests/test_distance.py",
    ),
    Bug(
        "the first plan spends too much", "siting/start.py",
        "    added = np.where(taken, decisions.low, 0)\n    purse = _Purse(problem)\n",
        "    added = np.where(taken, decisions.low, 0)\n    purse = _Purse(problem)\n"
        "    purse.money += 5.0\n",
        "tests/test_start.py",
    ),
)  # fmt: skip

NO_SHRINKING = """\
from hypothesis import Phase, settings

settings.register_profile("planted", phases=[Phase.explicit, Phase.generate])
settings.load_profile("planted")
"""


def plant(free: Queue[Path], bug: Bug) -> str:
    """Return whether the tests caught a bug planted in a free copy, or what went wrong."""
    copy = free.get()
    file = copy / bug.file
    whole = file.read_text(encoding="utf-8")
    try:
        if whole.count(bug.right) != 1:
            return f"text found {whole.count(bug.right)} times"
        file.write_text(whole.replace(bug.right, bug.wrong), encoding="utf-8")
        code = run_tests(bug.tests.split(), copy).returncode
    finally:
        file.write_text(whole, encoding="utf-8")
        free.put(copy)
    return "caught" if code == pytest.ExitCode.TESTS_FAILED else f"NOT caught (pytest: {code})"


def run_tests(tests: list[str], copy: Path) -> subprocess.CompletedProcess[str]:
    """Run tests in a copy until the first fails."""
    options = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no_shrinking"]
    environment = os.environ | {"PYTHONPATH": str(copy), "NUMBA_CACHE_DIR": str(copy / "numba")}
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", *options, *tests],
        env=environment, cwd=copy, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip


def copied(folder: Path) -> Path:
    """Return a folder with a copy of what the tests need."""
    folder.mkdir()
    for name in KEPT:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.nb?")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    (folder / "no_shrinking.py").write_text(NO_SHRINKING, encoding="utf-8")
    return folder


def main() -> None:
    """Plant every bug, or those whose names hold one of the words given."""
    words = sys.argv[1:]
    chosen = [bug for bug in BUGS if not words or any(word in bug.name for word in words)]
    tests = sorted({test for bug in chosen for test in bug.tests.split()})
    through = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        free: Queue[Path] = Queue()
        for number in range(AT_ONCE):
            free.put(copied(Path(folder) / str(number)))
        sound = run_tests(tests, free.queue[0])
        if sound.returncode:
            sys.exit(f"{sound.stdout}\nThe tests fail without any bug.")
        for bug, result in zip(chosen, pool.map(partial(plant, free), chosen), strict=True):
            through += result != "caught"
            sys.stdout.write(f"{result:<12} {bug.name}  ({bug.file})\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - through} of {len(chosen)} caught\n")
    sys.exit(through > 0)


if __name__ == "__main__":
    main()
