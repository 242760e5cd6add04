"""Cuts of the last stage: below every layout, tight where they are made."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import LOW, SHORT, Point, Site, build, problems, rules

from siting import distance, shorten
from siting.decisions import Decisions, find_decisions
from siting.distance import DistanceTerms, distance_terms
from siting.extras import layout_of
from siting.objective import capped_distance, measure
from siting.scenario import Solve
from siting.solve import solve
from siting.solvers import Ask, HighsSolver, Outcome

if TYPE_CHECKING:
    from siting.linear import LinearModel
    from siting.problem import Problem


def terms_of(problem: Problem, most: int) -> tuple[Decisions, DistanceTerms]:
    """Return decisions and distance terms; with few terms allowed, points share them."""
    decisions = find_decisions(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distance, "MOST_TERMS", most)
        return decisions, distance_terms(problem, decisions, np.arange(decisions.n))


@settings(SHORT, max_examples=50)
@given(problems(), st.sampled_from([0, 6000]))
def test_terms_and_what_cannot_be_changed_add_up_to_the_measure(
    problem: Problem, most: int
) -> None:
    decisions, terms = terms_of(problem, most)
    assume(decisions.n)
    everyone = (problem.elders * capped_distance(problem, decisions.open_anyway)).sum()
    fixed = everyone - (terms.elders * terms.farthest_m).sum()
    for way in itertools.product([False, True], repeat=decisions.n):
        taken = np.array(way)
        if (decisions.must & ~taken).any():
            continue
        layout = layout_of(problem, decisions, taken, np.where(taken, decisions.low, 0))
        total = fixed + (terms.values(taken.astype(float)).sum() if terms.n_terms else 0.0)
        assert total == pytest.approx(measure(problem, layout)["distance"], rel=1e-12, abs=1e-6)


@settings(SHORT, max_examples=50)
@given(problems(), st.sampled_from([0, 6000]), st.data())
def test_a_cut_is_below_every_choice_and_tight_at_its_own(
    problem: Problem, most: int, data: st.DataObject
) -> None:
    """Also made at parts of decisions, as the relaxation gives them."""
    decisions, terms = terms_of(problem, most)
    assume(terms.n_terms)
    parts = st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.0])
    at = np.array([data.draw(parts) for _ in range(decisions.n)])
    cuts = terms.cuts(at, np.zeros(terms.n_terms), tolerance=0.0)
    assert {cut.term for cut in cuts} == set(np.flatnonzero(terms.values(at) > 0).tolist())
    ways = [np.array(each, float) for each in itertools.product([0, 1], repeat=decisions.n)]
    for cut in cuts:
        assert (cut.factors > 0).all()

        def claims(chosen: np.ndarray, cut: object = cut) -> float:
            return float(cut.side - (cut.factors * chosen[cut.decisions]).sum())

        for chosen in ways:
            assert claims(chosen) <= terms.values(chosen)[cut.term] + 1e-6
        assert claims(at) == pytest.approx(terms.values(at)[cut.term], rel=1e-9, abs=1e-6)


def test_a_cut_is_made_only_where_less_is_claimed_than_reached() -> None:
    problem = build([Point(2.0), Point(3.0)], [Site((100.0, 400.0))])
    _, terms = terms_of(problem, 6000)
    nothing, all_of_it = np.zeros(1), np.ones(1)
    assert terms.values(nothing).tolist() == [2000.0, 3000.0]
    assert terms.values(all_of_it).tolist() == [200.0, 1200.0]
    assert terms.cuts(all_of_it, np.array([200.0, 1200.0]), tolerance=1e-3) == []
    assert [cut.term for cut in terms.cuts(all_of_it, np.array([200.0, 1190.0]), 1e-3)] == [1]
    (cut,) = terms.cuts(nothing, np.array([2000.0, 0.0]), tolerance=1e-3)
    assert (cut.side, cut.factors.tolist()) == (3000.0, [3.0 * (1000.0 - 400.0)])


def test_half_of_a_near_site_and_half_of_a_far_one_serve_in_this_order() -> None:
    problem = build([Point(1.0)], [Site((100.0,)), Site((300.0,)), Site((700.0,))])
    _, terms = terms_of(problem, 6000)
    assert terms.values(np.array([0.5, 1.0, 1.0])).tolist() == [0.5 * 100 + 0.5 * 300]
    assert terms.values(np.array([0.5, 0.25, 0.0])).tolist() == [50 + 75 + 0.25 * 1000]


def test_only_who_can_come_nearer_is_in_a_term() -> None:
    """A point without elders, one at the cap, one whose home is as near as the candidate."""
    home = Site((None, None, 200.0, None), home=True, beds=12)
    sites = [home, Site((50.0, 1000.0, 200.0, 999.0))]
    problem = build([Point(0.0), Point(5.0), Point(6.0), Point(7.0, LOW)], sites)
    _, terms = terms_of(problem, 6000)
    assert terms.elders.tolist() == [7.0]
    assert terms.farthest_m.tolist() == [1000.0]


def test_a_home_that_counts_already_shortens_nothing_by_growing() -> None:
    home = Site((100.0,), home=True, beds=12, high=30)
    _, terms = terms_of(build([Point(5.0)], [home]), 6000)
    assert terms.n_terms == 0
    small = Site((100.0,), home=True, beds=7, high=30)
    _, terms = terms_of(build([Point(5.0)], [small]), 6000)
    assert terms.n_terms == 1


def test_with_many_points_those_with_the_same_nearest_site_share_a_term() -> None:
    sites = [Site((100.0, 200.0, 500.0)), Site((300.0, 300.0, 300.0))]
    problem = build([Point(1.0), Point(2.0), Point(4.0)], sites)
    _, each = terms_of(problem, 6000)
    _, shared = terms_of(problem, 0)
    assert (each.n_terms, shared.n_terms) == (3, 2)
    assert shared.values(np.ones(2)).tolist() == [100.0 + 400.0, 1200.0]


def test_the_whole_search_starts_with_the_cuts_of_its_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With cuts of one relaxation: any distance of the start, made shorter, breaks a row."""
    monkeypatch.setattr(shorten, "RELAXED_ROUNDS", 1)
    places = np.random.default_rng(0).uniform(0, 900, (40, 2))
    apart = np.hypot(*(places[:30, None] - places[None, 30:]).T)
    sites = [Site(tuple(row.tolist()), low=1, high=25, fixed=1.0) for row in apart]
    problem = build([Point(100.0)] * 30, sites, in_force=rules(HZ_02={"enforce": False}))
    solver, told = HighsSolver(), []

    def watched(model: LinearModel, ask: Ask) -> Outcome:
        theta = [k for k, each in enumerate(model.variables) if each.name.startswith("distance_")]
        if theta and not ask.relax and not told and ask.start is not None:
            assert model.holds(ask.start, 1e-5)
            for term in theta:
                shorter = ask.start.copy()
                shorter[term] *= 0.99
                told.append(not model.holds(shorter, 1e-6))
        return solver(model, ask)

    older = solve(problem, settings=Solve(threads=1)).layout
    solve(problem, settings=Solve(threads=1), start=older, solver=watched)
    assert len(told) == 30
    assert all(told)
