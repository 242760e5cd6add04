"""Classical models on published instances: the published values, each proven."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path
from scipy.spatial.distance import cdist

import siting

SHARED = Path(__file__).parents[1].parent / "shared" / "instances"


def needs(family: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not (SHARED / family).is_dir(), reason=f"no instances {family} here")


def _published(family: str) -> dict[str, float]:
    """Return the published value of each instance."""
    with (SHARED / family / "opt.csv").open(encoding="utf-8") as file:
        return {row["instance"]: float(row["optimum"]) for row in csv.DictReader(file)}


def _numbers(text: str) -> np.ndarray:
    return np.array(text.split(), dtype=np.float64)


def reaches(solution: siting.ClassicalSolution, published: float) -> None:
    assert solution.value == pytest.approx(published, rel=1e-12)
    assert (solution.proof, solution.gap) == ("optimal", 0.0)


@needs("swain55")
@pytest.mark.parametrize(
    ("cutoff", "published"),
    [(10, [425, 502, 548, 581, 609, 625, 633]), (15, [515, 593, 625, 638, 640])],
)
def test_swain(cutoff: float, published: list[float]) -> None:
    table = np.loadtxt(SHARED / "swain55" / "swain.txt", skiprows=1)
    metres = cdist(table[:, 1:3], table[:, 1:3])
    for p, value in enumerate(published, start=1):
        reaches(siting.maximal_covering(table[:, 3], metres, cutoff_m=cutoff, p=p), value)


@needs("mclp_sjc")
@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("SJC324", [5461, 8790, 11604, 12106, 12152]),
        ("SJC402", [6555, 11339, 14690, 15658, 15970]),
    ],
)
def test_sao_jose_dos_campos(name: str, published: list[float]) -> None:
    lines = (SHARED / "mclp_sjc" / f"{name}.txt").read_text(encoding="utf-8").splitlines()[1:]
    table = np.array([line.split()[:3] for line in lines if line.strip()], dtype=np.float64)
    metres = cdist(table[:, :2], table[:, :2])
    for p, value in enumerate(published, start=1):
        reaches(siting.maximal_covering(table[:, 2], metres, cutoff_m=800, p=p), value)


def median_instance(name: str) -> tuple[np.ndarray, int]:
    """Return shortest distances of a graph and p; of an edge that stands twice the last counts."""
    numbers = _numbers((SHARED / "orlib_pmed" / f"{name}.txt").read_text(encoding="utf-8"))
    n, m, p = numbers[:3].astype(int).tolist()
    graph = np.zeros((n, n))
    for u, v, cost in numbers[3 : 3 + 3 * m].reshape(-1, 3).astype(int).tolist():
        graph[u - 1, v - 1] = graph[v - 1, u - 1] = cost
    return shortest_path(graph, directed=False), p


MEDIANS = ["pmed1", "pmed2", "pmed3", "pmed4", "pmed5", "pmed6", "pmed11", "pmed16"]


@needs("orlib_pmed")
@pytest.mark.parametrize("name", MEDIANS)
def test_median(name: str) -> None:
    metres, p = median_instance(name)
    published = _published("orlib_pmed")[name]
    reaches(siting.p_median(np.ones(len(metres)), metres, p=p), published)


@needs("orlib_pmed")
@pytest.mark.parametrize(
    ("name", "published"),
    [("pmed1", 127), ("pmed2", 98), ("pmed3", 93), ("pmed4", 74), ("pmed5", 48), ("pmed6", 84)],
)
def test_center(name: str, published: float) -> None:
    metres, p = median_instance(name)
    reaches(siting.p_center(metres, p=p), published)


@needs("orlib_scp")
@pytest.mark.parametrize("name", ["scp41", "scp42", "scp43", "scpa1"])
def test_set_covering(name: str) -> None:
    with gzip.open(SHARED / "orlib_scp" / f"{name}.txt.gz", "rt", encoding="utf-8") as file:
        numbers = _numbers(file.read()).astype(int)
    rows, columns = numbers[:2].tolist()
    costs, rest = numbers[2 : 2 + columns], numbers[2 + columns :].tolist()
    site, demand, place = [], [], 0
    for row in range(rows):
        count = rest[place]
        site += [each - 1 for each in rest[place + 1 : place + 1 + count]]
        demand += [row] * count
        place += 1 + count
    reach = csr_array((np.zeros(len(site)), (site, demand)), shape=(columns, rows))
    solution = siting.set_covering(reach, cutoff_m=0, costs=costs)
    reaches(solution, _published("orlib_scp")[name])


@needs("orlib_cap")
@pytest.mark.parametrize("name", ["cap41", "cap61", "cap71"])
def test_capacitated(name: str) -> None:
    numbers = _numbers((SHARED / "orlib_cap" / f"{name}.txt").read_text(encoding="utf-8"))
    sites, customers = numbers[:2].astype(int).tolist()
    room, costs = numbers[2 : 2 + 2 * sites].reshape(sites, 2).T
    table = numbers[2 + 2 * sites :].reshape(customers, 1 + sites)
    demand, unit_cost = table[:, 0], (table[:, 1:] / table[:, :1]).T
    solution = siting.capacitated(demand, unit_cost, room, costs=costs)
    assert solution.value == pytest.approx(_published("orlib_cap")[name], rel=1e-9)
    assert solution.proof == "optimal"


@needs("mclp_bds")
@pytest.mark.parametrize(("name", "cutoff", "budget"), [("BDS1000", 4, 15), ("BDS10000A", 4, 15)])
def test_most_for_a_budget_and_least_for_a_share_agree(
    name: str, cutoff: float, budget: float
) -> None:
    path = next((SHARED / "mclp_bds").glob(f"{name}.txt*"))
    packed = path.read_bytes()
    text = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode()
    lines = [line.split() for line in text.splitlines() if line[:1] in {"F", "C"}]
    sites = np.array([each[2:5] for each in lines if each[0] == "F"], dtype=np.float64)
    points = np.array([each[2:5] for each in lines if each[0] == "C"], dtype=np.float64)
    elders, costs = points[:, 2], sites[:, 2]
    metres = cdist(sites[:, :2], points[:, :2])
    most = siting.maximal_covering(elders, metres, cutoff_m=cutoff, budget=budget, costs=costs)
    reaches(most, most.value)
    share = most.value / float(elders.sum())
    least = siting.partial_set_covering(elders, metres, cutoff_m=cutoff, share=share, costs=costs)
    assert (least.proof, least.value <= budget) == ("optimal", True)
    beyond = share + 1.0 / float(elders.sum())
    more = siting.partial_set_covering(elders, metres, cutoff_m=cutoff, share=beyond, costs=costs)
    assert more.bound > budget
