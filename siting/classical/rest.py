"""A covering problem of middling size: its relaxation, windows, regions, and a search of it all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from siting.classical.anneal_kernels import anneal
from siting.classical.cover_tree import fits
from siting.classical.exchanges import improve, rounded
from siting.classical.left import Left, keep_bound
from siting.classical.region_costs import Priced
from siting.classical.split import split_bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.effort import Effort
    from siting.classical.program import Relaxed
    from siting.classical.task import Task

__all__ = ["settle"]

A_STEP = 20.0
"""What a step of a walk costs beside the classes that it touches, in touches."""

WALKS, COLD = ((8, 0.08, 2.5e8), (8, 0.08, 5e8), (4, 0.03, 5e8)), 0.0008
"""
Rounds of walks of exchanges: how many, the loss kept with a chance of 1/e at first, and touches.

Losses are shares of a site's elders; at last that of all walks is ``COLD``. The last round starts
from the best, those before where the first did.
"""

WIDE = 0.005
"""Gap from which there is more than one round of walks, and windows after them."""

MANY = 1000
"""Seeds of one call at the most."""

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

SHARE, A_SHARE = 0.3, 0.1
"""Share of the time left that walks may take, and of what is then left that windows may."""


def settle(task: Task, effort: Effort) -> None:
    """
    Search until the best is proven or time is over.

    The relaxation rules sites out. What few pairs are left go to the solver at once; of more,
    windows better the best sites and regions the bound before.

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
        _anneal(task, effort, SHARE * effort.left())
        if task.need is not None or not task.is_close(WIDE):
            search_windows(task, effort, A_SHARE * effort.left())
        left.rule_out(relaxed)
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
        gone = len(left.sites) - int((task.free & ~task.held).sum())
        if gone <= FEW_GONE * len(left.sites):
            return left, relaxed


def _anneal(task: Task, effort: Effort, limit_s: float) -> None:
    """Better the best sites by walks of exchanges, as many at once as there are threads."""
    if task.need is not None:
        return
    rows, columns = task.cover.by_class, task.cover.by_site
    lists = (
        rows.indptr.astype(np.int64), rows.indices, columns.indptr.astype(np.int64),
        columns.indices, task.cover.weight, task.costs,
    )  # fmt: skip
    may, share = task.free & ~task.held, task.elders(task.chosen) / max(task.chosen.sum(), 1)
    a_step = A_STEP + 2.0 * columns.nnz / columns.shape[0]
    first, end, walk = task.chosen.copy(), effort.left() - limit_s, 0
    with ThreadPoolExecutor(effort.threads) as pool:
        for turn, (walks, hot, touches) in enumerate(WALKS):
            if turn and task.is_close(WIDE):
                return
            start = first if turn < len(WALKS) - 1 else task.chosen.copy()
            walked = partial(
                anneal, *lists, start, may, task.money, int(touches / a_step), hot * share,
                COLD * share,
            )  # fmt: skip
            for done in range(0, walks, effort.threads):
                if effort.left() <= end or task.is_close(effort.gap):
                    return
                some = min(effort.threads, walks - done)
                for each in pool.map(walked, [MANY * effort.seed + walk + k for k in range(some)]):
                    improve(task, each)
                walk += some
                effort.tell(task.value(task.chosen), task.low)


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
