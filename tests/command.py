"""The real command, run in this process or in one of its own, and what it leaves behind."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from siting.cli import main

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["COMMAND", "Said", "contents", "say", "say_outside"]

COMMAND = (sys.executable, "-m", "siting")


@dataclass(frozen=True)
class Said:
    """What a command left behind: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


def say(capsys: pytest.CaptureFixture[str], *words: object) -> Said:
    """Run the command in this process."""
    with pytest.raises(SystemExit) as left:
        main(args=[str(word) for word in words], prog_name="siting")
    told = capsys.readouterr()
    return Said(int(left.value.code or 0), told.out, told.err)


def say_outside(folder: Path, *words: object) -> Said:
    """Run the command in a process of its own, in a folder."""
    done = subprocess.run(  # noqa: S603 - our own command
        [*COMMAND, *(str(word) for word in words)], capture_output=True, text=True,
        encoding="utf-8", check=False, cwd=folder,
    )  # fmt: skip
    return Said(done.returncode, done.stdout, done.stderr)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
