"""What the sections of a report are written with: the run's tables, its language, its numbers."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from siting.outputs.report_blocks import Heading, Items, Paragraph, Ref, Table
from siting.outputs.tables import word_of
from siting.texts import figure, percent, text
from siting.units import NO_UNIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from siting.outputs.frames import Frames
    from siting.outputs.report_blocks import Block, Spans

__all__ = ["NOTHING", "Told", "tidy"]

NOTHING = "—"
MARK = "\x00"
UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u2028\u2029]")
DECIMALS = {"m": 0, "wan_yuan": 1, "gini": 3, "per_1000": 1}


def tidy(value: object) -> str:
    """
    Return a value as text that a page can hold: what does not print is a blank.

    Line breaks stay; other control characters, lone surrogates and the like become blanks.
    """
    return UNPRINTABLE.sub(" ", str(value))


@dataclass(frozen=True)
class Told:
    """
    The run as the sections tell it.

    Attributes
    ----------
    frames
        Its tables.
    rows
        Most rows of a long table.
    """

    frames: Frames
    rows: int
    language: str = field(init=False)

    def __post_init__(self) -> None:
        """Take the language of the run."""
        object.__setattr__(self, "language", self.frames.info["language"])

    @property
    def record(self) -> dict[str, Any]:
        """What ``run.json`` holds."""
        return self.frames.record

    def say(self, key: str, /, **values: object) -> str:
        """Return a text of the report's catalogue."""
        return text(f"report.{key}", self.language, **{k: tidy(v) for k, v in values.items()})

    def word(self, group: str, code: object) -> str:
        """Return a code of the tables in words; nothing where there is no code."""
        if code is None or code is pd.NA or code != code or code == "":  # noqa: PLR0124 - NaN
            return ""
        return tidy(word_of(group, str(code), self.language))

    def spans(self, key: str, refs: Mapping[str, str] | None = None, /, **values: object) -> Spans:
        """Return a text with its references: placeholder to the name of a table or figure."""
        marks = {name: f"{MARK}{name}{MARK}" for name in refs or {}}
        whole = text(
            f"report.{key}", self.language, **{k: tidy(v) for k, v in values.items()}, **marks
        )
        parts = whole.split(MARK)
        return tuple(
            Ref((refs or {})[part]) if place % 2 else part
            for place, part in enumerate(parts)
            if part
        )

    def heading(self, level: int, key: str) -> Heading:
        """Return a heading."""
        return Heading(level, self.say(key))

    def paragraph(
        self, key: str, refs: Mapping[str, str] | None = None, /, **values: object
    ) -> Paragraph:
        """Return a paragraph."""
        return Paragraph(self.spans(key, refs, **values))

    def note(self, key: str, /, **values: object) -> Paragraph:
        """Return small print."""
        return Paragraph(self.spans(key, **values), is_note=True)

    def items(self, sentences: Iterable[Spans]) -> Items:
        """Return a list."""
        return Items(tuple(sentences))

    def number(self, value: Any, decimals: int = 0) -> str:
        """Return a number, thousands apart; a dash where there is none."""
        if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
            return NOTHING
        return figure(float(value), decimals)

    def share(self, value: Any) -> str:
        """Return a share as everything shown writes it; a dash where there is none."""
        known = not (value is None or value is pd.NA or math.isnan(value))
        return percent(float(value)) if known else NOTHING

    def amount(self, value: Any, unit: str) -> str:
        """Return a measured or required number with what it counts."""
        if unit == "share":
            return self.share(value)
        shown = self.number(value, DECIMALS.get(unit, 0))
        if shown == NOTHING or not unit or unit == "gini":
            return shown
        return f"{shown} {self.word('measure', unit)}"

    def place(self, scope: str, name: object) -> str:
        """Return a place in words."""
        kind = self.word("scope", scope)
        if scope == "all" or name == "all":
            return kind
        shown = self.say("no_unit") if name == NO_UNIT else tidy(self._zones.get(str(name), name))
        return self.say("place", kind=kind, name=shown)

    @cached_property
    def _zones(self) -> dict[str, str]:
        """Return the zones whose name is not their id, by id."""
        zones = self.frames.zones
        if zones is None:
            return {}
        pairs = zip(zones["id"].astype(str), zones["name"].astype(str), strict=True)
        return {key: self.say("named", name=name, id=key) for key, name in pairs if name != key}

    def table(
        self,
        name: str,
        heads: Sequence[str],
        rows: Sequence[Sequence[object]],
        *,
        widths: Sequence[float],
        numeric: Iterable[int] = (),
        rest: str = "",
        limit: bool = True,
        shades: dict[tuple[int, int], str] | None = None,
    ) -> list[Block]:
        """
        Return a table, cut at the limit, with a note of what was left out and where it stands.

        Parameters
        ----------
        name
            Its name; ``report.table_<name>`` is its title.
        heads
            Keys of ``report.head_<key>``.
        rows
            Cells as they read.
        widths
            Relative widths.
        numeric
            Columns of numbers.
        rest
            File that has every row.
        limit
            Whether the limit of rows holds.
        shades
            Backgrounds of cells.
        """
        shown = rows[: self.rows] if limit else rows
        cells = tuple(tuple(tidy(cell) for cell in row) for row in shown)
        title = self.say(f"table_{name}")
        words = tuple(self.say(f"head_{each}") for each in heads)
        made: list[Block] = [
            Table(name, title, words, cells, tuple(widths), frozenset(numeric), shades or {})
        ]
        if len(shown) < len(rows):
            left = len(rows) - len(shown)
            made.append(self.note("left_out", shown=len(shown), total=len(rows), left=left,
                                  file=rest))  # fmt: skip
        return made
