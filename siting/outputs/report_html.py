"""The report as one HTML page that asks nothing of any network, for the screen and for printing."""

from __future__ import annotations

from base64 import b64encode
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined

from siting.texts import text

if TYPE_CHECKING:
    from siting.outputs.report_blocks import Report

__all__ = ["report_page"]


def report_page(report: Report) -> str:
    """Return the page; whatever comes from data is escaped."""
    template = files("siting.outputs").joinpath("templates", "report.html")
    pages = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return pages.from_string(template.read_text(encoding="utf-8")).render(
        report=report,
        language={"zh": "zh-CN"}.get(report.language, report.language),
        contents=text("report.contents", report.language),
        gap="" if report.language == "zh" else " ",
        kind=lambda block: type(block).__name__,
        picture=lambda png: b64encode(png).decode("ascii"),
    )
