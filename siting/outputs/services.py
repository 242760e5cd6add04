"""Tables of services: functions by circle, money by facility and payer, staff by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.audit_homes import subsidies
from siting.standards import FUNCTIONS

if TYPE_CHECKING:
    from siting.audit import Audit
    from siting.prepare import Prepared

__all__ = ["circles_frame", "money_frame", "staff_frame"]

MONEY_COLUMNS = ["facility_id", "rule_id", "clause", "payer", "often", "amount_wan_yuan"]
STAFF_COLUMNS = ["rule_id", "scope", "scope_id", "staff", "required", "measured", "verdict", "note"]


def circles_frame(prepared: Prepared, plan: Audit) -> gpd.GeoDataFrame | None:
    """
    Return one row per circle with the status of each function that a rule asks for.

    A status is ``built``, ``planned``, ``reserved``, ``missing`` or ``unknown``; None without
    streets or without such rules.
    """
    problem = prepared.problem
    circles = problem.areas.get("circle")
    rules = {rule.id: rule.parameters.function for rule in problem.of_kind("presence")}
    if circles is None or not rules or prepared.zones is None:
        return None
    status: dict[str, dict[str, str]] = {}
    for each in plan.findings:
        if each.rule_id in rules and each.scope == "circle":
            word = "unknown" if each.verdict == "unknown" else each.note.split(":")[0]
            status.setdefault(rules[each.rule_id], {})[each.scope_id] = word
    names = [name for name in FUNCTIONS if name in status]
    names += sorted(set(status) - set(names))
    columns = {name: [status[name].get(str(c), "") for c in circles.id] for name in names}
    table = {
        "id": circles.id,
        "elders": circles.elders,
        "residents": circles.residents,
        "ageing_share": circles.ageing_share,
    } | columns
    return gpd.GeoDataFrame(table, geometry=_shapes(prepared), crs=prepared.zones.shapes.crs)


def _shapes(prepared: Prepared) -> list[object]:
    """Return the area of each circle: its zones together."""
    areas, zones = prepared.problem.areas, prepared.zones
    street = areas["zone"].street
    if zones is None or street is None:  # pragma: no cover - circles come from zones
        return []
    shapes = np.asarray(zones.shapes)
    return [shapely.union_all(shapes[street == k]) for k in range(len(areas["circle"].id))]


def money_frame(prepared: Prepared, plan: Audit) -> pd.DataFrame:
    """Return one row per facility and subsidy that a rule pays on the plan, 万元."""
    problem = prepared.problem
    rows = []
    for rule in problem.of_kind("money"):
        paid = subsidies(problem, plan.judged, rule)
        if paid is None:
            continue
        often = "yearly" if rule.parameters.yearly else "once"
        for site in np.flatnonzero(paid > 0).tolist():
            rows.append(
                [
                    problem.sites.id[site],
                    rule.id,
                    rule.clause,
                    rule.parameters.payer,
                    often,
                    paid[site],
                ]
            )
    return pd.DataFrame(rows, columns=MONEY_COLUMNS)


def staff_frame(prepared: Prepared, plan: Audit) -> pd.DataFrame:
    """Return what every rule of staff asks for and what the files say there is."""
    staffed = {
        rule.id: rule.parameters.staff
        for rule in prepared.problem.of_kind("ratio")
        if rule.parameters.staff is not None
    }
    rows = [
        [
            each.rule_id, each.scope, each.scope_id, staffed[each.rule_id], each.required,
            each.measured, each.verdict, each.note,
        ]
        for each in plan.findings
        if each.rule_id in staffed
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=STAFF_COLUMNS)
