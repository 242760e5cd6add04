"""A minimisation in HiGHS that only grows rows, with bounds worked out from its duals."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
from scipy.sparse import csr_array, vstack

from siting.solvers import HIGHS_ENDS, End, Outcome, new_highs

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from siting.classical.effort import Effort

__all__ = ["Program", "Relaxed"]

POLL_S = 0.05
FINE = 1e-9
"""Tolerance of the solver: elders by the hundred million are to be right to one."""

SLIP = 1e-6
"""How far values may miss a row or an end and count as keeping to it."""

INFEASIBLE = frozenset({"kInfeasible", "kUnboundedOrInfeasible"})
"""Columns have finite ends, so that nothing is unbounded."""

WHOLE, REAL = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous


@dataclass(frozen=True)
class Relaxed:
    """
    What the relaxation reached.

    Attributes
    ----------
    values
        A value for each column.
    bound
        Lower bound, worked out from the rows' duals: valid for any of them.
    reduced
        Reduced cost of each column under these duals.
    proven
        Whether the solver says that it is the optimum.
    duals
        Dual of each row.
    """

    values: NDArray[np.float64]
    bound: float
    reduced: NDArray[np.float64]
    proven: bool
    duals: NDArray[np.float64]


class Program:
    """
    Columns first, each with finite ends, then rows that only grow.

    Parameters
    ----------
    cost, low, high
        Of each column.
    effort
        Time, threads and seed.
    """

    def __init__(
        self, cost: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64],
        effort: Effort,
    ) -> None:  # fmt: skip
        self.cost = np.asarray(cost, dtype=np.float64)
        self.low, self.high = low.astype(np.float64), high.astype(np.float64)
        self._effort = effort
        self._rows: list[csr_array] = []
        self._sides: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
        self._highs = new_highs()
        for kind in ("primal_feasibility", "dual_feasibility", "mip_feasibility"):
            self._highs.setOptionValue(f"{kind}_tolerance", FINE)
        self._highs.addVars(len(cost), self.low, self.high)
        every = np.arange(len(cost), dtype=np.int32)
        self._highs.changeColsCost(len(cost), every, self.cost)
        self._is_whole = False

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return sum(each.shape[0] for each in self._rows)

    def add(self, rows: csr_array, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
        """Add rows between two ends, either of them infinite."""
        if rows.shape[0] == 0:
            return
        self._rows.append(rows)
        self._sides.append((low.astype(np.float64), high.astype(np.float64)))
        self._highs.addRows(
            rows.shape[0], self._sides[-1][0], self._sides[-1][1], rows.nnz,
            rows.indptr[:-1].astype(np.int32), rows.indices.astype(np.int32),
            rows.data.astype(np.float64),
        )  # fmt: skip

    def keep_rows(self, kept: NDArray[np.bool_]) -> None:
        """Leave out all rows but those marked."""
        gone = np.flatnonzero(~kept).astype(np.int32)
        if len(gone) == 0:
            return
        matrix, low, high = self._all()
        self._rows, self._sides = [matrix[np.flatnonzero(kept)]], [(low[kept], high[kept])]
        self._highs.deleteRows(len(gone), gone)

    def slack(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far values are from the nearer end of each row."""
        matrix, low, high = self._all()
        reached = matrix @ values
        return np.asarray(np.minimum(reached - low, high - reached))

    def fix(self, columns: NDArray[np.int64], value: float) -> None:
        """Set some columns to a value."""
        ends = np.full(len(columns), value)
        self.set_ends(columns, ends, ends)

    def set_ends(
        self, columns: NDArray[np.int64], low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> None:
        """Set the ends of some columns, each its own."""
        self.low[columns], self.high[columns] = low, high
        self._highs.changeColsBounds(len(columns), columns.astype(np.int32), low, high)

    def relax(self, limit_s: float, *, interior: bool = False) -> Relaxed | None:
        """
        Solve the relaxation; return None where the solver has no values or no duals.

        Parameters
        ----------
        limit_s
            Seconds.
        interior
            By interior points, of use where it is solved once: its values lie at no corner.
        """
        self._set_whole(np.empty(0, dtype=np.int64))
        end = monotonic() + limit_s
        self._highs.setOptionValue("solver", "ipm" if interior else "choose")
        self._highs.setOptionValue("run_crossover", "off" if interior else "on")
        self._run(limit_s, None)
        if self.is_infeasible:
            self._run_without_presolve(end, None)
        highs = self._highs
        solution = highs.getSolution()
        status = highs.getModelStatus().name
        if not (solution.value_valid and solution.dual_valid) or status in INFEASIBLE:
            return None
        dual = np.array(solution.row_dual)
        values = np.clip(np.array(solution.col_value), self.low, self.high)
        bound, reduced = self._bound(dual)
        return Relaxed(values, bound, reduced, HIGHS_ENDS[status] is End.PROVEN, dual)

    @property
    def is_infeasible(self) -> bool:
        """Whether the last run proved that there is nothing."""
        return self._highs.getModelStatus().name in INFEASIBLE

    def search(
        self, columns: NDArray[np.int64], *, limit_s: float, gap: float, absolute_gap: float,
        start: NDArray[np.float64] | None = None,
        enough: Callable[[float, float], bool] | None = None,
        tell: Callable[[float, float], None] | None = None,
    ) -> Outcome:  # fmt: skip
        """
        Minimise with some columns whole numbers.

        Parameters
        ----------
        columns
            The whole ones.
        limit_s
            Seconds.
        gap, absolute_gap
            Where to stop.
        start
            A value for each column; None: none.
        enough
            Told value and bound so far; True stops the search.
        tell
            Told value and bound so far.
        """
        self._set_whole(columns)
        options = {"mip_rel_gap": gap, "mip_abs_gap": absolute_gap}
        for name, value in options.items():
            self._highs.setOptionValue(name, value)
        watch = _both(enough, tell)
        end = monotonic() + limit_s
        if start is not None:
            solution = highspy.HighsSolution()
            solution.col_value = start.tolist()
            self._highs.setSolution(solution)
        self._run(limit_s, watch)
        if start is not None and self._is_torn(gap, absolute_gap):
            self._highs.clearSolver()
            self._run(max(end - monotonic(), 0.0), watch)
        if self.is_infeasible:
            self._run_without_presolve(end, watch)
        outcome = self._outcome()
        if outcome.end is End.INFEASIBLE and start is not None and self._holds(start):
            return Outcome(End.FAILED, None, -np.inf)
        return outcome

    def _run_without_presolve(
        self, end: float, watch: Callable[[float, float], bool] | None
    ) -> None:
        """Ask again whether there is nothing: presolve may say so of rows that just hold."""
        self._highs.clearSolver()
        self._highs.setOptionValue("presolve", "off")
        self._run(max(end - monotonic(), 0.0), watch)
        self._highs.setOptionValue("presolve", "choose")

    def _holds(self, values: NDArray[np.float64]) -> bool:
        """Return whether values keep to every row and column."""
        inside = (values >= self.low - SLIP).all() and (values <= self.high + SLIP).all()
        return bool(inside and (self.slack(values) >= -SLIP).all())

    def _is_torn(self, gap: float, absolute_gap: float) -> bool:
        """
        Return whether values are not worth what the solver says, or called proven and are not.

        HiGHS may misjudge a start in the model that its presolve leaves, and hand it back.
        """
        outcome, said = self._outcome(), float(self._highs.getInfo().objective_function_value)
        if outcome.values is None:
            return False
        value = float(self.cost @ outcome.values)
        noise = 1e-5 * max(abs(value), 1.0)
        apart = value - outcome.bound
        unproven = outcome.end is End.PROVEN and apart > max(gap * abs(value), absolute_gap) + noise
        return abs(value - said) > noise or unproven

    def _outcome(self) -> Outcome:
        """Return what the search reached; a bound only where the solver stands by its answer."""
        highs, info = self._highs, self._highs.getInfo()
        end = HIGHS_ENDS[highs.getModelStatus().name]
        if end is End.INTERRUPTED:
            end = End.TIME_LIMIT
        feasible = info.primal_solution_status == int(
            highspy.SolutionStatus.kSolutionStatusFeasible
        )
        values = np.array(highs.getSolution().col_value) if feasible else None
        if values is not None and not np.isfinite(values).all():
            values = None
        bound = float(info.mip_dual_bound)
        if end in {End.INFEASIBLE, End.FAILED} or not np.isfinite(bound):
            bound = -np.inf
        return Outcome(end, values, bound)

    def _set_whole(self, columns: NDArray[np.int64]) -> None:
        """Say which columns are whole numbers."""
        n = len(self.cost)
        if not len(columns) and not self._is_whole:
            return
        kinds = np.full(n, int(REAL), dtype=np.uint8)
        kinds[columns] = int(WHOLE)
        every = np.arange(n, dtype=np.int32)
        self._highs.changeColsIntegrality(n, every, kinds)
        self._is_whole = bool(len(columns))

    def _all(self) -> tuple[csr_array, NDArray[np.float64], NDArray[np.float64]]:
        """Return all rows and their ends, kept as one."""
        if len(self._rows) > 1:
            low, high = (np.concatenate(each) for each in zip(*self._sides, strict=True))
            self._rows, self._sides = [csr_array(vstack(self._rows))], [(low, high)]
        if not self._rows:
            return csr_array((0, len(self.cost))), np.empty(0), np.empty(0)
        return self._rows[0], *self._sides[0]

    def _bound(self, dual: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """
        Return the bound that duals prove, and the reduced costs.

        For any duals u, cost x ≥ Σ u × side + Σ reduced cost × the end of a column that it pulls
        to; duals whose side is infinite count as 0.
        """
        matrix, low, high = self._all()
        side = np.where(dual > 0, low, high)
        dual = np.where(np.isfinite(side), dual, 0.0)
        side = np.where(np.isfinite(side), side, 0.0)
        reduced = self.cost - (matrix.T @ dual if len(dual) else 0.0)
        ends = np.where(reduced > 0, self.low, self.high)
        return float(dual @ side + reduced @ ends), np.asarray(reduced)

    def _run(self, limit_s: float, watch: Callable[[float, float], bool] | None) -> None:
        """Run in a thread of its own, so that Ctrl-C is heard at once and stops the search."""
        highs, done, halt = self._highs, threading.Event(), threading.Event()
        end = monotonic() + limit_s
        options = {
            "threads": self._effort.threads,
            "random_seed": self._effort.seed,
            "time_limit": highs.getRunTime() + max(limit_s, 0.01),
        }
        for name, value in options.items():
            highs.setOptionValue(name, value)

        def late(event: Any) -> None:
            event.data_in.user_interrupt = halt.is_set() or monotonic() >= end

        def look(event: Any) -> None:
            late(event)
            data = event.data_out
            if watch is not None and watch(data.mip_primal_bound, data.mip_dual_bound):
                event.data_in.user_interrupt = True

        def work() -> None:
            try:
                highs.run()
            finally:
                done.set()

        highs.cbMipInterrupt.subscribe(look)
        highs.cbSimplexInterrupt.subscribe(late)
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            while not done.wait(POLL_S):
                pass
        finally:
            halt.set()
            thread.join()
            highs.cbMipInterrupt.unsubscribe(look)
            highs.cbSimplexInterrupt.unsubscribe(late)


def _both(
    enough: Callable[[float, float], bool] | None, tell: Callable[[float, float], None] | None
) -> Callable[[float, float], bool]:
    """Return one watcher from two."""

    def watch(value: float, bound: float) -> bool:
        if tell is not None:
            tell(value, bound)
        return enough is not None and enough(value, bound)

    return watch
