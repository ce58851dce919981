"""Keyed calls of one connection: each gets the answer of the one handler for its key, which may outlast them both."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from ..descriptors import Action
from ..drivers.port import Future, Task, Timer, wake
from ..errors import CallError, Status
from ..models import Params
from ..session.decisions import IncomingCall
from ..session.outcomes import body_of, incident
from .answers import Answer, Claim
from .keyed import KeyedCalls, fingerprint
from .receiving import Receiving
from .uploads import Upload

if TYPE_CHECKING:
    from ..connection.connection import Connection

LINGER: Final = 30.0
"""Seconds that a keyed handler may go on after its connection was lost, when its caller set no deadline."""


class Run(Protocol):
    """Runs the user's handler for a claim; gives its result as JSON."""

    async def __call__(self, *, claim: Claim, upload: Upload | None) -> bytes: ...


class Lingering:
    """The keyed handlers that were started for one connection, and whoever waits for one.

    Args:
        stop: Stops the handler of a call, for a reason.
    """

    __slots__ = ("_connection", "_done", "_keyed", "_stop", "keys")

    def __init__(self, connection: Connection, keyed: KeyedCalls, stop: Callable[[IncomingCall, Status], None]) -> None:
        self.keys: dict[int, str] = {}
        self._connection = connection
        self._keyed = keyed
        self._stop = stop
        self._done: Future | None = None

    async def until_done(self) -> None:
        """Wait until no keyed handler runs that was started here."""
        while self.keys:
            self._done = self._connection.executor.future()
            await self._done

    def is_running(self, key: str) -> bool:
        """Whether a handler runs for this key of the peer's, wherever it was started."""
        return self._keyed.is_running(self._connection.identity.name, key)

    def stop_all(self) -> None:
        """Stop every handler that was started here."""
        for key in list(self.keys.values()):
            self._keyed.give_up(self._connection.identity.name, key)

    async def answer(
        self,
        call: IncomingCall,
        key: str,
        action: Action[Any, Any],
        params: Params,
        encode: Callable[[Any], bytes],
        run: Run,
    ) -> None:
        """Answer with what the one handler for this key gives, now or earlier, here or on another connection."""
        connection, mark = self._connection, fingerprint(action.name, params.to_wire(), call.upload)
        claim = Claim(connection.identity.name, key, mark, encode, connection.identity.token_id)
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
                partial(self._run, call, claim, upload, run),
                partial(self._spawn, call, upload),
                _Wait(connection, call),
            )
        finally:
            if upload is not None:
                upload.release()
        if answer.error is not None:
            connection.session.answering.refuse(call, answer.error, replayed=replayed)
        else:
            connection.session.answering.succeed(call, answer.data or b"null", replayed=replayed)

    async def _run(self, call: IncomingCall, claim: Claim, upload: Receiving | None, run: Run) -> Answer:
        body: Upload | None = None
        leave = call.owner.take_leave()  # the place is the handler's, which may outlive its caller's connection
        try:
            if upload is not None:
                body = upload.opened()
            return Answer(claim.mark, data=await run(claim=claim, upload=body))
        except CallError as error:
            return Answer(claim.mark, error=body_of(error))
        except Exception:  # noqa: BLE001 - as for a call without a key; the key is spent all the same
            return Answer(claim.mark, error=incident(call.action, connection=self._connection.id, call=call.id))
        finally:
            leave()
            if body is not None:
                body.close()

    def _spawn(
        self, call: IncomingCall, upload: Receiving | None, body: Callable[[], Coroutine[Any, Any, None]]
    ) -> Task:
        if upload is not None:
            upload.start()
        self.keys[id(call)] = key = call.key or ""
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
            del self.keys[id(call)]
            if self._done is not None and not self.keys:
                wake(self._done)


class _Wait:
    """How a keyed call waits for its answer."""

    def __init__(self, connection: Connection, call: IncomingCall) -> None:
        self.executor = connection.executor
        self._connection = connection
        self._call = call

    def lingers(self) -> float | None:
        if self._connection.closed is None:
            return None
        until = self.executor.now() + LINGER if self._call.expires_at is None else self._call.expires_at
        return min(until, self._connection.standing.ends_at)  # the caller's own time may be up before
