"""The text catalogue: everything a planner reads, in Simplified Chinese and in English."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal, get_args

from ruamel.yaml import YAML

__all__ = ["LANGUAGES", "Language", "catalogue", "percent", "text"]

Language = Literal["zh", "en"]
LANGUAGES: tuple[str, ...] = get_args(Language)


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return every text as ``{"file.key": {"zh": …, "en": …}}``, read from the YAML files here."""
    entries: dict[str, dict[str, str]] = {}
    for source in sorted(files(__name__).iterdir(), key=lambda item: item.name):
        if source.name.endswith(".yaml"):
            stem = source.name.removesuffix(".yaml")
            content = YAML(typ="safe", pure=True).load(source.read_text(encoding="utf-8"))
            entries |= {f"{stem}.{key}": value for key, value in content.items()}
    return entries


def text(key: str, language: str, /, **values: object) -> str:
    """
    Return one text of the catalogue in a language, its placeholders filled.

    Parameters
    ----------
    key
        ``<file>.<name>``, for instance ``"map.title"``.
    language
        ``zh`` or ``en``.
    **values
        What stands in for ``{name}`` in the text. Values are inserted as they are; pages escape
        names from data themselves.

    Raises
    ------
    KeyError
        If the catalogue has no such text.
    """
    return catalogue()[key][language].format(**values)


def percent(share: float) -> str:
    """
    Return a share as everything shown writes it: to a tenth of a per cent, whole only if it is.

    Examples
    --------
    >>> percent(0.13946), percent(0.99996), percent(1.0), percent(0.0), percent(0.0001)
    ('13.9%', '99.9%', '100%', '0%', '0.1%')
    """
    if share in {0.0, 1.0}:
        return f"{share * 100:.0f}%"
    return f"{min(max(share * 100, 0.1), 99.9):.1f}%"
