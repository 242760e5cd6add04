"""Capacitated location: sites that can hold so many elders, their cost and the way to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from siting.classical.answer import ClassicalSolution, answer
from siting.classical.capacity_found import split_points, whole_points
from siting.classical.effort import Effort, Progress
from siting.classical.faults import amounts, places, refuse
from siting.classical.flow import one_site, refuse_overfull
from siting.classical.median import refuse_unreached, some_points
from siting.classical.pairs import Pairs, read_pairs, whole
from siting.errors import Fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["capacitated"]

SAME = 1e-9
"""How far room may be below the elders, relative, and still be enough: sums are rounded."""


def capacitated(
    elders: Any,
    distances: Any,
    capacities: Any,
    *,
    costs: Any,
    single_source: bool = False,
    time_limit_s: float = 300.0,
    gap: float = 0.0,
    threads: int = 2,
    random_seed: int = 0,
    progress: Progress | None = None,
) -> ClassicalSolution:
    """
    Return the sites with the least cost of opening them and of the way of all elders to them.

    The value is the cost of the open sites plus the sum of elders times distance. No site serves
    more elders than it can hold; the elders of one point may go to several sites.

    Parameters
    ----------
    elders
        (n_demand,) elders at each demand point, at least 0.
    distances
        (n_sites, n_demand) cost of the way of one elder, or metres, dense or sparse, as in
        ``set_covering``. A missing entry cannot be chosen.
    capacities
        (n_sites,) elders that each site can hold, at least 0.
    costs
        (n_sites,) cost of opening each site, at least 0, in the unit of elders times distance.
    single_source
        True: all elders of a point go to one site.
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
        Sites that serve someone, elders by site and point (with ``single_source`` the site of each
        point, -1 for a point without elders), value and proof.

    Raises
    ------
    InputError
        If the matrix or a number is not what it should be, no site reaches a point with elders, or
        the sites cannot hold all elders.
    UnsolvedError
        If time is over before anything is found, or the solver contradicts itself.

    References
    ----------
    Beasley (1988); Sridharan (1995); Goertz & Klose (2012).
    """
    effort = Effort.of("capacitated", time_limit_s, gap, threads, random_seed, progress)
    faults: list[Fault] = []
    pairs = read_pairs(distances, "distances", faults)
    weight = amounts(elders, "elders", pairs.n_demand, faults)
    room = amounts(capacities, "capacities", pairs.n_sites, faults)
    prices = amounts(costs, "costs", pairs.n_sites, faults)
    refuse(faults)
    _refuse_short(weight, room, single_source=single_source)
    refuse_unreached(pairs, weight)
    counted = weight > 0
    few = some_points(pairs, counted)
    find = whole_points if single_source else split_points
    found, low = find(few, weight[counted], room, prices, effort)
    flow = _spread(few, found, counted, pairs.n_demand)
    sites, value = _measured(pairs, weight, prices, flow)
    refuse_overfull(flow, weight, room, effort, all_served=True)
    exact = whole(weight, room, prices, pairs.metres) and whole(np.array([value]))
    allocation = one_site(flow) if single_source else flow
    return answer(effort, sites, allocation, value, low, exact=exact)


def _refuse_short(
    weight: NDArray[np.float64], room: NDArray[np.float64], *, single_source: bool
) -> None:
    """
    Refuse capacities that cannot hold all elders.

    Raises
    ------
    InputError
        With what there is and what is needed.
    """
    held, asked = float(room.sum()), float(weight.sum())
    if held < asked * (1.0 - SAME):
        refuse([Fault("classical_capacity", "capacities", {"found": held, "expected": asked})])
    large = weight > room.max()
    if single_source and large.any():
        most = float(room.max())
        refuse([Fault("classical_one_site", "capacities", {"found": most}, places(large))])


def _spread(
    few: Pairs, flow: NDArray[np.float64], counted: NDArray[np.bool_], n_demand: int
) -> csr_array:
    """Return the elders of each pair as a matrix over all demand points."""
    site = np.repeat(np.arange(few.n_sites), np.diff(few.start))
    point = np.flatnonzero(counted)[few.demand]
    used = flow > 0
    made = csr_array((flow[used], (site[used], point[used])), shape=(few.n_sites, n_demand))
    made.sort_indices()
    return made


def _measured(
    pairs: Pairs, weight: NDArray[np.float64], prices: NDArray[np.float64], flow: csr_array
) -> tuple[NDArray[np.int64], float]:
    """Return the sites that serve someone, and the value measured on what was given."""
    sites = np.flatnonzero(np.diff(flow.indptr) > 0)
    metres = csr_array(
        (pairs.metres, pairs.demand, pairs.start), shape=(pairs.n_sites, len(weight))
    )
    way = 0.0
    for each in sites.tolist():
        mine = slice(flow.indptr[each], flow.indptr[each + 1])
        there = slice(metres.indptr[each], metres.indptr[each + 1])
        place = np.searchsorted(metres.indices[there], flow.indices[mine])
        way += float(flow.data[mine] @ metres.data[there][place])
    return sites, float(prices[sites].sum()) + way
