"""Tables beside the maps of the atlas; every figure is one of ``Frames``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from siting.outputs.atlas_layers import stands_in_year, stands_today
from siting.outputs.services import functions_of, name_words
from siting.outputs.sheet_column import Block, money, number, share
from siting.outputs.sheet_page import say, tell
from siting.outputs.sheet_panel import (
    FIGURES_MM,
    SITE_SHARES,
    figure_rows,
    unit_rows,
)
from siting.outputs.sheet_status import Mark
from siting.texts import catalogue, figure, text
from siting.units import NO_UNIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from siting.outputs.frames import Frames
    from siting.outputs.sheet_column import Cell
    from siting.outputs.sheet_page import Paper

__all__ = [
    "access_block", "balance_blocks", "class_blocks", "coverage_blocks", "density_blocks",
    "function_blocks", "ground_blocks", "measured", "reason_blocks", "reason_words",
    "supply_blocks", "today_blocks", "year_blocks",
]  # fmt: skip

DECIMALS = {"per_1000": 1, "gini": 3}
NEAR = ("nearest_mean_m", "nearest_p90_m", "nearest_max_m", "walk_share")
EVEN = ("accessible_mean", "beds_per_1000", "occupancy", "occupancy_expected", "gini_beds_street",
        "gini_beds_unit", "gini_accessible")  # fmt: skip
MOST_ZONES = 24


def ground_blocks(paper: Paper, frames: Frames) -> list[Block]:
    """Return where the study area lies and what lies in it."""
    extent, record = frames.info.get("extent", {}), frames.record
    rows: list[list[str]] = []
    if extent:
        rows += [
            [say(paper, "area"), figure(extent["area_km2"], 2)],
            [say(paper, "longitude"), f"{extent['west']:.4f}° – {extent['east']:.4f}°"],
            [say(paper, "latitude"), f"{extent['south']:.4f}° – {extent['north']:.4f}°"],
        ]
    elders, sites = record.get("elders", {}), record.get("sites", {})
    rows += [
        [tell(paper, "elders"), number(paper, elders.get("total"))],
        [say(paper, "zones"), number(paper, 0 if frames.zones is None else len(frames.zones))],
        [say(paper, "units"), number(paper, int((frames.units["id"] != NO_UNIT).sum()))],
        [tell(paper, "sites"), number(paper, sites.get("existing"))],
        [say(paper, "candidates"), number(paper, sites.get("candidates"))],
    ]
    blocks = [Block(say(paper, "extent"), rows, (0.45, 0.55), head=False, pitch_mm=FIGURES_MM)]
    return blocks + _place_blocks(paper, frames)


def _place_blocks(paper: Paper, frames: Frames) -> list[Block]:
    """Return the table of places: area and elders."""
    places = frames.places
    if places is None:
        return []
    street = (places["kind"] == "street").any()
    head = [
        say(paper, "place" if street else "unit"),
        say(paper, "area"),
        tell(paper, "unit_elders"),
    ]
    rows = [[str(each.id), figure(each.area_km2, 2), number(paper, each.elders)]
            for each in places.itertuples()]  # fmt: skip
    title = say(paper, "places" if street else "unit_list")
    return [Block(title, [head, *rows], (0.5, 0.25, 0.25))]


def density_blocks(paper: Paper, frames: Frames) -> list[Block]:
    """Return the readings of density, and the zones from the densest."""
    blocks = [_readings(paper, frames)]
    zones = frames.zones
    if zones is None:
        return blocks
    head = [say(paper, "zone"), tell(paper, "unit_elders"), say(paper, "area"),
            say(paper, "per_km2"),
            say(paper, "class")]  # fmt: skip
    dense = zones.sort_values("density_per_km2", ascending=False, kind="stable")
    rows = [
        [str(each.name_), number(paper, each.elders), figure(each.area_km2, 2),
         number(paper, each.density_per_km2), _class(paper, each.density_class)]
        for each in dense.rename(columns={"name": "name_"}).itertuples()
    ]  # fmt: skip
    shares = (0.32, 0.15, 0.2, 0.16, 0.17)
    return [*blocks, Block(say(paper, "dense_zones"), [head, *rows], shares, most=MOST_ZONES)]


def _class(paper: Paper, grade: str) -> str:
    """Return the word for a density class."""
    return text(f"tables.class_{grade}", paper.language)


def _readings(paper: Paper, frames: Frames) -> Block:
    """Return elders by class under each reading of density; the one in use is marked."""
    head = [say(paper, "reading"), *(_class(paper, each) for each in ("high", "medium", "low")),
            say(paper, "changed")]  # fmt: skip
    rows = [
        [("* " if each.used else "") + text(f"tables.support_{each.support}", paper.language),
         number(paper, each.elders_high), number(paper, each.elders_medium),
         number(paper, each.elders_low), share(paper, each.changed_share)]
        for each in frames.density.itertuples()
    ]  # fmt: skip
    return Block(say(paper, "readings"), [head, *rows], (0.36, 0.16, 0.16, 0.16, 0.16))


def class_blocks(paper: Paper, frames: Frames) -> list[Block]:
    """Return the classes with their elders and distances, and the readings."""
    elders, info = frames.record.get("elders", {}), frames.info
    head = [say(paper, "class"), tell(paper, "unit_elders"), tell(paper, "distances")]
    rows = [
        [_class(paper, each), number(paper, elders.get(each)),
         number(paper, info.get(f"distance_{each}_m"))]
        for each in ("high", "medium", "low")
    ]  # fmt: skip
    return [
        Block(say(paper, "classes"), [head, *rows], (0.4, 0.3, 0.3), pitch_mm=FIGURES_MM),
        _readings(paper, frames),
        *_place_classes(paper, frames),
    ]


def _place_classes(paper: Paper, frames: Frames) -> list[Block]:
    """Return the elders of each class by place."""
    places = frames.places
    if places is None:
        return []
    street = (places["kind"] == "street").any()
    head = [say(paper, "place" if street else "unit"),
            *(_class(paper, each) for each in ("high", "medium", "low"))]  # fmt: skip
    rows = [
        [str(each.id), *(number(paper, value)
                         for value in (each.elders_high, each.elders_medium, each.elders_low))]
        for each in places.itertuples()
    ]  # fmt: skip
    return [Block(say(paper, "place_classes"), [head, *rows], (0.4, 0.2, 0.2, 0.2))]


def today_blocks(paper: Paper, frames: Frames) -> list[Block]:
    """Return what stands today: coverage, access, and the facilities."""
    record, info = frames.record, frames.info
    shares, beds = record.get("coverage", {}).get("existing", {}), record.get("beds", {})
    rows = [[tell(paper, "elders"), number(paper, record.get("elders", {}).get("total"))]]
    for grade in frames.distance_classes:
        empty = record.get("elders", {}).get(grade) == 0
        label = tell(paper, f"covered_{grade}", distance=info[f"distance_{grade}_m"])
        rows.append([label, share(paper, None if empty else shares.get(grade))])
    rows += [
        [tell(paper, "beds"), number(paper, beds.get("existing"))],
        [tell(paper, "sites"), number(paper, record.get("sites", {}).get("existing"))],
    ]
    today = stands_today(frames).sort_values("beds", ascending=False, kind="stable")
    head = [tell(paper, "site_name"), say(paper, "unit"), say(paper, "beds")]
    sites = [
        [str(each.name_), _blank(paper, each.unit_id), number(paper, each.beds)]
        for each in today.rename(columns={"name": "name_"}).itertuples()
    ]
    sites = sites or [[say(paper, "no_facilities")]]
    return [
        Block(tell(paper, "summary"), rows, (0.6, 0.4), head=False, pitch_mm=FIGURES_MM),
        *access_block(paper, frames, ("existing",), NEAR),
        Block(say(paper, "homes"), [head, *sites], (0.55, 0.27, 0.18), words=2,
              more="more_sites"),
    ]  # fmt: skip


def _blank(paper: Paper, value: Any) -> str:
    """Return a text, or a dash where there is none."""
    return tell(paper, "none") if value is None or pd.isna(value) or not str(value) else str(value)


def measured(
    frames: Frames, measure: str, state: str, *, scope: str = "all", of: str = "all"
) -> tuple[float, str] | None:
    """Return the value and the unit of a measure of access for all elders of an area, or None."""
    table = frames.access
    if table is None:
        return None
    mine = table[
        (table["scope"] == scope) & (table["scope_id"].astype(str) == of)
        & (table["density_class"].fillna("") == "")
        & (table["state"] == state) & (table["measure"] == measure)
    ]  # fmt: skip
    if mine.empty or pd.isna(mine["value"].iloc[0]):
        return None
    return float(mine["value"].iloc[0]), str(mine["unit"].iloc[0])


def access_block(
    paper: Paper, frames: Frames, states: Sequence[str], measures: Sequence[str], *,
    scope: str = "all", of: str = "all",
) -> list[Block]:  # fmt: skip
    """Return access and equity in some states; none where nothing was measured."""
    head = [say(paper, "access"), *(tell(paper, _state(frames, each)) for each in states)]
    rows = []
    for measure in measures:
        values = [measured(frames, measure, each, scope=scope, of=of) for each in states]
        if any(values):
            name = text(f"tables.access_{measure}", paper.language)
            rows.append([name, *(_measure(paper, each) for each in values)])
    shares = (1 - 0.14 * len(states), *(0.14 for _ in states))
    title = say(paper, "access_title")
    return [Block(title, [head, *rows], shares, pitch_mm=FIGURES_MM)] if rows else []


def _state(frames: Frames, state: str) -> str:
    """Return which word stands for a state: without a plan it is the layout judged."""
    judged = state == "plan" and frames.record.get("status") == "audited"
    return "judged" if judged else state


def _measure(paper: Paper, found: tuple[float, str] | None) -> str:
    """Return a measure in its unit, or a dash."""
    if found is None:
        return tell(paper, "none")
    value, unit = found
    if unit == "share":
        return share(paper, value)
    return figure(value, DECIMALS.get(unit, 0)) + (" m" if unit == "m" else "")


def balance_blocks(paper: Paper, frames: Frames) -> list[Block]:
    """Return the planning units with the beds that they need and have."""
    head = [tell(paper, "unit_name"), tell(paper, "unit_elders"), tell(paper, "unit_required"),
            tell(paper, "existing")]  # fmt: skip
    asked = frames.info["beds_by_unit"]
    rows = [
        [_unit_name(paper, each.id), number(paper, each.elders),
         number(paper, each.beds_required if asked else None), number(paper, each.beds_existing)]
        for each in frames.units.itertuples()
    ]  # fmt: skip
    beds = frames.record.get("beds", {})
    total = [
        [tell(paper, "beds_required"), number(paper, beds.get("required") if asked else None)],
        [say(paper, "beds_existing"), number(paper, beds.get("existing"))],
    ]
    return [
        Block(tell(paper, "summary"), total, (0.6, 0.4), head=False, pitch_mm=FIGURES_MM),
        Block(say(paper, "balance"), [head, *rows], (0.4, 0.2, 0.2, 0.2), more="more_units"),
    ]


def _unit_name(paper: Paper, name: Any) -> str:
    """Return the name of a unit, or words for what lies in none."""
    return tell(paper, "no_unit") if name == NO_UNIT else str(name)


def year_blocks(year: int, paper: Paper, frames: Frames) -> list[Block]:
    """Return what one phase adds and reaches, all phases, and what is built by then."""
    phases = frames.phases
    assert phases is not None  # noqa: S101 - a phase has its row
    head = [say(paper, "phase"), *(str(each) for each in phases["year"])]
    names = {"beds": "beds", "new_sites": "new", "extended_sites": "extended",
             "cost_wan_yuan": "cost", "covered_share_high": "covered_high",
             "covered_share_medium": "covered_medium"}  # fmt: skip
    rows = [head]
    for column, name in names.items():
        show = share if column.startswith("covered") else money if name == "cost" else number
        rows.append([say(paper, f"phase_{name}"), *(show(paper, each) for each in phases[column])])
    width = 0.5 / max(len(phases), 1)
    return [
        Block(say(paper, "phases"), rows, (0.5, *(width for _ in range(len(phases)))),
              pitch_mm=FIGURES_MM),
        Block(say(paper, "sites_by", year=year), _year_rows(paper, frames, year), SITE_SHARES,
              words=3, more="more_sites"),
    ]  # fmt: skip


def _year_rows(paper: Paper, frames: Frames, year: int) -> list[list[str]]:
    """Return what is built or extended by a year, with the beds added by then."""
    table, stood = stands_in_year(frames, year), frames.phase_sites
    added = {} if stood is None else dict(
        zip(stood["id"][stood["year"] == year], stood["added_beds"][stood["year"] == year],
            strict=True)
    )  # fmt: skip
    sites = table[pd.to_numeric(table["rank"]).notna()].sort_values("rank")
    keys = ("site_number", "site_name", "site_kind", "site_beds")
    rows = [[*(tell(paper, key) for key in keys), say(paper, "built")]]
    for site in sites.rename(columns={"name": "name_"}).itertuples():
        kind = site.status if site.status in {"new", "extended", "planned"} else "other"
        rows.append(
            [f"{site.rank:.0f}", str(site.name_), tell(paper, f"kind_{kind}"),
             number(paper, added.get(site.id)), f"{site.phase:.0f}"]
        )  # fmt: skip
    return rows if len(rows) > 1 else [["", tell(paper, "no_sites")]]


def coverage_blocks(paper: Paper, frames: Frames) -> list[Block]:
    """Return the key figures, and access and equity before and after."""
    return [
        Block(tell(paper, "summary"), figure_rows(paper, frames), (0.52, 0.24, 0.24),
              pitch_mm=FIGURES_MM),
        *access_block(paper, frames, ("existing", "plan"), (*NEAR, *EVEN)),
        *_place_coverage(paper, frames),
    ]  # fmt: skip


def _place_coverage(paper: Paper, frames: Frames) -> list[Block]:
    """Return the share covered before and after by place."""
    places = frames.places
    if places is None or not frames.distance_classes:
        return []
    street = (places["kind"] == "street").any()
    head = [say(paper, "place" if street else "unit"), tell(paper, "existing"),
            tell(paper, _state(frames, "plan"))]  # fmt: skip
    rows = [
        [str(each.id), share(paper, each.covered_existing), share(paper, each.covered_planned)]
        for each in places.itertuples()
    ]
    return [Block(say(paper, "place_coverage"), [head, *rows], (0.52, 0.24, 0.24))]


def reason_words(paper: Paper, reason: str) -> str:
    """Return the words for why a point is not covered."""
    key = f"tables.reason_{reason}"
    return text(key, paper.language) if key in catalogue() else reason


def reason_blocks(paper: Paper, frames: Frames) -> list[Block]:
    """Return the uncovered elders by reason, over all and by place."""
    table = frames.reasons
    if table is None:
        return []
    head = [say(paper, "reason"), say(paper, "points"), tell(paper, "unit_elders")]
    whole = table[table["place"] == ""]
    rows: list[list[Cell]] = [
        [reason_words(paper, each.reason), number(paper, each.points), number(paper, each.elders)]
        for each in whole.itertuples()
    ]
    rows = rows or [[say(paper, "all_covered")]]
    blocks = [Block(say(paper, "reasons"), [head, *rows], (0.64, 0.16, 0.2), pitch_mm=FIGURES_MM)]
    local = table[table["place"] != ""].sort_values("elders", ascending=False, kind="stable")
    if local.empty:
        return blocks
    head = [say(paper, "where"), say(paper, "reason"), tell(paper, "unit_elders")]
    cells = [[str(each.place), reason_words(paper, each.reason), number(paper, each.elders)]
             for each in local.itertuples()]  # fmt: skip
    return [
        *blocks,
        Block(say(paper, "reasons_by_place"), [head, *cells], (0.28, 0.54, 0.18), words=2),
    ]


def function_blocks(paper: Paper, frames: Frames) -> list[Block]:
    """Return the functions by number, and the status of each in every circle."""
    circles = frames.circles
    if circles is None:
        return [Block(say(paper, "functions"), [[say(paper, "no_functions")]], (1.0,), head=False)]
    names = functions_of(circles)
    counts = frames.record.get("circles", {})
    head = [say(paper, "function_number"), say(paper, "function"), say(paper, "standing"),
            say(paper, "lacking")]  # fmt: skip
    keys = [
        [f"{place}", name_words(name, paper.language),
         number(paper, _counted(counts, name, ("built", "planned"))),
         number(paper, _counted(counts, name, ("missing",)))]
        for place, name in enumerate(names, start=1)
    ]  # fmt: skip
    width = 0.66 / max(len(names), 1)
    matrix: list[list[Cell]] = [
        [str(row["id"]), *(Mark(str(row[name]).split(":")[0]) for name in names)]
        for _, row in circles.iterrows()
    ]
    top: list[Cell] = [say(paper, "circle"), *(str(place + 1) for place in range(len(names)))]
    return [
        Block(say(paper, "functions"), [head, *keys], (0.1, 0.44, 0.26, 0.2), words=2,
              pitch_mm=FIGURES_MM),
        Block(say(paper, "functions_by_circle"), [top, *matrix],
              (0.34, *(width for _ in names))),
    ]  # fmt: skip


def _counted(counts: dict[str, Any], name: str, statuses: Sequence[str]) -> int | None:
    """Return in how many circles a function has one of some statuses."""
    if name not in counts:
        return None
    return sum(int(counts[name].get(each, 0)) for each in statuses)


def supply_blocks(paper: Paper, frames: Frames) -> list[Block]:
    """Return supply and demand by planning unit, and how evenly beds are spread."""
    rows = unit_rows(paper, frames)
    ratios = [measured(frames, "beds_per_1000", "plan", scope="unit", of=str(each))
              for each in frames.units["id"]]  # fmt: skip
    table = [[*rows[0], say(paper, "per_1000")]]
    table += [[*row, _measure(paper, each)] for row, each in zip(rows[1:], ratios, strict=True)]
    return [
        *access_block(paper, frames, ("existing", "plan"), EVEN),
        Block(tell(paper, "unit_table"), table, (0.3, 0.14, 0.14, 0.14, 0.14, 0.14),
              more="more_units"),
    ]  # fmt: skip
