"""Drawing sheets of the atlas to files, in this process or in one of its own."""

from __future__ import annotations

import base64
import pickle
import re
import sys
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from fontTools import subset
from fontTools.ttLib import TTFont

from siting.outputs.atlas_sheets import design_of, title_of
from siting.outputs.fonts import clean
from siting.outputs.sheet import PIXELS_PER_INCH, compose, settings
from siting.outputs.sheet_page import PAGE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.figure import Figure

    from siting.outputs.atlas_sheets import Entry
    from siting.outputs.fonts import Face
    from siting.outputs.frames import Frames

__all__ = ["PAPERS", "Task", "draw_page", "draw_pages", "enlargement_of", "is_drawn"]

PAPERS = {"A4": (297.0, 210.0), "A3": PAGE, "A1": (841.0, 594.0)}
"""Width and height in millimetres."""
FAMILY = "Siting Sheet"
FALLBACK = "'Noto Sans SC','Source Han Sans SC','Microsoft YaHei','SimHei',sans-serif"
"""What an editor that does not read fonts inside an SVG may take instead."""
HALO = "paint-order:stroke;stroke:#fff;stroke-width:1.8px;stroke-linejoin:round"
LETTERS = f"text{{font-family:'{FAMILY}',{FALLBACK}}}.label text{{{HALO}}}"


@dataclass(frozen=True)
class Task:
    """
    Sheets for some processes to draw, each the next that no one has taken.

    Attributes
    ----------
    frames, face
        The tables of the run, and a font for all its sheets.
    sheets
        Which.
    pages, target
        Folders for the pages of the PDF and for the pictures.
    """

    frames: Frames
    face: Face
    sheets: tuple[Entry, ...]
    pages: str
    target: str


def enlargement_of(frames: Frames) -> float:
    """Return how much larger than A3 the sheets are printed."""
    return PAPERS[frames.info.get("atlas", {}).get("paper", "A3")][1] / PAGE[1]


def draw_pages(task: Task) -> None:
    """Draw the sheets of a task that no other process has taken."""
    for entry in task.sheets:
        try:
            (Path(task.pages) / f"{entry.code}.taken").touch(exist_ok=False)
        except FileExistsError:
            continue
        draw_page(task, entry)


def is_drawn(task: Task, entry: Entry) -> bool:
    """Return whether a sheet is drawn whole."""
    return (Path(task.pages) / f"{entry.code}.drawn").exists()


def draw_page(task: Task, entry: Entry) -> None:
    """Draw one sheet as PDF, PNG and SVG."""
    larger, frames = enlargement_of(task.frames), task.frames
    about = frames.info.get("atlas", {})
    dots = int(about.get("dpi", 150))
    figure = compose(frames, design_of(frames, entry), task.face, enlargement=larger)
    name = clean(about.get("title") or frames.info["name"])
    title = clean(title_of(frames, entry, name))
    with settings():
        # No time of writing: the same plan gives the same file.
        figure.savefig(
            Path(task.pages) / f"{entry.code}.pdf", dpi=PIXELS_PER_INCH * larger,
            metadata={"Title": title, "Creator": "Siting", "Producer": None, "CreationDate": None},
        )  # fmt: skip
        figure.savefig(
            Path(task.target) / f"{entry.stem}.png", dpi=dots * larger,
            metadata={"Title": title}, pil_kwargs={"dpi": (dots, dots), "compress_level": 4},
        )  # fmt: skip
        _write_svg(figure, task, entry, title)
    figure.clear()
    (Path(task.pages) / f"{entry.code}.drawn").touch()


def _write_svg(figure: Figure, task: Task, entry: Entry, title: str) -> None:
    """Write a sheet as SVG at the size of the paper, with text as text and its font inside."""
    larger = enlargement_of(task.frames)
    halos = [item for axes in figure.axes for item in axes.texts if item.get_gid() == "halo"]
    for halo in halos:  # outlines of letters: in SVG a style of the text does the same
        halo.set_visible(False)
    buffer = BytesIO()
    about = {"Title": title, "Date": None, "Creator": "Siting"}
    figure.savefig(buffer, format="svg", metadata=about, dpi=PIXELS_PER_INCH * larger)
    content = buffer.getvalue().decode("utf-8")
    size = f'width="{PAGE[0] * larger:.2f}mm" height="{PAGE[1] * larger:.2f}mm"'
    content = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', size, content, count=1)
    content = re.sub(r'(style="[^"]*?) ?font-family: [^;"]+;?', r"\1", content)  # said once below
    content = re.sub(r' transform="rotate\(-0 [^)]*\)"', "", content)
    content = re.sub(r'<g id="label:[a-z]+">', '<g class="label">', content)
    content = re.sub(r'<g id="(?!\w+_\d+")([^"]*)">', r'<g class="\1">', content)  # many share one
    content = _shorter(content)
    words = (item.get_text() for axes in figure.axes for item in axes.texts)
    style = f"@font-face{{font-family:'{FAMILY}';src:url({_font(task.face, words)})}}{LETTERS}"
    content = content.replace("<defs>", f'<defs><style type="text/css">{style}</style>', 1)
    path = Path(task.target) / f"{entry.stem}.svg"
    path.write_text(content, encoding="utf-8", newline="\n")


def _shorter(content: str) -> str:
    """Return an SVG with coordinates to a hundredth of a point; words and pictures stay."""

    def cut(tag: re.Match[str]) -> str:
        words = tag.group()
        return words if '"data:' in words else re.sub(r"(\d\.\d\d)\d+", r"\1", words)

    return re.sub(r"<[^>]*>", cut, content)


def _font(face: Face, words: Iterable[str]) -> str:
    """Return the characters of some words out of a font, as a data address."""
    cutter = subset.Subsetter(subset.Options(layout_features=[], glyph_names=False))
    cutter.populate(text="".join(sorted(set("".join(words)) | {" "})))
    out = BytesIO()
    with TTFont(face.path, recalcTimestamp=False) as font:
        cutter.subset(font)
        font.flavor = "woff"
        font.save(out)
    return f"data:font/woff;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"


def main(path: str) -> None:
    """Draw the task that a file holds: written by this program, for this moment."""
    draw_pages(pickle.loads(Path(path).read_bytes()))  # noqa: S301 - our own file


if __name__ == "__main__":
    main(sys.argv[1])
