"""A bound on a large cover from regions searched one by one, the cost of shared sites split."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from siting.classical.cover_tree import search_region
from siting.classical.region_costs import Inequalities, Priced, Split
from siting.classical.regions import cuts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from siting.classical.effort import Effort

__all__ = ["LARGE", "Bound", "split_bound"]

LARGE = 700
"""Classes from which a part is bounded region by region."""

A_REGION = 200
"""Classes that the first regions should have."""

TURNS, MANY = 250, 1_000_000
"""Turns in which costs move between the first regions at the most; fewer when they double."""

RECENT, SLOW = 20, 0.05
"""Turns that must bring a share of what is missing for regions not to be joined sooner."""

LARGER = 8.0
"""How many times as long as a turn took one with regions twice as large must be able to take."""

MEET = 3.0
"""In how many regions a site is in the mean from which on they are not searched for a cover."""

FEW, A_LOOK = 3, 8
"""Ways to cut rows into regions that are looked at for more than one turn, and for how many."""

AHEAD, STEP, LONGER, SHORTER, LONGEST, PATIENCE = 0.2, 0.5, 1.1, 0.7, 2.0, 4
"""How far ahead of the best bound a turn aims, of what is missing; how long a step is of that."""

TINY = 1e-7
"""How far below what is known a bound is that was given up, relative."""

LEAST = 0.01
"""Length of a step below which moving has come to an end."""

FRESH, FRESHEST, FADING = 0.04, 0.3, 0.97
"""How much the last turn counts in the mean of all: at least, at first, and how fast it falls."""


class Bound(NamedTuple):
    """A bound on the cost of all rows, and inequalities that hold where all must be covered."""

    low: float
    inequalities: Inequalities


def split_bound(
    rows: csr_array,
    costs: NDArray[np.float64],
    duals: NDArray[np.float64],
    effort: Effort,
    limit_s: float,
    goal: float,
    enough: Callable[[float], bool],
    *,
    losses: NDArray[np.float64] | None = None,
    limit: Priced | None = None,
) -> Bound:
    """
    Return a bound on the cost of covering all rows, at least that of the duals.

    Each row belongs to a region; of some ways to cut rows into regions the one is taken that
    proves most after a look. A site's cost is split between regions by the duals of its rows
    there, what is over going to the region with most of them. Any cover covers each region, so
    that the least costs of the regions, searched one by one, add up to a bound. Where the parts of
    a site's cost pass it, the excess is taken off again, as no site is opened twice. Costs move
    from regions that leave a shared site closed to those that open it (volume algorithm, Barahona
    & Anbil 2000). Regions are joined two by two as long as there is time for it.

    Parameters
    ----------
    rows
        (n_rows, n_sites) sparse, 1 where a site covers a row.
    costs
        (n_sites,) cost of each site.
    duals
        (n_rows,) duals of the relaxation; negative ones count as 0.
    effort
        Time, threads and seed.
    limit_s
        Seconds.
    goal
        Cost of a cover that is known; sets the length of steps.
    enough
        Told the bound so far; True ends the search.
    losses
        (n_rows,) cost of leaving a row uncovered; None: each must be covered.
    limit
        A limit whose price moves too; None: none. The bound is that of the costs as given: what
        the limit is worth at its price is the caller's to take off.
    """
    limit, must = limit or Priced(np.zeros(len(costs)), 0.0, 0.0), losses is None
    if losses is None:  # leaving a row costs as much as its cheapest site, which could cover it
        losses = np.minimum.reduceat(costs[rows.indices], rows.indptr[:-1])
    end, size, turns = max(effort.left() - limit_s, 0.0), A_REGION, TURNS
    given = rows, costs, np.clip(duals, 0.0, losses), losses, limit
    ways = cuts(rows, size)
    if not ways or (must and Split.of(*given, ways[0]).meeting > MEET):  # nothing near or far
        return Bound(_plain(*given[:3]), Inequalities(csr_array((0, len(costs))), np.empty(0)))
    with ThreadPoolExecutor(effort.threads) as pool:
        search = _Search(pool, effort, end, goal, enough)
        split = search.chosen(Split.of(*given, groups) for groups in ways)
        took = search.better(split, turns)
        while 2 * size <= rows.shape[0] and not search.is_enough():
            if LARGER * took > effort.left() - end:
                search.better(split, MANY)
                break
            joined, begun = split.joined(), effort.left()
            picked = search.raised(joined)
            took = begun - effort.left()
            if search.cut:  # not again before the end: what the smaller ones prove by then helps
                split = search.last(split, took)
                break
            split, size, turns = joined, 2 * size, turns // 16
            took = search.moved(split, picked, turns, took)
        return Bound(search.reached, split.inequalities())


def _plain(rows: csr_array, costs: NDArray[np.float64], duals: NDArray[np.float64]) -> float:
    """Return the bound that duals prove without regions."""
    return float(duals.sum() + np.minimum(costs - rows.T @ duals, 0.0).sum())


@dataclass
class _Search:
    """
    Threads that search regions, until so many seconds are left.

    Attributes
    ----------
    pool, effort, end
        Threads, time, and the seconds that are to be left.
    goal
        Cost of a cover that is known.
    enough
        Told the best bound so far; True ends the search.
    reached
        The best bound so far, of all ways to cut rows into regions.
    cut
        Whether a region was too large to be searched, when all were searched last at given costs.
    """

    pool: ThreadPoolExecutor
    effort: Effort
    end: float
    goal: float
    enough: Callable[[float], bool]
    reached: float = -np.inf
    cut: bool = False

    def is_enough(self) -> bool:
        """Return whether the best bound so far is enough."""
        return self.enough(self.reached)

    def chosen(self, splits: Iterable[Split]) -> Split:
        """Search each of some splits once, the best of them longer, and return the best."""
        looked: list[Split] = []
        for split in splits:
            self.better(split, 0)
            looked.append(split)
            if self.is_enough() or self.effort.left() <= self.end:
                break
        looked.sort(key=lambda split: -split.bound)
        for split in looked[: FEW if len(looked) > 1 else 0]:
            self.better(split, A_LOOK)
        return max(looked, key=lambda split: split.bound)

    def last(self, split: Split, took: float) -> Split:
        """Move costs as long as there is time, then join regions and search; return the joined."""
        self.end += took
        self.better(split, MANY)
        self.end -= took
        joined = split.joined()
        if not self.is_enough():
            self.better(joined, 0)
        return joined

    def better(self, split: Split, turns: int) -> float:
        """
        Search all regions, then move costs between them and search again, some turns.

        Returns
        -------
        took
            Seconds of the last turn.
        """
        begun = self.effort.left()
        picked = self.raised(split)
        return self.moved(split, picked, turns, begun - self.effort.left())

    def moved(
        self, split: Split, picked: list[NDArray[np.float64]], turns: int, took: float
    ) -> float:
        """Move costs between regions and search, some turns; return the seconds of the last one."""
        step, idle, last = STEP, 0, split.bound
        for turn in range(1, turns + 1):
            self.reached = max(self.reached, split.bound)
            begun = self.effort.left()
            if step < LEAST or self.is_enough() or begun <= self.end:
                break
            ahead = step * AHEAD * max(self.goal - split.bound, 0.0)
            shares, dearer = split.moved(picked, ahead)
            lows, now = self._lows(split, shares)
            bound = split.proven(lows, shares, dearer)
            fresh = max(FRESH, FRESHEST * FADING**turn)
            picked = [(1 - fresh) * p + fresh * x for p, x in zip(picked, now, strict=True)]
            if bound > split.bound:
                split.raised(bound, shares, dearer, lows)
                step, idle = min(LONGER * step, LONGEST), 0
            else:
                idle += 1
                if idle == PATIENCE:
                    step, idle = SHORTER * step, 0
            took = begun - self.effort.left()
            if turn % RECENT == 0 and turns != MANY:
                if split.bound - last < SLOW * (self.goal - split.bound):
                    break
                last = split.bound
        self.reached = max(self.reached, split.bound)
        return took

    def raised(self, split: Split) -> list[NDArray[np.float64]]:
        """Search regions at the costs they have, joined ones till it is enough; return sites."""
        known = split.lows.copy()

        def over(k: int, low: float) -> bool:
            """Keep a bound on a region; return whether all are enough."""
            known[k] = max(known[k], low)
            self.reached = max(self.reached, split.proven(known, split.shares, split.dearer))
            return self.is_enough()

        lows, picked = self._lows(split, split.shares, over if split.kept else None)
        self.cut = bool((lows < split.lows - TINY * np.abs(split.lows)).any())
        lows = np.maximum(split.lows, lows)
        bound = max(split.bound, split.proven(lows, split.shares, split.dearer))
        split.raised(bound, split.shares, split.dearer, lows)
        return picked

    def _lows(
        self, split: Split, shares: list[NDArray[np.float64]],
        over: Callable[[int, float], bool] | None = None,
    ) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:  # fmt: skip
        """
        Return a bound on each region, and the best sites in it as numbers.

        What is told of each region as it is known returns whether the others need not be.
        """
        halt = np.zeros(1, dtype=bool)

        def searched(k: int) -> float:
            part = split.parts[k]
            region = part.region._replace(cost=shares[k])
            return search_region(region, part.best, halt)

        order = sorted(range(len(shares)), key=lambda k: -len(split.parts[k].region.loss))
        futures = {self.pool.submit(searched, k): k for k in order}
        lows = np.empty(len(shares))
        try:
            for done in as_completed(futures, timeout=max(self.effort.left() - self.end, 0.0)):
                lows[futures[done]] = done.result()
                if over is not None and over(futures[done], done.result()):
                    break
        except TimeoutError:
            pass
        finally:
            halt[0] = True
        for done, k in futures.items():
            lows[k] = done.result()
        return lows, [part.best.astype(np.float64) for part in split.parts]
