"""Walks of exchanges, what sites are worth on them, and mixes of two plans."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from siting.classical import anneal_kernels, islands
from siting.classical.anneal_kernels import Lists, anneal
from siting.classical.classes import merged
from siting.classical.effort import Effort
from siting.classical.pairs import read_pairs
from siting.classical.task import Task

FEW = settings(max_examples=40, deadline=None)


def lists_of(
    within: np.ndarray, weight: np.ndarray, costs: np.ndarray, *, with_near: bool = True
) -> Lists:
    """Return sites by classes as lists, with or without what sites share."""
    columns, rows = csr_array(within.astype(float)), csr_array(within.T.astype(float))
    near = csr_array(within * weight @ within.T) if with_near else csr_array((len(costs), 0))
    near.sort_indices()
    return Lists(
        rows.indptr.astype(np.int64), rows.indices, columns.indptr.astype(np.int64),
        columns.indices, weight, costs, near.indptr.astype(np.int64), near.indices, near.data,
    )  # fmt: skip


def drawn(seed: int, n_sites: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which sites cover which classes, and the elders of each."""
    rng = np.random.default_rng(seed)
    return rng.random((n_sites, n)) < 0.25, rng.integers(1, 9, n).astype(float)


def problem(within: np.ndarray, weight: np.ndarray, costs: np.ndarray, money: float) -> Task:
    """Return a problem of most elders, with nothing known of it."""
    cover = merged(read_pairs(np.where(within, 0.0, np.inf), "reach", []), weight)
    n = len(costs)
    return Task(
        cover, costs, money, None, exact=True, chosen=np.zeros(n, dtype=bool), low=-weight.sum(),
        free=np.ones(n, dtype=bool),
    )  # fmt: skip


@pytest.mark.parametrize("with_near", [True, False])
@pytest.mark.parametrize("seed", range(10))
def test_annealing_ends_with_the_most_that_money_buys(seed: int, with_near: bool) -> None:  # noqa: FBT001
    within, weight = drawn(seed, 10, 25)
    rng = np.random.default_rng(seed)
    costs = np.ones(10) if seed % 2 else rng.integers(1, 3, 10).astype(float)
    may = np.arange(10) > 0
    start = np.isin(np.arange(10), [0, 1, 2, 3])
    money = float(costs[start].sum())
    lists = lists_of(within, weight, costs, with_near=with_near)
    ends = anneal(lists, start, may, money, 0.0, 30_000, 5.0, 0.1, seed)
    best = max(
        weight[within[[0, *some]].any(axis=0)].sum()
        for some in combinations(range(1, 10), 3) if costs[[0, *some]].sum() <= money
    )  # fmt: skip
    assert ends[0]
    assert int(ends.sum()) == 4
    assert costs[ends].sum() <= money
    assert weight[within[ends].any(axis=0)].sum() == best


@pytest.mark.parametrize("price", [0.5, 3.0])
@pytest.mark.parametrize("seed", range(8))
def test_priced_money_buys_the_most_by_any_number_of_sites(seed: int, price: float) -> None:
    within, weight = drawn(seed, 10, 40)
    rng = np.random.default_rng(seed)
    costs, may = rng.integers(1, 6, 10).astype(float), np.arange(10) > 1
    start = np.isin(np.arange(10), [0, 2, 3])
    money = float(costs[start].sum()) + 4.0
    ends = anneal(lists_of(within, weight, costs), start, may, money, price, 50_000, 9.0, 0.1, seed)
    plans = {
        (0, *some): weight[within[[0, *some]].any(axis=0)].sum()
        for k in range(9) for some in combinations(range(2, 10), k)
        if costs[[0, *some]].sum() <= money
    }  # fmt: skip
    assert ends[0]
    assert not ends[1]
    assert costs[ends].sum() <= money
    assert weight[within[ends].any(axis=0)].sum() == max(plans.values())


def test_one_price_for_all_sites_keeps_their_number() -> None:
    within, weight = drawn(5, 12, 40)
    plan, effort = np.arange(12) < 4, Effort.of("x", 60, 0, 1, 0, None)
    numbers = []
    for costs in (np.ones(12), np.linspace(1.0, 1.5, 12)):
        task = problem(within, weight, costs, 6.0)
        walk = islands._Islands.of(task, effort, 0.0, 1.0).walk
        ends = [walk(chosen=plan, hot=9.0, seed=seed) for seed in range(5)]
        numbers.append({int(end.sum()) for end in ends})
    assert numbers[0] == {4}
    assert max(numbers[1]) == 5


def test_a_walk_that_only_loses_returns_what_it_began_with() -> None:
    rng = np.random.default_rng(1)
    within, weight = rng.random((30, 60)) < 0.1, np.ones(60)
    order = np.argsort(-within.sum(axis=1))
    start = np.isin(np.arange(30), order[:5])
    lists, may = lists_of(within, weight, np.ones(30)), np.ones(30, dtype=bool)
    ends = anneal(lists, start, may, 5.0, 0.0, 2000, 1e9, 1e9, 1)
    assert within[ends].any(axis=0).sum() >= within[start].any(axis=0).sum()


@FEW
@given(seed=st.integers(0, 999), swaps=st.integers(0, 12))
def test_what_sites_are_worth_is_kept_up_to_date(seed: int, swaps: int) -> None:
    within, weight = drawn(seed, 9, 30)
    rng, lists = np.random.default_rng(seed), lists_of(within, weight, np.ones(9))
    chosen = rng.random(9) < 0.4
    kept = anneal_kernels._stands(lists, chosen)
    for _ in range(swaps):
        site = int(rng.integers(9))
        way = anneal_kernels.CLOSE if chosen[site] else anneal_kernels.OPEN
        anneal_kernels._turn(lists, *kept, site, way)
        chosen[site] = not chosen[site]
    count, only, worth = kept
    numbers = np.arange(9)
    assert (count == within[chosen].sum(axis=0)).all()
    assert (only == numbers[chosen] @ within[chosen]).all()
    for site in range(9):
        others = within[chosen & (numbers != site)].any(axis=0)
        assert worth[site] == weight[within[site] & ~others].sum()


@FEW
@given(seed=st.integers(0, 999))
def test_a_swap_gains_what_sites_are_worth_and_what_is_taken_over(seed: int) -> None:
    within, weight = drawn(seed, 8, 20)
    rng, lists = np.random.default_rng(seed), lists_of(within, weight, np.ones(8))
    chosen = np.isin(np.arange(8), rng.permutation(8)[:4])
    count, only, worth = anneal_kernels._stands(lists, chosen)
    old, new = (int(rng.choice(np.flatnonzero(some))) for some in (chosen, ~chosen))
    swapped = chosen ^ np.isin(np.arange(8), [old, new])
    taken_over = anneal_kernels._taken_over(lists, count, only, old, new)
    gained = weight[within[swapped].any(axis=0)].sum() - weight[within[chosen].any(axis=0)].sum()
    assert worth[new] - worth[old] + taken_over == gained
    assert anneal_kernels._shared(lists, old, new) == weight[within[old] & within[new]].sum()
    assert taken_over <= anneal_kernels._shared(lists, old, new)


@FEW
@given(seed=st.integers(0, 999), priced=st.booleans())
def test_a_mix_is_the_best_choice_of_what_two_plans_differ_in(seed: int, priced: bool) -> None:  # noqa: FBT001
    within, weight = drawn(seed, 9, 25)
    rng = np.random.default_rng(seed)
    costs = rng.integers(1, 4, 9).astype(float) if priced else np.ones(9)
    one, other = (np.isin(np.arange(9), rng.permutation(9)[:4]) for _ in range(2))
    money = max(float(costs[plan].sum()) for plan in (one, other))
    task, effort = problem(within, weight, costs, money), Effort.of("x", 60, 0, 1, 0, None)
    found = islands._Islands.of(task, effort, 0.0, 0.0).mixed(one, other)
    common, differ = np.flatnonzero(one & other).tolist(), np.flatnonzero(one ^ other).tolist()
    choices = ([*common, *some] for k in range(len(differ) + 1) for some in combinations(differ, k))
    best = max(
        weight[within[some].any(axis=0)].sum() for some in choices if costs[some].sum() <= money
    )
    assert costs[found].sum() <= money
    assert found[one & other].all()
    assert not found[~one & ~other].any()
    assert weight[within[found].any(axis=0)].sum() == best


def test_a_mix_has_no_site_that_was_ruled_out_meanwhile() -> None:
    within = np.eye(4, dtype=bool)
    task = problem(within, np.array([1.0, 2.0, 8.0, 4.0]), np.ones(4), 2.0)
    task.free[2] = False
    search = islands._Islands.of(task, Effort.of("x", 60, 0, 1, 0, None), 0.0, 0.0)
    one, other = np.array([True, False, True, False]), np.array([False, True, False, True])
    assert search.mixed(one, other).tolist() == one.tolist()  # not sites 2 and 3, which cover most


def test_walks_leave_open_what_must_stay() -> None:
    within, weight = drawn(5, 12, 40)
    within[4] = False
    task = problem(within, weight, np.ones(12), 4.0)
    task.held[4], plan = True, np.isin(np.arange(12), [1, 2, 3, 4])
    search = islands._Islands.of(task, Effort.of("x", 60, 0, 2, 0, None), 0.0, 0.0)
    with ThreadPoolExecutor(2) as pool:
        ends = list(search.walked(pool, [plan] * 4, islands.HOT))
    assert len(ends) == 4
    assert all(end[4] and int(end.sum()) == 4 for end in ends)


@pytest.mark.parametrize("threads", [1, 2])
def test_islands_reach_the_best_plan_the_same_way_each_time(threads: int) -> None:
    rng = np.random.default_rng(3)
    places = [rng.uniform(0, 10, (k, 2)) for k in (14, 60)]
    within = np.hypot(*(places[0][:, None] - places[1][None]).transpose(2, 0, 1)) <= 2.0
    weight, costs = rng.integers(1, 30, 60).astype(float), np.ones(14)
    ends = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(islands, "TOUCHES", 1e5)
        for _ in range(2):
            task = problem(within, weight, costs, 5.0)
            task.held[4] = True
            task.chosen[[4, 0, 1, 2, 3]] = True
            effort = Effort.of("maximal_covering", 60, 0, threads, 7, None)
            islands.walk_islands(task, effort, 30.0, 0.0, 3.0)
            ends.append(task.chosen)
    others = [site for site in range(14) if site != 4]
    best = max(weight[within[[4, *some]].any(axis=0)].sum() for some in combinations(others, 4))
    assert ends[0][4]
    assert int(ends[0].sum()) == 5
    assert weight[within[ends[0]].any(axis=0)].sum() == best
    assert (ends[0] == ends[1]).all()
