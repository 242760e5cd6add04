"""Maximal covering, most elders for a number of sites or money; partial set covering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from siting.classical.answer import ClassicalSolution, Reduction, answer
from siting.classical.classes import merged, merged_again
from siting.classical.core import covering
from siting.classical.cover_steps import improve
from siting.classical.covering import read_covering
from siting.classical.effort import Effort, Progress
from siting.classical.faults import amounts, number, refuse
from siting.classical.master import search
from siting.classical.pairs import whole
from siting.classical.task import Task
from siting.errors import Fault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.classes import Cover

__all__ = ["maximal_covering", "partial_set_covering", "read_p"]

ENOUGH = 1e-9
"""How far the elders covered may stay below the share asked for, relative to all elders."""


def maximal_covering(
    elders: Any,
    reach: Any,
    *,
    cutoff_m: float,
    p: int | None = None,
    budget: float | None = None,
    costs: Any = None,
    time_limit_s: float = 300.0,
    gap: float = 0.0,
    threads: int = 2,
    random_seed: int = 0,
    progress: Progress | None = None,
) -> ClassicalSolution:
    """
    Return the sites, so many or for so much money, that cover most elders within a cutoff.

    Parameters
    ----------
    elders
        (n_demand,) elders at each demand point, at least 0.
    reach
        (n_sites, n_demand) metres from each site to each demand point, dense or sparse, as in
        ``set_covering``.
    cutoff_m
        Longest distance that covers, in metres, inclusive.
    p
        Number of sites to open. Where fewer cover as much, others fill it up.
    budget
        Most that the sites may cost together, in place of ``p``.
    costs
        (n_sites,) cost of each site, at least 0; only with ``budget``. None: 1 each.
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
        Sites, the nearest open site within the cutoff of each demand point, elders covered, proof.

    Raises
    ------
    InputError
        If the matrix or a number is not what it should be, or nothing is within the cutoff.
    UnsolvedError
        If the solver contradicts itself.

    References
    ----------
    Church & ReVelle (1974); Cordeau, Furini & Ljubic (2019).
    """
    effort = Effort.of("maximal_covering", time_limit_s, gap, threads, random_seed, progress)
    faults: list[Fault] = []
    pairs = read_covering(reach, cutoff_m, faults)
    n = pairs.n_sites
    weight = amounts(elders, "elders", pairs.n_demand, faults)
    prices, money = _money(p, budget, costs, n, faults)
    refuse(faults)
    cover = merged(pairs, weight)
    affordable = prices <= money
    task = Task(
        cover, prices, money, None, whole(weight), np.zeros(n, dtype=bool),
        -float(cover.weight.sum()), affordable.copy(),
    )  # fmt: skip
    search(task, effort)
    sites = np.flatnonzero(task.chosen)
    if p is not None:
        others = np.flatnonzero(~task.chosen)[: int(p) - len(sites)]
        sites = np.sort(np.concatenate([sites, others]))
    allocation = pairs.nearest(sites)[0]
    value = float(weight[allocation >= 0].sum())
    return answer(
        effort, sites, allocation, value, -task.low, exact=whole(weight),
        reductions=_noted(cover, affordable, task.spare),
    )  # fmt: skip


def _noted(cover: Cover, allowed: NDArray[np.bool_], spare: int) -> tuple[Reduction, ...]:
    """Return what merging points and leaving needless sites out took away."""
    merged_away = int((cover.group >= 0).sum()) - cover.n_classes
    dear = int((~allowed).sum())
    noted = (
        Reduction("equal", 1, merged_away, 0),
        Reduction("dear", 1, 0, dear),
        Reduction("columns", 1, 0, spare),
    )
    return tuple(each for each in noted if each.classes or each.sites)


def read_p(p: Any, n_sites: int, faults: list[Fault]) -> int:
    """
    Return a number of sites to open; what is wrong with it is added to the faults.

    Parameters
    ----------
    p
        What is given.
    n_sites
        Number of sites that there are.
    faults
        What was found so far.
    """
    known = len(faults)
    given = number(p, "p", "1, 2, 3 …", faults, low=1, high=float(2**62), whole=True)
    if len(faults) == known and given > n_sites:
        faults.append(Fault("classical_p_above", "p", {"found": p, "sites": n_sites}))
    return int(given)


def _money(
    p: Any, budget: Any, costs: Any, n: int, faults: list[Fault]
) -> tuple[NDArray[np.float64], float]:
    """Return the cost of each site and what they may cost together."""
    prices = np.ones(n) if costs is None else amounts(costs, "costs", n, faults)
    if (p is None) == (budget is None) or (p is not None and costs is not None):
        faults.append(Fault("classical_p_or_budget", "p"))
        return prices, 1.0
    if budget is None:
        return prices, float(read_p(p, n, faults))
    known = len(faults)
    money = number(budget, "budget", "≥ 0", faults, low=0.0, high=np.finfo(float).max)
    if len(faults) == known and money < prices.min():
        least = f"{prices.min():g}"
        faults.append(Fault("classical_budget", "budget", {"found": budget, "least": least}))
    return prices, money


def partial_set_covering(
    elders: Any,
    reach: Any,
    *,
    cutoff_m: float,
    share: float,
    costs: Any = None,
    time_limit_s: float = 300.0,
    gap: float = 0.0,
    threads: int = 2,
    random_seed: int = 0,
    progress: Progress | None = None,
) -> ClassicalSolution:
    """
    Return the fewest or cheapest sites that cover a share of the elders within a cutoff.

    Parameters
    ----------
    elders
        (n_demand,) elders at each demand point, at least 0.
    reach
        (n_sites, n_demand) metres from each site to each demand point, dense or sparse, as in
        ``set_covering``.
    cutoff_m
        Longest distance that covers, in metres, inclusive.
    share
        Share of all elders to cover, above 0 and at most 1; reached to 1e-9 of all elders.
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
        Sites, the nearest open site within the cutoff of each demand point, their cost, proof.

    Raises
    ------
    InputError
        If the matrix or a number is not what it should be, or all sites together cover less.
    UnsolvedError
        If the solver contradicts itself.

    References
    ----------
    Daskin & Owen (1999); Cordeau, Furini & Ljubic (2019).
    """
    effort = Effort.of("partial_set_covering", time_limit_s, gap, threads, random_seed, progress)
    faults: list[Fault] = []
    pairs = read_covering(reach, cutoff_m, faults)
    n = pairs.n_sites
    weight = amounts(elders, "elders", pairs.n_demand, faults)
    part = number(share, "share", "0 < share ≤ 1", faults, low=0.0, high=1.0, above=True)
    prices = np.ones(n) if costs is None else amounts(costs, "costs", n, faults)
    refuse(faults)
    cover = merged(pairs, weight)
    need = _need(cover, weight, part)
    taken, low = _least(cover, prices, need, effort)
    sites = np.flatnonzero(taken)
    value = float(prices[sites].sum())
    return answer(effort, sites, pairs.nearest(sites)[0], value, low, exact=whole(prices))


def _least(
    cover: Cover, prices: NDArray[np.float64], need: float, effort: Effort
) -> tuple[NDArray[np.bool_], float]:
    """Return the cheapest sites that cover as many elders as needed, and the bound."""
    every, lived = np.ones(cover.n_sites, dtype=bool), cover.weight > 0
    if float(cover.weight.sum()) - need < float(cover.weight[lived].min()):
        made = covering(merged_again(cover, every, lived), prices)
        improve(made, effort)
        taken = np.zeros(cover.n_sites, dtype=bool)
        taken[made.chosen] = True
        return taken, made.lower
    start = np.diff(cover.by_site.indptr) > 0
    task = Task(cover, prices, np.inf, need, whole(prices), start, 0.0, every)
    search(task, effort)
    return task.chosen, task.low


def _need(cover: Cover, weight: NDArray[np.float64], share: float) -> float:
    """
    Return the elders that a share asks for.

    Raises
    ------
    InputError
        If all sites together cover fewer, or there are no elders.
    """
    total, reached = float(weight.sum()), float(cover.weight.sum())
    need = max(share - ENOUGH, share / 2) * total
    if total == 0:
        refuse([Fault("classical_no_elders", "elders")])
    if reached < need:
        found = f"{reached / total:.6g}"
        refuse([Fault("classical_share", "share", {"expected": share, "found": found})])
    return float(np.ceil(need)) if whole(weight) else need
