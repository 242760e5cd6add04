"""A sheet of a plan document: a map at a true scale, tables, legend; as PDF and as PNG."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from siting.outputs.fonts import GETA, clean, find_face
from siting.outputs.sheet_column import draw_column
from siting.outputs.sheet_frame import MAP, PANEL, draw_furniture
from siting.outputs.sheet_labels import draw_labels, open_board
from siting.outputs.sheet_map import draw_layers
from siting.outputs.sheet_marks import draw_grid, draw_north
from siting.outputs.sheet_page import MM, PAGE, Paper, tell
from siting.outputs.sheet_panel import plan_blocks
from siting.outputs.sheet_window import choose_window, extent
from siting.texts import catalogue, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from siting.outputs.fonts import Face
    from siting.outputs.frames import Frames
    from siting.outputs.sheet_column import Block
    from siting.outputs.sheet_labels import Board
    from siting.outputs.sheet_map import Symbol
    from siting.outputs.sheet_window import Window

__all__ = ["Design", "compose", "draw_sheet", "face_of", "settings", "sheet_title", "write_sheet"]

PIXELS_PER_INCH = 200
SETTINGS = {
    "pdf.fonttype": 42,
    "pdf.compression": 6,
    "svg.fonttype": "none",
    "svg.hashsalt": "siting",
    "hatch.linewidth": 0.4,
    "text.usetex": False,
    "text.hinting": "none",
    "savefig.bbox": None,
    "path.simplify": True,
}
Place = tuple[float, float, float, float]
WORDS = ("sheet.", "atlas.", "names.", "tables.reason_", "tables.class_", "tables.support_",
         "tables.access_", "tables.scope_", "tables.verdict_", "tables.stage_")  # fmt: skip
"""Texts of the catalogue that a sheet may show; its font has to hold them."""
ORDER = ("facility", "number", "beds", "pair", "status", "bar", "reason", "uncovered", "service",
         "guide", "study", "place", "unit", "circle", "zone", "road", "degrees", "exclusion",
         "cover",
         "class", "grade", "whole", "balance", "supply", "density")  # fmt: skip


@dataclass(frozen=True)
class Design:
    """
    What one sheet shows.

    Attributes
    ----------
    title
        Takes the name of the plan and returns the title.
    layers
        Draws the map and returns the symbols drawn.
    labels
        Writes names on it and returns further symbols, and notes for under the legend.
    blocks
        Returns the tables beside it.
    bounds
        Of the world that the map has to show, metres.
    code
        Number of the sheet; empty for a single one.
    place
        Of the map: left, low, width and height in millimetres.
    columns
        Of the tables: the first has the legend at its foot.
    beside
        Returns the tables of the second column, if there is one.
    """

    title: Callable[[str], str]
    layers: Callable[[Axes, Frames, Window], list[Symbol]]
    labels: Callable[[Board, Frames], tuple[list[Symbol], list[str]]]
    blocks: Callable[[Paper, Frames], list[Block]]
    bounds: Place
    code: str = ""
    place: Place = MAP
    columns: tuple[Place, ...] = (PANEL,)
    beside: Callable[[Paper, Frames], list[Block]] | None = None


def write_sheet(frames: Frames, folder: Path) -> list[Path]:
    """
    Write ``sheet.pdf`` (vectors, searchable text) and ``sheet.png``: A3 landscape.

    Parameters
    ----------
    frames
        The tables of one run.
    folder
        An existing folder.

    Returns
    -------
    paths
        The two files.

    Raises
    ------
    FontError
        If this machine has no font with the Chinese characters that the sheet needs.
    """
    pdf, png = folder / "sheet.pdf", folder / "sheet.png"
    with settings():
        figure = draw_sheet(frames)
        title = sheet_title(frames)(clean(frames.info["name"]))
        # No time of writing: the same plan gives the same file.
        about = {"Title": title, "Creator": "Siting", "Producer": None, "CreationDate": None}
        figure.savefig(pdf, dpi=PIXELS_PER_INCH, metadata=about)
        figure.savefig(png, dpi=PIXELS_PER_INCH, metadata={"Title": title})
    return [pdf, png]


@contextmanager
def settings() -> Iterator[None]:
    """Draw with matplotlib's own defaults and ours, whatever the user has set."""
    with style.context(["default", SETTINGS]):
        yield


def draw_sheet(frames: Frames) -> Figure:
    """
    Return the sheet of the proposed layout as a figure.

    One millimetre of ``figure.axes[1]`` is a millimetre of paper, ``figure.axes[0]`` is the map in
    the metres of the layers. Raises ``FontError`` as ``write_sheet`` does.
    """
    design = Design(sheet_title(frames), draw_layers, draw_labels, plan_blocks, extent(frames))
    return compose(frames, design, face_of(frames))


def sheet_title(frames: Frames) -> Callable[[str], str]:
    """Return what makes the title of the proposed layout, or of one that was only audited."""
    kind = "title_audited" if frames.record.get("status") == "audited" else "title"
    return lambda name: text(f"sheet.{kind}", frames.info["language"], name=name)


def compose(frames: Frames, design: Design, face: Face, *, enlargement: float = 1.0) -> Figure:
    """
    Return a sheet as a figure of A3.

    Parameters
    ----------
    frames
        The tables of one run.
    design
        What the sheet shows.
    face
        A font for all that may be written.
    enlargement
        How much larger than A3 it will be printed; the scale is that of the print.
    """
    with settings():
        figure = Figure(figsize=(PAGE[0] / MM, PAGE[1] / MM), facecolor="white")
        FigureCanvasAgg(figure)  # else whatever is measured on it makes a picture of its own
        window = choose_window(design.bounds, design.place, enlargement=enlargement)
        plane = _axes(figure, (window.left, window.low, window.width, window.height))
        x0, y0, x1, y1 = window.metres
        plane.set(xlim=(x0, x1), ylim=(y0, y1))
        sheet = _axes(figure, (0, 0, *PAGE))
        sheet.set(xlim=(0, PAGE[0]), ylim=(0, PAGE[1]))
        paper = Paper(sheet, face, frames.info["language"])
        symbols = design.layers(plane, frames, window)
        draw_grid(paper, window)
        board = open_board(paper, window, draw_north(paper, frames, window))
        more, notes = design.labels(board, frames)
        draw_furniture(paper, frames, window, design.title, design.code)
        notes = [*notes, *([tell(paper, "glyphs")] if _shows_geta(sheet) else [])]
        shown = _in_order([*symbols, *more])
        draw_column(paper, design.blocks(paper, frames), shown, notes, design.columns[0])
        if design.beside is not None:
            draw_column(paper, design.beside(paper, frames), [], [], design.columns[1])
    return figure


def _in_order(symbols: Sequence[Symbol]) -> list[Symbol]:
    """Return symbols in the order of a legend, each once: what is on top of the map first."""
    once = {symbol.key: symbol for symbol in reversed(symbols)}
    kept = list(once.values())[::-1]
    return sorted(kept, key=_rank)


def _rank(symbol: Symbol) -> tuple[int, str]:
    """Return where a symbol stands in a legend; sizes of beds in their own order."""
    kind = symbol.key.split("-")[0]
    return ORDER.index(kind), symbol.key if kind == "beds" else ""


def _axes(figure: Figure, place: tuple[float, float, float, float]) -> Axes:
    """Return bare axes at a place in millimetres."""
    left, low, width, height = place
    fractions = (left / PAGE[0], low / PAGE[1], width / PAGE[0], height / PAGE[1])
    axes = figure.add_axes(fractions)
    axes.set_axis_off()
    axes.set_autoscale_on(False)
    return axes


def _shows_geta(sheet: Axes) -> bool:
    """Tell whether a character of the data could not be drawn."""
    return any(GETA in item.get_text() for item in sheet.texts)


def face_of(frames: Frames) -> Face:
    """
    Return a font for all that may be written on the sheets of a run.

    Raises
    ------
    FontError
        If this machine has none.
    """
    language = frames.info["language"]
    ours = (words[language] for key, words in catalogue().items() if key.startswith(WORDS))
    ascii_letters = "".join(map(chr, range(33, 127)))
    names: list[Any] = [
        *frames.info.values(), *frames.info.get("sources", []),
        *frames.info.get("atlas", {}).values(),
    ]  # fmt: skip
    for table in (frames.facilities, frames.units, frames.zones, frames.places, frames.circles):
        if table is not None:
            names += [*table["id"], *table.get("name", []), *table.get("tenure", [])]
    if frames.open_points is not None:
        names += [*frames.open_points["summary"], *frames.open_points["clause"]]
    return find_face("".join(ours) + ascii_letters + "…°′″", names)
