"""Set covering: the cheapest sites that reach every demand point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from siting.classical.answer import ClassicalSolution, answer
from siting.classical.classes import merged
from siting.classical.core import covering
from siting.classical.cover_steps import improve
from siting.classical.effort import Effort, Progress
from siting.classical.faults import LARGEST, amounts, number, places, refuse
from siting.classical.pairs import Pairs, read_pairs, whole
from siting.classical.straight import Near, StraightReach, read_coordinates
from siting.errors import Fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_covering", "read_reach", "set_covering"]


def set_covering(
    reach: Any,
    *,
    cutoff_m: float,
    costs: Any = None,
    time_limit_s: float = 300.0,
    gap: float = 0.0,
    threads: int = 2,
    random_seed: int = 0,
    progress: Progress | None = None,
) -> ClassicalSolution:
    """
    Return the cheapest sites, or the fewest, with one within a cutoff of every demand point.

    Every demand point counts, also one without elders. The value is the cost of the sites, their
    number where no costs are given.

    Parameters
    ----------
    reach
        (n_sites, n_demand) metres from each site to each demand point: a NumPy array, a SciPy
        sparse matrix or a ``Reach``; or a ``StraightReach`` with their coordinates. A missing entry
        of a sparse matrix and an infinite one of an array mean out of reach; an entry of 0 is a
        distance of 0.
    cutoff_m
        Longest distance that covers, in metres, inclusive.
    costs
        (n_sites,) cost of each site, at least 0; None: 1 each.
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
        Sites, the nearest open site of each demand point, value and proof.

    Raises
    ------
    InputError
        If the matrix or a number is not what it should be, or no site reaches some demand point.
    UnsolvedError
        If the solver contradicts itself.

    References
    ----------
    Toregas, Swain, ReVelle & Bergman (1971).
    """
    effort = Effort.of("set_covering", time_limit_s, gap, threads, random_seed, progress)
    faults: list[Fault] = []
    pairs = read_covering(reach, cutoff_m, faults)
    n = pairs.n_sites
    prices = np.ones(n) if costs is None else amounts(costs, "costs", n, faults)
    refuse(faults)
    missed = ~pairs.reached()
    if missed.any():
        refuse([Fault("classical_uncovered", "reach", {"cutoff": cutoff_m}, places(missed))])
    made = covering(merged(pairs, np.ones(pairs.n_demand)), prices)
    improve(made, effort)
    sites, value = made.chosen, _cost(prices, made.chosen)
    return answer(
        effort, sites, pairs.nearest(sites)[0], value, made.lower, exact=whole(prices),
        reductions=made.reductions,
    )  # fmt: skip


def _cost(costs: NDArray[np.float64], sites: NDArray[np.int64]) -> float:
    """Return what sites cost."""
    return float(costs[sites].sum())


def read_covering(reach: Any, cutoff_m: Any, faults: list[Fault]) -> Pairs | Near:
    """
    Return what is within a cutoff, pairs or coordinates; what is wrong is added to the faults.

    Parameters
    ----------
    reach
        Matrix of metres, or a ``StraightReach``.
    cutoff_m
        Longest distance, inclusive.
    faults
        What was found so far.
    """
    if not isinstance(reach, StraightReach):
        return read_reach(reach, cutoff_m, faults)
    near = read_coordinates(reach, "reach", faults)
    known = len(faults)
    cutoff = number(cutoff_m, "cutoff_m", "≥ 0", faults, low=0.0, high=LARGEST)
    made = Near(near.sites, near.points, cutoff)
    if not faults and len(faults) == known and not made.reached().any():
        least = f"{made.least():g}"
        faults.append(Fault("classical_cutoff", "cutoff_m", {"found": cutoff_m, "least": least}))
    return made


def read_reach(reach: Any, cutoff_m: Any, faults: list[Fault]) -> Pairs:
    """
    Return the pairs within a cutoff; what is wrong is added to the faults.

    Parameters
    ----------
    reach
        Matrix of metres.
    cutoff_m
        Longest distance, inclusive.
    faults
        What was found so far.
    """
    pairs = read_pairs(reach, "reach", faults)
    known = len(faults)
    cutoff = number(cutoff_m, "cutoff_m", "≥ 0", faults, low=0.0, high=np.finfo(float).max)
    if known or len(faults) > known:
        return pairs
    within = pairs.within(cutoff)
    if len(within.demand) == 0:
        least = float(pairs.metres.min()) if len(pairs.metres) else None
        shown = "–" if least is None else f"{least:g}"
        faults.append(Fault("classical_cutoff", "cutoff_m", {"found": cutoff_m, "least": shown}))
    return within
