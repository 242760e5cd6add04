"""Covering: reductions, bounds by regions, walks and coordinates leave the best as it is."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

import siting
from siting.classical import core, cover_steps, cover_tree, cover_walk, islands, rest, split
from siting.classical.classes import merged
from siting.classical.core import covering
from siting.classical.cover_kernels import exchange_covers
from siting.classical.effort import Effort
from siting.classical.left import Left
from siting.classical.pairs import read_pairs
from siting.classical.task import Task

FEW = settings(max_examples=40, deadline=None)


@st.composite
def covers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Return which sites cover which points, each point by one at least, and costs."""
    n_sites, n = draw(st.integers(1, 7)), draw(st.integers(1, 9))
    within = np.array(
        draw(st.lists(st.booleans(), min_size=n_sites * n, max_size=n_sites * n))
    ).reshape(n_sites, n)
    for k in np.flatnonzero(~within.any(axis=0)).tolist():
        within[draw(st.integers(0, n_sites - 1)), k] = True
    return within, np.array(draw(st.lists(st.integers(0, 6), min_size=n_sites, max_size=n_sites)))


def least(within: np.ndarray, costs: np.ndarray) -> float:
    """Return the least cost of any set of sites that covers all, tried one by one."""
    n = len(costs)
    sets = (list(c) for k in range(n + 1) for c in combinations(range(n), k))
    return min(float(costs[c].sum()) for c in sets if within[c].any(axis=0).all())


def reduced(within: np.ndarray, costs: np.ndarray) -> core.Covering:
    pairs = read_pairs(np.where(within, 0.0, np.inf), "reach", [])
    return covering(merged(pairs, np.ones(within.shape[1])), costs.astype(float))


def dense(made: core.Covering) -> np.ndarray:
    """Return which sites cover which classes of what is left."""
    return np.asarray(made.cover.by_class.toarray().T > 0)


@FEW
@given(case=covers())
def test_what_is_left_with_what_is_needed_costs_the_least(
    case: tuple[np.ndarray, np.ndarray],
) -> None:
    within, costs = case
    made = reduced(within, costs)
    rest = least(dense(made), costs) if made.cover.n_classes else 0.0
    assert costs[made.needed].sum() + rest == least(within, costs)
    taken = sum(each.classes for each in made.reductions)
    assert within.shape[1] - taken == made.cover.n_classes
    gone = sum(each.sites for each in made.reductions)
    left = len(np.unique(made.cover.by_class.indices))
    assert within.shape[0] - gone >= left
    assert sum(e.sites for e in made.reductions if e.step == "essential") == len(made.needed)


def test_what_each_step_took_out_is_told() -> None:
    within = np.array([[1, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1]], dtype=bool)
    solution = siting.set_covering(np.where(within, 0.0, np.inf), cutoff_m=0)
    told = [(e.step, e.round, e.classes, e.sites) for e in solution.reductions]
    # Points 0 and 1 are one class, which makes point 2 needless; site 2 is no better than site 1.
    assert told == [
        ("equal", 1, 1, 0), ("rows", 1, 1, 0), ("columns", 1, 0, 1), ("essential", 1, 2, 2)
    ]  # fmt: skip
    assert (solution.value, solution.sites[0]) == (2, 0)


@FEW
@given(case=covers(), data=st.data())
def test_a_bound_by_regions_is_one(
    case: tuple[np.ndarray, np.ndarray], data: st.DataObject
) -> None:
    within, costs = case
    duals = np.array([data.draw(st.sampled_from([0.0, 0.5, 1.0, 2.0])) for _ in within[0]])
    rows = csr_array(within.T.astype(float))
    effort = Effort.of("set_covering", 60, 0, 1, 0, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split, "A_REGION", 2)
        low = split.split_bound(
            rows, costs.astype(float), duals, effort, 60, 5.0, lambda _: False
        ).low
    assert low <= least(within, costs) + 1e-6


@FEW
@given(case=covers(), data=st.data())
def test_a_bound_by_regions_is_one_where_rows_may_stay_open(
    case: tuple[np.ndarray, np.ndarray], data: st.DataObject
) -> None:
    within, costs = case
    numbers = st.sampled_from([0.0, 0.5, 1.0, 2.0])
    duals, losses = (np.array([data.draw(numbers) for _ in within[0]]) for _ in range(2))
    best = min(
        costs[list(some)].sum() + losses[~within[list(some)].any(axis=0)].sum()
        for k in range(len(costs) + 1) for some in combinations(range(len(costs)), k)
    )  # fmt: skip
    rows = csr_array(within.T.astype(float))
    effort = Effort.of("maximal_covering", 60, 0, 1, 0, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split, "A_REGION", 2)
        low = split.split_bound(
            rows, costs.astype(float), duals, effort, 60, 5.0, lambda _: False, losses=losses
        ).low
    assert low <= best + 1e-6


def test_regions_prove_more_than_the_relaxation() -> None:
    # Two rings of three points, each pair of neighbours with a site: 1.5 each by the relaxation, 2
    # by a search of each ring; regions that cut a ring prove it for the other.
    ring = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]], dtype=float)
    rows = csr_array(np.kron(np.eye(2), ring))
    effort = Effort.of("set_covering", 60, 0, 1, 0, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split, "A_REGION", 3)
        low = split.split_bound(
            rows, np.ones(6), np.full(6, 0.5), effort, 60, 4.0, lambda _: False
        ).low
    assert 3.5 <= low + 1e-9 <= 4.0 + 2e-9


@pytest.mark.parametrize("seed", range(12))
def test_a_walk_ends_with_the_best_cover(seed: int) -> None:
    rng = np.random.default_rng(seed)
    within, costs = rng.random((9, 14)) < 0.35, rng.integers(1, 7, 9)
    within[:2] |= ~(within.sum(axis=0) > 1)
    rows, columns = csr_array(within.T.astype(float)), csr_array(within.astype(float))
    best, now = np.ones(9, dtype=bool), np.ones(9, dtype=bool)
    parts = [
        each.astype(kind) for each, kind in zip(
            (rows.indptr, rows.indices, columns.indptr, columns.indices),
            (np.int64, np.int32) * 2, strict=True,
        )
    ]  # fmt: skip
    weight = np.ones(14, dtype=np.int64)
    exchange_covers(*parts, costs.astype(float), now, best, weight, -1.0, 3000, seed)
    assert within[best].any(axis=0).all()
    assert costs[best].sum() == least(within, costs)


@FEW
@given(case=covers())
def test_the_whole_way_of_a_large_part(case: tuple[np.ndarray, np.ndarray]) -> None:
    within, costs = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cover_steps, "STEPS", cover_steps.STEPS[:1] + cover_steps.STEPS[2:])
        patch.setattr(cover_steps, "LARGE", 0)
        patch.setattr(split, "A_REGION", 2)
        patch.setattr(cover_walk, "MOST", 1e5)
        found = siting.set_covering(np.where(within, 0.0, np.inf), cutoff_m=0, costs=costs)
    assert (found.value, found.bound, found.proof) == (least(within, costs),) * 2 + ("optimal",)


def test_the_same_seed_gives_the_same_sites() -> None:
    rng = np.random.default_rng(5)
    metres = np.hypot(
        *(rng.uniform(0, 9, (60, 1, 2)) - rng.uniform(0, 9, (1, 300, 2))).transpose(2, 0, 1)
    )
    metres[:, ~(metres <= 2).any(axis=0)] = 0.0
    found = [siting.set_covering(metres, cutoff_m=2, random_seed=3) for _ in range(2)]
    assert list(found[0].sites) == list(found[1].sites)


# -- coordinates ------------------------------------------------------------------------------


@st.composite
def towns(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, float]:
    """Return sites and points on a small lattice, and a cutoff that some pairs just reach."""
    spot = st.tuples(st.integers(-3, 12), st.integers(-3, 12))
    sites = np.array(draw(st.lists(spot, min_size=1, max_size=9)), dtype=float)
    points = np.array(draw(st.lists(spot, min_size=1, max_size=25)), dtype=float)
    return sites, points, draw(st.sampled_from([0.0, 1.0, 2.0, 5.0, 13.0, 2**0.5, 5**0.5, 40.0]))


@FEW
@given(town=towns(), p=st.integers(1, 3))
def test_coordinates_are_as_good_as_a_matrix(
    town: tuple[np.ndarray, np.ndarray, float], p: int
) -> None:
    sites, points, cutoff = town
    metres = np.hypot(*(sites[:, None] - points[None]).transpose(2, 0, 1))
    elders, p = np.arange(1.0, len(points) + 1), min(p, len(sites))
    near = siting.StraightReach(sites, points)
    if not (metres <= cutoff).any():
        with pytest.raises(siting.SitingError) as caught:
            siting.maximal_covering(elders, near, cutoff_m=cutoff, p=p)
        assert f"nearest pair is {metres.min():g} apart" in caught.value.render("en")
        return
    one, two = (
        siting.maximal_covering(elders, each, cutoff_m=cutoff, p=p) for each in (metres, near)
    )
    assert (one.value, one.bound, one.proof) == (two.value, two.bound, two.proof)
    within = np.where(metres[two.sites] <= cutoff, metres[two.sites], np.inf)
    nearest = np.where(np.isinf(within.min(axis=0)), -1, two.sites[within.argmin(axis=0)])
    assert list(two.allocation) == list(nearest)


def test_coordinates_cover_sets_and_shares() -> None:
    line = np.column_stack([np.arange(5.0), np.zeros(5)])
    near = siting.StraightReach(line, line)
    assert siting.set_covering(near, cutoff_m=1).value == 2
    assert siting.partial_set_covering(np.ones(5), near, cutoff_m=1, share=0.6).value == 1
    with pytest.raises(siting.SitingError) as caught:
        siting.set_covering(siting.StraightReach(line[:2], line), cutoff_m=2)
    assert "(1 in all; first: 4)" in caught.value.render("en")


@pytest.mark.parametrize(
    ("sites", "demand", "words"),
    [
        ([1.0, 2.0], [[0.0, 0.0]], r"reach.sites: Expected coordinates"),
        ([[0.0, 0.0]], np.zeros((0, 2)), r"reach.demand: Expected coordinates.*\(0, 2\)"),
        ([[0.0, 0.0]], np.zeros((3, 3)), r"reach.demand: Expected coordinates.*\(3, 3\)"),
        ("town", [[0.0, 0.0]], r"reach.sites: Expected coordinates.*str"),
        ([[0.0, np.nan]], [[0.0, 0.0]], r"reach.sites: .*NaN or infinite \(1 in all; first: 0\)"),
        ([[0.0, 0.0]], [[0.0, 1e300]], r"reach.demand: No number should exceed"),
    ],
)
def test_coordinates_that_are_none(sites: object, demand: object, words: str) -> None:
    with pytest.raises(siting.SitingError) as caught:
        siting.set_covering(siting.StraightReach(sites, demand), cutoff_m=1)
    assert caught.value.render("zh")
    assert re.search(words, caught.value.render("en")), caught.value.render("en")


# -- middling size ----------------------------------------------------------------------------


@pytest.fixture
def by_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send small instances through walks, windows and regions."""
    monkeypatch.setattr(cover_tree, "DENSE", 0)
    monkeypatch.setattr(islands, "TOUCHES", 1e5)
    for name, size in {"EASY_PAIRS": -1, "EASY_PAIRS_TO_A_SITE": 0, "WIDE": 0.0}.items():
        monkeypatch.setattr(rest, name, size)
    for name, size in {"A_WINDOW": 6, "LEAST_WINDOW": 4}.items():
        monkeypatch.setattr(rest, name, size)
    monkeypatch.setattr(split, "A_REGION", 12)


def compact(
    within: np.ndarray, cost: np.ndarray, row: np.ndarray, ends: tuple[float, float]
) -> float:
    """Return the least cost of sites and uncovered points under one more row, by SciPy's solver."""
    n_sites, n = within.shape
    covers = np.hstack([within.T.astype(float), np.eye(n)])
    found = milp(
        cost, integrality=np.repeat([1, 0], [n_sites, n]), bounds=Bounds(0, 1),
        constraints=[LinearConstraint(covers, 1, np.inf), LinearConstraint(row[None], *ends)],
    )  # fmt: skip
    return float(found.fun)


@pytest.mark.usefixtures("by_windows")
@pytest.mark.parametrize("seed", range(8))
def test_middling_coverings_are_proven_as_by_another_solver(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = [rng.uniform(0, 10, (k, 2)) for k in (40, 120)]
    metres = np.hypot(*(places[0][:, None] - places[1][None]).transpose(2, 0, 1))
    elders, costs = rng.integers(1, 30, 120).astype(float), rng.integers(2, 9, 40).astype(float)
    within, none, zero = metres <= 1.6, np.zeros(40), np.zeros(120)
    total = elders.sum()
    asked = (
        (siting.maximal_covering(elders, metres, cutoff_m=1.6, p=9), None, np.ones(40), 9.0),
        (siting.maximal_covering(elders, metres, cutoff_m=1.6, budget=40, costs=costs),
         None, costs, 40.0),
        (siting.partial_set_covering(elders, metres, cutoff_m=1.6, share=0.75, costs=costs),
         0.75, costs, 0.0),
    )  # fmt: skip
    for found, share, prices, money in asked:
        if share is None:
            left = compact(
                within, np.concatenate([none, elders]), np.concatenate([prices, zero]), (0, money)
            )
            best = total - left
        else:
            most = (1 - share) * total + 1e-9
            best = compact(
                within, np.concatenate([prices, zero]), np.concatenate([none, elders]), (0, most)
            )
        assert found.value == pytest.approx(best)
        assert (found.bound, found.proof) == (found.value, "optimal")


@pytest.mark.usefixtures("by_windows")
@pytest.mark.parametrize("seed", range(4))
def test_a_bound_by_regions_lies_between_the_best_and_the_relaxation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = [rng.uniform(0, 10, (k, 2)) for k in (40, 120)]
    metres = np.hypot(*(places[0][:, None] - places[1][None]).transpose(2, 0, 1))
    elders, within = rng.integers(1, 30, 120).astype(float), metres <= 1.6
    cover = merged(read_pairs(np.where(within, metres, np.inf), "reach", []), elders)
    task = Task(
        cover, np.ones(40), 9.0, None, exact=True, chosen=np.zeros(40, dtype=bool),
        low=-elders.sum(), free=np.ones(40, dtype=bool),
    )  # fmt: skip
    effort = Effort.of("maximal_covering", 60, 0, 2, 0, None)
    left = Left.of(task, task.free, task.held)
    relaxed = left.program(effort).relax(60)
    assert relaxed is not None
    rest.bound_by_regions(left, relaxed, effort)
    zero = np.zeros(40)
    left_out = compact(
        within, np.concatenate([zero, elders]), np.concatenate([zero + 1, np.zeros(120)]), (0, 9)
    )
    first = relaxed.bound * left.scale + left.fixed
    assert first - 1 < task.low <= left_out - elders.sum()
