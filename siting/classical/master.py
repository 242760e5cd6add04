"""Most elders with what sites cost, or least cost for enough elders: the search behind both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack
from scipy.sparse import eye_array as unit_matrix

from siting.classical.answer import rounded_up, step_below
from siting.classical.classes import Cover, merged_again, undominated_sites
from siting.classical.kernels import exchange, greedy
from siting.classical.pairs import whole
from siting.classical.program import Program
from siting.classical.tiles import tiles_of
from siting.classical.tree import branch, snapped
from siting.solvers import End

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.effort import Effort
    from siting.classical.program import Relaxed
    from siting.classical.tiles import Tiles

__all__ = ["Task", "search"]

ROUNDS = 200
EXCHANGES = 50
HALF = 0.5
SLIP = 1e-6
TINY = 1e-9
SAME = 1e-12
LITTLE = 1e-4
STALLED = 15
TRY_EVERY = 5
FEW_PAIRS = 5_000
"""Pairs of class and site up to which the whole model is handed to the solver at once."""

PAIRS_TO_A_SITE = 20
"""Pairs to a site up to which what is left is handed over whole; denser models are cut."""


@dataclass
class Task:
    """
    A covering problem where elders may stay uncovered, with the best sites and bound so far.

    Attributes
    ----------
    cover, costs
        Classes, and the cost of each site.
    money
        Most that sites may cost, where elders are to be most; infinite else.
    need
        Elders to cover, where cost is to be least; None else.
    exact
        Whether every value is whole.
    chosen
        (n_sites,) the best sites so far.
    low
        Proven: no choice is below it. Of elders, their negative.
    free
        (n_sites,) sites that may still be in a better choice.
    held
        (n_sites,) sites that every better choice has.
    spare
        Number of sites that others make needless.
    """

    cover: Cover
    costs: NDArray[np.float64]
    money: float
    need: float | None
    exact: bool
    chosen: NDArray[np.bool_]
    low: float
    free: NDArray[np.bool_]
    held: NDArray[np.bool_] = field(init=False)
    spare: int = 0

    def __post_init__(self) -> None:
        """Start with no site held."""
        self.held = np.zeros(len(self.costs), dtype=bool)

    @property
    def need_row(self) -> float:
        """Elders that a row asks for: a little fewer than the need, so that no row just holds."""
        weight = self.cover.weight
        return float(self.need or 0.0) - (HALF if whole(weight) else SLIP * float(weight.sum()))

    def elders(self, chosen: NDArray[np.bool_]) -> float:
        """Return the elders that sites cover."""
        return float(self.cover.weight[self.cover.covered(np.flatnonzero(chosen))].sum())

    def value(self, chosen: NDArray[np.bool_]) -> float:
        """Return what is to be least: cost, or the negative of elders."""
        if self.need is None:
            return -self.elders(chosen)
        return float(self.costs[chosen].sum())

    def adopt(self, chosen: NDArray[np.bool_]) -> None:
        """Keep sites where they are allowed and better than the best so far."""
        fits = (
            float(self.costs[chosen].sum()) <= self.money * (1 + SAME)
            if self.need is None
            else self.elders(chosen) >= self.need
        )
        if fits and self.value(chosen) < self.value(self.chosen):
            self.chosen = chosen.copy()

    def raise_bound(self, bound: float) -> None:
        """Keep a bound where it is better than the best so far."""
        self.low = max(self.low, rounded_up(bound) if self.exact else bound)

    def is_close(self, gap: float) -> bool:
        """Return whether the best so far is proven, or within the gap asked for."""
        value = self.value(self.chosen)
        return value - self.low <= max(gap * abs(value), 0.0)


def search(task: Task, effort: Effort) -> None:
    """
    Search until the best is proven or time is over.

    A greedy start is bettered by exchange. Cuts on tiles then bound what can be reached, their
    reduced costs show which sites no better choice has, and what is left is searched whole where
    it is small, else cut again and again.
    """
    before = int(task.free.sum())
    task.free &= undominated_sites(
        task.cover, task.costs, task.free, np.ones(task.cover.n_classes, dtype=bool)
    )
    task.spare = before - int(task.free.sum())
    _improve(task, task.chosen)
    effort.tell(task.value(task.chosen), task.low)
    if task.is_close(effort.gap):
        return
    smaller = merged_again(task.cover, task.free)
    if smaller.by_class.nnz > FEW_PAIRS:
        _relaxed_cuts(task, effort)
    if not task.is_close(effort.gap) and effort.left() > 0:
        _rest(task, effort)


def _improve(task: Task, start: NDArray[np.bool_]) -> None:
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


def _round(task: Task, chosen: NDArray[np.float64]) -> None:
    """Take the sites that the relaxation opens most, as many as money pays for, and exchange."""
    order = np.argsort(-chosen, kind="stable")
    order = order[chosen[order] > SLIP]
    if task.need is None:
        order = order[np.cumsum(task.costs[order]) <= task.money * (1 + SAME)]
    else:
        order = order[chosen[order] > HALF]
    start = np.zeros(len(chosen), dtype=bool)
    start[order] = True
    _improve(task, start)


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
        _round(self.task, chosen)
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


def _rest(task: Task, effort: Effort) -> None:
    """Search what is left: whole where it is small, else by cuts."""
    taken = np.flatnonzero(task.held)
    open_classes = ~task.cover.covered(taken)
    cover = merged_again(task.cover, task.free & ~task.held, open_classes)
    n = int((task.free & ~task.held).sum())
    if cover.by_class.nnz <= max(PAIRS_TO_A_SITE * n, FEW_PAIRS):
        _whole(task, cover, effort)
    else:
        _whole_cuts(task, effort)


def _whole(task: Task, cover: Cover, effort: Effort) -> None:
    """Search sites and classes in one model; classes need not be whole numbers."""
    sites = np.flatnonzero(task.free & ~task.held)
    held = np.flatnonzero(task.held)
    base = float(task.cover.weight[task.cover.covered(held)].sum())
    spent = float(task.costs[held].sum())
    n, m = len(sites), cover.n_classes
    unit = max(float(task.cover.weight.sum()) / 1000.0, 1e-12)
    weight = cover.weight / unit
    zero = np.zeros(m)
    if task.need is None:
        cost, row = (
            np.concatenate([np.zeros(n), -weight]),
            np.concatenate([task.costs[sites], zero]),
        )
        side, scale, fixed = (-np.inf, task.money - spent), unit, -base
    else:
        cost, row = np.concatenate([task.costs[sites], zero]), np.concatenate([np.zeros(n), weight])
        side, scale, fixed = ((task.need_row - base) / unit, np.inf), 1.0, spent
    program = Program(cost, np.zeros(n + m), np.ones(n + m), effort)
    program.add(csr_array(row[None, :]), np.array([side[0]]), np.array([side[1]]))
    links = hstack([-cover.by_class[:, sites], unit_matrix(m, format="csr")], format="csr")
    program.add(csr_array(links), np.full(m, -np.inf), np.zeros(m))
    chosen = task.chosen[sites].astype(np.float64)
    start = np.concatenate([chosen, np.minimum(cover.by_class[:, sites] @ chosen, 1.0)])
    value = task.value(task.chosen)
    close = step_below(value, exact=task.exact) / scale
    outcome = program.search(
        np.arange(n), limit_s=effort.left(), gap=effort.gap, absolute_gap=close, start=start,
        tell=lambda best, bound: effort.tell(best * scale + fixed, bound * scale + fixed),
    )  # fmt: skip
    if outcome.values is not None:
        picked = task.held.copy()
        picked[sites[outcome.values[:n] > HALF]] = True
        task.adopt(picked)
    _conclude(task, outcome.end, outcome.bound * scale + fixed, value)


def _conclude(task: Task, end: End, bound: float, value: float) -> None:
    """
    Keep the bound of a search of what was left.

    Sites were ruled out because no choice with them is better than the best then known: the bound
    on all choices is the lesser of that best's value and the bound of the search.
    """
    if end is End.INFEASIBLE:
        task.raise_bound(value - step_below(value, exact=task.exact))
    elif np.isfinite(bound):
        task.raise_bound(min(bound, value))


def _whole_cuts(task: Task, effort: Effort) -> None:
    """Branch on sites, with cuts on tiles."""
    cover = merged_again(task.cover, task.free)
    master = _Master(task, tiles_of(cover), effort)
    master.program.fix(np.flatnonzero(task.held), 1.0)
    branch(master, cover.n_sites, effort)
