"""Circles of community care: which there are, and which zones lie in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from siting.demand import contains
from siting.errors import Fault, ScenarioError, nearest_name
from siting.units import NO_UNIT, column_values, named_column, require_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from siting.demand import Demand, Zones
    from siting.scenario import Circles, NamedCircle, Scenario
    from siting.tables import DataCheck
    from siting.units import PlanningUnits

__all__ = ["ZoneGroups", "group_zones", "low_ageing", "unit_residents", "unknown_area"]

SHOWN = 5
BY_UNIT = "unit"


@dataclass(frozen=True)
class ZoneGroups:
    """
    Zones put together.

    Attributes
    ----------
    id
        (n,) names, sorted.
    of_zone
        (n_zones,) group of each zone, -1 where it lies in none.
    """

    id: NDArray[np.object_]
    of_zone: NDArray[np.int64]


def group_zones(scenario: Scenario, zones: Zones | None, check: DataCheck) -> ZoneGroups | None:
    """
    Return the circles made of zones; None where circles are planning units, or no file tells.

    Parameters
    ----------
    scenario
        Says how circles are made: by streets unless it says otherwise.
    zones
        Zones with their columns.
    check
        Takes the zones that lie in no circle.

    Raises
    ------
    ScenarioError
        If circles need zones or streets that are not given, or a listed circle names a street or
        zone that there is not, or one that lies in another circle.
    MissingColumnError
        If the column that circles are made by is not in the zones' file.
    """
    part = scenario.circles
    by = (part.by if part is not None else None) or "street"
    if by == BY_UNIT:
        return None
    if zones is None or scenario.zones is None:
        if part is None:
            return None
        raise ScenarioError.of("needs", "circles", key="circles", names="zones")
    if part is not None and part.list:
        found = _listed(part, zones, scenario.zones.street)
    elif by == "street" and scenario.zones.street is None:
        if part is None:
            return None
        raise ScenarioError.of("needs", "circles", key="circles", names="zones.street")
    else:
        column = named_column(scenario, by)
        require_column(zones.source, column, "circles.by")
        found = ZoneGroups(*column_values(zones.source, column))
    out = np.flatnonzero(found.of_zone < 0)
    if len(out):
        check.add(
            "warning", "no_circle", zones.source.name, count=len(out),
            elders=float(zones.elders[out].sum()), examples=zones.id[out],
        )  # fmt: skip
    return found


def _listed(part: Circles, zones: Zones, column: str | None) -> ZoneGroups:
    """Return the circles that the scenario lists by their streets and zones."""
    names = [each.name for each in part.list]
    twice = sorted({each for each in names if names.count(each) > 1})
    if twice:
        raise ScenarioError.of("circle_twice", "circles.list", twice)
    if column is None and any(each.streets for each in part.list):
        raise ScenarioError.of("needs", "circles.list", key="circles.list", names="zones.street")
    streets = zones.source.texts(column)
    order = {name: k for k, name in enumerate(sorted(names))}
    of_zone = np.full(len(zones.id), -1, dtype=np.int64)
    faults: list[Fault] = []
    shared: list[str] = []
    for number, circle in enumerate(part.list):
        faults += _unknown_members(circle, number, zones, streets)
        here = np.isin(streets, list(circle.streets)) | np.isin(zones.id, list(circle.zones))
        taken = np.flatnonzero(here & (of_zone >= 0)).tolist()
        shared += [f"{zones.id[k]} ({sorted(names)[of_zone[k]]}, {circle.name})" for k in taken]
        of_zone[here] = order[circle.name]
    if shared:
        faults.append(Fault("zone_in_two_circles", "circles.list", {}, tuple(shared)))
    if faults:
        raise ScenarioError(*faults)
    return ZoneGroups(np.array(sorted(names), dtype=object), of_zone)


def _unknown_members(
    circle: NamedCircle, number: int, zones: Zones, streets: NDArray[np.object_]
) -> Iterator[Fault]:
    """Give the fault of each street or zone of a circle that there is not."""
    known = {"streets": sorted(set(streets) - {""}), "zones": sorted(map(str, zones.id))}
    for key, allowed in known.items():
        for name in getattr(circle, key):
            if name not in allowed:
                where = f"{zones.source.name} circles.list.{number}.{key}"
                yield unknown_area(name, allowed, where)


def low_ageing(scenario: Scenario, names: NDArray[np.object_]) -> NDArray[np.bool_] | None:
    """
    Return the circles that the planner marks as low in elders; None where none is marked.

    Raises
    ------
    ScenarioError
        If there is no circle of a name.
    """
    marked = scenario.circles.low_ageing if scenario.circles is not None else ()
    known = [str(each) for each in names]
    where = "circles.low_ageing"
    faults = [unknown_area(each, known, where) for each in marked if each not in known]
    if faults:
        raise ScenarioError(*faults)
    return np.isin(names.astype(str), list(marked)) if marked else None


def unknown_area(found: str, allowed: Sequence[str], where: str) -> Fault:
    """Return the fault of a name that no area has, with the first that there are."""
    guess = nearest_name(found, list(allowed))
    code = "unknown_area_near" if guess else "unknown_area"
    shown = ", ".join(allowed[:SHOWN]) + (" …" if len(allowed) > SHOWN else "")
    values = {"found": found, "count": len(allowed), "allowed": shown or "–", "guess": guess}
    return Fault(code, where, values)


def unit_residents(
    units: PlanningUnits,
    demand: Demand,
    zones: Zones,
    residents: NDArray[np.float64],
    check: DataCheck,
) -> NDArray[np.float64]:
    """
    Return the residents of each planning unit, those of its zones.

    A unit that shares a zone's elders with another has no known number, and the check counts it.

    Parameters
    ----------
    units
        Planning units; what lies in none is left out of the result.
    demand, zones
        Elders by point and zone.
    residents
        (n,) residents of each zone.
    check
        Takes the units whose residents are not known.

    Returns
    -------
    residents
        (n,) residents of each planning unit, NaN where they are not known.
    """
    inner = zones.shapes.representative_point()
    of_zone = contains(units.shapes, units.id, np.column_stack([inner.x, inner.y]))
    n = int((units.id != NO_UNIT).sum())
    on = (of_zone >= 0) & (of_zone < n)
    total = np.bincount(of_zone[on], weights=residents[on], minlength=n).astype(np.float64)
    placed = (demand.zone >= 0) & (demand.elders > 0)
    pairs = np.column_stack([of_zone[demand.zone[placed]], units.of_demand[placed]])
    both = pairs[pairs[:, 0] != pairs[:, 1]].ravel()
    split = np.unique(both[(both >= 0) & (both < n)])
    if len(split):
        check.add(
            "warning", "circle_residents", "circles", count=len(split), examples=units.id[split]
        )
    total[split] = np.nan
    return total
