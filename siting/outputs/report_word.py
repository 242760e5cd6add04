"""Blocks of a report as Word has them: paragraphs, tables with repeated heads, fields, pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Mm
from docx.text.paragraph import Paragraph as WordParagraph

from siting.outputs.report_blocks import Figure, Heading, Items, Paragraph, Ref, Table
from siting.texts import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from docx.document import Document

    from siting.outputs.report_blocks import Block, Report, Spans

__all__ = ["Writer"]

TWIPS_PER_MM = 1440 / 25.4
NAMESPACE = nsdecls("w")
FIRST_MARK = 9000
"""Bookmarks are numbered from here on, so that they meet none of the template's own."""
PLAIN_STYLES = {
    "Heading 1": '<w:keepNext/><w:spacing w:before="360" w:after="160"/><w:outlineLvl w:val="0"/>',
    "Heading 2": '<w:keepNext/><w:spacing w:before="240" w:after="120"/><w:outlineLvl w:val="1"/>',
    "Heading 3": '<w:keepNext/><w:spacing w:before="160" w:after="80"/><w:outlineLvl w:val="2"/>',
    "Caption": '<w:spacing w:before="160" w:after="60"/><w:jc w:val="center"/>',
    "Siting Cell": '<w:spacing w:before="20" w:after="20" w:line="240" w:lineRule="auto"/>',
    "List Bullet": '<w:ind w:left="420"/>',
}
"""What a paragraph is given where the template has no style of this name."""
BOLD = {"Heading 1": 32, "Heading 2": 28, "Heading 3": 24, "Caption": 20}
"""Half points of bold text where the template has no style of this name."""
SMALL, CELL, NARROW_CELL, WIDE_TABLE = 18, 18, 15, 8
CELL_SIDE, TWIPS_PER_HALF_POINT, LETTER_EM = 60, 10, 0.7
"""Space beside a cell's text, twips, and about how wide a bold Latin letter is to its size."""
MOST_ROOM = 0.25
"""Share of a table that one column may ask for its longest word: a name of 80 letters is cut."""
WORD = re.compile(r"[!-,.-~]+")
"""What is not broken at the end of a line: Latin letters, digits and signs but the hyphen."""
LINE = '<w:{side} w:val="single" w:sz="4" w:space="0" w:color="A9B4BF"/>'
BORDERS = "".join(
    LINE.format(side=side) for side in ("top", "left", "bottom", "right", "insideH", "insideV")
)


@dataclass
class Writer:
    """
    Writes the blocks of one report into one document.

    Attributes
    ----------
    document
        The document, rendered from its template.
    report
        The report.
    placed
        Names of tables and figures that the document will hold; a reference to another is plain.
    """

    document: Document
    report: Report
    placed: frozenset[str]
    _styles: dict[str, str] = field(init=False)
    _marks: int = field(init=False, default=FIRST_MARK)

    def __post_init__(self) -> None:
        """Look up the styles that the template has."""
        styles = self.document.styles
        self._styles = {
            str(each.name): str(each.style_id) for each in styles if each.name is not None
        }

    def elements(self, block: Block, following: Block | None = None) -> Iterator[Any]:
        """Yield the elements of one block, in order; what a table follows stays on its page."""
        if isinstance(block, Heading):
            gap = "" if self.report.language == "zh" else " "
            style = f"Heading {block.level}"
            words = _run(f"{block.number}{gap}{block.words}", self._bold(style))
            yield self._paragraph(style, self._marked(block.anchor, words))
        elif isinstance(block, Paragraph):
            style = "Siting Note" if block.is_note else "Body Text"
            size = SMALL if block.is_note and style not in self._styles else None
            kept = "<w:keepNext/>" if isinstance(following, Table | Figure) else ""
            yield self._paragraph(style, self._spans(block.spans, size), kept)
        elif isinstance(block, Items):
            mark = "" if "List Bullet" in self._styles else _run("• ")
            for each in block.items:
                yield self._paragraph("List Bullet", mark + self._spans(each))
        elif isinstance(block, Table):
            yield self._caption(block, "table")
            yield parse_xml(self._table(block))
            yield self._paragraph("Siting Cell", "")
        else:
            yield self._picture(block)
            yield self._caption(block, "figure")

    def contents(self) -> Iterator[Any]:
        """Yield a table of contents: a field of Word, filled with links to the headings."""
        headings = self.report.headings
        for place, each in enumerate(headings):
            link = (f'<w:hyperlink w:anchor="{_mark(each.anchor)}" w:history="1">'
                    f'{_run(f"{each.number} {each.words}")}</w:hyperlink>')  # fmt: skip
            start = _field_start(' TOC \\o "1-2" \\h \\z \\u ') if place == 0 else ""
            end = _field_end() if place == len(headings) - 1 else ""
            yield self._paragraph(f"toc {each.level}", start + link + end)

    def _paragraph(self, style: str, runs: str, extra: str = "") -> Any:
        """Return a paragraph in a style, or as near to it as can be without."""
        name = self._styles.get(style)
        about = f"<w:pStyle w:val={quoteattr(name)}/>" if name else PLAIN_STYLES.get(style, "")
        about = f"{about}{extra}" if name else about
        return parse_xml(f"<w:p {NAMESPACE}><w:pPr>{about}</w:pPr>{runs}</w:p>")

    def _bold(self, style: str) -> str:
        """Return bold type where the template has no style of this name."""
        return "" if style in self._styles else f'<w:b/><w:sz w:val="{BOLD[style]}"/>'

    def _spans(self, spans: Spans, size: int | None = None) -> str:
        """Return text and references as runs."""
        about = "" if size is None else f'<w:sz w:val="{size}"/>'
        return "".join(
            self._reference(each, about) if isinstance(each, Ref) else _run(each, about)
            for each in spans
        )

    def _reference(self, ref: Ref, about: str) -> str:
        """Return a reference as a field that leads to the number of its table or figure."""
        if ref.name not in self.placed:
            return _run(ref.words, about)
        return _field(f" REF {_mark(ref.name)} \\h ", ref.words, about)

    def _marked(self, name: str, runs: str) -> str:
        """Return runs within a bookmark."""
        self._marks += 1
        return (f'<w:bookmarkStart w:id="{self._marks}" w:name="{_mark(name)}"/>{runs}'
                f'<w:bookmarkEnd w:id="{self._marks}"/>')  # fmt: skip

    def _caption(self, block: Table | Figure, kind: str) -> Any:
        """Return the caption of a table or figure: its number is a field, its title text."""
        label = text(f"report.label_{kind}", self.report.language)
        about = self._bold("Caption")
        number = _field(f" SEQ {label} \\* ARABIC ", str(block.number), about)
        words = self._marked(block.name, _run(block.words.removesuffix(str(block.number)), about)
                             + number)  # fmt: skip
        extra = "<w:keepNext/>" if kind == "table" else ""
        return self._paragraph("Caption", f"{words}{_run(f'  {block.title}', about)}", extra)

    def _picture(self, block: Figure) -> Any:
        """Return a paragraph with a picture, no wider than the page has room."""
        element = parse_xml(
            f'<w:p {NAMESPACE}><w:pPr><w:keepNext/><w:spacing w:before="160" w:line="240" '
            'w:lineRule="auto"/><w:jc w:val="center"/></w:pPr></w:p>'
        )
        run = WordParagraph(element, self.document._body).add_run()  # noqa: SLF001 - its part
        width = min(block.width_mm, self._room() / TWIPS_PER_MM)
        shape = run.add_picture(BytesIO(block.png), width=Mm(width))
        about = shape._inline.docPr  # noqa: SLF001 - no other way to say what a picture shows
        about.set("descr", block.title)
        about.set("name", block.words)
        return element

    def _room(self) -> int:
        """Return the width between the margins of the last section, twips."""
        section = self.document.sections[-1]
        page = section.page_width or Mm(210)
        sides = (section.left_margin or Mm(25)) + (section.right_margin or Mm(25))
        return int((page - sides) / 635)

    def _table(self, block: Table) -> str:
        """Return a table whose head is repeated on every page and whose rows stay whole."""
        size = NARROW_CELL if len(block.widths) > WIDE_TABLE else CELL
        widths = _fitted(block, self._room(), size)
        grid = "".join(f'<w:gridCol w:w="{each}"/>' for each in widths)
        head = self._row(block.heads, widths, size, block.numeric, {}, is_head=True)
        rows = "".join(
            self._row(row, widths, size, block.numeric,
                      {column: shade for (line, column), shade in block.shades.items()
                       if line == number})
            for number, row in enumerate(block.rows)
        )  # fmt: skip
        return (
            f'<w:tbl {NAMESPACE}><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/>'
            f'<w:jc w:val="center"/><w:tblBorders>{BORDERS}</w:tblBorders>'
            f'<w:tblLayout w:type="fixed"/><w:tblCellMar><w:left w:w="{CELL_SIDE}" w:type="dxa"/>'
            f'<w:right w:w="{CELL_SIDE}" w:type="dxa"/></w:tblCellMar></w:tblPr>'
            f"<w:tblGrid>{grid}</w:tblGrid>{head}{rows}</w:tbl>"
        )

    def _row(
        self, cells: Iterable[str], widths: list[int], size: int, numeric: frozenset[int],
        shades: dict[int, str], *, is_head: bool = False,
    ) -> str:  # fmt: skip
        """Return a row of a table."""
        repeated = "<w:tblHeader/>" if is_head else ""
        made = []
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True)):
            shade = "F0F3F6" if is_head else shades.get(column, "").lstrip("#")
            fill = f'<w:shd w:val="clear" w:color="auto" w:fill="{shade}"/>' if shade else ""
            made.append(
                f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{fill}</w:tcPr>'
                f"{self._cell(cell, size, right=column in numeric, bold=is_head)}</w:tc>"
            )
        return f"<w:tr><w:trPr><w:cantSplit/>{repeated}</w:trPr>{''.join(made)}</w:tr>"

    def _cell(self, content: str, size: int, *, right: bool, bold: bool) -> str:
        """Return the paragraph of a cell."""
        name = self._styles.get("Siting Cell")
        about = f"<w:pStyle w:val={quoteattr(name)}/>" if name else PLAIN_STYLES["Siting Cell"]
        side = '<w:jc w:val="right"/>' if right else '<w:jc w:val="left"/>'
        run = _run(content, f'{"<w:b/>" if bold else ""}<w:sz w:val="{size}"/>')
        return f"<w:p><w:pPr>{about}{side}</w:pPr>{run}</w:p>"


def _fitted(block: Table, room: int, size: int) -> list[int]:
    """Return the widths of columns, twips; no Latin word is cut while other columns have room."""
    wide = [room * each / sum(block.widths) for each in block.widths]
    letter = LETTER_EM * TWIPS_PER_HALF_POINT * size
    longest = [
        max((len(word) for cell in column for word in WORD.findall(cell)), default=0)
        for column in zip(block.heads, *block.rows, strict=True)
    ]
    need = [min(2 * CELL_SIDE + letter * each, MOST_ROOM * room) for each in longest]
    lack = [max(least - has, 0.0) for least, has in zip(need, wide, strict=True)]
    over = [max(has - least, 0.0) for least, has in zip(need, wide, strict=True)]
    moved = min(sum(over), sum(lack))
    more, less = moved / max(sum(lack), 1.0), moved / max(sum(over), 1.0)
    return [int(has + more * short - less * spare) for has, short, spare in
            zip(wide, lack, over, strict=True)]  # fmt: skip


def _mark(name: str) -> str:
    """Return a name as a bookmark may have it: letters, digits and underscores."""
    return f"siting_{''.join(c if c.isalnum() else '_' for c in name)}"


def _run(content: str, about: str = "") -> str:
    """Return text as a run; line breaks stay."""
    lines = "<w:br/>".join(
        f'<w:t xml:space="preserve">{escape(each)}</w:t>' for each in content.split("\n")
    )
    return f"<w:r>{f'<w:rPr>{about}</w:rPr>' if about else ''}{lines}</w:r>"


def _field_start(code: str) -> str:
    """Return the beginning of a field, up to where what it shows begins."""
    return ('<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
            f'<w:r><w:instrText xml:space="preserve">{escape(code)}</w:instrText></w:r>'
            '<w:r><w:fldChar w:fldCharType="separate"/></w:r>')  # fmt: skip


def _field_end() -> str:
    """Return the end of a field."""
    return '<w:r><w:fldChar w:fldCharType="end"/></w:r>'


def _field(code: str, shown: str, about: str = "") -> str:
    """Return a whole field with what it shows until Word counts anew."""
    return _field_start(code) + _run(shown, about) + _field_end()
