"""The scenario file: bases and changes, settings from the command line, lines in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tiny import SCENARIO, change_scenario, write_tiny

import siting
from siting.errors import ScenarioError, SitingError
from siting.yaml_file import load_yaml, parse_value

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def faults(path: Path, **how: Any) -> list[str]:
    """Return the English sentences of everything that is wrong with a scenario file."""
    with pytest.raises(ScenarioError) as raised:
        siting.read_scenario(path, **how)
    return raised.value.render("en").splitlines()


# ------------------------------------------------------------------------------- reading


def test_a_scenario_is_read_with_chinese_columns_and_where_it_came_from(scenario: Path) -> None:
    read = siting.read_scenario(scenario)
    assert read.existing is not None
    assert (read.existing.beds, read.existing.x) == ("床位", "经度")
    assert (read.origin, read.changes) == (scenario, ())


def test_paths_start_from_the_scenario_or_from_the_data_folder(scenario: Path) -> None:
    assert siting.read_scenario(scenario).locate("elders.csv") == scenario.parent / "elders.csv"
    data = scenario.parent / "数据 二"
    data.mkdir()
    assert siting.read_scenario(scenario, data=data).locate("a/b.csv") == data / "a" / "b.csv"
    assert siting.read_scenario(scenario).locate("/srv/a.csv").as_posix() == "/srv/a.csv"


def test_a_byte_order_mark_is_no_key(scenario: Path) -> None:
    scenario.write_bytes(b"\xef\xbb\xbf" + SCENARIO.encode())
    assert siting.read_scenario(scenario).name == "小县"


def test_a_few_aliases_are_written_out(scenario: Path) -> None:
    text = SCENARIO.replace("crs: EPSG:4549\ndistance", "crs: &here EPSG:4549\ndistance")
    write(scenario, text.replace("  y: y\n  crs: EPSG:4549\n", "  y: y\n  crs: *here\n"))
    assert siting.read_scenario(scenario).demand.crs == "EPSG:4549"


# ------------------------------------------------------------------------------- lines


def test_every_fault_is_told_with_its_line(scenario: Path) -> None:
    text = SCENARIO.replace("  elders: elders\n  x: x", "  eldres: elders\n  x: x", 1)
    text = text.replace("  max_snap_m: 300", "  max_snap_m: far").replace("gap: 0.0", "gap: -1")
    lines = text.splitlines()
    told = faults(write(scenario, text))
    assert len(told) == 4
    expected = {
        "demand.elders": lines.index("demand:") + 1,
        "demand.eldres": lines.index("  eldres: elders") + 1,
        "network.max_snap_m": lines.index("  max_snap_m: far") + 1,
        "solve.gap": next(k for k, line in enumerate(lines) if line.startswith("solve:")) + 1,
    }
    for key, line in expected.items():
        mine = [each for each in told if f"'{key}'" in each]
        assert len(mine) == 1, key
        assert mine[0].startswith(f"scenario.yaml:{line}: "), key


def test_one_value_that_fits_no_form_is_one_fault(scenario: Path) -> None:
    change_scenario(scenario, {"candidates.0.fixed_cost": -3, "demand.elders": [1]})
    told = faults(scenario)
    assert len(told) == 2
    assert any("'candidates.0.fixed_cost' should be >= 0, got -3" in each for each in told)
    assert any("'demand.elders' should be a text | a whole number, got [ … ]" in each
               for each in told)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name: a\nyear: 1\nname: b\n", 3),
        ("name: a\ndemand:\n  path: a\n  elders: b\n  path: c\n", 5),
        ("rules: {HZ-01: {a: 1, a: 2}}\n", 1),
    ],
)
def test_keys_that_stand_twice_are_refused_at_every_level(
    scenario: Path, text: str, line: int
) -> None:
    told = faults(write(scenario, text))
    assert len(told) == 1
    assert told[0].startswith(f"scenario.yaml:{line}: A key should stand once")


def test_messages_speak_the_language_of_the_file_even_where_it_is_wrong(scenario: Path) -> None:
    for language, word in (("en", "There is no key 'nme'"), ("zh", "没有“nme”这个键")):
        change_scenario(scenario, {"language": language, "nme": 1})
        with pytest.raises(ScenarioError, match=word):
            siting.read_scenario(scenario)


# ------------------------------------------------------------------------------- bases


def test_a_variant_changes_its_base_and_keeps_its_folder(scenario: Path) -> None:
    text = """\
base: ../scenario.yaml
name: 变体
change:
  solve.gap: 0.02
  candidates.0.max_beds: 40
  limits.budget_wan_yuan: 900
  rules.HZ-02.enforce: false
  locks: {open: [C1], beds: {C2: 20}}
  exclude: [{path: red.gpkg, name: 红线}]
"""
    variant = write(scenario.parent / "variants" / "a.yaml", text)
    read = siting.read_scenario(variant)
    assert (read.name, read.language, read.solve.gap) == ("变体", "zh", 0.02)
    assert read.solve.time_limit_s == 60.0
    assert read.candidates[0].max_beds == 40
    assert read.limits.budget_wan_yuan == 900
    assert read.rules == {"HZ-02": {"enforce": False}}
    assert (read.locks.open, read.locks.beds) == (("C1",), {"C2": 20})
    assert read.exclude[0].name == "红线"
    assert read.locate("elders.csv").resolve() == scenario.parent / "elders.csv"
    assert read.origin == variant
    assert [key for key, _ in read.changes] == [
        "name", "solve.gap", "candidates.0.max_beds", "limits.budget_wan_yuan",
        "rules.HZ-02.enforce", "locks", "exclude",
    ]  # fmt: skip
    assert siting.read_scenario(scenario).solve.gap == 0.0


def test_the_nearest_change_counts_and_the_command_line_last(scenario: Path) -> None:
    middle = write(scenario.parent / "middle.yaml",
                   "base: scenario.yaml\nchange: {solve.gap: 0.1, year: 2030}\n")  # fmt: skip
    variant = write(scenario.parent / "variant.yaml",
                    "base: middle.yaml\nlanguage: en\nchange: {solve.gap: 0.2}\n")  # fmt: skip
    read = siting.read_scenario(variant)
    assert (read.solve.gap, read.year, read.language, read.name) == (0.2, 2030, "en", "小县")
    assert siting.read_scenario(middle).solve.gap == 0.1
    read = siting.read_scenario(variant, changes={"solve.gap": 0.3})
    assert read.solve.gap == 0.3
    assert read.changes[-1] == ("solve.gap", 0.3)


def test_a_fault_of_a_change_is_told_where_the_change_is_written(scenario: Path) -> None:
    text = "base: scenario.yaml\nchange:\n  solve.gap: 0.1\n  solve.threads: 0\n"
    variant = write(scenario.parent / "variant.yaml", text)
    assert faults(variant)[0].startswith("variant.yaml:4: 'solve.threads' should be >= 1")
    told = faults(scenario, changes=[("solve.threads", 0)])
    assert told[0].startswith("--set: 'solve.threads'")
    change_scenario(scenario, {"solve.gap": -1})
    line = SCENARIO.splitlines().index(
        "solve: {time_limit_s: 60, gap: 0.0, threads: 1, random_seed: 0}"
    )
    assert faults(variant)[0].startswith("variant.yaml:4:")
    other = write(scenario.parent / "other.yaml", "base: scenario.yaml\nchange: {year: 2026}\n")
    assert faults(other)[0].startswith(f"scenario.yaml:{line + 1}: 'solve.gap'")


def test_bases_may_be_far_but_not_without_end(scenario: Path) -> None:
    for k in range(12):
        base = "scenario.yaml" if k == 0 else f"v{k - 1}.yaml"
        write(scenario.parent / f"v{k}.yaml", f"base: {base}\n")
    assert siting.read_scenario(scenario.parent / "v5.yaml").name == "小县"
    assert "too far" in faults(scenario.parent / "v11.yaml")[0]


# ------------------------------------------------------------------------------- --set


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("60", 60), ("0.5", 0.5), ("1e-3", 0.001), ("true", True), ("no", "no"), ("null", None),
        ("", None), ("'60'", "60"), ("[C1, C2]", ["C1", "C2"]), ("{C1: 30}", {"C1": 30}),
        ("EPSG:4549", "EPSG:4549"), ("台北", "台北"), ("a=b", "a=b"),
    ],
)  # fmt: skip
def test_values_are_read_as_yaml(text: str, value: object) -> None:
    found = parse_value(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["[1", "{a", "!!python/name:os.system", "&a [*a]", "a: b: c"])
def test_values_that_are_no_plain_yaml_are_refused(text: str) -> None:
    with pytest.raises(ScenarioError):
        parse_value(text)


def test_changes_reach_list_items_by_number_and_make_what_is_missing(scenario: Path) -> None:
    change_scenario(scenario, {"limits": ...})
    changes = {"candidates.0.cost_per_bed": 9, "limits.max_new_sites": 3, "locks.beds.C1": 30}
    read = siting.read_scenario(scenario, changes=changes)
    assert read.candidates[0].cost_per_bed == 9
    assert read.limits.max_new_sites == 3
    assert read.locks.beds == {"C1": 30}


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("candidates.1.max_beds", "'candidates.1' should name an item"),
        ("candidates.-1.max_beds", "'candidates.-1' should name an item"),
        ("candidates.first.max_beds", "'candidates.first' should name an item"),
        ("candidates.４.max_beds", "should name an item"),
        ("candidates.7", "'candidates.7' should name an item"),
        ("name.first", "'name' is a value"),
        ("demand.path.name.x", "'demand.path' is a value"),
        ("", "There is no key ''"),
        ("solve..gap", "There is no key"),
        ("demand.elder", "did you mean 'elders'?"),
        ("bass", "did you mean 'base'?"),
    ],
)
def test_keys_that_lead_nowhere_are_refused(scenario: Path, key: str, word: str) -> None:
    told = faults(scenario, changes=[(key, 5)])
    assert told[0].startswith("--set: ")
    assert word in told[0]


def test_a_scenario_can_be_taken_from_python_too(scenario: Path) -> None:
    read = siting.read_scenario(
        str(scenario), changes={"language": "en"}, data=str(scenario.parent)
    )
    assert read.language == "en"


# ------------------------------------------------------------------------------- files


def test_a_file_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    write_tiny(tmp_path / "a")
    told = faults(tmp_path / "a" / "scenaro.yml")
    assert "'scenario.yaml'" in told[0]
    assert "holds a similar name" not in faults(tmp_path / "nowhere" / "x.yaml")[0]


def test_a_yaml_file_knows_its_lines_and_holds_plain_values_only(tmp_path: Path) -> None:
    tree = load_yaml(write(tmp_path / "a.yaml", "a: 1\nb:\n  - x\n  - y: 2\n"))
    assert tree.lc.key("b")[0] == 1
    with pytest.raises(SitingError, match="标签"):
        load_yaml(write(tmp_path / "b.yaml", "a: !!set {x}\n"))
