"""The starter project that ``siting new`` writes."""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from pathlib import Path

from siting.errors import OutputError

__all__ = ["write_starter"]


def write_starter(folder: Path, *, language: str) -> list[Path]:
    """
    Write a commented scenario, a guide to the columns and empty templates; return their paths.

    Parameters
    ----------
    folder
        New or empty folder.
    language
        ``zh`` or ``en``.

    Raises
    ------
    OutputError
        If the folder holds anything, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError.of("new_not_empty", folder.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with as_file(files("siting") / "starter_files") as source:
            shutil.copytree(source / language, folder, dirs_exist_ok=True)
            shutil.copytree(source / "templates", folder / "data", dirs_exist_ok=True)
    except OSError as error:
        raise OutputError.of("out_not_writable", folder.name, found=error.strerror) from error
    return sorted(item for item in folder.rglob("*") if item.is_file())
