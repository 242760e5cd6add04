"""The paper of a sheet: its measures in millimetres and writing on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from siting.outputs.fonts import drawable
from siting.texts import text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

    from siting.outputs.fonts import Face

__all__ = ["INK", "MM", "PAGE", "PT", "Paper", "box", "rule", "say", "shorten", "tell", "width_mm",
           "wrap", "write"]  # fmt: skip

PAGE = (420.0, 297.0)
"""A3 landscape: width and height in millimetres."""
MM = 25.4
"""Millimetres in an inch."""
PT = MM / 72
"""Millimetres in a point."""
INK = "#222222"


@dataclass(frozen=True)
class Paper:
    """
    What one writes on: axes in millimetres over the whole page.

    Attributes
    ----------
    axes
        Axes whose data units are millimetres from the lower left corner of the page.
    face
        The font.
    language
        ``zh`` or ``en``.
    """

    axes: Axes
    face: Face
    language: str


def tell(paper: Paper, name: str, /, **values: object) -> str:
    """Return a text of the sheet's catalogue in the sheet's language."""
    return text(f"sheet.{name}", paper.language, **values)


def say(paper: Paper, name: str, /, **values: object) -> str:
    """Return a text of the atlas' catalogue in the sheet's language."""
    return text(f"atlas.{name}", paper.language, **values)


def width_mm(content: object, face: Face, size: float) -> float:
    """Return how wide one line is at a size in points, in millimetres."""
    return sum(face.advances[c] for c in drawable(content, face)) * size * PT


def shorten(content: object, face: Face, *, size: float, width: float) -> str:
    """Return a value as one line of at most ``width`` millimetres, cut with ``…`` if longer."""
    line = drawable(content, face)
    if width_mm(line, face, size) <= width:
        return line
    room = width - width_mm("…", face, size)
    for end, character in enumerate(line):
        room -= width_mm(character, face, size) if character != " " else 0.3 * size * PT
        if room < 0:
            return f"{line[:end].rstrip()}…"
    return line


def wrap(content: object, face: Face, *, size: float, width: float, lines: int) -> list[str]:
    """Return a text broken into at most ``lines`` lines of ``width`` millimetres."""
    rest = drawable(content, face)
    broken: list[str] = []
    while rest and len(broken) < lines - 1 and width_mm(rest, face, size) > width:
        end = _break(rest, max(len(shorten(rest, face, size=size, width=width)) - 1, 1))
        broken.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*broken, shorten(rest, face, size=size, width=width)] if rest else broken


def _break(rest: str, end: int) -> int:
    """Return where to break a text at the latest: not within a word of letters, if it is short."""
    start = end
    while start > end * 0.6 and rest[start - 1].isascii() and not rest[start - 1].isspace():
        start -= 1
    inside = end < len(rest) and rest[end].isascii() and not rest[end].isspace()
    return start if inside and start > end * 0.6 else end


def write(paper: Paper, x: float, y: float, content: object, size: float, **style: Any) -> Text:
    """
    Write one line at a place in millimetres.

    Parameters
    ----------
    paper
        The page.
    x, y
        Where, in millimetres; vertically the middle of the line unless ``va`` says otherwise.
    content
        Any value; drawn as it is, never as mathematics.
    size
        In points.
    **style
        Further properties of the text; ``width`` cuts it to so many millimetres.
    """
    width = style.pop("width", None)
    line = drawable(content, paper.face)
    if width is not None:
        line = shorten(line, paper.face, size=size, width=width)
    look: dict[str, Any] = {"va": "center_baseline", "color": INK, "parse_math": False} | style
    font = FontProperties(fname=str(paper.face.path), size=size)
    return paper.axes.text(x, y, line, fontproperties=font, **look)


def rule(paper: Paper, x: tuple[float, float], y: tuple[float, float], **style: Any) -> Line2D:
    """Draw a straight line between two places in millimetres."""
    look: dict[str, Any] = {"color": INK, "lw": 0.5, "solid_capstyle": "butt"} | style
    line = Line2D(x, y, **look)
    paper.axes.add_line(line)
    return line


def box(paper: Paper, left: float, low: float, size: tuple[float, float], **style: Any) -> None:
    """Draw a rectangle; ``size`` is its width and height in millimetres."""
    look: dict[str, Any] = {"facecolor": "none", "edgecolor": INK, "linewidth": 0.5} | style
    paper.axes.add_patch(Rectangle((left, low), size[0], size[1], **look))
