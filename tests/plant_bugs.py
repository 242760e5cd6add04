"""
Plant one bug at a time in a copy of the package and see whether the tests catch it.

``python tests/plant_bugs.py`` prints a table and exits with 1 if a bug gets through, if the text
that a bug replaces is not found exactly once, or if the tests fail without any bug: then nothing
could be said to be caught. ``python tests/plant_bugs.py budget bound`` plants only the bugs whose
names hold one of the words, ``--slice 2/5`` every fifth from the second on; ``--check`` plants none
and only looks whether each could be planted, which a test does too.

Bugs are planted in copies in a temporary folder, never in the checkout; kernels compiled in it
serve the copies too, but for bugs in kernels, which others may hold inlined. Tests run as
``-x -q`` and without the shrinking of Hypothesis, as any failure will do; the one that failed is
named.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import Queue

import pytest
from planted import BUGS, Bug

ROOT = Path(__file__).parents[1]
KEPT = ("siting", "tests", "data", "scenarios", "docs", "pyproject.toml")
LONGEST_S = 900
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["scipy.optimize", "geopandas", "pyogrio", "osmnx", "matplotlib.figure", "folium", "openpyxl"]
)

NO_SHRINKING = """\
from hypothesis import Phase, settings

settings.register_profile("planted", phases=[Phase.explicit, Phase.generate])
settings.load_profile("planted")
"""


def fault_of(bug: Bug, root: Path = ROOT) -> str:
    """Return why a bug cannot be planted, or nothing where it can."""
    found = (root / bug.file).read_text(encoding="utf-8").count(bug.right)
    if found != 1:
        return f"text found {found} times"
    for test in bug.tests.split():
        file, _, name = test.partition("::")
        text = (root / file).read_text(encoding="utf-8") if (root / file).is_file() else ""
        if f"def {name}" not in text:
            return f"no test {test}"
    return "changes nothing" if bug.right == bug.wrong else ""


def plant(free: Queue[Path], bug: Bug) -> str:
    """Return whether the tests caught a bug planted in a free copy, or what went wrong."""
    if fault := fault_of(bug):
        return fault
    copy = free.get()
    file = copy / bug.file
    whole, times = file.read_bytes(), file.stat()
    try:
        wrong = whole.decode("utf-8").replace(bug.right, bug.wrong)
        file.write_bytes(wrong.encode("utf-8"))
        with tempfile.TemporaryDirectory() as anew:
            kernels = {"NUMBA_CACHE_DIR": anew} if "njit" in wrong else {}
            code, said = run_tests(bug.tests.split(), copy, **kernels)
    finally:
        file.write_bytes(whole)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        free.put(copy)
    if code == pytest.ExitCode.TESTS_FAILED:
        failed = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
        return f"caught by {failed[1] if failed else '?'}"
    return "caught: never came back" if code < 0 else f"NOT caught (pytest: {code})"


def run_tests(tests: list[str], copy: Path, **more: str) -> tuple[int, str]:
    """Run tests in a copy until the first fails; return the exit code and what was said."""
    said = copy / "said.txt"
    process = FORKS.Process(target=_run_tests, args=(tests, copy, said, more))
    process.start()
    process.join(LONGEST_S)
    if process.exitcode is None:
        process.kill()
        process.join()
    return -1 if process.exitcode is None else process.exitcode, said.read_text(encoding="utf-8")


def _run_tests(tests: list[str], copy: Path, said: Path, more: dict[str, str]) -> None:
    """Run tests in this process, which has the libraries already, and end it."""
    os.environ |= {"PYTHONPATH": str(copy)} | more
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    with said.open("wb") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    options = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no_shrinking"]
    sys.exit(pytest.main([*options, *tests]))


def copied(folder: Path) -> Path:
    """Return a folder with a copy of what the tests need."""
    folder.mkdir()
    for name in KEPT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder / name)
    (folder / "no_shrinking.py").write_text(NO_SHRINKING, encoding="utf-8")
    return folder


def chosen(words: list[str], part: str) -> list[Bug]:
    """Return the bugs whose names hold one of some words, and of those every n-th."""
    first, every = map(int, part.split("/"))
    bugs = [bug for bug in BUGS if not words or any(word in bug.name for word in words)]
    return bugs[first - 1 :: every]


def plant_all(bugs: list[Bug], folder: Path, at_once: int) -> int:
    """Plant bugs, print what became of each, and return how many got through."""
    through, free = 0, Queue[Path]()
    for number in range(at_once):
        free.put(copied(folder / str(number)))
    tests = sorted({test for bug in bugs for test in bug.tests.split()})
    code, said = run_tests(tests, free.queue[0])
    if code:
        sys.exit(f"{said}\nThe tests fail without any bug.")
    with ThreadPoolExecutor(at_once) as pool:
        for bug, result in zip(bugs, pool.map(partial(plant, free), bugs), strict=True):
            through += not result.startswith("caught")
            sys.stdout.write(f"{bug.name}  ({bug.file}): {result}\n")
            sys.stdout.flush()
    return through


def main() -> None:
    """Plant every bug, or those that are asked for."""
    parser = argparse.ArgumentParser(description="Plant bugs and see whether the tests catch them.")
    parser.add_argument("words", nargs="*", help="only bugs whose names hold one of these")
    parser.add_argument("--slice", default="1/1", metavar="K/N", help="every n-th from the k-th on")
    parser.add_argument("--check", action="store_true", help="plant none; only look")
    parser.add_argument("--at-once", type=int, default=2, metavar="N", help="copies, 2 without it")
    options = parser.parse_args()
    bugs = chosen(options.words, options.slice)
    if options.check:
        faults = [f"{bug.name}: {fault}" for bug in bugs if (fault := fault_of(bug))]
        faults.append(f"{len(bugs) - len(faults)} of {len(bugs)} can be planted")
        sys.stdout.write("\n".join(faults) + "\n")
        sys.exit(len(faults) > 1)
    with tempfile.TemporaryDirectory() as folder:
        through = plant_all(bugs, Path(folder), options.at_once)
    sys.stdout.write(f"{len(bugs) - through} of {len(bugs)} caught\n")
    sys.exit(through > 0)


if __name__ == "__main__":
    main()
