"""The smallest covering problem with the same answers, and the decisions that hang together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array, csr_matrix
from scipy.sparse.csgraph import connected_components

from siting.demand import CLASSES
from siting.extras import plans_mix
from siting.objective import capped_distance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.decisions import Decisions
    from siting.problem import Problem

__all__ = ["CoverGroups", "components", "cover_groups", "settle_essential", "undominated"]

HASH_SEED = 20210813


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
        for rule in problem.distance_rules
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


def settle_essential(decisions: Decisions, groups: CoverGroups) -> tuple[Decisions, CoverGroups]:
    """
    Return what is left where every group must be covered: some decisions are then certain.

    A group that one decision alone could cover makes it essential: it is taken in any plan that
    covers all, as if it were locked. What it covers is left out, and so are rows that another row
    makes redundant, until nothing changes. Lossless only where every group can and must be covered.
    """
    matrix, must = groups.covered_by, decisions.must.copy()
    rows = np.arange(matrix.shape[0])
    while True:
        done = np.asarray(matrix[rows] @ (must & decisions.covers).astype(np.int64)) > 0
        rows = rows[~done]
        alone = rows[np.diff(matrix.indptr)[rows] == 1]
        if not len(alone):
            break
        must[matrix.indices[matrix.indptr[alone]]] = True
    kept = rows[undominated(matrix[rows])]
    removed = groups.removed | {
        "essential": int(must.sum() - decisions.must.sum()),
        "rows_covered_by_essential": matrix.shape[0] - len(rows),
        "rows_dominated": len(rows) - len(kept),
    }
    left = replace(
        groups, density_class=groups.density_class[kept], elders=groups.elders[kept],
        covered_by=matrix[kept], removed=removed,
    )  # fmt: skip
    return replace(decisions, must=must), left


def components(
    problem: Problem, decisions: Decisions, groups: CoverGroups
) -> list[NDArray[np.int64]]:
    """
    Return the decisions that hang together, each set ascending; different sets do not touch.

    Decisions hang together when they could cover the same points, could be nearest to the same
    elders, hold beds for the same unit, or could be one place; a budget, a number of sites, or
    minima over beds of a kind and functions tie all of them. Where only such minima are left to
    serve, one set is empty.
    """
    n = decisions.n
    limits = problem.limits
    if n == 0:
        return [np.arange(0)] if plans_mix(problem) else []
    if plans_mix(problem) or limits.budget_wan_yuan is not None or limits.max_new_sites is not None:
        return [np.arange(n)]
    near = problem.reach[decisions.site[decisions.covers]].tocoo()
    farthest = capped_distance(problem, decisions.open_anyway)
    counts = (near.data < farthest[near.col]) & (problem.elders[near.col] > 0)
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
