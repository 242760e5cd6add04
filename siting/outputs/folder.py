"""The result folder: written beside, moved into place whole, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from siting.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["OURS", "refuse_foreign", "written_folder"]

OURS = frozenset(
    {
        "run.json", "facilities.csv", "demand.csv", "units.csv", "audit.csv", "curve.csv",
        "density.csv", "check.csv", "check.html", "plan.gpkg", "tables.xlsx", "map.html",
        "sheet.pdf", "sheet.png",
    }
)  # fmt: skip
"""Names of files that a result folder may hold."""


def refuse_foreign(folder: Path) -> None:
    """
    Refuse a folder that holds anything that Siting did not write.

    Raises
    ------
    OutputError
        If the folder is a file, or holds other files.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError.of("out_is_file", folder.name)
    foreign = sorted(item.name for item in folder.iterdir() if item.name not in OURS)
    if foreign:
        raise OutputError.of("out_foreign", folder.name, foreign)


@contextmanager
def written_folder(folder: Path) -> Iterator[Path]:
    """
    Give an empty folder to write to, and put it in the place of the old result at the end.

    If anything fails the old result stays as it was and nothing of the new one is left.

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
        raise OutputError.of("out_not_writable", folder.name, found=error.strerror) from error
    try:
        yield part
        _swap(part, folder)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError.of("out_not_writable", folder.name, found=error.strerror) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


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
        raise OutputError.of("out_in_use", folder.name, found=error.strerror) from error
    try:
        part.replace(folder)
    except OSError:
        old.replace(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
