"""Time the whole command on the Taipei core and print what each stage reached."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Run ``siting run scenarios/taipei.yaml`` as a planner would, several times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "cases" / "taipei")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"no data at {options.data.name}: nothing measured")
        return
    for number in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "taipei"
            begun = time.perf_counter()
            command = [
                sys.executable, "-m", "siting", "run", str(ROOT / "scenarios" / "taipei.yaml"),
                "--data", str(options.data), "--out", str(out), "--quiet",
            ]  # fmt: skip
            subprocess.run(command, check=True)  # noqa: S603
            seconds = time.perf_counter() - begun
            record = json.loads((out / "run.json").read_text(encoding="utf-8"))
        worst = max(stage["gap"] for stage in record["stages"])
        print(
            f"run {number + 1}: {seconds:.1f} s, {record['peak_memory_mb']:.0f} MB, "
            f"status {record['status']}, worst gap {worst:.2e}"
        )
    for stage in record["stages"]:
        print(
            f"  {stage['name']:<18} value {stage['value']:>16.2f}  bound {stage['bound']:>16.2f}  "
            f"gap {stage['gap']:.2e}  {stage['seconds']:.1f} s  {stage['proof']}"
        )


if __name__ == "__main__":
    main()
