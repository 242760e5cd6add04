"""Whether an older result is one of the same scenario and the same inputs."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from siting.errors import SitingError
from siting.inputs.sources import sha256
from siting.phasing import read_rules
from siting.standards import packaged_standards

if TYPE_CHECKING:
    from pathlib import Path

    from siting.scenario import Scenario

__all__ = ["is_same"]

ALWAYS = ("run.json", "facilities.csv", "demand.csv", "units.csv", "audit.csv", "check.html")
ASKED = {
    "map": ("map.html",), "tables": ("tables.xlsx",), "geopackage": ("plan.gpkg",),
    "sheet": ("sheet.pdf", "sheet.png"), "report": ("report.docx", "report.html"),
    "atlas": ("atlas.pdf", "atlas/index.csv"), "shapefile": ("shp/fields.csv",),
    "geojson": ("geojson/facilities.geojson",),
}  # fmt: skip
FINISHED = ("optimal", "gap", "time_limit")


def is_same(scenario: Scenario, folder: Path) -> bool:
    """
    Return whether a result folder holds a whole, uninterrupted plan of a scenario as it now is.

    Compared are every setting but the number of threads, the rules in force, the content of every
    input, the version of Siting, and that every output asked for is there.

    Parameters
    ----------
    scenario
        As read now.
    folder
        An older result; need not exist.
    """
    record = _record(folder)
    if not record or record.get("status") not in FINISHED:
        return False
    if record.get("versions", {}).get("siting") != version("siting"):
        return False
    wanted = [name for key, names in ASKED.items() if getattr(scenario.outputs, key)
              for name in names]  # fmt: skip
    if not all((folder / name).exists() for name in (*ALWAYS, *wanted)):
        return False
    now = json.loads(json.dumps(scenario.model_dump(mode="json", exclude_none=True)))
    settings = record["settings"]
    if _threadless(now) != _threadless(settings["scenario"]):
        return False
    written = (folder / "run.json").stat().st_mtime
    return _rules(scenario) == settings["rules"] and _same_inputs(scenario, record, written)


def _record(folder: Path) -> dict[str, Any]:
    """Return ``run.json`` of a folder; empty where there is none that can be read."""
    try:
        found = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _threadless(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a scenario without its number of threads."""
    solve = {key: value for key, value in settings["solve"].items() if key != "threads"}
    return settings | {"solve": solve}


def _rules(scenario: Scenario) -> dict[str, Any] | None:
    """Return the rules in force as a record holds them; None where they cannot be told."""
    if scenario.phases and scenario.standard not in packaged_standards():
        return None
    try:
        standard = read_rules(scenario, scenario.year).change(scenario.rules, where="rules")
    except SitingError:
        return None
    rules = {rule.id: rule.numbers() | {"enforce": rule.enforce} for rule in standard.rules}
    found: dict[str, Any] = json.loads(json.dumps(rules))
    return found


def _same_inputs(scenario: Scenario, record: dict[str, Any], written: float) -> bool:
    """Return whether every input holds what it held when a result was written."""
    for each in record["inputs"]:
        path = scenario.locate(each["path"])
        if not path.exists() or sha256(path) != each["sha256"]:
            return False
        beside = path.parent.glob(f"{path.stem}.*") if path.suffix.lower() == ".shp" else ()
        if any(part.stat().st_mtime > written for part in beside):
            return False
    return True
