"""The furniture of a sheet: frame, title, stamp, and the strip along the foot with the scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siting.outputs.sheet_page import (
    INK,
    PAGE,
    box,
    rule,
    say,
    shorten,
    tell,
    width_mm,
    wrap,
    write,
)
from siting.outputs.sheet_panel import status_text
from siting.texts import catalogue, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from siting.outputs.frames import Frames
    from siting.outputs.sheet_page import Paper
    from siting.outputs.sheet_window import Window

__all__ = ["MAP", "PANEL", "draw_furniture"]

FRAME = (8.0, 8.0, 404.0, 281.0)
MAP = (20.0, 38.0, 280.0, 226.0)
PANEL = (306.0, 31.0, 102.0, 235.0)
STRIP_TOP = 30.0
TITLE_Y = 278.0
STAMP = "#C8102E"
GREY = "#555555"
FIELD_SIZE = 8.0


def draw_furniture(
    paper: Paper, frames: Frames, window: Window, title: Callable[[str], str], code: str = ""
) -> None:
    """
    Draw everything around map and column.

    Parameters
    ----------
    paper
        The page.
    frames
        The tables of the run.
    window
        The map window, for its frame and scale.
    title
        Takes the name of the plan, shortened to the room there is, and returns the title.
    code
        Number of the sheet in an atlas; empty without.
    """
    _draw_frame(paper, window)
    _draw_title(paper, frames, title)
    if code:
        write(
            paper,
            FRAME[0] + 6,
            TITLE_Y,
            say(paper, "sheet_number", number=code),
            11,
            color=GREY,
            gid="sheet-code",
        )
    _draw_strip(paper, frames, window)


def _draw_frame(paper: Paper, window: Window) -> None:
    """Draw the double frame of the sheet and the frame of the map."""
    left, low, width, height = FRAME
    box(paper, left, low, (width, height), linewidth=1.4, gid="frame")
    box(paper, left - 2, low - 2, (width + 4, height + 4), linewidth=0.4)
    box(paper, window.left, window.low, (window.width, window.height), linewidth=0.9,
        gid="map-frame", zorder=8)  # fmt: skip


def _draw_title(paper: Paper, frames: Frames, title: Callable[[str], str]) -> None:
    """Write title, subtitle and, where elders were estimated, the stamp that says so."""
    info, middle = frames.info, PAGE[0] / 2
    room = 250.0
    plan = info.get("atlas", {}).get("title") or info["name"]
    whole = title(plan)
    size = max(min(25.0, 25.0 * room / width_mm(whole, paper.face, 25.0)), 12.0)
    beside = width_mm(title(""), paper.face, size)
    name = shorten(plan, paper.face, size=size, width=max(room - beside, 30.0))
    write(paper, middle, TITLE_Y + 1.5, title(name), size, ha="center", gid="title", width=room + 2)
    subtitle = tell(paper, "subtitle", standard=info["standard_name"], year=info["year"])
    write(paper, middle, TITLE_Y - 7.8, subtitle, 9, ha="center", width=room, color=GREY)
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
    about = frames.info.get("atlas", {})
    rule(paper, (left, right), (STRIP_TOP, STRIP_TOP), lw=0.9)
    for x in (118.0, 268.0, 346.0):
        rule(paper, (x, x), (low, STRIP_TOP))
    _draw_scale(paper, window, (left, 118.0), about.get("paper", "A3"))
    _draw_sources(paper, frames, (118.0, 268.0))
    middle = (low + STRIP_TOP) / 2
    rule(paper, (268.0, right), (middle, middle))
    fields = [
        ("drawn_by", about.get("unit") or "", 268.0, 1, 52.0),
        ("review_number", about.get("approval") or "", 346.0, 1, 44.0),
        ("date", about.get("date") or frames.info["date"], 268.0, 0, 52.0),
    ]
    for key, value, x, row, room in fields:
        y = middle + (row - 0.5) * (STRIP_TOP - low) / 2
        write(paper, x + 2, y, tell(paper, key), 7.5, color=GREY)
        start = x + 2 + max(width_mm(tell(paper, key), paper.face, 7.5) + 3, 18.0)
        write(paper, start, y, value, FIELD_SIZE, gid=f"field:{key}", width=x + room + 24 - start)
    y = (low + middle) / 2
    write(paper, (346.0 + right) / 2, y, tell(paper, "internal"), 8.5, ha="center", color=STAMP,
          width=right - 348, gid="internal")  # fmt: skip


def _draw_scale(paper: Paper, window: Window, room: tuple[float, float], size: str) -> None:
    """Draw the bar scale, two black and two white parts, and the numeric scale above it."""
    steps = sorted(k * 10**p for k in (1, 2, 4) for p in range(1, 8))
    longest = 70.0 * window.per_mm
    total = max(step for step in [steps[0], *steps] if step <= longest or step == steps[0])
    length = total / window.per_mm
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
    numeric = tell(paper, "scale", denominator=window.denominator, paper=size)
    write(paper, sum(room) / 2, y + 8, numeric, 10, ha="center", gid="scale-number")


def _draw_sources(paper: Paper, frames: Frames, room: tuple[float, float]) -> None:
    """Write where the data come from, of which year, in which system and by which distance."""
    info, width = frames.info, room[1] - room[0] - 4
    model = _model(paper, frames)
    years = info.get("atlas", {}).get("source_years", {})
    names = [
        tell(paper, "source_year", name=each, year=years[each]) if each in years else str(each)
        for each in info.get("sources", [])
    ]
    sources = tell(paper, "sources_joint").join(names) or tell(paper, "sources_none")
    if names and len(years) < len(set(map(str, info["sources"]))):
        sources += tell(paper, "sources_no_year" if not years else "sources_some_year")
    most = 3 if not model else 2
    lines = wrap(tell(paper, "sources", sources=sources), paper.face, size=7, width=width,
                 lines=most)  # fmt: skip
    distance = tell(paper, f"distance_{info['distance']}")
    lines += wrap(
        tell(paper, "projection", crs=info["crs"], distance=distance,
             status=status_text(paper, frames)),
        paper.face, size=7, width=width, lines=2,
    )  # fmt: skip
    lines += wrap(model, paper.face, size=7, width=width, lines=2)
    pitch = min(4.0, (STRIP_TOP - FRAME[1] - 4.5) / max(len(lines) - 1, 1))
    for number, line in enumerate(lines):
        write(paper, room[0] + 2, STRIP_TOP - 3.2 - number * pitch, line, 7, gid="sources")


def _model(paper: Paper, frames: Frames) -> str:
    """Return the classical model behind the layout, its value, bound and gap; empty without."""
    model, stages = frames.info.get("objective"), frames.record.get("stages")
    if not model or not stages:
        return ""
    numbers = {key: stages[0][key] for key in ("value", "bound", "gap")}
    name = text(f"tables.stage_{stages[0]['name']}", paper.language)
    return tell(paper, "model", model=model, name=name, **numbers)
