"""Existing homes and candidate parcels of the invented county, as the tables planners hold."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import openpyxl
import shapely
from sample_facts import HOME_FACT_COLUMNS, PARCEL_FACT_COLUMNS, home_facts, parcel_facts
from sample_patches import words
from sample_people import CRS, DAY, ORIGIN, County, community_of, moved
from shapely.geometry import LineString, Point, Polygon

if TYPE_CHECKING:
    from pathlib import Path

    from sample_patches import Patch, Xy

LONLAT = "EPSG:4490"
HOMES = [
    # name, beds, nursing, dementia, ownership, kind, registered, max, fixed, per bed, place
    ("老城福利院", 120, 80, 20, "公办", "养老机构", "是", "", "", "", (6900, 6900)),
    ("松鹤颐养院", 46, 30, 0, "民办", "养老机构", "是", 96, 180, 9.5, (7300, 6250)),
    ("安康微型养老之家", 8, 4, 0, "公建民营", "养老机构", "是", 20, 40, 8, (6500, 6400)),
    ("夕阳红日间照料中心", 20, 0, 0, "公办", "日间照料", "是", "", "", "", (7600, 6900)),
    ("银龄康养中心", 160, 110, 24, "公建民营", "养老机构", "是", "", "", "", (7900, 3500)),
    ("江畔护理院", 60, 55, 10, "民办", "养老机构", "是", "", "", "", (6800, 4600)),
    ("城东颐乐园", 90, 48, 0, "民办", "养老机构", "是", 140, 260, 11, (9500, 8300)),
    ("康宁托老所", 35, 10, 0, "民办", "养老机构", "否", "", "", "", (10400, 7900)),
    ("山前镇敬老院", 54, 24, 0, "公办", "养老机构", "是", 80, 120, 8.5, (3500, 8600)),
    ("田畈镇敬老院", 48, 20, 0, "公办", "养老机构", "是", "", "", "", (4100, 2800)),
    ("沙洲镇敬老院", 40, 16, 0, "公办", "养老机构", "是", "", "", "", (12600, 4400)),
    (
        "云岭疗养院",
        70,
        20,
        0,
        "民办",
        "养老机构",
        "是",
        "",
        "",
        "",
        (0, 0),
    ),  # far from every road
    ("邻县长乐养老院", 80, 40, 0, "民办", "养老机构", "是", "", "", "", (0, 0)),  # outside
]
HOME_COLUMNS = words(
    "编号 机构名称 核定床位 护理型床位 认知症床位 性质 类型 已备案 "
    "最多床位 扩建固定费用 扩建每床费用 经度 纬度"
)


def write_homes(rng: np.random.Generator, county: County, path: Path) -> None:
    """Write the existing homes as a table in GB18030, with longitude and latitude."""
    places = [beside_road(rng, county, home[-1]) for home in HOMES[:-2]]
    places += [remote_place(county), outside_place(county)]
    points = gpd.GeoSeries([moved(Point(xy)) for xy in places], crs=CRS).to_crs(LONLAT)
    with path.open("w", encoding="gb18030", newline="") as file:
        table = csv.writer(file, lineterminator="\r\n")
        table.writerow([*HOME_COLUMNS, *HOME_FACT_COLUMNS])
        for k, (home, point) in enumerate(zip(HOMES, points, strict=True)):
            place = (f"{point.x:.7f}", f"{point.y:.7f}")
            table.writerow([f"YL{k + 1:02d}", *home[:-1], *place, *home_facts(k)])


def beside_road(rng: np.random.Generator, county: County, near: Xy) -> Xy:
    """Return a place 12 to 28 m beside the street that is nearest to a point."""
    lines = [LineString(road.coords) for road in county.roads if not road.bridge]
    line = lines[int(np.argmin(shapely.distance(lines, Point(near))))]
    way = line.project(Point(near))
    on, ahead = line.interpolate(way), line.interpolate(min(way + 1, line.length))
    behind = line.interpolate(max(way - 1, 0))
    dx, dy = ahead.x - behind.x, ahead.y - behind.y
    away = float(rng.uniform(12, 28)) * float(rng.choice([-1, 1])) / np.hypot(dx, dy)
    return (round(on.x - dy * away, 2), round(on.y + dx * away, 2))


def remote_place(county: County) -> Xy:
    """Return the inland hill place farthest from every road."""
    roads = shapely.STRtree([LineString(road.coords) for road in county.roads])
    xs, ys = np.meshgrid(np.arange(1500, 9000, 50.0), np.arange(9000, 11500, 50.0))
    spots = shapely.points(xs.ravel(), ys.ravel())
    spots = spots[shapely.contains(county.outline.buffer(-400), spots)]
    gaps = roads.query_nearest(spots, return_distance=True, all_matches=False)[1]
    best = spots[int(np.argmax(gaps))]
    return (best.x, best.y)


def outside_place(county: County) -> Xy:
    """Return a place beside a road that has just left the county."""
    outer = county.outline.exterior
    for road in county.roads:
        line = LineString(road.coords)
        ends = [Point(road.coords[0]), Point(road.coords[-1])]
        if line.crosses(outer) and min(end.x for end in ends) > 14000:
            out = line.difference(county.outline).interpolate(0.35, normalized=True)
            return (round(out.x + 9, 2), round(out.y + 14, 2))
    message = "no road leaves the county in the east"
    raise ValueError(message)


class Kind(NamedTuple):
    """A kind of parcel: names, tenure, land code, and its ranges."""

    label: str
    tenure: tuple[str, ...]
    land_code: str
    area_m2: tuple[float, float]
    fixed: tuple[float, float]
    per_bed: tuple[float, float]


KINDS = {
    "new": Kind(
        "社会福利用地", ("国有划拨", "国有出让"), "080701", (2500, 9000), (500, 1300), (13, 19)
    ),
    "school": Kind("闲置校舍", ("国有划拨", "集体"), "0804", (1500, 5000), (180, 460), (8, 12)),
    "community": Kind("社区用房", ("国有划拨", "租赁"), "0702", (450, 1600), (60, 180), (7, 11)),
    "shop": Kind("存量商业", ("租赁", "国有出让"), "0901", (700, 2600), (90, 320), (9, 14)),
    "village": Kind("村集体用房", ("集体", "集体租赁"), "0704", (500, 2200), (50, 160), (6, 9)),
}
MIX = {
    "urban": (["new", "school", "community", "shop"], [0.12, 0.13, 0.45, 0.30]),
    "town": (["new", "school", "community", "shop"], [0.15, 0.25, 0.40, 0.20]),
    "island": (["school"], [1.0]),
    "hamlet": (["village", "school"], [0.8, 0.2]),
}
COUNTS = {"老城": 42, "江南": 36, "城东": 26, "山前": 5, "田畈": 6, "沙洲": 6, "江心": 1, "": 20}
CANDIDATE_COLUMNS = words(
    "地块编号 地块名称 权属 用地代码 用地面积m2 "
    "最少床位 最多床位 固定费用_万元 每床费用_万元 东坐标 北坐标"
)


def write_candidates(
    rng: np.random.Generator, county: County, path: Path, *, redline: dict[str, Polygon]
) -> None:
    """Write the candidate parcels as a workbook."""
    rows: list[list[str | float]] = []
    for key, count in COUNTS.items():
        patches = [patch for patch in county.patches if patch.plan.key == key]
        kept: list[Xy] = []
        while len(kept) < count:
            patch = patches[int(rng.integers(len(patches)))]
            spot = parcel_spot(rng, patch)
            if all(np.hypot(spot[0] - x, spot[1] - y) > 130 for x, y in kept):
                kept.append(spot)
                rows.append(parcel(rng, county, patch, spot, number=len(rows) + 1))
    for area in redline.values():  # parcels on protected land: the run must leave them out
        rows.append(_protected_parcel(rng, county, area, number=len(rows) + 1))
    save_workbook(rows, path)


def parcel_spot(rng: np.random.Generator, patch: Patch) -> Xy:
    """Return a place inside a random block, nearer to its edge than to its middle."""
    blocks = sorted(patch.blocks)
    block = patch.blocks[blocks[int(rng.integers(len(blocks)))]]
    ring = np.array(block.exterior.coords)
    edge = ring[int(rng.integers(len(ring)))]
    middle = np.array(block.centroid.coords[0])
    x, y = edge + float(rng.uniform(0.15, 0.5)) * (middle - edge)
    return (round(float(x), 2), round(float(y), 2))


def _protected_parcel(
    rng: np.random.Generator, county: County, area: Polygon, *, number: int
) -> list[str | float]:
    """Return a parcel on protected land, as near to a road as there is."""
    lines = [LineString(road.coords) for road in county.roads]
    inner = area.buffer(-20)
    gaps = shapely.distance(lines, inner)
    line = lines[int(np.argmin(gaps))]
    on = shapely.shortest_line(inner, line).coords[0]
    hamlet = next(patch for patch in county.patches if patch.plan.kind == "hamlet")
    return parcel(rng, county, hamlet, (round(on[0], 2), round(on[1], 2)), number=number)


def parcel(
    rng: np.random.Generator, county: County, patch: Patch, spot: Xy, *, number: int
) -> list[str | float]:
    """Return one row of the workbook."""
    names, shares = MIX[patch.plan.kind]
    kind = KINDS[str(rng.choice(names, p=shares))]
    area = round(float(rng.uniform(*kind.area_m2)) / 10) * 10
    beds = int(np.clip(round(area / 32 / 5) * 5, 15, 200))
    fixed = round(float(np.interp(area, kind.area_m2, kind.fixed)) * float(rng.uniform(0.85, 1.15)))
    home = community_of(county.rows, spot)
    place = home.name.removesuffix("社区") if home else "县界外"
    x, y = spot[0] + ORIGIN[0], spot[1] + ORIGIN[1]
    tenure = str(rng.choice(kind.tenure))
    return [
        f"DK{number:03d}", f"{place}{kind.label}（{number}号）", tenure, kind.land_code,
        area, 30 if kind.label == "社会福利用地" else 10, beds, fixed,
        round(float(rng.uniform(*kind.per_bed)), 1), round(x, 2), round(y, 2),
        *parcel_facts(kind.label, tenure, home.name if home else "", number),
    ]  # fmt: skip


def save_workbook(rows: list[list[str | float]], path: Path) -> None:
    """Write the workbook, with fixed dates inside."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "候选地块"
    for row in [[*CANDIDATE_COLUMNS, *PARCEL_FACT_COLUMNS], *rows]:
        sheet.append(row)
    sheet.freeze_panes = "A2"
    draft = io.BytesIO()
    book.save(draft)
    stamp = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
    with (
        zipfile.ZipFile(draft) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            content = stamp.sub(f"{DAY}T00:00:00Z".encode(), old.read(name))
            new.writestr(
                zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED
            )
