"""Fewest or cheapest sites that cover every class: reductions, parts, and a search of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from siting.classical.answer import rounded_up, step_below
from siting.classical.classes import Cover, merged_again, undominated_rows, undominated_sites
from siting.classical.effort import Effort
from siting.classical.kernels import greedy, spare
from siting.classical.pairs import whole
from siting.classical.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray


__all__ = ["Covering", "covering"]

MOST_ROUNDS = 20


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
    """

    classes: NDArray[np.int64]
    sites: NDArray[np.int64]
    chosen: NDArray[np.int64]
    upper: float
    lower: float = 0.0


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
    """

    cover: Cover
    costs: NDArray[np.float64]
    needed: NDArray[np.int64]
    parts: list[Part] = field(default_factory=list)
    exact: bool = True

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

    def improve(self, effort: Effort, decided: Callable[[], bool] | None = None) -> None:
        """
        Search until the best is proven, time is over, or what is asked is decided.

        Parameters
        ----------
        effort
            Time and gap.
        decided
            Told nothing; True once the bounds so far are enough.
        """
        self._go_through(_bound_by_relaxation, effort, decided)
        self._go_through(_search, effort, decided)

    def relax(self, effort: Effort, decided: Callable[[], bool] | None = None) -> None:
        """
        Bound by relaxations only.

        Parameters
        ----------
        effort
            Time and gap.
        decided
            Told nothing; True once the bounds so far are enough.
        """
        self._go_through(_bound_by_relaxation, effort, decided)

    def _go_through(self, step: Step, effort: Effort, decided: Callable[[], bool] | None) -> None:
        """Take one step for each part, the smallest first, as long as it is of use."""
        for k, part in enumerate(self.parts):
            if decided is not None and decided():
                return
            if effort.left() <= 0:
                return
            if part.upper > part.lower and not self._is_close(effort):
                step(self, part, effort, effort.left() / (len(self.parts) - k), decided)
                effort.tell(self.upper, self.lower)

    def _is_close(self, effort: Effort) -> bool:
        """Return whether the gap asked for is reached by all parts together."""
        return effort.gap > 0 and self.upper - self.lower <= effort.gap * self.upper


Step = Callable[[Covering, Part, Effort, float, Callable[[], bool] | None], None]


def covering(cover: Cover, costs: NDArray[np.float64]) -> Covering:
    """
    Return a cover reduced to what is not plain, its parts each with a greedy start.

    Classes that another makes needless, sites that another makes needless, and classes that only
    one site covers are taken out again and again until nothing changes. All is lossless.

    Parameters
    ----------
    cover
        Classes, all to be covered; each has a site.
    costs
        (n_sites,) cost of each site, at least 0.
    """
    free = np.ones(cover.n_sites, dtype=bool)
    needed = np.zeros(cover.n_sites, dtype=bool)
    live = np.ones(cover.n_classes, dtype=bool)
    for _ in range(MOST_ROUNDS):
        before = (cover.n_classes, int(free.sum()))
        live = undominated_rows(cover, live)
        free = undominated_sites(cover, costs, free, live)
        cover = merged_again(cover, free, live)
        alone = np.diff(cover.by_class.indptr) == 1
        only = np.unique(cover.by_class.indices[cover.by_class.indptr[:-1][alone]])
        needed[only] = True
        free[only] = False
        live = ~cover.covered(only)
        if (int(live.sum()), int(free.sum())) == before:
            break
    cover = merged_again(cover, free, live)
    made = Covering(cover, costs, np.flatnonzero(needed), exact=whole(costs))
    made.parts = _parts(cover, costs)
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


def _program(made: Covering, part: Part, effort: Effort) -> Program:
    """Return the model of one part: each class has at least one of its sites."""
    n = len(part.sites)
    program = Program(made.costs[part.sites], np.zeros(n), np.ones(n), effort)
    rows = made.cover.by_class[part.classes][:, part.sites]
    ones = np.ones(len(part.classes))
    program.add(csr_array(rows), ones, np.full(len(ones), np.inf))
    return program


def _bound_by_relaxation(
    made: Covering, part: Part, effort: Effort, limit_s: float,
    _decided: Callable[[], bool] | None,
) -> None:  # fmt: skip
    """Raise the bound of a part by its relaxation, and round that up to sites."""
    relaxed = _program(made, part, effort).relax(limit_s)
    if relaxed is None:
        return
    part.lower = max(part.lower, _rounded(made, relaxed.bound))
    taken = np.zeros(made.cover.n_sites, dtype=bool)
    taken[part.sites[relaxed.values > 1.0 / 2 - 1e-9]] = True
    _adopt(made, part, taken)


def _adopt(made: Covering, part: Part, taken: NDArray[np.bool_]) -> None:
    """Complete sites to a cover of a part, thin them out, and keep them where they cost less."""
    cover, costs = made.cover, made.costs
    rows, columns = cover.by_class, cover.by_site
    weight = np.zeros(cover.n_classes)
    weight[part.classes] = 1.0
    weight[cover.covered(np.flatnonzero(taken))] = 0.0
    more = greedy(
        rows.indptr, rows.indices, columns.indptr, columns.indices, weight,
        np.maximum(costs, 1e-9), np.ones(cover.n_sites, dtype=bool), np.inf, np.inf,
    )  # fmt: skip
    both = spare(columns.indptr, columns.indices, cover.n_classes, costs, taken | more)
    picked = np.flatnonzero(both)
    cost = float(costs[picked].sum())
    if cost < part.upper:
        part.chosen, part.upper = picked, cost


def _search(
    made: Covering, part: Part, effort: Effort, limit_s: float,
    decided: Callable[[], bool] | None,
) -> None:  # fmt: skip
    """Search a part for its cheapest cover."""
    start = np.isin(part.sites, part.chosen).astype(np.float64)
    rest = made.upper - part.upper, made.lower - part.lower

    def enough(value: float, bound: float) -> bool:
        kept = part.upper, part.lower
        part.upper = min(part.upper, value)
        part.lower = max(part.lower, _rounded(made, bound))
        try:
            return decided is not None and decided()
        finally:
            part.upper, part.lower = kept

    outcome = _program(made, part, effort).search(
        np.arange(len(part.sites)), limit_s=limit_s, gap=effort.gap,
        absolute_gap=step_below(part.upper, exact=made.exact), start=start, enough=enough,
        tell=lambda value, bound: effort.tell(rest[0] + value, rest[1] + bound),
    )  # fmt: skip
    part.lower = max(part.lower, _rounded(made, outcome.bound))
    if outcome.values is not None:
        taken = np.zeros(made.cover.n_sites, dtype=bool)
        taken[part.sites[outcome.values > 0.5]] = True  # noqa: PLR2004
        _adopt(made, part, taken)


def _rounded(made: Covering, bound: float) -> float:
    """Return a bound on a part's cost, rounded up where costs are whole."""
    return rounded_up(bound) if made.exact else bound
