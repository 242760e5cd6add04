"""Closing sections of a report: readings of density, access and equity, proof, sources."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from siting.access import MEASURES
from siting.outputs.report_blocks import Section
from siting.outputs.report_plan import by_place, picture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from siting.outputs.report_blocks import Block
    from siting.outputs.report_told import Told

__all__ = ["access", "density", "method", "sources"]

GRADES = ("high", "medium", "low")
STREET_MEASURES = (
    "beds_per_1000", "nearest_mean_m", "nearest_p90_m", "walk_share", "accessible_mean",
)  # fmt: skip
HASH = 12
"""Characters of a checksum that are shown."""


def density(told: Told) -> Section:
    """Return the elders by class under each areal support; empty where nothing hangs on it."""
    if not told.frames.distance_classes:
        return Section("density", ())
    rows = [
        [told.word("support", each.support), *(told.number(getattr(each, f"elders_{grade}"))
                                               for grade in GRADES),
         told.share(each.changed_share), told.say("yes" if each.used else "no")]
        for each in told.frames.density.itertuples()
    ]  # fmt: skip
    return Section("density", (
        told.heading(1, "density"),
        told.paragraph("density_opening", {"table": "density"}),
        *told.table("density", ("support", *(f"elders_{grade}" for grade in GRADES),
                                "changed_share", "used"), rows, widths=(4, 3, 3, 3, 3, 2),
                    numeric=(1, 2, 3, 4), limit=False),
    ))  # fmt: skip


def access(told: Told, pictures: Mapping[str, bytes]) -> Section:
    """Return how far, how many beds and how evenly: today and planned, by class and by street."""
    table = told.frames.access
    if table is None:
        return Section("access", ())
    asked = told.record["settings"]["scenario"].get("access", {})
    walk = asked.get("walk_minutes", 0) * asked.get("walk_m_per_min", 0)
    blocks: list[Block] = [
        told.heading(1, "access"),
        told.paragraph(
            "access_opening", {"table": "access"}, minutes=f"{asked.get('walk_minutes', 0):g}",
            metres=told.number(walk), catchment=told.number(asked.get("catchment_m")),
        ),
        *told.table("access", ("measure", "today", "planned"), _whole(told), widths=(8, 3, 3),
                    numeric=(1, 2), rest="access.csv", limit=False),
    ]  # fmt: skip
    blocks += _by_class(told)
    blocks += _by_street(told)
    return Section("access", (*blocks, *picture(told, pictures, "lorenz", "access_lorenz")))


def _whole(told: Told) -> list[list[str]]:
    """Return the measures over everything, today and planned."""
    table = told.frames.access
    mine = table[(table["scope"] == "all") & (table["density_class"] == "")]  # type: ignore[index]
    values = mine.set_index(["measure", "state"])["value"].to_dict()
    names, states = [name for name in MEASURES if (name, "plan") in values], ("existing", "plan")
    return [
        [told.word("access", name),
         *(told.amount(values.get((name, state)), MEASURES[name]) for state in states)]
        for name in names
    ]  # fmt: skip


def _by_class(told: Told) -> list[Block]:
    """Return distances and walks by density class, where a rule asks for distances by class."""
    if not told.frames.distance_classes:
        return []
    table = told.frames.access
    mine = table[(table["scope"] == "all") & table["density_class"].isin(GRADES)]  # type: ignore[index]
    values = mine.set_index(["density_class", "state", "measure"])["value"].to_dict()
    measures = ("elders", "nearest_mean_m", "nearest_p90_m", "nearest_max_m", "walk_share",
                "accessible_mean")  # fmt: skip
    rows = [
        [told.word("class", grade), told.word("state", state),
         *(_plain(told, values.get((grade, state, name)), name) for name in measures)]
        for grade in GRADES for state in ("existing", "plan")
        if (grade, state, "elders") in values
    ]  # fmt: skip
    return [
        told.paragraph("access_by_class", {"table": "access_class"}),
        *told.table("access_class", ("grade", "state", "elders", "mean_m", "p90_m", "max_m", "walk",
                                     "accessible"), rows, widths=(3, 2, 3, 3, 3, 3, 3, 3),
                    numeric=range(2, 8), limit=False),
    ]  # fmt: skip


def _by_street(told: Told) -> list[Block]:
    """Return the plan's measures by street or town, else by planning unit."""
    for scope in ("street", "unit"):
        wide = by_place(told, scope, STREET_MEASURES)
        if len(wide):
            rows = [
                [told.place(scope, name).removeprefix(told.word("scope", scope)).strip(),
                 *(_plain(told, row[name_of, "plan"], name_of) for name_of in STREET_MEASURES)]
                for name, row in wide.iterrows()
            ]  # fmt: skip
            return [
                told.paragraph("access_by_place", {"table": "access_place"}),
                *told.table("access_place", (scope, "per_planned", "mean_m", "p90_m", "walk",
                                             "accessible"), rows, widths=(5, 3, 3, 3, 3, 3),
                            numeric=range(1, 6), rest="access.csv"),
            ]  # fmt: skip
    return []


def _plain(told: Told, value: Any, measure: str) -> str:
    """Return a measure without its unit, which the heading has."""
    unit = MEASURES[measure]
    if unit == "share":
        return told.share(value)
    return told.number(value, 1 if unit == "per_1000" else 0)


def method(told: Told) -> Section:
    """Return how the plan was found, and value, bound and gap of every stage."""
    record = told.record
    stages = record["stages"]
    if not stages:
        return Section("method", (told.heading(1, "method"), told.paragraph("method_audited")))
    solve = record["settings"]["scenario"].get("solve", {})
    model = told.frames.info.get("objective", "")
    rows = [
        [told.word("stage", each["name"]), told.number(each["value"], 2),
         told.number(each["bound"], 2), f"{each['gap'] * 100:.4f}%",
         told.word("proof", "skipped" if each.get("skipped") else each.get("proof", "none"))]
        for each in stages
    ]  # fmt: skip
    return Section("method", (
        told.heading(1, "method"),
        told.paragraph("method_model" if model else "method_opening", {"table": "stages"},
                       model=model, status=told.word("run", record["status"]),
                       solver=solve.get("solver", ""), seed=solve.get("random_seed", ""),
                       allowed=f"{solve.get('gap', 0) * 100:g}%"),
        *told.table("stages", ("stage", "value", "bound", "gap", "proof"), rows,
                    widths=(6, 4.5, 4.5, 2.6, 4.4), numeric=(1, 2, 3), limit=False),
        *_model(told),
        told.note("method_note", digest=str(record["settings"].get("problem", ""))[:HASH]),
    ))  # fmt: skip


def _model(told: Told) -> list[Block]:
    """Return whom a classical model reaches and how far; nothing without one."""
    found = told.record.get("objective") or {}
    names = ("elders_covered_existing", "elders_covered", "elders_in_reach", "elders_out_of_reach",
             "mean_distance_m", "longest_distance_m", "elders_without_room")  # fmt: skip
    figures = {name: told.number(found[name]) for name in names if name in found}
    sentences = []
    if "elders_covered" in figures and found.get("cutoff_m") is not None:
        metres = told.number(found["cutoff_m"])
        sentences.append(told.spans("model_covered", metres=metres, **figures))
    if "elders_out_of_reach" in figures:
        sentences.append(told.spans("model_reach", **figures))
    if "elders_without_room" in figures:
        sentences.append(told.spans("model_room", **figures))
    return [told.items(sentences)] if sentences else []


def sources(told: Told) -> Section:
    """Return the files read with their checksums, and the versions of what computed the plan."""
    record = told.record
    rows = [
        [PurePosixPath(str(each["path"]).replace("\\", "/")).name, told.number(each["rows"]),
         told.number(each["dropped"]), str(each["sha256"])[:HASH]]
        for each in record.get("inputs", [])
    ]  # fmt: skip
    versions = [[name, str(number)] for name, number in record.get("versions", {}).items()]
    return Section("sources", (
        told.heading(1, "sources"),
        told.paragraph("sources_opening", {"table": "files", "other": "versions"},
                       crs=told.frames.info["crs"], date=told.frames.info["date"]),
        *told.table("files", ("file", "read", "dropped", "sha256"), rows, widths=(8, 2, 2, 4),
                    numeric=(1, 2), rest="run.json"),
        *told.table("versions", ("software", "version"), versions, widths=(4, 4), limit=False),
    ))  # fmt: skip
