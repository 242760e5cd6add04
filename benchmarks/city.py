"""Time the whole command on an invented city: 250,000 points, 600,000 road nodes, 235 units."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import Voronoi, cKDTree

CRS = 4549
CORNER = np.array([5e5, 3.35e6])
CELL_M = 100.0
ELDERS_PER_CELL = 9.4
"""Of the whole city: 2,350,000 elders at 250,000 cells, 235 units of 10,000."""

FUNCTIONS = {
    "care_centre": (120, 300), "memory_home": (150, 400), "consortium": (40, 100),
    "canteen": (60, 200), "home_care_centre": (80, 300), "device_point": (15, 50),
    "family_centre": (20, 50), "adviser_point": (5, 20), "memory_zone": (30, 150),
}  # fmt: skip
ENFORCED = ("HZ-15a", "HZ-15c", "HZ-15d", "HZ-15e", "HZ-15f", "HZ-15g", "HZ-15h", "HZ-21")


def main() -> None:
    """Make the city, run the command, print time, memory and what each stage reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, nargs="+", default=[1.0], help="share of the area")
    parser.add_argument(
        "--finer", type=int, nargs="+", default=[1], help="cells to each side of a cell of 100 m"
    )
    parser.add_argument("--keep", type=Path, help="folder to keep files and results in")
    parser.add_argument("--json", type=Path, help="append the rows of the table to this file")
    options = parser.parse_args()
    for share, finer in product(options.share, options.finer):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(options.keep or folder) / f"city-{share:g}-{finer}"
            measure(place, share, finer, options)


def measure(folder: Path, share: float, finer: int, options: argparse.Namespace) -> None:
    """Run one city and print what it took."""
    table, fixed = options.json, len(options.finer) > 1
    if not (folder / "city.yaml").is_file():
        make_city(folder, share, finer)
    begun = time.perf_counter()
    command = [
        sys.executable, "-m", "siting", "run", str(folder / "city.yaml"), "--out",
        str(folder / "result"), "--quiet",
    ]  # fmt: skip
    subprocess.run(command, check=True)  # noqa: S603
    seconds = time.perf_counter() - begun
    record = json.loads((folder / "result" / "run.json").read_text(encoding="utf-8"))
    size = (
        f"{int(250_000 * share) * finer**2:,} points, {int(600_000 * share):,} nodes, "
        f"{int(10_000 * share):,} candidates"
    )
    print(
        f"{size}: {seconds:.0f} s, {record['peak_memory_mb'] / 1024:.2f} GB, "
        f"status {record['status']}"
    )
    for stage in record["stages"]:
        print(
            f"  {stage['name']:<18} value {stage['value']:>16.2f}  bound {stage['bound']:>16.2f}  "
            f"gap {stage['gap']:.2e}  {stage['seconds']:.1f} s  {stage['proof']}"
        )
    if table is not None:
        worst = max(stage["gap"] for stage in record["stages"])
        row = {
            "table": "city, growth of points" if fixed else "city, growth",
            "work": "whole command, Hangzhou rules with mix", "size": size,
            "ours": seconds, "peer": "none", "theirs": None, "ratio": None, "unit": "s",
            "memory_gb": record["peak_memory_mb"] / 1024, "note": f"worst gap {worst:.1e}",
        }  # fmt: skip
        with table.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def make_city(folder: Path, share: float, finer: int) -> None:
    """Write the files of a city of a share of the full area, each cell cut up into finer ones."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20211)
    side = round(500 * np.sqrt(share))
    cells = pd.DataFrame({"elders": _elders(side, rng).ravel()})
    column, row = np.meshgrid(np.arange(side), np.arange(side))
    xy = (np.column_stack([column.ravel(), row.ravel()]) + 0.5) * CELL_M + CORNER
    cells["id"], cells["x"], cells["y"] = np.arange(len(cells)), *xy.T
    _cut_up(cells[cells["elders"] > 0], finer).to_csv(folder / "elders.csv", index=False)
    zones = _zones(xy, cells["elders"].to_numpy(), side * CELL_M, rng)
    zones.to_file(folder / "zones.gpkg", driver="GPKG")
    _roads(side, rng).to_file(folder / "roads.gpkg", driver="GPKG")
    likely = np.sqrt(cells["elders"].to_numpy())
    chosen = rng.choice(len(cells), int(10_350 * share), replace=False, p=likely / likely.sum())
    spots = xy[chosen] + rng.uniform(-40, 40, (len(chosen), 2))
    _sites(spots, int(350 * share), rng, folder)
    content = json.dumps(_scenario(), ensure_ascii=False, indent=1)  # JSON is YAML
    (folder / "city.yaml").write_text(content, encoding="utf-8")


def _cut_up(cells: pd.DataFrame, finer: int) -> pd.DataFrame:
    """Return each cell as so many to a side, its elders shared equally."""
    if finer == 1:
        return cells
    step = (np.arange(finer) + 0.5) / finer - 0.5
    across, up = (each.ravel() * CELL_M for each in np.meshgrid(step, step))
    many = cells.loc[cells.index.repeat(finer**2)].reset_index(drop=True)
    many["x"] += np.tile(across, len(cells))
    many["y"] += np.tile(up, len(cells))
    many["elders"] /= finer**2
    many["id"] = np.arange(len(many))
    return many


def _elders(side: int, rng: np.random.Generator) -> np.ndarray:
    """Return elders of each cell: a dozen centres of different weight on thin country."""
    y, x = np.mgrid[0:side, 0:side] / side
    total = np.full((side, side), 0.08)
    for weight in (6.0, 2.5, 2.0, *rng.uniform(0.4, 1.2, 9)):
        cx, cy = rng.uniform(0.15, 0.85, 2)
        spread = 0.035 + 0.05 * np.sqrt(weight / 6.0)
        total += weight * np.exp(-np.hypot(x - cx, y - cy) / spread)
    total *= rng.lognormal(0.0, 0.6, total.shape)
    return np.round(total * ELDERS_PER_CELL * total.size / total.sum(), 2)


def _zones(
    xy: np.ndarray, elders: np.ndarray, side: float, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Return communities of about 1,000 elders, in streets and in districts from west to east."""
    n = max(int(elders.sum() / 1000), 12)
    picked = rng.choice(len(xy), n, replace=False, p=elders / elders.sum())
    seeds = xy[picked] - CORNER + rng.uniform(-30, 30, (n, 2))
    x, y = seeds.T
    mirrored = ((-x, y), (2 * side - x, y), (x, -y), (x, 2 * side - y))
    cells = Voronoi(np.vstack([seeds, *(np.column_stack(each) for each in mirrored)]))
    shapes = [
        shapely.Polygon(cells.vertices[cells.regions[cells.point_region[k]]] + CORNER)
        for k in range(n)
    ]
    zone = cKDTree(seeds + CORNER).query(xy)[1]
    held = np.bincount(zone, weights=elders, minlength=n)
    streets = rng.choice(n, max(n // 12, 4), replace=False)
    street = cKDTree(seeds[streets]).query(seeds)[1]
    edges = np.quantile(x, np.linspace(0, 1, 14)[1:-1])
    district = np.digitize(x[streets], edges)[street]
    return gpd.GeoDataFrame(
        {
            "code": [f"z{k:05d}" for k in range(n)],
            "elders": np.round(held, 2),
            "residents": np.round(held * rng.uniform(3.0, 6.0, n)),
            "street": [f"街道{k:03d}街道" for k in street],
            "district": [f"区{k:02d}" for k in district],
        },
        geometry=shapes, crs=CRS,
    )  # fmt: skip


def _roads(side: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return streets of eight edges along a shifted lattice, a sixth of them missing."""
    n = round(side * 775 / 500)
    step = side * CELL_M / n
    nodes = np.stack(np.meshgrid(np.arange(n), np.arange(n)), axis=-1) * step + step / 2
    nodes = nodes + rng.uniform(-0.3, 0.3, nodes.shape) * step + CORNER
    lines = []
    for lattice in (nodes, nodes.transpose(1, 0, 2)):
        for line in lattice:
            firsts = [first for first in range(0, n - 1, 8) if rng.uniform() > 1 / 6]
            lines += [shapely.LineString(line[first : first + 9]) for first in firsts]
    return gpd.GeoDataFrame({"kind": ["road"] * len(lines)}, geometry=lines, crs=CRS)


def _sites(spots: np.ndarray, n_homes: int, rng: np.random.Generator, folder: Path) -> None:
    """Write homes and candidates."""
    homes = pd.DataFrame(spots[:n_homes], columns=["x", "y"])
    homes["id"] = [f"h{k}" for k in range(len(homes))]
    homes["beds"] = np.round(rng.lognormal(4.2, 0.6, len(homes))).astype(int) + 10
    homes["nursing"] = (homes["beds"] * rng.uniform(0.3, 0.8, len(homes))).astype(int)
    homes["dementia"] = (homes["nursing"] * rng.uniform(0, 0.2, len(homes))).astype(int)
    homes["owner"] = rng.choice(["公办", "公建民营", "民办"], len(homes))
    homes["max_beds"] = homes["beds"] + rng.choice([0, 0, 20, 60], len(homes))
    homes["convert"] = 2.0
    homes.to_csv(folder / "homes.csv", index=False)
    sites = pd.DataFrame(spots[n_homes:], columns=["x", "y"])
    sites["id"] = [f"c{k}" for k in range(len(sites))]
    sites["max_beds"] = rng.choice([30, 60, 100, 150, 200, 300], len(sites))
    sites["fixed_cost"] = np.round(rng.uniform(150, 700, len(sites)))
    sites["cost_per_bed"] = np.round(rng.uniform(8, 18, len(sites)), 1)
    sites.to_csv(folder / "candidates.csv", index=False)


def _scenario() -> dict[str, object]:
    """Return the scenario: the whole Hangzhou standard, with mix and functions."""
    at = {"x": "x", "y": "y", "crs": f"EPSG:{CRS}"}
    functions = {name: {"cost": cost, "area_m2": area} for name, (cost, area) in FUNCTIONS.items()}
    return {
        "name": "虚构城市", "standard": "hangzhou-2021", "year": 2025, "crs": f"EPSG:{CRS}",
        "demand": {"path": "elders.csv", "id": "id", "elders": "elders", **at},
        "zones": {
            "path": "zones.gpkg", "id": "code", "name": "code", "elders": "elders",
            "residents": "residents", "street": "street", "district": "district",
        },
        "network": {"path": "roads.gpkg", "max_snap_m": 500},
        "existing": {
            "path": "homes.csv", "id": "id", "beds": "beds", "nursing_beds": "nursing",
            "dementia_beds": "dementia", "ownership": "owner", "max_beds": "max_beds",
            "fixed_cost": 50, "cost_per_bed": 9, "convert_cost_per_bed": "convert", **at,
        },
        "candidates": [{
            "path": "candidates.csv", "id": "id", "min_beds": 10, "max_beds": "max_beds",
            "fixed_cost": "fixed_cost", "cost_per_bed": "cost_per_bed", **at,
        }],
        "units": {"build": {"elders": 10000}},
        "circles": {"by": "street"},
        "functions": functions,
        "mix": {
            "nursing_cost_per_bed": 1.5, "dementia_cost_per_bed": 3, "most_nursing_share": 0.9,
            "most_dementia_share": 0.5,
        },
        "rules": {name: {"enforce": True} for name in ENFORCED},
        "solve": {"time_limit_s": 300, "gap": 0.005, "threads": 2, "random_seed": 0},
    }  # fmt: skip


if __name__ == "__main__":
    main()
