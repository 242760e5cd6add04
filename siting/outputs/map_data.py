"""What the script of the map draws and looks up, as plain data for JSON."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.outputs.generalise import fill_holes
from siting.outputs.map_raster import WORLD, Grid, index_picture
from siting.outputs.map_themes import truth
from siting.outputs.services import function_words, functions_of, name_words, status_words
from siting.texts import catalogue, figure, percent, text
from siting.units import NO_UNIT

if TYPE_CHECKING:
    from siting.outputs.frames import Frames

__all__ = ["LOOK", "OPACITY", "PLACES", "embed", "payload", "word"]

DECIMALS = 5  # of a degree: about one metre
STATES = ("existing", "planned")
STREET_M = 10.0  # how far the outline of a street that is searched for may leave the true one
KEEP_M = 1.5  # how far a simplified line may leave the true one
OPACITY = 0.72  # of the themes
SOME = 2  # functions that a circle may lack before it lacks many
NEW, HELD = "#FF9F7F", "#3b6fa0"
PROPOSED = ("new", "extended", "planned", "reserved")
PLACES: dict[str, dict[str, Any]] = {
    "existing": {"fillColor": HELD, "color": "#ffffff", "weight": 1.5, "fillOpacity": 0.95},
    "extended": {"fillColor": HELD, "color": NEW, "weight": 4, "fillOpacity": 0.95},
    "new": {"fillColor": NEW, "color": "#7a2e12", "weight": 1.5, "fillOpacity": 0.95},
    "planned": {"fillColor": "#ffd9cc", "color": "#7a2e12", "weight": 1.5, "fillOpacity": 0.95},
    "reserved": {"fillColor": "#ffffff", "color": "#7a2e12", "weight": 2, "dashArray": "3 3",
                 "fillOpacity": 0.8},
    "closed": {"fillColor": "#bdbdbd", "color": "#333333", "weight": 1.5, "dashArray": "2 2",
               "fillOpacity": 0.8},
    "outside": {"fillColor": "#9aa5ad", "color": "#ffffff", "weight": 1.5, "fillOpacity": 0.9},
}  # fmt: skip
CHANGED_OUTSIDE: dict[str, dict[str, Any]] = {
    "outside_new": {"fillColor": NEW, "color": "#5b6570", "weight": 2.5, "fillOpacity": 0.95},
    "outside_extended": {"fillColor": "#9aa5ad", "color": NEW, "weight": 4, "fillOpacity": 0.95},
}
LOOK: dict[str, Any] = {
    "opacity": OPACITY,
    "roads": {"color": "#5b6570", "weight": 1, "opacity": 0.45},
    "zones": {"color": "#7d7d7d", "weight": 0.8, "opacity": 0.8},
    "units": {"color": "#3b2a55", "weight": 2.2, "opacity": 0.9},
    "study": {"color": "#111111", "weight": 1.5, "opacity": 0.7, "dashArray": "8 5"},
    "service": [
        {"color": "#0b4f8a", "weight": 1.3, "fill": True, "fillOpacity": 0.12},
        {"color": "#0b4f8a", "weight": 1.1, "dashArray": "5 4", "fill": True, "fillOpacity": 0.06},
    ],
    "circles": {
        "whole": {"color": "#1b6b55", "weight": 1.8, "fill": True, "fillOpacity": 0.08},
        "some": {"color": "#8a5a00", "weight": 1.8, "fill": True, "fillOpacity": 0.25},
        "many": {"color": "#7a1f1f", "weight": 1.8, "fill": True, "fillOpacity": 0.45},
        "unknown": {"color": "#4a4a4a", "fillColor": "#8a8a8a", "weight": 1.8, "fill": True,
                    "fillOpacity": 0.12, "dashArray": "2 3"},
    },
    "exclusions": {"color": "#5a3a1a", "weight": 1.6, "dashArray": "2 4", "fill": True,
                   "fillColor": "#8c6d46", "fillOpacity": 0.3},
    "places": PLACES,
}  # fmt: skip


def payload(
    frames: Frames, language: str, themes: dict[str, Any], grid: Grid | None
) -> dict[str, Any]:
    """Return what the page's script draws and looks up, ready for JSON."""
    areas = frames.service_areas.sort_values("distance_m")
    areas = areas.set_geometry(gpd.GeoSeries(fill_holes(areas.geometry), crs=areas.crs,
                                             index=areas.index))  # fmt: skip
    looks = PLACES | CHANGED_OUTSIDE
    excluded, zones = frames.exclusions, frames.zones
    return {
        "words": _words(frames, language),
        "look": LOOK | {"places": looks},
        "places": {code: text(f"map.facility_{code}", language) for code in looks},
        "first": "after",
        "no_unit": NO_UNIT,
        "themes": {key: {"label": theme["label"], "entries": theme["entries"]}
                   for key, theme in themes.items()},
        "roads": _lines(frames.roads.geometry),
        "zones": None if zones is None else _lines(zones.geometry.boundary),
        "zone_names": [] if zones is None else _names(zones),
        "study": None if frames.study_area is None else _lines(
            gpd.GeoSeries([frames.study_area], crs=frames.demand.crs).boundary),
        "service": [
            {"geometry": shape, "label": text("map.service_within", language,
                                              distance=figure(distance))}
            for distance, shape in zip(areas["distance_m"], _areas(areas.geometry), strict=True)
        ],
        "exclusions": [] if excluded is None else [
            {"name": name, "geometry": shape}
            for name, shape in zip(_strings(excluded["name"]), _areas(excluded.geometry),
                                   strict=True)
        ],
        "units": _units(frames),
        "circles": _circles(frames, language),
        "streets": _streets(frames, language),
        "phased": frames.phases is not None and len(frames.phases) > 1,
        "facilities": _facilities(frames, language),
        "demand": _demand(frames, themes, language),
        "grid": None if grid is None else {
            "index": index_picture(grid), "left": grid.left, "top": grid.top,
            "pixel": grid.pixel, "height": grid.index.shape[0], "width": grid.index.shape[1],
        },
        "bounds": _bounds(frames, grid),
    }  # fmt: skip


def _words(frames: Frames, language: str) -> dict[str, str]:
    """Return the texts that the script writes; without a plan, after is the layout judged."""
    words = {key.removeprefix("map."): entry[language] for key, entry in catalogue().items()
             if key.startswith("map.")}  # fmt: skip
    if frames.record.get("status") == "audited":
        words["popup_after"] = words["row_judged"]
    return words


def embed(payload: dict[str, Any]) -> str:
    """Return JSON that no script element, comment or entity can be broken with."""
    plain = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        plain = plain.replace(sign, f"\\u{ord(sign):04x}")
    return plain


def _strings(values: pd.Series) -> list[str]:
    """Return texts, empty where there is none."""
    return ["" if pd.isna(value) else str(value) for value in values]


def _names(rows: pd.DataFrame) -> list[str]:
    """Return names, the id where there is none."""
    pairs = zip(_strings(rows["name"]), _strings(rows["id"]), strict=True)
    return [name or key for name, key in pairs]


def _numbers(values: pd.Series, digits: int = 0) -> list[float | int | None]:
    """Return numbers rounded for display, None where there is none."""
    found = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    rounded = [None if not math.isfinite(value) else round(float(value), digits) for value in found]
    return [int(value) if value is not None and value.is_integer() else value for value in rounded]


def _lines(shapes: gpd.GeoSeries) -> dict[str, Any] | None:
    """Return all lines as one simplified GeoJSON geometry in degrees; None if there are none."""
    parts = shapely.get_parts(_degrees(shapes))
    parts = parts[(shapely.get_type_id(parts) == 1) & ~shapely.is_empty(parts)]  # lines
    return shapely.MultiLineString(list(parts)).__geo_interface__ if len(parts) else None


def _areas(shapes: gpd.GeoSeries) -> list[dict[str, Any] | None]:
    """Return simplified GeoJSON geometries in degrees; None for one that is missing or empty."""
    return [
        None if shape is None or shape.is_empty else shape.__geo_interface__
        for shape in _degrees(shapes)
    ]


def _degrees(shapes: gpd.GeoSeries) -> np.ndarray:
    """Return geometries simplified in metres, then in degrees and rounded."""
    simple = shapes.simplify(KEEP_M).to_crs(WORLD).to_numpy()
    return np.asarray(shapely.transform(simple, lambda places: places.round(DECIMALS)))


def _units(frames: Frames) -> list[dict[str, Any]]:
    """Return planning units with their balance; need None without a rule, shape without polygon."""
    units, asked = frames.units, frames.info["beds_by_unit"]
    nothing = [None] * len(units)
    inner = units.geometry.representative_point().to_crs(WORLD)
    labels = [None if point is None or point.is_empty else [round(point.y, 6), round(point.x, 6)]
              for point in inner]  # fmt: skip
    columns = {
        "id": _strings(units["id"]),
        "elders": _numbers(units["elders"]),
        "required": _numbers(units["beds_required"]) if asked else nothing,
        "existing": _numbers(units["beds_existing"]),
        "planned": _numbers(units["beds_planned"]),
        "shortfall": _numbers(units["shortfall"]) if asked else nothing,
        "sites": _numbers(units["sites"]),
        "geometry": _areas(units.geometry),
        "label": labels,
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _circles(frames: Frames, language: str) -> list[dict[str, Any]]:
    """Return circles with the status of each function in words, and how much they lack."""
    circles = frames.circles
    if circles is None:
        return []
    names, shapes = functions_of(circles), _areas(circles.geometry)
    inner = circles.geometry.representative_point().to_crs(WORLD)
    found = []
    for number, row in enumerate(circles.to_dict("records")):
        words = [str(row[name]).split(":")[0] for name in names]
        lacks = words.count("missing")
        grade = "many" if lacks > SOME else "some" if lacks else ""
        there = sum(word in {"built", "planned", "reserved"} for word in words)
        point = inner.iloc[number]
        found.append(
            {
                "id": str(row["id"]),
                "grade": grade or ("unknown" if "unknown" in words else "whole"),
                "there": f"{there} / {len(names)}",
                "rows": [[name_words(name, language), status_words(str(row[name]), language),
                          word == "missing"] for name, word in zip(names, words, strict=True)],
                "geometry": shapes[number],
                "label": None if point is None or point.is_empty
                else [round(point.y, 6), round(point.x, 6)],
            }
        )  # fmt: skip
    return found


def _streets(frames: Frames, language: str) -> list[dict[str, Any]]:
    """Return streets and towns with their balance in words; none where units stand for them."""
    places = frames.places
    if places is None or not _by_street(frames):
        return []
    inner = places.geometry.representative_point().to_crs(WORLD)
    shapes = _areas(places.geometry.simplify(STREET_M))
    return [
        {"id": str(row["id"]), "rows": _street_rows(row, language), "geometry": shape,
         "label": [round(point.y, 6), round(point.x, 6)]}
        for row, shape, point in zip(places.to_dict("records"), shapes, inner, strict=True)
        if shape is not None
    ]  # fmt: skip


def _by_street(frames: Frames) -> bool:
    """Return whether the places of a run are streets and towns, not planning units."""
    return frames.places is not None and bool((frames.places["kind"] == "street").any())


def _street_rows(row: dict[str, Any], language: str) -> list[list[Any]]:
    """Return what the popup of a street tells: label, value, whether it is short of something."""
    short = not pd.isna(row["shortfall"]) and row["shortfall"] > 0
    told = {
        "unit_elders": row["elders"], "unit_required": row["beds_required"],
        "unit_existing": row["beds_existing"], "unit_planned": row["beds_planned"],
        "unit_shortfall": row["shortfall"],
    }  # fmt: skip
    rows = [[text(f"map.{key}", language), figure(value), key == "unit_shortfall" and short]
            for key, value in told.items() if not pd.isna(value)]  # fmt: skip
    pairs = {
        "street_covered": ["–" if pd.isna(row[f"covered_{state}"])
                           else percent(row[f"covered_{state}"]) for state in STATES],
        "street_sites": [figure(row[f"sites_{state}"]) for state in STATES],
    }  # fmt: skip
    return rows + [[text(f"map.{key}", language), " → ".join(pair), False]
                   for key, pair in pairs.items()]  # fmt: skip


def word(prefix: str, code: str, language: str) -> str:
    """Return the words for a code, or the code itself where the catalogue has none."""
    key = f"map.{prefix}_{code}"
    return text(key, language) if key in catalogue() else code


def _facilities(frames: Frames, language: str) -> list[dict[str, Any]]:
    """Return facilities, the largest first, so that small ones lie on top."""
    rows = frames.facilities.loc[~frames.facilities.geometry.isna()]
    rows = rows.iloc[np.argsort(-rows["beds"].fillna(0).to_numpy(float), kind="stable")]
    world = rows.geometry.to_crs(WORLD)
    status = _shown_status(rows)
    columns = {
        "id": _strings(rows["id"]),
        "name": _names(rows),
        "at": [[round(y, 6), round(x, 6)] for x, y in zip(world.x, world.y, strict=True)],
        "status": status,
        "status_word": [word("facility", code, language) for code in status],
        "proposed": [code in {*PROPOSED, *CHANGED_OUTSIDE} for code in status],
        "counts": (truth(rows["qualifies"]) == 1).tolist(),
        "kind": [word("kind", code, language) for code in _strings(rows["kind"])],
        "rules": _strings(rows["rules"]),
        "unit": _strings(rows["unit_id"]),
        "street": _strings(rows["place"]) if _by_street(frames) else [""] * len(rows),
        "phase": _numbers(rows["phase"]),
        "today": (truth(rows["stands_today"]) == 1).tolist(),
        "beds_today": _numbers(rows["beds_today"]),
        "cost": _numbers(rows["cost_wan_yuan"], 1),
        "within": _numbers(rows["elders_within_standard"]),
        "functions": [
            _function_list(*each, language)
            for each in zip(rows["functions"], rows["added_functions"], strict=True)
        ],
    }  # fmt: skip
    for short in ("beds", "rank"):
        columns[short] = _numbers(rows[short])
    for short in ("added", "nursing", "dementia"):
        columns[short] = _numbers(rows[f"{short}_beds"])
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _shown_status(facilities: gpd.GeoDataFrame) -> list[str]:
    """Return the status of facilities; outside the study area it tells what the plan adds to."""
    changed = (facilities["status"] == "outside") & (facilities["added_beds"].fillna(0) > 0)
    today = truth(facilities["stands_today"]) == 1
    told = np.where(today, "outside_extended", "outside_new")
    return [str(code) for code in np.where(changed, told, facilities["status"])]


def _function_list(stands: Any, added: Any, language: str) -> str:
    """Return the functions of a facility in words, those that the plan adds marked."""
    if pd.isna(stands) or not stands:
        return ""
    new = [] if pd.isna(added) else str(added).split(", ")
    words = {each: function_words(each, language) for each in str(stands).split(", ")}
    told = [
        text("map.function_added", language, name=word) if each in new else str(word)
        for each, word in words.items()
    ]
    return text("kinds.comma", language).join(told)


def _demand(frames: Frames, themes: dict[str, Any], language: str) -> dict[str, list[Any]]:
    """Return the look-up table of demand points, one list per column."""
    demand = frames.demand
    return {
        "id": _strings(demand["id"]),
        "elders": _numbers(demand["elders"], 1),
        "density": _numbers(demand["density_per_km2"], 1),
        "class": themes["class"]["codes"].tolist(),
        "before": themes["before"]["codes"].tolist(),
        "after": themes["after"]["codes"].tolist(),
        "network": _numbers(demand["nearest_network_m"], 1),
        "straight": _numbers(demand["nearest_straight_m"], 1),
        "standard": _numbers(demand["standard_m"]),
        "nearest": _strings(demand["nearest_facility_id"]),
        "unit": _strings(demand["unit_id"]),
        "note": [word("note", code, language) for code in _strings(demand["note"])],
        "blocked": _strings(demand["blocked_by"]),
        "zone": _zone_rows(frames),
    }


def _zone_rows(frames: Frames) -> list[int | None]:
    """Return the row of the zone that holds each demand point."""
    found: list[int | None] = [None] * len(frames.demand)
    if frames.zones is not None:
        zones, points = frames.zones.geometry.to_numpy(), frames.demand.geometry.to_numpy()
        tree = shapely.STRtree(zones)
        for point, zone in tree.query(points, predicate="intersects").T:
            found[point] = int(zone) if found[point] is None else found[point]
    return found


def _bounds(frames: Frames, grid: Grid | None) -> list[list[float]] | None:
    """Return the corners of what the map opens on: demand and study area, else what there is."""
    if grid is not None:
        ends = grid.corners()
        if frames.study_area is not None:
            area = gpd.GeoSeries([frames.study_area], crs=frames.demand.crs).to_crs(WORLD)
            west, low, east, top = area.total_bounds
            ends += [[float(low), float(west)], [float(top), float(east)]]
        return [np.min(ends, axis=0).tolist(), np.max(ends, axis=0).tolist()]
    for layer in (frames.units, frames.facilities, frames.roads):
        low = layer.geometry.to_crs(WORLD).total_bounds
        if np.isfinite(low).all():
            return [[float(low[1]), float(low[0])], [float(low[3]), float(low[2])]]
    return None
