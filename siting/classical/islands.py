"""Walks of exchanges from several plans, and what two plans differ in searched for the best mix."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array, diags_array

from siting.classical.anneal_kernels import Lists, anneal
from siting.classical.exchanges import improve
from siting.classical.left import Left

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from siting.classical.effort import Effort
    from siting.classical.task import Task

    Sites = NDArray[np.bool_]

__all__ = ["walk_islands"]

ISLANDS, FIRST = 8, 16
"""Plans that are bettered side by side, and walks from which they are made."""

TOUCHES, A_STEP = 1.2e8, 20.0
"""How long a walk is, in touches of classes, and what a step costs beside them, in touches."""

HOT, WARM, COLD = 0.08, 0.03, 0.0008
"""Loss kept with a chance of 1/e at first, later on, and at the end: shares of a site's elders."""

MEETING, PATIENCE = 4, 6
"""After how many rounds islands are mixed; rounds without a better plan until the search ends."""

A_MIX_S = 1.0
"""Seconds for one mix at the most."""

PAIRS = 2e7
"""Pairs of sites that share a class from which on they are not listed."""


def walk_islands(task: Task, effort: Effort, limit_s: float, wide: float, price: float) -> None:
    """
    Better the best sites by walks, each walk's end mixed with the plan that it set out from.

    A mix keeps what two plans have in common and is the best choice of what they differ in.

    Parameters
    ----------
    task
        The problem, of most elders; better sites are kept there.
    effort
        Time, gap, threads and seed.
    limit_s
        Seconds.
    wide
        Gap, after the first walks, from which on it is worth while to go on.
    price
        Elders that one unit of money stands for.

    References
    ----------
    Aggarwal, Orlin & Tai (1997): optimized crossover. Rothberg (2007): mixing by a solver.
    """
    search = _Islands.of(task, effort, effort.left() - limit_s, price)
    with ThreadPoolExecutor(effort.threads) as pool:
        ends = list(search.walked(pool, [task.chosen] * FIRST, HOT))
        ends.sort(key=task.elders, reverse=True)
        islands = ends[:ISLANDS]
        search.keep(islands)
        if task.is_close(wide):
            return
        for k, other in enumerate(ends[ISLANDS:]):
            islands[k % ISLANDS] = search.mixed(islands[k % ISLANDS], other)
        idle, turn = 0, 0
        while idle < PATIENCE and not search.is_over():
            turn += 1
            for k, other in enumerate(search.walked(pool, list(islands), WARM)):
                islands[k] = search.mixed(islands[k], other)
            if turn % MEETING == 0:
                search.meet(islands)
            idle = 0 if search.keep(islands) else idle + 1


class _Islands(NamedTuple):
    """
    What walks and mixes share.

    Attributes
    ----------
    task, effort, end
        The problem, time and threads, and the seconds that are to be left.
    walk
        The kernel, told all but where a walk sets out, its heat and its seed.
    share
        Elders of a site.
    chance
        Of which islands meet, and of the seeds of walks.
    """

    task: Task
    effort: Effort
    end: float
    walk: partial[Sites]
    share: float
    chance: np.random.Generator

    @classmethod
    def of(cls, task: Task, effort: Effort, end: float, price: float) -> _Islands:
        """Return what walks need; where all sites cost the same, money needs no price."""
        alike = float(np.ptp(task.costs)) == 0.0
        columns = task.cover.by_site
        steps = int(TOUCHES / (A_STEP + 2.0 * columns.nnz / columns.shape[0]))
        share = task.elders(task.chosen) / max(int(task.chosen.sum()), 1)
        walk = partial(
            anneal, _lists(task), may=task.free & ~task.held, money=task.money,
            price=0.0 if alike else price, steps=steps, cold=COLD * share,
        )  # fmt: skip
        return cls(task, effort, end, walk, share, np.random.default_rng(effort.seed))

    def is_over(self) -> bool:
        """Return whether time is over or the best is good enough."""
        return self.effort.left() <= self.end or self.task.is_close(self.effort.gap)

    def walked(self, pool: ThreadPoolExecutor, plans: list[Sites], hot: float) -> Iterator[Sites]:
        """Return where walks from plans end, as many at once as there are threads."""
        for first in range(0, len(plans), self.effort.threads):
            if first and self.is_over():
                return
            some = plans[first : first + self.effort.threads]
            seeds = self.chance.integers(1 << 40, size=len(some))
            yield from pool.map(
                lambda plan, seed: self.walk(chosen=plan, hot=hot * self.share, seed=seed),
                some, seeds,
            )  # fmt: skip

    def mixed(self, one: Sites, other: Sites) -> Sites:
        """Return the best choice of sites between two plans."""
        task, differ = copy(self.task), one ^ other
        better = task.elders(one) >= task.elders(other)
        task.chosen = (one if better else other).copy()
        limit = min(A_MIX_S, self.effort.left() - self.end)
        if differ.any() and limit > 0:
            left = Left.of(task, differ & task.free, task.held | (one & other))
            left.search(self.effort, limit, 0.0, tells=False)
        return task.chosen

    def meet(self, islands: list[Sites]) -> None:
        """Mix each island with another one."""
        for k, other in enumerate(self.chance.integers(len(islands), size=len(islands)).tolist()):
            islands[k] = self.mixed(islands[k], islands[other])

    def keep(self, islands: list[Sites]) -> bool:
        """Keep the best island; return whether it is better than what was known."""
        before = self.task.value(self.task.chosen)
        improve(self.task, max(islands, key=self.task.elders))
        now = self.task.value(self.task.chosen)
        self.effort.tell(now, self.task.low)
        return now < before


def _lists(task: Task) -> Lists:
    """Return classes and sites as walks need them."""
    rows, columns, weight = task.cover.by_class, task.cover.by_site, task.cover.weight
    start, near = columns.indptr.astype(np.int64), np.zeros(len(task.costs) + 1, np.int64)
    parts = rows.indptr.astype(np.int64), rows.indices, start, columns.indices, weight, task.costs
    if (np.diff(rows.indptr).astype(float) ** 2).sum() > PAIRS:
        return Lists(*parts, near, np.empty(0, np.int32), np.empty(0))
    shared = csr_array(columns.astype(float) @ diags_array(weight) @ rows.astype(float))
    shared.sort_indices()
    return Lists(*parts, shared.indptr.astype(np.int64), shared.indices, shared.data)
