"""The tables beside the map of the proposed layout: key figures, units, facilities."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any

from siting.outputs.sheet_column import Block, money, number, share
from siting.outputs.sheet_page import tell
from siting.texts import text
from siting.units import NO_UNIT

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from siting.outputs.frames import Frames
    from siting.outputs.sheet_page import Paper

__all__ = [
    "FIGURES_MM", "SITE_SHARES", "figure_rows", "plan_blocks", "site_rows", "status_text",
    "unit_rows",
]  # fmt: skip

FIGURES_MM = 4.6
MOST_SITES, MOST_UNITS = 32, 13
SITE_SHARES = (0.1, 0.46, 0.13, 0.16, 0.15)


def plan_blocks(paper: Paper, frames: Frames) -> list[Block]:
    """Return the tables of the proposed layout: figures, units where there are any, facilities."""
    units = unit_rows(paper, frames)
    several = [
        Block(tell(paper, "unit_table"), units, (0.36, 0.16, 0.16, 0.16, 0.16), most=MOST_UNITS,
              more="more_units")
    ] if len(units) > 2 else []  # fmt: skip  # noqa: PLR2004 - the head and one unit
    return [
        Block(tell(paper, "summary"), figure_rows(paper, frames), (0.52, 0.24, 0.24),
              pitch_mm=FIGURES_MM),
        *several,
        Block(tell(paper, "site_table"), site_rows(paper, frames.facilities), SITE_SHARES, words=3,
              most=MOST_SITES, more="more_sites"),
    ]  # fmt: skip


def figure_rows(paper: Paper, frames: Frames) -> list[list[str]]:
    """Return the rows of the key figures, from the run record."""
    record, info = frames.record, frames.info
    elders = record.get("elders", {})
    before, after = (record.get("coverage", {}).get(s, {}) for s in ("existing", "plan"))
    sites = record.get("sites", {})
    classes = " / ".join(number(paper, elders.get(k)) for k in ("high", "medium", "low"))
    after_key = "judged" if record.get("status") == "audited" else "plan"
    rows = [
        [tell(paper, "indicator"), tell(paper, "existing"), tell(paper, after_key)],
        [tell(paper, "elders"), number(paper, elders.get("total"))],
    ]
    asked = frames.distance_classes
    rows.append([tell(paper, "elders_classes"), classes] if asked
                else [tell(paper, "distances"), tell(paper, "no_distance")])  # fmt: skip
    for grade in asked:
        label = tell(paper, f"covered_{grade}", distance=info[f"distance_{grade}_m"])
        no_one = elders.get(grade) == 0
        shares = (None if no_one else side.get(grade) for side in (before, after))
        rows.append([label, *(share(paper, each) for each in shares)])
    if asked:
        missed = (number(paper, _missed(elders, side)) for side in (before, after))
        rows.append([tell(paper, "uncovered_elders"), *missed])
    kinds = ("new", "extended", "upgraded")
    proposed = " / ".join(number(paper, sites.get(kind)) for kind in kinds)
    return [
        *rows,
        *_beds(paper, frames),
        [tell(paper, "sites"), number(paper, sites.get("existing")), ""],
        [tell(paper, "sites_plan"), "", proposed],
        [tell(paper, "cost"), tell(paper, "none"), money(paper, record.get("cost_wan_yuan"))],
        *_objective(paper, frames),
        [tell(paper, "status"), status_text(paper, frames)],
    ]


def _objective(paper: Paper, frames: Frames) -> list[list[str]]:
    """Return the rows of a classical model: its name, and whom its cutoff covers."""
    asked = frames.record.get("objective") or {}
    if not asked:
        return []
    model = text(f"tables.model_{asked['model']}", frames.info["language"])
    rows = [[tell(paper, "objective"), model]]
    if {"cutoff_m", "elders_covered"} <= asked.keys():
        states = (number(paper, asked[f"elders_covered{state}"]) for state in ("_existing", ""))
        rows.append([tell(paper, "objective_covered", distance=asked["cutoff_m"]), *states])
    return rows


def _beds(paper: Paper, frames: Frames) -> list[list[str]]:
    """Return the rows of beds: what is required and missing only where a rule asks for them."""
    beds = frames.record.get("beds", {})
    stand = [tell(paper, "beds"), *(number(paper, beds.get(key)) for key in ("existing", "plan"))]
    if not frames.info["beds_by_unit"]:
        return [[tell(paper, "beds_required"), tell(paper, "no_beds_required")], stand]
    missing = number(paper, beds.get("shortfall"))
    return [
        [tell(paper, "beds_required"), number(paper, beds.get("required"))],
        stand,
        [tell(paper, "beds_missing"), tell(paper, "none"), missing],
    ]


def _missed(elders: dict[str, Any], shares: dict[str, Any]) -> float | None:
    """Return the elders with a distance duty whom no facility covers."""
    if not {"high", "medium"} <= shares.keys() & elders.keys():
        return None
    return float(sum(elders[k] * (1 - shares[k]) for k in ("high", "medium")))


def status_text(paper: Paper, frames: Frames) -> str:
    """Return how good the plan is, with its largest gap."""
    status = frames.record.get("status") or frames.info.get("status")
    if status not in {"optimal", "gap", "time_limit", "interrupted", "audited"}:
        return tell(paper, "none")
    words = tell(paper, f"status_{status}")
    gaps = [stage.get("gap") or 0.0 for stage in frames.record.get("stages", [])]
    if status == "optimal" or not gaps:
        return words
    return tell(paper, "status_with_gap", status=words, gap=max(gaps))


def site_rows(paper: Paper, table: GeoDataFrame) -> list[list[str]]:
    """Return the rows of the proposed facilities of a table in the order of their rank."""
    table = table[table["rank"].notna()].sort_values("rank")
    if table.empty:
        return [["", tell(paper, "no_sites")]]
    keys = ("site_number", "site_name", "site_kind", "site_beds", "site_cost")
    rows = [[tell(paper, key) for key in keys]]
    for site in table.itertuples():
        kind = site.status if site.status in {"new", "extended", "planned"} else "other"
        rows.append(
            [f"{site.rank:.0f}", str(site.name), tell(paper, f"kind_{kind}"),
             number(paper, site.added_beds), money(paper, site.cost_wan_yuan)]
        )  # fmt: skip
    return rows


def unit_rows(paper: Paper, frames: Frames) -> list[list[str]]:
    """Return the rows of the planning units."""
    keys = ("unit_name", "unit_elders", "unit_required", "unit_planned", "unit_shortfall")
    rows = [[tell(paper, key) for key in keys]]
    names = frames.units["name" if "name" in frames.units else "id"]
    columns = ["elders", "beds_required", "beds_planned", "shortfall"]
    table = frames.units[columns].astype(float)
    if not frames.info["beds_by_unit"]:
        table[["beds_required", "shortfall"]] = nan
    figures = table.itertuples(index=False)
    for name, unit in zip(names, figures, strict=True):
        label = tell(paper, "no_unit") if name == NO_UNIT else str(name)
        rows.append([label, *(number(paper, figure) for figure in unit)])
    return rows
