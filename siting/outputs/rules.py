"""The rules in force as a table: clause, legal status, what each asks for and how it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from siting.prepare import Prepared

__all__ = ["RULE_COLUMNS", "rules_frame"]

RULE_COLUMNS = [
    "rule_id", "kind", "clause", "legal_status", "strength", "tier", "enforced", "year_from",
    "summary", "asks", "reading", "changed",
]  # fmt: skip


def rules_frame(prepared: Prepared) -> pd.DataFrame:
    """
    Return one row per rule in force, in the order of the standard, in the scenario's language.

    ``summary`` is what the rule says, ``asks`` the sentence with its numbers in force, ``reading``
    what was chosen where the text is open; ``changed`` whether the scenario changed a number.
    """
    language = prepared.scenario.language
    rows = [
        [
            rule.id, rule.kind, rule.clause, rule.legal_status, rule.strength, rule.tier,
            rule.enforce, rule.year_from, rule.summary[language], rule.describe(language),
            rule.reading[language], bool(rule.changed),
        ]
        for rule in prepared.standard.rules
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=RULE_COLUMNS)
