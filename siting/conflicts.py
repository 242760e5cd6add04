"""Conflicts said out loud: rules that cannot hold together, locks against rules, thin data."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from siting.areas import some_areas
from siting.audit import audit
from siting.audit_beds import needed_by_area
from siting.conflict import KINDS, Conflict
from siting.decisions import find_decisions
from siting.extras import everything_open
from siting.finding import areas_of, as_numbers, fact_of
from siting.problem import beds_required, is_bed_rule
from siting.units import NO_UNIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from siting.areas import Areas
    from siting.audit import Audit
    from siting.prepare import Prepared
    from siting.problem import Problem
    from siting.standards import Rule

__all__ = ["KINDS", "Conflict", "find_conflicts"]

LOCKS = ("forbid", "beds", "exclude")
"""What may keep a rule from being met, each tried by itself; then all of them together."""
FIRST = 5
"""Sites that a conflict names."""
EQUAL = 1e-9

Place = tuple[str, str]
"""Scope and its id."""


def find_conflicts(prepared: Prepared, existing: Audit, plan: Audit) -> list[Conflict]:
    """
    Return what rules, locks, beds and inputs have against each other.

    Parameters
    ----------
    prepared
        The problem with its network and scenario.
    existing, plan
        Audits of the existing state and of the layout.

    Returns
    -------
    conflicts
        In the order of ``KINDS``, then of the rules.
    """
    problem = prepared.problem
    most = prepared.scenario.report.beds_over_need
    found = [
        *_occupancy(problem, plan),
        *_locked(prepared, plan),
        *_two_numbers(problem, plan),
        *_over_supply(problem, existing, plan, most),
        *_thin_data(plan),
    ]
    return sorted(found, key=lambda each: KINDS.index(each.kind))


# Beds that must be there, and beds that must be taken


def _occupancy(problem: Problem, plan: Audit) -> Iterator[Conflict]:
    """Yield where residents cannot fill the beds that one rule asks for as far as another does."""
    floors = [each for each in problem.of_kind("ratio") if each.parameters.beds == "beds"]
    taken = [each for each in problem.of_kind("share") if each.parameters.part == "residents"
             and each.parameters.of == "beds" and each.parameters.from_beds is None
             and not each.parameters.owners]  # fmt: skip
    residents = as_numbers(fact_of(problem, plan.judged.layout, "residents"))
    homes = plan.judged.qualifies & problem.sites.is_existing
    for floor in floors:
        for share in taken:
            areas = _shared_areas(problem, floor, share)
            if areas is not None:
                told = _Taken(areas, residents, homes, plan.judged.counted_beds)
                yield from _in_areas(floor, share, told)


@dataclass(frozen=True)
class _Taken:
    """Residents that the files tell of homes that stand, and the beds of the plan, by site."""

    areas: Areas
    residents: NDArray[np.float64]
    homes: NDArray[np.bool_]
    beds: NDArray[np.int64]


def _shared_areas(problem: Problem, floor: Rule, share: Rule) -> Areas | None:
    """Return the areas that both rules are counted in, or None."""
    kind = share.parameters.per
    if kind == floor.parameters.area:
        areas = some_areas(problem.areas, kind, floor.parameters.only)
        if areas is None or not share.parameters.only:
            return areas
        both = some_areas(problem.areas, kind, share.parameters.only)
        return areas.some(np.isin(areas.id, both.id)) if both is not None else None
    return problem.areas["all"] if kind == "all" and is_bed_rule(floor) else None


def _in_areas(floor: Rule, share: Rule, told: _Taken) -> Iterator[Conflict]:
    """
    Yield the areas in which residents are too few, and one line for those not told.

    Too few for the beds that must be there, and for those of the plan where it has more.
    """
    areas = told.areas
    clash = Conflict("occupancy", floor.id, floor.clause, share.id, share.clause, unit="beds")
    least, dark = float(share.parameters.min_share), []
    required = beds_required(areas.elders, floor.parameters.rate_per_10000)
    for number, beds in enumerate(required.tolist()):
        known = told.residents[told.homes & (areas.of_site == number)]
        planned = int(told.beds[areas.of_site == number].sum())
        here = replace(clash, scope=share.parameters.per, scope_id=str(areas.id[number]))
        if beds > 0 and (not len(known) or np.isnan(known).any()):
            dark.append(here)
            continue
        live = float(known.sum())
        for many, note in ((beds, ""), (planned if planned > beds > 0 else 0, "planned")):
            if live < least * many - EQUAL * many:
                yield replace(
                    here, required=float(many), other_required=least, measured=live,
                    possible=live / many, note=note,
                )  # fmt: skip
    if dark:
        yield replace(dark[0], kind="thin_data", count=len(dark), unit="", note="facts.residents")


# Rules against locks and excluded areas


def _locked(prepared: Prepared, plan: Audit) -> Iterator[Conflict]:
    """Yield unmet rules that everything open would meet, were it not for a lock or an area."""
    problem = prepared.problem
    bars = {name: sites for name in LOCKS if (sites := _barred(problem, name)).any()}
    unmet = plan.unmet(enforced_only=True)
    if not bars or not unmet:
        return
    held = _met_with(prepared, ())
    alone = {name: _met_with(prepared, (name,)) for name in bars}
    together = _met_with(prepared, tuple(bars)) if len(bars) > 1 else {}
    for found in unmet:
        key = (found.rule_id, found.scope, found.scope_id)
        causes: dict[tuple[str, ...], float] = {
            (name,): met[key] for name, met in alone.items() if key in met
        }
        if not causes and key in together:
            causes[tuple(bars)] = together[key]
        for names, reached in causes.items() if key not in held else ():
            sites = np.any([bars[name] for name in names], axis=0)
            yield Conflict(
                "locks", found.rule_id, found.clause, scope=found.scope, scope_id=found.scope_id,
                required=found.required, measured=found.measured, possible=reached,
                unit=found.unit, note=" ".join(names),
                examples=_names(problem, sites, found.scope, found.scope_id),
            )  # fmt: skip


def _barred(problem: Problem, lock: str) -> Any:
    """Return the sites that a lock or an excluded area is about."""
    arrays = {
        "forbid": problem.forbidden,
        "beds": problem.locked_beds >= 0,
        "exclude": problem.site_excluded,
    }
    return arrays[lock]


def _met_with(prepared: Prepared, free: tuple[str, ...]) -> dict[tuple[str, str, str], float]:
    """Return what is met with everything open and some locks taken away, and what it reaches."""
    problem = prepared.problem
    nothing = np.zeros(problem.sites.n, dtype=bool)
    changes: dict[str, Any] = {}
    if "forbid" in free:
        changes["forbidden"] = nothing
    if "beds" in free:
        changes["locked_beds"] = np.full(problem.sites.n, -1, dtype=np.int64)
    if "exclude" in free:
        changes["site_excluded"] = nothing
    freed = replace(problem, **changes)
    layout = everything_open(freed, find_decisions(freed))
    found = audit(replace(prepared, problem=freed), layout)
    return {
        (each.rule_id, each.scope, each.scope_id): each.measured
        for each in found.findings
        if each.verdict == "met"
    }


def _names(problem: Problem, sites: Any, scope: str, name: str) -> tuple[str, ...]:
    """Return the ids of some sites, those in a place first of all, at most five."""
    areas = problem.areas.get(scope)
    here = sites
    if areas is not None:
        inside = np.isin(areas.of_site, np.flatnonzero(areas.id.astype(str) == name))
        here = sites & inside if (sites & inside).any() else sites
    return tuple(str(each) for each in problem.sites.id[here][:FIRST])


# Two rules, two numbers


def _two_numbers(problem: Problem, plan: Audit) -> Iterator[Conflict]:
    """Yield rules that ask for different numbers of one thing in one place; the first one binds."""
    groups: dict[tuple[Any, ...], list[Rule]] = {}
    for rule in problem.rules:
        if rule.strength != "baseline" and (thing := _thing(rule)) is not None:
            groups.setdefault(thing, []).append(rule)
    for rules in groups.values():
        asks = {rule.id: _asks(problem, plan, rule) for rule in rules}
        for one, other in combinations(rules, 2):
            yield from _compared(one, other, asks[one.id], asks[other.id])
            yield from _compared(other, one, asks[other.id], asks[one.id])


def _compared(
    one: Rule, other: Rule, first: dict[Place, float], second: dict[Place, float]
) -> Iterator[Conflict]:
    """Yield, for each kind of place, that a rule asks for more than another does there."""
    more = [each for each in first if each in second and first[each] > second[each] + EQUAL]
    weak = "audited_only" if other.enforce and not one.enforce else ""
    for scope in dict.fromkeys(scope for scope, _ in more):
        places = [each for each in more if each[0] == scope]
        place = max(places, key=lambda each: first[each] - second[each])
        yield Conflict(
            "two_numbers", one.id, one.clause, other.id, other.clause, *place, count=len(places),
            required=first[place], other_required=second[place], unit=_unit(one), note=weak,
        )  # fmt: skip


def _thing(rule: Rule) -> tuple[Any, ...] | None:
    """Return what a rule asks for a number of; None where it asks for no number."""
    asked = rule.parameters
    names = {
        "ratio": ("beds", "staff", "having"),
        "share": ("part", "of", "owners", "from_beds"),
        "count": ("min_site_beds", "same_site_m", "what", "sum_of", "min_beds",
                  "min_dementia_beds", "owners"),
        "presence": ("functions", "above_ageing_share"),
        "coverage": ("what",),
    }  # fmt: skip
    if rule.kind not in names or (rule.kind == "coverage" and asked.what is None):
        return None
    held = [getattr(asked, name) for name in names[rule.kind]]
    return (rule.kind, *(frozenset(each) if isinstance(each, tuple) else each for each in held))


def _unit(rule: Rule) -> str:
    """Return what a rule asks for a number of, in one word."""
    asked = rule.parameters
    words = {
        "ratio": ("beds", "staff"), "count": ("what", "sum_of"), "presence": ("function",),
    }.get(rule.kind, ())  # fmt: skip
    plain = {"share": "share", "coverage": "areas"}.get(rule.kind, "facilities")
    found = (getattr(asked, each) for each in words)
    return str(next((each for each in found if each), plain))


def _asks(problem: Problem, plan: Audit, rule: Rule) -> dict[Place, float]:
    """Return what a rule asks for in every place, also where no file tells what there is."""
    asks = {
        (each.scope, each.scope_id): each.required
        for each in plan.findings
        if each.rule_id == rule.id and each.verdict != "not_applicable"
        and not math.isnan(each.required)
    }  # fmt: skip
    if asks or rule.kind not in {"ratio", "share"}:
        return asks
    kind = rule.parameters.area if rule.kind == "ratio" else rule.parameters.per
    areas = None if kind == "facility" else areas_of(problem, rule)
    if areas is None:
        return {}
    if rule.kind == "share":
        return {(kind, str(name)): float(rule.parameters.min_share) for name in areas.id}
    needed = needed_by_area(problem, plan.judged, rule, areas)
    if needed is None:
        return {}
    return {(kind, str(name)): each for name, each in zip(areas.id, needed, strict=True)}


# Beds far above the need


def _over_supply(
    problem: Problem, existing: Audit, plan: Audit, most: float
) -> Iterator[Conflict]:  # fmt: skip
    """Yield planning units with far more beds than they need, and why."""
    need: dict[str, tuple[float, Rule]] = {}
    for rule in problem.bed_rules:
        beds = beds_required(problem.unit_elders(), rule.parameters.beds_per_10000)
        for unit, count in zip(problem.unit_id, beds.tolist(), strict=True):
            if unit != NO_UNIT and count > need.get(str(unit), (-1.0, rule))[0]:
                need[str(unit)] = (float(count), rule)
    for number, unit in enumerate(problem.unit_id):
        if str(unit) not in need:
            continue
        required, rule = need[str(unit)]
        here = problem.site_unit == number
        planned, stood = (float(each.judged.counted_beds[here].sum()) for each in (plan, existing))
        if planned > most * required + EQUAL:
            yield Conflict(
                "over_supply", rule.id, rule.clause, scope="unit", scope_id=str(unit),
                required=required, other_required=most, measured=planned, possible=stood,
                unit="beds", note=_why(problem, plan, number, grown=planned > stood),
            )  # fmt: skip


def _why(problem: Problem, plan: Audit, unit: int, *, grown: bool) -> str:
    """
    Return why a unit has far more beds than it needs.

    ``standing``: the plan adds none; ``coverage``: no single site covers the points of the unit
    that the plan covers, so it takes several; ``no_reason``: neither.
    """
    if not grown:
        return "standing"
    points = (problem.demand_unit == unit) & plan.judged.covered & (problem.elders > 0)
    if not points.any():
        return "no_reason"
    could = plan.judged.qualifies | problem.usable()
    covered = np.asarray(problem.covers[could][:, points].sum(axis=1)).ravel()
    return "no_reason" if (covered >= points.sum()).any() else "coverage"


# Inputs that are not there


def _thin_data(plan: Audit) -> Iterator[Conflict]:
    """Yield the inputs for want of which rules end as unknown, those of most rules first."""
    rules: dict[str, dict[str, None]] = {}
    for each in plan.findings:
        if each.verdict == "unknown":
            code, _, needs = each.note.partition(":")
            needs = needs if code == "needs" else code
            rules.setdefault(needs, {})[each.rule_id] = None
    for needs, found in sorted(rules.items(), key=lambda each: (-len(each[1]), each[0])):
        yield Conflict("thin_data", " ".join(found), count=len(found), unit="rules", note=needs)
