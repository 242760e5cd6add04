"""A planner's own standard: written anew or over another, checked, and run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from click.testing import CliRunner
from tiny import change_table, write_tiny

import siting
from siting.cli import main
from siting.errors import StandardError
from siting.standards import KINDS, packaged_standards, read_standard
from siting.standards.consistency import OWNERS, WORDS, named_words, unknown_words
from siting.tables import DataCheck

if TYPE_CHECKING:
    from siting.standards import Rule, Standard

ROOT = Path(__file__).parents[1]
HOW_TO = (ROOT / "docs" / "how-to.md").read_text(encoding="utf-8")
YAML_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
HEAD = """\
id: own
name: {zh: 自定, en: own}
jurisdiction: {zh: 某县, en: a county}
source: {zh: 某文件, en: a document}
"""
FIELDS = """\
    clause: 三
    legal_status: issued_plan
    strength: required
    tier: 1
    enforce: false
    summary: {zh: 床位, en: beds}
    reading: {zh: 按比例, en: pro rata}
"""


def block(start: str) -> str:
    """Return the block of the page of recipes that starts with a line."""
    found = [body for body in YAML_BLOCK.findall(HOW_TO) if body.startswith(start)]
    assert len(found) == 1
    return found[0]


def rule(name: str, kind: str, *years: str) -> str:
    """Return a whole rule as a file holds it; each year as ``2021: {…}``."""
    values = "".join(f"      {year}\n" for year in years)
    return f"  - id: {name}\n    kind: {kind}\n{FIELDS}    values:\n{values}"


BASE = f"""{HEAD}rules:
{rule("A-1", "ratio", "2021: {beds_per_10000: 300}", "2025: {beds_per_10000: 310}")}
{rule("A-2", "count", "2021: {what: canteen, min_count: 1, per: all}")}
{rule("A-3", "presence", "2021: {function: canteen}")}"""


def over(rules: str = "", *, base: str = "base.yaml", drop: str = "") -> str:
    """Return a standard that extends another."""
    given = (f"drop: {drop}\n" if drop else "") + (f"rules:\n{rules}" if rules else "")
    return f"extends: {base}\n{HEAD}{given}"


def read(
    folder: Path, own: str, *, year: int = 2025, base: str = BASE, **known: list[str]
) -> Standard:
    """Write a standard and its base, and read it."""
    (folder / "base.yaml").write_text(base, encoding="utf-8")
    (folder / "own.yaml").write_text(own, encoding="utf-8")
    return read_standard("own.yaml", year=year, folder=folder, **known)


def told(folder: Path, own: str, *, base: str = BASE) -> list[str]:
    """Return the English sentences of everything that is wrong with a standard."""
    with pytest.raises(StandardError) as raised:
        read(folder, own, base=base)
    return raised.value.render("en").splitlines()


def found_rule(standard: Standard, name: str) -> Rule:
    """Return a rule in force."""
    found = standard.rule(name)
    assert found is not None
    return found


def years_of(standard: Standard, name: str) -> dict[int, dict[str, Any]]:
    """Return the values of a rule by year, none where there is no such rule."""
    return standard.values.get(name, {})  # noqa: PD011 - no table


# ------------------------------------------------------------------------------- the page


@pytest.fixture
def county(tmp_path: Path) -> Path:
    """Write the standard of the page, and return its path."""
    path = tmp_path / "scenarios" / "county.yaml"
    path.parent.mkdir()
    path.write_text(block("id: county-2024"), encoding="utf-8")
    return path


SIX = {"K-01": "ratio", "K-02": "share", "K-03": "count", "K-04": "coverage", "K-05": "presence",
       "K-06": "threshold"}  # fmt: skip


def test_the_six_rules_of_the_page_are_in_the_audit_of_the_sample(county: Path) -> None:
    scenario = siting.read_scenario(
        ROOT / "scenarios" / "sample.yaml", changes={"standard": str(county)}
    )
    done = siting.plan(scenario)
    assert {each.id: each.kind for each in done.prepared.standard.rules} == SIX
    audit = done.audit.to_frame()
    assert list(dict.fromkeys(audit["rule_id"])) == list(SIX)
    assert set(audit.loc[audit["rule_id"] == "K-01", "scope"]) == {"unit", "all"}
    assert set(audit.loc[audit["rule_id"] == "K-03", "scope_id"]) == {"江北片区", "江南片区"}
    dark = audit[audit["verdict"] == "unknown"].groupby("rule_id")["note"].agg(set)
    assert "needs:facts.rehab_room" in dark["K-06"]
    # The table of homes tells of functions; new homes have none, for the scenario prices none.
    assert dark["K-03"] == {"needs:functions.memory_home"}
    assert dark["K-05"] == {"needs:functions.canteen"}


def test_the_numbers_of_the_page_are_what_the_audit_requires(county: Path) -> None:
    # 东街 has 6000 elders, 西街 500: 192 and 16 beds at 320 for 10,000, and 208 in all.
    # Z1 has the 4000 elders at high density.
    scenario = siting.read_scenario(write_tiny(county.parent, standard="county.yaml"))
    done = siting.plan(scenario)
    audit = done.audit.to_frame().set_index("rule_id")
    beds = audit.loc["K-01"].set_index("scope_id")["required"].to_dict()
    assert beds == {"东街": 192.0, "西街": 16.0, "all": 208.0}
    assert set(done.prepared.problem.standard_m[:25]) == {600.0}
    assert pd.isna(done.prepared.problem.standard_m[25:]).all()


def test_the_commands_of_the_page_show_the_rules(
    county: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = "siting standards scenarios/county.yaml --lang en"
    assert f"\n{command}\n" in HOW_TO
    monkeypatch.chdir(county.parents[1])
    said = CliRunner().invoke(main, command.split()[1:])
    assert said.exit_code == 0
    assert re.findall(r"^(K-\d\d)  ", said.output, re.MULTILINE) == list(SIX)
    assert "2024: beds_per_10000 = 320; 2030: beds_per_10000 = 350" in said.output


def test_the_page_shows_a_standard_over_the_packaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = block("extends: hangzhou-2021")
    packaged = read_standard("hangzhou-2021", year=2025)
    standard = read(tmp_path, body)
    names = [each.id for each in packaged.rules if each.id not in {"HZ-05", "HZ-07"}]
    assert [each.id for each in standard.rules] == [*names, "K-07"]
    assert found_rule(standard, "HZ-01") == packaged.rule("HZ-01")
    later = found_rule(read(tmp_path, body, year=2030), "HZ-01")
    assert (later.parameters.beds_per_10000, later.clause) == (350, "三(二) 专栏3.2")
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(main, ["standards", "own.yaml", "--lang", "en"]).output
    assert f"Extends hangzhou-2021, {len(names) - 1} rules as they are" in said
    assert "Changed: HZ-01\n" in said
    assert "Added: K-07\n" in said
    assert "Taken out: HZ-05, HZ-07\n" in said


def test_the_page_names_every_parameter_of_every_kind() -> None:
    table = HOW_TO.partition("| kind |")[2]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE))
    assert {name: set(re.findall(r"`(\w+)`", row)) for name, row in rows.items()} == {
        name: set(kind.model_fields) for name, kind in KINDS.items()
    }


# ------------------------------------------------------------------------------- extends


def test_what_a_rule_does_not_give_is_as_in_the_base(tmp_path: Path) -> None:
    standard = read(tmp_path, over("  - {id: A-2, enforce: true, tier: 3}\n"))
    before = {each.id: each for each in read(tmp_path, BASE).rules}
    assert [each.id for each in standard.rules] == ["A-1", "A-2", "A-3"]
    changed = found_rule(standard, "A-2")
    assert (changed.enforce, changed.tier) == (True, 3)
    assert (changed.clause, changed.parameters) == ("三", before["A-2"].parameters)
    assert [standard.rules[0], standard.rules[2]] == [before["A-1"], before["A-3"]]


def test_values_are_merged_by_year_and_a_year_given_anew_is_replaced(tmp_path: Path) -> None:
    own = over(
        "  - id: A-1\n    values: {2021: {nursing_beds_per_10000: 90}, "
        "'2030': {beds_per_10000: 350}}\n"
    )
    assert years_of(read(tmp_path, own), "A-1") == {
        2021: {"nursing_beds_per_10000": 90},
        2025: {"beds_per_10000": 310},
        2030: {"beds_per_10000": 350},
    }
    for year, beds in ((2021, None), (2025, 310), (2029, 310), (2030, 350)):
        rates = found_rule(read(tmp_path, own, year=year), "A-1").parameters
        assert rates.beds_per_10000 == beds


def test_another_kind_brings_its_own_values(tmp_path: Path) -> None:
    own = "  - {id: A-3, kind: count, values: {2024: {what: canteen, min_count: 2, per: all}}}\n"
    standard = read(tmp_path, over(own))
    assert list(years_of(standard, "A-3")) == [2024]
    assert found_rule(standard, "A-3").parameters.min_count == 2
    assert told(tmp_path, over("  - {id: A-3, kind: count}\n")) == [
        "own.yaml:7 A-3: The key 'values' is required but missing. Add it."
    ]


def test_new_rules_stand_at_the_end_and_dropped_ones_nowhere(tmp_path: Path) -> None:
    new = rule("A-0", "note", "2021: {figures: {homes: 3}}")
    standard = read(tmp_path, over(new, drop="[A-2]"))
    assert [each.id for each in standard.rules] == ["A-1", "A-3", "A-0"]
    assert years_of(standard, "A-2") == {}
    made = standard.joined
    assert made is not None
    assert (made.kept, made.changed, made.added, made.dropped) == (
        ("A-1", "A-3"), (), ("A-0",), ("A-2",),
    )  # fmt: skip
    assert read(tmp_path, BASE).joined is None


def test_the_own_head_is_in_force(tmp_path: Path) -> None:
    base = BASE.replace("id: own", "id: base").replace("某文件", "别的文件")
    standard = read(tmp_path, over(), base=base)
    assert (standard.id, standard.source["zh"]) == ("own", "某文件")
    assert standard.joined is not None
    assert standard.joined.base == "base"
    assert told(tmp_path, over().replace("source", "sauce"))[0].startswith("own.yaml")


def test_a_base_is_looked_for_beside_the_file_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "away").mkdir()
    (tmp_path / "base.yaml").write_text(BASE, encoding="utf-8")
    own = over(base="../base.yaml")
    (tmp_path / "deep" / "own.yaml").write_text(own, encoding="utf-8")
    monkeypatch.chdir(tmp_path / "away")
    assert len(read_standard("deep/own.yaml", year=2025, folder=tmp_path).rules) == 3


def chain(folder: Path, length: int) -> str:
    """Write standards that extend each other, and return the name of the last."""
    (folder / "s0.yaml").write_text(BASE, encoding="utf-8")
    for n in range(1, length + 1):
        (folder / f"s{n}.yaml").write_text(over(base=f"s{n - 1}.yaml"), encoding="utf-8")
    return f"s{length}.yaml"


def test_standards_extend_each_other_over_five_files_and_no_more(tmp_path: Path) -> None:
    assert len(read_standard(chain(tmp_path, 5), year=2025, folder=tmp_path).rules) == 3
    with pytest.raises(StandardError, match=r"s1\.yaml:1.*5"):
        read_standard(chain(tmp_path, 6), year=2025, folder=tmp_path)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (over(base="own.yaml"), ["own.yaml:1: ", "own.yaml → own.yaml"]),
        (over(base="hangzou-2021"), ["own.yaml:1: ", "did you mean 'hangzhou-2021'?"]),
        (over(base="bsae.yaml"), ["own.yaml:1: ", "did you mean 'base.yaml'?"]),
        (over(base="zzzz.yaml"), ["own.yaml:1: ", "no file 'zzzz.yaml'. Check"]),
        (over(base="''"), ["own.yaml:1: 'extends' should be a text"]),
        (over(drop="[A-9]"), ["own.yaml:6: ", "no rule 'A-9'", "Its rules: A-1, A-2, A-3"]),
        (over(drop="[A-1, A-2, A-3]"), ["own.yaml:6: ", "takes out all of them"]),
        (over("  - {id: A-1, tier: 2}\n", drop="[A-1]"),
         ["own.yaml:6: ", "both taken out", "first: A-1"]),
        (over("  - {id: A-9, tier: 2}\n"), ["own.yaml:7 A-9: ", "did you mean 'A-", "lacks kind"]),
        (over("  - {id: ZZZZ, kind: ratio}\n"), ["own.yaml:7 ZZZZ: ", "'ZZZZ', so it is a new"]),
        (over("  - {tier: 2}\n"), ["own.yaml:7: ", "'id' is required"]),
        (over("  - id: A-1\n    tier: two\n"), ["own.yaml:8 A-1: 'tier'", "whole number"]),
        (over("  - id: A-1\n    kind: ratoi\n"), ["own.yaml:8 A-1: ", "did you mean 'ratio'?"]),
        (over("  - id: A-1\n    values:\n      2030: {beds: 3}\n"),
         ["own.yaml:9 A-1 2030: ", "no key 'beds'"]),
        (over("  - id: A-1\n    values:\n      '02030': {beds: 3}\n"),
         ["own.yaml:9 A-1 2030: ", "no key 'beds'"]),
        (over("  - id: [A-1]\n    tier: 2\n"), ["own.yaml:7 ['A-1']: ", "lacks kind"]),
        (over("  - id: A-1\n    values: {2030: 5}\n"), ["own.yaml:8 A-1: ", "'values.2030'"]),
        (over("  - {id: A-1, tier: 2}\n  - {id: A-1, tier: 3}\n"), ["own.yaml: ", "A-1"]),
        (over("  - 5\n"), ["own.yaml:7: ", "'rules.0'"]),
        (f"{HEAD}drop: [A-1]\nrules:\n{rule('B', 'note', '2021: {}')}",
         ["own.yaml:5: ", "there is no extends"]),
    ],
)  # fmt: skip
def test_what_extends_a_standard_wrongly_is_told(tmp_path: Path, own: str, said: list[str]) -> None:
    found = told(tmp_path, own)
    assert len(found) == 1
    assert found[0].startswith(said[0])
    assert all(word in found[0] for word in said[1:]), found[0]


def test_a_fault_of_the_base_is_told_in_the_base(tmp_path: Path) -> None:
    broken = BASE.replace("min_count: 1", "min_count: 0")
    assert broken.index("min_count: 0") > 0
    line = broken[: broken.index("min_count: 0")].count("\n") + 1
    said = told(tmp_path, over("  - {id: A-2, tier: 3}\n"), base=broken)
    assert [each.partition(": ")[0] for each in said] == [f"base.yaml:{line} A-2 2021"]


def test_the_data_check_counts_what_is_changed_and_dropped(tmp_path: Path) -> None:
    scenario = write_tiny(tmp_path, standard="own.yaml")
    read(tmp_path, over("  - {id: A-1, enforce: true}\n", drop="[A-3]"))
    check = DataCheck()
    siting.prepare(siting.read_scenario(scenario), check=check)
    line = next(each for each in check.lines if each.code == "standard_extends")
    assert (line.severity, line.count, line.examples) == ("info", 1, ("A-3",))
    assert "1 rules as they are, 1 changed, 0 added, 1 taken out" in line.render("en")


# ------------------------------------------------------------------------------- years twice


@pytest.mark.parametrize(
    ("years", "told_year"),
    [
        (["2025: {beds_per_10000: 300}", '"2025": {beds_per_10000: 310}'], 2025),
        (['"2025": {beds_per_10000: 300}', "2025: {beds_per_10000: 310}"], 2025),
        (["2025: {beds_per_10000: 300}", '"02025": {beds_per_10000: 310}'], 2025),
    ],
)
def test_a_year_that_stands_twice_is_refused(
    tmp_path: Path, years: list[str], told_year: int
) -> None:
    said = told(tmp_path, f"{HEAD}rules:\n{rule('A-1', 'ratio', *years)}")
    assert len(said) == 1
    assert said[0].startswith("own.yaml:17 A-1: ")
    assert f"but {told_year} stands twice" in said[0]


def test_a_class_that_stands_twice_is_refused(tmp_path: Path) -> None:
    year = "2021: {basis: stars, amounts_wan_yuan: {3: 10.0, '3': 20.0}}"
    said = told(tmp_path, f"{HEAD}rules:\n{rule('A-1', 'money', year)}")
    assert [each.partition(": ")[0] for each in said] == ["own.yaml:16 A-1"]
    assert "'3' stands twice" in said[0]


# ------------------------------------------------------------------------------- contradictions


def beds(what: str, share: float, **more: Any) -> tuple[str, str]:
    """Return a rule of a share of beds, as its kind and a year."""
    extra = "".join(f", {key}: {value}" for key, value in more.items())
    return "share", f"2021: {{part: {what}, of: beds, min_share: {share}{extra}}}"


def rate(what: str, number: float, **more: Any) -> tuple[str, str]:
    """Return a rule of beds for 10,000 elders, as its kind and a year."""
    extra = "".join(f", {key}: {value}" for key, value in more.items())
    return "ratio", f"2021: {{{what}_per_10000: {number}{extra}}}"


def of_rules(*rules: tuple[str, str]) -> str:
    """Return a standard of rules A-0, A-1 and so on."""
    listed = (rule(f"A-{n}", *each) for n, each in enumerate(rules))
    return f"{HEAD}rules:\n{''.join(listed)}"


AGREE = [
    (rate("nursing_beds", 20), rate("dementia_beds", 20)),
    (rate("nursing_beds", 20), rate("dementia_beds", 21, per="town")),
    (rate("nursing_beds", 20, only="[东街]", per="street"),
     rate("dementia_beds", 21, only="[西街]", per="street")),
    (rate("beds", 300), rate("beds", 350)),
    (rate("beds", 300), rate("beds", 350, per="all")),
    (beds("nursing_beds", 0.5), beds("dementia_beds", 0.5)),
    (beds("nursing_beds", 0.5), beds("dementia_beds", 0.6, owners="[public]")),
    (beds("nursing_beds", 0.5), beds("dementia_beds", 0.6, from_beds=100)),
    (beds("nursing_beds", 0.5), rate("dementia_beds", 60)),
    (beds("nursing_beds", 0.3), beds("nursing_beds", 0.6), beds("dementia_beds", 0.5)),
    (beds("dementia_beds", 0.5),),
]  # fmt: skip
DISAGREE = [
    (rate("nursing_beds", 20), rate("dementia_beds", 20.5)),
    (rate("nursing_beds", 20, per="town"), rate("dementia_beds", 21, per="town")),
    (rate("nursing_beds", 20, per="street"),
     rate("dementia_beds", 21, only="[西街]", per="street")),
    (beds("nursing_beds", 0.5), beds("dementia_beds", 0.51)),
    (beds("nursing_beds", 0.5, owners="[public, private]"),
     beds("dementia_beds", 0.6, owners="[private, public]")),
]  # fmt: skip


@pytest.mark.parametrize("rules", AGREE)
def test_rules_that_can_hold_together_are_read(tmp_path: Path, rules: list[Any]) -> None:
    assert len(read(tmp_path, of_rules(*rules)).rules) == len(rules)


@pytest.mark.parametrize("rules", DISAGREE)
def test_more_dementia_beds_than_nursing_beds_are_refused(tmp_path: Path, rules: list[Any]) -> None:
    said = told(tmp_path, of_rules(*rules))
    assert len(said) == 1
    assert said[0].startswith("own.yaml:17 A-1: Dementia beds are part of")
    assert "'A-0'" in said[0]


def test_a_contradiction_of_a_later_year_is_told_in_that_year(tmp_path: Path) -> None:
    dementia = ("ratio", "2030: {dementia_beds_per_10000: 30}")
    own = of_rules(rate("nursing_beds", 20), dementia)
    assert len(read(tmp_path, own, year=2025).rules) == 1
    with pytest.raises(StandardError, match="A-1"):
        read(tmp_path, own, year=2030)


def test_a_rule_over_the_base_may_not_contradict_it(tmp_path: Path) -> None:
    base = of_rules(rate("nursing_beds", 20), rate("dementia_beds", 10))
    own = over("  - id: A-1\n    values: {2025: {dementia_beds_per_10000: 21}}\n")
    assert told(tmp_path, own, base=base)[0].startswith("own.yaml:7 A-1: Dementia beds")


def test_changes_of_a_scenario_may_not_contradict_each_other(tmp_path: Path) -> None:
    own = of_rules(rate("nursing_beds", 20), rate("dementia_beds", 10))
    standard = read(tmp_path, own)
    lowered = {"A-0": {"nursing_beds_per_10000": 9.5}}
    with pytest.raises(StandardError) as raised:
        standard.change(lowered, where="rules")
    said = raised.value.render("en")
    assert said.startswith("rules.A-1: Dementia beds")
    assert "'A-1' asks for 10 and 'A-0' for 9.5" in said
    both = lowered | {"A-1": {"dementia_beds_per_10000": 9.5}}
    assert found_rule(standard.change(both, where="rules"), "A-0").changed


# ------------------------------------------------------------------------------- words


def test_every_kind_has_its_words_and_they_are_parameters_of_it() -> None:
    others = {"owners", "only", "values", "payer"}
    for kind, model in KINDS.items():
        texts = {
            name for name, form in model.__annotations__.items()
            if form in {"str", "str | None", "Names"} and name not in others
        }  # fmt: skip
        assert set(WORDS[kind]) == texts - ({"needs"} if kind == "note" else set())
    assert set(WORDS) == set(KINDS)


@pytest.mark.parametrize("name", packaged_standards())
def test_every_word_of_a_packaged_standard_is_known(name: str) -> None:
    for each in read_standard(name, year=2035).rules:
        assert unknown_words(each.kind, each.numbers(), named_words(), name) == []


WORDED = {
    "ratio": "{beds_per_staff: 10, staff: nurses, per: facility, having: zzz}",
    "share": "{part: zzz, of: facilities, min_share: 0.5}",
    "count": "{what: canteen, min_count: 1, sum_of: zzz}",
    "coverage": "{what: zzz, min_share: 0.5, per: town}",
    "presence": "{function: zzz}",
    "threshold": "{from_beds: 100, needs: zzz}",
    "colocation": "{what: canteen, hosts: [home, zzz]}",
    "preference": "{measure: fact, fact: zzz}",
    "money": "{basis: investment, share: 0.5, excludes: [zzz]}",
}


@pytest.mark.parametrize("kind", WORDED)
def test_a_word_of_no_input_is_refused_whatever_the_kind(tmp_path: Path, kind: str) -> None:
    own = of_rules((kind, f"2021: {WORDED[kind]}"))
    said = told(tmp_path, own)
    assert [each.partition(": ")[0] for each in said] == ["own.yaml:16 A-0 2021"]
    assert "there is no 'zzz'" in said[0]
    assert len(read(tmp_path, own, known_words=["zzz"]).rules) == 1
    assert len(read(tmp_path, own.replace("rules:", "words: [zzz]\nrules:")).rules) == 1
    assert len(read(tmp_path, over(), base=own.replace("rules:", "words: [zzz]\nrules:")).rules)


def test_what_a_note_needs_is_any_word(tmp_path: Path) -> None:
    assert read(tmp_path, of_rules(("note", "2021: {needs: zzz}"))).rules


def test_the_nearest_word_may_be_one_of_the_planners_own(tmp_path: Path) -> None:
    own = of_rules(("presence", "2021: {function: ward_kichen}"))
    (tmp_path / "own.yaml").write_text(own, encoding="utf-8")
    with pytest.raises(StandardError, match="ward_kitchen") as raised:
        read_standard("own.yaml", year=2025, folder=tmp_path, known_words=["ward_kitchen"])
    assert "did you mean 'ward_kitchen'?" in raised.value.render("en")


def test_an_owner_is_one_of_three(tmp_path: Path) -> None:
    for owner in OWNERS:
        assert read(tmp_path, of_rules(beds("nursing_beds", 0.5, owners=f"[{owner}]"))).rules
    said = told(tmp_path, of_rules(beds("nursing_beds", 0.5, owners="[state]")))
    assert "public | public_private | private" in said[0]


KITCHEN = of_rules(("threshold", "2021: {from_beds: 50, needs: ward_kitchen}"))


def test_a_fact_that_the_scenario_declares_is_judged(tmp_path: Path) -> None:
    # H1 is the only home of 50 beds or more, and has the kitchen.
    scenario = write_tiny(tmp_path, standard="own.yaml")
    (tmp_path / "own.yaml").write_text(KITCHEN, encoding="utf-8")
    with pytest.raises(StandardError, match="ward_kitchen"):
        siting.plan(siting.read_scenario(scenario))
    change_table(tmp_path / "homes.csv", lambda table: table.insert(0, "厨房", ["有", "无", "无"]))
    declared = {"existing.facts.ward_kitchen": "厨房"}
    done = siting.plan(siting.read_scenario(scenario, changes=declared))
    audit = done.audit.to_frame().set_index("scope_id")
    assert audit.loc["H1", ["rule_id", "verdict"]].tolist() == ["A-0", "met"]


def test_a_declared_word_without_a_column_ends_as_unknown(tmp_path: Path) -> None:
    scenario = write_tiny(tmp_path, standard="own.yaml")
    own = KITCHEN.replace("rules:", "words: [ward_kitchen]\nrules:")
    (tmp_path / "own.yaml").write_text(own, encoding="utf-8")
    audit = siting.plan(siting.read_scenario(scenario)).audit.to_frame().set_index("scope_id")
    assert audit.loc["H1", ["verdict", "note"]].tolist() == ["unknown", "needs:facts.ward_kitchen"]


def test_facts_and_functions_of_a_packaged_standard_need_not_be_given(tmp_path: Path) -> None:
    scenario = write_tiny(tmp_path, standard="wendeng-2021")
    prepared = siting.prepare(siting.read_scenario(scenario))
    assert prepared.standard.id == "wendeng-2021"
