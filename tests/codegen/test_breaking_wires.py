"""How `breaking` tries wire formats: whatever is declared understands itself, and what it does not is told."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from duologue_codegen.breaking.exchange import Exchange, Unconfirmed
from duologue_codegen.breaking.findings import Framed, Meeting, Version, found
from duologue_codegen.breaking.packages import Package
from duologue_codegen.breaking.positions import positions
from duologue_codegen.breaking.spoken import UNHEARD, heard, refusal, said
from duologue_codegen.breaking.wires import messages_of
from duologue_codegen.compiler import compile_spec
from duologue_codegen.ir import Side

HERE = Path(__file__).parent
SPECS = sorted((HERE.parent / "wires/specs").glob("*.yaml"))


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_a_protocol_understands_itself(spec: Path) -> None:
    protocol = compile_spec(spec)
    with closing(Package(protocol)) as package:
        assert [refusal(package, package, stage) for stage in ("connect", "handshake")] == [None, None]
        tried = 0
        for position in positions(protocol, protocol):
            for framed in messages_of(position, protocol, protocol):
                text = said(package, framed)
                assert text is not None
                assert heard(package, framed, text) != UNHEARD, text
                tried += 1
    assert tried > 0


def test_a_suspicion_that_nothing_shows_is_dropped() -> None:
    old = compile_spec(HERE / "breaking/compatible-wire/before.yaml")
    new = compile_spec(HERE / "breaking/compatible-wire/after.yaml")
    request = Framed(part="request", name="login", payload={"user": "me"}, sender=Side.CLIENT, reader=Version.NEW)
    with Exchange(old, new) as exchange:
        for witness in (
            request,
            replace(request, part="cancel"),  # of which neither has any
            replace(request, part="error", sender=Side.SERVER),
            Meeting(stage="connect", client=Version.OLD),
            Meeting(stage="handshake", client=Version.NEW),
        ):
            with pytest.raises(Unconfirmed):
                exchange.confirm(found("wire-request-changed", "x", None, witness))


def test_a_call_that_a_client_begins_with_has_to_be_there() -> None:
    spec = compile_spec(HERE.parent / "wires/specs/bayeux.yaml")
    less = replace(spec, actions=tuple(action for action in spec.actions if action.name != "/meta/handshake"))
    with closing(Package(spec)) as package, closing(Package(less)) as other:
        assert refusal(package, other, "handshake") == "no action is called /meta/handshake"
        assert refusal(other, package, "connect") is None
