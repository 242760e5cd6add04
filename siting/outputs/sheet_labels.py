"""Words and marks over the map window: kilometre grid, north arrow, numbers and names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.patheffects import Stroke

from siting.outputs.fonts import drawable
from siting.outputs.sheet_map import (
    DIAMETERS_MM,
    NUMBER,
    Symbol,
    facilities_in,
    inside,
    symbol_scale,
    uncovered_in,
)
from siting.outputs.sheet_page import INK, PT, box, rule, shorten, tell, width_mm, write

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from siting.outputs.frames import Frames
    from siting.outputs.sheet_map import Window
    from siting.outputs.sheet_page import Paper

__all__ = ["draw_grid", "draw_labels", "draw_north"]

CELL_MM = 0.5
HALO = [Stroke(linewidth=1.8, foreground="#FFFFFFD9")]
ARROW_MM = (13.0, 19.0)
GRID_MM = 25.0
MOST_NUMBERS = 600
MOST_ZONES = 400
MOST_HOMES = 60
NUMBER_LABEL: dict[str, Any] = NUMBER | {"gid": "label:number", "zorder": 6}
UNIT_LABEL: dict[str, Any] = {"color": "#3B3F6B", "size": 8.0, "gid": "label:unit", "zorder": 5}
HOME_LABEL: dict[str, Any] = {"color": "#173E63", "size": 5.5, "gid": "label:name", "zorder": 6}
ZONE_LABEL: dict[str, Any] = {"color": "#666666", "size": 5.0, "gid": "label:zone", "zorder": 5}


@dataclass(frozen=True)
class Board:
    """
    The map window while names are placed on it.

    Attributes
    ----------
    paper, window
        Where to write.
    taken
        What is covered already, in cells of ``CELL_MM`` from the lower left corner of the window.
    """

    paper: Paper
    window: Window
    taken: NDArray[np.bool_]


def draw_grid(paper: Paper, window: Window) -> None:
    """Tick the frame of the map and cross the window at every round kilometre."""
    need = GRID_MM * window.denominator / 1000
    power = 10.0 ** np.floor(np.log10(need))
    step = next(k * power for k in (1, 2, 5, 10) if k * power >= need)
    x0, y0, x1, y1 = window.metres
    columns = np.arange(np.ceil(x0 / step), np.floor(x1 / step) + 1) * step
    rows = np.arange(np.ceil(y0 / step), np.floor(y1 / step) + 1) * step
    right, top = window.left + window.width, window.low + window.height
    style: dict[str, Any] = {"lw": 0.5, "gid": "grid-tick"}
    for value, at in zip(columns, (columns - x0) * 1000 / window.denominator, strict=True):
        x = window.left + at
        rule(paper, (x, x), (window.low, window.low - 1.6), **style)
        rule(paper, (x, x), (top, top + 1.6), **style)
        write(paper, x, window.low - 3.4, f"{value / 1000:.10g}", 6, ha="center", va="center")
    for value, at in zip(rows, (rows - y0) * 1000 / window.denominator, strict=True):
        y = window.low + at
        rule(paper, (window.left, window.left - 1.6), (y, y), **style)
        rule(paper, (right, right + 1.6), (y, y), **style)
        write(paper, window.left - 3.2, y, f"{value / 1000:.10g}", 6, rotation=90, ha="center",
              va="center")  # fmt: skip
    write(paper, window.left, top + 3.2, tell(paper, "grid_unit"), 6, va="center")
    world = np.array([(x, y) for x in columns for y in rows]).reshape(-1, 2)
    crosses = window.on_page(world)
    paper.axes.add_line(
        Line2D(*crosses.T, ls="", marker="+", ms=5, mew=0.35, color="#8C8C8C", zorder=0.5,
               gid="grid-cross")
    )  # fmt: skip


def draw_north(paper: Paper, frames: Frames, window: Window) -> tuple[float, float]:
    """Draw the north arrow in the emptiest corner; return its lower left corner in millimetres."""
    _, shapes = inside(frames.demand.geometry, window)
    points = window.on_page(shapely.get_coordinates(shapely.centroid(shapes)).reshape(-1, 2))
    width, height = ARROW_MM
    right = window.left + window.width - width - 3
    top = window.low + window.height - height - 3
    corners = [(right, top), (window.left + 3, top), (right, window.low + 3),
               (window.left + 3, window.low + 3)]  # fmt: skip
    x, y = min(corners, key=lambda corner: _count(points, corner, ARROW_MM))
    box(paper, x, y, ARROW_MM, facecolor="#FFFFFFE0", edgecolor="none", zorder=3)
    middle, low, tip = x + width / 2, y + 1.5, y + height - 5.5
    for side, colour in ((-1, INK), (1, "#FFFFFF")):
        corners = [(middle, tip), (middle + side * 3.2, low), (middle, low + 3)]
        paper.axes.add_patch(
            Polygon(corners, facecolor=colour, edgecolor=INK, linewidth=0.6, zorder=4, gid="north")
        )
    write(paper, middle, y + height - 2.6, tell(paper, "north"), 10, ha="center", zorder=4)
    return (x, y)


def _count(points: NDArray[Any], corner: tuple[float, float], size: tuple[float, float]) -> int:
    """Return how many points lie in a rectangle."""
    low, high = np.array(corner), np.array(corner) + size
    return int(((points >= low) & (points <= high)).all(axis=1).sum())


def draw_labels(
    paper: Paper, frames: Frames, window: Window, arrow: tuple[float, float]
) -> tuple[list[Symbol], int]:
    """
    Write numbers of proposed facilities, and names, where they do not collide.

    Returns
    -------
    symbols
        The entry of the legend for the numbers, if there are any.
    left_out
        How many numbers had no room.
    """
    shape = (int(window.height / CELL_MM) + 1, int(window.width / CELL_MM) + 1)
    board = Board(paper, window, np.zeros(shape, dtype=bool))
    _take(board, (*arrow, *ARROW_MM))
    table = facilities_in(frames, window)
    table["radius"] = np.array(DIAMETERS_MM)[table["step"]] * symbol_scale(table) / 2
    table["name"] = frames.facilities["name"].to_numpy()[table["row"]]
    spot: Any
    for spot in table.itertuples():
        side = 2 * spot.radius
        _take(board, (spot.px - spot.radius, spot.py - spot.radius, side, side))
    numbered = table[table["rank"].notna()].sort_values("rank")
    written = 0
    for spot in numbered.head(MOST_NUMBERS).itertuples():
        place = (spot.px, spot.py, spot.radius)
        written += _label_spot(board, place, f"{spot.rank:.0f}", NUMBER_LABEL)
    _label_units(board, frames)
    homes = table[(table["status"] == "existing") & table["rank"].isna()]
    for spot in homes.head(MOST_HOMES if len(homes) <= MOST_HOMES else 0).itertuples():
        label = shorten(spot.name, paper.face, size=HOME_LABEL["size"], width=24)
        _label_spot(board, (spot.px, spot.py, spot.radius), label, HOME_LABEL)
    _take_points(board, window.on_page(uncovered_in(frames, window)))
    _label_zones(board, frames)
    symbols = [Symbol("number", "number", NUMBER)] if written else []
    return symbols, len(numbered) - written


def _take(board: Board, area: tuple[float, float, float, float]) -> None:
    """Mark a rectangle of the page (left, low, width and height in mm) as covered."""
    rows, columns = _cells(board, area)
    board.taken[rows, columns] = True


def _take_points(board: Board, points: NDArray[np.float64]) -> None:
    """Mark the cells around points of the page, of shape (n, 2) in mm, as covered."""
    corner = np.array([board.window.left, board.window.low])
    columns, rows = np.round((points - corner) / CELL_MM).astype(int).T
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        board.taken[max(row - 2, 0) : row + 2, max(column - 2, 0) : column + 2] = True


def _cells(board: Board, area: tuple[float, float, float, float]) -> tuple[slice, slice]:
    """Return the rows and the columns of cells under a rectangle of the page."""
    left, low, width, height = area
    x, y = left - board.window.left, low - board.window.low
    sides = ((y, y + height), (x, x + width))
    rows, columns = (
        slice(max(int(start / CELL_MM), 0), max(int(end / CELL_MM) + 1, 0)) for start, end in sides
    )
    return rows, columns


def _write_free(
    board: Board, place: tuple[float, float], label: str, style: dict[str, Any]
) -> bool:
    """Write from a place (left, low in mm) if there is room; tell whether there was."""
    style = dict(style)
    size = style.pop("size")
    wide, high = width_mm(label, board.paper.face, size), size * PT
    x, y = place[0] - board.window.left, place[1] - board.window.low
    if x < 1 or y < 1 or x + wide > board.window.width - 1 or y + high > board.window.height - 1:
        return False
    rows, columns = _cells(board, (*place, wide, high))
    if board.taken[rows, columns].any():
        return False
    board.taken[rows, columns] = True
    middle = place[1] + high / 2
    # The halo is drawn as outlines and the text over it as text, so that it can be searched.
    behind = style | {"gid": "halo", "path_effects": HALO}
    write(board.paper, place[0], middle, label, size, **behind)
    write(board.paper, place[0], middle, label, size, **style)
    return True


def _label_spot(
    board: Board, spot: tuple[float, float, float], label: str, style: dict[str, Any]
) -> bool:
    """Write beside a symbol (x, y and radius in mm) where there is room; tell whether there was."""
    x, y, radius = spot
    wide, high = width_mm(label, board.paper.face, style["size"]), style["size"] * PT
    gap, near = radius + 0.8, radius * 0.7 + 0.8
    places = [
        (x + gap, y - high / 2),
        (x - gap - wide, y - high / 2),
        (x - wide / 2, y + gap),
        (x - wide / 2, y - gap - high),
        (x + near, y + near),
        (x + near, y - near - high),
        (x - near - wide, y + near),
        (x - near - wide, y - near - high),
    ]
    return any(_write_free(board, place, label, style) for place in places)


def _label_units(board: Board, frames: Frames) -> None:
    """Write the name of every planning unit near its middle."""
    rows, shapes = inside(frames.units.geometry, board.window)
    column = "name" if "name" in frames.units else "id"
    names = frames.units[column].to_numpy()[rows]
    size = UNIT_LABEL["size"]
    for name, shape in zip(names, shapes, strict=True):
        label = shorten(name, board.paper.face, size=size, width=40)
        x, y = _middle(board, shape, label, size)
        high = size * PT
        any(
            _write_free(board, (x, y + up * high), label, UNIT_LABEL)
            for up in (0, 1, -1, 2, -2, 3.5, -3.5, 5, -5)
        )


def _label_zones(board: Board, frames: Frames) -> None:
    """Write the names of zones that are wide enough for them."""
    if frames.zones is None:
        return
    rows, shapes = inside(frames.zones.geometry, board.window)
    names = frames.zones["name"].to_numpy()[rows]
    size = ZONE_LABEL["size"]
    for name, shape in list(zip(names, shapes, strict=True))[:MOST_ZONES]:
        room = (shape.bounds[2] - shape.bounds[0]) * 1000 / board.window.denominator - 1
        label = drawable(name, board.paper.face)
        if width_mm(label, board.paper.face, size) <= room:
            _write_free(board, _middle(board, shape, label, size), label, ZONE_LABEL)


def _middle(board: Board, shape: BaseGeometry, label: str, size: float) -> tuple[float, float]:
    """Return where a label stands in the middle of a polygon: its lower left corner in mm."""
    point = shapely.get_coordinates(shape.representative_point())
    x, y = board.window.on_page(point)[0]
    return (x - width_mm(label, board.paper.face, size) / 2, y - size * PT / 2)
