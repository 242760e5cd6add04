"""Every command and option as a planner types it, on the tiny county."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import subprocess
import time
from importlib import resources
from pathlib import Path
from typing import Any

import geopandas as gpd
import jsonschema
import numpy as np
import pandas as pd
import pytest
from command import COMMAND, Said, contents, say, say_outside
from rich.console import Console
from ruamel.yaml import YAML
from tiny import CORNER, change_scenario, write_tiny

import siting
from siting.outputs.report import read_template
from siting.texts import text

ROOT = Path(__file__).parents[1]
CSV_FILES = {"audit.csv", "check.csv", "circles.csv", "conflicts.csv", "staff.csv", "curve.csv",
             "phases.csv", "money.csv", "access.csv", "lorenz.csv",
             "demand.csv", "density.csv", "facilities.csv",
             "units.csv"}  # fmt: skip
ALL_FILES = CSV_FILES | {"run.json", "check.html", "plan.gpkg", "tables.xlsx", "map.html",
                         "sheet.pdf", "sheet.png", "report.docx", "report.html"}  # fmt: skip
ALL_OUTPUTS = [
    word for name in ("map", "tables", "geopackage", "sheet", "report")
    for word in ("--set", f"outputs.{name}=true")
]  # fmt: skip
COMMANDS = ("new", "check", "run", "audit", "batch", "province", "standards", "schema")


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    return write_tiny(tmp_path / "县城 2025")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "成果 一"


def record(folder: Path) -> dict[str, Any]:
    """Return run.json."""
    found: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return found


def table(path: Path) -> list[dict[str, str]]:
    """Return a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# ------------------------------------------------------------------------------- new


@pytest.mark.parametrize("language", ["zh", "en"])
def test_new_then_check_says_clearly_what_is_still_empty(
    tmp_path: Path, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "新 项目"
    told = say(capsys, "new", project, "--lang", language)
    assert (told.code, told.err) == (0, "")
    names = set(contents(project))
    assert {"scenario.yaml", "README.md", "data/demand.csv", "data/zones.gpkg"} <= names
    assert all(name in told.out for name in names)
    assert f"siting check {(project / 'scenario.yaml').as_posix()}" in told.out
    told = say(capsys, "check", project / "scenario.yaml", "--out", tmp_path / "out")
    assert told.code == 2
    faults = told.err.strip().splitlines()
    files = ("demand.csv", "zones.gpkg", "homes.csv", "candidates.csv", "roads.gpkg")
    assert len(faults) == len(files)
    for name, fault in zip(files, faults, strict=True):
        assert name in fault
        assert "siting new" in fault


def test_new_runs_once_its_templates_are_filled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project, county = tmp_path / "项目", write_tiny(tmp_path / "county").parent
    assert say(capsys, "new", project).code == 0
    for template, source in (("demand", "elders"), ("candidates", "candidates")):
        rows = pd.read_csv(county / f"{source}.csv", dtype=object)
        rows.to_csv(project / "data" / f"{template}.csv", index=False)
    homes = pd.read_csv(county / "homes.csv", dtype=object, encoding="gb18030")
    homes = homes.rename(columns={"编号": "id", "名称": "name", "床位": "beds", "类型": "kind",
                                  "已备案": "registered", "经度": "x", "纬度": "y"})  # fmt: skip
    homes.to_csv(project / "data" / "homes.csv", index=False)
    for name in ("zones", "roads"):
        layer = gpd.read_file(county / f"{name}.geojson", engine="pyogrio")
        layer.assign(district="甲区").to_file(project / "data" / f"{name}.gpkg")
    change_scenario(project / "scenario.yaml", {"existing.crs": "EPSG:4490"})
    words = [project / "scenario.yaml", "--quiet", "--out", tmp_path / "out"]
    assert say(capsys, "check", *words) == Said(0, "", "")
    assert say(capsys, "run", *words, "--set", "outputs.sheet=false") == Said(0, "", "")
    assert record(tmp_path / "out")["elders"]["total"] == 6500.0


@pytest.mark.parametrize("language", ["zh", "en"])
def test_new_hands_over_the_word_template_that_the_scenario_names_in_a_comment(
    tmp_path: Path, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = say(capsys, "new", tmp_path / "county", "--lang", language)
    assert "report-template.docx" in told.out
    path = tmp_path / "county" / "scenario.yaml"
    written = path.read_text(encoding="utf-8")
    used = re.sub(r"# (report_template: \S+) .*", r"\1", written)
    path.write_text(used, encoding="utf-8")
    scenario = siting.read_scenario(path)
    assert scenario.outputs.report_template == "report-template.docx"
    template = read_template(scenario.locate("report-template.docx"))
    packaged = resources.files("siting.outputs").joinpath("templates", "report.docx").read_bytes()
    assert template == packaged


def test_new_leaves_a_folder_with_something_in_it_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    for folder in (tmp_path, tmp_path / "notes.txt"):
        told = say(capsys, "new", folder, "--lang", "en")
        assert (told.code, told.out) == (2, "")
        assert "new or empty folder" in told.err
    assert contents(tmp_path) == {"notes.txt": b"mine"}


# ------------------------------------------------------------------------------- check


def test_check_writes_its_findings_and_prints_each(
    scenario: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = say(capsys, "check", scenario, "--out", out)
    assert (told.code, told.err) == (0, "")
    assert set(contents(out)) == {"check.csv", "check.html"}
    rows = table(out / "check.csv")
    printed = told.out.strip().splitlines()
    assert len(printed) == len(rows) + 1
    for row, line in zip(rows, printed, strict=False):
        mark = text(f"cli.mark_{row['severity']}", "zh")
        assert line == f"{mark} {row['where']}：{row['message']}"
    assert "0 项错误，2 项提醒，4 项说明" in printed[-1]
    assert (out / "check.html").as_posix() in printed[-1]


def test_check_leaves_the_other_files_of_a_result_alone(
    scenario: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(capsys, "run", scenario, "--quiet", "--out", out).code == 0
    before = contents(out)
    assert say(capsys, "check", scenario, "--quiet", "--lang", "en", "--out", out).code == 0
    after = contents(out)
    assert set(after) == set(before)
    assert {name for name in before if after[name] != before[name]} == {"check.csv", "check.html"}


# ------------------------------------------------------------------------------- run


def test_run_writes_every_output_and_prints_what_matters(
    scenario: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = say(capsys, "run", scenario, "--out", out, *ALL_OUTPUTS)
    assert told.code == 0
    assert set(contents(out)) == ALL_FILES
    found = record(out)
    assert found["status"] == "optimal"
    assert text("tables.run_optimal", "zh") in told.out
    assert "高密度区 4,000 位老年人" in told.out
    assert (out / "map.html").as_posix() in told.out
    assert not list(out.parent.glob(".*"))


def test_run_is_silent_about_what_no_rule_asks_for(
    scenario: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = say(capsys, "audit", scenario, "--out", out)
    assert "没有适用的距离要求" not in told.out
    assert "床位：需 195" in told.out
    # The text of Pingyang has no distances, and no beds by planning unit.
    change_scenario(scenario, {"standard": "pingyang-2021"})
    told = say(capsys, "audit", scenario, "--out", out)
    assert "没有适用的距离要求" in told.out
    assert "密度区" not in told.out
    assert "无单元床位要求" in told.out
    assert "床位：需" not in told.out


def test_the_audit_line_counts_rules_that_cannot_be_judged(
    scenario: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = say(capsys, "audit", scenario, "--out", out)
    verdicts: dict[str, set[str]] = {}
    rows = [row for row in table(out / "audit.csv") if row["state"] == "plan"]
    for row in rows:
        verdicts.setdefault(row["rule_id"], set()).add(row["verdict"])
    silent = [
        each for each in verdicts.values() if "unknown" in each and not each & {"met", "unmet"}
    ]
    assert silent
    assert f"{len(silent)} 条缺少资料、无法判定" in told.out
    unknown = [row for row in rows if row["verdict"] == "unknown"]
    assert f"{len(unknown)} 项无法判定" in told.out
    found = record(out)["audit"]["plan"]
    assert (found["rules_unknown"], found["unknown"]) == (len(silent), len(unknown))


def test_outputs_that_are_not_wanted_are_not_written(
    scenario: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(capsys, "run", scenario, "--quiet", "--out", out) == Said(0, "", "")
    assert set(contents(out)) == CSV_FILES | {"run.json", "check.html"}


def test_the_result_goes_to_runs_and_the_scenarios_name_by_default(scenario: Path) -> None:
    told = say_outside(scenario.parent, "run", "scenario.yaml", "--quiet")
    assert told == Said(0, "", "")
    assert (scenario.parent / "runs" / "scenario" / "run.json").is_file()


def test_a_folder_without_a_name_of_its_own_is_where_it_is(
    tmp_path: Path, scenario: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    told = say(capsys, "check", scenario, "--quiet", "--out", ".")
    assert told == Said(0, "", "")
    assert set(contents(tmp_path / "here")) == {"check.csv", "check.html"}
    told = say(capsys, "run", scenario, "--quiet", "--out", "../here")
    assert told.code == 0


def test_data_says_where_relative_paths_start(
    scenario: Path, tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = scenario.replace(tmp_path / "elsewhere.yaml")
    assert say(capsys, "run", moved, "--quiet", "--out", out).code == 2
    words = ["--quiet", "--data", scenario.parent, "--out", out]
    assert say(capsys, "run", moved, *words) == Said(0, "", "")


def test_settings_are_changed_and_recorded(
    scenario: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--set", "candidates.0.max_beds=40", "--set", "limits={max_new_sites: 1}",
             "--set", "rules.HZ-01.beds_per_10000=310", "--set", "name=甲案",
             "--time-limit", "7.5", "--lang", "en"]  # fmt: skip
    assert say(capsys, "run", scenario, "--quiet", "--out", out, *words).code == 0
    found = record(out)
    assert found["name"] == "甲案"
    assert found["sites"]["new"] <= 1
    assert found["beds"]["required"] == 186 + 16  # 310 for each 10,000 of 6000 and of 500 elders
    assert found["settings"]["changes"] == [
        {"key": "candidates.0.max_beds", "value": 40},
        {"key": "limits", "value": {"max_new_sites": 1}},
        {"key": "rules.HZ-01.beds_per_10000", "value": 310},
        {"key": "name", "value": "甲案"},
        {"key": "solve.time_limit_s", "value": 7.5},
        {"key": "language", "value": "en"},
    ]
    assert found["settings"]["scenario"]["solve"]["time_limit_s"] == 7.5
    assert max(int(row["beds"]) for row in table(out / "facilities.csv")
               if row["status"] == "new") <= 40  # fmt: skip


@pytest.mark.parametrize("limit", ["0", "-5", "soon"])
def test_a_time_limit_is_a_time(
    scenario: Path, out: Path, limit: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = say(capsys, "run", scenario, "--out", out, "--time-limit", limit)
    assert (told.code, told.out) == (2, "")
    assert "--time-limit" in told.err
    assert len(told.err.strip().splitlines()) == 1
    assert not out.exists()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_all_that_is_said_is_said_in_the_language_asked_for(
    scenario: Path, out: Path, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = say(capsys, "run", scenario, "--out", out, "--lang", language)
    assert told.code == 0
    said = (told.out + told.err).replace(out.as_posix(), "")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in said) == (language == "zh")
    assert text("tables.run_optimal", language) in told.out
    assert text("progress.prepare", language) in told.err
    assert "52.0%" in told.out
    assert "100%" in told.out
    assert "100.0%" not in told.out


def test_a_broken_scenario_is_told_in_its_own_language(
    scenario: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_scenario(scenario, {"language": "en", "solve.gapp": 1})
    assert "There is no key 'solve.gapp'" in say(capsys, "run", scenario, "--out", out).err
    told = say(capsys, "run", scenario, "--out", out, "--lang", "zh")
    assert "没有“solve.gapp”这个键" in told.err
    change_scenario(scenario, {"solve.gapp": ..., "locks.open": ["C9"]})
    assert "there is no 'C9'" in say(capsys, "run", scenario, "--quiet", "--out", out).err


def test_a_run_twice_gives_the_same_tables_byte_for_byte(
    scenario: Path, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_scenario(scenario, {"limits.max_new_sites": 2})
    for folder in (out, tmp_path / "again"):
        assert say(capsys, "run", scenario, "--quiet", "--out", folder).code == 0
    first, second = contents(out), contents(tmp_path / "again")
    assert set(first) == set(second)
    for name in CSV_FILES:
        assert first[name] == second[name], name


# ------------------------------------------------------------------------------- audit


def test_audit_judges_what_stands(
    scenario: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = say(capsys, "audit", scenario, "--out", out)
    assert told.code == 0
    assert text("tables.run_audited", "zh") in told.out
    found = record(out)
    assert found["stages"] == []
    assert found["sites"]["new"] == found["sites"]["extended"] == 0
    assert found["coverage"]["plan"] == found["coverage"]["existing"]
    # H1 stands at a crossing: 13 of the 25 points of Z1 lie within 500 m along the roads,
    # 6 of Z2 within 1000 m
    assert found["coverage"]["plan"] == pytest.approx({"high": 13 / 25, "medium": 6 / 25})


@pytest.mark.parametrize("form", ["folder", "gpkg", "csv"])
def test_audit_judges_a_layout_as_the_plan_was_judged(
    scenario: Path, out: Path, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--quiet", "--out", out, "--set", "outputs.geopackage=true"]
    assert say(capsys, "run", scenario, *words).code == 0
    layout = {"folder": out, "gpkg": out / "plan.gpkg", "csv": out / "facilities.csv"}[form]
    words = ["--quiet", "--out", tmp_path / "judged", "--layout", layout]
    assert say(capsys, "audit", scenario, *words) == Said(0, "", "")
    planned, judged = record(out), record(tmp_path / "judged")
    assert judged["beds"] == planned["beds"]
    assert judged["audit"] == planned["audit"]
    assert judged["cost_wan_yuan"] == pytest.approx(planned["cost_wan_yuan"])
    for state in ("existing", "plan"):
        assert judged["coverage"][state] == pytest.approx(planned["coverage"][state])
    verdicts = [
        [(row["rule_id"], row["scope_id"], row["verdict"]) for row in table(folder / "audit.csv")]
        for folder in (out, tmp_path / "judged")
    ]
    assert verdicts[0] == verdicts[1]


def test_audit_takes_facilities_that_the_scenario_does_not_know(
    scenario: Path, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = tmp_path / "手画.csv"
    x, y = CORNER[0] + 900, CORNER[1] + 900
    layout.write_text(f"id,beds,x,y\nH1,60,,\n新址,50,{x},{y}\n", encoding="gb18030")
    words = ["--quiet", "--out", out, "--layout", layout]
    assert say(capsys, "audit", scenario, *words) == Said(0, "", "")
    status = {row["id"]: row["status"] for row in table(out / "facilities.csv")}
    assert status["新址"] == "new"
    assert status["H2"] == "closed"
    lines = {row["code"]: row for row in table(out / "check.csv")}
    assert lines["layout_new_site"]["examples"] == "新址"
    assert lines["layout_without_home"]["examples"] == "H2, H3"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id,bed\nH1,60\n", ("beds", "did you mean 'bed'?")),
        ("id,beds\nH1,60\nH1,70\n", ("should be unique", "H1 (2, 3)")),
        ("id,beds\nH1,sixty\n", ("should hold numbers", "H1 (2)")),
        ("id,beds\nQ,60\n", ("should have coordinates", "Q")),
        ("id,beds,x,y\nQ,60,120.1,30.2\n", ("more than 3 degrees outside", "Q (2)")),
        ("id,beds,status\nH1,60,closed\n", ("at least one usable row",)),
    ],
)
def test_a_bad_layout_is_told(
    scenario: Path, out: Path, tmp_path: Path, content: str, words: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    layout = tmp_path / "layout.csv"
    layout.write_text(content, encoding="utf-8")
    change_scenario(scenario, {"language": "en"})
    told = say(capsys, "audit", scenario, "--quiet", "--out", out, "--layout", layout)
    assert told.code == 2
    assert len(told.err.strip().splitlines()) == 1
    assert all(word in told.err for word in words), told.err
    assert not out.exists()


def test_a_layout_that_is_not_there_is_told_with_the_nearest_name(
    scenario: Path, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "layout.csv").write_text("id,beds\n", encoding="utf-8")
    words = ["--quiet", "--lang", "en", "--out", out, "--layout", tmp_path / "layuot.csv"]
    told = say(capsys, "audit", scenario, *words)
    assert told.code == 2
    assert "--layout: Expected the file" in told.err
    assert "'layout.csv'" in told.err


# ------------------------------------------------------------------------------- strict


def test_strict_exits_with_1_when_an_enforced_rule_is_unmet(
    scenario: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No candidate can cover all of Z1, so HZ-03 stays unmet; audited only, it stops no one."""
    for command in ("run", "audit"):
        assert say(capsys, command, scenario, "--quiet", "--out", out).code == 0
        assert say(capsys, command, scenario, "--quiet", "--strict", "--out", out).code == 1
    words = ["--quiet", "--strict", "--out", out, "--set", "rules.HZ-03.enforce=false"]
    assert say(capsys, "run", scenario, *words).code == 0
    assert {row["verdict"] for row in table(out / "audit.csv")
            if (row["rule_id"], row["scope"], row["state"]) == ("HZ-03", "all", "plan")
            } == {"unmet"}  # fmt: skip


# ------------------------------------------------------------------------------- standards


def test_standards_lists_each_and_shows_one(capsys: pytest.CaptureFixture[str]) -> None:
    told = say(capsys, "standards", "--lang", "en")
    assert told.code == 0
    assert told.out.startswith("hangzhou-2021\tHangzhou 2021")
    told = say(capsys, "standards", "hangzhou-2021")
    for word in ("HZ-01", "HZ-02", "HZ-03", "HZ-04", "专栏3.2", "已印发规划", "参与规划", "2021",
                 "beds_per_10000 = 300", "distance_m = 500"):  # fmt: skip
        assert word in told.out, word


def test_a_standard_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = say(capsys, "standards", "hangzhou-2012", "--lang", "en")
    assert (told.code, told.out) == (2, "")
    assert "did you mean 'hangzhou-2021'?" in told.err
    told = say(capsys, "standards", tmp_path / "own.yaml", "--lang", "en")
    assert (told.code, told.out) == (2, "")
    assert "own.yaml: Expected the file" in told.err
    told = say(capsys, "standards", "hangzhou-2021", "--year", "2019", "--lang", "en")
    assert told.code == 2
    assert "its first are of 2020" in told.err


# ------------------------------------------------------------------------------- schema


def test_the_schema_is_valid_and_fits_every_packaged_scenario(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = say(capsys, "schema")
    assert (told.code, told.err) == (0, "")
    schema = json.loads(told.out)
    jsonschema.Draft202012Validator.check_schema(schema)
    judge = jsonschema.Draft202012Validator(schema)
    starters = sorted((ROOT / "siting" / "starter_files").glob("*/*.yaml"))
    found = [*sorted((ROOT / "scenarios").glob("*.yaml")), *starters, scenario]
    assert len(found) >= 5
    for path in found:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        assert list(judge.iter_errors(content)) == [], path.name


@pytest.mark.parametrize(
    ("key", "value"),
    [("solve.gapp", 1), ("year", "2025"), ("distance", "crow"), ("candidates.0.max_beds", -1),
     ("demand", 5), ("language", "fr"), ("solve.threads", 0), ("demand.elders", ...)],
)  # fmt: skip
def test_the_schema_refuses_what_the_reader_refuses(
    scenario: Path, out: Path, key: str, value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = jsonschema.Draft202012Validator(json.loads(say(capsys, "schema").out))
    change_scenario(scenario, {key: value})
    content = YAML(typ="safe", pure=True).load(scenario.read_text(encoding="utf-8"))
    assert list(judge.iter_errors(content))
    assert say(capsys, "run", scenario, "--quiet", "--out", out).code == 2


# ------------------------------------------------------------------------------- help, progress


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_speaks_both_languages(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = say(capsys, *([command] if command else []), "--help")
    assert (told.code, told.err) == (0, "")
    key = f"cli.help_{command or 'siting'}"
    for language in ("zh", "en"):
        assert text(key, language) in told.out
    wide = [sum(2 if letter > "\u2e80" else 1 for letter in line) for line in told.out.splitlines()]
    assert max(wide) <= 80
    if not command:
        assert all(name in told.out for name in COMMANDS)


@pytest.mark.parametrize(
    ("words", "part"),
    [(["run"], "SCENARIO"), (["run", "a.yaml", "--nope"], "--nope"), (["rnu"], "rnu"),
     (["run", "a.yaml", "--lang", "fr"], "fr"), (["new"], "DIR")],
)  # fmt: skip
def test_a_wrong_command_is_told_in_one_line(
    words: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = say(capsys, *words)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("错误：siting")
    assert part in told.err
    assert len(told.err.strip().splitlines()) == 1
    if "--lang" not in words:
        assert say(capsys, *words, "--lang", "en").err.startswith("Error: siting")


def test_progress_is_plain_lines_away_from_a_terminal(
    scenario: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = say(capsys, "run", scenario, "--out", out, "--lang", "en", *ALL_OUTPUTS)
    lines = told.err.strip().splitlines()
    assert lines[0].startswith(text("progress.prepare", "en"))
    stages = [
        text(f"progress.{name}", "en")
        for name in ("cost", "distance", "audit", "tables", "geopackage", "map", "sheet")
    ]
    starts = [next(k for k, line in enumerate(lines) if line.startswith(each)) for each in stages]
    assert starts == sorted(starts)
    assert "\x1b" not in told.err
    assert "s left" in told.err


def test_progress_is_a_moving_line_on_a_terminal(
    scenario: Path, out: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    screen = io.StringIO()
    monkeypatch.setattr(
        "siting.progress.Console",
        lambda **_: Console(file=screen, force_terminal=True, width=100, legacy_windows=False),
    )
    told = say(capsys, "run", scenario, "--out", out)
    assert (told.code, told.err) == (0, "")
    assert "\x1b[" in screen.getvalue()
    assert text("progress.tables", "zh") in screen.getvalue()


def test_quiet_says_nothing_but_errors(
    scenario: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("check", "run", "audit"):
        assert say(capsys, command, scenario, "--quiet", "--out", out) == Said(0, "", "")
    change_scenario(scenario, {"locks.open": ["C9"]})
    for command in ("check", "run", "audit"):
        told = say(capsys, command, scenario, "--quiet", "--out", out)
        assert (told.code, told.out) == (2, "")
        assert "C9" in told.err


# ------------------------------------------------------------------------------- result folders


@pytest.mark.parametrize("command", ["run", "audit"])
def test_a_folder_with_other_files_is_left_alone(
    scenario: Path, out: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out.mkdir()
    (out / "论文.docx").write_bytes(b"mine")
    (out / "run.json").write_bytes(b"old")
    told = say(capsys, command, scenario, "--quiet", "--out", out)
    assert told.code == 2
    assert "论文.docx" in told.err
    assert contents(out) == {"run.json": b"old", "论文.docx": b"mine"}


@pytest.mark.parametrize("command", ["run", "audit", "check"])
def test_a_file_in_the_folders_place_is_left_alone(
    scenario: Path, out: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out.write_bytes(b"mine")
    for folder in (out, out / "below"):
        told = say(capsys, command, scenario, "--quiet", "--lang", "en", "--out", folder)
        assert told.code == 2
        assert len(told.err.strip().splitlines()) == 1
        assert "folder" in told.err
    assert out.read_bytes() == b"mine"


@pytest.mark.parametrize("command", ["run", "audit", "check"])
def test_a_folder_that_cannot_be_written_is_told(
    scenario: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = say(capsys, command, scenario, "--quiet", "--lang", "en", "--out", "/proc/siting/out")
    assert told.code == 2
    assert "Expected to write here, but the system refused" in told.err
    assert len(told.err.strip().splitlines()) == 1


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_name_that_the_system_cannot_hold_is_told(
    scenario: Path, out: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = say(capsys, command, scenario, "--quiet", "--lang", "en", "--out", out / ("长" * 200))
    assert told.code == 2
    assert "the system refused" in told.err
    assert not out.exists() or contents(out) == {}


@pytest.mark.parametrize("writer", ["write_csv_tables", "write_workbook", "write_map"])
def test_a_run_that_dies_half_way_leaves_the_old_result_whole(
    scenario: Path, out: Path, writer: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    words = ["run", scenario, "--quiet", "--out", out]
    assert say(capsys, *words).code == 0
    before = contents(out.parent)

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"siting.run.{writer}", full_disk)
    more = [word for name in ("map", "tables") for word in ("--set", f"outputs.{name}=true")]
    told = say(capsys, *words, "--lang", "en", "--set", "name=other", *more)
    assert told.code == 2
    assert "No space left on device" in told.err
    assert contents(out.parent) == before
    monkeypatch.undo()
    assert say(capsys, *words, "--set", "name=other").code == 0
    assert record(out)["name"] == "other"


def test_a_fault_of_the_program_leaves_the_old_result_whole_too(
    scenario: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(capsys, "run", scenario, "--quiet", "--out", out).code == 0
    before = contents(out.parent)
    monkeypatch.setattr("siting.run.json.dumps", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        say(capsys, "run", scenario, "--quiet", "--out", out)
    assert contents(out.parent) == before


# ------------------------------------------------------------------------------- Ctrl-C


def test_ctrl_c_while_reading_writes_nothing(
    scenario: Path, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("siting.run.prepare", interrupted)
    told = say(capsys, "run", scenario, "--quiet", "--lang", "en", "--out", out)
    assert told == Said(130, "", "Interrupted; nothing was written.\n")
    assert not out.exists()


def write_long(folder: Path) -> Path:
    """Write a county whose last stage takes seconds: 1500 points, some 300 candidates."""
    generated = {"generate": {"spacing_m": 60.0}, "min_beds": 10.0, "max_beds": 40.0,
                 "fixed_cost": 100.0, "cost_per_bed": 7.0}  # fmt: skip
    solve = {"time_limit_s": 60.0, "gap": 0.0, "threads": 1}
    path = write_tiny(folder, candidates=[generated], limits={"max_new_sites": 12}, solve=solve)
    rng = np.random.default_rng(0)
    places = rng.uniform((0, 0), (3000, 1000), (1500, 2)).round(1) + CORNER
    points = pd.DataFrame({"id": [f"p{k}" for k in range(1500)],
                           "elders": rng.integers(1, 9, 1500)})  # fmt: skip
    points["x"], points["y"] = places.T
    points.to_csv(folder / "elders.csv", index=False)
    return path


def test_ctrl_c_while_solving_writes_the_best_plan_so_far_and_marks_it(tmp_path: Path) -> None:
    scenario, out = write_long(tmp_path / "long"), tmp_path / "out"
    begun = time.monotonic()
    with subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, "run", str(scenario), "--out", str(out), "--lang", "en"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    ) as running:  # fmt: skip
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith("Solving"):
                running.send_signal(signal.SIGINT)
                break
        told, rest = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in rest
    assert text("tables.run_interrupted", "en") in told
    found = record(out)
    assert found["status"] == "interrupted"
    assert [stage["name"] for stage in found["stages"]] == [
        "uncovered_high", "uncovered_medium", "missing_beds", "unmet_minima", "cost", "distance",
    ]  # fmt: skip
    assert all(np.isfinite(stage["gap"]) for stage in found["stages"])
    assert any(stage["gap"] > 0 for stage in found["stages"])
    assert set(contents(out)) >= CSV_FILES | {"run.json"}
    assert time.monotonic() - begun < 40
