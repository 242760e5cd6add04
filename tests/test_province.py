"""A budget shared over places: against every choice, and against every division."""

from __future__ import annotations

import csv
import json
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from command import say
from test_batch import county, run_inline
from tiny import change_table

import siting
from siting.batch.division import LEVELS, Curve, Division, divide
from siting.batch.driver import Crew
from siting.batch.province import _levels
from siting.errors import ScenarioError, UnsolvedError
from siting.prepare import prepare

if TYPE_CHECKING:
    from pathlib import Path

    from siting.problem import Problem


# ------------------------------------------------------------------------------- the choice


def drawn_curve(rng: np.random.Generator, n: int) -> Curve:
    """Return plans of a place at random budgets, each worse than its bound by a little."""
    budgets = np.cumsum(rng.integers(0, 60, n)).astype(float)
    budgets[1:] += np.arange(1, n)
    costs = np.maximum(budgets - rng.integers(0, 3, n), 0.0)
    costs[0] = budgets[0]
    bounds = np.zeros((n, len(LEVELS)))
    bounds[:, 0] = np.sort(rng.integers(0, 500, n))[::-1]
    bounds[:, 1] = rng.integers(0, 300, n)
    bounds[:, 2] = rng.integers(0, 40, n)
    extra = rng.integers(0, 2, (n, len(LEVELS))) * rng.integers(0, 5, (n, len(LEVELS)))
    return Curve(budgets, np.maximum.accumulate(costs), bounds + extra, bounds)


def every_choice(curves: list[Curve], budget: float) -> tuple[float, ...]:
    """Return the best levels and cost over all choices, one after another."""
    found = []
    for choice in product(*(range(len(each.costs)) for each in curves)):
        cost = sum(each.costs[k] for each, k in zip(curves, choice, strict=True))
        if cost <= budget + 1e-9:
            levels = sum(each.reached[k] for each, k in zip(curves, choice, strict=True))
            found.append((*levels, cost))
    return min(found)


@pytest.mark.parametrize("seed", range(30))
def test_the_choice_is_the_best_of_all_choices(seed: int) -> None:
    rng = np.random.default_rng(seed)
    curves = [drawn_curve(rng, int(rng.integers(2, 6))) for _ in range(int(rng.integers(1, 5)))]
    least = sum(each.costs[0] for each in curves)
    most = sum(each.costs[-1] for each in curves)
    budget = least + float(rng.uniform(0, 1.1)) * (most - least)
    done = divide(curves, budget)
    assert (*done.reached, done.cost) == pytest.approx(every_choice(curves, budget))
    assert done.cost <= budget
    assert done.choice_bounds == pytest.approx(done.reached, rel=1e-6)


def test_a_choice_may_cost_exactly_the_budget_and_no_more() -> None:
    levels = np.array([[9.0, 0, 0, 0], [1.0, 0, 0, 0]])
    one = Curve(np.array([0.0, 0.1]), np.array([0.0, 0.1]), levels, levels)
    assert divide([one, one, one], 0.3).reached[0] == 3.0
    assert divide([one, one, one], 0.3 - 1e-7).reached[0] == 11.0
    assert divide([one], 0.0).chosen.tolist() == [0]
    with pytest.raises(UnsolvedError):
        divide([Curve(np.array([5.0]), np.array([5.0]), levels[:1], levels[:1])], 4.0)


# ------------------------------------------------------------------------------- any division


class Truth:
    """A place of which all is known: the least uncovered for every amount of money."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.steps = np.concatenate([[0.0], np.sort(rng.uniform(0, 100, 6))])
        self.high = np.concatenate([np.sort(rng.integers(0, 900, 6))[::-1], [0]]).astype(float)
        self.medium = rng.integers(0, 300, 7).astype(float)

    def at(self, money: float) -> tuple[float, float]:
        """Return what is uncovered at high and medium density at best with some money."""
        k = int(np.searchsorted(self.steps, money, side="right")) - 1
        best = self.high[: k + 1].min()
        return best, self.medium[: k + 1][self.high[: k + 1] == best].min()

    def curve(self, budgets: list[float], *, gap: float) -> Curve:
        """Return plans at some budgets; with a gap, each is worse than its bound by it."""
        rows = np.array([[*self.at(each), 0.0, 0.0] for each in budgets])
        costs = np.array(
            [self.steps[int(np.searchsorted(self.steps, each, side="right")) - 1]
             for each in budgets]
        )  # fmt: skip
        worse = rows.copy()
        worse[:, 0] += gap
        return Curve(np.array(budgets), costs, worse, rows)


def best_division(truths: list[Truth], budget: float) -> tuple[float, float]:
    """Return the best of all divisions: only shares at which something changes can matter."""
    found = []
    for shares in product(*(truth.steps for truth in truths)):
        if sum(shares) <= budget + 1e-12:
            each = [truth.at(share) for truth, share in zip(truths, shares, strict=True)]
            found.append((sum(high for high, _ in each), sum(medium for _, medium in each)))
    return min(found)


@pytest.mark.parametrize("gap", [0.0, 7.0])
@pytest.mark.parametrize("seed", range(20))
def test_no_division_is_better_than_the_bound(seed: int, gap: float) -> None:
    rng = np.random.default_rng(seed)
    truths = [Truth(rng) for _ in range(3)]
    budget = float(rng.uniform(10, 250))
    wide, fine = [0.0, 40.0, budget], [*np.linspace(0, min(budget, 100), 15).tolist(), budget]
    bounds = []
    for budgets in (wide, fine):
        kept = sorted({each for each in budgets if each <= budget})
        done = divide([truth.curve(kept, gap=gap) for truth in truths], budget)
        high, medium = best_division(truths, budget)
        assert done.bounds[0] <= high + 1e-6
        assert done.reached[0] >= high - 1e-6
        if np.isfinite(done.bounds[1]):
            assert done.reached[0] == pytest.approx(done.bounds[0])
            assert done.bounds[1] <= medium + 1e-6
        assert (gap == 0.0) or not np.isfinite(done.bounds[1]) or high == done.reached[0]
        bounds.append(done.bounds[0])
    assert bounds[1] >= bounds[0] - 1e-6


def test_the_bound_is_the_value_where_the_budgets_are_the_steps() -> None:
    truth = Truth(np.random.default_rng(3))
    curve = truth.curve(truth.steps.tolist(), gap=0.0)
    high = truth.at(100.0)[0]
    done = divide([curve], 100.0)
    assert (done.reached[0], done.bounds[0]) == (high, high)


def test_a_bound_for_more_money_holds_for_less() -> None:
    """A bound that the solver could not close at 10 is at least what is proven at 20."""
    bounds = np.array([[50.0, 0, 0, 0], [0.0, 0, 0, 0], [30.0, 0, 0, 0]])
    reached = np.array([[50.0, 0, 0, 0], [40.0, 0, 0, 0], [30.0, 0, 0, 0]])
    curve = Curve(np.array([0.0, 10, 20]), np.array([0.0, 10, 20]), reached, bounds)
    assert curve.least()[:, 0].tolist() == [50.0, 30.0, 30.0]
    assert divide([curve], 10.0).bounds[0] == 30.0


def test_a_later_bound_is_nothing_where_an_earlier_value_is_open() -> None:
    """With 10 more of the first are left than proven: the bound of the second is of another."""
    bounds = np.array([[50.0, 20, 0, 0], [30.0, 25, 0, 0]])
    reached = np.array([[50.0, 20, 0, 0], [40.0, 25, 0, 0]])
    curve = Curve(np.array([0.0, 10]), np.array([0.0, 10]), reached, bounds)
    assert curve.least().tolist() == [[50.0, 20, 0, 0], [30.0, 0, 0, 0]]


def test_what_any_division_could_cover_is_told_beside_what_the_curves_give() -> None:
    division = Division(
        np.array([0]), np.array([40.0, 9, 0, 0]), np.array([38.0, 9, 0, 0]),
        np.array([30.0, -np.inf, -np.inf, -np.inf]), 10.0, np.array([0]),
    )  # fmt: skip
    whole = {"covered_high": 160.0, "covered_medium": 91.0}
    high, medium = _levels(division, whole, {"high": 200.0, "medium": 100.0})
    assert (high["most_of_any_division"], high["most_of_curves"]) == (170.0, 162.0)
    assert (high["gap"], high["gap_of_choice"]) == pytest.approx((0.05, 0.01))
    assert (medium["most_of_any_division"], medium["gap"]) == (None, None)


# ------------------------------------------------------------------------------- counties


def dearer(folder: Path, name: str, factor: float, **settings: Any) -> Path:
    """Write a tiny county whose candidates cost more or less."""
    path = county(folder, name, **settings)

    def change(table: Any) -> None:
        for column in ("fixed_cost", "cost_per_bed"):
            table[column] = (table[column].astype(float) * factor).astype(str)

    change_table(path.with_name("candidates.csv"), change)
    return path


def covered_by_hand(problem: Problem) -> dict[float, float]:
    """Return the most elders covered at high density for each cost of some sites, all tried."""
    high = problem.density_class == 2
    covers = problem.covers.toarray()
    free = np.flatnonzero(
        ~problem.sites.is_existing | (problem.sites.max_beds > problem.sites.beds)
    )
    found: dict[float, float] = {}
    for takes in product((False, True), repeat=len(free)):
        taken = free[np.array(takes)]
        least = np.maximum(np.maximum(problem.sites.min_beds[taken], 10), problem.sites.beds[taken])
        added = least - np.where(problem.sites.is_existing[taken], problem.sites.beds[taken], 0)
        cost = problem.sites.fixed_cost[taken] + problem.sites.cost_per_bed[taken] * added
        changed = ~problem.sites.is_existing[taken] | (added > 0)
        open_now = (
            problem.sites.is_existing & problem.sites.institution & (problem.sites.beds >= 10)
        )
        stands = np.union1d(np.flatnonzero(open_now), taken[problem.sites.institution[taken]])
        elders = float(problem.elders[high & covers[stands].any(axis=0)].sum())
        amount = round(float(cost[changed].sum()), 6)
        found[amount] = max(found.get(amount, 0.0), elders)
    return found


@pytest.mark.parametrize("budget", [250.0, 900.0])
def test_counties_share_a_budget_as_well_as_can_be(
    tmp_path: Path, budget: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against every set of sites of both counties, tried by hand."""
    monkeypatch.setattr(Crew, "run", run_inline)
    paths = [dearer(tmp_path, "a", 1.0), dearer(tmp_path, "b", 1.6)]
    done = siting.share_budget(paths, tmp_path / "out", budget_wan_yuan=budget)
    tables = [covered_by_hand(prepare(siting.read_scenario(path)).problem) for path in paths]
    best = max(
        one + two
        for (cost, one), (more, two) in product(tables[0].items(), tables[1].items())
        if cost + more <= budget
    )
    high = done.proof["levels"][0]
    assert high["most_of_any_division"] >= best - 1e-6
    assert high["covered"] <= best + 1e-6
    assert high["gap"] == pytest.approx(
        (high["most_of_any_division"] - high["covered"]) / high["elders"]
    )
    assert high["covered"] == pytest.approx(best)
    records = [
        json.loads((tmp_path / "out" / name / "run.json").read_text(encoding="utf-8"))
        for name in "ab"
    ]
    assert sum(each["cost_wan_yuan"] for each in records) <= budget
    assert high["covered"] == pytest.approx(
        sum(each["coverage"]["plan"]["high"] * each["elders"]["high"] for each in records)
    )
    assert float(done.shares.sum()) <= budget + 1e-6


def test_no_plan_of_a_place_passes_its_own_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Crew, "run", run_inline)
    free, held = dearer(tmp_path, "a", 1.0), dearer(tmp_path, "b", 1.0, limits__budget_wan_yuan=300)
    siting.share_budget([free, held], tmp_path / "out", budget_wan_yuan=5000)
    with (tmp_path / "out" / "curves.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    most = {
        path: max(float(row["cost_wan_yuan"]) for row in rows if row["scenario"] == path.as_posix())
        for path in (free, held)
    }
    assert most[held] <= 300 < most[free]


def test_the_tables_of_a_province_fit_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Crew, "run", run_inline)
    paths = [dearer(tmp_path, "a", 1.0), dearer(tmp_path, "b", 1.6)]
    out = tmp_path / "省"
    told = say(
        capsys, "province", *paths, "--budget", 500, "--points", 3, "--out", out, "--lang", "en"
    )
    assert told.code == 0
    assert "Budget of 500.0 shared over 2 places" in told.out
    with (out / "province.csv").open(encoding="utf-8-sig", newline="") as file:
        *places, whole = list(csv.DictReader(file))
    assert [row["scenario"] for row in places] == [path.as_posix() for path in paths]
    for column in ("budget_wan_yuan", "cost_wan_yuan", "covered_high", "covered_medium"):
        assert float(whole[column]) == pytest.approx(sum(float(row[column]) for row in places))
    assert float(whole["budget_wan_yuan"]) <= 500 + 1e-6
    for row in places:
        assert float(row["covered_high"]) <= float(row["most_covered_high"]) + 1e-6
        assert float(row["cost_wan_yuan"]) <= float(row["budget_wan_yuan"]) + 1e-6
    with (out / "curves.csv").open(encoding="utf-8-sig", newline="") as file:
        curves = list(csv.DictReader(file))
    for path in paths:
        mine = [row for row in curves if row["scenario"] == path.as_posix()]
        assert 2 <= len(mine) <= 6
        assert [row["chosen"] for row in mine].count("True") == 1
        for row in mine:
            assert float(row["cost_wan_yuan"]) <= float(row["budget_wan_yuan"]) + 1e-6
            assert float(row["bound_uncovered_high"]) <= float(row["uncovered_high"]) + 1e-6
    names = {item.name for item in out.iterdir()}
    assert names == {
        "a", "b", "batch.csv", "batch.json", "curves.csv", "province.csv", "province.json",
    }  # fmt: skip


# ------------------------------------------------------------------------------- refused


def test_what_cannot_be_shared_is_told_in_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Crew, "run", run_inline)
    good, out = county(tmp_path, "good"), tmp_path / "out"
    locked = county(tmp_path, "locked", locks__open=["C1", "C2"])
    bad = county(tmp_path, "bad", standard="no-such")
    with pytest.raises(ScenarioError, match=r"每个县都应能规划.*bad\.yaml.*no-such"):
        siting.share_budget([good, bad], out, budget_wan_yuan=500)
    with pytest.raises(ScenarioError, match="锁定要建"):
        siting.share_budget([good, locked], out, budget_wan_yuan=100)
    for budget in (-1.0, float("nan")):
        with pytest.raises(ScenarioError, match="--budget"):
            siting.share_budget([good], out, budget_wan_yuan=budget)
    with pytest.raises(ScenarioError, match="--points"):
        siting.share_budget([good], out, budget_wan_yuan=1.0, points=1)
    assert not (out / "province.csv").exists()
