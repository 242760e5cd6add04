"""Marks and names over the maps of the atlas: bars of beds, functions of circles, degrees."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from siting.outputs.atlas_layers import degrees_in, stands_in_year, stands_today
from siting.outputs.services import functions_of
from siting.outputs.sheet_labels import (
    UNIT_LABEL,
    draw_labels,
    label_areas,
    label_homes,
    label_numbers,
    label_zones,
    take_box,
    take_facilities,
)
from siting.outputs.sheet_map import Symbol
from siting.outputs.sheet_page import PT, box, say, shorten, width_mm, write
from siting.outputs.sheet_status import STATUSES, Mark, draw_mark
from siting.outputs.sheet_window import inside
from siting.texts import figure

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from siting.outputs.frames import Frames
    from siting.outputs.sheet_labels import Board

    Labels = tuple[list[Symbol], list[str]]

__all__ = [
    "BARS", "label_balance", "label_classes", "label_functions", "label_ground", "label_plain",
    "label_plan", "label_supply", "label_today", "label_year",
]  # fmt: skip

BARS = {"beds_required": "#FFFFFF", "beds_existing": "#4F8FCB", "beds_planned": "#FF9F7F"}
"""What the bars of a planning unit show, from left to right; 社会福利 is the plan's colour."""
BAR_MM, BAR_HEIGHT_MM = 2.2, 14.0
CELL_MM = 4.4
PLACE_LABEL: dict[str, Any] = {"color": "#222222", "size": 11.0, "gid": "label:place", "zorder": 5}
EDGE_LABEL: dict[str, Any] = {"color": "#4A6F8C", "size": 6.0, "gid": "label:degree", "zorder": 5}
SMALL_LABEL: dict[str, Any] = {"color": "#3B3F6B", "size": 6.5, "gid": "label:unit", "zorder": 5}
COLUMNS = 3


def label_ground(board: Board, frames: Frames) -> Labels:
    """Write the names of places and, along the frame, the degrees."""
    _label_degrees(board, frames)
    areas = frames.places if frames.places is not None else frames.units
    crowded = len(areas) > 20  # noqa: PLR2004 - then names are small
    label_areas(board, areas, SMALL_LABEL if crowded else PLACE_LABEL)
    return [], []


def _label_degrees(board: Board, frames: Frames) -> None:
    """Write the degrees where meridians meet the lower and parallels the left edge."""
    window, face = board.window, board.paper.face
    x0, y0, x1, y1 = window.metres
    low, left = shapely.LineString([(x0, y0), (x1, y0)]), shapely.LineString([(x0, y0), (x0, y1)])
    for line in degrees_in(frames, window).itertuples():
        met = line.geometry.intersection(low if line.is_meridian else left)
        if met.is_empty:
            continue
        label = _degree(line.value, "EW" if line.is_meridian else "NS")
        x, y = window.on_page(shapely.get_coordinates(met)[:1])[0]
        wide = width_mm(label, face, EDGE_LABEL["size"])
        place = (x - wide / 2, y + 1.2) if line.is_meridian else (x + 1.2, y + 0.4)
        style = EDGE_LABEL | {"ha": "left"}
        size = style.pop("size")
        if place[0] > window.left and place[0] + wide < window.left + window.width:
            write(board.paper, place[0], place[1] + size * PT / 2, label, size, **style)
            take_box(board, (*place, wide, size * PT))


def _degree(value: float, ends: str) -> str:
    """Return an angle in degrees and minutes."""
    minutes = round(abs(value) * 60)
    end = ends[0] if value >= 0 else ends[1]
    return f"{minutes // 60}°{minutes % 60:02d}′{end}"


def label_plain(board: Board, frames: Frames) -> Labels:
    """Write the names of units and zones."""
    label_areas(board, frames.units, UNIT_LABEL)
    label_zones(board, frames)
    return [], []


def label_classes(board: Board, frames: Frames) -> Labels:
    """Write the names of units."""
    label_areas(board, frames.units, UNIT_LABEL)
    return [], []


def label_today(board: Board, frames: Frames) -> Labels:
    """Write the names of what stands today, and of units."""
    table = take_facilities(board, stands_today(frames))
    label_areas(board, frames.units, UNIT_LABEL)
    label_homes(board, table[table["status"] == "existing"])
    return [], []


def label_plan(board: Board, frames: Frames) -> Labels:
    """Write the numbers of proposed facilities and the names of units."""
    table = take_facilities(board, frames.facilities)
    symbols, notes = label_numbers(board, table)
    label_areas(board, frames.units, UNIT_LABEL)
    return symbols, notes


def label_year(year: int, board: Board, frames: Frames) -> Labels:
    """Write the numbers of what is built by a year, and names as on the sheet of the plan."""
    return draw_labels(board, replace(frames, facilities=stands_in_year(frames, year)))


def label_balance(board: Board, frames: Frames) -> Labels:
    """Write into each unit its name, and its beds today over those required."""
    take_facilities(board, stands_today(frames))
    for unit, shape in _units_in(board, frames.units):
        required = "–" if not frames.info["beds_by_unit"] else figure(unit.beds_required)
        lines = [
            shorten(unit.id, board.paper.face, size=SMALL_LABEL["size"] + 1, width=36),
            f"{figure(unit.beds_existing)} / {required}",
        ]
        _label_lines(board, shape, lines)
    sample = NUMBER_PAIR | {"sample": "8/9"}
    return [Symbol("pair", "number", sample)], []


NUMBER_PAIR: dict[str, Any] = {"color": "#3B3F6B", "size": 6.5}


def _units_in(board: Board, table: GeoDataFrame) -> list[tuple[Any, Any]]:
    """Return the rows of units that the window shows, with their shapes."""
    rows, shapes = inside(table.geometry, board.window)
    return list(zip(table.iloc[rows].itertuples(), shapes, strict=True))


def _label_lines(board: Board, shape: Any, lines: list[str]) -> bool:
    """Write two lines near the middle of an area where there is room for both."""
    size = SMALL_LABEL["size"]
    point = shapely.get_coordinates(shape.representative_point())
    x, y = board.window.on_page(point)[0]
    wide = max(width_mm(line, board.paper.face, size) for line in lines)
    high = size * PT * 1.15
    for up in (0, 1.2, -1.2, 2.4, -2.4, 3.6, -3.6):
        low = y - high + up * high
        if board.is_free((x - wide / 2, low, wide, 2 * high)):
            for number, line in enumerate(lines):
                middle = low + (1.5 - number) * high
                style = SMALL_LABEL | {"ha": "center"}
                style.pop("size")
                box(board.paper, x - wide / 2 - 0.4, middle - high / 2, (wide + 0.8, high),
                    facecolor="#FFFFFFB0", edgecolor="none", zorder=4.9)  # fmt: skip
                write(board.paper, x, middle, line, size, **style)
            take_box(board, (x - wide / 2, low, wide, 2 * high))
            return True
    return False


def label_supply(board: Board, frames: Frames) -> Labels:
    """Draw beds required, existing and planned of each unit as bars, its name below."""
    units = frames.units[frames.units.geometry.notna()]
    columns = [name for name in BARS if frames.info["beds_by_unit"] or name != "beds_required"]
    top = float(np.nanmax(units[columns].to_numpy(dtype=float), initial=1.0))
    tall = BAR_HEIGHT_MM if len(units) <= 24 else BAR_HEIGHT_MM * 0.6  # noqa: PLR2004
    wide = BAR_MM if len(units) <= 24 else BAR_MM * 0.7  # noqa: PLR2004
    drawn = False
    for unit, shape in _units_in(board, units):
        point = shapely.get_coordinates(shape.representative_point())
        x, y = board.window.on_page(point)[0]
        spot = _spot(board, (x, y), (wide * len(columns) + 1, tall + 4))
        if spot is None:
            continue
        left, low = spot
        for number, name in enumerate(columns):
            high = max(float(getattr(unit, name)) / top * tall, 0.1)
            box(board.paper, left + number * wide, low + 3.4, (wide, high), linewidth=0.4,
                facecolor=BARS[name], zorder=5, gid=f"symbol:bar-{name}")  # fmt: skip
        label = shorten(unit.id, board.paper.face, size=5.5, width=24)
        _label_below(board, (left + wide * len(columns) / 2, low + 1.4), label, 5.5, "unit")
        drawn = True
    symbols = [Symbol(f"bar-{name}", "bar", {"facecolor": BARS[name]}) for name in columns]
    return (symbols if drawn else []), [say(board.paper, "bar_top", beds=top, mm=tall)]


def _label_below(
    board: Board, middle: tuple[float, float], label: str, size: float, kind: str
) -> None:
    """Write the name of a mark on a light ground, so that a border under it does not cross it."""
    wide, high = width_mm(label, board.paper.face, size) + 0.6, size * PT * 1.15
    box(board.paper, middle[0] - wide / 2, middle[1] - high / 2, (wide, high),
        facecolor="#FFFFFFB0", edgecolor="none", zorder=4.9)  # fmt: skip
    write(board.paper, *middle, label, size, ha="center", zorder=6, gid=f"label:{kind}",
          color="#222222")  # fmt: skip


def _spot(
    board: Board, middle: tuple[float, float], size: tuple[float, float]
) -> tuple[float, float] | None:
    """Return where a mark stands near a place (left, low in mm), and take it; None without room."""
    width, height = size
    for up in (0, 0.5, -0.5, 1.0, -1.0):
        for aside in (0, 0.6, -0.6, 1.2, -1.2):
            area = (middle[0] - width / 2 + aside * width, middle[1] - height / 2 + up * height,
                    width, height)  # fmt: skip
            if board.is_free(area):
                take_box(board, area)
                return area[0], area[1]
    return None


def label_functions(board: Board, frames: Frames) -> Labels:
    """Draw the functions of each circle as a block of marks, its name below."""
    circles = frames.circles
    if circles is None:
        return [], [say(board.paper, "no_functions")]
    names = functions_of(circles)
    cell = CELL_MM if len(circles) <= 24 else CELL_MM * 0.5  # noqa: PLR2004
    across = min(COLUMNS, max(len(names), 1))
    down = -(-len(names) // across)
    seen = set()
    for row, shape in _rows_in(board, circles):
        point = shapely.get_coordinates(shape.representative_point())
        x, y = board.window.on_page(point)[0]
        spot = _spot(board, (x, y), (across * cell + 1, down * cell + 4.6))
        if spot is None:
            continue
        left, low = spot[0] + 0.5, spot[1] + 4.0
        box(board.paper, left, low, (across * cell, down * cell), facecolor="#FFFFFFE8",
            linewidth=0.5, zorder=5, edgecolor="#555555")  # fmt: skip
        for number, name in enumerate(names):
            column, line = number % across, number // across
            middle = (left + (column + 0.5) * cell, low + (down - line - 0.5) * cell)
            status = str(row[name]).split(":")[0]
            draw_mark(board.paper, Mark(status), middle, cell * 0.66, zorder=6,
                      gid=f"symbol:status-{status}")  # fmt: skip
            seen.add(status)
        label = shorten(row["id"], board.paper.face, size=6.5, width=30)
        _label_below(board, (left + across * cell / 2, low - 1.7), label, 6.5, "circle")
    marks = [Symbol(f"status-{each}", "status", {"mark": Mark(each)}) for each in STATUSES
             if each in seen]  # fmt: skip
    return marks, [say(board.paper, "function_order")] if seen else []


def _rows_in(board: Board, table: GeoDataFrame) -> list[tuple[Any, Any]]:
    """Return the rows of circles that the window shows, by column, with their shapes."""
    rows, shapes = inside(table.geometry, board.window)
    return [(table.iloc[row], shape) for row, shape in zip(rows.tolist(), shapes, strict=True)]
