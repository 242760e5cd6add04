"""
The errors of Siting, on one page.

::

    SitingError
    ├── InputError (ValueError)      a planner's file cannot be used as it is
    │   ├── MissingColumnError       a named column is not there
    │   ├── DuplicateIdError         one id stands for two things
    │   ├── CrsError                 no, wrong or unusable coordinate system
    │   ├── EncodingError            text that no expected encoding reads
    │   └── EmptyInputError          a file or layer without usable rows
    ├── StandardError (ValueError)   malformed, unsourced or contradictory standard
    ├── ScenarioError (ValueError)   unknown key, wrong value, conflicting change
    ├── OutputError (OSError)        a result folder or file cannot be written
    ├── ClusterError                 a cluster cannot be used for a batch
    ├── UnsolvedError                the solver stopped with nothing, or contradicted itself
    └── AuditError                   only from ``Audit.raise_if_unmet()``

Every error holds faults; a fault knows where it is, what was expected, what was found and what to
do, and speaks either language::

    try:
        plan = siting.plan(scenario)
    except siting.SitingError as error:
        print(error.render("en"))
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from siting.texts import catalogue, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = [
    "AuditError",
    "ClusterError",
    "CrsError",
    "DuplicateIdError",
    "EmptyInputError",
    "EncodingError",
    "Fault",
    "InputError",
    "MissingColumnError",
    "OutputError",
    "ScenarioError",
    "SitingError",
    "StandardError",
    "UnsolvedError",
    "nearest_file",
    "nearest_name",
]

FIRST = 5


@dataclass(frozen=True)
class Fault:
    """
    One thing that is wrong.

    Attributes
    ----------
    code
        Name of the sentence in ``texts/errors.yaml``.
    where
        File, layer, column or key.
    values
        What the sentence's placeholders stand for; a tuple holds several, each the code of a text
        ``expect_…`` or what needs no words.
    examples
        Ids or rows concerned; the first five are shown and all are counted.
    """

    code: str
    where: str
    values: dict[str, Any] = field(default_factory=dict)
    examples: tuple[str, ...] = ()

    def render(self, language: str) -> str:
        """Return the sentence in ``zh`` or ``en``, with the count and the first five examples."""
        shown = ", ".join(self.examples[:FIRST]) + (" …" if len(self.examples) > FIRST else "")
        many = (
            text("errors.examples", language, count=len(self.examples), shown=shown)
            if self.examples
            else ""
        )
        values = {key: _in_words(value, language) for key, value in self.values.items()}
        sentence = text(f"errors.{self.code}", language, many=many, **values)
        return f"{self.where}{text('errors.colon', language)}{sentence}"


def _in_words(value: Any, language: str) -> Any:
    """Return a value as a sentence shows it: a tuple of codes in words."""
    if not isinstance(value, tuple):
        return value
    words = [(each, f"errors.expect_{each}") for each in value]
    return " | ".join(text(key, language) if key in catalogue() else each for each, key in words)


class SitingError(Exception):
    """
    Base of all errors of Siting.

    Parameters
    ----------
    *faults
        What is wrong; one or more.

    Attributes
    ----------
    language
        Language of ``str(error)``: ``zh`` unless set.
    """

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)
        self.faults = faults
        self.language = "zh"

    @classmethod
    def of(
        cls, code: str, where: object, examples: Iterable[object] = (), **values: object
    ) -> SitingError:
        """Return an error of one fault."""
        return cls(Fault(code, str(where), values, tuple(str(item) for item in examples)))

    def render(self, language: str) -> str:
        """Return one line for each fault."""
        return "\n".join(fault.render(language) for fault in self.faults)

    def __str__(self) -> str:
        """Return what ``render`` says in the error's language."""
        return self.render(self.language)


class InputError(SitingError, ValueError):
    """A planner's file cannot be used as it is."""


class MissingColumnError(InputError):
    """A named column is not in the file."""


class DuplicateIdError(InputError):
    """One id stands for two things."""


class CrsError(InputError):
    """No, wrong or unusable coordinate system."""


class EncodingError(InputError):
    """Text that no expected encoding reads."""


class EmptyInputError(InputError):
    """A file or layer without usable rows."""


class StandardError(SitingError, ValueError):
    """Malformed, unsourced or contradictory standard."""


class ScenarioError(SitingError, ValueError):
    """Unknown key, wrong value or conflicting change in a scenario."""


class OutputError(SitingError, OSError):
    """A result folder or file cannot be written."""


class ClusterError(SitingError):
    """A cluster cannot be used for a batch: no Dask, no answer, no workers, unlike workers."""


class UnsolvedError(SitingError):
    """The solver stopped with nothing, or contradicted itself."""


class AuditError(SitingError):
    """A layout that does not meet an enforced rule, raised only on request."""


def nearest_name(name: str, known: Sequence[str]) -> str | None:
    """
    Return the known name most like a misspelt one, or None where nothing is like it.

    Examples
    --------
    >>> nearest_name("eldres", ["elders", "beds"])
    'elders'
    """
    lower = {item.lower(): item for item in known}
    close = get_close_matches(name.lower(), list(lower), n=1, cutoff=0.5)
    return lower[close[0]] if close else None


def nearest_file(path: Path) -> str | None:
    """Return the name in a path's folder most like its own, the suffix aside; None without one."""
    if not path.parent.is_dir():
        return None
    stems: dict[str, str] = {}
    for name in sorted(item.name for item in path.parent.iterdir()):
        stem = name.partition(".")[0]
        if stem not in stems or name.endswith(path.suffix):
            stems[stem] = name
    close = get_close_matches(path.name.partition(".")[0], list(stems), n=1, cutoff=0.7)
    return stems[close[0]] if close else None
