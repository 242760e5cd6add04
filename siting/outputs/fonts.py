"""One small TrueType face that holds every character of a sheet, made from a font that is here."""

from __future__ import annotations

import hashlib
import os
import tempfile
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from functools import cache as remembered
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

import matplotlib as mpl
from fontTools import subset
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont, TTLibError, newTable
from fontTools.varLib.instancer import instantiateVariableFont
from matplotlib.font_manager import findSystemFonts

from siting.errors import Fault, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["GETA", "Face", "FontError", "clean", "drawable", "find_face", "font_sources"]

GETA = "〓"
"""Stands where a font lacks a character, as typesetters do it."""

WEIGHT = 400.0
KEPT, IN_USE_S = 16, 3600.0
"""Faces kept, and for how long one stays that was used: another run may be drawing with it."""
FAMILIES = (
    "simhei",
    "msyh",
    "deng",
    "notosanssc",
    "notosanscjk",
    "sourcehansans",
    "wqymicrohei",
    "wqyzenhei",
    "pingfang",
    "hiraginosansgb",
    "stheiti",
    "heiti",
    "arialunicode",
    "droidsansfallback",
    "notosanstc",
    "simsun",
    "notoserifcjk",
    "uming",
)
OTHER_WEIGHTS = ("bold", "black", "light", "thin", "medium", "heavy", "mono", "bd", "semi", "hw")
PACKAGE = "justmytype_intl_cjk"
PACKAGED = ("notosanssc/NotoSansSC[wght].ttf", "notosanstc/NotoSansTC[wght].ttf")


class FontError(OutputError):
    """No font on this machine holds the characters that a sheet must show."""


@dataclass(frozen=True)
class Face:
    """
    A font file that matplotlib can draw with and embed as TrueType.

    Attributes
    ----------
    path
        The file: TrueType outlines, one weight, only the characters asked for.
    source
        The font that it was made from.
    advances
        Width of each character in em.
    """

    path: Path
    source: Path
    advances: Mapping[str, float]


def clean(content: object) -> str:
    """Return a value as one line: breaks become spaces; control and joining marks go."""
    marks = {"Cc": " ", "Zl": " ", "Zp": " ", "Cf": "", "Cs": "", "Mn": "", "Cn": GETA, "Co": GETA}
    whole = unicodedata.normalize("NFC", str(content))
    line = "".join(marks.get(unicodedata.category(c), c) for c in whole)
    return " ".join(line.split())


def drawable(content: object, face: Face) -> str:
    """Return a value as one line in which each character that the face lacks is ``〓``."""
    return "".join(c if c in face.advances else GETA for c in clean(content))


def find_face(
    required: str,
    names: Iterable[object] = (),
    *,
    sources: Iterable[Path] | None = None,
    cache: Path | None = None,
) -> Face:
    """
    Return a face that holds all of ``required`` and as much of ``names`` as any font here does.

    The first font with every letter wins (few fonts hold pictographs); else the one that lacks
    the fewest characters of ``names``. It is cut down to the characters asked for, set to weight
    400 if it varies and turned into TrueType outlines, and kept in a cache folder for the next
    sheet.

    Parameters
    ----------
    required
        Characters without which no sheet is drawn: the texts of the catalogue.
    names
        Texts from data; a few rare characters may be missing and are then drawn as ``〓``.
    sources
        Font files in the order of trust; None looks for them on this machine.
    cache
        Folder for the faces made; None takes matplotlib's cache folder.

    Raises
    ------
    FontError
        If no font holds ``required``, or the best one lacks more than half of the Chinese
        characters in ``names``.
    """
    must = frozenset(clean(required)) | {" "}
    wish = frozenset().union(*(clean(name) for name in names)) | {GETA}
    found = list(sources) if sources is not None else list(font_sources())
    best: tuple[int, Path, frozenset[str]] | None = None
    for source in found:
        held = _characters(source)
        lacking = wish - held
        if must <= held and (best is None or len(lacking) < best[0]):
            best = (len(lacking), source, lacking)
        if best is not None and not any(c.isalpha() for c in best[2]):
            break
    if best is None or _mostly_blank(wish, best[2]):
        raise _no_font(must | wish, found)
    folder = cache if cache is not None else Path(mpl.get_cachedir()) / "siting-fonts"
    return _face(best[1], must | (wish - best[2]), folder)


def font_sources() -> Iterator[Path]:
    """
    Yield font files that may hold Chinese, best first.

    TrueType fonts of the system, the optional package, then system fonts with PostScript
    outlines (they need converting) and last matplotlib's own, which has no Chinese.
    """
    system = _system_fonts()
    outlines = {path: _has_truetype(path) for path in system}
    yield from (path for path in system if outlines[path] is True)
    yield from _packaged()
    yield from (path for path in system if outlines[path] is False)
    yield Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def _system_fonts() -> list[Path]:
    """Return the known Chinese fonts of the system, plain weights before others."""
    ranked = []
    for name in findSystemFonts():
        stem = "".join(c for c in Path(name).stem.lower() if c not in " -_")
        family = next((i for i, known in enumerate(FAMILIES) if stem.startswith(known)), None)
        if family is not None:
            rest = stem.removeprefix(FAMILIES[family])
            ranked.append((any(word in rest for word in OTHER_WEIGHTS), family, name))
    return [Path(name) for _, _, name in sorted(ranked)]


def _packaged() -> Iterator[Path]:
    """Yield the fonts of the optional package, if it is installed."""
    if find_spec(PACKAGE) is None:
        return
    for name in PACKAGED:
        with as_file(files(PACKAGE) / "fonts" / "ofl" / name) as path:
            if path.is_file():
                yield path


@remembered
def _has_truetype(path: Path) -> bool | None:
    """Return whether a font has TrueType outlines; None if it cannot be read."""
    try:
        with _open(path) as font:
            return True if "glyf" in font else (False if "CFF " in font else None)
    except (OSError, TTLibError):
        return None


def _open(path: Path) -> TTFont:
    """Return a font; of a collection the Simplified Chinese face, else the first."""
    number = -1
    if path.suffix.lower() in {".ttc", ".otc"}:
        with TTCollection(path, lazy=True) as collection:
            families = [font["name"].getDebugName(1) or "" for font in collection]
        number = next((i for i, name in enumerate(families) if name.split()[-1:] == ["SC"]), 0)
    return TTFont(path, fontNumber=number)


@remembered
def _characters(path: Path) -> frozenset[str]:
    """Return the characters that a font has glyphs for; none if it cannot be read."""
    try:
        with _open(path) as font:
            return frozenset(map(chr, font.getBestCmap() or {}))
    except (OSError, TTLibError):
        return frozenset()


def _mostly_blank(wish: frozenset[str], lacking: frozenset[str]) -> bool:
    """Tell whether more than half of the Chinese characters would be missing."""
    chinese = {c for c in wish if unicodedata.name(c, "").startswith("CJK UNIFIED")}
    return 2 * len(chinese & lacking) > len(chinese)


def _no_font(wanted: frozenset[str], found: list[Path]) -> FontError:
    """Return the error that no font will do, with the first characters that are missing."""
    held = frozenset().union(*(_characters(path) for path in found))
    sample = "".join(sorted(wanted - held)[:5]) or "".join(sorted(wanted)[-5:])
    return FontError(Fault("no_font", "sheet.pdf", {"count": len(found), "missing": sample}))


def _face(source: Path, characters: frozenset[str], folder: Path) -> Face:
    """Return the cached face for these characters, made first if it is not there."""
    stamp = f"{source}|{source.stat().st_mtime_ns}|{''.join(sorted(characters))}"
    path = folder / f"{hashlib.sha256(stamp.encode()).hexdigest()[:24]}.ttf"
    if path.is_file():
        with suppress(OSError):  # of another user, or gone just now: it is looked for below
            os.utime(path)
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _make(source, characters, path)
        for old in sorted(folder.glob("*.ttf"), key=_used)[:-KEPT]:
            if _used(old) < time() - IN_USE_S:
                old.unlink(missing_ok=True)
    with TTFont(path) as font:
        size, widths = font["head"].unitsPerEm, font["hmtx"].metrics
        advances = {chr(code): widths[name][0] / size for code, name in font.getBestCmap().items()}
    return Face(path=path, source=source, advances=advances)


def _used(path: Path) -> float:
    """Return when a cached face was last used, in seconds; 0 if another process has removed it."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _make(source: Path, characters: frozenset[str], target: Path) -> None:
    """Write the cut-down TrueType face of a font, whole or not at all."""
    with _open(source) as font:
        options = subset.Options(layout_features=[], glyph_names=False, notdef_outline=True)
        options.drop_tables += ["BASE", "STAT", "VORG", "vmtx", "vhea", "DSIG", "meta", "PCLT"]
        cutter = subset.Subsetter(options)
        cutter.populate(text="".join(sorted(characters)))
        cutter.subset(font)
        if "fvar" in font:
            low, _, high = next(
                ((a.minValue, a.defaultValue, a.maxValue) for a in font["fvar"].axes
                 if a.axisTag == "wght"), (WEIGHT, WEIGHT, WEIGHT))  # fmt: skip
            limits = {a.axisTag: a.defaultValue for a in font["fvar"].axes}
            limits |= {"wght": min(max(WEIGHT, low), high)} if "wght" in limits else {}
            instantiateVariableFont(font, limits, inplace=True)
        if "CFF " in font:
            _to_truetype(font)
        _rename(font, f"{source.stem.split('[')[0]}-Siting")
        handle, name = tempfile.mkstemp(suffix=".part", dir=target.parent)
        os.close(handle)
        font.save(name)
    Path(name).replace(target)


def _to_truetype(font: TTFont) -> None:
    """Turn PostScript outlines into TrueType ones, within one unit of the em square."""
    outlines, glyphs = font.getGlyphSet(), {}
    for name in font.getGlyphOrder():
        pen = TTGlyphPen(outlines)
        outlines[name].draw(Cu2QuPen(pen, 1.0, reverse_direction=True))
        glyphs[name] = pen.glyph()
    font["loca"], font["glyf"] = newTable("loca"), newTable("glyf")
    font["glyf"].glyphOrder, font["glyf"].glyphs = font.getGlyphOrder(), glyphs
    font["hmtx"].metrics = {
        name: (width, getattr(glyphs[name], "xMin", 0) if glyphs[name].numberOfContours else 0)
        for name, (width, _) in font["hmtx"].metrics.items()
    }
    del font["CFF "]
    font.sfntVersion, profile = "\000\001\000\000", font["maxp"]
    profile.tableVersion = 0x00010000
    zero = ("Storage", "FunctionDefs", "InstructionDefs", "StackElements", "SizeOfInstructions")
    for field in ("maxZones", "maxTwilightPoints", "maxComponentElements", "maxComponentDepth",
                  *(f"max{name}" for name in zero)):  # fmt: skip
        setattr(profile, field, 1 if field == "maxZones" else 0)
    font["post"].formatType = 3.0


def _rename(font: TTFont, name: str) -> None:
    """Give the face a plain name, so that a PDF does not show the name of another weight."""
    table = font["name"]
    for record in list(table.names):
        if record.nameID in {1, 4, 6, 16}:
            table.setName(name, record.nameID, record.platformID, record.platEncID, record.langID)
        elif record.nameID in {2, 17}:
            table.setName(
                "Regular", record.nameID, record.platformID, record.platEncID, record.langID
            )
