"""The report of a plan: one content, written as a Word document and as a page for the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siting.outputs.report_content import report_content
from siting.outputs.report_docx import read_template, report_document
from siting.outputs.report_figures import pictures
from siting.outputs.report_html import report_page

if TYPE_CHECKING:
    from pathlib import Path

    from siting.outputs.frames import Frames

__all__ = ["read_template", "write_report"]


def write_report(
    frames: Frames, folder: Path, *, rows: int, template: Path | None = None
) -> list[Path]:
    """
    Write ``report.docx`` and ``report.html``; the same tables give the same bytes.

    Parameters
    ----------
    frames
        The tables of one run.
    folder
        An existing folder.
    rows
        Most rows of a long table; what is left out is counted below it.
    template
        Word document of the bureau with placeholders; None: the packaged one.

    Returns
    -------
    paths
        The two files.

    Raises
    ------
    InputError
        If the template cannot be used.
    FontError
        If this machine has no font with the characters that the pictures need.
    """
    given = None if template is None else read_template(template)
    report = report_content(frames, pictures(frames), rows=rows)
    name = "report.docx" if template is None else template.name
    document = report_document(report, frames, given, name=name)
    word, page = folder / "report.docx", folder / "report.html"
    word.write_bytes(document)
    page.write_text(report_page(report), encoding="utf-8", newline="\n")
    return [word, page]
