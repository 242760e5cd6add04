"""Tables of money and of phases: who pays what in which year, and what each year reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from siting.audit import covered_shares
from siting.demand import CLASSES
from siting.money import ITEMS, Stand, payments
from siting.study.phases import upgraded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from siting.problem import Problem
    from siting.study.phases import PhasePlan

__all__ = [
    "MONEY_COLUMNS",
    "PHASE_COLUMNS",
    "empty_shares",
    "money_frame",
    "money_totals",
    "phase_records",
    "phases_frame",
    "pivot_of",
]

MONEY_COLUMNS = [
    "facility_id", "year", "item", "rule_id", "clause", "payer", "amount_wan_yuan",
]  # fmt: skip
PHASE_COLUMNS = [
    "year", "beds", "new_sites", "extended_sites", "upgraded_sites", "cost_wan_yuan",
    "subsidy_wan_yuan", "budget_wan_yuan", "covered_share_high", "covered_share_medium",
    "rules_met", "rules_unmet", "run_status", "gap",
]  # fmt: skip


def money_frame(phases: Sequence[PhasePlan]) -> pd.DataFrame:
    """Return one row per facility, year, item and rule: what is paid, 万元."""
    stands = [Stand(each.year, each.problem, each.audit.judged) for each in phases]
    rows = [vars(each) for each in payments(stands)]
    table = pd.DataFrame(rows, columns=MONEY_COLUMNS)
    return table.astype({"year": "int64", "amount_wan_yuan": float})


def money_totals(money: pd.DataFrame, phases: Sequence[PhasePlan]) -> dict[str, Any]:
    """
    Return the sums of the money table, 万元.

    Building and subsidies paid once over all phases and what is left of the one after the other;
    running and yearly subsidies in the last year; how many open facilities have no cost of running.
    """
    last = phases[-1]
    total = {
        item: float(money.loc[_of(money, item, last.year), "amount_wan_yuan"].sum())
        for item in ITEMS
    }
    unknown = last.layout.is_open & np.isnan(last.problem.sites.running_cost_per_bed)
    return {
        "capital": total["capital"],
        "subsidy": total["subsidy_once"],
        "net": total["capital"] - total["subsidy_once"],
        "running": total["running"],
        "subsidy_yearly": total["subsidy_yearly"],
        "running_unknown": int((unknown & (last.layout.beds > 0)).sum()),
    }


def _of(money: pd.DataFrame, item: str, year: int) -> pd.Series:
    """Return the rows of an item: of all years, or of one for what is paid every year."""
    mine = money["item"] == item
    return mine & (money["year"] == year) if item in {"running", "subsidy_yearly"} else mine


def pivot_of(money: pd.DataFrame) -> pd.DataFrame:
    """Return year and payer against items, with sums; one row for each payer of each year."""
    table = money.pivot_table(
        index=["year", "payer"], columns="item", values="amount_wan_yuan", aggfunc="sum"
    )
    return table.reindex(columns=list(ITEMS)).fillna(0.0).reset_index()


def phases_frame(records: list[dict[str, Any]], phases: Sequence[PhasePlan]) -> pd.DataFrame:
    """
    Return one row per phase, from the record of the run.

    The share of a class that no rule of the year asks a distance of, or that is empty, is missing.
    """
    rows = [
        {key: each[key] for key in PHASE_COLUMNS}
        | dict.fromkeys(empty_shares(phase.problem), np.nan)
        for each, phase in zip(records, phases, strict=True)
    ]
    table = pd.DataFrame(rows, columns=PHASE_COLUMNS)
    numbers = ("budget_wan_yuan", "covered_share_high", "covered_share_medium", "gap")
    return table.astype(dict.fromkeys(numbers, float))


def empty_shares(problem: Problem) -> list[str]:
    """Return the columns of covered shares of classes without elders or without a distance."""
    asked = problem.density_class[~np.isnan(problem.standard_m)]
    return [
        f"covered_share_{grade}"
        for grade in ("high", "medium")
        if not (asked == CLASSES.index(grade)).any()
    ]


def phase_records(phases: Sequence[PhasePlan], money: pd.DataFrame) -> list[dict[str, Any]]:
    """
    Return what ``run.json`` says of each phase.

    Coverage and rules are the audit's by the rules of the year; sites, cost and subsidy are of the
    phase alone, the subsidy what is paid once. The gap is the worst of the stages.
    """
    return [
        _record(phase, phases[number - 1] if number else None, money)
        for number, phase in enumerate(phases)
    ]


def _record(phase: PhasePlan, before: PhasePlan | None, money: pd.DataFrame) -> dict[str, Any]:
    """Return what is said of one phase."""
    problem, layout, judged = phase.problem, phase.layout, phase.audit.judged
    stood = problem.existing_layout() if before is None else before.layout
    shares, counts = covered_shares(problem, judged.covered), phase.audit.counts()
    paid = money[money["year"] == phase.year].groupby("item")["amount_wan_yuan"].sum()
    stages = [] if phase.solution is None else [vars(each) for each in phase.solution.stages]
    inside = problem.site_unit >= 0
    step = next(each for each in phase.prepared.scenario.steps if each.year == phase.year)
    return {
        "year": phase.year,
        "beds": int(judged.counted_beds[inside].sum()),
        "new_sites": int((layout.is_open & ~stood.is_open).sum()),
        "extended_sites": int((stood.is_open & (layout.beds > stood.beds)).sum()),
        "upgraded_sites": int(upgraded(stood, layout).sum()),
        "cost_wan_yuan": float(paid.get("capital", 0.0)),
        "subsidy_wan_yuan": float(paid.get("subsidy_once", 0.0)),
        "budget_wan_yuan": step.budget_wan_yuan,
        "covered_share_high": shares["high"],
        "covered_share_medium": shares["medium"],
        "rules_met": counts["rules_met"],
        "rules_unmet": counts["rules_unmet"],
        "run_status": "audited" if phase.solution is None else phase.solution.status,
        "gap": max((each["gap"] for each in stages), default=None),
        "stages": stages,
    }
