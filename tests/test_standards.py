"""Standards: rules as data, kinds as code; what is in force in a year, and what a study changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

import siting
from siting.audit import CHECK
from siting.errors import StandardError
from siting.model import CONSTRAIN
from siting.standards import KINDS, packaged_standards, read_standard
from siting.standards.describe import DESCRIBE, EXAMPLES
from siting.texts import LANGUAGES

if TYPE_CHECKING:
    from pathlib import Path

RULE: dict[str, Any] = {
    "id": "A-1", "kind": "ratio", "clause": "三(二)", "legal_status": "issued_plan",
    "strength": "required", "tier": 1, "enforce": True,
    "summary": {"zh": "床位", "en": "beds"}, "reading": {"zh": "按比例", "en": "pro rata"},
    "values": {2021: {"beds_per_10000": 300}, 2025: {"beds_per_10000": 310}},
}  # fmt: skip
HEAD: dict[str, Any] = {
    "id": "own", "name": {"zh": "自定", "en": "own"},
    "jurisdiction": {"zh": "某县", "en": "county"}, "source": {"zh": "某文件", "en": "a paper"},
}  # fmt: skip


def write(folder: Path, *rules: dict[str, Any], **head: Any) -> str:
    """Write a standard of some rules, and return the name of its file."""
    with (folder / "own.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(HEAD | head | {"rules": list(rules)}, file)
    return "own.yaml"


def told(folder: Path, *rules: dict[str, Any], year: int = 2025, **head: Any) -> list[str]:
    """Return the English sentences of everything that is wrong with a standard."""
    with pytest.raises(StandardError) as raised:
        read_standard(write(folder, *rules, **head), year=year, folder=folder)
    return raised.value.render("en").splitlines()


# ------------------------------------------------------------------------------- kinds


def test_every_kind_has_its_four_functions_and_its_parameters() -> None:
    assert set(CONSTRAIN) == set(CHECK) == set(DESCRIBE) == set(EXAMPLES) == set(KINDS)
    assert len(KINDS) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_a_kind_is_a_rule_of_it_and_reads_in_both_languages(kind: str) -> None:
    parameters = KINDS[kind].model_validate(EXAMPLES[kind])
    said = [DESCRIBE[kind](parameters, language) for language in LANGUAGES]
    assert len(set(said)) == len(LANGUAGES)
    for number in SHOWN[kind]:
        for sentence in said:
            assert number in sentence


SHOWN = {
    "ratio": ("300",), "share": ("65",), "count": ("2", "20", "100"), "coverage": ("500", "3000"),
    "presence": ("1", "10"), "threshold": ("100",), "colocation": (), "preference": (),
    "money": ("33.3", "300"), "note": ("329",),
}  # fmt: skip
"""Numbers of each example that its sentence shows; a share of 1/3 as per cent."""


def test_the_packaged_standards_use_every_kind() -> None:
    standards = [read_standard(name, year=2025) for name in packaged_standards()]
    assert {rule.kind for standard in standards for rule in standard.rules} == set(KINDS)


# ------------------------------------------------------------------------------- hangzhou


PLACES = ("HZ-01", "HZ-02", "HZ-03", "HZ-04")
"""The rules of where homes stand."""


def test_hangzhou_holds_the_four_rules_of_places_with_their_figures() -> None:
    standard = read_standard("hangzhou-2021", year=2025)
    rules = {rule.id: rule for rule in standard.rules if rule.id in PLACES}
    assert {name: rule.numbers() for name, rule in rules.items()} == {
        "HZ-01": {"beds_per_10000": 300.0},
        "HZ-02": {"min_sites": 2, "min_site_beds": 10, "same_site_m": 100.0},
        "HZ-03": {"distance_m": 500.0, "density_above_per_km2": 3000.0},
        "HZ-04": {"distance_m": 1000.0, "density_from_per_km2": 1000.0},
    }
    for rule in rules.values():
        assert rule.clause == "三(二) 专栏3.2"
        assert (rule.legal_status, rule.strength, rule.enforce) == ("issued_plan", "required", True)
        assert rule.year_from == 2021
        assert rule.changed == ()
        assert rule.summary["zh"] != rule.summary["en"]
        assert rule.reading["zh"] != rule.reading["en"]
    assert "2021-08-13" in standard.source["zh"]


def test_hangzhou_describes_its_rules_with_the_numbers_in_force() -> None:
    standard = read_standard("hangzhou-2021", year=2025).change(
        {"HZ-03": {"distance_m": 450}}, where="rules"
    )
    said = {rule.id: [rule.describe(language) for language in LANGUAGES] for rule in standard.rules}
    assert all(len(set(each)) == len(LANGUAGES) for each in said.values())
    words = {"HZ-01": ("300",), "HZ-02": ("2", "20", "100"), "HZ-03": ("450", "3000"),
             "HZ-04": ("1000",)}  # fmt: skip
    for rule_id, figures in words.items():
        for sentence in said[rule_id]:
            assert all(figure in sentence for figure in figures), sentence


def test_years_on_record_are_written_as_years() -> None:
    standard = read_standard("hangzhou-2021", year=2025)
    noted = {rule.id: rule.describe("zh") for rule in standard.rules}
    assert noted["HZ-B4"] == "记录：规划起始年 2021、规划末年 2025、规划基年 2020"
    assert "2,691" in noted["HZ-B1"]  # other figures keep their thousands apart


def test_packaged_standards_are_listed_and_read() -> None:
    assert "hangzhou-2021" in packaged_standards()
    for name in packaged_standards():
        assert read_standard(name, year=2025).id == name


# ------------------------------------------------------------------------------- years


@pytest.mark.parametrize(
    ("year", "beds", "since"),
    [(2021, 300, 2021), (2024, 300, 2021), (2025, 310, 2025), (2035, 310, 2025)],
)
def test_the_newest_values_not_later_than_the_year_are_in_force(
    tmp_path: Path, year: int, beds: float, since: int
) -> None:
    rule = read_standard(write(tmp_path, RULE), year=year, folder=tmp_path).rules[0]
    assert (rule.parameters.beds_per_10000, rule.year_from) == (beds, since)


def test_a_year_before_the_first_values_is_an_error(tmp_path: Path) -> None:
    assert "values for 2020, but its first are of 2021" in told(tmp_path, RULE, year=2020)[0]


def test_a_rule_that_starts_later_is_left_out_and_cannot_be_changed(tmp_path: Path) -> None:
    later = RULE | {"id": "A-2", "values": {2030: {"beds_per_10000": 320}}}
    standard = read_standard(write(tmp_path, RULE, later), year=2025, folder=tmp_path)
    assert [rule.id for rule in standard.rules] == ["A-1"]
    assert standard.rule("A-2") is None
    with pytest.raises(StandardError, match=r"A-2.*2030"):
        standard.change({"A-2": {"enforce": False}}, where="rules")


# ------------------------------------------------------------------------------- malformed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "ratios"}, ("own.yaml:13 A-1", "'ratios'", "ratio, share, count", "'ratio'?")),
        ({"kind": "zzz"}, ("own.yaml:13 A-1", "got 'zzz'. Correct")),
        ({"legal_status": "law"}, ("A-1", "'legal_status'", "issued_plan", "law")),
        ({"clause": ""}, ("A-1", "'clause' should be a text")),
        ({"enforce": "yes"}, ("A-1", "'enforce' should be true or false")),
        ({"values": {}}, ("A-1", "'values' should be at least one entry")),
        ({"values": {"soon": {}}}, ("A-1", "values.soon")),
        ({"values": {2021: {"beds_per_10000": 0}}}, ("A-1 2021", "should be > 0, got 0")),
        ({"values": {2021: {"beds_per_10000": "300"}}}, ("A-1 2021", "should be a number")),
        ({"colour": "red"}, ("A-1", "no key 'colour'", "clause")),
        ({"kind": "coverage", "values": {2021: {"distance_m": 500.0}}},
         ("A-1 2021", "exactly one of density_above_per_km2, density_from_per_km2")),
        ({"kind": "count", "values": {2021: {"what": "cantean", "min_count": 1}}},
         ("A-1 2021", "'what'", "'cantean'", "did you mean 'canteen'?", "care_workers")),
        ({"kind": "count", "values": {2040: {"what": "xyzzyx", "min_count": 1}}},
         ("A-1 2040", "'what'", "there is no 'xyzzyx'. Allowed: beds, ")),
        ({"kind": "share", "values": {2021: {
            "part": "nursing_beds", "of": "beds", "min_share": 0.5, "owners": ["publik"]}}},
         ("A-1 2021", "'owners' should be public | public_private | private", "publik")),
    ],
)  # fmt: skip
def test_a_malformed_rule_is_told(
    tmp_path: Path, change: dict[str, Any], words: tuple[str, ...]
) -> None:
    found = told(tmp_path, RULE | change)
    assert len(found) == 1
    assert found[0].startswith("own.yaml:")
    assert all(word in found[0] for word in words), found[0]


@pytest.mark.parametrize("key", ["clause", "legal_status", "strength", "summary", "reading"])
def test_a_rule_without_its_source_is_refused(tmp_path: Path, key: str) -> None:
    rule = {name: value for name, value in RULE.items() if name != key}
    line = told(tmp_path, rule)[0]
    assert line == f"own.yaml:12 A-1: The key '{key}' is required but missing. Add it."


def test_a_standard_without_rules_or_with_one_twice_is_refused(tmp_path: Path) -> None:
    assert "'rules' should be at least one entry" in told(tmp_path)[0]
    assert "should be unique, but some stand twice (1 in all; first: A-1)" in told(
        tmp_path, RULE, RULE
    )[0]  # fmt: skip
    assert "no key 'colour'" in told(tmp_path, RULE, colour="red")[0]
    assert "'source.zh' should be a text" in told(tmp_path, RULE, source={"zh": "", "en": "x"})[0]


def test_every_malformed_rule_is_told_at_once(tmp_path: Path) -> None:
    bad = RULE | {"id": "A-2", "values": {2021: {"beds": 1, "beds_per_10000": 300}}}
    assert len(told(tmp_path, RULE | {"kind": "x"}, bad)) == 2


def coverage(rule_id: str, **values: float) -> dict[str, Any]:
    """Return a rule of distance."""
    return RULE | {"id": rule_id, "kind": "coverage", "values": {2021: values}}


def test_rules_of_distance_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    high = coverage("B-1", distance_m=500.0, density_above_per_km2=3000.0)
    medium = coverage("B-2", distance_m=1000.0, density_from_per_km2=1000.0)
    other = coverage("B-3", distance_m=800.0, density_from_per_km2=2000.0)
    above = coverage("B-2", distance_m=1000.0, density_from_per_km2=3000.5)
    read_standard(write(tmp_path, high, medium), year=2025, folder=tmp_path)
    assert "B-3" in told(tmp_path, high, medium, other)[0]
    assert "got 3000.5 and 3000" in told(tmp_path, high, above)[0]


# ------------------------------------------------------------------------------- changes


def test_changes_are_in_force_and_remembered_with_what_was_before() -> None:
    before = read_standard("hangzhou-2021", year=2025)
    changes = {"HZ-01": {"beds_per_10000": 310}, "HZ-02": {"enforce": False, "min_sites": 3}}
    after = before.change(changes, where="rules")
    first, second, third, fourth = (after.rule(name) for name in PLACES)
    assert first is not None
    assert second is not None
    assert third is not None
    assert fourth is not None
    assert first.parameters.beds_per_10000 == 310
    assert first.changed == (("beds_per_10000", 300.0),)
    assert (second.enforce, second.parameters.min_sites) == (False, 3)
    assert second.parameters.same_site_m == 100.0
    assert set(second.changed) == {("min_sites", 2), ("enforce", True)}
    assert third.changed == fourth.changed == ()
    assert before.rules[0].parameters.beds_per_10000 == 300
    assert before.rules[4:] == after.rules[4:]


def test_a_change_to_what_is_already_so_is_no_change() -> None:
    standard = read_standard("hangzhou-2021", year=2025)
    after = standard.change({"HZ-01": {"beds_per_10000": 300, "enforce": True}}, where="rules")
    assert after == standard


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"HZ-1": {"enforce": False}}, "did you mean 'HZ-"),
        ({"ZZZ": {}}, "The standard has no rule 'ZZZ'"),
        ({"HZ-03": {"distnce_m": 450}}, "did you mean 'distance_m'?"),
        ({"HZ-03": {"distance_m": -1}}, "should be > 0, got -1"),
        ({"HZ-03": {"distance_m": "500"}}, "should be a number"),
        ({"HZ-03": {"enforce": "no"}}, "should be true or false, got no"),
        ({"HZ-03": {"density_from_per_km2": 10.0}}, "exactly one of"),
        ({"HZ-02": {"min_sites": 1.5}}, "should be a whole number"),
        ({"HZ-04": {"density_from_per_km2": 3001.0}}, "got 3001 and 3000"),
        ({"HZ-20": {"what": "memory_hom"}}, "did you mean 'memory_home'?"),
    ],
)
def test_changes_that_cannot_be_are_told(changes: dict[str, dict[str, Any]], word: str) -> None:
    with pytest.raises(StandardError) as raised:
        read_standard("hangzhou-2021", year=2025).change(changes, where="rules")
    assert len(raised.value.faults) == 1
    sentence = raised.value.render("en")
    assert sentence.startswith("rules")
    assert word in sentence


def test_all_changes_that_cannot_be_are_told_at_once() -> None:
    changes = {"HZ-99": {}, "HZ-03": {"distance_m": -1}, "HZ-01": {"beds": 1}}
    with pytest.raises(StandardError) as raised:
        read_standard("hangzhou-2021", year=2025).change(changes, where="rules")
    assert len(raised.value.faults) == 3


def test_the_public_names_are_there() -> None:
    assert siting.read_standard is read_standard
    assert siting.packaged_standards is packaged_standards
