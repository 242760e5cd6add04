"""Relations that must hold where no oracle exists: what may never help, what may change nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import case_files
import county
import numpy as np
import pandas as pd
import pytest

import siting

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Run

SCENARIOS = Path(__file__).parents[1] / "scenarios"
GIVEN = county.make_county(seed=1)
LIMITS: dict[str, dict[str, Any]] = {
    "no limits": {},
    "tight limits": {"limits.budget_wan_yuan": 5000, "limits.max_new_sites": 9},
}
KEPT = 2e-6  # how far a stage may drift while later ones are improved, relative
ITEMS = ("capital", "running", "subsidy_once", "subsidy_yearly")
ROUNDED = 1e-8  # what is left of rounding each row of a table to a millionth
EXTRA = [
    {"id": name, "x": x, "y": y, "min_beds": 10, "max_beds": 90, "fixed_cost": 201.7,
     "cost_per_bed": 8.77}
    for name, x, y in (("west", 1230.0, 410.0), ("east", 3411.5, 1893.2), ("north", 655.0, 2300.0))
]  # fmt: skip

Planned = "Callable[..., siting.Plan]"


@pytest.fixture(scope="module", params=LIMITS)
def limits(request: pytest.FixtureRequest) -> dict[str, Any]:
    return LIMITS[request.param]


@pytest.fixture(scope="module")
def base(limits: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> siting.Plan:
    return county.plan_county(GIVEN, tmp_path_factory.mktemp("county") / "base", set=limits)


@pytest.fixture
def planned(limits: dict[str, Any], tmp_path: Path) -> Callable[..., siting.Plan]:
    """Plan the county again after a change, under the same limits."""

    def again(
        given: dict[str, Any] = GIVEN, *, settings: dict[str, Any] | None = None, **variant: Any
    ) -> siting.Plan:
        changes = limits | (settings or {})
        return county.plan_county(given, tmp_path / "again", set=changes, **variant)

    return again


def stages(done: siting.Plan) -> dict[str, float]:
    assert done.solution is not None
    return {stage.name: stage.value for stage in done.solution.stages}


def is_worse_or_equal(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether stage values are, in the order of the stages, no better than others."""
    for name, value in one.items():
        slack = KEPT * max(abs(value), abs(other[name]), 1.0)
        if abs(value - other[name]) > slack:
            return value > other[name]
    return True


def layout(done: siting.Plan) -> dict[str, int]:
    """Return the beds of every facility that stands."""
    sites, stands = done.problem.sites, np.flatnonzero(done.layout.is_open)
    return dict(zip(sites.id[stands], done.layout.beds[stands].tolist(), strict=True))


def assert_same_plan(done: siting.Plan, base: siting.Plan) -> None:
    assert stages(done) == pytest.approx(stages(base), rel=1e-9)
    without = ("seconds", "peak_memory_mb", "settings", "inputs", "versions", "reduction",
               "density", "stages")  # fmt: skip
    assert case_files.figures(done.record, without=without) == pytest.approx(
        case_files.figures(base.record, without=without), rel=1e-9
    )


def test_comparing_stage_values_goes_by_their_order() -> None:
    assert is_worse_or_equal({"a": 2.0, "b": 0.0}, {"a": 1.0, "b": 9.0})
    assert not is_worse_or_equal({"a": 1.0, "b": 9.0}, {"a": 2.0, "b": 0.0})
    assert is_worse_or_equal({"a": 1.0, "b": 3.0}, {"a": 1.0, "b": 3.0})
    assert not is_worse_or_equal({"a": 1.0, "b": 2.9}, {"a": 1.0, "b": 3.0})


@pytest.mark.parametrize("extra", EXTRA, ids=lambda extra: extra["id"])
def test_one_more_candidate_never_makes_the_plan_worse(
    base: siting.Plan, planned: Any, extra: dict[str, Any]
) -> None:
    more = planned(change={"candidates": [extra]})
    assert is_worse_or_equal(stages(base), stages(more))


def test_a_candidate_among_uncovered_elders_makes_the_plan_better(
    base: siting.Plan, planned: Any
) -> None:
    points = base.tables.demand
    open_points = points[(points["density_class"] == "high") & (points["covered"] == False)]  # noqa: E712
    near = [
        open_points.loc[open_points.distance(each) < 350, "elders"].sum()
        for each in open_points.geometry
    ]
    spot = open_points.geometry.iloc[int(np.argmax(near))]
    x, y = spot.x - case_files.CORNER[0], spot.y - case_files.CORNER[1]
    more = planned(change={"candidates": [EXTRA[0] | {"x": x, "y": y, "fixed_cost": 10.0}]})
    assert not is_worse_or_equal(stages(more), stages(base))


@pytest.mark.parametrize(("key", "metres"), [("rules.HZ-03.distance_m", 640),
                                             ("rules.HZ-04.distance_m", 1150)])  # fmt: skip
def test_a_longer_standard_never_makes_the_plan_worse(
    base: siting.Plan, planned: Any, key: str, metres: float
) -> None:
    longer = planned(settings={key: metres})
    assert is_worse_or_equal(stages(base), stages(longer))
    for state in ("existing", "plan", "reachable"):
        first = "high" if "03" in key else "medium"
        if state != "plan" or first == "high":
            now, before = (each.record["coverage"][state][first] for each in (longer, base))
            assert now >= before - 1e-9


@pytest.mark.parametrize("number", [0, 3, -1])
def test_forbidding_a_site_of_the_plan_never_makes_it_better(
    base: siting.Plan, planned: Any, number: int
) -> None:
    chosen = sorted(name for name in layout(base) if name.startswith("c"))[number]
    without = planned(settings={"locks.forbid": [chosen]})
    assert chosen not in layout(without)
    assert is_worse_or_equal(stages(without), stages(base))


@pytest.mark.parametrize("rule", ["HZ-01", "HZ-02", "HZ-03", "HZ-04"])
def test_enforcing_one_more_rule_never_makes_the_other_stages_better(
    base: siting.Plan, planned: Any, rule: str
) -> None:
    fewer = planned(settings={f"rules.{rule}.enforce": False})
    mine = {"HZ-01": "missing_beds", "HZ-02": "unmet_minima", "HZ-03": "uncovered_high",
            "HZ-04": "uncovered_medium"}[rule]  # fmt: skip
    now, before = stages(base), stages(fewer)
    order = list(now)
    for name in order[: order.index(mine)]:
        assert now[name] == pytest.approx(before[name], rel=KEPT)
    others = [name for name in order if name != mine]
    assert is_worse_or_equal(
        {name: now[name] for name in others}, {name: before[name] for name in others}
    )
    by_audit = [{each.rule_id for each in done.audit.findings} for done in (base, fewer)]
    assert by_audit[0] == by_audit[1] >= {"HZ-01", "HZ-02", "HZ-03", "HZ-04"}


def test_moving_every_layer_by_one_vector_changes_nothing(base: siting.Plan, planned: Any) -> None:
    moved = planned(move=(13_000.25, -7_654.5))
    assert_same_plan(moved, base)
    assert layout(moved) == layout(base)
    step = moved.problem.demand_xy - base.problem.demand_xy
    assert step == pytest.approx(np.tile((13_000.25, -7_654.5), (len(step), 1)), abs=1e-6)


def test_the_order_of_rows_in_every_file_changes_nothing(base: siting.Plan, planned: Any) -> None:
    rng = np.random.default_rng(7)
    mixed = {name: [rows[k] for k in rng.permutation(len(rows))] for name, rows in GIVEN.items()}
    again = planned(mixed)
    assert_same_plan(again, base)
    assert layout(again) == layout(base)
    tables = [
        pd.DataFrame(each.tables.demand.drop(columns="geometry")).set_index("id").sort_index()
        for each in (again, base)
    ]
    pd.testing.assert_frame_equal(*tables, rtol=1e-9, atol=1e-6)


def test_other_ids_change_nothing(base: siting.Plan, planned: Any) -> None:
    renamed, names = {}, {}
    for table, rows in GIVEN.items():
        new = [f"{table[0]}-{hashlib.sha256(row['id'].encode()).hexdigest()[:9]}" for row in rows]
        names |= dict(zip((row["id"] for row in rows), new, strict=True))
        renamed[table] = [row | {"id": each} for row, each in zip(rows, new, strict=True)]
    for zone in renamed["zones"]:
        zone["unit"] = "v" + str(9 - int(zone["unit"][1:]))
    again = planned(renamed)
    assert_same_plan(again, base)
    assert layout(again) == {names[old]: beds for old, beds in layout(base).items()}


def test_a_straight_line_covers_at_least_what_the_roads_cover(
    base: siting.Plan, planned: Any
) -> None:
    straight = planned(settings={"distance": "straight"})
    assert is_worse_or_equal(stages(base), stages(straight))
    for state in ("existing", "reachable"):
        for name in ("high", "medium"):
            by_line, on_foot = (x.record["coverage"][state][name] for x in (straight, base))
            assert by_line >= on_foot
    judged = base.audit.judged
    there = ~np.isnan(judged.network_m)
    assert there.sum() > 200
    assert (judged.network_m[there] >= judged.straight_m[there] - 0.01).all()


def test_a_looser_limit_never_makes_the_plan_worse(base: siting.Plan, planned: Any) -> None:
    looser = planned(settings={"limits.budget_wan_yuan": 5600, "limits.max_new_sites": 10})
    tighter = planned(settings={"limits.budget_wan_yuan": 4100, "limits.max_new_sites": 6})
    assert is_worse_or_equal(stages(tighter), stages(looser))
    assert is_worse_or_equal(stages(tighter), stages(base))


def test_units_together_hold_all_elders(base: siting.Plan, sample_run: Run) -> None:
    assert base.tables.units["elders"].sum() == pytest.approx(base.record["elders"]["total"])
    made = sum(row["elders"] for row in GIVEN["elders"])
    assert base.record["elders"]["total"] == pytest.approx(made)
    tables = case_files.read_result(sample_run.folder).tables
    units, points = tables["units"]["elders"], tables["demand"]["elders"]
    assert units.astype(float).sum() == pytest.approx(points.astype(float).sum(), rel=ROUNDED)


def test_the_sample_in_a_straight_line_covers_at_least_what_its_roads_do(sample_run: Run) -> None:
    scenario = siting.read_scenario(
        SCENARIOS / "sample.yaml",
        changes={"limits.max_new_sites": 0, "distance": "straight", "solve.gap": 0.05},
    )
    bare = siting.plan(scenario)
    assert bare.record["sites"]["new"] == 0
    for name in ("high", "medium"):
        here, there = (each.record["coverage"] for each in (bare, sample_run.plan))
        assert here["existing"][name] >= there["existing"][name]
        assert here["reachable"][name] >= there["reachable"][name]


def test_every_number_of_run_json_recomputes_from_the_tables_beside_it(sample_run: Run) -> None:
    result = case_files.read_result(sample_run.folder)
    stated = case_files.figures(
        result.run,
        without=("seconds", "peak_memory_mb", "settings", "versions", "reduction", "inputs"),
    )
    unseen = {key for key in stated if key.endswith((".bound", ".seconds"))}
    unseen.add("access.existing.nearest_p90_m")  # no table has today's distance of each point
    expected = recomputed(result)
    assert set(stated) - unseen == set(expected)
    assert {key: stated[key] for key in expected} == pytest.approx(expected, rel=ROUNDED, abs=1e-6)


def test_every_input_of_run_json_is_the_file_that_it_names(sample_run: Run) -> None:
    inputs = sample_run.plan.record["inputs"]
    assert len(inputs) == 6
    for each in inputs:
        path = SCENARIOS / each["path"]
        assert each["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    rows = {Path(each["path"]).name: each["rows"] for each in inputs}
    homes = (SCENARIOS / "../data/sample/homes.csv").read_text(encoding="gb18030")
    assert rows["homes.csv"] == len(homes.strip().splitlines()) - 1
    assert rows["candidates.xlsx"] == sample_run.plan.record["sites"]["candidates"]


def recomputed(result: case_files.Result) -> dict[str, float]:
    """Return the figures of run.json as the exported tables give them."""
    demand, facilities = (_numbers(result.tables[each]) for each in ("demand", "facilities"))
    units, audit = (_numbers(result.tables[each]) for each in ("units", "audit"))
    figures = _elders_and_coverage(demand) | _audit_counts(audit)
    status = facilities["status"]
    figures |= {
        "year": 2025.0,
        "beds.required": units["beds_required"].sum(),
        "beds.existing": units["beds_existing"].sum(),
        "beds.plan": facilities["beds"][
            (facilities["qualifies"] == "true") & (status != "outside")
        ].sum(),
        "beds.shortfall": units["shortfall"].sum(),
        "sites.existing": (facilities["id"].str.startswith("YL")).sum(),
        "sites.new": (status == "new").sum(),
        "sites.extended": (status == "extended").sum(),
        "sites.upgraded": (
            facilities["id"].str.startswith("YL")
            & pd.to_numeric(facilities["phase"], errors="coerce").notna()
            & (facilities["added_beds"] <= 0)
        ).sum(),
        "sites.candidates": next(
            each["rows"] for each in result.run["inputs"] if "candidates" in each["path"]
        ),
        "cost_wan_yuan": facilities["cost_wan_yuan"].sum(),
    }
    stages = _stages(result.run["stages"], demand, units, audit, figures)
    figures |= stages | _services_and_conflicts(result) | _money_and_phases(result)
    figures |= _access(result, demand, units, figures)
    figures |= {f"phases.0.{name}": value for name, value in stages.items()}
    for k, row in enumerate(_numbers(result.tables["density"]).to_dict("records")):
        for name in ("elders_high", "elders_medium", "elders_low", "changed_share"):
            figures[f"density.{k}.{name}"] = row[name]
        figures[f"density.{k}.used"] = float(row["used"] == "true")
        if row["used"] == "true":
            assert row["elders_high"] == pytest.approx(figures["elders.high"])
            assert row["elders_medium"] == pytest.approx(figures["elders.medium"])
    return figures


def _access(
    result: case_files.Result,
    demand: pd.DataFrame,
    units: pd.DataFrame,
    figures: dict[str, float],
) -> dict[str, float]:
    """Return access and equity: of the plan by point, of today by the classes of the points."""
    table, found = _numbers(result.tables["access"]), {}
    units = units[units["id"] != "no_unit"]  # who lives in none is in no group
    for state, beds, suffix in (("existing", "existing", "_existing"), ("plan", "planned", "")):
        mine = table[table["state"] == state]
        measures = _of_classes(mine[(mine["scope"] == "all") & (mine["density_class"] != "")])
        low, high = measures.pop("p90_within")
        assert low <= result.run["access"][state]["nearest_p90_m"] <= high
        if state == "plan":
            lost = demand["elders"][demand["nearest_network_m"].isna()].sum()
            without = measures["elders_off_network"] + measures["elders_without_way"]
            assert without == pytest.approx(lost)
            measures |= _of_distances(demand)
        elders, reached = demand["elders"], demand[f"accessible_beds{suffix}"]
        district = mine[mine["scope"] == "district"].pivot_table("value", "scope_id", "measure")
        live = _residents(result, state)
        measures |= {
            "elders": elders.sum(),
            "accessible_mean": (elders * reached).sum() / elders.sum(),
            "accessible_none_share": elders[reached == 0].sum() / elders.sum(),
            "beds": figures[f"beds.{state}"],
            "beds_per_1000": 1000 * figures[f"beds.{state}"] / elders.sum(),
            "residents": live,
            "homes_untold": 0.0,
            "occupancy": live / figures[f"beds.{state}"],
            "gini_beds_unit": _gini(units[f"beds_{beds}"], units["elders"]),
            "gini_beds_street": _gini(units[f"beds_{beds}"], units["elders"]),  # units are streets
            "gini_beds_district": _gini(district["beds"], district["elders"]),
            "gini_accessible": _gini(elders * reached, elders),
        }
        found |= {f"access.{state}.{name}": float(each) for name, each in measures.items()}
    return found


def _of_classes(rows: pd.DataFrame) -> dict[str, Any]:
    """Return measures of everyone from those of the density classes that they fall into."""
    by = rows.pivot_table("value", "density_class", "measure")
    some = by["elders"] - by["elders_off_network"] - by["elders_without_way"]
    return {
        "elders_off_network": by["elders_off_network"].sum(),
        "elders_without_way": by["elders_without_way"].sum(),
        "nearest_mean_m": (by["nearest_mean_m"] * some).sum() / some.sum(),
        "nearest_max_m": by["nearest_max_m"].max(),
        "walk_share": (by["walk_share"] * by["elders"]).sum() / by["elders"].sum(),
        "walk_any_share": (by["walk_any_share"] * by["elders"]).sum() / by["elders"].sum(),
        "p90_within": (by["nearest_p90_m"].min(), by["nearest_p90_m"].max()),
    }


def _of_distances(demand: pd.DataFrame) -> dict[str, float]:
    """Return how far the elders of the demand points have to their nearest facility."""
    near = demand.dropna(subset="nearest_network_m").sort_values("nearest_network_m")
    elders, metres = near["elders"], near["nearest_network_m"]
    return {
        "nearest_mean_m": (elders * metres).sum() / elders.sum(),
        "nearest_p90_m": metres[elders.cumsum() >= 0.9 * elders.sum()].iloc[0],
        "nearest_max_m": metres.max(),
        "walk_share": elders[metres <= 300.0].sum() / demand["elders"].sum(),
    }


def _residents(result: case_files.Result, state: str) -> float:
    """Return who lives in the homes that count, as the planner's own table of homes tells."""
    homes = pd.read_csv(SCENARIOS / "../data/sample/homes.csv", encoding="gb18030")
    table = result.tables["facilities"]
    counts = table["id"][(table["qualifies"] == "true") & (table["status"] != "outside")]
    mine = homes[homes["编号"].isin(counts)]
    if state == "existing":
        mine = mine[mine["核定床位"] >= 10]  # one of 8 beds counts once it is extended
    return float(mine["入住人数"].sum())


def _gini(amount: pd.Series, people: pd.Series) -> float:
    """Return half the mean difference per head of two people drawn, over the mean per head."""
    some = (people > 0).to_numpy()
    heads, had = people.to_numpy()[some], amount.to_numpy()[some]
    apart = np.abs(np.subtract.outer(had / heads, had / heads))
    return float(heads @ apart @ heads / (2 * heads.sum() * had.sum()))


def _services_and_conflicts(result: case_files.Result) -> dict[str, float]:
    figures: dict[str, float] = {}
    circles = result.tables.get("circles", pd.DataFrame())
    for function in result.run.get("circles", {}):
        for status, count in circles[function].str.split(":").str[0].value_counts().items():
            figures[f"circles.{function}.{status}"] = float(count)
    for k, row in enumerate(result.tables["conflicts"].to_dict("records")):
        for name in ("count", "required", "other_required", "measured", "possible"):
            if row[name] != "":
                figures[f"conflicts.{k}.{name}"] = float(row[name])
    return figures


def _money_and_phases(result: case_files.Result) -> dict[str, float]:
    money, facilities = _numbers(result.tables["money"]), result.tables["facilities"]
    of = {item: money["amount_wan_yuan"][money["item"] == item].sum() for item in ITEMS}
    figures = {
        "money.capital": of["capital"],
        "money.subsidy": of["subsidy_once"],
        "money.net": of["capital"] - of["subsidy_once"],
        "money.running": of["running"],
        "money.subsidy_yearly": of["subsidy_yearly"],
        # no file of the sample tells what a bed costs a year
        "money.running_unknown": float((facilities["status"] != "closed").sum()),
    }
    (row,) = _numbers(result.tables["phases"]).to_dict("records")
    numbers = {key: value for key, value in row.items() if isinstance(value, float | int)}
    return figures | {f"phases.0.{key}": float(value) for key, value in numbers.items()}


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with numbers where every filled cell of a column is one."""
    found = table.copy()
    for column in found:
        values = pd.to_numeric(found[column].where(found[column] != ""), errors="coerce")
        if (values.notna() == (found[column] != "")).all() and values.notna().any():
            found[column] = values
    return found


def _elders_and_coverage(demand: pd.DataFrame) -> dict[str, float]:
    figures = {"elders.total": demand["elders"].sum()}
    could = demand["reason"].isin(["not_chosen", "over_limit"]) | (demand["covered"] == "true")
    states = {
        "existing": demand["covered_existing"] == "true",
        "plan": demand["covered"] == "true",
        "reachable": could,
    }
    for name in ("high", "medium", "low"):
        mine = demand["density_class"] == name
        figures[f"elders.{name}"] = demand["elders"][mine].sum()
        if name != "low":
            for state, covered in states.items():
                share = demand["elders"][mine & covered].sum() / figures[f"elders.{name}"]
                figures[f"coverage.{state}.{name}"] = share
    return figures


def _audit_counts(audit: pd.DataFrame) -> dict[str, float]:
    figures = {}
    for state in ("existing", "plan"):
        here = audit[audit["state"] == state]
        by_rule = here.groupby("rule_id")["verdict"].agg(set)
        unmet = by_rule.map(lambda found: "unmet" in found)
        met = by_rule.map(lambda found: "met" in found and "unknown" not in found)
        silent = by_rule.map(lambda found: "unknown" in found and not found & {"met", "unmet"})
        figures |= {
            f"audit.{state}.rules_unmet": unmet.sum(),
            f"audit.{state}.rules_met": (met & ~unmet).sum(),
            f"audit.{state}.met": (here["verdict"] == "met").sum(),
            f"audit.{state}.unmet": (here["verdict"] == "unmet").sum(),
            f"audit.{state}.rules_unknown": silent.sum(),
            f"audit.{state}.unknown": (here["verdict"] == "unknown").sum(),
        }
    return figures


def _stages(
    stages: list[dict[str, Any]],
    demand: pd.DataFrame,
    units: pd.DataFrame,
    audit: pd.DataFrame,
    figures: dict[str, float],
) -> dict[str, float]:
    """Return value, gap and skip of every stage, from the tables and the stated bound."""
    uncovered = demand["covered"] == "false"
    elders, by_class = demand["elders"], demand["density_class"]
    minima = (audit["state"] == "plan") & (audit["verdict"] == "unmet")
    minima &= (audit["enforced"] == "true") & ~audit["rule_id"].isin(["HZ-01", "HZ-03", "HZ-04"])
    minima &= (audit["rule_id"] != "HZ-02") | (audit["scope"] == "unit")
    values = {
        "uncovered_high": elders[uncovered & (by_class == "high")].sum(),
        "uncovered_medium": elders[uncovered & (by_class == "medium")].sum(),
        "missing_beds": units["shortfall"].sum(),
        "unmet_minima": minima.sum(),
        "cost": figures["cost_wan_yuan"],
        "distance": (elders * demand["nearest_network_m"].fillna(np.inf).clip(upper=1000)).sum(),
    }
    assert [stage["name"] for stage in stages] == list(values)
    found: dict[str, float] = {}
    for k, stage in enumerate(stages):
        value, bound = float(values[stage["name"]]), stage["bound"]
        density_class = stage["name"].removeprefix("uncovered_")
        scale = figures.get(f"elders.{density_class}", abs(value))
        gap = abs(value - bound) / max(scale, 1e-9)
        found |= {f"stages.{k}.value": value, f"stages.{k}.gap": gap, f"stages.{k}.skipped": 0.0}
    return found
