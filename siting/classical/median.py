"""p-median: the sites with the least elder-metres to the nearest of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from siting.classical.answer import ClassicalSolution, answer
from siting.classical.classes import merged
from siting.classical.core import covering
from siting.classical.cover_steps import improve
from siting.classical.effort import Effort, Progress
from siting.classical.faults import amounts, places, refuse
from siting.classical.maximal import read_p
from siting.classical.median_search import median_of
from siting.classical.median_tree import search
from siting.classical.pairs import Pairs, read_pairs, whole
from siting.errors import Fault, UnsolvedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["p_median", "reaching"]


def p_median(
    elders: Any,
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
    Return the p sites with the least sum of elders times distance to the nearest of them.

    Parameters
    ----------
    elders
        (n_demand,) elders at each demand point, at least 0.
    distances
        (n_sites, n_demand) metres from each site to each demand point, dense or sparse, as in
        ``set_covering``. A missing entry cannot be chosen: every point with elders needs one of
        the p sites in reach.
    p
        Number of sites to open.
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
        Sites, the nearest open site of each demand point, elder-metres and proof.

    Raises
    ------
    InputError
        If the matrix or a number is not what it should be, no site reaches a point with elders, or
        more than p sites are needed to reach them all.
    UnsolvedError
        If time is over before p sites are found that reach them all, or the solver contradicts
        itself.

    References
    ----------
    Hakimi (1964); Beasley (1985); Barahona & Anbil (2000).
    """
    effort = Effort.of("p_median", time_limit_s, gap, threads, random_seed, progress)
    faults: list[Fault] = []
    pairs = read_pairs(distances, "distances", faults)
    weight = amounts(elders, "elders", pairs.n_demand, faults)
    count = read_p(p, pairs.n_sites, faults)
    refuse(faults)
    counted = weight > 0
    refuse_unreached(pairs, weight)
    few, exact = some_points(pairs, counted), whole(weight, pairs.metres)
    exact = exact and whole(np.array([float(weight.sum()) * float(pairs.metres.max(initial=0.0))]))
    start = reaching(few, count, effort)
    median = median_of(few, weight[counted], count, start, effort, exact=exact)
    search(median)
    sites = np.flatnonzero(median.chosen)
    allocation, metres = pairs.nearest(sites)
    value = float(weight[counted] @ metres[counted])
    return answer(effort, sites, allocation, value, median.low, exact=exact)


def refuse_unreached(pairs: Pairs, weight: NDArray[np.float64]) -> None:
    """
    Refuse points with elders that no site reaches.

    Raises
    ------
    InputError
        With how many there are, and how many elders live there.
    """
    missed = (weight > 0) & ~pairs.reached()
    if missed.any():
        lost = float(weight[missed].sum())
        refuse([Fault("classical_unreached", "distances", {"elders": lost}, places(missed))])


def some_points(pairs: Pairs, kept: NDArray[np.bool_]) -> Pairs:
    """Return the pairs of some demand points, numbered anew."""
    if kept.all():
        return pairs
    mine = kept[pairs.demand]
    start = np.concatenate([[0], np.cumsum(mine)])[pairs.start]
    number = (np.cumsum(kept) - 1).astype(np.int32)
    return Pairs(start, number[pairs.demand[mine]], pairs.metres[mine], int(kept.sum()))


def reaching(pairs: Pairs, p: int, effort: Effort) -> NDArray[np.bool_]:
    """
    Return at most p sites that reach every point.

    Raises
    ------
    InputError
        If more sites are needed.
    UnsolvedError
        If time is over before it is known.
    """
    chosen = np.zeros(pairs.n_sites, dtype=bool)
    everywhere = np.diff(pairs.start) == pairs.n_demand
    if everywhere.any():
        chosen[np.flatnonzero(everywhere)[0]] = True
        return chosen
    made = covering(merged(pairs, np.ones(pairs.n_demand)), np.ones(pairs.n_sites))
    improve(made, effort, lambda: made.upper <= p or made.lower > p)
    if made.lower > p:
        refuse([Fault("classical_p_few", "p", {"found": p, "needed": int(made.lower)})])
    if made.upper > p:
        raise UnsolvedError.of("classical_time", effort.model, seconds=effort.spent())
    chosen[made.chosen] = True
    return chosen
