"""The areas that rules are counted in: which there are, who lies in them, how many are old."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from siting.areas import Areas, find_areas, some_areas
from siting.inputs.sources import Source
from siting.minima import is_low
from siting.scenario import Scenario
from siting.tables import DataCheck
from siting.units import NO_UNIT, WHOLE

# Six squares of 100 m in a row: zone, street or town, district, residents.
ZONES = [
    ("z1", "甲街道", "东", 1000.0),
    ("z2", "甲街道", "东", 500.0),
    ("z3", "乙街道", "西", 2000.0),
    ("z4", "丙镇", "西", 400.0),
    ("z5", "丁乡", "西", 600.0),
    ("z6", "", "", 50.0),
]
ELDERS = [100.0, 20.0, 300.0, 40.0, 60.0, 5.0, 7.0]  # the last outside every zone
SITES = [50.0, 150.0, 250.0, 350.0, 450.0, 550.0, 650.0]


def read(
    *, columns: tuple[str, ...] = ("street", "district", "residents"), zones: bool = True,
    rows: list[tuple[str, str, str, float]] | None = None, outside: tuple[int, ...] = (6,),
) -> dict[str, Areas]:  # fmt: skip
    """Return the areas that files with some columns tell of."""
    rows = ZONES if rows is None else rows
    table = dict(zip(("id", "street", "district", "residents"), zip(*rows, strict=True),
                     strict=True))  # fmt: skip
    squares = [box(100.0 * k, 0.0, 100.0 * k + 100.0, 100.0) for k in range(len(rows))]
    frame = gpd.GeoDataFrame(table, geometry=squares, crs=4549)
    ids = np.array(table["id"], dtype=object)
    source = Source("zones", "z.gpkg", "z.gpkg", frame, ids, 1, "")
    layer: Any = SimpleNamespace(
        id=ids, shapes=frame.geometry, source=source, elders=np.zeros(len(ids))
    )
    demand: Any = SimpleNamespace(
        id=np.arange(7), elders=np.array(ELDERS),
        zone=np.array([k if zones and k < len(rows) else -1 for k in range(7)]),
    )  # fmt: skip
    units: Any = SimpleNamespace(
        id=np.array(["u", NO_UNIT], dtype=object),
        of_site=np.array([0, 0, 0, 0, 0, 1, -1]), of_demand=np.array([0, 0, 0, 0, 0, 0, 1]),
    )  # fmt: skip
    xy = np.column_stack([SITES, np.full(7, 50.0)])
    told = {"zones": {"path": "z.gpkg", "id": "id", "elders": "e"} | {c: c for c in columns}}
    scenario = Scenario(
        name="t", standard="hangzhou-2021", year=2025, crs="EPSG:4549", distance="straight",
        demand={"path": "d.gpkg", "elders": "e"}, **(told if zones else {}),
    )  # fmt: skip
    inside = ~np.isin(np.arange(7), outside)
    return find_areas(
        scenario, demand, layer if zones else None, units, xy, inside, check=DataCheck()
    )


def names(table: Areas) -> list[str]:
    return [str(each) for each in table.id]


def test_streets_are_urban_by_the_end_of_their_name_and_others_are_towns() -> None:
    found = read()
    assert names(found["street"]) == sorted(["甲街道", "乙街道", "丙镇", "丁乡"])
    assert set(names(found["urban_street"])) == {"甲街道", "乙街道"}
    assert set(names(found["town"])) == {"丙镇", "丁乡"}
    assert found["circle"] is found["street"]


def test_zones_are_urban_or_villages_by_the_street_they_lie_in() -> None:
    found = read()
    assert names(found["zone"]) == ["z1", "z2", "z3", "z4", "z5", "z6"]
    assert names(found["urban_zone"]) == ["z1", "z2", "z3"]
    assert names(found["village"]) == ["z4", "z5"]


def test_a_zone_without_a_street_or_district_lies_in_none() -> None:
    found = read()
    for kind in ("street", "district", "urban_zone", "village", "town", "urban_street"):
        assert found[kind].of_site[5] == found[kind].of_demand[5] == -1, kind
    assert found["zone"].of_site[5] == 5


def test_elders_and_residents_are_summed_by_area() -> None:
    found = read()
    elders = {
        kind: dict(zip(names(t), t.elders.tolist(), strict=True)) for kind, t in found.items()
    }
    assert elders["street"] == {"甲街道": 120.0, "乙街道": 300.0, "丙镇": 40.0, "丁乡": 60.0}
    assert elders["district"] == {"东": 120.0, "西": 400.0}
    assert elders["town"] == {"丙镇": 40.0, "丁乡": 60.0}
    assert elders["zone"]["z6"] == 5.0
    assert elders["all"] == {WHOLE: math.fsum(ELDERS)}
    assert elders["unit"] == {"u": 525.0}
    live = dict(zip(names(found["district"]), found["district"].residents.tolist(), strict=True))
    assert live == {"东": 1500.0, "西": 3000.0}
    assert found["all"].residents.tolist() == [4550.0]


def test_the_ageing_share_is_elders_over_residents() -> None:
    share = dict(zip(names(read()["circle"]), read()["circle"].ageing_share.tolist(), strict=True))
    assert share == {"甲街道": 120 / 1500, "乙街道": 300 / 2000, "丙镇": 0.1, "丁乡": 0.1}
    assert not is_low(share["丙镇"], 0.1)
    assert is_low(share["甲街道"], 0.1)


def test_without_residents_the_ageing_share_is_not_known() -> None:
    found = read(columns=("street", "district"))
    assert np.isnan(found["circle"].ageing_share).all()
    assert np.isnan(found["circle"].residents).all()
    assert np.isnan(found["all"].residents).all()


def test_an_area_without_residents_has_no_finite_share() -> None:
    rows = [("z1", "甲街道", "东", 0.0)]
    share = read(rows=rows)["circle"].ageing_share
    assert not np.isfinite(share).any()
    assert not is_low(float(share[0]), 0.1)


@pytest.mark.parametrize(
    ("columns", "missing"),
    [
        ((), {"street", "circle", "urban_street", "town", "urban_zone", "village", "district"}),
        (("district",), {"street", "circle", "urban_street", "town", "urban_zone", "village"}),
        (("street",), {"district"}),
    ],
)
def test_a_kind_that_no_column_tells_of_is_absent(
    columns: tuple[str, ...], missing: set[str]
) -> None:
    every = set(read())
    assert every - set(read(columns=columns)) == missing


def test_without_zones_there_are_only_units_and_the_whole() -> None:
    assert set(read(zones=False)) == {"all", "unit"}


def test_a_site_outside_the_study_area_lies_nowhere() -> None:
    for kind, table in read().items():
        assert table.of_site[6] == -1, kind
    found = read(outside=(0, 6))
    for kind in ("all", "zone", "street", "district", "circle"):
        assert found[kind].of_site[0] == -1, kind  # though z1 reaches beyond the study area


def test_what_lies_in_no_unit_is_no_unit_that_rules_ask_anything_of() -> None:
    unit = read()["unit"]
    assert names(unit) == ["u"]
    assert unit.of_site.tolist() == [0, 0, 0, 0, 0, -1, -1]
    assert unit.of_demand.tolist() == [0, 0, 0, 0, 0, 0, -1]


def test_named_areas_are_kept_and_renumbered() -> None:
    found = read()
    west = some_areas(found, "district", ("西", "不存在"))
    assert west is not None
    assert names(west) == ["西"]
    assert west.of_site.tolist() == [-1, -1, 0, 0, 0, -1, -1]
    assert west.of_demand.tolist() == [-1, -1, 0, 0, 0, -1, -1]
    assert west.elders.tolist() == [400.0]
    assert west.residents.tolist() == [3000.0]


def test_no_names_mean_all_areas_and_no_file_means_none() -> None:
    found = read()
    assert some_areas(found, "district", ()) is found["district"]
    assert some_areas(found, "facility", ()) is None
    assert some_areas(read(columns=()), "town", ("丙镇",)) is None


@pytest.mark.parametrize(
    ("kind", "only", "kept"),
    [
        ("zone", ("z2",), ["z2"]),
        ("zone", ("甲街道",), ["z1", "z2"]),
        ("zone", ("甲街道", "z5"), ["z1", "z2", "z5"]),
        ("village", ("丙镇",), ["z4"]),
        ("village", ("甲街道",), []),
        ("urban_zone", ("甲街道", "丙镇"), ["z1", "z2"]),
        ("urban_zone", ("东",), []),
    ],
)
def test_zones_are_named_by_themselves_or_by_their_street(
    kind: str, only: tuple[str, ...], kept: list[str]
) -> None:
    table = some_areas(read(), kind, only)
    assert table is not None
    assert names(table) == kept


def test_zones_keep_their_streets_when_some_are_left_out() -> None:
    found = read()
    village, street = found["village"], found["street"]
    assert village.street is not None
    assert [str(street.id[k]) for k in village.street] == ["丙镇", "丁乡"]


STREET = st.sampled_from(["甲街道", "乙街道", "丙镇", "丁乡", ""])


@settings(max_examples=40, derandomize=True, deadline=None, database=None)
@given(st.lists(st.tuples(STREET, st.sampled_from(["东", "西", ""])), min_size=6, max_size=6))
def test_every_area_holds_what_its_zones_hold(rows: list[tuple[str, str]]) -> None:
    found = read(rows=[(f"z{k}", *row, 100.0 + k) for k, row in enumerate(rows)])
    for kind, column in (("street", 0), ("district", 1)):
        told = sorted({row[column] for row in rows if row[column]})
        assert names(found[kind]) == told
        for k, name in enumerate(told):
            mine = [j for j in range(6) if rows[j][column] == name]
            assert np.flatnonzero(found[kind].of_site == k).tolist() == mine
            assert np.flatnonzero(found[kind].of_demand == k).tolist() == mine
            assert found[kind].elders[k] == math.fsum(ELDERS[j] for j in mine)
            assert found[kind].residents[k] == math.fsum(100.0 + j for j in mine)
    split = {*names(found["urban_zone"])} | {*names(found["village"])}
    assert split == {f"z{k}" for k, row in enumerate(rows) if row[0]}
    assert not {*names(found["urban_street"])} & {*names(found["town"])}
    assert {*names(found["urban_street"])} | {*names(found["town"])} == {*names(found["street"])}
