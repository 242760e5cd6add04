"""The desk of a batch: who may write, and that each result is written once."""

from __future__ import annotations

import glob
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import IO, TYPE_CHECKING
from uuid import uuid4

from siting.errors import OutputError
from siting.outputs.folder import written_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "DESK",
    "BatchOverError",
    "attempts_so_far",
    "forget_attempts",
    "is_published",
    "is_shared",
    "locked",
    "note_attempt",
    "open_desk",
    "part_of",
    "publish",
]

DESK = ".siting-batch"
"""Folder for notes of a batch that runs, inside its result folder; removed at the end."""

LOCK = ".siting-batch.lock"
TOKEN = "token"  # noqa: S105 - the name of a file
WAIT_S = 0.1


class BatchOverError(Exception):
    """The batch that asked for this work has ended, or another one has taken its place."""


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """
    Hold a file for this process alone; the system lets it go when the process dies.

    Parameters
    ----------
    path
        Made if missing.
    wait
        False: give False at once where another process holds it.
    """
    with path.open("a+b") as file:
        held = _hold(file)
        while wait and not held:
            sleep(WAIT_S)
            held = _hold(file)
        try:
            yield held
        finally:
            if held:
                _let_go(file)


def _hold(file: IO[bytes]) -> bool:
    """Try to hold an open file, and return whether that worked."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - other systems have no such module

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - Windows has no such module

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _let_go(file: IO[bytes]) -> None:
    """Let an open file go that is held."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - other systems have no such module

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
    else:
        import fcntl  # noqa: PLC0415 - Windows has no such module

        fcntl.flock(file.fileno(), fcntl.LOCK_UN)


@contextmanager
def open_desk(out: Path) -> Iterator[tuple[Path, str]]:
    """
    Give the desk of a new batch and its token, and remove it at the end.

    What a batch that died has left there goes first; attempts of its that still run find another
    token and put nothing in place.

    Parameters
    ----------
    out
        Folder of the batch; made if missing.

    Raises
    ------
    OutputError
        If it cannot be written, or another batch is writing to it.
    """
    with _telling(out):
        if out.exists() and not out.is_dir():
            raise OutputError.of("out_is_file", out.name)
        out.mkdir(parents=True, exist_ok=True)
        (out / LOCK).touch()
    with locked(out / LOCK, wait=False) as held:
        if not held:
            raise OutputError.of("batch_in_use", out.name)
        desk, token = out / DESK, uuid4().hex
        with _telling(out):
            shutil.rmtree(desk, ignore_errors=True)
            desk.mkdir(exist_ok=True)
            (desk / TOKEN).write_text(token, encoding="utf-8")
        try:
            yield desk, token
        finally:
            shutil.rmtree(desk, ignore_errors=True)
    with suppress(OSError):
        (out / LOCK).unlink()


@contextmanager
def _telling(out: Path) -> Iterator[None]:
    """Say of a folder that cannot be written that it cannot."""
    try:
        yield
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        found = error.strerror or error
        raise OutputError.of("out_not_writable", out.name, found=found) from error


def note_attempt(desk: Path, key: str) -> int:
    """Note that an attempt has begun, and return which one it is, from 1."""
    number = 1
    while True:
        try:
            (desk / f"{key}.try-{number}").touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return number


def attempts_so_far(desk: Path, key: str) -> int:
    """Return how many attempts have begun."""
    return sum(1 for each in desk.iterdir() if each.name.startswith(f"{key}.try-"))


def forget_attempts(desk: Path, key: str) -> None:
    """Begin to count the attempts at another work with the same scenario."""
    for each in list(desk.glob(f"{glob.escape(key)}.try-*")):
        each.unlink(missing_ok=True)


def is_shared(desk: Path, token: str) -> bool:
    """Return whether this process sees the desk of a batch that still runs."""
    try:
        return (desk / TOKEN).read_text(encoding="utf-8") == token
    except OSError:
        return False


def is_published(desk: Path, key: str) -> bool:
    """Return whether an attempt of this batch has put its result in place."""
    return (desk / f"{key}.done").exists()


def part_of(desk: Path, key: str) -> Path:
    """Return a new folder for one attempt to write to."""
    return Path(tempfile.mkdtemp(prefix=f"{key}-", dir=desk))


def publish(desk: Path, token: str, key: str, part: Path, folder: Path) -> bool:
    """
    Put what an attempt has written in its place, unless another attempt was first.

    Parameters
    ----------
    desk, token
        Of the batch that asked for it.
    key
        Name of the scenario's result.
    part
        What the attempt has written, whole.
    folder
        Where it goes.

    Returns
    -------
    published
        False where an attempt had put its result there before: that one stays.

    Raises
    ------
    OutputError
        If the folder cannot be written.

    Notes
    -----
    Where the batch has ended meanwhile nothing is put in place and ``BatchOverError`` is raised.
    """
    if not is_shared(desk, token):
        raise BatchOverError
    with locked(desk / f"{key}.lock"):
        if not is_shared(desk, token):
            raise BatchOverError
        if is_published(desk, key):
            return False
        with written_folder(folder) as place:
            for item in sorted(part.iterdir()):
                os.replace(item, place / item.name)  # noqa: PTH105 - files, one by one
        (desk / f"{key}.done").touch()
    return True
