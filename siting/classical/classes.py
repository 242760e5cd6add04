"""Demand points merged where the same sites cover them; what others make needless."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from siting.classical.kernels import (
    classes_by_key,
    classes_of,
    hold_together,
    needless_columns,
    needless_rows,
)
from siting.classical.straight import Near

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.pairs import Pairs

__all__ = ["Cover", "merged", "merged_again", "undominated_rows", "undominated_sites"]

HASH_SEED = 20210813
MOST_WORK = 3_000_000_000
"""Comparisons that looking for what is needless may take."""


@dataclass(frozen=True)
class Cover:
    """
    Classes of demand points, each with the sites that cover it.

    Attributes
    ----------
    by_class
        (n_classes, n_sites) sparse, 1 where a site covers a class; sorted.
    by_site
        The same by site.
    weight
        (n_classes,) elders of each class.
    group
        (n,) class of each demand point (or class) that was merged; -1 where no site covers it.
    """

    by_class: csr_array
    by_site: csr_array
    weight: NDArray[np.float64]
    group: NDArray[np.int64]

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.by_class.shape[0])

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return int(self.by_class.shape[1])

    def covered(self, sites: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which classes some sites cover."""
        hit = np.zeros(self.n_classes, dtype=bool)
        for each in sites.tolist():
            hit[self.by_site.indices[self.by_site.indptr[each] : self.by_site.indptr[each + 1]]] = (
                True
            )
        return hit


def merged(pairs: Pairs | Near, weight: NDArray[np.float64]) -> Cover:
    """
    Return demand points merged where the same sites reach them, their weights added.

    Lossless: such points are covered together or not at all. They are compared by two sums of
    random 64-bit words of their sites, then checked to be equal, so that a chance collision cannot
    merge what differs.

    Parameters
    ----------
    pairs
        Sites and the demand points within the cutoff.
    weight
        (n_demand,) what covering each is worth.
    """
    if isinstance(pairs, Near):
        return _merged_near(pairs, weight)
    return _merged(pairs.start, pairs.demand, pairs.n_demand, weight)


def _merged_near(near: Near, weight: NDArray[np.float64]) -> Cover:
    """Return merged classes from coordinates, the pairs never listed."""
    key, count = near.keys(_words(near.n_sites))
    group, first = classes_by_key(key, count)
    del key, count
    start, site = near.leads(first)
    if not near.hold_together(start, site, group):  # pragma: no cover - 128 random bits
        raise AssertionError("points with equal keys differ")
    by_class = csr_array((np.ones(len(site)), site, start), shape=(len(first), near.n_sites))
    return _cover(csr_array(by_class.T.tocsr()), weight, group)


def _words(n_sites: int) -> NDArray[np.uint64]:
    """Return two random words for each site."""
    rng = np.random.default_rng(HASH_SEED)
    return rng.integers(1, 2**63, size=(2, n_sites), dtype=np.uint64)


def merged_again(
    cover: Cover, sites: NDArray[np.bool_], open_classes: NDArray[np.bool_] | None = None
) -> Cover:
    """
    Return a cover with some sites left out, its classes merged anew; site numbers stay.

    Parameters
    ----------
    cover
        Classes so far.
    sites
        (n_sites,) sites that may still be chosen.
    open_classes
        (n_classes,) classes that are still to be covered; None: all.
    """
    by_site = cover.by_site
    row = np.repeat(np.arange(cover.n_sites), np.diff(by_site.indptr))
    kept = sites[row]
    if open_classes is not None:
        kept &= open_classes[by_site.indices]
    start = np.concatenate([[0], np.cumsum(kept)])[by_site.indptr]
    demand = by_site.indices[kept].astype(np.int32)
    return _merged(start.astype(np.int64), demand, cover.n_classes, cover.weight)


def _merged(
    start: NDArray[np.int64], demand: NDArray[np.int32], n: int, weight: NDArray[np.float64]
) -> Cover:
    """Return merged classes from CSR by site."""
    n_sites = len(start) - 1
    group, first = classes_of(start, demand, n, _words(n_sites))
    if not hold_together(start, demand, group, first):  # pragma: no cover - 128 random bits
        raise AssertionError("points with equal keys differ")
    leads = np.zeros(n, dtype=bool)
    leads[first] = True
    kept = leads[demand]
    row = np.concatenate([[0], np.cumsum(kept)])[start]
    by_site = csr_array(
        (np.ones(int(kept.sum())), group[demand[kept]], row), shape=(n_sites, len(first))
    )
    return _cover(by_site, weight, group)


def _cover(by_site: csr_array, weight: NDArray[np.float64], group: NDArray[np.int64]) -> Cover:
    """Return classes with their weights added up."""
    by_site.sort_indices()
    by_class = csr_array(by_site.T.tocsr())
    by_class.sort_indices()
    inside = group >= 0
    total = np.bincount(group[inside], weights=weight[inside], minlength=by_class.shape[0])
    return Cover(by_class, by_site, total.astype(np.float64), group)


def undominated_rows(cover: Cover, live: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """
    Return which live classes no other live one makes needless, where all must be covered.

    A class whose sites include all of another's is covered whenever that one is.
    """
    rows, columns = cover.by_class, cover.by_site
    return np.asarray(
        needless_rows(rows.indptr, rows.indices, columns.indptr, columns.indices, live, MOST_WORK)
    )


def undominated_sites(
    cover: Cover, costs: NDArray[np.float64], sites: NDArray[np.bool_], live: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """
    Return which sites no other makes needless: one that covers no less and costs no more.

    Parameters
    ----------
    cover
        Classes and sites.
    costs
        (n_sites,) cost of each site.
    sites, live
        Sites that may be chosen, and classes that count.
    """
    rows, columns = cover.by_class, cover.by_site
    return np.asarray(
        needless_columns(
            rows.indptr, rows.indices, columns.indptr, columns.indices, costs, sites, live,
            MOST_WORK,
        )
    )  # fmt: skip
