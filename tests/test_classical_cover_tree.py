"""Covers searched on dense tables: every choice, with or without a limit, cut short, in parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array

import siting
from siting.classical import cover_tree
from siting.classical.cover_tree import Choices, fits, search_covers
from siting.classical.cover_tree_kernels import explore_covers
from siting.classical.dual_kernels import FREE, HELD, OUT
from siting.classical.effort import Effort
from siting.classical.simplex_kernels import Table, optimize, set_up
from siting.classical.tables import levels_of
from siting.classical.tree_kernels import Nodes
from siting.classical.window_kernels import decide, spent

FEW = settings(max_examples=60, deadline=None)
EFFORT = Effort.of("set_covering", 60, 0, 2, 0, None)


def model_of(choices: Choices) -> tuple[np.ndarray, list[LinearConstraint], np.ndarray]:
    """Return costs, rows and whole columns of sites and lost classes, for SciPy's solver."""
    m, n = choices.rows.shape
    rows = [LinearConstraint(np.hstack([choices.rows.toarray(), np.eye(m)]), 1.0, np.inf)]
    if choices.take is not None:
        taken = np.concatenate([choices.take, np.zeros(m)])[None]
        rows.append(LinearConstraint(taken, -np.inf, choices.side))
    costs = np.concatenate([choices.costs, choices.losses])
    return costs, rows, np.repeat([1, 0], [n, m])


def solved(choices: Choices) -> float:
    """Return the least cost of any choice by SciPy's solver."""
    costs, rows, whole = model_of(choices)
    found = milp(
        costs, integrality=whole, bounds=Bounds(0, 1), constraints=rows,
        options={"mip_rel_gap": 0.0},
    )  # fmt: skip
    return float(found.fun)


def cost_of(choices: Choices, sites: np.ndarray) -> float:
    """Return what sites and the classes that they miss cost; infinite beyond the limit."""
    if choices.take is not None and choices.take[sites].sum() > choices.side * (1 + 1e-9):
        return np.inf
    missed = choices.rows @ sites.astype(float) == 0
    return float(choices.costs[sites].sum() + choices.losses[missed].sum())


def searched(
    choices: Choices, *, step: float = 1e-9, calls: int = 10**6, limit_s: float = 60.0,
    at_once: int = cover_tree.STEPS_AT_ONCE,
) -> tuple[float, float, list[float]]:  # fmt: skip
    """Return the least cost found, the last bound and all bounds; every told site is checked."""
    nothing = cost_of(choices, np.zeros(choices.rows.shape[1], dtype=bool))
    values, bounds = [nothing], []

    def keep(best: np.ndarray | None, low: float) -> bool:
        if best is not None:
            values.append(cost_of(choices, best))
            assert values[-1] <= values[-2] + 1e-9
        bounds.append(low)
        return len(bounds) >= calls

    search_covers(choices, nothing, step, EFFORT, limit_s, keep, at_once)
    return values[-1], bounds[-1] if bounds else -np.inf, bounds


@st.composite
def choices_of(draw: st.DrawFn) -> Choices:
    """Return few sites and classes, some costs nothing, a limit or none."""
    m, n = draw(st.integers(1, 8)), draw(st.integers(1, 7))
    within = np.array(draw(st.lists(st.booleans(), min_size=m * n, max_size=m * n)), float)
    numbers = st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 3.0])

    def drawn(count: int) -> np.ndarray:
        return np.array(draw(st.lists(numbers, min_size=count, max_size=count)))

    plain = Choices(csr_array(within.reshape(m, n)), drawn(n), drawn(m))
    if draw(st.booleans()):
        return plain
    return plain._replace(
        take=drawn(n), side=draw(st.sampled_from([0.0, 0.5, 1.0, 2.0, 4.0])),
        price=draw(st.sampled_from([0.0, 0.2, 1.0])),
    )  # fmt: skip


@FEW
@given(choices=choices_of())
def test_few_choices_are_searched_to_the_end(choices: Choices) -> None:
    value, low, _ = searched(choices)
    best = solved(choices)
    assert value == pytest.approx(best, abs=1e-9)
    assert best - 1e-6 <= low <= best + 1e-9


def chance(seed: int, *, limit: bool) -> Choices:
    """Return sites that meet classes by chance, so that the relaxation is far off."""
    rng = np.random.default_rng(seed)
    m, n = 70, 40
    rows = csr_array((rng.random((m, n)) < 0.15).astype(float))
    plain = Choices(rows, 5.0 * rng.uniform(1.0, 1.3, n), 2.0 * rng.uniform(1.0, 1.4, m))
    if not limit:
        return plain
    take = rng.integers(1, 5, n).astype(float)
    limited = plain._replace(costs=np.zeros(n), take=take, side=9.0)
    costs, rows_of, _ = model_of(limited)
    covers, money = (each.A for each in rows_of)
    done = linprog(
        costs, A_ub=np.vstack([-covers, money]), b_ub=np.append(-np.ones(m), 9.0), bounds=(0, 1)
    )
    return limited._replace(price=-float(done.ineqlin.marginals[-1]))


@pytest.mark.parametrize("limit", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_a_deep_search_ends_where_another_solver_does(seed: int, *, limit: bool) -> None:
    choices = chance(seed, limit=limit)
    value, low, _ = searched(choices)
    best = solved(choices)
    assert value == pytest.approx(best, rel=1e-8)
    assert low == pytest.approx(best, rel=1e-8)


@pytest.mark.parametrize("limit", [False, True])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("steps", "bytes_of_levels"), [(20_000, 10**8), (10**7, 120_000)])
def test_a_search_in_many_parts_loses_none(
    seed: int, steps: int, bytes_of_levels: int, monkeypatch: pytest.MonkeyPatch, *, limit: bool
) -> None:
    choices, best = chance(seed, limit=limit), solved(chance(seed, limit=limit))
    monkeypatch.setattr(cover_tree, "LEVEL_BYTES", bytes_of_levels)
    value, low, bounds = searched(choices, at_once=steps)
    assert value == pytest.approx(best, rel=1e-8)
    assert low == pytest.approx(best, rel=1e-8)
    assert len(bounds) > 2
    assert bounds == sorted(bounds)
    assert all(bound <= best + 1e-9 for bound in bounds)
    assert bounds[0] < 0.995 * best


def test_a_search_ends_when_told_and_when_time_is_over() -> None:
    rng = np.random.default_rng(0)
    rows = csr_array((rng.random((120, 160)) < 0.06).astype(float))
    choices = Choices(rows, np.ones(160), np.ones(120))
    value, low, bounds = searched(choices, step=0.999, at_once=10**6)
    assert value - 1 < low < value
    assert len(bounds) > 10
    told = searched(choices, step=0.999, calls=1, at_once=10**6)
    late = searched(choices, step=0.999, limit_s=0.0, at_once=10**6)
    assert len(told[2]) == 1
    assert len(late[2]) <= 2
    assert max(told[1], late[1]) < value - 1


@pytest.mark.parametrize("seed", range(4))
def test_whole_costs_are_proven_by_a_bound_less_than_one_below(seed: int) -> None:
    rng = np.random.default_rng(seed)
    within = rng.random((60, 50)) < 0.12
    within[~within.any(axis=1), 0] = True
    choices = Choices(csr_array(within.astype(float)), np.ones(50), np.ones(60))
    value, low, _ = searched(choices, step=0.999)
    assert value == pytest.approx(solved(choices))
    assert value - 1 < low < value


@pytest.mark.parametrize("limit", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_prices_reach_the_relaxation_from_any_decisions(seed: int, *, limit: bool) -> None:
    choices = chance(seed, limit=limit)
    if limit:
        choices = choices._replace(price=50.0)
    region, rng = choices.region(), np.random.default_rng(seed)
    levels = levels_of(region, 10**7)
    table = Table(*(each[0] for each in levels.tables))
    n, m = len(region.cost), choices.rows.shape[0]
    state = rng.choice(np.array([FREE, FREE, FREE, HELD, OUT], dtype=np.int8), n)
    state[np.flatnonzero(state == HELD)[2:]] = FREE
    price = np.zeros(len(region.loss))
    set_up(region, table, state)
    bound, turns = optimize(region, table, price, np.inf, 10**6, np.array([False]))
    costs, rows, _ = model_of(choices)
    ends = [{HELD: (1, 1), OUT: (0, 0)}.get(int(each), (0, None)) for each in state]
    stacked = [-rows[0].A, *(each.A for each in rows[1:])]
    sides = np.concatenate([-np.ones(m), [choices.side] if limit else []])
    done = linprog(costs, A_ub=np.vstack(stacked), b_ub=sides, bounds=ends + [(0, 1)] * m)
    assert turns > 10
    assert bound - choices.offset == pytest.approx(done.fun, rel=1e-7)


def test_sites_that_no_longer_fit_the_limit_are_ruled_out() -> None:
    choices = Choices(
        csr_array(np.eye(4)), np.zeros(4), np.ones(4), take=np.array([3.0, 2.0, 2.5, 1.0]),
        side=5.0, price=0.1,
    )  # fmt: skip
    region = choices.region()
    table = Table(*(each[0] for each in levels_of(region, 10**6).tables))
    set_up(region, table, np.zeros(4, dtype=np.int8))
    decide(region, table, 0, HELD)
    assert table.state.tolist() == [HELD, FREE, OUT, FREE]
    assert spent(region, np.array([True, False, True, False])) == np.inf
    paid = spent(region, np.array([True, True, False, False])) - choices.offset
    assert paid == pytest.approx(2.0)


@pytest.mark.parametrize("seed", range(6))
def test_a_bound_known_before_rules_out_no_better_choice(seed: int) -> None:
    choices = chance(seed, limit=False)
    region, best, n = choices.region(), solved(choices), len(choices.costs)
    stack = Nodes(np.zeros((500, n), np.int8), np.zeros((500, 4 * n)), np.zeros(500))
    stack.bound[0] = best - 0.1
    sites, halt = np.zeros(n, dtype=bool), np.zeros(1, dtype=bool)
    dear = 1.3 * best
    top, value, _ = explore_covers(
        region, levels_of(region, 10**8), 10**11, halt, stack, dear - 1e-9, dear, sites, 0
    )
    assert (top, value) == (0, pytest.approx(best, rel=1e-9))
    assert cost_of(choices, sites) == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("side", [0.0, 1.0])
def test_sites_that_pass_the_limit_alone_are_never_chosen(side: float) -> None:
    choices = Choices(
        csr_array(np.eye(3)), np.zeros(3), np.array([1.0, 2.0, 4.0]),
        take=np.array([0.0, 1.0, 2.0]), side=side, price=0.1,
    )  # fmt: skip
    assert choices.start().tolist() == ([FREE, OUT, OUT] if side == 0 else [FREE, FREE, OUT])
    value, low, _ = searched(choices)
    assert (value, low) == (6.0 - 2.0 * side, pytest.approx(6.0 - 2.0 * side))


def test_what_is_small_enough_is_searched_on_tables_and_what_is_not_by_the_solver() -> None:
    assert fits(100, 7_000)
    assert not fits(100, 7_001)


# -- as models ask for it -----------------------------------------------------------------------


def sets(seed: int, rows: int, columns: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return distances that cover by chance, and whole costs, as OR-Library's set coverings."""
    rng = np.random.default_rng(seed)
    within = rng.random((columns, rows)) < share
    within[rng.integers(0, columns, 2 * rows), np.repeat(np.arange(rows), 2)] = True
    return np.where(within, 1.0, 9.0), rng.integers(1, 101, columns).astype(float)


@pytest.mark.parametrize("seed", range(3))
def test_a_dense_set_covering_is_proven_as_by_another_solver(seed: int) -> None:
    metres, costs = sets(seed, 60, 300, 0.08)
    found = siting.set_covering(metres, cutoff_m=1, costs=costs)
    rows = LinearConstraint((metres <= 1).T.astype(float), 1.0, np.inf)
    best = milp(costs, integrality=np.ones(300), bounds=Bounds(0, 1), constraints=rows).fun
    assert (found.proof, found.value, found.bound) == ("optimal", round(best), round(best))
    assert ((metres <= 1)[found.sites].any(axis=0)).all()
    assert costs[found.sites].sum() == found.value


@pytest.mark.parametrize("unit", [1.0, 0.37])
@pytest.mark.parametrize("budget", [None, 31.0])
def test_a_dense_maximal_covering_is_proven_as_by_another_solver(
    unit: float, budget: float | None
) -> None:
    rng = np.random.default_rng(5)
    metres, costs = sets(4, 150, 40, 0.1)
    costs, elders = np.ceil(costs / 10), unit * rng.integers(1, 60, 150)
    prices = np.ones(40) if budget is None else costs
    limit: dict[str, object] = {"p": 6} if budget is None else {"budget": budget, "costs": costs}
    found = siting.maximal_covering(elders, metres, cutoff_m=1, **limit)
    choices = Choices(
        csr_array((metres <= 1).T.astype(float)), np.zeros(40), elders, prices, budget or 6.0
    )
    best = elders.sum() - solved(choices)
    assert found.proof == "optimal"
    assert found.value == pytest.approx(best, rel=1e-9)
    assert found.value == pytest.approx(elders[(metres <= 1)[found.sites].any(axis=0)].sum())
    assert prices[found.sites].sum() <= (budget or 6.0)


def test_the_same_sites_each_time() -> None:
    metres, costs = sets(9, 80, 400, 0.06)
    one, two = (siting.set_covering(metres, cutoff_m=1, costs=costs) for _ in range(2))
    assert one.sites.tolist() == two.sites.tolist()
