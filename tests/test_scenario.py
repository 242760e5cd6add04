"""The scenario: what it takes, what it fills in, what it refuses, and that it stays as it is."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML
from tiny import SCENARIO

from siting.scenario import Scenario

LEAST: dict[str, Any] = {
    "name": "最少", "standard": "hangzhou-2021", "year": 2025, "crs": "EPSG:4549",
    "distance": "straight", "demand": {"path": "elders.csv", "elders": "elders"},
}  # fmt: skip


def made(**settings: Any) -> Scenario:
    """Return the least scenario with some settings more."""
    return Scenario.model_validate(LEAST | settings)


def refusal(**settings: Any) -> list[tuple[str, str]]:
    """Return key and reason of everything that is wrong with the least scenario and some more."""
    with pytest.raises(ValidationError) as raised:
        made(**settings)
    found = raised.value.errors()
    return [(".".join(map(str, each["loc"])), f"{each['type']} {each['msg']}") for each in found]


def test_the_least_scenario_has_the_defaults_of_the_contract() -> None:
    scenario = made()
    assert scenario.language == "zh"
    assert scenario.zones is scenario.network is scenario.existing is scenario.units is None
    assert scenario.candidates == scenario.exclude == ()
    assert scenario.density.support == "zone"
    assert (scenario.density.window_m2, scenario.density.grid_m) == (1e6, 500.0)
    assert (scenario.solve.time_limit_s, scenario.solve.gap) == (300.0, 0.005)
    assert (scenario.solve.threads, scenario.solve.random_seed) == (2, 0)
    assert scenario.locks.open == scenario.locks.forbid == ()
    assert scenario.locks.beds == scenario.rules == {}
    assert set(scenario.limits.model_dump().values()) == {None}
    outputs = scenario.outputs
    assert outputs.map is outputs.tables is outputs.geopackage is outputs.sheet is True
    assert (outputs.report, outputs.report_template, outputs.report_rows) == (True, None, 60)
    assert (scenario.origin, scenario.changes) == (None, ())
    roads = made(network={"path": "roads.gpkg"}).network
    assert roads is not None
    assert (roads.tolerance_m, roads.node_crossings, roads.max_snap_m) == (0.05, False, 500.0)
    listed = made(candidates=[{"path": "c.csv", "max_beds": 50}]).candidates[0]
    assert (listed.min_beds, listed.fixed_cost, listed.cost_per_bed) == (10.0, 0.0, 0.0)


def test_distances_follow_the_roads_unless_said_otherwise() -> None:
    settings = {key: value for key, value in LEAST.items() if key != "distance"}
    assert Scenario.model_validate(settings | {"network": {"path": "r"}}).distance == "network"


@pytest.mark.parametrize("key", ["year", "demand", "locks", "candidates", "rules"])
def test_a_scenario_cannot_be_changed(key: str) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(made(), key, None)


def test_nothing_inside_a_scenario_can_be_changed() -> None:
    scenario = made(candidates=[{"path": "c.csv", "max_beds": 50}], locks={"open": ["C1"]})
    for part, key in ((scenario.demand, "path"), (scenario.candidates[0], "max_beds"),
                      (scenario.solve, "gap"), (scenario.locks, "open")):  # fmt: skip
        with pytest.raises(ValidationError, match="frozen"):
            setattr(part, key, "x")
    assert isinstance(scenario.locks.open, tuple)
    assert isinstance(scenario.candidates, tuple)


@pytest.mark.parametrize(
    ("place", "settings"),
    [
        ("demnd", {"demnd": {}}),
        ("demand.colour", {"demand": LEAST["demand"] | {"colour": "red"}}),
        ("solve.gapp", {"solve": {"gapp": 1}}),
        ("locks.shut", {"locks": {"shut": []}}),
        ("candidates.0.beds", {"candidates": [{"path": "c", "max_beds": 9, "beds": 1}]}),
        ("exclude.0.buffer", {"exclude": [{"path": "r", "name": "n", "buffer": 1}]}),
    ],
)
def test_unknown_keys_are_refused_everywhere(place: str, settings: dict[str, Any]) -> None:
    assert [key for key, why in refusal(**settings) if "extra_forbidden" in why] == [place]


@pytest.mark.parametrize("key", ["name", "standard", "year", "crs", "demand"])
def test_what_a_scenario_cannot_do_without_is_asked_for(key: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Scenario.model_validate({name: value for name, value in LEAST.items() if name != key})
    assert [(each["loc"], each["type"]) for each in raised.value.errors()] == [((key,), "missing")]


@pytest.mark.parametrize(
    "settings",
    [
        {"year": "2025"}, {"year": 2025.5}, {"year": 25}, {"name": ""}, {"distance": "walk"},
        {"language": "tw"}, {"solve": {"threads": 0}}, {"solve": {"gap": -0.1}},
        {"solve": {"gap": float("nan")}}, {"solve": {"time_limit_s": 0}},
        {"solve": {"random_seed": -1}}, {"solve": {"solver": "gurobi"}},
        {"density": {"support": "zones"}}, {"density": {"window_m2": 0}},
        {"limits": {"budget_wan_yuan": -1}}, {"limits": {"max_new_sites": 2.5}},
        {"locks": {"beds": {"C1": 0}}}, {"locks": {"open": "C1"}}, {"outputs": {"map": "yes"}},
        {"network": {"path": "r", "max_snap_m": 0}}, {"network": {"path": "r", "tolerance_m": -1}},
        {"exclude": [{"path": "r", "name": "n", "buffer_m": -5}]}, {"rules": {"HZ-01": 300}},
    ],
)  # fmt: skip
def test_values_are_not_bent_into_shape(settings: dict[str, Any]) -> None:
    assert len(refusal(**settings)) == 1


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"candidates": [{"max_beds": 50}]}, "one_of:path, generate"),
        ({"candidates": [{"path": "c", "generate": {"spacing_m": 9}, "max_beds": 50}]},
         "one_of:path, generate"),
        ({"units": {}}, "one_of:path, by, build"),
        ({"existing": {"path": "h", "beds": "b", "nursing_beds": "n", "nursing_share": 0.5}},
         "not_both:nursing_beds, nursing_share"),
        ({"existing": {"path": "h", "beds": "b", "dementia_beds": "d", "dementia_share": 0.0}},
         "not_both:dementia_beds, dementia_share"),
        ({"units": {"by": "street", "path": "u", "id": "id"}}, "one_of:path, by, build"),
        ({"units": {"path": "u.gpkg"}}, "needs:id"),
        ({"distance": "network"}, "needs:network"),
        ({"candidates": [{"generate": {"spacing_m": 250}, "max_beds": 50}]}, "needs:network"),
        ({"demand": LEAST["demand"] | {"spread": {}}}, "needs:network"),
        ({"candidates": [{"path": "c", "min_beds": 60, "max_beds": 50}]}, "min_above_max:60 > 50"),
        ({"candidates": [{"path": "c", "max_beds": 50.5}]}, "whole_number:"),
        ({"existing": {"path": "h", "beds": "b", "max_beds": 99.9}}, "whole_number:"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(settings: dict[str, Any], code: str) -> None:
    assert any(f"Value error, {code}" in why for _, why in refusal(**settings))


def test_a_candidate_smaller_than_ten_beds_is_no_contradiction() -> None:
    """The least number of beds was not said, so nothing contradicts it: the check warns instead."""
    assert made(candidates=[{"path": "c", "max_beds": 6}]).candidates[0].max_beds == 6


def test_numbers_that_are_meant_as_names_are_taken_as_such() -> None:
    scenario = made(crs=4549, locks={"open": [12], "forbid": ["13"], "beds": {}})
    assert scenario.crs == "EPSG:4549"
    assert scenario.locks.open == ("12",)


def test_amounts_are_numbers_or_columns() -> None:
    part = made(candidates=[{"path": "c", "max_beds": "最多床位", "fixed_cost": 300}]).candidates[0]
    assert (part.max_beds, part.fixed_cost) == ("最多床位", 300.0)
    assert made(demand={"path": "a.tif", "elders": 1}).demand.elders == 1


def test_the_tiny_county_is_a_scenario() -> None:
    content = YAML(typ="safe", pure=True).load(SCENARIO)
    assert Scenario.model_validate(content).name == "小县"
