"""The sheet of a plan document: the proposed layout on A3 at a true scale, as PDF and as PNG."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from matplotlib import style
from matplotlib.figure import Figure

from siting.outputs.fonts import GETA, clean, find_face
from siting.outputs.sheet_labels import draw_grid, draw_labels, draw_north
from siting.outputs.sheet_map import choose_window, draw_layers
from siting.outputs.sheet_page import (
    INK,
    MM,
    PAGE,
    Paper,
    box,
    rule,
    shorten,
    tell,
    width_mm,
    wrap,
    write,
)
from siting.outputs.sheet_panel import draw_panel, status_text
from siting.texts import catalogue, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.axes import Axes

    from siting.outputs.fonts import Face
    from siting.outputs.frames import Frames
    from siting.outputs.sheet_map import Window

__all__ = ["draw_sheet", "write_sheet"]

FRAME = (8.0, 8.0, 404.0, 281.0)
MAP = (20.0, 38.0, 280.0, 226.0)
PANEL = (306.0, 31.0, 102.0, 235.0)
STRIP_TOP = 30.0
TITLE_Y = 278.0
STAMP = "#C8102E"
PIXELS_PER_INCH = 200
SETTINGS = {
    "pdf.fonttype": 42,
    "pdf.compression": 6,
    "hatch.linewidth": 0.4,
    "text.usetex": False,
    "text.hinting": "none",
    "savefig.bbox": None,
    "path.simplify": True,
}


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
    with _settings():
        figure = draw_sheet(frames)
        title = text(f"sheet.{_kind(frames)}", frames.info["language"],
                     name=clean(frames.info["name"]))  # fmt: skip
        # No time of writing: the same plan gives the same file.
        about = {"Title": title, "Creator": "Siting", "Producer": None, "CreationDate": None}
        figure.savefig(pdf, dpi=PIXELS_PER_INCH, metadata=about)
        figure.savefig(png, dpi=PIXELS_PER_INCH, metadata={"Title": title})
    return [pdf, png]


@contextmanager
def _settings() -> Iterator[None]:
    """Draw with matplotlib's own defaults and ours, whatever the user has set."""
    with style.context(["default", SETTINGS]):
        yield


def draw_sheet(frames: Frames) -> Figure:
    """
    Return the sheet as a figure, one millimetre of ``figure.axes[1]`` to a millimetre of paper.

    ``figure.axes[0]`` is the map in the metres of the layers. Raises ``FontError`` as
    ``write_sheet`` does.
    """
    with _settings():
        figure = Figure(figsize=(PAGE[0] / MM, PAGE[1] / MM), facecolor="white")
        window = choose_window(frames, MAP)
        plane = _axes(figure, (window.left, window.low, window.width, window.height))
        x0, y0, x1, y1 = window.metres
        plane.set(xlim=(x0, x1), ylim=(y0, y1))
        sheet = _axes(figure, (0, 0, *PAGE))
        sheet.set(xlim=(0, PAGE[0]), ylim=(0, PAGE[1]))
        paper = Paper(sheet, _face(frames), frames.info["language"])
        symbols = draw_layers(plane, frames, window)
        draw_grid(paper, window)
        arrow = draw_north(paper, frames, window)
        numbers, left_out = draw_labels(paper, frames, window, arrow)
        _draw_frame(paper, window)
        _draw_title(paper, frames)
        _draw_strip(paper, frames, window)
        notes = [tell(paper, "unlabelled", count=left_out)] if left_out else []
        notes += [tell(paper, "glyphs")] if _shows_geta(sheet) else []
        draw_panel(paper, frames, [*symbols, *numbers], notes, PANEL)
    return figure


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


def _face(frames: Frames) -> Face:
    """Return a font for all that may be written on this sheet."""
    language = frames.info["language"]
    ours = (words[language] for key, words in catalogue().items() if key.startswith("sheet."))
    ascii_letters = "".join(map(chr, range(33, 127)))
    names: list[Any] = [*frames.info.values(), *frames.info.get("sources", [])]
    for table in (frames.facilities, frames.units, frames.zones):
        if table is not None:
            names += [*table["id"], *table.get("name", [])]
    return find_face("".join(ours) + ascii_letters + "…", names)


def _draw_frame(paper: Paper, window: Window) -> None:
    """Draw the double frame of the sheet and the frame of the map."""
    left, low, width, height = FRAME
    box(paper, left, low, (width, height), linewidth=1.4, gid="frame")
    box(paper, left - 2, low - 2, (width + 4, height + 4), linewidth=0.4)
    box(paper, window.left, window.low, (window.width, window.height), linewidth=0.9,
        gid="map-frame", zorder=5)  # fmt: skip


def _kind(frames: Frames) -> str:
    """Return which title the sheet has: that of a plan, or of a layout that was only audited."""
    return "title_audited" if frames.record.get("status") == "audited" else "title"


def _draw_title(paper: Paper, frames: Frames) -> None:
    """Write title, subtitle and, where elders were estimated, the stamp that says so."""
    info, middle = frames.info, PAGE[0] / 2
    room = 250.0
    kind = _kind(frames)
    title = tell(paper, kind, name=info["name"])
    size = max(min(25.0, 25.0 * room / width_mm(title, paper.face, 25.0)), 12.0)
    beside = width_mm(tell(paper, kind, name=""), paper.face, size)
    name = shorten(info["name"], paper.face, size=size, width=room - beside)
    title = tell(paper, kind, name=name)
    write(paper, middle, TITLE_Y + 1.5, title, size, ha="center", gid="title")
    subtitle = tell(paper, "subtitle", standard=info["standard_name"], year=info["year"])
    write(paper, middle, TITLE_Y - 7.8, subtitle, 9, ha="center", width=room, color="#555555")
    if info.get("estimate") is not None:
        _draw_stamp(paper, str(info["estimate"]))


def _draw_stamp(paper: Paper, method: str) -> None:
    """Stamp the sheet as an estimate by a method."""
    known = f"method_{method}"
    name = tell(paper, known) if f"sheet.{known}" in catalogue() else method
    width, height, right = 62.0, 13.0, PANEL[0] + PANEL[2]
    left, low = right - width, TITLE_Y - height / 2 - 1
    box(paper, left, low, (width, height), edgecolor=STAMP, linewidth=1.2, gid="estimate")
    write(paper, left + width / 2, low + 9, tell(paper, "estimate"), 13, ha="center",
          color=STAMP, gid="estimate-word")  # fmt: skip
    words = tell(paper, "estimate_method", method=name)
    write(paper, left + width / 2, low + 3.2, words, 6.5, ha="center", color=STAMP,
          width=width - 3)  # fmt: skip


def _draw_strip(paper: Paper, frames: Frames, window: Window) -> None:
    """Draw the strip along the foot: scale, sources, and the fields of the title block."""
    left, low, width, _ = FRAME
    right = left + width
    rule(paper, (left, right), (STRIP_TOP, STRIP_TOP), lw=0.9)
    for x in (118.0, 268.0, 346.0):
        rule(paper, (x, x), (low, STRIP_TOP))
    _draw_scale(paper, window, (left, 118.0))
    _draw_sources(paper, frames, (118.0, 268.0))
    middle = (low + STRIP_TOP) / 2
    rule(paper, (268.0, right), (middle, middle))
    fields = [("drawn_by", "", 268.0, 1), ("review_number", "", 346.0, 1),
              ("date", frames.info["date"], 268.0, 0)]  # fmt: skip
    for key, value, x, row in fields:
        y = middle + (row - 0.5) * (STRIP_TOP - low) / 2
        write(paper, x + 2, y, tell(paper, key), 7.5, color="#555555")
        write(paper, x + 26, y, value, 8, gid=f"field:{key}")
    y = (low + middle) / 2
    write(paper, (346.0 + right) / 2, y, tell(paper, "internal"), 8.5, ha="center", color=STAMP,
          width=right - 348, gid="internal")  # fmt: skip


def _draw_scale(paper: Paper, window: Window, room: tuple[float, float]) -> None:
    """Draw the bar scale, two black and two white parts, and the numeric scale above it."""
    longest = 70.0 * window.denominator / 1000
    steps = sorted(k * 10**p for k in (1, 2, 4) for p in range(1, 8))
    total = max(step for step in [steps[0], *steps] if step <= longest or step == steps[0])
    length = total * 1000 / window.denominator
    left, y = (room[0] + room[1] - length) / 2, 14.5
    kilometres = total >= 1000  # noqa: PLR2004 - metres in a kilometre
    for part in range(4):
        box(paper, left + part * length / 4, y, (length / 4, 1.8), linewidth=0.5,
            facecolor=INK if part % 2 == 0 else "white", gid=f"scale-bar-{part}")  # fmt: skip
    for part in (0, 1, 2, 4):
        value = total * part / 4 / (1000 if kilometres else 1)
        unit = f" {'km' if kilometres else 'm'}" if part == 4 else ""  # noqa: PLR2004 - the end
        write(paper, left + part * length / 4, y - 2.4, f"{value:g}{unit}", 6.5, ha="center",
              gid=f"scale-mark-{part}")  # fmt: skip
    numeric = tell(paper, "scale", denominator=window.denominator)
    write(paper, sum(room) / 2, y + 8, numeric, 10, ha="center", gid="scale-number")


def _draw_sources(paper: Paper, frames: Frames, room: tuple[float, float]) -> None:
    """Write where the data come from, in which system and by which distance."""
    info, width = frames.info, room[1] - room[0] - 4
    joint = tell(paper, "sources_joint")
    sources = joint.join(map(str, info.get("sources", []))) or tell(paper, "sources_none")
    lines = wrap(tell(paper, "sources", sources=sources), paper.face, size=7, width=width, lines=3)
    distance = tell(paper, f"distance_{info['distance']}")
    lines += wrap(
        tell(paper, "projection", crs=info["crs"], distance=distance,
             status=status_text(paper, frames)),
        paper.face, size=7, width=width, lines=2,
    )  # fmt: skip
    for number, line in enumerate(lines):
        write(paper, room[0] + 2, STRIP_TOP - 3.2 - number * 4, line, 7, gid="sources")
