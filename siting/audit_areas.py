"""What the audit finds in areas: homes with something per area, shares of areas, circles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from siting.finding import (
    Finding,
    Judged,
    Verdict,
    areas_of,
    as_numbers,
    fact_of,
    finding,
    most_telling,
    no,
    passed,
    unknown,
    untold,
    whole_number,
    yes,
)
from siting.minima import INSTITUTION_ONLY, few_elders, is_high, is_reserved

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.areas import Areas
    from siting.problem import Problem
    from siting.standards import Rule

__all__ = ["check_area_count", "check_area_share", "check_presence", "circle_status"]

FIRST = 5
"""Areas that a note names."""

TOLD_BY = {
    "circle": "zones.street",
    "street": "zones.street",
    "town": "zones.street",
    "island": "zones.island",
    "unit": "units",
}
"""What a file would have to say for areas of a kind to be known."""


def _with_it(
    problem: Problem, judged: Judged, what: str
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the open facilities that have something, and those of which it is not known."""
    facts = fact_of(problem, judged.layout, what)
    has, dark = yes(facts), ~yes(facts) & ~no(facts) & judged.layout.is_open
    if what in INSTITUTION_ONLY:
        return has & judged.qualifies, dark & judged.qualifies
    return has, dark


def check_area_count(problem: Problem, judged: Judged, rule: Rule) -> list[Finding]:
    """Return required and found facilities with something in every area."""
    asked = rule.parameters
    areas = areas_of(problem, rule)
    if areas is None:
        return [unknown(rule, asked.per, f"zones.{asked.per}", "facilities")]
    if asked.sum_of is not None:
        return _sums(problem, judged, rule, areas)
    chosen, maybe, reasons = _counted(problem, judged, rule)
    findings = []
    for number, name in enumerate(areas.id):
        here = areas.of_site == number
        dark = maybe & here
        notes = [untold(problem, what, dark & unclear) for what, unclear in reasons.items()]
        found = int((chosen & here).sum())
        numbers = (float(asked.min_count), float(found))
        verdict, note = _verdict(found, asked.min_count, int(dark.sum()), most_telling(notes))
        findings.append(finding(rule, asked.per, str(name), numbers, "facilities", verdict, note))
    nothing = (float(asked.min_count), 0.0)
    return findings or [finding(rule, "all", "all", nothing, "facilities", "not_applicable")]


def _counted(
    problem: Problem, judged: Judged, rule: Rule
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], dict[str, NDArray[np.bool_]]]:
    """
    Return the facilities that a rule counts, those that it might, and why that is not known.

    The last is what is not told, each with the facilities of which it is not.
    """
    asked, layout, owner = rule.parameters, judged.layout, problem.sites.owner
    fits = judged.qualifies.copy() if asked.owners or asked.min_beds else layout.is_open.copy()
    fits &= layout.beds >= (asked.min_beds or 0)
    could = fits.copy()
    reasons: dict[str, NDArray[np.bool_]] = {}
    if asked.owners:
        mine, reasons["ownership"] = np.isin(owner.astype(str), list(asked.owners)), owner == ""
        fits, could = fits & mine, could & (mine | reasons["ownership"])
    if asked.min_dementia_beds is not None:
        enough = layout.dementia_beds >= asked.min_dementia_beds
        reasons["dementia_beds"] = ~enough & ~problem.sites.knows_dementia
        fits, could = fits & enough, could & (enough | reasons["dementia_beds"])
    if asked.what is not None:
        has, reasons[asked.what] = _with_it(problem, judged, asked.what)
        fits, could = fits & has, could & (has | reasons[asked.what])
    return fits, could & ~fits, reasons


def _sums(problem: Problem, judged: Judged, rule: Rule, areas: Areas) -> list[Finding]:
    """Return the required and the found sum of a fact in every area."""
    asked = rule.parameters
    values = as_numbers(fact_of(problem, judged.layout, asked.sum_of))
    homes = judged.layout.is_open & problem.sites.is_existing
    homes &= areas.of_site >= 0
    nobodys = np.zeros(len(homes), dtype=bool)
    if asked.owners:
        homes &= np.isin(problem.sites.owner.astype(str), [*asked.owners, ""])
        nobodys = homes & (problem.sites.owner == "")
    if not homes.any() and len(areas.id):
        return [unknown(rule, asked.per, f"facts.{asked.sum_of}", asked.sum_of)]
    findings = []
    for number, name in enumerate(areas.id):
        here = homes & (areas.of_site == number)
        found = float(values[here].sum())
        note = untold(problem, "ownership", nobodys & here)
        note = note or untold(problem, asked.sum_of, here & np.isnan(values))
        numbers = (float(asked.min_count), np.nan if note else found)
        verdict: Verdict = "unknown" if note else passed(found >= asked.min_count)
        findings.append(finding(rule, asked.per, str(name), numbers, asked.sum_of, verdict, note))
    nothing = (float(asked.min_count), 0.0)
    return findings or [finding(rule, "all", "all", nothing, asked.sum_of, "not_applicable")]


def _verdict(found: int, least: int, dark: int, note: str) -> tuple[Verdict, str]:
    """Return the verdict where some are dark and might make up what lacks, and what is missing."""
    if found >= least:
        return "met", ""
    return ("unknown", note) if found + dark >= least else ("unmet", "")


def check_area_share(problem: Problem, judged: Judged, rule: Rule) -> list[Finding]:
    """Return how many areas have a function, and how many must."""
    asked = rule.parameters
    areas = areas_of(problem, rule)
    if areas is None:
        return [unknown(rule, asked.per, f"zones.{asked.per}", "areas")]
    n = len(areas.id)
    if n == 0:
        return [finding(rule, "all", "all", (0.0, 0.0), "areas", "not_applicable")]
    has, dark = _with_it(problem, judged, asked.what)
    with_it, unclear = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    with_it[areas.of_site[has & (areas.of_site >= 0)]] = True
    dark &= (areas.of_site >= 0) & ~with_it[areas.of_site]
    unclear[areas.of_site[dark]] = True
    need, found = whole_number(asked.min_share * n), int(with_it.sum())
    note = untold(problem, asked.what, dark)
    verdict, note = _verdict(found, need, int(unclear.sum()), note)
    if verdict == "unmet":
        note = _lacks(areas.id[~with_it & ~unclear])
    numbers = (float(need), float(found))
    return [finding(rule, *_whole(problem, rule), numbers, "areas", verdict, note)]


def _lacks(names: NDArray[np.object_]) -> str:
    """Return the note of areas without something: the first of their ids."""
    more = ", …" if len(names) > FIRST else ""
    return "lacks:" + ", ".join(str(each) for each in names[:FIRST]) + more


def _whole(problem: Problem, rule: Rule) -> tuple[str, str]:
    """Return scope and id of all areas of a rule: the one place that it names, if it is one."""
    only = rule.parameters.only
    for kind in (rule.parameters.per, "town", "street") if len(only) == 1 else ():
        if kind in problem.areas and only[0] in problem.areas[kind].id:
            return kind, str(only[0])
    return "all", "all"


def check_presence(problem: Problem, judged: Judged, rule: Rule) -> list[Finding]:
    """Return the status of a function in every area: built, planned, reserved or missing."""
    asked = rule.parameters
    areas = areas_of(problem, rule)
    if areas is None:
        return [unknown(rule, asked.per, TOLD_BY[asked.per], "facilities")]
    has, dark = _with_any(problem, judged, asked.functions)
    reserved = is_reserved(problem)
    findings = []
    for number, name in enumerate(areas.id):
        here = areas.of_site == number
        found = int((has & here).sum())
        standing = (has & here, dark & here, reserved & here)
        verdict, note = _presence(problem, rule, areas, number, standing)
        numbers = (float(asked.min_count), float(found))
        findings.append(finding(rule, asked.per, str(name), numbers, "facilities", verdict, note))
    nothing = (float(asked.min_count), 0.0)
    return findings or [finding(rule, "all", "all", nothing, "facilities", "not_applicable")]


def _with_any(
    problem: Problem, judged: Judged, functions: tuple[str, ...]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the open facilities that have one of some functions, and those that may have."""
    has = np.zeros(problem.sites.n, dtype=bool)
    dark = has.copy()
    for function in functions:
        with_it, unclear = _with_it(problem, judged, function)
        has, dark = has | with_it, dark | unclear
    return has, dark & ~has


def _presence(
    problem: Problem,
    rule: Rule,
    areas: Areas,
    number: int,
    standing: tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]],
) -> tuple[Verdict, str]:
    """
    Return the verdict and the status of a function in one area.

    ``standing`` are its facilities that have the function, that may have it, and reserved sites.
    """
    asked, share = rule.parameters, float(areas.ageing_share[number])
    has, dark, reserved = standing
    above, limit = asked.above_ageing_share, asked.reserve_below_ageing_share
    if above is not None and not is_high(share, above):
        return ("unknown", "needs:zones.residents") if np.isnan(share) else ("not_applicable", "")
    what = next((each for each in asked.functions if each not in problem.functions), "")
    missing = untold(problem, what or asked.functions[0], dark)
    verdict, note = _verdict(int(has.sum()), asked.min_count, int(dark.sum()), missing)
    if verdict == "met":
        note = "built" if _stood(problem, asked.functions, has) >= asked.min_count else "planned"
    elif limit is not None and reserved.any():
        if few_elders(areas, limit)[number]:
            return "met", f"reserved:{problem.sites.id[reserved][0]}"
        if verdict == "unmet" and np.isnan(share):
            return "unknown", "needs:zones.residents"
    return verdict, note or ("missing" if verdict == "unmet" else "")


def _stood(problem: Problem, functions: tuple[str, ...], here: NDArray[np.bool_]) -> int:
    """Return how many of some facilities have one of some functions today."""
    sites, counts = problem.sites, problem.qualifies(problem.existing_layout())
    return sum(
        any(
            name in (sites.functions[site] or ()) and (counts[site] or name not in INSTITUTION_ONLY)
            for name in functions
        )
        for site in np.flatnonzero(here & sites.is_existing).tolist()
    )


def circle_status(findings: list[Finding]) -> dict[str, str]:
    """Return circle to status, from the findings of one presence rule."""
    status = {}
    for each in findings:
        if each.scope == "circle":
            word = each.note.split(":")[0]
            status[each.scope_id] = "unknown" if each.verdict == "unknown" else word
    return status
