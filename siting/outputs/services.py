"""Tables of services: functions by circle, staff by rule, conflicts of rules."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.audit_beds import needed_by_area
from siting.circles import group_zones
from siting.conflict import NUMBERS
from siting.finding import areas_of
from siting.standards import FUNCTIONS, STAFF
from siting.tables import DataCheck
from siting.texts import catalogue, text

if TYPE_CHECKING:
    from siting.areas import Areas
    from siting.audit import Audit
    from siting.finding import Finding
    from siting.prepare import Prepared
    from siting.problem import Problem
    from siting.standards import Rule

__all__ = [
    "ABOUT_CIRCLES",
    "CONFLICT_COLUMNS",
    "STAFF_COLUMNS",
    "circle_counts",
    "circles_frame",
    "conflicts_frame",
    "function_words",
    "functions_of",
    "name_words",
    "staff_frame",
    "status_words",
]  # fmt: skip

ABOUT_CIRCLES = ["id", "elders", "residents", "ageing_share"]
CONFLICT_COLUMNS = [
    "conflict", "rule_id", "clause", "other_id", "other_clause", "scope", "scope_id", "count",
    "required", "other_required", "measured", "possible", "unit", "note", "examples", "message",
]  # fmt: skip
STAFF_COLUMNS = [
    "rule_id", "clause", "scope", "scope_id", "staff", "required", "measured", "unit", "verdict",
    "note", "enforced",
]  # fmt: skip
ANY = "|"
"""Between functions any of which will do."""
WORST = ("not_applicable", "built", "planned", "reserved", "unknown", "missing")
"""Statuses of a function in a circle: of two rules for one function, the later one here holds."""


def circles_frame(prepared: Prepared, plan: Audit) -> gpd.GeoDataFrame | None:
    """
    Return one row per circle with the status of each function that a rule asks for.

    A status is ``built``, ``planned``, ``reserved:<id of the site>``, ``missing``,
    ``not_applicable`` or ``unknown``; None without circles or without such rules.
    """
    problem = prepared.problem
    circles = problem.areas.get("circle")
    rules = {
        rule.id: ANY.join(rule.parameters.functions)
        for rule in problem.of_kind("presence")
        if rule.parameters.per == "circle"
    }
    if circles is None or not rules:
        return None
    status: dict[str, dict[str, str]] = {name: {} for name in rules.values()}
    for each in plan.findings:
        if each.rule_id in rules and each.scope == "circle":
            seen = status[rules[each.rule_id]]
            seen[each.scope_id] = _worse(seen.get(each.scope_id), _status(each))
    names = [name for name in FUNCTIONS if name in status]
    names += sorted(set(status) - set(names))
    table = {
        "id": circles.id,
        "elders": circles.elders,
        "residents": circles.residents,
        "ageing_share": circles.ageing_share,
    } | {name: [status[name].get(str(c), "not_applicable") for c in circles.id] for name in names}
    shapes = _shapes(prepared, circles)
    return gpd.GeoDataFrame(table, geometry=shapes, crs=prepared.units.shapes.crs)


def circle_counts(prepared: Prepared, plan: Audit) -> dict[str, dict[str, int]]:
    """Return how many circles have each status, by function; empty without circles."""
    table = circles_frame(prepared, plan)
    if table is None:
        return {}
    return {
        name: {word: int(n) for word, n in table[name].str.split(":").str[0].value_counts().items()}
        for name in functions_of(table)
    }


def functions_of(circles: pd.DataFrame) -> list[str]:
    """Return the columns of a table of circles that are functions."""
    return [
        name for name in circles.columns if name not in {*ABOUT_CIRCLES, "estimate", "geometry"}
    ]


def status_words(status: str, language: str) -> str:
    """Return the mark and the word of a status, with the reserved site where there is one."""
    word, _, site = status.partition(":")
    said = text(f"services.status_{word}", language)
    return f"{said} {site}" if site else said


def name_words(name: str, language: str) -> str:
    """Return the words for a function, or for several; one of the planner's own is its own."""
    parts = name.split(ANY)
    known = [text(f"names.{each}", language) if f"names.{each}" in catalogue() else each
             for each in parts]  # fmt: skip
    return " / ".join(known)


def function_words(listed: Any, language: str) -> str | None:
    """Return the words for the functions that a cell lists; None where it lists none."""
    if pd.isna(listed) or not listed:
        return None
    words = [name_words(each, language) for each in str(listed).split(", ")]
    return text("kinds.comma", language).join(words)


def conflicts_frame(found: list[dict[str, Any]]) -> pd.DataFrame:
    """Return one row per conflict, from the record of the run."""
    rows = [
        each | {"conflict": each["kind"], "examples": "; ".join(each["examples"])} for each in found
    ]
    table = pd.DataFrame(rows, columns=CONFLICT_COLUMNS)
    return table.astype(dict.fromkeys(NUMBERS, float))


def _status(found: Finding) -> str:
    """Return the status that a finding tells of."""
    if found.verdict in {"unknown", "not_applicable"}:
        return found.verdict
    return found.note


def _worse(one: str | None, other: str) -> str:
    """Return the status of two that asks for more."""
    if one is None:
        return other
    return max(one, other, key=lambda each: WORST.index(each.split(":")[0]))


def _shapes(prepared: Prepared, circles: Areas) -> list[object]:
    """Return the area of each circle: its zones together, or its planning unit."""
    zones, units = prepared.zones, prepared.units
    groups = group_zones(prepared.scenario, zones, DataCheck())
    if zones is None or groups is None:
        shape = dict(zip(units.id, units.shapes, strict=True))
        return [shape.get(name) for name in circles.id]
    shapes = np.asarray(zones.shapes)
    whole = {
        name: shapely.union_all(shapes[groups.of_zone == k]) for k, name in enumerate(groups.id)
    }
    return [whole.get(name) for name in circles.id]


def staff_frame(prepared: Prepared, plan: Audit) -> pd.DataFrame | None:
    """
    Return what every rule of staff asks for and what the files say there is; None without one.

    What is asked for stands there also where no file tells of the staff.
    """
    rules = {each.id: each for each in prepared.problem.rules if _staff_of(each) is not None}
    if not rules:
        return None
    rows = []
    for found in plan.findings:
        if found.rule_id not in rules:
            continue
        rule = rules[found.rule_id]
        places = _untold(prepared.problem, plan, rule, found) or [found]
        rows += [
            [
                each.rule_id, each.clause, each.scope, each.scope_id, _staff_of(rule),
                each.required, each.measured,
                "share" if each.unit == "share" else "persons", each.verdict, each.note,
                each.enforced,
            ]
            for each in places
        ]  # fmt: skip
    return pd.DataFrame(rows, columns=STAFF_COLUMNS)


def _staff_of(rule: Rule) -> str | None:
    """Return the staff that a rule is about, or None."""
    asked = rule.parameters
    name = {"ratio": "staff", "share": "part", "threshold": "needs"}.get(rule.kind)
    staff = getattr(asked, name) if name is not None else None
    return staff if staff in STAFF else None


def _untold(problem: Problem, plan: Audit, rule: Rule, found: Finding) -> list[Finding]:
    """Return a finding without numbers with what is asked for, of a ratio one for each area."""
    if found.verdict != "unknown" or not np.isnan(found.required):
        return []
    if rule.kind != "ratio":
        name = "min_share" if rule.kind == "share" else "at_least"
        asked = getattr(rule.parameters, name)
        return [replace(found, required=1.0 if asked is None else float(asked))]
    areas = areas_of(problem, rule) if rule.parameters.area != "facility" else None
    needed = needed_by_area(problem, plan.judged, rule, areas) if areas is not None else None
    if areas is None or needed is None:
        return []
    return [
        replace(found, scope=rule.parameters.area, scope_id=str(name), required=need)
        for name, need in zip(areas.id, needed, strict=True)
    ]
