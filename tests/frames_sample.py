"""A small invented town as ``Frames``: what the tests of the map and of the sheet draw."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import union_all
from shapely.geometry import LineString, Point, Polygon, box

from siting.access import ACCESS_COLUMNS, LORENZ_COLUMNS
from siting.conflict import Conflict
from siting.outputs.facilities import PHASE_SITE_COLUMNS
from siting.outputs.frames import Frames
from siting.outputs.money import MONEY_COLUMNS, PHASE_COLUMNS
from siting.outputs.places import OPEN_COLUMNS
from siting.outputs.rules import RULE_COLUMNS
from siting.outputs.services import STAFF_COLUMNS, conflicts_frame

CRS = "EPSG:4549"
ORIGIN = (514_000.0, 3_350_000.0)
CELL = 100.0
SIDE = 30
RADII = {"high": 500.0, "medium": 1000.0}

HOSTILE = [
    "</script><script>window.pwned=1</script>",
    '<img src=x onerror="window.pwned=1">\'"&amp;',
    "=cmd()|' /C calc'!A0 😀",
    "line one\nline two\u2028`${window.pwned=1}`",
    "{{ 7*7 }}{% raw %}{# gone #}",
    "<!-- ]]> \\u003c \\",
]


def sample_frames(language: str = "zh", *, hostile: bool = False) -> Frames:
    """Return the town; ``hostile`` gives it names that break careless pages."""
    names = _names(hostile=hostile)
    shapes, zones = _cells(), _zones(names)
    demand = _demand(shapes, zones)
    facilities = _facilities(names)
    _cover(demand, facilities)
    units = _units(zones)
    return Frames(
        facilities=facilities,
        demand=demand,
        demand_shapes=gpd.GeoSeries(shapes, crs=CRS),
        units=units,
        zones=zones,
        audit=_audit(units),
        density=_density(),
        curve=_curve(facilities),
        roads=_roads(),
        service_areas=_service_areas(facilities),
        exclusions=gpd.GeoDataFrame(
            {"name": [names["exclusion"]]}, geometry=[_block(22, 22, 30, 27)], crs=CRS
        ),
        study_area=_block(0, 0, SIDE, SIDE),
        circles=_circles(units),
        staff=_staff(),
        conflicts=conflicts_frame(_conflicts()),
        phases=_phases(),
        money=_money(),
        places=_places(units, facilities),
        reasons=_reasons(demand),
        open_points=_open_points(),
        phase_sites=_phase_sites(facilities),
        service_areas_existing=_service_areas(facilities.iloc[:2]),
        rules=_rules(names),
        access=_access(units),
        lorenz=_lorenz(),
        info=_info(language, names),
        record=_record(demand, facilities, names["scenario"]),
    )


def _names(*, hostile: bool) -> dict[str, Any]:
    """Return the names in the data, plain or hostile."""
    homes = ["望江养老院", "清波颐养中心", "小营护理院", "南星托老所"]
    sites = ["四季青里", "采荷地块", "凯旋路旧厂房", "城东公建用房", "闸弄口预留", "外围敬老院"]
    zones = ["望江社区", "清波社区", "小营社区", "南星社区", "采荷社区", "凯旋社区"]
    plain = {
        "facilities": homes + sites,
        "zones": zones,
        "exclusion": "生态保护红线",
        "scenario": "示例城区 2025",
        "standard": "杭州市养老服务设施布局专项规划",
        "sources": ["小区.gpkg", "道路.gpkg", "养老机构.csv"],
    }
    if not hostile:
        return plain
    return {
        "facilities": [f"{HOSTILE[i % len(HOSTILE)]}{i}" for i in range(10)],
        "zones": [f"{text}z" for text in HOSTILE],
        "exclusion": HOSTILE[0],
        "scenario": HOSTILE[1] + HOSTILE[4],
        "standard": HOSTILE[3],
        "sources": list(HOSTILE),
    }


def _block(left: int, low: int, right: int, top: int) -> Polygon:
    """Return a rectangle given in cells."""
    x, y = ORIGIN
    return box(x + left * CELL, y + low * CELL, x + right * CELL, y + top * CELL)


def _point(column: float, row: float) -> Point:
    """Return a point given in cells."""
    return Point(ORIGIN[0] + column * CELL, ORIGIN[1] + row * CELL)


def _circles(units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return two circles: the first lacks one of three functions, of the second little is known."""
    about = {
        "id": ["甲圈", "乙圈"],
        "elders": [3000.0, 800.0],
        "residents": [20_000.0, np.nan],
        "ageing_share": [0.15, np.nan],
        "care_centre": ["built", "reserved:c9"],
        "memory_home": ["missing", "unknown"],
        "canteen": ["planned", "not_applicable"],
    }
    return gpd.GeoDataFrame(about, geometry=list(units.geometry[:2]), crs=CRS)


def _staff() -> pd.DataFrame:
    """Return one rule of staff, told of and not told of."""
    about = ["R-9", "三", "all", "all", "care_workers"]
    unknown = [10.0, np.nan, "persons", "unknown", "needs:facts.care_workers", True]
    rows = [[*about, 10.0, 12.0, "persons", "met", "", True], [*about, *unknown]]
    return pd.DataFrame(rows, columns=STAFF_COLUMNS)


def _phases() -> pd.DataFrame:
    """Return two phases, the second without money of its own."""
    rows = [
        [2022, 300, 3, 1, 2, 2600.0, 200.0, 3000.0, 0.5, 0.6, 2, 2, "optimal", 0.0],
        [2025, 430, 1, 0, 0, 2080.0, 100.0, np.nan, 0.84, 0.84, 3, 1, "gap", 0.004],
    ]
    return pd.DataFrame(rows, columns=PHASE_COLUMNS)


def _places(units: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the two units as places, the second without facilities that count."""
    facilities["place"] = facilities["unit_id"].fillna("")
    about = {
        "id": list(units["id"]), "kind": "street", "elders": list(units["elders"]),
        "elders_high": [11_000.0, 0.0], "elders_medium": [4000.0, 2000.0],
        "elders_low": [300.0, 1050.0], "area_km2": [6.0, 3.0],
        "beds_required": [522.0, np.nan], "beds_existing": [140.0, 0.0],
        "beds_planned": [430.0, 0.0], "shortfall": [92.0, np.nan],
        "covered_existing": [0.31, np.nan], "covered_planned": [0.872, np.nan],
        "sites_existing": [2.0, 0.0], "sites_planned": [6.0, 0.0],
    }  # fmt: skip
    return gpd.GeoDataFrame(about, geometry=list(units.geometry), crs=CRS)


def _reasons(demand: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return uncovered points and elders by reason, over all and by place."""
    missed = demand[demand["reason"] != ""]
    parts = [missed.assign(place=""), missed.assign(place=missed["unit_id"])]
    counted = pd.concat(parts).groupby(["place", "reason"])["elders"].agg(["size", "sum"])
    table = counted.reset_index().rename(columns={"size": "points", "sum": "elders"})
    return table.assign(elders_high=0.0, elders_medium=0.0)


def _open_points() -> pd.DataFrame:
    """Return a rule that is unmet in two zones of a place, and one that cannot be judged."""
    rows = [
        ["u1", "HZ-03", "专栏1", "高密度区 500 米内有机构", "zone", "unmet", True, 2,
         "望江社区, 清波社区", np.nan, np.nan, "share", ""],
        ["u2", "HZ-36", "三(三)", "百张床位要有康复室", "facility", "unknown", False, 1, "",
         np.nan, np.nan, "facilities", "needs:facts.rehab_room"],
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=OPEN_COLUMNS)


def _phase_sites(facilities: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return what stands in 2022, when two sites are still to come, and in 2025."""
    late = facilities["id"].isin(["site-7", "site-8"])
    facilities.loc[~late & (facilities["added_beds"] > 0), "phase"] = 2022
    columns = ["id", "status", "beds", "added_beds"]
    now = facilities[columns].assign(year=2025)
    before = facilities.loc[~late, columns].assign(year=2022)
    before.loc[before["id"] == "site-5", ["beds", "added_beds"]] = 40
    return pd.concat([before, now], ignore_index=True)[PHASE_SITE_COLUMNS]


def _money() -> pd.DataFrame:
    """Return what is paid for one home in two phases."""
    rows = [
        ["site-5", 2022, "capital", "", "", "operator", 1380.0],
        ["site-5", 2022, "subsidy_once", "PY-22", "三(五)18", "county", 300.0],
        ["site-5", 2025, "running", "", "", "operator", 216.0],
        ["site-5", 2025, "subsidy_yearly", "PY-26", "三(五)19", "county", 8.0],
    ]
    return pd.DataFrame(rows, columns=MONEY_COLUMNS)


def _access(units: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return a few measures of the whole, of two classes and of the units."""
    rows = []
    for state, share in (("existing", 0.1), ("plan", 0.4)):
        for grade in ("", "high", "medium", "low"):
            about = ("all", "all", grade, state)
            rows += [
                (*about, "elders", 20_000.0, "persons"),
                (*about, "nearest_mean_m", 640.0 - 600.0 * share, "m"),
                (*about, "nearest_p90_m", np.nan, "m"),
                (*about, "walk_share", share, "share"),
            ]
        for unit in units.itertuples():
            beds = unit.beds_existing if state == "existing" else unit.beds_planned
            each = ("unit", unit.id, "", state)
            rows.append((*each, "beds_per_1000", 1000.0 * beds / unit.elders, "per_1000"))
        rows.append(("all", "all", "", state, "gini_beds_unit", 0.125, "gini"))
    return pd.DataFrame(rows, columns=ACCESS_COLUMNS)


def _lorenz() -> pd.DataFrame:
    """Return the curve of beds over two units, all of them in one."""
    rows = [
        (state, "unit", x, y)
        for state in ("existing", "plan")
        for x, y in ((0.0, 0.0), (0.25, 0.0), (1.0, 1.0))
    ]
    return pd.DataFrame(rows, columns=LORENZ_COLUMNS)


def _rules(names: dict[str, Any]) -> pd.DataFrame:
    """Return the rules that the findings are of, what they ask for as hostile as the names are."""
    about = [("HZ-01", "ratio"), ("HZ-02", "count"), ("HZ-03", "coverage"), ("HZ-04", "coverage")]
    rows = [
        [rule, kind, "专栏1", "issued_plan", "required", 1, True, 2021, names["exclusion"],
         f"{rule} asks", names["standard"], False]
        for rule, kind in about
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=RULE_COLUMNS)


def _conflicts() -> list[dict[str, Any]]:
    """Return a conflict with shares, and one with beds."""
    found = [
        Conflict("occupancy", "R-1", "一", "R-2", "二", "town", "甲镇", required=40.0,
                 other_required=0.6, measured=20.0, possible=0.5, unit="beds"),
        Conflict("over_supply", "R-1", "一", scope="unit", scope_id="u1", required=100.0,
                 other_required=1.5, measured=200.0, possible=0.0, unit="beds", note="coverage"),
    ]  # fmt: skip
    return [each.to_record("zh") for each in found]


def _cells() -> list[Any]:
    """Return the grid cells, one in seven left out."""
    cells = [(c, r) for r in range(SIDE) for c in range(SIDE) if (c * 5 + r * 3) % 7]
    return [_block(c, r, c + 1, r + 1) for c, r in cells]


def _zones(names: dict[str, Any]) -> gpd.GeoDataFrame:
    """Return six communities: two of each density class."""
    density = [5200.0, 3600.0, 1800.0, 2400.0, 600.0, 300.0]
    shapes = [_block(10 * (i % 3), 15 * (i // 3), 10 * (i % 3) + 10, 15 * (i // 3) + 15)
              for i in range(6)]  # fmt: skip
    area = [shape.area / 1e6 for shape in shapes]
    return gpd.GeoDataFrame(
        {
            "id": [f"z{i + 1}" for i in range(6)],
            "name": names["zones"],
            "elders": [d * a for d, a in zip(density, area, strict=True)],
            "area_km2": area,
            "density_per_km2": density,
            "density_class": ["high", "high", "medium", "medium", "low", "low"],
        },
        geometry=shapes,
        crs=CRS,
    )


def _demand(shapes: list[Any], zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the demand points; coverage is filled by ``_cover``."""
    points = gpd.GeoDataFrame(geometry=[shape.centroid for shape in shapes], crs=CRS)
    found = gpd.sjoin(points, zones, predicate="within")["index_right"].reindex(points.index)
    zone = found.astype(int).to_numpy()
    points["id"] = [f"grid-{i + 1}" for i in range(len(points))]
    weight = 0.4 + np.random.default_rng(7).random(len(points)) * 1.2
    points["elders"] = (zones["density_per_km2"].to_numpy()[zone] * 0.01 * weight).round(2)
    points["density_per_km2"] = zones["density_per_km2"].to_numpy()[zone]
    points["density_class"] = zones["density_class"].to_numpy()[zone]
    points["unit_id"] = np.where(zone % 3 == 2, "u2", "u1")
    points["note"] = ""
    points["blocked_by"] = ""
    points["accessible_beds_existing"] = np.where(zone % 3 == 2, 0.0, 8.0)
    points["accessible_beds"] = np.where(zone % 3 == 2, 0.0, 21.5)
    return points


def _facilities(names: dict[str, Any]) -> gpd.GeoDataFrame:
    """Return homes and opened candidates, one of every status."""
    rows = [
        ("existing", 3, 3, 60, 0, "u1", 0.0),
        ("extended", 14, 5, 120, 40, "u1", 480.0),
        ("existing", 25, 4, 8, 0, "u2", 0.0),
        ("closed", 26, 21, 0, 0, "u2", 0.0),
        ("new", 7, 10, 90, 90, "u1", 1380.0),
        ("new", 17, 12, 50, 50, "u1", 900.0),
        ("planned", 6, 21, 80, 80, "u1", 1260.0),
        ("new", 16, 20, 30, 30, "u1", 660.0),
        ("reserved", 24, 12, 0, 0, "u2", 0.0),
        ("outside", -3, 14, 45, 0, None, 0.0),
    ]
    status, columns, lines, beds, added, unit, cost = map(list, zip(*rows, strict=True))
    points = [_point(c + 0.5, r + 0.5) for c, r in zip(columns, lines, strict=True)]
    frame = gpd.GeoDataFrame(geometry=points, crs=CRS)
    world = frame.to_crs("EPSG:4326").geometry
    frame["id"] = [f"home-{i + 1}" if i < 4 else f"site-{i + 1}" for i in range(len(rows))]
    frame["name"], frame["status"] = names["facilities"], status
    frame["x"], frame["y"], frame["lon"], frame["lat"] = (
        frame.geometry.x, frame.geometry.y, world.x, world.y,
    )  # fmt: skip
    frame["beds"], frame["added_beds"] = beds, added
    frame["nursing_beds"] = [b * 2 // 3 for b in beds]
    frame["dementia_beds"] = [b // 10 for b in beds]
    frame["unit_id"], frame["cost_wan_yuan"] = unit, cost
    frame["kind"] = "institution"
    frame["stands_today"] = [each.startswith("home") or each == "site-10" for each in frame["id"]]
    frame["beds_today"] = np.where(frame["stands_today"], frame["beds"] - frame["added_beds"], 0)
    frame["tenure"], frame["land_code"] = "", ["", "", "", "", "0804", "0901", "", "", "", ""]
    frame["area_m2"] = [np.nan] * 4 + [1230.0, 870.0] + [np.nan] * 4
    frame["qualifies"] = [b >= 10 for b in beds]
    frame["rules"] = ["HZ-01 HZ-03" if a else "" for a in added]
    order = iter(range(1, len(rows)))
    frame["rank"] = pd.array([next(order) if a else None for a in added], dtype="Int64")
    frame["phase"] = pd.array([2025 if a else None for a in added], dtype="Int64")
    frame["functions"] = ["canteen" if a else "" for a in added]
    frame["added_functions"] = frame["functions"]
    frame["elders_within_standard"] = 0.0
    return frame


def _cover(demand: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame) -> None:
    """Fill coverage, distances and reasons, as the crow flies times 1.2."""
    points = demand.geometry.to_numpy()
    limit = demand["density_class"].map(RADII).to_numpy(dtype=float)
    duty = ~np.isnan(limit)
    straight = np.array(
        [[point.distance(site) for site in facilities.geometry] for point in points]
    )
    metres = straight * 1.2
    good = facilities["qualifies"].to_numpy()
    before = good & facilities["status"].isin(["existing", "extended", "outside"]).to_numpy()
    nearest = np.where(good, metres, np.inf).argmin(axis=1)
    best = metres[np.arange(len(points)), nearest]
    covered = best <= limit
    demand["nearest_facility_id"] = facilities["id"].to_numpy()[nearest]
    demand["nearest_network_m"] = best.round(1)
    demand["nearest_straight_m"] = np.where(good, straight, np.inf).min(axis=1).round(1)
    demand["standard_m"] = limit
    demand["covered"] = _truth(covered, duty)
    demand["covered_existing"] = _truth(np.where(before, metres, np.inf).min(axis=1) <= limit, duty)
    codes = ["no_candidate_in_reach", "off_network", "locked_out", "excluded", "over_limit",
             "not_chosen"]  # fmt: skip
    missing = duty & ~covered
    turn = np.cumsum(missing) // 10 % len(codes)
    demand["reason"] = np.where(missing, np.array(codes)[turn], "")
    demand.loc[demand["reason"] == "off_network", "nearest_network_m"] = np.nan
    demand.loc[demand["reason"] == "locked_out", "blocked_by"] = "site-9"
    within = (metres <= limit[:, None]) & good
    facilities["elders_within_standard"] = within.T @ demand["elders"].to_numpy()


def _truth(flags: np.ndarray, duty: np.ndarray) -> pd.Series:
    """Return flags where there is a duty, else missing."""
    values = [bool(f) if d else None for f, d in zip(flags, duty, strict=True)]
    return pd.Series(values, dtype="boolean")


def _units(zones: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return two planning units, one short of beds."""
    parts = {"u1": [0, 1, 3, 4], "u2": [2, 5]}
    return gpd.GeoDataFrame(
        {
            "id": list(parts),
            "elders": [float(zones["elders"].iloc[rows].sum()) for rows in parts.values()],
            "beds_required": [522, 95],
            "beds_existing": [140, 0],
            "beds_planned": [430, 0],
            "shortfall": [92, 95],
            "sites": [6, 0],
            "note": ["", ""],
        },
        geometry=[union_all(zones.geometry.iloc[rows]) for rows in parts.values()],
        crs=CRS,
    )


def _audit(units: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return findings of two states: beds by unit, places, distance by class."""
    rows = []
    for state in ("existing", "plan"):
        beds = "beds_existing" if state == "existing" else "beds_planned"
        for unit in units.itertuples():
            have, need = getattr(unit, beds), unit.beds_required
            verdict = "met" if have >= need else "unmet"
            rows.append((state, "HZ-01", "专栏1", "unit", unit.id, need, have, "beds", verdict, ""))
        rows.append((state, "HZ-02", "专栏1", "unit", "u1", 2, 2, "places", "met", ""))
        rows.append(
            (state, "HZ-02", "专栏1", "unit", "u2", 2, 0, "places", "unmet", "no_candidate")
        )
        share = 0.3 if state == "existing" else 0.84
        rows.append((state, "HZ-03", "专栏1", "all", "", 1.0, share, "share", "unmet", ""))
        rows.append((state, "HZ-04", "专栏1", "all", "", 1.0, share, "share", "unmet", ""))
    columns = ["state", "rule_id", "clause", "scope", "scope_id", "required", "measured", "unit",
               "verdict", "note"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).assign(legal_status="issued_plan", enforced=True)


def _density() -> pd.DataFrame:
    """Return elders by class under three areal supports."""
    return pd.DataFrame(
        {
            "support": ["zone", "window", "grid"],
            "elders_high": [13200.0, 12100.0, 14050.0],
            "elders_medium": [6300.0, 7000.0, 5600.0],
            "elders_low": [1350.0, 1750.0, 1200.0],
            "changed_share": [0.0, 0.074, 0.99996],
            "used": [True, False, False],
        }
    )


def _curve(facilities: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the coverage–cost curve of the changed sites."""
    changed = facilities.loc[facilities["added_beds"] > 0].sort_values("rank")
    count = len(changed)
    high = np.array([4200.0, 2600.0, 1500.0, 900.0, 300.0])[:count]
    medium = np.array([1200.0, 900.0, 700.0, 300.0, 100.0])[:count]
    return pd.DataFrame(
        {
            "rank": changed["rank"].astype(int).to_numpy(),
            "id": changed["id"].to_numpy(),
            "name": changed["name"].to_numpy(),
            "action": np.where(changed["status"] == "extended", "extend", "open"),
            "beds_added": changed["added_beds"].to_numpy(),
            "cost_wan_yuan": changed["cost_wan_yuan"].to_numpy(),
            "elders_added_high": high,
            "elders_added_medium": medium,
            "cumulative_cost_wan_yuan": changed["cost_wan_yuan"].cumsum().to_numpy(),
            "covered_share_high": 0.2 + high.cumsum() / 13200,
            "covered_share_medium": 0.3 + medium.cumsum() / 6300,
            "beds_total": 140 + changed["added_beds"].cumsum().to_numpy(),
            "beds_missing": 477 - changed["added_beds"].cumsum().to_numpy(),
        }
    )


def _roads() -> gpd.GeoDataFrame:
    """Return streets every 500 m."""
    ends = range(0, SIDE + 1, 5)
    across = [LineString([_point(0, r), _point(11, r + 0.4), _point(SIDE, r)]) for r in ends]
    along = [LineString([_point(c, 0), _point(c + 0.3, 16), _point(c, SIDE)]) for c in ends]
    return gpd.GeoDataFrame(geometry=across + along, crs=CRS)


def _service_areas(facilities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return one area per standard distance."""
    points = facilities.geometry[facilities["qualifies"]]
    areas = [union_all(points.buffer(distance / 1.2)) for distance in RADII.values()]
    return gpd.GeoDataFrame({"distance_m": list(RADII.values())}, geometry=areas, crs=CRS)


def _info(language: str, names: dict[str, Any]) -> dict[str, Any]:
    """Return what a title block says."""
    return {
        "name": names["scenario"],
        "language": language,
        "standard": "hangzhou-2021",
        "standard_name": names["standard"],
        "year": 2025,
        "date": "2026-11-20",
        "crs": CRS,
        "sources": names["sources"],
        "estimate": "road_length",
        "status": "gap",
        "distance": "network",
        "distance_high_m": 500.0,
        "distance_medium_m": 1000.0,
        "beds_by_unit": True,
        "atlas": {
            "paper": "A3",
            "title": None,
            "unit": None,
            "date": None,
            "approval": None,
            "wind_rose": [],
            "source_years": {},
            "dpi": 60,
        },
        "extent": {"area_km2": 9.0, "west": 120.1, "south": 30.2, "east": 120.2, "north": 30.3},
    }


def _stage(name: str, value: float, bound: float, gap: float, proof: str) -> dict[str, Any]:
    """Return what the record says of one stage."""
    skipped = proof == "skipped"
    return {"name": name, "value": value, "bound": bound, "gap": gap, "seconds": 0.4,
            "proof": "none" if skipped else proof, "skipped": skipped}  # fmt: skip


def _record(demand: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame, name: str) -> dict[str, Any]:
    """Return what ``run.json`` holds."""
    shares = {
        column: {
            grade: float(
                rows["elders"].to_numpy()
                @ rows[column].fillna(value=False).to_numpy(dtype=float)
                / rows["elders"].sum()
            )
            for grade, rows in demand.groupby("density_class")
            if grade != "low"
        }
        for column in ("covered_existing", "covered")
    }
    elders = demand.groupby("density_class")["elders"].sum().to_dict()
    return {
        "name": name,
        "standard": "hangzhou-2021",
        "year": 2025,
        "status": "gap",
        "estimate": "road_length",
        "stages": [
            _stage("uncovered_high", 900.0, 880.0, 0.0015, "search"),
            _stage("uncovered_medium", 1000.0, 1000.0, 0.0, "inspection"),
            _stage("missing_beds", 187.0, 187.0, 0.0, "inspection"),
            _stage("unmet_minima", 0.0, 0.0, 0.0, "skipped"),
            _stage("cost", 4680.0, 4661.0, 0.004, "search"),
            _stage("distance", 5.1e6, 5.1e6, 0.0, "search"),
        ],
        "elders": {"total": float(sum(elders.values()))} | elders,
        "coverage": {
            "existing": shares["covered_existing"],
            "plan": shares["covered"],
            "reachable": {"high": 0.97, "medium": 0.93},
        },
        "beds": {"required": 617, "existing": 140, "plan": 430, "shortfall": 187},
        "sites": {"existing": 4, "new": 4, "extended": 1, "upgraded": 0, "candidates": 12},
        "cost_wan_yuan": float(facilities["cost_wan_yuan"].sum()),
        "audit": {
            "existing": {"rules_met": 0, "rules_unmet": 4, "rules_unknown": 0, "met": 1,
                         "unmet": 5, "unknown": 0},
            "plan": {"rules_met": 0, "rules_unmet": 4, "rules_unknown": 0, "met": 1, "unmet": 5,
                     "unknown": 0},
        },
        "money": {"capital": 1380.0, "subsidy": 300.0, "net": 1080.0, "running": 216.0,
                  "subsidy_yearly": 8.0, "running_unknown": 3},
        "access": {
            state: {"nearest_mean_m": mean, "beds_per_1000": beds}
            for state, mean, beds in (("existing", 580.0, 6.5), ("plan", 400.0, 20.25))
        },
        "conflicts": _conflicts(),
        "settings": {
            "scenario": {"name": name, "crs": CRS, "access": {"catchment_m": 1000.0,
                         "walk_minutes": 5.0, "walk_m_per_min": 60.0},
                         "solve": {"gap": 0.005, "threads": 2},
                         "candidates": [{"path": "sites.csv", "min_beds": 10}],
                         "network": {"node_crossings": False}},
            "changes": [{"key": "solve.gap", "value": 0.005}],
            "rules": {"HZ-01": {"beds_per_10000": 310.0, "enforce": True}},
            "rules_changed": {"HZ-01": [{"key": "beds_per_10000", "standard": 300.0}]},
        },
        "inputs": [{"path": "小区.gpkg", "sha256": "0" * 64, "rows": 771, "dropped": 2}],
        "versions": {"siting": "0.1.0"},
        "seconds": 13.1,
        "peak_memory_mb": 240.0,
    }  # fmt: skip
