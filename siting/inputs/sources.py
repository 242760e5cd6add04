"""A planner's layers and tables as checked tables in the working system."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from rasterio.errors import RasterioError

from siting.errors import CrsError, EmptyInputError, Fault, InputError
from siting.inputs.layers import (
    as_working_crs,
    project_points,
    read_crs,
    read_layer,
    read_table,
    require_columns,
    require_file,
    working_crs,
)  # fmt: skip
from siting.tables import DataCheck, ids, labels, numbers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from siting.scenario import Scenario

__all__ = ["Source", "read_polygons", "read_raster", "read_source", "sha256"]

TABLES = frozenset({".csv", ".txt", ".xlsx", ".xlsm"})
RASTERS = frozenset({".tif", ".tiff"})


@dataclass(frozen=True)
class Source:
    """
    One input as read: rows in the working system, their ids and where they stand in the file.

    Attributes
    ----------
    key
        Place in the scenario, for instance ``candidates.0``.
    name
        File name.
    path
        Path as the scenario says it.
    frame
        Rows with geometry in the working system.
    ids
        Id of each row.
    first_row
        Number of the first row in the file, as its program counts.
    sha256
        Hash of the file.
    """

    key: str
    name: str
    path: str
    frame: GeoDataFrame
    ids: NDArray[np.object_]
    first_row: int
    sha256: str
    values: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def numbers(
        self, column: str, *, whole: bool = False, missing: float | None = None
    ) -> NDArray[np.float64]:
        """Return a column as numbers of at least 0, as ``siting.tables.numbers`` does."""
        return numbers(
            self.frame, column, where=self.name, ids=self.ids, first_row=self.first_row,
            whole=whole, missing=missing,
        )  # fmt: skip

    def texts(self, column: str | None) -> NDArray[np.object_]:
        """Return a column as text, empty where a cell is empty or no column is named."""
        if column is None:
            return np.full(len(self.frame), "", dtype=object)
        raw = self.frame[column]
        return np.where(raw.isna(), "", raw.astype(str).str.strip()).astype(object)

    def labels(self, rows: Sequence[int] | NDArray[Any]) -> tuple[str, ...]:
        """Return ``id (file row)`` of some rows."""
        return labels(self.ids, np.asarray(rows), self.first_row)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    if path.is_dir():
        digest = hashlib.sha256()
        for part in sorted(item for item in path.rglob("*") if item.is_file()):
            digest.update(part.read_bytes())
        return digest.hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_source(
    scenario: Scenario, part: Any, key: str, *, columns: dict[str, str | None], check: DataCheck
) -> Source:
    """
    Return a layer or table of the scenario in the working system, with its ids.

    Parameters
    ----------
    scenario
        Names the working system and the data folder.
    part
        Piece of the scenario with ``path, layer, id, x, y, crs``.
    key
        Its place in the scenario.
    columns
        Scenario key to column; each named column must be there.
    check
        Takes the warnings.
    """
    path = require_file(scenario.locate(part.path), f"{key}.path")
    is_table = path.suffix.lower() in TABLES
    frame: Any = (
        read_table(path, sheet=part.layer) if is_table else read_layer(path, layer=part.layer)
    )
    x, y = getattr(part, "x", None), getattr(part, "y", None)
    if is_table:
        columns = columns | {"x": x, "y": y}
        missing = [name for name, column in (("x", x), ("y", y)) if column is None]
        if missing:
            raise InputError.of("table_needs_xy", path.name, key=f"{key}.{missing[0]}")
    require_columns(frame, columns, where=path.name)
    first_row = 2 if is_table else 1
    names = ids(frame, columns.get("id"), where=path.name, stem=path.stem, first_row=first_row)
    if is_table:
        frame = _located(frame, x, y, part.crs, scenario, path.name, names)
    else:
        _refuse_empty_geometry(frame, path.name, names)
        frame = as_working_crs(frame, scenario.crs, where=path.name, declared=part.crs, check=check)
    return Source(key, path.name, part.path, frame, names, first_row, sha256(path))


def _located(
    table: pd.DataFrame, x: str, y: str, crs: str | None, scenario: Scenario, where: str,
    names: NDArray[np.object_],
) -> GeoDataFrame:  # fmt: skip
    """Return a table with points from its coordinate columns, in the working system."""
    if crs is None:
        raise CrsError.of("crs_missing", where)
    where_from = {"where": where, "ids": names, "first_row": 2}
    xs, ys = (numbers(table, column, low=None, **where_from) for column in (x, y))  # type: ignore[arg-type]
    target = working_crs(scenario.crs)
    points = project_points(xs, ys, crs=read_crs(crs, where=where), target=target, where=where)
    return gpd.GeoDataFrame(table.reset_index(drop=True), geometry=points, crs=target)


def _refuse_empty_geometry(frame: GeoDataFrame, where: str, names: NDArray[np.object_]) -> None:
    """Refuse rows without a shape, or with a broken one."""
    empty = np.flatnonzero((frame.geometry.isna() | frame.geometry.is_empty).to_numpy())
    faults = []
    if len(empty):
        faults.append(Fault("empty_geometry", where, {}, labels(names, empty, 1)))
    broken = np.flatnonzero(~frame.geometry.is_valid.to_numpy())
    broken = np.setdiff1d(broken, empty)
    if len(broken):
        reason = shapely.is_valid_reason(frame.geometry.iloc[broken[0]])
        faults.append(Fault("broken_geometry", where, {"found": reason}, labels(names, broken, 1)))
    if faults:
        raise InputError(*faults)


def read_polygons(
    scenario: Scenario, part: Any, key: str, *, columns: dict[str, str | None], check: DataCheck
) -> Source:
    """Return a layer of polygons, as ``read_source``; other shapes are refused."""
    source = read_source(scenario, part, key, columns=columns, check=check)
    kind = source.frame.geom_type.isin(["Polygon", "MultiPolygon"]).to_numpy()
    if not kind.all():
        rows = np.flatnonzero(~kind)
        found = ", ".join(sorted(set(source.frame.geom_type[~kind].astype(str))))
        raise InputError(Fault("not_polygons", source.name, {"found": found}, source.labels(rows)))
    return source


def read_raster(scenario: Scenario, part: Any, key: str, *, check: DataCheck) -> Source:
    """
    Return the cells of a raster that hold elders: shape, ``elders`` and centre in ``values``.

    Cells without data or with 0 elders are no demand points; both are counted. A negative or not
    finite value is an error.
    """
    path = require_file(scenario.locate(part.path), f"{key}.path")
    if not isinstance(part.elders, int):
        raise InputError.of("raster_band", path.name, key=f"{key}.elders", found=part.elders)
    try:
        with rasterio.open(path) as raster:
            if not 1 <= part.elders <= raster.count:
                raise InputError.of(
                    "raster_no_band", path.name, found=part.elders, count=raster.count
                )
            band = raster.read(part.elders, masked=True)
            transform, file_crs = raster.transform, raster.crs
    except RasterioError as error:
        raise InputError.of("unreadable", path.name, found=str(error).splitlines()[0]) from error
    values = np.ma.getdata(band).astype(float)
    data = ~np.ma.getmaskarray(band)
    wrong = data & (~np.isfinite(values) | (values < 0))
    if wrong.any():
        spots = [f"{path.stem}-{r}-{c}" for r, c in np.argwhere(wrong).tolist()]
        raise InputError.of("raster_value", path.name, spots, found=values[wrong][0])
    rows, columns = np.nonzero(data & (values > 0))
    if not len(rows):
        raise EmptyInputError.of("empty_layer", path.name)
    corners = [transform * (columns + a, rows + b) for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))]
    cells = shapely.polygons(np.stack([np.column_stack(each) for each in corners], axis=1))
    centre = shapely.points(*(transform * (columns + 0.5, rows + 0.5)))
    where = {"where": path.name, "declared": part.crs, "check": check}
    crs = None if file_crs is None else file_crs.to_wkt()
    frame = as_working_crs(gpd.GeoDataFrame(geometry=cells, crs=crs), scenario.crs, **where)  # type: ignore[arg-type]
    points = as_working_crs(gpd.GeoDataFrame(geometry=centre, crs=crs), scenario.crs, **where)  # type: ignore[arg-type]
    check.add(
        "info", "raster_cells", path.name, count=len(rows),
        zero=int((data & (values == 0)).sum()), nodata=int((~data).sum()),
    )  # fmt: skip
    names = np.array(
        [f"{path.stem}-{r}-{c}" for r, c in zip(rows.tolist(), columns.tolist(), strict=True)],
        dtype=object,
    )
    kept = {"elders": values[rows, columns], "x": points.geometry.x, "y": points.geometry.y}
    arrays = {name: np.asarray(each, dtype=float) for name, each in kept.items()}
    return Source(key, path.name, part.path, frame, names, 1, sha256(path), arrays)
