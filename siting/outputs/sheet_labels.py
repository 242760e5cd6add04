"""Names and numbers over the map window, where they do not collide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from matplotlib.patheffects import Stroke

from siting.outputs.fonts import drawable
from siting.outputs.sheet_map import (
    DIAMETERS_MM,
    NUMBER,
    Symbol,
    facilities_in,
    symbol_scale,
    uncovered_in,
)
from siting.outputs.sheet_page import PT, shorten, tell, width_mm, write
from siting.outputs.sheet_window import inside

if TYPE_CHECKING:
    import pandas as pd
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from siting.outputs.frames import Frames
    from siting.outputs.sheet_page import Paper
    from siting.outputs.sheet_window import Window

__all__ = [
    "HOME_LABEL", "UNIT_LABEL", "Board", "draw_labels", "label_area", "label_areas", "label_homes",
    "label_numbers", "label_zones", "open_board", "take_box", "take_facilities", "take_points",
]  # fmt: skip

CELL_MM = 0.5
HALO = [Stroke(linewidth=1.8, foreground="#FFFFFFD9")]
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

    def is_free(self, area: tuple[float, float, float, float]) -> bool:
        """Tell whether a rectangle of the page (left, low, width, height in mm) can be written on.

        It has to lie in the window, a millimetre from its frame, and nothing may stand there.
        """
        left, low, width, height = area
        x, y = left - self.window.left, low - self.window.low
        if x < 1 or y < 1:
            return False
        if x + width > self.window.width - 1 or y + height > self.window.height - 1:
            return False
        rows, columns = _cells(self, area)
        return not self.taken[rows, columns].any()


def open_board(paper: Paper, window: Window, taken: tuple[float, float, float, float]) -> Board:
    """Return the window as a board for names, on which one place (mm) is taken."""
    shape = (int(window.height / CELL_MM) + 1, int(window.width / CELL_MM) + 1)
    board = Board(paper, window, np.zeros(shape, dtype=bool))
    take_box(board, taken)
    return board


def draw_labels(board: Board, frames: Frames) -> tuple[list[Symbol], list[str]]:
    """
    Write numbers of proposed facilities, and names, where they do not collide.

    Returns
    -------
    symbols
        The entry of the legend for the numbers, if there are any.
    notes
        What to say under the legend: how many numbers had no room.
    """
    table = take_facilities(board, frames.facilities)
    symbols, notes = label_numbers(board, table)
    label_areas(board, frames.units, UNIT_LABEL)
    label_homes(board, table[(table["status"] == "existing") & table["rank"].isna()])
    take_points(board, uncovered_in(frames, board.window))
    label_zones(board, frames)
    return symbols, notes


def take_facilities(board: Board, facilities: GeoDataFrame) -> pd.DataFrame:
    """Keep the symbols of facilities free; return those in the window with their radius (mm)."""
    table = facilities_in(facilities, board.window)
    table["radius"] = np.array(DIAMETERS_MM)[table["step"]] * symbol_scale(table) / 2
    spot: Any
    for spot in table.itertuples():
        side = 2 * spot.radius
        take_box(board, (spot.px - spot.radius, spot.py - spot.radius, side, side))
    return table


def label_numbers(board: Board, table: pd.DataFrame) -> tuple[list[Symbol], list[str]]:
    """Write the numbers of proposed facilities; return entry of the legend and notes."""
    numbered = table[table["rank"].notna()].sort_values("rank")
    written = 0
    spot: Any
    for spot in numbered.head(MOST_NUMBERS).itertuples():
        place = (spot.px, spot.py, spot.radius)
        written += _label_spot(board, place, f"{spot.rank:.0f}", NUMBER_LABEL)
    left = len(numbered) - written
    notes = [tell(board.paper, "unlabelled", count=left)] if left else []
    return [Symbol("number", "number", NUMBER)] if written else [], notes


def label_homes(board: Board, table: pd.DataFrame, *, most: int = MOST_HOMES) -> None:
    """Write the names of facilities beside them, unless there are more than ``most``."""
    spot: Any
    for spot in table.itertuples() if len(table) <= most else ():
        label = shorten(spot.name, board.paper.face, size=HOME_LABEL["size"], width=24)
        _label_spot(board, (spot.px, spot.py, spot.radius), label, HOME_LABEL)


def take_box(board: Board, area: tuple[float, float, float, float]) -> None:
    """Mark a rectangle of the page (left, low, width and height in mm) as covered."""
    rows, columns = _cells(board, area)
    board.taken[rows, columns] = True


def take_points(board: Board, points: NDArray[np.float64]) -> None:
    """Keep small marks at points of the world, of shape (n, 2), free of names."""
    points = board.window.on_page(points)
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
    if not board.is_free((*place, wide, high)):
        return False
    take_box(board, (*place, wide, high))
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


def label_areas(board: Board, areas: GeoDataFrame, style: dict[str, Any]) -> None:
    """Write the name of every area near its middle: ``name``, else ``id``."""
    rows, shapes = inside(areas.geometry, board.window)
    names = areas["name" if "name" in areas else "id"].to_numpy()[rows]
    for name, shape in zip(names, shapes, strict=True):
        label = shorten(name, board.paper.face, size=style["size"], width=40)
        label_area(board, shape, label, style)


def label_area(board: Board, shape: BaseGeometry, label: str, style: dict[str, Any]) -> bool:
    """Write a label near the middle of an area, above or below it; tell whether there was room."""
    x, y = _middle(board, shape, label, style["size"])
    high = style["size"] * PT
    return any(
        _write_free(board, (x, y + up * high), label, style)
        for up in (0, 1, -1, 2, -2, 3.5, -3.5, 5, -5)
    )


def label_zones(board: Board, frames: Frames) -> None:
    """Write the names of zones that are wide enough for them."""
    if frames.zones is None:
        return
    rows, shapes = inside(frames.zones.geometry, board.window)
    names = frames.zones["name"].to_numpy()[rows]
    size = ZONE_LABEL["size"]
    for name, shape in list(zip(names, shapes, strict=True))[:MOST_ZONES]:
        room = (shape.bounds[2] - shape.bounds[0]) / board.window.per_mm - 1
        label = drawable(name, board.paper.face)
        if width_mm(label, board.paper.face, size) <= room:
            _write_free(board, _middle(board, shape, label, size), label, ZONE_LABEL)


def _middle(board: Board, shape: BaseGeometry, label: str, size: float) -> tuple[float, float]:
    """Return where a label stands in the middle of a polygon: its lower left corner in mm."""
    point = shapely.get_coordinates(shape.representative_point())
    x, y = board.window.on_page(point)[0]
    return (x - width_mm(label, board.paper.face, size) / 2, y - size * PT / 2)
