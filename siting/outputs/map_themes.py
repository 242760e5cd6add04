"""The themes of the map: a code and a colour for every demand point, and the legends."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from siting.texts import figure, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from siting.outputs.frames import Frames

__all__ = ["THEMES", "density_labels", "themes", "truth"]

THEMES = ("density", "class", "before", "after")
CLASSES = ("high", "medium", "low")
CLASS_COLOURS = ("#54278f", "#9e9ac8", "#dcdaeb")
DENSITY_BREAKS = (0, 500, 1000, 2000, 3000, 5000, 10_000, 20_000)  # display only
DENSITY_COLOURS = ("#f7fcd0", "#d9f0a3", "#a8dba8", "#5fc0b0", "#2f9dbd", "#2a6fad", "#253c94",
                   "#1b1240")  # fmt: skip
BEFORE = {"covered": "#56b4e9", "uncovered": "#d55e00", "none": "#d9d9d9"}
AFTER = {
    "kept": "#56b4e9",
    "gained": "#009e73",
    "no_candidate_in_reach": "#d55e00",
    "off_network": "#595959",
    "locked_out": "#cc79a7",
    "excluded": "#882255",
    "over_limit": "#f0e442",
    "not_chosen": "#e69f00",
    "uncovered": "#a6541b",
    "none": "#d9d9d9",
}


def themes(frames: Frames, language: str) -> dict[str, dict[str, Any]]:
    """Return each theme: its label, the code of every demand point, its entries and colours."""
    demand = frames.demand
    before, after = truth(demand["covered_existing"]), truth(demand["covered"])
    reasons = demand["reason"].fillna("").astype(str)
    reasons = reasons.where(reasons.isin(AFTER), "uncovered")
    covered = np.where(before == 1, "kept", "gained")
    state = np.where(after < 0, "none", np.where(after == 1, covered, reasons))
    density = demand["density_per_km2"].to_numpy(dtype=float, na_value=0.0)
    grades = demand["density_class"].astype("object").fillna("low").astype(str)
    coded = {
        "density": np.clip(np.searchsorted(DENSITY_BREAKS, density, side="right") - 1, 0, None),
        "class": _codes(grades, CLASSES),
        "before": np.choose(before + 1, [2, 1, 0]),
        "after": _codes(state, tuple(AFTER)),
    }
    labels = {
        "density": (density_labels(language), DENSITY_COLOURS),
        "class": ([text(f"map.class_{grade}", language) for grade in CLASSES], CLASS_COLOURS),
        "before": ([text(f"map.cover_{code}", language) for code in BEFORE], BEFORE.values()),
        "after": ([text(f"map.cover_{code}", language) for code in AFTER], AFTER.values()),
    }
    elders = demand["elders"].to_numpy(dtype=float, na_value=0.0)
    return {
        key: {
            "label": text(f"map.layer_{_label(key, frames)}", language),
            "codes": coded[key],
            "entries": _entries(*labels[key], coded[key], elders, language),
        }
        for key in THEMES
    }


def _label(key: str, frames: Frames) -> str:
    """Return which name a theme has: without a plan, what comes after is the layout judged."""
    return "judged" if key == "after" and frames.record.get("status") == "audited" else key


def truth(values: pd.Series) -> np.ndarray:
    """Return 1 for true, 0 for false and -1 for empty, whatever the column is stored as."""
    words = values.astype("object").where(values.notna(), "").astype(str).str.lower()
    found = words.map({"true": 1, "1": 1, "1.0": 1, "false": 0, "0": 0, "0.0": 0}).fillna(-1)
    return np.asarray(found, dtype=int)


def _codes(values: Iterable[str], order: Sequence[str]) -> np.ndarray:
    """Return the place of each word in an order; an unknown word takes the last place."""
    places = {word: place for place, word in enumerate(order)}
    return np.array([places.get(word, len(order) - 1) for word in values], dtype=int)


def density_labels(language: str) -> list[str]:
    """Return the words for each step of density."""
    steps = [f"{step:,}" for step in DENSITY_BREAKS]
    middle = [text("map.density_range", language, low=low, high=high)
              for low, high in pairwise(steps[1:])]  # fmt: skip
    return [
        text("map.density_below", language, high=steps[1]),
        *middle,
        text("map.density_over", language, low=steps[-1]),
    ]


def _entries(
    labels: Iterable[str],
    colours: Iterable[str],
    codes: np.ndarray,
    elders: np.ndarray,
    language: str,
) -> list[dict[str, Any]]:
    """Return the legend of a theme; ``people`` is empty for an entry that no point has."""
    entries = []
    for code, (label, colour) in enumerate(zip(labels, colours, strict=True)):
        here = codes == code
        people = text("map.people", language, n=figure(elders[here].sum())) if here.any() else ""
        bad = label.startswith(text("map.cover_uncovered", language))
        entries.append({"label": label, "colour": colour, "people": people, "bad": bad})
    return entries
