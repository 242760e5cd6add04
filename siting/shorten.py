"""The last stage: least elder-weighted distance to the nearest facility, by cuts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from siting.distance import DistanceTerms, distance_terms
from siting.search import EXACT_NODES, ROW_TOLERANCE, Run, checked_bound, checked_outcome
from siting.solvers import Ask, End, Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.plan_model import PlanModel

__all__ = ["PROVEN_GAP", "shorten"]

PROVEN_GAP = 1e-6
EXACT_ROUNDS = 8
RELAXED_ROUNDS = 60
MOST_ROUNDS = 1000
KILO = 1000.0


def shorten(
    run: Run, model: PlanModel, start: NDArray[np.float64], limit: float
) -> tuple[float, NDArray[np.float64]]:
    """
    Minimise elder-weighted distance by cuts; return value less bound in elder-metres, and values.

    First the relaxation gathers cuts, then the whole-number model is solved and cut again until
    what it claims is what its layout reaches.
    """
    terms = distance_terms(model.problem, model.decisions, model.part)
    if terms.n_terms == 0:
        return 0.0, start
    end = run.clock() + limit
    most = float((terms.farthest_m * terms.elders).sum())
    theta = [model.linear.variable(f"distance_{k}") for k in range(terms.n_terms)]
    cutting = _Cutting(run, model, terms, theta, min(KILO, most / KILO))
    model.linear.minimise(dict.fromkeys(theta, 1.0))
    bound = _relaxed_cuts(cutting, end)
    best, bound = _whole_cuts(cutting, start, bound, end)
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
    """

    run: Run
    model: PlanModel
    terms: DistanceTerms
    theta: list[int]
    unit: float

    def chosen(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far each decision is taken, 0 to 1."""
        chosen = np.zeros(self.model.decisions.n)
        for decision, variable in self.model.choose.items():
            chosen[decision] = values[variable]
        return np.clip(chosen, 0.0, 1.0)

    def value(self, values: NDArray[np.float64]) -> float:
        """Return the elder-metres that decisions reach."""
        return float(self.terms.values(self.chosen(values)).sum())

    def completed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values for every variable from the decisions in some, as whole numbers."""
        whole = self.model.completed(values)
        whole[self.theta] = self.terms.values(self.chosen(whole)) / self.unit
        return whole

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
        return len(cuts)


def _whole_cuts(
    cutting: _Cutting, start: NDArray[np.float64], bound: float, end: float
) -> tuple[NDArray[np.float64], float]:
    """Solve and cut the whole-number model until it claims what it reaches; return with bound."""
    run, exact = cutting.run, True
    best = cutting.completed(start)
    for turn in range(MOST_ROUNDS):
        left = end - run.clock()
        if left <= 0 or run.stop.is_set():
            break
        exact = exact and turn < EXACT_ROUNDS
        outcome = _whole_turn(cutting, best, left, exact=exact)
        found = best if outcome.values is None else cutting.completed(outcome.values)
        if not cutting.model.linear.holds(found, ROW_TOLERANCE):
            break
        bound = max(bound, outcome.bound * cutting.unit)
        if outcome.values is None:
            break
        if cutting.value(found) < cutting.value(best):
            best = found
        value = cutting.value(best)
        run.progress("distance", abs(value - bound) / max(value, 1e-9), run.left())
        if value - bound <= (PROVEN_GAP if exact else run.settings.gap) * value:
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


def _whole_turn(
    cutting: _Cutting, best: NDArray[np.float64], left: float, *, exact: bool
) -> Outcome:
    """Return the whole-number model's answer with the cuts so far."""
    run, model = cutting.run, cutting.model
    settings = run.settings
    few = exact and model.decisions.n <= settings.exact_below

    def tell(value: float, bound: float) -> None:
        """Tell how far value and bound are apart."""
        known = np.isfinite(value) and np.isfinite(bound)
        apart = abs(value - bound) / max(abs(value), 1e-9) if known else None
        run.progress("distance", apart, run.left())

    return checked_outcome(
        run, model, "distance",
        Ask(
            left, 1e-7 if few else settings.gap / 2, 1e-9, settings.threads, settings.random_seed,
            max_nodes=EXACT_NODES if few else None, start=best, stop=run.stop, progress=tell,
        ),
    )  # fmt: skip


def _relaxed_cuts(cutting: _Cutting, end: float) -> float:
    """Add the cuts that the relaxation violates until few are left; return its bound."""
    run, settings = cutting.run, cutting.run.settings
    bound = 0.0
    chosen = np.zeros(cutting.model.decisions.n)
    claimed = np.zeros(cutting.terms.n_terms)
    for turn in range(RELAXED_ROUNDS):
        if not cutting.cut(chosen, claimed, turn=f"r{turn}"):
            break
        left = end - run.clock()
        if left <= 0 or run.stop.is_set():
            break
        ask = Ask(
            left, threads=settings.threads, seed=settings.random_seed, relax=True, stop=run.stop
        )
        outcome = checked_outcome(run, cutting.model, "distance", ask)
        if outcome.values is None or outcome.end is not End.PROVEN:
            break
        bound = max(bound, outcome.bound * cutting.unit)
        chosen, claimed = cutting.chosen(outcome.values), outcome.values[cutting.theta]
        reached = float(cutting.terms.values(chosen).sum())
        run.progress("distance", abs(reached - bound) / max(reached, 1e-9), run.left())
        if reached - bound <= 1e-5 * max(reached, cutting.unit / KILO):
            break
    return bound
