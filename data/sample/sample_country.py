"""Ground of the invented county: border, river, hills, villages and the roads between them."""

from __future__ import annotations

import heapq
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
from sample_patches import Patch, Plan, Road, Xy, build_patch
from shapely.geometry import LineString, MultiPoint, Point, Polygon

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

RIVER = [
    (-1500, 4900), (800, 5050), (2400, 5750), (3900, 6150), (5200, 5700), (6500, 5250),
    (7900, 5350), (9200, 6050), (10600, 6750), (12300, 6800), (13800, 6700), (15200, 7350),
    (17600, 7600),
]  # fmt: skip
HILLS = [
    (1900, 10600, 1900), (4700, 11200, 1700), (7600, 11300, 1400), (1200, 7900, 1000),
    (2400, 1700, 1300), (13800, 10300, 1600),
]  # fmt: skip
STEP_M = 155.0


def chaikin(coords: list[Xy], *, rounds: int = 2) -> list[Xy]:
    """Return the line with its corners cut, its two ends in place."""
    for _ in range(rounds):
        cut = [coords[0]]
        for (x0, y0), (x1, y1) in pairwise(coords):
            cut += [(0.75 * x0 + 0.25 * x1, 0.75 * y0 + 0.25 * y1)]
            cut += [(0.25 * x0 + 0.75 * x1, 0.25 * y0 + 0.75 * y1)]
        del cut[1], cut[-1]
        coords = [*cut, coords[-1]]
    return [(round(x, 2), round(y, 2)) for x, y in coords]


def winding(coords: list[Xy]) -> list[Xy]:
    """Return the line with bends to either side where it runs through hills."""
    bent = [coords[0]]
    for k, ((x0, y0), (x1, y1)) in enumerate(pairwise(coords)):
        rough = float(ruggedness(np.array([[(x0 + x1) / 2, (y0 + y1) / 2]]))[0])
        length = float(np.hypot(x1 - x0, y1 - y0))
        if rough > 0.35 and length > 90 and 0 < k < len(coords) - 2:
            side = 42 * min(rough, 1.0) / length
            for t, way in ((0.28, 1), (0.72, -1)):
                bent.append((
                    x0 + t * (x1 - x0) - way * side * (y1 - y0),
                    y0 + t * (y1 - y0) + way * side * (x1 - x0),
                ))  # fmt: skip
        bent.append((x1, y1))
    return bent


def border() -> Polygon:
    """Return the county border, a smooth closed line."""
    way = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    wave = 1 + 0.06 * np.sin(3 * way + 0.7) + 0.045 * np.sin(5 * way + 2.1)
    wave += 0.02 * np.sin(11 * way + 0.3) + 0.012 * np.sin(23 * way) + 0.006 * np.sin(41 * way)
    x, y = 8000 + 7300 * wave * np.cos(way), 6400 + 5600 * wave * np.sin(way)
    return Polygon(np.column_stack([x, y]).round(2))


def waters() -> tuple[LineString, Polygon, BaseGeometry]:
    """Return the middle line of the river, the island, and the water."""
    middle = LineString(chaikin([(float(x), float(y)) for x, y in RIVER], rounds=4))
    way = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    wave = 1 + 0.06 * np.sin(3 * way + 1) + 0.03 * np.sin(5 * way)
    x, y = 860 * wave * np.cos(way), 400 * wave * np.sin(way)
    island = Polygon(np.column_stack([12350 + x + 0.05 * y, 6760 + y]).round(2))
    water = middle.buffer(95).union(island.buffer(150)).buffer(120).buffer(-120)
    return middle, island, water.difference(island)


def ruggedness(points: np.ndarray) -> np.ndarray:
    """Return how hilly each point is, from 0 in the plain to about 1."""
    total = np.zeros(len(points))
    for x, y, radius in HILLS:
        total += np.exp(-(((points - (x, y)) / radius) ** 2).sum(axis=1))
    return np.minimum(total, 1.2)


def scatter(
    rng: np.random.Generator, area: BaseGeometry, *, apart_m: float, tries: int
) -> list[Xy]:
    """Return random points in an area, at least ``apart_m`` from one another."""
    x0, y0, x1, y1 = area.bounds
    kept: list[Xy] = []
    for x, y in rng.uniform((x0, y0), (x1, y1), (tries, 2)):
        far = all(np.hypot(x - a, y - b) >= apart_m for a, b in kept)
        if far and area.contains(Point(x, y)):
            kept.append((round(float(x), 2), round(float(y), 2)))
    return kept


def hamlets(
    rng: np.random.Generator, seeds: list[Xy], *, area: BaseGeometry, water: BaseGeometry
) -> list[Patch]:
    """Return two to four hamlets around every village seed, as small patches."""
    centres: list[Xy] = []
    patches = []
    for sx, sy in seeds:
        wanted = int(rng.integers(2, 5))
        spots = [(sx, sy)]
        ways = rng.uniform(0, 2 * np.pi, 12)
        reaches = rng.uniform(450, 950, 12)
        spots += [
            (sx + r * np.cos(w), sy + r * np.sin(w)) for w, r in zip(ways, reaches, strict=True)
        ]
        for x, y in spots:
            near = min((np.hypot(x - a, y - b) for a, b in centres), default=np.inf)
            if wanted and near > 620 and area.contains(Point(x, y)):
                big = 1.25 if (x, y) == (sx, sy) else 1.0
                plan = Plan(
                    key="", centre=(float(x), float(y)), angle=float(rng.uniform(0, 90)),
                    radii=(float(rng.uniform(130, 210)) * big, float(rng.uniform(90, 150)) * big),
                    block_m=float(rng.uniform(75, 100)), kind="hamlet", drop=0.2,
                )  # fmt: skip
                patch = build_patch(rng, plan, water=water)
                if patch.blocks:
                    patches.append(patch)
                    centres.append((float(x), float(y)))
                    wanted -= 1
    return patches


class Country:
    """A planar graph of possible road legs between patches, and the roads laid along it."""

    def __init__(
        self,
        rng: np.random.Generator,
        patches: list[Patch],
        *,
        county: Polygon,
        water: BaseGeometry,
    ) -> None:
        built = shapely.union_all([patch.area for patch in patches])
        x0, y0, x1, y1 = county.buffer(600).bounds
        xs, ys = np.meshgrid(np.arange(x0, x1, STEP_M), np.arange(y0, y1, STEP_M))
        free = np.column_stack([xs.ravel(), ys.ravel()])
        free = (free + rng.uniform(-0.36, 0.36, free.shape) * STEP_M).round(2)
        closed = shapely.union_all([built.buffer(70), water.buffer(35)])
        shapely.prepare(closed)
        free = free[~shapely.contains_xy(closed, free)]
        free = free[shapely.contains_xy(county.buffer(600), free)]
        ids: dict[Xy, int] = {}
        for patch in patches:
            for edge in patch.edges:
                for node in edge:
                    ids.setdefault(patch.nodes[node], len(ids))
        self.n_built = len(ids)
        self.points = np.vstack([np.array(list(ids)), free])
        self.ids = ids
        self.free = free
        self.legs: dict[int, dict[int, float]] = {k: {} for k in range(len(self.points))}
        self.used: set[tuple[int, int]] = set()
        self.level: dict[tuple[int, int], str] = {}
        self.bridges: set[tuple[int, int]] = set()
        for patch in patches:
            for one, two in patch.edges:
                self._add(ids[patch.nodes[one]], ids[patch.nodes[two]], factor=0.6)
        self._add_free_legs(rng, built=built, water=water)

    def _add(self, a: int, b: int, *, factor: float) -> None:
        length = float(np.hypot(*(self.points[a] - self.points[b]))) * factor
        self.legs[a][b] = self.legs[b][a] = length

    def _add_free_legs(
        self, rng: np.random.Generator, *, built: BaseGeometry, water: BaseGeometry
    ) -> None:
        """Add the Delaunay legs that cross neither a patch nor the water."""
        lines = shapely.get_parts(
            shapely.delaunay_triangles(MultiPoint(self.points), only_edges=True)
        )
        where = {(float(x), float(y)): k for k, (x, y) in enumerate(self.points)}
        inner = built.buffer(-1.0)
        shapely.prepare(inner)
        shapely.prepare(water)
        ok = ~(shapely.intersects(inner, lines) | shapely.intersects(water, lines))
        pairs = sorted(
            tuple(sorted(where[xy] for xy in map(tuple, shapely.get_coordinates(line).tolist())))
            for line in lines[ok]
        )
        rough = ruggedness(self.points)
        noise = rng.uniform(1.0, 1.5, len(pairs))
        for (a, b), extra in zip(pairs, noise, strict=True):
            if b >= self.n_built and b not in self.legs[a]:
                self._add(a, b, factor=extra * (1 + 2.5 * max(rough[a], rough[b])))

    def bridge(self, place: Xy, *, name: str, middle: LineString) -> Road:
        """Return the shortest bridge near a place, from a road point on either bank."""
        close = np.flatnonzero(np.hypot(*(self.points - place).T) < 520)
        wet = np.array([middle.distance(Point(*self.points[k])) for k in close])
        north = np.array([_is_north(middle, self.points[k]) for k in close])
        cost = (
            wet + 0.45 * np.hypot(*(self.points[close] - place).T) + 400 * (close >= self.n_built)
        )
        a = int(close[north][np.argmin(cost[north])])
        cost = cost + 0.6 * np.hypot(*(self.points[close] - self.points[a]).T)
        b = int(close[~north][np.argmin(cost[~north])])
        self._clear(LineString(self.points[[a, b]]), keep={a, b})
        self._add(a, b, factor=0.5)
        self.bridges.add((min(a, b), max(a, b)))
        coords = [(float(x), float(y)) for x, y in self.points[[a, b]]]
        return Road(name, "主干路", coords, bridge=True)

    def _clear(self, bridge: LineString, *, keep: set[int]) -> None:
        """Take away the legs that would pass under a bridge."""
        legs = np.array([(a, b) for a, near in self.legs.items() for b in near if a < b])
        hit = legs[shapely.intersects(shapely.linestrings(self.points[legs]), bridge)]
        for a, b in hit.tolist():
            if not keep & {a, b} and b >= self.n_built:
                del self.legs[a][b], self.legs[b][a]

    def nearest(self, xy: Xy, *, built: bool = False) -> int:
        """Return the point of the graph nearest to a place."""
        points = self.points[: self.n_built] if built else self.points
        return int(np.argmin(((points - xy) ** 2).sum(axis=1)))

    def same_bank(self, a: int, places: np.ndarray, *, middle: LineString) -> np.ndarray:
        """Tell which places lie on the bank of a point of the graph."""
        return np.array(
            [_is_north(middle, xy) == _is_north(middle, self.points[a]) for xy in places]
        )

    def lay(self, start: int, goal: int, *, level: str) -> None:
        """Lay a road along the cheapest way; legs that carry a road already are cheap."""
        best = {start: 0.0}
        before: dict[int, int] = {}
        queue = [(0.0, start)]
        while queue:
            cost, at = heapq.heappop(queue)
            if at == goal:
                break
            if cost > best[at]:
                continue
            for near, length in self.legs[at].items():
                leg = (min(at, near), max(at, near))
                total = cost + length * (0.35 if leg in self.used else 1.0)
                if total < best.get(near, np.inf):
                    best[near], before[near] = total, at
                    heapq.heappush(queue, (total, near))
        while goal in before:
            leg = (min(goal, before[goal]), max(goal, before[goal]))
            if leg[1] >= self.n_built and leg not in self.bridges:
                self.used.add(leg)
                if self.level.get(leg) != "县道":
                    self.level[leg] = level
            goal = before[goal]

    def roads(self) -> list[Road]:
        """Return the laid legs as smooth lines from junction to junction."""
        near: dict[int, list[int]] = {}
        for a, b in sorted(self.used):
            near.setdefault(a, []).append(b)
            near.setdefault(b, []).append(a)
        stops = {k for k, others in near.items() if len(others) != 2 or k < self.n_built}
        stops |= {k for bridge in self.bridges for k in bridge}
        done: set[tuple[int, int]] = set()
        lines = []
        for stop in sorted(stops):
            for first in near.get(stop, []):
                chain = [stop, first]
                if (stop, first) in done:
                    continue
                while chain[-1] not in stops:
                    chain.append(next(k for k in near[chain[-1]] if k != chain[-2]))
                done |= {(chain[0], chain[1]), (chain[-1], chain[-2])}
                levels = [self.level[min(a, b), max(a, b)] for a, b in pairwise(chain)]
                level = "县道" if "县道" in levels else levels[0]
                coords = [(float(x), float(y)) for x, y in self.points[chain]]
                lines.append(Road("", level, chaikin(winding(coords))))
        return lines


def _is_north(middle: LineString, xy: np.ndarray) -> bool:
    on = middle.interpolate(middle.project(Point(*xy)))
    return bool(xy[1] > on.y)


def spanning_pairs(points: np.ndarray) -> list[tuple[int, int]]:
    """Return the pairs of the shortest tree over points, in the order it grows."""
    inside, pairs = [0], []
    left = list(range(1, len(points)))
    while left:
        gaps = np.hypot(*(points[inside][:, None] - points[left][None]).transpose(2, 0, 1))
        a, b = np.unravel_index(int(np.argmin(gaps)), gaps.shape)
        pairs.append((inside[int(a)], left[int(b)]))
        inside.append(left.pop(int(b)))
    return pairs
