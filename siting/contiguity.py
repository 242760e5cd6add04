"""Which zones lie side by side: shared borders, overlaps, gaps, ferries; cells around points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Voronoi

from siting.errors import Fault, InputError, ScenarioError, nearest_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from siting.tables import DataCheck

__all__ = [
    "GRID_M",
    "NOISE_M2",
    "Cells",
    "Contiguity",
    "cells_around",
    "components",
    "ferry_pairs",
    "shared_borders",
]

GRID_M = 0.01
"""Coordinates are compared on a grid this fine: a vertex that others lack bends a border less."""

ALONG = 5
"""Zones that nearly touch are side by side if they do so for this many times the tolerance."""

NOISE_M2 = 1.0
"""Smaller overlaps and gaps are noise of coordinates and are not counted."""

FAR = 4.0
"""Sides of the frame around points whose cells would have no end, in widths of their extent."""


@dataclass(frozen=True)
class Contiguity:
    """
    Zones side by side.

    Attributes
    ----------
    pairs
        (k, 2) positions of zones that share a border of positive length, the smaller first.
    border_m
        (k,) metres shared; 0 for a ferry.
    """

    pairs: NDArray[np.int64]
    border_m: NDArray[np.float64]

    def join(self, pairs: NDArray[np.int64]) -> Contiguity:
        """Return the same with further pairs that share no border."""
        known = {tuple(each) for each in self.pairs.tolist()}
        new = [each for each in np.sort(pairs, axis=1).tolist() if tuple(each) not in known]
        more = np.array(sorted(new), dtype=np.int64).reshape(-1, 2)
        borders = np.concatenate([self.border_m, np.zeros(len(more))])
        return Contiguity(np.vstack([self.pairs, more]), borders)


@dataclass(frozen=True)
class Cells:
    """
    Cells that stand for points.

    Attributes
    ----------
    of_point
        (n,) cell of each point.
    xy
        (m, 2) centres, by column from west and row from south.
    shapes
        (m,) what lies nearer to a centre than to any other, and within reach.
    contiguity
        Cells side by side.
    """

    of_point: NDArray[np.int64]
    xy: NDArray[np.float64]
    shapes: NDArray[np.object_]
    contiguity: Contiguity


def components(n: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the connected component of each zone, numbered in the order of their first zones."""
    links = csr_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    found = connected_components(links, directed=False)[1]
    _, first, inverse = np.unique(found, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)


def shared_borders(
    shapes: NDArray[np.object_],
    ids: NDArray[np.object_],
    *,
    tolerance_m: float,
    where: str,
    check: DataCheck,
) -> Contiguity:
    """
    Return which zones share a border of positive length, and how long it is.

    Zones that meet in a corner only are not side by side. Borders at most the tolerance apart for
    at least five times its length count as shared. Overlaps and gaps that nowhere are wider than
    the tolerance are slivers: counted, and otherwise left alone. Wider gaps are listed, as they
    may be water.

    Parameters
    ----------
    shapes, ids
        (n,) polygons in metres and their ids.
    tolerance_m
        How far borders may lie apart, or overlap, and still be one; 0: not at all.
    where
        Name of the file.
    check
        Takes the counts of slivers and gaps.

    Raises
    ------
    InputError
        If zones overlap by more than the tolerance.
    """
    tree = shapely.STRtree(shapes)
    a, b = tree.query(shapes, predicate="dwithin", distance=tolerance_m)
    a, b = a[a < b], b[a < b]
    order = np.lexsort((b, a))
    a, b = a[order].astype(np.int64), b[order].astype(np.int64)
    slivers = _overlaps(shapes, ids, a, b, tolerance_m, where)
    edges = shapely.boundary(shapes)
    border = shapely.length(shapely.intersection(edges[a], edges[b], grid_size=GRID_M))
    loose = np.flatnonzero(border <= tolerance_m)
    along = _along(shapes, edges, a[loose], b[loose], tolerance_m)
    is_near = along > max(ALONG * tolerance_m, GRID_M)
    border[loose] = np.where(is_near, along, np.where(border[loose] > GRID_M, border[loose], 0.0))
    if tolerance_m > 0:
        border[(border < tolerance_m) & (border > 0)] = 0.0
    slivers += int(is_near.sum())
    slivers += _gaps(shapes, ids, tree, tolerance_m, where, check)
    if slivers:
        check.add("info", "zone_slivers", where, count=slivers, tolerance=f"{tolerance_m:g}")
    side_by_side = border > 0
    return Contiguity(np.column_stack([a, b])[side_by_side], border[side_by_side])


def _overlaps(
    shapes: NDArray[np.object_],
    ids: NDArray[np.object_],
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    tolerance_m: float,
    where: str,
) -> int:
    """Return how many pairs overlap by slivers; refuse wider overlaps."""
    common = shapely.intersection(shapes[a], shapes[b])
    area = shapely.area(common)
    rows = np.flatnonzero(area > NOISE_M2)
    wide = rows[~shapely.is_empty(shapely.buffer(common[rows], -tolerance_m / 2))]
    if len(wide):
        wide = wide[np.argsort(-area[wide], kind="stable")]
        examples = tuple(f"{ids[a[k]]} + {ids[b[k]]} ({area[k]:,.0f} m²)" for k in wide.tolist())
        values = {"found": f"{area[wide].sum():,.0f}", "tolerance": f"{tolerance_m:g}"}
        raise InputError(Fault("zones_overlap", where, values, examples))
    return len(rows)


def _along(
    shapes: NDArray[np.object_],
    edges: NDArray[np.object_],
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    tolerance_m: float,
) -> NDArray[np.float64]:
    """Return for how many metres pairs of zones run within the tolerance of each other."""
    if not len(a) or tolerance_m == 0:
        return np.zeros(len(a))
    one = shapely.length(shapely.intersection(edges[a], shapely.buffer(shapes[b], tolerance_m)))
    other = shapely.length(shapely.intersection(edges[b], shapely.buffer(shapes[a], tolerance_m)))
    return np.asarray(np.minimum(one, other), dtype=float)


def _gaps(
    shapes: NDArray[np.object_],
    ids: NDArray[np.object_],
    tree: shapely.STRtree,
    tolerance_m: float,
    where: str,
    check: DataCheck,
) -> int:
    """Return how many enclosed gaps are slivers; list the wider ones."""
    whole = shapely.get_parts(shapely.union_all(shapes))
    rings, owner = shapely.get_rings(whole, return_index=True)
    inner = np.append(False, owner[1:] == owner[:-1])
    holes = shapely.polygons(rings[inner])
    holes = holes[shapely.area(holes) > NOISE_M2]
    is_wide = ~shapely.is_empty(shapely.buffer(holes, -tolerance_m / 2))
    wide = holes[is_wide]
    if len(wide):
        wide = wide[np.argsort(-shapely.area(wide), kind="stable")]
        hole, zone = tree.query(wide, predicate="intersects")
        beside = [sorted(ids[zone[hole == k]].astype(str))[:2] for k in range(len(wide))]
        examples = [
            f"{' + '.join(names)} ({area:,.0f} m²)"
            for names, area in zip(beside, shapely.area(wide).tolist(), strict=True)
        ]
        check.add(
            "warning", "zone_gaps", where, count=len(wide), examples=examples,
            km2=float(shapely.area(wide).sum() / 1e6), tolerance=f"{tolerance_m:g}",
        )  # fmt: skip
    return int((~is_wide).sum())


def ferry_pairs(
    ferries: Sequence[tuple[str, str]], ids: NDArray[np.object_], *, where: str
) -> NDArray[np.int64]:
    """
    Return the positions of zones that ferries join, (k, 2).

    Raises
    ------
    ScenarioError
        If a ferry names no zone, or the same one twice.
    """
    place = {str(name): k for k, name in enumerate(ids)}
    faults = []
    for pair in ferries:
        for name in pair:
            if name not in place:
                guess = nearest_name(name, list(place))
                code = "ferry_unknown_near" if guess else "ferry_unknown"
                faults.append(Fault(code, where, {"found": name, "guess": guess}))
        if pair[0] == pair[1]:
            faults.append(Fault("ferry_nowhere", where, {"found": pair[0]}))
    if faults:
        raise ScenarioError(*faults)
    return np.array([[place[a], place[b]] for a, b in ferries], dtype=np.int64).reshape(-1, 2)


def cells_around(xy: NDArray[np.float64], *, grid_m: float, link_m: float) -> Cells:
    """
    Return cells that stand for points where there are no zones.

    Points in one square of a grid are one cell. A cell is what lies nearer to the square's centre
    than to any other and at most half of ``link_m`` from it; so cells side by side have centres
    less than ``link_m`` apart, and wider water or empty land lies between pieces.

    Parameters
    ----------
    xy
        (n, 2) points.
    grid_m
        Side of a square, which starts at a multiple of it.
    link_m
        Farthest that centres of cells side by side may be.
    """
    squares, of_point = np.unique(
        np.floor(xy / grid_m).astype(np.int64), axis=0, return_inverse=True
    )
    centres = np.asarray((squares + 0.5) * grid_m, dtype=float)
    pairs, border = _ridges(centres, link_m / 2)
    discs = shapely.buffer(shapely.points(centres), link_m / 2, quad_segs=16)
    return Cells(
        of_point.reshape(-1).astype(np.int64), centres,
        shapely.intersection(_nearest_areas(centres), discs), Contiguity(pairs, border),
    )  # fmt: skip


def _framed(centres: NDArray[np.float64]) -> Voronoi:
    """Return the Voronoi diagram of points and of four far ones, which give every cell an end."""
    middle = (centres.min(axis=0) + centres.max(axis=0)) / 2
    reach = FAR * (np.ptp(centres, axis=0).max() + 1e5)
    far = reach * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return Voronoi(np.vstack([centres - middle, far]))


def _nearest_areas(centres: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return the polygon of what is nearer to each point than to any other."""
    middle = (centres.min(axis=0) + centres.max(axis=0)) / 2
    diagram = _framed(centres)
    shapes = []
    for k in range(len(centres)):
        corners = diagram.vertices[diagram.regions[diagram.point_region[k]]] + middle
        angle = np.arctan2(*(corners - centres[k]).T[::-1])
        shapes.append(shapely.polygons(corners[np.argsort(angle)]))
    return np.array(shapes, dtype=object)


def _ridges(
    centres: NDArray[np.float64], reach_m: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return pairs of points whose cells touch within reach, and the metres that they share."""
    diagram = _framed(centres)
    pairs, ends = diagram.ridge_points, np.array(diagram.ridge_vertices)
    inside = (pairs < len(centres)).all(axis=1) & (ends >= 0).all(axis=1)
    pairs, ends = pairs[inside], ends[inside]
    start, along = diagram.vertices[ends[:, 0]], np.diff(diagram.vertices[ends], axis=1)[:, 0]
    length = np.linalg.norm(along, axis=1)
    step = along / np.maximum(length, 1e-12)[:, None]
    middle = diagram.points[pairs[:, 0]]
    foot = ((middle - start) * step).sum(axis=1)
    apart = np.linalg.norm(middle - start - foot[:, None] * step, axis=1)
    half = np.sqrt(np.maximum(reach_m**2 - apart**2, 0.0))
    shared = np.minimum(foot + half, length) - np.maximum(foot - half, 0.0)
    kept = np.flatnonzero(shared > GRID_M)
    pairs = np.sort(pairs[kept], axis=1)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return pairs[order].astype(np.int64), shared[kept][order]
