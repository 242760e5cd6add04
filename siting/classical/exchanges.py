"""Sites completed greedily, exchanged and thinned out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from siting.classical.kernels import exchange, greedy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.task import Task

__all__ = ["improve", "rounded"]

EXCHANGES = 50
HALF = 0.5
SLIP = 1e-6
SAME = 1e-12


def improve(task: Task, start: NDArray[np.bool_]) -> None:
    """Complete sites greedily, exchange, and keep the best."""
    cover = task.cover
    rows, columns = cover.by_class, cover.by_site
    parts = (rows.indptr, rows.indices, columns.indptr, columns.indices)
    money = task.money if task.need is None else np.inf
    full = _completed(task, start)
    if task.need is not None:
        task.adopt(full)
        full = _thinned(task, full)
        money = float(task.costs[full].sum())
    task.adopt(full)
    best = exchange(
        *parts, cover.weight, task.costs, task.free, money, full, EXCHANGES
    )  # fmt: skip
    task.adopt(_completed(task, best) if task.need is None else _thinned(task, best))


def _completed(task: Task, start: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return sites with more taken greedily, as far as money goes or need asks."""
    cover = task.cover
    rows, columns = cover.by_class, cover.by_site
    done = cover.covered(np.flatnonzero(start))
    spent, reached = float(task.costs[start].sum()), float(cover.weight[done].sum())
    more = greedy(
        rows.indptr, rows.indices, columns.indptr, columns.indices,
        np.where(done, 0.0, cover.weight), task.costs, task.free & ~start, task.money - spent,
        np.inf if task.need is None else task.need - reached,
    )  # fmt: skip
    return np.asarray(start | more)


def _thinned(task: Task, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return sites without those that the elders needed do not need, least loss first."""
    columns, weight = task.cover.by_site, task.cover.weight
    left = chosen.copy()
    while True:
        open_sites = np.flatnonzero(left)
        count = np.zeros(task.cover.n_classes)
        for each in open_sites.tolist():
            count[columns.indices[columns.indptr[each] : columns.indptr[each + 1]]] += 1
        only = csr_array(columns[open_sites]) @ np.where(count == 1, weight, 0.0)
        room = float(weight[count > 0].sum()) - float(task.need or 0.0)
        if not len(only) or only.min() > room:
            return left
        left[open_sites[int(only.argmin())]] = False


def rounded(task: Task, chosen: NDArray[np.float64]) -> None:
    """Take the sites that the relaxation opens most, as many as money pays for, and exchange."""
    order = np.argsort(-chosen, kind="stable")
    order = order[chosen[order] > SLIP]
    if task.need is None:
        order = order[np.cumsum(task.costs[order]) <= task.money * (1 + SAME)]
    else:
        order = order[chosen[order] > HALF]
    start = np.zeros(len(chosen), dtype=bool)
    start[order] = True
    improve(task, start)
