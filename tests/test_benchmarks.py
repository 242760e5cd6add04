"""The pages of figures are what their rows and their tables say."""

from __future__ import annotations

import importlib.util
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
MACHINE = {
    "date": "2026-01-31", "cores": 2, "memory_gb": 23.6, "load": 0.2,
    "system": "Linux x86_64, Python 3.12.1", "versions": {"scipy": "1.17.1", "pandana": None},
}  # fmt: skip
ROWS: list[dict[str, Any]] = [
    {"run": MACHINE},
    {"table": "reach", "work": "search", "size": "9 nodes", "ours": 0.0005, "peer": "SciPy",
     "theirs": 0.06, "ratio": 120.0, "unit": "s", "memory_gb": None, "note": "a | b"},
    {"table": "reach", "work": "preparation", "size": "9 nodes", "ours": 7.5, "peer": "pandana",
     "theirs": None, "ratio": None, "unit": "s", "memory_gb": None, "note": "not installed"},
    {"table": "city, growth", "work": "whole", "size": "1,000 points, 5 nodes", "ours": 2.0},
    {"table": "city, growth", "work": "whole", "size": "1,000,000 points, 9 nodes", "ours": 8000.0,
     "memory_gb": 5.678},
    {"table": "covering", "work": "p=3, solve", "size": "9 x 3", "ours": 1.5, "peer": "spopt, CBC",
     "theirs": 300.0, "ratio": 200.0, "stopped": True},
    {"table": "units", "work": "Taipei", "size": "279 zones", "ours": None, "note": "no data"},
    {"table": "own work", "work": "x", "size": "1", "ours": 3.0},
    {"command": "batch.py", "code": 1},
]  # fmt: skip


def _load(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> Any:
    return _load("report", monkeypatch)


@pytest.fixture
def scale(monkeypatch: pytest.MonkeyPatch) -> Any:
    return _load("scale", monkeypatch)


def _section(page: str, heading: str) -> list[str]:
    found = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0].strip()
    assert found, heading
    return found.splitlines()


def test_rows_become_the_table_that_they_say(report: Any) -> None:
    assert _section(report.as_page(ROWS), "Reach")[2:] == [
        "| work | size | ours | peer | theirs | ratio | memory | note |",
        "|---|---|---|---|---|---|---|---|",
        r"| search | 9 nodes | 0.5 ms | SciPy | 60 ms | 120× | – | a \| b |",
        "| preparation | 9 nodes | 7.50 s | pandana | – | – | – | not installed |",
    ]


def test_a_stopped_peer_is_told_as_a_bound_and_an_unknown_table_stays(report: Any) -> None:
    page = report.as_page(ROWS)
    assert "| p=3, solve | 9 x 3 | 1.50 s | spopt, CBC | > 300 s | > 200× | – | – |" in page
    assert _section(page, "Own work")[-1] == "| x | 1 | 3.00 s | none | – | – | – | – |"


def test_growth_is_told_beside_n_log_n(report: Any) -> None:
    # A thousand times the points: n log n grows 2,000 times (log 1e6 = 2 log 1e3), time 4,000.
    first, second = _section(report.as_page(ROWS), "City, growth")[-2:]
    assert first == "| whole | 1,000 points, 5 nodes | 2.00 s | 1.00 | none | – | – | – | – |"
    assert "| 8000 s | 2.00 | none | – | – | 5.68 GB |" in second


def test_what_was_not_run_is_listed(report: Any) -> None:
    lines = _section(report.as_page(ROWS), "Not run")
    assert "- reach, preparation, 9 nodes: without its peer, not installed" in lines
    assert "- units, Taipei, 279 zones: no data" in lines
    assert "- batch: `python benchmarks/report.py --only batch`" in lines
    assert "- `batch.py` ended with code 1" in lines
    assert not any("search" in line or "--only city`" in line for line in lines)
    assert _section(report.as_page(ROWS), "Units")[-1].startswith(
        "| Taipei | 279 zones | not run |"
    )


def test_a_row_measured_again_takes_the_place_of_the_old_one(report: Any) -> None:
    taipei = {"table": "units", "work": "Taipei", "size": "280 zones", "ours": 1.0}
    again = [ROWS[1] | {"ours": 0.25, "ratio": 0.24}, {"command": "batch.py", "code": 0}, taipei]
    page = report.as_page(ROWS + again)
    assert "| search | 9 nodes | 0.25 s | SciPy | 60 ms | 0.2× |" in page
    assert page.count("| search |") == 1
    assert "no data" not in page
    assert "ended with code" not in page


def test_no_number_is_no_figure(report: Any) -> None:
    nan = [ROWS[0], ROWS[1] | {"theirs": math.nan, "ratio": math.nan}]
    assert "| search | 9 nodes | 0.5 ms | SciPy | – | – | – |" in report.as_page(nan)


def test_the_head_says_machine_and_versions(report: Any) -> None:
    head = report.as_page(ROWS).split("\n## ")[0]
    assert "| machine | 2 cores, 24 GB |" in head
    assert "| versions | scipy 1.17.1 |" in head
    assert "| not installed | pandana |" in head
    assert "| date | 2026-01-31 |" in head


def test_the_command_gathers_files_and_runs_nothing(tmp_path: Path) -> None:
    rows, page = tmp_path / "rows.jsonl", tmp_path / "page.md"
    rows.write_text("\n".join(json.dumps(each) for each in ROWS), encoding="utf-8")
    command = [sys.executable, str(BENCHMARKS / "report.py"), "--from", str(rows)]
    subprocess.run([*command, "--page", str(page)], check=True, capture_output=True)  # noqa: S603
    assert "| search | 9 nodes | 0.5 ms |" in page.read_text(encoding="utf-8")


def test_the_page_has_the_tables_that_are_known(report: Any) -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    known = [part.table for part in report.PARTS.values()]
    assert [f"{name[0].upper()}{name[1:]}" for name in known] == headings[: len(known)]
    assert headings[-1] == "Not run"


def test_every_script_is_run_and_keeps_rows(report: Any) -> None:
    run = {command.split()[0] for part in report.PARTS.values() for command in part.commands}
    scripts = {path.name for path in BENCHMARKS.glob("*.py")} - {"report.py", "rows.py", "scale.py"}
    assert run == scripts
    for name in scripts:
        assert '"--json"' in (BENCHMARKS / name).read_text(encoding="utf-8")


def test_scripts_are_run_and_a_bad_end_is_kept(
    report: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = report.Part("units", "", ("missing.py --zones 3",))
    monkeypatch.setattr(report, "PARTS", {"units": part})
    file = tmp_path / "kept" / "rows.jsonl"
    report.run(None, file)
    report.run(None, file)
    machine, ended = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert machine["run"]["cores"] > 0
    assert ended == {"command": "missing.py --zones 3", "code": 2}
    assert file.with_suffix(".before.jsonl").is_file()


# The page on scale


def _page() -> str:
    return (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")


def test_the_sums_of_the_page_on_scale_are_right(scale: Any) -> None:
    figures = scale.read_table(_page(), "Figures")
    seconds = {row["seconds"]: row["threads"] for row in figures.values()}
    table = scale.read_table(_page(), "Core-hours")
    assert len(table) == 8
    for row in table.values():
        total = 0.0
        for term in row["runs × seconds × threads"].split(" + "):
            runs, each, threads = term.replace(",", "").replace(" s", "").split(" × ")
            assert seconds[each] == threads
            total += int(runs) * float(each) * int(threads)
        assert float(row["core-hours"].replace(",", "")) == pytest.approx(total / 3600, abs=0.051)


def test_the_sizes_of_the_page_on_scale_are_right(scale: Any) -> None:
    sizes = {name: row["is"] for name, row in scale.read_table(_page(), "Sizes").items()}
    assert sizes["a county, mean"] == "92,827 elders"  # 264,000,000 / 2,844 = 92,827.0
    assert sizes["a province"] == "8,354,430 elders"  # 264,000,000 / 31.6
    assert sizes["the country in counties as measured"] == "575"  # 264,000,000 / 458,934 = 575.2
    files = scale.read_table(_page(), "Files")["counties of the country"]
    assert files["read"] == "10.0 GB"  # 2,844 × 3.5 MB = 9,954 MB


def test_the_page_on_scale_is_not_stale(scale: Any) -> None:
    page = _page()
    measured = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert scale.with_tables(scale.with_measured(page, measured)) == page


def test_the_figures_are_rows_that_the_scripts_write(scale: Any) -> None:
    scripts = "".join(
        (BENCHMARKS / name).read_text(encoding="utf-8") for name in ("taipei.py", "city.py")
    )
    for table, work, _ in scale.SOURCES.values():
        assert f'"{table}"' in scripts
        assert f'"{work}"' in scripts
    assert set(scale.read_table(_page(), "Figures")) == set(scale.SOURCES)


def test_waiting_is_in_whole_rounds_and_measured_figures_are_taken(scale: Any) -> None:
    measured = (
        "# Benchmarks\n\n## Taipei\n\n| work | size | ours | memory |\n|---|---|---|---|\n"
        "| whole command, whole Hangzhou standard | any | 600 s | 1.50 GB |\n"
    )
    page = scale.with_tables(scale.with_measured(_page(), measured))
    figures = scale.read_table(page, "Figures")["county, whole standard"]
    assert (figures["seconds"], figures["GB"]) == ("600", "1.50")
    waiting = scale.read_table(page, "Waiting, whole standard")["64"]
    assert waiting["province"] == "30 min"  # 90 counties, 32 workers: three rounds of ten minutes
    assert scale.read_table(page, "Memory")["64"]["every worker on a county"] == "48.0 GB"
