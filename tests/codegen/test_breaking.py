"""Each rule of `duologue breaking` is a folder named by its id: two versions of a spec, and what is said of them.

After a wanted change of words: regolden.py.
"""

import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from duologue_codegen.breaking import compare as comparing
from duologue_codegen.breaking.compare import Comparison, compare
from duologue_codegen.breaking.exchange import Exchange, Unconfirmed
from duologue_codegen.breaking.findings import Labels, Message, Request, Snippet, Version, found, render_text
from duologue_codegen.breaking.names import facts
from duologue_codegen.breaking.packages import Package
from duologue_codegen.breaking.rules import RULES
from duologue_codegen.compiler import compile_spec
from duologue_codegen.ir import Protocol, Side

CASES = Path(__file__).parent / "breaking"
NAMES = sorted(path.name for path in CASES.iterdir())
LABELS = {Version.NEW: Labels("", "", "after.yaml"), Version.OLD: Labels("", "", "before.yaml")}
DOCUMENT = Path(__file__).parents[2] / "docs/breaking.md"


def versions(case: str) -> tuple[Protocol, Protocol]:
    return compile_spec(CASES / case / "before.yaml"), compile_spec(CASES / case / "after.yaml")


def outcome(case: str) -> Comparison:
    return compare(*versions(case))


@pytest.mark.parametrize("case", NAMES)
def test_a_change_is_told_by_its_rule(case: str) -> None:
    comparison = outcome(case)
    text = render_text(comparison.findings, LABELS)
    assert text == (CASES / case / "expected.txt").read_text(encoding="utf-8").rstrip("\n")
    assert comparison.dropped == ()
    if case.startswith("compatible"):
        assert text == ""
        assert comparison.messages > 0
    else:
        assert case in {finding.rule.id for finding in comparison.findings}


def test_each_rule_has_its_folder() -> None:
    assert {name for name in NAMES if not name.startswith("compatible")} == set(RULES) - {"exchange-failed"}
    assert len(RULES) >= 40


def test_the_document_has_the_table() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| (.+?) \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(rule.id, rule.meaning, rule.instead) for rule in RULES.values()]


@pytest.mark.parametrize("case", ["everything", "registry", "absent", "files"])
def test_what_programs_are_said_to_rely_on_holds(case: str) -> None:
    """Else a finding about it could not be shown."""
    protocol = compile_spec(CASES.parent / "golden" / case / "spec.yaml")
    with closing(Package(protocol)) as package:
        code = {fact.code for fact in facts(protocol) if fact.code}
        package.run("\n".join(sorted(code)), hidden="nothing")


# ------------------------------------------------------------------------------------------- mistakes of the rules
@pytest.mark.parametrize("case", ["field-added-required", "enum-value-added", "default-changed", "const-added"])
def test_what_no_rule_names_fails_the_exchange(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(old: Protocol, new: Protocol) -> list[object]:
        return []

    monkeypatch.setattr(comparing, "compare_messages", nothing)
    assert "exchange-failed" in {finding.rule.id for finding in outcome(case).findings}


def test_a_suspicion_that_nothing_shows_is_dropped() -> None:
    old, new = versions("compatible-additions")
    message = Message(part="params", name="find", payload={"name": "x"}, sender=Side.CLIENT, reader=Version.NEW)
    with Exchange(old, new) as exchange:
        for witness in (
            message,
            replace(message, differs=True),
            replace(message, payload={"nonsense": 1}),  # which its own sender refuses
            Request(envelope={"id": "1", "action": "find", "params": {}}),
            Snippet(code="from shop_sdk import ShopClient"),
            Snippet(code="import nothing_of_that_name"),
        ):
            with pytest.raises(Unconfirmed):
                exchange.confirm(found("type-changed", "x", None, witness))
