"""The map window of a sheet: layers at a true scale, and a list of the symbols that it shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from matplotlib.collections import PathCollection
from matplotlib.path import Path as Outline
from scipy.spatial import cKDTree

from siting.outputs.generalise import BLOCK_M2, fill_holes
from siting.outputs.sheet_page import PT
from siting.outputs.sheet_window import inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from geopandas import GeoDataFrame
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from siting.outputs.frames import Frames
    from siting.outputs.sheet_window import Window

__all__ = [
    "BED_STEPS", "DIAMETERS_MM", "FACILITY", "NUMBER", "Symbol", "add_lines", "draw_exclusions",
    "draw_facilities", "draw_layers", "draw_lines", "draw_service", "draw_uncovered",
    "facilities_in", "fill",
    "fill_density", "outlines",
    "symbol_scale", "uncovered_in",
]  # fmt: skip

BED_STEPS = (50, 100, 200)
DIAMETERS_MM = (2.4, 3.2, 4.1, 5.2)
APART_MM, LEAST_SIZE = 6.0, 0.4
"""Distance to the next facility below which symbols shrink, and to what share at most."""
SIMPLIFY_MM = 0.06
SPECK_MM2 = 4.0
MANY = 30_000
MOST_POINTS = 5_000
"""About how many points of lines stand in one path."""

DENSITY = {"low": "#F6F4F9", "medium": "#E4E0EF", "high": "#CBC3E0"}
ROAD: dict[str, Any] = {"color": "#B5B0AA", "linewidth": 0.4}
ZONE: dict[str, Any] = {"color": "#8C6E54", "linewidth": 0.3, "linestyle": (0, (6, 2))}
UNIT: dict[str, Any] = {"color": "#3B3F6B", "linewidth": 0.9, "linestyle": (0, (7, 1.6, 1.2, 1.6))}
STUDY: dict[str, Any] = {"color": "#111111", "linewidth": 1.5}
EXCLUSION: dict[str, Any] = {
    "facecolor": "none",
    "edgecolor": "#7C8B5A",
    "linewidth": 0.5,
    "hatch": "////",
}
SERVICE: list[dict[str, Any]] = [
    {"color": "#0B7A80", "linewidth": 0.65, "linestyle": (0, (3, 1.2))},
    {"color": "#3A9BA0", "linewidth": 0.65, "linestyle": (0, (1, 1.1))},
    {"color": "#4E6E70", "linewidth": 0.55, "linestyle": (0, (5, 1, 1, 1))},
]
UNCOVERED: dict[str, Any] = {"marker": "x", "color": "#D0021B", "linewidths": 0.55}
FACILITY: dict[str, dict[str, Any]] = {
    "closed": {"marker": "X", "facecolor": "#BDBDBD", "edgecolor": "#5C5C5C"},
    "outside": {"marker": "o", "facecolor": "#FFFFFF", "edgecolor": "#2F6DA8"},
    "existing": {"marker": "o", "facecolor": "#4F8FCB", "edgecolor": "#173E63"},
    "reserved": {"marker": "D", "facecolor": "#FFFFFF", "edgecolor": "#A2571C"},
    "later": {"marker": "^", "facecolor": "#FFFFFF", "edgecolor": "#8A2B10"},
    "planned": {"marker": "D", "facecolor": "#FFD667", "edgecolor": "#7A5A00"},
    "extended": {"marker": "s", "facecolor": "#5DB075", "edgecolor": "#1D5230"},
    "new": {"marker": "^", "facecolor": "#FF9F7F", "edgecolor": "#8A2B10"},
}
NUMBER: dict[str, Any] = {"color": "#8A2B10", "size": 6.5}


@dataclass(frozen=True)
class Symbol:
    """
    A symbol that the map shows, for the legend.

    Attributes
    ----------
    key
        Its name in the catalogue after ``legend_``; the artists drawn have ``symbol:<key>`` (and
        for facilities ``/beds-<step>``) as their gid.
    form
        ``area``, ``line``, ``marker``, ``spot`` (a marker on an area), ``bar``, ``status`` or
        ``number``.
    style
        What matplotlib draws it with.
    blanks
        What the text of the legend needs.
    label
        Instead of a text of the catalogue: what the legend says.
    """

    key: str
    form: str
    style: dict[str, Any]
    blanks: dict[str, Any] = field(default_factory=dict)
    label: str = ""


def draw_layers(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Draw everything but labels, from the ground up, and return the symbols drawn."""
    return [
        *fill_density(axes, frames, window),
        *draw_lines(axes, frames.roads.geometry, window, "road", ROAD),
        *draw_exclusions(axes, frames, window),
        *draw_service(axes, frames.service_areas, window),
        *draw_lines(
            axes, frames.zones.geometry if frames.zones is not None else None, window, "zone", ZONE
        ),
        *draw_lines(axes, frames.units.geometry, window, "unit", UNIT),
        *draw_lines(axes, [frames.study_area], window, "study", STUDY),
        *draw_uncovered(axes, frames, window),
        *draw_facilities(axes, facilities_in(frames.facilities, window)),
    ]


def fill_density(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Draw the demand shapes by density class, as pixels: there may be very many."""
    if frames.distance_classes:
        grades = frames.demand["density_class"].to_numpy()
        looks = {f"density-{grade}": colour for grade, colour in DENSITY.items()}
        keys = np.array([f"density-{grade}" for grade in grades], dtype=object)
    else:  # no rule asks for a distance, so no class means anything
        looks = {"density-any": DENSITY["low"]}
        keys = np.full(len(frames.demand), "density-any", dtype=object)
    drawn = fill(axes, frames.demand_shapes, keys, looks, window, pixels=True)
    return drawn[::-1]


def fill(
    axes: Axes,
    geometries: Iterable[Any] | None,
    keys: NDArray[np.object_],
    looks: Mapping[str, str | dict[str, Any]],
    window: Window,
    *,
    pixels: bool = False,
) -> list[Symbol]:
    """
    Fill areas, each by its key; return the symbols of the keys that the window shows.

    Parameters
    ----------
    axes
        The map.
    geometries
        Polygons; points are drawn as small squares.
    keys
        One per geometry; a key without a look is not drawn.
    looks
        Key to a colour, or to what matplotlib draws with; in the order of the legend.
    window
        What is outside is left out.
    pixels
        Draw as pixels instead of vectors, for very many small areas.
    """
    rows, shapes = inside(geometries, window)
    mine = keys[rows]
    flat = shapely.get_dimensions(shapes) == 2  # noqa: PLR2004 - a polygon
    drawn = []
    for key, look in looks.items():
        here = mine == key
        if not here.any():
            continue
        style: dict[str, Any] = (
            {"facecolor": look, "linewidth": 0} if isinstance(look, str) else look
        )
        common: dict[str, Any] = {"rasterized": pixels, "gid": f"symbol:{key}", "zorder": 1}
        areas = PathCollection(
            outlines(shapes[here & flat]), antialiased=not pixels, **style, **common
        )
        axes.add_collection(areas, autolim=False)
        points = shapely.get_coordinates(shapely.centroid(shapes[here & ~flat]))
        if len(points):
            axes.scatter(points[:, 0], points[:, 1], s=9, marker="s", **style, **common)
        drawn.append(Symbol(key, "area", style))
    return drawn


def draw_lines(
    axes: Axes, geometries: Iterable[Any] | None, window: Window, key: str, style: dict[str, Any]
) -> list[Symbol]:
    """Draw lines, or the borders of polygons."""
    _, shapes = inside(geometries, window)
    if not len(shapes):
        return []
    add_lines(axes, shapes, window, f"symbol:{key}", style)
    return [Symbol(key, "line", style)]


def add_lines(
    axes: Axes, shapes: NDArray[Any], window: Window, gid: str, style: dict[str, Any]
) -> None:
    """Add lines to the map, without detail that paper cannot show."""
    flat = shapely.get_dimensions(shapes) == 2  # noqa: PLR2004 - a polygon
    lines = np.where(flat, shapely.boundary(shapes), shapes)
    lines = shapely.simplify(lines, SIMPLIFY_MM * window.per_mm)
    parts = shapely.get_parts(shapely.get_parts(lines))
    parts = parts[shapely.get_dimensions(parts) == 1]
    points, owner = shapely.get_coordinates(parts, return_index=True)
    look = {"edgecolor": style["color"], **{k: style[k] for k in style if k != "color"}}
    axes.add_collection(
        PathCollection(
            _strokes(points, owner), facecolor="none", gid=gid, zorder=_layer(gid),
            rasterized=len(points) > 10 * MANY, **look,
        ),
        autolim=False,
    )  # fmt: skip


def _strokes(points: NDArray[np.float64], owner: NDArray[np.int64]) -> list[Outline]:
    """Return lines as few paths of many lines each: a file is written faster and is smaller."""
    codes = np.full(len(points), Outline.LINETO, dtype=np.uint8)
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    codes[starts] = Outline.MOVETO
    cuts = starts[np.flatnonzero(np.diff(starts // MOST_POINTS)) + 1]
    return [
        Outline(vertices, code)
        for vertices, code in zip(np.split(points, cuts), np.split(codes, cuts), strict=True)
        if len(vertices)
    ]


def _layer(gid: str) -> float:
    """Return the place of a line layer in the stack."""
    order = ("degrees", "road", "exclusion", "service", "zone", "unit", "place", "circle", "study")
    key = gid.removeprefix("symbol:").split("-")[0]
    return 5.5 if key == "guide" else 2 + order.index(key) / 10


def draw_exclusions(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Hatch the areas where nothing new may stand."""
    layer = None if frames.exclusions is None else frames.exclusions.geometry
    _, shapes = inside(layer, window)
    shapes = shapes[shapely.get_dimensions(shapes) == 2]  # noqa: PLR2004 - a polygon
    if not len(shapes):
        return []
    tolerance = SIMPLIFY_MM * window.per_mm
    hatched = PathCollection(
        outlines(shapely.simplify(shapes, tolerance)), gid="symbol:exclusion", zorder=2.1,
        **EXCLUSION,
    )  # fmt: skip
    axes.add_collection(hatched, autolim=False)
    return [Symbol("exclusion", "area", EXCLUSION)]


def draw_service(axes: Axes, areas: GeoDataFrame | None, window: Window) -> list[Symbol]:
    """Outline the places within each standard distance of a facility."""
    rows, shapes = inside(None if areas is None else areas.geometry, window)
    if areas is None or not len(rows):
        return []
    distances = areas["distance_m"].to_numpy(dtype=float)[rows]
    speck = SPECK_MM2 * (window.per_mm) ** 2
    shapes = fill_holes(shapes, least_m2=max(BLOCK_M2, speck))
    drawn = []
    for number, distance in enumerate(np.unique(distances)):
        style = SERVICE[number % len(SERVICE)]
        key = f"service-{distance:.0f}"
        add_lines(axes, shapes[distances == distance], window, f"symbol:{key}", style)
        drawn.append(Symbol(key, "line", style, {"distance": distance}))
    return drawn


def draw_uncovered(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Cross the demand points that have a distance duty and no facility within it."""
    points = uncovered_in(frames, window)
    if not len(points):
        return []
    size = 5.0 if len(points) < 500 else 3.0 if len(points) < 3000 else 1.5  # noqa: PLR2004
    axes.scatter(
        points[:, 0],
        points[:, 1],
        s=size,
        gid="symbol:uncovered",
        zorder=3,
        rasterized=len(points) > MANY,
        **UNCOVERED,
    )
    return [Symbol("uncovered", "marker", UNCOVERED | {"s": max(size, 4.0)})]


def uncovered_in(frames: Frames, window: Window) -> NDArray[np.float64]:
    """Return the places, of shape (n, 2), of demand points that the plan leaves uncovered."""
    missed = frames.demand["covered"].astype("boolean").eq(other=False).fillna(value=False)
    _, shapes = inside(frames.demand.geometry[missed.to_numpy(dtype=bool)], window)
    places: NDArray[np.float64] = shapely.get_coordinates(shapes).reshape(-1, 2)
    return places


def facilities_in(table: GeoDataFrame, window: Window) -> pd.DataFrame:
    """
    Return the facilities that the window shows, with where they stand on the page.

    Columns: ``row`` (position in the table), ``name, status, step`` (of beds), ``rank, x, y``
    (metres) and ``px, py`` (mm).
    """
    rows, shapes = inside(table.geometry, window)
    world = shapely.get_coordinates(shapely.centroid(shapes)).reshape(-1, 2)
    page = window.on_page(world)
    beds = pd.to_numeric(table["beds"]).fillna(0).to_numpy(dtype=float)[rows]
    return pd.DataFrame(
        {
            "row": rows,
            "name": table["name"].to_numpy()[rows],
            "status": table["status"].to_numpy()[rows],
            "rank": pd.to_numeric(table["rank"]).to_numpy(dtype=float, na_value=np.nan)[rows],
            "step": np.searchsorted(BED_STEPS, beds, side="right"),
            "x": world[:, 0],
            "y": world[:, 1],
            "px": page[:, 0],
            "py": page[:, 1],
        }
    )


def symbol_scale(table: pd.DataFrame) -> float:
    """Return by how much the symbols of facilities shrink where they stand close together."""
    if len(table) < 2:  # noqa: PLR2004 - a single one has no neighbour
        return 1.0
    places = table[["px", "py"]].to_numpy()
    apart = np.asarray(cKDTree(places).query(places, k=2)[0])[:, 1]
    return float(np.clip(np.median(apart) / APART_MM, LEAST_SIZE, 1.0))


def draw_facilities(
    axes: Axes, table: pd.DataFrame, *, scale: float | None = None, level: float = 4.0
) -> list[Symbol]:
    """
    Draw facilities by status and by step of beds, large ones below small ones.

    Parameters
    ----------
    axes
        The map.
    table
        What ``facilities_in`` gives.
    scale
        Of the symbols; None: as crowded as the table is.
    level
        Where the lowest stands in the stack.
    """
    scale = symbol_scale(table) if scale is None else scale
    points = [each * scale / PT for each in DIAMETERS_MM]
    drawn = []
    for rise, (status, style) in enumerate(FACILITY.items()):
        mine = table[table["status"] == status]
        for step in range(len(DIAMETERS_MM)):
            group = mine[mine["step"] == step]
            if group.empty:
                continue
            axes.scatter(
                group["x"], group["y"], s=points[step] ** 2, linewidths=0.55, **style,
                zorder=level + rise / 10 - step / 100, gid=f"symbol:facility-{status}/beds-{step}",
            )  # fmt: skip
        if len(mine):
            drawn.append(Symbol(f"facility-{status}", "marker", style | {"s": points[1] ** 2}))
    steps = sorted(int(step) for step in table["step"].unique())
    grey: dict[str, Any] = {"marker": "o", "facecolor": "#D9D9D9", "edgecolor": "#555555"}
    sizes = [Symbol(f"beds-{step}", "marker", grey | {"s": points[step] ** 2}) for step in steps]
    return [*drawn[::-1], *sizes]


def outlines(shapes: NDArray[Any]) -> list[Outline]:
    """Return polygons as paths; holes turn the other way, so that they stay open."""
    parts, owner = shapely.get_parts(shapely.normalize(shapes), return_index=True)
    polygons = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, ring_part = shapely.get_rings(parts[polygons], return_index=True)
    ring_owner = owner[polygons][ring_part]
    points, point_ring = shapely.get_coordinates(rings, return_index=True)
    if not len(points):
        return []
    codes = np.full(len(points), Outline.LINETO, dtype=np.uint8)
    codes[np.flatnonzero(np.diff(point_ring, prepend=-1))] = Outline.MOVETO
    codes[np.flatnonzero(np.diff(point_ring, append=-1))] = Outline.CLOSEPOLY
    cuts = np.flatnonzero(np.diff(ring_owner[point_ring])) + 1
    return [
        Outline(vertices, code)
        for vertices, code in zip(np.split(points, cuts), np.split(codes, cuts), strict=True)
    ]
