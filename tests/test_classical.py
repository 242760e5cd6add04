"""Classical models: against every choice of sites, and what must not change an answer."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import coo_array, csc_array, csr_array
from strategies import SHORT

import siting
from siting.classical import answer as answers
from siting.classical import assign, cover_tree, islands, master, rest, split, tiles
from siting.classical.effort import Effort

if TYPE_CHECKING:
    from collections.abc import Iterator

FEW = settings(SHORT, max_examples=40)


@dataclass(frozen=True)
class Case:
    """A tiny instance: elders, distances (infinite: out of reach), costs and capacities."""

    elders: np.ndarray
    metres: np.ndarray
    costs: np.ndarray
    room: np.ndarray
    is_sparse: bool

    @property
    def n_sites(self) -> int:
        return len(self.costs)

    @property
    def given(self) -> Any:
        """The distances as a caller may hold them."""
        if not self.is_sparse:
            return self.metres
        row, column = np.nonzero(np.isfinite(self.metres))
        return coo_array((self.metres[row, column], (row, column)), shape=self.metres.shape)

    def choices(self, sizes: Any = None) -> Iterator[list[int]]:
        for size in range(self.n_sites + 1) if sizes is None else sizes:
            yield from map(list, combinations(range(self.n_sites), size))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    n_sites, n = draw(st.integers(1, 6)), draw(st.integers(1, 8))
    unit = draw(st.sampled_from([1.0, 0.25]))

    def numbers(count: int, most: int) -> np.ndarray:
        return np.array(draw(st.lists(st.integers(0, most), min_size=count, max_size=count)), float)

    metres = numbers(n_sites * n, 9).reshape(n_sites, n)
    if draw(st.booleans()):
        metres[metres > draw(st.integers(4, 9))] = np.inf
    return Case(
        numbers(n, 4) * unit, metres, numbers(n_sites, 5) * unit, numbers(n_sites, 9),
        draw(st.booleans()),
    )  # fmt: skip


@pytest.fixture(params=["whole", "solver", "windows", "cut", "rest"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send tiny instances through what large ones go through."""
    if request.param != "whole":
        monkeypatch.setattr(cover_tree, "DENSE", 0)
    if request.param == "windows":
        for name, size in {
            "EASY_PAIRS": -1,
            "EASY_PAIRS_TO_A_SITE": 0,
            "A_WINDOW": 3,
            "WIDE": 0.0,
        }.items():
            monkeypatch.setattr(rest, name, size)
        monkeypatch.setattr(islands, "TOUCHES", 1e4)
        monkeypatch.setattr(rest, "LEAST_WINDOW", 2)
        monkeypatch.setattr(split, "A_REGION", 1)
    elif request.param in ("cut", "rest"):
        monkeypatch.setattr(master, "MOST_PAIRS", 0)
        monkeypatch.setattr(master, "PAIRS_TO_A_SITE", 0 if request.param == "cut" else 1000)
        monkeypatch.setattr(tiles, "CLASSES_TO_A_TILE", 2)
        monkeypatch.setattr(assign, "ALL_LINKS", 0)


def is_best(solve: Any, best: float | None) -> siting.ClassicalSolution | None:
    """Check that a solution is proven and reaches the best, or that there is none."""
    if best is None or not np.isfinite(best):
        with pytest.raises(siting.SitingError):
            solve()
        return None
    solution: siting.ClassicalSolution = solve()
    assert solution.value == pytest.approx(best, rel=1e-9, abs=1e-12)
    assert solution.bound == pytest.approx(best, rel=1e-6, abs=1e-12)
    assert (solution.proof, list(solution.sites)) == ("optimal", sorted(set(solution.sites)))
    return solution


CUTOFF = 5.0


class TestAgainstEveryChoice:
    @FEW
    @given(case=cases())
    def test_set_covering(self, case: Case) -> None:
        within = case.metres <= CUTOFF
        full = [case.costs[c].sum() for c in case.choices() if within[c].any(axis=0).all()]
        solution = is_best(
            lambda: siting.set_covering(case.given, cutoff_m=CUTOFF, costs=case.costs),
            min(full, default=None),
        )
        if solution is not None:
            assert within[solution.sites].any(axis=0).all()
            assert solution.value == case.costs[solution.sites].sum()

    @pytest.mark.usefixtures("way")
    def test_maximal_covering(self) -> None:
        @FEW
        @given(case=cases(), p=st.integers(1, 6), budget=st.integers(0, 9))
        def run(case: Case, p: int, budget: int) -> None:
            within = case.metres <= CUTOFF
            p = min(p, case.n_sites)

            def most(choices: Any) -> float | None:
                reached = [case.elders[within[c].any(axis=0)].sum() for c in choices]
                return max(reached) if reached and within.any() else None

            solution = is_best(
                lambda: siting.maximal_covering(case.elders, case.given, cutoff_m=CUTOFF, p=p),
                most(case.choices([p])),
            )
            assert solution is None or len(solution.sites) == p
            paid = [c for c in case.choices() if case.costs[c].sum() <= budget]
            solution = is_best(
                lambda: siting.maximal_covering(
                    case.elders, case.given, cutoff_m=CUTOFF, budget=budget, costs=case.costs
                ),
                most(paid) if budget >= case.costs.min() else None,
            )
            assert solution is None or case.costs[solution.sites].sum() <= budget

        run()

    @pytest.mark.usefixtures("way")
    def test_partial_set_covering(self) -> None:
        @FEW
        @given(case=cases(), tenths=st.integers(1, 10), priced=st.booleans())
        def run(case: Case, tenths: int, priced: bool) -> None:  # noqa: FBT001
            within, costs = case.metres <= CUTOFF, np.ones(case.n_sites)
            costs = case.costs if priced else costs
            total = case.elders.sum()
            full = [
                costs[c].sum()
                for c in case.choices()
                if 10 * case.elders[within[c].any(axis=0)].sum() >= tenths * total > 0
            ]
            is_best(
                lambda: siting.partial_set_covering(
                    case.elders, case.given, cutoff_m=CUTOFF, share=tenths / 10, costs=costs
                ),
                min(full, default=None) if within.any() else None,
            )

        run()

    @pytest.mark.usefixtures("way")
    def test_p_median(self) -> None:
        @FEW
        @given(case=cases(), p=st.integers(1, 6))
        def run(case: Case, p: int) -> None:
            p, counted = min(p, case.n_sites), case.elders > 0
            sums = [
                (case.elders * np.where(counted, case.metres[c].min(axis=0), 0.0))[counted].sum()
                for c in case.choices([p])
            ]
            solution = is_best(lambda: siting.p_median(case.elders, case.given, p=p), min(sums))
            if solution is not None:
                assert len(solution.sites) == p
                nearest = case.metres[solution.sites].min(axis=0)[counted]
                where = solution.allocation[counted]
                assert (case.metres[where, np.flatnonzero(counted)] == nearest).all()

        run()

    @FEW
    @given(case=cases(), p=st.integers(1, 6))
    def test_p_center(self, case: Case, p: int) -> None:
        p = min(p, case.n_sites)
        worst = [case.metres[c].min(axis=0).max() for c in case.choices([p])]
        solution = is_best(lambda: siting.p_center(case.given, p=p), min(worst))
        if solution is not None:
            assert len(solution.sites) == p
            assert (solution.bound, solution.gap) == (min(worst), 0.0)

    @pytest.mark.usefixtures("way")
    def test_capacitated(self) -> None:
        @FEW
        @given(case=cases())
        def run(case: Case) -> None:
            solution = is_best(
                lambda: siting.capacitated(case.elders, case.given, case.room, costs=case.costs),
                min(_served(case, c) + case.costs[c].sum() for c in case.choices()),
            )
            if solution is not None:
                flow = solution.allocation
                assert flow.sum(axis=0) == pytest.approx(case.elders)
                assert (flow.sum(axis=1) <= case.room + 1e-9).all()
                way_m = (flow.multiply(np.where(np.isinf(case.metres), 1e9, case.metres))).sum()
                assert solution.value == pytest.approx(case.costs[solution.sites].sum() + way_m)

        run()

    @FEW
    @given(case=cases())
    def test_capacitated_single_source(self, case: Case) -> None:
        points = np.flatnonzero(case.elders > 0)[:4]
        elders = np.zeros_like(case.elders)
        elders[points] = case.elders[points]
        best = np.inf
        for sites in product(range(case.n_sites), repeat=len(points)):
            where = np.array(sites, dtype=np.int64)
            load = np.bincount(where, weights=elders[points], minlength=case.n_sites)
            if (load <= case.room).all():
                way_m = (elders[points] * case.metres[where, points]).sum()
                best = min(best, case.costs[np.unique(where)].sum() + way_m)
        solution = is_best(
            lambda: siting.capacitated(
                elders, case.given, case.room, costs=case.costs, single_source=True
            ),
            best,
        )
        if solution is not None:
            assert ((solution.allocation >= 0) == (elders > 0)).all()


def _served(case: Case, sites: list[int]) -> float:
    """Return the least elder-metres from some sites, by SciPy; infinite where they cannot do it."""
    points = np.flatnonzero(case.elders > 0)
    if case.room[sites].sum() < case.elders.sum():
        return np.inf
    if len(points) == 0:
        return 0.0
    metres = case.metres[np.ix_(sites, points)].ravel()
    ends = [(0, None if np.isfinite(each) else 0) for each in metres]
    done = linprog(
        np.where(np.isfinite(metres), metres, 0.0),
        A_ub=np.kron(np.eye(len(sites)), np.ones((1, len(points)))), b_ub=case.room[sites],
        A_eq=np.kron(np.ones((1, len(sites))), np.eye(len(points))), b_eq=case.elders[points],
        bounds=ends,
    )  # fmt: skip
    return float(done.fun) if done.status == 0 else np.inf


# -- by hand ----------------------------------------------------------------------------------


LINE = np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0)))
"""Five places in a row, one apart, each a site and a demand point."""


def test_five_in_a_row() -> None:
    elders = np.array([1.0, 1.0, 1.0, 1.0, 6.0])
    assert siting.set_covering(LINE, cutoff_m=1).value == 2
    assert siting.maximal_covering(elders, LINE, cutoff_m=1, p=1).value == 1 + 1 + 6
    assert siting.partial_set_covering(elders, LINE, cutoff_m=1, share=0.8).value == 1
    assert siting.partial_set_covering(elders, LINE, cutoff_m=1, share=0.81).value == 2
    assert siting.p_median(elders, LINE, p=1).value == 1 * (4 + 3 + 2 + 1)
    assert siting.p_median(elders, LINE, p=2).value == 1 + 0 + 1 + 1
    assert list(siting.p_center(LINE, p=1).sites) == [2]
    assert siting.p_center(LINE, p=2).value == 1


def test_capacity_splits_or_does_not() -> None:
    elders, metres = [4.0, 4.0], np.array([[0.0, 1.0], [5.0, 2.0]])
    split = siting.capacitated(elders, metres, [6, 6], costs=[3, 3])
    assert split.value == 3 + 3 + 4 * 0 + 2 * 1 + 2 * 2
    assert split.allocation.toarray().tolist() == [[4.0, 2.0], [0.0, 2.0]]
    whole = siting.capacitated(elders, metres, [6, 6], costs=[3, 3], single_source=True)
    assert (whole.value, whole.allocation.tolist()) == (3 + 3 + 4 * 2, [0, 1])


def test_an_entry_of_zero_is_a_distance_and_a_missing_one_is_out_of_reach() -> None:
    metres = csr_array((np.zeros(2), ([0, 1], [0, 1])), shape=(2, 2))
    assert siting.set_covering(metres, cutoff_m=0).value == 2
    assert siting.p_median([1, 1], metres, p=2).value == 0
    assert list(siting.maximal_covering([1, 5], metres, cutoff_m=9, p=1).allocation) == [-1, 1]


def test_the_cutoff_is_inclusive() -> None:
    assert siting.maximal_covering([1, 2], [[3.0, 4.0]], cutoff_m=3, p=1).value == 1
    assert siting.maximal_covering([1, 2], [[3.0, 4.0]], cutoff_m=4, p=1).value == 3


def test_points_without_elders_count_only_where_that_is_said() -> None:
    metres = np.array([[0.0, np.inf], [np.inf, 0.0]])
    assert list(siting.p_median([3, 0], metres, p=1).allocation) == [0, -1]
    with pytest.raises(siting.SitingError):
        siting.p_center(metres, p=1)


# -- what must not change an answer -----------------------------------------------------------


@pytest.fixture(scope="module")
def town() -> Case:
    rng = np.random.default_rng(7)
    sites, points = rng.random((25, 2)), rng.random((60, 2))
    metres = np.rint(1000 * np.hypot(*(sites[:, None] - points[None]).transpose(2, 0, 1)))
    elders = rng.integers(0, 40, 60).astype(float)
    return Case(
        elders,
        metres,
        rng.integers(2000, 9000, 25).astype(float),
        np.full(25, 220.0),
        is_sparse=False,
    )


def _values(elders: Any, metres: Any, costs: Any, room: Any, **options: Any) -> list[float]:
    """Return the value of every model."""
    return [
        siting.set_covering(metres, cutoff_m=400, costs=costs, **options).value,
        siting.maximal_covering(elders, metres, cutoff_m=150, p=4, **options).value,
        siting.partial_set_covering(elders, metres, cutoff_m=200, share=0.8, **options).value,
        siting.p_median(elders, metres, p=4, **options).value,
        siting.p_center(metres, p=4, **options).value,
        siting.capacitated(elders, metres, room, costs=costs, **options).value,
    ]


@pytest.fixture(scope="module")
def town_values(town: Case) -> list[float]:
    return _values(town.elders, town.metres, town.costs, town.room)


def test_order_does_not_matter(town: Case, town_values: list[float]) -> None:
    rng = np.random.default_rng(1)
    rows, columns = rng.permutation(25), rng.permutation(60)
    metres = town.metres[rows][:, columns]
    assert _values(town.elders[columns], metres, town.costs[rows], town.room[rows]) == town_values


@pytest.mark.parametrize("form", [csr_array, csc_array, coo_array])
def test_form_does_not_matter(town: Case, town_values: list[float], form: Any) -> None:
    row, column = np.indices(town.metres.shape).reshape(2, -1)
    metres = form(coo_array((town.metres.ravel(), (row, column)), shape=town.metres.shape))
    assert _values(list(town.elders), metres, list(town.costs), town.room) == town_values


def test_a_reach_is_taken_as_it_is(town: Case) -> None:
    row, column = np.nonzero(town.metres <= 500)
    metres = csr_array((town.metres[row, column], (row, column)), shape=town.metres.shape)
    reach = siting.Reach(metres, 500.0)
    assert siting.maximal_covering(town.elders, reach, cutoff_m=150, p=4).value == (
        siting.maximal_covering(town.elders, town.metres, cutoff_m=150, p=4).value
    )


def test_seed_and_threads_do_not_matter(town: Case, town_values: list[float]) -> None:
    options = {"threads": 1, "random_seed": 5}
    assert _values(town.elders, town.metres, town.costs, town.room, **options) == town_values


def test_twice_the_elders_twice_the_value(town: Case, town_values: list[float]) -> None:
    doubled = _values(2 * town.elders, town.metres, 2 * town.costs, 2 * town.room)
    assert doubled == [each * f for each, f in zip(town_values, [2, 2, 1, 2, 1, 2], strict=True)]


def test_a_point_in_two_halves_is_one_point(town: Case, town_values: list[float]) -> None:
    half = town.elders[0] // 2
    elders = np.concatenate([town.elders, [half]])
    elders[0] -= half
    metres = np.column_stack([town.metres, town.metres[:, 0]])
    assert _values(elders, metres, town.costs, town.room) == town_values


def test_more_sites_are_never_worse(town: Case) -> None:
    values = [siting.p_median(town.elders, town.metres, p=p).value for p in range(1, 8)]
    assert values == sorted(values, reverse=True)
    longest = [siting.p_center(town.metres, p=p).value for p in range(1, 8)]
    assert longest == sorted(longest, reverse=True)


# -- what is claimed --------------------------------------------------------------------------


def _effort(model: str, gap: float = 0.0) -> Effort:
    return Effort.of(model, 10.0, gap, 1, 0, None)


def _answer(
    model: str, value: float, bound: float, *, gap: float = 0.0, exact: bool = False
) -> Any:
    none = np.empty(0, dtype=np.int64)
    return answers.answer(_effort(model, gap), none, none, value, bound, exact=exact)


def test_proof_follows_from_value_and_bound() -> None:
    assert _answer("p_median", 100.0, 100.0 - 5e-5).proof == "optimal"
    assert _answer("p_median", 100.0, 100.0 - 5e-4).proof == "time_limit"
    assert _answer("p_median", 100.0, 99.0, gap=0.01).proof == "gap"
    assert _answer("p_median", 100.0, 98.9, gap=0.01).proof == "time_limit"
    assert _answer("p_median", 0.0, 0.0).gap == 0.0


def test_bounds_on_whole_numbers_are_rounded() -> None:
    assert _answer("p_median", 100.0, 99.5, exact=True).proof == "optimal"
    assert _answer("p_median", 1e8, 1e8 - 1, exact=True).proof == "time_limit"
    assert _answer("maximal_covering", 100.0, 100.9, exact=True).bound == 100.0
    assert _answer("maximal_covering", 100.0, 101.0, exact=True).bound == 101.0


@pytest.mark.parametrize(("model", "bound"), [("p_median", 101.0), ("maximal_covering", 99.0)])
def test_a_bound_better_than_the_value_is_refused(model: str, bound: float) -> None:
    with pytest.raises(siting.SitingError) as caught:
        _answer(model, 100.0, bound)
    assert "contradicts itself" in caught.value.render("en")


def test_time_over_still_gives_an_honest_answer() -> None:
    rng = np.random.default_rng(3)
    metres, elders = rng.random((120, 300)), rng.random(300)
    for solve in (
        lambda limit: siting.p_median(elders, metres, p=9, time_limit_s=limit),
        lambda limit: siting.maximal_covering(
            elders, metres, cutoff_m=0.1, p=9, time_limit_s=limit
        ),
        lambda limit: siting.set_covering(metres, cutoff_m=0.1, time_limit_s=limit),
        lambda limit: siting.p_center(metres, p=9, time_limit_s=limit),
    ):
        solution = solve(1e-6)
        worse = solution.value - solution.bound
        assert solution.proof == "time_limit"
        assert worse != 0
        assert (worse < 0) == (solution.model == "maximal_covering")
        assert solution.gap == pytest.approx(abs(worse) / solution.value)
        assert solution.seconds < 10


def test_a_gap_asked_for_is_kept() -> None:
    rng = np.random.default_rng(3)
    solution = siting.p_median(rng.random(200), rng.random((60, 200)), p=9, gap=0.2)
    assert solution.gap <= 0.2
    assert solution.proof in {"gap", "optimal"}


def test_progress_is_told(town: Case) -> None:
    told: list[tuple[str, float | None, float]] = []
    siting.p_median(town.elders, town.metres, p=4, progress=lambda *each: told.append(each))
    assert told
    assert {each[0] for each in told} == {"p_median"}
    assert all(each[2] <= 300 for each in told)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str], town: Case) -> None:
    _values(town.elders, town.metres, town.costs, town.room)
    assert capfd.readouterr() == ("", "")
