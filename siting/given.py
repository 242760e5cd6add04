"""What a scenario's files hold, each read and checked by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from siting.demand import Demand, Zones, read_demand, read_zones
from siting.homes import read_existing
from siting.inputs.layers import working_crs
from siting.inputs.sources import read_polygons, sha256
from siting.kept import walking_network
from siting.sites import read_candidates
from siting.units import read_unit_layer

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from siting.cache import Cache
    from siting.network import Network
    from siting.scenario import Scenario
    from siting.tables import DataCheck

__all__ = ["Given", "read_given"]


@dataclass
class Given:
    """What the files of a scenario hold, before anything is put together."""

    demand: Demand | None = None
    zones: Zones | None = None
    unit_layer: Any = None
    roads: GeoDataFrame | None = None
    network: Network | None = None
    homes: Any = None
    listed: dict[int, Any] = field(default_factory=dict)
    exclusions: GeoDataFrame | None = None
    inputs: list[dict[str, Any]] = field(default_factory=list)


def read_given(scenario: Scenario, check: DataCheck, cache: Cache) -> Given:
    """Return what all files hold; every fault of every file is told at once."""
    files = Given()
    with check.collecting():
        files.demand = read_demand(scenario, check=check)
    with check.collecting():
        files.zones = read_zones(scenario, check=check)
    with check.collecting():
        files.unit_layer = read_unit_layer(scenario, check=check)
    with check.collecting():
        files.homes = read_existing(scenario, check=check)
    for number, part in enumerate(scenario.candidates):
        with check.collecting():
            if part.path is not None:
                files.listed[number] = read_candidates(
                    scenario, part, f"candidates.{number}", check=check
                )
    with check.collecting():
        _read_network(scenario, files, check, cache)
    with check.collecting():
        _read_exclusions(scenario, files, check)
    check.raise_collected()
    sources = [
        each
        for each in (
            files.demand.source if files.demand else None,
            files.zones.source if files.zones else None,
            files.unit_layer,
            files.homes[1] if files.homes else None,
            *(source for _, source in files.listed.values()),
        )
        if each is not None
    ]
    files.inputs = [
        {"path": s.path, "sha256": s.sha256, "rows": len(s.ids), "dropped": 0} for s in sources
    ] + files.inputs
    return files


def _read_network(scenario: Scenario, files: Given, check: DataCheck, cache: Cache) -> None:
    """Read the roads of a scenario, if it has any, or take them from the cache."""
    part = scenario.network
    if part is None:
        return
    path = scenario.locate(part.path)
    lines, closed, files.network = walking_network(scenario, path, cache, check)
    files.roads = lines
    if closed:
        check.add("info", "not_walkable", path.name, count=closed)
    if files.network.dropped_pieces:
        check.add("info", "zero_length", path.name, count=files.network.dropped_pieces)
    files.inputs.append(
        {"path": part.path, "sha256": sha256(path), "rows": len(lines) + closed, "dropped": closed}
    )


def _read_exclusions(scenario: Scenario, files: Given, check: DataCheck) -> None:
    """Read the areas where nothing new may stand, kept at their distance."""
    shapes, names = [], []
    for number, part in enumerate(scenario.exclude):
        source = read_polygons(scenario, part, f"exclude.{number}", columns={}, check=check)
        area = shapely.union_all(np.asarray(source.frame.geometry))
        shapes.append(area.buffer(part.buffer_m) if part.buffer_m else area)
        names.append(part.name)
        files.inputs.append(
            {"path": part.path, "sha256": source.sha256, "rows": len(source.ids), "dropped": 0}
        )
    if shapes:
        files.exclusions = gpd.GeoDataFrame(
            {"name": names}, geometry=shapes, crs=working_crs(scenario.crs)
        )
