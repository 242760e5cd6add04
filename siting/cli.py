"""The command line: parse, call, print."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from siting.errors import OutputError, ScenarioError, SitingError
from siting.progress import batch_reporter, reporter
from siting.scenario_file import read_scenario, scenario_schema
from siting.texts import LANGUAGES, percent, text
from siting.yaml_file import parse_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from siting.batch import Batch
    from siting.run import Plan
    from siting.standards import Joined, Rule

__all__ = ["main"]

EXIT_OK, EXIT_UNMET, EXIT_WRONG, EXIT_INTERRUPTED = 0, 1, 2, 130
DEFAULT_LANGUAGE = "zh"
CACHE_SWITCH = "SITING_CACHE"

Settings: TypeAlias = tuple[str, ...]


class _Told(click.ClickException):
    """An error of ours on its way out: one clear message on stderr, exit code 2."""

    exit_code = EXIT_WRONG

    def __init__(self, message: str, language: str) -> None:
        super().__init__(message)
        self.language = language

    def show(self, file: Any = None) -> None:
        """Print the message on stderr."""
        click.echo(f"{text('cli.error', self.language)}{self.message}", err=True, file=file)


class _Siting(click.Group):
    """The group of commands; what is wrong with a command is told in the language asked for."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command; a fault of its words is one message, and Ctrl-C ends with 130."""
        given = args[0] if args else options.get("args")
        words = list(sys.argv[1:] if given is None else given)
        try:
            code = super().main(*args, **options | {"standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            sys.exit(EXIT_WRONG)
        except click.UsageError as error:
            language = _asked_language(words)
            path = error.ctx.command_path if error.ctx is not None else "siting"
            said = error.format_message()
            _Told(text("cli.usage", language, path=path, found=said), language).show()
            sys.exit(EXIT_WRONG)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except click.Abort:
            sys.exit(EXIT_INTERRUPTED)
        sys.exit(code if isinstance(code, int) else EXIT_OK)


def _asked_language(words: list[str]) -> str:
    """Return the language that the words of a command ask for."""
    asked = [name for flag, name in pairwise(words) if flag == "--lang"]
    asked += [word.removeprefix("--lang=") for word in words if word.startswith("--lang=")]
    for language in asked:
        if language in LANGUAGES:
            return language
    return DEFAULT_LANGUAGE


def _both(key: str) -> str:
    """Return a text of the command line in both languages, a line for each."""
    return "\b\n" + "\n".join(text(f"cli.{key}", language) for language in LANGUAGES)


def _option(*names: str, about: str, **settings: Any) -> Callable[..., Any]:
    """Return an option that is explained in both languages."""
    return click.option(*names, help=_both(about), **settings)


def _command(name: str, group: click.Group) -> Callable[..., Any]:
    """Return a command that is explained in both languages."""
    return group.command(name, help=_both(f"help_{name}"), short_help=_both(f"help_{name}"))


LANG = _option("--lang", type=click.Choice(LANGUAGES), about="option_lang")
STRICT = _option("--strict", is_flag=True, about="option_strict")
TIME_LIMIT = _option(
    "--time-limit", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
    about="option_time_limit",
)  # fmt: skip


def _use_cache(_: click.Context, option: click.Parameter, value: Any) -> None:
    """Say in the environment where the cache lies, so that worker processes know it too."""
    if value:
        os.environ[CACHE_SWITCH] = "off" if option.name == "no_cache" else str(value)


CACHE = (
    _option(
        "--cache", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
        about="option_cache", callback=_use_cache, expose_value=False,
    ),
    _option(
        "--no-cache", is_flag=True, about="option_no_cache", callback=_use_cache,
        expose_value=False,
    ),
)  # fmt: skip


def _shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that run, check and audit share."""
    options = [
        click.argument("scenario", type=click.Path(path_type=Path)),
        _option("--out", type=click.Path(path_type=Path), metavar="DIR", about="option_out"),
        _option("--data", type=click.Path(path_type=Path), metavar="DIR", about="option_data"),
        _option("--set", "settings", multiple=True, metavar="KEY=VALUE", about="option_set"),
        *CACHE,
        _option("--quiet", is_flag=True, about="option_quiet"),
        LANG,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group(
    cls=_Siting, help=_both("help_siting"), context_settings={"help_option_names": ["-h", "--help"]}
)
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
        spoken = language or error.language
        raise _Told(error.render(spoken), spoken) from error
    except KeyboardInterrupt:
        click.echo(text("cli.interrupted_early", language or DEFAULT_LANGUAGE), err=True)
        sys.exit(EXIT_INTERRUPTED)


def _changes(settings: Settings, lang: str | None, limit: float | None) -> list[tuple[str, Any]]:
    """Return what ``--set`` and the other options change, as dotted keys and values."""
    pairs = []
    for each in settings:
        key, sign, value = each.partition("=")
        if not sign or not key.strip():
            raise ScenarioError.of("setting_form", "--set", found=each)
        pairs.append((key.strip(), parse_value(value)))
    pairs += [("solve.time_limit_s", limit)] if limit is not None else []
    return pairs + ([("language", lang)] if lang is not None else [])


def _folder(out: Path | None, scenario: Path) -> Path:
    """Return the result folder."""
    folder = out if out is not None else Path("runs") / scenario.stem
    return folder if folder.name not in {"", ".."} else folder.resolve()


def _open_folder(folder: Path) -> None:
    """Refuse a result folder that cannot be used, before any work is done."""
    from siting.outputs.folder import refuse_foreign

    try:
        refuse_foreign(folder)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError.of("out_not_writable", folder.name, found=error.strerror) from error


@_command("run", main)
@_shared
@TIME_LIMIT
@_option("--start", type=click.Path(path_type=Path), metavar="DIR|GPKG|CSV", about="option_start")
@STRICT
def run(
    *, scenario: Path, out: Path | None, data: Path | None, settings: Settings, quiet: bool,
    lang: str | None, time_limit: float | None, start: Path | None, strict: bool,
) -> None:  # fmt: skip
    """Check the inputs, plan, audit, and write all outputs."""
    begun = perf_counter()
    with _told(lang):
        asked = read_scenario(scenario, data=data, changes=_changes(settings, lang, time_limit))
        with _told(asked.language):
            folder = _folder(out, scenario)
            _open_folder(folder)
            from siting.inputs.layout import read_layout
            from siting.run import plan, write_plan

            older = None if start is None else read_layout(start, where="--start")
            with reporter(asked.language, quiet=quiet) as progress:
                done = plan(asked, start=older, progress=progress)
                write_plan(done, folder, progress=progress, begun=begun)
        _leave(done, folder, quiet=quiet, strict=strict)


@_command("audit", main)
@_shared
@_option("--layout", type=click.Path(path_type=Path), metavar="DIR|GPKG|CSV", about="option_layout")
@STRICT
def audit(
    *, scenario: Path, out: Path | None, data: Path | None, settings: Settings, quiet: bool,
    lang: str | None, layout: Path | None, strict: bool,
) -> None:  # fmt: skip
    """Judge the existing facilities, or a given layout; solve nothing."""
    begun = perf_counter()
    with _told(lang):
        asked = read_scenario(scenario, data=data, changes=_changes(settings, lang, None))
        with _told(asked.language):
            folder = _folder(out, scenario)
            _open_folder(folder)
            from siting.inputs.layout import read_layout
            from siting.run import audit_layout, write_plan

            with reporter(asked.language, quiet=quiet) as progress:
                progress("prepare", None, 0.0)
                table = read_layout(layout, crs=asked.crs) if layout is not None else None
                done = audit_layout(asked, layout=table)
                write_plan(done, folder, progress=progress, begun=begun)
        _leave(done, folder, quiet=quiet, strict=strict)


@_command("check", main)
@_shared
def check(
    *, scenario: Path, out: Path | None, data: Path | None, settings: Settings, quiet: bool,
    lang: str | None,
) -> None:  # fmt: skip
    """Read and check all inputs; solve nothing."""
    with _told(lang):
        from siting.check import check_inputs

        changes = _changes(settings, None, None)
        folder = _folder(out, scenario)
        found = check_inputs(scenario, folder, data=data, changes=changes, language=lang)
        if not quiet:
            colon = text("errors.colon", found.language)
            for line in found.lines:
                if line.severity != "error":
                    mark = text(f"cli.mark_{line.severity}", found.language)
                    said = line.render(found.language)
                    click.echo(f"{mark} {line.where}{colon}{said}")
            where = folder.as_posix()
            click.echo(text("cli.checked", found.language, folder=where, **found.counts()))
        if found.error is not None:
            raise found.error


def _many(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of many scenarios at once."""
    whole = click.IntRange(min=1)
    options = [
        click.argument(
            "scenarios", type=click.Path(path_type=Path), nargs=-1, required=True,
            metavar="SCENARIO...",
        ),
        _option("--workers", type=whole, metavar="N", about="option_workers"),
        _option("--scheduler", metavar="ADDRESS", about="option_scheduler"),
        _option("--threads", type=whole, metavar="N", about="option_threads"),
        _option(
            "--retries", type=click.IntRange(min=0), default=2, metavar="N", about="option_retries"
        ),
        _option("--out", type=click.Path(path_type=Path), metavar="DIR", about="option_out_batch"),
        _option("--data", type=click.Path(path_type=Path), metavar="DIR", about="option_data"),
        _option("--set", "settings", multiple=True, metavar="KEY=VALUE", about="option_set"),
        *CACHE,
        TIME_LIMIT,
        STRICT,
        _option("--quiet", is_flag=True, about="option_quiet"),
        LANG,
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@_command("batch", main)
@_many
@_option("--resume", is_flag=True, about="option_resume")
def batch(
    *, scenarios: tuple[Path, ...], out: Path | None, settings: Settings, quiet: bool,
    lang: str | None, time_limit: float | None, strict: bool, **crew: Any,
) -> None:  # fmt: skip
    """Plan many scenarios at once, here or on a cluster."""
    from siting.batch import batch as plan_all
    from siting.batch.words import batch_lines

    language = lang or DEFAULT_LANGUAGE
    with _told(language):
        changes = _changes(settings, lang, time_limit)
        with batch_reporter(language, quiet=quiet) as progress:
            done = plan_all(
                scenarios, out or Path("runs/batch"), changes=changes, language=lang,
                progress=progress, **crew,
            )  # fmt: skip
    _leave_batch(done, batch_lines(done, language), quiet=quiet, strict=strict)


@_command("province", main)
@_many
@_option("--budget", type=float, required=True, metavar="WAN_YUAN", about="option_budget")
@_option("--points", type=click.IntRange(min=2), default=8, metavar="N", about="option_points")
def province(
    *, scenarios: tuple[Path, ...], out: Path | None, settings: Settings, quiet: bool,
    lang: str | None, time_limit: float | None, strict: bool, budget: float, **crew: Any,
) -> None:  # fmt: skip
    """Share one budget over many places, and plan each with its share."""
    from siting.batch import share_budget
    from siting.batch.words import province_lines

    language = lang or DEFAULT_LANGUAGE
    with _told(language):
        changes = _changes(settings, lang, time_limit)
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


@_command("standards", main)
@click.argument("standard", required=False)
@_option("--year", type=int, default=2025, show_default=True, about="option_year")
@LANG
def standards(*, standard: str | None, year: int, lang: str | None) -> None:
    """List the packaged standards, or the rules of one."""
    from siting.standards import packaged_standards, read_standard

    language = lang or DEFAULT_LANGUAGE
    with _told(language):
        if standard is None:
            for name in packaged_standards():
                found = read_standard(name, year=year)
                click.echo(f"{name}\t{found.name[language]}\t{found.source[language]}")
            return
        found = read_standard(standard, year=year, folder=Path())
        click.echo(f"{found.id}  {found.name[language]}\n{found.source[language]}")
        if found.joined is not None:
            _tell_joined(found.joined, language)
        for rule in found.rules:
            _tell_rule(rule, found.values[rule.id], language)


def _tell_joined(joined: Joined, language: str) -> None:
    """Print what a standard makes of the one that it extends, with the rules concerned."""
    click.echo(text("cli.extends", language, base=joined.base, kept=len(joined.kept)))
    for name in ("changed", "added", "dropped"):
        if rules := getattr(joined, name):
            click.echo(f"  {text(f'cli.joined_{name}', language)} {', '.join(rules)}")


def _tell_rule(rule: Rule, values: dict[int, dict[str, Any]], language: str) -> None:
    """Print a rule with its clause, legal status, numbers in force and values by year."""
    status, strength = (
        text(f"kinds.{each}", language) for each in (rule.legal_status, rule.strength)
    )
    enforced = text("cli.enforced" if rule.enforce else "cli.audited", language)
    by_year = "; ".join(
        f"{start}: " + ", ".join(f"{key} = {value}" for key, value in numbers.items())
        for start, numbers in sorted(values.items())
    )
    click.echo(
        f"\n{rule.id}  {rule.clause}  {status}  {strength}  {enforced}\n"
        f"  {rule.summary[language]}\n  {rule.describe(language)}\n"
        f"  {text('cli.reading', language)} {rule.reading[language]}\n"
        f"  {text('cli.values', language)} {by_year}"
    )


@_command("schema", main)
def schema() -> None:
    """Print the JSON Schema of the scenario file."""
    click.echo(scenario_schema())


@_command("new", main)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@LANG
def new(*, folder: Path, lang: str | None) -> None:
    """Write a commented starter project."""
    from siting.starter import write_starter

    language = lang or DEFAULT_LANGUAGE
    with _told(language):
        written = write_starter(folder, language=language)
        click.echo(text("cli.new", language, folder=folder.as_posix()))
        for path in written:
            click.echo(f"  {path.relative_to(folder).as_posix()}")
        click.echo(text("cli.new_next", language, path=(folder / "scenario.yaml").as_posix()))


def _summary(done: Plan, folder: Path) -> None:
    """Print what a planner looks at first."""
    record, language = done.record, done.scenario.language
    coverage, beds = record["coverage"], record["beds"]
    click.echo(
        text("cli.status", language, status=text(f"tables.run_{record['status']}", language))
    )
    if record["objective"]:
        _tell_objective(done)
    if record["estimate"]:
        method = text(f"tables.estimate_{record['estimate']}", language)
        click.echo(text("cli.estimate", language, method=method))
    states = {"before": "existing", "after": "plan", "most": "reachable"}
    asked = [each for each in done.tables.distance_classes if record["elders"][each] > 0]
    for name in asked:
        shares = {word: percent(coverage[state][name]) for word, state in states.items()}
        click.echo(text(f"cli.coverage_{name}", language, elders=record["elders"][name], **shares))
    if not asked:
        click.echo(text("cli.coverage_none", language))
    by_unit = done.tables.info["beds_by_unit"]
    click.echo(text("cli.beds" if by_unit else "cli.beds_free", language, **beds))
    click.echo(text("cli.sites", language, cost=record["cost_wan_yuan"], **record["sites"]))
    for phase in record["phases"] if done.scenario.phases else []:
        click.echo(text("cli.phase", language, **phase))
    click.echo(text("cli.audit", language, **record["audit"]["plan"]))
    kinds = [each["kind"] for each in record["conflicts"]]
    if kinds:
        counts = ((text(f"conflicts.kind_{each}", language), each) for each in dict.fromkeys(kinds))
        told = text("kinds.comma", language).join(f"{word} {kinds.count(k)}" for word, k in counts)
        click.echo(text("cli.conflicts", language, told=told))
    shown = [
        each
        for each in ("map.html", "sheet.pdf", "atlas.pdf", "report.docx", "tables.xlsx")
        if (folder / each).exists()
    ]
    for each in shown or ["run.json"]:
        click.echo(text("cli.wrote", language, path=(folder / each).as_posix()))


def _tell_objective(done: Plan) -> None:
    """Print which classical model was asked, what it reached and whom it could not reach."""
    record, language = done.record, done.scenario.language
    click.echo(text("cli.objective", language, words=done.tables.info["objective"]))
    found = record["objective"]
    for stage in record["stages"]:
        name = text(f"tables.stage_{stage['name']}", language)
        numbers = {key: stage[key] for key in ("value", "bound", "gap")}
        click.echo(text("cli.objective_value", language, name=name, **numbers))
        if "cutoff_m" in found:
            click.echo(text("cli.objective_covered", language, **found))
        click.echo(text("cli.objective_out", language, **found))


def _leave(done: Plan, folder: Path, *, quiet: bool, strict: bool) -> None:
    """Print the summary, and exit with the code that the result asks for."""
    if not quiet:
        _summary(done, folder)
    if done.record["status"] == "interrupted":
        sys.exit(EXIT_INTERRUPTED)
    if strict and done.audit.unmet(enforced_only=True):
        sys.exit(EXIT_UNMET)


if __name__ == "__main__":
    main()
