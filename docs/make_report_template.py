"""Write the packaged template of the report: python docs/make_report_template.py."""  # noqa: INP001

from __future__ import annotations

import sys
import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

TARGET = Path(__file__).parents[1] / "siting" / "outputs" / "templates" / "report.docx"
SONG, HEI, LATIN = "宋体", "黑体", "Times New Roman"
BLACK = RGBColor(0, 0, 0)


def main() -> None:
    """Write the template."""
    document = Document()
    _page(document)
    _styles(document)
    _cover(document)
    for place in ("contents", "body"):
        document.add_paragraph(f"{{{{ {place} }}}}", style="Body Text")
        if place == "contents":
            document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)
    _margins(document)
    about = document.core_properties
    about.author = about.last_modified_by = "Siting"
    about.title, about.comments = "report", ""
    about.created = about.modified = datetime(2026, 1, 1, tzinfo=UTC)
    held = BytesIO()
    document.save(held)
    TARGET.write_bytes(_timeless(held.getvalue()))
    sys.stdout.write(f"{TARGET.name}: {TARGET.stat().st_size} bytes\n")


def _page(document: Any) -> None:
    """Set the page: A4 with room to bind."""
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.top_margin, section.bottom_margin = Mm(30), Mm(28)
    section.different_first_page_header_footer = True


def _styles(document: Any) -> None:
    """Set the styles that the report is written in."""
    _style(document, "Normal", SONG, 12, line=1.5)
    body = _style(document, "Body Text", SONG, 12, line=1.5, after=4)
    indent = OxmlElement("w:ind")
    indent.set(qn("w:firstLineChars"), "200")
    indent.set(qn("w:firstLine"), "480")
    body.element.get_or_add_pPr().append(indent)
    _style(document, "Title", HEI, 26, line=1.4, before=160, after=60, middle=True)
    _style(document, "Heading 1", HEI, 16, line=1.4, before=20, after=8)
    _style(document, "Heading 2", HEI, 14, line=1.4, before=14, after=6)
    _style(document, "Heading 3", HEI, 12, line=1.4, before=10, after=4)
    _style(document, "Caption", HEI, 10.5, line=1.2, before=8, after=3, middle=True)
    _style(document, "List Bullet", SONG, 12, line=1.5, after=2)
    for name, size, line, after in (("Siting Cell", 9, 1.15, 1), ("Siting Note", 9, 1.3, 6),
                                    ("Siting Cover", 15, 1.6, 4), ("toc 1", 12, 1.4, 0),
                                    ("toc 2", 11, 1.3, 0)):  # fmt: skip
        document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        _style(document, name, SONG, size, line=line, before=1 if after == 1 else 0, after=after,
               middle=name == "Siting Cover")  # fmt: skip
    document.styles["toc 2"].paragraph_format.left_indent = Mm(8)


def _style(
    document: Any, name: str, face: str, size: float, *, line: float, before: float = 0,
    after: float = 0, middle: bool = False,
) -> Any:  # fmt: skip
    """Set one style."""
    style = document.styles[name]
    font, form = style.font, style.paragraph_format
    font.name, font.size, font.italic = LATIN, Pt(size), False
    font.bold, font.color.rgb = face == HEI, BLACK
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for each in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
        fonts.attrib.pop(qn(each), None)
    fonts.set(qn("w:eastAsia"), face)
    form.line_spacing, form.space_before, form.space_after = line, Pt(before), Pt(after)
    form.keep_with_next = name.startswith("Heading") or None
    form.alignment = WD_ALIGN_PARAGRAPH.CENTER if middle else None
    for border in style.element.get_or_add_pPr().findall(qn("w:pBdr")):
        style.element.pPr.remove(border)
    return style


def _cover(document: Any) -> None:
    """Write the cover: the title, then label and value of every fact."""
    document.add_paragraph("{{ title }}", style="Title")
    for line in ("{%p for label, value in facts %}", "{{ label }}：{{ value }}", "{%p endfor %}"):
        document.add_paragraph(line, style="Siting Cover")
    document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)


def _margins(document: Any) -> None:
    """Write the name of the plan above and the number of the page below, but for the cover."""
    section = document.sections[0]
    head = section.header.paragraphs[0]
    head.text, head.alignment = "{{ name }}", WD_ALIGN_PARAGRAPH.CENTER
    foot = section.footer.paragraphs[0]
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for kind in ("begin", "PAGE", "end"):
        run = foot.add_run()
        if kind == "PAGE":
            code = OxmlElement("w:instrText")
            code.set(qn("xml:space"), "preserve")
            code.text = " PAGE "
        else:
            code = OxmlElement("w:fldChar")
            code.set(qn("w:fldCharType"), kind)
        run._r.append(code)  # noqa: SLF001 - python-docx has no fields
    for each in (*head.runs, *foot.runs):
        each.font.size = Pt(9)


def _timeless(content: bytes) -> bytes:
    """Return the file without times of writing and without the picture of somebody's page."""
    held = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(held, "w") as new:
        for each in old.infolist():
            part = zipfile.ZipInfo(each.filename, (1980, 1, 1, 0, 0, 0))
            part.compress_type, part.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            new.writestr(part, old.read(each.filename))
    return held.getvalue()


if __name__ == "__main__":
    main()
