"""What the commands share: options in both languages, the group, errors on their way out."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from siting.errors import ScenarioError, SitingError
from siting.texts import LANGUAGES, text
from siting.yaml_file import parse_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "CACHE",
    "DEFAULT_LANGUAGE",
    "EXIT_INTERRUPTED",
    "EXIT_UNMET",
    "EXIT_WRONG",
    "LANG",
    "STRICT",
    "TIME_LIMIT",
    "CommandGroup",
    "Settings",
    "changed_keys",
    "errors_told",
    "in_both",
    "spoken_command",
    "spoken_option",
]

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


class CommandGroup(click.Group):
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


def in_both(key: str) -> str:
    """Return a text of the command line in both languages, a line for each."""
    return "\b\n" + "\n".join(text(f"cli.{key}", language) for language in LANGUAGES)


def spoken_option(*names: str, about: str, **settings: Any) -> Callable[..., Any]:
    """Return an option that is explained in both languages."""
    return click.option(*names, help=in_both(about), **settings)


def spoken_command(name: str) -> Callable[..., Any]:
    """Return a command that is explained in both languages."""
    return click.command(name, help=in_both(f"help_{name}"), short_help=in_both(f"help_{name}"))


LANG = spoken_option("--lang", type=click.Choice(LANGUAGES), about="option_lang")
STRICT = spoken_option("--strict", is_flag=True, about="option_strict")
TIME_LIMIT = spoken_option(
    "--time-limit", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
    about="option_time_limit",
)  # fmt: skip


def _use_cache(_: click.Context, option: click.Parameter, value: Any) -> None:
    """Say in the environment where the cache lies, so that worker processes know it too."""
    if value:
        os.environ[CACHE_SWITCH] = "off" if option.name == "no_cache" else str(value)


CACHE = (
    spoken_option(
        "--cache", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
        about="option_cache", callback=_use_cache, expose_value=False,
    ),
    spoken_option(
        "--no-cache", is_flag=True, about="option_no_cache", callback=_use_cache,
        expose_value=False,
    ),
)  # fmt: skip


@contextmanager
def errors_told(language: str | None) -> Iterator[None]:
    """Turn our errors into one message and exit code 2, Ctrl-C into 130."""
    try:
        yield
    except SitingError as error:
        spoken = language or error.language
        raise _Told(error.render(spoken), spoken) from error
    except KeyboardInterrupt:
        click.echo(text("cli.interrupted_early", language or DEFAULT_LANGUAGE), err=True)
        sys.exit(EXIT_INTERRUPTED)


def changed_keys(
    settings: Settings, lang: str | None, limit: float | None
) -> list[tuple[str, Any]]:
    """Return what ``--set`` and the other options change, as dotted keys and values."""
    pairs = []
    for each in settings:
        key, sign, value = each.partition("=")
        if not sign or not key.strip():
            raise ScenarioError.of("setting_form", "--set", found=each)
        pairs.append((key.strip(), parse_value(value)))
    pairs += [("solve.time_limit_s", limit)] if limit is not None else []
    return pairs + ([("language", lang)] if lang is not None else [])
