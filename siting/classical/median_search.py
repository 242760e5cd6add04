"""The p-median as it is searched: the best sites and bound so far, and how sites are bettered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from siting.classical.answer import rounded_up, step_below
from siting.classical.dual_kernels import Lists, cost_of
from siting.classical.median_kernels import interchange, take

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.effort import Effort
    from siting.classical.pairs import Pairs

__all__ = ["Median", "median_of"]

STEPS_AT_ONCE = 50_000_000
"""Steps of a kernel between two looks at the clock: some tenths of a second."""

SAME = 1e-9


@dataclass
class Median:
    """
    A p-median problem with the best sites and bound so far.

    Attributes
    ----------
    pairs
        Sites and the points with elders that they reach.
    lists
        Sites of each point, nearest first, with elders times metres.
    metres
        The distances in the same order.
    elders
        (n,) elders of each point, above 0.
    p
        Number of sites to open.
    exact
        Whether every value is whole.
    effort
        Time, gap and seed.
    chosen
        (n_sites,) the best sites so far; every point is reached.
    best
        Elder-metres of these.
    low
        Proven: no choice is below it.
    """

    pairs: Pairs
    lists: Lists
    metres: NDArray[np.float64]
    elders: NDArray[np.float64]
    p: int
    exact: bool
    effort: Effort
    chosen: NDArray[np.bool_]
    best: float
    low: float
    random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        """Start the random numbers of the search."""
        self.random = np.random.default_rng(self.effort.seed)

    @property
    def far_m(self) -> float:
        """What stands for the distance to no site in a heuristic: more than any distance."""
        return 10.0 * float(self.metres.max(initial=0.0)) + 1.0

    def goal(self) -> float:
        """Return the value at which a part of the choices holds nothing better, or not enough."""
        below = step_below(self.best, exact=self.exact)
        return self.best - max(below, self.effort.gap * (1.0 - SAME) * self.best)

    def is_over(self) -> bool:
        """Return whether the best is proven or within the gap asked for, or time is over."""
        return self.best - self.low <= self.effort.gap * self.best or self.effort.left() <= 0

    def raise_bound(self, bound: float) -> None:
        """Keep a bound on what is not ruled out: what was, is no better than the goal."""
        bound = min(bound, self.goal())
        self.low = max(self.low, rounded_up(bound) if self.exact else bound)
        self.effort.tell(self.best, self.low)

    def adopt(self, chosen: NDArray[np.bool_]) -> bool:
        """Keep p sites where they are better than the best so far; return whether."""
        value = float(cost_of(self.lists, chosen))
        if int(chosen.sum()) != self.p or value >= self.best:
            return False
        self.chosen, self.best = chosen.copy(), value
        self.effort.tell(self.best, self.low)
        return True

    def complete(self, given: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return p sites: those given and more, each time the one that shortens most."""
        by_site = (self.pairs.start, self.pairs.demand, self.pairs.metres)
        return np.asarray(take(*by_site, self.elders, self.far_m, given, self.p))

    def improve(
        self,
        given: NDArray[np.bool_],
        allowed: NDArray[np.bool_] | None = None,
        spare_s: float = 0.0,
    ) -> bool:
        """
        Complete sites, swap them one by one, and keep the best; return whether that is new.

        Parameters
        ----------
        given
            (n_sites,) at most p sites.
        allowed
            (n_sites,) sites that may be swapped in; None: all.
        spare_s
            Seconds to leave for what comes after.
        """
        chosen = given.copy() if int(given.sum()) == self.p else self.complete(given)
        by_site = (self.pairs.start, self.pairs.demand, self.pairs.metres)
        allowed = np.ones(len(given), dtype=bool) if allowed is None else allowed
        place, over = 0, False
        while not over and self.effort.left() > spare_s:
            place, over = interchange(
                self.lists.start, self.lists.site, self.metres, *by_site, self.elders, self.far_m,
                allowed, chosen, place, STEPS_AT_ONCE,
            )  # fmt: skip
        return self.adopt(chosen)

    def shake(self, allowed: NDArray[np.bool_], times: int) -> bool:
        """
        Swap some of the best sites by chance and improve, ever more of them; return if it helped.

        Parameters
        ----------
        allowed
            (n_sites,) sites that may be swapped in.
        times
            Tries without gain after which to stop.
        """
        helped, tries, most = False, 0, max(2, min(self.p, 30) // 2)
        while tries < times and not self.is_over():
            others = np.flatnonzero(allowed & ~self.chosen)
            if not len(others):
                return helped
            size = min(1 + tries % most, len(others), self.p)
            start = self.chosen.copy()
            start[self.random.choice(np.flatnonzero(start), size, replace=False)] = False
            start[self.random.choice(others, size, replace=False)] = True
            tries += 1
            if self.improve(start, allowed):
                helped, tries = True, 0
        return helped


def median_of(
    pairs: Pairs, elders: NDArray[np.float64], p: int, start: NDArray[np.bool_], effort: Effort,
    *, exact: bool,
) -> Median:  # fmt: skip
    """
    Return a p-median problem with sites to start from.

    Parameters
    ----------
    pairs
        Sites and points; every point has elders and a site.
    elders
        (n,) elders.
    p
        Number of sites to open.
    start
        (n_sites,) sites, p at most, that reach every point.
    effort
        Time, gap and seed.
    exact
        Whether every value is whole.
    """
    first, site, metres = pairs.by_demand()
    lists = Lists(first, site, metres * np.repeat(elders, np.diff(first)))
    low = float(lists.cost[first[:-1]].sum())
    none = np.zeros(pairs.n_sites, dtype=bool)
    median = Median(pairs, lists, metres, elders, p, exact, effort, none, np.inf, low)
    median.adopt(median.complete(start))
    return median
