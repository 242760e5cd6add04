"""A process for jobs: what it is asked, what it answers, and what it says besides."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
from typing import IO, TYPE_CHECKING, cast

from siting.batch.job import Job, Outcome, Tell, Work

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Process", "surroundings"]

COMMAND = (sys.executable, "-m", "siting.batch.worker")
THREAD_SETTINGS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
"""What libraries read when they are loaded; one that is set already stays as it is."""
LEAVE_S = 5.0


def surroundings(threads: int) -> dict[str, str]:
    """
    Return the environment of a process for jobs: modules are found there as they are here.

    Parameters
    ----------
    threads
        Threads of its libraries.
    """
    limits = {name: str(threads) for name in THREAD_SETTINGS}
    return limits | dict(os.environ) | {"PYTHONPATH": os.pathsep.join(sys.path)}


class Process:
    """
    One process that does one job after another.

    Parameters
    ----------
    environment
        As ``surroundings`` gives it.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self.process = subprocess.Popen(  # noqa: S603 - our own module
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said,
            env=environment,
        )  # fmt: skip
        self.questions = cast("IO[bytes]", self.process.stdin)
        self.answers = cast("IO[bytes]", self.process.stdout)

    @property
    def pid(self) -> int:
        """Number that the system knows the process by."""
        return self.process.pid

    def do(self, work: Work, job: Job, tell: Tell) -> Outcome:
        """Hand over one job and wait for what becomes of it."""
        try:
            pickle.dump((work, job), self.questions)
            self.questions.flush()
            while True:
                kind, content = pickle.load(self.answers)  # noqa: S301 - from our own process
                if kind == "ended":
                    outcome: Outcome = content
                    return outcome
                tell(*content)
        except (OSError, EOFError, pickle.UnpicklingError):
            return Outcome("lost", message=self._last_words())

    def _last_words(self) -> str:
        """Return how the process ended, and the last that it or its libraries said."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(LEAVE_S)
        self.said.seek(0)
        lines = self.said.read().decode("utf-8", "replace").split("\n")
        words = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"{self.process.poll()}" + (f", {words}" if words else "")

    def kill(self) -> None:
        """End the process at once, whatever it does; the one who waits for it hears of it."""
        self.process.kill()

    def end(self) -> None:
        """End the process and close what leads to it."""
        self.kill()
        self.process.wait()
        for pipe in (self.questions, self.answers, self.said):
            with contextlib.suppress(OSError):
                pipe.close()
