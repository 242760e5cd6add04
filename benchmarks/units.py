"""Time building planning units: the core of Taipei, and two thousand invented zones."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from rows import keep, row
from scipy.spatial import Voronoi

import siting

ROOT = Path(__file__).parents[1]
ELDERS, SPREAD = 1600, 0.5  # of an invented zone: median, and how it varies (lognormal)


def main() -> None:
    """Build units of the real and of the invented zones and print how good they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "cases" / "taipei")
    parser.add_argument("--zones", type=int, default=2000)
    parser.add_argument("--json", type=Path, help="append the rows to this file, one a line")
    options = parser.parse_args()
    report("warm-up", invented(40, 1))
    villages = options.data / "villages_core.geojson"
    if villages.is_file():
        layer = gpd.read_file(villages).to_crs(3826)
        layer = layer.rename(columns={"V_ID": "code", "pop60plus": "elders", "TOWN": "district"})
        keep(options.json, report("Taipei core, by district", layer))
        whole = layer.drop(columns="district")
        keep(options.json, report("Taipei core, as one district", whole))
    else:
        print(f"no data at {options.data.name}: the real case is not measured")
        for work in ("Taipei core, by district", "Taipei core, as one district"):
            keep(options.json, row("units", work, "279 zones", None, note="no data"))
    for work, districts in (("invented, 10 districts", 10), ("invented, one district", 1)):
        keep(options.json, report(work, invented(options.zones, districts)))


def report(name: str, layer: gpd.GeoDataFrame) -> dict[str, object]:
    """Build units, print time, share in the band, deviation, bound and methods; return the row."""
    begun = time.perf_counter()
    district = "district" if "district" in layer else None
    built = siting.build_units(layer, code="code", elders="elders", district=district)
    seconds = time.perf_counter() - begun
    whole = sum(
        shapely.union_all(np.asarray(layer.geometry)[built.of_row == k], grid_size=0.1).geom_type
        == "Polygon"
        for k in range(len(built.id))
    )
    methods = [each.method for each in built.districts]
    counts = ", ".join(f"{each} {methods.count(each)}" for each in dict.fromkeys(methods))
    elders = built.elders.sum()
    print(
        f"{name}: {len(layer)} zones, {elders:,.0f} elders, {len(built.id)} units ({whole} whole), "
        f"{built.in_band_share:.1%} in the band, {seconds:.1f} s\n"
        f"  deviation {built.deviation:,.0f} ({built.deviation / elders:.2%} of elders), "
        f"bound {built.bound:,.0f} ({built.bound / elders:.2%}); {counts}"
    )
    note = (
        f"{len(built.id)} units, {built.in_band_share:.1%} in the band; deviation "
        f"{built.deviation / elders:.2%} of elders, bound {built.bound / elders:.2%}"
    )
    return row("units", name, f"{len(layer):,} zones, {elders:,.0f} elders", seconds, note=note)


def invented(n: int, districts: int) -> gpd.GeoDataFrame:
    """Return zones around random points of a square, in districts from west to east."""
    rng = np.random.default_rng(1)
    side = 500 * np.sqrt(n)
    xy = rng.uniform(0, side, (n, 2))
    x, y = xy.T
    mirrored = ((-x, y), (2 * side - x, y), (x, -y), (x, 2 * side - y))
    cells = Voronoi(np.vstack([xy, *(np.column_stack(each) for each in mirrored)]))
    shapes = [
        shapely.Polygon(cells.vertices[cells.regions[cells.point_region[k]]] + [5e5, 3.35e6])
        for k in range(n)
    ]
    table = {
        "code": [f"z{k:05d}" for k in range(n)],
        "elders": np.round(rng.lognormal(np.log(ELDERS), SPREAD, n)),
        "district": [f"d{int(each * districts / side)}" for each in x],
    }
    return gpd.GeoDataFrame(table, geometry=shapes, crs=4549)


if __name__ == "__main__":
    main()
