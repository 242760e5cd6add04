"""Every command and every piece of Python on the pages runs, page by page, from top to bottom."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tiny import write_tiny

from siting.cli import main

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
PAGES = [
    ROOT / name
    for name in ("README.md", "CONTRIBUTING.md", "docs/scenario.md",
                 "docs/how-to.md", "docs/classical.md", "docs/reach.md")
]  # fmt: skip
"""``README.zh.md`` has the same commands as ``README.md``; another test compares them."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _blocks(page: Path) -> list[tuple[str, str]]:
    """Return kind and content of every fenced block of a page."""
    return FENCE.findall(page.read_text(encoding="utf-8"))


def _commands(body: str) -> list[str]:
    """Return the commands of this program in a block."""
    return [line.strip() for line in body.splitlines() if line.strip().startswith("siting ")]


def _is_left_out(line: str) -> bool:
    """Return whether a command cannot be run here."""
    return "tcp://" in line or ("../shared" in line and not SHARED.is_dir())


def _code_of(line: str) -> int:
    """Return the code that a command ends with, as the pages say."""
    if "mycounty/" in line:
        return 2  # empty templates are errors
    return 1 if "--strict" in line else 0


def _project(folder: Path) -> Path:
    """Return a copy of the project's folder as far as the pages use it."""
    project = folder / "project"
    for name in ("scenarios", "data"):
        shutil.copytree(ROOT / name, project / name)
    for name in ("east", "west"):
        write_tiny(project / "counties" / name)
        variant = f"base: {name}/scenario.yaml\nname: {name}\n"
        (project / "counties" / f"{name}.yaml").write_text(variant, encoding="utf-8")
    if SHARED.is_dir():
        (folder / "shared").symlink_to(SHARED, target_is_directory=True)
    for _, body in _blocks(ROOT / "docs" / "how-to.md"):
        if "id: county-2024\n" in body:
            (project / "scenarios" / "county.yaml").write_text(body, encoding="utf-8")
    return project


def _run(line: str) -> None:
    """Run a command as the shell would, after what the page asks to be done before it."""
    words = shlex.split(line.partition(" > ")[0], comments=True)[1:]
    if "mylayout.gpkg" in words:
        shutil.copyfile("runs/sample/plan.gpkg", "mylayout.gpkg")
    done = CliRunner().invoke(main, words)
    assert done.exit_code == _code_of(line), f"{line}\n{done.output}"


def test_the_pages_have_commands_and_only_these_are_left_out() -> None:
    lines = [line for page in PAGES for _, body in _blocks(page) for line in _commands(body)]
    assert len(lines) > 35
    left = [line for line in lines if _is_left_out(line)]
    assert all("tcp://head:8786" in line or "scenarios/taipei" in line for line in left)
    rest = {page for page in ROOT.glob("docs/**/*.md") if page not in PAGES}
    assert [page.name for page in rest for _, body in _blocks(page) if _commands(body)] == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(_project(tmp_path))
    names: dict[str, Any] = {}
    for kind, body in _blocks(page):
        if kind == "python":
            exec(compile(body, page.name, "exec"), names)  # noqa: S102 - the page is ours
        for line in _commands(body) if kind == "" else ():
            if not _is_left_out(line):
                _run(line)
