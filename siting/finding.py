"""What the audit finds, and what it measures on a layout before any rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from siting.areas import some_areas
from siting.facts import said_yes
from siting.standards import BED_KINDS, FUNCTIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.areas import Areas
    from siting.problem import Layout, Problem
    from siting.standards import Rule

__all__ = [
    "Finding",
    "Judged",
    "Verdict",
    "areas_of",
    "as_numbers",
    "fact_of",
    "finding",
    "input_of",
    "is_inside",
    "most_telling",
    "no",
    "passed",
    "unknown",
    "untold",
    "whole_number",
    "yes",
]

Verdict = Literal["met", "unmet", "not_applicable", "unknown"]


@dataclass(frozen=True)
class Finding:
    """
    What one rule finds in one place.

    Attributes
    ----------
    rule_id, clause, legal_status, enforced
        Of the rule.
    scope, scope_id
        ``unit``, ``zone``, ``district``, ``street``, … or ``all``, and which.
    required, measured, unit
        Two numbers and what they count; NaN where nothing can be measured.
    verdict
        ``met``, ``unmet``, ``not_applicable`` or ``unknown``.
    note
        A code that says more, or empty.
    """

    rule_id: str
    clause: str
    legal_status: str
    scope: str
    scope_id: str
    required: float
    measured: float
    unit: str
    verdict: Verdict
    enforced: bool
    note: str = ""


@dataclass(frozen=True)
class Judged:
    """
    What the audit measures on a layout, before any rule.

    Attributes
    ----------
    layout
        What stands where.
    qualifies
        (n_sites,) facilities that count.
    nearest_site
        (n_demand,) nearest qualifying facility by the distance that binds, -1 where there is none.
    network_m, straight_m
        (n_demand,) to the nearest on foot and in a straight line; NaN where there is none.
    covered
        (n_demand,) within the point's standard; False without a duty.
    counted_beds
        (n_sites,) beds of facilities that count.
    """

    layout: Layout
    qualifies: NDArray[np.bool_]
    nearest_site: NDArray[np.int64]
    network_m: NDArray[np.float64]
    straight_m: NDArray[np.float64]
    covered: NDArray[np.bool_]
    counted_beds: NDArray[np.int64]


def finding(rule: Rule, scope: str, scope_id: str, numbers: tuple[float, float], unit: str,
             verdict: Verdict, note: str = "") -> Finding:  # fmt: skip
    """Return a finding of a rule."""
    required, measured = numbers
    return Finding(
        rule.id, rule.clause, rule.legal_status, scope, scope_id, required, measured, unit,
        verdict, rule.enforce, note,
    )  # fmt: skip


def fact_of(problem: Problem, layout: Layout, name: str) -> NDArray[np.object_]:
    """
    Return what is known of a fact or a function at each open facility; None where nothing is.

    A function stands where the layout lists it. A home whose functions no file tells has those
    that the plan adds, and may have any other; a new home says nothing of a function that the
    scenario does not price, nor of any other fact.
    """
    sites = problem.sites
    if name in BED_KINDS:
        told = {"nursing_beds": sites.knows_nursing, "dementia_beds": sites.knows_dementia}
        beds: NDArray[np.object_] = getattr(layout, name).astype(float).astype(object)
        beds[~layout.is_open | ~told.get(name, layout.is_open)] = None
        return beds
    is_function = name in FUNCTIONS or name in problem.functions
    known: list[Any] = [None] * sites.n
    for site in np.flatnonzero(layout.is_open).tolist():
        if is_function:
            known[site] = _has_function(problem, layout, site, name)
        else:
            known[site] = sites.facts[site].get(name)
    found = np.empty(sites.n, dtype=object)
    found[:] = known
    return found


def _has_function(problem: Problem, layout: Layout, site: int, name: str) -> bool | None:
    """Return whether an open facility has a function, or None where that is not known."""
    stands = layout.functions[site]
    if stands is None or name in stands:
        return None if stands is None else True
    if problem.sites.is_existing[site]:
        return None if problem.sites.functions[site] is None else False
    return False if name in problem.functions else None


def yes(facts: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Return which facts say yes."""
    return np.array([said_yes(each) is True for each in facts], dtype=bool)


def no(facts: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Return which facts say no; what is not told says neither."""
    return np.array([said_yes(each) is False for each in facts], dtype=bool)


def as_numbers(facts: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return facts as numbers, NaN where they are none."""
    told = [each if isinstance(each, float) else np.nan for each in facts]
    return np.array(told, dtype=np.float64)


def areas_of(problem: Problem, rule: Rule) -> Areas | None:
    """Return the areas that a rule is counted in, those it names or all; None if no file tells."""
    asked = rule.parameters
    return some_areas(problem.areas, getattr(asked, "area", asked.per), getattr(asked, "only", ()))


def whole_number(number: float) -> int:
    """Return the least whole number that is not less, forgiving what floats add."""
    return int(np.ceil(round(number, 9)))


def passed(good: bool) -> Verdict:  # noqa: FBT001 - a yes or no is all there is
    """Return met or unmet."""
    return "met" if good else "unmet"


def unknown(rule: Rule, scope: str, needs: str, unit: str) -> Finding:
    """Return the finding of a rule that the inputs cannot judge, with what is missing."""
    only: tuple[str, ...] = getattr(rule.parameters, "only", ())
    name = str(only[0]) if len(only) == 1 else "all"
    return finding(rule, scope, name, (np.nan, np.nan), unit, "unknown", f"needs:{needs}")


def is_inside(problem: Problem) -> NDArray[np.bool_]:
    """Return the sites in the study area; of what lies outside no rule asks anything."""
    return problem.site_unit >= 0


def input_of(problem: Problem, what: str) -> str:
    """Return what a file would have to tell of: functions, beds of a kind, owners or a fact."""
    if what in BED_KINDS or what == "ownership":
        return f"existing.{what}"
    is_function = what in FUNCTIONS or what in problem.functions
    return "existing.functions" if is_function else f"facts.{what}"


def untold(problem: Problem, what: str, dark: NDArray[np.bool_]) -> str:
    """
    Return the note of what is not told of some facilities, empty where there are none.

    Homes that stand come first: a file could tell of them. Of new ones nothing is told yet; of a
    function of theirs nothing is known where the scenario gives it no price.
    """
    if not dark.any():
        return ""
    if (dark & problem.sites.is_existing).any():
        return f"needs:{input_of(problem, what)}"
    return f"needs:functions.{what}" if what in FUNCTIONS else "to_build"


def most_telling(notes: list[str]) -> str:
    """Return the first of some notes that names an input, else the first that says anything."""
    told = [each for each in notes if each]
    return next((each for each in told if each.startswith("needs:")), told[0] if told else "")
