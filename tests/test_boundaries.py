"""
Every core rule of every packaged standard, just at its limit and one step below it.

Each limit is read off the document: the first town has exactly what the rule asks for, the second
one bed, one home, one area or one centimetre less.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from tiny_mix import HIGH, MEDIUM, Point, Site, Zone, build, findings

from siting.standards import Rule, packaged_standards, read_standard

TIER = 1
LAST_YEAR = 2100
STREET, TOWN = "甲街道", "乙镇"
TWO = (Zone("z0", street=STREET, district="东"), Zone("z1", street=TOWN, district="西"))

HANGZHOU, PINGYANG, WENDENG, ZHOUSHAN = (
    "hangzhou-2021", "pingyang-2021", "wendeng-2021", "zhoushan-2021",
)  # fmt: skip

NO_VERDICT = {
    (HANGZHOU, "HZ-06"): "nearness to elders: the text gives no number",
    (HANGZHOU, "HZ-06b"): "evenness of beds: the text gives no number",
    (HANGZHOU, "HZ-10"): "idle public premises first: an order, not a quota",
    (HANGZHOU, "HZ-16"): "the limit of low ageing: judged by HZ-14 and HZ-15a to HZ-15h",
    (HANGZHOU, "HZ-18"): "upgrades allowed: the text gives no number",
    (HANGZHOU, "HZN-06"): "the same as HZ-06",
    (PINGYANG, "PY-09"): "three conditions without numbers",
    (PINGYANG, "PY-10"): "village premises: no share is asked for",
    (PINGYANG, "PY-20"): "homes where elders cluster: no line of a cluster is drawn",
    (PINGYANG, "PY-21"): "reused stock: no share is asked for",
}
"""Core rules that can be neither met nor unmet, and why."""


@dataclass(frozen=True)
class Place:
    """A small place: sites, and what ``build`` needs beside them."""

    sites: tuple[Site, ...]
    points: tuple[Point, ...] = (Point(0.0),)
    zones: tuple[Zone, ...] = ()


@dataclass(frozen=True)
class Limit:
    """
    A rule with what just meets it and what just does not.

    Attributes
    ----------
    standard, rule, year
        The rule with the numbers that start in a year.
    area
        Area of the finding.
    met, unmet
        Two places that differ by one step.
    below
        Verdict of the second place; what a text only encourages is never unmet.
    also
        Other rules that the rule needs beside it.
    """

    standard: str
    rule: str
    year: int
    area: str
    met: Place
    unmet: Place
    below: str = "unmet"
    also: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return what the test is called."""
        return f"{self.rule} {self.year} {self.area}"


def home(*functions: str, beds: int = 10, **told: Any) -> Site:
    """Return a home with functions."""
    return Site(home=True, beds=beds, functions=frozenset(functions), **told)


def one_less(standard: str, rule: str, year: int, area: str, *, step: str, met: Site, place: Place,
             **more: Any) -> Limit:  # fmt: skip
    """Return the limit of a home beside a place, where one bed or resident less is too few."""
    if step in met.facts:
        unmet = replace(met, facts=met.facts | {step: met.facts[step] - 1})
    else:
        unmet = replace(met, **{step: getattr(met, step) - 1})
    both = (replace(place, sites=(*place.sites, each)) for each in (met, unmet))
    return Limit(standard, rule, year, area, *both, **more)


def numbers(standard: str, rule: str, year: int, area: str, *, site: Site, many: int,
            zones: tuple[Zone, ...] = TWO, **more: Any) -> Limit:  # fmt: skip
    """Return the limit of so many alike homes, where one home fewer is too few."""
    met, unmet = (Place((site,) * count, zones=zones) for count in (many, many - 1))
    return Limit(standard, rule, year, area, met, unmet, **more)


def areas(standard: str, rule: str, year: int, *, function: str, ends: str, total: int,
          least: int) -> Limit:  # fmt: skip
    """Return the limit of areas with a function: so many of all, each in a street of its own."""
    zones = tuple(Zone(f"z{k:02}", street=f"{k:02}{ends}") for k in range(total))
    met, unmet = (
        Place(tuple(home(function, zone=k) for k in range(count)), zones=zones)
        for count in (least, least - 1)
    )
    return Limit(standard, rule, year, "all", met, unmet)


def apart(standard: str, rule: str, year: int, *, what: Site, beside: Site, **more: Any) -> Limit:
    """Return the limit of two facilities 100 m apart, entrance to entrance, and 1 cm more."""
    both = (Place((what, replace(beside, xy=(metres, 0.0)))) for metres in (100.0, 100.01))
    return Limit(standard, rule, year, "H0", *both, **more)


def within(rule: str, density: int, metres: float) -> Limit:
    """Return the limit of elders at a distance from a home, and 1 cm farther."""
    both = (
        Place((home(),), points=(Point(100.0, (far, 0.0), zone=-1, density=density),))
        for far in (metres, metres + 0.01)
    )
    return Limit(HANGZHOU, rule, 2021, "all", *both)


def share(standard: str, rule: str, year: int, step: str, part: int, beds: int,
          area: str = "all", **told: Any) -> Limit:  # fmt: skip
    """Return the limit of a part of a home's beds, beside a home with no such beds elsewhere."""
    zone = {"all": 0, "东": 0, TOWN: 1}[area]
    site = home(beds=beds, zone=zone, **({step: part} | told))
    elsewhere = () if area == "all" else (home(zone=1 - zone, beds=100),)
    return one_less(
        standard, rule, year, area, step=step, met=site, place=Place(elsewhere, zones=TWO)
    )


def reserved(rule: str) -> Limit:
    """Return the limit of a low share of elders: 4,999 of 50,000 residents, and 5,000."""
    zones = (Zone("z0", street=STREET, residents=50_000.0),)
    kept = (Site(facts={"reserved": True}),)
    both = (Place(kept, (Point(elders),), zones) for elders in (4999.0, 5000.0))
    return Limit(HANGZHOU, rule, 2025, STREET, *both)


def backed(standard: str, rule: str, year: int, area: str, function: str) -> Limit:
    """Return the limit of a function that only a home of ten beds can have."""
    site, nothing = home(function), Place((), zones=TWO)
    return one_less(standard, rule, year, area, step="beds", met=site, place=nothing)


def elders(number: float, zone: int = 0) -> Place:
    """Return elders without a home, in the first zone or in the town."""
    return Place((), (Point(number, zone=zone),), TWO)


PUBLIC_SHARE = Place(
    (home(beds=100, owner="private"), home(beds=15, nursing=11, owner="public_private")), zones=TWO
)
"""Beside a public home of 10 beds: 25 public beds; beds of a private home do not count."""

LIMITS = (
    # 300 beds for 10,000: 700 elders need 21 beds, though floats say 21.000000000000004.
    one_less(HANGZHOU, "HZ-01", 2021, "a", step="beds", met=home(beds=21), place=elders(700.0)),
    Limit(HANGZHOU, "HZ-02", 2021, "a",
          Place((home(), home(xy=(100.0, 0.0))), (Point(10_000.0),)),
          Place((home(), home(xy=(99.99, 0.0))), (Point(10_000.0),)), also=("HZ-01",)),
    within("HZ-03", HIGH, 500.0),
    within("HZ-04", MEDIUM, 1000.0),
    backed(HANGZHOU, "HZ-14", 2025, STREET, "care_centre"),
    reserved("HZ-14"),
    backed(HANGZHOU, "HZ-15a", 2025, STREET, "care_centre"),
    reserved("HZ-15a"),
    backed(HANGZHOU, "HZ-15b", 2025, STREET, "memory_home"),
    reserved("HZ-15b"),
    backed(HANGZHOU, "HZ-20", 2025, "东", "memory_home"),
    backed(HANGZHOU, "HZ-21", 2025, STREET, "memory_zone"),
    share(HANGZHOU, "HZ-25", 2022, "nursing", 12, 20),       # 60 % of 20
    share(HANGZHOU, "HZ-25", 2025, "nursing", 13, 20),       # 65 % of 20
    share(HANGZHOU, "HZN-02", 2025, "nursing", 13, 20),
    *(one_less(HANGZHOU, rule, year, "all", step="dementia", place=elders(number),
               met=home(beds=50, nursing=50, dementia=beds))
      for rule, year, number, beds in (
          ("HZ-26", 2022, 10_000.0, 10), ("HZ-26", 2022, 10_001.0, 11),
          ("HZ-26", 2025, 10_000.0, 20), ("HZ-26", 2025, 24_999.0, 50),
          ("HZN-03", 2025, 10_000.0, 20))),
    # 68 % of 25 public beds are 17: 11 at the one home and 6 at the other.
    one_less(HANGZHOU, "HZ-33", 2025, "all", step="nursing", met=home(nursing=6),
             place=PUBLIC_SHARE),
    numbers(HANGZHOU, "HZ-34", 2025, "东", many=1,
            site=home(owner="public_private", facts={"mainly_nursing": True})),
    apart(HANGZHOU, "HZ-38", 2021, below="not_applicable",
          what=home("home_care_centre", facts={"health_centre": False}),
          beside=home(facts={"health_centre": True})),
    numbers(PINGYANG, "PY-03", 2023, "all", site=home("micro_home"), many=20),
    share(PINGYANG, "PY-07", 2023, "nursing", 11, 20),       # 55 % of 20
    share(PINGYANG, "PY-08", 2023, "dementia", 2, 40),       # 5 % of 40
    one_less(PINGYANG, "PYA-01", 2021, TOWN, step="beds", met=home(beds=200, zone=1),
             place=Place((home(beds=900),), zones=TWO)),
    numbers(PINGYANG, "PYA-02", 2021, TOWN, site=home("micro_home", zone=1), many=2),
    one_less(PINGYANG, "PYA-03", 2021, TOWN, step="beds", met=home(beds=40, zone=1),
             place=elders(1000.0, zone=1)),                  # 40 for each 1,000
    share(PINGYANG, "PYA-04", 2021, "nursing", 11, 20, TOWN),
    share(PINGYANG, "PYA-05", 2021, "dementia", 2, 40, TOWN),
    # 60 % of 20 beds are 12 residents; another town's home is half empty.
    one_less(PINGYANG, "PYA-06", 2021, TOWN, step="residents",
             met=home(beds=20, zone=1, facts={"residents": 12.0}),
             place=Place((home(beds=20, zone=0, facts={"residents": 10.0}),), zones=TWO)),
    areas(PINGYANG, "PYA-11", 2021, function="home_care_centre", ends="镇", total=3, least=3),
    numbers(WENDENG, "WD-11", 2021, STREET, site=home("street_centre"), many=1),
    areas(WENDENG, "WD-11b", 2021, function="station", ends="街道", total=3, least=3),
    areas(WENDENG, "WD-12", 2022, function="street_centre", ends="街道", total=3, least=3),
    areas(WENDENG, "WD-12b", 2022, function="day_care", ends="街道", total=10, least=9),
    areas(WENDENG, "WD-12b", 2022, function="day_care", ends="街道", total=11, least=10),   # 9.9
    share(WENDENG, "WD-14", 2022, "nursing", 13, 20),
    areas(WENDENG, "WD-15", 2021, function="street_centre", ends="镇", total=3, least=2),   # 1.5
    areas(WENDENG, "WD-15", 2022, function="street_centre", ends="镇", total=3, least=3),
    numbers(WENDENG, "WD-17", 2023, "all", site=home("canteen"), many=15),
    areas(WENDENG, "WD-17b", 2023, function="meal_table", ends="镇", total=5, least=2),
    areas(WENDENG, "WD-17b", 2023, function="meal_table", ends="街道", total=6, least=3),   # 2.4
    numbers(ZHOUSHAN, "ZS-01", 2022, TOWN, site=home("home_care_centre", zone=1), many=1),
    share(ZHOUSHAN, "ZS-02", 2022, "dementia", 2, 40, "东"),
    backed(ZHOUSHAN, "ZS-02b", 2022, "东", "memory_zone"),
    # Any one way of service will do on an island; without one it is still not at fault.
    *(numbers(ZHOUSHAN, "ZS-12", 2021, "岛", site=home(way), many=1, below="not_applicable",
              zones=(Zone(street=TOWN, island="岛"),))
      for way in ("station", "mobile_round", "combined_institution")),
    apart(ZHOUSHAN, "ZS-06", 2021,
          what=home(facts={"new_health_centre": True}),
          beside=home("home_care_centre", facts={"new_health_centre": False})),
    apart(ZHOUSHAN, "ZS-06b", 2021,
          what=home(facts={"new_health_centre": True, "disability_rehab": False}),
          beside=home(facts={"new_health_centre": False, "disability_rehab": True})),
)  # fmt: skip


def rule_of(standard: str, rule_id: str, year: int) -> Rule:
    """Return a rule with its numbers of a year."""
    found = read_standard(standard, year=year).rule(rule_id)
    assert found is not None, (standard, rule_id, year)
    return found


def verdict(limit: Limit, place: Place) -> str:
    """Return the verdict of the one finding of a limit's rule in its area."""
    rules = [rule_of(limit.standard, each, limit.year) for each in (limit.rule, *limit.also)]
    problem = build(
        list(place.sites), rules, points=list(place.points), zones=list(place.zones) or None
    )
    found = [
        each.verdict
        for each in findings(problem)
        if (each.rule_id, each.scope_id) == (limit.rule, limit.area)
    ]
    assert len(found) == 1, found
    return str(found[0])


def core_rules() -> set[tuple[str, str, int]]:
    """Return standard, rule and year of every set of numbers of every core rule."""
    return {
        (name, rule.id, year)
        for name in packaged_standards()
        for standard in [read_standard(name, year=LAST_YEAR)]
        for rule in standard.rules
        if rule.tier == TIER
        for year in standard.values[rule.id]
    }


def test_no_core_rule_of_any_year_is_left_out() -> None:
    covered = {(each.standard, each.rule, each.year) for each in LIMITS}
    silent = {each for each in core_rules() if each[:2] in NO_VERDICT}
    assert covered | silent == core_rules()
    assert not covered & silent
    assert {each[:2] for each in silent} == set(NO_VERDICT)


@pytest.mark.parametrize("limit", [pytest.param(each, id=each.name) for each in LIMITS])
def test_a_core_rule_is_met_at_its_limit_and_unmet_one_step_below(limit: Limit) -> None:
    assert verdict(limit, limit.met) == "met"
    assert verdict(limit, limit.unmet) == limit.below


@pytest.mark.parametrize(("standard", "rule_id"), NO_VERDICT)
def test_a_rule_without_a_number_is_neither_met_nor_unmet(standard: str, rule_id: str) -> None:
    asked = rule_of(standard, rule_id, LAST_YEAR)
    assert asked.kind in {"preference", "note"}
    for sites in ([], [home()], [home(), Site(locked_open=True, high=10)]):
        problem = build(sites, [asked], points=[Point(1000.0)], zones=list(TWO))
        assert {each.verdict for each in findings(problem)} == {"not_applicable"}
