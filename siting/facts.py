"""What a planner's tables say of a home beyond beds: functions that stand, staff, grade, rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from siting.errors import Fault, InputError
from siting.standards import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from siting.inputs.sources import Source

__all__ = [
    "NO",
    "OWNERS",
    "YES",
    "function_names",
    "owners",
    "read_facts",
    "read_functions",
    "said_yes",
]

YES = frozenset({"true", "1", "1.0", "yes", "y", "t", "是", "已登记", "已备案", "有"})
NO = frozenset({"false", "0", "0.0", "no", "n", "f", "否", "未登记", "未备案", "无"})
SEPARATORS = str.maketrans({"；": ",", ";": ",", "、": ",", "，": ",", "/": ",", "|": ","})
OWNERS = {
    "public": "public", "公办": "public", "公办公营": "public", "国有": "public", "集体": "public",
    "public_private": "public_private", "公建民营": "public_private",
    "private": "private", "民办": "private", "民营": "private", "民办非企业": "private",
    "企业": "private",
}  # fmt: skip
"""What a table may call an owner; any other word is as good as none."""

FUNCTION_WORDS = {
    "社区照护中心": "care_centre", "照护中心": "care_centre", "记忆家园": "memory_home",
    "记忆家园专区": "memory_zone", "康养联合体": "consortium", "老年食堂": "canteen",
    "助餐点": "canteen", "居家养老服务中心": "home_care_centre", "康复辅具": "device_point",
    "家庭照护": "family_centre", "养老顾问点": "adviser_point", "嵌入式养老机构": "embedded_home",
    "微型养护院": "micro_home", "日间照料中心": "day_care", "日间照料": "day_care",
    "镇街综合养老服务中心": "street_centre", "养老服务站": "station", "幸福餐桌": "meal_table",
    "互助点": "mutual_aid_point", "流动医院巡回点": "mobile_round",
    "综合健康养老服务机构": "combined_institution",
}  # fmt: skip


def owners(texts: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return who owns each home: public, public_private, private, or empty where it is not said."""
    return np.array([OWNERS.get(each, "") for each in texts], dtype=object)


def read_facts(source: Source, columns: dict[str, str]) -> NDArray[np.object_]:
    """Return, for each row, fact to value: a number, yes or no, a text; without empty cells."""
    found = [dict[str, Any]() for _ in range(len(source.ids))]
    for fact, column in columns.items():
        for row, cell in enumerate(source.texts(column)):
            value = _value(cell)
            if value is not None:
                found[row][fact] = value
    return _as_array(found)


def _value(cell: str) -> Any:
    """Return a cell as what it says, or None where it is empty."""
    if not cell:
        return None
    try:
        number = float(cell)
    except ValueError:
        word = cell.lower()
        return True if word in YES else False if word in NO else cell
    return number if np.isfinite(number) else cell


def said_yes(value: Any) -> bool | None:
    """
    Return whether a fact says yes; None where it is not told or a text that says neither.

    A table may say 1 and 0, and a number of something says that there is some.

    Examples
    --------
    >>> [said_yes(value) for value in (True, 1.0, 12.0, False, 0.0, None, "to be agreed")]
    [True, True, True, False, False, None, None]
    """
    if isinstance(value, float):
        return value > 0
    return value if isinstance(value, bool) else None


def _as_array(items: list[Any]) -> NDArray[np.object_]:
    """Return a list as an array of objects."""
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def read_functions(
    source: Source, column: str | None, known: tuple[str, ...]
) -> NDArray[np.object_]:
    """
    Return the functions that each row lists, as frozen sets; None where no column is named.

    Raises
    ------
    InputError
        If a word is no function.
    """
    if column is None:
        return _as_array([None] * len(source.ids))
    return _as_array(
        function_names(
            source.texts(column).tolist(), known=known, where=source.name, column=column,
            labels=source.labels(range(len(source.ids))),
        )
    )  # fmt: skip


def function_names(
    cells: list[str], *, known: tuple[str, ...], where: str, column: str, labels: Sequence[str]
) -> list[frozenset[str]]:
    """
    Return the functions that each cell lists, in Chinese or by name, as frozen sets.

    Parameters
    ----------
    cells
        Words separated by commas or semicolons; empty: none.
    known
        Functions of the scenario, beside those of ``siting.standards``.
    where, column, labels
        What an error names: file, column, and each row.

    Raises
    ------
    InputError
        If a word is no function.
    """
    allowed = dict.fromkeys((*FUNCTIONS, *known))
    found, wrong, rows = [], set(), []
    for row, cell in enumerate(cells):
        words = [word.strip() for word in cell.translate(SEPARATORS).split(",") if word.strip()]
        names = [FUNCTION_WORDS.get(word, word) for word in words]
        odd = [name for name in names if name not in allowed]
        if odd:
            wrong.update(odd)
            rows.append(row)
        found.append(frozenset(names))
    if wrong:
        values = {
            "column": column,
            "found": ", ".join(sorted(wrong)),
            "allowed": ", ".join(allowed),
        }
        examples = tuple(labels[row] for row in rows)
        raise InputError(Fault("unknown_function", where, values, examples))
    return found
