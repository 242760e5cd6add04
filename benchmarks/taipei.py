"""Time the whole command on the Taipei core, few rules and all, and print what stages reached."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rows import keep, row

ROOT = Path(__file__).parents[1]
SIZE = "458,934 elders, 6,426 blocks, two threads"
WORKS = {
    "taipei": "whole command, rules on coverage and beds",
    "taipei-full": "whole command, whole Hangzhou standard",
}


def main() -> None:
    """Run both scenarios of Taipei as a planner would."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "cases" / "taipei")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path, help="append the rows to this file, one a line")
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"no data at {options.data.name}: nothing measured")
        for work in WORKS.values():
            keep(options.json, row("taipei", work, SIZE, None, note="no data"))
        return
    for name, runs in (("taipei", options.runs), ("taipei-full", 1)):
        print(f"{name}:")
        keep(options.json, measure(name, options.data, runs))


def measure(name: str, data: Path, runs: int) -> dict[str, object]:
    """
    Run one scenario several times; print time and memory of each, and the last one's stages.

    The row returned has the least time and the most memory.
    """
    seconds, memory = [], []
    for number in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "taipei"
            begun = time.perf_counter()
            command = [
                sys.executable, "-m", "siting", "run", str(ROOT / "scenarios" / f"{name}.yaml"),
                "--data", str(data), "--out", str(out), "--quiet",
            ]  # fmt: skip
            subprocess.run(command, check=True)  # noqa: S603
            seconds.append(time.perf_counter() - begun)
            record = json.loads((out / "run.json").read_text(encoding="utf-8"))
        worst = max(stage["gap"] for stage in record["stages"])
        memory.append(record["peak_memory_mb"] / 1024)
        print(
            f"run {number + 1}: {seconds[-1]:.1f} s, {record['peak_memory_mb']:.0f} MB, "
            f"status {record['status']}, worst gap {worst:.2e}"
        )
    for stage in record["stages"]:
        print(
            f"  {stage['name']:<18} value {stage['value']:>16.2f}  bound {stage['bound']:>16.2f}  "
            f"gap {stage['gap']:.2e}  {stage['seconds']:.1f} s  {stage['proof']}"
        )
    spread = "" if runs == 1 else f"least of {runs} runs, at most {max(seconds):.1f} s; "
    note = f"{spread}worst gap {worst:.1e}, status {record['status']}"
    return row("taipei", WORKS[name], SIZE, min(seconds), memory_gb=max(memory), note=note)


if __name__ == "__main__":
    main()
