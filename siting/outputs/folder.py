"""The result folder: written beside, moved into place whole, or not at all."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from siting.errors import OutputError
from siting.outputs.geopackage import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["OURS", "refuse_foreign", "written_folder"]

OURS = frozenset(
    {
        "run.json", "facilities.csv", "demand.csv", "units.csv", "audit.csv", "curve.csv",
        "density.csv", "circles.csv", "staff.csv", "conflicts.csv", "phases.csv", "money.csv",
        "access.csv", "lorenz.csv",
        "check.csv", "check.html", "plan.gpkg", "tables.xlsx", "map.html", "sheet.pdf", "sheet.png",
        "report.docx", "report.html", "atlas.pdf", "atlas", "shp", "geojson",
    }
)  # fmt: skip
"""Names of files that a result folder may hold."""

LAYERS = "|".join(KINDS)
OUR_FOLDERS = {
    "atlas": r"\d{2,}-[a-z]+(-\d{4})?\.(png|svg)|index\.csv",
    "shp": rf"({LAYERS})\.(shp|shx|dbf|prj|cpg|qix|sbn|sbx)|fields\.csv",
    "geojson": rf"({LAYERS})\.geojson",
}
"""Names of files that a folder of a result may hold; indexes that a GIS makes go with it."""

LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""What file managers leave in any folder; it goes with the old result."""

OPEN_MARKS = (
    r"(shp/)?~\$.+", r"(shp/)?\.~lock\..+#", r"plan\.gpkg-(wal|shm|journal)", r"shp/.+\.lock",
)  # fmt: skip
"""What Excel, LibreOffice, QGIS and ArcGIS keep beside a file for as long as it is open."""


def refuse_foreign(folder: Path) -> None:
    """
    Refuse a folder that holds anything that Siting did not write.

    Raises
    ------
    OutputError
        If the folder is a file, holds other files, or a file of it is open in another program.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError.of("out_is_file", folder.name)
    names = sorted(item.name for item in folder.iterdir() if item.name not in OURS | LITTER)
    for name, ours in OUR_FOLDERS.items():
        names += _foreign_below(folder / name, ours)
    marks = [name for name in names if any(re.fullmatch(mark, name) for mark in OPEN_MARKS)]
    if len(marks) < len(names):
        raise OutputError.of("out_foreign", folder.name, sorted({*names} - {*marks}))
    if marks:
        raise OutputError.of("out_in_use", folder.name, found=", ".join(marks))


def _foreign_below(folder: Path, ours: str) -> list[str]:
    """Return what lies in a folder of a result, or in its place, and is no file of ours."""
    if not folder.exists():
        return []
    if not folder.is_dir():
        return [folder.name]
    items = [each for each in folder.iterdir() if each.name not in LITTER]
    return sorted(
        f"{folder.name}/{each.name}" for each in items
        if each.is_dir() or not re.fullmatch(ours, each.name)
    )  # fmt: skip


@contextmanager
def written_folder(folder: Path) -> Iterator[Path]:
    """
    Give an empty folder to write to, and put it in the place of the old result at the end.

    If anything fails the old result stays as it was and nothing of the new one is left; only if
    the new one is whole and the old cannot be moved, it is kept beside it as ``<name>-new``.

    Raises
    ------
    OutputError
        If the folder cannot be written, or the old result cannot be moved (a file of it is open).
    """
    refuse_foreign(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise OutputError.of(
            "out_not_writable", folder.name, found=error.strerror or error
        ) from error
    try:
        yield part
        _swap(part, folder)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError.of(
            "out_not_writable", folder.name, found=error.strerror or error
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _beside(folder: Path) -> Path:
    """Return the first free name for a result whose place is taken: ``<name>-new``, ``-new-2``."""
    names = (
        folder.with_name(f"{folder.name}-new{k}") for k in ("", *(f"-{n}" for n in range(2, 99)))
    )
    return next(name for name in names if not name.exists())


def _swap(part: Path, folder: Path) -> None:
    """Put a folder in the place of another; on failure the other is back where it was."""
    os.chmod(part, 0o755)  # noqa: S103, PTH101
    if not folder.exists():
        part.replace(folder)
        return
    old = part.with_name(part.name + ".old")
    try:
        folder.replace(old)
    except OSError as error:
        kept = _beside(folder)
        part.replace(kept)
        found = error.strerror or error
        raise OutputError.of("out_kept", folder.name, found=found, kept=kept.name) from error
    try:
        part.replace(folder)
    except OSError:
        old.replace(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
