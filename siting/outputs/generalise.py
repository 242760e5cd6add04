"""Areas drawn with less detail than the data hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["BLOCK_M2", "fill_holes"]

BLOCK_M2 = 100_000.0
"""A block between roads: an area along roads leaves its middle out, but no one lives off a road."""


def fill_holes(shapes: Iterable[Any], *, least_m2: float = BLOCK_M2) -> NDArray[Any]:
    """
    Return areas without their holes smaller than ``least_m2`` (exclusive), for drawing only.

    What is missing or empty stays so.
    """
    return np.array([_filled(shape, least_m2) for shape in shapes], dtype=object)


def _filled(shape: Any, least_m2: float) -> Any:
    """Return one area without its small holes."""
    if shape is None or shape.is_empty:
        return shape
    parts = [
        shapely.Polygon(
            part.exterior,
            [ring for ring in part.interiors if shapely.Polygon(ring).area >= least_m2],
        )
        for part in shapely.get_parts(shape)
        if part.geom_type == "Polygon"
    ]
    return shapely.union_all(parts)
