"""Progress of long work: a line that moves on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from siting.texts import text

__all__ = ["reporter"]

Report = Callable[[str, float | None, float], None]
PLAIN_EVERY_S = 10.0


@contextmanager
def reporter(language: str, *, quiet: bool) -> Iterator[Report]:
    """
    Give a function that tells stage, gap and seconds left on stderr.

    Parameters
    ----------
    language
        ``zh`` or ``en``.
    quiet
        True: tell nothing.
    """
    if quiet:
        yield lambda *_: None
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain(language)
        return
    columns = (SpinnerColumn("line"), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def tell(stage: str, gap: float | None, left: float) -> None:
            bar.update(task, description=_line(language, stage, gap, left))

        yield tell


def _plain(language: str) -> Report:
    """Return a report that prints a line when the stage changes, and now and then within one."""
    last: dict[str, object] = {"stage": "", "time": 0.0}

    def tell(stage: str, gap: float | None, left: float) -> None:
        now = monotonic()
        if stage == last["stage"] and now - float(str(last["time"])) < PLAIN_EVERY_S:
            return
        last["stage"], last["time"] = stage, now
        print(_line(language, stage, gap, left), file=sys.stderr, flush=True)  # noqa: T201

    return tell


def _line(language: str, stage: str, gap: float | None, left: float) -> str:
    """Return stage, gap and time left in words."""
    words = text(f"progress.{stage}", language)
    if gap is not None:
        words += text("progress.gap", language, gap=gap)
    if left > 0:
        words += text("progress.left", language, left=left)
    return words
