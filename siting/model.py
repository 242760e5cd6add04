"""The model: decisions, rows for each kind of rule, and the terms of every stage."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from siting.decisions import Decisions, unit_beds
from siting.extras import plans_mix
from siting.linear import LinearModel
from siting.minima import plannable
from siting.mix import (
    add_mix,
    constrain_area_count,
    constrain_area_share,
    constrain_presence,
    constrain_rate,
    constrain_share,
)
from siting.objective import count_duty
from siting.plan_model import Hard, PlanModel
from siting.problem import Problem, close_pairs, is_bed_rule, places

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from siting.reduce import CoverGroups
    from siting.standards import Rule

__all__ = ["CONSTRAIN", "build_model"]


def build_model(
    problem: Problem,
    decisions: Decisions,
    groups: CoverGroups,
    part: NDArray[np.int64],
    hard: Hard,
) -> PlanModel:
    """
    Return the model of some decisions: built once, kept through all stages.

    Parameters
    ----------
    problem, decisions, groups
        The problem, what is left to decide, and its merged demand points.
    part
        Decisions that hang together, ascending.
    hard
        What is a row and not a stage.
    """
    model = PlanModel(LinearModel("siting"), problem, decisions, groups, part, hard)
    for decision in part.tolist():
        _add_decision(model, decision)
    if plans_mix(problem):
        add_mix(model)
    for rule in problem.rules:
        if rule.enforce:
            CONSTRAIN[rule.kind](model, rule)
    _limit(model)
    _pay(model)
    return model


def _add_decision(model: PlanModel, decision: int) -> None:
    """Add the two variables of a decision, what ties them, and what they cost."""
    linear, all_decisions = model.linear, model.decisions
    low, high = int(all_decisions.low[decision]), int(all_decisions.high[decision])
    least = 1.0 if all_decisions.must[decision] else 0.0
    choose = linear.variable(f"choose_{decision}", least, 1.0, whole=True)
    beds = linear.variable(f"beds_{decision}", 0.0, float(high), whole=True)
    linear.row(f"fewest_{decision}", {beds: 1.0, choose: -float(low)}, ">=", 0.0)
    linear.row(f"most_{decision}", {beds: 1.0, choose: -float(high)}, "<=", 0.0)
    site = int(all_decisions.site[decision])
    model.decision[site] = decision
    if all_decisions.counts[decision]:
        model.counted_beds[site] = beds
    model.choose[decision], model.beds[decision] = choose, beds
    fixed, each = all_decisions.fixed_cost[decision], all_decisions.cost_per_bed[decision]
    model.add_cost(site, {choose: float(fixed), beds: float(each)})


def _is_first(model: PlanModel, rule: Rule) -> bool:
    """Return whether a rule is the first enforced of its kind and class: its rows say all."""
    problem = model.problem
    if rule.kind == "ratio":
        alike = [each for each in problem.bed_rules if each.enforce]
    else:
        about = rule.parameters.density_class
        alike = [
            each
            for each in problem.distance_rules
            if each.enforce and each.parameters.density_class == about
        ]
    return rule is alike[0]


def _constrain_coverage(model: PlanModel, rule: Rule) -> None:
    """Add a row for each group of the rule's class; without hard cover, its uncovered share."""
    if rule.parameters.distance_m is None:
        if plannable(model.problem, rule):
            constrain_area_share(model, rule)
        return
    if not _is_first(model, rule):
        return
    number = {"high": 2, "medium": 1}[rule.parameters.density_class]
    groups = model.groups
    rows = np.flatnonzero(groups.density_class == number)
    mine = set(model.part.tolist())
    matrix = groups.covered_by
    rows = np.array(
        [r for r in rows.tolist() if matrix.indices[matrix.indptr[r]] in mine], dtype=int
    )
    stage = f"uncovered_{rule.parameters.density_class}"
    for row in rows.tolist():
        covering = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]].tolist()
        terms = {model.choose[decision]: 1.0 for decision in covering}
        if not model.hard.cover:
            uncovered = model.linear.variable(f"uncovered_{row}", 0.0, 1.0)
            model.settle.append(partial(_settle_lack, uncovered, dict(terms), 1.0))
            terms[uncovered] = 1.0
            model.add_terms(stage, {uncovered: float(groups.elders[row])})
        model.linear.row(f"cover_{row}", terms, ">=", 1.0)


def _constrain_ratio(model: PlanModel, rule: Rule) -> None:
    """Add a row for each planning unit: beds that stand and beds added, and those missing."""
    if not is_bed_rule(rule):
        if plannable(model.problem, rule):
            constrain_rate(model, rule)
        return
    if not _is_first(model, rule):
        return
    need, stand, most = unit_beds(model.problem, model.decisions)
    unit = model.problem.site_unit[model.decisions.site[model.part]]
    counts = model.decisions.counts[model.part]
    for number in np.unique(unit[unit >= 0]).tolist():
        lack = int(min(need[number], most[number]) - stand[number])
        if lack <= 0:
            continue
        terms: dict[int, float] = {}
        for decision in model.part[(unit == number) & counts].tolist():
            terms[model.beds[decision]] = 1.0
            if model.decisions.bonus[decision]:
                terms[model.choose[decision]] = float(model.decisions.bonus[decision])
        if not model.hard.beds:
            missing = model.linear.variable(f"missing_{number}", 0.0, float(lack))
            model.settle.append(partial(_settle_lack, missing, dict(terms), float(lack)))
            terms[missing] = 1.0
            model.add_terms("missing_beds", {missing: 1.0})
        model.linear.row(f"unit_beds_{number}", terms, ">=", float(lack))


def _constrain_count(model: PlanModel, rule: Rule) -> None:
    """
    Add a row for each planning unit that needs several places.

    Sites that could be linked form a cluster. A cluster in which each is close to each is one
    place if any of its sites stands. In any other, sites are put into as many groups as places are
    asked for, close sites that both stand into the same one, and each group that is not empty is
    a place: exact, as a group is a union of linked places.
    """
    problem, decisions = model.problem, model.decisions
    if rule.parameters.min_sites is None:
        if plannable(problem, rule):
            constrain_area_count(model, rule)
        return
    duty = count_duty(problem, rule.parameters)
    decided = model.part[decisions.covers[model.part]]
    unit = problem.site_unit[decisions.site[decided]]
    for number in np.unique(unit[unit >= 0]).tolist():
        if not duty[number]:
            continue
        here = decided[unit == number]
        fixed = np.flatnonzero(decisions.always & (problem.site_unit == number))
        sites = np.concatenate([fixed, decisions.site[here]])
        owner = [None] * len(fixed) + here.tolist()
        name = f"{model.name_of(rule)}_{number}"
        terms, sure = _place_terms(model, name, sites, owner, rule.parameters)
        asked = rule.parameters.min_sites - sure
        if asked <= 0:
            continue
        if not model.hard.minima:
            unmet = model.linear.variable(f"unmet_{name}", 0.0, 1.0, whole=True)
            model.settle.append(partial(_settle_unmet, unmet, dict(terms), asked))
            terms[unmet] = float(asked)
            model.add_terms("unmet_minima", {unmet: 1.0})
        model.linear.row(f"places_{name}", terms, ">=", float(asked))


def _place_terms(
    model: PlanModel,
    name: str,
    sites: NDArray[np.int64],
    owner: list[int | None],
    parameters: object,
) -> tuple[dict[int, float], int]:
    """Return the variables that count a unit's places, and the places that stand in any case."""
    asked: int = parameters.min_sites  # type: ignore[attr-defined]
    metres: float = parameters.same_site_m  # type: ignore[attr-defined]
    xy = model.problem.sites.xy[sites]
    cluster = places(xy, metres)
    pairs = close_pairs(xy, metres)
    simple: list[tuple[int, list[int]]] = []
    sure = 0
    terms: dict[int, float] = {}
    tangled = []
    for each in np.unique(cluster).tolist():
        members = np.flatnonzero(cluster == each).tolist()
        linked = int((cluster[pairs[:, 0]] == each).sum()) if len(pairs) else 0
        if linked == len(members) * (len(members) - 1) // 2:
            if any(owner[k] is None for k in members):
                sure += 1
            else:
                simple.append((each, members))
        else:
            tangled.append((each, members))
    if sure >= asked:
        return {}, sure
    for each, members in simple:
        place = model.linear.variable(f"place_{name}_{each}", 0.0, 1.0)
        row = {model.choose[owner[k]]: 1.0 for k in members}  # type: ignore[index]
        model.linear.row(f"is_place_{name}_{each}", row | {place: -1.0}, ">=", 0.0)
        model.settle.append(partial(_settle_place, place, list(row)))
        terms[place] = 1.0
    for each, members in tangled:
        inside = pairs[cluster[pairs[:, 0]] == each].tolist()
        terms |= _tangled_terms(model, f"{name}_{each}", members, inside, owner, asked)
    return terms, sure


def _tangled_terms(
    model: PlanModel,
    name: str,
    members: list[int],
    pairs: list[list[int]],
    owner: list[int | None],
    asked: int,
) -> dict[int, float]:
    """Return the variables that count the places of a cluster in which not all are close."""
    linear = model.linear
    group: dict[tuple[int, int], int] = {}
    counts: dict[int, float] = {}
    for k in members:
        for g in range(asked):
            group[k, g] = linear.variable(f"group_{name}_{k}_{g}", 0.0, 1.0, whole=True)
        terms = {group[k, g]: 1.0 for g in range(asked)}
        if owner[k] is None:
            linear.row(f"grouped_{name}_{k}", terms, "==", 1.0)
        else:
            linear.row(f"grouped_{name}_{k}", terms | {model.choose[owner[k]]: -1.0}, "==", 0.0)  # type: ignore[index]
    for a, b in pairs:
        for one, other in ((a, b), (b, a)):
            for g in range(asked):
                terms = {group[one, g]: 1.0, group[other, g]: -1.0}
                stands = owner[other]
                if stands is not None:
                    terms[model.choose[stands]] = 1.0
                linear.row(
                    f"linked_{name}_{one}_{other}_{g}", terms, "<=", 0.0 if stands is None else 1.0
                )
    for g in range(asked):
        place = linear.variable(f"place_{name}_{g}", 0.0, 1.0)
        row = {group[k, g]: 1.0 for k in members} | {place: -1.0}
        linear.row(f"is_place_{name}_{g}", row, ">=", 0.0)
        counts[place] = 1.0
    choose = [None if owner[k] is None else model.choose[owner[k]] for k in members]  # type: ignore[index]
    links = np.searchsorted(members, np.array(pairs))
    variables = np.array([[group[k, g] for g in range(asked)] for k in members])
    model.settle.append(partial(_settle_groups, choose, links, variables, list(counts)))
    return counts


def _settle_lack(
    variable: int, terms: dict[int, float], side: float, values: NDArray[np.float64]
) -> None:
    """Set what is lacking of a side."""
    reached = sum(values[k] * factor for k, factor in terms.items())
    values[variable] = max(side - reached, 0.0)


def _settle_unmet(
    variable: int, terms: dict[int, float], asked: int, values: NDArray[np.float64]
) -> None:
    """Set whether fewer places stand than asked for."""
    values[variable] = float(sum(values[k] for k in terms) < asked)


def _settle_place(variable: int, choose: list[int], values: NDArray[np.float64]) -> None:
    """Set whether any site of a place stands."""
    values[variable] = float(values[choose].max() > 0)


def _settle_groups(
    choose: list[int | None],
    links: NDArray[np.int64],
    group: NDArray[np.int64],
    place: list[int],
    values: NDArray[np.float64],
) -> None:
    """Put the sites that stand into groups of linked places, as many groups as there may be."""
    there = np.array([each is None or values[each] > 0 for each in choose])
    both = links[there[links].all(axis=1)]
    graph = coo_array((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(len(there),) * 2)
    label = connected_components(graph, directed=False)[1][there]
    used = np.minimum(np.unique(label, return_inverse=True)[1], len(place) - 1)
    values[group[there, used]] = 1.0
    values[np.array(place)[used]] = 1.0


def _limit(model: PlanModel) -> None:
    """Add the rows of the budget and of the number of new sites."""
    limits = model.problem.limits
    gross = {key: value for key, value in model.stages.get("cost", {}).items() if value}
    if limits.budget_wan_yuan is not None and gross:
        model.linear.row("budget", gross, "<=", float(limits.budget_wan_yuan))
    if limits.max_new_sites is not None:
        new = [d for d in model.part.tolist() if model.decisions.is_new[d]]
        terms = {model.choose[decision]: 1.0 for decision in new}
        if terms:
            model.linear.row("new_sites", terms, "<=", float(limits.max_new_sites))


def _constrain_share(model: PlanModel, rule: Rule) -> None:
    """Add the rows of a share of beds that can be planned for."""
    if plannable(model.problem, rule):
        constrain_share(model, rule)


def _constrain_presence(model: PlanModel, rule: Rule) -> None:
    """Add the rows of a function in every circle, where it has a price in the scenario."""
    if plannable(model.problem, rule):
        constrain_presence(model, rule)


def _constrain_nothing(model: PlanModel, rule: Rule) -> None:
    """Add nothing: rules of this kind are only audited."""


def _settle_paid(
    variable: int, part: dict[int, float], most: float, values: NDArray[np.float64]
) -> None:
    """Set what is paid: a share of what a site costs, up to a cap."""
    values[variable] = min(sum(values[k] * factor for k, factor in part.items()), most)


def _settle_at_most(
    variables: list[int], cost: dict[int, float], values: NDArray[np.float64]
) -> None:
    """Let what is paid together not exceed the cost."""
    left = sum(values[k] * factor for k, factor in cost.items())
    for variable in variables:
        values[variable] = min(values[variable], left)
        left -= values[variable]


def _pay(model: PlanModel) -> None:
    """
    Take off the cost what enforced subsidies pay: a share of what a site costs, up to a cap.

    Cost less min(share · cost, cap) is convex in cost, so one variable with two rows is exact.
    Subsidies whose shares add up to more than 1 pay no more than the cost: one row more.
    """
    problem = model.problem
    paid_by_site: dict[int, list[int]] = {}
    shares: dict[int, float] = {}
    for rule in problem.money_rules:
        share, cap = rule.parameters.share, rule.parameters.cap_wan_yuan
        paid = problem.is_paid(rule)
        for site, terms in sorted(model.site_cost.items()):
            if not paid[site]:
                continue
            most = np.inf if cap is None else float(cap)
            name = f"{model.name_of(rule)}_{site}"
            variable = model.linear.variable(f"paid_{name}", 0.0, cap)
            part = {key: factor * share for key, factor in terms.items() if factor}
            model.linear.row(f"pays_{name}", part | {variable: -1.0}, ">=", 0.0)
            model.settle.append(partial(_settle_paid, variable, part, most))
            model.add_terms("cost", {variable: -1.0})
            paid_by_site.setdefault(site, []).append(variable)
            shares[site] = shares.get(site, 0.0) + share
    for site, variables in paid_by_site.items():
        if shares[site] > 1.0:
            cost = {key: factor for key, factor in model.site_cost[site].items() if factor}
            row = cost | dict.fromkeys(variables, -1.0)
            model.linear.row(f"pays_at_most_{site}", row, ">=", 0.0)
            model.settle.append(partial(_settle_at_most, variables, cost))


CONSTRAIN: dict[str, Callable[[PlanModel, Rule], None]] = {
    "ratio": _constrain_ratio,
    "share": _constrain_share,
    "count": _constrain_count,
    "coverage": _constrain_coverage,
    "presence": _constrain_presence,
    "threshold": _constrain_nothing,
    "colocation": _constrain_nothing,
    "preference": _constrain_nothing,
    "money": _constrain_nothing,
    "note": _constrain_nothing,
}
"""The rows that a rule of each kind adds to the model."""
