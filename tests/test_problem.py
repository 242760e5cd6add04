"""The problem itself: need in beds, places, cover at the limit, what may open, cost and digest."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from strategies import HIGH, LOW, MEDIUM, SHORT, Point, Site, build, rules

from siting.areas import Areas
from siting.problem import Layout, Problem, beds_required, places
from siting.scenario import Function, Limits, Mix

# Beds required.


@pytest.mark.parametrize(("rate", "numerator", "denominator"), [(300.0, 3, 100), (310.0, 31, 1000)])
def test_need_is_exact_for_every_number_of_elders_to_200_000(
    rate: float, numerator: int, denominator: int
) -> None:
    elders = list(range(1, 200_001))
    exact = [-(-count * numerator // denominator) for count in elders]
    assert beds_required(np.array(elders, dtype=float), rate).tolist() == exact


def test_need_of_700_elders_is_21_where_floating_point_says_22() -> None:
    assert math.ceil(700 / 10000 * 300) == 22
    assert beds_required(700.0, 300.0).tolist() == [21]


def test_need_ignores_a_millionth_of_an_elder_and_no_more() -> None:
    near, above = 10_000.0000004, 10_000.000001
    assert beds_required(np.array([near, above, 9999.9999996]), 300.0).tolist() == [300, 301, 300]
    assert beds_required(0.0, 300.0).tolist() == [0]
    assert beds_required(np.array([1e-6, 4e-7]), 300.0).tolist() == [1, 0]


@SHORT
@given(st.integers(0, 10**9), st.integers(1, 10**7))
def test_need_is_the_exact_fraction_rounded_up(thousandths: int, hundredths: int) -> None:
    exact = Fraction(thousandths, 1000) * Fraction(hundredths, 100) / 10_000
    assert beds_required(thousandths / 1000, hundredths / 100).tolist() == [math.ceil(exact)]


# Places.


def test_places_exactly_at_the_limit_are_two_and_just_within_are_one() -> None:
    at = np.array([[0.0, 0.0], [100.0, 0.0]])
    assert len(set(places(at, 100.0).tolist())) == 2
    assert len(set(places(at * 0.9999, 100.0).tolist())) == 1
    slanted = np.array([[500_000.1, 3_350_000.2], [500_060.1, 3_350_080.2]])  # 60, 80, 100
    assert len(set(places(slanted, 100.0).tolist())) == 2


def test_places_are_joined_along_a_chain() -> None:
    chain = np.array([[0.0, 0.0], [99.0, 0.0], [198.0, 0.0], [299.0, 0.0]])
    assert places(chain, 100.0)[[0, 1, 2]].tolist() == [places(chain, 100.0)[0]] * 3
    assert len(set(places(chain, 100.0).tolist())) == 2
    assert len(set(places(chain[[0, 2]], 100.0).tolist())) == 2


def test_no_facility_is_no_place_and_without_a_distance_each_is_one() -> None:
    assert places(np.empty((0, 2)), 100.0).tolist() == []
    assert len(set(places(np.zeros((3, 2)), 0.0).tolist())) == 3


@SHORT
@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=7),
    st.sampled_from([1.0, 2.0, 3.0, 5.0]),
)
def test_places_are_those_of_linking_by_hand(spots: list[tuple[int, int]], limit: float) -> None:
    """Whole-number spots: 3, 4 and 5 metres are met exactly, so the limit itself is drawn often."""
    label = list(range(len(spots)))
    for _ in spots:
        for a, one in enumerate(spots):
            for b, other in enumerate(spots):
                if math.dist(one, other) < limit:
                    label[a] = label[b] = min(label[a], label[b])
    found = places(np.array(spots, dtype=float).reshape(-1, 2), limit).tolist()
    pairs = [(a, b) for a in range(len(spots)) for b in range(a)]
    assert [found[a] == found[b] for a, b in pairs] == [label[a] == label[b] for a, b in pairs]


# Layouts and problems that are refused.


def test_beds_stand_only_where_something_is_open() -> None:
    with pytest.raises(ValueError, match="only at open"):
        Layout(np.array([False]), np.array([5]))
    with pytest.raises(ValueError, match="at least 0"):
        Layout(np.array([True]), np.array([-1]))
    with pytest.raises(ValueError, match="only at open"):
        Layout(np.array([True, True]), np.array([5]))


@pytest.mark.parametrize("elders", [math.nan, math.inf, -1.0])
def test_elders_that_are_no_count_are_refused(elders: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        build([Point(elders)], [])


def test_arrays_that_do_not_fit_are_refused() -> None:
    problem = build([Point(1.0)], [Site((1.0,))])
    with pytest.raises(ValueError, match="fit"):
        replace(problem, elders=np.ones(2))
    with pytest.raises(ValueError, match="fit"):
        replace(problem, reach=csr_matrix((2, 1)))


# Cover.


@pytest.mark.parametrize(
    ("metres", "density", "covered"),
    [
        (0.0, HIGH, True), (500.0, HIGH, True), (500.0 + 9e-7, HIGH, True),
        (500.00001, HIGH, False), (500.01, HIGH, False), (500.01, MEDIUM, True),
        (1000.0, MEDIUM, True), (1000.00001, MEDIUM, False), (None, MEDIUM, False),
        (0.0, LOW, False),
    ],
)  # fmt: skip
def test_cover_holds_at_the_standard_and_not_beyond(
    metres: float | None, density: int, *, covered: bool
) -> None:
    problem = build([Point(10.0, density)], [Site((metres,))])
    assert problem.covers.toarray().tolist() == [[covered]]
    assert problem.elders_within_standard().tolist() == [10.0 * covered]


def test_points_without_elders_are_covered_by_nothing() -> None:
    problem = build([Point(0.0), Point(5.0)], [Site((0.0, 0.0))])
    assert problem.covers.toarray().tolist() == [[False, True]]


def test_reading_what_covers_leaves_the_distances_as_they_are() -> None:
    problem = build([Point(5.0), Point(5.0)], [Site((0.0, 700.0))])
    assert problem.covers.nnz == 1
    assert problem.reach.data.tolist() == [0.0, 700.0]


# Who counts, what may open, what it costs.


def test_ten_beds_count_and_nine_do_not_nor_other_kinds() -> None:
    homes = [
        Site((1.0,), beds=10, home=True), Site((1.0,), beds=9, home=True),
        Site((1.0,), beds=50, home=True, institution=False),
    ]  # fmt: skip
    problem = build([Point(1.0)], [*homes, Site((1.0,))])
    layout = problem.existing_layout()
    assert layout.beds.tolist() == [10, 9, 50, 0]
    assert layout.is_open.tolist() == [True, True, True, False]
    assert problem.qualifies(layout).tolist() == [True, False, False, False]


def test_only_free_candidates_that_can_hold_ten_beds_may_open() -> None:
    sites = {
        "free": Site((1.0,)), "forbidden": Site((1.0,), forbidden=True),
        "excluded": Site((1.0,), excluded=True), "small": Site((1.0,), high=9),
        "crossed": Site((1.0,), low=12, high=11), "lonely": Site((None,)),
        "lonely but locked": Site((None,), locked_open=True),
        "home": Site((1.0,), home=True, beds=20),
    }  # fmt: skip
    for name, site in sites.items():
        problem = build([Point(99.0)], [site], limits=Limits(min_elders_per_new_site=99.0))
        assert problem.usable().tolist() == [name in {"free", "lonely but locked"}], name
    tight = build([Point(99.0)], [sites["free"]], limits=Limits(min_elders_per_new_site=99.5))
    assert tight.usable().tolist() == [False]


def test_cost_is_of_opening_or_extending_and_of_added_beds_only() -> None:
    home = Site((1.0,), home=True, beds=20, high=30, fixed=5.0, each=2.0)
    candidate = Site((1.0,), high=30, fixed=7.0, each=3.0)
    problem = build([Point(1.0)], [home, candidate])

    def cost(*beds: int | None) -> list[float]:
        is_open = np.array([each is not None for each in beds])
        return problem.cost(Layout(is_open, np.array([each or 0 for each in beds]))).tolist()

    assert cost(20, None) == [0.0, 0.0]
    assert cost(None, None) == [0.0, 0.0]
    assert cost(21, 10) == [5.0 + 2.0, 7.0 + 30.0]
    assert cost(30, 30) == [5.0 + 20.0, 7.0 + 90.0]


def test_elders_of_units_are_summed_and_a_unit_without_points_has_none() -> None:
    points = [Point(1.5, unit=0), Point(2.0, unit=1), Point(0.5, unit=0)]
    problem = build(points, [], units=("a", "b", "c"))
    assert problem.unit_elders().tolist() == [2.0, 2.0, 0.0]


def test_rules_are_found_by_id_and_by_kind() -> None:
    problem = build([Point(1.0)], [])
    assert problem.rule("HZ-03").parameters.distance_m == 500.0
    assert problem.rule("HZ-99") is None
    assert [rule.id for rule in problem.of_kind("coverage")] == ["HZ-03", "HZ-04"]


# The digest.


def sample() -> Problem:
    """Return a problem in which no two arrays are alike."""
    sites = [
        Site((100.0, None), home=True, beds=12, high=20, unit=0, xy=(1.0, 2.0)),
        Site((None, 300.0), low=11, high=30, unit=-1, xy=(3.0, 4.0)),
    ]
    return build([Point(10.0), Point(20.0, MEDIUM)], sites, units=("a", "b"))


def test_equal_problems_have_equal_digests() -> None:
    assert sample().digest() == sample().digest()
    assert replace(sample(), notes={"any": 1}).digest() == sample().digest()


@pytest.mark.parametrize("name", [each.name for each in fields(Problem) if each.name != "notes"])
def test_any_change_changes_the_digest(name: str) -> None:
    problem = sample()
    value = getattr(problem, name)
    if name == "sites":
        other = [
            replace(problem, sites=replace(value, **{key: changed(array)}))
            for key, array in vars(value).items()
        ]
    elif name == "reach":
        other = [
            replace(problem, reach=csr_matrix(([100.0, 300.5], ([0, 1], [0, 1])), (2, 2))),
            replace(problem, reach=csr_matrix(([100.0, 300.0], ([0, 1], [0, 0])), (2, 2))),
        ]
    elif name == "rules":
        other = [replace(problem, rules=rules(HZ_02={"enforce": False}))]
    elif name == "limits":
        other = [replace(problem, limits=Limits(max_new_sites=3))]
    elif name == "areas":
        other = [replace(problem, areas={"all": each}) for each in changed_areas()]
    elif name == "mix":
        other = [replace(problem, mix=Mix(nursing_cost_per_bed=1.0))]
    elif name == "functions":
        other = [replace(problem, functions={"canteen": Function(cost=1.0)})]
    elif name == "ceiling":
        none = np.zeros(2, dtype=bool)
        other = [
            replace(problem, ceiling=Layout(none, none.astype(int))),
            replace(problem, ceiling=Layout(~none, none.astype(int) + 12)),
        ]
    elif name == "zone_id":
        other = [replace(problem, zone_id=np.array(["z"], dtype=object))]
    else:
        other = [replace(problem, **{name: changed(value)})]
    digests = [each.digest() for each in other]
    assert problem.digest() not in digests
    assert len(set(digests)) == len(digests)


def changed_areas() -> list[Areas]:
    """Return areas of which no two are alike, the first ones large."""
    n = 3000
    many = np.zeros(n, dtype=np.int64)
    area = Areas(np.array(["all"], dtype=object), many[:2], many, np.array([1.0]), np.array([2.0]))
    middle = many.copy()
    middle[n // 2] = -1
    return [
        area,
        replace(area, of_demand=middle),
        replace(area, elders=np.array([3.0])),
        replace(area, residents=np.array([3.0])),
        replace(area, id=np.array(["whole"], dtype=object)),
    ]


def changed(array: np.ndarray) -> np.ndarray:
    """Return an array with its first entry changed."""
    other = array.copy()
    if array.dtype == object and not isinstance(array.flat[0], str):
        other.flat[0] = {None: frozenset({"canteen"}), frozenset(): frozenset({"canteen"})}.get(
            None if isinstance(array.flat[0], dict) else array.flat[0], "x"
        )
        return other
    first = np.nan_to_num(other.flat[0]) if array.dtype.kind == "f" else other.flat[0]
    if array.dtype == bool:
        other[(0,) * other.ndim] = not first
    else:
        other[(0,) * other.ndim] = f"{first}x" if isinstance(first, str) else first + 1
    return other
