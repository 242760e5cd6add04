"""The solver seam: from a model to an outcome; HiGHS, and CBC as the fall-back."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

import highspy
import numpy as np
import pulp

from siting.errors import UnsolvedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from siting.linear import LinearModel

__all__ = [
    "CBC_ENDS",
    "HIGHS_ENDS",
    "Ask",
    "End",
    "HighsSolver",
    "Outcome",
    "Solver",
    "cbc",
    "new_highs",
]

POLL_S = 0.1
GRACE_S = 15.0
"""How long after its time a solver is waited for."""
_FIRST, _GREETED = threading.Lock(), threading.Event()
"""
The console is turned away once, and by one thread: two at a time would give each other's place back
and leave it turned away for good.
"""


class End(StrEnum):
    """Why a solver stopped."""

    PROVEN = "proven"
    TIME_LIMIT = "time_limit"
    EFFORT_LIMIT = "effort_limit"
    INTERRUPTED = "interrupted"
    INFEASIBLE = "infeasible"
    FAILED = "failed"


HIGHS_ENDS: dict[str, End] = {
    "kOptimal": End.PROVEN,
    "kModelEmpty": End.PROVEN,
    "kTimeLimit": End.TIME_LIMIT,
    "kIterationLimit": End.EFFORT_LIMIT,
    "kSolutionLimit": End.EFFORT_LIMIT,
    "kObjectiveBound": End.EFFORT_LIMIT,
    "kObjectiveTarget": End.EFFORT_LIMIT,
    "kInterrupt": End.INTERRUPTED,
    "kHighsInterrupt": End.INTERRUPTED,
    "kInfeasible": End.INFEASIBLE,
    "kUnboundedOrInfeasible": End.FAILED,
    "kUnbounded": End.FAILED,
    "kUnknown": End.FAILED,
    "kNotset": End.FAILED,
    "kLoadError": End.FAILED,
    "kModelError": End.FAILED,
    "kPresolveError": End.FAILED,
    "kSolveError": End.FAILED,
    "kPostsolveError": End.FAILED,
    "kMemoryLimit": End.FAILED,
}
"""What each model status of HiGHS means."""

CBC_ENDS: dict[int, End] = {
    pulp.LpSolutionOptimal: End.PROVEN,
    pulp.LpSolutionIntegerFeasible: End.TIME_LIMIT,
    pulp.LpSolutionNoSolutionFound: End.TIME_LIMIT,
    pulp.LpSolutionInfeasible: End.INFEASIBLE,
    pulp.LpSolutionUnbounded: End.FAILED,
}
"""What each solution status of PuLP means; its problem status says *Optimal* for too much."""


@dataclass(frozen=True)
class Ask:
    """
    How to solve a model.

    Attributes
    ----------
    time_limit_s
        Seconds for this call.
    gap, absolute_gap
        Gap at which to stop: relative to the objective, or in its own unit.
    threads, seed
        For the solver.
    relax
        True: leave out that decisions are whole numbers; gives a bound.
    interior
        With ``relax``: by interior points, not by walking along corners: in large models many times
        as fast, but with no corner to go on from.
    max_nodes
        Stop after so many nodes of the search; None: no limit. The same on every machine.
    start
        A value for each variable to start from, in the model's order; None: none.
    near
        The start is a good plan: HiGHS does not also look for one around the relaxation, which
        takes longer than all else where little is left to gain. CBC does not know it.
    stop
        Set from outside to stop early.
    free
        (n_variables,) the variables that may change, the others stay as in ``start``, which must be
        given: a neighbourhood of it. The bound then holds for that neighbourhood. None: all.
    rows, costs
        With ``free``: the rows that count, and the factors to minimise by instead of the model's.
        None: all rows, the model's objective. CBC knows neither.
    progress
        Called now and then with value and bound so far (either may be infinite).
    """

    time_limit_s: float
    gap: float = 0.0
    absolute_gap: float = 1e-9
    threads: int = 2
    seed: int = 0
    relax: bool = False
    interior: bool = False
    max_nodes: int | None = None
    start: np.ndarray | None = None
    near: bool = False
    free: np.ndarray | None = None
    rows: np.ndarray | None = None
    costs: np.ndarray | None = None
    stop: threading.Event | None = None
    progress: Callable[[float, float], None] | None = None


@dataclass(frozen=True)
class Outcome:
    """
    What a solver reached for a minimisation.

    Attributes
    ----------
    end
        Why it stopped.
    values
        A value for each variable in the model's order; None if nothing was found.
    bound
        Proven lower bound on the objective without its constant; minus infinity if none.
    prices
        Of a relaxation: what the objective would gain by one unit of each row; None: not told.
    """

    end: End
    values: np.ndarray | None
    bound: float
    prices: np.ndarray | None = None


class Solver(Protocol):
    """One function from a model to an outcome; tests put a fake in its place."""

    def __call__(self, model: LinearModel, ask: Ask) -> Outcome:
        """Minimise and say what was reached."""
        ...


class HighsSolver:
    """
    HiGHS on a PuLP model, handed over in bulk and kept.

    PuLP describes the model; its own link to HiGHS neither takes a start nor tells the bound, so
    highspy is called directly. A model that has only grown rows or changed its objective since the
    last call keeps its basis and its solution.
    """

    def __init__(self) -> None:
        self._model: LinearModel | None = None
        self._columns = 0
        self._rows = 0
        self._highs = new_highs()

    def __call__(self, model: LinearModel, ask: Ask) -> Outcome:
        """Minimise a model, or a neighbourhood of a start."""
        if ask.free is not None:
            return _in_neighbourhood(model, ask, ask.free)
        self._load(model)
        whole = np.flatnonzero(model.is_whole()).astype(np.int32)
        kind = highspy.HighsVarType.kContinuous if ask.relax else highspy.HighsVarType.kInteger
        self._highs.changeColsIntegrality(
            len(whole), whole, np.full(len(whole), int(kind), np.uint8)
        )
        return self._solve(ask, has_whole=bool(len(whole)))

    def _solve(self, ask: Ask, *, has_whole: bool) -> Outcome:
        """
        Set what was asked for, run, and return what was reached.

        In a neighbourhood HiGHS makes no smaller models of its own: they help little where a start
        is given, and in one of them HiGHS 1.16 was seen to presolve for ever.
        """
        highs = self._highs
        options = {
            "threads": ask.threads,
            "random_seed": ask.seed,
            "mip_heuristic_run_rens": ask.free is None and not ask.near,
            "mip_heuristic_run_rins": ask.free is None,
            "mip_heuristic_run_root_reduced_cost": ask.free is None,
            "solver": "ipm" if ask.interior else "choose",
            "run_crossover": "off" if ask.interior else "on",
            "mip_rel_gap": ask.gap,
            "mip_abs_gap": ask.absolute_gap,
            "mip_max_nodes": ask.max_nodes if ask.max_nodes is not None else 2**31 - 1,
            "time_limit": highs.getRunTime() + max(ask.time_limit_s, 0.01),
        }
        for name, value in options.items():
            highs.setOptionValue(name, value)
        if ask.start is not None and not ask.relax:
            solution = highspy.HighsSolution()
            solution.col_value = ask.start.tolist()
            highs.setSolution(solution)
        if not self._run(ask):
            self._model, self._highs = None, new_highs()
            return Outcome(End.TIME_LIMIT, None, -np.inf)
        return self._outcome(ask, has_whole=has_whole)

    def _load(self, model: LinearModel) -> None:
        """Hand over what is new: all of a new model, else new columns, rows and the objective."""
        if self._model is not model:
            self._highs = new_highs()
            self._model, self._columns, self._rows = model, 0, 0
        low, high = (end[self._columns :] for end in model.ends())
        if len(low):
            self._highs.addVars(len(low), low, high)
        self._columns = len(model.variables)
        every = np.arange(self._columns, dtype=np.int32)
        self._highs.changeColsCost(self._columns, every, model.costs())
        if len(model.rows) > self._rows:
            sides = (side[self._rows :] for side in model.sides())
            _hand_over(self._highs, model.matrix()[self._rows :], *sides)
        self._rows = len(model.rows)

    def _run(self, ask: Ask) -> bool:
        """
        Run in a thread of its own, so that Ctrl-C is heard at once; return whether it came back.

        HiGHS may go round for ever where it hears nothing (seen in a presolve of its own small
        models): it is then left to itself, and what it had is lost.

        The clock is looked at here: HiGHS has counted its limit from the first call of an object in
        some versions and from the last one in others.
        """
        highs = self._highs
        halt = ask.stop if ask.stop is not None else threading.Event()
        end = monotonic() + ask.time_limit_s

        def watch(event: Any) -> None:
            if ask.progress is not None and not ask.relax:
                ask.progress(event.data_out.mip_primal_bound, event.data_out.mip_dual_bound)
            watch_clock(event)

        def watch_clock(event: Any) -> None:
            # HiGHS keeps the wish to stop from one call to the next, so it is taken back here.
            event.data_in.user_interrupt = halt.is_set() or monotonic() >= end

        done = threading.Event()

        def work() -> None:
            try:
                highs.run()
            finally:
                done.set()

        highs.cbMipInterrupt.subscribe(watch)
        highs.cbSimplexInterrupt.subscribe(watch_clock)
        threading.Thread(target=work, daemon=True).start()
        try:
            while not done.wait(POLL_S) and monotonic() < end + GRACE_S:
                pass
        finally:
            if done.is_set():
                highs.cbMipInterrupt.unsubscribe(watch)
                highs.cbSimplexInterrupt.unsubscribe(watch_clock)
        return done.is_set()

    def _outcome(self, ask: Ask, *, has_whole: bool) -> Outcome:
        """Return what HiGHS reached, trusting values only where it says that there are some."""
        highs = self._highs
        status = highs.getModelStatus()
        end = HIGHS_ENDS[status.name]
        stopped = ask.stop is not None and ask.stop.is_set()
        if end is End.EFFORT_LIMIT and stopped:
            end = End.INTERRUPTED
        if end is End.INTERRUPTED and not stopped:
            end = End.TIME_LIMIT
        info = highs.getInfo()
        feasible = info.primal_solution_status == int(
            highspy.SolutionStatus.kSolutionStatusFeasible
        )
        if status.name == "kModelEmpty":
            feasible = True
        values = np.array(highs.getSolution().col_value) if feasible else None
        if ask.relax or not has_whole:
            bound = info.objective_function_value if end is End.PROVEN else -np.inf
        else:
            bound = info.mip_dual_bound
        if not np.isfinite(bound):
            bound = -np.inf
        prices = None
        if (ask.relax or not has_whole) and end is End.PROVEN:
            prices = np.array(highs.getSolution().row_dual)
        return Outcome(end, values, float(bound), prices)


def _hand_over(
    highs: highspy.Highs, rows: csr_matrix, low: NDArray[np.float64], high: NDArray[np.float64]
) -> None:
    """Add rows in bulk."""
    highs.addRows(
        rows.shape[0], low, high, rows.nnz, rows.indptr[:-1].astype(np.int32),
        rows.indices.astype(np.int32), rows.data.astype(float),
    )  # fmt: skip


def _in_neighbourhood(model: LinearModel, ask: Ask, free: NDArray[np.bool_]) -> Outcome:
    """
    Minimise over the free variables, the others as in the start; rows without any are left out.

    The start may miss a row by what rounding leaves: each row then allows what the start reaches.
    """
    if ask.start is None:
        raise ValueError("a neighbourhood is one of a start")
    columns = np.flatnonzero(free)
    matrix = model.matrix() if ask.rows is None else model.matrix()[ask.rows]
    part = matrix[:, columns]
    rows = np.flatnonzero(np.diff(part.indptr))
    part = part[rows]
    here = part @ ask.start[columns]
    held = matrix[rows] @ ask.start - here
    sides = (side if ask.rows is None else side[ask.rows] for side in model.sides())
    low, high = (side[rows] - held for side in sides)
    least, most = (end[columns] for end in model.ends())
    costs = model.costs() if ask.costs is None else ask.costs
    small = HighsSolver()
    highs = small._highs  # noqa: SLF001 - of the same module
    highs.addVars(len(columns), least, most)
    highs.changeColsCost(len(columns), np.arange(len(columns), dtype=np.int32), costs[columns])
    _hand_over(highs, part, np.minimum(low, here), np.maximum(high, here))
    whole = np.flatnonzero(model.is_whole()[columns]).astype(np.int32)
    if not ask.relax:
        kinds = np.full(len(whole), int(highspy.HighsVarType.kInteger), np.uint8)
        highs.changeColsIntegrality(len(whole), whole, kinds)
    asked = replace(ask, start=ask.start[columns])
    outcome = small._solve(asked, has_whole=bool(len(whole)))  # noqa: SLF001 - of the same module
    fixed = float(costs @ ask.start - costs[columns] @ ask.start[columns])
    values = None
    if outcome.values is not None:
        values = ask.start.copy()
        values[columns] = outcome.values
    return Outcome(outcome.end, values, outcome.bound + fixed)


def new_highs() -> highspy.Highs:
    """Return a silent HiGHS; the first one of a process would say its version on the console."""
    with _FIRST:
        if not _GREETED.is_set():
            with _no_console():
                highspy.Highs()  # type: ignore[no-untyped-call]
            _GREETED.set()
    highs = highspy.Highs()  # type: ignore[no-untyped-call]
    highs.setOptionValue("output_flag", False)  # noqa: FBT003
    return highs


@contextmanager
def _no_console() -> Iterator[None]:
    """Send nowhere what compiled code writes to the console; where there is none, do nothing."""
    try:
        kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    except OSError:
        yield
        return
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def cbc(model: LinearModel, ask: Ask) -> Outcome:
    """
    Minimise with CBC through PuLP: the one that comes with PuLP, else the one on the search path.

    CBC does not tell its bound through PuLP: an answer that it calls proven is proven to the gap
    that was asked, and an early stop has no bound.

    Raises
    ------
    UnsolvedError
        If CBC cannot be run.
    """
    if ask.free is not None:
        return _held(model, ask, ask.free)
    begun = monotonic()
    bundled = Path(str(pulp.PULP_CBC_CMD.pulp_cbc_path))
    solver = pulp.COIN_CMD(
        path=str(bundled) if bundled.is_file() else None,
        msg=False, timeLimit=max(ask.time_limit_s, 1.0), gapRel=ask.gap,
        gapAbs=ask.absolute_gap, threads=ask.threads, mip=not ask.relax,
        options=[f"randomCbcSeed {ask.seed}"],
    )  # fmt: skip
    try:
        model.lp.solve(solver)
    except pulp.PulpSolverError as error:
        raise UnsolvedError.of("solver_failed", "CBC", found=str(error)) from error
    end = CBC_ENDS[model.lp.sol_status]
    if ask.stop is not None and ask.stop.is_set():
        end = End.INTERRUPTED
    if model.lp.sol_status not in {pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible}:
        return Outcome(end, None, -np.inf)
    said = [v.value() for v in model.variables]
    values = np.array(
        [v.lowBound or 0.0 if x is None else x for v, x in zip(model.variables, said, strict=True)]
    )
    objective = float(sum(values[k] * factor for k, factor in model.objective.items()))
    late = monotonic() - begun >= ask.time_limit_s
    if end is End.PROVEN and not late:
        return Outcome(end, values, objective - max(ask.gap * abs(objective), ask.absolute_gap))
    return Outcome(End.TIME_LIMIT if end is End.PROVEN else end, values, -np.inf)


def _held(model: LinearModel, ask: Ask, free: NDArray[np.bool_]) -> Outcome:
    """Minimise with CBC over the free variables, the others held at the start."""
    if ask.start is None:
        raise ValueError("a neighbourhood is one of a start")
    held = [(model.variables[k], float(ask.start[k])) for k in np.flatnonzero(~free).tolist()]
    before = [(variable.lowBound, variable.upBound) for variable, _ in held]
    for variable, value in held:
        variable.bounds(value, value)
    try:
        return cbc(model, replace(ask, free=None))
    finally:
        for (variable, _), (low, high) in zip(held, before, strict=True):
            variable.bounds(low, high)
