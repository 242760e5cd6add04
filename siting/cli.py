"""The command line: parse, call, print."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from siting.cli_batch import batch, province
from siting.cli_options import (
    CACHE,
    DEFAULT_LANGUAGE,
    EXIT_INTERRUPTED,
    EXIT_UNMET,
    LANG,
    STRICT,
    TIME_LIMIT,
    CommandGroup,
    Settings,
    changed_keys,
    errors_told,
    in_both,
    spoken_command,
    spoken_option,
)
from siting.errors import OutputError
from siting.progress import reporter
from siting.scenario_file import read_scenario, scenario_schema
from siting.texts import percent, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from siting.run import Plan
    from siting.standards import Joined, Rule

__all__ = ["main"]


def _shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that run, check and audit share."""
    options = [
        click.argument("scenario", type=click.Path(path_type=Path)),
        spoken_option("--out", type=click.Path(path_type=Path), metavar="DIR", about="option_out"),
        spoken_option(
            "--data", type=click.Path(path_type=Path), metavar="DIR", about="option_data"
        ),
        spoken_option("--set", "settings", multiple=True, metavar="KEY=VALUE", about="option_set"),
        *CACHE,
        spoken_option("--quiet", is_flag=True, about="option_quiet"),
        LANG,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group(
    cls=CommandGroup,
    help=in_both("help_siting"),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="siting")
def main() -> None:
    """Place elder-care facilities so that the published standards hold."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


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


@spoken_command("run")
@_shared
@TIME_LIMIT
@spoken_option(
    "--start", type=click.Path(path_type=Path), metavar="DIR|GPKG|CSV", about="option_start"
)
@STRICT
def run(
    *, scenario: Path, out: Path | None, data: Path | None, settings: Settings, quiet: bool,
    lang: str | None, time_limit: float | None, start: Path | None, strict: bool,
) -> None:  # fmt: skip
    """Check the inputs, plan, audit, and write all outputs."""
    begun = perf_counter()
    with errors_told(lang):
        asked = read_scenario(scenario, data=data, changes=changed_keys(settings, lang, time_limit))
        with errors_told(asked.language):
            folder = _folder(out, scenario)
            _open_folder(folder)
            from siting.inputs.layout import read_layout
            from siting.run import plan, write_plan

            older = None if start is None else read_layout(start, where="--start")
            with reporter(asked.language, quiet=quiet) as progress:
                done = plan(asked, start=older, progress=progress)
                write_plan(done, folder, progress=progress, begun=begun)
        _leave(done, folder, quiet=quiet, strict=strict)


@spoken_command("audit")
@_shared
@spoken_option(
    "--layout", type=click.Path(path_type=Path), metavar="DIR|GPKG|CSV", about="option_layout"
)
@STRICT
def audit(
    *, scenario: Path, out: Path | None, data: Path | None, settings: Settings, quiet: bool,
    lang: str | None, layout: Path | None, strict: bool,
) -> None:  # fmt: skip
    """Judge the existing facilities, or a given layout; solve nothing."""
    begun = perf_counter()
    with errors_told(lang):
        asked = read_scenario(scenario, data=data, changes=changed_keys(settings, lang, None))
        with errors_told(asked.language):
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


@spoken_command("check")
@_shared
def check(
    *, scenario: Path, out: Path | None, data: Path | None, settings: Settings, quiet: bool,
    lang: str | None,
) -> None:  # fmt: skip
    """Read and check all inputs; solve nothing."""
    with errors_told(lang):
        from siting.check import check_inputs

        changes = changed_keys(settings, None, None)
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


@spoken_command("standards")
@click.argument("standard", required=False)
@spoken_option("--year", type=int, default=2025, show_default=True, about="option_year")
@LANG
def standards(*, standard: str | None, year: int, lang: str | None) -> None:
    """List the packaged standards, or the rules of one."""
    from siting.standards import packaged_standards, read_standard

    language = lang or DEFAULT_LANGUAGE
    with errors_told(language):
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


@spoken_command("schema")
def schema() -> None:
    """Print the JSON Schema of the scenario file."""
    click.echo(scenario_schema())


@spoken_command("new")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@LANG
def new(*, folder: Path, lang: str | None) -> None:
    """Write a commented starter project."""
    from siting.starter import write_starter

    language = lang or DEFAULT_LANGUAGE
    with errors_told(language):
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


for _each in (run, audit, check, batch, province, standards, schema, new):
    main.add_command(_each)

if __name__ == "__main__":
    main()
