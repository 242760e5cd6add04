"""Classical models: what is wrong with what is given is told, once, for all of it."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array

import siting
from siting.solvers import End

ELDERS = np.array([2.0, 3.0, 4.0])
METRES = np.array([[1.0, 5.0, 9.0], [9.0, 5.0, 1.0]])
ROOM, COSTS = np.array([9.0, 9.0]), np.array([1.0, 1.0])


def said(call: Any) -> str:
    """Return the message of an input error, in English; the Chinese one must render too."""
    with pytest.raises(siting.SitingError) as caught:
        call()
    assert isinstance(caught.value, ValueError)
    assert caught.value.render("zh")
    return caught.value.render("en")


def changed(row: int, column: int, value: float) -> np.ndarray:
    metres = METRES.copy()
    metres[row, column] = value
    return metres


MATRICES = [
    ("abc", "Expected a matrix of numbers .*got str"),
    (None, "Expected a matrix of numbers"),
    ([[1, 2], [3]], "Expected a matrix of numbers"),
    (np.zeros(3), r"got \(3,\)"),
    (np.zeros((2, 2, 2)), r"got \(2, 2, 2\)"),
    (np.zeros((0, 3)), r"at least one site and one demand point, got the shape \(0, 3\)"),
    (np.zeros((3, 0)), r"at least one site and one demand point"),
    (csr_array((2, 0)), r"at least one site and one demand point"),
    (coo_array((2**40, 2**40)), "stay countable"),
    (coo_array((2**33, 3)), "stay countable"),
    (csr_array(np.ones((2, 3), dtype=complex)), "got complex128"),
    (changed(1, 2, np.nan), r"NaN or infinite \(1 in all; first: 1, 2\)"),
    (changed(0, 1, -np.inf), r"NaN or infinite \(1 in all; first: 0, 1\)"),
    (changed(0, 1, -1.0), r"some are negative \(1 in all; first: 0, 1\)"),
    (changed(0, 1, 1e13), "No number should exceed"),
    (coo_array(([1.0, 2.0], ([0, 0], [1, 1])), shape=(2, 3)), r"stand twice \(1 in all; first: 0"),
    (csr_array(([1.0, 2.0], [1, 1], [0, 2, 2]), shape=(2, 3)), r"stand twice \(1 in all"),
]  # fmt: skip


@pytest.mark.parametrize(("matrix", "words"), MATRICES)
@pytest.mark.parametrize("model", ["p_center", "set_covering", "p_median", "capacitated"])
def test_matrices(matrix: Any, words: str, model: str) -> None:
    calls = {
        "p_center": lambda: siting.p_center(matrix, p=1),
        "set_covering": lambda: siting.set_covering(matrix, cutoff_m=6),
        "p_median": lambda: siting.p_median(ELDERS, matrix, p=1),
        "capacitated": lambda: siting.capacitated(ELDERS, matrix, ROOM, costs=COSTS),
    }
    message = said(calls[model])
    assert message.startswith("reach" if model == "set_covering" else "distances")
    assert _matches(words, message), message


def _matches(words: str, message: str) -> bool:
    return re.search(words, message) is not None


@pytest.mark.parametrize(
    ("elders", "words"),
    [
        ([1.0, 2.0], r"Expected 3 numbers .*got the shape \(2,\)"),
        ([[1.0, 2.0, 3.0]], r"Expected 3 numbers .*got the shape \(1, 3\)"),
        (["a", "b", "c"], "Expected a list of numbers"),
        ([1.0, np.nan, np.inf], r"NaN or infinite \(2 in all; first: 1, 2\)"),
        ([1.0, -2.0, 3.0], r"some are negative \(1 in all; first: 1\)"),
        ([1.0, 2.0, 1e300], "No number should exceed"),
    ],
)
def test_elders(elders: Any, words: str) -> None:
    for call in (
        lambda: siting.p_median(elders, METRES, p=1),
        lambda: siting.maximal_covering(elders, METRES, cutoff_m=5, p=1),
        lambda: siting.partial_set_covering(elders, METRES, cutoff_m=5, share=0.5),
        lambda: siting.capacitated(elders, METRES, ROOM, costs=COSTS),
    ):
        assert _matches(f"^elders: .*{words}", said(call))


@pytest.mark.parametrize("p", [0, -1, 1.5, True, "2", None, np.nan])
def test_p_that_is_no_number_of_sites(p: Any) -> None:
    assert _matches("^p: Expected 1, 2, 3", said(lambda: siting.p_median(ELDERS, METRES, p=p)))
    assert _matches("^p: Expected 1, 2, 3", said(lambda: siting.p_center(METRES, p=p)))
    if p is not None:
        call = lambda: siting.maximal_covering(ELDERS, METRES, cutoff_m=5, p=p)  # noqa: E731
        assert _matches("^p: Expected 1, 2, 3", said(call))


def test_more_sites_than_there_are() -> None:
    for call in (
        lambda: siting.p_median(ELDERS, METRES, p=3),
        lambda: siting.p_center(METRES, p=np.int64(3)),
        lambda: siting.maximal_covering(ELDERS, METRES, cutoff_m=5, p=10**30),
    ):
        assert _matches(
            r"^p: .*(exceed the number of sites, 2, got 3|Expected 1, 2, 3)", said(call)
        )


@pytest.mark.parametrize("cutoff", [-1, np.nan, np.inf, "5", None])
def test_cutoff_that_is_no_distance(cutoff: Any) -> None:
    message = said(lambda: siting.set_covering(METRES, cutoff_m=cutoff))
    assert _matches("^cutoff_m: Expected ≥ 0", message)


def test_cutoff_that_nothing_reaches() -> None:
    message = said(lambda: siting.maximal_covering(ELDERS, METRES, cutoff_m=0.5, p=1))
    assert _matches(r"^cutoff_m: .*within 0.5 m.*nearest pair is 1 apart", message)
    message = said(lambda: siting.set_covering(csr_array((2, 3)), cutoff_m=5))
    assert _matches("^cutoff_m: .*none does", message)


def test_points_that_no_site_covers_are_counted() -> None:
    message = said(lambda: siting.set_covering(METRES[:1], cutoff_m=4))
    assert _matches(r"^reach: .*within 4 m.*\(2 in all; first: 1, 2\)", message)


def test_points_out_of_reach_are_counted_with_their_elders() -> None:
    metres = csr_array(([3.0], ([0], [1])), shape=(2, 3))
    message = said(lambda: siting.p_median(ELDERS, metres, p=1))
    assert _matches(r"^distances: .*\(2 in all; first: 0, 2\).*6 elders in all", message)
    message = said(lambda: siting.capacitated(ELDERS, metres, ROOM, costs=COSTS))
    assert _matches("6 elders in all", message)
    assert _matches(r"\(2 in all; first: 0, 2\)", said(lambda: siting.p_center(metres, p=1)))


def test_p_that_cannot_reach_all() -> None:
    metres = np.where(METRES < 6, METRES, np.inf)
    for call in (
        lambda: siting.p_median(ELDERS, metres, p=1),
        lambda: siting.p_center(metres, p=1),
    ):
        assert _matches("^p: 1 sites cannot reach .*at least 2 are needed", said(call))


def test_p_or_budget() -> None:
    for options in (
        {}, {"p": 1, "budget": 3}, {"p": 1, "costs": COSTS}, {"costs": COSTS}
    ):  # fmt: skip
        call = lambda given=options: siting.maximal_covering(ELDERS, METRES, cutoff_m=5, **given)  # noqa: E731
        assert _matches("Give either p or budget", said(call))
    message = said(lambda: siting.maximal_covering(ELDERS, METRES, cutoff_m=5, budget=0.5))
    assert _matches(r"^budget: .*\(1\), got 0.5", message)
    message = said(lambda: siting.maximal_covering(ELDERS, METRES, cutoff_m=5, budget=-1))
    assert _matches("^budget: Expected ≥ 0, got -1", message)


@pytest.mark.parametrize("share", [0, -0.1, 1.01, np.nan, "half"])
def test_share_that_is_none(share: Any) -> None:
    call = lambda: siting.partial_set_covering(ELDERS, METRES, cutoff_m=5, share=share)  # noqa: E731
    assert _matches("^share: Expected 0 < share", said(call))


def test_share_that_all_sites_do_not_cover() -> None:
    call = lambda: siting.partial_set_covering(ELDERS, METRES, cutoff_m=1, share=0.7)  # noqa: E731
    assert _matches(
        "share of elders to cover is 0.7, but all sites together cover 0.666667", said(call)
    )
    call = lambda: siting.partial_set_covering([0, 0, 0], METRES, cutoff_m=1, share=0.7)  # noqa: E731
    assert _matches("^elders: .*all are 0", said(call))


def test_capacities_that_do_not_do() -> None:
    call = lambda: siting.capacitated(ELDERS, METRES, [4, 4], costs=COSTS)  # noqa: E731
    assert _matches("^capacities: The sites should hold all 9 elders, but hold 8", said(call))
    call = lambda: siting.capacitated(ELDERS, METRES, [9], costs=COSTS)  # noqa: E731
    assert _matches("^capacities: Expected 2 numbers", said(call))
    call = lambda: siting.capacitated(ELDERS, METRES, ROOM, costs=[1, -1])  # noqa: E731
    assert _matches("^costs: .*negative", said(call))
    one = {"costs": [1, 1, 1], "single_source": True}
    three = np.ones((3, 3))
    call = lambda: siting.capacitated(ELDERS, three, [3, 3, 3], **one)  # noqa: E731
    assert _matches(r"largest capacity, 3 \(1 in all; first: 2\)", said(call))
    call = lambda: siting.capacitated([3, 3, 3, 3], np.ones((3, 4)), [5, 5, 5], **one)  # noqa: E731
    assert _matches("no way to bring all elders to sites", said(call))


def test_capacity_where_no_one_is() -> None:
    metres = np.array([[1.0, np.inf], [np.inf, 1.0]])
    call = lambda: siting.capacitated([5, 1], metres, [4, 9], costs=[1, 1])  # noqa: E731
    assert _matches("no way to bring all elders to sites", said(call))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"time_limit_s": 0}, "^time_limit_s: Expected > 0"),
        ({"time_limit_s": np.inf}, "^time_limit_s: Expected > 0"),
        ({"gap": 1}, "^gap: Expected 0 ≤ gap < 1, got 1"),
        ({"gap": -0.1}, "^gap"),
        ({"threads": 0}, "^threads: Expected 1, 2, 3"),
        ({"threads": 1.5}, "^threads"),
        ({"random_seed": -1}, "^random_seed: Expected 0, 1, 2"),
    ],
)
def test_options(options: Any, words: str) -> None:
    assert _matches(words, said(lambda: siting.p_median(ELDERS, METRES, p=1, **options)))


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(siting.SitingError) as caught:
        siting.p_median([1, -1], changed(0, 0, np.nan), p=7)
    assert [fault.where for fault in caught.value.faults] == ["distances", "elders", "p"]


def test_a_solver_that_stops_with_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from siting.classical import capacity_found, program  # noqa: PLC0415
    from siting.solvers import Outcome  # noqa: PLC0415

    monkeypatch.setattr(capacity_found, "unload", lambda *_: False)
    monkeypatch.setattr(program.Program, "relax", lambda *_: None)
    monkeypatch.setattr(program.Program, "is_infeasible", False)
    monkeypatch.setattr(
        program.Program, "search", lambda *_, **__: Outcome(End.FAILED, None, -np.inf)
    )
    metres = [[0.0, 5.0, 1.0, 1.0, 1.0], [5.0, 0.0, 1.0, 1.0, 1.0]]
    tight = [3.0, 3.0, 2.0, 2.0, 2.0], metres, [6.0, 6.0]  # fits only with both 3 at one site
    with pytest.raises(siting.SitingError) as caught:
        siting.capacitated(*tight, costs=[1.0, 1.0], single_source=True)
    assert "none was found, nor proven" in caught.value.render("en")
    apart = np.abs(np.subtract.outer(np.arange(7.0), np.arange(7.0)))
    ring = np.minimum(apart, 7.0 - apart)  # who stands next to whom; each reaches three of seven
    solution = siting.set_covering(ring, cutoff_m=1.0)
    assert (solution.proof, solution.value) == ("time_limit", 3.0)
    assert solution.bound < 3.0


def test_a_solution_can_be_kept() -> None:
    solution = siting.p_median(ELDERS, METRES, p=1)
    again = pickle.loads(pickle.dumps(solution))  # noqa: S301
    assert (again.value, again.proof) == (solution.value, solution.proof)
