"""Sections of a report on the rules: every clause with its evidence, and what is unmet and why."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from siting.outputs.report_blocks import Section
from siting.texts import catalogue, text

if TYPE_CHECKING:
    import pandas as pd

    from siting.outputs.report_blocks import Block
    from siting.outputs.report_told import Told

__all__ = ["clauses", "unmet"]

STATES = ("existing", "plan")
ORDER = ("unmet", "unknown", "met", "not_applicable")
"""Verdicts of a rule, the first that one of its findings has."""
SHADES = {"unmet": "#F6D5CC", "unknown": "#EEEEEE", "met": "#DDEBDD"}
REASON_COLUMNS = ("points", "elders_high", "elders_medium", "elders")


def clauses(told: Told) -> Section:
    """Return one row per rule in force: clause, legal status, what it asks, verdicts, evidence."""
    rows, shades = [], {}
    audit = told.frames.audit
    findings = dict(list(audit.groupby("rule_id", sort=False)))
    for line, (rule_id, about, asks) in enumerate(_rules(told)):
        mine = findings.get(rule_id)
        cells = [about, asks]
        for place, state in enumerate(STATES, start=2):
            found = None if mine is None else mine[mine["state"] == state]
            verdict, said = _verdict(told, found)
            cells.append(said)
            if verdict in SHADES:
                shades[line, place] = SHADES[verdict]
        rows.append([*cells, _evidence(told, mine)])
    counts = told.record["audit"]["plan"]
    return Section("clauses", (
        told.heading(1, "clauses"),
        told.paragraph("clauses_opening", {"table": "clauses"}, rules=len(rows), **counts),
        *told.table("clauses", ("clause", "asks", "today", "planned", "evidence"), rows,
                    widths=(4, 7.5, 3.6, 3.6, 5.3), limit=False, shades=shades),
        told.note("clauses_note"),
        *_staff(told),
    ))  # fmt: skip


def _rules(told: Told) -> list[tuple[str, str, str]]:
    """Return id, provenance and demand of every rule in force."""
    rules = told.frames.rules
    if rules is None:
        first = told.frames.audit.drop_duplicates("rule_id")
        legal = (told.word("legal", each) for each in first["legal_status"])
        return [
            (each.rule_id, f"{each.rule_id} {each.clause}\n{status}", "")
            for each, status in zip(first.itertuples(), legal, strict=True)
        ]
    return [
        (each.rule_id, "\n".join((f"{each.rule_id} {each.clause}",
                                  told.word("legal", each.legal_status), _strength(told, each))),
         f"{each.summary}\n{each.asks}") for each in rules.itertuples()
    ]  # fmt: skip


def _strength(told: Told, rule: Any) -> str:
    """Return how binding a rule is, and whether the plan is made for it."""
    strength = text(f"kinds.{rule.strength}", told.language)
    return told.say("strength", strength=strength,
                    role=told.say("enforced" if rule.enforced else "audited"))  # fmt: skip


def _verdict(told: Told, found: pd.DataFrame | None) -> tuple[str, str]:
    """Return the verdict of a rule in one state, and what a cell says of it."""
    if found is None or not len(found):
        return "", told.say("nothing")
    verdict = next(each for each in ORDER if (found["verdict"] == each).any())
    telling = found[found["verdict"] == verdict]
    whole = telling[telling["scope"] == "all"]
    one = (whole if len(whole) else telling).iloc[0]
    said = [told.word("verdict", verdict)]
    if verdict in {"met", "unmet"} and (len(whole) or len(telling) == 1):
        said.append(_numbers(told, one))
    elif verdict in {"unmet", "unknown"} and len(telling) > 1:
        said.append(told.say("places_of", some=len(telling), all=len(found)))
    elif verdict == "not_applicable" and one["note"]:
        said += [told.word("note", one["note"]), _numbers(told, one)]
    return verdict, "\n".join(each for each in said if each)


def _numbers(told: Told, found: pd.Series) -> str:
    """Return measured against required."""
    required, measured, unit = found["required"], found["measured"], found["unit"]
    if math.isnan(measured):
        return ""
    if math.isnan(required):
        return told.amount(measured, unit)
    return told.say("against", measured=told.amount(measured, unit),
                    required=told.amount(required, unit))  # fmt: skip


def _evidence(told: Told, findings: pd.DataFrame | None) -> str:
    """Return over what a rule was judged in the plan, and where each finding stands."""
    if findings is None:
        return told.say("nothing")
    mine = findings[findings["state"] == "plan"]
    counts = mine["scope"].value_counts(sort=False)
    said = [told.say("count_scope", scope=told.word("scope", scope), count=count)
            for scope, count in counts.items() if scope != "all"]  # fmt: skip
    needs = sorted({each for each in mine["note"].fillna("") if each.startswith("needs")})
    said += [told.word("note", each) for each in needs[:1]]
    return "\n".join([*said, "audit.csv"])


def _staff(told: Told) -> list[Block]:
    """Return what rules of staff ask for; nothing without such rules."""
    staff = told.frames.staff
    if staff is None or not len(staff):
        return []
    rows = [
        [f"{each.rule_id}\n{each.clause}", told.place(each.scope, each.scope_id),
         told.word("measure", each.staff), told.amount(each.required, each.unit),
         told.amount(each.measured, each.unit), told.word("verdict", each.verdict)]
        for each in staff.itertuples()
    ]  # fmt: skip
    return [
        told.heading(2, "staff"),
        told.paragraph("staff_opening", {"table": "staff"}),
        *told.table("staff", ("rule", "place", "staff", "required", "measured", "verdict"), rows,
                    widths=(3, 4, 3, 3, 3, 4), numeric=(3, 4), rest="staff.csv"),
    ]  # fmt: skip


def unmet(told: Told) -> Section:
    """Return what the plan leaves unmet, each with its reason, and what stands against what."""
    audit = told.frames.audit
    found = audit[(audit["state"] == "plan") & (audit["verdict"] == "unmet")]
    found = found.sort_values("enforced", ascending=False, kind="stable")
    blocks: list[Block] = [told.heading(1, "unmet")]
    if len(found):
        rows = [
            [each.rule_id, told.place(each.scope, each.scope_id),
             told.amount(each.required, each.unit), told.amount(each.measured, each.unit),
             told.say("yes" if each.enforced else "no"), _reason(told, each)]
            for each in found.itertuples()
        ]  # fmt: skip
        blocks.append(told.paragraph("unmet_opening", {"table": "unmet"}, count=len(found),
                                     rules=found["rule_id"].nunique()))  # fmt: skip
        blocks += told.table(
            "unmet", ("rule", "place", "required", "measured", "enforced", "reason"), rows,
            widths=(2, 6, 2.5, 2.5, 2, 6), numeric=(2, 3), rest="audit.csv",
        )  # fmt: skip
    else:
        blocks.append(told.paragraph("unmet_nothing"))
    return Section("unmet", (*blocks, *_uncovered(told), *_conflicts(told)))


def _reason(told: Told, found: Any) -> str:
    """Return why a finding is unmet: its note, or where those are listed who are beyond."""
    if isinstance(found.note, str) and found.note:
        return told.word("note", found.note)
    if not found.enforced:
        return told.say("reason_audited")
    is_coverage = found.rule_id in _distance_rules(told)
    return told.say("reason_coverage" if is_coverage else "reason_none")


def _distance_rules(told: Told) -> set[str]:
    """Return the rules of a facility within a distance: the elders beyond it are listed."""
    audit = told.frames.audit
    kinds = told.frames.rules
    coverage = set() if kinds is None else set(kinds[kinds["kind"] == "coverage"]["rule_id"])
    return coverage & set(audit[audit["unit"] == "share"]["rule_id"])


def _uncovered(told: Told) -> list[Block]:
    """Return the elders whom the plan does not cover, by reason; nothing without any."""
    demand = told.frames.demand
    left = demand[demand["reason"].fillna("").astype(str) != ""]
    if not len(left):
        return []
    rows = []
    for reason in dict.fromkeys(left["reason"]):
        mine = left[left["reason"] == reason]
        by_class = mine.groupby("density_class")["elders"].sum()
        rows.append([
            told.word("reason", reason), told.number(len(mine)),
            told.number(float(by_class.get("high", 0.0))),
            told.number(float(by_class.get("medium", 0.0))), told.number(mine["elders"].sum()),
        ])  # fmt: skip
    rows.sort(key=lambda row: -float(row[-1].replace(",", "")))
    return [
        told.heading(2, "uncovered"),
        told.paragraph("uncovered_opening", {"table": "uncovered"},
                       elders=told.number(left["elders"].sum()), points=told.number(len(left))),
        *told.table("uncovered", ("reason", *REASON_COLUMNS), rows, widths=(6, 2, 3, 3, 3),
                    numeric=(1, 2, 3, 4), rest="demand.csv", limit=False),
    ]  # fmt: skip


def _conflicts(told: Told) -> list[Block]:
    """Return what rules, locks, beds and inputs have against each other."""
    conflicts = told.record.get("conflicts", [])
    if not conflicts:
        return []
    rows = []
    for each in conflicts:
        key = f"conflicts.kind_{each['kind']}"
        kind = text(key, told.language) if key in catalogue() else each["kind"]
        rows.append([kind, each["message"]])
    return [
        told.heading(2, "conflicts"),
        told.paragraph("conflicts_opening", {"table": "conflicts"}, count=len(rows)),
        *told.table("conflicts", ("kind_of", "sentence"), rows, widths=(3, 13),
                    rest="conflicts.csv"),
    ]  # fmt: skip
