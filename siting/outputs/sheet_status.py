"""Marks of a status that read without colour: built, planned, reserved, missing, unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.patches import Circle, Polygon

from siting.outputs.sheet_page import INK, rule, write

if TYPE_CHECKING:
    from siting.outputs.sheet_page import Paper

__all__ = ["STATUSES", "Mark", "draw_mark"]

STATUSES = ("built", "planned", "reserved", "missing", "unknown", "not_applicable")
"""In the order of the legend."""
COLOURS = {"built": "#1F5F8B", "planned": "#FF9F7F", "reserved": "#FFFFFF", "missing": "#C8102E"}


@dataclass(frozen=True)
class Mark:
    """
    The status of a function in one place.

    Attributes
    ----------
    status
        One of ``STATUSES``.
    """

    status: str


def draw_mark(
    paper: Paper, mark: Mark, middle: tuple[float, float], size: float, **style: Any
) -> None:
    """
    Draw the mark of a status.

    Parameters
    ----------
    paper
        The page.
    mark
        What to draw: a disc, a ring, a diamond, a cross, a question mark or a dash.
    middle
        Where, in millimetres.
    size
        Width and height in millimetres.
    **style
        Of every part: ``gid``, ``zorder``.
    """
    x, y = middle
    half = size / 2
    colour = COLOURS.get(mark.status, INK)
    if mark.status in {"built", "planned"}:
        face = colour if mark.status == "built" else "#FFFFFF"
        width = 0.4 if mark.status == "built" else 1.1
        edge = INK if mark.status == "built" else "#B5532F"
        paper.axes.add_patch(
            Circle(middle, half * 0.84, facecolor=face, edgecolor=edge, linewidth=width, **style)
        )
    elif mark.status == "reserved":
        corners = [(x, y + half), (x + half, y), (x, y - half), (x - half, y)]
        paper.axes.add_patch(
            Polygon(corners, facecolor=colour, edgecolor=INK, linewidth=0.6, **style)
        )
    elif mark.status == "missing":
        side = half * 0.75
        for rise in (-side, side):
            rule(paper, (x - side, x + side), (y - rise, y + rise), lw=1.1, color=colour, **style)
    elif mark.status == "unknown":
        write(paper, x, y, "?", size / 0.42, ha="center", **style)
    else:
        rule(paper, (x - half * 0.6, x + half * 0.6), (y, y), lw=0.6, color="#8C8C8C", **style)
