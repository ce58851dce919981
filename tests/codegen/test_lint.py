"""Warnings about specs that compile."""

from pathlib import Path

import pytest

from duologue_codegen.compiler import compile_spec
from duologue_codegen.lint import lint
from duologue_codegen.problems import render_json, render_text

SPEC = """\
duologue: 1
protocol: chat
version: 1.0.0
scopes: {talk: Talk., spare: Nothing needs it., lonely: No role has it.}
roles: {guest: [talk]}
types:
  Word: {type: string, maxLength: 5}
  Unused: {type: string}
  Room: {fields: {name: Word}}
errors:
  gone: {status: not_found}
  busy: {status: unavailable, message: Busy.}
actions:
  say: {scope: talk, params: {room: Room}, errors: [gone]}
  hear: {scope: lonely, description: Hear.}
events:
  said: {scope: talk, delivery: log, data: {word: Word}}
"""

TOLD = """\
spec.yaml:1:1: the protocol has no description
  hint: add `description`
spec.yaml:4:23: nothing needs the scope `spare`
spec.yaml:4:49: no role has the scope `lonely`
spec.yaml:8:3: type `Unused` is not used
spec.yaml:9:3: type `Room` has no description
  hint: add `description`
spec.yaml:11:3: error `gone` has neither description nor message
  hint: add `description`
spec.yaml:12:3: no action ends in error `busy`
spec.yaml:14:3: action `say` has no description
  hint: add `description`
spec.yaml:17:3: event `said` has no description
  hint: add `description`"""

DESCRIBED = """\
duologue: 1
protocol: chat
version: 1.0.0
description: Talks.
"""
ERRORS = """\
defaults: {scope: public}
errors:
  gone: {status: not_found, message: '{who} is gone', details: {who: string}}
  busy: {status: unavailable, message: Busy.}
actions:
  say: {description: Says., errors: [gone, busy]}
"""


def test_warnings(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC, encoding="utf-8")
    found = lint(compile_spec(path))
    assert render_text(found) == TOLD
    assert render_text(found, "some/where").startswith("some/where/spec.yaml:1:1: ")
    assert '"line": 17' in render_json(found)


@pytest.mark.parametrize(
    ("template", "warns"),
    [
        ("{re: $id, no: $code}", True),
        ("{re: $id, no: {why: $code, more: $data}}", False),
        ("{re: $id, no: $code, ...: $data}", False),
        ("[4, $id, $code, ...$data]", False),
    ],
)
def test_details_that_nothing_carries(tmp_path: Path, template: str, *, warns: bool) -> None:
    path = tmp_path / "spec.yaml"
    wire = f"wire: {{request: {{do: $action, n: $id}}, reply: {{re: $id, ok: $result}}, reply_error: {template}}}\n"
    path.write_text(DESCRIBED + wire + ERRORS, encoding="utf-8")
    told = "spec.yaml:8:3: error `gone` has details, and `wire.reply_error` no place for them\n"
    told += "  hint: put `$data` where they are"
    assert render_text(lint(compile_spec(path))) == (told if warns else "")


def test_details_that_the_native_wire_carries(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(DESCRIBED + ERRORS, encoding="utf-8")
    assert lint(compile_spec(path)) == []
