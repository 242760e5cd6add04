"""The model's parts: its variables by what they mean, the terms of every stage, starting values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from siting.extras import Extras, no_extras
from siting.hosts import Hosts, stands_anyway

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from siting.decisions import Decisions
    from siting.linear import LinearModel
    from siting.problem import Problem
    from siting.reduce import CoverGroups
    from siting.standards import Rule

__all__ = ["Hard", "PlanModel"]


@dataclass(frozen=True)
class Hard:
    """
    What is known before any search to be reached in full, and so is a row, not a stage.

    Attributes
    ----------
    cover
        Every group that can be covered is covered.
    beds
        Every unit has the beds it needs, or all that can be.
    minima
        Every unit has its separate places.
    """

    cover: bool = False
    beds: bool = False
    minima: bool = False


@dataclass
class PlanModel:
    """
    The model of decisions that hang together.

    Attributes
    ----------
    linear
        Variables and rows.
    problem, decisions, groups
        What it is a model of.
    part
        Decisions in this model, positions in ``decisions``.
    hard
        What is a row and not a stage.
    decision
        Site to its decision.
    choose, beds
        Variable of each decision: taken or not, and beds added.
    counted_beds
        Site to the variable of beds added, where beds added count.
    stages
        Terms of each stage by position of the variable.
    settle
        What follows from decisions, in the order of making: each sets its variables among values.
    nursing, turned, dementia
        Site to variable: new nursing beds, beds turned into nursing beds, dementia beds among them.
    functions
        Variable that adds a function to that function and the sites it may be added at.
    function_at
        Site and function to that variable.
    site_cost
        Site to the terms of its cost.
    missing
        Variables of what is missing of minima that may stay unmet: beds, homes, areas.
    """

    linear: LinearModel
    problem: Problem
    decisions: Decisions
    groups: CoverGroups
    part: NDArray[np.int64]
    hard: Hard
    decision: dict[int, int] = field(default_factory=dict)
    choose: dict[int, int] = field(default_factory=dict)
    beds: dict[int, int] = field(default_factory=dict)
    counted_beds: dict[int, int] = field(default_factory=dict)
    stages: dict[str, dict[int, float]] = field(default_factory=dict)
    settle: list[Callable[[NDArray[np.float64]], None]] = field(default_factory=list)
    nursing: dict[int, int] = field(default_factory=dict)
    turned: dict[int, int] = field(default_factory=dict)
    dementia: dict[int, int] = field(default_factory=dict)
    functions: dict[int, Hosts] = field(default_factory=dict)
    function_at: dict[tuple[int, str], int] = field(default_factory=dict)
    site_cost: dict[int, dict[int, float]] = field(default_factory=dict)
    missing: dict[int, float] = field(default_factory=dict)

    def name_of(self, rule: Rule) -> str:
        """Return a name of a rule for variables and rows: its number, never the user's id."""
        return f"rule{self.problem.rules.index(rule)}"

    def add_cost(self, site: int, terms: dict[int, float]) -> None:
        """Add terms to the cost of a site, and of the plan."""
        of_site = self.site_cost.setdefault(site, {})
        for variable, factor in terms.items():
            of_site[variable] = of_site.get(variable, 0.0) + factor
        self.add_terms("cost", terms)

    def add_terms(self, stage: str, terms: dict[int, float]) -> None:
        """Add terms to a stage's objective."""
        objective = self.stages.setdefault(stage, {})
        for variable, factor in terms.items():
            objective[variable] = objective.get(variable, 0.0) + factor

    @property
    def plans_mix(self) -> bool:
        """Whether nursing or dementia beds or functions are decided."""
        return bool(self.nursing or self.turned or self.dementia or self.functions)

    def values_of(
        self,
        taken: NDArray[np.bool_],
        added: NDArray[np.int64],
        extras: Extras | None = None,
    ) -> NDArray[np.float64]:
        """Return a value for every variable from decisions, what is unmet as small as it can be."""
        values = np.zeros(len(self.linear.variables))
        for decision in self.part.tolist():
            values[self.choose[decision]] = float(taken[decision])
            values[self.beds[decision]] = float(added[decision] if taken[decision] else 0)
        self._fill(values, extras or no_extras(self.problem.sites.n))
        for settle in self.settle:
            settle(values)
        return values

    def completed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a solution with whole decisions, and every other variable as follows from them."""
        return self.values_of(*self.read(values), self.read_extras(values))

    def read(self, values: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Return which decisions a solution takes and the beds it adds, as whole numbers."""
        taken = np.zeros(self.decisions.n, dtype=bool)
        added = np.zeros(self.decisions.n, dtype=np.int64)
        for decision in self.part.tolist():
            taken[decision] = round(values[self.choose[decision]]) == 1
            added[decision] = round(values[self.beds[decision]]) if taken[decision] else 0
        return taken, added

    def read_extras(self, values: NDArray[np.float64]) -> Extras:
        """Return the nursing and dementia beds and functions that a solution adds."""
        found = no_extras(self.problem.sites.n)
        for name in ("nursing", "turned", "dementia"):
            for site, variable in getattr(self, name).items():
                getattr(found, name)[site] = round(values[variable])
        for variable, hosts in self.functions.items():
            count = round(values[variable])
            for site in [each for each in hosts.sites if self._is_open(each, hosts, values)][
                :count
            ]:
                found.functions[site].add(hosts.function)
        return found

    def _is_open(self, site: int, hosts: Hosts, values: NDArray[np.float64]) -> bool:
        """Return whether a solution lets a site be given a function."""
        if stands_anyway(self.decisions, site, hosts.function):
            return True
        return bool(round(values[self.choose[self.decision[site]]]) == 1)

    def _fill(self, values: NDArray[np.float64], extras: Extras) -> None:
        """Put what is added into starting values."""
        for name in ("nursing", "turned", "dementia"):
            for site, variable in getattr(self, name).items():
                values[variable] = float(getattr(extras, name)[site])
        for variable, hosts in self.functions.items():
            here = [hosts.function in extras.functions[site] for site in hosts.sites]
            values[variable] = float(sum(here))
