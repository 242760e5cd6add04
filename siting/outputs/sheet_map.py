"""The map window of a sheet: layers at a true scale, and a list of the symbols that it shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.path import Path as Outline
from scipy.spatial import cKDTree

from siting.outputs.generalise import BLOCK_M2, fill_holes
from siting.outputs.sheet_page import PT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from siting.outputs.frames import Frames

__all__ = ["BED_STEPS", "DIAMETERS_MM", "NUMBER", "Symbol", "Window", "choose_window",
           "draw_layers", "facilities_in", "inside", "symbol_scale", "uncovered_in"]  # fmt: skip

STEPS = (10, 15, 20, 25, 30, 40, 50, 60, 75)
DENOMINATORS = [step * 10**power for power in range(2, 6) for step in STEPS]
"""From 1:1,000; the first digits of a drawing scale, and 7.5, so that the map fills its frame."""
MARGIN_MM = 6.0
BED_STEPS = (50, 100, 200)
DIAMETERS_MM = (2.4, 3.2, 4.1, 5.2)
APART_MM, LEAST_SIZE = 6.0, 0.5
"""Distance to the next facility below which symbols shrink, and to what share at most."""
SIMPLIFY_MM = 0.06
SPECK_MM2 = 4.0
MANY = 30_000

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
        ``area``, ``line``, ``marker``, ``beds`` or ``number``.
    style
        What matplotlib draws it with.
    blanks
        What the text of the legend needs.
    """

    key: str
    form: str
    style: dict[str, Any]
    blanks: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Window:
    """
    Where the map stands on the page and in the world.

    Attributes
    ----------
    left, low, width, height
        On the page, in millimetres.
    x, y
        World coordinates of the lower left corner, in metres.
    denominator
        Metres in the world per metre on paper.
    """

    left: float
    low: float
    width: float
    height: float
    x: float
    y: float
    denominator: int

    @property
    def metres(self) -> tuple[float, float, float, float]:
        """World bounds of the window: least x, least y, greatest x, greatest y."""
        per_mm = self.denominator / 1000
        return (self.x, self.y, self.x + self.width * per_mm, self.y + self.height * per_mm)

    def on_page(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return world coordinates, of shape (n, 2), as millimetres on the page."""
        corner, start = np.array([self.x, self.y]), np.array([self.left, self.low])
        page: NDArray[np.float64] = (points - corner) * 1000 / self.denominator + start
        return page


def choose_window(frames: Frames, place: tuple[float, float, float, float]) -> Window:
    """Return a window at the smallest denominator of the list that shows the whole study area."""
    left, low, width, height = place
    x0, y0, x1, y1 = _extent(frames)
    room = (width - 2 * MARGIN_MM, height - 2 * MARGIN_MM)
    need = max((x1 - x0) / room[0], (y1 - y0) / room[1]) * 1000
    denominator = next((d for d in DENOMINATORS if d >= need), DENOMINATORS[-1])
    x = (x0 + x1 - width * denominator / 1000) / 2
    y = (y0 + y1 - height * denominator / 1000) / 2
    return Window(left, low, width, height, x, y, denominator)


def _extent(frames: Frames) -> tuple[float, float, float, float]:
    """Return the bounds of the study area, of the demand and of what is proposed."""
    changed = frames.facilities.geometry[frames.facilities["rank"].notna()]
    layers = [frames.demand.geometry, frames.units.geometry, changed]
    bounds = [layer.total_bounds for layer in layers if len(layer)]
    if frames.study_area is not None and not frames.study_area.is_empty:
        bounds.append(np.array(frames.study_area.bounds))
    stack = np.array([b for b in bounds if np.isfinite(b).all()]).reshape(-1, 4)
    if not len(stack):
        return (0.0, 0.0, 1000.0, 1000.0)
    (x0, y0), (x1, y1) = stack[:, :2].min(axis=0), stack[:, 2:].max(axis=0)
    return (float(x0), float(y0), float(x1), float(y1))


def inside(geometries: Iterable[Any] | None, window: Window) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return which geometries the window shows, as positions, and those geometries."""
    shapes = np.array([] if geometries is None else list(geometries), dtype=object)
    usable = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    usable &= shapely.intersects(shapes, shapely.box(*window.metres))
    rows = np.flatnonzero(usable)
    return rows, shapes[rows]


def draw_layers(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Draw everything but labels, from the ground up, and return the symbols drawn."""
    return [
        *_draw_density(axes, frames, window),
        *_draw_lines(axes, frames.roads.geometry, window, "road", ROAD),
        *_draw_exclusions(axes, frames, window),
        *_draw_service(axes, frames, window),
        *_draw_lines(
            axes, frames.zones.geometry if frames.zones is not None else None, window, "zone", ZONE
        ),
        *_draw_lines(axes, frames.units.geometry, window, "unit", UNIT),
        *_draw_lines(axes, [frames.study_area], window, "study", STUDY),
        *_draw_uncovered(axes, frames, window),
        *_draw_facilities(axes, frames, window),
    ]


def _draw_density(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Draw the demand shapes by density class, as pixels: there may be very many."""
    rows, shapes = inside(frames.demand_shapes, window)
    grades = frames.demand["density_class"].to_numpy()[rows]
    flat = shapely.get_dimensions(shapes) == 2  # noqa: PLR2004 - a polygon
    asked = [frames.info.get(f"distance_{grade}_m") for grade in ("high", "medium")]
    plain = not any(asked)  # no rule asks for a distance, so no class means anything
    if plain:
        grades = np.full(len(grades), "low", dtype=object)
    drawn = []
    for grade, colour in DENSITY.items():
        style: dict[str, Any] = {"facecolor": colour, "linewidth": 0}
        mine = grades == grade
        if not mine.any():
            continue
        key = "density-any" if plain else f"density-{grade}"
        common: dict[str, Any] = {"rasterized": True, "gid": f"symbol:{key}", "zorder": 1}
        areas = PathCollection(_outlines(shapes[mine & flat]), antialiased=False, **style, **common)
        axes.add_collection(areas, autolim=False)
        points = shapely.get_coordinates(shapely.centroid(shapes[mine & ~flat]))
        if len(points):
            axes.scatter(points[:, 0], points[:, 1], s=9, marker="s", **style, **common)
        drawn.append(Symbol(key, "area", style))
    return drawn[::-1]


def _draw_lines(
    axes: Axes, geometries: Iterable[Any] | None, window: Window, key: str, style: dict[str, Any]
) -> list[Symbol]:
    """Draw lines, or the borders of polygons."""
    _, shapes = inside(geometries, window)
    if not len(shapes):
        return []
    _add_lines(axes, shapes, window, f"symbol:{key}", style)
    return [Symbol(key, "line", style)]


def _add_lines(
    axes: Axes, shapes: NDArray[Any], window: Window, gid: str, style: dict[str, Any]
) -> None:
    """Add lines to the map, without detail that paper cannot show."""
    flat = shapely.get_dimensions(shapes) == 2  # noqa: PLR2004 - a polygon
    lines = np.where(flat, shapely.boundary(shapes), shapes)
    lines = shapely.simplify(lines, SIMPLIFY_MM * window.denominator / 1000)
    parts = shapely.get_parts(shapely.get_parts(lines))
    parts = parts[shapely.get_dimensions(parts) == 1]
    points, owner = shapely.get_coordinates(parts, return_index=True)
    segments = np.split(points, np.flatnonzero(np.diff(owner)) + 1) if len(points) else []
    axes.add_collection(
        LineCollection(
            segments, gid=gid, rasterized=len(points) > 10 * MANY, zorder=_layer(gid), **style
        ),
        autolim=False,
    )


def _layer(gid: str) -> float:
    """Return the place of a line layer in the stack."""
    order = ("road", "exclusion", "service", "zone", "unit", "study")
    return 2 + order.index(gid.removeprefix("symbol:").split("-")[0]) / 10


def _draw_exclusions(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Hatch the areas where nothing new may stand."""
    layer = None if frames.exclusions is None else frames.exclusions.geometry
    _, shapes = inside(layer, window)
    shapes = shapes[shapely.get_dimensions(shapes) == 2]  # noqa: PLR2004 - a polygon
    if not len(shapes):
        return []
    tolerance = SIMPLIFY_MM * window.denominator / 1000
    hatched = PathCollection(
        _outlines(shapely.simplify(shapes, tolerance)), gid="symbol:exclusion", zorder=2.1,
        **EXCLUSION,
    )  # fmt: skip
    axes.add_collection(hatched, autolim=False)
    return [Symbol("exclusion", "area", EXCLUSION)]


def _draw_service(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Outline the places within each standard distance of a facility."""
    rows, shapes = inside(frames.service_areas.geometry, window)
    if not len(rows):
        return []
    distances = frames.service_areas["distance_m"].to_numpy(dtype=float)[rows]
    speck = SPECK_MM2 * (window.denominator / 1000) ** 2
    shapes = fill_holes(shapes, least_m2=max(BLOCK_M2, speck))
    drawn = []
    for number, distance in enumerate(np.unique(distances)):
        style = SERVICE[number % len(SERVICE)]
        key = f"service-{distance:.0f}"
        _add_lines(axes, shapes[distances == distance], window, f"symbol:{key}", style)
        drawn.append(Symbol(key, "line", style, {"distance": distance}))
    return drawn


def _draw_uncovered(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
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


def facilities_in(frames: Frames, window: Window) -> pd.DataFrame:
    """Return the facilities that the window shows: ``row, status, step, rank, px, py`` (mm)."""
    rows, shapes = inside(frames.facilities.geometry, window)
    world = shapely.get_coordinates(shapely.centroid(shapes)).reshape(-1, 2)
    page = window.on_page(world)
    beds = pd.to_numeric(frames.facilities["beds"]).fillna(0).to_numpy(dtype=float)[rows]
    return pd.DataFrame(
        {
            "row": rows,
            "status": frames.facilities["status"].to_numpy()[rows],
            "rank": pd.to_numeric(frames.facilities["rank"]).to_numpy(dtype=float)[rows],
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


def _draw_facilities(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Draw facilities by status and by step of beds, large ones below small ones."""
    table = facilities_in(frames, window)
    points = [each * symbol_scale(table) / PT for each in DIAMETERS_MM]
    drawn = []
    for level, (status, style) in enumerate(FACILITY.items()):
        mine = table[table["status"] == status]
        for step in range(len(DIAMETERS_MM)):
            group = mine[mine["step"] == step]
            if group.empty:
                continue
            axes.scatter(
                group["x"], group["y"], s=points[step] ** 2, linewidths=0.55, **style,
                zorder=4 + level / 10 - step / 100, gid=f"symbol:facility-{status}/beds-{step}",
            )  # fmt: skip
        if len(mine):
            drawn.append(Symbol(f"facility-{status}", "marker", style | {"s": points[1] ** 2}))
    steps = sorted(int(step) for step in table["step"].unique())
    grey: dict[str, Any] = {"marker": "o", "facecolor": "#D9D9D9", "edgecolor": "#555555"}
    sizes = [Symbol(f"beds-{step}", "marker", grey | {"s": points[step] ** 2}) for step in steps]
    return [*drawn[::-1], *sizes]


def _outlines(shapes: NDArray[Any]) -> list[Outline]:
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
