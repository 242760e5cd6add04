"""Built-up patches of the invented county: street lattices, blocks and estates."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from shapely.geometry import Polygon

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Node = tuple[int, int]
Xy = tuple[float, float]
Edge = tuple[Node, Node]


def words(text: str) -> list[str]:
    """Return the words of a text."""
    return text.split()


class Road(NamedTuple):
    """One road line: name, class, coordinates in local metres, and whether it is a bridge."""

    name: str
    level: str
    coords: list[Xy]
    bridge: bool = False


@dataclass(frozen=True)
class Plan:
    """What a patch shall look like; lengths in metres, angle in degrees."""

    key: str
    centre: Xy
    radii: Xy
    angle: float
    block_m: float
    kind: str  # urban, town, hamlet or island
    names: tuple[str, ...] = ()
    drop: float = 0.0  # share of inner lattice edges left out
    lanes: float = 0.0  # share of blocks with a public lane through them
    gated: int = 0  # number of estates of 2 x 2 blocks with one gate
    parks: float = 0.0  # share of blocks without homes
    sway: float = 0.16  # how far the streets bend, in blocks
    wave: float = 5.5  # how long a bend is, in blocks


@dataclass
class Patch:
    """A built-up patch: its lattice nodes, blocks with their elder weight, and roads."""

    plan: Plan
    nodes: dict[Node, Xy]
    blocks: dict[Node, Polygon]
    edges: list[Edge] = field(default_factory=list)
    weights: dict[Node, float] = field(default_factory=dict)
    roads: list[Road] = field(default_factory=list)

    @property
    def area(self) -> BaseGeometry:
        """Return the union of the blocks."""
        return shapely.union_all(list(self.blocks.values()))


def build_patch(rng: np.random.Generator, plan: Plan, *, water: BaseGeometry) -> Patch:
    """Return the patch of a plan, kept clear of the water."""
    nodes = _lattice(rng, plan)
    blocks = _blocks(rng, plan, nodes=nodes, water=water)
    patch = Patch(plan, nodes, blocks)
    gated = _choose_estates(rng, plan, blocks=blocks)
    _lay_edges(rng, patch, gated=gated)
    _lay_streets(rng, patch)
    _fill_blocks(rng, patch, gated=gated)
    return patch


def _lattice(rng: np.random.Generator, plan: Plan) -> dict[Node, Xy]:
    """Return warped lattice nodes; even indices are corners, odd ones the middle of a side."""
    half = [int(np.ceil(radius / plan.block_m)) + 1 for radius in plan.radii]
    steps = [np.cumsum(rng.uniform(0.82, 1.18, 2 * n + 1)) * plan.block_m for n in half]
    us, vs = (_halved(step - step[len(step) // 2]) for step in steps)
    turn = np.radians(plan.angle)
    phase = rng.uniform(0, 2 * np.pi, 4)
    sway, wave = plan.sway * plan.block_m, plan.wave * plan.block_m
    nodes = {}
    for i, u in enumerate(us):
        for j, v in enumerate(vs):
            du = sway * (np.sin(v / wave * 2 + phase[0]) + 0.8 * np.sin(u / wave + phase[1]))
            dv = sway * (np.sin(u / wave * 2 + phase[2]) + 0.8 * np.sin(v / wave + phase[3]))
            a, b = np.add((u + du, v + dv), rng.normal(0, 2.5, 2))
            x = plan.centre[0] + a * np.cos(turn) - b * np.sin(turn)
            y = plan.centre[1] + a * np.sin(turn) + b * np.cos(turn)
            nodes[i, j] = (round(float(x), 2), round(float(y), 2))
    return nodes


def _halved(steps: np.ndarray) -> np.ndarray:
    """Return the steps with the middle of every step between them."""
    half = np.arange(2 * len(steps) - 1) / 2
    return np.asarray(np.interp(half, np.arange(len(steps)), steps))


def _ring(block: Node) -> list[Node]:
    """Return the eight lattice nodes around a block, named by its lower left corner."""
    i, j = block
    steps = [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
    return [(i + a, j + b) for a, b in steps]


def _blocks(
    rng: np.random.Generator, plan: Plan, *, nodes: dict[Node, Xy], water: BaseGeometry
) -> dict[Node, Polygon]:
    """Return the largest connected group of blocks inside the wavy ellipse of the plan."""
    phase = rng.uniform(0, 2 * np.pi, 2)
    turn = np.radians(plan.angle)
    shapely.prepare(water)
    inside = {}
    for i, j in nodes:
        ring = _ring((i, j))
        if i % 2 or j % 2 or any(node not in nodes for node in ring):
            continue
        polygon = Polygon([nodes[node] for node in ring])
        dx, dy = polygon.centroid.x - plan.centre[0], polygon.centroid.y - plan.centre[1]
        a = (dx * np.cos(turn) + dy * np.sin(turn)) / plan.radii[0]
        b = (dy * np.cos(turn) - dx * np.sin(turn)) / plan.radii[1]
        way = np.arctan2(b, a)
        limit = 1 + 0.07 * np.sin(3 * way + phase[0]) + 0.05 * np.sin(5 * way + phase[1])
        if np.hypot(a, b) < limit and not water.intersects(polygon):
            inside[i, j] = polygon
    return {block: inside[block] for block in _largest_group(inside)}


def _largest_group(blocks: dict[Node, Polygon]) -> list[Node]:
    """Return the largest group of blocks that touch by their sides, in sorted order."""
    groups: list[list[Node]] = []
    left = set(blocks)
    while left:
        queue = deque([min(left)])
        left.discard(queue[0])
        group = []
        while queue:
            i, j = queue.popleft()
            group.append((i, j))
            for near in ((i + 2, j), (i - 2, j), (i, j + 2), (i, j - 2)):
                if near in left:
                    left.discard(near)
                    queue.append(near)
        groups.append(sorted(group))
    return max(groups, key=len, default=[])


def _choose_estates(
    rng: np.random.Generator, plan: Plan, *, blocks: dict[Node, Polygon]
) -> list[list[Node]]:
    """Return groups of 2 x 2 blocks that become gated estates, not touching one another."""
    taken: set[Node] = set()
    estates: list[list[Node]] = []
    order = sorted(blocks)
    for place in rng.permutation(len(order)):
        i, j = order[place]
        group = [(i, j), (i + 2, j), (i + 2, j + 2), (i, j + 2)]
        if len(estates) == plan.gated:
            break
        if all(block in blocks and block not in taken for block in group):
            estates.append(group)
            taken.update((i + a, j + b) for a in range(-2, 6, 2) for b in range(-2, 6, 2))
    return estates


def _lay_edges(rng: np.random.Generator, patch: Patch, *, gated: list[list[Node]]) -> None:
    """Keep the lattice sides that carry a road, without leaving a corner on a single road."""
    uses: dict[Edge, int] = {}
    for i, j in patch.blocks:
        for edge in (
            ((i, j), (i + 2, j)),
            ((i, j + 2), (i + 2, j + 2)),
            ((i, j), (i, j + 2)),
            ((i + 2, j), (i + 2, j + 2)),
        ):
            uses[edge] = uses.get(edge, 0) + 1
    for group in gated:
        centre = (group[0][0] + 2, group[0][1] + 2)
        for edge in [edge for edge in uses if centre in edge]:
            del uses[edge]
    degree: dict[Node, int] = {}
    for edge in uses:
        for node in edge:
            degree[node] = degree.get(node, 0) + 1
    fixed = {node for group in gated for block in group for node in _ring(block)}
    for edge in sorted(uses):
        one, two = edge
        middle = ((one[0] + two[0]) // 2, (one[1] + two[1]) // 2)
        droppable = uses[edge] == 2 and middle not in fixed
        if droppable and min(degree[one], degree[two]) > 3 and rng.random() < patch.plan.drop:
            degree[one] -= 1
            degree[two] -= 1
        else:
            patch.edges.append(edge)


def _lay_streets(rng: np.random.Generator, patch: Patch) -> None:
    """Join the sides of one lattice line to streets of several blocks, with one name."""
    plan = patch.plan
    names = list(plan.names)
    for axis in (0, 1):
        lines: dict[int, list[Edge]] = {}
        for edge in patch.edges:
            if edge[0][1 - axis] == edge[1][1 - axis]:
                lines.setdefault(edge[0][1 - axis], []).append(edge)
        for at in sorted(lines):
            main = at % 6 == 0 and plan.kind == "urban"
            level = "次干路" if main else ("村道" if plan.kind == "hamlet" else "支路")
            name = names.pop(0) if names and plan.kind != "hamlet" else ""
            for run in _runs(sorted(lines[at]), longest=int(rng.integers(3, 7))):
                corners = [run[0][0]] + [edge[1] for edge in run]
                coords = []
                for one, two in pairwise(corners):
                    middle = ((one[0] + two[0]) // 2, (one[1] + two[1]) // 2)
                    coords += [patch.nodes[one], patch.nodes[middle]]
                patch.roads.append(Road(name, level, [*coords, patch.nodes[corners[-1]]]))


def _runs(edges: list[Edge], *, longest: int) -> list[list[Edge]]:
    """Cut the sides of one lattice line into unbroken runs of at most ``longest`` sides."""
    runs: list[list[Edge]] = []
    for edge in edges:
        if runs and runs[-1][-1][1] == edge[0] and len(runs[-1]) < longest:
            runs[-1].append(edge)
        else:
            runs.append([edge])
    return runs


def _fill_blocks(rng: np.random.Generator, patch: Patch, *, gated: list[list[Node]]) -> None:
    """Give every block its homes and its inner roads."""
    plan = patch.plan
    in_estate = {block for group in gated for block in group}
    for group in gated:
        _lay_estate(rng, patch, group)
        for block in group:
            patch.weights[block] = float(rng.uniform(1.5, 2.1))
    low = {"urban": 0.55, "town": 0.4, "island": 0.6, "hamlet": 0.5}[plan.kind]
    for block in sorted(set(patch.blocks) - in_estate):
        park = rng.random() < plan.parks
        patch.weights[block] = 0.0 if park else float(rng.uniform(low, 1.45))
        if not park and rng.random() < plan.lanes:
            _lay_lane(rng, patch, block)


def _lay_lane(rng: np.random.Generator, patch: Patch, block: Node) -> None:
    """Lay a public lane through a block, between the roads on two opposite sides."""
    ring = _ring(block)
    sides = [(1, 5), (3, 7)]
    on_road = {
        ((a[0] + b[0]) // 2, (a[1] + b[1]) // 2)
        for a, b in patch.edges
        if abs(a[0] - block[0]) <= 2 and abs(a[1] - block[1]) <= 2
    }
    for one, two in (sides[k] for k in rng.permutation(2)):
        if ring[one] in on_road and ring[two] in on_road:
            centre = patch.blocks[block].centroid
            middle = (round(centre.x, 2), round(centre.y, 2))
            coords = [patch.nodes[ring[one]], middle, patch.nodes[ring[two]]]
            patch.roads.append(Road("", "街巷", coords))
            return


def _lay_estate(rng: np.random.Generator, patch: Patch, group: list[Node]) -> None:
    """Lay the inner roads of a gated estate: a loop, two cross roads, one gate to the street."""
    i, j = group[0]
    around = [(i + k, j) for k in range(4)] + [(i + 4, j + k) for k in range(4)]
    around += [(i + 4 - k, j + 4) for k in range(4)] + [(i, j + 4 - k) for k in range(4)]
    outer = np.array([patch.nodes[node] for node in around])
    middle = outer.mean(axis=0)
    loop = [(round(float(x), 2), round(float(y), 2)) for x, y in middle + 0.62 * (outer - middle)]
    heart = (round(float(middle[0]), 2), round(float(middle[1]), 2))
    gate = int(rng.choice([2, 6, 10, 14]))
    name = f"{patch.plan.key}花园{1 + sum('花园' in road.name for road in patch.roads)}号院"
    inner = [
        [*loop[gate:], *loop[: gate + 1]],
        [loop[gate], heart, loop[(gate + 8) % 16]],
        [loop[(gate + 4) % 16], heart, loop[(gate + 12) % 16]],
    ]
    patch.roads += [Road("", "小区道路", coords) for coords in inner]
    patch.roads.append(Road(name, "小区道路", [patch.nodes[around[gate]], loop[gate]]))
