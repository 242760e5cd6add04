"""Covers that every class must be in: reductions, independent parts, and bounds so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from siting.classical.cover_reduction import reduced
from siting.classical.kernels import greedy, spare
from siting.classical.pairs import whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.answer import Reduction
    from siting.classical.classes import Cover
    from siting.classical.effort import Effort
    from siting.classical.program import Relaxed
    from siting.classical.region_costs import Inequalities

__all__ = ["Covering", "Part", "covering"]


@dataclass
class Part:
    """
    Classes and sites that hang together.

    Attributes
    ----------
    classes, sites
        Numbers in the cover.
    chosen
        The best sites so far, all classes covered.
    upper, lower
        Their cost, and what is proven.
    relaxed
        Its relaxation, with the bound not rounded; None before there is one.
    known
        Inequalities of its regions; None where it has none.
    """

    classes: NDArray[np.int64]
    sites: NDArray[np.int64]
    chosen: NDArray[np.int64]
    upper: float
    lower: float = 0.0
    relaxed: Relaxed | None = None
    known: Inequalities | None = None


@dataclass
class Covering:
    """
    A cover that every class must be in, reduced, with the best sites and bounds so far.

    Attributes
    ----------
    cover, costs
        Reduced classes, and the cost of each site.
    needed
        Sites that any best choice may be taken to hold.
    parts
        What is left, smallest part first.
    exact
        Whether all costs are whole.
    reductions
        What each step of the reduction took out.
    """

    cover: Cover
    costs: NDArray[np.float64]
    needed: NDArray[np.int64]
    parts: list[Part] = field(default_factory=list)
    exact: bool = True
    reductions: tuple[Reduction, ...] = ()

    @property
    def chosen(self) -> NDArray[np.int64]:
        """The best sites so far."""
        return np.sort(np.concatenate([self.needed, *(each.chosen for each in self.parts)]))

    @property
    def upper(self) -> float:
        """Their cost."""
        return float(self.costs[self.chosen].sum())

    @property
    def lower(self) -> float:
        """What is proven: no choice costs less."""
        return float(self.costs[self.needed].sum()) + sum(each.lower for each in self.parts)

    def is_close(self, effort: Effort) -> bool:
        """Return whether the gap asked for is reached by all parts together."""
        return effort.gap > 0 and self.upper - self.lower <= effort.gap * self.upper


def covering(cover: Cover, costs: NDArray[np.float64]) -> Covering:
    """
    Return a cover reduced to what is not plain, its parts each with a greedy start.

    Parameters
    ----------
    cover
        Classes, all to be covered; each has a site.
    costs
        (n_sites,) cost of each site, at least 0.
    """
    left, needed, reductions = reduced(cover, costs)
    made = Covering(left, costs, needed, exact=whole(costs), reductions=reductions)
    made.parts = _parts(left, costs)
    return made


def _parts(cover: Cover, costs: NDArray[np.float64]) -> list[Part]:
    """Return the parts of a cover that share no site, each with a greedy start."""
    if cover.n_classes == 0:
        return []
    rows, columns = cover.by_class, cover.by_site
    chosen = greedy(
        rows.indptr, rows.indices, columns.indptr, columns.indices, np.ones(cover.n_classes),
        np.maximum(costs, 1e-9), np.ones(cover.n_sites, dtype=bool), np.inf, np.inf,
    )  # fmt: skip
    chosen = spare(columns.indptr, columns.indices, cover.n_classes, costs, chosen)
    n = cover.n_classes
    row = np.repeat(np.arange(n), np.diff(rows.indptr))
    graph = csr_array((np.ones(rows.nnz), (row, n + rows.indices)), shape=(n + cover.n_sites,) * 2)
    label = connected_components(graph, directed=False)[1]
    used = np.diff(columns.indptr) > 0
    site_order, sites = _grouped(np.flatnonzero(used), label[n:][used])
    class_groups = dict(zip(*_grouped(np.arange(n), label[:n]), strict=True))
    parts = []
    for name, mine in zip(site_order, sites, strict=True):
        picked = mine[chosen[mine]]
        parts.append(Part(class_groups[name], mine, picked, float(costs[picked].sum())))
    return sorted(parts, key=lambda part: len(part.sites))


def _grouped(
    items: NDArray[np.int64], label: NDArray[np.int64]
) -> tuple[list[int], list[NDArray[np.int64]]]:
    """Return labels and the items of each."""
    order = np.argsort(label, kind="stable")
    names, first = np.unique(label[order], return_index=True)
    return names.tolist(), np.split(items[order], first[1:])
