"""The search in a large model: relax, price the rows between parts, improve part by part."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from siting.extras import fullest_mix, layout_of, mix_like
from siting.neighbourhood import Neighbourhoods, windows
from siting.pricing import Parts, Priced
from siting.search import ROW_TOLERANCE, Run, checked_outcome
from siting.solvers import Ask, End, Outcome
from siting.start import first_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from siting.plan_model import PlanModel

__all__ = ["STEPS", "WINDOW", "Large", "search_large"]

STEPS = ((6, 600), (12, 1200), (24, 1200))
"""
Planning units in a part, for the bound, and most sites in a window, for the plan, step by step:
larger ones reach more and take longer.
"""
WINDOW = 150
"""Sites decided anew at once: twice as many after each sweep that gained little."""
WINDOW_NODES = 200
"""Nodes that the smallest windows are searched for, the same on every machine; larger ones more."""
WINDOW_S, PART_S = 10.0, 30.0
PRICE_SHARE = 0.7
"""Share of the time left that pricing may take."""
LAST_ROUNDS, ROUNDS_WORTH = 5, 0.02
"""Prices are moved no more once so many rounds lifted the bound by less than this of the gap."""
FAR = 0.05
"""Nor are they moved while the plan is farther from the bound than this of its value."""
LEARN_ROUNDS = 3
WHOLE_TIMES, WHOLE_SHARE = 2, 0.25
"""
The whole model is searched at last with at most this many times ``solve.exact_below`` decisions
and this share of the time left: a search that is begun for nothing takes minutes to notice.
"""
NOISE = 1e-9
WORTH = 5e-4
"""A sweep that gains less than this of the value is the last with windows of its size."""


def search_large(
    run: Run,
    model: PlanModel,
    stage: str,
    start: NDArray[np.float64],
    limit: float,
    absolute: float,
) -> Outcome:
    """
    Return what was reached for the objective that is set, as ``search`` does for small models.

    The relaxation gives prices, and parts of the plan solved by themselves with these prices give a
    bound and most of a plan. That is completed and improved window by window, all else held. Moved
    prices and larger parts lift the bound; what time is left goes into the whole model, from the
    best plan.
    """
    at = Large(run, model, stage, run.clock() + limit, absolute, start, model.linear.costs())
    run.progress(stage, None, run.left())
    relaxed = checked_outcome(run, model, stage, replace(at.ask(), relax=True))
    if relaxed.end is End.PROVEN:
        at.bound = relaxed.bound
    at.fit_mix()
    prices = relaxed.prices
    for size, most in STEPS:
        if at.is_done() or prices is None:
            break
        priced = at.price(prices, size)
        prices = priced.prices
        if at.take(_completed(model, priced.values)):
            at.fit_mix()
        at.improve(most)
    if at.is_done() or not at.may_search_whole(limit):
        return Outcome(at.end_reached(), at.best, at.bound)
    whole = checked_outcome(run, model, stage, replace(at.ask(), start=at.best, progress=at.tell))
    at.bound = max(at.bound, whole.bound)
    at.take(whole.values)
    return Outcome(End.PROVEN if at.is_near() else whole.end, at.best, at.bound)


@dataclass
class Large:
    """
    One search of a large model.

    Attributes
    ----------
    run, model, stage, end, absolute
        What is asked for.
    best
        Best plan so far.
    costs
        Factors of the objective.
    bound
        Proven so far.
    completed
        Gives variables that the model only bounds from below what they are, decisions given.
        None: there are none.
    learn
        Adds the rows that tell a plan what it claims too little of, and returns how many.
    ties
        (n, n_variables) further rows of variables that belong together. None: none.
    window
        Sites decided anew at once.
    sweeps, asked
        Sweeps made, plans looked at: no two are cut along the same lines, or named alike.
    """

    run: Run
    model: PlanModel
    stage: str
    end: float
    absolute: float
    best: NDArray[np.float64]
    costs: NDArray[np.float64]
    bound: float = -np.inf
    completed: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None
    learn: Callable[[NDArray[np.float64], str], int] | None = None
    ties: csr_matrix | None = None
    window: int = WINDOW
    sweeps: int = 0
    asked: int = 0

    @property
    def value(self) -> float:
        """What the best plan reaches."""
        return float(self.costs @ self.best)

    def left(self) -> float:
        """Return the seconds left."""
        return max(self.end - self.run.clock(), 0.0)

    def may_search_whole(self, limit: float) -> bool:
        """Return whether the whole model is small enough, and time left, to search it."""
        few = self.model.decisions.n <= WHOLE_TIMES * self.run.settings.exact_below
        return (few or not self.run.settings.exact_below) and self.left() >= WHOLE_SHARE * limit

    def ask(self) -> Ask:
        """Return what is asked of the solver for all that is left of the time."""
        settings = self.run.settings
        return Ask(
            self.left(), settings.gap, max(self.absolute, 1e-9),
            settings.threads, settings.random_seed, stop=self.run.stop,
        )  # fmt: skip

    def is_near(self) -> bool:
        """Return whether value and bound are within the gap asked for."""
        gap = self.run.settings.gap
        return self.value - self.bound <= max(gap * abs(self.value), self.absolute, 1e-9)

    def is_done(self) -> bool:
        """Return whether nothing more is wanted, or no time is left."""
        return self.is_near() or self.run.stop.is_set() or self.run.clock() >= self.end

    def end_reached(self) -> End:
        """Return why the search is over."""
        if self.is_near():
            return End.PROVEN
        return End.INTERRUPTED if self.run.stop.is_set() else End.TIME_LIMIT

    def tell(self, value: float, bound: float) -> None:
        """Tell how far value and bound are apart."""
        low = max(bound, self.bound)
        known = np.isfinite(value) and np.isfinite(low)
        apart = abs(value - low) / max(abs(value), 1e-9) if known else None
        self.run.progress(self.stage, apart, self.run.left())

    def gains(self, values: NDArray[np.float64], before: NDArray[np.float64]) -> bool:
        """Return whether values are better than others, noise left aside."""
        return float(self.costs @ (values - before)) < -NOISE

    def take(self, values: NDArray[np.float64] | None) -> bool:
        """Take a plan, its whole numbers rounded, if it is better and keeps every row."""
        if values is None:
            return False
        whole = self.model.linear.is_whole()
        values = np.where(whole, np.round(values), values)
        if self.completed is not None:
            values = self.completed(values)
        if not self.gains(values, self.best):
            return False
        if not self.model.linear.holds(values, ROW_TOLERANCE):
            return False
        self.best = values
        return True

    def fit_mix(self) -> None:
        """Decide beds, mix and functions anew, the sites held."""
        free = np.ones(len(self.best), dtype=bool)
        free[list(self.model.choose.values())] = False
        self._decide([free], 1.0)

    def price(self, prices: NDArray[np.float64], size: int) -> Priced:
        """Lift the bound by parts with prices, and move the prices while that lifts it further."""
        ask, begun = self.ask(), self.run.clock()
        rounds = len(self.model.problem.unit_id) / size / ask.threads + 1.0
        most = PRICE_SHARE * ask.time_limit_s
        ask = replace(
            ask, time_limit_s=min(PART_S, most / rounds), gap=1e-4, threads=1, start=self.best
        )
        parts = Parts.of(self.run, self.model, self.around(), size)
        bounds: list[float] = []

        def may_go_on(best: Priced) -> bool:
            """Return whether another round is worth its time; take what is proven so far."""
            bounds.append(best.bound)
            self.bound = max(self.bound, best.bound)
            self.tell(self.value, self.bound)
            gained = best.bound - bounds[max(len(bounds) - 1 - LAST_ROUNDS, 0)]
            tired = len(bounds) > LAST_ROUNDS and gained < ROUNDS_WORTH * (self.value - best.bound)
            spent = (self.run.clock() - begun) * (1.0 + 1.0 / len(bounds))
            return not (self.is_done() or tired or spent > most or self.is_far())

        return parts.lifted(ask, parts.priced(ask, prices), self.value, may_go_on)

    def is_far(self) -> bool:
        """Return whether the plan is still too far from the bound to measure steps by it."""
        return not self.value - self.bound <= FAR * abs(self.value)

    def around(self) -> Neighbourhoods:
        """Return what belongs to the sites of the model as it is now."""
        return Neighbourhoods.of(self.model, self.ties)

    def improve(self, most: int) -> None:
        """Sweep while that gains; where it does not, take windows twice as large, up to most."""
        around = self.around()
        sites = np.unique(around.owner[around.owner >= 0])
        while not self.is_done():
            before = self.value
            self._sweep(around, sites)
            if before - self.value > WORTH * abs(before):
                continue
            if self.window >= min(most, len(sites)):
                return
            self.window *= 2

    def _sweep(self, around: Neighbourhoods, sites: NDArray[np.int64]) -> None:
        """Decide the whole plan anew, window by window, those decided at once far apart."""
        xy, larger = self.model.problem.sites.xy[sites], self.window / WINDOW
        parts = list(windows(xy, self.window, self.sweeps))
        self.sweeps += 1
        apart = -(-len(parts) // max(self.run.settings.threads, 1))
        for first in range(apart):
            if self.is_done():
                return
            free = [around.free(sites[each]) for each in parts[first::apart]]
            self._decide(free, larger)
            self.tell(self.value, self.bound)

    def _decide(self, parts: list[NDArray[np.bool_]], larger: float) -> None:
        """Decide some parts anew, each by itself, and take what is better; once more if it lied."""
        for _ in range(LEARN_ROUNDS if self.learn is not None else 1):
            before, ask = self.best, self.ask()
            ask = replace(
                ask, time_limit_s=min(ask.time_limit_s, larger * WINDOW_S), gap=1e-5, threads=1,
                start=before, max_nodes=int(larger * WINDOW_NODES),
            )  # fmt: skip

            def decide(free: NDArray[np.bool_], ask: Ask = ask) -> NDArray[np.float64] | None:
                return self.run.solver(self.model.linear, replace(ask, free=free)).values

            with ThreadPoolExecutor(len(parts)) as pool:
                answers = list(pool.map(decide, parts))
            again = []
            for free, values in zip(parts, answers, strict=True):
                if values is None or not self.gains(values, before):
                    continue
                claims = np.where(free, values, self.best)
                self.asked += 1
                learned = self.learn(claims, f"p{self.asked}") if self.learn is not None else 0
                if not self.take(claims) and learned:
                    again.append(free)
            parts = again
            if not parts:
                return


def _completed(model: PlanModel, values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return a plan from decisions that may leave something open; None if none is found."""
    problem, decisions = model.problem, model.decisions
    like = layout_of(problem, decisions, *model.read(values), model.read_extras(values))
    taken, added = first_plan(problem, decisions, model.groups, like=like)
    fullest = fullest_mix(problem, decisions, taken, added)
    for extras in (mix_like(problem, fullest, like), fullest):
        plan = model.values_of(taken, added, extras)
        if model.linear.holds(plan, ROW_TOLERANCE):
            return plan
    return None
