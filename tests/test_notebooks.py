"""The notebooks run from top to bottom, on the sample and on Taipei, and carry no outputs."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SHEETS = ROOT / "notebooks" / "07-sheets-for-the-document.ipynb"
TAIPEI = ROOT.parent / "shared" / "cases" / "taipei"
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
quiet = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelManager]:
    """One kernel for all notebooks, as loading the libraries takes longer than most of them."""
    manager = KernelManager(kernel_name="python3")
    kept = {"SITING_CACHE": str(tmp_path_factory.mktemp("cache"))}
    manager.start_kernel(cwd=str(ROOT / "notebooks"), env=os.environ | kept)
    yield manager
    manager.shutdown_kernel(now=True)


def _cells(path: Path) -> list[Any]:
    """Return the cells of a notebook."""
    cells: list[Any] = nbformat.read(path, as_version=4).cells
    return cells


def _run(path: Path, kernel: KernelManager, **parameters: object) -> list[Any]:
    """Run a notebook from nothing, with some of its parameters set; return its outputs."""
    book = nbformat.read(path, as_version=4)
    place = next(cell for cell in book.cells if "parameters" in cell.metadata.get("tags", []))
    for name, value in parameters.items():
        assert f"{name} = " in place.source
        place.source += f"\n{name} = {value!r}"
    book.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
    client = NotebookClient(book, timeout=300, km=kernel)
    try:
        client.execute(cleanup_kc=False)
    finally:
        client.kc.stop_channels()
    return [output for cell in book.cells for output in cell.get("outputs", [])]


def _refuse_poor(outputs: list[Any]) -> None:
    """Refuse outputs with fewer than two pictures, or with a warning."""
    assert sum("image/png" in each.get("data", {}) for each in outputs) >= 2
    assert [each.text for each in outputs if each.get("name") == "stderr"] == []


def test_there_are_notebooks() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05", "06", "07"]
    page = (ROOT / "docs" / "how-to.md").read_text(encoding="utf-8")
    assert [path.name for path in NOTEBOOKS if f"`notebooks/{path.name}`" not in page] == []


@each_notebook
def test_notebook_has_no_outputs_and_asks_one_question(path: Path) -> None:
    cells = _cells(path)
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]
    assert "**Question.**" in cells[0].source


@each_notebook
def test_notebook_takes_nothing_but_the_public_names(path: Path) -> None:
    code = "\n".join(cell.source for cell in _cells(path) if cell.cell_type == "code")
    assert re.findall(r"^ *(?:from|import) siting.*$", code, re.MULTILINE) == ["import siting"]


@quiet
@each_notebook
def test_notebook_runs(path: Path, kernel: KernelManager) -> None:
    quick = {"ATLAS": False} if path == SHEETS else {}
    _refuse_poor(_run(path, kernel, **quick))


@quiet
@pytest.mark.slow
def test_notebook_of_sheets_shows_the_atlas(kernel: KernelManager) -> None:
    outputs = _run(SHEETS, kernel)
    _refuse_poor(outputs)
    assert "scale_denominator" in str(outputs)


@quiet
@pytest.mark.slow
@pytest.mark.skipif(not TAIPEI.is_dir(), reason="no real case taipei here")
@each_notebook
def test_notebook_runs_on_taipei(path: Path, kernel: KernelManager) -> None:
    place = {"SCENARIO": "../scenarios/taipei.yaml", "DATA": str(TAIPEI)}
    _refuse_poor(_run(path, kernel, **place))
