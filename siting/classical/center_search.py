"""The p-center narrowed from both sides: covers of some points, checked on all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from siting.classical.center_cover import Attempt
from siting.classical.classes import merged
from siting.classical.core import covering
from siting.classical.pairs import Pairs
from siting.classical.weighting_kernels import columns_of, reached_shares

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.effort import Effort

__all__ = ["Center", "center_of"]

SWAPS, STEPS = 10_000, 400_000_000
HARDER, SHARE = 4, 64
THIN, LOOKS = 0.8, 5
FEWEST_NEW = 10


@dataclass
class Center:
    """
    Distances between which the least longest one lies.

    Attributes
    ----------
    pairs, p, effort
        What is asked.
    chosen
        The best sites so far.
    values
        Distances that are still possible, ascending.
    first, last
        Numbers of distances: every one below ``first`` is too short for p sites, and the best
        sites so far do with the one at ``last``.
    points
        Demand points that covers are sought for; all others are only checked.
    """

    pairs: Pairs
    p: int
    effort: Effort
    chosen: NDArray[np.int64]
    values: NDArray[np.float64]
    first: int
    last: int
    points: _Points
    seed: NDArray[np.uint64] = field(init=False)

    def __post_init__(self) -> None:
        """Start the random numbers of the search."""
        self.seed = np.array([self.effort.seed * 2 + 1], dtype=np.uint64)

    @property
    def low(self) -> float:
        """What is proven: no p sites do with less."""
        return float(self.values[self.first])

    @property
    def high(self) -> float:
        """The longest distance with the best sites so far."""
        return float(self.values[self.last])

    def filled(self) -> NDArray[np.int64]:
        """Return the best sites so far, filled up to p."""
        taken = np.zeros(self.pairs.n_sites, dtype=bool)
        taken[self.chosen] = True
        others = np.flatnonzero(~taken)[: self.p - len(self.chosen)]
        return np.sort(np.concatenate([self.chosen, others]))

    def is_over(self) -> bool:
        """Return whether the gap asked for is reached or time is over."""
        return self.high - self.low <= self.effort.gap * self.high or self.effort.left() <= 0

    def narrow(self) -> None:
        """
        Halve what lies between; then seek shorter and rule out more, ever harder, till all is done.

        A distance that stays undecided counts, for that pass alone, as long enough: shorter ones
        are easier to rule out. Only what is decided moves the ends.
        """
        low, high = self.first, self.last
        while low < high and not self.is_over():
            middle = (low + high) // 2
            impossible = self._decide(middle, SWAPS, 0) is False
            low, high = self.first, min(high if impossible else middle, self.last)
        harder = 1
        while not self.is_over():
            self._shorten(SWAPS * harder)
            self._lengthen(STEPS * harder)
            harder *= HARDER

    def _shorten(self, swaps: int) -> None:
        """Seek sites with a distance a little shorter than the best, as long as that succeeds."""
        step = max(1, (self.last - self.first) // SHARE)
        while not self.is_over() and self._decide(self.last - step, swaps, 0) is not None:
            step = max(1, min(step, (self.last - self.first) // SHARE))

    def _lengthen(self, steps: int) -> None:
        """Rule out distances a little longer than those ruled out, in steps that fit."""
        step = max(1, (self.last - self.first) // SHARE)
        while step > 0 and not self.is_over():
            middle = min(self.first + step, self.last) - 1
            step = step // 4 if self._decide(middle, SWAPS, steps) is None else 2 * step

    def _decide(self, middle: int, swaps: int, steps: int) -> bool | None:
        """Return whether p sites do with a distance; None where that stays open."""
        decided = self._covers(float(self.values[middle]), swaps, steps)
        if decided is False:
            self.first = max(self.first, middle + 1)
        self.effort.tell(self.high, self.low)
        return decided

    def _covers(self, cutoff: float, swaps: int, steps: int) -> bool | None:
        """Return whether p sites do with a cutoff, from covers of some points; None: not known."""
        looks, sites = 0, self.chosen
        while not self.is_over():
            within = self.points.within(cutoff)
            made = covering(merged(within, np.ones(within.n_demand)), np.ones(within.n_sites))
            attempt = Attempt.of(made, self.p - len(made.needed))
            if made.lower > self.p or attempt.is_impossible(self.effort):
                return False
            picked = attempt.swapped(self.effort, self.seed, sites, swaps)
            if picked is None and looks < LOOKS:
                looks += 1
                if self._add_thin(attempt.shares(), cutoff):
                    continue
            if picked is None and steps > 0:
                picked = attempt.searched(self.effort, self.seed, steps)
            if picked is None:
                return False if attempt.is_none else None
            sites = np.sort(np.concatenate([made.needed, picked]))
            if self._checked(sites, cutoff):
                return True
        return None

    def _checked(self, sites: NDArray[np.int64], cutoff: float) -> bool:
        """Return whether sites do for all points, kept if so; else add some of those missed."""
        metres = self.pairs.nearest(sites)[1]
        self.adopt(sites, float(metres.max()))
        far = np.flatnonzero(metres > cutoff)
        if not len(far):
            return True
        self._add(far[np.argsort(-metres[far], kind="stable")])
        return False

    def _add_thin(self, shares: NDArray[np.float64], cutoff: float) -> bool:
        """Add points for which the shares of sites open in part do not add up; return whether."""
        pairs = self.pairs
        total = reached_shares(
            pairs.start, pairs.demand, pairs.metres, pairs.n_demand, cutoff, shares
        )
        thin = np.flatnonzero((total < THIN) & ~self.points.known)
        self._add(thin[np.argsort(total[thin], kind="stable")])
        return len(thin) > 0

    def _add(self, order: NDArray[np.int64]) -> None:
        """Add points: the first, and some evenly from all that are given."""
        count = max(FEWEST_NEW, self.p // 2)
        step = max(1, len(order) // count)
        self.points.add(np.unique(np.concatenate([order[:1], order[::step][:count]])))

    def adopt(self, sites: NDArray[np.int64], reached: float) -> None:
        """Keep sites where their longest distance is shorter than the best so far."""
        if reached < self.high:
            self.chosen, self.last = sites, int(np.searchsorted(self.values, reached))


def center_of(pairs: Pairs, p: int, start: NDArray[np.bool_], effort: Effort) -> Center:
    """
    Return a search with bounds to start from.

    The best of what is given and of sites each taken for the farthest point so far bounds it from
    above, the nearest site of every point from below (Gonzalez 1985).

    Parameters
    ----------
    pairs
        Sites and points; every point has a site.
    p
        Number of sites to open.
    start
        (n_sites,) sites, p at most, that reach every point.
    effort
        Time, gap and seed.
    """
    site, least = pairs.nearest(np.arange(pairs.n_sites))
    chosen = np.flatnonzero(start)
    metres, points = pairs.nearest(chosen)[1], []
    longest = float(metres.max())
    metres, taken = np.full(pairs.n_demand, np.inf), []
    for _ in range(p):
        points.append(int(metres.argmax()))
        taken.append(int(site[points[-1]]))
        mine = slice(pairs.start[taken[-1]], pairs.start[taken[-1] + 1])
        metres[pairs.demand[mine]] = np.minimum(metres[pairs.demand[mine]], pairs.metres[mine])
    if float(metres.max()) < longest:
        chosen, longest = np.unique(taken), float(metres.max())
    low = float(least.max())
    values = np.unique(pairs.metres[(pairs.metres >= low) & (pairs.metres <= longest)])
    some = _Points(pairs, longest)
    some.add(np.unique([*points, int(metres.argmax()), int(least.argmax())]))
    return Center(pairs, p, effort, chosen, values, 0, len(values) - 1, some)


class _Points:
    """
    Some demand points and the sites that reach them within a distance.

    Parameters
    ----------
    pairs
        Sites and all points.
    most_m
        Farthest that counts.
    """

    def __init__(self, pairs: Pairs, most_m: float) -> None:
        self.pairs, self.most_m, self.n = pairs, most_m, 0
        self.site, self.point = np.empty(0, np.int32), np.empty(0, np.int32)
        self.metres = np.empty(0)
        self.known = np.zeros(pairs.n_demand, dtype=bool)

    def add(self, points: NDArray[np.int64]) -> None:
        """Add points, those that are there already left out."""
        new = points[~self.known[points]]
        self.known[new] = True
        site, point, metres = columns_of(
            self.pairs.start, self.pairs.demand, self.pairs.metres, new
        )
        near = metres <= self.most_m
        self.site = np.concatenate([self.site, site[near]])
        self.point = np.concatenate([self.point, point[near] + np.int32(self.n)])
        self.metres = np.concatenate([self.metres, metres[near]])
        self.n += len(new)

    def within(self, cutoff_m: float) -> Pairs:
        """Return the pairs of these points, numbered anew, no farther apart than a cutoff."""
        near = self.metres <= cutoff_m
        site, point, metres = self.site[near], self.point[near], self.metres[near]
        order = np.argsort(site, kind="stable")
        count = np.bincount(site, minlength=self.pairs.n_sites)
        start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
        return Pairs(start, point[order], metres[order], self.n)
