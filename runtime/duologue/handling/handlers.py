"""Calls from the peer: each runs its handler in a task of its own and gets exactly one response."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import UNSET
from pydantic import ValidationError

from ..calling.attempts import HANDLER_DEADLINE
from ..descriptors import Action, DownloadAction, Effect, StreamAction, UploadAction
from ..drivers.port import Future, wake
from ..errors import CallError, Ran, ResourceExhausted, Status
from ..events.subscriptions import Subscriptions
from ..events.undeclared import plain_route
from ..models import Params, to_json
from ..session.decisions import IncomingCall, Start, Stop, UploadBroken, UploadPiece
from ..session.outcomes import body_of, explain, incident, unrun
from ..wire import SUBPROTOCOL, ErrorBody
from .answers import Claim
from .builtin import BUILT_IN, BuiltIns
from .giving import granted, send_bytes, send_item
from .keyed import KeyedCalls
from .lingering import Lingering
from .receiving import Receiving
from .running import Running
from .service import Bound, ByteSink, Sink
from .uploads import HeldUploads, Upload

if TYPE_CHECKING:
    from ..connection.connection import Connection


class Handlers:
    """The handlers that run for one connection."""

    __slots__ = (
        "_bound",
        "_connection",
        "_idle",
        "_keyed",
        "_keyed_here",
        "_subscriptions",
        "_uploads",
        "writing",
    )

    def __init__(
        self,
        connection: Connection,
        bound: Mapping[str, Bound],
        keyed: KeyedCalls,
        uploads: HeldUploads,
        subscriptions: Subscriptions | None,
    ) -> None:
        self._connection = connection
        self._bound = bound
        self._subscriptions = subscriptions
        self._keyed = keyed
        self._keyed_here: Lingering | None = None
        self._uploads = uploads
        self._idle: Future | None = None
        self.writing: list[Receiving] = []

    @property
    def _lingering(self) -> Lingering:
        """The keyed calls; most connections have none, and so nothing is kept for them."""
        if self._keyed_here is None:
            self._keyed_here = Lingering(self._connection, self._keyed, self._stop)
        return self._keyed_here

    async def until_idle(self) -> None:
        """Wait until no call of the peer's is being handled."""
        while self._connection.session.incoming:
            self._idle = self._connection.executor.future()
            await self._idle

    async def until_done(self) -> None:
        """Wait until no keyed handler runs that was started here."""
        if self._keyed_here is not None:
            await self._keyed_here.until_done()

    # ------------------------------------------------------------------------------------------------------ decisions
    def start(self, decision: Start) -> None:
        call, connection = decision.call, self._connection
        bound = self._bound.get(call.action)
        if connection.watch is not None:
            connection.watch.accepted(call, known=bound is not None or call.action in BUILT_IN)
        if bound is not None and bound.action is not None:
            action = bound.action
            if call.expires_at is None and action.timeout is not None and not connection.extensions:
                until = connection.executor.now() + action.timeout  # a plain caller cannot say
                connection.session.answering.expire_at(call, until)
            running = Running(
                connection.peer,
                connection,
                action.name,
                call.meta,
                call.key,
                call.expires_at,
                connection.standing.identity,
                id=call.id,
                route=None if call.route is None else plain_route(call.route),
            )
            refusal = self._refusal(call, action)
            if refusal is None and (action.rate is not None or action.concurrency is not None):
                refusal = self._enter(call, action, running)
            if refusal is not None:
                connection.session.answering.refuse(call, refusal)
                return
            if isinstance(action, UploadAction):
                running.receiving = Receiving(connection, self._uploads, call, keep=action.resumable)
            call.owner = running
            assert connection.scope is not None, "decisions are held until there is one"
            running.task = connection.scope.start(self._handle(call, bound, action))
        elif not connection.is_native or not BuiltIns(connection, self._subscriptions, self._handled).answer(call):
            text = f"no action is called {call.action}"
            connection.session.answering.refuse(call, unrun(Status.UNIMPLEMENTED, text))

    def stop(self, decision: Stop) -> None:
        self._stop(decision.call, decision.status)

    def _stop(self, call: IncomingCall, status: Status) -> None:
        running: Running | None = call.owner
        if running is None or running.status is not None:
            return
        running.status = status
        if not running.started:
            running.take_leave()()
            if self._connection.closed is None:
                self._connection.session.answering.refuse(call, unrun(status, "stopped before it started"))
            self._handled()
        if running.entered and running.task is not None:  # else it ends by itself, in its first step
            self._connection.executor.cancel(running.task)
        granted(call)  # a keyed handler goes on without its caller

    def stop_all(self) -> None:
        """Stop every handler, those that go on without their callers too."""
        for call in list(self._connection.session.incoming.values()):
            self._stop(call, Status.UNAUTHENTICATED)
        if self._keyed_here is not None:
            self._keyed_here.stop_all()

    def recheck(self) -> None:
        """Stop the handlers that the peer may not have any more."""
        for call in list(self._connection.session.incoming.values()):
            bound = self._bound.get(call.action)
            if bound is not None and bound.action is not None and self._connection.refusal(bound.action) is not None:
                self._stop(call, Status.PERMISSION_DENIED)

    def take_upload(self, decision: UploadPiece | UploadBroken) -> None:
        running: Running | None = decision.call.owner
        if running is not None and running.receiving is not None and running.receiving.take(decision):
            self.writing.append(running.receiving)

    def write_uploads(self) -> None:
        """All that came in this pass is there."""
        writing, self.writing = self.writing, []
        for receiving in writing:
            receiving.write()

    def _refusal(self, call: IncomingCall, action: Action[Any, Any]) -> ErrorBody | None:
        """Why a call is refused before anything runs, if it is."""
        if (denied := self._connection.refusal(action)) is not None:
            return denied
        if type(action) is not Action and (lacking := _lacking(call, action)) is not None:
            return unrun(Status.FAILED_PRECONDITION, lacking)
        if action.max_request is not None and len(call.params) > action.max_request:
            text = f"params of {len(call.params)} bytes; {action.name} takes at most {action.max_request}"
            return unrun(Status.RESOURCE_EXHAUSTED, text)
        if isinstance(action, UploadAction) and call.upload is not None and call.upload.size > action.max_size:
            text = f"an upload of {call.upload.size} bytes; {action.name} takes at most {action.max_size}"
            return unrun(Status.RESOURCE_EXHAUSTED, text)
        return None

    def _enter(self, call: IncomingCall, action: Action[Any, Any], running: Running) -> ErrorBody | None:
        """Take a place at the gate; a retry that joins the handler of its key needs none."""
        gate, standing = self._connection.gate, self._connection.standing
        if action.effect is Effect.KEYED and call.key and self._lingering.is_running(call.key):
            return None
        refusal = gate.enter(standing.whom, action)
        if refusal is not None and self._connection.watch is not None:
            self._connection.watch.refused("concurrency" if refusal.retry_after is UNSET else "rate")
        if refusal is None:
            running.leave = partial(gate.leave, standing.whom, action)
        return refusal

    def closed(self) -> None:
        """The connection is gone."""
        if self._idle is not None:
            wake(self._idle)

    # ------------------------------------------------------------------------------------------------------- in tasks
    async def _handle(self, call: IncomingCall, bound: Bound, action: Action[Any, Any]) -> None:
        """Run a handler and give the one response."""
        connection, session = self._connection, self._connection.session
        running: Running = call.owner
        running.entered, params, key = True, None, call.key if action.effect is Effect.KEYED else None
        try:
            if running.status is None and not connection.outlet.link.has_room:
                await connection.outlet.room()  # nothing more is done for a peer that does not read what there is
            if running.status is not None:  # stopped, and answered, before it could start
                return
            running.started = True
            params = action.params.from_wire(call.params)
            if key is not None:
                run = partial(self._run, call, bound, action, params)
                await self._lingering.answer(call, key, action, params, partial(_encode, action), run)
            else:
                sink = None if type(action) is Action else self._sink(call, action)
                result = await self._begin(call, bound, params, sink)
                if isinstance(sink, ByteSink):
                    session.transfers.end_download(call, sink.digest())
                if not connection.outlet.link.has_room:
                    await connection.outlet.room()
                session.answering.succeed(call, _encode(action, result))
        except CallError as error:
            if key is None:
                error.ran = Ran.YES  # it may come from a call that this handler made, and did not run there
            session.answering.refuse(call, body_of(error))
        except Exception as error:  # noqa: BLE001 - whatever a handler raises ends its own call, and no other
            if params is None and isinstance(error, ValidationError):
                body = unrun(Status.INVALID_ARGUMENT, explain(error))
            else:
                body = incident(action.name, connection=connection.id, call=call.id)
            session.answering.refuse(call, body)
        except BaseException:  # cancelled: the caller gave up, its deadline passed, or the connection is gone
            status, text = running.stopped_for, "the handler was stopped"
            body = (
                ErrorBody(status, status, text) if running.may_have_run else unrun(status, "stopped before it started")
            )
            session.answering.refuse(call, body)
            raise
        finally:
            self._end(running)

    async def _run(
        self,
        call: IncomingCall,
        bound: Bound,
        action: Action[Any, Any],
        params: Params,
        *,
        claim: Claim,
        upload: Upload | None,
    ) -> bytes:
        """Run the handler of a key; the task that it runs in may outlast the call."""
        call.owner.claim = claim
        try:
            result = await self._begin(call, bound, params, self._sink(call, action) if upload is None else upload)
        except CallError as error:
            error.ran = Ran.YES  # as above
            raise
        if not self._connection.outlet.link.has_room:
            await self._connection.outlet.room()
        return claim.encoded(result)

    def _begin(
        self, call: IncomingCall, bound: Bound, params: Params, more: Sink[Any] | ByteSink | Upload | None
    ) -> Awaitable[Any]:
        """Call the user's handler; what is to be awaited is its own, since each coroutine more is kept as long."""
        connection = self._connection
        running: Running = call.owner
        running.peer, running.identity = connection.peer, connection.standing.identity  # of now, and not of the request
        running.began = True
        if call.expires_at is not None:
            HANDLER_DEADLINE.set(call.expires_at)
        return bound.handler(running, params) if more is None else bound.handler(running, params, more)

    def _sink(self, call: IncomingCall, action: Action[Any, Any]) -> Sink[Any] | ByteSink | None:
        if isinstance(action, StreamAction):
            return Sink(partial(send_item, self._connection, call), action, must_arrive=call.key is None)  # pyright: ignore[reportUnknownArgumentType]
        if isinstance(action, DownloadAction):
            return ByteSink(partial(send_bytes, self._connection, call), action)  # pyright: ignore[reportUnknownArgumentType]
        return None

    def _end(self, running: Running) -> None:
        """Its task ends, and with it the call."""
        task, running.task = running.task, None  # the traceback of its exception leads here: a cycle
        running.receiving = None  # a handler may keep what it was given
        assert task is not None, "it was kept when it was started"
        assert self._connection.scope is not None, "it was started there"
        self._connection.scope.ended(task)
        if running.leave is not None:
            running.take_leave()()
        self._handled()

    def _handled(self) -> None:
        self._connection.outlet.touch()
        if self._idle is not None and not self._connection.session.incoming:
            wake(self._idle)


def _lacking(call: IncomingCall, action: Action[Any, Any]) -> str | None:
    """What a caller would have to say, and did not, for an action that is more than one answer to one request."""
    if isinstance(action, StreamAction) and call.outflow is None:
        return f"{action.name} answers with a stream, which needs the subprotocol {SUBPROTOCOL}"
    if isinstance(action, DownloadAction) and (call.outflow is None or call.stream is None):
        return f"{action.name} answers with a download, which needs the subprotocol {SUBPROTOCOL}"
    if isinstance(action, UploadAction) and (call.upload is None or call.stream is None or call.key is None):
        return f"{action.name} takes an upload, which needs the subprotocol {SUBPROTOCOL}, a stream and a key"
    return None


def _encode(action: Action[Any, Any], result: Any) -> bytes:
    data = to_json(action.result.serializer, result)
    if action.max_response is not None and len(data) > action.max_response:
        raise ResourceExhausted(f"a result of {len(data)} bytes; {action.name} gives at most {action.max_response}")
    return data
