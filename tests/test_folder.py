"""The result folder: whole or not at all, and nothing lost that is not ours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from siting.errors import OutputError
from siting.outputs.folder import OURS, refuse_foreign, written_folder

if TYPE_CHECKING:
    from conftest import Run


def fill(folder: Path, content: str) -> None:
    (folder / "run.json").write_text(content, encoding="utf-8")
    (folder / "map.html").write_text(content, encoding="utf-8")


def result(folder: Path) -> dict[str, str]:
    return {item.name: item.read_text(encoding="utf-8") for item in folder.iterdir()}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return a folder with an older result."""
    with written_folder(tmp_path / "样例") as part:
        fill(part, "old")
    return tmp_path / "样例"


OLD = {"run.json": "old", "map.html": "old"}


def test_a_new_folder_appears_whole_with_its_parents(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "2025" / "样例"
    with written_folder(folder) as part:
        fill(part, "new")
        assert not folder.exists()
    assert result(folder) == {"run.json": "new", "map.html": "new"}
    assert [item.name for item in folder.parent.iterdir()] == ["样例"]


def test_the_new_result_takes_the_place_of_the_old_one(old: Path) -> None:
    (old / "sheet.png").write_text("left over", encoding="utf-8")
    with written_folder(old) as part:
        fill(part, "new")
        assert result(old)["run.json"] == "old"
    assert result(old) == {"run.json": "new", "map.html": "new"}
    assert [item.name for item in old.parent.iterdir()] == [old.name]


def test_others_may_read_the_result(tmp_path: Path) -> None:
    with written_folder(tmp_path / "out") as part:
        fill(part, "new")
    if os.name == "posix":
        assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt, MemoryError])
def test_the_old_result_stays_whole_when_writing_dies(
    old: Path, fault: type[BaseException]
) -> None:
    def die() -> None:
        with written_folder(old) as part:
            fill(part, "half")
            raise fault

    with pytest.raises(fault):
        die()
    assert result(old) == OLD
    assert [item.name for item in old.parent.iterdir()] == [old.name]


def test_a_full_disk_is_our_error_and_the_old_result_stays(old: Path) -> None:
    def run_out() -> None:
        with written_folder(old) as part:
            fill(part, "half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left on device") as caught:
        run_out()
    assert caught.value.render("en") == (
        "样例: Expected to write here, but the system refused: No space left on device. Check "
        "permissions, disk space and path, or choose another folder."
    )
    assert result(old) == OLD


def test_a_place_without_permission_is_our_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="系统不允许"), written_folder(tmp_path / "file" / "run"):
        pytest.fail("must not be given a folder")

    def refuse(**_: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(OutputError, match="Permission denied"), written_folder(tmp_path / "run"):
        pytest.fail("must not be given a folder")
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_a_fault_that_has_its_own_sentence_keeps_it(old: Path) -> None:
    with pytest.raises(OutputError, match="这里已有同名文件"), written_folder(old):
        raise OutputError.of("out_is_file", "plan.gpkg")
    assert result(old) == OLD


def test_a_result_that_another_program_holds_open_is_named_and_stays(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where no folder can be moved while Excel has a file of it open."""
    move = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if self == old:
            raise PermissionError(13, "Permission denied")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError, match="被占用") as caught, written_folder(old) as part:
        fill(part, "new")
    assert "Close the program that has its files open (Excel, QGIS)" in caught.value.render("en")
    assert result(old) == OLD
    beside = old.with_name(f"{old.name}-new")
    assert sorted(item.name for item in old.parent.iterdir()) == [old.name, beside.name]
    assert result(beside) != OLD
    assert beside.name in caught.value.render("zh")


def test_the_old_result_comes_back_when_the_new_one_cannot_be_moved(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if target == old and not self.name.endswith(".old"):
            raise PermissionError(13, "Permission denied")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError, match="系统不允许"), written_folder(old) as part:
        fill(part, "new")
    assert result(old) == OLD
    assert [item.name for item in old.parent.iterdir()] == [old.name]


@pytest.mark.parametrize("mark", ["~$tables.xlsx", ".~lock.tables.xlsx#", "plan.gpkg-wal"])
def test_marks_of_open_files_are_not_taken_for_files_of_someone_else(old: Path, mark: str) -> None:
    (old / mark).write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="Excel、QGIS") as caught:
        refuse_foreign(old)
    assert mark in str(caught.value)
    assert set(result(old)) == {*OLD, mark}


def test_a_folder_with_other_files_is_refused_and_they_are_named(old: Path) -> None:
    (old / "会议纪要.docx").write_text("x", encoding="utf-8")
    (old / "~$tables.xlsx").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match=r"有其他文件.*会议纪要") as caught, written_folder(old):
        pytest.fail("must not be given a folder")
    assert "~$tables.xlsx" not in str(caught.value)
    assert result(old)["会议纪要.docx"] == "x"
    assert result(old)["run.json"] == "old"


def test_a_folder_below_the_result_is_of_someone_else(old: Path) -> None:
    (old / "photos").mkdir()
    with pytest.raises(OutputError, match="photos"):
        refuse_foreign(old)


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "desktop.ini"])
def test_what_file_managers_leave_is_no_hindrance(old: Path, name: str) -> None:
    (old / name).write_text("", encoding="utf-8")
    with written_folder(old) as part:
        fill(part, "new")
    assert result(old)["run.json"] == "new"


def test_an_empty_folder_may_be_written_to(tmp_path: Path) -> None:
    refuse_foreign(tmp_path)
    with written_folder(tmp_path / "out") as part:
        fill(part, "new")
    assert set(result(tmp_path / "out")) <= OURS


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="这里已有同名文件"), written_folder(tmp_path / "out"):
        pytest.fail("must not be given a folder")
    with pytest.raises(OutputError, match="系统不允许"), written_folder(tmp_path / "out" / "below"):
        pytest.fail("must not be given a folder")
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"


def test_every_file_of_a_real_run_is_ours(sample_run: Run) -> None:
    written = {item.name for item in sample_run.folder.iterdir()}
    unasked = {"atlas", "atlas.pdf", "shp", "geojson"}  # see test_atlas.py and test_exchange.py
    assert written == OURS - unasked
