"""Communities and elders of the invented county."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from sample_patches import words
from shapely.geometry import LineString, MultiPoint, Point, Polygon

if TYPE_CHECKING:
    from sample_patches import Patch, Road, Xy
    from shapely.geometry.base import BaseGeometry

CRS = "EPSG:4549"
ORIGIN = (512000.0, 3303000.0)  # added to local metres
DAY = "2025-01-01"  # stands in every file
CELL_M = 100.0
# elders per km² of built land, and the number of communities, of every urban patch
URBAN = {
    "老城": ("老城街道", 14, 6300.0, 0.31),
    "江南": ("江南街道", 10, 2700.0, 0.17),
    "城东": ("城东街道", 8, 2500.0, 0.21),
    "山前": ("山前镇", 2, 2100.0, 0.27),
    "田畈": ("田畈镇", 2, 2200.0, 0.27),
    "沙洲": ("沙洲镇", 2, 2100.0, 0.26),
}
URBAN_NAMES = {
    "老城": words("鼓楼 文昌 学前 县前 仓前 十字街 孔庙 东门 西门 南门 北门 水门 桂花 青石"),
    "江南": words("望江 滨江 锦绣 金桂 银杏 双桥 新田 体育 湖心 翠苑"),
    "城东": words("东湖 朝阳 前进 新丰 红星 春晖 东升 长青"),
    "山前": words("山前 茶亭"),
    "田畈": words("田畈 上街"),
    "沙洲": words("沙洲 渡口"),
}
DIRECTIONS = {
    "东门": (1, 0), "西门": (-1, 0), "南门": (0.2, -1), "北门": (0, 1), "水门": (-0.8, -1),
    "滨江": (0.6, 1), "望江": (-0.7, 1), "江南": (0, 1), "体育": (1, -0.2), "东升": (1, 0.4),
    "渡口": (0, 1),
}  # fmt: skip
VILLAGE_NAMES = words(
    "石坞 樟树下 上岙 下岙 竹山 岭脚 里坑 外坑 枫树湾 白水 云峰 大坪 黄泥岭 龙潭 栗山 "
    "大塘 前畈 后畈 荷塘 稻香 新桥头 柳家 陈宅 王坞 何村 潘村 长埂 砖窑 沙埠 芦江 "
    "东坂 西坂 渔浦 桑园 杨梅岭 梅溪 桃源 双溪 横塘 曹宅 古井 石马 高车 兰塘 五里牌"
)


@dataclass(frozen=True)
class Community:
    """One community or village, in local metres."""

    name: str
    street: str
    district: str
    kind: str  # 社区 or 村
    polygon: Polygon
    elders: float
    residents: int


class Ground(NamedTuple):
    """County border, middle of the river, island, and points spread over the open land."""

    county: Polygon
    middle: LineString
    island: Polygon
    free: np.ndarray


def split_points(rng: np.random.Generator, points: np.ndarray, *, groups: int) -> np.ndarray:
    """Return the group of every point, by Lloyd's method from spread-out starts."""
    centres = [points[int(rng.integers(len(points)))]]
    while len(centres) < groups:
        gaps = np.min([((points - centre) ** 2).sum(axis=1) for centre in centres], axis=0)
        centres.append(points[int(np.argmax(gaps))])
    where = np.array(centres)
    label = np.zeros(len(points), dtype=int)
    for _ in range(30):
        label = np.argmin(((points[:, None] - where[None]) ** 2).sum(axis=2), axis=1)
        where = np.array([points[label == k].mean(axis=0) for k in range(groups)])
    return label


def village_street(xy: Xy, *, north: bool) -> str:
    """Return the street or town that a village belongs to."""
    if north:
        return "山前镇" if xy[0] < 7400 else "城东街道"
    if xy[0] < 5900:
        return "田畈镇"
    return "江南街道" if xy[0] < 9800 else "沙洲镇"


def district_of(street: str) -> str:
    """Return the district of a street or town."""
    return "江北片区" if street in {"老城街道", "城东街道", "山前镇"} else "江南片区"


def communities(
    rng: np.random.Generator, ground: Ground, *, patches: list[Patch], seeds: list[Xy]
) -> list[Community]:
    """Return communities that tile the county, two districts divided by the river."""
    banks = _banks(ground)
    labels = _Labels(rng, patches=patches, seeds=seeds, banks=banks, middle=ground.middle)
    points, owner = labels.owners(ground.free)
    shapes: dict[int, BaseGeometry] = {}
    for bank in banks.values():
        shapely.prepare(bank)
        here = shapely.contains_xy(bank, points)
        shapes |= _tiles(points[here], owner[here], area=bank)
    tiles = _settled(_whole(shapes), island=ground.island.buffer(45))
    island = tiles.pop(-1)
    built = shapely.union_all([patch.area for patch in patches])
    rows = [labels.community(rng, key, tiles[key], built=built) for key in sorted(tiles)]
    rows.append(Community("江心洲村", "沙洲镇", "江南片区", "村", island, 1460.0, 4870))
    return rows


def _banks(ground: Ground) -> dict[str, BaseGeometry]:
    """Return the land north and south of the river's middle, without the island."""
    ends = list(ground.middle.coords)
    above = Polygon([*ends, (ends[-1][0], 20000.0), (ends[0][0], 20000.0)])
    rest = ground.county.difference(ground.island.buffer(45))
    return {"north": rest.intersection(above), "south": rest.difference(above)}


def placed_names(names: list[str], centres: np.ndarray) -> list[str]:
    """Return one name per community; names such as 东门 go to the outermost on that side."""
    left = list(range(len(centres)))
    placed: dict[int, str] = {}
    spread = centres - centres.mean(axis=0)
    for name in sorted(names, key=lambda name: name not in DIRECTIONS):
        way = np.array(DIRECTIONS.get(name, (0.0, 0.0)))
        best = max(left, key=lambda k: float(spread[k] @ way)) if way.any() else left[0]
        placed[best] = name
        left.remove(best)
    return [placed[k] for k in range(len(centres))]


class _Labels:
    """Which community every ground point belongs to, and what that community is like."""

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        patches: list[Patch],
        seeds: list[Xy],
        banks: dict[str, BaseGeometry],
        middle: LineString,
    ) -> None:
        self.banks, self.middle = banks, middle
        self.info: list[tuple[str, str, str, float, float]] = []
        points: list[np.ndarray] = []
        owners: list[np.ndarray] = []
        self.rural: list[np.ndarray] = []
        for patch in patches:
            if patch.plan.kind == "island":
                continue
            spots = np.array([block.centroid.coords[0] for block in patch.blocks.values()])
            if patch.plan.kind == "hamlet":
                self.rural.append(spots)
                continue
            street, count, elders, share = URBAN[patch.plan.key]
            points.append(spots)
            groups = split_points(rng, spots, groups=count)
            owners.append(groups + len(self.info))
            centres = np.array([spots[groups == k].mean(axis=0) for k in range(count)])
            for name in placed_names(URBAN_NAMES[patch.plan.key], centres):
                self.info.append((name, street, "社区", elders, share))
        self.urban_points, self.urban_owner = np.vstack(points), np.concatenate(owners)
        self.seeds = np.array(seeds)
        self.first = len(self.info)
        names = list(rng.permutation(VILLAGE_NAMES))
        for k, seed in enumerate(seeds):
            street = village_street(seed, north=self._north(self.seeds[k]))
            self.info.append((str(names[k]), street, "村", float(rng.uniform(260, 780)), 0.38))

    def _north(self, xy: np.ndarray) -> bool:
        return bool(shapely.contains_xy(self.banks["north"], *xy))

    def owners(self, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return all ground points with their community."""
        rural = np.vstack([*self.rural, free])
        north = shapely.contains_xy(self.banks["north"], rural)
        seed_north = np.array([self._north(seed) for seed in self.seeds])
        gap = np.hypot(*(rural[:, None] - self.seeds[None]).transpose(2, 0, 1))
        owner = np.argmin(np.where(north[:, None] == seed_north[None], gap, np.inf), axis=1)
        owner = owner + self.first
        town_north = shapely.contains_xy(self.banks["north"], self.urban_points)
        to_town = np.hypot(*(rural[:, None] - self.urban_points[None]).transpose(2, 0, 1))
        to_town = np.where(north[:, None] == town_north[None], to_town, np.inf)
        near = np.argmin(to_town, axis=1)
        bank = shapely.distance(self.middle, shapely.points(rural)) < 430
        fringe = to_town[np.arange(len(rural)), near] < np.where(bank, 460, 170)
        owner[fringe] = self.urban_owner[near[fringe]]
        return np.vstack([self.urban_points, rural]), np.concatenate([self.urban_owner, owner])

    def community(
        self, rng: np.random.Generator, key: int, polygon: Polygon, *, built: BaseGeometry
    ) -> Community:
        """Return one community with its elders and residents."""
        name, street, kind, level, share = self.info[key]
        elders = level
        if kind == "社区":
            spread = float(np.exp(rng.normal(0, 0.22)))
            tower = 1.75 if name in {"滨江", "金桂", "朝阳"} else 1.0
            elders = level * spread * tower * polygon.intersection(built).area / 1e6
        residents = int(elders / (share * float(rng.uniform(0.88, 1.12))))
        full = name if name.endswith(kind) else f"{name}{kind}"
        return Community(full, street, district_of(street), kind, polygon, elders, residents)


def _tiles(points: np.ndarray, owner: np.ndarray, *, area: BaseGeometry) -> dict[int, BaseGeometry]:
    """Return the Voronoi cells of the points, joined by owner and cut to the area."""
    cells = shapely.get_parts(shapely.voronoi_polygons(MultiPoint(points), extend_to=area))
    at, point = shapely.STRtree(cells).query(shapely.points(points), predicate="within")[::-1]
    cells = cells[at[np.argsort(point)]]
    cut = shapely.intersection(cells, area, grid_size=0.01)
    return {
        int(key): shapely.union_all(cut[owner == key], grid_size=0.01) for key in np.unique(owner)
    }


def _whole(shapes: dict[int, BaseGeometry]) -> dict[int, Polygon]:
    """Give every detached part of a community to the neighbour with the longest shared border."""
    parts = {
        key: sorted(shapely.get_parts(shape), key=lambda p: -p.area)
        for key, shape in shapes.items()
    }
    main = {key: pieces[0] for key, pieces in parts.items()}
    loose = [piece for key in sorted(parts) for piece in parts[key][1:]]
    for piece in sorted(loose, key=lambda p: -p.area):
        shared = {key: main[key].intersection(piece).length for key in sorted(main)}
        best = max(shared, key=lambda key: shared[key])
        main[best] = shapely.union_all([main[best], piece], grid_size=0.01)
    return main


def _settled(tiles: dict[int, Polygon], *, island: Polygon) -> dict[int, Polygon]:
    """Return the communities, and the island as -1, with every border vertex shared."""
    tiles = {-1: island, **tiles}
    keys = sorted(tiles)
    shapes = [tiles[key] for key in keys]
    borders = shapely.union_all(shapely.boundary(shapes), grid_size=0.01)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(borders)))
    inside = shapely.point_on_surface(faces)
    owner = shapely.STRtree(shapes).query_nearest(inside, all_matches=False)[1]
    return {key: shapely.union_all(faces[owner == k]) for k, key in enumerate(keys)}


def elder_grid(
    rng: np.random.Generator,
    *,
    rows: list[Community],
    patches: list[Patch],
    lanes: list[LineString],
    county: Polygon,
) -> tuple[np.ndarray, np.ndarray]:
    """Return cell centres with their elders; NaN where nobody lives or the county ends."""
    x0, y0, x1, y1 = (np.array(county.bounds) / CELL_M).round() * CELL_M + (-300, -300, 300, 300)
    xs, ys = np.arange(x0 + 50, x1, CELL_M), np.arange(y1 - 50, y0, -CELL_M)
    centres = np.stack(np.meshgrid(xs, ys), axis=-1)
    flat = centres.reshape(-1, 2)
    weight = np.full(len(flat), np.nan)
    tree = shapely.STRtree(shapely.points(flat))
    for lane in lanes:  # scattered farmhouses along the country roads
        near = tree.query(lane, predicate="dwithin", distance=60)
        weight[near] = np.where(rng.random(len(near)) < 0.25, 0.06, weight[near])
    for patch in patches:
        for block, polygon in patch.blocks.items():
            near = tree.query(polygon.buffer(8), predicate="contains")
            noise = np.exp(rng.normal(0, 0.18, len(near)))
            weight[near] = patch.weights[block] * noise
    elders = np.full(len(flat), np.nan)
    for row in rows:
        here = tree.query(row.polygon, predicate="contains")
        total = np.nansum(weight[here])
        elders[here] = weight[here] / total * row.elders
    strays = np.flatnonzero(_just_outside(flat, county))
    for k in rng.choice(strays, 6, replace=False):
        elders[k] = rng.uniform(0.8, 3.0)
    return centres, elders.reshape(centres.shape[:2]).astype("float32").round(2)


def _just_outside(points: np.ndarray, county: Polygon) -> np.ndarray:
    """Tell which points lie outside the county by less than one cell."""
    ring = county.buffer(90).difference(county.buffer(5))
    shapely.prepare(ring)
    return np.asarray(shapely.contains_xy(ring, points))


def zone_sums(rows: list[Community], centres: np.ndarray, elders: np.ndarray) -> np.ndarray:
    """Return the elders of the cells whose centre lies in each community."""
    tree = shapely.STRtree(shapely.points(centres.reshape(-1, 2)))
    values = np.nan_to_num(elders.astype(float).ravel())
    return np.array([values[tree.query(row.polygon, predicate="contains")].sum() for row in rows])


def community_of(rows: list[Community], xy: Xy) -> Community | None:
    """Return the community that contains a place."""
    return next((row for row in rows if row.polygon.contains(Point(xy))), None)


class County(NamedTuple):
    """Everything that the files are written from, in local metres."""

    outline: Polygon
    water: BaseGeometry
    patches: list[Patch]
    roads: list[Road]
    rows: list[Community]
    centres: np.ndarray
    elders: np.ndarray


def moved(shape: BaseGeometry) -> BaseGeometry:
    """Return a shape in EPSG:4549 instead of local metres, to the centimetre."""
    return shapely.transform(shape, lambda xy: (xy + ORIGIN).round(2))
