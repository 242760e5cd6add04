"""What the audit finds in numbers: beds of a kind and staff against elders, beds or residents."""

from __future__ import annotations

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
    no,
    passed,
    unknown,
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

__all__ = [
    "beds_known", "check_rate", "check_share", "counts", "needed_by_area", "parts_of_beds",
]  # fmt: skip

EQUAL = 1e-9


def parts_of_beds(judged: Judged, kind: str) -> NDArray[np.int64]:
    """Return the beds of a kind at the facilities that count."""
    beds = getattr(judged.layout, kind)
    return np.where(judged.qualifies, beds, 0)


def beds_known(problem: Problem, judged: Judged, kind: str) -> bool:
    """Return whether the files say how many beds of a kind every facility that counts has."""
    if kind == "beds":
        return True
    known = problem.sites.knows_nursing if kind == "nursing_beds" else problem.sites.knows_dementia
    return bool(known[judged.qualifies].all())


def counts(problem: Problem, judged: Judged, rule: Rule) -> NDArray[np.bool_]:
    """Return the facilities that a rule is about: those that count, of its owners and its size."""
    chosen = judged.qualifies.copy()
    if rule.parameters.owners:
        chosen &= np.isin(problem.sites.owner.astype(str), list(rule.parameters.owners))
    return chosen & (judged.layout.beds >= (rule.parameters.from_beds or 0))


def check_rate(problem: Problem, judged: Judged, rule: Rule) -> list[Finding]:
    """Return required and counted nursing or dementia beds, or staff, in every area."""
    asked = rule.parameters
    what = asked.beds or asked.staff
    if asked.area == "facility":
        return _staff_by_home(problem, judged, rule)
    areas = areas_of(problem, rule)
    if areas is None:
        return [unknown(rule, asked.area, f"zones.{asked.area}", what)]
    values, missing = _amounts(problem, judged, what)
    needed = needed_by_area(problem, judged, rule, areas)
    if missing or needed is None:
        return [unknown(rule, asked.area, missing or "facts.residents", what)]
    to_build = judged.qualifies & ~problem.sites.is_existing & np.isnan(values)
    findings = []
    for number, (name, need) in enumerate(zip(areas.id, needed, strict=True)):
        here = areas.of_site == number
        stand = float(np.nansum(values[here]))
        dark = stand < need - EQUAL and bool((to_build & here).any())
        verdict: Verdict = "unknown" if dark else passed(stand >= need - EQUAL)
        numbers, note = (need, stand), "to_build" if dark else ""
        findings.append(finding(rule, asked.area, str(name), numbers, what, verdict, note))
    return findings or [finding(rule, "all", "all", (0.0, 0.0), what, "not_applicable")]


def needed_by_area(
    problem: Problem, judged: Judged, rule: Rule, areas: Areas
) -> list[float] | None:
    """Return the beds or staff that a rule asks for in each area; None where residents lack."""
    asked = rule.parameters
    if asked.rate_per_10000 is not None:
        return [float(each) for each in beds_required(areas.elders, asked.rate_per_10000)]
    base = _base(problem, judged, rule)
    if base is None:
        return None
    per = asked.beds_per_staff or asked.residents_per_staff
    sums = [float(base[areas.of_site == number].sum()) for number in range(len(areas.id))]
    return [float(whole_number(each / per)) for each in sums]


def _amounts(problem: Problem, judged: Judged, what: str) -> tuple[NDArray[np.float64], str]:
    """
    Return beds of a kind or staff at each facility that counts, and what is missing, if so.

    Staff of homes that are still to be built are NaN, of what does not count 0.
    """
    if what not in STAFF:
        known = beds_known(problem, judged, what)
        return parts_of_beds(judged, what).astype(float), "" if known else f"existing.{what}"
    values = as_numbers(fact_of(problem, judged.layout, what))
    homes = judged.qualifies & problem.sites.is_existing
    told = homes.any() and not np.isnan(values[homes]).any()
    return np.where(judged.qualifies, values, 0.0), "" if told else f"facts.{what}"


def _base(problem: Problem, judged: Judged, rule: Rule) -> NDArray[np.float64] | None:
    """Return the beds or residents that staff are counted against; None where not known."""
    if rule.parameters.residents_per_staff is None:
        return judged.counted_beds.astype(float)
    residents = as_numbers(fact_of(problem, judged.layout, "residents"))
    if np.isnan(residents[judged.qualifies]).any():
        return None
    return np.where(judged.qualifies, residents, 0.0)


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
    findings = []
    for site in np.flatnonzero(judged.qualifies & ~no(having)).tolist():
        need = np.ceil(np.round(base[site] / many, 9))
        told = {asked.having: said_yes(having[site]), "residents": not np.isnan(base[site])}
        told[asked.staff] = not np.isnan(has[site])
        lacks = next((name for name, known in told.items() if not known), None)
        verdict, note = passed(bool(has[site] >= need - EQUAL)), ""
        if lacks is not None:
            exists = bool(problem.sites.is_existing[site])
            verdict, note = "unknown", f"needs:facts.{lacks}" if exists else "to_build"
        numbers = (float(need), float(has[site]))
        name = str(problem.sites.id[site])
        findings.append(finding(rule, "facility", name, numbers, asked.staff, verdict, note))
    return findings or [finding(rule, "all", "all", (0.0, 0.0), asked.staff, "not_applicable")]


def check_share(problem: Problem, judged: Judged, rule: Rule) -> list[Finding]:
    """Return the least and the measured share of a part, in every area or home."""
    asked = rule.parameters
    areas = problem.areas.get("all") if asked.per == "facility" else areas_of(problem, rule)
    if areas is None:
        return [unknown(rule, asked.per, f"zones.{asked.per}", "share")]
    chosen = counts(problem, judged, rule)
    if asked.owners and (problem.sites.owner[judged.qualifies] == "").any():
        return [unknown(rule, asked.per, "existing.ownership", "share")]
    part, whole, missing = _part_and_whole(problem, judged, rule, chosen)
    if missing:
        return [unknown(rule, asked.per, missing, "share")]
    place = np.arange(problem.sites.n) if asked.per == "facility" else areas.of_site
    names = problem.sites.id if asked.per == "facility" else areas.id
    findings = []
    for number in range(len(names)):
        here = (place == number) & chosen
        total = float(whole[here].sum())
        if asked.per == "facility" and not here.any():
            continue
        if total <= 0:
            numbers = (asked.min_share, 0.0)
            findings.append(
                finding(rule, asked.per, str(names[number]), numbers, "share", "not_applicable")
            )
            continue
        got = float(part[here].sum())
        met = got >= asked.min_share * total - EQUAL * max(total, 1.0)
        numbers = (asked.min_share, got / total)
        verdict = passed(met)
        findings.append(finding(rule, asked.per, str(names[number]), numbers, "share", verdict))
    return findings or [
        finding(rule, "all", "all", (asked.min_share, 0.0), "share", "not_applicable")
    ]


def _part_and_whole(
    problem: Problem, judged: Judged, rule: Rule, chosen: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], str]:
    """Return a part and the whole at each facility, and what is missing, if anything is."""
    asked, beds = rule.parameters, judged.layout.beds.astype(float)
    if asked.part in {"nursing_beds", "dementia_beds"}:
        known = beds_known(problem, judged, asked.part)
        part = parts_of_beds(judged, asked.part).astype(float)
        return part, beds, "" if known else f"existing.{asked.part}"
    facts = fact_of(problem, judged.layout, asked.part)
    if asked.of == "facilities":
        known = bool((yes(facts) | no(facts))[chosen].all())
        part = yes(facts).astype(float)
        return part, np.ones(len(part)), "" if known else f"facts.{asked.part}"
    whole, lacks = beds, ""
    if asked.of != "beds":
        whole, lacks = _amounts(problem, judged, asked.of)
    part = as_numbers(facts)
    lacks = lacks or (f"facts.{asked.of}" if np.isnan(whole[chosen]).any() else "")
    return part, whole, lacks or (f"facts.{asked.part}" if np.isnan(part[chosen]).any() else "")
