"""What each layer of the GeoPackage looks like in QGIS: the colours and words of the map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from siting.outputs.map_data import LOOK, PLACES
from siting.outputs.map_themes import AFTER, CLASSES, DENSITY_BREAKS, themes
from siting.outputs.qml import (
    Categories,
    Symbol,
    categorized,
    graduated,
    labels,
    qml,
    quoted,
    rgba,
    single,
)
from siting.outputs.services import functions_of
from siting.texts import catalogue, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from xml.etree.ElementTree import Element

    from siting.outputs.frames import Frames

__all__ = ["Style", "headings", "layer_styles"]

MM_PER_PIXEL = 0.26
UNKNOWN = "#a6541b"
RED = "#b3261e"
WHITE = "255,255,255,255"
SHAPES = {
    "new": "triangle", "extended": "square", "planned": "diamond", "reserved": "diamond",
    "closed": "cross2",
}  # fmt: skip
BEDS = '0.52 * min(20, max(4, 1.5 + 0.7 * sqrt(coalesce("beds", 0))))'
"""Diameter in millimetres: that of the map, see its script."""
COVERED = (
    "CASE WHEN \"covered\" IS NULL THEN 'none' "
    'WHEN "covered" AND "covered_existing" THEN \'kept\' '
    'WHEN "covered" THEN \'gained\' ELSE "reason" END'
)
"""The codes of the map's theme ``after``."""
NAMED: dict[str, tuple[str, str, int]] = {
    "facilities": ("#222222", "around", 25_000), "zones": ("#7d7d7d", "middle", 30_000),
}  # fmt: skip
"""Colour and place of names, and the scale from which on they are no tangle."""
THEMES = {"demand": ("after", "class", "density"), "demand_grid": ("class", "after", "density")}
"""Themes of the map that a layer offers, first the one that it opens with."""


@dataclass(frozen=True)
class Style:
    """
    One style of a layer.

    Attributes
    ----------
    name
        What QGIS lists it as.
    qml
        The style as XML.
    """

    name: str
    qml: str


def layer_styles(
    frames: Frames, columns: Mapping[str, Sequence[str]], language: str
) -> dict[str, list[Style]]:
    """
    Return the styles of the spatial layers; the first of each is the one that QGIS opens.

    Colours are those of the map. A code that the map does not know has a category of its own, so
    that no feature is left out. Columns have their headings in words as aliases.

    Parameters
    ----------
    frames
        The tables of the run; codes and distances are taken from them.
    columns
        Names of the columns of every layer that needs a style, in order.
    language
        Language of the labels.
    """
    plain = text("geopackage.style_plain", language)
    styles = {}
    for layer, names in columns.items():
        heads = headings(names, language)
        if layer in THEMES:
            drawn = _themes(frames, layer, language)
        elif layer == "facilities":
            drawn = {text("geopackage.style_status", language): _facilities(frames, language)}
        elif layer == "circles":
            drawn = {text("geopackage.style_functions", language): _circles(frames, language)}
        elif layer == "service_areas":
            drawn = {plain: _service_areas(frames, language)}
        else:
            drawn = {plain: single(_alike(layer))}
        marks = _labels(frames, layer, language)
        styles[layer] = [Style(name, qml(each, heads, marks)) for name, each in drawn.items()]
    return styles


def _labels(frames: Frames, layer: str, language: str) -> Element | None:
    """Return the names that a layer bears; None where it bears none."""
    if layer == "units":
        return _unit_labels(language, shared=frames.circles is not None)
    if layer == "circles":
        return _circle_labels(frames)
    if layer in NAMED:
        colour, place, closest = NAMED[layer]
        return labels('coalesce("name", "id")', quoted(colour), place=place, closest=closest)
    return None


def headings(columns: Iterable[str], language: str) -> dict[str, str]:
    """Return the headings of the columns that have one; others keep their names."""
    entries = catalogue()
    keys = {
        name: key
        for name in columns
        for key in (f"names.{name}", f"geopackage.field_{name}", f"tables.field_{name}")
        if key in entries
    }
    return {name: text(key, language) for name, key in keys.items()}


def _alike(layer: str) -> Symbol:
    """Return the symbol of a layer that is drawn alike everywhere."""
    drawers = {"units": _outline, "zones": _outline, "roads": _line, "exclusions": _hatch}
    return drawers[layer](LOOK[layer])


def _facilities(frames: Frames, language: str) -> Element:
    """Return facilities by status, sized by beds; what does not count for coverage is hollow."""
    categories: Categories = {
        code: (text(f"map.facility_{code}", language), _place(look, SHAPES.get(code, "circle")))
        for code, look in PLACES.items()
    }
    other = {"fillColor": UNKNOWN, "color": "#333333", "weight": 1.5}
    for code in _others(frames.facilities["status"], categories):
        categories[code] = (code, _place(other, "circle"))
    return categorized("status", categories)


def _themes(frames: Frames, layer: str, language: str) -> dict[str, Element]:
    """Return the themes of the map as renderers, by their label."""
    symbol = _cell if layer == "demand_grid" else _dot
    found = themes(frames, language)
    drawn = {}
    for name in THEMES[layer]:
        entries = [(each["label"], symbol(each["colour"])) for each in found[name]["entries"]]
        if name == "density":
            renderer = graduated("density_per_km2", DENSITY_BREAKS, entries)
        elif name == "class":
            renderer = _classes(frames, entries, symbol)
        else:
            renderer = _coverage(frames, entries, symbol)
        drawn[found[name]["label"]] = renderer
    return drawn


def _classes(
    frames: Frames, entries: Sequence[tuple[str, Symbol]], symbol: Callable[[str], Symbol]
) -> Element:
    """Return demand by density class."""
    categories = dict(zip(CLASSES, entries, strict=True))
    for code in _others(frames.demand["density_class"], categories):
        categories[code] = (code, symbol(UNKNOWN))
    return categorized("density_class", categories)


def _coverage(
    frames: Frames, entries: Sequence[tuple[str, Symbol]], symbol: Callable[[str], Symbol]
) -> Element:
    """Return demand by coverage, and by the reason where there is none."""
    categories = dict(zip(AFTER, entries, strict=True))
    uncovered = categories.pop("uncovered")
    for code in _others(frames.demand["reason"], categories):
        categories[code] = (f"{uncovered[0]} ({code})", symbol(UNKNOWN))
    return categorized(COVERED, categories | {"": uncovered})


def _others(values: Iterable[Any], known: Iterable[str]) -> list[str]:
    """Return the codes in a column that are not known, in order, without blanks."""
    return sorted({each for each in values if isinstance(each, str) and each} - set(known))


def _unit_labels(language: str, *, shared: bool) -> Element:
    """
    Return labels with the unit's id and, where beds are required, those that it lacks.

    Where circles have labels too (``shared``), often of the same areas, these stand above theirs.
    """
    short, enough = (quoted(text(f"map.unit_{key}", language)) for key in ("short", "balanced"))
    words = (
        'coalesce("id", \'\') || CASE WHEN "shortfall" > 0 '
        f"THEN '\\n' || {short} || ' ' || \"shortfall\" "
        f"WHEN \"beds_required\" > 0 THEN '\\n' || {enough} ELSE '' END"
    )
    colour = f"CASE WHEN \"shortfall\" > 0 THEN '{RED}' ELSE '{LOOK['units']['color']}' END"
    return labels(words, colour, place="above" if shared else "middle")


def _count_of(frames: Frames, *statuses: str) -> str:
    """Return the expression for how many functions of a circle have one of some statuses."""
    terms = [
        f'("{name}" LIKE {quoted(f"{each}%")})'
        for name in functions_of(frames.circles) for each in statuses
    ]  # fmt: skip
    return f"({' + '.join(terms)})"


def _circles(frames: Frames, language: str) -> Element:
    """Return circles by what they lack, hatched where it is not known."""
    expression = (
        f"CASE WHEN {_count_of(frames, 'missing')} > 2 THEN 'many' "
        f"WHEN {_count_of(frames, 'missing')} > 0 THEN 'some' "
        f"WHEN {_count_of(frames, 'unknown')} > 0 THEN 'unknown' ELSE 'whole' END"
    )
    looks = LOOK["circles"]
    categories: Categories = {
        code: (text(f"map.circle_{code}", language),
               _hatch(look) if code == "unknown" else _area(look))
        for code, look in looks.items()
    }  # fmt: skip
    return categorized(expression, categories)


def _circle_labels(frames: Frames) -> Element:
    """Return labels with the circle's id and how many of its functions stand or are planned."""
    there = _count_of(frames, "built", "planned", "reserved")
    total = len(functions_of(frames.circles))
    colour = quoted(LOOK["units"]["color"])
    words = f"coalesce(\"id\", '') || '\\n' || {there} || ' / {total}'"
    return labels(words, colour, place="below")


def _service_areas(frames: Frames, language: str) -> Element:
    """Return light areas by distance."""
    distances = sorted({float(each) for each in frames.service_areas["distance_m"].dropna()})
    looks = LOOK["service"]
    categories: Categories = {}
    for place, metres in enumerate(distances):
        label = text("map.service_within", language, distance=f"{metres:,.15g}")
        categories[f"{metres:.15g}"] = (label, _area(looks[min(place, len(looks) - 1)]))
    return categorized("distance_m", categories)


def _mm(weight: float) -> str:
    """Return the width in millimetres of a line given in pixels of the map."""
    return f"{weight * MM_PER_PIXEL:.2f}"


def _place(look: dict[str, Any], shape: str) -> Symbol:
    """Return a facility; one that does not count for coverage is white inside, in its colour."""
    full, edge = rgba(look["fillColor"]), rgba(look["color"])
    values = {
        "name": shape,
        "color": full,
        "outline_color": edge,
        "outline_width": _mm(look["weight"]),
        "outline_style": "solid",
        "size": "3",
        "size_unit": "MM",
    }
    ring = full if edge == WHITE else edge
    driven = {
        "size": BEDS,
        "fillColor": f"if(\"qualifies\" = false, '{WHITE}', '{full}')",
        "outlineColor": f"if(\"qualifies\" = false, '{ring}', '{edge}')",
    }
    return Symbol("marker", "SimpleMarker", values, driven)


def _dot(colour: str) -> Symbol:
    """Return a demand point."""
    values = {"name": "circle", "color": rgba(colour), "outline_style": "no", "size": "1.2"}
    return Symbol("marker", "SimpleMarker", values | {"size_unit": "MM"})


def _cell(colour: str) -> Symbol:
    """Return a demand area, without a border."""
    values = {"color": rgba(colour, LOOK["opacity"]), "style": "solid", "outline_style": "no"}
    return Symbol("fill", "SimpleFill", values)


def _edge(look: dict[str, Any]) -> dict[str, str]:
    """Return the border of an area."""
    return {
        "outline_color": rgba(look["color"], look.get("opacity", 1.0)),
        "outline_style": "dash" if "dashArray" in look else "solid",
        "outline_width": _mm(look["weight"]),
        "outline_width_unit": "MM",
    }


def _outline(look: dict[str, Any]) -> Symbol:
    """Return an area that is only a border."""
    return Symbol("fill", "SimpleFill", {"style": "no", "color": "0,0,0,0"} | _edge(look))


def _area(look: dict[str, Any]) -> Symbol:
    """Return a light area with a border."""
    fill = {"style": "solid", "color": rgba(look["color"], look["fillOpacity"])}
    return Symbol("fill", "SimpleFill", fill | _edge(look))


def _line(look: dict[str, Any]) -> Symbol:
    """Return a line."""
    values = {
        "line_color": rgba(look["color"], look["opacity"]),
        "line_width": _mm(look["weight"]),
        "line_width_unit": "MM",
        "capstyle": "round",
        "joinstyle": "round",
    }
    return Symbol("line", "SimpleLine", values)


def _hatch(look: dict[str, Any]) -> Symbol:
    """Return an area of slanted lines with a border."""
    stroke = {"color": look["fillColor"], "opacity": 1.0, "weight": 1}
    values = {"angle": "45", "distance": "2", "distance_unit": "MM"}
    return Symbol("fill", "LinePatternFill", values, inner=_line(stroke), under=_outline(look))
