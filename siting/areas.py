"""Areas that rules are counted in: districts, streets, islands, circles, zones, the whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from siting.circles import group_zones, low_ageing, unit_residents, unknown_area
from siting.demand import contains
from siting.errors import ScenarioError
from siting.standards import packaged_standards
from siting.units import NO_UNIT, column_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.demand import Demand, Zones
    from siting.scenario import Scenario
    from siting.standards import Rule, Standard
    from siting.tables import DataCheck
    from siting.units import PlanningUnits

__all__ = ["Areas", "find_areas", "refuse_unknown_areas", "some_areas"]

URBAN = "街道"
"""A street is urban if its name ends like this; any other (镇, 乡) is a town."""

BY_STREET = frozenset({"zone", "urban_zone", "village"})
"""Kinds of areas that may be named by the street or town that they lie in."""


@dataclass(frozen=True)
class Areas:
    """
    Areas of one kind.

    Attributes
    ----------
    id
        (n,) ids, sorted.
    of_site, of_demand
        Area of each site and demand point, -1 where there is none.
    elders
        (n,) elders of the demand points.
    residents
        (n,) residents of the zones, NaN where they are not given.
    street
        (n,) for zones: position of the street or town that each lies in, -1 where there is none.
    low_ageing
        (n,) for circles: those that the planner marks as low in elders; None where none is.
    """

    id: NDArray[np.object_]
    of_site: NDArray[np.int64]
    of_demand: NDArray[np.int64]
    elders: NDArray[np.float64]
    residents: NDArray[np.float64]
    street: NDArray[np.int64] | None = None
    low_ageing: NDArray[np.bool_] | None = None

    @property
    def ageing_share(self) -> NDArray[np.float64]:
        """Elders over residents; NaN where residents are not given."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.elders / self.residents)

    def some(self, keep: NDArray[np.bool_]) -> Areas:
        """Return some of the areas."""
        place = np.full(len(self.id) + 1, -1, dtype=np.int64)
        place[np.flatnonzero(keep)] = np.arange(int(keep.sum()))
        return Areas(
            self.id[keep], place[self.of_site], place[self.of_demand], self.elders[keep],
            self.residents[keep], None if self.street is None else self.street[keep],
            None if self.low_ageing is None else self.low_ageing[keep],
        )  # fmt: skip


@dataclass(frozen=True)
class _Ground:
    """Zones, and the points and sites that lie in them."""

    demand: Demand
    zones: Zones
    zone_of_site: NDArray[np.int64]
    residents: NDArray[np.float64] | None

    def areas(self, names: NDArray[np.object_], of_zone: NDArray[np.int64]) -> Areas:
        """Return areas made of whole zones; -1 is a zone in none."""
        place = np.append(of_zone, -1)
        live = None if self.residents is None else _sum(of_zone, self.residents, len(names))
        where = place[self.zone_of_site], place[self.demand.zone]
        return _areas(names, *where, self.demand.elders, live)


def find_areas(
    scenario: Scenario,
    demand: Demand,
    zones: Zones | None,
    units: PlanningUnits,
    site_xy: NDArray[np.float64],
    inside: NDArray[np.bool_],
    *,
    check: DataCheck,
) -> dict[str, Areas]:
    """
    Return the areas of every kind that the scenario's files know.

    Streets, districts and islands are columns declared under ``zones:``. A circle is a street or
    town unless ``circles:`` says otherwise. A kind that no file tells of is absent: rules over it
    end as unknown.

    Parameters
    ----------
    scenario
        Names the columns, and says how circles are made.
    demand, zones, units
        As placed.
    site_xy, inside
        (n, 2) sites, and which lie in the study area.
    check
        Takes the zones that lie in no circle, and the islands.

    Returns
    -------
    areas
        Kind of area to its areas.

    Raises
    ------
    ScenarioError
        If ``circles:`` names what there is not, or puts a zone into two circles.
    MissingColumnError
        If circles are made by a column that the zones' file does not have.
    """
    residents = _residents(scenario, zones)
    everywhere = np.zeros(len(demand.id), dtype=np.int64)
    whole = float(residents.sum()) if residents is not None else np.nan
    found = {
        "all": _areas(np.array(["all"], dtype=object), np.where(inside, 0, -1), everywhere,
                      demand.elders, np.array([whole])),
        "unit": _areas(units.id, units.of_site, units.of_demand, demand.elders, None).some(
            units.id != NO_UNIT
        ),
    }  # fmt: skip
    ground = None
    if zones is not None:
        zone_of_site = np.where(inside, contains(zones.shapes, zones.id, site_xy), -1)
        ground = _Ground(demand, zones, zone_of_site, residents)
        found |= _made_of_zones(scenario, ground, check)
    circles = _circles(scenario, ground, units, found, check)
    return found if circles is None else found | {"circle": circles}


def _made_of_zones(scenario: Scenario, ground: _Ground, check: DataCheck) -> dict[str, Areas]:
    """Return zones, and streets, districts and islands where columns tell of them."""
    zones = ground.zones
    zone = _areas(
        zones.id, ground.zone_of_site, ground.demand.zone, ground.demand.elders, ground.residents
    )
    found = {"zone": zone}
    for kind in ("street", "district", "island"):
        column = getattr(scenario.zones, kind)
        if column is None:
            continue
        names, of_zone = column_values(zones.source, column)
        found[kind] = ground.areas(names, of_zone)
        if kind == "street":
            found["zone"] = replace(zone, street=of_zone)
    if "island" in found:
        island = found["island"]
        check.add(
            "info", "islands", zones.source.name, count=len(island.id),
            elders=float(island.elders.sum()), examples=island.id,
        )  # fmt: skip
    return found | (_urban_and_rural(found["zone"], found["street"]) if "street" in found else {})


def _urban_and_rural(zone: Areas, street: Areas) -> dict[str, Areas]:
    """Return urban zones and streets, villages and towns, told apart by the names of streets."""
    urban = np.array([str(name).endswith(URBAN) for name in street.id], dtype=bool)
    in_town = np.append(~urban, False)[zone.street]
    in_city = np.append(urban, False)[zone.street]
    return {
        "urban_zone": zone.some(in_city), "village": zone.some(in_town),
        "urban_street": street.some(urban), "town": street.some(~urban),
    }  # fmt: skip


def _circles(
    scenario: Scenario,
    ground: _Ground | None,
    units: PlanningUnits,
    found: dict[str, Areas],
    check: DataCheck,
) -> Areas | None:
    """Return the circles, those marked as low in elders among them; None where no file tells."""
    groups = group_zones(scenario, None if ground is None else ground.zones, check)
    if scenario.circles is None:
        return found.get("street")
    if groups is not None and ground is not None:
        circles = ground.areas(groups.id, groups.of_zone)
    else:
        circles = found["unit"]
        if ground is not None and ground.residents is not None:
            live = unit_residents(units, ground.demand, ground.zones, ground.residents, check)
            circles = replace(circles, residents=live)
    return replace(circles, low_ageing=low_ageing(scenario, circles.id))


def refuse_unknown_areas(standard: Standard, areas: dict[str, Areas], file: str) -> None:
    """
    Refuse rules over named areas that there are not, where a planner wrote the names.

    A packaged standard may name areas that lie elsewhere: its rules find nothing to judge here.

    Parameters
    ----------
    standard
        Rules in force, with the study's changes.
    areas
        Areas of every kind; a rule over a kind that no file tells of ends as unknown.
    file
        What the standard is called in messages.

    Raises
    ------
    ScenarioError
        With every such name, its rule, and the names that there are.
    """
    faults = []
    for rule in standard.rules:
        asked = rule.parameters
        kind = str(getattr(asked, "area", getattr(asked, "per", None)))
        changed = any(key == "only" for key, _ in rule.changed)
        if kind not in areas or not (changed or _is_own(standard, rule)):
            continue
        known = _names(areas, kind)
        where = f"rules.{rule.id}.only" if changed else f"{file} {rule.id} only"
        faults += [
            unknown_area(each, known, where)
            for each in getattr(asked, "only", ())
            if each not in known
        ]
    if faults:
        raise ScenarioError(*faults)


def _is_own(standard: Standard, rule: Rule) -> bool:
    """Return whether a planner wrote a rule: it is not kept as a packaged standard has it."""
    made = standard.joined
    kept = made is not None and made.base in packaged_standards() and rule.id in made.kept
    return not standard.packaged and not kept


def _names(areas: dict[str, Areas], kind: str) -> list[str]:
    """Return what areas of a kind may be named by."""
    names = [str(each) for each in areas[kind].id]
    if kind in BY_STREET and "street" in areas:
        names += [str(each) for each in areas["street"].id]
    return names


def some_areas(areas: dict[str, Areas], kind: str, only: tuple[str, ...]) -> Areas | None:
    """
    Return the areas of a kind, those named or all; None where no file tells of the kind.

    A zone is named by itself or by the street or town that it lies in.
    """
    found = areas.get(kind)
    if found is None or not only:
        return found
    names = list(only)
    keep = np.isin(found.id.astype(str), names)
    if kind in BY_STREET and "street" in areas:
        inside = np.isin(areas["street"].id.astype(str), names)
        street = np.full(len(keep), -1) if found.street is None else found.street
        keep |= (street >= 0) & np.append(inside, False)[street]
    return found.some(keep)


def _residents(scenario: Scenario, zones: Zones | None) -> NDArray[np.float64] | None:
    """Return the residents of each zone, or None where no column is declared."""
    if zones is None or scenario.zones is None or scenario.zones.residents is None:
        return None
    return zones.source.numbers(scenario.zones.residents)


def _areas(
    ids: NDArray[np.object_],
    of_site: NDArray[np.int64],
    of_demand: NDArray[np.int64],
    elders: NDArray[np.float64],
    residents: NDArray[np.float64] | None,
) -> Areas:
    """Return areas with their elders summed."""
    nothing = np.full(len(ids), np.nan)
    return Areas(
        ids, np.asarray(of_site), np.asarray(of_demand), _sum(of_demand, elders, len(ids)),
        nothing if residents is None else residents,
    )  # fmt: skip


def _sum(place: NDArray[np.int64], values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return values summed by place; -1 is no place."""
    on = place >= 0
    return np.asarray(np.bincount(place[on], weights=values[on], minlength=n), dtype=np.float64)
