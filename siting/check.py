"""The data check: read everything, solve nothing, list what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from siting.classical import refuse_objective
from siting.errors import SitingError
from siting.outputs.build import density_frame
from siting.outputs.check_page import write_check
from siting.prepare import prepare
from siting.run import refuse_template
from siting.scenario_file import read_scenario
from siting.solve import refuse_locks_over_limits
from siting.tables import CheckLine, DataCheck, fault_lines

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Checked", "check_inputs"]


@dataclass(frozen=True)
class Checked:
    """
    What a data check found.

    Attributes
    ----------
    lines
        Findings in order; errors last.
    error
        What would stop a run, or None.
    language
        Of the scenario.
    """

    lines: list[CheckLine]
    error: SitingError | None
    language: str

    def counts(self) -> dict[str, int]:
        """Return the number of errors, warnings and notes."""
        found = [line.severity for line in self.lines]
        return {f"{each}s": found.count(each) for each in ("error", "warning", "info")}


def check_inputs(
    path: Path,
    folder: Path,
    *,
    data: Path | None = None,
    changes: list[tuple[str, Any]] | None = None,
    language: str | None = None,
) -> Checked:
    """
    Check a scenario and its files, and write ``check.html`` and ``check.csv``.

    An error is a finding too: the page is written with it, and it is returned.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    check = DataCheck()
    error, density, name, scenario = None, None, path.stem, None
    spoken = language or "zh"
    try:
        asked = [*(changes or []), *([("language", language)] if language else [])]
        scenario = read_scenario(path, data=data, changes=asked)
        spoken, name = scenario.language, scenario.name
        refuse_template(scenario)
        prepared = prepare(scenario, check=check)
        density = density_frame(prepared)
        refuse_locks_over_limits(prepared.problem)
        if scenario.objective is not None:
            refuse_objective(prepared)
    except SitingError as found:
        error = found
        if scenario is None:
            spoken = language or found.language
        error.language = spoken
        check.lines.extend(fault_lines(found))
    write_check(check, folder, name=name, language=spoken, density=density)
    return Checked(check.lines, error, spoken)
