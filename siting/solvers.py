"""The solver seam: from a model to an outcome; HiGHS, and CBC as the fall-back."""

from __future__ import annotations

import os
import threading
from array import array
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

import highspy
import numpy as np
import pulp
from scipy.sparse import csr_matrix

from siting.errors import UnsolvedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = [
    "CBC_ENDS",
    "HIGHS_ENDS",
    "Ask",
    "End",
    "HighsSolver",
    "LinearModel",
    "Outcome",
    "Solver",
    "cbc",
    "new_highs",
]

POLL_S = 0.1


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
    max_nodes
        Stop after so many nodes of the search; None: no limit. The same on every machine.
    start
        A value for each variable to start from, in the model's order; None: none.
    stop
        Set from outside to stop early.
    progress
        Called now and then with value and bound so far (either may be infinite).
    """

    time_limit_s: float
    gap: float = 0.0
    absolute_gap: float = 1e-9
    threads: int = 2
    seed: int = 0
    relax: bool = False
    max_nodes: int | None = None
    start: np.ndarray | None = None
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
    """

    end: End
    values: np.ndarray | None
    bound: float


class LinearModel:
    """
    A minimisation that only grows: variables first, then rows, and an objective that changes.

    PuLP holds it, so that it can be written as LP text and handed to any solver that PuLP knows.
    Variables have positional names; ids of users never become names of variables.

    Attributes
    ----------
    lp
        The PuLP problem.
    variables, rows
        In the order of their making.
    """

    def __init__(self, name: str) -> None:
        self.lp = pulp.LpProblem(name, pulp.LpMinimize)
        self.variables: list[pulp.LpVariable] = []
        self.rows: list[pulp.LpConstraint] = []
        self.objective: dict[int, float] = {}
        self._position: dict[int, int] = {}
        self._ends = (array("d"), array("d"))
        self._sides = (array("d"), array("d"))
        self._starts, self._columns, self._factors = array("q", [0]), array("i"), array("d")

    def variable(
        self, name: str, low: float = 0.0, high: float | None = None, *, whole: bool = False
    ) -> int:
        """Add a variable and return its position."""
        kind = pulp.LpInteger if whole else pulp.LpContinuous
        made = self.lp.add_variable(name, low, high, kind)
        self._position[id(made)] = len(self.variables)
        self._ends[0].append(low)
        self._ends[1].append(np.inf if high is None else high)
        self.variables.append(made)
        return len(self.variables) - 1

    def row(self, name: str, terms: dict[int, float], sense: str, side: float) -> None:
        """Add a row: terms by position of the variable, ``<=``, ``>=`` or ``==``, and a number."""
        senses = {"<=": pulp.LpConstraintLE, ">=": pulp.LpConstraintGE, "==": pulp.LpConstraintEQ}
        expression = pulp.LpAffineExpression([(self.variables[k], f) for k, f in terms.items()])
        made = pulp.LpConstraint(expression, senses[sense], name, side)
        self.lp.addConstraint(made)
        self.rows.append(made)
        self._columns.extend(terms)
        self._factors.extend(terms.values())
        self._starts.append(len(self._columns))
        self._sides[0].append(-np.inf if sense == "<=" else side)
        self._sides[1].append(np.inf if sense == ">=" else side)

    def minimise(self, terms: dict[int, float]) -> None:
        """Set the objective, without its constant."""
        self.objective = dict(terms)
        pairs = [(self.variables[k], factor) for k, factor in terms.items()]
        self.lp.setObjective(pulp.LpAffineExpression(pairs))

    def holds(self, values: NDArray[np.float64], tolerance: float) -> bool:
        """
        Return whether values keep to every row and to the ends of every variable.

        Parameters
        ----------
        values
            A value for each variable, in the order of their making.
        tolerance
            How far a row may be missed: relative to its side, absolute where that is below 1.
        """
        shape = (len(self.rows), len(self.variables))
        starts, columns, factors = map(np.array, (self._starts, self._columns, self._factors))
        matrix = csr_matrix((factors, columns, starts), shape)
        for reached, ends in ((matrix @ values, self._sides), (values, self._ends)):
            low, high = map(np.array, ends)
            missed = np.maximum(low - reached, 0.0) / np.maximum(np.abs(low), 1.0)
            passed = np.maximum(reached - high, 0.0) / np.maximum(np.abs(high), 1.0)
            if (np.maximum(missed, passed) > tolerance).any():
                return False
        return True

    def position(self, variable: pulp.LpVariable) -> int:
        """Return the position of a variable."""
        return self._position[id(variable)]


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
        """Minimise a model."""
        self._load(model)
        highs = self._highs
        kind = highspy.HighsVarType.kContinuous if ask.relax else highspy.HighsVarType.kInteger
        whole = [k for k, v in enumerate(model.variables) if v.cat == pulp.LpInteger]
        for k in whole:
            highs.changeColIntegrality(k, kind)
        options = {
            "threads": ask.threads,
            "random_seed": ask.seed,
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
        self._run(ask)
        return self._outcome(ask, has_whole=bool(whole))

    def _load(self, model: LinearModel) -> None:
        """Hand over what is new: all of a new model, else new columns, rows and the objective."""
        if self._model is not model:
            self._highs = new_highs()
            self._model, self._columns, self._rows = model, 0, 0
        new = model.variables[self._columns :]
        if new:
            low = np.array([-np.inf if v.lowBound is None else v.lowBound for v in new])
            high = np.array([np.inf if v.upBound is None else v.upBound for v in new])
            self._highs.addVars(len(new), low.astype(float), high.astype(float))
        self._columns = len(model.variables)
        cost = np.zeros(self._columns)
        cost[list(model.objective)] = list(model.objective.values())
        every = np.arange(self._columns, dtype=np.int32)
        self._highs.changeColsCost(self._columns, every, cost)
        if len(model.rows) > self._rows:
            self._add_rows(model, model.rows[self._rows :])
        self._rows = len(model.rows)

    def _add_rows(self, model: LinearModel, rows: list[pulp.LpConstraint]) -> None:
        """Hand over rows in bulk."""
        starts, columns, factors, low, high = [0], [], [], [], []
        for row in rows:
            columns += [model.position(variable) for variable in row]
            factors += list(row.values())
            starts.append(len(columns))
            side = -row.constant
            low.append(-np.inf if row.sense == pulp.LpConstraintLE else side)
            high.append(np.inf if row.sense == pulp.LpConstraintGE else side)
        self._highs.addRows(
            len(rows), np.array(low, dtype=float), np.array(high, dtype=float), len(columns),
            np.array(starts[:-1], dtype=np.int32), np.array(columns, dtype=np.int32),
            np.array(factors, dtype=float),
        )  # fmt: skip

    def _run(self, ask: Ask) -> None:
        """
        Run in a thread of its own, so that Ctrl-C is heard at once and stops the search.

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
            while not done.wait(POLL_S):
                pass
        finally:
            highs.cbMipInterrupt.unsubscribe(watch)
            highs.cbSimplexInterrupt.unsubscribe(watch_clock)

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
        return Outcome(end, values, float(bound))


def new_highs() -> highspy.Highs:
    """Return a silent HiGHS; the first one of a process would say its version on the console."""
    with _no_console():
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
