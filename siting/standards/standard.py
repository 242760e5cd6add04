"""Read a standard: a YAML file of rules, each with its clause, legal status and values by year."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from siting.errors import Fault, StandardError
from siting.scenario_file import unknown_key, validation_faults
from siting.standards.consistency import contradictions, named_words, unknown_words
from siting.standards.describe import DESCRIBE
from siting.standards.kinds import KINDS
from siting.standards.standard_file import (
    packaged_file,
    packaged_standards,
    path_of,
    read_file,
    unknown_rule,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from siting.standards.standard_file import (
        FileRule,
        Joined,
        LegalStatus,
        StandardFile,
        Strength,
    )

__all__ = ["Rule", "Standard", "read_standard"]


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

    def numbers(self) -> dict[str, Any]:
        """Return the parameters that differ from their default, in plain types."""
        plain_types: dict[str, Any] = self.parameters.model_dump(mode="json", exclude_defaults=True)
        return plain_types


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
    words
        Functions, facts and staff that its rules may name.
    joined
        What it makes of the standard that it extends; None if it extends none.
    packaged
        It comes with the program, not from a planner.
    """

    id: str
    name: dict[str, str]
    jurisdiction: dict[str, str]
    source: dict[str, str]
    rules: tuple[Rule, ...]
    values: dict[str, dict[int, dict[str, Any]]]
    words: frozenset[str] = field(default_factory=named_words, repr=False)
    joined: Joined | None = None
    packaged: bool = False

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
            If a rule is unknown or not yet in force, a parameter or a word is unknown, a value is
            not allowed, or the changed rules contradict each other. All faults are collected.
        """
        faults = [
            self._not_to_change(rule_id, where) for rule_id in changes if self.rule(rule_id) is None
        ]
        rules = []
        for rule in self.rules:
            change = changes.get(rule.id, {})
            try:
                rules.append(_changed(rule, change, where))
                faults += unknown_words(rule.kind, change, self.words, f"{where}.{rule.id}")
            except StandardError as error:
                faults += error.faults
        faults = faults or contradictions(rules, {each.id: f"{where}.{each.id}" for each in rules})
        if faults:
            raise StandardError(*faults)
        return replace(self, rules=tuple(rules))

    def _not_to_change(self, rule_id: str, where: str) -> Fault:
        """Return the fault of changing a rule that is unknown, or starts in a later year."""
        if rule_id in self.values:
            first = min(self.values[rule_id])
            return Fault("rule_later", f"{where}.{rule_id}", {"found": rule_id, "first": first})
        return unknown_rule(rule_id, list(self.values), where)


def read_standard(
    name: str, *, year: int, folder: Path | None = None, known_words: Iterable[str] = ()
) -> Standard:
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
    known_words
        Functions and facts that the study declares, beside those of the packaged standards and
        the standard's own ``words``.

    Returns
    -------
    standard
        Its rules in force in the year, and the values of all years.

    Raises
    ------
    StandardError
        If there is no such standard, its file or one that it extends is malformed, its rules
        contradict each other, or a rule names a word that is not known.
    """
    if name in packaged_standards():
        own = _in_year(packaged_file(name), year, f"{name}.yaml", frozenset(known_words))
        return replace(own, packaged=True)
    path = path_of(name, folder or Path(), "standard")
    return _in_year(read_file(path), year, path.name, frozenset(known_words))


def _in_year(found: StandardFile, year: int, where: str, known: frozenset[str]) -> Standard:
    """Return what a file holds with the rules in force in a year."""
    words = named_words() | found.words | known
    faults = [
        fault
        for rule in found.rules
        for start, values in rule.entry.values.items()
        for fault in unknown_words(rule.entry.kind, values, words, rule.year_where[start])
    ]
    rules = tuple(rule for each in found.rules if (rule := _in_force(each, year)) is not None)
    places = {each.entry.id: f"{each.where} {each.entry.id}" for each in found.rules}
    faults = faults or contradictions(rules, places)
    if not rules and not faults:
        first = min(start for each in found.rules for start in each.parameters)
        faults = [Fault("year_before_first", where, {"year": year, "first": first})]
    if faults:
        raise StandardError(*faults)
    values = {each.entry.id: each.entry.values for each in found.rules}
    return Standard(**found.head, rules=rules, values=values, words=words, joined=found.joined)


def _in_force(found: FileRule, year: int) -> Rule | None:
    """Return the rule with the newest values not later than a year, or None before its first."""
    starts = [start for start in found.parameters if start <= year]
    if not starts:
        return None
    entry = found.entry
    return Rule(
        id=entry.id,
        kind=entry.kind,
        clause=entry.clause,
        legal_status=entry.legal_status,
        strength=entry.strength,
        tier=entry.tier,
        enforce=entry.enforce,
        parameters=found.parameters[max(starts)],
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
    before = rule.parameters.model_dump(exclude_defaults=True)
    parameters = _parameters(rule.kind, before | numbers, spot)
    changed = [(key, before.get(key)) for key in numbers if before.get(key) != numbers[key]]
    if enforce != rule.enforce:
        changed.append(("enforce", rule.enforce))
    return replace(rule, parameters=parameters, enforce=enforce, changed=tuple(changed))
