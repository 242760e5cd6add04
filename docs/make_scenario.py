"""Write values and defaults into the tables of scenario.md from the schema: ``make docs``."""  # noqa: INP001

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from siting.scenario_file import scenario_schema

__all__ = ["main", "page"]

PAGE = Path(__file__).parent / "scenario.md"
HEADS = ["key", "meaning", "unit", "values", "default", "example"]
WRITTEN = ("key", "meaning", "unit", "example")
"""Columns that are written by hand; the others are the schema's."""
KINDS = {"string": "text", "number": "number", "integer": "whole number"}


def page(written: str) -> str:
    """
    Return the page with the columns ``values`` and ``default`` of its tables of keys as they are.

    Parameters
    ----------
    written
        The page; all but these two columns is kept. A row may lack the column of values.

    Raises
    ------
    ValueError
        If a table names a key that the schema does not have.
    """
    known, lines, heads = _keys(json.loads(scenario_schema())), [], []
    for line in written.split("\n"):
        cells = _cells(line)
        if cells[:1] == ["key"] and cells[-1:] == ["example"]:
            heads, line = cells, _row(HEADS)  # noqa: PLW2901 - the line as it shall be
        elif heads and cells:
            line = _filled(heads, cells, known)  # noqa: PLW2901
        else:
            heads = []
        lines.append(line)
    return "\n".join(lines)


def _filled(heads: list[str], cells: list[str], known: dict[str, tuple[str, str]]) -> str:
    """Return the row of one key with what the schema says of it."""
    if set("".join(cells)) <= set("-: "):
        return "|" + "---|" * len(HEADS)
    heads = heads if len(heads) == len(cells) else [each for each in heads if each != "values"]
    row = dict(zip(heads, cells, strict=True))
    key = row["key"].strip("`")
    if key not in known:
        raise ValueError(f"scenario.md: the schema has no key {key}")
    row["values"], row["default"] = known[key]
    return _row([row[name] for name in HEADS])


def _keys(schema: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return values and default of every dotted key; lists of parts end in ``[]``."""
    parts = schema["$defs"]

    def walk(model: dict[str, Any], path: str, needed: list[str]) -> dict[str, tuple[str, str]]:
        found = {}
        for name, each in model["properties"].items():
            inner = _part(each)
            if inner is None:
                found[path + name] = (_values(each, parts), _default(each, needed=name in needed))
                continue
            listed = "[]" if each.get("type") == "array" else ""
            part = parts[inner]
            found |= walk(part, f"{path}{name}{listed}.", part.get("required", []))
        return found

    return walk(schema, "", schema["anyOf"][0]["required"])


def _part(kind: dict[str, Any]) -> str | None:
    """Return the name of the part that a key holds, one or a list of them; None for a value."""
    choices = [kind, *kind.get("anyOf", []), kind.get("items", {})]
    held = next((each["$ref"] for each in choices if "$ref" in each), None)
    return held and held.rpartition("/")[2]


def _default(kind: dict[str, Any], *, needed: bool) -> str:
    """Return the default of a key as YAML writes it."""
    if needed:
        return "required"
    default = kind.get("default", {} if "additionalProperties" in kind else None)
    if default is None:
        return "none"
    shown = default if isinstance(default, str) else json.dumps(default)
    return f"`{shown}`"


def _values(kind: dict[str, Any], parts: dict[str, Any]) -> str:
    """Return in words which values a key takes."""
    named = kind.get("enum", ["true", "false"] if kind.get("type") == "boolean" else None)
    if named is not None:
        return ", ".join(f"`{each}`" for each in named)
    if "anyOf" in kind:
        told = [_values(each, parts) for each in kind["anyOf"] if each != {"type": "null"}]
        return ", or ".join(told)
    if "$ref" in kind:
        inner = parts[kind["$ref"].rpartition("/")[2]]["properties"]
        told = [f"`{name}` {_values(each, parts)}" for name, each in inner.items()]
        return ", ".join(told)
    if kind["type"] == "array":
        items = kind["items"]
        pairs = f"{len(items['prefixItems'])} texts each" if "prefixItems" in items else ""
        return f"list of {pairs or _values(items, parts)}"
    if kind["type"] == "object":
        held = kind.get("additionalProperties")
        return f"name to {_values(held, parts)}" if isinstance(held, dict) else "names to values"
    return KINDS[kind["type"]] + _limits(kind)


def _limits(kind: dict[str, Any]) -> str:
    """Return the limits of a number; both ends are inclusive but for ``>``."""
    low, above, high = (kind.get(each) for each in ("minimum", "exclusiveMinimum", "maximum"))
    if low is not None and high is not None:
        return f", {low:g} to {high:g}"
    signs = (("≥", low), (">", above), ("≤", high))
    told = [f"{sign} {limit:g}" for sign, limit in signs if limit is not None]
    return " " + ", ".join(told) if told else ""


def _cells(line: str) -> list[str]:
    """Return the cells of a row of a table; none for any other line."""
    if not line.startswith("|"):
        return []
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _row(cells: list[str]) -> str:
    """Return a row of a table, an empty cell as one blank."""
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def main() -> None:
    """Write the page anew."""
    written = page(PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(written, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
