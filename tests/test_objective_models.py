"""
A classical model as the objective of a scenario: against every choice of sites, by hand.

The tiny county's points, homes and candidates all stand on crossings of a grid of roads, so that a
walk is as long as the way along two axes: distances here are worked out without the program.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from tiny import CORNER, CRS, DEEP, ELDERS, SIDE, STEP, change_geojson, change_table, write_tiny

import siting
from siting.classical import planned
from siting.classical.ask import ASK
from siting.classical.case import case_of
from siting.classical.stopgap import stopgap
from siting.cli import main
from siting.errors import UnsolvedError
from siting.scenario import Objective
from siting.scenario_objective import MODELS

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
HOME = (500, 500)
"""The one home that counts: H1, 60 beds."""
SPOTS = {
    "C1": (300, 300), "C2": (900, 900), "C3": (1700, 300), "C4": (2300, 700), "C5": (1100, 500),
    "C6": (1900, 900), "C7": (2900, 100), "C8": (100, 900),
}  # fmt: skip
PRICES = {name: 100.0 + 10 * (5 * k % 8) for k, name in enumerate(SPOTS)}
"""Fixed costs; each bed costs 10."""
BEDS = {name: 20 + 10 * (3 * k % 4) for k, name in enumerate(SPOTS)}
"""Most beds of each candidate; the fewest are 10."""
POINTS = np.array(
    [
        (SIDE * k + STEP * i + STEP / 2, STEP * j + STEP / 2)
        for k in range(len(ELDERS)) for i in range(DEEP) for j in range(DEEP)
    ]
)  # fmt: skip
PEOPLE = np.repeat(list(ELDERS.values()), DEEP**2).astype(float)
EACH_BED = 10_000 / 300


def walks(places: list[tuple[int, int]]) -> np.ndarray:
    """Return the way from places to every demand point along the grid, metres."""
    spots = np.array(places, dtype=float).reshape(-1, 2)
    return np.abs(spots[:, None] - POINTS[None]).sum(axis=2)


def write_county(folder: Path, **settings: Any) -> Path:
    """Write the tiny county with eight candidates, and its homes in metres to the last digit."""
    path = write_tiny(folder, existing__crs=CRS, **settings)

    def in_metres(homes: pd.DataFrame) -> None:
        homes["经度"] = [CORNER[0] + x for x in (500, 1500, 2500)]
        homes["纬度"] = CORNER[1] + 500

    change_table(folder / "homes.csv", in_metres)
    table = pd.DataFrame(
        [
            {"id": name, "name": name, "min_beds": 10, "max_beds": BEDS[name],
             "fixed_cost": PRICES[name], "cost_per_bed": 10,
             "x": CORNER[0] + x, "y": CORNER[1] + y}
            for name, (x, y) in SPOTS.items()
        ]
    )  # fmt: skip
    table.to_csv(path.parent / "candidates.csv", index=False)
    return path


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> siting.Prepared:
    """Read the county once; each test asks its own model of it."""
    path = write_county(tmp_path_factory.mktemp("objective") / "county")
    return siting.prepare(siting.read_scenario(path))


def solved(prepared: siting.Prepared, **asked: Any) -> siting.ModelSolution:
    """Return what a model reaches over a county that is read already."""
    scenario = prepared.scenario.model_copy(update={"objective": Objective(**asked)})
    return planned.plan_objective(replace(prepared, scenario=scenario))


def opened(prepared: siting.Prepared, solution: siting.Solution) -> list[str]:
    """Return the ids of the candidates that a solution opens."""
    new = solution.layout.is_open & ~prepared.problem.sites.is_existing
    return [str(each) for each in prepared.problem.sites.id[new]]


# Every choice of sites


def _stands(existing: str) -> list[tuple[int, int]]:
    return [HOME] if existing == "keep" else []


def _nearest(names: tuple[str, ...], existing: str) -> np.ndarray:
    places = [*_stands(existing), *(SPOTS[each] for each in names)]
    return walks(places).min(axis=0) if places else np.full(len(PEOPLE), np.inf)


def _cost(names: tuple[str, ...]) -> float:
    return sum(PRICES[each] + 10 * 10 for each in names)


def _choices(sizes: Any) -> list[tuple[str, ...]]:
    return [each for size in sizes for each in combinations(SPOTS, size)]


@pytest.mark.parametrize("existing", ["keep", "ignore"])
@pytest.mark.parametrize(("p", "cutoff_m"), [(1, 400), (3, 400), (3, 799), (3, 800), (8, 600)])
def test_maximal_covering(county: siting.Prepared, p: int, cutoff_m: int, existing: str) -> None:
    best = max(PEOPLE[_nearest(each, existing) <= cutoff_m].sum() for each in _choices([p]))
    done = solved(county, model="maximal_covering", p=p, cutoff_m=float(cutoff_m),
                  existing=existing)  # fmt: skip
    (stage,) = done.stages
    assert (stage.name, stage.value, stage.bound) == ("maximal_covering", best, best)
    assert (done.status, len(opened(county, done))) == ("optimal", p)


@pytest.mark.parametrize("budget", [150.0, 450.0, 900.0, 5000.0])
def test_maximal_covering_for_money(county: siting.Prepared, budget: float) -> None:
    best = max(
        PEOPLE[_nearest(each, "keep") <= 500].sum()
        for each in _choices(range(9)) if _cost(each) <= budget
    )  # fmt: skip
    done = solved(county, model="maximal_covering", budget_wan_yuan=budget, cutoff_m=500.0)
    assert (done.stages[0].value, done.status) == (best, "optimal")
    assert county.problem.cost(done.layout).sum() <= budget


@pytest.mark.parametrize("existing", ["keep", "ignore"])
@pytest.mark.parametrize("minimise", ["sites", "cost"])
@pytest.mark.parametrize("cutoff_m", [500, 900])
def test_set_covering(county: siting.Prepared, cutoff_m: int, minimise: str, existing: str) -> None:
    could = _nearest(tuple(SPOTS), existing) <= cutoff_m
    covers = [
        each for each in _choices(range(9))
        if (_nearest(each, existing)[could] <= cutoff_m).all()
    ]  # fmt: skip
    best = min(len(each) if minimise == "sites" else _cost(each) for each in covers)
    done = solved(county, model="set_covering", cutoff_m=float(cutoff_m), minimise=minimise,
                  existing=existing)  # fmt: skip
    assert (done.stages[0].value, done.status) == (best, "optimal")
    assert done.figures["elders_covered"] == PEOPLE[could].sum()
    assert done.figures["elders_out_of_reach"] == PEOPLE[~could].sum()


@pytest.mark.parametrize("existing", ["keep", "ignore"])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.7])
def test_partial_set_covering(county: siting.Prepared, share: float, existing: str) -> None:
    enough = [
        each for each in _choices(range(9))
        if PEOPLE[_nearest(each, existing) <= 600].sum() >= share * PEOPLE.sum()
    ]  # fmt: skip
    done = solved(county, model="partial_set_covering", cutoff_m=600.0, share=share,
                  existing=existing)  # fmt: skip
    assert (done.stages[0].value, done.status) == (min(map(len, enough)), "optimal")


@pytest.mark.parametrize("existing", ["keep", "ignore"])
@pytest.mark.parametrize("cutoff_m", [None, 500.0, 1200.0])
@pytest.mark.parametrize("p", [1, 3])
def test_p_median(county: siting.Prepared, p: int, cutoff_m: float | None, existing: str) -> None:
    limit = np.inf if cutoff_m is None else cutoff_m
    best = min(PEOPLE @ np.minimum(_nearest(each, existing), limit) for each in _choices([p]))
    done = solved(county, model="p_median", p=p, cutoff_m=cutoff_m, existing=existing)
    assert done.stages[0].value == pytest.approx(best, abs=1e-3)
    assert done.stages[0].bound == pytest.approx(best, abs=1e-3)
    assert (done.status, len(opened(county, done))) == ("optimal", p)


@pytest.mark.parametrize("existing", ["keep", "ignore"])
@pytest.mark.parametrize("p", [1, 2, 4])
def test_p_center(county: siting.Prepared, p: int, existing: str) -> None:
    best = min(_nearest(each, existing).max() for each in _choices([p]))
    done = solved(county, model="p_center", p=p, existing=existing)
    assert done.stages[0].value == pytest.approx(best, abs=1e-5)
    assert (done.status, len(opened(county, done))) == ("optimal", p)


def _flows(names: tuple[str, ...], existing: str, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the ways that may be used and the elders that each place can hold."""
    places = [*_stands(existing), *(SPOTS[each] for each in names)]
    beds = [60] * len(_stands(existing)) + [BEDS[each] for each in names]
    metres = walks(places)
    return np.where(metres <= limit, metres, np.inf), np.array(beds, dtype=float) * EACH_BED


def _served(metres: np.ndarray, room: np.ndarray, per_metre: float, *, all_of_them: bool) -> float:
    """Return the most elders served, or minus the least way if all are; -inf where they cannot."""
    site, point = np.nonzero(np.isfinite(metres))
    weight = np.full(len(site), 1.0) if not all_of_them else -metres[site, point] * per_metre
    load = np.array([(site == each).astype(float) for each in range(len(room))])
    once = np.array([(point == each).astype(float) for each in range(len(PEOPLE))])
    low = np.concatenate([np.full(len(room), -np.inf), PEOPLE if all_of_them else 0 * PEOPLE])
    rows = LinearConstraint(np.vstack([load, once]), low, np.concatenate([room, PEOPLE]))
    done = milp(-weight, constraints=rows, bounds=Bounds(0, np.inf))
    return float(-done.fun) if done.success else -np.inf


@pytest.mark.parametrize("existing", ["keep", "ignore"])
def test_capacitated_maximal_covering(county: siting.Prepared, existing: str) -> None:
    best = max(
        _served(*_flows(each, existing, 700), 0.0, all_of_them=False) for each in _choices([2])
    )
    done = solved(county, model="capacitated_maximal_covering", p=2, cutoff_m=700.0,
                  existing=existing)  # fmt: skip
    assert done.stages[0].value == pytest.approx(best)
    assert done.stages[0].bound == pytest.approx(best)
    beds = dict(zip(county.problem.sites.id, done.layout.beds, strict=True))
    assert {each: beds[each] for each in opened(county, done)} == {
        each: BEDS[each] for each in opened(county, done)
    }
    assert done.figures["elders_served"] == pytest.approx(best)


def test_capacitated(county: siting.Prepared) -> None:
    def worth(names: tuple[str, ...]) -> float:
        way = -_served(*_flows(names, "keep", np.inf), 0.05 / 1000, all_of_them=True)
        return way + sum(PRICES[each] + 10 * BEDS[each] for each in names)

    room = {each: 60 + sum(BEDS[name] for name in each) for each in _choices(range(3, 9))}
    best = min(worth(each) for each, beds in room.items() if beds * EACH_BED >= PEOPLE.sum())
    done = solved(county, model="capacitated", wan_yuan_per_elder_km=0.05)
    assert done.stages[0].value == pytest.approx(best, rel=1e-6)
    assert done.stages[0].gap <= 1e-6
    assert done.figures["elders_without_room"] == pytest.approx(0.0, abs=1e-6)


# What stands, locks, what is out of reach


def test_a_lock_counts_among_the_new_sites(county: siting.Prepared) -> None:
    sites = county.problem.sites
    locks = {"locked_open": sites.id == "C7", "forbidden": np.isin(sites.id, ["C3", "H1"])}
    locked = replace(county, problem=replace(county.problem, **locks))
    left = [each for each in SPOTS if each not in {"C3", "C7"}]
    best = max(
        PEOPLE[walks([SPOTS[each] for each in (*pair, "C7")]).min(axis=0) <= 500].sum()
        for pair in combinations(left, 2)
    )
    done = solved(locked, model="maximal_covering", p=3, cutoff_m=500.0)
    assert done.stages[0].value == best
    assert "C7" in opened(county, done)
    assert len(opened(county, done)) == 3
    assert not done.layout.is_open[sites.id == "H1"].any()
    alone = solved(locked, model="p_median", p=1)
    assert opened(county, alone) == ["C7"]
    assert alone.stages[0].value == pytest.approx(PEOPLE @ walks([SPOTS["C7"]])[0], abs=1e-3)
    assert (alone.status, alone.stages[0].proof) == ("optimal", "inspection")


@pytest.mark.parametrize("minimise", ["sites", "cost"])
def test_a_lock_counts_in_what_covering_needs(county: siting.Prepared, minimise: str) -> None:
    problem = replace(county.problem, locked_open=county.problem.sites.id == "C7")
    could = _nearest(tuple(SPOTS), "keep") <= 500
    covers = [
        each for each in _choices(range(1, 9))
        if "C7" in each and (_nearest(each, "keep")[could] <= 500).all()
    ]  # fmt: skip
    best = min(len(each) if minimise == "sites" else _cost(each) for each in covers)
    done = solved(replace(county, problem=problem), model="set_covering", cutoff_m=500.0,
                  minimise=minimise)  # fmt: skip
    (stage,) = done.stages
    assert (stage.value, stage.bound) == pytest.approx((best, best))
    assert stage.proof == "search"


@pytest.mark.parametrize("budget", [400.0, 700.0])
def test_a_lock_is_paid_from_the_budget(county: siting.Prepared, budget: float) -> None:
    problem = replace(county.problem, locked_open=county.problem.sites.id == "C7")
    best = max(
        PEOPLE[_nearest(each, "keep") <= 500].sum()
        for each in _choices(range(1, 9)) if "C7" in each and _cost(each) <= budget
    )  # fmt: skip
    done = solved(replace(county, problem=problem), model="maximal_covering", cutoff_m=500.0,
                  budget_wan_yuan=budget)  # fmt: skip
    assert (done.stages[0].value, done.stages[0].bound) == (best, best)
    assert county.problem.cost(done.layout).sum() <= budget


def test_who_is_nearest_to_what_stands_bounds_the_longest_way(county: siting.Prepared) -> None:
    """The farthest point has the home as its nearest; the one candidate helps others only."""
    home = walks([HOME])[0]
    far = int(np.argmax(home))
    name = next(each for each, spot in SPOTS.items() if walks([spot])[0][far] >= home[far])
    others = np.isin(county.problem.sites.id, [each for each in SPOTS if each != name])
    closed = replace(county, problem=replace(county.problem, forbidden=others))
    (stage,) = solved(closed, model="p_center", p=1).stages
    assert (stage.value, stage.bound) == pytest.approx((home[far], home[far]))
    assert np.any(walks([SPOTS[name]])[0] < home)


def test_nobody_has_to_reach_a_point_without_elders(county: siting.Prepared) -> None:
    elders = np.where(POINTS[:, 0] < SIDE, PEOPLE, 0.0)
    best = min(_nearest(each, "keep")[elders > 0].max() for each in _choices([1]))
    lived = replace(county, problem=replace(county.problem, elders=elders))
    done = solved(lived, model="p_center", p=1)
    assert done.stages[0].value == pytest.approx(best)
    assert done.figures["elders_out_of_reach"] == 0


def test_where_any_site_will_do_the_cheapest_that_reaches_someone_is_opened(
    county: siting.Prepared,
) -> None:
    asked = Objective(model="maximal_covering", p=1, cutoff_m=3000.0)  # the home covers everyone
    scenario = county.scenario.model_copy(update={"objective": asked})
    case = case_of(replace(county, scenario=scenario))
    cheap = int(case.free[0])
    assert case.given.id[cheap] == min(PRICES, key=PRICES.__getitem__)
    distances = case.given.distances.tolil()
    distances[cheap] = 0.0
    left = replace(case.given, distances=csr_array(distances.tocsr()))
    left.distances.eliminate_zeros()
    assert replace(case, given=left).free.tolist()[-1] == cheap


def test_beds_of_a_lock_are_the_beds_that_stand(county: siting.Prepared) -> None:
    sites = county.problem.sites
    beds = np.where(sites.id == "C2", 35, np.where(sites.id == "H1", 90, -1))
    problem = replace(county.problem, locked_beds=beds, locked_open=beds > 0)
    locked = replace(county, problem=problem)
    done = solved(locked, model="capacitated_maximal_covering", p=1, cutoff_m=3000.0)
    assert opened(county, done) == ["C2"]
    assert done.stages[0].value == pytest.approx((90 + 35) * EACH_BED)
    assert (done.layout.beds[sites.id == "H1"] == 90).all()


def test_elders_off_the_roads_are_counted_and_not_dropped(tmp_path: Path) -> None:
    path = write_county(tmp_path / "county")

    def away(table: pd.DataFrame) -> None:
        table.loc[table["id"].isin(["Z1-0-0", "Z1-0-1"]), "x"] = CORNER[0] - 9000

    change_table(path.parent / "elders.csv", away)
    prepared = siting.prepare(siting.read_scenario(path))
    near = np.delete(np.arange(len(PEOPLE)), [0, 1])
    metres = np.array([_nearest(each, "keep")[near] for each in _choices([2])])
    free = solved(prepared, model="p_median", p=2)
    assert free.stages[0].value == pytest.approx((metres @ PEOPLE[near]).min(), abs=1e-3)
    assert free.figures["elders_out_of_reach"] == 2 * 160
    assert free.figures["points_out_of_reach"] == 2
    capped = solved(prepared, model="p_median", p=2, cutoff_m=1000.0)
    best = (np.minimum(metres, 1000) @ PEOPLE[near]).min() + 2 * 160 * 1000
    assert capped.stages[0].value == pytest.approx(best, abs=1e-3)
    lines = [each for each in prepared.check.lines if each.code == "objective_out_of_reach"]
    assert [(each.count, each.elders) for each in lines] == [(2, 320.0)] * 2
    whole = solved(prepared, model="p_center", p=8)
    assert whole.stages[0].value == pytest.approx(_nearest(tuple(SPOTS), "keep")[near].max())


def test_straight_distances_are_those_of_the_model(tmp_path: Path) -> None:
    path = write_county(tmp_path / "county", distance="straight")
    prepared = siting.prepare(siting.read_scenario(path))
    spots = {name: np.hypot(*(np.array(spot) - POINTS).T) for name, spot in SPOTS.items()}
    home = np.hypot(*(np.array(HOME) - POINTS).T)
    best = min(PEOPLE @ np.minimum(home, np.minimum(spots[a], spots[b])) for a, b in _choices([2]))
    done = solved(prepared, model="p_median", p=2)
    assert done.stages[0].value == pytest.approx(best, abs=1e-2)


def test_sites_that_add_nothing_are_opened_and_counted(county: siting.Prepared) -> None:
    all_open = solved(county, model="maximal_covering", p=8, cutoff_m=3000.0)
    assert len(opened(county, all_open)) == 8
    assert all_open.figures["sites_without_effect"] == 8  # the home alone covers everyone
    assert all_open.stages[0].value == PEOPLE.sum()
    useful = solved(county, model="p_median", p=3)
    assert useful.figures["sites_without_effect"] == 0


def test_nobody_in_reach_is_a_plan_that_says_so(county: siting.Prepared) -> None:
    sites = county.problem.sites
    nowhere = replace(county.problem, forbidden=sites.is_existing)
    done = solved(
        replace(county, problem=nowhere), model="maximal_covering", p=1, cutoff_m=0.0000001,
        existing="ignore",
    )  # fmt: skip
    on_a_point = 160  # C1 stands where 160 elders live, as all candidates in Z1 do
    assert done.stages[0].value == on_a_point
    off = replace(county.problem, elders=np.where(PEOPLE == 20, 20.0, 0.0))
    quiet = solved(
        replace(county, problem=off), model="set_covering", cutoff_m=0.0000001, existing="ignore"
    )
    assert quiet.figures["elders_out_of_reach"] == 25 * 20 - 2 * 20  # C4 and C7 stand on points


# More is never worse


@pytest.mark.parametrize(
    ("asked", "sign"),
    [
        ({"model": "maximal_covering", "cutoff_m": 500.0}, 1),
        ({"model": "capacitated_maximal_covering", "cutoff_m": 500.0}, 1),
        ({"model": "p_median"}, -1),
        ({"model": "p_center"}, -1),
    ],
)
def test_one_more_site_is_never_worse(
    county: siting.Prepared, asked: dict[str, Any], sign: int
) -> None:
    values = [sign * solved(county, **asked, p=p).stages[0].value for p in range(1, 9)]
    assert values == sorted(values)
    assert values[0] < values[-1]


def test_a_longer_cutoff_never_covers_fewer_nor_needs_more(county: siting.Prepared) -> None:
    covered = [
        solved(county, model="maximal_covering", p=2, cutoff_m=float(each)).stages[0].value
        for each in (300, 500, 700, 1100)
    ]
    assert covered == sorted(set(covered))


# From the command line


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the county with a model from the command line, with every output but the sheet."""
    folder = tmp_path_factory.mktemp("run")
    path = write_county(folder / "county", language="en", outputs__tables=True, outputs__map=True)
    words = ["run", str(path), "--out", str(folder / "out"), "--quiet"]
    asked = "objective={model: maximal_covering, p: 3, cutoff_m: 400}"
    result = CliRunner().invoke(main, [*words, "--set", asked])
    assert result.exit_code == 0, result.output
    return folder / "out"


def test_every_output_says_which_model_was_asked(run_folder: Path) -> None:
    said = "maximal covering: 3 new sites, within 400 m, with the homes that stand"
    book = openpyxl.load_workbook(run_folder / "tables.xlsx")
    rows = {row[0].value: row[1].value for row in book.worksheets[0].iter_rows()}
    assert rows["Objective (classical model)"] == said
    assert said in (run_folder / "map.html").read_text(encoding="utf-8")
    check = pd.read_csv(run_folder / "check.csv")
    line = check.loc[check["where"] == "objective", "message"].iloc[0]
    assert "maximal covering" in line
    assert "8 candidates" in line


def test_the_record_agrees_with_the_tables(run_folder: Path) -> None:
    record = pd.read_json(run_folder / "run.json", typ="series")
    demand = pd.read_csv(run_folder / "demand.csv")
    covered = demand.loc[demand["nearest_network_m"] <= 400 + 1e-6, "elders"].sum()
    (stage,) = record["stages"]
    assert stage["value"] == covered == record["objective"]["elders_covered"]
    home = PEOPLE[_nearest((), "keep") <= 400].sum()
    assert record["objective"]["elders_covered_existing"] == home
    assert record["status"] == "optimal"
    assert record["sites"]["new"] == 3
    assert set(pd.read_csv(run_folder / "audit.csv")["state"]) == {"existing", "plan"}
    facilities = pd.read_csv(run_folder / "facilities.csv").set_index("id")
    new = facilities[facilities["status"] == "new"]
    assert (new["beds"] == 10).all()
    assert record["cost_wan_yuan"] == sum(PRICES[each] + 100 for each in new.index)


def test_the_summary_says_what_was_reached(tmp_path: Path) -> None:
    path = write_county(tmp_path / "county", language="en")
    words = ["run", str(path), "--out", str(tmp_path / "out")]
    asked = "objective={model: p_median, p: 2, cutoff_m: 1200}"
    said = CliRunner().invoke(main, [*words, "--set", asked]).output
    assert "Objective: p-median: 2 new sites, within 1200 m" in said
    assert "gap 0.00%" in said
    assert "Elders within 1200 m: " in said
    assert "Elders out of reach of every site: 0;" in said


def test_every_model_has_words_for_its_settings() -> None:
    needed: dict[str, Any] = {
        "p": 2, "cutoff_m": 500.0, "share": 0.5, "wan_yuan_per_elder_km": 0.1, "single_source": True
    }  # fmt: skip
    for model, (needs, may) in MODELS.items():
        given = {key: value for key, value in needed.items() if key in needs | may}
        objective = Objective(model=model, **given)
        for language in ("zh", "en"):
            words = objective.in_words(language)
            assert "{" not in words
            assert ("500" in words) == ("cutoff_m" in given)
            assert ("300" in words) == ("beds_per_10000" in may)
    assert set(ASK) == set(MODELS)


# Stopped before there is an answer


def _halt(error: BaseException) -> Callable[..., Any]:
    def ask(*_: Any) -> None:
        raise error

    return ask


@pytest.mark.parametrize(
    "asked",
    [
        {"model": "maximal_covering", "p": 3, "cutoff_m": 500.0},
        {"model": "maximal_covering", "budget_wan_yuan": 500.0, "cutoff_m": 500.0},
        {"model": "set_covering", "cutoff_m": 500.0},
        {"model": "p_median", "p": 3},
        {"model": "p_center", "p": 3},
        {"model": "capacitated", "wan_yuan_per_elder_km": 0.05},
        {"model": "capacitated_maximal_covering", "p": 3, "cutoff_m": 500.0},
    ],
)
def test_ctrl_c_leaves_a_plan_that_claims_no_more_than_is_proven(
    county: siting.Prepared, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]
) -> None:
    best = solved(county, **asked).stages[0].value
    monkeypatch.setitem(ASK, asked["model"], _halt(KeyboardInterrupt()))
    done = solved(county, **asked)
    (stage,) = done.stages
    assert done.status == "interrupted"
    assert stage.proof == "inspection"
    low, high = sorted((stage.value, stage.bound))
    assert low - 1e-6 <= best <= high + 1e-6
    if "p" in asked:
        assert len(opened(county, done)) == asked["p"]
    late = UnsolvedError.of("classical_time", "x", seconds=1.0)
    monkeypatch.setitem(ASK, asked["model"], _halt(late))
    again = solved(county, **asked)
    assert again.stages[0].value == stage.value
    assert again.status == ("time_limit" if stage.gap > 1e-6 else "optimal")


def test_what_stands_in_keeps_each_point_at_one_site_where_that_is_asked(
    county: siting.Prepared,
) -> None:
    asked = Objective(
        model="capacitated_maximal_covering", p=3, cutoff_m=500.0, single_source=True
    )  # fmt: skip
    scenario = county.scenario.model_copy(update={"objective": asked})
    found = stopgap(case_of(replace(county, scenario=scenario)))
    assert found is not None
    flow = found.flow.tocoo()
    assert len(np.unique(flow.col)) == flow.nnz > 10
    assert (flow.data == PEOPLE[flow.col]).all()


def test_a_value_better_than_what_is_proven_is_refused(
    county: siting.Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = ASK["maximal_covering"]

    def wrong(*given: Any) -> Any:
        return replace(true(*given), bound=1000.0)

    monkeypatch.setitem(ASK, "maximal_covering", wrong)
    with pytest.raises(UnsolvedError, match="重算"):
        solved(county, model="maximal_covering", p=3, cutoff_m=500.0)


# What cannot be


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"model": "p_median", "p": 9}, "at least 9 candidates.*got 8"),
        (
            {"model": "partial_set_covering", "share": 0.99, "cutoff_m": 300.0},
            "share of all elders to cover is 0.99, but .* cover 0.",
        ),
        (
            {"model": "capacitated", "wan_yuan_per_elder_km": 0.0, "beds_per_10000": 2000.0},
            "6,500 elders are within reach, but .* at 2000 beds",
        ),
        (
            {"model": "capacitated", "wan_yuan_per_elder_km": 0.0, "beds_per_10000": 600.0,
             "cutoff_m": 300.0},  # C1 alone reaches 480 elders and holds 333
            "no way to find room",
        ),
        (
            {"model": "capacitated", "wan_yuan_per_elder_km": 0.0, "beds_per_10000": 3200.0,
             "single_source": True, "existing": "ignore", "cutoff_m": 1e-7},
            "largest site holds, 156.*3 in all; first: Z1-0-4, Z1-1-1, Z1-4-4",
        ),
    ],
)  # fmt: skip
def test_what_the_sites_cannot_give_is_told(
    county: siting.Prepared, asked: dict[str, Any], words: str
) -> None:
    with pytest.raises(siting.SitingError) as error:
        solved(county, **asked)
    error.value.language = "en"
    assert error.match(words)
    assert "classical" not in str(error.value)


def test_locks_beyond_what_is_asked_are_told(county: siting.Prepared) -> None:
    sites = county.problem.sites
    locks = np.isin(sites.id, ["C1", "C2", "C3"])
    locked = replace(county, problem=replace(county.problem, locked_open=locks))
    with pytest.raises(siting.SitingError, match="locks 已规定新开 3 处"):
        solved(locked, model="p_center", p=2)
    with pytest.raises(siting.SitingError, match="仅锁定的设施就需"):
        solved(locked, model="maximal_covering", budget_wan_yuan=500.0, cutoff_m=500.0)
    done = solved(locked, model="maximal_covering", p=3, cutoff_m=500.0)
    assert opened(county, done) == ["C1", "C2", "C3"]


def test_p_that_cannot_reach_two_sides_of_a_river(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_county(tmp_path / "county")
    change_geojson(path.parent / "roads.geojson", _cut_in_two)
    prepared = siting.prepare(siting.read_scenario(path))
    with pytest.raises(siting.SitingError, match=r"至少要 2 处.*cutoff_m"):
        solved(prepared, model="p_median", p=1, existing="ignore")
    with pytest.raises(siting.SitingError, match="至少要 2 处"):
        solved(prepared, model="p_center", p=1, existing="ignore")
    with monkeypatch.context() as halted:  # nothing stands in for a plan that reaches everyone
        halted.setitem(ASK, "p_center", _halt(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            solved(prepared, model="p_center", p=1, existing="ignore")
    capped = solved(prepared, model="p_median", p=1, existing="ignore", cutoff_m=900.0)
    assert capped.status == "optimal"


def _cut_in_two(roads: dict[str, Any]) -> None:
    """Leave a gap in every road that crosses from the first community to the second."""
    parts = []
    for each in roads["features"]:
        line = each["geometry"]["coordinates"]
        for west in (True, False):
            piece = [spot for spot in line if (spot[0] < CORNER[0] + SIDE) == west]
            if len(piece) > 1:
                parts.append(each | {"geometry": {"type": "LineString", "coordinates": piece}})
    roads["features"] = parts


def test_an_older_plan_is_refused(tmp_path: Path) -> None:
    asked = {"objective": {"model": "p_median", "p": 1}}
    scenario = siting.read_scenario(write_county(tmp_path / "county"), changes=asked)
    older = pd.DataFrame({"id": ["C1"], "beds": [10]})
    with pytest.raises(siting.SitingError, match="--start"):
        siting.plan(scenario, start=older)


# The models over a problem


def test_matrices_list_what_stands_first_and_hold_what_beds_hold(county: siting.Prepared) -> None:
    given = siting.matrices(county.problem, fullest=True)
    assert given.id.tolist() == ["H1", *SPOTS]
    assert given.stands.tolist() == [True] + [False] * 8
    assert given.beds.tolist() == [60, *BEDS.values()]
    assert given.costs.tolist() == [0.0, *(PRICES[each] + 10 * BEDS[each] for each in SPOTS)]
    assert given.capacities == pytest.approx(given.beds * EACH_BED)
    metres = given.distances.toarray()
    assert metres[metres > 0] == pytest.approx(walks([HOME, *SPOTS.values()])[metres > 0])
    few = siting.matrices(county.problem, existing="ignore", beds_per_10000=500)
    assert (few.n_stand, few.beds.tolist()) == (0, [10] * 8)
    assert few.capacities.tolist() == [200.0] * 8
    best = max(PEOPLE[_nearest(each, "ignore") <= 500].sum() for each in _choices([2]))
    assert siting.maximal_covering(few.elders, few.distances, cutoff_m=500, p=2).value == best


# The sample county


def test_the_sample_is_as_good_as_the_compact_model_says() -> None:
    done = siting.plan(siting.read_scenario(ROOT / "scenarios" / "sample-maximal-covering.yaml"))
    problem, demand = done.problem, done.tables.demand
    covered = demand.loc[demand["nearest_network_m"] <= 500, "elders"].sum()
    (stage,) = done.solution.stages
    assert stage.value == pytest.approx(covered)
    near = problem.reach.toarray()
    near = (near <= 500) & (near > 0)
    could = near[problem.usable()]
    home = near[problem.qualifies(problem.existing_layout())].any(axis=0)
    left = could.any(axis=0) & ~home
    matrix, weight = could[:, left].astype(float), problem.elders[left]
    n, m = matrix.shape
    rows = LinearConstraint(np.hstack([-matrix.T, np.eye(m)]), -np.inf, 0)
    count = LinearConstraint(np.concatenate([np.ones(n), np.zeros(m)]), 0, 20)
    found = milp(
        np.concatenate([np.zeros(n), -weight]), constraints=[rows, count], bounds=Bounds(0, 1),
        integrality=np.concatenate([np.ones(n), np.zeros(m)]), options={"mip_rel_gap": 0},
    )  # fmt: skip
    assert stage.value == pytest.approx(problem.elders[home].sum() - found.fun, rel=1e-6)
    assert (done.record["status"], done.record["sites"]["new"]) == ("optimal", 20)
    assert {each.rule_id for each in done.audit.findings} == {each.id for each in problem.rules}
