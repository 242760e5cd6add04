"""The capacitated model with split points as it is searched: prices of elders bound the sites."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from siting.classical.answer import rounded_up, step_below
from siting.classical.capacity_kernels import ascend
from siting.classical.capacity_tree_kernels import exchange, explore_rooms, likely, priced
from siting.classical.dual_kernels import BOUND, FREE, HELD, OUT, Dual
from siting.classical.dual_tree import FACTOR, ROUNDS_AT_A_NODE, STEPS_AT_ONCE, Tree
from siting.classical.pairs import whole
from siting.classical.transport_kernels import Rooms, Served, transport

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.effort import Effort
    from siting.classical.pairs import Pairs

__all__ = ["UNENDING", "Capacitated"]

ROUNDS = 50
MOST_ROUNDS = 1000
STALLED = 1e-5
FIRST_FACTOR, LATER_FACTOR = 0.3, 0.1
UNENDING = 2**62
ROUNDED = 1e-8
SELDOM = 0.02
"""Share of the last turns in which a site must have been picked to be exchanged for another."""

SPARE = (0.0, 0.02, 0.1)
"""Room beyond what is needed, as a share, that the first sites have: more where less is no use."""

EXCHANGES, FEWER_EXCHANGES = 0.02, 0.01
"""Share of the time left that exchanges may take, at first and of each better choice."""

SAME = 1e-9
"""How far numbers that are not whole may be apart, relative, and count as the same."""


@dataclass
class Capacitated:
    """
    A capacitated problem, points split between sites, with the best sites and bound so far.

    Attributes
    ----------
    pairs
        Sites and the points with elders that they reach.
    elders
        (n,) elders of each point, above 0.
    room, prices
        (n_sites,) elders that each site can hold, and its cost.
    effort
        Time, gap, threads and seed.
    held
        (n_sites,) sites that are open in any case; None: none.
    limit
        Most sites that may be open; None: all.
    most
        Highest price of an elder that is of use.
    against
        What a value is taken against for its gap.
    rooms
        The same, each site's points nearest first; room that is not whole numbers a hair larger,
        so that what fits but for rounding fits.
    order
        The pair of each of those.
    exact
        Whether every value is whole.
    chosen
        (n_sites,) the best open sites so far.
    best
        What they cost with the ways from them; infinite where all sites cannot serve all.
    low
        Proven: no choice is below it.
    """

    pairs: Pairs
    elders: NDArray[np.float64]
    room: NDArray[np.float64]
    prices: NDArray[np.float64]
    effort: Effort
    held: NDArray[np.bool_] | None = None
    limit: int | None = None
    most: float = np.inf
    against: float = 0.0
    rooms: Rooms = field(init=False)
    order: NDArray[np.int64] = field(init=False)
    exact: bool = field(init=False)
    chosen: NDArray[np.bool_] = field(init=False)
    best: float = field(init=False, default=np.inf)
    low: float = field(init=False, default=0.0)
    dual: Dual = field(init=False)
    state: NDArray[np.int8] = field(init=False)
    least: NDArray[np.float64] = field(init=False)
    place: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Open every site, if they may be, and start from the prices of elders that this has."""
        pairs, m, n = self.pairs, len(self.prices), len(self.elders)
        site = np.repeat(np.arange(m), np.diff(pairs.start))
        self.order = np.lexsort((pairs.metres, site))
        near = (pairs.start, pairs.demand[self.order], pairs.metres[self.order])
        limit = m if self.limit is None else self.limit
        self.exact = whole(self.elders, self.room, self.prices, pairs.metres)
        room = self.room if self.exact else self.room * (1.0 + SAME)
        self.rooms = Rooms(*near, self.elders, room, self.prices, limit)
        held = np.zeros(m, dtype=bool) if self.held is None else self.held
        self.state = np.where(held, HELD, FREE).astype(np.int8)
        self.chosen = held.copy() if limit < m else np.ones(m, dtype=bool)
        self.least = np.full(n, np.inf)
        np.minimum.at(self.least, self.rooms.point, self.rooms.metres)
        price = self.least.copy()
        if int(self.chosen.sum()) <= limit:
            self.best = self.served(self.chosen)[0] + float(self.prices[self.chosen].sum())
        pace = np.array([FIRST_FACTOR, 0.0, 0.0, -np.inf, self.best])
        self.dual = Dual(price, price.copy(), np.zeros(n), np.zeros(m), pace)

    def goal(self) -> float:
        """Return the value at which a part of the choices holds nothing better, or not enough."""
        below = step_below(self.best, exact=self.exact)
        return self.best - max(below, self._enough())

    def is_over(self) -> bool:
        """Return whether the best is proven or within the gap asked for, or time is over."""
        return self.best - self.low <= self._enough() or self.effort.left() <= 0

    def _enough(self) -> float:
        """Return the gap asked for as a difference, less what room a hair larger may be worth."""
        return max(self.effort.gap - ROUNDED, 0.0) * abs(self.best - self.against)

    def raise_bound(self, bound: float) -> None:
        """Keep a bound on what is not ruled out: what was, is no better than the goal."""
        bound = min(bound, self.goal())
        self.low = max(self.low, rounded_up(bound) if self.exact else bound)
        self.effort.tell(self.best - self.against, self.low - self.against)

    def adopt(self, opened: NDArray[np.bool_]) -> bool:
        """Keep sites where they are better than the best so far; return whether."""
        value, _ = priced(self.rooms, opened, self.best, np.empty_like(self.least))
        if value >= self.best:
            return False
        self.chosen, self.best = opened.copy(), value
        self.effort.tell(self.best - self.against, self.low - self.against)
        return True

    def search(self) -> None:
        """
        Search until the best is proven or time is over.

        Prices of elders bound the choices (Lagrangian dual of "each elder is served once"), sites
        often picked are exchanged one by one, and what the bound leaves is searched part by part,
        each with prices of its own.
        """
        if self.best == np.inf:
            return
        self._ascend(MOST_ROUNDS)
        self._improve()
        given = (self.rooms, *self._ends(), STEPS_AT_ONCE, ROUNDS_AT_A_NODE, FACTOR)
        tree = Tree(partial(explore_rooms, *given), self.effort.threads)
        tree.push(float(self.dual.pace[BOUND]), self.state, self.dual.price)
        while tree.queue and not self.is_over():
            goal = self.goal()
            for opened in tree.look(goal, goal, self.best):
                if self.adopt(opened):
                    self._exchange(FEWER_EXCHANGES)
            self.raise_bound(tree.bound())

    def _ends(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the lowest and the highest price of each elder that is of use."""
        return self.least, np.full_like(self.least, self.most)

    def served(self, opened: NDArray[np.bool_]) -> tuple[float, Served]:
        """Return what the ways from some sites cost at least, and who goes where."""
        spare, sites = np.empty_like(self.least), np.flatnonzero(opened)
        way, made, _ = transport(
            self.rooms._replace(room=self.room), sites, np.inf, spare, UNENDING
        )
        if way == np.inf:
            way, made, _ = transport(self.rooms, sites, np.inf, spare, UNENDING)
        return float(way), made

    def flow(self, made: Served, amount: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return amounts at the places of who goes where as elders of each pair."""
        flow = np.zeros(len(self.order))
        flow[self.order[made.pair]] = amount
        return flow

    def may_open(self, value: float) -> NDArray[np.bool_]:
        """Return the sites that a choice of at most a value may have open, by the best prices."""
        held = np.zeros(len(self.state), dtype=bool) if self.held is None else self.held
        state, most = np.where(held, HELD, FREE).astype(np.int8), value + SAME * abs(value)
        dual = Dual(*(each.copy() for each in self.dual))
        dual.trial[:] = dual.price
        ascend(self.rooms, *self._ends(), state, dual, most, most, 1)
        return np.asarray(state != OUT)

    def _ascend(self, most_rounds: int) -> None:
        """Raise the bound until little changes."""
        done, rounds, last, on = 0, 1, -np.inf, True
        while on and done < most_rounds and not self.is_over():
            goal = self.goal()
            steps, on = ascend(self.rooms, *self._ends(), self.state, self.dual, goal, goal, rounds)
            done += rounds
            bound = float(self.dual.pace[BOUND])
            self.raise_bound(bound)
            if rounds == ROUNDS and bound - last < STALLED * abs(last):
                return
            last = bound
            rounds = int(np.clip(STEPS_AT_ONCE * rounds // max(steps, 1), 1, ROUNDS))

    def _improve(self) -> None:
        """Better the sites that the prices pick most, and rule out more by what that gives."""
        for more in SPARE:
            opened = np.zeros(len(self.chosen), dtype=bool)
            likely(self.rooms, self.state, self.dual.mean, more, opened)
            if self.adopt(opened) or self.is_over():
                break
        if not self.is_over():
            self._exchange(EXCHANGES)
        if not self.is_over():
            self.dual.pace[:] = [LATER_FACTOR, 0.0, 0.0, self.dual.pace[BOUND], self.best]
            self.dual.trial[:] = self.dual.price
            self._ascend(ROUNDS)

    def _exchange(self, share: float) -> None:
        """Exchange sites for others that the prices pick at times, for a share of the time left."""
        opened, end = self.chosen.copy(), self.effort.left() * (1.0 - share)
        value, idle, every = self.best, 0, (len(opened) + 1) ** 2
        may = (self.state != OUT) & (self.dual.mean > SELDOM), self.state != HELD
        while idle < every and self.effort.left() > end:
            value, self.place, idle = exchange(
                self.rooms, *may, opened, value, self.place, idle, STEPS_AT_ONCE
            )
        self.adopt(opened)
