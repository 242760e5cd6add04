"""The tables: CSV as the contract has it, and a workbook for a plan document."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from frames_sample import HOSTILE, sample_frames

from siting.outputs.tables import CSV_COLUMNS, csv_tables, write_csv_tables, write_workbook
from siting.texts import LANGUAGES, percent, text

if TYPE_CHECKING:
    from pathlib import Path

    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

    from siting.outputs.frames import Frames

CONTRACT = {
    "facilities": "id, name, status, x, y, lon, lat, beds, added_beds, nursing_beds, "
    "dementia_beds, unit_id, cost_wan_yuan, elders_within_standard",
    "demand": "id, elders, density_per_km2, density_class, unit_id, nearest_facility_id, "
    "nearest_network_m, nearest_straight_m, standard_m, covered, reason",
    "units": "id, elders, beds_required, beds_existing, beds_planned, shortfall, sites",
    "audit": "rule_id, clause, legal_status, scope, scope_id, required, measured, unit, verdict, "
    "enforced, note",
    "circles": "id, elders, residents, ageing_share, care_centre, memory_home, canteen",
    "staff": "rule_id, clause, scope, scope_id, staff, required, measured",
    "conflicts": "conflict, rule_id, clause, other_id, other_clause",
    "phases": "year, beds, new_sites, extended_sites, upgraded_sites, cost_wan_yuan",
    "money": "facility_id, year, item, rule_id, clause, payer, amount_wan_yuan",
    "access": "scope, scope_id, density_class, state, measure, value, unit",
    "lorenz": "state, of, elders_share, amount_share",
}
"""The first columns of each table, as the contract lists them."""


@pytest.fixture(scope="module")
def frames() -> Frames:
    return sample_frames()


@pytest.fixture(scope="module")
def folder(frames: Frames, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tables")
    write_csv_tables(frames, made)
    return made


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def workbook(frames: Frames, folder: Path) -> Workbook:
    write_workbook(frames, folder / "tables.xlsx")
    return openpyxl.load_workbook(folder / "tables.xlsx")


@pytest.fixture(scope="module")
def book(frames: Frames, tmp_path_factory: pytest.TempPathFactory) -> Workbook:
    return workbook(frames, tmp_path_factory.mktemp("book"))


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Workbook:
    return workbook(sample_frames("en"), tmp_path_factory.mktemp("book"))


def sheet(book: Workbook, name: str, language: str = "zh") -> Worksheet:
    return book[text(f"tables.sheet_{name}", language)]


def column(page: Worksheet, heading: str) -> list[Any]:
    """Return the cells under a heading."""
    place = [cell.value for cell in page[1]].index(heading) + 1
    return [page.cell(row, place) for row in range(2, page.max_row + 1)]


def test_csv_has_the_columns_of_the_contract_first_and_in_order(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {
        f"{name}.csv" for name in (*CONTRACT, "curve", "density")
    }
    for name, columns in CONTRACT.items():
        head = list(rows(folder, name)[0])
        assert head[: columns.count(",") + 1] == columns.split(", ")
        functions = ["care_centre", "memory_home", "canteen"] if name == "circles" else []
        assert head == [*CSV_COLUMNS[name], *functions, "estimate"]


def test_csv_begins_with_a_mark_that_spreadsheets_read_and_has_no_row_numbers(
    folder: Path, frames: Frames
) -> None:
    for path in folder.iterdir():
        raw = path.read_bytes()
        assert raw.startswith(b"\xef\xbb\xbf")
        assert not raw.startswith(b"\xef\xbb\xbf,")
    assert len(rows(folder, "demand")) == len(frames.demand)
    assert rows(folder, "facilities")[0]["name"] == "望江养老院"


def test_truth_in_csv_is_true_false_or_empty(folder: Path, frames: Frames) -> None:
    written = [row["covered"] for row in rows(folder, "demand")]
    words = {True: "true", False: "false"}
    assert written == [words.get(each, "") for each in frames.demand["covered"].to_numpy(object)]
    assert set(written) == {"true", "false", ""}
    assert {row["qualifies"] for row in rows(folder, "facilities")} == {"true", "false"}
    assert {row["enforced"] for row in rows(folder, "audit")} == {"true"}


def test_what_is_missing_is_empty_in_csv(folder: Path) -> None:
    ranks = [row["rank"] for row in rows(folder, "facilities")]
    assert [each for each in ranks if each] == ["1", "2", "3", "4", "5"]
    off = [row for row in rows(folder, "demand") if row["reason"] == "off_network"]
    assert off
    assert {row["nearest_network_m"] for row in off} == {""}
    assert {row["standard_m"] for row in rows(folder, "demand")} == {"500.0", "1000.0", ""}


def test_noise_of_floats_is_cut_and_nothing_more(frames: Frames) -> None:
    demand = frames.demand.copy()
    demand.loc[0, ["elders", "nearest_network_m"]] = [0.1 + 0.2, 500.0000004]
    demand.loc[1, "nearest_network_m"] = 500.000001
    facilities = frames.facilities.copy()
    facilities.loc[0, "lon"] = 120.20337700000001
    density = frames.density.assign(changed_share=[0.0, 1 - 1e-10, 1.0])
    tables = csv_tables(replace(frames, demand=demand, facilities=facilities, density=density))
    assert tables["demand"]["elders"].iloc[0] == 0.3
    assert tables["demand"]["nearest_network_m"].iloc[:2].tolist() == [500.0, 500.000001]
    assert tables["facilities"]["lon"].iloc[0] == 120.203377
    assert tables["density"]["changed_share"].tolist() == [0.0, 1 - 1e-10, 1.0]  # not the whole
    assert tables["units"]["beds_required"].dtype == np.int64


def test_rounding_keeps_the_sums(frames: Frames) -> None:
    draw = np.random.default_rng(3).random(len(frames.demand)) * 100
    tables = csv_tables(replace(frames, demand=frames.demand.assign(elders=draw)))
    assert tables["demand"]["elders"].sum() == pytest.approx(draw.sum(), abs=1e-3)
    assert (tables["demand"]["elders"] - draw).abs().max() <= 5.1e-7


def test_an_estimate_is_said_in_every_row_and_only_then(frames: Frames, folder: Path) -> None:
    for name in (*CSV_COLUMNS, "curve", "density"):
        assert {row["estimate"] for row in rows(folder, name)} == {"true"}
    plain = csv_tables(replace(frames, info=frames.info | {"estimate": None}))
    assert not any("estimate" in table for table in plain.values())


def test_csv_reads_back_as_it_was(frames: Frames, folder: Path) -> None:
    found = pd.read_csv(folder / "demand.csv")
    np.testing.assert_allclose(found["elders"], frames.demand["elders"], atol=1e-6)
    assert found["id"].tolist() == frames.demand["id"].tolist()
    names = [row["name"] for row in rows(folder, "facilities")]
    assert names == frames.facilities["name"].tolist()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_workbook_has_its_sheets_in_order(language: str, request: Any) -> None:
    book = request.getfixturevalue({"zh": "book", "en": "english"}[language])
    assert book.sheetnames == {
        "zh": ["概要", "设施一览表", "需求点覆盖表", "规划单元床位表", "条款审核表", "服务圈功能表",
               "人员配备表", "冲突与存疑", "分期建设表", "费用与补贴", "费用明细表",
               "可达性与公平性", "洛伦兹曲线", "建设次序表", "密度口径比较表", "资料与口径",
               "字段说明"],
        "en": ["Summary", "Facilities", "Demand points", "Planning units", "Audit",
               "Circles", "Staff", "Conflicts", "Phases", "Costs and subsidies", "Payments",
               "Access and equity", "Lorenz curves",
               "Order of building", "Readings of density", "Sources and settings", "Fields"],
    }[language]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_headings_are_in_the_language_and_stay_in_sight(language: str, request: Any) -> None:
    book = request.getfixturevalue({"zh": "book", "en": "english"}[language])
    for name in (*CSV_COLUMNS, "curve", "density"):
        page = sheet(book, name, language)
        heads = [cell.value for cell in page[1]]
        assert all(isinstance(each, str) for each in heads)
        chinese = [any("\u4e00" <= c <= "\u9fff" for c in each) for each in heads]
        assert all(chinese) if language == "zh" else not any(chinese)
        assert page.freeze_panes == ("E2" if name == "access" else "B2")
        assert page.print_title_rows == "$1:$1"
        assert page.auto_filter.ref == page.dimensions
        assert page.page_setup.orientation == "landscape"
    heads = [cell.value for cell in sheet(book, "units", language)[1]]
    assert heads[2] == {"zh": "应配床位（张）", "en": "Beds required"}[language]


def test_numbers_are_numbers_with_formats_that_suit_them(book: Workbook, frames: Frames) -> None:
    page = sheet(book, "facilities")
    for heading, values, form in (
        ("床位数（张）", frames.facilities["beds"], "#,##0"),
        ("投资（万元）", frames.facilities["cost_wan_yuan"], "#,##0.0"),
        ("经度（度）", frames.facilities["lon"], "0.000000"),
        ("横坐标 x（米）", frames.facilities["x"], "0.00"),
    ):
        cells = column(page, heading)
        assert {cell.data_type for cell in cells} == {"n"}
        assert {cell.number_format for cell in cells} == {form}
        assert [cell.value for cell in cells] == pytest.approx(values.tolist(), abs=1e-6)
    ranks = [cell.value for cell in column(page, "建设次序")]
    assert ranks == [None, 1, None, None, 2, 3, 4, 5, None, None]


def shown(cell: Any) -> str:
    """Return a share as a spreadsheet shows it, by the few formats there are."""
    if cell.number_format in {"0%", "0.0%"}:
        return f"{cell.value:.{cell.number_format.count('0') - 1}%}"
    assert cell.number_format.startswith('"'), cell.number_format
    return str(cell.number_format.strip('"'))


def test_shares_are_numbers_that_show_as_percent_writes_them(tmp_path: Path) -> None:
    full = sample_frames()
    shares = [0.0, 0.00004, 0.13946, 0.99996, 1.0]
    book = workbook(replace(full, curve=full.curve.assign(covered_share_high=shares)), tmp_path)
    cells = column(sheet(book, "curve"), "高密度区老年人累计覆盖率")
    assert [cell.value for cell in cells] == shares
    assert [shown(cell) for cell in cells] == ["0%", "0.1%", "13.9%", "99.9%", "100%"]
    assert [shown(cell) for cell in cells] == [percent(each) for each in shares]
    changed = column(sheet(book, "density"), "分级改变的老年人占比")
    assert [shown(cell) for cell in changed] == ["0%", "7.4%", "99.9%"]


def test_the_audit_shows_shares_as_shares_and_beds_as_beds(book: Workbook, frames: Frames) -> None:
    page = sheet(book, "audit")
    formats = [cell.number_format for cell in column(page, "实测值")]
    units = frames.audit["unit"].tolist()
    assert formats == ["0.0%" if unit == "share" else "#,##0" for unit in units]
    assert [shown(cell) for cell, unit in zip(column(page, "要求值"), units, strict=True)
            if unit == "share"] == ["100%"] * 4  # fmt: skip


def test_codes_and_truth_are_in_words(book: Workbook, english: Workbook) -> None:
    page = sheet(book, "facilities")
    status = [cell.value for cell in column(page, "建设状态")]
    assert status[:5] == ["现状保留", "扩建", "现状保留", "关闭", "新建"]
    assert {cell.value for cell in column(page, "是否计入覆盖")} == {"是", "否"}
    covered = {cell.value for cell in column(sheet(book, "demand"), "规划后是否覆盖")}
    assert covered == {"是", "否", None}
    verdicts = {cell.value for cell in column(sheet(english, "audit", "en"), "Verdict")}
    assert verdicts == {"unmet", "met"}
    reasons = {cell.value for cell in column(sheet(book, "demand"), "未覆盖原因")}
    assert "标准距离内无可用候选点" in reasons
    assert not any(each and each.isascii() for each in reasons)


def test_a_kind_of_the_planners_own_stays_as_it_is(tmp_path: Path) -> None:
    full = sample_frames()
    facilities = full.facilities.assign(kind=["记忆之家", *["institution"] * 9])
    page = sheet(workbook(replace(full, facilities=facilities), tmp_path), "facilities")
    assert [cell.value for cell in column(page, "设施类型")][:2] == ["记忆之家", "养老机构"]


def test_what_is_in_no_unit_is_called_so(tmp_path: Path) -> None:
    full = sample_frames()
    book = workbook(
        replace(
            full,
            units=full.units.assign(id=["u1", "no_unit"]),
            demand=full.demand.assign(unit_id="no_unit"),
        ),
        tmp_path,
    )
    assert [cell.value for cell in column(sheet(book, "units"), "编号")] == ["u1", "不属任何单元"]
    assert {cell.value for cell in column(sheet(book, "demand"), "规划单元")} == {"不属任何单元"}


def test_columns_are_as_wide_as_what_they_hold(book: Workbook) -> None:
    page = sheet(book, "facilities")
    for number, cells in enumerate(page.iter_cols(), start=1):
        letter = openpyxl.utils.get_column_letter(number)
        width = page.column_dimensions[letter].width
        longest = max(
            sum(2 if ord(c) > 0x2E7F else 1 for c in str(cell.value))
            for cell in cells
            if isinstance(cell.value, str)
        )
        assert min(longest, 58) < width <= 60, cells[0].value
    assert page.column_dimensions["B"].width == 14  # 清波颐养中心 and a little air


def test_names_that_look_like_formulas_are_text(tmp_path: Path) -> None:
    frames = sample_frames(hostile=True)
    bell = frames.facilities["name"].where(frames.facilities["status"] != "outside", "a\x07b")
    long = frames.zones.assign(name="字" * 40_000) if frames.zones is not None else None
    frames = replace(frames, zones=long, facilities=frames.facilities.assign(name=bell),
                     info=frames.info | {"name": "字" * 40_000})  # fmt: skip
    book = workbook(frames, tmp_path)
    cells = column(sheet(book, "facilities"), "名称")
    assert {cell.data_type for cell in cells} == {"s"}
    assert cells[2].value == f"{HOSTILE[2]}2"
    assert cells[2].value.startswith("=cmd")
    assert cells[-1].value == "ab"
    assert len(sheet(book, "summary")["B1"].value) == 32_767


def test_the_first_page_has_the_figures_of_the_record(book: Workbook, frames: Frames) -> None:
    page = sheet(book, "summary")
    told = {page.cell(row, 1).value: page.cell(row, 2) for row in range(1, page.max_row + 1)}
    record = frames.record
    assert told["方案名称"].value == "示例城区 2025"
    assert told["规划年"].value == 2025
    assert told["规划年"].number_format == "0"
    assert told["老年人分布（估算方法）"].value == "按道路长度分摊"
    assert told["60岁及以上常住老年人（人）"].value == pytest.approx(record["elders"]["total"])
    assert told["规划覆盖率：高密度区老年人"].value == record["coverage"]["plan"]["high"]
    assert shown(told["可达上限：高密度区老年人"]) == "97.0%"
    assert told["床位缺口（张，各单元之和）"].value == 187
    assert told["投资（万元）"].value == record["cost_wan_yuan"]
    assert told["求解状态"].value == "在允许差距内"


def test_the_first_page_has_every_stage_with_its_proof(book: Workbook, frames: Frames) -> None:
    page = sheet(book, "summary")
    first = [page.cell(row, 1).value for row in range(1, page.max_row + 1)].index("求解阶段") + 2
    for row, stage in enumerate(frames.record["stages"], start=first):
        values = [page.cell(row, number).value for number in (2, 3, 4)]
        assert values == [stage["value"], stage["bound"], stage["gap"]]
    assert page.cell(first, 1).value == "1 未覆盖的高密度区老年人（人）"
    assert page.cell(first, 5).value == "求解器搜索"
    assert page.cell(first + 3, 5).value == "本阶段无事可做"
    assert page.cell(first, 4).number_format == "0.0000%"


def test_a_class_without_elders_has_no_share(tmp_path: Path) -> None:
    full = sample_frames()
    record = full.record | {"elders": full.record["elders"] | {"high": 0.0}}
    page = sheet(workbook(replace(full, record=record), tmp_path), "summary")
    told = {page.cell(row, 1).value: page.cell(row, 2).value for row in range(1, page.max_row + 1)}
    assert told["规划覆盖率：高密度区老年人"] == "—（无此类老年人）"
    assert told["规划覆盖率：中密度区老年人"] == record["coverage"]["plan"]["medium"]


def test_the_first_page_says_where_no_rule_asks(tmp_path: Path) -> None:
    full = sample_frames()
    gone = {"distance_high_m": None, "beds_by_unit": False}
    book = workbook(replace(full, info=full.info | gone), tmp_path)
    page = sheet(book, "summary")
    told = {page.cell(row, 1).value: page.cell(row, 2).value for row in range(1, page.max_row + 1)}
    assert told["现状覆盖率：高密度区老年人"] == "—（无距离要求）"
    assert told["规划覆盖率：中密度区老年人"] == full.record["coverage"]["plan"]["medium"]
    assert told["应配床位（张，各单元之和）"] == "—（无单元床位要求）"
    assert told["床位缺口（张，各单元之和）"] == "—（无单元床位要求）"
    assert told["规划床位（张）"] == 430


def test_functions_are_words_in_the_workbook_and_codes_in_csv(tmp_path: Path) -> None:
    full = sample_frames()
    stands = ["canteen, day_care", "书场", None, *[""] * 7]
    table = full.facilities.assign(functions=stands, added_functions=["day_care", *[None] * 9])
    changed = replace(full, facilities=table)
    page = sheet(workbook(changed, tmp_path), "facilities")
    cells = [cell.value for cell in column(page, "养老服务功能")]
    assert cells[:4] == ["老年食堂（助餐点）、日间照料中心", "书场", None, None]
    assert [cell.value for cell in column(page, "其中新增功能")][:2] == ["日间照料中心", None]
    write_csv_tables(changed, tmp_path)
    assert rows(tmp_path, "facilities")[0]["functions"] == "canteen, day_care"


def test_an_audit_without_stages_makes_a_workbook(tmp_path: Path) -> None:
    full = sample_frames()
    record = full.record | {"status": "audited", "stages": []}
    bare = replace(full, record=record, curve=full.curve.iloc[:0])
    book = workbook(bare, tmp_path)
    told = [cell.value for cell in sheet(book, "summary")["B"]]
    assert "仅审核，未求解" in told
    assert sheet(book, "curve").max_row == 1


def test_sources_rules_and_settings_stand_on_a_page(book: Workbook) -> None:
    page = book["资料与口径"]
    values = [list(row) for row in page.iter_rows(values_only=True)]
    assert ["小区.gpkg", 771, 2, "0" * 64] in values
    assert ["HZ-01", "beds_per_10000", 310, 300] in values
    assert ["HZ-01", "enforce", "是", None] in values
    assert ["solve.gap", 0.005, "是", None] in values
    assert ["solve.threads", 2, None, None] in values
    assert ["candidates.0.min_beds", 10, None, None] in values
    assert ["network.node_crossings", "否", None, None] in values


def test_the_list_of_fields_has_every_column_of_every_table(book: Workbook, frames: Frames) -> None:
    page = sheet(book, "fields")
    listed = [(row[1], row[2]) for row in page.iter_rows(min_row=2, values_only=True)]
    expected = [
        (f"{name}.csv", each) for name, table in csv_tables(frames).items() for each in table
    ]
    assert listed == expected
    heads = {row[2]: row[3] for row in page.iter_rows(min_row=2, values_only=True)}
    assert heads["shortfall"] == "床位缺口（张）"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_table_longer_than_asked_for_ends_with_how_many_rows_are_left_out(
    language: str, tmp_path: Path
) -> None:
    frames = sample_frames(language)
    n = len(csv_tables(frames)["demand"])
    write_workbook(frames, tmp_path / "short.xlsx", rows=2)
    write_workbook(frames, tmp_path / "whole.xlsx", rows=n)
    title = {"zh": "需求点", "en": "Demand"}[language]
    short, whole = (
        openpyxl.load_workbook(tmp_path / f"{each}.xlsx") for each in ("short", "whole")
    )
    name = next(each for each in short.sheetnames if each.startswith(title))
    assert [cell.value for cell in short[name][2]] == [cell.value for cell in whole[name][2]]
    assert short[name].cell(4, 1).value is None
    told = str(short[name].cell(5, 1).value)
    assert str(n - 2) in told.replace(",", "")
    assert "demand.csv" in told
    assert whole[name].max_row == n + 1
