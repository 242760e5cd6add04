"""Pictures of a report: the map, the order of building, beds by unit, the Lorenz curves."""

from __future__ import annotations

from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from siting.outputs.fonts import drawable, find_face
from siting.outputs.sheet import draw_sheet
from siting.texts import catalogue, text
from siting.units import NO_UNIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

    from siting.outputs.fonts import Face
    from siting.outputs.frames import Frames

__all__ = ["pictures"]

MM = 25.4
CHART_DPI, MAP_DPI = 180, 110
TODAY, PLANNED, NEED, INK = "#9AA5B1", "#C8602A", "#222222", "#222222"
MOST_UNITS = 30
"""Most planning units in one bar chart; those with the most elders are shown."""
LONGEST_NAME = 12


def pictures(frames: Frames) -> dict[str, bytes]:
    """
    Return the pictures of a report as PNG, by name; one that has nothing to show is left out.

    Raises
    ------
    FontError
        If no font on this machine holds the characters of the catalogue.
    """
    made = {"map": _png(_map(frames), MAP_DPI)}
    with _drawn():
        face = _face(frames)
        for name, draw in (("curve", _curve), ("units", _units), ("lorenz", _lorenz)):
            figure = draw(frames, face)
            if figure is not None:
                made[name] = _png(figure, CHART_DPI)
    return made


@contextmanager
def _drawn() -> Iterator[None]:
    """Draw with matplotlib's own defaults, whatever the user has set."""
    with style.context(["default", {"text.usetex": False, "savefig.bbox": None}]):
        yield


def _png(figure: Figure, dpi: int) -> bytes:
    """Return a figure as PNG without the version of what drew it."""
    held = BytesIO()
    figure.savefig(held, format="png", dpi=dpi, metadata={"Software": None})
    return held.getvalue()


def _map(frames: Frames) -> Figure:
    """Return the sheet."""
    return draw_sheet(frames)


def _face(frames: Frames) -> Face:
    """Return a font for the charts."""
    language = frames.info["language"]
    ours = (words[language] for key, words in catalogue().items() if key.startswith("report.axis_"))
    ascii_letters = "".join(map(chr, range(33, 127)))
    return find_face("".join(ours) + ascii_letters + "…–", frames.units["id"])


def _chart(width_mm: float, height_mm: float, face: Face) -> tuple[Figure, Axes, FontProperties]:
    """Return bare axes with room for labels."""
    figure = Figure(
        figsize=(width_mm / MM, height_mm / MM), facecolor="white", layout="constrained"
    )
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes, FontProperties(fname=face.path, size=8)


def _say(key: str, frames: Frames, **values: object) -> str:
    """Return a word of the charts."""
    return text(f"report.axis_{key}", frames.info["language"], **values)


def _finish(axes: Axes, font: FontProperties, x: str, y: str) -> None:
    """Name the axes and set every word in the font."""
    axes.set_xlabel(x, fontproperties=font)
    axes.set_ylabel(y, fontproperties=font)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_fontproperties(font)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(prop=font, frameon=False)


def _curve(frames: Frames, face: Face) -> Figure | None:
    """Return covered shares against cost, site by site; None where no class has shares."""
    curve = frames.curve
    grades = [each for each in ("high", "medium")
              if len(curve) and curve[f"covered_share_{each}"].notna().any()]  # fmt: skip
    if not grades:
        return None
    figure, axes, font = _chart(130, 70, face)
    cost = np.concatenate([[0.0], curve["cumulative_cost_wan_yuan"].to_numpy(dtype=float)])
    for grade, form in zip(grades, ("-", "--"), strict=False):
        start = frames.record["coverage"]["existing"][grade]
        share = np.concatenate([[start], curve[f"covered_share_{grade}"].to_numpy(dtype=float)])
        axes.plot(cost, 100 * share, form, color=PLANNED if grade == "high" else INK,
                  linewidth=1.4, drawstyle="steps-post", label=_say(grade, frames))  # fmt: skip
    axes.set(ylim=(0, 102), xlim=(0, None))
    _finish(axes, font, _say("cost", frames), _say("covered", frames))
    return figure


def _units(frames: Frames, face: Face) -> Figure | None:
    """Return beds required, today and planned by planning unit; None with fewer than two units."""
    units = frames.units[frames.units["id"] != NO_UNIT]
    if len(units) < 2:  # noqa: PLR2004 - one bar compares nothing
        return None
    shown = units.sort_values("elders", ascending=False, kind="stable")[:MOST_UNITS]
    figure, axes, font = _chart(150, 75, face)
    place = np.arange(len(shown))
    axes.bar(place - 0.2, shown["beds_existing"], 0.4, color=TODAY, label=_say("today", frames))
    axes.bar(place + 0.2, shown["beds_planned"], 0.4, color=PLANNED, label=_say("planned", frames))
    if frames.info["beds_by_unit"]:
        axes.hlines(shown["beds_required"], place - 0.45, place + 0.45, color=NEED, linewidth=1.4,
                    label=_say("required", frames))  # fmt: skip
    names = [_short(drawable(each, face)) for each in shown["id"]]
    turned = len(names) > 6 or max(map(len, names)) > 8  # noqa: PLR2004 - what fits on a line
    axes.set_xticks(place, names, rotation=60 if turned else 0, ha="right" if turned else "center")
    said = _say("units", frames, shown=len(shown), all=len(units))
    _finish(axes, font, said, _say("beds", frames))
    return figure


def _short(name: str) -> str:
    """Return a name that fits below a bar."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _lorenz(frames: Frames, face: Face) -> Figure | None:
    """Return the Lorenz curves of beds over units, today and planned; None without any."""
    lines: Any = frames.lorenz
    lines = None if lines is None else lines[lines["of"].isin(["point", "unit"])]
    if lines is None or not len(lines):
        return None
    figure, axes, font = _chart(110, 95, face)
    axes.plot([0, 100], [0, 100], color="#888888", linewidth=0.8, label=_say("even", frames))
    for (of, state), curve in lines.groupby(["of", "state"], sort=False):
        axes.plot(
            100 * curve["elders_share"], 100 * curve["amount_share"],
            "-" if of == "unit" else "--", color=TODAY if state == "existing" else PLANNED,
            linewidth=1.4, label=_say(f"{of}_{state}", frames),
        )  # fmt: skip
    axes.set(xlim=(0, 100), ylim=(0, 100), aspect="equal")
    _finish(axes, font, _say("elders_share", frames), _say("amount_share", frames))
    return figure
