"""The report as a Word document, written into the packaged template or into one of the bureau's."""

from __future__ import annotations

import zipfile
from datetime import datetime
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING, Any

from docx import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.exceptions import PackageNotFoundError
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment
from lxml.etree import XMLSyntaxError

from siting.errors import InputError
from siting.outputs.report_blocks import Figure, Table
from siting.outputs.report_content import SECTIONS
from siting.outputs.report_told import tidy
from siting.outputs.report_word import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from siting.outputs.frames import Frames
    from siting.outputs.report_blocks import Report

__all__ = ["VALUES", "read_template", "report_document"]

VALUES = ("title", "facts", "name", "standard", "year", "date", "status", "language", "run")
"""What a template may show besides the sections: values of the run; ``run`` is ``run.json``."""
PLACES = ("contents", "body", *SECTIONS)
"""What a template may place, each alone in its paragraph; ``body`` is every section."""
EDGE = "\ue000"
LONG_AGO = (1980, 1, 1, 0, 0, 0)
NOT_WORD = (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError, XMLSyntaxError)
"""What a file that is no Word document looks like from here."""
FIRST = 5


def read_template(path: Path) -> bytes:
    """
    Return a template after looking whether a report can be written into it.

    Parameters
    ----------
    path
        A .docx file.

    Raises
    ------
    InputError
        If it is missing, is no Word document, holds a placeholder that there is not or that
        cannot be read, or has no place for the report.
    """
    if not path.is_file():
        raise InputError.of("template_missing", path.name, path=path.as_posix())
    try:
        content = path.read_bytes()
        asked = _opened(content).get_undeclared_template_variables(_language())
    except TemplateError as error:
        raise InputError.of("template_wrong", path.name, found=error) from error
    except (OSError, *NOT_WORD) as error:
        raise InputError.of("template_not_docx", path.name) from error
    unknown = sorted(asked - {*VALUES, *PLACES})
    if unknown:
        allowed = ", ".join((*VALUES, *PLACES))
        raise InputError.of("template_unknown", path.name, unknown, allowed=allowed)
    if not asked & {"body", *SECTIONS}:
        raise InputError.of("template_no_place", path.name, allowed=", ".join(SECTIONS))
    return content


def report_document(
    report: Report, frames: Frames, template: bytes | None = None, *, name: str = "report.docx"
) -> bytes:
    """
    Return the report as a .docx file; the same report gives the same bytes.

    Parameters
    ----------
    report
        The report.
    frames
        The tables of the run, for the values that a template may show.
    template
        What ``read_template`` gave; None: the packaged one.
    name
        Name of the template, for messages.

    Raises
    ------
    InputError
        If a placeholder of the template asks for a value that the run does not have, or a place
        does not stand alone in its paragraph.
    """
    if template is None:
        template = files("siting.outputs").joinpath("templates", "report.docx").read_bytes()
    made = _opened(template)
    try:
        made.render(_context(report, frames), _language(), autoescape=True)
    except (TemplateError, UndefinedError) as error:
        raise InputError.of("template_wrong", name, found=error) from error
    document = _reopened(made)
    _place(report, document, name)
    about = document.core_properties
    about.title, about.author, about.last_modified_by = report.title[:255], "Siting", "Siting"
    about.created = about.modified = datetime.fromisoformat(frames.info["date"])
    held = BytesIO()
    document.save(held)
    return _timeless(held.getvalue())


def _opened(content: bytes) -> DocxTemplate:
    """Return a template, opened."""
    made = DocxTemplate(BytesIO(content))
    made.init_docx()
    return made


def _reopened(made: DocxTemplate) -> Any:
    """
    Return a template that was filled in as a document of its own, read anew.

    What filled it in has put plain elements in the place of Word's; whoever still holds one, such
    as a profiler that keeps frames, would have us find it instead of Word's.
    """
    held = BytesIO()
    made.docx.save(held)
    return Document(held)


def _language() -> SandboxedEnvironment:
    """Return the language of placeholders: nothing of it reaches beyond the values given."""
    return SandboxedEnvironment(undefined=StrictUndefined, autoescape=True)


def _context(report: Report, frames: Frames) -> dict[str, Any]:
    """Return what placeholders stand for; a place stands for its mark."""
    info = frames.info
    values = {
        "title": report.title,
        "facts": [each for each in report.facts if each[1]],
        "name": info["name"],
        "standard": info["standard_name"],
        "year": info["year"],
        "date": info["date"],
        "status": dict(report.facts).get("", frames.record["status"]),
        "language": report.language,
        "run": frames.record,
    }
    marks = {place: f"{EDGE}{place}{EDGE}" for place in PLACES}
    return {key: _tidy(value) for key, value in values.items()} | marks


def _tidy(value: Any) -> Any:
    """Return a value in which every text can stand in a document."""
    if isinstance(value, dict):
        return {key: _tidy(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_tidy(each) for each in value]
    return tidy(value) if isinstance(value, str) else value


def _place(report: Report, document: Any, name: str) -> None:
    """Put the sections in the places that the template has for them."""
    places = list(_places(document))
    wanted = {place for place, _ in places}
    held = [each for each in report.sections if "body" in wanted or each.name in wanted]
    shown = frozenset(
        block.name for each in held for block in each.blocks if isinstance(block, Table | Figure)
    )
    writer = Writer(document, report, shown)
    for place, paragraph in places:
        element = paragraph._p  # noqa: SLF001 - elements are put before it
        if place == "contents":
            elements = list(writer.contents())
        else:
            sections = [each for each in report.sections if place in {"body", each.name}]
            blocks = [block for each in sections for block in each.blocks]
            elements = [
                made for block, following in zip(blocks, [*blocks[1:], None], strict=True)
                for made in writer.elements(block, following)
            ]  # fmt: skip
        for each in elements:
            element.addprevious(each)
        element.getparent().remove(element)
    left = [document.element.xpath("string()"), *_margins(document)]
    stray = sorted({place for place in PLACES for each in left if f"{EDGE}{place}{EDGE}" in each})
    if stray:
        raise InputError.of("template_not_alone", name, stray)


def _places(document: Any) -> Iterator[tuple[str, Any]]:
    """Yield the paragraphs of the body that are a place, with its name."""
    for paragraph in document.paragraphs:
        said = paragraph.text.strip()
        if said.startswith(EDGE) and said.endswith(EDGE) and said.strip(EDGE) in PLACES:
            yield said.strip(EDGE), paragraph


def _margins(document: Any) -> Iterator[str]:
    """Yield what stands in the headers and footers, as it will be saved."""
    for each in document.part.rels.values():
        if each.reltype in {RELATIONSHIP_TYPE.HEADER, RELATIONSHIP_TYPE.FOOTER}:
            yield each.target_part.blob.decode("utf-8")


def _timeless(content: bytes) -> bytes:
    """Return a .docx file whose parts bear no time of writing."""
    held = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(held, "w") as new:
        for each in old.infolist():
            part = zipfile.ZipInfo(each.filename, LONG_AGO)
            part.compress_type, part.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            new.writestr(part, old.read(each.filename))
    return held.getvalue()
