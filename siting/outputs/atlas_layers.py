"""Map layers of the atlas: one function for each theme, from the ground up, with its symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.outputs.map_themes import (
    CLASSES,
    DENSITY_BREAKS,
    DENSITY_COLOURS,
    density_labels,
    truth,
)
from siting.outputs.services import functions_of
from siting.outputs.sheet_map import (
    Symbol,
    draw_exclusions,
    draw_facilities,
    draw_lines,
    draw_service,
    facilities_in,
    fill,
    fill_density,
)
from siting.outputs.sheet_window import inside
from siting.texts import text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from siting.outputs.frames import Frames
    from siting.outputs.sheet_window import Window

__all__ = [
    "BALANCE", "borders", "degrees_in", "draw_after", "draw_balance", "draw_before",
    "draw_circles", "draw_classes", "draw_density", "draw_ground", "draw_reasons", "draw_stands",
    "draw_supply", "draw_year", "ground_lines", "stands_in_year", "stands_today",
]  # fmt: skip

PALE = "#F3F1EE"
CLASS_COLOURS = ("#8073AC", "#B9AED4", "#E8E4F1")
"""Paler than on the screen, so that names stand out; high, medium, low."""
COVERAGE = {"cover-none": PALE, "cover-kept": "#BBDDF0", "cover-gained": "#5FA8D3",
            "cover-missed": "#B8473F"}  # fmt: skip
"""From light to dark: they read in grey, and blue against red without seeing green."""
REASONS: dict[str, tuple[str, str, str]] = {
    "no_candidate_in_reach": ("#F2A6A0", "#7A0C10", "x"),
    "off_network": ("#BDBDBD", "#1A1A1A", "+"),
    "locked_out": ("#F0C6DF", "#9C3A78", "s"),
    "excluded": ("#CDBFE8", "#4A3187", "D"),
    "over_limit": ("#FBE7A1", "#8A6D00", "^"),
    "not_chosen": ("#F8CFA4", "#A0520A", "o"),
}
"""Colour of the area, colour of the mark, mark: they differ in shape for whoever sees no colour."""
BALANCE = {"balance-0": "#C4694E", "balance-25": "#E39A78", "balance-50": "#F3C3A4",
           "balance-75": "#FBE6D6", "balance-100": "#CFE3F0", "balance-none": PALE}  # fmt: skip
BALANCE_STEPS = (0.25, 0.5, 0.75, 1.0)
SUPPLY_BREAKS = (0, 10, 20, 30, 40, 60, 80)
SUPPLY_COLOURS = ("#F7FBFF", "#E6F0F8", "#D3E4F1", "#BBD5E9", "#9DC3DF", "#7BAFD3", "#5797C4")
WHOLE = {"whole-yes": "#E4EEF6", "whole-no": "#FBE6D6"}
TINTS = ("#F7EAD9", "#E3EEDD", "#E2E8F2", "#F2E3EA")
MANY = 3000
ROAD: dict[str, Any] = {"color": "#B5B0AA", "linewidth": 0.4}
ZONE: dict[str, Any] = {"color": "#8C6E54", "linewidth": 0.3, "linestyle": (0, (6, 2))}
PLACE: dict[str, Any] = {"color": "#3B3F6B", "linewidth": 0.9, "linestyle": (0, (7, 1.6, 1.2, 1.6))}
STUDY: dict[str, Any] = {"color": "#111111", "linewidth": 1.5}


def ground_lines(
    axes: Axes, frames: Frames, window: Window, *, areas: str = "unit", zones: bool = True
) -> list[Symbol]:
    """Draw roads, borders of zones, of units or places, and the study area."""
    return [
        *draw_lines(axes, frames.roads.geometry, window, "road", ROAD),
        *(borders(axes, frames.zones, window, "zone") if zones else []),
        *borders(axes, frames.units if areas == "unit" else frames.places, window, areas),
        *draw_lines(axes, [frames.study_area], window, "study", STUDY),
    ]


def borders(axes: Axes, table: gpd.GeoDataFrame | None, window: Window, key: str) -> list[Symbol]:
    """Draw the borders of areas: ``zone``, ``unit`` or ``place``."""
    shapes = None if table is None else table.geometry
    return draw_lines(axes, shapes, window, key, ZONE if key == "zone" else PLACE)


def draw_ground(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Draw where the study area lies: places in pale tints, roads, and a net of degrees."""
    areas = frames.places if frames.places is not None else frames.units
    _, shapes = inside(areas.geometry, window)
    tints = np.array([f"tint-{number % len(TINTS)}" for number in range(len(shapes))], dtype=object)
    looks = {f"tint-{number}": colour for number, colour in enumerate(TINTS)}
    fill(axes, list(shapes), tints, looks, window)
    for item in axes.collections:  # which tint a place has means nothing: no symbol
        item.set_gid("ground")
    return [
        *_draw_degrees(axes, frames, window),
        *ground_lines(axes, frames, window, areas=_areas_of(frames), zones=False),
    ]


def _areas_of(frames: Frames) -> str:
    """Return what the areas of a plan are called: places, where they are streets, else units."""
    places = frames.places
    return "place" if places is not None and (places["kind"] == "street").any() else "unit"


def _draw_degrees(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Draw meridians and parallels at round minutes."""
    net = degrees_in(frames, window)
    style = {"color": "#6C93B3", "linewidth": 0.5, "linestyle": (0, (3, 2))}
    return draw_lines(axes, net.geometry, window, "degrees", style)


def degrees_in(frames: Frames, window: Window) -> gpd.GeoDataFrame:
    """Return the meridians and parallels of a window: lines, ``value`` and ``is_meridian``."""
    crs = frames.demand.crs
    frame = gpd.GeoSeries([shapely.box(*window.metres)], crs=crs).segmentize(window.per_mm * 20)
    west, south, east, north = frame.to_crs(4326).total_bounds.tolist()
    step = _round_step(max(east - west, north - south) / 4)
    across = np.arange(np.ceil(south / step), np.floor(north / step) + 1) * step
    along = np.arange(np.ceil(west / step), np.floor(east / step) + 1) * step
    lines = [shapely.LineString([(west, y), (east, y)]) for y in across]
    lines += [shapely.LineString([(x, south), (x, north)]) for x in along]
    net = gpd.GeoSeries(lines, crs=4326).segmentize(step / 10).to_crs(crs)
    about = {"value": [*across, *along], "is_meridian": [False] * len(across) + [True] * len(along)}
    return gpd.GeoDataFrame(about, geometry=net)


def _round_step(need: float) -> float:
    """Return the smallest round step, in degrees, that is at least ``need``."""
    minutes = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600)
    return next((each for each in minutes if each >= need * 60), minutes[-1]) / 60


def draw_density(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Grade zones by their density of elders; without zones, the demand points."""
    zones = frames.zones
    table = frames.demand if zones is None else zones
    shapes = frames.demand_shapes if zones is None else zones.geometry
    density = table["density_per_km2"].to_numpy(dtype=float, na_value=0.0)
    step = np.clip(np.searchsorted(DENSITY_BREAKS, density, side="right") - 1, 0, None)
    keys = np.array([f"grade-{number}" for number in step], dtype=object)
    looks = {f"grade-{number}": colour for number, colour in enumerate(DENSITY_COLOURS)}
    drawn = fill(axes, shapes, keys, looks, window, pixels=zones is None)
    labels = density_labels(frames.info["language"])
    return [*_labelled(drawn[::-1], labels), *ground_lines(axes, frames, window)]


def _labelled(drawn: list[Symbol], labels: list[str]) -> list[Symbol]:
    """Return symbols whose keys end in a number with the label of that number."""
    return [
        Symbol(each.key, each.form, each.style, label=labels[int(each.key.rpartition("-")[2])])
        for each in drawn
    ]


def draw_classes(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Draw the demand by density class."""
    keys = np.array([f"class-{each}" for each in frames.demand["density_class"]], dtype=object)
    looks = {f"class-{each}": c for each, c in zip(CLASSES, CLASS_COLOURS, strict=True)}
    drawn = fill(axes, frames.demand_shapes, keys, looks, window, pixels=True)
    return [*drawn, *ground_lines(axes, frames, window)]


def draw_before(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Draw who is covered by what stands today, its service areas and its facilities."""
    state = truth(frames.demand["covered_existing"])
    keys = np.choose(state + 1, ["cover-none", "cover-missed", "cover-kept"]).astype(object)
    return [
        *_coverage(axes, frames, keys, window),
        *draw_service(axes, frames.service_areas_existing, window),
        *ground_lines(axes, frames, window, zones=False),
        *draw_stands(axes, stands_today(frames), window),
    ]


def draw_after(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Draw who is covered by the plan: before already, newly, or not."""
    before, after = truth(frames.demand["covered_existing"]), truth(frames.demand["covered"])
    served = np.where(before == 1, "cover-kept", "cover-gained")
    keys = np.where(after < 0, "cover-none", np.where(after == 1, served, "cover-missed"))
    return [
        *_coverage(axes, frames, keys.astype(object), window),
        *draw_service(axes, frames.service_areas, window),
        *ground_lines(axes, frames, window, zones=False),
        *draw_stands(axes, frames.facilities, window),
    ]


def _coverage(
    axes: Axes, frames: Frames, keys: NDArray[np.object_], window: Window
) -> list[Symbol]:
    """Fill the demand by coverage."""
    return fill(axes, frames.demand_shapes, keys, COVERAGE, window, pixels=True)[::-1]


def draw_reasons(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Draw what the plan leaves uncovered by the reason, and what is there around it."""
    state = truth(frames.demand["covered"])
    keys = np.choose(state + 1, ["cover-none", "cover-missed", "cover-served"]).astype(object)
    reasons = frames.demand["reason"].fillna("").astype(str).to_numpy()
    keys = np.where(state == 0, [f"reason-{each}" for each in reasons], keys)
    looks = {"cover-none": COVERAGE["cover-none"], "cover-served": COVERAGE["cover-kept"]}
    looks |= {f"reason-{each}": colour for each, (colour, _, _) in REASONS.items()}
    drawn = fill(axes, frames.demand_shapes, keys.astype(object), looks, window, pixels=True)
    missed = [each for each in drawn if each.key.startswith("reason-")]
    return [
        *(_with_marker(axes, frames, each, window) for each in missed),
        *(each for each in drawn if each not in missed),
        *draw_exclusions(axes, frames, window),
        *ground_lines(axes, frames, window, zones=False),
        *draw_stands(axes, frames.facilities, window),
    ]


def _with_marker(axes: Axes, frames: Frames, symbol: Symbol, window: Window) -> Symbol:
    """Mark the points of a reason with its own shape; return the symbol with that shape."""
    reason = symbol.key.removeprefix("reason-")
    ground, colour, marker = REASONS[reason]
    rows = (frames.demand["reason"] == reason).to_numpy(dtype=bool)
    _, shapes = inside(frames.demand.geometry[rows], window)
    points = shapely.get_coordinates(shapes).reshape(-1, 2)
    name = "color" if marker in {"x", "+"} else "facecolor"
    look: dict[str, Any] = {"marker": marker, "linewidths": 0.6, name: colour}
    size = 7.0 if len(points) < MANY else 2.0
    axes.scatter(points[:, 0], points[:, 1], s=size, zorder=3, gid=f"symbol:{symbol.key}",
                 rasterized=len(points) > 10 * MANY, **look)  # fmt: skip
    return Symbol(symbol.key, "spot", look | {"s": 12.0, "ground": ground})


def draw_balance(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Fill planning units by the share of the beds required that stands today."""
    units = frames.units
    need = units["beds_required"].to_numpy(dtype=float)
    have = units["beds_existing"].to_numpy(dtype=float)
    share = np.where(need > 0, have / np.maximum(need, 1), np.nan)
    names = np.array(list(BALANCE), dtype=object)
    keys = names[np.searchsorted(BALANCE_STEPS, share, side="right")]
    keys[np.isnan(share)] = "balance-none"
    return [
        *fill(axes, units.geometry, keys, BALANCE, window),
        *ground_lines(axes, frames, window),
        *draw_stands(axes, stands_today(frames), window),
    ]


def draw_supply(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Grade planning units by the beds per 1,000 elders in the plan."""
    units = frames.units
    ratio = _beds_per_1000(frames, units["id"])
    step = np.clip(np.searchsorted(SUPPLY_BREAKS, np.nan_to_num(ratio), side="right") - 1, 0, None)
    keys = np.array([f"supply-{number}" for number in step], dtype=object)
    keys[np.isnan(ratio)] = ""
    looks = {f"supply-{number}": colour for number, colour in enumerate(SUPPLY_COLOURS)}
    drawn = fill(axes, units.geometry, keys, looks, window)
    language = frames.info["language"]
    labels = [_supply(number, language) for number in range(len(looks))]
    return [*_labelled(drawn[::-1], labels), *ground_lines(axes, frames, window, zones=False)]


def _supply(number: int, language: str) -> str:
    """Return the words for a grade of supply."""
    low = SUPPLY_BREAKS[number]
    if number == len(SUPPLY_BREAKS) - 1:
        return text("atlas.supply_over", language, low=low)
    return text("atlas.supply", language, low=low, high=SUPPLY_BREAKS[number + 1])


def _beds_per_1000(frames: Frames, ids: Iterable[Any]) -> NDArray[np.float64]:
    """Return the beds per 1,000 elders that the plan's table of access has for each unit."""
    table = frames.access
    if table is None:
        return np.full(len(list(ids)), np.nan)
    mine = table[(table["scope"] == "unit") & (table["state"] == "plan")
                 & (table["measure"] == "beds_per_1000")]  # fmt: skip
    found = dict(zip(mine["scope_id"].astype(str), mine["value"], strict=True))
    return np.array([found.get(str(each), np.nan) for each in ids], dtype=float)


def draw_circles(axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Draw the circles of community care under their functions."""
    circles = frames.circles
    if circles is None:
        return []
    style = PLACE | {"linestyle": "-"}
    status = circles[functions_of(circles)].astype(str)
    whole = ~status.isin(["missing", "unknown"]).any(axis=1).to_numpy()
    keys = np.where(whole, "whole-yes", "whole-no").astype(object)
    return [
        *fill(axes, circles.geometry, keys, WHOLE, window),
        *draw_lines(axes, frames.roads.geometry, window, "road", ROAD),
        *draw_lines(axes, circles.geometry, window, "circle", style),
        *draw_lines(axes, [frames.study_area], window, "study", STUDY),
    ]


def draw_year(axes: Axes, frames: Frames, window: Window, year: int) -> list[Symbol]:
    """Draw the layout as it stands in the year of a phase, and what is built later."""
    return [
        *fill_density(axes, frames, window),
        *draw_exclusions(axes, frames, window),
        *ground_lines(axes, frames, window),
        *draw_stands(axes, stands_in_year(frames, year), window),
    ]


def draw_stands(axes: Axes, table: gpd.GeoDataFrame, window: Window) -> list[Symbol]:
    """Draw the facilities of a table."""
    return draw_facilities(axes, facilities_in(table, window))


def stands_today(frames: Frames) -> gpd.GeoDataFrame:
    """Return the facilities that stand today, with the beds that they have today."""
    table = frames.facilities
    today = table[table["stands_today"].astype(bool)]
    status = np.where(today["status"] == "outside", "outside", "existing")
    return today.assign(status=status, beds=today["beds_today"], rank=np.nan)


def stands_in_year(frames: Frames, year: int) -> gpd.GeoDataFrame:
    """Return the facilities as they stand in the year of a phase; later ones are ``later``."""
    table = frames.facilities
    if frames.phase_sites is None:
        return table
    stood = frames.phase_sites[frames.phase_sites["year"] == year].set_index("id")
    now = table["id"].isin(stood.index).to_numpy()
    status = np.where(now, table["id"].map(stood["status"]), "later")
    beds = np.where(now, table["id"].map(stood["beds"]), table["beds"])
    later = pd.to_numeric(table["phase"]).to_numpy(dtype=float, na_value=np.nan) > year
    rank = np.where(
        later, np.nan, pd.to_numeric(table["rank"]).to_numpy(dtype=float, na_value=np.nan)
    )
    return table.assign(status=status, beds=beds.astype(float), rank=rank)
