"""Homes that stand today, as a planner's table tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from siting.errors import Fault, InputError
from siting.facts import NO, YES, owners, read_facts, read_functions
from siting.inputs.sources import Source, read_source
from siting.sites import (
    QUALIFYING_BEDS,
    Sites,
    amount_of,
    outside_nursing,
    points_of,
    running_cost,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from siting.scenario import Existing, Scenario
    from siting.tables import DataCheck

__all__ = ["KINDS", "read_existing"]

KINDS = {
    "institution": "institution", "养老机构": "institution", "机构": "institution",
    "机构养老": "institution", "养老院": "institution", "敬老院": "institution",
    "护理院": "institution", "day_care": "day_care", "日间照料": "day_care",
    "日间照料中心": "day_care", "居家养老服务中心": "day_care", "home_beds": "home_beds",
    "家庭养老床位": "home_beds", "家庭床位": "home_beds", "canteen": "canteen",
    "老年食堂": "canteen", "助餐点": "canteen", "senior_housing": "senior_housing",
    "老年公寓": "senior_housing", "养老社区": "senior_housing",
}  # fmt: skip
"""What a table may call a kind of home."""


def read_existing(scenario: Scenario, *, check: DataCheck) -> tuple[Sites, Source] | None:
    """Return the homes of a scenario and their file, or None without."""
    part = scenario.existing
    if part is None:
        return None
    named = (
        "id",
        "name",
        "beds",
        "nursing_beds",
        "dementia_beds",
        "ownership",
        "kind",
        "registered",
        "functions",
        "can_host",
    )
    costs = (
        "max_beds", "fixed_cost", "cost_per_bed", "convert_cost_per_bed", "running_cost_per_bed",
        "floor_m2",
    )  # fmt: skip
    columns = {key: getattr(part, key) for key in named}
    columns |= {f"facts.{fact}": column for fact, column in part.facts.items()}
    columns |= {key: getattr(part, key) for key in costs if isinstance(getattr(part, key), str)}
    source = read_source(scenario, part, "existing", columns=columns, check=check)
    beds = source.numbers(part.beds, whole=True)
    institution, kinds = _institutions(source, part, check)
    room = amount_of(source, part.max_beds, whole=True, missing=0.0)
    max_beds = np.maximum(np.nan_to_num(room, nan=0.0), beds)
    below = np.flatnonzero((room > 0) & (room < beds))
    if len(below):
        check.add(
            "warning", "room_below_beds", source.name, count=len(below), examples=source.ids[below]
        )
    price = amount_of(source, part.cost_per_bed, missing=np.nan)
    unpriced = np.flatnonzero((max_beds > beds) & ~np.isfinite(price))
    if len(unpriced):
        raise InputError(Fault("room_without_price", source.name, {}, source.labels(unpriced)))
    zero = np.zeros(len(beds), dtype=np.int64)
    homes = Sites(
        id=source.ids,
        name=source.texts(part.name) if part.name else source.ids,
        kind=kinds,
        tenure=source.texts(part.ownership),
        xy=points_of(source),
        is_existing=np.ones(len(beds), dtype=bool),
        institution=institution,
        beds=beds.astype(np.int64),
        nursing_beds=_part_of(source, part, "nursing", beds, check),
        dementia_beds=_part_of(source, part, "dementia", beds, check),
        min_beds=zero,
        max_beds=max_beds.astype(np.int64),
        fixed_cost=np.nan_to_num(amount_of(source, part.fixed_cost, missing=0.0)),
        cost_per_bed=np.nan_to_num(price),
        convert_cost_per_bed=amount_of(source, part.convert_cost_per_bed, missing=np.nan),
        owner=owners(source.texts(part.ownership)),
        knows_nursing=np.full(len(beds), _is_told(part, "nursing")),
        knows_dementia=np.full(len(beds), _is_told(part, "dementia")),
        functions=read_functions(source, part.functions, tuple(scenario.functions)),
        can_host=read_functions(source, part.can_host, tuple(scenario.functions)),
        facts=read_facts(source, part.facts),
        running_cost_per_bed=running_cost(source, part, check),
        floor_m2=amount_of(source, part.floor_m2, missing=np.inf),
    )
    odd = np.flatnonzero(outside_nursing(homes, homes.nursing_beds, homes.dementia_beds))
    if len(odd):
        check.add(
            "warning", "dementia_outside_nursing", source.name, count=len(odd),
            examples=source.ids[odd],
        )  # fmt: skip
    small = np.flatnonzero(institution & (beds < QUALIFYING_BEDS))
    if len(small):
        check.add("info", "small_homes", source.name, count=len(small), examples=source.ids[small])
    return homes, source


def _institutions(
    source: Source, part: Existing, check: DataCheck
) -> tuple[NDArray[np.bool_], NDArray[np.object_]]:
    """Return which homes may count, and the kind of each; what was taken for granted is counted."""
    said = source.texts(part.kind)
    kinds = np.array([KINDS.get(each, each) or "institution" for each in said], dtype=object)
    unsaid = np.flatnonzero(said == "")
    if len(unsaid):
        check.add(
            "info", "kind_missing", source.name, count=len(unsaid), examples=source.ids[unsaid]
        )
    other = np.flatnonzero(kinds != "institution")
    if len(other):
        names = ", ".join(sorted(set(kinds[other])))
        check.add(
            "info", "not_institution", source.name, count=len(other), examples=source.ids[other],
            kinds=names,
        )  # fmt: skip
    answers = np.array([each.lower() for each in source.texts(part.registered)], dtype=object)
    unclear = np.flatnonzero([bool(each) and each not in YES | NO for each in answers])
    if len(unclear):
        found = ", ".join(sorted(set(answers[unclear])))
        values = {"column": part.registered, "found": found}
        raise InputError(Fault("not_yes_or_no", source.name, values, source.labels(unclear)))
    unregistered = np.array([each in NO for each in answers], dtype=bool)
    if unregistered.any():
        rows = np.flatnonzero(unregistered)
        check.add("info", "unregistered", source.name, count=len(rows), examples=source.ids[rows])
    return (kinds == "institution") & ~unregistered, kinds


def _is_told(part: Existing, kind: Literal["nursing", "dementia"]) -> bool:
    """Return whether the scenario says how many beds of a kind homes have, or assumes a share."""
    return any(getattr(part, f"{kind}_{each}") is not None for each in ("beds", "share"))


def _part_of(
    source: Source,
    part: Existing,
    kind: Literal["nursing", "dementia"],
    beds: NDArray[np.float64],
    check: DataCheck,
) -> NDArray[np.int64]:
    """Return nursing or dementia beds, refused where they exceed all; an assumption is listed."""
    column, share = getattr(part, f"{kind}_beds"), getattr(part, f"{kind}_share")
    if share is not None:
        taken = np.asarray(np.floor(share * beds + 1e-9), dtype=np.int64)
        check.add(
            "warning", "assumed_share", source.name, count=len(beds), share=share,
            beds=int(taken.sum()), key=f"existing.{kind}_share",
        )  # fmt: skip
        return taken
    if column is None:
        return np.zeros(len(beds), dtype=np.int64)
    values = source.numbers(column, whole=True, missing=np.nan)
    empty = np.flatnonzero(np.isnan(values))
    if len(empty):
        check.add(
            "warning", "part_empty", source.name, count=len(empty), examples=source.ids[empty],
            column=column,
        )  # fmt: skip
    values = np.nan_to_num(values)
    above = np.flatnonzero(values > beds)
    if len(above):
        raise InputError(
            Fault("more_than_all_beds", source.name, {"column": column}, source.labels(above))
        )
    return np.asarray(values, dtype=np.int64)
