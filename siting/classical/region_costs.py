"""Rows of a cover in regions, what each site costs in each, and what that proves of all."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csc_array, csr_array, vstack

from siting.classical.tables import region_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.regions import Groups
    from siting.classical.simplex_kernels import Region

__all__ = ["Inequalities", "Priced", "Split"]

PRICE, TINY = 50.0, 1e-9
"""How much the price of the limit moves for what the costs of all sites do; no length."""

KEPT = 20
"""Turns, the last that raised the bound, of which inequalities are kept."""


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


class Inequalities(NamedTuple):
    """
    What every cover keeps to: at least so much of the sites of a region, each at its cost there.

    Attributes
    ----------
    rows
        (n, n_sites) sparse.
    sides
        (n,) least.
    """

    rows: csr_array
    sides: NDArray[np.float64]


class Part(NamedTuple):
    """A region: its sites, classes and costs lost with them as lists, and the best sites known."""

    sites: NDArray[np.int64]
    region: Region
    best: NDArray[np.bool_]

    @classmethod
    def of(
        cls, rows: csr_array, losses: NDArray[np.float64], inside: NDArray[np.int64],
        best: NDArray[np.bool_],
    ) -> Part:  # fmt: skip
        """Return the region of some rows, its sites at no cost yet."""
        sub = csr_array(rows[inside])
        sites = np.unique(sub.indices)
        sub = csr_array(sub[:, sites])
        return cls(sites, region_of(sub, np.zeros(len(sites)), losses[inside]), best[sites])


@dataclass
class Split:
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
    kept
        Inequalities of the last turns that raised it.
    """

    rows: csr_array
    costs: NDArray[np.float64]
    losses: NDArray[np.float64]
    limit: Priced
    region: NDArray[np.int64]
    parts: list[Part]
    shares: list[NDArray[np.float64]]
    dearer: float
    lows: NDArray[np.float64]
    bound: float = field(default=-np.inf)
    kept: deque[Inequalities] = field(default_factory=lambda: deque(maxlen=KEPT))

    @classmethod
    def of(
        cls, rows: csr_array, costs: NDArray[np.float64], duals: NDArray[np.float64],
        losses: NDArray[np.float64], limit: Priced, groups: Groups,
    ) -> Split:  # fmt: skip
        """Return regions of some groups of rows, costs being split by duals."""
        count = len(groups)
        region = np.empty(rows.shape[0], dtype=np.int64)
        region[np.concatenate(groups)] = np.repeat(np.arange(count), [len(g) for g in groups])
        mass = csr_array(rows.T @ _gathered(duals, region, count))
        home, mass = np.asarray(mass.argmax(axis=1)).ravel(), csc_array(mass)
        over = np.maximum(costs - rows.T @ duals, 0.0)
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

    @property
    def meeting(self) -> float:
        """In how many regions a site is in the mean."""
        return float(self.count.mean())

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

    def raised(
        self, bound: float, shares: list[NDArray[np.float64]], dearer: float,
        lows: NDArray[np.float64],
    ) -> None:  # fmt: skip
        """Keep a better bound, what sites cost for it, and the inequalities that prove it."""
        self.bound, self.shares, self.dearer, self.lows = bound, shares, dearer, lows
        sites = np.concatenate([part.sites for part in self.parts])
        first = np.cumsum([0, *(len(part.sites) for part in self.parts)])
        shape = len(self.parts), len(self.costs)
        held = csr_array((np.concatenate(shares), sites, first), shape=shape)
        self.kept.appendleft(Inequalities(held, lows))

    def inequalities(self) -> Inequalities:
        """Return the inequalities that are kept, the last first."""
        if not self.kept:
            return Inequalities(csr_array((0, len(self.costs))), np.empty(0))
        sides = np.concatenate([each.sides for each in self.kept])
        return Inequalities(csr_array(vstack([each.rows for each in self.kept])), sides)

    def joined(self) -> Split:
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
        return Split(
            self.rows, self.costs, self.losses, self.limit, region, parts, shares, self.dearer,
            lows, self.bound, self.kept,
        )  # fmt: skip


def _parts(
    rows: csr_array, losses: NDArray[np.float64], region: NDArray[np.int64],
    best: NDArray[np.bool_],
) -> list[Part]:  # fmt: skip
    """Return the regions of rows."""
    order = np.argsort(region, kind="stable")
    first = np.searchsorted(region[order], np.arange(1, int(region.max()) + 1))
    return [Part.of(rows, losses, inside, best) for inside in np.split(order, first)]


def _gathered(duals: NDArray[np.float64], region: NDArray[np.int64], n: int) -> csr_array:
    """Return the dual of each row in the column of its region."""
    return csr_array((duals, (np.arange(len(duals)), region)), shape=(len(duals), n))
