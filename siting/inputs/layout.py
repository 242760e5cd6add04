"""A given layout: the facilities of a result folder, a GeoPackage or a CSV file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from siting.errors import EmptyInputError
from siting.inputs.layers import read_layer, read_table, require_columns, require_file
from siting.tables import ids, numbers

if TYPE_CHECKING:
    from pathlib import Path

    from pandas import DataFrame

__all__ = ["read_layout"]

NOT_STANDING = frozenset({"closed", "reserved"})


def read_layout(path: Path) -> DataFrame:
    """
    Return the facilities of a layout: ``id, beds``, and ``x, y`` where the file has them.

    Parameters
    ----------
    path
        Result folder (its ``facilities.csv``), GeoPackage (layer ``facilities``), or a CSV or Excel
        table with columns ``id`` and ``beds``; rows with status ``closed`` or ``reserved`` do not
        stand.

    Raises
    ------
    InputError
        If the file is missing, a column is missing, or beds are no whole numbers.
    """
    file = path / "facilities.csv" if path.is_dir() else path
    require_file(file, "--layout")
    if file.suffix.lower() == ".gpkg":
        table = pd.DataFrame(read_layer(file, layer="facilities").drop(columns="geometry"))
    else:
        table = read_table(file)
    require_columns(table, {"id": "id", "beds": "beds"}, where=file.name)
    first_row = 1 if file.suffix.lower() == ".gpkg" else 2
    where = {"where": file.name, "first_row": first_row}
    names = ids(table, "id", stem=file.stem, **where)  # type: ignore[arg-type]
    beds = numbers(table, "beds", ids=names, whole=True, **where)  # type: ignore[arg-type]
    layout = pd.DataFrame({"id": names, "beds": beds.astype(np.int64)})
    for axis in ("x", "y"):
        if axis in table:
            layout[axis] = numbers(table, axis, ids=names, low=None, missing=np.nan, **where)  # type: ignore[arg-type]
    if "status" in table:
        standing = ~table["status"].astype(str).isin(NOT_STANDING).to_numpy()
        layout = layout[standing].reset_index(drop=True)
    if layout.empty:
        raise EmptyInputError.of("empty_layer", file.name)
    return layout
