"""The column beside the map: key figures, the proposed facilities, units and the legend."""

from __future__ import annotations

from math import isfinite, nan
from typing import TYPE_CHECKING, Any

import pandas as pd

from siting.outputs.sheet_page import PT, box, rule, shorten, tell, write
from siting.texts import percent
from siting.units import NO_UNIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from siting.outputs.frames import Frames
    from siting.outputs.sheet_map import Symbol
    from siting.outputs.sheet_page import Paper

__all__ = ["draw_panel", "status_text"]

ORDER = ("facility", "number", "beds", "uncovered", "service", "study", "unit", "zone", "road",
         "exclusion", "density")  # fmt: skip

HEAD_MM = 6.5
LINE_MM = 4.6
WIDE_MM, TIGHT_MM = 4.4, 3.4
LEGEND_MM = 5.1
GAP_MM = 3.0
MOST_SITES, MOST_UNITS = 30, 12
HEADING = "#4A2A20"


def draw_panel(
    paper: Paper,
    frames: Frames,
    symbols: Sequence[Symbol],
    notes: Sequence[str],
    place: tuple[float, float, float, float],
) -> None:
    """
    Fill the column from the top: figures, units, and as many sites as there is room for; legend.

    Parameters
    ----------
    paper
        The page.
    frames
        The tables of the run.
    symbols
        What the map shows: exactly these stand in the legend.
    notes
        Lines under the legend.
    place
        Left, low, width and height in millimetres.
    """
    left, low, width, height = place
    top = low + height
    symbols = sorted(symbols, key=lambda symbol: ORDER.index(symbol.key.split("-")[0]))
    legend = _legend_height(symbols, notes)
    heads = [tell(paper, key) for key in ("summary", "unit_table", "site_table")]
    top = _table(paper, (left, top, width), heads[0], _figures(paper, frames),
                 (0.52, 0.24, 0.24), pitch=LINE_MM) - GAP_MM  # fmt: skip
    floor = low + legend + GAP_MM
    sites, units = _sites(paper, frames), _units(paper, frames)
    loose = (len(sites) + len(units)) * WIDE_MM + 2 * (HEAD_MM + GAP_MM) <= top - floor
    pitch = WIDE_MM if loose else TIGHT_MM
    if len(units) > 1:
        rows = _fit(paper, units, MOST_UNITS + 1, "more_units")
        top = _table(paper, (left, top, width), heads[1], rows, (0.36, 0.16, 0.16, 0.16, 0.16),
                     pitch=pitch) - GAP_MM  # fmt: skip
    rows = _fit(paper, sites, int((top - floor - HEAD_MM) / pitch), "more_sites")
    _table(paper, (left, top, width), heads[2], rows, (0.1, 0.46, 0.13, 0.16, 0.15), pitch=pitch)
    _legend(paper, symbols, notes, (left, low + legend, width))


def _fit(paper: Paper, rows: list[list[str]], room: int, more: str) -> list[list[str]]:
    """Return as many rows as there is room for, the last one telling how many are left."""
    if len(rows) <= room and len(rows) <= MOST_SITES + 1:
        return rows
    kept = max(min(room - 1, MOST_SITES + 1), 1)
    return [*rows[:kept], ["", tell(paper, more, count=len(rows) - kept)]]


def _table(
    paper: Paper,
    place: tuple[float, float, float],
    heading: str,
    rows: list[list[str]],
    shares: Sequence[float],
    *,
    pitch: float,
) -> float:
    """Draw a table, its head first, from ``place`` (left, top, width); return where it ends."""
    left, top, width = place
    write(paper, left, top - HEAD_MM / 2, heading, 10, color=HEADING)
    top -= HEAD_MM
    size = min(pitch * 0.62 / PT, 7.5)
    box(paper, left, top - pitch, (width, pitch), facecolor="#F3E7E1", edgecolor="none")
    for number, row in enumerate(rows):
        x, y = left, top - (number + 0.5) * pitch
        last = len(row) - 1
        for column, (cell, share) in enumerate(zip(row, shares, strict=False)):
            end = left + width if column == last else x + share * width
            words = column < _words(shares)
            edge, side = (x + 1, "left") if words else (end - 1, "right")
            write(paper, edge, y, cell, size, ha=side, width=end - x - 1.6)
            x = end
        rule(paper, (left, left + width), (top - (number + 1) * pitch,) * 2, lw=0.25,
             color="#A9A09A")  # fmt: skip
    rule(paper, (left, left + width), (top, top), lw=0.8)
    return top - len(rows) * pitch


def _words(shares: Sequence[float]) -> int:
    """Return how many leading columns hold words: the table of sites has three."""
    return 3 if shares[0] < 0.2 else 1  # noqa: PLR2004 - a narrow column of numbers comes first


def _figures(paper: Paper, frames: Frames) -> list[list[str]]:
    """Return the rows of the key figures, from the run record."""
    record, info = frames.record, frames.info
    elders = record.get("elders", {})
    before, after = (record.get("coverage", {}).get(s, {}) for s in ("existing", "plan"))
    sites = record.get("sites", {})
    classes = " / ".join(_number(paper, elders.get(k)) for k in ("high", "medium", "low"))
    after_key = "judged" if record.get("status") == "audited" else "plan"
    rows = [
        [tell(paper, "indicator"), tell(paper, "existing"), tell(paper, after_key)],
        [tell(paper, "elders"), _number(paper, elders.get("total"))],
    ]
    asked = frames.distance_classes
    rows.append([tell(paper, "elders_classes"), classes] if asked
                else [tell(paper, "distances"), tell(paper, "no_distance")])  # fmt: skip
    for grade in asked:
        label = tell(paper, f"covered_{grade}", distance=info[f"distance_{grade}_m"])
        no_one = elders.get(grade) == 0
        shares = (None if no_one else side.get(grade) for side in (before, after))
        rows.append([label, *(_share(paper, share) for share in shares)])
    if asked:
        missed = (_number(paper, _missed(elders, side)) for side in (before, after))
        rows.append([tell(paper, "uncovered_elders"), *missed])
    kinds = ("new", "extended", "upgraded")
    proposed = " / ".join(_number(paper, sites.get(kind)) for kind in kinds)
    return [
        *rows,
        *_beds(paper, frames),
        [tell(paper, "sites"), _number(paper, sites.get("existing")), ""],
        [tell(paper, "sites_plan"), "", proposed],
        [tell(paper, "cost"), tell(paper, "none"), _number(paper, record.get("cost_wan_yuan"))],
        [tell(paper, "status"), status_text(paper, frames)],
    ]


def _beds(paper: Paper, frames: Frames) -> list[list[str]]:
    """Return the rows of beds: what is required and missing only where a rule asks for them."""
    beds = frames.record.get("beds", {})
    stand = [tell(paper, "beds"), *(_number(paper, beds.get(key)) for key in ("existing", "plan"))]
    if not frames.info["beds_by_unit"]:
        return [[tell(paper, "beds_required"), tell(paper, "no_beds_required")], stand]
    missing = _number(paper, beds.get("shortfall"))
    return [
        [tell(paper, "beds_required"), _number(paper, beds.get("required"))],
        stand,
        [tell(paper, "beds_missing"), tell(paper, "none"), missing],
    ]


def _number(paper: Paper, value: Any) -> str:
    """Return a figure with thousands separators, or a dash for a blank."""
    if value is None or pd.isna(value) or not isfinite(value):
        return tell(paper, "none")
    return f"{value:,.0f}"


def _share(paper: Paper, value: float | None) -> str:
    """Return a share as everything shown writes it, or a dash for a blank."""
    return tell(paper, "none") if value is None or pd.isna(value) else percent(value)


def _missed(elders: dict[str, Any], shares: dict[str, Any]) -> float | None:
    """Return the elders with a distance duty whom no facility covers."""
    if not {"high", "medium"} <= shares.keys() & elders.keys():
        return None
    return float(sum(elders[k] * (1 - shares[k]) for k in ("high", "medium")))


def status_text(paper: Paper, frames: Frames) -> str:
    """Return how good the plan is, with its largest gap."""
    status = frames.record.get("status") or frames.info.get("status")
    if status not in {"optimal", "gap", "time_limit", "interrupted", "audited"}:
        return tell(paper, "none")
    words = tell(paper, f"status_{status}")
    gaps = [stage.get("gap") or 0.0 for stage in frames.record.get("stages", [])]
    if status == "optimal" or not gaps:
        return words
    return tell(paper, "status_with_gap", status=words, gap=max(gaps))


def _sites(paper: Paper, frames: Frames) -> list[list[str]]:
    """Return the rows of the proposed facilities in the order of their rank."""
    table = frames.facilities[frames.facilities["rank"].notna()].sort_values("rank")
    if table.empty:
        return [["", tell(paper, "no_sites")]]
    keys = ("site_number", "site_name", "site_kind", "site_beds", "site_cost")
    rows = [[tell(paper, key) for key in keys]]
    for site in table.itertuples():
        kind = site.status if site.status in {"new", "extended", "planned"} else "other"
        rows.append(
            [f"{site.rank:.0f}", str(site.name), tell(paper, f"kind_{kind}"),
             _number(paper, site.added_beds), _number(paper, site.cost_wan_yuan)]
        )  # fmt: skip
    return rows


def _units(paper: Paper, frames: Frames) -> list[list[str]]:
    """Return the rows of the planning units."""
    keys = ("unit_name", "unit_elders", "unit_required", "unit_planned", "unit_shortfall")
    rows = [[tell(paper, key) for key in keys]]
    names = frames.units["name" if "name" in frames.units else "id"]
    columns = ["elders", "beds_required", "beds_planned", "shortfall"]
    table = frames.units[columns].astype(float)
    if not frames.info["beds_by_unit"]:
        table[["beds_required", "shortfall"]] = nan
    figures = table.itertuples(index=False)
    for name, unit in zip(names, figures, strict=True):
        label = tell(paper, "no_unit") if name == NO_UNIT else str(name)
        rows.append([label, *(_number(paper, figure) for figure in unit)])
    return rows


def _legend_height(symbols: Sequence[Symbol], notes: Sequence[str]) -> float:
    """Return the height of the legend in millimetres."""
    return HEAD_MM + -(-len(symbols) // 2) * LEGEND_MM + len(notes) * 3.6 + 1


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
    for number, symbol in enumerate(symbols):
        column, line = divmod(number, lines)
        x, y = left + column * width / 2, top - (line + 0.5) * LEGEND_MM - 0.5
        _sample(paper, symbol, (x + 1, y))
        key = symbol.key.split("-")[0] if symbol.blanks else symbol.key
        label = tell(paper, f"legend_{key}", **symbol.blanks)
        write(paper, x + 12, y, label, 7, width=width / 2 - 13)
    for number, note in enumerate(notes):
        y = top - lines * LEGEND_MM - 2.6 - number * 3.6
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
    else:
        write(paper, x + 4.5, y, "1", symbol.style["size"], color=symbol.style["color"],
              ha="center", gid=gid)  # fmt: skip
