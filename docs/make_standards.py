"""Write a page for each packaged standard beside this script: ``make docs``."""  # noqa: INP001

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from siting.standards import packaged_standards, read_standard
from siting.texts import text

if TYPE_CHECKING:
    from siting.standards import Rule, Standard

__all__ = ["main", "page"]

FOLDER = Path(__file__).parent / "standards"
YEAR = 2025


def page(name: str) -> str:
    """
    Return the page of a packaged standard: its source, its rules and their readings.

    Parameters
    ----------
    name
        Id of the standard; its numbers are those in force in ``YEAR``.
    """
    standard = read_standard(name, year=YEAR)
    lines = [
        f"# {standard.name['en']}",
        "",
        f"Made by `make docs` from `siting/standards/{name}.yaml`: change that file, not this one.",
        f"Figures in force in {YEAR}. The same on the command line: `siting standards {name}`.",
        "",
        "| | |",
        "|---|---|",
        f"| id | `{standard.id}` |",
        f"| name | {standard.name['zh']} |",
        f"| for | {standard.jurisdiction['en']} ({standard.jurisdiction['zh']}) |",
        f"| source | {standard.source['en']} ({standard.source['zh']}) |",
        "",
        *_overview(standard.rules),
    ]
    for rule in standard.rules:
        lines += _rule(standard, rule)
    return "\n".join(lines) + "\n"


def _overview(rules: tuple[Rule, ...]) -> list[str]:
    """Return one row per rule."""
    heads = ["rule", "clause", "legal status", "strength", "asks for", "in the plan"]
    rows = [
        [
            f"[{rule.id}](#{rule.id.lower()})",
            rule.clause,
            text(f"kinds.{rule.legal_status}", "en"),
            text(f"kinds.{rule.strength}", "en"),
            rule.describe("en"),
            text("cli.enforced" if rule.enforce else "cli.audited", "en"),
        ]
        for rule in rules
    ]
    return [_row(heads), _row(["---"] * len(heads)), *(_row(row) for row in rows)]


def _rule(standard: Standard, rule: Rule) -> list[str]:
    """Return the section of one rule, in both languages, with its values by year."""
    lines = ["", f"## {rule.id}", "", "| | English | 中文 |", "|---|---|---|"]
    for name, words in (
        ("rule", rule.summary),
        ("asks for", {"en": rule.describe("en"), "zh": rule.describe("zh")}),
        ("reading taken", rule.reading),
    ):
        lines.append(_row([name, words["en"], words["zh"]]))
    lines += ["", f"Kind: `{rule.kind}`.", "", "| from | parameter | value |", "|---|---|---|"]
    for year, values in sorted(standard.values[rule.id].items()):
        named = values or {"–": "–"}
        lines += [_row([str(year), _key(key), _shown(each)]) for key, each in named.items()]
    return lines


def _key(name: str) -> str:
    """Return the name of a parameter as code, a dash as it is."""
    return name if name == "–" else f"`{name}`"


def _shown(value: Any) -> str:
    """Return a value as a planner would write it: a number short, a list or mapping in a row."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.10g}"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_shown(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_shown(each) for each in value)
    return str(value)


def _row(cells: list[str]) -> str:
    """Return a row of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(exist_ok=True)
    for name in packaged_standards():
        (FOLDER / f"{name}.md").write_text(page(name), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
