"""Marks on the map window: kilometre grid, north arrow or wind rose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon

from siting.outputs.sheet_page import INK, box, rule, tell, write
from siting.outputs.sheet_window import inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from siting.outputs.frames import Frames
    from siting.outputs.sheet_page import Paper
    from siting.outputs.sheet_window import Window

__all__ = ["draw_grid", "draw_north"]

ARROW_MM = (13.0, 19.0)
ROSE_MM = (26.0, 31.0)
GRID_MM = 25.0


def draw_grid(paper: Paper, window: Window) -> None:
    """Tick the frame of the map and cross the window at every round kilometre."""
    need = GRID_MM * window.per_mm
    power = 10.0 ** np.floor(np.log10(need))
    step = next(k * power for k in (1, 2, 5, 10) if k * power >= need)
    x0, y0, x1, y1 = window.metres
    columns = np.arange(np.ceil(x0 / step), np.floor(x1 / step) + 1) * step
    rows = np.arange(np.ceil(y0 / step), np.floor(y1 / step) + 1) * step
    right, top = window.left + window.width, window.low + window.height
    style: dict[str, Any] = {"lw": 0.5, "gid": "grid-tick"}
    for value, at in zip(columns, (columns - x0) / window.per_mm, strict=True):
        x = window.left + at
        rule(paper, (x, x), (window.low, window.low - 1.6), **style)
        rule(paper, (x, x), (top, top + 1.6), **style)
        write(paper, x, window.low - 3.4, f"{value / 1000:.10g}", 6, ha="center", va="center")
    for value, at in zip(rows, (rows - y0) / window.per_mm, strict=True):
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


def draw_north(paper: Paper, frames: Frames, window: Window) -> tuple[float, float, float, float]:
    """
    Draw the given wind rose, else a north arrow, in the emptiest corner of the map.

    Returns
    -------
    place
        Left, low, width and height in millimetres.
    """
    winds = frames.info.get("atlas", {}).get("wind_rose") or ()
    size = ROSE_MM if winds else ARROW_MM
    _, shapes = inside(frames.demand.geometry, window)
    points = window.on_page(shapely.get_coordinates(shapely.centroid(shapes)).reshape(-1, 2))
    right = window.left + window.width - size[0] - 3
    top = window.low + window.height - size[1] - 3
    corners = [(right, top), (window.left + 3, top), (right, window.low + 3),
               (window.left + 3, window.low + 3)]  # fmt: skip
    x, y = min(corners, key=lambda corner: _count(points, corner, size))
    box(paper, x, y, size, facecolor="#FFFFFFE0", edgecolor="none", zorder=6)
    if winds:
        _draw_rose(paper, winds, (x + size[0] / 2, y + (size[1] - 5) / 2 + 0.5))
    else:
        _draw_arrow(paper, x + size[0] / 2, y + 1.5, y + size[1] - 5.5)
    write(paper, x + size[0] / 2, y + size[1] - 2.6, tell(paper, "north"), 10, ha="center",
          zorder=7)  # fmt: skip
    return (x, y, *size)


def _draw_arrow(paper: Paper, middle: float, low: float, tip: float) -> None:
    """Draw a north arrow, one half black."""
    for side, colour in ((-1, INK), (1, "#FFFFFF")):
        corners = [(middle, tip), (middle + side * 3.2, low), (middle, low + 3)]
        paper.axes.add_patch(
            Polygon(corners, facecolor=colour, edgecolor=INK, linewidth=0.6, zorder=7, gid="north")
        )


def _draw_rose(paper: Paper, winds: Sequence[float], middle: tuple[float, float]) -> None:
    """Draw a wind rose: how far each point lies out is the frequency of wind from there."""
    reach, most, count = 11.5, max(winds), len(winds)
    angles = np.arange(count) * 2 * np.pi / count
    compass = np.column_stack([np.sin(angles), np.cos(angles)])
    centre = np.array(middle)
    ends = centre + compass * (np.asarray(winds, dtype=float) / most * reach)[:, None]
    halves = centre + (ends - centre) * 0.0
    for number in range(count):
        following = (number + 1) % count
        waist = centre + (ends[number] + ends[following] - 2 * centre) * 0.22
        for end, colour in ((number, INK), (following, "#FFFFFF")):
            paper.axes.add_patch(
                Polygon([halves[number], ends[end], waist], facecolor=colour, edgecolor=INK,
                        linewidth=0.35, zorder=7, gid="wind-rose")
            )  # fmt: skip
    for direction in compass[:: count // 4]:
        line = np.array([centre, centre + direction * (reach + 1)]).T
        rule(paper, tuple(line[0]), tuple(line[1]), lw=0.25, color="#777777", zorder=6.5)


def _count(points: NDArray[Any], corner: tuple[float, float], size: tuple[float, float]) -> int:
    """Return how many points lie in a rectangle."""
    low, high = np.array(corner), np.array(corner) + size
    return int(((points >= low) & (points <= high)).all(axis=1).sum())
