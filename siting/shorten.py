"""The last stage: least elder-weighted distance to the nearest facility, by cuts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from siting.distance import Cut, DistanceTerms, distance_terms
from siting.large import STEPS, WINDOW, Large
from siting.objective import capped_distance
from siting.search import EXACT_NODES, ROW_TOLERANCE, Run, checked_bound, checked_outcome
from siting.solvers import Ask, End, Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.plan_model import PlanModel

__all__ = ["PROVEN_GAP", "shorten"]

PROVEN_GAP = 1e-6
EXACT_ROUNDS = 8
RELAXED_ROUNDS = 60
LARGE_ENOUGH = 0.2
"""Part of the gap asked for to which the relaxation of a large model is cut."""
RELAXED_SHARE = 0.6
"""Share of the stage's time that the relaxation of a large model may take."""
MOST_ROUNDS = 1000
KILO = 1000.0
NEAR = 0.9
"""Part of the tolerance to which whole numbers are searched; the rest is for cuts they lack."""


def shorten(
    run: Run, model: PlanModel, start: NDArray[np.float64], limit: float, *, many: int = 1
) -> tuple[float, NDArray[np.float64]]:
    """
    Minimise elder-weighted distance by cuts; return value less bound in elder-metres, and values.

    First the relaxation gathers cuts, then the whole-number model is solved and cut again until
    what it claims is what its layout reaches. Of what no decision can shorten, this model has one
    part of ``many``: the gap asked for is one of the whole distance.
    """
    terms = distance_terms(model.problem, model.decisions, model.part)
    if terms.n_terms == 0:
        return 0.0, start
    end = run.clock() + limit
    most = float((terms.farthest_m * terms.elders).sum())
    unit = min(KILO, most / KILO)
    farthest = terms.values(np.zeros(model.decisions.n)) / unit
    theta = [
        model.linear.variable(f"distance_{k}", 0.0, float(farthest[k]))
        for k in range(terms.n_terms)
    ]
    farthest_m = capped_distance(model.problem, model.decisions.open_anyway)
    settled = max(float(farthest_m @ model.problem.elders) - most, 0.0)
    cutting = _Cutting(run, model, terms, theta, unit, settled / many)
    model.linear.minimise(dict.fromkeys(theta, 1.0))
    best = cutting.completed(start)
    if model.decisions.n > run.settings.exact_below:
        best, bound = _large(cutting, best, end)
    else:
        bound, _ = _relaxed_cuts(cutting, np.zeros(model.decisions.n), end)
        cutting.learn(cutting.claimed(best), "s")
        best, bound = _whole_cuts(cutting, best, bound, end)
    value = cutting.value(best)
    return value - checked_bound("distance", value, bound, 0.01 * most), best


@dataclass(frozen=True)
class _Cutting:
    """
    A model that is being cut.

    Attributes
    ----------
    run, model, terms
        What is shared, what is cut, and the points concerned.
    theta
        Variable of each term.
    unit
        Elder-metres in one unit of the objective: a thousand, fewer where few elders are concerned.
    settled
        Elder-metres that no decision changes, this model's part of them.
    made
        The cuts so far.
    """

    run: Run
    model: PlanModel
    terms: DistanceTerms
    theta: list[int]
    unit: float
    settled: float
    made: list[Cut] = field(default_factory=list)

    def chosen(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far each decision is taken, 0 to 1."""
        chosen = np.zeros(self.model.decisions.n)
        for decision, variable in self.model.choose.items():
            chosen[decision] = values[variable]
        return np.clip(chosen, 0.0, 1.0)

    def value(self, values: NDArray[np.float64]) -> float:
        """Return the elder-metres that decisions reach."""
        return float(self.terms.values(self.chosen(values)).sum())

    def tolerance(self, value: float) -> float:
        """Return the elder-metres by which value and bound may be apart."""
        return self.run.settings.gap * (value + self.settled)

    def tell(self, value: float, bound: float) -> None:
        """Tell how far value and bound are apart, both in elder-metres, of the whole distance."""
        known = np.isfinite(value) and np.isfinite(bound)
        apart = abs(value - bound) / max(value + self.settled, 1e-9) if known else None
        self.run.progress("distance", apart, self.run.left())

    def completed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values for every variable from the decisions in some, as whole numbers."""
        return self.measured(self.model.completed(values))

    def measured(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values with the distances that their decisions reach."""
        found = values.copy()
        found[self.theta] = self.terms.values(self.chosen(values)) / self.unit
        return found

    def claimed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values with the least distances that the cuts so far let their decisions claim."""
        found, chosen = values.copy(), self.chosen(values)
        found[self.theta] = 0.0
        for cut in self.made:
            least = (cut.side - cut.factors @ chosen[cut.decisions]) / self.unit
            at = self.theta[cut.term]
            found[at] = max(found[at], least)
        return found

    def learn(self, values: NDArray[np.float64], turn: str) -> int:
        """Add the cuts without which a plan claims too little distance; return how many."""
        return self.cut(self.chosen(values), values[self.theta], turn=turn)

    def ties(self) -> csr_matrix:
        """Return, for each term, its variable and those of the decisions that could shorten it."""
        terms, n = self.terms, len(self.model.linear.variables)
        point = np.repeat(np.arange(len(terms.elders)), np.diff(terms.start))
        choose = np.array([self.model.choose[k] for k in terms.column.tolist()], dtype=np.int64)
        row = np.concatenate([terms.term[point], np.arange(terms.n_terms)])
        column = np.concatenate([choose, self.theta])
        return csr_matrix((np.ones(len(row)), (row, column)), shape=(terms.n_terms, n))

    def cut(self, chosen: NDArray[np.float64], claimed: NDArray[np.float64], *, turn: str) -> int:
        """Add the cuts that decisions and claimed distances violate; return how many."""
        cuts = self.terms.cuts(chosen, claimed * self.unit, tolerance=1e-6 * self.unit)
        for cut in cuts:
            row = {
                self.model.choose[decision]: factor / self.unit
                for decision, factor in zip(
                    cut.decisions.tolist(), cut.factors.tolist(), strict=True
                )
            }
            row[self.theta[cut.term]] = 1.0
            name = f"nearest_{turn}_{cut.term}"
            self.model.linear.row(name, row, ">=", cut.side / self.unit)
        self.made.extend(cuts)
        return len(cuts)


def _whole_cuts(
    cutting: _Cutting, start: NDArray[np.float64], bound: float, end: float
) -> tuple[NDArray[np.float64], float]:
    """Solve and cut the whole-number model until it claims what it reaches; return with bound."""
    run, best = cutting.run, start
    few = run.tries_exact(cutting.model)
    exact = few or not run.again
    for turn in range(MOST_ROUNDS):
        left = end - run.clock()
        if left <= 0 or run.stop.is_set():
            break
        exact = exact and turn < EXACT_ROUNDS
        outcome = _whole_turn(cutting, best, left, few=few and exact)
        found = best if outcome.values is None else cutting.completed(outcome.values)
        if not cutting.model.linear.holds(found, ROW_TOLERANCE):
            break
        bound = max(bound, outcome.bound * cutting.unit)
        if outcome.values is None:
            break
        if cutting.value(found) < cutting.value(best):
            best = found
        value = cutting.value(best)
        cutting.tell(value, bound)
        if value - bound <= (PROVEN_GAP * value if exact else cutting.tolerance(value)):
            break
        claimed = outcome.values[cutting.theta]
        cuts = cutting.cut(cutting.chosen(found), claimed, turn=f"m{turn}")
        if not exact and (outcome.end is not End.PROVEN or not cuts):
            break
        if not cuts:
            if outcome.end is End.PROVEN:
                break
            exact = False
    return best, bound


def _whole_turn(cutting: _Cutting, best: NDArray[np.float64], left: float, *, few: bool) -> Outcome:
    """Return the whole-number model's answer with the cuts so far."""
    run, model = cutting.run, cutting.model
    settings = run.settings
    near = NEAR * cutting.tolerance(cutting.value(best)) / cutting.unit

    def tell(value: float, bound: float) -> None:
        """Tell how far the solver's value and bound are apart."""
        cutting.tell(value * cutting.unit, bound * cutting.unit)

    return checked_outcome(
        run, model, "distance",
        Ask(
            left, 1e-7 if few else settings.gap / 2, 1e-9 if few else max(near, 1e-9),
            settings.threads, settings.random_seed,
            max_nodes=EXACT_NODES if few else None, start=best, near=run.again, stop=run.stop,
            progress=tell,
        ),
    )  # fmt: skip


def _relaxed_cuts(
    cutting: _Cutting, chosen: NDArray[np.float64], end: float, *, large: bool = False
) -> tuple[float, NDArray[np.float64] | None]:
    """
    Add the cuts that the relaxation violates, first those at some decisions, until few are left.

    Returns
    -------
    bound, prices
        The relaxation's, with the last cuts that it was solved with; no prices where it was not.
    """
    run, settings = cutting.run, cutting.run.settings
    bound, prices = 0.0, None
    claimed = np.zeros(cutting.terms.n_terms)
    for turn in range(RELAXED_ROUNDS):
        if not cutting.cut(chosen, claimed, turn=f"r{turn}"):
            break
        left = end - run.clock()
        if left <= 0 or run.stop.is_set():
            break
        ask = Ask(
            left, threads=settings.threads, seed=settings.random_seed, relax=True,
            interior=large, stop=run.stop,
        )  # fmt: skip
        outcome = checked_outcome(run, cutting.model, "distance", ask)
        if outcome.values is None or outcome.end is not End.PROVEN:
            break
        bound, prices = max(bound, outcome.bound * cutting.unit), outcome.prices
        chosen, claimed = cutting.chosen(outcome.values), outcome.values[cutting.theta]
        reached = float(cutting.terms.values(chosen).sum())
        cutting.tell(reached, bound)
        near = LARGE_ENOUGH * settings.gap if large else 1e-5
        if reached - bound <= near * max(reached, cutting.unit / KILO):
            break
    return bound, prices


def _large(
    cutting: _Cutting, start: NDArray[np.float64], end: float
) -> tuple[NDArray[np.float64], float]:
    """
    Relax and cut, then decide the plan anew part by part, and lift the bound by priced parts.

    Cuts are first made where the plan is: few decisions are nearer to a point than the facility
    that it has, so rows are short.
    """
    run, model = cutting.run, cutting.model
    limit = end - run.clock()
    half = run.clock() + RELAXED_SHARE * limit
    bound, prices = _relaxed_cuts(cutting, cutting.chosen(start), half, large=True)
    large = Large(
        run, model, "distance", end, cutting.tolerance(bound) / cutting.unit, start,
        model.linear.costs(), bound / cutting.unit, completed=cutting.measured,
        learn=cutting.learn, ties=cutting.ties(),
    )  # fmt: skip
    large.improve(WINDOW)
    for size, most in STEPS:
        if prices is None or large.is_done():
            break
        prices = large.price(prices, size).prices
        large.improve(most)
    if large.is_done() or not large.may_search_whole(limit):
        return large.best, large.bound * cutting.unit
    return _whole_cuts(cutting, large.best, large.bound * cutting.unit, end)
