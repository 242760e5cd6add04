"""Walks from cover to cover, on all threads, that keep the cheapest cover met."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from siting.classical.cover_kernels import exchange_covers

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["PATIENCE", "walk"]

BLOCK, MOST = 2e7, 1.5e9
"""Touches of rows and sites in one block of a walk, and in all of its blocks."""

A_STEP = 1000.0
"""What a step of a walk costs beside its rows, in touches."""

MANY = 1000
"""Seeds of one walk at the most."""

PATIENCE = 25
"""Blocks without a cheaper cover that end walks, beside as many as there were before the last."""


def walk(
    rows: csr_array, costs: NDArray[np.float64], start: NDArray[np.bool_], seeds: range, turns: int,
    over: Callable[[NDArray[np.bool_] | None], float | None], patience: int = PATIENCE,
) -> None:  # fmt: skip
    """
    Walk from cover to cover, block by block, until that has long not been of use; and again.

    Walks know nothing of each other: one that has to be cheaper than another one's cover at once
    finds less. What rows weigh is forgotten between turns.

    Parameters
    ----------
    rows
        (n_rows, n_sites) sparse, 1 where a site covers a row.
    costs
        (n_sites,) cost of each site.
    start
        (n_sites,) the cover to start from.
    seeds
        One for each walk of a turn; there is a thread for each.
    turns
        How often walks set out from the start.
    over
        Told a cheaper cover, or None, before each block; returns the cost that is enough, or None
        where that is all.
    patience
        Blocks without a cheaper cover that end walks, beside as many as there were before the last.
    """
    columns = csr_array(rows.T.tocsr())
    lists = (
        rows.indptr.astype(np.int64), rows.indices.astype(np.int32),
        columns.indptr.astype(np.int64), columns.indices.astype(np.int32),
    )  # fmt: skip
    touched = 3.0 * (rows.nnz / rows.shape[0]) * (rows.nnz / rows.shape[1]) + A_STEP
    go = partial(_Walker.go, lists=lists, costs=costs, steps=int(BLOCK / touched) + 1)
    best, better = start.copy(), None
    with ThreadPoolExecutor(len(seeds)) as pool:
        for turn in range(turns):
            walkers = [_Walker.of(start, rows.shape[0]) for _ in seeds]
            last, before = 0, [np.inf] * len(seeds)
            for block in range(int(MOST / BLOCK)):
                goal = over(better)
                if goal is None:
                    return
                better = None
                if block - last > patience + last:
                    break
                drawn = [(seed + turn * len(seeds)) * MANY + block for seed in seeds]
                ends = list(pool.map(partial(go, goal=goal), walkers, drawn))
                last = block if any(a < b for a, b in zip(ends, before, strict=True)) else last
                before = ends
                if min(ends) < float(costs[best].sum()):
                    better = best = walkers[int(np.argmin(ends))].best.copy()
    over(better)


class _Walker(NamedTuple):
    """Where a walk stands: its sites, the best that it has met, and what rows weigh."""

    chosen: NDArray[np.bool_]
    best: NDArray[np.bool_]
    weight: NDArray[np.int64]

    @classmethod
    def of(cls, start: NDArray[np.bool_], n_rows: int) -> _Walker:
        """Return a walk that starts from a cover."""
        return cls(start.copy(), start.copy(), np.ones(n_rows, dtype=np.int64))

    def go(
        self, seed: int, *, lists: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64],
        NDArray[np.int32]], costs: NDArray[np.float64], goal: float, steps: int,
    ) -> float:  # fmt: skip
        """Walk so many steps, and return what the best sites cost."""
        rows, row_sites, columns, site_rows = lists
        exchange_covers(
            rows, row_sites, columns, site_rows, costs, self.chosen, self.best, self.weight, goal,
            steps, seed,
        )  # fmt: skip
        return float(costs[self.best].sum())
