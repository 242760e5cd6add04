"""What other libraries say of a planner's file: failures in few words, warnings for the check."""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from siting.tables import DataCheck

__all__ = ["first_line", "quiet"]

LONGEST = 160


def first_line(error: BaseException | str, path: Path) -> str:
    """Return the first line of a foreign message without its advice and the folder it names."""
    cause = getattr(error, "__cause__", None)
    if cause is not None and "previous exception" in str(error):
        error = cause
    lines = str(error).strip().splitlines() or [type(error).__name__]
    said = lines[0].split("; It might help", maxsplit=1)[0]
    said = re.sub(r"^In file .*, at line \d+, |^sqlite3_.* failed: ", "", said)
    for folder in {path.as_posix(), str(path), path.resolve().as_posix()}:
        said = said.replace(folder, path.name)
    return said.strip(" .'\"")[:LONGEST] or type(error).__name__


@contextmanager
def quiet(check: DataCheck | None = None, path: Path | None = None) -> Iterator[None]:
    """
    Keep the warnings of other libraries off the screen, and list each in the data check.

    Parameters
    ----------
    check
        Takes the warnings; None: they are dropped, for instance while a layer is only looked for.
    path
        File that is read.
    """
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield
    if check is None or path is None:
        return
    for found in dict.fromkeys(first_line(str(each.message), path) for each in said):
        check.add("warning", "reader_said", path.name, found=found)
