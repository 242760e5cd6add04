"""The last stage: least elder-weighted distance to the nearest facility, by cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from siting.distance import DistanceTerms, distance_terms
from siting.search import EXACT_NODES, Run, checked_bound
from siting.solvers import Ask, End, Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.model import PlanModel

__all__ = ["PROVEN_GAP", "shorten"]

PROVEN_GAP = 1e-6
EXACT_ROUNDS = 8
RELAXED_ROUNDS = 60
KILO = 1000.0


def shorten(
    run: Run, model: PlanModel, start: NDArray[np.float64] | None, limit: float
) -> tuple[float, NDArray[np.float64] | None]:
    """
    Minimise elder-weighted distance by cuts; return value less bound in elder-metres, and values.

    First the relaxation gathers cuts, then the whole-number model is solved and cut again until
    what it claims is what its layout reaches.
    """
    terms = distance_terms(model.problem, model.decisions, model.part)
    if terms.n_terms == 0:
        return 0.0, start
    end = run.clock() + limit
    linear = model.linear
    size = len(linear.variables)
    theta = [linear.variable(f"distance_{k}") for k in range(terms.n_terms)]
    linear.minimise(dict.fromkeys(theta, 1.0))
    bound = _relaxed_cuts(run, model, terms, theta, end)
    best, best_value = start, np.inf
    if start is not None:
        best_value = float(terms.values(_chosen(model, start)).sum())
    for turn in range(1000):
        left = end - run.clock()
        if left <= 0 or run.stop.is_set():
            break
        outcome = _distance_turn(run, model, terms, best, left, exact=turn < EXACT_ROUNDS)
        bound = max(bound, outcome.bound * KILO)
        if outcome.values is None:
            break
        chosen = np.round(_chosen(model, outcome.values))
        value = float(terms.values(chosen).sum())
        if value < best_value:
            best, best_value = outcome.values[:size], value
        apart = best_value - bound
        run.progress("distance", apart / max(best_value, 1e-9), run.left())
        good = PROVEN_GAP if turn < EXACT_ROUNDS else run.settings.gap
        if apart <= good * best_value or (turn >= EXACT_ROUNDS and outcome.end is not End.PROVEN):
            break
        cuts = _add_cuts(model, terms, theta, chosen, outcome.values[theta], turn=f"m{turn}")
        if not cuts:
            break
    if best is None:
        return np.inf, None
    return best_value - checked_bound("distance", best_value, bound), best


def _distance_turn(
    run: Run,
    model: PlanModel,
    terms: DistanceTerms,
    best: NDArray[np.float64] | None,
    left: float,
    *,
    exact: bool,
) -> Outcome:
    """Return the whole-number model's answer with the cuts so far."""
    start = None
    if best is not None:
        start = np.concatenate([best, terms.values(np.round(_chosen(model, best))) / KILO])
    few = exact and model.decisions.n <= run.settings.exact_below
    settings = run.settings
    return run.solver(
        model.linear,
        Ask(
            left, 1e-7 if few else settings.gap / 2, 1e-9, settings.threads, settings.random_seed,
            max_nodes=EXACT_NODES if few else None, start=start, stop=run.stop,
            progress=lambda value, bound: run.progress(
                "distance", abs(value - bound) / max(abs(value), 1e-9)
                if np.isfinite(value) and np.isfinite(bound) else None, run.left(),
            ),
        ),
    )  # fmt: skip


def _chosen(model: PlanModel, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each decision is taken, 0 to 1."""
    chosen = np.zeros(model.decisions.n)
    for decision, variable in model.choose.items():
        chosen[decision] = values[variable]
    return np.clip(chosen, 0.0, 1.0)


def _relaxed_cuts(
    run: Run, model: PlanModel, terms: DistanceTerms, theta: list[int], end: float
) -> float:
    """Add the cuts that the relaxation violates until few are left; return its bound."""
    bound = 0.0
    chosen = np.zeros(model.decisions.n)
    claimed = np.zeros(terms.n_terms)
    for turn in range(RELAXED_ROUNDS):
        if not _add_cuts(model, terms, theta, chosen, claimed, turn=f"r{turn}"):
            break
        left = end - run.clock()
        if left <= 0 or run.stop.is_set():
            break
        settings = run.settings
        outcome = run.solver(
            model.linear,
            Ask(
                left, threads=settings.threads, seed=settings.random_seed, relax=True, stop=run.stop
            ),
        )
        if outcome.values is None or outcome.end is not End.PROVEN:
            break
        bound = max(bound, outcome.bound * KILO)
        chosen, claimed = _chosen(model, outcome.values), outcome.values[theta]
        reached = float(terms.values(chosen).sum())
        run.progress("distance", abs(reached - bound) / max(reached, 1e-9), run.left())
        if reached - bound <= 1e-5 * max(reached, 1.0):
            break
    return bound


def _add_cuts(
    model: PlanModel,
    terms: DistanceTerms,
    theta: list[int],
    chosen: NDArray[np.float64],
    claimed: NDArray[np.float64],
    *,
    turn: str,
) -> int:
    """Add violated cuts to the model, in elder-kilometres; return how many."""
    cuts = terms.cuts(chosen, claimed * KILO, tolerance=1e-3)
    for cut in cuts:
        row = {
            model.choose[decision]: factor / KILO
            for decision, factor in zip(cut.decisions.tolist(), cut.factors.tolist(), strict=True)
        }
        row[theta[cut.term]] = 1.0
        model.linear.row(f"nearest_{turn}_{cut.term}", row, ">=", cut.side / KILO)
    return len(cuts)
