"""Demand points, and the density class of each under every areal support."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from siting.inputs.sources import RASTERS, Source, read_polygons, read_raster, read_source

if TYPE_CHECKING:
    from geopandas import GeoSeries
    from numpy.typing import NDArray

    from siting.network import Network
    from siting.scenario import Scenario, Spread
    from siting.standards import Standard
    from siting.tables import DataCheck

__all__ = [
    "CLASSES", "Demand", "DensityReading", "Zones", "classify", "contains", "density_readings",
    "read_demand", "read_zones", "spread_elders",
]  # fmt: skip

CLASSES = ("low", "medium", "high")
"""Names of density classes by number: 0, 1, 2."""

SUPPORTS = ("zone", "window", "grid")
EQUAL = 1e-9
ZONE_DIFFERENCE = 0.01
RADIUS_TOLERANCE_M = 1e-6
WINDOW_CHUNK = 4096


@dataclass(frozen=True)
class Demand:
    """
    Demand points.

    Attributes
    ----------
    id
        (n,) ids.
    xy
        (n, 2) coordinates in the working system.
    elders
        (n,) elders, finite and at least 0.
    shapes
        (n,) what each point stands for: polygon, raster cell or point.
    zone
        (n,) position of the zone that contains the point, -1 outside every zone.
    source
        File the points come from; its other columns may name planning units.
    estimate
        Name of the method by which elders were spread, or None.
    spread_from
        (n,) row of the source that each point was spread from; None without spreading.
    """

    id: NDArray[np.object_]
    xy: NDArray[np.float64]
    elders: NDArray[np.float64]
    shapes: GeoSeries
    zone: NDArray[np.int64]
    source: Source
    estimate: str | None = None
    spread_from: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Zones:
    """
    Communities and villages.

    Attributes
    ----------
    source
        Layer with all its columns.
    id, name
        (n,) ids and names.
    elders, area_m2
        (n,) elders of the zone's own count and land area.
    """

    source: Source
    id: NDArray[np.object_]
    name: NDArray[np.object_]
    elders: NDArray[np.float64]
    area_m2: NDArray[np.float64]

    @property
    def shapes(self) -> GeoSeries:
        """Polygons in the working system."""
        return self.source.frame.geometry


@dataclass(frozen=True)
class DensityReading:
    """
    Density of elders around each demand point under one areal support.

    Attributes
    ----------
    support
        ``zone``, ``window`` or ``grid``.
    elders, area_m2
        (n,) elders and area of the zone, window or square of each point; density is their
        quotient, and classes compare products so that equal stays equal.
    """

    support: str
    elders: NDArray[np.float64]
    area_m2: NDArray[np.float64]

    @property
    def per_km2(self) -> NDArray[np.float64]:
        """Elders per square kilometre."""
        return self.elders * 1e6 / self.area_m2


def read_demand(scenario: Scenario, *, check: DataCheck) -> Demand:
    """Return the demand points of a scenario, not yet placed in zones."""
    part = scenario.demand
    if scenario.locate(part.path).suffix.lower() in RASTERS:
        source = read_raster(scenario, part, "demand", check=check)
        elders = source.cells["elders"]
        xy = np.column_stack([source.cells["x"], source.cells["y"]])
    else:
        columns = {"id": part.id, "elders": str(part.elders)}
        source = read_source(scenario, part, "demand", columns=columns, check=check)
        elders = source.numbers(str(part.elders))
        points = source.frame.geometry.representative_point()
        xy = np.column_stack([points.x, points.y])
    outside = np.full(len(elders), -1, dtype=np.int64)
    return Demand(source.ids, xy, elders, source.frame.geometry, outside, source)


def read_zones(scenario: Scenario, *, check: DataCheck) -> Zones | None:
    """Return the zones of a scenario, or None without."""
    part = scenario.zones
    if part is None:
        return None
    named = ("id", "name", "elders", "residents", "street", "district")
    columns = {key: getattr(part, key) for key in named}
    source = read_polygons(scenario, part, "zones", columns=columns, check=check)
    return Zones(
        source=source,
        id=source.ids,
        name=source.texts(part.name) if part.name else source.ids,
        elders=source.numbers(part.elders),
        area_m2=source.frame.geometry.area.to_numpy(),
    )


def contains(
    polygons: GeoSeries, ids: NDArray[np.object_], xy: NDArray[np.float64]
) -> NDArray[np.int64]:
    """
    Return the polygon that holds each point, -1 where none does.

    A point on a border shared by several belongs to the one with the smallest id, so the order of
    rows changes nothing.
    """
    rank = np.argsort(np.argsort(ids.astype(str), kind="stable"), kind="stable")
    point, polygon = polygons.sindex.query(shapely.points(xy), predicate="intersects")
    best = np.full(len(xy), len(ids), dtype=np.int64)
    np.minimum.at(best, point, rank[polygon])
    by_rank = np.append(np.argsort(rank), -1)
    return np.asarray(by_rank[best], dtype=np.int64)


def place_in_zones(demand: Demand, zones: Zones | None, *, check: DataCheck) -> Demand:
    """Return the demand with the zone of each point; points outside and unequal sums are listed."""
    if zones is None:
        return demand
    zone = contains(zones.shapes, zones.id, demand.xy)
    out = np.flatnonzero(zone < 0)
    if len(out):
        check.add(
            "warning", "no_zone", demand.source.name, count=len(out),
            elders=float(demand.elders[out].sum()), examples=demand.id[out],
        )  # fmt: skip
    inside = zone >= 0
    sums = np.bincount(zone[inside], weights=demand.elders[inside], minlength=len(zones.id))
    off = np.flatnonzero(
        np.abs(sums - zones.elders) > ZONE_DIFFERENCE * np.maximum(zones.elders, 1e-9)
    )
    if len(off):
        examples = [f"{zones.id[k]} ({zones.elders[k]:g} / {sums[k]:.1f})" for k in off.tolist()]
        check.add(
            "warning", "zone_differs", zones.source.name, count=len(off),
            elders=float((sums - zones.elders)[off].sum()), examples=examples,
        )  # fmt: skip
    return Demand(**(vars(demand) | {"zone": zone}))


def density_readings(
    demand: Demand, zones: Zones | None, settings: Any
) -> dict[str, DensityReading]:
    """
    Return the density of each point under every support that the inputs allow.

    Zone density is the zone's own elders over its land area; a point outside every zone takes the
    window. The window is a circle around the point, the grid a square that starts at multiples of
    its side; both sum the demand points.
    """
    window = _window(demand, settings.window_m2)
    readings = {"window": window, "grid": _grid(demand, settings.grid_m)}
    if zones is not None:
        inside = demand.zone >= 0
        elders = np.where(inside, zones.elders[demand.zone], window.elders)
        area = np.where(inside, zones.area_m2[demand.zone], window.area_m2)
        readings["zone"] = DensityReading("zone", elders, area)
    return {name: readings[name] for name in SUPPORTS if name in readings}


def _window(demand: Demand, area_m2: float) -> DensityReading:
    """Return elders within the circle of an area around each point."""
    tree = cKDTree(demand.xy)
    radius = float(np.sqrt(area_m2 / np.pi)) + RADIUS_TOLERANCE_M
    total = np.empty(len(demand.xy))
    for start in range(0, len(demand.xy), WINDOW_CHUNK):
        near = tree.query_ball_point(demand.xy[start : start + WINDOW_CHUNK], radius)
        counts = np.array([len(each) for each in near])
        flat = np.concatenate(near).astype(np.int64)
        total[start : start + len(counts)] = np.add.reduceat(
            demand.elders[flat], np.concatenate([[0], np.cumsum(counts)[:-1]])
        )
    return DensityReading("window", total, np.full(len(total), area_m2))


def _grid(demand: Demand, side_m: float) -> DensityReading:
    """Return elders of the square that each point lies in."""
    square = pd.MultiIndex.from_arrays(list(np.floor(demand.xy / side_m).astype(np.int64).T))
    number = square.factorize()[0]
    total = np.bincount(number, weights=demand.elders)
    return DensityReading("grid", total[number], np.full(len(number), side_m**2))


def classify(reading: DensityReading, standard: Standard) -> NDArray[np.int8]:
    """
    Return each point's density class: 2 high, 1 medium, 0 low.

    High is above its limit, medium from its limit on; both compared with a relative tolerance of
    1e-9 so that a density equal to a limit is read as equal (semantics, section 1).
    """
    product = reading.elders * 1e6
    classes = np.zeros(len(product), dtype=np.int8)
    for rule in standard.distance_rules:
        if rule.parameters.density_class == "medium":
            limit = rule.parameters.density_from_per_km2 * reading.area_m2
            classes[product >= limit * (1 - EQUAL)] = 1
    for rule in standard.distance_rules:
        if rule.parameters.density_class == "high":
            limit = rule.parameters.density_above_per_km2 * reading.area_m2
            classes[product > limit * (1 + EQUAL)] = 2
    return classes


def spread_elders(
    demand: Demand, network: Network, settings: Spread, *, check: DataCheck
) -> Demand:
    """
    Return large areas' elders spread over a grid of cells: an estimate.

    ``road_length`` shares an area's elders in proportion to the length of road in each cell,
    ``road_served`` evenly over the cells whose centre is near a road. An area that no road serves
    keeps its elders at its representative point. Sums are kept area by area.

    Parameters
    ----------
    demand
        Polygons with elders.
    network
        Roads that serve the areas.
    settings
        Method, side of a cell and distance from a road.
    check
        Takes the line that says how many elders were spread over how many cells.
    """
    pieces = _road_pieces(network, settings.grid_m / 10)
    side = settings.grid_m
    area = contains(demand.shapes, demand.id, pieces[:, :2])
    cell = np.floor(pieces[:, :2] / side).astype(np.int64)
    table = pd.DataFrame({"area": area, "column": cell[:, 0], "row": cell[:, 1], "m": pieces[:, 2]})
    table = table[table["area"] >= 0]
    if settings.method == "road_served":
        table = _served(table, demand, pieces, settings)
    weights = table.groupby(["area", "column", "row"], as_index=False)["m"].sum()
    weights["elders"] = (
        demand.elders[weights["area"]]
        * weights["m"]
        / weights.groupby("area")["m"].transform("sum")
    )
    weights = weights[weights["elders"] > 0]
    bare = np.setdiff1d(np.flatnonzero(demand.elders > 0), weights["area"].unique())
    return _spread_demand(demand, weights, bare, settings, check)


def _road_pieces(network: Network, step_m: float) -> NDArray[np.float64]:
    """Return points along the roads with the metres that each stands for: (n, 3)."""
    count = np.maximum(np.ceil(network.edge_length_m / step_m), 1).astype(np.int64)
    edge = np.repeat(np.arange(network.n_edges), count)
    nth = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    share = ((nth + 0.5) / count[edge])[:, None]
    ends = network.node_xy[network.edge_nodes[edge]]
    xy = ends[:, 0] * (1 - share) + ends[:, 1] * share
    return np.column_stack([xy, network.edge_length_m[edge] / count[edge]])


def _served(
    table: pd.DataFrame, demand: Demand, pieces: NDArray[np.float64], settings: Spread
) -> pd.DataFrame:
    """Return equal weights for the cells whose centre lies in an area and near a road."""
    side, reach = settings.grid_m, int(np.ceil(settings.within_m / settings.grid_m)) + 1
    cells = table[["column", "row"]].drop_duplicates().to_numpy()
    steps = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 2), axis=-1).reshape(-1, 2)
    around = np.unique((cells[:, None, :] + steps).reshape(-1, 2), axis=0)
    centre = (around + 0.5) * side
    near = cKDTree(pieces[:, :2]).query(centre)[0] <= settings.within_m
    area = contains(demand.shapes, demand.id, centre)
    kept = near & (area >= 0)
    return pd.DataFrame(
        {"area": area[kept], "column": around[kept, 0], "row": around[kept, 1], "m": 1.0}
    )


def _spread_demand(
    demand: Demand,
    weights: pd.DataFrame,
    bare: NDArray[np.int64],
    settings: Spread,
    check: DataCheck,
) -> Demand:
    """Return the demand of the cells, and of the areas that no road serves."""
    side = settings.grid_m
    low = weights[["column", "row"]].to_numpy() * side
    cells = shapely.box(low[:, 0], low[:, 1], low[:, 0] + side, low[:, 1] + side)
    area = weights["area"].to_numpy()
    names = [
        f"{demand.id[a]}-{c}-{r}"
        for a, c, r in zip(area, weights["column"], weights["row"], strict=True)
    ]
    shapes = demand.shapes.iloc[:0].reindex(range(len(cells) + len(bare)))
    shapes[:] = np.concatenate([cells, np.asarray(demand.shapes)[bare]])
    check.add(
        "warning", "spread", demand.source.name, count=len(cells),
        elders=float(weights["elders"].sum()), method=settings.method, side=f"{side:g}",
        areas=len(np.unique(area)),
    )  # fmt: skip
    if len(bare):
        check.add(
            "warning", "spread_bare", demand.source.name, count=len(bare),
            elders=float(demand.elders[bare].sum()), examples=demand.id[bare],
        )  # fmt: skip
    return Demand(
        id=np.array([*names, *demand.id[bare]], dtype=object),
        xy=np.vstack([low + side / 2, demand.xy[bare]]),
        elders=np.concatenate([weights["elders"], demand.elders[bare]]),
        shapes=shapes,
        zone=np.full(len(names) + len(bare), -1, dtype=np.int64),
        source=demand.source,
        estimate=settings.method,
        spread_from=np.concatenate([area, bare]),
    )
