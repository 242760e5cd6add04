"""A bound on a large cover from regions searched one by one, the cost of shared sites split."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csc_array, csr_array
from scipy.sparse.csgraph import dijkstra

from siting.classical.cover_tree import search_region
from siting.classical.tables import region_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from siting.classical.effort import Effort
    from siting.classical.simplex_kernels import Region

__all__ = ["LARGE", "Priced", "split_bound"]

LARGE = 1000
"""Classes from which a part is bounded region by region."""

A_REGION = 200
"""Classes that the first regions should have."""

TURNS, MANY = 250, 1_000_000
"""Turns in which costs move between the first regions at the most; fewer when they double."""

RECENT, SLOW = 20, 0.015
"""Turns that must bring this share of what is missing for regions not to be joined sooner."""

LARGER = 8.0
"""How many times as long as a turn took one with regions twice as large must be able to take."""

FAR = 1.2
"""How far apart two sites are that share a class; they are nearer by the share that they share."""

AHEAD, STEP, LONGER, SHORTER, LONGEST, PATIENCE = 0.2, 0.5, 1.1, 0.7, 2.0, 4
"""How far ahead of the best bound a turn aims, of what is missing; how long a step is of that."""

LEAST = 0.01
"""Length of a step below which moving has come to an end."""

PRICE, TINY = 50.0, 1e-9
"""How much the price of the limit moves for what the costs of all sites do; no length."""

FRESH, FRESHEST, FADING = 0.02, 0.3, 0.97
"""How much the last turn counts in the mean of all: at least, at first, and how fast it falls."""


class Priced(NamedTuple):
    """
    A limit on sites whose price is part of their costs, and may change.

    Attributes
    ----------
    row
        (n_sites,) what each site takes of it.
    side
        How much there is.
    price
        Cost of one unit, at least 0.
    """

    row: NDArray[np.float64]
    side: float
    price: float


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
) -> float:
    """
    Return a bound on the cost of covering all rows, at least that of the duals.

    Each row belongs to a region. A site's cost is split between regions by the duals of its rows
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
    limit = limit or Priced(np.zeros(len(costs)), 0.0, 0.0)
    if losses is None:  # leaving a row costs as much as its cheapest site, which could cover it
        losses = np.minimum.reduceat(costs[rows.indices], rows.indptr[:-1])
    end, size, turns = max(effort.left() - limit_s, 0.0), A_REGION, TURNS
    split = _Split.of(rows, costs, np.clip(duals, 0.0, losses), losses, limit, size)
    with ThreadPoolExecutor(effort.threads) as pool:
        search = _Search(pool, effort, end)
        while True:
            took = search.better(split, goal, turns, enough)
            if turns == MANY or 2 * size > rows.shape[0] or enough(split.bound):
                return split.bound
            if LARGER * took > effort.left() - end:
                turns = MANY
                continue
            split, size, turns = split.joined(), 2 * size, turns // 16


class _Part(NamedTuple):
    """A region: its sites, classes and costs lost with them as lists, and the best sites known."""

    sites: NDArray[np.int64]
    region: Region
    best: NDArray[np.bool_]

    @classmethod
    def of(
        cls, rows: csr_array, losses: NDArray[np.float64], inside: NDArray[np.int64],
        best: NDArray[np.bool_],
    ) -> _Part:  # fmt: skip
        """Return the region of some rows, its sites at no cost yet."""
        sub = csr_array(rows[inside])
        sites = np.unique(sub.indices)
        sub = csr_array(sub[:, sites])
        return cls(sites, region_of(sub, np.zeros(len(sites)), losses[inside]), best[sites])


@dataclass
class _Split:
    """
    Rows in regions, and what a site costs in each of them.

    Attributes
    ----------
    rows, costs, losses, limit
        All rows by sites, what sites cost, what rows without one cost, and a limit on sites.
    region
        (n_rows,) region of each row.
    parts
        The regions.
    shares
        What each site of each region costs there.
    dearer
        What was added to the price of the limit.
    lows
        (n_regions,) proven: no choice in a region costs less, at these costs.
    bound
        The best bound so far.
    """

    rows: csr_array
    costs: NDArray[np.float64]
    losses: NDArray[np.float64]
    limit: Priced
    region: NDArray[np.int64]
    parts: list[_Part]
    shares: list[NDArray[np.float64]]
    dearer: float
    lows: NDArray[np.float64]
    bound: float = field(default=-np.inf)

    @classmethod
    def of(
        cls, rows: csr_array, costs: NDArray[np.float64], duals: NDArray[np.float64],
        losses: NDArray[np.float64], limit: Priced, size: int,
    ) -> _Split:  # fmt: skip
        """Return regions of about a size, costs being split by duals."""
        columns = csr_array(rows.T.tocsr())
        region = _regions(rows, columns, size)
        count = int(region.max()) + 1
        mass = csr_array(columns @ _gathered(duals, region, count))
        home, mass = np.asarray(mass.argmax(axis=1)).ravel(), csc_array(mass)
        over = np.maximum(costs - columns @ duals, 0.0)
        parts = _parts(rows, losses, region, np.zeros(rows.shape[1], dtype=bool))
        shares = [
            (mass[:, [k]].toarray().ravel() + np.where(home == k, over, 0.0))[part.sites]
            for k, part in enumerate(parts)
        ]
        lows = np.bincount(region, weights=duals, minlength=count).astype(np.float64)
        made = cls(rows, costs, losses, limit, region, parts, shares, 0.0, lows)
        made.bound = made.proven(lows, shares, 0.0)
        return made

    def proven(
        self, lows: NDArray[np.float64], shares: list[NDArray[np.float64]], dearer: float
    ) -> float:
        """Return the bound of all: what shares take beyond the costs of sites is taken off."""
        costs = self.costs + dearer * self.limit.row
        excess = np.minimum(costs - self.summed(shares), 0.0).sum()
        return float(lows.sum() + excess - dearer * self.limit.side)

    def summed(self, numbers: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return numbers of the sites of each region added up by site."""
        total = np.zeros(len(self.costs))
        for part, each in zip(self.parts, numbers, strict=True):
            total[part.sites] += each
        return total

    @cached_property
    def count(self) -> NDArray[np.float64]:
        """In how many regions each site is; 1 where in none."""
        return np.maximum(self.summed([np.ones(len(part.sites)) for part in self.parts]), 1.0)

    def moved(
        self, picked: list[NDArray[np.float64]], ahead: float
    ) -> tuple[list[NDArray[np.float64]], float]:
        """Return shares, and what is added to the price of the limit, that should bring so much."""
        mean = self.summed(picked) / self.count
        away = [each - mean[part.sites] for part, each in zip(self.parts, picked, strict=True)]
        short = float(self.limit.row @ mean) - self.limit.side
        scale = PRICE / max(float(self.limit.row @ self.limit.row), 1.0)
        length = sum(float(each @ each) for each in away) + scale * short * short
        far = ahead / max(length, TINY)
        dearer = max(self.dearer + far * scale * short, -self.limit.price)
        more = (dearer - self.dearer) * self.limit.row / self.count
        return [
            share + far * way + more[part.sites]
            for part, share, way in zip(self.parts, self.shares, away, strict=True)
        ], dearer

    def joined(self) -> _Split:
        """Return regions joined two by two, with the costs of both."""
        region, best = self.region // 2, np.zeros(len(self.costs), dtype=bool)
        for part in self.parts:
            best[part.sites[part.best]] = True
        parts = _parts(self.rows, self.losses, region, best)
        shares = []
        for k, part in enumerate(parts):
            taken = np.zeros(len(self.costs))
            for old in range(2 * k, min(2 * k + 2, len(self.parts))):
                taken[self.parts[old].sites] += self.shares[old]
            shares.append(taken[part.sites])
        lows = np.add.reduceat(self.lows, np.arange(0, len(self.lows), 2))
        return _Split(
            self.rows, self.costs, self.losses, self.limit, region, parts, shares, self.dearer,
            lows, self.bound,
        )  # fmt: skip


def _parts(
    rows: csr_array, losses: NDArray[np.float64], region: NDArray[np.int64],
    best: NDArray[np.bool_],
) -> list[_Part]:  # fmt: skip
    """Return the regions of rows."""
    order = np.argsort(region, kind="stable")
    first = np.searchsorted(region[order], np.arange(1, int(region.max()) + 1))
    return [_Part.of(rows, losses, inside, best) for inside in np.split(order, first)]


@dataclass(frozen=True)
class _Search:
    """Threads that search regions, until so many seconds are left."""

    pool: ThreadPoolExecutor
    effort: Effort
    end: float

    def better(
        self, split: _Split, goal: float, turns: int, enough: Callable[[float], bool]
    ) -> float:
        """
        Search all regions, then move costs between them and search again, some turns.

        Returns
        -------
        took
            Seconds of the last turn.
        """
        begun = self.effort.left()
        lows, picked = self._lows(split, split.shares)
        split.lows = np.maximum(split.lows, lows)
        split.bound = max(split.bound, split.proven(split.lows, split.shares, split.dearer))
        step, idle, took, last = STEP, 0, begun - self.effort.left(), split.bound
        for turn in range(1, turns + 1):
            if step < LEAST or enough(split.bound) or (begun := self.effort.left()) <= self.end:
                break
            ahead = step * AHEAD * max(goal - split.bound, 0.0)
            shares, dearer = split.moved(picked, ahead)
            lows, now = self._lows(split, shares)
            bound = split.proven(lows, shares, dearer)
            fresh = max(FRESH, FRESHEST * FADING**turn)
            picked = [(1 - fresh) * p + fresh * x for p, x in zip(picked, now, strict=True)]
            if bound > split.bound:
                split.bound, split.shares, split.dearer, split.lows = bound, shares, dearer, lows
                step, idle = min(LONGER * step, LONGEST), 0
            else:
                idle += 1
                if idle == PATIENCE:
                    step, idle = SHORTER * step, 0
            took = begun - self.effort.left()
            if turn % RECENT == 0 and turns != MANY:
                if split.bound - last < SLOW * (goal - split.bound):
                    break
                last = split.bound
        return took

    def _lows(
        self, split: _Split, shares: list[NDArray[np.float64]]
    ) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
        """Return a bound on each region, and the best sites in it as numbers."""
        halt = np.zeros(1, dtype=bool)

        def searched(k: int) -> float:
            part = split.parts[k]
            region = part.region._replace(cost=shares[k])
            return search_region(region, part.best, halt)

        order = sorted(range(len(shares)), key=lambda k: -len(split.parts[k].region.loss))
        futures = {k: self.pool.submit(searched, k) for k in order}
        try:
            wait(futures.values(), timeout=max(self.effort.left() - self.end, 0.0))
        finally:
            halt[0] = True
        lows = np.array([futures[k].result() for k in range(len(shares))])
        return lows, [part.best.astype(np.float64) for part in split.parts]


def _regions(rows: csr_array, columns: csr_array, size: int) -> NDArray[np.int64]:
    """Return the region of each row; those that share all digits but the last lie together."""
    n_rows, n_sites = rows.shape
    shared = csr_array(columns @ rows).tocoo()
    each = np.diff(columns.indptr)
    alike = shared.data / np.sqrt(each[shared.row] * each[shared.col])
    apart = csr_array((FAR - alike, (shared.row, shared.col)), shape=(n_sites, n_sites))
    part = np.zeros(n_sites, dtype=np.int64)
    for _ in range(round(np.log2(max(n_rows / size, 2.0)))):
        part = 2 * part
        for name in np.unique(part).tolist():
            inside = np.flatnonzero(part == name)
            part[inside[_far_half(csr_array(apart[inside][:, inside]))]] += 1
    most = csr_array((np.ones(n_sites), (np.arange(n_sites), part)))
    return np.asarray(csr_array(rows @ most).argmax(axis=1)).ravel().astype(np.int64)


def _far_half(apart: csr_array) -> NDArray[np.bool_]:
    """Return the half of some sites that is nearer to one end of them than to the other."""
    n = apart.shape[0]
    ends = 0
    for _ in range(2):
        away = _steps(apart, ends)
        ends = int(away.argmax())
    near = away - _steps(apart, ends)
    half = np.zeros(n, dtype=bool)
    half[np.argsort(near, kind="stable")[n // 2 :]] = True
    return half


def _steps(apart: csr_array, site: int) -> NDArray[np.float64]:
    """Return the way from one site to all, very long to those that nothing joins."""
    return np.asarray(np.minimum(dijkstra(apart, indices=site), 10.0 * apart.shape[0]))


def _gathered(duals: NDArray[np.float64], region: NDArray[np.int64], n: int) -> csr_array:
    """Return the dual of each row in the column of its region."""
    return csr_array((duals, (np.arange(len(duals)), region)), shape=(len(duals), n))
