"""p-center: the sites whose farthest demand point is nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from siting.classical.answer import ClassicalSolution, answer
from siting.classical.classes import merged
from siting.classical.core import covering
from siting.classical.effort import Effort, Progress
from siting.classical.faults import places, refuse
from siting.classical.maximal import read_p
from siting.classical.median import reaching
from siting.classical.pairs import Pairs, read_pairs, whole
from siting.errors import Fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["p_center"]


def p_center(
    distances: Any,
    *,
    p: int,
    time_limit_s: float = 300.0,
    gap: float = 0.0,
    threads: int = 2,
    random_seed: int = 0,
    progress: Progress | None = None,
) -> ClassicalSolution:
    """
    Return the p sites with the least distance from the worst served demand point to its nearest.

    Every demand point counts, also one without elders.

    Parameters
    ----------
    distances
        (n_sites, n_demand) metres from each site to each demand point, dense or sparse, as in
        ``set_covering``. A missing entry cannot be chosen: every point needs one of the p sites in
        reach.
    p
        Number of sites to open. Where fewer do as well, others fill it up.
    time_limit_s
        Seconds after which the best so far is returned with its bound.
    gap
        Relative gap at which to stop.
    threads, random_seed
        For the solver.
    progress
        Called now and then with the model, the gap so far and the seconds left.

    Returns
    -------
    solution
        Sites, the nearest open site of each demand point, the longest of these distances, proof.

    Raises
    ------
    InputError
        If the matrix or p is not what it should be, no site reaches some point, or more than p
        sites are needed to reach them all.
    UnsolvedError
        If time is over before p sites are found that reach them all, or the solver contradicts
        itself.

    References
    ----------
    Hakimi (1964); Minieka (1970): a search over distances, each a set covering.
    """
    effort = Effort.of("p_center", time_limit_s, gap, threads, random_seed, progress)
    faults: list[Fault] = []
    pairs = read_pairs(distances, "distances", faults)
    count = read_p(p, pairs.n_sites, faults)
    refuse(faults)
    missed = ~pairs.reached()
    if missed.any():
        refuse([Fault("classical_unreached_points", "distances", {}, places(missed))])
    search = _Search.of(pairs, count, reaching(pairs, count, effort), effort)
    search.narrow()
    sites = search.filled()
    allocation, metres = pairs.nearest(sites)
    exact = whole(pairs.metres)
    return answer(effort, sites, allocation, float(metres.max()), search.low, exact=exact)


@dataclass
class _Search:
    """
    Distances between which the least longest one lies.

    Attributes
    ----------
    pairs, p, effort
        What is asked.
    values
        Distances that occur, ascending.
    first, last
        Numbers of distances: every one below ``first`` is too short for p sites, and the best
        sites so far do with the one at ``last``.
    chosen
        The best sites so far.
    """

    pairs: Pairs
    p: int
    effort: Effort
    values: NDArray[np.float64]
    first: int
    last: int
    chosen: NDArray[np.int64]

    @classmethod
    def of(cls, pairs: Pairs, p: int, start: NDArray[np.bool_], effort: Effort) -> _Search:
        """Return a search from sites that reach every point; its nearest bounds each."""
        nearest = np.full(pairs.n_demand, np.inf)
        np.minimum.at(nearest, pairs.demand, pairs.metres)
        values = np.unique(pairs.metres)
        first = int(np.searchsorted(values, nearest.max()))
        made = cls(pairs, p, effort, values, first, len(values) - 1, np.flatnonzero(start))
        made.adopt(made.chosen)
        return made

    @property
    def low(self) -> float:
        """What is proven: no p sites do with less."""
        return float(self.values[self.first])

    def adopt(self, sites: NDArray[np.int64]) -> None:
        """Keep sites where their longest distance is no longer than the best so far."""
        reached = float(self.pairs.nearest(sites)[1].max())
        place = int(np.searchsorted(self.values, reached))
        if place <= self.last:
            self.chosen, self.last = sites, place

    def filled(self) -> NDArray[np.int64]:
        """Return the best sites so far, filled up to p."""
        taken = np.zeros(self.pairs.n_sites, dtype=bool)
        taken[self.chosen] = True
        others = np.flatnonzero(~taken)[: self.p - len(self.chosen)]
        return np.sort(np.concatenate([self.chosen, others]))

    def narrow(self) -> None:
        """
        Halve what lies between, first by greedy covers, then by relaxations, then by search.

        A distance that greedy choice or a relaxation does not decide counts, for that pass alone,
        as too short or as long enough; only what is decided moves the ends.
        """
        for looks in ("greedy", "relaxation", "search"):
            low, high = self.first, self.last
            while low < high:
                if self.effort.left() <= 0 or self._is_close():
                    return
                middle = (low + high) // 2
                decided = self._decide(middle, looks)
                self.effort.tell(float(self.values[self.last]), self.low)
                if decided is None and looks == "search":
                    return
                if decided if decided is not None else looks == "relaxation":
                    high = min(middle, self.last) if decided else middle
                else:
                    low = middle + 1
                low = max(low, self.first)

    def _is_close(self) -> bool:
        """Return whether the gap asked for is reached."""
        value = float(self.values[self.last])
        return value - self.low <= self.effort.gap * value

    def _decide(self, middle: int, looks: str) -> bool | None:
        """Return whether p sites do with a distance; None where that stays open."""
        within = self.pairs.within(float(self.values[middle]))
        made = covering(merged(within, np.ones(within.n_demand)), np.ones(within.n_sites))

        def decided() -> bool:
            return made.upper <= self.p or made.lower > self.p

        if looks == "relaxation":
            made.relax(self.effort, decided)
        elif looks == "search":
            made.improve(self.effort, decided)
        if made.upper <= self.p:
            self.adopt(made.chosen)
            return True
        if made.lower > self.p:
            self.first = max(self.first, middle + 1)
            return False
        return None
