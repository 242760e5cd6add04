"""
Write the sample input: an invented county seat, with no real place, person or home in it.

Run as ``python data/sample/make_sample.py``. The seed is fixed; a second run writes the same
bytes. Lengths are in metres, coordinates in EPSG:4549 (CGCS2000, 3-degree zone, 120° E), money
in 万元.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pyogrio
import rasterio
import shapely
from sample_country import Country, border, hamlets, scatter, spanning_pairs, waters
from sample_facts import ISLANDS
from sample_patches import Patch, Plan, Road, Xy, build_patch, words
from sample_people import (
    CRS,
    DAY,
    ORIGIN,
    County,
    Ground,
    communities,
    elder_grid,
    moved,
    zone_sums,
)
from sample_sites import write_candidates, write_homes
from shapely import affinity
from shapely.geometry import LineString, Point, Polygon

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

HERE = Path(__file__).resolve().parent
SEED = 20250101
NODATA = -9999.0
OFF_COMMUNITY = "东湖社区"  # its figure is deliberately 4 % above its cells
STREETS = words(
    "人民路 解放街 文昌街 县前街 鼓楼街 仓桥街 学前路 东门街 西门街 桂花巷 水门街 孔庙街 "
    "青石街 和平路 建设路 胜利路 新华路 中山街 南门街 北门街 书院路 太平街 米市街 盐仓街"
)
AVENUES = words(
    "望江路 江滨大道 锦绣路 金桂路 银杏路 体育路 迎宾大道 会展路 湖心路 双桥路 新安路 世纪大道 "
    "科技路 兴业路 平安路 永安路 育才路 广场路 友谊路 惠民路"
)
EASTERN = words(
    "朝阳路 前进路 春晖路 东升路 长青路 红星路 新丰路 东湖路 工业路 振兴路 富民路 站前路 "
    "创业路 向阳路 团结路 光明路 幸福路 健康路"
)
TOWNS = [  # key, centre, radii, angle, block, kind, names, drop, lanes, gated, parks
    Plan("老城", (7050, 6600), (1180, 1000), 8, 122, "urban", tuple(STREETS), 0.1, 0.35, 0, 0.04),
    Plan("江南", (7500, 3900), (1500, 1120), -6, 205, "urban", tuple(AVENUES), 0.0, 0.65, 7, 0.08),
    Plan("城东", (9800, 8050), (1250, 900), 21, 190, "urban", tuple(EASTERN), 0.03, 0.6, 4, 0.08),
    Plan(
        "山前",
        (3400, 8700),
        (600, 420),
        35,
        112,
        "town",
        ("山前街", "茶亭街"),
        0.3,
        0.1,
        sway=0.5,
        wave=2.4,
    ),
    Plan("田畈", (4150, 2700), (600, 430), 12, 115, "town", ("田畈街", "上街"), 0.08, 0.2),
    Plan("沙洲", (12400, 4300), (580, 440), -18, 112, "town", ("沙洲街", "渡口街"), 0.08, 0.2),
    Plan("江心", (12350, 6760), (690, 290), 3, 108, "island", ("江心路",), 0.1, 0.1, 0, 0.06),
]
BRIDGES = [("西大桥", (6300, 5330)), ("中山大桥", (7500, 5300)), ("东大桥", (8950, 5850)),
           ("上游桥", (2300, 5700))]  # fmt: skip
LINKS = [  # more roads between the towns, and along the river
    ((8200, 7200), (8700, 7500)), ((8000, 7600), (8900, 8400)), ((8100, 6200), (9300, 7300)),
    ((8000, 7500), (9600, 8900)), ((6000, 6000), (3500, 8500)), ((6100, 4200), (4700, 2800)),
    ((9000, 4000), (12000, 4300)), ((8700, 4700), (12300, 4700)), ((6900, 7600), (4300, 10200)),
]  # fmt: skip
EXITS = [(550, 6700), (1500, 3300), (8300, 400), (15500, 4500), (15300, 8900), (9300, 12400)]


def main() -> None:
    """Build the county and write its files beside this script."""
    rng = np.random.default_rng(SEED)
    county = build_county(rng)
    redline = protected(county)
    write_zones(county)
    write_roads(county)
    write_grid(county)
    write_redline(redline)
    write_homes(rng, county, HERE / "homes.csv")
    write_candidates(rng, county, HERE / "candidates.xlsx", redline=redline)
    size = sum(path.stat().st_size for path in HERE.iterdir() if path.is_file())
    print(f"{len(county.rows)} communities, {len(county.roads)} roads, {size / 1e6:.2f} MB")


def build_county(rng: np.random.Generator) -> County:
    """Return the county: ground, patches, roads, communities and elders."""
    outline = border()
    middle, island, water = waters()
    dry = water.union(outline.exterior.buffer(60))
    towns = [build_patch(rng, plan, water=dry) for plan in TOWNS]
    built = shapely.union_all([patch.area for patch in towns])
    open_land = outline.buffer(-350).difference(built.buffer(650)).difference(water.buffer(330))
    seeds = scatter(rng, open_land, apart_m=1650, tries=1500)
    around = outline.buffer(-330).difference(built.buffer(330)).difference(water.buffer(280))
    villages = hamlets(rng, seeds, area=around, water=dry)
    patches = towns + villages
    country, roads = lay_roads(rng, patches, county=outline, water=water, middle=middle)
    ground = Ground(outline, middle, island, country.free)
    rows = communities(rng, ground, patches=patches, seeds=seeds)
    lanes = [LineString(road.coords) for road in roads if road.level in {"村道", "乡道", "县道"}]
    centres, elders = elder_grid(rng, rows=rows, patches=patches, lanes=lanes, county=outline)
    return County(outline, water, patches, roads, rows, centres, elders)


def lay_roads(
    rng: np.random.Generator,
    patches: list[Patch],
    *,
    county: Polygon,
    water: BaseGeometry,
    middle: LineString,
) -> tuple[Country, list[Road]]:
    """Return all roads: within patches, bridges, and between patches and out of the county."""
    main_land = [patch for patch in patches if patch.plan.kind != "island"]
    country = Country(rng, patches, county=county, water=water)
    bridges = [country.bridge(place, name=name, middle=middle) for name, place in BRIDGES]
    towns = [patch for patch in main_land if patch.plan.kind != "hamlet"]
    _join(country, towns, level="县道")
    for place in EXITS:
        start = country.nearest(towns[_nearest(towns, place)].plan.centre, built=True)
        country.lay(start, country.nearest(place), level="县道")
    for a, b in sorted(country.bridges):
        for end in (a, b):
            centres = np.array([patch.plan.centre for patch in main_land])
            gaps = np.hypot(*(centres - country.points[end]).T)
            gaps[~country.same_bank(end, centres, middle=middle)] = np.inf
            near = main_land[int(np.argmin(gaps))].plan.centre
            country.lay(end, country.nearest(near, built=True), level="县道")
    for ends in LINKS:
        country.lay(*(country.nearest(end, built=True) for end in ends), level="县道")
    _join(country, main_land, level="乡道")
    centres = np.array([patch.plan.centre for patch in main_land])
    for a, b in _extra_pairs(rng, centres):
        country.lay(*(country.nearest(tuple(centres[k]), built=True) for k in (a, b)), level="村道")
    inner = [road for patch in patches for road in patch.roads]
    return country, [*inner, *bridges, flyover(patches), *country.roads()]


def _nearest(patches: list[Patch], place: Xy) -> int:
    gaps = [np.hypot(p.plan.centre[0] - place[0], p.plan.centre[1] - place[1]) for p in patches]
    return int(np.argmin(gaps))


def _join(country: Country, patches: list[Patch], *, level: str) -> None:
    """Join patches by roads along their shortest tree."""
    centres = np.array([patch.plan.centre for patch in patches])
    for a, b in spanning_pairs(centres):
        ends = (country.nearest(tuple(centres[k]), built=True) for k in (a, b))
        country.lay(*ends, level=level)


def _extra_pairs(rng: np.random.Generator, centres: np.ndarray) -> list[tuple[int, int]]:
    """Return some more pairs of neighbouring patches that get a road of their own."""
    gaps = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    close = np.argwhere(np.triu(gaps < 1500, 1))
    return [(int(a), int(b)) for a, b in close if rng.random() < 0.3]


def flyover(patches: list[Patch]) -> Road:
    """Return an elevated road over the streets of the eastern town, meeting only at its ends."""
    east = next(patch for patch in patches if patch.plan.key == "城东")
    estates = shapely.union_all([LineString(r.coords) for r in east.roads if r.level == "小区道路"])
    corners = sorted({node for edge in east.edges for node in edge})
    for i, j in corners:
        if (i + 10, j) in east.nodes and (i + 10, j) in corners:
            nodes = [
                east.nodes[i, j],
                *(east.nodes[i + k, j] for k in (1, 9)),
                east.nodes[i + 10, j],
            ]
            line = np.array(nodes)
            line[1:3] += 0.2 * (np.array(east.nodes[i, j + 1]) - nodes[0])
            if LineString(line).distance(estates) > 25 and (i + 5, j) in east.nodes:
                coords = [(round(float(x), 2), round(float(y), 2)) for x, y in line]
                return Road("城东高架", "快速路", coords, bridge=True)
    message = "no place for the elevated road"
    raise ValueError(message)


def protected(county: County) -> dict[str, Polygon]:
    """Return the areas where nothing new may stand, by name."""
    west = Point(2300, 10300).buffer(1).union(Point(2900, 9700).buffer(1)).convex_hull
    hill = affinity.scale(west.buffer(1250), 1.0, 0.85)
    wetland = Point(11300, 7260).buffer(1).union(Point(13600, 7290).buffer(1)).convex_hull
    north = Point(7800, 11200).buffer(1000)
    areas = {
        "山前水源涵养区": hill,
        "江心洲湿地": wetland.buffer(190),
        "北部生物多样性维护区": affinity.scale(north, 1.2, 0.8),
    }
    towns = [patch.area for patch in county.patches if patch.plan.kind != "hamlet"]
    land = county.outline.difference(shapely.union_all(towns).buffer(120))
    return {name: area.intersection(land).simplify(15) for name, area in areas.items()}


def write_zones(county: County) -> None:
    """Write the communities as a Shapefile in GBK."""
    sums = zone_sums(county.rows, county.centres, county.elders)
    order = np.argsort([f"{row.district}{row.street}" for row in county.rows], kind="stable")
    streets = list(dict.fromkeys(county.rows[k].street for k in order))
    records: list[dict[str, Any]] = []
    for k in order:
        row = county.rows[k]
        number = sum(record["街道"] == row.street for record in records) + 1
        elders = sums[k] * (1.04 if row.name == OFF_COMMUNITY else 1.0)
        records.append({
            "社区代码": f"9901{streets.index(row.street) + 1:03d}{number:03d}",
            "社区名称": row.name, "街道": row.street, "片区": row.district, "类型": row.kind,
            "老年人口": round(elders), "常住人口": row.residents,
            "岛屿": ISLANDS.get(row.name, ""), "geometry": moved(row.polygon),
        })  # fmt: skip
    frame = gpd.GeoDataFrame(records, crs=CRS)
    write_layer(
        frame, "communities.shp", driver="ESRI Shapefile", encoding="GBK", DBF_DATE_LAST_UPDATE=DAY
    )
    (HERE / "communities.cpg").write_text("GBK", encoding="ascii")


def write_roads(county: County) -> None:
    """Write the road centre lines as a GeoPackage."""
    frame = gpd.GeoDataFrame(
        {
            "道路编号": [f"R{k:04d}" for k in range(1, len(county.roads) + 1)],
            "道路名称": [road.name or None for road in county.roads],
            "等级": [road.level for road in county.roads],
            "bridge": ["yes" if road.bridge else "no" for road in county.roads],
        },
        geometry=[moved(LineString(road.coords)) for road in county.roads],
        crs=CRS,
    )
    write_layer(frame, "roads.gpkg", driver="GPKG", layer="道路中心线")


def write_redline(areas: dict[str, Polygon]) -> None:
    """Write the areas where nothing new may stand."""
    shapes = [moved(area) for area in areas.values()]
    frame = gpd.GeoDataFrame({"名称": list(areas)}, geometry=shapes, crs=CRS)
    write_layer(frame, "ecological_redline.gpkg", driver="GPKG", layer="生态保护红线")


def write_layer(frame: gpd.GeoDataFrame, name: str, **options: str) -> None:
    """Write a layer with a fixed date inside."""
    path = HERE / name
    if path.suffix == ".gpkg":
        path.unlink(missing_ok=True)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{DAY}T00:00:00.000Z"})
    pyogrio.write_dataframe(frame, path, **options)


def write_grid(county: County) -> None:
    """Write the elders per 100 m cell."""
    corner = county.centres[0, 0] + (-50, 50) + np.array(ORIGIN)
    values = np.where(np.isnan(county.elders), NODATA, county.elders).astype("float32")
    with rasterio.open(
        HERE / "elders_100m.tif", "w", driver="GTiff", dtype="float32", count=1, crs=CRS,
        height=values.shape[0], width=values.shape[1], nodata=NODATA, compress="deflate",
        transform=rasterio.Affine(100.0, 0.0, corner[0], 0.0, -100.0, corner[1]),
    ) as grid:  # fmt: skip
        grid.write(values, 1)
        grid.set_band_description(1, "60+ usual residents, synthetic")


if __name__ == "__main__":
    main()
