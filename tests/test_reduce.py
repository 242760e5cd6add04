"""Reduction loses nothing: merged points, redundant rows, sets of sites that do not touch."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import oracle
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from strategies import HIGH, LOW, MEDIUM, SHORT, Point, Site, build, problems, rules

from siting.decisions import find_decisions, unit_beds
from siting.extras import everything_open, layout_of
from siting.objective import STAGES, measure
from siting.reduce import components, cover_groups, undominated
from siting.scenario import Limits
from siting.units import NO_UNIT

if TYPE_CHECKING:
    from siting.decisions import Decisions
    from siting.problem import Problem


def choices(decisions: Decisions) -> list[np.ndarray]:
    """Return every way to take decisions that holds to the locks."""
    ways = itertools.product(*[[True] if must else [False, True] for must in decisions.must])
    return [np.array(way, dtype=bool) for way in ways]


def values(problem: Problem, decisions: Decisions, taken: np.ndarray) -> np.ndarray:
    """Return what decisions reach in every stage, with the fewest beds."""
    layout = layout_of(problem, decisions, taken, np.where(taken, decisions.low, 0))
    return np.array(list(measure(problem, layout).values()))


# What is left to decide.


def decided(site: Site, **limits: object) -> list[tuple[int, int, int, bool, bool, bool]]:
    """Return low, high, bonus, must, is_new, covers of what is to be decided of one site."""
    problem = build([Point(1000.0)], [site], limits=Limits(**limits))
    found = find_decisions(problem)
    columns = (found.low, found.high, found.bonus, found.must, found.is_new, found.covers)
    return list(zip(*(each.tolist() for each in columns), strict=True))


def big(**more: object) -> Site:
    """Return a home of 15 beds with room for 40."""
    return Site((1.0,), home=True, beds=15, high=40, **more)


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        (Site((1.0,), low=11, high=30), [(11, 30, 0, False, True, True)]),
        (Site((1.0,), low=11, high=30, locked_open=True), [(11, 30, 0, True, True, True)]),
        (Site((1.0,), low=11, high=30, locked_beds=20), [(20, 20, 0, True, True, True)]),
        (Site((1.0,), forbidden=True), []),
        (Site((1.0,), excluded=True), []),
        (Site((1.0,), low=12, high=11), []),
        (Site((1.0,), high=9), []),
        (Site((1.0,), home=True, beds=15, high=15), []),
        (big(), [(1, 25, 0, False, False, False)]),
        (big(forbidden=True), []),
        (big(excluded=True), [(1, 25, 0, False, False, False)]),
        (big(locked_beds=18), [(3, 3, 0, True, False, False)]),
        (big(locked_beds=15), []),
        (big(locked_open=True), [(1, 25, 0, False, False, False)]),
        (Site((1.0,), home=True, beds=7, high=9), []),
        (Site((1.0,), home=True, beds=7, high=10), [(3, 3, 7, False, False, True)]),
        (Site((1.0,), home=True, beds=7, high=30), [(3, 23, 7, False, False, True)]),
        (Site((1.0,), home=True, beds=7, high=30, locked_beds=9), [(2, 2, 0, True, False, False)]),
        (Site((1.0,), home=True, beds=7, high=30, locked_beds=12), [(5, 5, 7, True, False, True)]),
        (big(institution=False), []),
        (big(institution=False, locked_beds=20),
         [(5, 5, 0, True, False, False)]),
    ],
)  # fmt: skip
def test_what_is_left_to_decide_of_a_site(site: Site, expected: list[tuple[object, ...]]) -> None:
    assert decided(site) == expected


def test_a_candidate_with_too_few_elders_is_no_decision_unless_it_is_locked() -> None:
    assert decided(Site((1.0,)), min_elders_per_new_site=1000.0) != []
    assert decided(Site((1.0,)), min_elders_per_new_site=1000.5) == []
    assert decided(Site((1.0,), locked_open=True), min_elders_per_new_site=1000.5) != []


@settings(SHORT, max_examples=60)
@given(problems())
def test_the_best_of_all_layouts_is_among_what_decisions_can_make(problem: Problem) -> None:
    """Not every layout is, but the values of a best one are: nothing better was reduced away."""
    found = oracle.search(problem)
    assume(found.reached)
    decisions = find_decisions(problem)
    ranges = [
        [*([] if must else [-1]), *range(low, high + 1)]
        for must, low, high in zip(decisions.must, decisions.low, decisions.high, strict=True)
    ]
    reached = []
    for added in itertools.product(*ranges):
        beds = np.array(added, dtype=np.int64)
        layout = layout_of(problem, decisions, beds >= 0, np.maximum(beds, 0))
        reached.append(found.reached.get(oracle.beds_of(layout)))
    allowed = {each: None for each in reached if each is not None}
    best = oracle.Oracle(problem, {(number,): each for number, each in enumerate(allowed)}).best()
    assert best == pytest.approx(found.best(), rel=1e-9, abs=1e-9)


@settings(SHORT, max_examples=60)
@given(problems())
def test_no_layout_is_below_what_everything_open_reaches(problem: Problem) -> None:
    decisions = find_decisions(problem)
    everything = measure(problem, everything_open(problem, decisions))
    floors = [everything[name] for name in STAGES]
    for each in oracle.search(problem).reached.values():
        for stage in (0, 1, 2, 5):  # places may be linked by what opens, and all costs
            assert each[stage] >= floors[stage] - 1e-9


# Merged points.


@settings(SHORT, max_examples=60)
@given(problems())
def test_merging_points_changes_no_choice_s_coverage(problem: Problem) -> None:
    decisions = find_decisions(problem)
    groups = cover_groups(problem, decisions)
    assert (np.diff(groups.covered_by.indptr) > 0).all()
    assert (groups.elders > 0).all()
    for taken in choices(decisions):
        covered = np.asarray(groups.covered_by @ taken.astype(float)) > 0
        for stage, number in enumerate((HIGH, MEDIUM)):
            mine = (groups.density_class == number) & ~covered
            uncovered = groups.elders[mine].sum() + groups.never[number]
            judged = values(problem, decisions, taken)[stage]
            assert uncovered == pytest.approx(judged, rel=1e-12, abs=1e-9)


def test_points_are_merged_only_where_class_and_cover_are_the_same() -> None:
    sites = [Site((100.0, 400.0, 100.0, 100.0, None)), Site((None, None, 400.0, None, None))]
    points = [Point(1.0), Point(2.0), Point(4.0), Point(8.0, MEDIUM), Point(16.0)]
    problem = build(points, sites)
    groups = cover_groups(problem, find_decisions(problem))
    assert sorted(zip(groups.elders.tolist(), groups.density_class.tolist(), strict=True)) == [
        (3.0, HIGH), (4.0, HIGH), (8.0, MEDIUM),
    ]  # fmt: skip
    assert groups.never.tolist() == [0.0, 0.0, 16.0]
    assert groups.removed == {
        "points": 5, "points_without_duty": 0, "points_covered_anyway": 0,
        "points_never_covered": 1, "points_merged": 1,
    }  # fmt: skip


def test_what_a_home_covers_anyway_and_what_has_no_duty_is_left_out() -> None:
    home = Site((100.0, None, 100.0, None), home=True, beds=12, high=30)
    points = [Point(1.0), Point(2.0, LOW), Point(4.0, MEDIUM), Point(0.0)]
    problem = build(points, [home, Site((1.0, 1.0, 1.0, 1.0))])
    groups = cover_groups(problem, find_decisions(problem))
    assert len(groups.elders) == 0
    assert groups.removed["points_covered_anyway"] == 2
    assert groups.removed["points_without_duty"] == 2


def test_a_closed_home_covers_nothing() -> None:
    home = Site((100.0,), home=True, beds=12, forbidden=True)
    problem = build([Point(3.0)], [home])
    assert cover_groups(problem, find_decisions(problem)).never.tolist() == [0.0, 0.0, 3.0]


# Redundant rows.


@SHORT
@given(st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=1, max_size=8))
def test_the_rows_kept_ask_for_the_same_as_all_rows(sets: list[set[int]]) -> None:
    rows = [k for k, each in enumerate(sets) for _ in each]
    columns = [column for each in sets for column in sorted(each)]
    matrix = csr_matrix((np.ones(len(rows), dtype=bool), (rows, columns)), (len(sets), 6))
    kept = undominated(matrix).tolist()
    assert kept == sorted(set(kept))
    for chosen in itertools.product([False, True], repeat=6):
        taken = {k for k, each in enumerate(chosen) if each}
        assert all(sets[k] & taken for k in kept) == all(each & taken for each in sets)
    assert not any(sets[a] <= sets[b] for a in kept for b in kept if a != b)


# Beds of units.


def test_the_beds_of_a_unit_are_those_that_count_there() -> None:
    nowhere = (None, None, None)
    sites = [
        Site(nowhere, home=True, beds=12, high=20),
        Site(nowhere, home=True, beds=8, high=15),
        Site(nowhere, home=True, beds=9, high=9),
        Site(nowhere, home=True, beds=60, high=80, institution=False),
        Site(nowhere, home=True, beds=60, high=80, institution=False, locked_beds=70),
        Site(nowhere, home=True, beds=30, high=30, forbidden=True),
        Site(nowhere, low=10, high=25),
        Site(nowhere, low=10, high=25, excluded=True),
        Site(nowhere, low=10, high=25, unit=1),
        Site(nowhere, low=10, high=25, unit=-1),
    ]
    points = [Point(1000.0, LOW, 0), Point(101.0, LOW, 1), Point(500.0, LOW, 2)]
    problem = build(points, sites, units=("a", "b", NO_UNIT))
    need, stand, most = unit_beds(problem, find_decisions(problem))
    assert need.tolist() == [30, 4, 0]
    assert stand.tolist() == [12, 0, 0]
    assert most.tolist() == [20 + 15 + 25, 25, 0]


def test_only_an_enforced_ratio_asks_for_beds() -> None:
    problem = build([Point(1000.0)], [Site((1.0,))], in_force=rules(HZ_01={"enforce": False}))
    assert unit_beds(problem, find_decisions(problem))[0].tolist() == [0]


# Sets of sites that do not touch.


@settings(SHORT, max_examples=15)
@given(problems())
def test_sets_of_sites_that_do_not_touch_add_up(problem: Problem) -> None:
    decisions = find_decisions(problem)
    parts = components(problem, decisions, cover_groups(problem, decisions))
    assert sorted(k for part in parts for k in part.tolist()) == list(range(decisions.n))
    assert all((np.diff(part) > 0).all() for part in parts)
    assume(len(parts) > 1)
    base = values(problem, decisions, decisions.must)
    for taken in choices(decisions):
        total = base.copy()
        for part in parts:
            alone = decisions.must.copy()
            alone[part] = taken[part]
            total += values(problem, decisions, alone) - base
        assert total == pytest.approx(values(problem, decisions, taken), rel=1e-9, abs=1e-9)


def n_parts(points: list[Point], sites: list[Site], **limits: object) -> int:
    """Return how many sets of sites do not touch, in units a and b, without rules on beds."""
    in_force = rules(HZ_01={"enforce": False}, HZ_02={"enforce": False})
    problem = build(points, sites, in_force=in_force, limits=Limits(**limits), units=("a", "b"))
    decisions = find_decisions(problem)
    return len(components(problem, decisions, cover_groups(problem, decisions)))


def test_sites_touch_by_elders_by_unit_and_by_limits() -> None:
    apart = [Site((100.0, None)), Site((None, 100.0), unit=1)]
    points = [Point(10.0), Point(10.0)]
    assert n_parts(points, apart) == 2
    assert n_parts(points, apart, budget_wan_yuan=1e9) == 1
    assert n_parts(points, apart, max_new_sites=9) == 1
    assert n_parts(points, apart, min_elders_per_new_site=1.0) == 2
    assert n_parts(points, [apart[0], Site((None, 100.0))]) == 1
    for metres, density, expected in (
        (500.0, HIGH, 1), (999.9, LOW, 1), (1000.0, LOW, 2), (1000.0, MEDIUM, 1),
        (1000.1, MEDIUM, 2),
    ):  # fmt: skip
        near = [Site((100.0, metres)), Site((None, 100.0), unit=1)]
        assert n_parts([points[0], Point(10.0, density)], near) == expected, (metres, density)
    outside = [Site((None, None), unit=-1), Site((None, None), unit=-1)]
    assert n_parts(points, outside) == 2


def test_nothing_to_decide_has_no_parts() -> None:
    assert n_parts([Point(1.0)], []) == 0
