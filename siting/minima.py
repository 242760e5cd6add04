"""Minima beyond beds and coverage: shares of beds, homes per district, functions per circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from siting.areas import some_areas
from siting.ceiling import room_for_function
from siting.facts import said_yes
from siting.problem import Layout, Problem, beds_required, is_bed_rule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.areas import Areas
    from siting.standards import Rule

__all__ = [
    "INSTITUTION_ONLY",
    "Minimum",
    "can_host",
    "few_elders",
    "homes_only",
    "is_high",
    "is_low",
    "is_of_owner",
    "is_reserved",
    "least_areas",
    "may_reserve",
    "plannable",
    "rule_areas",
    "unmet_minima",
]

INSTITUTION_ONLY = frozenset(
    {"care_centre", "memory_home", "memory_zone", "embedded_home", "combined_institution"}
)
"""Functions that only a facility that counts can have."""

Minimum = tuple[str, str]
"""Rule and area."""


def plannable(problem: Problem, rule: Rule) -> bool:
    """
    Return whether an enforced rule is a minimum that decisions here can serve.

    A rule over beds or owners that the files do not tell of, over areas that no file knows, or over
    a function without a price in the scenario is only audited.
    """
    if not rule.enforce or rule_areas(problem, rule) is None:
        return False
    asked = rule.parameters
    if rule.kind == "ratio":
        return not is_bed_rule(rule) and asked.beds is not None and _known(problem, asked.beds)
    if rule.kind == "share":
        of_beds = asked.of == "beds" and asked.part in {"nursing_beds", "dementia_beds"}
        known = of_beds and _known(problem, asked.part) and _owners_known(problem, rule)
        return known and asked.from_beds is None
    if rule.kind == "count":
        homes = asked.what in problem.functions or (asked.what is None and asked.sum_of is None)
        dementia = asked.min_dementia_beds is None or _known(problem, "dementia_beds")
        planned = asked.min_count is not None and homes and dementia
        return planned and _owners_known(problem, rule)
    if rule.kind == "coverage":
        return asked.what in problem.functions
    return rule.kind == "presence" and not problem.functions.keys().isdisjoint(asked.functions)


def _known(problem: Problem, kind: str) -> bool:
    """Return whether the files say how many beds of a kind every home has that may count."""
    sites = problem.sites
    known = {"nursing_beds": sites.knows_nursing, "dementia_beds": sites.knows_dementia}
    return kind == "beds" or bool(known[kind][sites.is_existing & sites.institution].all())


def _owners_known(problem: Problem, rule: Rule) -> bool:
    """Return whether the files say who owns every home that may count, where a rule asks."""
    sites = problem.sites
    told = sites.owner[sites.is_existing & sites.institution] != ""
    return not rule.parameters.owners or bool(told.all())


def rule_areas(problem: Problem, rule: Rule) -> Areas | None:
    """Return the areas that a rule is counted in, or None where no file tells."""
    asked = rule.parameters
    kind = str(getattr(asked, "area", getattr(asked, "per", None)))
    found = some_areas(problem.areas, kind, getattr(asked, "only", ()))
    limit = getattr(asked, "above_ageing_share", None)
    if found is None or limit is None:
        return found
    old = [is_high(float(each), limit) for each in found.ageing_share]
    return found.some(np.array(old, dtype=bool))


def is_of_owner(problem: Problem, rule: Rule) -> NDArray[np.bool_]:
    """Return the sites of the owners that a rule is about."""
    owners = getattr(rule.parameters, "owners", ())
    if not owners:
        return np.ones(problem.sites.n, dtype=bool)
    return np.isin(problem.sites.owner.astype(str), list(owners))


def can_host(problem: Problem, function: str) -> NDArray[np.bool_]:
    """Return the sites at which a function could be added."""
    hosts = problem.sites.can_host
    fits = np.array([each is None or function in each for each in hosts], dtype=bool)
    return fits & room_for_function(problem, function)


def least_areas(rule: Rule, n: int) -> int:
    """Return how many of n areas must have a function."""
    return int(np.ceil(round(rule.parameters.min_share * n, 9)))


def homes_only(rule: Rule, function: str | None) -> bool:
    """Return whether only facilities that count are what a rule looks for."""
    asked = rule.parameters
    sized = getattr(asked, "min_beds", None) is not None
    return function is None or function in INSTITUTION_ONLY or sized or bool(
        getattr(asked, "owners", ())
    )  # fmt: skip


def is_low(share: float, limit: float) -> bool:
    """
    Return whether a share of elders is below a limit; what floats add or lose makes it no lower.

    Examples
    --------
    >>> is_low(0.0999, 0.1), is_low(0.1, 0.1), is_low(0.1 - 1e-16, 0.1), is_low(float("nan"), 0.1)
    (True, False, False, False)
    """
    return share < limit * (1.0 - 1e-9)


def is_high(share: float, limit: float) -> bool:
    """
    Return whether a share of elders is above a limit; what floats add makes it no higher.

    Examples
    --------
    >>> is_high(0.21, 0.2), is_high(0.2, 0.2), is_high(0.2 + 1e-16, 0.2), is_high(float("nan"), 0.2)
    (True, False, False, False)
    """
    return share > limit * (1.0 + 1e-9)


def may_reserve(problem: Problem, rule: Rule, areas: Areas) -> NDArray[np.bool_]:
    """Return the areas of few elders that hold a reserved site, where a rule allows that."""
    limit = rule.parameters.reserve_below_ageing_share
    if limit is None:
        return np.zeros(len(areas.id), dtype=bool)
    held = areas.of_site[is_reserved(problem) & (areas.of_site >= 0)]
    holds = np.isin(np.arange(len(areas.id)), held)
    return np.asarray(holds & few_elders(areas, limit))


def few_elders(areas: Areas, limit: float) -> NDArray[np.bool_]:
    """Return the areas whose share of elders is below a limit, and those that the planner marks."""
    low = np.array([is_low(float(each), limit) for each in areas.ageing_share], dtype=bool)
    return low if areas.low_ageing is None else low | areas.low_ageing


def is_reserved(problem: Problem) -> NDArray[np.bool_]:
    """Return the sites that are kept for a function and on which something may stand."""
    told = [said_yes(each.get("reserved")) is True for each in problem.sites.facts]
    return np.array(told, dtype=bool) & ~problem.forbidden & ~problem.site_excluded


def unmet_minima(problem: Problem, layout: Layout) -> list[Minimum]:
    """Return rule and area of every plannable minimum that a layout does not meet."""
    qualifies = problem.qualifies(layout)
    return [
        pair
        for rule in problem.rules
        if plannable(problem, rule)
        for pair in _unmet(problem, layout, qualifies, rule)
    ]


def _unmet(
    problem: Problem, layout: Layout, qualifies: NDArray[np.bool_], rule: Rule
) -> list[Minimum]:
    """Return the areas in which one rule is not met."""
    areas = rule_areas(problem, rule)
    if areas is None:  # pragma: no cover - not plannable
        return []
    test = {"ratio": _rate_holds, "share": _share_holds}.get(rule.kind, _enough)
    holds = test(problem, layout, qualifies, rule, areas)
    if rule.kind == "coverage":
        return [(rule.id, "all")] if holds.sum() < least_areas(rule, len(holds)) else []
    return [(rule.id, str(name)) for name in areas.id[~holds]]


def _sums(areas: Areas, values: NDArray[np.int64], some: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return whole numbers of some sites summed over areas."""
    on = some & (areas.of_site >= 0)
    return np.asarray(np.bincount(areas.of_site[on], values[on], minlength=len(areas.id)))


def _rate_holds(
    problem: Problem, layout: Layout, qualifies: NDArray[np.bool_], rule: Rule, areas: Areas
) -> NDArray[np.bool_]:
    """Return whether each area has the beds of a kind that its elders need."""
    del problem
    need = beds_required(areas.elders, rule.parameters.rate_per_10000)
    beds = getattr(layout, rule.parameters.beds)
    return np.asarray(_sums(areas, beds, qualifies) >= need)


def _share_holds(
    problem: Problem, layout: Layout, qualifies: NDArray[np.bool_], rule: Rule, areas: Areas
) -> NDArray[np.bool_]:
    """Return whether the beds of a kind are their share of each area's beds."""
    mine = qualifies & is_of_owner(problem, rule)
    part = _sums(areas, getattr(layout, rule.parameters.part), mine)
    least = float(rule.parameters.min_share) * _sums(areas, layout.beds, mine)
    return np.asarray(part >= least - 1e-6)


def _enough(
    problem: Problem, layout: Layout, qualifies: NDArray[np.bool_], rule: Rule, areas: Areas
) -> NDArray[np.bool_]:
    """Return whether each area has as many facilities as a rule asks for, or a reserved site."""
    asked = rule.parameters
    functions = asked.functions if rule.kind == "presence" else (asked.what,)
    chosen = is_of_owner(problem, rule) & layout.is_open
    chosen &= layout.beds >= (getattr(asked, "min_beds", None) or 0)
    chosen &= layout.dementia_beds >= (getattr(asked, "min_dementia_beds", None) or 0)
    fit = np.zeros(len(chosen), dtype=bool)
    for function in functions:
        has = [function is None or function in (each or ()) for each in layout.functions]
        fit |= np.array(has, dtype=bool) & (qualifies if homes_only(rule, function) else True)
    found = _sums(areas, np.ones(len(chosen), dtype=np.int64), chosen & fit)
    enough = found >= (asked.min_count if rule.kind != "coverage" else 1)
    return enough | may_reserve(problem, rule, areas) if rule.kind == "presence" else enough
