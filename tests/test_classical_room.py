"""Capacitated maximal covering: against every choice of sites, by hand, and bad input."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array
from strategies import SHORT

import siting
from siting.classical import capacity_search, fill

CUTOFF = 5.0
LINE = np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0)))
"""Five places in a row, one apart, each a site and a demand point."""


def most_served(
    elders: np.ndarray, near: np.ndarray, room: np.ndarray, sites: list[int], *, whole: bool
) -> float:
    """Return the most elders that some sites can serve, by SciPy."""
    pairs = [(site, point) for site in sites for point in np.flatnonzero(near[site]).tolist()]
    if not pairs:
        return 0.0
    site, point = np.array(pairs).T
    weight = elders[point]
    load = [np.where(site == each, weight, 0.0) for each in sites]
    once = [(point == each).astype(float) for each in range(len(elders))]
    ends = np.concatenate([room[sites], np.ones(len(elders))])
    rows = LinearConstraint(np.array(load + once), -np.inf, ends)
    kind = np.full(len(pairs), int(whole))
    done = milp(-weight, constraints=rows, bounds=Bounds(0, 1), integrality=kind)
    return float(-done.fun)


@pytest.mark.parametrize("way", ["prices", "piecemeal", "links", "few links"])
@pytest.mark.parametrize("single", [False, True])
def test_no_choice_of_sites_serves_more(
    monkeypatch: pytest.MonkeyPatch, way: str, *, single: bool
) -> None:
    if "links" in way:
        monkeypatch.setattr(fill, "SPLIT", 0.0)
        monkeypatch.setattr(fill, "ALL_LINKS", 0 if way == "few links" else 30_000)
    if way == "piecemeal":
        monkeypatch.setattr(capacity_search, "MOST_ROUNDS", 1)
        monkeypatch.setattr(capacity_search, "STEPS_AT_ONCE", 1)

    @settings(SHORT, max_examples=30)
    @given(seed=st.integers(0, 10**6), n=st.integers(1, 6), m=st.integers(1, 7))
    def run(seed: int, n: int, m: int) -> None:
        rng = np.random.default_rng(seed)
        elders = rng.integers(0, 6, m) * rng.choice([1.0, 0.25])
        metres, room = rng.integers(0, 10, (n, m)).astype(float), rng.integers(0, 12, n) * 1.0
        near = metres <= CUTOFF
        if not near.any():
            return
        stands = rng.permutation(n)[: rng.integers(0, n)]
        free = [each for each in range(n) if each not in stands]
        p = int(rng.integers(1, len(free) + 1))
        best = max(
            most_served(elders, near, room, [*stands.tolist(), *new], whole=single)
            for new in combinations(free, p)
        )
        done = siting.capacitated_maximal_covering(
            elders, metres, room, cutoff_m=CUTOFF, p=p, already_open=stands, single_source=single
        )
        assert done.value == pytest.approx(best, abs=1e-9)
        assert (done.proof, len(done.sites)) == ("optimal", p + len(stands))
        assert set(stands) <= set(done.sites)
        _holds(done, elders, near, room)

    run()


def _holds(done: siting.ClassicalSolution, elders: Any, near: Any, room: Any) -> None:
    """Check an allocation: within the cutoff, the room and the elders, and worth the value."""
    if isinstance(done.allocation, np.ndarray):
        served = np.flatnonzero(done.allocation >= 0)
        site = done.allocation[served]
        flow = np.zeros(near.shape)
        flow[site, served] = elders[served]
    else:
        flow = done.allocation.toarray()
    assert (flow[~near] == 0).all()
    assert (flow.sum(axis=1) <= room + 1e-9).all()
    assert (flow.sum(axis=0) <= elders + 1e-9).all()
    assert flow.sum() == pytest.approx(done.value)
    assert set(np.flatnonzero(flow.sum(axis=1))) <= set(done.sites)


def test_five_in_a_row() -> None:
    elders = [10.0] * 5

    def served(middle: float, **options: Any) -> float:
        room = [18.0, 18.0, middle, 18.0, 18.0]
        return siting.capacitated_maximal_covering(elders, LINE, room, cutoff_m=1, **options).value

    assert served(35, p=1) == 30  # the middle one: its own place and both neighbours
    assert served(35, p=2) == 40  # with an end of the row: four places of five
    assert served(35, p=3) == 50
    assert served(35, p=1, already_open=[0, 4]) == 50
    assert served(12, p=2) == 18 + 18  # the second and the fourth, both full
    assert served(12, p=2, single_source=True) == 10 + 10  # one place fits at each
    assert served(12, p=1, already_open=[2]) == 12 + 18


def test_a_point_too_large_for_any_site_is_split_or_left_out() -> None:
    split = siting.capacitated_maximal_covering([10.0], [[0.0], [0.0]], [6, 6], cutoff_m=1, p=2)
    assert split.value == 10
    whole = siting.capacitated_maximal_covering(
        [10.0], [[0.0], [0.0]], [6, 6], cutoff_m=1, p=2, single_source=True
    )
    assert (whole.value, whole.allocation.tolist()) == (0, [-1])
    assert whole.proof == "optimal"


def test_without_a_limit_on_room_it_is_maximal_covering() -> None:
    rng = np.random.default_rng(3)
    metres, elders = rng.uniform(0, 1000, (30, 80)), rng.integers(1, 50, 80).astype(float)
    row, column = np.nonzero(metres <= 300)
    sparse = coo_array((metres[row, column], (row, column)), shape=metres.shape)
    plain = siting.maximal_covering(elders, metres, cutoff_m=250, p=4).value
    room = np.full(30, elders.sum())
    for reach in (metres, sparse):
        done = siting.capacitated_maximal_covering(elders, reach, room, cutoff_m=250, p=4)
        assert (done.value, done.gap) == (plain, 0.0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"p": 0}, "p: .*1, 2, 3"),
        ({"p": 4, "already_open": [0, 1]}, "p should not exceed the number of sites, 3"),
        ({"p": 1, "already_open": [5]}, "already_open: .*0 … 4.*got 5"),
        ({"p": 1, "already_open": [0.5]}, "already_open: .*got 0.5"),
        ({"p": 1, "cutoff_m": -1}, "cutoff_m"),
        ({"p": 1, "capacities": [1, 2]}, "capacities: Expected 5 numbers"),
        ({"p": 1, "capacities": [1, 2, -3, 4, 5]}, "capacities: .*negative.*2"),
    ],
)
def test_bad_input(options: dict[str, Any], words: str) -> None:
    asked = {"cutoff_m": 1.0, "capacities": [9.0] * 5} | options
    room = asked.pop("capacities")
    with pytest.raises(siting.SitingError) as error:
        siting.capacitated_maximal_covering([1.0] * 5, LINE, room, **asked)
    error.value.language = "en"
    assert error.match(words)


def test_a_limit_on_time_leaves_a_bound_that_holds() -> None:
    rng = np.random.default_rng(5)
    sites, points = rng.uniform(0, 4000, (60, 2)), rng.uniform(0, 4000, (400, 2))
    metres = np.hypot(*(sites[:, None] - points[None]).transpose(2, 0, 1))
    elders, room = rng.uniform(1, 30, 400), rng.uniform(100, 900, 60)
    short = siting.capacitated_maximal_covering(
        elders, metres, room, cutoff_m=900, p=8, time_limit_s=0.05
    )
    long = siting.capacitated_maximal_covering(
        elders, metres, room, cutoff_m=900, p=8, time_limit_s=20, gap=0.01
    )
    assert long.proof in {"optimal", "gap"}
    assert short.value <= long.bound + 1e-6
    assert long.value <= short.bound + 1e-6
