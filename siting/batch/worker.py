"""
A worker process: takes jobs from its standard input and hands back what became of them.

Started by ``siting.batch.process`` as ``python -m siting.batch.worker``, so that a script or a
notebook that calls ``siting.batch`` is not run a second time, on any system. What is pickled comes
from the one process that started it and goes back there.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import traceback
from typing import IO, TYPE_CHECKING, Any

from siting.batch.job import rarely

if TYPE_CHECKING:
    from collections.abc import Callable

    from siting.batch.job import Job, Outcome, Work

__all__ = ["main"]


def main() -> None:
    """Work until the standard input ends; then leave at once, also in the middle of a job."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not come between the answers
    lock = threading.Lock()

    def send(kind: str, content: Any) -> None:
        """Hand something back."""
        with lock:
            pickle.dump((kind, content), answers)
            answers.flush()

    while True:
        asked = _next(sys.stdin.buffer)
        if asked is None:
            os._exit(0)
        threading.Thread(target=_do, args=(*asked, send), daemon=True).start()


def _next(questions: IO[bytes]) -> tuple[Work, Job] | None:
    """Return the next work and job; None where the one who asks is gone."""
    try:
        work, job = pickle.load(questions)  # noqa: S301 - from the process that started this one
    except (EOFError, pickle.UnpicklingError):
        return None
    return work, job


def _do(work: Work, job: Job, send: Callable[[str, Any], None]) -> None:
    """Do one job and hand back what became of it; in a thread, so that Ctrl-C is not for it."""
    try:
        outcome: Outcome = work(job, rarely(lambda *stage: send("stage", stage)))
        send("ended", outcome)
    except BaseException:  # noqa: BLE001 - the one who asked must hear that nothing comes
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    main()
