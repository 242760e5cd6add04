"""What is left to decide, and the smallest covering problem with the same answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array, csr_matrix
from scipy.sparse.csgraph import connected_components

from siting.demand import CLASSES
from siting.problem import DISTANCE_CAP_M, Layout, Problem, beds_required
from siting.sites import QUALIFYING_BEDS
from siting.units import NO_UNIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CoverGroups", "Decisions", "components", "cover_groups", "everything_open", "find_decisions",
    "layout_of", "undominated", "unit_beds",
]  # fmt: skip

HASH_SEED = 20210813


@dataclass(frozen=True)
class Decisions:
    """
    The yes-or-no decisions that are left: opening a candidate, extending a home.

    Attributes
    ----------
    site
        (n,) site of each decision, ascending.
    low, high
        (n,) fewest and most beds added if taken.
    bonus
        (n,) beds that begin to count if taken: those of a home that was too small to qualify.
    fixed_cost, cost_per_bed
        (n,) cost of taking it at all, and of each added bed, 万元.
    must
        (n,) taken in any case, by a lock.
    is_new
        (n,) opens a candidate.
    covers
        (n,) the site begins to qualify, so it begins to cover and to be a place.
    counts
        (n,) beds there count; not where a lock extends a home that does not qualify even so.
    always
        (n_sites,) facilities that qualify whatever is decided.
    stays
        (n_sites,) homes that stay, qualifying or not.
    """

    site: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    bonus: NDArray[np.int64]
    fixed_cost: NDArray[np.float64]
    cost_per_bed: NDArray[np.float64]
    must: NDArray[np.bool_]
    is_new: NDArray[np.bool_]
    covers: NDArray[np.bool_]
    counts: NDArray[np.bool_]
    always: NDArray[np.bool_]
    stays: NDArray[np.bool_]

    @property
    def n(self) -> int:
        """Number of decisions."""
        return len(self.site)


@dataclass(frozen=True)
class CoverGroups:
    """
    Demand points merged by class and by the decisions that would cover them.

    Attributes
    ----------
    density_class
        (n_groups,) 2 high, 1 medium.
    elders
        (n_groups,) elders of the merged points.
    covered_by
        (n_groups, n_decisions) sparse, True where a decision covers the group; no row is empty.
    never
        Elders by class (low, medium, high) that no decision and no facility covers.
    removed
        What each step removed, for the report.
    """

    density_class: NDArray[np.int8]
    elders: NDArray[np.float64]
    covered_by: csr_matrix
    never: NDArray[np.float64]
    removed: dict[str, int] = field(default_factory=dict)


def find_decisions(problem: Problem) -> Decisions:
    """
    Return what is left to decide in a problem.

    A candidate that may open is a decision; so is a qualifying kind of home with room to extend.
    A home of fewer than 10 beds is extended to 10 or not at all, as fewer would count for nothing;
    a lock on its beds holds all the same.
    """
    sites = problem.sites
    stays = sites.is_existing & ~problem.forbidden
    always = stays & sites.institution & (sites.beds >= QUALIFYING_BEDS)
    locked = problem.locked_beds >= 0
    room = np.where(locked, problem.locked_beds, sites.max_beds) - sites.beds
    counts = sites.institution & (sites.beds + room >= QUALIFYING_BEDS)
    small = stays & counts & ~always
    extendable = stays & (room > 0) & (counts | locked)
    candidates = problem.usable()
    chosen = np.flatnonzero(candidates | extendable)
    low = np.where(
        sites.is_existing,
        np.where(small, QUALIFYING_BEDS - sites.beds, 1),
        sites.min_beds,
    )
    low = np.where(locked, room, low)
    must = np.where(sites.is_existing, locked, problem.locked_open)
    return Decisions(
        site=chosen,
        low=low[chosen],
        high=room[chosen],
        bonus=np.where(small, sites.beds, 0)[chosen],
        fixed_cost=sites.fixed_cost[chosen],
        cost_per_bed=sites.cost_per_bed[chosen],
        must=must[chosen].astype(bool),
        is_new=candidates[chosen],
        covers=(candidates | small)[chosen],
        counts=counts[chosen],
        always=always,
        stays=stays,
    )


def layout_of(
    problem: Problem, decisions: Decisions, taken: NDArray[np.bool_], added: NDArray[np.int64]
) -> Layout:
    """Return the layout of decisions taken and beds added; homes that stay keep their beds."""
    is_open = decisions.stays.copy()
    is_open[decisions.site[taken]] = True
    beds = np.where(decisions.stays, problem.sites.beds, 0)
    beds[decisions.site[taken]] += added[taken]
    return Layout(is_open, beds)


def everything_open(problem: Problem, decisions: Decisions) -> Layout:
    """Return the layout in which every decision is taken with as many beds as can be."""
    return layout_of(problem, decisions, np.ones(decisions.n, dtype=bool), decisions.high)


def cover_groups(problem: Problem, decisions: Decisions) -> CoverGroups:
    """
    Return the demand points still to be covered, merged where class and cover set are the same.

    Points that a facility covers in any case are left out; points that nothing could cover are
    summed up. Merging is lossless: points of one class with the same cover set are covered
    together or not at all, so their elders add up.
    """
    covers = problem.covers
    duty = _enforced(problem)
    done = np.asarray(covers[decisions.always].sum(axis=0)).ravel() > 0
    rows = csr_matrix(covers[decisions.site[decisions.covers]].T)
    open_points = np.flatnonzero(duty & ~done)
    count = np.diff(rows.indptr)[open_points]
    never = np.bincount(
        problem.density_class[open_points[count == 0]],
        weights=problem.elders[open_points[count == 0]],
        minlength=3,
    )
    points = open_points[count > 0]
    first, group = _merge(rows[points], problem.density_class[points])
    columns = np.flatnonzero(decisions.covers)
    merged = rows[points[first]].tocoo()
    shape = (len(first), decisions.n)
    matrix = csr_matrix((np.ones(merged.nnz, dtype=bool), (merged.row, columns[merged.col])), shape)
    return CoverGroups(
        density_class=problem.density_class[points[first]],
        elders=np.asarray(
            np.bincount(group, weights=problem.elders[points], minlength=len(first)),
            dtype=np.float64,
        ),
        covered_by=matrix,
        never=np.asarray(never, dtype=np.float64),
        removed={
            "points": len(problem.elders),
            "points_without_duty": int((~duty).sum()),
            "points_covered_anyway": int((duty & done).sum()),
            "points_never_covered": int((count == 0).sum()),
            "points_merged": len(points) - len(first),
        },
    )


def _enforced(problem: Problem) -> NDArray[np.bool_]:
    """Return which demand points an enforced coverage rule is about."""
    classes = [
        CLASSES.index(rule.parameters.density_class)
        for rule in problem.of_kind("coverage")
        if rule.enforce
    ]
    return np.isin(problem.density_class, classes) & ~np.isnan(problem.standard_m)


def _merge(
    rows: csr_matrix, classes: NDArray[np.int8]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """
    Return the first row of each group of equal rows and classes, and the group of each row.

    Rows are compared by two sums of random 64-bit words of their columns, then checked to be
    equal, so that a chance collision cannot merge what differs.
    """
    rng = np.random.default_rng(HASH_SEED)
    words = rng.integers(0, 2**63, size=(2, rows.shape[1]), dtype=np.uint64)
    total = np.zeros((2, rows.nnz + 1), dtype=np.uint64)
    np.cumsum(words[:, rows.indices], axis=1, out=total[:, 1:])
    key = total[:, rows.indptr[1:]] - total[:, rows.indptr[:-1]]
    stacked = np.column_stack([key[0], key[1], classes.astype(np.uint64)])
    _, first, group = np.unique(stacked, axis=0, return_index=True, return_inverse=True)
    group = group.ravel()
    size = np.diff(rows.indptr)
    leader = first[group]
    same = (size == size[leader]).all() and bool(
        (rows.indices == rows[leader].indices).all() if rows.nnz else True
    )
    if not same:  # pragma: no cover - a collision of 128 random bits
        raise AssertionError("rows with equal keys differ")
    order = np.argsort(first)
    position = np.empty(len(first), dtype=np.int64)
    position[order] = np.arange(len(first))
    return first[order], position[group]


def undominated(covered_by: csr_matrix) -> NDArray[np.int64]:
    """
    Return the rows that no other row makes redundant, where every row must be covered.

    A row whose cover set holds another row's is covered whenever that one is. Safe only where both
    rows must be covered; where elders may stay uncovered, every row keeps its own weight. Each kept
    set is filed under its smallest column, which every superset of it also holds.
    """
    size = np.diff(covered_by.indptr)
    order = np.argsort(size, kind="stable")
    sets = [covered_by.indices[covered_by.indptr[k] : covered_by.indptr[k + 1]] for k in order]
    kept: list[int] = []
    by_column: dict[int, list[frozenset[int]]] = {}
    for k, columns in zip(order.tolist(), sets, strict=True):
        mine = frozenset(columns.tolist())
        if any(other <= mine for column in mine for other in by_column.get(column, ())):
            continue
        kept.append(k)
        by_column.setdefault(min(mine), []).append(mine)
    return np.sort(np.array(kept, dtype=np.int64))


def unit_beds(problem: Problem, decisions: Decisions) -> tuple[NDArray[np.int64], ...]:
    """
    Return, for each planning unit, the beds required, those that stand anyway, and the most.

    Required is what the enforced rules ask for, the most where there are several. Elders outside
    every unit make no duty: nothing could be told where their beds should stand.
    """
    n = len(problem.unit_id)
    need = np.zeros(n, dtype=np.int64)
    for rule in problem.of_kind("ratio"):
        if rule.enforce:
            rate = rule.parameters.beds_per_10000
            need = np.maximum(need, beds_required(problem.unit_elders(), rate))
    need[problem.unit_id == NO_UNIT] = 0
    stand = _sum_by_unit(problem, np.where(decisions.always, problem.sites.beds, 0))
    most = np.zeros(len(decisions.always), dtype=np.int64)
    most[decisions.site] = np.where(decisions.counts, decisions.bonus + decisions.high, 0)
    return need, stand, stand + _sum_by_unit(problem, most)


def _sum_by_unit(problem: Problem, beds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return beds summed over the sites of each unit."""
    inside = problem.site_unit >= 0
    total = np.bincount(
        problem.site_unit[inside], weights=beds[inside], minlength=len(problem.unit_id)
    )
    return np.asarray(np.round(total), dtype=np.int64)


def components(
    problem: Problem, decisions: Decisions, groups: CoverGroups
) -> list[NDArray[np.int64]]:
    """
    Return the decisions that hang together, each set ascending; different sets do not touch.

    Decisions hang together when they could cover the same points, could be nearest to the same
    elders, hold beds for the same unit, or could be one place; a budget or a number of sites ties
    all of them.
    """
    n = decisions.n
    limits = problem.limits
    if n == 0:
        return []
    if limits.budget_wan_yuan is not None or limits.max_new_sites is not None:
        return [np.arange(n)]
    near = problem.reach[decisions.site[decisions.covers]].tocoo()
    counts = (near.data < DISTANCE_CAP_M) & (problem.elders[near.col] > 0)
    ties = [
        (groups.covered_by.tocoo().col, groups.covered_by.tocoo().row),
        (np.flatnonzero(decisions.covers)[near.row[counts]], near.col[counts]),
        (np.arange(n), problem.site_unit[decisions.site] + 1),
    ]
    hub = n
    rows, columns = [], []
    for number, (decision, thing) in enumerate(ties):
        keep = thing > 0 if number == len(ties) - 1 else np.ones(len(thing), dtype=bool)
        rows.append(decision[keep])
        columns.append(hub + thing[keep])
        hub += int(thing.max(initial=0)) + 1
    row, column = np.concatenate(rows), np.concatenate(columns)
    graph = coo_array((np.ones(len(row), dtype=np.int8), (row, column)), shape=(hub, hub))
    label = connected_components(graph, directed=False)[1][:n]
    return [np.flatnonzero(label == each) for each in np.unique(label)]
