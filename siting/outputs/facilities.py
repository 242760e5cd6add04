"""The table of facilities: what stands where in a layout, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siting.demand import CLASSES
from siting.outputs.places import place_of_sites
from siting.study.phases import added_functions, upgraded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from siting.audit import Audit
    from siting.prepare import Prepared
    from siting.problem import Layout, Problem
    from siting.study.phases import PhasePlan

__all__ = [
    "PHASE_SITE_COLUMNS",
    "facilities_frame",
    "phase_sites_frame",
    "site_counts",
    "what_becomes",
]

PHASE_SITE_COLUMNS = ["year", "id", "status", "beds", "added_beds"]


def facilities_frame(
    prepared: Prepared,
    layout: Layout,
    plan: Audit,
    curve: pd.DataFrame,
    changed_in: NDArray[np.int64],
) -> gpd.GeoDataFrame:
    """Return one row per existing or opened facility."""
    problem, sites = prepared.problem, prepared.problem.sites
    shown = np.flatnonzero(sites.is_existing | layout.is_open)
    points = gpd.GeoSeries(shapely.points(sites.xy[shown]), crs=prepared.demand.shapes.crs)
    degrees = points.to_crs(4326)
    rank = dict(zip(curve["id"], curve["rank"], strict=True))
    beds = layout.beds[shown]
    within = problem.elders_within_standard()
    added = added_functions(problem.existing_layout(), layout)
    unit = np.append(problem.unit_id, "")[problem.site_unit[shown]]
    table = {
        "id": sites.id[shown],
        "name": sites.name[shown],
        "status": _status(problem, layout)[shown],
        "x": sites.xy[shown, 0],
        "y": sites.xy[shown, 1],
        "lon": degrees.x.to_numpy(),
        "lat": degrees.y.to_numpy(),
        "beds": beds,
        "added_beds": np.where(layout.is_open, layout.beds - sites.beds, 0)[shown],
        "nursing_beds": _told(layout.nursing_beds, sites.knows_nursing)[shown],
        "dementia_beds": _told(layout.dementia_beds, sites.knows_dementia)[shown],
        "unit_id": unit,
        "cost_wan_yuan": problem.cost(layout)[shown],
        "elders_within_standard": np.where(plan.judged.qualifies, within, 0.0)[shown],
        "kind": sites.kind[shown],
        "qualifies": plan.judged.qualifies[shown],
        "rules": _rules_served(problem, plan)[shown],
        "rank": pd.array([rank.get(name) for name in sites.id[shown]], dtype="Int64"),
        "functions": [_function_list(each) for each in layout.functions[shown]],
        "added_functions": [_function_list(added[site]) for site in shown.tolist()],
        "phase": pd.array([year or None for year in changed_in[shown].tolist()], dtype="Int64"),
        "stands_today": sites.is_existing[shown],
        "beds_today": sites.beds[shown],
        "tenure": sites.tenure[shown],
        "land_code": sites.land_code[shown],
        "area_m2": sites.area_m2[shown],
        "place": place_of_sites(problem)[shown],
    }
    return gpd.GeoDataFrame(table, geometry=points)


def phase_sites_frame(phases: Sequence[PhasePlan]) -> pd.DataFrame:
    """
    Return what stands in each phase: one row per year and open facility, or home that is closed.

    ``beds``, and ``added_beds`` (more than today), are those of the year.
    """
    parts = []
    for phase in phases:
        sites, layout = phase.problem.sites, phase.layout
        shown = np.flatnonzero(sites.is_existing | layout.is_open)
        table = {
            "year": phase.year,
            "id": sites.id[shown],
            "status": _status(phase.problem, layout)[shown],
            "beds": layout.beds[shown],
            "added_beds": np.where(layout.is_open, layout.beds - sites.beds, 0)[shown],
        }
        parts.append(pd.DataFrame(table, columns=PHASE_SITE_COLUMNS))
    return pd.concat(parts, ignore_index=True)


def _told(beds: NDArray[np.int64], known: NDArray[np.bool_]) -> Any:
    """Return beds of a kind, missing where no file tells of them."""
    return pd.arrays.IntegerArray(beds.astype(np.int64), ~known)


def _function_list(functions: frozenset[str] | None) -> str | None:
    """Return functions as a cell lists them; None where they are not known."""
    return None if functions is None else ", ".join(sorted(functions))


def _status(problem: Problem, layout: Layout) -> NDArray[np.object_]:
    """Return the status of every site in a layout."""
    sites = problem.sites
    status = np.where(sites.is_existing, "existing", "new").astype(object)
    status[sites.is_existing & (layout.beds > sites.beds)] = "extended"
    status[problem.site_unit < 0] = "outside"
    status[sites.is_existing & ~layout.is_open] = "closed"
    return status


def what_becomes(facility: Any) -> str:
    """Return a row's status; ``upgraded`` for a home that stays, beds turned or functions added."""
    is_changed = facility.status == "existing" and not pd.isna(facility.phase)
    return "upgraded" if is_changed else str(facility.status)


def _rules_served(problem: Problem, plan: Audit) -> NDArray[np.object_]:
    """Return, for each facility that counts, the ids of the rules in force that it serves."""
    served: list[list[str]] = [[] for _ in range(problem.sites.n)]
    covers = problem.covers
    for rule in problem.rules:
        if rule in problem.distance_rules:
            points = problem.density_class == CLASSES.index(rule.parameters.density_class)
            helps = np.asarray(covers @ points.astype(float)) > 0
        elif rule in (*problem.bed_rules, *problem.place_rules):
            helps = problem.site_unit >= 0
        else:
            continue
        for site in np.flatnonzero(helps & plan.judged.qualifies).tolist():
            served[site].append(rule.id)
    return np.array([" ".join(each) for each in served], dtype=object)


def site_counts(problem: Problem, layout: Layout) -> dict[str, int]:
    """
    Return how many homes and candidates are given, and how many a layout opens or changes.

    A home is upgraded if it has beds turned or functions added, but no more beds than today.
    """
    sites = problem.sites
    extended = sites.is_existing & layout.is_open & (layout.beds > sites.beds)
    return {
        "existing": int(sites.is_existing.sum()),
        "new": int((layout.is_open & ~sites.is_existing).sum()),
        "extended": int(extended.sum()),
        "upgraded": int(upgraded(problem.existing_layout(), layout).sum()),
        "candidates": int((~sites.is_existing).sum()),
    }
