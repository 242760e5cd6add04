"""Vector layers as files hold them: found, decoded, their columns checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FieldError

from siting.errors import (
    EmptyInputError,
    Fault,
    InputError,
    MissingColumnError,
    nearest_file,
    nearest_name,
)
from siting.inputs.coordinates import working_crs
from siting.inputs.foreign import first_line, quiet
from siting.inputs.shapefiles import BYTES, decode_text, refuse_incomplete

if TYPE_CHECKING:
    from pathlib import Path

    from geopandas import GeoDataFrame
    from pandas import DataFrame

    from siting.tables import DataCheck

__all__ = ["names_no_crs", "read_layer", "require_columns", "require_file", "working_crs"]

NO_LAYER = (DataSourceError, DataLayerError, FieldError, OSError, ValueError, RuntimeError)


def require_file(path: Path, key: str) -> Path:
    """
    Return the path, refused with the nearest name in its folder if no file is there.

    Raises
    ------
    InputError
        If there is nothing, a folder (other than a file geodatabase), or no permission.
    """
    try:
        if path.is_file() or (path.is_dir() and path.suffix.lower() == ".gdb"):
            return path
        if path.is_dir():
            raise InputError.of("is_folder", key, path=path.as_posix())
        guess = nearest_file(path)
    except OSError as error:
        if isinstance(error, InputError):
            raise
        raise InputError.of("unreadable", key, found=str(error.strerror)) from error
    code = "no_such_file_near" if guess else "no_such_file"
    raise InputError.of(code, key, path=path.as_posix(), guess=guess)


def read_layer(
    path: Path, *, layer: str | None = None, check: DataCheck | None = None
) -> GeoDataFrame:
    """
    Return a vector layer as the file holds it.

    A Shapefile's text is read in the encoding of its ``.cpg`` file, else as UTF-8, else as GB18030,
    whichever decodes without a fault. A GeoJSON file that names no system is in WGS 84.

    Parameters
    ----------
    path
        File of any vector format.
    layer
        Its name; None: the first with shapes.
    check
        Takes a note when the first of several layers is taken, and what the reader warns of.

    Raises
    ------
    InputError
        If the file cannot be read or has no such layer.
    EncodingError
        If no expected encoding decodes the text.
    EmptyInputError
        If the layer has no rows.
    """
    if path.suffix.lower() == ".shp":
        refuse_incomplete(path)
    table = _read(path, _choose(path, layer, check), check)
    if not isinstance(table, gpd.GeoDataFrame):
        raise InputError.of("no_geometry", path.name)
    if table.empty:
        raise EmptyInputError.of("empty_layer", path.name)
    return table


def _choose(path: Path, layer: str | None, check: DataCheck | None) -> str:
    """Return the name of the layer to read."""
    try:
        with quiet():
            found = [(str(name), kind) for name, kind in pyogrio.list_layers(path)]
    except NO_LAYER as error:
        raise InputError.of("unreadable", path.name, found=first_line(error, path)) from error
    names = [name for name, _ in found]
    if layer is not None and layer not in names:
        guess = nearest_name(layer, names)
        code = "no_such_layer_near" if guess else "no_such_layer"
        raise InputError.of(code, path.name, layer=layer, found=", ".join(names), guess=guess)
    with_shapes = [name for name, kind in found if kind is not None]
    if layer is not None or not with_shapes:
        if not names:
            raise EmptyInputError.of("empty_layer", path.name)
        return layer if layer is not None else names[0]
    if len(with_shapes) > 1 and check is not None:
        check.add(
            "warning", "first_layer", path.name, count=len(with_shapes), examples=with_shapes,
            layer=with_shapes[0],
        )  # fmt: skip
    return with_shapes[0]


def _read(path: Path, layer: str, check: DataCheck | None) -> Any:
    """Return the layer, its text decoded."""
    is_shapefile = path.suffix.lower() == ".shp"
    try:
        with quiet(check, path):
            table = pyogrio.read_dataframe(
                path, layer=layer, encoding=BYTES if is_shapefile else None
            )
    except NO_LAYER as error:
        raise InputError.of("unreadable", path.name, found=first_line(error, path)) from error
    return decode_text(table, path) if is_shapefile else table


def names_no_crs(path: Path) -> bool:
    """Return whether a file is GeoJSON that names no system, which GDAL takes for WGS 84."""
    return path.suffix.lower() in {".geojson", ".json"} and b'"crs"' not in path.read_bytes()


def require_columns(
    table: DataFrame, needed: dict[str, str | None], *, where: str, key: str = ""
) -> None:
    """
    Refuse a table in which a column that the scenario names is missing.

    Parameters
    ----------
    table
        Any table.
    needed
        Scenario key to column name; None: not named, not needed.
    where
        File that an error names.
    key
        Place of the keys in the scenario, for instance ``candidates.0``.

    Raises
    ------
    MissingColumnError
        With one fault for each column, the nearest name and all that there are; with a single one
        where no column is there at all, as in a table with a title above its heading.
    """
    columns = [str(name) for name in table.columns if name != "geometry"]
    named = {name: column for name, column in needed.items() if column is not None}
    missing = {name: column for name, column in named.items() if column not in columns}
    if len(missing) == len(named) > 1:
        values = {"column": ", ".join(missing.values()), "found": ", ".join(columns)}
        raise MissingColumnError(Fault("no_column", where, values))
    faults = []
    for name, column in missing.items():
        guess = nearest_name(column, columns)
        code = "missing_column_near" if guess else "missing_column"
        place = f"{key}.{name}" if key else name
        found = ", ".join(columns)
        values = {"key": place, "column": column, "guess": guess or "", "found": found}
        faults.append(Fault(code, where, values))
    if faults:
        raise MissingColumnError(*faults)
