"""The measures of a layout against the oracle's, and what the stages are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import HIGH, LOW, MEDIUM, SHORT, Point, Site, build, problems, rules

from siting.objective import (
    STAGES,
    capped_distance,
    count_duty,
    denominators,
    has_work,
    measure,
    units_without_minimum,
)
from siting.problem import Layout
from siting.units import NO_UNIT

if TYPE_CHECKING:
    from siting.problem import Problem

OFF = {"enforce": False}


def layout_of(beds: oracle.Beds) -> Layout:
    """Return a layout from beds, None where nothing stands."""
    is_open = np.array([each is not None for each in beds], dtype=bool)
    return Layout(is_open, np.array([each or 0 for each in beds], dtype=np.int64))


@settings(SHORT, max_examples=80)
@given(problems(), st.data())
def test_every_measure_is_the_oracle_s(problem: Problem, data: st.DataObject) -> None:
    """Layouts are drawn beyond what limits and locks allow: closed homes, a home cut down."""
    most = 40
    beds = tuple(
        data.draw(st.one_of(st.none(), st.sampled_from([0, 9, 10, 11]), st.integers(0, most)))
        for _ in range(problem.sites.n)
    )
    judged = oracle.Judge(problem).values(beds)
    found = measure(problem, layout_of(beds))
    assert tuple(found) == STAGES == oracle.STAGES
    assert list(found.values()) == pytest.approx(list(judged), rel=1e-12, abs=1e-9)


def test_the_measures_of_a_layout_by_hand() -> None:
    """
    Two units, of which A has enough and B has not.

    A holds a home of 12 beds, which covers the first point, and one of 9, which counts for
    nothing; 300 elders need 9 beds, so the duty of two places (20 beds) does not arise. B
    needs 30 beds and two places and has one of 10 beds, 700 m from its only point.
    """
    points = [
        Point(200.0, HIGH, 0), Point(100.0, MEDIUM, 0), Point(1000.0, MEDIUM, 1),
        Point(0.0, HIGH, 1), Point(7.0, LOW, 0),
    ]  # fmt: skip
    sites = [
        Site((500.0, None, None, None, None), home=True, beds=12),
        Site((None, 100.0, None, None, None), home=True, beds=9),
        Site((None, None, 700.0, None, None), fixed=4.0, each=0.5, unit=1),
    ]
    problem = build(points, sites, units=("a", "b"))
    found = measure(problem, layout_of((12, 9, 10)))
    assert found == {
        "uncovered_high": 0.0, "uncovered_medium": 100.0, "missing_beds": 20.0,
        "unmet_minima": 1.0, "cost": 9.0,
        "distance": 200 * 500.0 + 100 * 1000.0 + 1000 * 700.0 + 7 * 1000.0,
    }  # fmt: skip


def test_beds_outside_the_study_area_or_beside_their_unit_do_not_help_it() -> None:
    points = [Point(1000.0, LOW, 0), Point(1000.0, LOW, 1)]
    sites = [Site((None, None), high=99, unit=-1), Site((None, None), high=99, unit=1)]
    problem = build(points, sites, units=("a", "b"))
    assert measure(problem, layout_of((99, 99)))["missing_beds"] == 30.0


def test_elders_without_a_planning_unit_make_no_duty() -> None:
    problem = build([Point(5000.0, LOW)], [], units=(NO_UNIT,))
    nothing = layout_of(())
    assert measure(problem, nothing)["missing_beds"] == 0.0
    assert measure(problem, nothing)["unmet_minima"] == 0.0


@pytest.mark.parametrize(("elders", "duty"), [(633.0, False), (634.0, True)])
def test_the_duty_of_several_places_begins_where_the_beds_allow_them(
    elders: float, *, duty: bool
) -> None:
    """Two places of 10 beds: 20 beds, which 634 elders need already (19.02 rounded up)."""
    problem = build([Point(elders, LOW)], [])
    assert count_duty(problem, problem.rule("HZ-02").parameters).tolist() == [duty]


def test_places_that_are_linked_do_not_meet_the_minimum() -> None:
    points = [Point(1000.0, LOW)]
    for gap, unmet in ((99.0, [("HZ-02", 0)]), (100.0, [])):
        sites = [Site((None,)), Site((None,), xy=(gap, 0.0))]
        problem = build(points, sites)
        assert units_without_minimum(problem, np.array([True, True])) == unmet


def test_distance_is_to_the_nearest_and_at_most_the_cap() -> None:
    problem = build([Point(1.0)] * 3, [Site((300.0, 1200.0, None)), Site((0.0, 999.0, None))])
    assert capped_distance(problem, np.array([True, False])).tolist() == [300.0, 1000.0, 1000.0]
    assert capped_distance(problem, np.array([True, True])).tolist() == [0.0, 999.0, 1000.0]
    assert capped_distance(problem, np.array([False, False])).tolist() == [1000.0] * 3


def test_the_gap_of_coverage_is_measured_in_all_elders_of_a_class() -> None:
    problem = build([Point(3.0), Point(4.0), Point(5.0, MEDIUM), Point(6.0, LOW)], [])
    assert denominators(problem) == {"uncovered_high": 7.0, "uncovered_medium": 5.0}


def test_a_stage_has_work_only_where_an_enforced_rule_concerns_something() -> None:
    both = [Point(1000.0, HIGH), Point(1000.0, MEDIUM)]
    stages = STAGES[:4]

    def work(points: list[Point], **changes: dict[str, object]) -> list[bool]:
        problem = build(points, [], in_force=rules(**changes))
        return [has_work(problem, stage) for stage in stages]

    assert work(both) == [True, True, True, True]
    assert work(both[:1]) == [True, False, True, True]
    assert work([Point(0.0, HIGH), Point(9.0, LOW)]) == [False, False, True, False]
    assert work(both, HZ_03=OFF) == [False, True, True, True]
    assert work(both, HZ_04=OFF) == [True, False, True, True]
    assert work(both, HZ_01=OFF) == [True, True, False, True]
    assert work(both, HZ_02=OFF) == [True, True, True, False]
    assert has_work(build([Point(0.0)], []), "cost")
    assert has_work(build([Point(0.0)], []), "distance")
