"""Classical location models: size, value, published value, bound, gap and seconds by instance."""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

import siting

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
FEW_SITES = 200
Row = tuple[str, str, float | None, siting.ClassicalSolution]


def main() -> None:
    """Solve every family that is there, and the ones that are made here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "instances")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for each instance")
    parser.add_argument("--points", type=int, default=1_000_000, help="points of the largest")
    options = parser.parse_args()
    line = "{:<28} {:>16} {:>16} {:>16} {:>16} {:>8} {:>9} {:>8}"
    print(
        line.format(
            "instance", "sites x points", "value", "published", "bound", "gap", "proof", "s"
        )
    )
    for family in (_covering, _maximal, _median, _center, _capacitated, _many, _grid):
        for name, size, published, solution in family(options):
            told = "-" if published is None else f"{published:.2f}"
            print(
                line.format(
                    name, size, f"{solution.value:.2f}", told, f"{solution.bound:.2f}",
                    f"{solution.gap:.1e}", solution.proof, f"{solution.seconds:.2f}",
                ),
                flush=True,
            )  # fmt: skip


def _published(folder: Path) -> dict[str, float]:
    """Return the published values of a family; none where the family is not there."""
    if not (folder / "opt.csv").is_file():
        return {}
    with (folder / "opt.csv").open(encoding="utf-8") as file:
        return {row["instance"]: float(row["optimum"]) for row in csv.DictReader(file)}


def _numbers(text: str) -> np.ndarray:
    return np.array(text.split(), dtype=np.float64)


def _size(matrix: Any) -> str:
    return f"{matrix.shape[0]} x {matrix.shape[1]}"


def _covering(options: argparse.Namespace) -> Iterator[Row]:
    """Set covering with costs: Beasley's OR-Library."""
    folder = options.data / "orlib_scp"
    for name, value in _published(folder).items():
        text = gzip.decompress((folder / f"{name}.txt.gz").read_bytes()).decode()
        numbers = _numbers(text).astype(int)
        rows, columns = numbers[:2].tolist()
        costs, rest = numbers[2 : 2 + columns], numbers[2 + columns :]
        reach, place = np.full((columns, rows), np.inf), 0
        for row in range(rows):
            count = rest[place]
            reach[rest[place + 1 : place + 1 + count] - 1, row] = 0.0
            place += 1 + count
        done = siting.set_covering(reach, cutoff_m=0, costs=costs, time_limit_s=options.limit)
        yield f"set covering {name}", _size(reach), value, done


def _maximal(options: argparse.Namespace) -> Iterator[Row]:
    """Maximal covering: Lorena and Pereira (2002)."""
    known = {
        "SJC324": [5461, 8790, 11604, 12106, 12152],
        "SJC402": [6555, 11339, 14690, 15658, 15970],
    }
    for name, values in known.items():
        path = options.data / "mclp_sjc" / f"{name}.txt"
        if not path.is_file():
            continue
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
        table = np.array([line.split()[:3] for line in lines if line.strip()], dtype=np.float64)
        metres = cdist(table[:, :2], table[:, :2])
        for p, value in enumerate(values, start=1):
            done = siting.maximal_covering(
                table[:, 2], metres, cutoff_m=800, p=p, time_limit_s=options.limit
            )
            yield f"maximal {name} p={p}", _size(metres), value, done


def _graphs(options: argparse.Namespace) -> Iterator[tuple[str, float, np.ndarray, int]]:
    """Yield name, value, distances and p of the graphs of OR-Library."""
    folder = options.data / "orlib_pmed"
    for name, value in _published(folder).items():
        numbers = _numbers((folder / f"{name}.txt").read_text(encoding="utf-8"))
        n, m, p = numbers[:3].astype(int).tolist()
        graph = np.zeros((n, n))
        for u, v, cost in numbers[3 : 3 + 3 * m].reshape(-1, 3).astype(int).tolist():
            graph[u - 1, v - 1] = graph[v - 1, u - 1] = cost
        yield name, value, shortest_path(graph, directed=False), p


def _median(options: argparse.Namespace) -> Iterator[Row]:
    """Solve the p-median on graphs."""
    for name, value, metres, p in _graphs(options):
        done = siting.p_median(np.ones(len(metres)), metres, p=p, time_limit_s=options.limit)
        yield f"p-median {name} p={p}", _size(metres), value, done


def _center(options: argparse.Namespace) -> Iterator[Row]:
    """Solve the p-center on the same graphs."""
    for name, _, metres, p in _graphs(options):
        done = siting.p_center(metres, p=p, time_limit_s=options.limit)
        yield f"p-center {name} p={p}", _size(metres), None, done


def _capacitated(options: argparse.Namespace) -> Iterator[Row]:
    """Capacitated location: OR-Library."""
    folder = options.data / "orlib_cap"
    for name, value in _published(folder).items():
        numbers = _numbers((folder / f"{name}.txt").read_text(encoding="utf-8"))
        sites, customers = numbers[:2].astype(int).tolist()
        room, costs = numbers[2 : 2 + 2 * sites].reshape(sites, 2).T
        table = numbers[2 + 2 * sites :].reshape(customers, 1 + sites)
        unit_cost = (table[:, 1:] / table[:, :1]).T
        done = siting.capacitated(
            table[:, 0], unit_cost, room, costs=costs, time_limit_s=options.limit
        )
        yield f"capacitated {name}", _size(unit_cost), value, done


def _within(sites: np.ndarray, points: np.ndarray, cutoff: float) -> csr_array:
    """Return the distances within a cutoff, sparse."""
    if len(sites) <= FEW_SITES:
        near = [np.flatnonzero(np.hypot(*(points - site).T) <= cutoff) for site in sites]
    else:
        near = cKDTree(points).query_ball_point(sites, cutoff, return_sorted=True)
    start = np.concatenate([[0], np.cumsum([len(each) for each in near])])
    column = np.concatenate([np.asarray(each, dtype=np.int32) for each in near])
    metres = np.concatenate(
        [
            np.hypot(*(points[column[start[k] : start[k + 1]]] - site).T)
            for k, site in enumerate(sites)
        ]
    )
    return csr_array((metres, column, start), shape=(len(sites), len(points)))


def _many(options: argparse.Namespace) -> Iterator[Row]:
    """Maximal covering with many points: the generator of Cordeau, Furini and Ljubic (2019)."""
    path = options.data / "mclp_bds" / "bds_gen.py"
    spec = importlib.util.spec_from_file_location("bds_gen", path)
    if not path.is_file() or spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    known = {(10_000_000, 5.5): 444_205_296, (10_000_000, 4.0): 394_003_231}
    known[10_000_000, 3.25] = 355_402_180
    sites, _, points, elders = module.generate(100, options.points, seed=1, round6=True)
    for cutoff, budget in ((3.25, 20), (4.0, 15), (5.5, 10)):
        reach = _within(sites, points, cutoff)
        done = siting.maximal_covering(
            elders, reach, cutoff_m=cutoff, budget=budget, time_limit_s=options.limit
        )
        value = known.get((options.points, cutoff))
        yield f"maximal BDS r={cutoff} B={budget}", _size(reach), value, done


def _grid(options: argparse.Namespace) -> Iterator[Row]:
    """Cover a million cells of a grid from ten thousand sites, drawn here."""
    rng = np.random.default_rng(0)
    sites = rng.uniform(0, 1000, (10_000, 2))
    side = np.arange(1000) + 0.5
    points = np.array(np.meshgrid(side, side)).reshape(2, -1).T
    elders = rng.integers(0, 10, len(points))
    for cutoff, p in ((10.0, 500), (14.0, 300)):
        reach = _within(sites, points, cutoff)
        done = siting.maximal_covering(
            elders, reach, cutoff_m=cutoff, p=p, time_limit_s=options.limit
        )
        yield f"maximal grid r={cutoff:g} p={p}", _size(reach), None, done


if __name__ == "__main__":
    main()
