"""The map opens without a network, shows every layer, and tells names from markup."""

from __future__ import annotations

import json
import re
import subprocess
import unicodedata
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from frames_sample import CRS, HOSTILE
from frames_sample import sample_frames as fresh_frames
from PIL import Image
from pyproj import Geod
from shapely.geometry import Polygon

from siting.outputs.map import make_map, write_map
from siting.outputs.map_data import payload
from siting.outputs.map_raster import MOST_PIXELS, rasterise
from siting.outputs.map_themes import themes, truth
from siting.texts import catalogue, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Run
    from playwright.sync_api import Browser, ConsoleMessage, Route

    from siting.outputs.frames import Frames

    Open = Callable[..., "Opened"]

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
STILL = """(() => { const m = window[document.querySelector('.folium-map').id], pan = m.panBy;
  m._fadeAnimated = m._zoomAnimated = false; m.panBy = (by) => pan.call(m, by, {animate: false});
})()"""
"""Takes the fading and gliding out of a map: tests need not wait for them."""

sample_frames = cache(fresh_frames)
needs_browser = pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium on this machine")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield started
        started.close()


class Opened:
    """A page with what it asked for and what it complained about."""

    def __init__(self, browser: Browser, path: Path, width: int = 1280) -> None:
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page = browser.new_page(viewport={"width": width, "height": 820})
        self.page.route("**/*", self._route)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector(".siting-theme-after", state="attached")
        self.page.wait_for_selector(".siting-ready")
        self.page.evaluate(STILL)

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.complaints.append(said.text)

    def _route(self, route: Route) -> None:
        if route.request.url.startswith(("file:", "data:")):
            route.continue_()
        else:
            self.asked.append(route.request.url)
            route.abort()

    def toggle(self, key: str, language: str = "zh") -> None:
        words = text(f"map.layer_{key}", language)
        label = self.page.locator(".leaflet-control-layers label")
        label.filter(has_text=re.compile(rf"^\s*{re.escape(words)}\s*$")).click()
        self.page.wait_for_timeout(60)

    def place(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Return where on the screen a place lies."""
        found = self.page.evaluate(
            "([lon, lat]) => { const m = window[document.querySelector('.folium-map').id];"
            "const b = m.getContainer().getBoundingClientRect();"
            "const p = m.latLngToContainerPoint([lat, lon]); return [b.x + p.x, b.y + p.y]; }",
            [longitude, latitude],
        )
        return found[0], found[1]

    def box(self, selector: str) -> tuple[float, float, float, float]:
        """Return left, top, right and lower edge of an element on the screen."""
        found = self.page.locator(selector).last.bounding_box()
        assert found is not None
        return (found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"])

    def popup(self) -> str:
        self.page.wait_for_selector(".leaflet-popup-content")
        return str(self.page.locator(".leaflet-popup-content").last.inner_text())

    def close(self) -> None:
        """Close the popup."""
        self.page.evaluate("window[document.querySelector('.folium-map').id].closePopup()")
        self.page.wait_for_selector(".leaflet-popup", state="detached")

    def ink(self) -> int:
        """Return how many pixels of the lines' canvas are drawn on."""
        return int(
            self.page.evaluate(
                "() => { let n = 0; for (const c of document.querySelectorAll('canvas')) {"
                "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
                "for (let i = 3; i < d.length; i += 4) n += d[i] > 0; } return n; }"
            )
        )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Frames], Path]:
    """Return the file of a map, written once for each town."""
    folder, kept = tmp_path_factory.mktemp("maps"), {}

    def write(frames: Frames) -> Path:
        if id(frames) not in kept:
            path = folder / f"{len(kept)}.html"
            write_map(frames, path)
            kept[id(frames)] = (path, frames)
        return kept[id(frames)][0]

    return write


@pytest.fixture
def opened(browser: Browser, written: Callable[[Frames], Path]) -> Iterator[Open]:
    pages: list[Opened] = []

    def start(town: Frames | Path, width: int = 1280) -> Opened:
        path = town if isinstance(town, Path) else written(town)
        pages.append(Opened(browser, path, width))
        return pages[-1]

    yield start
    for one in pages:
        one.page.close()
        assert one.asked == []
        assert one.complaints == []


def centre(frames: Frames, row: int) -> tuple[float, float]:
    point = frames.demand.geometry.iloc[[row]].to_crs("EPSG:4326").iloc[0]
    return point.x, point.y


def test_make_map_is_folium() -> None:
    drawn = make_map(sample_frames())
    assert isinstance(drawn, folium.Map)
    assert "siting-data" in drawn.get_root().render()


def test_one_small_file_without_addresses(tmp_path: Path) -> None:
    path = tmp_path / "map.html"
    write_map(sample_frames(), path)
    page = path.read_text(encoding="utf-8")
    assert path.stat().st_size < 600_000
    assert not re.search(r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//""", page)
    assert not re.search(r"<link|@import|sourceMappingURL", page)
    styles = "".join(re.findall(r"<style>(.*?)</style>", page, re.DOTALL))
    assert set(re.findall(r"url\(([^)]{0,22})", styles)) == {"data:image/png;base64,"}
    assert "</html>" in page


def test_same_tables_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_map(fresh_frames(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@needs_browser
@pytest.mark.parametrize("language", ["zh", "en"])
def test_opens_with_everything(opened: Open, language: str, tmp_path: Path) -> None:
    page = opened(sample_frames(language)).page
    words = page.locator("body").inner_text()
    for key in ("note_internal", "estimate", "layer_density", "layer_proposed", "north",
                "cover_no_candidate_in_reach", "status_gap", "row_reachable"):  # fmt: skip
        assert text(f"map.{key}", language) in words, key
    assert "38.2%" in words
    assert "道路.gpkg" in words
    assert "2026-11-20" in words
    assert page.locator(".leaflet-control-scale-line").inner_text().endswith("m")
    assert page.locator(".siting-unit").count() == 2
    page.screenshot(path=tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 20_000


@needs_browser
def test_themes_replace_one_another(opened: Open) -> None:
    view = opened(sample_frames())
    legend = view.page.locator("#siting-theme")
    for key in ("density", "class", "before", "after"):
        view.toggle(key)
        assert view.page.locator(".leaflet-image-layer").count() == 1
        assert view.page.locator(f".siting-theme-{key}").count() == 1
        assert text(f"map.layer_{key}", "zh") in legend.inner_text()
    view.toggle("density")
    told = legend.inner_text()
    places = [told.index(text("map.density_range", "zh", low=low, high=high))
              for low, high in (("5,000", "10,000"), ("1,000", "2,000"))]  # fmt: skip
    assert places == sorted(places)  # the densest on top, as among the classes
    view.toggle("none")
    assert view.page.locator(".leaflet-image-layer").count() == 0
    assert legend.inner_text() == ""


@needs_browser
def test_overlays_come_and_go(opened: Open) -> None:
    view = opened(sample_frames())
    for key, selector in {
        "existing": "path.siting-existing",
        "proposed": "path.siting-proposed",
        "units": ".siting-unit",
    }.items():
        assert view.page.locator(selector).count() > 0
        view.toggle(key)
        assert view.page.locator(selector).count() == 0
        view.toggle(key)
        assert view.page.locator(selector).count() > 0
    for key, before in {"roads": True, "zones": True, "exclusions": True, "service": False}.items():
        first = view.ink()
        view.toggle(key)
        assert (view.ink() < first) if before else (view.ink() > first), key


@needs_browser
def test_facility_popup(opened: Open) -> None:
    frames = sample_frames()
    view = opened(frames)
    home = frames.facilities.set_index("id").loc["site-5"]
    view.page.mouse.click(*view.place(home["lon"], home["lat"]))
    told = view.popup()
    for part in (home["name"], "新建", "90", "1,380", "HZ-01 HZ-03",
                 f"{home['elders_within_standard']:,.0f}"):  # fmt: skip
        assert str(part) in told


@needs_browser
def test_unit_popup_shows_the_balance(opened: Open) -> None:
    view = opened(sample_frames())
    view.page.locator(".siting-unit > div").first.click()
    told = view.popup().replace("\n", " ")
    for part in ("u1", "522", "430", "92"):
        assert part in told


@needs_browser
@pytest.mark.parametrize("language", ["zh", "en"])
def test_circles_are_off_at_first_and_their_popup_has_every_status(
    opened: Open, language: str
) -> None:
    view = opened(sample_frames(language))
    assert view.page.locator(".siting-circle").count() == 0
    before = view.ink()
    view.toggle("circles", language)
    assert view.page.locator(".siting-circle").count() == 2
    assert view.ink() > before
    view.toggle("units", language)
    view.page.locator(".siting-circle > div").first.click()
    told = view.popup().split("\n")
    names = [text(f"names.{each}", language) for each in ("care_centre", "memory_home", "canteen")]
    marks = [text(f"services.status_{each}", language) for each in ("built", "missing", "planned")]
    assert [told[told.index(name) + 1] for name in names] == marks
    assert view.page.locator(".siting-popup .siting-bad").inner_text() == marks[1]
    view.close()
    view.page.locator(".siting-circle > div").last.click()
    assert f"{text('services.status_reserved', language)} c9" in view.popup()
    legend = view.page.locator("#siting-symbols").inner_text()
    assert text("map.circle_some", language) in legend
    assert text("map.circle_many", language) not in legend


@needs_browser
def test_click_looks_up_each_kind_of_place(opened: Open) -> None:
    frames = sample_frames()
    view = opened(frames)
    for key in ("existing", "proposed", "units"):
        view.toggle(key)
    demand = frames.demand.reset_index(drop=True)
    for reason, rows in demand.groupby("reason"):
        row = rows.index[len(rows) // 2]
        view.page.mouse.click(*view.place(*centre(frames, row)))
        told = view.popup()
        assert f"{demand['id'][row]}\n" in told
        assert f"{demand['density_per_km2'][row]:,.0f}" in told
        if reason:
            assert text(f"map.cover_{reason}", "zh") in told
        view.close()


@needs_browser
def test_click_beside_the_town(opened: Open) -> None:
    frames = sample_frames()
    view = opened(frames)
    world = frames.facilities.to_crs("EPSG:4326").geometry.iloc[-1]
    view.page.mouse.click(*view.place(world.x - 0.001, world.y + 0.004))
    assert text("map.popup_nothing", "zh") in view.popup()


@needs_browser
def test_hostile_names_are_only_names(opened: Open) -> None:
    frames = sample_frames(hostile=True)
    view = opened(frames)
    words = view.page.evaluate("document.body.textContent")
    for name in HOSTILE:
        assert name in words
    view.toggle("units")
    for row in frames.facilities.itertuples():
        if row.status == "outside":
            continue
        spot = view.place(row.lon, row.lat)
        view.page.mouse.move(*spot)
        view.page.wait_for_selector(".leaflet-tooltip")
        assert view.page.locator(".leaflet-tooltip").last.evaluate("e => e.textContent") == row.name
        view.page.mouse.click(*spot)
        view.popup()
        title = view.page.locator(".siting-popup h4").last.evaluate("e => e.textContent")
        assert title == row.name
        view.close()
    assert view.page.evaluate("window.pwned") is None
    assert view.page.locator("img[src=x]").count() == 0


@needs_browser
def test_narrow_window_hides_the_panel(opened: Open) -> None:
    view = opened(sample_frames(), width=600)
    assert not view.page.locator("#siting-side").is_visible()
    view.page.locator(".siting-toggle").click()
    assert view.page.locator("#siting-side").is_visible()


@needs_browser
def test_a_popup_on_a_telephone_lies_clear_of_the_buttons_and_whole_on_the_map(
    opened: Open,
) -> None:
    frames = sample_frames()
    view = opened(frames, width=390)
    for name in ("home-1", "site-8"):
        home = frames.facilities.set_index("id").loc[name]
        view.page.mouse.click(*view.place(home["lon"], home["lat"]))
        view.popup()
        left, top, right, low = view.box(".leaflet-popup")
        for button in (".leaflet-control-zoom", ".siting-north"):
            x0, y0, x1, y1 = view.box(button)
            assert right <= x0 or x1 <= left or low <= y0 or y1 <= top, button
        west, north, east, south = view.box(".folium-map")
        assert west <= left < right <= east
        assert north <= top < low <= south
        view.close()


@needs_browser
def test_facilities_are_smaller_on_a_far_view_and_so_is_their_legend(opened: Open) -> None:
    view = opened(sample_frames())
    widths = []
    for zoom in (13, 10):
        view.page.evaluate(
            f"window[document.querySelector('.folium-map').id].setZoom({zoom}, {{animate: false}})"
        )
        left, _, right, _ = view.box("path.siting-proposed")
        legend = float(view.page.locator(".siting-sizes circle").last.get_attribute("r") or 0)
        widths.append((right - left, legend))
    (near, far), (near_legend, far_legend) = zip(*widths, strict=True)
    assert far < 0.7 * near
    assert far_legend == pytest.approx(near_legend / 2)


def test_a_layout_that_was_only_audited_is_not_called_a_plan() -> None:
    full = sample_frames()
    page = make_map(replace(full, record=full.record | {"status": "audited", "stages": []}))
    told = page.get_root().render()
    panel = told[told.index('<aside class="siting-side"') : told.index("</aside>")]
    for key in ("row_judged", "status_audited"):
        assert text(f"map.{key}", "zh") in panel
    assert text("map.row_plan", "zh") not in panel
    assert f'"{text("map.layer_judged", "zh")}"' in told
    data = json.loads(re.findall(r'id="siting-data">(.*?)</script>', told, re.DOTALL)[0])
    assert data["words"]["popup_after"] == text("map.row_judged", "zh")


def test_a_class_without_elders_has_dashes_for_shares() -> None:
    full = sample_frames()
    elders = full.record["elders"] | {"high": 0.0}
    shares = {state: {"high": 1.0, "medium": 0.99996} for state in full.record["coverage"]}
    made = make_map(replace(full, record=full.record | {"elders": elders, "coverage": shares}))
    rows = re.findall(r"<tr><th>(.*?)</th>(.*?)</tr>", made.get_root().render())
    cells = {label: re.findall(r"<td>(.*?)</td>", rest) for label, rest in rows}
    assert cells[text("map.row_high", "zh")] == ["–"] * 3
    assert cells[text("map.row_medium", "zh")] == ["99.9%"] * 3


def without(frames: Frames, *gone: str) -> Frames:
    """Return a town whose standard asks for no distance of some classes, or for no beds."""
    said = {"beds_by_unit": False, "distance_high_m": None, "distance_medium_m": None}
    return replace(frames, info=frames.info | {key: said[key] for key in gone})


def told_by(frames: Frames) -> tuple[str, dict[str, Any]]:
    """Return the panel of a map and the data of its script."""
    page = make_map(frames).get_root().render()
    panel = page[page.index('<aside class="siting-side"') : page.index("</aside>")]
    return panel, json.loads(re.findall(r'id="siting-data">(.*?)</script>', page, re.DOTALL)[0])


def test_a_class_without_a_distance_has_no_row() -> None:
    full = sample_frames()
    panel, _ = told_by(without(full, "distance_high_m"))
    assert "高密度覆盖率" not in panel
    assert "中密度覆盖率" in panel
    assert "没有服务半径要求" not in panel
    panel, _ = told_by(without(full, "distance_high_m", "distance_medium_m"))
    assert "密度覆盖率" not in panel
    assert "没有服务半径要求" in panel


def test_without_a_rule_of_beds_by_unit_no_unit_has_enough_or_too_few() -> None:
    panel, data = told_by(without(sample_frames(), "beds_by_unit"))
    assert "<dt>床位需求</dt><dd>无单元床位要求</dd>" in panel
    assert "按单元缺口" not in panel
    assert {unit["required"] for unit in data["units"]} == {None}
    assert {unit["shortfall"] for unit in data["units"]} == {None}


@needs_browser
def test_units_are_labelled_only_where_beds_are_required(opened: Open) -> None:
    full = sample_frames()
    units = full.units.assign(beds_required=[522, 0], shortfall=[0, 0])
    labels = opened(replace(full, units=units)).page.locator(".siting-unit:not(.siting-circle)")
    assert labels.all_inner_texts() == ["u1\n床位足额", "u2"]
    view = opened(without(full, "beds_by_unit"))
    labels = view.page.locator(".siting-unit:not(.siting-circle)")
    assert labels.all_inner_texts() == ["u1", "u2"]
    labels.first.click()
    assert "无单元床位要求" in view.popup()
    assert "缺口" not in view.popup()


def test_functions_are_in_words_and_those_added_are_marked() -> None:
    full = sample_frames()
    stands = ["canteen, day_care", "canteen", None, *[""] * 7]
    added = ["day_care", None, None, *[""] * 7]
    table = full.facilities.assign(functions=stands, added_functions=added)
    _, data = told_by(replace(full, facilities=table))
    told = {place["id"]: place["functions"] for place in data["facilities"]}
    assert told["home-1"] == "老年食堂（助餐点）、日间照料中心（新增）"
    assert told["home-2"] == "老年食堂（助餐点）"
    assert {told["home-3"], told["home-4"]} == {""}


def test_the_panel_counts_upgraded_places_and_rules_that_cannot_be_judged() -> None:
    full = sample_frames()
    counts = full.record["audit"]["plan"] | {"rules_unknown": 7}
    sites = full.record["sites"] | {"upgraded": 3}
    record = full.record | {"audit": {"plan": counts}, "sites": sites}
    panel, _ = told_by(replace(full, record=record))
    assert "<dt>改造设施</dt><dd>3</dd>" in panel
    assert "7 条规则无法判定" in panel


def test_service_areas_have_no_holes_where_blocks_are() -> None:
    full = sample_frames()
    x, y = full.facilities.geometry.iloc[0].coords[0]
    ring = Polygon([(x - 900, y - 900), (x + 900, y - 900), (x + 900, y + 900), (x - 900, y + 900)],
                   [[(x, y), (x + 200, y), (x + 200, y + 200), (x, y + 200)]])  # fmt: skip
    areas = gpd.GeoDataFrame({"distance_m": [500.0]}, geometry=[ring], crs=CRS)
    data = payload(replace(full, service_areas=areas), "zh", themes(full, "zh"), None)
    (area,) = data["service"]
    assert len(area["geometry"]["coordinates"]) == 1


def found_by(view: Opened, words: str) -> list[str]:
    """Type into the search box, and return the names that it lists."""
    view.page.fill("#siting-search", words)
    return [str(name) for name in view.page.locator("#siting-found span").all_text_contents()]


@needs_browser
@pytest.mark.parametrize("language", ["zh", "en"])
def test_search_finds_facilities_by_name_and_by_street_and_streets_and_units(
    opened: Open, language: str
) -> None:
    frames = sample_frames(language)
    view = opened(frames)
    assert found_by(view, "采荷") == ["采荷地块"]
    there = frames.facilities.loc[frames.facilities["place"] == "u2", "name"]
    found = found_by(view, "U2")  # the street and the unit, then what stands there
    assert found[:2] == ["u2", "u2"]
    assert sorted(found[2:]) == sorted(there)
    assert len(found) > 3
    view.page.locator("#siting-found button").first.click()
    told = view.popup()
    assert text("map.popup_street", language) in told
    assert "0 → 0" in told
    view.page.keyboard.press("Escape")  # the map has the focus
    view.page.wait_for_selector(".leaflet-popup", state="detached")
    assert found_by(view, "没有这样的名字") == []
    told = view.page.locator("#siting-found").inner_text()
    assert text("map.search_nothing", language) in told


@needs_browser
def test_a_facility_that_is_chosen_opens_even_if_it_was_filtered_out(opened: Open) -> None:
    frames = sample_frames()
    view = opened(frames, width=390)
    view.page.locator(".siting-toggle").click()
    view.page.locator("#siting-filter summary").click()
    tick = view.page.locator("#siting-filter input[data-key='status new']")
    tick.click()
    found_by(view, "site-5")
    view.page.keyboard.press("Enter")
    assert frames.facilities.set_index("id")["name"]["site-5"] in view.popup()
    assert tick.is_checked()
    assert not view.page.locator("#siting-side").is_visible()  # it would hide the popup


def hostile_everywhere() -> Frames:
    """Return a town whose facilities, streets and units have names that break careless pages."""
    full = sample_frames(hostile=True)
    names = [*full.facilities["name"][:7], "八" * 80, "tab\tand\t'quote'", "A" * 80 + "😀"]
    ids = {"u1": HOSTILE[0], "u2": "\t街道" + HOSTILE[1] * 2}
    assert full.places is not None
    return replace(
        full,
        facilities=full.facilities.assign(name=names, place=full.facilities["place"].replace(ids)),
        places=full.places.assign(id=list(ids.values())),
        units=full.units.assign(id=list(ids.values())),
        demand=full.demand.assign(unit_id=full.demand["unit_id"].replace(ids)),
    )


@needs_browser
def test_names_are_only_names_in_what_a_search_finds(opened: Open) -> None:
    frames = hostile_everywhere()
    view = opened(frames)
    listed = view.page.locator("#siting-found")
    for row in frames.facilities.itertuples():
        assert found_by(view, row.id) == [row.name]
        assert listed.evaluate("e => e.scrollWidth - e.clientWidth") <= 0  # long names are broken
    assert frames.places is not None
    for name in frames.places["id"]:
        assert found_by(view, name)[:2] == [name, name]
        for place in range(2):  # the street, then the unit
            found_by(view, name)
            view.page.locator("#siting-found button").nth(place).click()
            view.popup()
            title = view.page.locator(".siting-popup h4").last.evaluate("e => e.textContent")
            assert title.endswith(name)
            view.close()
    assert view.page.evaluate("window.pwned") is None
    assert view.page.locator("img[src=x]").count() == 0


@needs_browser
@pytest.mark.parametrize("language", ["zh", "en"])
def test_filters_hide_markers_and_count_what_the_table_has(opened: Open, language: str) -> None:
    table = sample_frames(language).facilities
    view = opened(sample_frames(language))
    view.page.locator("#siting-filter summary").click()
    by_status = table["status"].value_counts()
    by_phase = table["phase"].astype("Float64").value_counts(dropna=False)
    told = {}
    for label in view.page.locator("#siting-filter label").all():
        key = str(label.locator("input").get_attribute("data-key"))
        told[key] = int(label.locator("b").inner_text())
    phases = {f"phase {'' if pd.isna(year) else int(year)}": n for year, n in by_phase.items()}
    assert told == {f"status {code}": n for code, n in by_status.items()} | phases
    drawn, symbols = view.page.locator("path.siting-place"), view.page.locator("#siting-symbols")
    assert drawn.count() == len(table)
    note = view.page.locator("#siting-filter-note")
    for key, count in told.items():
        tick = view.page.locator(f"#siting-filter input[data-key='{key}']")
        tick.click()
        assert drawn.count() == len(table) - count, key
        assert note.inner_text() == text("map.filter_note", language)
        if key == "status reserved":
            assert text("map.facility_reserved", language) not in symbols.inner_text()
        tick.click()
    assert drawn.count() == len(table)
    assert text("map.facility_reserved", language) in symbols.inner_text()
    assert not note.is_visible()


def test_a_plan_without_phases_is_not_filtered_by_phase() -> None:
    full = sample_frames()
    assert full.phases is not None
    assert told_by(full)[1]["phased"]
    assert not told_by(replace(full, phases=full.phases.iloc[:1]))[1]["phased"]
    assert not told_by(replace(full, phases=None))[1]["phased"]


def test_what_the_plan_builds_outside_the_study_area_is_shown_as_built() -> None:
    full = sample_frames()
    outside = full.facilities["status"] == "outside"
    added = full.facilities["added_beds"].mask(outside, 10)
    for today, status in ((True, "outside_extended"), (False, "outside_new")):
        table = full.facilities.assign(added_beds=added, stands_today=today)
        shown = told_by(replace(full, facilities=table))[1]
        codes = [place["status"] for place in shown["facilities"] if place["id"] == "site-10"]
        assert codes == [status]
        assert sum(place["proposed"] for place in shown["facilities"]) == 7
    counts = [place["status"] for place in told_by(full)[1]["facilities"]]
    assert counts.count("outside") == 1


def test_units_that_stand_for_streets_are_not_called_streets() -> None:
    full = sample_frames()
    assert full.places is not None
    _, shown = told_by(full)
    assert [street["id"] for street in shown["streets"]] == ["u1", "u2"]
    assert "u1" in {place["street"] for place in shown["facilities"]}
    for places in (full.places.assign(kind="unit"), None):
        _, shown = told_by(replace(full, places=places))
        assert shown["streets"] == []
        assert {place["street"] for place in shown["facilities"]} == {""}


@needs_browser
def test_the_legend_has_what_the_map_shows_and_no_more(opened: Open) -> None:
    view = opened(sample_frames())
    symbols = view.page.locator("#siting-symbols")
    service = text("map.service_within", "zh", distance="500")
    assert service not in symbols.inner_text()
    view.toggle("service")
    assert service in symbols.inner_text()
    rows = {"roads": "layer_roads", "zones": "layer_zones", "units": "popup_unit",
            "proposed": "facility_new", "exclusions": "layer_exclusions"}  # fmt: skip
    for key, words in rows.items():
        assert text(f"map.{words}", "zh") in symbols.inner_text()
        view.toggle(key)
        assert text(f"map.{words}", "zh") not in symbols.inner_text()


def hit(view: Opened, place: Any) -> str:
    """Return the classes of what lies on top at a facility."""
    x, y = view.place(place.lon, place.lat)
    found = view.page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y).getAttribute('class') || ''", [x, y]
    )
    return str(found)


@needs_browser
@pytest.mark.parametrize("language", ["zh", "en"])
def test_compare_shows_today_left_of_the_slider_and_the_plan_right_of_it(
    opened: Open, language: str
) -> None:
    frames = sample_frames(language)
    view = opened(frames)
    places = frames.facilities[frames.facilities["status"] != "outside"]
    view.toggle("units", language)  # whose labels lie over facilities
    view.page.locator("#siting-compare").click()
    assert view.page.locator(".siting-swipe b").all_inner_texts() == [
        text("map.row_existing", language), text("map.popup_after", language)]  # fmt: skip
    legend = view.page.locator("#siting-theme")
    for theme in ("before", "after"):
        assert view.page.locator(f"img.siting-compare-{theme}").count() == 1
        assert text(f"map.layer_{theme}", language) in legend.inner_text()
    for where, today in (("1", True), ("0", False)):
        view.page.locator(".siting-swipe input").fill(where)
        for row in places.itertuples():
            seen = hit(view, row)
            if today:
                assert ("siting-now" in seen) == row.stands_today, row.id
                assert "siting-proposed" not in seen, row.id
            else:
                proposed = row.id.startswith("site") or row.id == "home-2"
                assert f"siting-{'proposed' if proposed else 'existing'}" in seen, row.id


@needs_browser
def test_a_comparison_is_ended_by_its_button_and_by_another_theme(opened: Open) -> None:
    view = opened(sample_frames())
    chosen = view.page.locator(".leaflet-control-layers-base input:checked")
    view.page.locator("#siting-compare").click()
    assert chosen.count() == 0
    view.page.locator(".siting-swipe input").focus()
    view.page.keyboard.press("ArrowRight")
    assert float(view.page.locator(".siting-swipe input").input_value()) > 0.5
    view.toggle("zones")
    assert view.page.locator(".siting-swipe").count() == 1  # an overlay does not end it
    view.page.locator(".siting-bar button:visible").click()
    assert view.page.locator(".siting-theme-after").count() == chosen.count() == 1
    assert view.page.locator(".siting-swipe, .siting-bar, path.siting-now").count() == 0
    view.page.locator("#siting-compare").click()
    view.toggle("density")
    assert view.page.locator(".siting-swipe, .siting-bar, path.siting-now").count() == 0
    assert view.page.locator(".leaflet-image-layer").count() == 1
    assert view.page.locator("#siting-compare").get_attribute("aria-pressed") == "false"
    view.page.locator("#siting-compare").click()
    view.page.locator("#siting-measure").click()  # one at a time
    assert view.page.locator(".siting-swipe").count() == 0
    assert view.page.locator(".siting-bar").count() == 1


@needs_browser
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_measured_line_has_the_length_worked_out_by_hand(opened: Open, language: str) -> None:
    view = opened(sample_frames(language))
    view.page.locator("#siting-measure").click()
    told = view.page.locator(".siting-bar span")
    assert told.inner_text() == text("map.measure_hint", language)
    for at in ([29.995, 120.0], [30.005, 120.0], [30.005, 120.01]):
        view.page.evaluate(
            "(at) => { const m = window[document.querySelector('.folium-map').id];"
            "m.setView(at, 17, {animate: false}); const point = m.latLngToContainerPoint(at);"
            "m.fire('click', {latlng: L.latLng(at), containerPoint: point}); }",
            at,
        )
    # GRS80, a = 6378137 m, e2 = 0.00669438. A hundredth of a degree is 1.7453293e-4 rad.
    # Along the meridian at 30.000: a (1 - e2) / 0.998326405 ** 1.5 = 6351377 m: 1108.5 m.
    # Along the parallel at 30.005: a / 0.998325900 ** 0.5 * 0.8659818 = 5527980 m: 964.8 m.
    words = text("map.measure_total", language, total="2,073", last="965")
    assert told.inner_text() == words


@needs_browser
def test_measuring_takes_clicks_on_facilities_until_it_is_ended(opened: Open) -> None:
    frames = sample_frames()
    view = opened(frames)
    table = frames.facilities.set_index("id")
    ends = [table.loc[name] for name in ("home-1", "home-3", "home-4")]
    view.page.locator("#siting-measure").click()
    for end in ends:
        view.page.mouse.click(*view.place(end["lon"], end["lat"]))
        view.page.wait_for_timeout(20)
    assert view.page.locator(".leaflet-popup").count() == 0
    told = view.page.locator(".siting-bar span")
    globe = Geod(ellps="GRS80")
    true = globe.line_length([end["lon"] for end in ends], [end["lat"] for end in ends])
    metres = [float(words.replace(",", "")) for words in re.findall("[0-9,]+", told.inner_text())]
    assert metres[0] == pytest.approx(true, rel=0.005)
    view.page.locator(".siting-bar button").first.click()
    assert told.inner_text() == text("map.measure_hint", "zh")
    view.page.locator(".siting-bar button").last.click()
    assert view.page.locator(".siting-bar").count() == 0
    view.page.mouse.click(*view.place(ends[0]["lon"], ends[0]["lat"]))
    assert ends[0]["name"] in view.popup()


def bare(words: str) -> str:
    """Return words without spaces, ligatures and the radicals that a PDF has for signs."""
    return "".join(unicodedata.normalize("NFKC", words).split())


def coloured(pdf: bytes, folder: Path) -> int:
    """Return how many dots of the printed page have the colour of what the plan covers anew."""
    (folder / "page.pdf").write_bytes(pdf)
    command = ["pdftoppm", "-r", "50", "-singlefile", "-png", "page.pdf", "page"]
    subprocess.run(command, cwd=folder, check=True)  # noqa: S603 -- the words stand above
    dots = np.asarray(Image.open(folder / "page.png").convert("RGB")).astype(int)
    green, paper = np.array([0x00, 0x9E, 0x73]), np.array([0xF6, 0xF5, 0xF1])
    colour = 0.72 * green + 0.28 * paper
    return int((abs(dots - colour).max(axis=-1) < 6).sum())


@needs_browser
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_print_is_one_page_with_map_legend_and_summary(
    opened: Open, language: str, tmp_path: Path
) -> None:
    pypdf = pytest.importorskip("pypdf")
    full = sample_frames(language)
    view = opened(replace(full, info=full.info | {"sources": full.info["sources"] * 80}))
    by_menu = view.page.pdf(prefer_css_page_size=True)
    view.page.evaluate("window.print = () => { window.printed = true; }")
    view.page.locator("#siting-print").click()
    view.page.wait_for_function("window.printed")
    left, top, right, low = view.box(".folium-map")
    paper = view.page.evaluate("96 / 25.4 * 281"), view.page.evaluate("96 / 25.4 * 194")
    assert 0 <= left < right <= paper[0] + 1
    assert 0 <= top < low <= paper[1] + 1
    side = view.page.locator("#siting-side")
    assert side.evaluate("e => e.scrollWidth - e.clientWidth") <= 1  # nothing is cut off
    legend = view.page.locator(".siting-sizes circle").last.bounding_box()
    radius = float(view.page.locator(".siting-sizes circle").last.get_attribute("r") or 0)
    assert legend is not None
    assert legend["width"] == pytest.approx(2 * radius, abs=4)  # as large as on the map
    assert not view.page.locator("#siting-search").is_visible()
    by_button = view.page.pdf(prefer_css_page_size=True)
    for made in (by_menu, by_button):
        (page,) = pypdf.PdfReader(BytesIO(made)).pages
        assert float(page.mediabox.width) == pytest.approx(297 / 25.4 * 72, abs=1)
        assert float(page.mediabox.height) == pytest.approx(210 / 25.4 * 72, abs=1)
        words = bare(page.extract_text())
        for key in ("summary", "legend", "cover_no_candidate_in_reach", "note_internal"):
            assert bare(text(f"map.{key}", language)) in words, key
        assert coloured(made, tmp_path) > 5000  # the theme is there, not under a white sheet
    view.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert view.page.locator("#siting-search").is_visible()


@needs_browser
def test_the_panel_folds_on_a_wide_window(opened: Open) -> None:
    view = opened(sample_frames())
    toggle = view.page.locator(".siting-toggle")
    assert toggle.get_attribute("aria-expanded") == "true"
    before = view.box(".folium-map")
    toggle.click()
    assert toggle.get_attribute("aria-expanded") == "false"
    assert not view.page.locator("#siting-side").is_visible()
    assert view.box(".folium-map")[0] == 0
    toggle.click()
    assert view.box(".folium-map") == before


@needs_browser
def test_the_panel_has_the_figures_of_the_record(opened: Open, sample_run: Run) -> None:
    record = json.loads((sample_run.folder / "run.json").read_text(encoding="utf-8"))
    page = opened(sample_run.folder / "map.html").page
    rows = page.locator(".siting-cover tbody tr").all()
    table = {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows}
    for grade, label in (("high", "高密度覆盖率"), ("medium", "中密度覆盖率")):
        for words, state in zip(table[label], ("existing", "plan", "reachable"), strict=True):
            share = record["coverage"][state][grade]
            assert float(words.removesuffix("%")) == pytest.approx(100 * share, abs=0.0501), label
    beds = [record["beds"]["existing"], record["beds"]["plan"]]
    assert [int(each.replace(",", "")) for each in table["床位（张）"][:2]] == beds
    labels = page.locator("#siting-side dt").all_inner_texts()
    told = dict(zip(labels, page.locator("#siting-side dd").all_inner_texts(), strict=True))
    for label, value in {
        "床位需求": record["beds"]["required"], "按单元缺口": record["beds"]["shortfall"],
        "新增设施": record["sites"]["new"], "扩建设施": record["sites"]["extended"],
        "投资（万元）": round(record["cost_wan_yuan"]),
    }.items():  # fmt: skip
        assert int(told[label].replace(",", "")) == value, label
    judged = record["audit"]["plan"]
    assert told["条款审核"] == f"符合 {judged['met']} 项，不符 {judged['unmet']} 项"


def thin(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    """Return shapes on a strip: twice as long, a twentieth as wide."""
    return shapes.affine_transform([2, 0, 0, 0.05, 0, 0])


def crowded(full: Frames, count: int) -> Frames:
    """Return a town with very many facilities, all over it."""
    rng = np.random.default_rng(1)
    rows = rng.integers(0, len(full.demand), count)
    some = full.facilities.iloc[rng.integers(0, len(full.facilities), count)]
    table = some.set_geometry(full.demand.geometry.iloc[rows].to_numpy(), crs=CRS)
    return replace(full, facilities=table.assign(id=[f"f{i}" for i in range(count)]))


@needs_browser
def test_a_map_of_three_thousand_facilities_is_still_of_use(opened: Open, tmp_path: Path) -> None:
    frames = crowded(sample_frames(), 3000)
    write_map(frames, tmp_path / "map.html")
    assert (tmp_path / "map.html").stat().st_size < 2_000_000
    view = opened(tmp_path / "map.html")
    drawn = view.page.locator("path.siting-place")
    assert drawn.count() == 3000
    left, _, right, _ = view.box("path.siting-place")
    assert right - left < 14  # the theme shows between them
    assert len(found_by(view, "f29")) == 40
    assert text("map.search_more", "zh", n=71) in view.page.locator("#siting-found").inner_text()
    view.page.fill("#siting-search", "")
    view.page.locator("#siting-filter summary").click()
    view.page.locator("#siting-filter input[data-key='status new']").click()
    assert drawn.count() == 3000 - (frames.facilities["status"] == "new").sum()


@needs_browser
def test_a_long_thin_town_is_shown_whole(opened: Open) -> None:
    full = sample_frames()
    names = ("facilities", "demand", "units", "zones", "roads", "service_areas", "exclusions",
             "circles", "places")  # fmt: skip
    strip = {name: getattr(full, name) for name in names}
    strip = {name: rows.set_geometry(thin(rows.geometry)) for name, rows in strip.items()}
    whole = gpd.GeoSeries([full.study_area])
    frames = replace(full, **strip, demand_shapes=thin(full.demand_shapes),
                     study_area=thin(whole).iloc[0])  # fmt: skip
    view = opened(frames)
    shapes = frames.demand.to_crs("EPSG:4326").geometry
    (x0, low), (x1, top) = (view.place(*ends) for ends in np.split(shapes.total_bounds, 2))
    west, north, east, south = view.box(".folium-map")
    assert west < x0 < x1 < east
    assert north < top < low < south
    assert x1 - x0 > 0.5 * (east - west)
    view.page.mouse.click((x0 + x1) / 2, (low + top) / 2 + 1)
    assert view.popup()


def test_the_status_is_told_with_its_largest_gap() -> None:
    panel, _ = told_by(sample_frames())
    assert "在允许误差内（差距 0.40%）" in panel


def empty(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame.iloc[:0].copy()


def emptied() -> dict[str, Frames]:
    full = sample_frames()
    new = full.facilities["added_beds"] > 0
    flat = full.demand.assign(density_class="low", standard_m=np.nan, covered=None,
                              covered_existing=None, reason="")  # fmt: skip
    return {
        "no candidate opened": replace(full, facilities=full.facilities[~new]),
        "no zones": replace(full, zones=None, study_area=None),
        "no unit polygons": replace(
            full, units=full.units.assign(geometry=gpd.GeoSeries([None, None], crs=CRS))
        ),
        "no exclusions": replace(full, exclusions=None),
        "no service areas": replace(full, service_areas=empty(full.service_areas)),
        "no roads": replace(full, roads=empty(full.roads)),
        "no facilities": replace(full, facilities=empty(full.facilities)),
        "all low": replace(full, demand=flat),
        "points": replace(full, demand_shapes=full.demand.geometry),
        "one point": replace(full, demand=full.demand.iloc[:1],
                             demand_shapes=full.demand.geometry.iloc[:1]),
        "everything": replace(
            full, zones=None, circles=None, exclusions=None, study_area=None,
            roads=empty(full.roads),
            units=empty(full.units), facilities=empty(full.facilities),
            service_areas=empty(full.service_areas), record={},
        ),
    }  # fmt: skip


@needs_browser
@pytest.mark.parametrize("case", emptied())
def test_what_is_missing_is_left_out(opened: Open, case: str) -> None:
    frames = emptied()[case]
    view = opened(frames)
    view.page.mouse.click(700, 450)
    assert view.popup()
    told = view.page.locator(".leaflet-control-layers-overlays").inner_text().split("\n")
    left = {line.strip() for line in told} - {""}
    assert left == {text(f"map.layer_{key}", "zh") for key in shown_overlays(frames)}


def shown_overlays(frames: Frames) -> list[str]:
    """Return the overlays that a town has something for."""
    status = set(frames.facilities["status"])
    present = {
        "roads": len(frames.roads) > 0,
        "zones": frames.zones is not None,
        "units": frames.study_area is not None or frames.units.geometry.notna().any(),
        "circles": frames.circles is not None,
        "service": len(frames.service_areas) > 0,
        "exclusions": frames.exclusions is not None,
        "existing": bool(status & {"existing", "closed", "outside"}),
        "proposed": bool(status & {"new", "extended", "planned", "reserved"}),
    }
    return [key for key, here in present.items() if here]


def test_no_demand_still_makes_a_map(tmp_path: Path) -> None:
    full = sample_frames()
    none = replace(full, demand=empty(full.demand), demand_shapes=full.demand.geometry.iloc[:0])
    write_map(none, tmp_path / "map.html")
    assert payload(none, "zh", themes(none, "zh"), None)["bounds"] is not None


def test_no_estimate_no_banner() -> None:
    full = sample_frames()
    plain = replace(full, info=full.info | {"estimate": None})
    assert '<p class="siting-estimate"' not in make_map(plain).get_root().render()
    assert '<p class="siting-estimate"' in make_map(full).get_root().render()


def test_every_demand_point_has_a_pixel() -> None:
    full = sample_frames()
    sliver = full.demand.geometry.buffer(0.01)
    for shapes in (full.demand_shapes, sliver, full.demand.geometry):
        grid = rasterise(replace(full, demand_shapes=shapes))
        assert grid is not None
        assert max(grid.index.shape) <= MOST_PIXELS
        assert set(np.unique(grid.index)) - {0} == set(range(1, len(full.demand) + 1))


def test_pixels_of_a_hole_are_not_its_own_and_those_of_all_parts_are() -> None:
    full = sample_frames()
    frame = full.demand.iloc[[0]]
    x, y = frame.geometry.x.item(), frame.geometry.y.item()
    ring = shapely.box(x - 90, y - 90, x + 90, y + 90) - shapely.box(x - 60, y - 60, x + 60, y + 60)
    both = shapely.union(ring, shapely.box(x + 200, y - 90, x + 290, y + 90))
    shapes = gpd.GeoSeries([both], index=frame.index, crs=full.demand.crs)
    grid = rasterise(replace(full, demand=frame, demand_shapes=shapes))
    assert grid is not None
    drawn = (grid.index == 1).mean()
    assert drawn == pytest.approx(both.area / shapely.box(*both.bounds).area, abs=0.02)


def test_pixels_lie_where_the_points_are() -> None:
    full = sample_frames()
    grid = rasterise(full)
    assert grid is not None
    places = full.demand.geometry.to_crs("EPSG:3857")
    rows = ((grid.top - places.y) / grid.pixel).astype(int)
    columns = ((places.x - grid.left) / grid.pixel).astype(int)
    assert (grid.index[rows, columns] == np.arange(len(places)) + 1).all()


def test_truth_of_every_storage() -> None:
    stored: list[list[Any]] = [[True, False, None], ["true", "false", ""], [1.0, 0.0, np.nan]]
    for values in stored:
        assert truth(pd.Series(values)).tolist() == [1, 0, -1]
    assert truth(pd.Series([True, False, None], dtype="boolean")).tolist() == [1, 0, -1]


def test_legend_counts_every_elder_once() -> None:
    full = sample_frames()
    for theme in themes(full, "en").values():
        told = [entry["people"] for entry in theme["entries"] if entry["people"]]
        count = sum(float(words.split()[0].replace(",", "")) for words in told)
        assert count == pytest.approx(full.demand["elders"].sum(), abs=len(told))


def test_reason_without_words_is_still_uncovered() -> None:
    full = sample_frames()
    odd = full.demand.assign(reason=full.demand["reason"].replace("excluded", "sunspots"))
    entries = themes(replace(full, demand=odd), "zh")["after"]["entries"]
    (fallback,) = [each for each in entries if each["label"] == text("map.cover_uncovered", "zh")]
    elders = full.demand.loc[full.demand["reason"] == "excluded", "elders"].sum()
    assert fallback["people"] == f"{elders:,.0f} 人"
    assert fallback["bad"]


def test_data_is_json_without_markup() -> None:
    page = make_map(sample_frames(hostile=True)).get_root().render()
    found = re.search(r'id="siting-data">(.*?)</script>', page, re.DOTALL)
    assert found
    assert not re.search("[<>&\u2028]", found[1])
    names = [place["name"] for place in json.loads(found[1])["facilities"]]
    assert all(any(name.startswith(bad) for bad in HOSTILE) for name in names)


def test_zone_with_hole_and_broken_names() -> None:
    full = sample_frames()
    assert full.zones is not None
    ring = full.zones.geometry.iloc[0]
    hole = Polygon(ring.exterior, [ring.buffer(-200).exterior.coords])
    zones = full.zones.assign(name=None)
    zones.loc[0, "geometry"] = hole
    data = payload(replace(full, zones=zones), "zh", themes(full, "zh"), rasterise(full))
    assert data["zone_names"] == zones["id"].tolist()
    assert len(data["zones"]["coordinates"]) == 7


def test_texts_have_both_languages() -> None:
    for key, entry in catalogue().items():
        if key.startswith("map."):
            assert set(entry) == {"zh", "en"}, key
