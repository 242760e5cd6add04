"""Shapefiles: all their files there, and their text decoded, whichever program wrote it."""

from __future__ import annotations

import codecs
import re
from glob import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from siting.errors import EncodingError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pandas import DataFrame

__all__ = ["BYTES", "decode_text", "refuse_incomplete"]

BYTES = "ISO-8859-1"
"""Read in this encoding, text holds the bytes of the file one by one."""

FALLBACKS = ("utf-8", "gb18030")
STATED_LENGTH = slice(24, 28)
"""Where a Shapefile says how long it is: in units of two bytes, big-endian."""


def refuse_incomplete(path: Path) -> None:
    """
    Refuse a Shapefile without its other files, or cut off: what is cut would read as empty.

    Raises
    ------
    InputError
        If ``.shx`` or ``.dbf`` is missing, or the file is shorter than it says.
    """
    there = {item.suffix.lower() for item in path.parent.glob(f"{escape(path.stem)}.*")}
    missing = [f"{path.stem}{suffix}" for suffix in (".shx", ".dbf") if suffix not in there]
    if missing:
        raise InputError.of("shapefile_part", path.name, missing=", ".join(missing))
    with path.open("rb") as file:
        stated = 2 * int.from_bytes(file.read(STATED_LENGTH.stop)[STATED_LENGTH], "big")
    length = path.stat().st_size
    if length < stated:
        raise InputError.of("file_cut", path.name, expected=stated, found=length)


def decode_text(table: DataFrame, path: Path) -> DataFrame:
    """
    Return a Shapefile's table, read as ``BYTES``, with its names and texts decoded.

    The encoding is that of the ``.cpg`` file, else UTF-8, else GB18030, the first that decodes all.
    Names are cut at ten bytes by the format, so half a character at an end is left out.

    Raises
    ------
    EncodingError
        If no expected encoding decodes the text.
    """
    texts = [name for name in table if name != "geometry" and _is_text(table[name])]
    tries = [each for each in (_declared(path), *FALLBACKS) if each is not None]
    for encoding in tries:
        decode = _decoder(encoding)
        try:
            names = {name: decode(str(name)) for name in table if name != "geometry"}
            values = {name: table[name].map(decode, na_action="ignore") for name in texts}
        except UnicodeDecodeError:
            continue
        return table.assign(**values).rename(columns=names)
    raise EncodingError.of("encoding", path.name, found=", ".join(tries))


def _is_text(column: Any) -> bool:
    """Return whether a column holds text."""
    return bool(pd.api.types.is_string_dtype(column) or pd.api.types.is_object_dtype(column))


def _declared(path: Path) -> str | None:
    """Return the encoding that the ``.cpg`` file names, None where it names none that is known."""
    for item in path.parent.glob(f"{escape(path.stem)}.*"):
        if item.suffix.lower() == ".cpg":
            said = item.read_text(encoding="ascii", errors="replace").strip()
            said = re.sub(r"^(ANSI |OEM )?(\d+)$", r"cp\2", said)
            try:
                name = codecs.lookup(said).name
            except LookupError:
                return None
            return "gb18030" if name in {"gbk", "gb2312"} else name
    return None


def _decoder(encoding: str) -> Callable[[Any], Any]:
    """Return a function that decodes text read byte by byte, half a character at its end left."""

    def decode(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return codecs.getincrementaldecoder(encoding)().decode(value.encode(BYTES))

    return decode
