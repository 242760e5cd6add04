"""Where elders were spread over an area, whatever is handed out says that it is an estimate."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING

import openpyxl
import pandas as pd
import pyogrio
import pytest
import tiny
from pypdf import PdfReader

import siting
from siting.outputs.tables import CSV_COLUMNS
from siting.texts import LANGUAGES, text

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = dict.fromkeys(("map", "tables", "geopackage", "sheet", "report"), True)
SPREAD = {"path": "zones.geojson", "id": "id", "elders": "elders",
          "spread": {"method": "road_length", "grid_m": 100}}  # fmt: skip


@pytest.fixture(scope="module", params=LANGUAGES)
def spread(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the result of a plan whose elders were spread over the roads."""
    folder = tmp_path_factory.mktemp("spread")
    path = tiny.write_tiny(folder, demand=SPREAD, language=request.param, outputs=EVERYTHING)
    return siting.write_plan(siting.plan(siting.read_scenario(path)), folder / request.param)


def word(folder: Path) -> str:
    return text("map.estimate", folder.name)


def method(folder: Path, group: str) -> str:
    return text(f"{group}_road_length", folder.name)


def test_the_sheet_is_stamped(spread: Path) -> None:
    words = PdfReader(spread / "sheet.pdf").pages[0].extract_text()
    assert word(spread) in words
    assert method(spread, "sheet.method") in words


def test_the_map_has_a_banner(spread: Path) -> None:
    page = (spread / "map.html").read_text(encoding="utf-8")
    (banner,) = re.findall(r'<p class="siting-estimate".*?</p>', page)
    assert word(spread) in banner
    assert method(spread, "map.method") in unescape(banner)


def test_the_workbook_says_so_on_the_first_page_and_in_every_row(spread: Path) -> None:
    book, language = openpyxl.load_workbook(spread / "tables.xlsx"), spread.name
    first = [row[:2] for row in book.worksheets[0].iter_rows(values_only=True)]
    assert (text("tables.summary_estimate", language),
            method(spread, "tables.estimate")) in first  # fmt: skip
    for name in (*CSV_COLUMNS, "curve", "density"):
        page = book[text(f"tables.sheet_{name}", language)]
        place = [cell.value for cell in page[1]].index(text("tables.field_estimate", language)) + 1
        cells = {page.cell(row, place).value for row in range(2, page.max_row + 1)}
        assert cells == {text("workbook.yes", language)}, name


def test_every_layer_and_table_with_figures_says_so(spread: Path) -> None:
    path = spread / "plan.gpkg"
    for name in ("facilities", "demand", "demand_grid", "units", "zones", "service_areas",
                 "audit", "curve", "density"):  # fmt: skip
        told = pyogrio.read_dataframe(path, layer=name, read_geometry=False)["estimate"]
        assert len(told) > 0
        assert told.astype(bool).all(), name
    run = pyogrio.read_dataframe(path, layer="run").set_index("key")["value"]
    assert run["estimate"] == "road_length"


def test_every_row_of_every_csv_says_so(spread: Path) -> None:
    for name in (*CSV_COLUMNS, "curve", "density"):
        told = pd.read_csv(spread / f"{name}.csv", dtype=str)["estimate"]
        assert set(told) == {"true"}, name
    record = json.loads((spread / "run.json").read_text(encoding="utf-8"))
    assert record["estimate"] == "road_length"


def test_the_check_says_so(spread: Path) -> None:
    sign = {"zh": "估算", "en": "estimate"}[spread.name]
    page = (spread / "check.html").read_text(encoding="utf-8")
    rows = re.findall(r'<tr><td class="mark warning">.*?</tr>', page)
    assert any(sign in row.lower() for row in rows)
    table = pd.read_csv(spread / "check.csv", dtype=str).set_index("code")
    assert sign in table.loc["spread", "message"].lower()


def test_nothing_says_so_where_elders_were_counted(tmp_path: Path) -> None:
    path = tiny.write_tiny(tmp_path, outputs=EVERYTHING)
    folder = siting.write_plan(siting.plan(siting.read_scenario(path)), tmp_path / "out")
    assert "估算" not in PdfReader(folder / "sheet.pdf").pages[0].extract_text()
    assert '<p class="siting-estimate"' not in (folder / "map.html").read_text(encoding="utf-8")
    assert "估算" not in (folder / "check.html").read_text(encoding="utf-8")
    book = openpyxl.load_workbook(folder / "tables.xlsx")
    assert not any("估算" in str(cell) for page in book
                   for row in page.iter_rows(values_only=True) for cell in row)  # fmt: skip
    for name, _ in pyogrio.list_layers(folder / "plan.gpkg"):
        assert "estimate" not in pyogrio.read_info(folder / "plan.gpkg", layer=name)["fields"]
