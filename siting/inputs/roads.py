"""Road files to a walking network: line layers, OpenStreetMap extracts and osmnx GraphML."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyogrio

from siting.errors import EmptyInputError, InputError
from siting.inputs.layers import as_working_crs, read_layer, require_file
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
        lines, closed = source, 0
    else:
        path = require_file(Path(source), "network.path")
        lines, closed = _read_file(path, layer)
    where = "network" if isinstance(source, gpd.GeoDataFrame) else Path(source).name
    wrong = ~lines.geom_type.isin(["LineString", "MultiLineString", "LinearRing"])
    if wrong.any():
        raise InputError.of(
            "not_lines",
            where,
            lines.index[wrong] + 1,
            found=", ".join(sorted({str(kind) for kind in lines.geom_type[wrong]})),
        )
    if lines.empty:
        raise EmptyInputError.of("empty_layer", where)
    return as_working_crs(lines, crs, where=where, declared=declared, check=check), closed


def _read_file(path: Path, layer: str | None) -> tuple[GeoDataFrame, int]:
    """Return the lines of a file by its kind, and how many were left out as not walkable."""
    name = path.name.lower()
    if name.endswith((".osm", ".osm.gz", ".pbf")):
        return _walkable(_read_osm(path))
    if name.endswith(".graphml"):
        return _walkable(_read_graphml(path))
    return read_layer(path, layer=layer), 0


def _foreign(read: Any, path: Path | str, **options: Any) -> Any:
    """Return what another library reads, its failures told in our words."""
    try:
        return read(path, **options)
    except (OSError, ValueError, KeyError, TypeError, SyntaxError, RuntimeError) as error:
        raise InputError.of("unreadable", Path(path).name, found=_first_line(error)) from error


def _first_line(error: BaseException) -> str:
    """Return the first line of a foreign error, without any path in it."""
    line = str(error).strip().splitlines()
    return f"{type(error).__name__}: {line[0][:160] if line else ''}"


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
        pyogrio.read_dataframe, source, layer="lines", columns=["highway", "other_tags"]
    )
    areas = _foreign(
        pyogrio.read_dataframe, source, layer="multipolygons", columns=["other_tags"],
        where="other_tags LIKE '%\"highway\"%'",
    )  # fmt: skip
    areas["highway"] = areas["other_tags"].str.extract(r'"highway"=>"([^"]*)"', expand=False)
    areas = areas.set_geometry(areas.geometry.boundary)
    ways = pd.concat([each for each in (lines, areas) if len(each)], ignore_index=True)
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
