"""`duologue mock`: every action of every spec is answered with what a generated client's models accept."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from random import Random
from typing import Any

import anyio
import pytest
from tests.tools.serving import answered, duologue, told

from duologue import CallError, CallOptions, serve
from duologue_codegen import ir
from duologue_codegen.breaking.samples import Sampler
from duologue_codegen.compiler import compile_spec
from duologue_codegen.loaded import Loaded
from duologue_codegen.tools.standin import StandIn, hooks_of
from duologue_codegen.tools.talking import Speaker, Target, connected

ROOT = Path(__file__).parents[2]
SPECS = [*sorted((ROOT / "tests/codegen/golden").glob("*/spec.yaml")), ROOT / "spec/registry.yaml"]
HOOKS = {name: f"a {name}" for name in ("language", "proof", "secret")}  # golden/declared asks for them
LONG = {"registry.yaml"}


@asynccontextmanager
async def mocked(protocol: ir.Protocol, seed: str = "0") -> AsyncGenerator[tuple[Speaker, Any, StandIn]]:
    """A client of a mock, and the table of both."""
    with closing(Loaded(protocol)) as package, anyio.fail_after(60):
        service = StandIn.of(protocol, package.table, seed)
        async with (
            serve(service, hooks=hooks_of(protocol)) as server,
            connected(Target(f"ws://127.0.0.1:{server.port}", "a-token-of-anybody", HOOKS), package.table) as client,
        ):
            yield client, package.table, service


async def ask(client: Speaker, action: ir.ActionDef, descriptor: Any, payload: Any) -> Any:
    """What one call is answered with: items or bytes, and the result."""
    params, how = descriptor.params.from_wire(json.dumps(payload)), CallOptions()
    match action.kind:
        case ir.ActionKind.STREAM:
            async with client.stream(descriptor, params, None, how) as stream:
                return [item async for item in stream], await stream.result()
        case ir.ActionKind.UPLOAD:
            return await client.upload(descriptor, params, b"bytes", None, how)
        case ir.ActionKind.DOWNLOAD:
            async with client.download(descriptor, params, None, how) as download:
                return b"".join([part async for part in download]), await download.result()
        case ir.ActionKind.UNARY:
            return await client.call(descriptor, params, None, how)


def descriptors(table: Any) -> dict[str, Any]:
    return {one.name: one for one in table.client_actions}


@pytest.mark.parametrize(
    "spec",
    [pytest.param(one, id=one.parent.name, marks=pytest.mark.long if one.name in LONG else ()) for one in SPECS],
)
def test_every_action_is_answered_as_its_models_want(spec: Path) -> None:
    protocol = compile_spec(spec)

    async def ask_all() -> None:
        async with mocked(protocol) as (client, table, service):
            for action in protocol.client_actions:
                for seed in range(3):
                    payload = Sampler(protocol, Random(seed), later=0).value(ir.Ref(name=action.params))
                    await ask(client, action, descriptors(table)[action.name], payload)
            sent = {event.event_name for event in service.events(99)}
            assert sent == {event.name for event in protocol.server_events}

    anyio.run(ask_all)


SPEC = """\
duologue: 1
protocol: zoo
version: 1.0.0
types:
  Animal: {fields: {name: {type: string, pattern: '^[a-z]{3,9}$'}, legs: {type: integer, minimum: 0, maximum: 8}}}
  Tree: {fields: {animal: Animal, below: [Tree]}}
errors:
  no_animal: {status: not_found, message: 'no {name} here', details: {name: string, near?: string}}
actions:
  find:
    params: {name: string, loud: {type: boolean, default: false}}
    result: Animal
    scope: public
    errors: [no_animal]
    examples:
      - {params: {name: dodo}, error: no_animal}
      - {params: {name: ant}, result: {name: ant, legs: 6}}
      - {params: {name: hen, loud: true}, result: {name: hen, legs: 2}}
  pick: {params: {n: integer}, result: Animal, scope: public}
  tree: {result: Tree, scope: public}
  list:
    pages: animals
    params: {cursor?: string}
    result: {fields: {animals: [Animal], next_cursor?: string}}
    scope: public
  never: {result: {type: string, pattern: '^a$', minLength: 2}, scope: public}
events:
  born: {data: Animal, delivery: log, scope: public, examples: [{name: fox, legs: 4}]}
  moved: {data: {name: string, to: integer}, delivery: state, key: [name, to], scope: public}
"""


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    spec = tmp_path / "zoo.yaml"
    spec.write_text(SPEC)
    return spec


def test_examples_come_first(zoo: Path) -> None:
    async def ask_some() -> None:
        async with mocked(compile_spec(zoo)) as (client, table, _):
            find = descriptors(table)["find"]

            async def found(**params: Any) -> Any:
                result = await client.call(find, find.params(**params), None, CallOptions())
                return result.name, result.legs

            assert await found(name="ant") == ("ant", 6)
            assert await found(name="ant", loud=False) == ("ant", 6), "the default is the same"
            assert await found(name="hen", loud=True) == ("hen", 2)
            assert await found(name="hen") == ("ant", 6), "none is for this: the first that has a result"
            with pytest.raises(CallError, match=r"no .* here") as caught:
                await found(name="dodo")
            assert caught.value.code == "no_animal"

    anyio.run(ask_some)


def test_what_is_made_depends_on_the_seed_and_the_question_alone(zoo: Path) -> None:
    async def picked(seed: str, *numbers: int) -> list[Any]:
        async with mocked(compile_spec(zoo), seed) as (client, table, service):
            pick = descriptors(table)["pick"]
            answers = [await client.call(pick, pick.params(n=number), None, CallOptions()) for number in numbers]
            return [answer.model_dump() for answer in (*answers, *service.events(5))]

    first = anyio.run(picked, "a", 1, 2, 3)
    assert anyio.run(picked, "a", 3, 2, 1)[:3] == first[2::-1], "in whatever order"
    assert anyio.run(picked, "a", 1, 2, 3) == first
    assert anyio.run(picked, "b", 1, 2, 3) != first
    assert first[0] != first[1]


def test_pages_and_trees_end(zoo: Path) -> None:
    async def ask_some() -> None:
        async with mocked(compile_spec(zoo)) as (client, table, service):
            actions = descriptors(table)
            for cursor in map(str, range(20)):
                page = await client.call(actions["list"], actions["list"].params(cursor=cursor), None, CallOptions())
                assert page.next_cursor is None
            assert await client.call(actions["tree"], actions["tree"].params(), None, CallOptions())
            told_of = {e.to_wire() for number in range(50) for e in service.events(number) if e.event_name == "moved"}
            assert len(told_of) <= 8, "states are kept: there are only so many"

    anyio.run(ask_some)


def test_what_cannot_be_made_is_said_so(zoo: Path) -> None:
    async def ask_it() -> None:
        async with mocked(compile_spec(zoo)) as (client, table, _):
            never = descriptors(table)["never"]
            with pytest.raises(CallError, match="never has no example, and no answer could be made"):
                await client.call(never, never.params(), None, CallOptions())

    anyio.run(ask_it)


def test_the_command_serves_and_sends_events(zoo: Path) -> None:
    command = [sys.executable, "-m", "duologue_codegen", "mock", str(zoo), "--json", "--event-every", "50ms"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        started = json.loads(process.stdout.readline())
        assert (started["protocol"], started["version"]) == ("zoo", "1.0.0")
        assert answered(duologue("call", started["url"], "find", "name=ant")) == {"name": "ant", "legs": 6}
        watched = duologue("watch", started["url"], "born", "--from-start", "--json", "--count", "2", "--for", "30s")
        born = [json.loads(line)["data"] for line in watched.stdout.splitlines()]
        assert born[0] == {"name": "fox", "legs": 4}
        assert len(born) == 2
        busy = duologue("mock", str(zoo), "--port", started["url"].rpartition(":")[2])
        assert "cannot listen on" in told(busy, 4)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


def test_what_makes_no_sense_is_said_so(tmp_path: Path, zoo: Path) -> None:
    assert "--event-every often: write a number and a unit" in told(
        duologue("mock", str(zoo), "--event-every", "often"), 2
    )
    assert "cannot read the spec" in told(duologue("mock", str(tmp_path / "none.yaml")), 2)
