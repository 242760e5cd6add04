"""Real places: a plan for the core of Taipei checked by other means, Haikou, Porto's roads."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import case_files
import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from conftest import Run
from pypdf import PdfReader
from pyproj import Transformer
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

import siting
from siting.standards import FUNCTIONS

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "cases"
TAIPEI, HAIKOU, PORTO = REAL / "taipei", REAL / "haikou", REAL / "porto"
CRS = "EPSG:3826"
SAME_PLACE_M = 0.05
MAX_SNAP_M = 500.0
OUTPUTS = {
    "run.json", "facilities.csv", "demand.csv", "units.csv", "audit.csv", "curve.csv",
    "density.csv", "check.csv", "plan.gpkg", "tables.xlsx", "map.html", "sheet.pdf", "sheet.png",
}  # fmt: skip


def needs(folder: Path) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not folder.is_dir(), reason=f"no real case {folder.name} here")


# -- distances by other means -----------------------------------------------------------------


class Streets:
    """Road lines as straight pieces between places; nothing of Siting is used."""

    def __init__(self, lines: gpd.GeoDataFrame) -> None:
        parts = lines.geometry.explode().to_numpy()
        xy, line = shapely.get_coordinates(parts, return_index=True)
        inner = line[1:] == line[:-1]
        near = cKDTree(xy).query_pairs(SAME_PLACE_M, output_type="ndarray")
        joined = coo_array((np.ones(len(near)), near.T), shape=(len(xy), len(xy)))
        place = connected_components(joined, directed=False)[1]
        self.ends = np.column_stack([place[:-1][inner], place[1:][inner]])
        self.pieces = shapely.linestrings(np.stack([xy[:-1][inner], xy[1:][inner]], axis=1))
        self.tree = shapely.STRtree(self.pieces)
        self.n = int(place.max()) + 1

    def nearest_m(self, starts: np.ndarray, goals: np.ndarray) -> np.ndarray:
        """
        Return the walk from each goal to the nearest start: leg, road, leg; infinite without one.

        The nearest point on the nearest piece of road becomes a node of the graph, and the point
        itself one more, at the end of its leg.
        """
        points = np.vstack([starts, goals])
        near, leg = self.tree.query_nearest(
            shapely.points(points), max_distance=MAX_SNAP_M, return_distance=True, all_matches=False
        )
        who, piece = near
        along = shapely.line_locate_point(self.pieces[piece], shapely.points(points[who]))
        foot = self.n + np.arange(len(who))
        body = self.n + len(who) + who
        edges = [*self._split(piece, along, foot), (foot, body, leg)]
        tail, head, metres = (np.concatenate(each) for each in zip(*edges, strict=True))
        size = self.n + len(who) + len(points)
        graph = coo_array((np.maximum(metres, 1e-9), (tail, head)), shape=(size, size)).tocsr()
        first = self.n + len(who)
        sources = first + np.intersect1d(who, np.arange(len(starts)))
        found = dijkstra(graph, directed=False, indices=sources, min_only=True, limit=20_000)
        return found[first + len(starts) :]

    def _split(
        self, piece: np.ndarray, along: np.ndarray, foot: np.ndarray
    ) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return the edges of all pieces, cut at each foot; of parallel ones the shortest."""
        length = shapely.length(self.pieces)
        rows = np.arange(len(length))
        table = pd.DataFrame({
            "piece": np.concatenate([rows, piece, rows]),
            "at": np.concatenate([np.zeros(len(rows)), along, length]),
            "node": np.concatenate([self.ends[:, 0], foot, self.ends[:, 1]]),
            "turn": np.repeat([0, 1, 2], [len(rows), len(piece), len(rows)]),
        }).sort_values(["piece", "turn", "at"], kind="stable")  # fmt: skip
        node, at, of = (table[each].to_numpy() for each in ("node", "at", "piece"))
        same = (of[1:] == of[:-1]) & (node[1:] != node[:-1])
        pairs = np.sort(np.column_stack([node[:-1][same], node[1:][same]]), axis=1)
        cut = pd.DataFrame({"a": pairs[:, 0], "b": pairs[:, 1], "m": np.diff(at)[same]})
        cut = cut.groupby(["a", "b"], as_index=False)["m"].min()
        return [(cut["a"].to_numpy(), cut["b"].to_numpy(), cut["m"].to_numpy())]


def test_the_other_means_walk_around_a_block() -> None:
    lines = [[(0, 0), (100, 0), (100, 100)], [(100.03, 100), (0, 100)], [(0, 200), (500, 200)]]
    streets = Streets(gpd.GeoDataFrame(geometry=[shapely.LineString(x) for x in lines], crs=CRS))
    starts = np.array([[10.0, -5.0], [900.0, 900.0]])
    goals = np.array([[40.0, 103.0], [30.0, 0.0], [250.0, 210.0], [10.0, 700.1]])
    walks = streets.nearest_m(starts, goals)
    assert walks[:2] == pytest.approx([5 + 90 + 100 + 60 + 3, 5 + 20], abs=0.1)
    assert np.isinf(walks[2:]).all()  # another piece of road; too far from every road


# -- Taipei -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Taipei:
    """The blocks of Taipei as read from the files, with their class and standard."""

    streets: Streets
    xy: np.ndarray
    elders: np.ndarray
    high: np.ndarray
    medium: np.ndarray
    district: np.ndarray

    def shares(self, sites: np.ndarray) -> dict[str, float]:
        """Return the covered share of each class with facilities at some places."""
        metres = self.streets.nearest_m(sites, self.xy)
        found = {}
        for name, mine, standard in (("high", self.high, 500), ("medium", self.medium, 1000)):
            covered = mine & (metres <= standard + 1e-6)
            found[name] = float(self.elders[covered].sum() / self.elders[mine].sum())
        return found


@pytest.fixture(scope="session")
def taipei_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Plan Taipei once and write every output."""
    done = siting.plan(siting.read_scenario(ROOT / "scenarios" / "taipei.yaml", data=TAIPEI))
    return Run(done, siting.write_plan(done, tmp_path_factory.mktemp("runs") / "taipei"))


@pytest.fixture(scope="session")
def taipei() -> Taipei:
    """Read the files of Taipei anew."""
    blocks = gpd.read_file(TAIPEI / "blocks_core.gpkg").to_crs(CRS)
    villages = gpd.read_file(TAIPEI / "villages_core.geojson").to_crs(CRS)
    points = gpd.GeoDataFrame(geometry=blocks.representative_point())
    joined = points.sjoin(villages, how="left", predicate="intersects")
    joined = joined[~joined.index.duplicated()]
    elders = blocks["est_pop60plus_2024"].to_numpy(dtype=float)
    xy = shapely.get_coordinates(points.geometry.to_numpy())
    density = (villages["pop60plus"] / (villages.area / 1e6)).reindex(joined["index_right"])
    window = cKDTree(xy).query_ball_point(xy, np.sqrt(1e6 / np.pi))
    around = np.array([elders[each].sum() for each in window])
    density = np.where(np.isnan(density), around, density)
    lived = elders > 0
    return Taipei(
        streets=Streets(gpd.read_file(TAIPEI / "roads_edges.gpkg").to_crs(CRS)),
        xy=xy,
        elders=elders,
        high=lived & (density > 3000),
        medium=lived & (density >= 1000) & (density <= 3000),
        district=joined["TOWN"].to_numpy(),
    )


def table_points(name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a table of Taipei and where its rows stand."""
    table = pd.read_csv(TAIPEI / name)
    project = Transformer.from_crs(4326, CRS, always_xy=True)
    return table, np.column_stack(project.transform(table["lon"], table["lat"]))


def counted(folder: Path) -> pd.DataFrame:
    """Return the facilities of a plan that count, as written."""
    table = pd.read_csv(folder / "facilities.csv", encoding="utf-8-sig")
    return table[table["qualifies"]]


@needs(TAIPEI)
def test_taipei_has_the_elders_of_each_class(taipei_run: Run, taipei: Taipei) -> None:
    stated = taipei_run.plan.record["elders"]
    assert stated["total"] == pytest.approx(taipei.elders.sum(), rel=1e-9)
    assert stated["high"] == pytest.approx(taipei.elders[taipei.high].sum(), rel=1e-9)
    assert stated["medium"] == pytest.approx(taipei.elders[taipei.medium].sum(), rel=1e-9)
    assert stated["high"] > 400_000


@needs(TAIPEI)
@pytest.mark.parametrize("state", ["existing", "plan", "reachable"])
def test_coverage_of_taipei_is_what_other_means_find(
    taipei_run: Run, taipei: Taipei, state: str
) -> None:
    homes, stand = table_points("care_homes_all_with_beds.csv")
    sites = stand[homes["beds"] >= 10]
    if state == "plan":
        sites = counted(taipei_run.folder)[["x", "y"]].to_numpy()
    elif state == "reachable":
        _, listed = table_points("community_care_points_2025.csv")
        problem = taipei_run.plan.problem
        made = np.char.startswith(problem.sites.id.astype(str), "gen-")
        assert made.sum() > 100
        sites = np.vstack([sites, listed, problem.sites.xy[made]])
    stated = taipei_run.plan.record["coverage"][state]
    found = taipei.shares(sites)
    assert stated == pytest.approx(found, abs=0.001)
    assert 0.2 < found["high"] < 1


@needs(TAIPEI)
def test_walks_of_taipei_are_what_other_means_measure(taipei_run: Run, taipei: Taipei) -> None:
    sites = counted(taipei_run.folder)[["x", "y"]].to_numpy()
    found = taipei.streets.nearest_m(sites, taipei.xy)
    table = pd.read_csv(taipei_run.folder / "demand.csv", encoding="utf-8-sig")
    stated = table["nearest_network_m"].fillna(np.inf).to_numpy()
    assert np.isinf(stated).tolist() == np.isinf(found).tolist()
    there = np.isfinite(found)
    apart = np.abs(stated[there] - found[there])
    assert there.sum() > 6000
    assert np.quantile(apart, 0.99) < 0.1
    straight = cKDTree(sites).query(taipei.xy)[0]
    assert table["nearest_straight_m"].to_numpy() == pytest.approx(straight, abs=0.01)


@needs(TAIPEI)
def test_every_stage_of_taipei_is_within_its_gap(taipei_run: Run) -> None:
    record = json.loads((taipei_run.folder / "run.json").read_text(encoding="utf-8"))
    assert [stage["name"] for stage in record["stages"]] == [
        "uncovered_high", "uncovered_medium", "missing_beds", "unmet_minima", "cost", "distance",
    ]  # fmt: skip
    assert all(0 <= stage["gap"] <= 0.005 for stage in record["stages"])
    assert record["status"] in {"optimal", "gap"}


@needs(TAIPEI)
def test_each_district_of_taipei_has_its_beds_where_they_can_stand(
    taipei_run: Run, taipei: Taipei
) -> None:
    table = case_files.read_result(taipei_run.folder).tables["units"].set_index("id")
    facilities, problem = counted(taipei_run.folder), taipei_run.plan.problem
    inside = facilities[facilities["status"] != "outside"]
    beds = inside.groupby("unit_id")["beds"].sum()
    names = np.append(problem.unit_id, "")[problem.site_unit]
    room = pd.Series(problem.sites.max_beds).groupby(names).sum()
    assert len(table) == 10
    for name in table.index:
        elders = taipei.elders[taipei.district == name].sum()
        need = -(-round(elders * 1e6) * 3 // 10**8)
        assert int(table.loc[name, "beds_required"]) == need
        assert beds[name] >= min(need, room[name])
        assert int(table.loc[name, "beds_planned"]) == beds[name]


@needs(TAIPEI)
def test_taipei_writes_every_output(taipei_run: Run) -> None:
    written = {path.name: path.stat().st_size for path in taipei_run.folder.iterdir()}
    assert set(written) >= OUTPUTS
    assert min(written.values()) > 100
    points = pd.read_csv(taipei_run.folder / "demand.csv", encoding="utf-8-sig")
    assert len(points) == 6426
    layer = gpd.read_file(taipei_run.folder / "plan.gpkg", layer="facilities")
    assert layer.crs.to_epsg() == 3826
    stands = pd.read_csv(taipei_run.folder / "facilities.csv", encoding="utf-8-sig")
    assert sorted(layer["id"]) == sorted(stands["id"])


# -- Haikou: elders by district only, so every output says that it is an estimate --------------


@pytest.fixture(scope="session")
def haikou_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Plan Haikou once and write every output, under a name that says nothing of an estimate."""
    scenario = siting.read_scenario(
        ROOT / "scenarios" / "haikou.yaml", data=HAIKOU, changes={"name": "海口"}
    )
    done = siting.plan(scenario)
    return Run(done, siting.write_plan(done, tmp_path_factory.mktemp("runs") / "haikou"))


def shown(page: str) -> str:
    """Return what of a page stands outside its programs, which hold the words for every case."""
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


@needs(TAIPEI)
def test_no_output_of_taipei_says_that_it_is_an_estimate(taipei_run: Run) -> None:
    folder = taipei_run.folder
    assert "估算" not in shown((folder / "map.html").read_text(encoding="utf-8"))
    assert "估算" not in sheet_words(folder)
    assert not any("估算" in cell for cell in workbook_cells(folder))
    for name in ("facilities", "demand", "units", "audit", "curve", "density"):
        assert "estimate" not in pd.read_csv(folder / f"{name}.csv", nrows=1, encoding="utf-8-sig")


@needs(TAIPEI)
def test_the_map_of_taipei_is_small_enough_to_send(taipei_run: Run) -> None:
    assert (taipei_run.folder / "map.html").stat().st_size <= 6_000_000


def sheet_words(folder: Path) -> str:
    """Return the words of the sheet."""
    return "".join(page.extract_text() for page in PdfReader(folder / "sheet.pdf").pages)


def workbook_cells(folder: Path) -> list[str]:
    """Return the cells of the first page of the workbook."""
    book = openpyxl.load_workbook(folder / "tables.xlsx", read_only=True)
    return [str(cell) for row in book.worksheets[0].iter_rows(values_only=True) for cell in row]


@needs(HAIKOU)
@pytest.mark.slow
def test_haikou_keeps_the_elders_of_its_districts(haikou_run: Run) -> None:
    districts = gpd.read_file(HAIKOU / "districts.geojson").set_index("name")["pop60plus"]
    assert districts.sum() == 356_892
    units = pd.read_csv(haikou_run.folder / "units.csv", encoding="utf-8-sig").set_index("id")
    for name, elders in districts.items():
        assert units.loc[name, "elders"] == pytest.approx(elders, rel=1e-9)
        assert units.loc[name, "beds_planned"] >= units.loc[name, "beds_required"]
    assert all(stage["gap"] <= 0.005 for stage in haikou_run.plan.record["stages"])


@needs(HAIKOU)
@pytest.mark.slow
def test_every_output_of_haikou_says_that_it_is_an_estimate(haikou_run: Run) -> None:
    folder = haikou_run.folder
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["estimate"]
    for name in ("facilities", "demand", "units", "audit", "curve", "density"):
        table = pd.read_csv(folder / f"{name}.csv", encoding="utf-8-sig")
        assert table["estimate"].all(), name
    check = pd.read_csv(folder / "check.csv", encoding="utf-8-sig")
    assert check.loc[check["code"] == "spread", "message"].str.contains("估算").all()
    page = (folder / "map.html").read_text(encoding="utf-8")
    assert "估算" in shown(page)
    assert any("估算" in cell for cell in workbook_cells(folder))
    assert "估算" in sheet_words(folder)


# -- Porto: a whole walking network from .osm.pbf ----------------------------------------------


@needs(PORTO)
@pytest.mark.slow
def test_the_walking_network_of_porto_reads() -> None:
    network = siting.read_network(PORTO / "porto_portugal.osm.pbf", crs="EPSG:3763")
    assert network.n_nodes == pytest.approx(323_000, rel=0.05)
    assert network.n_edges == pytest.approx(348_000, rel=0.05)
    assert network.edge_length_m.sum() / 1000 == pytest.approx(9_900, rel=0.05)
    assert (network.component_of_node == 0).sum() == pytest.approx(310_900, rel=0.05)


# -- Taipei under every rule of Hangzhou ---------------------------------------------------------


@needs(TAIPEI)
@pytest.mark.slow
def test_taipei_meets_every_minimum_of_the_whole_standard(tmp_path: Path) -> None:
    """Counted from the tables: beds by unit, kinds of beds, eight functions in every circle."""
    done = siting.plan(siting.read_scenario(ROOT / "scenarios" / "taipei-full.yaml", data=TAIPEI))
    folder = siting.write_plan(done, tmp_path / "full")
    assert all(stage["gap"] <= 0.005 for stage in done.record["stages"])
    units, homes, circles = (
        pd.read_csv(folder / f"{name}.csv", encoding="utf-8-sig")
        for name in ("units", "facilities", "circles")
    )
    assert (units["beds_planned"] >= np.ceil(units["elders"] * 0.03 - 1e-6)).all()
    counts = homes[homes["qualifies"] & (homes["status"] != "outside")]
    assert counts["nursing_beds"].sum() >= 0.65 * counts["beds"].sum()
    assert counts["dementia_beds"].sum() >= 0.002 * units["elders"].sum()
    assert (counts["dementia_beds"] <= counts["nursing_beds"]).all()
    stands = counts.assign(has=counts["functions"].fillna("").str.split(", ")).explode("has")
    for unit in units["id"]:
        here = set(stands["has"][stands["unit_id"] == unit])
        assert here >= set(FUNCTIONS[:8]), unit
    assert (circles[list(FUNCTIONS[:8])] == "planned").all(axis=None)
