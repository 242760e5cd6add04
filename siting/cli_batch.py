"""The commands of many scenarios at once: ``batch`` and ``province``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from siting.cli_options import (
    CACHE,
    DEFAULT_LANGUAGE,
    EXIT_INTERRUPTED,
    EXIT_UNMET,
    EXIT_WRONG,
    LANG,
    STRICT,
    TIME_LIMIT,
    Settings,
    changed_keys,
    errors_told,
    spoken_command,
    spoken_option,
)
from siting.progress import batch_reporter

if TYPE_CHECKING:
    from collections.abc import Callable

    from siting.batch import Batch

__all__ = ["batch", "province"]


def _many(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of many scenarios at once."""
    whole, path = click.IntRange(min=1), click.Path(path_type=Path)
    options = [
        click.argument(
            "scenarios", type=path, nargs=-1, required=True,
            metavar="SCENARIO...",
        ),
        spoken_option("--workers", type=whole, metavar="N", about="option_workers"),
        spoken_option("--scheduler", metavar="ADDRESS", about="option_scheduler"),
        spoken_option("--threads", type=whole, metavar="N", about="option_threads"),
        spoken_option(
            "--retries", type=click.IntRange(min=0), default=2, metavar="N", about="option_retries"
        ),
        spoken_option("--out", type=path, metavar="DIR", about="option_out_batch"),
        spoken_option("--data", type=path, metavar="DIR", about="option_data"),
        spoken_option("--set", "settings", multiple=True, metavar="KEY=VALUE", about="option_set"),
        *CACHE,
        TIME_LIMIT,
        STRICT,
        spoken_option("--quiet", is_flag=True, about="option_quiet"),
        LANG,
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@spoken_command("batch")
@_many
@spoken_option("--resume", is_flag=True, about="option_resume")
def batch(
    *, scenarios: tuple[Path, ...], out: Path | None, settings: Settings, quiet: bool,
    lang: str | None, time_limit: float | None, strict: bool, **crew: Any,
) -> None:  # fmt: skip
    """Plan many scenarios at once, here or on a cluster."""
    from siting.batch import batch as plan_all
    from siting.batch.words import batch_lines

    language = lang or DEFAULT_LANGUAGE
    with errors_told(language):
        changes = changed_keys(settings, lang, time_limit)
        with batch_reporter(language, quiet=quiet) as progress:
            done = plan_all(
                scenarios, out or Path("runs/batch"), changes=changes, language=lang,
                progress=progress, **crew,
            )  # fmt: skip
    _leave_batch(done, batch_lines(done, language), quiet=quiet, strict=strict)


@spoken_command("province")
@_many
@spoken_option("--budget", type=float, required=True, metavar="WAN_YUAN", about="option_budget")
@spoken_option(
    "--points", type=click.IntRange(min=2), default=8, metavar="N", about="option_points"
)
def province(
    *, scenarios: tuple[Path, ...], out: Path | None, settings: Settings, quiet: bool,
    lang: str | None, time_limit: float | None, strict: bool, budget: float, **crew: Any,
) -> None:  # fmt: skip
    """Share one budget over many places, and plan each with its share."""
    from siting.batch import share_budget
    from siting.batch.words import province_lines

    language = lang or DEFAULT_LANGUAGE
    with errors_told(language):
        changes = changed_keys(settings, lang, time_limit)
        with batch_reporter(language, quiet=quiet) as progress:
            done = share_budget(
                scenarios, out or Path("runs/province"), budget_wan_yuan=budget, changes=changes,
                language=lang, progress=progress, **crew,
            )  # fmt: skip
    _leave_batch(done.batch, province_lines(done, language), quiet=quiet, strict=strict)


def _leave_batch(done: Batch, lines: list[str], *, quiet: bool, strict: bool) -> None:
    """Print the summary of a batch, and exit with the code that it asks for."""
    for line in lines:
        if not quiet:
            click.echo(line)
    if quiet:
        for entry in done.failed:
            click.echo(entry.message, err=True)
    if done.interrupted:
        sys.exit(EXIT_INTERRUPTED)
    if done.failed:
        sys.exit(EXIT_WRONG)
    if strict and any(entry.facts["enforced_rules_unmet"] for entry in done.entries):
        sys.exit(EXIT_UNMET)
