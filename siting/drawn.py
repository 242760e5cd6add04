"""A given layout: a table of facilities as a layout of a problem's sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from siting.errors import Fault, InputError
from siting.facts import function_names
from siting.problem import Layout
from siting.sites import outside_nursing

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from siting.prepare import Prepared

__all__ = ["drawn_layout", "older_plan"]

MOVED_M = 1.0
"""A facility drawn farther than this from where the files have it is listed, metres."""

WHERE = "layout"


def drawn_layout(prepared: Prepared, table: pd.DataFrame) -> Layout:
    """
    Return the layout that a table of facilities describes, with what is listed in the data check.

    Parameters
    ----------
    prepared
        The problem, which knows every site of the table.
    table
        Columns ``id`` and ``beds``; optional ``nursing_beds``, ``dementia_beds`` and ``functions``:
        without one of them, homes keep what they have today, at most the beds drawn, and of new
        facilities it is not known; a missing number of beds is none; ``x, y`` as drawn.

    Returns
    -------
    layout
        What is not listed does not stand.

    Raises
    ------
    InputError
        If a facility has more nursing or dementia beds than beds, or a word is no function.
    """
    sites = prepared.problem.sites
    layout, rows = _layout_of(prepared, table)
    _report(prepared, table, rows, layout.is_open)
    odd = sites.id[outside_nursing(sites, layout.nursing_beds, layout.dementia_beds)]
    if len(odd):
        prepared.check.add(
            "warning", "dementia_outside_nursing", WHERE, count=len(odd), examples=odd
        )
    return layout


def older_plan(prepared: Prepared, table: pd.DataFrame) -> Layout:
    """
    Return an older plan as far as its sites are still there, to start a new one from.

    Parameters
    ----------
    prepared
        The problem.
    table
        As for ``drawn_layout``; sites that the problem does not know are counted in the check.
    """
    known = table["id"].astype(str).isin(set(prepared.problem.sites.id)).to_numpy()
    gone = table["id"].to_numpy()[~known]
    if len(gone):
        prepared.check.add("info", "start_unknown", WHERE, count=len(gone), examples=gone)
    return _layout_of(prepared, table[known])[0]


def _layout_of(prepared: Prepared, table: pd.DataFrame) -> tuple[Layout, NDArray[np.int64]]:
    """Return a table of known sites as a layout, and the site of each row."""
    sites = prepared.problem.sites
    where = {name: k for k, name in enumerate(sites.id)}
    rows = np.array([where[str(name)] for name in table["id"]], dtype=np.int64)
    is_open, beds = np.zeros(sites.n, dtype=bool), np.zeros(sites.n, dtype=np.int64)
    is_open[rows], beds[rows] = True, table["beds"].to_numpy(dtype=np.int64)
    nursing = _part(table, rows, beds, "nursing_beds", sites.nursing_beds)
    dementia = _part(table, rows, beds, "dementia_beds", sites.dementia_beds)
    functions = np.full(sites.n, None, dtype=object)
    functions[rows] = _functions(prepared, table, rows)
    return Layout(is_open, beds, nursing, dementia, functions), rows


def _part(
    table: pd.DataFrame,
    rows: NDArray[np.int64],
    beds: NDArray[np.int64],
    kind: str,
    today: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the nursing or dementia beds of every site."""
    part = np.zeros(len(beds), dtype=np.int64)
    if kind not in table:
        part[rows] = np.minimum(today[rows], beds[rows])
        return part
    part[rows] = table[kind].fillna(0).to_numpy(dtype=np.int64)
    above = table["id"].to_numpy()[part[rows] > beds[rows]]
    if len(above):
        raise InputError(Fault("more_than_all_beds", WHERE, {"column": kind}, tuple(above)))
    return part


def _functions(
    prepared: Prepared, table: pd.DataFrame, rows: NDArray[np.int64]
) -> NDArray[np.object_]:
    """Return the functions of each row; what a home has today where the table has no column."""
    today = prepared.problem.sites.functions[rows]
    if "functions" not in table:
        return np.asarray(today, dtype=object)
    cells = table["functions"].tolist()
    read = function_names(
        [cell if isinstance(cell, str) else "" for cell in cells],
        known=tuple(prepared.scenario.functions), where=WHERE, column="functions",
        labels=table["id"].tolist(),
    )  # fmt: skip
    found = np.empty(len(rows), dtype=object)
    found[:] = [
        None if not names and has is None else names for names, has in zip(read, today, strict=True)
    ]
    return found


def _report(
    prepared: Prepared, table: pd.DataFrame, rows: NDArray[np.int64], is_open: NDArray[np.bool_]
) -> None:
    """List homes that are not drawn, and facilities drawn elsewhere than the files have them."""
    sites = prepared.problem.sites
    missing = sites.id[sites.is_existing & ~is_open]
    moved: Any = []
    if {"x", "y"} <= set(table.columns):
        gap = np.hypot(*(table[["x", "y"]].to_numpy(dtype=float) - sites.xy[rows]).T)
        moved = table["id"].to_numpy()[gap > MOVED_M]
    for code, found in (("layout_without_home", missing), ("layout_moved", moved)):
        if len(found):
            prepared.check.add("warning", code, WHERE, count=len(found), examples=found)
