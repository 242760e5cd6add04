"""A bound on a large cover from regions searched one by one, the cost of shared sites split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from siting.classical.classes import Cover
from siting.classical.program import Program
from siting.classical.tiles import homes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from siting.classical.effort import Effort

__all__ = ["LARGE", "split_bound"]

LARGE = 2500
"""Classes from which a part is bounded region by region."""

A_REGION = 1200
"""Classes that a region should have."""

NEARLY = 1e-7


def split_bound(
    rows: csr_array,
    costs: NDArray[np.float64],
    duals: NDArray[np.float64],
    effort: Effort,
    limit_s: float,
    enough: Callable[[float], bool],
) -> float:
    """
    Return a bound on the cost of covering all rows, at least that of the duals.

    Each row belongs to a region. A site's cost is split between regions by the duals of its rows
    there, what is over going to the region with most of them. Any cover covers each region, so
    that the least costs of the regions, searched one by one, add up to a bound. Where the duals of
    a site's rows pass its cost, the excess is taken off again, as no site is opened twice.

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
    """
    duals = np.maximum(duals, 0.0)
    columns = csr_array(rows.T.tocsr())
    over = costs - columns @ duals
    lows, region = _regions(rows, columns, duals)
    low = float(lows.sum()) + float(np.minimum(over, 0.0).sum())
    mass = csr_array(columns @ _gathered(duals, region, len(lows)))
    home = np.asarray(mass.argmax(axis=1)).ravel()
    end = effort.left() - limit_s
    for k, first in enumerate(lows.tolist()):
        left = (effort.left() - end) / (len(lows) - k)
        if left <= 0 or effort.left() <= 0 or enough(low):
            break
        inside = np.flatnonzero(region == k)
        sub = csr_array(rows[inside])
        sites = np.unique(sub.indices)
        price = mass[sites][:, [k]].toarray().ravel()
        price += np.where(home[sites] == k, np.maximum(over[sites], 0.0), 0.0)
        bound = _searched(csr_array(sub[:, sites]), price, effort, left)
        low += max(bound - first, 0.0)
    return low


def _regions(
    rows: csr_array, columns: csr_array, duals: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the duals of each region added up, and the region of each row."""
    n = rows.shape[0]
    cover = Cover(rows, columns, np.ones(n), np.arange(n))
    home = homes(cover, max(n // A_REGION, 2))
    _, region = np.unique(home[rows.indices[rows.indptr[:-1]]], return_inverse=True)
    return np.bincount(region, weights=duals).astype(np.float64), region.astype(np.int64)


def _gathered(duals: NDArray[np.float64], region: NDArray[np.int64], n: int) -> csr_array:
    """Return the dual of each row in the column of its region."""
    return csr_array((duals, (np.arange(len(duals)), region)), shape=(len(duals), n))


def _searched(rows: csr_array, price: NDArray[np.float64], effort: Effort, limit_s: float) -> float:
    """Return the bound on the least cost of covering the rows of one region."""
    n = rows.shape[1]
    program = Program(price, np.zeros(n), np.ones(n), effort)
    program.add(rows, np.ones(rows.shape[0]), np.full(rows.shape[0], np.inf))
    outcome = program.search(np.arange(n), limit_s=limit_s, gap=0.0, absolute_gap=NEARLY)
    return outcome.bound
