"""Whether p sites cover all of some classes: the fewest classes missed, by prices and a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from siting.classical.classes import merged_again
from siting.classical.core import covering
from siting.classical.dual_kernels import BOUND, HELD, Dual, Lists, ascend
from siting.classical.dual_tree import Tree, exploring
from siting.classical.weighting_kernels import weighted_swaps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.core import Covering
    from siting.classical.effort import Effort

__all__ = ["Attempt"]

ROUNDS, MOST_ROUNDS = 25, 300
FACTOR = 0.3
SURE = 1e-6
"""Least bound on the number of classes missed that counts as above 0."""

AIM, PRICED = 0.3, 1e-3
SWAPS_AT_ONCE, FEW_SWAPS = 10_000, 2500


@dataclass
class Attempt:
    """
    Whether some sites cover all classes: the fewest classes that p sites miss, by their prices.

    Attributes
    ----------
    made, p, sites
        What is to be covered, the sites that may be open, and those among which to choose.
    lists
        Sites of each class at no cost, and one more, always open, at a cost of 1: being missed.
    dual, state
        Prices, and which sites are ruled out or held.
    is_none
        Whether it is proven that p sites do not do.
    """

    made: Covering
    p: int
    sites: NDArray[np.int64]
    lists: Lists
    dual: Dual
    state: NDArray[np.int8]
    is_none: bool = False

    @classmethod
    def of(cls, made: Covering, p: int) -> Attempt:
        """Return an attempt to cover with p sites; more than there are stand for all of them."""
        rows, n = made.cover.by_class, made.cover.n_classes
        sites = np.flatnonzero(np.diff(made.cover.by_site.indptr) > 0)
        number = np.zeros(made.cover.n_sites, dtype=np.int32)
        number[sites] = np.arange(len(sites), dtype=np.int32)
        ends = rows.indptr[1:]
        site = np.insert(number[rows.indices], ends, np.int32(len(sites)))
        cost = np.insert(np.zeros(rows.nnz), ends, 1.0)
        lists = Lists(rows.indptr.astype(np.int64) + np.arange(n + 1), site, cost)
        state = np.zeros(len(sites) + 1, dtype=np.int8)
        state[-1] = HELD
        price, pace = np.full(n, 0.5), np.array([FACTOR, 0.0, 0.0, -np.inf, np.inf])
        dual = Dual(price, price.copy(), np.zeros(n), np.zeros(len(state)), pace)
        return cls(made, min(p, len(sites)), sites, lists, dual, state)

    def is_impossible(self, effort: Effort) -> bool:
        """Return whether prices alone prove that p sites miss a class."""
        done, on = 0, self.p >= 0
        best = np.zeros(len(self.state), dtype=bool)
        self.is_none = self.p < 0
        while on and done < MOST_ROUNDS and effort.left() > 0:
            on = ascend(self.lists, self.state, self.p + 1, self.dual, SURE, AIM, ROUNDS, best)[1]
            done += ROUNDS
        self.is_none = self.is_none or self.dual.pace[BOUND] >= SURE
        return self.is_none

    def shares(self) -> NDArray[np.float64]:
        """Return how often prices pick each site, 1 for those that are needed."""
        shares = np.zeros(self.made.cover.n_sites)
        shares[self.sites] = self.dual.mean[:-1]
        shares[self.made.needed] = 1.0
        return shares

    def swapped(
        self, effort: Effort, seed: NDArray[np.uint64], start: NDArray[np.int64], swaps: int
    ) -> NDArray[np.int64] | None:
        """Seek sites by swaps, from some given and those that prices pick most often."""
        rows, columns = self.made.cover.by_class, self.made.cover.by_site
        sites, weight = np.zeros(self.made.cover.n_sites, dtype=bool), np.ones(rows.shape[0])
        share = self.dual.mean[:-1] + np.isin(self.sites, start)
        sites[self.sites[np.argsort(-share, kind="stable")[: self.p]]] = True
        done = 0
        while done < swaps and effort.left() > 0:
            sites, missed = weighted_swaps(
                rows.indptr, rows.indices, columns.indptr, columns.indices, sites, weight, seed,
                min(SWAPS_AT_ONCE, swaps),
            )  # fmt: skip
            done += SWAPS_AT_ONCE
            if missed == 0:
                return np.flatnonzero(sites)
        return None

    def searched(
        self, effort: Effort, seed: NDArray[np.uint64], steps: int
    ) -> NDArray[np.int64] | None:
        """
        Seek sites part by part, until they are found, there are none, or steps run out.

        Only classes that have a price are looked at, as they are few and leave few sites that
        differ; those that are then missed are added.
        """
        cover, taken = self.made.cover, 0
        rows = np.zeros(cover.n_classes, dtype=bool)
        rows[self.dual.price > PRICED] = True
        ones, every = np.ones(cover.n_sites), np.ones(cover.n_sites, dtype=bool)
        while taken < steps and effort.left() > 0:
            made = covering(merged_again(cover, every, rows), ones)
            some = Attempt.of(made, self.p - len(made.needed))
            self.is_none = made.lower > self.p or some.is_impossible(effort)
            if self.is_none:
                return None
            picked = some.swapped(effort, seed, self.sites[:0], FEW_SWAPS)
            if picked is None:
                picked, more = some.branched(effort, steps - taken)
                taken += more
            self.is_none = some.is_none
            if picked is None:
                return None
            sites = np.sort(np.concatenate([made.needed, picked]))
            missed = ~cover.covered(sites)
            if not missed.any():
                return sites
            rows |= missed
        return None

    def branched(self, effort: Effort, steps: int) -> tuple[NDArray[np.int64] | None, int]:
        """Search all choices of sites; return some that cover all classes, and the steps taken."""
        tree = Tree(exploring(self.lists, self.p + 1), effort.threads)
        tree.push(float(self.dual.pace[BOUND]), self.state, self.dual.price)
        while tree.queue and tree.steps < steps and effort.left() > 0:
            for best in tree.look(SURE, AIM, 1.0 - SURE):
                return self.sites[np.flatnonzero(best[:-1])], tree.steps
        self.is_none = not tree.queue
        return None, tree.steps
