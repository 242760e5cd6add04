"""Cuts for covered elders: classes gathered into tiles, one number each, bounded by their sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.classical.classes import Cover

__all__ = ["Tiles", "homes", "tiles_of"]

CLASSES_TO_A_TILE = 40
MOST_TILES = 400
SEED = 20210813


@dataclass(frozen=True)
class Tiles:
    """
    Classes gathered into tiles.

    A class that one site alone covers is part of that site's own gain; the others belong to a tile.

    Attributes
    ----------
    cover
        Classes and sites.
    alone
        (n_sites,) elders that a site alone covers.
    tile
        (n_classes,) tile of each class; -1 where one site alone covers it.
    n
        Number of tiles.
    most
        (n,) elders of each tile.
    """

    cover: Cover
    alone: NDArray[np.float64]
    tile: NDArray[np.int64]
    n: int
    most: NDArray[np.float64]

    def reached(self, chosen: NDArray[np.float64]) -> float:
        """Return the elders that sites, open in part or whole, cover."""
        level = np.minimum(self.cover.by_class @ chosen, 1.0)
        return float(self.cover.weight @ level)

    def cuts(
        self, chosen: NDArray[np.float64], claimed: NDArray[np.float64] | None, tolerance: float
    ) -> tuple[NDArray[np.int64], csr_array, NDArray[np.float64]]:
        """
        Return the cuts that sites and what is claimed for tiles violate: tiles, terms, sides.

        A tile covers at most its classes that the sites chosen cover whole, and of each other
        class its elders for every open site that covers it: true for every choice, and tight at
        this one (Cordeau, Furini & Ljubic 2019). A cut is ``elders of the tile - terms ≤ side``.

        Parameters
        ----------
        chosen
            (n_sites,) how far each site is open.
        claimed
            (n,) elders claimed for each tile; None: cut all.
        tolerance
            How much too many elders may be claimed.
        """
        cover, inside = self.cover, self.tile >= 0
        level = cover.by_class @ chosen
        full = level >= 1.0 - 1e-9
        weight = cover.weight
        side = np.bincount(
            self.tile[inside & full], weights=weight[inside & full], minlength=self.n
        )
        part = np.flatnonzero(inside & ~full)
        gather = csr_array((weight[part], (self.tile[part], part)), shape=(self.n, cover.n_classes))
        terms = csr_array(gather @ cover.by_class)
        if claimed is None:
            wrong = np.arange(self.n)
        else:
            wrong = np.flatnonzero(claimed > side + terms @ chosen + tolerance)
        return wrong.astype(np.int64), csr_array(terms[wrong]), side[wrong].astype(np.float64)


def tiles_of(cover: Cover) -> Tiles:
    """
    Return the classes of a cover gathered into tiles of neighbours.

    Some sites, spread by chance, are centres; each other site joins the centre that the fewest
    shared classes lead to, and a class the tile of its first site.
    """
    alone_class = np.diff(cover.by_class.indptr) == 1
    first = cover.by_class.indices[cover.by_class.indptr[:-1]]
    alone = np.bincount(
        first[alone_class], weights=cover.weight[alone_class], minlength=cover.n_sites
    ).astype(np.float64)
    shared = int((~alone_class).sum())
    n = int(np.clip(shared // CLASSES_TO_A_TILE, 1, MOST_TILES))
    home = homes(cover, n)
    tile = np.where(alone_class, -1, home[first])
    kept, number = np.unique(tile[tile >= 0], return_inverse=True)
    tile[tile >= 0] = number
    count = len(kept)
    most = np.bincount(tile[tile >= 0], weights=cover.weight[tile >= 0], minlength=count)
    return Tiles(cover, alone, tile.astype(np.int64), count, most.astype(np.float64))


def homes(cover: Cover, n: int) -> NDArray[np.int64]:
    """Return a centre's number for each site, by steps over shared classes."""
    used = np.flatnonzero(np.diff(cover.by_site.indptr) > 0)
    centres = np.random.default_rng(SEED).permutation(used)[:n]
    home = np.full(cover.n_sites, -1, dtype=np.int64)
    home[centres] = np.arange(len(centres))
    seen = np.zeros(cover.n_classes, dtype=bool)
    edge = centres
    while len(edge):
        near = cover.by_site[edge].tocoo()
        fresh = ~seen[near.col]
        classes, place = np.unique(near.col[fresh], return_index=True)
        owner = home[edge[near.row[fresh][place]]]
        seen[classes] = True
        beyond = cover.by_class[classes].tocoo()
        new = home[beyond.col] < 0
        sites, place = np.unique(beyond.col[new], return_index=True)
        home[sites] = owner[beyond.row[new][place]]
        edge = sites
    home[home < 0] = 0
    return home
