"""The atlas: every sheet as a page of one PDF, as a picture and as SVG."""

from __future__ import annotations

import csv
import pickle
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pypdf import PdfReader, PdfWriter

from siting.outputs.atlas_pages import Task, draw_page, draw_pages, enlargement_of, is_drawn
from siting.outputs.atlas_sheets import design_of, entries, title_of
from siting.outputs.fonts import clean
from siting.outputs.sheet import face_of
from siting.outputs.sheet_window import choose_window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from siting.outputs.atlas_sheets import Entry
    from siting.outputs.frames import Frames

__all__ = ["FOLDER", "INDEX", "PDF", "begun_atlas", "write_atlas"]

PDF, FOLDER, INDEX = "atlas.pdf", "atlas", "index.csv"
COLUMNS = ["sheet", "key", "title", "paper", "scale_denominator", "png", "svg"]
WORKERS = 2
"""Most processes that draw, this one among them."""
WORTH_IT = 6
"""Fewest sheets for which another process is started: starting takes about two seconds."""


def write_atlas(frames: Frames, folder: Path, *, workers: int = WORKERS) -> list[Path]:
    """
    Write ``atlas.pdf``, and the folder ``atlas`` with a PNG and an SVG for each sheet and a list.

    The PDF has a bookmark for each sheet, vectors (dense demand as pixels) and text that can be
    searched; the same plan gives the same file.

    Parameters
    ----------
    frames
        The tables of one run.
    folder
        An existing folder.
    workers
        Most processes that draw at the same time, this one among them.

    Returns
    -------
    paths
        The PDF, then what lies in the folder.

    Raises
    ------
    FontError
        If this machine has no font with the Chinese characters that the sheets need.
    """
    with begun_atlas(frames, folder, workers=workers) as finish:
        return finish()


@contextmanager
def begun_atlas(
    frames: Frames, folder: Path, *, workers: int = WORKERS
) -> Iterator[Callable[[], list[Path]]]:
    """
    Let other processes begin with the atlas; what is yielded finishes it, as ``write_atlas`` does.

    Each process takes the next sheet that no one has taken, so that this one may do something else
    before it helps. Whatever happens here ends the others.
    """
    sheets = entries(frames)
    face = face_of(frames)
    target = folder / FOLDER
    target.mkdir()
    count = min(workers, max(len(sheets) // WORTH_IT, 1)) if _may_start() else 1
    with tempfile.TemporaryDirectory(prefix="siting-atlas-", ignore_cleanup_errors=True) as name:
        pages = Path(name)
        task = Task(frames, face, tuple(sheets), str(pages), str(target))
        others = [_start(task, pages / f"task-{place}") for place in range(1, count)]

        def finish() -> list[Path]:
            draw_pages(task)
            _wait(others, task)
            _join(frames, sheets, pages, folder / PDF)
            _write_index(frames, sheets, target / INDEX)
            files = [target / f"{each.stem}.{end}" for each in sheets for end in ("png", "svg")]
            return [folder / PDF, *files, target / INDEX]

        try:
            yield finish
        finally:
            for other in others:
                if other is not None and other.poll() is None:
                    other.kill()
                    other.wait()


def _may_start() -> bool:
    """Return whether this process runs by a Python that can be started once more."""
    return bool(sys.executable) and Path(sys.executable).stem.lower().startswith("python")


def _start(task: Task, path: Path) -> subprocess.Popen[bytes] | None:
    """Start a process that draws a task; None if the machine does not let us."""
    path.write_bytes(pickle.dumps(task))
    command = [sys.executable, "-m", "siting.outputs.atlas_pages", str(path)]
    try:
        return subprocess.Popen(  # noqa: S603 - our own module, by our own Python
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError:
        return None


def _wait(others: Sequence[subprocess.Popen[bytes] | None], task: Task) -> None:
    """Wait for the other processes; draw here what one of them has taken and left undone."""
    for other in others:
        if other is not None:
            other.wait()
    for entry in task.sheets:
        if not is_drawn(task, entry):
            draw_page(task, entry)


def _join(frames: Frames, sheets: Sequence[Entry], pages: Path, path: Path) -> None:
    """Put the pages together in order, each with a bookmark, at the size of the paper."""
    name = clean(frames.info.get("atlas", {}).get("title") or frames.info["name"])
    larger = enlargement_of(frames)
    with PdfWriter() as writer:
        for entry in sheets:
            page = writer.add_page(PdfReader(pages / f"{entry.code}.pdf").pages[0])
            if larger != 1.0:
                page.scale_by(larger)
            title = f"{entry.code} {clean(title_of(frames, entry, ''))}"
            writer.add_outline_item(title=title, page_number=len(writer.pages) - 1)
        writer.compress_identical_objects()
        writer.add_metadata({"/Title": name, "/Creator": "Siting", "/Producer": "Siting"})
        writer.write(path)


def _write_index(frames: Frames, sheets: Sequence[Entry], path: Path) -> None:
    """Write the list of sheets: number, title, scale and files."""
    name = clean(frames.info.get("atlas", {}).get("title") or frames.info["name"])
    paper = frames.info.get("atlas", {}).get("paper", "A3")
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for entry in sheets:
            design = design_of(frames, entry)
            window = choose_window(design.bounds, design.place, enlargement=enlargement_of(frames))
            files = [f"{entry.stem}.{end}" for end in ("png", "svg")]
            title = _plain(clean(title_of(frames, entry, name)))
            rows.writerow([entry.number, entry.key, title, paper, window.denominator, *files])


def _plain(words: str) -> str:
    """Return words that no spreadsheet takes for a formula."""
    return f"'{words}" if words[:1] in "=+-@" else words
