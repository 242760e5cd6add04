"""Ways to cut the rows of a cover into regions: on a map drawn by the sites that rows share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Groups = list[NDArray[np.int64]]

__all__ = ["cuts"]

FAR = 1.2
"""How far apart two sites are that share a class; they are nearer by the share that they share."""

LANDMARKS = 300
"""Sites from which all ways are measured for the map."""

BEYOND = 1.5
"""How far apart sites are that nothing joins, times the longest way."""

FEWER, MORE, LONG = 0.75, 1.35, 3.0
"""How many regions there may be, times those asked for; how many times as many one way."""

WAYS = 24
"""Cuts that are returned, about."""

PAIRS = 2e7
"""Pairs of sites that share a row, or may, from which on there is no map."""


def cuts(rows: csr_array, size: int) -> list[Groups]:
    """
    Return ways to cut rows into regions: strips of a map, turned more and more, and then pieces.

    Two regions after each other, from the first on, lie together. There are none where so many
    sites share rows that a map would say nothing.

    Parameters
    ----------
    rows
        (n_rows, n_sites) sparse, 1 where a site covers a row.
    size
        Rows that a region should have, about.
    """
    if min((np.diff(rows.indptr).astype(float) ** 2).sum(), rows.shape[1] ** 2) > PAIRS:
        return []
    wanted, place = max(rows.shape[0] / size, 2.0), _placed(rows)
    shapes = _shapes(wanted)
    ways = max(WAYS // len(shapes), 1)
    return [_cut(place, np.pi * turn / ways, *shape) for shape in shapes for turn in range(ways)]


def _shapes(wanted: float) -> list[tuple[int, int]]:
    """Return numbers of strips, and of pieces of each, for about so many regions."""
    most = int(MORE * wanted)
    some = [
        (a, b) for a in range(1, most + 1) for b in range(a, min(most // a, int(LONG * a)) + 1)
        if a * b >= max(FEWER * wanted, 2.0)
    ]  # fmt: skip
    return some or [(1, round(wanted))]


def _cut(place: NDArray[np.float64], angle: float, strips: int, pieces: int) -> Groups:
    """Return rows by strips across a direction, each cut into pieces, to and fro."""
    along = place @ np.array([np.cos(angle), np.sin(angle)])
    across = place @ np.array([-np.sin(angle), np.cos(angle)])
    groups: Groups = []
    for k, strip in enumerate(np.array_split(np.argsort(along, kind="stable"), strips)):
        mine = strip[np.argsort(across[strip], kind="stable")]
        groups += np.array_split(mine if k % 2 == 0 else mine[::-1], pieces)
    return [np.sort(group) for group in groups if len(group)]


def _placed(rows: csr_array) -> NDArray[np.float64]:
    """
    Return (n_rows, 2) places: rows are near each other that share sites, or neighbours of them.

    Sites are placed by their ways to landmarks, rows in the middle of their sites.

    References
    ----------
    de Silva & Tenenbaum (2004): landmark multidimensional scaling.
    """
    columns = csr_array(rows.T.tocsr())
    n, each = columns.shape[0], np.maximum(np.diff(columns.indptr), 1)
    shared = csr_array(columns @ rows).tocoo()
    alike = shared.data / np.sqrt(each[shared.row] * each[shared.col])
    apart = csr_array((FAR - alike, (shared.row, shared.col)), shape=(n, n))
    used = np.flatnonzero(np.diff(columns.indptr) > 0)
    marks = used[np.linspace(0, len(used) - 1, min(len(used), LANDMARKS)).astype(np.int64)]
    ways = dijkstra(apart, indices=marks)
    longest = ways[np.isfinite(ways)].max(initial=0.0)
    squares = np.where(np.isfinite(ways), ways, BEYOND * longest) ** 2
    mean = squares[:, marks].mean(axis=0)
    inner = -0.5 * (squares[:, marks] - mean - mean[:, None] + mean.mean())
    share, axes = np.linalg.eigh(inner)
    axes = axes[:, -2:] / np.sqrt(np.maximum(share[-2:], 1.0))
    sites = np.zeros((n, 2))
    sites[:, : axes.shape[1]] = -0.5 * (squares - mean[:, None]).T @ axes
    return np.asarray(rows @ sites / np.maximum(np.diff(rows.indptr), 1)[:, None])
