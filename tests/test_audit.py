"""The auditor: limits at, just under and just over; who counts; why a point is uncovered."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import case_files
import numpy as np
import pytest
from click.testing import CliRunner

import siting
from siting.audit import CHECK, REASONS
from siting.cli import main
from siting.errors import AuditError, InputError
from siting.problem import places
from siting.standards.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    Street = Callable[..., siting.Plan]

PACKAGE = Path(siting.__file__).parent
ROAD = [{"id": "street", "line": [[-3000, 0], [9000, 0]]}]
RULES = {"HZ-01", "HZ-02", "HZ-03", "HZ-04"}
IN_FORCE = {rule.id for rule in siting.read_standard("hangzhou-2021", year=2025).rules}
HIGH_KM2, MEDIUM_KM2, LOW_KM2 = 4000, 2000, 500


@pytest.fixture
def street(tmp_path: Path) -> Street:
    """Audit what stands along one straight street; zones are 100 m squares around the elders."""

    def made(*elders: dict[str, Any], **tables: Any) -> siting.Plan:
        given = {"zones": [], "elders": list(elders), "roads": ROAD}
        given |= {key: tables.pop(key) for key in tuple(tables) if isinstance(tables[key], list)
                  and key != "layout"}  # fmt: skip
        given["scenario"] = tables.pop("scenario", {})
        given["zones"] = given["zones"] or [around(each) for each in elders]
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        return case_files.plan_case(given, {"audit": True} | tables, folder)

    return made


def people(name: str, x: float, elders: float = 40, *, y: float = 0) -> dict[str, Any]:
    """Return one demand point; on its 0.01 km2, 40 elders are high, 20 medium, 5 low density."""
    return {"id": name, "x": x, "y": y, "elders": elders}


def around(point: dict[str, Any]) -> dict[str, Any]:
    x, y = point["x"], point["y"]
    return {"id": f"z-{point['id']}", "unit": "town", "elders": point["elders"],
            "x": [x - 50, x + 50], "y": [y - 50, y + 50]}  # fmt: skip


def home(name: str, x: float, beds: int = 10, **more: Any) -> dict[str, Any]:
    return {"id": name, "x": x, "y": 0, "beds": beds} | more


def candidate(name: str, x: float, **more: Any) -> dict[str, Any]:
    return {"id": name, "x": x, "y": 0, "max_beds": 500, "fixed_cost": 1.0,
            "cost_per_bed": 0.1} | more  # fmt: skip


def finding(done: siting.Plan, rule: str, place: str, state: str = "plan") -> siting.Finding:
    findings = (done.audit if state == "plan" else done.existing_audit).findings
    (found,) = [each for each in findings if (each.rule_id, each.scope_id) == (rule, place)]
    return found


def point(done: siting.Plan, name: str) -> dict[str, Any]:
    table = done.tables.demand
    return dict(table[table["id"] == name].iloc[0])


# -- limits -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("beds", "verdict"), [(299, "unmet"), (300, "met"), (301, "met")])
def test_beds_of_a_unit_at_just_under_and_just_over_what_it_needs(
    street: Street, beds: int, verdict: str
) -> None:
    done = street(people("e", 0, 10_000), homes=[home("h", 10, beds)])
    for place in ("town", "all"):
        found = finding(done, "HZ-01", place)
        assert (found.required, found.measured, found.verdict) == (300, beds, verdict)
        assert (found.unit, found.enforced) == ("beds", True)


@pytest.mark.parametrize(("elders", "needs"), [(10_000.0, 300), (10_000.000_000_4, 300),
                                               (10_000.000_001, 301), (9_966.67, 300),
                                               (9_966.666, 299)])  # fmt: skip
def test_beds_needed_are_rounded_up_after_elders_are_rounded_to_a_millionth(
    street: Street, elders: float, needs: int
) -> None:
    assert finding(street(people("e", 0, elders)), "HZ-01", "town").required == needs


@pytest.mark.parametrize(("elders", "needs", "verdict"),
                         [(633, 19, "not_applicable"), (634, 20, "unmet")])  # fmt: skip
def test_two_places_are_a_duty_from_twenty_beds_needed_on(
    street: Street, elders: int, needs: int, verdict: str
) -> None:
    done = street(people("e", 0, elders), homes=[home("h", 100, 40)])
    assert finding(done, "HZ-01", "town").required == needs
    assert finding(done, "HZ-02", "town").verdict == verdict
    assert finding(done, "HZ-02", "all").verdict == verdict
    assert finding(done, "HZ-02", "all").required == (1 if verdict == "unmet" else 0)


@pytest.mark.parametrize(("apart_m", "found", "verdict"),
                         [(99.99, 1, "unmet"), (100, 2, "met"), (100.01, 2, "met")])  # fmt: skip
def test_homes_less_than_100_m_apart_are_one_place(
    street: Street, apart_m: float, found: int, verdict: str
) -> None:
    done = street(people("e", 0, 1000), homes=[home("h1", 0, 20), home("h2", apart_m, 20)],
                  zones=[square("z", 1000)])  # fmt: skip
    here = finding(done, "HZ-02", "town")
    assert (here.required, here.measured, here.verdict) == (2, found, verdict)


def square(name: str, elders: float) -> dict[str, Any]:
    return {"id": name, "unit": "town", "elders": elders, "x": [-1000, 1000], "y": [-1000, 1000]}


def test_places_link_one_by_one() -> None:
    chain = np.array([[0.0, 0.0], [60.0, 79.9], [120.0, 159.8], [500.0, 0.0], [120.0, 259.8]])
    label = places(chain, 100.0)
    assert label[0] == label[1] == label[2]  # the ends are 199.8 m apart, the links 99.9
    assert len(set(label.tolist())) == 3  # the last is exactly 100 m from its neighbour


@pytest.mark.parametrize("distance", ["network", "straight"])
@pytest.mark.parametrize(("elders", "limit", "rule"), [(40, 500.0, "HZ-03"), (20, 1000.0, "HZ-04")])
@pytest.mark.parametrize(("over_m", "covered"), [(-0.01, True), (0.0, True), (0.01, False)])
def test_a_distance_standard_includes_its_limit(
    street: Street, distance: str, elders: int, limit: float, rule: str, over_m: float, *,
    covered: bool,
) -> None:  # fmt: skip
    done = street(people("e", 0, elders), homes=[home("h", limit + over_m)],
                  set={"distance": distance})  # fmt: skip
    for place in ("z-e", "all"):
        found = finding(done, rule, place)
        assert (found.measured, found.verdict) == ((1, "met") if covered else (0, "unmet"))
    assert bool(point(done, "e")["covered"]) is covered
    assert point(done, "e")["nearest_network_m"] == pytest.approx(limit + over_m, abs=1e-6)


@pytest.mark.parametrize(("elders", "name"), [(30.001, "high"), (30, "medium"), (29.999, "medium"),
                                              (10.001, "medium"), (10, "medium"),
                                              (9.999, "low")])  # fmt: skip
def test_a_duty_follows_the_density_class_at_its_limits(
    street: Street, elders: float, name: str
) -> None:
    done = street(people("e", 0, elders), homes=[home("h", 700)])
    here = point(done, "e")
    assert here["density_class"] == name
    assert finding(done, "HZ-03", "all").verdict == {"high": "unmet"}.get(name, "not_applicable")
    assert finding(done, "HZ-04", "all").verdict == {"medium": "met"}.get(name, "not_applicable")


def test_a_zone_is_met_only_when_all_its_elders_are_covered(street: Street) -> None:
    zone = {"id": "z", "unit": "town", "elders": 6_000_000, "x": [-1000, 1000], "y": [-500, 500]}
    done = street(people("near", 0, 5_999_999), people("far", 600, 1), zones=[zone],
                  homes=[home("h", -10)])  # fmt: skip
    here = finding(done, "HZ-03", "z")
    assert here.verdict == "unmet"
    assert here.measured == pytest.approx(5_999_999 / 6_000_000, abs=1e-12)


# -- every rule is judged ---------------------------------------------------------------------


def test_the_audit_knows_every_kind_of_rule() -> None:
    assert set(CHECK) == set(KINDS)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_that_is_not_enforced_is_audited_all_the_same(street: Street, rule: str) -> None:
    tables = {"homes": [home("h", 600, 12)]}
    pair = people("high", 0, 4000), people("medium", 2000, 20)
    square_high = {"id": "z", "unit": "town", "elders": 4000, "x": [-500, 500], "y": [-500, 500]}
    tables["zones"] = [square_high, around(pair[1])]
    enforced = street(*pair, **tables)
    audited = street(*pair, **tables, set={f"rules.{rule}.enforce": False})
    for done in (enforced, audited):
        for state in (done.existing_audit, done.audit):
            assert {each.rule_id for each in state.findings} == IN_FORCE
    for here, there in zip(enforced.audit.findings, audited.audit.findings, strict=True):
        assert there.enforced == (here.enforced and there.rule_id != rule)
        assert (here.verdict, here.measured) == (there.verdict, there.measured)
    assert any(each.rule_id == rule for each in audited.audit.unmet())
    assert not any(each.rule_id == rule for each in audited.audit.unmet(enforced_only=True))


def test_findings_stand_once_for_every_place_and_once_for_the_whole(street: Street) -> None:
    zones = [around(people("a", 0)), around(people("b", 200)), around(people("c", 400, 20)),
             around(people("d", 600, 5))]  # fmt: skip
    zones[3]["unit"] = "village"
    done = street(people("a", 0), people("b", 200), people("c", 400, 20), people("d", 600, 5),
                  zones=zones)  # fmt: skip
    frame = done.tables.audit
    for state in ("existing", "plan"):
        here = frame[frame["state"] == state]
        places_of = here.groupby("rule_id")[["scope", "scope_id"]].apply(
            lambda rows: sorted(rows.itertuples(index=False, name=None))
        )
        of_units = [("all", "all"), ("unit", "town"), ("unit", "village")]
        assert places_of["HZ-01"] == places_of["HZ-02"] == of_units
        assert places_of["HZ-03"] == [("all", "all"), ("zone", "z-a"), ("zone", "z-b")]
        assert places_of["HZ-04"] == [("all", "all"), ("zone", "z-c")]
    assert (frame.loc[frame["scope"] == "zone", "required"] == 1.0).all()


def test_an_unmet_enforced_rule_raises_when_asked(street: Street) -> None:
    done = street(people("e", 0, 10_000), homes=[home("h", 10, 299)],
                  set={"rules.HZ-02.enforce": False})  # fmt: skip
    with pytest.raises(AuditError, match=r"HZ-01 town.*300.*299") as caught:
        done.audit.raise_if_unmet()
    assert len(caught.value.faults) == 2  # the unit and the whole, not HZ-02
    enough = street(people("e", 0, 600), homes=[home("h", 10, 18)])
    enough.audit.raise_if_unmet()
    assert enough.audit.unmet(enforced_only=True) == ()


# -- notes ------------------------------------------------------------------------------------


def test_no_capacity_is_noted_only_where_homes_and_candidates_cannot_hold_enough(
    street: Street,
) -> None:
    elders = people("e", 0, 10_000)
    room = {"max_beds": 150, "fixed_cost": 1, "cost_per_bed": 1}
    for most, note in ((149, "no_capacity"), (150, "")):
        done = street(elders, homes=[home("h", 10, 50, **room)],
                      candidates=[candidate("c", 20, max_beds=most)])  # fmt: skip
        assert finding(done, "HZ-01", "town").note == note
        assert finding(done, "HZ-01", "town").verdict == "unmet"
    forbidden = street(elders, homes=[home("h", 10, 50, **room)],
                       candidates=[candidate("c", 20)], set={"locks.forbid": ["c"]})  # fmt: skip
    assert finding(forbidden, "HZ-01", "town").note == "no_capacity"


def test_no_candidate_is_noted_only_where_none_may_open(street: Street) -> None:
    elders, stand = people("e", 0, 1000), [home("h", 10, 50)]
    bare = street(elders, homes=stand)
    one = street(elders, homes=stand, candidates=[candidate("c", 40)])
    small = street(elders, homes=stand, candidates=[candidate("c", 40, max_beds=9)])
    outside = street(elders, homes=stand, candidates=[candidate("c", 4000)])
    notes = [finding(done, "HZ-02", "town").note for done in (bare, one, small, outside)]
    assert notes == ["no_candidate", "", "no_candidate", "no_candidate"]
    (line,) = [each for each in small.prepared.check.lines if each.code == "too_small"]
    assert (line.severity, line.count, line.examples) == ("warning", 1, ("c",))


def test_elders_and_beds_in_no_unit_stand_in_a_row_of_their_own(street: Street) -> None:
    zones = [{"id": "west", "elders": 3000, "x": [-1000, 0], "y": [-500, 500]},
             {"id": "east", "elders": 1000, "x": [0, 1000], "y": [-500, 500]}]  # fmt: skip
    units = [{"id": "U", "x": [-1000, 0], "y": [-500, 500]}]
    done = street(people("w", -500, 3000), people("e", 500, 1000), zones=zones, units=units,
                  homes=[home("hw", -400, 90), home("he", 400, 70)])  # fmt: skip
    assert finding(done, "HZ-01", "U").verdict == "met"
    stray = finding(done, "HZ-01", "no_unit")
    assert (stray.required, stray.measured, stray.verdict, stray.note) == (
        0, 70, "not_applicable", "no_unit",
    )  # fmt: skip
    assert finding(done, "HZ-02", "no_unit").verdict == "not_applicable"
    assert finding(done, "HZ-01", "all").required == 120  # 4,000 elders, stray ones too
    table = done.tables.units.set_index("id")
    assert table.loc["no_unit", ["elders", "beds_required", "shortfall"]].tolist() == [1000, 0, 0]
    assert any(line.code == "no_unit" for line in done.prepared.check.lines)


def test_units_named_by_the_demand_points_take_each_site_to_the_nearest_point(
    tmp_path: Path,
) -> None:
    given = {
        "elders": [people("a", 0, 1000) | {"street": "west"}, people("b", 900, 700) |
                   {"street": "east"}, people("c", 1000, 20) | {"street": ""}],
        "homes": [home("h1", 440, 30), home("h2", 460, 20), home("h3", 1200, 15)],
        "scenario": {"distance": "straight", "units": {"by": "street"}},
    }  # fmt: skip
    done = case_files.plan_case(given, {"audit": True}, tmp_path)
    table = done.tables.units.set_index("id")
    assert table["elders"].to_dict() == {"east": 700, "west": 1000, "no_unit": 20}
    assert table["beds_existing"].to_dict() == {"east": 20, "west": 30, "no_unit": 15}
    assert table["beds_required"].to_dict() == {"east": 21, "west": 30, "no_unit": 0}


def test_a_zone_without_a_name_of_its_unit_is_in_no_unit(street: Street) -> None:
    zones = [around(people("a", 0)), around(people("b", 200)) | {"unit": ""}]
    done = street(people("a", 0), people("b", 200), zones=zones,
                  homes=[home("h", 0, 11), home("g", 200, 12)])  # fmt: skip
    table = done.tables.units.set_index("id")
    assert table["elders"].to_dict() == {"town": 40, "no_unit": 40}
    assert table["beds_existing"].to_dict() == {"town": 11, "no_unit": 12}


# -- who counts -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({"beds": 9}, False),
        ({"beds": 10}, True),
        ({"beds": 11}, True),
        ({"kind": "养老院"}, True),
        ({"kind": "敬老院"}, True),
        ({"kind": "护理院"}, True),
        ({"kind": "institution"}, True),
        ({"kind": ""}, True),
        ({"kind": "day_care"}, False),
        ({"kind": "家庭养老床位"}, False),
        ({"kind": "canteen"}, False),
        ({"kind": "senior_housing"}, False),
        ({"kind": "something else"}, False),
        ({"registered": "是"}, True),
        ({"registered": ""}, True),
        ({"registered": "否"}, False),
        ({"registered": "false"}, False),
    ],
    ids=str,
)
def test_who_counts_for_coverage_beds_and_places(
    street: Street, change: dict[str, Any], *, counts: bool
) -> None:
    subject = {"beds": 30, "kind": "养老机构", "registered": "是"} | change
    done = street(people("e", 0, 1000), zones=[square("z", 12_004)],
                  homes=[home("subject", 100, **subject), home("far", -900, 10, kind="institution",
                                                               registered="是")])  # fmt: skip
    assert done.record["coverage"]["plan"]["high"] == (1 if counts else 0)
    assert finding(done, "HZ-01", "town").measured == (subject["beds"] if counts else 0) + 10
    assert finding(done, "HZ-02", "town").measured == (2 if counts else 1)
    table = done.tables.facilities.set_index("id")
    assert bool(table.loc["subject", "qualifies"]) is counts


def test_a_home_without_kind_counts_and_is_told_in_the_check(street: Street) -> None:
    done = street(people("e", 0), homes=[home("h", 100, kind=""), home("g", 110, kind="养老院")])
    (line,) = [each for each in done.prepared.check.lines if each.code == "kind_missing"]
    assert (line.count, line.examples) == (1, ("h",))


def test_a_home_outside_the_study_area_covers_but_holds_beds_of_no_unit(street: Street) -> None:
    done = street(people("e", 0), homes=[home("h", 400, 60)])  # the zone ends at 50 m
    assert done.record["coverage"]["plan"]["high"] == 1
    assert done.record["beds"]["existing"] == done.record["beds"]["plan"] == 0
    assert finding(done, "HZ-01", "town").measured == finding(done, "HZ-01", "all").measured == 0
    row = done.tables.facilities.set_index("id").loc["h"]
    assert (row["status"], row["unit_id"], row["beds"]) == ("outside", "", 60)


def test_a_home_off_the_network_has_beds_but_covers_no_one(street: Street) -> None:
    zone = {"id": "z", "unit": "town", "elders": 8000, "x": [-500, 500], "y": [-200, 1000]}
    homes = [home("far", 0, 60) | {"y": 501}, home("near", 0, 10) | {"y": 499.9}]
    done = street(people("e", 0, 8000), zones=[zone], homes=homes[:1])
    assert done.record["coverage"]["plan"]["high"] == 0
    assert finding(done, "HZ-01", "town").measured == 60
    assert point(done, "e")["nearest_straight_m"] == 501
    assert np.isnan(point(done, "e")["nearest_network_m"])
    both = street(people("e", 0, 8000), zones=[zone], homes=homes)
    assert both.record["coverage"]["plan"]["high"] == 1
    straight = street(people("e", 0, 8000), zones=[zone], homes=[home("far", 0, 60) | {"y": 499}],
                      set={"distance": "straight", "network.max_snap_m": 100})  # fmt: skip
    assert straight.record["coverage"]["plan"]["high"] == 1


# -- why a point is uncovered -----------------------------------------------------------------


def test_every_reason_is_given_where_it_applies(street: Street) -> None:
    points = [
        people("no_candidate_in_reach", -2000),
        people("off_network", -1000, y=601),
        people("locked_out", 0),
        people("excluded", 1500),
        people("over_limit", 3000, 40),
        people("not_chosen", 4500, 90),
        people("covered", 6000),
        people("low density", 7500, 5),
    ]
    done = street(
        *points, audit=False,
        homes=[home("closed", 40), home("stays", 6100)],
        candidates=[candidate("protected", 1600), candidate("lonely", 3100),
                    candidate("free", 4600), candidate("beside the field", -1000)],
        protected=[{"id": "redline", "x": [1550, 1650], "y": [-50, 50]}],
        scenario={"limits": {"min_elders_per_new_site": 41}, "locks": {"forbid": ["closed"]},
                  "rules": {rule: {"enforce": False} for rule in sorted(RULES)}},
    )  # fmt: skip
    table = done.tables.demand.set_index("id")
    for code in REASONS:
        assert table.loc[code, "reason"] == code
        assert table.loc[code, "covered"] is np.False_ or not table.loc[code, "covered"]
    assert table.loc[["covered", "low density"], "reason"].tolist() == ["", ""]
    assert table.loc["locked_out", "blocked_by"] == "closed"
    assert table.loc["excluded", "blocked_by"] == "protected"
    assert table.loc["over_limit", "blocked_by"] == "lonely"
    assert table.loc["not_chosen", "blocked_by"] == ""
    closed = done.tables.facilities.set_index("id").loc["closed"]
    assert (closed["status"], closed["beds"]) == ("closed", 0)


def test_a_home_that_is_closed_is_listed_as_closed_wherever_it_stands(street: Street) -> None:
    done = street(people("e", 0), homes=[home("in", 10), home("out", 400), home("stays", 401)],
                  scenario={"locks": {"forbid": ["in", "out"]}}, audit=False)  # fmt: skip
    table = done.tables.facilities.set_index("id")
    assert table["status"].to_dict() == {"in": "closed", "out": "closed", "stays": "outside"}
    assert table["beds"].to_dict() == {"in": 0, "out": 0, "stays": 10}


@pytest.mark.parametrize("limit", [{"max_new_sites": 0}, {"budget_wan_yuan": 1.9}])
def test_a_point_left_out_by_a_limit_says_so(street: Street, limit: dict[str, float]) -> None:
    done = street(people("e", 0), candidates=[candidate("c", 100)], audit=False,
                  scenario={"limits": limit})  # fmt: skip
    assert point(done, "e")["reason"] == "over_limit"
    assert done.record["coverage"] == {
        "existing": {"high": 0, "medium": 1}, "plan": {"high": 0, "medium": 1},
        "reachable": {"high": 1, "medium": 1},
    }  # fmt: skip
    enough = street(people("e", 0), candidates=[candidate("c", 100)], audit=False,
                    scenario={"limits": {"max_new_sites": 1, "budget_wan_yuan": 2.0}})  # fmt: skip
    assert point(enough, "e")["reason"] == ""


@pytest.mark.parametrize(
    ("distance", "reason"), [("network", "off_network"), ("straight", "no_candidate_in_reach")]
)
def test_a_point_far_from_every_road_is_off_the_network_only_where_roads_bind(
    street: Street, distance: str, reason: str
) -> None:
    done = street(people("e", 0, y=600), set={"distance": distance})
    assert point(done, "e")["reason"] == reason
    near = [candidate("c", 0) | {"y": 580}]
    judged = street(people("e", 0, y=600), candidates=near, set={"distance": distance})
    expected = {"network": "off_network", "straight": "not_chosen"}[distance]
    assert point(judged, "e")["reason"] == expected


@pytest.mark.parametrize(("distance", "drawn"), [("network", False), ("straight", True)])
def test_a_home_off_the_network_has_a_service_area_only_in_a_straight_line(
    street: Street, distance: str, *, drawn: bool
) -> None:
    done = street(people("e", 0), homes=[home("h", 0) | {"y": 600}], set={"distance": distance})
    areas = done.tables.service_areas.set_index("distance_m").geometry
    assert (areas[500.0].area > 0) is drawn
    if drawn:
        assert areas[500.0].area == pytest.approx(np.pi * 500**2, rel=0.02)


def test_a_forbidden_candidate_is_no_candidate(street: Street) -> None:
    done = street(people("e", 0), candidates=[candidate("c", 100)], audit=False,
                  scenario={"locks": {"forbid": ["c"]}})  # fmt: skip
    assert point(done, "e")["reason"] == "no_candidate_in_reach"
    assert point(done, "e")["blocked_by"] == "c"
    assert done.record["coverage"]["reachable"]["high"] == 0


def test_what_stands_today_is_judged_as_not_chosen_where_a_candidate_is_near(
    street: Street,
) -> None:
    done = street(people("e", 0), candidates=[candidate("c", 100)])
    assert point(done, "e")["reason"] == "not_chosen"


def test_a_home_that_a_drawn_layout_leaves_out_was_not_chosen(street: Street) -> None:
    done = street(people("e", 0), homes=[home("h", 100), home("g", 5000)],
                  layout=[{"id": "g", "beds": 10}])  # fmt: skip
    assert done.record["coverage"]["existing"]["high"] == 1
    assert done.record["coverage"]["plan"]["high"] == 0
    assert done.record["coverage"]["reachable"]["high"] == 1
    assert point(done, "e")["reason"] == "not_chosen"
    (line,) = [x for x in done.prepared.check.lines if x.code == "layout_without_home"]
    assert line.examples == ("h",)


# -- layouts drawn by hand --------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Plan the tiny case of the acceptance cases once, and write all its tables."""
    folder = tmp_path_factory.mktemp("tiny")
    case = case_files.read_case(case_files.CASES / "T06_tiny_plan.yaml")
    done = case_files.plan_case(case["given"], {"set": {"outputs.geopackage": True}}, folder)
    siting.write_plan(done, folder / "planned")
    return folder


@pytest.fixture
def tiny(tiny_once: Path, tmp_path: Path) -> Path:
    """Return a folder with the tiny case: its files, and its plan in ``planned``."""
    return Path(shutil.copytree(tiny_once, tmp_path / "tiny"))


def command(folder: Path, layout: Path, *more: str) -> Any:
    arguments = ["audit", folder / "scenario.yaml", "--layout", layout, "--out", folder / "judged",
                 "--quiet", *more]  # fmt: skip
    return CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.mark.parametrize("form", [".", "plan.gpkg", "facilities.csv"])
def test_a_plan_read_back_as_a_drawn_layout_is_judged_as_it_was(tiny: Path, form: str) -> None:
    answer = command(tiny, tiny / "planned" / form, "--strict")
    assert answer.exit_code == 0, answer.output
    planned, judged = (case_files.read_result(tiny / each) for each in ("planned", "judged"))
    assert judged.run["status"] == "audited"
    assert judged.run["stages"] == []
    assert judged.run["cost_wan_yuan"] == pytest.approx(55.6)
    assert judged.tables["audit"].equals(planned.tables["audit"])
    assert judged.tables["units"].equals(planned.tables["units"])
    shared = ["id", "covered", "nearest_facility_id", "nearest_network_m", "reason"]
    assert judged.tables["demand"][shared].equals(planned.tables["demand"][shared])


def test_a_drawn_layout_that_breaks_a_rule_fails_when_asked_to_be_strict(tiny: Path) -> None:
    (tiny / "drawn.csv").write_text("id,beds\nA,120\nC,179\n", encoding="utf-8")
    assert command(tiny, tiny / "drawn.csv").exit_code == 0
    assert command(tiny, tiny / "drawn.csv", "--strict").exit_code == 1
    judged = case_files.read_result(tiny / "judged")
    assert float(judged.finding("plan", "HZ-01", "town")["measured"]) == 299


def test_a_drawn_layout_may_hold_sites_that_the_scenario_does_not_know(tiny: Path) -> None:
    east, north = case_files.CORNER
    rows = f"id,beds,x,y\nA,120,,\nmy own,180,{east + 1500},{north}\n"
    (tiny / "drawn.csv").write_text(rows, encoding="utf-8")
    assert command(tiny, tiny / "drawn.csv", "--strict").exit_code == 0
    judged = case_files.read_result(tiny / "judged")
    assert judged.row("facilities", "my own")["status"] == "new"
    assert judged.row("demand", "at 1200")["nearest_facility_id"] == "my own"
    assert judged.run["cost_wan_yuan"] == pytest.approx(22)  # its own cost is unknown
    assert {"layout_new_site"} <= set(judged.tables["check"]["code"])


def test_a_drawn_layout_without_the_place_of_an_unknown_site_is_refused(tiny: Path) -> None:
    (tiny / "drawn.csv").write_text("id,beds\nA,120\nmy own,180\n", encoding="utf-8")
    answer = command(tiny, tiny / "drawn.csv")
    assert answer.exit_code == 2
    assert "my own" in answer.stderr
    assert not (tiny / "judged").exists()


def test_closed_rows_of_a_drawn_layout_do_not_stand(tiny: Path) -> None:
    rows = "id,beds,status\nA,120,new\nB,100,closed\nC,180,new\nD,10,reserved\n"
    (tiny / "drawn.csv").write_text(rows, encoding="utf-8")
    assert command(tiny, tiny / "drawn.csv").exit_code == 0
    judged = case_files.read_result(tiny / "judged")
    assert set(judged.tables["facilities"]["id"]) == {"A", "C"}


def test_beds_below_ten_in_a_drawn_layout_do_not_count(street: Street) -> None:
    nine, ten = (
        street(people("e", 0), candidates=[candidate("c", 30)], layout=[{"id": "c", "beds": beds}])
        for beds in (9, 10)
    )
    assert nine.record["coverage"]["plan"]["high"] == 0
    assert nine.record["beds"]["plan"] == 0
    assert ten.record["coverage"]["plan"]["high"] == 1
    assert ten.record["beds"]["plan"] == 10


def test_a_layout_without_coordinates_for_an_unknown_site_names_it(street: Street) -> None:
    with pytest.raises(InputError, match="nowhere"):
        street(people("e", 0), layout=[{"id": "nowhere", "beds": 10}])


# -- the auditor does not know the solver -----------------------------------------------------


def imports_of(module: str) -> set[str]:
    """Return what one module of the package imports, type hints included."""
    path = PACKAGE.parent.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{each.name}" for each in node.names}
    return found


def reached_from(module: str) -> set[str]:
    """Return every module that a module leads to, inside the package and out."""
    seen, left = {module}, [module]
    while left:
        for name in imports_of(left.pop()) - seen:
            seen.add(name)
            inside = PACKAGE.parent.joinpath(*name.split("."))
            is_ours = name.startswith("siting.")
            if is_ours and (inside.is_dir() or inside.with_suffix(".py").is_file()):
                left.append(name)
    return seen


def test_the_auditor_cannot_see_the_solver() -> None:
    ours = "model", "reduce", "solve", "solvers", "start", "search", "shorten", "distance"
    forbidden = {"pulp", "highspy", *(f"siting.{name}" for name in ours)}
    assert not reached_from("siting.audit") & forbidden
    assert {"siting.solve", "highspy"} <= reached_from("siting.run")  # the search does search
