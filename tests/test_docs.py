"""The pages are true: what they name exists, what they show runs, their tables are not stale."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.util
import json
import pkgutil
import re
import shlex
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import case_files
import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement
from ruamel.yaml import YAML

import siting
from siting.cli import main
from siting.outputs.folder import OURS
from siting.outputs.geopackage import KINDS
from siting.scenario import Scenario
from siting.scenario_file import scenario_schema
from siting.standards import KINDS as RULE_KINDS
from siting.standards import packaged_standards, read_standard
from siting.texts import catalogue

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ELSEWHERE = {"runs", "build", "wheels"}
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part in ELSEWHERE for part in path.relative_to(ROOT).parts)
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) +(.*)$", re.MULTILINE)
NAMED_FILE = re.compile(
    r"`((?:siting|tests|docs|scenarios|benchmarks|notebooks|data)/[\w./-]+\.(?!md\b)\w+)`"
)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _fences(kind: str) -> list[tuple[str, str]]:
    """Return page and content of every fenced block of a kind."""
    return [(_name(page), body) for page in PAGES for lang, body in FENCE.findall(_read(page))
            if lang == kind]  # fmt: skip


def _commands(program: str) -> list[tuple[str, str]]:
    """Return page and line of every command of a program in a plain block."""
    return [(page, line.strip()) for page, body in _fences("") for line in body.splitlines()
            if line.strip().startswith(f"{program} ")]  # fmt: skip


def _rows(page: Path, heading: str) -> list[dict[str, str]]:
    """Return the rows of the first table below a heading, cells by the names of the columns."""
    text = _read(page)
    start = re.search(rf"^#+ {re.escape(heading)}$", text, re.MULTILINE)
    assert start, f"{page.name}: no heading {heading!r}"
    lines = text[start.end() :].split("\n")
    first = next(k for k, line in enumerate(lines) if line.startswith("|"))
    table = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
        table.append([cell.strip().replace(r"\|", "|") for cell in cells])
    return [dict(zip(table[0], row, strict=True)) for row in table[2:]]


def _code(cell: str) -> str:
    """Return what stands in the first pair of backticks of a cell."""
    found = re.search(r"`([^`]+)`", cell)
    assert found, cell
    return found[1]


def test_there_is_a_page_for_everyone() -> None:
    linked = re.findall(r"\]\(([\w/-]+\.md)", _read(DOCS / "index.md"))
    written = {path.relative_to(DOCS).as_posix() for path in PAGES if DOCS in path.parents}
    assert written - {"index.md"} <= set(linked)


# Links, files, words


def _anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings make."""
    plain = [
        re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text) for _, text in HEADING.findall(_read(page))
    ]
    return {re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-") for text in plain}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    plain = FENCE.sub("", _read(page))
    for target in re.findall(r"\]\(([^)\s]+)\)", plain):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{_name(page)}: {target}"
        if anchor:
            assert anchor in _anchors(there), f"{_name(page)}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = set(NAMED_FILE.findall(_read(page)))
    assert sorted(each for each in named if not (ROOT / each).exists()) == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_no_page_names_a_place_of_one_machine_or_what_is_left_to_do(page: Path) -> None:
    text = _read(page)
    assert not re.search(r"(?<![\w./])/(?:home|work|tmp|usr|root|opt|mnt|var|Users)/", text)
    assert not re.search(r"\b[A-Z]:\\", text)
    assert not re.search(r"localhost|\d+\.\d+\.\d+\.\d+|pypi\.org|pythonhosted|anaconda\.", text)
    assert not re.search("TO" + r"DO|FIX" + r"ME|\bXXX\b", text)


# Commands


@pytest.mark.parametrize(("page", "line"), _commands("siting"))
def test_commands_parse(page: str, line: str) -> None:
    words = shlex.split(line.partition(" > ")[0], comments=True)[1:]
    assert words[0] in main.commands, f"{page}: {line}"
    context = main.commands[words[0]].make_context(words[0], words[1:])
    scenario = context.params.get("scenario")
    if scenario is None or scenario.parts[0] != "scenarios":
        return
    changes = dict(each.split("=", 1) for each in context.params["settings"])
    yaml = YAML(typ="safe", pure=True)
    read = siting.read_scenario(
        ROOT / scenario, changes={key: yaml.load(value) for key, value in changes.items()}
    )
    assert len(read.changes) >= len(changes)


def test_there_are_commands_on_every_page_for_planners() -> None:
    pages = {page for page, _ in _commands("siting")}
    assert {"README.md", "README.zh.md", "docs/how-to.md", "docs/scenario.md"} <= pages
    assert len(_commands("siting")) > 25


@pytest.mark.parametrize(
    "words", [["standards"], ["standards", "hangzhou-2021", "--lang", "en"], ["schema"],
              ["new", "mycounty"]], ids=" ".join)  # fmt: skip
def test_quick_commands_run(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert result.output.strip()
    if words[0] == "new":
        assert siting.read_scenario("mycounty/scenario.yaml").existing is not None


def _said(page: Path) -> dict[str, list[str]]:
    """Return what the two front pages have in common whatever their language."""
    text = _read(page)
    plain = FENCE.sub("", text)
    rows = [line.split("|")[1] for line in plain.splitlines() if line.startswith("|")]
    code = [re.sub(r" *#.*", "", body) for kind, body in FENCE.findall(text) if kind != "yaml"]
    return {
        "commands": code,
        "named in tables": [name for row in rows for name in re.findall(r"`([^`]+)`", row)],
        "links": sorted(
            set(re.findall(r"\]\(([\w/.#-]+)\)", plain)) - {"README.md", "README.zh.md"}
        ),
        "percentages": sorted(re.findall(r"\d+(?:\.\d+)?%", plain)),
    }


def test_the_front_pages_say_the_same_in_both_languages() -> None:
    english, chinese = (_said(ROOT / name) for name in ("README.md", "README.zh.md"))
    assert english == chinese
    assert all(len(each) >= 5 for each in english.values())


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", _read(ROOT / "Makefile"), re.MULTILINE))
    named = {
        (_name(page), target)
        for page in PAGES
        for target in re.findall(
            r"(?:^|`)make (?:[A-Z]+=\S+ )?([a-z][\w-]*)", _read(page), re.MULTILINE
        )
    }
    assert len(named) > 5
    assert sorted(each for each in named if each[1] not in targets) == []


@pytest.mark.parametrize("path", [ROOT / "Makefile"], ids=_name)
def test_make_help_lists_every_target(path: Path) -> None:
    text = _read(path)
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony
    told = set(re.findall(r'@echo "make ([\w-]+)', text))
    assert set(phony[1].split()) - told == {"help", "setup", "clean"}


# Blocks of code


MINIMAL: dict[str, Any] = {
    "name": "x", "standard": "hangzhou-2021", "year": 2025, "crs": "EPSG:4549",
    "distance": "straight", "demand": {"path": "x.gpkg", "elders": "x"},
}  # fmt: skip


@pytest.mark.parametrize(("page", "body"), _fences("yaml"))
def test_yaml_is_a_scenario_or_a_standard(page: str, body: str, tmp_path: Path) -> None:
    content = YAML(typ="safe", pure=True).load(body)
    assert isinstance(content, dict), page
    if "base" in content:
        assert set(content) <= {"base", "change", "name", "language"}
        variant = ROOT / "scenarios" / content["base"]
        changes = content.get("change", {}) | {"name": content["name"]}
        assert siting.read_scenario(variant, changes=changes).name == content["name"]
    elif isinstance(content.get("rules"), list):
        (tmp_path / "own.yaml").write_text(body, encoding="utf-8")
        assert read_standard("own.yaml", year=2030, folder=tmp_path).rules
    else:
        given = _with_network(content)
        assert Scenario.model_validate(MINIMAL | given)


def _with_network(content: dict[str, Any]) -> dict[str, Any]:
    """Return part of a scenario with the roads that it may need."""
    return {"network": {"path": "x.gpkg"}} | content


@pytest.mark.parametrize(("page", "body"), _fences("python"))
def test_python_parses_and_calls_what_exists(page: str, body: str) -> None:
    names = {
        node.attr
        for node in ast.walk(ast.parse(body))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        and node.value.id == "siting"
    }  # fmt: skip
    assert names <= set(siting.__all__), page


def _modules() -> list[str]:
    """Return every module of the package that may be imported."""
    found = pkgutil.walk_packages(siting.__path__, "siting.")
    return [each.name for each in found if not each.name.endswith("__main__")]


def test_examples_in_docstrings_give_what_they_say() -> None:
    results = [doctest.testmod(importlib.import_module(name)) for name in _modules()]
    assert sum(each.failed for each in results) == 0
    assert sum(each.attempted for each in results) >= 3


# scenario.md


def _schema_keys() -> dict[str, Any]:
    """Return every dotted key of the scenario's schema with its default; lists end in ``[]``."""
    schema = json.loads(scenario_schema())
    parts = schema["$defs"]
    needed = schema["anyOf"][0]["required"]

    def walk(model: dict[str, Any], prefix: str, required: list[str]) -> dict[str, Any]:
        keys = {}
        for name, each in model["properties"].items():
            path = f"{prefix}{name}"
            choices = [each, *each.get("anyOf", []), each.get("items", {})]
            inner = next((choice["$ref"] for choice in choices if "$ref" in choice), None)
            if inner is None:
                empty = {} if "additionalProperties" in each else None
                keys[path] = "required" if name in required else each.get("default", empty)
            else:
                part = parts[inner.rpartition("/")[2]]
                listed = "[]" if each.get("type") == "array" else ""
                keys |= walk(part, f"{path}{listed}.", part.get("required", []))
        return keys

    return walk(schema, "", needed)


def _scenario_rows() -> list[dict[str, str]]:
    """Return the rows of every table of keys."""
    headings = [text for _, text in HEADING.findall(FENCE.sub("", _read(DOCS / "scenario.md")))]
    tables = [_rows(DOCS / "scenario.md", each) for each in headings if each != "A whole file"]
    return [row for table in tables[1:] for row in table if "key" in row]


def test_scenario_page_has_every_key_of_the_schema_and_no_other() -> None:
    named = [_code(row["key"]) for row in _scenario_rows()]
    assert sorted(named) == sorted(set(named))
    assert sorted(named) == sorted(_schema_keys())


def test_scenario_page_gives_the_defaults_of_the_schema() -> None:
    keys = _schema_keys()
    for row in _scenario_rows():
        key, said = _code(row["key"]), row["default"].strip("`")
        default = keys[key]
        if default is None:
            assert said == "none", key
        elif isinstance(default, bool):
            assert said == str(default).lower(), key
        else:
            assert said == str(default), key


def test_scenario_page_is_current() -> None:
    page = _read(DOCS / "scenario.md")
    assert _script("make_scenario").page(page) == page, "run make docs"


def test_scenario_page_gives_the_limits_of_values() -> None:
    values = {_code(row["key"]): row["values"] for row in _scenario_rows()}
    assert values["year"] == "whole number, 1900 to 2200"
    assert values["solve.time_limit_s"] == "number > 0"
    assert values["objective.share"] == "number > 0, ≤ 1"
    assert values["existing.cost_per_bed"] == "number ≥ 0, or text"
    assert values["units.build.ferries"] == "list of 2 texts each"
    assert values["locks.beds"] == "name to whole number ≥ 1"


def test_a_table_of_keys_takes_rows_without_values_and_no_key_that_there_is_not() -> None:
    page = _script("make_scenario").page
    head = "| key | meaning | unit | default | example |\n|---|---|---|---|---|\n"
    row = "| `solve.gap` | a \\| b | | `9` | `gap: 0` |"
    made = page(f"{head}{row}\n\n| key | other |\n|---|---|")
    assert made.split("\n")[2:] == [
        "| `solve.gap` | a \\| b | | number ≥ 0 | `0.005` | `gap: 0` |",
        "", "| key | other |", "|---|---|",
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"solve\.gapp"):
        page(head + row.replace("gap`", "gapp`"))


def test_scenario_page_gives_examples_that_are_read() -> None:
    for row in _scenario_rows():
        key, example = _code(row["key"]), _code(row["example"])
        if key in {"base", "change"}:
            continue
        value = YAML(typ="safe", pure=True).load(example)
        assert list(value) == [key.rpartition(".")[2]], key
        assert Scenario.model_validate(_placed(key, value)), key


COVER = {"model": "maximal_covering", "cutoff_m": 500.0}
ROOM = {"model": "capacitated", "wan_yuan_per_elder_km": 0.1}
OBJECTIVES: dict[str, dict[str, Any]] = {
    "budget_wan_yuan": COVER, "share": COVER | {"model": "partial_set_covering"},
    "minimise": COVER | {"model": "set_covering"}, "beds_per_10000": ROOM, "single_source": ROOM,
    "wan_yuan_per_elder_km": ROOM,
}  # fmt: skip
"""What a key of an objective needs beside it."""


def _placed(key: str, value: dict[str, Any]) -> dict[str, Any]:
    """Return a scenario that says one thing in the place of its key."""
    *parents, _ = key.split(".")
    fill: dict[str, dict[str, Any]] = {
        "demand": MINIMAL["demand"], "zones": {"path": "x", "id": "x", "elders": "x"},
        "network": {"path": "x"}, "existing": {"path": "x", "beds": "x"},
        "candidates[]": {"path": "x", "max_beds": 200}, "units": {"path": "x", "id": "x"},
        "exclude[]": {"path": "x", "name": "x"}, "phases[]": {"year": 2020}, "functions": {},
        "objective": OBJECTIVES.get(key.rpartition(".")[2], {"model": "p_median", "p": 1}),
    }  # fmt: skip
    if not parents:
        return MINIMAL | {"network": {"path": "x"}} | value
    top = parents[0]
    if key in {"candidates[].generate.spacing_m", "units.by"} or key.startswith("units.build."):
        inside: dict[str, Any] = {"max_beds": 200} if top == "candidates[]" else {}
    else:
        inside = dict(fill.get(top, {}))
    for name in reversed(parents[1:]):
        value = {name: value}
        if name.endswith("[]"):
            value = {name.removesuffix("[]"): [{"name": "x", "streets": ["x"]} | value[name]]}
    part = inside | value
    named = {top.removesuffix("[]"): [part] if top.endswith("[]") else part}
    return MINIMAL | {"network": {"path": "x"}} | named


def test_scenario_page_names_the_parameters_of_the_rules_that_are_changed_most() -> None:
    standard = read_standard("hangzhou-2021", year=2025)
    rows = _rows(DOCS / "scenario.md", "`rules` (optional)")
    assert [_code(row["key"]) for row in rows] == ["rules"]
    lines = re.findall(r"^\| (HZ-\w+) \| (.*) \|$", _read(DOCS / "scenario.md"), re.MULTILINE)
    assert len(lines) >= 6
    for name, words in lines:
        rule = standard.rule(name)
        assert rule
        assert set(re.findall(r"`(\w+)`", words)) == set(rule.numbers()), name


# outputs.md


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> case_files.Result:
    """One small plan, as read back from its folder."""
    case = case_files.read_case(case_files.CASES / "T06_tiny_plan.yaml")
    return case_files.run_case(case, case["variants"][0], tmp_path_factory.mktemp("tiny"))


@pytest.mark.parametrize(
    "name",
    [
        "facilities", "demand", "units", "audit", "staff", "conflicts", "phases", "money",
        "access", "lorenz", "curve", "density", "check",
    ],
)  # fmt: skip
def test_outputs_page_has_every_column_in_order(name: str, tiny: case_files.Result) -> None:
    told = [_code(row["column"]) for row in _rows(DOCS / "outputs.md", f"{name}.csv")]
    assert told == list(tiny.tables[name].columns)


def test_outputs_page_has_every_file() -> None:
    rows = _rows(DOCS / "outputs.md", "What a run writes")
    assert {name for row in rows for name in re.findall(r"`([\w.]+)`", row["file"])} == set(OURS)


def test_outputs_page_has_every_layer() -> None:
    assert [_code(row["layer"]) for row in _rows(DOCS / "outputs.md", "plan.gpkg")] == list(KINDS)


def test_outputs_page_has_every_key_of_the_record(tiny: case_files.Result) -> None:
    told = {_code(row["key"]) for row in _rows(DOCS / "outputs.md", "run.json")}
    seen: set[str] = set()

    def walk(value: Any, path: str) -> None:
        if path in told:
            seen.add(path)
        elif isinstance(value, dict):
            for key, each in value.items():
                walk(each, f"{path}.{key}" if path else key)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            walk(value[0], f"{path}[]")
        else:
            pytest.fail(f"run.json: {path}")

    walk(tiny.run, "")
    assert sorted(told - seen) == []


@pytest.mark.parametrize(
    ("heading", "group", "but"),
    [
        ("Status of a facility", "status", set()), ("Reasons", "reason", set()),
        ("Verdicts", "verdict", set()), ("Notes", "note", set()), ("Legal status", "legal", set()),
        ("Status of a run", "run", set()), ("Proofs", "proof", {"skipped"}),
        ("Items", "item", set()), ("Measures of access", "access", {"in"}),
    ],
)  # fmt: skip
def test_outputs_page_has_every_code(heading: str, group: str, but: set[str]) -> None:
    start = f"tables.{group}_"
    known = {key.removeprefix(start) for key in catalogue() if key.startswith(start)}
    told = [_code(row["code"]) for row in _rows(DOCS / "outputs.md", heading)]
    assert sorted(told) == sorted(known - but)


# Other tables


def test_semantics_page_gives_the_defaults_in_force() -> None:
    standard = read_standard("hangzhou-2021", year=2025)
    schema = _schema_keys()
    compared = 0
    for row in _rows(DOCS / "semantics.md", "Choices at a glance"):
        key = re.match(r"`([\w.-]+)`$", row["setting"])
        number = re.match(r"[\d,.]+", row["default"])
        if key is None or number is None:
            continue
        parts = key[1].split(".")
        rule = standard.rule(parts[1]) if parts[0] == "rules" else None
        value = getattr(rule.parameters, parts[2]) if rule else schema[key[1]]
        assert float(number[0].replace(",", "")) == float(value), key[1]
        compared += 1
    assert compared >= 9


def test_contributing_page_has_the_layers_in_force() -> None:
    rows = _rows(ROOT / "CONTRIBUTING.md", "The house")
    told = [set(re.findall(r"`(\w+)`", row["modules"])) for row in rows]
    layers = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    assert told == [{name.strip() for name in layer.split("|")} for layer in layers]


def test_contributing_page_names_the_tables_of_a_kind() -> None:
    for row in _rows(ROOT / "CONTRIBUTING.md", "Add a kind of rule"):
        path = _code(row["where"])
        module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
        assert set(getattr(module, _code(row["table"]))) == set(RULE_KINDS)


def test_changelog_has_this_version() -> None:
    version = PROJECT["project"]["version"]
    assert f"## [{version}]" in _read(ROOT / "CHANGELOG.md")
    assert metadata.version("siting") == version


def _script(name: str) -> Any:
    """Return a script that writes pages, as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", packaged_standards())
def test_page_of_a_standard_is_current(name: str) -> None:
    module = _script("make_standards")
    page = _read(DOCS / "standards" / f"{name}.md")
    assert page == module.page(name), "run make docs"
    rules = set(read_standard(name, year=2025).values)
    assert rules == set(re.findall(r"^\| \[([\w-]+)\]", page, re.MULTILINE))
    assert rules == set(re.findall(r"^## (.*)$", page, re.MULTILINE))


def test_page_of_a_standard_shows_any_plain_value() -> None:
    shown = _script("make_standards")._shown
    values = [300, 0.65, 1 / 3, "canteen", True, ["东街", 2], {"town": 10.0, "city": 28}, 12e3]
    assert [shown(each) for each in values] == [
        "300", "0.65", "0.3333333333", "canteen", "true", "东街, 2", "town: 10, city: 28", "12000",
    ]  # fmt: skip


# dependencies.md


def _asked(requirements: list[str]) -> set[str]:
    """Return the names of requirements, without the project's own."""
    return {Requirement(each).name.lower() for each in requirements} - {"siting"}


def test_dependencies_page_has_every_dependency_and_no_other() -> None:
    page, project = DOCS / "dependencies.md", PROJECT["project"]
    told = [row["package"] for row in _rows(page, "To run")]
    assert told == sorted(told)
    assert set(told) == _asked(project["dependencies"])
    extras = {(row["extra"], row["package"]) for row in _rows(page, "Extras")}
    assert extras == {
        (name, package)
        for name, each in project["optional-dependencies"].items()
        for package in _asked(each)
    }


def _needed(name: str, extras: tuple[str, ...]) -> dict[str, metadata.Distribution]:
    """Return the installed packages that one needs in turn, itself among them."""
    found: dict[str, metadata.Distribution] = {}
    left, seen = [(name, extra) for extra in ("", *extras)], set()
    while left:
        package, extra = left.pop()
        if (package.lower(), extra) in seen:
            continue
        seen.add((package.lower(), extra))
        try:
            distribution = metadata.distribution(package)
        except metadata.PackageNotFoundError:
            continue  # an extra that is not installed here ships nothing
        found[package.lower()] = distribution
        for each in map(Requirement, distribution.requires or []):
            if each.marker is None or each.marker.evaluate({"extra": extra}):
                left += [(each.name, inner) for inner in ("", *each.extras)]
    return found


def test_nothing_that_is_needed_to_run_is_under_the_gpl() -> None:
    needed = _needed("siting", ("dask", "fonts", "notebooks"))
    assert _asked(PROJECT["project"]["dependencies"]) <= set(needed)
    for name, distribution in needed.items():
        about = distribution.metadata
        said = [about.get("License-Expression") or "", (about.get("License") or "").split("\n")[0]]
        said += [each for each in about.get_all("Classifier", []) if each.startswith("License")]
        plain = re.sub(r"L(?:esser )?GPL|GPL-3.0-with-GCC-exception", "", " ".join(said))
        assert not re.search(r"A?GPL|GNU (?:Affero )?General Public", plain), name


# the site


def test_the_pages_are_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "docs"]
    done = subprocess.run(  # noqa: S603 - our own pages
        [*command, "-d", str(tmp_path / "doctrees"), ".", str(tmp_path / "site")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    pages = {page.stem for page in (tmp_path / "site" / "docs").glob("*.html")}
    assert {page.stem for page in DOCS.glob("*.md")} <= pages
