"""The text catalogue: complete, the same in both languages, and nothing in it that no one says."""

from __future__ import annotations

import ast
import re
from itertools import product
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

import siting
from siting.access import AREAS
from siting.access import MEASURES as ACCESS_MEASURES
from siting.demand import CLASSES, SUPPORTS
from siting.errors import Fault
from siting.homes import KINDS
from siting.money import ITEMS, OPERATOR
from siting.objective import STAGES
from siting.outputs.check_page import SEVERITIES, WORDS
from siting.outputs.tables import CODES, CSV_COLUMNS
from siting.regions import NOTES
from siting.scenario import Candidates, Density, Scenario, Spread
from siting.scenario_file import EXPECTED
from siting.scenario_objective import MODELS
from siting.standards.standard_file import LegalStatus
from siting.study.curve import CURVE_COLUMNS
from siting.tables import CheckLine, Severity
from siting.texts import LANGUAGES, catalogue, figure, percent, text

SOURCES = sorted(Path(siting.__file__).parent.rglob("*.py"))
ALWAYS = {"errors": {"many"}, "check": {"count", "elders"}}
FROM_PYDANTIC = {"key", "names", "found"}
SAMPLES = {
    "support": "zone", "method": "road_length", "kinds": "canteen, 理发店", "share": 0.25,
    "model": "p_median",
}  # fmt: skip
"""Values of placeholders that stand for codes, as the sources give them."""
TRADITIONAL = set(
    "這個們來時會對說國學與為從後開關見東門馬車長書點過還進動實現發電話單據網絡設標規範圍區處總數線"
    "層級類種樣條員務無論養療護設醫樓歲產業權積價費錢歸終結構畫圖裏裡麵週鄉鎮縣離徑邊並於"
)


def test_every_text_speaks_both_languages() -> None:
    for key, entry in catalogue().items():
        assert set(entry) == set(LANGUAGES), key
        assert all(isinstance(each, str) and each.strip() for each in entry.values()), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_stands_twice_in_a_file(language: str) -> None:
    assert text("errors.colon", language)
    for path in (Path(siting.__file__).parent / "texts").glob("*.yaml"):
        keys = re.findall(r'^"?([\w-]+)"?:', path.read_text(encoding="utf-8"), re.MULTILINE)
        assert len(keys) == len(set(keys)), path.name


def test_placeholders_are_the_same_in_both_languages() -> None:
    for key, entry in catalogue().items():
        assert _blanks(entry["zh"]) == _blanks(entry["en"]), key


def test_chinese_is_simplified_and_english_is_not_chinese() -> None:
    for key, entry in catalogue().items():
        assert not TRADITIONAL & set(entry["zh"]), key
        assert not re.search(r"[\u4e00-\u9fff]", entry["en"]), key


def test_sentences_end_and_have_no_double_spaces() -> None:
    for key, entry in catalogue().items():
        if key.split(".")[0] in ALWAYS and not _is_piece(key):
            assert re.search(r"(。|\))$", entry["zh"]), key
            assert re.search(r"(\.|\))$", entry["en"]), key
        assert "  " not in entry["en"], key


def _is_piece(key: str) -> bool:
    """Return whether a text is a part of a sentence or of a page, not a sentence."""
    pieces = ("check.page_", "errors.expect_")
    return key in {"errors.colon", "errors.examples"} or key.startswith(pieces)


def _blanks(sentence: str) -> set[str]:
    """Return the names of the placeholders of a text."""
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


class _Said:
    """The codes that the sources use, with the values that each gives, read off their syntax."""

    def __init__(self) -> None:
        self.faults: list[tuple[str, set[str], str]] = []
        self.lines: list[tuple[str, set[str], str]] = []
        self.texts: list[tuple[str, str]] = []
        self.unclear: list[str] = []
        for path in SOURCES:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for scope in _scopes(tree):
                for call in _calls(scope):
                    self._read(call, scope, f"{path.name}:{call.lineno}")

    def _read(self, call: ast.Call, scope: ast.AST, where: str) -> None:
        """Note the codes of one call."""
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        plain = call.func.id if isinstance(call.func, ast.Name) else ""
        if name == "of" and ast.unparse(call.func).endswith("Error.of"):
            given = {each.arg for each in call.keywords if each.arg}
            self._note(self.faults, call, 0, scope, given, where)
        elif plain == "Fault":
            given = _keys(call.args[2], scope) if len(call.args) > 2 else set()
            self._note(self.faults, call, 0, scope, given, where)
        elif name == "add" and len(call.args) >= 3 and "check" in ast.unparse(call.func):
            given = {each.arg for each in call.keywords if each.arg}
            self._note(self.lines, call, 1, scope, given, where)
        elif plain == "ValueError" and (
            found := re.match(r"f?'([a-z_]+):", ast.unparse(call.args[0]))
        ):
            self.faults.append((found[1], FROM_PYDANTIC, where))
        elif plain == "text" and call.args and isinstance(call.args[0], ast.Constant):
            self.texts.append((str(call.args[0].value), where))
        elif plain == "text" and call.args:
            self.texts += [(key, where) for key in _words(call.args[0], scope)]

    def _note(
        self, into: list[tuple[str, set[str], str]], call: ast.Call, place: int, scope: ast.AST,
        given: set[str], where: str,
    ) -> None:  # fmt: skip
        node = call.args[place]
        codes = _words(node, _loop_of(node, call, scope)) or _words(node, scope)
        if not codes and ast.unparse(node) not in PASSED_ON:
            self.unclear.append(f"{where} {ast.unparse(node)}")
        into.extend((code, given, where) for code in codes)


PASSED_ON = {"code"}
"""Codes that a helper only hands on."""


def _scopes(tree: ast.Module) -> list[ast.AST]:
    """Return the functions of a module, outermost only, and the module."""
    functions: list[ast.AST] = []

    class Finder(ast.NodeVisitor):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            functions.append(node)

    Finder().visit(tree)
    return functions


def _calls(scope: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(scope) if isinstance(node, ast.Call)]


def _loop_of(node: ast.AST, call: ast.Call, scope: ast.AST) -> ast.AST:
    """Return the innermost loop around a call that gives a name its value, else the function."""
    loops = [
        each for each in ast.walk(scope)
        if isinstance(each, ast.For) and any(inner is call for inner in ast.walk(each))
    ]  # fmt: skip
    return next(
        (each for each in reversed(loops) if isinstance(node, ast.Name) and _bound(node.id, each)),
        scope,
    )


def _words(node: ast.AST | None, scope: ast.AST) -> set[str]:
    """Return the texts that an expression can be: literal, conditional, f-string or variable."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return _words(node.body, scope) | _words(node.orelse, scope)
    if isinstance(node, ast.JoinedStr):
        parts = [
            _words(each.value if isinstance(each, ast.FormattedValue) else each, scope)
            for each in node.values
        ]
        return {"".join(each) for each in product(*parts)}
    if isinstance(node, ast.Name):
        return {word for each in _bound(node.id, scope) for word in _words(each, scope)}
    return set()


def _bound(name: str, scope: ast.AST) -> list[ast.AST]:
    """Return the expressions that a name of a function is given: by ``=`` or by ``for``."""
    found: list[ast.AST] = []
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found += [node.value] if node.targets[0].id == name else []
        if isinstance(node, ast.For) and isinstance(node.target, ast.Tuple):
            names = [each.id if isinstance(each, ast.Name) else "" for each in node.target.elts]
            if name in names:
                found += _items(node.iter, names.index(name), scope)
    return found


def _items(source: ast.AST, place: int, scope: ast.AST) -> list[ast.AST]:
    """Return what a loop over literal tuples, or over a literal mapping, gives in one place."""
    if isinstance(source, ast.Tuple):
        return [each.elts[place] for each in source.elts if isinstance(each, ast.Tuple)]
    if isinstance(source, ast.Call) and ast.unparse(source).endswith(".items()") and place == 0:
        owner = source.func.value  # type: ignore[attr-defined]
        maps = _bound(owner.id, scope) if isinstance(owner, ast.Name) else []
        return [key for each in maps if isinstance(each, ast.Dict) for key in each.keys if key]
    return []


def _keys(node: ast.AST, scope: ast.AST) -> set[str]:
    """Return the keys of a literal mapping, given as such or through a variable."""
    if isinstance(node, ast.Dict):
        return {str(key.value) for key in node.keys if isinstance(key, ast.Constant)}
    if isinstance(node, ast.Name):
        return {key for each in _bound(node.id, scope) for key in _keys(each, scope)}
    return set()


@pytest.fixture(scope="module")
def said() -> _Said:
    return _Said()


def test_every_code_in_the_sources_can_be_read(said: _Said) -> None:
    assert said.unclear == []
    assert len({code for code, _, _ in said.faults}) > 50
    assert len({code for code, _, _ in said.lines}) > 20


@pytest.mark.parametrize("group", ["errors", "check"])
def test_every_code_has_its_sentence_and_every_blank_its_value(said: _Said, group: str) -> None:
    used = said.faults if group == "errors" else said.lines
    missing = sorted(
        {f"{code} ({where})" for code, _, where in used if f"{group}.{code}" not in catalogue()}
    )
    assert missing == []
    for code, given, where in used:
        asked = _blanks(catalogue()[f"{group}.{code}"]["zh"])
        assert asked <= given | ALWAYS[group], f"{code} ({where})"


@pytest.mark.parametrize("group", ["errors", "check"])
def test_no_sentence_stands_unused(said: _Said, group: str) -> None:
    used = {f"{group}.{code}" for code, _, _ in (said.faults if group == "errors" else said.lines)}
    used |= {key for key, _ in said.texts}
    used |= {f"errors.expect_{each}" for each in EXPECTED.values()}
    used |= {f"check.page_{word}" for word in (*WORDS, *(f"{each}s" for each in SEVERITIES))}
    written = {key for key in catalogue() if key.startswith(f"{group}.")}
    assert sorted(written - used) == []


def test_every_text_that_is_asked_for_by_name_exists(said: _Said) -> None:
    assert sorted(f"{key} ({where})" for key, where in said.texts if key not in catalogue()) == []


def test_faults_with_examples_show_them(said: _Said) -> None:
    with_rows = {"not_a_number", "empty_cell", "below", "not_whole", "empty_id", "duplicate_id"}
    with_rows |= {"not_lines", "broken_geometry", "empty_geometry", "ragged_rows", "out_foreign"}
    assert with_rows <= {code for code, _, _ in said.faults}
    for code in with_rows:
        assert "many" in _blanks(catalogue()[f"errors.{code}"]["zh"]), code


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fault_and_line_renders(said: _Said, language: str) -> None:
    for code, given, _ in said.faults:
        values = dict.fromkeys(given, 1.5)
        for examples in ((), ("a (2)", "b (3)")):
            sentence = Fault(code, "homes.csv", values, examples).render(language)
            assert sentence.startswith("homes.csv")
            assert "None" not in sentence
    for code, given, _ in said.lines:
        values = {key: SAMPLES.get(key, 1.5) for key in given - {"count", "elders", "examples"}}
        assert CheckLine("info", code, "demand", 3, 12.0, (), values).render(language)


def _table_keys() -> set[str]:
    """Return every text that tables and pages look up by a name put together."""
    columns = {each for names in CSV_COLUMNS.values() for each in names} | set(CURVE_COLUMNS)
    columns |= {"support", "elders_high", "elders_medium", "elders_low", "changed_share", "used"}
    columns |= {"estimate", "stage", "value", "bound", "gap", "proof", "table", "field", "heading"}
    words = {
        "field": columns,
        "sheet": {*CSV_COLUMNS, "curve", "density", "summary", "fields"},
        "status": {"existing", "new", "extended", "planned", "reserved", "closed", "outside"},
        "class": set(CLASSES),
        "reason": {"no_candidate_in_reach", "off_network", "locked_out", "excluded", "over_limit",
                   "not_chosen"},
        "verdict": {"met", "unmet", "not_applicable", "unknown"},
        "legal": set(get_args(LegalStatus)),
        "state": {"existing", "plan"},
        "scope": {"unit", "zone", "all", "district", "street", "urban_street", "town", "circle",
                  "island",
                  "urban_zone", "village", "facility"},
        "measure": {"beds", "places", "units", "share", "facilities", "areas", "persons", "rules",
                    "m", "gini", "wan_yuan", "per_1000"},
        "access": {*ACCESS_MEASURES, "in"},
        "of": {*AREAS, "point"},
        "action": {"open", "extend"},
        "support": {*SUPPORTS, *get_args(Density.model_fields["support"].annotation)},
        "kind": {*KINDS.values(), "functions"} - {""},
        "severity": set(get_args(Severity)),
        "note": {"no_zone", "no_unit", "no_capacity", "no_candidate", *NOTES, "built", "planned",
                 "reserved", "missing", "lacks", "needs", "to_build", "encouraged", "preference",
                 "money", "on_record", "same", "adjacent", "apart"},
        "run": {"optimal", "gap", "time_limit", "interrupted", "audited"},
        "item": set(ITEMS),
        "payer": {OPERATOR, "county"},
        "metric": set(get_args(Scenario.model_fields["distance"].annotation)),
        "estimate": set(get_args(Spread.model_fields["method"].annotation)),
        "stage": {*STAGES, *MODELS},
        "model": set(MODELS),
        "proof": {"inspection", "search", "none", "skipped"},
        "summary": _summary_keys(),
    }  # fmt: skip
    return {f"{group}_{word}" for group, each in words.items() for word in each}


def _summary_keys() -> set[str]:
    """Return the names of the rows of the workbook's first page."""
    keys = {"name", "standard", "year", "date", "run_status", "objective", "metric", "estimate"}
    keys |= {"cost_wan_yuan"}
    keys |= {f"elders_{each}" for each in ("total", "high", "medium", "low")}
    keys |= {
        f"covered_{state}_{each}"
        for state in ("existing", "plan", "reachable")
        for each in ("high", "medium")
    }
    keys |= {f"beds_{each}" for each in ("required", "existing", "plan", "shortfall")}
    return keys | {
        f"sites_{each}" for each in ("existing", "new", "extended", "upgraded", "candidates")
    }


def test_tables_have_all_their_words() -> None:
    written = {key.removeprefix("tables.") for key in catalogue() if key.startswith("tables.")}
    assert sorted(_table_keys() - written) == []
    assert sorted(written - _table_keys()) == []
    assert set(CODES.values()) <= {key.split("_")[0] for key in written}


@pytest.mark.parametrize("language", LANGUAGES)
def test_sheet_names_fit_a_workbook_and_headings_differ(language: str) -> None:
    sheets = [text(key, language) for key in catalogue() if key.startswith("tables.sheet_")]
    assert len(set(sheets)) == len(sheets)
    assert all(len(name) <= 31 and not re.search(r"[\[\]:*?/\\]", name) for name in sheets)
    for table, columns in (CSV_COLUMNS | {"curve": CURVE_COLUMNS}).items():
        heads = [text(f"tables.field_{column}", language) for column in columns]
        assert len(set(heads)) == len(heads), table


def test_candidates_can_be_listed_or_generated_in_words() -> None:
    with pytest.raises(ValueError, match="one_of:path, generate"):
        Candidates(max_beds=10.0)
    sentence = Fault("one_of", "a.yaml:3", {"key": "candidates.0", "names": "path, generate"})
    assert "candidates.0" in sentence.render("zh")
    assert "path, generate" in sentence.render("en")


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [(4018.5, 0, "4,019"), (4017.5, 0, "4,018"), (6555.499999999999, 0, "6,556"),
     (6555.49, 0, "6,555"), (-0.4, 0, "0"), (-1234.5, 0, "-1,235"), (2.25, 1, "2.3"),
     (1e15, 0, "1,000,000,000,000,000"), (0.1 + 0.2, 2, "0.30"), (7, 1, "7.0")],
)  # fmt: skip
def test_figures_are_rounded_as_spreadsheets_round(value: float, decimals: int, shown: str) -> None:
    assert figure(value, decimals) == shown


def test_texts_and_shares_round_alike() -> None:
    found = text("cli.coverage_high", "en", elders=4018.5, before="", after="", most="")
    assert "4,019" in found
    assert percent(0.1225) == "12.3%"
    assert [percent(1 - 1e-15), percent(1 - 1e-6), percent(1e-15)] == ["100%", "99.9%", "0%"]
