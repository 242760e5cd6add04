"""The auditor: judges any layout against the rules, by its own distances; knows no solver."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from siting.audit_areas import check_area_count, check_area_share, check_presence
from siting.audit_beds import check_rate, check_share
from siting.audit_homes import (
    check_colocation,
    check_money,
    check_note,
    check_preference,
    check_threshold,
)
from siting.demand import CLASSES
from siting.errors import AuditError, Fault
from siting.finding import Finding, Judged, Verdict, finding
from siting.problem import Layout, Problem, beds_required, is_bed_rule, places
from siting.reach import DISTANCE_TOLERANCE_M, Snap, nearest
from siting.sites import QUALIFYING_BEDS
from siting.units import NO_UNIT, WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from siting.prepare import Prepared
    from siting.standards import Rule

__all__ = ["CHECK", "REASONS", "Audit", "Finding", "Judged", "audit"]

REASONS = (
    "no_candidate_in_reach", "off_network", "locked_out", "excluded", "over_limit", "not_chosen",
)  # fmt: skip
"""Why a point is not covered."""

FULL = 1.0 - 1e-9
COLUMNS = [
    "rule_id", "clause", "legal_status", "scope", "scope_id", "required", "measured", "unit",
    "verdict", "enforced", "note", "state",
]  # fmt: skip


@dataclass(frozen=True)
class Audit:
    """
    Findings of every rule in force on one layout.

    Attributes
    ----------
    state
        ``existing`` or ``plan``.
    findings
        At least one for every rule in force.
    judged
        What was measured.
    """

    state: str
    findings: tuple[Finding, ...]
    judged: Judged

    def to_frame(self) -> pd.DataFrame:
        """Return one row per finding."""
        rows = [vars(finding) | {"state": self.state} for finding in self.findings]
        return pd.DataFrame(rows, columns=COLUMNS)

    def counts(self) -> dict[str, int]:
        """Return rules met throughout, unmet somewhere and not judged at all, and findings."""
        by_rule: dict[str, list[str]] = {}
        for each in self.findings:
            by_rule.setdefault(each.rule_id, []).append(each.verdict)
        unmet = [rule for rule, verdicts in by_rule.items() if "unmet" in verdicts]
        met = [
            rule
            for rule, each in by_rule.items()
            if "met" in each and not {"unmet", "unknown"} & {*each}
        ]
        judged = {"met", "unmet"}
        unknown = [each for each in by_rule.values() if "unknown" in each and not judged & {*each}]
        rules = {"rules_met": len(met), "rules_unmet": len(unmet), "rules_unknown": len(unknown)}
        verdicts = [each.verdict for each in self.findings]
        return rules | {name: verdicts.count(name) for name in ("met", "unmet", "unknown")}

    def unmet(self, *, enforced_only: bool = False) -> tuple[Finding, ...]:
        """Return the findings that are unmet."""
        return tuple(
            each
            for each in self.findings
            if each.verdict == "unmet" and (each.enforced or not enforced_only)
        )

    def raise_if_unmet(self) -> None:
        """
        Raise if an enforced rule is unmet.

        Raises
        ------
        AuditError
            With one fault for each unmet finding of an enforced rule.
        """
        faults = [
            Fault(
                "rule_unmet", f"{each.rule_id} {each.scope_id}",
                {"required": f"{each.required:g}", "measured": f"{each.measured:g}"},
            )
            for each in self.unmet(enforced_only=True)
        ]  # fmt: skip
        if faults:
            raise AuditError(*faults)


def audit(prepared: Prepared, layout: Layout, *, state: str = "plan") -> Audit:
    """
    Return what every rule in force finds in a layout.

    Distances are measured anew, from the facilities of the layout outward over the whole network
    and not cut off; nothing is taken from the solver.

    Parameters
    ----------
    prepared
        The problem with its network.
    layout
        Any layout of the problem's sites.
    state
        What the layout is: ``existing`` or ``plan``.

    Returns
    -------
    audit
        At least one finding for every rule in force, and what was measured.
    """
    judged = judge(prepared, layout)
    findings = [
        _softened(found, rule)
        for rule in prepared.problem.rules
        for found in CHECK[rule.kind](prepared.problem, judged, rule)
    ]
    return Audit(state, tuple(findings), judged)


def _softened(found: Finding, rule: Rule) -> Finding:
    """Return a finding; what the text only encourages is never unmet, how far apart is said."""
    if rule.strength == "encouraged" and found.verdict == "unmet":
        note = found.note if rule.kind == "colocation" else ""
        return replace(found, verdict="not_applicable", note=note or "encouraged")
    return found


def judge(prepared: Prepared, layout: Layout) -> Judged:
    """Return what is measured on a layout before any rule."""
    problem = prepared.problem
    qualifies = layout.is_open & problem.sites.institution & (layout.beds >= QUALIFYING_BEDS)
    chosen = np.flatnonzero(qualifies)
    on_foot, network_m = _nearest_on_foot(prepared, chosen)
    by_line, straight_m = _nearest_straight(problem, chosen)
    metres = network_m if prepared.scenario.distance == "network" else straight_m
    with np.errstate(invalid="ignore"):
        covered = metres <= problem.standard_m + DISTANCE_TOLERANCE_M
    return Judged(
        layout=layout,
        qualifies=qualifies,
        nearest_site=on_foot if prepared.network is not None else by_line,
        network_m=network_m,
        straight_m=straight_m,
        covered=covered,
        counted_beds=np.where(qualifies, layout.beds, 0),
    )


def _nearest_on_foot(
    prepared: Prepared, chosen: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the nearest of some sites on foot, however far."""
    n = len(prepared.problem.elders)
    nothing = np.full(n, -1, dtype=np.int64), np.full(n, np.nan)
    sites, demand = prepared.site_snap, prepared.demand_snap
    if prepared.network is None or sites is None or demand is None or not len(chosen):
        return nothing
    start = Snap(sites.edge[chosen], sites.offset_m[chosen], sites.leg_m[chosen])
    who, metres = nearest(prepared.network, start, demand)
    return np.where(who < 0, -1, chosen[who]), metres


def _nearest_straight(
    problem: Problem, chosen: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the nearest of some sites in a straight line."""
    n = len(problem.elders)
    if not len(chosen):
        return np.full(n, -1, dtype=np.int64), np.full(n, np.nan)
    metres, who = cKDTree(problem.sites.xy[chosen]).query(problem.demand_xy)
    return chosen[who], np.asarray(metres)


def _check_ratio(problem: Problem, judged: Judged, rule: Rule) -> list[Finding]:
    """Return required and counted beds of every planning unit, and of the whole."""
    if not is_bed_rule(rule):
        return check_rate(problem, judged, rule)
    inside = problem.site_unit >= 0
    elders = problem.unit_elders()
    need = beds_required(elders, rule.parameters.beds_per_10000)
    findings = []
    for number, unit in enumerate(problem.unit_id):
        here = problem.site_unit == number
        stand = float(judged.counted_beds[here].sum())
        if unit == NO_UNIT:
            findings.append(
                finding(rule, "unit", unit, (0.0, stand), "beds", "not_applicable", "no_unit")
            )
            continue
        room = _most_beds(problem)[here].sum()
        note = "" if stand >= need[number] or room >= need[number] else "no_capacity"
        verdict: Verdict = "met" if stand >= need[number] else "unmet"
        numbers = (float(need[number]), stand)
        findings.append(finding(rule, "unit", str(unit), numbers, "beds", verdict, note))
    whole = float(beds_required(float(elders.sum()), rule.parameters.beds_per_10000)[0])
    stand = float(judged.counted_beds[inside].sum())
    verdict = "met" if stand >= whole else "unmet"
    findings.append(finding(rule, "all", WHOLE, (whole, stand), "beds", verdict))
    return findings


def _most_beds(problem: Problem) -> NDArray[np.int64]:
    """Return the beds that each site could count at most: homes extended, candidates opened."""
    sites = problem.sites
    stays = sites.is_existing & ~problem.forbidden & sites.institution
    stays &= sites.max_beds >= QUALIFYING_BEDS
    return np.where(stays | problem.usable(), sites.max_beds, 0)


def _check_count(problem: Problem, judged: Judged, rule: Rule) -> list[Finding]:
    """Return required and found places of every planning unit, and the units that have enough."""
    if rule.parameters.min_sites is None:
        return check_area_count(problem, judged, rule)
    need = np.max(
        [
            beds_required(problem.unit_elders(), each.parameters.beds_per_10000)
            for each in problem.bed_rules
        ]
        or [np.zeros(len(problem.unit_id), dtype=np.int64)],
        axis=0,
    )
    wanted = rule.parameters.min_sites
    duty = need >= wanted * rule.parameters.min_site_beds
    duty &= problem.unit_id != NO_UNIT
    free = problem.usable()
    findings = []
    for number, unit in enumerate(problem.unit_id):
        here = problem.site_unit == number
        standing = problem.sites.xy[here & judged.qualifies]
        found = len(np.unique(places(standing, rule.parameters.same_site_m)))
        numbers = (float(wanted), float(found))
        if not duty[number]:
            findings.append(finding(rule, "unit", str(unit), numbers, "places", "not_applicable"))
            continue
        verdict: Verdict = "met" if found >= wanted else "unmet"
        note = "no_candidate" if verdict == "unmet" and not (free & here).any() else ""
        findings.append(finding(rule, "unit", str(unit), numbers, "places", verdict, note))
    met = sum(each.verdict == "met" for each in findings)
    whole: Verdict = (
        "not_applicable" if not duty.any() else ("met" if met == duty.sum() else "unmet")
    )
    findings.append(finding(rule, "all", WHOLE, (float(duty.sum()), float(met)), "units", whole))
    return findings


def _check_coverage(problem: Problem, judged: Judged, rule: Rule) -> list[Finding]:
    """Return the covered share of the class's elders in every zone, and in all."""
    if rule.parameters.distance_m is None:
        return check_area_share(problem, judged, rule)
    number = CLASSES.index(rule.parameters.density_class)
    points = (problem.density_class == number) & (problem.elders > 0)
    findings = []
    for zone in np.unique(problem.demand_zone[points & (problem.demand_zone >= 0)]).tolist():
        here = points & (problem.demand_zone == zone)
        share = _share(problem, judged, here)
        verdict: Verdict = "met" if share >= FULL else "unmet"
        name = str(problem.zone_id[zone])
        findings.append(finding(rule, "zone", name, (1.0, share), "share", verdict))
    share = _share(problem, judged, points)
    verdict = "met" if share >= FULL else "unmet"
    if not points.any():
        verdict = "not_applicable"
    findings.append(finding(rule, "all", WHOLE, (1.0, share), "share", verdict))
    return findings


def _share(problem: Problem, judged: Judged, points: NDArray[np.bool_]) -> float:
    """Return the covered share of the elders of some points; 1 where there are none."""
    total = float(problem.elders[points].sum())
    return float(problem.elders[points & judged.covered].sum()) / total if total > 0 else 1.0


CHECK: dict[str, Callable[[Problem, Judged, Any], list[Finding]]] = {
    "ratio": _check_ratio,
    "share": check_share,
    "count": _check_count,
    "coverage": _check_coverage,
    "presence": check_presence,
    "threshold": check_threshold,
    "colocation": check_colocation,
    "preference": check_preference,
    "money": check_money,
    "note": check_note,
}
"""The findings of a rule of each kind."""


def covered_shares(problem: Problem, covered: NDArray[np.bool_]) -> dict[str, float]:
    """Return the covered share of the elders of the high and of the medium class."""
    shares = {}
    for name in ("high", "medium"):
        points = (problem.density_class == CLASSES.index(name)) & (problem.elders > 0)
        total = float(problem.elders[points].sum())
        got = float(problem.elders[points & covered].sum())
        shares[name] = got / total if total > 0 else 1.0
    return shares


def reachable(problem: Problem) -> NDArray[np.bool_]:
    """Return the points that some facility or candidate could cover."""
    could = _most_beds(problem) > 0
    could |= (
        problem.sites.is_existing & problem.sites.institution
        & (problem.sites.beds >= QUALIFYING_BEDS)
    )  # fmt: skip
    return np.asarray(problem.covers[could].sum(axis=0)).ravel() > 0


def reasons(
    problem: Problem, judged: Judged, *, planned: bool, on_foot: bool = True
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """
    Return why each uncovered point with a duty is uncovered, and which sites were barred.

    A candidate that the planner forbids is no candidate any more; a home that the planner closes is
    ``locked_out``. The sites themselves are named beside the reason.

    Parameters
    ----------
    problem, judged
        What was planned for and measured.
    planned
        True for a plan: an unused site is ``over_limit`` where limits are set.
    on_foot
        False where the straight line binds: then no point is ``off_network``.
    """
    sites = problem.sites
    limits = problem.limits
    usable = _most_beds(problem) > 0
    closed = sites.is_existing & problem.forbidden & sites.institution
    fits = ~sites.is_existing & (sites.max_beds >= QUALIFYING_BEDS) & ~problem.forbidden
    lonely = fits & ~problem.site_excluded & ~problem.usable()
    limited = limits.budget_wan_yuan is not None or limits.max_new_sites is not None
    unused = "over_limit" if planned and limited else "not_chosen"
    steps = (
        ("excluded", fits & problem.site_excluded),
        ("locked_out", closed),
        ("over_limit", lonely),
        (unused, usable),
    )
    covers = problem.covers
    reason = np.full(len(problem.elders), "no_candidate_in_reach", dtype=object)
    for code, group in steps:
        reason[np.asarray(covers[group].sum(axis=0)).ravel() > 0] = code
    reason[on_foot & ~problem.demand_on_network] = "off_network"
    duty = ~np.isnan(problem.standard_m) & ~judged.covered
    reason[~duty] = ""
    barred = np.flatnonzero(
        (fits & problem.site_excluded) | closed | lonely | (problem.forbidden & ~sites.is_existing)
    )
    return reason, _names_in_reach(problem, barred, duty)


def _names_in_reach(
    problem: Problem, sites: NDArray[np.int64], points: NDArray[np.bool_]
) -> NDArray[np.object_]:
    """Return the ids, at most five, of some sites within the standard of some points."""
    names = np.full(len(problem.elders), "", dtype=object)
    columns = problem.covers[sites].tocsc()
    for point in np.flatnonzero(points & (np.diff(columns.indptr) > 0)).tolist():
        found = columns.indices[columns.indptr[point] : columns.indptr[point + 1]]
        names[point] = " ".join(str(problem.sites.id[sites[k]]) for k in np.sort(found)[:5])
    return names
