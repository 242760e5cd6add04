"""Sections of a report on the plan: layout, balance by unit and street, money, phases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from siting.money import ITEMS
from siting.outputs.facilities import what_becomes
from siting.outputs.money import pivot_of
from siting.outputs.report_blocks import Figure, Section
from siting.outputs.services import function_words, functions_of, name_words, status_words
from siting.texts import text
from siting.units import NO_UNIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from siting.outputs.report_blocks import Block
    from siting.outputs.report_told import Told

__all__ = ["balance", "built_rows", "by_place", "layout", "money", "phases", "picture"]

SHADES = {"missing": "#F6D5CC", "reserved": "#F5F0DF", "planned": "#E3ECF4", "built": "#CFDDE9"}
"""Backgrounds of the statuses of a function; each has a mark too, so that it reads in grey."""


def layout(told: Told, pictures: Mapping[str, bytes]) -> Section:
    """Return what is built, extended, upgraded and closed, with map and order of building."""
    sites, record = told.record["sites"], told.record
    rows = built_rows(told)
    key = "layout_opening" if rows else "layout_nothing"
    blocks: list[Block] = [
        told.heading(1, "layout"),
        told.paragraph(
            key, {"table": "built"} if rows else {}, beds=told.number(record["beds"]["plan"]),
            **{name: told.number(each) for name, each in sites.items()},
        ),
    ]  # fmt: skip
    blocks += picture(told, pictures, "map", "layout_map")
    if rows:
        blocks += told.table(
            "built", ("name", "status", "unit", "beds_planned", "beds_added", "mix",
                      "functions_added", "cost", "phase"), rows,
            widths=(5, 2.6, 2.8, 2.3, 1.9, 2.8, 4.4, 2.3, 1.5), numeric=(3, 4, 5, 7),
            rest="facilities.csv",
        )  # fmt: skip
    blocks += picture(told, pictures, "curve", "layout_curve")
    return Section("layout", tuple(blocks))


def picture(told: Told, pictures: Mapping[str, bytes], name: str, key: str) -> list[Block]:
    """Return a sentence and the picture that it points to; nothing without the picture."""
    if name not in pictures:
        return []
    own = f"figure_{name}"
    shown = Figure(own, told.say(f"figure_title_{name}"), pictures[name], WIDTHS.get(name, 156.0))
    return [told.paragraph(key, {"figure": own}), shown]


CHANGED = ("new", "extended", "closed", "planned", "reserved")
"""Statuses of facilities that the plan builds, changes or keeps a place for."""
WIDTHS = {"lorenz": 110.0, "curve": 130.0, "units": 150.0}
"""Widths of pictures on paper, millimetres, where they do not take the whole line."""


def built_rows(told: Told) -> list[list[str]]:
    """Return one row per facility that the plan builds or changes, in the order of building."""
    table = told.frames.facilities
    is_changed = table["status"].isin(CHANGED) | (table["added_beds"] > 0)
    for column in ("added_functions", "phase"):
        if column in table:
            is_changed |= table[column].notna() & (table[column].astype(str) != "")
    changed = table[is_changed].sort_values("rank", kind="stable", na_position="last")
    return [
        [
            each.name, _becomes(told, each), _name_of_unit(told, each.unit_id),
            told.number(each.beds), told.number(each.added_beds),
            f"{told.number(each.nursing_beds)} / {told.number(each.dementia_beds)}",
            function_words(each.added_functions, told.language) or "",
            told.number(each.cost_wan_yuan, 1), "" if pd.isna(each.phase) else str(each.phase),
        ]
        for each in changed.itertuples()
    ]  # fmt: skip


def _becomes(told: Told, facility: Any) -> str:
    """Return what the plan makes of a facility, in words."""
    became = what_becomes(facility)
    if became == facility.status:
        return told.word("status", became)
    return text(f"sheet.kind_{became}", told.language)


def _name_of_unit(told: Told, unit: Any) -> str:
    """Return a planning unit as a cell says it."""
    if not isinstance(unit, str) or not unit:
        return told.say("nothing")
    return told.say("no_unit") if unit == NO_UNIT else unit


def balance(told: Told, pictures: Mapping[str, bytes]) -> Section:
    """Return beds and elders by planning unit and by street, and the functions of every circle."""
    by_unit = told.frames.info["beds_by_unit"]
    units = told.frames.units[told.frames.units["id"] != NO_UNIT]
    blocks: list[Block] = [
        told.heading(1, "balance"),
        told.heading(2, "balance_units"),
        told.paragraph("balance_opening" if by_unit else "balance_free", {"table": "units"},
                       short=int((units["shortfall"] > 0).sum()), units=len(units)),
        *told.table("units", ("unit", "elders", "beds_required", "beds_today", "beds_planned",
                              "shortfall", "sites", "remark"), _units(told),
                    widths=(5, 3, 2, 2, 2, 2, 2, 4), numeric=(1, 2, 3, 4, 5, 6), rest="units.csv"),
        *picture(told, pictures, "units", "balance_figure"),
    ]  # fmt: skip
    streets = _streets(told)
    if streets:
        blocks.append(told.heading(2, "balance_streets"))
        blocks.append(told.paragraph("balance_by_street", {"table": "streets"}))
        blocks += told.table(
            "streets",
            ("street", "elders", "beds_today", "beds_planned", "per_today", "per_planned"), streets,
            widths=(5, 3, 2, 2, 3, 3), numeric=(1, 2, 3, 4, 5), rest="access.csv",
        )  # fmt: skip
    return Section("balance", (*blocks, *_circles(told)))


def _units(told: Told) -> list[list[str]]:
    """Return one row per planning unit."""
    by_unit = told.frames.info["beds_by_unit"]
    return [
        [
            _name_of_unit(told, each.id), told.number(each.elders),
            told.number(each.beds_required if by_unit else None), told.number(each.beds_existing),
            told.number(each.beds_planned), told.number(each.shortfall if by_unit else None),
            told.number(each.sites), told.word("note", each.note),
        ]
        for each in told.frames.units.itertuples()
    ]  # fmt: skip


def by_place(told: Told, scope: str, measures: tuple[str, ...]) -> pd.DataFrame:
    """Return measures of access by place: one row per place, columns ``measure, state``."""
    access = told.frames.access
    if access is None:
        return pd.DataFrame()
    mine = access[(access["scope"] == scope) & access["measure"].isin(measures)]
    wide = mine.pivot_table(
        index="scope_id", columns=["measure", "state"], values="value", sort=False, dropna=False
    )
    return wide.reindex(columns=pd.MultiIndex.from_product([measures, ("existing", "plan")]))


def _streets(told: Told) -> list[list[str]]:
    """Return one row per street or town."""
    wide = by_place(told, "street", ("elders", "beds", "beds_per_1000"))
    return [
        [str(name), told.number(row["elders", "plan"]), told.number(row["beds", "existing"]),
         told.number(row["beds", "plan"]), told.number(row["beds_per_1000", "existing"], 1),
         told.number(row["beds_per_1000", "plan"], 1)]
        for name, row in wide.iterrows()
    ]  # fmt: skip


def _circles(told: Told) -> list[Block]:
    """Return the functions of every circle; nothing where no rule asks for any."""
    circles = told.frames.circles
    if circles is None:
        return []
    names = functions_of(circles)
    codes = [[str(each[name]) for name in names] for each in circles[names].to_dict("records")]
    rows = [
        [
            str(name),
            *(status_words(code, told.language).split(" ")[0] + _site(code) for code in row),
        ]
        for name, row in zip(circles["id"], codes, strict=True)
    ]
    shades = {
        (line, place + 1): SHADES[code.split(":")[0]]
        for line, row in enumerate(codes) for place, code in enumerate(row)
        if code.split(":")[0] in SHADES
    }  # fmt: skip
    blocks: list[Block] = [
        told.heading(2, "balance_circles"),
        told.paragraph("balance_functions", {"table": "circles"}),
    ]
    made = told.table("circles", ("circle",), rows, widths=(3, *[2] * len(names)),
                      rest="circles.csv", shades=shades)  # fmt: skip
    table = made[0]
    words = tuple(name_words(name, told.language) for name in names)
    blocks.append(_with_heads(table, words))
    return [*blocks, *made[1:], told.note("circle_marks")]


def _with_heads(table: Any, words: tuple[str, ...]) -> Any:
    """Return a table whose first heading is followed by others."""
    return replace(table, heads=(*table.heads, *words))


def _site(code: str) -> str:
    """Return the reserved site of a status, with a blank before it."""
    _, _, site = code.partition(":")
    return f" {site}" if site else ""


def money(told: Told) -> Section:
    """Return what is paid, by whom and in which year."""
    sums, record = told.record["money"], told.record
    keys = ("capital", "subsidy", "net", "running", "subsidy_yearly")
    blocks: list[Block] = [
        told.heading(1, "money"),
        told.paragraph(
            "money_opening", {"table": "money"}, cost=told.number(record["cost_wan_yuan"], 1),
            **{key: told.number(sums[key], 1) for key in keys},
        ),
    ]  # fmt: skip
    if sums.get("running_unknown"):
        blocks.append(told.note("money_unknown", count=sums["running_unknown"]))
    table = told.frames.money
    if table is None or not len(table):
        rows: list[list[str]] = []
    else:
        rows = [
            [str(year), told.word("payer", payer), *(told.number(each, 1) for each in amounts)]
            for year, payer, *amounts in pivot_of(table).to_numpy(dtype=object).tolist()
        ]
    blocks += told.table("money", ("year", "payer", *ITEMS), rows, widths=(2, 4, 3, 3, 3, 3),
                         numeric=(2, 3, 4, 5), rest="money.csv", limit=False)  # fmt: skip
    blocks.append(told.note("money_note"))
    return Section("money", tuple(blocks))


def phases(told: Told) -> Section:
    """Return what each phase adds, costs and reaches; empty for a plan without phases."""
    table = told.frames.phases
    if table is None or len(table) < 2:  # noqa: PLR2004 - one phase is the plan itself
        return Section("phases", ())
    rows = [
        [
            str(each.year), told.number(each.new_sites), told.number(each.extended_sites),
            told.number(each.upgraded_sites), told.number(each.beds),
            told.number(each.cost_wan_yuan, 1), told.number(each.subsidy_wan_yuan, 1),
            told.number(each.budget_wan_yuan, 1), told.share(each.covered_share_high),
            told.share(each.covered_share_medium), f"{each.rules_met} / {each.rules_unmet}",
            told.word("run", each.run_status),
        ]
        for each in table.itertuples()
    ]  # fmt: skip
    heads = ("year", "new", "extended", "upgraded", "beds", "cost", "subsidy", "budget",
             "covered_high", "covered_medium", "met_unmet", "run")  # fmt: skip
    return Section("phases", (
        told.heading(1, "phases"),
        told.paragraph("phases_opening", {"table": "phases"}, count=len(table)),
        *told.table("phases", heads, rows, widths=(2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 2, 3),
                    numeric=range(1, 11), rest="phases.csv", limit=False),
        told.note("phases_note"),
    ))  # fmt: skip
