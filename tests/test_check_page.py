"""The page and the table of the data check."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from siting.errors import InputError, OutputError
from siting.outputs.check_page import check_page, write_check
from siting.tables import DataCheck, fault_lines
from siting.texts import LANGUAGES, text

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ["severity", "code", "where", "count", "elders", "examples", "message"]


@pytest.fixture
def check() -> DataCheck:
    found = DataCheck()
    found.add("info", "not_walkable", "roads.osm", count=1234)
    found.add("warning", "no_zone", "blocks.gpkg", count=3, elders=12345.678, examples=[*"abcdefg"])
    error = InputError.of(
        "not_a_number", "<b>homes</b>.csv", ["h1 (2)"], column="<script>", found="'x & y'", low="0"
    )
    found.lines.extend(fault_lines(error))
    return found


@pytest.fixture
def density() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "support": ["zone", "window", "grid"],
            "elders_high": [70000.0, 65000.5, 80000.0],
            "elders_medium": [20000.0, 24000.0, 15000.0],
            "elders_low": [10000.0, 10999.5, 5000.0],
            "changed_share": [0.0, 0.049, 0.124],
            "used": [True, False, False],
        }
    )


class _Cells(HTMLParser):
    """The texts of the cells of every table, row by row."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self._open = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        self._open = tag in {"td", "th"}
        if self._open:
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self._open and self.rows:
            self.rows[-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag not in {"td", "th"}


def test_both_files_are_written_and_others_left_alone(
    check: DataCheck, density: pd.DataFrame, tmp_path: Path
) -> None:
    folder = tmp_path / "runs" / "样例"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}", encoding="utf-8")
    for _ in range(2):
        write_check(check, folder, name="样例", language="zh", density=density)
    assert sorted(item.name for item in folder.iterdir()) == ["check.csv", "check.html", "run.json"]
    assert (folder / "run.json").read_text(encoding="utf-8") == "{}"


def test_the_table_opens_in_a_spreadsheet_with_every_line(check: DataCheck, tmp_path: Path) -> None:
    write_check(check.to_frame("zh"), tmp_path / "new", name="样例", language="zh", density=None)
    raw = (tmp_path / "new" / "check.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
    assert list(rows[0]) == COLUMNS
    assert [row["severity"] for row in rows] == ["info", "warning", "error"]
    assert rows[1]["examples"] == "a, b, c, d, e"
    assert rows[2]["message"].startswith("<b>homes</b>.csv：列“<script>”应为数字")


@pytest.mark.parametrize("language", LANGUAGES)
def test_findings_stand_gravest_first_with_their_figures(
    check: DataCheck, density: pd.DataFrame, language: str
) -> None:
    page = check_page(check.to_frame(language), name="n", language=language, density=density)
    rows = _Cells(page).rows
    severities = [
        text(f"tables.severity_{each}", language) for each in ("error", "warning", "info")
    ]
    assert [row[0] for row in rows[1:4]] == severities
    assert rows[1][1] == "<b>homes</b>.csv"
    assert not rows[1][2].startswith("<b>homes")
    assert rows[2][3:] == ["3", "12,345.7", "a, b, c, d, e"]
    assert rows[3][3:] == ["1,234", "", ""]


def test_density_names_each_support_and_the_share_that_changes(
    check: DataCheck, density: pd.DataFrame
) -> None:
    page = check_page(check.to_frame("en"), name="n", language="en", density=density)
    rows = _Cells(page).rows[5:]
    assert rows[0] == ["zone · used here", "70,000.0", "20,000.0", "10,000.0", "0%"]
    assert rows[2][-1] == "12.4%"
    assert text("check.page_sensitive", "en") in page
    calm = density.assign(changed_share=0.05)
    page = check_page(check.to_frame("en"), name="n", language="en", density=calm)
    assert text("check.page_sensitive", "en") not in page
    bare = density.drop(columns=["changed_share", "used"])
    assert (
        _Cells(check_page(check.to_frame("en"), name="n", language="en", density=bare)).rows[5][-1]
        == ""
    )


def test_the_page_escapes_data_and_asks_for_nothing(
    check: DataCheck, density: pd.DataFrame
) -> None:
    name = "<img src=x onerror=alert(1)>"
    page = check_page(check.to_frame("zh"), name=name, language="zh", density=density)
    assert not {"img", "script", "link", "iframe"} & _Cells(page).tags
    assert "<script" not in page
    assert "<b>homes" not in page
    assert "&lt;img src=x" in page
    assert not re.search(r"(src|href)=[\"']|url\(|https?://|@import", page)


@pytest.mark.parametrize(
    ("severity", "key"),
    [(None, "ready"), ("info", "ready"), ("warning", "look"), ("error", "stop")],
)
def test_the_page_says_whether_planning_can_go_on(severity: str | None, key: str) -> None:
    found = DataCheck()
    if severity == "error":
        found.lines.extend(fault_lines(InputError.of("no_elders", "blocks.gpkg")))
    elif severity is not None:
        found.add(severity, "zero_length", "roads.gpkg", count=2)  # type: ignore[arg-type]
    page = check_page(found.to_frame("zh"), name="n", language="zh", density=None)
    assert f'<p class="verdict {key}">{text(f"check.page_{key}", "zh")}' in page
    assert (text("check.page_nothing", "zh") in page) is (severity is None)
    assert 'id="density"' not in page


def test_a_file_in_the_way_is_refused(check: DataCheck, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="--out"):
        write_check(check, tmp_path / "out", name="n", language="zh", density=None)
    with pytest.raises(OutputError, match="系统不允许"):
        write_check(check, tmp_path / "out" / "below", name="n", language="zh", density=None)


def test_an_old_page_stays_when_the_new_one_cannot_be_written(
    check: DataCheck, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_check(check, tmp_path, name="old", language="zh", density=None)
    before = {item.name: item.read_bytes() for item in tmp_path.iterdir()}

    def refuse(*_: object) -> None:
        raise PermissionError(13, "in use")

    monkeypatch.setattr("siting.outputs.check_page.os.replace", refuse)
    with pytest.raises(OutputError, match="in use"):
        write_check(check, tmp_path, name="new", language="zh", density=None)
    assert {item.name: item.read_bytes() for item in tmp_path.iterdir()} == before
