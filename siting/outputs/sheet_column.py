"""The column beside a map: tables of rows that are cut to the room there is, and the legend."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import pandas as pd

from siting.outputs.sheet_page import PT, box, rule, shorten, tell, write
from siting.outputs.sheet_status import Mark, draw_mark
from siting.texts import figure, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from siting.outputs.sheet_map import Symbol
    from siting.outputs.sheet_page import Paper

__all__ = ["HEADING", "Block", "Cell", "draw_column", "money", "number", "share"]

Cell = str | Mark
"""What stands in a table: words, or the mark of a status."""

HEAD_MM = 6.5
WIDE_MM, TIGHT_MM = 4.4, 3.4
LEGEND_MM = 5.1
NOTE_MM = 3.6
GAP_MM = 3.0
HEADING = "#4A2A20"
SHADE = "#F3E7E1"


@dataclass(frozen=True)
class Block:
    """
    A table of the column.

    Attributes
    ----------
    heading
        What stands over it.
    rows
        Cells; a row may be shorter than the table: its last cell then takes the rest.
    shares
        Parts of the width.
    words
        How many leading columns hold words; the others are numbers, to the right.
    most
        Most rows, the head among them.
    more
        The text that says how many rows are left out, with the blank ``count``.
    head
        Whether the first row is the head.
    pitch_mm
        Height of a row; None: as much as there is room for.
    """

    heading: str
    rows: Sequence[Sequence[Cell]]
    shares: tuple[float, ...]
    words: int = 1
    most: int = 60
    more: str = ""
    head: bool = True
    pitch_mm: float | None = None


def draw_column(
    paper: Paper,
    blocks: Sequence[Block],
    symbols: Sequence[Symbol],
    notes: Sequence[str],
    place: tuple[float, float, float, float],
) -> None:
    """
    Fill the column: tables from the top, as many rows as there is room for; legend at the foot.

    Parameters
    ----------
    paper
        The page.
    blocks
        Tables, in order; the longest are cut first.
    symbols
        What the map shows: exactly these stand in the legend, in this order; none: no legend.
    notes
        Lines under the legend.
    place
        Left, low, width and height in millimetres.
    """
    left, low, width, height = place
    legend = HEAD_MM + -(-len(symbols) // 2) * LEGEND_MM + len(notes) * NOTE_MM + 1
    legend = legend if symbols or notes else 0.0
    room = height - legend - len(blocks) * (HEAD_MM + GAP_MM)
    pitch, allowed = _share_out(blocks, room)
    top = low + height
    for block, most in zip(blocks, allowed, strict=True):
        rows = _cut(paper, block, most)
        top = _table(paper, (left, top, width), block, rows, block.pitch_mm or pitch) - GAP_MM
    if legend:
        _legend(paper, symbols, notes, (left, low + legend, width))


def _share_out(blocks: Sequence[Block], room: float) -> tuple[float, list[int]]:
    """Return the height of a row and the most rows of each block; the longest give way."""
    wanted = [min(len(block.rows), block.most) for block in blocks]
    fixed = sum(
        count * block.pitch_mm
        for block, count in zip(blocks, wanted, strict=True)
        if block.pitch_mm is not None
    )
    loose = [count for block, count in zip(blocks, wanted, strict=True) if block.pitch_mm is None]
    pitch = WIDE_MM if sum(loose) * WIDE_MM <= room - fixed else TIGHT_MM
    left = max(int((room - fixed) / pitch), 2 * len(loose))
    allowed: dict[int, int] = {}
    order = sorted(
        (number for number, block in enumerate(blocks) if block.pitch_mm is None),
        key=lambda number: wanted[number],
    )
    for place, number in enumerate(order):
        allowed[number] = min(wanted[number], max(left // (len(order) - place), 2))
        left -= allowed[number]
    return pitch, [allowed.get(number, count) for number, count in enumerate(wanted)]


def _cut(paper: Paper, block: Block, most: int) -> list[Sequence[Cell]]:
    """Return as many rows as there is room for, the last one telling how many are left."""
    if len(block.rows) <= most:
        return list(block.rows)
    kept = max(most - 1, 1)
    more = tell(paper, block.more or "more_rows", count=len(block.rows) - kept)
    lead: list[Cell] = [""] if block.words > 1 else []
    return [*block.rows[:kept], [*lead, more]]


def _table(
    paper: Paper,
    place: tuple[float, float, float],
    block: Block,
    rows: Sequence[Sequence[Cell]],
    pitch: float,
) -> float:
    """Draw a table from ``place`` (left, top, width); return where it ends."""
    left, top, width = place
    write(paper, left, top - HEAD_MM / 2, block.heading, 10, color=HEADING, width=width)
    top -= HEAD_MM
    if block.head:
        box(paper, left, top - pitch, (width, pitch), facecolor=SHADE, edgecolor="none")
    for line, row in enumerate(rows):
        _row(paper, row, block, (left, top - (line + 0.5) * pitch, width), pitch)
        rule(paper, (left, left + width), (top - (line + 1) * pitch,) * 2, lw=0.25,
             color="#A9A09A")  # fmt: skip
    rule(paper, (left, left + width), (top, top), lw=0.8)
    return top - len(rows) * pitch


def _row(
    paper: Paper, row: Sequence[Cell], block: Block, place: tuple[float, float, float],
    pitch: float,
) -> None:  # fmt: skip
    """Write the cells of one row at ``place`` (left, middle, width)."""
    left, y, width = place
    size = min(pitch * 0.62 / PT, 7.5)
    x, last = left, len(row) - 1
    for column, (cell, part) in enumerate(zip(row, block.shares, strict=False)):
        end = left + width if column == last else x + part * width
        if isinstance(cell, Mark):
            draw_mark(paper, cell, ((x + end) / 2, y), min(pitch * 0.8, 3.0))
        else:
            words = column < block.words
            edge, side = (x + 1, "left") if words else (end - 1, "right")
            write(paper, edge, y, cell, size, ha=side, width=end - x - 1.6)
        x = end


def number(paper: Paper, value: Any, decimals: int = 0) -> str:
    """Return a figure with thousands separators, or a dash for a blank."""
    if value is None or pd.isna(value) or not isfinite(value):
        return tell(paper, "none")
    return figure(value, decimals)


def money(paper: Paper, value: Any) -> str:
    """Return an amount of money to a tenth, as the report has it, or a dash for a blank."""
    return number(paper, value, 1)


def share(paper: Paper, value: float | None) -> str:
    """Return a share as everything shown writes it, or a dash for a blank."""
    return tell(paper, "none") if value is None or pd.isna(value) else percent(value)


def _legend(
    paper: Paper,
    symbols: Sequence[Symbol],
    notes: Sequence[str],
    place: tuple[float, float, float],
) -> None:
    """Draw the legend in two columns from ``place`` (left, top, width)."""
    left, top, width = place
    write(paper, left, top - HEAD_MM / 2, tell(paper, "legend"), 10, color=HEADING)
    top -= HEAD_MM
    rule(paper, (left, left + width), (top, top), lw=0.8)
    lines = -(-len(symbols) // 2)
    for place_in, symbol in enumerate(symbols):
        column, line = divmod(place_in, lines)
        x, y = left + column * width / 2, top - (line + 0.5) * LEGEND_MM - 0.5
        _sample(paper, symbol, (x + 1, y))
        key = symbol.key.split("-")[0] if symbol.blanks else symbol.key
        label = symbol.label or tell(paper, f"legend_{key}", **symbol.blanks)
        write(paper, x + 12, y, label, 7, width=width / 2 - 13)
    for line, note in enumerate(notes):
        y = top - lines * LEGEND_MM - 2.6 - line * NOTE_MM
        write(paper, left + 1, y, shorten(note, paper.face, size=6, width=width - 2), 6)


def _sample(paper: Paper, symbol: Symbol, place: tuple[float, float]) -> None:
    """Draw the sample of one symbol, 9 mm wide, as the map draws it."""
    x, y = place
    gid = f"legend:{symbol.key}"
    if symbol.form == "area":
        style = {"edgecolor": "#8C8C8C"} | symbol.style | {"linewidth": 0.4}
        box(paper, x, y - 1.8, (9, 3.6), gid=gid, **style)
    elif symbol.form == "line":
        style = {"lw": symbol.style["linewidth"]} | {
            k: symbol.style[k] for k in ("color", "linestyle") if k in symbol.style
        }
        rule(paper, (x, x + 9), (y, y), gid=gid, **style)
    elif symbol.form == "marker":
        paper.axes.scatter(x + 4.5, y, gid=gid, **({"linewidths": 0.55} | symbol.style))
    elif symbol.form == "spot":
        look = dict(symbol.style)
        box(paper, x, y - 1.8, (9, 3.6), facecolor=look.pop("ground"), edgecolor="#8C8C8C",
            linewidth=0.4)  # fmt: skip
        paper.axes.scatter(x + 4.5, y, gid=gid, **look)
    elif symbol.form == "bar":
        box(paper, x + 3.6, y - 1.9, (1.8, 3.8), gid=gid, linewidth=0.3, **symbol.style)
    elif symbol.form == "status":
        draw_mark(paper, symbol.style["mark"], (x + 4.5, y), 3.0, gid=gid)
    else:
        write(paper, x + 4.5, y, symbol.style.get("sample", "1"), symbol.style["size"],
              color=symbol.style["color"], ha="center", gid=gid)  # fmt: skip
