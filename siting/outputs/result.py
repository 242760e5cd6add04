"""A result folder read back: the record of a run and its tables, to lay plans side by side."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyogrio

from siting.errors import InputError
from siting.outputs.geopackage import FLAGS, WORDS
from siting.outputs.tables import CSV_COLUMNS

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["Run", "key_figures", "read_run"]

TABLES = (*CSV_COLUMNS, "curve", "density")


@dataclass(frozen=True)
class Run:
    """
    A result folder, read back.

    Attributes
    ----------
    folder
        Where it lies.
    record
        What ``run.json`` holds.
    tables
        The tables by name, ``facilities`` for ``facilities.csv`` and so on, with the columns of the
        files; a table that the run did not write is not there. Ids and codes are text, yes and no
        are Booleans, an empty cell is missing.
    """

    folder: Path
    record: dict[str, Any]
    tables: dict[str, pd.DataFrame]

    @property
    def figures(self) -> dict[str, Any]:
        """What schemes are compared by, under the names of ``batch.csv``."""
        return key_figures(self.record)

    def layer(self, name: str) -> GeoDataFrame:
        """
        Return a layer of ``plan.gpkg``, in the scenario's CRS; yes and no are Booleans.

        Parameters
        ----------
        name
            Such as ``facilities``, ``units``, ``zones``, ``roads``, ``service_areas``.

        Raises
        ------
        InputError
            If the run has no ``plan.gpkg`` or that has no such layer.
        """
        path = self.folder / "plan.gpkg"
        held = [str(each) for each in pyogrio.list_layers(path)[:, 0]] if path.is_file() else []
        if name not in held:
            place = f"{self.folder.name}/plan.gpkg"
            raise InputError.of("run_layer", place, layer=name, found=", ".join(held) or "-")
        table = pyogrio.read_dataframe(path, layer=name)
        return table.astype(dict.fromkeys(FLAGS & set(table.columns), "boolean"))


def key_figures(record: dict[str, Any]) -> dict[str, Any]:
    """
    Return the figures that plans are compared by: proof, coverage, beds, sites and cost.

    Parameters
    ----------
    record
        What ``run.json`` holds.

    Returns
    -------
    figures
        By the names of ``batch.csv``; ``gap`` is the widest of all stages, None for an audit.
    """
    return {
        "name": record["name"],
        "status": record["status"],
        "gap": max((stage["gap"] for stage in record["stages"]), default=None),
        "elders_high": record["elders"]["high"],
        "elders_medium": record["elders"]["medium"],
        "covered_share_high": record["coverage"]["plan"]["high"],
        "covered_share_medium": record["coverage"]["plan"]["medium"],
        "beds_missing": record["beds"]["shortfall"],
        "new_sites": record["sites"]["new"],
        "cost_wan_yuan": record["cost_wan_yuan"],
    }


def read_run(folder: str | Path) -> Run:
    """
    Read a result folder back: its record and its tables.

    Parameters
    ----------
    folder
        Folder that ``siting run`` or ``siting audit`` wrote.

    Returns
    -------
    run
        Record and tables, as they were written; nothing is computed anew.

    Raises
    ------
    InputError
        If the folder is no result of ``siting run`` or ``siting audit``.
    """
    place = Path(folder)
    try:
        record = json.loads((place / "run.json").read_text(encoding="utf-8"))
        paths = {name: place / f"{name}.csv" for name in TABLES}
        tables = {name: _read(path) for name, path in paths.items() if path.is_file()}
    except (OSError, ValueError) as error:
        raise InputError.of("not_a_run", place.name, found=error) from error
    if not isinstance(record, dict) or "facilities" not in tables:
        raise InputError.of("not_a_run", place.name, found="run.json, facilities.csv")
    return Run(place, record, tables)


def _read(path: Path) -> pd.DataFrame:
    """Return a table that was written as CSV, columns of the types that they had."""
    kinds = dict.fromkeys([*WORDS, *FLAGS], str)
    table = pd.read_csv(
        path, encoding="utf-8-sig", dtype=kinds, keep_default_na=False, na_values=[""]
    )
    for name in FLAGS & set(table.columns):
        table[name] = table[name].map({"true": True, "false": False}).astype("boolean")
    return table
