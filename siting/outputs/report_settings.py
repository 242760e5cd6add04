"""The settings of a run in words: what was chosen, and whether the planner or the default did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from siting.scenario import (
    Access,
    Build,
    Density,
    Limits,
    Mix,
    Outputs,
    Report,
    Roads,
    Scenario,
    Solve,
    Units,
    Zones,
)
from siting.texts import catalogue

if TYPE_CHECKING:
    from pydantic import BaseModel

    from siting.outputs.report_told import Told

__all__ = ["CHOICES", "settings_rows"]

PARTS: dict[str, type[BaseModel]] = {
    "": Scenario, "density": Density, "network": Roads, "zones": Zones, "units": Units,
    "units.build": Build, "limits": Limits, "mix": Mix, "access": Access, "report": Report,
    "solve": Solve, "outputs": Outputs,
}  # fmt: skip
CHOICES = (
    "objective", "distance", "density.support", "density.window_m2", "density.grid_m",
    "network.max_snap_m", "network.tolerance_m", "network.node_crossings",
    "zones.overlap_m", "units", "units.build.elders", "units.build.max_area_km2",
    "units.max_outside_share", "circles", "exclude", "locks", "phases",
    "limits.budget_wan_yuan", "limits.max_new_sites", "limits.min_elders_per_new_site",
    "mix.nursing_cost_per_bed", "mix.dementia_cost_per_bed", "mix.most_nursing_share",
    "mix.most_dementia_share", "functions",
    "access.catchment_m", "access.walk_minutes", "access.walk_m_per_min",
    "access.residents_per_1000", "report.beds_over_need",
    "solve.gap", "solve.time_limit_s", "solve.threads", "solve.random_seed", "solve.solver",
    "solve.exact_below", "outputs.report_rows",
)  # fmt: skip
"""Settings that shape the plan or its figures, in the order of ``report.choice_<key>``."""


def settings_rows(told: Told) -> list[list[str]]:
    """Return one row per setting that applies: what it is, its value, who chose it."""
    scenario = told.record["settings"]["scenario"]
    changed = {each["key"] for each in told.record["settings"].get("changes", [])}
    rows = []
    for key in CHOICES:
        value, applies = _value(scenario, key)
        if not applies:
            continue
        own = value != _default(key)
        origin = "origin_changed" if key in changed else "origin_own" if own else "origin_default"
        what = told.say(f"choice_{key.replace('.', '_')}")
        rows.append([what, _words(told, key, value), told.say(origin)])
    return rows


def _value(scenario: dict[str, Any], key: str) -> tuple[Any, bool]:
    """Return the value of a dotted key, and whether the part that it belongs to is there."""
    *parents, name = key.split(".")
    part: Any = scenario
    for each in parents:
        part = part.get(each)
        if part is None:
            return None, False
    return part.get(name), True


def _default(key: str) -> Any:
    """Return the default of a dotted key."""
    parent, _, name = key.rpartition(".")
    field = PARTS[parent].model_fields.get(name)
    return None if field is None or field.is_required() else field.get_default()


def _words(told: Told, key: str, value: Any) -> str:
    """Return the value of a setting as it reads."""
    if key in LISTED:
        return LISTED[key](told, value)
    if value is None:
        return told.say("unset")
    if isinstance(value, bool):
        return told.say("yes" if value else "no")
    if isinstance(value, int | float):
        return f"{value:,.10g}"
    group = {"distance": "metric", "density.support": "support"}.get(key)
    known = group is not None and f"tables.{group}_{value}" in catalogue()
    return told.word(str(group), value) if known else str(value)


def _objective(told: Told, value: Any) -> str:
    """Return the classical model that places the sites, or that the standard's stages do."""
    return str(told.frames.info["objective"]) if value else told.say("objective_stages")


def _units(told: Told, value: Any) -> str:
    """Return where planning units come from."""
    if not value:
        return told.say("units_whole")
    if value.get("path"):
        return told.say("units_layer")
    if value.get("by"):
        return told.say("units_by", column=_role(told, value["by"]))
    return told.say("units_built")


def _circles(told: Told, value: Any) -> str:
    """Return what a circle of community care is."""
    if not value:
        return told.say("circles_default")
    if value.get("list"):
        return told.say("circles_listed", count=len(value["list"]))
    return told.say("circles_by", column=_role(told, value.get("by") or "street"))


def _role(told: Told, column: str) -> str:
    """Return a column of the zones as it reads: a role in words, another by its name."""
    known = f"tables.scope_{column}" in catalogue()
    return told.word("scope", column) if known else told.say("column", column=column)


def _exclude(told: Told, value: Any) -> str:
    """Return the areas where nothing new may stand."""
    names = [
        told.say("excluded", name=each["name"], metres=f"{each.get('buffer_m', 0):g}")
        for each in value or []
    ]
    return told.say("comma").join(names) or told.say("none")


def _locks(told: Told, value: Any) -> str:
    """Return how many decisions were taken before."""
    counts = {name: len((value or {}).get(name) or ()) for name in ("open", "forbid", "beds")}
    return told.say("locks", **counts) if any(counts.values()) else told.say("none")


def _phases(told: Told, value: Any) -> str:
    """Return the years of the phases."""
    return told.say("comma").join(str(each["year"]) for each in value or []) or told.say("none")


def _functions(told: Told, value: Any) -> str:
    """Return how many functions may be added."""
    return told.say("count_of", count=len(value)) if value else told.say("none")


LISTED = {
    "objective": _objective, "units": _units, "circles": _circles, "exclude": _exclude,
    "locks": _locks, "phases": _phases, "functions": _functions,
}  # fmt: skip
"""Settings that are said in their own words."""
