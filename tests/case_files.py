"""
One acceptance case as a planner would hand it in: real files, a scenario, a real run.

A case (`tests/cases/*.yaml`) gives small tables of elders, zones, units, roads, homes, candidates
and protected areas, in metres from a corner of the map, and says what the files of the result must
hold. Each variant of a case changes some rows or settings first:

- a table under `change:` replaces or adds the rows it names by id; only what is said changes;
- `drop:` takes rows out; `set:` changes settings of the scenario, with dotted keys;
- `layout:` has a hand-drawn layout judged; `audit: true` judges what stands; else a plan is made;
- `move: [east, north]` moves every layer, `reverse: true` turns the rows of every file round;
- `known_fault:` says what the program does not do yet; the test fails once it does.

Zones may say street, district and residents. Homes and candidates may say what they have
(`functions: [canteen]`) and what rules ask for; a column that is no role of the scenario is a fact.
`standard_rules:` is a standard of the case's own, rule id to kind and numbers.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from ruamel.yaml import YAML

import siting
from siting.inputs.layout import read_layout

CASES = Path(__file__).parent / "cases"
CRS = "EPSG:4549"
CORNER = (500_000.0, 3_350_000.0)  # inside the area of use of the CRS
SHAPES = {"zones": "zones.gpkg", "units": "units.gpkg", "protected": "protected.geojson"}
POINTS = {"elders": "elders.csv"}
CANDIDATES = "candidates{}.geojson"
HOME_ROLES = (
    "id", "name", "beds", "nursing_beds", "dementia_beds", "ownership", "kind", "registered",
    "max_beds", "fixed_cost", "cost_per_bed", "convert_cost_per_bed", "functions", "can_host",
)  # fmt: skip
CANDIDATE_ROLES = (
    "id", "min_beds", "max_beds", "fixed_cost", "cost_per_bed", "can_host", "reserved",
)  # fmt: skip
PLACED = {"x", "y", "line", "owner"}
QUIET = dict.fromkeys(("map", "tables", "geopackage", "sheet", "report"), False)
STATES = ("existing", "plan")


@dataclass(frozen=True)
class Result:
    """What one run wrote, as read back from its folder."""

    run: dict[str, Any]
    tables: dict[str, pd.DataFrame]

    def row(self, table: str, name: str) -> dict[str, str]:
        """Return the one row of a table with an id."""
        found = self.tables[table]
        rows = found[found["id"] == name]
        assert len(rows) == 1, f"{table}.csv: {len(rows)} rows {name}"
        return dict(rows.iloc[0])

    def finding(self, state: str, rule: str, place: str) -> dict[str, str]:
        """Return the one finding of a rule in one place and state."""
        found = self.tables["audit"]
        mine = (found["state"] == state) & (found["rule_id"] == rule) & (found["scope_id"] == place)
        assert mine.sum() == 1, f"audit.csv: {mine.sum()} rows {state} {rule} {place}"
        return dict(found[mine].iloc[0])

    def payments(self, key: str) -> list[dict[str, str]]:
        """Return what a facility is paid by a rule, or its own costs of an item: ``C PY-22``."""
        facility, name = key.split(" ")
        found = self.tables["money"]
        costs = (found["rule_id"] == "") & (found["item"] == name)
        mine = (found["facility_id"] == facility) & ((found["rule_id"] == name) | costs)
        return [dict(row) for _, row in found[mine].iterrows()]

    def figure(self, dotted: str) -> Any:
        """Return a figure of run.json."""
        here: Any = self.run
        for key in dotted.split("."):
            here = here[key]
        return here


def figures(record: dict[str, Any], *, without: tuple[str, ...] = ()) -> dict[str, float]:
    """Return every number of a record with its dotted key."""
    found: dict[str, float] = {}
    for key, value in record.items():
        rows = dict(enumerate(value)) if isinstance(value, list) else value
        if key in without:
            continue
        if isinstance(rows, dict):
            parts = figures({str(k): each for k, each in rows.items()}, without=without)
            found |= {f"{key}.{k}": each for k, each in parts.items()}
        elif isinstance(value, int | float):
            found[key] = float(value)
    return found


def read_case(path: Path) -> dict[str, Any]:
    """Return a case."""
    case: dict[str, Any] = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return case


def read_cases() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Return every variant of every case: what it is called, the case, the variant."""
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        case = read_case(path)
        found += [(f"{path.stem}: {each['name']}", case, each) for each in case["variants"]]
    return found


def run_case(case: dict[str, Any], variant: dict[str, Any], folder: Path) -> Result:
    """Write the files of a variant, run it, and read back what the run wrote."""
    done = plan_case(case["given"], variant, folder)
    return read_result(siting.write_plan(done, folder / "result"))


def plan_case(given: dict[str, Any], variant: dict[str, Any], folder: Path) -> siting.Plan:
    """Write the files of a variant, and plan it, or judge its layout or what stands."""
    scenario = write_case(changed(given, variant), variant, folder)
    read = siting.read_scenario(scenario, changes=variant.get("set", {}))
    if "layout" in variant:
        return siting.audit_layout(read, layout=read_layout(_write_layout(variant, folder)))
    return siting.audit_layout(read) if variant.get("audit") else siting.plan(read)


def read_result(folder: Path) -> Result:
    """Return a result folder as it stands on disk, every cell a text."""
    tables = {
        path.stem: pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        for path in sorted(folder.glob("*.csv"))
    }
    return Result(json.loads((folder / "run.json").read_text(encoding="utf-8")), tables)


def changed(given: dict[str, Any], variant: dict[str, Any]) -> dict[str, Any]:
    """Return the given tables with a variant's changes."""
    tables = copy.deepcopy(given)
    for table, rows in variant.get("change", {}).items():
        known = {row["id"]: row for row in tables.setdefault(table, [])}
        for row in rows:
            if row["id"] in known:
                known[row["id"]].update(row)
            else:
                tables[table].append(dict(row))
    for table, names in variant.get("drop", {}).items():
        assert set(names) <= {row["id"] for row in tables[table]}
        tables[table] = [row for row in tables[table] if row["id"] not in names]
    if variant.get("reverse"):
        tables = {k: each[::-1] if isinstance(each, list) else each for k, each in tables.items()}
    return tables


def write_case(given: dict[str, Any], variant: dict[str, Any], folder: Path) -> Path:
    """Write the tables as files of several formats, and a scenario that names them."""
    step = variant.get("move", (0.0, 0.0))
    corner = CORNER[0] + step[0], CORNER[1] + step[1]
    for table, name in SHAPES.items():
        if given.get(table):
            _write(given[table], [_box(row, corner) for row in given[table]], folder / name)
    for table, name in POINTS.items():
        if given.get(table):
            points = [shapely.Point(row["x"] + corner[0], row["y"] + corner[1])
                      for row in given[table]]  # fmt: skip
            _write(given[table], points, folder / name)
    for owner, own in by_owner(given.get("candidates", [])).items():
        points = [shapely.Point(row["x"] + corner[0], row["y"] + corner[1]) for row in own]
        _write(own, points, folder / CANDIDATES.format(owner))
    if given.get("homes"):
        rows = pd.DataFrame([_told(row) for row in given["homes"]])
        rows["x"], rows["y"] = rows["x"] + corner[0], rows["y"] + corner[1]
        rows.to_csv(folder / "homes.csv", index=False, encoding="gb18030")
    if given.get("roads"):
        lines = [shapely.LineString([(x + corner[0], y + corner[1]) for x, y in row["line"]])
                 for row in given["roads"]]  # fmt: skip
        _write(given["roads"], lines, folder / "roads.gpkg")
    if "standard_rules" in given:
        standard = json.dumps(_standard(given["standard_rules"]), ensure_ascii=False, indent=1)
        (folder / "standard.yaml").write_text(standard, encoding="utf-8")
    path = folder / "scenario.yaml"
    path.write_text(json.dumps(_settings(given), ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def by_owner(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the candidates of each owner; the key of those that name none is empty."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row.get("owner", ""), []).append(row)
    return found


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as a table holds it: several functions in one cell."""
    return {k: "、".join(each) if isinstance(each, list) else each for k, each in row.items()}


def _standard(rules: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return a standard from rule id to kind and numbers; what a rule does not say is plain."""
    both = {"zh": "案例", "en": "case"}
    plain = {"clause": "1", "legal_status": "issued_plan", "strength": "required", "tier": 1,
             "enforce": True, "summary": both, "reading": both}  # fmt: skip
    found = []
    for name, told in rules.items():
        said = {key: told[key] for key in told if key == "kind" or key in plain}
        numbers = {key: each for key, each in told.items() if key not in said}
        found.append({"id": name} | plain | said | {"values": {2021: numbers}})
    return {"id": "case", "name": both, "jurisdiction": both, "source": both, "rules": found}


def _box(row: dict[str, Any], corner: tuple[float, float]) -> shapely.Polygon:
    """Return the rectangle from `x: [west, east]` and `y: [south, north]`."""
    (west, east), (south, north) = row["x"], row["y"]
    return shapely.box(west + corner[0], south + corner[1], east + corner[0], north + corner[1])


def _write(rows: list[dict[str, Any]], shapes: list[Any], path: Path) -> None:
    """Write rows with their shapes; a table as CSV with coordinates."""
    plain = [_told({k: v for k, v in row.items() if k not in PLACED}) for row in rows]
    frame = gpd.GeoDataFrame(pd.DataFrame(plain), geometry=shapes, crs=CRS)
    if path.suffix == ".csv":
        table = pd.DataFrame(plain)
        table["东坐标"], table["北坐标"] = frame.geometry.x, frame.geometry.y
        table.to_csv(path, index=False, encoding="utf-8-sig")
        return
    frame.to_file(path, engine="pyogrio")


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    """Return the scenario of a case: its own settings over those that name the files."""
    settings: dict[str, Any] = {
        "name": "案例", "standard": "hangzhou-2021", "year": 2025, "crs": CRS,
        "demand": {"path": POINTS["elders"], "id": "id", "elders": "elders",
                   "x": "东坐标", "y": "北坐标", "crs": CRS},
        "solve": {"time_limit_s": 60, "gap": 0, "threads": 1}, "outputs": QUIET,
    }  # fmt: skip
    if given.get("zones"):
        columns = _columns(given["zones"], ("residents", "street", "district"))
        settings["zones"] = {"path": SHAPES["zones"], "id": "id", "elders": "elders"} | columns
        settings["units"] = {"by": "unit"} if "unit" in given["zones"][0] else None
    if given.get("units"):
        settings["units"] = {"path": SHAPES["units"], "id": "id"}
    if given.get("roads"):
        settings["network"] = {"path": "roads.gpkg"}
    if given.get("homes"):
        part = _columns(given["homes"], HOME_ROLES) | _facts(given["homes"], HOME_ROLES)
        settings["existing"] = {"path": "homes.csv", "x": "x", "y": "y", "crs": CRS} | part
    for owner, own in by_owner(given.get("candidates", [])).items():
        part = _columns(own, CANDIDATE_ROLES) | _facts(own, CANDIDATE_ROLES)
        part |= {"ownership": owner} if owner else {}
        source = {"path": CANDIDATES.format(owner)} | part
        settings["candidates"] = [*settings.get("candidates", []), source]
    if "standard_rules" in given:
        settings["standard"] = "standard.yaml"
    if given.get("protected"):
        settings["exclude"] = [{"path": SHAPES["protected"], "name": "保护地"}]
    return settings | given.get("scenario", {})


def _columns(rows: list[dict[str, Any]], roles: tuple[str, ...]) -> dict[str, str]:
    """Return role to column, of the roles that the rows tell of."""
    present = {each for row in rows for each in row}
    return {each: each for each in roles if each in present}


def _facts(rows: list[dict[str, Any]], roles: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Return fact to column, of the columns that are no role; without any, no facts."""
    names = sorted({each for row in rows for each in row} - set(roles) - PLACED)
    return {"facts": {each: each for each in names}} if names else {}


def _write_layout(variant: dict[str, Any], folder: Path) -> Path:
    """Write a hand-drawn layout as a planner would: a table of ids, beds and coordinates."""
    rows = pd.DataFrame(variant["layout"])
    if "x" in rows:
        rows["x"], rows["y"] = rows["x"] + CORNER[0], rows["y"] + CORNER[1]
    rows.to_csv(folder / "layout.csv", index=False)
    return folder / "layout.csv"
