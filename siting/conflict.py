"""One conflict, as it is found and as it is said."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from siting.texts import catalogue, percent, text

__all__ = ["KINDS", "NUMBERS", "Conflict", "input_words"]

KINDS = ("occupancy", "locks", "two_numbers", "over_supply", "thin_data")
"""Kinds of conflict, in the order in which they are listed."""
STREETS = dict.fromkeys(("urban_street", "town", "circle", "urban_zone", "village"), "street")
"""Kinds of area that the names of streets and towns tell of."""
NUMBERS = ("required", "other_required", "measured", "possible")


@dataclass(frozen=True)
class Conflict:
    """
    One conflict between rules, or between a rule and what is decided or known.

    Attributes
    ----------
    kind
        One of ``KINDS``.
    rule_id, clause
        The rule; of thin data: the ids of all rules concerned, separated by blanks.
    other_id, other_clause
        The rule that it clashes with; empty where there is none.
    scope, scope_id
        Where; of several places the one in which the numbers differ most.
    count
        Places or rules concerned.
    required, other_required
        What the rule and the other one ask for; of over-supply the need in beds, and how many
        times the need may be planned for; of occupancy with the note ``planned`` the plan's beds.
    measured
        Occupancy: residents that the files tell; locks: what the plan reaches; over-supply:
        beds planned.
    possible
        Occupancy: the highest share that these beds could be taken; locks: what could be
        reached without them; over-supply: beds that stand today.
    unit
        What ``required`` counts.
    note
        A code that says more: the lock, the missing input, the reason, or empty.
    examples
        Sites concerned, at most five.
    """

    kind: str
    rule_id: str
    clause: str = ""
    other_id: str = ""
    other_clause: str = ""
    scope: str = "all"
    scope_id: str = "all"
    count: int = 1
    required: float = math.nan
    other_required: float = math.nan
    measured: float = math.nan
    possible: float = math.nan
    unit: str = ""
    note: str = ""
    examples: tuple[str, ...] = ()

    def render(self, language: str) -> str:
        """Return the conflict as a sentence in ``zh`` or ``en``."""
        values: dict[str, Any] = asdict(self) | {
            key: _number(getattr(self, key), is_share=key in self._shares()) for key in NUMBERS
        }
        values["place"] = _place_words(self.scope, self.scope_id, language)
        values["examples"] = ", ".join(self.examples) or "–"
        if self.kind in {"locks", "two_numbers"} and self.unit != "share":
            keys = (f"conflicts.unit_{self.unit}", f"names.{self.unit}")
            unit = next((text(key, language) for key in keys if key in catalogue()), self.unit)
            number = values["required"]
            values["required"] = text("conflicts.amount", language, number=number, unit=unit)
        values["needs"] = input_words(self.note, language)
        values["more"] = ""
        if self.kind in {"locks", "two_numbers", "over_supply"} and self.note:
            note = "several" if " " in self.note else self.note
            values["more"] = text(f"conflicts.{self.kind}_{note}", language, **values)
        return text(self._sentence(), language, **values).strip()

    def to_record(self, language: str) -> dict[str, Any]:
        """Return the conflict in plain types with its sentence; a number not there is None."""
        held = {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in asdict(self).items()
        }
        return held | {"examples": list(self.examples), "message": self.render(language)}

    def _shares(self) -> set[str]:
        """Return which numbers are shares."""
        if self.kind == "occupancy":
            return {"other_required", "possible"}
        return set(NUMBERS) if self.unit == "share" else set()

    def _sentence(self) -> str:
        """Return the name of the sentence."""
        if self.kind == "thin_data" and self.other_id:
            return "conflicts.thin_data_both"
        if self.kind == "occupancy" and self.note:
            return "conflicts.occupancy_planned"
        is_new = self.kind == "thin_data" and self.note == "to_build"
        return "conflicts.thin_to_build" if is_new else f"conflicts.{self.kind}"


def _number(value: float, *, is_share: bool) -> str:
    """Return a number as it is said."""
    if math.isnan(value):
        return "–"
    return percent(value) if is_share else f"{value:,.10g}"


def _place_words(scope: str, name: str, language: str) -> str:
    """Return a place in words."""
    kind = _words("tables", f"scope_{scope}", language)
    return kind if scope == "all" else text("conflicts.place", language, kind=kind, name=name)


def _words(file: str, code: str, language: str) -> str:
    """Return the words for a code, or the code itself where the catalogue has none."""
    key = f"{file}.{code}"
    return text(key, language) if key in catalogue() else code


def input_words(needs: str, language: str) -> str:
    """
    Return a missing input in words, with its key of the scenario where it has one.

    Examples
    --------
    >>> input_words("facts.nurses", "en"), input_words("carer_register", "en")
    ('nurses (facts.nurses)', 'register of family carers')
    """
    part, _, last = needs.rpartition(".")
    if not part:
        return _words("names", last, language)
    known = f"conflicts.input_{part}_{STREETS.get(last, last)}"
    key = known if known in catalogue() else f"names.{last}"
    if key not in catalogue():
        return needs
    form = "conflicts.input_price" if part == "functions" else "conflicts.input"
    return text(form, language, said=text(key, language), key=needs)
