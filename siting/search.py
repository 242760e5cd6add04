"""One search: the solver asked for one objective of one model, within the time that is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from siting.errors import UnsolvedError
from siting.solvers import Ask, End, Outcome, Solver

if TYPE_CHECKING:
    import threading

    from numpy.typing import NDArray

    from siting.plan_model import PlanModel
    from siting.scenario import Solve

__all__ = [
    "EXACT_NODES",
    "ROW_TOLERANCE",
    "Progress",
    "Run",
    "checked_bound",
    "checked_outcome",
    "search",
    "total",
]

EXACT_NODES = 500
"""Nodes that a small model is searched for a gap of 0, the same on every machine."""

ROW_TOLERANCE = 5e-6
"""How far a solver's plan may miss a row, once it is rounded, before it is left aside."""

Progress = Callable[[str, float | None, float], None]
"""Called with the stage, its gap so far (None: not known yet) and the seconds left."""


@dataclass
class Run:
    """
    What the whole solve shares: the clock, the settings, who wants to know and who may stop.

    ``again`` says that an older plan is started from.
    """

    settings: Solve
    solver: Solver
    progress: Progress
    stop: threading.Event
    end: float
    clock: Callable[[], float]
    again: bool = False

    def left(self) -> float:
        """Return the seconds left of the whole solve."""
        return max(self.end - self.clock(), 0.0)

    def tries_exact(self, model: PlanModel) -> bool:
        """
        Return whether a model is small enough to be searched for a gap of 0 first.

        From nothing its decisions are counted. Who plans again from an older plan waits for the
        answer: then all its whole numbers are, and a larger model stops at the gap asked for.
        """
        size = int(model.linear.is_whole().sum()) if self.again else model.decisions.n
        return size <= self.settings.exact_below


def search(
    run: Run,
    model: PlanModel,
    stage: str,
    start: NDArray[np.float64],
    limit: float,
    absolute: float,
) -> Outcome:
    """
    Return what the solver reached for the objective that is set.

    A small model (``Run.tries_exact``) is first searched for a gap of 0, for a number of nodes that
    is the same on every machine; only if that leaves more than the gap asked for, on it goes.
    """
    settings, end = run.settings, run.clock() + limit

    def tell(value: float, bound: float) -> None:
        """Tell how far value and bound are apart."""
        known = np.isfinite(value) and np.isfinite(bound)
        run.progress(
            stage, abs(value - bound) / max(abs(value), 1e-9) if known else None, run.left()
        )

    def ask(gap: float, absolute_gap: float, nodes: int | None) -> Outcome:
        """Ask the solver for what is left of the time."""
        left = max(end - run.clock(), 0.0)
        return checked_outcome(
            run, model, stage,
            Ask(
                left, gap, absolute_gap, settings.threads, settings.random_seed,
                max_nodes=nodes, start=start, near=run.again, stop=run.stop, progress=tell,
            ),
        )  # fmt: skip

    run.progress(stage, None, run.left())
    if not run.tries_exact(model):
        return ask(settings.gap, max(absolute, 1e-9), None)
    first = ask(0.0, 1e-9, EXACT_NODES)
    if first.end is not End.EFFORT_LIMIT:
        return first
    if first.values is not None:
        value = total(model.linear.objective, first.values)
        if value - first.bound <= max(settings.gap * abs(value), absolute):
            return first
        start = first.values
    second = ask(settings.gap, max(absolute, 1e-9), None)
    if second.values is None or second.bound < first.bound:
        values = second.values if second.values is not None else first.values
        return Outcome(second.end, values, max(first.bound, second.bound))
    return second


def total(terms: dict[int, float], values: NDArray[np.float64]) -> float:
    """Return the value of terms."""
    return float(sum(values[k] * factor for k, factor in terms.items()))


def checked_outcome(run: Run, model: PlanModel, stage: str, ask: Ask) -> Outcome:
    """
    Return what the solver reached; a bound that it cannot have proven is none.

    HiGHS may call a plan proven and hand back the start, which is worse than the bound that it
    tells: it is then asked once more without a start.

    Raises
    ------
    UnsolvedError
        If it calls proven what has no values, or returns values that are not the model's.
    """
    outcome = run.solver(model.linear, ask)
    if ask.start is not None and _is_torn(model.linear.objective, ask, outcome):
        outcome = run.solver(model.linear, replace(ask, start=None, near=False))
    n, values = len(model.linear.variables), outcome.values
    count = 0 if values is None else int(np.isfinite(values).sum())
    if count != n and (values is not None or outcome.end is End.PROVEN):
        found = f"{outcome.end.value}, {count} values for {n} variables"
        raise UnsolvedError.of("solver_failed", stage, found=found)
    believed = outcome.end not in {End.INFEASIBLE, End.FAILED} and not np.isnan(outcome.bound)
    return outcome if believed else Outcome(outcome.end, values, -np.inf)


def _is_torn(objective: dict[int, float], ask: Ask, outcome: Outcome) -> bool:
    """Return whether values called proven are farther from their bound than was asked for."""
    values, bound = outcome.values, outcome.bound
    if outcome.end is not End.PROVEN or values is None or not np.isfinite(bound):
        return False
    if len(values) <= max(objective, default=-1):
        return False
    value = total(objective, values)
    return value - bound > max(ask.gap * abs(value), ask.absolute_gap, 1e-5 * max(abs(value), 1.0))


def checked_bound(stage: str, value: float, bound: float, scale: float) -> float:
    """
    Return a bound that fits its value.

    Parameters
    ----------
    stage
        Name of the stage, for the message.
    value, bound
        What was reached, and what is said to be the least.
    scale
        Numbers of the objective's size; a hundred-thousandth of this is taken for noise.

    Raises
    ------
    UnsolvedError
        If the bound lies above the value.
    """
    if bound > value + 1e-5 * max(abs(value), scale):
        raise UnsolvedError.of("bound_above_value", stage, value=value, bound=bound)
    return min(max(bound, 0.0), value)
