"""Capacitated maximal covering: the most elders for whom p sites have room within a cutoff."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from siting.classical.answer import ClassicalSolution, answer
from siting.classical.classes import merged
from siting.classical.covering import read_reach
from siting.classical.effort import Effort, Progress
from siting.classical.faults import amounts, refuse
from siting.classical.fill import Task, search
from siting.classical.flow import one_site, refuse_overfull
from siting.classical.maximal import read_p
from siting.classical.pairs import Pairs, whole
from siting.errors import Fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["capacitated_maximal_covering"]


def capacitated_maximal_covering(
    elders: Any,
    reach: Any,
    capacities: Any,
    *,
    cutoff_m: float,
    p: int,
    already_open: Any = (),
    single_source: bool = False,
    time_limit_s: float = 300.0,
    gap: float = 0.0,
    threads: int = 2,
    random_seed: int = 0,
    progress: Progress | None = None,
) -> ClassicalSolution:
    """
    Return the p sites that have room for most elders within a cutoff.

    The value is the number of elders that are served. No site serves more than it can hold, and
    none farther away than the cutoff; the elders of one point may go to several sites, and some of
    them to none.

    Parameters
    ----------
    elders
        (n_demand,) elders at each demand point, at least 0.
    reach
        (n_sites, n_demand) metres from each site to each demand point, dense or sparse, as in
        ``set_covering``.
    capacities
        (n_sites,) elders that each site can hold, at least 0.
    cutoff_m
        Longest distance within which a site serves, in metres, inclusive.
    p
        Number of sites to open beside those already open. Where fewer do as well, others fill it
        up.
    already_open
        Row numbers of sites that are open anyway; they serve too.
    single_source
        True: all elders of a point go to one site, or none of them is served.
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
        Sites, those already open among them; elders by site and point (with ``single_source`` the
        site of each point, -1 where it has none); elders served and proof.

    Raises
    ------
    InputError
        If the matrix or a number is not what it should be, or nothing is within the cutoff.
    UnsolvedError
        If the solver contradicts itself.

    References
    ----------
    Current & Storbeck (1988); Pirkul & Schilling (1991).
    """
    effort = Effort.of(
        "capacitated_maximal_covering", time_limit_s, gap, threads, random_seed, progress
    )
    faults: list[Fault] = []
    pairs = read_reach(reach, cutoff_m, faults)
    weight = amounts(elders, "elders", pairs.n_demand, faults)
    room = amounts(capacities, "capacities", pairs.n_sites, faults)
    stands = _rows(already_open, pairs.n_sites, faults)
    count = read_p(p, int((~stands).sum()), faults)
    refuse(faults)
    task = _task(pairs, weight, room, stands, count, single_source=single_source)
    search(task, effort)
    flow = _spread(task, pairs, weight)
    refuse_overfull(flow, weight, room, effort, all_served=False)
    others = np.flatnonzero(~task.chosen)[: count - int((task.chosen & ~stands).sum())]
    sites = np.sort(np.concatenate([np.flatnonzero(task.chosen), others]))
    served = task.flow.sum() if not single_source else weight[flow.sum(axis=0) > 0].sum()
    allocation = one_site(flow) if single_source else flow
    return answer(effort, sites, allocation, float(served), -task.low, exact=task.exact)


def _rows(given: Any, n_sites: int, faults: list[Fault]) -> NDArray[np.bool_]:
    """Return which sites are named by row number; what is wrong is added to the faults."""
    named = np.zeros(n_sites, dtype=bool)
    try:
        rows = np.asarray(given).ravel()
        wrong = rows.size > 0 and (
            rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= n_sites
        )
    except (TypeError, ValueError):
        rows, wrong = np.empty(0), True
    if wrong:
        shown = ", ".join(map(str, rows.tolist()[:5])) or type(given).__name__
        values = {"expected": f"0 … {n_sites - 1}", "found": shown}
        faults.append(Fault("classical_number", "already_open", values))
    else:
        named[rows.astype(np.int64)] = True
    return named


def _task(
    pairs: Pairs, weight: NDArray[np.float64], room: NDArray[np.float64],
    stands: NDArray[np.bool_], p: int, *, single_source: bool,
) -> Task:  # fmt: skip
    """
    Return what is searched: points with the same sites as one where they may be split.

    With ``single_source`` every point stands for itself, and a pair of more elders than the site
    can hold is left out.
    """
    exact = whole(weight, room) if not single_source else whole(weight)
    if single_source:
        group = np.arange(pairs.n_demand)
        site = np.repeat(np.arange(pairs.n_sites), np.diff(pairs.start))
        fits = (weight[pairs.demand] > 0) & (weight[pairs.demand] <= room[site])
        return Task(weight, site[fits], group[pairs.demand[fits]], group, room, stands, p, exact,
                    single_source)  # fmt: skip
    cover = merged(pairs, weight)
    matrix = cover.by_site.tocoo()
    fits = (cover.weight[matrix.col] > 0) & (room[matrix.row] > 0)
    return Task(
        cover.weight, matrix.row[fits].astype(np.int64), matrix.col[fits].astype(np.int64),
        cover.group, room, stands, p, exact, single_source,
    )  # fmt: skip


def _spread(task: Task, pairs: Pairs, weight: NDArray[np.float64]) -> csr_array:
    """Return the elders of each pair of site and point: a class's are shared by its points."""
    flow = csr_array((task.flow, (task.site, task.group)), shape=(pairs.n_sites, len(task.weight)))
    inside = (task.of_point >= 0) & (weight > 0)
    of = task.of_point[inside]
    share = csr_array(
        (weight[inside] / task.weight[of], (of, np.flatnonzero(inside))),
        shape=(len(task.weight), pairs.n_demand),
    )
    made = csr_array(flow @ share)
    made.eliminate_zeros()
    made.sort_indices()
    return made
