"""Spans of OpenTelemetry for calls, with the extra `duologue[otel]`; trace context travels in `meta`.

Names and attributes are those of the semantic conventions for RPC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from typing_extensions import override

from .errors import Status
from .handling.interceptors import HandlerNext
from .handling.service import Call
from .observing.observer import OTHER, Direction, ObservedCall, Observer, Outcome
from .wire.messages import MAX_META

try:
    from opentelemetry.context import Context
    from opentelemetry.trace import (
        Span,
        SpanKind,
        StatusCode,
        TracerProvider,
        get_tracer,
        set_span_in_context,
        use_span,
    )
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError as error:
    raise ImportError("duologue.otel needs opentelemetry-api: pip install 'duologue[otel]'") from error

SYSTEM: Final = "duologue"

SERVER_FAULTS: Final = frozenset(
    {
        Status.UNKNOWN,
        Status.DEADLINE_EXCEEDED,
        Status.UNIMPLEMENTED,
        Status.INTERNAL,
        Status.UNAVAILABLE,
        Status.DATA_LOSS,
    }
)
"""Statuses that make the called end's span an error, as for gRPC: the others are the caller's affair."""

_STATE: Final = re.compile(
    r"""[ \t]*(?:
        (?:[a-z][a-z0-9_*/-]{0,255} | [a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})
        =[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e][ \t]*
    )?""",
    re.VERBOSE,
)
"""A member of a `tracestate`, or nothing (W3C Trace Context, section 3.3.1.3)."""

_W3C: Final = TraceContextTextMapPropagator()


class Tracing(Observer):
    """Makes a span for each request, on either end: a child of what runs where it is made, and of it on the other end.

    Give it as an observer, and `handler` as an interceptor to whoever has handlers, so that what they do belongs to
    their call's span. Nothing of params, results or messages of errors is in a span.

    Args:
        provider: Where spans go; the global tracer provider when not given.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._tracer = get_tracer(SYSTEM, tracer_provider=provider)
        self._spans: dict[tuple[int, Direction, str], Span] = {}

    async def handler(self, call: Call[Any], params: Any, proceed: HandlerNext) -> Any:
        """An interceptor of handlers: makes the call's span the current one."""
        span = self._spans.get((call.connection.id, Direction.INCOMING, call.id))
        if span is None:  # an event, or an observer was not given
            return await proceed(call, params)
        with use_span(span, record_exception=False, set_status_on_exception=False):
            return await proceed(call, params)

    @override
    def call_started(self, call: ObservedCall) -> None:
        outgoing = call.direction is Direction.OUTGOING
        span = self._tracer.start_span(
            _method(call) if call.known else SYSTEM,
            context=None if outgoing else _extract(call.meta),
            kind=SpanKind.CLIENT if outgoing else SpanKind.SERVER,
            attributes=_attributes(call),
        )
        self._spans[_key(call)] = span
        if outgoing:
            _inject(span, call.meta)

    @override
    def call_ended(self, call: ObservedCall, outcome: Outcome) -> None:
        span = self._spans.pop(_key(call))
        span.set_attribute("rpc.response.status_code", outcome.status or "ok")
        if outcome.incident is not None:
            span.set_attribute("duologue.incident", outcome.incident)
        if outcome.status is not None and (call.direction is Direction.OUTGOING or outcome.status in SERVER_FAULTS):
            made_here = outcome.code in ("not_sent", "outcome_unknown")
            span.set_attribute("error.type", str(outcome.code if made_here else outcome.status))
            span.set_status(StatusCode.ERROR)
        span.end()


def _key(call: ObservedCall) -> tuple[int, Direction, str]:
    return call.connection.id, call.direction, call.id


def _method(call: ObservedCall) -> str:
    return f"{call.connection.protocol}/{call.action}" if call.known else OTHER


def _attributes(call: ObservedCall) -> dict[str, str | int]:
    connection = call.connection
    attributes: dict[str, str | int] = {
        "rpc.system.name": SYSTEM,
        "rpc.method": _method(call),
        "network.peer.address": connection.network_address,
    }
    if not call.known:
        attributes["rpc.method_original"] = call.action[:64]
    if call.direction is Direction.INCOMING:
        attributes["client.address"] = connection.peer_address
    elif (server := connection.server_address) is not None:
        attributes["server.address"], attributes["server.port"] = server
    else:  # a server calls: the other end has no address to be called at, but for the one that it came from
        attributes["server.address"] = connection.peer_address
    return attributes


def _extract(meta: Mapping[str, str]) -> Context:
    """The trace that the other end goes on with. The library logs a state that is none, and a peer's words with it."""
    if not all(map(_STATE.fullmatch, meta.get("tracestate", "").split(","))):
        meta = {name: value for name, value in meta.items() if name != "tracestate"}
    return _W3C.extract(meta, context=Context())


def _inject(span: Span, meta: dict[str, str]) -> None:
    """Let the other end go on with the trace, unless there is no room left for that."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, context=set_span_in_context(span))
    size = sum(len(name.encode()) + len(value.encode()) for name, value in (meta | carrier).items())
    if size > MAX_META:
        carrier.pop("tracestate", None)  # the lesser part
        size = sum(len(name.encode()) + len(value.encode()) for name, value in (meta | carrier).items())
    if size <= MAX_META:
        meta.update(carrier)
