"""The sheet: at scale, searchable, with a legend of exactly what it shows."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from frames_sample import sample_frames
from PIL import Image
from pypdf import PdfReader
from shapely import Polygon, affinity, box, get_coordinates, union_all

from siting.outputs import sheet
from siting.outputs.fonts import FontError
from siting.outputs.generalise import fill_holes
from siting.outputs.sheet import draw_sheet, write_sheet
from siting.outputs.sheet_frame import MAP
from siting.outputs.sheet_map import symbol_scale, uncovered_in
from siting.outputs.sheet_page import Paper, shorten, width_mm, wrap
from siting.outputs.sheet_window import choose_window, extent
from siting.texts import catalogue

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from siting.outputs.frames import Frames

LAYERS = ("facilities", "demand", "units", "zones", "roads", "service_areas", "exclusions")


def _gids(figure: Figure, prefix: str, axes: int) -> set[str]:
    found = figure.axes[axes].findobj(lambda artist: str(artist.get_gid()).startswith(prefix))
    return {part.removeprefix(prefix) for item in found for part in item.get_gid().split("/")}


def _words(figure: Figure) -> str:
    return "\n".join(item.get_text() for item in figure.axes[1].texts)


def _by_gid(figure: Figure, gid: str) -> list[Any]:
    return figure.axes[1].findobj(lambda artist: artist.get_gid() == gid)


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


@pytest.fixture(scope="module")
def frames() -> Frames:
    return sample_frames()


@pytest.fixture(scope="module")
def figure(frames: Frames) -> Figure:
    return draw_sheet(frames)


@pytest.fixture(scope="module")
def folder(frames: Frames, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sheet")
    assert [path.name for path in write_sheet(frames, made)] == ["sheet.pdf", "sheet.png"]
    return made


def test_the_page_is_a3_landscape(folder: Path) -> None:
    page = PdfReader(folder / "sheet.pdf").pages[0].mediabox
    assert float(page.width) * 25.4 / 72 == pytest.approx(420, abs=0.1)
    assert float(page.height) * 25.4 / 72 == pytest.approx(297, abs=0.1)
    with Image.open(folder / "sheet.png") as picture:
        assert picture.width / picture.height == pytest.approx(420 / 297, rel=1e-3)
        assert picture.width > 3000


def test_the_chinese_of_the_pdf_can_be_searched(folder: Path) -> None:
    words = PdfReader(folder / "sheet.pdf").pages[0].extract_text()
    for expected in ("示例城区 2025 规划布点图", "图例", "规划新建设施", "望江养老院", "四季青里",
                     "内部研究，未经审图", "审图号", "编制单位", "比例尺 1:15,000", "u1",
                     "数据来源：小区.gpkg", "2026-11-20"):  # fmt: skip
        assert expected in words, expected


def test_the_fonts_of_the_pdf_are_embedded_truetype(folder: Path) -> None:
    fonts = PdfReader(folder / "sheet.pdf").pages[0]["/Resources"]["/Font"].get_object()
    assert fonts
    for font in fonts.values():
        below = font.get_object()["/DescendantFonts"][0].get_object()
        assert below["/Subtype"] == "/CIDFontType2"
        assert "/FontFile2" in below["/FontDescriptor"].get_object()
    assert (folder / "sheet.pdf").stat().st_size < 1_000_000


def test_only_the_backdrop_is_pixels(folder: Path) -> None:
    page = PdfReader(folder / "sheet.pdf").pages[0]
    assert len(page.images) == 1


def test_the_same_frames_give_the_same_file(frames: Frames, folder: Path, tmp_path: Path) -> None:
    write_sheet(frames, tmp_path)
    assert (tmp_path / "sheet.pdf").read_bytes() == (folder / "sheet.pdf").read_bytes()


def test_bar_scale_axes_and_number_say_the_same(frames: Frames, figure: Figure) -> None:
    (number,) = _by_gid(figure, "scale-number")
    denominator = int(re.search(r"1:([\d,]+)", number.get_text())[1].replace(",", ""))
    (end,) = _by_gid(figure, "scale-mark-4")
    value, unit = end.get_text().split()
    metres = float(value) * {"km": 1000, "m": 1}[unit]
    parts = [_by_gid(figure, f"scale-bar-{part}")[0] for part in range(4)]
    bar_mm = sum(part.get_width() for part in parts)
    assert bar_mm / 1000 * denominator == pytest.approx(metres)
    plane, paper = figure.axes
    centre = np.array(frames.study_area.centroid.coords[0])
    ends = plane.transData.transform(centre + np.array([[0, 0], [metres, 0], [0, metres]]))
    for pixels in (ends[1, 0] - ends[0, 0], ends[2, 1] - ends[0, 1]):
        assert pixels / figure.dpi * 25.4 == pytest.approx(bar_mm, rel=1e-6)
    left, right = paper.transData.transform([[0, 0], [bar_mm, 0]])[:, 0]
    assert (right - left) / figure.dpi * 25.4 == pytest.approx(bar_mm)


@pytest.mark.parametrize(
    ("factor", "denominator"),
    [(0.2, 3_000), (1.0, 15_000), (1.25, 20_000), (2.0, 30_000), (4.0, 60_000), (5.0, 75_000),
     (5.5, 100_000), (30, 500_000)],
)  # fmt: skip
def test_the_denominator_is_the_smallest_of_the_list_that_fits(
    frames: Frames, factor: float, denominator: int
) -> None:
    # 3 km times the factor, over the 214 mm that the margins leave of the map's height.
    assert 3_000_000 * factor / 214 <= denominator
    x, y = frames.study_area.bounds[:2]
    larger = _moved(frames, [factor, 0, 0, factor, x - factor * x, y - factor * y])
    window = choose_window(extent(larger), MAP)
    assert window.denominator == denominator
    x0, y0, x1, y1 = window.metres
    west, south, east, north = larger.study_area.bounds
    assert x0 < west < east < x1
    assert y0 < south < north < y1


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_legend_is_exactly_what_the_map_shows(language: str) -> None:
    figure = draw_sheet(sample_frames(language))
    drawn = _gids(figure, "symbol:", 0)
    numbers = {"number"} if _gids(figure, "label:number", 1) else set()
    assert _gids(figure, "legend:", 1) == drawn | numbers
    assert {"facility-new", "facility-existing", "exclusion", "uncovered", "beds-1"} <= drawn


def test_what_is_not_on_the_map_is_not_in_the_legend(frames: Frames) -> None:
    far = frames.facilities.copy()
    away = far["status"] == "outside"
    far.loc[away, "geometry"] = far.loc[away, "geometry"].translate(-500_000, 0)
    plain = replace(
        frames,
        facilities=far,
        zones=None,
        exclusions=None,
        roads=frames.roads.iloc[:0],
        demand=frames.demand.assign(
            covered=pd.Series(data=True, index=frames.demand.index, dtype="boolean")
        ),
    )
    figure = draw_sheet(plain)
    legend = _gids(figure, "legend:", 1)
    assert not legend & {"facility-outside", "zone", "exclusion", "road", "uncovered", "beds-3"}
    assert legend == _gids(figure, "symbol:", 0) | {"number"}


def test_symbols_stand_at_their_places(frames: Frames, figure: Figure) -> None:
    offsets = [
        point
        for step in range(4)
        for item in figure.axes[0].collections
        if item.get_gid() == f"symbol:facility-new/beds-{step}"
        for point in item.get_offsets()
    ]
    new = frames.facilities[frames.facilities["status"] == "new"]
    assert sorted(map(tuple, offsets)) == sorted(map(tuple, get_coordinates(new.geometry)))


def test_existing_and_proposed_differ_in_shape_and_colour(figure: Figure) -> None:
    looks = {}
    for item in figure.axes[0].collections:
        gid = str(item.get_gid())
        if gid.startswith("symbol:facility-"):
            status = gid.partition("/")[0].removeprefix("symbol:facility-")
            shape = tuple(np.round(item.get_paths()[0].vertices, 3).ravel())
            looks[status] = (shape, mpl.colors.to_hex(item.get_facecolor()[0]))
    assert looks["new"][1] == "#ff9f7f"
    main = [looks[status] for status in ("existing", "extended", "new")]
    assert len({shape for shape, _ in main}) == len({colour for _, colour in main}) == 3
    assert len(set(looks.values())) == len(looks)


def test_numbers_and_names_do_not_overlap(frames: Frames) -> None:
    figure = draw_sheet(_crowded(frames, 250))
    labels = [t for t in figure.axes[1].texts if str(t.get_gid()).startswith("label:")]
    assert len(labels) > 50
    boxes = np.array([item.get_window_extent().extents for item in labels])
    sizes = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    np.fill_diagonal(shared, 0)
    assert (shared / sizes[:, None]).max() < 0.3
    assert "个编号未标注" in _words(figure)


def _crowded(frames: Frames, count: int) -> Frames:
    draw = np.random.default_rng(5)
    rows = frames.facilities.iloc[draw.integers(0, len(frames.facilities), count)]
    x, y = frames.study_area.bounds[:2]
    spots = gpd.points_from_xy(x + 3000 * draw.random(count), y + 3000 * draw.random(count))
    rank = np.where(rows["added_beds"] > 0, np.arange(1.0, count + 1), np.nan)
    many = rows.reset_index(drop=True).assign(rank=rank, beds=draw.integers(0, 400, count))
    many = gpd.GeoDataFrame(
        many.drop(columns="geometry"), geometry=spots, crs=frames.facilities.crs
    )
    return replace(frames, facilities=many)


def test_key_figures_come_from_the_record(frames: Frames, figure: Figure) -> None:
    words = _words(figure)
    record = frames.record
    for expected in (
        f"{record['elders']['total']:,.0f}",
        f"{record['coverage']['existing']['high']:.1%}",
        f"{record['coverage']['plan']['medium']:.1%}",
        "617", "430", "187", "4 / 1 / 0", "4,680.0", "达到允许差距（差距 0.40%）",
    ):  # fmt: skip
        assert expected in words.split("\n"), expected


def test_a_share_just_below_the_whole_is_not_printed_as_the_whole(frames: Frames) -> None:
    record = frames.record | {
        "coverage": {"existing": {"high": 0.99996, "medium": 1.0}, "plan": {}, "reachable": {}}
    }
    words = _words(draw_sheet(replace(frames, record=record))).split("\n")
    assert "99.9%" in words
    assert words.count("100%") == 1
    assert "100.0%" not in words


def test_a_class_without_elders_has_dashes_for_shares(frames: Frames) -> None:
    elders = frames.record["elders"] | {"high": 0.0}
    shares = {state: {"high": 1.0, "medium": 0.25} for state in ("existing", "plan", "reachable")}
    record = frames.record | {"elders": elders, "coverage": shares}
    words = _words(draw_sheet(replace(frames, record=record))).split("\n")
    row = words.index("高密度区覆盖率（500 米）")
    assert words[row + 1 : row + 3] == ["—", "—"]
    row = words.index("中密度区覆盖率（1,000 米）")
    assert words[row + 1 : row + 3] == ["25.0%", "25.0%"]


def test_without_rules_of_distance_or_beds_the_figures_say_so(frames: Frames) -> None:
    gone = {"distance_high_m": None, "distance_medium_m": None, "beds_by_unit": False}
    figure = draw_sheet(replace(frames, info=frames.info | gone))
    assert {each for each in _gids(figure, "legend:", 1) if "density" in each} == {"density-any"}
    words = _words(figure).split("\n")
    assert not [each for each in words if "覆盖率" in each or "未覆盖老年人" in each]
    assert words[words.index("服务半径") + 1] == "无距离要求"
    assert words[words.index("床位需求（张）") + 1] == "无单元床位要求"
    assert "床位缺口（张）" not in words
    row = words.index("u1", words.index("规划单元床位"))
    assert words[row + 2 : row + 5] == ["—", "430", "—"]
    one = frames.info | {"distance_medium_m": None}
    words = _words(draw_sheet(replace(frames, info=one))).split("\n")
    assert "高密度区覆盖率（500 米）" in words
    assert not [each for each in words if each.startswith("中密度区覆盖率")]


def test_units_stand_in_the_panel_and_what_is_in_none_is_called_so(frames: Frames) -> None:
    units = frames.units.copy()
    units.loc[1, ["id", "geometry"]] = ["no_unit", None]
    words = _words(draw_sheet(replace(frames, units=units))).split("\n")
    row = words.index("u1", words.index("规划单元床位"))
    elders = float(units["elders"].iloc[0])
    assert words[row : row + 5] == ["u1", f"{elders:,.0f}", "522", "430", "92"]
    assert words.index("不属任何单元") > row
    assert "no_unit" not in words


def test_a_layout_that_was_only_audited_is_not_called_a_plan(frames: Frames) -> None:
    record = frames.record | {"status": "audited", "stages": []}
    words = _words(draw_sheet(replace(frames, record=record)))
    assert "示例城区 2025 布局评估图" in words
    assert "规划布点图" not in words
    assert "所审布局" in words.split("\n")
    assert "仅审核，未求解" in words.split("\n")


def test_symbols_shrink_where_facilities_stand_close_together() -> None:
    def table(apart: float) -> pd.DataFrame:
        places = np.arange(6) * apart
        return pd.DataFrame({"px": places, "py": np.zeros(6)})

    assert symbol_scale(table(12.0)) == 1.0
    assert symbol_scale(table(4.5)) == pytest.approx(0.75)
    assert symbol_scale(table(0.1)) == 0.4
    assert symbol_scale(table(1.0).head(1)) == 1.0


def test_names_of_zones_do_not_hide_uncovered_points(frames: Frames) -> None:
    figure = draw_sheet(frames)
    window = choose_window(extent(frames), MAP)
    crosses = window.on_page(uncovered_in(frames, window))
    assert len(crosses) > 20
    for label in (t for t in figure.axes[1].texts if t.get_gid() == "label:zone"):
        place = label.get_window_extent().transformed(figure.axes[1].transData.inverted())
        x, y = crosses.T
        hidden = (x > place.x0) & (x < place.x1) & (y > place.y0) & (y < place.y1)
        assert not hidden.any(), label.get_text()


def test_service_areas_are_drawn_without_the_insides_of_blocks() -> None:
    block, quarter, lake = box(0, 0, 300, 300), box(500, 0, 900, 400), box(0, 1000, 10, 1010)
    area = box(-1000, -1000, 2000, 2000).difference(union_all([block, quarter, lake]))
    filled = fill_holes([area, None, Polygon()])
    assert filled[0].area == pytest.approx(9e6 - quarter.area)  # 16 ha stay open, 9 ha do not
    assert filled[1] is None
    assert filled[2].is_empty
    assert fill_holes([area], least_m2=100.0)[0].area == pytest.approx(area.area)


def test_the_estimate_stamp_names_the_method_and_is_absent_without(frames: Frames) -> None:
    known = draw_sheet(replace(frames, info=frames.info | {"estimate": "road_length"}))
    assert "老年人口分布方法：按道路长度分配" in _words(known)
    assert [item.get_text() for item in _by_gid(known, "estimate-word")] == ["估算"]
    other = draw_sheet(replace(frames, info=frames.info | {"estimate": "kriging"}))
    assert "老年人口分布方法：kriging" in _words(other)
    none = draw_sheet(replace(frames, info=frames.info | {"estimate": None}))
    assert not _by_gid(none, "estimate")
    assert "估算" not in _words(none)


def test_blank_fields_stay_blank_and_the_note_stands(figure: Figure) -> None:
    for key in ("drawn_by", "review_number"):
        assert [item.get_text() for item in _by_gid(figure, f"field:{key}")] == [""]
    assert [item.get_text() for item in _by_gid(figure, "internal")] == ["内部研究，未经审图"]


def test_the_english_sheet_has_no_chinese_of_ours() -> None:
    words = _words(draw_sheet(sample_frames("en")))
    ours = {entry["zh"] for key, entry in catalogue().items() if key.startswith("sheet.legend_")}
    assert "Proposed facilities" in words
    assert "Internal study, map not reviewed" in words
    assert not [text for text in ours if text in words.split("\n")]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_character_drawn_is_in_the_font(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = []

    def note(*arguments: Any) -> Paper:
        faces.append(arguments[1])
        return Paper(*arguments)

    monkeypatch.setattr(sheet, "Paper", note)
    figure = draw_sheet(sample_frames(language, hostile=True))
    held = {ord(character) for character in faces[0].advances}
    assert {ord(c) for t in figure.axes[1].texts for c in t.get_text()} <= held
    path = str(faces[0].path)
    assert {t.get_fontproperties().get_file() for t in figure.axes[1].texts} == {path}


def test_hostile_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    frames = sample_frames(hostile=True)
    name = r"$x^2$ a_b \frac{1}{2} <script> 😀" + "\nnext"
    write_sheet(replace(frames, info=frames.info | {"name": name}), tmp_path)
    reader = PdfReader(tmp_path / "sheet.pdf")
    words = reader.pages[0].extract_text()
    assert r"$x^2$ a_b \frac{1}{2} <script> 〓 next 规划布点图" in words
    assert "为字体缺字" in words


def test_a_long_name_stays_inside_the_title_band(frames: Frames) -> None:
    figure = draw_sheet(replace(frames, info=frames.info | {"name": "很长的方案名称" * 12}))
    (title,) = _by_gid(figure, "title")
    stamp = min(item.get_window_extent().x0 for item in _by_gid(figure, "estimate"))
    assert title.get_window_extent().x1 < stamp
    assert title.get_window_extent().width > 0.5 * figure.bbox.width
    assert title.get_fontsize() >= 12
    assert title.get_text().endswith("… 规划布点图")


def _variants(frames: Frames) -> dict[str, Frames]:
    blank = frames.units.set_geometry(gpd.GeoSeries([None] * 2, crs=frames.units.crs))
    no_duty = pd.Series([None] * len(frames.demand), dtype=object)
    x, y = frames.study_area.bounds[:2]
    empty = {key: getattr(frames, key).iloc[:0] for key in ("facilities", "demand", "units",
             "demand_shapes", "roads", "service_areas")}  # fmt: skip
    return {
        "no proposal": replace(frames, facilities=frames.facilities.assign(rank=np.nan)),
        "no zones": replace(frames, zones=None, study_area=None, roads=frames.roads.iloc[:0]),
        "units without shape": replace(frames, units=blank),
        "all low": replace(
            frames, demand=frames.demand.assign(density_class="low", covered=no_duty)
        ),
        "points": replace(frames, demand_shapes=frames.demand.geometry),
        "thin": _moved(frames, [20, 0, 0, 0.3, -19 * x, 0.7 * y]),
        "3,000 facilities": _crowded(frames, 3000),
        "nothing": replace(frames, **empty, zones=None, study_area=None, record={}),
    }


@pytest.mark.parametrize(
    "variant",
    ["no proposal", "no zones", "units without shape", "all low", "points", "thin",
     "3,000 facilities", "nothing"],
)  # fmt: skip
def test_every_study_gets_its_sheet(variant: str, frames: Frames) -> None:
    figure = draw_sheet(_variants(frames)[variant])
    figure.savefig(BytesIO(), format="png", dpi=40)
    numbers = {"number"} if _gids(figure, "label:number", 1) else set()
    assert _gids(figure, "legend:", 1) == _gids(figure, "symbol:", 0) | numbers
    page = figure.bbox
    outside = [
        item.get_text()
        for item in figure.axes[1].texts
        if item.get_text()
        and not (
            page.x0 <= item.get_window_extent().x0 and item.get_window_extent().x1 <= page.x1
            and page.y0 <= item.get_window_extent().y0 and item.get_window_extent().y1 <= page.y1
        )
    ]  # fmt: skip
    assert not outside
    if variant == "no proposal":
        assert "本方案没有新增设施。" in _words(figure)
    if variant == "all low":
        assert "uncovered" not in _gids(figure, "legend:", 1)


def test_settings_of_the_user_neither_matter_nor_change(frames: Frames, tmp_path: Path) -> None:
    with mpl.rc_context({"savefig.bbox": "tight", "pdf.fonttype": 3, "font.size": 30}):
        before = dict(mpl.rcParams)
        path = write_sheet(frames, tmp_path)[0]
        assert dict(mpl.rcParams) == before
    page = PdfReader(path).pages[0].mediabox
    assert float(page.width) * 25.4 / 72 == pytest.approx(420, abs=0.1)


def test_without_a_chinese_font_nothing_is_written(
    frames: Frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("siting.outputs.fonts.font_sources", lambda: iter(()))
    with pytest.raises(FontError, match="Noto Sans CJK"):
        write_sheet(frames, tmp_path)
    assert not list(tmp_path.iterdir())


def test_lines_are_cut_and_broken_to_measure(frames: Frames) -> None:
    face = sheet.face_of(frames)
    cut = shorten("望江养老院" * 10, face, size=8, width=30)
    assert cut.endswith("…")
    assert 26 < width_mm(cut, face, 8) <= 30
    lines = wrap("小区.gpkg、" * 30, face, size=7, width=60, lines=3)
    assert len(lines) == 3
    assert all(width_mm(line, face, 7) <= 60 for line in lines)
    assert lines[-1].endswith("…")
