"""Branch and cut around a relaxation: yes-or-no sites, cuts sought at every node."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.effort import Effort
    from siting.classical.program import Program, Relaxed

__all__ = ["Cutting", "branch", "snapped"]

ROUNDS_AT_A_NODE = 30
LITTLE = 1e-4
NEARLY = 1e-6
TRY_EVERY = 10
"""Nodes after which better sites are sought near a relaxation."""


class Cutting(Protocol):
    """What the tree asks of a model that is being cut."""

    program: Program

    def cut_at(self, relaxed: Relaxed) -> int:
        """Add the cuts that the relaxation violates; return how many."""
        ...

    def try_sites(self, chosen: NDArray[np.float64]) -> None:
        """Seek better sites near those that the relaxation opens in part."""
        ...

    def goal(self) -> float:
        """Return the value, as the program counts, at which a node holds nothing better."""
        ...

    def is_over(self, bound: float) -> bool:
        """Return whether the best is within the gap asked for if this bounds all that is left."""
        ...

    def keep_bound(self, bound: float) -> None:
        """Keep a bound on all that is left, as the program counts."""
        ...


@dataclass(frozen=True)
class _Node:
    """A part of the choices: the ends of every site, and the bound of its parent."""

    bound: float
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def branch(cutting: Cutting, n_sites: int, effort: Effort) -> None:
    """
    Search all choices of sites, the part with the least bound first.

    A node is left once its bound shows that it holds nothing better than the best known. Cuts found
    at one node hold at all. When time is over, the least bound of what is left is kept.

    Parameters
    ----------
    cutting
        The model; its first columns are the sites.
    n_sites
        Number of sites.
    effort
        Time and gap.
    """
    program = cutting.program
    first = _Node(-np.inf, program.low[:n_sites].copy(), program.high[:n_sites].copy())
    queue: list[tuple[float, int, _Node]] = [(first.bound, 0, first)]
    made, settled = 0, np.inf
    while queue:
        bound, _, node = heapq.heappop(queue)
        if cutting.is_over(bound) or effort.left() <= 0:
            cutting.keep_bound(min(bound, settled))
            return
        relaxed = _settle(cutting, node, n_sites, effort)
        if relaxed is None and program.is_infeasible:
            continue
        if relaxed is None:
            cutting.keep_bound(min(bound, settled))
            return
        if made % TRY_EVERY == 0:
            cutting.try_sites(relaxed.values[:n_sites])
        children = _children(cutting, node, relaxed, n_sites)
        if children is None:
            settled, children = min(settled, relaxed.bound), []
        for child in children:
            made += 1
            heapq.heappush(queue, (max(bound, child.bound), made, child))
        if queue:
            cutting.keep_bound(min(queue[0][0], settled))
    cutting.keep_bound(settled)


def _settle(cutting: Cutting, node: _Node, n_sites: int, effort: Effort) -> Relaxed | None:
    """Solve the relaxation of a node and cut it until little changes; None without an answer."""
    cutting.program.set_ends(np.arange(n_sites), node.low, node.high)
    last = -np.inf
    for _ in range(ROUNDS_AT_A_NODE):
        relaxed = cutting.program.relax(effort.left())
        if relaxed is None or not relaxed.proven:
            return None
        if relaxed.bound >= cutting.goal() or not cutting.cut_at(relaxed):
            return relaxed
        if not _is_whole(relaxed.values[:n_sites]) and relaxed.bound - last < LITTLE * abs(last):
            return relaxed
        last = relaxed.bound
    return relaxed


def snapped(chosen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sites between 0 and 1, all rounded where each is nearly open or not."""
    return np.rint(chosen) if _is_whole(chosen) else np.clip(chosen, 0.0, 1.0)


def _is_whole(chosen: NDArray[np.float64]) -> bool:
    """Return whether every site is open or not."""
    return bool((np.abs(chosen - np.rint(chosen)) <= NEARLY).all())


def _children(cutting: Cutting, node: _Node, relaxed: Relaxed, n_sites: int) -> list[_Node] | None:
    """
    Return the parts of a node; none where it holds nothing better than the best known.

    None in place of a list: its sites are whole, known and cut as far as numbers go, so that its
    bound stands for what it holds.
    """
    chosen, reduced = relaxed.values[:n_sites], relaxed.reduced[:n_sites]
    whole = _is_whole(chosen)
    if whole:
        cutting.try_sites(np.rint(chosen))
    room = cutting.goal() - relaxed.bound
    if room <= 0:
        return []
    low = np.where(reduced < -room, node.high, node.low)
    high = np.where(reduced > room, node.low, node.high)
    if whole:
        if not (low < high).any():
            return []
        return [_Node(relaxed.bound, low, high)] if cutting.cut_at(relaxed) else None
    site = int(np.abs(chosen - np.rint(chosen)).argmax())
    closed, opened = high.copy(), low.copy()
    closed[site], opened[site] = 0.0, 1.0
    return [_Node(relaxed.bound, low, closed), _Node(relaxed.bound, opened, high)]
