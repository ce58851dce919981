"""What JSON-RPC 2.0 says of requests that are none: each row is of its specification, sections 4, 5 and 7."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.runtime.raw import raw_client
from tests.wires.dialogue import is_list
from tests.wires.support import sdk, serving

from duologue import Call

pytestmark = pytest.mark.anyio
calculator: Any = sdk("calculator")


class Calculator(calculator.CalculatorService):  # type: ignore[misc]
    async def divide(self, call: Call[Any], params: Any) -> float:
        return float(params.dividend / params.divisor)

    async def nothing(self, call: Call[Any], params: Any) -> None: ...
    async def nap(self, call: Call[Any], params: Any) -> None: ...
    async def on_said(self, call: Call[Any], event: Any) -> None: ...


def failed(code: int, id: Any = None) -> dict[str, Any]:
    return {"id": id, "code": code}


def done(result: Any, id: Any) -> dict[str, Any]:
    return {"id": id, "result": result}


DIVIDE = '{"jsonrpc": "2.0", "method": "divide", "params": [1, 2], "id": 1}'
NOTIFY = '{"jsonrpc": "2.0", "method": "said", "params": {"text": "x"}}'

TABLE: list[tuple[str, Any]] = [
    # section 5.1: what is no JSON, and what is no Request object
    ("", failed(-32700)),
    ("nonsense", failed(-32700)),
    ('{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', failed(-32700)),
    ("{}", failed(-32600)),
    ("7", failed(-32600)),
    ('"text"', failed(-32600)),
    ("null", failed(-32600)),
    ('{"foo": "boo"}', failed(-32600)),
    ('{"jsonrpc": "2.0", "method": 1, "params": "bar"}', failed(-32600)),
    ('{"jsonrpc": "2.0", "method": "divide", "id": {}}', failed(-32600)),
    ('{"jsonrpc": "2.0", "method": "divide", "id": true}', failed(-32600)),
    # section 4: an id of null is one, whose answer has it as well
    ('{"jsonrpc": "2.0", "method": "divide", "params": [1, 2], "id": null}', done(0.5, None)),
    ('{"jsonrpc": "2.0", "method": "foobar", "id": null}', failed(-32601)),
    ('{"jsonrpc": "2.0", "method": "foobar", "id": "1"}', failed(-32601, "1")),
    ('{"jsonrpc": "2.0", "method": "divide", "params": {"dividend": 1}, "id": 1.5}', failed(-32602, 1.5)),
    # section 6: a batch is answered member by member
    ("[]", failed(-32600)),
    ("[1]", [failed(-32600)]),
    ("[1,2,3]", [failed(-32600)] * 3),
    ("[[]]", [failed(-32600)]),
    ('[{"jsonrpc": "2.0", "method": "divide", "id": "1"}, {"jsonrpc": "2.0", "method"]', failed(-32700)),
    (
        f'[{DIVIDE}, {NOTIFY}, {{"foo": "boo"}}, {{"jsonrpc": "2.0", "method": "foo.get", "id": "5"}}, 7, [{DIVIDE}]]',
        [done(0.5, 1), failed(-32600), failed(-32600), failed(-32600), failed(-32601, "5")],
    ),
    (
        '[{"jsonrpc": "2.0", "method": "nothing", "id": null}, {"jsonrpc": "2.0", "method": "nothing", "id": null}]',
        [done(None, None), done(None, None)],
    ),
    # a notification, or a batch of them, is not answered, nor is what looks like an answer to a call that nobody made
    (NOTIFY, None),
    (f"[{NOTIFY}, {NOTIFY}]", None),
    ('{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}', None),
]


def in_any_order(answers: Any) -> Any:
    return sorted(answers, key=str) if is_list(answers) else answers


def plain(answer: Any) -> Any:
    """What the table tells of an answer; those of a batch in any order."""
    if is_list(answer):
        return in_any_order([plain(one) for one in answer])
    assert answer["jsonrpc"] == "2.0"
    assert set(answer) <= {"jsonrpc", "id", "result", "error"}
    if "result" in answer:
        return done(answer["result"], answer["id"])
    assert isinstance(answer["error"]["message"], str)
    return failed(answer["error"]["code"], answer["id"])


async def test_what_is_no_request_is_answered_as_the_specification_says() -> None:
    async with serving(Calculator()) as server, raw_client(server.port, []) as client:
        for number, (said, expected) in enumerate(TABLE):
            await client.say_text(said.encode())
            await client.say({"jsonrpc": "2.0", "method": "nothing", "id": f"after {number}"})
            heard = [await client.hear()]
            if expected is not None:
                heard.append(await client.hear())
            is_after = [json.dumps(done(None, f"after {number}"))]
            told = [plain(one) for one in heard]
            answers = [one for one in told if json.dumps(one) not in is_after]
            assert answers == ([] if expected is None else [in_any_order(expected)]), said


async def test_a_server_that_calls_nobody_takes_no_answers() -> None:
    """Where nobody can have asked, what looks like a response is an invalid request."""
    ethereum: Any = sdk("ethereum")

    class Node(ethereum.EthereumService):  # type: ignore[misc]
        async def eth_block_number(self, call: Call[Any], params: Any) -> str:
            return "0x1"

        async def eth_get_balance(self, call: Call[Any], params: Any) -> str:
            raise NotImplementedError

        eth_get_block = eth_syncing = eth_subscribe = eth_get_balance

    async with serving(Node()) as server, raw_client(server.port, []) as client:
        await client.say_text(b'{"jsonrpc": "2.0", "id": 5}')
        assert plain(await client.hear()) == failed(-32600)
        await client.say_text(b'{"jsonrpc": "2.0", "id": 6, "result": 1}')
        assert plain(await client.hear()) == failed(-32600)
