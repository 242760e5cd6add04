"""Read a standard: a YAML file of rules, each with its clause, legal status and values by year."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from siting.errors import Fault, SitingError, StandardError, nearest_name
from siting.scenario_file import unknown_key, validation_faults
from siting.standards.describe import DESCRIBE
from siting.standards.kinds import KINDS
from siting.yaml_file import line_of, load_yaml, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Rule", "Standard", "packaged_standards", "read_standard"]

LegalStatus = Literal[
    "issued_plan", "drafting_note", "consultation_draft", "implementation_opinion"
]
Strength = Literal["required", "target", "encouraged", "baseline"]
Said = Annotated[str, Field(min_length=1)]


class Bilingual(BaseModel):
    """A text in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    zh: Said
    en: Said


class _RuleEntry(BaseModel):
    """One rule as a standard's file holds it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Said
    kind: Said
    clause: Said
    legal_status: LegalStatus
    strength: Strength
    tier: int
    enforce: bool
    summary: Bilingual
    reading: Bilingual
    values: Annotated[dict[int, dict[str, Any]], Field(min_length=1)]


class _StandardFile(BaseModel):
    """A standard as its file holds it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Said
    name: Bilingual
    jurisdiction: Bilingual
    source: Bilingual
    rules: Annotated[list[_RuleEntry], Field(min_length=1)]


@dataclass(frozen=True)
class Rule:
    """
    A rule in force in the scenario's year.

    Attributes
    ----------
    id, clause, legal_status, strength, tier
        Where the rule comes from and how strong it is.
    kind
        Name of its kind.
    parameters
        Numbers of the year in force.
    year_from
        First year of these numbers.
    enforce
        True: planned for and audited; False: audited only.
    summary, reading
        Our own wording of the rule, and the reading taken where the text is open, in ``zh`` and
        ``en``.
    changed
        Parameters that the scenario changed, with the standard's own value.
    """

    id: str
    kind: str
    clause: str
    legal_status: LegalStatus
    strength: Strength
    tier: int
    enforce: bool
    parameters: Any
    year_from: int
    summary: dict[str, str]
    reading: dict[str, str]
    changed: tuple[tuple[str, Any], ...] = ()

    def describe(self, language: str) -> str:
        """Return the sentence that says what the rule asks for with its numbers in force."""
        return DESCRIBE[self.kind](self.parameters, language)


@dataclass(frozen=True)
class Standard:
    """
    A standard with the rules in force in one year.

    Attributes
    ----------
    id, name, jurisdiction, source
        What the standard is and which document it comes from.
    rules
        Rules in force, in the order of the file.
    values
        Rule id to its values by year, also those not in force.
    """

    id: str
    name: dict[str, str]
    jurisdiction: dict[str, str]
    source: dict[str, str]
    rules: tuple[Rule, ...]
    values: dict[str, dict[int, dict[str, Any]]]

    def rule(self, rule_id: str) -> Rule | None:
        """Return the rule in force of an id, or None."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def of_kind(self, kind: str) -> tuple[Rule, ...]:
        """Return the rules in force of one kind."""
        return tuple(rule for rule in self.rules if rule.kind == kind)

    @property
    def distance_rules(self) -> tuple[Rule, ...]:
        """Rules of a facility within a distance of elders who live at a density."""
        return tuple(
            rule for rule in self.of_kind("coverage") if rule.parameters.distance_m is not None
        )

    def change(self, changes: dict[str, dict[str, Any]], *, where: str) -> Standard:
        """
        Return the standard with a study's changes.

        Raises
        ------
        StandardError
            If a rule is unknown or not yet in force, a parameter is unknown, a value is not
            allowed, or the changed rules contradict each other. All faults are collected.
        """
        faults = [
            self._not_to_change(rule_id, where) for rule_id in changes if self.rule(rule_id) is None
        ]
        rules = []
        for rule in self.rules:
            try:
                rules.append(_changed(rule, changes.get(rule.id, {}), where))
            except StandardError as error:
                faults += error.faults
        faults = faults or _contradictions(rules, where)
        if faults:
            raise StandardError(*faults)
        return replace(self, rules=tuple(rules))

    def _not_to_change(self, rule_id: str, where: str) -> Fault:
        """Return the fault of changing a rule that is unknown, or starts in a later year."""
        if rule_id in self.values:
            first = min(self.values[rule_id])
            return Fault("rule_later", f"{where}.{rule_id}", {"found": rule_id, "first": first})
        return _unknown_rule(rule_id, list(self.values), where)


def packaged_standards() -> tuple[str, ...]:
    """
    Return the ids of the packaged standards.

    Returns
    -------
    ids
        Sorted; each is a ``name`` for ``read_standard``.
    """
    names = (item.name for item in files("siting.standards").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def read_standard(name: str, *, year: int, folder: Path | None = None) -> Standard:
    """
    Return a standard with the rules in force in a year.

    Parameters
    ----------
    name
        Id of a packaged standard, or path of a YAML file.
    year
        Each rule's value is the newest not later than this; a rule that starts later is left out.
        A year before the first value of every rule is refused.
    folder
        Folder that a relative path starts from.

    Returns
    -------
    standard
        Its rules in force in the year, and the values of all years.

    Raises
    ------
    StandardError
        If there is no such standard, or its file is malformed.
    """
    if name in packaged_standards():
        with as_file(files("siting.standards") / f"{name}.yaml") as path:
            return _read_file(path, year)
    path = (folder or Path()) / name
    if path.suffix.lower() not in {".yaml", ".yml"}:
        known = packaged_standards()
        guess = nearest_name(name, known)
        code = "unknown_standard_near" if guess else "unknown_standard"
        raise StandardError.of(code, "standard", found=name, allowed=", ".join(known), guess=guess)
    return _read_file(path, year)


def _read_file(path: Path, year: int) -> Standard:
    """Return the standard of one file."""
    try:
        tree = load_yaml(path)
    except SitingError as error:
        raise StandardError(*error.faults) from error
    content = plain(tree)
    rules = content.get("rules")
    for rule in rules if isinstance(rules, list) else []:
        if isinstance(rule, dict) and isinstance(rule.get("values"), dict):
            rule["values"] = {_year(key): value for key, value in rule["values"].items()}
    try:
        entry = _StandardFile.model_validate(content)
    except ValidationError as error:
        faults = validation_faults(error, path.name, tree, model=_StandardFile)
        raise StandardError(*faults) from error
    return _in_year(entry, year, path.name, tree)


def _in_year(entry: _StandardFile, year: int, where: str, tree: Any) -> Standard:
    """Return what a file holds with the rules in force in a year."""
    ids = [rule.id for rule in entry.rules]
    twice = sorted({each for each in ids if ids.count(each) > 1})
    faults = [Fault("duplicate_rule", where, {}, tuple(twice))] if twice else []
    found = []
    for number, rule in enumerate(entry.rules):
        try:
            found.append(_in_force(rule, year, f"{where}:{line_of(tree, ['rules', number])}"))
        except StandardError as error:
            faults += error.faults
    rules = tuple(rule for rule in found if rule is not None)
    faults = faults or _contradictions(rules, where)
    if not rules and not faults:
        first = min(start for rule in entry.rules for start in rule.values)
        faults = [Fault("year_before_first", where, {"year": year, "first": first})]
    if faults:
        raise StandardError(*faults)
    return Standard(
        id=entry.id,
        name=entry.name.model_dump(),
        jurisdiction=entry.jurisdiction.model_dump(),
        source=entry.source.model_dump(),
        rules=rules,
        values={rule.id: rule.values for rule in entry.rules},
    )


def _contradictions(rules: Iterable[Rule], where: str) -> list[Fault]:
    """Return the fault of two distances for one density class, or of classes that overlap."""
    limits: dict[str, float] = {}
    faults = []
    for rule in rules:
        if rule.kind != "coverage":
            continue
        given, name = rule.parameters, rule.parameters.density_class
        if name in limits:
            faults.append(Fault("class_twice", f"{where} {rule.id}", {"found": rule.id}))
        limits[name] = given.density_above_per_km2 or given.density_from_per_km2
    if limits.get("medium", 0.0) > limits.get("high", float("inf")):
        values = {"low": f"{limits['medium']:g}", "high": f"{limits['high']:g}"}
        faults.append(Fault("classes_overlap", where, values))
    return faults


def _year(key: Any) -> Any:
    """Return a year written as text as a number; the schema judges anything else."""
    return int(key) if isinstance(key, str) and key.isdecimal() else key


def _in_force(entry: _RuleEntry, year: int, where: str) -> Rule | None:
    """Return the rule with the newest values not later than a year, or None before its first."""
    if entry.kind not in KINDS:
        raise StandardError.of(
            "unknown_kind", f"{where} {entry.id}", found=entry.kind, allowed=", ".join(KINDS)
        )
    checked = {
        start: _parameters(entry.kind, values, f"{where} {entry.id} {start}")
        for start, values in entry.values.items()
    }
    starts = [start for start in checked if start <= year]
    if not starts:
        return None
    return Rule(
        id=entry.id,
        kind=entry.kind,
        clause=entry.clause,
        legal_status=entry.legal_status,
        strength=entry.strength,
        tier=entry.tier,
        enforce=entry.enforce,
        parameters=checked[max(starts)],
        year_from=max(starts),
        summary=entry.summary.model_dump(),
        reading=entry.reading.model_dump(),
    )


def _parameters(kind: str, values: dict[str, Any], where: str) -> Any:
    """Return the parameters of a kind, every fault told with the allowed names."""
    model = KINDS[kind]
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise StandardError(*validation_faults(error, where, None, model=model)) from error


def _changed(rule: Rule, change: dict[str, Any], where: str) -> Rule:
    """Return a rule with a study's changes."""
    if not change:
        return rule
    numbers = {key: value for key, value in change.items() if key != "enforce"}
    enforce = change.get("enforce", rule.enforce)
    spot = f"{where}.{rule.id}"
    allowed = [*KINDS[rule.kind].model_fields, "enforce"]
    faults = [unknown_key(key, allowed, spot) for key in numbers if key not in allowed]
    if not isinstance(enforce, bool):
        values = {"key": "enforce", "expected": ("yes_or_no",), "found": str(enforce)}
        faults.append(Fault("wrong_value", spot, values))
    if faults:
        raise StandardError(*faults)
    before = rule.parameters.model_dump(exclude_none=True)
    parameters = _parameters(rule.kind, before | numbers, spot)
    changed = [(key, before.get(key)) for key in numbers if before.get(key) != numbers[key]]
    if enforce != rule.enforce:
        changed.append(("enforce", rule.enforce))
    return replace(rule, parameters=parameters, enforce=enforce, changed=tuple(changed))


def _unknown_rule(rule_id: str, known: list[str], where: str) -> Fault:
    """Return the fault of a rule id that the standard does not have."""
    guess = nearest_name(rule_id, known)
    values = {"found": rule_id, "allowed": ", ".join(known), "guess": guess}
    return Fault("unknown_rule_near" if guess else "unknown_rule", where, values)
