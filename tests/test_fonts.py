"""The font of a sheet: found by what it holds, cut down, and drawable."""

from __future__ import annotations

import os
from pathlib import Path
from time import time

import matplotlib as mpl
import pytest
from fontTools.ttLib import TTFont
from matplotlib.ft2font import FT2Font

from siting.errors import OutputError
from siting.outputs import fonts
from siting.outputs.fonts import FontError, clean, drawable, find_face, font_sources

LATIN = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def _postscript() -> list[Path]:
    return [path for path in font_sources() if fonts._has_truetype(path) is False]


def test_a_font_without_chinese_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FontError, match="justmytype-intl-cjk"):
        find_face("规划布点图", sources=[LATIN], cache=tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_error_is_one_of_output_with_a_sentence_in_both_languages(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        find_face("规划布点图", sources=[LATIN], cache=tmp_path)
    assert isinstance(caught.value, FontError)
    for language, sign in (("zh", "outputs.sheet: false"), ("en", "Install SimHei")):
        told = caught.value.render(language)
        assert sign in told
        assert "划" in told  # one of the characters that are missing


def test_a_font_without_chinese_will_do_where_no_chinese_is_drawn(tmp_path: Path) -> None:
    assert find_face("Proposed layout", ["A_b"], sources=[LATIN], cache=tmp_path).source == LATIN


def test_chinese_names_without_chinese_glyphs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FontError, match="字体"):
        find_face("Proposed layout", ["望江养老院"], sources=[LATIN], cache=tmp_path)


def test_a_broken_font_file_is_passed_over(tmp_path: Path) -> None:
    broken = tmp_path / "simhei.ttf"
    broken.write_bytes(b"not a font")
    face = find_face("abc", sources=[broken, LATIN], cache=tmp_path / "cache")
    assert face.source == LATIN


def test_the_face_is_truetype_of_one_weight_with_all_the_glyphs(tmp_path: Path) -> None:
    words = "规划布点图養老機構km²"
    face = find_face(words, cache=tmp_path)
    with TTFont(face.path) as font:
        assert "glyf" in font
        assert not {"CFF ", "fvar"} & set(font.keys())
    held = FT2Font(str(face.path)).get_charmap()
    assert all(held.get(ord(c), 0) > 0 for c in words)
    assert face.path.stat().st_size < 100_000


def test_the_face_is_not_the_thin_one(tmp_path: Path) -> None:
    variable = list(fonts._packaged())[:1]
    if not variable:
        pytest.skip("the optional font package is not installed")
    thin = TTFont(variable[0])
    regular = TTFont(find_face("一", sources=variable, cache=tmp_path).path)
    heights = []
    for font in (thin, regular):
        glyph = font["glyf"][font.getBestCmap()[ord("一")]]
        heights.append(glyph.yMax - glyph.yMin)
        font.close()
    assert heights[1] > 1.5 * heights[0]


def test_postscript_outlines_become_the_same_shape_in_truetype(tmp_path: Path) -> None:
    sources = _postscript()
    if not sources:
        pytest.skip("no font with PostScript outlines on this machine")
    face = find_face("回", sources=sources[:1], cache=tmp_path)
    with TTFont(face.path) as made:
        glyph = made["glyf"][made.getBestCmap()[ord("回")]]
        assert "CFF " not in made
        assert glyph.numberOfContours == 4
        assert 0.6 < (glyph.xMax - glyph.xMin) / made["head"].unitsPerEm < 1.1


def test_a_missing_pictograph_is_drawn_as_a_geta(tmp_path: Path) -> None:
    face = find_face("养老", ["养😀"], cache=tmp_path)
    assert drawable("养😀老", face) == "养〓老"
    assert "😀" not in face.advances


def test_the_second_call_takes_the_face_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = find_face("养老", cache=tmp_path)

    def fail(*_: object) -> None:
        pytest.fail("made again")

    monkeypatch.setattr(fonts, "_make", fail)
    assert find_face("老养", cache=tmp_path).path == first.path


def face_of(number: int, cache: Path) -> Path:
    """Return the face of some letters, other ones for each number."""
    return find_face("ab" + chr(0x41 + number), sources=[LATIN], cache=cache).path


def test_the_cache_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was used longest ago goes, but nothing that another run may be drawing with."""
    monkeypatch.setattr(fonts, "KEPT", 3)
    made = [face_of(number, tmp_path) for number in range(5)]
    assert all(path.is_file() for path in made)
    for age, path in enumerate(reversed(made)):
        long_ago = time() - fonts.IN_USE_S - 60.0 * (age + 1)
        os.utime(path, (long_ago, long_ago))
    assert face_of(0, tmp_path) == made[0]
    new = face_of(5, tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([made[0], made[4], new])


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("a\nb\tc", "a b c"),
        ("a\u2028b", "a b"),
        ("\u202eabc\u200d", "abc"),
        ("cafe\u0301", "café"),
        (None, "None"),
        ("\ud800x", "x"),
    ],
)
def test_clean_leaves_one_plain_line(raw: object, line: str) -> None:
    assert clean(raw) == line
