"""
What a planner reads when a file, a setting or a command is wrong.

Mistakes stand in `bad/mistakes.yaml`, each a broken copy of the tiny county: files in a folder of
its name, or a function of its name in `bad_files.py`.
"""

from __future__ import annotations

import csv
import html
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from bad_files import BUILDERS
from command import Said, contents, say, say_outside
from ruamel.yaml import YAML
from tiny import change_scenario, write_tiny

BAD = Path(__file__).parent / "bad"
MISTAKES: dict[str, dict[str, Any]] = YAML(typ="safe", pure=True).load(
    (BAD / "mistakes.yaml").read_text(encoding="utf-8")
)
CHECKED = [name for name, about in MISTAKES.items() if about.get("check", True)]
UNCHECKED = [name for name in MISTAKES if name not in CHECKED]
ERROR = {"zh": "错误：", "en": "Error: "}
COLON = {"zh": "：", "en": ": "}
END = {"zh": "。", "en": "."}


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the tiny county once; each mistake is made in a copy."""
    return write_tiny(tmp_path_factory.mktemp("tiny") / "县").parent


def make(mistake: str, county: Path, folder: Path) -> Path:
    """Make a mistake in a copy of the county, and return the scenario to run."""
    about = MISTAKES[mistake]
    shutil.copytree(county, folder)
    if (BAD / mistake).is_dir():
        shutil.copytree(BAD / mistake, folder, dirs_exist_ok=True)
    if mistake in BUILDERS:
        BUILDERS[mistake](folder)
    if settings := about.get("settings"):
        gone = {key: ... for key, value in settings.items() if value is None}
        change_scenario(folder / "scenario.yaml", settings | gone)
    old = folder / "runs" / "old"
    old.mkdir(parents=True)
    for name in ("run.json", "map.html", "facilities.csv"):
        (old / name).write_text(f"the old {name}", encoding="utf-8")
    return folder / str(about.get("scenario", "scenario.yaml"))


def assert_told(said: Said, mistake: str, language: str) -> None:
    """Fail unless stderr holds one clear message for each fault and nothing else."""
    about = MISTAKES[mistake]
    assert said.code == 2
    assert "Traceback" not in said.err
    lines = said.err.strip().splitlines()
    assert len(lines) == about.get("faults", 1), said.err
    assert lines[0].startswith(f"{ERROR[language]}{about['where']}{COLON[language]}"), said.err
    for word in about[language]:
        assert str(word) in said.err, f"{word!r} is not in {said.err!r}"
    for line in lines:
        assert line.endswith(END[language])
        assert not re.search(r"None|nan\b(?!\")|np\.|\{|\}|site-packages|ValueError", line), line


def test_every_mistake_is_made_in_one_way_and_every_way_is_told() -> None:
    folders = {path.name for path in BAD.iterdir() if path.is_dir()}
    assert folders | set(BUILDERS) <= set(MISTAKES)
    assert not folders & set(BUILDERS)
    for name, about in MISTAKES.items():
        made = name in folders | set(BUILDERS) or {"settings", "add", "scenario"} & set(about)
        assert made, name
        assert len(about["zh"]) == len(about["en"]) > 0, name


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_run_tells_the_mistake_and_leaves_the_old_result_whole(
    mistake: str, county: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = make(mistake, county, tmp_path / "县")
    before = contents(tmp_path)
    words = ["run", scenario, "--quiet", "--out", tmp_path / "县" / "runs" / "old"]
    said = say(capsys, *words, *MISTAKES[mistake].get("add", []))
    assert_told(said, mistake, "zh")
    assert said.out == ""
    assert contents(tmp_path) == before


@pytest.mark.parametrize("mistake", CHECKED)
def test_a_check_tells_the_mistake_and_lists_it(
    mistake: str, county: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = make(mistake, county, tmp_path / "县")
    out = tmp_path / "check result"
    add = MISTAKES[mistake].get("add", [])
    said = say(capsys, "check", scenario, "--lang", "en", "--out", out, *add)
    assert_told(said, mistake, "en")
    assert sorted(contents(out)) == ["check.csv", "check.html"]
    with (out / "check.csv").open(encoding="utf-8-sig", newline="") as file:
        listed = [row["message"] for row in csv.DictReader(file) if row["severity"] == "error"]
    told = said.err.strip().removeprefix(ERROR["en"]).splitlines()
    assert listed == told
    page = html.unescape((out / "check.html").read_text(encoding="utf-8"))
    for message in told:
        assert message.partition(COLON["en"])[2][:60] in page


@pytest.mark.parametrize("mistake", UNCHECKED)
def test_what_only_a_run_tells_is_told_in_english_too(
    mistake: str, county: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = make(mistake, county, tmp_path / "县")
    words = ["run", scenario, "--quiet", "--lang", "en", "--out", tmp_path / "out"]
    assert_told(say(capsys, *words, *MISTAKES[mistake].get("add", [])), mistake, "en")
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_where_no_result_stood(
    county: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = make("negative-elders", county, tmp_path / "县")
    before = contents(tmp_path)
    assert say(capsys, "run", scenario, "--quiet", "--out", tmp_path / "new" / "result").code == 2
    assert say(capsys, "audit", scenario, "--quiet", "--out", tmp_path / "new" / "result").code == 2
    assert contents(tmp_path) == before
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("mistake", ["truncated-tif", "truncated-osm-gz"])
def test_no_library_speaks_on_the_planners_screen(
    mistake: str, county: Path, tmp_path: Path
) -> None:
    scenario = make(mistake, county, tmp_path / "县")
    said = say_outside(tmp_path, "run", scenario, "--quiet", "--out", tmp_path / "out")
    assert_told(said, mistake, "zh")
    assert said.out == ""
