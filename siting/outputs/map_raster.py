"""Which demand point stands in which pixel of a web map, and pictures made of that."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely
from rasterio.features import rasterize
from rasterio.transform import Affine
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from siting.outputs.frames import Frames

__all__ = ["Grid", "index_picture", "rasterise", "theme_picture"]

WORLD = "EPSG:4326"
MERCATOR = "EPSG:3857"
MOST_PIXELS = 1600
LEAST_PIXEL_M = 0.5


@dataclass(frozen=True)
class Grid:
    """Which demand point each pixel belongs to (row + 1, 0 for none), in Web Mercator."""

    index: np.ndarray
    left: float
    top: float
    pixel: float

    def corners(self) -> list[list[float]]:
        """Return the lower left and the upper right corner as latitude and longitude."""
        height, width = self.index.shape
        low, high = self.top - height * self.pixel, self.left + width * self.pixel
        ends = gpd.GeoSeries.from_xy([self.left, high], [low, self.top], crs=MERCATOR).to_crs(WORLD)
        return [[y, x] for x, y in zip(ends.x, ends.y, strict=True)]


def rasterise(frames: Frames) -> Grid | None:
    """Return the pixels of every demand point; one too small for a pixel still gets one."""
    shapes = _demand_areas(frames)
    if shapes.empty:
        return None
    shapes = shapes.to_crs(MERCATOR)
    left, low, right, top = shapes.total_bounds
    pixel = max((right - left) / MOST_PIXELS, (top - low) / MOST_PIXELS, LEAST_PIXEL_M)
    size = (max(1, math.ceil((top - low) / pixel)), max(1, math.ceil((right - left) / pixel)))
    index = rasterize(
        _features(shapes.to_numpy()),
        out_shape=size, transform=Affine(pixel, 0, left, 0, -pixel, top), dtype="int32",
    )  # fmt: skip
    lost = np.setdiff1d(np.arange(len(shapes)), index[index > 0] - 1)
    points = shapes.iloc[lost].representative_point()
    rows = np.clip(((top - points.y) / pixel).astype(int), 0, size[0] - 1)
    columns = np.clip(((points.x - left) / pixel).astype(int), 0, size[1] - 1)
    index[rows, columns] = lost + 1
    return Grid(index=index, left=float(left), top=float(top), pixel=float(pixel))


def _features(shapes: np.ndarray) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield each polygon and its row + 1; from all coordinates at once, as shapes are slow."""
    polygons, row = shapely.get_parts(shapes, return_index=True)
    _, places, (rings, firsts) = shapely.to_ragged_array(polygons)
    points, rings, firsts = places[:, :2].tolist(), rings.tolist(), firsts.tolist()
    for k, number in enumerate((row + 1).tolist()):
        own = range(firsts[k], firsts[k + 1])
        outline = [points[rings[each] : rings[each + 1]] for each in own]
        yield {"type": "Polygon", "coordinates": outline}, number


def _demand_areas(frames: Frames) -> gpd.GeoSeries:
    """Return a polygon for every demand point: its own, else a square half its spacing wide."""
    points = frames.demand.geometry
    own = gpd.GeoSeries(list(frames.demand_shapes), crs=points.crs)
    bare = (~own.geom_type.isin(["Polygon", "MultiPolygon"]) | own.is_empty).to_numpy()
    if not bare.any():
        return own
    places = np.unique(shapely.get_coordinates(points.to_numpy()), axis=0)
    half = 50.0
    if len(places) > 1:
        apart = np.asarray(cKDTree(places).query(places, k=2)[0])
        half = float(np.median(apart[:, 1])) / 2
    squares = shapely.buffer(points.to_numpy(), max(half, 1.0), cap_style="square")
    return gpd.GeoSeries(np.where(bare, squares, own.to_numpy()), crs=points.crs)


def theme_picture(theme: dict[str, Any], grid: Grid) -> str:
    """Return the picture of a theme, transparent where no demand point is."""
    palette = np.array([[0, 0, 0]] + [_rgb(entry["colour"]) for entry in theme["entries"]])
    codes = np.concatenate([[0], theme["codes"] + 1]).astype(np.uint8)
    return _png(codes[grid.index], palette=palette.astype(np.uint8))


def _rgb(colour: str) -> tuple[int, int, int]:
    """Return a colour such as ``#ff9f7f`` as three numbers up to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def index_picture(grid: Grid) -> str:
    """Return the pixels' demand points as a picture: red, green, blue are the digits."""
    digits = [grid.index >> 16 & 255, grid.index >> 8 & 255, grid.index & 255]
    return _png(np.stack(digits, axis=-1).astype(np.uint8))


def _png(pixels: np.ndarray, *, palette: np.ndarray | None = None) -> str:
    """Return a PNG as a data URI; with a palette, colour 0 is transparent."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        whole = kind + content
        return struct.pack(">I", len(content)) + whole + struct.pack(">I", zlib.crc32(whole))

    height, width = pixels.shape[:2]
    head = struct.pack(">IIBBBBB", width, height, 8, 2 if palette is None else 3, 0, 0, 0)
    lines = np.zeros((height, 1 + pixels[0].size), dtype=np.uint8)
    lines[:, 1:] = pixels.reshape(height, -1)
    parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", head)]
    if palette is not None:
        parts += [chunk(b"PLTE", palette.tobytes()), chunk(b"tRNS", b"\x00")]
    parts += [chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)), chunk(b"IEND", b"")]
    return "data:image/png;base64," + base64.b64encode(b"".join(parts)).decode("ascii")
