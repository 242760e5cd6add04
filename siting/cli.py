"""The command line: parse, call, print."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from siting.errors import SitingError
from siting.progress import reporter
from siting.scenario_file import parse_value, read_scenario, scenario_schema
from siting.texts import text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from siting.run import Plan
    from siting.scenario import Scenario

__all__ = ["main"]

EXIT_OK, EXIT_UNMET, EXIT_WRONG, EXIT_INTERRUPTED = 0, 1, 2, 130


class _Stop(click.ClickException):
    """An error of ours on its way out: one clear message, exit code 2."""

    exit_code = EXIT_WRONG

    def __init__(self, error: SitingError, language: str) -> None:
        super().__init__(error.render(language))
        self.language = language

    def show(self, file: Any = None) -> None:
        """Print the message on stderr."""
        click.echo(f"{text('cli.error', self.language)} {self.message}", err=True, file=file)


def _settings(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> Any:
    """Return ``--set key=value`` pairs, values read as YAML."""
    pairs = []
    for each in values:
        key, sign, value = each.partition("=")
        if not sign or not key.strip():
            raise click.BadParameter(f"{each!r}: KEY=VALUE", context, parameter)
        try:
            pairs.append((key.strip(), parse_value(value)))
        except SitingError as error:
            raise _Stop(error, "zh") from error
    return pairs


def _shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that run, check and audit share."""
    options = [
        click.argument("scenario", type=click.Path(path_type=Path)),
        click.option("--out", type=click.Path(path_type=Path), help="Result folder; default runs/<scenario>."),
        click.option("--data", type=click.Path(path_type=Path), help="Where relative paths start."),
        click.option(
            "--set", "changes", multiple=True, metavar="KEY=VALUE", callback=_settings,
            help="Change one setting, for instance solve.gap=0.01; repeatable.",
        ),
        click.option("--quiet", is_flag=True, help="Show no progress."),
        click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of all that is said."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="siting")
def main() -> None:
    """Place elder-care facilities so that the published standards hold."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


@contextmanager
def _told(language: str | None) -> Iterator[None]:
    """Turn our errors into one message and exit code 2, Ctrl-C into 130."""
    try:
        yield
    except SitingError as error:
        raise _Stop(error, language or error.language) from error
    except KeyboardInterrupt:
        click.echo(text("cli.interrupted_early", language or "zh"), err=True)
        sys.exit(EXIT_INTERRUPTED)


def _read(
    path: Path, data: Path | None, changes: list[tuple[str, Any]], lang: str | None
) -> Scenario:
    """Return the scenario of the command."""
    asked = [*changes, *([("language", lang)] if lang else [])]
    return read_scenario(path, data=data, changes=asked)


def _folder(out: Path | None, scenario: Path) -> Path:
    """Return the result folder."""
    return out if out is not None else Path("runs") / scenario.stem


@main.command()
@_shared
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Limit on the whole solve.",
)
@click.option("--strict", is_flag=True, help="Exit with 1 when an enforced rule is unmet.")
def run(
    *, scenario: Path, out: Path | None, data: Path | None, changes: list[tuple[str, Any]],
    quiet: bool, lang: str | None, time_limit: float | None, strict: bool,
) -> None:  # fmt: skip
    """Check the inputs, plan, audit, and write all outputs."""
    begun = perf_counter()
    with _told(lang):
        limit = [("solve.time_limit_s", float(time_limit))] if time_limit is not None else []
        asked = _read(scenario, data, [*changes, *limit], lang)
        folder = _folder(out, scenario)
        from siting.outputs.folder import refuse_foreign
        from siting.run import plan, write_plan

        refuse_foreign(folder)
        with reporter(asked.language, quiet=quiet) as progress:
            done = plan(asked, progress=progress)
            write_plan(done, folder, progress=progress, begun=begun)
        if not quiet:
            _summary(done, folder)
        _leave(done, strict=strict)


@main.command()
@_shared
@click.option(
    "--layout",
    type=click.Path(path_type=Path),
    help="Result folder, GeoPackage or CSV with the facilities to judge.",
)
@click.option("--strict", is_flag=True, help="Exit with 1 when an enforced rule is unmet.")
def audit(
    *, scenario: Path, out: Path | None, data: Path | None, changes: list[tuple[str, Any]],
    quiet: bool, lang: str | None, layout: Path | None, strict: bool,
) -> None:  # fmt: skip
    """Judge the existing facilities, or a given layout; solve nothing."""
    begun = perf_counter()
    with _told(lang):
        asked = _read(scenario, data, changes, lang)
        folder = _folder(out, scenario)
        from siting.inputs.layout import read_layout
        from siting.outputs.folder import refuse_foreign
        from siting.run import audit_layout, write_plan

        refuse_foreign(folder)
        table = read_layout(layout) if layout is not None else None
        with reporter(asked.language, quiet=quiet) as progress:
            done = audit_layout(asked, layout=table)
            write_plan(done, folder, progress=progress, begun=begun)
        if not quiet:
            _summary(done, folder)
        _leave(done, strict=strict)


@main.command()
@_shared
def check(
    *, scenario: Path, out: Path | None, data: Path | None, changes: list[tuple[str, Any]],
    quiet: bool, lang: str | None,
) -> None:  # fmt: skip
    """Read and check all inputs; solve nothing."""
    with _told(lang):
        from siting.check import check_inputs

        folder = _folder(out, scenario)
        found = check_inputs(scenario, folder, data=data, changes=changes, language=lang)
        counts = found.counts()
        if not quiet:
            for line in found.lines:
                mark = text(f"cli.mark_{line.severity}", found.language)
                click.echo(f"{mark} {line.where}: {line.render(found.language)}")
            click.echo(text("cli.checked", found.language, folder=folder.as_posix(), **counts))
        if found.error is not None:
            raise found.error


@main.command()
@click.argument("standard", required=False)
@click.option(
    "--year", type=int, default=2025, show_default=True, help="Year whose values are in force."
)
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
def standards(*, standard: str | None, year: int, lang: str) -> None:
    """List the packaged standards, or the rules of one."""
    from siting.standards import packaged_standards, read_standard

    with _told(lang):
        if standard is None:
            for name in packaged_standards():
                found = read_standard(name, year=year)
                click.echo(f"{name}\t{found.name[lang]}\t{found.source[lang]}")
            return
        found = read_standard(standard, year=year, folder=Path())
        click.echo(f"{found.id}  {found.name[lang]}\n{found.source[lang]}")
        for rule in found.rules:
            years = found.values[rule.id]
            values = "; ".join(f"{start}: {numbers}" for start, numbers in sorted(years.items()))
            enforced = text("cli.enforced" if rule.enforce else "cli.audited", lang)
            click.echo(
                f"\n{rule.id}  {rule.clause}  {text(f'kinds.{rule.legal_status}', lang)}  "
                f"{text(f'kinds.{rule.strength}', lang)}  {enforced}\n"
                f"  {rule.summary[lang]}\n  {rule.describe(lang)}\n"
                f"  {text('cli.reading', lang)} {rule.reading[lang]}\n"
                f"  {text('cli.values', lang)} {values}"
            )


@main.command()
def schema() -> None:
    """Print the JSON Schema of the scenario file."""
    click.echo(scenario_schema())


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
def new(*, folder: Path, lang: str) -> None:
    """Write a commented starter project."""
    from siting.starter import write_starter

    with _told(lang):
        written = write_starter(folder, language=lang)
        click.echo(text("cli.new", lang, folder=folder.as_posix()))
        for path in written:
            click.echo(f"  {path.relative_to(folder).as_posix()}")


def _summary(done: Plan, folder: Path) -> None:
    """Print what a planner looks at first."""
    record, language = done.record, done.scenario.language
    coverage, beds = record["coverage"], record["beds"]
    click.echo(
        text("cli.status", language, status=text(f"tables.run_{record['status']}", language))
    )
    if record["estimate"]:
        click.echo(
            text(
                "cli.estimate",
                language,
                method=text(f"tables.estimate_{record['estimate']}", language),
            )
        )
    for name in ("high", "medium"):
        click.echo(text(
            f"cli.coverage_{name}", language, elders=record["elders"][name],
            before=coverage["existing"][name], after=coverage["plan"][name],
            most=coverage["reachable"][name],
        ))  # fmt: skip
    click.echo(text("cli.beds", language, **beds))
    click.echo(text("cli.sites", language, cost=record["cost_wan_yuan"], **record["sites"]))
    click.echo(text("cli.audit", language, **record["audit"]["plan"]))
    shown = [each for each in ("map.html", "sheet.pdf", "tables.xlsx") if (folder / each).exists()]
    for each in shown or ["run.json"]:
        click.echo(text("cli.wrote", language, path=(folder / each).as_posix()))


def _leave(done: Plan, *, strict: bool) -> None:
    """Exit with the code that the result asks for."""
    if done.record["status"] == "interrupted":
        sys.exit(EXIT_INTERRUPTED)
    if strict and done.audit.unmet(enforced_only=True):
        sys.exit(EXIT_UNMET)


if __name__ == "__main__":
    main()
