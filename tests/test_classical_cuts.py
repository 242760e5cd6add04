"""Rows cut into regions, what the search of regions leaves for a relaxation, and longer walks."""

from __future__ import annotations

from itertools import combinations, pairwise
from threading import Lock
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array

import siting
from siting.classical import cover_steps, cover_walk, regions, split
from siting.classical.effort import Effort
from siting.classical.program import Program
from siting.classical.region_costs import Inequalities
from siting.classical.tighten import tighten

if TYPE_CHECKING:
    from collections.abc import Callable

    from siting.classical.simplex_kernels import Region

FEW = settings(max_examples=40, deadline=None)


def within_reach(seed: int, m: int, n: int, side: float) -> tuple[np.ndarray, np.ndarray]:
    """Return which points sites reach on a square, each at least one, and where points are."""
    rng = np.random.default_rng(seed)
    points, sites = rng.uniform(0, side, (m, 2)), rng.uniform(0, side, (n, 2))
    metres = np.hypot(*(points[:, None] - sites[None]).transpose(2, 0, 1))
    reached = metres <= 1.0
    reached[np.arange(m), metres.argmin(axis=1)] = True
    return reached, points


def dear(seed: int, n: int) -> np.ndarray:
    """Return whole costs, so near each other that choices are."""
    return np.random.default_rng(seed).integers(20, 30, n).astype(float)


@st.composite
def covers(draw: st.DrawFn) -> np.ndarray:
    """Return which rows have which sites, each row at least one."""
    m, n = draw(st.integers(2, 12)), draw(st.integers(1, 7))
    within = np.array(draw(st.lists(st.booleans(), min_size=m * n, max_size=m * n)))
    within = within.reshape(m, n)
    within[~within.any(axis=1), 0] = True
    return within


@FEW
@given(within=covers(), size=st.integers(1, 6))
def test_each_row_is_in_one_region_of_each_cut(within: np.ndarray, size: int) -> None:
    ways = regions.cuts(csr_array(within.astype(float)), size)
    assert ways
    for groups in ways:
        assert len(groups) > 1
        assert sorted(np.concatenate(groups).tolist()) == list(range(len(within)))
        assert all(len(group) for group in groups)


def test_regions_are_of_one_place_and_of_about_one_size() -> None:
    within, points = within_reach(2, 600, 150, 8.0)
    rows = csr_array(within.astype(float))
    ways = regions.cuts(rows, 60)
    assert len({tuple(tuple(group) for group in groups) for groups in ways}) == len(ways) > 12
    all_of = np.hypot(*(points - points.mean(axis=0)).T).mean()
    for groups in ways:
        assert 7 <= len(groups) <= 14
        assert max(map(len, groups)) - min(map(len, groups)) <= 2
        wide = [np.hypot(*(points[g] - points[g].mean(axis=0)).T).mean() for g in groups]
        assert np.mean(wide) < 0.5 * all_of
        # Two after each other lie together: sites reach into both of them.
        for a, b in pairwise(groups):
            assert (within[a].any(axis=0) & within[b].any(axis=0)).any()


def test_the_cut_that_proves_most_is_taken() -> None:
    # Four rings of five points in a row, a site for each two neighbours; what cuts no ring proves
    # 3 for each, the relaxation 2.5.
    ring = np.eye(5) + np.roll(np.eye(5), 1, axis=1)
    rows = csr_array(np.kron(np.eye(4), ring))
    effort = Effort.of("set_covering", 60, 0, 1, 0, None)
    told: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split, "cuts", lambda *_: [cut([2, 7, 12, 17]), cut([5, 10, 15]), cut([1])])
        patch.setattr(split, "A_REGION", 5)
        split.split_bound(
            rows, np.ones(20), np.full(20, 0.5), effort, 60, 12.0,
            lambda low: told.append(low) or len(told) > 3,
        )  # fmt: skip
    assert max(told[:3]) == pytest.approx(12.0, abs=1e-5)


class Searches:
    """Searches of regions, those of joined ones told apart by their size."""

    def __init__(self, larger_than: int) -> None:
        self.larger_than, self.joined = larger_than, 0
        self.lock, self.told = Lock(), []
        self.search = split.search_region

    def __call__(self, region: Region, best: np.ndarray, halt: np.ndarray) -> float:
        if len(region.loss) <= self.larger_than:
            return self.search(region, best, halt)
        with self.lock:
            self.joined += 1
            turn = self.joined
        return self.of_joined(turn, region, best, halt)

    def of_joined(self, turn: int, region: Region, best: np.ndarray, halt: np.ndarray) -> float:
        raise NotImplementedError

    def bound(self, enough: Callable[[float], bool]) -> tuple[float, float]:
        """Return the bound of three regions, and what sites cost that cover all."""
        within = within_reach(7, 160, 60, 5.0)[0]
        costs, rows = dear(7, 60), csr_array(within.astype(float))
        done = linprog(costs, A_ub=-within.astype(float), b_ub=-np.ones(160))
        value = siting.set_covering(np.where(within.T, 1.0, np.inf), cutoff_m=1.0, costs=costs)
        effort = Effort.of("set_covering", 60, 0, 2, 0, None)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(split, "A_REGION", 40)
            patch.setattr(split, "TURNS", 4)
            patch.setattr(split, "LARGER", 0.0)
            patch.setattr(split, "search_region", self)
            found = split.split_bound(
                rows, costs, -done.ineqlin.marginals, effort, 50, value.value,
                lambda low: self.told.append(low) or enough(low),
            )  # fmt: skip
        assert self.told == sorted(self.told)
        return found.low, value.value


class GivenUp(Searches):
    """The joined region is too large to be searched when it is met first."""

    def of_joined(self, turn: int, region: Region, best: np.ndarray, halt: np.ndarray) -> float:
        if turn == 1:
            self.first = self.told[-1]
            return 0.0
        self.last = self.told[-1]
        return self.search(region, best, halt)


def test_smaller_regions_go_on_where_joined_ones_are_too_large_and_are_joined_at_the_end() -> None:
    searches = GivenUp(60)
    low, value = searches.bound(lambda _: False)
    assert searches.joined == 2
    assert searches.first + 0.5 < searches.last < low <= value + 1e-6


class Waiting(Searches):
    """A joined region is searched until it is told to stop."""

    stopped = False

    def of_joined(self, _turn: int, _region: Region, _best: np.ndarray, halt: np.ndarray) -> float:
        end = perf_counter() + 30.0
        while not halt[0] and perf_counter() < end:
            sleep(0.01)
        self.stopped = bool(halt[0])
        return 0.0


def test_no_other_region_is_searched_once_a_joined_one_proves_enough() -> None:
    searches = Waiting(60)
    low, value = searches.bound(lambda _: searches.joined > 0 and len(searches.told) > 5)
    assert searches.stopped
    assert low <= value + 1e-6


@pytest.mark.parametrize(("name", "most"), [("MEET", 0.5), ("PAIRS", 5.0)])
def test_without_near_and_far_the_duals_bound_alone(
    monkeypatch: pytest.MonkeyPatch, name: str, most: float
) -> None:
    monkeypatch.setattr(split if name == "MEET" else regions, name, most)
    rows = csr_array(np.kron(np.eye(4), np.eye(5) + np.roll(np.eye(5), 1, axis=1)))
    effort = Effort.of("set_covering", 60, 0, 1, 0, None)
    duals = np.concatenate([np.full(10, 0.5), np.full(5, 0.7), np.full(5, -1.0)])
    bound = split.split_bound(rows, np.ones(20), duals, effort, 60, 12.0, lambda _: False)
    # Half for each point of two rings, 0.7 for each of a third, whose five sites take 0.4 too much.
    assert bound.low == pytest.approx(5.0 + 3.5 - 2.0)
    assert bound.inequalities.rows.shape == (0, 20)


def test_of_all_walks_the_cheapest_cover_is_told_and_each_goes_its_own_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, costs = csr_array(np.ones((1, 3))), np.array([9.0, 5.0, 7.0])
    begun: list[tuple[int, list[int]]] = []

    def walked(*given: Any) -> None:
        """Find site 1 on the second walk, 2 on the others, where the best is dearer."""
        best, seed = given[6], given[-1]
        begun.append((seed, np.flatnonzero(best).tolist()))
        found = 1 if seed == 1000 else 2
        if costs[found] < costs[best].sum():
            best[:] = np.arange(3) == found

    monkeypatch.setattr(cover_walk, "exchange_covers", walked)
    told: list[list[int] | None] = []

    def over(better: np.ndarray | None) -> float | None:
        told.append(None if better is None else np.flatnonzero(better).tolist())
        return 0.0

    cover_walk.walk(rows, costs, np.arange(3) == 0, range(3), 2, over, patience=1)
    # Two blocks of each turn, as the second brings nothing; the second turn sets out anew.
    first = [(0, [0]), (1, [2]), (1000, [0]), (1001, [1]), (2000, [0]), (2001, [2])]
    again = [(3000 + seed, [0 if seed % 1000 == 0 else 2]) for seed, _ in first]
    assert sorted(begun) == first + again
    assert told == [None, [1]] + [None] * (len(told) - 2)


def cut(places: list[int]) -> list[np.ndarray]:
    """Return the numbers up to 20 cut at some places."""
    return np.split(np.arange(20), places)


@FEW
@given(within=covers(), data=st.data(), turns=st.integers(1, 12))
def test_every_cover_keeps_to_what_is_known_of_regions(
    within: np.ndarray, data: st.DataObject, turns: int
) -> None:
    m, n = within.shape
    costs = np.array([data.draw(st.sampled_from([1.0, 1.5, 2.0, 4.0])) for _ in range(n)])
    duals = np.array([data.draw(st.sampled_from([0.0, 0.5, 1.0])) for _ in range(m)])
    effort, told = Effort.of("set_covering", 60, 0, 1, 0, None), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split, "A_REGION", 2)
        patch.setattr(split, "TURNS", 3)
        patch.setattr(split, "MEET", np.inf)
        bound = split.split_bound(
            csr_array(within.astype(float)), costs, duals, effort, 60, float(costs.sum()),
            lambda low: told.append(low) or len(told) > turns,
        )  # fmt: skip
    known = bound.inequalities
    assert known.rows.shape == (len(known.sides), n)
    assert len(known.sides) > 0
    for k in range(n + 1):
        for some in combinations(range(n), k):
            if within[:, some].any(axis=1).all():
                taken = np.isin(np.arange(n), some).astype(float)
                assert (known.rows @ taken >= known.sides - 1e-9).all()


def test_what_is_known_of_regions_tightens_the_relaxation() -> None:
    within, _ = within_reach(3, 400, 150, 6.0)
    rows, costs = csr_array(within.astype(float)), dear(3, 150)
    effort = Effort.of("set_covering", 60, 0, 2, 0, None)
    program = Program(costs, np.zeros(150), np.ones(150), effort)
    program.add(rows, np.ones(400), np.full(400, np.inf))
    relaxed = program.relax(60)
    told: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split, "A_REGION", 60)
        bound = split.split_bound(
            rows, costs, relaxed.duals, effort, 60, 1.02 * relaxed.bound,
            lambda low: told.append(low) or len(told) > 60,
        )  # fmt: skip
    assert bound.low > relaxed.bound + 0.2
    tight = tighten(program, relaxed, bound.inequalities, effort, 60)
    value = siting.set_covering(np.where(within.T, 0.0, np.inf), cutoff_m=0, costs=costs).value
    assert bound.low - 1e-6 <= tight.bound <= value + 1e-9
    assert 0 < program.n_rows - 400 < len(bound.inequalities.sides)
    assert (tight.duals[400:] > 0).all()
    assert tighten(program, tight, bound.inequalities, effort, 60).bound == tight.bound


def test_no_time_leaves_a_relaxation_as_it_is() -> None:
    effort = Effort.of("set_covering", 60, 0, 1, 0, None)
    program = Program(np.ones(2), np.zeros(2), np.ones(2), effort)
    program.add(csr_array(np.ones((1, 2))), np.ones(1), np.full(1, np.inf))
    relaxed = program.relax(60)
    known = Inequalities(csr_array(np.ones((1, 2))), np.array([2.0]))
    assert tighten(program, relaxed, known, effort, 0.0).bound == relaxed.bound
    assert program.n_rows == 1


def at_length(patch: pytest.MonkeyPatch) -> None:
    """Have small parts searched as large ones are, without a glance before."""
    steps = [each for each in cover_steps.STEPS if each.__name__ != "_glance"]
    assert len(steps) == len(cover_steps.STEPS) - 1
    patch.setattr(cover_steps, "STEPS", tuple(steps))


@pytest.mark.parametrize("seed", [1])
def test_what_regions_leave_open_is_searched_to_the_end(seed: int) -> None:
    within, _ = within_reach(seed, 400, 150, 6.0)
    metres, costs = np.where(within.T, 0.0, np.inf), dear(seed, 150)
    plain = siting.set_covering(metres, cutoff_m=0, costs=costs)
    with pytest.MonkeyPatch.context() as patch:
        at_length(patch)
        patch.setattr(cover_steps, "LARGE", 30)
        patch.setattr(split, "A_REGION", 30)
        patch.setattr(split, "TURNS", 4)
        patch.setattr(split, "LARGER", np.inf)
        patch.setattr(cover_steps, "REGIONS", 0.02)
        found = siting.set_covering(metres, cutoff_m=0, costs=costs)
    assert (found.value, found.bound, found.proof) == (plain.value, plain.value, "optimal")


def test_what_has_no_regions_is_still_searched_on_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    within, costs = rng.random((60, 40)) < 0.15, rng.integers(20, 30, 40).astype(float)
    within[np.arange(60), rng.integers(0, 40, 60)] = True
    metres = np.where(within.T, 0.0, np.inf)
    value = siting.set_covering(metres, cutoff_m=0, costs=costs).value
    at_length(monkeypatch)
    monkeypatch.setattr(cover_steps, "LARGE", 10)
    monkeypatch.setattr(split, "MEET", 0.5)
    monkeypatch.setattr(cover_steps, "_ask_solver", None)
    found = siting.set_covering(metres, cutoff_m=0, costs=costs)
    assert (found.value, found.bound, found.proof) == (value, value, "optimal")


@pytest.mark.parametrize("threads", [1, 2])
def test_repeated_walks_give_the_same_sites_each_time(threads: int) -> None:
    within, _ = within_reach(4, 200, 80, 6.0)
    metres = np.where(within.T, 0.0, np.inf)
    with pytest.MonkeyPatch.context() as patch:
        at_length(patch)
        patch.setattr(cover_steps, "LARGE", 10)
        patch.setattr(cover_steps, "TURNS", 2)
        found = [siting.set_covering(metres, cutoff_m=0, threads=threads) for _ in range(2)]
    assert found[0].proof == "optimal"
    assert list(found[0].sites) == list(found[1].sites)


def test_a_glance_is_enough_for_most_small_covers(monkeypatch: pytest.MonkeyPatch) -> None:
    within, _ = within_reach(3, 400, 150, 6.0)
    metres, costs = np.where(within.T, 0.0, np.inf), dear(3, 150)
    with pytest.MonkeyPatch.context() as patch:
        at_length(patch)
        plain = siting.set_covering(metres, cutoff_m=0, costs=costs)
    monkeypatch.setattr(cover_steps, "STEPS", cover_steps.STEPS[:2])
    found = siting.set_covering(metres, cutoff_m=0, costs=costs)
    assert (found.value, found.bound, found.proof) == (plain.value, plain.value, "optimal")


@pytest.mark.parametrize("steps", [1, 2_000, 100_000])
def test_a_glance_that_ends_early_proves_no_more_than_is_so(
    monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    within, _ = within_reach(3, 400, 150, 6.0)
    metres, costs = np.where(within.T, 0.0, np.inf), dear(3, 150)
    best = siting.set_covering(metres, cutoff_m=0, costs=costs).value
    monkeypatch.setattr(cover_steps, "GLANCE", steps)
    plain = siting.set_covering(metres, cutoff_m=0, costs=costs)
    monkeypatch.setattr(cover_steps, "STEPS", cover_steps.STEPS[:2])
    found = siting.set_covering(metres, cutoff_m=0, costs=costs)
    assert found.bound <= best <= found.value
    assert (plain.value, plain.proof) == (best, "optimal")
    assert (found.proof == "optimal") == (found.bound == found.value)


@pytest.mark.parametrize("seed", [3, 5])
def test_a_glance_finds_what_walks_do_not(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    within, _ = within_reach(seed, 400, 150, 6.0)
    metres, costs = np.where(within.T, 0.0, np.inf), dear(seed, 150)
    with pytest.MonkeyPatch.context() as patch:
        at_length(patch)
        plain = siting.set_covering(metres, cutoff_m=0, costs=costs)
    monkeypatch.setattr(cover_steps, "STEPS", cover_steps.STEPS[:2])
    monkeypatch.setattr(cover_steps, "walk", lambda *_: None)
    found = siting.set_covering(metres, cutoff_m=0, costs=costs)
    assert (found.value, found.bound, found.proof) == (plain.value, plain.value, "optimal")
