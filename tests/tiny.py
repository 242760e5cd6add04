"""
A county of three square kilometres, written as a planner would hand it in: text files only.

Three communities stand side by side, each 1 km wide and high, from the corner (0, 0) on: Z1 with
4000 elders (high density), Z2 with 2000 (medium), Z3 with 500 (low). Each has 25 demand points,
200 m apart, and a road runs through every row and column of points. Home H1 stands in Z1 and may
grow; H2 in Z2 is too small to count; H3 in Z3 is a canteen. Candidates C1 to C4 stand on the roads.

A run without map and sheet takes a few tenths of a second.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
from pyproj import Transformer
from ruamel.yaml import YAML

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CRS = "EPSG:4549"
CORNER = (500_000.0, 3_350_000.0)
ELDERS = {"Z1": 160, "Z2": 80, "Z3": 20}
STREETS = {"Z1": "东街", "Z2": "东街", "Z3": "西街"}
STEP, SIDE, DEEP = 200, 1000, 5
SCENARIO = f"""\
name: 小县
language: zh
standard: hangzhou-2021
year: 2025
crs: {CRS}
distance: network

demand:
  path: elders.csv
  id: id
  elders: elders
  x: x
  y: y
  crs: {CRS}

zones:
  path: zones.geojson
  id: id
  name: name
  elders: elders
  street: street

network:
  path: roads.geojson
  max_snap_m: 300

existing:
  path: homes.csv
  id: 编号
  name: 名称
  beds: 床位
  kind: 类型
  registered: 已备案
  max_beds: 最多床位
  fixed_cost: 固定费用
  cost_per_bed: 每床费用
  x: 经度
  y: 纬度
  crs: EPSG:4490

candidates:
  - path: candidates.csv
    id: id
    name: name
    min_beds: min_beds
    max_beds: max_beds
    fixed_cost: fixed_cost
    cost_per_bed: cost_per_bed
    x: x
    y: y
    crs: {CRS}

units: {{by: street}}
exclude: []
limits: {{}}
locks: {{open: [], forbid: [], beds: {{}}}}
rules: {{}}
solve: {{time_limit_s: 60, gap: 0.0, threads: 1, random_seed: 0}}
outputs: {{map: false, tables: false, geopackage: false, sheet: false, report: false}}
"""


def write_tiny(folder: Path, **settings: Any) -> Path:
    """
    Write the county and return its scenario file.

    Parameters
    ----------
    folder
        Created if missing.
    **settings
        Changes of the scenario, written into the file; a dotted key as ``solve__gap=0.1``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    elders().to_csv(folder / "elders.csv", index=False)
    homes().to_csv(folder / "homes.csv", index=False, encoding="gb18030")
    candidates().to_csv(folder / "candidates.csv", index=False)
    write_geojson(folder / "zones.geojson", zones())
    write_geojson(folder / "roads.geojson", roads())
    path = folder / "scenario.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    if settings:
        change_scenario(path, {key.replace("__", "."): value for key, value in settings.items()})
    return path


def change_scenario(path: Path, settings: dict[str, Any]) -> None:
    """Write dotted keys and values into a scenario file; a value of `...` takes the key out."""
    yaml = YAML()
    tree = yaml.load(path.read_text(encoding="utf-8"))
    for dotted, value in settings.items():
        *parents, last = dotted.split(".")
        here = tree
        for key in parents:
            here = here[int(key)] if isinstance(here, list) else here.setdefault(key, {})
        place = int(last) if isinstance(here, list) else last
        if value is ...:
            del here[place]
        else:
            here[place] = value
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(tree, file)


def change_table(path: Path, change: Callable[[pd.DataFrame], object]) -> None:
    """Read a table of the county, let a function change it in place, and write it back."""
    encoding = "gb18030" if path.name == "homes.csv" else "utf-8"
    table = pd.read_csv(path, dtype=object, encoding=encoding)
    change(table)
    table.to_csv(path, index=False, encoding=encoding)


def change_geojson(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Read a layer of the county, let a function change it in place, and write it back."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def elders() -> pd.DataFrame:
    """Return the demand points, 25 in every community, row by row from the south-west."""
    rows = [
        {"id": f"{zone}-{i}-{j}", "elders": number,
         "x": CORNER[0] + SIDE * k + STEP * i + STEP / 2, "y": CORNER[1] + STEP * j + STEP / 2}
        for k, (zone, number) in enumerate(ELDERS.items())
        for i in range(DEEP) for j in range(DEEP)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def zones() -> list[dict[str, Any]]:
    """Return the communities as GeoJSON features."""
    found = []
    for k, (zone, number) in enumerate(ELDERS.items()):
        west, south = CORNER[0] + SIDE * k, CORNER[1]
        east, north = west + SIDE, south + SIDE
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        about = {"id": zone, "name": f"{zone}社区", "elders": number * DEEP**2,
                 "street": STREETS[zone]}  # fmt: skip
        found.append(feature("Polygon", [ring], about))
    return found


def roads() -> list[dict[str, Any]]:
    """Return a road through every row and every column of demand points."""
    wide = DEEP * len(ELDERS)
    east = [CORNER[0] + STEP * i + STEP / 2 for i in range(wide)]
    north = [CORNER[1] + STEP * j + STEP / 2 for j in range(DEEP)]
    lines = [[[x, y] for x in east] for y in north] + [[[x, y] for y in north] for x in east]
    return [feature("LineString", line, {"name": f"R{n}"}) for n, line in enumerate(lines)]


def homes() -> pd.DataFrame:
    """Return the homes, in degrees, with Chinese headings."""
    rows = [
        ("H1", "中心养老院", 60, "养老机构", "是", "120", "50", "8", 500, 500),
        ("H2", "小院", 8, "养老机构", "是", "", "", "", 1500, 500),
        ("H3", "食堂", 30, "老年食堂", "是", "", "", "", 2500, 500),
    ]
    heads = ["编号", "名称", "床位", "类型", "已备案", "最多床位", "固定费用", "每床费用"]
    table = pd.DataFrame([row[:8] for row in rows], columns=heads)
    to_degrees = Transformer.from_crs(CRS, "EPSG:4490", always_xy=True)
    xs, ys = [row[8] + CORNER[0] for row in rows], [row[9] + CORNER[1] for row in rows]
    lon, lat = to_degrees.transform(xs, ys)
    table["经度"], table["纬度"] = [f"{x:.9f}" for x in lon], [f"{y:.9f}" for y in lat]
    return table


def candidates() -> pd.DataFrame:
    """Return the candidates."""
    rows = [("C1", 300, 300), ("C2", 900, 900), ("C3", 1700, 300), ("C4", 2300, 700)]
    return pd.DataFrame(
        [
            {"id": name, "name": f"地块{name}", "min_beds": 10, "max_beds": 100,
             "fixed_cost": 100 + 10 * n, "cost_per_bed": 10,
             "x": CORNER[0] + x, "y": CORNER[1] + y}
            for n, (name, x, y) in enumerate(rows)
        ]
    )  # fmt: skip


def feature(kind: str, coordinates: Any, about: dict[str, Any]) -> dict[str, Any]:
    """Return one GeoJSON feature."""
    return {"type": "Feature", "properties": about,
            "geometry": {"type": kind, "coordinates": coordinates}}  # fmt: skip


def write_geojson(path: Path, features: list[dict[str, Any]], crs: str | None = CRS) -> None:
    """Write features with the system that the file names; None: it names none."""
    content: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    if crs is not None:
        name = f"urn:ogc:def:crs:EPSG::{crs.removeprefix('EPSG:')}"
        content["crs"] = {"type": "name", "properties": {"name": name}}
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
