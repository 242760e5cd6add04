"""The coverage-cost curve: a greedy order of a plan's sites, whose last row is the plan itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import case_files
import county
import numpy as np
import pandas as pd
import pytest

from siting.problem import Layout
from siting.study import coverage_cost_curve

if TYPE_CHECKING:
    from conftest import Run

    import siting

SETTINGS: dict[str, dict[str, Any]] = {
    "no limits": {},
    "tight limits": {"limits.budget_wan_yuan": 5000, "limits.max_new_sites": 9},
    "a home closes": {"locks.forbid": ["h3"]},
    "an extension is fixed": {"locks.beds": {"h2": 40, "h5": 45}},
}


@pytest.fixture(scope="module", params=SETTINGS)
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> siting.Plan:
    given = county.make_county(seed=1)
    folder = tmp_path_factory.mktemp("county") / "curve"
    return county.plan_county(given, folder, set=SETTINGS[request.param])


class Order:
    """What a plan has covered and which beds stand, kept in plain sets and sums."""

    def __init__(self, done: siting.Plan) -> None:
        self.problem, self.layout = done.problem, done.layout
        sites = self.problem.sites
        metres = self.problem.reach.tocoo()
        near = metres.data <= self.problem.standard_m[metres.col] + 1e-6
        self.points: list[set[int]] = [set() for _ in range(sites.n)]
        for site, point in zip(metres.row[near], metres.col[near], strict=True):
            self.points[site].add(int(point))
        kept = done.layout.is_open & sites.is_existing & sites.institution & (sites.beds >= 10)
        self.beds = np.where(kept, sites.beds, 0)
        self.covered = set().union(*(self.points[k] for k in np.flatnonzero(kept)))

    def gain(self, site: int, name: str) -> float:
        """Return the elders of a class whom a site would newly cover."""
        new = [p for p in self.points[site] - self.covered
               if self.problem.density_class[p] == {"high": 2, "medium": 1}[name]]  # fmt: skip
        return float(self.problem.elders[new].sum())

    def missing(self, beds: np.ndarray) -> int:
        """Return the beds that units lack."""
        lack = 0
        for unit in range(len(self.problem.unit_id)):
            elders = self.problem.elders[self.problem.demand_unit == unit].sum()
            need = -(-round(elders * 1e6) * 300 // 10**10)
            lack += max(need - int(beds[self.problem.site_unit == unit].sum()), 0)
        return lack

    def with_beds(self, site: int) -> np.ndarray:
        """Return the beds that count once a site is taken."""
        after = self.beds.copy()
        after[site] = self.layout.beds[site]
        return after

    def worth(self, site: int, cost: float) -> tuple[float, float]:
        """Return newly covered elders per cost, and missing beds supplied per cost."""
        elders = self.gain(site, "high") + self.gain(site, "medium")
        return elders / cost, (self.missing(self.beds) - self.missing(self.with_beds(site))) / cost

    def take(self, site: int) -> None:
        self.covered |= self.points[site]
        self.beds = self.with_beds(site)


def test_every_opened_or_extended_site_appears_exactly_once(done: siting.Plan) -> None:
    curve, sites = done.tables.curve, done.problem.sites
    changed = done.layout.is_open & (done.layout.beds > sites.beds)
    assert sorted(curve["id"]) == sorted(sites.id[changed])
    assert curve["rank"].tolist() == list(range(1, len(curve) + 1))
    action = dict(zip(curve["id"], curve["action"], strict=True))
    assert {name for name, each in action.items() if each == "extend"} == set(
        sites.id[changed & sites.is_existing]
    )
    assert len(curve) >= 9


def test_each_step_is_greedy_on_elders_newly_covered_for_their_cost(done: siting.Plan) -> None:
    curve, problem = done.tables.curve, done.problem
    where = {name: k for k, name in enumerate(problem.sites.id)}
    cost = dict(zip(curve["id"], curve["cost_wan_yuan"], strict=True))
    order, left = Order(done), list(curve["id"])
    for name in curve["id"]:
        worth = {each: order.worth(where[each], cost[each]) for each in left}
        best = max(worth.values())
        assert worth[name] == pytest.approx(best, rel=1e-9)
        row = curve[curve["id"] == name].iloc[0]
        assert row["elders_added_high"] == pytest.approx(order.gain(where[name], "high"))
        assert row["elders_added_medium"] == pytest.approx(order.gain(where[name], "medium"))
        order.take(where[name])
        left.remove(name)
        assert row["beds_missing"] == order.missing(order.beds)
        assert row["beds_total"] == order.beds[problem.site_unit >= 0].sum()


def test_cumulative_columns_add_up(done: siting.Plan) -> None:
    curve, record = done.tables.curve, done.record
    start = record["coverage"]["existing"] if not done.scenario.locks.forbid else None
    assert curve["cumulative_cost_wan_yuan"].to_numpy() == pytest.approx(
        np.cumsum(curve["cost_wan_yuan"])
    )
    for name in ("high", "medium"):
        share, total = curve[f"covered_share_{name}"], record["elders"][name]
        added = curve[f"elders_added_{name}"]
        assert np.diff(share) == pytest.approx(added[1:] / total, abs=1e-12)
        if start is not None:
            assert share[0] == pytest.approx(start[name] + added[0] / total)


def test_the_last_row_is_the_plan(done: siting.Plan) -> None:
    last, record = done.tables.curve.iloc[-1], done.record
    assert last["cumulative_cost_wan_yuan"] == pytest.approx(record["cost_wan_yuan"])
    assert last["covered_share_high"] == pytest.approx(record["coverage"]["plan"]["high"])
    assert last["covered_share_medium"] == pytest.approx(record["coverage"]["plan"]["medium"])
    assert last["beds_total"] == record["beds"]["plan"]
    assert last["beds_missing"] == record["beds"]["shortfall"]


def test_each_row_tells_what_its_site_costs_and_adds(done: siting.Plan) -> None:
    facilities = done.tables.facilities.set_index("id")
    for row in done.tables.curve.itertuples():
        mine = facilities.loc[row.id]
        assert row.cost_wan_yuan == pytest.approx(mine["cost_wan_yuan"])
        assert row.beds_added == mine["added_beds"]
        assert row.rank == mine["rank"]


def test_a_tiny_plan_is_ranked_as_by_hand(tmp_path: Any) -> None:
    case = case_files.read_case(case_files.CASES / "T06_tiny_plan.yaml")
    curve = case_files.plan_case(case["given"], {}, tmp_path).tables.curve
    # A covers 6,000 elders for 22, C 4,000 for 33.6; both open: A, then C with 4,000 new ones.
    assert curve["id"].tolist() == ["A", "C"]
    assert curve["elders_added_high"].tolist() == [6000, 3000]
    assert curve["elders_added_medium"].tolist() == [0, 1000]
    assert curve["cumulative_cost_wan_yuan"].tolist() == pytest.approx([22, 55.6])
    assert curve["covered_share_high"].tolist() == pytest.approx([6000 / 9000, 1])
    assert curve["covered_share_medium"].tolist() == [0, 1]
    assert curve["beds_missing"].tolist() == [180, 0]


def test_between_equals_the_site_that_comes_first_in_the_files_is_first(tmp_path: Any) -> None:
    xs = {"q": 0, "a": 3000, "m": 6000}
    given = {
        "elders": [{"id": name, "x": x, "y": 0, "elders": 40} for name, x in xs.items()],
        "zones": [{"id": name, "elders": 40, "x": [x - 50, x + 50], "y": [-50, 50]}
                  for name, x in xs.items()],
        "candidates": [{"id": name, "x": x, "y": 0, "max_beds": 10, "fixed_cost": 7.0}
                       for name, x in xs.items()],
        "scenario": {"distance": "straight"},
    }  # fmt: skip
    curve = case_files.plan_case(given, {}, tmp_path).tables.curve
    assert curve["id"].tolist() == ["q", "a", "m"]
    assert curve["elders_added_high"].tolist() == [40, 40, 40]


def test_a_site_too_small_to_count_adds_cost_and_nothing_else(tmp_path: Any) -> None:
    case = case_files.read_case(case_files.CASES / "T06_tiny_plan.yaml")
    problem = case_files.plan_case(case["given"], {}, tmp_path).problem
    beds = np.array([120, 9, 0, 0])
    curve = coverage_cost_curve(problem, Layout(beds > 0, beds)).set_index("id")
    assert curve["beds_total"].to_dict() == {"A": 120, "B": 120}
    assert curve.loc["B", ["elders_added_high", "beds_missing"]].tolist() == [0, 180]
    assert curve.loc["B", "cumulative_cost_wan_yuan"] == pytest.approx(22 + 10 + 9 * 0.15)


def test_what_stands_has_no_curve(tmp_path: Any) -> None:
    case = case_files.read_case(case_files.CASES / "T06_tiny_plan.yaml")
    done = case_files.plan_case(case["given"], {}, tmp_path)
    assert coverage_cost_curve(done.problem, done.problem.existing_layout()).empty


def test_the_last_row_of_the_sample_is_the_plan_on_disk(sample_run: Run) -> None:
    result = case_files.read_result(sample_run.folder)
    curve = result.tables["curve"].apply(pd.to_numeric, errors="coerce")
    last = curve.iloc[-1]
    assert last["cumulative_cost_wan_yuan"] == pytest.approx(result.figure("cost_wan_yuan"))
    for name in ("high", "medium"):
        assert last[f"covered_share_{name}"] == pytest.approx(
            result.figure(f"coverage.plan.{name}")
        )
    assert last["beds_total"] == result.figure("beds.plan")
    facilities = result.tables["facilities"]
    ranked = facilities[facilities["rank"] != ""]
    assert sorted(ranked["id"]) == sorted(result.tables["curve"]["id"])
