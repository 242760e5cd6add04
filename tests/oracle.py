"""
Exhaustive search over every layout of a tiny problem, in the simplest code that could be right.

Nothing here comes from the model or from ``siting.objective``: of the package only the types of a
problem are read. Beds are enumerated one by one, need is exact arithmetic on fractions, places are
joined by hand.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from siting.units import NO_UNIT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from siting.problem import Layout, Problem

STAGES = (
    "uncovered_high", "uncovered_medium", "missing_beds", "unmet_minima", "cost", "distance",
)  # fmt: skip
CAP_M = 1000.0
TOUCH_M = 1e-6  # two lengths this near to each other are equal (semantics, section 1)
SAME = 1e-9
QUALIFIES = 10

Beds = tuple[int | None, ...]  # of each site; None where nothing stands
Values = tuple[float, ...]  # of each stage


@dataclass(frozen=True)
class Oracle:
    """Every layout that the limits and locks allow, with what it reaches in each stage."""

    problem: Problem
    reached: dict[Beds, Values]

    def best(self) -> Values:
        """Return the lexicographically least values."""
        left: Iterable[Values] = self.reached.values()
        for stage in range(len(STAGES)):
            left = list(left)
            least = min(values[stage] for values in left)
            left = [v for v in left if v[stage] <= least + SAME * max(least, 1.0)]
        return min(left)

    def least_keeping(self, stage: int, values: Values) -> float:
        """Return the least of a stage over all layouts that keep some values of earlier ones."""
        return min(
            each[stage]
            for each in self.reached.values()
            if all(each[k] <= values[k] + SAME * max(values[k], 1.0) for k in range(stage))
        )


def search(problem: Problem) -> Oracle:
    """Return every allowed layout of a problem."""
    judge = Judge(problem)
    reached = {}
    for beds in itertools.product(*(choices(problem, judge, j) for j in range(problem.sites.n))):
        if within_limits(problem, judge, beds):
            reached[beds] = judge.values(beds)
    return Oracle(problem, reached)


def size(problem: Problem) -> int:
    """Return how many layouts there are before limits."""
    judge = Judge(problem)
    return math.prod(len(choices(problem, judge, j)) for j in range(problem.sites.n))


def beds_of(layout: Layout) -> Beds:
    """Return a layout as the oracle writes it."""
    pairs = zip(layout.is_open.tolist(), layout.beds.tolist(), strict=True)
    return tuple(beds if is_open else None for is_open, beds in pairs)


def choices(problem: Problem, judge: Judge, j: int) -> list[int | None]:
    """Return what may stand at one site."""
    sites = problem.sites
    low, high = int(sites.min_beds[j]), int(sites.max_beds[j])
    locked = int(problem.locked_beds[j])
    if problem.forbidden[j]:
        return [None]
    if sites.is_existing[j]:
        low = int(sites.beds[j])
        return [locked] if locked >= 0 else list(range(low, max(low, high) + 1))
    must = bool(problem.locked_open[j]) or locked >= 0
    counts = [locked] if locked >= 0 else [b for b in range(low, high + 1) if b >= QUALIFIES]
    if must:
        return list(counts)
    least = problem.limits.min_elders_per_new_site
    lonely = least is not None and judge.elders_within(j) < least
    return [None] if problem.site_excluded[j] or lonely else [None, *counts]


def within_limits(problem: Problem, judge: Judge, beds: Beds) -> bool:
    """Return whether a layout keeps to the budget and the number of new sites."""
    budget, most = problem.limits.budget_wan_yuan, problem.limits.max_new_sites
    new = sum(b is not None and not problem.sites.is_existing[j] for j, b in enumerate(beds))
    if most is not None and new > most:
        return False
    return budget is None or judge.cost(beds) <= budget + SAME * max(budget, 1.0)


class Judge:
    """Measures layouts of one problem; what depends only on who qualifies is measured once."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        dense = problem.reach.tocoo()
        self.metres = {
            (int(j), int(i)): float(d)
            for j, i, d in zip(dense.row, dense.col, dense.data, strict=True)
        }
        self.elders = [float(e) for e in problem.elders]
        self.xy = [tuple(map(float, each)) for each in problem.sites.xy]
        self.unit = [int(u) for u in problem.site_unit]
        self.known: dict[tuple[bool, ...], tuple[float, float, float, float]] = {}
        self.need = self._need(enforced_only=True)
        self.need_of_all = self._need(enforced_only=False)

    def values(self, beds: Beds) -> Values:
        """Return what a layout reaches in every stage."""
        counts = tuple(
            b is not None and b >= QUALIFIES and bool(self.problem.sites.institution[j])
            for j, b in enumerate(beds)
        )
        if counts not in self.known:
            self.known[counts] = self._of_qualifying(counts)
        high, medium, unmet, distance = self.known[counts]
        return (high, medium, self._missing(beds, counts), unmet, self.cost(beds), distance)

    def cost(self, beds: Beds) -> float:
        """Return what a layout costs: openings, extensions, added beds."""
        sites, paid = self.problem.sites, []
        for j, count in enumerate(beds):
            added = 0 if count is None else count - int(sites.beds[j])
            opened = count is not None and not sites.is_existing[j]
            if opened or added > 0:
                paid.append(float(sites.fixed_cost[j]) + float(sites.cost_per_bed[j]) * added)
        return math.fsum(paid)

    def elders_within(self, j: int) -> float:
        """Return the elders within the standard of a site."""
        found = [
            self.elders[i]
            for i in range(len(self.elders))
            if self._reaches(j, i, self._standard(i, enforced_only=False))
        ]
        return math.fsum(found)

    def _standard(self, i: int, *, enforced_only: bool) -> float | None:
        """Return the longest distance that a rule allows a point, None without a duty."""
        name = ("low", "medium", "high")[int(self.problem.density_class[i])]
        for rule in self.problem.rules:
            concerned = rule.kind == "coverage" and rule.parameters.density_class == name
            if concerned and self.elders[i] > 0 and (rule.enforce or not enforced_only):
                return float(rule.parameters.distance_m)
        return None

    def _reaches(self, j: int, i: int, standard: float | None) -> bool:
        """Return whether a site is within a distance of a point."""
        metres = self.metres.get((j, i))
        return standard is not None and metres is not None and metres <= standard + TOUCH_M

    def _of_qualifying(self, counts: tuple[bool, ...]) -> tuple[float, float, float, float]:
        """Return uncovered high and medium, unmet minima, and distance."""
        standing = [j for j, qualifies in enumerate(counts) if qualifies]
        uncovered: dict[int, list[float]] = {0: [], 1: [], 2: []}
        far = []
        for i, elders in enumerate(self.elders):
            standard = self._standard(i, enforced_only=True)
            if standard is not None and not any(self._reaches(j, i, standard) for j in standing):
                uncovered[int(self.problem.density_class[i])].append(elders)
            metres = [self.metres[j, i] for j in standing if (j, i) in self.metres]
            far.append(elders * min([CAP_M, *metres]))
        return (
            math.fsum(uncovered[2]), math.fsum(uncovered[1]),
            float(self._unmet(standing)), math.fsum(far),
        )  # fmt: skip

    def _need(self, *, enforced_only: bool) -> list[int]:
        """Return the beds that each planning unit needs, exactly."""
        need = []
        for number, name in enumerate(self.problem.unit_id):
            here = [e for e, u in zip(self.elders, self.problem.demand_unit, strict=True)
                    if u == number]  # fmt: skip
            elders = Fraction(round(math.fsum(here) * 10**6), 10**6)
            rates = [
                Fraction(str(rule.parameters.beds_per_10000))
                for rule in self.problem.rules
                if rule.kind == "ratio" and (rule.enforce or not enforced_only)
            ]
            most = max([elders * rate / 10000 for rate in rates], default=Fraction(0))
            need.append(0 if name == NO_UNIT else math.ceil(most))
        return need

    def _missing(self, beds: Beds, counts: tuple[bool, ...]) -> float:
        """Return the beds that planning units lack."""
        lack = 0
        for number, need in enumerate(self.need):
            stand = sum(
                b for j, b in enumerate(beds) if b is not None and counts[j]
                and self.unit[j] == number
            )  # fmt: skip
            lack += max(need - stand, 0)
        return float(lack)

    def _unmet(self, standing: list[int]) -> int:
        """Return how many units have fewer separate places than an enforced rule asks for."""
        unmet = 0
        for rule in self.problem.rules:
            if rule.kind != "count" or not rule.enforce:
                continue
            asked = rule.parameters
            for number, name in enumerate(self.problem.unit_id):
                duty = self.need_of_all[number] >= asked.min_sites * asked.min_site_beds
                here = [j for j in standing if self.unit[j] == number]
                if duty and name != NO_UNIT:
                    unmet += self._separate(here, asked.same_site_m) < asked.min_sites
        return unmet

    def _separate(self, here: list[int], same_site_m: float) -> int:
        """Return how many places some facilities make: those closer than a distance are one."""
        left, found = set(here), 0
        while left:
            found += 1
            joined = [left.pop()]
            while joined:
                j = joined.pop()
                near = {k for k in left if math.dist(self.xy[j], self.xy[k]) < same_site_m}
                left -= near
                joined += near
        return found
