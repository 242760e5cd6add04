"""The model of nursing and dementia beds and of functions: variables, and their rules' rows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from siting.ceiling import room_for
from siting.hosts import Hosts, hosts_alike, stands_anyway
from siting.minima import (
    INSTITUTION_ONLY,
    homes_only,
    is_of_owner,
    least_areas,
    may_reserve,
    rule_areas,
)
from siting.problem import beds_required

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.plan_model import PlanModel
    from siting.standards import Rule

__all__ = [
    "add_mix",
    "constrain_area_count",
    "constrain_area_share",
    "constrain_presence",
    "constrain_rate",
    "constrain_share",
]

TINY = 1e-6


def add_mix(model: PlanModel) -> None:
    """Add the variables of nursing and dementia beds and of functions, and what ties them."""
    problem, decisions, linear = model.problem, model.decisions, model.linear
    mix = problem.mix
    room = room_for(problem)
    for site in sorted({*model.decision, *np.flatnonzero(room.turned > 0).tolist()}):
        most: dict[int, float] = {}
        decision = model.decision.get(site)
        if decision is not None and decisions.counts[decision]:
            high = min(int(decisions.high[decision]), int(room.nursing[site]))
            nursing = linear.variable(f"nursing_{site}", 0.0, float(high), whole=True)
            row = {model.beds[decision]: mix.most_nursing_share, nursing: -1.0}
            linear.row(f"nursing_of_{site}", row, ">=", 0.0)
            model.nursing[site] = nursing
            model.add_cost(site, {nursing: mix.nursing_cost_per_bed})
            most[nursing] = mix.most_dementia_share
        if room.turned[site] > 0:
            turned = linear.variable(f"turned_{site}", 0.0, float(room.turned[site]), whole=True)
            model.turned[site] = turned
            model.add_cost(site, {turned: float(problem.sites.convert_cost_per_bed[site])})
            most[turned] = mix.most_dementia_share
        if not most:
            continue
        high = int(room.dementia[site])
        dementia = linear.variable(f"dementia_{site}", 0.0, float(high), whole=True)
        linear.row(f"dementia_of_{site}", most | {dementia: -1.0}, ">=", 0.0)
        model.dementia[site] = dementia
        model.add_cost(site, {dementia: mix.dementia_cost_per_bed})
    _add_functions(model)


def _add_functions(model: PlanModel) -> None:
    """Add, for each function, how many of the sites at which it counts alike are given it."""
    problem, decisions = model.problem, model.decisions
    for number, (name, function) in enumerate(problem.functions.items()):
        for group in hosts_alike(problem, decisions, name):
            first, most = min(group), float(len(group))
            adds = model.linear.variable(f"function_{number}_{first}", 0.0, most, whole=True)
            open_anyway = [site for site in group if stands_anyway(decisions, site, name)]
            if len(open_anyway) < len(group):
                others = [site for site in group if site not in open_anyway]
                row = {model.choose[model.decision[site]]: 1.0 for site in others} | {adds: -1.0}
                side = -float(len(open_anyway))
                model.linear.row(f"hosts_{number}_{first}", row, ">=", side)
            model.functions[adds] = Hosts(name, tuple(group))
            model.function_at |= dict.fromkeys(((site, name) for site in group), adds)
            if len(group) == 1:
                model.add_cost(first, {adds: function.cost})
            else:
                model.add_terms("cost", {adds: function.cost})
    _limit_floor(model)


def _limit_floor(model: PlanModel) -> None:
    """Add a row for each site whose floor may not hold all functions that could be added."""
    taken: dict[int, dict[int, float]] = {}
    for (site, name), adds in model.function_at.items():
        taken.setdefault(site, {})[adds] = model.problem.functions[name].area_m2
    for site, areas in taken.items():
        floor = float(model.problem.sites.floor_m2[site])
        if sum(areas.values()) > floor:
            model.linear.row(f"floor_{site}", areas, "<=", floor)


def _minimum(
    model: PlanModel,
    name: str,
    terms: dict[int, float],
    least: float,
    *,
    scale: float,
    is_share: bool = False,
) -> None:
    """
    Add a row of a minimum.

    Where it may stay unmet, one yes-or-no variable lifts it, and another counts what is missing:
    not of a share, to which beds that nobody needs could bring a plan nearer.
    """
    if least <= 0 and all(factor >= 0 for factor in terms.values()):
        return
    if not model.hard.minima and not is_share:
        missing = model.linear.variable(f"missing_{name}")
        model.settle.append(partial(_settle_missing, missing, dict(terms), least))
        model.linear.row(f"misses_{name}", terms | {missing: 1.0}, ">=", least)
        model.missing[missing] = 1.0
    if not model.hard.minima:
        unmet = model.linear.variable(f"unmet_{name}", 0.0, 1.0, whole=True)
        model.settle.append(partial(_settle_minimum, unmet, dict(terms), least))
        terms = terms | {unmet: scale}
        model.add_terms("unmet_minima", {unmet: 1.0})
    model.linear.row(f"minimum_{name}", terms, ">=", least)


def _settle_minimum(
    unmet: int, terms: dict[int, float], least: float, values: NDArray[np.float64]
) -> None:
    """Set whether a minimum is not reached."""
    values[unmet] = float(sum(values[k] * factor for k, factor in terms.items()) < least - TINY)


def _settle_missing(
    missing: int, terms: dict[int, float], least: float, values: NDArray[np.float64]
) -> None:
    """Set how much of a minimum is missing."""
    reached = float(sum(values[k] * factor for k, factor in terms.items()))
    values[missing] = max(least - reached, 0.0)


def _settle_any(has: int, terms: list[int], values: NDArray[np.float64]) -> None:
    """Set whether an area has any of what counts."""
    values[has] = float(values[terms].max() > 0)


def _settle_fits(fits: int, needs: dict[int, float], values: NDArray[np.float64]) -> None:
    """Set whether a facility has all that a rule asks of it."""
    values[fits] = float(all(values[k] >= least - TINY for k, least in needs.items()))


def constrain_rate(model: PlanModel, rule: Rule) -> None:
    """Add a row for each area: beds of a kind that stand and are added, against its elders."""
    problem, areas, what = model.problem, rule_areas(model.problem, rule), str(rule.parameters.beds)
    today = getattr(problem.sites, what)
    stands = np.where(model.decisions.always, today, 0)
    for number in range(len(areas.id)):  # type: ignore[union-attr]
        here = areas.of_site == number  # type: ignore[union-attr]
        need = int(beds_required(float(areas.elders[number]), rule.parameters.rate_per_10000)[0])  # type: ignore[union-attr]
        lack = float(need - int(stands[here].sum()))
        terms = _added_beds(model, what, here) | _bonus(model, here, today, 1.0)
        _minimum(model, f"{model.name_of(rule)}_{number}", terms, lack, scale=max(lack, 0.0))


def _added_beds(model: PlanModel, kind: str, here: NDArray[np.bool_]) -> dict[int, float]:
    """Return the variables that add beds of a kind at some sites."""
    tables = {
        "beds": (model.counted_beds,),
        "nursing_beds": (model.nursing, model.turned),
        "dementia_beds": (model.dementia,),
    }
    return {v: 1.0 for table in tables[kind] for site, v in table.items() if here[site]}


def _bonus(
    model: PlanModel, here: NDArray[np.bool_], beds: NDArray[np.int64], factor: float
) -> dict[int, float]:
    """Return what small homes bring that count once they are extended."""
    decisions = model.decisions
    return {
        model.choose[d]: factor * float(beds[decisions.site[d]])
        for d in model.part.tolist()
        if decisions.bonus[d] and here[decisions.site[d]] and beds[decisions.site[d]]
    }


def constrain_share(model: PlanModel, rule: Rule) -> None:
    """Add a row for each area: the part less its least share of the beds is not negative."""
    problem, decisions, asked = model.problem, model.decisions, rule.parameters
    areas, mine = rule_areas(problem, rule), is_of_owner(problem, rule)
    sites, share = problem.sites, asked.min_share
    part = sites.nursing_beds if asked.part == "nursing_beds" else sites.dementia_beds
    for number in range(len(areas.id)):  # type: ignore[union-attr]
        here = (areas.of_site == number) & mine  # type: ignore[union-attr]
        stands = here & decisions.always
        surplus = float(part[stands].sum()) - share * float(sites.beds[stands].sum())
        terms: dict[int, float] = {}
        most = share * float(sites.beds[stands].sum())
        for decision in model.part.tolist():
            site = int(decisions.site[decision])
            if not here[site] or not decisions.counts[decision]:
                continue
            terms[model.beds[decision]] = -share
            bonus = float(decisions.bonus[decision])
            if bonus:
                terms[model.choose[decision]] = float(part[site]) - share * bonus
            most += share * float(decisions.high[decision] + bonus)
        terms |= _added_beds(model, asked.part, here)
        name = f"{model.name_of(rule)}_{number}"
        _minimum(model, name, terms, -surplus, scale=most, is_share=True)


def constrain_area_count(model: PlanModel, rule: Rule) -> None:
    """Add a row for each area: facilities with a function, or homes of a size."""
    asked, areas = rule.parameters, rule_areas(model.problem, rule)
    mine = is_of_owner(model.problem, rule)
    for number in range(len(areas.id)):  # type: ignore[union-attr]
        here = (areas.of_site == number) & mine  # type: ignore[union-attr]
        _count_row(model, rule, number, (asked.what,), here)


def constrain_presence(model: PlanModel, rule: Rule) -> None:
    """Add a row for each area: facilities with the function, where it cannot only be reserved."""
    areas = rule_areas(model.problem, rule)
    if areas is None:  # pragma: no cover - not plannable
        return
    spared = may_reserve(model.problem, rule, areas)
    for number in np.flatnonzero(~spared).tolist():
        _count_row(model, rule, number, rule.parameters.functions, areas.of_site == number)


def _count_row(
    model: PlanModel,
    rule: Rule,
    number: int,
    functions: tuple[str | None, ...],
    here: NDArray[np.bool_],
) -> None:
    """Add the row of facilities of one area: those that fit anyway, and those that could."""
    sure, terms = _fitting(model, rule, number, functions, here)
    lack = float(rule.parameters.min_count - sure)
    _minimum(model, f"{model.name_of(rule)}_{number}", terms, lack, scale=max(lack, 0.0))


def constrain_area_share(model: PlanModel, rule: Rule) -> None:
    """Add rows that count the areas with a function, and one for how many there must be."""
    asked, areas = rule.parameters, rule_areas(model.problem, rule)
    n = len(areas.id)  # type: ignore[union-attr]
    done, counted = 0, {}
    for number in range(n):
        here = areas.of_site == number  # type: ignore[union-attr]
        sure, terms = _fitting(model, rule, number, (asked.what,), here)
        done += sure > 0
        if terms and not sure:
            name = f"{model.name_of(rule)}_{number}"
            has = model.linear.variable(f"area_{name}", 0.0, 1.0)
            model.linear.row(f"area_has_{name}", terms | {has: -1.0}, ">=", 0.0)
            model.settle.append(partial(_settle_any, has, list(terms)))
            counted[has] = 1.0
    lack = float(least_areas(rule, n) - done)
    _minimum(model, f"{model.name_of(rule)}_all", counted, lack, scale=max(lack, 0.0))


def _fitting(
    model: PlanModel,
    rule: Rule,
    number: int,
    functions: tuple[str | None, ...],
    here: NDArray[np.bool_],
) -> tuple[int, dict[int, float]]:
    """
    Return how many facilities fit a rule in any case, and variables of those that could.

    A facility with several of the functions counts once.
    """
    sure = 0
    terms: dict[int, float] = {}
    for site in np.flatnonzero(here).tolist():
        ways = [_needs(model, rule, site, function) for function in functions]
        if any(needs == {} for needs in ways):
            sure += 1
            continue
        name = f"{model.name_of(rule)}_{number}_{site}"
        fits = [_fits(model, f"{name}_{k}", needs) for k, needs in enumerate(ways) if needs]
        if len(fits) > 1:
            has = model.linear.variable(f"any_{name}", 0.0, 1.0)
            model.linear.row(f"any_of_{name}", dict.fromkeys(fits, 1.0) | {has: -1.0}, ">=", 0.0)
            model.settle.append(partial(_settle_any, has, fits))
            fits = [has]
        terms |= dict.fromkeys(fits, 1.0)
    return sure, terms


def _fits(model: PlanModel, name: str, needs: dict[int, float]) -> int:
    """Return the variable that says whether a facility has all that a rule asks of it."""
    if len(needs) == 1 and all(_most(model, k) == 1 or k in model.functions for k in needs):
        return next(iter(needs))
    fits = model.linear.variable(f"fits_{name}", 0.0, 1.0, whole=True)
    for variable, least in needs.items():
        row = {variable: 1.0, fits: -least}
        model.linear.row(f"fits_{name}_{variable}", row, ">=", 0.0)
    model.settle.append(partial(_settle_fits, fits, needs))
    return fits


def _needs(
    model: PlanModel, rule: Rule, site: int, function: str | None
) -> dict[int, float] | None:
    """
    Return what must be decided for a facility to fit a rule: variable to its least value.

    Empty: it fits whatever is decided. None: it cannot.
    """
    asked, decisions, sites = rule.parameters, model.decisions, model.problem.sites
    stays, decision = bool(decisions.stays[site]), model.decision.get(site)
    if not stays and decision is None:
        return None
    if sites.for_functions[site] and homes_only(rule, function):
        return None
    needs: dict[int | None, float] = {}
    today = {"beds": sites.beds, "dementia_beds": sites.dementia_beds}
    added = {"beds": model.counted_beds.get(site), "dementia_beds": model.dementia.get(site)}
    for kind, beds in today.items():
        lack = (getattr(asked, f"min_{kind}", None) or 0) - (int(beds[site]) if stays else 0)
        if lack > 0:
            needs[added[kind]] = float(lack)
    counts = bool(decisions.always[site]) or (stays and not homes_only(rule, function))
    counts |= added["beds"] in needs
    if function is not None and not (stays and function in (sites.functions[site] or ())):
        needs[model.function_at.get((site, function))] = 1.0
        counts |= not stays or function in INSTITUTION_ONLY
    if not counts:
        grows = decision is not None and bool(decisions.counts[decision])
        needs[model.choose[decision] if grows else None] = 1.0  # type: ignore[index]
    found = {k: v for k, v in needs.items() if k is not None and v <= _most(model, k)}
    return found if len(found) == len(needs) else None


def _most(model: PlanModel, variable: int) -> float:
    """Return the upper bound of a variable."""
    return float(model.linear.variables[variable].upBound)
