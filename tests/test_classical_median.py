"""p-median and p-center: bounds, sites ruled out, parts and swaps against every choice of sites."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import shortest_path

import siting
from siting.classical import center_cover, center_search, dual_tree, median_search, median_tree
from siting.classical import pairs as pair_lists
from siting.classical.dual_kernels import BOUND, HELD, OUT, VALUE, Dual, Lists, ascend
from siting.classical.pairs import read_pairs
from siting.classical.weighting_kernels import columns_of, weighted_swaps

KINDS = ["chance", "ties", "sparse", "places"]


def matrix(kind: str, seed: int, n_sites: int = 9, n: int = 20) -> np.ndarray:
    """Return distances: by chance, with many ties, with pairs out of reach, or between places."""
    rng = np.random.default_rng(seed)
    metres = rng.integers(0, 4 if kind == "ties" else 1000, (n_sites, n)).astype(float)
    if kind == "sparse":
        metres[rng.random(metres.shape) < 0.4] = np.inf
        metres[rng.integers(0, 3, n), np.arange(n)] = 500.0
    if kind == "places":
        sites, points = rng.random((n_sites, 1, 2)), rng.random((1, n, 2))
        metres = np.hypot(*(sites - points).transpose(2, 0, 1))
    return metres


def least_median(elders: np.ndarray, metres: np.ndarray, p: int) -> float:
    choices = combinations(range(len(metres)), p)
    return min(float((elders * metres[list(c)].min(axis=0)).sum()) for c in choices)


def least_center(metres: np.ndarray, p: int) -> float:
    choices = combinations(range(len(metres)), p)
    return min(float(metres[list(c)].min(axis=0).max()) for c in choices)


def sparse(metres: np.ndarray) -> coo_array:
    row, column = np.nonzero(np.isfinite(metres))
    return coo_array((metres[row, column], (row, column)), shape=metres.shape)


@pytest.fixture(params=["plain", "piecemeal"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Search tiny instances as large ones: no luck with a start, parts in and out of the queue."""
    if request.param == "piecemeal":
        monkeypatch.setattr(median_tree, "MOST_ROUNDS", 1)
        monkeypatch.setattr(median_tree, "SHAKES", 0)
        monkeypatch.setattr(median_search.Median, "improve", lambda *_, **__: False)
        monkeypatch.setattr(dual_tree, "STEPS_AT_ONCE", 1)
        monkeypatch.setattr(dual_tree, "STACK_BYTES", 0)
        monkeypatch.setattr(dual_tree, "QUEUE_BYTES", 2000)
        monkeypatch.setattr(center_cover, "MOST_ROUNDS", 1)
        monkeypatch.setattr(center_cover, "FEW_SWAPS", 1)
        monkeypatch.setattr(center_search, "SWAPS", 1)
        monkeypatch.setattr(center_search, "FEWEST_NEW", 1)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("kind", KINDS)
def test_against_every_choice(kind: str) -> None:
    for seed in range(6):
        metres, rng = matrix(kind, seed), np.random.default_rng(seed)
        elders = rng.integers(1, 9, metres.shape[1]) * (0.37 if kind == "places" else 1.0)
        for p in (3, 4):
            given = sparse(metres) if kind == "sparse" else metres
            for solution, best in (
                (siting.p_median(elders, given, p=p), least_median(elders, metres, p)),
                (siting.p_center(given, p=p), least_center(metres, p)),
            ):
                assert solution.value == pytest.approx(best, rel=1e-12)
                assert best * (1 - 1e-8) <= solution.bound <= solution.value
                assert (solution.proof, len(set(solution.sites))) == ("optimal", p)


def model(elders: np.ndarray, metres: np.ndarray, p: int) -> float:
    """Return the least elder-metres by the plain model of sites and shares, with SciPy."""
    n_sites, n = metres.shape
    one_each = np.hstack([np.zeros((n, n_sites)), np.tile(np.eye(n), n_sites)])
    opened = np.repeat(np.eye(n_sites), n, axis=0)
    links = np.hstack([-opened, np.eye(n_sites * n)])
    count = np.concatenate([np.ones(n_sites), np.zeros(n_sites * n)])
    done = milp(
        np.concatenate([np.zeros(n_sites), (metres * elders).ravel()]),
        integrality=np.concatenate([np.ones(n_sites), np.zeros(n_sites * n)]), bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(one_each, 1, 1), LinearConstraint(links, -np.inf, 0),
            LinearConstraint(count[None], p, p),
        ],
    )  # fmt: skip
    return float(done.fun)


def graph(n: int, seed: int) -> np.ndarray:
    """Return shortest distances of a graph as OR-Library's: n²/50 edges of 1 to 100."""
    rng = np.random.default_rng(seed)
    lengths = np.zeros((n, n))
    for k in range(1, n):
        lengths[k, rng.integers(k)] = rng.integers(1, 101)
    for _ in range(n * n // 50 - n + 1):
        u, v = rng.choice(n, 2, replace=False)
        lengths[u, v] = rng.integers(1, 101)
    return shortest_path(lengths, directed=False)


@pytest.mark.parametrize(("n", "p"), [(60, 5), (60, 12), (60, 20)])
def test_graphs_against_the_plain_model(n: int, p: int) -> None:
    metres = graph(n, p)
    solution = siting.p_median(np.ones(n), metres, p=p)
    assert solution.value == pytest.approx(model(np.ones(n), metres, p))
    assert (solution.bound, solution.proof) == (solution.value, "optimal")


def test_distances_by_chance_against_the_plain_model() -> None:
    metres = matrix("chance", 1, 20, 40)
    elders = np.random.default_rng(1).integers(1, 50, 40).astype(float)
    solution = siting.p_median(elders, metres, p=4)
    assert solution.bound == pytest.approx(model(elders, metres, 4))


# -- prices -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_prices_bound_every_choice_and_rule_out_none_that_is_best(kind: str) -> None:
    for seed in range(8):
        metres, p = matrix(kind, seed), 3
        pairs = read_pairs(metres, "distances", [])
        lists = Lists(*pairs.by_demand())
        best = least_median(np.ones(metres.shape[1]), metres, p)
        price = np.random.default_rng(seed).random(metres.shape[1]) * np.nanmax(
            np.where(np.isfinite(metres), metres, np.nan)
        )
        pace = np.array([0.3, 0.0, 0.0, -np.inf, np.inf])
        dual = Dual(price, price.copy(), np.zeros_like(price), np.zeros(len(metres)), pace)
        state, found = np.zeros(len(metres), np.int8), np.zeros(len(metres), bool)
        ascend(lists, state, p, dual, best * (1 + 1e-9) + 1e-9, best, 200, found)
        assert pace[BOUND] <= best * (1 + 1e-12)
        assert pace[BOUND] >= 0.5 * best
        assert pace[VALUE] >= best * (1 - 1e-12)
        kept = [
            set(c)
            for c in combinations(range(len(metres)), p)
            if metres[list(c)].min(axis=0).sum() <= best * (1 + 1e-12)
        ]
        ways = [
            c.isdisjoint(np.flatnonzero(state == OUT)) and c.issuperset(
                np.flatnonzero(state == HELD)
            )
            for c in kept
        ]  # fmt: skip
        assert all(ways)


# -- covers of some points --------------------------------------------------------------------


def test_a_cover_that_was_hidden_is_found() -> None:
    rng = np.random.default_rng(4)
    rows = np.zeros((60, 300), dtype=bool)
    hidden = rng.choice(300, 6, replace=False)
    rows[np.arange(60), hidden[rng.integers(0, 6, 60)]] = True
    others = np.setdiff1d(np.arange(300), hidden)
    rows[:, others] = rng.random((60, len(others))) < 0.12
    by_row = csr_array(rows.astype(float))
    by_site = csr_array(rows.T.astype(float))
    start, seed = np.zeros(300, bool), np.array([1], np.uint64)
    start[others[:6]] = True
    sites, missed = weighted_swaps(
        by_row.indptr, by_row.indices, by_site.indptr, by_site.indices, start, np.ones(60), seed,
        20_000,
    )  # fmt: skip
    assert (missed, int(sites.sum())) == (0, 6)
    assert rows[:, sites].any(axis=1).all()


def test_swaps_count_what_they_miss() -> None:
    rows = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]], dtype=bool)
    by_row, by_site = csr_array(rows.astype(float)), csr_array(rows.T.astype(float))
    for given, fewest in (([True, False, False], 1), ([True, True, False], 0)):
        sites, missed = weighted_swaps(
            by_row.indptr, by_row.indices, by_site.indptr, by_site.indices, np.array(given),
            np.ones(3), np.array([3], np.uint64), 50,
        )  # fmt: skip
        assert missed == fewest == int((~rows[:, sites].any(axis=1)).sum())


@pytest.mark.parametrize("kind", KINDS)
def test_long_lists_are_sorted_as_short_ones(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = read_pairs(matrix(kind, 3), "distances", [])
    short = pairs.by_demand()
    monkeypatch.setattr(pair_lists, "LONG_LISTS", 0)
    for one, other in zip(short, pairs.by_demand(), strict=True):
        assert one.dtype == other.dtype
        assert (one == other).all()


def test_columns_of_some_points() -> None:
    metres = matrix("sparse", 2)
    pairs = read_pairs(metres, "distances", [])
    points = np.array([0, 7, 19])
    site, place, apart = columns_of(pairs.start, pairs.demand, pairs.metres, points)
    again = np.full((len(metres), 3), np.inf)
    again[site, place] = apart
    assert (again == metres[:, points]).all()


def test_more_sites_than_a_center_needs() -> None:
    spots = np.array([0.0, 0.1, 5.0, 5.1, 9.0, 9.1])
    metres = np.abs(np.subtract.outer(spots, spots))
    for p, longest in ((3, 0.1), (4, 0.1), (5, 0.1), (6, 0.0)):
        solution = siting.p_center(metres, p=p)
        assert solution.value == pytest.approx(longest)
        assert (solution.bound, len(solution.sites)) == (solution.value, p)


def test_a_center_that_greedy_choice_misses() -> None:
    metres = graph(60, 3)
    solution = siting.p_center(metres, p=3)
    assert solution.bound == least_center(metres, 3)


# -- ends -------------------------------------------------------------------------------------


def test_all_sites_or_one() -> None:
    metres = matrix("chance", 5)
    elders = np.arange(20.0)
    assert siting.p_median(elders, metres, p=9).value == (elders * metres.min(axis=0)).sum()
    assert siting.p_median(elders, metres, p=1).value == (metres @ elders).min()
    assert siting.p_center(metres, p=9).value == metres.min(axis=0).max()
    assert siting.p_center(metres, p=1).value == metres.max(axis=1).min()


def test_no_elders_at_all() -> None:
    solution = siting.p_median(np.zeros(20), matrix("chance", 5), p=2)
    assert (solution.value, solution.bound, solution.proof) == (0.0, 0.0, "optimal")
    assert len(solution.sites) == 2


def test_all_distances_are_the_same() -> None:
    metres = np.full((8, 12), 7.0)
    assert siting.p_median(np.ones(12), metres, p=3).bound == 84.0
    assert siting.p_center(metres, p=3).bound == 7.0


def test_the_same_seed_gives_the_same_sites() -> None:
    metres = matrix("ties", 3, 15, 40)
    for solve in (
        lambda seed: siting.p_median(np.ones(40), metres, p=4, random_seed=seed),
        lambda seed: siting.p_center(metres, p=4, random_seed=seed),
    ):
        assert list(solve(4).sites) == list(solve(4).sites)
        assert solve(4).value == solve(5).value


@pytest.mark.parametrize("model_name", ["p_median", "p_center"])
def test_an_interrupt_is_not_swallowed(model_name: str) -> None:
    metres = matrix("chance", 1, 60, 150)

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    elders = [np.ones(150)] if model_name == "p_median" else []
    with pytest.raises(KeyboardInterrupt):
        getattr(siting, model_name)(*elders, metres, p=5, progress=stop)


@pytest.mark.parametrize("gap", [0.05, 0.3])
def test_a_gap_is_enough(gap: float) -> None:
    metres = matrix("chance", 2, 40, 100)
    for solution in (
        siting.p_median(np.ones(100), metres, p=5, gap=gap), siting.p_center(metres, p=5, gap=gap)
    ):  # fmt: skip
        assert solution.gap <= gap
        assert solution.proof in {"gap", "optimal"}


def test_a_matrix_that_reaches_nothing() -> None:
    for solve in (
        lambda: siting.p_median(np.ones(3), csr_array((2, 3)), p=1),
        lambda: siting.p_center(csr_array((2, 3)), p=1),
    ):
        with pytest.raises(siting.SitingError) as caught:
            solve()
        assert "3 in all" in caught.value.render("en")
