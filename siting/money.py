"""Who pays what, and when: building, running and subsidies, by facility and phase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from siting.audit_homes import subsidies

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from siting.finding import Judged
    from siting.problem import Layout, Problem
    from siting.standards import Rule

__all__ = ["ITEMS", "OPERATOR", "Payment", "Stand", "payments", "running_cost"]

ITEMS = ("capital", "running", "subsidy_once", "subsidy_yearly")
"""What is paid: building in the phase, running for the year, subsidies once and for the year."""
OPERATOR = "operator"
"""Who pays for building and running."""


@dataclass(frozen=True)
class Stand:
    """
    What stands in one year.

    Attributes
    ----------
    year
        Year of the phase.
    problem
        The problem with the rules of that year.
    judged
        The layout as the audit measured it.
    """

    year: int
    problem: Problem
    judged: Judged

    @property
    def layout(self) -> Layout:
        """What stands where."""
        return self.judged.layout


@dataclass(frozen=True)
class Payment:
    """
    One amount, always positive: ``item`` says whether it is spent or given.

    Attributes
    ----------
    facility_id, year
        For what and when.
    item
        One of ``ITEMS``.
    rule_id, clause
        The rule that pays a subsidy; empty otherwise.
    payer
        ``operator`` for building and running; who the rule says for a subsidy.
    amount_wan_yuan
        万元; of ``running`` and ``subsidy_yearly`` for one year.
    """

    facility_id: str
    year: int
    item: str
    rule_id: str
    clause: str
    payer: str
    amount_wan_yuan: float


def payments(stands: Sequence[Stand]) -> list[Payment]:
    """
    Return what is paid in every phase, by facility, in the order of years and of sites.

    Building in a phase costs what the layout costs more than that of the phase before. A subsidy on
    investment is paid by the rule of the year on what is spent by then, less what it pays on what
    was spent before; all of them together pay no more than is spent, enforced rules first. One on a
    fact of a home is paid once, in the first phase whose rules have it.

    Parameters
    ----------
    stands
        What stands in each phase, the first year first.
    """
    rows: list[tuple[int, int, int, Payment]] = []
    n = stands[0].problem.sites.n
    spent = np.zeros(n)
    given: dict[str, NDArray[np.float64]] = {}
    for stand in stands:
        cost = stand.problem.cost(stand.layout)
        lists: list[tuple[int, str, Rule | None, NDArray[np.float64]]] = [
            (0, "capital", None, cost - spent),
            (1, "running", None, np.nan_to_num(running_cost(stand.problem, stand.layout))),
            *_subsidies(stand, spent, cost, given),
        ]
        for order, item, rule, amounts in lists:
            rows.extend(
                (stand.year, site, order, _payment(stand, site, item, rule, amounts))
                for site in np.flatnonzero(amounts > 0).tolist()
            )
        spent = cost
    return [row[-1] for row in sorted(rows, key=lambda row: row[:3])]


def _payment(
    stand: Stand, site: int, item: str, rule: Rule | None, amounts: NDArray[np.float64]
) -> Payment:
    """Return one payment."""
    name, amount = str(stand.problem.sites.id[site]), float(amounts[site])
    if rule is None:
        return Payment(name, stand.year, item, "", "", OPERATOR, amount)
    payer = str(rule.parameters.payer)
    return Payment(name, stand.year, item, rule.id, rule.clause, payer, amount)


def _subsidies(
    stand: Stand,
    spent: NDArray[np.float64],
    cost: NDArray[np.float64],
    given: dict[str, NDArray[np.float64]],
) -> Iterator[tuple[int, str, Rule, NDArray[np.float64]]]:
    """Yield what each rule pays in a phase: place in the order, item, rule and amounts."""
    invested: list[tuple[int, Rule, NDArray[np.bool_]]] = []
    for order, rule in enumerate(stand.problem.of_kind("money"), start=2):
        paid = subsidies(stand.problem, stand.judged, rule)
        if paid is None:
            continue
        if rule.parameters.yearly:
            yield order, "subsidy_yearly", rule, paid
        elif rule.parameters.basis == "investment":
            invested.append((order, rule, paid > 0))
        else:
            had = given.get(rule.id, np.zeros(len(paid)))
            given[rule.id] = np.maximum(had, paid)
            yield order, "subsidy_once", rule, np.maximum(paid - had, 0.0)
    invested.sort(key=lambda each: not each[1].enforce)
    rules = [(rule, paid) for _, rule, paid in invested]
    both = zip(_on_investment(rules, cost), _on_investment(rules, spent), strict=True)
    for (order, rule, _), (now, before) in zip(invested, both, strict=True):
        yield order, "subsidy_once", rule, now - before


def _on_investment(
    rules: list[tuple[Rule, NDArray[np.bool_]]], cost: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Return what each rule pays on costs at its sites; one after the other, while they last."""
    left, found = cost, []
    for rule, mine in rules:
        amount = np.array([rule.parameters.amount(float(each)) for each in cost])
        found.append(np.minimum(np.where(mine, amount, 0.0), left))
        left = left - found[-1]
    return found


def running_cost(problem: Problem, layout: Layout) -> NDArray[np.float64]:
    """
    Return what each open facility costs to run for a year, 万元: its beds and its functions.

    NaN where the files do not say what a bed costs and no function with a price stands there.
    """
    beds = np.where(layout.is_open, problem.sites.running_cost_per_bed * layout.beds, 0.0)
    beds[layout.beds == 0] = 0.0
    price = {name: each.running_cost for name, each in problem.functions.items()}
    functions = np.array(
        [sum(price.get(name, 0.0) for name in each or ()) for each in layout.functions], dtype=float
    )
    known = np.nan_to_num(beds) + functions
    return np.where(np.isnan(beds) & (functions == 0), np.nan, known)
