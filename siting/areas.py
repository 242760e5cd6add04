"""Areas that rules are counted in: districts, streets, towns, circles, zones, the whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from siting.demand import contains
from siting.units import NO_UNIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.demand import Demand, Zones
    from siting.scenario import Scenario
    from siting.units import PlanningUnits

__all__ = ["Areas", "find_areas", "some_areas"]

URBAN = "街道"
"""A street is urban if its name ends like this; any other (镇, 乡) is a town."""


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
    """

    id: NDArray[np.object_]
    of_site: NDArray[np.int64]
    of_demand: NDArray[np.int64]
    elders: NDArray[np.float64]
    residents: NDArray[np.float64]
    street: NDArray[np.int64] | None = None

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
        )  # fmt: skip


def find_areas(
    scenario: Scenario,
    demand: Demand,
    zones: Zones | None,
    units: PlanningUnits,
    site_xy: NDArray[np.float64],
    inside: NDArray[np.bool_],
) -> dict[str, Areas]:
    """
    Return the areas of every kind that the scenario's files know.

    Streets and districts are columns declared under ``zones:``. A circle is a street or town. A
    kind that no file tells of is absent: rules over it end as unknown.

    Parameters
    ----------
    scenario
        Names the columns.
    demand, zones, units
        As placed.
    site_xy, inside
        (n, 2) sites, and which lie in the study area.
    """
    elders, n = demand.elders, len(demand.id)
    everywhere = np.zeros(n, dtype=np.int64)
    residents = _residents(scenario, zones)
    whole = float(residents.sum()) if residents is not None else np.nan
    found = {
        "all": _areas(np.array(["all"], dtype=object), np.where(inside, 0, -1), everywhere, elders,
                      np.array([whole])),
        "unit": _areas(units.id, units.of_site, units.of_demand, elders, None).some(
            units.id != NO_UNIT
        ),
    }  # fmt: skip
    if zones is None:
        return found
    zone_of_site = np.where(inside, contains(zones.shapes, zones.id, site_xy), -1)
    found["zone"] = _areas(zones.id, zone_of_site, demand.zone, elders, residents)
    for kind in ("street", "district"):
        column = getattr(scenario.zones, kind)
        if column is None:
            continue
        texts = zones.source.texts(column)
        names = np.array(sorted({each for each in texts if each}), dtype=object)
        number = {name: k for k, name in enumerate(names)}
        of_zone = np.array([*(number.get(each, -1) for each in texts), -1], dtype=np.int64)
        live = None if residents is None else _sum(of_zone[:-1], residents, len(names))
        if kind == "street":
            found["zone"] = replace(found["zone"], street=of_zone[:-1])
        found[kind] = _areas(names, of_zone[zone_of_site], of_zone[demand.zone], elders, live)
    if "street" in found:
        street = found["street"]
        urban = np.array([str(name).endswith(URBAN) for name in street.id], dtype=bool)
        zone = found["zone"]
        in_town = np.append(~urban, False)[zone.street]
        in_city = np.append(urban, False)[zone.street]
        found |= {"urban_zone": zone.some(in_city), "village": zone.some(in_town)}
        found |= {"circle": street, "urban_street": street.some(urban), "town": street.some(~urban)}
    return found


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
    if kind in {"zone", "urban_zone", "village"} and "street" in areas:
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
