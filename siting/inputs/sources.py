"""A planner's layers and tables as checked tables in the working system."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from rasterio.errors import RasterioError

from siting.errors import CrsError, DuplicateIdError, EmptyInputError, Fault, InputError
from siting.inputs.coordinates import as_working_crs, project_points, read_crs, working_crs
from siting.inputs.foreign import first_line, quiet
from siting.inputs.layers import names_no_crs, read_layer, require_columns, require_file
from siting.inputs.table_files import OTHER_TABLES, TABLES, read_table
from siting.tables import DataCheck, id_text, ids, labels, numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from siting.scenario import Scenario

__all__ = [
    "RASTERS", "Source", "read_polygons", "read_raster", "read_source", "refuse_shared_ids",
    "sha256",
]  # fmt: skip

RASTERS = frozenset({".tif", ".tiff"})
PLACES = frozenset({"Point", "Polygon", "MultiPolygon"})
AREAS = frozenset({"Polygon", "MultiPolygon"})


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
    file_rows
        Number of each row in the file, as the file's own program counts.
    sha256
        Hash of the file.
    """

    key: str
    name: str
    path: str
    frame: GeoDataFrame
    ids: NDArray[np.object_]
    file_rows: NDArray[np.int64]
    sha256: str
    cells: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def numbers(
        self, column: str, *, whole: bool = False, missing: float | None = None
    ) -> NDArray[np.float64]:
        """Return a column as numbers of at least 0, as ``siting.tables.numbers`` does."""
        return numbers(
            self.frame, column, where=self.name, ids=self.ids, file_rows=self.file_rows,
            whole=whole, missing=missing,
        )  # fmt: skip

    def texts(self, column: str | None) -> NDArray[np.object_]:
        """
        Return a column as text, empty where a cell is empty or no column is named.

        A code that a file keeps as a number (330106.0) reads as the code (330106).
        """
        if column is None:
            return np.full(len(self.frame), "", dtype=object)
        raw = self.frame[column]
        cells = zip(raw, raw.isna(), strict=True)
        return np.array(["" if empty else id_text(cell) for cell, empty in cells], dtype=object)

    def labels(self, rows: Sequence[int] | NDArray[Any]) -> tuple[str, ...]:
        """Return ``id (file row)`` of some rows."""
        return labels(self.ids, rows, self.file_rows)


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
    if path.suffix.lower() in TABLES | OTHER_TABLES:
        return _read_places(scenario, part, key, path, columns, check)
    frame: Any = read_layer(path, layer=part.layer, check=check)
    require_columns(frame, columns, where=path.name, key=key)
    file_rows = np.arange(1, len(frame) + 1)
    names = ids(frame, columns.get("id"), where=path.name, stem=path.stem, file_rows=file_rows)
    label = partial(labels, names, file_rows=file_rows)
    _refuse_bad_shapes(frame, path.name, label)
    if part.crs is not None and names_no_crs(path):
        frame = frame.set_crs(None, allow_override=True)
    frame = as_working_crs(
        frame, scenario.crs, where=path.name, declared=part.crs, check=check, label=label
    )
    return Source(key, path.name, part.path, frame, names, file_rows, sha256(path))


def _read_places(
    scenario: Scenario, part: Any, key: str, path: Path, columns: dict[str, str | None],
    check: DataCheck,
) -> Source:  # fmt: skip
    """Return a table with points from its coordinate columns, in the working system."""
    table = read_table(path, sheet=part.layer)
    axes = {name: getattr(part, name, None) for name in ("x", "y")}
    for name, column in axes.items():
        if column is None:
            raise InputError.of("table_needs_xy", path.name, key=f"{key}.{name}")
    require_columns(table, columns | axes, where=path.name, key=key)
    file_rows = table.index.to_numpy(dtype=np.int64)
    table = table.reset_index(drop=True)
    where: dict[str, Any] = {"where": path.name, "file_rows": file_rows}
    names = ids(table, columns.get("id"), stem=path.stem, **where)
    if part.crs is None:
        raise CrsError.of("crs_missing", path.name)
    x, y = (numbers(table, str(each), ids=names, low=None, **where) for each in axes.values())
    target = working_crs(scenario.crs)
    points = project_points(
        x, y, crs=read_crs(part.crs, where=path.name), target=target, where=path.name,
        check=check, label=partial(labels, names, file_rows=file_rows),
    )  # fmt: skip
    frame = gpd.GeoDataFrame(table, geometry=points, crs=target)
    return Source(key, path.name, part.path, frame, names, file_rows, sha256(path))


def _refuse_bad_shapes(frame: GeoDataFrame, where: str, label: Any) -> None:
    """Refuse rows without a shape, with a broken one, or with one that is no place."""
    shapes = frame.geometry
    empty = (shapes.isna() | shapes.is_empty).to_numpy()
    broken = ~shapes.is_valid.to_numpy() & ~empty
    lone = (shapes.geom_type == "MultiPoint") & (shapes.count_geometries() == 1)
    other = ~(shapes.geom_type.isin(PLACES) | lone).to_numpy() & ~empty
    faults = []
    if empty.any():
        faults.append(Fault("empty_geometry", where, {}, label(np.flatnonzero(empty))))
    if broken.any():
        rows = np.flatnonzero(broken)
        reason = shapely.is_valid_reason(shapes.iloc[rows[0]])
        faults.append(Fault("broken_geometry", where, {"found": reason}, label(rows)))
    if other.any():
        found = ", ".join(sorted(set(shapes.geom_type[other])))
        faults.append(Fault("not_places", where, {"found": found}, label(np.flatnonzero(other))))
    if faults:
        raise InputError(*faults)


def refuse_shared_ids(sources: Iterable[Source]) -> None:
    """
    Refuse an id that stands in several files, naming the files and rows.

    Raises
    ------
    DuplicateIdError
        If there is one.
    """
    places: dict[str, list[str]] = {}
    for source in sources:
        for name, row in zip(source.ids, source.file_rows.tolist(), strict=True):
            places.setdefault(name, []).append(f"{source.name} {row}")
    twice = [f"{name} ({', '.join(spots)})" for name, spots in places.items() if len(spots) > 1]
    if twice:
        raise DuplicateIdError.of("duplicate_id", "existing, candidates", twice, column="id")


def read_polygons(
    scenario: Scenario, part: Any, key: str, *, columns: dict[str, str | None], check: DataCheck
) -> Source:
    """Return a layer of polygons, as ``read_source``; other shapes are refused."""
    source = read_source(scenario, part, key, columns=columns, check=check)
    kind = source.frame.geom_type.isin(AREAS).to_numpy()
    if not kind.all():
        rows = np.flatnonzero(~kind)
        found = ", ".join(sorted(set(source.frame.geom_type[~kind].astype(str))))
        raise InputError(Fault("not_polygons", source.name, {"found": found}, source.labels(rows)))
    return source


def read_raster(scenario: Scenario, part: Any, key: str, *, check: DataCheck) -> Source:
    """
    Return the cells of a raster that hold elders: shape, ``elders`` and centre in ``cells``.

    Cells without data or with 0 elders are no demand points; both are counted. A negative or not
    finite value is an error.
    """
    path = require_file(scenario.locate(part.path), f"{key}.path")
    if not isinstance(part.elders, int):
        raise InputError.of("raster_band", path.name, key=f"{key}.elders", found=part.elders)
    try:
        with quiet(check, path), rasterio.open(path) as raster:
            if not 1 <= part.elders <= raster.count:
                raise InputError.of(
                    "raster_no_band", path.name, found=part.elders, count=raster.count
                )
            band = raster.read(part.elders, masked=True)
            transform, file_crs = raster.transform, raster.crs
    except RasterioError as error:
        raise InputError.of("unreadable", path.name, found=first_line(error, path)) from error
    values = np.ma.getdata(band).astype(float)
    data = ~np.ma.getmaskarray(band)
    wrong = data & (~np.isfinite(values) | (values < 0))
    if wrong.any():
        spots = [f"{path.stem}-{r}-{c}" for r, c in np.argwhere(wrong).tolist()]
        raise InputError.of("raster_value", path.name, spots, found=values[wrong][0])
    rows, columns = np.nonzero(data & (values > 0))
    if not len(rows):
        raise EmptyInputError.of("empty_layer", path.name)
    corners = [_at(transform, columns + a, rows + b) for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))]
    cells = shapely.polygons(np.stack(corners, axis=1))
    centre = shapely.points(_at(transform, columns + 0.5, rows + 0.5))
    crs = None if file_crs is None else file_crs.to_wkt()
    where: dict[str, Any] = {"where": path.name, "declared": part.crs}
    frame = as_working_crs(
        gpd.GeoDataFrame(geometry=cells, crs=crs), scenario.crs, check=check, **where
    )
    points = as_working_crs(gpd.GeoDataFrame(geometry=centre, crs=crs), scenario.crs, **where)
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
    cells_read = np.arange(1, len(names) + 1)
    return Source(key, path.name, part.path, frame, names, cells_read, sha256(path), arrays)


def _at(transform: Any, column: NDArray[Any], row: NDArray[Any]) -> NDArray[np.float64]:
    """Return (n, 2) coordinates of places in a raster, counted in cells from its corner."""
    x = transform.a * column + transform.b * row + transform.c
    return np.column_stack([x, transform.d * column + transform.e * row + transform.f])
