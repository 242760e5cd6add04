"""Sites at which a function counts alike, so that one number says how many of them have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from siting.minima import INSTITUTION_ONLY, can_host, plannable, rule_areas

if TYPE_CHECKING:
    from siting.decisions import Decisions
    from siting.problem import Problem
    from siting.standards import Rule

__all__ = ["Hosts", "hosts_alike", "stands_anyway"]


@dataclass(frozen=True)
class Hosts:
    """
    A function, and sites at which it counts alike.

    Attributes
    ----------
    function
        Name of the function.
    sites
        Positions of the sites, in the order in which they are given it.
    """

    function: str
    sites: tuple[int, ...]


def hosts_alike(problem: Problem, decisions: Decisions, function: str) -> list[list[int]]:
    """
    Return the sites that could be given a function, gathered where it counts alike.

    Sites of one group lie in the same areas of every minimum that asks for the function, the
    function costs the same at each, and nothing else about a site matters: how many of a group
    have it is then all that has to be decided, and which of its open sites have it follows. Where
    a rule asks more of a site (beds, an owner, one of several functions), where a subsidy depends
    on what a site costs, or where a floor may be too small for all functions, a site is alone.

    Returns
    -------
    groups
        Positions of sites in the order of their ids; groups in the order of their first sites.
    """
    sites = problem.sites
    could = [
        site
        for site in np.flatnonzero(can_host(problem, function)).tolist()
        if function not in (sites.functions[site] or ())
        and _may(decisions, problem, site, function)
    ]
    rules = [each for each in problem.rules if plannable(problem, each) and _asks(each, function)]
    alone = bool(problem.money_rules) or any(_asks_more(each) for each in rules)
    areas = [rule_areas(problem, each) for each in rules]
    need = sum(each.area_m2 for each in problem.functions.values())
    groups: dict[tuple[int, ...], list[int]] = {}
    for site in could:
        same = () if alone or sites.floor_m2[site] < need else (1,)
        place = tuple(int(each.of_site[site]) for each in areas if each is not None)
        groups.setdefault((*same, *place) if same else (-1, site), []).append(site)
    ids = sites.id.astype(str)
    ordered = [sorted(each, key=lambda site: ids[site]) for each in groups.values()]
    return sorted(ordered, key=min)


def stands_anyway(decisions: Decisions, site: int, function: str) -> bool:
    """Return whether a site could be given a function whatever else is decided."""
    stays = bool(decisions.stays[site]) and function not in INSTITUTION_ONLY
    return bool(decisions.always[site]) or stays


def _may(decisions: Decisions, problem: Problem, site: int, function: str) -> bool:
    """Return whether a site stands, or what a decision opens there could have a function."""
    if stands_anyway(decisions, site, function):
        return True
    decision = int(np.searchsorted(decisions.site, site))
    if decision == decisions.n or decisions.site[decision] != site:
        return False
    alone = bool(problem.sites.for_functions[site]) and function not in INSTITUTION_ONLY
    return bool(decisions.counts[decision]) or alone


def _asks(rule: Rule, function: str) -> bool:
    """Return whether a rule asks for a function."""
    asked = rule.parameters
    if rule.kind == "presence":
        return function in asked.functions
    return rule.kind in {"count", "coverage"} and asked.what == function


def _asks_more(rule: Rule) -> bool:
    """Return whether a rule asks for more than a function: beds, an owner, or one of several."""
    asked = rule.parameters
    several = rule.kind == "presence" and len(asked.functions) > 1
    more = ("min_beds", "min_dementia_beds", "owners")
    return several or any(getattr(asked, name, None) for name in more)
