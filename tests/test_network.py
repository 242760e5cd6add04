"""Reading roads: what becomes of them, which files are understood, which are refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx
import pandas as pd
import pytest
import shapely
from oracle_reach import CRS, as_points, assert_within, dense, places, roads, walking_distances

import siting
from siting.errors import CrsError, InputError

CASES = Path(__file__).resolve().parents[1] / "../shared/cases"
FAR_M = 1e7
TOWN = [
    [(0, 0), (40, 10), (90, 0), (130, 20)],
    [(40, 10), (40, 70), (60, 100)],
    [(200, 0), (240, 40), (200, 80), (200, 0)],
]
CROSS = [[(0, 0), (100, 0)], [(50, -50), (50, 50)]]
WEST, NORTH = places((0, 0)), places((50, 50), (100, 0))


def distances(network: object, sites: np.ndarray, demand: np.ndarray) -> np.ndarray:
    return dense(siting.reach(network, sites, demand, cutoff_m=FAR_M).distances)


def needs(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"the case {path.name} is not on this machine")
    return path


# ------------------------------------------------------------------------------- the network


def test_nodes_edges_and_components() -> None:
    network = siting.read_network(roads(*TOWN), crs=CRS)
    total_m = sum(shapely.LineString(line).length for line in TOWN)
    assert network.node_xy.shape == (network.n_nodes, 2)
    assert len(network.edge_length_m) == network.n_edges
    assert (np.asarray(network.edge_length_m) > 0).all()
    assert np.sum(network.edge_length_m) == pytest.approx(total_m, abs=1e-6)
    assert network.n_components == 2
    assert network.component_of_node.shape == (network.n_nodes,)
    assert network.crs.equals(roads(*TOWN).crs)
    near, far = network.node_xy[:, 0] < 300_150, network.node_xy[:, 0] > 300_150
    assert len(set(network.component_of_node[near])) == 1
    assert len(set(network.component_of_node[far])) == 1
    assert set(network.component_of_node) == {0, 1}


def test_every_vertex_stands_where_it_was() -> None:
    network = siting.read_network(roads(*TOWN), crs=CRS)
    ends = places((0, 0), (130, 20), (60, 100), (40, 10))
    gaps = np.linalg.norm(network.node_xy[None] - ends[:, None], axis=2).min(axis=1)
    np.testing.assert_allclose(gaps, 0, atol=1e-6)


@pytest.mark.parametrize("gap_m", [0.04, 0.06])
def test_tolerance_joins_ends(gap_m: float) -> None:
    lines = roads([(0, 0), (100, 0)], [(100 + gap_m, 0), (200, 0)])
    assert siting.read_network(lines, crs=CRS).n_components == (1 if gap_m < 0.05 else 2)
    assert siting.read_network(lines, crs=CRS, tolerance_m=0.1).n_components == 1
    assert siting.read_network(lines, crs=CRS, tolerance_m=0.001).n_components == 2


def test_no_tolerance_still_joins_the_same_place() -> None:
    lines = roads([(0, 0), (100, 0)], [(100, 0), (200, 0)])
    assert siting.read_network(lines, crs=CRS, tolerance_m=0).n_components == 1


def test_tolerance_is_single_linkage() -> None:
    """Ten ends in a row, each 0.04 m from the next, are one place."""
    fan = [[(100 + 0.04 * i, 0), (100 + 40 * i, 500)] for i in range(10)]
    assert siting.read_network(roads(*fan), crs=CRS).n_components == 1


# ------------------------------------------------------------------------------- crossings


def test_plain_crossings_meet_only_if_asked() -> None:
    apart = distances(siting.read_network(roads(*CROSS), crs=CRS), WEST, NORTH)
    met = distances(siting.read_network(roads(*CROSS), crs=CRS, node_crossings=True), WEST, NORTH)
    np.testing.assert_allclose(apart, [[np.inf, 100]], atol=1e-6)
    np.testing.assert_allclose(met, [[100, 100]], atol=1e-6)


@pytest.mark.parametrize(
    ("column", "values", "meets"),
    [
        ("bridge", ["yes", None], False),
        ("bridge", ["yes", "yes"], True),
        ("bridge", [None, None], True),
        ("tunnel", [None, "yes"], False),
        ("tunnel", ["yes", "yes"], True),
        ("layer", ["1", None], False),
        ("layer", [1, 2], False),
        ("layer", [-1, -1], True),
        ("name", ["A", "B"], True),
    ],
)
def test_crossings_on_different_levels_do_not_meet(
    column: str, values: list[object], *, meets: bool
) -> None:
    lines = roads(*CROSS, **{column: values})
    network = siting.read_network(lines, crs=CRS, node_crossings=True)
    expected = 100 if meets else np.inf
    np.testing.assert_allclose(distances(network, WEST, NORTH)[0, 0], expected, atol=1e-6)


def test_roads_meet_at_a_shared_vertex_whatever_their_tags() -> None:
    lines = roads([(0, 0), (50, 0)], [(50, 0), (50, 50)], bridge=["yes", None], layer=["1", "0"])
    for node_crossings in (False, True):
        network = siting.read_network(lines, crs=CRS, node_crossings=node_crossings)
        np.testing.assert_allclose(distances(network, WEST, NORTH)[0, 0], 100, atol=1e-6)


def test_a_bridge_over_two_roads_meets_neither() -> None:
    lines = roads(
        [(0, 0), (100, 0)],
        [(0, 20), (100, 20)],
        [(50, -50), (50, 70)],
        [(30, -50), (30, 70)],
        bridge=[None, None, "yes", None],
    )
    network = siting.read_network(lines, crs=CRS, node_crossings=True)
    got = distances(network, places((0, 0)), places((0, 20), (50, 70)))
    np.testing.assert_allclose(got, [[80, np.inf]], atol=1e-6)


def test_a_line_meets_itself_only_if_asked() -> None:
    bow = roads([(0, 0), (100, 100), (100, 0), (0, 100)])
    apart = siting.read_network(bow, crs=CRS)
    met = siting.read_network(bow, crs=CRS, node_crossings=True)
    ends = places((0, 0)), places((0, 100))
    np.testing.assert_allclose(distances(apart, *ends), [[200 * 2**0.5 + 100]], atol=1e-6)
    np.testing.assert_allclose(distances(met, *ends), [[100 * 2**0.5]], atol=1e-6)


def test_an_end_in_the_middle_of_a_road_meets_it_if_asked() -> None:
    tee = roads([(0, 0), (100, 0)], [(50, 0), (50, 50)])
    network = siting.read_network(tee, crs=CRS, node_crossings=True)
    np.testing.assert_allclose(distances(network, WEST, NORTH), [[100, 100]], atol=1e-6)


@pytest.mark.parametrize("share", [1 / 3, 0.37, 0.5, 0.71])
def test_an_end_on_a_slanting_road_meets_it_if_asked(share: float) -> None:
    """No number is exactly on a slanting line: off by the last digit is still on it."""
    tee = roads([(0, 0), (100, 37)], [(100 * share, 37 * share), (50, 90)])
    assert siting.read_network(tee, crs=CRS, node_crossings=True).n_components == 1
    assert siting.read_network(tee, crs=CRS).n_components == 2


def test_a_grid_of_crossings_is_a_grid() -> None:
    """Twelve long lines, nodes only where they cross: the distance is the Manhattan one."""
    rows = [[(0, 50 * i), (250, 50 * i)] for i in range(6)]
    columns = [[(50 * i, 0), (50 * i, 250)] for i in range(6)]
    network = siting.read_network(roads(*rows, *columns), crs=CRS, node_crossings=True)
    rng = np.random.default_rng(11)
    here, there = rng.integers(0, 6, (20, 2)) * 50.0, rng.integers(0, 6, (30, 2)) * 50.0
    got = distances(network, places(*here), places(*there))
    manhattan = np.abs(here[:, None] - there[None]).sum(axis=2)
    np.testing.assert_allclose(got, manhattan, rtol=0, atol=1e-6)


# ------------------------------------------------------------------------------- files

LONLAT = {
    1: (121.5200000, 25.0400000),
    2: (121.5210000, 25.0400000),
    3: (121.5220000, 25.0405000),
    4: (121.5210000, 25.0412000),
    5: (121.5230000, 25.0412000),
    6: (121.5300000, 25.0500000),
    7: (121.5310000, 25.0500000),
    8: (121.5240000, 25.0405000),
    9: (121.5235000, 25.0401000),
}
WALKED = {
    101: ([1, 2, 3], {"highway": "residential", "name": "民生路"}),
    102: ([2, 4], {"highway": "footway"}),
    103: ([4, 5, 3], {"highway": "tertiary", "oneway": "yes"}),
    104: ([6, 7], {"highway": "path"}),
    105: ([3, 8, 9, 3], {"highway": "pedestrian", "area": "yes"}),
}
NOT_WALKED = {
    201: ([4, 6], {"highway": "motorway"}),
    202: ([3, 7], {"highway": "motorway_link"}),
    203: ([5, 8], {"highway": "primary", "foot": "no"}),
    204: ([1, 6], {"waterway": "river"}),
    205: ([1, 7], {"route": "ferry"}),
    206: ([1, 2, 4, 1], {"building": "yes"}),
    207: ([2, 7], {"highway": "proposed"}),
    208: ([2, 6], {"highway": "construction"}),
}


def osm_xml(ways: dict[int, tuple[list[int], dict[str, str]]]) -> str:
    root = ET.Element("osm", version="0.6", generator="test")
    for node, (lon, lat) in LONLAT.items():
        ET.SubElement(root, "node", id=str(node), lon=f"{lon:.7f}", lat=f"{lat:.7f}", version="1")
    for way, (refs, tags) in ways.items():
        element = ET.SubElement(root, "way", id=str(way), version="1")
        for ref in refs:
            ET.SubElement(element, "nd", ref=str(ref))
        for key, value in tags.items():
            ET.SubElement(element, "tag", k=key, v=value)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def write_osm(path: Path, ways: dict[int, tuple[list[int], dict[str, str]]]) -> Path:
    xml = osm_xml(ways).encode()
    if path.suffix == ".pbf":
        osmium = pytest.importorskip("osmium", reason="writing .osm.pbf takes the package osmium")
        with osmium.SimpleWriter(str(path)) as out:
            for thing in osmium.FileProcessor(osmium.io.FileBuffer(xml, "osm")):
                out.add(thing)
        return path
    path.write_bytes(gzip.compress(xml) if path.suffix == ".gz" else xml)
    return path


@pytest.fixture
def walked() -> gpd.GeoDataFrame:
    """Return the roads of `WALKED` in degrees."""
    lines = [shapely.LineString([LONLAT[i] for i in refs]) for refs, _ in WALKED.values()]
    return gpd.GeoDataFrame({"name": list("abcde")}, geometry=lines, crs="EPSG:4326")


@pytest.fixture
def spots() -> np.ndarray:
    rng = np.random.default_rng(5)
    xy = rng.uniform([121.519, 25.039], [121.532, 25.051], (60, 2))
    points = gpd.GeoSeries(gpd.points_from_xy(*xy.T), crs="EPSG:4326").to_crs(CRS)
    return np.column_stack([points.x, points.y])


def assert_reads_as(source: object, lines: gpd.GeoDataFrame, spots: np.ndarray, **how: str) -> None:
    """Fail unless the source is the network of the lines, judged by the oracle."""
    network = siting.read_network(source, crs=CRS, **how)
    expected = walking_distances(lines.to_crs(CRS), spots[:20], spots[20:])
    assert network.n_components == 2
    assert_within(distances(network, spots[:20], spots[20:]), expected)


def test_roads_in_degrees_are_projected(walked: gpd.GeoDataFrame, spots: np.ndarray) -> None:
    assert_reads_as(walked, walked, spots)
    assert_reads_as(walked.to_crs("EPSG:32651"), walked.to_crs("EPSG:32651"), spots)


@pytest.mark.parametrize("name", ["roads.gpkg", "道路.gpkg", "roads.geojson", "roads.shp"])
def test_vector_files(
    name: str, walked: gpd.GeoDataFrame, spots: np.ndarray, tmp_path: Path
) -> None:
    walked.to_file(tmp_path / name)
    assert_reads_as(tmp_path / name, gpd.read_file(tmp_path / name), spots)
    assert_reads_as(str(tmp_path / name), gpd.read_file(tmp_path / name), spots)


def test_layer_of_a_geopackage(walked: gpd.GeoDataFrame, spots: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "city.gpkg"
    as_points(spots).to_file(path, layer="homes")
    walked.to_file(path, layer="roads")
    assert_reads_as(path, walked, spots, layer="roads")
    with pytest.raises(InputError):
        siting.read_network(path, crs=CRS, layer="streets")


@pytest.mark.parametrize("name", ["town.osm", "town.osm.gz", "town.osm.pbf"])
@pytest.mark.parametrize("dropped", [None, *NOT_WALKED])
def test_openstreetmap_keeps_what_one_may_walk_on(
    name: str,
    dropped: int | None,
    walked: gpd.GeoDataFrame,
    spots: np.ndarray,
    tmp_path: Path,
) -> None:
    """No motorway, no foot=no, no road to come, no ferry; the rim of a square, as any road."""
    ways = WALKED if dropped is None else WALKED | {dropped: NOT_WALKED[dropped]}
    path = write_osm(tmp_path / name, ways)
    assert_reads_as(path, walked, spots)
    assert_reads_as(str(path), walked, spots)


def test_openstreetmap_cut_at_its_border(
    walked: gpd.GeoDataFrame, spots: np.ndarray, tmp_path: Path
) -> None:
    """An extract names nodes that it does not hold; the rest of the way still counts."""
    cut = WALKED | {101: ([1, 2, 3, 999], {"highway": "residential"})}
    path = write_osm(tmp_path / "cut.osm", cut)
    assert_reads_as(path, walked, spots)


def test_openstreetmap_crossings_without_a_node_do_not_meet(tmp_path: Path) -> None:
    ways = {1: ([1, 5], {"highway": "path"}), 2: ([3, 4], {"highway": "path"})}
    path = write_osm(tmp_path / "cross.osm", ways)
    assert siting.read_network(path, crs=CRS).n_components == 2
    assert siting.read_network(path, crs=CRS, node_crossings=True).n_components == 1


@pytest.mark.parametrize("simplified", [True, False])
def test_graphml_of_osmnx(
    simplified: bool,  # noqa: FBT001 - drawn by pytest
    walked: gpd.GeoDataFrame,
    spots: np.ndarray,
    tmp_path: Path,
) -> None:
    graph = nx.MultiDiGraph(crs="epsg:4326", simplified=simplified)
    for node, (lon, lat) in LONLAT.items():
        graph.add_node(node, x=lon, y=lat)
    for way, (refs, tags) in WALKED.items():
        for one in _edges_of(refs, split=not simplified):
            both = [one] if tags.get("oneway") else [one, one[::-1]]
            for run in both:
                line = shapely.LineString([LONLAT[i] for i in run])
                extra = {"geometry": line} if simplified else {}
                known = {"osmid": way, "length": 100.0, "oneway": len(both) == 1}
                graph.add_edge(run[0], run[-1], **(tags | known | extra))
    path = tmp_path / "town.graphml"
    osmnx.save_graphml(graph, path)
    assert_reads_as(path, walked, spots)


def _edges_of(refs: list[int], *, split: bool) -> list[list[int]]:
    if split or 2 in refs[1:-1]:
        return [refs[i : i + 2] for i in range(len(refs) - 1)]
    return [refs]


# ------------------------------------------------------------------------------- bad inputs


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4490", "EPSG:3857", "EPSG:2263", "nonsense"])
def test_a_network_needs_projected_metres(crs: str) -> None:
    """Degrees, feet and web Mercator do not measure what one walks (T13)."""
    with pytest.raises(CrsError):
        siting.read_network(roads(*TOWN), crs=crs)


def test_roads_without_a_crs_are_refused() -> None:
    bare = roads(*TOWN, crs=None)
    with pytest.raises(CrsError):
        siting.read_network(bare, crs=CRS)


def test_roads_far_outside_their_crs_are_refused() -> None:
    """Degrees declared as metres lie in the sea south of Africa."""
    lost = gpd.GeoDataFrame(geometry=[shapely.LineString([(121.5, 25.0), (121.6, 25.1)])], crs=CRS)
    with pytest.raises(CrsError):
        siting.read_network(lost, crs=CRS)


@pytest.mark.parametrize(
    "lines",
    [
        gpd.GeoDataFrame(geometry=[], crs=CRS),
        as_points(places((0, 0), (5, 5))),
        roads(shapely.Polygon([(0, 0), (9, 0), (9, 9)])),
        roads([(0, 0), (0, 0)]),
        gpd.GeoDataFrame(geometry=[None, shapely.LineString()], crs=CRS),
    ],
    ids=["no rows", "points", "polygons", "no length", "no geometry"],
)
def test_what_holds_no_road_is_refused(lines: gpd.GeoDataFrame) -> None:
    with pytest.raises(InputError):
        siting.read_network(lines, crs=CRS)


@pytest.mark.parametrize("stray", [None, shapely.Point(300_000, 2_770_000)])
def test_a_row_that_is_no_road_is_refused(stray: object) -> None:
    lines = pd.concat([roads(*TOWN), gpd.GeoDataFrame(geometry=[stray], crs=CRS)])
    with pytest.raises(InputError):
        siting.read_network(lines, crs=CRS)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("roads.osm", "<osm><node id='1' lat="),
        ("roads.osm", "<osm version='0.6'></osm>"),
        ("roads.osm.gz", "this is no gzip"),
        ("roads.osm.pbf", "this is no pbf"),
        ("roads.graphml", "<graphml>"),
        ("roads.graphml", "this is no XML"),
        ("roads.gpkg", "this is no database"),
        ("roads.geojson", "{}"),
        ("roads.txt", "x,y"),
    ],
)
def test_broken_files_are_refused(name: str, content: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError):
        siting.read_network(path, crs=CRS)


@pytest.mark.parametrize("name", ["no.gpkg", "no.osm", "no.osm.gz", "no.osm.pbf", "no.graphml"])
def test_missing_files_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        siting.read_network(tmp_path / name, crs=CRS)


@pytest.mark.parametrize("tolerance_m", [-0.05, float("nan")])
def test_tolerance_must_be_a_length(tolerance_m: float) -> None:
    with pytest.raises(ValueError, match="tolerance"):
        siting.read_network(roads(*TOWN), crs=CRS, tolerance_m=tolerance_m)


# ------------------------------------------------------------------------------- real cases


def test_porto_pbf() -> None:
    """About 323,000 walkable nodes, 348,000 edges, 9,900 km; main component 310,900 nodes."""
    network = siting.read_network(needs(CASES / "porto/porto_portugal.osm.pbf"), crs="EPSG:3763")
    assert network.n_nodes == pytest.approx(323_000, rel=0.03)
    assert network.n_edges == pytest.approx(348_000, rel=0.03)
    assert np.sum(network.edge_length_m) == pytest.approx(9_900_000, rel=0.03)
    assert np.bincount(network.component_of_node).max() == pytest.approx(310_900, rel=0.03)


@pytest.fixture(scope="module")
def taipei() -> gpd.GeoDataFrame:
    return gpd.read_file(needs(CASES / "taipei/roads_edges.gpkg")).to_crs(CRS)


@pytest.fixture(scope="module")
def taipei_osm() -> ET.Element:
    path = needs(CASES / "taipei/osm_taipei_core_main_roads_2024-11-11.osm.gz")
    with gzip.open(path) as file:
        return ET.parse(file).getroot()  # noqa: S314 - a file of our own


def test_taipei_roads_keep_their_length(taipei: gpd.GeoDataFrame) -> None:
    network = siting.read_network(CASES / "taipei/roads_edges.gpkg", crs=CRS)
    assert np.sum(network.edge_length_m) == pytest.approx(taipei.length.sum(), rel=1e-4)


def test_taipei_osm_is_what_one_may_walk_on(taipei_osm: ET.Element) -> None:
    """Measured on the file: 754.7 km without motorways and foot=no; access=no may go too."""
    path = CASES / "taipei/osm_taipei_core_main_roads_2024-11-11.osm.gz"
    most = _length_m(taipei_osm, without_access=set())
    least = _length_m(taipei_osm, without_access={"no", "private"})
    total = np.sum(siting.read_network(path, crs=CRS).edge_length_m)
    assert least * 0.9999 <= total <= most * 1.0001


def _length_m(osm: ET.Element, *, without_access: set[str]) -> float:
    lonlat = {n.get("id"): (float(n.get("lon")), float(n.get("lat"))) for n in osm.iter("node")}
    lines = []
    for way in osm.iter("way"):
        tags = {tag.get("k"): tag.get("v") for tag in way.iter("tag")}
        if tags["highway"].startswith("motorway") or tags.get("foot") == "no":
            continue
        if tags.get("access") in without_access:
            continue
        lines.append(shapely.LineString([lonlat[nd.get("ref")] for nd in way.iter("nd")]))
    return float(gpd.GeoSeries(lines, crs="EPSG:4326").to_crs(CRS).length.sum())


def test_taipei_osm_equals_its_lines(
    taipei: gpd.GeoDataFrame, taipei_osm: ET.Element, tmp_path: Path
) -> None:
    """The same ways from the OSM file and from the GeoPackage are the same network."""
    kept = {str(way) for way in taipei["osm_way"]}
    root = ET.Element("osm", version="0.6")
    root.extend(x for x in taipei_osm if x.tag == "node" or x.get("id") in kept)
    path = tmp_path / "main.osm"
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    from_osm = siting.read_network(path, crs=CRS)
    from_lines = siting.read_network(taipei, crs=CRS)
    assert np.sum(from_osm.edge_length_m) == pytest.approx(
        np.sum(from_lines.edge_length_m), rel=1e-6
    )
    assert from_osm.n_components == from_lines.n_components
    homes, blocks = _taipei_points()
    np.testing.assert_allclose(
        distances(from_osm, homes[:30], blocks[::20]),
        distances(from_lines, homes[:30], blocks[::20]),
        rtol=0,
        atol=1e-3,
    )


def test_taipei_equals_the_oracle(taipei: gpd.GeoDataFrame) -> None:
    homes, blocks = _taipei_points()
    blocks = blocks[::3]
    network = siting.read_network(taipei, crs=CRS)
    expected = walking_distances(taipei, homes, blocks, max_snap_m=500)
    everything = siting.reach(network, homes, blocks, cutoff_m=FAR_M, max_snap_m=500).distances
    assert expected.sure.mean() > 0.99
    assert_within(dense(everything), expected, atol=0.1)  # ends up to 0.05 m apart are joined
    exact = siting.read_network(taipei, crs=CRS, tolerance_m=1e-4)
    expected = walking_distances(taipei, homes, blocks, max_snap_m=500, tolerance_m=1e-4)
    assert_within(
        dense(siting.reach(exact, homes, blocks, cutoff_m=FAR_M, max_snap_m=500).distances),
        expected,
        atol=1e-6,
    )
    cut = siting.reach(network, homes, blocks, cutoff_m=1000, max_snap_m=500).distances
    kept = np.where(dense(everything) <= 1000, dense(everything), np.inf)
    np.testing.assert_allclose(dense(cut), kept, rtol=0, atol=1e-6)


def _taipei_points() -> tuple[np.ndarray, np.ndarray]:
    homes = pd.read_csv(needs(CASES / "taipei/care_homes_all_with_beds.csv"))
    places_of_homes = gpd.points_from_xy(homes["lon"], homes["lat"], crs="EPSG:4326").to_crs(CRS)
    blocks = gpd.read_file(needs(CASES / "taipei/blocks_core.gpkg")).to_crs(CRS)
    inside = blocks.representative_point()
    return (
        np.column_stack([places_of_homes.x, places_of_homes.y]),
        np.column_stack([inside.x, inside.y]),
    )
