"""The one way to run: files to problem, plan, audit, and outputs."""

from __future__ import annotations

import json
import platform
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import psutil

from siting.access import measure_access
from siting.audit import Audit, audit
from siting.classical import plan_objective
from siting.drawn import drawn_layout, older_plan
from siting.errors import ScenarioError, SitingError
from siting.inputs.layout import standing
from siting.outputs.atlas import begun_atlas
from siting.outputs.build import build_frames, record_of
from siting.outputs.check_page import write_check
from siting.outputs.exchange import write_geojson, write_shapefiles
from siting.outputs.folder import written_folder
from siting.outputs.geopackage import write_geopackage
from siting.outputs.map import make_map, write_map
from siting.outputs.money import money_frame
from siting.outputs.result import key_figures
from siting.outputs.sheet import write_sheet
from siting.outputs.tables import write_csv_tables, write_workbook
from siting.prepare import Prepared, prepare
from siting.solve import Progress, Solution, solve
from siting.study import PhasePlan, coverage_cost_curve, plan_phases

if TYPE_CHECKING:
    from collections.abc import Iterator

    import folium
    import pandas as pd

    from siting.outputs.frames import Frames
    from siting.problem import Layout
    from siting.scenario import Scenario
    from siting.tables import DataCheck

__all__ = ["Plan", "audit_layout", "plan", "refuse_template", "write_plan"]

LIBRARIES = (
    "siting", "geopandas", "highspy", "numba", "numpy", "osmnx", "pandas", "pulp", "pyogrio",
    "pyproj", "rasterio", "scipy", "shapely",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """
    Everything of one run.

    Attributes
    ----------
    prepared
        The problem and the tables behind it; ``prepared.check`` is the data check.
    layout
        What stands where.
    solution
        Stages with value, bound and gap; None where a layout was only judged.
    existing_audit, audit
        Findings on the existing state and on the layout.
    tables
        The tables that every output reads.
    phases
        What stands in each phase, the last one being the plan; without phases it alone.
    """

    prepared: Prepared
    layout: Layout
    solution: Solution | None
    existing_audit: Audit
    audit: Audit
    tables: Frames
    phases: tuple[PhasePlan, ...] = ()

    @property
    def problem(self) -> Any:
        """The problem that the layout is for."""
        return self.prepared.problem

    @property
    def scenario(self) -> Scenario:
        """The scenario that was run."""
        return self.prepared.scenario

    @property
    def record(self) -> dict[str, Any]:
        """What ``run.json`` holds."""
        return self.tables.record

    @property
    def figures(self) -> dict[str, Any]:
        """What plans are compared by, under the names of ``batch.csv``."""
        return key_figures(self.record)

    def map(self) -> folium.Map:
        """Return the map; a notebook shows it."""
        return make_map(self.tables)


def plan(
    scenario: Scenario,
    *,
    start: pd.DataFrame | None = None,
    progress: Progress | None = None,
    check: DataCheck | None = None,
) -> Plan:
    """
    Plan a scenario: read, check, place, measure, solve, audit.

    Parameters
    ----------
    scenario
        As read by ``read_scenario``.
    start
        Facilities of an older plan to start from, as ``audit_layout`` takes a layout: after a lock,
        a moved site or another price the search begins near its end.
    progress
        Called with the stage, its gap so far and the seconds left.
    check
        Takes the lines of the data check.

    Returns
    -------
    plan
        Layout, proof, audit and tables; always complete.

    Raises
    ------
    SitingError
        If an input is wrong; nothing has been written.
    """
    begun = perf_counter()
    tell = progress or _silent
    with _speaking(scenario.language):
        if start is not None and scenario.objective is not None:
            raise ScenarioError.of("objective_start", "objective")
        refuse_template(scenario)
        tell("prepare", None, scenario.solve.time_limit_s)
        prepared = prepare(scenario, check=check)
        like = None if start is None else older_plan(prepared, standing(start))
        if scenario.objective is None:
            solution = solve(
                prepared.problem, settings=scenario.solve, start=like, progress=progress
            )
        else:
            solution = plan_objective(prepared, progress=progress)
        tell("audit", None, 0.0)
        return _complete(prepared, solution.layout, solution, begun, progress)


def audit_layout(
    scenario: Scenario,
    *,
    layout: pd.DataFrame | None = None,
    check: DataCheck | None = None,
) -> Plan:
    """
    Judge the existing facilities, or a given layout; solve nothing.

    Parameters
    ----------
    scenario
        As read by ``read_scenario``.
    layout
        Facilities that stand, as ``plan.tables.facilities`` has them: columns ``id`` and ``beds``,
        optional ``nursing_beds``, ``dementia_beds``, ``functions``, ``x``, ``y`` in the scenario's
        system and ``status``. A site that the scenario does not know needs coordinates. What is
        not listed, ``closed`` or ``reserved`` does not stand. None: the existing facilities.
    check
        Takes the lines of the data check.

    Returns
    -------
    plan
        The layout with its audits and tables; ``solution`` is None.

    Raises
    ------
    SitingError
        If an input is wrong, or an unknown facility of the layout has no coordinates.
    """
    begun = perf_counter()
    with _speaking(scenario.language):
        refuse_template(scenario)
        layout = None if layout is None else standing(layout)
        prepared = prepare(scenario, check=check, drawn=layout)
        judged = (
            prepared.problem.existing_layout() if layout is None else drawn_layout(prepared, layout)
        )
        return _complete(prepared, judged, None, begun)


def _complete(
    prepared: Prepared,
    layout: Layout,
    solution: Solution | None,
    begun: float,
    progress: Progress | None = None,
) -> Plan:
    """Return the plan with its earlier phases, its audits and tables."""
    existing = audit(prepared, prepared.problem.existing_layout(), state="existing")
    judged = audit(prepared, layout, state="plan")
    last = PhasePlan(prepared.scenario.year, prepared, layout, solution, judged)
    phases = (last,) if solution is None else plan_phases(last, progress=progress)
    money = money_frame(phases)
    access = measure_access(prepared, existing, judged)
    curve = coverage_cost_curve(prepared.problem, layout) if solution is not None else None
    record = record_of(
        prepared, layout, existing=existing, plan=judged, solution=solution, phases=phases,
        money=money, access=access,
        seconds=perf_counter() - begun, peak_memory_mb=_peak_memory_mb(), versions=_versions(),
    )  # fmt: skip
    tables = build_frames(
        prepared, layout, existing=existing, plan=judged, curve=curve, phases=phases, money=money,
        access=access, record=record,
    )  # fmt: skip
    return Plan(prepared, layout, solution, existing, judged, tables, phases)


def write_plan(
    done: Plan, folder: str | Path, *, progress: Progress | None = None, begun: float | None = None
) -> Path:
    """
    Write all outputs of a plan; the old result stays whole until the new one is complete.

    Parameters
    ----------
    done
        A plan.
    folder
        Result folder; replaced if it holds an older result, refused if it holds anything else.
    progress
        Called with the name of each output.
    begun
        ``perf_counter()`` at the start of the whole command, for ``seconds`` in ``run.json``.

    Returns
    -------
    folder
        The result folder.

    Raises
    ------
    OutputError
        If the folder cannot be written or holds what is no result.
    """
    tell = progress or _silent
    wanted, language = done.scenario.outputs, done.scenario.language
    tables = done.tables
    with _speaking(language), written_folder(Path(folder)) as part, ExitStack() as beside:
        # Other processes draw while this one writes the rest.
        finish = beside.enter_context(begun_atlas(tables, part)) if wanted.atlas else None
        tell("tables", None, 0.0)
        write_csv_tables(tables, part)
        write_check(
            done.prepared.check, part, name=done.scenario.name, language=language,
            density=tables.density,
        )  # fmt: skip
        if wanted.tables:
            write_workbook(tables, part / "tables.xlsx", rows=wanted.workbook_rows)
        _write_layers(done, part, tell)
        if wanted.map:
            tell("map", None, 0.0)
            write_map(tables, part / "map.html")
        if wanted.sheet:
            tell("sheet", None, 0.0)
            write_sheet(tables, part)
        if wanted.report:
            tell("report", None, 0.0)
            _write_report(done, part)
        if finish is not None:
            tell("atlas", None, 0.0)
            finish()
        record = dict(done.record)
        record["seconds"] = perf_counter() - begun if begun is not None else record["seconds"]
        record["peak_memory_mb"] = _peak_memory_mb()
        content = json.dumps(record, ensure_ascii=False, indent=2, allow_nan=False)
        (part / "run.json").write_text(content + "\n", encoding="utf-8")
    return Path(folder)


def _write_layers(done: Plan, folder: Path, tell: Progress) -> None:
    """Write the layers in every form that is wanted."""
    wanted = done.scenario.outputs
    if wanted.geopackage:
        tell("geopackage", None, 0.0)
        write_geopackage(done.tables, folder / "plan.gpkg")
    if wanted.shapefile:
        tell("shapefile", None, 0.0)
        write_shapefiles(done.tables, folder)
    if wanted.geojson:
        tell("geojson", None, 0.0)
        write_geojson(done.tables, folder)


def _write_report(done: Plan, folder: Path) -> None:
    """Write the report."""
    from siting.outputs.report import write_report  # noqa: PLC0415 - Word is loaded for it alone

    wanted = done.scenario.outputs
    named = wanted.report_template
    template = None if named is None else done.scenario.locate(named)
    write_report(done.tables, folder, rows=wanted.report_rows, template=template)


def refuse_template(scenario: Scenario) -> None:
    """
    Refuse a template of the report that cannot be used, before anything is solved.

    Raises
    ------
    InputError
        If it is missing, no Word document, or its placeholders are not what a report has.
    """
    wanted = scenario.outputs
    if not wanted.report or wanted.report_template is None:
        return
    from siting.outputs.report import read_template  # noqa: PLC0415 - Word is loaded for it alone

    read_template(scenario.locate(wanted.report_template))


def _silent(stage: str, gap: float | None, left: float) -> None:
    """Tell no one."""


@contextmanager
def _speaking(language: str) -> Iterator[None]:
    """Let errors speak the scenario's language."""
    try:
        yield
    except SitingError as error:
        error.language = language
        raise


def _versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that shape the result."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def _peak_memory_mb() -> float:
    """Return the most memory that this process has held, in MB."""
    if sys.platform == "win32":
        return float(psutil.Process().memory_info().peak_wset) / 2**20
    import resource  # noqa: PLC0415 - Windows has no such module

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak) / (2**20 if sys.platform == "darwin" else 2**10)
