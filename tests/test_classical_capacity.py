"""Sites with room: transportation, prices, parts and swaps against SciPy and every choice."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from time import monotonic

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array

import siting
from siting.classical import assign, capacity_found, capacity_search, dual_tree
from siting.classical.capacity_kernels import ascend
from siting.classical.capacity_search import UNENDING, Capacitated
from siting.classical.capacity_tree_kernels import exchange
from siting.classical.dual_kernels import BOUND, FREE, HELD, OUT, Dual
from siting.classical.effort import Effort
from siting.classical.pairs import read_pairs
from siting.classical.transport_kernels import transport
from siting.classical.whole_kernels import settle, unload

KINDS = ["chance", "ties", "sparse", "equal", "places"]
SEEDS = range(5)
N_SITES, N = 8, 12
HAIR = 1 + 1e-9

Case = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Elders, metres, room and costs."""


def case(kind: str, seed: int, n_sites: int = N_SITES, n: int = N) -> Case:
    """Return by chance: anything, ties, pairs out of reach, equal room, or places in fractions."""
    rng = np.random.default_rng(seed)
    elders, costs = rng.integers(1, 9, n) * 1.0, rng.integers(20, 200, n_sites) * 1.0
    room = np.full(n_sites, 3.0) if kind == "equal" else rng.integers(1, 6, n_sites) * 1.0
    room = np.ceil(room * elders.sum() * rng.uniform(1.2, 2.5) / room.sum())
    metres = rng.integers(0, 4 if kind == "ties" else 30, (n_sites, n)) * 1.0
    if kind == "ties":
        costs = rng.integers(2, 5, n_sites) * 5.0
    if kind == "sparse":
        metres[rng.random(metres.shape) < 0.4] = np.inf
        metres[rng.integers(0, n_sites, n), np.arange(n)] = 15.0
    if kind == "places":
        sites, points = rng.random((n_sites, 1, 2)), rng.random((1, n, 2))
        metres = 30 * np.hypot(*(sites - points).transpose(2, 0, 1))
        elders, room, costs = elders * 0.37, room * 0.41, costs * 0.29
    return elders, metres, room, costs


def least_way(elders: np.ndarray, metres: np.ndarray, room: np.ndarray) -> float:
    """Return the least cost of all ways, by SciPy; infinite where there is no room for all."""
    m, n = metres.shape
    done = linprog(
        np.where(np.isfinite(metres), metres, 0.0).ravel(),
        A_ub=np.kron(np.eye(m), np.ones((1, n))), b_ub=room,
        A_eq=np.kron(np.ones((1, m)), np.eye(n)), b_eq=elders,
        bounds=[(0, None if np.isfinite(each) else 0) for each in metres.ravel()],
    )  # fmt: skip
    return float(done.fun) if done.status == 0 else np.inf


@cache
def every_choice(kind: str, seed: int) -> dict[frozenset[int], float]:
    """Return what each choice of sites that can serve all costs."""
    elders, metres, room, costs = case(kind, seed)
    made = {}
    for count in range(1, N_SITES + 1):
        for sites in combinations(range(N_SITES), count):
            mine = list(sites)
            if room[mine].sum() >= elders.sum():
                way = least_way(elders, metres[mine], room[mine])
                made[frozenset(sites)] = float(costs[mine].sum()) + way
    return {sites: cost for sites, cost in made.items() if cost < np.inf}


def least_whole(elders: np.ndarray, metres: np.ndarray, *more: np.ndarray) -> tuple[float, float]:
    """Return the least cost with each point at one site, and its bound, by SciPy's solver."""
    (room, costs), (m, n) = more, metres.shape
    load = np.hstack([-np.diag(room), np.kron(np.eye(m), elders)])
    links = np.hstack([-np.repeat(np.eye(m), n, axis=0), np.eye(m * n)])
    once = np.hstack([np.zeros((n, m)), np.kron(np.ones((1, m)), np.eye(n))])
    reached = np.isfinite(metres)
    done = milp(
        np.concatenate([costs, (np.where(reached, metres, 0.0) * elders).ravel()]),
        bounds=Bounds(0, np.concatenate([np.ones(m), reached.ravel() * 1.0])),
        constraints=[
            LinearConstraint(load, -np.inf, 0), LinearConstraint(links, -np.inf, 0),
            LinearConstraint(once, 1, 1),
        ],
        integrality=np.ones(m + m * n), options={"time_limit": 30.0},
    )  # fmt: skip
    return (np.inf, np.inf) if done.fun is None else (float(done.fun), float(done.mip_dual_bound))


def given(metres: np.ndarray) -> np.ndarray | coo_array:
    """Return metres as a sparse matrix where pairs are missing."""
    row, column = np.nonzero(np.isfinite(metres))
    if len(row) == metres.size:
        return metres
    return coo_array((metres[row, column], (row, column)), shape=metres.shape)


def model_of(elders: np.ndarray, metres: np.ndarray, *more: np.ndarray) -> Capacitated:
    """Return a model with its pairs nearest first, and not searched yet."""
    effort = Effort("capacitated", monotonic(), monotonic() + 60.0, 0.0, 2, 0, None)
    return Capacitated(read_pairs(metres, "distances", []), elders, *more, effort)


# -- who goes where ---------------------------------------------------------------------------


def crowd(seed: int, unit: float) -> Case:
    """Return a case with room that is tight, nearly so or ample, ties and pairs out of reach."""
    rng = np.random.default_rng(seed)
    m, n = int(rng.integers(1, 7)), int(rng.integers(1, 11))
    elders, metres = rng.integers(1, 9, n) * 1.0, rng.integers(0, (4, 100)[seed % 2], (m, n)) * 1.0
    metres[rng.random((m, n)) < (0.0, 0.2, 0.5)[seed % 3]] = np.inf
    cuts = np.sort(rng.integers(0, int(elders.sum()) + 1, m - 1))
    room = np.diff(np.concatenate([[0], cuts, [elders.sum()]])) + (0, 1, 6)[seed // 6 % 3]
    return elders * unit, metres, room * unit, np.zeros(m)


@pytest.mark.parametrize("unit", [1.0, 0.25])
def test_transport_against_linprog(unit: float) -> None:
    fits = 0
    for seed in range(90):
        elders, metres, room, costs = crowd(seed, unit)
        rooms = model_of(elders, metres, room, costs).rooms._replace(room=room)
        opened = np.random.default_rng(seed).random(len(room)) < (0.7, 1.0)[seed // 2 % 2]
        sites, price = np.flatnonzero(opened), np.zeros(len(elders))
        least = least_way(elders, metres[sites], room[sites]) if len(sites) else np.inf
        way, made, _ = transport(rooms, sites, np.inf, price, UNENDING)
        assert way == pytest.approx(least, rel=1e-9)
        if least == np.inf:
            continue
        fits += 1
        flow = np.zeros((len(sites), len(elders)))
        flow[made.site, made.point] = made.flow
        assert (flow.sum(axis=0) == elders).all()
        assert (room[sites] - flow.sum(axis=1) == made.spare).all()
        assert made.spare.min() >= 0
        assert (made.flow % unit == 0).all()
        full = np.maximum((price - metres[sites]).max(axis=1), 0)
        assert elders @ price - room[sites] @ full == pytest.approx(way)
        assert transport(rooms, sites, way + 0.5, price, UNENDING)[0] == way
        assert transport(rooms, sites, way, price, UNENDING)[0] >= way
        assert transport(rooms, sites, way / 2, price, UNENDING)[0] >= way / 2
    assert 20 < fits < 70


def test_a_way_that_reaches_what_is_asked_is_infinite() -> None:
    rooms = model_of(
        np.array([2.0]), np.array([[1.0], [3.0]]), np.array([1.0, 1.0]), np.zeros(2)
    ).rooms
    assert transport(rooms, np.arange(2), 4.5, np.zeros(1), UNENDING)[0] == 4.0
    assert transport(rooms, np.arange(2), 4.0, np.zeros(1), UNENDING)[0] == np.inf


# -- sites ------------------------------------------------------------------------------------


@pytest.fixture(params=["plain", "piecemeal"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Search tiny instances as large ones: no luck with a start, parts in and out of the queue."""
    if request.param == "piecemeal":
        monkeypatch.setattr(capacity_search, "MOST_ROUNDS", 1)
        monkeypatch.setattr(capacity_search, "STEPS_AT_ONCE", 1)
        monkeypatch.setattr(capacity_search, "ROUNDS_AT_A_NODE", 2)
        monkeypatch.setattr(Capacitated, "_exchange", lambda *_: None)
        monkeypatch.setattr(dual_tree, "STACK_BYTES", 0)
        monkeypatch.setattr(dual_tree, "QUEUE_BYTES", 2000)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("kind", KINDS)
def test_against_every_choice(kind: str) -> None:
    for seed in SEEDS:
        elders, metres, room, costs = case(kind, seed)
        best = min(every_choice(kind, seed).values())
        solution = siting.capacitated(elders, given(metres), room, costs=costs)
        assert solution.value == pytest.approx(best, rel=1e-9)
        assert best * (1 - 1e-8) <= solution.bound <= solution.value
        assert solution.proof == "optimal"
        flow = solution.allocation.toarray()
        assert flow.sum(axis=0) == pytest.approx(elders)
        assert (flow.sum(axis=1) <= room * HAIR).all()
        assert (np.isfinite(metres) | (flow == 0)).all()


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("kind", KINDS)
def test_a_gap_is_enough_and_what_is_proven_holds(kind: str) -> None:
    for seed in SEEDS:
        best = min(every_choice(kind, seed).values())
        elders, metres, room, costs = case(kind, seed)
        for gap in (0.05, 0.3):
            solution = siting.capacitated(elders, given(metres), room, costs=costs, gap=gap)
            assert solution.gap <= gap
            assert solution.bound <= best * HAIR <= solution.value * HAIR**2


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("kind", KINDS)
def test_no_more_sites_than_may_be_and_all_that_are_held(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity_search, "SELDOM", -1.0)
    held = np.arange(7) >= 5
    for seed in range(3):
        elders, metres, room, costs = case(kind, seed, 7, 9)
        metres[6], room[6], costs[5:] = 40.0, elders.sum(), 0.0  # whom no other site serves
        effort = model_of(elders, metres, room, costs).effort
        pairs = read_pairs(metres, "distances", [])
        model = Capacitated(pairs, elders, room, costs, effort, held=held, limit=4)
        model.search()
        cost_of = {
            (*new, 5, 6): float(costs[list(new)].sum())
            + least_way(elders, metres[[*new, 5, 6]], room[[*new, 5, 6]])
            for count in range(3)
            for new in combinations(range(5), count)
        }
        best = min(cost_of.values())
        assert model.best == pytest.approx(best)
        assert best * (1 - 1e-8) <= model.low <= best * HAIR
        assert cost_of[tuple(np.flatnonzero(model.chosen).tolist())] == pytest.approx(best)


@pytest.mark.parametrize("kind", KINDS)
def test_exchanges_end_where_none_costs_less(kind: str) -> None:
    for seed in SEEDS:
        choices, model = every_choice(kind, seed), model_of(*case(kind, seed))
        allowed = np.random.default_rng(seed).random(N_SITES) < 0.8
        closes = np.arange(N_SITES) != seed
        opened, value, place, idle = np.ones(N_SITES, dtype=bool), model.best, 0, 0
        while idle < (N_SITES + 1) ** 2:
            value, place, idle = exchange(
                model.rooms, allowed, closes, opened, value, place, idle, 100
            )
        assert opened[seed]
        sites = frozenset(np.flatnonzero(opened).tolist())
        assert value == pytest.approx(choices[sites])
        near = [
            cost
            for other, cost in choices.items()
            if len(sites - other) <= 1
            and len(other - sites) <= 1
            and allowed[[*other - sites]].all()
            and closes[[*sites - other]].all()
        ]
        assert value <= min(near) * HAIR


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize(
    ("elders", "room", "least"),
    [
        ([0.1, 0.2, 0.3], [0.6, 10.0], 1.6),
        ([0.1, 0.1, 0.1], [0.3, 10.0], 1.3),
        ([7 * 0.1, 3 * 0.1], [1.0], 2.0),
    ],
)
def test_room_that_is_just_enough_but_for_rounding(
    elders: list[float], room: list[float], least: float, *, single: bool
) -> None:
    metres = np.array([[1.0], [9.0]])[: len(room)].repeat(len(elders), axis=1)
    costs = [1.0, 50.0][: len(room)]
    solution = siting.capacitated(elders, metres, room, costs=costs, single_source=single)
    assert (solution.value, solution.proof) == (pytest.approx(least), "optimal")


def test_what_takes_too_many_steps_is_not_known() -> None:
    metres, room = np.arange(8.0).reshape(2, 4), np.array([2.0, 2.0])
    rooms = model_of(np.ones(4), metres, room, np.zeros(2)).rooms
    assert transport(rooms, np.arange(2), np.inf, np.zeros(4), UNENDING)[0] == 14.0
    way, _, steps = transport(rooms, np.arange(2), np.inf, np.zeros(4), 0)
    assert (way, steps > 0) == (np.inf, True)


# -- prices -----------------------------------------------------------------------------------


def ends(model: Capacitated) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest prices that are tried."""
    return model.least, np.full_like(model.least, np.inf)


def better(choices: dict[frozenset[int], float], state: np.ndarray) -> dict[frozenset[int], float]:
    """Return the choices that have all sites that are held open, and none that is ruled out."""
    held, out = (set(np.flatnonzero(state == each).tolist()) for each in (HELD, OUT))
    return {each: cost for each, cost in choices.items() if held <= each and not out & each}


@pytest.mark.parametrize("rounds", [1, 8, 200])
@pytest.mark.parametrize("kind", KINDS)
def test_prices_bound_every_choice_and_rule_out_none_that_is_better(kind: str, rounds: int) -> None:
    ruled = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        elders, metres, *more = case(kind, seed % len(SEEDS))
        model, choices = model_of(elders, metres, *more), every_choice(kind, seed % len(SEEDS))
        price = model.least + rng.random(N) * rng.choice([10, 30, 60])
        pace = np.array([0.3, 0.0, 0.0, -np.inf, np.inf])
        dual = Dual(price, price.copy(), np.zeros(N), np.zeros(N_SITES), pace)
        state = rng.choice([FREE, HELD, OUT], N_SITES, p=[0.8, 0.1, 0.1]).astype(np.int8)
        part = better(choices, state)
        if not part:
            continue
        best = min(part.values())
        target = best * rng.choice([HAIR, 1.2]) + 1e-9
        given_state = state.copy()
        ascend(model.rooms, *ends(model), state, dual, target, target, rounds)
        assert pace[BOUND] <= best * (1 + 1e-12)
        assert rounds < 200 or pace[BOUND] >= 0.5 * best
        wanted = {each for each, cost in part.items() if cost < target}
        assert wanted <= set(better(choices, state))
        ruled += int((state != given_state).sum())
    assert ruled > 0 or rounds == 1


def test_too_little_room_has_no_bound() -> None:
    model = model_of(*case("chance", 0))
    state = np.full(N_SITES, OUT, np.int8)
    state[np.argsort(model.room)[:2]] = FREE, HELD
    ascend(model.rooms, *ends(model), state, model.dual, 1e9, 1e9, 5)
    assert model.dual.pace[BOUND] == np.inf


@pytest.mark.parametrize("kind", KINDS)
def test_a_choice_of_at_most_a_value_may_open_its_sites(kind: str) -> None:
    shut = 0
    for seed in SEEDS:
        choices, model = every_choice(kind, seed), model_of(*case(kind, seed))
        model.search()
        for value in sorted(choices.values())[:20]:
            allowed = model.may_open(value)
            for sites, cost in choices.items():
                assert cost > value or allowed[list(sites)].all()
            shut += int((~allowed).sum())
    assert shut > 0


def test_a_choice_of_the_value_of_the_bound_may_open_its_sites() -> None:
    model = model_of(
        np.array([2.0]), np.array([[1.0], [3.0]]), np.full(2, 5.0), np.array([4.0, 0.0])
    )
    model.search()
    assert (model.best, model.low) == (6.0, 6.0)
    assert model.may_open(6.0).all()


# -- whole points -----------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, capacity_found.SPLIT])
@pytest.mark.parametrize("kind", KINDS)
def test_whole_points_against_the_plain_model(
    kind: str, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity_found, "SPLIT", share)
    for seed in SEEDS:
        elders, metres, room, costs = case(kind, seed, 5, 8)
        least, _ = least_whole(elders, metres, room, costs)
        if least == np.inf:
            with pytest.raises(siting.SitingError):
                siting.capacitated(elders, given(metres), room, costs=costs, single_source=True)
            continue
        solution = siting.capacitated(elders, given(metres), room, costs=costs, single_source=True)
        assert solution.value == pytest.approx(least, rel=1e-7)
        assert solution.bound == pytest.approx(solution.value, rel=1e-6)
        load = np.bincount(solution.allocation, weights=elders, minlength=5)
        assert (load <= room * HAIR).all()


def test_more_whole_points_and_bounds_that_agree() -> None:
    elders, metres, room, costs = case("places", 3, 20, 100)
    solution = siting.capacitated(
        elders, metres, room, costs=costs, single_source=True, time_limit_s=30
    )
    least, low = least_whole(elders, metres, room, costs)
    assert solution.bound <= least * (1 + 1e-6)
    assert low <= solution.value * (1 + 1e-6)
    load = np.bincount(solution.allocation, weights=elders, minlength=20)
    assert (load <= room * HAIR).all()


def test_a_plan_that_is_known_outlives_a_solver_that_calls_it_impossible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lost(left: assign.Task, _: Effort) -> None:
        left.is_infeasible = True

    monkeypatch.setattr(capacity_found, "SPLIT", 0.0)
    monkeypatch.setattr(capacity_found, "search", lost)
    elders, metres, room, costs = case("chance", 0, 5, 8)
    solution = siting.capacitated(elders, metres, room, costs=costs, single_source=True)
    assert solution.bound <= least_whole(elders, metres, room, costs)[0] <= solution.value


def settled(
    elders: np.ndarray, metres: np.ndarray, room: np.ndarray, site: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the site of each point after moves and swaps, and the room then said to be spare."""
    model, m = model_of(elders, metres, room, np.zeros(len(room))), len(room)
    _, made = model.served(np.ones(m, dtype=bool))
    at = np.array(
        [
            made.start[j] + list(made.site[made.start[j] : made.start[j + 1]]).index(site[j])
            for j in range(len(site))
        ]
    )
    made.spare[:] = room - np.bincount(site, weights=elders, minlength=m)
    settle(model.rooms, made, at, 10**6)
    assert (made.point[at] == np.arange(len(site))).all()
    return made.site[at], made.spare


def test_moves_and_swaps_end_where_none_saves_way() -> None:
    for seed in range(60):
        rng = np.random.default_rng(seed)
        elders, metres = rng.integers(1, 7, N) * 1.0, rng.integers(0, 40, (4, N)) * 1.0
        metres[rng.random(metres.shape) < (0, 0.3)[seed % 2]] = np.inf
        metres[rng.integers(0, 4, N), np.arange(N)] = 40.0
        site = np.array([rng.choice(np.flatnonzero(np.isfinite(each))) for each in metres.T])
        room = np.bincount(site, weights=elders, minlength=4) + rng.integers(0, 4, 4)
        now, spare = settled(elders, metres, room, site)
        points = np.arange(N)
        assert (room - np.bincount(now, weights=elders, minlength=4) == spare).all()
        assert spare.min() >= 0
        way_m = elders @ metres[now, points]
        assert way_m <= elders @ metres[site, points]
        for one, other in combinations(range(N), 2):
            for sites in ((now[other], now[one]), (now[other], now[other])):
                changed = now.copy()
                changed[[one, other]] = sites
                load = np.bincount(changed, weights=elders, minlength=4)
                assert (load > room).any() or elders @ metres[changed, points] >= way_m


def test_overfull_sites_are_relieved_where_they_can_be() -> None:
    done = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        elders, metres = rng.integers(1, 7, N) * 1.0, rng.integers(0, 40, (3, N)) * 1.0
        site = rng.integers(0, 3, N)
        room = np.full(3, np.ceil(elders.sum() / 3) + seed % 3)
        model = model_of(elders, metres, room, np.zeros(3))
        _, made = model.served(np.ones(3, dtype=bool))
        at = made.start[:-1] + site
        made.spare[:] = room - np.bincount(site, weights=elders, minlength=3)
        fits = unload(model.rooms, made, at, 10**6)
        load = np.bincount(made.site[at], weights=elders, minlength=3)
        assert (made.point[at] == np.arange(N)).all()
        assert (made.spare == room - load).all()
        assert fits == bool((load <= room).all())
        done += fits
    assert done > 60


def test_what_costs_least_for_what_it_brings_is_moved() -> None:
    elders, metres = np.array([4.0, 1.0]), np.array([[0.0, 0.0], [1.0, 2.0]])
    model = model_of(elders, metres, np.array([1.0, 9.0]), np.zeros(2))
    _, made = model.served(np.ones(2, dtype=bool))
    at = made.start[:-1].copy()
    made.spare[:] = -4.0, 9.0
    assert unload(model.rooms, made, at, 1000)
    assert made.site[at].tolist() == [1, 0]


def test_only_a_swap_helps() -> None:
    metres, crossed = np.array([[1.0, 9.0], [9.0, 1.0]]), np.array([1, 0])
    now, spare = settled(np.array([3.0, 2.0]), metres, np.array([3.0, 3.0]), crossed)
    assert (now.tolist(), spare.tolist()) == ([0, 1], [0.0, 1.0])
    now, spare = settled(np.array([3.0, 2.0]), metres, np.array([2.0, 3.0]), crossed)
    assert (now.tolist(), spare.tolist()) == ([1, 0], [0.0, 0.0])
