"""What the rules of a standard must agree in: distances, beds inside beds, words that are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from siting.errors import Fault, nearest_name
from siting.standards.kinds import BED_KINDS, FUNCTIONS, STAFF
from siting.texts import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from siting.standards.standard import Rule

__all__ = ["OWNERS", "WORDS", "contradictions", "named_words", "unknown_words"]

OWNERS = ("public", "public_private", "private")
"""Who may own a home."""

WORDS: dict[str, tuple[str, ...]] = {
    "ratio": ("having",),
    "share": ("part",),
    "count": ("what", "sum_of"),
    "coverage": ("what",),
    "presence": ("function", "any_of"),
    "threshold": ("having", "needs"),
    "colocation": ("what", "beside", "needs", "hosts"),
    "preference": ("fact",),
    "money": ("basis", "what", "excludes"),
    "note": (),
}
"""Parameters of each kind of rule that name a function, a fact or staff."""


def named_words() -> frozenset[str]:
    """Return the words that every study knows: those of the packaged standards among them."""
    start = "names."
    return frozenset(key.removeprefix(start) for key in catalogue() if key.startswith(start))


def unknown_words(
    kind: str, values: Mapping[str, Any], known: frozenset[str], where: str
) -> list[Fault]:
    """
    Return the faults of words that no input can have, and of owners that there are not.

    Parameters
    ----------
    kind, values
        Kind of the rule, and its parameters as written.
    known
        Words that are known.
    where
        File, line, rule and year.
    """
    faults = []
    for key in WORDS[kind]:
        faults += [_unknown_word(key, word, known, where)
                   for word in _listed(values.get(key)) if word not in known]  # fmt: skip
    for word in _listed(values.get("owners")):
        if word not in OWNERS:
            told = {"key": "owners", "expected": OWNERS, "found": f'"{word}"'}
            faults.append(Fault("wrong_value", where, told))
    return faults


def _listed(value: Any) -> list[str]:
    """Return one word or several as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _unknown_word(key: str, word: str, known: frozenset[str], where: str) -> Fault:
    """Return the fault of a word that no input has, with the nearest one."""
    guess = nearest_name(word, sorted(known))
    own = sorted(known - named_words())
    allowed = ", ".join([*BED_KINDS, "residents", *STAFF, *FUNCTIONS, *own])
    values = {"key": key, "found": word, "allowed": allowed, "guess": guess}
    return Fault("unknown_word_near" if guess else "unknown_word", where, values)


def contradictions(rules: Iterable[Rule], places: Mapping[str, str]) -> list[Fault]:
    """
    Return the faults of rules in force that cannot hold together.

    Two distances for one density class, classes that overlap, and more dementia beds than the
    nursing beds that are asked for over the same area.

    Parameters
    ----------
    rules
        Rules in force.
    places
        Rule id to where the rule stands.
    """
    listed = list(rules)
    return [*_distances(listed, places), *_beds_in_beds(listed, places)]


def _distances(rules: list[Rule], places: Mapping[str, str]) -> list[Fault]:
    """Return the fault of two distances for one density class, or of classes that overlap."""
    limits: dict[str, float] = {}
    faults, medium = [], ""
    for rule in rules:
        if rule.kind != "coverage" or rule.parameters.distance_m is None:
            continue
        given, name = rule.parameters, rule.parameters.density_class
        if name in limits:
            faults.append(Fault("class_twice", places[rule.id], {"found": rule.id}))
        limits[name] = given.density_above_per_km2 or given.density_from_per_km2
        medium = rule.id if name == "medium" else medium
    if limits.get("medium", 0.0) > limits.get("high", float("inf")):
        values = {"low": f"{limits['medium']:g}", "high": f"{limits['high']:g}"}
        faults.append(Fault("classes_overlap", places[medium], values))
    return faults


def _beds_in_beds(rules: list[Rule], places: Mapping[str, str]) -> list[Fault]:
    """Return the faults of rules that ask for more dementia beds than any asks for nursing beds."""
    inner = [rule for rule in rules if _beds_of(rule) == "dementia_beds"]
    outer = [rule for rule in rules if _beds_of(rule) == "nursing_beds"]
    faults = []
    for one in inner:
        same = [other for other in outer if _population(one) == _population(other)]
        other = max((each for each in same if _meet(one, each)), key=_asked, default=None)
        if other is not None and _asked(one) > _asked(other):
            values = {
                "found": one.id, "low": f"{_asked(one):g}",
                "other": other.id, "high": f"{_asked(other):g}",
            }  # fmt: skip
            faults.append(Fault("dementia_above_nursing", places[one.id], values))
    return faults


def _beds_of(rule: Rule) -> str | None:
    """Return the beds that a rate for 10,000 elders or a share of all beds is about."""
    if rule.kind == "ratio":
        return str(rule.parameters.beds) if rule.parameters.beds is not None else None
    return str(rule.parameters.part) if rule.kind == "share" else None


def _population(rule: Rule) -> tuple[Any, ...]:
    """Return what two rules must have in common to be compared: form, area, owners, size."""
    asked = rule.parameters
    if rule.kind == "ratio":
        return ("ratio", asked.area)
    return ("share", asked.per, frozenset(asked.owners), asked.from_beds)


def _meet(one: Rule, other: Rule) -> bool:
    """Return whether two rules are about an area in common."""
    first, second = set(one.parameters.only), set(other.parameters.only)
    return not first or not second or bool(first & second)


def _asked(rule: Rule) -> float:
    """Return the rate or the share that a rule asks for."""
    asked = rule.parameters
    return float(asked.rate_per_10000 if rule.kind == "ratio" else asked.min_share)
