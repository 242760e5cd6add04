"""Fewest or cheapest sites: bounds, walks, regions and searches of each part of a cover."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from siting.classical.answer import rounded_up, step_below
from siting.classical.core import Covering, Part
from siting.classical.cover_tree import STEPS_AT_ONCE, Choices, fits, search_covers
from siting.classical.cover_walk import PATIENCE, walk
from siting.classical.effort import Effort
from siting.classical.kernels import greedy, spare
from siting.classical.program import Program
from siting.classical.split import LARGE, split_bound
from siting.classical.tighten import tighten
from siting.solvers import End

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.program import Relaxed

__all__ = ["improve"]

TURNS = 4
"""How often walks set out, on all threads, where a part is bounded by regions next."""

MOMENT = 2
"""Blocks without a cheaper cover that end the first walk of a small part."""

GLANCE = STEPS_AT_ONCE // 3
"""Numbers touched where small parts are searched for a moment."""

SHARE, REGIONS = 0.3, 0.9
"""Shares of the time left that the walk may take, and then regions."""


Step = Callable[[Covering, Part, Effort, float, Callable[[], bool] | None], None]


def improve(made: Covering, effort: Effort, decided: Callable[[], bool] | None = None) -> None:
    """
    Search until the best is proven, time is over, or what is asked is decided.

    Parameters
    ----------
    made
        The cover; better sites and bounds are kept there.
    effort
        Time and gap.
    decided
        Told nothing; True once the bounds so far are enough.
    """
    for step in STEPS:
        _go_through(made, step, effort, decided)


def _go_through(
    made: Covering, step: Step, effort: Effort, decided: Callable[[], bool] | None
) -> None:
    """Take one step for each part, the smallest first, as long as it is of use."""
    for k, part in enumerate(made.parts):
        if decided is not None and decided():
            return
        if effort.left() <= 0:
            return
        if part.upper > part.lower and not made.is_close(effort):
            step(made, part, effort, effort.left() / (len(made.parts) - k), decided)
            effort.tell(made.upper, made.lower)


def _program(made: Covering, part: Part, effort: Effort) -> Program:
    """Return the model of one part: each class has at least one of its sites."""
    n = len(part.sites)
    program = Program(made.costs[part.sites], np.zeros(n), np.ones(n), effort)
    rows = made.cover.by_class[part.classes][:, part.sites]
    ones = np.ones(len(part.classes))
    program.add(csr_array(rows), ones, np.full(len(ones), np.inf))
    return program


def _bound_by_relaxation(
    made: Covering, part: Part, effort: Effort, limit_s: float,
    _decided: Callable[[], bool] | None,
) -> None:  # fmt: skip
    """Raise the bound of a part by its relaxation, and round that up to sites."""
    relaxed = _program(made, part, effort).relax(limit_s)
    if relaxed is None:
        return
    part.lower = max(part.lower, _rounded(made, relaxed.bound))
    part.relaxed = relaxed
    taken = np.zeros(made.cover.n_sites, dtype=bool)
    taken[part.sites[relaxed.values > 1.0 / 2 - 1e-9]] = True
    _adopt(made, part, taken)


def _adopt(made: Covering, part: Part, taken: NDArray[np.bool_]) -> None:
    """Complete sites to a cover of a part, thin them out, and keep them where they cost less."""
    cover, costs = made.cover, made.costs
    rows, columns = cover.by_class, cover.by_site
    weight = np.zeros(cover.n_classes)
    weight[part.classes] = 1.0
    weight[cover.covered(np.flatnonzero(taken))] = 0.0
    more = greedy(
        rows.indptr, rows.indices, columns.indptr, columns.indices, weight,
        np.maximum(costs, 1e-9), np.ones(cover.n_sites, dtype=bool), np.inf, np.inf,
    )  # fmt: skip
    both = spare(columns.indptr, columns.indices, cover.n_classes, costs, taken | more)
    picked = np.flatnonzero(both)
    cost = float(costs[picked].sum())
    if cost < part.upper:
        part.chosen, part.upper = picked, cost


def _glance(
    made: Covering, part: Part, effort: Effort, limit_s: float,
    decided: Callable[[], bool] | None,
) -> None:  # fmt: skip
    """Walk and search for a moment where the table is small: most of these need no more."""
    relaxed = part.relaxed
    if relaxed is None or not fits(len(part.classes), len(_of_use(made, part, relaxed))):
        return
    _walk(made, part, effort, limit_s, decided, patience=MOMENT)
    if part.upper > part.lower and not made.is_close(effort):
        sites = _of_use(made, part, relaxed)
        _search_here(made, part, sites, effort, limit_s, decided, moment=True)


def _of_use(made: Covering, part: Part, relaxed: Relaxed) -> NDArray[np.int64]:
    """Return the sites that a cheaper cover may hold."""
    room = part.upper - step_below(part.upper, exact=made.exact) - relaxed.bound
    return part.sites[relaxed.reduced <= room]


def _walk(
    made: Covering, part: Part, effort: Effort, limit_s: float,
    decided: Callable[[], bool] | None, *, patience: int = PATIENCE,
) -> None:  # fmt: skip
    """Walk from cover to cover; longer before regions, unless only something is to be decided."""
    is_long = decided is None and len(part.classes) >= LARGE and patience == PATIENCE
    until = effort.left() - SHARE * limit_s

    def over(better: NDArray[np.bool_] | None) -> float | None:
        """Keep a better cover; return what is proven, None where the walk is to end."""
        if better is not None:
            part.chosen = part.sites[better]
            part.upper = float(made.costs[part.chosen].sum())
            effort.tell(made.upper, made.lower)
        is_over = effort.left() < until or part.upper <= part.lower or made.is_close(effort)
        return None if is_over or (decided is not None and decided()) else part.lower

    seeds = range(effort.seed, effort.seed + (effort.threads if is_long else 1))
    walk(
        csr_array(made.cover.by_class[part.classes][:, part.sites]), made.costs[part.sites],
        np.isin(part.sites, part.chosen), seeds, TURNS if is_long else 1, over,
        patience,
    )  # fmt: skip


def _bound_by_regions(
    made: Covering, part: Part, effort: Effort, limit_s: float,
    decided: Callable[[], bool] | None,
) -> None:  # fmt: skip
    """Raise the bound of a large part, region by region."""
    if part.relaxed is None or len(part.classes) < LARGE:
        return
    rows = csr_array(made.cover.by_class[part.classes][:, part.sites])

    def enough(low: float) -> bool:
        """Keep a bound; return whether it is enough."""
        part.lower = max(part.lower, min(part.upper, _rounded(made, low)))
        effort.tell(made.upper, made.lower)
        is_over = part.upper <= part.lower or made.is_close(effort)
        return is_over or (decided is not None and decided())

    known = split_bound(
        rows, made.costs[part.sites], part.relaxed.duals, effort, REGIONS * limit_s, part.upper,
        enough,
    ).inequalities  # fmt: skip
    part.known = known if len(known.sides) else None


def _search(
    made: Covering, part: Part, effort: Effort, limit_s: float,
    decided: Callable[[], bool] | None,
) -> None:  # fmt: skip
    """Search a part for its cheapest cover: here where its table is small, else by the solver."""
    if part.relaxed is not None and part.known is None:
        sites = _of_use(made, part, part.relaxed)
        if fits(len(part.classes), len(sites)):
            _search_here(made, part, sites, effort, limit_s, decided)
            return
    _ask_solver(made, part, effort, limit_s, decided)


def _search_here(
    made: Covering, part: Part, sites: NDArray[np.int64], effort: Effort, limit_s: float,
    decided: Callable[[], bool] | None, *, moment: bool = False,
) -> None:  # fmt: skip
    """
    Search a part for a cheaper cover by some of its sites; none is cheaper with another one.

    A moment is counted in steps, not in seconds, so that what is found does not hang on the clock.
    """
    rows = csr_array(made.cover.by_class[part.classes][:, sites])
    costs, end = made.costs[sites], effort.left() - limit_s
    cheapest = np.minimum.reduceat(costs[rows.indices], rows.indptr[:-1])

    def keep(best: NDArray[np.bool_] | None, low: float) -> bool:
        """Keep better sites, if any, and a bound; return whether that is enough."""
        if best is not None:
            taken = np.zeros(made.cover.n_sites, dtype=bool)
            taken[sites[_with_cheapest(rows, costs, best)]] = True
            _adopt(made, part, taken)
        part.lower = max(part.lower, min(part.upper, _rounded(made, low)))
        effort.tell(made.upper, made.lower)
        over = (decided is not None and decided()) or made.is_close(effort)
        return over or moment or effort.left() <= end

    search_covers(
        Choices(rows, costs, cheapest), part.upper, step_below(part.upper, exact=made.exact),
        effort, limit_s, keep, GLANCE if moment else STEPS_AT_ONCE,
    )  # fmt: skip


def _with_cheapest(
    rows: csr_array, costs: NDArray[np.float64], some: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return some sites with the cheapest one of each row that they miss."""
    picked = some.copy()
    for row in np.flatnonzero(rows @ some == 0):
        mine = rows.indices[rows.indptr[row] : rows.indptr[row + 1]]
        if not picked[mine].any():
            picked[mine[costs[mine].argmin()]] = True
    return picked


def _ask_solver(
    made: Covering, part: Part, effort: Effort, limit_s: float,
    decided: Callable[[], bool] | None,
) -> None:  # fmt: skip
    """Search a part for its cheapest cover by the solver."""
    start = np.isin(part.sites, part.chosen).astype(np.float64)
    rest = made.upper - part.upper, made.lower - part.lower

    def enough(value: float, bound: float) -> bool:
        kept = part.upper, part.lower
        part.upper = min(part.upper, value)
        part.lower = max(part.lower, _rounded(made, bound))
        try:
            return decided is not None and decided()
        finally:
            part.upper, part.lower = kept

    program, goal = _program(made, part, effort), np.inf
    relaxed, left_s = _tightened(program, part, effort, limit_s)
    if relaxed is not None:
        goal = part.upper - step_below(part.upper, exact=made.exact)
        part.lower = max(part.lower, min(part.upper, _rounded(made, relaxed.bound)))
        room = goal - relaxed.bound
        program.fix(np.flatnonzero(relaxed.reduced > room), 0.0)
        program.fix(np.flatnonzero(relaxed.reduced < -room), 1.0)
    outcome = program.search(
        np.arange(len(part.sites)), limit_s=left_s, gap=effort.gap,
        absolute_gap=step_below(part.upper, exact=made.exact), start=start, enough=enough,
        tell=lambda value, bound: effort.tell(rest[0] + value, rest[1] + bound),
    )  # fmt: skip
    low = goal if outcome.end is End.INFEASIBLE else min(outcome.bound, goal)
    part.lower = max(part.lower, _rounded(made, low))
    if outcome.values is not None:
        taken = np.zeros(made.cover.n_sites, dtype=bool)
        taken[part.sites[outcome.values > 0.5]] = True  # noqa: PLR2004
        _adopt(made, part, taken)


def _tightened(
    program: Program, part: Part, effort: Effort, limit_s: float
) -> tuple[Relaxed | None, float]:
    """
    Return the relaxation with what is known of regions, and the seconds left for a search.

    None are left where fewer are than this took: the solver does not look at its time at its root.
    """
    if part.relaxed is None or part.known is None:
        return part.relaxed, limit_s
    before = effort.left()
    relaxed = tighten(program, part.relaxed, part.known, effort, limit_s)
    took = before - effort.left()
    return relaxed, limit_s - took if limit_s - took >= took else 0.0


def _rounded(made: Covering, bound: float) -> float:
    """Return a bound on a part's cost, rounded up where costs are whole."""
    return rounded_up(bound) if made.exact else bound


STEPS = (_bound_by_relaxation, _glance, _walk, _bound_by_regions, _search)
"""What is done to each part, one after the other, until it is proven."""
