"""Coverings by regions: each region's search, its relaxation, and the bound of all."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array

from siting.classical import cover_tree, region_costs, split, tables
from siting.classical.cover_tree import search_region
from siting.classical.dual_kernels import FREE
from siting.classical.effort import Effort
from siting.classical.simplex_kernels import Region, Table, close, copied, hold, optimize, set_up
from siting.classical.window_kernels import spent

FEW = settings(max_examples=60, deadline=None)


def region_of(within: np.ndarray, costs: np.ndarray, losses: np.ndarray) -> Region:
    """Return a region of classes by sites."""
    return tables.region_of(csr_array(within.astype(float)), costs, losses)


def searched(
    region: Region, steps: int = 10**10, *, halted: bool = False, room: int = 10**8
) -> tuple[float, np.ndarray]:
    """Return the bound of a search and the best sites."""
    best = np.zeros(len(region.cost), dtype=bool)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cover_tree, "REGION_STEPS", steps)
        patch.setattr(cover_tree, "REGION_BYTES", room)
        return search_region(region, best, np.array([halted])), best


def cost_of(within: np.ndarray, costs: np.ndarray, losses: np.ndarray, some: np.ndarray) -> float:
    return float(costs[some].sum() + losses[~within[:, some].any(axis=1)].sum())


def least(within: np.ndarray, costs: np.ndarray, losses: np.ndarray) -> float:
    """Return the least cost of any choice, each tried."""
    n = len(costs)
    sets = (np.array(c, dtype=int) for k in range(n + 1) for c in combinations(range(n), k))
    return min(cost_of(within, costs, losses, some) for some in sets)


@st.composite
def regions(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which classes have which sites, what sites cost, below nothing too, and losses."""
    m, n = draw(st.integers(1, 9)), draw(st.integers(1, 7))
    within = np.array(draw(st.lists(st.booleans(), min_size=m * n, max_size=m * n)))
    numbers = st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 3.0])
    costs = draw(st.lists(numbers | st.just(-1.0), min_size=n, max_size=n))
    losses = draw(st.lists(numbers, min_size=m, max_size=m))
    return within.reshape(m, n), np.array(costs), np.array(losses)


@FEW
@given(case=regions())
def test_a_region_is_searched_to_the_end(
    case: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    within, costs, losses = case
    region = region_of(within, costs, losses)
    bound, best = searched(region)
    value = least(within, costs, losses)
    assert bound == pytest.approx(value, abs=1e-6)
    assert bound <= value
    assert cost_of(within, costs, losses, np.flatnonzero(best)) == pytest.approx(value, abs=1e-9)
    assert spent(region, best) == pytest.approx(value, abs=1e-9)


def places(m: int, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return classes within reach of sites on a square, with costs that make choices close."""
    rng = np.random.default_rng(seed)
    points, sites = rng.uniform(0, 4, (m, 2)), rng.uniform(0, 4, (n, 2))
    within = np.hypot(*(points[:, None] - sites[None]).transpose(2, 0, 1)) <= 1.0
    losses = rng.integers(1, 100, m).astype(float)
    return within, rng.uniform(0.6, 1.2, n) * losses.sum() / 14.0, losses


def chance(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return classes and sites that meet by chance: the relaxation is far off, the search deep."""
    rng = np.random.default_rng(seed)
    within = rng.random((60, 25)) < 0.2
    return within, 5.0 * rng.uniform(1.0, 1.3, 25), 2.0 * rng.uniform(1.0, 1.4, 60)


def solved(within: np.ndarray, costs: np.ndarray, losses: np.ndarray) -> float:
    """Return the least cost by SciPy's solver."""
    m, n = within.shape
    rows = LinearConstraint(np.hstack([within, np.eye(m)]), 1.0, np.inf)
    kinds = np.concatenate([np.ones(n), np.zeros(m)])
    done = milp(
        np.concatenate([costs, losses]), integrality=kinds, bounds=Bounds(0, 1),
        constraints=rows, options={"mip_rel_gap": 0.0},
    )  # fmt: skip
    return float(done.fun)


@pytest.mark.parametrize("case", [*(places(120, 40, k) for k in range(6)), *map(chance, range(6))])
def test_a_larger_region_is_what_another_solver_finds(
    case: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    bound, best = searched(region_of(*case))
    value = solved(*case)
    assert bound == pytest.approx(value, rel=1e-6)
    assert cost_of(*case, np.flatnonzero(best)) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_a_search_cut_short_still_proves(seed: int) -> None:
    case = chance(seed)
    region, value = region_of(*case), solved(*case)
    bounds = [searched(region, 4_000 * most)[0] for most in [*range(40), 10**6]]
    assert all(bound <= value + 1e-9 for bound in bounds)
    assert bounds == sorted(bounds)
    assert bounds[1] < 0.99 * value
    assert bounds[-1] == pytest.approx(value, rel=1e-6)
    assert bounds[0] == searched(region, halted=True)[0] == -np.inf


@pytest.mark.parametrize("seed", range(4))
def test_what_is_too_deep_to_search_stays_unproven(seed: int) -> None:
    case = chance(seed)
    region, value = region_of(*case), solved(*case)
    assert 0.8 * value < searched(region, room=1)[0] < 0.99 * value


def relaxed(
    within: np.ndarray, costs: np.ndarray, losses: np.ndarray, held: list[int], out: list[int]
) -> float:
    """Return the relaxation's value with some sites held and some ruled out."""
    m, n = within.shape
    bounds = [(0.0, None)] * n + [(0.0, 1.0)] * m
    for j in range(n):
        if costs[j] <= 0 or j in held:
            bounds[j] = (1.0, 1.0)
        if j in out:
            bounds[j] = (0.0, 0.0)
    done = linprog(
        np.concatenate([costs, losses]), A_ub=-np.hstack([within, np.eye(m)]), b_ub=-np.ones(m),
        bounds=bounds,
    )  # fmt: skip
    return float(done.fun)


@pytest.mark.parametrize("seed", range(6))
def test_prices_reach_the_relaxation_as_sites_are_decided(seed: int) -> None:
    within, costs, losses = places(60, 25, seed)
    region = region_of(within, costs, losses)
    levels = tables.levels_of(region, 10**8)
    of_level = [Table(*(each[k] for each in levels.tables)) for k in range(8)]
    price, held, out = np.zeros(60), [], []
    set_up(region, of_level[0], np.zeros(25, dtype=np.int8))
    rng = np.random.default_rng(seed)
    for k in range(7):
        bound = optimize(region, of_level[k], price, np.inf, 10**6, np.array([False]))[0]
        assert bound == pytest.approx(relaxed(within, costs, losses, held, out), rel=1e-7)
        assert (price >= 0).all()
        assert (price <= losses).all()
        free = np.flatnonzero(of_level[k].state == FREE)
        assert (within[:, free].T @ price <= costs[free] + 1e-7).all()
        copied(of_level[k], of_level[k + 1])
        site = int(rng.choice(free))
        if k % 2:
            hold(region, of_level[k + 1], site)
            held.append(site)
        else:
            close(of_level[k + 1], site)
            out.append(site)


def parted(
    within: np.ndarray, costs: np.ndarray, losses: np.ndarray, *, size: int, calls: int,
    goal: float | None = None, limit: region_costs.Priced | None = None, limit_s: float = 60.0,
    joins: bool = False, hasty: float = 1.0,
) -> float:  # fmt: skip
    """Return the bound by regions, from the duals of the relaxation, after so many turns."""
    m = len(within)
    done = linprog(
        np.concatenate([costs, losses]), A_ub=-np.hstack([within, np.eye(m)]), b_ub=-np.ones(m)
    )
    told: list[float] = []

    def enough(bound: float) -> bool:
        told.append(bound)
        return len(told) > calls

    effort = Effort.of("maximal_covering", 60, 0, 2, 0, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split, "A_REGION", size)
        patch.setattr(split, "TURNS", 4 if joins else 1_000)
        patch.setattr(split, "LARGER", 0.0 if joins else np.inf)
        patch.setattr(region_costs, "PRICE", hasty * region_costs.PRICE)
        bound = split.split_bound(
            csr_array(within.astype(float)), costs, -done.ineqlin.marginals, effort, limit_s,
            solved(within, costs, losses) if goal is None else goal, enough, losses=losses,
            limit=limit,
        ).low  # fmt: skip
    assert told == sorted(told)
    assert bound == told[-1]
    return bound


@pytest.mark.parametrize("seed", range(6))
def test_moving_costs_and_joining_regions_prove_more(seed: int) -> None:
    case = places(160, 60, seed)
    value, low = solved(*case), relaxed(*case, [], [])
    nothing = parted(*case, size=20, calls=0, limit_s=0.0)
    still, moved = (parted(*case, size=20, calls=calls) for calls in (0, 60))
    joined = parted(*case, size=20, calls=14, joins=True)
    assert nothing == pytest.approx(low, rel=1e-6)
    assert low - 1e-6 <= still <= moved <= value + 1e-6
    assert still - 1e-6 <= joined <= value + 1e-6
    assert value - moved < 0.9 * (value - still) or value - still < 1e-4 * value
    assert value - joined < 0.9 * (value - still) or value - still < 1e-4 * value


@FEW
@given(case=regions(), calls=st.integers(0, 12), joins=st.booleans())
def test_regions_never_prove_too_much(
    case: tuple[np.ndarray, np.ndarray, np.ndarray], calls: int, *, joins: bool
) -> None:
    within, costs, losses = case
    within = within[within.any(axis=1)]
    losses, costs = losses[: len(within)], np.maximum(costs, 0.0)
    if len(within) == 0:
        return
    effort = Effort.of("maximal_covering", 60, 0, 1, 0, None)
    told: list[float] = []
    duals = np.resize([0.0, 2.0, 0.5, 5.0], len(within))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split, "A_REGION", 2)
        patch.setattr(split, "TURNS", 3)
        patch.setattr(split, "LARGER", 0.0 if joins else np.inf)
        bound = split.split_bound(
            csr_array(within.astype(float)), costs, duals, effort, 60, 3.0 + costs.sum(),
            lambda low: told.append(low) or len(told) > calls, losses=losses,
        ).low  # fmt: skip
    assert bound <= least(within, costs, losses) + 1e-9


@pytest.mark.parametrize("p", [4, 8])
@pytest.mark.parametrize("start", [0.3, 3.0])
def test_the_price_of_a_limit_moves_to_where_it_proves_more(p: int, start: float) -> None:
    within, costs, losses = places(120, 30, 1)
    m, n = within.shape
    model = np.concatenate([np.zeros(n), losses])
    done = milp(
        model, integrality=np.concatenate([np.ones(n), np.zeros(m)]), bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(np.hstack([within, np.eye(m)]), 1.0, np.inf),
            LinearConstraint(np.concatenate([np.ones(n), np.zeros(m)])[None], -np.inf, p),
        ],
        options={"mip_rel_gap": 0.0},
    )  # fmt: skip
    price = start * costs.mean()
    limit = region_costs.Priced(np.ones(n), float(p), price)
    fixed, moved = (
        parted(
            within, np.full(n, price), losses, size=60, calls=50, goal=done.fun + price * p,
            limit=each,
        ) - price * p
        for each in (None, limit)
    )  # fmt: skip
    assert fixed < moved <= done.fun + 1e-6
    assert done.fun - moved < 0.7 * (done.fun - fixed)


def test_a_limit_that_does_not_bind_ends_at_no_price() -> None:
    within, costs, losses = places(120, 30, 1)
    lost, price = float(losses[~within.any(axis=1)].sum()), 0.1 * costs.mean()
    limit = region_costs.Priced(np.ones(30), 40.0, price)
    moved = parted(
        within, np.full(30, price), losses, size=60, calls=50, goal=lost + price * 90.0,
        limit=limit, hasty=100.0,
    ) - price * 40.0  # fmt: skip
    assert lost - 10.0 * price < moved <= lost + 1e-6


def test_every_class_must_be_covered_where_no_losses_are_given() -> None:
    rng = np.random.default_rng(3)
    within = rng.random((40, 15)) < 0.2
    within[~within.any(axis=1), 0] = True
    costs = rng.integers(1, 9, 15).astype(float)
    rows = LinearConstraint(within.astype(float), 1.0, np.inf)
    value = milp(
        costs, integrality=np.ones(15), bounds=Bounds(0, 1), constraints=rows,
        options={"mip_rel_gap": 0.0},
    ).fun  # fmt: skip
    effort = Effort.of("set_covering", 60, 0, 1, 0, None)
    told: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split, "A_REGION", 20)
        patch.setattr(split, "LARGER", np.inf)
        bound = split.split_bound(
            csr_array(within.astype(float)), costs, np.zeros(40), effort, 60, value,
            lambda low: told.append(low) or len(told) > 60,
        ).low  # fmt: skip
    assert 0.7 * value < bound <= value + 1e-6
