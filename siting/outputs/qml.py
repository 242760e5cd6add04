"""QML, the form in which QGIS keeps styles: symbols, renderers, labels, headings of columns."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Categories", "Symbol", "categorized", "graduated", "labels", "qml", "quoted", "rgba",
           "single"]  # fmt: skip

VERSION = "3.22.0"
GEOMETRY = {"marker": "0", "line": "1", "fill": "2"}
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NO_END = 1e9  # above every density
INSIDE = {"placement": "1", "centroidWhole": "1", "centroidInside": "1"}
PLACEMENTS = {
    "middle": INSIDE | {"quadOffset": "4"},
    "above": INSIDE | {"quadOffset": "1", "yOffset": "-0.6", "offsetUnits": "MM"},
    "below": INSIDE | {"quadOffset": "7", "yOffset": "0.6", "offsetUnits": "MM"},
    "around": {"placement": "6", "dist": "1", "distUnits": "MM", "offsetType": "1",
               "predefinedPositionOrder": "R,TR,BR,L,TL,BL,TSR,BSR"},
}  # fmt: skip
"""Where labels stand, in the words of QGIS."""


@dataclass(frozen=True)
class Symbol:
    """
    A symbol of one layer.

    Attributes
    ----------
    kind
        ``marker``, ``line`` or ``fill``.
    form
        The class of the symbol layer, such as ``SimpleMarker``.
    values
        Its properties, in the words of QGIS.
    driven
        Expressions that decide a property, by the name of the property.
    inner
        What a pattern is made of.
    under
        What is drawn first; its ``kind`` must be the same.
    """

    kind: str
    form: str
    values: Mapping[str, str]
    driven: Mapping[str, str] = field(default_factory=dict)
    inner: Symbol | None = None
    under: Symbol | None = None


Categories = dict[str, tuple[str, Symbol]]
"""Label and symbol by value."""


def rgba(colour: str, opacity: float = 1.0) -> str:
    """Return a colour such as ``#ff9f7f`` as QGIS writes it."""
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return ",".join(str(each) for each in [*parts, round(opacity * 255)])


def quoted(words: str) -> str:
    """Return text as a string of the expression language."""
    return "'" + words.replace("\\", "\\\\").replace("'", "''") + "'"


def single(symbol: Symbol) -> Element:
    """Return a renderer that draws everything alike."""
    renderer = Element("renderer-v2", type="singleSymbol")
    _add_symbols(renderer, [symbol])
    return renderer


def categorized(attribute: str, categories: Categories) -> Element:
    """Return a renderer with a symbol for each value of a field or expression."""
    renderer = Element("renderer-v2", type="categorizedSymbol", attr=attribute)
    box = SubElement(renderer, "categories")
    for number, (value, (label, _)) in enumerate(categories.items()):
        about = {"value": _clean(value), "label": _clean(label), "symbol": str(number)}
        SubElement(box, "category", about | {"render": "true", "type": "string"})
    _add_symbols(renderer, [symbol for _, symbol in categories.values()])
    return renderer


def graduated(
    attribute: str, breaks: Sequence[int], entries: Sequence[tuple[str, Symbol]]
) -> Element:
    """Return a renderer with a symbol for each step; the last step has no end."""
    about = {"type": "graduatedSymbol", "attr": attribute, "graduatedMethod": "GraduatedColor"}
    renderer = Element("renderer-v2", about)
    box = SubElement(renderer, "ranges")
    ends = [*breaks[1:], NO_END]
    for number, (low, high) in enumerate(zip(breaks, ends, strict=True)):
        limits = {"lower": f"{low:f}", "upper": f"{high:f}", "label": _clean(entries[number][0])}
        SubElement(box, "range", limits | {"symbol": str(number), "render": "true"})
    _add_symbols(renderer, [symbol for _, symbol in entries])
    return renderer


def _add_symbols(renderer: Element, symbols: Sequence[Symbol]) -> None:
    """Add the symbols of a renderer, named by their number."""
    box = SubElement(renderer, "symbols")
    for number, symbol in enumerate(symbols):
        _add_symbol(box, str(number), symbol)


def _add_symbol(parent: Element, name: str, symbol: Symbol) -> None:
    """Add one symbol and what lies under it."""
    about = {"type": symbol.kind, "name": name, "alpha": "1", "clip_to_extent": "1"}
    box = SubElement(parent, "symbol", about)
    for number, each in enumerate([symbol.under, symbol] if symbol.under else [symbol]):
        about = {"class": each.form, "enabled": "1", "locked": "0", "pass": "0"}
        layer = SubElement(box, "layer", about)
        options = SubElement(layer, "Option", type="Map")
        for key, value in each.values.items():
            SubElement(options, "Option", name=key, value=value, type="QString")
        if each.driven:
            _add_driven(SubElement(layer, "data_defined_properties"), each.driven)
        if each.inner is not None:
            _add_symbol(layer, f"@{name}@{number}", each.inner)


def _add_driven(parent: Element, expressions: Mapping[str, str]) -> None:
    """Add properties that expressions decide."""
    box = SubElement(parent, "Option", type="Map")
    SubElement(box, "Option", name="name", value="", type="QString")
    held = SubElement(box, "Option", name="properties", type="Map")
    for name, expression in expressions.items():
        one = SubElement(held, "Option", name=name, type="Map")
        SubElement(one, "Option", name="active", value="true", type="bool")
        SubElement(one, "Option", name="expression", value=expression, type="QString")
        SubElement(one, "Option", name="type", value="3", type="int")
    SubElement(box, "Option", name="type", value="collection", type="QString")


def labels(
    expression: str, colour: str, *, place: str = "middle", closest: int | None = None
) -> Element:
    """
    Return labels with a white halo.

    Parameters
    ----------
    expression
        What they say.
    colour
        Expression for their colour.
    place
        ``middle`` of an area, ``above`` or ``below`` it, so that two layers of the same areas do
        not hide each other's, or ``around`` a point.
    closest
        Denominator of the scale from which on they are shown; None: always.
    """
    labeling = Element("labeling", type="simple")
    settings = SubElement(labeling, "settings", calloutType="simple")
    about = {"fieldName": expression, "isExpression": "1", "fontSize": "9"}
    words = SubElement(settings, "text-style", about | {"fontSizeUnit": "Point"})
    for key, value in (("textColor", "0,0,0,255"), ("textOpacity", "1"), ("fontWeight", "75")):
        words.set(key, value)
    halo = {"bufferDraw": "1", "bufferSize": "0.6", "bufferSizeUnits": "MM", "bufferOpacity": "1"}
    SubElement(words, "text-buffer", halo | {"bufferColor": "255,255,255,255"})
    SubElement(settings, "text-format", multilineAlign="1")
    priority = "9" if closest is None else "2"  # names for close views give way
    SubElement(settings, "placement", PLACEMENTS[place] | {"priority": priority})
    shown = {"drawLabels": "1", "obstacle": "0"}
    if closest is not None:
        shown |= {"scaleVisibility": "1", "scaleMin": "0", "scaleMax": str(closest)}
    SubElement(settings, "rendering", shown)
    _add_driven(SubElement(settings, "dd_properties"), {"Color": colour})
    return labeling


def _clean(words: str) -> str:
    """Return text without what XML cannot hold."""
    return NOT_XML.sub("", words)


def qml(renderer: Element, headings: Mapping[str, str], labeling: Element | None = None) -> str:
    """
    Return a whole style.

    Parameters
    ----------
    renderer
        From ``single``, ``categorized`` or ``graduated``.
    headings
        What the attribute table shows above a column, by column.
    labeling
        From ``labels``; None for none.
    """
    root = Element("qgis", version=VERSION, styleCategories="Symbology|Labeling|Fields")
    root.set("labelsEnabled", "0" if labeling is None else "1")
    root.append(renderer)
    if labeling is not None:
        root.append(labeling)
    aliases = SubElement(root, "aliases")
    for column, heading in headings.items():
        SubElement(aliases, "alias", {"field": column, "name": _clean(heading)})
    symbol = renderer.find("symbols/symbol")
    if symbol is not None:
        SubElement(root, "layerGeometryType").text = GEOMETRY[symbol.attrib["type"]]
    return tostring(root, encoding="unicode")
