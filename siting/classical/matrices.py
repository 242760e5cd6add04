"""What of a problem enters the classical models: sites, distances, elders, costs, room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.sparse import csr_array, csr_matrix

from siting.decisions import find_decisions
from siting.errors import ScenarioError
from siting.extras import layout_of
from siting.reach import search, straight_reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from siting.prepare import Prepared
    from siting.problem import Layout, Problem

__all__ = ["Matrices", "distances_of", "layout_with", "matrices"]

MOST_PAIRS = 400_000_000
"""Pairs of site and demand point that distances without a limit may make."""
ANYWHERE_M = 1e9
"""A distance that no way on earth exceeds: as far as it takes, metres."""


@dataclass(frozen=True)
class Matrices:
    """
    Sites and elders of a problem as the classical models take them.

    Attributes
    ----------
    site
        (n,) number of each site among the problem's: those that stand first, then candidates.
    id
        (n,) its id.
    stands
        (n,) True where it is open whatever is decided: homes that count, sites locked open.
    elders
        (n_demand,) elders at each demand point.
    distances
        (n, n_demand) metres, sparse; a missing entry is out of reach.
    costs
        (n,) cost of opening each, 万元; 0 where it stands.
    capacities
        (n,) elders that each can hold.
    beds
        (n,) beds that it has when open.
    """

    site: NDArray[np.int64]
    id: NDArray[np.object_]
    stands: NDArray[np.bool_]
    elders: NDArray[np.float64]
    distances: csr_array
    costs: NDArray[np.float64]
    capacities: NDArray[np.float64]
    beds: NDArray[np.int64]

    @property
    def n_stand(self) -> int:
        """Number of sites that stand; they come first."""
        return int(self.stands.sum())


def matrices(
    problem: Problem,
    *,
    distances: Any = None,
    existing: Literal["keep", "ignore"] = "keep",
    beds_per_10000: float = 300.0,
    fullest: bool = False,
) -> Matrices:
    """
    Return what the classical models take of a problem.

    Candidates are those that the plan could open and that would count for coverage; of the homes,
    those that count as they stand. Sites that a lock opens stand as well.

    Parameters
    ----------
    problem
        As ``prepare(scenario).problem``.
    distances
        (n_sites, n_demand) metres between all sites and demand points of the problem, sparse; None:
        those of the problem, which end at its longest standard.
    existing
        ``keep``: homes take part. ``ignore``: they are left out.
    beds_per_10000
        Beds that 10,000 elders take, for capacities.
    fullest
        True: a site opens with its most beds; False: with its fewest.

    Returns
    -------
    matrices
        Rows by site, columns by demand point, in the order of the problem.
    """
    decisions = find_decisions(problem)
    base = layout_with(problem, fullest=fullest)
    counts = problem.qualifies(base)
    if existing == "ignore":
        counts &= ~problem.sites.is_existing
    free = decisions.is_new & decisions.covers & ~decisions.must
    stand, new = np.flatnonzero(counts), decisions.site[free]
    opened = (decisions.high if fullest else decisions.low)[free]
    beds = np.concatenate([base.beds[stand], opened])
    cost = decisions.fixed_cost[free] + decisions.cost_per_bed[free] * opened
    site = np.concatenate([stand, new]).astype(np.int64)
    given = csr_array(problem.reach if distances is None else distances)
    return Matrices(
        site=site,
        id=problem.sites.id[site],
        stands=np.arange(len(site)) < len(stand),
        elders=problem.elders,
        distances=csr_array(given[site]),
        costs=np.concatenate([np.zeros(len(stand)), cost]),
        capacities=beds * (10_000.0 / beds_per_10000),
        beds=beds.astype(np.int64),
    )


def layout_with(
    problem: Problem, opened: Sequence[int] | NDArray[np.int64] = (), *, fullest: bool = False
) -> Layout:
    """
    Return the homes that stay, what locks open or extend, and some candidates.

    Parameters
    ----------
    problem
        The problem.
    opened
        Numbers of the candidates' sites.
    fullest
        True: what opens has its most beds; False: its fewest. A lock on beds holds either way.
    """
    decisions = find_decisions(problem)
    wanted = np.isin(decisions.site, np.asarray(opened, dtype=np.int64))
    taken = decisions.must | (wanted & decisions.is_new)
    beds = np.where(decisions.is_new & fullest, decisions.high, decisions.low)
    return layout_of(problem, decisions, taken, np.where(taken, beds, 0))


def distances_of(prepared: Prepared, *, cutoff_m: float | None) -> csr_matrix:
    """
    Return the distances from every site to every demand point, as the scenario measures them.

    Parameters
    ----------
    prepared
        The problem with its network.
    cutoff_m
        Longest distance to keep, metres, inclusive; None: however far.

    Returns
    -------
    distances
        Sparse (n_sites, n_demand) metres; a pair that is farther, or that no way joins, is absent.

    Raises
    ------
    ScenarioError
        If there are too many pairs to do without a cutoff.
    """
    problem = prepared.problem
    n_sites, n_points = problem.sites.n, len(problem.elders)
    if cutoff_m is None and n_sites * n_points > MOST_PAIRS:
        raise ScenarioError.of(
            "objective_too_many_pairs", "objective.cutoff_m", sites=n_sites, points=n_points,
            most=MOST_PAIRS,
        )  # fmt: skip
    farthest = ANYWHERE_M if cutoff_m is None else cutoff_m
    if prepared.scenario.distance == "straight":
        found = straight_reach(problem.sites.xy, problem.demand_xy, cutoff_m=farthest).distances
    else:
        network, sites, demand = prepared.network, prepared.site_snap, prepared.demand_snap
        if network is None or sites is None or demand is None:  # pragma: no cover - refused before
            raise ScenarioError.of("needs", "network", names="network", key="network")
        threads = prepared.scenario.solve.threads
        found = search(network, sites, demand, cutoff_m=farthest, threads=threads)
    found.data = np.minimum(found.data, farthest)
    return found
