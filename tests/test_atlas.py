"""The atlas: every sheet at a true scale, with a legend of what it shows and true figures."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from frames_sample import sample_frames
from matplotlib.collections import PathCollection
from PIL import Image
from pypdf import PdfReader
from shapely import Point, affinity, get_coordinates

from siting.errors import OutputError, ScenarioError
from siting.outputs import atlas
from siting.outputs.atlas import write_atlas
from siting.outputs.atlas_layers import BALANCE, COVERAGE, stands_in_year, stands_today
from siting.outputs.atlas_pages import _shorter
from siting.outputs.atlas_sheets import design_of, entries, title_of
from siting.outputs.folder import refuse_foreign
from siting.outputs.fonts import FontError
from siting.outputs.services import functions_of
from siting.outputs.sheet import compose, face_of
from siting.outputs.sheet_map import FACILITY
from siting.scenario_file import read_scenario
from siting.texts import percent

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Run
    from matplotlib.figure import Figure

    from siting.outputs.atlas_pages import Task
    from siting.outputs.atlas_sheets import Entry
    from siting.outputs.fonts import Face
    from siting.outputs.frames import Frames

KEYS = ["location", "density", "classes", "existing", "units", "phase", "phase", "coverage",
        "uncovered", "functions", "supply", "guide", "guide"]  # fmt: skip
LAYERS = ("facilities", "demand", "units", "zones", "roads", "service_areas", "exclusions",
          "places", "circles", "service_areas_existing")  # fmt: skip


@cache
def _face(language: str) -> Face:
    return face_of(sample_frames(language))


def _draw(frames: Frames, entry: Entry, enlargement: float = 1.0) -> Figure:
    face = _face(frames.info["language"])
    return compose(frames, design_of(frames, entry), face, enlargement=enlargement)


def _sheet(frames: Frames, key: str, of: int | None = None) -> Figure:
    entry = next(e for e in entries(frames) if e.key == key and of in {None, e.of})
    return _draw(frames, entry)


def _words(figure: Figure) -> list[str]:
    return [item.get_text() for item in figure.axes[1].texts if item.get_gid() != "halo"]


def _gids(figure: Figure, prefix: str) -> set[str]:
    found = figure.findobj(lambda artist: str(artist.get_gid()).startswith(prefix))
    return {part.removeprefix(prefix) for item in found for part in item.get_gid().split("/")}


def _by_gid(figure: Figure, gid: str) -> list[Any]:
    return figure.axes[1].findobj(lambda artist: artist.get_gid() == gid)


def _row(words: list[str], first: str, count: int, after: str = "") -> list[str]:
    """Return the cells that follow a cell, looking from a heading on."""
    start = words.index(after) if after else 0
    place = words.index(first, start)
    return words[place + 1 : place + 1 + count]


def _legend_is_true(figure: Figure) -> None:
    drawn = _gids(figure, "symbol:")
    drawn |= {"number"} if _gids(figure, "label:number") else set()
    legend = _gids(figure, "legend:")
    assert legend - {"pair"} == drawn


def _text_is_inside(figure: Figure) -> None:
    page = figure.bbox
    outside = [
        item.get_text()
        for item in figure.axes[1].texts
        if item.get_text()
        and not (
            page.x0 <= (box := item.get_window_extent()).x0 and box.x1 <= page.x1
            and page.y0 <= box.y0 and box.y1 <= page.y1
        )
    ]  # fmt: skip
    assert outside == []


def _labels_are_apart(figure: Figure) -> None:
    labels = [t for t in figure.axes[1].texts if str(t.get_gid()).startswith("label:")]
    if len(labels) < 2:
        return
    boxes = np.array([item.get_window_extent().extents for item in labels])
    sizes = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    np.fill_diagonal(shared, 0)
    assert (shared / sizes[:, None]).max() < 0.3


@pytest.fixture(scope="module")
def frames() -> Frames:
    return sample_frames()


@pytest.fixture(scope="module")
def drawn(frames: Frames) -> dict[str, Figure]:
    return {entry.stem: _draw(frames, entry) for entry in entries(frames)}


def test_the_sheets_stand_in_the_order_of_a_plan(frames: Frames) -> None:
    found = entries(frames)
    assert [each.key for each in found] == KEYS
    assert [each.number for each in found] == list(range(1, 14))
    assert [each.of for each in found if each.key == "phase"] == [2022, 2025]
    assert len({each.stem for each in found}) == len(found)


def test_a_run_without_phases_circles_or_distances_has_fewer_sheets(frames: Frames) -> None:
    plain = replace(frames, phases=frames.phases.iloc[:1], circles=None, places=None)
    keys = [each.key for each in entries(plain)]
    assert keys == ["location", "density", "classes", "existing", "units", "plan", "coverage",
                    "uncovered", "supply"]  # fmt: skip
    none = replace(plain, info=frames.info | {"distance_high_m": None, "distance_medium_m": None})
    assert not {"coverage", "uncovered"} & {each.key for each in entries(none)}


def test_titles_say_plan_theme_year_and_place(frames: Frames) -> None:
    titles = [title_of(frames, each, "甲县") for each in entries(frames)]
    assert titles[1] == "甲县 老年人口密度图"
    assert titles[5:7] == ["甲县 近期（2022）布点图", "甲县 远期（2025）布点图"]
    assert titles[-1] == "甲县 u2指引"


def test_every_sheet_has_its_furniture(drawn: dict[str, Figure]) -> None:
    for stem, figure in drawn.items():
        words = _words(figure)
        for expected in ("图例", "北", "编制单位", "审图号", "制图日期", "2026-11-20",
                         "内部研究，未经审图", f"图 {stem[:2]}", "公里网（km）"):  # fmt: skip
            assert expected in words, (stem, expected)
        assert _by_gid(figure, "grid-tick")
        assert _by_gid(figure, "field:review_number")[0].get_text() == ""
        assert any(word.startswith("数据来源：小区.gpkg") for word in words)
        assert "（数据年份未注明）" in "".join(words)


@pytest.mark.parametrize("place", range(len(KEYS)))
def test_legend_scale_and_words_are_true(
    frames: Frames, drawn: dict[str, Figure], place: int
) -> None:
    entry = entries(frames)[place]
    figure = drawn[entry.stem]
    assert _gids(figure, "legend:")
    _legend_is_true(figure)
    _text_is_inside(figure)
    _labels_are_apart(figure)
    _scale_is_true(figure, 1.0)


def _scale_is_true(figure: Figure, enlargement: float) -> None:
    """Compare bar, number and map, all in millimetres of the print."""
    (number,) = _by_gid(figure, "scale-number")
    denominator = int(re.search(r"1:([\d,]+)", number.get_text())[1].replace(",", ""))
    value, unit = _by_gid(figure, "scale-mark-4")[0].get_text().split()
    metres = float(value) * {"km": 1000, "m": 1}[unit]
    bar_mm = sum(_by_gid(figure, f"scale-bar-{part}")[0].get_width() for part in range(4))
    assert bar_mm * enlargement / 1000 * denominator == pytest.approx(metres, rel=0.005)
    plane = figure.axes[0]
    x = plane.get_xlim()[0]
    ends = plane.transData.transform([[x, 0], [x + metres, 0]])[:, 0]
    assert (ends[1] - ends[0]) / figure.dpi * 25.4 == pytest.approx(bar_mm, rel=1e-6)


@pytest.mark.parametrize(("paper", "height"), [("A4", 210.0), ("A1", 594.0)])
def test_other_papers_have_a_standard_scale_of_their_own(
    frames: Frames, paper: str, height: float
) -> None:
    other = replace(frames, info=frames.info | {"atlas": frames.info["atlas"] | {"paper": paper}})
    figure = _draw(other, entries(other)[1], height / 297)
    _scale_is_true(figure, height / 297)
    number = _by_gid(figure, "scale-number")[0].get_text()
    # 3 km over the 214 mm that the margins leave of the map on A3: 1:9,912 on A1, 1:19,827 on A4.
    assert number == {"A4": "比例尺 1:20,000（A4）", "A1": "比例尺 1:7,500（A1）"}[paper]


def test_the_english_sheets_have_no_chinese_of_ours() -> None:
    english = sample_frames("en")
    names = set(english.facilities["name"]) | set(english.zones["name"]) | {"甲圈", "乙圈"}
    data = {*english.info["sources"], english.info["name"], english.info["standard_name"]}
    for entry in entries(english):
        if entry.key == "guide":
            continue  # it tells the rules in the words of the tables
        for word in _words(_draw(english, entry)):
            rest = word
            for name in sorted(names | data, key=len, reverse=True):
                rest = rest.replace(name, "")
            kept = rest.replace("…", "")
            assert not re.search(r"[\u4e00-\u9fff]", kept) or any(
                name.startswith(kept[:3]) for name in names
            ), word


def test_density_names_the_zones_from_the_densest(drawn: dict[str, Figure]) -> None:
    words = _words(drawn["02-density"])
    assert _row(words, "望江社区", 4, "各社区（村）老年人口密度（由高到低）") == [
        f"{5200 * 1.5:,.0f}", "1.50", "5,200", "高密度"
    ]  # fmt: skip
    order = [words.index(name, words.index("人/km²")) for name in
             ("望江社区", "清波社区", "南星社区", "小营社区", "采荷社区", "凯旋社区")]  # fmt: skip
    assert order == sorted(order)
    assert _row(words, "圆形范围", 4) == ["12,100", "7,000", "1,750", "7.4%"]


def test_each_sheet_tells_the_figures_of_the_tables(
    frames: Frames, drawn: dict[str, Figure]
) -> None:
    words = _words(drawn["01-location"])
    assert _row(words, "面积（km²）", 1) == ["9.00"]
    assert _row(words, "经度", 1) == ["120.1000° – 120.2000°"]
    words = _words(drawn["05-units"])
    assert _row(words, "u1", 3, "规划单元床位平衡（现状）") == [
        f"{frames.units['elders'][0]:,.0f}", "522", "140"
    ]  # fmt: skip
    assert "140 / 522" in words
    words = _words(drawn["06-phase-2022"])
    assert _row(words, "计入的床位（张）", 2) == ["300", "430"]
    assert _row(words, "中密度区覆盖率", 2) == ["60.0%", "84.0%"]
    words = _words(drawn["08-coverage"])
    assert _row(words, "u1", 2, "各地有距离要求的老年人覆盖率") == ["31.0%", "87.2%"]
    assert _row(words, "u2", 2, "各地有距离要求的老年人覆盖率") == ["—", "—"]
    mean = [frames.access.query(f"scope == 'all' and density_class == '' and state == '{state}' "
                                "and measure == 'nearest_mean_m'")["value"].item()
            for state in ("existing", "plan")]  # fmt: skip
    assert _row(words, "至最近机构的平均距离", 2) == [f"{each:,.0f} m" for each in mean]
    words = _words(drawn["09-uncovered"])
    for each in frames.reasons[frames.reasons["place"] == ""].itertuples():
        assert f"{each.elders:,.0f}" in words
    words = _words(drawn["10-functions"])
    assert _row(words, "记忆家园", 2) == ["—", "—"]
    words = _words(drawn["11-supply"])
    assert _row(words, "u1", 4, "规划单元床位")[1:] == ["522", "430", "92"]


def test_a_guide_page_tells_of_its_place_alone(frames: Frames, drawn: dict[str, Figure]) -> None:
    words = _words(drawn["12-guide"])
    assert _row(words, "床位需求（张）", 1) == ["522"]
    assert _row(words, "计入的床位（张）", 2) == ["140", "430"]
    assert _row(words, "采荷地块", 4) == ["新建", "50", "0901 870 m²", "2022"]
    assert _row(words, "清波颐养中心", 2, "本地设施与用地") == ["扩建", "120"]
    text = "".join(words)
    assert "HZ-03（专栏1）高密度区 500 米内有机构" in text
    assert "HZ-36" not in text
    missed = frames.reasons[frames.reasons["place"] == "u1"]
    for each in missed.itertuples():
        assert f"{each.elders:,.0f} 位老年人（{each.points} 个需求点）未覆盖" in text
    other = _words(drawn["13-guide"])
    assert "采荷地块" not in other
    assert "HZ-36（三(三)）百张床位要有康复室" in "".join(other)
    assert _row(other, "床位需求（张）", 1) == ["—"]


def test_a_place_without_facilities_and_open_points_says_so(frames: Frames) -> None:
    rows = frames.facilities.assign(place="")
    bare = replace(frames, facilities=rows, reasons=frames.reasons.iloc[:0],
                   open_points=frames.open_points.iloc[:0])  # fmt: skip
    words = _words(_sheet(bare, "guide"))
    assert "本地没有现状或规划设施。" in words
    assert _row(words, "待解决问题", 1) == ["无。"]
    assert "有距离要求的老年人全部覆盖。" in _words(_sheet(bare, "uncovered"))


def test_the_near_sheet_shows_what_stands_by_then(frames: Frames, drawn: dict[str, Figure]) -> None:
    near, far = drawn["06-phase-2022"], drawn["07-phase-2025"]
    assert "facility-later" in _gids(near, "symbol:")
    assert "facility-later" not in _gids(far, "symbol:")
    items = [each for each in near.axes[0].collections
             if str(each.get_gid()).startswith("symbol:facility-later")]  # fmt: skip
    later = [point for each in items for point in each.get_offsets()]
    sites = frames.facilities[frames.facilities["id"].isin(["site-7", "site-8"])]
    assert sorted(map(tuple, later)) == sorted(map(tuple, get_coordinates(sites.geometry)))
    table = stands_in_year(frames, 2022).set_index("id")
    assert table.loc["site-5", "beds"] == 40
    assert table.loc["site-5", "status"] == "new"
    assert _row(_words(near), "四季青里", 3) == ["新建", "40", "2022"]
    assert _row(_words(far), "四季青里", 3) == ["新建", "90", "2022"]


def test_today_has_the_beds_of_today(frames: Frames) -> None:
    today = stands_today(frames).set_index("id")
    assert set(today.index) == {"home-1", "home-2", "home-3", "home-4", "site-10"}
    assert today.loc["home-2", ["status", "beds"]].tolist() == ["existing", 80]
    assert today.loc["site-10", "status"] == "outside"


def _filled(figure: Figure, prefix: str) -> dict[str, int]:
    """Return how many areas are drawn by each key that begins so."""
    areas = figure.findobj(PathCollection)
    keys = {each: str(each.get_gid()).removeprefix("symbol:") for each in areas}
    return {key: len(each.get_paths()) for each, key in keys.items() if key.startswith(prefix)}


def test_each_point_has_the_colour_of_its_coverage(frames: Frames) -> None:
    expected: dict[str, Counter[str]] = {"existing": Counter(), "coverage": Counter()}
    for row in frames.demand.itertuples():
        if pd.isna(row.covered):
            before = after = "none"
        else:
            before = "kept" if row.covered_existing else "missed"
            gained = "kept" if row.covered_existing else "gained"
            after = gained if row.covered else "missed"
        expected["existing"][f"cover-{before}"] += 1
        expected["coverage"][f"cover-{after}"] += 1
    assert len(expected["coverage"]) == 4
    for key, counts in expected.items():
        assert _filled(_sheet(frames, key), "cover-") == counts


def test_each_unit_has_the_colour_of_its_beds_today_and_of_its_supply_in_the_plan(
    frames: Frames,
) -> None:
    balance, supply = Counter[str](), Counter[str]()
    for row in frames.units.itertuples():
        quarters = min(int(4 * row.beds_existing / row.beds_required), 4)
        balance[f"balance-{25 * quarters}"] += 1
        per_1000 = 1000 * row.beds_planned / row.elders
        supply[f"supply-{sum(per_1000 >= low for low in (10, 20, 30, 40, 60, 80))}"] += 1
    assert _filled(_sheet(frames, "units"), "balance-") == balance
    assert _filled(_sheet(frames, "supply"), "supply-") == supply


def test_a_circle_is_whole_where_no_function_is_missing_or_unknown(frames: Frames) -> None:
    circles = frames.circles.copy()
    names = functions_of(circles)
    circles.loc[:, names] = "planned"
    assert _filled(_sheet(replace(frames, circles=circles), "functions"), "whole-") == {
        "whole-yes": 2
    }
    circles.loc[circles.index[0], names[0]] = "unknown"
    assert _filled(_sheet(replace(frames, circles=circles), "functions"), "whole-") == {
        "whole-yes": 1, "whole-no": 1,
    }  # fmt: skip


def test_functions_stand_as_marks_in_the_order_of_the_table(drawn: dict[str, Figure]) -> None:
    figure = drawn["10-functions"]
    assert _gids(figure, "symbol:") >= {"status-built", "status-missing", "status-planned",
                                        "status-reserved", "status-unknown"}  # fmt: skip
    words = _words(figure)
    assert [words[words.index(str(n)) + 1] for n in (1, 2, 3)] == [
        "社区照护中心", "记忆家园", "老年食堂（助餐点）"
    ]  # fmt: skip
    assert (
        len(_by_gid(figure, "symbol:status-built")) == 1
    )  # 甲圈 has a care centre, nothing else is built


def test_bars_are_as_high_as_their_beds(drawn: dict[str, Figure]) -> None:
    figure = drawn["11-supply"]
    heights = {
        name: sorted(item.get_height() for item in _by_gid(figure, f"symbol:bar-{name}"))
        for name in ("beds_required", "beds_existing", "beds_planned")
    }
    whole = max(heights["beds_required"])  # 522 beds of u1 are the most
    assert heights["beds_required"][0] == pytest.approx(whole * 95 / 522)
    assert heights["beds_planned"][1] == pytest.approx(whole * 430 / 522)
    assert heights["beds_existing"][1] == pytest.approx(whole * 140 / 522)
    assert f"柱高 {whole:g} 毫米 = 522 张床位。" in _words(figure)


def _grey(colour: str) -> float:
    red, green, blue = mpl.colors.to_rgb(colour)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def test_colours_read_in_grey() -> None:
    steps = [COVERAGE[key] for key in ("cover-none", "cover-kept", "cover-gained", "cover-missed")]
    for colours in (steps, [BALANCE[f"balance-{k}"] for k in (75, 50, 25, 0)]):
        greys = [_grey(colour) for colour in colours]
        assert all(a - b > 0.06 for a, b in pairwise(greys)), greys
    assert FACILITY["new"]["facecolor"] == "#FF9F7F"  # 社会福利 of the drawing standard
    assert len({look["marker"] for look in FACILITY.values()}) >= 5


def test_the_wind_rose_is_as_long_as_the_wind_is_frequent(frames: Frames) -> None:
    winds = [20.0, 5.0, 10.0, 5.0, 10.0, 5.0, 10.0, 5.0]
    given = frames.info["atlas"] | {"wind_rose": winds}
    windy = replace(frames, info=frames.info | {"atlas": given})
    figure = _sheet(windy, "location")
    petals = _by_gid(figure, "wind-rose")
    assert len(petals) == 2 * len(winds)
    assert not _by_gid(figure, "north")
    corners = np.array([petal.get_xy()[:2] for petal in petals])
    centre, tips = corners[0, 0], corners[:, 1]
    lengths = np.hypot(*(tips - centre).T)
    for number, wind in enumerate(winds):
        angle = number * np.pi / 4
        along = (tips - centre) @ [np.sin(angle), np.cos(angle)]
        mine = np.isclose(along, lengths) & (lengths > 0)
        assert np.allclose(lengths[mine], lengths.max() * wind / 20), number
        assert mine.sum() == 2
    assert not _by_gid(_sheet(frames, "location"), "wind-rose")


def test_the_title_block_says_what_the_planner_gives(frames: Frames) -> None:
    about = {"title": "甲县图集", "unit": "示例规划院", "date": "2026年11月",
             "approval": "示S(2026)1号",
             "source_years": {"小区.gpkg": 2020, "道路.gpkg": "2024 年"}}  # fmt: skip
    given = replace(frames, info=frames.info | {"atlas": frames.info["atlas"] | about})
    figure = _sheet(given, "density")
    fields = {key: _by_gid(figure, f"field:{key}")[0].get_text()
              for key in ("drawn_by", "date", "review_number")}  # fmt: skip
    assert list(fields.values()) == ["示例规划院", "2026年11月", "示S(2026)1号"]
    words = "".join(_words(figure))
    assert "小区.gpkg（2020）、道路.gpkg（2024 年）、养老机构.csv（其余未注明年份）" in words
    assert "甲县图集 老年人口密度图" in words


def _moved(frames: Frames, matrix: list[float]) -> Frames:
    layers = {
        key: getattr(frames, key).set_geometry(getattr(frames, key).affine_transform(matrix))
        for key in LAYERS
    }
    return replace(
        frames,
        **layers,
        demand_shapes=frames.demand_shapes.affine_transform(matrix),
        study_area=affinity.affine_transform(frames.study_area, matrix),
    )


def _crowded(frames: Frames, count: int) -> Frames:
    draw = np.random.default_rng(5)
    rows = frames.facilities.iloc[draw.integers(0, len(frames.facilities), count)]
    x, y = frames.study_area.bounds[:2]
    spots = gpd.points_from_xy(x + 3000 * draw.random(count), y + 3000 * draw.random(count))
    many = rows.reset_index(drop=True).assign(
        id=[f"s{number}" for number in range(count)], rank=np.arange(1.0, count + 1), phase=2025
    )
    many = gpd.GeoDataFrame(many.drop(columns="geometry"), geometry=spots, crs=rows.crs)
    return replace(frames, facilities=many, phases=None)


def _bad(frames: Frames) -> dict[str, Frames]:
    x, y = frames.study_area.bounds[:2]
    no_duty = pd.Series([None] * len(frames.demand), dtype=object)
    duty = {"density_class": "low", "covered": no_duty, "covered_existing": no_duty, "reason": ""}
    one = frames.demand.iloc[:1]
    empty = {
        key: getattr(frames, key).iloc[:0]
        for key in ("facilities", "roads", "service_areas", "service_areas_existing")
    }
    return {
        "thin": _moved(frames, [20, 0, 0, 0.3, -19 * x, 0.7 * y]),
        "3,000 facilities": _crowded(frames, 3000),
        "no sites": replace(
            frames, facilities=frames.facilities.assign(rank=np.nan, phase=pd.NA), phases=None
        ),
        "an empty class": replace(frames, demand=frames.demand.assign(**duty)),
        "one point": replace(
            frames,
            **empty,
            demand=one,
            demand_shapes=one.geometry,
            zones=None,
            study_area=None,
            exclusions=None,
            circles=None,
            places=None,
            units=frames.units.set_geometry(gpd.GeoSeries([None] * 2, crs=frames.units.crs)),
        ),
        "no access": replace(
            frames,
            access=None,
            lorenz=None,
            phase_sites=None,
            service_areas_existing=None,
            reasons=None,
            open_points=None,
        ),
    }


@pytest.mark.parametrize(
    ("variant", "keys"),
    [("thin", {"density", "units", "supply", "guide"}),
     ("3,000 facilities", {"plan", "guide"}),
     ("no sites", {"plan", "existing", "supply"}),
     ("an empty class", {"classes", "coverage", "uncovered"}),
     ("one point", {"location", "density", "existing", "units", "coverage", "supply"}),
     ("no access", {"existing", "coverage", "uncovered", "supply", "guide"})],
)  # fmt: skip
def test_every_study_gets_sheets_that_read(frames: Frames, variant: str, keys: set[str]) -> None:
    bad = _bad(frames)[variant]
    seen = set()
    for entry in entries(bad):
        if entry.key not in keys or entry.key in seen:
            continue
        seen.add(entry.key)
        figure = _draw(bad, entry)
        figure.savefig(BytesIO(), format="png", dpi=30)
        _legend_is_true(figure)
        _text_is_inside(figure)
        _labels_are_apart(figure)
        _scale_is_true(figure, 1.0)
    assert seen == keys


def test_tables_that_are_cut_say_how_many_rows_are_left(frames: Frames) -> None:
    words = _words(_sheet(_crowded(frames, 3000), "plan"))
    (more,) = [word for word in words if word.startswith("另有") and "处" in word]
    left = int(re.search(r"\d+", more)[0])
    table = words[words.index("新增设施一览") :]
    rows = [int(word) for word in table[: table.index(more)] if re.fullmatch(r"\d{1,4}", word)]
    assert max(rows[::2]) >= 1
    assert left > 2900


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> Callable[[Frames], list[Entry]]:
    """Let the atlas have three sheets: a theme, the functions, a guide page."""

    def some(frames: Frames) -> list[Entry]:
        return [each for each in entries(frames) if each.number in {2, 10, 12}]

    monkeypatch.setattr(atlas, "entries", some)
    return some


def _hostile() -> Frames:
    """Return the town with names that break careless pages, one of 80 characters."""
    frames = sample_frames(hostile=True)
    name = r"$x^2$ \frac{1}{2} <script> 😀" + "\t\n" + "很长的名称" * 16
    places = frames.places.assign(id=["</text><script>&\"'", "u2"])
    mine = {"u1": "</text><script>&\"'"}
    facilities = frames.facilities.assign(place=frames.facilities["place"].replace(mine))
    return replace(frames, places=places, facilities=facilities, info=frames.info | {"name": name})


def test_the_atlas_is_one_pdf_and_two_pictures_for_each_sheet(
    three: Callable[[Frames], list[Entry]], tmp_path: Path
) -> None:
    frames = _hostile()
    about = frames.info["atlas"] | {"paper": "A4"}
    frames = replace(frames, info=frames.info | {"atlas": about})
    paths = write_atlas(frames, tmp_path, workers=1)
    assert all(path.is_file() for path in paths)
    assert sorted(path.name for path in (tmp_path / "atlas").iterdir()) == sorted(
        path.name for path in paths[1:]
    )
    refuse_foreign(tmp_path)  # all of it is ours
    reader = PdfReader(tmp_path / "atlas.pdf")
    assert len(reader.pages) == 3
    assert [each.title for each in reader.outline] == [
        "02 老年人口密度图", "10 服务圈功能配置图", "12 </text><script>&\"'指引"
    ]  # fmt: skip
    _check_pages(reader)
    for entry in three(frames):
        _check_pictures(tmp_path / "atlas", entry.stem)
    with (tmp_path / "atlas" / "index.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["key"] for row in rows] == ["density", "functions", "guide"]
    words = reader.pages[0].extract_text()
    assert f"1:{int(rows[0]['scale_denominator']):,}（A4）" in words


def _check_pages(reader: PdfReader) -> None:
    """Check size, text and fonts of the pages."""
    for page in reader.pages:
        assert float(page.mediabox.width) * 25.4 / 72 == pytest.approx(297, abs=0.3)
        assert float(page.mediabox.height) * 25.4 / 72 == pytest.approx(210, abs=0.3)
        for font in page["/Resources"]["/Font"].get_object().values():
            below = font.get_object()["/DescendantFonts"][0].get_object()
            assert below["/Subtype"] == "/CIDFontType2"
            assert "/FontFile2" in below["/FontDescriptor"].get_object()
        words = page.extract_text()
        assert r"$x^2$ \frac{1}{2} <script> 〓 很长的名称" in words
        assert "内部研究，未经审图" in words
    assert "老年人口密度" in reader.pages[0].extract_text()


def _check_pictures(folder: Path, stem: str) -> None:
    """Check the size of the picture, and that the SVG is whole, at scale and by itself."""
    with Image.open(folder / f"{stem}.png") as picture:
        assert picture.width / picture.height == pytest.approx(420 / 297, rel=0.01)
        assert picture.width == pytest.approx(297 / 25.4 * 60, abs=2)
    content = (folder / f"{stem}.svg").read_text(encoding="utf-8")
    root = ET.fromstring(content)  # noqa: S314 - our own file
    assert root.get("width") == "296.97mm"
    texts = ["".join(item.itertext()) for item in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any(r"$x^2$ \frac{1}{2} <script> 〓" in text for text in texts)
    assert "图例" in texts
    links = [v for item in root.iter() for k, v in item.attrib.items() if k.endswith("href")]
    assert all(link.startswith(("data:", "#")) for link in links)
    assert "data:font/woff;base64," in content
    assert "}text{font-family:'Siting Sheet'" in content
    assert "@font-face{font-family:'Siting Sheet'" in content
    ids = [item.get("id") for item in root.iter() if item.get("id")]
    assert len(ids) == len(set(ids))


def test_numbers_among_the_words_of_an_svg_stay_whole() -> None:
    line = '<path d="M 1.23456 -0.98765"/><text x="3.14159">120.1349° 3.14159</text>'
    assert _shorter(line) == '<path d="M 1.23 -0.98"/><text x="3.14">120.1349° 3.14159</text>'
    picture = '<image xlink:href="data:image/png;base64,AA1.23456"/>'
    assert _shorter(picture) == picture


def test_two_processes_draw_the_same_as_one(
    frames: Frames, three: Callable[[Frames], list[Entry]], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(atlas, "WORTH_IT", 1)
    started = []
    start = atlas._start

    def note(*arguments: Any) -> Any:
        started.append(start(*arguments))
        return started[-1]

    monkeypatch.setattr(atlas, "_start", note)
    (tmp_path / "two").mkdir()
    write_atlas(frames, tmp_path / "two", workers=2)
    assert [each.returncode for each in started] == [0]

    def die(task: Task, _: Path) -> None:  # takes a sheet and ends
        (Path(task.pages) / f"{task.sheets[0].code}.taken").touch()

    monkeypatch.setattr(atlas, "_start", die)
    (tmp_path / "none").mkdir()
    write_atlas(frames, tmp_path / "none", workers=2)
    names = sorted(path.name for path in (tmp_path / "two" / "atlas").iterdir())
    assert len(names) == 2 * len(three(frames)) + 1
    for name in [f"atlas/{each}" for each in names] + ["atlas.pdf"]:
        two, one = ((tmp_path / kind / name).read_bytes() for kind in ("two", "none"))
        assert two == one, name


def test_without_a_chinese_font_no_sheet_is_drawn(
    frames: Frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("siting.outputs.fonts.font_sources", lambda: iter(()))
    with pytest.raises(FontError, match=r"outputs\.atlas"):
        write_atlas(frames, tmp_path, workers=1)
    assert not list(tmp_path.iterdir())


def test_a_folder_with_foreign_files_among_the_sheets_is_kept(tmp_path: Path) -> None:
    sheets = tmp_path / "atlas"
    sheets.mkdir()
    (tmp_path / "run.json").write_text("{}")
    for name in ("01-location.png", "06-phase-2022.svg", "112-guide.svg", "index.csv"):
        (sheets / name).write_text("")
    refuse_foreign(tmp_path)
    (sheets / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"atlas/notes\.txt"):
        refuse_foreign(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [("wind_rose", [1, 2, 3], "8 或 16"), ("wind_rose", [0] * 8, "8 或 16"),
     ("source_years", {"no.csv": 2020}, "homes.csv"), ("paper", "A2", "A4"), ("dpi", 5, ">= 50")],
)  # fmt: skip
def test_what_the_title_block_cannot_say_is_refused(
    key: str, value: Any, words: str, sample_path: Path
) -> None:
    with pytest.raises(ScenarioError, match=words):
        read_scenario(sample_path, changes={f"atlas.{key}": value})


@pytest.fixture
def sample_path() -> Path:
    return ROOT / "scenarios" / "sample.yaml"


def _inside(frames: Frames, place: Any) -> pd.Series:
    return frames.demand.geometry.within(place.geometry.buffer(0.01))


def test_places_add_up_their_points_and_facilities(sample_run: Run) -> None:
    frames = sample_run.plan.tables
    places, sites = frames.places, frames.facilities
    assert len(places) == 6
    for place in places.itertuples():
        mine = frames.demand[_inside(frames, place)]
        assert place.elders == pytest.approx(mine["elders"].sum())
        high = mine["elders"][mine["density_class"] == "high"].sum()
        assert place.elders_high == pytest.approx(high, abs=1e-6)
        due = mine[mine["covered"].notna()]
        share = due["elders"][due["covered"].astype(bool)].sum() / due["elders"].sum()
        assert place.covered_planned == pytest.approx(share)
        here = sites[sites["place"] == place.id]
        assert place.beds_planned == here["beds"][here["qualifies"]].sum()
        assert all(Point(site.x, site.y).within(place.geometry) for site in here.itertuples())
        unit = frames.units.set_index("id").loc[place.id]
        assert place.beds_required == unit["beds_required"]
    assert places["sites_planned"].sum() == (sites["qualifies"] & (sites["place"] != "")).sum()


def test_reasons_and_open_points_are_those_of_the_tables(sample_run: Run) -> None:
    frames = sample_run.plan.tables
    missed = frames.demand[frames.demand["reason"] != ""]
    whole = frames.reasons[frames.reasons["place"] == ""].set_index("reason")
    assert whole["elders"].to_dict() == pytest.approx(
        missed.groupby("reason")["elders"].sum().to_dict()
    )
    assert whole["points"].sum() == len(missed)
    local = frames.reasons[frames.reasons["place"] != ""]
    for place in frames.places.itertuples():
        mine = missed[_inside(frames, place)[missed.index]]
        told = local[local["place"] == place.id]["elders"].sum()
        assert told == pytest.approx(mine["elders"].sum(), abs=1e-6)
    plan = frames.audit[(frames.audit["state"] == "plan")
                        & frames.audit["verdict"].isin(["unmet", "unknown"])]  # fmt: skip
    zones = plan[plan["scope"] == "zone"]
    open_zones = frames.open_points[frames.open_points["scope"] == "zone"]
    assert open_zones["count"].sum() == len(zones) > 0


def test_land_and_phases_of_sites_are_those_of_the_files(sample_run: Run) -> None:
    frames = sample_run.plan.tables
    given = pd.read_excel(sample_run.plan.scenario.locate("../data/sample/candidates.xlsx"),
                          dtype={"用地代码": str}).set_index("地块编号")  # fmt: skip
    new = frames.facilities[frames.facilities["status"] == "new"].set_index("id")
    assert len(new) > 20
    assert new["land_code"].to_dict() == given["用地代码"][new.index].to_dict()
    assert new["area_m2"].to_dict() == given["用地面积m2"][new.index].astype(float).to_dict()
    last = frames.phase_sites[frames.phase_sites["year"] == 2025].set_index("id")
    assert last["beds"].to_dict() == frames.facilities.set_index("id")["beds"].to_dict()
    assert percent(1.0) == "100%"
