"""Time eight scenarios of Taipei's size on one worker and on two: here, and on a Dask cluster."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from rows import keep, row

import siting

ROOT = Path(__file__).parents[1]
HERE, DASK = "processes of this machine", "Dask"
Run = Callable[[int, Path], tuple[float, float]]
"""Takes the number of workers and a folder; returns seconds, and GB of one run."""


def main() -> None:
    """Run the same batch with one worker and with two, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "cases" / "taipei")
    parser.add_argument("--scenario", type=Path, default=ROOT / "scenarios" / "taipei.yaml")
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--skip-dask", action="store_true")
    parser.add_argument("--json", type=Path, help="append the rows to this file, one a line")
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"no data at {options.data.name}: nothing measured")
        for work in (HERE, DASK):
            keep(options.json, row("batch", work, "Taipei", None, note="no data"))
        return
    os.environ["SITING_CACHE"] = "off"  # the second batch must not find what the first has kept
    with tempfile.TemporaryDirectory() as folder:
        files = write_variants(options.scenario, Path(folder), options.count)
        print(f"{len(files)} variants of {options.scenario.name}; first one to warm up")
        run_here(files[:1], options.data, 1, Path(folder) / "warm")
        run = partial(run_here, files, options.data)
        keep(options.json, compare(HERE, len(files), run))
        if find_spec("distributed") is None:
            print('Dask is not installed (python -m pip install "siting[dask]"): not measured')
            keep(options.json, row("batch", DASK, "Taipei", None, note="Dask is not installed"))
        elif not options.skip_dask:
            run = partial(run_on_dask, files, options.data)
            keep(options.json, compare(DASK, len(files), run))


def write_variants(base: Path, folder: Path, count: int) -> list[Path]:
    """Write scenarios that differ in the most sites, more than any needs, and return the files."""
    files = []
    for number in range(count):
        path = folder / f"{base.stem}-{number + 1}.yaml"
        path.write_text(
            f"base: {base.resolve().as_posix()}\nname: {base.stem} {number + 1}\n"
            f"change:\n  limits.max_new_sites: {400 + number}\n",
            encoding="utf-8",
        )
        files.append(path)
    return files


def compare(name: str, count: int, run: Run) -> dict[str, object]:
    """Run a batch with one worker, with two, print times and ratio, and return the row."""
    seconds, memory = {}, 0.0
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as out:
            seconds[workers], memory = run(workers, Path(out) / "out")
        print(f"{name}, {workers} worker(s): {seconds[workers]:.1f} s", flush=True)
    print(f"{name}: {seconds[1] / seconds[2]:.2f} times as fast on two")
    size = f"{count} scenarios of Taipei's size, two workers"
    peer = {"peer": "one worker", "theirs": seconds[1], "note": "memory of one run"}
    return row("batch", name, size, seconds[2], memory_gb=memory, **peer)


def run_here(files: list[Path], data: Path, workers: int, out: Path) -> tuple[float, float]:
    """Run the batch in processes of this machine; return the seconds and the GB of a run."""
    begun = time.perf_counter()
    done = siting.batch(files, out, workers=workers, data=data, language="en")
    seconds = time.perf_counter() - begun
    return seconds, report(done)


def run_on_dask(files: list[Path], data: Path, workers: int, out: Path) -> tuple[float, float]:
    """Run the batch on a cluster that is there already; return the seconds and the GB of a run."""
    from distributed import LocalCluster  # noqa: PLC0415 - an extra

    threads = max(2 // workers, 1)
    with LocalCluster(
        n_workers=workers, threads_per_worker=threads, processes=True, dashboard_address=":0",
        memory_limit=0,
    ) as cluster:  # fmt: skip
        begun = time.perf_counter()
        address = cluster.scheduler_address
        done = siting.batch(files, out, scheduler=address, data=data, language="en")
        seconds = time.perf_counter() - begun
    return seconds, report(done)


def report(done: siting.Batch) -> float:
    """Print what the runs took, stop where one failed, and return the most memory in GB."""
    if done.failed:
        sys.exit("\n".join(entry.message for entry in done.failed))
    facts = [entry.facts for entry in done.entries]
    worst = max(each["gap"] for each in facts)
    each_s = sum(each["seconds"] for each in facts) / len(facts)
    most = max(each["memory_mb"] for each in facts)
    print(f"  each {each_s:.1f} s, at most {most:.0f} MB, worst gap {worst:.1e}")
    return most / 1024


if __name__ == "__main__":
    main()
