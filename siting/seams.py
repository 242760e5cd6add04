"""Areas that overlap or enclose gaps, and the elders who live there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from siting.contiguity import NOISE_M2
from siting.errors import Fault, InputError

if TYPE_CHECKING:
    from geopandas import GeoSeries
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from siting.demand import Demand, Zones
    from siting.inputs.sources import Source
    from siting.scenario import Scenario
    from siting.tables import DataCheck

__all__ = ["check_seams"]


def check_seams(
    scenario: Scenario,
    demand: Demand,
    zones: Zones | None,
    unit_layer: Source | None,
    study_area: BaseGeometry | None,
    *,
    check: DataCheck,
) -> None:
    """
    List overlaps and gaps of zones, and overlaps of a layer of units; refuse those with elders.

    Strips that are nowhere wider than ``overlap_m`` are drawn roughly and left alone. A wider
    overlap in which elders live would count them for two areas. Zones that units are built from
    are checked there.

    Parameters
    ----------
    scenario
        Says how wide an overlap may be, metres.
    demand, zones, unit_layer
        As read, in the working system.
    study_area
        Union of the zones, where there are any.
    check
        Takes the overlaps without elders, and the gaps.

    Raises
    ------
    InputError
        If elders live where two areas overlap.
    """
    faults = []
    builds = scenario.units is not None and scenario.units.build is not None
    if zones is not None and scenario.zones is not None and not builds:
        width = scenario.zones.overlap_m
        name = zones.source.name
        faults += _overlaps(zones.shapes, zones.id, demand, (width, "zones", name), check)
        if study_area is not None:
            _list_gaps(study_area, demand, width, name, check)
    if unit_layer is not None and scenario.units is not None:
        about = (scenario.units.overlap_m, "units", unit_layer.name)
        faults += _overlaps(unit_layer.frame.geometry, unit_layer.ids, demand, about, check)
    if faults:
        raise InputError(*faults)


def _overlaps(
    layer: GeoSeries,
    ids: NDArray[np.object_],
    demand: Demand,
    about: tuple[float, str, str],
    check: DataCheck,
) -> list[Fault]:
    """Return the fault of overlaps in which elders live; list those in which none does."""
    width, key, where = about
    shapes = np.asarray(layer)
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    a, b = a[a < b], b[a < b]
    common = shapely.intersection(shapes[a], shapes[b])
    wide = (shapely.area(common) > NOISE_M2) & _is_wide(common, width)
    a, b, common = a[wide], b[wide], common[wide]
    if not len(common):
        return []
    area = shapely.area(common)
    elders, total = _elders_in(common, demand)
    order = np.lexsort((ids[b].astype(str), ids[a].astype(str), -area, -elders)).tolist()
    if total > 0:
        examples = tuple(
            f"{ids[a[k]]} + {ids[b[k]]} ({area[k]:,.0f} m², {elders[k]:,.1f})"
            for k in order
            if elders[k] > 0
        )
        values = {"found": f"{total:,.1f}", "tolerance": f"{width:g}", "key": f"{key}.overlap_m"}
        return [Fault("elders_in_two_areas", where, values, examples)]
    check.add(
        "warning", "areas_overlap", where, count=len(common), km2=float(area.sum() / 1e6),
        tolerance=f"{width:g}", examples=[f"{ids[a[k]]} + {ids[b[k]]}" for k in order],
    )  # fmt: skip
    return []


def _list_gaps(
    study_area: BaseGeometry, demand: Demand, width: float, where: str, check: DataCheck
) -> None:
    """List the gaps that zones enclose, with the elders who live in them."""
    parts = shapely.get_parts(study_area)
    rings, owner = shapely.get_rings(parts, return_index=True)
    inner = np.append(False, owner[1:] == owner[:-1])
    gaps = shapely.polygons(rings[inner])
    gaps = gaps[shapely.area(gaps) > NOISE_M2]
    gaps = gaps[_is_wide(gaps, width)]
    if len(gaps):
        elders = _elders_in(gaps, demand)[1]
        check.add(
            "warning" if elders > 0 else "info", "area_gaps", where, count=len(gaps),
            elders=elders, km2=float(shapely.area(gaps).sum() / 1e6), tolerance=f"{width:g}",
        )  # fmt: skip


def _is_wide(shapes: NDArray[np.object_], width: float) -> NDArray[np.bool_]:
    """Return which shapes are somewhere wider than a width."""
    return np.asarray(~shapely.is_empty(shapely.buffer(shapes, -width / 2)), dtype=bool)


def _elders_in(shapes: NDArray[np.object_], demand: Demand) -> tuple[NDArray[np.float64], float]:
    """Return the elders inside each shape, its border left out, and those in any."""
    points = shapely.points(demand.xy)
    point, shape = shapely.STRtree(shapes).query(points, predicate="within")
    each = np.bincount(shape, weights=demand.elders[point], minlength=len(shapes))
    return each.astype(np.float64), float(demand.elders[np.unique(point)].sum())
