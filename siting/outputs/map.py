"""One Folium map of a plan in one HTML file that opens without any network."""

from __future__ import annotations

import base64
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import folium
from branca.element import Element, MacroElement
from folium.template import Template
from jinja2 import Environment
from markupsafe import escape

from siting.outputs.map_data import OPACITY, embed, payload, word
from siting.outputs.map_raster import Grid, rasterise, theme_picture
from siting.outputs.map_themes import THEMES, themes
from siting.texts import figure, percent, text

if TYPE_CHECKING:
    from pathlib import Path

    from siting.outputs.frames import Frames

__all__ = ["make_map", "write_map"]

OVERLAYS = ("roads", "zones", "units", "circles", "service", "exclusions", "existing", "proposed")
HIDDEN = ("service", "circles")
SCRIPTS = ("map_lookup", "map_legend", "map_tools", "map_find", "map")
STATES = ("existing", "plan", "reachable")


def make_map(frames: Frames) -> folium.Map:
    """
    Return the map of a plan: themes, planning units, facilities, legend and summary.

    The map asks nothing of any network: script, style and pictures stand in the page, and there
    are no tiles. The themes (density, class, coverage before and after) are pictures in Web
    Mercator of at most 1600 pixels a side; a click looks a place up in the table of demand
    points. Names from the data reach the page as text only, never as markup or script.

    Parameters
    ----------
    frames
        The tables of one run, geometry in one projected CRS.

    Returns
    -------
    map
        Shows itself in a notebook; ``write_map`` saves it.
    """
    return _draw(frames)[0]


def write_map(frames: Frames, path: Path) -> None:
    """
    Write the map of a plan to one HTML file, the same bytes for the same tables.

    Parameters
    ----------
    frames
        The tables of one run.
    path
        The file to write; an existing one is replaced.
    """
    drawn, made = _draw(frames)
    page = drawn.get_root().render()
    numbers = {name: f"siting_{place}" for place, name in enumerate(made)}  # Folium draws lots
    page = re.sub("|".join(made), lambda found: numbers[found[0]], page)
    path.write_text(page, encoding="utf-8", newline="\n")


def _draw(frames: Frames) -> tuple[folium.Map, list[str]]:
    """Return the map and the names that Folium gave to its parts."""
    language = frames.info["language"]
    grid = rasterise(frames)
    coded = themes(frames, language)
    shown = payload(frames, language, coded, grid)
    drawn = folium.Map(tiles=None, prefer_canvas=True, location=[0, 0], zoom_start=3,
                       max_zoom=19, zoom_snap=0.25, zoom_delta=0.5)  # fmt: skip
    drawn.default_js, drawn.default_css = [], []
    _furnish(drawn, frames, embed(shown))
    layers = _add_themes(drawn, coded, grid, language)
    for key in _overlays(shown):
        name = text(f"map.layer_{key}", language)
        layers[key] = folium.FeatureGroup(name=name, show=key not in HIDDEN)
        drawn.add_child(layers[key])
    control = folium.LayerControl(collapsed=False)
    drawn.add_child(control)
    drawn.add_child(_Start(layers, control))
    return drawn, [part.get_name() for part in (drawn, control, *layers.values())]


def _furnish(drawn: folium.Map, frames: Frames, data: str) -> None:
    """Put style, scripts, panel and data into the page of a map."""
    page: Any = drawn.get_root()
    page.title = " ".join(str(escape(frames.info["name"])).split())
    for name, tag, content in (
        ("leaflet_css", "style", _leaflet_css()),
        ("siting_css", "style", _template("map.css")),
        ("leaflet_js", "script", _leaflet_js()),
        *((f"siting_{name}_js", "script", _template(f"{name}.js")) for name in SCRIPTS),
    ):
        page.header.add_child(_Raw(f"<{tag}>{content}</{tag}>"), name=name)
    page.html.add_child(_Raw(_panel(frames, frames.info["language"])), name="siting_panel")
    data = f'<script type="application/json" id="siting-data">{data}</script>'
    page.html.add_child(_Raw(data), name="siting_data")


class _Raw(Element):
    """Text that goes into the page as it is; Jinja never reads it."""

    _template = Template("{{ this.content }}")

    def __init__(self, content: str) -> None:
        super().__init__()
        self.content = content


class _Start(MacroElement):
    """The call that hands Folium's map and layers to the page's own script."""

    _template = Template(
        "{% macro script(this, kwargs) %}startSiting({{ this._parent.get_name() }}, "
        "{ {%- for key, layer in this.layers.items() %}{{ key }}: {{ layer.get_name() }}, "
        "{% endfor -%} }, {{ this.control.get_name() }});{% endmacro %}"
    )

    def __init__(self, layers: dict[str, folium.map.Layer], control: folium.LayerControl) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.layers = layers
        self.control = control


def _add_themes(
    drawn: folium.Map, coded: dict[str, Any], grid: Grid | None, language: str
) -> dict[str, folium.map.Layer]:
    """Add the themes and the choice of none to the map, and return them by key."""
    layers: dict[str, folium.map.Layer] = {}
    for key in (*THEMES, "none"):
        name = coded[key]["label"] if key in coded else text("map.layer_none", language)
        options: dict[str, Any] = {"name": name, "overlay": False, "show": key == "after"}
        if grid is None or key == "none":
            layers[key] = folium.FeatureGroup(**options)
        else:
            layers[key] = folium.raster_layers.ImageOverlay(
                theme_picture(coded[key], grid), grid.corners(), opacity=OPACITY, **options,
                class_name=f"siting-theme-{key}",
            )  # fmt: skip
    for layer in layers.values():
        drawn.add_child(layer)
    return layers


def _overlays(shown: dict[str, Any]) -> list[str]:
    """Return the overlays that have something to show, in order."""
    kinds = {place["proposed"] for place in shown["facilities"]}
    held = {
        "units": shown["study"] or any(unit["geometry"] for unit in shown["units"]),
        "circles": any(circle["geometry"] for circle in shown["circles"]),
        "service": any(area["geometry"] for area in shown["service"]),
        "existing": False in kinds,
        "proposed": True in kinds,
    }
    return [key for key in OVERLAYS if held.get(key, shown.get(key))]


def _panel(frames: Frames, language: str) -> str:
    """Return title, estimate banner, summary and notes as HTML, every value escaped."""
    info = frames.info
    words = {key: text(f"map.{key}", language) for key in (
        "heading", "note_internal", "panel", "summary", "layers", "legend", "hint", "data_from",
        "sources_joint", "estimate", "search", "compare", "measure", "print", "filter",
        "filter_note")}  # fmt: skip
    words["sources_heading"] = text("map.sources", language)
    if info["estimate"] is None:
        words["estimate"] = ""
    return Environment(autoescape=True).from_string(_template("map_panel.html")).render(
        words,
        name=info["name"],
        subtitle=text("map.subtitle", language, standard=info["standard_name"], year=info["year"]),
        estimate_text=text("map.estimate_text", language,
                           method=word("method", str(info["estimate"]), language)),
        cover=_cover_table(frames, language),
        figures=_figures(frames, language),
        distance=_distances(frames, language),
        sources=info["sources"],
        date=text("map.date", language, date=info["date"]),
        crs=text("map.crs", language, crs=info["crs"]),
    )  # fmt: skip


def _distances(frames: Frames, language: str) -> str:
    """Return how far it may be to a facility, and how that is measured."""
    info = frames.info
    radii = {each: figure(info[f"distance_{each}_m"]) for each in frames.distance_classes}
    if len(radii) == 1:
        return ""
    kind = info.get("distance") if radii else "none"
    measured = kind if kind in {"network", "straight", "none"} else "any"
    return text(f"map.distance_{measured}", language, **radii)


def _cover_table(frames: Frames, language: str) -> dict[str, Any] | None:
    """
    Return shares and beds before, in the plan and within reach; None without a record.

    A class for which no rule asks for a distance has no row.
    """
    record = frames.record
    if "coverage" not in record:
        return None
    judged = record.get("status") == "audited"
    keys = ("existing", "judged" if judged else "plan", "reachable")
    rows = [(text(f"map.row_{grade}", language), _shares(record, grade))
            for grade in frames.distance_classes]  # fmt: skip
    beds = record.get("beds", {})
    rows.append((text("map.row_beds", language), [_count(beds.get(state)) for state in STATES]))
    return {"heads": [text(f"map.row_{key}", language) for key in keys], "rows": rows}


def _shares(record: dict[str, Any], grade: str) -> list[str]:
    """Return the covered shares of a class in every state; dashes where no one is of that class."""
    shares = [record["coverage"].get(state, {}).get(grade) for state in STATES]
    no_one = record.get("elders", {}).get(grade) == 0
    return ["–" if share is None or no_one else percent(share) for share in shares]


def _figures(frames: Frames, language: str) -> list[tuple[str, str]]:
    """Return the other figures of the summary; what the record lacks is left out."""
    record = frames.record
    beds, sites = record.get("beds", {}), record.get("sites", {})
    asked = {"required": beds.get("required"), "shortfall": beds.get("shortfall")}
    found = {
        **(asked if frames.info["beds_by_unit"] else {}),
        "new": sites.get("new"), "extended": sites.get("extended"),
        "upgraded": sites.get("upgraded"), "cost": record.get("cost_wan_yuan"),
    }  # fmt: skip
    rows = [(text(f"map.row_{key}", language), _count(value)) for key, value in found.items()
            if value is not None]  # fmt: skip
    if not frames.info["beds_by_unit"]:
        rows.insert(0, (text("map.row_required", language), text("map.unit_unasked", language)))
    verdicts = record.get("audit", {}).get("plan")
    if verdicts:
        told = text("map.rules_value", language, **verdicts)
        rows.append((text("map.row_rules", language), told))
        told = text("map.unknown_value", language, **verdicts)
        rows.append((text("map.row_unknown", language), told))
    if frames.info.get("objective"):
        rows.append((text("map.row_objective", language), frames.info["objective"]))
    if "status" in record:
        told = _status(record, language)
        rows.append((text("map.row_status", language), told))
    return rows


def _status(record: dict[str, Any], language: str) -> str:
    """Return how good the plan is, with its largest gap where it is not proven optimal."""
    status = str(record["status"])
    told = word("status", status, language)
    gaps = [stage.get("gap") or 0.0 for stage in record.get("stages", [])]
    if status in {"optimal", "audited"} or not gaps:
        return told
    return text("map.status_with_gap", language, status=told, gap=max(gaps))


def _count(value: float | None) -> str:
    """Return a number with separators."""
    return "–" if value is None else figure(value)


def _template(name: str) -> str:
    """Return a file that lies beside this module."""
    return files("siting.outputs").joinpath("templates", name).read_text(encoding="utf-8")


def _leaflet_js() -> str:
    """Return Leaflet without its pointers to a source map and to its site."""
    folder = files("js_lib_leaflet").joinpath("static", "js_lib_leaflet")
    script = folder.joinpath("leaflet.js").read_text(encoding="utf-8")
    return re.sub(r'//# sourceMappingURL=\S*| href="https://leafletjs.com"', "", script)


def _leaflet_css() -> str:
    """Return Leaflet's style with its pictures inside."""
    folder = files("js_lib_leaflet").joinpath("static", "js_lib_leaflet")

    def inline(found: re.Match[str]) -> str:
        picture = folder.joinpath("images", found[1]).read_bytes()
        return f"url(data:image/png;base64,{base64.b64encode(picture).decode('ascii')})"

    style = folder.joinpath("leaflet.css").read_text(encoding="utf-8")
    style = re.sub(r"behavior:\s*url\([^)]*\);", "", style)
    return re.sub(r"url\(images/([\w.-]+)\)", inline, style)
