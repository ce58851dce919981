"""Secrets stay where they are: canaries in tokens, params, URLs and results, looked for in all that is told.

That is logs in each of their forms, errors, reprs, metrics and spans, with all observers on.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from tests.security.sdk import vault
from tests.security.vaults import Vault, World, guarded, on_sockets
from typing_extensions import override

from duologue import (
    CallError,
    CallOptions,
    ConnectFailed,
    Identity,
    Internal,
    JsonLines,
    JwtTokens,
    LogObserver,
    Metrics,
    StaticTokens,
    TextLines,
)
from duologue.client.dialer import redacted
from duologue.otel import Tracing

pytestmark = pytest.mark.anyio

CANARY = "canary"
SECRETS = {
    "token": f"{CANARY}-token-{'t' * 30}",
    "bad token": f"{CANARY}-bad-token-{'b' * 30}",
    "params": f"{CANARY}-params",
    "result": f"{CANARY}-result",
    "key": f"{CANARY}-key",
    "meta": f"{CANARY}-meta",
    "query": f"{CANARY}-query",
    "user": f"{CANARY}-user",
}
REQUESTS = {"asyncio": 600, "trio": 200}
"""The many for what is rare, the few for what the other event loop does otherwise, and for spans, which take longer."""


class Told(logging.Handler):
    """Everything that is logged, with its traceback, in each of the forms that there are."""

    FORMATTERS = (TextLines(), JsonLines())

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.lines.extend(formatter.format(record) for formatter in self.FORMATTERS)


class Spans(SpanProcessor):
    """All that spans say."""

    def __init__(self) -> None:
        self.told: set[str] = set()

    @override
    def on_end(self, span: ReadableSpan) -> None:
        self.told.add(f"{span.name} {span.attributes} {span.status.description} {span.events} {span.links}")


@pytest.fixture
def told() -> Iterator[Told]:
    handler, root = Told(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


class Careless(Vault):
    """Returns what does not fit, and lets what it was given fail in other models."""

    @override
    async def look(self, call: Any, params: Any) -> Any:
        self.take(call)
        if params.name.endswith("-misfit"):
            return {"not a text": SECRETS["result"]}
        if params.name.endswith("-model"):
            vault.Changed(name=[params.name])
        if params.name.endswith("-emit"):
            await self.publisher.emit(vault.Changed.model_construct(name=[SECRETS["result"]]))
        return SECRETS["result"]


def everything(world: World, client: Any, errors: list[BaseException]) -> Iterator[str]:
    """All that might be shown of what there is."""
    ours, theirs = client.connection, world.server.connections
    for each in (client, ours, ours.session, ours.standing, ours._link, ours.calls, client._dialer, client._gate):
        yield repr(each)
    for one in theirs:
        yield from map(repr, (one, one.identity, one.standing, one.standing._credentials, one._party, one._handlers))
    yield from map(repr, (world.server, world.server._admission, world.people, *world.service.calls))
    for error in errors:
        yield "".join(traceback.format_exception(error))


@pytest.mark.parametrize("times", [1, pytest.param(10, marks=pytest.mark.long)])  # ten thousand of them
async def test_nothing_of_many_requests_is_told(told: Told, anyio_backend_name: str, times: int) -> None:
    errors: dict[str, BaseException] = {}
    people = StaticTokens.of({SECRETS["token"]: vault_owner()})
    metrics, spans, provider, requests = Metrics(), Spans(), TracerProvider(), times * REQUESTS[anyio_backend_name]
    provider.add_span_processor(spans)
    tracing = [] if requests > 500 else [Tracing(provider)]
    all_of_them: dict[str, Any] = {"observers": [LogObserver(), metrics, *tracing]}
    async with guarded(Careless(), people, bound=120, **all_of_them) as world:
        url = world.url.replace("ws://", f"ws://{SECRETS['user']}:x@") + f"/path?secret={SECRETS['query']}"
        async with vault.VaultClient.open(url, token=SECRETS["token"], **all_of_them) as client:
            for number in range(requests // 20):
                await one_of_each(client, number, errors)
            shown = [*told.lines, *everything(world, client, list(errors.values()))]
    shown += [metrics.render(), *spans.told]
    assert len(world.service.calls) >= requests // 2
    assert any("incident" in line for line in told.lines), "what failed was logged"
    for direction in ("incoming", "outgoing"):
        assert f'{{direction="{direction}",action="look",status="ok"}}' in metrics.render()
    assert not tracing or {"vault/look", "vault/store"} <= {text.partition(" ")[0] for text in spans.told}
    assert any("call ended" in line and "action=look" in line for line in told.lines)
    found = {name for name, secret in SECRETS.items() for text in shown if secret in text}
    assert found == set()


def vault_owner() -> Any:
    return Identity(name="owner", roles={"owner"})


async def one_of_each(client: Any, number: int, errors: dict[str, BaseException]) -> None:
    """Twenty requests, some of which fail."""
    params = SECRETS["params"]
    options = CallOptions(key=f"{SECRETS['key']}-{number}", meta={"secret": SECRETS["meta"]})

    async def attempt(call: Any) -> None:
        try:
            await call
        except (CallError, ConnectFailed, TypeError) as error:
            errors[f"{type(error)} {str(error)[:40]}"] = error

    for _ in range(10):
        await attempt(client.look(name=params, options=CallOptions(meta={"secret": SECRETS["meta"]})))
    for ending in ("misfit", "model", "emit"):
        await attempt(client.look(name=f"{params}-{ending}"))
    await attempt(client.store(name=params, options=options))
    await attempt(client.store(name=f"{params}-other", options=options))
    ask = client.connection.calls.ask
    await attempt(ask("look", b'{"name": ["%s"]}' % params.encode()))
    await attempt(ask("look", b'{"%s": 1}' % params.encode()[::-1]))
    await attempt(ask("subscribe", b'{"events": ["changed"], "filter": {"name": "%s"}}' % params.encode()))
    await attempt(client.authenticate(SECRETS["bad token"]))
    client.connection.session.send(b'{"id": "%s", "action": 7}' % params.encode())
    await client.ping()


async def test_a_bad_token_is_told_nowhere(told: Told) -> None:
    async with on_sockets() as world:
        for number in range(50):
            with pytest.raises(ConnectFailed) as refused:
                await vault.VaultClient.connect(world.url, token=f"{SECRETS['bad token']}{number}")
            assert CANARY not in "".join(traceback.format_exception(refused.value))
    assert CANARY not in "\n".join(told.lines)


async def test_a_token_that_no_header_can_hold_is_told_nowhere() -> None:
    with pytest.raises(ValueError, match="the token cannot stand in the header") as refused:
        await vault.VaultClient.connect("ws://127.0.0.1:1", token=f"{CANARY}\nX-Other: 1")  # before it connects
    assert CANARY not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ws://me:canary@host:1/path?canary=1#canary", "ws://host:1/path"),
        ("ws://canary@host", "ws://host"),
        ("ws://host?canary", "ws://host"),
        ("ws://host/path", "ws://host/path"),
        ("http://host/?token=canary", "http://host/"),
        ("host:80?canary", "host:80"),
        ("me:canary@host/path", "host/path"),
        ("ws://[::1]:80/?canary", "ws://[::1]:80/"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert redacted(url) == shown


@pytest.mark.parametrize(
    "url", ["http://me:canary@host/?token=canary", "ws:///path?canary", "host?canary", "ws://canary@host:99999/?canary"]
)
def test_a_wrong_url_is_told_without_its_secrets(url: str) -> None:
    with pytest.raises(ValueError, match="is no URL") as refused:
        vault.VaultClient.open(url)
    assert CANARY not in "".join(traceback.format_exception(refused.value))


async def test_a_result_that_does_not_fit_is_told_by_its_type(told: Told) -> None:
    async with guarded(Careless()) as world, world.client("owner") as client:
        with pytest.raises(Internal):
            await client.look(name="x-misfit")
    assert any("Expected `str`" in line for line in told.lines)


def test_authenticators_keep_their_secrets() -> None:
    key = f"{CANARY}-{'k' * 40}"
    jwt = JwtTokens(key, algorithms=["HS256"], audience=None, issuer=None)
    assert CANARY not in repr(jwt) + repr(StaticTokens.of({key: vault_owner()}))
