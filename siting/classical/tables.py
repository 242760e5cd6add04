"""Sites and classes as lists for compiled searches, and the tables that those work on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from siting.classical.simplex_kernels import Region, Table
from siting.classical.window_kernels import Levels

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["levels_of", "region_of"]


def region_of(rows: csr_array, costs: NDArray[np.float64], losses: NDArray[np.float64]) -> Region:
    """
    Return sites and classes as lists, without a limit.

    Parameters
    ----------
    rows
        (n_classes, n_sites) sparse, 1 where a site covers a class.
    costs, losses
        (n_sites,) cost of each site; (n_classes,) cost of each class without one.
    """
    columns = csr_array(rows.T.tocsr())
    by_row, by_site = (
        (each.indptr.astype(np.int64), each.indices.astype(np.int64)) for each in (rows, columns)
    )
    return Region(costs, losses, *by_row, *by_site, np.zeros(len(costs)), 0.0)


def levels_of(region: Region, most_bytes: int) -> Levels:
    """Return tables for the search of a region, of so much memory at the most."""
    n, m = len(region.cost), len(region.loss)
    depth = int(np.clip(most_bytes // (8 * (n * m + 4 * n + 4 * m + 1)), 2, n + 2))
    tables = Table(
        np.empty((depth, n, m)), np.empty((depth, n)), np.empty((depth, m)),
        np.empty((depth, n), np.int64), np.empty((depth, m), np.int64),
        np.empty((depth, m), np.bool_), np.empty((depth, n), np.int8), np.empty((depth, m)),
        np.empty((depth, 2), np.int64), np.empty((depth, m), np.int64),
    )  # fmt: skip
    later = np.empty(depth, np.int64), np.empty(depth, np.int64), np.empty(depth)
    return Levels(tables, *later)
