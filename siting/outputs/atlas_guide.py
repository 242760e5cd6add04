"""The guide page of one street, town or planning unit: its map and what is to be done in it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from matplotlib.collections import PathCollection

from siting.outputs.atlas_layers import ground_lines
from siting.outputs.atlas_tables import access_block, reason_words
from siting.outputs.facilities import what_becomes
from siting.outputs.services import functions_of, name_words
from siting.outputs.sheet import Design
from siting.outputs.sheet_column import Block, number, share
from siting.outputs.sheet_labels import (
    UNIT_LABEL,
    label_areas,
    label_homes,
    label_numbers,
    label_zones,
    take_facilities,
    take_points,
)
from siting.outputs.sheet_map import (
    Symbol,
    add_lines,
    draw_exclusions,
    draw_facilities,
    draw_service,
    draw_uncovered,
    facilities_in,
    fill_density,
    outlines,
    symbol_scale,
    uncovered_in,
)
from siting.outputs.sheet_page import say, shorten, tell, wrap
from siting.outputs.sheet_status import Mark
from siting.texts import catalogue, figure, text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from siting.outputs.frames import Frames
    from siting.outputs.sheet_column import Cell
    from siting.outputs.sheet_labels import Board
    from siting.outputs.sheet_page import Paper
    from siting.outputs.sheet_window import Window

__all__ = ["guide_design", "guide_title"]

GUIDE_MAP = (20.0, 38.0, 186.0, 226.0)
GUIDE_COLUMNS = ((212.0, 31.0, 92.0, 235.0), (310.0, 31.0, 98.0, 235.0))
LEAST_SIDE_M = 200.0
OUTLINE: dict[str, Any] = {"color": "#111111", "linewidth": 2.0}
POINT_SIZE, POINT_LINES = 7.5, 3
WITH_LAND = (0.1, 0.33, 0.14, 0.09, 0.22, 0.12)
WITHOUT_LAND = (0.1, 0.48, 0.14, 0.09, 0.07, 0.12)


def guide_title(frames: Frames, place: Any, name: str) -> str:
    """Return the title of a guide page."""
    kind = "guide_street" if place.kind == "street" else "guide_unit"
    words = str(place.id)
    words = words if len(words) <= 24 else f"{words[:23]}…"  # noqa: PLR2004 - the plan has a name too
    return text(f"atlas.title_{kind}", frames.info["language"], name=name, place=words)


def guide_design(frames: Frames, place: Any, code: str) -> Design:
    """
    Return the guide page of a place.

    Parameters
    ----------
    frames
        The tables of the run.
    place
        A row of ``frames.places``.
    code
        Number of the sheet.
    """
    x0, y0, x1, y1 = place.geometry.bounds
    grow_x, grow_y = (max(LEAST_SIDE_M - side, 0.0) / 2 for side in (x1 - x0, y1 - y0))
    return Design(
        partial(guide_title, frames, place),
        partial(_layers, place),
        partial(_labels, place),
        partial(_blocks, place),
        (x0 - grow_x, y0 - grow_y, x1 + grow_x, y1 + grow_y),
        code,
        GUIDE_MAP,
        GUIDE_COLUMNS,
        partial(_site_blocks, place),
    )


def _layers(place: Any, axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Draw the proposed layout, pale outside the place."""
    drawn = [
        *fill_density(axes, frames, window),
        *draw_exclusions(axes, frames, window),
        *draw_service(axes, frames.service_areas, window),
        *ground_lines(axes, frames, window),
        *draw_uncovered(axes, frames, window),
    ]
    table = facilities_in(frames.facilities, window)
    scale, mine = symbol_scale(table), _mine(place, frames, table)
    around = draw_facilities(axes, table[~mine], scale=scale)
    outside = shapely.box(*window.metres).difference(place.geometry)
    if not outside.is_empty:
        veil = PathCollection(outlines(np.array([outside], dtype=object)), facecolor="#FFFFFFA6",
                              linewidth=0, zorder=5, gid="veil")  # fmt: skip
        axes.add_collection(veil, autolim=False)
    border = np.array([place.geometry], dtype=object)
    add_lines(axes, border, window, "symbol:guide", OUTLINE)
    own = draw_facilities(axes, table[mine], scale=scale, level=6.0)
    return [*drawn, Symbol("guide", "line", OUTLINE), *own, *around]


def _mine(place: Any, frames: Frames, table: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which facilities of the window lie in the place."""
    if "place" not in frames.facilities:
        return np.ones(len(table), dtype=bool)
    of = frames.facilities["place"].astype(str).to_numpy()[table["row"]]
    return np.asarray(of == str(place.id))


def _labels(place: Any, board: Board, frames: Frames) -> tuple[list[Symbol], list[str]]:
    """Write numbers and names of its facilities, and the names of zones and of its neighbours."""
    table = take_facilities(board, frames.facilities)
    table = table[_mine(place, frames, table)]
    symbols, notes = label_numbers(board, table)
    label_homes(board, table[table["rank"].isna()], most=200)
    take_points(board, uncovered_in(frames, board.window))
    label_zones(board, _only(frames, place))
    others = frames.places if frames.places is not None else frames.units
    label_areas(board, others[others["id"] != place.id], UNIT_LABEL)
    return symbols, notes


def _only(frames: Frames, place: Any) -> Frames:
    """Return the tables with the zones of a place alone."""
    zones = frames.zones
    if zones is None:
        return frames
    points = shapely.point_on_surface(np.asarray(zones.geometry))
    return replace(frames, zones=zones[shapely.intersects(points, place.geometry)])


def _blocks(place: Any, paper: Paper, frames: Frames) -> list[Block]:
    """Return the figures of the place, its functions and its open points."""
    scope = str(place.kind)
    return [
        Block(tell(paper, "summary"), _figures(place, paper, frames), (0.52, 0.2, 0.28),
              pitch_mm=4.2),
        *access_block(paper, frames, ("existing", "plan"), ("nearest_mean_m", "nearest_p90_m",
                      "beds_per_1000"), scope=scope, of=str(place.id)),
        *_functions(place, paper, frames),
        _open_points(place, paper, frames),
    ]  # fmt: skip


def _site_blocks(place: Any, paper: Paper, frames: Frames) -> list[Block]:
    """Return the facilities of the place."""
    return [_sites(place, paper, frames)]


def _figures(place: Any, paper: Paper, frames: Frames) -> list[list[str]]:
    """Return elders, coverage, beds and facilities of the place."""
    after = "judged" if frames.record.get("status") == "audited" else "plan"
    asked = frames.distance_classes
    classes = " / ".join(
        number(paper, getattr(place, f"elders_{each}")) for each in ("high", "medium", "low")
    )
    rows = [
        [tell(paper, "indicator"), tell(paper, "existing"), tell(paper, after)],
        [say(paper, "area"), figure(place.area_km2, 2)],
        [tell(paper, "elders"), number(paper, place.elders)],
    ]
    if asked:
        rows += [
            [tell(paper, "elders_classes"), classes],
            [say(paper, "covered"), share(paper, place.covered_existing),
             share(paper, place.covered_planned)],
        ]  # fmt: skip
    return [
        *rows,
        [tell(paper, "beds_required"), number(paper, place.beds_required)],
        [tell(paper, "beds"), number(paper, place.beds_existing),
         number(paper, place.beds_planned)],
        [tell(paper, "beds_missing"), "", number(paper, place.shortfall)],
        [say(paper, "counting_sites"), number(paper, place.sites_existing),
         number(paper, place.sites_planned)],
    ]  # fmt: skip


def _functions(place: Any, paper: Paper, frames: Frames) -> list[Block]:
    """Return the functions of the circle that bears the place's name; none without."""
    circles = frames.circles
    mine = None if circles is None else circles[circles["id"].astype(str) == str(place.id)]
    if circles is None or mine is None or mine.empty:
        return []
    row = mine.iloc[0]
    cells: list[list[Cell]] = []
    for name in functions_of(circles):
        status = str(row[name]).split(":")[0]
        word = text(f"services.status_{status}", paper.language).partition(" ")[2]
        cells.append([name_words(name, paper.language), Mark(status), word])
    shares = (0.32, 0.05, 0.13)
    pairs: list[list[Cell]] = []
    half = -(-len(cells) // 2)
    for line in range(half):
        right = cells[line + half] if line + half < len(cells) else ["", "", ""]
        pairs.append([*cells[line], *right])
    title = say(paper, "functions")
    return [Block(title, pairs, (*shares, *shares), words=6, head=False, pitch_mm=3.9)]


def _sites(place: Any, paper: Paper, frames: Frames) -> Block:
    """Return the facilities in the place: those built or extended first, with land and phase."""
    table = frames.facilities
    mine = (
        table[table["place"].astype(str) == str(place.id)] if "place" in table else table.iloc[:0]
    )
    mine = mine.sort_values(["rank", "id"], kind="stable", na_position="last")
    keys = ("site_number", "site_name", "site_kind")
    head = [*(tell(paper, key) for key in keys), say(paper, "beds"), say(paper, "land"),
            say(paper, "built")]  # fmt: skip
    rows = [head]
    for site in mine.rename(columns={"name": "name_"}).itertuples():
        kind = f"sheet.kind_{what_becomes(site)}"
        word = text(kind, paper.language) if kind in catalogue() else tell(paper, "kind_other")
        rows.append([
            "" if pd.isna(site.rank) else f"{site.rank:.0f}", str(site.name_), word,
            number(paper, site.beds), _land(paper, site),
            "" if pd.isna(site.phase) else f"{site.phase:.0f}",
        ])  # fmt: skip
    if mine.empty:
        rows = [["", say(paper, "no_facilities")]]
    known = (mine["land_code"].fillna("") != "").any() or mine["area_m2"].notna().any()
    shares = WITH_LAND if known else WITHOUT_LAND  # names are long where land is not told
    return Block(say(paper, "guide_sites"), rows, shares, words=3, more="more_sites")


def _land(paper: Paper, site: Any) -> str:
    """Return land code and area of a site, as far as a file tells of them."""
    parts = [str(site.land_code)] if site.land_code else []
    if not pd.isna(site.area_m2):
        parts.append(f"{figure(site.area_m2)} m²")
    return " ".join(parts) or tell(paper, "none")


def _open_points(place: Any, paper: Paper, frames: Frames) -> Block:
    """Return what stays open in the place: uncovered elders by reason, rules unmet or unknown."""
    width = GUIDE_COLUMNS[0][2] - 2
    sentences = [*_missed(place, paper, frames), *_findings(place, paper, frames)]
    lines = [
        line
        for number_, sentence in enumerate(sentences, start=1)
        for line in wrap(f"{number_}. {sentence}", paper.face, size=POINT_SIZE, width=width,
                         lines=POINT_LINES)
    ]  # fmt: skip
    rows = [[line] for line in lines or [say(paper, "nothing_open")]]
    return Block(say(paper, "open_points"), rows, (1.0,), head=False, more="more_lines")


def _missed(place: Any, paper: Paper, frames: Frames) -> list[str]:
    """Return a sentence for each reason why elders of the place are not covered."""
    table = frames.reasons
    if table is None:
        return []
    return [
        say(paper, "open_missed", reason=reason_words(paper, each.reason),
            elders=figure(each.elders), points=each.points)
        for each in table[table["place"].astype(str) == str(place.id)].itertuples()
    ]  # fmt: skip


def _findings(place: Any, paper: Paper, frames: Frames) -> list[str]:
    """Return a sentence for each rule that is unmet or cannot be judged in the place."""
    table = frames.open_points
    if table is None:
        return []
    sentences = []
    for each in table[table["place"].astype(str) == str(place.id)].itertuples():
        verdict = text(f"tables.verdict_{each.verdict}", paper.language)
        where = text(f"tables.scope_{each.scope}", paper.language)
        names = shorten(each.examples, paper.face, size=POINT_SIZE, width=60)
        key = "open_rule" if not names else "open_rule_named"
        sentences.append(
            say(paper, key, rule=each.rule_id, clause=each.clause, summary=each.summary,
                verdict=verdict, where=where, count=each.count, names=names)
        )  # fmt: skip
    return sentences
