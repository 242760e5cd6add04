"""The map window of a sheet: where it stands on the page and in the world, at a true scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from siting.outputs.frames import Frames

__all__ = ["DENOMINATORS", "Window", "choose_window", "extent", "inside"]

STEPS = (10, 15, 20, 25, 30, 40, 50, 60, 75)
DENOMINATORS = [step * 10**power for power in range(2, 6) for step in STEPS]
"""From 1:1,000; the first digits of a drawing scale, and 7.5, so that the map fills its frame."""
MARGIN_MM = 6.0


@dataclass(frozen=True)
class Window:
    """
    Where the map stands on the page and in the world.

    Attributes
    ----------
    left, low, width, height
        On the page, in millimetres.
    x, y
        World coordinates of the lower left corner, in metres.
    denominator
        Metres in the world per metre on the paper that is printed.
    enlargement
        Millimetres printed per millimetre of the page that is drawn on, which is always A3.
    """

    left: float
    low: float
    width: float
    height: float
    x: float
    y: float
    denominator: int
    enlargement: float = 1.0

    @property
    def per_mm(self) -> float:
        """Metres in the world per millimetre of the page that is drawn on."""
        return self.denominator * self.enlargement / 1000

    @property
    def metres(self) -> tuple[float, float, float, float]:
        """World bounds of the window: least x, least y, greatest x, greatest y."""
        far = (self.x + self.width * self.per_mm, self.y + self.height * self.per_mm)
        return (self.x, self.y, *far)

    def on_page(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return world coordinates, of shape (n, 2), as millimetres on the page."""
        corner, start = np.array([self.x, self.y]), np.array([self.left, self.low])
        page: NDArray[np.float64] = (points - corner) / self.per_mm + start
        return page


def choose_window(
    bounds: tuple[float, float, float, float],
    place: tuple[float, float, float, float],
    *,
    enlargement: float = 1.0,
) -> Window:
    """
    Return a window at the smallest denominator of the list that shows all of some bounds.

    Parameters
    ----------
    bounds
        Least x, least y, greatest x, greatest y in metres.
    place
        Left, low, width and height of the window on the page, in millimetres.
    enlargement
        Millimetres printed per millimetre of the page; the denominator is that of the print.
    """
    left, low, width, height = place
    x0, y0, x1, y1 = bounds
    room = (width - 2 * MARGIN_MM, height - 2 * MARGIN_MM)
    need = max((x1 - x0) / room[0], (y1 - y0) / room[1]) * 1000 / enlargement
    denominator = next((d for d in DENOMINATORS if d >= need), DENOMINATORS[-1])
    per_mm = denominator * enlargement / 1000
    x, y = (x0 + x1 - width * per_mm) / 2, (y0 + y1 - height * per_mm) / 2
    return Window(left, low, width, height, x, y, denominator, enlargement)


def extent(frames: Frames) -> tuple[float, float, float, float]:
    """Return the bounds of the study area, of the demand and of what is proposed."""
    changed = frames.facilities.geometry[frames.facilities["rank"].notna()]
    layers = [frames.demand.geometry, frames.units.geometry, changed]
    bounds = [layer.total_bounds for layer in layers if len(layer)]
    if frames.study_area is not None and not frames.study_area.is_empty:
        bounds.append(np.array(frames.study_area.bounds))
    stack = np.array([b for b in bounds if np.isfinite(b).all()]).reshape(-1, 4)
    if not len(stack):
        return (0.0, 0.0, 1000.0, 1000.0)
    (x0, y0), (x1, y1) = stack[:, :2].min(axis=0), stack[:, 2:].max(axis=0)
    return (float(x0), float(y0), float(x1), float(y1))


def inside(geometries: Iterable[Any] | None, window: Window) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return which geometries the window shows, as positions, and those geometries."""
    shapes = np.array([] if geometries is None else list(geometries), dtype=object)
    usable = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    usable &= shapely.intersects(shapes, shapely.box(*window.metres))
    rows = np.flatnonzero(usable)
    return rows, shapes[rows]
