"""Classical location models: size, value, published value, bound, gap and seconds by instance."""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib.util
import json
import multiprocessing as mp
import resource
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, eye_array, hstack
from scipy.sparse.csgraph import shortest_path
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from spopt_peer import square

import siting
from siting.classical.classes import merged
from siting.classical.pairs import Pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

ROOT = Path(__file__).parents[1]
FEW_SITES = 200
Row = tuple[str, str, float | None, siting.ClassicalSolution]


def main() -> None:
    """Solve every family that is there, and the ones that are made here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "instances")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for each instance")
    parser.add_argument("--points", type=int, default=1_000_000, help="points of the largest")
    parser.add_argument(
        "--peer", type=float, default=0.0, help="seconds for compact HiGHS; 0: none"
    )
    parser.add_argument("--made", action="store_true", help="also families drawn here")
    parser.add_argument(
        "--only", choices=("growth", "places", "sets"),
        help="only maximal covering of ever more points; coverings between places that hardly "
        "suffice; or set coverings drawn by chance",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, help="append the rows to this file, one a line")
    options = parser.parse_args()
    line = "{:<28} {:>16} {:>16} {:>16} {:>16} {:>8} {:>9} {:>8}"
    print(
        line.format(
            "instance", "sites x points", "value", "published", "bound", "gap", "proof", "s"
        )
    )
    if options.only == "growth":
        growth(options)
        return
    families = [_covering, _maximal, _median, _center, _capacitated, _capacitated_made, _many]
    families += [_grid]
    if options.made:
        families += [_covering_made, _cells, _rooms_made, _places_made]
        families += [_graphs_made, _chance_made, _centers_made]
    if options.only:
        families = [_places_made if options.only == "places" else _covering_made]
    next(_covering_made(options))  # compiles, or reads, what is compiled
    for family in families:
        for name, size, published, solution in family(options):
            told = "-" if published is None else f"{published:.2f}"
            print(
                line.format(
                    name, size, f"{solution.value:.2f}", told, f"{solution.bound:.2f}",
                    f"{solution.gap:.1e}", solution.proof, f"{solution.seconds:.2f}",
                ),
                flush=True,
            )  # fmt: skip
            _keep(options, name, size, published, solution)


def _keep(
    options: argparse.Namespace, name: str, size: str, published: float | None,
    solution: siting.ClassicalSolution, *, peer: str = "", theirs: float | None = None,
    more: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Append what was measured to a file."""
    if not options.json:
        return
    told = "" if published is None else f", published {published:g}"
    note = f"value {solution.value:g}, bound {solution.bound:g}, {solution.proof}{told}"
    more = more or {}
    peer = peer or ("none" if published is None else "published")
    note += more.get("told", "")
    row = {
        "table": "classical", "work": name, "size": size, "ours": solution.seconds,
        "peer": peer, "theirs": theirs, "ratio": theirs and theirs / solution.seconds,
        "unit": "s", "memory_gb": _memory_gb(), "note": note,
        "stopped": more.get("stopped", False),
    }  # fmt: skip
    with options.json.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _memory_gb() -> float:
    """Return the most memory that this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


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


def _graph(n: int, seed: int) -> np.ndarray:
    """Return shortest distances of a graph of OR-Library's shape: n²/50 edges of 1 to 100."""
    rng = np.random.default_rng([n, seed])
    lengths, order = np.zeros((n, n)), rng.permutation(n)
    ends = [(order[k], order[rng.integers(k)]) for k in range(1, n)]
    ends += [rng.choice(n, 2, replace=False) for _ in range(n * n // 50 - n + 1)]
    for u, v in ends:
        lengths[u, v] = lengths[v, u] = rng.integers(1, 101)
    return shortest_path(lengths, directed=False)


def _graphs_made(options: argparse.Namespace) -> Iterator[Row]:
    """Solve the p-median on graphs drawn here, from 100 to 900 places, 5 to 200 sites."""
    for n in range(100, 1000, 100):
        metres = _graph(n, 0)
        parts = [5, 10, n // 10] + [n // 5] * (n <= 700) + [n // 3] * (n <= 600)
        for p in sorted(set(parts)):
            done = siting.p_median(np.ones(n), metres, p=p, time_limit_s=options.limit)
            yield f"p-median graph p={p}", _size(metres), None, done


def _chance_made(options: argparse.Namespace) -> Iterator[Row]:
    """Solve the p-median on distances drawn by chance, not between places."""
    for n_sites, n, p in ((60, 150, 5), (60, 150, 10), (60, 150, 20), (100, 200, 10)):
        rng = np.random.default_rng(0)
        metres = rng.integers(1, 1001, (n_sites, n)).astype(float)
        elders = rng.integers(1, 50, n).astype(float)
        done = siting.p_median(elders, metres, p=p, time_limit_s=options.limit)
        yield f"p-median chance p={p}", _size(metres), None, done


def _centers_made(options: argparse.Namespace) -> Iterator[Row]:
    """Solve p-median and p-center between random places, ever more of them."""
    for n in (300, 600, 1200, 2400):
        places = np.random.default_rng(0).uniform(0, 10_000, (n, 2))
        metres = cdist(places, places)
        for p in (5, 20):
            done = siting.p_median(np.ones(n), metres, p=p, time_limit_s=options.limit)
            yield f"p-median places p={p}", _size(metres), None, done
            done = siting.p_center(metres, p=p, time_limit_s=options.limit)
            yield f"p-center places p={p}", _size(metres), None, done


def _places_made(options: argparse.Namespace) -> Iterator[Row]:
    """Cover most points on a square of 10 km with as many sites as reach nearly all, or few."""
    siting.maximal_covering(*square(1500, 150), cutoff_m=900, p=30, time_limit_s=5.0)  # compiles
    works = [(5_000, 529, 600, 100), (5_000, 529, 800, 50), (5_000, 529, 1_000, 30)]
    works += [(10_000, 1024, 500, 150), (10_000, 1024, 600, 75), (10_000, 1024, 600, 100)]
    works += [(10_000, 1024, 800, 40), (10_000, 1024, 1_000, 30)]
    for points, sites, cutoff, p in works:
        elders, metres = square(points, sites)
        done = siting.maximal_covering(
            elders, metres, cutoff_m=cutoff, p=p, time_limit_s=options.limit
        )
        yield f"maximal places r={cutoff} p={p}", _size(metres), None, done
    metres = square(10_000, 1024)[1]
    for cutoff in (500, 600, 966):
        reached = metres[:, (metres <= cutoff).any(axis=0)]
        done = siting.set_covering(reached, cutoff_m=cutoff, time_limit_s=options.limit)
        yield f"set covering places r={cutoff}", _size(reached), None, done


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
    reach = siting.StraightReach(sites, points)
    for cutoff, budget in ((3.25, 20), (4.0, 15), (5.5, 10)):
        done = siting.maximal_covering(
            elders, reach, cutoff_m=cutoff, budget=budget, time_limit_s=options.limit
        )
        value = known.get((options.points, cutoff))
        yield f"maximal BDS r={cutoff} B={budget}", f"100 x {len(points)}", value, done


def _grid(options: argparse.Namespace) -> Iterator[Row]:
    """Cover a million cells of a grid from ten thousand sites, drawn here."""
    rng = np.random.default_rng(0)
    sites = rng.uniform(0, 1000, (10_000, 2))
    side = np.arange(1000) + 0.5
    points = np.array(np.meshgrid(side, side)).reshape(2, -1).T
    elders = rng.integers(0, 10, len(points))
    for cutoff, p in ((10.0, 50), (10.0, 500), (14.0, 300)):
        done = siting.maximal_covering(
            elders, siting.StraightReach(sites, points), cutoff_m=cutoff, p=p,
            time_limit_s=options.limit,
        )  # fmt: skip
        yield f"maximal grid r={cutoff:g} p={p}", "10000 x 1000000", None, done
        if options.peer:
            given = (_within(sites, points, cutoff), elders, p, options.peer)
            work = f"maximal grid r={cutoff:g} p={p}", "10000 x 1000000"
            _beside(options, work, _compact, given, done)


def _beside(
    options: argparse.Namespace, work: tuple[str, str], compact: Callable[..., None],
    given: tuple[Any, ...], done: siting.ClassicalSolution,
) -> None:  # fmt: skip
    """Solve a compact model with HiGHS in a process of its own."""
    context = mp.get_context("fork")
    ours, its = context.Pipe()
    process = context.Process(target=compact, args=(*given, its))
    process.start()
    process.join(options.peer + 60.0)
    late = options.peer + 60.0
    seconds, told = ours.recv() if ours.poll() else (late, f"ended after {late:g} s")
    process.terminate()
    print(f"  beside it compact HiGHS, {seconds:.1f} s: {told}", flush=True)
    _keep(
        options, *work, None, done, peer="compact HiGHS", theirs=seconds,
        more={"stopped": seconds >= options.peer, "told": f"; compact HiGHS: {told}"},
    )  # fmt: skip


def _compact(reach: csr_array, elders: np.ndarray, p: int, limit_s: float, out: Connection) -> None:
    """Solve a row for each class of points at once."""
    cover = merged(
        Pairs(reach.indptr.astype(np.int64), reach.indices, reach.data, reach.shape[1]), elders
    )
    n, m = cover.n_sites, cover.n_classes
    links = csr_array(hstack([-cover.by_class, eye_array(m)], format="csr"))
    sites = csr_array((np.ones(n), (np.zeros(n, int), np.arange(n))), shape=(1, n + m))
    begun = perf_counter()
    done = milp(
        np.concatenate([np.zeros(n), -cover.weight]), bounds=Bounds(0, 1),
        integrality=np.repeat([1, 0], [n, m]), options={"time_limit": limit_s},
        constraints=[LinearConstraint(links, ub=0), LinearConstraint(sites, ub=p)],
    )  # fmt: skip
    told = f"{done.message} value {done.fun}, bound {getattr(done, 'mip_dual_bound', None)}"
    out.send((perf_counter() - begun, told))


def _covering_made(options: argparse.Namespace) -> Iterator[Row]:
    """Set covering like Beasley's classes 4 to 6, a to d, nre and nrf: rows, columns, density."""
    shapes = {
        "4": (200, 1000, 0.02), "5": (200, 2000, 0.02), "6": (200, 1000, 0.05),
        "a": (300, 3000, 0.02), "b": (300, 3000, 0.05), "c": (400, 4000, 0.02),
        "d": (400, 4000, 0.05), "nre": (500, 5000, 0.1), "nrf": (500, 5000, 0.2),
    }  # fmt: skip
    for name, (rows, columns, density) in shapes.items():
        rng = np.random.default_rng(1)
        within = rng.random((columns, rows)) < density
        within[rng.integers(columns, size=rows), np.arange(rows)] = True
        costs = rng.integers(1, 101, columns).astype(float)
        done = siting.set_covering(
            np.where(within, 0.0, np.inf), cutoff_m=0, costs=costs, time_limit_s=options.limit
        )
        work = f"set covering like scp{name}", f"{columns} x {rows}"
        yield *work, None, done
        if options.peer:
            _beside(options, work, _compact_sets, (within, costs, options.peer), done)


def _compact_sets(within: np.ndarray, costs: np.ndarray, limit_s: float, out: Connection) -> None:
    """Solve a row for each row at once."""
    begun = perf_counter()
    done = milp(
        costs, bounds=Bounds(0, 1), integrality=np.ones(len(costs)),
        constraints=LinearConstraint(csr_array(within.T.astype(float)), lb=1),
        options={"time_limit": limit_s, "mip_rel_gap": 0.0},
    )  # fmt: skip
    told = f"{done.message} value {done.fun}, bound {getattr(done, 'mip_dual_bound', None)}"
    out.send((perf_counter() - begun, told))


def _cells(options: argparse.Namespace) -> Iterator[Row]:
    """Cover all cells that can be, six sites over each: parts no longer fall apart."""
    rng = np.random.default_rng(0)
    sites = rng.uniform(0, 1000, (10_000, 2))
    side = np.arange(1000) + 0.5
    points = np.array(np.meshgrid(side, side)).reshape(2, -1).T
    points = points[cKDTree(sites).query(points)[0] <= 14.0]
    done = siting.set_covering(
        siting.StraightReach(sites, points), cutoff_m=14, time_limit_s=options.limit
    )
    yield "set covering grid r=14", f"10000 x {len(points)}", None, done


def _capacitated_made(options: argparse.Namespace) -> Iterator[Row]:
    """Capacitated location like capa to capc: a hundred sites, a thousand points on a plane."""
    for capacity, single_source in product((5000, 8000, 12_000), (False, True)):
        rng = np.random.default_rng(1)
        metres = cdist(rng.uniform(0, 1000, (100, 2)), rng.uniform(0, 1000, (1000, 2)))
        elders, costs = rng.integers(1, 117, 1000), rng.uniform(3e5, 9e5, 100)
        room = np.full(100, float(capacity))
        done = siting.capacitated(
            elders, metres, room, costs=costs, single_source=single_source,
            time_limit_s=options.limit,
        )  # fmt: skip
        name = f"capacitated, room {capacity}{', whole points' if single_source else ''}"
        yield name, _size(metres), None, done
        if options.peer and not single_source:
            given = (metres, elders.astype(float), room, costs, options.peer)
            _beside(options, (name, _size(metres)), _compact_rooms, given, done)


def _rooms_made(options: argparse.Namespace) -> Iterator[Row]:
    """Sites whose room and cost differ, ever more of them; and the most that some have room for."""
    for n, m in ((100, 1000), (300, 300), (300, 1500), (500, 500), (1000, 5000)):
        rng = np.random.default_rng(1)
        metres = cdist(rng.uniform(0, 1000, (n, 2)), rng.uniform(0, 1000, (m, 2)))
        elders, room = rng.integers(5, 36, m), rng.integers(10, 161, n).astype(float)
        room = np.ceil(room * 5 * elders.sum() / room.sum())
        costs = 30 * (rng.uniform(0, 90, n) + rng.uniform(100, 110, n) * np.sqrt(room))
        done = siting.capacitated(elders, metres, room, costs=costs, time_limit_s=options.limit)
        yield "capacitated, rooms of all sizes", _size(metres), None, done
    for n, m, cutoff, p in ((100, 1000, 1500.0, 10), (225, 1000, 1000.0, 30)):
        rng = np.random.default_rng(0)
        points, sites = rng.uniform(0, 10_000, (m, 2)), rng.uniform(0, 10_000, (n, 2))
        elders = rng.integers(1, 100, m)
        room = np.full(n, np.ceil(elders.sum() / p))
        done = siting.capacitated_maximal_covering(
            elders, cdist(sites, points), room, cutoff_m=cutoff, p=p, time_limit_s=options.limit
        )
        yield f"capacitated maximal r={cutoff:g} p={p}", _size(np.empty((n, m))), None, done


def _compact_rooms(
    metres: np.ndarray, elders: np.ndarray, room: np.ndarray, costs: np.ndarray, limit_s: float,
    out: Connection,
) -> None:  # fmt: skip
    """Solve the model of sites and shares with all links between them at once."""
    n, m = metres.shape
    pair, site, point = np.arange(n * m), np.repeat(np.arange(n), m), np.tile(np.arange(m), n)
    wide, ones = n + n * m, np.ones(n * m)
    served = csr_array((ones, (point, n + pair)), shape=(m, wide))
    full = csr_array((elders[point], (site, n + pair)), shape=(n, wide))
    full = full - csr_array((room, (np.arange(n), np.arange(n))), shape=(n, wide))
    links = csr_array((ones, (pair, n + pair)), shape=(n * m, wide))
    links = links - csr_array((ones, (pair, site)), shape=(n * m, wide))
    begun = perf_counter()
    done = milp(
        np.concatenate([costs, (metres * elders).ravel()]), bounds=Bounds(0, 1),
        integrality=np.repeat([1, 0], [n, n * m]), options={"time_limit": limit_s},
        constraints=[LinearConstraint(served, 1, 1), LinearConstraint(full, ub=0),
                     LinearConstraint(links, ub=0)],
    )  # fmt: skip
    told = f"{done.message} value {done.fun}, bound {getattr(done, 'mip_dual_bound', None)}"
    out.send((perf_counter() - begun, told))


def growth(options: argparse.Namespace) -> None:
    """Cover ever more points from the same hundred sites, each size in a process of its own."""
    for n in (10_000, 100_000, 1_000_000, 10_000_000):
        with mp.get_context("spawn").Pool(1) as pool:
            row = pool.apply(_one_size, (n, options.limit))
        print(row["size"], f"{row['ours']:.2f} s, {row['memory_gb']:.2f} GB,", row["note"])
        if options.json:
            with options.json.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _one_size(n: int, limit_s: float) -> dict[str, object]:
    """Return the row of one size, reach included; a small one goes before and is not counted."""
    rng = np.random.default_rng(1)
    sites = rng.uniform(0, 30, (100, 2))
    for count in (1_000, n):
        points, elders = rng.uniform(0, 30, (count, 2)), rng.integers(1, 101, count)
        done = siting.maximal_covering(
            elders, siting.StraightReach(sites, points), cutoff_m=4, p=15, time_limit_s=limit_s
        )
    note = f"value {done.value:g}, bound {done.bound:g}, {done.proof}; memory of the whole process"
    return {
        "table": "maximal covering, growth", "work": "100 fixed sites, p = 15",
        "size": f"100 sites, {n:,} points", "ours": done.seconds, "peer": "none", "theirs": None,
        "ratio": None, "unit": "s", "memory_gb": _memory_gb(), "note": note,
    }  # fmt: skip


if __name__ == "__main__":
    main()
