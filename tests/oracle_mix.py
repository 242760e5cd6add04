"""
Every layout of a tiny town, nursing and dementia beds and functions among it, and what it reaches.

Nothing here comes from the model, from ``siting.minima``, ``siting.extras`` or
``siting.objective``, nor from ``Problem.cost``: of the package only the types of a problem are
read. Every count is enumerated one by one, shares and rates are compared as fractions.

Under a later layout (``ceiling``) a site has no more beds of any kind, no other functions, and no
more beds turned than that layout, its beds being turned as far as that costs less.

Whatever a rule counts is a sum over sites, so each choice of a site becomes a row of whole numbers
and layouts become sums of rows. Choices of one site with the same row differ in cost alone; the
dearer ones are left out, as no stage and no limit prefers them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from siting.problem import Layout, Problem
    from siting.standards import Rule

STAGES = (
    "uncovered_high", "uncovered_medium", "missing_beds", "unmet_minima", "cost", "distance",
)  # fmt: skip
CAP_M = 1000.0
TOUCH_M = 1e-6
SAME = 1e-9
QUALIFIES = 10
FOR_HOMES = frozenset(
    {"care_centre", "memory_home", "memory_zone", "embedded_home", "combined_institution"}
)
"""Functions that only a registered institution can have (policies 002, box 1, and 003, II(2)5)."""

Values = tuple[float, ...]


@dataclass(frozen=True)
class Choice:
    """What may stand at one site, and what it costs before subsidies."""

    is_open: bool
    beds: int = 0
    nursing: int = 0
    dementia: int = 0
    functions: frozenset[str] = frozenset()
    cost: float = 0.0
    new: int = 0
    turned: int = 0

    @property
    def stands(self) -> tuple[Any, ...]:
        """What stands, whatever it costs."""
        return (self.is_open, self.beds, self.nursing, self.dementia, self.functions)


@dataclass(frozen=True)
class Duty:
    """At least so many in one area: what each site brings is a whole number."""

    rule_id: str
    area: str
    brings: Callable[[int, Choice], int]
    least: int
    is_share: bool = False


@dataclass(frozen=True)
class AreaShare:
    """At least so many of some areas have one."""

    rule_id: str
    areas: tuple[Duty, ...]
    least: int


@dataclass
class Oracle:
    """
    Every layout that limits and locks allow, as sums, with the least values by stage.

    ``missing`` is what each lacks of the minima that it does not meet, shares left out: beds, homes
    and areas alike.
    """

    problem: Problem
    town: Town
    values: np.ndarray = field(default_factory=lambda: np.empty((0, len(STAGES))))
    missing: np.ndarray = field(default_factory=lambda: np.empty(0))

    def best(self) -> Values:
        """Return the lexicographically least values; as near as can be to what stays unmet."""
        after = STAGES.index("unmet_minima") + 1
        left = np.insert(self.values, after, self.missing, axis=1)
        for column in range(left.shape[1]):
            least = left[:, column].min()
            left = left[left[:, column] <= least + SAME * max(abs(least), 1.0)]
        return tuple(np.delete(left[0], after).tolist())


def search(problem: Problem) -> Oracle:
    """Return every allowed layout of a problem."""
    town = Town(problem)
    total = np.zeros((1, town.width))
    for j in range(problem.sites.n):
        rows = town.rows(j)
        total = (total[:, None, :] + rows[None, :, :]).reshape(-1, town.width)
    allowed = total[town.within_limits(total)]
    return Oracle(problem, town, town.values(allowed), town.missing(allowed))


def size(problem: Problem) -> int:
    """Return how many sums there are before limits."""
    town = Town(problem)
    return math.prod(len(town.rows(j)) for j in range(problem.sites.n))


class Town:
    """What choices there are at each site of a problem, and what they add up to."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.n = problem.sites.n
        self.units = len(problem.unit_id)
        self.duties = [each for r in problem.rules if r.enforce for each in self._duties(r)]
        single = [d for each in self.duties for d in self._singles(each)]
        self.counted = {id(d): k for k, d in enumerate(single)}
        self.single = single
        self.first_unit = 3
        self.first_duty = self.first_unit + self.units
        self.width = self.first_duty + len(single)
        self.far: dict[int, tuple[float, float, float]] = {}

    # What may stand.

    def choices(self, j: int) -> list[Choice]:
        """Return everything that may stand at one site, each once, at its least cost."""
        cheapest: dict[tuple[Any, ...], Choice] = {}
        later = self._later(j)
        for each in self._all_choices(j):
            if later is not None and not _within(each, later):
                continue
            known = cheapest.get(each.stands)
            if known is None or each.cost < known.cost:
                cheapest[each.stands] = each
        return list(cheapest.values())

    def _later(self, j: int) -> Choice | None:
        """
        Return what the later layout has at a site, new nursing beds before turned ones.

        What no free choice gives stands there by a lock, as it is.
        """
        later = self.problem.ceiling
        if later is None:
            return None
        free = Town(replace(self.problem, ceiling=None))
        same = [each for each in free._all_choices(j) if each.stands == stands(later, j)]
        locked = Choice(*stands(later, j))
        return min(same, key=lambda each: (each.cost, each.turned), default=locked)

    def _all_choices(self, j: int) -> Iterator[Choice]:
        sites = self.problem.sites
        if self.problem.forbidden[j]:
            yield Choice(is_open=False)
            return
        if not sites.is_existing[j] and not self.problem.locked_open[j]:
            yield Choice(is_open=False)
        for added in self._additions(j):
            yield from self._mixes(j, added)

    def _additions(self, j: int) -> list[int]:
        """Return how many beds may be added where a site is open."""
        sites = self.problem.sites
        here, most = int(sites.beds[j]), int(sites.max_beds[j])
        locked = int(self.problem.locked_beds[j])
        if not sites.is_existing[j]:
            if not sites.institution[j]:
                return [0]
            if locked >= 0:
                return [locked]
            return [b for b in range(int(sites.min_beds[j]), most + 1) if b >= QUALIFIES]
        if locked >= 0:
            return [locked - here]
        if not sites.institution[j]:
            return [0]
        return [0] + [a for a in range(1, most - here + 1) if here + a >= QUALIFIES]

    def _mixes(self, j: int, added: int) -> Iterator[Choice]:
        """Return every mix of nursing and dementia beds and functions on so many added beds."""
        problem, sites, mix = self.problem, self.problem.sites, self.problem.mix
        exists = bool(sites.is_existing[j])
        beds = (int(sites.beds[j]) if exists else 0) + added
        counts = bool(sites.institution[j]) and beds >= QUALIFIES
        opened = added > 0 or not exists
        plain = (float(sites.fixed_cost[j]) + float(sites.cost_per_bed[j]) * added) * opened
        most_new = math.floor(Fraction(str(mix.most_nursing_share)) * added) if counts else 0
        for new in range(most_new + 1):
            for turned in range(self._turnable(j) + 1):
                most = math.floor(Fraction(str(mix.most_dementia_share)) * (new + turned))
                for dementia in range(most + 1):
                    price = plain + new * mix.nursing_cost_per_bed
                    price += dementia * mix.dementia_cost_per_bed
                    if turned:
                        price += turned * float(sites.convert_cost_per_bed[j])
                    for names in self._function_sets(j, counts=counts):
                        cost = price + sum(problem.functions[name].cost for name in names)
                        yield Choice(
                            is_open=True, beds=beds,
                            nursing=int(sites.nursing_beds[j]) * exists + new + turned,
                            dementia=int(sites.dementia_beds[j]) * exists + dementia,
                            functions=frozenset(sites.functions[j] or ()) | names, cost=cost,
                            new=new, turned=turned,
                        )  # fmt: skip

    def _turnable(self, j: int) -> int:
        """Return how many beds a home that counts today could turn into nursing beds."""
        sites = self.problem.sites
        counts = sites.is_existing[j] and sites.institution[j] and sites.beds[j] >= QUALIFIES
        if not counts or math.isnan(sites.convert_cost_per_bed[j]) or not sites.knows_nursing[j]:
            return 0
        return int(sites.beds[j]) - max(int(sites.nursing_beds[j]), int(sites.dementia_beds[j]))

    def _function_sets(self, j: int, *, counts: bool) -> Iterator[frozenset[str]]:
        """Return every set of functions that could be added."""
        host, has = self.problem.sites.can_host[j], self.problem.sites.functions[j] or ()
        free = [
            name
            for name in self.problem.functions
            if name not in has and (host is None or name in host)
            and (counts or name not in FOR_HOMES)
        ]  # fmt: skip
        floor = float(self.problem.sites.floor_m2[j])
        for bits in range(2 ** len(free)):
            names = frozenset(name for k, name in enumerate(free) if bits >> k & 1)
            if math.fsum(self.problem.functions[name].area_m2 for name in names) <= floor:
                yield names

    # What it adds up to.

    def rows(self, j: int) -> np.ndarray:
        """Return the rows of a site's choices: cost, net cost, who counts, beds, duties."""
        cheapest: dict[tuple[float, ...], tuple[float, float]] = {}
        for each in self.choices(j):
            row = self._row(j, each)
            cost = (each.cost, each.cost - self._subsidy(j, each.cost))
            cheapest[row] = min(cheapest.get(row, cost), cost)
        return np.array([[*cost, *row] for row, cost in cheapest.items()], dtype=float)

    def _row(self, j: int, choice: Choice) -> tuple[float, ...]:
        counts = self.counts(j, choice)
        beds = [0] * self.units
        if counts and self.problem.site_unit[j] >= 0:
            beds[int(self.problem.site_unit[j])] = choice.beds
        brings = [duty.brings(j, choice) for duty in self.single]
        new = choice.is_open and not self.problem.sites.is_existing[j]
        return (counts * 2.0**j + new * 2.0**20, *beds, *brings)

    def counts(self, j: int, choice: Choice) -> bool:
        """Return whether a facility counts: an institution of at least 10 beds."""
        return bool(
            choice.is_open and self.problem.sites.institution[j] and choice.beds >= QUALIFIES
        )

    def _subsidy(self, j: int, cost: float) -> float:
        """Return what is paid towards the cost of a site; nothing outside the study area."""
        if self.problem.site_unit[j] < 0:
            return 0.0
        paid = 0.0
        for each in self.problem.rules:
            asked = each.parameters
            if each.kind != "money" or not each.enforce or asked.basis != "investment":
                continue
            if asked.share is None or asked.what is not None:
                continue
            if asked.owners and self.problem.sites.owner[j] not in asked.owners:
                continue
            if any(self.problem.sites.facts[j].get(name) is True for name in asked.excludes):
                continue
            most = math.inf if asked.cap_wan_yuan is None else asked.cap_wan_yuan
            paid += min(asked.share * cost, most)
        return min(paid, cost)

    def within_limits(self, total: np.ndarray) -> np.ndarray:
        """Return which sums keep to the budget, before subsidies, and the number of new sites."""
        limits = self.problem.limits
        fits = np.ones(len(total), dtype=bool)
        if limits.budget_wan_yuan is not None:
            fits &= total[:, 0] <= limits.budget_wan_yuan + SAME * max(limits.budget_wan_yuan, 1.0)
        if limits.max_new_sites is not None:
            fits &= total[:, 2] // 2**20 <= limits.max_new_sites
        return fits

    def values(self, total: np.ndarray) -> np.ndarray:
        """Return what sums reach in every stage."""
        who = (total[:, 2] % 2**20).astype(int)
        table = {each: self._far(each) for each in np.unique(who).tolist()}
        far = np.array([table[each] for each in who.tolist()], dtype=float).reshape(-1, 3)
        beds = total[:, self.first_unit : self.first_duty]
        lack = np.maximum(np.array(self._need()) - beds, 0).sum(axis=1)
        unmet = np.zeros(len(total))
        for each in self.duties:
            unmet += self._fails(each, total)
        return np.column_stack([far[:, 0], far[:, 1], lack, unmet, total[:, 1], far[:, 2]])

    def missing(self, total: np.ndarray) -> np.ndarray:
        """Return how much of all minima is missing in each sum."""
        lacks = np.zeros(len(total))
        for each in self.duties:
            if isinstance(each, Duty) and each.is_share:
                continue
            if isinstance(each, Duty):
                got = total[:, self.first_duty + self.counted[id(each)]]
            else:
                got = np.zeros(len(total))
                for area in each.areas:
                    got += ~self._fails(area, total)
            lacks += np.maximum(each.least - got, 0.0)
        return lacks

    def _fails(self, duty: Duty | AreaShare, total: np.ndarray) -> np.ndarray:
        """Return which sums fail one duty."""
        if isinstance(duty, Duty):
            return total[:, self.first_duty + self.counted[id(duty)]] < duty.least
        met = np.zeros(len(total))
        for each in duty.areas:
            met += ~self._fails(each, total)
        return np.asarray(met < duty.least)

    def failing(self, choices: list[Choice]) -> set[tuple[str, str]]:
        """Return rule and area of every duty that one layout fails."""
        row = self._sum(choices)
        return {
            (d.rule_id, d.area if isinstance(d, Duty) else "all")
            for d in self.duties
            if self._fails(d, row)[0]
        }

    def reached(self, choices: list[Choice]) -> Values:
        """Return what one layout reaches in every stage."""
        return tuple(self.values(self._sum(choices))[0].tolist())

    def _sum(self, choices: list[Choice]) -> np.ndarray:
        """Return the sum of one layout."""
        rows = [
            (c.cost, c.cost - self._subsidy(j, c.cost), *self._row(j, c))
            for j, c in enumerate(choices)
        ]
        return np.array(rows, dtype=float).sum(axis=0, keepdims=True)

    def read(self, layout: Layout) -> list[Choice]:
        """Return a layout as choices; fails where a site's is none that may stand there."""
        found = []
        for j in range(self.n):
            here = stands(layout, j)
            allowed = {each.stands: each for each in self.choices(j)}
            if here not in allowed:
                raise AssertionError(f"site {j} may not stand as {here}")
            found.append(allowed[here])
        return found

    # What the rules ask for.

    def _far(self, who: int) -> tuple[float, float, float]:
        """Return uncovered high, uncovered medium and distance where some facilities count."""
        if who not in self.far:
            self.far[who] = self._measure([j for j in range(self.n) if who >> j & 1])
        return self.far[who]

    def _measure(self, standing: list[int]) -> tuple[float, float, float]:
        problem, uncovered, metres = self.problem, {0: 0.0, 1: 0.0, 2: 0.0}, 0.0
        for i, elders in enumerate(problem.elders.tolist()):
            here = problem.demand_xy[i]
            away = [math.dist(here, problem.sites.xy[j]) for j in standing]
            nearest = min([*away, math.inf])
            name = ("low", "medium", "high")[int(problem.density_class[i])]
            for each in problem.rules:
                asked = each.parameters
                if each.kind != "coverage" or asked.distance_m is None or not each.enforce:
                    continue
                if asked.density_class == name and nearest > asked.distance_m + TOUCH_M:
                    uncovered[int(problem.density_class[i])] += elders
            metres += elders * min(nearest, CAP_M)
        return uncovered[2], uncovered[1], metres

    def _need(self) -> list[int]:
        """Return the beds that each planning unit needs under the enforced rules."""
        need = [0] * self.units
        for each in self.problem.rules:
            asked = each.parameters
            if each.kind != "ratio" or not each.enforce or not _is_unit_beds(asked):
                continue
            for unit in range(self.units):
                elders = self.problem.elders[self.problem.demand_unit == unit]
                need[unit] = max(need[unit], _rate(elders.tolist(), asked.beds_per_10000))
        return need

    def _singles(self, duty: Duty | AreaShare) -> tuple[Duty, ...]:
        return (duty,) if isinstance(duty, Duty) else duty.areas

    def _duties(self, rule: Rule) -> Iterator[Duty | AreaShare]:
        """Return what an enforced rule asks for, where decisions can serve it."""
        makers = {
            "ratio": self._rates, "share": self._shares, "count": self._numbers,
            "coverage": self._area_shares, "presence": self._circles,
        }  # fmt: skip
        if rule.kind in makers:
            yield from makers[rule.kind](rule)

    def _areas(self, kind: str, only: tuple[str, ...] = ()) -> list[tuple[str, list[int], int]]:
        """Return name, sites and number of each area of a kind, those named or all."""
        table = self.problem.areas.get(kind)
        if table is None:
            return []
        return [
            (str(name), np.flatnonzero(table.of_site == k).tolist(), k)
            for k, name in enumerate(table.id)
            if not only or str(name) in only
        ]

    def _knows(self, kind: str) -> bool:
        """Return whether the files say how many beds of a kind every home has."""
        sites = self.problem.sites
        homes = sites.is_existing & sites.institution
        known = {"nursing_beds": sites.knows_nursing, "dementia_beds": sites.knows_dementia}
        return kind == "beds" or bool(known[kind][homes].all())

    def _owners_known(self, asked: Any) -> bool:
        sites = self.problem.sites
        homes = sites.is_existing & sites.institution
        return not asked.owners or all(each != "" for each in sites.owner[homes])

    def _rates(self, rule: Rule) -> Iterator[Duty]:
        asked = rule.parameters
        if asked.beds is None or _is_unit_beds(asked) or not self._knows(asked.beds):
            return
        for name, here, number in self._areas(asked.area, asked.only):
            table = self.problem.areas[asked.area]
            elders = self.problem.elders[table.of_demand == number].tolist()

            def brings(j: int, c: Choice, here: list[int] = here) -> int:
                return _beds(c, asked.beds) if j in here and self.counts(j, c) else 0

            yield Duty(rule.id, name, brings, _rate(elders, asked.rate_per_10000))

    def _shares(self, rule: Rule) -> Iterator[Duty]:
        asked = rule.parameters
        if asked.of != "beds" or asked.part not in {"nursing_beds", "dementia_beds"}:
            return
        if not self._knows(asked.part) or not self._owners_known(asked):
            return
        share = Fraction(str(asked.min_share))
        for name, here, _ in self._areas(asked.per, asked.only):

            def brings(j: int, c: Choice, here: list[int] = here) -> int:
                mine = not asked.owners or self.problem.sites.owner[j] in asked.owners
                if j not in here or not mine or not self.counts(j, c):
                    return 0
                return _beds(c, asked.part) * share.denominator - c.beds * share.numerator

            yield Duty(rule.id, name, brings, 0, is_share=True)

    def _numbers(self, rule: Rule) -> Iterator[Duty]:
        asked = rule.parameters
        if asked.min_count is None or asked.sum_of is not None:
            return
        if asked.what is not None and asked.what not in self.problem.functions:
            return
        if not self._owners_known(asked):
            return
        if asked.min_dementia_beds is not None and not self._knows("dementia_beds"):
            return
        for name, here, _ in self._areas(asked.per, asked.only):

            def brings(j: int, c: Choice, here: list[int] = here) -> int:
                return int(j in here and self._is_one(j, c, asked))

            yield Duty(rule.id, name, brings, asked.min_count)

    def _is_one(self, j: int, choice: Choice, asked: Any) -> bool:
        """Return whether a facility is one of those that a count is about."""
        homes_only = asked.what is None or bool(asked.owners) or asked.min_beds is not None
        if asked.what is not None and not self._has(j, choice, asked.what):
            return False
        if homes_only and not self.counts(j, choice):
            return False
        if asked.owners and self.problem.sites.owner[j] not in asked.owners:
            return False
        return choice.beds >= (asked.min_beds or 0) and choice.dementia >= (
            asked.min_dementia_beds or 0
        )

    def _has(self, j: int, choice: Choice, function: str) -> bool:
        """Return whether a facility has a function."""
        counts = function not in FOR_HOMES or self.counts(j, choice)
        return choice.is_open and function in choice.functions and counts

    def _area_shares(self, rule: Rule) -> Iterator[AreaShare]:
        asked = rule.parameters
        if asked.what not in self.problem.functions:
            return
        found = self._areas(asked.per, asked.only)
        if self.problem.areas.get(asked.per) is None:
            return
        duties = []
        for name, here, _ in found:

            def brings(j: int, c: Choice, here: list[int] = here) -> int:
                return int(j in here and self._has(j, c, asked.what))

            duties.append(Duty(rule.id, name, brings, 1))
        least = math.ceil(Fraction(str(asked.min_share)) * len(duties))
        yield AreaShare(rule.id, tuple(duties), least)

    def _circles(self, rule: Rule) -> Iterator[Duty]:
        asked = rule.parameters
        enough = [asked.function] if asked.function is not None else list(asked.any_of)
        if not any(each in self.problem.functions for each in enough):
            return
        above, below = asked.above_ageing_share, asked.reserve_below_ageing_share
        for name, here, number in self._areas(asked.per, asked.only):
            if above is not None and not self._compares(asked.per, number, above, 1):
                continue
            if below is not None and self._may_reserve(asked.per, here, number, below):
                continue

            def brings(j: int, c: Choice, here: list[int] = here) -> int:
                return int(j in here and any(self._has(j, c, each) for each in enough))

            yield Duty(rule.id, name, brings, asked.min_count)

    def _may_reserve(self, kind: str, here: list[int], number: int, limit: float) -> bool:
        """Return whether an area of few elders, or one marked so, holds a reserved site."""
        marked = self.problem.areas[kind].low_ageing
        low = marked is not None and bool(marked[number])
        low = low or self._compares(kind, number, limit, -1)
        free = [j for j in here if not self.problem.forbidden[j]]
        return low and any(self.problem.sites.facts[j].get("reserved") is True for j in free)

    def _compares(self, kind: str, number: int, limit: float, sign: int) -> bool:
        """Return whether elders over residents lie above (1) or below (-1) a limit, exactly."""
        table = self.problem.areas[kind]
        residents = float(table.residents[number])
        if math.isnan(residents):
            return False
        elders = math.fsum(self.problem.elders[table.of_demand == number].tolist())
        return sign * (Fraction(elders) - Fraction(str(limit)) * Fraction(residents)) > 0


def stands(layout: Layout, j: int) -> tuple[Any, ...]:
    """Return what stands at a site of a layout, as ``Choice.stands``."""
    return (
        bool(layout.is_open[j]), int(layout.beds[j]), int(layout.nursing_beds[j]),
        int(layout.dementia_beds[j]), frozenset(layout.functions[j] or ()),
    )  # fmt: skip


def _within(choice: Choice, later: Choice) -> bool:
    """Return whether a choice has no more of anything than a later one."""
    return (
        choice.is_open <= later.is_open and choice.beds <= later.beds
        and choice.nursing <= later.nursing and choice.dementia <= later.dementia
        and choice.new <= later.new and choice.turned <= later.turned
        and choice.functions <= later.functions
    )  # fmt: skip


def _is_unit_beds(asked: Any) -> bool:
    """Return whether a rate is of beds in every planning unit."""
    return asked.beds_per_10000 is not None and asked.per in {None, "unit"} and not asked.only


def _rate(elders: list[float], per_10000: float) -> int:
    """Return how many elders need at a rate, exactly, rounded up."""
    exact = Fraction(round(math.fsum(elders) * 10**6), 10**6)
    return math.ceil(exact * Fraction(str(per_10000)) / 10000)


def _beds(choice: Choice, kind: str) -> int:
    """Return the beds of a kind."""
    return {
        "beds": choice.beds, "nursing_beds": choice.nursing, "dementia_beds": choice.dementia,
    }[kind]  # fmt: skip
