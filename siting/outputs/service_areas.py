"""Areas within a distance of what stands: for drawing, not for judging."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
from contourpy import FillType, contour_generator

from siting import kernels
from siting.reach import Snap, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from siting.network import Network

__all__ = ["service_areas"]

WIDEST_M = 60.0
"""How far to each side of a road an area goes, at most."""

STEP_M, MOST_PLACES = 25.0, 2_000_000
"""How far places along a road are apart; farther where there would be more than so many."""

CELL_M, MOST_CELLS = 10.0, 4_000_000
"""Cell of the grid that areas are drawn from; larger where there would be more than so many."""

ABOVE = 1e9


def service_areas(
    network: Network | None, sites: NDArray[np.float64], distances_m: Sequence[float]
) -> list[BaseGeometry]:
    """
    Return the area within each of some distances of the nearest of some sites.

    Parameters
    ----------
    network
        Walking network; None: circles.
    sites
        (n, 2) coordinates.
    distances_m
        Distances.

    Returns
    -------
    areas
        For each distance places along the roads that are near enough, each widened by what is left
        of the distance, at most ``WIDEST_M``; to some metres, in large networks to some ten.
    """
    if not len(sites) or not len(distances_m):
        return [shapely.MultiPolygon() for _ in distances_m]
    if network is None:
        points = shapely.points(sites)
        return [shapely.union_all(shapely.buffer(points, each)) for each in distances_m]
    edge, share, step = _along_roads(network)
    along = Snap(edge, share * network.edge_length_m[edge], np.zeros(len(edge)))
    _, metres = nearest(network, sites, along)
    reached = np.flatnonzero(np.nan_to_num(metres, nan=np.inf) <= max(distances_m))
    ends = network.node_xy[network.edge_nodes[edge[reached]]]
    metres, share = metres[reached], share[reached, None]
    places = ends[:, 0] * (1 - share) + ends[:, 1] * share
    areas = []
    for distance in distances_m:
        near = metres <= distance
        width = np.clip(distance - metres[near], 1.0, max(WIDEST_M, step / 2))
        areas.append(_widened(places[near], width))
    return areas


def _along_roads(network: Network) -> tuple[NDArray[np.int32], NDArray[np.float64], float]:
    """Return edge and share of the way along it of places on all roads, and how far apart."""
    step = max(STEP_M, float(network.edge_length_m.sum()) / MOST_PLACES)
    pieces = np.maximum(np.ceil(network.edge_length_m / step), 1).astype(np.int64)
    edge = np.repeat(np.arange(network.n_edges, dtype=np.int32), pieces + 1)
    nth = np.arange(len(edge)) - np.repeat(np.cumsum(pieces + 1) - pieces - 1, pieces + 1)
    return edge, nth / pieces[edge], step


def _widened(places: NDArray[np.float64], width: NDArray[np.float64]) -> BaseGeometry:
    """Return discs of a width around places as one area, drawn from a grid."""
    if not len(places):
        return shapely.MultiPolygon()
    low, high = places.min(axis=0), places.max(axis=0)
    margin = float(width.max())
    cell = max(CELL_M, float(np.sqrt((high - low + 2 * margin).prod() / MOST_CELLS)))
    low = low - margin - 3 * cell
    columns, rows = ((high + margin - low) // cell).astype(int) + 4
    inside = np.full((rows, columns), -2 * cell)
    kernels.widen(np.ascontiguousarray(places), width, float(low[0]), float(low[1]), cell, inside)
    lines = contour_generator(
        low[0] + cell * np.arange(columns), low[1] + cell * np.arange(rows), inside,
        fill_type=FillType.OuterOffset,
    )  # fmt: skip
    polygons = [_polygon(*each) for each in zip(*lines.filled(0.0, ABOVE), strict=True)]
    return shapely.simplify(shapely.MultiPolygon(polygons), 0.5 * cell)


def _polygon(points: NDArray[np.float64], starts: NDArray[np.uint32]) -> shapely.Polygon:
    """Return a polygon of an outline and holes, which begin at some of the points."""
    rings = [points[a:b] for a, b in pairwise(starts.tolist())]
    return shapely.Polygon(rings[0], rings[1:])
