"""Work that stands in for planning in a batch: it dies, ends its worker, waits, or does well."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from siting.batch.claims import part_of, publish
from siting.batch.job import Outcome, tried

if TYPE_CHECKING:
    from siting.batch.job import Job, Tell

__all__ = ["by_name", "log_of"]


def log_of(job: Job) -> list[str]:
    """Return what was noted of a job: a line for each attempt."""
    path = job.folder.with_suffix(".log")
    return path.read_text(encoding="utf-8").split() if path.exists() else []


def by_name(job: Job, tell: Tell) -> Outcome:
    """Do what the name of the scenario says, and note every attempt."""
    with job.folder.with_suffix(".log").open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    return tried(job, lambda: _do(job, tell))


def _do(job: Job, tell: Tell) -> Outcome:
    """Do one attempt."""
    name, attempts = job.folder.name, len(log_of(job))
    tell("prepare", None, 0.0)
    if name.startswith("dies-always") or (name.startswith("dies-once") and attempts == 1):
        _die()
    if name.startswith("orphan-once") and attempts == 1:
        os.kill(os.getppid(), signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
        time.sleep(60)
    if name.startswith("memory-always") or (name.startswith("memory-once") and attempts == 1):
        raise MemoryError
    if name.startswith("breaks"):
        raise RuntimeError(name)
    if name.startswith("waits"):
        time.sleep(60)
    part = part_of(job.desk, job.key)
    (part / "run.json").write_text(str(attempts), encoding="utf-8")
    put = publish(job.desk, job.token, job.key, part, job.folder)
    if name.startswith("dies-late") and attempts == 1:
        _die()
    return Outcome("done", {"name": name, "put": put, "threads": job.threads})


def _die() -> None:
    """End this process as the system does when memory is short."""
    if hasattr(signal, "SIGKILL"):
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(9)
