"""What a report is made of: headings, paragraphs, tables, figures, and references between them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from siting.texts import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "Block",
    "Figure",
    "Heading",
    "Items",
    "Paragraph",
    "Ref",
    "Report",
    "Section",
    "Table",
    "chinese_number",
    "heading_number",
    "numbered",
]

DIGITS = "零一二三四五六七八九"
LEVELS = 3


@dataclass(frozen=True)
class Ref:
    """
    A reference to a table or a figure, by its name; ``words`` is filled by ``numbered``.

    Attributes
    ----------
    name
        Name of the table or figure.
    words
        What it is called, for instance 表 3.
    """

    name: str
    words: str = ""


Spans = tuple["str | Ref", ...]


@dataclass(frozen=True)
class Heading:
    """
    A heading.

    Attributes
    ----------
    level
        1 to 3.
    words
        What it says.
    number, anchor
        Filled by ``numbered``: 一、, （一）, 1. and a name to lead to.
    """

    level: int
    words: str
    number: str = ""
    anchor: str = ""


@dataclass(frozen=True)
class Paragraph:
    """
    Running text.

    Attributes
    ----------
    spans
        Text and references, in order.
    is_note
        Small print below a table.
    """

    spans: Spans
    is_note: bool = False


@dataclass(frozen=True)
class Items:
    """A list of short paragraphs."""

    items: tuple[Spans, ...]


@dataclass(frozen=True)
class Table:
    """
    A table.

    Attributes
    ----------
    name, title
        Its name for references, and what it shows.
    heads
        Headings of the columns.
    rows
        Cells as they read; a line break is a new line within a cell.
    widths
        Relative widths of the columns.
    numeric
        Columns that hold numbers, set to the right.
    shades
        Background of a cell by row and column, ``#rrggbb``.
    number, words
        Filled by ``numbered``: 1, 2, … and 表 1.
    """

    name: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]
    numeric: frozenset[int] = frozenset()
    shades: dict[tuple[int, int], str] = field(default_factory=dict)
    number: int = 0
    words: str = ""


@dataclass(frozen=True)
class Figure:
    """
    A picture.

    Attributes
    ----------
    name, title
        Its name for references, and what it shows.
    png
        The picture.
    width_mm
        How wide it is on paper.
    number, words
        Filled by ``numbered``: 1, 2, … and 图 1.
    """

    name: str
    title: str
    png: bytes
    width_mm: float = 156.0
    number: int = 0
    words: str = ""


Block = Heading | Paragraph | Items | Table | Figure


@dataclass(frozen=True)
class Section:
    """A part of the report that a template may place by its name."""

    name: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """
    A whole report, numbered.

    Attributes
    ----------
    language
        ``zh`` or ``en``.
    title, facts
        What stands on the cover: the title, and pairs of label and value.
    sections
        Its parts, in order.
    """

    language: str
    title: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]

    @property
    def blocks(self) -> Iterator[Block]:
        """All blocks, in order."""
        for section in self.sections:
            yield from section.blocks

    @property
    def headings(self) -> list[Heading]:
        """Headings of the first two levels, for a table of contents."""
        return [each for each in self.blocks if isinstance(each, Heading) and each.level < LEVELS]


def chinese_number(number: int) -> str:
    """
    Return a number from 1 to 99 in Chinese.

    Examples
    --------
    >>> [chinese_number(each) for each in (1, 10, 11, 20, 25)]
    ['一', '十', '十一', '二十', '二十五']
    """
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else ("" if tens == 1 else DIGITS[tens]) + "十"
    return head + (DIGITS[ones] if ones or not tens else "")


def heading_number(counts: tuple[int, ...], language: str) -> str:
    """
    Return the number of a heading from the counts of its level and those above.

    Examples
    --------
    >>> heading_number((2,), "zh"), heading_number((2, 1), "zh"), heading_number((2, 1, 3), "zh")
    ('二、', '（一）', '3.')
    >>> heading_number((2, 1), "en")
    '2.1'
    """
    if language != "zh":
        return ".".join(map(str, counts))
    last = counts[-1]
    return (f"{chinese_number(last)}、", f"（{chinese_number(last)}）", f"{last}.")[len(counts) - 1]


def numbered(sections: Iterable[Section], language: str) -> tuple[Section, ...]:
    """
    Return sections with headings, tables and figures numbered and references filled.

    Parameters
    ----------
    sections
        As written; empty ones are left out.
    language
        ``zh`` or ``en``.

    Raises
    ------
    KeyError
        If a reference names no table and no figure of the report.
    ValueError
        If two tables or figures have one name.
    """
    counts, seen = [0] * LEVELS, {"table": 0, "figure": 0}
    names: dict[str, str] = {}
    made: list[tuple[str, list[Block]]] = []
    for section in sections:
        blocks: list[Block] = []
        for each in section.blocks:
            block: Block = each
            if isinstance(each, Heading):
                counts = [*counts[: each.level - 1], counts[each.level - 1] + 1,
                          *[0] * (LEVELS - each.level)]  # fmt: skip
                own = tuple(counts[: each.level])
                anchor = "h-" + "-".join(map(str, own))
                block = replace(each, number=heading_number(own, language), anchor=anchor)
            elif isinstance(each, Table | Figure):
                kind = "table" if isinstance(each, Table) else "figure"
                seen[kind] += 1
                words = text(f"report.{kind}_number", language, number=seen[kind])
                if each.name in names:
                    raise ValueError(f"two of one name: {each.name}")
                names[each.name] = words
                block = replace(each, number=seen[kind], words=words)
            blocks.append(block)
        if blocks:
            made.append((section.name, blocks))
    return tuple(
        Section(name, tuple(_resolved(each, names) for each in blocks)) for name, blocks in made
    )


def _resolved(block: Block, names: dict[str, str]) -> Block:
    """Return a block with what its references are called."""
    if isinstance(block, Paragraph):
        return replace(block, spans=_filled(block.spans, names))
    if isinstance(block, Items):
        return Items(tuple(_filled(each, names) for each in block.items))
    return block


def _filled(spans: Spans, names: dict[str, str]) -> Spans:
    """Return spans with what each reference is called."""
    return tuple(
        replace(each, words=names[each.name]) if isinstance(each, Ref) else each for each in spans
    )


def plain(spans: Iterable[Any]) -> str:
    """Return spans as they read."""
    return "".join(each.words if isinstance(each, Ref) else str(each) for each in spans)
