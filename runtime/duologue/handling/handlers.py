"""Calls from the peer: each runs its handler in a task of its own and gets exactly one response."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio.lowlevel
from msgspec import UNSET
from pydantic import ValidationError

from ..calling.attempts import HANDLER_DEADLINE
from ..descriptors import Action, DownloadAction, Effect, StreamAction, UploadAction
from ..drivers.port import Future, Task, Timer, wake
from ..errors import CallError, Ran, ResourceExhausted, Status
from ..events.subscriptions import Subscriptions
from ..events.undeclared import plain_route
from ..models import Params, to_json
from ..session.decisions import IncomingCall, Start, Stop, UploadBroken, UploadPiece
from ..session.flow import Pace
from ..session.outcomes import body_of, explain, incident, unrun
from ..wire import SUBPROTOCOL, ErrorBody
from .builtin import BUILT_IN, BuiltIns
from .keyed import Answer, Claim, KeyedCalls, fingerprint
from .receiving import Receiving
from .running import Running
from .service import Bound, ByteSink, Call, Sink
from .uploads import HeldUploads, Upload

if TYPE_CHECKING:
    from ..connection.connection import Connection

_LOG: Final = logging.getLogger("duologue")


LINGER: Final = 30.0
"""Seconds that a keyed handler may go on after its connection was lost, when its caller set no deadline."""


class Handlers:
    """The handlers that run for one connection."""

    __slots__ = (
        "_bound",
        "_built_in",
        "_connection",
        "_idle",
        "_keyed",
        "_lingered",
        "_lingering",
        "_uploads",
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
        self._built_in = BuiltIns(connection, subscriptions, self._handled)
        self._keyed = keyed
        self._uploads = uploads
        self._lingering: dict[int, str] = {}
        self._lingered: Future | None = None
        self._idle: Future | None = None

    async def until_idle(self) -> None:
        """Wait until no call of the peer's is being handled."""
        while self._connection.session.incoming:
            self._idle = self._connection.executor.future()
            await self._idle

    async def until_done(self) -> None:
        """Wait until no keyed handler runs that was started here."""
        while self._lingering:
            self._lingered = self._connection.executor.future()
            await self._lingered

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
            running = Running()
            refusal = self._refusal(call, action)
            if refusal is None and (action.rate is not None or action.concurrency is not None):
                refusal = self._enter(call, action, running)
            if refusal is not None:
                connection.session.answering.refuse(call, refusal)
                return
            if isinstance(action, UploadAction):
                running.receiving = Receiving(connection, self._uploads, call, keep=action.resumable)
            call.owner = running
            running.task = connection.spawn(self._handle, call, bound, action)
        elif not connection.is_native or not self._built_in.answer(call):
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
        if running.entered:  # else it ends by itself, in its first step
            running.task.cancel()
        self.granted(call)  # a keyed handler goes on without its caller

    def stop_all(self) -> None:
        """Stop every handler, those that go on without their callers too."""
        for call in list(self._connection.session.incoming.values()):
            self._stop(call, Status.UNAUTHENTICATED)
        for key in list(self._lingering.values()):
            self._keyed.give_up(self._connection.identity.name, key)

    def recheck(self) -> None:
        """Stop the handlers that the peer may not have any more."""
        for call in list(self._connection.session.incoming.values()):
            bound = self._bound.get(call.action)
            if bound is not None and bound.action is not None and self._connection.refusal(bound.action) is not None:
                self._stop(call, Status.PERMISSION_DENIED)

    def granted(self, call: IncomingCall) -> None:
        """The caller takes more, or nothing any more."""
        running: Running | None = call.owner
        if running is None:  # what is built in gives nothing a piece at a time
            return
        for waiting in list(running.credit):  # several tasks of the handler may wait
            wake(waiting)

    def take_upload(self, decision: UploadPiece | UploadBroken) -> None:
        running: Running | None = decision.call.owner
        if running is not None and running.receiving is not None:
            running.receiving.take(decision)

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
        if action.effect is Effect.KEYED and call.key and self._keyed.is_running(standing.identity.name, call.key):
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

    async def send_item(self, call: IncomingCall, item: bytes) -> bool:
        """Send an item of a stream once its caller takes it; False when the connection is gone."""
        if not await self._connection.outlet.room() or not await self._room_for(call):  # credit last: tasks share it
            return False
        self._connection.session.answering.send_item(call, item)
        self._connection.outlet.touch()
        return True

    async def send_bytes(self, call: IncomingCall, data: memoryview) -> bool:
        """Send bytes of a download as its caller takes them; False when the connection is gone."""
        while data:
            if not await self._room_for(call) or not await self._connection.outlet.clear():
                return False
            assert call.outflow is not None, "a download is only started for a caller that takes bytes"
            connection, pace = self._connection, self._pace(call)
            most = min(len(data), call.outflow.room, connection.session.piece_size)
            piece = data[: pace.next(connection.executor.now(), most)]
            connection.session.transfers.download(call, piece)
            connection.outlet.flush()
            data = data[len(piece) :]
            await anyio.lowlevel.checkpoint()  # calls go first
        return self._connection.closed is None

    def _pace(self, call: IncomingCall) -> Pace:
        running: Running = call.owner
        if running.pace is None:
            running.pace = Pace(self._connection.executor.now())
        return running.pace

    async def _room_for(self, call: IncomingCall) -> bool:
        """Wait until the caller takes more; False when the connection is gone."""
        connection, running, flow = self._connection, call.owner, call.outflow
        while connection.closed is None and (flow is None or flow.room <= 0):
            waiting = connection.executor.future()
            running.credit[waiting] = None
            try:
                await waiting
            finally:
                running.credit.pop(waiting, None)
        return connection.closed is None

    # ------------------------------------------------------------------------------------------------------- in tasks
    async def _handle(self, call: IncomingCall, bound: Bound, action: Action[Any, Any]) -> None:
        """Run a handler and give the one response."""
        session = self._connection.session
        running: Running = call.owner
        running.entered = True
        if running.status is None and not self._connection.outlet.has_room:
            await self._connection.outlet.room()  # nothing more is done for a peer that does not read what there is
        if running.status is not None:  # stopped, and answered, before it could start
            return
        running.started = True
        try:
            params = action.params.from_wire(call.params)
        except ValidationError as error:
            session.answering.refuse(call, unrun(Status.INVALID_ARGUMENT, explain(error)))
            running.take_leave()()
            self._handled()
            return
        try:
            if action.effect is Effect.KEYED and call.key is not None:
                await self._answer_keyed(call, call.key, bound, action, params)
            else:
                session.answering.succeed(call, await self._run(call, bound, action, params))
        except CallError as error:
            session.answering.refuse(call, body_of(error))
        except Exception:  # noqa: BLE001 - whatever a handler raises ends its own call, and no other
            session.answering.refuse(call, incident(action.name, connection=self._connection.id, call=call.id))
        except BaseException:  # cancelled: the caller gave up, its deadline passed, or the connection is gone
            status, text = running.stopped_for, "the handler was stopped"
            body = (
                ErrorBody(status, status, text) if running.may_have_run else unrun(status, "stopped before it started")
            )
            session.answering.refuse(call, body)
            raise
        finally:
            if running.leave is not None:
                running.take_leave()()
            self._handled()

    async def _run(
        self,
        call: IncomingCall,
        bound: Bound,
        action: Action[Any, Any],
        params: Params,
        *,
        claim: Claim | None = None,
        upload: Upload | None = None,
    ) -> bytes:
        connection = self._connection
        sink = self._sink(call, action) if type(action) is not Action else None
        if call.expires_at is not None:
            HANDLER_DEADLINE.set(call.expires_at)
        context: Call[Any] = Call(
            connection.peer,
            connection,
            action.name,
            meta=call.meta,
            key=call.key,
            deadline=call.expires_at,
            identity=connection.identity,
            claim=claim,
            id=call.id,
            route=None if call.route is None else plain_route(call.route),
        )
        call.owner.began = True
        try:
            if sink is not None:
                result = await bound.handler(context, params, sink)
            elif upload is not None:
                result = await bound.handler(context, params, upload)
            else:
                result = await bound.handler(context, params)
        except CallError as error:
            error.ran = Ran.YES  # it may come from a call that this handler made, and did not run there
            raise
        if isinstance(sink, ByteSink):
            connection.session.transfers.end_download(call, sink.digest())
        if not connection.outlet.has_room:
            await connection.outlet.room()
        return _encode(action, result)

    def _sink(self, call: IncomingCall, action: Action[Any, Any]) -> Sink[Any] | ByteSink | None:
        if isinstance(action, StreamAction):
            return Sink(partial(self.send_item, call), action, must_arrive=call.key is None)  # pyright: ignore[reportUnknownArgumentType]
        if isinstance(action, DownloadAction):
            return ByteSink(partial(self.send_bytes, call), action)  # pyright: ignore[reportUnknownArgumentType]
        return None

    async def _answer_keyed(
        self, call: IncomingCall, key: str, bound: Bound, action: Action[Any, Any], params: Params
    ) -> None:
        """Answer with what the one handler for this key gives, now or earlier, here or on another connection."""
        connection, mark = self._connection, fingerprint(action.name, params.to_wire(), call.upload)
        claim = Claim(connection.identity.name, key, mark, partial(_encode, action))
        upload: Receiving | None = call.owner.receiving
        try:
            if upload is not None:
                if not await self._keyed.knows(claim.identity, key):
                    await upload.receive(claim)
                upload.passed = True
            call.owner.began = self._keyed.is_running(claim.identity, key)  # for another call, and for this one too
            answer, replayed = await self._keyed.answer(
                claim.identity,
                key,
                mark,
                partial(self._run_keyed, call, bound, action, params, claim, upload),
                partial(self._spawn_keyed, call, upload),
                _Wait(connection, call),
            )
        finally:
            if upload is not None:
                upload.release()
        if answer.error is not None:
            connection.session.answering.refuse(call, answer.error, replayed=replayed)
        else:
            connection.session.answering.succeed(call, answer.data or b"null", replayed=replayed)

    async def _run_keyed(
        self,
        call: IncomingCall,
        bound: Bound,
        action: Action[Any, Any],
        params: Params,
        claim: Claim,
        upload: Receiving | None,
    ) -> Answer:
        body: Upload | None = None
        leave = call.owner.take_leave()  # the place is the handler's, which may outlive its caller's connection
        try:
            if upload is not None:
                body = upload.opened()
            return Answer(claim.mark, data=await self._run(call, bound, action, params, claim=claim, upload=body))
        except CallError as error:
            return Answer(claim.mark, error=body_of(error))
        except Exception:  # noqa: BLE001 - as for a call without a key; the key is spent all the same
            return Answer(claim.mark, error=incident(action.name, connection=self._connection.id, call=call.id))
        finally:
            leave()
            if body is not None:
                body.close()

    def _spawn_keyed(
        self, call: IncomingCall, upload: Receiving | None, body: Callable[[], Coroutine[Any, Any, None]]
    ) -> Task:
        if upload is not None:
            upload.start()
        self._lingering[id(call)] = key = call.key or ""
        limit: Timer | None = None
        if call.expires_at is not None:
            limit = self._connection.executor.call_at(call.expires_at, partial(self._expire, call, key))
        return self._connection.detach(self._linger, call, body, upload, limit)

    def _expire(self, call: IncomingCall, key: str) -> None:
        """The time of the call that a keyed handler was started for is up: first that call ends, if it still waits."""
        self._stop(call, Status.DEADLINE_EXCEEDED)
        self._keyed.give_up(self._connection.identity.name, key)

    async def _linger(
        self,
        call: IncomingCall,
        body: Callable[[], Coroutine[Any, Any, None]],
        upload: Receiving | None,
        limit: Timer | None,
    ) -> None:
        """Run a keyed handler: it goes on when the connection is lost, so that a retry finds it."""
        try:
            await body()
        finally:
            if upload is not None:
                upload.drop()
            if limit is not None:
                limit.cancel()
            del self._lingering[id(call)]
            if self._lingered is not None and not self._lingering:
                wake(self._lingered)

    def _handled(self) -> None:
        self._connection.outlet.touch()
        if self._idle is not None and not self._connection.session.incoming:
            wake(self._idle)


class _Wait:
    """How a keyed call waits for its answer."""

    def __init__(self, connection: Connection, call: IncomingCall) -> None:
        self.executor = connection.executor
        self._connection = connection
        self._call = call

    def lingers(self) -> float | None:
        if self._connection.closed is None:
            return None
        return self.executor.now() + LINGER if self._call.expires_at is None else self._call.expires_at


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
