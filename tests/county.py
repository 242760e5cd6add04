"""A made-up county of a few hundred demand points, for relations that must hold at real size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import case_files
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    import siting

SIDE_M = 700.0
COLUMNS, ROWS = 6, 4
POINTS_PER_ZONE = 12
STEP_M = 175.0
DENSITIES = (4200.0, 1700.0, 500.0, 3300.0)


def make_county(seed: int) -> dict[str, Any]:
    """Return the tables of a county; every cost and place is its own, so plans have no ties."""
    rng = np.random.default_rng(seed)
    zones, elders = _zones_and_elders(rng)
    width, height = COLUMNS * SIDE_M, ROWS * SIDE_M
    spots = np.round(rng.uniform(60, (width - 60, height - 60), (46, 2)), 2).tolist()
    beds = (40, 25, 8, 60, 30, 12)
    homes = [
        {"id": f"h{k}", "x": x, "y": y, "beds": beds[k], "max_beds": beds[k] + 20 * (k % 3),
         "fixed_cost": 31.3 + 7 * k, "cost_per_bed": 6.1 + 0.7 * k}
        for k, (x, y) in enumerate(spots[:6])
    ]  # fmt: skip
    prices = rng.permutation(40)
    candidates = [
        {"id": f"c{k:02}", "x": x, "y": y, "min_beds": 10, "max_beds": int(rng.integers(40, 160)),
         "fixed_cost": round(float(rng.uniform(150, 500)), 1),
         "cost_per_bed": round(9.3 + 0.13 * float(prices[k]), 2)}
        for k, (x, y) in enumerate(spots[6:])
    ]  # fmt: skip
    return {"zones": zones, "elders": elders, "roads": _roads(rng, width, height), "homes": homes,
            "candidates": candidates}  # fmt: skip


def _zones_and_elders(rng: np.random.Generator) -> tuple[list[Any], list[Any]]:
    """Return square zones of several densities in four units, and the points inside them."""
    zones, elders = [], []
    for k in range(COLUMNS * ROWS):
        west, south = (k % COLUMNS) * SIDE_M, (k // COLUMNS) * SIDE_M
        total = round(DENSITIES[rng.integers(len(DENSITIES))] * SIDE_M**2 / 1e6)
        shares = rng.dirichlet(np.full(POINTS_PER_ZONE, 4.0))
        places = np.round(rng.uniform(15, SIDE_M - 15, (POINTS_PER_ZONE, 2)), 2)
        unit = f"u{2 * (k // COLUMNS // 2) + (k % COLUMNS) // 3}"
        zones.append({"id": f"z{k:02}", "unit": unit, "elders": total,
                      "x": [west, west + SIDE_M], "y": [south, south + SIDE_M]})  # fmt: skip
        for n, (share, (x, y)) in enumerate(zip(shares, places.tolist(), strict=True)):
            elders.append({"id": f"e{k:02}-{n:02}", "x": west + x, "y": south + y,
                           "elders": round(total * float(share), 3)})  # fmt: skip
    return zones, elders


def _roads(rng: np.random.Generator, width: float, height: float) -> list[dict[str, Any]]:
    """Return a crooked grid of streets with gaps."""
    nodes = {}
    for i in range(int(width / STEP_M) + 1):
        for j in range(int(height / STEP_M) + 1):
            x, y = (np.array([i, j]) * STEP_M + rng.uniform(-45, 45, 2)).round(2).tolist()
            nodes[i, j] = [x, y]
    roads = []
    for (i, j), here in nodes.items():
        for other in ((i + 1, j), (i, j + 1)):
            if other in nodes and rng.random() > 0.12:
                roads.append({"id": f"r{len(roads):03}", "line": [here, nodes[other]]})
    return roads


def plan_county(given: dict[str, Any], folder: Path, **variant: Any) -> siting.Plan:
    """Return the proven plan of a county after a variant's changes (as in `case_files`)."""
    folder.mkdir(parents=True, exist_ok=True)
    done = case_files.plan_case(given, variant, folder)
    assert done.record["status"] == "optimal"
    return done
