"""Spans: one for each request on each end, children of what they should be, across the wire and in both directions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import anyio
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode, get_current_span
from tests.runtime.chat import ChatClient, ChatPeer, EchoParams, Waved
from tests.runtime.support import BOUND, Guest, Room, until
from typing_extensions import override

from duologue import Call, CallError, CallOptions, Interceptors, Server, serve
from duologue.access.proxies import Proxies
from duologue.otel import Tracing

pytestmark = pytest.mark.anyio


class Traces:
    """Where spans go, and what is asked of them."""

    def __init__(self, **options: Any) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(**options)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("test")

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._exporter.get_finished_spans()

    def of(self, name: str, kind: SpanKind) -> ReadableSpan:
        [found] = [span for span in self.spans if span.name == name and span.kind is kind]
        return found


def child(span: ReadableSpan, parent: ReadableSpan) -> bool:
    """Whether one span is another's child, in one trace."""
    assert span.context is not None
    assert parent.context is not None
    return (
        span.parent is not None
        and span.parent.span_id == parent.context.span_id
        and span.context.trace_id == parent.context.trace_id
    )


@asynccontextmanager
async def traced(
    room: Room | None = None, traces: Traces | None = None
) -> AsyncGenerator[tuple[ChatClient, Traces, Server[ChatPeer]]]:
    """A client and a server that trace, each with a `Tracing` of its own."""
    traces = traces or Traces()
    here, there = Tracing(traces.provider), Tracing(traces.provider)
    with anyio.fail_after(BOUND):
        async with (
            serve(room or Room(), observers=[there], interceptors=Interceptors(handlers=[there.handler])) as server,
            ChatClient.open(
                f"ws://127.0.0.1:{server.port}",
                serve=Guest(),
                observers=[here],
                interceptors=Interceptors(handlers=[here.handler]),
            ) as client,
        ):
            yield client, traces, server
    assert not here._spans
    assert not there._spans


async def test_a_call_is_a_span_on_each_end_the_called_one_a_child_of_the_callers() -> None:
    async with traced() as (client, traces, server):
        with traces.tracer.start_as_current_span("mine"):
            await client.echo(text="a")
        port = server.port
    mine = traces.of("mine", SpanKind.INTERNAL)
    ours, theirs = traces.of("chat/echo", SpanKind.CLIENT), traces.of("chat/echo", SpanKind.SERVER)
    assert child(ours, mine)
    assert child(theirs, ours)
    assert theirs.parent is not None
    assert theirs.parent.is_remote
    assert dict(ours.attributes or {}) == {
        "rpc.system.name": "duologue",
        "rpc.method": "chat/echo",
        "rpc.response.status_code": "ok",
        "server.address": "127.0.0.1",
        "server.port": port,
        "network.peer.address": "127.0.0.1",
    }
    assert dict(theirs.attributes or {}) == {
        "rpc.system.name": "duologue",
        "rpc.method": "chat/echo",
        "rpc.response.status_code": "ok",
        "client.address": "127.0.0.1",
        "network.peer.address": "127.0.0.1",
    }
    assert ours.status.status_code is theirs.status.status_code is StatusCode.UNSET


async def test_the_client_of_a_proxy_is_told_apart_from_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    def client_of(*_: object) -> str:
        return "192.0.2.1"

    monkeypatch.setattr(Proxies, "client_of", client_of)
    async with traced() as (client, traces, _):
        await client.echo(text="a")
    told = traces.of("chat/echo", SpanKind.SERVER).attributes or {}
    assert (told["client.address"], told["network.peer.address"]) == ("192.0.2.1", "127.0.0.1")


async def test_calls_back_are_children_of_the_handler_that_makes_them() -> None:
    async with traced() as (client, traces, _):
        assert await client.ask(depth=2) == 2
    names = ("chat/ask", SpanKind.CLIENT), ("chat/ask", SpanKind.SERVER)
    asks = [[span for span in traces.spans if (span.name, span.kind) == each] for each in names]
    back, answered = traces.of("chat/ask_back", SpanKind.CLIENT), traces.of("chat/ask_back", SpanKind.SERVER)
    (inner_out, outer_out), (inner_in, outer_in) = asks
    chain = [outer_out, outer_in, back, answered, inner_out, inner_in]
    assert outer_out.parent is None
    assert all(child(below, above) for above, below in pairwise(chain))
    assert (back.attributes or {})["server.address"] == "127.0.0.1"


class Working(Room):
    """Handlers that make spans of their own."""

    def __init__(self, traces: Traces) -> None:
        super().__init__()
        self.traces = traces

    @override
    async def echo(self, call: Call[ChatPeer], params: EchoParams) -> Any:
        await anyio.sleep(0.01)
        with self.traces.tracer.start_as_current_span(f"work on {params.text}"):
            await anyio.sleep(0.01)
        return await super().echo(call, params)


async def test_what_handlers_do_at_the_same_time_belongs_to_their_own_calls() -> None:
    traces = Traces()
    async with traced(Working(traces), traces) as (client, _, _), anyio.create_task_group() as tasks:
        for text in "abc":

            async def one(text: str = text) -> None:
                with traces.tracer.start_as_current_span(f"ask for {text}"):
                    await client.echo(text=text)

            tasks.start_soon(one)
    spans = {span.context.span_id: span for span in traces.spans if span.context is not None}
    for text in "abc":
        work, asked = (traces.of(f"{what} {text}", SpanKind.INTERNAL) for what in ("work on", "ask for"))
        assert work.parent is not None
        theirs = spans[work.parent.span_id]
        assert theirs.parent is not None
        assert child(spans[theirs.parent.span_id], asked)


async def test_events_are_handled_without_a_span() -> None:
    room = Room()
    async with traced(room) as (client, traces, _):
        await client.notify(Waved(who="me"))
        await until(lambda: room.waved)
        assert not traces.spans


async def test_streams_are_spans_until_their_end() -> None:
    async with traced() as (client, traces, _):
        async with client.count(upto=3) as numbers:
            assert [number.value async for number in numbers] == [0, 1, 2]
    assert child(traces.of("chat/count", SpanKind.SERVER), traces.of("chat/count", SpanKind.CLIENT))


@pytest.mark.parametrize(("text", "status", "fault"), [("none", "not_found", False), ("boom", "internal", True)])
async def test_errors_are_the_callers_and_faults_are_both_ends(text: str, status: str, fault: bool) -> None:
    async with traced() as (client, traces, _):
        with pytest.raises(CallError) as caught:
            await client.echo(text=text)
    ours, theirs = traces.of("chat/echo", SpanKind.CLIENT), traces.of("chat/echo", SpanKind.SERVER)
    for span, failed in ((ours, True), (theirs, fault)):
        attributes = span.attributes or {}
        assert attributes["rpc.response.status_code"] == status
        assert attributes.get("error.type") == (status if failed else None)
        assert span.status.status_code is (StatusCode.ERROR if failed else StatusCode.UNSET)
        assert span.status.description is None
        assert not span.events
        assert ("duologue.incident" in attributes) == fault
        assert not fault or str(attributes["duologue.incident"]) in str(caught.value)


async def test_actions_that_peers_invent_are_one_method() -> None:
    async with traced() as (client, traces, _):
        with pytest.raises(CallError):
            await client.connection.calls.ask("invented", b"{}")
    theirs = traces.of("duologue", SpanKind.SERVER)
    assert theirs.attributes is not None
    assert theirs.attributes["rpc.method"] == "_OTHER"
    assert theirs.attributes["rpc.method_original"] == "invented"
    assert theirs.attributes["error.type"] == "unimplemented"


async def test_a_call_that_is_lost_ends_its_spans() -> None:
    room = Room()
    async with traced(room) as (client, traces, _):
        async with anyio.create_task_group() as tasks:

            async def nap() -> None:
                with pytest.raises(CallError):
                    await client.nap(seconds=10)

            tasks.start_soon(nap)
            await until(lambda: room.running)
            client.connection.abort()
        await until(lambda: len(traces.spans) == 2)
    ours = traces.of("chat/nap", SpanKind.CLIENT)
    assert (ours.attributes or {})["error.type"] == "outcome_unknown"
    assert (traces.of("chat/nap", SpanKind.SERVER).attributes or {})["rpc.response.status_code"] == "cancelled"


async def test_where_there_is_no_room_in_meta_the_call_goes_out_all_the_same() -> None:
    room = Room()
    async with traced(room) as (client, _, _):
        await client.echo(text="a", options=CallOptions(meta={"mine": "x" * 4000}))
        await client.echo(text="a", options=CallOptions(meta={"mine": "x" * 4090}))
    assert ["traceparent" in call.meta for call in room.calls] == [True, False]


async def test_what_is_no_trace_context_begins_a_trace() -> None:
    async with serve_alone() as (server, traces), ChatClient.open(f"ws://127.0.0.1:{server.port}") as client:
        for sent in ({}, {"traceparent": "nonsense"}, {"traceparent": "00-" + "0" * 32 + "-" + "0" * 16 + "-01"}):
            await client.echo(text="a", options=CallOptions(meta=sent))
    assert [span.parent for span in traces.spans] == [None] * 3


@pytest.mark.parametrize(
    "state",
    ["a=secret\nINFO forged", "=secret", "A=secret", "a=", "a=secret=", "9=secret", "a=\N{SNOWMAN}", f"a={'x' * 257}"],
)
async def test_nothing_is_logged_of_what_is_no_trace_state(state: str, caplog: pytest.LogCaptureFixture) -> None:
    meta = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": f"vendor=1,{state}"}
    async with serve_alone() as (server, traces), ChatClient.open(f"ws://127.0.0.1:{server.port}") as client:
        await client.echo(text="a", options=CallOptions(meta=meta))
    [span] = traces.spans
    assert span.context is not None
    assert (span.context.trace_id, span.context.trace_state.to_header()) == (int("a" * 32, 16), "")
    assert not caplog.records


@pytest.mark.parametrize("state", ["vendor=1", "vendor=1,9a/b*c-d_@x= !~"])
async def test_trace_state_is_carried_on(state: str) -> None:
    meta = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": state}
    async with serve_alone() as (server, traces), ChatClient.open(f"ws://127.0.0.1:{server.port}") as client:
        await client.echo(text="a", options=CallOptions(meta=meta))
    [span] = traces.spans
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == "a" * 32
    assert span.context.trace_state.to_header() == state


@asynccontextmanager
async def serve_alone() -> AsyncGenerator[tuple[Server[ChatPeer], Traces]]:
    """A server that traces, for clients that do not."""
    traces = Traces()
    with anyio.fail_after(BOUND):
        async with serve(Room(), observers=[Tracing(traces.provider)]) as server:
            yield server, traces


async def test_what_is_not_sampled_is_told_to_the_other_end() -> None:
    room = Room()
    async with traced(room, Traces(sampler=ALWAYS_OFF)) as (client, traces, _):
        await client.echo(text="a")
    assert traces.spans == ()
    flags = int(room.calls[0].meta["traceparent"].rpartition("-")[2], 16)
    assert not flags & 1, "the bit that says that it is sampled"
    assert not get_current_span().get_span_context().is_valid


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import duologue, sys; print([name for name in sys.modules if 'opentelemetry' in name])", "[]"),
        (
            "import sys; sys.modules['opentelemetry'] = None; import duologue.otel",
            "duologue.otel needs opentelemetry-api: pip install 'duologue[otel]'",
        ),
    ],
)
def test_nothing_of_it_is_imported_unless_asked_for(program: str, said: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    last = (done.stdout + done.stderr).splitlines()[-1]
    assert last.removeprefix("ImportError: ") == said
