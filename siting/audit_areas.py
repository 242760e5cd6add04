"""What the audit finds in areas: homes with something per area, shares of areas, circles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from siting.audit_beds import beds_known
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
from siting.minima import INSTITUTION_ONLY, few_elders, is_high, is_reserved
from siting.standards import FUNCTIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.areas import Areas
    from siting.problem import Problem
    from siting.standards import Rule

__all__ = ["check_area_count", "check_area_share", "check_presence", "circle_status"]

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
    if asked.min_dementia_beds is not None and not beds_known(problem, judged, "dementia_beds"):
        return [unknown(rule, asked.per, "existing.dementia_beds", "facilities")]
    chosen, dark = _counted(problem, judged, rule)
    missing = _missing(asked.what) if asked.what is not None else "existing.ownership"
    if asked.owners and (problem.sites.owner[dark] == "").any():
        missing = "existing.ownership"
    findings = []
    for number, name in enumerate(areas.id):
        here = areas.of_site == number
        found = int((chosen & here).sum())
        numbers = (float(asked.min_count), float(found))
        verdict, note = _verdict(found, asked.min_count, int((dark & here).sum()), missing)
        findings.append(finding(rule, asked.per, str(name), numbers, "facilities", verdict, note))
    nothing = (float(asked.min_count), 0.0)
    return findings or [finding(rule, "all", "all", nothing, "facilities", "not_applicable")]


def _counted(
    problem: Problem, judged: Judged, rule: Rule
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the facilities that a rule counts, and those of which that is not known."""
    asked, layout, owner = rule.parameters, judged.layout, problem.sites.owner
    fits = judged.qualifies.copy() if asked.owners or asked.min_beds else layout.is_open.copy()
    fits &= layout.beds >= (asked.min_beds or 0)
    fits &= layout.dementia_beds >= (asked.min_dementia_beds or 0)
    has, dark = fits, np.zeros(len(fits), dtype=bool)
    if asked.what is not None:
        has, dark = _with_it(problem, judged, asked.what)
    if not asked.owners:
        return fits & has, fits & dark
    mine = np.isin(owner.astype(str), list(asked.owners))
    return fits & has & mine, fits & ((dark & mine) | ((has | dark) & (owner == "")))


def _sums(problem: Problem, judged: Judged, rule: Rule, areas: Areas) -> list[Finding]:
    """Return the required and the found sum of a fact in every area."""
    asked = rule.parameters
    values = as_numbers(fact_of(problem, judged.layout, asked.sum_of))
    homes = judged.layout.is_open & problem.sites.is_existing
    if asked.owners:
        homes &= np.isin(problem.sites.owner.astype(str), [*asked.owners, ""])
        if (problem.sites.owner[homes] == "").any():
            return [unknown(rule, asked.per, "existing.ownership", asked.sum_of)]
    if not homes.any() or np.isnan(values[homes]).any():
        return [unknown(rule, asked.per, f"facts.{asked.sum_of}", asked.sum_of)]
    findings = []
    for number, name in enumerate(areas.id):
        found = float(values[homes & (areas.of_site == number)].sum())
        numbers = (float(asked.min_count), found)
        verdict = passed(found >= asked.min_count)
        findings.append(finding(rule, asked.per, str(name), numbers, asked.sum_of, verdict))
    nothing = (float(asked.min_count), 0.0)
    return findings or [finding(rule, "all", "all", nothing, asked.sum_of, "not_applicable")]


def _missing(what: str) -> str:
    """Return what would tell of a function or a fact."""
    return "existing.functions" if what in FUNCTIONS else f"facts.{what}"


def _verdict(found: int, least: int, dark: int, missing: str) -> tuple[Verdict, str]:
    """Return the verdict where some are dark and might make up what lacks, and what is missing."""
    if found >= least:
        return "met", ""
    return ("unknown", f"needs:{missing}") if found + dark >= least else ("unmet", "")


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
    unclear[areas.of_site[dark & (areas.of_site >= 0)]] = True
    need, found = whole_number(asked.min_share * n), int(with_it.sum())
    missing = _missing(asked.what)
    verdict, note = _verdict(found, need, int((unclear & ~with_it).sum()), missing)
    return [finding(rule, "all", "all", (float(need), float(found)), "areas", verdict, note)]


def check_presence(problem: Problem, judged: Judged, rule: Rule) -> list[Finding]:
    """Return the status of a function in every area: built, planned, reserved or missing."""
    asked = rule.parameters
    areas = areas_of(problem, rule)
    if areas is None:
        return [unknown(rule, asked.per, TOLD_BY[asked.per], "facilities")]
    has, dark = _with_any(problem, judged, asked.functions)
    findings = []
    for number, name in enumerate(areas.id):
        here = areas.of_site == number
        found = int((has & here).sum())
        verdict, note = _presence(problem, rule, areas, number, (has & here, dark & here))
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
    standing: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> tuple[Verdict, str]:
    """Return the verdict and the status of a function in one area."""
    asked, share, (has, dark) = rule.parameters, float(areas.ageing_share[number]), standing
    above, limit = asked.above_ageing_share, asked.reserve_below_ageing_share
    if above is not None and not is_high(share, above):
        return ("unknown", "needs:zones.residents") if np.isnan(share) else ("not_applicable", "")
    missing = _missing(asked.functions[0])
    verdict, note = _verdict(int(has.sum()), asked.min_count, int(dark.sum()), missing)
    reserved = is_reserved(problem) & (areas.of_site == number)
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
