"""Access and equity: by hand, equal to PySAL on the same input, and what holds in any layout."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import case_files
import numpy as np
import pandas as pd
import pytest
import tiny
from access.fca import two_stage_fca
from hypothesis import given, settings
from hypothesis import strategies as st
from inequality.gini import Gini
from scipy.sparse import csr_matrix

import siting
from siting.access import (
    CURVE_POINTS,
    MEASURES,
    floating_catchment,
    gaussian,
    lorenz,
    share_reached,
)
from siting.audit_homes import gini
from siting.outputs.workbook_access import access_matrix

if TYPE_CHECKING:
    from pathlib import Path

    from siting.problem import Problem

EDGE = math.exp(-0.5)


def weight(share: float) -> float:
    """Return the weight at a share of the catchment, from the formula as it is printed."""
    return (math.exp(-0.5 * share**2) - EDGE) / (1 - EDGE)


# The pieces


def test_the_decay_is_one_at_the_door_and_nothing_at_the_edge() -> None:
    found = gaussian(np.array([0.0, 500.0, 999.0, 1000.0, 1000.0000005, 1000.1, 5000.0]), 1000.0)
    assert found[0] == 1.0
    assert found[1] == pytest.approx((0.8824969025845955 - 0.6065306597126334) / 0.3934693402873666)
    assert 0 < found[2] < 0.003
    assert found[3:].tolist() == [0.0, 0.0, 0.0, 0.0]


def test_two_homes_share_the_elders_between_them() -> None:
    # A reaches both points at the door, B the second alone, half its catchment away.
    metres = csr_matrix(np.array([[1.0, 1.0], [0.0, 500.0]]))
    metres.data[:2] = 0.0  # stored zeros are distances of 0
    found = floating_catchment(
        metres, np.array([30.0, 20.0]), np.array([200.0, 100.0]), catchment_m=1000.0
    )
    half = weight(0.5)
    assert found == pytest.approx([30 / 300, 30 / 300 + 20 / (100 * half) * half])


def test_a_home_without_elders_in_reach_gives_nobody_a_bed() -> None:
    metres = csr_matrix((2, 2))
    found = floating_catchment(metres, np.array([30.0, 5.0]), np.ones(2), catchment_m=1000.0)
    assert found.tolist() == [0.0, 0.0]


@st.composite
def catchments(draw: st.DrawFn) -> tuple[csr_matrix, np.ndarray, np.ndarray]:
    """Draw distances, beds and elders; some pairs are out of reach, some distances 0."""
    n_sites, n_demand = draw(st.integers(1, 5)), draw(st.integers(1, 7))
    pairs = draw(st.lists(st.booleans(), min_size=n_sites * n_demand, max_size=n_sites * n_demand))
    metre = st.floats(0, 1000, width=32)
    row, column = np.nonzero(np.array(pairs).reshape(n_sites, n_demand))
    data = np.array([draw(metre) for _ in row])
    beds = draw(st.lists(st.integers(0, 300), min_size=n_sites, max_size=n_sites))
    elders = draw(st.lists(st.integers(1, 500), min_size=n_demand, max_size=n_demand))
    matrix = csr_matrix((data, (row, column)), shape=(n_sites, n_demand))
    return matrix, np.array(beds, dtype=float), np.array(elders, dtype=float)


@settings(max_examples=30, deadline=None)
@given(catchments())
def test_the_catchment_is_that_of_pysal(drawn: Any) -> None:
    metres, beds, elders = drawn
    pairs = metres.tocoo()
    if not pairs.nnz:
        return
    cost = pd.DataFrame({"origin": pairs.col, "dest": pairs.row, "cost": pairs.data})
    demand = pd.DataFrame({"demand": elders})
    supply = pd.DataFrame({"supply": beds})
    for table in (demand, supply):
        table.index.name = "geoid"
    with np.errstate(invalid="ignore", divide="ignore"):
        theirs = two_stage_fca(
            demand, supply, cost, max_cost=1000.0,
            weight_fn=lambda metre: weight(metre / 1000.0),
        )  # fmt: skip
    ours = floating_catchment(metres, beds, elders, catchment_m=1000.0)
    held = theirs.replace([np.inf, -np.inf], np.nan).dropna()
    assert ours[held.index] == pytest.approx(held.to_numpy(), rel=1e-9, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(catchments())
def test_every_bed_with_elders_in_reach_is_given_away_once(drawn: Any) -> None:
    metres, beds, elders = drawn
    near = csr_matrix((metres.data * 0.9, metres.indices, metres.indptr), shape=metres.shape)
    given_away = elders @ floating_catchment(near, beds, elders, catchment_m=1000.0)
    reached = np.diff(near.indptr) > 0
    assert given_away == pytest.approx(beds[reached].sum())


def test_t9_all_beds_in_one_of_two_equal_units_are_a_gini_of_one_half() -> None:
    assert gini(np.array([2000.0, 0.0]), np.array([10_000.0, 10_000.0])) == 0.5
    points = lorenz(np.array([2000.0, 0.0]), np.array([10_000.0, 10_000.0]))
    assert points.tolist() == [[0, 0], [0.5, 0], [1, 1]]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 6)), min_size=1, max_size=8))
def test_the_gini_weighs_each_group_as_pysal_weighs_each_head(groups: Any) -> None:
    beds, heads = (np.array(each, dtype=float) for each in zip(*groups, strict=True))
    if not beds.sum():
        return
    each_head = np.repeat(beds / heads, heads.astype(int))
    assert gini(beds, heads) == pytest.approx(float(Gini(each_head).g), abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 6)), min_size=1, max_size=8))
def test_the_gini_is_twice_the_area_above_the_lorenz_curve(groups: Any) -> None:
    beds, heads = (np.array(each, dtype=float) for each in zip(*groups, strict=True))
    if not beds[heads > 0].sum():
        assert lorenz(beds, heads).shape == (0, 2)
        return
    points = lorenz(beds, heads)
    assert 1 - 2 * np.trapezoid(points[:, 1], points[:, 0]) == pytest.approx(gini(beds, heads))
    assert points[-1] == pytest.approx([1, 1])
    assert (np.diff(points, axis=0) >= 0).all()


def test_the_ninetieth_percentile_counts_elders_and_leaves_out_those_without_a_way() -> None:
    metres = np.array([900.0, 100.0, np.nan, 300.0])
    assert share_reached(metres, np.array([1.0, 8.0, 50.0, 1.0]), 0.9) == 300.0
    assert share_reached(metres, np.array([1.1, 8.0, 50.0, 1.0]), 0.9) == 900.0
    assert share_reached(metres, np.array([0.0, 0.0, 5.0, 0.0]), 0.9) != 0
    assert math.isnan(share_reached(metres, np.array([0.0, 0.0, 5.0, 0.0]), 0.9))


# A whole case by hand


GIVEN: dict[str, Any] = {
    "elders": [{"id": f"e{x}", "x": x, "y": 0, "elders": 100} for x in (0, 300, 1000, 2000)],
    "homes": [
        {"id": "home", "x": 0, "y": 0, "beds": 30, "residents": 24},
        {"id": "day", "x": 1000, "y": 0, "beds": 20, "kind": "day_care", "residents": 0},
    ],
    "scenario": {"distance": "straight", "access": {"residents_per_1000": 15}},
}


def measured(
    given_case: dict[str, Any], folder: Path, variant: dict[str, Any] | None = None
) -> tuple[dict[Any, float], siting.Plan]:
    """Return the measures of a case: scope, id, class, state and name to value; and the plan."""
    folder.mkdir(exist_ok=True)
    done = case_files.plan_case(given_case, variant or {"audit": True}, folder)
    table = done.tables.access
    assert table is not None
    keys = table[["scope", "scope_id", "density_class", "state", "measure"]]
    return dict(zip(keys.itertuples(index=False, name=None), table["value"], strict=True)), done


def test_four_points_on_a_line_by_hand(tmp_path: Path) -> None:
    found, done = measured(GIVEN, tmp_path)
    near = weight(0.3)
    ratio = 30 / (100 * (1 + near))
    expected = {
        "elders": 400, "elders_off_network": 0, "elders_without_way": 0,
        "nearest_mean_m": (0 + 300 + 1000 + 2000) / 4, "nearest_p90_m": 2000,
        "nearest_max_m": 2000,
        "walk_share": 0.5,       # 0 m and, just so, 5 min x 60 m
        "walk_any_share": 0.75,  # and those at the door of the day care
        "accessible_mean": 1000 * 30 / 400, "accessible_none_share": 0.5,
        "beds": 30, "beds_per_1000": 75, "residents": 24, "homes_untold": 0, "occupancy": 0.8,
        "occupancy_expected": 0.015 * 400 / 30,
    }  # fmt: skip
    mine = {key[4]: value for key, value in found.items() if key[:4] == ("all", "all", "", "plan")}
    assert {key: mine[key] for key in expected} == pytest.approx(expected)
    told = done.tables.demand["accessible_beds"].to_numpy()
    assert told == pytest.approx([1000 * ratio, 1000 * ratio * near, 0, 0])
    assert done.record["access"]["plan"] == pytest.approx(mine)
    assert done.record["access"]["existing"] == done.record["access"]["plan"]


def test_the_settings_are_what_they_say(tmp_path: Path) -> None:
    change = {"audit": True, "set": {"access.walk_minutes": 10, "access.walk_m_per_min": 100,
                                     "access.catchment_m": 1500}}  # fmt: skip
    found, _ = measured(GIVEN, tmp_path, change)
    at = ("all", "all", "", "plan")
    assert found[*at, "walk_share"] == 0.75  # 1,000 m, inclusive
    assert found[*at, "accessible_none_share"] == 0.25


def test_who_is_off_the_roads_and_who_has_no_way_are_counted_apart(tmp_path: Path) -> None:
    elders = [*GIVEN["elders"], {"id": "off", "x": 0, "y": 3000, "elders": 7},
              {"id": "cut", "x": 9050, "y": 0, "elders": 5}]  # fmt: skip
    roads = [{"id": "main", "line": [[0, 0], [2000, 0]]},
             {"id": "cut", "line": [[9000, 0], [9100, 0]]}]  # fmt: skip
    case = GIVEN | {"elders": elders, "roads": roads, "scenario": {"distance": "network"}}
    found, _ = measured(case, tmp_path, {"audit": True, "set": {"network.max_snap_m": 500}})
    at = ("all", "all", "", "plan")
    assert (found[*at, "elders_off_network"], found[*at, "elders_without_way"]) == (7, 5)
    assert found[*at, "nearest_mean_m"] == pytest.approx((0 + 300 + 1000 + 2000) / 4)


def test_a_home_not_told_of_is_left_out_of_the_occupancy_and_counted(tmp_path: Path) -> None:
    change = {"audit": True, "change": {"homes": [{"id": "second", "x": 2000, "y": 0, "beds": 70}]}}
    found, _ = measured(GIVEN, tmp_path, change)
    at = ("all", "all", "", "plan")
    assert (found[*at, "occupancy"], found[*at, "homes_untold"]) == (0.8, 1)
    assert found[*at, "beds"] == 100


def test_t9_says_one_half_in_the_table_too(tmp_path: Path) -> None:
    case = case_files.read_case(case_files.CASES / "T09_where_beds_stand.yaml")
    found, done = measured(case["given"], tmp_path)
    assert found["all", "all", "", "plan", "gini_beds_unit"] == 0.5
    assert found["unit", "A", "", "plan", "beds_per_1000"] == 200
    assert found["unit", "B", "", "plan", "beds_per_1000"] == 0
    lines = done.tables.lorenz
    assert lines is not None
    curve = lines[(lines["of"] == "unit") & (lines["state"] == "plan")]
    assert curve["amount_share"].tolist() == [0, 0, 1]


def test_without_any_home_there_is_no_distance_and_no_gini(tmp_path: Path) -> None:
    case = GIVEN | {"homes": [{"id": "day", "x": 0, "y": 0, "beds": 20, "kind": "day_care"}]}
    found, done = measured(case, tmp_path)
    at = ("all", "all", "", "plan")
    assert found[*at, "elders_without_way"] == 400
    assert all(math.isnan(found[*at, name]) for name in ("nearest_mean_m", "nearest_max_m"))
    assert math.isnan(found[*at, "gini_beds_unit"])
    assert math.isnan(found[*at, "gini_accessible"])
    assert found[*at, "walk_share"] == 0
    assert (*at, "occupancy") not in found
    assert done.record["access"]["plan"]["gini_accessible"] is None


# On the roads of the tiny county


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> siting.Plan:
    path = tiny.write_tiny(tmp_path_factory.mktemp("county"))
    return siting.plan(siting.read_scenario(path))


def test_streets_are_recomputed_from_the_table_of_demand(county: siting.Plan) -> None:
    demand, table = county.tables.demand, county.tables.access
    assert table is not None
    street = demand["id"].str[:2].map(tiny.STREETS)
    for name in ("东街", "西街"):
        mine = demand[street == name]
        metres, elders = mine["nearest_network_m"], mine["elders"]
        at = table[(table["scope"] == "street") & (table["scope_id"] == name)]
        told = at[at["state"] == "plan"].set_index("measure")["value"]
        assert told["elders"] == elders.sum()
        assert told["nearest_mean_m"] == pytest.approx((metres * elders).sum() / elders.sum())
        assert told["nearest_max_m"] == metres.max()
        assert told["walk_share"] == pytest.approx(elders[metres <= 300].sum() / elders.sum())
        beds = mine["accessible_beds"]
        assert told["accessible_mean"] == pytest.approx((beds * elders).sum() / elders.sum())


def test_accessible_beds_are_those_of_every_pair_within_the_catchment(county: siting.Plan) -> None:
    problem: Problem = county.problem
    judged = county.audit.judged
    sites = np.flatnonzero(judged.qualifies)
    pairs = problem.reach.tocsr()[sites].tocoo()
    weights = np.zeros(pairs.shape)
    for site, point, metres in zip(pairs.row, pairs.col, pairs.data, strict=True):
        weights[site, point] = weight(metres / 1000) if metres <= 1000 else 0.0
    wanted = weights @ problem.elders
    ratio = np.where(wanted > 0, judged.counted_beds[sites] / np.where(wanted > 0, wanted, 1), 0)
    expected = 1000 * weights.T @ ratio
    assert county.tables.demand["accessible_beds"].to_numpy() == pytest.approx(expected, abs=1e-6)
    assert expected.max() > 0


def test_the_table_has_no_measure_of_its_own_and_every_unit(county: siting.Plan) -> None:
    table, lines = county.tables.access, county.tables.lorenz
    assert table is not None
    assert lines is not None
    assert set(table["measure"]) <= set(MEASURES)
    assert (table["unit"] == table["measure"].map(MEASURES)).all()
    assert not table.duplicated(["scope", "scope_id", "density_class", "state", "measure"]).any()
    assert set(lines["of"]) == {"street", "unit", "point"}
    assert lines.groupby(["of", "state"]).size().max() <= CURVE_POINTS


def test_the_page_has_one_row_per_place_and_loses_no_value(county: siting.Plan) -> None:
    table = county.tables.access
    assert table is not None
    wide = access_matrix(table)
    assert len(wide) == len(table.drop_duplicates(["scope", "scope_id", "density_class", "state"]))
    held = wide[list(dict.fromkeys(table["measure"]))]
    assert held.notna().sum().sum() == table["value"].notna().sum()


def test_more_beds_make_more_accessible_and_nobody_farther(tmp_path: Path) -> None:
    second = {"id": "second", "x": 2000, "y": 0, "beds": 70, "residents": 10}
    before, _ = measured(GIVEN, tmp_path / "a")
    after, _ = measured(GIVEN, tmp_path / "b", {"audit": True, "change": {"homes": [second]}})
    at = ("all", "all", "", "plan")
    assert after[*at, "accessible_mean"] > before[*at, "accessible_mean"]
    for name in ("nearest_mean_m", "nearest_p90_m", "nearest_max_m", "accessible_none_share"):
        assert after[*at, name] <= before[*at, name]
