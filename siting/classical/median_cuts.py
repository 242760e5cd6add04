"""The p-median bounded by cuts on sorted distances, and searched with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack
from scipy.sparse import eye_array as unit_matrix

from siting.classical.answer import rounded_up, step_below
from siting.classical.median_kernels import cut_terms, interchange, levels, take
from siting.classical.program import Program
from siting.classical.tree import branch, snapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.effort import Effort
    from siting.classical.pairs import Pairs
    from siting.classical.program import Relaxed

__all__ = ["Median", "median_of", "search"]

MOST_TERMS = 6000
"""Points up to which each has a number of its own; more are gathered by their nearest site."""

ROUNDS = 200
SWAPS = 10_000
HALF = 0.5
STALLED = 5
TRY_EVERY = 5
LITTLE = 1e-4
SLIP, TINY = 1e-7, 1e-10
"""How much too little may be claimed for a term where sites are open in part, and where whole."""


@dataclass
class Median:
    """
    A p-median problem with the best sites and bound so far.

    Attributes
    ----------
    pairs
        Sites and the points with elders that they reach.
    start, site, metres
        CSR by point: sites, nearest first, and their distances.
    elders
        (n,) elders of each point, above 0.
    p
        Number of sites to open.
    exact
        Whether every value is whole.
    chosen
        (n_sites,) the best sites so far; every point is reached.
    low
        Proven: no choice is below it.
    free, held
        (n_sites,) sites that may still be in a better choice, and those that every one has.
    """

    pairs: Pairs
    start: NDArray[np.int64]
    site: NDArray[np.int32]
    metres: NDArray[np.float64]
    elders: NDArray[np.float64]
    p: int
    exact: bool
    chosen: NDArray[np.bool_]
    low: float
    free: NDArray[np.bool_]
    held: NDArray[np.bool_]

    @property
    def far_m(self) -> float:
        """What stands for the distance to no site in a heuristic: more than any distance."""
        return 10.0 * float(self.metres.max(initial=0.0)) + 1.0

    def value(self, chosen: NDArray[np.bool_]) -> float:
        """Return elder-metres to the nearest open site; infinite where one is not reached."""
        metres = self.pairs.nearest(np.flatnonzero(chosen))[1]
        return float(self.elders @ metres)

    @property
    def best(self) -> float:
        """Elder-metres of the best sites so far."""
        return self.value(self.chosen)

    def adopt(self, chosen: NDArray[np.bool_]) -> None:
        """Keep p sites where they are better than the best so far."""
        if int(chosen.sum()) == self.p and self.value(chosen) < self.best:
            self.chosen = chosen.copy()

    def raise_bound(self, bound: float) -> None:
        """Keep a bound where it is better than the best so far."""
        self.low = max(self.low, rounded_up(bound) if self.exact else bound)

    def is_close(self, gap: float) -> bool:
        """Return whether the best so far is proven, or within the gap asked for."""
        return self.best - self.low <= gap * self.best

    def improve(self, given: NDArray[np.bool_]) -> None:
        """Complete sites, swap, and keep the best."""
        by_site = (self.pairs.start, self.pairs.demand, self.pairs.metres)
        full = take(*by_site, self.elders, self.far_m, given, self.p)
        self.adopt(full)
        swapped = interchange(
            self.start, self.site, self.metres, *by_site, self.elders, self.far_m,
            np.ones(len(given), dtype=bool), full, SWAPS,
        )  # fmt: skip
        self.adopt(swapped)


def median_of(
    pairs: Pairs, elders: NDArray[np.float64], p: int, start: NDArray[np.bool_], *, exact: bool
) -> Median:
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
    exact
        Whether every value is whole.
    """
    by_demand = pairs.by_demand()
    n = pairs.n_sites
    low = float(elders @ by_demand[2][by_demand[0][:-1]]) if len(elders) else 0.0
    median = Median(
        pairs, *by_demand, elders, p, exact, start, low, np.ones(n, dtype=bool),
        np.zeros(n, dtype=bool),
    )  # fmt: skip
    by_site = (pairs.start, pairs.demand, pairs.metres)
    median.chosen = take(*by_site, elders, median.far_m, start, p)
    return median


def search(median: Median, effort: Effort) -> None:
    """
    Search until the best is proven or time is over.

    Greedy choice and interchange give the start. Cuts bound it in the relaxation; what their
    reduced costs rule out is left aside, and the rest is searched and cut again and again.
    """
    median.improve(np.zeros(len(median.free), dtype=bool))
    median.improve(median.chosen)
    effort.tell(median.best, median.low)
    if median.is_close(effort.gap) or effort.left() <= 0:
        return
    cuts = Cuts(median, effort)
    _relaxed_cuts(cuts, effort)
    if not median.is_close(effort.gap) and effort.left() > 0:
        branch(cuts, median.pairs.n_sites, effort)


class Cuts:
    """Sites and one number for the elder-metres of each term, and the cuts between them."""

    def __init__(self, median: Median, effort: Effort) -> None:
        self.median, self.effort = median, effort
        n, deg = len(median.elders), np.diff(median.start)
        sure = median.pairs.n_sites - median.p + 1
        last = median.start[:-1] + np.minimum(deg, sure) - 1
        self.farthest = median.metres[last]
        nearest = median.site[median.start[:-1]]
        few = n <= MOST_TERMS
        self.term = np.arange(n) if few else np.unique(nearest, return_inverse=True)[1]
        self.n_terms = int(self.term.max()) + 1
        low, high = self._sum(median.metres[median.start[:-1]]), self._sum(self.farthest)
        self.unit = max(float(high.sum()) / 1000.0, 1e-12)
        sites = median.pairs.n_sites
        self.program = Program(
            np.concatenate([np.zeros(sites), np.ones(self.n_terms)]),
            np.concatenate([np.zeros(sites), low / self.unit]),
            np.concatenate([np.ones(sites), high / self.unit]),
            effort,
        )
        self._first_rows(deg < sure)
        self.cut(median.chosen.astype(np.float64), None)

    def _sum(self, metres: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return elder-metres by term."""
        weight = metres * self.median.elders
        return np.bincount(self.term, weights=weight, minlength=self.n_terms).astype(np.float64)

    def _first_rows(self, unsure: NDArray[np.bool_]) -> None:
        """Add that p sites are open, and that each point has one where p alone do not say so."""
        median, sites = self.median, self.median.pairs.n_sites
        row = np.concatenate([np.ones(sites), np.zeros(self.n_terms)])
        self.program.add(csr_array(row[None, :]), np.array([median.p]), np.array([median.p]))
        points = np.flatnonzero(unsure)
        shape = (len(median.elders), sites + self.n_terms)
        ones = np.ones(len(median.site))
        rows = csr_array((ones, median.site, median.start), shape=shape)[points]
        self.program.add(rows, np.ones(len(points)), np.full(len(points), np.inf))
        self.n_first = 1 + len(points)

    def cut(self, chosen: NDArray[np.float64], claimed: NDArray[np.float64] | None) -> int:
        """
        Add the cuts that sites and claimed elder-metres violate; return how many.

        With D the distance at which the sites taken first add up to 1, a point's distance is at
        least D - Σ (D - d_j) y_j over the sites nearer than D: true for every choice y, and tight
        at this one (Duran-Mateluna, Ales & Elloumi 2023).
        """
        median = self.median
        lists = (median.start, median.site, median.metres)
        level, mean = levels(*lists, self.farthest, chosen)
        if claimed is None:
            wrong = np.ones(self.n_terms, dtype=bool)
        else:
            slip = TINY if (chosen == np.rint(chosen)).all() else SLIP
            wrong = self._sum(mean) / self.unit > claimed + slip * (1.0 + claimed)
        count = int(wrong.sum())
        wanted = np.flatnonzero(wrong[self.term])
        terms = cut_terms(*lists, median.elders, level, wanted)
        sites = median.pairs.n_sites
        saved = csr_array((terms[2], terms[1], terms[0]), shape=(len(wanted), sites))
        place = np.cumsum(wrong) - 1
        gather = csr_array(
            (np.ones(len(wanted)), (place[self.term[wanted]], np.arange(len(wanted)))),
            shape=(count, len(wanted)),
        )
        term = csr_array(unit_matrix(self.n_terms, format="csr"))[np.flatnonzero(wrong)]
        rows = csr_array(hstack([csr_array(gather @ saved) / self.unit, term], format="csr"))
        side = self._sum(level)[wrong] / self.unit
        self.program.add(rows, side, np.full(count, np.inf))
        return count

    def is_violated(self, chosen: NDArray[np.float64], claimed: NDArray[np.float64]) -> bool:
        """Return whether sites reach more elder-metres than is claimed."""
        median = self.median
        lists = (median.start, median.site, median.metres)
        reached = self._sum(levels(*lists, self.farthest, chosen)[1]) / self.unit
        return float(reached.sum()) > float(claimed.sum()) * (1 + 1e-7)

    def split(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return sites and terms of values."""
        sites = self.median.pairs.n_sites
        return snapped(values[:sites]), values[sites:]

    def cut_at(self, relaxed: Relaxed) -> int:
        """Add the cuts that the relaxation violates; return how many."""
        return self.cut(*self.split(relaxed.values))

    def try_sites(self, chosen: NDArray[np.float64]) -> None:
        """Take the p sites that the relaxation opens most, and swap."""
        order = np.argsort(-chosen, kind="stable")[: self.median.p]
        start = np.zeros(len(chosen), dtype=bool)
        start[order[chosen[order] > LITTLE]] = True
        self.median.improve(start)
        self.effort.tell(self.median.best, self.median.low)

    def goal(self) -> float:
        """Return the value, as the program counts, at which a node holds nothing better."""
        best = self.median.best
        return (best - step_below(best, exact=self.median.exact)) / self.unit

    def is_over(self, bound: float) -> bool:
        """Return whether the best is within the gap asked for if this bounds all that is left."""
        best = self.median.best
        return bound >= self.goal() or best - bound * self.unit <= self.effort.gap * best

    def keep_bound(self, bound: float) -> None:
        """Keep a bound on what is left: what was ruled out is no better than the goal."""
        self.median.raise_bound(min(bound, self.goal()) * self.unit)
        self.effort.tell(self.median.best, self.median.low)


def _relaxed_cuts(cuts: Cuts, effort: Effort) -> None:
    """Bound by cuts, round, and rule sites out, until little changes."""
    median = cuts.median
    core = median.chosen.astype(np.float64)
    last, stalled, relaxed = -np.inf, 0, None
    for turn in range(ROUNDS):
        if effort.left() <= 0 or median.is_close(effort.gap):
            return
        new = cuts.program.relax(effort.left())
        if new is None:
            break
        relaxed = new
        median.raise_bound(relaxed.bound * cuts.unit)
        chosen, claimed = cuts.split(relaxed.values)
        if turn % TRY_EVERY == 0:
            cuts.try_sites(chosen)
        if not cuts.is_violated(chosen, claimed):
            break
        added = cuts.cut(HALF * chosen + HALF * core, claimed) or cuts.cut(chosen, claimed)
        core = HALF * core + HALF * chosen
        stalled = stalled + 1 if relaxed.bound - last < LITTLE * abs(last) else 0
        last = max(last, relaxed.bound)
        if not added or stalled > STALLED:
            break
    if relaxed is not None:
        cuts.try_sites(cuts.split(relaxed.values)[0])
        _rule_out(cuts, relaxed)


def _rule_out(cuts: Cuts, relaxed: Relaxed) -> None:
    """Rule out sites, or hold them, where the bound shows that no better choice differs."""
    median = cuts.median
    room = cuts.goal() - relaxed.bound
    reduced = relaxed.reduced[: median.pairs.n_sites]
    median.free &= ~(reduced > room)
    median.held |= (reduced < -room) & median.free
    cuts.program.fix(np.flatnonzero(~median.free), 0.0)
    cuts.program.fix(np.flatnonzero(median.held), 1.0)
    cuts.program.keep_rows(_lasting(cuts, relaxed))


def _lasting(cuts: Cuts, relaxed: Relaxed) -> NDArray[np.bool_]:
    """Return the rows worth keeping: those near to tight, and what is no cut."""
    kept = cuts.program.slack(relaxed.values) < LITTLE
    kept[: cuts.n_first] = True
    return kept
