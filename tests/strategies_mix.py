"""
Hypothesis strategies that draw tiny towns with nursing and dementia beds, functions and subsidies.

Costs are multiples of 0.25 and subsidies pay a half or a quarter, so that no two different costs
are nearer than the tolerance of a stage. A town is drawn around its rules: only functions and
costs that could matter are varied, so that all layouts can be listed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import oracle_mix
from hypothesis import assume
from hypothesis import strategies as st
from tiny_mix import HIGH, LOW, MEDIUM, Point, Site, Zone, build, rule

from siting.scenario import Function, Limits, Mix

if TYPE_CHECKING:
    from siting.problem import Problem
    from siting.standards import Rule

MOST_SUMS = 60_000
CENTRE, MEMORY, CANTEEN = "care_centre", "memory_home", "canteen"
ALL_FUNCTIONS = (CENTRE, MEMORY, CANTEEN)
STREETS = ("甲街道", "乙镇")
QUARTERS = st.integers(0, 40).map(lambda number: number / 4)
SMALL_QUARTERS = st.integers(0, 8).map(lambda number: number / 4)
ELDERS = st.sampled_from([0.0, 0.5, 250.0, 333.5, 500.0, 1000.0, 1200.0, 1500.0])
SPOTS = st.tuples(
    st.sampled_from([0.0, 300.0, 500.0, 700.0, 1000.0, 1300.0]), st.sampled_from([0.0, 0.0, 400.0])
)
AREAS = st.sampled_from([0.0, 60.0, 100.0])
FLOORS = st.sampled_from([math.inf, math.inf, math.inf, 120.0, 60.0])
OWNERS = st.sampled_from(["public", "public", "public_private", "private"])


@st.composite
def zones(draw: st.DrawFn, units: int) -> list[Zone]:
    """Draw one to three zones."""
    return [
        Zone(
            f"z{k}",
            street=draw(st.sampled_from([*STREETS, None] if k else STREETS)),
            district=draw(st.sampled_from(["东", "东", "西"])),
            unit=draw(st.integers(0, units - 1)),
            residents=draw(st.sampled_from([math.nan, 2000.0, 5000.0, 10000.0, 15000.0])),
            island=draw(st.sampled_from([None, "大岛", "小岛"])),
        )
        for k in range(draw(st.integers(1, 3)))
    ]


@st.composite
def points(draw: st.DrawFn, n_zones: int) -> Point:
    """Draw elders somewhere."""
    return Point(
        elders=draw(ELDERS),
        xy=draw(SPOTS),
        zone=draw(st.integers(0, n_zones - 1)),
        density=draw(st.sampled_from([LOW, HIGH, MEDIUM])),
    )


def function_sets(known: tuple[str, ...]) -> st.SearchStrategy[frozenset[str]]:
    """Return sets of some functions."""
    return st.sets(st.sampled_from(known)).map(frozenset) if known else st.just(frozenset())


@st.composite
def homes(draw: st.DrawFn, n_zones: int, known: tuple[str, ...], *, room: bool) -> Site:
    """Draw a home: counting or too small, with or without room, closed, or its beds decided."""
    beds = draw(st.sampled_from([6, 8, 9, 10, 10, 11, 13]))
    high = beds + (draw(st.sampled_from([0, 0, 1, 2, 4])) if room else 0)
    nursing = draw(st.integers(max(beds - 6, 0), beds))
    fate = draw(st.sampled_from(["free", "free", "free", "free", "closed", "beds"]))
    silent = draw(st.integers(0, 9))
    return Site(
        home=True,
        beds=beds,
        nursing=None if silent == 0 else nursing,
        dementia=None if silent == 1 else draw(st.integers(0, min(nursing, 2))),
        high=high,
        fixed=draw(QUARTERS),
        each=draw(SMALL_QUARTERS),
        convert=draw(st.sampled_from([math.nan, 0.0, 0.25, 0.5, 1.5])),
        owner=draw(OWNERS) if silent != 2 else "",
        functions=None if silent == 3 else draw(function_sets(known)),
        can_host=draw(st.one_of(st.none(), st.none(), function_sets(known))),
        institution=draw(st.integers(0, 5)) > 0,
        zone=draw(st.integers(0, n_zones - 1)),
        xy=draw(SPOTS),
        facts=draw(st.sampled_from([{}, {}, {"reserved": True}, {"barred": True}])),
        floor=draw(FLOORS),
        forbidden=fate == "closed",
        locked_beds=draw(st.integers(beds, high)) if fate == "beds" else -1,
    )


@st.composite
def candidates(draw: st.DrawFn, n_zones: int, known: tuple[str, ...]) -> Site:
    """Draw a candidate: free, forbidden, locked open or with its beds decided, or without beds."""
    if draw(st.integers(0, 4)) == 0:
        return Site(
            low=0, high=0, institution=False, fixed=draw(QUARTERS), each=0.0,
            zone=draw(st.integers(0, n_zones - 1)), xy=draw(SPOTS), floor=draw(FLOORS),
            can_host=draw(st.one_of(st.none(), function_sets(known))),
            facts=draw(st.sampled_from([{}, {"reserved": True}])),
            forbidden=draw(st.integers(0, 4)) == 0, locked_open=False,
        )  # fmt: skip
    low = draw(st.sampled_from([10, 10, 11]))
    high = low + draw(st.sampled_from([0, 1, 2]))
    fate = draw(st.sampled_from(["free"] * 5 + ["forbidden", "open", "beds"]))
    return Site(
        low=low,
        high=high,
        fixed=draw(QUARTERS),
        each=draw(SMALL_QUARTERS),
        owner=draw(OWNERS),
        can_host=draw(st.one_of(st.none(), st.none(), function_sets(known))),
        facts=draw(st.sampled_from([{}, {}, {"reserved": True}, {"barred": True}])),
        zone=draw(st.integers(0, n_zones - 1)),
        xy=draw(SPOTS),
        floor=draw(FLOORS),
        forbidden=fate == "forbidden",
        locked_open=fate == "open",
        locked_beds=draw(st.integers(low, high)) if fate == "beds" else -1,
    )


SHARES = st.sampled_from([0.0, 0.3, 0.5, 0.55, 0.6, 0.65, 0.8, 1.0])
SMALL_SHARES = st.sampled_from([0.05, 0.1, 0.2])
RATES = st.sampled_from([2.0, 10.0, 20.0, 33.0])
BED_RATES = st.sampled_from([60.0, 100.0, 100.0, 400.0])
NAMED = {
    "all": [()],
    "district": [(), ("东",), ("西",)],
    "street": [(), ("甲街道",)],
    "urban_street": [()],
    "town": [(), ("乙镇",), ("无此镇",)],
    "unit": [(), ("a",)],
}


@st.composite
def per_and_only(draw: st.DrawFn, kinds: tuple[str, ...]) -> dict[str, Any]:
    """Draw a kind of area, and which of them."""
    per = draw(st.sampled_from(kinds))
    return {"per": per, "only": draw(st.sampled_from(NAMED[per]))}


PLACES = ("all", "all", "district", "street", "town", "unit", "urban_street")


@st.composite
def some_rule(draw: st.DrawFn, name: str, known: tuple[str, ...]) -> Rule:
    """Draw a rule of any kind that is planned for, now and then only audited or encouraged."""
    kinds = ["nursing", "dementia", "rate", "beds", "unit_beds", "size", "cover", "money"]
    kinds += ["count", "count", "presence", "presence", "areas", "unpriced"] if known else []
    kinds += ["any", "any"] if known else []
    kind = draw(st.sampled_from(kinds))
    what = draw(st.sampled_from(known)) if known else ""
    where = draw(per_and_only(PLACES))
    owners = draw(st.sampled_from([(), (), ("public",), ("public", "public_private")]))
    made: dict[str, tuple[str, dict[str, Any]]] = {
        "nursing": ("share", {"part": "nursing_beds", "of": "beds", "min_share": draw(SHARES),
                              "owners": owners, **where}),
        "dementia": ("share", {"part": "dementia_beds", "of": "beds", "owners": owners,
                               "min_share": draw(SMALL_SHARES), **where}),
        "rate": ("ratio", {draw(st.sampled_from(
            ["dementia_beds_per_10000", "nursing_beds_per_10000"])): draw(RATES), **where}),
        "beds": ("ratio", {"beds_per_10000": draw(BED_RATES), **where}),
        "unit_beds": ("ratio", {"beds_per_10000": draw(BED_RATES)}),
        "size": ("count", {"min_beds": draw(st.sampled_from([5, 10, 11, 12, 14])),
                           "min_count": draw(st.integers(1, 2)), "owners": owners,
                           "min_dementia_beds": draw(st.sampled_from([None, None, 1, 3])),
                           **where}),
        "count": ("count", {"what": what, "min_count": draw(st.integers(1, 2)),
                            "owners": owners,
                            "min_beds": draw(st.sampled_from([None, None, 11])),
                            "min_dementia_beds": draw(st.sampled_from([None, None, 1, 3])),
                            **where}),
        "presence": ("presence", {"function": what, "min_count": draw(st.integers(1, 2)),
                                  "reserve_below_ageing_share":
                                      draw(st.sampled_from([None, 0.1, 0.5]))}),
        "any": ("presence", {"any_of": known, "min_count": draw(st.integers(1, 2)),
                             "per": draw(st.sampled_from(["island", "island", "town", "unit"])),
                             "only": draw(st.sampled_from([(), (), ("小岛", "a", "乙镇")])),
                             "above_ageing_share": draw(st.sampled_from([None, None, 0.1])),
                             "reserve_below_ageing_share":
                                 draw(st.sampled_from([None, 0.5]))}),
        "areas": ("coverage", {"what": what, "min_share": draw(st.sampled_from([0.5, 0.9, 1.0])),
                               "per": draw(st.sampled_from(
                                   ["street", "town", "urban_street", "zone", "village"]))}),
        "unpriced": ("count", {"what": "embedded_home", "min_count": 1, "per": "all"}),
        "cover": ("coverage", {"distance_m": 500.0,
                               draw(st.sampled_from(["density_above_per_km2",
                                                     "density_from_per_km2"])): 1000.0}),
        "money": ("money", {"basis": "investment", "share": draw(st.sampled_from([0.25, 0.5])),
                            "cap_wan_yuan": draw(st.sampled_from([None, 1.5, 8.0])),
                            "owners": owners,
                            "excludes": draw(st.sampled_from([(), (), ("barred",)]))}),
    }  # fmt: skip
    rule_kind, parameters = made[kind]
    enforce = draw(st.integers(0, 7)) > 0
    return rule(name, rule_kind, enforce=enforce, **parameters)


def _fit_together(rules: list[Rule]) -> bool:
    """Return whether rules do not ask for two distances of one class."""
    classes = [
        each.parameters.density_class
        for each in rules
        if each.kind == "coverage" and each.parameters.distance_m is not None
    ]
    return len(set(classes)) == len(classes)


@st.composite
def mixes(draw: st.DrawFn) -> Mix:
    """Draw what nursing and dementia beds cost, and how many a home may hold."""
    return Mix(
        nursing_cost_per_bed=draw(st.sampled_from([0.0, 0.25, 1.0])),
        dementia_cost_per_bed=draw(st.sampled_from([0.0, 0.5])),
        most_nursing_share=draw(st.sampled_from([1.0, 0.8, 0.5, 0.7])),
        most_dementia_share=draw(st.sampled_from([1.0, 0.5, 0.4])),
    )


@st.composite
def towns(
    draw: st.DrawFn, most_sums: int = MOST_SUMS, *, openings: bool = True
) -> Problem:  # fmt: skip
    """
    Draw a tiny town: up to two homes and two candidates, one to five rules.

    Without ``openings`` there are only homes, and none has room: nothing opens or is extended.
    """
    known = draw(st.sampled_from([(), (CENTRE,), (CANTEEN,), (MEMORY,), (CENTRE, CANTEEN)]))
    units = draw(st.sampled_from([("a",), ("a", "b")]))
    places = draw(zones(len(units)))
    n_homes = draw(st.integers(0 if openings else 1, 2))
    n_candidates = draw(st.integers(0 if n_homes else 1, 2)) if openings else 0
    rules = [draw(some_rule(f"R{k}", known)) for k in range(draw(st.integers(1, 5)))]
    assume(_fit_together(rules))
    limits = Limits(
        budget_wan_yuan=draw(st.one_of(st.none(), st.none(), QUARTERS.map(lambda q: q * 6))),
        max_new_sites=draw(st.one_of(st.none(), st.none(), st.integers(0, 1))),
    )
    problem = build(
        [
            *(draw(homes(len(places), known, room=openings)) for _ in range(n_homes)),
            *(draw(candidates(len(places), known)) for _ in range(n_candidates)),
        ],
        rules,
        points=[draw(points(len(places))) for _ in range(draw(st.integers(1, 4)))],
        zones=places,
        functions={
            name: Function(cost=draw(SMALL_QUARTERS), area_m2=draw(AREAS)) for name in known
        },
        mix=draw(mixes()),
        limits=limits,
        units=units,
    )
    assume(oracle_mix.size(problem) <= most_sums)
    return problem
