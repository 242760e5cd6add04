"""A given layout: the facilities of a result folder, a GeoPackage or a CSV file."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from siting.errors import EmptyInputError
from siting.inputs.coordinates import project_points, working_crs
from siting.inputs.layers import read_layer, require_columns, require_file
from siting.inputs.table_files import read_table
from siting.tables import ids, labels, numbers

if TYPE_CHECKING:
    from pathlib import Path

    from geopandas import GeoDataFrame
    from pandas import DataFrame

__all__ = ["read_layout", "standing"]

NOT_STANDING = frozenset({"closed", "reserved"})


def _drawn(frame: GeoDataFrame, crs: Any) -> DataFrame:
    """Return the table of a drawn layer, ``x`` and ``y`` taken from where its points are drawn."""
    if crs is not None and frame.crs is not None:
        frame = frame.to_crs(working_crs(crs))
    points = frame.geometry.representative_point()
    return pd.DataFrame(frame.drop(columns="geometry")).assign(x=points.x, y=points.y)


def read_layout(path: Path, *, crs: Any = None, where: str = "--layout") -> DataFrame:
    """
    Return the facilities of a layout: ``id, beds``, and more where the file has it.

    Also ``nursing_beds``, ``dementia_beds`` (an empty cell is none), ``functions`` and ``x, y``.

    Parameters
    ----------
    path
        Result folder (its ``facilities.csv``), GeoPackage (layer ``facilities``, its points where
        they are drawn), or a CSV or Excel table with columns ``id`` and ``beds``; rows with status
        ``closed`` or ``reserved`` do not stand.
    crs
        Working system that ``x`` and ``y`` are in; None: they are not checked.
    where
        Option that named the path, for the message that there is no such file.

    Raises
    ------
    InputError
        If the file is missing, a column is missing, or beds are no whole numbers.
    CrsError
        If coordinates cannot be in the working system.
    """
    file = path / "facilities.csv" if path.is_dir() else path
    require_file(file, where)
    if file.suffix.lower() == ".gpkg":
        table = _drawn(read_layer(file, layer="facilities"), crs)
        table.index += 1
    else:
        table = read_table(file)
    require_columns(table, {"id": "id", "beds": "beds"}, where=file.name)
    told: dict[str, Any] = {"where": file.name, "file_rows": table.index.to_numpy()}
    names = ids(table, "id", stem=file.stem, **told)
    beds = numbers(table, "beds", ids=names, whole=True, **told)
    layout = pd.DataFrame({"id": names, "beds": beds.astype(np.int64)})
    for part in ("nursing_beds", "dementia_beds"):
        if part in table:
            values = numbers(table, part, ids=names, whole=True, missing=0.0, **told)
            layout[part] = values.astype(np.int64)
    if "functions" in table:
        layout["functions"] = table["functions"].to_numpy()
    for axis in ("x", "y"):
        if axis in table:
            layout[axis] = numbers(table, axis, ids=names, low=None, missing=np.nan, **told)
    if crs is not None and {"x", "y"} <= set(layout.columns):
        target = working_crs(crs)
        label = partial(labels, names, file_rows=told["file_rows"])
        project_points(
            layout["x"], layout["y"], crs=target, target=target, where=file.name, label=label
        )
    if "status" in table:
        layout = standing(layout.assign(status=table["status"].to_numpy())).drop(columns="status")
    if layout.empty:
        raise EmptyInputError.of("empty_layer", file.name)
    return layout


def standing(facilities: DataFrame) -> DataFrame:
    """
    Return the facilities that stand: all but those whose status is ``closed`` or ``reserved``.

    Parameters
    ----------
    facilities
        Facilities of a layout; without a column ``status`` all of them stand.
    """
    if "status" not in facilities:
        return facilities
    out = facilities["status"].astype(str).isin(NOT_STANDING)
    return facilities[~out].reset_index(drop=True)
