"""The search behind capacitated maximal covering: shares of classes at sites, within their room."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from siting.classical.answer import rounded_up, step_below
from siting.classical.capacity_search import Capacitated
from siting.classical.pairs import Pairs
from siting.classical.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.effort import Effort
    from siting.classical.program import Relaxed

__all__ = ["Task", "search"]

ALL_LINKS = 30_000
"""Pairs up to which every link between a share and its site stands from the start."""

SPLIT = 0.5
"""Share of the time in which whole classes are searched as if they could be split."""

ROUNDS = 40
HALF = 0.5
NEARLY = 1e-6
LITTLE = 1e-5
TINY = 1e-9


@dataclass
class Task:
    """
    Classes of elders and sites with room, with the best choice and bound so far.

    Attributes
    ----------
    weight
        (n_classes,) elders of each class, or of each point with ``single_source``.
    site, group
        (n_pairs,) site and class of each pair; both have elders or room.
    of_point
        (n_demand,) class of each demand point, -1 for none.
    room
        (n_sites,) elders that each site can hold.
    stands
        (n_sites,) sites that are open anyway.
    p
        Sites that may be opened beside them.
    exact
        Whether every value is whole.
    single_source
        Whether a class goes to one site whole.
    chosen, flow
        The best open sites so far, and the elders of each pair.
    low
        Proven: minus the elders served is nowhere below it.
    """

    weight: NDArray[np.float64]
    site: NDArray[np.int64]
    group: NDArray[np.int64]
    of_point: NDArray[np.int64]
    room: NDArray[np.float64]
    stands: NDArray[np.bool_]
    p: int
    exact: bool
    single_source: bool
    chosen: NDArray[np.bool_] = field(init=False)
    flow: NDArray[np.float64] = field(init=False)
    low: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the sites that stand and nobody served."""
        self.chosen, self.flow = self.stands.copy(), np.zeros(len(self.site))
        linked = np.unique(self.group)
        fits = np.bincount(self.group, weights=self.room[self.site], minlength=len(self.weight))
        self.low = -float(np.minimum(self.weight, fits)[linked].sum())

    @property
    def served(self) -> float:
        """Elders served in the best answer so far."""
        return float(self.flow.sum())

    def raise_bound(self, bound: float) -> None:
        """Keep a bound where it is better than the best so far."""
        self.low = max(self.low, rounded_up(bound) if self.exact else bound)

    def adopt(self, opened: NDArray[np.bool_], shares: NDArray[np.float64]) -> None:
        """Keep sites and shares, made clean, where they fit and serve more than the best so far."""
        flow = self._clean(shares * opened[self.site])
        load = np.bincount(self.site, weights=flow, minlength=len(self.room))
        there = np.bincount(self.group, weights=flow, minlength=len(self.weight))
        slip = 0.0 if self.single_source else NEARLY
        fits = (load <= self.room * (1 + TINY) + slip).all()
        fits &= (there <= self.weight * (1 + TINY)).all()
        fits &= int((opened & ~self.stands).sum()) <= self.p
        if fits and float(flow.sum()) > self.served:
            self.chosen, self.flow = opened.copy(), flow

    def _clean(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return elders of each pair, whole where they nearly are, none served twice."""
        n = len(self.weight)
        if self.single_source:
            return np.where(shares > HALF, self.weight[self.group], 0.0)
        kept = np.where(shares > TINY, shares, 0.0)
        total = np.bincount(self.group, weights=kept, minlength=n)
        flow = kept / np.maximum(total, 1.0)[self.group] * self.weight[self.group]
        near = np.rint(flow)
        if self.exact and (np.abs(flow - near) < NEARLY * np.maximum(flow, 1.0)).all():
            return near
        return flow


def search(task: Task, effort: Effort) -> None:
    """
    Search until the best is proven or time is over.

    Classes are first searched as if they could be split, by prices; that rules sites out. Then the
    relaxation of the others is solved, with the links that it violates added round by round, and
    they are searched as whole numbers, with ``single_source`` the shares too.
    """
    if len(task.site) == 0:
        task.low = 0.0
        return
    sooner = replace(effort, end=effort.end - (1.0 - SPLIT) * effort.left())
    split = _split(task, sooner)
    if _is_close(task, effort):
        return
    total = float(task.weight.sum())
    model = _Model(task, effort, split.may_open(total - task.served)[:-1])
    relaxed = _linked(model, effort)
    if relaxed is not None:
        _try(model, _rounded(task, relaxed), effort)
    effort.tell(task.served, -task.low)
    if not _is_close(task, effort):
        _whole(model, effort)


def _is_close(task: Task, effort: Effort) -> bool:
    """Return whether the best is proven or within the gap asked for, or time is over."""
    return -task.low - task.served <= effort.gap * task.served or effort.left() <= 0


def _split(task: Task, effort: Effort) -> Capacitated:
    """
    Search with classes split, and keep what that gives; return the model.

    One site more has room for all, at a way of 1 where other ways cost nothing: it has those who
    are not served.
    """
    total, n, m = float(task.weight.sum()), len(task.weight), len(task.room)
    order = np.argsort(task.site, kind="stable")
    count = np.append(np.bincount(task.site, minlength=m), n)
    pairs = Pairs(
        np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
        np.concatenate([task.group[order], np.arange(n)]).astype(np.int32),
        np.concatenate([np.zeros(len(order)), np.ones(n)]), n,
    )  # fmt: skip
    stands = np.append(task.stands, True)
    model = Capacitated(
        pairs, task.weight, np.append(task.room, total), np.zeros(m + 1), effort, held=stands,
        limit=int(stands.sum()) + task.p, most=1.0, against=total,
    )  # fmt: skip
    model.search()
    _, made = model.served(model.chosen)
    flow = np.zeros(len(order))
    flow[order] = model.flow(made, made.flow)[: len(order)]
    task.raise_bound(model.low - total)
    shares = flow / task.weight[task.group]
    task.adopt(model.chosen[:-1], _gathered(task, shares) if task.single_source else shares)
    return model


class _Model:
    """Sites first, then the share of each pair; minus the elders served is minimised."""

    def __init__(self, task: Task, effort: Effort, allowed: NDArray[np.bool_]) -> None:
        self.task, self.allowed = task, allowed.astype(np.float64)
        self.n, self.m = len(task.room), len(task.site)
        self.unit = max(float(task.weight.sum()) / 1000.0, 1e-12)
        cost = np.concatenate([np.zeros(self.n), -task.weight[task.group] / self.unit])
        self.low = np.concatenate([task.stands.astype(np.float64), np.zeros(self.m)])
        self.most = np.minimum(1.0, task.room[task.site] / task.weight[task.group])
        high = np.concatenate([self.allowed, self.most])
        self.program = Program(cost, self.low, high, effort)
        self.linked = np.zeros(self.m, dtype=bool)
        self._first_rows()
        if self.m <= ALL_LINKS:
            self.link(np.arange(self.m))

    def _first_rows(self) -> None:
        """Add that no class is served twice, no site is overfull, and p sites are opened."""
        task, n, m = self.task, self.n, self.m
        every, width = np.arange(m), n + m
        classes, row = np.unique(task.group, return_inverse=True)
        once = csr_array((np.ones(m), (row, n + every)), shape=(len(classes), width))
        self.program.add(once, np.full(len(classes), -np.inf), np.ones(len(classes)))
        used, place = np.unique(task.site, return_inverse=True)
        load = task.weight[task.group] / task.room[task.site]
        full = csr_array(
            (np.concatenate([load, -np.ones(len(used))]),
             (np.concatenate([place, np.arange(len(used))]), np.concatenate([n + every, used]))),
            shape=(len(used), width),
        )  # fmt: skip
        full.sort_indices()
        self.program.add(full, np.full(len(used), -np.inf), np.zeros(len(used)))
        free = np.flatnonzero(~task.stands)
        count = csr_array((np.ones(len(free)), (np.zeros(len(free), int), free)), shape=(1, width))
        self.program.add(count, np.array([-np.inf]), np.array([float(task.p)]))

    def link(self, pairs: NDArray[np.int64]) -> None:
        """Add that a share is no more than its site is open."""
        k = np.arange(len(pairs))
        ends = np.concatenate([np.ones(len(pairs)), -self.most[pairs]])
        columns = np.concatenate([self.n + pairs, self.task.site[pairs]])
        rows = csr_array(
            (ends, (np.concatenate([k, k]), columns)), shape=(len(pairs), self.n + self.m)
        )
        rows.sort_indices()
        self.program.add(rows, np.full(len(pairs), -np.inf), np.zeros(len(pairs)))
        self.linked[pairs] = True

    def missing(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the pairs whose link is violated and not there yet."""
        over = values[self.n :] - self.most * values[: self.n][self.task.site]
        return np.flatnonzero((over > LITTLE) & ~self.linked)


def _rounded(task: Task, relaxed: Relaxed) -> NDArray[np.bool_]:
    """Return the sites that the relaxation opens most."""
    wanted = np.where(task.stands, -1.0, relaxed.values[: len(task.room)])
    opened = task.stands.copy()
    opened[np.argsort(-wanted, kind="stable")[: min(task.p, int((~task.stands).sum()))]] = True
    return opened


def _try(model: _Model, opened: NDArray[np.bool_], effort: Effort) -> None:
    """Serve as many as some sites can, and keep that where it is the best so far."""
    task, every = model.task, np.arange(model.n)
    ends = opened.astype(np.float64)
    model.program.set_ends(every, ends, ends)
    relaxed = model.program.relax(effort.left() / 4)
    model.program.set_ends(every, model.low[: model.n], model.allowed)
    if relaxed is None:
        return
    shares = relaxed.values[model.n :]
    task.adopt(opened, _gathered(task, shares) if task.single_source else shares)


def _gathered(task: Task, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return shares with each point at one site: largest first, where most of it was and fits."""
    room, kept = task.room.copy(), np.zeros(len(shares))
    order = np.lexsort((-shares, -task.weight[task.group]))
    done = np.zeros(len(task.weight), dtype=bool)
    for pair in order[shares[order] > TINY].tolist():
        site, group = task.site[pair], task.group[pair]
        if not done[group] and task.weight[group] <= room[site]:
            kept[pair], done[group] = 1.0, True
            room[site] -= task.weight[group]
    return kept


def _linked(model: _Model, effort: Effort) -> Relaxed | None:
    """Solve the relaxation, adding links that it violates; return the last answer."""
    task, relaxed = model.task, None
    for _ in range(ROUNDS):
        new = model.program.relax(effort.left() / 2)
        if new is None:
            break
        relaxed = new
        task.raise_bound(relaxed.bound * model.unit)
        effort.tell(task.served, -task.low)
        missing = model.missing(relaxed.values)
        if not relaxed.proven or not len(missing) or effort.left() <= 0:
            break
        model.link(missing)
    return relaxed


def _whole(model: _Model, effort: Effort) -> None:
    """Search sites, and shares where a point goes to one site, as whole numbers."""
    task, n, m = model.task, model.n, model.m
    shares = task.flow / task.weight[task.group]
    start = np.concatenate([task.chosen.astype(np.float64), shares])
    columns = np.arange(n + m if task.single_source else n)
    outcome = model.program.search(
        columns, limit_s=effort.left(), gap=effort.gap,
        absolute_gap=step_below(task.served, exact=task.exact) / model.unit, start=start,
        tell=lambda best, bound: effort.tell(-best * model.unit, -bound * model.unit),
    )  # fmt: skip
    task.raise_bound(outcome.bound * model.unit)
    if outcome.values is None:
        return
    opened = outcome.values[:n] > HALF
    task.adopt(opened, outcome.values[n:])
    if not task.single_source:
        _try(model, opened, effort)
