"""
The model: its text for one tiny instance of each kind of rule, and what its rows allow.

Golden files (``tests/golden/*.lp``) hold the model as LP text. After a wanted change write them
anew and read the difference before it is kept::

    SITING_WRITE_GOLDEN=1 python -m pytest tests/test_model.py
"""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import oracle
import pytest
import tiny_mix as town
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import HIGH, LOW, MEDIUM, SHORT, Point, Site, build, problems, rules

from siting.audit import CHECK
from siting.decisions import find_decisions
from siting.extras import everything_open, layout_of
from siting.model import CONSTRAIN, build_model
from siting.objective import STAGES, measure
from siting.plan_model import Hard, PlanModel
from siting.reduce import cover_groups
from siting.scenario import Limits, Mix
from siting.search import total
from siting.solvers import Ask, HighsSolver
from siting.standards.describe import DESCRIBE, EXAMPLES
from siting.standards.kinds import KINDS

if TYPE_CHECKING:
    from random import Random

    from siting.problem import Layout, Problem
    from siting.standards import Rule

GOLDEN = Path(__file__).parent / "golden"
WRITE = "SITING_WRITE_GOLDEN"


def model_of(problem: Problem, hard: Hard | None = None) -> PlanModel:
    """Return the model of all decisions of a problem."""
    decisions = find_decisions(problem)
    groups = cover_groups(problem, decisions)
    return build_model(problem, decisions, groups, np.arange(decisions.n), hard or Hard())


# Kinds of rules.


def test_every_kind_of_rule_has_all_that_a_kind_has() -> None:
    assert set(KINDS) == set(DESCRIBE) == set(EXAMPLES) == set(CONSTRAIN) == set(CHECK)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_s_example_can_be_read_and_described(kind: str) -> None:
    parameters = KINDS[kind].model_validate(EXAMPLES[kind])
    zh, en = (DESCRIBE[kind](parameters, language) for language in ("zh", "en"))
    assert zh
    assert en
    assert zh != en


def only(*kinds: str, audited: str = "") -> tuple[Rule, ...]:
    """Return the packaged rules of some kinds, one of them only audited."""
    return tuple(
        replace(rule, enforce=rule.kind != audited) for rule in rules() if rule.kind in kinds
    )


def ratio_instance() -> Problem:
    """
    Return a unit that needs 30 beds.

    A home of 12 beds may grow by 8, one of 8 beds by 2 to 7; a candidate holds 10 to 25. A second
    unit needs 40 and can have 25 of them at most.
    """
    sites = [
        Site((None, None), home=True, beds=12, high=20, fixed=3.0, each=0.5),
        Site((None, None), home=True, beds=8, high=15, fixed=2.0, each=0.25),
        Site((None, None), high=25, fixed=10.0),
        Site((None, None), high=25, fixed=9.0, unit=1),
        Site((None, None), high=25, fixed=8.0, unit=-1),
    ]
    points = [Point(1000.0, LOW, 0), Point(1333.0, LOW, 1)]
    return build(points, sites, in_force=only("ratio"), units=("a", "b"))


def count_instance() -> Problem:
    """
    Return a unit that needs three places.

    Three candidates stand in a chain whose ends are not close; two others are close to each other.
    """
    at = [(0.0, 0.0), (60.0, 0.0), (120.0, 0.0), (1000.0, 0.0), (1050.0, 0.0)]
    sites = [Site((None,), fixed=1.0 + k, xy=xy) for k, xy in enumerate(at)]
    in_force = rules(HZ_01={"enforce": False}, HZ_02={"min_sites": 3})[:2]
    return build([Point(1000.0, LOW)], sites, in_force=in_force)


def coverage_instance() -> Problem:
    """
    Return two classes of elders: two points of one cover set, one that only a home could cover.

    The home is too small to count and has to grow first. What a big home covers is left out.
    """
    sites = [
        Site((None, None, None, None, 100.0), home=True, beds=30),
        Site((None, None, 100.0, 900.0, None), home=True, beds=7, high=12, fixed=2.0),
        Site((400.0, 500.0, None, 1000.0, None), fixed=20.0),
        Site((None, None, 400.0, 1000.1, None), fixed=10.0),
    ]
    points = [Point(70.0), Point(30.0), Point(5.0), Point(11.0, MEDIUM), Point(9.0)]
    return build(points, sites, in_force=only("coverage"))


def limits_instance() -> Problem:
    """Return a budget and a number of new sites, with one site that must open and one extension."""
    sites = [
        Site((None,), home=True, beds=12, high=20, fixed=3.0, each=0.5),
        Site((None,), locked_beds=11, fixed=4.0),
        Site((None,), fixed=5.0, each=1.25),
    ]
    limits = Limits(budget_wan_yuan=60.0, max_new_sites=1)
    return build([Point(1.0, LOW)], sites, in_force=(), limits=limits)


def share_instance() -> Problem:
    """
    Return two districts in which two thirds of the beds shall be nursing beds.

    In the east a home has 4 of 10 and may turn the other 6; a candidate opens beside it. In the
    west nothing stands and one candidate of at most 12 beds could.
    """
    zones = [town.Zone("z1", district="东"), town.Zone("z2", "乙街道", "西")]
    sites = [
        town.Site(home=True, beds=10, nursing=4, convert=2.0),
        town.Site(high=20, fixed=5.0),
        town.Site(high=12, fixed=4.0, zone=1),
    ]
    asked = [town.rule("N", "share", part="nursing_beds", of="beds", min_share=2 / 3,
                       per="district")]  # fmt: skip
    return town.build(sites, asked, zones=zones, mix=Mix(nursing_cost_per_bed=0.5))


def rate_instance() -> Problem:
    """Return 2,500 elders who need 5 dementia beds of all homes together; 2 stand."""
    sites = [
        town.Site(home=True, beds=10, nursing=10, dementia=2, convert=1.0),
        town.Site(high=20, fixed=5.0),
    ]
    asked = [town.rule("D", "ratio", dementia_beds_per_10000=20.0, per="all")]
    return town.build(sites, asked, points=[town.Point(2500.0)], zones=[town.Zone()])


def homes_instance() -> Problem:
    """Return a street that shall have two homes of 30 beds with a memory zone of 10 beds."""
    sites = [
        town.Site(home=True, beds=20, nursing=20, high=40, functions=frozenset({"memory_zone"})),
        town.Site(high=40, fixed=5.0),
        town.Site(high=25, fixed=5.0),
    ]
    asked = [town.rule("M", "count", what="memory_zone", min_count=2, min_beds=30,
                       min_dementia_beds=10, per="street")]  # fmt: skip
    return town.build(sites, asked, zones=[town.Zone()], functions={"memory_zone": 1.0})


def presence_instance() -> Problem:
    """Return two circles that shall have a canteen: one could, the other may only keep a site."""
    zones = [town.Zone("z1", residents=100.0), town.Zone("z2", "乙街道", residents=1000.0)]
    sites = [
        town.Site(home=True, beds=20),
        town.Site(high=20, fixed=5.0),
        town.Site(high=20, fixed=5.0, zone=1, facts={"reserved": True}),
    ]
    points = [town.Point(50.0), town.Point(50.0, zone=1)]
    asked = [town.rule("C", "presence", function="canteen", reserve_below_ageing_share=0.1)]
    return town.build(sites, asked, points=points, zones=zones, functions={"canteen": 3.0})


def areas_instance() -> Problem:
    """Return three streets, half of which (so two) shall have a canteen; one has."""
    zones = [town.Zone(f"z{k}", f"{name}街道") for k, name in enumerate("甲乙丙")]
    sites = [
        town.Site(home=True, beds=20, functions=frozenset({"canteen"})),
        *(town.Site(high=20, fixed=5.0 + k, zone=1 + k // 2) for k in range(3)),
    ]
    asked = [town.rule("A", "coverage", what="canteen", min_share=0.5, per="street")]
    return town.build(sites, asked, zones=zones, functions={"canteen": 3.0})


INSTANCES = {
    "ratio": (ratio_instance, Hard(), "missing_beds"),
    "count": (count_instance, Hard(), "unmet_minima"),
    "coverage": (coverage_instance, Hard(), "uncovered_high"),
    "ratio-hard": (ratio_instance, Hard(beds=True), "cost"),
    "count-hard": (count_instance, Hard(minima=True), "cost"),
    "coverage-hard": (coverage_instance, Hard(cover=True), "cost"),
    "limits": (limits_instance, Hard(), "cost"),
    "ratio-rate": (rate_instance, Hard(), "unmet_minima"),
    "share": (share_instance, Hard(), "unmet_minima"),
    "count-homes": (homes_instance, Hard(), "unmet_minima"),
    "presence": (presence_instance, Hard(), "unmet_minima"),
    "presence-hard": (presence_instance, Hard(minima=True), "cost"),
    "coverage-areas": (areas_instance, Hard(), "unmet_minima"),
}


@pytest.mark.parametrize("name", INSTANCES)
def test_the_model_is_the_one_on_file(name: str, tmp_path: Path) -> None:
    make, hard, stage = INSTANCES[name]
    model = model_of(make(), hard)
    model.linear.minimise(model.stages[stage])
    model.linear.lp.writeLP(str(tmp_path / "model.lp"))
    text = (tmp_path / "model.lp").read_text(encoding="utf-8")
    golden = GOLDEN / f"{name}.lp"
    if os.environ.get(WRITE):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert golden.is_file(), f"no golden file; set {WRITE}=1 to write it, and read it"
    assert text == golden.read_text(encoding="utf-8")


def test_every_kind_that_adds_rows_has_a_golden_file_and_no_file_is_left_over() -> None:
    files = {path.stem for path in GOLDEN.glob("*.lp")}
    silent = CONSTRAIN["note"]
    assert {kind for kind, rows in CONSTRAIN.items() if rows is not silent} <= files
    for kind in ("threshold", "colocation", "preference", "money", "note"):
        assert CONSTRAIN[kind] is silent
    assert files == set(INSTANCES)


# What the rows allow.


def as_decisions(
    problem: Problem, model: PlanModel, beds: oracle.Beds
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return a layout as decisions; None where it does what no decision does."""
    now, sites = problem.sites.beds, model.decisions.site
    taken = np.array([beds[j] is not None and beds[j] > now[j] for j in sites], dtype=bool)
    added = np.array([max((beds[j] or 0) - now[j], 0) for j in sites], dtype=np.int64)
    layout = layout_of(problem, model.decisions, taken, added)
    fits = (added >= model.decisions.low) & (added <= model.decisions.high)
    same = oracle.beds_of(layout) == beds
    return (taken, added) if same and fits[taken].all() else None


@settings(SHORT, max_examples=60)
@given(problems(), st.randoms(use_true_random=False))
def test_every_allowed_layout_fits_the_rows_with_its_own_values_and_no_other_does(
    problem: Problem, random: Random
) -> None:
    found = oracle.search(problem)
    unlimited = oracle.search(replace(problem, limits=without_sums(problem.limits)))
    model = model_of(problem)
    layouts = list(unlimited.reached)
    offsets = set()
    for beds in random.sample(layouts, min(len(layouts), 40)):
        decided = as_decisions(problem, model, beds)
        if decided is None:
            continue
        values = model.values_of(*decided)
        assert model.linear.holds(values, 1e-9) == (beds in found.reached)
        assert [each.tolist() for each in model.read(values)] == [
            each.tolist() for each in decided
        ]  # fmt: skip
        claimed = [total(model.stages.get(name, {}), values) for name in STAGES[:5]]
        pairs = zip(unlimited.reached[beds], claimed, strict=False)
        offsets.add(tuple(round(reached - claim, 6) + 0.0 for reached, claim in pairs))
    assert len(offsets) <= 1  # what no decision changes is the same for all


def without_sums(limits: Limits) -> Limits:
    """Return limits without those on the whole plan."""
    return Limits(min_elders_per_new_site=limits.min_elders_per_new_site)


@settings(SHORT, max_examples=60)
@given(problems(), st.randoms(use_true_random=False))
def test_hard_rows_allow_exactly_what_reaches_as_much_as_everything(
    problem: Problem, random: Random
) -> None:
    problem = replace(problem, limits=without_sums(problem.limits))
    found = oracle.search(problem)
    everything = measure(problem, everything_open(problem, find_decisions(problem)))
    hard = Hard(cover=True, beds=True, minima=everything["unmet_minima"] == 0)
    model = model_of(problem, hard)
    asked = STAGES[:4] if hard.minima else STAGES[:3]
    assert set(model.stages) <= {"cost", *(set(STAGES[:4]) - set(asked))}
    layouts = list(found.reached)
    for beds in random.sample(layouts, min(len(layouts), 40)):
        decided = as_decisions(problem, model, beds)
        if decided is None:
            continue
        reached = dict(zip(STAGES, found.reached[beds], strict=True))
        full = all(reached[name] == pytest.approx(everything[name]) for name in asked)
        assert model.linear.holds(model.values_of(*decided), 1e-9) == full
    most = model.values_of(np.ones(model.decisions.n, dtype=bool), model.decisions.high)
    assert model.linear.holds(most, 1e-9)


SPOTS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 2)), min_size=2, max_size=5, unique=True
)


@settings(SHORT, max_examples=25)
@given(SPOTS, st.integers(0, 1), st.integers(2, 4))
def test_no_grouping_of_sites_makes_more_places_than_there_are(
    spots: list[tuple[int, int]], homes: int, asked: int
) -> None:
    """The solver is free in all but the choice of sites; it counts what linking by hand counts."""
    sites = [
        Site((None,), home=k < homes, beds=12 * (k < homes), high=12, xy=(x * 60.0, y * 60.0))
        for k, (x, y) in enumerate(spots)
    ]
    off = {"enforce": False}
    in_force = rules(HZ_01=off, HZ_02={"min_sites": asked, "same_site_m": 100.0})
    problem = build([Point(2000.0, LOW)], sites, in_force=in_force)
    judge = oracle.Judge(problem)
    base = model_of(problem)
    for way in itertools.product([False, True], repeat=base.decisions.n):
        model = model_of(problem)
        for k, taken in enumerate(way):
            model.linear.row(f"is_{k}", {model.choose[k]: 1.0}, "==", float(taken))
        model.linear.minimise(model.stages["unmet_minima"])
        beds = (12,) * homes + tuple(12 if each else None for each in way)
        fewest = HighsSolver()(model.linear, Ask(10.0, threads=1)).values
        assert round(total(model.stages["unmet_minima"], fewest)) == judge.values(beds)[3]


def test_two_rules_of_a_kind_ask_for_the_most_once() -> None:
    """A standard of one's own may hold several; only enforced ones count."""
    ratio = {rate: replace(rules()[0], id=f"R{rate}", parameters=KINDS["ratio"](
        beds_per_10000=rate)) for rate in (100.0, 200.0, 400.0)}  # fmt: skip
    in_force = (ratio[100.0], ratio[200.0], replace(ratio[400.0], enforce=False))
    problem = build([Point(1000.0)], [Site((1.0,), high=50)], in_force=in_force)
    model = model_of(problem)
    values = model.values_of(np.array([False]), np.array([0]))
    assert total(model.stages["missing_beds"], values) == 20.0
    assert measure(problem, nothing(problem))["missing_beds"] == 20.0


def test_two_minima_are_two_duties_with_names_of_their_own() -> None:
    ratio, count = rules()[:2]
    second = replace(count, id="X", parameters=KINDS["count"](
        min_sites=3, min_site_beds=10, same_site_m=0.0))  # fmt: skip
    sites = [Site((1.0,), xy=(0.0, 0.0)), Site((1.0,), xy=(60.0, 0.0)),
             Site((1.0,), xy=(120.0, 0.0))]  # fmt: skip
    in_force = (replace(ratio, enforce=False), count, second)
    problem = build([Point(1000.0)], sites, in_force=in_force)
    model = model_of(problem)
    for ways, unmet in (((True, False, True), 1.0), ((True, True, True), 1.0), ((True,) * 2, 2.0)):
        taken = np.array([*ways, False][:3])
        values = model.values_of(taken, np.where(taken, 10, 0))
        assert model.linear.holds(values, 1e-9)
        assert total(model.stages["unmet_minima"], values) == unmet


def nothing(problem: Problem) -> Layout:
    """Return the layout in which nothing is decided."""
    return problem.existing_layout()


def test_a_part_of_the_decisions_makes_a_model_of_its_own_rows_only() -> None:
    sites = [Site((100.0, None)), Site((None, 100.0), unit=1)]
    problem = build([Point(1000.0, HIGH, 0), Point(1000.0, HIGH, 1)], sites, units=("a", "b"))
    decisions = find_decisions(problem)
    groups = cover_groups(problem, decisions)
    model = build_model(problem, decisions, groups, np.array([1]), Hard())
    assert set(model.choose) == {1}
    names = {row.name for row in model.linear.rows}
    assert names == {"fewest_1", "most_1", "unit_beds_1", "is_place_rule1_1_0", "places_rule1_1",
                     "cover_1"}  # fmt: skip


@settings(SHORT, max_examples=30)
@given(problems())
def test_a_solver_s_noise_is_rounded_away(problem: Problem) -> None:
    model = model_of(problem)
    assume(model.decisions.n)
    taken = np.ones(model.decisions.n, dtype=bool)
    values = model.values_of(taken, model.decisions.low)
    for noise in (9e-7, -9e-7):
        read = model.read(values + noise)
        assert read[0].all()
        assert read[1].tolist() == model.decisions.low.tolist()
