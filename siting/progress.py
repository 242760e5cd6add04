"""Progress of long work: a line that moves on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from siting.batch import Entry
from siting.texts import text

__all__ = ["batch_reporter", "reporter"]

Report = Callable[[str, float | None, float], None]
BatchReport = Callable[[list[Entry]], None]
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


@contextmanager
def batch_reporter(language: str, *, quiet: bool) -> Iterator[BatchReport]:
    """
    Give a function that tells of many scenarios on stderr: what began, what ended, what runs.

    Parameters
    ----------
    language
        ``zh`` or ``en``.
    quiet
        True: tell nothing.
    """
    console = Console(stderr=True)
    news = _News(language)
    if quiet:
        yield lambda _: None
    elif not console.is_terminal:
        yield lambda entries: _print(news.lines(entries))
    else:
        columns = (SpinnerColumn("line"), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            yield _Moving(bar, news, language)


def _print(lines: list[str]) -> None:
    """Print lines on stderr."""
    for line in lines:
        print(line, file=sys.stderr, flush=True)  # noqa: T201


class _News:
    """What has not been told yet of the scenarios of a batch."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.told: dict[int, tuple[str, int]] = {}

    def lines(self, entries: list[Entry]) -> list[str]:
        """Return a line for each scenario that has begun, begun again or ended since."""
        lines = []
        ended = sum(each.state not in {"waiting", "running"} for each in entries)
        for number, entry in enumerate(entries):
            now = (entry.state, entry.attempts if entry.state == "running" else 0)
            if entry.state == "waiting":
                self.told.pop(number, None)
            elif self.told.get(number) != now:
                self.told[number] = now
                lines.append(self._line(entry, ended, len(entries)))
        return lines

    def _line(self, entry: Entry, ended: int, count: int) -> str:
        """Return what is new of one scenario."""
        if entry.state == "running":
            key = "batch.started" if entry.attempts == 1 else "batch.again"
            return text(key, self.language, scenario=entry.scenario, attempt=entry.attempts)
        told = {
            "ended": ended, "count": count, "scenario": entry.scenario,
            "state": text(f"batch.{entry.state}", self.language),
        }  # fmt: skip
        if entry.message:
            below = "\n".join(f"  {line}" for line in entry.message.splitlines())
            return f"{text('batch.ended_without', self.language, **told)}\n{below}"
        if "budgets_planned" in entry.facts:
            plans = entry.facts["budgets_planned"]
            return text("batch.ended_curve", self.language, **told, plans=plans)
        if "status" not in entry.facts:
            return text("batch.ended_without", self.language, **told)
        status = text(f"tables.run_{entry.facts['status']}", self.language)
        seconds = entry.facts["seconds"]
        return text("batch.ended", self.language, **told, status=status, seconds=seconds)


class _Moving:
    """A line for the batch and one for each scenario that runs, moving on a terminal."""

    def __init__(self, bar: Progress, news: _News, language: str) -> None:
        self.bar, self.news, self.language = bar, news, language
        self.whole = bar.add_task("", total=None)
        self.running: dict[int, TaskID] = {}

    def __call__(self, entries: list[Entry]) -> None:
        """Show where the scenarios are."""
        for line in self.news.lines(entries):
            self.bar.console.print(line, markup=False, highlight=False)
        ended = sum(each.state not in {"waiting", "running"} for each in entries)
        failed = sum(each.state in {"failed", "lost"} for each in entries)
        told = {"ended": ended, "count": len(entries), "failed": failed}
        self.bar.update(self.whole, description=text("batch.progress", self.language, **told))
        for number, entry in enumerate(entries):
            if entry.state == "running":
                stage = f"  {_line(self.language, *entry.stage)}" if entry.stage else ""
                if number not in self.running:
                    self.running[number] = self.bar.add_task("", total=None)
                shown = escape(f"{entry.scenario}{stage}")
                self.bar.update(self.running[number], description=f"  {shown}")
            elif number in self.running:
                self.bar.remove_task(self.running.pop(number))
