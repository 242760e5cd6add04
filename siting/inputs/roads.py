"""Road files to a walking network: line layers, OpenStreetMap extracts and osmnx GraphML."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from siting.errors import EmptyInputError, Fault, InputError
from siting.inputs.coordinates import as_working_crs
from siting.inputs.foreign import first_line, quiet
from siting.inputs.layers import names_no_crs, read_layer, require_file
from siting.network import CROSSING_TAGS, Network, build_network

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from siting.tables import DataCheck

__all__ = ["NOT_WALKABLE", "read_network", "read_roads"]

NOT_WALKABLE = frozenset(
    {
        "motorway", "motorway_link", "bus_guideway", "construction", "proposed", "planned",
        "abandoned", "razed", "raceway", "escape", "no", "elevator", "platform", "rest_area",
        "services",
    }
)  # fmt: skip
"""Values of ``highway`` that nobody walks on; with ``foot=no`` they are left out of OSM input."""

LINES = frozenset({"LineString", "MultiLineString", "LinearRing"})
OSM_TAGS = ("highway", "foot", *CROSSING_TAGS)


def read_network(
    source: str | Path | GeoDataFrame,
    *,
    crs: Any,
    layer: str | None = None,
    tolerance_m: float = 0.05,
    node_crossings: bool = False,
) -> Network:
    """
    Return the walking network of a road file or a table of lines.

    Parameters
    ----------
    source
        Path of a line layer (any vector format), ``.osm``, ``.osm.gz``, ``.osm.pbf`` or
        ``.graphml`` file, or a GeoDataFrame of lines. OSM input keeps what one may walk on.
    crs
        Projected coordinate system to work in, metres.
    layer
        Layer of the file; None: its first.
    tolerance_m
        Ends and vertices at most this far apart are one place, metres.
    node_crossings
        True: lines that cross also meet, except where bridge, tunnel or layer differ.

    Returns
    -------
    network
        Nodes where roads meet and straight edges between them, in ``crs``.

    Raises
    ------
    InputError
        If the file is missing, unreadable or holds no lines.
    CrsError
        If the file has no coordinate system, or ``crs`` is not projected in metres.
    """
    lines, _ = read_roads(source, crs=crs, layer=layer)
    return build_network(lines, tolerance_m=tolerance_m, node_crossings=node_crossings)


def read_roads(
    source: str | Path | GeoDataFrame,
    *,
    crs: Any,
    layer: str | None = None,
    declared: Any = None,
    check: DataCheck | None = None,
) -> tuple[GeoDataFrame, int]:
    """Return road lines in a projected CRS, and how many rows no one may walk on were left out."""
    if isinstance(source, gpd.GeoDataFrame):
        where, lines, closed = "network", source, 0
    else:
        path = require_file(Path(source), "network.path")
        where = path.name
        lines, closed = _read_file(path, layer, check)
        if declared is not None and names_no_crs(path):
            lines = lines.set_crs(None, allow_override=True)
    if lines.empty:
        raise EmptyInputError.of("empty_layer", where)
    _refuse_other_shapes(lines, where)
    return as_working_crs(lines, crs, where=where, declared=declared, check=check), closed


def _refuse_other_shapes(lines: GeoDataFrame, where: str) -> None:
    """Refuse rows that are no lines, or have no shape."""
    rows = np.arange(1, len(lines) + 1).astype(str)
    empty = (lines.geometry.isna() | lines.geometry.is_empty).to_numpy()
    wrong = ~lines.geom_type.isin(LINES).to_numpy() & ~empty
    faults = []
    if empty.any():
        faults.append(Fault("empty_geometry", where, {}, tuple(rows[empty])))
    if wrong.any():
        found = ", ".join(sorted(set(lines.geom_type[wrong])))
        faults.append(Fault("not_lines", where, {"found": found}, tuple(rows[wrong])))
    if faults:
        raise InputError(*faults)


def _read_file(path: Path, layer: str | None, check: DataCheck | None) -> tuple[GeoDataFrame, int]:
    """Return the lines of a file by its kind, and how many were left out as not walkable."""
    name = path.name.lower()
    if name.endswith((".osm", ".osm.gz", ".pbf")):
        return _walkable(_read_osm(path))
    if name.endswith(".graphml"):
        return _walkable(_read_graphml(path))
    return read_layer(path, layer=layer, check=check), 0


def _foreign(read: Any, path: Path, source: Path | str | None = None, **options: Any) -> Any:
    """Return what another library reads, its failures told in our words."""
    try:
        with quiet():
            return read(path if source is None else source, **options)
    except (OSError, ValueError, KeyError, TypeError, SyntaxError, RuntimeError) as error:
        raise InputError.of("unreadable", path.name, found=first_line(error, path)) from error


def _read_graphml(path: Path) -> GeoDataFrame:
    """Return the edges of an osmnx graph as lines in its CRS, each direction once."""
    import osmnx  # noqa: PLC0415 - takes seconds to import, and few scenarios need it

    graph = _foreign(osmnx.load_graphml, path)
    edges = osmnx.graph_to_gdfs(graph, nodes=False, fill_edge_geometry=True).reset_index()
    twins = pd.DataFrame({"a": edges[["u", "v"]].min(axis=1), "b": edges[["u", "v"]].max(axis=1)})
    twins["wkb"] = edges.geometry.normalize().to_wkb()
    return edges.loc[~twins.duplicated()].reset_index(drop=True)


def _read_osm(path: Path) -> GeoDataFrame:
    """
    Return the ways of an OSM file as lines, through the OSM driver of GDAL, whatever its form.

    A closed way tagged as an area (a square that one may walk across) gives its outline.
    """
    source = f"/vsigzip/{path.resolve().as_posix()}" if path.suffix.lower() == ".gz" else path
    lines = _foreign(
        pyogrio.read_dataframe, path, source, layer="lines", columns=["highway", "other_tags"]
    )
    areas = _foreign(
        pyogrio.read_dataframe, path, source, layer="multipolygons", columns=["other_tags"],
        where="other_tags LIKE '%\"highway\"%'",
    )  # fmt: skip
    areas["highway"] = areas["other_tags"].str.extract(r'"highway"=>"([^"]*)"', expand=False)
    areas = areas.set_geometry(areas.geometry.boundary)
    filled = [each for each in (lines, areas) if len(each)]
    if not filled:
        raise EmptyInputError.of("empty_layer", path.name)
    ways = pd.concat(filled, ignore_index=True)
    ways = gpd.GeoDataFrame(ways, geometry="geometry", crs=lines.crs)
    for tag in OSM_TAGS[1:]:
        ways[tag] = ways["other_tags"].str.extract(rf'"{tag}"=>"([^"]*)"', expand=False)
    return ways[ways["highway"].notna()].drop(columns="other_tags").reset_index(drop=True)


def _walkable(lines: GeoDataFrame) -> tuple[GeoDataFrame, int]:
    """Return the lines that one may walk on and the number of others."""
    closed = pd.Series(data=False, index=lines.index)
    if "highway" in lines:
        closed |= lines["highway"].map(_is_closed)
    if "foot" in lines:
        closed |= lines["foot"].astype(str).str.lower().eq("no")
    return lines[~closed].reset_index(drop=True), int(closed.sum())


def _is_closed(value: NDArray[Any] | list[str] | str | None) -> bool:
    """Return whether every value of a ``highway`` tag (text, or a list of texts) is closed."""
    values = value if isinstance(value, list) else str(value).strip("[]").split(",")
    return all(str(each).strip(" '\"") in NOT_WALKABLE for each in values)
