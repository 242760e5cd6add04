"""A covering problem of middling size: walks or windows, regions, and a search of it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from siting.classical.cover_tree import fits
from siting.classical.exchanges import rounded
from siting.classical.islands import walk_islands
from siting.classical.left import Left, keep_bound
from siting.classical.region_costs import Priced
from siting.classical.split import split_bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.effort import Effort
    from siting.classical.program import Relaxed
    from siting.classical.task import Task

__all__ = ["settle"]

WIDE = 0.005
"""Gap from which on walks are mixed."""

A_WINDOW, LEAST_WINDOW = 100, 10
"""Sites of the first window, and the fewest of any."""

A_WINDOW_S = 4.0
SOON = 0.1
"""Share of a window's time below which the next one is larger."""

WIDER, NARROWER = 1.2, 0.7
ROUNDS = 3
"""Windows that bring nothing until the search of windows ends, counted in rounds of all sites."""

EASY_PAIRS_TO_A_SITE, EASY_PAIRS = 10, 5_000
"""Pairs, in all or to a site, up to which the solver is asked at once."""

FEW_GONE = 0.05
"""Share of sites that a relaxation has to rule out for another one to be solved."""

WALKING, WINDOWS = 0.2, 0.1
"""Share of the time left that walks may take, and that windows may."""


def settle(task: Task, effort: Effort) -> None:
    """
    Search until the best is proven or time is over.

    The relaxation rules sites out. What few pairs are left go to the solver at once; of more, the
    best sites are bettered before, by walks where elders are to be most and by windows where cost
    is to be least, and the bound by regions.

    Parameters
    ----------
    task
        The problem; better sites and bounds are kept there.
    effort
        Time, gap, threads and seed.
    """
    left, relaxed = _relaxed(task, effort)
    pairs, n_sites = left.cover.by_class.nnz, len(left.sites)
    is_easy = pairs <= max(EASY_PAIRS_TO_A_SITE * n_sites, EASY_PAIRS)
    is_easy |= task.need is None and fits(left.cover.n_classes, n_sites)
    if relaxed is not None and not is_easy:
        if task.need is None:
            price = -min(float(relaxed.duals[0]), 0.0) * left.scale
            walk_islands(task, effort, WALKING * effort.left(), WIDE, price)
        else:
            search_windows(task, effort, WINDOWS * effort.left())
        left.rule_out(relaxed)
        if _gone(left) > FEW_GONE:
            left, relaxed = _relaxed(task, effort)
        if relaxed is not None:
            bound_by_regions(left, relaxed, effort)
    if not task.is_close(effort.gap) and effort.left() > 0:
        left.settle(effort, relaxed)


def _relaxed(task: Task, effort: Effort) -> tuple[Left, Relaxed | None]:
    """Relax what is left and rule sites out by it, until few go; None where it has no values."""
    while True:
        left = Left.of(task, task.free, task.held)
        relaxed = left.program(effort).relax(effort.left(), interior=True)
        if relaxed is None:
            return left, None
        keep_bound(task, relaxed.bound * left.scale + left.fixed, task.value(task.chosen))
        values = task.held.astype(np.float64)
        values[left.sites] = relaxed.values[: len(left.sites)]
        rounded(task, values)
        left.rule_out(relaxed)
        if _gone(left) <= FEW_GONE:
            return left, relaxed


def _gone(left: Left) -> float:
    """Return the share of what was left that was ruled out, or held, since."""
    still = int((left.task.free & ~left.task.held).sum())
    return (len(left.sites) - still) / max(len(left.sites), 1)


def search_windows(task: Task, effort: Effort, limit_s: float) -> None:
    """
    Better the best sites by searching windows of neighbours, the sites around them as they are.

    Every other window lies around two places, so that sites may go from one to the other.

    Windows grow while they are searched soon, and shrink where time runs out. The search ends once
    windows over all sites, some times over, have brought nothing.

    Parameters
    ----------
    task
        The problem; better sites are kept there.
    effort
        Time, threads and seed.
    limit_s
        Seconds.
    """
    free = np.flatnonzero(task.free & ~task.held)
    chance = np.random.default_rng(effort.seed)
    end, size, idle, turn = effort.left() - limit_s, float(A_WINDOW), 0.0, 0
    while effort.left() > end and idle < ROUNDS and len(free) and not task.is_close(effort.gap):
        size = min(max(size, LEAST_WINDOW), len(free))
        centres = chance.choice(free, 1 + turn % 2)
        inside = _window(task, centres, int(size))
        before, begun = task.value(task.chosen), effort.left()
        left = Left.of(task, inside, task.held | (task.chosen & ~inside))
        limit = min(A_WINDOW_S, effort.left() - end)
        left.search(effort, limit, 0.0, tells=False)
        effort.tell(task.value(task.chosen), task.low)
        took = begun - effort.left()
        turn += 1
        idle = 0.0 if task.value(task.chosen) < before else idle + size / len(free)
        size *= WIDER if took < SOON * A_WINDOW_S else NARROWER if took >= limit else 1.0


def _window(task: Task, centres: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """Return so many sites around some, nearest first by steps over shared classes."""
    rows, columns = task.cover.by_class, task.cover.by_site
    inside = np.zeros(task.cover.n_sites, dtype=bool)
    may = task.free & ~task.held
    inside[centres] = True
    edge = centres
    while len(edge) and (room := size - int(inside.sum())) > 0:
        shared = np.asarray(rows[np.unique(columns[edge].indices)].sum(axis=0)).ravel()
        near = np.flatnonzero((shared > 0) & may & ~inside)
        edge = near[np.argsort(-shared[near], kind="stable")[:room]]
        inside[edge] = True
    return inside


def bound_by_regions(left: Left, relaxed: Relaxed, effort: Effort) -> None:
    """
    Raise the bound region by region, in ever larger regions as long as there is time.

    The row of money or elders is priced by its dual in the relaxation; what remains falls into
    regions as in ``split_bound``.

    Parameters
    ----------
    left
        What is left; the bound is kept in its task.
    relaxed
        Its relaxation.
    effort
        Time, threads and seed.
    """
    cost, row, side = left.terms()
    price, duals = min(float(relaxed.duals[0]), 0.0), relaxed.duals[1:]
    priced = cost - price * row
    task, n = left.task, len(left.sites)
    value = task.value(task.chosen)

    def told(low: float) -> bool:
        """Keep a bound of the regions; return whether it is enough."""
        total = (low + price * side) * left.scale + left.fixed
        keep_bound(task, total, value)
        effort.tell(value, task.low)
        return task.is_close(effort.gap)

    goal = (value - left.fixed) / left.scale - price * side
    limit = Priced(row[:n], side, -price) if task.need is None else None
    split_bound(
        left.rows(), priced[:n], duals, effort, effort.left(), goal, told, losses=priced[n:],
        limit=limit,
    )  # fmt: skip
