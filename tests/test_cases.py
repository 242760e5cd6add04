"""The acceptance cases: small plans and audits worked out by hand, compared with the files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import case_files
import pytest

if TYPE_CHECKING:
    from pathlib import Path

CASES = [
    pytest.param(
        case, variant, id=name,
        marks=[pytest.mark.xfail(strict=True, reason=variant["known_fault"])]
        if "known_fault" in variant else [],
    )
    for name, case, variant in case_files.read_cases()
]  # fmt: skip
PLACES = {"x", "y", "lon", "lat"}
HOW_IT_WENT = ("seconds", "peak_memory_mb", "inputs", "settings", "versions", "stages")
COMPARE = {
    "same": lambda a, b: a == pytest.approx(b, rel=1e-9, abs=1e-9),
    "more": lambda a, b: a > b + 1e-6,
    "less": lambda a, b: a < b - 1e-6,
    "not_less": lambda a, b: a >= b - 1e-9,
    "not_more": lambda a, b: a <= b + 1e-9,
}


def test_every_case_is_there() -> None:
    numbers = {path.stem.split("_")[0] for path in case_files.CASES.glob("*.yaml")}
    elsewhere = {"T13"}  # coordinates that are refused: tests/bad/mistakes.yaml
    assert numbers | elsewhere == {f"T{number:02}" for number in range(1, 17)}


@pytest.mark.parametrize(("case", "variant"), CASES)
def test_case_gives_what_was_worked_out_by_hand(
    case: dict[str, Any], variant: dict[str, Any], tmp_path: Path
) -> None:
    result = case_files.run_case(case, variant, tmp_path)
    expect = variant.get("expect", {})
    assert expect or variant.get("than_base") or variant.get("like_base")
    for key, value in expect.get("run", {}).items():
        assert_equal(result.figure(key), value, f"run.json {key}")
    for table in ("facilities", "demand", "units", "circles", "only_facilities"):
        for name, cells in expect.get(table, {}).items():
            assert_cells(result.row(table.removeprefix("only_"), name), cells, f"{table} {name}")
    if "only_facilities" in expect:
        assert set(result.tables["facilities"]["id"]) == set(expect["only_facilities"])
    assert_findings(result, expect)
    assert_reported(result, expect)
    assert_paid(result, expect)
    if "than_base" in variant or "like_base" in variant:
        (tmp_path / "base").mkdir()
        base = case_files.run_case(case, case["variants"][0], tmp_path / "base")
        assert_compared(result, base, variant)


def assert_findings(result: case_files.Result, expect: dict[str, Any]) -> None:
    for key, cells in expect.get("audit", {}).items():
        state, rule, place = key.split(" ", 2)
        assert_cells(result.finding(state, rule, place), cells, f"audit {key}")
    found = result.tables["audit"]
    there = set(found["state"] + " " + found["rule_id"] + " " + found["scope_id"])
    assert not there & set(expect.get("no_finding", []))


def assert_reported(result: case_files.Result, expect: dict[str, Any]) -> None:
    """Compare the table of areal supports and the lines of the data check."""
    density = result.tables["density"].set_index("support")
    for support, cells in expect.get("density", {}).items():
        assert_cells(dict(density.loc[support]), cells, f"density {support}")
    lines = result.tables["check"].to_dict("records")
    for line in expect.get("check", []):
        what = (line["code"], line["severity"])
        alike = [each for each in lines if (each["code"], each["severity"]) == what]
        assert len(alike) == 1, f"check.csv: {len(alike)} lines {line}"
        assert line.get("says", "") in alike[0]["message"]
        assert_cells(alike[0], {k: v for k, v in line.items() if k != "says"}, "check")


def assert_paid(result: case_files.Result, expect: dict[str, Any]) -> None:
    """Compare the payments of a facility; a key is its id and a rule, or an item without one."""
    for key, cells in expect.get("money", {}).items():
        found = result.payments(key)
        assert len(found) == 1, f"money.csv: {len(found)} rows {key}"
        assert_cells(found[0], cells, f"money {key}")
    assert not [key for key in expect.get("no_money", []) if result.payments(key)]


def assert_cells(row: dict[str, str], cells: dict[str, Any], where: str) -> None:
    for column, value in cells.items():
        assert_equal(row[column], value, f"{where} {column}")


def assert_equal(found: Any, expected: Any, where: str) -> None:
    if isinstance(expected, str):
        assert str(found) == expected, where
    else:
        assert float(found) == pytest.approx(expected, rel=1e-9, abs=1e-6), where


def assert_compared(
    result: case_files.Result, base: case_files.Result, variant: dict[str, Any]
) -> None:
    for key, relation in variant.get("than_base", {}).items():
        now, before = result.figure(key), base.figure(key)
        assert COMPARE[relation](now, before), f"{key}: {now} {relation} {before}"
    if variant.get("like_base"):
        assert_alike(result, base)


def assert_alike(result: case_files.Result, base: case_files.Result) -> None:
    """All tables hold the same rows but for coordinates, all figures are the same."""
    assert set(result.tables) == set(base.tables)
    for name, table in base.tables.items():
        kept = [column for column in table if column not in PLACES]
        rows, others = (
            sorted(each[kept].itertuples(index=False, name=None))
            for each in (table, result.tables[name])
        )
        assert len(rows) == len(others), name
        for row, other in zip(rows, others, strict=True):
            assert_row_alike(row, other, name)
    figures, others = (case_files.figures(each.run, without=HOW_IT_WENT) for each in (result, base))
    assert figures == pytest.approx(others, rel=1e-9, abs=1e-9)


def assert_row_alike(row: tuple[str, ...], other: tuple[str, ...], where: str) -> None:
    for a, b in zip(row, other, strict=True):
        try:
            assert float(a) == pytest.approx(float(b), rel=1e-9, abs=1e-6), where
        except ValueError:
            assert a == b, where
