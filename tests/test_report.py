"""The report read back: one content in Word and on the page, its numbers those of the run."""

from __future__ import annotations

import json
import re
import sys
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docx
import numpy as np
import openpyxl
import pandas as pd
import pytest
from command import Said, contents, say
from docx.oxml.ns import qn
from frames_sample import HOSTILE, sample_frames
from lxml import html
from matplotlib.image import imsave
from tiny import change_scenario, write_tiny

import siting
from siting.errors import InputError
from siting.money import ITEMS
from siting.outputs.money import pivot_of
from siting.outputs.report import write_report
from siting.outputs.report_blocks import (
    Figure,
    Heading,
    Paragraph,
    Ref,
    Report,
    Section,
    Table,
    chinese_number,
    numbered,
)
from siting.outputs.report_content import SECTIONS, report_content
from siting.outputs.report_docx import VALUES, read_template, report_document
from siting.outputs.report_figures import pictures
from siting.outputs.report_html import report_page
from siting.outputs.report_settings import CHOICES
from siting.outputs.sheet import draw_sheet
from siting.texts import LANGUAGES, catalogue, percent, text

if TYPE_CHECKING:
    from conftest import Run

    from siting.outputs.frames import Frames

DOT = BytesIO()
imsave(DOT, np.zeros((1, 1)), format="png")
SHOWN = dict.fromkeys(("map", "curve", "units", "lorenz"), DOT.getvalue())
BLANKS = ("model", "table", "status", "solver", "seed", "allowed")
LONG = "一二三四五六七八九十" * 8


def made(frames: Frames, *, rows: int = 60) -> tuple[Report, Any, Any]:
    """Return the report, the Word document and the page of some frames."""
    report = report_content(frames, SHOWN, rows=rows)
    word = docx.Document(BytesIO(report_document(report, frames)))
    return report, word, html.fromstring(report_page(report))


@pytest.fixture(scope="module", params=LANGUAGES)
def written(request: pytest.FixtureRequest) -> tuple[Frames, Report, Any, Any]:
    frames = sample_frames(request.param)
    return frames, *made(frames)


def cells(table: Any) -> list[list[str]]:
    """Return a table of a Word document as text, row by row."""
    return [["\n".join(_lines(cell)) for cell in row.iter(qn("w:tc"))] for row in table._tbl.tr_lst]


def _lines(cell: Any) -> list[str]:
    """Return the paragraphs of a cell; a break within one is a new line."""
    return [
        "".join("\n" if each.tag == qn("w:br") else each.text or "" for each in paragraph.iter(
            qn("w:t"), qn("w:br")))
        for paragraph in cell.iter(qn("w:p"))
    ]  # fmt: skip


def page_cells(table: Any) -> list[list[str]]:
    """Return a table of a page as text, row by row."""
    return [[cell.text_content() for cell in row.iter("th", "td")] for row in table.iter("tr")]


def by_name(word: Any, report: Report) -> dict[str, list[list[str]]]:
    """Return the tables of a Word document by the names that the report gives them."""
    names = [block.name for block in report.blocks if isinstance(block, Table)]
    return dict(zip(names, map(cells, word.tables), strict=True))


# Word and the page say the same


def test_every_table_reads_the_same_in_word_and_on_the_page(written: Any) -> None:
    _, report, word, page = written
    on_page = [page_cells(each) for each in page.iter("table")]
    in_word = [cells(each) for each in word.tables]
    assert len(in_word) == sum(isinstance(each, Table) for each in report.blocks) > 15
    assert in_word == on_page


def test_every_sentence_reads_the_same_in_word_and_on_the_page(written: Any) -> None:
    _, report, word, page = written
    in_word = [p.text for p in word.paragraphs if p.text and p.style.name.startswith(
        ("Body Text", "Siting Note", "List Bullet", "Heading"))]  # fmt: skip
    main = page.find(".//main")
    on_page = [each.text_content() for each in main.iter("p", "li", "h2", "h3", "h4")
               if each.getparent().getparent().tag != "nav"]  # fmt: skip
    assert in_word == on_page
    assert len(in_word) > 40
    assert main.findtext("h1") == report.title == word.paragraphs[0].text


@pytest.mark.parametrize("language", LANGUAGES)
def test_headings_tables_and_figures_are_numbered_without_a_break(language: str) -> None:
    _, word, page = made(sample_frames(language))
    heads = [(int(p.style.name[-1]), p.text) for p in word.paragraphs
             if p.style.name.startswith("Heading")]  # fmt: skip
    assert [(int(e.tag[1]) - 1, e.text_content()) for e in page.iter("h2", "h3")] == heads
    first = second = 0
    for level, words in heads:
        first, second = (first + 1, 0) if level == 1 else (first, second + 1)
        in_chinese = f"{chinese_number(first)}、" if level == 1 else f"（{chinese_number(second)}）"
        in_english = f"{first} " if level == 1 else f"{first}.{second} "
        assert words.startswith(in_chinese if language == "zh" else in_english)
    for kind, tag in (("table", "caption"), ("figure", "figcaption")):
        label = text(f"report.label_{kind}", language)
        numbers = [int(found[1]) for each in page.iter(tag)
                   if (found := re.match(rf"{label} (\d+) \S", each.text_content()))]  # fmt: skip
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) == len(list(page.iter(tag))) >= 4
        captions = [p.text for p in word.paragraphs if p.style.name == "Caption"]
        assert sum(each.startswith(f"{label} ") for each in captions) == len(numbers)


def test_every_reference_leads_to_what_it_names(written: Any) -> None:
    _, report, word, page = written
    targets = {each.get("id"): each for each in page.iter() if each.get("id")}
    links = list(page.find(".//main").iter("a"))
    assert len(links) > 40
    for link in links:
        target = targets[link.get("href").removeprefix("#")]
        caption = target.find("caption") if target.tag == "table" else target.find("figcaption")
        if caption is not None:
            assert caption.text_content().startswith(f"{link.text_content()} ")
    body = word.element.body
    marks = {each.get(qn("w:name")): each for each in body.iter(qn("w:bookmarkStart"))}
    ids = [each.get(qn("w:id")) for each in marks.values()]
    assert len(set(ids)) == len(ids)
    assert {each.get(qn("w:anchor")) for each in body.iter(qn("w:hyperlink"))} <= set(marks)
    fields = [each.text.split() for each in body.iter(qn("w:instrText"))]
    asked = [each[1] for each in fields if each[0] == "REF"]
    assert len(asked) == sum(not link.get("href").startswith("#h-") for link in links)
    assert set(asked) <= set(marks)
    assert sum(each[0] == "SEQ" for each in fields) == sum(
        isinstance(each, Table | Figure) for each in report.blocks
    )


def test_heads_are_repeated_on_every_page_and_rows_stay_whole(written: Any) -> None:
    _, _, word, page = written
    for table in word.tables:
        first, *rest = table._tbl.tr_lst
        assert first.trPr.find(qn("w:tblHeader")) is not None
        assert all(row.trPr.find(qn("w:tblHeader")) is None for row in rest)
        assert all(row.trPr.find(qn("w:cantSplit")) is not None for row in (first, *rest))
        widths = [int(each.get(qn("w:w"))) for each in table._tbl.tblGrid.iter(qn("w:gridCol"))]
        assert sum(widths) <= 156 / 25.4 * 1440
        assert min(widths) > 350
    assert "table-header-group" in page.findtext(".//style")


def test_the_page_asks_nothing_of_any_network(written: Any) -> None:
    page = written[3]
    for each in page.iter():
        for name in ("src", "href", "data", "action"):
            assert (each.get(name) or "#").startswith(("#", "data:image/png;base64,")), name
    assert not list(page.iter("script", "link", "iframe"))
    assert "url(" not in page.findtext(".//style")


# Its numbers are those of the run


@pytest.fixture(scope="module")
def sample(sample_run: Run) -> tuple[Path, dict[str, Any], Report, dict[str, list[list[str]]], str]:
    """Return the folder of the sample, its record, the report's tables and all its text."""
    folder = sample_run.folder
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    report = report_content(sample_run.plan.tables, SHOWN, rows=60)
    word = docx.Document(str(folder / "report.docx"))
    said = "\n".join(each.text for each in word.paragraphs)
    return folder, record, report, by_name(word, report), said


def _csv(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", encoding="utf-8-sig")


def test_the_summary_has_the_figures_of_the_record(sample: Any) -> None:
    _, record, _, tables, said = sample
    rows = {row[0]: row[1:] for row in tables["summary"]}
    for grade in ("high", "medium"):
        name = text("report.figure_covered", "zh", grade=text(f"tables.class_{grade}", "zh"))
        shares = [percent(record["coverage"][state][grade]) for state in ("existing", "plan")]
        assert rows[name][:2] == shares
    beds = record["beds"]
    assert rows["计入的床位"][:2] == [f"{beds['existing']:,}", f"{beds['plan']:,}"]
    assert rows["投资"][1] == f"{record['cost_wan_yuan']:,.1f}"
    counts = record["audit"]["plan"]
    told = " / ".join(str(counts[f"rules_{each}"]) for each in ("met", "unmet", "unknown"))
    assert rows["规则：达标 / 未达标 / 无法判定"][1] == told
    for sentence in (
        f"老年人 {record['elders']['total']:,.0f} 人",
        f"应配床位 {beds['required']:,} 张，现状 {beds['existing']:,} 张",
        f"缺口 {beds['shortfall']:,} 张",
        f"新建 {record['sites']['new']:,} 处",
        "由 {:,.0f} 米变为 {:,.0f} 米".format(
            *(record["access"][state]["nearest_mean_m"] for state in ("existing", "plan"))
        ),
    ):
        assert sentence in said


def test_units_streets_and_stages_are_those_of_the_tables(sample: Any) -> None:
    folder, record, _, tables, _ = sample
    units = _csv(folder, "units")
    for row, unit in zip(tables["units"][1:], units.itertuples(), strict=True):
        assert row[1:7] == [
            f"{unit.elders:,.0f}", f"{unit.beds_required:,}", f"{unit.beds_existing:,}",
            f"{unit.beds_planned:,}", f"{unit.shortfall:,}", f"{unit.sites:,}",
        ]  # fmt: skip
    access = _csv(folder, "access")
    street = access[(access["scope"] == "street") & (access["measure"] == "beds_per_1000")]
    per = street.set_index(["scope_id", "state"])["value"]
    for row in tables["streets"][1:]:
        assert row[4:] == [f"{per[row[0], state]:,.1f}" for state in ("existing", "plan")]
    stages = [
        [f"{each['value']:,.2f}", f"{each['bound']:,.2f}", f"{each['gap'] * 100:.4f}%"]
        for each in record["stages"]
    ]
    assert [row[1:4] for row in tables["stages"][1:]] == stages
    assert [row[:4] for row in tables["files"][1:]] == [
        [Path(each["path"]).name, f"{each['rows']:,}", f"{each['dropped']:,}", each["sha256"][:12]]
        for each in record["inputs"]
    ]


def test_every_rule_is_there_with_the_verdict_of_the_audit(sample: Any) -> None:
    folder, _, _, tables, _ = sample
    audit = _csv(folder, "audit")
    rows = {row[0].split(" ")[0]: row for row in tables["clauses"][1:]}
    assert set(rows) == set(audit["rule_id"])
    order = ("unmet", "unknown", "met", "not_applicable")
    for rule, found in audit.groupby("rule_id"):
        legal = text(f"tables.legal_{found['legal_status'].iloc[0]}", "zh")
        assert legal in rows[rule][0]
        for place, state in ((2, "existing"), (3, "plan")):
            verdicts = set(found.loc[found["state"] == state, "verdict"])
            worst = next(each for each in order if each in verdicts)
            assert rows[rule][place].split("\n")[0] == text(f"tables.verdict_{worst}", "zh")


def test_what_is_unmet_and_uncovered_is_that_of_the_tables(sample: Any) -> None:
    folder, _, _, tables, said = sample
    audit, left = _csv(folder, "audit"), _csv(folder, "demand")
    unmet = audit[(audit["state"] == "plan") & (audit["verdict"] == "unmet")]
    assert f"的 {len(unmet)} 项未达标" in said
    assert len(tables["unmet"]) - 1 == len(unmet)
    left = left[left["reason"].notna()]
    rows = tables["uncovered"][1:]
    assert sum(int(row[1].replace(",", "")) for row in rows) == len(left)
    by_reason = left.groupby("reason")["elders"].sum()
    words = {text(f"tables.reason_{code}", "zh"): f"{n:,.0f}" for code, n in by_reason.items()}
    assert {row[0]: row[4] for row in rows} == words


def test_money_is_that_of_the_table(sample: Any) -> None:
    folder, record, _, tables, said = sample
    pivot = pivot_of(_csv(folder, "money"))
    assert [[float(cell.replace(",", "")) for cell in row[2:]] for row in tables["money"][1:]] == [
        pytest.approx(row, abs=0.051) for row in pivot.to_numpy(dtype=object)[:, 2:].tolist()
    ]
    assert f"建设投资 {record['money']['capital']:,.1f} 万元" in said


def test_the_files_of_the_sample_are_those_that_the_tables_give(
    sample_run: Run, tmp_path: Path
) -> None:
    """Drawn and written anew, the same bytes: nothing hangs on the time of writing."""
    for path in write_report(sample_run.plan.tables, tmp_path, rows=60):
        assert path.read_bytes() == (sample_run.folder / path.name).read_bytes()
    with zipfile.ZipFile(tmp_path / "report.docx") as file:
        assert {each.date_time for each in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert sum(each.filename.endswith(".png") for each in file.infolist()) == 4


# Names from data


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_names_are_read_as_they_are_and_do_nothing(language: str) -> None:
    frames = sample_frames(language, hostile=True)
    plain_page = html.fromstring(
        report_page(report_content(sample_frames(language), SHOWN, rows=60))
    )
    report, word, page = made(frames)
    assert {each.tag for each in page.iter()} == {each.tag for each in plain_page.iter()}
    assert not page.xpath("//*[@onerror or @onload or @onclick]")
    in_word = "\n".join(cell for table in word.tables for row in cells(table) for cell in row)
    on_page = page.text_content()
    for name in frames.facilities["name"]:
        seen = re.sub("[\x00-\x09\x0b-\x1f\u2028]", " ", name)
        assert seen in in_word
        assert seen in on_page
    assert "{{ 7*7 }}" in in_word
    assert "49" not in report.title
    assert HOSTILE[1] in word.paragraphs[0].text


def test_long_names_tabs_and_pictographs_stay_whole() -> None:
    frames = sample_frames()
    homes = frames.facilities.copy()
    homes.loc[homes.index[0], "name"] = LONG
    homes.loc[homes.index[1], "name"] = "甲\t乙\x0b丙\x00丁 😀 \ud800末"
    _, word, page = made(replace(frames, facilities=homes))
    for table in (page_cells(page.get_element_by_id("homes")),
                  next(cells(t) for t in word.tables if cells(t)[0][0] == "名称")):  # fmt: skip
        names = [row[0] for row in table]
        assert LONG in names
        assert "甲 乙 丙 丁 😀  末" in names


# Plans of every sort


def test_a_stage_left_open_shows_its_bound_beside_its_value() -> None:
    frames = sample_frames()
    stages = [dict(each) for each in frames.record["stages"]]
    stages[0] |= {"value": 812.5, "bound": 800.25, "gap": 0.0150769}
    report, word, _ = made(replace(frames, record=frames.record | {"stages": stages}))
    assert by_name(word, report)["stages"][1][1:4] == ["812.50", "800.25", "1.5077%"]


def test_a_home_that_is_only_converted_is_called_so() -> None:
    frames = sample_frames()
    sites = frames.facilities.copy()
    turned, shut = (sites.index[sites["status"] == each][0] for each in ("existing", "closed"))
    sites.loc[[turned, shut], "phase"] = 2025
    report, word, _ = made(replace(frames, facilities=sites))
    said = {row[0]: row[1] for row in by_name(word, report)["built"][1:]}
    assert (said[sites.loc[turned, "name"]], said[sites.loc[shut, "name"]]) == ("改造", "关闭")


def test_what_a_facility_costs_keeps_its_tenth() -> None:
    frames = sample_frames()
    sites = frames.facilities.copy()
    first = sites.index[sites["status"] == "new"][0]
    sites.loc[first, "cost_wan_yuan"] = 1234.56
    report, word, _ = made(replace(frames, facilities=sites))
    costs = {row[0]: row[7] for row in by_name(word, report)["built"][1:]}
    assert costs[sites.loc[first, "name"]] == "1,234.6"


def test_long_tables_are_cut_and_what_is_left_out_is_counted() -> None:
    frames = sample_frames()
    _, word, page = made(frames, rows=2)
    report = report_content(frames, SHOWN, rows=2)
    tables = by_name(word, report)
    statuses = frames.facilities["status"]
    total = int((~statuses.isin(["existing", "outside"])).sum())
    assert len(tables["built"]) == 3
    note = text(
        "report.left_out", "zh", total=total, shown=2, left=total - 2, file="facilities.csv"
    )
    assert note in [each.text for each in word.paragraphs]
    assert note in page.text_content()


def test_an_estimate_and_a_sensitive_reading_are_said_on_the_first_page(written: Any) -> None:
    frames, report, _, _ = written
    first = next(each for each in report.sections if each.name == "summary")
    said = "".join(
        part if isinstance(part, str) else part.words
        for block in first.blocks if hasattr(block, "spans") or hasattr(block, "items")
        for spans in ([block.spans] if hasattr(block, "spans") else block.items)
        for part in spans
    )  # fmt: skip
    language = frames.info["language"]
    assert text("tables.estimate_road_length", language) in said
    assert percent(0.99996) in said
    assert text("report.internal", language) in said


def test_a_layout_that_was_only_audited_is_no_plan(tmp_path: Path) -> None:
    done = siting.audit_layout(siting.read_scenario(write_tiny(tmp_path)))
    report, word, _ = made(done.tables)
    assert report.title.endswith(text("report.title_audited", "zh", name=""))
    assert text("report.method_audited", "zh") in [each.text for each in word.paragraphs]
    assert "stages" not in by_name(word, report)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_classical_model_is_named_with_its_value_bound_and_gap(
    language: str, tmp_path: Path
) -> None:
    asked = {"model": "maximal_covering", "p": 1, "cutoff_m": 500}
    path = write_tiny(tmp_path, language=language, objective=asked)
    done = siting.plan(siting.read_scenario(path))
    report, word, _ = made(done.tables)
    model = done.scenario.objective.in_words(language)
    said = [each.text for each in word.paragraphs]
    for key in ("summary_model", "method_model"):
        opening = text(f"report.{key}", language, **dict.fromkeys(BLANKS, "|")).split("|")[0]
        (sentence,) = [each for each in said if each.startswith(opening)]
        assert model in sentence
    found, tables = done.record["objective"], by_name(word, report)
    (stage,) = done.record["stages"]
    name = text("tables.stage_maximal_covering", language)
    numbers = [f"{stage['value']:,.2f}", f"{stage['bound']:,.2f}", f"{stage['gap']:.4%}"]
    assert tables["stages"][1][:4] == [name, *numbers]
    assert stage["value"] == found["elders_covered"] > found["elders_covered_existing"] > 0
    reached = [each for each in said if f"{found['elders_covered']:,.0f}" in each and "500" in each]
    assert any(f"{found['elders_covered_existing']:,.0f}" in each for each in reached)
    assert [text("report.choice_objective", language), model] in [
        row[:2] for row in tables["choices"]
    ]
    sheet = draw_sheet(done.tables)
    note = "".join(item.get_text() for item in sheet.axes[1].texts if item.get_gid() == "sources")
    bare = note.replace(" ", "")
    assert model.replace(" ", "") in bare
    assert f"{stage['value']:,.1f}" in bare
    assert f"{stage['gap']:.2%}" in bare


def test_a_plan_of_nothing_still_reads(tmp_path: Path) -> None:
    path = write_tiny(tmp_path, candidates=[], existing=..., language="en", units=...)
    done = siting.plan(siting.read_scenario(path))
    report, word, _ = made(done.tables)
    said = "\n".join(each.text for each in word.paragraphs)
    assert "opens, extends and upgrades nothing (0 candidates" in said
    assert by_name(word, report)["homes"] == [
        ["Name", "Kind", "Beds today", "Planning unit", "In the plan"]
    ]
    assert "nan" not in said.lower().split()
    for rows in by_name(word, report).values():
        assert not {"nan", "None", "<NA>", "inf"} & {cell for row in rows for cell in row}


@pytest.mark.parametrize("language", LANGUAGES)
def test_pictures_are_drawn_whole_in_both_languages(language: str) -> None:
    drawn = pictures(sample_frames(language, hostile=language == "en"))
    assert set(drawn) == set(SHOWN)
    assert all(each.startswith(b"\x89PNG") and len(each) > 5000 for each in drawn.values())
    empty = sample_frames(language)
    nothing = replace(empty, curve=empty.curve[:0], lorenz=empty.lorenz[:0], units=empty.units[:1])
    assert set(pictures(nothing)) == {"map"}


def test_a_standard_without_distances_says_nothing_of_density() -> None:
    frames = sample_frames()
    free = replace(frames, info=frames.info | {"distance_high_m": None, "distance_medium_m": None})
    report, word, _ = made(free)
    assert "没有按密度分级的距离要求" in "".join(each.text for each in word.paragraphs)
    assert not {"classes", "density", "access_class"} & set(by_name(word, report))
    assert "density" not in [each.name for each in report.sections]


# Templates


def template(folder: Path, *lines: str, cell: str | None = None, header: str = "") -> Path:
    """Write a template of one's own: paragraphs, a cell of a table, a header; no styles of ours."""
    document = docx.Document()
    for line in lines:
        document.add_paragraph(line)
    if cell is not None:
        document.add_table(1, 1).cell(0, 0).text = cell
    if header:
        document.sections[0].header.paragraphs[0].text = header
    path = folder / "局模板.docx"
    document.save(str(path))
    return path


def test_a_template_of_the_bureau_takes_values_and_sections(tmp_path: Path) -> None:
    frames = sample_frames()
    report = report_content(frames, SHOWN, rows=60)
    path = template(
        tmp_path, "编制单位：某局 {{ name }} {{ year }}", "床位 {{ run.beds.plan }}", "{{ money }}",
        "第二部分", "{{ demand }}", header="{{ standard }}",
    )  # fmt: skip
    word = docx.Document(BytesIO(report_document(report, frames, read_template(path))))
    said = [each.text for each in word.paragraphs]
    assert said[:2] == [f"编制单位：某局 {frames.info['name']} 2025", "床位 430"]
    assert word.sections[0].header.paragraphs[0].text == frames.info["standard_name"]
    placed = [cells(each)[0] for each in word.tables]
    wanted = {name: block for block in report.blocks if isinstance(block, Table)
              for name in [block.name]}  # fmt: skip
    assert placed == [list(wanted["money"].heads), list(wanted["classes"].heads)]
    assert said.index("第二部分") < next(k for k, each in enumerate(said) if "三、需求" in each)
    # 表 14 is elsewhere: named, but no field that Word would not find.
    marks = {each.get(qn("w:name")) for each in word.element.body.iter(qn("w:bookmarkStart"))}
    fields = [each.text.split() for each in word.element.body.iter(qn("w:instrText"))]
    assert {each[1] for each in fields if each[0] == "REF"} <= marks
    assert any(wanted["density"].words in each for each in said)


def test_the_document_is_word_s_own_though_a_profiler_keeps_what_filled_it_in() -> None:
    # Dask samples the frames of its threads; one that is kept holds elements that are no longer
    # Word's, once seen as "'lxml.etree._Element' object has no attribute 'p_lst'".
    frames, kept = sample_frames(), []

    def keep(frame: Any, event: str, argument: object) -> None:
        if "docxtpl" in frame.f_code.co_filename:
            kept.append((frame, event, argument))

    report = report_content(frames, SHOWN, rows=60)
    sys.setprofile(keep)
    try:
        content = report_document(report, frames)
    finally:
        sys.setprofile(None)
    assert kept
    assert content == report_document(report, frames)


WRONG = {
    "missing": ("template_missing", "应有说明书模板"),
    "text": ("template_not_docx", "Word 文档"),
    "workbook": ("template_not_docx", "Word 文档"),
    "unknown": ("template_unknown", "bedz"),
    "broken": ("template_wrong", "占位符应能读懂"),
    "nowhere": ("template_no_place", "body"),
    "in a cell": ("template_not_alone", "独占一段"),
    "in a header": ("template_not_alone", "独占一段"),
    "in a sentence": ("template_not_alone", "独占一段"),
    "no such value": ("template_wrong", "nope"),
    "reaching out": ("template_wrong", "占位符应能读懂"),
}


def wrong_template(how: str, folder: Path) -> Path:
    """Write a template that is wrong in one way."""
    path = folder / "局模板.docx"
    if how == "text":
        path.write_text("{{ body }}", encoding="utf-8")
    elif how == "workbook":
        openpyxl.Workbook().save(path)
    elif how != "missing":
        lines = {
            "unknown": ["{{ body }}", "{{ bedz }}"], "broken": ["{{ body }}", "{{ name"],
            "nowhere": ["{{ name }}"], "in a cell": [], "in a header": ["{{ demand }}"],
            "in a sentence": ["正文：{{ body }}"],
            "no such value": ["{{ body }}", "{{ run.nope }}"],
            "reaching out": ["{{ body }}", "{{ name.__class__.__mro__ }}"],
        }[how]  # fmt: skip
        template(folder, *lines, cell="{{ body }}" if how == "in a cell" else None,
                 header="{{ body }}" if how == "in a header" else "")  # fmt: skip
    return path


@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_template_is_one_clear_message(how: str, tmp_path: Path) -> None:
    frames = sample_frames()
    report = report_content(frames, SHOWN, rows=60)
    path = wrong_template(how, tmp_path)
    with pytest.raises(InputError) as raised:
        report_document(report, frames, read_template(path), name=path.name)
    code, words = WRONG[how]
    assert [each.code for each in raised.value.faults] == [code]
    assert str(raised.value).startswith(f"{path.name}：")
    assert words in str(raised.value)
    assert raised.value.render("en")


def test_the_allowed_placeholders_are_named(tmp_path: Path) -> None:
    path = template(tmp_path, "{{ body }}", "{{ bedz }}")
    with pytest.raises(InputError, match="bedz") as raised:
        read_template(path)
    assert all(name in str(raised.value) for name in (*VALUES, *SECTIONS, "contents"))


def test_a_wrong_template_stops_the_run_before_anything_is_solved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = write_tiny(
        tmp_path / "县", outputs__report=True, outputs__report_template="没有.docx"
    )
    out = tmp_path / "out"
    for command in ("run", "audit"):
        said = say(capsys, command, scenario, "--quiet", "--out", out)
        assert said.code == 2
        assert said.err.count("\n") == 1
        assert "没有.docx：应有说明书模板" in said.err
        assert not out.exists()
    assert say(capsys, "check", scenario, "--quiet", "--out", out).code == 2
    assert set(contents(out)) == {"check.csv", "check.html"}


def test_a_run_writes_the_report_into_the_template_it_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "县"
    scenario = write_tiny(folder)
    template(folder, "某局", "{{ summary }}")
    change_scenario(scenario, {"outputs.report": True, "outputs.report_template": "局模板.docx"})
    out = tmp_path / "out"
    assert say(capsys, "run", scenario, "--quiet", "--out", out) == Said(0, "", "")
    word = docx.Document(str(out / "report.docx"))
    assert word.paragraphs[0].text == "某局"
    assert len(word.tables) == 1
    assert (
        len(html.fromstring((out / "report.html").read_text(encoding="utf-8")).xpath("//table"))
        > 10
    )


# Content


def test_numbering_counts_restarts_and_resolves() -> None:
    table = Table("t", "", ("a",), (("1",),), (1.0,))
    blocks = (Heading(1, "A"), Heading(2, "a"), Heading(2, "b"), Heading(3, "x"), Heading(1, "B"),
              Heading(2, "c"), table, Paragraph(("see ", Ref("t"), "; ", Ref("f"))),
              Figure("f", "", b""), replace(table, name="u"))  # fmt: skip
    made_of = numbered([Section("empty", ()), Section("s", blocks)], "zh")
    assert [each.name for each in made_of] == ["s"]
    found = made_of[0].blocks
    numbers = [each.number for each in found if isinstance(each, Heading)]
    assert numbers == ["一、", "（一）", "（二）", "1.", "二、", "（一）"]
    assert [each.words for each in found if isinstance(each, Table)] == ["表 1", "表 2"]
    spans = next(each for each in found if isinstance(each, Paragraph)).spans
    assert [each.words for each in spans if isinstance(each, Ref)] == ["表 1", "图 1"]
    with pytest.raises(KeyError):
        numbered([Section("s", (Paragraph((Ref("nowhere"),)),))], "zh")
    with pytest.raises(ValueError, match="two of one name"):
        numbered([Section("s", (table, table))], "zh")


def test_settings_say_who_chose_them(tmp_path: Path) -> None:
    path = write_tiny(tmp_path, access={"catchment_m": 800})
    done = siting.plan(siting.read_scenario(path, changes={"density.grid_m": 250}))
    report, word, _ = made(done.tables)
    rows = {row[0]: row[1:] for row in by_name(word, report)["choices"]}
    assert rows["可及床位搜索半径（米）"] == ["800", "场景设定"]
    assert rows["方格边长（米）"] == ["250", "本次改动"]
    assert rows["步行时限（分钟）"] == ["5", "系统默认"]
    assert rows["规划单元"] == ["按街道（镇）合并", "场景设定"]


def test_every_text_of_the_report_is_said_somewhere() -> None:
    folder = Path(siting.__file__).parent / "outputs"
    source = "".join(path.read_text("utf-8") for path in folder.glob("report_*.py"))
    said = set(re.findall(r'"(\w+)"', source)) | {each.replace(".", "_") for each in CHOICES}
    said |= set(re.findall(r'"report\.(\w+)"', source)) | set(ITEMS)
    heads = ("head_", "table_", "figure_title_", "choice_", "fixed_", "axis_", "figure_", "label_")
    for key in catalogue():
        file, name = key.split(".")
        if file != "report":
            continue
        rest = [name.removeprefix(head) for head in heads if name.startswith(head)]
        by_state = re.sub(r"_(existing|plan)$", "", rest[0]) if rest else name
        told = {name, *rest, by_state} & said or name.endswith(("_number", "_audited", "_low"))
        assert told, key


def test_no_number_is_lost_to_a_missing_value() -> None:
    frames = sample_frames()
    table = frames.access
    assert table is not None
    assert np.isnan(table["value"]).any()
    report, word, _ = made(frames)
    shown = by_name(word, report)["access"]
    assert ["至最近机构距离的第 90 百分位", "—", "—"] in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_columns_of_word_have_room_for_their_longest_word(language: str) -> None:
    """At seven tenths of the letter size each, where all columns together have room for it."""
    report, word, _ = made(sample_frames(language))
    blocks = [block for block in report.blocks if isinstance(block, Table)]
    looked = 0
    for block, table in zip(blocks, word.tables, strict=True):
        widths = [int(each.get(qn("w:w"))) for each in table._tbl.tblGrid.iter(qn("w:gridCol"))]
        points = 9.0 if len(widths) <= 8 else 7.5
        need = [
            120 + 20 * points * 0.7 * max(len(each) for cell in column for each in cell.split())
            for column in zip(block.heads, *block.rows, strict=True)
            if all(cell.isascii() and "-" not in cell for cell in column)
            and any(cell.split() for cell in column)
        ]
        if len(need) == len(widths) and sum(need) < sum(widths):
            looked += 1
            assert all(has >= least - 1 for has, least in zip(widths, need, strict=True))
    assert looked >= (2 if language == "en" else 0)


def test_one_endless_word_leaves_the_other_columns_their_room() -> None:
    frames = sample_frames("en")
    sites = frames.facilities.copy()
    built = sites.index[sites["status"] == "new"][0]
    sites.loc[built, "name"] = "x" * 80
    columns = []
    for each in (frames, replace(frames, facilities=sites)):
        report, word, _ = made(each)
        names = [block.name for block in report.blocks if isinstance(block, Table)]
        table = word.tables[names.index("built")]
        grid = table._tbl.tblGrid.iter(qn("w:gridCol"))
        columns.append([int(column.get(qn("w:w"))) for column in grid])
    plain, endless = columns
    assert plain[0] < endless[0] <= 0.25 * sum(endless) + 5
    assert all(has >= 0.7 * before for has, before in zip(endless[1:], plain[1:], strict=True))
