"""The table of roles: what is in it, and how it is shown."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from duologue_codegen.cli import main

SPEC = """\
duologue: 1
protocol: vault
version: 1.0.0
scopes: {see: See., open: Open., lonely: Nobody has it.}
roles: {guest: [see], owner: [see, open], nobody: []}
actions:
  knock: {scope: public}
  look: {scope: see}
  take: {scope: [see, open]}
  swap: {scope: open, from: both}
  ask_back: {scope: open, from: server}
  vanish: {scope: lonely}
events:
  opened: {scope: see, delivery: log}
  waved: {scope: public, from: client, delivery: volatile}
"""

TABLE = """\
                  from    scope       (no role)  guest  owner  nobody
action  knock     client  public      yes        yes    yes    yes
action  look      client  see         -          yes    yes    -
action  take      client  see + open  -          -      yes    -
action  swap      both    open        -          -      yes    -
action  ask_back  server  open        -          -      yes    -
action  vanish    client  lonely      -          -      -      -
event   opened    server  see         -          yes    yes    -
event   waved     client  public      yes        yes    yes    yes
"""


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "vault.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return str(path)


def test_the_table(spec: str) -> None:
    assert CliRunner().invoke(main, ["authz", spec]).stdout == TABLE


def test_as_json(spec: str) -> None:
    rows = json.loads(CliRunner().invoke(main, ["authz", spec, "--json"]).stdout)
    assert [row["name"] for row in rows] == [line.split()[1] for line in TABLE.splitlines()[1:]]
    assert rows[2] == {
        "kind": "action",
        "name": "take",
        "from": "client",
        "scope": ["see", "open"],
        "roles": {"(no role)": False, "guest": False, "owner": True, "nobody": False},
    }


def test_a_protocol_without_roles_and_one_without_anything(tmp_path: Path) -> None:
    path = tmp_path / "bare.yaml"
    path.write_text("duologue: 1\nprotocol: bare\nversion: 1.0.0\n", encoding="utf-8")
    assert CliRunner().invoke(main, ["authz", str(path)]).stdout == "the protocol has neither actions nor events\n"
    path.write_text("duologue: 1\nprotocol: bare\nversion: 1.0.0\nactions: {go: {scope: public}}\n", encoding="utf-8")
    assert CliRunner().invoke(main, ["authz", str(path)]).stdout.splitlines()[1].split() == [
        "action", "go", "client", "public", "yes",
    ]  # fmt: skip


def test_a_spec_that_is_wrong_is_told_as_always(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("duologue: 1\nprotocol: bare\nversion: 1.0.0\nactions: {go: {scope: nope}}\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["authz", str(path)])
    assert done.exit_code == 2
    assert "wrong.yaml:4:" in done.stderr
