"""p-center: the sites whose farthest demand point is nearest."""

from __future__ import annotations

from typing import Any

from siting.classical.answer import ClassicalSolution, answer
from siting.classical.center_search import center_of
from siting.classical.effort import Effort, Progress
from siting.classical.faults import places, refuse
from siting.classical.maximal import read_p
from siting.classical.median import reaching
from siting.classical.pairs import read_pairs, whole
from siting.errors import Fault

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
    Hakimi (1964); Minieka (1970): a search over distances, each a set covering; Chen & Chen (2009):
    covers of some points only, others added where they are missed.
    """
    effort = Effort.of("p_center", time_limit_s, gap, threads, random_seed, progress)
    faults: list[Fault] = []
    pairs = read_pairs(distances, "distances", faults)
    count = read_p(p, pairs.n_sites, faults)
    refuse(faults)
    missed = ~pairs.reached()
    if missed.any():
        refuse([Fault("classical_unreached_points", "distances", {}, places(missed))])
    search = center_of(pairs, count, reaching(pairs, count, effort), effort)
    search.narrow()
    sites = search.filled()
    allocation, metres = pairs.nearest(sites)
    exact = whole(pairs.metres)
    return answer(effort, sites, allocation, float(metres.max()), search.low, exact=exact)
