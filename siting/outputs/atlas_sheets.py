"""The sheets of the atlas, in order: what each is called, draws and tells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from siting.outputs import atlas_layers, atlas_marks, atlas_tables
from siting.outputs.atlas_guide import guide_design, guide_title
from siting.outputs.sheet import Design, sheet_title
from siting.outputs.sheet_labels import draw_labels
from siting.outputs.sheet_map import draw_layers
from siting.outputs.sheet_panel import plan_blocks
from siting.outputs.sheet_window import extent
from siting.texts import text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from siting.outputs.frames import Frames
    from siting.outputs.sheet_map import Symbol
    from siting.outputs.sheet_window import Window

__all__ = ["Entry", "design_of", "entries", "title_of"]

SURROUNDINGS = 0.15
"""How far the sheet of the location looks beyond the study area, in parts of its longer side."""
THEMES: dict[str, tuple[Any, Any, Any]] = {
    "location": (atlas_layers.draw_ground, atlas_marks.label_ground, atlas_tables.ground_blocks),
    "density": (atlas_layers.draw_density, atlas_marks.label_plain, atlas_tables.density_blocks),
    "classes": (atlas_layers.draw_classes, atlas_marks.label_plain, atlas_tables.class_blocks),
    "existing": (atlas_layers.draw_before, atlas_marks.label_today, atlas_tables.today_blocks),
    "units": (atlas_layers.draw_balance, atlas_marks.label_balance, atlas_tables.balance_blocks),
    "plan": (draw_layers, draw_labels, plan_blocks),
    "coverage": (atlas_layers.draw_after, atlas_marks.label_plan, atlas_tables.coverage_blocks),
    "uncovered": (atlas_layers.draw_reasons, atlas_marks.label_plan, atlas_tables.reason_blocks),
    "functions": (
        atlas_layers.draw_circles, atlas_marks.label_functions, atlas_tables.function_blocks,
    ),
    "supply": (atlas_layers.draw_supply, atlas_marks.label_supply, atlas_tables.supply_blocks),
}  # fmt: skip
"""Key of a sheet to its layers, its names on the map, and its tables."""


@dataclass(frozen=True)
class Entry:
    """
    One sheet of the atlas.

    Attributes
    ----------
    number
        From 1.
    key
        A key of ``THEMES``, ``phase`` or ``guide``.
    of
        Of a phase its year, of a guide the position of its place; else -1.
    """

    number: int
    key: str
    of: int = -1

    @property
    def code(self) -> str:
        """The number with two digits."""
        return f"{self.number:02d}"

    @property
    def stem(self) -> str:
        """Name of the files of the sheet, without ending: plain letters and digits."""
        year = f"-{self.of}" if self.key == "phase" else ""
        return f"{self.code}-{self.key}{year}"


def entries(frames: Frames) -> list[Entry]:
    """
    Return the sheets that a run has.

    Themes that a run has nothing for have no sheet: functions without circles, and reasons where
    no rule asks for a distance. A plan with phases has a sheet for each; places have one each if
    there is more than one.
    """
    keys: list[tuple[str, int]] = []
    for key in THEMES:
        if key == "plan" and _years(frames):
            keys += [("phase", year) for year in _years(frames)]
        elif _has(frames, key):
            keys.append((key, -1))
    places = frames.places
    if places is not None and len(places) > 1:
        shapes = places.geometry
        here = np.flatnonzero((shapes.notna() & ~shapes.is_empty).to_numpy())
        keys += [("guide", place) for place in here.tolist()]
    return [Entry(number, key, of) for number, (key, of) in enumerate(keys, start=1)]


def _has(frames: Frames, key: str) -> bool:
    """Return whether a run has something to show on a sheet."""
    if key in {"existing", "coverage", "uncovered"}:
        return bool(frames.distance_classes) or key == "existing"
    return key != "functions" or frames.circles is not None


def _years(frames: Frames) -> list[int]:
    """Return the years of the phases; none where there is one at most."""
    phases = frames.phases
    return [] if phases is None or len(phases) < 2 else [int(each) for each in phases["year"]]  # noqa: PLR2004


def title_of(frames: Frames, entry: Entry, name: str) -> str:
    """Return the title of a sheet for the name of the plan."""
    language = frames.info["language"]
    if entry.key == "guide" and frames.places is not None:
        return guide_title(frames, _place(frames, entry), name)
    if entry.key == "plan":
        return sheet_title(frames)(name)
    if entry.key == "phase":
        years = _years(frames)
        kind = "near" if entry.of == years[0] else "far" if entry.of == years[-1] else "middle"
        return text(f"atlas.title_{kind}", language, name=name, year=entry.of)
    kind = entry.key
    if kind == "coverage" and frames.record.get("status") == "audited":
        kind = "coverage_audited"
    return text(f"atlas.title_{kind}", language, name=name)


def _place(frames: Frames, entry: Entry) -> Any:
    """Return the place of a guide page, as a named row."""
    places = frames.places
    assert places is not None  # noqa: S101 - it has a guide page
    return next(places.iloc[[entry.of]].itertuples())


def design_of(frames: Frames, entry: Entry) -> Design:
    """Return the design of a sheet."""
    if entry.key == "guide":
        return guide_design(frames, _place(frames, entry), entry.code)
    title = partial(title_of, frames, entry)
    bounds = extent(frames)
    if entry.key == "phase":
        return Design(
            title, partial(_year_layers, entry.of), partial(atlas_marks.label_year, entry.of),
            partial(atlas_tables.year_blocks, entry.of), bounds, entry.code,
        )  # fmt: skip
    if entry.key == "location":
        x0, y0, x1, y1 = bounds
        wide = max(x1 - x0, y1 - y0) * SURROUNDINGS
        bounds = (x0 - wide, y0 - wide, x1 + wide, y1 + wide)
    layers, labels, blocks = THEMES[entry.key]
    return Design(title, layers, labels, blocks, bounds, entry.code)


def _year_layers(year: int, axes: Axes, frames: Frames, window: Window) -> list[Symbol]:
    """Draw the layout as it stands in the year of a phase."""
    return atlas_layers.draw_year(axes, frames, window, year)
