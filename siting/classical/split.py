"""A bound on a large cover from regions searched one by one, the cost of shared sites split."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack
from scipy.sparse import eye_array as unit_matrix
from scipy.sparse.csgraph import dijkstra

from siting.classical.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from siting.classical.effort import Effort

__all__ = ["LARGE", "split_bound"]

LARGE = 1000
"""Classes from which a part is bounded region by region."""

A_REGION = 300
"""Classes that the first regions should have."""

LONGER = 1.5
"""How many times as long as regions took larger ones must be able to take."""

NEARLY = 1e-7
FAR = 1.2
"""How far apart two sites are that share a class; they are nearer by the share that they share."""


def split_bound(
    rows: csr_array,
    costs: NDArray[np.float64],
    duals: NDArray[np.float64],
    effort: Effort,
    limit_s: float,
    enough: Callable[[float], bool],
    *,
    losses: NDArray[np.float64] | None = None,
) -> float:
    """
    Return a bound on the cost of covering all rows, at least that of the duals.

    Each row belongs to a region. A site's cost is split between regions by the duals of its rows
    there, what is over going to the region with most of them. Any cover covers each region, so
    that the least costs of the regions, searched one by one, add up to a bound. Where the duals of
    a site's rows pass its cost, the excess is taken off again, as no site is opened twice. Regions
    are made twice as large as long as there is time for it.

    Parameters
    ----------
    rows
        (n_rows, n_sites) sparse, 1 where a site covers a row.
    costs
        (n_sites,) cost of each site.
    duals
        (n_rows,) duals of the relaxation; negative ones count as 0.
    effort
        Time, threads and seed.
    limit_s
        Seconds.
    enough
        Told the bound so far; True ends the search.
    losses
        (n_rows,) cost of leaving a row uncovered; None: each must be covered.
    """
    duals = np.clip(duals, 0.0, np.inf if losses is None else losses)
    task = _Task(rows, csr_array(rows.T.tocsr()), costs, duals, losses)
    end, size, took, best = effort.left() - limit_s, A_REGION, 0.0, -np.inf
    while effort.left() - end > LONGER * took:
        begun = effort.left()
        best = max(best, _bound(task, size, effort, end, enough))
        took, size = begun - effort.left(), 2 * size
        if enough(best) or 2 * size > rows.shape[0]:
            break
    return best


@dataclass(frozen=True)
class _Task:
    """Rows by sites and the other way round, what sites cost, duals, and losses of rows."""

    rows: csr_array
    columns: csr_array
    costs: NDArray[np.float64]
    duals: NDArray[np.float64]
    losses: NDArray[np.float64] | None


def _bound(
    task: _Task, size: int, effort: Effort, end: float, enough: Callable[[float], bool]
) -> float:
    """Return the bound by regions of a size; those not searched in time count by their duals."""
    rows, duals = task.rows, task.duals
    over = task.costs - task.columns @ duals
    lows, region = _regions(rows, task.columns, duals, size)
    mass = csr_array(task.columns @ _gathered(duals, region, len(lows)))
    home = np.asarray(mass.argmax(axis=1)).ravel()
    halt = threading.Event()

    def bettered(k: int) -> float:
        """Return by how much a search of one region raises the bound."""
        inside = np.flatnonzero(region == k)
        sub = csr_array(rows[inside])
        sites = np.unique(sub.indices)
        price = mass[sites][:, [k]].toarray().ravel()
        price += np.where(home[sites] == k, np.maximum(over[sites], 0.0), 0.0)
        losses = None if task.losses is None else task.losses[inside]
        turns = -(-(len(lows) - k) // effort.threads)
        limit = (effort.left() - end) / turns
        bound = _searched(csr_array(sub[:, sites]), price, losses, effort, limit, halt)
        return max(bound - float(lows[k]), 0.0)

    low = float(lows.sum()) + float(np.minimum(over, 0.0).sum())
    with ThreadPoolExecutor(effort.threads) as pool:
        try:
            for first in range(0, len(lows), effort.threads):
                if effort.left() <= max(end, 0.0) or enough(low):
                    break
                some = range(first, min(first + effort.threads, len(lows)))
                low += sum(pool.map(bettered, some))
        finally:
            halt.set()
    return low


def _regions(
    rows: csr_array, columns: csr_array, duals: NDArray[np.float64], size: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the duals of each region added up, and the region of each row."""
    n_rows, n_sites = rows.shape
    shared = csr_array(columns @ rows).tocoo()
    each = np.diff(columns.indptr)
    alike = shared.data / np.sqrt(each[shared.row] * each[shared.col])
    apart = csr_array((FAR - alike, (shared.row, shared.col)), shape=(n_sites, n_sites))
    part = np.zeros(n_sites, dtype=np.int64)
    for _ in range(int(np.log2(max(n_rows / size, 2.0)))):
        part = 2 * part
        for name in np.unique(part).tolist():
            inside = np.flatnonzero(part == name)
            part[inside[_far_half(csr_array(apart[inside][:, inside]))]] += 1
    most = csr_array((np.ones(n_sites), (np.arange(n_sites), part)))
    region = np.asarray(csr_array(rows @ most).argmax(axis=1)).ravel()
    _, region = np.unique(region, return_inverse=True)
    return np.bincount(region, weights=duals).astype(np.float64), region.astype(np.int64)


def _far_half(apart: csr_array) -> NDArray[np.bool_]:
    """Return the half of some sites that is nearer to one end of them than to the other."""
    n = apart.shape[0]
    ends = 0
    for _ in range(2):
        away = _steps(apart, ends)
        ends = int(away.argmax())
    near = away - _steps(apart, ends)
    half = np.zeros(n, dtype=bool)
    half[np.argsort(near, kind="stable")[n // 2 :]] = True
    return half


def _steps(apart: csr_array, site: int) -> NDArray[np.float64]:
    """Return the way from one site to all, very long to those that nothing joins."""
    return np.asarray(np.minimum(dijkstra(apart, indices=site), 10.0 * apart.shape[0]))


def _gathered(duals: NDArray[np.float64], region: NDArray[np.int64], n: int) -> csr_array:
    """Return the dual of each row in the column of its region."""
    return csr_array((duals, (np.arange(len(duals)), region)), shape=(len(duals), n))


def _searched(
    rows: csr_array, price: NDArray[np.float64], losses: NDArray[np.float64] | None,
    effort: Effort, limit_s: float, halt: threading.Event,
) -> float:  # fmt: skip
    """Return the bound on the least cost of the rows of one region, covered or left."""
    m, n = rows.shape
    if losses is not None:
        rows = csr_array(hstack([rows, unit_matrix(m)], format="csr"))
        price = np.concatenate([price, losses])
    program = Program(price, np.zeros(len(price)), np.ones(len(price)), effort)
    program.add(rows, np.ones(m), np.full(m, np.inf))
    outcome = program.search(
        np.arange(n), limit_s=limit_s, gap=0.0, absolute_gap=NEARLY,
        enough=lambda _value, _bound: halt.is_set(),
    )  # fmt: skip
    return outcome.bound
