"""The content of a report: one model, numbered, that Word and HTML are both written from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siting.outputs.report_blocks import Report, numbered
from siting.outputs.report_clauses import clauses, unmet
from siting.outputs.report_closing import access, density, method, sources
from siting.outputs.report_opening import demand, existing, settings, summary
from siting.outputs.report_plan import balance, layout, money, phases
from siting.outputs.report_told import Told, tidy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from siting.outputs.frames import Frames

__all__ = ["SECTIONS", "report_content"]

SECTIONS = (
    "summary", "settings", "demand", "existing", "layout", "balance", "clauses", "unmet", "money",
    "density", "phases", "access", "method", "sources",
)  # fmt: skip
"""Names of the sections, in order, as a template may place them."""


def report_content(frames: Frames, pictures: Mapping[str, bytes], *, rows: int) -> Report:
    """
    Return the whole report; every figure is read from the tables of the run.

    Parameters
    ----------
    frames
        The tables of one run.
    pictures
        PNG pictures by name, as ``siting.outputs.report_figures.pictures`` draws them.
    rows
        Most rows of a long table; what is left out is counted below it.
    """
    told = Told(frames, rows)
    made = (
        summary(told), settings(told), demand(told), existing(told), layout(told, pictures),
        balance(told, pictures), clauses(told), unmet(told), money(told), density(told),
        phases(told), access(told, pictures), method(told), sources(told),
    )  # fmt: skip
    info = frames.info
    audited = frames.record["status"] == "audited"
    title = told.say("title_audited" if audited else "title", name=info["name"])
    facts = (
        (told.say("cover_standard"), tidy(info["standard_name"])),
        (told.say("cover_year"), str(info["year"])),
        (told.say("cover_status"), told.word("run", frames.record["status"])),
        (told.say("cover_date"), tidy(info["date"])),
        (told.say("cover_unit"), tidy((info.get("atlas") or {}).get("unit") or "")),
    )
    return Report(told.language, title, facts, numbered(made, told.language))
