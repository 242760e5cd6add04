"""What the audit finds home by home: thresholds, shared sites, preferences, money, records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from siting.facts import said_yes
from siting.finding import (
    Finding,
    Judged,
    Verdict,
    as_numbers,
    fact_of,
    finding,
    input_of,
    is_inside,
    no,
    passed,
    unknown,
    untold,
    yes,
)
from siting.objective import capped_distance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.problem import Problem
    from siting.standards import Rule

__all__ = [
    "check_colocation",
    "check_money",
    "check_note",
    "check_preference",
    "check_threshold",
    "gini",
    "subsidies",
]


def check_threshold(problem: Problem, judged: Judged, rule: Rule) -> list[Finding]:
    """Return, for every home of a size or grade, whether it has what it must have."""
    asked = rule.parameters
    big, dark, missing = _at_limit(problem, judged, rule)
    facts = fact_of(problem, judged.layout, asked.needs)
    findings = []
    for site in np.flatnonzero(big).tolist():
        name = str(problem.sites.id[site])
        numbers, met = _has(asked, facts[site])
        verdict: Verdict = "unknown" if met is None else passed(met)
        note = "" if met is not None else untold(problem, asked.needs, _only(problem, site))
        findings.append(finding(rule, "facility", name, numbers, asked.needs, verdict, note))
    if dark.any():
        findings.append(unknown(rule, "facility", missing, asked.needs))
    return findings or [finding(rule, "all", "all", (0.0, 0.0), asked.needs, "not_applicable")]


def _only(problem: Problem, site: int) -> NDArray[np.bool_]:
    """Return one site among all."""
    return np.asarray(np.arange(problem.sites.n) == site)


def _has(asked: Any, has: Any) -> tuple[tuple[float, float], bool | None]:
    """Return required and found, and whether that is enough; None where it is not told."""
    least, most = asked.at_least, asked.at_most
    if least is None and most is None:
        told = said_yes(has)
        return (1.0, np.nan if told is None else float(told)), told
    required = float(least if least is not None else most)
    number = 0.0 if has is False else has
    if not isinstance(number, float):
        return (required, np.nan), None
    fits = (least is None or number >= least) and (most is None or number <= most)
    return (required, number), bool(fits)


def _at_limit(
    problem: Problem, judged: Judged, rule: Rule
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], str]:
    """Return the homes that a threshold is about, those that might be, and what is not told."""
    asked, layout = rule.parameters, judged.layout
    homes, dark, missing = (
        judged.qualifies & is_inside(problem),
        np.zeros(len(layout.beds), bool),
        "",
    )
    maybe = homes
    if asked.having is not None:
        having = fact_of(problem, layout, asked.having)
        dark, missing = homes & ~yes(having) & ~no(having), input_of(problem, asked.having)
        homes, maybe = homes & yes(having), homes & ~no(having)
    if asked.from_beds is not None:
        big = layout.beds >= asked.from_beds
        return homes & big, dark & big & problem.sites.is_existing, missing
    fact = "residents" if asked.from_residents is not None else "stars"
    values = as_numbers(fact_of(problem, layout, fact))
    with np.errstate(invalid="ignore"):
        if asked.below_stars is not None:
            about = values < asked.below_stars
        else:
            about = values >= (asked.from_residents or asked.from_stars)
    if (maybe & np.isnan(values) & problem.sites.is_existing).any():
        missing = f"facts.{fact}"
    dark = (dark & about) | (maybe & np.isnan(values))
    return homes & about, dark & problem.sites.is_existing, missing


def check_colocation(problem: Problem, judged: Judged, rule: Rule) -> list[Finding]:
    """Return, for every facility with a function, what it shares its site or surroundings with."""
    asked = rule.parameters
    facts = fact_of(problem, judged.layout, asked.what)
    check = _beside if asked.beside is not None else _hosted if asked.hosts else _separate
    inside = is_inside(problem)
    having = np.flatnonzero(yes(facts) & inside)
    findings = [check(problem, judged, rule, site) for site in having.tolist()]
    dark = judged.layout.is_open & inside & ~yes(facts) & ~no(facts)
    if findings:
        dark &= problem.sites.is_existing
    if note := untold(problem, asked.what, dark):
        nothing = (np.nan, np.nan)
        findings.append(finding(rule, "facility", "all", nothing, asked.what, "unknown", note))
    return findings or [finding(rule, "all", "all", (0.0, 0.0), asked.what, "not_applicable")]


def _beside(problem: Problem, judged: Judged, rule: Rule, site: int) -> Finding:
    """Return how far the nearest other function stands, as the same site, adjacent or apart."""
    asked = rule.parameters
    facts = fact_of(problem, judged.layout, asked.beside)
    dark = judged.layout.is_open & ~yes(facts) & ~no(facts)
    away = np.hypot(*(problem.sites.xy - problem.sites.xy[site]).T)
    metres = np.where(yes(facts), away, np.inf).min()
    unsure = np.where(dark, away, np.inf).min()
    note = place_word(float(metres), asked.same_m, asked.adjacent_m)
    verdict: Verdict = passed(note != "apart")
    if note == "apart" and place_word(float(unsure), asked.same_m, asked.adjacent_m) != "apart":
        verdict, note = "unknown", untold(problem, asked.beside, dark & (away == unsure))
    numbers = (asked.adjacent_m, float(metres) if np.isfinite(metres) else np.nan)
    return finding(rule, "facility", str(problem.sites.id[site]), numbers, "m", verdict, note)


def place_word(metres: float, same_m: float, adjacent_m: float) -> str:
    """
    Return whether two entrances are on one site, adjacent or apart; both limits are inclusive.

    Examples
    --------
    >>> [place_word(metres, 20, 100) for metres in (0, 80, 100, 150)]
    ['same', 'adjacent', 'adjacent', 'apart']
    """
    tolerance = 1e-6
    if metres <= same_m + tolerance:
        return "same"
    return "adjacent" if metres <= adjacent_m + tolerance else "apart"


def _hosted(problem: Problem, judged: Judged, rule: Rule, site: int) -> Finding:
    """Return whether one of the hosts stands on the same site."""
    asked, layout = rule.parameters, judged.layout
    told = [
        bool(judged.qualifies[site]) if host == "home"
        else said_yes(fact_of(problem, layout, host)[site])
        for host in asked.hosts
    ]  # fmt: skip
    name = str(problem.sites.id[site])
    if True not in told and None in told:
        note = untold(problem, asked.hosts[told.index(None)], _only(problem, site))
        return finding(rule, "facility", name, (1.0, np.nan), asked.what, "unknown", note)
    fits = True in told
    return finding(rule, "facility", name, (1.0, float(fits)), asked.what, passed(fits))


def _separate(problem: Problem, judged: Judged, rule: Rule, site: int) -> Finding:
    """Return whether a function that shares its site has what sharing asks for."""
    asked = rule.parameters
    name = str(problem.sites.id[site])
    alone = len(judged.layout.functions[site] or ()) < 2  # noqa: PLR2004 - one shares with nothing
    dark = bool(problem.sites.is_existing[site]) and problem.sites.functions[site] is None
    if alone and not dark:
        return finding(rule, "facility", name, (0.0, 0.0), asked.what, "not_applicable")
    known = problem.sites.facts[site]
    told = [said_yes(known.get(need)) for need in asked.needs]
    numbers = (float(len(told)), float(told.count(True)))
    if alone and False in told:
        note = "needs:existing.functions"
        return finding(rule, "facility", name, numbers, asked.what, "unknown", note)
    if False in told or None not in told:
        return finding(rule, "facility", name, numbers, asked.what, passed(False not in told))
    note = f"needs:facts.{asked.needs[told.index(None)]}"
    return finding(rule, "facility", name, numbers, asked.what, "unknown", note)


def check_preference(problem: Problem, judged: Judged, rule: Rule) -> list[Finding]:
    """Return what is measured of a preference; without a number in the text, never unmet."""
    asked, layout = rule.parameters, judged.layout
    new = layout.is_open & ~problem.sites.is_existing
    measured, unit = np.nan, "share"
    if asked.measure == "fact" and new.any():
        facts = fact_of(problem, layout, asked.fact)[new]
        if any(each is not None for each in facts):
            fits = [
                each in asked.values if asked.values else said_yes(each) is True for each in facts
            ]
            measured = float(np.mean(fits))
    elif asked.measure == "extended":
        grown = layout.is_open & problem.sites.is_existing & (layout.beds > problem.sites.beds)
        total = int(new.sum() + grown.sum())
        measured = float(grown.sum() / total) if total else np.nan
    elif asked.measure == "bed_gini":
        measured, unit = _bed_gini(problem, judged), "gini"
    elif asked.measure == "elder_metres":
        metres, total = capped_distance(problem, judged.qualifies), problem.elders.sum()
        measured, unit = float(problem.elders @ metres / total) if total > 0 else np.nan, "m"
    return [finding(rule, "all", "all", (np.nan, measured), unit, "not_applicable", "preference")]


def _bed_gini(problem: Problem, judged: Judged) -> float:
    """Return how unevenly beds per elder are spread over planning units."""
    areas = problem.areas.get("unit")
    if areas is None:
        return np.nan
    on = areas.of_site >= 0
    beds = np.bincount(areas.of_site[on], judged.counted_beds[on], minlength=len(areas.id))
    return gini(np.asarray(beds, dtype=np.float64), areas.elders)


def gini(amount: NDArray[np.float64], people: NDArray[np.float64]) -> float:
    """
    Return the Gini coefficient of an amount per head over groups of people.

    Examples
    --------
    >>> gini(np.array([2000.0, 0.0]), np.array([10000.0, 10000.0]))
    0.5
    """
    some = people > 0
    amount, people = amount[some], people[some]
    if not amount.sum() > 0:
        return 0.0
    order = np.argsort(amount / people, kind="stable")
    had = np.concatenate([[0.0], np.cumsum(amount[order]) / amount.sum()])
    share = people[order] / people.sum()
    return float(1.0 - (share * (had[1:] + had[:-1])).sum())


def check_money(problem: Problem, judged: Judged, rule: Rule) -> list[Finding]:
    """Return what a subsidy comes to on the plan; what the text pays, not a test."""
    paid = subsidies(problem, judged, rule)
    if paid is None:
        return [unknown(rule, "all", f"facts.{rule.parameters.basis}", "wan_yuan")]
    numbers = (np.nan, float(paid.sum()))
    return [finding(rule, "all", "all", numbers, "wan_yuan", "not_applicable", "money")]


def subsidies(problem: Problem, judged: Judged, rule: Rule) -> NDArray[np.float64] | None:
    """Return what a money rule pays at each site, 万元; None where its basis is not known."""
    asked = rule.parameters
    chosen = judged.layout.is_open & problem.is_paid(rule)
    if asked.what is not None:
        chosen &= yes(fact_of(problem, judged.layout, asked.what))
    if asked.basis == "investment":
        spent = np.where(chosen, problem.cost(judged.layout), 0.0)
        return np.array([asked.amount(float(each)) for each in spent])
    facts = fact_of(problem, judged.layout, asked.basis)
    homes = np.flatnonzero(chosen & problem.sites.is_existing).tolist()
    paid = np.zeros(problem.sites.n)
    for site in homes:
        amount = _amount_of(asked, facts[site])
        if amount is None:
            return None
        paid[site] = amount
    return paid


def _amount_of(asked: Any, fact: Any) -> float | None:
    """Return what is paid on a fact: a share of an amount, or by class; None where not told."""
    if asked.share is not None:
        return float(asked.amount(fact)) if isinstance(fact, float) else None
    if fact is None:
        return None
    key = f"{fact:g}" if isinstance(fact, float) else str(fact)
    return float(asked.amounts_wan_yuan.get(key, 0.0))


def check_note(problem: Problem, judged: Judged, rule: Rule) -> list[Finding]:
    """Return that a rule is on record; unknown where it would need what no file tells."""
    del problem, judged
    needs = rule.parameters.needs
    if needs is not None:
        return [unknown(rule, "all", needs, "")]
    return [finding(rule, "all", "all", (np.nan, np.nan), "", "not_applicable", "on_record")]
