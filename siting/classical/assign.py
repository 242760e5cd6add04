"""The capacitated model with each point at one site, as one model: links as they are needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack

from siting.classical.answer import rounded_up, step_below
from siting.classical.pairs import whole
from siting.classical.program import Program
from siting.solvers import End

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.effort import Effort
    from siting.classical.pairs import Pairs
    from siting.classical.program import Relaxed

__all__ = ["Task", "search"]

ALL_LINKS = 30_000
"""Pairs up to which every link between a share and its site stands from the start."""

ROUNDS = 60
HALF = 0.5
TINY = 1e-9
NEARLY = 1e-6
LITTLE = 1e-5
SLIP = 1e-7


@dataclass
class Task:
    """
    A capacitated problem, each point at one site, with the best flow and bound so far.

    Attributes
    ----------
    pairs
        Sites and the points with elders that they reach.
    elders
        (n,) elders of each point, above 0.
    room, prices
        (n_sites,) elders that each site can hold, and its cost.
    flow
        Elders of each pair in the best answer so far; None before there is one.
    low
        Proven: no answer is below it.
    is_infeasible
        Whether it is proven that there is no answer.
    """

    pairs: Pairs
    elders: NDArray[np.float64]
    room: NDArray[np.float64]
    prices: NDArray[np.float64]
    flow: NDArray[np.float64] | None = None
    low: float = 0.0
    is_infeasible: bool = False
    site: NDArray[np.int64] = field(init=False)
    exact: bool = field(init=False)

    def __post_init__(self) -> None:
        """Note the site of each pair, and whether every value is whole."""
        self.site = np.repeat(np.arange(self.pairs.n_sites), np.diff(self.pairs.start))
        self.exact = whole(self.elders, self.room, self.prices, self.pairs.metres)

    @property
    def way(self) -> NDArray[np.float64]:
        """Cost of the way of all elders of a point, for each pair."""
        return self.elders[self.pairs.demand] * self.pairs.metres

    def value(self, flow: NDArray[np.float64]) -> float:
        """Return the cost of sites that serve someone, and of the way to them."""
        served = np.bincount(self.site, weights=flow, minlength=self.pairs.n_sites) > 0
        return float(self.prices[served].sum() + flow @ self.pairs.metres)

    @property
    def best(self) -> float:
        """Value of the best answer so far; infinite before there is one."""
        return np.inf if self.flow is None else self.value(self.flow)

    def raise_bound(self, bound: float) -> None:
        """Keep a bound where it is better than the best so far."""
        self.low = max(self.low, rounded_up(bound) if self.exact else bound)

    def adopt(self, shares: NDArray[np.float64]) -> None:
        """Keep shares, made whole, where they fit and are better than the best so far."""
        flow = np.where(shares > HALF, self.elders[self.pairs.demand], 0.0)
        load = np.bincount(self.site, weights=flow, minlength=self.pairs.n_sites)
        served = np.bincount(self.pairs.demand, weights=flow, minlength=len(self.elders))
        fits = np.allclose(served, self.elders, rtol=TINY, atol=0.0)
        if fits and (load <= self.room * (1 + TINY)).all() and self.value(flow) < self.best:
            self.flow = flow


def search(task: Task, effort: Effort) -> None:
    """
    Search until the best is proven or time is over.

    The relaxation is solved with the links that it violates added round by round; its open sites,
    rounded, give a first answer. Then sites and shares are searched as whole numbers.
    """
    model = _Model(task, effort)
    relaxed = _linked(model, effort)
    if task.is_infeasible:
        return
    if relaxed is not None:
        _try_rounded(model, relaxed, effort)
    effort.tell(task.best, task.low)
    if task.best - task.low <= effort.gap * task.best or effort.left() <= 0:
        return
    if relaxed is not None and task.flow is not None:
        _rule_out(model, relaxed)
    _whole(model, effort)


class _Model:
    """Sites first, then the share of each pair."""

    def __init__(self, task: Task, effort: Effort) -> None:
        self.task = task
        n, m = task.pairs.n_sites, len(task.site)
        self.n, self.m = n, m
        total = float(task.prices.sum()) + float(task.way.max(initial=0.0))
        self.unit = max(total / 1000.0, 1e-12)
        cost = np.concatenate([task.prices, task.way]) / self.unit
        self.program = Program(cost, np.zeros(n + m), np.ones(n + m), effort)
        self.most = np.minimum(1.0, task.room[task.site] / task.elders[task.pairs.demand])
        self.linked = np.zeros(m, dtype=bool)
        self._first_rows()
        if m <= ALL_LINKS:
            self.link(np.arange(m))

    def _first_rows(self) -> None:
        """Add that points are served, sites not overfull, and the open ones can hold all elders."""
        task, n, m = self.task, self.n, self.m
        every, count = np.arange(m), len(task.elders)
        points = csr_array((np.ones(m), (task.pairs.demand, n + every)), shape=(count, n + m))
        self.program.add(points, np.ones(count), np.ones(count))
        load = csr_array((task.elders[task.pairs.demand], (task.site, every)), shape=(n, m))
        full = csr_array((-task.room, (np.arange(n), np.arange(n))), shape=(n, n))
        self.program.add(
            csr_array(hstack([full, load], format="csr")), np.full(n, -np.inf), np.zeros(n)
        )
        hold = np.concatenate([task.room, np.zeros(m)])
        asked = np.array([float(task.elders.sum())])
        self.program.add(csr_array(hold[None, :]), asked, np.array([np.inf]))

    def link(self, pairs: NDArray[np.int64]) -> None:
        """Add that a share is no more than its site is open."""
        k = np.arange(len(pairs))
        rows = csr_array(
            (
                np.concatenate([np.ones(len(pairs)), -self.most[pairs]]),
                (np.concatenate([k, k]), np.concatenate([self.n + pairs, self.task.site[pairs]])),
            ),
            shape=(len(pairs), self.n + self.m),
        )
        rows.sort_indices()
        self.program.add(rows, np.full(len(pairs), -np.inf), np.zeros(len(pairs)))
        self.linked[pairs] = True

    def missing(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the pairs whose link is violated and not there yet."""
        over = values[self.n :] - self.most * values[: self.n][self.task.site]
        return np.flatnonzero((over > LITTLE) & ~self.linked)


def _linked(model: _Model, effort: Effort) -> Relaxed | None:
    """Solve the relaxation, adding links that it violates; return the last answer."""
    task, relaxed = model.task, None
    for _ in range(ROUNDS):
        new = model.program.relax(effort.left() / 2)
        if new is None:
            task.is_infeasible = relaxed is None and model.program.is_infeasible
            break
        relaxed = new
        task.raise_bound(relaxed.bound * model.unit)
        effort.tell(task.best, task.low)
        missing = model.missing(relaxed.values)
        if not relaxed.proven or not len(missing) or effort.left() <= 0:
            break
        model.link(missing)
    return relaxed


def _try_rounded(model: _Model, relaxed: Relaxed, effort: Effort) -> None:
    """Open the sites that the relaxation opens most, more and more, and serve from them."""
    task, n = model.task, model.n
    order = np.argsort(-relaxed.values[:n], kind="stable")
    enough = int(np.searchsorted(np.cumsum(task.room[order]), task.elders.sum())) + 1
    used = int((relaxed.values[:n] > NEARLY).sum())
    mostly = int((relaxed.values[:n] > HALF).sum())
    for count in sorted({max(enough, mostly), max(enough, used), n}):
        opened = np.zeros(n)
        opened[order[:count]] = 1.0
        shares = _served(model, opened, effort)
        if shares is None:
            continue
        task.adopt(_gathered(task, shares))
        if task.flow is not None:
            return


def _served(
    model: _Model, opened: NDArray[np.float64], effort: Effort
) -> NDArray[np.float64] | None:
    """Return the cheapest shares from given sites; None where they cannot serve all."""
    every = np.arange(model.n)
    model.program.set_ends(every, opened, opened)
    relaxed = model.program.relax(effort.left() / 4)
    model.program.set_ends(every, np.zeros(model.n), np.ones(model.n))
    if relaxed is None or not relaxed.proven:
        return None
    return relaxed.values[model.n :]


def _gathered(task: Task, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return shares with each point at one site: largest first, where most of it was and fits."""
    room = task.room.copy()
    by_point = csr_array(
        (np.arange(len(shares)) + 1, (task.pairs.demand, task.site)),
        shape=(len(task.elders), task.pairs.n_sites),
    )
    whole_shares = np.zeros(len(shares))
    for point in np.argsort(-task.elders, kind="stable").tolist():
        mine = by_point.data[by_point.indptr[point] : by_point.indptr[point + 1]] - 1
        order = mine[np.lexsort((task.pairs.metres[mine], -shares[mine]))]
        fits = order[room[task.site[order]] >= task.elders[point]]
        if len(fits):
            whole_shares[fits[0]] = 1.0
            room[task.site[fits[0]]] -= task.elders[point]
        else:
            return np.zeros(len(shares))
    return whole_shares


def _rule_out(model: _Model, relaxed: Relaxed) -> None:
    """
    Close sites, or hold them open, where the relaxation shows that no better answer differs.

    Links of shares whose reduced cost leaves them in play are added, so that the search bounds well
    from its start.
    """
    task, n = model.task, model.n
    room = task.best / model.unit - relaxed.bound + SLIP
    reduced = relaxed.reduced[:n]
    closed = reduced > room
    model.program.fix(np.flatnonzero(closed), 0.0)
    model.program.fix(np.flatnonzero(reduced < -room), 1.0)
    in_play = ~model.linked & ~closed[task.site] & (relaxed.reduced[n:] <= room)
    if int(in_play.sum()) <= ALL_LINKS:
        model.link(np.flatnonzero(in_play))


def _whole(model: _Model, effort: Effort) -> None:
    """Search sites and shares as whole numbers."""
    task, n, m = model.task, model.n, model.m
    start = None
    if task.flow is not None:
        shares = task.flow / task.elders[task.pairs.demand]
        served = np.bincount(task.site, weights=task.flow, minlength=n) > 0
        start = np.concatenate([served.astype(np.float64), shares])
    value = task.best
    outcome = model.program.search(
        np.arange(n + m), limit_s=effort.left(), gap=effort.gap,
        absolute_gap=step_below(value, exact=task.exact) / model.unit if value < np.inf else 1e-9,
        start=start, tell=lambda best, bound: effort.tell(best * model.unit, bound * model.unit),
    )  # fmt: skip
    if outcome.end is End.INFEASIBLE:
        task.is_infeasible = task.flow is None
        return
    task.raise_bound(min(outcome.bound * model.unit, value))
    if outcome.values is None:
        return
    task.adopt(outcome.values[n:])
