"""Most elders with what sites cost, or least cost for enough elders: the search behind both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack
from scipy.sparse import eye_array as unit_matrix

from siting.classical.answer import step_below
from siting.classical.classes import merged_again, undominated_sites
from siting.classical.exchanges import improve, rounded
from siting.classical.left import Left
from siting.classical.program import Program
from siting.classical.rest import settle
from siting.classical.tiles import tiles_of
from siting.classical.tree import branch, snapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.effort import Effort
    from siting.classical.program import Relaxed
    from siting.classical.task import Task
    from siting.classical.tiles import Tiles

__all__ = ["search"]

ROUNDS = 200
HALF = 0.5
SLIP = 1e-6
TINY = 1e-9
LITTLE = 1e-4
STALLED = 15
TRY_EVERY = 5
MOST_PAIRS = 300_000
"""Pairs of class and site up to which one model holds them all; more are gathered by tiles."""

PAIRS_TO_A_SITE = 20
"""Pairs to a site up to which what is left is handed over whole; denser models are cut."""


def search(task: Task, effort: Effort) -> None:
    """
    Search until the best is proven or time is over.

    A greedy start is bettered by exchange. Of large problems cuts on tiles then bound what can be
    reached, and their reduced costs show which sites no better choice has. What is left is searched
    in one model where that is of middling size or sparse, else cut again and again.
    """
    before = int(task.free.sum())
    task.free &= undominated_sites(
        task.cover, task.costs, task.free, np.ones(task.cover.n_classes, dtype=bool)
    )
    task.spare = before - int(task.free.sum())
    improve(task, task.chosen)
    effort.tell(task.value(task.chosen), task.low)
    if task.is_close(effort.gap):
        return
    if merged_again(task.cover, task.free).by_class.nnz > MOST_PAIRS:
        _relaxed_cuts(task, effort)
    if task.is_close(effort.gap) or effort.left() <= 0:
        return
    left = Left.of(task, task.free, task.held)
    if left.cover.by_class.nnz <= MOST_PAIRS:
        settle(task, effort)
    elif left.cover.by_class.nnz <= PAIRS_TO_A_SITE * len(left.sites):
        left.settle(effort, None)
    else:
        _whole_cuts(task, effort)


def _relaxed_cuts(task: Task, effort: Effort) -> None:
    """Bound by cuts on tiles, round, and rule sites out, until little changes."""
    cover = merged_again(task.cover, task.free)
    master = _Master(task, tiles_of(cover), effort)
    core = task.chosen.astype(np.float64)
    last, stalled, relaxed = -np.inf, 0, None
    for turn in range(ROUNDS):
        if effort.left() <= 0 or task.is_close(effort.gap):
            return
        new = master.relax(effort)
        if new is None:
            break
        relaxed = new
        chosen, claimed = relaxed.values[: cover.n_sites], relaxed.values[cover.n_sites :]
        if turn % TRY_EVERY == 0:
            master.try_sites(chosen)
        added = master.cut(HALF * (chosen + core), claimed) or master.cut(chosen, claimed)
        core = HALF * (core + chosen)
        stalled = stalled + 1 if relaxed.bound - last < LITTLE * abs(last) else 0
        last = max(last, relaxed.bound)
        if not added or stalled > STALLED:
            break
    if relaxed is not None:
        master.try_sites(relaxed.values[: cover.n_sites])
        master.rule_out(relaxed)


class _Master:
    """Sites and tiles, and the cuts between them; all in units of a thousandth of the elders."""

    def __init__(self, task: Task, tiles: Tiles, effort: Effort) -> None:
        self.task, self.tiles, self.effort = task, tiles, effort
        n = tiles.cover.n_sites
        self.unit = max(float(tiles.cover.weight.sum()) / 1000.0, 1e-12)
        gain = tiles.alone / self.unit
        if task.need is None:
            cost = np.concatenate([-gain, -np.ones(tiles.n)])
        else:
            cost = np.concatenate([task.costs, np.zeros(tiles.n)])
        high = np.concatenate([task.free.astype(np.float64), tiles.most / self.unit])
        self.program = Program(cost, np.zeros(n + tiles.n), high, effort)
        if task.need is None:
            row = np.concatenate([task.costs, np.zeros(tiles.n)])
            side = (-np.inf, task.money)
        else:
            row = np.concatenate([gain, np.ones(tiles.n)])
            side = (task.need_row / self.unit, np.inf)
        self.program.add(csr_array(row[None, :]), np.array([side[0]]), np.array([side[1]]))
        self.cut(task.chosen.astype(np.float64), None)

    @property
    def scale(self) -> float:
        """What one unit of the objective is worth."""
        return self.unit if self.task.need is None else 1.0

    def cut(self, chosen: NDArray[np.float64], claimed: NDArray[np.float64] | None) -> int:
        """Add the cuts that are violated, ever so little where sites are whole; return how many."""
        slip = TINY if (chosen == np.rint(chosen)).all() else SLIP
        wrong, terms, side = self.tiles.cuts(
            chosen, None if claimed is None else claimed * self.unit, slip * self.unit
        )
        tile = csr_array(unit_matrix(self.tiles.n, format="csr"))[wrong]
        rows = csr_array(hstack([terms / -self.unit, tile], format="csr"))
        self.program.add(rows, np.full(len(wrong), -np.inf), side / self.unit)
        return len(wrong)

    def relax(self, effort: Effort) -> Relaxed | None:
        """Solve the relaxation and keep its bound."""
        relaxed = self.program.relax(effort.left())
        if relaxed is not None:
            self.task.raise_bound(relaxed.bound * self.scale)
        return relaxed

    def cut_at(self, relaxed: Relaxed) -> int:
        """Add the cuts that the relaxation violates; return how many."""
        n = self.tiles.cover.n_sites
        return self.cut(snapped(relaxed.values[:n]), relaxed.values[n:])

    def try_sites(self, chosen: NDArray[np.float64]) -> None:
        """Take the sites that the relaxation opens most, complete them, and exchange."""
        rounded(self.task, chosen)
        self.effort.tell(self.task.value(self.task.chosen), self.task.low)

    def goal(self) -> float:
        """Return the value, as the program counts, at which a node holds nothing better."""
        value = self.task.value(self.task.chosen)
        return (value - step_below(value, exact=self.task.exact)) / self.scale

    def is_over(self, bound: float) -> bool:
        """Return whether the best is within the gap asked for if this bounds all that is left."""
        value = self.task.value(self.task.chosen)
        apart = value - bound * self.scale
        return bound >= self.goal() or apart <= self.effort.gap * abs(value)

    def keep_bound(self, bound: float) -> None:
        """Keep a bound on what is left: what was ruled out is no better than the goal."""
        self.task.raise_bound(min(bound, self.goal()) * self.scale)
        self.effort.tell(self.task.value(self.task.chosen), self.task.low)

    def rule_out(self, relaxed: Relaxed) -> None:
        """Rule out sites, or hold them, where the bound shows that no better choice differs."""
        task, n = self.task, self.tiles.cover.n_sites
        room = self.goal() - relaxed.bound
        reduced = relaxed.reduced[:n]
        task.free &= ~(reduced > room)
        task.held |= (reduced < -room) & task.free


def _whole_cuts(task: Task, effort: Effort) -> None:
    """Branch on sites, with cuts on tiles."""
    cover = merged_again(task.cover, task.free)
    master = _Master(task, tiles_of(cover), effort)
    master.program.fix(np.flatnonzero(task.held), 1.0)
    branch(master, cover.n_sites, effort)
