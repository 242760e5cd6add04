"""The text catalogue: everything a planner reads, in Simplified Chinese and in English."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any, Literal, get_args

from ruamel.yaml import YAML

__all__ = ["LANGUAGES", "Language", "catalogue", "figure", "percent", "text"]

Language = Literal["zh", "en"]
LANGUAGES: tuple[str, ...] = get_args(Language)
FIGURE = re.compile(r",\.(\d+)f")


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
    return _FILLED.vformat(catalogue()[key][language], (), values)


class _Filled(Formatter):
    """Fills placeholders as ``str.format`` does, ``{elders:,.0f}`` and the like as ``figure``."""

    def format_field(self, value: Any, format_spec: str) -> Any:
        """Return one value as its placeholder asks."""
        asked = FIGURE.fullmatch(format_spec)
        return figure(value, int(asked[1])) if asked else format(value, format_spec)


_FILLED = _Filled()


def figure(value: float, decimals: int = 0) -> str:
    """
    Return a number as everything shown writes it: thousands apart, halves rounded up.

    So do spreadsheets and the map. What lies beyond the twelfth digit is the noise of sums.

    Parameters
    ----------
    value
        Any number.
    decimals
        Digits after the point.

    Examples
    --------
    >>> figure(1234.5), figure(6555.499999999999), figure(-0.4), figure(2.25, 1)
    ('1,235', '6,556', '0', '2.3')
    """
    if not math.isfinite(value):
        return f"{value}"
    exact = Decimal(f"{value:.12g}").quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return f"{exact + 0:,.{decimals}f}"


def percent(share: float) -> str:
    """
    Return a share as everything shown writes it: to a tenth of a per cent, whole only if it is.

    Examples
    --------
    >>> percent(0.13946), percent(0.99996), percent(1.0), percent(0.0), percent(0.0001)
    ('13.9%', '99.9%', '100%', '0%', '0.1%')
    """
    share = round(share, 12)  # sums of the same elders in another order
    if share in {0.0, 1.0}:
        return f"{share * 100:.0f}%"
    return f"{figure(min(max(share * 100, 0.1), 99.9), 1)}%"
