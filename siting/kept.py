"""The network and the distances of a scenario: from the cache where the same was asked before."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from geopandas.array import GeometryArray
from pyproj import CRS
from scipy.sparse import csr_matrix

from siting.cache import content_key
from siting.inputs.roads import read_roads
from siting.inputs.sources import sha256
from siting.network import Network, build_network
from siting.reach import Snap, search, snap
from siting.tables import CheckLine, DataCheck

if TYPE_CHECKING:
    from pathlib import Path

    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from siting.cache import Cache
    from siting.scenario import Scenario

__all__ = ["report_cache", "walking_distances", "walking_network"]

ARRAYS = (
    "node_xy", "edge_nodes", "edge_length_m", "indptr", "neighbours", "edge_of",
    "component_of_node", "component_length_m", "grid_indptr", "grid_edges",
)  # fmt: skip
PLAIN = ("grid_origin", "grid_cell_m", "grid_shape", "rows", "dropped_pieces")
SNAP = ("edge", "offset_m", "leg_m")
EVENTS = ("read", "kept", "broken", "not_kept", "too_large")


class _NotKeepableError(Exception):
    """Something that a file without pickled objects would not give back as it was."""


def walking_network(
    scenario: Scenario, path: Path, cache: Cache, check: DataCheck
) -> tuple[GeoDataFrame, int, Network]:
    """
    Return the roads of a scenario, the number left out as not walkable, and their network.

    The key is the content of the file (and of those that belong to it), every setting that
    reading depends on, and the code and libraries that read it. The lines of the check that
    reading adds are kept too, and added again.

    Raises
    ------
    SitingError
        As reading and building do; errors are not kept.
    """
    part = scenario.network
    assert part is not None  # noqa: S101 - the caller has looked
    key = content_key(
        "network", _contents(path), part.path, part.layer, part.crs, part.tolerance_m,
        part.node_crossings, scenario.crs,
    )  # fmt: skip
    entry = cache.load("network", key) if cache.folder is not None else None
    if entry is not None:
        arrays, facts = entry
        check.lines.extend(CheckLine(**each) for each in facts["lines"])
        return _frame(arrays, facts), facts["closed"], _network(arrays, facts)
    before = len(check.lines)
    lines, closed = read_roads(
        path, crs=scenario.crs, layer=part.layer, declared=part.crs, check=check
    )
    network = build_network(lines, tolerance_m=part.tolerance_m, node_crossings=part.node_crossings)
    if cache.folder is not None:
        try:
            arrays, facts = _pack(lines, network)
            facts |= {"closed": closed, "lines": _plain_lines(check.lines[before:])}
        except _NotKeepableError:
            return lines, closed, network
        cache.save("network", key, arrays, facts)
    return lines, closed, network


def walking_distances(
    network: Network,
    sites: NDArray[np.float64],
    demand: NDArray[np.float64],
    *,
    cutoff_m: float,
    max_snap_m: float | None,
    threads: int | None,
    cache: Cache,
) -> tuple[Snap, Snap, csr_matrix]:
    """
    Return where sites and demand points meet the network, and the distances between them.

    The key is the content of the network and of both sets of coordinates, and the two limits.
    """
    key = ""
    if cache.folder is not None:
        key = content_key(
            "reach", network.node_xy, network.edge_nodes, sites, demand, float(cutoff_m), max_snap_m
        )
        entry = cache.load("reach", key)
        if entry is not None:
            arrays = entry[0]
            snaps = [Snap(*(arrays[f"{of}_{name}"] for name in SNAP)) for of in ("site", "demand")]
            matrix = csr_matrix(
                (arrays["metres"], arrays["indices"], arrays["indptr"]),
                shape=(len(sites), len(demand)),
            )
            matrix.has_sorted_indices = matrix.has_canonical_format = True
            return snaps[0], snaps[1], matrix
    snaps = [
        snap(network, each, max_snap_m=max_snap_m, threads=threads) for each in (sites, demand)
    ]
    matrix = search(network, *snaps, cutoff_m=cutoff_m, threads=threads)
    if cache.folder is not None:
        arrays = {"metres": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}
        for of, found in zip(("site", "demand"), snaps, strict=True):
            arrays |= {f"{of}_{name}": getattr(found, name) for name in SNAP}
        cache.save("reach", key, arrays, {})
    return snaps[0], snaps[1], matrix


def report_cache(cache: Cache, check: DataCheck) -> dict[str, str]:
    """Add what was done with the cache to the check; return it by kind for ``run.json``."""
    said = {name: [told for event, told in cache.events if event == name] for name in EVENTS}
    if said["read"]:
        check.add("info", "cache_read", "cache", count=len(said["read"]), examples=said["read"])
    if said["broken"]:
        broken = said["broken"]
        check.add("warning", "cache_broken", "cache", count=len(broken), examples=broken)
    if said["not_kept"] and cache.folder is not None:
        folder = cache.folder.as_posix()
        check.add("warning", "cache_not_kept", "cache", folder=folder, found=said["not_kept"][0])
    if said["too_large"]:
        most, found = f"{cache.most_gb:g}", said["too_large"][-1]
        check.add("info", "cache_too_large", "cache", found=found, most=most)
    return {name.partition("-")[0]: event for event in ("kept", "read") for name in said[event]}


def _contents(path: Path) -> list[tuple[str, str]]:
    """Return name and SHA-256 of a file and of those beside it that belong to it."""
    stem = path.stem.lower() + "." if path.suffix.lower() == ".shp" else path.name.lower()
    beside = [each for each in path.parent.glob("*") if each.name.lower().startswith(stem)]
    whole = path.is_dir() or not path.exists()
    return [
        (each.name, sha256(each))
        for each in sorted({path, *beside} if not whole else {path})
        if each.exists()
    ]


def _pack(lines: GeoDataFrame, network: Network) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return roads and network as plain arrays and facts."""
    if not lines.index.equals(pd.RangeIndex(len(lines))) or lines.geometry.name != "geometry":
        raise _NotKeepableError
    shapes = shapely.to_wkb(np.asarray(lines.geometry.array))
    arrays = {name: getattr(network, name) for name in ARRAYS} | {
        "shapes": np.frombuffer(b"".join(shapes), np.uint8),
        "shape_ends": np.cumsum([len(each) for each in shapes], dtype=np.int64),
    }
    facts: dict[str, Any] = {name: getattr(network, name) for name in PLAIN}
    facts |= {"crs": _crs(lines.crs), "network_crs": _crs(network.crs), "columns": []}
    for number, name in enumerate(lines.columns):
        if name == "geometry":
            facts["columns"].append([name, "geometry", None])
            continue
        column = lines[name]
        if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":
            arrays[f"column_{number}"] = column.to_numpy()
            facts["columns"].append([name, "numbers", f"column_{number}"])
        else:
            facts["columns"].append([name, str(column.dtype), _plain(list(column.astype(object)))])
    return arrays, facts


def _plain(cells: list[Any]) -> list[Any]:
    """Return cells that JSON gives back as they are, ``{}`` for NaN; refuse others."""
    told: list[Any] = []
    for each in cells:
        texts = type(each) is list and all(type(part) is str for part in each)
        if not (texts or each is None or type(each) in {str, bool, int, float}):
            raise _NotKeepableError
        told.append({} if type(each) is float and np.isnan(each) else each)
    return told


def _plain_lines(lines: list[CheckLine]) -> list[dict[str, Any]]:
    """Return lines of the check as JSON gives them back; refuse others."""
    try:
        kept = [asdict(line) for line in lines]
        back: list[dict[str, Any]] = json.loads(json.dumps(kept))
    except (TypeError, ValueError) as error:
        raise _NotKeepableError from error
    for each in back:
        each["examples"] = tuple(each["examples"])
    if [CheckLine(**each) for each in back] != lines:
        raise _NotKeepableError
    return back


def _crs(crs: CRS) -> str:
    """Return the text that a coordinate system can be made from again; refuse others."""
    again = CRS.from_user_input(crs.srs)
    if again.to_wkt() != crs.to_wkt() or again.srs != crs.srs:
        raise _NotKeepableError
    return str(crs.srs)


def _frame(arrays: dict[str, Any], facts: dict[str, Any]) -> GeoDataFrame:
    """Return the roads that were kept."""
    whole, ends = arrays["shapes"].tobytes(), arrays["shape_ends"].tolist()
    shapes = shapely.from_wkb(
        np.array([whole[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)], dtype=object)
    )
    columns = {}
    for name, kind, cells in facts["columns"]:
        if kind == "geometry":
            columns[name] = GeometryArray(shapes, crs=CRS.from_user_input(facts["crs"]))
        elif kind == "numbers":
            columns[name] = arrays[cells]
        else:
            back = [np.nan if each == {} else each for each in cells]
            columns[name] = pd.Series(np.array([*back, None], object)[:-1]).astype(kind)
    return gpd.GeoDataFrame(columns, geometry="geometry")


def _network(arrays: dict[str, Any], facts: dict[str, Any]) -> Network:
    """Return the network that was kept, frozen as when it was built."""
    told = {name: facts[name] for name in PLAIN}
    told |= {"grid_origin": tuple(told["grid_origin"]), "grid_shape": tuple(told["grid_shape"])}
    kept = {name: arrays[name] for name in ARRAYS}
    for each in kept.values():
        each.flags.writeable = False
    return Network(crs=CRS.from_user_input(facts["network_crs"]), **kept, **told)
