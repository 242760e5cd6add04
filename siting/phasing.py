"""Rules and money by year: standards of each phase, budgets up to it, and who may be paid."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from siting.facts import said_yes
from siting.standards import Standard, read_standard

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.problem import Problem
    from siting.scenario import Limits, Scenario
    from siting.tables import DataCheck

__all__ = [
    "earlier_standards",
    "money_until",
    "read_rules",
    "report_phases",
    "report_subsidies",
    "step_limits",
]


def read_rules(scenario: Scenario, year: int) -> Standard:
    """Return the scenario's standard in a year, without the study's changes."""
    layers = [each for each in (scenario.existing, *scenario.candidates) if each is not None]
    words = {*scenario.functions, *(fact for layer in layers for fact in layer.facts)}
    folder = scenario.locate("")
    return read_standard(scenario.standard, year=year, folder=folder, known_words=words)


def earlier_standards(scenario: Scenario, check: DataCheck) -> dict[int, Standard]:
    """
    Return the standard in each phase before the plan's year, with the study's changes.

    A change of a rule that starts later than a phase is left out there, and counted.

    Raises
    ------
    StandardError
        If no rule is in force in a phase's year, or a change is wrong.
    """
    found = {}
    for step in scenario.steps[:-1]:
        standard = read_rules(scenario, step.year)
        later = [
            name
            for name in scenario.rules
            if name in standard.values and standard.rule(name) is None
        ]
        if later:
            check.add(
                "info", "phase_rule_later", "phases", count=len(later), examples=later,
                year=step.year,
            )  # fmt: skip
        changes = {name: each for name, each in scenario.rules.items() if name not in later}
        found[step.year] = standard.change(changes, where="rules")
    return found


def money_until(scenario: Scenario) -> tuple[float | None, ...]:
    """
    Return the money up to each phase, 万元; None where a phase so far has no limit on it.

    Of the last phase it is the budget of the plan as well, the lower where both are given.
    """
    budgets = [step.budget_wan_yuan for step in scenario.steps]
    total = list(accumulate(budgets, _added))
    limit = scenario.limits.budget_wan_yuan
    given = [each for each in (total[-1], limit) if each is not None]
    return (*total[:-1], min(given) if given else None)


def _added(one: float | None, other: float | None) -> float | None:
    """Return a sum of money; None where any of it has no limit."""
    return None if one is None or other is None else one + other


def step_limits(scenario: Scenario) -> tuple[Limits, ...]:
    """Return the limits of each phase: those of the plan, with the money up to that phase."""
    return tuple(
        scenario.limits.model_copy(update={"budget_wan_yuan": money})
        for money in money_until(scenario)
    )


def report_phases(scenario: Scenario, check: DataCheck) -> None:
    """List the phases: whose elders they are planned for, and the money of the plan."""
    if not scenario.phases:
        return
    steps, limit = scenario.steps, scenario.limits.budget_wan_yuan
    years = [str(step.year) for step in steps]
    check.add(
        "info", "phases_elders", "phases", count=len(steps), examples=years, year=scenario.year
    )
    if len(steps) > len(scenario.phases):
        check.add("info", "phase_appended", "phases", count=1, year=scenario.year)
    money = money_until(scenario)[-1]
    if money is not None and money != limit:
        check.add("info", "phases_budget", "phases", count=len(steps), money=money)


def report_subsidies(problem: Problem, check: DataCheck) -> None:
    """
    List the homes of which it is not told whether a subsidy is for them.

    One whose owner is not told is not paid where a rule names owners; one of which a barring fact
    is not told is paid.
    """
    sites = problem.sites
    homes = sites.is_existing & sites.institution & (problem.site_unit >= 0)
    unsure: dict[str, tuple[set[str], NDArray[np.bool_]]] = {}
    for rule in problem.of_kind("money"):
        asked = rule.parameters
        silent = [
            any(said_yes(facts.get(each)) is None for each in asked.excludes)
            for facts in sites.facts
        ]
        for code, rows in (
            ("subsidy_owner_unknown", (sites.owner == "") & bool(asked.owners)),
            ("subsidy_bar_unknown", np.array(silent, dtype=bool)),
        ):
            if (rows & homes).any():
                names, before = unsure.get(code, (set(), np.zeros(sites.n, dtype=bool)))
                unsure[code] = (names | {rule.id}, before | (rows & homes))
    for code, (names, rows) in sorted(unsure.items()):
        check.add(
            "info", code, "existing", count=int(rows.sum()), examples=sites.id[rows],
            rules=", ".join(sorted(names)),
        )  # fmt: skip
