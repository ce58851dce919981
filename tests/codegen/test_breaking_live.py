"""Witnesses meet real servers of both versions: the old one takes them, the new one does not."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio
import pytest
from websockets.asyncio.client import connect

from duologue import Aborted, Anonymous, Service, serve
from duologue_codegen import ir
from duologue_codegen.breaking.compare import compare
from duologue_codegen.breaking.findings import Message, Request, Version
from duologue_codegen.breaking.packages import Package
from duologue_codegen.compiler import compile_spec

CASES = Path(__file__).parent / "breaking"
REFUSALS = {"invalid_argument", "unimplemented", "permission_denied"}
QUICK = [
    *("action-removed", "action-scope-added", "enum-value-removed", "event-removed"),
    *("event-filter-removed", "event-scope-added", "nullable-removed", "param-removed"),
]


def requests(case: str) -> list[tuple[dict[str, Any], set[str]]]:
    """What an old client sends to a new server, and the scopes that it needed so far."""
    old, new = compile_spec(CASES / case / "before.yaml"), compile_spec(CASES / case / "after.yaml")
    scopes = {action.name: set(action.scope) for action in old.actions}
    found: list[tuple[dict[str, Any], set[str]]] = []
    for finding in compare(old, new).findings:
        match finding.witness:
            case Request(called=ir.Side.SERVER, envelope=envelope) as witness if "action" in envelope:
                found.append((envelope, set(witness.scopes)))
            case Message(part="params", sender=ir.Side.CLIENT, reader=Version.NEW, differs=False) as witness:
                envelope = {"id": "1", "action": witness.name, "params": witness.payload}
                found.append((envelope, scopes[witness.name]))
            case _:
                pass
    return found


def service(package: Package) -> Service[Any]:
    """The generated service, each of whose handlers says that it was reached."""
    names = package.protocol.python
    generated: Any = getattr(import_module(f"{package.name}.server"), names.service)

    async def reached(*_: object) -> None:
        raise Aborted("reached")

    made: Service[Any] = type("Reached", (generated,), dict.fromkeys(generated.__abstractmethods__, reached))()
    return made


async def status_of(package: Package, envelope: dict[str, Any], scopes: set[str]) -> str | None:
    """What a server of a version answers."""
    async with (
        serve(service(package), authenticator=Anonymous(scopes=scopes)) as server,
        connect(f"ws://127.0.0.1:{server.port}", proxy=None) as socket,
    ):
        await socket.send(json.dumps(envelope))
        while True:
            answer = json.loads(await socket.recv())
            if answer.get("id") == envelope["id"]:
                return None if answer["error"] is None else str(answer["error"]["status"])


async def check(case: str) -> int:
    sent = requests(case)
    for envelope, scopes in sent:
        before = Package(compile_spec(CASES / case / "before.yaml"))
        after = Package(compile_spec(CASES / case / "after.yaml"))
        try:
            with anyio.fail_after(20):
                assert await status_of(before, envelope, scopes) in ("aborted", None), envelope
                assert await status_of(after, envelope, scopes) in REFUSALS, envelope
        finally:
            before.close()
            after.close()
    return len(sent)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("case", QUICK)
async def test_a_witness_meets_servers(case: str, anyio_backend: str) -> None:
    assert await check(case)


@pytest.mark.long
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_all_witnesses_meet_servers(anyio_backend: str) -> None:
    assert sum([await check(case.name) for case in sorted(CASES.iterdir()) if case.name not in QUICK]) >= 15
