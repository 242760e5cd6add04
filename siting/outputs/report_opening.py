"""Sections of a report before the plan: summary, settings, demand, what stands today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from siting.outputs.report_blocks import Section
from siting.outputs.report_plan import built_rows
from siting.outputs.report_settings import settings_rows
from siting.problem import DISTANCE_CAP_M
from siting.sites import QUALIFYING_BEDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from siting.outputs.report_blocks import Block, Spans
    from siting.outputs.report_told import Told

__all__ = ["demand", "existing", "settings", "summary"]

SENSITIVE_SHARE = 0.05
"""Share of elders whose class may change with the reading of density before it is said."""


def summary(told: Told) -> Section:
    """Return the page of what was planned, what it reaches, and how sure that is."""
    info, record = told.frames.info, told.record
    audited = record["status"] == "audited"
    opening = told.paragraph(
        "summary_audited" if audited else "summary_opening",
        name=info["name"], standard=info["standard_name"], year=info["year"],
        metric=told.word("metric", info["distance"]), status=told.word("run", record["status"]),
    )  # fmt: skip
    blocks: list[Block] = [told.heading(1, "summary"), opening]
    if info.get("objective"):
        blocks.append(told.paragraph("summary_model", {"table": "stages"}, model=info["objective"]))
    blocks += _estimate(told)
    blocks.append(told.items([*_results(told), *_warnings(told)]))
    blocks += told.table(
        "summary", ("figure", "today", "planned", "counts"), [*_figures(told)],
        widths=(7, 3, 3, 3), numeric=(1, 2), limit=False,
    )  # fmt: skip
    blocks.append(told.note("internal"))
    return Section("summary", tuple(blocks))


def _results(told: Told) -> Iterator[Spans]:
    """Yield the results, one sentence each."""
    record = told.record
    elders, beds, sites = record["elders"], record["beds"], record["sites"]
    graded = "result_elders" if told.frames.distance_classes else "result_elders_plain"
    yield told.spans(graded, **{key: told.number(elders[key]) for key in elders})
    for grade in told.frames.distance_classes:
        if elders[grade] > 0:
            shares = {state: told.share(record["coverage"][state][grade])
                      for state in ("existing", "plan", "reachable")}  # fmt: skip
            metres = told.number(told.frames.info[f"distance_{grade}_m"])
            grade_words = told.word("class", grade)
            yield told.spans("result_coverage", grade=grade_words, metres=metres, **shares)
    key = "result_beds" if told.frames.info["beds_by_unit"] else "result_beds_free"
    yield told.spans(key, {"table": "units"}, **{each: told.number(beds[each]) for each in beds})
    changed = built_rows(told)
    yield told.spans(
        "result_sites" if changed else "result_nothing", {"table": "built"} if changed else {},
        cost=told.number(record["cost_wan_yuan"], 1), net=told.number(record["money"]["net"], 1),
        **{each: told.number(sites[each]) for each in sites},
    )  # fmt: skip
    yield told.spans("result_audit", {"table": "clauses"}, **record["audit"]["plan"])
    if record.get("access"):
        before, after = record["access"]["existing"], record["access"]["plan"]
        yield told.spans(
            "result_access", {"table": "access"},
            before=told.number(before["nearest_mean_m"]),
            after=told.number(after["nearest_mean_m"]),
            per_before=told.number(before["beds_per_1000"], 1),
            per_after=told.number(after["beds_per_1000"], 1),
        )  # fmt: skip


def _warnings(told: Told) -> Iterator[Spans]:
    """Yield what a reader must know before using a figure."""
    density = told.frames.density
    changed = density[density["changed_share"] > SENSITIVE_SHARE]
    if len(changed) and told.frames.distance_classes:
        worst = changed.loc[changed["changed_share"].idxmax()]
        yield told.spans(
            "warn_density", {"table": "density"}, share=told.share(worst["changed_share"]),
            support=told.word("support", worst["support"]),
        )  # fmt: skip
    conflicts = told.record.get("conflicts", [])
    if conflicts:
        yield told.spans("warn_conflicts", count=len(conflicts))


def _figures(told: Told) -> Iterator[tuple[str, ...]]:
    """Yield the figures of the first page: name, today, planned, what they count."""
    record, words = told.record, told.say
    for grade in told.frames.distance_classes:
        if record["elders"][grade] > 0:
            shares = (
                told.share(record["coverage"][state][grade]) for state in ("existing", "plan")
            )
            yield (words("figure_covered", grade=told.word("class", grade)), *shares,
                   words("of_grade"))  # fmt: skip
    beds, sites = record["beds"], record["sites"]
    yield (
        words("figure_beds"),
        told.number(beds["existing"]),
        told.number(beds["plan"]),
        words("beds"),
    )
    if told.frames.info["beds_by_unit"]:
        missing = told.number(beds["shortfall"])
        yield words("figure_shortfall"), words("nothing"), missing, words("beds")
    built = " / ".join(told.number(sites[name]) for name in ("new", "extended", "upgraded"))
    yield words("figure_sites"), words("nothing"), built, words("places")
    yield (words("figure_cost"), words("nothing"), told.number(record["cost_wan_yuan"], 1),
           words("wan_yuan"))  # fmt: skip
    names = ("rules_met", "rules_unmet", "rules_unknown")
    counts = (" / ".join(str(record["audit"][state][name]) for name in names)
              for state in ("existing", "plan"))  # fmt: skip
    yield (words("figure_rules"), *counts, words("rules"))


def settings(told: Told) -> Section:
    """Return every setting that is ours: choices of the run, readings of the rules, changes."""
    cap = told.number(DISTANCE_CAP_M)
    blocks: list[Block] = [
        told.heading(1, "settings"),
        told.paragraph("settings_opening", {"table": "choices", "other": "readings"}),
        told.heading(2, "settings_fixed"),
        told.items(
            told.spans(f"fixed_{each}", beds=QUALIFYING_BEDS, metres=cap) for each in FIXED
        ),
        told.heading(2, "settings_choices"),
        *told.table("choices", ("choice", "value", "origin"), settings_rows(told),
                    widths=(8, 6, 3), limit=False),
    ]  # fmt: skip
    rules = told.frames.rules
    readings = [] if rules is None else [
        [each.rule_id, each.clause, each.reading] for each in rules.itertuples()
    ]  # fmt: skip
    blocks.append(told.heading(2, "settings_readings"))
    blocks += told.table(
        "readings", ("rule", "place_in", "reading"), readings, widths=(2, 3, 10), limit=False
    )
    changed = told.record["settings"].get("rules_changed", {})
    if changed:
        blocks.append(told.heading(2, "settings_changed"))
        rows = _changed(told, changed)
        blocks += told.table("changed", ("rule", "setting", "value", "own"), rows,
                             widths=(2, 3, 3, 3), rest="run.json")  # fmt: skip
    return Section("settings", tuple(blocks))


FIXED = ("elders", "counts", "ceiling", "inclusive", "way", "existence", "cap", "plan")
"""What holds in every run, see docs/semantics.md."""


def _changed(told: Told, changed: dict[str, list[dict[str, Any]]]) -> list[list[str]]:
    """Return what the scenario changed of the standard's rules."""
    used = told.record["settings"].get("rules", {})
    return [
        [rule, _parameter(told, each["key"]), _plain(told, used.get(rule, {}).get(each["key"])),
         _plain(told, each["standard"])]
        for rule, changes in changed.items() for each in changes
    ]  # fmt: skip


def _parameter(told: Told, key: str) -> str:
    """Return a parameter of a rule: whether it is planned for in words, others by their names."""
    return told.say("head_enforced") if key == "enforce" else key


def _plain(told: Told, value: Any) -> str:
    """Return a value of a setting as it reads."""
    if isinstance(value, bool):
        return told.say("yes" if value else "no")
    return told.say("nothing") if value is None else f"{value}"


def demand(told: Told) -> Section:
    """Return who is planned for: elders by density class, and over which area it is read."""
    elders, info = told.record["elders"], told.frames.info
    used = told.frames.density[told.frames.density["used"]]
    support = told.word("support", used["support"].iloc[0]) if len(used) else ""
    total = elders["total"]
    if not told.frames.distance_classes:
        opening = told.paragraph("demand_plain", total=told.number(total), year=info["year"],
                                 points=told.number(len(told.frames.demand)))  # fmt: skip
        return Section("demand", (told.heading(1, "demand"), opening, *_estimate(told)))
    rows = [
        [told.word("class", grade), told.number(elders[grade]),
         told.share(elders[grade] / total if total else None), _duty(told, grade)]
        for grade in ("high", "medium", "low")
    ]  # fmt: skip
    rows.append([told.say("all"), told.number(total), told.share(1.0), ""])
    blocks: list[Block] = [
        told.heading(1, "demand"),
        told.paragraph("demand_opening", {"table": "classes", "other": "density"},
                       total=told.number(total), points=told.number(len(told.frames.demand)),
                       support=support, year=info["year"]),
        *told.table("classes", ("grade", "elders", "share", "duty"), rows, widths=(3, 3, 2, 5),
                    numeric=(1, 2), limit=False),
    ]  # fmt: skip
    return Section("demand", (*blocks, *_estimate(told)))


def _estimate(told: Told) -> list[Block]:
    """Return that elders are an estimate, where they are."""
    method = told.frames.info.get("estimate")
    return [told.note("estimate", method=told.word("estimate", method))] if method else []


def _duty(told: Told, grade: str) -> str:
    """Return which distance is asked for where elders live at a density."""
    metres = told.frames.info.get(f"distance_{grade}_m")
    return told.say("no_duty") if metres is None else told.say("duty", metres=told.number(metres))


def existing(told: Told) -> Section:
    """Return what stands today and how far it holds."""
    homes = told.frames.facilities
    homes = homes[~homes["status"].isin(["new", "planned", "reserved"])]
    homes = homes[(homes["beds"] > homes["added_beds"]) | homes["status"].eq("closed")]
    homes = homes.sort_values("status", key=lambda each: each.eq("outside"), kind="stable")
    record = told.record
    rows = [
        [each.name, told.word("kind", each.kind), told.number(each.beds - max(each.added_beds, 0)),
         _unit(told, each.unit_id), told.word("status", each.status)]
        for each in homes.itertuples()
    ]  # fmt: skip
    blocks: list[Block] = [
        told.heading(1, "existing"),
        told.paragraph(
            "existing_opening", {"table": "homes"}, homes=told.number(record["sites"]["existing"]),
            beds=told.number(record["beds"]["existing"]), **record["audit"]["existing"],
        ),
    ]  # fmt: skip
    blocks += told.table(
        "homes", ("name", "kind", "beds_today", "unit", "outcome"), rows, widths=(6, 3, 2, 3, 3),
        numeric=(2,), rest="facilities.csv",
    )  # fmt: skip
    return Section("existing", tuple(blocks))


def _unit(told: Told, unit: Any) -> str:
    """Return a planning unit as it reads."""
    shown = told.place("unit", unit) if isinstance(unit, str) and unit else told.say("nothing")
    return shown.removeprefix(told.word("scope", "unit")).strip()
