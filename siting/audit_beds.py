"""What the audit finds in numbers: beds of a kind and staff against elders, beds or residents."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from siting.facts import said_yes
from siting.finding import (
    Finding,
    Judged,
    Verdict,
    areas_of,
    as_numbers,
    fact_of,
    finding,
    is_inside,
    most_telling,
    no,
    passed,
    unknown,
    untold,
    whole_number,
    yes,
)
from siting.problem import beds_required
from siting.standards import STAFF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.areas import Areas
    from siting.problem import Problem
    from siting.standards import Rule

__all__ = ["check_rate", "check_share", "needed_by_area"]

EQUAL = 1e-9


def check_rate(problem: Problem, judged: Judged, rule: Rule) -> list[Finding]:
    """Return required and counted nursing or dementia beds, or staff, in every area."""
    asked = rule.parameters
    what = asked.beds or asked.staff
    if asked.area == "facility":
        return _staff_by_home(problem, judged, rule)
    areas = areas_of(problem, rule)
    if areas is None:
        return [unknown(rule, asked.area, f"zones.{asked.area}", what)]
    values, base = _amounts(problem, judged, what), _base(problem, judged, rule)
    none = not (judged.qualifies & (areas.of_site >= 0)).any()
    if what in STAFF and none and len(areas.id):
        return [unknown(rule, asked.area, f"facts.{what}", what)]
    findings = []
    for number, (name, need) in enumerate(zip(areas.id, _needed(rule, areas, base), strict=True)):
        here = areas.of_site == number
        notes = [
            untold(problem, what, here & np.isnan(values)),
            untold(problem, "residents", here & np.isnan(base)),
        ]
        stand = float(np.nansum(values[here]))
        note = most_telling(notes)
        if note == "to_build" and stand >= need - EQUAL:
            note = ""
        if notes[0].startswith("needs:"):
            stand = np.nan
        verdict: Verdict = "unknown" if note else passed(stand >= need - EQUAL)
        findings.append(finding(rule, asked.area, str(name), (need, stand), what, verdict, note))
    return findings or [finding(rule, "all", "all", (0.0, 0.0), what, "not_applicable")]


def needed_by_area(
    problem: Problem, judged: Judged, rule: Rule, areas: Areas
) -> list[float] | None:
    """Return the beds or staff that a rule asks for in each area; None where residents lack."""
    needed = _needed(rule, areas, _base(problem, judged, rule))
    return None if np.isnan(needed).any() else needed


def _needed(rule: Rule, areas: Areas, base: NDArray[np.float64]) -> list[float]:
    """Return the beds or staff that a rule asks for in each area; NaN where its base is not."""
    asked = rule.parameters
    if asked.rate_per_10000 is not None:
        return [float(each) for each in beds_required(areas.elders, asked.rate_per_10000)]
    per = asked.beds_per_staff or asked.residents_per_staff
    sums = [float(base[areas.of_site == number].sum()) for number in range(len(areas.id))]
    return [each if np.isnan(each) else float(whole_number(each / per)) for each in sums]


def _amounts(problem: Problem, judged: Judged, what: str) -> NDArray[np.float64]:
    """
    Return beds of a kind, staff or residents at each facility; 0 at what does not count.

    NaN where that is not told.
    """
    values = as_numbers(fact_of(problem, judged.layout, what))
    return np.where(judged.qualifies, values, 0.0)


def _base(problem: Problem, judged: Judged, rule: Rule) -> NDArray[np.float64]:
    """Return the beds or residents that staff are counted against; NaN where not told."""
    if rule.parameters.residents_per_staff is None:
        return judged.counted_beds.astype(float)
    return _amounts(problem, judged, "residents")


def _staff_by_home(problem: Problem, judged: Judged, rule: Rule) -> list[Finding]:
    """Return required and found staff of every facility that counts."""
    asked, layout = rule.parameters, judged.layout
    base = layout.beds.astype(float)
    if asked.residents_per_staff is not None:
        base = as_numbers(fact_of(problem, layout, "residents"))
    has = as_numbers(fact_of(problem, layout, asked.staff))
    having = np.full(problem.sites.n, asked.having is None, dtype=object)
    if asked.having is not None:
        having = fact_of(problem, layout, asked.having)
    many = asked.beds_per_staff or asked.residents_per_staff
    findings, to_build = [], 0
    about = judged.qualifies & ~no(having) & is_inside(problem)
    for site in np.flatnonzero(about).tolist():
        need = np.ceil(np.round(base[site] / many, 9))
        told = {asked.having: said_yes(having[site]), "residents": not np.isnan(base[site])}
        told[asked.staff] = not np.isnan(has[site])
        lacks = next((name for name, known in told.items() if not known), None)
        verdict, note = passed(bool(has[site] >= need - EQUAL)), ""
        if lacks is not None:
            verdict, note = "unknown", untold(problem, lacks, np.arange(problem.sites.n) == site)
        if note == "to_build" and lacks != asked.staff:
            to_build += 1
            continue
        numbers = (float(need), float(has[site]))
        name = str(problem.sites.id[site])
        findings.append(finding(rule, "facility", name, numbers, asked.staff, verdict, note))
    if to_build:
        nothing, note = (np.nan, np.nan), f"to_build:{to_build}"
        findings.append(finding(rule, "facility", "all", nothing, asked.staff, "unknown", note))
    return findings or [finding(rule, "all", "all", (0.0, 0.0), asked.staff, "not_applicable")]


def check_share(problem: Problem, judged: Judged, rule: Rule) -> list[Finding]:
    """Return the least and the measured share of a part, in every area or home."""
    asked = rule.parameters
    areas = problem.areas.get("all") if asked.per == "facility" else areas_of(problem, rule)
    if areas is None:
        return [unknown(rule, asked.per, f"zones.{asked.per}", "share")]
    chosen, nobodys = _about(problem, judged, rule)
    part, whole = _part_and_whole(problem, judged, rule)
    dark = {
        "ownership": nobodys,
        asked.of: chosen & np.isnan(whole),
        asked.part: chosen & np.isnan(part),
    }
    place, names = areas.of_site, areas.id
    if asked.per == "facility":
        about = (chosen | nobodys) & is_inside(problem)
        names = problem.sites.id[about]
        place = np.where(about, np.cumsum(about) - 1, -1)
    findings = []
    for number, name in enumerate(names):
        here = place == number
        notes = [untold(problem, what, here & unclear) for what, unclear in dark.items()]
        amounts = part[here & chosen], whole[here & chosen]
        findings.append(_shared(rule, str(name), amounts, most_telling(notes)))
    if asked.per == "facility":
        findings = _gathered(rule, findings)
    return findings or [
        finding(rule, "all", "all", (asked.min_share, 0.0), "share", "not_applicable")
    ]


def _about(
    problem: Problem, judged: Judged, rule: Rule
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the facilities that a share is about, and those of which no file says whose."""
    asked, owner = rule.parameters, problem.sites.owner
    fits = judged.qualifies & (judged.layout.beds >= (asked.from_beds or 0))
    if not asked.owners:
        return fits, np.zeros(len(fits), dtype=bool)
    return fits & np.isin(owner.astype(str), list(asked.owners)), fits & (owner == "")


def _part_and_whole(
    problem: Problem, judged: Judged, rule: Rule
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a part and the whole at each facility; NaN where that is not told."""
    asked = rule.parameters
    facts = fact_of(problem, judged.layout, asked.part)
    if asked.of == "facilities":
        part = np.where(yes(facts) | no(facts), yes(facts), np.nan)
        return part, np.ones(len(part))
    return as_numbers(facts), as_numbers(fact_of(problem, judged.layout, asked.of))


def _shared(
    rule: Rule, name: str, amounts: tuple[NDArray[np.float64], NDArray[np.float64]], note: str
) -> Finding:
    """Return the least and the measured share of one area or home."""
    least, scope = float(rule.parameters.min_share), rule.parameters.per
    if note:
        return finding(rule, scope, name, (least, np.nan), "share", "unknown", note)
    part, whole = (float(each.sum()) for each in amounts)
    if whole <= 0:
        return finding(rule, scope, name, (least, 0.0), "share", "not_applicable")
    verdict = passed(part >= least * whole - EQUAL * max(whole, 1.0))
    return finding(rule, scope, name, (least, part / whole), "share", verdict)


def _gathered(rule: Rule, findings: list[Finding]) -> list[Finding]:
    """Return findings of homes, those that lack one thing as one."""
    told = [each for each in findings if each.verdict != "unknown"]
    lacks = Counter(each.note for each in findings if each.verdict == "unknown")
    numbers = (float(rule.parameters.min_share), np.nan)
    for note, many in lacks.items():
        said = f"{note}:{many}" if note == "to_build" else note
        told.append(finding(rule, "facility", "all", numbers, "share", "unknown", said))
    return told
